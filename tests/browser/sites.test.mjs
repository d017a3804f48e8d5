// SPDX-License-Identifier: Apache-2.0
// sites.test.mjs - sites that ail stand first and say why; the board explains itself row by row.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { KEY } from "./driver.mjs";
import { browser, findings, keep, place, settings, signIn } from "./kit.mjs";

describe("sites and the board", { timeout: 240000 }, () => {
  let p, b;
  before(async () => {
    p = await place({ mock: true, sites: 800 });
    b = await browser({ width: 1366, height: 768 });
    await signIn(b, p, "duty");
    await settings(b, "zh", "night");
  });
  after(async () => { await b?.close(); await p?.close(); });

  test("troubled sites stand first; the first one says why and since when", async () => {
    await b.go(p.url + "/#/sites");
    await b.has(".grid-row");
    const states = await b.run("() => [...document.querySelectorAll('.grid-row')].slice(0, 12).map((r) => r.querySelector('.tag').innerText)");
    assert.equal(states[0], "离线");
    assert.ok(!states.includes("正常"), states.join());
    await b.keys("j");
    await b.has(".card .reason");
    assert.match(await b.text(".card .reason"), /心跳中断/);
    await b.until("the flow chart", "() => !!document.querySelector('.card canvas')");
    await b.has(".card h3");
    assert.match(await b.text(".card"), /逐日情况/);
    assert.deepEqual(await findings(b), []);
    await keep(b, "sites-reason");
  });

  test("the chart is split by lane and shows its table with what is usual", async () => {
    await b.run("() => { const s = document.querySelector('select[aria-label=\"分类方式\"]'); s.value = 'lane'; s.dispatchEvent(new Event('change', { bubbles: true })); }");
    await b.until("lanes in the chart", "() => !!document.querySelector('.card canvas')");
    await b.run("() => [...document.querySelectorAll('.card button')].find((x) => x.innerText === '表格').click()");
    await b.until("the table", "() => [...document.querySelectorAll('.card .grid-head .cell')].some((c) => c.innerText.startsWith('平时'))");
    assert.ok((await b.count(".card .grid-row")) > 5);
    await b.run("() => [...document.querySelectorAll('.card button')].find((x) => x.innerText.startsWith('7')).click()");
    await b.until("no split for a week", "() => document.querySelector('.card').innerText.includes('超过一天只显示总量')");
  });

  test("a gantry shows how well its cameras and its radio work, by hours", async () => {
    await b.go(p.url + "/#/sites/8"); // the mock's gantries: 1, 8, 15 ...
    await b.until("the gantry's hours", "() => /门架健康/.test(document.querySelector('.card')?.innerText ?? '') && document.querySelectorAll('.card .scroll-x tbody tr').length === 24");
    const card = await b.text(".card");
    for (const word of ["交易成功率", "识别率", "配对率", "天线静默最长"]) assert.ok(card.includes(word), word);
    assert.match(card, /98\.[0-9]/);
    assert.deepEqual(await findings(b), []);
    await keep(b, "sites-gantry");
    await b.go(p.url + "/#/sites/2");
    await b.until("a camera", "() => !!document.querySelector('.card .stats')");
    assert.ok(!(await b.text(".card")).includes("门架健康"));
  });

  test("each measure opens its rows, by keyboard, and a row leads to its matter", async () => {
    await b.go(p.url + "/#/live");
    await b.has("button.measure-name");
    await b.run("() => document.querySelector('button.measure-name').focus()");
    await b.keys(KEY.enter);
    await b.has("dialog.board-rows .grid-row");
    assert.deepEqual(await findings(b), []);
    await b.keys("j");
    await b.has("dialog.board-rows .grid-row.on");
    await b.keys(KEY.enter);
    await b.until("the matter", "() => location.hash.startsWith('#/matters/')");
    assert.equal(await b.count("dialog.board-rows"), 0);
    await b.go(p.url + "/#/live");
    await b.has("button.measure-name");
    await b.run("() => document.querySelectorAll('button.measure-name')[2].click()");
    await b.has("dialog.board-rows .grid-row");
    assert.match(await b.text("dialog.board-rows"), /离线/);
    await b.keys(KEY.escape);
    await b.until("closed", "() => !document.querySelector('dialog.board-rows')");
  });
});
