// SPDX-License-Identifier: Apache-2.0
// An alarm from the camera to an outcome that counts, as the people who work it live it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as kit from "./kit.mjs";

const CAMERA = "14010000001190000001";
let t, d, camera, who = {};

before(async () => {
  t = await kit.town();
  const key = await kit.device(t, CAMERA);
  d = await kit.serve(t.dir);
  camera = new kit.Camera(d.url, CAMERA, key);
  for (const name of ["duty", "duty2", "chief", "brigade", "leader", "squad", "other", "root2", "guard"]) who[name] = await kit.person(d.url, name);
});
after(() => d?.stop());

async function alarmOf(pass, s) {
  const seen = s.events.length;
  const began = performance.now();
  const r = await camera.post([pass, camera.pass({ plate: kit.plain(7), at: Date.now() - 1000 })]);
  assert.equal(r.status, 200);
  assert.deepEqual(kit.statuses(r.body).map((x) => x.StatusCode), [0, 0]);
  const e = await kit.until("the alarm on the stream", () => s.events.slice(seen).find((x) => x.name === "alarm" && x.data.plate === pass.PlateNo && x.data.state !== "withdrawn"));
  return { alarm: e.data, took: e.at - began };
}

test("a camera registers with Digest: a wrong password does not", async () => {
  assert.equal((await camera.register("not the password")).status, 401);
  const r = await camera.register();
  assert.equal(r.status, 200);
  assert.match(camera.challenge, /^Digest realm="[^"]+".*nonce="[^"]+"/);
  assert.equal(kit.statuses(r.body)[0].StatusCode, 0);
});

test("the squad's officer is given a car", async () => {
  const users = (await who.root2.want(200, "GET", "/users?limit=100")).items;
  const squad = users.find((u) => u.name === "squad");
  const row = await who.root2.want(200, "POST", `/users/${squad.id}`, { callsign: "小店101" });
  assert.equal(row.callsign, "小店101");
  who.squad = await kit.person(d.url, "squad");
  assert.ok(who.squad.session.user.unit, "the session names the unit that the officer crews");
  assert.equal(who.squad.session.user.callsign, "小店101");
});

test("a watched vehicle: alarm in under a second, signed, judged, dispatched, taken, intercepted, fed back", async () => {
  const s = await kit.stream(who.duty), phone = await kit.stream(who.squad);
  const { alarm, took } = await alarmOf(camera.pass({ plate: kit.WATCHED }), s);
  console.log(`from the socket to the event stream: ${took.toFixed(1)} ms`);
  assert.ok(took < 1000, `${took} ms`);
  assert.equal(alarm.kind, "watch");
  assert.equal(alarm.state, "raised");
  assert.ok(alarm.probability > 0.9 && alarm.probability <= 1);
  assert.ok(alarm.title.zh && alarm.title.en);
  const id = alarm.matter.id;

  assert.ok((await who.duty.want(200, "GET", "/alarms")).items.some((a) => a.id === alarm.id));
  const card = await who.duty.want(200, "GET", `/alarms/${alarm.id}`);
  assert.equal(card.registry.vehicle_color, 2);
  assert.deepEqual(card.contradictions, []);
  assert.equal(card.evidence.length, 1);
  assert.equal(card.evidence[0].sighting.plate, kit.WATCHED);
  assert.equal(card.watch.author, "duty");
  assert.equal(card.watch.approver, "chief");

  // The matter is called what its alarm is called, in both languages; what a person wrote is said as it was written.
  const called = await who.duty.want(200, "GET", `/matters/${id}`);
  assert.deepEqual(called.title_text, alarm.title);
  assert.match(called.title_text.en, /^watch match /);
  assert.ok((await who.duty.want(200, "GET", "/matters")).items.some((x) => x.id === id && x.title_text.en === alarm.title.en));
  const hits = (await who.duty.want(200, "GET", `/search?q=${encodeURIComponent(kit.WATCHED)}`)).items;
  for (const [type, text] of [["matter", id], ["alarm", kit.WATCHED]]) assert.deepEqual(hits.find((x) => x.type === type), { type, id: type === "matter" ? id : alarm.id, text, sub: alarm.title });
  const own = await who.duty.want(201, "POST", "/matters", { kind: "inquiry", title: "核查 check" });
  assert.deepEqual(own.title_text, { zh: "核查 check", en: "核查 check" });

  let m = await who.duty.move(id, "sign");
  assert.equal(m.state, "to_be_judged");
  const auditor = await kit.person(d.url, "audit2");
  const told = (await auditor.want(200, "GET", `/audit?from_ms=${Date.now() - 60000}&to_ms=${Date.now() + 60000}&limit=100`)).items.find((x) => x.object === "sign");
  assert.equal(told.matter, id, "the record of a move says of which matter");
  assert.equal(m.owner.user, who.duty.session.user.id);
  m = await who.duty.move(id, "judge_valid");
  assert.equal(m.state, "to_be_ordered");
  const near = (await who.duty.want(200, "GET", `/units/suggest?alarm=${alarm.id}`)).items;
  assert.equal(near[0].callsign, "小店101", "the nearest unit stands first");
  assert.ok(near[0].dist_m > 700 && near[0].dist_m < 1100, `${near[0].dist_m} m`);
  m = await who.duty.move(id, "send", { unit_to_send: near[0].id });
  assert.equal(m.state, "order_out");
  assert.deepEqual(m.units.map((u) => u.callsign), ["小店101"]);

  await phone.next("matter", (x) => x.id === id && x.state === "order_out");
  await phone.next("beat", (x) => Math.abs(x.now_ms - Date.now()) < 15000, 12000); // the line lives, and what time it is
  const tasks = (await who.squad.want(200, "GET", "/matters?mine=1")).items;
  assert.deepEqual(tasks.map((x) => x.id), [id], "the crew's phone lists its task");
  m = await who.squad.move(id, "take_order");
  assert.equal(m.state, "crew_under_way");
  await s.next("unit", (u) => u.id === near[0].id && u.matter === id);
  const fix = await who.squad.want(200, "POST", "/fixes", { fixes: [{ time_ms: Date.now(), lon: 112.501, lat: 37.85, speed_kmh: 31 }] });
  assert.equal(fix.taken, 1);
  m = await who.squad.move(id, "halt");
  assert.equal(m.state, "car_halted");
  const short = await who.squad.post(`/matters/${id}/moves`, { move: "feed_back", seq: m.seq, fields: { outcome: "hit" } });
  assert.equal(short.status, 422);
  assert.equal(short.body.error.code, "field_required");
  assert.equal(short.body.error.field, "result_note");
  m = await who.squad.move(id, "feed_back", { outcome: "hit", result_note: "车辆已查扣" });
  assert.equal(m.state, "fed_back");
  assert.equal(m.open, false);
  assert.ok(m.closed_ms >= m.opened_ms);
  assert.ok(m.clocks.every((c) => c.state === "stopped"));
  assert.deepEqual(m.journal.filter((j) => j.move).map((j) => j.move).sort(), ["feed_back", "halt", "judge_valid", "send", "sign", "take_order"]);

  await s.next("alarm", (a) => a.id === alarm.id && a.matter && !a.matter.open);
  assert.ok(!(await who.duty.want(200, "GET", "/alarms?state=open")).items.some((a) => a.id === alarm.id));
  assert.ok((await who.duty.want(200, "GET", "/alarms?state=closed")).items.some((a) => a.id === alarm.id));
  const site = await who.duty.want(200, "GET", `/sites/${alarm.site.id}`);
  assert.equal(site.precision.closed, 1, "the outcome counts for the camera");
  assert.equal(site.precision.value, 1);
  const watch = (await who.duty.want(200, "GET", "/watches?limit=100")).items.find((w) => w.pattern.replace("·", "") === kit.WATCHED);
  assert.equal(watch.alarms, 1);
  assert.equal(watch.confirmed, 1, "and for the watch");
  const unit = (await who.duty.want(200, "GET", "/units")).items.find((u) => u.callsign === "小店101");
  assert.equal(unit.state, "free");
  assert.equal(unit.matter, null);
  s.close();
  phone.close();
});

test("where the read contradicts the registry nobody is stopped before a person has compared the pictures", async () => {
  const s = await kit.stream(who.duty);
  const { alarm } = await alarmOf(camera.pass({ plate: kit.CONTRARY, vehicle_color: 1, brand: "13" }), s);
  assert.equal(alarm.stop_blocked, true);
  const card = await who.duty.want(200, "GET", `/alarms/${alarm.id}`);
  assert.deepEqual(card.contradictions.map((c) => c.field), ["vehicle_color"]);
  const id = alarm.matter.id;
  let m = await who.duty.move(id, "sign");
  const refused = await who.duty.post(`/matters/${id}/moves`, { move: "judge_valid", seq: m.seq, fields: {} });
  assert.equal(refused.status, 422);
  assert.equal(refused.body.error.code, "gate");
  assert.match(refused.body.error.text.en, /compare the pictures/);
  m = await who.duty.move(id, "compare", { comparison: "differs" });
  m = await who.duty.move(id, "judge_invalid", { untrue_reason: "misread" });
  assert.equal(m.open, false);
  const site = await who.duty.want(200, "GET", `/sites/${alarm.site.id}`);
  assert.equal(site.precision.closed, 2);
  assert.equal(site.precision.value, 0.5);
  s.close();
});

test("a watch to observe opens no stop", async () => {
  const s = await kit.stream(who.duty);
  const { alarm } = await alarmOf(camera.pass({ plate: kit.OBSERVED }), s);
  const id = alarm.matter.id;
  await who.duty.move(id, "sign");
  let m = await who.duty.move(id, "judge_valid");
  const unit = (await who.duty.want(200, "GET", "/units")).items[0];
  const refused = await who.duty.post(`/matters/${id}/moves`, { move: "send", seq: m.seq, fields: { unit_to_send: unit.id } });
  assert.equal(refused.status, 422);
  assert.equal(refused.body.error.code, "gate");
  m = await who.duty.move(id, "send_nobody", { not_sent_reason: "仅观察" });
  m = await who.duty.move(id, "feed_back", { outcome: "hit_not_stopped", result_note: "已记录" });
  assert.equal(m.open, false);
  s.close();
});

test("two persons with the same seq: one moves, the other is told", async () => {
  const s = await kit.stream(who.duty);
  const { alarm } = await alarmOf(camera.pass({ plate: kit.WATCHED, site: kit.SITES[1] }), s);
  const path = `/matters/${alarm.matter.id}/moves`, body = { move: "sign", seq: alarm.matter.seq, fields: {} };
  const both = await Promise.all([who.duty.post(path, body), who.duty2.post(path, body)]);
  assert.deepEqual(both.map((r) => r.status).sort(), [200, 409]);
  assert.equal(both.find((r) => r.status === 409).body.error.code, "conflict");
  const once = { move: "write_note", seq: 2, fields: { remark: "一次" }, once: "note-1" };
  const first = await who.duty.post(path, once), again = await who.duty.post(path, once);
  assert.equal(first.status, 200);
  assert.equal(again.status, 200, "a repeat with `once` answers as the first did");
  const m = await who.duty.want(200, "GET", `/matters/${alarm.matter.id}`);
  assert.equal(m.journal.filter((j) => j.move === "write_note").length, 1, "and does nothing");
  s.close();
});

test("handed down from city to brigade to squad, signed at each level, given back with a reason", async () => {
  const s = await kit.stream(who.duty);
  const { alarm } = await alarmOf(camera.pass({ plate: kit.WATCHED, site: kit.SITES[2] }), s);
  const id = alarm.matter.id;
  const org = (await who.duty.want(200, "GET", "/org")).items;
  const node = (name) => org.find((o) => o.name === name).id;
  await who.duty.move(id, "sign");
  let m = await who.duty.move(id, "judge_valid");
  const skip = await who.duty.post(`/matters/${id}/moves`, { move: "hand_on", seq: m.seq, fields: { to_unit: node("小店一中队") } });
  assert.ok(skip.status >= 400 && skip.status < 500, `two levels at once: ${skip.status}`);
  m = await who.duty.move(id, "hand_on", { to_unit: node("小店大队") });
  assert.equal(m.state, "handed_on");
  assert.equal(m.org.name, "小店大队");
  assert.equal((await who.other.get(`/matters/${id}`)).status, 404, "another brigade does not see it");
  const foreign = await who.duty2.post(`/matters/${id}/moves`, { move: "sign_order", seq: m.seq, fields: {} });
  assert.ok(foreign.status === 403 || foreign.status === 409, `the city does not sign for the brigade: ${foreign.status}`);
  m = await who.brigade.move(id, "sign_order");
  assert.equal(m.state, "to_be_ordered");
  m = await who.brigade.move(id, "hand_on", { to_unit: node("小店一中队") });
  m = await who.squad.move(id, "sign_order");
  assert.equal(m.owner.user, who.squad.session.user.id);
  m = await who.squad.move(id, "give_back", { back_reason: "无警力" });
  assert.equal(m.org.name, "小店大队");
  const unit = (await who.brigade.want(200, "GET", "/units")).items.find((u) => u.callsign === "小店102");
  m = await who.brigade.move(id, "send", { unit_to_send: unit.id });
  m = await who.brigade.move(id, "take_order");
  m = await who.brigade.move(id, "miss", { missed_note: "驶离辖区" });
  m = await who.brigade.move(id, "feed_back", { outcome: "hit_not_stopped", result_note: "未拦到" });
  assert.equal(m.open, false);
  s.close();
});
