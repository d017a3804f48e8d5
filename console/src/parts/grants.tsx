// SPDX-License-Identifier: Apache-2.0
// grants.tsx - records past the second age tier: asked for by one person, given by another, ended by hand or in time.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, post, sentence } from "../kit/api";
import { matters, titleOf } from "../kit/city";
import { useDraft } from "../kit/draft";
import { t, tx } from "../kit/i18n";
import { useKeys } from "../kit/keys";
import { useLive } from "../kit/live";
import type { LookGrant, List } from "../kit/model";
import { href } from "../kit/route";
import { may, meta, session } from "../kit/session";
import { date, duration, instant, serverNow } from "../kit/time";
import { Empty, Failed, Loading, Tag, When, Worn } from "./bits";
import { Moment } from "./moment";
import { Grid } from "./grid";
import { Icon } from "./icon";

const D = 86400000;
const tone = (s: LookGrant["state"]) => (s === "given" ? "good" : s === "asked" ? "warn" : s === "refused" ? "bad" : "");

/** Asks for a grant, or (a supervisor) gives one at once. */
function GrantForm({ matter, done, cancel }: { matter: string; done: () => void; cancel: () => void }) {
  useLive(matters);
  const give = may("POST /looks/grants");
  const n = serverNow();
  const [v, set, clear] = useDraft("grant", { matter, user: "", from: n - 180 * D, until: n + 7 * D, note: "" });
  const [users, setUsers] = useState<{ id: number; display: string }[] | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    if (give && may("GET /users")) get<List<{ id: number; display: string; role: string | null }>>("/users?state=active").then((l) => setUsers(l.items.filter((u) => u.role === "analyst" || u.role === "duty")), () => setUsers([]));
  }, []);
  useKeys([{ key: "escape", label: t("move.cancel"), run: cancel }]);
  const kinds = meta.value?.age_tiers.find((x) => x.approver)?.kinds ?? null;
  const open = matters.rows.value.filter((m) => !kinds || kinds.includes(m.kind));
  return (
    <form class="form form-band" onSubmit={(e) => {
      e.preventDefault();
      const body = { matter: v.matter || matter, from_ms: v.from, until_ms: v.until, note: v.note.trim() };
      (give ? post("/looks/grants", { ...body, user: Number(v.user) }) : post("/looks/grants/ask", body)).then(() => { clear(); done(); }, (x: unknown) => setError(sentence(x)));
    }}>
      <h3>{t(give ? "grant.give" : "grant.ask")}</h3>
      <p class="why">{t("grant.why", { tier: tx(meta.value?.age_tiers.find((x) => x.approver)) })}</p>
      <div class="line wrap">
        <div class="field"><label for="g-matter">{t("look.matter")} <span class="must" aria-hidden="true">*</span></label>
          {open.length ? <select id="g-matter" required value={v.matter || matter} onChange={(e) => set({ matter: e.currentTarget.value })}><option value="">{t("form.choose")}</option>{open.map((m) => <option key={m.id} value={m.id}>{m.id} {titleOf(m)}</option>)}</select>
            : <input id="g-matter" required value={v.matter || matter} maxLength={40} onInput={(e) => set({ matter: e.currentTarget.value.trim() })} />}</div>
        {give && <div class="field"><label for="g-user">{t("grant.user")} <span class="must" aria-hidden="true">*</span></label>
          {users?.length ? <select id="g-user" required value={v.user} onChange={(e) => set({ user: e.currentTarget.value })}><option value="">{t("form.choose")}</option>{users.filter((u) => u.id !== session.value?.user.id).map((u) => <option key={u.id} value={String(u.id)}>{u.display}</option>)}</select>
            : <input id="g-user" required inputMode="numeric" class="short" value={v.user} onInput={(e) => set({ user: e.currentTarget.value })} />}</div>}
        <div class="field"><label for="g-from">{t("grant.from")}</label><Moment id="g-from" required ms={v.from} set={(x) => { if (x !== null) set({ from: x }); }} /></div>
        <div class="field"><label for="g-until">{t("grant.until")}</label><Moment id="g-until" required ms={v.until} set={(x) => { if (x !== null) set({ until: x }); }} /></div>
      </div>
      <div class="field"><label for="g-note">{t("grant.note")} <span class="must" aria-hidden="true">*</span></label><textarea id="g-note" rows={2} required minLength={2} maxLength={400} value={v.note} onInput={(e) => set({ note: e.currentTarget.value })} /></div>
      {error && <p class="bad" role="alert">{error}</p>}
      <div class="line"><button class="primary">{t(give ? "grant.give" : "grant.ask")}</button><button type="button" onClick={cancel}>{t("move.cancel")} <kbd aria-hidden="true">Esc</kbd></button></div>
    </form>
  );
}

/** What is decided about the chosen one: yes, no, or an end. */
function Decide({ g, done }: { g: LookGrant; done: () => void }) {
  const [v, set, clear] = useDraft(`grant.${g.id}`, { note: "" });
  const [error, setError] = useState("");
  const own = session.value?.user.id === g.user.id;
  const send = (accept: boolean) => {
    if (own) return setError(t("watch.own"));
    post(`/looks/grants/${g.id}`, { accept, ...(v.note.trim() ? { note: v.note.trim() } : {}) }).then(() => { clear(); done(); }, (e: unknown) => setError(sentence(e)));
  };
  useKeys(g.state === "asked"
    ? [{ key: "a", label: t("watch.approve"), run: () => send(true) }, { key: "x", label: t("watch.reject"), run: () => send(false) }]
    : [{ key: "w", label: t("grant.end"), run: () => send(false) }]);
  return (
    <div class="moves">
      {error && <p class="moves-error" role="alert">{error}</p>}
      <p><b>{g.user.name}</b> <a class="num" href={href("matters", g.matter ?? "")}>{g.matter}</a> · {t("grant.back_to", { at: date(g.from_ms) })} · {t("watch.until", { at: instant(g.until_ms) })}<br /><span class="dim">{g.note}</span></p>
      <div class="moves-bar">
        <label class="inline grow">{t("f.note")} <input class="grow" value={v.note} maxLength={400} onInput={(e) => set({ note: e.currentTarget.value })} /></label>
        {g.state === "asked" ? <><button class="move tone-good" aria-disabled={own} onClick={() => send(true)}><kbd>a</kbd> {t("watch.approve")}</button><button class="move tone-bad" onClick={() => send(false)}><kbd>x</kbd> {t("watch.reject")}</button></>
          : <button class="move" onClick={() => send(false)}><kbd>w</kbd> {t("grant.end")}</button>}
      </div>
    </div>
  );
}

export function Grants({ matter = "" }: { matter?: string }) {
  const [list, setList] = useState<List<LookGrant> | null>(null);
  const [error, setError] = useState("");
  const [on, setOn] = useState<string | null>(null);
  const [making, setMaking] = useState(!!matter);
  const load = () => { get<List<LookGrant>>("/looks/grants?limit=1000").then((l) => { setList(l); setError(""); }, (e: unknown) => setError(sentence(e))); };
  useEffect(load, []);
  const rows = useMemo(() => list?.items ?? [], [list]);
  const open = rows.find((g) => String(g.id) === on);
  const decide = open && may("POST /looks/grants/{id}") && (open.state === "asked" || open.state === "given");
  const order = useRef<LookGrant[]>([]);
  const step = (d: number) => {
    const i = order.current.findIndex((g) => String(g.id) === on);
    const g = order.current[i < 0 ? 0 : Math.max(0, Math.min(order.current.length - 1, i + d))];
    if (g) setOn(String(g.id));
  };
  const can = may("POST /looks/grants") || may("POST /looks/grants/ask");
  useKeys([
    { key: "j", label: t("key.next"), run: () => step(1) },
    { key: "k", label: t("key.prev"), run: () => step(-1) },
    ...(can ? [{ key: "o", label: t(may("POST /looks/grants") ? "grant.give" : "grant.ask"), run: () => setMaking(true) }] : []),
  ]);
  return (
    <>
      {can && !making && <div class="pane-head"><span class="dim grow">{t("grant.hint")}</span><button onClick={() => setMaking(true)}><Icon name="plus" size={16} /> {t(may("POST /looks/grants") ? "grant.give" : "grant.ask")} <kbd>o</kbd></button></div>}
      {making && <GrantForm matter={matter} done={() => { setMaking(false); load(); }} cancel={() => setMaking(false)} />}
      {error && list && <Worn error={error} again={load} />}
      {error && !list ? <Failed what={error} again={load} /> : !list ? <Loading /> : !rows.length ? <Empty title={t("grant.empty")} hint={t("grant.hint")} /> : (
        <Grid<LookGrant> label={t("grant.title")} rows={rows} order={order} id={(g) => String(g.id)} selected={on} onSelect={(g) => setOn(String(g.id))} exportName="look-grants" as_of={list.as_of_ms} stale_ms={600000}
          columns={[
            { key: "state", head: t("f.state"), width: "92px", cell: (g) => <Tag tone={tone(g.state)}>{t(`grant.state.${g.state}`)}</Tag>, sort: (g) => g.state, text: (g) => g.state },
            { key: "user", head: t("grant.user"), width: "110px", cell: (g) => <span class="cut">{g.user.name}</span>, sort: (g) => g.user.name, text: (g) => g.user.name },
            { key: "matter", head: t("look.matter"), width: "180px", cell: (g) => <a class="num cut" href={href("matters", g.matter ?? "")}>{g.matter}</a>, sort: (g) => g.matter ?? "", text: (g) => g.matter ?? "" },
            { key: "from", head: t("grant.from"), width: "120px", cell: (g) => <span class="num">{date(g.from_ms)}</span>, sort: (g) => g.from_ms, text: (g) => new Date(g.from_ms).toISOString() },
            { key: "until", head: t("grant.until"), width: "230px", cell: (g) => g.until_ms === null ? "—" : <span class="num">{instant(g.until_ms)}{g.state === "given" && <span class="dim"> {t("clock.left", { x: duration(g.until_ms - serverNow()) })}</span>}</span>, sort: (g) => g.until_ms, text: (g) => (g.until_ms ? new Date(g.until_ms).toISOString() : "") },
            { key: "by", head: t("watch.approver"), width: "110px", cell: (g) => <span class="cut">{g.by?.name ?? "—"}</span>, sort: (g) => g.by?.name ?? "", text: (g) => g.by?.name ?? "" },
            { key: "at", head: t("f.time"), width: "110px", cell: (g) => <When ms={g.at_ms} both={false} />, sort: (g) => g.at_ms, text: (g) => new Date(g.at_ms).toISOString() },
            { key: "note", head: t("grant.note"), width: "minmax(120px,1fr)", cell: (g) => <span class="cut" title={g.note}>{g.note}</span>, text: (g) => g.note },
          ]} />
      )}
      {decide && <Decide key={`${open.id}/${open.state}`} g={open} done={() => { setOn(null); load(); }} />}
    </>
  );
}
