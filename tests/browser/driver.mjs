// SPDX-License-Identifier: Apache-2.0
// driver.mjs - a small WebDriver client over fetch for Debian's chromedriver; no other package.
//
// open({width, height}) starts one chromedriver and one Chromium with a fresh profile; close() ends both.
// An absent browser is an error, never a skip.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const DRIVER = process.env.CHROMEDRIVER ?? "/usr/bin/chromedriver";
const CHROME = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const KEY = { enter: "\uE007", escape: "\uE00C", tab: "\uE004", ctrl: "\uE009", down: "\uE015", up: "\uE013", space: " ", backspace: "\uE003" };
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/** In every page: how many answers it waits for, bodies included. */
function asking() {
  window.asking = 0;
  const held = (f) => function (...args) {
    window.asking++;
    return f.apply(this, args).finally(() => { window.asking--; });
  };
  window.fetch = held(window.fetch);
  for (const k of ["json", "text", "blob"]) Response.prototype[k] = held(Response.prototype[k]);
}

/** Resolves when the page stands still: fonts there, no answer awaited, nothing moving, the same boxes in three frames. */
function still(most_ms) {
  const boxes = () => [...document.querySelectorAll("body *")].map((e) => { const r = e.getBoundingClientRect(); return `${r.x},${r.y},${r.width},${r.height}`; }).join(";");
  const end = performance.now() + most_ms;
  return new Promise((ok) => {
    let last = "", same = 0;
    const step = () => {
      const moving = document.getAnimations().filter((a) => a.playState === "running").length;
      const why = document.fonts.status !== "loaded" ? "fonts" : window.asking > 0 ? `${window.asking} answers` : moving ? `${moving} animations` : "";
      const now = why ? "" : boxes();
      same = now && now === last ? same + 1 : 0;
      last = now;
      if (same >= 2) ok("");
      else if (performance.now() > end) ok(why || "boxes that move");
      else requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  });
}

export class Browser {
  constructor(child, base, session, profile) {
    Object.assign(this, { child, base, session, profile });
  }
  async call(method, path, body) {
    const r = await fetch(`${this.base}/session/${this.session}${path}`, {
      method, headers: { "Content-Type": "application/json" }, body: body === undefined ? undefined : JSON.stringify(body),
    });
    const { value } = await r.json();
    if (!r.ok) throw new Error(`${method} ${path}: ${value.error}: ${String(value.message).split("\n")[0]}`);
    return value;
  }
  go(url) { return this.call("POST", "/url", { url }); }
  reload() { return this.call("POST", "/refresh", {}); }
  size(width, height) { return this.call("POST", "/goog/cdp/execute", { cmd: "Emulation.setDeviceMetricsOverride", params: { width, height, deviceScaleFactor: 1, mobile: false } }); }
  cdp(cmd, params = {}) { return this.call("POST", "/goog/cdp/execute", { cmd, params }); }
  /** Runs a function in the page with plain arguments. */
  run(f, ...args) { return this.call("POST", "/execute/sync", { script: `return (${f}).apply(null, arguments)`, args }); }
  runAsync(f, ...args) {
    return this.call("POST", "/execute/async", { script: `const done = arguments[arguments.length - 1]; Promise.resolve((${f}).apply(null, [...arguments].slice(0, -1))).then(done, (e) => done({ error: String(e) }))`, args });
  }
  async find(css) { return (await this.call("POST", "/element", { using: "css selector", value: css }))[ELEMENT]; }
  async click(css) { return this.call("POST", `/element/${await this.find(css)}/click`, {}); }
  async type(css, text) {
    const e = await this.find(css);
    await this.call("POST", `/element/${e}/clear`, {});
    return this.call("POST", `/element/${e}/value`, { text });
  }
  /** Presses keys as a person would: no element is named. "+" holds: "\uE009+\uE007". */
  async keys(...list) {
    const actions = list.flatMap((k) => {
      const parts = k.length > 1 && k.includes("+") ? k.split("+") : [k];
      return [...parts.map((value) => ({ type: "keyDown", value })), ...parts.reverse().map((value) => ({ type: "keyUp", value }))];
    });
    await this.call("POST", "/actions", { actions: [{ type: "key", id: "keyboard", actions }] });
  }
  async write(text) { await this.keys(...[...text]); }
  text(css) { return this.run("(s) => document.querySelector(s)?.innerText ?? null", css); }
  count(css) { return this.run("(s) => document.querySelectorAll(s).length", css); }
  /** Waits until f (in the page) is true; says what it waited for otherwise. */
  async until(what, f, args = [], ms = 8000) {
    const end = Date.now() + ms;
    let last;
    while (Date.now() < end) {
      try {
        last = await this.run(f, ...args);
        if (last) return last;
      } catch (e) { last = e.message; }
      await sleep(40);
    }
    const seen = await this.run("() => document.body ? document.body.innerText.slice(0, 600) : ''").catch(() => "");
    throw new Error(`waited ${ms} ms for ${what} (last ${JSON.stringify(last)}); the page shows: ${seen}`);
  }
  has(css, ms) { return this.until(css, "(s) => !!document.querySelector(s)", [css], ms); }
  /** Waits until the page stands still. */
  async settled(ms = 15000) {
    const why = await this.runAsync(still, ms);
    if (why) throw new Error(`the page did not come to rest in ${ms} ms: ${why.error ?? why}`);
  }
  async shot(file) { writeFileSync(file, Buffer.from(await this.call("GET", "/screenshot"), "base64")); }
  async tab() {
    const { handle } = await this.call("POST", "/window/new", { type: "tab" });
    await this.use(handle);
    return handle;
  }
  use(handle) { return this.call("POST", "/window", { handle }); }
  handle() { return this.call("GET", "/window"); }
  /** Errors of the page's console since the last call. */
  async complaints() {
    const rows = await this.call("POST", "/se/log", { type: "browser" }).catch(() => []);
    return rows.filter((r) => r.level === "SEVERE").map((r) => r.message);
  }
  async offline(on) {
    await this.cdp("Network.enable");
    await this.cdp("Network.emulateNetworkConditions", { offline: on, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  }
  async close() {
    await this.call("DELETE", "").catch(() => undefined);
    this.child.kill();
    await sleep(100);
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

export async function open({ width = 1366, height = 768, args = [] } = {}) {
  for (const f of [DRIVER, CHROME]) if (!existsSync(f)) throw new Error(`${f} is not there: install chromium and chromium-driver`);
  const profile = mkdtempSync(join(tmpdir(), "tongqu-browser-"));
  const child = spawn(DRIVER, ["--port=0", "--log-level=WARNING"], { stdio: ["ignore", "pipe", "ignore"] });
  const port = await new Promise((ok, bad) => {
    let text = "";
    const late = setTimeout(() => bad(new Error("chromedriver did not start: " + text)), 20000);
    child.stdout.on("data", (d) => {
      text += d;
      const m = /successfully on port (\d+)/.exec(text);
      if (m) { clearTimeout(late); ok(Number(m[1])); }
    });
    child.on("exit", (c) => bad(new Error(`chromedriver ended (${c}): ${text}`)));
  });
  const base = `http://127.0.0.1:${port}`;
  const r = await fetch(`${base}/session`, {
    method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ capabilities: { alwaysMatch: {
      browserName: "chrome", "goog:loggingPrefs": { browser: "ALL" }, timeouts: { script: 60000, pageLoad: 30000 }, acceptInsecureCerts: true,
      "goog:chromeOptions": { binary: CHROME, args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--lang=zh-CN", `--window-size=${width},${height}`, `--user-data-dir=${profile}`, ...args] },
    } } }),
  });
  const { value } = await r.json();
  if (!r.ok) {
    child.kill();
    throw new Error(`no browser session: ${value.message}`);
  }
  const b = new Browser(child, base, value.sessionId, profile);
  await b.cdp("Page.addScriptToEvaluateOnNewDocument", { source: `(${asking})()` });
  await b.size(width, height);
  return b;
}
