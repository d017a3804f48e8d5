// SPDX-License-Identifier: Apache-2.0
// watches.tsx - a reason to be told: author and approver are two persons, an end date, and the expected
// number of false alarms is shown before it starts.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, post, query, sentence } from "../kit/api";
import { LEVELS, matters, titleOf } from "../kit/city";
import { useDraft } from "../kit/draft";
import { t, tx } from "../kit/i18n";
import { useKeys } from "../kit/keys";
import { useLive } from "../kit/live";
import type { Estimate, Level, List, Watch } from "../kit/model";
import { go, route } from "../kit/route";
import { codeText, codes, kindText, may, session } from "../kit/session";
import { duration, instant, num, serverNow } from "../kit/time";
import { Empty, Failed, LevelSign, Loading, PlateSign, Tag, When } from "../parts/bits";
import { Span } from "../parts/form";
import { Grid } from "../parts/grid";
import { Icon } from "../parts/icon";

const D = 86400000;

function EstimateBox({ body }: { body: { pattern: string; plate_color?: number; one_misread: boolean; from_ms: number; to_ms: number } }) {
  const [e, setE] = useState<Estimate | null>(null);
  const [error, setError] = useState("");
  const key = JSON.stringify(body);
  useEffect(() => {
    setE(null);
    setError("");
    if (body.pattern.length < 2 || body.to_ms <= body.from_ms) return;
    const h = setTimeout(() => { post<Estimate>("/watches/estimate", body).then(setE, (x: unknown) => setError(sentence(x))); }, 350);
    return () => clearTimeout(h);
  }, [key]);
  return (
    <div class={`estimate ${e && e.false_per_day >= 5 ? "estimate-bad" : ""}`} aria-live="polite">
      <h3>{t("watch.expected")}</h3>
      {error ? <p class="bad">{error}</p> : !e ? <p class="dim">{body.pattern.length < 2 ? t("watch.expected_type") : t("state.loading")}</p> : (
        <>
          <p class="estimate-figure"><b class="num">{num(e.false_per_day, e.false_per_day < 10 ? 2 : 0)}</b> {t("watch.per_day")} · <b class="num">{num(e.false_total, e.false_total < 10 ? 1 : 0)}</b> {t("watch.in_all")}</p>
          <p class="dim">{tx(e.text)}</p>
          <p class="dim num">{t("watch.basis", { n: num(e.passes_per_day), p: num(e.plates) })}</p>
          {e.false_per_day >= 5 && <p class="warn-text"><Icon name="warn" size={16} /> {t("watch.too_many")}</p>}
        </>
      )}
    </div>
  );
}

function NewWatch({ done, cancel }: { done: (w: Watch) => void; cancel: () => void }) {
  const n = serverNow();
  const [v, set, clear] = useDraft("watch", { pattern: "", color: "", list: String(codes("watch_list")[0]?.code ?? ""), level: "orange" as Level, why: "", matter: "", one_misread: false, from: n, to: n + 7 * D });
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const pattern = v.pattern.trim().toUpperCase().replace(/[·\s]/g, "");
  const base = { pattern, ...(v.color ? { plate_color: Number(v.color) } : {}), one_misread: v.one_misread, from_ms: v.from, to_ms: v.to };
  useKeys([{ key: "escape", label: t("move.cancel"), run: cancel }]);
  return (
    <form class="form" onSubmit={(e) => {
      e.preventDefault();
      setBusy(true);
      post<Watch>("/watches", { ...base, list: v.list, level: v.level, why: v.why.trim(), ...(v.matter ? { matter: v.matter } : {}) })
        .then((w) => { clear(); done(w); }, (x: unknown) => setError(sentence(x))).finally(() => setBusy(false));
    }}>
      <h2>{t("watch.new")}</h2>
      <div class="field"><label for="w-plate">{t("watch.pattern")} <span class="must" aria-hidden="true">*</span></label>
        <div class="line"><input id="w-plate" class="plate-input grow" value={v.pattern} maxLength={16} autocomplete="off" spellcheck={false} onInput={(e) => set({ pattern: e.currentTarget.value })} aria-describedby="w-plate-why" />
          <select aria-label={t("f.plate_color")} value={v.color} onChange={(e) => set({ color: e.currentTarget.value })}><option value="">{t("look.any_color")}</option>{codes("plate_color").filter((c) => c.code !== 0).map((c) => <option key={c.code} value={String(c.code)}>{tx(c)}</option>)}</select></div>
        <p class="why" id="w-plate-why">{t("watch.pattern_why")}</p></div>
      <label class="check"><input type="checkbox" checked={v.one_misread} onChange={(e) => set({ one_misread: e.currentTarget.checked })} /> {t("watch.misread")}</label>
      <div class="line wrap">
        <div class="field"><label for="w-list">{t("watch.list")}</label><select id="w-list" value={v.list} onChange={(e) => set({ list: e.currentTarget.value })}>{codes("watch_list").map((c) => <option key={c.code} value={String(c.code)}>{tx(c)}</option>)}</select></div>
        <div class="field"><label for="w-level">{t("f.level")}</label><select id="w-level" value={v.level} onChange={(e) => set({ level: e.currentTarget.value as Level })}>{LEVELS.map((l) => <option key={l} value={l}>{t(`level.${l}`)}</option>)}</select></div>
        <div class="field grow"><label for="w-matter">{t("look.matter")} <span class="dim">{t("form.optional")}</span></label><select id="w-matter" value={v.matter} onChange={(e) => set({ matter: e.currentTarget.value })}><option value="">—</option>{matters.rows.value.map((m) => <option key={m.id} value={m.id}>{m.id} {kindText(m.kind)} {titleOf(m)}</option>)}</select></div>
      </div>
      <div class="field"><label for="w-why">{t("watch.why")} <span class="must" aria-hidden="true">*</span></label>
        <textarea id="w-why" rows={2} maxLength={400} value={v.why} onInput={(e) => set({ why: e.currentTarget.value })} aria-describedby="w-why-why" /><p class="why" id="w-why-why">{t("watch.why_why")}</p></div>
      <Span from={v.from} to={v.to} set={(from, to) => set({ from, to })} spans={[]} />
      <div class="line chips">{[1, 7, 30, 90].map((d) => <button type="button" class="chip" key={d} onClick={() => set({ to: v.from + d * D })}>{t("span.days", { n: d })}</button>)}</div>
      <EstimateBox body={base} />
      {error && <p class="bad" role="alert">{error}</p>}
      <p class="dim">{t("watch.two")}</p>
      <div class="line"><button class="primary" disabled={busy}>{t("watch.propose")}</button><button type="button" onClick={cancel}>{t("move.cancel")} <kbd aria-hidden="true">Esc</kbd></button></div>
    </form>
  );
}

function WatchCard({ w, changed }: { w: Watch; changed: () => void }) {
  const [v, set, clear] = useDraft(`watch.${w.id}`, { note: "" });
  const [error, setError] = useState("");
  const own = session.value?.user.id === w.author.id;
  const send = (what: string) => {
    setError("");
    post(`/watches/${w.id}/${what}`, { seq: w.seq, ...(v.note.trim() ? { note: v.note.trim() } : {}) }).then(() => { clear(); changed(); }, (e: unknown) => setError(sentence(e)));
  };
  const decide = w.state === "proposed" && may("POST /watches/{id}/approve");
  const withdraw = (w.state === "active" || w.state === "proposed") && may("POST /watches/{id}/withdraw");
  const now = serverNow();
  useKeys([
    ...(decide ? [{ key: "a", label: t("watch.approve"), run: () => send("approve") }, { key: "x", label: t("watch.reject"), run: () => send("reject") }] : []),
    ...(withdraw ? [{ key: "w", label: t("watch.withdraw"), run: () => send("withdraw") }] : []),
  ]);
  return (
    <article class="card"><div class="card-scroll" tabIndex={0} role="region" aria-label={t("watch.card")}>
      <header class="card-head">
        <div class="card-title"><LevelSign level={w.level} /> <PlateSign plate={w.pattern} color={w.plate_color} big /> <h2>{codeText("watch_list", w.list)}</h2> <Tag tone={w.state === "active" ? "good" : w.state === "proposed" ? "warn" : ""}>{t(`watch.state.${w.state}`)}</Tag></div>
        <p>{w.why}</p>
      </header>
      <div class="estimate"><h3>{t("watch.expected")}</h3>{w.expected_false_per_day === null ? <p class="dim">{t("watch.not_estimated")}</p> : <p class="estimate-figure"><b class="num">{num(w.expected_false_per_day, w.expected_false_per_day < 10 ? 2 : 0)}</b> {t("watch.per_day")}</p>}</div>
      <dl class="facts">
        <div><dt>{t("watch.author")}</dt><dd>{w.author.name}</dd></div>
        <div><dt>{t("watch.approver")}</dt><dd>{w.approver ? <>{w.approver.name} <When ms={w.decided_ms} /></> : <span class="dim">{t("watch.nobody_yet")}</span>}</dd></div>
        <div><dt>{t("watch.valid")}</dt><dd class="num">{instant(w.from_ms)} – {instant(w.to_ms)} {w.state === "active" && w.to_ms > now && <span class="dim">{t("clock.left", { x: duration(w.to_ms - now) })}</span>}</dd></div>
        <div><dt>{t("watch.misread_short")}</dt><dd>{w.one_misread ? t("yes") : t("no")}</dd></div>
        <div><dt>{t("watch.result")}</dt><dd>{t("watch.result_n", { a: w.alarms, c: w.confirmed })}</dd></div>
        {w.matter && <div><dt>{t("look.matter")}</dt><dd class="num">{w.matter}</dd></div>}
        {w.note && <div><dt>{t("f.note")}</dt><dd>{w.note}</dd></div>}
      </dl>
      </div>
      {(decide || withdraw) && (
        <div class="moves">
          {error && <p class="moves-error" role="alert">{error}</p>}
          {decide && own && <p class="dim">{t("watch.own")}</p>}
          <div class="moves-bar">
            <label class="inline grow">{t("f.note")} <input class="grow" value={v.note} maxLength={400} placeholder={t("watch.note_hint")} onInput={(e) => set({ note: e.currentTarget.value })} /></label>
            {decide && <><button class="move tone-good" aria-disabled={own} onClick={() => send("approve")}><kbd>a</kbd> {t("watch.approve")}</button><button class="move tone-bad" onClick={() => send("reject")}><kbd>x</kbd> {t("watch.reject")}</button></>}
            {withdraw && <button class="move" onClick={() => send("withdraw")}><kbd>w</kbd> {t("watch.withdraw")}</button>}
          </div>
        </div>
      )}
    </article>
  );
}

function View() {
  useLive(...(may("GET /matters") ? [matters] : []));
  const [list, setList] = useState<List<Watch> | null>(null);
  const [error, setError] = useState("");
  const [which, setWhich] = useState("");
  const [making, setMaking] = useState(false);
  const [q, setQ] = useState("");
  const turn = useRef(0);
  const load = (more = false) => {
    const n = ++turn.current;
    get<List<Watch>>("/watches" + query({ limit: 1000, state: which, q: q.trim(), cursor: more ? list?.next : null })).then((l) => {
      if (n !== turn.current) return;
      setList(more && list ? { ...l, items: [...list.items, ...l.items] } : l);
      setError("");
    }, (e: unknown) => setError(sentence(e)));
  };
  useEffect(() => { const h = setTimeout(() => load(), q ? 200 : 0); return () => clearTimeout(h); }, [which, q]);
  const rows = useMemo(() => (list?.items ?? []).slice().sort((a, b) => Number(b.state === "proposed") - Number(a.state === "proposed") || b.from_ms - a.from_ms), [list]);
  const id = route.value.id;
  const open = rows.find((w) => String(w.id) === id);
  const step = (d: number) => {
    const i = rows.findIndex((w) => String(w.id) === id);
    const w = rows[i < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, i + d))];
    if (w) { setMaking(false); go("watches", String(w.id)); }
  };
  useKeys([
    { key: "j", label: t("key.next"), run: () => step(1) },
    { key: "k", label: t("key.prev"), run: () => step(-1) },
    ...(may("POST /watches") ? [{ key: "o", label: t("watch.new"), run: () => setMaking(true) }] : []),
  ]);
  return (
    <div class="split split-queue">
      <section class="pane" aria-label={t("rail.watches")}>
        <div class="pane-head">
          <select aria-label={t("f.state")} value={which} onChange={(e) => setWhich(e.currentTarget.value)}><option value="">{t("watch.every_state")}</option>{["proposed", "active", "rejected", "withdrawn", "ended"].map((s) => <option key={s} value={s}>{t(`watch.state.${s}`)}</option>)}</select>
          <input class="grow" value={q} placeholder={t("watch.filter")} aria-label={t("watch.filter")} maxLength={64} onInput={(e) => setQ(e.currentTarget.value)} />{may("POST /watches") && <button onClick={() => setMaking(true)}><Icon name="plus" size={16} /> {t("watch.new")} <kbd>o</kbd></button>}
        </div>
        {error && !list ? <Failed what={error} again={() => load()} /> : !list ? <Loading /> : !rows.length ? <Empty title={t("watch.empty")} hint={t("watch.empty_hint")} /> : (
          <Grid<Watch> label={t("rail.watches")} rows={rows} id={(w) => String(w.id)} selected={id} height={58} onSelect={(w) => { setMaking(false); go("watches", String(w.id)); }} rowClass={(w) => `edge-${w.level}`} as_of={list.as_of_ms} stale_ms={600000} foot={list.next ? <button class="small" onClick={() => load(true)}>{t("grid.more")}</button> : undefined}
            columns={[{ key: "row", head: t("watch.order"), width: "1fr", cell: (w) => (
              <div class="qrow"><div class="qrow-line"><PlateSign plate={w.pattern} color={w.plate_color} /> <b class="cut">{codeText("watch_list", w.list)}</b><span class="grow" /><Tag tone={w.state === "active" ? "good" : w.state === "proposed" ? "warn" : ""}>{t(`watch.state.${w.state}`)}</Tag></div>
                <div class="qrow-line dim"><span class="cut">{w.why}</span><span class="grow" /><span class="num">{t("watch.until", { at: instant(w.to_ms) })}</span></div></div>) }]} />
        )}
      </section>
      <section class="pane pane-card" aria-label={t("watch.card")}>
        {making ? <NewWatch done={(w) => { setMaking(false); load(); go("watches", String(w.id)); }} cancel={() => setMaking(false)} /> : open ? <WatchCard key={`${open.id}/${open.seq}`} w={open} changed={() => load()} /> : <Empty title={t("watch.choose")} hint={t("watch.choose_hint")} />}
      </section>
    </div>
  );
}

export const page = { name: "watches", face: "desk" as const, title: "rail.watches", icon: "watch", place: 6, key: "w", needs: ["GET /watches"], view: View };
