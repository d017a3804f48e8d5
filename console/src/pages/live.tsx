// SPDX-License-Identifier: Apache-2.0
// live.tsx - the city now: map of sites, flow, units, alarms; the same rows as tables beside it.
import { computed, signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { unitText } from "../kit/amount";
import { alarms, board, queue, rate, sites, units } from "../kit/city";
import { cap, listed, t, tx } from "../kit/i18n";
import { useKeys } from "../kit/keys";
import { counted, useLive } from "../kit/live";
import type { Measure, Site, Unit } from "../kit/model";
import { go, href, route } from "../kit/route";
import { codeText, may, ruleText } from "../kit/session";
import { ago, duration, num } from "../kit/time";
import { Empty, Failed, LevelSign, Loading, PlateSign, Tag, When, Worn } from "../parts/bits";
import { BoardRows } from "../parts/boardrows";
import { Spark } from "../parts/chart";
import { Grid } from "../parts/grid";
import { MapPane, siteTone, type Picked } from "../parts/map";
import { QueueRow } from "./alarms";

const picked = signal<Picked | null>(null);
const table = signal<"alarms" | "sites" | "units">("alarms");
/** The sites of one place, chosen on the map; the table shows only them. */
const place = signal<string[]>([]);
const shownSites = computed(() => (place.value.length ? place.value.map((id) => sites.find(id)).filter((s) => s !== undefined) : sites.rows.value));

export function Measures({ big = false }: { big?: boolean }) {
  const b = board.value;
  const [why, setWhy] = useState<Measure | null>(null);
  if (!b) return null;
  return (
    <div class={big ? "measures measures-big" : "measures"}>
      {b.measures.slice(0, 4).map((m) => {
        const known = m.trend.filter((v): v is number => v !== null);
        const d = known.length > 3 && m.value !== null ? m.value - known[Math.max(0, known.length - 4)]! : 0;
        const flat = Math.abs(d) < Math.max(0.5, Math.abs(m.value ?? 0) * 0.02);
        return (
          <div key={m.name} class="measure">
            {big ? <span class="measure-name">{cap(tx(m))}</span>
              : <button class="measure-name quiet" title={t("board.open")} onClick={() => setWhy(m)}>{cap(tx(m))} <span aria-hidden="true">›</span></button>}
            <span class="measure-value num">{m.unit === "s" && m.value !== null && m.value >= 120 ? duration(m.value * 1000) : <>{num(m.value, m.value !== null && !Number.isInteger(m.value) ? 1 : 0)} {m.value !== null && <small>{unitText(m.unit)}</small>}</>}</span>
            {m.usual !== null ? <span class="measure-trend dim num">{t("board.usual", { v: num(m.usual, m.usual < 10 ? 1 : 0) })}</span> : known.length > 3 && m.value !== null && <span class={`measure-trend ${!flat && m.good ? ((d > 0) === (m.good === "high") ? "up-good" : "up-bad") : "dim"}`}>{t(flat ? "trend.flat" : d > 0 ? "trend.up" : "trend.down")}</span>}
            {known.length > 1 && <Spark values={m.trend} usual={m.trend_usual} label={t("trend.aria", { what: tx(m), n: m.trend.length })} />}
          </div>
        );
      })}
      {why && <BoardRows of={why} close={() => setWhy(null)} />}
    </div>
  );
}

function tip(p: Picked): string {
  if (p.kind === "site") {
    const s = sites.find(p.id);
    return s ? `${s.name} · ${t(`site.state.${s.state}`)} · ${t("live.flow", { n: s.flow })}` : "";
  }
  if (p.kind === "unit") {
    const u = units.find(p.id);
    return u ? `${u.callsign} · ${codeText("unit_kind", u.kind)} · ${codeText("unit_state", u.state)} · ${ago(u.fix_ms)}` : "";
  }
  const a = alarms.find(p.id);
  return a ? `${ruleText(a.kind)} · ${a.site?.name ?? ""} · ${ago(a.time_ms)}` : "";
}

function Tables() {
  const choose = (kind: Picked["kind"], id: string) => { picked.value = { kind, id }; };
  const id = (kind: Picked["kind"]) => (picked.value?.kind === kind ? picked.value.id : null);
  if (table.value === "sites") {
    if (sites.status.value === "error" && !sites.rows.value.length) return <Failed what={sites.error.value} again={() => void sites.load()} />;
    if (sites.status.value !== "ready" && !sites.rows.value.length) return <Loading />;
    return (
      <Grid<Site> label={t("live.sites")} rows={shownSites.value} id={(s) => String(s.id)} selected={id("site")} exportName="sites" start={{ key: "flow", down: true }}
        onSelect={(s) => choose("site", String(s.id))} onOpen={(s) => go("sites", String(s.id))} as_of={sites.as_of.value}
        foot={place.value.length > 0 ? <button class="small" onClick={() => { place.value = []; }}>{t("live.all_sites")}</button> : undefined}
        columns={[
          { key: "name", head: t("f.site"), width: "minmax(0,1fr)", cell: (s) => <span class="cut">{s.name}</span>, sort: (s) => s.name, text: (s) => s.name },
          { key: "state", head: t("f.state"), width: "76px", cell: (s) => <Tag tone={siteTone(s.state)}>{t(`site.state.${s.state}`)}</Tag>, sort: (s) => s.state, text: (s) => t(`site.state.${s.state}`) },
          { key: "flow", head: t("live.per5"), width: "84px", align: "right", cell: (s) => num(s.flow), sort: (s) => s.flow, text: (s) => String(s.flow) },
          { key: "usual", head: t("live.usual"), width: "64px", align: "right", cell: (s) => <span class="dim">{num(s.flow_usual)}</span>, sort: (s) => s.flow_usual, text: (s) => String(s.flow_usual ?? "") },
        ]} />
    );
  }
  if (table.value === "units") {
    if (units.status.value === "error" && !units.rows.value.length) return <Failed what={units.error.value} again={() => void units.load()} />;
    if (units.status.value !== "ready" && !units.rows.value.length) return <Loading />;
    return units.rows.value.length ? (
      <Grid<Unit> label={t("live.units")} rows={units.rows.value} id={(u) => String(u.id)} selected={id("unit")} exportName="units"
        onSelect={(u) => choose("unit", String(u.id))} as_of={units.as_of.value}
        columns={[
          { key: "callsign", head: t("f.callsign"), width: "minmax(0,1fr)", cell: (u) => <b>{u.callsign}</b>, sort: (u) => u.callsign, text: (u) => u.callsign },
          { key: "kind", head: t("f.kind"), width: "84px", cell: (u) => codeText("unit_kind", u.kind), sort: (u) => u.kind, text: (u) => codeText("unit_kind", u.kind) },
          { key: "state", head: t("f.state"), width: "84px", cell: (u) => <Tag tone={u.matter ? "warn" : "good"}>{codeText("unit_state", u.state)}</Tag>, sort: (u) => u.state, text: (u) => codeText("unit_state", u.state) },
          { key: "fix", head: t("live.fix"), width: "92px", align: "right", cell: (u) => <span class="dim">{ago(u.fix_ms)}</span>, sort: (u) => u.fix_ms, text: (u) => (u.fix_ms ? new Date(u.fix_ms).toISOString() : "") },
        ]} />
    ) : <Empty title={t("live.no_units")} hint={t("live.no_units_hint")} />;
  }
  if (alarms.status.value === "error" && !queue.value.length) return <Failed what={alarms.error.value} again={() => void alarms.load()} />;
  if (alarms.status.value !== "ready" && !queue.value.length) return <Loading />;
  return queue.value.length ? (
    <Grid label={t("alarm.queue")} rows={queue.value} id={(a) => a.id} selected={id("alarm")} height={84} rowClass={(a) => `edge-${a.level}`}
      onSelect={(a) => choose("alarm", a.id)} onOpen={(a) => go("alarms", a.id)}
      columns={[{ key: "row", head: t("alarm.order"), width: "1fr", cell: (a) => <QueueRow a={a} /> }]} />
  ) : <Empty title={t("alarm.empty")} hint={t("alarm.empty_hint")} />;
}

function Chosen() {
  const p = picked.value;
  if (!p) return null;
  const close = <button class="small quiet" onClick={() => { picked.value = null; }}>{t("key.close")}</button>;
  if (p.kind === "alarm") {
    const a = alarms.find(p.id);
    if (!a) return null;
    return (
      <div class="chosen"><LevelSign level={a.level} /> <b>{ruleText(a.kind)}</b> <PlateSign plate={a.plate} color={a.plate_color} /> <When ms={a.time_ms} />
        <a class="button primary" href={href("alarms", a.id)}>{t("live.open_card")} <kbd>⏎</kbd></a>{close}</div>
    );
  }
  if (p.kind === "site") {
    const s = sites.find(p.id);
    if (!s) return null;
    return (
      <div class="chosen"><b>{s.name}</b> <Tag tone={siteTone(s.state)}>{t(`site.state.${s.state}`)}</Tag> <span class="num">{t("live.flow", { n: s.flow })}</span> <span class="dim">{t("live.last", { x: ago(s.last_pass_ms) })}</span>
        <a class="button" href={href("sites", String(s.id))}>{t("live.open_site")} <kbd>⏎</kbd></a>{close}</div>
    );
  }
  const u = units.find(p.id);
  if (!u) return null;
  return (
    <div class="chosen"><b>{u.callsign}</b> {codeText("unit_kind", u.kind)} <Tag tone={u.matter ? "warn" : "good"}>{codeText("unit_state", u.state)}</Tag> <span class="dim">{listed(u.officers.map((o) => o.name))} · <When ms={u.fix_ms} /></span>
      {u.matter && <a href={href("matters", u.matter)} class="num">{u.matter}</a>}{close}</div>
  );
}

function View() {
  const see_alarms = may("GET /alarms");
  useLive(...[sites, ...(may("GET /units") ? [units] : []), ...(see_alarms ? [alarms] : [])]);
  useEffect(() => { if (route.value.query["unit"]) { picked.value = { kind: "unit", id: route.value.query["unit"] }; table.value = "units"; } }, [route.value]);
  const list = table.value === "alarms" ? queue.value.map((a) => ["alarm", a.id] as const)
    : table.value === "sites" ? shownSites.value.map((s) => ["site", String(s.id)] as const) : units.rows.value.map((u) => ["unit", String(u.id)] as const);
  const step = (d: number) => {
    const i = list.findIndex(([k, id]) => k === picked.value?.kind && id === picked.value.id);
    const x = list[i < 0 ? 0 : Math.max(0, Math.min(list.length - 1, i + d))];
    if (x) picked.value = { kind: x[0], id: x[1] };
  };
  useKeys([
    { key: "j", label: t("key.next"), run: () => step(1) },
    { key: "k", label: t("key.prev"), run: () => step(-1) },
    { key: "enter", label: t("key.open"), run: () => {
      const p = picked.value;
      if (p?.kind === "alarm") go("alarms", p.id);
      if (p?.kind === "site") go("sites", p.id);
    } },
    { key: "1", label: t("live.alarms"), run: () => { table.value = "alarms"; } },
    { key: "2", label: t("live.sites"), run: () => { table.value = "sites"; } },
    { key: "3", label: t("live.units"), run: () => { table.value = "units"; } },
    { key: "escape", label: t("key.back"), run: () => { picked.value = null; } },
  ]);
  const r = rate.value;
  return (
    <div class="live">
      <Measures />
      <div class="split split-live">
        <section class="pane pane-map" aria-label={t("live.map")}>
          <MapPane label={t("live.map")} sites={sites.rows.value} units={units.rows.value} alarms={queue.value} selected={picked.value} tip={tip}
            onPlace={(there) => { place.value = there.map((s) => String(s.id)); picked.value = { kind: "site", id: place.value[0]! }; table.value = "sites"; }}
            onSelect={(p) => { picked.value = p; if (p?.kind === "site" && !place.value.includes(p.id)) place.value = [];
              if (p && p.kind !== "track") table.value = p.kind === "alarm" ? "alarms" : p.kind === "site" ? "sites" : "units"; }} />
          <Chosen />
          {sites.status.value === "ready" && !sites.rows.value.length && <p class="map-bad map-none">{t("site.empty")} <span class="dim">{t("site.empty_hint")}</span></p>}
          <div class="legend" aria-hidden="true"><span>● {t("live.legend_site")}</span><span>○ {t("live.legend_odd")}</span><span>× {t("live.legend_off")}</span><span>▬ {t("live.legend_unit")}</span><span>⑨ {t("live.legend_group")}</span>{r.length > 0 && <span class="num">{t("live.rate", { n: num(r[r.length - 1]!) })}</span>}</div>
          {sites.status.value === "error" && <Worn error={sites.error.value} again={() => void sites.load()} />}
        </section>
        <section class="pane" aria-label={t("live.tables")}>
          <div class="pane-head"><div class="tabs" role="group" aria-label={t("live.tables")}>
            {see_alarms && <button aria-pressed={table.value === "alarms"} onClick={() => { table.value = "alarms"; }}>{t("live.alarms")} <span class="num">{counted(alarms, queue.value.length)}</span></button>}
            <button aria-pressed={table.value === "sites"} onClick={() => { table.value = "sites"; }}>{t("live.sites")} <span class="num">{counted(sites)}</span></button>
            <button aria-pressed={table.value === "units"} onClick={() => { table.value = "units"; }}>{t("live.units")} <span class="num">{counted(units)}</span></button>
          </div></div>
          <Tables />
        </section>
      </div>
    </div>
  );
}

export const page = { name: "live", face: "desk" as const, title: "rail.live", icon: "map", place: 1, key: "h", needs: ["GET /board"], view: View };
