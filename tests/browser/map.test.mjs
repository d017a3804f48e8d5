// SPDX-License-Identifier: Apache-2.0
// map.test.mjs - ten thousand sites on the map: bubbles that hold all of them, fall apart on zoom, are read and walked
// from a list, and cost less than half a frame of the page's own processor time at 3840x2160.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { KEY } from "./driver.mjs";
import { browser, findings, keep, place, signIn } from "./kit.mjs";
import { eye } from "./layout.mjs";

const FRAMES = 120, BUDGET_MS = 8;

/** What the list says of the map: sites in all, groups, single ones. */
const figures = (b) => b.run("() => (document.querySelector('.map-groups [role=status]').innerText.match(/[\\d,]+/g) ?? []).map((x) => Number(x.replace(/,/g, '')))");
const counts = (b) => b.run("() => [...document.querySelectorAll('.map-groups [role=option] > b')].map((e) => Number(e.innerText.replace(/,/g, '')))");

describe("map of ten thousand sites", { timeout: 300000 }, () => {
  let p, b, placed;
  before(async () => {
    p = await place({ mock: true, sites: 10000 });
    b = await browser({ width: 1366, height: 768 });
    placed = p.mock.sites.filter((s) => s.lon !== null).length;
    await signIn(b, p, "duty");
    await b.has(".map-canvas canvas");
  });
  after(async () => { await b?.close(); await p?.close(); });

  test("every site is in a bubble or single, and the list says so", async () => {
    await b.has(".map-buttons [aria-expanded]");
    await b.run("() => document.querySelector('.map-canvas').focus()");
    await b.keys(KEY.enter);
    await b.until("all sites in the list's sum", "(n) => document.querySelector('.map-groups [role=status]')?.innerText.replace(/,/g, '').includes(String(n))", [placed]);
    const [all, groups, single] = await figures(b), rows = await counts(b);
    assert.equal(all, placed);
    assert.ok(groups > 20 && groups < 400, `${groups} bubbles`);
    assert.equal(rows.length, Math.min(groups, 200));
    if (groups <= 200) assert.equal(rows.reduce((x, y) => x + y, 0) + single, placed);
    assert.match(await b.text(".map-groups [role=option]"), /离线/, "the worst comes first and is said in a word");
    await keep(b, "map-groups");
    assert.deepEqual([...await findings(b), ...await eye(b)], []);
  });

  test("the keyboard enters bubbles until none is left, and comes back to the map", async () => {
    let before_ = await figures(b);
    for (let i = 0; i < 14 && before_[1] > 0; i++) {
      await b.keys(KEY.enter);
      await b.until("fewer sites in sight", "(n) => { const s = document.querySelector('.map-groups [role=status]'); return !s || Number((s.innerText.match(/[\\d,]+/g) ?? ['0'])[0].replace(/,/g, '')) < n; }", [before_[0]]);
      if (!await b.count(".map-groups")) break;
      before_ = await figures(b);
    }
    if (await b.count(".map-groups")) {
      assert.equal(before_[1], 0, "no bubble is left");
      await b.keys(KEY.escape);
      await b.until("the list closed", "() => !document.querySelector('.map-groups')");
      assert.equal(await b.run("() => document.activeElement.getAttribute('aria-expanded')"), "false", "focus is back on the list's button");
    }
    await b.run("() => document.querySelector('.map-canvas').focus()");
    await b.keys("0");
    await b.keys(KEY.enter);
    await b.until("the whole city again", "(n) => document.querySelector('.map-groups [role=status]')?.innerText.replace(/,/g, '').includes(String(n))", [placed]);
    await b.keys(KEY.escape);
  });

  test("dragging and zooming at 3840x2160 leaves half of each frame free", async () => {
    await b.size(3840, 2160);
    await b.has(".map-canvas canvas");
    await b.cdp("Performance.enable", { timeDomain: "threadTicks" });
    const busy = async () => (await b.cdp("Performance.getMetrics")).metrics.find((x) => x.name === "ScriptDuration").value * 1000;
    const at = await busy();
    const drawn = await b.runAsync(`(frames) => new Promise((ok) => {
      const el = document.querySelector(".map-canvas .ol-viewport"), r = el.getBoundingClientRect();
      const ev = (on, t, x, y, buttons) => on.dispatchEvent(new PointerEvent(t, { bubbles: true, pointerId: 1, isPrimary: true, pointerType: "mouse", button: 0, buttons, clientX: x, clientY: y }));
      const x = r.left + r.width / 2, y = r.top + r.height / 2;
      let i = 0;
      ev(el, "pointerdown", x, y, 1);
      const step = () => {
        i++;
        if (i < frames / 2) ev(document, "pointermove", x + i * 4, y + i * 2, 1);
        else if (i === frames / 2) ev(document, "pointerup", x, y, 0);
        else el.dispatchEvent(new WheelEvent("wheel", { bubbles: true, cancelable: true, deltaY: i < frames * 0.75 ? -40 : 40, clientX: x, clientY: y }));
        if (i < frames) requestAnimationFrame(step); else ok(i);
      };
      requestAnimationFrame(step);
    })`, FRAMES);
    const each = (await busy() - at) / drawn;
    await keep(b, "map-3840");
    assert.ok(each < BUDGET_MS, `${each.toFixed(2)} ms of script a frame`);
  });
});
