// SPDX-License-Identifier: Apache-2.0
// devices.tsx - cameras and other senders: state, faults, keys.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { poll, post, sentence } from "../kit/api";
import { useDraft } from "../kit/draft";
import { t, tx } from "../kit/i18n";
import { useKeys } from "../kit/keys";
import type { Device, List } from "../kit/model";
import { go, href, route } from "../kit/route";
import { codeText, codes, may } from "../kit/session";
import { ago, num } from "../kit/time";
import { Copyable, Empty, Failed, Loading, Tag, When } from "../parts/bits";
import { Asks } from "../parts/asks";
import { Grid } from "../parts/grid";
import { Icon } from "../parts/icon";
import { QualityPane } from "../parts/quality";

const tone = (s: Device["state"]) => (s === "online" ? "good" : s === "offline" ? "bad" : s === "disabled" ? "" : "warn");

function NewDevice({ done, cancel }: { done: (d: Device, key: string) => void; cancel: () => void }) {
  const [v, set, clear] = useDraft("device", { code: "", name: "", kind: String(codes("device_kind")[0]?.code ?? "camera"), site: "", protocol: "viid" });
  const [error, setError] = useState("");
  useKeys([{ key: "escape", label: t("move.cancel"), run: cancel }]);
  return (
    <form class="form" onSubmit={(e) => {
      e.preventDefault();
      post<Device & { key: string }>("/devices", { code: v.code.trim(), name: v.name.trim(), kind: v.kind, protocol: v.protocol, ...(v.site ? { site: Number(v.site) } : {}) })
        .then((d) => { clear(); done(d, d.key); }, (x: unknown) => setError(sentence(x)));
    }}>
      <h2>{t("device.new")}</h2>
      <div class="field"><label for="d-code">{t("f.code")} <span class="must" aria-hidden="true">*</span></label><input id="d-code" required maxLength={48} value={v.code} onInput={(e) => set({ code: e.currentTarget.value })} aria-describedby="d-code-why" /><p class="why" id="d-code-why">{t("device.code_why")}</p></div>
      <div class="field"><label for="d-name">{t("f.name")}</label><input id="d-name" maxLength={100} value={v.name} onInput={(e) => set({ name: e.currentTarget.value })} /></div>
      <div class="line wrap">
        <div class="field"><label for="d-kind">{t("f.kind")}</label><select id="d-kind" value={v.kind} onChange={(e) => set({ kind: e.currentTarget.value })}>{codes("device_kind").map((c) => <option key={c.code} value={String(c.code)}>{tx(c)}</option>)}</select></div>
        <div class="field"><label for="d-proto">{t("device.protocol")}</label><select id="d-proto" value={v.protocol} onChange={(e) => set({ protocol: e.currentTarget.value })}>{["viid", "ndjson", "fixes"].map((p) => <option key={p} value={p}>{t(`device.protocol.${p}`)}</option>)}</select></div>
        <div class="field"><label for="d-site">{t("device.site")}</label><input id="d-site" class="short" inputMode="numeric" value={v.site} onInput={(e) => set({ site: e.currentTarget.value })} /></div>
      </div>
      {error && <p class="bad" role="alert">{error}</p>}
      <div class="line"><button class="primary">{t("device.make")}</button><button type="button" onClick={cancel}>{t("move.cancel")}</button></div>
    </form>
  );
}

function DeviceCard({ d, changed, secret }: { d: Device; changed: () => void; secret: string }) {
  const [key, setKey] = useState(secret);
  const [error, setError] = useState("");
  const act = (path: string, body: unknown) => {
    post<{ key?: string }>(path, body).then((r) => { if (r?.key) setKey(r.key); changed(); }, (e: unknown) => setError(sentence(e)));
  };
  return (
    <article class="card"><div class="card-scroll" tabIndex={0} role="region" aria-label={d.name || d.code}>
      <header class="card-head"><div class="card-title"><h2>{d.name || d.code}</h2> <Tag tone={tone(d.state)}>{t(`device.state.${d.state}`)}</Tag></div></header>
      {key && <Copyable label={t("device.key_once")} text={key} />}
      <dl class="facts">
        <div><dt>{t("f.code")}</dt><dd class="num">{d.code}</dd></div>
        <div><dt>{t("f.kind")}</dt><dd>{codeText("device_kind", d.kind)}</dd></div>
        <div><dt>{t("device.protocol")}</dt><dd>{t(`device.protocol.${d.protocol}`)}</dd></div>
        <div><dt>{t("f.site")}</dt><dd>{d.site ? <a href={href("sites", String(d.site.id))}>{d.site.name}</a> : "—"}</dd></div>
        <div><dt>{t("device.last")}</dt><dd><When ms={d.last_ms} /></dd></div>
        <div><dt>{t("device.objects")}</dt><dd class="num">{num(d.objects)}</dd></div>
        <div><dt>{t("device.faults")}</dt><dd class="num">{num(d.faults)}</dd></div>
      </dl>
      {error && <p class="bad" role="alert">{error}</p>}
      <div class="line wrap pad">
        {may("POST /devices/{id}/key") && <button onClick={() => act(`/devices/${d.id}/key`, {})}>{t("device.new_key")}</button>}
        {may("POST /devices/{id}") && <button class={d.state === "disabled" ? "" : "tone-bad"} onClick={() => act(`/devices/${d.id}`, { disabled: d.state !== "disabled" })}>{d.state === "disabled" ? t("users.enable") : t("users.disable")}</button>}
      </div>
    </div></article>
  );
}

function Devices() {
  const [list, setList] = useState<List<Device> | null>(null);
  const [error, setError] = useState("");
  const [q, setQ] = useState("");
  const [only, setOnly] = useState("");
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState<[number, string]>([0, ""]);
  const load = () => {
    (async () => {
      let all: Device[] = [], cursor: string | null = null, as_of = 0;
      do {
        const l: List<Device> = await poll<List<Device>>("/devices?limit=1000" + (cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""));
        all = all.concat(l.items);
        cursor = l.next;
        as_of = l.as_of_ms;
      } while (cursor && all.length < 20000);
      setList({ items: all, next: null, as_of_ms: as_of });
      setError("");
    })().catch((e: unknown) => setError(sentence(e)));
  };
  useEffect(() => { load(); const h = setInterval(load, 60000); return () => clearInterval(h); }, []);
  const rows = useMemo(() => (list?.items ?? []).filter((d) => (!only || d.state === only) && (!q || (d.name + d.code + (d.site?.name ?? "")).toLowerCase().includes(q.toLowerCase()))), [list, q, only]);
  const id = route.value.id;
  const open = rows.find((d) => String(d.id) === id);
  const order = useRef<Device[]>([]);
  const step = (n: number) => {
    const i = order.current.findIndex((d) => String(d.id) === id);
    const d = order.current[i < 0 ? 0 : Math.max(0, Math.min(order.current.length - 1, i + n))];
    if (d) { setMaking(false); go("devices", String(d.id)); }
  };
  useKeys([
    { key: "j", label: t("key.next"), run: () => step(1) }, { key: "k", label: t("key.prev"), run: () => step(-1) },
    ...(may("POST /devices") ? [{ key: "o", label: t("device.new"), run: () => setMaking(true) }] : []),
  ]);
  return (
    <div class="split split-side">
      <section class="pane" aria-label={t("rail.devices")}>
        <div class="pane-head"><input class="grow" value={q} placeholder={t("device.filter")} aria-label={t("device.filter")} onInput={(e) => setQ(e.currentTarget.value)} />
          <select aria-label={t("f.state")} value={only} onChange={(e) => setOnly(e.currentTarget.value)}><option value="">{t("site.every_state")}</option>{["online", "offline", "never", "disabled"].map((s) => <option key={s} value={s}>{t(`device.state.${s}`)} ({(list?.items ?? []).filter((d) => d.state === s).length})</option>)}</select>
          {may("POST /devices") && <button onClick={() => setMaking(true)}><Icon name="plus" size={16} /> {t("device.new")} <kbd>o</kbd></button>}</div>
        {error && !list ? <Failed what={error} again={load} /> : !list ? <Loading /> : !rows.length ? <Empty title={t("device.empty")} hint={t("device.empty_hint")} /> : (
          <Grid<Device> label={t("rail.devices")} rows={rows} order={order} id={(d) => String(d.id)} selected={id} exportName="devices" onSelect={(d) => { setMaking(false); go("devices", String(d.id)); }} as_of={list.as_of_ms} stale_ms={180000}
            columns={[
              { key: "name", head: t("f.name"), width: "minmax(0,1fr)", cell: (d) => <span class="cut">{d.name || d.code}</span>, sort: (d) => d.name, text: (d) => d.name },
              { key: "code", head: t("f.code"), width: "180px", cell: (d) => <span class="num cut">{d.code}</span>, sort: (d) => d.code, text: (d) => d.code },
              { key: "state", head: t("f.state"), width: "80px", cell: (d) => <Tag tone={tone(d.state)}>{t(`device.state.${d.state}`)}</Tag>, sort: (d) => d.state, text: (d) => d.state },
              { key: "last", head: t("device.last"), width: "110px", align: "right", cell: (d) => <span class="dim">{ago(d.last_ms)}</span>, sort: (d) => d.last_ms, text: (d) => (d.last_ms ? new Date(d.last_ms).toISOString() : "") },
              { key: "objects", head: t("device.objects"), width: "110px", align: "right", cell: (d) => num(d.objects), sort: (d) => d.objects, text: (d) => String(d.objects) },
              { key: "faults", head: t("device.faults"), width: "80px", align: "right", cell: (d) => num(d.faults), sort: (d) => d.faults, text: (d) => String(d.faults) },
            ]} />
        )}
      </section>
      <section class="pane pane-card" aria-label={t("device.card")}>
        {making ? <NewDevice done={(d, k) => { setMaking(false); setSecret([d.id, k]); load(); go("devices", String(d.id)); }} cancel={() => setMaking(false)} />
          : open ? <DeviceCard key={open.id} d={open} changed={load} secret={secret[0] === open.id ? secret[1] : ""} /> : <Empty title={t("device.choose")} hint={t("device.choose_hint")} />}
      </section>
    </div>
  );
}

const TABS = [["devices", "rail.devices", "GET /devices"], ["quality", "quality.title", "GET /quality"], ["requests", "request.title", "GET /asks"]] as const;

function View() {
  const [tab, setTab] = useState<(typeof TABS)[number][0]>("devices");
  const mine = TABS.filter(([, , row]) => may(row));
  useEffect(() => { if (route.value.id) setTab("devices"); }, [route.value.id]);
  return (
    <div class="lookpage">
      {mine.length > 1 && <div class="pane-head pagetabs"><div class="tabs" role="group" aria-label={t("rail.devices")}>
        {mine.map(([name, title]) => <button key={name} aria-pressed={tab === name} onClick={() => { if (name !== "devices") go("devices"); setTab(name); }}>{t(title)}</button>)}
      </div></div>}
      {tab === "quality" ? <QualityPane /> : tab === "requests" ? <Asks /> : <Devices />}
    </div>
  );
}

export const page = { name: "devices", face: "desk" as const, title: "rail.devices", icon: "device", place: 9, key: "d", needs: ["GET /devices", "GET /quality"], view: View };
