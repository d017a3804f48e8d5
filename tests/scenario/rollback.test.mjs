// SPDX-License-Identifier: Apache-2.0
// Yesterday's copy of the data directory put in place of today's, and parts of it that are gone: it is told, and nothing
// that proves it is written over.
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import * as kit from "./kit.mjs";

afterEach(kit.endAll);

/** A stop's own head goes out with the next start. */
async function lived(t, head) {
  const d = await kit.serve(t.dir, ["--head-to", head]);
  await kit.until("a head outside", () => existsSync(head));
  return d;
}

test("a directory set back to an older copy is told against the head outside, which stays", async () => {
  const t = await kit.town({ people: ["duty"], watches: false }), head = join(t.tmp, "head"), old = join(t.tmp, "old");
  let d = await lived(t, head);
  await d.stop();
  cpSync(t.dir, old, { recursive: true });

  d = await lived(t, head); /* today: somebody looks around, then the directory is set back */
  const p = await kit.person(d.url, "duty");
  const { id } = await p.want(201, "POST", "/matters", { kind: "inquiry", title: "核查" });
  await p.want(200, "POST", "/looks", { kind: "trajectory", matter: id, purpose: "inquiry", plate: kit.plain(1), from_ms: Date.now() - 3600000, to_ms: Date.now() });
  await d.stop();
  await (await lived(t, head)).stop();
  const before = readFileSync(head, "utf8"), number = Number(before.split(" ")[2]);
  rmSync(t.dir, { recursive: true });
  cpSync(old, t.dir, { recursive: true });

  d = await lived(t, head);
  const kept = `${head}.ahead-${number}`;
  assert.equal(readFileSync(kept, "utf8"), before, "the proof is kept");
  assert.match(d.log, /event=audit_behind outside=\d+ record=\d+ /);
  const auditor = await kit.person(d.url, "audit2");
  const said = await kit.until("a finding", async () => (await auditor.want(200, "GET", "/system")).findings.find((f) => /older copy/.test(f.text.en)));
  assert.equal(said.level, "red");
  const [row] = (await auditor.want(200, "GET", "/audit?what=audit.behind")).items;
  assert.equal(row.outcome, "failed");
  assert.match(row.detail, new RegExp(`names record ${number}, `));
  await kit.until("the next head", () => existsSync(head) && readFileSync(head, "utf8") !== before);
  await d.stop();
  assert.equal((await kit.verify([t.dir, "--head", head])).status, 0, "what is here is whole in itself");
  const bad = await kit.verify([t.dir, "--head", kept]);
  assert.equal(bad.status, 3, "and not what it was");
  d = await kit.serve(t.dir, ["--head-to", head]); /* from here on the head fits again */
  await d.stop();
  assert.doesNotMatch(d.log, /audit_behind/);
});

test("a file that holds something else is not written over", async () => {
  const t = await kit.town({ people: [], watches: false }), other = t.file("other", "a shopping list\n");
  const r = await kit.tongqu(["serve", "--data", t.dir, "--listen", "127.0.0.1:0", "--head-to", other]);
  assert.equal(r.status, 2);
  assert.match(r.err, /other holds something else than signed heads/);
  assert.equal(readFileSync(other, "utf8"), "a shopping list\n");
});

test("parts of the directory that are gone are not begun anew in silence", async () => {
  const t = await kit.town({ people: ["duty"], watches: false }), whole = join(t.tmp, "whole");
  const d = await kit.serve(t.dir);
  const p = await kit.person(d.url, "duty");
  const { id } = await p.want(201, "POST", "/matters", { kind: "inquiry", title: "核查" });
  await p.want(200, "POST", "/looks", { kind: "trajectory", matter: id, purpose: "inquiry", plate: kit.plain(1), from_ms: Date.now() - 3600000, to_ms: Date.now() });
  await d.stop();
  cpSync(t.dir, whole, { recursive: true });
  const parts = [
    [["audit"], /the audit record \S*audit is missing: put it back, or restore a backup/],
    [["audit.key"], /the audit key \S*audit\.key is missing: put it back, or restore a backup/],
    [["audit", "audit.key"], /the audit key \S*audit\.key is missing/],
    [["ledger.db"], /the ledger \S*ledger\.db is missing: put it back, or restore a backup/],
    [["sight"], /the passes in \S*sight are missing: mount them or restore a backup/],
  ];
  for (const [gone, says] of parts) {
    rmSync(t.dir, { recursive: true });
    cpSync(whole, t.dir, { recursive: true });
    for (const part of gone) rmSync(join(t.dir, part), { recursive: true });
    for (const args of [["serve", "--listen", "127.0.0.1:0"], ["verify"], ["user", "list"]]) {
      const r = await kit.tongqu([...args, "--data", t.dir]);
      assert.equal(r.status, 3, `${gone} ${args[0]}: ${r.err}`);
      assert.match(r.err, says);
    }
    assert.ok(!existsSync(join(t.dir, gone.at(-1), "000000000001.tqa")) && (gone[0] !== "audit.key" || !existsSync(join(t.dir, "audit.key"))), "nothing was made anew");
  }
  mkdirSync(join(t.dir, "sight")); /* lost for good: as the message says */
  assert.equal((await kit.tongqu(["verify", "--data", t.dir])).status, 0);
});

test("an audit record that was cut below a look which the ledger knows does not open", async () => {
  const t = await kit.town({ people: ["duty"], watches: false }), old = join(t.tmp, "old");
  cpSync(t.dir, old, { recursive: true });
  const d = await kit.serve(t.dir);
  const p = await kit.person(d.url, "duty");
  const { id } = await p.want(201, "POST", "/matters", { kind: "inquiry", title: "核查" });
  await p.want(200, "POST", "/looks", { kind: "trajectory", matter: id, purpose: "inquiry", plate: kit.plain(1), from_ms: Date.now() - 3600000, to_ms: Date.now() });
  await d.stop();
  rmSync(join(t.dir, "audit"), { recursive: true });
  cpSync(join(old, "audit"), join(t.dir, "audit"), { recursive: true });
  const r = await kit.tongqu(["serve", "--data", t.dir, "--listen", "127.0.0.1:0"]);
  assert.equal(r.status, 3);
  assert.match(r.err, /the ledger knows look \d+ and the audit record ends at \d+: it was cut/);
});
