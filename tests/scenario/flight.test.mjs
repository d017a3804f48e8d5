// SPDX-License-Identifier: Apache-2.0
// Hit-and-run from a place and a time: the funnel, verdicts in the matter, evidence that somebody else can check; and two
// cases that were: a hundred metres of rail at five in the morning that turn out to be no flight, and a blind spot.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as kit from "./kit.mjs";

const CAMERA = "14010000001190000002", MINUTE = 60000, SECOND = 1000;
const jpeg = Buffer.from("ffd8ffe000104a46494600010100000100010000ffd9", "hex");
const PLACE = { lon: 112.575, lat: 37.85 }; // between the third and the fourth site
/** Yesterday at h:m in civil time (UTC+8). */
const yesterday = (h, m) => Math.floor((Date.now() + 8 * 3600000) / 86400000) * 86400000 - 32 * 3600000 + h * 3600000 + m * MINUTE;
let t, d, camera, who = {};

before(async () => {
  t = await kit.town();
  const key = await kit.device(t, CAMERA);
  d = await kit.serve(t.dir);
  camera = new kit.Camera(d.url, CAMERA, key);
  for (const name of ["duty", "analyst", "chief", "audit2"]) who[name] = await kit.person(d.url, name);
  assert.equal((await camera.register()).status, 200);
});
after(async () => {
  await d?.stop();
  kit.endAll();
});

const picture = (at) => ({ SubImageList: { SubImageInfoObject: [{ ImageID: CAMERA + at, EventSort: 4, DeviceID: CAMERA, Type: "01", FileFormat: "Jpeg", ShotTime: kit.viidTime(at, 14), Width: 8, Height: 8, Data: jpeg.toString("base64") }] } });
/** A vehicle along the six sites from `start`, two minutes and a half from one to the next, `stop` behind the third. */
function drive(plate, start, { stop = 0, pictures = false, hide = false, ...look } = {}) {
  return kit.SITES.map((site, i) => {
    const at = start + i * 150 * SECOND + (plate.charCodeAt(6) % 7) * SECOND + (i >= 3 ? stop : 0);
    return camera.pass({ ...look, plate: hide && i >= 3 ? "" : plate, site, at, more: pictures && (i === 2 || i === 3) ? picture(at) : {} });
  });
}
async function send(objects) {
  for (let i = 0; i < objects.length; i += 90) {
    const r = await camera.post(objects.slice(i, i + 90));
    assert.ok(kit.statuses(r.body).every((x) => x.StatusCode === 0), JSON.stringify(r.body).slice(0, 300));
  }
}
const matter = async (title) => (await who.analyst.want(201, "POST", "/matters", { kind: "flight", title })).id;
const funnel = (id, more) => who.analyst.want(200, "POST", "/flight/funnel", { matter: id, purpose: "hit_and_run", ...PLACE, ...more });
async function move(p, id, name, fields, status = 200) {
  const m = await p.want(200, "GET", `/matters/${id}`);
  return p.want(status, "POST", `/matters/${id}/moves`, { move: name, seq: m.seq, fields });
}

test("05:00, a hundred metres of rail: found by the time it took, and closed as no flight with the damage paid", async () => {
  const at = yesterday(5, 0);
  const objects = [];
  for (let i = 0; i < 24; i++) objects.push(...drive(kit.plain(100 + i), at - 25 * MINUTE + i * 95 * SECOND));
  // A lorry that stood for four minutes behind the third site.
  objects.push(...drive("晋AQH777", at - 8 * MINUTE, { stop: 4 * MINUTE, pictures: true, vehicle_class: "H11", vehicle_color: 4, plate_color: 6 }));
  await send(objects);
  const id = await matter("滨河路护栏损坏约 100 米");
  const r = await funnel(id, { from_ms: at - 10 * MINUTE, to_ms: at + 10 * MINUTE, damage: "右前保险杠" });
  assert.equal(r.candidates[0].plate, "晋AQH777", JSON.stringify(r.candidates.slice(0, 3).map((c) => [c.plate, c.probability])));
  assert.ok(r.candidates[0].took_ms > r.candidates[0].usual_ms + 3 * MINUTE);
  assert.ok(r.steps[0].vehicles >= 25 && r.steps.every((s, i) => !i || s.vehicles <= r.steps[i - 1].vehicles));
  assert.ok(r.coverage.text.zh && r.unseen > 0 && r.unseen < 1);
  const c = r.candidates[0];
  // The same on the command line, as tables of every kind.
  const line = (format) => kit.must(["query", "flight", "--data", t.dir, "--at", `${PLACE.lon},${PLACE.lat}`, "--from", String(at - 10 * MINUTE), "--to", String(at + 10 * MINUTE), "--matter", id, "--purpose", "hit_and_run", "--format", format]);
  assert.match((await line("csv")).split("\n")[1], /^1,晋AQH777,0\.\d+,/);
  const lines = JSON.parse(await line("geojson"));
  assert.deepEqual([lines.features[0].properties.plate, lines.features[0].geometry.coordinates.length], ["晋AQH777", 2]);
  assert.equal(JSON.parse(await line("json")).candidates[0].plate, "晋AQH777");
  assert.match(await line("table"), /晋AQH777/);
  // Its pictures open under this look and for this person only.
  assert.equal((await who.analyst.get(`/pictures/${c.up.picture}?look=${r.n}`)).status, 200);
  assert.equal((await who.duty.get(`/pictures/${c.up.picture}?look=${r.n}`)).status, 404);
  await move(who.analyst, id, "judge_candidate", { candidate: c.plate, verdict: "fits", upstream_pass: c.up.id, downstream_pass: c.down.id });
  await move(who.analyst, id, "name_suspect", { suspect: c.plate, suspect_note: "停车四分钟，右前受损" });
  await move(who.analyst, id, "close_not_flight", { no_flight_reason: "single_vehicle", no_flight_note: "驾驶人认可" }, 422);
  const closed = await move(who.analyst, id, "close_not_flight", { no_flight_reason: "single_vehicle", damage_yuan: 86000, paid_by: c.plate, no_flight_note: "护栏损坏，未伤人，车主赔偿" });
  assert.equal(closed.open, false);
  assert.equal(closed.state, "not_flight");
  assert.equal(closed.fields.damage_yuan, 86000);
  assert.deepEqual(closed.journal.filter((j) => j.move === "judge_candidate").map((j) => j.fields.verdict), ["fits"]);
  assert.equal((await who.analyst.post("/flight/funnel", { matter: id, purpose: "hit_and_run", ...PLACE, from_ms: at, to_ms: at + MINUTE })).body.error.code, "look_matter_closed");
});

test("who hides the plate behind the place is put beside the pass of the same look", async () => {
  const at = yesterday(14, 0);
  const objects = [];
  for (let i = 0; i < 24; i++) objects.push(...drive(kit.plain(200 + i), at - 25 * MINUTE + i * 95 * SECOND));
  objects.push(...drive("晋AQH888", at - 7 * MINUTE, { hide: true, vehicle_color: 4, brand: "6" }));
  await send(objects);
  const id = await matter("学府街肇事逃逸");
  const r = await funnel(id, { from_ms: at - 5 * MINUTE, to_ms: at + 5 * MINUTE, vehicle_color: 4 });
  assert.equal(r.candidates[0].plate, "晋AQH888");
  assert.equal(r.candidates[0].down.plate, "");
  assert.deepEqual(r.candidates[0].changes.map((x) => x.name), ["plate_gone"]);
});

function crc32(b) {
  let c = ~0;
  for (const x of b) {
    c ^= x;
    for (let i = 0; i < 8; i++) c = (c >>> 1) ^ (c & 1 ? 0xedb88320 : 0);
  }
  return ~c >>> 0;
}
/** [[name, bytes]] of an archive of stored files, by its central directory. */
function unzipped(b) {
  const end = b.lastIndexOf(Buffer.from("PK\x05\x06")), files = [];
  for (let at = b.readUInt32LE(end + 16), n = b.readUInt16LE(end + 10); n-- > 0; at += 46 + b.readUInt16LE(at + 28) + b.readUInt16LE(at + 30) + b.readUInt16LE(at + 32)) {
    const from = b.readUInt32LE(at + 42), start = from + 30 + b.readUInt16LE(from + 26) + b.readUInt16LE(from + 28);
    assert.equal(b.readUInt16LE(at + 10), 0, "stored");
    files.push([b.toString("utf8", at + 46, at + 46 + b.readUInt16LE(at + 28)), b.subarray(start, start + b.readUInt32LE(at + 24))]);
  }
  return files;
}
function zipped(files) {
  const body = [], list = [];
  let at = 0, size = 0;
  for (const [name, b] of files) {
    const n = Buffer.from(name), head = Buffer.alloc(30), row = Buffer.alloc(46);
    head.writeUInt32LE(0x04034b50, 0);
    row.writeUInt32LE(0x02014b50, 0);
    for (const [x, o] of [[head, 0], [row, 2]]) {
      x.writeUInt16LE(20, 4 + o);
      x.writeUInt16LE(0x800, 6 + o);
      x.writeUInt32LE(crc32(b), 14 + o);
      x.writeUInt32LE(b.length, 18 + o);
      x.writeUInt32LE(b.length, 22 + o);
      x.writeUInt16LE(n.length, 26 + o);
    }
    row.writeUInt16LE(20, 4);
    row.writeUInt32LE(at, 42);
    body.push(head, n, b);
    list.push(row, n);
    at += 30 + n.length + b.length;
    size += 46 + n.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...body, ...list, end]);
}

test("evidence leaves signed; whoever changes a byte, adds or takes away a file is found out", async () => {
  const at = yesterday(5, 0);
  const id = await matter("证据导出");
  const r = await funnel(id, { from_ms: at - 10 * MINUTE, to_ms: at + 10 * MINUTE });
  const c = r.candidates.find((x) => x.plate === "晋AQH777");
  const ask = { matter: id, purpose: "hit_and_run", passes: [c.up.id, c.down.id], title: "护栏 <损坏>" };
  const reply = await fetch(`${d.url}/api/v1/evidence`, { method: "POST", headers: { cookie: who.analyst.cookie, "x-csrf-token": who.analyst.csrf, "content-type": "application/json" }, body: JSON.stringify(ask) });
  assert.equal(reply.status, 200);
  assert.equal(reply.headers.get("content-type"), "application/zip");
  const bytes = Buffer.from(await reply.arrayBuffer()), file = join(t.tmp, "evidence.zip");
  writeFileSync(file, bytes);
  const text = bytes.toString("utf8");
  for (const word of ["index.html", "passes.csv", "manifest.txt", "manifest.sig", "pictures/001-", "护栏 &lt;损坏&gt;", "晋AQH777", "corrected clock", id]) assert.ok(text.includes(word), word);
  assert.ok(!text.includes("<损坏>"));
  const head = readFileSync(join(t.dir, "audit", "key.pub"), "utf8").trim();
  const good = await kit.verify([file, "--key", head]);
  assert.equal(good.status, 0, good.out + good.err);
  assert.match(good.out, /4 files: whole/);
  assert.equal((await kit.verify([file, "--key", "0".repeat(64)])).status, 3);
  const spoil = (name, change) => { const b = Buffer.from(bytes); change(b); const f = join(t.tmp, name + ".zip"); writeFileSync(f, b); return f; };
  for (const [name, word] of [["html", "<h1>"], ["csv", "camera_time_ms"], ["list", "passes.csv\n"], ["signature", "tongqu-evidence 1"]]) {
    const bad = await kit.verify([spoil(name, (b) => { b[b.indexOf(word) + 3] ^= 1; })]);
    assert.equal(bad.status, 3, `${name}: ${bad.out}`);
    assert.match(bad.out, /DAMAGE/);
  }
  assert.equal((await kit.verify([spoil("half", (b) => b.fill(0, b.length - 40))])).status, 3);
  // Packed anew by a stranger: the same files are whole, more or less of any of them is not.
  const files = unzipped(bytes), pack = (list) => { const f = join(t.tmp, "packed.zip"); writeFileSync(f, zipped(list)); return f; };
  assert.equal((await kit.verify([pack(files)])).status, 0);
  for (const [name] of files) {
    for (const change of [(b) => Buffer.concat([b, Buffer.from(" ")]), (b) => b.subarray(0, b.length - 1), (b) => Buffer.concat([b, Buffer.from(" and more")])]) {
      const bad = await kit.verify([pack(files.map(([n, b]) => [n, n === name ? change(b) : b]))]);
      assert.equal(bad.status, 3, `${name}: ${bad.out}`);
    }
    assert.equal((await kit.verify([pack(files.filter(([n]) => n !== name))])).status, 3, `without ${name}`);
    assert.equal((await kit.verify([pack([...files, [name, Buffer.from("evil")]])])).status, 3, `${name} twice`);
  }
  // The export is a look of its own: matter, purpose, count.
  const m = await who.analyst.want(200, "GET", `/matters/${id}`);
  assert.deepEqual(m.looks.map((l) => [l.kind, l.count]).sort(), [["analysis", r.count], ["export", 2]]);
  assert.equal((await who.analyst.post("/evidence", { ...ask, matter: undefined })).status, 403);
  assert.equal((await who.analyst.post("/evidence", { ...ask, passes: [`${at}-1-00000000`] })).status, 404);
});

test("an alarm leaves as evidence with its numbers and what else could explain it", async () => {
  const at = Date.now() - 5000;
  await send([camera.pass({ plate: kit.WATCHED, site: kit.SITES[1], at, more: picture(at) })]);
  const row = await kit.until("the alarm", async () => (await who.duty.want(200, "GET", "/alarms?state=open")).items.find((a) => a.plate.replace("·", "") === kit.WATCHED));
  const file = join(t.tmp, "alarm.zip");
  await kit.must(["export", "evidence", "--data", t.dir, "--alarm", row.id, "--out", file, "--matter", row.matter.id, "--purpose", "alarm"]);
  const text = readFileSync(file).toString("utf8");
  for (const word of ["其他可能", "Alternatives", "stated probability", row.probability.toFixed(3), "camera's clock", kit.WATCHED, "pictures/001-"]) assert.ok(text.includes(word), word);
  const good = await kit.verify([file]);
  assert.equal(good.status, 0, good.out);
  const reply = await who.duty.ask("POST", "/api/v1/evidence", { matter: row.matter.id, purpose: "alarm", alarm: row.id });
  assert.equal(reply.status, 200);
  assert.equal((await who.duty.post("/evidence", { matter: row.matter.id, purpose: "alarm", alarm: "0".repeat(16) })).status, 404);
});

test("bad questions are refused with what to do", async () => {
  const id = await matter("错误提问"), at = yesterday(5, 0);
  const ask = async (more) => (await who.analyst.post("/flight/funnel", { matter: id, purpose: "hit_and_run", ...PLACE, from_ms: at, to_ms: at + MINUTE, ...more }));
  assert.equal((await ask({ to_ms: at + 3 * 3600000 })).body.error.field, "to_ms");
  assert.equal((await ask({ to_ms: at - 1 })).body.error.field, "to_ms");
  assert.equal((await ask({ lon: 10, lat: 10 })).body.error.field, "lon");
  assert.equal((await ask({ plate: "!!" })).body.error.field, "plate");
  assert.equal((await ask({ matter: undefined })).body.error.code, "look_no_matter");
  assert.equal((await who.audit2.post("/flight/funnel", {})).status, 403);
});

const ffmpeg = (() => { try { execFileSync("ffmpeg", ["-version"], { stdio: "ignore" }); return true; } catch { return false; } })();
const raw = (who_, path, body) => fetch(`${d.url}/api/v1${path}`, { method: "POST", headers: { cookie: who_.cookie, "x-csrf-token": who_.csrf, "content-type": "application/octet-stream" }, body });

test("10:01 in a blind spot: a shop's clip, its clock set by a known car, one frame, the next camera, the right mirror", { skip: ffmpeg ? false : "no ffmpeg on this machine" }, async () => {
  const at = yesterday(10, 1);
  const objects = [];
  for (let i = 0; i < 110; i++) objects.push(...drive(kit.plain(300 + i), at - 32 * MINUTE + i * 25 * SECOND, { vehicle_color: 1 + (i % 4) }));
  // Passes the third site 80 seconds before the crash, stands for a minute and a half, drives on.
  const start = at - 300 * SECOND - 80 * SECOND;
  objects.push(...drive("晋AQH999", start, { stop: 90 * SECOND, pictures: true, vehicle_color: 3 }));
  await send(objects);
  const id = await matter("迎泽大街 10:01 逃逸");
  const wide = await funnel(id, { from_ms: at - 15 * MINUTE, to_ms: at + 15 * MINUTE });
  assert.ok(wide.steps[1].vehicles >= 60, `a wide span leaves ${wide.steps[1].vehicles}`);
  // The shop's recorder is a quarter of an hour wrong; nobody needs to know by how much.
  const clip = join(t.tmp, "shop.mp4");
  execFileSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", "testsrc=duration=120:size=320x240:rate=5", "-pix_fmt", "yuv420p", clip]);
  const bad = await raw(who.analyst, `/matters/${id}/clips?name=x`, Buffer.from("no video at all"));
  assert.equal(bad.status, 400, await bad.text());
  const added = await raw(who.analyst, `/matters/${id}/clips?name=${encodeURIComponent("路口便利店")}`, readFileSync(clip));
  assert.equal(added.status, 201);
  const c = await added.json();
  assert.match(c.clip, /^[0-9a-f]{64}$/);
  assert.ok(Math.abs(c.length_ms - 120000) < 1000);
  const base = `/matters/${id}/clips/${c.clip}`;
  const mark = (body) => who.analyst.post(`${base}/marks`, { site: 3, ...body });
  assert.equal((await mark({ position_ms: 1000 })).status, 409, "no clock yet");
  // A known car passes the third site at second 20 of the clip: the crash is at second 100.
  const known = wide.candidates.find((x) => x.plate === "晋AQH999");
  assert.equal(known.up.site_id, 3);
  const clock = await who.analyst.want(200, "POST", `${base}/clock`, { position_ms: 20000, pass: known.up.id });
  assert.equal(clock.zero_ms, known.up.time_ms - 20000);
  const shown = await who.analyst.ask("GET", `/api/v1${base}/frame?position_ms=100000`);
  assert.equal(shown.status, 200);
  assert.equal((await who.analyst.get(`${base}/frame?position_ms=500000`)).status, 400);
  const made = (await mark({ position_ms: 100000, vehicle_color: 3, vehicle_class: "K33", note: "右后视镜脱落" }));
  assert.equal(made.status, 201, JSON.stringify(made.body));
  assert.equal(made.body.time_ms, known.up.time_ms + 80000);
  // It is a pass like any other, and says everywhere that a person entered it.
  const seen = await who.analyst.want(200, "POST", "/looks", { kind: "sightings", matter: id, purpose: "hit_and_run", sites: [3], from_ms: made.body.time_ms - 1000, to_ms: made.body.time_ms + 1000 });
  const hand = seen.rows.find((x) => x.id === made.body.pass);
  assert.equal(hand.by_hand, true);
  assert.ok(hand.picture);
  assert.equal((await who.analyst.get(`/pictures/${hand.picture}?look=${seen.n}`)).status, 200);
  assert.equal((await mark({ position_ms: 100000, vehicle_color: 3, vehicle_class: "K33", note: "右后视镜脱落" })).body.pass, made.body.pass, "marked twice, kept once");
  // With the moment known to the second, a hundred become a handful.
  const r = await funnel(id, { from_ms: made.body.time_ms - 20 * SECOND, to_ms: made.body.time_ms + 20 * SECOND, vehicle_color: 3, damage: "右后视镜" });
  const rank = r.candidates.findIndex((x) => x.plate === "晋AQH999");
  assert.ok(rank >= 0 && rank < 5, `place ${rank + 1}`);
  assert.ok(r.steps[1].vehicles < wide.steps[1].vehicles / 2);
  const found = r.candidates[rank];
  assert.equal(found.down.site_id, 4, "the next camera");
  for (const x of r.candidates.slice(0, 5)) await move(who.analyst, id, "judge_candidate", { candidate: x.plate, verdict: x.plate === found.plate ? "fits" : "excluded" });
  await move(who.analyst, id, "name_suspect", { suspect: found.plate, suspect_note: "下游抓拍右后视镜缺失，与现场碎片吻合" });
  const closed = await move(who.analyst, id, "close_solved", { found_note: "车辆查获，驾驶人承认" });
  assert.equal(closed.state, "flight_solved");
  assert.deepEqual(closed.journal.map((j) => j.move).filter((x) => /clip|frame/.test(x ?? "")), ["add_clip", "set_clip_clock", "mark_frame", "mark_frame"]);
});

/** What lies in an archive of stored entries, by name. */
function unzip(b) {
  const files = {};
  for (let at = b.readUInt32LE(b.length - 6), n = b.readUInt16LE(b.length - 12); n > 0; n--) {
    const size = b.readUInt32LE(at + 24), length = b.readUInt16LE(at + 28), local = b.readUInt32LE(at + 42);
    files[b.toString("utf8", at + 46, at + 46 + length)] = b.subarray(local + 30 + length, local + 30 + length + size);
    at += 46 + length;
  }
  return files;
}

test("a clip by the command line: kept, set, a frame marked; all of it leaves with the evidence", { skip: ffmpeg ? false : "no ffmpeg on this machine" }, async () => {
  const at = yesterday(7, 0);
  await send(drive("晋AQH555", at, { pictures: true }));
  const id = await matter("命令行视频"), data = ["--data", t.dir, "--matter", id];
  const rows = (await who.analyst.want(200, "POST", "/looks", { kind: "trajectory", matter: id, purpose: "hit_and_run", plate: "晋AQH555", from_ms: at - MINUTE, to_ms: at + 30 * MINUTE })).rows;
  const [known, other] = [rows[2].id, rows[3].id];
  const clip = join(t.tmp, "Door Bell.MP4");
  execFileSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", "testsrc=duration=30:size=320x240:rate=5", "-pix_fmt", "yuv420p", clip]);
  const hash = (await kit.must(["video", "import", clip, ...data])).trim();
  assert.match(hash, /^[0-9a-f]{64}$/);
  const wrong = async (status, said, ...args) => { const r = await kit.tongqu(["video", ...args]); assert.equal(r.status, status, r.err); assert.match(r.err, said); };
  await wrong(1, /no video that ffmpeg can read/, "import", t.file("no.mp4", "nothing"), ...data);
  await wrong(1, /set the clip's clock first/, "mark", ...data, "--at", "1", "--site", kit.SITES[2]);
  await wrong(1, /no such clip/, "clock", ...data, "--clip", "ffffff", "--at", "1", "--pass", known);
  await wrong(2, /needs --pass/, "clock", ...data, "--at", "1");
  await wrong(2, /0 to 7200/, "clock", ...data, "--at", "9999", "--pass", known);
  await wrong(1, /no matter "x"/, "list", "--data", t.dir, "--matter", "x");
  const zero = (await kit.must(["video", "clock", ...data, "--clip", hash.slice(0, 6), "--at", "20.4", "--pass", known])).trim();
  assert.equal(Date.parse(zero), rows[2].time_ms - 20400);
  const picture_file = join(t.tmp, "frame.jpg");
  await kit.must(["video", "frame", ...data, "--at", "25", "--out", picture_file]);
  assert.equal(readFileSync(picture_file).subarray(0, 3).toString("hex"), "ffd8ff");
  await wrong(1, /there is no site "nowhere"/, "mark", ...data, "--at", "25", "--site", "nowhere");
  const pass = (await kit.must(["video", "mark", ...data, "--at", "25", "--site", kit.SITES[2], "--plate", "晋AQH?55", "--color", "3", "--note", "右侧后视镜缺失"])).trim();
  assert.equal(Number(pass.split("-")[0]), Date.parse(zero) + 25000);
  const [row] = JSON.parse(await kit.must(["video", "list", ...data, "--format", "json"]));
  assert.deepEqual([row.clip, row.name, row.known_pass, row.frames_n, row.frames[0].pass, row.frames[0].position_ms], [hash, "Door Bell.MP4", known, 1, pass, 25000]);
  assert.match(await kit.must(["video", "list", ...data, "--format", "csv"]), new RegExp(`^${hash},Door Bell.MP4,30000,`, "m"));
  const seen = await who.analyst.want(200, "POST", "/looks", { kind: "sightings", matter: id, purpose: "hit_and_run", sites: [3], from_ms: rows[2].time_ms - MINUTE, to_ms: rows[2].time_ms + MINUTE });
  assert.equal(seen.rows.find((x) => x.id === pass)?.by_hand, true);

  // Its clips go with the evidence of the matter, by hand or by the API.
  const file = join(t.tmp, "clips.zip"), key = readFileSync(join(t.dir, "audit", "key.pub"), "utf8").trim();
  const pack = async (...more) => { await kit.must(["export", "evidence", ...data, "--passes", `${known},${other}`, "--purpose", "hit_and_run", "--out", file, ...more]); return unzip(readFileSync(file)); };
  const all = await pack();
  const inside = `clips/01-${hash.slice(0, 16)}.mp4`;
  assert.ok(all[inside]?.equals(readFileSync(clip)), Object.keys(all).join());
  assert.ok(all["clips/01-frame-001.jpg"].length > 1000);
  assert.match(all["clips.csv"].toString(), new RegExp(`1,${hash},"Door Bell.MP4",${all[inside].length},30000,\\d+,${Date.parse(zero)},"${known}",1,${inside}`));
  assert.match(all["frames.csv"].toString(), new RegExp(`1,1,${hash},25000,${Date.parse(zero) + 25000},${pass},${kit.SITES[2]},clips/01-frame-001.jpg,"右侧后视镜缺失"`));
  assert.match(all["index.html"].toString(), /外部视频 <small>Video from outside<\/small>/);
  assert.equal(all["outside.txt"], undefined);
  const good = await kit.verify([file, "--key", key, "--clip", clip]);
  assert.equal(good.status, 0, good.out + good.err);
  assert.match(good.out, /Door Bell\.MP4 is clips\/01-/);
  assert.match((await kit.verify([file, "--clip", picture_file])).out, /frame.jpg is clips\/01-frame-001.jpg/);
  assert.equal((await kit.verify([file, "--clip", t.file("else.mp4", "another")])).status, 3, "another file is no clip of it");
  assert.equal((await kit.verify([t.dir, "--clip", clip])).status, 2);
  const m = await who.analyst.want(200, "GET", `/matters/${id}`);
  assert.equal(m.looks.find((l) => l.kind === "export").count, 3, "two passes and a marked frame");
  assert.equal((await pack("--no-clips"))[inside], undefined);
  const reply = await fetch(`${d.url}/api/v1/evidence`, { method: "POST", headers: { cookie: who.analyst.cookie, "x-csrf-token": who.analyst.csrf, "content-type": "application/json" }, body: JSON.stringify({ matter: id, purpose: "hit_and_run", passes: [known] }) });
  assert.ok(unzip(Buffer.from(await reply.arrayBuffer()))[inside]);

  // What is too large is named by its hash; its frames are there, and the file can be proven.
  const big = [1, 2].map((n) => {
    const f = join(t.tmp, `big${n}.avi`);
    execFileSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", `testsrc=duration=60:size=320x240:rate=5${n === 2 ? ",negate" : ""}`, "-c:v", "rawvideo", "-pix_fmt", "yuv420p", f]);
    return f;
  });
  for (const f of big) await kit.must(["video", "import", f, ...data]);
  const much = await pack();
  assert.equal(Object.keys(much).filter((x) => x.endsWith(".avi")).length, 1);
  const line = much["outside.txt"].toString();
  assert.match(line, /^[0-9a-f]{64} \d+ 03-[0-9a-f]{16}\.avi\n$/);
  const told = await kit.verify([file]);
  assert.equal(told.status, 0, told.out);
  assert.match(told.out, /1 clips are named by their hash only/);
  const proven = await kit.verify([file, "--clip", big[1]]);
  assert.equal(proven.status, 0);
  assert.ok(proven.out.includes(`${big[1]} is ${line.trim().split(" ")[2]}`), proven.out);
});
