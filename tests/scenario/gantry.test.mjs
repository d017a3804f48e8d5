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
