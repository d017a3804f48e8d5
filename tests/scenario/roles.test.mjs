// SPDX-License-Identifier: Apache-2.0
// Every route of the contract as everybody who may not: made from the document that the running program serves.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as kit from "./kit.mjs";

const LOGINS = { duty: "duty", analyst: "analyst", squad: "squad", supervisor: "chief", auditor: "audit2", security: "guard", admin: "root2" };
let t, d, doc, routes, key;
const who = {};

before(async () => {
  t = await kit.town({ watches: false });
  key = await kit.device(t, "14010000001190000009", "ndjson");
  d = await kit.serve(t.dir);
  for (const [role, login] of Object.entries(LOGINS)) who[role] = await kit.person(d.url, login);
  doc = await (await fetch(d.url + "/api/v1/openapi.json")).json();
  routes = Object.entries(doc.paths).flatMap(([path, by]) => Object.entries(by).map(([method, row]) => ({
    method: method.toUpperCase(),
    name: path.replace(/^\/api\/v1/, ""),
    roles: row["x-roles"],
    audit: row["x-audit"],
    body: row.requestBody ? Object.keys(row.requestBody.content)[0] : null,
  })));
});
after(() => d?.stop());

const filled = (name) => name.replace(/\{id\}/, "1").replace(/\{n\}/, "1").replace(/\{ref\}/, "1795262768032-1-759857d7");
const open = (r) => r.roles.includes("anyone");
function ask(person, r, headers = {}) {
  const body = r.method === "GET" ? undefined : r.body && !/json$/.test(r.body) ? "x" : {};
  return person.ask(r.method, "/api/v1" + filled(r.name), body, { ...(r.body && !/json$/.test(r.body) ? { "content-type": r.body } : {}), ...headers });
}

test("the contract is whole: every route has roles and an audit class", () => {
  assert.ok(doc.openapi.startsWith("3.1"));
  const table = readFileSync(join(kit.root, "docs/api.md"), "utf8").matchAll(/^\| (GET|POST|DELETE|PUT) (\/\S+) \| ([^|]+) \| (none|look|change|security) \|/gm);
  const said = [...table].map((m) => `${m[1]} ${m[2]} ${m[3].trim()} ${m[4]}`).sort();
  const people = Object.keys(LOGINS);
  const served = routes.map((r) => {
    const all = people.every((x) => r.roles.includes(x)) && !r.roles.includes("device");
    const roles = open(r) ? "anyone" : all ? "all" : r.roles.join(" ");
    return `${r.method} ${r.name} ${roles} ${r.audit}`;
  }).sort();
  const order = (line) => line.split(" ").sort().join(" ");
  assert.deepEqual(served.map(order), said.map(order), "docs/api.md lists the routes, roles and audit classes that are served");
  for (const r of routes) {
    assert.ok(Array.isArray(r.roles) && r.roles.length, `${r.method} ${r.name} has roles`);
    assert.match(r.audit, /^(none|look|change|security)$/, `${r.method} ${r.name}`);
  }
});

test("every route refuses every role it is not for, and everybody who is not signed in", async () => {
  const nobody = new kit.Person(d.url, "nobody");
  let refused = 0;
  for (const r of routes.filter((x) => !open(x))) {
    const said = await ask(nobody, r);
    assert.equal(said.status, 401, `${r.method} ${r.name} without a session: ${JSON.stringify(said.body)}`);
    assert.equal(said.body.error.code, "unauthenticated");
    for (const role of Object.keys(LOGINS).filter((x) => !r.roles.includes(x) && !r.roles.includes("all"))) {
      const no = await ask(who[role], r);
      assert.equal(no.status, 403, `${r.method} ${r.name} as ${role}: ${no.status} ${JSON.stringify(no.body)}`);
      assert.equal(no.body.error.code, "forbidden");
      assert.ok(no.body.error.text.zh && no.body.error.text.en);
      refused++;
    }
  }
  console.log(`${refused} refusals of ${routes.length} routes`);
  assert.ok(refused > 150, `${refused}`);
});

test("a device's key opens the device's routes only", async () => {
  const nobody = new kit.Person(d.url, "device");
  for (const r of routes.filter((x) => !open(x))) {
    const said = await ask(nobody, r, { authorization: `Bearer ${key}` });
    if (r.roles.includes("device")) assert.ok(said.status !== 401 && said.status !== 403, `${r.method} ${r.name}: ${said.status}`);
    else assert.ok(said.status === 401 || said.status === 403, `${r.method} ${r.name} with a device key: ${said.status}`);
  }
  const wrong = await kit.ndjson(d.url, key.slice(0, -1) + "x", []);
  assert.equal(wrong.status, 401);
});

test("a change without the CSRF token, or from a foreign page, is refused", async () => {
  for (const r of routes.filter((x) => x.method !== "GET" && !open(x))) {
    const role = Object.keys(LOGINS).find((x) => r.roles.includes(x) || r.roles.includes("all"));
    if (!role) continue; /* devices only */
    for (const token of [null, "0".repeat(32)]) {
      const said = await ask(who[role], r, { "x-csrf-token": token });
      assert.equal(said.status, 403, `${r.method} ${r.name} as ${role}`);
      assert.equal(said.body.error.code, "csrf");
    }
    const other = await ask(who[role], r, { origin: "https://elsewhere.example" });
    assert.equal(other.status, 403, `${r.method} ${r.name} from elsewhere`);
    assert.equal(other.body.error.code, "origin");
    for (const origin of ["null", d.url.replace("127.0.0.1", "127.0.0.2")]) assert.equal((await ask(who[role], r, { origin })).status, 403, `Origin ${origin}`);
  }
  const signIn = await who.duty.ask("POST", "/api/v1/session", { user: "duty", password: kit.PASSWORD }, { origin: "https://elsewhere.example", cookie: null });
  assert.equal(signIn.status, 403, "not even signing in");
});

test("`may` of a session is what the contract says, and works", async () => {
  for (const [role, p] of Object.entries(who)) {
    const want = routes.filter((r) => open(r) || r.roles.includes(role) || r.roles.includes("all")).map((r) => `${r.method} ${r.name}`).sort();
    assert.deepEqual([...p.session.may].sort(), want, role);
  }
});

test("三员分立: administration, security and audit are three people, and none of them looks", async () => {
  for (const pair of ["admin,security", "admin,auditor", "security,auditor", "admin,duty", "auditor,analyst"]) {
    const r = await kit.tongqu(["user", "add", "both", "--role", pair, "--data", t.dir, "--password-file", t.secret]);
    assert.notEqual(r.status, 0, pair);
  }
  const now = Date.now();
  for (const role of ["admin", "security", "auditor"]) {
    const r = await who[role].post("/looks", { kind: "trajectory", emergency: true, why: "a life in danger", plate: kit.WATCHED, purpose: "rescue", from_ms: now - 1000, to_ms: now });
    assert.equal(r.status, 403, role);
    assert.equal(r.body.error.code, "forbidden");
  }
});

test("an account waits for its role; nobody gives or resets the own", async () => {
  const org = (await who.admin.want(200, "GET", "/org")).items[0].id;
  const made = await who.admin.want(201, "POST", "/users", { name: "newcomer", display: "新人", org, role: "duty" });
  assert.equal(made.state, "waiting");
  assert.ok(made.password);
  assert.equal((await new kit.Person(d.url, "newcomer").signIn(made.password)).status, 401, "no role, no door");
  assert.equal((await who.admin.post(`/users/${made.id}/role`, { role: "duty" })).status, 403, "the administrator gives no roles");
  await who.security.want(200, "POST", `/users/${made.id}/role`, { role: "duty" });
  const p = new kit.Person(d.url, "newcomer");
  const first = await p.signIn(made.password);
  assert.equal(first.status, 200);
  assert.equal(first.body.must_change_password, true);
  const early = await p.get("/alarms");
  assert.equal(early.status, 403);
  assert.equal(early.body.error.code, "password_change_required");
  assert.equal((await p.post("/session/password", { old: made.password, new: "short" })).status, 400);
  const changed = await p.post("/session/password", { old: made.password, new: "another quiet river 8" });
  assert.equal(changed.status, 200);
  p.csrf = changed.body.csrf;
  if (changed.headers.get("set-cookie")) p.cookie = changed.headers.get("set-cookie").split(";")[0];
  assert.equal((await p.get("/alarms")).status, 200);

  const self = (x) => who[x].session.user.id;
  const reset = await who.admin.post(`/users/${self("admin")}/reset`, {});
  assert.equal(reset.status, 409);
  assert.equal(reset.body.error.code, "same_person");
  const role = await who.security.post(`/users/${self("security")}/role`, { role: "admin" });
  assert.equal(role.status, 409);
  assert.equal(role.body.error.code, "same_person");

  const once = (await who.admin.want(200, "POST", `/users/${made.id}/reset`, {})).password;
  const thief = new kit.Person(d.url, "newcomer");
  assert.equal((await thief.signIn(once)).status, 401, "whoever reset a password does not sign in with it");
  assert.equal((await p.get("/session")).status, 401);
  assert.equal((await who.admin.want(200, "GET", "/users?q=newcomer")).items[0].state, "waiting");
  await who.security.want(200, "POST", `/users/${made.id}/role`, { role: "duty" });
  assert.equal((await p.signIn(once)).status, 200);
  const anew = await p.post("/session/password", { old: once, new: "yet another river 9" });
  assert.equal(anew.status, 200, JSON.stringify(anew.body));
  p.csrf = anew.body.csrf;
  if (anew.headers.get("set-cookie")) p.cookie = anew.headers.get("set-cookie").split(";")[0];

  const s = await kit.stream(p);
  await who.security.want(200, "POST", `/users/${made.id}/role`, { role: "analyst" });
  const bye = await s.next("bye");
  assert.equal(bye.data.reason, "role_changed", "a change of role ends the open streams");
  assert.equal((await p.get("/session")).status, 401, "and the sessions");
});

test("a watch needs two persons", async () => {
  const now = Date.now();
  const body = { pattern: "晋AQZ0?9", list: "stolen", level: "orange", why: "群众举报线索核查", one_misread: false, from_ms: now, to_ms: now + 86400000 };
  const e = await who.supervisor.want(200, "POST", "/watches/estimate", { pattern: body.pattern, one_misread: false, from_ms: body.from_ms, to_ms: body.to_ms });
  assert.equal(typeof e.false_per_day, "number");
  const w = await who.supervisor.want(201, "POST", "/watches", body);
  assert.equal(w.state, "proposed");
  const self = await who.supervisor.post(`/watches/${w.id}/approve`, { seq: w.seq });
  assert.equal(self.status, 409);
  assert.equal(self.body.error.code, "same_person");
  for (const role of ["duty", "analyst", "squad"]) assert.equal((await who[role].post(`/watches/${w.id}/approve`, { seq: w.seq })).status, 403, role);
  const other = await kit.person(d.url, "chief2");
  const yes = await other.want(200, "POST", `/watches/${w.id}/approve`, { seq: w.seq });
  assert.equal(yes.state, "active");
  assert.equal((await other.post("/watches", { ...body, to_ms: now + 91 * 86400000 })).status, 400, "90 days at most");
});

test("a list is cut to the own part of the tree", async () => {
  const other = await kit.person(d.url, "other");
  const sites = (await other.want(200, "GET", "/sites?limit=100")).items.map((s) => s.code).sort();
  assert.deepEqual(sites, kit.SITES.slice(4));
  const units = (await other.want(200, "GET", "/units")).items.map((u) => u.callsign);
  assert.deepEqual(units, ["迎泽101"]);
});
