// SPDX-License-Identifier: Apache-2.0
// sleep.test.mjs - a laptop that slept, and a line that died without a word: the page finds out by itself, shows every
// alarm once, and its clock is right.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { browser, place, signIn } from "./kit.mjs";

/** The browser's own processes, by its profile: stopped they are as a machine asleep, while the daemon goes on. */
function processes(b) {
  return readdirSync("/proc").filter((x) => /^\d+$/.test(x)).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(b.profile);
    } catch {
      return false;
    }
  }).map(Number);
}
const shown = (b) => b.run("() => Number(document.querySelector('.tabs .num').innerText)");
const second = (b) => b.run("() => { const [h, m, s] = /(\\d\\d):(\\d\\d):(\\d\\d)/.exec(document.querySelector('.top').innerText).slice(1).map(Number); return h * 3600 + m * 60 + s; }");
/** Seconds between the page's clock and the daemon's (the mock lives in Shanghai). */
async function off(b) {
  const d = new Date(Date.now() + 8 * 3600000), at = d.getUTCHours() * 3600 + d.getUTCMinutes() * 60 + d.getUTCSeconds();
  const x = Math.abs(await second(b) - at);
  return Math.min(x, 86400 - x);
}

describe("asleep and awake", { timeout: 300000 }, () => {
  let p, b;
  beforeEach(async () => {
    p = await place({ mock: true });
    b = await browser();
    await signIn(b, p, "duty");
    await b.run("() => { location.hash = '#/alarms'; }");
    await b.has(".link-ok");
    await b.has(".qrow");
  });
  afterEach(async () => {
    await b?.close();
    await p?.close();
  });
  const whole = async (want, ms) => {
    await b.until(`${want} alarms`, "(n) => Number(document.querySelector('.tabs .num').innerText) === n", [want], ms);
    await sleep(1500);
    assert.equal(await shown(b), want, "each stands once");
    assert.equal(await b.count(".link-ok"), 1);
    assert.ok(await off(b) <= 2, "the clock is right");
  };

  test("a laptop sleeps for twenty seconds while alarms come and its line is cut", async () => {
    const n = await shown(b), all = processes(b);
    assert.ok(all.length > 2, `${all.length} processes of the browser`);
    try {
      for (const pid of all) process.kill(pid, "SIGSTOP");
      p.mock.raise();
      p.mock.raise();
      await sleep(10000);
      p.mock.cut();
      p.mock.raise();
      await sleep(10000);
    } finally {
      for (const pid of all) process.kill(pid, "SIGCONT");
    }
    await whole(n + 3, 15000);
  });

  test("a daemon that says it goes is asked for until it is back", async () => {
    const n = await shown(b);
    p.mock.bye("shutdown");
    await b.until("the line is lost", "() => !document.querySelector('.link-ok')", [], 5000);
    p.mock.raise();
    await whole(n + 1, 20000);
    assert.equal(p.mock.streams(), 1);
  });

  test("a tab that was given up while it was frozen is heard again", async () => {
    const n = await shown(b);
    await b.run("() => { dispatchEvent(new Event('pagehide')); }");
    p.mock.raise();
    await whole(n + 1, 20000);
  });

  test("a line that says nothing any more is given up", async () => {
    const n = await shown(b);
    assert.equal(p.mock.hush(), 1, "nothing is closed, nothing is said");
    p.mock.raise();
    await sleep(3000);
    assert.equal(await shown(b), n, "the page does not know yet");
    await whole(n + 1, 45000);
    assert.equal(p.mock.streams(), 1);
  });
});
