// SPDX-License-Identifier: Apache-2.0
// axe.test.mjs - every page, both languages, both themes: axe-core finds nothing serious or critical, the eye of
// layout.mjs nothing cut off, covered, tiny or untranslated at any size, and the page's console is silent.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { english, eye } from "./layout.mjs";
import { browser, findings, keep, place, root, settings, signIn } from "./kit.mjs";
import { VIEWS } from "./views.mjs";

// Where each face is first looked at, and the other sizes it has to stand.
const SIZES = { "/": [1366, 768], "/wall": [3840, 2160], "/m": [390, 844] };
const OTHERS = { "/": [[3840, 2160], [390, 844]], "/wall": [[1366, 768]], "/m": [] };
// Sign-in names of the mock's and the demo's people.
const NAMES = ["duty", "analyst", "chief", "brigade", "leader", "squad", "supervisor", "auditor", "security", "admin", "fresh", "locked", "mock"];
const LEAST = { "/": 24, "/wall": 24, "/m": 44 };

describe("pages", { timeout: 1500000 }, () => {
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

  test("the eye itself: what is cut off, covered, tiny, too wide or no word is found", async () => {
    await b.size(1366, 768);
    await b.go(p.url + "/");
    await b.has("#user");
    assert.deepEqual(await eye(b), []);
    await b.run(`() => {
      const add = (tag, text, style) => { const e = document.createElement(tag); e.textContent = text; Object.assign(e.style, style); document.querySelector("form").append(e); return e; };
      add("button", "a button with a long name", { width: "40px", overflow: "hidden", display: "block" });
      add("button", "x", { minHeight: "0", height: "12px", width: "12px", padding: "0" });
      add("button", "under", { position: "fixed", left: "0", top: "0", width: "80px", height: "40px" });
      add("div", "over", { position: "fixed", left: "0", top: "0", width: "80px", height: "40px" });
      add("p", "tiny", { fontSize: "8px" });
      add("p", "\u27e6no.key\u27e7", {});
      add("p", "at 1795193100000", {});
      add("p", "sold NaN", {});
      add("p", "never_heard", {});
      add("p", "wide", { width: "3000px", position: "absolute", left: "0" });
    }`);
    const found = (await eye(b)).join("\n");
    await b.run("() => { const e = document.createElement('p'); e.textContent = '晋A12345 stolen'; document.querySelector('form').append(e); }");
    assert.match((await english(b)).join("\n"), /stolen/);
    for (const what of [/cut off: button/, /small target: button/, /covered: button/, /tiny text: p/, /untranslated/, /raw milliseconds/, /not a word/, /raw code/, /px too wide/]) assert.match(found, what);
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
        await b.settled();
        await keep(b, `${lang}-${theme}-${role}-${page}${part}`);
        const found = await findings(b);
        found.push(...await eye(b, LEAST[path]));
        if (lang === "zh") found.push(...(await english(b, NAMES)).map((x) => `English on a Chinese page: ${x}`));
        // The theme moves nothing: each language is looked at once in the other sizes.
        for (const [w, h] of (lang === "zh") === (theme === "night") ? OTHERS[path] : []) {
          await b.size(w, h);
          await b.settled();
          await keep(b, `${lang}-${theme}-${role}-${page}${part}-${w}`);
          found.push(...(await eye(b, LEAST[path])).map((f) => `${w}x${h} ${f}`));
        }
        await b.size(...SIZES[path]);
        if (undo) await undo(b);
        assert.deepEqual(found, []);
        const wide = await b.run("() => document.documentElement.scrollWidth - innerWidth");
        assert.ok(wide <= 0, `nothing sticks out sideways (${wide} px)`);
        if (path !== "/m") assert.ok(await b.run("() => document.documentElement.scrollHeight <= innerHeight"), "the page itself does not scroll");
        if (path === "/wall") assert.deepEqual(await b.run("() => [...document.querySelectorAll('.wall, .wall-queue, .wall-changes, .wall-measures')].filter((e) => e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1).map((e) => e.className)"), [], "nothing is cut off on the wall");
        const missing = await b.run("() => document.body.innerText.includes('⟦')");
        assert.equal(missing, false, "every word is in the dictionary");
        const said = (await b.complaints()).filter((x) => !/ 40[13] |\/looks/.test(x));
        assert.deepEqual(said, [], "the page's console is silent");
      });
    }
  }
});
