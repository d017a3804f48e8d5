// SPDX-License-Identifier: Apache-2.0
// analysis.tsx - questions about sets of vehicles: choose one, fill its form, read the rows beside the map. Every
// question is a row of the daemon; this page knows none by name.
import { signal } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import { amount, isTime, unitText } from "../kit/amount";
import { ApiError, get, once, post, sentence } from "../kit/api";
import { matters, sites } from "../kit/city";
import { watermark } from "../kit/csv";
import { useDraft } from "../kit/draft";
import { saveGeoJson } from "../kit/geojson";
import { cap, t, tx } from "../kit/i18n";
import { useKeys } from "../kit/keys";
import { useLive } from "../kit/live";
import type { Answer, Cell, List, Question, QuestionColumn, Text } from "../kit/model";
import { go, route } from "../kit/route";
import { purposeText } from "../kit/session";
import { clockTime, duration, instant, num, percent, serverNow } from "../kit/time";
import { AsOf, Empty, Failed, Loading, PlateSign, Tag, useInSight } from "../parts/bits";
import { pictureUrl } from "../parts/card";
import { Span } from "../parts/form";
import { Grid, type Column } from "../parts/grid";
import { Emergency, Ground, groundBody, tierText, type GroundValue } from "../parts/ground";
import { Icon } from "../parts/icon";
import { MapPane } from "../parts/map";
import { Pictures, type Shot } from "../parts/pictures";
import { QuestionField } from "../parts/question";
import { Coverage, Refusal } from "./look";

const D = 86400000;
interface Ask extends GroundValue { question: string; from: number; to: number; given: Record<string, string> }

const questions = signal<Question[] | null>(null);
const failed = signal("");
const answer = signal<Answer | null>(null);
const refusal = signal<ApiError | null>(null);

function load(): void {
  get<List<Question>>("/questions").then((l) => { questions.value = l.items; failed.value = ""; }, (e: unknown) => { failed.value = sentence(e); });
}

/** Parameters of a question are kept under its own name, so that changing the question loses nothing. */
const keyOf = (q: Question, name: string) => `${q.name}.${name}`;

interface Row { i: number; cells: Cell[] }

/** Two decimals where they say something; very small numbers as powers. */
function decimal(v: number): string {
  return v !== 0 && Math.abs(v) < 0.01 ? v.toExponential(1) : v.toLocaleString("en-US", { maximumFractionDigits: Math.abs(v) < 100 ? 2 : 0 });
}

function shown(c: QuestionColumn, v: Cell, a: Answer, words: Map<string, Text>) {
  if (v === null) return <span class="dim">—</span>;
  switch (c.shape) {
    case "plate": return <PlateSign plate={String(v)} color={0} />;
    case "site": return <span class="cut" title={String(v)}>{a.sites[String(v)]?.name ?? v}</span>;
    case "time": return <span class="num">{instant(Number(v))}</span>;
    case "span": return <span class="num">{duration(Number(v))}</span>;
    case "share": return percent(Number(v), Number(v) > 0 && Number(v) < 0.1 ? 2 : 0);
    case "number": return decimal(Number(v));
    case "word": { const w = words.get(String(v)); return <span class="cut" title={String(v)}>{w ? tx(w) : v}</span>; }
    case "count": return num(Number(v));
    default: return <span class="cut" title={String(v)}>{v}</span>;
  }
}

const WIDE = new Set(["site", "word"]);
const WIDTH: Record<string, number> = { plate: 120, time: 122, span: 96, count: 64, number: 72, share: 72 };

function columnsOf(a: Answer, words: Map<string, Text>): Column<Row>[] {
  return a.columns.map((c, k) => {
    const head = cap(tx(c)) + (c.unit ? ` (${unitText(c.unit)})` : ""), least = [...head].reduce((n, x) => n + (x > "\u2e80" ? 13 : 7.5), 34);
    const right = c.shape === "count" || c.shape === "number" || c.shape === "share" || c.shape === "span";
    return {
      key: c.name, head, width: c.shape === "sighting" ? "0" : WIDE.has(c.shape) ? `minmax(${Math.max(110, Math.round(least)) / 16}rem,1fr)` : `${Math.max(WIDTH[c.shape]!, Math.round(least)) / 16}rem`, ...(right ? { align: "right" as const } : {}),
      ...(c.shape === "sighting" ? { file: true } : {}),
      cell: (r: Row) => shown(c, r.cells[k] ?? null, a, words),
      sort: (r: Row) => { const v = r.cells[k] ?? null; return c.shape === "site" && v !== null ? a.sites[String(v)]?.name ?? String(v) : v; },
      ...(c.shape === "time" ? { find: (r: Row) => (r.cells[k] == null ? "" : instant(Number(r.cells[k]))) } : c.shape === "word" ? { find: (r: Row) => tx(words.get(String(r.cells[k]))) } : {}),
      text: (r: Row) => { const v = r.cells[k] ?? null; return v === null ? "" : c.shape === "time" ? new Date(Number(v)).toISOString() : c.shape === "site" ? `${v} ${a.sites[String(v)]?.name ?? ""}` : String(v); },
    };
  });
}

/** A pass is named by its time and site; its picture opens under this look. */
function shotOf(a: Answer, id: string): Shot {
  const [ms, site] = id.split("-").map(Number), name = sites.find(String(site))?.name ?? String(site), time = clockTime(ms ?? 0);
  return { src: pictureUrl(id, `look=${a.n}`), title: name, sub: time, alt: t("picture.alt", { site: name, at: time }) };
}

function Result({ a, q }: { a: Answer; q: Question | undefined }) {
  const [at, setAt] = useState<number | null>(a.rows.length ? 0 : null);
  const [seen, setSeen] = useState<number | null>(null); // the row whose pictures were asked for: each is on record
  const rows = useMemo(() => a.rows.map((cells, i) => ({ i, cells })), [a.n]);
  const columns = useMemo(() => columnsOf(a, new Map((q?.params ?? []).flatMap((p) => p.words.map((w) => [w.name, w] as const)))), [a.n, tx({ zh: "zh", en: "en" })]);
  const place = a.columns.findIndex((c) => c.shape === "site");
  const ids = useMemo(() => new Set(Object.values(a.sites).map((s) => s.id)), [a.n]);
  const there = useMemo(() => sites.rows.value.filter((s) => ids.has(s.id)), [a.n, sites.rows.value.length]);
  const here = at !== null && place >= 0 ? a.sites[String(a.rows[at]?.[place])] : undefined;
  const plate = at === null ? null : a.rows[at]?.[a.columns.findIndex((c) => c.shape === "plate")];
  const shots = at === null ? [] : a.pictures[at] ?? [];
  const open = () => { if (shots.length) setSeen(seen === at ? null : at); };
  useKeys([{ key: "p", label: t("ask.pictures_key"), run: open }]);
  const mark = `#${a.n} ${a.matter ?? ""} ${a.question}`;
  const grid = (
    <section class="pane ask-shots" aria-label={t("look.table")}>
      {at !== null && seen === at && <Pictures key={at} shots={shots.map((id) => shotOf(a, id))} />}
      <Grid<Row> key={a.n} filter label={t("look.table")} rows={rows} id={(r) => String(r.i)} selected={at === null ? null : String(at)} onSelect={(r) => setAt(r.i)} columns={columns} exportName={`${a.question}-${a.n}`} exportMark={mark}
        foot={<>
          <button class="small" disabled={!rows.length} onClick={() => saveGeoJson(`${a.question}-${a.n}`, a, watermark(mark))}><Icon name="save" size={16} /> GeoJSON</button>
          {a.pictures.length > 0 && <button class="small" disabled={!shots.length} aria-pressed={seen === at && at !== null} title={shots.length ? t("ask.pictures_why") : t("ask.pictures_none")} onClick={open}>{t("ask.pictures", { n: shots.length })} <kbd aria-hidden="true">P</kbd></button>}
          {plate && <button class="small" onClick={() => go("look", "", { plate: String(plate), ...(a.matter ? { matter: a.matter } : {}) })}>{t("ask.track", { plate: String(plate) })}</button>}
        </>} />
    </section>
  );
  return (
    <div class="result">
      <header class="result-head">
        <b class="num">{t("look.number", { n: a.n })}</b> <span>{q ? tx(q) : a.question}</span> {a.matter && <span class="num">{a.matter}</span>} <span class="dim">{purposeText(a.purpose)}</span>
        <span class="num">{t("ask.rows", { n: num(a.count) })}</span> {a.truncated && <Tag tone="warn">{t("ask.truncated", { n: num(a.rows.length) })}</Tag>}
        {a.facts.map((f) => <span key={f.name} class="fact"><span class="dim">{tx(f)}</span> <b class="num">{f.value === null ? "—" : f.unit === "%" ? percent(f.value, 2) : isTime(f.unit) ? amount(f.value, f.unit) : `${decimal(f.value)} ${unitText(f.unit)}`}</b></span>)}
        {a.emergency && <Tag tone="bad">{t("look.unconfirmed", { x: a.confirm_by_ms ? duration(a.confirm_by_ms - serverNow()) : "" })}</Tag>}
        <AsOf ms={a.at_ms} limit_ms={600000} />
      </header>
      <Coverage c={a.coverage} />
      {!rows.length ? <Empty title={t("ask.nothing")} hint={q ? tx(q.pitfall) : ""} /> : place < 0 || !there.length ? <div class="split split-one">{grid}</div> : (
        <div class="split split-ask-result">
          <section class="pane pane-map" aria-label={t("look.map")}>
            <MapPane label={t("look.map")} sites={there} selected={here ? { kind: "site", id: String(here.id) } : null} tip={(x) => (x.kind === "site" ? sites.find(x.id)?.name ?? "" : "")}
              onSelect={(p) => { if (p?.kind === "site") { const i = a.rows.findIndex((r) => a.sites[String(r[place])]?.id === Number(p.id)); if (i >= 0) setAt(i); } }} />
          </section>
          {grid}
        </div>
      )}
    </div>
  );
}

function AskForm({ list }: { list: Question[] }) {
  const n = serverNow();
  const [v, set] = useDraft<Ask>("analysis", { question: list[0]?.name ?? "", from: n - D, to: n, given: {}, matter: "", purpose: "", emergency: false, why: "" });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<{ text: string; field: string | null } | null>(null);
  const q = list.find((x) => x.name === v.question) ?? list[0]!;
  const run = async (a: Ask) => {
    setBusy(true);
    setError(null);
    refusal.value = null;
    const params: Record<string, string> = {};
    for (const p of q.params) { const x = a.given[keyOf(q, p.name)]?.trim(); if (x) params[p.name] = x; }
    try {
      answer.value = await post<Answer>(`/questions/${q.name}`, { ...groundBody(a), once: once(), from_ms: a.from, to_ms: a.to, params, limit: 10000 });
    } catch (e) {
      if (e instanceof ApiError && (e.status === 403 || e.code.startsWith("look_"))) { answer.value = null; refusal.value = e; }
      else setError({ text: sentence(e), field: e instanceof ApiError ? e.field : null });
    } finally {
      setBusy(false);
    }
  };
  useEffect(() => {
    const r = route.value.query;
    if (!Object.keys(r).length) return;
    const c: Partial<Ask> = {};
    if (r["matter"] !== undefined) { c.matter = r["matter"]; c.emergency = false; }
    if (r["question"] && list.some((x) => x.name === r["question"])) c.question = r["question"];
    set(c);
    if (r["run"]) void run({ ...v, ...c });
    go("analysis", "", {}, true);
  }, [route.value]);
  const bad = (f: string) => (error?.field === f ? { "aria-invalid": true as const, "aria-describedby": "question-error" } : {});
  return (
    <form class="form ask" onSubmit={(e) => { e.preventDefault(); void run(v); }}>
      <div class="field"><label for="question-name">{t("ask.question")}</label>
        <select id="question-name" value={q.name} onChange={(e) => { set({ question: e.currentTarget.value }); setError(null); }}>{list.map((x) => <option key={x.name} value={x.name}>{tx(x)}</option>)}</select>
        <p class="why">{tx(q.what)}</p></div>
      {q.params.map((p) => (
        <QuestionField key={keyOf(q, p.name)} p={p} id={`question-${p.name}`} value={v.given[keyOf(q, p.name)] ?? ""} bad={bad(p.name)}
          set={(x) => set({ given: { ...v.given, [keyOf(q, p.name)]: x } })} />
      ))}
      <Span from={v.from} to={v.to} set={(from, to) => set({ from, to })} spans={[[t("span.1h"), D / 24], [t("span.24h"), D], [t("span.7d"), 7 * D], [t("span.30d"), 30 * D]].filter((x) => Number(x[1]) <= q.days_max * D) as [string, number][]} />
      <p class="why">{t("ask.days_max", { n: q.days_max })} {tierText(v.from)}</p>
      <Ground v={v} set={set} prefix="question" bad={bad} />
      <Emergency v={v} set={set} prefix="question" bad={bad} />
      {error && <p class="bad" id="question-error" role="alert">{error.text}</p>}
      <button class="primary" type="submit" disabled={busy}>{busy ? t("look.running") : t("ask.run")} <kbd aria-hidden="true">⏎</kbd></button>
      <p class="note-pitfall"><Icon name="warn" size={16} /> {tx(q.pitfall)}</p>
    </form>
  );
}

function View() {
  useLive(matters, sites);
  useEffect(() => { if (!questions.value) load(); }, []);
  useInSight(refusal.value ?? answer.value);
  const list = questions.value;
  if (!list) return failed.value ? <Failed what={failed.value} again={load} /> : <Loading />;
  return (
    <div class="lookpage">
      <div class="split split-ask">
        <section class="pane" aria-label={t("rail.analysis")}><AskForm list={list} /></section>
        <section class="pane pane-card" aria-label={t("look.result")}>
          {refusal.value ? <Refusal e={refusal.value} retry={(m) => go("analysis", "", { matter: m, run: "1" })} emergency={() => { refusal.value = null; document.querySelector<HTMLInputElement>(".ask .check input")?.click(); }} />
            : answer.value ? <Result key={answer.value.n} a={answer.value} q={list.find((x) => x.name === answer.value!.question)} /> : <Empty title={t("ask.empty")} hint={t("ask.empty_hint")} />}
        </section>
      </div>
    </div>
  );
}

export const page = { name: "analysis", face: "desk" as const, title: "rail.analysis", icon: "board", place: 5, key: "q", needs: ["POST /questions/{name}"], view: View };
