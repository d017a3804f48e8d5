// SPDX-License-Identifier: Apache-2.0
// A large import that is killed goes on where everything before was durable: no pass is lost, none is there twice. What
// is imported again is known, wherever it is stored by then.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as kit from "./kit.mjs";

const RUN = 1048576, ROWS = 2 * RUN + 200000; // two whole runs and a part
const day = 86400000, end = Math.floor(Date.now() / day) * day - day;
const refused = new Set([7, RUN / 2, ROWS - 5]); // lines that cannot be taken
let t, file, offsets = [];

before(async () => {
  t = await kit.town({ people: [], watches: false });
  file = join(t.tmp, "passes.csv");
  const out = openSync(file, "w");
  let at = writeSync(out, "plate,site,time_ms,lane\n"), text = "";
  for (let i = 0; i < ROWS; i++) { // two in the same second at a site, over three days
    const when = refused.has(i) ? "when" : end - 3 * day + Math.floor((i / ROWS) * 3 * 86400) * 1000;
    text += `晋A${String((i * 7919) % 100000).padStart(5, "0")},${kit.SITES[i % 6]},${when},${1 + (i % 4)}\n`;
    if (text.length > 1 << 20 || i === ROWS - 1) {
      at += writeSync(out, text);
      offsets.push([at, i + 1]);
      text = "";
    }
  }
});
after(() => kit.endAll());

const args = (...more) => ["import", "sightings", file, "--data", t.dir, "--no-rules", ...more];
const stored = async () => JSON.parse(await kit.must(["status", "--data", t.dir])).rows;
const mark = () => {
  const name = readdirSync(t.dir).find((f) => /^import-.*\.mark$/.test(f));
  return name ? readFileSync(join(t.dir, name), "utf8") : "";
};
const rejects = () => readdirSync(join(t.dir, "rejects")).map((f) => readFileSync(join(t.dir, "rejects", f), "utf8")).join("")
  .split("\n").filter((l) => /^\d/.test(l)).map((l) => Number(l.split(",")[0]));
const sum = (out) => /(\d+) rows taken, (\d+) known already, (\d+) rejected/.exec(out).slice(1).map(Number);

/** Runs the import and kills it as soon as its mark is another than before. One processor, one builder: only two runs
 * are in memory, so the mark comes while the third is read. */
function killedAtMark(before) {
  const child = spawn("taskset", ["-c", "0", kit.bin, ...args()], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "", killed = false;
  child.stdout.on("data", (d) => (out += d));
  child.stderr.on("data", (d) => (out += d));
  const poll = setInterval(() => {
    if (!killed && mark() !== before) killed = child.kill("SIGKILL");
  }, 2);
  return new Promise((done) => child.on("exit", (status, signal) => {
    clearInterval(poll);
    done({ out, killed: signal === "SIGKILL" });
  }));
}

test("killed at a mark, it goes on there; nothing is lost and nothing doubled", async () => {
  const first = await killedAtMark("");
  assert.ok(first.killed, first.out);
  const [offset, line] = mark().split(" ").map(Number);
  assert.ok(offset > 0 && offset < statSync(file).size, mark());
  const before = offsets.findLast(([at]) => at <= offset)?.[1] ?? 0; // rows surely before the mark
  assert.ok(line - 2 >= before, `line ${line} of a mark behind ${before} rows`);
  const kept = await stored();
  assert.ok(kept >= line - 2 - 2, `${kept} rows are stored, the mark is at line ${line}`); // two of them were refused
  assert.deepEqual(rejects().filter((l) => l < line), [...refused].map((i) => i + 2).filter((l) => l < line), "what was refused before the mark is told");

  const second = await kit.tongqu(args(), { timeout: 600000 });
  assert.equal(second.status, 0, second.err);
  assert.match(second.err, new RegExp(`going on at byte ${offset} `));
  const [taken, known, wrong] = sum(second.out);
  assert.equal(taken + known + wrong, ROWS - (line - 2), second.out);
  assert.equal(taken, ROWS - refused.size - kept, second.out);
  assert.equal(await stored(), ROWS - refused.size);
  assert.deepEqual([...new Set(rejects())].sort((a, b) => a - b), [...refused].map((i) => i + 2));
  const third = await kit.must(args());
  assert.match(third, /0 rows taken, 0 known already, 0 rejected/);
});

test("what is imported again is known, row by row", async () => {
  const out = await kit.must(args("--again"), { timeout: 600000 });
  assert.deepEqual(sum(out), [0, ROWS - refused.size, refused.size], out);
  assert.equal(await stored(), ROWS - refused.size);
});

test("what is refused and cannot be written down ends the import, and nothing of it is skipped", async () => {
  const u = await kit.town({ people: [], watches: false });
  const csv = join(u.tmp, "few.csv");
  writeFileSync(csv, `plate,site,time_ms,lane\n晋A00001,${kit.SITES[0]},${end - 5000},1\n晋A00002,${kit.SITES[0]},when,1\n`);
  writeFileSync(join(u.dir, "rejects"), "not a folder");
  const few = ["import", "sightings", csv, "--data", u.dir, "--no-rules"];
  const failed = await kit.tongqu(few);
  assert.equal(failed.status, 1, failed.out + failed.err);
  assert.match(failed.err, /what is refused cannot be written/);
  rmSync(join(u.dir, "rejects"));
  await kit.must(few);
  assert.equal(readdirSync(join(u.dir, "rejects")).length, 1, "the line is read again");
  assert.equal(JSON.parse(await kit.must(["status", "--data", u.dir])).rows, 1);
});
