// SPDX-License-Identifier: Apache-2.0
// flight.tsx - hit-and-run: from a place and a span of time through the funnel to the contact sheet, upstream beside
// downstream, one key a verdict. Verdicts are kept in the matter's journal.
import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ApiError, get, post, sentence } from "../kit/api";
import { matters, siteName, sites } from "../kit/city";
import { useDraft } from "../kit/draft";
import { judge, keeps, verdictsOf, type Candidate, type Funnel, type Verdict } from "../kit/flight";
import { lang, t, tx } from "../kit/i18n";
import { useKeys } from "../kit/keys";
import { useLive } from "../kit/live";
import type { MatterFull, Sighting } from "../kit/model";
import { go, route } from "../kit/route";
import { codeText, codes, kindText, meta } from "../kit/session";
import { clockTime, duration, instant, metres, num, percent, serverNow } from "../kit/time";
import { AsOf, Empty, Failed, Kbd, Likely, PlateSign, Tag, useInSight } from "../parts/bits";
import { pictureUrl } from "../parts/card";
import { Clips } from "../parts/clips";
import { EvidenceButton } from "../parts/evidence";
import { Span } from "../parts/form";
import { Grid } from "../parts/grid";
import { Icon } from "../parts/icon";
import { Pictures } from "../parts/pictures";
import { NewMatter } from "./matters";

const MIN = 60000;
interface Ask { matter: string; purpose: string; where: string; from: number; to: number; cls: string; color: string; brand: string; plate: string; damage: string }

const result = signal<Funnel | null>(null);
const VERDICTS: [Verdict, string, string][] = [["fits", "y", "good"], ["perhaps", "m", "plain"], ["excluded", "x", "bad"]];

/** "112.55, 37.87", a site's number, or part of its name. */
function place(text: string): { lon: number; lat: number } | { site: number } | null {
  const p = /^\s*(-?\d+(?:\.\d+)?)\s*[,，]\s*(-?\d+(?:\.\d+)?)\s*$/.exec(text);
  if (p) return { lon: Number(p[1]), lat: Number(p[2]) };
  const s = text.trim();
  if (!s) return null;
  const hit = sites.find(s) ?? sites.rows.value.find((x) => x.code === s || x.name === s) ?? sites.rows.value.find((x) => x.name.includes(s));
  return hit ? { site: hit.id } : null;
}

function AskForm() {
  const n = Math.floor(serverNow() / MIN) * MIN;
  const [v, set] = useDraft<Ask>("flight", { matter: "", purpose: "", where: "", from: n - 40 * MIN, to: n - 30 * MIN, cls: "", color: "", brand: "", plate: "", damage: "" });
  const [busy, setBusy] = useState(false);
  const [opening, setOpening] = useState(false);
  const [error, setError] = useState<{ text: string; field: string | null; ground: boolean } | null>(null);
  useEffect(() => { const m = route.value.query["matter"]; if (m) { set({ matter: m }); go("flight", "", {}, true); } }, [route.value]);
  const open = matters.rows.value;
  const chosen = open.find((m) => m.id === v.matter);
  const purposes = (meta.value?.purposes ?? []).filter((p) => !chosen || !p.kinds || p.kinds.includes(chosen.kind));
  const best = purposes.find((p) => p.code === v.purpose) ?? purposes.find((p) => p.code === "hit_and_run") ?? purposes[0];
  const at = place(v.where);
  const known = (result.value?.candidates ?? []).flatMap((c) => [c.up, c.down]).filter((s) => s !== null && s.plate !== "").slice(0, 80) as Sighting[];
  const run = async () => {
    setError(null);
    if (!at) { setError({ text: t("flight.where_bad"), field: "lon", ground: false }); return; }
    setBusy(true);
    try {
      result.value = await post<Funnel>("/flight/funnel", {
        ...at, from_ms: v.from, to_ms: v.to, ...(v.matter ? { matter: v.matter } : {}), ...(best ? { purpose: best.code } : {}),
        ...(v.cls ? { vehicle_class: v.cls } : {}), ...(v.color ? { vehicle_color: Number(v.color) } : {}), ...(v.brand ? { brand: v.brand } : {}),
        ...(v.plate.trim() ? { plate: v.plate.trim().toUpperCase().replace(/[·\s]/g, "") } : {}), ...(v.damage.trim() ? { damage: v.damage.trim() } : {}),
      });
    } catch (e) {
      const x = e instanceof ApiError ? e : null;
      setError({ text: sentence(e), field: x?.field ?? null, ground: x?.status === 403 });
    } finally {
      setBusy(false);
    }
  };
  const bad = (f: string) => (error?.field === f ? { "aria-invalid": true as const, "aria-describedby": "fl-error" } : {});
  if (opening) return <NewMatter done={(m) => { set({ matter: m.id }); setOpening(false); }} cancel={() => setOpening(false)} />;
  const choice = (id: string, label: string, table: string, value: string, pick: (x: string) => void) => (
    <div class="field"><label for={id}>{label}</label><select id={id} value={value} onChange={(e) => pick(e.currentTarget.value)}>
      <option value="">{t("flight.unknown")}</option>{codes(table).filter((c) => c.code !== 0 && c.code !== "").map((c) => <option key={c.code} value={String(c.code)}>{tx(c)}</option>)}</select></div>
  );
  return (
    <form class="form ask" onSubmit={(e) => { e.preventDefault(); void run(); }}>
      <div class="field"><label for="fl-matter">{t("look.matter")}</label>
        <div class="line"><select id="fl-matter" class="grow" title={chosen?.title} value={chosen ? v.matter : ""} onChange={(e) => set({ matter: e.currentTarget.value })} {...bad("matter")}>
          <option value="">{t("look.no_matter")}</option>{open.filter((m) => m.kind !== "alarm").map((m) => <option key={m.id} value={m.id}>{m.id} {kindText(m.kind)} {m.title}</option>)}</select>
          <button type="button" class="small" onClick={() => setOpening(true)}>{t("matter.new")}</button></div></div>
      <div class="field"><label for="fl-purpose">{t("look.purpose")}</label>
        <select id="fl-purpose" value={String(best?.code ?? "")} onChange={(e) => set({ purpose: e.currentTarget.value })} {...bad("purpose")}>{purposes.map((p) => <option key={p.code} value={String(p.code)}>{tx(p)}</option>)}</select></div>
      <div class="field"><label for="fl-where">{t("flight.where")} <span class="must" aria-hidden="true">*</span></label>
        <input id="fl-where" value={v.where} required autocomplete="off" placeholder={t("flight.where_hint")} list="fl-sites" onInput={(e) => set({ where: e.currentTarget.value })} {...bad("lon")} />
        <datalist id="fl-sites">{sites.rows.value.slice(0, 2000).map((s) => <option key={s.id} value={s.name} />)}</datalist>
        {v.where && <p class="why">{!at ? t("flight.where_bad") : "site" in at ? sites.find(String(at.site))?.name : `${at.lon.toFixed(5)}, ${at.lat.toFixed(5)}`}</p>}</div>
      <Span from={v.from} to={v.to} set={(from, to) => set({ from, to })} spans={[[t("flight.last", { n: 20 }), 20 * MIN], [t("flight.last", { n: 60 }), 60 * MIN]]} />
      <p class="why">{t("flight.span_why")}</p>
      {choice("fl-class", t("f.vehicle_class"), "vehicle_class", v.cls, (cls) => set({ cls }))}
      {choice("fl-color", t("f.vehicle_color"), "vehicle_color", v.color, (color) => set({ color }))}
      {choice("fl-brand", t("f.brand"), "brand", v.brand, (brand) => set({ brand }))}
      <div class="field"><label for="fl-plate">{t("flight.plate")}</label>
        <input id="fl-plate" class="plate-input" value={v.plate} maxLength={16} autocomplete="off" spellcheck={false} placeholder="*54" onInput={(e) => set({ plate: e.currentTarget.value })} {...bad("plate")} /></div>
      <div class="field"><label for="fl-damage">{t("flight.damage")}</label>
        <input id="fl-damage" value={v.damage} maxLength={200} placeholder={t("flight.damage_hint")} onInput={(e) => set({ damage: e.currentTarget.value })} /></div>
      {error && <p class="bad" id="fl-error" role="alert">{error.text} {error.ground && <button type="button" class="small" onClick={() => setOpening(true)}>{t("matter.new")}</button>}</p>}
      <button class="primary" type="submit" disabled={busy}>{busy ? t("look.running") : t("flight.run")} <kbd aria-hidden="true">⏎</kbd></button>
      {chosen?.kind === "flight" && <Clips key={chosen.id} matter={chosen.id} known={known} narrow={(x) => set({ from: x - 20000, to: x + 20000 })} />}
    </form>
  );
}

function Steps({ r }: { r: Funnel }) {
  const most = Math.max(1, r.steps[0]?.vehicles ?? 1);
  return (
    <ol class="funnel" aria-label={t("flight.steps")}>
      {r.steps.map((s) => (
        <li key={s.name}><span class="funnel-bar" style={{ width: `${Math.max(2, 100 * Math.log(1 + s.vehicles) / Math.log(1 + most))}%` }} aria-hidden="true" />
          <span class="funnel-text"><b class="num">{num(s.vehicles)}</b> {tx(s.label)}</span></li>
      ))}
    </ol>
  );
}

function shot(s: Sighting | null, scope: string, title: string) {
  return s ? { src: pictureUrl(s.picture, scope), title: `${title} ${s.site_name}`, sub: clockTime(s.time_ms), alt: t("picture.alt", { site: s.site_name, at: clockTime(s.time_ms) }) }
    : { src: null, title, sub: t("flight.not_seen"), alt: "" };
}

function Passes({ c }: { c: Candidate }) {
  const cell = (s: Sighting | null, f: (s: Sighting) => string) => (s ? f(s) || t("code.unread") : "—");
  const rows: [string, (s: Sighting) => string][] = [
    [t("f.plate"), (s) => s.plate], [t("f.vehicle_class"), (s) => codeText("vehicle_class", s.vehicle_class)], [t("f.vehicle_color"), (s) => codeText("vehicle_color", s.vehicle_color)],
    [t("f.brand"), (s) => codeText("brand", s.brand)], [t("f.time"), (s) => instant(s.time_ms)], [t("look.speed_head"), (s) => (s.speed_kmh === null ? "—" : num(s.speed_kmh))],
  ];
  return (
    <table class="twins"><thead><tr><td /><th scope="col">{t("flight.up")}</th><th scope="col">{t("flight.down")}</th></tr></thead>
      <tbody>{rows.map(([name, f]) => { const a = cell(c.up, f), b = cell(c.down, f); const off = name !== t("f.time") && name !== t("look.speed_head") && c.up && c.down && a !== b;
        return <tr key={name} class={off ? "differs" : ""}><th scope="row">{name}</th><td>{a}</td><td>{b}{off && <span class="warn-text"> ≠</span>}</td></tr>; })}</tbody></table>
  );
}

function Sheet({ r }: { r: Funnel }) {
  const [m, setM] = useState<MatterFull | null>(null);
  const [at, setAt] = useState(0);
  const [only, setOnly] = useState<"all" | "open" | "kept">("all");
  const [error, setError] = useState("");
  const [failed, setFailed] = useState("");
  const [waiting, setWaiting] = useState<Map<string, Verdict | null>>(new Map());
  const queue = useRef<Promise<void>>(Promise.resolve());
  const newest = useRef<MatterFull | null>(null);
  const done = useRef<Candidate[]>([]);
  const load = () => {
    if (!r.matter) return;
    get<MatterFull>(`/matters/${encodeURIComponent(r.matter)}`).then((x) => { newest.current = x; setM(x); setFailed(""); }, (e: unknown) => setFailed(sentence(e)));
  };
  useEffect(() => { setAt(0); done.current = []; load(); }, [r.n]);
  const kept = useMemo(() => {
    const v = new Map(verdictsOf(m));
    for (const [plate, x] of waiting) { if (x) v.set(plate, x); else v.delete(plate); }
    return v;
  }, [m, waiting]);
  const rows = r.candidates.filter((c) => only === "all" || (only === "open" ? !kept.has(c.plate) : kept.get(c.plate) === "fits" || kept.get(c.plate) === "perhaps"));
  const here = rows[Math.min(at, rows.length - 1)];
  const can = keeps(m);
  const say = (c: Candidate, v: Verdict | "undone") => {
    if (!can) return;
    setError("");
    setWaiting((w) => new Map(w).set(c.plate, v === "undone" ? null : v));
    queue.current = queue.current.then(async () => {
      if (!newest.current) return;
      try {
        newest.current = await judge(newest.current, c, v);
        setM(newest.current);
      } catch (e) {
        setError(`${c.plate}: ${sentence(e)}`);
      }
      setWaiting((w) => { const n = new Map(w); n.delete(c.plate); return n; });
    });
  };
  const verdict = (v: Verdict) => {
    if (!here || !can) return;
    done.current.push(here);
    say(here, v);
    if (only === "all") {
      const next = rows.findIndex((c, i) => i > at && !kept.has(c.plate));
      setAt(next >= 0 ? next : Math.min(rows.length - 1, at + 1));
    }
  };
  const undo = () => {
    const c = done.current.pop() ?? (here && kept.has(here.plate) ? here : undefined);
    if (!c) return;
    say(c, "undone");
    setOnly("all");
    setAt(r.candidates.indexOf(c));
  };
  useKeys([
    { key: "j", label: t("key.next"), run: () => setAt(Math.min(rows.length - 1, at + 1)) },
    { key: "k", label: t("key.prev"), run: () => setAt(Math.max(0, at - 1)) },
    ...VERDICTS.map(([v, key]) => ({ key, label: t(`flight.${v}`), run: () => verdict(v), why: can ? null : t("flight.not_kept") })),
    { key: "u", label: t("flight.undo"), run: undo },
  ]);
  const judged = r.candidates.filter((c) => kept.has(c.plate)).length;
  // What was kept leaves as evidence; before any verdict, the vehicle that is looked at.
  const chosen = r.candidates.filter((c) => kept.get(c.plate) === "fits" || kept.get(c.plate) === "perhaps");
  const proof = (chosen.length ? chosen : here ? [here] : []).flatMap((c) => [c.up, c.down]).filter((s) => s !== null).map((s) => s.id);
  const hand = (c: Candidate) => (c.up?.by_hand || c.down?.by_hand ? <Tag tone="warn">{t("sighting.by_hand")}</Tag> : null);
  const word = (plate: string) => { const v = kept.get(plate); return v ? <Tag tone={v === "fits" ? "good" : v === "excluded" ? "dim" : "warn"}>{t(`flight.${v}`)}</Tag> : <span class="dim">—</span>; };
  return (
    <div class="result sheet">
      <header class="result-head">
        <b class="num">{t("look.number", { n: r.n })}</b> {r.matter && <a class="num" href={`#/matters/${encodeURIComponent(r.matter)}`}>{r.matter}</a>}
        <span class="num">{instant(r.from_ms)} – {clockTime(r.to_ms)}</span>
        <span>{t("flight.unseen", { p: percent(r.unseen, 0) })}</span> {r.unread > 0 && <span class="dim">{t("flight.unread", { n: r.unread })}</span>}
        <AsOf ms={r.at_ms} limit_ms={3600000} />
        <EvidenceButton matter={r.matter} purpose={r.purpose} title={t("evidence.flight", { at: instant(r.from_ms) })} passes={proof} remark={t("evidence.remark", { n: r.candidates.filter((c) => kept.get(c.plate) === "fits").length, m: judged, of: r.candidates.length, p: percent(r.unseen, 0) })} />
      </header>
      <Steps r={r} />
      <details class={r.coverage.complete ? "coverage" : "coverage coverage-part"}><summary><Icon name={r.coverage.complete ? "check" : "warn"} size={16} /> {tx(r.coverage.text)}</summary>
        <ul class="plain">{r.coverage.offline.map((o, i) => <li key={i}>{siteName(o.site, o.name)} <span class="num">{instant(o.from_ms)} – {instant(o.to_ms)}</span></li>)}</ul>
        <p class="dim">{t("flight.sites", { n: r.sites.length, m: metres(r.sites[r.sites.length - 1]?.dist_m ?? 0) })}</p></details>
      {failed ? <Failed what={failed} again={load} /> : r.candidates.length === 0 ? <Empty title={t("flight.nobody")} hint={t("flight.nobody_hint")} /> : (
        <div class="split split-sheet">
          <section class="pane" aria-label={t("flight.candidates")}>
            <div class="pane-head sheet-head">
              <div class="tabs" role="group" aria-label={t("flight.show")}>{(["all", "open", "kept"] as const).map((k) => <button key={k} aria-pressed={only === k} onClick={() => { setOnly(k); setAt(0); }}>{t(`flight.show_${k}`)}</button>)}</div>
              <label class="inline grow progress"><span class="num">{t("flight.progress", { n: judged, of: r.candidates.length })}</span> <progress max={r.candidates.length} value={judged} aria-label={t("flight.progress", { n: judged, of: r.candidates.length })} /></label>
            </div>
            {rows.length === 0 ? <Empty title={t("flight.none_left")} /> : <Grid<Candidate> label={t("flight.candidates")} rows={rows} id={(c) => c.plate} selected={here?.plate ?? null} onSelect={(c) => setAt(rows.indexOf(c))} exportName={`flight-${r.n}`} exportMark={`#${r.n} ${r.matter ?? ""}`}
              columns={[
                { key: "rank", head: "#", width: "40px", align: "right", cell: (c) => <span class="num">{r.candidates.indexOf(c) + 1}</span>, text: (c) => String(r.candidates.indexOf(c) + 1) },
                { key: "plate", lead: true, head: t("f.plate"), width: "124px", cell: (c) => <PlateSign plate={c.plate} color={(c.up ?? c.down)?.plate_color ?? 0} />, sort: (c) => c.plate, text: (c) => c.plate },
                { key: "p", head: t("f.probability"), width: lang.value === "zh" ? "64px" : "96px", align: "right", cell: (c) => <span class="num">{c.probability < 0.001 ? "<0.001" : num(c.probability, 3)}</span>, sort: (c) => c.probability, text: (c) => String(c.probability) },
                { key: "late", head: t("flight.late"), width: "96px", align: "right", cell: (c) => (c.usual_ms && c.took_ms > c.usual_ms ? <span class={c.slower < 0.05 ? "warn-text num" : "num"}>+{duration(c.took_ms - c.usual_ms)}</span> : !c.down ? t("flight.gone") : "—"), sort: (c) => c.took_ms - c.usual_ms, text: (c) => String(c.took_ms - c.usual_ms) },
                { key: "verdict", head: t("flight.verdict"), width: "minmax(64px,1fr)", cell: (c) => word(c.plate), text: (c) => kept.get(c.plate) ?? "" },
              ]} />}
          </section>
          {here && (
            <section class="pane pane-card sheet-card" aria-label={t("flight.compare")} data-plate={here.plate}>
              <div class="line sheet-title"><PlateSign plate={here.plate} color={(here.up ?? here.down)?.plate_color ?? 0} big /> <Likely p={here.probability} /> {word(here.plate)} {hand(here)}
                {here.changes.map((x) => <Tag key={x.name} tone="warn">{tx(x.label)}</Tag>)} {here.look_off && <Tag tone="bad">{t("flight.look_off")}</Tag>} {here.plate_off && <Tag tone="bad">{t("flight.plate_off")}</Tag>}</div>
              <Pictures key={here.plate} shots={[shot(here.up, `look=${r.n}`, t("flight.up")), shot(here.down, `look=${r.n}`, t("flight.down"))]} />
              {r.damage && <p class="note">{t("flight.look_for", { x: r.damage })}</p>}
              <div class="line verdicts" role="group" aria-label={t("flight.verdict")}>
                {VERDICTS.map(([v, key, tone]) => <button key={v} class={`tone-${tone}`} aria-pressed={kept.get(here.plate) === v} aria-disabled={!can} title={can ? undefined : t("flight.not_kept")} onClick={() => verdict(v)}>{t(`flight.${v}`)} <Kbd k={key} /></button>)}
                <button onClick={undo} disabled={!done.current.length && !kept.has(here.plate)}>{t("flight.undo")} <Kbd k="u" /></button>
              </div>
              {m && !can && <p class="note-bad"><Icon name="warn" size={16} /> {t("flight.not_kept")}</p>}
              {error && <p class="bad" role="alert">{error}</p>}
              <Passes c={here} />
              <h3>{t("flight.reasons")}</h3>
              <ul class="plain reasons">{here.reasons.map((x) => <li key={x.name}><b>{tx(x.label)}</b> <span class="num">× {x.ratio >= 10 ? num(x.ratio, 0) : num(x.ratio, 2)}</span></li>)}
                {here.usual_ms > 0 && <li>{t("flight.took", { took: duration(here.took_ms), usual: duration(here.usual_ms), n: here.others, p: percent(here.slower, 0) })}</li>}
                <li>{t("flight.at", { at: instant(here.at_ms) })}</li></ul>
            </section>
          )}
        </div>
      )}
    </div>
  );
}

function View() {
  useLive(matters, sites);
  useInSight(result.value);
  return (
    <div class="lookpage"><div class="split split-ask">
      <section class="pane" aria-label={t("rail.flight")}><AskForm /></section>
      <section class="pane pane-card" aria-label={t("flight.candidates")}>{result.value ? <Sheet key={result.value.n} r={result.value} /> : <Empty title={t("flight.empty")} hint={t("flight.empty_hint")} />}</section>
    </div></div>
  );
}

export const page = { name: "flight", face: "desk" as const, title: "rail.flight", icon: "car", place: 4.5, key: "f", needs: ["POST /flight/funnel"], view: View };
