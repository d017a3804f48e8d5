// SPDX-License-Identifier: Apache-2.0
// build.mjs - console sources to console/dist: hashed names, gzip copies, manifest.json.
//
// The build finds the pages: every src/pages/*.tsx exports `page`, and the module "pages:registry"
// imports them all, so that adding a page is adding a file.
//
//   node build.mjs            build once
//   node build.mjs --dev      no minifying, with source maps
//   node build.mjs --out DIR  somewhere else than dist
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const args = process.argv.slice(2);
const dev = args.includes("--dev");
const out = args.includes("--out") ? args[args.indexOf("--out") + 1] : join(here, "dist");

const types = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8", ".json": "application/json",
  ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json", ".map": "application/json",
};

const pagesPlugin = {
  name: "pages",
  setup(b) {
    b.onResolve({ filter: /^pages:registry$/ }, () => ({ path: "registry", namespace: "pages" }));
    b.onLoad({ filter: /.*/, namespace: "pages" }, () => {
      const dir = join(here, "src/pages");
      const files = readdirSync(dir).filter((f) => f.endsWith(".tsx")).sort();
      const lines = files.map((f, i) => `import { page as p${i} } from "./src/pages/${f}";`);
      lines.push(`export const pages = [${files.map((_, i) => `p${i}`).join(", ")}];`);
      return { contents: lines.join("\n"), resolveDir: here, watchFiles: files.map((f) => join(dir, f)) };
    });
  },
};

const common = {
  bundle: true, minify: !dev, sourcemap: dev ? "linked" : false, target: ["chrome109", "firefox115", "safari16"],
  jsx: "automatic", jsxImportSource: "preact", charset: "utf8", logLevel: "warning", legalComments: "none",
  define: { "process.env.NODE_ENV": dev ? '"development"' : '"production"' },
};

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const app = await build({
  ...common, entryPoints: { app: join(here, "src/main.tsx"), style: join(here, "src/css/console.css") },
  format: "esm", splitting: true, outdir: join(out, "a"), entryNames: "[name]-[hash]", chunkNames: "[name]-[hash]",
  metafile: true, plugins: [pagesPlugin],
});
// The shared worker is a classic script of its own: one file, no imports at run time.
const worker = await build({
  ...common, entryPoints: { stream: join(here, "src/kit/stream_worker.ts") }, format: "iife",
  outdir: join(out, "a"), entryNames: "[name]-[hash]", metafile: true,
});

function entry(meta, source) {
  for (const [file, o] of Object.entries(meta.outputs)) {
    if (o.entryPoint && o.entryPoint.endsWith(source)) {
      return { file: "/" + relative(out, join(process.cwd(), file)), css: o.cssBundle, imports: o.imports };
    }
  }
  throw new Error(`no output for ${source}`);
}

const main = entry(app.metafile, "src/main.tsx");
const style = entry(app.metafile, "src/css/console.css");
const stream = entry(worker.metafile, "src/kit/stream_worker.ts");
const preload = main.imports.filter((i) => i.kind === "import-statement")
  .map((i) => "/" + relative(out, join(process.cwd(), i.path)));

const html = readFileSync(join(here, "src/index.html"), "utf8")
  .replace("%STYLE%", style.file).replace("%MAIN%", main.file).replace("%STREAM%", stream.file)
  .replace("%PRELOAD%", preload.map((p) => `<link rel="modulepreload" href="${p}">`).join(""));
writeFileSync(join(out, "index.html"), html);
writeFileSync(join(out, "icon.svg"), readFileSync(join(here, "src/icon.svg")));
writeFileSync(join(out, "app.webmanifest"), readFileSync(join(here, "src/app.webmanifest")));

const hashed = readdirSync(join(out, "a")).filter((f) => !f.endsWith(".map")).sort();
// The phone's offline shell: what the service worker keeps. Its name carries the content.
const shell = ["/m", "/icon.svg", ...hashed.filter((f) => !f.startsWith("echarts") && !f.startsWith("chart")).map((f) => "/a/" + f)];
const tag = createHash("sha256").update(html).update(shell.join()).digest("hex").slice(0, 12);
await build({
  ...common, entryPoints: { sw: join(here, "src/kit/offline_worker.ts") }, format: "iife", outdir: out,
  define: { ...common.define, SHELL: JSON.stringify(shell), TAG: JSON.stringify(tag) },
});

const rows = [];
let total = 0;
function add(path, file, immutable) {
  const bytes = readFileSync(join(out, file));
  const gz = gzipSync(bytes, { level: 9 });
  const small = gz.length < bytes.length;
  if (small) writeFileSync(join(out, file + ".gz"), gz);
  rows.push({
    path, file, type: types[extname(file)] ?? "application/octet-stream",
    etag: `"${createHash("sha256").update(bytes).digest("hex").slice(0, 20)}"`,
    size: bytes.length, gz: small ? file + ".gz" : null, gz_size: small ? gz.length : null, immutable,
  });
  total += small ? gz.length : bytes.length;
}
for (const path of ["/", "/wall", "/m"]) add(path, "index.html", false);
for (const f of ["sw.js", "icon.svg", "app.webmanifest"]) add("/" + f, f, false);
for (const f of readdirSync(join(out, "a")).sort()) add("/a/" + f, "a/" + f, true);
writeFileSync(join(out, "manifest.json"), JSON.stringify({ csp: CSP(), files: rows }, null, 1) + "\n");

function CSP() {
  return "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";
}

for (const r of rows) if (!args.includes("--quiet")) console.log(`${String(r.gz_size ?? r.size).padStart(8)}  ${r.path}`);
console.log(`${basename(out)}: ${rows.length} paths, ${total} bytes gzipped`);
