// SPDX-License-Identifier: Apache-2.0
// sites.tsx - the places that sense: list, then one site's flow per 5 minutes, read rate, clock error, health.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, poll, post, sentence } from "../kit/api";
import { sites } from "../kit/city";
import { useDraft } from "../kit/draft";
import { cap, lang, listed, t, tx } from "../kit/i18n";
import { useKeys } from "../kit/keys";
import { useLive } from "../kit/live";
import type { Flow, GantryHours, Site, SiteDay, SiteFull } from "../kit/model";
import { go, route } from "../kit/route";
import { codeText, may } from "../kit/session";
import { ago, date, duration, instant, num, percent, serverNow, shortTime, signedSeconds } from "../kit/time";
import { AsOf, Empty, Failed, Loading, Tag, When, Worn } from "../parts/bits";
import { Chart } from "../parts/chart";
import { Grid } from "../parts/grid";
import { Icon } from "../parts/icon";
import { siteTone } from "../parts/map";

const H = 3600000;

type Split = "class" | "lane" | "direction" | "unread";
const SERIES = ["series-1", "series-2", "series-3", "series-4"];

/** The bars of a split; one row of all passes when the window is too long for one. */
function bars(f: Flow, split: Split) {
  const all = [{ name: t("flow.all"), colour: "series-1", values: f.n }];
  if (!f.detail) return all;
  const some = (rows: { name: string; values: number[] }[]) => (rows.length ? rows.map((r, i) => ({ ...r, colour: SERIES[i % SERIES.length]! })) : all);
  if (split === "class") return some([["K", "flow.car"], ["H", "flow.truck"], ["other", "flow.other"]].filter(([k]) => f.by[k!]?.length).map(([k, name]) => ({ name: t(name!), values: f.by[k!]! })));
  if (split === "unread") return some([{ name: t("flow.read"), values: f.n.map((n, i) => Math.max(0, n - (f.unread[i] ?? 0))) }, { name: t("flow.unread"), values: f.unread }]);
  if (split === "lane") return some(Object.entries(f.lanes).map(([k, values]) => ({ name: k === "0" ? t("flow.lane0") : t("flow.lane", { n: k }), values })));
  return some(Object.entries(f.directions).map(([k, values]) => ({ name: codeText("direction", Number(k)), values })));
}

function flowChart(f: Flow, split: Split) {
  return {
    times: f.n.map((_, i) => f.from_ms + i * f.step_ms), unit: t("flow.unit"), time_axis: t("f.time"), missing: f.offline, missing_label: t("flow.silent"),
    bars: bars(f, split),
    ...(f.usual.some((v) => v !== null) ? { usual: { name: t("flow.usual"), values: f.usual } } : {}),
    line: { name: t("f.speed"), values: f.speed_kmh.map((v) => (v == null ? null : Math.round(v))), unit: "km/h" },
  };
}

function FlowPane({ id }: { id: string }) {
  const [flow, setFlow] = useState<Flow | null>(null);
  const [error, setError] = useState("");
  const [hours, setHours] = useState(24);
  const [table, setTable] = useState(false);
  const [split, setSplit] = useState<Split>("class");
  const load = () => {
    const to = Math.floor(serverNow() / 300000) * 300000;
    poll<Flow>(`/sites/${id}/flow?from_ms=${to - hours * H}&to_ms=${to}`).then((f) => { setFlow(f); setError(""); }, (e: unknown) => setError(sentence(e)));
  };
  useEffect(load, [id, hours]);
  useEffect(() => { const h = setInterval(load, 60000); return () => clearInterval(h); }, [id, hours]);
  const data = useMemo(() => (flow ? flowChart(flow, split) : null), [flow, split]);
  const rows = useMemo(() => (flow ? flow.n.map((n, i) => ({ at: flow.from_ms + i * flow.step_ms, n, v: flow.speed_kmh[i] ?? null, u: flow.detail ? flow.unread[i] ?? 0 : null, x: flow.usual[i] ?? null })).reverse() : []), [flow]);
  return (
    <section class="block">
      <div class="line"><h3>{t("flow.title")}</h3><span class="grow" />
        <div class="tabs" role="group" aria-label={t("span.legend")}>{[6, 24, 72, 168].map((h) => <button key={h} aria-pressed={hours === h} onClick={() => setHours(h)}>{t(h < 24 ? "span.hours" : "span.days", { n: h < 24 ? h : h / 24 })}</button>)}</div>
        {flow?.detail !== false
          ? <select aria-label={t("flow.split")} value={split} onChange={(e) => setSplit(e.currentTarget.value as Split)}>{(["class", "lane", "direction", "unread"] as const).map((x) => <option key={x} value={x}>{t(`flow.split.${x}`)}</option>)}</select>
          : <span class="dim">{t("flow.no_detail")}</span>}
        <button class="small" aria-pressed={table} onClick={() => setTable(!table)}>{t("chart.table")}</button></div>
      {error && flow && <Worn error={error} again={load} />}
      {error && !flow ? <Failed what={error} again={load} /> : !flow || !data ? <Loading /> : table ? (
        <div class="chart"><Grid label={t("flow.title")} rows={rows} id={(r) => String(r.at)} exportName={`flow-${id}`} columns={[
          { key: "at", head: t("f.time"), width: "1fr", cell: (r) => instant(r.at), sort: (r) => r.at, text: (r) => new Date(r.at).toISOString() },
          { key: "n", head: t("flow.unit"), width: "110px", align: "right", cell: (r) => num(r.n), sort: (r) => r.n, text: (r) => String(r.n) },
          { key: "x", head: t("flow.usual"), width: "90px", align: "right", cell: (r) => <span class="dim">{num(r.x, 1)}</span>, sort: (r) => r.x, text: (r) => String(r.x ?? "") },
          { key: "v", head: t("f.speed"), width: "110px", align: "right", cell: (r) => num(r.v), sort: (r) => r.v, text: (r) => String(r.v ?? "") },
          { key: "u", head: t("flow.unread"), width: "110px", align: "right", cell: (r) => num(r.u), sort: (r) => r.u, text: (r) => String(r.u ?? "") },
        ]} /></div>
      ) : <Chart data={data} label={t("flow.aria", { max: num(Math.max(0, ...flow.n)), sum: num(flow.n.reduce((a, b) => a + b, 0)) })} />}
      {flow && <AsOf ms={flow.as_of_ms} limit_ms={600000} />}
    </section>
  );
}

function Place({ s, done }: { s: SiteFull; done: () => void }) {
  const [v, set, clear] = useDraft(`site.${s.id}`, { name: s.name, lon: String(s.lon ?? ""), lat: String(s.lat ?? ""), heading: String(s.heading_deg ?? ""), limit: String(s.limit_kmh ?? "") });
  const [error, setError] = useState("");
  const n = (x: string) => (x.trim() === "" ? null : Number(x));
  return (
    <form class="form" onSubmit={(e) => {
      e.preventDefault();
      const body: Record<string, unknown> = { name: v.name.trim() };
      for (const [k, x] of [["lon", v.lon], ["lat", v.lat], ["heading_deg", v.heading], ["limit_kmh", v.limit]] as const) if (n(x) !== null) body[k] = n(x);
      post<Site>(`/sites/${s.id}`, body).then((row) => { clear(); sites.put(row); done(); }, (x: unknown) => setError(sentence(x)));
    }}>
      <h3>{t("site.edit")}</h3>
      <div class="line wrap">
        <label class="inline">{t("f.name")} <input value={v.name} maxLength={100} onInput={(e) => set({ name: e.currentTarget.value })} /></label>
        <label class="inline">{t("f.lon")} <input class="short" inputMode="decimal" value={v.lon} onInput={(e) => set({ lon: e.currentTarget.value })} /></label>
        <label class="inline">{t("f.lat")} <input class="short" inputMode="decimal" value={v.lat} onInput={(e) => set({ lat: e.currentTarget.value })} /></label>
        <label class="inline">{t("site.heading")} <input class="short" inputMode="numeric" value={v.heading} onInput={(e) => set({ heading: e.currentTarget.value })} /></label>
        <label class="inline">{t("site.limit")} <input class="short" inputMode="numeric" value={v.limit} onInput={(e) => set({ limit: e.currentTarget.value })} /></label>
        <button class="primary">{t("save")}</button>
      </div>
      {error && <p class="bad" role="alert">{error}</p>}
    </form>
  );
}

/** The learned days of a site, newest first. */
function Days({ rows }: { rows: SiteDay[] }) {
  if (!rows.length) return <p class="dim">{t("site.days_none")}</p>;
  return (
    <table class="rows"><thead><tr><th scope="col">{t("site.day")}</th><th scope="col" class="right">{t("site.day_passes")}</th><th scope="col" class="right">{t("site.read")}</th><th scope="col" class="right">{t("site.clock")}</th></tr></thead>
      <tbody>{rows.slice().reverse().map((d) => <tr key={d.day_ms}><td class="num">{date(d.day_ms)}</td><td class="num right">{num(d.passes)}</td><td class="num right">{percent(d.read_rate)}</td><td class="num right">{seconds(d.clock_error_ms, d.clock_sd_ms)}</td></tr>)}</tbody></table>
  );
}

const sum = (a: number[]) => a.reduce((x, y) => x + y, 0);
const share = (part: number, whole: number) => (whole > 0 ? part / whole : null);

/** A gantry's last day by hours, newest first: how well its cameras and its radio work, and how often they agree. */
function Gantry({ id }: { id: string }) {
  const [g, setG] = useState<GantryHours | null>(null);
  const [error, setError] = useState("");
  const load = () => {
    const to = Math.ceil(serverNow() / H) * H;
    poll<GantryHours>(`/sites/${id}/gantry?from_ms=${to - 24 * H}&to_ms=${to}`).then((x) => { setG(x); setError(""); }, (e: unknown) => setError(sentence(e)));
  };
  useEffect(load, [id]);
  useEffect(() => { const h = setInterval(load, 60000); return () => clearInterval(h); }, [id]);
  if (error && !g) return <section class="block"><h3>{t("gantry.title")}</h3><p class="dim">{error}</p></section>;
  if (!g) return <Loading />;
  const hours = g.passes.map((_, i) => ({ at: g.from_ms + i * g.step_ms, i })).reverse();
  const done = sum(g.done), known = sum(g.known), passes = sum(g.passes);
  const other = g.gantry && String(g.gantry.id) !== id ? g.gantry : String(g.radio.id) !== id ? g.radio : null;
  return (
    <section class="block">
      <div class="line"><h3>{t("gantry.title")}</h3><span class="grow" />{other && <button class="small" onClick={() => go("sites", String(other.id))}>{t(other === g.radio ? "gantry.radio" : "gantry.cameras")}</button>}</div>
      {error && <Worn error={error} again={load} />}
      <div class="stats">
        <Stat name={t("gantry.success")} value={percent(share(done, done + sum(g.failed)))} sub={t("gantry.success_sub", { n: num(done + sum(g.failed)) })} />
        <Stat name={t("gantry.read")} value={percent(share(sum(g.read), passes))} sub={t("gantry.read_sub", { n: num(passes) })} />
        <Stat name={t("gantry.paired")} value={percent(share(sum(g.paired), known))} sub={t("gantry.paired_sub", { n: num(known) })} />
        <Stat name={t("gantry.media")} value={`${num(sum(g.obu))} / ${num(sum(g.cpc))}`} sub={t("gantry.media_sub")} />
      </div>
      <div class="scroll-x" tabIndex={0} role="region" aria-label={t("gantry.hours")}><table class="rows"><thead><tr><th scope="col">{t("gantry.hour")}</th><th scope="col" class="right">{t("gantry.pictures")}</th><th scope="col" class="right">{t("gantry.read")}</th><th scope="col" class="right">{t("gantry.tags")}</th><th scope="col" class="right">{t("gantry.success")}</th><th scope="col" class="right">{t("gantry.paired")}</th><th scope="col" class="right">{t("gantry.quiet")}</th><th scope="col" class="right">{t("gantry.tag_quiet")}</th></tr></thead>
        <tbody>{hours.map(({ at, i }) => <tr key={at}><td class="num">{shortTime(at)}</td><td class="num right">{num(g.passes[i]!)}</td><td class="num right">{percent(share(g.read[i]!, g.passes[i]!))}</td><td class="num right">{num(g.tags[i]!)}</td><td class="num right">{percent(share(g.done[i]!, g.done[i]! + g.failed[i]!))}</td><td class="num right">{percent(share(g.paired[i]!, g.known[i]!))}</td><td class="num right">{duration(g.quiet_s[i]! * 1000)}</td><td class="num right">{duration(g.tag_quiet_s[i]! * 1000)}</td></tr>)}</tbody></table></div>
      <AsOf ms={g.as_of_ms} limit_ms={600000} />
    </section>
  );
}

/** "+12.3 s ± 0.9". */
function seconds(ms: number | null, sd: number | null): string {
  return signedSeconds(ms) + (ms === null || sd === null ? "" : ` ± ${num(sd / 1000, 1)}`);
}

function SiteCard({ id }: { id: string }) {
  const [s, setS] = useState<SiteFull | null>(null);
  const [error, setError] = useState("");
  const load = () => { get<SiteFull>(`/sites/${id}`).then((x) => { setS(x); setError(""); }, (e: unknown) => setError(sentence(e))); };
  useEffect(() => { setS(null); load(); }, [id]);
  const live = sites.find(id);
  useEffect(() => { if (s && live && live.state !== s.state) load(); }, [live?.state]);
  useKeys(s && may("POST /looks") ? [{ key: "l", label: t("site.look"), run: () => go("look", "", { site: id }) }] : []);
  if (error && !s) return <Failed what={error} again={load} />;
  if (!s) return <Loading />;
  const now = live ?? s;
  const state = now.state;
  return (
    <article class="card"><div class="card-scroll" tabIndex={0} role="region" aria-label={s.name}>
      <Worn error={error} again={load} />
      <header class="card-head">
        <div class="card-title"><h2>{s.name}</h2> <Tag tone={siteTone(state)}>{t(`site.state.${state}`)}</Tag> {s.muted && <Tag tone="bad">{t("site.muted")}</Tag>}</div>
        <div class="card-sub"><span class="num">{s.code}</span> <span>{codeText("site_kind", s.kind)}</span> {s.org && <span>{s.org.name}</span>} <span>{t("live.last", { x: ago(live?.last_pass_ms ?? s.last_pass_ms) })}</span>
          {may("POST /looks") && <button class="small" onClick={() => go("look", "", { site: id })}><kbd>l</kbd> {t("site.look")}</button>}</div>
      </header>
      {now.reason && <p class={`reason reason-${siteTone(state)}`}><Icon name="warn" size={16} /> {cap(tx(now.reason))}{now.since_ms !== null && <span class="dim"> · {t("site.since", { at: instant(now.since_ms) })}</span>}</p>}
      <div class="stats">
        <Stat name={t("live.per5")} value={num(now.flow)} sub={now.flow_usual === null ? t("site.clock_unknown", { n: s.model }) : t("site.usual", { n: num(now.flow_usual, 1) })} />
        <Stat name={t("site.read")} value={percent(now.read_rate)} sub={t("site.misread_sub", { p: percent(s.misread_rate) })} />
        <Stat name={t("site.clock")} value={seconds(s.clock_error_ms, null)} sub={s.clock_sd_ms === null ? t("site.clock_unknown", { n: s.model }) : t("site.clock_pm", { sd: num(s.clock_sd_ms / 1000, 1), n: s.model })} />
        <Stat name={t("site.late")} value={s.late_ms_p95 === null ? "—" : duration(s.late_ms_p95)} sub={t("site.late_sub")} />
        <Stat name={t("site.precision")} value={percent(s.precision.value)} sub={t("site.precision_sub", { n: s.precision.closed })} />
      </div>
      {may("POST /sites/{id}") && <Place s={s} done={load} />}
      {(s.kind === "gantry" || s.kind === "rsu") && <Gantry id={id} />}
      <FlowPane id={id} />
      <div class="card-cols">
        <section class="block"><h3>{t("site.about")}</h3><dl class="facts">
          <div><dt>{t("site.directions")}</dt><dd>{listed(s.directions.map((d) => codeText("direction", d))) || "—"}</dd></div>
          <div><dt>{t("site.lanes")}</dt><dd class="num">{num(s.lanes)}</dd></div>
          <div><dt>{t("site.limit")}</dt><dd class="num">{s.limit_kmh === null ? "—" : `${s.limit_kmh} km/h`}</dd></div>
          <div><dt>{t("site.position")}</dt><dd class="num">{s.lon === null || s.lat === null ? t("site.state.unplaced") : `${s.lon.toFixed(5)}, ${s.lat.toFixed(5)}`}</dd></div>
        </dl></section>
        <section class="block"><h3>{t("site.devices")}</h3>
          {s.device_list.length ? <table class="rows"><thead><tr><th scope="col">{t("f.name")}</th><th scope="col">{t("f.state")}</th><th scope="col">{t("device.last")}</th><th scope="col" class="right">{t("device.faults")}</th></tr></thead>
            <tbody>{s.device_list.map((d) => <tr key={d.id}><td>{d.name || d.code}</td><td><Tag tone={d.state === "online" ? "good" : d.state === "offline" ? "bad" : ""}>{t(`device.state.${d.state}`)}</Tag></td><td>{ago(d.last_ms)}</td><td class="num right">{num(d.faults)}</td></tr>)}</tbody></table>
            : <p class="dim">{t("site.no_devices")}</p>}
        </section>
      </div>
      <section class="block"><h3>{t("site.days")}</h3><Days rows={s.days} /></section>
      <section class="block"><h3>{t("site.health")}</h3>
        {s.health.length ? <ul class="plain">{s.health.map((h, i) => <li key={i}><Tag tone={siteTone(h.state)}>{t(`site.state.${h.state}`)}</Tag> {tx(h.text)} <When ms={h.at_ms} /></li>)}</ul> : <p class="dim">{t("site.health_none")}</p>}
      </section>
    </div></article>
  );
}

export function Stat({ name, value, sub }: { name: string; value: string; sub?: string }) {
  return <div class="stat"><span class="dim">{name}</span><b class="num">{value}</b>{sub && <span class="dim">{sub}</span>}</div>;
}

/** Troubled sites first. */
const RANK: Site["state"][] = ["offline", "silent", "degraded", "clock", "unplaced", "late", "ok"];
const rank = (s: Site) => RANK.indexOf(s.state);

function View() {
  useLive(sites);
  const [q, setQ] = useState("");
  const [only, setOnly] = useState("");
  const rows = useMemo(() => {
    const words = q.trim().toLowerCase().split(/\s+/).filter(Boolean);
    return sites.rows.value.filter((s) => (!only || s.state === only || (only === "bad" && rank(s) < 5)) && words.every((w) => s.name.toLowerCase().includes(w) || s.code.includes(w))).sort((a, b) => rank(a) - rank(b) || a.id - b.id);
  }, [sites.rows.value, q, only]);
  const id = route.value.id;
  const order = useRef<Site[]>([]);
  const step = (d: number) => {
    const i = order.current.findIndex((s) => String(s.id) === id);
    const s = order.current[i < 0 ? 0 : Math.max(0, Math.min(order.current.length - 1, i + d))];
    if (s) go("sites", String(s.id));
  };
  useKeys([
    { key: "j", label: t("key.next"), run: () => step(1) },
    { key: "k", label: t("key.prev"), run: () => step(-1) },
    { key: "f", label: t("key.filter"), run: () => document.getElementById("site-filter")?.focus() },
    { key: "escape", label: t("key.back"), run: () => go("sites") },
  ]);
  const count = (s: string) => sites.rows.value.reduce((n, x) => n + (x.state === s ? 1 : 0), 0);
  return (
    <div class="split split-queue split-sites">
      <section class="pane" aria-label={t("rail.sites")}>
        <div class="pane-head">
          <input id="site-filter" class="grow" value={q} placeholder={t("site.filter")} aria-label={t("site.filter")} onInput={(e) => setQ(e.currentTarget.value)} />
          <select aria-label={t("f.state")} value={only} onChange={(e) => setOnly(e.currentTarget.value)}><option value="">{t("site.every_state")}</option>
            <option value="bad">{t("site.every_bad")} ({sites.rows.value.reduce((n, x) => n + (rank(x) < 5 ? 1 : 0), 0)})</option>
            {RANK.map((s) => <option key={s} value={s}>{t(`site.state.${s}`)} ({count(s)})</option>)}</select>
        </div>
        {sites.status.value === "error" && sites.rows.value.length > 0 && <Worn error={sites.error.value} again={() => void sites.load()} />}
        {sites.status.value === "error" && !sites.rows.value.length ? <Failed what={sites.error.value} again={() => void sites.load()} /> : sites.status.value !== "ready" && !sites.rows.value.length ? <Loading />
          : !rows.length ? <Empty title={t(sites.rows.value.length ? "site.no_match" : "site.empty")} hint={t("site.empty_hint")} /> : (
            <Grid<Site> label={t("rail.sites")} rows={rows} order={order} id={(s) => String(s.id)} selected={id} exportName="sites" onSelect={(s) => go("sites", String(s.id))} as_of={sites.as_of.value}
              columns={[
                { key: "name", head: t("f.site"), width: "minmax(0,1fr)", cell: (s) => <span class="cut" title={s.name}>{s.name}</span>, sort: (s) => s.name, text: (s) => s.name },
                { key: "code", head: t("f.code"), width: "0", file: true, cell: () => null, text: (s) => s.code },
                { key: "state", head: t("f.state"), width: lang.value === "zh" ? "88px" : "106px", cell: (s) => <Tag tone={siteTone(s.state)}>{t(`site.state.${s.state}`)}</Tag>, sort: (s) => rank(s), text: (s) => s.state },
                { key: "reason", head: t("f.reason"), width: "0", file: true, cell: () => null, text: (s) => tx(s.reason) },
                { key: "flow", head: t("site.flow_usual"), width: "92px", align: "right", cell: (s) => <>{num(s.flow)} <span class="dim">/ {num(s.flow_usual)}</span></>, sort: (s) => s.flow, text: (s) => String(s.flow) },
                { key: "usual", head: t("flow.usual"), width: "0", file: true, cell: () => null, text: (s) => String(s.flow_usual ?? "") },
                { key: "read", head: t("site.read"), width: lang.value === "zh" ? "72px" : "90px", align: "right", cell: (s) => percent(s.read_rate), sort: (s) => s.read_rate, text: (s) => String(s.read_rate ?? "") },
                { key: "clock", head: t("site.clock"), width: "0", file: true, cell: () => null, text: (s) => (s.clock_error_ms === null ? "" : String(s.clock_error_ms / 1000)) },
              ]} />
          )}
      </section>
      <section class="pane pane-card" aria-label={t("site.card")}>{id ? <SiteCard key={id} id={id} /> : <Empty title={t("site.choose")} hint={t("site.choose_hint")} />}</section>
    </div>
  );
}

export const page = { name: "sites", face: "desk" as const, title: "rail.sites", icon: "site", place: 5, key: "s", needs: ["GET /sites"], view: View };
