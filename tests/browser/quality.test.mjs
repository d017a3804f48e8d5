// SPDX-License-Identifier: Apache-2.0
// quality.test.mjs - data quality by device and by vendor; ten thousand rows stay usable.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { KEY } from "./driver.mjs";
import { browser, findings, keep, place, settings, signIn } from "./kit.mjs";

describe("data quality", { timeout: 240000 }, () => {
  let p, b;
  before(async () => {
    p = await place({ mock: true, sites: 10000 });
    b = await browser({ width: 1366, height: 768 });
    await signIn(b, p, "admin");
    await settings(b, "zh", "night");
    await b.go(p.url + "/#/devices");
    await b.has(".pagetabs button");
    await b.run("() => document.querySelectorAll('.pagetabs button')[1].click()");
    await b.has(".grid-row");
  });
  after(async () => { await b?.close(); await p?.close(); });

  test("the worst device stands first and shows its slips with a sample", async () => {
    await b.keys("j");
    await b.has(".card table.rows");
    assert.match(await b.text(".card"), /HasPlate=1/);
    assert.deepEqual(await findings(b), []);
    await keep(b, "quality");
  });

  test("ten thousand rows scroll and sort without waiting", async () => {
    const ms = await b.runAsync("() => new Promise((done) => { const g = document.querySelector('.grid'); const at = performance.now(); g.scrollTop = 150000; requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - at))); })");
    assert.ok(ms < 250, `${ms} ms, two frames and a busy machine included`);
    assert.ok((await b.count(".grid-row")) < 80);
    const sorted = await b.run("() => { const at = performance.now(); document.querySelectorAll('.head-button')[1].click(); return performance.now() - at; }");
    assert.ok(sorted < 300, `sorting took ${sorted} ms`);
  });

  test("vendors are summed by one key, and opened by Enter", async () => {
    await b.run("() => document.activeElement?.blur()");
    await b.keys("v");
    await b.until("four vendors", "() => document.querySelectorAll('.pane .grid-row').length === 4");
    await b.keys("j", KEY.enter);
    await b.until("its devices", "() => document.querySelectorAll('.pane .grid-row').length > 10");
    await b.keys(KEY.escape);
    await b.until("vendors again", "() => document.querySelectorAll('.pane .grid-row').length === 4");
  });
});
