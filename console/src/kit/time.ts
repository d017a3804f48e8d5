// SPDX-License-Identifier: Apache-2.0
// time.ts - one ticking clock for the page, set by the daemon's, and words for instants and durations.
import { signal } from "@preact/signals";
import { lang, t } from "./i18n";

let offset_ms = 0;
export const zone = signal("Asia/Shanghai");

/** Now by the daemon's clock, ticking once a second. */
export const now = signal(Date.now());

export function setServerTime(ms: number): void {
  offset_ms = ms - Date.now();
  offsets = [offset_ms];
  now.value = serverNow();
}
/** What the stream says, and when it came: a message can only be late, so the highest of the last few is the truth; and
 * this machine's clock may be set while the page stands open. */
let offsets: number[] = [];
export function heardServerTime(ms: number, at: number): void {
  offsets = [...offsets.slice(-3), ms - at];
  offset_ms = Math.max(...offsets);
  now.value = serverNow();
}
export function serverNow(): number {
  return Date.now() + offset_ms;
}
setInterval(() => { now.value = serverNow(); }, 1000);

const formats = new Map<string, Intl.DateTimeFormat>();
function format(name: string, opts: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${name}/${lang.value}/${zone.value}`;
  let f = formats.get(key);
  if (!f) {
    f = new Intl.DateTimeFormat(lang.value === "zh" ? "zh-CN" : "en-GB", { timeZone: zone.value, hourCycle: "h23", ...opts });
    formats.set(key, f);
  }
  return f;
}

export function clockTime(ms: number): string {
  return format("hms", { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(ms);
}
export function shortTime(ms: number): string {
  return format("hm", { hour: "2-digit", minute: "2-digit" }).format(ms);
}
export function day(ms: number): string {
  return format("day", { month: "short", day: "numeric", weekday: "short" }).format(ms);
}
/** Date and time; the date is left out when it is today, the year when it is this one. */
export function instant(ms: number | null | undefined): string {
  if (ms == null) return "—";
  // A table says the same instants on every scroll, and calendars are slow: what was said of today is kept.
  const second = Math.floor(serverNow() / 1000);
  if (said.second !== second || said.lang !== lang.value) {
    const mark = `${date(second * 1000)}/${lang.value}/${zone.value}`;
    if (mark !== said.mark || said.words.size > 20000) said.words.clear();
    Object.assign(said, { second, mark, lang: lang.value });
  }
  const known = said.words.get(ms);
  if (known !== undefined) return known;
  const today = said.mark.slice(0, 10), on = date(ms);
  const words = on === today ? clockTime(ms) : `${on.slice(on.slice(0, 4) === today.slice(0, 4) ? 5 : 0)} ${clockTime(ms)}`;
  said.words.set(ms, words);
  return words;
}
const said = { second: 0, mark: "", lang: "", words: new Map<number, string>() };
/** 2026-11-22 in every language (GB/T 7408): day and month cannot be mistaken. */
export function date(ms: number | null | undefined): string {
  return ms == null ? "—" : toInput(ms).slice(0, 10);
}

/** A duration in at most two units; what is nothing is not said: "1 min", not "1 min 0 s". */
export function duration(ms: number): string {
  const s = Math.max(0, Math.round(Math.abs(ms) / 1000));
  const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
  if (d) return t(h ? "time.dh" : "time.d", { d, h });
  if (h) return t(m ? "time.hm" : "time.h", { h, m });
  if (m) return t(s % 60 ? "time.ms" : "time.m", { m, s: s % 60 });
  return t("time.s", { s });
}
/** How long ago, in one unit. */
export function ago(ms: number | null | undefined, at = now.value): string {
  if (ms == null) return "—";
  const s = Math.round((at - ms) / 1000);
  if (s < -5) return t("time.in", { x: duration(-s * 1000) });
  if (s < 5) return t("time.now");
  if (s < 60) return t("time.ago_s", { n: s });
  if (s < 3600) return t("time.ago_m", { n: Math.floor(s / 60) });
  if (s < 86400) return t("time.ago_h", { n: Math.floor(s / 3600) });
  return t("time.ago_d", { n: Math.floor(s / 86400) });
}

/** Civil time of the zone as an input takes it (2026-11-22T00:49), and back; a space may stand for the T. */
export function toInput(ms: number): string {
  const p = Object.fromEntries(format("parts", { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" }).formatToParts(ms).map((x) => [x.type, x.value]));
  return `${p.year}-${p.month}-${p.day}T${p.hour}:${p.minute}`;
}
export function fromInput(text: string): number | null {
  const m = /^\s*(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})[T\s]+(\d{1,2})[:：](\d\d)/.exec(text);
  if (!m) return null;
  if (+m[2]! < 1 || +m[2]! > 12 || +m[3]! < 1 || +m[3]! > 31 || +m[4]! > 23 || +m[5]! > 59) return null;
  const guess = Date.UTC(+m[1]!, +m[2]! - 1, +m[3]!, +m[4]!, +m[5]!);
  // Two rounds settle zones with a changing offset.
  let ms = guess;
  for (let i = 0; i < 2; i++) {
    const back = toInput(ms);
    const b = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)/.exec(back)!;
    ms += guess - Date.UTC(+b[1]!, +b[2]! - 1, +b[3]!, +b[4]!, +b[5]!);
  }
  return ms;
}

const numbers = new Map<string, Intl.NumberFormat>();
export function num(v: number | null | undefined, digits = 0): string {
  if (v == null || Number.isNaN(v)) return "—";
  if (Object.is(v, -0)) v = 0;
  const key = `${lang.value}${digits}`;
  let f = numbers.get(key);
  if (!f) numbers.set(key, (f = new Intl.NumberFormat(lang.value === "zh" ? "zh-CN" : "en-GB", {
    minimumFractionDigits: digits, maximumFractionDigits: digits })));
  return f.format(v);
}
export function percent(v: number | null | undefined, digits = 1): string {
  return v == null ? "—" : `${num(v * 100, digits)} %`;
}
/** "+12.3 s": how far a clock is from the truth. */
export function signedSeconds(ms: number | null): string {
  if (ms === null) return "—";
  const tenths = Math.round(ms / 100);
  return `${tenths > 0 ? "+" : ""}${num(tenths / 10, 1)} s`;
}
export function bytes(v: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  while (v >= 1000 && i < 4) { v /= 1000; i++; }
  return `${num(v, i > 1 ? 1 : 0)} ${units[i]}`;
}
export function metres(v: number): string {
  return v < 950 ? `${num(Math.round(v / 10) * 10)} m` : `${num(v / 1000, 1)} km`;
}
