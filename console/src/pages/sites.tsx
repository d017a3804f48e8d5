// SPDX-License-Identifier: Apache-2.0
// sites.tsx - the places that sense: list, then one site's flow per 5 minutes, read rate, clock error, health.
import { useEffect, useMemo, useState } from "preact/hooks";
import { get, poll, post, sentence } from "../kit/api";
import { sites } from "../kit/city";
import { useDraft } from "../kit/draft";
import { t, tx } from "../kit/i18n";
import { useKeys } from "../kit/keys";
import { useLive } from "../kit/live";
import type { Flow, Site, SiteFull } from "../kit/model";
import { go, route } from "../kit/route";
import { codeText, may } from "../kit/session";
import { ago, duration, instant, num, percent, serverNow } from "../kit/time";
import { AsOf, Empty, Failed, LevelSign, Loading, Tag, When, Worn } from "../parts/bits";
import { Chart } from "../parts/chart";
import { Grid } from "../parts/grid";
import { siteTone } from "./live";

const H = 3600000;

function flowChart(f: Flow) {
  const times = f.n.map((_, i) => f.from_ms + i * f.step_ms);
  const names: [string, string, string][] = [["K", "flow.car", "series-1"], ["H", "flow.truck", "series-2"], ["other", "flow.other", "series-3"]];
  return {
    times, unit: t("flow.unit"), time_axis: t("f.time"), missing: f.offline, missing_label: t("site.state.offline"),
    bars: names.some(([k]) => f.by[k]?.length) ? names.filter(([k]) => f.by[k]?.length).map(([k, name, colour]) => ({ name: t(name), colour, values: f.by[k]! }))
      : [{ name: t("flow.all"), colour: "series-1", values: f.n }],
    line: { name: t("f.speed"), values: f.speed_kmh.map((v) => (v == null ? null : Math.round(v))), unit: "km/h" },
  };
}

function FlowPane({ id }: { id: string }) {
  const [flow, setFlow] = useState<Flow | null>(null);
  const [error, setError] = useState("");
  const [hours, setHours] = useState(24);
  const [table, setTable] = useState(false);
  const load = () => {
    const to = Math.floor(serverNow() / 300000) * 300000;
    poll<Flow>(`/sites/${id}/flow?from_ms=${to - hours * H}&to_ms=${to}`).then((f) => { setFlow(f); setError(""); }, (e: unknown) => setError(sentence(e)));
  };
  useEffect(load, [id, hours]);
  useEffect(() => { const h = setInterval(load, 60000); return () => clearInterval(h); }, [id, hours]);
  const data = useMemo(() => (flow ? flowChart(flow) : null), [flow]);
  const rows = useMemo(() => (flow ? flow.n.map((n, i) => ({ at: flow.from_ms + i * flow.step_ms, n, v: flow.speed_kmh[i] ?? null, u: flow.unread[i] ?? 0 })).reverse() : []), [flow]);
  return (
    <section class="block">
      <div class="line"><h3>{t("flow.title")}</h3><span class="grow" />
        <div class="tabs" role="group" aria-label={t("span.legend")}>{[6, 24, 72, 168].map((h) => <button key={h} aria-pressed={hours === h} onClick={() => setHours(h)}>{t(h < 24 ? "span.hours" : "span.days", { n: h < 24 ? h : h / 24 })}</button>)}</div>
        <button class="small" aria-pressed={table} onClick={() => setTable(!table)}>{t("chart.table")}</button></div>
      {error && flow && <Worn error={error} again={load} />}
      {error && !flow ? <Failed what={error} again={load} /> : !flow || !data ? <Loading /> : table ? (
        <div class="chart"><Grid label={t("flow.title")} rows={rows} id={(r) => String(r.at)} exportName={`flow-${id}`} columns={[
          { key: "at", head: t("f.time"), width: "1fr", cell: (r) => instant(r.at), sort: (r) => r.at, text: (r) => new Date(r.at).toISOString() },
          { key: "n", head: t("flow.unit"), width: "110px", align: "right", cell: (r) => num(r.n), sort: (r) => r.n, text: (r) => String(r.n) },
          { key: "v", head: t("f.speed"), width: "110px", align: "right", cell: (r) => num(r.v), sort: (r) => r.v, text: (r) => String(r.v ?? "") },
          { key: "u", head: t("flow.unread"), width: "110px", align: "right", cell: (r) => num(r.u), sort: (r) => r.u, text: (r) => String(r.u) },
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
  const state = live?.state ?? s.state;
  return (
    <article class="card"><div class="card-scroll" tabIndex={0} role="region" aria-label={s.name}>
      <Worn error={error} again={load} />
      <header class="card-head">
        <div class="card-title"><h2>{s.name}</h2> <Tag tone={siteTone(state)}>{t(`site.state.${state}`)}</Tag> {s.muted && <Tag tone="bad">{t("site.muted")}</Tag>}</div>
        <div class="card-sub"><span class="num">{s.code}</span> <span>{codeText("site_kind", s.kind)}</span> {s.org && <span>{s.org.name}</span>} <span>{t("live.last", { x: ago(live?.last_pass_ms ?? s.last_pass_ms) })}</span>
          {may("POST /looks") && <button class="small" onClick={() => go("look", "", { site: id })}><kbd>l</kbd> {t("site.look")}</button>}</div>
      </header>
      <div class="stats">
        <Stat name={t("live.per5")} value={num(live?.flow ?? s.flow)} sub={t("site.usual", { n: num(s.flow_usual) })} />
        <Stat name={t("site.read")} value={percent(s.read_rate)} sub={t("site.read_sub")} />
        <Stat name={t("site.clock")} value={s.clock_error_ms === null ? "—" : `${num(Math.round(s.clock_error_ms / 100) / 10 + 0, 1)} s`} sub={t("site.clock_sub", { n: s.model })} />
        <Stat name={t("site.late")} value={s.late_ms_p95 === null ? "—" : duration(s.late_ms_p95)} sub={t("site.late_sub")} />
        <Stat name={t("site.precision")} value={percent(s.precision.value)} sub={t("site.precision_sub", { n: s.precision.closed })} />
      </div>
      {may("POST /sites/{id}") && <Place s={s} done={load} />}
      <FlowPane id={id} />
      <div class="card-cols">
        <section class="block"><h3>{t("site.about")}</h3><dl class="facts">
          <div><dt>{t("site.directions")}</dt><dd>{s.directions.map((d) => codeText("direction", d)).join("、") || "—"}</dd></div>
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
      <section class="block"><h3>{t("site.health")}</h3>
        {s.health.length ? <ul class="plain">{s.health.map((h, i) => <li key={i}><LevelSign level={h.level} /> {tx(h.text)} <When ms={h.at_ms} /></li>)}</ul> : <p class="dim">{t("site.health_none")}</p>}
      </section>
    </div></article>
  );
}

export function Stat({ name, value, sub }: { name: string; value: string; sub?: string }) {
  return <div class="stat"><span class="dim">{name}</span><b class="num">{value}</b>{sub && <span class="dim">{sub}</span>}</div>;
}

function View() {
  useLive(sites);
  const [q, setQ] = useState("");
  const [only, setOnly] = useState("");
  const rows = useMemo(() => {
    const words = q.trim().toLowerCase().split(/\s+/).filter(Boolean);
    return sites.rows.value.filter((s) => (!only || s.state === only) && words.every((w) => s.name.toLowerCase().includes(w) || s.code.includes(w)));
  }, [sites.rows.value, q, only]);
  const id = route.value.id;
  const step = (d: number) => {
    const i = rows.findIndex((s) => String(s.id) === id);
    const s = rows[i < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, i + d))];
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
    <div class="split split-queue">
      <section class="pane" aria-label={t("rail.sites")}>
        <div class="pane-head">
          <input id="site-filter" class="grow" value={q} placeholder={t("site.filter")} aria-label={t("site.filter")} onInput={(e) => setQ(e.currentTarget.value)} />
          <select aria-label={t("f.state")} value={only} onChange={(e) => setOnly(e.currentTarget.value)}><option value="">{t("site.every_state")}</option>
            {["ok", "late", "silent", "offline", "unplaced"].map((s) => <option key={s} value={s}>{t(`site.state.${s}`)} ({count(s)})</option>)}</select>
        </div>
        {sites.status.value === "error" && sites.rows.value.length > 0 && <Worn error={sites.error.value} again={() => void sites.load()} />}
        {sites.status.value === "error" && !sites.rows.value.length ? <Failed what={sites.error.value} again={() => void sites.load()} /> : sites.status.value !== "ready" && !sites.rows.value.length ? <Loading />
          : !rows.length ? <Empty title={t(sites.rows.value.length ? "site.no_match" : "site.empty")} hint={t("site.empty_hint")} /> : (
            <Grid<Site> label={t("rail.sites")} rows={rows} id={(s) => String(s.id)} selected={id} exportName="sites" onSelect={(s) => go("sites", String(s.id))} as_of={sites.as_of.value}
              columns={[
                { key: "name", head: t("f.site"), width: "minmax(0,1fr)", cell: (s) => <span class="cut" title={s.name}>{s.name}</span>, sort: (s) => s.name, text: (s) => s.name },
                { key: "code", head: t("f.code"), width: "0", file: true, cell: () => null, text: (s) => s.code },
                { key: "state", head: t("f.state"), width: "76px", cell: (s) => <Tag tone={siteTone(s.state)}>{t(`site.state.${s.state}`)}</Tag>, sort: (s) => s.state, text: (s) => s.state },
                { key: "flow", head: t("live.per5"), width: "84px", align: "right", cell: (s) => num(s.flow), sort: (s) => s.flow, text: (s) => String(s.flow) },
                { key: "read", head: t("site.read"), width: "80px", align: "right", cell: (s) => percent(s.read_rate), sort: (s) => s.read_rate, text: (s) => String(s.read_rate ?? "") },
              ]} />
          )}
      </section>
      <section class="pane pane-card" aria-label={t("site.card")}>{id ? <SiteCard key={id} id={id} /> : <Empty title={t("site.choose")} hint={t("site.choose_hint")} />}</section>
    </div>
  );
}

export const page = { name: "sites", face: "desk" as const, title: "rail.sites", icon: "site", place: 5, key: "s", needs: ["GET /sites"], view: View };
