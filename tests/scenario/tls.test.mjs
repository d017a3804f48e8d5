// SPDX-License-Identifier: Apache-2.0
// The console behind TLS with the certificate that init made: what it prints is what is served, cookies are for TLS only,
// and without TLS nothing is served beyond this machine.
import assert from "node:assert/strict";
import { X509Certificate, randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { after, before, test } from "node:test";
import * as kit from "./kit.mjs";

let dir, printed, d, url, ca, agent;

/** One request over TLS that trusts our certificate and nothing else: {status, headers, body, cert}. */
function ask(method, path, { body, headers = {}, host = url.hostname, via = agent } = {}) {
  return new Promise((done, fail) => {
    const h = { ...headers };
    if (body !== undefined) h["content-type"] = "application/json";
    const r = https.request({ host, port: url.port, path, method, headers: h, agent: via, servername: "localhost", ca }, (res) => {
      const parts = [], cert = res.socket.getPeerX509Certificate();
      res.on("data", (b) => parts.push(b));
      res.on("end", () => {
        const text = Buffer.concat(parts).toString();
        let json = text;
        try { json = JSON.parse(text); } catch { /* as text */ }
        done({ status: res.statusCode, headers: res.headers, body: json, cert });
      });
    });
    r.on("error", fail);
    r.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

before(async () => {
  const tmp = kit.tempDir();
  dir = join(tmp, "data");
  printed = await kit.must(["init", "--data", dir, "--tls", "localhost 127.0.0.1 ::1 console.example"]);
  ca = readFileSync(join(dir, "tls.crt"));
  agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca, ALPNProtocols: ["http/1.1"] });
  d = await kit.serve(dir, ["--tls-cert", join(dir, "tls.crt"), "--tls-key", join(dir, "tls.key")]);
  url = new URL(d.url);
});
after(async () => {
  agent?.destroy();
  await d?.stop();
  kit.endAll();
});

test("the fingerprint that init prints is the certificate's; its key is nobody else's", async () => {
  const said = /^SHA-256 ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})$/m.exec(printed)[1];
  const file = new X509Certificate(ca);
  assert.equal(file.fingerprint256, said);
  assert.equal(url.protocol, "https:", "ready says https");
  const r = await ask("GET", "/health");
  assert.equal(r.status, 200);
  assert.equal(r.cert.fingerprint256, said, "and that is what is served");
  assert.equal(statSync(join(dir, "tls.key")).mode & 0o777, 0o600);
  for (const name of ["localhost", "console.example"]) assert.ok(file.checkHost(name), name);
  assert.ok(file.checkIP("127.0.0.1"));
  assert.equal(file.checkHost("elsewhere.example"), undefined);
  assert.ok(new Date(file.validTo) - Date.now() > 300 * 86400000);
  assert.equal(file.ca, false);
});

test("signing in and asking through TLS; the cookie is Secure, HttpOnly and SameSite=Strict", async () => {
  const [, login, password] = /^\s*(admin)\s+(\S+)\s*$/m.exec(printed);
  const wrong = await ask("POST", "/api/v1/session", { body: { user: login, password: "not this one" } });
  assert.equal(wrong.status, 401);
  assert.equal(wrong.headers["set-cookie"], undefined);
  const r = await ask("POST", "/api/v1/session", { body: { user: login, password } });
  assert.equal(r.status, 200, JSON.stringify(r.body));
  const cookie = r.headers["set-cookie"][0], [value, ...flags] = cookie.split("; ");
  for (const flag of ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"]) assert.ok(flags.includes(flag), `${flag} in ${cookie}`);
  assert.ok(!flags.some((f) => /^domain=/i.test(f)), "for this host alone");
  const headers = { cookie: value, "x-csrf-token": r.body.csrf, origin: d.url };
  const mine = await ask("GET", "/api/v1/session", { headers });
  assert.equal(mine.status, 200);
  const changed = await ask("POST", "/api/v1/session/password", { headers, body: { old: password, new: kit.PASSWORD } });
  assert.ok([200, 204].includes(changed.status), JSON.stringify(changed.body));
  const again = await ask("POST", "/api/v1/session", { body: { user: login, password: kit.PASSWORD } });
  assert.equal(again.status, 200, JSON.stringify(again.body));
  const fresh = { cookie: again.headers["set-cookie"][0].split("; ")[0], "x-csrf-token": again.body.csrf };
  assert.equal((await ask("GET", "/api/v1/users", { headers: fresh })).status, 200);
  const foreign = await ask("POST", "/api/v1/users", { headers: { ...fresh, origin: d.url.replace("https:", "http:") }, body: {} });
  assert.equal(foreign.status, 403, "the same name without TLS is another origin");
  const page = await ask("GET", "/");
  assert.equal(page.status, 200);
  assert.match(page.headers["content-security-policy"], /default-src 'self'|default-src 'none'/);
  const out = await ask("DELETE", "/api/v1/session", { headers: fresh });
  assert.equal(out.status, 204);
  assert.ok(/Max-Age=0/i.test(out.headers["set-cookie"]?.[0] ?? "Max-Age=0"));
  assert.equal((await ask("GET", "/api/v1/session", { headers: fresh })).status, 401);
});

const handshake = (options) => new Promise((done) => {
  const s = tls.connect({ host: url.hostname, port: url.port, ca, servername: "localhost", ...options }, () => {
    done({ alpn: s.alpnProtocol, protocol: s.getProtocol(), cipher: s.getCipher().name });
    s.destroy();
  });
  s.on("error", (e) => done({ error: e.code ?? e.message }));
});

test("the handshake: TLS 1.2 and 1.3 with forward secrecy, HTTP/1.1 and nothing else", async () => {
  assert.equal((await handshake({ ALPNProtocols: ["h2", "http/1.1"] })).alpn, "http/1.1");
  assert.ok((await handshake({ ALPNProtocols: ["h2"] })).error, "h2 alone is turned away");
  assert.equal((await handshake({})).error, undefined, "a client that names none is served");
  const old = await handshake({ minVersion: "TLSv1.2", maxVersion: "TLSv1.2" });
  assert.equal(old.protocol, "TLSv1.2");
  assert.match(old.cipher, /^ECDHE-.*(GCM|POLY1305)/);
  assert.equal((await handshake({})).protocol, "TLSv1.3");
  assert.ok((await handshake({ minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" })).error, "1.1 is refused");
  assert.ok((await handshake({ maxVersion: "TLSv1.2", ciphers: "AES128-SHA" })).error, "no key exchange without forward secrecy");
});

test("small answers on one kept connection are not held back", async () => {
  const took = [];
  for (let i = 0; i < 40; i++) {
    const at = performance.now();
    assert.equal((await ask("GET", "/health")).status, 200);
    took.push(performance.now() - at);
  }
  took.sort((a, b) => a - b);
  assert.ok(took[20] < 35, `median ${took[20].toFixed(1)} ms: a delayed acknowledgment costs 40`);
});

/** A bare connection: {bytes it got, how it ended, after how many ms}; `send` may write to it. */
function bare(send, limit = 30000) {
  return new Promise((done) => {
    const at = Date.now(), s = net.connect({ host: url.hostname, port: url.port }, () => send(s));
    let bytes = 0;
    const end = (how) => { s.destroy(); done({ bytes, how, took: Date.now() - at }); };
    s.on("data", (b) => { bytes += b.length; });
    s.on("end", () => end("closed"));
    s.on("error", (e) => end(e.code));
    s.setTimeout(limit, () => end("held"));
  });
}
const quick = async (what) => {
  const at = Date.now();
  assert.equal((await ask("GET", "/health", { via: new https.Agent({ ca }) })).status, 200, what);
  assert.ok(Date.now() - at < 2000, `${what}: others are served (${Date.now() - at} ms)`);
};
// The first bytes of a ClientHello that promises 512 more.
const HELLO = Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), randomBytes(32)]);

test("garbage on the port ends that connection and nothing else", async () => {
  const kinds = [randomBytes(65536), Buffer.alloc(4096), Buffer.from("\x16\x03\x01\xff\xff" + "a".repeat(70000), "latin1"), Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    Buffer.from([0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10]) /* SSL 2 */, Buffer.from([0x15, 3, 3, 0, 2, 2, 40]) /* an alert first */, Buffer.from([0x17, 3, 3, 0, 4, 1, 2, 3, 4]) /* data before a key */,
    Buffer.concat([HELLO, Buffer.alloc(471, 0xff)]) /* a hello of nonsense */, HELLO];
  for (const [i, b] of kinds.entries()) {
    const r = await bare((s) => s.write(b, () => i === kinds.length - 1 && s.end()));
    assert.ok(r.how !== "held" && r.bytes < 100, `kind ${i}: ${JSON.stringify(r)}`);
  }
  await quick("after garbage");
});

test("two hundred half handshakes are cut after ten seconds, and nobody waits for them", async () => {
  const held = Array.from({ length: 200 }, (_, i) => bare((s) => s.write(i % 2 ? HELLO : HELLO.subarray(0, 3))));
  const drops = bare((s) => { // one byte a second keeps no connection alive
    let k = 0;
    const t = setInterval(() => (k < HELLO.length && !s.destroyed ? s.write(HELLO.subarray(k, ++k)) : clearInterval(t)), 1000);
    s.on("close", () => clearInterval(t));
  });
  await kit.sleep(300);
  for (let i = 0; i < 5; i++) await quick(`while 200 hang, ${i}`);
  const ends = await Promise.all([...held, drops]);
  const late = ends.filter((e) => e.how === "held" || e.took > 15000);
  assert.deepEqual(late, [], "all were cut in time");
});

test("a client may not renegotiate, and SSL 3 to TLS 1.1 get an alert, no session", async () => {
  const how = await new Promise((done) => {
    const s = tls.connect({ host: url.hostname, port: url.port, ca, servername: "localhost", maxVersion: "TLSv1.2" }, () => {
      const asked = s.renegotiate({}, (e) => done(e ? "refused" : "renegotiated"));
      if (!asked) done("refused");
    });
    s.on("error", () => done("refused"));
    s.on("close", () => done("refused"));
  });
  assert.equal(how, "refused");
  for (const v of ["TLSv1", "TLSv1.1"]) {
    const r = await handshake({ minVersion: v, maxVersion: v, ciphers: "DEFAULT@SECLEVEL=0" });
    assert.ok(r.error, `${v}: ${JSON.stringify(r)}`);
  }
  await quick("after old clients");
});

test("plain HTTP: not on this port, and not beyond this machine at all", async () => {
  const plain = await new Promise((done) => {
    const r = http.get({ host: url.hostname, port: url.port, path: "/health" }, (res) => done(`status ${res.statusCode}`));
    r.on("error", (e) => done(e.code));
  });
  assert.doesNotMatch(plain, /^status/, "a port with TLS says nothing in the clear");
  const other = join(kit.tempDir(), "data");
  await kit.must(["init", "--data", other]);
  const outside = Object.values(networkInterfaces()).flat().filter((a) => !a.internal && a.family === "IPv4").map((a) => a.address);
  for (const listen of ["0.0.0.0:0", "[::]:0", ":0", ...outside.slice(0, 1).map((a) => `${a}:0`)]) {
    const r = await kit.tongqu(["serve", "--data", other, "--listen", listen], { timeout: 20000 });
    assert.equal(r.status, 2, `${listen}: ${r.out}${r.err}`);
    assert.match(r.err, /--tls-cert/, "and says what to give");
    assert.doesNotMatch(r.out, /ready/);
  }
  for (const part of [["--tls-cert", join(dir, "tls.crt")], ["--tls-key", join(dir, "tls.key")]])
    assert.equal((await kit.tongqu(["serve", "--data", other, "--listen", "127.0.0.1:0", ...part], { timeout: 20000 })).status, 2, "half a pair");
  const swapped = await kit.tongqu(["serve", "--data", other, "--listen", "127.0.0.1:0", "--tls-cert", join(dir, "tls.key"), "--tls-key", join(dir, "tls.crt")], { timeout: 20000 });
  assert.notEqual(swapped.status, 0);
  assert.match(swapped.err, /tls\.key/, "names the file that is wrong");
});
