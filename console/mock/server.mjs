// SPDX-License-Identifier: Apache-2.0
// server.mjs - a stand-in for the daemon while the console is worked on, and for its browser tests: speaks
// docs/api.md over fabricated rows. Listens on loopback only and keeps nothing.
//
//   node mock/server.mjs [--port 8090] [--sites 800] [--alarms 24] [--empty] [--quiet]
import { createServer } from "node:http";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeSites, picture, plate, random, roads } from "./city.mjs";
import { flight } from "./flight.mjs";
import { clockOf, loops, required } from "./loops.mjs";
import { QUESTIONS } from "./questions.mjs";
import { askRows, decideGrant, giveGrant, grantRows } from "./people.mjs";
import { boardRows, days, flow, gantry, reasonOf, spells } from "./sites.mjs";
import { qualityFull, qualityRow } from "./quality.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const T = (zh, en) => ({ zh, en });
const H = 3600000, D = 24 * H;
export const PASSWORD = "mock-password-1";

const ROLES = [["duty", "值班员", "duty officer"], ["analyst", "研判员", "analyst"], ["squad", "警员", "officer"], ["supervisor", "主管", "supervisor"], ["auditor", "审计员", "auditor"], ["security", "安全管理员", "security"], ["admin", "系统管理员", "administrator"], ["device", "设备", "device"]];
const WORK = ["duty", "analyst", "squad", "supervisor"];
const ALL = ["duty", "analyst", "squad", "supervisor", "auditor", "security", "admin"];
const COLOURS = [[1, "黑", "black"], [2, "白", "white"], [3, "灰", "grey"], [4, "红", "red"], [5, "蓝", "blue"], [6, "黄", "yellow"], [7, "橙", "orange"], [8, "棕", "brown"], [9, "绿", "green"], [10, "紫", "purple"], [11, "青", "cyan"], [12, "粉", "pink"], [99, "其他", "other"]];
const PAINT = { 1: "#22262a", 2: "#d7dbdd", 3: "#80888e", 4: "#8c2f2a", 5: "#31557f", 6: "#c7a13b", 8: "#6a4a36" };
const RULES = [
  ["watch", "布控命中", "watched vehicle", "red", "《公安机关办理行政案件程序规定》", "Police procedure rules"], ["cloned_plate", "疑似套牌", "cloned plate", "orange", "《道路交通安全法》第九十六条", "Road Traffic Safety Law, article 96"],
  ["fake_plate", "疑似假牌", "fake plate", "orange", "《道路交通安全法》第九十六条", "Road Traffic Safety Law, article 96"], ["status", "状态异常", "vehicle status", "yellow", "《道路交通安全法》第十三条", "Road Traffic Safety Law, article 13"],
  ["truck_ban", "货车闯禁行", "truck ban", "blue", "《道路交通安全法》第三十九条", "Road Traffic Safety Law, article 39"], ["coach_curfew", "客运夜间禁行", "coach curfew", "orange", "《道路旅客运输企业安全管理规范》", "Coach safety rules"],
  ["unread_cluster", "遮挡号牌", "obscured plate", "yellow", "《道路交通安全法》第九十五条", "Road Traffic Safety Law, article 95"], ["average_speed", "区间超速", "average speed", "blue", "《道路交通安全法》第四十二条", "Road Traffic Safety Law, article 42"],
];

export function start({ port = 0, sites: n_sites = 800, alarms: n_alarms = 24, empty = false, quiet = true, said = undefined, dist = join(here, "../dist") } = {}) {
  const rnd = random(42);
  const pick = (a) => a[Math.floor(rnd() * a.length)];
  const now = () => Date.now();
  let journal = 1000, counter = 0;
  /** Said instead of an answer: (method, path) => {status, code, zh, en, field}, "drop", "gibberish" or nothing. */
  let fault = null;
  const sites = empty ? [] : makeSites(n_sites, now());
  for (const s of sites) s.reason = reasonOf(s);
  const orgs = [{ id: 1, parent: null, kind: "corps", name: "演示市交警支队", lon: 112.55, lat: 37.87, users: 9, units: 0 },
    ...["迎泽大队", "杏花岭大队", "小店大队", "万柏林大队"].flatMap((name, i) => [{ id: 2 + i, parent: 1, kind: "brigade", name, lon: null, lat: null, users: 4, units: 6 }, { id: 10 + i, parent: 2 + i, kind: "squad", name: name.replace("大队", "一中队"), lon: null, lat: null, users: 12, units: 6 }])];
  const users = [["duty", "周敏"], ["analyst", "何川"], ["squad", "郭强"], ["supervisor", "任远"], ["auditor", "孟洁"], ["security", "贺平"], ["admin", "康宁"]].map(([role, display], i) => (
    { id: i + 1, name: role, display, role, role_asked: null, org: { id: role === "squad" ? 10 : 1, name: role === "squad" ? "迎泽一中队" : "演示市交警支队" }, callsign: role === "squad" ? "长风03" : null, state: "active", last_ms: now() - i * 7200000, created_ms: now() - 90 * D, password: PASSWORD, must: false }));
  users.push({ id: 8, name: "fresh", display: "新警员", role: "duty", role_asked: null, org: { id: 2, name: "迎泽大队" }, callsign: null, state: "active", last_ms: null, created_ms: now(), password: PASSWORD, must: true });
  users.push({ id: 9, name: "wang.lin", display: "待授权用户", role: null, role_asked: "analyst", org: { id: 3, name: "杏花岭大队" }, callsign: null, state: "waiting", last_ms: null, created_ms: now(), password: PASSWORD, must: true });
  users.push({ id: 10, name: "locked", display: "被锁用户", role: "duty", role_asked: null, org: { id: 3, name: "杏花岭大队" }, callsign: null, state: "locked", last_ms: now() - D, created_ms: now() - 30 * D, password: PASSWORD, must: false });
  const units = empty ? [] : Array.from({ length: 26 }, (_, i) => ({
    id: i + 1, callsign: `长风${String(i + 1).padStart(2, "0")}`, kind: ["car", "car", "motorcycle", "foot", "drone"][i % 5], org: { id: 10 + (i % 4), name: "一中队" }, officers: [{ id: 100 + i, name: "警员" + (i + 1) }], state: i % 9 === 8 ? "off" : "free",
    lon: +(112.47 + rnd() * 0.13).toFixed(6), lat: +(37.8 + rnd() * 0.1).toFixed(6), fix_ms: now() - Math.floor(rnd() * 60000), speed_kmh: Math.floor(rnd() * 50), heading_deg: Math.floor(rnd() * 360), matter: null,
  }));
  const grants = empty ? [] : grantRows(users, now()), asks = empty ? [] : askRows(now());
  const devices = sites.map((s) => ({ id: s.id, code: s.code, name: s.name + "相机", kind: "camera", site: { id: s.id, name: s.name }, state: s.state === "offline" ? "offline" : s.id % 97 === 0 ? "never" : "online", last_ms: s.last_pass_ms, faults: s.id % 13 === 0 ? s.id : 0, objects: 10000 + s.id * 31, protocol: "viid" }));
  const matters = new Map(), alarms = new Map(), looks = [], watches = [], audit = [], onceDone = new Map(), pictures = new Map();
  const clients = new Set(), sessions = new Map();
  const day = () => new Date(now() + 8 * H).toISOString().slice(0, 10).replace(/-/g, "");

  function note(user, cls, what, more = {}) {
    const prev = audit[0]?.hash ?? "0".repeat(64);
    const n = (audit[0]?.n ?? 0) + 1;
    audit.unshift({ n, at_ms: now(), user: user?.name ?? null, role: user?.role ?? null, from: "127.0.0.1", class: cls, what, label: T({ "look.end": "查询行踪", "session.in": "登录", "session.out": "退出", "POST /watches": "申请布控", "GET /alarms/{id}": "查看预警", "GET /audit": "查看审计记录" }[what] ?? "其他操作", { "look.end": "looked at movements", "session.in": "signed in", "session.out": "signed out" }[what] ?? what), object: null, matter: null, purpose: null, outcome: "ok", count: null, hash: createHash("sha256").update(prev + n + what).digest("hex"), ...more });
  }
  function event(name, data, id = true) {
    const text = `${id ? `id: ${++journal}\n` : ""}event: ${name}\ndata: ${JSON.stringify(data, said)}\n\n`;
    for (const c of clients) c.write(text);
  }

  // ---- matters ----
  const loopOf = (kind) => loops.find((l) => l.kind === kind);
  function clocks(m) {
    const l = loopOf(m.kind), run = clockOf[m.state];
    return l.clocks.map((c) => {
      const st = m.clock[c.name];
      const end = st?.stop ?? (st ? now() : 0);
      const consumed = st ? end - st.start : 0;
      return { name: c.name, zh: c.zh, en: c.en, state: st && run === c.name && m.open ? "running" : st ? "stopped" : "none", budget_ms: c.budget_ms, consumed_ms: consumed, due_ms: st && run === c.name && m.open ? st.start + c.budget_ms : null, as_of_ms: now(),
        next_rung: st && run === c.name ? { at_ms: st.start + c.budget_ms * (consumed > c.budget_ms ? 1.5 : 1), percent: consumed > c.budget_ms ? 150 : 100, text: consumed > c.budget_ms ? T("支队指挥长督办", "corps commander") : T("大队长督办", "brigade head") } : null, fired: st && consumed > c.budget_ms ? [{ at_ms: st.start + c.budget_ms, percent: 100, text: T("大队长督办", "brigade head") }] : [] };
    }).filter((c) => c.state !== "none");
  }
  const titles = (m) => alarms.get(m.alarm)?.title ?? T(m.title, m.title);
  function row(m) {
    const run = clocks(m).find((c) => c.state === "running") ?? null;
    return { id: m.id, kind: m.kind, title: m.title, title_text: titles(m), state: m.state, state_since_ms: m.since, level: m.level, opened_ms: m.opened, closed_ms: m.closed, seq: m.seq, open: m.open, owner: m.owner, org: m.org, alarm: m.alarm, mode: "live", clock: run && { ...run, next_rung: undefined, fired: undefined }, place: m.place };
  }
  function full(m, user) {
    const l = loopOf(m.kind), a = m.alarm ? alarms.get(m.alarm) : null;
    const moves = m.open ? l.moves.filter((x) => x.from.includes(m.state) && x.roles.includes(user.role)).map((x) => {
      const need = required[x.name]?.(a) ?? [];
      return { name: x.name, zh: x.zh, en: x.en, key: x.key, tone: x.tone, to: x.to || m.state, allowed: true, reason: null, fields: x.fields.map((n) => ({ ...l.fields.find((q) => q.name === n), required: need.includes(n), value: null })), phone: x.phone, undo: false };
    }) : [];
    return { ...row(m), fields: m.fields, clocks: clocks(m), moves, journal: m.journal, units: m.unit ? [{ id: m.unit, callsign: units.find((u) => u.id === m.unit)?.callsign ?? "", state: "busy" }] : [], looks: looks.filter((k) => k.matter === m.id).map((k) => ({ n: k.n, at_ms: k.at_ms, by: k.by.name, kind: k.kind, count: k.count })), children: [], parent: null };
  }
  function enter(m, state, at = now()) {
    const was = clockOf[m.state], will = clockOf[state];
    if (m.state && was && was !== will && m.clock[was]) m.clock[was].stop = at;
    if (will && !m.clock[will]) m.clock[will] = { start: at };
    if (will && m.clock[will]) delete m.clock[will].stop;
    const st = loopOf(m.kind).states.find((s) => s.name === state);
    m.state = state;
    m.since = at;
    m.open = st.public === "open";
    if (!m.open) { m.closed = at; for (const c of Object.values(m.clock)) c.stop ??= at; }
  }
  function open(kind, title, more = {}) {
    const m = { id: `${kind === "alarm" ? "YJ" : "HC"}-${day()}-${String(++counter).padStart(4, "0")}`, kind, title, state: "", level: "blue", opened: now(), closed: null, seq: 1, open: true, owner: { text: "指挥中心", user: null, unit: null, org: 1 }, org: { id: 1, name: "演示市交警支队" }, alarm: null, place: null, fields: {}, clock: {}, journal: [], unit: null, ...more };
    const first = loopOf(kind).states.find((s) => s.kind === "start").name;
    enter(m, first, m.opened);
    m.journal.push({ seq: 1, at_ms: m.opened, move: null, label: T("立项", "opened"), from: null, to: first, by: more.by ?? null, fields: {}, text: null });
    delete m.by;
    matters.set(m.id, m);
    return m;
  }
  function move(m, mv, user, fields) {
    const from = m.state;
    m.seq++;
    if (mv.to) enter(m, mv.to);
    Object.assign(m.fields, Object.fromEntries(Object.entries(fields).filter(([k]) => k !== "text")));
    if (mv.name === "sign") m.owner = { text: user.display, user: user.id, unit: null, org: null };
    if (fields.unit) {
      m.unit = fields.unit;
      const u = units.find((x) => x.id === fields.unit);
      if (u) { u.matter = m.id; u.state = "busy"; m.owner = { text: u.callsign, user: null, unit: u.id, org: null }; event("unit", u); }
    }
    if (!m.open && m.unit) { const u = units.find((x) => x.id === m.unit); if (u) { u.matter = null; u.state = "free"; event("unit", u); } }
    m.journal.push({ seq: m.seq, at_ms: now(), move: mv.name, label: T(mv.zh, mv.en), from, to: m.state, by: { id: user.id, name: user.display, role: user.role }, fields, text: null });
    note(user, "change", `POST /matters/{id}/moves ${mv.name}`, { object: m.id, matter: m.id });
    event("matter", row(m));
    if (m.alarm) event("alarm", alarmRow(alarms.get(m.alarm)));
  }

  // ---- alarms ----
  function sighting(site, p, at, more = {}) {
    const tag = createHash("md5").update(site.code + at + p).digest("hex").slice(0, 8);
    const s = { id: `${at}-${site.id}-${tag}`, plate: p, plate_color: 5, vehicle_class: "K33", vehicle_color: 2, brand: "13", site: site.code, lane: 1 + Math.floor(rnd() * 3), direction: site.directions[0], time_ms: at, speed_kmh: 30 + Math.floor(rnd() * 40), confidence: +(0.86 + rnd() * 0.13).toFixed(2), record_id: site.code + at, image: "", site_id: site.id, site_name: site.name, lon: site.lon, lat: site.lat, received_ms: at + 800, picture: null, ...more };
    s.picture = createHash("md5").update(s.id).digest("hex").slice(0, 16);
    pictures.set(s.picture, { color: PAINT[s.vehicle_color] ?? "#888", text: p, seed: at % 9973 });
    return s;
  }
  function raise(at = now()) {
    const r = pick(RULES), placed = sites.filter((s) => s.lon !== null);
    const site = pick(placed), other = pick(placed), p = plate(rnd);
    const seenColor = pick([1, 2, 3, 4, 5]), regColor = r[0] === "cloned_plate" && rnd() < 0.7 ? pick([1, 2, 3, 4].filter((c) => c !== seenColor)) : seenColor;
    const truck = r[0] === "truck_ban", cls = truck ? "H11" : r[0] === "coach_curfew" ? "K11" : "K33", pc = truck || cls === "K11" ? 6 : 5;
    const main = sighting(site, p, at, { vehicle_color: seenColor, vehicle_class: cls, plate_color: pc });
    const evidence = r[0] === "cloned_plate" || r[0] === "average_speed" ? [{ role: T("上一次", "first pass"), sighting: sighting(other, p, at - 180000, { vehicle_color: regColor, vehicle_class: cls, plate_color: pc }), late_ms: 0 }, { role: T("这一次", "this pass"), sighting: main, late_ms: 0 }] : [{ role: T("命中", "hit"), sighting: main, late_ms: rnd() < 0.1 ? 240000 : 0 }];
    const contradictions = seenColor !== regColor ? [{ field: "vehicle_color", label: T("车身颜色", "body colour"), seen: col(seenColor), registered: col(regColor) }] : [];
    const id = createHash("md5").update(r[0] + main.id).digest("hex").slice(0, 16);
    const registry = r[0] === "fake_plate" ? null : { plate: p, plate_color: pc, plate_class: truck ? "01" : "02", vehicle_class: cls, brand: "13", vehicle_color: regColor, status: r[0] === "status" ? ["Q"] : ["A"], use_nature: truck ? "F" : "A", inspection_ms: r[0] === "status" ? at - 60 * D : at + 200 * D, scrap_ms: null, owner: "李**", picture: null };
    const prob = +(contradictions.length ? 0.86 : 0.55 + rnd() * 0.43).toFixed(2);
    const a = { id, kind: r[0], level: r[3], state: rnd() < 0.06 ? "revised" : "raised", title: T(`${r[1]} ${p}`, `${r[2]} ${p}`), time_ms: at, raised_ms: at + 300, late_ms: evidence.at(-1).late_ms, site: { id: site.id, name: site.name, lon: site.lon, lat: site.lat }, plate: r[0] === "unread_cluster" ? "" : p, plate_color: pc, vehicle_class: cls, vehicle_color: seenColor, probability: prob, passes: 1 + Math.floor(rnd() * 3), picture: main.picture, stop_blocked: contradictions.length > 0,
      words: prob > 0.9 ? T("几乎确定", "almost certain") : prob > 0.75 ? T("很可能", "very likely") : T("较可能", "likely"), reasons: [T("三项特征中" + (contradictions.length ? "两" : "三") + "项与登记相符", `${contradictions.length ? 2 : 3} of 3 features agree with the record`), T("此相机误识率 1.1%", "this camera misreads 1.1 %"), T("号牌十天内读到 14 次，均一致", "read 14 times in ten days, always the same")],
      numbers: r[0] === "cloned_plate" ? [{ name: "speed", ...T("所需车速", "speed needed"), value: 212.4, unit: "km/h", limit: 150, op: ">" }, { name: "gap", ...T("两次相隔", "between passes"), value: 180, unit: "s", limit: 255, op: "<" }] : [{ name: "conf", ...T("识别置信度", "read confidence"), value: main.confidence, unit: "", limit: 0.8, op: ">" }],
      evidence, registry, contradictions, watch: r[0] === "watch" ? { id: 1, list: "stolen", why: "被盗抢车辆，报案已立案", author: "周敏", approver: "任远", to_ms: at + 5 * D, source_ms: at - H } : null, camera: { site: site.id, precision: 0.93, closed: 41, misread_rate: 0.011, clock_error_ms: site.clock_error_ms, muted: false }, legal: T(r[4], r[5]),
      history: [{ at_ms: at + 300, what: "raised", text: T("规则命中", "raised by the rule"), sightings: [main.id] }], purpose: "inquiry" };
    alarms.set(id, a);
    const m = open("alarm", `${r[1]} ${p}`, { alarm: id, level: r[3], opened: at + 300, place: { text: site.name, lon: site.lon, lat: site.lat } });
    a.matter = m.id;
    return a;
  }
  const col = (c) => { const x = COLOURS.find((q) => q[0] === c); return T(x[1], x[2]); };
  function alarmRow(a) {
    const m = matters.get(a.matter), r = m && row(m);
    const { id, kind, level, state, title, time_ms, raised_ms, late_ms, site, plate: p, plate_color, vehicle_class, vehicle_color, probability, passes, picture: pic, stop_blocked } = a;
    return { id, kind, level, state, title, time_ms, raised_ms, late_ms, site, plate: p, plate_color, vehicle_class, vehicle_color, probability, passes, picture: pic, stop_blocked, matter: r && { id: r.id, kind: r.kind, state: r.state, seq: r.seq, owner: r.owner, open: r.open, clock: r.clock } };
  }
  if (!empty) {
    for (let i = n_alarms - 1; i >= 0; i--) raise(now() - Math.floor(i * 47000 * (0.5 + rnd())));
    const duty = users[0], list = [...alarms.values()];
    list.slice(0, 8).forEach((a, i) => { const m = matters.get(a.matter), l = loopOf("alarm"); for (const n of ["sign", "valid", "dispatch"].slice(0, 1 + (i % 3))) move(m, l.moves.find((x) => x.name === n), duty, n === "dispatch" ? { unit: i === 2 ? 3 : i + 4 } : {}); });
    open("inquiry", "迎泽大街追尾逃逸核查", { by: { id: 1, name: "周敏", role: "duty" } });
    watches.push({ id: 1, pattern: plate(rnd), plate_color: 5, list: "stolen", level: "red", why: "被盗抢车辆，报案已立案", matter: null, one_misread: true, state: "active", from_ms: now() - 2 * D, to_ms: now() + 5 * D, author: { id: 1, name: "周敏" }, approver: { id: 4, name: "任远" }, decided_ms: now() - 2 * D + 600000, note: null, expected_false_per_day: 0.31, alarms: 4, confirmed: 3, seq: 2 });
    watches.push({ id: 2, pattern: "晋AT?I3*", plate_color: null, list: "hit_run", level: "orange", why: "肇事逃逸，目击者只记得前几位", matter: null, one_misread: false, state: "proposed", from_ms: now(), to_ms: now() + 3 * D, author: { id: 2, name: "何川" }, approver: null, decided_ms: null, note: null, expected_false_per_day: 6.8, alarms: 0, confirmed: 0, seq: 1 });
    looks.push({ n: 811, at_ms: now() - 3 * H, by: { id: 2, name: "何川" }, kind: "trajectory", matter: null, purpose: "inquiry", emergency: true, why: "嫌疑车正驶离市区，来不及立项", confirm_by_ms: now() + 21 * H, confirmed_by: null, confirmed_ms: null, count: 14 });
    for (let i = 0; i < 40; i++) note(pick(users.slice(0, 7)), pick(["look", "change", "security"]), pick(["look.end", "session.in", "POST /watches", "GET /alarms/{id}"]), { object: null, outcome: rnd() < 0.1 ? "refused" : "ok", count: Math.floor(rnd() * 30) });
  }

  // ---- routes ----
  const code = (list) => list.map(([c, zh, en]) => ({ code: c, zh, en }));
  const meta = () => ({
    version: "0.1.0-mock", city: T("演示市", "Demo City"), zone: "Asia/Shanghai", now_ms: now(), map: { bounds: [112.43, 37.775, 112.64, 37.925] },
    codes: { plate_color: code(COLOURS), vehicle_color: code(COLOURS), vehicle_class: code([["K33", "小型轿车", "saloon"], ["H11", "重型普通货车", "heavy lorry"], ["K11", "大型普通客车", "coach"], ["K31", "小型普通客车", "minibus"]]), plate_class: code([["01", "大型汽车", "large"], ["02", "小型汽车", "small"]]), brand: code([["13", "现代", "Hyundai"], ["1", "大众", "Volkswagen"]]), direction: code([[1, "西→东", "W→E"], [2, "东→西", "E→W"], [3, "北→南", "N→S"], [4, "南→北", "S→N"]]),
      status: code([["A", "正常", "normal"], ["Q", "逾期未检验", "inspection overdue"], ["C", "被盗抢", "stolen"], ["E", "注销", "cancelled"]]), use_nature: code([["A", "非营运", "private"], ["F", "货运", "freight"]]), unit_kind: code([["car", "警车", "car"], ["motorcycle", "摩托", "motorcycle"], ["foot", "步巡", "foot"], ["drone", "无人机", "drone"]]), unit_state: code([["free", "空闲", "available"], ["busy", "有任务", "busy"], ["off", "离岗", "off duty"]]),
      site_kind: code([["camera", "卡口", "camera"], ["gantry", "龙门架", "gantry"]]), org_kind: code([["corps", "支队", "corps"], ["brigade", "大队", "brigade"], ["squad", "中队", "squad"]]), device_kind: code([["camera", "卡口相机", "camera"]]), watch_list: code([["stolen", "被盗抢", "stolen"], ["hit_run", "肇事逃逸", "hit and run"]]) },
    roles: code(ROLES), purposes: [{ code: "inquiry", ...T("核查", "inquiry"), kinds: null }, { code: "case", ...T("办案", "case work"), kinds: ["inquiry"] }],
    age_tiers: [{ to_days: 7, ...T("7 天内", "within 7 days"), kinds: null, approver: false }, { to_days: 90, ...T("7 至 90 天：须为核查事项", "7 to 90 days: an inquiry is needed"), kinds: ["inquiry"], approver: false }, { to_days: null, ...T("90 天以上：须另有人批准", "older: an approver is needed"), kinds: ["inquiry"], approver: true }],
    rule_settings: { number: 2, since: "2026-03-01" }, rule_settings_next: { number: 3, since: "2026-03-09" },
    rules: RULES.map((r) => ({ name: r[0], zh: r[1], en: r[2], level: r[3], on: r[0] !== "coach_curfew", next_on: r[0] !== "coach_curfew", legal: T(r[4], r[5]), parameters: [{ name: "margin", unit: "ratio", min: 1, max: 3, value: 1.2, default: 1.2, next: r[0] === "cloned_plate" ? 1.3 : 1.2, ...T("超出最短行程时间的余量", "margin over the shortest travel time") }] })),
    look_kinds: code([["trajectory", "车辆轨迹", "trajectory"], ["sightings", "过车记录", "passes"], ["plate_check", "核查号牌", "plate check"]]), loops,
  });
  class Refuse extends Error { constructor(status, c, zh, en, field) { super(zh); Object.assign(this, { status, c, text: T(zh, en), field }); } }
  const no = (status, c, zh, en, field) => { throw new Refuse(status, c, zh, en, field); };
  const list = (items, q) => { const o = Number(q?.get("cursor") ?? 0), n = Number(q?.get("limit") ?? 100); return { items: items.slice(o, o + n), next: o + n < items.length ? String(o + n) : null, as_of_ms: now() }; };
  const sessionBody = (s) => ({ user: { id: s.user.id, name: s.user.name, display: s.user.display, role: s.user.role, org: s.user.org, callsign: s.user.callsign, unit: s.user.role === "squad" ? 3 : null }, csrf: s.csrf, must_change_password: s.user.must, idle_ms: 1800000, expires_ms: now() + 8 * H, now_ms: now(), may: routes.filter((r) => r[1].includes(s.user.role)).map((r) => r[0]) });
  const brief = ({ password, must, ...u }) => u;
  const find = (rows, id) => rows.find((x) => String(x.id) === id) ?? no(404, "not_found", "没有这个对象。", "No such object.");
  const board = () => ({ as_of_ms: now(), trend_from_ms: now() - 2 * H, newest_pass_ms: now() - 900, measures: [
    { name: "waiting", ...T("待签收", "to be signed"), unit: "", value: [...matters.values()].filter((m) => m.kind === "alarm" && m.state === "raised").length, good: "low", trend: trend(9, 6), trend_step_ms: 300000 }, { name: "sign", ...T("签收用时（中位）", "median time to sign"), unit: "s", value: 47, good: "low", trend: trend(50, 20), trend_step_ms: 300000 },
    { name: "cameras", ...T("相机在线", "cameras online"), unit: "%", value: 98.6, good: "high", trend: trend(98, 1), trend_step_ms: 300000 }, { name: "passes", ...T("过车", "passes"), unit: "/min", value: 3612, usual: 3480, trend_usual: trend(3450, 200), good: null, trend: trend(3500, 900), trend_step_ms: 300000 }].map((m) => ({ usual: null, trend_usual: [], ...m })),
  changes: [...matters.values()].flatMap((m) => m.journal.map((j) => ({ at_ms: j.at_ms, level: m.level, text: T(`${m.place?.text ?? ""} ${j.label.zh}`, `${m.place?.text ?? ""} ${j.label.en}`), matter: m.id }))).sort((a, b) => b.at_ms - a.at_ms).slice(0, 8) });
  const trendOf = random(3);
  const trends = new Map();
  function trend(mid, amp) { const k = `${mid}/${amp}`; if (!trends.has(k)) trends.set(k, Array.from({ length: 24 }, () => +(mid + (trendOf() - 0.5) * amp).toFixed(1))); return trends.get(k); }

  function look(b, user) {
    if (!b.kind) no(400, "bad_request", "缺少 kind。", "kind is missing.", "kind");
    const m = b.matter ? matters.get(b.matter) : null;
    if (!b.emergency) {
      if (!m) { note(user, "look", "look.begin", { outcome: "refused" }); no(403, "look_no_matter", "查询须关联未办结的事项：请先建立事项，或从预警发起。", "A look needs an open matter: open one, or start from an alarm.", "matter"); }
      if (!m.open) no(403, "look_matter_closed", "该事项已办结，请关联未办结的事项。", "This matter is closed: name an open one.", "matter");
    } else if (!b.why || b.why.length < 5) no(422, "field_required", "紧急查询须写明理由（至少 5 个字）。", "An emergency look needs a reason of 5 characters.", "why");
    if (b.kind !== "sightings" && b.kind !== "analysis" && (!b.plate || b.plate.length < 7)) no(400, "bad_request", "请填写完整号牌。", "Give the whole plate.", "plate");
    if (now() - b.from_ms > 90 * D && b.kind !== "plate_check") no(403, "look_age_tier", "超过 90 天的记录须另有人批准。", "Records older than 90 days need an approver.", "from_ms");
    const r2 = random([...(b.plate ?? "x")].reduce((x, c) => x + c.charCodeAt(0), 1)), rows = [];
    const placed = sites.filter((s) => s.lon !== null);
    if (b.kind !== "plate_check" && placed.length) {
      let at = b.from_ms + 20 * 60000, i = Math.floor(r2() * placed.length);
      // As many rows as LOOK_ROWS says; 22 look like somebody's day.
      const most = Number(process.env.LOOK_ROWS ?? 22);
      if (most > 22) for (let k = 0, step = (b.to_ms - b.from_ms) / (most + 1); k < most; k++) rows.push(sighting(placed[(i + k * 7) % placed.length], plate(r2), Math.floor(b.from_ms + step * (k + 1))));
      else for (let k = 0; k < most && at < b.to_ms; k++) { rows.push(sighting(placed[i], b.plate?.replace(/[?*]/g, "8") || plate(r2), Math.floor(at))); at += r2() < 0.12 ? 2.4 * H : (3 + r2() * 14) * 60000; i = Math.abs(i + (r2() < 0.5 ? 1 : 9) * (r2() < 0.7 ? 1 : -1)) % placed.length; }
    }
    const n = 812 + looks.length, off = sites.filter((s) => s.state === "offline").slice(0, 5), late = sites.filter((s) => s.state === "late").slice(0, 4);
    looks.unshift({ n, at_ms: now(), by: { id: user.id, name: user.display }, kind: b.kind, matter: b.matter ?? null, purpose: b.purpose, emergency: !!b.emergency, why: b.why ?? null, confirm_by_ms: b.emergency ? now() + 24 * H : null, confirmed_by: null, confirmed_ms: null, count: rows.length });
    note(user, "look", "look.end", { object: b.plate ?? null, matter: b.matter ?? null, purpose: b.purpose ?? null, count: rows.length });
    return { n, at_ms: now(), kind: b.kind, matter: b.matter ?? null, purpose: b.purpose, emergency: !!b.emergency, confirm_by_ms: b.emergency ? now() + 24 * H : null, count: rows.length, truncated: false, rows, registry: b.plate && !/[?*]/.test(b.plate) ? { plate: b.plate, plate_color: 5, plate_class: "02", vehicle_class: "K33", brand: "13", vehicle_color: 2, status: ["A"], use_nature: "A", inspection_ms: now() + 100 * D, scrap_ms: null, owner: "王**", picture: null } : null, watches: [],
      coverage: { complete: !off.length && !late.length, sites: sites.length, text: T(`这段时间 ${sites.length} 个点位中 ${off.length} 个离线、${late.length} 个迟到：没有记录不等于没有经过。`, `Of ${sites.length} sites ${off.length} were offline and ${late.length} late in this window: no record is not proof of absence.`), offline: off.map((s) => ({ site: s.id, from_ms: now() - 2 * H, to_ms: now() - H })), late: late.map((s) => ({ site: s.id, by_ms: 900000 })) } };
  }
  const kept = (b, user) => {
    const m = b.matter ? matters.get(b.matter) : null;
    if (!m || !m.open) { note(user, "look", "look.begin", { outcome: "refused" }); no(403, "look_no_matter", "查询须关联未办结的事项：请先建立事项，或从预警发起。", "A look needs an open matter: open one, or start from an alarm.", "matter"); }
    return { look: (count) => { const n = 812 + looks.length; looks.unshift({ n, at_ms: now(), by: { id: user.id, name: user.display }, kind: "analysis", matter: m.id, purpose: b.purpose, emergency: false, why: null, confirm_by_ms: null, confirmed_by: null, confirmed_ms: null, count }); note(user, "look", "look.end", { matter: m.id, purpose: b.purpose, count }); return n; } };
  };
  const routes = [
    ["GET /matters/{id}/clips/{clip}/frame", WORK, null],
    ["POST /matters/{id}/clips", WORK, (x) => { const m = find([...matters.values()], x.p[0]), clip = createHash("sha256").update(x.raw).digest("hex"); move(m, loopOf("flight").moves.find((k) => k.name === "add_clip"), x.user, { clip, clip_name: x.q.get("name"), clip_ms: 60000, evidence_files: [`doc:${clip}`] }); return [201, { clip, bytes: x.raw.length, length_ms: 60000 }]; }],
    ["POST /matters/{id}/clips/{clip}/clock", WORK, (x) => { const m = find([...matters.values()], x.p[0]), zero = Number(String(x.body.pass).split("-")[0]) - x.body.position_ms; move(m, loopOf("flight").moves.find((k) => k.name === "set_clip_clock"), x.user, { clip: x.p[1], clip_zero: zero, known_pass: x.body.pass }); return { clip: x.p[1], zero_ms: zero, clock_ms: 0 }; }],
    ["POST /matters/{id}/clips/{clip}/marks", WORK, (x) => { const m = find([...matters.values()], x.p[0]), zero = m.journal.filter((j) => j.move === "set_clip_clock").at(-1)?.fields.clip_zero ?? no(409, "state", "请先用一条已知过车给视频对时", "set the clip's clock first", "clip"), at = zero + x.body.position_ms; move(m, loopOf("flight").moves.find((k) => k.name === "mark_frame"), x.user, { clip: x.p[1], clip_position: x.body.position_ms, marked_pass: `${at}-${x.body.site}-00000001`, marked_at: at }); return [201, { pass: `${at}-${x.body.site}-00000001`, time_ms: at }]; }],
    ["POST /evidence", WORK, (x) => { kept(x.body, x.user).look(x.body.passes?.length ?? alarms.get(x.body.alarm)?.evidence.length ?? 0); return { mock: "a real daemon answers with a ZIP archive" }; }],
    ["POST /flight/funnel", WORK, flight({ sites, sighting, random, plate, no, kept })],
    ["GET /session", ALL, (x) => sessionBody(x.s)],
    ["DELETE /session", ALL, (x) => { sessions.delete(x.s.token); note(x.user, "security", "session.out"); return null; }],
    ["POST /session/password", ALL, (x) => { if (x.body.old !== x.user.password) no(403, "forbidden", "现在的密码不对。", "The present password is wrong.", "old"); if ((x.body.new ?? "").length < 10) no(400, "bad_request", "新密码至少要 10 个字符。", "At least 10 characters.", "new"); x.user.password = x.body.new; x.user.must = false; x.s.csrf = randomBytes(16).toString("hex"); return sessionBody(x.s); }],
    ["GET /meta", ALL, meta], ["GET /events", ALL, null], ["GET /board", WORK, board], ["GET /board/{measure}", WORK, (x) => list(boardRows(x.p[0], sites, [...matters.values()].filter((m) => m.kind === "alarm"), now()), new URLSearchParams("limit=20000"))], ["GET /road", ALL, () => (empty ? { type: "FeatureCollection", features: [] } : roads())],
    ["GET /looks/grants", ["duty", "analyst", "supervisor", "auditor"], (x) => list(["supervisor", "auditor"].includes(x.user.role) ? grants : grants.filter((g) => g.user.id === x.user.id), x.q)],
    ["POST /looks/grants", ["supervisor"], (x) => giveGrant(grants, x.body, users.find((u) => u.id === x.body.user), x.user, now())],
    ["POST /looks/grants/ask", ["duty", "analyst"], (x) => giveGrant(grants, x.body, x.user, null, now())],
    ["POST /looks/grants/{id}", ["supervisor"], (x) => decideGrant(find(grants, x.p[0]), x.body, x.user, now())],
    ["GET /quality", [...WORK.filter((r) => r !== "squad"), "admin"], (x) => list(devices.map((d) => qualityRow(d, Number(x.q.get("days") ?? 1))), new URLSearchParams("limit=20000"))],
    ["GET /quality/{id}", [...WORK.filter((r) => r !== "squad"), "admin"], (x) => qualityFull(find(devices, x.p[0]), Number(x.q.get("days") ?? 1), now())],
    ["GET /asks", ["admin", "duty", "supervisor"], () => list(asks, new URLSearchParams("limit=20000"))],
    ["POST /asks", ["admin", "supervisor"], (x) => Object.assign(asks.find((a) => a.id === x.body.id) ?? no(404, "not_found", "没有这个对象。", "No such object."), { state: x.body.accept ? "taken" : "refused", by: x.user.display, decided_ms: now(), note: x.body.note ?? "" })],
    ["GET /sites", [...WORK, "admin"], (x) => list(sites, x.q)],
    ["GET /sites/{id}", [...WORK, "admin"], (x) => { const s = find(sites, x.p[0]); return { ...s, late_ms_p95: 1800, precision: { value: 0.93, closed: 41 }, muted: false, model: 12, health: spells(s, now()), days: days(s, now()), device_list: devices.filter((d) => d.site.id === s.id) }; }],
    ["POST /sites/{id}", ["admin"], (x) => Object.assign(find(sites, x.p[0]), x.body)],
    ["GET /sites/{id}/gantry", [...WORK, "admin"], (x) => gantry(find(sites, x.p[0]), Number(x.q.get("from_ms")), Number(x.q.get("to_ms")), now())],
    ["GET /sites/{id}/flow", [...WORK, "admin"], (x) => flow(Number(x.p[0]), Number(x.q.get("from_ms")), Number(x.q.get("to_ms")), now())],
    ["GET /alarms", WORK, (x) => { const st = x.q.get("state") ?? "open"; return list([...alarms.values()].reverse().filter((a) => { const m = matters.get(a.matter); return st === "all" || (st === "withdrawn" ? a.state === "withdrawn" : st === "open" ? a.state !== "withdrawn" && m.open : !m.open); }).map(alarmRow), x.q); }],
    ["GET /alarms/{id}", WORK, (x) => { const a = alarms.get(x.p[0]) ?? no(404, "not_found", "没有这条预警。", "No such alarm."); note(x.user, "look", "GET /alarms/{id}", { object: a.id, matter: a.matter, count: a.evidence.length }); return { ...a, matter: full(matters.get(a.matter), x.user) }; }],
    ["GET /matters", WORK, (x) => { const st = x.q.get("state") ?? "open"; return list([...matters.values()].reverse().filter((m) => (st === "all" || m.open === (st === "open")) && (x.q.get("mine") !== "1" || m.owner.user === x.user.id || (x.user.role === "squad" && m.unit === 3))).map(row), x.q); }],
    ["POST /matters", WORK, (x) => { const l = loops.find((k) => k.kind === x.body.kind); if (!l?.by_hand) no(400, "bad_request", "这种事项不能手工立项。", "This kind is not opened by hand.", "kind"); if (!x.body.title?.trim()) no(422, "field_required", "请写明事由。", "Say what it is about.", "title"); const m = open(l.kind, x.body.title, { by: { id: x.user.id, name: x.user.display, role: x.user.role }, owner: { text: x.user.display, user: x.user.id, unit: null, org: null } }); note(x.user, "change", "POST /matters", { object: m.id, matter: m.id }); event("matter", row(m)); return [201, full(m, x.user)]; }],
    ["GET /matters/{id}", WORK, (x) => full(matters.get(x.p[0]) ?? no(404, "not_found", "没有这个事项。", "No such matter."), x.user)],
    ["POST /matters/{id}/moves", WORK, (x) => {
      const m = matters.get(x.p[0]) ?? no(404, "not_found", "没有这个事项。", "No such matter.");
      if (x.body.seq !== m.seq) no(409, "conflict", "这个事项刚被别人动过，已取来最新的，请再看一眼。", "Somebody moved this matter meanwhile; look again.");
      const mv = full(m, x.user).moves.find((k) => k.name === x.body.move) ?? no(409, "state", "现在不能做这个动作。", "Not possible in this state.");
      for (const q of mv.fields) if (q.required && (x.body.fields?.[q.name] === undefined || x.body.fields[q.name] === false)) no(422, q.name === "compared" ? "gate" : "field_required", `请填写“${q.zh}”。`, `Please fill in "${q.en}".`, q.name);
      move(m, loopOf(m.kind).moves.find((k) => k.name === mv.name), x.user, x.body.fields ?? {});
      return full(m, x.user);
    }],
    ["GET /questions", WORK, () => list(QUESTIONS)], ["POST /questions/{name}", WORK, (x) => asked(x.p[0], x.body, x.user)],
    ["POST /looks", WORK, (x) => look(x.body, x.user)],
    ["GET /looks", ["duty", "analyst", "supervisor", "auditor"], (x) => { const st = x.q.get("state") ?? "mine"; return list(looks.filter((l) => (st === "all" ? true : st === "mine" ? l.by.id === x.user.id : l.emergency && !l.confirmed_by)), x.q); }],
    ["POST /looks/{n}/confirm", ["supervisor"], (x) => { const l = looks.find((k) => String(k.n) === x.p[0]) ?? no(404, "not_found", "没有这次查询。", "No such look."); if (l.by.id === x.user.id) no(409, "same_person", "自己的查询须由别人确认。", "Somebody else confirms your look."); l.confirmed_by = { id: x.user.id, name: x.user.display }; l.confirmed_ms = now(); return l; }],
    ["GET /watches", ["duty", "analyst", "supervisor"], (x) => list(watches.filter((w) => !x.q.get("state") || w.state === x.q.get("state")), x.q)],
    ["POST /watches", ["duty", "analyst", "supervisor"], (x) => { if (!x.body.why || x.body.why.length < 2) no(422, "field_required", "请写明理由：至少 2 个汉字或 5 个字母。", "A reason: five letters, or two Chinese characters, at least.", "why"); if (!x.body.pattern) no(422, "field_required", "请填写号牌。", "Give a plate.", "pattern"); const w = { id: watches.length + 1, plate_color: null, matter: null, ...x.body, state: "proposed", author: { id: x.user.id, name: x.user.display }, approver: null, decided_ms: null, note: null, expected_false_per_day: guess(x.body), alarms: 0, confirmed: 0, seq: 1 }; watches.unshift(w); return [201, w]; }],
    ["POST /watches/estimate", ["duty", "analyst", "supervisor"], (x) => { const d = guess(x.body); return { false_per_day: d, false_total: d * (x.body.to_ms - x.body.from_ms) / D, passes_per_day: 5200000, plates: Math.max(1, Math.round(d * 9)), text: T("按每个相近号牌每天的过车次数乘相机误识率估算。", "Passes a day of each similar plate times the misread rate.") }; }],
    ...["approve", "reject", "withdraw"].map((v) => [`POST /watches/{id}/${v}`, v === "withdraw" ? ["duty", "analyst", "supervisor"] : ["supervisor"], (x) => { const w = find(watches, x.p[0]); if (v === "approve" && w.author.id === x.user.id) no(409, "same_person", "自己提出的布控须由别人批准。", "Somebody else approves your watch."); if (v !== "approve" && (x.body.note ?? "").length < 2) no(422, "field_required", "请写明理由：至少 2 个汉字或 5 个字母。", "A reason: five letters, or two Chinese characters, at least.", "note"); w.state = { approve: "active", reject: "rejected", withdraw: "withdrawn" }[v]; if (v !== "withdraw") { w.approver = { id: x.user.id, name: x.user.display }; w.decided_ms = now(); } w.note = x.body.note ?? null; w.seq++; return w; }]),
    ["GET /units", WORK, (x) => list(units, x.q)],
    ["POST /units/{id}/state", ["duty", "squad", "supervisor"], (x) => { const u = find(units, x.p[0]); u.state = x.body.state; event("unit", u); return u; }],
    ["GET /units/suggest", ["duty", "supervisor"], (x) => { const m = x.q.get("matter") ? matters.get(x.q.get("matter")) : matters.get(alarms.get(x.q.get("alarm"))?.matter); const at = m?.place ?? { lon: 112.55, lat: 37.87 }; return list(units.map((u) => { const d = Math.hypot((u.lon - at.lon) * 88000, (u.lat - at.lat) * 111000); return { ...u, dist_m: Math.round(d), eta_s: Math.round(d / 8), note: u.matter ? T("有任务", "on a task") : u.state === "off" ? T("离岗", "off duty") : null }; }).sort((a, b) => Number(!!a.note) - Number(!!b.note) || a.dist_m - b.dist_m), x.q); }],
    ["POST /fixes", ["squad"], (x) => ({ taken: x.body.fixes.length, refused: [] })],
    ["GET /pictures/{ref}", WORK, null],
    ["GET /search", WORK, (x) => { const q = (x.q.get("q") ?? "").trim(), u = q.toUpperCase().replace(/[·\s]/g, ""), words = q.split(/\s+/); const out = []; for (const m of matters.values()) if (m.id.includes(u) || words.every((w) => m.title.includes(w))) out.push({ type: "matter", id: m.id, text: m.id, sub: titles(m) }); if (u.length >= 3) for (const a of alarms.values()) if (a.plate.includes(u)) out.push({ type: "alarm", id: a.id, text: a.plate, sub: a.title }); for (const s of sites) if (words.every((w) => s.name.includes(w))) out.push({ type: "site", id: String(s.id), text: s.name, sub: T(s.code, s.code) }); for (const k of units) if (k.callsign.includes(q)) out.push({ type: "unit", id: String(k.id), text: k.callsign, sub: T("车组", "unit") }); if (/^[\u4e00-\u9fff]?[A-Z]?[A-Z0-9?*]{3,}$/.test(u)) out.unshift({ type: "plate", id: u, text: u, sub: T("查这辆车的轨迹（须有事项）", "look at this vehicle (needs a matter)") }); return { items: out.slice(0, 20), next: null, as_of_ms: now() }; }],
    ["GET /org", ALL, (x) => list(orgs, new URLSearchParams("limit=1000"))],
    ["POST /org", ["admin"], (x) => { const o = { id: orgs.length + 50, lon: null, lat: null, users: 0, units: 0, ...x.body }; orgs.splice(orgs.findIndex((k) => k.id === o.parent) + 1, 0, o); return [201, o]; }], ["POST /org/{id}", ["admin"], (x) => Object.assign(find(orgs, x.p[0]), x.body)],
    ["GET /users", ["admin", "security", "supervisor", "auditor"], (x) => list(users.map(brief), x.q)],
    ["POST /users", ["admin"], (x) => { if (users.some((u) => u.name === x.body.name)) no(409, "exists", "已有这个用户名。", "This user name exists.", "name"); const pw = randomBytes(6).toString("base64url") + "-Aa1"; const u = { id: users.length + 1, name: x.body.name, display: x.body.display, role: null, role_asked: x.body.role, org: { id: x.body.org, name: orgs.find((o) => o.id === x.body.org)?.name }, callsign: x.body.callsign ?? null, state: "waiting", last_ms: null, created_ms: now(), password: pw, must: true }; users.push(u); return [201, { ...brief(u), password: pw }]; }],
    ["POST /users/{id}", ["admin"], (x) => { const u = find(users, x.p[0]); if ("disabled" in x.body) u.state = x.body.disabled ? "disabled" : "active"; return brief(u); }],
    ["POST /users/{id}/role", ["security"], (x) => { const u = find(users, x.p[0]); if (u.id === x.user.id) no(409, "same_person", "不能改自己的角色。", "Not your own role."); u.role = x.body.role; u.state = "active"; return brief(u); }],
    ["POST /users/{id}/reset", ["admin"], (x) => { const u = find(users, x.p[0]); u.password = randomBytes(9).toString("base64url"); u.must = true; return { password: u.password }; }], ["POST /users/{id}/unlock", ["admin", "security"], (x) => { const u = find(users, x.p[0]); u.state = "active"; return brief(u); }],
    ["GET /devices", ["admin", "duty", "supervisor"], (x) => list(devices, x.q)], ["POST /devices", ["admin"], (x) => { const d = { id: devices.length + 5000, site: null, state: "never", last_ms: null, faults: 0, objects: 0, ...x.body }; if (typeof d.site === "number") d.site = { id: d.site, name: find(sites, String(d.site)).name }; devices.unshift(d); return [201, { ...d, key: randomBytes(18).toString("base64url") }]; }],
    ["POST /devices/{id}", ["admin"], (x) => { const d = find(devices, x.p[0]); if ("disabled" in x.body) d.state = x.body.disabled ? "disabled" : "never"; return d; }], ["POST /devices/{id}/key", ["admin"], () => ({ key: randomBytes(18).toString("base64url") })],
    ["GET /audit", ["auditor", "security"], (x) => { note(x.user, "look", "GET /audit"); return list(audit.filter((r) => r.at_ms >= Number(x.q.get("from_ms") ?? 0) && (!x.q.get("user") || r.user === x.q.get("user"))), x.q); }],
    ["GET /audit/head", ["auditor", "security"], () => ({ n: audit[0]?.n ?? 0, hash: audit[0]?.hash ?? "0".repeat(64), at_ms: audit[0]?.at_ms ?? now(), signed_ms: now() - 1200000, sent: [{ where: "syslog", at_ms: now() - 1200000, ok: true }] })],
    ["GET /audit/flags", ["auditor", "security", "supervisor"], () => list([{ user: "何川", kind: "repeat", text: T("三天内对同一号牌查询 6 次", "6 looks at one plate in three days"), at_ms: now() - 5 * H, looks: [812, 815] }])],
    ["GET /system", ALL, () => ({ as_of_ms: now(), version: "0.1.0-mock", started_ms: now() - 5 * H, state: "degraded", findings: [{ level: "yellow", text: T("8 台相机离线超过 10 分钟", "8 cameras offline for more than 10 minutes"), since_ms: now() - 1500000 }], store: { rows: 15234890, lsn: 88123, rules_lsn: 88121, lag_ms: 3, bytes: 213e6, oldest_ms: now() - 3 * D }, threads: [["net-console", "控制台网络", "console network"], ["net-ingest", "接入网络", "ingest network"], ["store", "写入", "store"], ["ledger", "台账", "ledger"]].map(([name, zh, en], i) => ({ name, zh, en, queue: i * 2, queue_cap: 1024, busy: 0.05 + i * 0.03 })), disks: [{ name: "data", free_bytes: 61e9, total_bytes: 120e9, reserve_bytes: 1e9 }], cameras: { total: 800, online: 792, late: 16 }, clients: { streams: clients.size, sessions: sessions.size }, counters: Array.from({ length: 60 }, (_, i) => ({ name: `ingest_passes_${i}`, unit: i % 3 ? "1" : "bytes", ...T("收到的过车记录，第 " + i + " 类", `passes received, kind ${i}`), value: 1000 * i + 7, rate: i % 2 ? i * 1.5 : null })) })],
  ];
  // What can be asked, and answers of any size: as many rows as QUESTION_ROWS says.
  function asked(name, b, user) {
    const q = QUESTIONS.find((x) => x.name === name) ?? no(404, "not_found", "没有这个问题。", "No such question.");
    for (const p of q.params) {
      const v = b.params?.[p.name];
      if (p.required && !v) no(400, "bad_request", `缺少 ${p.zh}。`, `${p.en} is missing.`, p.name);
      if (v && p.type === "number" && !(Number(v) >= p.min && Number(v) <= p.max)) no(400, "bad_request", `${p.zh}须为 ${p.min} 到 ${p.max}。`, `${p.en}: ${p.min} to ${p.max}.`, p.name);
    }
    const head = look({ ...b, kind: "analysis", plate: "" }, user), placed = sites.filter((s) => s.lon !== null), n = Number(process.env.QUESTION_ROWS ?? 240);
    const made = { plate: () => plate(rnd), site: () => pick(placed).code, time: (i) => b.from_ms + i * 1000, span: () => Math.floor(rnd() * 1e7), count: () => 1 + Math.floor(rnd() * 90), number: () => rnd() * 100, share: () => rnd(), word: () => "M25", sighting: () => "1-1-00000000" };
    const rows = Array.from({ length: n }, (_, i) => q.columns.map((c) => made[c.shape](i)));
    const shot = (id, text) => { pictures.set(id, { color: "#80888e", text, seed: 7 }); return id; };
    const used = new Set(rows.flatMap((r) => r.filter((_, k) => q.columns[k].shape === "site")));
    return { n: head.n, at_ms: head.at_ms, kind: "analysis", question: name, matter: head.matter, purpose: head.purpose, emergency: head.emergency, confirm_by_ms: head.confirm_by_ms, count: n, truncated: n >= 10000, columns: q.columns, rows, pictures: rows.slice(0, 3).map((r, i) => (i === 1 ? [] : [0, 1].map((k) => shot(`${b.from_ms + i * 1000 + k * 60000}-${placed[i + k].id}-0000000${i}`, String(r[0]))))),
      sites: Object.fromEntries(sites.filter((s) => used.has(s.code)).map((s) => [s.code, { id: s.id, name: s.name, lon: s.lon, lat: s.lat }])), facts: [{ name: "missed", unit: "%", value: 0.021, ...T("出城漏拍率", "exits missed") }], coverage: head.coverage };
  }
  const guess = (b) => { const wild = [...(b.pattern ?? "")].filter((c) => c === "?" || c === "*").length; return +(wild ? Math.min(400, 0.2 * 6 ** wild) : b.one_misread ? 0.31 : 0.02).toFixed(2); };
  const table = routes.map(([r, roles, fn]) => { const [method, path] = r.split(" "); return { method, roles, fn, r, re: new RegExp("^" + path.replace(/\{\w+\}/g, "([^/]+)") + "$") }; });

  // Read again for each file: the console may be built anew beside a running mock.
  const shelf = () => existsSync(join(dist, "manifest.json")) ? JSON.parse(readFileSync(join(dist, "manifest.json"), "utf8")) : { csp: "default-src 'self'", files: [] };
  const server = createServer((req, res) => {
    const url = new URL(req.url, "http://x");
    const chunks = [];
    req.on("data", (c) => chunks.push(c));
    req.on("end", () => { try { answer(req, res, url, Buffer.concat(chunks)); } catch (e) { if (!quiet) console.error(e); fail(res, new Refuse(500, "internal", "服务器内部错误", "internal error")); } });
  });
  function fail(res, e) {
    const body = JSON.stringify({ error: { code: e.c, message: e.text.zh, text: e.text, ...(e.field ? { field: e.field } : {}) } });
    res.writeHead(e.status, { "Content-Type": "application/json", ...(e.status === 429 ? { "Retry-After": "5" } : {}) }).end(body);
  }
  function answer(req, res, url, raw) {
    if (!url.pathname.startsWith("/api/v1/")) {
      const manifest = shelf();
      const f = manifest.files.find((x) => x.path === url.pathname);
      if (!f) return res.writeHead(404, { "Content-Type": "text/plain" }).end("not found\n");
      const head = { "Content-Type": f.type, ETag: f.etag, "Cache-Control": f.immutable ? "public, max-age=31536000, immutable" : "no-cache", "Content-Security-Policy": manifest.csp, "X-Content-Type-Options": "nosniff" };
      if (req.headers["if-none-match"] === f.etag) return res.writeHead(304, head).end();
      const gz = f.gz && /gzip/.test(req.headers["accept-encoding"] ?? "");
      return res.writeHead(200, { ...head, ...(gz ? { "Content-Encoding": "gzip" } : {}) }).end(readFileSync(join(dist, gz ? f.gz : f.file)));
    }
    const path = url.pathname.slice(7);
    try {
      if (req.method === "POST" && path === "/session") {
        const b = JSON.parse(raw.toString() || "{}");
        const u = users.find((k) => k.name === b.user);
        if (u?.state === "locked") no(429, "locked", "账号已锁定，请 5 秒后再试或联系管理员。", "The account is locked; try later or ask the administrator.");
        if (!u || u.password !== b.password || !u.role || u.state !== "active") no(401, "sign_in_failed", "用户名或密码不对。", "The user name or the password is wrong.");
        const s = { token: randomBytes(32).toString("hex"), csrf: randomBytes(16).toString("hex"), user: u };
        sessions.set(s.token, s);
        u.last_ms = now();
        note(u, "security", "session.in");
        return res.writeHead(200, { "Content-Type": "application/json", "Set-Cookie": `tongqu_session=${s.token}; HttpOnly; SameSite=Strict; Path=/` }).end(JSON.stringify(sessionBody(s)));
      }
      const s = sessions.get(/tongqu_session=(\w+)/.exec(req.headers.cookie ?? "")?.[1] ?? "");
      if (!s) no(401, "unauthenticated", "请先登录。", "Sign in first.");
      const told = fault?.(req.method, path);
      if (told === "drop") return req.socket.destroy();
      if (told === "gibberish") return res.writeHead(502, { "Content-Type": "text/html" }).end("<html>bad gateway</html>");
      if (told) no(told.status, told.code, told.zh, told.en, told.field);
      const hit = table.find((r) => r.method === req.method && r.re.test(path)) ?? no(404, "not_found", "没有这个地址。", "No such address.");
      if (!hit.roles.includes(s.user.role)) no(403, "forbidden", "您的角色不能做这件事。", "Your role may not do this.");
      if (s.user.must && !path.startsWith("/session")) no(403, "password_change_required", "请先换掉初始密码。", "Change the first password.");
      if (req.method !== "GET" && req.headers["x-csrf-token"] !== s.csrf) no(403, "csrf", "页面已过期，请刷新。", "The page is out of date, reload it.");
      if (path === "/events") {
        res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
        res.write(`retry: 2000\n\nevent: hello\ndata: ${JSON.stringify({ journal, now_ms: now(), version: "mock" })}\n\n`);
        clients.add(res);
        res.on("close", () => clients.delete(res));
        return;
      }
      const p = hit.re.exec(path).slice(1).map(decodeURIComponent);
      if (hit.r === "GET /pictures/{ref}" || hit.r.endsWith("/frame")) {
        const pic = hit.r.endsWith("/frame") ? { color: "#80888e", text: `${Number(url.searchParams.get("position_ms")) / 1000} s`, seed: 5 } : pictures.get(p[0]) ?? no(404, "not_found", "没有这张图片。", "No such picture.");
        return res.writeHead(200, { "Content-Type": "image/svg+xml", "Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'" }).end(picture(pic.color, pic.text, pic.seed % 2 === 0, pic.seed));
      }
      const body = raw.length && req.headers["content-type"] !== "application/octet-stream" ? JSON.parse(raw.toString()) : {};
      const key = body.once && `${s.user.id}/${path}/${body.once}`;
      if (key && onceDone.has(key)) return res.writeHead(200, { "Content-Type": "application/json" }).end(onceDone.get(key));
      let out = hit.fn({ s, user: s.user, q: url.searchParams, p, body, raw });
      let status = 200;
      if (Array.isArray(out)) [status, out] = out;
      if (out === null) return res.writeHead(204).end();
      const text = JSON.stringify(out, said);
      if (key) onceDone.set(key, text);
      res.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" }).end(text);
    } catch (e) {
      if (e instanceof Refuse) return fail(res, e);
      throw e;
    }
  }
  let beats = 0;
  const beat = setInterval(() => {
    if (++beats % 10 === 0) event("beat", { now_ms: now() }, false);
    const rows = sites.filter((s) => s.state === "ok" && Math.random() < 0.15).slice(0, 120).map((s) => { const n = 1 + Math.floor(Math.random() * 3); s.last_pass_ms = now(); return { site: s.id, n, by: { K: n }, flow: s.flow }; });
    event("map", { at_ms: now(), rows }, false);
    event("fix", { rows: units.filter((u) => u.state !== "off").slice(0, 12).map((u) => { u.lon = +(u.lon + (Math.random() - 0.5) * 0.0006).toFixed(6); u.lat = +(u.lat + (Math.random() - 0.5) * 0.0005).toFixed(6); u.fix_ms = now(); return { unit: u.id, lon: u.lon, lat: u.lat, time_ms: u.fix_ms, speed_kmh: u.speed_kmh, heading_deg: u.heading_deg }; }) }, false);
  }, 1000);
  const alarmBeat = empty ? null : setInterval(() => { if (clients.size && alarms.size < 4000 && process.env.MOCK_ALARMS !== "0") { const a = raise(); event("alarm", alarmRow(a)); event("matter", row(matters.get(a.matter))); } }, 20000);
  return new Promise((ok) => server.listen(port, "127.0.0.1", () => ok({
    url: `http://127.0.0.1:${server.address().port}`, server, raise: () => { const a = raise(); event("alarm", alarmRow(a)); event("matter", row(matters.get(a.matter))); return a.id; }, streams: () => clients.size, fault: (f) => { fault = f; }, cut: () => { for (const c of clients) c.destroy(); }, bye: (reason) => { for (const c of clients) c.end(`event: bye\ndata: {"reason":"${reason}"}\n\n`); }, hush: () => { const n = clients.size; clients.clear(); return n; }, forget: () => sessions.clear(), users, sites, matters, alarms, audit,
    close: () => { clearInterval(beat); clearInterval(alarmBeat); for (const c of clients) c.destroy(); server.closeAllConnections?.(); return new Promise((k) => server.close(k)); },
  })));
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) {
  const arg = (n, d) => { const i = process.argv.indexOf("--" + n); return i < 0 ? d : Number(process.argv[i + 1]); };
  const m = await start({ port: arg("port", 8090), sites: arg("sites", 800), alarms: arg("alarms", 24), empty: process.argv.includes("--empty"), quiet: process.argv.includes("--quiet") });
  console.log(`ready ${m.url}  (users ${ROLES.slice(0, 7).map((r) => r[0]).join(", ")}, fresh; password ${PASSWORD})`);
}
