// SPDX-License-Identifier: Apache-2.0
// analysis.test.mjs - the page of questions in a real browser: its form is drawn from the rows of the daemon, an answer
// of 10,000 rows stays usable at 1366x768, a refusal says how to do it right, a wrong parameter is marked.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { KEY } from "./driver.mjs";
import { browser, findings, keep, place, settings, signIn } from "./kit.mjs";

describe("analysis", { timeout: 240000 }, () => {
  let p, b;
  before(async () => {
    process.env.QUESTION_ROWS = "10000";
    p = await place({ mock: true });
    b = await browser({ width: 1366, height: 768 });
    await signIn(b, p, "analyst");
    await settings(b, "zh", "day");
    await b.has(".frame");
    await b.keys("g", "q");
    await b.has("#question-name");
  });
  after(async () => {
    await b?.close();
    await p?.close();
  });
  const choose = (name) => b.run("(n) => { const s = document.querySelector('#question-name'); s.value = n; s.dispatchEvent(new Event('change', { bubbles: true })); }", name);
  const ask = () => b.run("() => document.querySelector('.ask button.primary').click()");

  test("without a matter it is refused, and the refusal says how to do it right", async () => {
    await choose("first_seen");
    await b.run("() => { const s = document.querySelector('#question-matter'); s.value = ''; s.dispatchEvent(new Event('change', { bubbles: true })); }");
    await ask();
    await b.has(".refusal[data-code=look_no_matter]");
  });

  test("10,000 rows: table, map, scrolling and sorting keep up; nothing hangs out of the window", async () => {
    await b.until("matters are there", "() => document.querySelectorAll('#question-matter option').length > 1");
    await b.run("() => { const s = document.querySelector('#question-matter'); s.selectedIndex = [...s.options].findIndex((o) => /HC-/.test(o.value)); s.dispatchEvent(new Event('change', { bubbles: true })); }");
    await ask();
    await b.until("the rows", "() => /10,000/.test(document.querySelector('.grid-foot')?.innerText ?? '')", [], 20000);
    const state = await b.run("() => ({ rows: document.querySelectorAll('.grid-row').length, map: !!document.querySelector('.map-canvas canvas, .map-canvas'), wide: document.documentElement.scrollWidth, heads: [...document.querySelectorAll('.grid-head .cell')].map((x) => x.innerText.trim()), table: document.querySelector('.grid-body').parentElement.clientHeight, coverage: document.querySelector('.coverage summary')?.innerText })");
    assert.ok(state.rows > 5 && state.rows < 80, `only rows in sight exist: ${state.rows}`);
    assert.ok(state.map && state.wide <= 1366, JSON.stringify(state));
    assert.deepEqual(state.heads.slice(0, 2), ["号牌", "首次点位"]);
    assert.ok(state.table > 180, `the table has room: ${state.table}`);
    assert.ok(state.coverage, "the coverage is stated");
    const took = await b.run("() => { const t = performance.now(); document.querySelectorAll('.grid-head button')[3].click(); return performance.now() - t; }");
    assert.ok(took < 1500, `sorting took ${took} ms`); // a busy machine is slow, a quadratic sort is slower
    // Sorting starts again at the top, when it is drawn: so the scroll is asked for until it stands.
    await b.until("rows further down", "() => { document.querySelector('.grid-body').parentElement.scrollTop = 170000; return Number(document.querySelector('.grid-row')?.getAttribute('aria-rowindex')) > 4000; }");
    await keep(b, "analysis-10000-1366");
    assert.deepEqual(await findings(b), []);
  });

  test("a row opens its pictures by one key, and only when asked; another row closes them", async () => {
    await b.run("() => { document.querySelector('.grid-body').parentElement.scrollTop = 0; }");
    await choose("plate_like");
    await choose("first_seen");
    await ask();
    await b.until("the answer", "() => document.querySelector('.grid-row[aria-rowindex=\"2\"]')");
    await b.run("() => document.querySelector('.grid-row[aria-rowindex=\"2\"]').click()");
    assert.equal(await b.run("() => document.querySelectorAll('.shot').length"), 0, "a picture is a record: none opens by itself");
    await b.until("the button", "() => /2/.test(document.querySelector('.grid-foot button[aria-pressed]')?.innerText ?? '')");
    await b.run("() => document.querySelector('.grid-foot button[aria-pressed]').click()");
    await b.until("two pictures", "() => document.querySelectorAll('.shot img').length === 2");
    assert.match(await b.run("() => document.querySelector('.shot img').getAttribute('src')"), /^\/api\/v1\/pictures\/\d+-\d+-00000000\?look=\d+$/);
    await keep(b, "analysis-pictures-1366");
    assert.deepEqual(await findings(b), []);
    await b.run("() => document.querySelector('.grid-row[aria-rowindex=\"3\"]').click()");
    await b.until("they are closed", "() => document.querySelectorAll('.shot').length === 0");
    assert.equal(await b.run("() => document.querySelector('.grid-foot button[aria-pressed]').disabled"), true, "this row has none");
  });

  test("every kind of parameter has its field; a wrong one is marked", async () => {
    await choose("first_seen");
    await b.type("#question-quiet_days", "999");
    await b.run("() => document.querySelector('.ask').noValidate = true");
    await ask();
    await b.has("#question-quiet_days[aria-invalid=true]");
    await choose("companions");
    await b.has("#question-plates");
    await b.has("#question-sites");
    await choose("collide");
    await b.run("() => document.querySelector('.windows > button').click()");
    await b.has(".window");
    await b.run("() => document.querySelector('.windows > button').click()");
    await b.until("two windows", "() => document.querySelectorAll('.window').length === 2");
    await keep(b, "analysis-windows");
    assert.deepEqual(await findings(b), []);
    await b.keys(KEY.escape);
  });
});
