// SPDX-License-Identifier: Apache-2.0
// quality.tsx - data quality (数据治理): what each device or vendor sends, and how well; slips by kind with a sample.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, poll, post, sentence } from "../kit/api";
import { useDraft } from "../kit/draft";
import { lang, t, tx } from "../kit/i18n";
import { useKeys } from "../kit/keys";
import type { List, Quality, QualityCounts, QualityFull } from "../kit/model";
import { href } from "../kit/route";
import { may } from "../kit/session";
import { num, percent, signedSeconds } from "../kit/time";
import { Empty, Failed, Loading, When, Worn } from "./bits";
import { Grid, type Column } from "./grid";

const COUNTS: (keyof QualityCounts)[] = ["objects", "stored", "duplicates", "conflicts", "future", "expired", "refused", "late", "unread", "faults"];

/** Records with a slip, refused or of an impossible time, for every hundred that came; null when none came. */
function share(part: number, whole: number): number | null {
  return whole ? part / whole : null;
}
const bad = (q: QualityCounts) => q.refused + q.future + q.expired + q.conflicts;

interface Row extends QualityCounts { key: string; name: string; vendor: string; devices: number; misread_rate: number | null; clock_error_ms: number | null; one: Quality | null }

function mean(rows: (number | null)[]): number | null {
  const known = rows.filter((v): v is number => v !== null);
  return known.length ? known.reduce((a, b) => a + b, 0) / known.length : null;
}
function byDevice(q: Quality): Row {
  return { ...q, key: String(q.id), name: q.name || q.code, devices: 1, one: q };
}
function byVendor(rows: Quality[]): Row[] {
  const groups = new Map<string, Quality[]>();
  for (const q of rows) groups.set(q.vendor, [...(groups.get(q.vendor) ?? []), q]);
  return [...groups].map(([vendor, list]) => {
    const sum = Object.fromEntries(COUNTS.map((k) => [k, list.reduce((n, q) => n + q[k], 0)])) as unknown as QualityCounts;
    return { ...sum, key: `v:${vendor}`, name: vendor || t("quality.no_vendor"), vendor, devices: list.length, misread_rate: mean(list.map((q) => q.misread_rate)), clock_error_ms: null, one: null };
  });
}

function Vendor({ q, done }: { q: QualityFull; done: () => void }) {
  const [v, set, clear] = useDraft(`vendor.${q.id}`, { vendor: q.vendor });
  const [error, setError] = useState("");
  return (
    <form class="line pad" onSubmit={(e) => {
      e.preventDefault();
      post(`/devices/${q.id}`, { vendor: v.vendor.trim() }).then(() => { clear(); done(); }, (x: unknown) => setError(sentence(x)));
    }}>
      <label class="inline">{t("quality.vendor")} <input value={v.vendor} maxLength={60} onInput={(e) => set({ vendor: e.currentTarget.value })} /></label>
      <button class="small">{t("save")}</button>
      {error && <p class="bad" role="alert">{error}</p>}
    </form>
  );
}

function QualityCard({ id, days, changed }: { id: number; days: number; changed: () => void }) {
  const [q, setQ] = useState<QualityFull | null>(null);
  const [error, setError] = useState("");
  const load = () => { get<QualityFull>(`/quality/${id}?days=${days}`).then((x) => { setQ(x); setError(""); }, (e: unknown) => setError(sentence(e))); };
  useEffect(load, [id, days]);
  if (error && !q) return <Failed what={error} again={load} />;
  if (!q) return <Loading />;
  return (
    <article class="card"><div class="card-scroll" tabIndex={0} role="region" aria-label={q.name || q.code}>
      <Worn error={error} again={load} />
      <header class="card-head"><div class="card-title"><h2>{q.name || q.code}</h2></div>
        <div class="card-sub"><span class="num">{q.code}</span> {q.vendor && <span>{q.vendor}</span>} {q.site && <a href={href("sites", String(q.site.id))}>{q.site.name}</a>} <a href={href("devices", String(q.id))}>{t("rail.devices")}</a></div></header>
      {may("POST /devices/{id}") && <Vendor key={q.id} q={q} done={() => { load(); changed(); }} />}
      <section class="block"><h3>{t("quality.kinds")}</h3>
        {q.kinds.length ? <table class="rows"><thead><tr><th scope="col">{t("quality.kind")}</th><th scope="col" class="right">{t("quality.n")}</th><th scope="col">{t("quality.sample")}</th><th scope="col">{t("quality.last")}</th></tr></thead>
          <tbody>{q.kinds.map((k) => <tr key={k.kind}><td>{tx(k)}</td><td class="num right">{num(k.n)}</td><td><code class="wrap-any">{k.sample}</code></td><td><When ms={k.at_ms || null} both={false} /></td></tr>)}</tbody></table>
          : <p class="dim">{t("quality.no_kinds")}</p>}
        <p class="dim small-print">{t("quality.masked")}</p>
      </section>
      <section class="block"><h3>{t("site.days")}</h3>
        {q.days.length ? <table class="rows"><thead><tr><th scope="col">{t("site.day")}</th>{(["objects", "stored", "duplicates", "late", "unread", "faults"] as const).map((k) => <th key={k} scope="col" class="right">{t(`quality.${k}`)}</th>)}</tr></thead>
          <tbody>{q.days.slice().reverse().map((d) => <tr key={d.day}><td class="num">{d.day.slice(4, 6)}-{d.day.slice(6)}</td>{(["objects", "stored", "duplicates", "late", "unread", "faults"] as const).map((k) => <td key={k} class="num right">{num(d[k])}</td>)}</tr>)}</tbody></table>
          : <p class="dim">{t("quality.empty_hint")}</p>}
      </section>
    </div></article>
  );
}

export function QualityPane() {
  const [list, setList] = useState<List<Quality> | null>(null);
  const [error, setError] = useState("");
  const [days, setDays] = useState(1);
  const [by, setBy] = useState<"device" | "vendor">("device");
  const [vendor, setVendor] = useState<string | null>(null);
  const [on, setOn] = useState<string | null>(null);
  const load = () => { poll<List<Quality>>(`/quality?days=${days}`).then((l) => { setList(l); setError(""); }, (e: unknown) => setError(sentence(e))); };
  useEffect(() => { load(); const h = setInterval(load, 60000); return () => clearInterval(h); }, [days]);
  const rows = useMemo(() => {
    const all = (list?.items ?? []).filter((q) => vendor === null || q.vendor === vendor);
    return by === "vendor" && vendor === null ? byVendor(all) : all.map(byDevice);
  }, [list, by, vendor, lang.value]);
  const open = rows.find((r) => r.key === on);
  const choose = (r: Row) => { setOn(r.key); };
  const into = (r: Row) => { if (!r.one) { setVendor(r.vendor); setOn(null); } };
  const order = useRef<Row[]>([]);
  const step = (d: number) => {
    const i = order.current.findIndex((r) => r.key === on);
    const r = order.current[i < 0 ? 0 : Math.max(0, Math.min(order.current.length - 1, i + d))];
    if (r) setOn(r.key);
  };
  useKeys([
    { key: "j", label: t("key.next"), run: () => step(1) },
    { key: "k", label: t("key.prev"), run: () => step(-1) },
    { key: "v", label: t("quality.by_vendor"), run: () => { setVendor(null); setOn(null); setBy(by === "vendor" ? "device" : "vendor"); } },
    ...(open && !open.one ? [{ key: "enter", label: t("key.open"), run: () => into(open) }] : []),
    ...(vendor !== null ? [{ key: "escape", label: t("key.back"), run: () => { setVendor(null); setOn(null); } }] : []),
  ]);
  const pct = (key: string, head: string, value: (r: Row) => number | null): Column<Row> => ({ key, head, width: "84px", align: "right", cell: (r) => percent(value(r)), sort: value, text: (r) => String(value(r) ?? "") });
  const file = (key: keyof QualityCounts): Column<Row> => ({ key: `n.${key}`, head: t(`quality.${key}`), width: "0", file: true, cell: () => null, text: (r) => String(r[key]) });
  return (
    <div class="split split-quality">
      <section class="pane" aria-label={t("quality.title")}>
        <div class="pane-head wrap">
          <div class="tabs" role="group" aria-label={t("span.legend")}>{[1, 7, 14].map((d) => <button key={d} aria-pressed={days === d} onClick={() => setDays(d)}>{d === 1 ? t("quality.today") : t("span.days", { n: d })}</button>)}</div>
          <div class="tabs" role="group" aria-label={t("quality.by")}>
            <button aria-pressed={by === "device"} onClick={() => { setBy("device"); setVendor(null); setOn(null); }}>{t("quality.by_device")}</button>
            <button aria-pressed={by === "vendor"} onClick={() => { setBy("vendor"); setVendor(null); setOn(null); }}>{t("quality.by_vendor")} <kbd aria-hidden="true">v</kbd></button>
          </div>
          {vendor !== null && <button class="small" onClick={() => { setVendor(null); setOn(null); }}>{vendor || t("quality.no_vendor")} ×</button>}
        </div>
        {error && list && <Worn error={error} again={load} />}
        {error && !list ? <Failed what={error} again={load} /> : !list ? <Loading /> : !rows.length ? <Empty title={t("quality.empty")} hint={t("quality.empty_hint")} /> : (
          <Grid<Row> label={t("quality.title")} rows={rows} order={order} id={(r) => r.key} selected={on} onSelect={choose} onOpen={into} exportName="quality" as_of={list.as_of_ms} stale_ms={180000} start={{ key: "faults", down: true }}
            columns={[
              { key: "name", head: t(by === "vendor" && vendor === null ? "quality.vendor" : "f.name"), width: "minmax(120px,1fr)", cell: (r) => <span class="cut" title={r.name}>{r.name}{!r.one && <span class="dim"> · {t("quality.devices", { n: r.devices })}</span>}</span>, sort: (r) => r.name, text: (r) => r.name },
              { key: "vendor", head: t("quality.vendor"), width: "0", file: true, cell: () => null, text: (r) => r.vendor },
              { key: "objects", head: t("quality.objects"), width: "92px", align: "right", cell: (r) => num(r.objects), sort: (r) => r.objects, text: (r) => String(r.objects) },
              { key: "faults", head: t("quality.faults"), width: "84px", align: "right", cell: (r) => num(r.faults), sort: (r) => r.faults, text: (r) => String(r.faults) },
              pct("bad", t("quality.bad"), (r) => share(bad(r), r.objects)),
              pct("dup", t("quality.duplicates"), (r) => share(r.duplicates, r.objects)),
              pct("late", t("quality.late"), (r) => share(r.late, r.stored)),
              pct("unread", t("quality.unread"), (r) => share(r.unread, r.stored)),
              pct("misread", t("quality.misread"), (r) => r.misread_rate),
              { key: "clock", head: t("quality.clock"), width: "84px", align: "right", cell: (r) => signedSeconds(r.clock_error_ms), sort: (r) => (r.clock_error_ms === null ? null : Math.abs(r.clock_error_ms)), text: (r) => (r.clock_error_ms === null ? "" : String(r.clock_error_ms / 1000)) },
              ...COUNTS.filter((k) => k !== "objects" && k !== "faults").map(file),
            ]} />
        )}
      </section>
      <section class="pane pane-card" aria-label={t("quality.card")}>
        {open?.one ? <QualityCard key={open.key} id={open.one.id} days={days} changed={load} /> : open ? <Empty title={open.name} hint={t("quality.open_vendor")} /> : <Empty title={t("quality.choose")} hint={t("quality.choose_hint")} />}
      </section>
    </div>
  );
}
