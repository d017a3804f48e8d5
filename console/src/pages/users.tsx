// SPDX-License-Identifier: Apache-2.0
// users.tsx - accounts: administration makes them, security gives the role, nobody does both.
import { useEffect, useMemo, useState } from "preact/hooks";
import { get, post, sentence } from "../kit/api";
import { useDraft } from "../kit/draft";
import { t, tx } from "../kit/i18n";
import { useKeys } from "../kit/keys";
import type { List, Org, User } from "../kit/model";
import { go, route } from "../kit/route";
import { may, meta, roleText, session } from "../kit/session";
import { ago } from "../kit/time";
import { Copyable, Empty, Failed, Loading, Tag, When } from "../parts/bits";
import { Grid } from "../parts/grid";
import { Icon } from "../parts/icon";

function roles() {
  return (meta.value?.roles ?? []).filter((r) => r.code !== "device");
}

function NewUser({ orgs, done, cancel }: { orgs: Org[]; done: (u: User, password: string) => void; cancel: () => void }) {
  const [v, set, clear] = useDraft("user", { name: "", display: "", org: String(orgs[0]?.id ?? ""), role: "duty", callsign: "" });
  const [error, setError] = useState("");
  useKeys([{ key: "escape", label: t("move.cancel"), run: cancel }]);
  return (
    <form class="form" onSubmit={(e) => {
      e.preventDefault();
      post<User & { password: string }>("/users", { name: v.name.trim(), display: v.display.trim(), org: Number(v.org), role: v.role, ...(v.callsign.trim() ? { callsign: v.callsign.trim() } : {}) })
        .then((u) => { clear(); done(u, u.password); }, (x: unknown) => setError(sentence(x)));
    }}>
      <h2>{t("users.new")}</h2>
      <div class="field"><label for="u-name">{t("users.name")} <span class="must" aria-hidden="true">*</span></label><input id="u-name" required pattern="[a-z0-9._\-]{2,32}" value={v.name} onInput={(e) => set({ name: e.currentTarget.value })} aria-describedby="u-name-why" /><p class="why" id="u-name-why">{t("users.name_why")}</p></div>
      <div class="field"><label for="u-display">{t("users.display")} <span class="must" aria-hidden="true">*</span></label><input id="u-display" required maxLength={64} value={v.display} onInput={(e) => set({ display: e.currentTarget.value })} /></div>
      <div class="field"><label for="u-org">{t("rail.org")}</label><select id="u-org" value={v.org} onChange={(e) => set({ org: e.currentTarget.value })}>{orgs.map((o) => <option key={o.id} value={o.id}>{o.name}</option>)}</select></div>
      <div class="field"><label for="u-role">{t("users.role_asked")}</label><select id="u-role" value={v.role} onChange={(e) => set({ role: e.currentTarget.value })}>{roles().map((r) => <option key={r.code} value={String(r.code)}>{tx(r)}</option>)}</select><p class="why">{t("users.role_why")}</p></div>
      <div class="field"><label for="u-call">{t("f.callsign")} <span class="dim">{t("form.optional")}</span></label><input id="u-call" maxLength={32} value={v.callsign} onInput={(e) => set({ callsign: e.currentTarget.value })} /></div>
      {error && <p class="bad" role="alert">{error}</p>}
      <div class="line"><button class="primary">{t("users.make")}</button><button type="button" onClick={cancel}>{t("move.cancel")}</button></div>
    </form>
  );
}

function EditUser({ u, orgs, changed }: { u: User; orgs: Org[]; changed: () => void }) {
  const [v, set, clear] = useDraft(`user.${u.id}`, { display: u.display, org: String(u.org?.id ?? ""), callsign: u.callsign ?? "" });
  const [error, setError] = useState("");
  return (
    <details class="block"><summary>{t("users.edit")}</summary>
      <form class="form" onSubmit={(e) => {
        e.preventDefault();
        // Only what was changed: an untouched field is left alone.
        const body: Record<string, unknown> = {};
        if (v.display.trim() !== u.display) body["display"] = v.display.trim();
        if (v.org && Number(v.org) !== u.org?.id) body["org"] = Number(v.org);
        if (v.callsign.trim() !== (u.callsign ?? "")) body["callsign"] = v.callsign.trim();
        setError("");
        post(`/users/${u.id}`, body).then(() => { clear(); changed(); }, (x: unknown) => setError(sentence(x)));
      }}>
        <div class="field"><label for="e-display">{t("users.display")}</label><input id="e-display" required maxLength={64} value={v.display} onInput={(e) => set({ display: e.currentTarget.value })} /></div>
        <div class="field"><label for="e-org">{t("rail.org")}</label><select id="e-org" value={v.org} onChange={(e) => set({ org: e.currentTarget.value })}><option value="">—</option>{orgs.map((o) => <option key={o.id} value={o.id}>{o.name}</option>)}</select></div>
        <div class="field"><label for="e-call">{t("f.callsign")}</label><input id="e-call" maxLength={32} value={v.callsign} onInput={(e) => set({ callsign: e.currentTarget.value })} aria-describedby="e-call-why" /><p class="why" id="e-call-why">{t("users.callsign_why")}</p></div>
        {error && <p class="bad" role="alert">{error}</p>}
        <button class="primary">{t("save")}</button>
      </form>
    </details>
  );
}

function UserCard({ u, orgs, changed, secret }: { u: User; orgs: Org[]; changed: () => void; secret: string }) {
  const [error, setError] = useState("");
  const [shown, setShown] = useState(secret);
  const [role, setRole] = useState(u.role ?? u.role_asked ?? "duty");
  const act = (path: string, body: unknown) => {
    setError("");
    post<{ password?: string }>(path, body).then((r) => { if (r?.password) setShown(r.password); changed(); }, (e: unknown) => setError(sentence(e)));
  };
  const own = session.value?.user.id === u.id;
  return (
    <article class="card"><div class="card-scroll" tabIndex={0} role="region" aria-label={u.display}>
      <header class="card-head"><div class="card-title"><h2>{u.display}</h2> <Tag tone={u.state === "active" ? "good" : u.state === "locked" ? "bad" : "warn"}>{t(`users.state.${u.state}`)}</Tag></div><p class="dim">{u.name}</p></header>
      {shown && <Copyable label={t("users.password_once")} text={shown} />}
      <dl class="facts">
        <div><dt>{t("users.role")}</dt><dd>{u.role ? roleText(u.role) : <span class="warn-text">{t("users.role_waits", { role: roleText(u.role_asked) })}</span>}</dd></div>
        <div><dt>{t("rail.org")}</dt><dd>{u.org?.name ?? "—"}</dd></div>
        <div><dt>{t("f.callsign")}</dt><dd>{u.callsign ?? "—"}</dd></div>
        <div><dt>{t("users.last")}</dt><dd><When ms={u.last_ms} /></dd></div>
        <div><dt>{t("users.created")}</dt><dd><When ms={u.created_ms} /></dd></div>
      </dl>
      {error && <p class="bad" role="alert">{error}</p>}
      {own && <p class="dim">{t("users.own")}</p>}
      {!own && may("POST /users/{id}") && <EditUser key={`${u.id}/${u.callsign}/${u.org?.id}/${u.display}`} u={u} orgs={orgs} changed={changed} />}
      {!own && may("POST /users/{id}/role") && (
        <form class="form" onSubmit={(e) => { e.preventDefault(); act(`/users/${u.id}/role`, { role }); }}>
          <div class="field"><label for="u-give">{t("users.give")}</label><div class="line"><select id="u-give" value={role} onChange={(e) => setRole(e.currentTarget.value)}>{roles().map((r) => <option key={r.code} value={String(r.code)}>{tx(r)}</option>)}</select><button class="primary">{t("users.give_it")}</button></div><p class="why">{t("users.give_why")}</p></div>
        </form>
      )}
      {!own && (
        <div class="line wrap pad">
          {may("POST /users/{id}/reset") && <button onClick={() => act(`/users/${u.id}/reset`, {})}>{t("users.reset")}</button>}
          {u.state === "locked" && may("POST /users/{id}/unlock") && <button onClick={() => act(`/users/${u.id}/unlock`, {})}>{t("users.unlock")}</button>}
          {may("POST /users/{id}") && <button class={u.state === "disabled" ? "" : "tone-bad"} onClick={() => act(`/users/${u.id}`, { disabled: u.state !== "disabled" })}>{u.state === "disabled" ? t("users.enable") : t("users.disable")}</button>}
        </div>
      )}
    </div></article>
  );
}

function View() {
  const [list, setList] = useState<List<User> | null>(null);
  const [orgs, setOrgs] = useState<Org[]>([]);
  const [error, setError] = useState("");
  const [q, setQ] = useState("");
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState<[number, string]>([0, ""]);
  const load = () => { get<List<User>>("/users?limit=1000").then((l) => { setList(l); setError(""); }, (e: unknown) => setError(sentence(e))); };
  useEffect(() => { load(); get<List<Org>>("/org").then((l) => setOrgs(l.items), () => undefined); }, []);
  const rows = useMemo(() => (list?.items ?? []).filter((u) => !q || (u.name + u.display + (u.callsign ?? "")).toLowerCase().includes(q.toLowerCase())), [list, q]);
  const id = route.value.id;
  const open = rows.find((u) => String(u.id) === id);
  const step = (d: number) => {
    const i = rows.findIndex((u) => String(u.id) === id);
    const u = rows[i < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, i + d))];
    if (u) { setMaking(false); go("users", String(u.id)); }
  };
  useKeys([
    { key: "j", label: t("key.next"), run: () => step(1) }, { key: "k", label: t("key.prev"), run: () => step(-1) },
    ...(may("POST /users") ? [{ key: "o", label: t("users.new"), run: () => setMaking(true) }] : []),
  ]);
  return (
    <div class="split split-side">
      <section class="pane" aria-label={t("rail.users")}>
        <div class="pane-head"><input class="grow" value={q} placeholder={t("users.filter")} aria-label={t("users.filter")} onInput={(e) => setQ(e.currentTarget.value)} />{may("POST /users") && <button onClick={() => setMaking(true)}><Icon name="plus" size={16} /> {t("users.new")} <kbd>o</kbd></button>}</div>
        {error && !list ? <Failed what={error} again={load} /> : !list ? <Loading /> : !rows.length ? <Empty title={t("users.empty")} /> : (
          <Grid<User> label={t("rail.users")} rows={rows} id={(u) => String(u.id)} selected={id} exportName="users" onSelect={(u) => { setMaking(false); go("users", String(u.id)); }} as_of={list.as_of_ms} stale_ms={3600000}
            columns={[
              { key: "display", head: t("users.display"), width: "minmax(0,1fr)", cell: (u) => <b>{u.display}</b>, sort: (u) => u.display, text: (u) => u.display },
              { key: "name", head: t("users.name"), width: "130px", cell: (u) => u.name, sort: (u) => u.name, text: (u) => u.name },
              { key: "role", head: t("users.role"), width: "126px", cell: (u) => u.role ? roleText(u.role) : <span class="warn-text">{roleText(u.role_asked)}?</span>, sort: (u) => u.role ?? "", text: (u) => roleText(u.role) },
              { key: "org", head: t("rail.org"), width: "160px", cell: (u) => <span class="cut">{u.org?.name}</span>, sort: (u) => u.org?.name ?? "", text: (u) => u.org?.name ?? "" },
              { key: "state", head: t("f.state"), width: "90px", cell: (u) => <Tag tone={u.state === "active" ? "good" : u.state === "locked" ? "bad" : "warn"}>{t(`users.state.${u.state}`)}</Tag>, sort: (u) => u.state, text: (u) => u.state },
              { key: "last", head: t("users.last"), width: "110px", align: "right", cell: (u) => <span class="dim">{ago(u.last_ms)}</span>, sort: (u) => u.last_ms, text: (u) => (u.last_ms ? new Date(u.last_ms).toISOString() : "") },
            ]} />
        )}
      </section>
      <section class="pane pane-card" aria-label={t("users.card")}>
        {making ? <NewUser orgs={orgs} done={(u, p) => { setMaking(false); setSecret([u.id, p]); load(); go("users", String(u.id)); }} cancel={() => setMaking(false)} />
          : open ? <UserCard key={open.id} u={open} orgs={orgs} changed={load} secret={secret[0] === open.id ? secret[1] : ""} /> : <Empty title={t("users.choose")} hint={t("users.choose_hint")} />}
      </section>
    </div>
  );
}

export const page = { name: "users", face: "desk" as const, title: "rail.users", icon: "users", place: 8, key: "u", needs: ["GET /users"], view: View };
