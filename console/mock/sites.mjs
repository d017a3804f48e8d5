// SPDX-License-Identifier: Apache-2.0
// sites.mjs - fabricated health, flow and days of the mock's sites.
import { random } from "./city.mjs";

const H = 3600000, D = 24 * H, STEP = 300000;
const T = (zh, en) => ({ zh, en });

export function reasonOf(s) {
  if (s.state === "silent") return T("已 41 分钟没有过车，平时此时每小时 64 辆，应有约 42 辆", "no pass for 41 min; usually 64 an hour now, so about 42 are missing");
  if (s.state === "degraded") return T("近期 52% 的过车没有完整号牌，平时为 3.1%", "52 % of the last reads have no whole plate; usually 3.1 %");
  if (s.state === "clock") return T("时钟偏慢 43.0 秒（±2.1），由车辆行程时间推得", "its clock is 43.0 s slow (± 2.1), learned from travel times");
  if (s.state === "offline") return T("1 台前端设备心跳中断", "1 devices have missed their heartbeats");
  if (s.state === "late") return T("记录平均晚到 140 秒", "records come 140 s late on average");
  return null;
}

export function spells(s, now) {
  const bad = reasonOf(s);
  return bad ? [{ at_ms: now - H, state: s.state === "offline" || s.state === "late" ? "silent" : s.state, level: "orange", text: bad }, { at_ms: now - 2 * D, state: "ok", level: "blue", text: T("恢复正常", "well again") }] : [];
}

export function days(s, now) {
  const r = random(s.id);
  return Array.from({ length: 9 }, (_, i) => ({ day_ms: Math.floor((now + 8 * H) / D - 9 + i) * D - 8 * H, passes: Math.round(8000 + r() * 2000), read_rate: +(0.95 + r() * 0.03).toFixed(4), clock_error_ms: i === 3 ? null : Math.round((s.clock_error_ms ?? 0) + (r() - 0.5) * 400), clock_sd_ms: i === 3 ? null : 900 }));
}

export function flow(id, from, to, now) {
  const k = Math.floor((to - from) / STEP), r = random(id), detail = to - from <= D + STEP;
  const usual = Array.from({ length: k }, (_, i) => { const h = ((from + i * STEP) / H + 8) % 24; return +(12 + 60 * Math.exp(-((h - 8) ** 2) / 5) + 70 * Math.exp(-((h - 18) ** 2) / 6)).toFixed(1); });
  const n = usual.map((v) => Math.max(0, Math.round(v * (0.7 + r() * 0.6))));
  const gap = Math.floor(k * 0.4), end = gap + Math.min(9, k / 8);
  for (let i = gap; i < end; i++) n[i] = 0;
  const share = (p) => n.map((v) => Math.round(v * p));
  const rest = (p) => n.map((v) => v - Math.round(v * p));
  return { as_of_ms: now, step_ms: STEP, from_ms: from, detail, n, speed_kmh: n.map((v) => (v ? Math.round(62 - v * 0.22 + r() * 6) : null)),
    by: detail ? { K: share(0.85), H: rest(0.85) } : {}, lanes: detail ? { 1: share(0.55), 2: rest(0.55) } : {}, directions: detail ? { 1: share(0.5), 2: rest(0.5) } : {},
    unread: detail ? share(0.04) : [], usual, offline: [[from + gap * STEP, from + Math.ceil(end) * STEP]] };
}

export function gantry(s, from, to, now) {
  const k = Math.round((to - from) / H), r = random(s.id * 7), per = (f) => Array.from({ length: k }, (_, i) => f(i));
  const passes = per((i) => (i === 6 ? 0 : Math.round(900 + 700 * r()))), tags = passes.map((n) => Math.round(n * 0.97)), known = tags.map((n) => Math.round(n * 0.995));
  const failed = tags.map((n) => Math.round(n * 0.012)), done = tags.map((n, i) => n - failed[i]);
  return { as_of_ms: now, from_ms: from, step_ms: H, gantry: { id: s.id, name: s.name }, radio: { id: s.id, name: `${s.name} RSU` }, passes, read: passes.map((n) => Math.round(n * 0.96)), tags, known, done, failed,
    obu: tags.map((n) => Math.round(n * 0.8)), cpc: tags.map((n) => n - Math.round(n * 0.8)), paired: known.map((n) => Math.round(n * 0.94)), quiet_s: passes.map((n) => (n ? Math.round(20 + 60 * r()) : 3600)), tag_quiet_s: passes.map((n) => (n ? Math.round(20 + 70 * r()) : 3600)) };
}

export function boardRows(measure, sites, matters, now) {
  if (measure === "waiting") return matters.filter((m) => m.state === "raised").map((m) => ({ matter: m.id, name: m.place?.text ?? "", value: Math.round((now - m.opened) / 1000), state: m.state }));
  if (measure === "sign") return matters.filter((m) => m.state !== "raised").map((m) => ({ matter: m.id, name: m.place?.text ?? "", value: 47, state: m.state }));
  if (measure === "cameras") return sites.filter((s) => ["offline", "silent", "degraded", "clock"].includes(s.state)).map((s) => ({ site: s.id, name: s.name, value: null, state: s.state }));
  return sites.map((s) => ({ site: s.id, name: s.name, value: +((s.flow - s.flow_usual) / 5).toFixed(1), state: s.state }));
}
