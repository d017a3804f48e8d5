// SPDX-License-Identifier: Apache-2.0
// GA/T 1400 through the port: bodies that other people wrote, and what senders do wrong.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as kit from "./kit.mjs";

const CAMERA = "14010000001190000003", MINUTE = 60000, DAY = 86400000;
const samples = join(kit.shared, "data/protocols/viid/viid_samples.jsonl");
let t, d, camera, matter, analyst, duty, other;

before(async () => {
  t = await kit.town({ people: ["analyst", "duty", "chief", "other"] });
  const key = await kit.device(t, CAMERA);
  // The passes of the samples are of 2016 and later: nothing of them is past this retention.
  d = await kit.serve(t.dir, ["--keep-days", "4000"]);
  camera = new kit.Camera(d.url, CAMERA, key);
  analyst = await kit.person(d.url, "analyst");
  duty = await kit.person(d.url, "duty");
  other = await kit.person(d.url, "other");
  assert.equal((await camera.register()).status, 200);
  matter = (await analyst.want(201, "POST", "/matters", { kind: "inquiry", title: "核查" })).id;
});
after(() => d?.stop());

/** What is stored of one plate in the last hours, oldest first. */
async function stored(plate) {
  const r = await analyst.want(200, "POST", "/looks", { kind: "trajectory", matter, purpose: "inquiry", plate, from_ms: Date.now() - 6 * 3600000, to_ms: Date.now() + 5 * MINUTE });
  return r.rows;
}
const form = (row) => {
  assert.deepEqual(Object.keys(row).sort(), ["Id", "LocalTime", "RequestURL", "StatusCode", "StatusString"].filter((k) => k !== "Id" || "Id" in row));
  assert.match(row.LocalTime, /^\d{14}$/);
  assert.equal(typeof row.StatusCode, "number");
};

test("what another platform asks waits for a person, who decides once", async () => {
  const id = "140100000001000000012026030112000000001";
  const r = await camera.send("POST", "/VIID/Subscribes", { SubscribeListObject: { SubscribeObject: [{ SubscribeID: id, Title: "过车订阅", SubscribeDetail: "13", ResourceURI: "14010000001210000001", ApplicantName: "省级平台", ReceiveAddr: "http://192.0.2.1/", BeginTime: "20260301000000", EndTime: "20270301000000", OperateType: 0 }] } });
  assert.equal(r.status, 200, JSON.stringify(r.body));
  const chief = await kit.person(d.url, "chief");
  const [row] = (await duty.want(200, "GET", "/asks")).items.filter((x) => x.id === id);
  assert.equal(row?.state, "waiting");
  assert.equal(row.kind, "subscribe");
  await duty.want(403, "POST", "/asks", { id, accept: true });
  assert.equal((await chief.want(200, "POST", "/asks", { id, accept: false, note: "重复" })).state, "refused");
  await chief.want(409, "POST", "/asks", { id, accept: true });
  await chief.want(404, "POST", "/asks", { id: "nothing", accept: true });
  assert.equal((await duty.want(200, "GET", "/asks")).items.find((x) => x.id === id).note, "重复");
});

test("every sample of other people's senders", { skip: existsSync(samples) ? false : `no ${samples}: set TONGQU_SHARED` }, async () => {
  const lines = readFileSync(samples, "utf8").trim().split("\n").map((l) => JSON.parse(l));
  assert.equal(lines.length, 12);
  let sent = 0;
  for (const s of lines) {
    const say = `${s.id} ${s.resource}`;
    if (s.method === "EXCHANGE") {
      const steps = s.body.steps.filter((x) => x.direction === "outbound");
      // A sender on this machine that nobody added has only to say who it is; one that was added has to know its password.
      const code = steps[0].headers?.["User-Identify"] ?? "14010000001190000077";
      const sender = new kit.Camera(d.url, code, "unknown");
      const body = steps[0].body ?? { RegisterObject: { DeviceID: code } };
      const first = await sender.send(steps[0].method, steps[0].path, body);
      assert.equal(first.status, 401, say);
      assert.match(first.headers.get("www-authenticate"), /^Digest .*realm=.*nonce=/, say);
      const taken = await sender.send(steps[1].method, steps[1].path, body, { authorization: steps[1].headers.Authorization });
      assert.equal(taken.status, 200, say);
      const row = kit.statuses(taken.body)[0];
      form(row);
      assert.equal(row.StatusCode, 0);
      assert.equal(row.RequestURL, "/VIID/System/Register");
      assert.equal(row.StatusString, "注册成功");
      const known = new kit.Camera(d.url, code, await kit.device(t, code));
      await kit.until(`${code} known`, async () => (await duty.want(200, "GET", "/devices?limit=100")).items.some((x) => x.code === code));
      const untrue = await known.send(steps[1].method, steps[1].path, body, { authorization: steps[1].headers.Authorization });
      assert.equal(untrue.status, 401, `${say}: a placeholder for a response opens nothing of a device that was added`);
      assert.equal((await known.register()).status, 200, say);
      sent++;
      continue;
    }
    if (s.resource === "Register") {
      const r = await camera.send(s.method, s.uri, s.body);
      assert.equal(r.status, 401, say);
      sent++;
      continue;
    }
    const r = await camera.send(s.method, s.uri, s.body ?? undefined);
    if (s.response?.http_status && s.body && (s.expect.count ?? 1) > 0) assert.equal(r.status, s.response.http_status, say);
    else if (!s.body || s.expect.count === 0) assert.ok(r.status === 200 || r.status === 400, `${say}: ${r.status}`);
    else assert.equal(r.status, 200, `${say}: ${JSON.stringify(r.body)}`);
    const rows = kit.statuses(r.body);
    rows.forEach(form);
    if (r.status === 200) {
      assert.ok(rows.every((x) => x.StatusCode === 0), `${say}: ${JSON.stringify(rows)}`);
      if (s.expect.count) assert.equal(rows.length, s.expect.count, say);
    }
    if (s.expect.send_twice) {
      const again = await camera.send(s.method, s.uri, s.body);
      assert.equal(again.status, 200, `${say}: sent twice`);
    }
    const id = s.expect.ape_id ?? s.expect.face_id ?? s.expect.disposition_id ?? s.expect.subscribe_id;
    if (id) assert.ok(rows.some((x) => x.Id === id), `${say}: the answer names ${id}`);
    sent++;
  }
  assert.equal(sent, 12);
  // What the motor vehicle sample holds is stored as it says.
  const s = lines.find((x) => x.resource === "MotorVehicles");
  const o = s.body.MotorVehicleListObject.MotorVehicleObject[0];
  const sites = (await analyst.want(200, "GET", "/sites?state=unplaced&limit=100")).items;
  const at = sites.find((x) => x.code === o.TollgateID);
  assert.ok(at, "its tollgate is a site now");
  assert.equal(at.last_pass_ms === null || typeof at.last_pass_ms === "number", true);
});

test("Time, Keepalive, an unknown resource, a body that is no JSON", async () => {
  const time = await camera.send("GET", "/VIID/System/Time");
  assert.equal(time.status, 200);
  assert.match(time.body.SystemTimeObject.LocalTime, /^\d{14}$/);
  assert.ok(Math.abs(Number(time.body.SystemTimeObject.LocalTime) - Number(kit.viidTime(Date.now(), 14))) < 100);
  const beat = await camera.send("POST", "/VIID/System/Keepalive", { KeepaliveObject: { DeviceID: CAMERA } });
  assert.equal(beat.status, 200);
  form(kit.statuses(beat.body)[0]);
  const none = await camera.send("POST", "/VIID/Nonsense", {});
  assert.ok(none.status === 404 || none.status === 405, `${none.status}`);
  const r = await fetch(d.url + "/VIID/MotorVehicles", { method: "POST", headers: { "content-type": "application/VIID+JSON", "user-identify": CAMERA }, body: "{\"MotorVehicleListObject\":" });
  assert.equal(r.status, 400);
  form(kit.statuses(await r.json())[0]);
});

test("a retry is stored once, and said so", async () => {
  const pass = camera.pass({ plate: kit.plain(101) });
  const first = await camera.post([pass]), again = await camera.post([pass]);
  assert.equal(kit.statuses(first.body)[0].StatusCode, 0);
  assert.equal(kit.statuses(again.body)[0].StatusCode, 0, "the sender may stop repeating");
  assert.match(kit.statuses(again.body)[0].StatusString, /重复/);
  const twice = camera.pass({ plate: kit.plain(102) });
  await camera.post([twice, twice, camera.pass({ plate: kit.plain(102), at: Date.now() - 1000 })]);
  assert.equal((await stored(kit.plain(101))).length, 1);
  assert.equal((await stored(kit.plain(102))).length, 2);
  const other_ = { ...pass, PlateNo: kit.plain(103) };
  const conflict = await camera.post([other_]);
  assert.equal(kit.statuses(conflict.body)[0].StatusCode, 0);
  assert.equal((await stored(kit.plain(103))).length, 0, "the first is kept");
  assert.equal((await stored(kit.plain(101))).length, 1);
});

test("each object has its own answer: late, ahead of the clock, broken, good", async () => {
  const now = Date.now();
  const objects = [
    camera.pass({ plate: kit.plain(110), at: now }),
    camera.pass({ plate: kit.plain(111), at: now + 3 * MINUTE }),
    camera.pass({ plate: kit.plain(112), at: now - 3 * 3600000 }),
    camera.pass({ plate: kit.plain(113), at: now + 90000 }),
    { ...camera.pass({ plate: kit.plain(114) }), PassTime: "not a time" },
    "not an object",
    camera.pass({ plate: kit.plain(115), at: now - 4100 * DAY }),
    camera.pass({ plate: kit.plain(116), at: now }),
  ];
  const r = await camera.post(objects);
  assert.equal(r.status, 200);
  const rows = kit.statuses(r.body);
  assert.equal(rows.length, objects.length, JSON.stringify(rows));
  rows.forEach(form);
  assert.deepEqual(rows.map((x) => x.StatusCode === 0), [true, false, true, true, false, false, false, true], JSON.stringify(rows));
  assert.match(rows[1].StatusString, /超前/);
  assert.match(rows[4].StatusString, /时间/);
  assert.match(rows[6].StatusString, /保存期限/);
  for (const [n, many] of [[110, 1], [111, 0], [112, 1], [113, 1], [114, 0], [115, 0], [116, 1]])
    assert.equal((await stored(kit.plain(n))).length, many, kit.plain(n));
  const late = (await stored(kit.plain(112)))[0];
  assert.ok(late.received_ms - late.time_ms > 2.9 * 3600000);
});

test("an unknown tollgate becomes a site without a place, and its pass is kept", async () => {
  const code = "149999990001";
  const r = await camera.post([camera.pass({ plate: kit.plain(120), site: code })]);
  assert.equal(kit.statuses(r.body)[0].StatusCode, 0);
  const rows = await stored(kit.plain(120));
  assert.equal(rows.length, 1);
  assert.equal(rows[0].site, code);
  assert.equal(rows[0].lon, null);
  const site = (await analyst.want(200, "GET", `/sites?q=${code}`)).items[0];
  assert.equal(site.state, "unplaced");
});

test("a picture sent with the pass comes back byte for byte, in the scope of its alarm only", async () => {
  const jpeg = Buffer.concat([Buffer.from("ffd8ffe000104a46494600010100000100010000", "hex"), Buffer.alloc(70000, 0x5a), Buffer.from("ffd9", "hex")]);
  const s = await kit.stream(duty);
  const more = { SubImageList: { SubImageInfoObject: [{ ImageID: CAMERA + "9", EventSort: 4, DeviceID: CAMERA, Type: "01", FileFormat: "Jpeg", ShotTime: kit.viidTime(Date.now(), 14), Width: 800, Height: 600, Data: jpeg.toString("base64") }] } };
  await camera.post([camera.pass({ plate: kit.WATCHED, more })]);
  const alarm = (await s.next("alarm", (a) => a.plate === kit.WATCHED)).data;
  s.close();
  assert.ok(alarm.picture, "the alarm's row names its picture");
  const got = await duty.ask("GET", `/api/v1/pictures/${alarm.picture}?alarm=${alarm.id}`);
  assert.equal(got.status, 200);
  assert.ok(got.bytes.equals(jpeg), "byte for byte");
  assert.equal((await other.ask("GET", `/api/v1/pictures/${alarm.picture}?alarm=${alarm.id}`)).status, 404);
  assert.equal((await duty.ask("GET", `/api/v1/pictures/${alarm.picture}?alarm=${"0".repeat(16)}`)).status, 404);
});

test("UnRegister ends it", async () => {
  const path = "/VIID/System/UnRegister";
  const first = await camera.send("POST", path, { UnRegisterObject: { DeviceID: CAMERA } });
  let r = first;
  if (first.status === 401) r = await camera.send("POST", path, { UnRegisterObject: { DeviceID: CAMERA } }, { authorization: camera.answer(first.headers.get("www-authenticate"), "POST", path) });
  assert.equal(r.status, 200, JSON.stringify(r.body));
  await kit.until("the device offline", async () => (await duty.want(200, "GET", "/devices?limit=100")).items.find((x) => x.code === CAMERA).state === "offline");
});

test("data quality: what a device sent is counted by day, with its slips, and survives a restart", async () => {
  const before = (await duty.want(200, "GET", "/quality")).items.find((x) => x.code === CAMERA);
  assert.ok(before, "every device has a row");
  const good = camera.pass({ plate: kit.plain(40), at: Date.now() - 1000 });
  assert.equal((await camera.post([good])).status, 200);
  assert.equal((await camera.post([good])).status, 200, "the same again");
  const late = camera.pass({ plate: kit.plain(41), at: Date.now() - 10 * MINUTE }), slip = camera.pass({ plate: kit.plain(42), at: Date.now() - 2000, more: { PlateColor: "77" } });
  assert.equal((await camera.post([late, slip])).status, 200);
  await d.stop();
  const out = JSON.parse(await kit.must(["report", "quality", "--data", t.dir, "--format", "json"])).find((x) => x.code === CAMERA);
  assert.ok(out.objects >= 4 && out.stored >= 3, JSON.stringify(out));
  assert.ok(out.duplicates >= 1 && out.late >= 1);
  const kind = out.kinds.find((k) => k.kind === "bad_code");
  assert.ok(kind && kind.n >= 1 && /77/.test(kind.sample) && kind.zh && kind.en, JSON.stringify(out.kinds));
  assert.match(await kit.must(["report", "quality", "--data", t.dir, "--format", "csv"]), /code,name,vendor/);
  d = await kit.serve(t.dir, ["--keep-days", "4000"]);
  const admin = await kit.person(d.url, "chief");
  const row = (await admin.want(200, "GET", "/quality?days=14")).items.find((x) => x.code === CAMERA);
  assert.equal(row.objects, out.objects);
  await admin.want(400, "GET", "/quality?days=15");
  const devices = await admin.want(200, "GET", "/devices");
  assert.equal(devices.items.find((x) => x.code === CAMERA).objects, out.objects, "not counted twice");
});

test("large bodies that are no JSON: who sends them has to wait, everybody else is served", async () => {
  const post = (body) => fetch(d.url + "/VIID/MotorVehicles", { method: "POST", headers: { "content-type": "application/json", "user-identify": "14010000001190000099" }, body });
  const broken = Buffer.alloc(7 << 20, "[{},");
  assert.equal((await post(broken)).status, 400);
  const again = await kit.until("the sender is told to wait", async () => {
    const r = await post(broken);
    assert.ok([400, 503].includes(r.status), String(r.status));
    return r.status === 503 && r;
  });
  assert.ok(Number(again.headers.get("retry-after")) >= 1);
  const now = new kit.Camera(d.url, CAMERA, null);
  const r = await now.post([now.pass({ plate: kit.plain(50), at: Date.now() - 1000, id: `${CAMERA}02${"9".repeat(19)}00001` })]);
  assert.equal(r.status, 200);
  assert.deepEqual(kit.statuses(r.body).map((x) => x.StatusCode), [0]);
  assert.equal((await post(broken.subarray(0, 1000))).status, 503, "small ones of the same sender too");
});
