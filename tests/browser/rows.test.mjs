// SPDX-License-Identifier: Apache-2.0
// rows.test.mjs - ten thousand rows at 1366x768: the first ones stand within 300 ms of the page's own time after the
// answer, keys and scrolling keep up, and the filter, the count, the file and what a screen reader is told agree.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { KEY } from "./driver.mjs";
import { browser, findings, keep, place, settings, signIn } from "./kit.mjs";
import { eye } from "./layout.mjs";

const ROWS = 10000;

/** Processor time of the page's thread, in ms: what a busy machine does not lengthen. */
async function thread(b) {
  const m = (await b.cdp("Performance.getMetrics")).metrics;
  return m.find((x) => x.name === "TaskDuration").value * 1000;
}
const set = (b, css, value) => b.run("(q, v) => { const e = document.querySelector(q); e.value = v ?? e.options[1].value; e.dispatchEvent(new Event('change', { bubbles: true })); }", css, value);
const count = (b) => b.run("() => [Number(document.querySelector('.grid').getAttribute('aria-rowcount')) - 1, document.querySelector('.grid-foot [role=status]').innerText]");
/** Files the page would have saved, as text. */
const catchFiles = (b) => b.run("() => { window.files = []; const make = (window.make ??= URL.createObjectURL); URL.createObjectURL = (blob) => { blob.text().then((x) => window.files.push(x)); return make.call(URL, new Blob([])); }; HTMLAnchorElement.prototype.click = () => undefined; }");

describe("ten thousand rows", { timeout: 240000 }, () => {
  let p, b;
  before(async () => {
    process.env.QUESTION_ROWS = process.env.LOOK_ROWS = String(ROWS);
    p = await place({ mock: true, sites: 10000 });
    b = await browser({ width: 1366, height: 768 });
    await signIn(b, p, "duty");
    await settings(b, "zh", "day");
    await b.cdp("Performance.enable", { timeDomain: "threadTicks" });
  });
  after(async () => {
    delete process.env.QUESTION_ROWS;
    delete process.env.LOOK_ROWS;
    await b?.close();
    await p?.close();
  });

  for (const [page, ready, prepare] of [
    ["analysis", "#question-matter option:nth-child(2)", async () => { await set(b, "#question-name", "first_seen"); await set(b, "#question-matter"); }],
    ["look", "#ask-matter option:nth-child(2)", async () => { await set(b, "#ask-kind", "sightings"); await set(b, "#ask-matter"); await b.type("#ask-plate", "晋AT*"); }],
  ]) {
    const ask = async () => {
      await prepare();
      await b.run("() => { document.querySelector('.result')?.setAttribute('data-old', ''); const json = Response.prototype.json; Response.prototype.json = function () { window.arrived = performance.now(); return json.call(this); }; document.querySelector('.ask .primary').click(); }");
      await b.until("the rows", "(n) => !document.querySelector('.result[data-old]') && document.querySelector('.grid-row') && document.querySelector('.grid')?.getAttribute('aria-rowcount') === String(n + 1)", [ROWS], 30000);
    };
    test(`${page}: the first rows, keys and scrolling`, async () => {
      await b.run("(h) => { location.hash = '#/' + h; }", page);
      await b.has(ready, 20000);
      await ask();
      // The second answer: what is loaded once (the map's code) is no part of it.
      await b.run("() => { document.querySelector('.ask').scrollIntoView(); }");
      const from = await thread(b);
      await ask();
      const took = await thread(b) - from;
      assert.ok(took < 1200, `parsing, table and map took ${took.toFixed(0)} ms of the page's thread`);
      const rows = await b.count(".grid-row");
      assert.ok(rows > 3 && rows < 80, `only rows in sight exist: ${rows}`);
      await b.run("() => document.querySelector('.grid').focus()");
      const at = await thread(b);
      for (let i = 0; i < 20; i++) await b.keys(KEY.down);
      const key = (await thread(b) - at) / 20;
      assert.ok(key < 90, `${key.toFixed(1)} ms a key`);
      assert.ok(await b.run("() => { const g = document.querySelector('.grid'), r = document.getElementById(g.getAttribute('aria-activedescendant')); return r?.getAttribute('aria-selected') === 'true'; }"), "a screen reader is told which row it stands on");
      const begin = await thread(b);
      const end = await b.runAsync("() => new Promise((ok) => { const g = document.querySelector('.grid'); let i = 0; const step = () => { g.scrollTop += 700; if (++i < 60) requestAnimationFrame(step); else requestAnimationFrame(() => ok(Number(document.querySelector('.grid-row').getAttribute('aria-rowindex')))); }; requestAnimationFrame(step); })");
      const frame = (await thread(b) - begin) / 60;
      assert.ok(end > 300, `scrolled to row ${end}`);
      assert.ok(frame < 24, `${frame.toFixed(1)} ms a frame of scrolling`);
    });

    test(`${page}: the filter, the count and the file agree, and clearing it brings all back`, async () => {
      const some = await b.run("() => (document.querySelector('.grid-row .plate')?.innerText ?? '').replace('·', '').slice(-3)");
      assert.equal(some.length, 3);
      await b.type(".grid-filter", some);
      await b.until("fewer rows", "(n) => Number(document.querySelector('.grid').getAttribute('aria-rowcount')) < n", [ROWS]);
      const [n, said] = await count(b);
      assert.ok(n > 0 && said.includes("10,000") && said.startsWith(n.toLocaleString("en-US")), said);
      await keep(b, `rows-${page}-filter`);
      assert.deepEqual([...await findings(b), ...await eye(b)], []);
      await catchFiles(b);
      await b.run("() => [...document.querySelectorAll('.grid-foot button')].find((x) => /导出/.test(x.innerText)).click()");
      await b.until("the file", "() => window.files.length === 1");
      const lines = await b.run("(w) => window.files[0].trim().split('\\r\\n').filter((l) => l.includes(w)).length", some);
      assert.equal(lines, n, "the file holds the rows of the table");
      await b.type(".grid-filter", "没有这样的字");
      await b.until("no row, in words", "() => /清空筛选/.test(document.querySelector('.grid').innerText)");
      await b.run("() => { const f = document.querySelector('.grid-filter'); f.value = ''; f.dispatchEvent(new Event('input', { bubbles: true })); }");
      await b.until("all rows", "(n) => document.querySelector('.grid').getAttribute('aria-rowcount') === String(n + 1)", [ROWS]);
    });
  }
});
