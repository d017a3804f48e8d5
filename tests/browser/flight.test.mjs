// SPDX-License-Identifier: Apache-2.0
// flight.test.mjs - the contact sheet: a matter opened on the page, the funnel run, verdicts given by key alone, kept
// with the matter over a reload, taken back, and a hundred of them in a row.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { browser, keep, place, settings, signIn } from "./kit.mjs";

describe("hit-and-run", { timeout: 240000 }, () => {
  let p, b;
  before(async () => {
    p = await place({ mock: true });
    b = await browser();
    await b.size(1366, 768);
    await signIn(b, p, "analyst");
    await settings(b, "zh", "night");
    await b.has(".frame");
    await b.keys("g", "f");
    await b.has("#fl-where");
  });
  after(async () => {
    await b?.close();
    await p?.close();
  });
  const matter = () => [...p.mock.matters.values()].find((m) => m.kind === "flight");
  const plate = () => b.run("() => document.querySelector('.sheet-card')?.dataset.plate ?? ''");
  const run = async () => { await b.click(".ask .primary"); await b.has(".sheet-card"); };
  const settled = async (n) => { for (let i = 0; i < 100 && matter().journal.length !== n; i++) await sleep(50); assert.equal(matter().journal.length, n); };

  test("without a matter it is refused in words, with a way on", async () => {
    await b.type("#fl-where", "112.55,37.87");
    await b.click(".ask .primary");
    await b.has("#fl-error");
    assert.match(await b.text("#fl-error"), /事项/);
    await b.click("#fl-error button");
    await b.has("#nm-kind");
    await b.run("() => { const s = document.querySelector('#nm-kind'); s.value = 'flight'; s.dispatchEvent(new Event('change', { bubbles: true })); }");
    await b.type("#nm-title", "迎泽大街肇事逃逸");
    await b.click(".form .primary");
    await b.has("#fl-where");
    assert.ok(matter(), "the matter is open");
  });

  test("yes, maybe and no by one key each; the next vehicle comes by itself", async () => {
    await run();
    assert.equal(await b.count(".funnel li"), 5);
    const first = await plate();
    await b.keys("y");
    const second = await plate();
    assert.notEqual(second, first);
    await b.keys("m");
    await b.keys("x");
    await settled(4);
    assert.deepEqual(matter().journal.slice(1).map((j) => [j.move, j.fields.verdict]), [["judge_candidate", "fits"], ["judge_candidate", "perhaps"], ["judge_candidate", "excluded"]]);
    assert.equal(matter().journal[1].fields.candidate, first);
    assert.ok(matter().journal[1].fields.upstream_pass);
    await keep(b, "flight-1366");
  });

  test("a verdict is taken back by one key; the entry stays, the verdict is gone", async () => {
    const third = matter().journal[3].fields.candidate;
    await b.keys("u");
    await settled(5);
    assert.deepEqual([matter().journal[4].fields.candidate, matter().journal[4].fields.verdict], [third, "undone"]);
    assert.equal(await plate(), third);
    assert.match(await b.text(".sheet-head .progress"), /2 \/ 120/);
  });

  test("verdicts come back with the matter after a reload", async () => {
    await b.reload();
    await b.has("#fl-where");
    await run();
    await b.until("the progress", "(s) => /2 \\/ 120/.test(document.querySelector(s)?.innerText ?? '')", [".sheet-head .progress"], 5000);
    await b.click(".sheet-head .tabs button:nth-child(3)");
    assert.equal(await b.count(".sheet .grid-row"), 2);
    await b.click(".sheet-head .tabs button:nth-child(1)");
  });

  test("a hundred in a row, each kept once", async () => {
    const before_n = matter().journal.length;
    await b.click(".sheet-head .tabs button:nth-child(2)");
    for (let i = 0; i < 100; i++) await b.keys("x");
    await settled(before_n + 100);
    const seen = new Set(matter().journal.slice(before_n).map((j) => j.fields.candidate));
    assert.equal(seen.size, 100);
    assert.match(await b.text(".sheet-head .progress"), /102 \/ 120/);
  });

  test("a clip comes in, its clock is set by a pass on the sheet, a frame is marked, the span narrows to it", async () => {
    const had = matter().journal.length;
    await b.click(".clips summary");
    await b.run("() => { const d = new DataTransfer(); d.items.add(new File(['clip'], 'shop.mp4', { type: 'video/mp4' })); const f = document.querySelector('#clip-file'); f.files = d.files; f.dispatchEvent(new Event('change', { bubbles: true })); }");
    await b.has(".clip-frame");
    await settled(had + 1);
    assert.equal(await b.count("#clip-site"), 0, "no marks before the clock is set");
    await b.run("() => { const r = document.querySelector('.clips input[type=range]'); r.value = 12000; r.dispatchEvent(new Event('input', { bubbles: true })); const s = document.querySelector('#clip-pass'); s.value = s.options[1].value; s.dispatchEvent(new Event('change', { bubbles: true })); }");
    await b.run("() => document.querySelector('#clip-pass').parentElement.querySelector('button').click()");
    await settled(had + 2);
    const clock = matter().journal.at(-1).fields;
    assert.equal(clock.clip_zero, Number(clock.known_pass.split("-")[0]) - 12000);
    await b.has("#clip-site");
    await b.type("#clip-site", p.mock.sites[0].name);
    await b.run("() => [...document.querySelectorAll('.clips .line')].at(-1).querySelectorAll('button')[0].click()");
    await settled(had + 3);
    assert.equal(matter().journal.at(-1).fields.marked_at, clock.clip_zero + 12000);
    await keep(b, "flight-clip");
    await b.run("() => [...document.querySelectorAll('.clips .line')].at(-1).querySelectorAll('button')[1].click()");
    const span = await b.run("() => [...document.querySelectorAll('.ask input[data-kind=moment]')].map((i) => i.value)");
    assert.equal(span.length, 2);
  });

  test("it fits a wall screen and a desk", async () => {
    await b.click(".sheet-head .tabs button:nth-child(1)");
    for (const [w, h] of [[3840, 2160], [1366, 768]]) {
      await b.size(w, h);
      await b.settled();
      assert.equal(await b.run("() => document.documentElement.scrollWidth > innerWidth + 1"), false, `${w} wide`);
      await keep(b, `flight-${w}`);
    }
  });
});
