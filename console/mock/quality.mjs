// SPDX-License-Identifier: Apache-2.0
// quality.mjs - fabricated data quality of the mock's devices.
import { random } from "./city.mjs";

const D = 86400000;
const VENDORS = ["海某", "大某", "", "宇某"];

function counts(d, days, r) {
  const objects = Math.round(d.state === "never" ? 0 : (8000 + r() * 3000) * days), faults = d.faults * days;
  const duplicates = Math.round(objects * (d.id % 10 === 0 ? 0.05 : 0.0005)), refused = Math.round(faults / 5), stored = objects - duplicates - refused;
  return { objects, stored, duplicates, conflicts: d.id % 40 === 0 ? 3 : 0, future: d.id % 53 === 0 ? 12 : 0, expired: 0, refused, late: Math.round(stored * (d.id % 20 === 0 ? 0.12 : 0.003)), unread: Math.round(stored * (0.02 + r() * 0.02)), faults };
}
export function qualityRow(d, days) {
  const r = random(d.id);
  return { id: d.id, code: d.code, name: d.name, protocol: d.protocol, vendor: d.vendor ?? VENDORS[d.id % VENDORS.length], site: d.site, ...counts(d, days, r), misread_rate: +(0.002 + r() * 0.01).toFixed(5), clock_error_ms: d.id % 20 === 0 ? -43000 : Math.round((r() - 0.5) * 900), clock_sd_ms: 900 };
}
export function qualityFull(d, days, now) {
  const row = qualityRow(d, days), r = random(d.id + 1);
  const kinds = row.faults ? [
    { kind: "boolean_form", zh: "布尔值以数值或字符串发送", en: "a truth value is sent as a number or text", n: Math.ceil(row.faults * 0.7), at_ms: now - 60000, sample: "HasPlate=1" },
    { kind: "odd_plate", zh: "号牌不符合任何格式", en: "the plate fits no form", n: Math.floor(row.faults * 0.3), at_ms: now - 3600000, sample: "PlateNo=*A-00000" },
  ].filter((k) => k.n) : [];
  return { ...row, kinds, days: Array.from({ length: days }, (_, i) => ({ day: new Date(now + 8 * 3600000 - (days - 1 - i) * D).toISOString().slice(0, 10).replaceAll("-", ""), ...counts(d, 1, r) })) };
}
