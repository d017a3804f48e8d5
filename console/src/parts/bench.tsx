// SPDX-License-Identifier: Apache-2.0
// bench.tsx - where a matter is worked: its clocks, the moves allowed now with one key each, its journal.
// Nothing here knows a loop: names, keys, fields and reasons come with the matter.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get, post, sentence } from "../kit/api";
import { alarms, matters, mine, units } from "../kit/city";
import { useDraft } from "../kit/draft";
import { amount } from "../kit/amount";
import { cap, t, tx } from "../kit/i18n";
import { useKeys, type Key } from "../kit/keys";
import type { JournalRow, MatterFull, Move } from "../kit/model";
import { lookText, loop, meta, roleText, stateText } from "../kit/session";
import { instant, num } from "../kit/time";
import { Kbd, When } from "./bits";
import { ClockBar } from "./clockbar";
import { Fields, filled, lackOf, missing, toLack } from "./form";

export function Clocks({ matter }: { matter: MatterFull }) {
  const rows = [...matter.clocks].sort((a, b) => Number(a.state === "stopped") - Number(b.state === "stopped"));
  return <div class="clocks">{rows.map((c) => <ClockBar key={c.name} clock={c} full={c.state !== "stopped"} />)}</div>;
}

/** The bar of moves. `more`: actions of the page itself, with their keys. */
export function Moves({ matter, ground, changed, more = [], big = false }: {
  matter: MatterFull; ground: string; changed: (m: MatterFull) => void; more?: (Key & { tone?: string })[]; big?: boolean;
}) {
  const [open, setOpen] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const [wrong, setWrong] = useState<{ field: string; text: string } | null>(null);
  const move = matter.moves.find((m) => m.name === open) ?? null;

  useEffect(() => { setOpen(null); setError(""); setWrong(null); }, [matter.id]);
  useEffect(() => { if (open && !matter.moves.some((m) => m.name === open && m.allowed)) setOpen(null); }, [matter.seq]);

  const make = async (m: Move, fields: Record<string, unknown>): Promise<boolean> => {
    if (busy) return false;
    setBusy(true);
    setError("");
    setWrong(null);
    try {
      const after = await post<MatterFull>(`/matters/${encodeURIComponent(matter.id)}/moves`, { move: m.name, seq: matter.seq, fields });
      setOpen(null);
      matters.put(after);
      if (mine.find(after.id)) mine.put(after);
      void refreshAlarm(after.alarm, after);
      changed(after);
      return true;
    } catch (e) {
      setError(sentence(e));
      if (e instanceof ApiError && e.field) setWrong({ field: e.field.replace(/^fields\./, ""), text: e.say() });
      if (e instanceof ApiError && (e.code === "conflict" || e.code === "state")) {
        // Somebody else was first: fetch again, keep what was typed.
        get<MatterFull>(`/matters/${encodeURIComponent(matter.id)}`).then(changed, () => undefined);
      }
      return false;
    } finally {
      setBusy(false);
    }
  };
  const begin = (m: Move) => {
    setError("");
    setWrong(null);
    if (!m.allowed) {
      setError(tx(m.reason) || t("move.not_now"));
    } else if (m.fields.some((f) => f.type !== "files" || f.required)) {
      setOpen(m.name);
    } else {
      void make(m, {});
    }
  };

  useKeys([
    ...matter.moves.filter((m) => m.key).map((m) => ({ key: m.key!, label: cap(tx(m)), run: () => begin(m), why: m.allowed ? null : tx(m.reason) })),
    ...more.filter((k) => !matter.moves.some((m) => m.key === k.key)),
    ...(open ? [{ key: "escape", label: t("move.cancel"), run: () => setOpen(null) }] : []),
  ]);

  return (
    <div class={big ? "moves moves-big" : "moves"}>
      {error && !wrong && <p class="moves-error" role="alert">{error}</p>}
      {move && (
        <MoveForm key={`${matter.id}/${move.name}`} matter={matter} move={move} ground={ground} busy={busy} wrong={wrong}
          make={(f) => make(move, f)} cancel={() => setOpen(null)} />
      )}
      <div class="moves-bar" role="toolbar" aria-label={t("move.bar")}>
        {[...matter.moves].sort((a, b) => Number(b.allowed) - Number(a.allowed)).map((m) => (
          <button key={m.name} class={`move tone-${m.tone ?? "plain"}`} data-move={m.name} aria-disabled={!m.allowed || busy} aria-expanded={m.fields.length ? open === m.name : undefined}
            title={m.allowed ? undefined : tx(m.reason)} onClick={() => begin(m)}>
            <Kbd k={m.key} /> {cap(tx(m))}
          </button>
        ))}
        {more.map((k) => (
          <button key={k.key} class={`move tone-${k.tone ?? "plain"} move-page`} onClick={k.run}><Kbd k={k.key} /> {k.label}</button>
        ))}
        {!matter.moves.length && matter.open && <span class="dim">{t("move.none")}</span>}
        {!matter.open && <span class="dim">{t("move.closed", { state: stateText(matter.kind, matter.state) })}</span>}
      </div>
      {!move && matter.moves.some((m) => !m.allowed && m.reason) && (
        <ul class="moves-why dim">
          {matter.moves.filter((m) => !m.allowed && m.reason).map((m) => <li key={m.name}><b>{cap(tx(m))}</b> {tx(m.reason)}</li>)}
        </ul>
      )}
    </div>
  );
}

/** The alarm's row learns of its matter's move at once, before the event comes. */
function refreshAlarm(id: string | null, m: MatterFull): void {
  if (!id) return;
  const a = alarms.find(id);
  if (a) alarms.put({ ...a, matter: { id: m.id, kind: m.kind, state: m.state, seq: m.seq, owner: m.owner, open: m.open, clock: m.clock } });
}

function MoveForm({ matter, move, ground, busy, wrong, make, cancel }: {
  matter: MatterFull; move: Move; ground: string; busy: boolean; wrong: { field: string; text: string } | null;
  make: (fields: Record<string, unknown>) => Promise<boolean>; cancel: () => void;
}) {
  const [v, set, clear] = useDraft<Record<string, unknown>>(`${matter.id}.${move.name}`, {});
  const [lack, setLack] = useState<{ field: string; text: string } | null>(null);
  const box = useRef<HTMLFormElement>(null);
  const submit = async () => {
    const f = missing(move.fields, v);
    if (f) {
      setLack(lackOf(f));
      return toLack(box.current);
    }
    setLack(null);
    if (await make(filled(move.fields, v))) clear();
  };
  useKeys([{ key: "ctrl+enter", label: t("move.confirm", { name: tx(move) }), run: () => void submit() }]);
  return (
    <form ref={box} class="move-form" noValidate onSubmit={(e) => { e.preventDefault(); void submit(); }}>
      <h3>{cap(tx(move))}</h3>
      <Fields fields={move.fields} values={v} set={(x) => { setLack(null); set(x); }} wrong={wrong ?? lack} ground={ground} prefix="f" />
      <div class="line">
        <button type="submit" class={`primary tone-${move.tone ?? "plain"}`} disabled={busy}>{cap(t("move.confirm", { name: tx(move) }))} <kbd aria-hidden="true">Ctrl ⏎</kbd></button>
        <button type="button" onClick={cancel}>{t("move.cancel")} <kbd aria-hidden="true">Esc</kbd></button>
      </div>
    </form>
  );
}

/** A field of a matter in words. */
export function fieldName(kind: string, f: string): string {
  const row = loop(kind)?.fields.find((x) => x.name === f);
  return row ? cap(tx(row)) : f;
}
export function fieldValue(matter: MatterFull, f: string, v: unknown): string {
  const row = loop(matter.kind)?.fields.find((x) => x.name === f);
  const o = row?.options?.find((x) => String(x.value) === String(v));
  if (o) return tx(o);
  if (v === true) return t("yes");
  if (v === false) return t("no");
  if (row?.type === "time" && typeof v === "number") return instant(v);
  if (row?.type === "unit") return matter.units.find((u) => u.id === Number(v))?.callsign ?? units.find(String(v))?.callsign ?? String(v);
  if (row?.type === "point" && v && typeof v === "object") return `${(v as { lon: number }).lon.toFixed(5)}, ${(v as { lat: number }).lat.toFixed(5)}`;
  if (typeof v === "number" && row?.unit) return amount(v, row.unit);
  if (typeof v === "number") return num(v, Number.isInteger(v) ? 0 : 2);
  const rule = meta.value?.rules.find((r) => r.name === v);
  return rule ? tx(rule) : typeof v === "object" ? JSON.stringify(v) : String(v);
}

export function Journal({ matter }: { matter: MatterFull }) {
  return (
    <ol class="journal">
      {[...matter.journal].reverse().map((j: JournalRow) => (
        <li key={j.seq}>
          <span class="num dim">{instant(j.at_ms)}</span>
          <span><b>{cap(tx(j.label))}</b>{j.from && j.from !== j.to ? <span class="dim"> {stateText(matter.kind, j.from)} → {stateText(matter.kind, j.to)}</span> : null}
            {j.text && <span> {tx(j.text)}</span>}
            {Object.entries(j.fields ?? {}).map(([k, v]) => <span key={k} class="journal-field"><span class="dim">{fieldName(matter.kind, k)}</span> {fieldValue(matter, k, v)}</span>)}
          </span>
          <span class="dim">{j.by ? `${j.by.name} · ${roleText(j.by.role)}` : t("journal.machine")}</span>
        </li>
      ))}
    </ol>
  );
}

export function Looks({ matter }: { matter: MatterFull }) {
  if (!matter.looks.length) return null;
  return (
    <section class="block"><h3>{t("card.looks")}</h3>
      <ul class="plain">{matter.looks.map((l) => <li key={l.n}><span class="num">#{l.n}</span> {lookText(l.kind)} · {l.by} · <When ms={l.at_ms} both={false} /> · {t("look.rows", { n: l.count })}</li>)}</ul>
    </section>
  );
}
