// SPDX-License-Identifier: Apache-2.0
// card.tsx - the alarm card: picture beside registry record, contradictions marked, probability with its reasons.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, sentence } from "../kit/api";
import { alarms } from "../kit/city";
import { amount, isTime } from "../kit/amount";
import { cap, t, tx } from "../kit/i18n";
import { useKeys } from "../kit/keys";
import type { AlarmFull, MatterFull, Registry, Sighting } from "../kit/model";
import { go, href } from "../kit/route";
import { codeText, kindText, may, ruleText, stateText } from "../kit/session";
import { clockTime, date, duration, instant, num, percent, serverNow } from "../kit/time";
import { Clocks, Journal, Looks, Moves } from "./bench";
import { Failed, LevelSign, Likely, Loading, PlateSign, Tag, When, Worn } from "./bits";
import { EvidenceButton } from "./evidence";
import { Icon } from "./icon";
import { Pictures, type Shot } from "./pictures";

const COMPARED: [keyof Registry & keyof Sighting, string | null][] = [
  ["plate", null], ["plate_color", "plate_color"], ["vehicle_class", "vehicle_class"], ["brand", "brand"], ["vehicle_color", "vehicle_color"],
];

/** Seen beside registered; what contradicts carries a sign and a word. */
export function Compare({ seen, registry, bad }: { seen: Sighting | null; registry: Registry | null; bad: Map<string, { seen: string; registered: string }> }) {
  const show = (table: string | null, v: string | number | null | undefined) => table ? (v === 0 || v === "" || v == null ? t("code.unread") : codeText(table, v)) : String(v ?? "");
  return (
    <table class="compare">
      <caption>{t(seen ? "card.compare" : "card.registered")}</caption>
      <thead><tr><th scope="col"><span class="off">{t("card.feature")}</span></th>{seen && <th scope="col">{t("card.seen")}</th>}<th scope="col">{t("card.registered")}</th></tr></thead>
      <tbody>
        {COMPARED.map(([key, table]) => {
          const c = bad.get(key);
          return (
            <tr key={key} class={c ? "contra" : ""}>
              <th scope="row">{t(`f.${key}`)}</th>
              {seen && <td>{key === "plate" ? <PlateSign plate={seen.plate} color={seen.plate_color} /> : c?.seen ?? show(table, seen[key])}</td>}
              <td>
                {registry ? (key === "plate" ? <PlateSign plate={registry.plate} color={registry.plate_color} /> : c?.registered ?? show(table, registry[key])) : key === "plate" ? <b>{t("card.no_record")}</b> : "—"}
                {c && <span class="contra-sign"> <Icon name="warn" size={16} /> {t("card.contra")}</span>}
              </td>
            </tr>
          );
        })}
        {registry && (
          <>
            <tr><th scope="row">{t("f.status")}</th>{seen && <td class="dim">—</td>}<td>{registry.status.length ? registry.status.map((s) => <Tag key={s} tone={s === "A" ? "" : "bad"}>{codeText("status", s)}</Tag>) : codeText("status", "A")}</td></tr>
            <tr><th scope="row">{t("f.use_nature")}</th>{seen && <td class="dim">—</td>}<td>{codeText("use_nature", registry.use_nature)}</td></tr>
            <tr><th scope="row">{t("f.inspection")}</th>{seen && <td class="dim">—</td>}<td class="num">{date(registry.inspection_ms)}</td></tr>
            <tr><th scope="row">{t("f.owner")}</th>{seen && <td class="dim">—</td>}<td>{registry.owner || "—"}</td></tr>
          </>
        )}
      </tbody>
    </table>
  );
}

export function pictureUrl(ref: string | null, scope: string): string | null {
  return ref ? `/api/v1/pictures/${encodeURIComponent(ref)}?${scope}` : null;
}

export function AlarmCard({ id }: { id: string }) {
  const [full, setFull] = useState<AlarmFull | null>(null);
  const [error, setError] = useState("");
  const turn = useRef(0);
  const row = alarms.find(id);
  const seen_seq = useRef(-1);

  const load = () => {
    const n = ++turn.current;
    get<AlarmFull>(`/alarms/${encodeURIComponent(id)}`).then((a) => {
      if (n !== turn.current) return;
      seen_seq.current = a.matter?.seq ?? 0;
      setFull(a);
      setError("");
    }, (e: unknown) => { if (n === turn.current) setError(sentence(e)); });
  };
  useEffect(() => { setFull(null); setError(""); load(); }, [id]);
  // A card is a look each time it is fetched, so it is fetched once, and again only when the finding itself was revised.
  useEffect(() => {
    if (row && full && full.id === id && row.state !== full.state) load();
  }, [row?.state]);
  // The matter moved without us (another desk, a clock): only the matter is fetched, which is no look.
  useEffect(() => {
    const m = row?.matter;
    if (!m || !full || full.id !== id || m.seq <= seen_seq.current) return;
    seen_seq.current = m.seq;
    get<MatterFull>(`/matters/${encodeURIComponent(m.id)}`).then((x) => {
      seen_seq.current = Math.max(seen_seq.current, x.seq);
      setFull((old) => (old && old.id === id && (old.matter?.seq ?? 0) <= x.seq ? { ...old, matter: x } : old));
    }, (e: unknown) => setError(sentence(e)));
  }, [row?.matter?.seq]);

  if (error && !full) return <Failed what={error} again={load} />;
  if (!full || full.id !== id) return <Loading />;
  const shown = row ? { ...full, stop_blocked: row.stop_blocked } : full;
  return <Body a={shown} error={error} again={load} changed={(m) => { seen_seq.current = Math.max(seen_seq.current, m.seq); setFull({ ...full, matter: m }); }} />;
}

/** What of the read contradicts the record, by feature. */
export function contraOf(a: AlarmFull): Map<string, { seen: string; registered: string }> {
  return new Map(a.contradictions.map((c) => [c.field, { seen: tx(c.seen), registered: tx(c.registered) }]));
}
/** The pass that the alarm is dated by. */
export function decidingOf(a: AlarmFull): AlarmFull["evidence"][number] | null {
  return a.evidence.find((e) => e.sighting.time_ms === a.time_ms && e.sighting.site_id === a.site?.id)
    ?? a.evidence.reduce<AlarmFull["evidence"][number] | null>((x, e) => (!x || e.sighting.time_ms >= x.sighting.time_ms ? e : x), null);
}

function Body({ a, error, again, changed }: { a: AlarmFull; error: string; again: () => void; changed: (m: MatterFull) => void }) {
  const bad = contraOf(a);
  // Oldest first.
  const evidence = [...a.evidence].sort((x, y) => x.sighting.time_ms - y.sighting.time_ms);
  const deciding = decidingOf(a);
  // It and the pass before it that has a picture, side by side.
  const before = evidence.filter((e) => e !== deciding && e.sighting.picture).slice(-1);
  const shots: Shot[] = [...before, ...(deciding ? [deciding] : [])].sort((x, y) => x.sighting.time_ms - y.sighting.time_ms).map((e) => ({
    src: pictureUrl(e.sighting.picture, `alarm=${encodeURIComponent(a.id)}`), title: cap(tx(e.role)),
    sub: `${e.sighting.site_name} ${clockTime(e.sighting.time_ms)}`, alt: t("picture.alt", { site: e.sighting.site_name, at: clockTime(e.sighting.time_ms) }),
  }));
  const main = deciding?.sighting ?? null;
  const m = a.matter;
  const look = () => {
    if (!m) return;
    go("look", "", { plate: a.plate, color: String(a.plate_color || ""), matter: m.id, purpose: a.purpose, from: String(a.time_ms - 86400000), to: String(Math.max(a.time_ms + 3600000, serverNow())), run: "1" });
  };
  const more = m && a.plate && !/[?*]/.test(a.plate) && may("POST /looks") ? [{ key: "l", label: t("key.look"), run: look }] : [];
  useKeys(m ? [] : more);

  return (
    <article class="card" aria-label={t("card.aria", { what: tx(a.title) })}>
      <div class="card-scroll" tabIndex={0} role="region" aria-label={tx(a.title)}>
        <Worn error={error} again={again} />
        <header class="card-head">
          <div class="card-title">
            <LevelSign level={a.level} /> <h2>{ruleText(a.kind)}</h2> <PlateSign plate={a.plate} color={a.plate_color} big />
            <Likely p={a.probability} />
          </div>
          <div class="card-sub">
            {a.site && (may("GET /sites/{id}") ? <a href={href("sites", String(a.site.id))}>{a.site.name}</a> : a.site.name)}
            <When ms={a.time_ms} />
            {a.late_ms > 60000 && <Tag tone="warn">{t("card.late", { x: duration(a.late_ms) })}</Tag>}
            {a.passes > 1 && <Tag>{t("card.passes", { n: a.passes })}</Tag>}
            {m && <><a href={href("matters", m.id)} class="num">{m.id}</a> <Tag tone="state">{stateText(m.kind, m.state)}</Tag>{m.owner?.text && <span class="dim">{m.owner.text}</span>}</>}
          </div>
          {a.state === "withdrawn" && <p class="note-bad"><Icon name="warn" size={16} /> {t("card.withdrawn")} {cap(tx(a.history[a.history.length - 1]?.text))}</p>}
          {a.state === "revised" && <p class="note">{cap(tx(a.history[a.history.length - 1]?.text)) || t("card.revised")}</p>}
          {a.stop_blocked && <p class="note-bad"><Icon name="lock" size={16} /> {t("card.blocked")}</p>}
        </header>
        {m && <Clocks matter={m} />}
        <div class="card-main">
          <Pictures shots={shots} />
          <Compare seen={main} registry={a.registry} bad={bad} />
        </div>
        <div class="card-cols">
          <section class="block">
            <h3>{t("card.why", { p: num(a.probability, 2) })}</h3>
            <ul class="reasons">{a.reasons.map((r, i) => <li key={i}>{cap(tx(r))}</li>)}</ul>
            <table class="numbers"><caption class="off">{t("card.numbers")}</caption><tbody>
              {a.numbers.map((n) => (
                <tr key={n.name}><th scope="row">{cap(tx(n))}</th><td class="num right">{amount(n.value, n.unit)}</td>
                  <td class="num dim">{n.limit != null ? `${n.op ?? ""} ${isTime(n.unit) ? amount(n.limit, n.unit) : num(n.limit, Number.isInteger(n.limit) ? 0 : 1)}` : ""}</td></tr>
              ))}
            </tbody></table>
          </section>
          <section class="block">
            <h3>{t("card.camera")}</h3>
            {a.camera ? (
              <dl class="facts">
                <div><dt>{t("site.precision")}</dt><dd>{a.camera.precision !== null ? t("card.precision", { p: percent(a.camera.precision), n: a.camera.closed }) : t("card.precision_none", { n: a.camera.closed })}</dd></div>
                <div><dt>{t("site.misread")}</dt><dd>{percent(a.camera.misread_rate)}</dd></div>
                <div><dt>{t("site.clock")}</dt><dd>{a.camera.clock_error_ms !== null ? `${num(Math.round(a.camera.clock_error_ms / 100) / 10 + 0, 1)} s` : "—"}</dd></div>
                {a.camera.muted && <div><dt /><dd><Tag tone="bad">{t("site.muted")}</Tag></dd></div>}
              </dl>
            ) : <p class="dim">{t("card.no_camera")}</p>}
            {a.watch && (
              <>
                <h3>{t("card.watch")}</h3>
                <p>{[...new Set([codeText("watch_list", a.watch.list), a.watch.why])].filter(Boolean).join(" · ")}</p>
                <p class="dim">{t("card.watch_by", { a: a.watch.author, b: a.watch.approver, to: instant(a.watch.to_ms) })}</p>
              </>
            )}
            <h3>{t("card.legal")}</h3>
            <p class="dim">{tx(a.legal)}</p>
          </section>
        </div>
        <section class="block">
          <h3>{t("card.evidence")} {m && <EvidenceButton matter={m.id} purpose={a.purpose} title={tx(a.title)} alarm={a.id} />}</h3>
          <div class="scroll-x" tabIndex={0} role="region" aria-label={t("card.evidence")}>
          <table class="rows"><thead><tr><th scope="col">{t("card.role")}</th><th scope="col">{t("f.time")}</th><th scope="col">{t("f.site")}</th><th scope="col">{t("f.plate")}</th><th scope="col">{t("f.vehicle")}</th><th scope="col" class="right">{t("f.speed")}</th><th scope="col" class="right">{t("f.confidence")}</th></tr></thead>
            <tbody>{evidence.map((e) => (
              <tr key={e.sighting.id}><td>{cap(tx(e.role))}</td><td class="num">{instant(e.sighting.time_ms)}{e.late_ms > 60000 && <span class="warn-text"> {t("card.late", { x: duration(e.late_ms) })}</span>}</td>
                <td>{e.sighting.site_name}</td><td><PlateSign plate={e.sighting.plate} color={e.sighting.plate_color} /></td>
                <td>{codeText("vehicle_color", e.sighting.vehicle_color)} {codeText("vehicle_class", e.sighting.vehicle_class)}</td>
                <td class="num right">{num(e.sighting.speed_kmh)}</td><td class="num right">{percent(e.sighting.confidence === null ? null : e.sighting.confidence > 1 ? e.sighting.confidence / 100 : e.sighting.confidence, 0)}</td></tr>
            ))}</tbody></table>
          </div>
        </section>
        {m && <Looks matter={m} />}
        {m && <section class="block"><h3>{t("card.journal", { kind: kindText(m.kind) })}</h3><Journal matter={m} /></section>}
      </div>
      {m ? <Moves matter={m} ground={`alarm=${encodeURIComponent(a.id)}`} changed={changed} more={more} /> : <p class="moves dim">{t("card.no_matter")}</p>}
    </article>
  );
}
