// SPDX-License-Identifier: Apache-2.0
// A look at somebody's movements: what refuses it, what records it, and every way round that we could think of.
import assert from "node:assert/strict";
import { copyFileSync, cpSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as kit from "./kit.mjs";

const CAMERA = "14010000001190000002", DAY = 86400000;
const jpeg = Buffer.from("ffd8ffe000104a46494600010100000100010000ffd9", "hex");
let t, d, camera, matter, alarm, who = {};
const now = () => Date.now();

before(async () => {
  t = await kit.town();
  const key = await kit.device(t, CAMERA);
  d = await kit.serve(t.dir);
  camera = new kit.Camera(d.url, CAMERA, key);
  for (const name of ["duty", "analyst", "chief", "leader", "brigade", "other", "root2", "audit2"]) who[name] = await kit.person(d.url, name);
  assert.equal((await camera.register()).status, 200);
  const s = await kit.stream(who.duty);
  const picture = { SubImageList: { SubImageInfoObject: [{ ImageID: CAMERA + "1", EventSort: 4, DeviceID: CAMERA, Type: "01", FileFormat: "Jpeg", ShotTime: kit.viidTime(now(), 14), Width: 8, Height: 8, Data: jpeg.toString("base64") }] } };
  const objects = [
    camera.pass({ plate: kit.WATCHED, more: picture }),
    ...[3, 4, 5].map((n) => camera.pass({ plate: kit.plain(1), site: kit.SITES[n - 3], at: now() - n * 600000, more: n === 3 ? picture : {} })),
    camera.pass({ plate: kit.plain(2), at: now() - 60000, more: picture }),
    camera.pass({ plate: kit.plain(3), at: now() - 20 * DAY }),
  ];
  const r = await camera.post(objects);
  assert.deepEqual(kit.statuses(r.body).map((x) => x.StatusCode), objects.map(() => 0), JSON.stringify(r.body));
  alarm = (await s.next("alarm")).data;
  s.close();
  matter = (await who.analyst.want(201, "POST", "/matters", { kind: "inquiry", title: "肇事逃逸核查" })).id;
});
after(async () => {
  await d?.stop();
  kit.endAll();
});

const look = (more = {}) => ({ kind: "trajectory", matter, purpose: "inquiry", plate: kit.plain(1), from_ms: now() - DAY + 60000, to_ms: now() + 1000, ...more });
async function refused(p, body, status, code) {
  const r = await p.post("/looks", body);
  assert.equal(r.status, status, JSON.stringify(r.body));
  assert.equal(r.body.error.code, code);
  assert.ok(r.body.error.text.zh && r.body.error.text.en);
  assert.equal(r.body.rows, undefined);
}
/** The chain as bytes: texts of records stand in it as they are. */
function chain(dir = t.dir) {
  return Buffer.concat(readdirSync(join(dir, "audit")).filter((f) => f.endsWith(".tqa")).sort().map((f) => readFileSync(join(dir, "audit", f))));
}
const count = (bytes, text) => bytes.toString("latin1").split(text).length - 1;

test("with an open matter and a purpose the look answers, and says what it could not see", async () => {
  const r = await who.analyst.want(200, "POST", "/looks", look());
  assert.equal(r.count, 3);
  assert.deepEqual(r.rows.map((x) => x.plate), Array(3).fill(kit.plain(1)));
  assert.ok(r.rows.every((x, i) => !i || x.time_ms >= r.rows[i - 1].time_ms), "oldest first");
  assert.equal(r.registry.plate.replace("·", ""), kit.plain(1));
  assert.ok(r.coverage.text.zh && r.coverage.text.en);
  assert.ok(r.n > 0);
  const sites = await who.analyst.want(200, "POST", "/looks", look({ kind: "sightings", plate: undefined, sites: [alarm.site.id] }));
  assert.ok(sites.count >= 2);
  const part = await who.analyst.want(200, "POST", "/looks", look({ kind: "sightings", plate: "晋AZQ00?" }));
  assert.ok(part.count >= 4);
});

test("refused: no matter, an unknown one, a purpose that does not fit, a closed one", async () => {
  await refused(who.analyst, look({ matter: undefined }), 403, "look_no_matter");
  await refused(who.analyst, look({ matter: "HC-19990101-0001" }), 403, "look_no_matter");
  await refused(who.analyst, look({ purpose: "alarm" }), 403, "look_purpose");
  await refused(who.analyst, look({ purpose: "curiosity" }), 403, "look_purpose");
  const m = (await who.analyst.want(201, "POST", "/matters", { kind: "inquiry", title: "另一核查" })).id;
  await who.analyst.want(200, "POST", "/looks", look({ matter: m }));
  await who.analyst.move(m, "close", { result: "nothing" });
  await refused(who.analyst, look({ matter: m }), 403, "look_matter_closed");
  const purposeless = await who.analyst.post("/looks", look({ purpose: undefined }));
  assert.ok(purposeless.status === 400 || purposeless.status === 403, `${purposeless.status}`);
});

test("refused: more than 7 days with an alarm's matter, more than 90 without a second person", async () => {
  await who.duty.want(200, "POST", "/looks", look({ matter: alarm.matter.id, purpose: "alarm", from_ms: now() - 6 * DAY }));
  await refused(who.duty, look({ matter: alarm.matter.id, purpose: "alarm", from_ms: now() - 8 * DAY }), 403, "look_age_tier");
  const old = await who.analyst.want(200, "POST", "/looks", look({ plate: kit.plain(3), from_ms: now() - 30 * DAY }));
  assert.equal(old.count, 1, "an inquiry reaches back 90 days");
  await refused(who.analyst, look({ from_ms: now() - 91 * DAY }), 403, "look_age_tier");
});

test("past 90 days: asked for, given by another person, ended; each once", async () => {
  const wish = { matter, from_ms: now() - 120 * DAY, until_ms: now() + DAY, note: "核实去年的旧案" };
  const asked = await who.analyst.want(201, "POST", "/looks/grants/ask", wish);
  assert.equal(asked.state, "asked");
  await refused(who.analyst, look({ from_ms: now() - 91 * DAY }), 403, "look_age_tier");
  await who.duty.want(403, "POST", `/looks/grants/${asked.id}`, { accept: true });
  await who.analyst.want(400, "POST", "/looks/grants/ask", { ...wish, until_ms: now() + 40 * DAY });
  const list = await who.chief.want(200, "GET", "/looks/grants");
  assert.equal(list.items[0].id, asked.id, "what waits stands first");
  assert.equal((await who.duty.want(200, "GET", "/looks/grants")).items.length, 0, "only one's own");
  const given = await who.chief.want(200, "POST", `/looks/grants/${asked.id}`, { accept: true });
  assert.equal(given.state, "given");
  await who.chief.want(409, "POST", `/looks/grants/${asked.id}`, { accept: true });
  await who.analyst.want(200, "POST", "/looks", look({ from_ms: now() - 91 * DAY }));
  await refused(who.analyst, look({ from_ms: now() - 130 * DAY }), 403, "look_age_tier");
  assert.equal((await who.chief.want(200, "POST", `/looks/grants/${asked.id}`, { accept: false, note: "查毕" })).state, "ended");
  await refused(who.analyst, look({ from_ms: now() - 91 * DAY }), 403, "look_age_tier");
  await who.chief.want(404, "POST", "/looks/grants/999999", { accept: true });
});

test("refused: somebody else's matter in another part of the tree", async () => {
  await refused(who.other, look(), 403, "look_scope");
});

test("emergency: needs a reason, stands on the board, a supervisor other than the looker confirms", async () => {
  const hurry = (more = {}) => ({ kind: "trajectory", emergency: true, purpose: "rescue", plate: kit.plain(1), from_ms: now() - DAY, to_ms: now() + 1000, ...more });
  const no = await who.duty.post("/looks", hurry());
  assert.ok(no.status === 400 || no.status === 422, `${no.status}`);
  assert.equal(no.body.error.field, "why");
  await refused(who.duty, hurry({ why: "走失老人紧急查找", from_ms: now() - 8 * DAY }), 403, "look_age_tier");
  const short = await who.duty.want(400, "POST", "/looks", hurry({ why: "急 . . ." }));
  assert.match(short.error.text.zh, /至少 2 个汉字/);
  const r = await who.duty.want(200, "POST", "/looks", hurry({ why: "救人" }));
  assert.equal(r.emergency, true);
  assert.equal(r.count, 3);
  assert.ok(r.confirm_by_ms > now() + 23 * 3600000 && r.confirm_by_ms <= now() + 24 * 3600000 + 1000);
  const board = async (p) => (await p.want(200, "GET", "/looks?state=unconfirmed")).items.map((x) => x.n);
  assert.ok((await board(who.chief)).includes(r.n));
  assert.equal((await who.duty.post(`/looks/${r.n}/confirm`, { accept: true, note: "自己" })).status, 403, "a duty officer confirms nothing");
  const own = await who.chief.want(200, "POST", "/looks", hurry({ why: "主管本人紧急查找" }));
  const self = await who.chief.post(`/looks/${own.n}/confirm`, { accept: true, note: "自己" });
  assert.equal(self.status, 409);
  assert.equal(self.body.error.code, "same_person");
  const done = await who.chief.want(200, "POST", `/looks/${r.n}/confirm`, { accept: true, note: "情况属实" });
  assert.equal(done.confirmed_by.name ?? done.confirmed_by, "chief");
  assert.ok(!(await board(who.chief)).includes(r.n));
  assert.ok((await board(who.chief)).includes(own.n));
  /* a supervisor of another part of the tree neither sees nor confirms it */
  const theirs = await who.brigade.want(200, "POST", "/looks", hurry({ why: "大队紧急查找" }));
  assert.ok((await board(who.leader)).includes(theirs.n), "the brigade's own supervisor does");
  assert.ok(!(await board(who.leader)).includes(own.n), "the city's looks are not the brigade's to confirm");
  assert.equal((await who.leader.post(`/looks/${own.n}/confirm`, { accept: true, note: "越级" })).status, 404);
  assert.equal((await who.leader.want(200, "POST", `/looks/${theirs.n}/confirm`, { accept: true, note: "属实" })).n, theirs.n);
  const all = (await who.leader.want(200, "GET", "/looks?state=all")).items;
  assert.ok(all.some((x) => x.n === theirs.n) && !all.some((x) => x.n === r.n));
});

test("way round: the search finds no alarm that the queue would not show", async () => {
  const found = async (p, q) => (await p.want(200, "GET", `/search?q=${encodeURIComponent(q)}`)).items.filter((x) => x.type === "alarm").map((x) => x.id);
  assert.ok((await found(who.duty, kit.WATCHED)).includes(alarm.id));
  assert.deepEqual(await found(who.other, kit.WATCHED), [], "another brigade's");
});

test("searchers are watched: a window without an end, refusals again and again, and the auditor reads whose movements it was", async () => {
  for (const body of [look({ from_ms: 0, to_ms: 0 }), look({ kind: "sightings", from_ms: 0, to_ms: 0, sites: [1] })]) assert.equal((await who.analyst.post("/looks", body)).status, 400);
  const wide = await who.analyst.post("/looks", look({ from_ms: now() - 401 * DAY }));
  assert.ok([400, 403].includes(wide.status), `${wide.status}`);
  for (let i = 0; i < 6; i++) await refused(who.brigade, look({ purpose: "curiosity" }), 403, "look_purpose");
  const flags = (await who.audit2.want(200, "GET", "/audit/flags")).items;
  const mine = flags.find((x) => x.kind === "refused" && x.user === "brigade");
  assert.ok(mine && mine.looks.length >= 6, JSON.stringify(flags));
  await who.analyst.want(200, "POST", "/looks", look());
  const begin = (await who.audit2.want(200, "GET", "/audit?what=look.begin&limit=5")).items[0];
  assert.match(begin.subject, new RegExp(kit.plain(1)));
});

test("way round: the command line asks the same", async () => {
  const from = String(now() - DAY), to = String(now() + 1000);
  const q = (...more) => kit.tongqu(["query", "trajectory", "--data", t.dir, "--plate", kit.plain(1), "--from", from, "--to", to, "--format", "json", ...more]);
  for (const more of [[], ["--matter", "HC-19990101-0001", "--purpose", "inquiry"], ["--matter", matter, "--purpose", "alarm"], ["--matter", matter]]) {
    const r = await q(...more);
    assert.equal(r.status, 1, `${more}: ${r.err}`);
    assert.ok(!r.out.includes(kit.plain(1)), r.out);
  }
  const before = count(chain(), "look.end");
  const r = await q("--matter", matter, "--purpose", "inquiry");
  assert.equal(r.status, 0, r.err);
  assert.equal(JSON.parse(r.out).count, 3);
  assert.equal(count(chain(), "look.end"), before + 1, "and it stands in the record");
});

test("way round: without the daemon the command line still asks", async () => {
  const copy = join(t.tmp, "offline");
  const made = await kit.tongqu(["backup", copy, "--data", t.dir]);
  assert.equal(made.status, 0, made.err);
  const dir = join(t.tmp, "offline-data");
  await kit.must(["restore", copy, "--data", dir]);
  const r = await kit.tongqu(["query", "trajectory", "--data", dir, "--plate", kit.plain(1), "--from", String(now() - DAY), "--to", String(now()), "--format", "json"]);
  assert.equal(r.status, 1, r.err);
  assert.ok(!r.out.includes(kit.plain(1)));
  assert.ok(count(chain(dir), "look.refused") > count(chain(dir).subarray(0, 0), "look.refused"));
});

test("way round: a picture without an alarm or a look that holds it", async () => {
  const card = await who.duty.want(200, "GET", `/alarms/${alarm.id}`);
  const ref = card.evidence[0].sighting.picture;
  assert.ok(ref, "the watched vehicle's picture is kept");
  const get = (p, query) => p.ask("GET", `/api/v1/pictures/${encodeURIComponent(ref)}${query}`);
  const good = await get(who.duty, `?alarm=${alarm.id}`);
  assert.equal(good.status, 200);
  assert.deepEqual(good.bytes, jpeg);
  assert.match(good.headers.get("content-type"), /^image\/jpeg/);
  assert.equal(good.headers.get("cache-control"), "no-store", "whoever sits down next at the same machine does not find it there");
  assert.equal(good.headers.get("x-content-type-options"), "nosniff");
  assert.ok([400, 404].includes((await get(who.duty, "")).status), "neither alarm nor look");
  assert.equal((await get(who.duty, "?alarm=0123456789abcdef")).status, 404, "an alarm that is none");
  assert.equal((await get(who.other, `?alarm=${alarm.id}`)).status, 404, "an alarm of another brigade");
  assert.ok([403, 404].includes((await get(who.root2, `?alarm=${alarm.id}`)).status), "the administrator");
  const mine = await who.analyst.want(200, "POST", "/looks", look({ plate: kit.plain(1) }));
  assert.equal((await get(who.analyst, `?look=${mine.n}`)).status, 404, "a look at another plate");
  const theirs = mine.rows.find((x) => x.picture).picture;
  assert.equal((await who.analyst.ask("GET", `/api/v1/pictures/${theirs}?look=${mine.n}`)).status, 200);
  assert.equal((await who.duty.ask("GET", `/api/v1/pictures/${theirs}?look=${mine.n}`)).status, 404, "somebody else's look");
  assert.equal((await who.analyst.ask("GET", `/api/v1/pictures/${theirs}?alarm=${alarm.id}`)).status, 404, "not evidence of that alarm");
  for (const odd of ["../../audit.key", "..%2f..%2fledger.db", "pack-0", "1-1-00000000"])
    assert.ok([400, 404].includes((await who.duty.ask("GET", `/api/v1/pictures/${odd}?alarm=${alarm.id}`)).status), odd);
});

/** The status of a pass's picture under a look. */
async function picture(p, ref, n) {
  return (await p.ask("GET", `/api/v1/pictures/${ref}?look=${n}`)).status;
}
test("way round: a look opens the pictures of its own answer only: another site, time, plate, colour, person; a plate check opens none", async () => {
  const wide = await who.analyst.want(200, "POST", "/looks", look({ plate: kit.plain(1) }));
  const row = wide.rows.find((x) => x.picture), ref = row.picture;
  assert.equal(await picture(who.analyst, ref, wide.n), 200);
  const sites = (await who.analyst.want(200, "GET", "/sites?limit=100")).items;
  const here = sites.find((s) => s.code === row.site), elsewhere = sites.find((s) => s.code !== row.site);
  const ask = async (more) => (await who.analyst.want(200, "POST", "/looks", look({ kind: "sightings", plate: undefined, ...more })));
  const narrow = [
    ["another site", { sites: [elsewhere.id] }],
    ["another time at this site", { sites: [here.id], from_ms: row.time_ms + 1 }],
    ["the end of the window", { sites: [here.id], to_ms: row.time_ms }],
    ["part of another plate", { plate: "晋AZQ9??" }],
    ["another colour", { sites: [here.id], vehicle_color: row.vehicle_color + 1 }],
    ["another plate at this site", { plate: kit.plain(2), sites: [here.id] }],
    ["another plate", { kind: "trajectory", plate: kit.plain(2) }],
    ["a plate check", { kind: "plate_check", plate: kit.plain(1) }],
  ];
  for (const [what, more] of narrow) {
    const got = await ask(more);
    assert.ok(!(got.rows ?? []).some((x) => x.picture === ref), what);
    assert.equal(await picture(who.analyst, ref, got.n), 404, what);
  }
  const holds = await ask({ sites: [elsewhere.id, here.id], vehicle_color: row.vehicle_color });
  assert.ok(holds.rows.some((x) => x.picture === ref));
  assert.equal(await picture(who.analyst, ref, holds.n), 200);
  assert.equal(await picture(who.chief, ref, holds.n), 404, "somebody else's look");
  assert.equal(await picture(who.analyst, ref, 0), 400);
  for (const n of [1, holds.n + 1, 999999]) assert.equal(await picture(who.analyst, ref, n), 404, `look ${n}`);
});

test("way round: an answer cut by its limit opens nothing behind the cut; what came later neither", async () => {
  const all = await who.analyst.want(200, "POST", "/looks", look({ kind: "sightings", plate: "晋AZQ00?" }));
  const pictured = all.rows.filter((x) => x.picture);
  const last = pictured.at(-1);
  const cut = await who.analyst.want(200, "POST", "/looks", look({ kind: "sightings", plate: "晋AZQ00?", limit: all.rows.indexOf(last) }));
  assert.equal(cut.truncated, true);
  assert.ok(pictured.length >= 2);
  assert.equal(await picture(who.analyst, pictured[0].picture, cut.n), 200);
  assert.equal(await picture(who.analyst, last.picture, cut.n), 404);
  const early = await who.analyst.want(200, "POST", "/looks", look({ plate: kit.plain(7), to_ms: now() + 60000 }));
  await kit.sleep(1100);
  const shot = { SubImageList: { SubImageInfoObject: [{ ImageID: CAMERA + "7", EventSort: 4, DeviceID: CAMERA, Type: "01", FileFormat: "Jpeg", ShotTime: kit.viidTime(now(), 14), Width: 8, Height: 8, Data: jpeg.toString("base64") }] } };
  await camera.post([camera.pass({ plate: kit.plain(7), more: shot })]);
  const later = await who.analyst.want(200, "POST", "/looks", look({ plate: kit.plain(7), to_ms: now() + 60000 }));
  assert.equal(await picture(who.analyst, later.rows[0].picture, later.n), 200);
  assert.equal(await picture(who.analyst, later.rows[0].picture, early.n), 404, "the earlier answer was empty");
});

test("way round: the matter closed, the emergency rejected: the pictures are closed too, and each try is on record", async () => {
  const m = (await who.analyst.want(201, "POST", "/matters", { kind: "inquiry", title: "短核查" })).id;
  const mine = await who.analyst.want(200, "POST", "/looks", look({ matter: m }));
  const ref = mine.rows.find((x) => x.picture).picture;
  assert.equal(await picture(who.analyst, ref, mine.n), 200);
  await who.analyst.move(m, "close", { result: "nothing" });
  const r = await who.analyst.get(`/pictures/${ref}?look=${mine.n}`);
  assert.equal(r.status, 403);
  assert.equal(r.body.error.code, "look_matter_closed");
  const hurry = await who.duty.want(200, "POST", "/looks", { kind: "trajectory", emergency: true, purpose: "rescue", plate: kit.plain(1), from_ms: now() - DAY + 60000, to_ms: now() + 1000, why: "走失老人紧急查找" });
  assert.equal(await picture(who.duty, ref, hurry.n), 200);
  await who.chief.want(200, "POST", `/looks/${hurry.n}/confirm`, { accept: false, note: "理由不足" });
  const no = await who.duty.get(`/pictures/${ref}?look=${hurry.n}`);
  assert.equal(no.status, 403);
  assert.equal(no.body.error.code, "look_unconfirmed");
  assert.ok(no.body.error.text.zh && no.body.error.text.en);
  const seen = (await who.audit2.want(200, "GET", "/audit?limit=50")).items.filter((x) => x.what === "picture" && x.object === ref);
  assert.ok(seen.some((x) => x.user === "duty" && x.outcome === "refused"), JSON.stringify(seen[0]));
  const good = seen.find((x) => x.user === "analyst" && x.outcome === "ok");
  assert.equal(good.matter, m);
  assert.equal(good.purpose, "inquiry");
});

test("way round: no site and a plate that says nothing is no question", async () => {
  for (const plate of ["*", "晋*", "晋A*", "???????", "晋A?????"]) {
    const r = await who.analyst.post("/looks", look({ kind: "sightings", plate }));
    assert.equal(r.status, 400, plate);
    assert.equal(r.body.error.field, "plate");
  }
});

test("way round: the card of an alarm outside the own part of the tree; plates outside alarms", async () => {
  assert.ok([403, 404].includes((await who.other.get(`/alarms/${alarm.id}`)).status));
  assert.deepEqual((await who.other.want(200, "GET", "/alarms?state=all")).items, []);
  const s = await kit.stream(who.duty, "/events?topics=map,site,unit,system");
  await camera.post([camera.pass({ plate: kit.plain(9) })]);
  await s.next("map");
  assert.ok(!JSON.stringify(s.events).includes(kit.plain(9)), "the live map names no plate");
  const box = await who.duty.want(200, "GET", `/search?q=${encodeURIComponent(kit.plain(9))}`);
  assert.ok(box.items.every((x) => x.type !== "sighting"));
  for (const path of ["/board", "/sites", "/system", "/units"]) assert.ok(!JSON.stringify(await who.duty.want(200, "GET", path)).includes(kit.plain(9)), path);
  s.close();
});

test("each look is in the record before its answer; refusals too; the auditor finds them", async () => {
  for (let i = 0; i < 5; i++) {
    const before = chain();
    const r = await who.analyst.want(200, "POST", "/looks", look());
    const after = chain().subarray(before.length).toString("latin1");
    assert.ok(after.includes("look.begin") && after.includes("look.end"), "both records lie in the file when the answer arrives");
    assert.ok(r.n > 0);
  }
  const before = count(chain(), "look.refused");
  await refused(who.analyst, look({ matter: undefined }), 403, "look_no_matter");
  assert.equal(count(chain(), "look.refused"), before + 1);
  const rows = (await who.audit2.want(200, "GET", "/audit?limit=200")).items;
  const mine = rows.find((x) => x.what === "look.end" && x.user === "analyst");
  assert.equal(mine.class, "look");
  assert.equal(mine.outcome, "ok");
  assert.equal(mine.count, 3);
  assert.ok(rows.some((x) => x.what === "look.refused" && x.user === "analyst"));
  const head = await who.audit2.want(200, "GET", "/audit/head");
  assert.match(head.hash, /^[0-9a-f]{64}$/);
});

test("a card is a look: it stands in the record with its matter and purpose", async () => {
  await who.duty.want(200, "GET", `/alarms/${alarm.id}`);
  const rows = (await who.audit2.want(200, "GET", "/audit?limit=50")).items;
  const begin = rows.find((x) => x.what === "look.begin" && x.user === "duty");
  assert.equal(begin.purpose, "alarm");
  const mine = (await who.duty.want(200, "GET", "/looks?state=mine")).items.find((x) => x.kind === "card");
  assert.equal(mine.matter, alarm.matter.id);
  assert.equal(mine.purpose, "alarm");
});

test("tongqu-verify finds a whole record whole, and a flipped byte, a cut tail, an exchanged key", async () => {
  const outside = join(t.tmp, "heads");
  await d.stop();
  d = null;
  const whole = await kit.verify([t.dir]);
  assert.equal(whole.status, 0, whole.out + whole.err);
  assert.match(whole.out, /WHOLE/);
  copyFileSync(join(t.dir, "audit", "heads"), outside);
  const first = readdirSync(join(t.dir, "audit")).find((f) => f.endsWith(".tqa"));
  const damaged = (name, harm) => {
    const dir = join(t.tmp, "harm-" + name);
    cpSync(join(t.dir, "audit"), join(dir, "audit"), { recursive: true });
    harm(join(dir, "audit", first), dir);
    return dir;
  };
  const size = statSync(join(t.dir, "audit", first)).size;
  for (const at of [200, Math.floor(size / 2), size - 5]) {
    const dir = damaged(`flip${at}`, (file) => {
      const b = readFileSync(file);
      b[at] ^= 1;
      writeFileSync(file, b);
    });
    const r = await kit.verify([dir]);
    assert.equal(r.status, 3, `byte ${at}: ${r.out}`);
  }
  // The tail cut at a record's boundary, and the heads that know of it gone too: only a head kept outside tells.
  const bytes = readFileSync(join(t.dir, "audit", first));
  const ends = [];
  for (let at = 120; at < bytes.length; at += bytes.readUInt32LE(at)) ends.push(at);
  const cut = damaged("tail", (file, dir) => {
    truncateSync(file, ends[ends.length - 3]);
    const last = bytes.readBigUInt64LE(ends[ends.length - 4] + 4);
    const heads = readFileSync(join(dir, "audit", "heads"), "utf8").split("\n").filter((l) => l && BigInt(l.split(" ")[2]) <= last);
    writeFileSync(join(dir, "audit", "heads"), heads.map((l) => l + "\n").join(""));
  });
  assert.equal((await kit.verify([cut])).status, 0, "nobody can see it from inside");
  const told = await kit.verify([cut, "--head", outside]);
  assert.equal(told.status, 3, told.out);
  const middle = damaged("remove", (file) => writeFileSync(file, Buffer.concat([bytes.subarray(0, ends[4]), bytes.subarray(ends[5])])));
  assert.equal((await kit.verify([middle])).status, 3);
  const key = damaged("key", (file, dir) => writeFileSync(join(dir, "audit", "key.pub"), "0".repeat(64) + "\n"));
  assert.equal((await kit.verify([key])).status, 3);
  const v = await kit.tongqu(["verify", "--data", t.dir]);
  assert.equal(v.status, 0, v.out + v.err);
  // The whole record taken away: it is not begun anew.
  cpSync(t.dir, join(t.tmp, "no-audit"), { recursive: true, filter: (f) => !f.endsWith(".sock") });
  rmSync(join(t.tmp, "no-audit", "audit"), { recursive: true });
  const gone = await kit.tongqu(["verify", "--data", join(t.tmp, "no-audit")]);
  assert.equal(gone.status, 3, gone.out + gone.err);
  assert.match(gone.err, /the audit record \S+ is missing: put it back/);
});
