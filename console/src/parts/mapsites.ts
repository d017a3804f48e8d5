// SPDX-License-Identifier: Apache-2.0
// mapsites.ts - the sites of the map: single ones as ticks that point the way they look, crowded ones as bubbles
// with their number and the worst that is wrong in them.
//
// Sites are drawn from two arrays, not as features: ten thousand of them cost what is in sight.
import type { Extent } from "ol/extent.js";
import { fromLonLat } from "ol/proj.js";
import { clusters, type Group } from "../kit/cluster";
import type { Site } from "../kit/model";

/** From bad to well: what a bubble shows is the first of these it holds. */
export const WORST: Site["state"][] = ["offline", "silent", "degraded", "clock", "late", "unplaced", "ok"];

export interface GroupRow { key: string; n: number; worst: Site["state"]; bad: number; name: string }
export interface Sight { groups: GroupRow[]; single: number; sites: number }
export interface Brush { ctx: CanvasRenderingContext2D; c: (name: string) => string; k: number; big: number; resolution: number; left: number; top: number; ratio: number; extent: Extent }

interface Level { groups: Group[]; single: number[] }

const LEAST = 5;
/** Closer than this nobody zooms: sites on one mast stay one bubble. Metres of the map. */
const ONE_PLACE = 3;

/** The reach of a bubble in pixels: far away it keeps order, close by only what cannot be told apart is joined. */
const reach = (resolution: number) => (resolution > 4 ? 40 : resolution > 1.2 ? 18 : 5);
const radius = (n: number) => (n < 10 ? 11 : n < 100 ? 14 : n < 1000 ? 17 : 21);

/** Around what is chosen: a site or a bubble. */
function ring(ctx: CanvasRenderingContext2D, x: number, y: number, r: number, k: number, c: (n: string) => string): void {
  ctx.beginPath();
  ctx.arc(x, y, r, 0, 7);
  ctx.lineWidth = 3 * k;
  ctx.strokeStyle = c("select");
  ctx.stroke();
}

export class MapSites {
  private rows: Site[] = [];
  private xs = new Float64Array(0);
  private ys = new Float64Array(0);
  private levels = new Map<number, Level>();
  private byId = new Map<string, number>();
  private said = new WeakMap<Group, { worst: Site["state"]; bad: number }>();
  /** The bubble the keyboard stands on. */
  mark = "";

  /** Takes rows in place of those there were; true when something to be drawn is different. */
  set(rows: Site[]): boolean {
    const placed = rows.filter((s) => s.lon !== null && s.lat !== null), was = this.rows;
    const same = placed.length === was.length && placed.every((s, i) => s === was[i] || (s.id === was[i]!.id && s.lon === was[i]!.lon && s.lat === was[i]!.lat));
    const changed = !same || placed.some((s, i) => s !== was[i]);
    this.rows = placed;
    if (changed) this.said = new WeakMap();
    if (same) return changed;
    this.levels.clear();
    this.byId = new Map(placed.map((s, i) => [String(s.id), i]));
    this.xs = new Float64Array(placed.length);
    this.ys = new Float64Array(placed.length);
    placed.forEach((s, i) => { [this.xs[i], this.ys[i]] = fromLonLat([s.lon!, s.lat!]) as [number, number]; });
    return true;
  }

  extent(): Extent | null {
    const e: Extent = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < this.xs.length; i++) {
      e[0] = Math.min(e[0]!, this.xs[i]!); e[1] = Math.min(e[1]!, this.ys[i]!); e[2] = Math.max(e[2]!, this.xs[i]!); e[3] = Math.max(e[3]!, this.ys[i]!);
    }
    return this.xs.length ? e : null;
  }

  /** Groups are found once for each half step of the zoom. */
  private level(resolution: number, size: number): Level {
    const step = Math.round(2 * Math.log2(resolution));
    let l = this.levels.get(step);
    if (!l) {
      const r = 2 ** (step / 2);
      l = clusters(this.xs, this.ys, reach(r) * r * size, LEAST);
      if (this.levels.size > 24) this.levels.clear();
      this.levels.set(step, l);
    }
    return l;
  }
  private step(resolution: number): number {
    return Math.round(2 * Math.log2(resolution));
  }
  private worst(g: Group): { worst: Site["state"]; bad: number } {
    const known = this.said.get(g);
    if (known) return known;
    let at = WORST.length - 1, bad = 0;
    for (const i of g.at) {
      const k = WORST.indexOf(this.rows[i]!.state);
      if (k < WORST.length - 1) bad++;
      if (k < at) at = k;
    }
    const w = { worst: WORST[at]!, bad };
    this.said.set(g, w);
    return w;
  }

  /** `chosen`: the id of the selected site, drawn also when it is inside a bubble. */
  draw(b: Brush, size: number, chosen: string | null): void {
    const l = this.level(b.resolution, size), pad = 30 * b.resolution * size;
    const seen = (x: number, y: number) => x > b.extent[0]! - pad && x < b.extent[2]! + pad && y > b.extent[1]! - pad && y < b.extent[3]! + pad;
    const px = (x: number) => ((x - b.left) / b.resolution) * b.ratio, py = (y: number) => ((b.top - y) / b.resolution) * b.ratio;
    const one = (b.big > 1.5 ? b.big * 0.72 : 1) * (b.resolution < 12 ? 1.35 : 1) * b.ratio;
    const stand = chosen === null ? -1 : this.byId.get(chosen) ?? -1;
    for (const i of l.single) if (i !== stand && seen(this.xs[i]!, this.ys[i]!)) this.tick(b, px(this.xs[i]!), py(this.ys[i]!), one, this.rows[i]!, false);
    const step = this.step(b.resolution);
    for (const [i, g] of l.groups.entries()) if (seen(g.x, g.y)) this.bubble(b, px(g.x), py(g.y), size * b.ratio, g, `${step}.${i}` === this.mark);
    if (stand >= 0 && seen(this.xs[stand]!, this.ys[stand]!)) this.tick(b, px(this.xs[stand]!), py(this.ys[stand]!), one, this.rows[stand]!, true);
  }

  private tick({ ctx, c }: Brush, x: number, y: number, k: number, s: Site, on: boolean): void {
    const bad = s.state !== "ok";
    const r = (bad ? 3 : s.flow >= 100 ? 4.2 : s.flow >= 40 ? 3.4 : s.flow >= 10 ? 2.7 : 2) * k;
    ctx.lineWidth = 1.3 * k;
    const col = s.state === "offline" ? c("level-red") : bad ? c("level-yellow") : c("site");
    ctx.strokeStyle = col;
    ctx.fillStyle = col;
    ctx.beginPath();
    if (s.heading_deg !== null && s.heading_deg !== undefined) {
      const a = (s.heading_deg - 90) * Math.PI / 180;
      ctx.moveTo(x, y);
      ctx.lineTo(x + Math.cos(a) * r * 2.6, y + Math.sin(a) * r * 2.6);
    }
    if (s.state === "offline") { ctx.moveTo(x - r, y - r); ctx.lineTo(x + r, y + r); ctx.moveTo(x + r, y - r); ctx.lineTo(x - r, y + r); }
    ctx.stroke();
    if (s.state !== "offline") {
      ctx.beginPath();
      ctx.arc(x, y, r, 0, 7);
      if (bad) { ctx.fillStyle = c("map"); ctx.fill(); ctx.stroke(); } else ctx.fill();
    }
    if (on) ring(ctx, x, y, r + 6 * k, k, c);
  }

  private bubble({ ctx, c }: Brush, x: number, y: number, k: number, g: Group, on: boolean): void {
    const { worst, bad } = this.worst(g), r = radius(g.at.length) * k;
    const col = worst === "ok" ? c("site") : worst === "offline" || worst === "silent" ? c("level-red") : c("level-yellow");
    ctx.beginPath();
    ctx.arc(x, y, r, 0, 7);
    ctx.fillStyle = c("panel");
    ctx.fill();
    ctx.lineWidth = (worst === "ok" ? 1.5 : 2.5) * k;
    ctx.strokeStyle = col;
    ctx.stroke();
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.font = `600 ${(g.at.length > 99 ? 12 : 11) * k}px ${c("font")}`;
    ctx.fillStyle = c("text");
    ctx.fillText(String(g.at.length), x, y + 0.5 * k);
    if (bad) this.badge(ctx, x + r * 0.74, y - r * 0.74, k, worst, bad, col, c);
    if (on) ring(ctx, x, y, r + 6 * k, k, c);
  }
  /** The sign of the worst state with how many are not well: the same signs single sites have. */
  private badge(ctx: CanvasRenderingContext2D, x: number, y: number, k: number, worst: Site["state"], bad: number, col: string, c: (n: string) => string): void {
    ctx.font = `600 ${10 * k}px ${c("font")}`;
    const text = String(bad), w = ctx.measureText(text).width + 15 * k, h = 13 * k;
    ctx.beginPath();
    ctx.roundRect(x - 6 * k, y - h / 2, w, h, 3 * k);
    ctx.fillStyle = c("map");
    ctx.fill();
    ctx.lineWidth = 1.2 * k;
    ctx.strokeStyle = col;
    ctx.stroke();
    ctx.beginPath();
    const q = 2.6 * k;
    if (worst === "offline") { ctx.moveTo(x - q, y - q); ctx.lineTo(x + q, y + q); ctx.moveTo(x + q, y - q); ctx.lineTo(x - q, y + q); } else ctx.arc(x, y, q, 0, 7);
    ctx.lineWidth = 1.5 * k;
    ctx.stroke();
    ctx.textAlign = "left";
    ctx.fillStyle = col;
    ctx.fillText(text, x + 5 * k, y + 0.5 * k);
  }

  /** What lies under a point of the map, `tolerance` in its units: a site or a bubble. */
  hit(x: number, y: number, resolution: number, size: number): { kind: "site" | "group"; id: string } | null {
    const l = this.level(resolution, size), step = this.step(resolution);
    for (const [i, g] of l.groups.entries()) if (Math.hypot(g.x - x, g.y - y) <= (radius(g.at.length) + 2) * resolution * size) return { kind: "group", id: `${step}.${i}` };
    let best = -1, least = 13 * resolution * size;
    for (const i of l.single) {
      const d = Math.hypot(this.xs[i]! - x, this.ys[i]! - y);
      if (d < least) { least = d; best = i; }
    }
    return best < 0 ? null : { kind: "site", id: String(this.rows[best]!.id) };
  }

  private find(key: string): Group | undefined {
    const [step, i] = key.split(".").map(Number);
    return this.levels.get(step!)?.groups[i!];
  }
  members(key: string): Site[] {
    return this.find(key)?.at.map((i) => this.rows[i]!) ?? [];
  }
  box(key: string): Extent | null {
    const g = this.find(key);
    return g ? g.box : null;
  }
  onePlace(key: string): boolean {
    const b = this.box(key);
    return !!b && Math.max(b[2]! - b[0]!, b[3]! - b[1]!) < ONE_PLACE;
  }
  /** A bubble in words: the site nearest its middle gives the name. */
  row(key: string): GroupRow | null {
    const g = this.find(key);
    if (!g) return null;
    let best = g.at[0]!, d = Infinity;
    for (const i of g.at) {
      const e = Math.hypot(this.xs[i]! - g.x, this.ys[i]! - g.y);
      if (e < d) { d = e; best = i; }
    }
    return { key, n: g.at.length, ...this.worst(g), name: this.rows[best]!.name };
  }
  /** What is in the window: bubbles, worst and biggest first, and how many sites beside them. */
  sight(e: Extent, resolution: number, size: number): Sight {
    const l = this.level(resolution, size), step = this.step(resolution);
    const seen = (x: number, y: number) => x >= e[0]! && x <= e[2]! && y >= e[1]! && y <= e[3]!;
    const groups: GroupRow[] = [];
    let single = 0, sites = 0;
    l.groups.forEach((g, i) => { if (seen(g.x, g.y)) { const r = this.row(`${step}.${i}`); if (r) groups.push(r); sites += g.at.length; } });
    for (const i of l.single) if (seen(this.xs[i]!, this.ys[i]!)) single++;
    groups.sort((a, b) => WORST.indexOf(a.worst) - WORST.indexOf(b.worst) || b.n - a.n || (a.key < b.key ? -1 : 1));
    return { groups, single, sites: sites + single };
  }
}
