// SPDX-License-Identifier: Apache-2.0
// Commands as a stranger types them: wrong words, wrong values, files that are not what they seem. Every command is
// tried without a daemon and beside one.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as kit from "./kit.mjs";

const now = Date.now();
let t, matter;

before(async () => {
  t = await kit.town({ people: ["duty", "chief"] });
  matter = (await kit.must(["matter", "open", "--data", t.dir, "--kind", "inquiry", "--title", "核查"])).trim();
});
after(() => kit.endAll());

const file = (name, text) => {
  const at = join(t.tmp, name);
  writeFileSync(at, text);
  return at;
};
const refused = async (status, said, ...args) => {
  const r = await kit.tongqu(args);
  assert.equal(r.status, status, `${args.join(" ")}: ${r.err}${r.out}`);
  assert.match(r.err, said, args.join(" "));
};
const look = (...more) => ["query", "sightings", "--data", t.dir, "--matter", matter, "--purpose", "inquiry", ...more];
const rejects = (out) => readFileSync(/^rejects: (.*)$/m.exec(out)[1], "utf8").trim().split("\n").slice(1);

/** The same promise, first alone and then beside a daemon. */
const both = (name, fn) => {
  test(name, fn);
  test(`${name} (beside a daemon)`, async () => {
    const d = await kit.serve(t.dir);
    try {
      await fn();
    } finally {
      await d.stop();
    }
  });
};

both("wrong usage is status 2 and says what is right", async () => {
  const window = ["--from", String(now - 1000), "--to", String(now)];
  await refused(2, /query questions/, "query", "nonsense", ...look(...window).slice(2));
  await refused(2, /--to lies before --from/, ...look("--plate", "晋AZQ001", "--from", String(now), "--to", String(now - 1)));
  await refused(2, /--plate stands twice/, ...look("--plate", "晋AZQ001", "--plate", "晋AZQ002", ...window));
  await refused(2, /there is no rule "nonsense"/, "query", "alarms", "--data", t.dir, "--kind", "nonsense");
  await refused(2, /one whole plate/, "query", "alarms", "--data", t.dir, "--plate", "晋A?????");
  await refused(2, /one whole plate/, "query", "alarms", "--data", t.dir, "--plate", "zz");
  const trajectory = ["query", "trajectory", "--data", t.dir, "--matter", matter, "--purpose", "inquiry", ...window];
  await refused(2, /"zz" is not a plate: write it whole, or with \?/, ...trajectory, "--plate", "zz");
  await refused(2, /one whole plate/, ...trajectory, "--plate", "晋A?????");
  await refused(2, /"zz" is not a plate/, ...look("--plate", "zz", ...window));
  await refused(2, /"zz" is not a whole plate/, "query", "companions", "plates=zz", ...trajectory.slice(2));
  for (const part of ["晋AZQ0??", "*Q00*"]) await kit.must(look("--plate", part, ...window));
  await kit.must([...trajectory, "--plate", "晋AZQ001"]);
  await refused(2, /--protocol takes viid, ndjson or fixes, not "pigeon"/, "device", "add", "14010000001190000077", "--protocol", "pigeon", "--data", t.dir);
  for (const login of ["", "a b", "a\nb", "x".repeat(32), "y".repeat(100)])
    await refused(2, /1 to 31 bytes|too long/, "user", "add", login, "--role", "duty", "--data", t.dir);
  const list = file("map.csv", "plate,site,time_ms\n");
  await refused(2, /theirs=ours/, "import", "sightings", list, "--data", t.dir, "--map", "garbage");
  await refused(2, /utf-8 or gb18030/, "import", "sightings", list, "--data", t.dir, "--encoding", "ebcdic");
});

both("a word that is none of those there are is status 2, and they are told", async () => {
  const data = ["--data", t.dir], window = ["--from", String(now - 1000), "--to", String(now)];
  await refused(2, /"king" is not a role: duty, analyst, squad, supervisor, auditor, security or admin/, "user", "add", "x1", "--role", "king", ...data);
  await refused(2, /at least one role/, "user", "add", "x1", "--role", "", ...data);
  await refused(2, /held by different users/, "user", "add", "x1", "--role", "admin,duty", ...data);
  await refused(2, /no kind of matter that is opened by hand: .*inquiry/, "matter", "open", "--kind", "nonsense", "--title", "x", ...data);
  await refused(2, /no kind of matter that is opened by hand/, "matter", "open", "--kind", "alarm", "--title", "x", ...data);
  await refused(2, /--title TEXT/, "matter", "open", "--kind", "inquiry", "--title", "", ...data);
  await refused(2, /"nonsense" is no purpose: .*inquiry/, "query", "sightings", "--matter", matter, "--purpose", "nonsense", "--plate", "晋AZQ001", ...window, ...data);
  await refused(2, /companions has no parameter "nonsense"/, "query", "companions", "nonsense=1", "--matter", matter, "--purpose", "inquiry", ...window, ...data);
  await refused(2, /fill in/, "query", "companions", "--matter", matter, "--purpose", "inquiry", ...window, ...data);
  for (const [c, ...more] of [["user", "list"], ["device", "list"], ["rules"], ["report", "quality"], ["query", "alarms"]])
    await refused(2, /--format takes table, json(, csv, geojson or markdown| or csv), not "xml"/, c, ...more, "--format", "xml", ...data);
});

test("every command: --help, an option it has not, a data directory that is none, files that are not there", async () => {
  const names = [...(await kit.must(["help"])).matchAll(/^  ([a-z]+) /gm)].map((m) => m[1]);
  assert.ok(names.length >= 19, names.join());
  const nowhere = join(t.tmp, "nowhere");
  const least = { backup: [join(t.tmp, "b")], import: ["sites", "/dev/null"], matter: ["open", "--kind", "inquiry", "--title", "x"], report: ["quality"], restore: [join(t.tmp, "no-backup")],
    user: ["list"], device: ["list"], query: ["alarms"], export: ["evidence", "--out", join(t.tmp, "e.zip"), "--alarm", "1", "--matter", "1", "--purpose", "inquiry"], video: ["list", "--matter", "1"] };
  for (const c of names) {
    const help = await kit.must([c, "--help"]);
    assert.match(help, new RegExp(`^tongqu ${c} `));
    assert.equal(await kit.must(["help", c]), help);
    await refused(2, /no-such-option/, c, "--no-such-option");
    if (!/^  --data DIR/m.test(help) || c === "init") continue;
    const r = await kit.tongqu([c, ...(least[c] ?? []), "--data", nowhere]);
    assert.equal(r.status, 1, `${c}: ${r.out}${r.err}`);
    assert.match(r.err, /nowhere is no data directory|is no finished backup/, c);
    assert.ok(!existsSync(nowhere), `${c} has made it`);
  }
  for (const args of [["user", "add", "x2", "--role", "duty", "--password-file"], ["device", "add", "14010000001190000078", "--password-file"], ["import", "sites"]])
    await refused(1, /nothing-here.*(no such thing|cannot be opened)/, ...args, join(t.tmp, "nothing-here"), "--data", t.dir);
  await refused(1, /nothing-here/, "lint", join(t.tmp, "nothing-here"));
  await refused(2, /there is no kind "nonsense": there are alarm/, "lint", join(t.dir, "definitions"), "--diagram", "nonsense");
  for (const [option, value, said] of [["--listen", "nonsense", /HOST:PORT/], ["--ingest-listen", "127.0.0.1:99999", /HOST:PORT/], ["--origins", "board", /no origin/], ["--proxies", "x", /no address or network/]])
    await refused(2, said, "serve", "--data", t.dir, option, value);
  await refused(2, /HOST:PORT/, "demo", "--dir", join(t.tmp, "demo"), "--listen", "nonsense");
  assert.ok(!existsSync(join(t.tmp, "demo")), "refused before anything is made");
});

test("help COMMAND is COMMAND --help; a demo city does not move into a data directory", async () => {
  assert.equal(await kit.must(["help", "query"]), await kit.must(["query", "--help"]));
  await refused(2, /there is no command "nonsense"/, "help", "nonsense");
  await refused(2, /is a data directory/, "demo", "--dir", t.dir, "--for", "1", "--listen", "127.0.0.1:0");
});

both("a backup is never made inside its own directory", async () => {
  for (const to of [t.dir, join(t.dir, "copy"), join(t.dir, "a", "b"), join(t.dir, "..", "data", "c")]) await refused(2, /outside the data directory/, "backup", to, "--data", t.dir);
});

both("alarms come in every format", async () => {
  const text = await kit.must(["query", "alarms", "--data", t.dir, "--format", "geojson"]);
  assert.equal(JSON.parse(text).type, "FeatureCollection");
  assert.ok(Array.isArray(JSON.parse(await kit.must(["query", "alarms", "--data", t.dir, "--format", "json"]))));
  assert.match(await kit.must(["query", "alarms", "--data", t.dir, "--format", "csv"]), /^\uFEFFid,kind,state,plate,/);
});

both("a table with fewer columns leaves the others as they are", async () => {
  await kit.must(["import", "sites", file("codes.csv", "site,lanes\n" + kit.SITES.map((s) => `${s},3\n`).join("")), "--data", t.dir]);
  await kit.must(["import", "sightings", file("p.csv", `plate,site,time_ms\n晋AZQ010,${kit.SITES[0]},${now - 5000}\n`), "--data", t.dir]);
  const [row] = JSON.parse(await kit.must(look("--plate", "晋AZQ010", "--from", String(now - 5000), "--to", String(now), "--format", "json"))).rows;
  assert.equal(row.site_name, "演示路口1");
  assert.equal(row.lat, 37.85);
  const odd = await kit.must(["import", "sites", file("odd.csv", `site,kind\n${kit.SITES[0]},submarine\n`), "--data", t.dir]);
  assert.deepEqual(rejects(odd).length, 1, odd);
});

both("every pass that is not taken stands in the rejects with line and reason", async () => {
  const at = now - Math.floor(Math.random() * 1e6);
  const out = await kit.must(["import", "sightings", "--data", t.dir, file(`r-${at}.csv`,
    `plate,site,time_ms\n晋AZQ020,${kit.SITES[0]},${at}\n晋AZQ020,${kit.SITES[0]},${now + 3600000}\n晋AZQ020,${kit.SITES[0]},${now - 400 * 86400000}\n晋AZQ020,,${at}\n晋AZQ020,x,when\n`)]);
  assert.match(out, /1 rows taken, 0 known already, 4 rejected/);
  assert.deepEqual(rejects(out).map((l) => l.split(",").slice(0, 2).join()).sort(), ["3,time_ms", "4,time_ms", "5,site", "6,time_ms"]);
});

both("an organisation cannot be made a ring", async () => {
  const out = await kit.must(["import", "org", file("ring.csv", `org,parent,kind,name\n${kit.CITY},${kit.SQUAD},city,演示市\n`), "--data", t.dir]);
  assert.equal(rejects(out).length, 1, out);
});

both("a pass that contradicts a known one is refused with its line", async () => {
  const at = now - 300 * 86400000 - Math.floor(Math.random() * 1e6), site = kit.SITES[0];
  const row = (lane, n) => `晋AZQ030,${site},${at},${lane},C${at}-${n}\n`;
  const out = await kit.must(["import", "sightings", "--data", t.dir, file(`c-${at}.csv`, "plate,site,time_ms,lane,record_id\n" + row(1, 1) + row(1, 2) + row(2, 1))]);
  assert.match(out, /2 rows taken, 0 known already, 1 rejected/);
  assert.deepEqual(rejects(out).map((l) => l.split(",").slice(0, 3).join()), [`4,record_id,"C${at}-1"`]);
  const again = await kit.must(["import", "sightings", "--data", t.dir, file(`d-${at}.csv`, "plate,site,time_ms,lane,record_id\n\n" + row(3, 2))]);
  assert.deepEqual(rejects(again).map((l) => l.split(",")[0]), ["3"]);
});

both("a NUL refuses its line, in any table; a leap second is taken and told", async () => {
  const sites = await kit.must(["import", "sites", file("nul.csv", `site,name\n${kit.SITES[0]},演示路口1\nX1,a\0b\n`), "--data", t.dir]);
  assert.match(sites, /1 rows taken, 0 known already, 1 rejected/);
  assert.match(rejects(sites)[0], /^3,line,"","a NUL byte in the text: is it damaged, UTF-16, or a fixed field sent whole\?",/);
  await refused(1, /the head \(line 1\) holds a NUL byte.*UTF-8/, "import", "sites", file("utf16.csv", Buffer.from("site,name\nX1,a\n", "utf16le")), "--data", t.dir);
  const day = new Date(now + 8 * 3600000 - 2 * 86400000).toISOString().slice(0, 10).replaceAll("-", "");
  const r = await kit.tongqu(["import", "sightings", "--data", t.dir, file(`leap-${Math.random()}.csv`, `plate,site,time_ms,lane,record_id\n晋AZQ034,${kit.SITES[0]},${day}235960,1,leap-${Math.random()}\n`)]);
  assert.match(r.out, /1 rows taken, 0 known already, 0 rejected/);
  assert.match(r.out, /1 taken at the last millisecond before a leap second/);
  assert.match(rejects(r.out)[0], new RegExp(`^2,time_ms,"${day}235960","second 60 of a leap second`));
});

both("a text that is too long costs the text, not the pass, and is told with its line", async () => {
  const at = now - 3 * 86400000 - Math.floor(Math.random() * 1e6);
  const r = await kit.tongqu(["import", "sightings", "--data", t.dir, file(`l-${at}.csv`, `plate,site,time_ms,image\n晋AZQ031,${kit.SITES[0]},${at},/1.jpg\n晋AZQ032,${kit.SITES[0]},${at},/${"x".repeat(2000)}\n`)]);
  assert.match(r.out, /2 rows taken, 0 known already, 0 rejected/);
  assert.match(r.out, /1 taken without a text that was too long/);
  assert.match(r.err, /1 times: a text or picture is larger than is taken \(image=2001 bytes\)/);
  assert.deepEqual(rejects(r.out).map((l) => l.split(",").slice(0, 2).join()), ["3,image"]);
});

both("accounts and devices are listed as a table, JSON or CSV", async () => {
  const list = async (what, format) => kit.must([what, "list", "--data", t.dir, "--format", format]);
  const users = JSON.parse(await list("user", "json"));
  assert.deepEqual(users.find((u) => u.login === "chief"), { login: "chief", name: "chief", roles: ["supervisor"], org: kit.CITY, disabled: false, must_change: false, last_ms: null });
  const csv = await list("user", "csv");
  assert.match(csv, /^\uFEFFlogin,name,roles,org,disabled,last_ms\n/);
  assert.match(csv, new RegExp(`^chief,chief,supervisor,${kit.CITY},0,$`, "m"));
  assert.match(await list("user", "table"), /^login +name +roles/);
  const code = "14010000001190000055";
  await kit.tongqu(["device", "add", code, "--name", "=1+1", "--site", kit.SITES[1], "--data", t.dir]);
  assert.equal(JSON.parse(await list("device", "json")).find((x) => x.code === code).site, kit.SITES[1]);
  assert.match(await list("device", "csv"), new RegExp(`^${code},"'=1\\+1",viid,camera,${kit.SITES[1]},0,$`, "m"));
  await refused(2, /table, json or csv/, "user", "list", "--data", t.dir, "--format", "xml");
  await refused(2, /user list/, "user", "list", "chief", "--data", t.dir);
});

both("watches name two accounts that are there", async () => {
  const list = file("w.csv", `plate,to_ms\n晋AZQ033,${now + 86400000}\n`);
  await refused(1, /there is no account "nobody"/, "import", "watches", list, "--data", t.dir, "--author", "duty", "--approver", "nobody");
  await refused(1, /there is no account "ghost"/, "import", "watches", list, "--data", t.dir, "--author", "ghost", "--approver", "chief");
  await refused(1, /watches are approved by a supervisor/, "import", "watches", list, "--data", t.dir, "--author", "chief", "--approver", "duty");
  await refused(1, /watches are asked for by duty, analyst or supervisor/, "import", "watches", list, "--data", t.dir, "--author", "auditor", "--approver", "chief");
  await refused(2, /two different persons/, "import", "watches", list, "--data", t.dir, "--author", "chief", "--approver", "chief");
});

both("0 is the beginning of the epoch", async () => {
  const r = await kit.tongqu(["query", "alarms", "--data", t.dir, "--from", "0", "--format", "json"]);
  assert.equal(r.status, 0, r.err);
  await refused(2, /is not a time/, "query", "alarms", "--data", t.dir, "--from", "7");
});

test("a name that no certificate can bear makes no directory", async () => {
  for (const names of ["", "a,b", "口岸", "a:b"]) {
    const dir = join(t.tmp, "tls-data");
    await refused(2, /names for the certificate|--tls/, "init", "--data", dir, "--tls", names);
    assert.equal(existsSync(dir), false, names);
  }
});

test("a key that is none is wrong usage", async () => {
  for (const key of ["zz", "", "0".repeat(63), "g".repeat(64)]) {
    const r = await kit.verify([t.dir, "--key", key]);
    assert.equal(r.status, 2, key);
    assert.match(r.err, /64 hexadecimal digits/);
  }
});
