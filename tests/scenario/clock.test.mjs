// SPDX-License-Identifier: Apache-2.0
// The machine's clock is wrong, and jumps: what is stored stays stored, what is said is true, and nothing that cannot be
// taken back is done on the word of one clock. The daemon sees the wall clock that step_clock.c makes for it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as kit from "./kit.mjs";

const CAMERA = "14010000001190000001", HOUR = 3600000, DAY = 24 * HOUR;
let t, d, key, camera, duty, file, ahead = 0, sent = 0;

const now = () => Date.now() + ahead;
function step(ms) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(ahead += ms));
  writeSync(file, bytes, 0, 8, 0);
}
async function serve() {
  d = await kit.serve(t.dir, [], { LD_PRELOAD: join(t.tmp, "step_clock.so"), STEP_CLOCK: join(t.tmp, "ahead") });
  camera = new kit.Camera(d.url, CAMERA, key);
  duty = await kit.person(d.url, "duty");
}
const health = async () => (await fetch(d.url + "/health")).json();
const findings = async () => (await duty.want(200, "GET", "/system")).findings.map((f) => f.text.en).join("\n");
/** A pass of the present is taken. Every time at another site, so that none is the passage of another. */
async function taken() {
  const id = `${CAMERA}02${String(++sent).padStart(19, "0")}00001`;
  const r = await camera.post([camera.pass({ plate: kit.WATCHED, site: kit.SITES[sent % kit.SITES.length], at: now() - 500, id })]);
  assert.deepEqual(kit.statuses(r.body).map((x) => x.StatusCode), [0]);
}
/** The same, and the alarm of a watched plate comes, with a running clock of two minutes. */
async function works() {
  const s = await kit.stream(duty);
  await taken();
  const e = await s.next("alarm", (a) => a.kind === "watch" && a.plate === kit.WATCHED && a.state === "raised");
  s.close();
  assert.equal(e.data.matter.clock.due_ms - e.data.matter.clock.as_of_ms + e.data.matter.clock.consumed_ms, 120000);
  assert.ok(Math.abs(e.data.matter.clock.as_of_ms - now()) < 5000, "its clock is the clock of now");
}

before(async () => {
  t = await kit.town({ people: ["duty", "chief"] });
  key = await kit.device(t, CAMERA);
  execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", join(t.tmp, "step_clock.so"), join(kit.root, "tests/scenario/step_clock.c")]);
  writeFileSync(join(t.tmp, "ahead"), Buffer.alloc(4096));
  file = openSync(join(t.tmp, "ahead"), "r+");
  await serve();
});
after(() => d?.stop());

test("in step: nothing to tell", async () => {
  await works();
  await kit.until("the camera is online", async () => (await health()).devices_online === 1);
  const h = await health();
  assert.deepEqual([h.ok, h.clock_step_ms, h.clock_behind_ms, h.devices_offline], [true, 0, 0, 0]);
});

test("an hour ahead: told, the camera is still online, passes are taken; who was signed in has been idle for an hour", async () => {
  step(HOUR);
  await kit.until("the jump is told", async () => Math.abs((await health()).clock_step_ms - HOUR) < 1000);
  const h = await health();
  assert.deepEqual([h.devices_online, h.devices_offline], [1, 0]);
  assert.equal((await duty.get("/system")).status, 401);
  await duty.signIn();
  assert.match(await findings(), /jumped by 3600/);
  await works();
});

const status = async (at) => kit.statuses((await camera.post([camera.pass({ plate: kit.plain(9), site: kit.SITES[++sent % kit.SITES.length], at, id: `${CAMERA}02${String(sent).padStart(19, "0")}00001` })])).body).map((x) => x.StatusCode);

test("two hours back: told; a camera whose time is right is taken as before, what is ahead of that is refused", async () => {
  step(-2 * HOUR);
  await kit.until("the jump is told", async () => Math.abs((await health()).clock_step_ms + 2 * HOUR) < 1000);
  assert.equal((await health()).clock_behind_ms, 0);
  await works();
  assert.deepEqual(await status(now() + HOUR - 1000), [0]); // the jumps before went an hour ahead: so much is doubtful
  assert.deepEqual(await status(now() + HOUR + 5 * 60000), [8]);
  sent--;
  await kit.until("behind", async () => Math.abs((await health()).clock_behind_ms - 2 * HOUR) < 60000);
  assert.match(await findings(), /stands before the newest pass: set the clock.*taken as before it was set back/);
});

test("started again while the clock stands behind: who is right is told to come again, and is taken when it is set", async () => {
  await d.stop();
  await serve();
  const right = Date.now() - 700;
  step(-2 * HOUR);
  await d.stop();
  await serve();
  assert.deepEqual(await status(right), [2]);
  await kit.until("behind", async () => (await health()).clock_behind_ms > 2 * HOUR);
  assert.match(await findings(), /put off until then: cameras send them again/);
  step(2 * HOUR);
  sent--;
  await kit.until("the clock moved", async () => (await health()).clock_step_ms > 0);
  await duty.signIn();
  await taken();
});

test("back in step, and over midnight", async () => {
  step(HOUR);
  await duty.signIn();
  await works();
  const civil = (now() + 8 * HOUR) % DAY;
  step(DAY - civil - 1500);
  await kit.sleep(2500);
  await duty.signIn();
  await works();
});

test("more than a year ahead: nothing is dropped, and it is said why; set right, all is there", async () => {
  const before = (await kit.must(["status", "--data", t.dir]));
  step(400 * DAY);
  await kit.until("the jump is told", async () => Math.abs((await health()).clock_step_ms - 400 * DAY) < 2000);
  await duty.signIn();
  await kit.until("what waits is told", async () => /past their retention at once/.test(await findings()));
  await taken(); // a camera that takes its time from us is no witness
  assert.ok(!/event=purged/.test(d.log), d.log);

  await d.stop(); // who sees a wrong clock starts the service again: that changes nothing
  await serve();
  await kit.until("what waits is told", async () => /past their retention at once/.test(await findings()), 15000);
  assert.ok(!/event=purged/.test(d.log), d.log);

  step(-400 * DAY);
  await kit.until("the jump is told", async () => (await health()).clock_step_ms < -399 * DAY);
  await duty.signIn();
  await works();
  await kit.until("a model of today follows that of days to come", () => /event=model_built/.test(d.log.slice(d.log.lastIndexOf("event=clock_step"))), 15000);
  const rows = (text) => JSON.parse(text).rows;
  assert.equal(rows(await kit.must(["status", "--data", t.dir])), rows(before) + 2);
});

test("no pass was lost or doubled; ledger, store and audit record are whole", async () => {
  await d.stop();
  assert.equal(JSON.parse(await kit.must(["status", "--data", t.dir])).rows, sent);
  assert.match(await kit.must(["verify", "--data", t.dir]), /sightings: whole/);
  assert.equal((await kit.verify([t.dir])).status, 0);
});
