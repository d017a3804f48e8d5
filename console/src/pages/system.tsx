// SPDX-License-Identifier: Apache-2.0
// system.tsx - the daemon about itself: findings, store, threads, disks, counters with unit and sentence; rules.
import { useEffect, useMemo, useState } from "preact/hooks";
import { amount, isTime, unitText } from "../kit/amount";
import { poll, sentence } from "../kit/api";
import { cap, has, t, tx } from "../kit/i18n";
import type { RuleVersion, System } from "../kit/model";
import { meta } from "../kit/session";
import { ago, bytes, date, duration, num, percent, serverNow } from "../kit/time";
import { Failed, LevelSign, Loading, Tag, When, Worn } from "../parts/bits";
import { Grid } from "../parts/grid";
import { Stat } from "./sites";

/** As people say it; the number that stands in the rules' file is its title. */
const plain = (v: number, unit: string) => (isTime(unit) ? amount(v, unit) : String(v));
const exact = (v: number, unit: string) => (isTime(unit) ? `${v} ${unitText(unit)}` : undefined);

const diskText = (name: string) => (has(`system.disk.${name}`) ? t(`system.disk.${name}`) : name);

function version(now: RuleVersion, next: RuleVersion) {
  const since = now.since ? t("system.settings_since", { n: now.number, day: now.since }) : t("system.settings_first", { n: now.number });
  return since + (next.number === now.number ? "" : " " + t("system.settings_next", { n: next.number, day: next.since ?? "" })) + " " + t("system.settings_where");
}

function View() {
  const [s, setS] = useState<System | null>(null);
  const [error, setError] = useState("");
  const [q, setQ] = useState("");
  const [tab, setTab] = useState<"counters" | "rules">("counters");
  const load = () => { poll<System>("/system").then((x) => { setS(x); setError(""); }, (e: unknown) => setError(sentence(e))); };
  useEffect(() => { load(); const h = setInterval(load, 5000); return () => clearInterval(h); }, []);
  const counters = useMemo(() => (s?.counters ?? []).filter((c) => !q || (c.name + c.zh + c.en).toLowerCase().includes(q.toLowerCase())), [s, q]);
  const parameters = useMemo(() => (meta.value?.rules ?? []).flatMap((r) => r.parameters.map((p) => ({ rule: r, p }))), [meta.value]);
  if (error && !s) return <Failed what={error} again={load} />;
  if (!s) return <Loading />;
  return (
    <div class="split split-side split-system">
      <section class="pane" aria-label={t("system.counters")}>
        <div class="pane-head">
          <div class="tabs" role="group" aria-label={t("system.which")}><button aria-pressed={tab === "counters"} onClick={() => setTab("counters")}>{t("system.counters")}</button><button aria-pressed={tab === "rules"} onClick={() => setTab("rules")}>{t("system.rules")}</button></div>
          {tab === "counters" && <input class="grow" value={q} placeholder={t("system.filter")} aria-label={t("system.filter")} onInput={(e) => setQ(e.currentTarget.value)} />}
        </div>
        {tab === "counters" ? (
          <Grid label={t("system.counters")} rows={counters} id={(c) => c.name} exportName="counters" as_of={s.as_of_ms} stale_ms={15000}
            columns={[
              { key: "text", head: t("system.meaning"), width: "minmax(0,2fr)", cell: (c) => <span class="cut" title={tx(c)}>{tx(c)}</span>, text: (c) => tx(c) },
              { key: "name", head: t("f.name"), width: "minmax(0,1.4fr)", cell: (c) => <code class="cut">{c.name}</code>, sort: (c) => c.name, text: (c) => c.name },
              { key: "value", head: t("system.value"), width: "104px", align: "right", cell: (c) => (c.unit === "bytes" ? bytes(c.value) : num(c.value, Number.isInteger(c.value) ? 0 : 2)), sort: (c) => c.value, text: (c) => String(c.value) },
              { key: "unit", head: t("f.unit"), width: "108px", cell: (c) => <span class="dim">{c.unit === "bytes" ? "" : unitText(c.unit)}</span>, text: (c) => c.unit },
              { key: "rate", head: t("system.rate"), width: "66px", align: "right", cell: (c) => (c.rate === null ? "" : num(c.rate, c.rate < 10 ? 1 : 0)), sort: (c) => c.rate, text: (c) => String(c.rate ?? "") },
            ]} />
        ) : (<>
          <p class="note">{meta.value && version(meta.value.rule_settings, meta.value.rule_settings_next)}</p>
          <Grid label={t("system.rules")} rows={parameters} id={(r) => `${r.rule.name}/${r.p.name}`} exportName="rules"
            columns={[
              { key: "rule", head: t("system.rule"), width: "minmax(104px,1.1fr)", cell: (r) => <b class="cut" title={`${tx(r.rule)}\n${tx(r.rule.legal)}`}>{cap(tx(r.rule))}</b>, sort: (r) => r.rule.name, text: (r) => r.rule.name },
              { key: "text", head: t("system.meaning"), width: "minmax(0,2fr)", cell: (r) => <span class="cut" title={tx(r.p)}>{tx(r.p)}</span>, text: (r) => tx(r.p) },
              { key: "value", head: t("system.value"), width: "76px", align: "right", cell: (r) => <b class={r.p.value === r.p.default && r.rule.on ? "" : "warn-text"} title={exact(r.p.value, r.p.unit)}>{r.rule.on ? plain(r.p.value, r.p.unit) : t("system.rule_off")}</b>, sort: (r) => r.p.value, text: (r) => (r.rule.on ? String(r.p.value) : t("system.rule_off")) },
              { key: "next", head: t("system.next"), width: "70px", align: "right", cell: (r) => (r.p.next === r.p.value && r.rule.on === r.rule.next_on ? "" : r.rule.next_on ? plain(r.p.next, r.p.unit) : t("system.rule_off")), text: (r) => String(r.p.next) },
              { key: "default", head: t("system.default"), width: "76px", align: "right", cell: (r) => <span class="dim" title={exact(r.p.default, r.p.unit)}>{plain(r.p.default, r.p.unit)}</span>, text: (r) => String(r.p.default) },
              { key: "unit", head: t("f.unit"), width: "98px", cell: (r) => <span class="dim">{isTime(r.p.unit) ? "" : unitText(r.p.unit)}</span>, text: (r) => r.p.unit },
              { key: "range", head: t("system.range"), width: "132px", align: "right", cell: (r) => <span class="dim" title={`${r.p.min} – ${r.p.max} ${unitText(r.p.unit)}`}>{plain(r.p.min, r.p.unit)} – {plain(r.p.max, r.p.unit)}</span>, text: (r) => `${r.p.min}..${r.p.max}` },
            ]} />
        </>)}
      </section>
      <section class="pane pane-card" aria-label={t("system.health")}>
        <div class="card-scroll" tabIndex={0} role="region" aria-label={t("system.health")}>
          <Worn error={error} again={load} />
          <header class="card-head"><div class="card-title"><h2>{t("system.health")}</h2> <Tag tone={s.state === "ok" ? "good" : s.state === "degraded" ? "warn" : "bad"}>{t(`system.state.${s.state}`)}</Tag></div>
            <p class="dim">{t("app")} {s.version} · {t("system.up", { x: duration(serverNow() - s.started_ms) })}</p></header>
          {s.findings.length ? <ul class="plain pad">{s.findings.map((f, i) => <li key={i}><LevelSign level={f.level} /> {tx(f.text)} <span class="dim">· <When ms={f.since_ms} both={false} /></span></li>)}</ul> : <p class="note">{t("system.no_findings")}</p>}
          <div class="stats">
            <Stat name={t("system.rows")} value={num(s.store.rows)} sub={t("system.oldest", { at: date(s.store.oldest_ms || null) })} />
            <Stat name={t("system.lag")} value={`${num(s.store.lag_ms)} ms`} sub={t("system.lag_sub", { n: num(s.store.lsn - s.store.rules_lsn) })} />
            <Stat name={t("system.size")} value={bytes(s.store.bytes)} sub={s.store.rows ? t("system.per_row", { n: num(s.store.bytes / s.store.rows, 1) }) : ""} />
            <Stat name={t("system.cameras")} value={`${num(s.cameras.online)} / ${num(s.cameras.total)}`} sub={t("system.cameras_late", { n: s.cameras.late })} />
            <Stat name={t("system.clients")} value={num(s.clients.sessions)} sub={t("system.streams", { n: s.clients.streams })} />
          </div>
          <section class="block"><h3>{t("system.disks")}</h3>
            {s.disks.map((d) => <div key={d.name} class="gauge"><span>{diskText(d.name)}</span><meter min={0} max={d.total_bytes || 1} low={d.total_bytes * 0.85} high={d.total_bytes * 0.95} optimum={0} value={d.total_bytes - d.free_bytes} aria-label={diskText(d.name)} /><span class="num">{t("system.free", { x: bytes(d.free_bytes), y: bytes(d.total_bytes) })}</span></div>)}
          </section>
          <section class="block"><h3>{t("system.threads")}</h3>
            <table class="rows"><thead><tr><th scope="col">{t("f.name")}</th><th scope="col">{t("system.does")}</th><th scope="col" class="right">{t("system.busy")}</th><th scope="col" class="right">{t("system.queue")}</th></tr></thead>
              <tbody>{s.threads.map((x) => <tr key={x.name}><td><code>{x.name}</code></td><td>{tx(x)}</td><td class="num right">{percent(x.busy, 0)}</td><td class="num right">{num(x.queue)} / {num(x.queue_cap)}</td></tr>)}</tbody></table>
          </section>
          <p class="dim pad">{ago(s.as_of_ms)}</p>
        </div>
      </section>
    </div>
  );
}

export const page = { name: "system", face: "desk" as const, title: "rail.system", icon: "system", place: 11, key: "y", needs: ["GET /system"], view: View };
