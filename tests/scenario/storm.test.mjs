// SPDX-License-Identifier: Apache-2.0
// An alarm storm at three in the morning: a bad list raises hundreds of alarms within seconds. Nothing is dropped, the
// board counts them all, and of two officers who sign the same one at once, one is told.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as kit from "./kit.mjs";

after(kit.endAll);

const N = 700, PLATES = Array.from({ length: N }, (_, i) => `晋AQ${String(1000 + i)}`);
const SITE_OF = (i) => kit.SITES[i % 6]; /* four of six lie in the brigade's part */
let t, d, key, who = {};

before(async () => {
  t = await kit.town();
  const list = t.file("bad.csv", "watch,plate,reason,level,from_ms,to_ms\n" +
    PLATES.map((p, i) => `B${i},${p},stolen,1,${Date.now() - 86400000},${Date.now() + 86400000}\n`).join(""));
  await kit.must(["import", "watches", list, "--data", t.dir, "--author", "duty", "--approver", "chief"]);
  key = await kit.device(t, "14010000001190000005", "ndjson");
  d = await kit.serve(t.dir);
  for (const name of ["duty", "duty2", "brigade"]) who[name] = await kit.person(d.url, name);
});

const waiting = async (p) => (await p.want(200, "GET", "/board")).measures.find((m) => m.name === "waiting").value;
const explained = async (p, what) => (await p.want(200, "GET", `/board/${what}`)).items;
async function queue(p) {
  const all = [];
  for (let next = ""; ;) {
    const page = await p.want(200, "GET", `/alarms?limit=100${next}`);
    all.push(...page.items);
    if (!page.next) return all;
    next = `&cursor=${page.next}`;
  }
}

test("every alarm reaches the stream, the queue and the board's figure, each in one's own part of the city", async () => {
  const stream = await kit.stream(who.duty, "/events?topics=alarm");
  for (let k = 0; k < N; k += 100) {
    const rows = PLATES.slice(k, k + 100).map((plate, i) => ({
      plate, plate_color: 5, vehicle_class: "K33", vehicle_color: 2, brand: "13", site: SITE_OF(k + i), lane: 1, direction: 1,
      time_ms: Date.now() - 1000, speed_kmh: 40, confidence: 97, record_id: `s${k + i}`, image: "" }));
    assert.equal((await kit.ndjson(d.url, key, rows)).status, 200);
  }
  const seen = () => new Set(stream.events.filter((e) => e.name === "alarm" && e.data.matter).map((e) => e.data.id));
  await kit.until("all alarms", () => seen().size === N, 30000);
  stream.close();
  const mine = PLATES.filter((_, i) => i % 6 < 4).length;
  for (const [p, n] of [[who.duty, N], [who.brigade, mine]]) {
    assert.equal(new Set((await queue(p)).map((a) => a.id)).size, n, "queue");
    assert.equal(await waiting(p), n, "the board's figure");
    assert.equal((await explained(p, "waiting")).length, n, "and its rows");
  }
  const own = new Set((await queue(who.brigade)).map((a) => a.matter.id));
  const changes = (await who.brigade.want(200, "GET", "/board")).changes;
  assert.equal(changes.length, 20);
  for (const c of changes) assert.ok(own.has(c.matter), `${c.matter} is of the own part`);
});

test("two officers sign the same alarm at once: one has it, the other is told; the figures follow", async () => {
  const some = (await queue(who.duty)).slice(0, 20);
  for (const a of some) {
    const { seq } = await who.duty.want(200, "GET", `/matters/${a.matter.id}`);
    const got = await Promise.all([who.duty, who.duty2].map((p) => p.post(`/matters/${a.matter.id}/moves`, { move: "sign", seq, fields: {} })));
    assert.deepEqual(got.map((r) => r.status).sort(), [200, 409]);
    assert.equal(got.find((r) => r.status === 409).body.error.code, "conflict");
  }
  assert.equal(await waiting(who.duty), N - some.length);
  const signed = await explained(who.duty, "sign");
  assert.deepEqual(new Set(signed.map((r) => r.matter)), new Set(some.map((a) => a.matter.id)));
  const median = signed.map((r) => r.value).sort((a, b) => a - b)[Math.floor(signed.length / 2)];
  const figure = (await who.duty.want(200, "GET", "/board")).measures.find((m) => m.name === "sign").value;
  assert.equal(figure, median, "the figure is the median of its rows");
});

test("the shift changes: everybody signs in within the same moment, and is let in", async () => {
  const all = [...kit.PEOPLE.map(([name]) => name), "root2", "guard", "audit2"];
  const got = await Promise.all(all.map((name) => new kit.Person(d.url, name).signIn()));
  assert.deepEqual(got.map((r) => r.status), all.map(() => 200));
  // Of one name only some at once: guesses do not run beside one another past its lock.
  const wrong = await Promise.all(Array.from({ length: 16 }, (_, i) => new kit.Person(d.url, "other").signIn(`a guess of many ${i}`)));
  assert.ok(wrong.filter((r) => r.status === 401).length <= 5, "at most as many guesses as its lock allows");
  assert.ok(wrong.every((r) => [401, 429, 503].includes(r.status)));
});
