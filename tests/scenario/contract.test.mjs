// SPDX-License-Identifier: Apache-2.0
// The OpenAPI document is true: every route is called, and what it answers is what the document says, to the key.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as kit from "./kit.mjs";

const DAY = 86400000, CAMERA = "14010000001190000002";
const jpeg = Buffer.from("ffd8ffe000104a46494600010100000100010000ffd9", "hex");
let t, d, doc, camera, sender;
const who = {}, called = new Set();

before(async () => {
  t = await kit.town();
  const key = await kit.device(t, CAMERA);
  sender = await kit.device(t, "14010000001190000009", "fixes");
  d = await kit.serve(t.dir);
  camera = new kit.Camera(d.url, CAMERA, key);
  for (const name of ["duty", "analyst", "chief", "chief2", "squad", "root2", "guard", "audit2"]) who[name] = await kit.person(d.url, name);
  doc = await (await fetch(d.url + "/api/v1/openapi.json")).json();
  await camera.register();
});
after(async () => {
  await d?.stop();
  kit.endAll();
});

// ---------------------------------------------------------------- a reply against its schema

const kinds = {
  string: (v) => typeof v === "string",
  integer: (v) => Number.isInteger(v),
  number: (v) => typeof v === "number",
  boolean: (v) => typeof v === "boolean",
  null: (v) => v === null,
  array: Array.isArray,
  object: (v) => typeof v === "object" && v !== null && !Array.isArray(v),
};
/** What is wrong with a value: a list of "where: what". Keys that the schema does not name are wrong. */
function faults(v, schema, at = "") {
  if (schema.$ref) return faults(v, doc.components.schemas[schema.$ref.split("/").pop()], at);
  if (schema.anyOf) {
    const each = schema.anyOf.map((s) => faults(v, s, at));
    return each.some((f) => f.length === 0) ? [] : v === null ? [`${at}: null`] : each[0];
  }
  if (schema.enum) return schema.enum.includes(v) ? [] : [`${at}: ${JSON.stringify(v)} is none of ${schema.enum}`];
  if (!schema.type) return [];
  if (![schema.type].flat().some((k) => kinds[k](v))) return [`${at}: ${JSON.stringify(v)?.slice(0, 60)} is no ${schema.type}`];
  if (kinds.array(v)) return v.flatMap((x, i) => faults(x, schema.items ?? {}, `${at}[${i}]`));
  if (!kinds.object(v)) return [];
  const known = schema.properties ?? {}, rest = schema.additionalProperties;
  return [
    ...(schema.required ?? []).filter((k) => !(k in v)).map((k) => `${at}.${k}: missing`),
    ...Object.entries(v).flatMap(([k, x]) => k in known ? faults(x, known[k], `${at}.${k}`) : rest ? faults(x, rest, `${at}.${k}`) : [`${at}.${k}: not in the document`]),
  ];
}

/** Calls a route by its row and holds the answer against the document. `fill`: what stands for {names}. */
async function call(person, method, row, { fill = {}, query = "", body, headers } = {}) {
  const op = doc.paths[row]?.[method.toLowerCase()];
  assert.ok(op, `${method} ${row} is in the document`);
  const path = "/api/v1" + row.replace(/\{(\w+)\}/g, (_, k) => encodeURIComponent(fill[k])) + query;
  const r = await person.ask(method, path, body, headers);
  const [status, said] = Object.entries(op.responses).find(([k]) => k !== "default");
  assert.equal(String(r.status), status, `${method} ${path}: ${JSON.stringify(r.body).slice(0, 400)}`);
  const schema = said.content?.["application/json"]?.schema;
  if (schema) assert.deepEqual(faults(r.body, schema).slice(0, 12), [], `${method} ${path} -> ${JSON.stringify(r.body).slice(0, 1500)}`);
  else if (status !== "204" && row !== "/openapi.json") assert.ok(Object.keys(said.content ?? {}).length, `${method} ${row} says what it answers`);
  called.add(`${method} ${row}`);
  return r.body;
}

// ---------------------------------------------------------------- every route

test("sessions, tables, organisation", async () => {
  await call(who.duty, "GET", "/openapi.json");
  await call(who.duty, "GET", "/session");
  for (const p of [who.duty, who.root2]) await call(p, "GET", "/meta");
  await call(who.duty, "GET", "/road");
  await call(who.duty, "GET", "/org");
  const org = await call(who.root2, "POST", "/org", { body: { parent: 1, kind: "brigade", name: "新建大队" } });
  await call(who.root2, "POST", "/org/{id}", { fill: { id: org.id }, body: { name: "改名大队" } });
  const extra = new kit.Person(d.url, "chief2");
  const session = await call(extra, "POST", "/session", { body: { user: "chief2", password: kit.PASSWORD } });
  assert.equal(session.user.name, "chief2");
});

test("accounts and devices", async () => {
  const made = await call(who.root2, "POST", "/users", { body: { name: "wang", display: "王五", org: 1, role: "duty" } });
  const fill = { id: made.id };
  await call(who.guard, "POST", "/users/{id}/role", { fill, body: { role: "duty" } });
  await call(who.root2, "POST", "/users/{id}", { fill, body: { display: "王五五" } });
  await call(who.guard, "POST", "/users/{id}/unlock", { fill, body: {} });
  const { password } = await call(who.root2, "POST", "/users/{id}/reset", { fill, body: {} });
  await call(who.guard, "POST", "/users/{id}/role", { fill, body: { role: "duty" } });
  for (const p of [who.root2, who.guard, who.chief]) await call(p, "GET", "/users");
  const wang = await kit.person(d.url, "wang", password);
  await call(wang, "POST", "/session/password", { body: { old: password, new: "a wide calm harbour 9" } });
  await call(await kit.person(d.url, "wang", "a wide calm harbour 9"), "DELETE", "/session");
  const device = await call(who.root2, "POST", "/devices", { body: { code: "14010000001190000044", name: "西口", kind: "camera", protocol: "viid" } });
  await call(who.root2, "POST", "/devices/{id}", { fill: { id: device.id }, body: { name: "西口二" } });
  await call(who.root2, "POST", "/devices/{id}/key", { fill: { id: device.id }, body: {} });
  await call(who.root2, "GET", "/devices");
  const [sender] = (await call(who.root2, "GET", "/quality")).items;
  await call(who.root2, "GET", "/quality/{id}", { fill: { id: sender.id } });
});

test("an alarm worked, looked at, and everything around it", async () => {
  const now = Date.now();
  const picture = { SubImageList: { SubImageInfoObject: [{ ImageID: CAMERA + "1", EventSort: 4, DeviceID: CAMERA, Type: "01", FileFormat: "Jpeg", ShotTime: kit.viidTime(now, 14), Width: 8, Height: 8, Data: jpeg.toString("base64") }] } };
  await camera.post([kit.WATCHED, kit.CONTRARY, kit.OBSERVED].map((plate, i) => camera.pass({ plate, site: kit.SITES[i], vehicle_color: i === 1 ? 4 : 2, more: picture }))
    .concat([1, 2, 3].map((n) => camera.pass({ plate: kit.plain(1), site: kit.SITES[n], at: now - n * 300000, more: picture }))));
  await kit.until("three alarms", async () => (await who.duty.get("/alarms?state=all")).body.items.length >= 3);
  const { items } = await call(who.duty, "GET", "/alarms", { query: "?state=all" });
  for (const a of items) await call(who.duty, "GET", "/alarms/{id}", { fill: { id: a.id } });
  const alarm = items.find((a) => a.picture && a.matter);
  await call(who.duty, "GET", "/pictures/{ref}", { fill: { ref: alarm.picture }, query: `?alarm=${alarm.id}` });
  await call(who.duty, "POST", "/evidence", { body: { matter: alarm.matter.id, purpose: "inquiry", alarm: alarm.id } });
  await call(who.duty, "GET", "/units/suggest", { query: `?alarm=${alarm.id}` });
  const whole = await call(who.duty, "GET", "/matters/{id}", { fill: { id: alarm.matter.id } });
  const move = whole.moves.find((m) => m.allowed && !m.fields.some((f) => f.required));
  await call(who.duty, "POST", "/matters/{id}/moves", { fill: { id: whole.id }, body: { move: move.name, seq: whole.seq, fields: {} } });
  await call(who.duty, "GET", "/matters");
  const inquiry = await call(who.analyst, "POST", "/matters", { body: { kind: "inquiry", title: "核查" } });
  const look = (more) => ({ matter: inquiry.id, purpose: "inquiry", from_ms: now - DAY / 2, to_ms: now + 1000, ...more });
  await call(who.analyst, "POST", "/looks", { body: look({ kind: "trajectory", plate: kit.plain(1) }) });
  await call(who.analyst, "POST", "/looks", { body: look({ kind: "sightings", sites: [1, 2] }) });
  await call(who.analyst, "POST", "/looks", { body: { kind: "plate_check", plate: kit.WATCHED, matter: inquiry.id, purpose: "inquiry" } });
  const fast = await call(who.duty, "POST", "/looks", { body: { kind: "trajectory", plate: kit.plain(1), purpose: "inquiry", from_ms: now - DAY / 2, to_ms: now, emergency: true, why: "追缉正在逃离的车辆" } });
  await call(who.chief, "GET", "/looks", { query: "?state=unconfirmed" });
  await call(who.chief, "POST", "/looks/{n}/confirm", { fill: { n: fast.n }, body: { accept: true, note: "属实" } });
  await call(who.duty, "GET", "/looks", { query: "?state=mine" });
  const wish = await call(who.analyst, "POST", "/looks/grants/ask", { body: { matter: inquiry.id, from_ms: now - 100 * DAY, until_ms: now + DAY, note: "积案重新核查" } });
  await call(who.chief, "POST", "/looks/grants/{id}", { fill: { id: wish.id }, body: { accept: true } });
  await call(who.chief, "GET", "/looks/grants");
  await call(who.chief, "POST", "/looks/grants", { body: { matter: inquiry.id, user: who.analyst.session.user.id, from_ms: now - 100 * DAY, until_ms: now + DAY, note: "积案重新核查" } });
  for (const q of [alarm.plate, "小店", "duty"]) await call(who.duty, "GET", "/search", { query: `?q=${encodeURIComponent(q)}` });
  await call(who.duty, "GET", "/board");
  for (const measure of ["waiting", "sign", "cameras", "passes"]) await call(who.duty, "GET", "/board/{measure}", { fill: { measure } });
  await call(who.analyst, "GET", "/questions");
  const funnel = { matter: null, purpose: "hit_and_run", lon: 112.53, lat: 37.85, from_ms: now - 900000, to_ms: now - 300000 };
  const flight = await call(who.analyst, "POST", "/matters", { body: { kind: "flight", title: "肇事逃逸", fields: await flightFields() } });
  await call(who.analyst, "POST", "/flight/funnel", { body: { ...funnel, matter: flight.id } });
  if (ffmpeg) await clips(flight.id, items[0]);
  await call(who.analyst, "POST", "/questions/{name}", { fill: { name: "first_seen" }, body: { ...look({}), params: {} } });
});

/** Outside video, on a machine that can read it. */
const ffmpeg = (() => { try { execFileSync("ffmpeg", ["-version"], { stdio: "ignore" }); return true; } catch { return false; } })();
async function clips(id, alarm) {
  const clip = join(t.tmp, "clip.mp4"), headers = { "content-type": "application/octet-stream" };
  execFileSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", "testsrc=duration=20:size=320x240:rate=5", "-pix_fmt", "yuv420p", clip]);
  const made = await call(who.analyst, "POST", "/matters/{id}/clips", { fill: { id }, query: "?name=clip", body: readFileSync(clip), headers });
  const fill = { id, clip: made.clip };
  const { evidence } = (await who.duty.get(`/alarms/${alarm.id}`)).body;
  await call(who.analyst, "GET", "/matters/{id}/clips/{clip}/frame", { fill, query: "?position_ms=1000" });
  await call(who.analyst, "POST", "/matters/{id}/clips/{clip}/clock", { fill, body: { position_ms: 15000, pass: evidence[0].sighting.id } });
  const mark = await call(who.analyst, "POST", "/matters/{id}/clips/{clip}/marks", { fill, body: { position_ms: 2000, site: 2, vehicle_color: 3 } });
  await call(who.analyst, "POST", "/looks", { body: { kind: "sightings", matter: id, purpose: "hit_and_run", sites: [2], from_ms: mark.time_ms - 1000, to_ms: mark.time_ms + 1000 } });
}

/** The fields that a hit-and-run asks when it is opened. */
async function flightFields() {
  const loop = (await who.analyst.get("/meta")).body.loops.find((l) => l.kind === "flight");
  const value = { text: "一辆车", note: "一辆车", number: 1, time: Date.now() - 600000, flag: true, point: { lon: 112.53, lat: 37.85 }, plate: kit.plain(1) };
  return Object.fromEntries(loop.form.map((name) => {
    const f = loop.fields.find((x) => x.name === name);
    return [name, f.type === "choice" ? f.options[0].value : value[f.type]];
  }));
}

test("sites, units, watches", async () => {
  const now = Date.now();
  const { items } = await call(who.duty, "GET", "/sites");
  const fill = { id: items[0].id };
  await call(who.duty, "GET", "/sites/{id}", { fill });
  await call(who.root2, "POST", "/sites/{id}", { fill, body: { name: "演示路口甲" } });
  for (const hours of [2, 48]) await call(who.duty, "GET", "/sites/{id}/flow", { fill, query: `?from_ms=${now - hours * 3600000}&to_ms=${now}` });
  const units = (await call(who.duty, "GET", "/units")).items;
  await call(who.duty, "POST", "/units/{id}/state", { fill: { id: units[0].id }, body: { state: "busy" } });
  const gps = new kit.Person(d.url, "gps");
  const headers = { authorization: `Bearer ${sender}` };
  await call(gps, "POST", "/fixes", { body: { fixes: [{ time_ms: now, lon: 112.5, lat: 37.85, unit: units[0].callsign }, { time_ms: now, lon: 112.5, lat: 37.85, unit: "nobody" }] }, headers });
  await call(gps, "POST", "/sightings", { body: `{"plate":"晋AZQ001","site":"${kit.SITES[0]}","time_ms":${now}}\n{}\n`, headers: { ...headers, "content-type": "application/x-ndjson" } });
  const time = new Date(now - 60000 + 8 * 3600000).toISOString().slice(0, 19), gantryId = "G000514001000110010";
  await call(gps, "POST", "/gantry", { body: [{ picId: "P1", gantryId, picTime: time, vehiclePlate: "晋AZQ001_0", laneNum: 1 }, { tradeId: "T1", gantryId, transTime: time, vehiclePlate: "晋AZQ001_0", obuVehiclePlate: "晋AZQ001_0", mediaType: 1, passState: 1 }, {}], headers });
  const gantry = (await who.duty.get("/sites?limit=1000")).body.items.find((s) => s.code.startsWith("G000514001000110010"));
  const hour = Math.floor(now / 3600000) * 3600000;
  await call(who.duty, "GET", "/sites/{id}/gantry", { fill: { id: gantry.id }, query: `?from_ms=${hour - 3600000}&to_ms=${hour}` });
  const body = { pattern: "晋A·ZQ9?9", one_misread: false, from_ms: now, to_ms: now + 10 * DAY };
  await call(who.duty, "POST", "/watches/estimate", { body });
  const propose = () => call(who.duty, "POST", "/watches", { body: { ...body, list: "stolen", level: "red", why: "车主报案被盗" } });
  const [a, b] = [await propose(), await propose()];
  const yes = await call(who.chief, "POST", "/watches/{id}/approve", { fill: { id: a.id }, body: { seq: a.seq } });
  await call(who.chief, "POST", "/watches/{id}/withdraw", { fill: { id: a.id }, body: { seq: yes.seq, note: "车辆已经找回" } });
  await call(who.chief, "POST", "/watches/{id}/reject", { fill: { id: b.id }, body: { seq: b.seq, note: "布控理由不足" } });
  await call(who.duty, "GET", "/watches");
});

test("what other platforms ask", async () => {
  const id = "140100000001000000012026030112000000009";
  await camera.send("POST", "/VIID/Subscribes", { SubscribeListObject: { SubscribeObject: [{ SubscribeID: id, Title: "过车订阅", SubscribeDetail: "13", OperateType: 0 }] } });
  await call(who.chief, "GET", "/asks");
  await call(who.chief, "POST", "/asks", { body: { id, accept: false, note: "重复" } });
});

test("audit and system", async () => {
  await call(who.audit2, "GET", "/audit", { query: "?limit=1000" });
  await call(who.audit2, "GET", "/audit/head");
  await call(who.audit2, "GET", "/audit/flags");
  for (const p of [who.duty, who.root2]) await call(p, "GET", "/system");
});

test("no route was left out", async () => {
  const stream = await kit.stream(who.duty);
  stream.close();
  called.add("GET /events");
  if (!ffmpeg) console.log("skipped: routes of outside video, no ffmpeg on this machine");
  const all = Object.entries(doc.paths).flatMap(([path, by]) => Object.keys(by).map((m) => `${m.toUpperCase()} ${path}`));
  assert.deepEqual(all.filter((r) => !called.has(r) && (ffmpeg || !r.includes("/clips"))), []);
});
