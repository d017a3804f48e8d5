// SPDX-License-Identifier: Apache-2.0
// hostile.test.mjs - texts that people, cameras and other platforms write may hold anything: every page of every role is
// opened on a city in which each text ends in a picture that would run a script. It is shown as what it is, a text.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { browser, keep, place, settings, signIn } from "./kit.mjs";
import { VIEWS } from "./views.mjs";

const EVIL = `<img src=x onerror="window.ran=(window.ran||0)+1"><svg/onload=window.ran=1>'"><a href="javascript:window.ran=1">`;
/** Whatever a person can read is Chinese in the mock: names, titles, reasons, remarks, owners, labels. */
const evil = (key, v) => (typeof v === "string" && /[\u4e00-\u9fff]/.test(v) && !/^[\u4e00-\u9fff][A-Z][A-Z0-9?]+$/.test(v) ? v + EVIL : v);

describe("texts that would be more", { timeout: 600000 }, () => {
  let p, b;
  before(async () => {
    p = await place({ mock: true, said: evil });
    b = await browser();
  });
  after(async () => {
    await b?.close();
    await p?.close();
  });

  const ran = () => b.run("() => ({ ran: window.ran ?? 0, img: document.querySelectorAll('img[src=x], svg[onload], a[href^=javascript]').length, said: document.body.innerHTML.includes('&lt;img src=x') })");

  test("the check itself: a page that takes a text for markup is found", async () => {
    await b.go(p.url + "/");
    await b.has("#user");
    await b.run("(x) => { document.querySelector('form').insertAdjacentHTML('beforeend', x); }", EVIL);
    assert.ok((await ran()).img > 0);
  });

  let last = "", seen = 0;
  for (const [role, path, page, prepare, part = "", undo] of VIEWS) {
    test(`${page}${part && " " + part} (${role})`, async () => {
      if (last !== role + path) {
        await signIn(b, p, role, path);
        await settings(b, "zh", "night");
        await b.has(".frame, .wall, .phone");
        last = role + path;
      }
      await b.complaints();
      if (path === "/") await b.run("(h) => { location.hash = '#/' + h; }", page);
      await b.run("() => document.activeElement && document.activeElement.blur()");
      await prepare(b);
      await keep(b, `hostile-${role}-${page}${part}`);
      const r = await ran();
      assert.equal(r.ran, 0, "no text ran");
      assert.equal(r.img, 0, "no text became an element");
      seen += r.said;
      if (undo) await undo(b);
      const said = (await b.complaints()).filter((x) => !/ 40[13] |\/looks/.test(x));
      assert.deepEqual(said, [], "and nothing broke");
    });
  }
  test("the texts were there", () => assert.ok(seen > VIEWS.length * 0.8, `${seen} of ${VIEWS.length} pages showed one`));
});
