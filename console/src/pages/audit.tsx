// SPDX-License-Identifier: Apache-2.0
// audit.tsx - who looked at or changed what; the head of the chain; searchers worth a question.
import { useEffect, useState } from "preact/hooks";
import { get, query, sentence } from "../kit/api";
import { cap, t, tx } from "../kit/i18n";
import type { AuditFlag, AuditHead, AuditRow, List } from "../kit/model";
import { may, meta, purposeText, roleText } from "../kit/session";
import { instant, num, serverNow } from "../kit/time";
import { Empty, Failed, Loading, Tag, When } from "../parts/bits";
import { Span } from "../parts/form";
import { Grid } from "../parts/grid";

const D = 86400000;

function Head() {
  const [h, setH] = useState<AuditHead | null>(null);
  const [error, setError] = useState("");
  const load = () => { setError(""); get<AuditHead>("/audit/head").then(setH, (e: unknown) => setError(sentence(e))); };
  useEffect(load, []);
  if (error) return <Failed what={error} again={load} />;
  if (!h) return null;
  return (
    <section class="block"><h3>{t("audit.head")}</h3>
      <dl class="facts">
        <div><dt>{t("f.number")}</dt><dd class="num">{num(h.n)}</dd></div>
        <div><dt>{t("f.time")}</dt><dd><When ms={h.at_ms} /></dd></div>
        <div><dt>{t("audit.hash")}</dt><dd><code class="hash">{h.hash}</code></dd></div>
        <div><dt>{t("audit.signed")}</dt><dd>{h.signed_ms ? <When ms={h.signed_ms} /> : t("audit.unsigned")}</dd></div>
        <div><dt>{t("audit.sent")}</dt><dd>{h.sent.length ? h.sent.map((s, i) => <span key={i}><Tag tone={s.ok ? "good" : "bad"}>{s.where}</Tag> {instant(s.at_ms)} </span>) : t("audit.not_sent")}</dd></div>
      </dl>
      <p class="dim">{t("audit.verify")} <code>tongqu-verify DIR --head FILE</code></p>
    </section>
  );
}

function Flags({ from, to }: { from: number; to: number }) {
  const [l, setL] = useState<List<AuditFlag> | null>(null);
  const [error, setError] = useState("");
  const load = () => { get<List<AuditFlag>>("/audit/flags" + query({ from_ms: from, to_ms: to })).then((x) => { setL(x); setError(""); }, (e: unknown) => setError(sentence(e))); };
  useEffect(load, [from, to]);
  return (
    <section class="block"><h3>{t("audit.flags")}</h3>
      {error ? <Failed what={error} again={load} /> : !l ? <p class="dim">{t("state.loading")}</p> : !l.items.length ? <p class="dim">{t("audit.no_flags")}</p>
        : <ul class="plain">{l.items.map((f, i) => <li key={i}><Tag tone="warn">{t(`audit.flag.${f.kind}`)}</Tag> <b>{f.user}</b> {tx(f.text)} · <When ms={f.at_ms} /> <span class="dim num">{f.looks.map((n) => "#" + n).join(" ")}</span></li>)}</ul>}
    </section>
  );
}

/** What was touched, in words: a pass by its instant and site, a move and a kind of matter by their names. */
function thing(object: string | null): string {
  for (const l of meta.value?.loops ?? []) {
    if (l.kind === object) return tx(l);
    const move = l.moves.find((m) => m.name === object);
    if (move) return tx(move);
  }
  const pass = /^(\d{13})-(\d+)-[0-9a-f]{8}$/.exec(object ?? "");
  return pass ? t("audit.pass", { at: instant(Number(pass[1])), site: pass[2]! }) : object ?? "—";
}

function View() {
  const n = serverNow();
  const [span, setSpan] = useState({ from: n - D, to: n });
  const [user, setUser] = useState("");
  const [cls, setCls] = useState("");
  const [rows, setRows] = useState<AuditRow[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [as_of, setAsOf] = useState(0);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const load = (more = false) => {
    setBusy(true);
    get<List<AuditRow>>("/audit" + query({ from_ms: span.from, to_ms: span.to, user: user.trim(), limit: 500, cursor: more ? next : null })).then((l) => {
      setRows(more ? [...(rows ?? []), ...l.items] : l.items);
      setNext(l.next);
      setAsOf(l.as_of_ms);
      setError("");
    }, (e: unknown) => setError(sentence(e))).finally(() => setBusy(false));
  };
  useEffect(() => { const h = setTimeout(() => load(), 250); return () => clearTimeout(h); }, [span, user]);
  const shown = (rows ?? []).filter((r) => !cls || r.class === cls);
  return (
    <div class="split split-side split-audit">
      <section class="pane" aria-label={t("rail.audit")}>
        <div class="pane-head wrap">
          <Span from={span.from} to={span.to} set={(from, to) => setSpan({ from, to })} spans={[[t("span.1h"), D / 24], [t("span.24h"), D], [t("span.7d"), 7 * D], [t("span.30d"), 30 * D]]} />
          <label class="inline">{t("f.who")} <input class="short" value={user} onInput={(e) => setUser(e.currentTarget.value)} /></label>
          <select aria-label={t("audit.class")} value={cls} onChange={(e) => setCls(e.currentTarget.value)}><option value="">{t("audit.every")}</option>{["look", "change", "security", "system"].map((c) => <option key={c} value={c}>{t(`audit.class.${c}`)}</option>)}</select>
        </div>
        {error && !rows ? <Failed what={error} again={() => load()} /> : !rows ? <Loading /> : !shown.length ? <Empty title={t("audit.empty")} hint={t("audit.empty_hint")} /> : (
          <Grid<AuditRow> label={t("rail.audit")} rows={shown} id={(r) => String(r.n)} exportName="audit"
            as_of={as_of} stale_ms={600000} foot={<>{next && <button class="small" disabled={busy} onClick={() => load(true)}>{t("grid.more")}</button>}</>}
            columns={[
              { key: "n", head: t("f.number"), width: "64px", align: "right", cell: (r) => r.n, sort: (r) => r.n, text: (r) => String(r.n) },
              { key: "at", head: t("f.time"), width: "112px", cell: (r) => <span class="num">{instant(r.at_ms)}</span>, sort: (r) => r.at_ms, text: (r) => new Date(r.at_ms).toISOString() },
              { key: "user", head: t("f.who"), width: "92px", cell: (r) => <span class="cut" title={roleText(r.role)}>{r.user ?? "—"}</span>, sort: (r) => r.user ?? "", text: (r) => r.user ?? "" },
              { key: "class", head: t("audit.class"), width: "84px", cell: (r) => <Tag tone={r.class === "look" ? "state" : r.class === "security" ? "warn" : ""}>{t(`audit.class.${r.class}`)}</Tag>, sort: (r) => r.class, text: (r) => r.class },
              { key: "what", head: t("audit.what"), width: "minmax(0,1.3fr)", cell: (r) => (tx(r.label) ? <span class="cut" title={cap(tx(r.label))}>{cap(tx(r.label))}</span> : <code class="cut">{r.what}</code>), sort: (r) => r.what, text: (r) => r.what },
              { key: "object", head: t("audit.object"), width: "minmax(0,1fr)", cell: (r) => <span class="cut num" title={[r.object, r.subject, r.detail].filter(Boolean).join("\n")}>{thing(r.subject ?? r.object)}</span>, sort: (r) => r.subject ?? r.object ?? "", text: (r) => [r.object, r.subject, r.detail].filter(Boolean).join(" | ") },
              { key: "matter", head: t("look.matter"), width: "134px", cell: (r) => <span class="cut num">{r.matter ?? "—"}</span>, text: (r) => r.matter ?? "" },
              { key: "purpose", head: t("look.purpose"), width: "84px", cell: (r) => <span class="cut">{r.purpose ? purposeText(r.purpose) : "—"}</span>, text: (r) => r.purpose ?? "" },
              { key: "count", head: t("look.count"), width: "60px", align: "right", cell: (r) => num(r.count), sort: (r) => r.count, text: (r) => String(r.count ?? "") },
              { key: "outcome", head: t("audit.outcome"), width: "88px", cell: (r) => <Tag tone={r.outcome === "ok" ? "good" : r.outcome === "refused" ? "warn" : "bad"}>{t(`audit.outcome.${r.outcome}`)}</Tag>, sort: (r) => r.outcome, text: (r) => r.outcome },
            ]} />
        )}
      </section>
      <section class="pane pane-card" aria-label={t("audit.chain")}><div class="card-scroll" tabIndex={0} role="region" aria-label={t("audit.chain")}>{may("GET /audit/head") && <Head />}{may("GET /audit/flags") && <Flags from={span.from} to={span.to} />}</div></section>
    </div>
  );
}

export const page = { name: "audit", face: "desk" as const, title: "rail.audit", icon: "audit", place: 10, key: "e", needs: ["GET /audit"], view: View };
