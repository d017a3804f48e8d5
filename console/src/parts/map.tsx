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
import type { MapDraw, Picked, TrackPoint } from "./mapdraw";
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
  const props = useRef(p);
  props.current = p;

  useEffect(() => {
    let gone = false;
    void loadRoads();
    import("./mapdraw").then(({ MapDraw: M }) => {
      if (gone || !el.current) return;
      draw.current = new M(el.current, meta.value?.map?.bounds, (p.big ?? 1) * scale.value, (x) => props.current.onSelect?.(x), (x, px, py) => {
        const text = x && props.current.tip ? props.current.tip(x) : "";
        setTip(text ? { text, x: px, y: py } : null);
      });
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
        </div>
      )}
      {bad && <p class="map-bad">{t("map.bad")}</p>}
    </div>
  );
}
