// SPDX-License-Identifier: Apache-2.0
// Questions about sets of vehicles, from outside: each is a look (matter, purpose, record, count, coverage, age tiers);
// what is given is checked; the command line and the API give the same rows; the document says what the rows say.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as kit from "./kit.mjs";

const DAY = 86400000, H = 3600000, MIN = 60000;
const CAMERA = "14010000001190000003", jpeg = Buffer.from("ffd8ffe000104a46494600010100000100010000ffd9", "hex");
let t, d, matter, camera, who = {};
const noon = Math.floor(Date.now() / DAY) * DAY - DAY + 4 * H; // yesterday, 12:00 in Shanghai
const iso = (ms) => new Date(ms).toISOString();

before(async () => {
  t = await kit.town({ people: ["duty", "analyst", "squad"], watches: false });
  const rows = ["plate,site,time_ms,record_id"];
  const seen = (n, site, at) => rows.push(`${kit.plain(n)},${kit.SITES[site]},${at},${at}-${n}-${site}`);
  for (let day = 0; day < 5; day++) {
    seen(1, 0, noon - day * DAY); // known
    for (const n of [2, 3]) // a convoy through all sites
      for (let s = 0; s < 6; s++) seen(n, s, noon - day * DAY + s * 5 * MIN + n * 4000);
  }
  seen(7, 0, noon); // new yesterday
  seen(7, 4, noon + 30 * MIN);
  await kit.must(["import", "sightings", t.file("passes.csv", rows.join("\n") + "\n"), "--data", t.dir]);
  const key = await kit.device(t, CAMERA);
  d = await kit.serve(t.dir);
  camera = new kit.Camera(d.url, CAMERA, key);
  assert.equal((await camera.register()).status, 200);
  for (const name of ["duty", "analyst", "squad", "root2", "audit2"]) who[name] = await kit.person(d.url, name);
  matter = (await who.analyst.want(201, "POST", "/matters", { kind: "inquiry", title: "研判核查" })).id;
});
after(async () => {
  await d?.stop();
  kit.endAll();
});

const body = (more = {}) => ({ matter, purpose: "inquiry", from_ms: noon - H, to_ms: noon + H, params: {}, ...more });
const first = (more = {}) => body({ params: { quiet_days: 4, where: "anywhere" }, ...more });
const refused = async (status, code, question, ask, field) => {
  const r = await who.analyst.post(`/questions/${question}`, ask);
  assert.equal(r.status, status, JSON.stringify(r.body));
  assert.equal(r.body.error.code, code);
  if (field) assert.equal(r.body.error.field, field);
  return r.body.error.message;
};

test("the questions are listed with their words, parameters and columns, to those who may ask", async () => {
  const list = (await who.analyst.want(200, "GET", "/questions")).items;
  assert.ok(list.some((q) => q.name === "first_seen"));
  for (const q of list) {
    for (const x of [q, q.what, q.pitfall, ...q.params, ...q.columns]) assert.ok(x.zh && x.en, `${q.name}: ${JSON.stringify(x)}`);
    assert.ok(q.columns.length > 1 && q.days_max > 0 && q.seconds > 0, q.name);
  }
  for (const name of ["squad", "root2", "audit2"]) {
    assert.equal((await who[name].get("/questions")).status, 403);
    assert.equal((await who[name].post("/questions/first_seen", first())).status, 403);
  }
});

test("an answer is a look: its rows, its coverage, its begin and end with the count on record", async () => {
  const a = await who.analyst.want(200, "POST", "/questions/first_seen", first());
  assert.equal(a.count, 1);
  assert.deepEqual(a.columns.map((c) => c.name).slice(0, 3), ["plate", "site", "first_ms"]);
  assert.deepEqual(a.rows[0].slice(0, 4), [kit.plain(7), kit.SITES[0], noon, 2]);
  assert.equal(a.sites[kit.SITES[0]].name, "演示路口1");
  assert.ok(a.coverage.text.zh && a.coverage.text.en);
  const rows = (await who.audit2.want(200, "GET", "/audit?limit=20")).items;
  const end = rows.find((x) => x.what === "look.end" && x.user === "analyst"), begin = rows.find((x) => x.what === "look.begin" && x.user === "analyst");
  assert.equal(end.count, 1);
  assert.equal(begin.purpose, "inquiry");
  const chain = readdirSync(join(t.dir, "audit")).filter((f) => f.endsWith(".tqa")).map((f) => readFileSync(join(t.dir, "audit", f), "utf8")).join("");
  assert.ok(chain.includes("first_seen quiet_days=4 where=anywhere"), "the record keeps what was asked");
  const mine = (await who.analyst.want(200, "GET", "/looks?state=mine")).items[0];
  assert.deepEqual([mine.n, mine.kind, mine.matter, mine.count], [a.n, "analysis", matter, 1]);
});

test("without a matter, with a wrong purpose, too far back: refused, and on record", async () => {
  await refused(403, "look_no_matter", "first_seen", first({ matter: undefined }));
  await refused(403, "look_no_matter", "first_seen", first({ matter: "HC-20200101-0001" }));
  await refused(403, "look_purpose", "first_seen", first({ purpose: "curiosity" }));
  // The window is yesterday's, but the quiet days before it reach past the tier that needs a second person.
  await refused(403, "look_age_tier", "first_seen", first({ params: { quiet_days: 365 } }));
  const rows = (await who.audit2.want(200, "GET", "/audit?limit=20")).items;
  assert.ok(rows.filter((x) => x.what === "look.refused" && x.user === "analyst").length >= 3);
});

test("what is given is checked, and the message names what to mend", async () => {
  assert.match(await refused(400, "bad_request", "first_seen", first({ params: { quiet_days: 0 } }), "quiet_days"), /1 .*365/);
  assert.match(await refused(400, "bad_request", "first_seen", first({ params: { where: "there" } }), "where"), /entry, anywhere/);
  await refused(400, "bad_request", "first_seen", first({ params: { colour: "red" } }), "params");
  await refused(400, "bad_request", "first_seen", first({ params: { quiet_days: [1] } }), "params");
  await refused(400, "bad_request", "first_seen", first({ from_ms: noon, to_ms: noon }), "to_ms");
  await refused(400, "bad_request", "first_seen", first({ from_ms: noon - 40 * DAY }), "to_ms");
  await refused(404, "not_found", "who_is_it", first());
});

test("a row opens the pictures of its own passes under the look that gave it, and no other", async () => {
  const at = Date.now() - 20000, plate = kit.plain(8);
  const shot = (when) => ({ SubImageList: { SubImageInfoObject: [{ ImageID: CAMERA + when, EventSort: 4, DeviceID: CAMERA, Type: "01", FileFormat: "Jpeg", ShotTime: kit.viidTime(when, 14), Width: 8, Height: 8, Data: jpeg.toString("base64") }] } });
  const sent = await camera.post([camera.pass({ plate, site: kit.SITES[0], at, more: shot(at) }), camera.pass({ plate, site: kit.SITES[3], at: at + 9000, more: shot(at + 9000) }), camera.pass({ plate: kit.plain(9), site: kit.SITES[1], at: at + 1000 })]);
  assert.ok(kit.statuses(sent.body).every((x) => x.StatusCode === 0));
  const ask = body({ params: { quiet_days: 4, where: "anywhere" }, from_ms: at - H, to_ms: at + H });
  const a = await who.analyst.want(200, "POST", "/questions/first_seen", ask);
  const row = a.rows.findIndex((r) => r[0] === plate), bare = a.rows.findIndex((r) => r[0] === kit.plain(9));
  assert.equal(a.pictures[row].length, 1, "the first pass; the last was at a site that the row does not name");
  assert.deepEqual(a.pictures[bare] ?? [], [], "no picture was sent");
  const [ref] = a.pictures[row];
  assert.equal(Number(ref.split("-")[0]), at);
  const picture = (p, id, look) => p.ask("GET", `/api/v1/pictures/${id}?look=${look}`);
  assert.equal((await picture(who.analyst, ref, a.n)).status, 200);
  assert.equal((await picture(who.duty, ref, a.n)).status, 404, "somebody else's look");
  const seen = await who.analyst.want(200, "POST", "/looks", { kind: "trajectory", matter, purpose: "inquiry", plate, from_ms: at - H, to_ms: at + H });
  assert.equal((await picture(who.analyst, seen.rows[1].picture, a.n)).status, 404, "another pass of the same vehicle");
  assert.equal((await picture(who.analyst, seen.rows[1].picture, seen.n)).status, 200);
  const nobody = await who.analyst.want(200, "POST", "/questions/first_seen", body({ params: { quiet_days: 4, where: "anywhere" }, from_ms: noon - 2 * H, to_ms: noon - H }));
  assert.deepEqual(nobody.pictures, []);
  assert.equal((await picture(who.analyst, ref, nobody.n)).status, 404);
  // The command line names the same passes, for tongqu export evidence.
  const cli = JSON.parse(await kit.must(["query", "first_seen", "quiet_days=4", "where=anywhere", "--data", t.dir, "--from", iso(at - H), "--to", iso(at + H), "--matter", matter, "--purpose", "inquiry", "--format", "json"]));
  assert.deepEqual(cli.pictures, a.pictures);
});

test("the limit cuts the rows and says so", async () => {
  const a = await who.analyst.want(200, "POST", "/questions/first_seen", body({ params: { quiet_days: 1, where: "anywhere" }, from_ms: noon - 6 * DAY, limit: 1 }));
  assert.deepEqual([a.rows.length, a.truncated], [1, true]);
});

test("every question answers through the API within its bounds", async () => {
  const span = `${noon - H}/${noon + H}`;
  const given = {
    collide: { windows: `+${kit.SITES[0]}@${span};+${kit.SITES[1]}@${span}` }, companions: { plates: kit.plain(2), days: 5 }, foothold: { plate: kit.plain(2), gap_h: 12 },
    in_not_out: {}, night: { nights: 1 }, plate_like: { plate: kit.plain(2), misread: "one" }, next_sites: { site: kit.SITES[0] },
    frequent: { sites: kit.SITES[0], passages: 1 }, travel_time: { sites: `${kit.SITES[0]},${kit.SITES[1]}` }, evidence: {}, violators: { findings: 1 }, misreads: { reads: 1 }, convoys: { days: 3, trips: 3 }, first_seen: { quiet_days: 4, where: "anywhere" },
  };
  const counts = {};
  for (const q of (await who.analyst.want(200, "GET", "/questions")).items) {
    const params = given[q.name] ?? assert.fail(`${q.name} is not asked here: add it`);
    const whole = ["companions", "convoys", "foothold", "night"].includes(q.name);
    const a = await who.analyst.want(200, "POST", `/questions/${q.name}`, body({ params, ...(whole ? { from_ms: noon - 5 * DAY } : {}) }));
    assert.equal(a.question, q.name);
    assert.ok(a.coverage.text.en, q.name);
    for (const r of a.rows) assert.equal(r.length, q.columns.length, q.name);
    counts[q.name] = a.rows;
  }
  assert.deepEqual(counts.collide.map((r) => r[0]), [kit.plain(2), kit.plain(3)]);
  assert.deepEqual(counts.companions.map((r) => [r[0], r[1], r[2]]), [[kit.plain(2), kit.plain(3), 5]]);
  assert.deepEqual(counts.convoys.map((r) => [r[1], r[2], r[3], r[6]]), [[kit.plain(2), 2, kit.plain(3), 5], [kit.plain(3), 2, kit.plain(2), 5]]);
  assert.deepEqual(counts.plate_like[0].slice(0, 3), [kit.plain(2), 6, 1]);
  assert.deepEqual(counts.next_sites[0].slice(0, 2), [kit.SITES[1], 0.5]);
  assert.deepEqual(counts.travel_time[0].slice(1, 5), [kit.SITES[0], kit.SITES[1], 2, 5 * MIN]);
  assert.deepEqual(counts.foothold.map((r) => [r[0], r[1], r[2]]), [[kit.plain(2), kit.SITES[5], 4]]);
});

test("the command line gives the same rows as JSON, CSV and GeoJSON", async () => {
  const a = await who.analyst.want(200, "POST", "/questions/first_seen", first());
  const ask = (format) => ["query", "first_seen", "quiet_days=4", "where=anywhere", "--data", t.dir, "--from", iso(noon - H), "--to", iso(noon + H), "--matter", matter, "--purpose", "inquiry", "--format", format];
  const json = JSON.parse(await kit.must(ask("json")));
  assert.deepEqual(json.rows, a.rows);
  const csv = await kit.must(ask("csv"));
  assert.ok(csv.startsWith("\ufeffplate,site,first_ms,"));
  assert.ok(csv.includes(`${kit.plain(7)},${kit.SITES[0]},${noon},2,`));
  const geo = JSON.parse(await kit.must(ask("geojson")));
  assert.deepEqual(geo.features[0].geometry.coordinates, [112.5, 37.85]);
  assert.equal(geo.features[0].properties.plate, kit.plain(7));
  assert.match(await kit.must(ask("table")), /1 rows/);
  const wrong = await kit.tongqu([...ask("json").slice(0, 2), "quiet_days", ...ask("json").slice(4)]);
  assert.equal(wrong.status, 2);
  assert.match(wrong.err, /NAME=VALUE/);
});

test("docs/analysis.md says what the rows say", async () => {
  const doc = readFileSync(join(kit.root, "docs/analysis.md"), "utf8");
  const rows = await kit.must(["query", "questions", "--data", t.dir, "--format", "markdown"]);
  const part = doc.slice(doc.indexOf("<!-- rows -->\n") + "<!-- rows -->\n".length);
  assert.equal(part.trim(), rows.trim(), "write it again: tongqu query questions --data DIR --format markdown, behind the line <!-- rows -->");
});
