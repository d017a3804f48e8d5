// SPDX-License-Identifier: Apache-2.0
// errors.test.mjs - every page when the daemon says no, says nothing, or is not there: the message says what happened
// and what to do, nothing is covered or cut off, nothing typed is lost, and asking again brings the page back.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { KEY } from "./driver.mjs";
import { browser, keep, place, settings, signIn } from "./kit.mjs";
import { eye } from "./layout.mjs";

const REFUSALS = {
  403: { status: 403, code: "forbidden", zh: "您的角色不能看这些：请找主管。", en: "Your role may not see this: ask your supervisor." },
  503: { status: 503, code: "busy", zh: "服务器忙，请十秒后再试。", en: "The server is busy: try again in ten seconds." },
};
/** [role, page, what it reads first] */
const PAGES = [
  ["duty", "live", /^\/(alarms|sites|units)/], ["duty", "alarms", /^\/alarms/], ["duty", "matters", /^\/matters/], ["duty", "analysis", /^\/questions/],
  ["duty", "sites", /^\/sites/], ["duty", "watches", /^\/watches/], ["duty", "devices", /^\/devices/], ["duty", "system", /^\/system/],
  ["admin", "users", /^\/users/], ["admin", "org", /^\/org/], ["auditor", "audit", /^\/audit/],
];
const told = (b) => b.run("() => [...document.querySelectorAll('[role=alert], .worn, .refusal, .bad')].filter((e) => e.checkVisibility()).map((e) => e.innerText.trim()).filter(Boolean)");
const typed = { "#ask-plate": "晋ATI333A", "#nm-title": "迎泽大街事故", "#w-plate": "晋ATI9*" };

describe("errors", { timeout: 600000 }, () => {
  let p, b;
  before(async () => {
    p = await place({ mock: true });
    b = await browser({ width: 1366, height: 768 });
  });
  after(async () => { await b?.close(); await p?.close(); });

  let who = "";
  const open = async (role, page, lang = "zh") => {
    p.mock.fault(null);
    if (who !== role) {
      await signIn(b, p, role);
      who = role;
    }
    await settings(b, lang, lang === "zh" ? "night" : "day");
    await b.has(".frame");
    await b.run("() => { location.hash = '#/none'; }");
    await b.run("(h) => { location.hash = '#/' + h; }", page);
  };

  for (const [role, page, reads] of PAGES) {
    for (const [status, lang] of [[403, "zh"], [503, "en"]]) {
      test(`${page} (${role}) refused with ${status}, ${lang}`, async () => {
        await open(role, page, lang);
        p.mock.fault((method, path) => (method === "GET" && reads.test(path) ? REFUSALS[status] : null));
        await b.reload();
        await b.has(".frame");
        const words = REFUSALS[status][lang];
        await b.until("the daemon's own words", "(w) => document.querySelector('.main').innerText.includes(w)", [words]);
        await b.settled();
        await keep(b, `error-${page}-${status}-${lang}`);
        assert.deepEqual(await eye(b), []);
        assert.ok(await b.run("() => [...document.querySelectorAll('.main button')].some((x) => /再试|重试|Try again|again/i.test(x.innerText))"), "there is a way to ask again");
        p.mock.fault(null);
        await b.run("() => [...document.querySelectorAll('.main button')].filter((x) => /再试|重试|Try again|again/i.test(x.innerText)).forEach((x) => x.click())");
        await b.until("the page is back", "(w) => !document.querySelector('.main').innerText.includes(w)", [words]);
      });
    }
  }

  test("an answer that is no answer (a proxy's page) and a dropped connection are said in words", async () => {
    for (const [fault, words] of [["gibberish", /502/], ["drop", /连不上|网络|服务器/]]) {
      await open("duty", "watches");
      p.mock.fault((method, path) => (path.startsWith("/watches") ? fault : null));
      await b.reload();
      await b.has(".frame");
      await b.has(".main .blank-bad");
      const said = await b.text(".main .blank-bad");
      assert.match(said, words);
      await b.settled();
      await keep(b, `error-${fault}`);
      assert.deepEqual(await eye(b), []);
    }
    p.mock.fault(null);
  });

  test("forms: 409 and 422 are said beside what was typed, which stays", async () => {
    const cases = [
      ["look", async () => { await b.type("#ask-plate", typed["#ask-plate"]); await b.run("() => { const s = document.querySelector('#ask-matter'); s.value = s.options[1].value; s.dispatchEvent(new Event('change', { bubbles: true })); }"); }, ".ask .primary", "#ask-plate"],
      ["matters", async () => { await b.keys("o"); await b.has("#nm-title"); await b.type("#nm-title", typed["#nm-title"]); }, ".pane-card .primary", "#nm-title"],
      ["watches", async () => { await b.keys("o"); await b.has("#w-plate"); await b.type("#w-plate", typed["#w-plate"]); await b.type("#w-why", "测试用的理由，足够长"); }, ".pane-card .primary", "#w-plate"],
    ];
    for (const [page, fill, button, field] of cases) for (const status of [409, 422]) {
      await open("duty", page);
      await b.until("ready", "() => !!document.querySelector('#ask-matter option:nth-child(2), .pane-head')");
      await b.run("() => document.activeElement?.blur()");
      await fill();
      const words = status === 409 ? "别人刚改过：请核对后再提交。" : "这一项不符合要求：请改写。";
      p.mock.fault((method, path) => (method === "POST" && !path.includes("estimate") && !path.startsWith("/session") ? { status, code: status === 409 ? "conflict" : "bad_field", zh: words, en: words, field: "none" } : null));
      const at = await b.run("(s) => document.querySelector(s).getBoundingClientRect().top", field);
      await b.run("(s) => document.querySelector(s).click()", button);
      await b.until("the words", "(w) => document.querySelector('.main').innerText.includes(w)", [words]);
      await b.settled();
      await keep(b, `error-form-${page}-${status}`);
      assert.equal(await b.run("(s) => document.querySelector(s).value", field), typed[field], `${page}: what was typed stays`);
      assert.ok(Math.abs(await b.run("(s) => document.querySelector(s).getBoundingClientRect().top", field) - at) < 2, `${page}: nothing jumps`);
      assert.ok((await told(b)).some((x) => x.includes(words)), "it is an alert");
      assert.deepEqual(await eye(b), []);
      p.mock.fault(null);
    }
  });

  test("a move refused with 409 keeps its form and fetches the matter anew", async () => {
    await open("duty", "alarms");
    await b.has(".qrow");
    await b.run("() => document.activeElement?.blur()");
    await b.keys("j", KEY.enter);
    await b.has(".moves-bar [data-move=note]");
    await b.keys("n");
    await b.has("#f-text");
    await b.type("#f-text", "对讲机里说在路口北侧");
    let asked = 0;
    p.mock.fault((method, path) => { if (method === "GET" && /^\/(alarms|matters)\/.+/.test(path)) asked++; return method === "POST" && path.endsWith("/moves") ? { status: 409, code: "conflict", zh: "此事项刚被别人改过：已取来最新，请再确认。", en: "Somebody was first: look again and confirm." } : null; });
    await b.run("() => document.querySelector('.move-form button[type=submit]').click()");
    await b.until("the words", "() => /刚被别人改过/.test(document.querySelector('.moves').innerText)");
    await b.settled();
    await keep(b, "error-move-409");
    assert.equal(await b.run("() => document.querySelector('#f-text').value"), "对讲机里说在路口北侧");
    assert.ok(asked > 0, "the matter was fetched again");
    assert.deepEqual(await eye(b), []);
    p.mock.fault(null);
    await b.keys(KEY.escape);
  });

  test("the event stream is lost: the page says so, keeps its rows, and comes back by itself", async () => {
    await open("duty", "alarms");
    await b.has(".qrow");
    await b.until("the stream is open", "() => document.querySelector('.link-ok')");
    const rows = await b.count(".qrow");
    p.mock.fault((method, path) => (path === "/events" ? "drop" : null));
    p.mock.cut();
    await b.has(".link-waiting, .link-down", 20000);
    await keep(b, "error-stream");
    assert.equal(await b.count(".qrow"), rows, "the rows stay");
    assert.deepEqual(await eye(b), []);
    p.mock.fault(null);
    await b.has(".link-ok", 30000);
  });

  test("the session has ended: the door opens over the page, and what was typed is there after it", async () => {
    await open("duty", "look");
    await b.has("#ask-plate");
    await b.type("#ask-plate", "晋ATI777B");
    p.mock.forget();
    await b.run("() => document.querySelector('.ask .primary').click()");
    await b.has("#user");
    await b.settled();
    await keep(b, "error-session");
    assert.match(await b.text(".door-form"), /登录已失效.*还在/, "the door says why, and that nothing is lost");
    assert.deepEqual(await eye(b), []);
    const [user, password] = p.account("duty");
    await b.type("#user", user);
    await b.type("#password", password);
    await b.keys(KEY.enter);
    await b.has("#ask-plate");
    assert.equal(await b.run("() => document.querySelector('#ask-plate').value"), "晋ATI777B");
  });

  test("one row, and none: tables count right and stand alone", async () => {
    who = "";
    for (const n of ["1", "0"]) {
      process.env.QUESTION_ROWS = n;
      await open("duty", "analysis");
      await b.has("#question-matter option:nth-child(2)");
      await b.run("() => { const set = (q, v) => { const s = document.querySelector(q); s.value = v ?? s.options[1].value; s.dispatchEvent(new Event('change', { bubbles: true })); }; set('#question-name', 'first_seen'); set('#question-matter'); }");
      await b.until("the matter is chosen", "() => document.querySelector('#question-matter').value !== ''");
      await b.run("() => document.querySelector('.ask .primary').click()");
      await b.has(n === "1" ? ".grid-row" : ".result .blank");
      await b.settled();
      await keep(b, `rows-${n}`);
      if (n === "1") assert.deepEqual(await b.run("() => [document.querySelector('.grid').getAttribute('aria-rowcount'), document.querySelectorAll('.grid-row').length]"), ["2", 1]);
      assert.deepEqual(await eye(b), []);
    }
    delete process.env.QUESTION_ROWS;
  });
});
