// SPDX-License-Identifier: Apache-2.0
// A data directory comes to be, or it is none; and it is brought to a newer release without taking anybody's work away.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as kit from "./kit.mjs";

let tmp;
before(() => (tmp = mkdtempSync(join(tmpdir(), "tongqu-making-"))));
after(async () => {
  await kit.endAll();
  rmSync(tmp, { recursive: true, force: true });
});

/** What a command says of a directory that was not made to its end. */
async function none(dir) {
  for (const c of [["verify"], ["status"], ["user", "list"]]) {
    const r = await kit.tongqu([...c, "--data", dir]);
    assert.equal(r.status, 1, `${c}: ${r.out}${r.err}`);
    assert.match(r.err, /no data directory|not made to its end/);
  }
}

test("init that is killed leaves no directory that anything takes for one; three accounts or nothing", async () => {
  const whole = join(tmp, "whole"), began = performance.now();
  await kit.must(["init", "--data", whole]);
  const took = performance.now() - began;
  let cut = 0;
  for (let i = 1; i <= 16; i++) {
    const dir = join(tmp, `cut-${i}`);
    const p = spawn(kit.bin, ["init", "--data", dir], { stdio: "ignore" });
    const ended = new Promise((done) => p.on("exit", (status) => done(status)));
    await kit.sleep((took * i) / 15);
    p.kill("SIGKILL");
    if ((await ended) === 0) {
      assert.equal(JSON.parse(await kit.must(["user", "list", "--data", dir, "--format", "json"])).length, 3);
      continue;
    }
    cut++;
    if (existsSync(dir)) await none(dir);
    if (!existsSync(join(dir, "id"))) continue;
    const again = await kit.tongqu(["init", "--data", dir]);
    assert.equal(again.status, 1);
    assert.match(again.err, /not empty.*empty it if making/);
  }
  assert.ok(cut >= 5, `${cut} of 16 were cut off in ${took} ms`);
});

test("a directory without its last marker is none, whatever else is there", async () => {
  const dir = join(tmp, "marker");
  await kit.must(["init", "--data", dir]);
  assert.match(await kit.must(["verify", "--data", dir]), /ledger: whole/);
  unlinkSync(join(dir, "format"));
  await none(dir);
});

test("any zone of one offset; others are told what to write", async () => {
  const zone = async (name) => kit.tongqu(["init", "--data", join(tmp, `zone-${name.replace(/\W/g, "")}`), "--zone", name]);
  assert.equal((await zone("+05:30")).status, 0);
  for (const name of ["Mars", "../../etc", ""]) {
    const r = await zone(name);
    assert.equal(r.status, 2);
    assert.match(r.err, /Asia\/Shanghai, or an offset as \+08:00/);
  }
  if (!existsSync("/usr/share/zoneinfo/Asia/Tokyo")) return console.log("skipped: no tz database here");
  assert.equal((await zone("Asia/Tokyo")).status, 0);
  const d = await kit.serve(join(tmp, "zone-AsiaTokyo"));
  try {
    const r = await (await fetch(d.url + "/VIID/System/Time")).json();
    assert.match(JSON.stringify(r), /\+09:00|Asia\/Tokyo|UTC\+9|540/);
  } finally {
    await d.stop();
  }
  const r = await zone("Europe/Berlin");
  assert.equal(r.status, 2);
  assert.match(r.err, /summer time.*\+01:00/);
});

test("definitions: what the city changed stays, the newer lies beside it and is told until somebody has looked", async () => {
  const dir = join(tmp, "upgrade"), alarm = join(dir, "definitions/loops/alarm.yaml"), flight = join(dir, "definitions/loops/flight.yaml");
  await kit.must(["init", "--data", dir]);
  const ours = readFileSync(alarm, "utf8"), mine = ours + "# of this city\n";
  // as 0.1.0 left it: nothing noted, no flight, and a file that the city had edited
  unlinkSync(flight);
  writeFileSync(alarm, mine);
  execFileSync("python3", ["-c", `import sqlite3;c=sqlite3.connect(${JSON.stringify(join(dir, "ledger.db"))});c.execute("delete from meta where key like 'shipped:%'");c.commit()`]);
  const r = await kit.tongqu(["status", "--data", dir]);
  assert.deepEqual(JSON.parse(r.out).definitions_new, ["loops/alarm.yaml"]);
  assert.match(r.err, /definitions\/loops\/alarm\.yaml was changed here: compare it with this release's/);
  assert.equal(readFileSync(alarm, "utf8"), mine);
  assert.equal(readFileSync(alarm + ".new", "utf8"), ours);
  assert.ok(existsSync(flight), "a kind that came new");
  const d = await kit.serve(dir);
  try {
    const health = async () => (await (await fetch(d.url + "/health")).json()).definitions_new;
    await kit.until("it is told", async () => (await health()) === 1);
    unlinkSync(alarm + ".new");
    await kit.until("somebody has looked", async () => (await health()) === 0);
  } finally {
    await d.stop();
  }
  assert.deepEqual(JSON.parse(await kit.must(["status", "--data", dir])).definitions_new, []);
  assert.equal(readFileSync(alarm, "utf8"), mine);
});
