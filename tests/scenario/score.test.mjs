// SPDX-License-Identifier: Apache-2.0
// A small city with planted truth through the program's own doors: the questions about sets of vehicles come out exactly
// where no misread touched a plate, and convoys are found within their bars.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as kit from "./kit.mjs";

test("bench --truth: first seen, night, foothold, in but not out are exact; companions and violators within their bars", async () => {
  const tmp = kit.tempDir(), city = join(tmp, "city"), json = join(tmp, "score.json");
  await kit.must(["city", "--seed", "5", "--days", "3", "--per-day", "20000", "--out", city]);
  const table = await kit.must(["bench", "--truth", city, "--json", json], { timeout: 600000, env: { ...process.env, TMPDIR: tmp } });
  const rows = new Map(JSON.parse(readFileSync(json, "utf8")).map((r) => [r.name, r]));
  const value = (kind, reads, what) => {
    const row = [...rows.values()].find((r) => r.name.includes(kind) && r.name.includes(reads) && r.name.includes(what));
    assert.ok(row, `${kind} ${reads} ${what} is in the figures:\n${table}`);
    return row.value;
  };
  for (const kind of ["first_seen", "night_active", "foothold", "in_not_out"]) {
    assert.match(table, new RegExp(`^${kind} +exact +[1-9]`, "m"), `${kind}: the city plants some`);
    assert.equal(value(kind, "exact", "recall"), 1, table);
    assert.equal(value(kind, "exact", "precision"), 1, table);
  }
  assert.ok(value("companions", "all", "recall") >= 0.95, table);
  assert.ok(value("companions", "all", "precision") >= 0.9, table);
  assert.match(table, /^violators +all +[1-9]/m, "vehicles with three violations and more are known");
  assert.ok(value("violators", "all", "recall") >= 0.85, table); // in so small a city no average speed is found at all
  assert.ok(value("violators", "all", "precision") >= 0.95, table);
});
