// SPDX-License-Identifier: Apache-2.0
// Bad ends and new beginnings: the process killed while passes come in, restarts, wrong settings, backups, imports.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import * as kit from "./kit.mjs";

afterEach(kit.endAll);

const KEY = "14010000001190000005";
const PEOPLE = ["duty", "analyst", "chief"];

/** Rows of a town's life: ordinary passes, every 40th a watched vehicle; the same for the same `from`. */
function rows(from, n, base) {
  return Array.from({ length: n }, (_, i) => ({
    plate: (from + i) % 40 === 7 ? kit.WATCHED : kit.plain((from + i) % 400), plate_color: 5, vehicle_class: "K33", vehicle_color: 2, brand: "13",
    site: kit.SITES[(from + i) % 6], lane: 1, direction: 1, time_ms: base + (from + i) * 20, speed_kmh: 40, confidence: 97, record_id: `r${from + i}`, image: "",
  }));
}
async function ask(t, what, more = []) {
  return kit.must(["query", what, "--data", t.dir, "--from", "2020-01-01T00:00:00+08:00", "--to", String(Date.now() + 600000), "--format", "json", ...more]);
}
/** Everything stored at the six sites since `base`, by record id: how often. */
async function census(t, matter, base) {
  const out = await kit.must(["query", "sightings", "--data", t.dir, "--sites", kit.SITES.join(","), "--from", String(base - 1000), "--to", String(base + 3600000), "--matter", matter, "--purpose", "inquiry", "--limit", "1000000", "--format", "json"]);
  const seen = new Map();
  for (const r of JSON.parse(out).rows) seen.set(r.record_id, (seen.get(r.record_id) ?? 0) + 1);
  return seen;
}
/* What a record set leaves behind exactly: every standing alarm with all that it says (id, evidence, numbers, probability,
   model). On the way there the rules speak after each batch, and a kill moves the bounds of batches: so how often a finding was
   written anew (raised or revised), when its last record came (late_ms, lsn), and which findings stood for a moment before
   later records took them back are the way's, not the set's. */
const WAY = ["state", "late_ms", "lsn"];
async function alarms(t, url) {
  const all = JSON.parse(await ask(t, "alarms"));
  const p = await kit.person(url, "duty"), matters = new Map();
  for (let cursor = null; ;) {
    const page = await p.want(200, "GET", `/alarms?state=all&limit=1000${cursor ? `&cursor=${cursor}` : ""}`);
    for (const a of page.items) matters.set(a.id, a.matter && { id: a.matter.id, state: a.matter.state });
    if (!(cursor = page.next)) break;
  }
  const standing = all.filter((a) => a.state !== "withdrawn").sort((a, b) => (a.id < b.id ? -1 : 1));
  return { all, matters, standing: standing.map((a) => Object.fromEntries(Object.entries(a).filter(([k]) => !WAY.includes(k)))) };
}
/** Alarms once the rules have caught up with what was acknowledged. */
async function settled(t, url) {
  let last = null;
  return kit.until("the rules at rest", async () => {
    const now = await alarms(t, url), text = JSON.stringify([now.all, [...now.matters]]);
    const same = text === last && now.all.length > 0;
    last = text;
    if (!same) await kit.sleep(400);
    return same ? now : null;
  }, 20000);
}
/** One alarm, one matter, whatever happened; what was taken back has told its matter. */
function consistent(got) {
  assert.equal(new Set(got.all.map((a) => a.id)).size, got.all.length, "an alarm stands once");
  assert.equal(got.matters.size, got.all.length);
  const ids = [...got.matters.values()].map((m) => m?.id);
  assert.ok(ids.every(Boolean), "each alarm of today has its matter");
  assert.equal(new Set(ids).size, ids.length, "no two share one");
  for (const a of got.all) {
    const m = got.matters.get(a.id);
    assert.equal(m.state === "taken_back", a.state === "withdrawn", `${a.id} ${a.state} ${m.state}`);
  }
}
const open = async (t) => (await kit.must(["matter", "open", "--data", t.dir, "--kind", "inquiry", "--title", "核查"])).trim();

test("kill -9 while passes come in: nothing acknowledged is lost or doubled, every standing alarm is that of a quiet run to the last number, each with its one matter", async () => {
  const kills = kit.long ? 50 : 5, batch = 200, base = Date.now() - 20 * 60000;
  const t = await kit.town({ people: PEOPLE }), quiet = await kit.town({ people: PEOPLE });
  const key = await kit.device(t, KEY, "ndjson"), quietKey = await kit.device(quiet, KEY, "ndjson");
  let at = 0, acknowledged = 0, repeats = 0;
  for (let k = 0; k <= kills; k++) {
    const d = await kit.serve(t.dir);
    const end = k < kills ? at + batch * 4 : at; /* the last one only proves that it starts */
    const timer = k < kills ? setTimeout(() => d.child.kill("SIGKILL"), 20 + ((k * 37) % 90)) : null;
    while (at < end) {
      let r;
      try {
        /* fetch may never hear of a connection that died with its process: that it is gone is an answer, too */
        const gone = d.gone.then(() => Promise.reject(new Error("gone")));
        r = await Promise.race([kit.ndjson(d.url, key, rows(at, batch, base)), gone]);
      } catch {
        repeats++;
        break; /* no answer: sent again after the restart */
      }
      assert.equal(r.status, 200, JSON.stringify(r.body));
      assert.equal(r.body.taken + r.body.duplicates, batch, JSON.stringify(r.body));
      acknowledged += batch;
      at += batch;
    }
    if (k < kills) {
      await d.gone;
      clearTimeout(timer);
    } else {
      while (at % 4000 && at < 8000) { /* a few more in peace */
        const r = await kit.ndjson(d.url, key, rows(at, batch, base));
        assert.equal(r.body.taken + r.body.duplicates, batch);
        at += batch;
        acknowledged += batch;
      }
      const got = await settled(t, d.url);
      const q = await kit.serve(quiet.dir);
      for (let i = 0; i < at; i += batch) assert.equal((await kit.ndjson(q.url, quietKey, rows(i, batch, base))).body.taken, batch);
      const want = await settled(quiet, q.url);
      assert.ok(want.standing.length > 3, `${want.standing.length} alarms`);
      assert.ok(want.standing.every((a) => a.evidence.length > 0));
      assert.deepEqual(got.standing, want.standing);
      for (const x of [got, want]) consistent(x);
      await q.stop();
      await d.stop();
    }
  }
  const seen = await census(t, await open(t), base);
  const all = rows(0, at, base).map((r) => r.record_id);
  assert.deepEqual(all.filter((id) => !seen.has(id)), [], "lost");
  assert.deepEqual([...seen].filter(([, n]) => n > 1), [], "doubled");
  assert.equal(seen.size, at, "nothing that was not sent");
  console.log(`${kills} kills, ${acknowledged} passes acknowledged, ${repeats} requests without an answer`);
  assert.equal((await kit.tongqu(["verify", "--data", t.dir])).status, 0);
  assert.equal((await kit.verify([t.dir])).status, 0);
});

test("the event stream resumes behind its last number, across a restart", async () => {
  const t = await kit.town({ people: PEOPLE });
  const key = await kit.device(t, KEY, "ndjson");
  let d = await kit.serve(t.dir);
  let duty = await kit.person(d.url, "duty");
  let s = await kit.stream(duty);
  await kit.ndjson(d.url, key, [{ ...rows(7, 1, Date.now() - 60000)[0], time_ms: Date.now() - 60000 }]);
  const first = await s.next("alarm");
  assert.ok(Number(first.id) > 0);
  s.close();
  const wrong = await kit.ndjson(d.url, key, [{ ...rows(47, 1, 0)[0], site: kit.SITES[3], time_ms: Date.now() - 1000 }]);
  assert.equal(wrong.body.taken, 1);
  await kit.until("two alarms", async () => (await duty.want(200, "GET", "/alarms")).items.length === 2);
  await d.stop();
  d = await kit.serve(t.dir);
  duty.url = d.url;
  assert.equal((await duty.get("/session")).status, 200, "the session outlives the restart");
  s = await kit.stream(duty, "/events", { "last-event-id": first.id });
  const missed = await s.next("alarm", (a) => a.id !== first.data.id);
  assert.ok(Number(missed.id) > Number(first.id));
  assert.ok(!s.events.some((e) => e.id && Number(e.id) <= Number(first.id)), "nothing twice");
  s.close();
  s = await kit.stream(duty);
  const out = await duty.ask("DELETE", "/api/v1/session");
  assert.equal(out.status, 204);
  assert.equal((await s.next("bye")).data.reason, "signed_out");
  await kit.until("the stream closed", () => s.ended);
  assert.equal((await duty.get("/session")).status, 401);
  await d.stop();
});

test("`ready` means ready: the first request of each face after it is answered, at each of twenty starts", async () => {
  const t = await kit.town({ people: PEOPLE });
  const key = await kit.device(t, KEY, "ndjson");
  let d = await kit.serve(t.dir);
  const duty = await kit.person(d.url, "duty");
  for (let i = 0; i < 20; i++) { /* something to load and to walk at each start */
    await kit.ndjson(d.url, key, rows(i * 200, 200, Date.now() - 20 * 60000));
    if (i % 2) await kit.person(d.url, "chief");
  }
  for (let start = 0; start < 20; start++) {
    await (start % 2 ? d.kill() : d.stop());
    d = await kit.serve(t.dir);
    duty.url = d.url;
    const faces = [
      duty.get("/session"), duty.get("/alarms"), duty.get("/sites?limit=5"), duty.get("/system"), fetch(d.url + "/"), fetch(d.url + "/health"),
      kit.ndjson(d.url, key, rows(9, 1, Date.now() - 60000 + start)), kit.stream(duty).then((s) => (s.close(), { status: 200 })),
    ];
    const got = (await Promise.all(faces)).map((r) => r.status);
    assert.deepEqual(got, faces.map(() => 200), `start ${start + 1}`);
  }
  await d.stop();
});

test("signing in: five wrong passwords lock a name, a name that does not exist is treated the same, security lifts it", async () => {
  const t = await kit.town({ people: PEOPLE, watches: false });
  const d = await kit.serve(t.dir);
  const guard = await kit.person(d.url, "guard");
  const tries = async (name) => {
    const said = [];
    for (let i = 0; i < 6; i++) {
      const r = await new kit.Person(d.url, name).signIn("wrong password");
      said.push([r.status, r.body.error.code, r.body.error.text.zh]);
    }
    return said;
  };
  const real = await tries("duty"), none = await tries("nobody-here");
  assert.deepEqual(real, none, "nobody learns which names exist");
  assert.equal(real[0][0], 401);
  assert.equal(real[0][1], "sign_in_failed");
  assert.deepEqual(real[5].slice(0, 2), [429, "locked"]);
  assert.equal((await new kit.Person(d.url, "duty").signIn()).status, 429, "not even with the right one");
  const row = (await guard.want(200, "GET", "/users?limit=100")).items.find((u) => u.name === "duty");
  assert.equal(row.state, "locked");
  await guard.want(200, "POST", `/users/${row.id}/unlock`, {});
  assert.equal((await new kit.Person(d.url, "duty").signIn()).status, 200);
  await d.stop();
});

test("a session says when it ends; a cookie that was made up opens nothing", async () => {
  const t = await kit.town({ people: ["duty", "chief"], watches: false });
  const d = await kit.serve(t.dir);
  const p = new kit.Person(d.url, "duty");
  const r = await p.signIn();
  const cookie = r.headers.get("set-cookie");
  for (const part of ["HttpOnly", "SameSite=Strict", "Path=/"]) assert.ok(cookie.includes(part), cookie);
  assert.equal(r.body.idle_ms, 30 * 60000);
  assert.ok(r.body.expires_ms - r.body.now_ms <= 12 * 3600000);
  const forged = new kit.Person(d.url, "forged");
  forged.cookie = p.cookie.replace(/.$/, (c) => (c === "A" ? "B" : "A"));
  assert.equal((await forged.get("/session")).status, 401);
  await d.stop();
});

test("wrong settings are told: address, locked directory, newer format, no directory", async () => {
  const t = await kit.town({ people: ["duty", "chief"], watches: false });
  const serve = (...args) => kit.tongqu(["serve", "--data", t.dir, ...args], { timeout: 20000 });
  for (const listen of ["nonsense", "127.0.0.1:99999", "no.such.host.invalid:1"]) {
    const r = await serve("--listen", listen);
    assert.ok(r.status === 1 || r.status === 2, `${listen}: ${r.status} ${r.err}`);
    assert.ok(r.err.length > 10, "says why");
  }
  const longer = await serve("--listen", "127.0.0.1:0", "--keep-days", "30", "--keep-pictures-days", "31");
  assert.equal(longer.status, 2, "pictures do not outlive their passes");
  assert.match(longer.err, /keep-pictures-days/);
  const far = await serve("--listen", "0.0.0.0:0");
  assert.ok(far.status === 1 || far.status === 2, `plain HTTP beyond loopback: ${far.status}`);
  assert.match(far.err, /tls/i);
  const d = await kit.serve(t.dir);
  const taken = await serve("--listen", "127.0.0.1:0");
  assert.equal(taken.status, 1, taken.err);
  const busy = await kit.tongqu(["serve", "--data", join(t.tmp, "nowhere"), "--listen", "127.0.0.1:0"], { timeout: 20000 });
  assert.notEqual(busy.status, 0);
  const init = await kit.tongqu(["init", "--data", t.dir, "--password-file", t.secret]);
  assert.equal(init.status, 1, "a directory that holds something is not made anew");
  assert.deepEqual(await d.stop("SIGINT"), { code: 0, signal: null }, "Ctrl-C ends it with 0");
  const again = await kit.serve(t.dir);
  assert.deepEqual(await again.stop("SIGTERM"), { code: 0, signal: null });
  const format = join(t.dir, "format");
  const text = readFileSync(format, "utf8");
  writeFileSync(format, text.replace(/\d+/, "999"));
  const newer = await serve("--listen", "127.0.0.1:0");
  assert.equal(newer.status, 3, newer.err);
  writeFileSync(format, text);
  assert.equal((await kit.tongqu(["serve"])).status, 2, "wrong usage");
  assert.equal((await kit.tongqu(["nonsense"])).status, 2);
});

test("a backup under load, restored: whole, and with the same answers", async () => {
  const t = await kit.town({ people: PEOPLE });
  const key = await kit.device(t, KEY, "ndjson");
  const d = await kit.serve(t.dir);
  const base = Date.now() - 20 * 60000;
  const before = await kit.ndjson(d.url, key, rows(0, 2000, base));
  assert.equal(before.body.taken, 2000);
  await settled(t, d.url);
  let going = true, at = 2000;
  const load = (async () => {
    while (going && at < 20000) {
      const r = await kit.ndjson(d.url, key, rows(at, 200, base));
      assert.equal(r.status, 200);
      at += 200;
      await kit.sleep(5);
    }
  })();
  const to = join(t.tmp, "backup");
  await kit.must(["backup", to, "--data", t.dir]);
  going = false;
  await load;
  const m = await open(t);
  const there = await census(t, m, base);
  const dir = join(t.tmp, "restored");
  await kit.must(["restore", to, "--data", dir]);
  assert.equal((await kit.tongqu(["verify", "--data", dir])).status, 0);
  const chain = await kit.verify([dir]);
  assert.equal(chain.status, 0, chain.out);
  const r = { ...t, dir };
  const m2 = await open(r);
  const here = await census(r, m2, base);
  for (let i = 0; i < 2000; i++) assert.equal(here.get(`r${i}`), 1, `r${i} of before the backup`);
  assert.ok(here.size <= there.size && [...here].every(([id, n]) => n === 1 && there.get(id) === 1));
  for (let i = 0; i < here.size; i++) assert.ok(here.has(`r${i}`), "a prefix of what came in");
  const d2 = await kit.serve(dir);
  const again = await settled(r, d2.url);
  assert.ok(again.standing.length > 3);
  await d2.stop();
  await d.stop();
  const full = await kit.tongqu(["restore", to, "--data", dir]);
  assert.equal(full.status, 1, "never over a directory that holds something");
});

test("imports: twice is the same, GB18030 with other column names, what cannot be taken is told with line and reason", async () => {
  const t = await kit.town({ people: PEOPLE });
  const base = Date.now() - 30 * 60000;
  const head = "plate,plate_color,vehicle_class,vehicle_color,brand,site,lane,direction,time_ms,speed_kmh,confidence,record_id,image";
  const line = (r) => `${r.plate},${r.plate_color},${r.vehicle_class},${r.vehicle_color},${r.brand},${r.site},${r.lane},${r.direction},${r.time_ms},${r.speed_kmh},${r.confidence},${r.record_id},`;
  const week = t.file("week.csv", head + "\n" + rows(0, 1000, base).map(line).join("\n") + "\n");
  await kit.must(["import", "sightings", week, "--data", t.dir]);
  await kit.must(["import", "sightings", week, "--data", t.dir, "--again"]);
  const m = await open(t);
  let seen = await census(t, m, base);
  assert.equal(seen.size, 1000);
  assert.ok([...seen.values()].every((n) => n === 1), "twice is the same");

  // GB18030: 号牌,时间,卡口,编号 as heads; 晋AZQ123 and so on inside.
  const gb = (text) => Buffer.concat([...text].map((c) => Buffer.from({ 号: [0xba, 0xc5], 牌: [0xc5, 0xc6], 时: [0xca, 0xb1], 间: [0xbc, 0xe4], 卡: [0xbf, 0xa8], 口: [0xbf, 0xda], 编: [0xb1, 0xe0], 晋: [0xbd, 0xfa] }[c] ?? [...Buffer.from(c)])));
  const gbFile = join(t.tmp, "gb.csv");
  writeFileSync(gbFile, gb(`号牌,时间,卡口,编号\n晋AZQ123,${base + 1},${kit.SITES[0]},g1\n晋AZQ124,${base + 2},${kit.SITES[1]},g2\n`));
  await kit.must(["import", "sightings", gbFile, "--data", t.dir, "--map", "号牌=plate,时间=time_ms,卡口=site,编号=record_id"]);
  seen = await census(t, m, base);
  assert.equal(seen.get("g1"), 1);
  assert.equal(seen.get("g2"), 1);
  const found = JSON.parse(await kit.must(["query", "trajectory", "--data", t.dir, "--plate", "晋AZQ123", "--from", String(base), "--to", String(base + 10), "--matter", m, "--purpose", "inquiry", "--format", "json"]));
  assert.ok(found.rows.some((r) => r.record_id === "g1" && r.plate === "晋AZQ123"));

  const bad = t.file("bad.csv", head + "\n" + line(rows(2000, 1, base)[0]) + "\n晋AZQ001,5,K33,2,13," + kit.SITES[0] + ",1,1,yesterday,40,97,bad1,\n" + line(rows(2001, 1, base)[0]) + "\n晋AZQ002,5,K33,2,13,,1,1," + base + ",40,97,bad2,\n");
  const r = await kit.tongqu(["import", "sightings", bad, "--data", t.dir]);
  assert.equal(r.status, 0, r.err);
  seen = await census(t, m, base);
  assert.ok(seen.has("r2000") && seen.has("r2001") && !seen.has("bad1") && !seen.has("bad2"));
  const dir = join(t.dir, "rejects");
  const file = readdirSync(dir).filter((f) => f.startsWith("sightings-")).sort().pop();
  const text = readFileSync(join(dir, file), "utf8").trim().split("\n");
  assert.match(text[0], /line,column,value,reason,reason_zh/);
  assert.deepEqual(text.slice(1).map((l) => l.split(",")[0]), ["3", "5"]);
  assert.match(text[1], /time_ms,"?yesterday/);
  for (const what of ["org", "sites", "units", "registry"]) await kit.must(["import", what, join(t.tmp, `${what}.csv`), "--data", t.dir]);
  const d = await kit.serve(t.dir);
  const duty = await kit.person(d.url, "duty");
  assert.equal((await duty.want(200, "GET", "/sites?limit=100")).items.length, 6);
  assert.equal((await duty.want(200, "GET", "/units")).items.length, 3);
  assert.equal((await duty.want(200, "GET", "/org")).items.length, 4);
  const beside = t.file("beside.csv", head + "\n" + rows(3000, 300, base).map(line).join("\n") + "\n");
  await kit.must(["import", "sightings", beside, "--data", t.dir]);
  await kit.must(["import", "sightings", beside, "--data", t.dir, "--again"]);
  seen = await census(t, m, base);
  assert.equal([...seen].filter(([id, n]) => Number(id.slice(1)) >= 3000 && n === 1).length, 300, "beside a running daemon as well");
  await d.stop();
});
