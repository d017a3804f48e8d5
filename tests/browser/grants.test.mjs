// SPDX-License-Identifier: Apache-2.0
// grants.test.mjs - a second person decides: grants of old records, requests of other platforms; by keyboard.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { KEY } from "./driver.mjs";
import { browser, findings, keep, place, settings, signIn } from "./kit.mjs";

describe("grants and requests", { timeout: 240000 }, () => {
  let p, b;
  const tab = (group, n) => b.run("(g, i) => document.querySelectorAll(g)[i].click()", `${group} .tabs button`, n);
  before(async () => {
    p = await place({ mock: true });
    b = await browser({ width: 1366, height: 768 });
  });
  after(async () => { await b?.close(); await p?.close(); });

  test("a supervisor sees what waits first and gives it with one key", async () => {
    await signIn(b, p, "supervisor");
    await settings(b, "en", "day");
    await b.go(p.url + "/#/look");
    await b.has(".pagetabs button");
    await tab(".pagetabs", 1);
    await b.has(".pane-full .tabs button");
    await tab(".pane-full", 3);
    await b.has(".grid-row");
    assert.match(await b.text(".grid-row"), /waiting/);
    await b.keys("j");
    await b.has(".moves-bar");
    assert.deepEqual(await findings(b), []);
    await keep(b, "grants");
    await b.keys("a");
    await b.until("it is given", "() => /in force/.test(document.querySelector('.grid-row')?.innerText ?? '')");
  });

  test("an analyst asks for one and does not see those of others", async () => {
    await signIn(b, p, "analyst");
    await settings(b, "zh", "night");
    await b.go(p.url + "/#/look");
    await b.has(".pagetabs button");
    await tab(".pagetabs", 1);
    await b.run("() => [...document.querySelectorAll('.pane-full .tabs button')].find((x) => x.innerText === '查询授权').click()");
    await b.has(".grid-row");
    const before = await b.count(".grid-row");
    await b.keys("o");
    await b.has("#g-note");
    assert.deepEqual(await findings(b), []);
    await b.run("() => { const s = document.querySelector('#g-matter'); if (s.tagName === 'SELECT') { s.value = s.options[s.options.length - 1].value; s.dispatchEvent(new Event('change', { bubbles: true })); } }");
    if (await b.run("() => document.querySelector('#g-matter').tagName === 'INPUT'")) await b.type("#g-matter", "HC-20260301-0001");
    await b.type("#g-note", "核实旧案线索");
    await b.run("() => document.querySelector('.form-band .primary').click()");
    await b.until("one more", `() => document.querySelectorAll('.grid-row').length === ${before + 1}`);
    assert.match(await b.text(".grid-row"), /待审批/);
  });

  test("requests of other platforms are taken or refused by keyboard", async () => {
    await signIn(b, p, "admin");
    await settings(b, "zh", "night");
    await b.go(p.url + "/#/devices");
    await b.has(".pagetabs button");
    await tab(".pagetabs", 2);
    await b.has(".grid-row");
    await b.keys("j", "j");
    await b.has(".card .note");
    assert.match(await b.text(".card"), /涉案车辆布控/);
    assert.deepEqual(await findings(b), []);
    await b.keys("x");
    await b.until("it is refused", "() => /不予受理/.test(document.querySelector('.card .card-title')?.innerText ?? '')");
    await b.keys(KEY.escape);
  });
});
