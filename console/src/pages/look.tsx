// SPDX-License-Identifier: Apache-2.0
// look.tsx - an accountable view of somebody's movements: matter, purpose, time; then track, gaps, coverage.
// Without an open matter it is refused, and the refusal says what to do.
import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ApiError, get, once, post, query, sentence } from "../kit/api";
import { matters, siteName, sites } from "../kit/city";
import { useDraft } from "../kit/draft";
import { listed, t, tx } from "../kit/i18n";
import { useKeys } from "../kit/keys";
import { useLive } from "../kit/live";
import type { List, Look, LookResult, Sighting } from "../kit/model";
import { go, route } from "../kit/route";
import { codeText, codes, lookText, may, meta, purposeText, session } from "../kit/session";
import { clockTime, duration, instant, num, percent, serverNow } from "../kit/time";
import { AsOf, Empty, Failed, Loading, PlateSign, Tag, When, useInSight } from "../parts/bits";
import { Compare, pictureUrl } from "../parts/card";
import { EvidenceButton } from "../parts/evidence";
import { Span } from "../parts/form";
import { Emergency, Ground, groundBody, tierText } from "../parts/ground";
import { Grants } from "../parts/grants";
import { Grid } from "../parts/grid";
import { Icon } from "../parts/icon";
import { MapPane, type TrackPoint } from "../parts/map";
import { Pictures } from "../parts/pictures";
import { NewMatter } from "./matters";

const H = 3600000, D = 24 * H, GAP = 30 * 60000;
interface Ask { kind: string; plate: string; color: string; sites: string; matter: string; purpose: string; from: number; to: number; emergency: boolean; why: string }

const result = signal<LookResult | null>(null);
const refusal = signal<ApiError | null>(null);
const tab = signal<"ask" | "board">("ask");
/** The matter of the last refused ask, and the one a grant is being asked for. */
const tried = signal("");
const grantFor = signal("");

function body(a: Ask): Record<string, unknown> {
  const b: Record<string, unknown> = { kind: a.kind, once: once(), ...groundBody(a) };
  if (a.plate.trim()) b["plate"] = a.plate.trim().toUpperCase().replace(/[·\s]/g, "");
  if (a.color) b["plate_color"] = Number(a.color);
  if (a.sites.trim()) b["sites"] = a.sites.split(/[,，\s]+/).filter(Boolean).map(Number);
  if (a.kind !== "plate_check") { b["from_ms"] = a.from; b["to_ms"] = a.to; }
  return b;
}

export function Refusal({ e, retry, emergency }: { e: ApiError; retry: (matter: string) => void; emergency: () => void }) {
  const [opening, setOpening] = useState(false);
  const ground = e.code === "look_no_matter" || e.code === "look_matter_closed" || e.field === "matter";
  return (
    <section class="refusal" role="alert" data-code={e.code} aria-labelledby="refusal-title">
      <h2 id="refusal-title"><Icon name="lock" size={22} /> {t("look.refused")}</h2>
      <p>{e.say()}</p>
      {e.code === "look_age_tier" && may("POST /looks/grants/ask") && <p><button onClick={() => { grantFor.value = tried.value; tab.value = "board"; refusal.value = null; go("look"); }}>{t("grant.ask")}</button> <span class="dim">{t("grant.hint")}</span></p>}
      {ground && (
        <>
          <p class="dim">{t("look.refused_why")}</p>
          {opening ? <NewMatter done={(m) => retry(m.id)} cancel={() => setOpening(false)} /> : (
            <ul class="ways">
              <li><b>{t("look.way_pick")}</b> {t("look.way_pick_how")}</li>
              {may("POST /matters") && <li><b>{t("look.way_open")}</b> {t("look.way_open_how")} <button class="small" onClick={() => setOpening(true)}>{t("matter.new")}</button></li>}
              <li><b>{t("look.way_emergency")}</b> {t("look.way_emergency_how")} <button class="small" onClick={emergency}>{t("look.emergency")}</button></li>
            </ul>
          )}
        </>
      )}
    </section>
  );
}

export function Coverage({ c }: { c: LookResult["coverage"] }) {
  return (
    <details class={c.complete ? "coverage" : "coverage coverage-part"} open={!c.complete && c.offline.length + c.late.length < 4}>
      <summary><Icon name={c.complete ? "check" : "warn"} size={16} /> {tx(c.text)}</summary>
      {c.offline.length > 0 && <><p class="dim">{t("look.offline_list")}</p><ul class="plain">{c.offline.map((o, i) => <li key={i}>{siteName(o.site, o.name)} <span class="num">{instant(o.from_ms)} – {instant(o.to_ms)}</span></li>)}</ul></>}
      {c.late.length > 0 && <><p class="dim">{t("look.late_list")}</p><ul class="plain">{c.late.map((o, i) => <li key={i}>{siteName(o.site, o.name)} <span class="num">{t("look.late_by", { x: duration(o.by_ms) })}</span></li>)}</ul></>}
    </details>
  );
}

/** Between which passes it may have passed a camera unseen, and how likely. */
function Unseen({ r }: { r: LookResult }) {
  const gaps = (r.gaps ?? []).filter((g) => g.between.length);
  if (!gaps.length) return null;
  const at = (id: string) => { const i = r.rows.findIndex((s) => s.id === id); return i < 0 ? "" : `${r.rows[i]!.site_name} → ${r.rows[i + 1]?.site_name ?? ""}`; };
  return (
    <details class="coverage coverage-part"><summary><Icon name="warn" size={16} /> {t("look.unseen", { n: gaps.length, p: percent(r.unseen ?? 0, 0), m: percent(r.missed ?? 0, 1) })}</summary>
      <ul class="plain">{gaps.slice(0, 50).map((g) => <li key={g.after}>{at(g.after)} <span class="num">{duration(g.took_ms)}</span> {t("look.unseen_between", { x: listed(g.between.map((b) => b.name)), p: percent(g.unseen, 0) })}{g.blind && <> <Tag tone="bad">{t("look.unseen_blind")}</Tag></>}</li>)}</ul></details>
  );
}

function Result({ r }: { r: LookResult }) {
  const [at, setAt] = useState(r.rows.length - 1);
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState(1);
  const timer = useRef<ReturnType<typeof setInterval> | undefined>(undefined);
  useEffect(() => { setAt(r.rows.length - 1); setPlaying(false); }, [r.n]);
  useEffect(() => {
    clearInterval(timer.current);
    if (playing) timer.current = setInterval(() => setAt((i) => { if (i + 1 >= r.rows.length) { setPlaying(false); return i; } return i + 1; }), 700 / speed);
    return () => clearInterval(timer.current);
  }, [playing, speed, r.n]);
  const gapOf = (i: number) => (i > 0 ? r.rows[i]!.time_ms - r.rows[i - 1]!.time_ms : 0);
  // The passes of one vehicle are a track; those of many are no way that anybody drove, but places.
  const one = r.kind === "trajectory";
  const points: TrackPoint[] = useMemo(() => (one ? r.rows : []).map((s, i) => ({ s, i })).filter(({ s }) => s.lon !== null && s.lat !== null)
    .map(({ s, i }) => ({ id: s.id, lon: s.lon!, lat: s.lat!, label: s.site_name, gap: gapOf(i) > GAP })), [r.n]);
  // Sites that were blind in this window stand on the map as such: a gap beside one means little.
  const blind = useMemo(() => r.coverage.offline.map((o) => sites.find(String(o.site))).filter((s) => s !== undefined).map((s) => ({ ...s, state: "offline" as const })), [r.n, sites.rows.value.length]);
  const seen = useMemo(() => (one ? [] : [...new Set(r.rows.map((s) => s.site_id))].map((id) => sites.find(String(id))).filter((s) => s !== undefined)), [r.n, sites.rows.value.length]);
  const there = useMemo(() => [...seen, ...blind.filter((s) => !seen.some((x) => x.id === s.id))], [seen, blind]);
  const passes = useMemo(() => r.rows.map((s) => s.id), [r.n]);
  const turn = useMemo(() => new Map(r.rows.map((s, i) => [s.id, i])), [r.n]);
  const here: Sighting | undefined = r.rows[at];
  const order = useRef<Sighting[]>(r.rows);
  const step = (d: number) => {
    const i = order.current.findIndex((s) => s.id === here?.id), s = order.current[i < 0 ? 0 : i + d];
    if (s) { setPlaying(false); setAt(turn.get(s.id) ?? 0); }
  };
  const play = () => { if (at >= r.rows.length - 1) setAt(0); setPlaying(!playing); };
  useKeys([
    { key: "space", label: t("look.play"), run: play },
    { key: "j", label: t("key.next"), run: () => step(1) },
    { key: "k", label: t("key.prev"), run: () => step(-1) },
  ]);
  const gaps = r.rows.filter((_, i) => gapOf(i) > GAP).length;
  const scope = `look=${r.n}`;
  return (
    <div class="result">
      <header class="result-head">
        <b class="num">{t("look.number", { n: r.n })}</b> <span>{lookText(r.kind)}</span> {r.matter && <span class="num">{r.matter}</span>} <span class="dim">{purposeText(r.purpose)}</span>
        <span class="num">{t("look.rows", { n: r.count })}</span> {r.truncated && <Tag tone="warn">{t("look.truncated", { n: r.rows.length })}</Tag>}
        {gaps > 0 && <Tag tone="warn">{t("look.gaps", { n: gaps })}</Tag>}
        {r.emergency && <Tag tone="bad">{t("look.unconfirmed", { x: r.confirm_by_ms ? duration(r.confirm_by_ms - serverNow()) : "" })}</Tag>}
        <AsOf ms={r.at_ms} limit_ms={600000} />
        {r.rows.length > 0 && !r.emergency && <EvidenceButton matter={r.matter} purpose={r.purpose} title={t("look.number", { n: r.n })} passes={passes} />}
      </header>
      <Coverage c={r.coverage} />
      <Unseen r={r} />
      {r.kind === "plate_check" || (!r.rows.length && r.registry) ? (
        <div class="card-main one">
          <Compare seen={r.rows[r.rows.length - 1] ?? null} registry={r.registry} bad={new Map()} />
          {r.watches.map((w) => <p key={w.id} class="note-bad"><Icon name="warn" size={16} /> {t("look.watched", { list: codeText("watch_list", w.list), why: w.why, to: instant(w.to_ms) })}</p>)}
          {!r.watches.length && <p class="note">{t("look.not_watched")}</p>}
        </div>
      ) : r.rows.length === 0 ? <Empty title={t("look.nothing")} hint={t("look.nothing_hint")} /> : (
        <div class="split split-look">
          <section class="pane pane-map" aria-label={t("look.map")}>
            <MapPane label={t("look.map")} {...(one ? { track: points } : {})} sites={there} tip={(x) => (x.kind === "site" ? blind.some((s) => String(s.id) === x.id) ? t("look.blind", { name: sites.find(x.id)?.name ?? "" }) : sites.find(x.id)?.name ?? "" : "")} play={one ? at : -1}
              selected={here ? one ? { kind: "track", id: here.id } : { kind: "site", id: String(here.site_id) } : null}
              onSelect={(p) => { const i = p?.kind === "track" ? turn.get(p.id) ?? -1 : p?.kind === "site" ? r.rows.findIndex((s) => String(s.site_id) === p.id) : -1; if (i >= 0) { setPlaying(false); setAt(i); } }} />
            <div class="playback">
              <button aria-label={t("look.play")} onClick={play}><Icon name={playing ? "pause" : "play"} size={18} /></button>
              <input type="range" min={0} max={r.rows.length - 1} value={at} aria-label={t("look.position")} onInput={(e) => { setPlaying(false); setAt(Number(e.currentTarget.value)); }} />
              <select aria-label={t("look.speed")} value={speed} onChange={(e) => setSpeed(Number(e.currentTarget.value))}>{[1, 2, 4, 8].map((s) => <option key={s} value={s}>{s}×</option>)}</select>
              {here && <span class="num">{instant(here.time_ms)} <b>{here.site_name}</b></span>}
            </div>
          </section>
          <section class="pane" aria-label={t("look.table")}>
            {here?.picture && <Pictures shots={[{ src: pictureUrl(here.picture, scope), title: here.site_name, sub: clockTime(here.time_ms), alt: t("picture.alt", { site: here.site_name, at: clockTime(here.time_ms) }) }]} />}
            <Grid<Sighting> filter order={order} label={t("look.table")} rows={r.rows} id={(s) => s.id} selected={here?.id ?? null} onSelect={(s) => { setPlaying(false); setAt(turn.get(s.id) ?? 0); }} exportName={`look-${r.n}`} exportMark={`#${r.n} ${r.matter ?? ""}`}
              columns={[
                { key: "time", head: t("f.time"), width: "118px", cell: (s) => <span class="num">{instant(s.time_ms)}</span>, find: (s) => instant(s.time_ms), sort: (s) => s.time_ms, text: (s) => new Date(s.time_ms).toISOString() },
                { key: "gap", head: t("look.since"), width: "96px", align: "right", cell: (s) => { const g = gapOf(turn.get(s.id) ?? 0); return g > GAP ? <span class="warn-text">{duration(g)}</span> : <span class="dim">{g ? duration(g) : "—"}</span>; } },
                { key: "site", head: t("f.site"), width: "minmax(0,1fr)", cell: (s) => <span class="cut">{s.by_hand && <Tag tone="warn">{t("sighting.by_hand")}</Tag>} {s.site_name}</span>, sort: (s) => s.site_name, text: (s) => s.site_name },
                { key: "plate", head: t("f.plate"), width: "112px", file: r.kind === "trajectory", cell: (s) => <PlateSign plate={s.plate} color={s.plate_color} />, sort: (s) => s.plate, text: (s) => s.plate },
                { key: "speed", head: t("look.speed_head"), width: "58px", align: "right", cell: (s) => num(s.speed_kmh), sort: (s) => s.speed_kmh, text: (s) => String(s.speed_kmh ?? "") },
                { key: "conf", head: t("f.confidence"), width: "58px", file: r.kind === "trajectory", align: "right", cell: (s) => percent(s.confidence === null ? null : s.confidence > 1 ? s.confidence / 100 : s.confidence, 0), sort: (s) => s.confidence, text: (s) => String(s.confidence ?? "") },
              ]} />
          </section>
        </div>
      )}
      {r.rows.length > 0 && r.registry && (
        <details class="coverage"><summary>{t("look.registry")}</summary><Compare seen={here ?? null} registry={r.registry} bad={new Map()} /></details>
      )}
    </div>
  );
}

function AskForm() {
  const n = serverNow();
  const [v, set] = useDraft<Ask>("look", { kind: "trajectory", plate: "", color: "", sites: "", matter: "", purpose: "", from: n - D, to: n, emergency: false, why: "" });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<{ text: string; field: string | null } | null>(null);
  const run = async (a: Ask) => {
    setBusy(true);
    setError(null);
    refusal.value = null;
    tried.value = v.matter ?? "";
    try {
      result.value = await post<LookResult>("/looks", body(a));
    } catch (e) {
      result.value = null;
      if (e instanceof ApiError && (e.status === 403 || e.code.startsWith("look_"))) refusal.value = e;
      else setError({ text: sentence(e), field: e instanceof ApiError ? e.field : null });
    } finally {
      setBusy(false);
    }
  };
  const again = useRef(run);
  again.current = run;
  useEffect(() => {
    const q = route.value.query;
    if (!Object.keys(q).length) return;
    const change: Partial<Ask> = {};
    if (q["plate"] !== undefined) { change.plate = q["plate"]; if (!/[?*]/.test(q["plate"])) change.kind = "trajectory"; else change.kind = "sightings"; }
    if (q["color"] !== undefined) change.color = q["color"];
    if (q["matter"] !== undefined) { change.matter = q["matter"]; change.emergency = false; }
    if (q["purpose"] !== undefined) change.purpose = q["purpose"];
    if (q["from"]) change.from = Number(q["from"]);
    if (q["to"]) change.to = Number(q["to"]);
    if (q["site"]) { change.kind = "sightings"; change.sites = q["site"]; change.plate = ""; }
    set(change);
    if (q["run"]) void again.current({ ...v, ...change });
    go("look", "", {}, true);
  }, [route.value]);

  const bad = (f: string) => (error?.field === f ? { "aria-invalid": true as const, "aria-describedby": "ask-error" } : {});
  return (
    <form class="form ask" onSubmit={(e) => { e.preventDefault(); void run(v); }}>
      <div class="field"><label for="ask-kind">{t("look.kind")}</label>
        <select id="ask-kind" value={v.kind} onChange={(e) => set({ kind: e.currentTarget.value })}>{(meta.value?.look_kinds ?? []).map((k) => <option key={k.code} value={String(k.code)}>{tx(k)}</option>)}</select></div>
      <div class="field"><label for="ask-plate">{t("f.plate")}</label>
        <div class="line"><input id="ask-plate" class="plate-input grow" value={v.plate} placeholder={t("look.plate_hint")} autocomplete="off" spellcheck={false} maxLength={16} onInput={(e) => set({ plate: e.currentTarget.value })} {...bad("plate")} />
          <select aria-label={t("f.plate_color")} value={v.color} onChange={(e) => set({ color: e.currentTarget.value })} {...bad("plate_color")}><option value="">{t("look.any_color")}</option>{codes("plate_color").filter((c) => c.code !== 0).map((c) => <option key={c.code} value={String(c.code)}>{tx(c)}</option>)}</select></div></div>
      {v.kind === "sightings" && (
        <div class="field"><label for="ask-sites">{t("look.sites")} <span class="dim">{t("look.sites_hint")}</span></label>
          <input id="ask-sites" value={v.sites} inputMode="numeric" onInput={(e) => set({ sites: e.currentTarget.value })} {...bad("sites")} />
          {v.sites && <p class="why">{v.sites.split(/[,，\s]+/).filter(Boolean).map((x) => sites.find(x)?.name ?? t("look.site_unknown", { x })).join("；")}</p>}</div>
      )}
      <Ground v={v} set={set} prefix="ask" bad={bad} />
      {v.kind !== "plate_check" && (
        <>
          <Span from={v.from} to={v.to} set={(from, to) => set({ from, to })} spans={[[t("span.1h"), H], [t("span.24h"), D], [t("span.7d"), 7 * D], [t("span.30d"), 30 * D]]} />
          <p class="why">{tierText(v.from)}</p>
        </>
      )}
      <Emergency v={v} set={set} prefix="ask" bad={bad} />
      {error && <p class="bad" id="ask-error" role="alert">{error.text}</p>}
      <button class="primary" type="submit" disabled={busy}>{busy ? t("look.running") : t("look.run")} <kbd aria-hidden="true">⏎</kbd></button>
      <p class="dim small-print">{t("look.notice", { who: session.value?.user.display ?? "" })}</p>
    </form>
  );
}

function Board() {
  const [rows, setRows] = useState<Look[] | null>(null);
  const [error, setError] = useState("");
  const [which, setWhich] = useState(grantFor.value ? "grants" : "unconfirmed");
  const [open, setOpen] = useState<Look | null>(null);
  const load = () => { get<List<Look>>("/looks" + query({ state: which, limit: 500 })).then((l) => { setRows(l.items); setError(""); }, (e: unknown) => setError(sentence(e))); };
  useEffect(() => { setRows(null); setOpen(null); if (which !== "grants") load(); }, [which]);
  const step = (d: number) => {
    const i = (rows ?? []).findIndex((l) => l.n === open?.n);
    const l = rows?.[i < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, i + d))];
    if (l) setOpen(l);
  };
  useKeys(may("POST /looks/{n}/confirm") && which === "unconfirmed" ? [
    { key: "j", label: t("key.next"), run: () => step(1) },
    { key: "k", label: t("key.prev"), run: () => step(-1) },
  ] : []);
  const role = session.value?.user.role;
  return (
    <section class="pane pane-full">
      <div class="pane-head"><div class="tabs" role="group" aria-label={t("look.board")}>
        <button aria-pressed={which === "unconfirmed"} onClick={() => setWhich("unconfirmed")}>{t("look.board_unconfirmed")}</button>
        <button aria-pressed={which === "mine"} onClick={() => setWhich("mine")}>{t("look.board_mine")}</button>
        {(role === "supervisor" || role === "auditor") && <button aria-pressed={which === "all"} onClick={() => setWhich("all")}>{t("look.board_all")}</button>}
        {may("GET /looks/grants") && <button aria-pressed={which === "grants"} onClick={() => setWhich("grants")}>{t("grant.title")}</button>}
      </div></div>
      {which === "grants" ? <Grants matter={grantFor.value} /> : <>
      {open && <Confirm key={open.n} look={open} done={() => { setOpen(null); load(); }} cancel={() => setOpen(null)} />}
      {error && !rows ? <Failed what={error} again={load} /> : !rows ? <Loading /> : !rows.length ? <Empty title={t(which === "unconfirmed" ? "look.board_empty" : "look.board_none")} hint={t("look.board_hint")} /> : (
        <Grid<Look> label={t("look.board")} rows={rows} id={(l) => String(l.n)} exportName="looks" selected={open ? String(open.n) : null} {...(may("POST /looks/{n}/confirm") && which === "unconfirmed" ? { onSelect: setOpen } : {})}
          columns={[
            { key: "n", head: t("f.number"), width: "84px", align: "right", cell: (l) => l.n, sort: (l) => l.n, text: (l) => String(l.n) },
            { key: "at", head: t("f.time"), width: "200px", cell: (l) => <When ms={l.at_ms} />, sort: (l) => l.at_ms, text: (l) => new Date(l.at_ms).toISOString() },
            { key: "by", lead: true, head: t("f.who"), width: "120px", cell: (l) => l.by.name, sort: (l) => l.by.name, text: (l) => l.by.name },
            { key: "kind", head: t("look.kind"), width: "110px", cell: (l) => lookText(l.kind), sort: (l) => l.kind, text: (l) => lookText(l.kind) },
            { key: "matter", head: t("look.matter"), width: "170px", cell: (l) => l.matter ?? <Tag tone="bad">{t("look.emergency")}</Tag>, text: (l) => l.matter ?? "" },
            { key: "purpose", head: t("look.purpose"), width: "120px", cell: (l) => purposeText(l.purpose), text: (l) => purposeText(l.purpose) },
            { key: "count", head: t("look.count"), width: "72px", align: "right", cell: (l) => num(l.count), sort: (l) => l.count, text: (l) => String(l.count) },
            { key: "why", head: t("look.why"), width: "minmax(0,1fr)", cell: (l) => <span class="cut" title={l.why ?? ""}>{l.why}</span>, text: (l) => l.why ?? "" },
            { key: "conf", head: t("look.confirmed"), width: "190px", cell: (l) => l.confirmed_by ? `${l.confirmed_by.name} ${instant(l.confirmed_ms)}` : l.emergency ? <span class="warn-text">{l.confirm_by_ms && l.confirm_by_ms < serverNow() ? t("look.overdue", { x: duration(serverNow() - l.confirm_by_ms) }) : t("look.within", { x: duration((l.confirm_by_ms ?? 0) - serverNow()) })}</span> : "—", text: (l) => l.confirmed_by?.name ?? "" },
          ]} />
      )}
      </>}
    </section>
  );
}

function Confirm({ look, done, cancel }: { look: Look; done: () => void; cancel: () => void }) {
  const [v, set, clear] = useDraft(`confirm.${look.n}`, { note: "", matter: "" });
  const [error, setError] = useState("");
  const send = (accept: boolean) => {
    post(`/looks/${look.n}/confirm`, { accept, note: v.note.trim(), ...(v.matter ? { matter: v.matter } : {}) }).then(() => { clear(); done(); }, (e: unknown) => setError(sentence(e)));
  };
  useKeys([
    { key: "a", label: t("look.confirm"), run: () => send(true) },
    { key: "x", label: t("look.deny"), run: () => send(false) },
    { key: "escape", label: t("move.cancel"), run: cancel },
  ]);
  return (
    <form class="form form-band" onSubmit={(e) => { e.preventDefault(); send(true); }}>
      <p><b class="num">{t("look.number", { n: look.n })}</b> {look.by.name}：{look.why}</p>
      <div class="line"><label class="inline grow">{t("f.note")} <input class="grow" value={v.note} maxLength={400} onInput={(e) => set({ note: e.currentTarget.value })} /></label>
        <button class="primary">{t("look.confirm")} <kbd aria-hidden="true">a</kbd></button><button type="button" class="tone-bad" onClick={() => send(false)}>{t("look.deny")} <kbd aria-hidden="true">x</kbd></button><button type="button" onClick={cancel}>{t("move.cancel")}</button></div>
      {error && <p class="bad" role="alert">{error}</p>}
    </form>
  );
}

function View() {
  const can = may("POST /looks");
  useLive(...(can ? [matters, sites] : []));
  const board = !can || tab.value === "board";
  useInSight(refusal.value ?? result.value);
  return (
    <div class="lookpage">
      {can && may("GET /looks") && (
        <div class="pane-head pagetabs"><div class="tabs" role="group" aria-label={t("rail.look")}>
          <button aria-pressed={!board} onClick={() => { tab.value = "ask"; }}>{t("look.ask")}</button>
          <button aria-pressed={board} onClick={() => { tab.value = "board"; }}>{t("look.board")}</button>
        </div></div>
      )}
      {board ? <Board /> : (
        <div class="split split-ask">
          <section class="pane" aria-label={t("look.ask")}><AskForm /></section>
          <section class="pane pane-card" aria-label={t("look.result")}>
            {refusal.value ? <Refusal e={refusal.value} retry={(m) => go("look", "", { matter: m, run: "1" })} emergency={() => { refusal.value = null; document.querySelector<HTMLInputElement>(".ask .check input")?.click(); }} />
              : result.value ? <Result key={result.value.n} r={result.value} /> : <Empty title={t("look.empty")} hint={t("look.empty_hint")} />}
          </section>
        </div>
      )}
    </div>
  );
}

export const page = { name: "look", face: "desk" as const, title: "rail.look", icon: "look", place: 4, key: "l", needs: ["POST /looks", "GET /looks"], view: View };
