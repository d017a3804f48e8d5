// SPDX-License-Identifier: Apache-2.0
// ETC gantries: both records of a passage come in, late, twice and broken; a radio is a site of its own.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as kit from "./kit.mjs";

const G = ["G000514001000110010", "G000514001000110020", "G000514001000110030"];
let t, d, key, chief;

before(async () => {
  t = await kit.town({ watches: false });
  key = await kit.device(t, "14010000001190000009", "ndjson");
  d = await kit.serve(t.dir);
  chief = await kit.person(d.url, "chief");
});
after(() => d?.stop());

const stamp = (ms) => new Date(ms + 8 * 3600000).toISOString().slice(0, 19);
export const trade = (i, gantry, at, plate, more = {}) => ({
  tradeId: `${gantry}T${i}`, gantryId: gantry, gantryHex: gantry.slice(-6), transTime: stamp(at), mediaType: 1, obuVehiclePlate: plate, vehiclePlate: plate,
  vehicleType: 1, antennaId: 2, tradeResult: 1, payFee: 350, ...more,
});
export const picture = (i, gantry, at, plate, more = {}) => ({
  picId: `${gantry}P${i}`, gantryId: gantry, picTime: stamp(at), vehiclePlate: plate, laneNum: "2", cameraNum: 101, vehicleModel: "K33", vehicleColor: "2", reliability: "960", ...more,
});
async function post(body, headers = {}) {
  const r = await fetch(`${d.url}/api/v1/gantry`, {
    signal: AbortSignal.timeout(30000),
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await r.text();
  return { status: r.status, body: text ? JSON.parse(text) : null };
}

test("both halves are stored, each once, each at its own site", async () => {
  const now = Date.now() - 60000;
  const pair = [trade(1, G[0], now, "晋AZG001_0"), picture(1, G[0], now + 1000, "晋AZG001_0")];
  const first = await post(pair);
  assert.equal(first.status, 200, JSON.stringify(first.body));
  assert.equal(first.body.taken, 2);
  assert.ok(first.body.lsn > 0);
  const again = await post({ etctu: [pair[1], pair[0]] });
  assert.deepEqual([again.body.taken, again.body.duplicates], [0, 2]);
  const sites = await kit.until("the gantry's two sites", async () => {
    const r = await chief.ask("GET", "/api/v1/sites?limit=1000");
    const mine = r.body.items.filter((s) => s.code.startsWith(G[0]));
    return mine.length === 2 ? mine : null;
  });
  assert.deepEqual(sites.map((s) => [s.code, s.kind]).sort(), [[G[0], "gantry"], [`${G[0]}-RSU`, "rsu"]]);
});

test("a gantry that the city placed places its radio", async () => {
  const { writeFileSync } = await import("node:fs");
  const { join } = await import("node:path");
  const file = join(t.dir, "..", `gantries-${process.pid}.csv`);
  writeFileSync(file, `site,name,lon,lat,kind\n${G[0]},京昆高速一号门架,112.55,37.87,gantry\n`);
  await kit.must(["import", "sites", file, "--data", t.dir]);
  const radio = await kit.until("the radio's place", async () => {
    const r = await chief.ask("GET", "/api/v1/sites?limit=1000");
    const s = r.body.items.find((x) => x.code === `${G[0]}-RSU`);
    return s?.lon ? s : null;
  });
  assert.ok(Math.abs(radio.lon - 112.55) < 1e-6 && Math.abs(radio.lat - 37.87) < 1e-6);
});

test("a tag in another vehicle is an alarm with both halves; the right picture takes it back", async () => {
  const at = Date.now() - 600000, alarms = async () => (await chief.ask("GET", "/api/v1/alarms?kind=etc_plate&limit=50")).body.items;
  for (const [i, g] of G.entries()) {
    const t0 = at + i * 120000;
    assert.equal((await post([trade(20 + i, g, t0, "晋AZG020_0"), picture(20 + i, g, t0 + 1000, "晋BWX777_0")])).body.taken, 2);
  }
  const found = await kit.until("the alarm", async () => (await alarms())[0]);
  assert.equal(found.plate, "晋AZG020");
  assert.ok(found.probability > 0.5 && found.site.name.startsWith("京昆") || found.site.name.startsWith("G0"), JSON.stringify(found));
  const card = (await chief.ask("GET", `/api/v1/alarms/${found.id}`)).body;
  assert.deepEqual([...new Set(card.evidence.map((e) => e.sighting.plate))].sort(), ["晋AZG020", "晋BWX777"]);
  assert.ok(card.numbers.some((n) => n.name === "passes" && n.value === 3), JSON.stringify(card.numbers));
  for (const [i, g] of G.entries()) assert.equal((await post([picture(30 + i, g, at + i * 120000 + 2000, "晋AZG020_0")])).body.taken, 1);
  await kit.until("the withdrawal", async () => (await alarms()).every((a) => a.state === "withdrawn"));
});

test("a tag of another class is an alarm; one that agrees is none", async () => {
  const at = Date.now() - 600000;
  for (const [i, g] of G.entries()) {
    const t0 = at + 10000 + i * 100000;
    await post([trade(40 + i, g, t0, "晋AZG040_1", { vehicleType: 1 }), picture(40 + i, g, t0 + 1000, "晋AZG040_1", { vehicleModel: "H11" }),
      trade(50 + i, g, t0 + 40000, "晋AZG050_1", { vehicleType: 16 }), picture(50 + i, g, t0 + 41000, "晋AZG050_1", { vehicleModel: "Q11" })]);
  }
  const found = await kit.until("the alarm", async () => {
    const r = (await chief.ask("GET", "/api/v1/alarms?kind=etc_class&limit=50")).body.items;
    return r.length ? r : null;
  });
  assert.deepEqual(found.map((a) => a.plate), ["晋AZG040"]);
});

test("the same records come from a file", async () => {
  const { writeFileSync } = await import("node:fs");
  const { join } = await import("node:path");
  const file = join(t.dir, "..", `etctu-${process.pid}.json`), at = Date.now() - 900000;
  const rows = [trade(60, G[0], at, "晋AZG060_0"), picture(60, G[0], at + 1000, "晋AZG060_0"), trade(61, G[0], at, "晋AZG061_0", { transTime: "never" })];
  writeFileSync(file, JSON.stringify(rows));
  assert.match(await kit.must(["import", "gantry", file, "--data", t.dir]), /gantry: 2 rows taken, 0 known already, 1 rejected/);
  writeFileSync(file, rows.map((r) => JSON.stringify(r)).join("\n"));
  assert.match(await kit.must(["import", "gantry", file, "--data", t.dir]), /gantry: 0 rows taken, 2 known already, 1 rejected/);
  assert.equal((await post(rows.slice(0, 2))).body.duplicates, 2);
  writeFileSync(file, "G0005: all quiet");
  const no = await kit.tongqu(["import", "gantry", file, "--data", t.dir]);
  assert.notEqual(no.status, 0);
  assert.match(no.err, /no records of ETC gantries|没有 ETC 门架流水/);
});

test("a gantry's health is counted hour by hour, from either of its sites", async () => {
  const hour = Math.floor(Date.now() / 3600000) * 3600000 - 2 * 3600000, g = "G000514001000110090";
  await post([trade(70, g, hour + 60000, "晋AZG070_0"), picture(70, g, hour + 61000, "晋AZG070_0"), trade(71, g, hour + 120000, "晋AZG071_0", { tradeResult: 2, mediaType: 2 }),
    picture(71, g, hour + 121000, "默A00000_9"), picture(72, g, hour + 1800000, "晋AZG072_0")]);
  const sites = await kit.until("the gantry", async () => {
    const r = (await chief.ask("GET", "/api/v1/sites?q=G000514001000110090")).body.items;
    return r.length === 2 ? r : null;
  });
  for (const s of sites) {
    const r = await chief.ask("GET", `/api/v1/sites/${s.id}/gantry?from_ms=${hour}&to_ms=${hour + 3600000}`);
    assert.equal(r.status, 200, JSON.stringify(r.body));
    const { passes, read, tags, known, done, failed, obu, cpc, paired, quiet_s, tag_quiet_s } = r.body;
    assert.deepEqual({ passes, read, tags, known, done, failed, obu, cpc, paired, quiet_s, tag_quiet_s },
      { passes: [3], read: [2], tags: [2], known: [2], done: [1], failed: [1], obu: [1], cpc: [1], paired: [1], quiet_s: [1800], tag_quiet_s: [3480] });
    assert.ok(r.body.radio.id !== r.body.gantry.id);
  }
  const camera = (await chief.ask("GET", `/api/v1/sites?q=${kit.SITES[0]}`)).body.items[0];
  const no = await chief.ask("GET", `/api/v1/sites/${camera.id}/gantry?from_ms=${hour}&to_ms=${hour + 3600000}`);
  assert.equal(no.status, 404);
  assert.match(no.body.error.text.en, /no gantry/);
  const long = await chief.ask("GET", `/api/v1/sites/${sites[0].id}/gantry?from_ms=${hour - 30 * 86400000}&to_ms=${hour}`);
  assert.deepEqual([long.status, long.body.error.field], [400, "to_ms"]);
});

test("bad input is refused one by one, with the reason", async () => {
  const now = Date.now() - 30000;
  const r = await post([
    trade(2, G[0], now, "晋AZG002_0", { transTime: undefined }),
    trade(3, G[0], now, "晋AZG003_0", { gantryId: undefined }),
    trade(4, G[0], Date.now() + 3600000, "晋AZG004_0"),
    picture(5, G[0], now, "晋AZG005_0", { picTime: "noon" }),
    7,
    trade(6, G[0], now, "晋AZG006_0"),
  ], { "accept-language": "en" });
  assert.equal(r.status, 200);
  assert.equal(r.body.taken, 1);
  assert.deepEqual(r.body.refused.map((x) => [x.line, x.code]), [[1, "no_time"], [2, "no_place"], [3, "future"], [4, "bad_time"], [5, "not_object"]]);
  assert.match(r.body.refused[2].message, /clock/);
  for (const body of ["gantry", '{"data":{"total":1}}', '[{"tradeId":']) {
    const no = await post(body, { "accept-language": "en" });
    if (no.status === 200) assert.equal(no.body.taken, 0, body);
    else assert.deepEqual([no.status, no.body.error.code], [400, "bad_body"], body);
  }
  const lines = await post([trade(8, G[0], now, "晋AZG008_0"), picture(8, G[0], now, "晋AZG008_0")].map((o) => JSON.stringify(o)).join("\n") + "\n{\n");
  assert.deepEqual([lines.body.taken, lines.body.refused.map((x) => x.line)], [2, [3]]);
  const type = await post("[]", { "content-type": "text/plain" });
  assert.equal(type.status, 415);
  const stranger = await post("[]", { authorization: "Bearer nobody" });
  assert.equal(stranger.status, 401);
});
