// SPDX-License-Identifier: Apache-2.0
// matters.tsx - everything that must be closed: list, one matter with its clocks, moves, journal; open one by hand.
import { signal } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import { ApiError, get, once, post, query, sentence } from "../kit/api";
import { matters, titleOf } from "../kit/city";
import { useDraft } from "../kit/draft";
import { t, tx } from "../kit/i18n";
import { useKeys } from "../kit/keys";
import { useLive } from "../kit/live";
import type { List, Matter, MatterFull } from "../kit/model";
import { go, href, route } from "../kit/route";
import { kindText, may, meta, stateText } from "../kit/session";
import { ago } from "../kit/time";
import { AlarmCard } from "../parts/card";
import { Clocks, Journal, Looks, Moves, fieldName, fieldValue } from "../parts/bench";
import { Empty, Failed, LevelSign, Loading, Tag, When, Worn } from "../parts/bits";
import { ClockBar } from "../parts/clockbar";
import { Fields, filled } from "../parts/form";
import { Grid } from "../parts/grid";
import { Icon } from "../parts/icon";

const chosen = signal("");
const which = signal<"open" | "mine" | "closed">("open");
const opening = signal(false);

/** Opens a matter by hand; used here and where a look lacks its ground. */
export function NewMatter({ done, cancel }: { done: (m: MatterFull) => void; cancel?: () => void }) {
  const kinds = (meta.value?.loops ?? []).filter((l) => l.by_hand);
  const [v, set, clear] = useDraft<{ kind: string; title: string; fields: Record<string, unknown> }>("new-matter", { kind: kinds[0]?.kind ?? "", title: "", fields: {} });
  const l = kinds.find((x) => x.kind === v.kind) ?? kinds[0];
  const asked = (l?.form ?? []).map((n) => l!.fields.find((f) => f.name === n)).filter((f) => f !== undefined);
  const [wrong, setWrong] = useState<{ field: string; text: string } | null>(null);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const [key] = useState(once);
  const submit = async () => {
    if (!v.title.trim()) return setError(t("matter.title_required"));
    setBusy(true);
    try {
      const m = await post<MatterFull>("/matters", { kind: l?.kind, title: v.title.trim(), ...(asked.length ? { fields: filled(asked, v.fields) } : {}), once: key });
      clear();
      matters.put(m);
      done(m);
    } catch (e) {
      setError(sentence(e));
      if (e instanceof ApiError && e.field) setWrong({ field: e.field.replace(/^fields\./, ""), text: e.say() });
    } finally {
      setBusy(false);
    }
  };
  useKeys(cancel ? [{ key: "escape", label: t("move.cancel"), run: cancel }] : []);
  if (!kinds.length) return <Empty title={t("matter.none_by_hand")} />;
  return (
    <form class="form" onSubmit={(e) => { e.preventDefault(); void submit(); }}>
      <h3>{t("matter.new")}</h3>
      {kinds.length > 1 && (
        <div class="field"><label for="nm-kind">{t("f.kind")}</label>
          <select id="nm-kind" value={v.kind} onChange={(e) => set({ kind: e.currentTarget.value })}>{kinds.map((l) => <option key={l.kind} value={l.kind}>{tx(l)}</option>)}</select></div>
      )}
      <div class="field"><label for="nm-title">{kinds.length === 1 ? `${tx(kinds[0])} · ` : ""}{t("matter.title")} <span class="must" aria-hidden="true">*</span></label>
        <input id="nm-title" ref={(el) => { if (el && !el.dataset["seen"]) { el.dataset["seen"] = "1"; el.focus(); } }} value={v.title} maxLength={200} onInput={(e) => set({ title: e.currentTarget.value })} aria-describedby="nm-why" />
        <p class="why" id="nm-why">{t("matter.title_why")}</p></div>
      {asked.length > 0 && <Fields key={l?.kind} quiet fields={asked} values={v.fields} set={(c) => set({ fields: { ...v.fields, ...c } })} wrong={wrong} ground="" prefix="nm" />}
      {error && <p class="bad" role="alert">{error}</p>}
      <div class="line"><button class="primary" disabled={busy}>{t("matter.open_it")}</button>{cancel && <button type="button" onClick={cancel}>{t("move.cancel")}</button>}</div>
    </form>
  );
}

export function MatterCard({ id, phone = false }: { id: string; phone?: boolean }) {
  const [m, setM] = useState<MatterFull | null>(null);
  const [error, setError] = useState("");
  const load = () => {
    get<MatterFull>(`/matters/${encodeURIComponent(id)}`).then((x) => { setM(x); setError(""); }, (e: unknown) => setError(sentence(e)));
  };
  useEffect(() => { setM(null); load(); }, [id]);
  const row = matters.find(id);
  useEffect(() => { if (m && row && row.seq > m.seq) load(); }, [row?.seq]);
  if (error && !m) return <Failed what={error} again={load} />;
  if (!m) return <Loading />;
  // A matter of an alarm is worked on its card, where the pictures are.
  if (m.alarm && may("GET /alarms/{id}") && !phone) return <AlarmCard id={m.alarm} />;
  return (
    <article class="card">
      <div class="card-scroll" tabIndex={0} role="region" aria-label={titleOf(m)}>
        <Worn error={error} again={load} />
        <header class="card-head">
          <div class="card-title"><LevelSign level={m.level} /> <h2>{titleOf(m)}</h2></div>
          <div class="card-sub"><span class="num">{m.id}</span> <span>{kindText(m.kind)}</span> <Tag tone="state">{stateText(m.kind, m.state)}</Tag> {m.owner?.text && <span>{m.owner.text}</span>} <When ms={m.opened_ms} /> {m.mode === "drill" && <Tag tone="warn">{t("matter.drill")}</Tag>}</div>
        </header>
        <Clocks matter={m} />
        {Object.keys(m.fields).length > 0 && (
          <section class="block"><h3>{t("matter.fields")}</h3><dl class="facts">{Object.entries(m.fields).map(([k, v]) => <div key={k}><dt>{fieldName(m.kind, k)}</dt><dd>{fieldValue(m, k, v)}</dd></div>)}</dl></section>
        )}
        <Looks matter={m} />
        <section class="block"><h3>{t("card.journal", { kind: kindText(m.kind) })}</h3><Journal matter={m} /></section>
      </div>
      <Moves matter={m} ground={`matter=${encodeURIComponent(m.id)}`} changed={setM}
        more={m.open && may("POST /looks") ? [{ key: "l", label: t("key.look"), run: () => go("look", "", { matter: m.id }) }] : []} />
    </article>
  );
}

function Others({ path, children }: { path: string; children: (rows: Matter[], as_of: number) => preact.ComponentChildren }) {
  const [list, setList] = useState<List<Matter> | null>(null);
  const [error, setError] = useState("");
  const load = () => { get<List<Matter>>(path).then((l) => { setList(l); setError(""); }, (e: unknown) => setError(sentence(e))); };
  useEffect(() => { setList(null); load(); }, [path, matters.rows.value.length]);
  if (error && !list) return <Failed what={error} again={load} />;
  return list ? <>{children(list.items, list.as_of_ms)}</> : <Loading />;
}

function Rows({ rows, as_of }: { rows: Matter[]; as_of: number }) {
  const sorted = useMemo(() => rows.slice().sort((a, b) => (a.clock?.due_ms ?? 9e15) - (b.clock?.due_ms ?? 9e15) || b.opened_ms - a.opened_ms), [rows]);
  const step = (d: number) => {
    const i = sorted.findIndex((m) => m.id === chosen.value);
    const m = sorted[i < 0 ? 0 : Math.max(0, Math.min(sorted.length - 1, i + d))];
    if (m) chosen.value = m.id;
  };
  useKeys([
    { key: "j", label: t("key.next"), run: () => step(1) },
    { key: "k", label: t("key.prev"), run: () => step(-1) },
    { key: "enter", label: t("key.open"), run: () => { if (chosen.value) go("matters", chosen.value); } },
  ]);
  if (!rows.length) return <Empty title={t(which.value === "mine" ? "matter.empty_mine" : "matter.empty")} hint={t("matter.empty_hint")} />;
  return (
    <Grid<Matter> label={t("rail.matters")} rows={sorted} id={(m) => m.id} selected={chosen.value} height={84} exportName="matters" rowClass={(m) => `edge-${m.level}${m.id === route.value.id ? " open" : ""}`}
      onSelect={(m) => { chosen.value = m.id; go("matters", m.id); }} as_of={as_of}
      columns={[{ key: "row", head: t("matter.order"), width: "1fr", text: (m) => `${m.id} ${titleOf(m)}`, cell: (m) => (
        <div class="qrow">
          <div class="qrow-line"><LevelSign level={m.level} word={false} /> <b class="cut">{titleOf(m)}</b></div>
          <div class="qrow-line dim"><span class="num">{m.id}</span> <span>{kindText(m.kind)}</span><span class="grow" /><Tag tone="state">{stateText(m.kind, m.state)}</Tag> <span>{ago(m.opened_ms)}</span></div>
          {m.clock ? <ClockBar clock={m.clock} /> : <div class="qrow-line dim">{m.owner?.text ?? ""}</div>}
        </div>) }]} />
  );
}

function View() {
  useLive(matters);
  const open = route.value.id;
  useEffect(() => { if (open) chosen.value = open; }, [open]);
  useKeys([
    { key: "escape", label: t("key.back"), run: () => go("matters") },
    ...(may("POST /matters") ? [{ key: "o", label: t("matter.new"), run: () => { opening.value = true; } }] : []),
  ]);
  return (
    <div class="split split-queue">
      <section class="pane" aria-label={t("rail.matters")}>
        <div class="pane-head">
          <div class="tabs" role="group" aria-label={t("matter.which")}>
            {(["open", "mine", "closed"] as const).map((w) => <button key={w} aria-pressed={which.value === w} onClick={() => { which.value = w; }}>{t(`matter.${w}`)}</button>)}
          </div>
          <span class="grow" />
          {may("POST /matters") && <button onClick={() => { opening.value = true; }}><Icon name="plus" size={16} /> {t("matter.new")} <kbd>o</kbd></button>}
        </div>
        {which.value === "open"
          ? matters.status.value === "error" && !matters.rows.value.length ? <Failed what={matters.error.value} again={() => void matters.load()} />
            : matters.status.value !== "ready" && !matters.rows.value.length ? <Loading /> : <Rows rows={matters.rows.value} as_of={matters.as_of.value} />
          : <Others path={"/matters" + (which.value === "mine" ? query({ state: "open", mine: 1, limit: 500 }) : query({ state: "closed", limit: 500 }))}>{(rows, as_of) => <Rows rows={rows} as_of={as_of} />}</Others>}
      </section>
      <section class="pane pane-card" aria-label={t("matter.card")}>
        {opening.value ? <NewMatter done={(m) => { opening.value = false; go("matters", m.id); }} cancel={() => { opening.value = false; }} />
          : open ? <MatterCard key={open} id={open} /> : <Empty title={t("matter.choose")} hint={t("matter.choose_hint")}><p><a href={href("alarms")}>{t("rail.alarms")}</a></p></Empty>}
      </section>
    </div>
  );
}
export const page = { name: "matters", face: "desk" as const, title: "rail.matters", icon: "tasks", place: 3, key: "t", needs: ["GET /matters"], view: View };
