// SPDX-License-Identifier: Apache-2.0
// map.tsx - the map as a pane. Every map stands beside a table with the same rows; the canvas itself is
// described to a screen reader by that table.
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../kit/api";
import { lang, t } from "../kit/i18n";
import type { Alarm, Site, Unit } from "../kit/model";
import { meta } from "../kit/session";
import { scale, theme } from "../kit/theme";
import { num } from "../kit/time";
import { Tag } from "./bits";
import type { MapDraw, Picked, TrackPoint } from "./mapdraw";
import type { GroupRow, Sight } from "./mapsites";
import { Icon } from "./icon";

export type { Picked, TrackPoint } from "./mapdraw";

const roads = signal<unknown>(null);
let asked = false;
async function loadRoads(): Promise<void> {
  if (asked) return;
  asked = true;
  try {
    roads.value = await get<unknown>("/road");
  } catch {
    asked = false;
  }
}

interface Props {
  label: string; sites?: Site[]; units?: Unit[]; alarms?: Alarm[]; track?: TrackPoint[]; play?: number; big?: number; quiet?: boolean;
  selected?: Picked | null; onSelect?: (p: Picked | null) => void; tip?: (p: Picked) => string;
  /** Is given the sites of a bubble that no zoom takes apart. */
  onPlace?: (sites: Site[]) => void;
}

export function siteTone(s: Site["state"]): string {
  return s === "ok" ? "good" : s === "offline" || s === "silent" ? "bad" : "warn";
}

function groupText(g: GroupRow): string {
  return t("map.group", { n: num(g.n), name: g.name }) + (g.bad ? ` · ${t("map.group_bad", { n: num(g.bad), state: t(`site.state.${g.worst}`) })}` : "");
}

/** The bubbles of the map as a list: what the canvas cannot say to a screen reader or a keyboard. */
function Groups({ sight, stand, enter, close }: { sight: Sight; stand: (key: string) => void; enter: (key: string) => void; close: () => void }) {
  const [at, setAt] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const rows = sight.groups.slice(0, 200), on = rows[Math.min(at, rows.length - 1)];
  useEffect(() => { box.current?.focus(); return () => stand(""); }, []);
  useEffect(() => { stand(on?.key ?? ""); box.current?.querySelector(".on")?.scrollIntoView({ block: "nearest" }); }, [on?.key]);
  const moves: Record<string, () => void> = {
    ArrowDown: () => setAt(Math.min(rows.length - 1, at + 1)), ArrowUp: () => setAt(Math.max(0, at - 1)), Home: () => setAt(0), End: () => setAt(rows.length - 1),
    Enter: () => { if (on) enter(on.key); setAt(0); }, Escape: close,
  };
  return (
    <section class="map-groups" aria-label={t("map.groups")}>
      <p class="dim" role="status">{t("map.sight", { n: num(sight.sites), g: num(sight.groups.length), s: num(sight.single) })}</p>
      <div ref={box} role="listbox" tabIndex={0} aria-label={t("map.groups")} aria-activedescendant={on ? `map-group-${on.key}` : undefined}
        onKeyDown={(e) => { const f = moves[e.key]; if (f) { e.preventDefault(); e.stopPropagation(); f(); } }}>
        {rows.map((g, i) => (
          <div key={g.key} id={`map-group-${g.key}`} role="option" aria-selected={g === on} class={g === on ? "on" : ""} onClick={() => { setAt(i); enter(g.key); }}>
            <b class="num">{num(g.n)}</b> <span class="cut" title={t("map.near", { name: g.name })}>{t("map.near", { name: g.name })}</span> {g.bad > 0 && <Tag tone={siteTone(g.worst)}>{t(`site.state.${g.worst}`)} · {t("map.bad_of", { n: num(g.bad) })}</Tag>}
          </div>
        ))}
        {!rows.length && <div role="option" aria-selected={false} aria-disabled="true" class="dim">{t("map.no_groups")}</div>}
      </div>
      {sight.groups.length > rows.length && <p class="dim">{t("map.more_groups", { n: num(sight.groups.length - rows.length) })}</p>}
    </section>
  );
}

/** Its signs are drawn for one size of type: another one is another map. */
export function MapPane(p: Props) {
  return <Pane key={scale.value} {...p} />;
}

function Pane(p: Props) {
  const el = useRef<HTMLDivElement>(null);
  const draw = useRef<MapDraw | null>(null);
  const [ready, setReady] = useState(false);
  const [bad, setBad] = useState(false);
  const [tip, setTip] = useState<{ text: string; x: number; y: number } | null>(null);
  const [sight, setSight] = useState<Sight | null>(null);
  const [listed, setListed] = useState(false);
  const listButton = useRef<HTMLButtonElement>(null);
  const enter = (id: string) => {
    const there = draw.current?.enter(id);
    if (there?.length) {
      setListed(false);
      if (props.current.onPlace) props.current.onPlace(there);
      else props.current.onSelect?.({ kind: "site", id: String(there[0]!.id) });
    }
  };
  const props = useRef(p);
  props.current = p;

  useEffect(() => {
    let gone = false;
    void loadRoads();
    import("./mapdraw").then(({ MapDraw: M }) => {
      if (gone || !el.current) return;
      draw.current = new M(el.current, meta.value?.map?.bounds, (p.big ?? 1) * scale.value, (x) => { if (x?.kind === "group") enter(x.id); else props.current.onSelect?.(x); }, (x, px, py) => {
        const g = x?.kind === "group" ? draw.current?.group(x.id) : null;
        const text = g ? groupText(g) : x && props.current.tip ? props.current.tip(x) : "";
        setTip(text ? { text, x: px, y: py } : null);
      }, props.current.quiet ? undefined : (x) => setSight(x.groups.length || x.sites ? x : null));
      setReady(true);
    }, () => setBad(true));
    const o = new ResizeObserver(() => draw.current?.resize());
    o.observe(el.current!);
    return () => {
      gone = true;
      o.disconnect();
      draw.current?.drop();
      draw.current = null;
    };
  }, []);

  useEffect(() => { if (ready && roads.value) draw.current?.setRoads(roads.value); }, [ready, roads.value]);
  useEffect(() => {
    if (!ready || !p.sites) return;
    draw.current?.setSites(p.sites);
    if (p.sites.length && !p.track) draw.current?.fit();
  }, [ready, p.sites]);
  useEffect(() => { if (ready && p.units) draw.current?.setUnits(p.units); }, [ready, p.units]);
  useEffect(() => { if (ready && p.alarms) draw.current?.setAlarms(p.alarms); }, [ready, p.alarms]);
  useEffect(() => { if (ready && p.track) draw.current?.setTrack(p.track); }, [ready, p.track]);
  useEffect(() => { if (ready) draw.current?.setPlay(p.play ?? -1); }, [ready, p.play]);
  useEffect(() => { if (ready) draw.current?.choose(p.selected ?? null); }, [ready, p.selected?.kind, p.selected?.id]);
  useEffect(() => { if (ready) draw.current?.restyle(); }, [ready, theme.value, lang.value]);

  return (
    <div class="map">
      <div ref={el} class="map-canvas" tabIndex={p.quiet ? -1 : 0} role="application" aria-label={t("map.aria", { what: p.label })}
        onKeyDown={(e) => {
          const d = draw.current;
          if (!d) return;
          const k = e.key;
          if (k === "+" || k === "=") d.zoom(1);
          else if (k === "-") d.zoom(-1);
          else if (k === "ArrowLeft") d.pan(-80, 0);
          else if (k === "ArrowRight") d.pan(80, 0);
          else if (k === "ArrowUp") d.pan(0, 80);
          else if (k === "ArrowDown") d.pan(0, -80);
          else if (k === "0") d.fit(true);
          else if (k === "Enter" && sight) setListed(true);
          else return;
          e.preventDefault();
          e.stopPropagation();
        }} />
      {tip && <div class="map-tip" style={{ left: `${tip.x + 12}px`, top: `${tip.y + 12}px` }}>{tip.text}</div>}
      {!p.quiet && (
        <div class="map-buttons">
          <button aria-label={t("map.in")} title={t("map.in")} onClick={() => draw.current?.zoom(1)}>+</button>
          <button aria-label={t("map.out")} title={t("map.out")} onClick={() => draw.current?.zoom(-1)}>−</button>
          <button aria-label={t("map.fit")} title={t("map.fit")} onClick={() => draw.current?.fit(true)}><Icon name="map" size={16} /></button>
          {sight && <button ref={listButton} aria-label={t("map.list", { n: num(sight.groups.length) })} title={t("map.list", { n: num(sight.groups.length) })} aria-expanded={listed} onClick={() => setListed(!listed)}><Icon name="tasks" size={16} /></button>}
        </div>
      )}
      {listed && sight && <Groups sight={sight} stand={(key) => draw.current?.ringGroup(key)} enter={enter} close={() => { setListed(false); listButton.current?.focus(); }} />}
      {bad && <p class="map-bad">{t("map.bad")}</p>}
    </div>
  );
}
