// SPDX-License-Identifier: Apache-2.0
// asks.tsx - what other platforms ask over GA/T 1400: subscriptions and dispositions, decided by a person.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, post, sentence } from "../kit/api";
import { useDraft } from "../kit/draft";
import { t } from "../kit/i18n";
import { useKeys } from "../kit/keys";
import type { Ask, List } from "../kit/model";
import { href } from "../kit/route";
import { may } from "../kit/session";
import { instant } from "../kit/time";
import { Empty, Facts, Failed, Loading, Tag, When, Worn } from "./bits";
import { Grid } from "./grid";

const tone = (s: Ask["state"]) => (s === "taken" ? "good" : s === "waiting" ? "warn" : "");

function AskCard({ a, done }: { a: Ask; done: () => void }) {
  const [v, set, clear] = useDraft(`request.${a.id}`, { note: "" });
  const [error, setError] = useState("");
  const can = a.state === "waiting" && may("POST /asks");
  const send = (accept: boolean) => {
    post("/asks", { id: a.id, accept, ...(v.note.trim() ? { note: v.note.trim() } : {}) }).then(() => { clear(); done(); }, (e: unknown) => setError(sentence(e)));
  };
  useKeys(can ? [{ key: "a", label: t("request.take"), run: () => send(true) }, { key: "x", label: t("request.refuse"), run: () => send(false) }] : []);
  return (
    <article class="card"><div class="card-scroll" tabIndex={0} role="region" aria-label={a.title || a.id}>
      <header class="card-head"><div class="card-title"><h2>{a.title || t(`request.kind.${a.kind}`)}</h2> <Tag>{t(`request.kind.${a.kind}`)}</Tag> <Tag tone={tone(a.state)}>{t(`request.state.${a.state}`)}</Tag> {a.cancel && <Tag tone="warn">{t("request.cancel")}</Tag>}</div></header>
      <Facts rows={[
        [t("f.code"), <span class="num">{a.id}</span>], [t("request.applicant"), a.applicant || "—"], [t("request.reason"), a.reason || "—"], [t("request.detail"), a.detail || "—"],
        [t("request.resource"), <span class="num">{a.resource || "—"}</span>], [t("request.address"), <span class="num">{a.address || "—"}</span>],
        [t("watch.valid"), <span class="num">{instant(a.begin_ms)} – {instant(a.end_ms)}</span>], [t("request.came"), <When ms={a.at_ms} />],
        ...(a.state === "waiting" ? [] : [[t("request.decided"), <>{a.by} <When ms={a.decided_ms} /> {a.note}</>] as [string, preact.ComponentChildren]]),
      ]} />
      <p class="note">{t(a.kind === "disposition" ? "request.hint_disposition" : "request.hint_subscribe")} {a.kind === "disposition" && may("POST /watches") && <a href={href("watches")}>{t("watch.new")}</a>}</p>
    </div>
      {can && (
        <div class="moves">
          {error && <p class="moves-error" role="alert">{error}</p>}
          <div class="moves-bar"><label class="inline grow">{t("f.note")} <input class="grow" value={v.note} maxLength={400} onInput={(e) => set({ note: e.currentTarget.value })} /></label>
            <button class="move tone-good" onClick={() => send(true)}><kbd>a</kbd> {t("request.take")}</button><button class="move tone-bad" onClick={() => send(false)}><kbd>x</kbd> {t("request.refuse")}</button></div>
        </div>
      )}
    </article>
  );
}

export function Asks() {
  const [list, setList] = useState<List<Ask> | null>(null);
  const [error, setError] = useState("");
  const [on, setOn] = useState<string | null>(null);
  const load = () => { get<List<Ask>>("/asks").then((l) => { setList(l); setError(""); }, (e: unknown) => setError(sentence(e))); };
  useEffect(load, []);
  const rows = useMemo(() => (list?.items ?? []).slice().sort((a, b) => Number(b.state === "waiting") - Number(a.state === "waiting") || (b.at_ms ?? 0) - (a.at_ms ?? 0)), [list]);
  const open = rows.find((a) => a.id === on);
  const order = useRef<Ask[]>([]);
  const step = (d: number) => {
    const i = order.current.findIndex((a) => a.id === on);
    const a = order.current[i < 0 ? 0 : Math.max(0, Math.min(order.current.length - 1, i + d))];
    if (a) setOn(a.id);
  };
  useKeys([{ key: "j", label: t("key.next"), run: () => step(1) }, { key: "k", label: t("key.prev"), run: () => step(-1) }]);
  return (
    <div class="split split-side">
      <section class="pane" aria-label={t("request.title")}>
        {error && list && <Worn error={error} again={load} />}
        {error && !list ? <Failed what={error} again={load} /> : !list ? <Loading /> : !rows.length ? <Empty title={t("request.empty")} hint={t("request.empty_hint")} /> : (
          <Grid<Ask> label={t("request.title")} rows={rows} order={order} id={(a) => a.id} selected={on} onSelect={(a) => setOn(a.id)} exportName="asks" as_of={list.as_of_ms} stale_ms={600000}
            columns={[
              { key: "state", head: t("f.state"), width: "84px", cell: (a) => <Tag tone={tone(a.state)}>{t(`request.state.${a.state}`)}</Tag>, sort: (a) => a.state, text: (a) => a.state },
              { key: "kind", head: t("f.kind"), width: "92px", cell: (a) => t(`request.kind.${a.kind}`), sort: (a) => a.kind, text: (a) => a.kind },
              { key: "title", head: t("f.name"), width: "minmax(0,1fr)", cell: (a) => <span class="cut" title={a.title}>{a.title || a.id}</span>, sort: (a) => a.title, text: (a) => a.title },
              { key: "applicant", head: t("request.applicant"), width: "130px", cell: (a) => <span class="cut">{a.applicant || "—"}</span>, sort: (a) => a.applicant, text: (a) => a.applicant },
              { key: "at", head: t("request.came"), width: "110px", align: "right", cell: (a) => <When ms={a.at_ms} both={false} />, sort: (a) => a.at_ms, text: (a) => (a.at_ms ? new Date(a.at_ms).toISOString() : "") },
            ]} />
        )}
      </section>
      <section class="pane pane-card" aria-label={t("request.card")}>{open ? <AskCard key={`${open.id}/${open.state}`} a={open} done={load} /> : <Empty title={t("request.choose")} hint={t("request.empty_hint")} />}</section>
    </div>
  );
}
