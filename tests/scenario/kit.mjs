// SPDX-License-Identifier: Apache-2.0
// kit.mjs - a town of its own for every scenario: a data directory in a temporary folder, the real program serving it
// on a port of the system's choice, and the clients that speak to it: people (cookie and CSRF token), cameras
// (GA/T 1400 with HTTP Digest), senders (bearer key), the event stream. Nothing here looks inside the program.
//
//   TONGQU_BIN     the program; build/dev/tongqu when not given. tongqu-verify is the one beside it.
//   TONGQU_SHARED  where the shared data lie; ../shared when not given.
//   TONGQU_LONG    long runs: the counts of the bars.
import { execFile, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
export const bin = resolve(root, process.env.TONGQU_BIN ?? "build/dev/tongqu");
export const verifier = join(dirname(bin), "tongqu-verify");
export const shared = resolve(root, process.env.TONGQU_SHARED ?? "../shared");
export const long = Boolean(process.env.TONGQU_LONG);
if (!existsSync(bin)) throw new Error(`${bin} is not built: set TONGQU_BIN, or run ./dev build`);

export const PASSWORD = "a long quiet river 7";
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until `probe` gives something true; the error says what was waited for. */
export async function until(what, probe, limit = 10000) {
  const end = Date.now() + limit;
  for (;;) {
    const got = await probe();
    if (got) return got;
    if (Date.now() > end) throw new Error(`not within ${limit} ms: ${what}`);
    await sleep(20);
  }
}

// ---------------------------------------------------------------- programs

/** Runs the program to its end: {status, out, err}. */
export function tongqu(args, options = {}) {
  return run(options.bin ?? bin, args, options);
}
export function verify(args) {
  return run(verifier, args, {});
}
function run(file, args, options) {
  return new Promise((done) => {
    const child = execFile(file, args, { maxBuffer: 1 << 28, timeout: options.timeout ?? 120000, ...options }, (e, out, err) =>
      done({ status: e ? (typeof e.code === "number" ? e.code : `signal ${e.signal}`) : 0, out, err }));
    if (options.input !== undefined) child.stdin.end(options.input);
  });
}
/** The same, and it must succeed: what it printed. */
export async function must(args, options = {}) {
  const r = await tongqu(args, options);
  if (r.status !== 0) throw new Error(`tongqu ${args.join(" ")}: exit ${r.status}\n${r.err}${r.out}`);
  return r.out;
}

const running = new Set();
process.on("exit", () => {
  for (const d of running) d.child.kill("SIGKILL");
});

/** A daemon: {url, stop(), kill(), log}. */
export async function serve(dir, more = [], env = {}) {
  const child = spawn(bin, ["serve", "--data", dir, "--listen", "127.0.0.1:0", ...more], { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const d = { child, log: "", url: null };
  let said = "";
  d.gone = new Promise((done) => child.on("exit", (code, signal) => {
    running.delete(d);
    done({ code, signal });
  }));
  running.add(d);
  child.stderr.on("data", (b) => { d.log += b; });
  await new Promise((done, fail) => {
    child.stdout.on("data", (b) => {
      said += b;
      const line = /^ready (\S+)$/m.exec(said);
      if (line && !d.url) done(d.url = line[1].replace(/\/$/, ""));
    });
    d.gone.then((how) => fail(new Error(`the daemon ended before it was ready: ${JSON.stringify(how)}\n${said}${d.log}`)));
    setTimeout(() => fail(new Error(`the daemon was not ready in 30 s\n${said}${d.log}`)), 30000).unref();
  });
  d.stop = async (signal = "SIGINT") => {
    child.kill(signal);
    const how = await Promise.race([d.gone, sleep(15000)]);
    if (how) return how;
    child.kill("SIGKILL");
    throw new Error(`the daemon did not end within 15 s of ${signal}\n${d.log}`);
  };
  d.kill = () => d.stop("SIGKILL");
  return d;
}

/** Ends whatever a failed test left running. */
export function endAll() {
  for (const d of running) d.child.kill("SIGKILL");
}

// ---------------------------------------------------------------- a town

export function tempDir() {
  const dir = mkdtempSync(join(tmpdir(), "tongqu-"));
  process.on("exit", () => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export const CITY = "140100000000", BRIGADE = "140105000000", SQUAD = "140105010000", OTHER = "140106000000";
const org_csv = `org,parent,kind,name,name_en,sub_centre
${CITY},,city,演示市交警支队,Demo City,1
${BRIGADE},${CITY},brigade,小店大队,Xiaodian Brigade,1
${SQUAD},${BRIGADE},squad,小店一中队,Xiaodian Squad 1,0
${OTHER},${CITY},brigade,迎泽大队,Yingze Brigade,1
`;
// Four sites of the brigade, two of the other, none nearer than 2 km to the next.
export const SITES = ["140100000001", "140100000002", "140100000003", "140100000004", "140100000005", "140100000006"];
const sites_csv = "site,name,lon,lat,kind,directions,lanes,limit_kmh,city_pass,brigade,road\n" +
  SITES.map((c, i) => `${c},演示路口${i + 1},${(112.5 + i * 0.03).toFixed(4)},37.85,camera,1;2;3;4,4,60,0,${i < 4 ? BRIGADE : OTHER},演示路\n`).join("");
const units_csv = `callsign,kind,org,lon,lat
小店101,car,${SQUAD},112.51,37.85
小店102,car,${SQUAD},112.56,37.85
迎泽101,car,${OTHER},112.62,37.85
`;
// Invented: every plate of these tests has the pattern 晋A·QZnnn or 晋A·ZQnnn.
export const WATCHED = "晋AQZ001", CONTRARY = "晋AQZ002", OBSERVED = "晋AQZ003";
export const plain = (n) => `晋AZQ${String(n).padStart(3, "0")}`;
const registry_csv = "plate,plate_color,plate_class,vehicle_class,vehicle_color,brand,status,use_nature,inspection_until,scrap_on,owner_unit\n" +
  [WATCHED, CONTRARY, OBSERVED].map((p) => `${p},5,02,K33,2,13,A,A,2030-01-01,,张**\n`).join("") +
  Array.from({ length: 400 }, (_, i) => `${plain(i)},5,02,K33,2,13,A,A,2030-01-01,,李**\n`).join("");

export const PEOPLE = [
  ["duty", "duty", CITY], ["duty2", "duty", CITY], ["analyst", "analyst", CITY], ["chief", "supervisor", CITY], ["chief2", "supervisor", CITY],
  ["brigade", "duty", BRIGADE], ["leader", "supervisor", BRIGADE], ["other", "duty", OTHER], ["squad", "squad", SQUAD],
];

/** Makes a data directory with the town in it. `people`: which accounts (argon2id costs 0.1 s each). */
export async function town({ people = PEOPLE.map((p) => p[0]), watches = true } = {}) {
  const tmp = tempDir(), dir = join(tmp, "data");
  const file = (name, text) => {
    const at = join(tmp, name);
    writeFileSync(at, text);
    return at;
  };
  const secret = file("secret", PASSWORD + "\n");
  await must(["init", "--data", dir, "--password-file", secret]);
  for (const [what, text] of [["org", org_csv], ["sites", sites_csv], ["units", units_csv], ["registry", registry_csv]])
    await must(["import", what, file(`${what}.csv`, text), "--data", dir]);
  for (const [login, role, org] of PEOPLE)
    if (people.includes(login))
      await must(["user", "add", login, "--role", role, "--org", org, "--name", login, "--password-file", secret, "--keep-password", "--data", dir]);
  for (const [login, role] of [["root2", "admin"], ["guard", "security"], ["audit2", "auditor"]])
    await must(["user", "add", login, "--role", role, "--name", login, "--password-file", secret, "--keep-password", "--data", dir]);
  if (watches) {
    const from = Date.now() - 7 * 86400000, to = Date.now() + 30 * 86400000;
    const list = file("watches.csv", "watch,plate,reason,level,from_ms,to_ms\n" +
      `W1,${WATCHED},stolen,1,${from},${to}\nW2,${CONTRARY},stolen,1,${from},${to}\nW3,${OBSERVED},observe,3,${from},${to}\n`);
    await must(["import", "watches", list, "--data", dir, "--author", "duty", "--approver", "chief"]);
  }
  return { tmp, dir, file, secret };
}

// ---------------------------------------------------------------- people

/** One signed-in person. */
export class Person {
  constructor(url, name) {
    this.url = url;
    this.name = name;
  }
  /** {status, body, headers}: body is parsed JSON, or text. */
  async ask(method, path, body, headers = {}) {
    const h = { ...headers };
    if (this.cookie && !("cookie" in h)) h.cookie = this.cookie;
    if (method !== "GET" && this.csrf && !("x-csrf-token" in h)) h["x-csrf-token"] = this.csrf;
    for (const k of Object.keys(h)) if (h[k] === null) delete h[k];
    if (body !== undefined && !h["content-type"]) h["content-type"] = "application/json";
    const r = await fetch(this.url + path, { signal: AbortSignal.timeout(30000), method, headers: h, body: body === undefined ? undefined : typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body) });
    const bytes = Buffer.from(await r.arrayBuffer());
    const json = /json/.test(r.headers.get("content-type") ?? "");
    return { status: r.status, headers: r.headers, bytes, body: json && bytes.length ? JSON.parse(bytes.toString()) : bytes.toString() };
  }
  get(path, headers) {
    return this.ask("GET", "/api/v1" + path, undefined, headers);
  }
  post(path, body = {}, headers) {
    return this.ask("POST", "/api/v1" + path, body, headers);
  }
  /** The answer's body; any status but the wanted one is an error that says everything. */
  async want(status, method, path, body, headers) {
    const r = await this.ask(method, "/api/v1" + path, body, headers);
    if (r.status !== status) throw new Error(`${this.name}: ${method} ${path} ${JSON.stringify(body ?? null)} -> ${r.status}, not ${status}: ${JSON.stringify(r.body)}`);
    return r.body;
  }
  async signIn(password = PASSWORD) {
    const r = await this.post("/session", { user: this.name, password });
    if (r.status === 200) {
      this.cookie = r.headers.get("set-cookie").split(";")[0];
      this.csrf = r.body.csrf;
      this.session = r.body;
    }
    return r;
  }
  /** A move on a matter, with the newest seq: the matter after it. */
  async move(matter, move, fields = {}) {
    const m = await this.want(200, "GET", `/matters/${matter}`);
    return this.want(200, "POST", `/matters/${matter}/moves`, { move, seq: m.seq, fields });
  }
}
export async function person(url, name, password) {
  const p = new Person(url, name);
  const r = await p.signIn(password);
  if (r.status !== 200) throw new Error(`${name} cannot sign in: ${r.status} ${JSON.stringify(r.body)}`);
  return p;
}

// ---------------------------------------------------------------- the event stream

/** An open stream: {events, first, next(name, test, limit), close(), ended}. */
export async function stream(who, path = "/events", headers = {}) {
  const abort = new AbortController();
  const r = await fetch(who.url + "/api/v1" + path, { headers: { cookie: who.cookie, accept: "text/event-stream", ...headers }, signal: abort.signal });
  if (r.status !== 200) throw new Error(`events: ${r.status} ${await r.text()}`);
  const s = { events: [], ended: false, close: () => abort.abort() };
  let text = "";
  (async () => {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of r.body) {
        text += decoder.decode(chunk, { stream: true });
        for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
          const e = { at: performance.now(), name: "message", data: "", id: null };
          for (const line of text.slice(0, end).split("\n")) {
            if (line.startsWith("event: ")) e.name = line.slice(7);
            if (line.startsWith("id: ")) e.id = line.slice(4);
            if (line.startsWith("data: ")) e.data += line.slice(6);
          }
          if (e.data) s.events.push({ ...e, data: JSON.parse(e.data) });
        }
      }
    } catch { /* closed by us or by the daemon */ }
    s.ended = true;
  })();
  s.next = (name, test = () => true, limit = 5000) => until(`event ${name}`, () => s.events.find((e) => e.name === name && test(e.data, e)), limit);
  await s.next("hello");
  return s;
}

// ---------------------------------------------------------------- cameras

const md5 = (s) => createHash("md5").update(s).digest("hex");
/** 20261121120000 or 20261121120000123, in the town's civil time (UTC+8). */
export function viidTime(ms, digits = 17) {
  return new Date(ms + 8 * 3600000).toISOString().replace(/[-:T.Z]/g, "").slice(0, digits);
}

export class Camera {
  constructor(url, code, password) {
    Object.assign(this, { url, code, password, n: 0 });
  }
  async send(method, path, body, headers = {}) {
    const r = await fetch(this.url + path, {
      signal: AbortSignal.timeout(30000),
      method,
      headers: { "content-type": "application/VIID+JSON;charset=UTF-8", "user-identify": this.code, ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await r.text();
    let parsed = text;
    try { parsed = JSON.parse(text); } catch { /* as text */ }
    return { status: r.status, headers: r.headers, body: parsed };
  }
  answer(challenge, method, uri, password = this.password) {
    const part = (k) => new RegExp(`${k}="?([^",]+)"?`).exec(challenge)?.[1];
    const realm = part("realm"), nonce = part("nonce"), nc = "00000001", cnonce = randomBytes(8).toString("hex");
    const ha1 = md5(`${this.code}:${realm}:${password}`), ha2 = md5(`${method}:${uri}`);
    const response = md5(`${ha1}:${nonce}:${nc}:${cnonce}:auth:${ha2}`);
    return `Digest username="${this.code}", realm="${realm}", nonce="${nonce}", uri="${uri}", qop=auth, nc=${nc}, cnonce="${cnonce}", response="${response}", algorithm=MD5, opaque="${part("opaque") ?? ""}"`;
  }
  async register(password) {
    const path = "/VIID/System/Register", body = { RegisterObject: { DeviceID: this.code } };
    const first = await this.send("POST", path, body);
    if (first.status !== 401) return first;
    this.challenge = first.headers.get("www-authenticate");
    return this.send("POST", path, body, { authorization: this.answer(this.challenge, "POST", path, password) });
  }
  /** One MotorVehicleObject of this camera. */
  pass(o) {
    const id = o.id ?? `${this.code}02${viidTime(o.at ?? Date.now(), 14)}${String(++this.n).padStart(5, "0")}02${String(this.n).padStart(5, "0")}`;
    const at = viidTime(o.at ?? Date.now());
    return {
      MotorVehicleID: id, InfoKind: 1, SourceID: id.slice(0, 41), TollgateID: o.site ?? SITES[0], DeviceID: this.code, LaneNo: o.lane ?? 1,
      HasPlate: o.plate ? "1" : "0", PlateClass: "02", PlateColor: String(o.plate_color ?? 5), PlateNo: o.plate ?? "", Speed: o.speed ?? 41, Direction: "1",
      VehicleClass: o.vehicle_class ?? "K33", VehicleColor: String(o.vehicle_color ?? 2), VehicleBrand: o.brand ?? "13", PassTime: at, PlateReliability: "98", ...(o.more ?? {}),
    };
  }
  post(objects) {
    return this.send("POST", "/VIID/MotorVehicles", { MotorVehicleListObject: { MotorVehicleObject: objects } });
  }
}
/** The per-object rows of an answer, whatever the standard's letter case. */
export function statuses(body) {
  const list = body.ResponseStatusListObject ?? body;
  const rows = list.ResponseStatusObject ?? list.ResponseStatus;
  return Array.isArray(rows) ? rows : [rows];
}

/** Adds a device at the keyboard: its key. */
export async function device(t, code, protocol = "viid") {
  const r = await must(["device", "add", code, "--protocol", protocol, "--data", t.dir]);
  return r.trim().split(/\s+/)[1];
}
/** NDJSON with a bearer key. */
export async function ndjson(url, key, rows) {
  const r = await fetch(`${url}/api/v1/sightings`, {
    signal: AbortSignal.timeout(30000),
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/x-ndjson" },
    body: rows.map((o) => (typeof o === "string" ? o : JSON.stringify(o))).join("\n") + "\n",
  });
  const text = await r.text();
  return { status: r.status, body: text ? JSON.parse(text) : null };
}
