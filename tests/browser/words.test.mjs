// SPDX-License-Identifier: Apache-2.0
// words.test.mjs - what console/src/kit says of times and amounts, without a browser: built as the page is, asked here.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./kit.mjs";

/** The module as it is in a page of that language. */
async function kit(file, lang) {
  globalThis.localStorage = { getItem: (k) => (k === "lang" ? lang : null), setItem: () => undefined };
  const { build } = createRequire(join(root, "console/package.json"))("esbuild");
  const r = await build({ entryPoints: [join(root, "console/src/kit", file)], bundle: true, format: "esm", write: false, platform: "browser", banner: { js: `// ${lang}` } });
  const every = globalThis.setInterval;
  globalThis.setInterval = (...a) => every(...a).unref();
  try {
    return await import("data:text/javascript;base64," + Buffer.from(r.outputFiles[0].text).toString("base64"));
  } finally {
    globalThis.setInterval = every;
  }
}

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
test("a duration leaves out what is nothing", async () => {
  const said = [
    [0, "0 秒", "0 s"], [59 * SECOND, "59 秒", "59 s"], [MINUTE, "1 分", "1 min"], [61 * SECOND, "1 分 1 秒", "1 min 1 s"], [2 * MINUTE + 400, "2 分", "2 min"],
    [HOUR, "1 小时", "1 h"], [HOUR + MINUTE, "1 小时 1 分", "1 h 1 min"], [HOUR + 20 * SECOND, "1 小时", "1 h"], [DAY, "1 天", "1 d"], [DAY + HOUR, "1 天 1 小时", "1 d 1 h"], [-MINUTE, "1 分", "1 min"],
  ];
  for (const [k, lang] of [[1, "zh"], [2, "en"]]) {
    const { duration } = await kit("time.ts", lang);
    for (const row of said) assert.equal(duration(row[0]), row[k], `${row[0]} ms in ${lang}`);
  }
});

test("the clock is the daemon's: a late message does not set it back, a clock that was set does not stay wrong", async () => {
  const { setServerTime, heardServerTime, serverNow } = await kit("time.ts", "en");
  const real = Date.now, ahead = 5000; // the daemon's clock stands five seconds before ours
  const off = () => serverNow() - (real() + ahead);
  const hear = (late = 0) => heardServerTime(real() + ahead - late, Date.now());
  try {
    setServerTime(real() + ahead);
    assert.ok(Math.abs(off()) < 50);
    hear();
    hear(60000); // it lay in a buffer while the machine slept
    assert.ok(Math.abs(off()) < 50, `${off()} ms after a late message`);
    Date.now = () => real() - 3600000; // our clock is set back
    assert.ok(off() < -3500000);
    hear();
    assert.ok(Math.abs(off()) < 50, `${off()} ms after it was set back`);
    Date.now = real; // and forward
    for (let i = 0; i < 4; i++) hear();
    assert.ok(Math.abs(off()) < 50, `${off()} ms after it was set forward`);
  } finally {
    Date.now = real;
  }
});
