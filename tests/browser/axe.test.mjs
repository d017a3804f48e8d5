// SPDX-License-Identifier: Apache-2.0
// axe.test.mjs - every page, both languages, both themes: axe-core finds nothing serious or critical, nothing
// overflows sideways, and the page's console is silent.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { KEY } from "./driver.mjs";
import { browser, findings, keep, place, root, settings, signIn } from "./kit.mjs";

// Who sees which page, and what to do on it before looking.
const VIEWS = [
  ["duty", "/", "live", async (b) => { await b.has(".map-canvas canvas"); }],
  ["duty", "/", "alarms", async (b) => { await b.has(".qrow, .blank"); await b.keys("j", KEY.enter); await b.has(".card .moves-bar, .blank"); }],
  ["duty", "/", "matters", async (b) => { await b.has(".qrow, .blank"); await b.keys("o"); await b.has("#nm-title, .blank"); }],
  ["duty", "/", "look", async (b) => { await b.has("#ask-plate"); await b.type("#ask-plate", "晋ATI333A"); await b.click(".ask .primary"); await b.has(".refusal, .result"); }],
  ["duty", "/", "analysis", async (b) => { await b.has("#question-name"); await b.run("() => { const s = document.querySelector('#question-matter'); if (s.options.length > 1) { s.value = s.options[1].value; s.dispatchEvent(new Event('change', { bubbles: true })); } }"); await b.click(".ask .primary"); await b.has(".grid-row, .refusal, #question-error, .result .blank"); }],
  ["duty", "/", "flight", async (b) => { await b.has("#fl-where"); await b.run("() => { const s = document.querySelector('#fl-matter'); if (s.options.length > 1) { s.value = s.options[1].value; s.dispatchEvent(new Event('change', { bubbles: true })); } }"); await b.type("#fl-where", "112.55,37.87"); await b.click(".ask .primary"); await b.has(".sheet-card, #fl-error, .sheet .blank"); }],
  ["duty", "/", "sites", async (b) => { await b.has(".grid-row, .blank"); await b.keys("j"); await b.has(".card, .blank"); await sleep(600); }],
  ["duty", "/", "watches", async (b) => { await b.has(".pane-head button"); await b.keys("o"); await b.has("#w-plate"); }],
  ["duty", "/", "devices", async (b) => { await b.has(".grid-row, .blank"); }],
  ["duty", "/", "system", async (b) => { await b.has(".stats"); }],
  ["duty", "/", "system", async (b) => { await b.has(".tabs button"); await b.click(".tabs button:nth-child(2)"); await b.has(".grid-row"); }, "rules"],
  ["supervisor", "/", "users", async (b) => { await b.has(".grid-row"); await b.keys("j"); await b.has(".card"); }],
  ["supervisor", "/", "org", async (b) => { await b.has(".grid-row"); }],
  ["admin", "/", "users", async (b) => { await b.has(".grid-row"); await b.keys("o"); await b.has("#u-name"); }],
  ["admin", "/", "devices", async (b) => { await b.has(".grid-row, .blank"); await b.keys("o"); await b.has("#d-code"); }],
  ["auditor", "/", "audit", async (b) => { await b.has(".grid-row, .blank"); }],
  ["duty", "/wall", "wall", async (b) => { await b.has(".wall .map-canvas canvas"); }],
  ["duty", "/", "alarms", async (b) => { await b.has(".card, .blank"); await b.keys("?"); await b.has("dialog.help[open]"); }, "help", async (b) => { await b.keys(KEY.escape); }],
  ["duty", "/", "alarms", async (b) => { await b.keys("/"); await b.write("A"); await b.write("T"); await b.has(".search-hits"); }, "search", async (b) => { await b.keys(KEY.escape); }],
  ["supervisor", "/", "look", async (b) => { await b.has(".pagetabs"); await b.click(".pagetabs button:nth-child(2)"); await b.has(".grid-row, .blank"); }, "register"],
  ["supervisor", "/", "look", async (b) => { await b.has(".pagetabs"); await b.click(".pagetabs button:nth-child(2)"); await b.has(".pane-full .tabs"); await b.click(".pane-full .tabs button:nth-child(4)"); await b.has(".grid-row, .blank"); await b.keys("j"); }, "grants"],
  ["supervisor", "/", "analysis", async (b) => { await b.has(".split .pane"); }],
  ["admin", "/", "devices", async (b) => { await b.has(".pagetabs"); await b.click(".pagetabs button:nth-child(2)"); await b.has(".grid-row, .blank"); await b.keys("j"); await sleep(300); }, "quality"],
  ["admin", "/", "devices", async (b) => { await b.has(".pagetabs"); await b.click(".pagetabs button:nth-child(3)"); await b.has(".grid-row, .blank"); await b.keys("j"); await sleep(300); }, "requests"],
  ["supervisor", "/", "watches", async (b) => { await b.has(".qrow, .blank"); await b.keys("j"); await b.has(".estimate, .blank"); }, "approve"],
  ["squad", "/m", "phone", async (b) => { await b.run("() => { location.hash = '#/check'; }"); await b.has("#pc-matter"); }, "check"],
  ["squad", "/m", "phone", async (b) => { await b.run("() => { location.hash = '#/me'; }"); await b.has(".phone-actions"); }, "me"],
  ["squad", "/m", "phone", async (b) => { await b.run("() => { location.hash = '#/'; }"); await b.has(".task, .blank"); if (await b.count(".task")) { await b.click(".task"); await b.has(".phone-actions"); } }, "task", async (b) => { await b.run("() => { location.hash = '#/'; }"); }],
  ["squad", "/m", "phone", async (b) => { await b.has(".phone .task, .phone .blank"); }],
];
const SIZES = { "/": [1366, 768], "/wall": [3840, 2160], "/m": [390, 844] };

describe("pages", { timeout: 600000 }, () => {
  let p, mock, b;
  before(async () => {
    p = await place();
    // Roles for which no account was given are looked at on the mock.
    mock = p.mock ? p : await place({ mock: true });
    b = await browser();
  });
  after(async () => {
    await b?.close();
    await p?.close();
    if (mock !== p) await mock?.close();
  });

  test("each page of the registry is looked at", () => {
    const files = readdirSync(join(root, "console/src/pages")).filter((f) => f.endsWith(".tsx")).map((f) => /export const page = \{ name: "(\w+)"/.exec(readFileSync(join(root, "console/src/pages", f), "utf8"))?.[1]);
    for (const f of files) assert.ok(VIEWS.some((v) => v[2] === f), `a view of ${f}`);
  });

  test("the check itself: a nameless button and pale text are found", async () => {
    await b.size(1366, 768);
    await b.go(p.url + "/");
    await b.has("#user");
    await b.run("() => { const f = document.querySelector('form'); f.append(document.createElement('button')); const s = f.appendChild(document.createElement('p')); s.textContent = 'pale'; s.style.color = '#555'; s.style.background = '#444'; }");
    const found = (await findings(b)).join("\n");
    assert.match(found, /button-name/);
    assert.match(found, /color-contrast/);
  });

  for (const [lang, theme] of [["zh", "night"], ["en", "day"], ["zh", "day"], ["en", "night"]]) {
    test(`sign-in ${lang} ${theme}`, async () => {
      await b.size(1366, 768);
      await b.call("DELETE", "/cookie");
      await b.go(p.url + "/");
      await settings(b, lang, theme);
      await b.has("#user");
      await keep(b, `${lang}-${theme}-door`);
      assert.deepEqual(await findings(b), []);
    });
    let last = "";
    for (const [role, path, page, prepare, part = "", undo] of VIEWS) {
      test(`${page}${part && " " + part} (${role}) ${lang} ${theme}`, async () => {
        const where = p.account(role) ? p : mock;
        await b.size(...SIZES[path]);
        if (last !== `${where.url}${role}${path}`) {
          await signIn(b, where, role, path);
          await settings(b, lang, theme);
          await b.has(".frame, .wall, .phone");
          last = `${where.url}${role}${path}`;
        }
        await b.complaints();
        if (path === "/") await b.run("(h) => { location.hash = '#/' + h; }", page);
        await b.run("() => document.activeElement && document.activeElement.blur()");
        await prepare(b);
        await sleep(250);
        await keep(b, `${lang}-${theme}-${role}-${page}${part}`);
        const found = await findings(b);
        if (undo) await undo(b);
        assert.deepEqual(found, []);
        const wide = await b.run("() => document.documentElement.scrollWidth - innerWidth");
        assert.ok(wide <= 0, `nothing sticks out sideways (${wide} px)`);
        if (path !== "/m") assert.ok(await b.run("() => document.documentElement.scrollHeight <= innerHeight"), "the page itself does not scroll");
        if (path === "/wall") assert.deepEqual(await b.run("() => [...document.querySelectorAll('.wall, .wall-queue, .wall-changes, .wall-measures')].filter((e) => e.scrollHeight > e.clientHeight + 1).map((e) => e.className)"), [], "nothing is cut off on the wall");
        const missing = await b.run("() => document.body.innerText.includes('⟦')");
        assert.equal(missing, false, "every word is in the dictionary");
        const said = (await b.complaints()).filter((x) => !/ 40[13] |\/looks/.test(x));
        assert.deepEqual(said, [], "the page's console is silent");
      });
    }
  }
});
