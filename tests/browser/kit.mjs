// SPDX-License-Identifier: Apache-2.0
// kit.mjs - where the tests run: against TONGQU_URL when it is given, else against the console's mock server.
//
//   TONGQU_URL            http://127.0.0.1:8080 of a running daemon (`tongqu demo`)
//   TONGQU_USER_FILE      a file with the user name of a duty officer   (or TONGQU_USER with the name itself)
//   TONGQU_PASSWORD_FILE  a file with that user's password              (or TONGQU_PASSWORD as a file name)
//   TONGQU_SUPERVISOR_FILE, TONGQU_AUDITOR_FILE, TONGQU_ADMIN_FILE, TONGQU_SQUAD_FILE
//                         files with "user password"; pages of a role without one are tested on the mock
//   TONGQU_SHOTS          a folder: every page's screenshot is left there
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { KEY, open } from "./driver.mjs";

export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const console_dir = join(root, "console");

function fileText(name) {
  return readFileSync(name, "utf8").trim();
}
function account(role) {
  const env = process.env;
  if (role === "duty") {
    const user = env.TONGQU_USER_FILE ? fileText(env.TONGQU_USER_FILE) : env.TONGQU_USER && existsSync(env.TONGQU_USER) ? fileText(env.TONGQU_USER) : env.TONGQU_USER;
    const pw = env.TONGQU_PASSWORD_FILE ?? env.TONGQU_PASSWORD;
    return user && pw ? [user, existsSync(pw) ? fileText(pw) : pw] : null;
  }
  const f = env[`TONGQU_${role.toUpperCase()}_FILE`];
  return f ? fileText(f).split(/\s+/, 2) : null;
}

/** {url, mock, account(role)}; mock is null against a daemon. */
export async function place(options = {}) {
  if (process.env.TONGQU_URL && !options.mock) {
    return { url: process.env.TONGQU_URL.replace(/\/$/, ""), mock: null, account, close: async () => undefined };
  }
  if (!existsSync(join(console_dir, "dist/manifest.json"))) throw new Error("console/dist is not built: run `npm ci && node build.mjs` in console/");
  const { start, PASSWORD } = await import("../../console/mock/server.mjs");
  process.env.MOCK_ALARMS = "0";
  const mock = await start({ port: 0, ...options });
  return { url: mock.url, mock, account: (role) => [role, PASSWORD], close: () => mock.close() };
}

export async function browser(options) {
  return open(options);
}

/** Signs in with the keyboard and waits for the face. */
export async function signIn(b, p, role, path = "/") {
  const who = p.account(role);
  if (!who) return false;
  await b.call("DELETE", "/cookie");
  await b.go(p.url + path);
  await b.has("#user");
  await b.type("#user", who[0]);
  await b.type("#password", who[1]);
  await b.keys(KEY.enter);
  await b.has(".frame, .wall, .phone, #old");
  return true;
}

export async function settings(b, lang, theme) {
  await b.run("(l, t) => { localStorage.setItem('lang', l); for (const f of ['desk', 'wall', 'phone']) localStorage.setItem('theme.' + f, t); }", lang, theme);
  await b.reload();
}

const axe = () => readFileSync(join(console_dir, "node_modules/axe-core/axe.min.js"), "utf8");
/** Serious and critical findings of axe-core, as lines. */
export async function findings(b) {
  await b.call("POST", "/execute/sync", { script: axe() + "; return true;", args: [] });
  const r = await b.runAsync("() => axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then((r) => r.violations.map((v) => ({ id: v.id, impact: v.impact, nodes: v.nodes.map((n) => n.target.join(' ') + ' | ' + (n.any[0] ? n.any[0].message : n.failureSummary)) })))");
  if (!Array.isArray(r)) throw new Error(`axe did not run: ${JSON.stringify(r)}`);
  return r.filter((v) => v.impact === "serious" || v.impact === "critical").flatMap((v) => v.nodes.slice(0, 4).map((n) => `${v.impact} ${v.id}: ${n}`));
}

export async function keep(b, name) {
  const dir = process.env.TONGQU_SHOTS;
  if (!dir) return;
  mkdirSync(dir, { recursive: true });
  await b.shot(join(dir, name + ".png"));
}
