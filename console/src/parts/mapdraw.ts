// SPDX-License-Identifier: Apache-2.0
// mapdraw.ts - the drawing of the map (OpenLayers); loaded only when a map is shown.
//
// Quiet roads by class with names along the street, sites (mapsites.ts), units as shapes by kind, alarms as level shapes, a track with its gaps dashed. Nothing comes from outside.
import Feature, { type FeatureLike } from "ol/Feature.js";
import OlMap from "ol/Map.js";
import View from "ol/View.js";
import GeoJSON from "ol/format/GeoJSON.js";
import type { Geometry } from "ol/geom.js";
import LineString from "ol/geom/LineString.js";
import Point from "ol/geom/Point.js";
import VectorLayer from "ol/layer/Vector.js";
import { boundingExtent, createEmpty, extend, isEmpty } from "ol/extent.js";
import { fromLonLat, transformExtent } from "ol/proj.js";
import VectorSource from "ol/source/Vector.js";
import Fill from "ol/style/Fill.js";
import RegularShape from "ol/style/RegularShape.js";
import Stroke from "ol/style/Stroke.js";
import Style from "ol/style/Style.js";
import TextStyle from "ol/style/Text.js";
import type { State } from "ol/render.js";
import { lang } from "../kit/i18n";
import { colour } from "../kit/theme";
import type { Alarm, Level, Site, Unit } from "../kit/model";
import { MapSites, type GroupRow, type Sight } from "./mapsites";

export interface TrackPoint { id: string; lon: number; lat: number; label: string; gap: boolean }
/** `group`: a bubble of sites; its id holds while the zoom does. */
export interface Picked { kind: "site" | "unit" | "alarm" | "track" | "group"; id: string }
type Draw = (ctx: CanvasRenderingContext2D, x: number, y: number, scale: number) => void;

/** Names of a track's places in one frame; beyond that nobody reads them. */
const MOST_NAMES = 150;
const WIDTH: Record<string, number> = { ring: 3.2, trunk: 2.6, primary: 1.8, secondary: 1.2, minor: 0.7 };

function pointLayer(z: number, draw: (f: FeatureLike, resolution: number) => Draw | null): VectorLayer<VectorSource> {
  const styles = new WeakMap<object, Style>();
  return new VectorLayer({
    source: new VectorSource(), zIndex: z, updateWhileAnimating: true, updateWhileInteracting: true,
    style: (f, resolution) => {
      let s = styles.get(f);
      if (!s) {
        s = new Style({
          renderer: (at, state: State) => {
            const d = draw(f, state.resolution);
            const [x, y] = at as [number, number];
            if (d) {
              state.context.save();
              d(state.context, x, y, state.pixelRatio);
              state.context.restore();
            }
          },
          hitDetectionRenderer: (at, state: State) => {
            const [x, y] = at as [number, number];
            state.context.beginPath();
            state.context.arc(x, y, 11 * state.pixelRatio, 0, 7);
            state.context.fill();
          },
        });
        styles.set(f, s);
      }
      void resolution;
      return s;
    },
  });
}

export function levelPath(ctx: CanvasRenderingContext2D, level: Level, x: number, y: number, r: number): void {
  ctx.beginPath();
  if (level === "red") ctx.rect(x - r, y - r, 2 * r, 2 * r);
  else if (level === "orange") { ctx.moveTo(x, y - r * 1.25); ctx.lineTo(x + r * 1.25, y); ctx.lineTo(x, y + r * 1.25); ctx.lineTo(x - r * 1.25, y); ctx.closePath(); }
  else if (level === "yellow") { ctx.moveTo(x, y - r * 1.15); ctx.lineTo(x + r * 1.15, y + r); ctx.lineTo(x - r * 1.15, y + r); ctx.closePath(); }
  else ctx.arc(x, y, r, 0, 7);
}

export class MapDraw {
  private readonly map: OlMap;
  private readonly roads: VectorLayer<VectorSource>;
  private readonly names: VectorLayer<VectorSource>;
  private readonly sites: VectorLayer<VectorSource>;
  private readonly field = new MapSites();
  private readonly units: VectorLayer<VectorSource>;
  private readonly alarms: VectorLayer<VectorSource>;
  private readonly lines: VectorLayer<VectorSource>;
  private readonly track: VectorLayer<VectorSource>;
  private chosen: Picked | null = null;
  private play = -1;
  /** The place of each pass of the track, by its turn and by its id: passes at one site are one place. */
  private places: number[] = [];
  private placeOf = new Map<string, number>();
  private palette = new Map<string, string>();
  private fitted = false;
  /** What was fitted last; done again when the pane changes its size, until a person has moved the map. */
  private refit: () => void = () => undefined;
  private moved = false;
  /** Label boxes of the frame being drawn: a label that would cover another is left out. */
  private boxes: [number, number, number, number][] = [];
  private signs: [number, number, number, number][] = [];
  private readonly big: number;

  constructor(private readonly el: HTMLElement, bounds: [number, number, number, number] | undefined, big: number,
    pick: (p: Picked | null) => void, hover: (p: Picked | null, x: number, y: number) => void, private readonly sight?: (s: Sight) => void) {
    this.big = big;
    const roadStyles = new Map<string, Style>();
    this.roads = new VectorLayer({
      source: new VectorSource(), zIndex: 1,
      style: (f, resolution) => {
        const cls = String(f.get("class") ?? "minor");
        if (cls === "minor" && resolution > 12) return undefined;
        const far = resolution > 40;
        const key = `${cls}/${far}/${this.c("road")}`;
        let s = roadStyles.get(key);
        if (!s) {
          s = new Style({ stroke: new Stroke({ color: this.c(cls === "ring" || cls === "trunk" ? "road-main" : "road"), width: (WIDTH[cls] ?? 0.8) * (far ? 0.8 : 1.25) * this.big }) });
          roadStyles.set(key, s);
        }
        return s;
      },
    });
    const nameStyles = new Map<string, Style>();
    this.names = new VectorLayer({
      source: this.roads.getSource()!, zIndex: 4, declutter: true, renderBuffer: 40,
      style: (f, resolution) => {
        const cls = String(f.get("class") ?? "minor"), name = String((lang.value === "en" && f.get("name_en")) || f.get("name") || "");
        if (!name || ((cls === "secondary" || cls === "minor") && resolution > 12)) return undefined;
        const key = `${name}/${this.c("road")}`;
        let s = nameStyles.get(key);
        if (!s) {
          s = new Style();
          if (name) {
            s.setText(new TextStyle({
              text: name, placement: "line", overflow: true, repeat: 520 * this.big, font: `${12 * this.big}px ${this.c("font")}`,
              fill: new Fill({ color: this.c("road-text") }), stroke: new Stroke({ color: this.c("map"), width: 3 * this.big }),
            }));
          }
          nameStyles.set(key, s);
        }
        return s;
      },
    });
    this.sites = new VectorLayer({ source: new VectorSource(), zIndex: 4.5 });
    this.sites.on("postrender", (e) => {
      const f = e.frameState!, v = f.viewState, ctx = e.context as CanvasRenderingContext2D;
      ctx.save();
      this.field.draw({ ctx, c: (x) => this.c(x), k: f.pixelRatio, big: this.big, resolution: v.resolution, ratio: f.pixelRatio, extent: f.extent!,
        left: v.center[0]! - (f.size[0]! / 2) * v.resolution, top: v.center[1]! + (f.size[1]! / 2) * v.resolution }, this.size(), this.chosen?.kind === "site" ? this.chosen.id : null);
      ctx.restore();
    });
    this.units = pointLayer(5, (f) => {
      const u = f.get("row") as Unit;
      const on = this.chosen?.kind === "unit" && this.chosen.id === String(u.id);
      return (ctx, x, y, k) => this.drawUnit(ctx, x, y, k * this.big, u, on);
    });
    this.alarms = pointLayer(6, (f) => {
      const a = f.get("row") as Alarm;
      const on = this.chosen?.kind === "alarm" && this.chosen.id === a.id;
      return (ctx, x, y, k) => this.drawAlarm(ctx, x, y, k * this.big, a.level, f.get("n") as number, on);
    });
    this.lines = new VectorLayer({
      source: new VectorSource(), zIndex: 4,
      style: (f, resolution) => {
        const line = new Style({ stroke: new Stroke({ color: this.c("select"), width: 2.5 * this.big, ...(f.get("gap") ? { lineDash: [3, 9] } : {}) }) });
        // An arrow in the middle says which way, where there is room for it.
        const [a, z] = (f.getGeometry() as LineString).getCoordinates() as [number[], number[]];
        const dx = z[0]! - a[0]!, dy = z[1]! - a[1]!;
        if (Math.hypot(dx, dy) / resolution < 36) return line;
        return [line, new Style({
          geometry: new Point([a[0]! + dx * 0.55, a[1]! + dy * 0.55]),
          image: new RegularShape({ points: 3, radius: 6 * this.big, rotation: Math.atan2(dx, dy), fill: new Fill({ color: this.c("select") }), stroke: new Stroke({ color: this.c("map"), width: 1 }) }),
        })];
      },
    });
    this.track = pointLayer(7, (f) => {
      const place = f.get("place") as number;
      const on = this.chosen?.kind === "track" && this.placeOf.get(this.chosen.id) === place;
      const past = this.play < 0 || (f.get("i") as number) <= this.play;
      const cursor = this.play >= 0 && this.places[this.play] === place;
      return (ctx, x, y, k) => this.drawPlace(ctx, x, y, k, f.get("label") as string, past, cursor || on);
    });

    this.map = new OlMap({
      target: el, controls: [], layers: [this.roads, this.names, this.lines, this.sites, this.units, this.alarms, this.track],
      view: new View({ center: fromLonLat([112.54, 37.86]), zoom: 12, minZoom: 8, maxZoom: 19, enableRotation: false }),
    });
    el.addEventListener("wheel", () => { this.moved = true; }, { passive: true });
    this.map.on("pointerdrag", () => { this.moved = true; });
    if (bounds && bounds[2] > bounds[0]) this.map.getView().fit(transformExtent(bounds, "EPSG:4326", "EPSG:3857"), { padding: [16, 16, 16, 16] });

    const at = (pixel: number[]): Picked | null => {
      const where = this.map.getCoordinateFromPixel(pixel), v = this.map.getView();
      let best: Picked | null = where ? this.field.hit(where[0]!, where[1]!, v.getResolution()!, this.size()) : null, z = -1;
      this.map.forEachFeatureAtPixel(pixel, (f, layer) => {
        const kind = layer === this.units ? "unit" : layer === this.alarms ? "alarm" : layer === this.track ? "track" : null;
        const lz = layer?.getZIndex() ?? 0;
        if (kind && lz > z) {
          z = lz;
          best = { kind, id: String(kind === "track" ? f.get("id") : (f.get("row") as { id: number | string }).id) };
        }
      }, { hitTolerance: 3, layerFilter: (l) => l === this.units || l === this.alarms || l === this.track });
      return best;
    };
    this.track.on("prerender", () => { this.boxes = []; });
    this.units.on("prerender", () => { this.signs = []; });
    this.map.on("singleclick", (e) => pick(at(e.pixel)));
    this.map.on("moveend", () => this.look());
    this.map.on("pointermove", (e) => {
      if (e.dragging) return hover(null, 0, 0);
      const p = at(e.pixel);
      el.style.cursor = p ? "pointer" : "";
      hover(p, e.pixel[0]!, e.pixel[1]!);
    });
  }

  private c(name: string): string {
    let v = this.palette.get(name);
    if (v === undefined) {
      v = name === "font" ? getComputedStyle(this.el).fontFamily : colour(name);
      this.palette.set(name, v);
    }
    return v;
  }

  /** One place of a track; its name where there is room, always where one stands. */
  private drawPlace(ctx: CanvasRenderingContext2D, x: number, y: number, k: number, name: string, past: boolean, on: boolean): void {
    const r = (on ? 9 : 6) * k * this.big;
    ctx.beginPath();
    ctx.arc(x, y, r, 0, 7);
    ctx.fillStyle = past ? this.c("select") : this.c("panel");
    ctx.fill();
    ctx.lineWidth = 1.6 * k;
    ctx.strokeStyle = on ? this.c("text") : this.c("select");
    ctx.stroke();
    if (!on && this.boxes.length >= MOST_NAMES) return;
    ctx.font = `${11 * k * this.big}px ${this.c("font")}`;
    const box: [number, number, number, number] = [x - r, y - 8 * k, x + r + 3 * k + ctx.measureText(name).width, y + 8 * k];
    if (!on && this.boxes.some((b) => b[0] < box[2] && box[0] < b[2] && b[1] < box[3] && box[1] < b[3])) return;
    this.boxes.push(box);
    ctx.textBaseline = "middle";
    ctx.lineWidth = 3 * k;
    ctx.strokeStyle = this.c("map");
    ctx.strokeText(name, x + r + 3 * k, y);
    ctx.fillStyle = this.c("text");
    ctx.fillText(name, x + r + 3 * k, y);
  }
  private drawUnit(ctx: CanvasRenderingContext2D, x: number, y: number, k: number, u: Unit, on: boolean): void {
    const r = 6 * k;
    const free = u.matter === null;
    ctx.lineWidth = 2 * k;
    ctx.strokeStyle = this.c("unit");
    ctx.fillStyle = free ? this.c("unit") : this.c("map");
    ctx.beginPath();
    if (u.kind === "motorcycle") { ctx.moveTo(x, y - r); ctx.lineTo(x + r, y + r * 0.8); ctx.lineTo(x - r, y + r * 0.8); ctx.closePath(); }
    else if (u.kind === "foot") ctx.arc(x, y, r * 0.85, 0, 7);
    else if (u.kind === "drone") { ctx.moveTo(x, y - r); ctx.lineTo(x + r, y); ctx.lineTo(x, y + r); ctx.lineTo(x - r, y); ctx.closePath(); }
    else ctx.rect(x - r * 0.95, y - r * 0.65, r * 1.9, r * 1.3);
    ctx.fill();
    ctx.stroke();
    if (this.big > 1.5 || on) this.word(ctx, x + r + 4 * k, y, u.callsign, k, on);
    if (on) this.ring(ctx, x, y, r + 6 * k, k);
  }
  private drawAlarm(ctx: CanvasRenderingContext2D, x: number, y: number, k: number, level: Level, n: number, on: boolean): void {
    const r = 8 * k;
    levelPath(ctx, level, x, y, r);
    ctx.fillStyle = this.c("level-" + level);
    ctx.fill();
    ctx.lineWidth = 2 * k;
    ctx.strokeStyle = this.c("map");
    ctx.stroke();
    if (n > 1) {
      ctx.font = `600 ${11 * k}px ${this.c("font")}`;
      ctx.textAlign = "center";
      ctx.textBaseline = "middle";
      ctx.fillStyle = this.c("map");
      ctx.fillText(String(n), x, y + (level === "yellow" ? 2 * k : 0));
    }
    if (on) this.ring(ctx, x, y, r + 6 * k, k);
  }
  private ring(ctx: CanvasRenderingContext2D, x: number, y: number, r: number, k: number): void {
    ctx.beginPath();
    ctx.arc(x, y, r, 0, 7);
    ctx.lineWidth = 2.5 * k;
    ctx.strokeStyle = this.c("select");
    ctx.stroke();
  }
  /** A callsign, unless it would cover another one. */
  private word(ctx: CanvasRenderingContext2D, x: number, y: number, s: string, k: number, always: boolean): void {
    ctx.font = `${12 * k}px ${this.c("font")}`;
    const box: [number, number, number, number] = [x, y - 8 * k, x + ctx.measureText(s).width, y + 8 * k];
    if (!always && this.signs.some((b) => b[0] < box[2] && box[0] < b[2] && b[1] < box[3] && box[1] < b[3])) return;
    this.signs.push(box);
    ctx.textBaseline = "middle";
    ctx.lineWidth = 3 * k;
    ctx.strokeStyle = this.c("map");
    ctx.strokeText(s, x, y);
    ctx.fillStyle = this.c("text");
    ctx.fillText(s, x, y);
  }

  setRoads(geojson: unknown): void {
    const s = this.roads.getSource()!;
    s.clear(true);
    s.addFeatures(new GeoJSON().readFeatures(geojson, { featureProjection: "EPSG:3857" }) as Feature<Geometry>[]);
  }

  private put<T extends { id: number | string }>(layer: VectorLayer<VectorSource>, rows: { row: T; lon: number; lat: number; n?: number }[]): void {
    const s = layer.getSource()!;
    const left = new Set(s.getFeatures().map((f) => f.getId() as string));
    const fresh: Feature<Geometry>[] = [];
    for (const r of rows) {
      const id = String(r.row.id);
      const f = s.getFeatureById(id) as Feature<Geometry> | null;
      left.delete(id);
      if (f) {
        const g = f.getGeometry() as Point;
        const at = fromLonLat([r.lon, r.lat]);
        const was = g.getCoordinates();
        if (was[0] !== at[0] || was[1] !== at[1]) g.setCoordinates(at);
        if (f.get("row") !== r.row) f.set("row", r.row, true);
        f.set("n", r.n ?? 1, true);
      } else {
        const nf = new Feature<Geometry>({ geometry: new Point(fromLonLat([r.lon, r.lat])) });
        nf.setId(id);
        nf.set("row", r.row, true);
        nf.set("n", r.n ?? 1, true);
        fresh.push(nf);
      }
    }
    for (const id of left) s.removeFeature(s.getFeatureById(id) as Feature<Geometry>);
    if (fresh.length) s.addFeatures(fresh);
    layer.changed();
  }
  setSites(rows: Site[]): void {
    if (!this.field.set(rows)) return;
    this.sites.changed();
    this.look();
  }
  /** How much bigger than on a desk a bubble is. */
  private size(): number {
    return this.big > 1.5 ? this.big * 0.8 : this.big;
  }
  private look(): void {
    const v = this.map.getView(), size = this.map.getSize();
    if (this.sight && size) this.sight(this.field.sight(v.calculateExtent(size), v.getResolution()!, this.size()));
  }
  group(id: string): GroupRow | null {
    return this.field.row(id);
  }
  /** Comes so close that a bubble falls apart; the sites themselves when they stand in one place. */
  enter(id: string): Site[] | null {
    const e = this.field.box(id), v = this.map.getView(), now = v.getResolution()!;
    if (!e) return null;
    if (this.field.onePlace(id) || now <= v.getMinResolution() * 1.01) return this.field.members(id);
    const pad = 60 * this.size();
    const fit = v.getResolutionForExtent(e, (this.map.getSize() ?? [400, 400]).map((x) => Math.max(80, x - 2 * pad)));
    this.moved = true;
    v.animate({ center: [(e[0]! + e[2]!) / 2, (e[1]! + e[3]!) / 2], resolution: Math.max(v.getMinResolution(), Math.min(fit, now / 2)), duration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 140 });
    return null;
  }
  /** The bubble the list stands on is ringed. */
  ringGroup(id: string): void {
    this.field.mark = id;
    this.sites.changed();
  }
  setUnits(rows: Unit[]): void {
    this.put(this.units, rows.filter((u) => u.lon !== null && u.lat !== null).map((row) => ({ row, lon: row.lon!, lat: row.lat! })));
  }
  /** The worst alarm of each place, with how many there are. Rows come worst first. */
  setAlarms(rows: Alarm[]): void {
    const by = new Map<number, { row: Alarm; lon: number; lat: number; n: number }>();
    for (const a of rows) {
      if (!a.site || a.site.lon === null || a.site.lat === null) continue;
      const had = by.get(a.site.id);
      if (had) had.n++;
      else by.set(a.site.id, { row: a, lon: a.site.lon, lat: a.site.lat, n: 1 });
    }
    this.put(this.alarms, [...by.values()]);
  }
  setTrack(points: TrackPoint[]): void {
    const s = this.track.getSource()!, l = this.lines.getSource()!;
    s.clear(true);
    l.clear(true);
    const at = points.map((p) => fromLonLat([p.lon, p.lat]));
    const seen = new Map<string, { place: number; i: number; n: number }>(), lines = new Map<string, { from: number; to: number; gap: boolean }>();
    this.places = [];
    this.placeOf.clear();
    points.forEach((p, i) => {
      const key = at[i]!.join(), had = seen.get(key), here = had ?? { place: seen.size, i, n: 0 };
      if (!had) seen.set(key, here);
      here.n++;
      this.places.push(here.place);
      this.placeOf.set(p.id, here.place);
      const from = this.places[i - 1];
      if (from === undefined || from === here.place) return;
      // A way driven often is one line; it is whole as soon as one drive of it had no gap.
      const way = `${from}/${here.place}`, line = lines.get(way);
      if (line) line.gap &&= p.gap;
      else lines.set(way, { from: i - 1, to: i, gap: p.gap });
    });
    const signs: Feature<Geometry>[] = [];
    for (const { place, i, n } of seen.values()) {
      const f = new Feature<Geometry>({ geometry: new Point(at[i]!) });
      f.setProperties({ id: points[i]!.id, i, place, label: n > 1 ? `${points[i]!.label} ×${n}` : points[i]!.label }, true);
      signs.push(f);
    }
    s.addFeatures(signs);
    l.addFeatures([...lines.values()].map(({ from, to, gap }) => {
      const line = new Feature<Geometry>({ geometry: new LineString([at[from]!, at[to]!]) });
      line.set("gap", gap, true);
      return line;
    }));
    if (at.length) {
      const e = boundingExtent(at);
      if (e[2]! - e[0]! < 800) { e[0]! -= 600; e[2]! += 600; e[1]! -= 600; e[3]! += 600; }
      this.moved = false;
      this.refit = () => this.map.getView().fit(e, { padding: [48, 90, 48, 48], maxZoom: 15 });
      this.refit();
    }
    this.track.changed();
  }
  setPlay(i: number): void {
    this.play = i;
    this.track.changed();
  }
  choose(p: Picked | null): void {
    this.chosen = p;
    for (const l of [this.sites, this.units, this.alarms, this.track]) l.changed();
  }
  /** Brings a place into sight without a jump when it already is. */
  show(lon: number, lat: number): void {
    const at = fromLonLat([lon, lat]);
    const px = this.map.getPixelFromCoordinate(at);
    const [w, h] = this.map.getSize() ?? [0, 0];
    if (!px || px[0]! < 24 || px[1]! < 24 || px[0]! > w! - 24 || px[1]! > h! - 24) this.map.getView().setCenter(at);
  }
  fit(force = false): void {
    if (this.fitted && !force) return;
    const e = createEmpty();
    const x = this.field.extent() ?? this.roads.getSource()!.getExtent();
    if (x && !isEmpty(x)) extend(e, x);
    if (!isEmpty(e)) {
      this.fitted = true;
      this.moved = false;
      const pad = 24 * this.big;
      this.refit = () => this.map.getView().fit(e, { padding: [pad, pad, pad, pad], maxZoom: 15 });
      this.refit();
    }
  }
  zoom(step: number): void {
    const v = this.map.getView();
    this.moved = true;
    v.setZoom((v.getZoom() ?? 12) + step);
  }
  pan(dx: number, dy: number): void {
    const v = this.map.getView(), c = v.getCenter()!, r = v.getResolution()!;
    this.moved = true;
    v.setCenter([c[0]! + dx * r, c[1]! + dy * r]);
  }
  restyle(): void {
    this.palette.clear();
    for (const l of [this.roads, this.names, this.lines, this.sites, this.units, this.alarms, this.track]) l.changed();
  }
  resize(): void {
    this.map.updateSize();
    if (!this.moved) this.refit();
  }
  drop(): void {
    this.map.setTarget(undefined);
    this.map.dispose();
  }
}
