// SPDX-License-Identifier: Apache-2.0
// order.test.mjs - an order from the desk to the phone and back, on a living city: dispatched, rung, accepted, on scene,
// intercepted, fed back; in both languages the eye of layout.mjs looks at every step.
import assert from "node:assert/strict";
import { test } from "node:test";
import { english, eye } from "./layout.mjs";
import { browser, keep, place, settings, signIn } from "./kit.mjs";

/** A person at the desk, without a browser. */
async function desk(url, [user, password]) {
  const r = await fetch(`${url}/api/v1/session`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ user, password }) });
  const { csrf } = await r.json(), cookie = r.headers.get("set-cookie").split(";")[0];
  const ask = async (method, path, body) => {
    const a = await fetch(`${url}/api/v1${path}`, { method, headers: { cookie, "X-CSRF-Token": csrf, "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
    const said = await a.json();
    if (!a.ok) throw new Error(`${method} ${path}: ${a.status} ${JSON.stringify(said)}`);
    return said;
  };
  const move = async (id, name, fields = {}) => ask("POST", `/matters/${id}/moves`, { move: name, seq: (await ask("GET", `/matters/${id}`)).seq, fields });
  return { ask, move };
}

/** An alarm that nobody has signed yet and that may lead to a stop. */
async function waiting(d) {
  for (let i = 0; i < 120; i++) {
    for (const a of (await d.ask("GET", "/alarms?state=open&limit=1000")).items) {
      if (!a.matter?.open || a.matter.state !== "to_be_signed_for" || a.stop_blocked) continue;
      if ((await d.ask("GET", `/matters/${a.matter.id}`)).fields.stop) return a;
    }
    await new Promise((ok) => setTimeout(ok, 1000));
  }
  throw new Error("no alarm came in two minutes that may lead to a stop");
}

test("an order on the phone: rung, accepted, on scene, intercepted, fed back", { timeout: 600000 }, async (ctx) => {
  const p = await place();
  if (p.mock || !p.account("squad")) {
    await p.close();
    return ctx.skip("needs a living city (TONGQU_URL) with its officer (TONGQU_SQUAD_FILE)");
  }
  const b = await browser({ width: 390, height: 844 });
  try {
    const d = await desk(p.url, p.account("duty"));
    for (const lang of ["zh", "en"]) {
      let step = 0;
      const look = async (name) => {
        await b.settled();
        await keep(b, `order-${lang}-${step++}-${name}`);
        const found = await eye(b, 44);
        if (lang === "zh") found.push(...await english(b, ["duty", "chief", "squad"]));
        assert.deepEqual(found, [], `${lang} ${name}`);
      };
      await signIn(b, p, "squad", "/m");
      await settings(b, lang, "day");
      await b.has(".task, .blank");
      await b.click(".phone-top h1"); // a touch lets the page sound
      const me = (await b.runAsync("() => fetch('/api/v1/session').then((r) => r.json())")).user;
      const a = await waiting(d), id = a.matter.id;
      await d.move(id, "sign");
      await d.move(id, "judge_valid");
      await d.move(id, "send", { unit_to_send: me.unit, order_note: "路口核查" });

      await b.until("the order", "(id) => [...document.querySelectorAll('.task')].some((x) => x.hash.includes(id))", [id], 10000);
      await b.has(".call"); // what calls also shows
      assert.match(await b.text(".call"), lang === "zh" ? /新任务/ : /New task/);
      await look("order");
      await b.click(`.task[href*="${id}"]`);
      await b.has("[data-move=take_order]");
      assert.equal(await b.text("h2"), lang === "zh" ? a.title.zh : a.title.en[0].toUpperCase() + a.title.en.slice(1));
      await b.click(".phone-vehicle summary");
      await b.has(".phone-vehicle .compare");
      await b.until("the picture", "() => { const i = document.querySelector('.phone-vehicle img'); return !i || (i.complete && i.naturalWidth > 0); }");
      await look("vehicle");
      await b.click(".phone-vehicle summary");
      for (const [move, then] of [["take_order", "arrive"], ["arrive", "halt"]]) {
        await b.click(`[data-move=${move}]`);
        await b.has(`[data-move=${then}]`);
        await look(move);
      }
      await b.click("[data-move=halt]");
      await b.has(".phone-actions form");
      await look("halt");
      await b.click(".phone-actions form .primary");
      await b.has("[data-move=feed_back]");
      await b.click("[data-move=feed_back]");
      await b.has(".phone-actions form fieldset");
      await b.click(".phone-actions form .primary");
      const said = await b.text(".phone-actions [role=alert]"), name = await b.text(".phone-actions legend");
      assert.ok(said.includes(name.replace(/\s*\*$/, "")), `what is missing is named: ${said}`);
      assert.ok(await b.run("() => { const r = document.querySelector('.phone-actions [role=alert]').closest('.field').getBoundingClientRect(); return r.bottom > 60 && r.top < innerHeight - 60; }"), "and in sight");
      await look("missing");
      await b.click(".phone-actions form .choice");
      assert.equal(await b.count(".phone-actions [role=alert]"), 0, "what was chosen is missing no longer");
      await b.type(".phone-actions form textarea", "已拦下，移交大队");
      await look("filled");
      await b.click(".phone-actions form .primary");
      await b.until("the matter to be closed", "() => !document.querySelector('.phone-actions form') && !document.querySelector('[data-move=feed_back]')");
      const m = await d.ask("GET", `/matters/${id}`);
      assert.equal(m.state, "fed_back");
      await b.until("the crew by its name in what is closed", "(u) => document.querySelector('.facts').innerText.includes(u)", [me.callsign]);
      await look("closed");
      await b.click(".back");
      await b.until("the task to be gone", "(id) => !document.querySelector(`.task[href*=\"${id}\"]`)", [id]);
      assert.equal((await d.ask("GET", "/units?limit=1000")).items.find((u) => u.id === me.unit).matter, null, "the crew is free again");
      assert.deepEqual((await b.complaints()).filter((x) => !/ 40[13] /.test(x)), [], "the page's console is silent");
    }
  } finally {
    await b.close();
    await p.close();
  }
});
