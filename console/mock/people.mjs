// SPDX-License-Identifier: Apache-2.0
// people.mjs - fabricated grants of looks and requests of other platforms.
const D = 86400000;
let last = 3;

const who = (u) => ({ id: u.id, name: u.display });
export function grantRows(users, now) {
  const analyst = users.find((u) => u.role === "analyst"), duty = users.find((u) => u.role === "duty"), chief = users.find((u) => u.role === "supervisor");
  return [
    { id: 3, matter: "HC-20260301-0001", user: who(analyst), by: null, from_ms: now - 200 * D, at_ms: now - 1200000, until_ms: now + 7 * D, state: "asked", note: "核实去年同一路口的多起逃逸" },
    { id: 2, matter: "HC-20260301-0002", user: who(duty), by: who(chief), from_ms: now - 120 * D, at_ms: now - D, until_ms: now + 6 * D, state: "given", note: "复核旧案" },
    { id: 1, matter: "HC-20260201-0007", user: who(analyst), by: who(chief), from_ms: now - 300 * D, at_ms: now - 40 * D, until_ms: now - 10 * D, state: "ended", note: "复核旧案" },
  ];
}
export function giveGrant(rows, body, user, by, now) {
  const g = { id: ++last, matter: body.matter, user: who(user), by: by ? who(by) : null, from_ms: body.from_ms, at_ms: now, until_ms: body.until_ms, state: by ? "given" : "asked", note: body.note };
  rows.unshift(g);
  return g;
}
export function decideGrant(g, body, user, now) {
  const asked = g.state === "asked";
  Object.assign(g, { by: who(user), state: body.accept ? "given" : asked ? "refused" : "ended", until_ms: body.accept ? body.until_ms ?? g.until_ms : asked ? null : now, note: body.note ?? g.note });
  return g;
}
export function askRows(now) {
  const row = (id, kind, more) => ({ kind, cancel: false, state: "waiting", id, title: "", detail: "", resource: "", address: "", applicant: "", reason: "", at_ms: now - 3600000, begin_ms: now, end_ms: now + 30 * D, decided_ms: null, by: "", note: "", ...more });
  return [
    row("140100000001000000012026030112000000001", "subscribe", { title: "过车数据订阅", resource: "14010000001210000001", address: "http://192.0.2.10:80/VIID/SubscribeNotifications", applicant: "省级平台", reason: "跨市联动" }),
    row("140100000001000000012026030112000000002", "disposition", { title: "涉案车辆布控", detail: "白色小型轿车", applicant: "邻市平台", reason: "协查" }),
    row("140100000001000000012026030112000000003", "subscribe", { title: "设备状态订阅", applicant: "省级平台", state: "refused", by: "任远", decided_ms: now - 600000, note: "重复" }),
  ];
}
