// SPDX-License-Identifier: Apache-2.0
// views.mjs - every page as somebody sees it: who, on which face, where, what to do before looking, and after.
import { KEY } from "./driver.mjs";

/** [role, path, page, prepare, part, undo] */
export const VIEWS = [
  ["duty", "/", "live", async (b) => { await b.has(".map-canvas canvas"); }],
  ["duty", "/", "live", async (b) => { await b.has(".map-buttons [aria-expanded]"); await b.click(".map-buttons [aria-expanded]"); await b.has(".map-groups [role=option]"); }, "groups", async (b) => { await b.keys(KEY.escape); }],
  ["duty", "/", "alarms", async (b) => { await b.has(".qrow, .blank"); await b.keys("j", KEY.enter); await b.has(".card .moves-bar, .blank"); }],
  ["duty", "/", "matters", async (b) => { await b.has(".qrow, .blank"); await b.keys("o"); await b.has("#nm-title, .blank"); }],
  ["duty", "/", "look", async (b) => { await b.has("#ask-plate"); await b.type("#ask-plate", "晋ATI333A"); await b.click(".ask .primary"); await b.has(".refusal, .result"); }],
  ["duty", "/", "analysis", async (b) => { await b.has("#question-name"); await b.run("() => { const s = document.querySelector('#question-matter'); if (s.options.length > 1) { s.value = s.options[1].value; s.dispatchEvent(new Event('change', { bubbles: true })); } }"); await b.click(".ask .primary"); await b.has(".grid-row, .refusal, #question-error, .result .blank"); }],
  ["duty", "/", "flight", async (b) => { await b.has("#fl-where"); await b.run("() => { const s = document.querySelector('#fl-matter'); if (s.options.length > 1) { s.value = s.options[1].value; s.dispatchEvent(new Event('change', { bubbles: true })); } }"); await b.type("#fl-where", "112.55,37.87"); await b.click(".ask .primary"); await b.has(".sheet-card, #fl-error, .sheet .blank"); }],
  ["duty", "/", "sites", async (b) => { await b.has(".grid-row, .blank"); await b.keys("j"); await b.has(".card .chart canvas, .card .chart svg, .blank"); }],
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
  ["admin", "/", "devices", async (b) => { await b.has(".pagetabs"); await b.click(".pagetabs button:nth-child(2)"); await b.has(".grid-row, .blank"); await b.keys("j"); await b.has(".card, .blank"); }, "quality"],
  ["admin", "/", "devices", async (b) => { await b.has(".pagetabs"); await b.click(".pagetabs button:nth-child(3)"); await b.has(".grid-row, .blank"); await b.keys("j"); await b.has(".card, .blank"); }, "requests"],
  ["supervisor", "/", "watches", async (b) => { await b.has(".qrow, .blank"); await b.keys("j"); await b.has(".estimate, .blank"); }, "approve"],
  ["squad", "/m", "phone", async (b) => { await b.run("() => { location.hash = '#/check'; }"); await b.has("#pc-matter"); }, "check"],
  ["squad", "/m", "phone", async (b) => { await b.run("() => { location.hash = '#/me'; }"); await b.has(".phone-actions"); }, "me"],
  ["squad", "/m", "phone", async (b) => { await b.run("() => { location.hash = '#/'; }"); await b.has(".task, .blank"); if (await b.count(".task")) { await b.click(".task"); await b.has(".phone-actions"); } }, "task", async (b) => { await b.run("() => { location.hash = '#/'; }"); }],
  ["squad", "/m", "phone", async (b) => { await b.has(".phone .task, .phone .blank"); }],
];
