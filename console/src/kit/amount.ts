// SPDX-License-Identifier: Apache-2.0
// amount.ts - a number with its unit as people say it: 120 min is "2 h", 72,000 ms "1 min 12 s", minute 120 of a day "02:00".
import { has, t } from "./i18n";
import { num } from "./time";

/** Units have words in each language; those of physics are written the same everywhere. */
export function unitText(unit: string): string {
  return unit === "1e-6" ? t("unit.ppm") : unit === "/min" ? t("unit.per_min") : unit === "1" ? "" : unit === "min of day" ? t("unit.day_min") : unit === "d" || unit === "h" ? t(`ask.unit.${unit}`) : has(`unit.${unit}`) ? t(`unit.${unit}`) : unit;
}

const MS: Record<string, number> = { ms: 1, s: 1000, min: 60000, h: 3600000, d: 86400000 };
const PARTS: [string, number][] = [["d", 86400000], ["h", 3600000], ["min", 60000], ["s", 1000]];

/** A length of time without what is nothing: 2 h, 1 min 12 s, 1.5 s. Two units, the smaller one rounded. */
export function lasting(ms: number): string {
  if (ms < 0) return `−${lasting(-ms)}`;
  if (ms < 1000) return ms === 0 || ms >= 100 ? t("lasting.s", { n: num(ms / 1000, ms ? 1 : 0) }) : `${num(ms)} ms`;
  if (ms < 10000 && ms % 1000) return t("lasting.s", { n: num(ms / 1000, 1) });
  const big = PARTS.findIndex(([, size]) => ms >= size), [unit, size] = PARTS[big]!, next = PARTS[big + 1];
  if (!next) return t(`lasting.${unit}`, { n: num(Math.round(ms / size)) });
  const whole = Math.round(ms / next[1]) * next[1], rest = Math.round((whole % size) / next[1]), n = Math.floor(whole / size);
  if (whole !== ms) return lasting(whole);
  const said = t(unit === "min" && !rest ? "lasting.minutes" : `lasting.${unit}`, { n: num(n) });
  return rest ? `${said} ${t(`lasting.${next[0]}`, { n: num(rest) })}` : said;
}

/** Whether a unit is said another way than it is kept. */
export function isTime(unit: string): boolean {
  return unit in MS || unit === "min of day";
}

/** A value of a unit, unit included. */
export function amount(value: number, unit: string, digits?: number): string {
  if (unit === "min of day") return `${String(Math.floor(value / 60)).padStart(2, "0")}:${String(Math.floor(value % 60)).padStart(2, "0")}`;
  if (unit in MS) return lasting(value * MS[unit]!);
  const said = num(value, digits ?? (Number.isInteger(value) ? 0 : Math.abs(value) < 10 ? 2 : 1)), word = unitText(unit);
  return word ? `${said} ${word}` : said;
}
