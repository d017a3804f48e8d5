// SPDX-License-Identifier: Apache-2.0
// city.ts - the live rows every page shares: alarms, matters, sites, units, the board.
import { computed, signal } from "@preact/signals";
import { get, poll, sentence } from "./api";
import { cap, tx } from "./i18n";
import { face } from "./route";
import { Live } from "./live";
import type { Alarm, Board, Level, Matter, Site, Text, Unit } from "./model";
import { on } from "./stream";
import { serverNow } from "./time";
import { ring } from "./sound";

export const LEVELS: Level[] = ["red", "orange", "yellow", "blue"];

/** Work is what has an open matter: also a withdrawn alarm, until somebody stands its matter down. An alarm without
 * a matter is evidence only. */
export function alarmOpen(a: Alarm): boolean {
  return a.matter?.open === true;
}

export const alarms = new Live<Alarm>(() => "/alarms?state=open&limit=1000", (a) => a.id, ["alarm"], alarmOpen,
  (a, known) => { if (!known && alarmOpen(a)) ring(a.level, a.title); });
export const matters = new Live<Matter>(() => "/matters?state=open&limit=1000", (m) => m.id, ["matter"], (m) => m.open);
export const mine = new Live<Matter>(() => "/matters?state=open&mine=1&limit=200", (m) => m.id, [], (m) => m.open);
export const sites = new Live<Site>(() => "/sites?limit=10000", (s) => String(s.id), ["site"]);
export const units = new Live<Unit>(() => "/units?limit=1000", (u) => String(u.id), ["unit"]);

/** A site as a person knows it; `known` is what came with its number. */
export function siteName(id: number, known?: string): string {
  return known ?? sites.find(String(id))?.name ?? `#${id}`;
}

/** A matter's title in the language of the page; what a person wrote stays as it is. */
export function titleOf(m: Matter): string {
  return (m.alarm && cap(tx(m.title_text))) || m.title; // a phone may have kept one without
}

interface MapRow { site: number; n: number; by: Record<string, number>; flow: number }
interface FixRow { unit: number; lon: number; lat: number; time_ms: number; speed_kmh: number | null; heading_deg: number | null }

/** Passes of the last second by site, for the pulse on the map: {site: [count, at]}. */
export const pulse = signal<Map<number, [number, number]>>(new Map());
/** Passes a second over the city, newest last, at most 60. */
export const rate = signal<number[]>([]);

on<{ at_ms: number; rows: MapRow[] }>("map", (m) => {
  const p = new Map<number, [number, number]>();
  let n = 0;
  for (const r of m.rows) {
    n += r.n;
    if (r.n) p.set(r.site, [r.n, m.at_ms]);
    if (sites.status.value === "ready") sites.patch(String(r.site), { flow: r.flow, ...(r.n ? { last_pass_ms: m.at_ms } : {}) });
  }
  pulse.value = p;
  rate.value = [...rate.value.slice(-59), n];
});
on<{ rows: FixRow[] }>("fix", (m) => {
  for (const r of m.rows) {
    units.patch(String(r.unit), { lon: r.lon, lat: r.lat, fix_ms: r.time_ms, speed_kmh: r.speed_kmh, heading_deg: r.heading_deg });
  }
});

/** Findings of the daemon about itself that are open, newest first. */
export const findings = signal<{ level: Level; text: Text; at_ms: number }[]>([]);
on<{ level: Level; text: Text; at_ms: number; gone?: boolean }>("system", (f) => {
  const rest = findings.value.filter((x) => x.text.en !== f.text.en);
  findings.value = f.gone ? rest : [f, ...rest].slice(0, 20);
});

export const board = signal<Board | null>(null);
export const boardError = signal("");
export async function loadBoard(): Promise<void> {
  try {
    // The wall is watched, not touched: its asking is its activity.
    board.value = await (face === "wall" ? get<Board>("/board") : poll<Board>("/board"));
    boardError.value = "";
  } catch (e) {
    boardError.value = sentence(e);
  }
}

/** Open alarms, most pressing first: running clocks by due time, then level, then age. */
export const queue = computed(() => {
  const rank: Record<Level, number> = { red: 0, orange: 1, yellow: 2, blue: 3 };
  return alarms.rows.value.slice().sort((a, b) => {
    const l = rank[a.level] - rank[b.level];
    if (l) return l;
    const ca = a.matter?.clock?.due_ms ?? Infinity, cb = b.matter?.clock?.due_ms ?? Infinity;
    if (ca !== cb) return ca - cb;
    return b.raised_ms - a.raised_ms || (a.id < b.id ? -1 : 1);
  });
});

/** Old data looks old: true when rows are older than this. */
export function isStale(as_of_ms: number, limit_ms = 60000): boolean {
  return as_of_ms > 0 && serverNow() - as_of_ms > limit_ms;
}
