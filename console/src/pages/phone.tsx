// SPDX-License-Identifier: Apache-2.0
// phone.tsx - for officers outside: gloves, rain, one hand. My tasks with their moves, position, plate check.
// Works without a network: what cannot be sent waits, and the count of what waits is always in sight.
import { effect, signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get, once, post, reachable, sentence } from "../kit/api";
import { mine, titleOf } from "../kit/city";
import { useDraft } from "../kit/draft";
import { cap, t, tx } from "../kit/i18n";
import { useLive } from "../kit/live";
import type { AlarmFull, LookResult, Matter, MatterFull, Move, Unit } from "../kit/model";
import { flush, outbox, putAway, send, sending, waitingCount } from "../kit/outbox";
import { go, route } from "../kit/route";
import { codeText, codes, door, kindText, loop, may, meta, session, signOut, stateText, TASKS } from "../kit/session";
import { on } from "../kit/stream";
import { ring } from "../kit/sound";
import { ago, instant, now, serverNow } from "../kit/time";
import { Clocks, Journal, fieldName, fieldValue } from "../parts/bench";
import { AsOf, Empty, Failed, LevelSign, Loading, Tag, When } from "../parts/bits";
import { Compare, contraOf, decidingOf, pictureUrl } from "../parts/card";
import { ClockBar } from "../parts/clockbar";
import { Switches } from "../parts/door";
import { Fields, filled, lackOf, missing, toLack } from "../parts/form";
import { Call } from "../parts/frame";
import { Icon } from "../parts/icon";
import { Pictures } from "../parts/pictures";

/** Whole matters kept for opening without a network. */
const kept = signal<Record<string, { user: number; m: MatterFull; at_ms: number }>>((() => {
  try {
    return JSON.parse(localStorage.getItem(TASKS) ?? "{}") as Record<string, { user: number; m: MatterFull; at_ms: number }>;
  } catch {
    return {};
  }
})());
function keep(m: MatterFull): void {
  const user = session.value?.user.id ?? 0;
  const rows = Object.entries(kept.value).filter(([, x]) => x.user === user && x.m.open && x.m.id !== m.id).slice(-19);
  kept.value = { ...Object.fromEntries(rows), [m.id]: { user, m, at_ms: serverNow() } };
  localStorage.setItem(TASKS, JSON.stringify(kept.value));
}
effect(() => { if (door.value === "out") kept.value = {}; });

/** Position reports, one at a time, through the outbox only while there is a network; old ones are worthless. */
const tracking = signal(localStorage.getItem("phone.track") === "1");
const fix = signal<{ lon: number; lat: number; at_ms: number; accuracy_m: number; sent: boolean } | null>(null);
const fixError = signal("");
let watcher: number | null = null;
let last_sent = 0;
let buffer: Record<string, number>[] = [];
function track(go_on: boolean): void {
  tracking.value = go_on;
  localStorage.setItem("phone.track", go_on ? "1" : "0");
  if (!go_on) {
    if (watcher !== null) navigator.geolocation.clearWatch(watcher);
    watcher = null;
    return;
  }
  if (!("geolocation" in navigator)) { fixError.value = t("phone.no_gps"); return; }
  if (watcher !== null) return;
  watcher = navigator.geolocation.watchPosition((g) => {
    fixError.value = "";
    const c = g.coords;
    fix.value = { lon: c.longitude, lat: c.latitude, at_ms: g.timestamp, accuracy_m: c.accuracy, sent: false };
    const row: Record<string, number> = { time_ms: Math.round(g.timestamp), lon: Number(c.longitude.toFixed(6)), lat: Number(c.latitude.toFixed(6)), accuracy_m: Math.round(c.accuracy) };
    if (c.speed !== null && c.speed >= 0) row["speed_kmh"] = Math.round(c.speed * 3.6);
    if (c.heading !== null && !Number.isNaN(c.heading)) row["heading_deg"] = Math.round(c.heading);
    buffer = [...buffer.slice(-199), row];
    if (Date.now() - last_sent < 5000) return;
    last_sent = Date.now();
    const sent = buffer;
    post("/fixes", { fixes: sent, once: once() }).then(() => {
      buffer = buffer.filter((x) => !sent.includes(x));
      if (fix.value) fix.value = { ...fix.value, sent: true };
    }, (e: unknown) => { if (!(e instanceof ApiError) || e.status !== 0) fixError.value = sentence(e); });
  }, (e) => { fixError.value = e.code === 1 ? t("phone.gps_refused") : t("phone.gps_lost"); }, { enableHighAccuracy: true, maximumAge: 5000 });
}

function Bar() {
  const n = waitingCount.value;
  const down = !reachable.value;
  return (
    <div class="phone-status" role="status">
      {(down || n > 0) && (
        <p class={down ? "band band-bad" : "band"} data-waiting={n}>
          <Icon name={down ? "warn" : "save"} size={18} /> {down ? t("phone.offline") : t("phone.sending")} {n > 0 && <b>{t("phone.waiting", { n })}</b>}
          {n > 0 && <button class="small" disabled={sending.value} onClick={() => void flush()}>{t("phone.send_now")}</button>}
        </p>
      )}
      {outbox.value.filter((w) => w.error).map((w) => (
        <p key={w.id} class="band band-bad">{t("phone.refused", { what: w.label })} {w.error} <button class="small" onClick={() => putAway(w.id)}>{t("phone.put_away")}</button></p>
      ))}
    </div>
  );
}

function Tasks() {
  const rows = mine.rows.value;
  const old = Object.values(kept.value).filter((k) => k.user === session.value?.user.id && k.m.open);
  const list: Matter[] = rows.length ? rows : mine.status.value === "ready" ? [] : old.map((k) => k.m);
  const sorted = list.slice().sort((a, b) => (a.clock?.due_ms ?? 9e15) - (b.clock?.due_ms ?? 9e15));
  if (!sorted.length && mine.status.value === "loading") return <Loading />;
  if (!sorted.length && mine.status.value === "error") return <Failed what={mine.error.value} again={() => void mine.load()} />;
  if (!sorted.length) return <Empty title={t("phone.no_tasks")} hint={t("phone.no_tasks_hint")} />;
  return (
    <>
      {mine.status.value === "error" && old[0] && <p class="asof asof-old">{t("asof.old", { at: instant(old[0].at_ms), age: ago(old[0].at_ms) })}</p>}
      <ul class="tasks">{sorted.map((m) => (
        <li key={m.id}><a href={`#/task/${encodeURIComponent(m.id)}`} class={`task edge-${m.level}`}>
          <span class="line"><LevelSign level={m.level} /> <span class="grow" /><Tag tone="state">{stateText(m.kind, m.state)}</Tag></span>
          <b class="task-title">{titleOf(m)}</b>
          {m.place?.text && <span class="dim">{m.place.text}</span>}
          {m.clock && <ClockBar clock={m.clock} />}
        </a></li>
      ))}</ul>
      {mine.status.value === "ready" && <AsOf ms={mine.as_of.value} limit_ms={120000} />}
    </>
  );
}

function Task({ id }: { id: string }) {
  const old = kept.value[id];
  const [m, setM] = useState<MatterFull | null>(old?.user === session.value?.user.id ? old?.m ?? null : null);
  const [fresh, setFresh] = useState(false);
  const [error, setError] = useState("");
  const [open, setOpen] = useState<Move | null>(null);
  const [said, setSaid] = useState("");
  const [busy, setBusy] = useState(false);
  const load = () => { get<MatterFull>(`/matters/${encodeURIComponent(id)}`).then((x) => { setM(x); keep(x); setFresh(true); setError(""); }, (e: unknown) => { setFresh(false); setError(sentence(e)); }); };
  useEffect(load, [id]);
  useEffect(() => on<Matter>("matter", (x) => { if (x?.id === id) load(); }), [id]);
  useEffect(() => { if (waitingCount.value === 0 && reachable.value) load(); }, [waitingCount.value === 0, reachable.value]);
  if (!m) return error ? <Failed what={error} again={load} /> : <Loading />;
  const waiting = outbox.value.filter((w) => w.path.includes(encodeURIComponent(id)) && !w.error);
  const make = async (mv: Move, fields: Record<string, unknown>) => {
    setBusy(true);
    setError("");
    try {
      const after = await send<MatterFull>(`/matters/${encodeURIComponent(id)}/moves`, { move: mv.name, seq: m.seq + waiting.length, fields }, `${tx(mv)} · ${titleOf(m)}`);
      setOpen(null);
      if (after) { setM(after); keep(after); void mine.load(); setSaid(t("phone.done", { what: tx(mv) })); } else setSaid(t("phone.queued", { what: tx(mv) }));
      return true;
    } catch (e) {
      setError(sentence(e));
      if (e instanceof ApiError && (e.code === "conflict" || e.code === "state")) load();
      return false;
    } finally {
      setBusy(false);
    }
  };
  // What waits has not moved the matter yet; the loop's table says where it will stand and what may follow.
  const ahead = waiting.length ? projected(m, waiting.map((w) => String(w.body["move"]))) : null;
  const now_moves = ahead ? ahead.moves : m.moves;
  const loopMoves = now_moves.filter((x) => x.phone !== false);
  const moves = loopMoves.length ? loopMoves : now_moves;
  return (
    <div class="phone-task">
      <div class="phone-body" tabIndex={0} role="region" aria-label={titleOf(m)}>
        <p><a href="#/" class="back"><Icon name="left" size={18} /> {t("phone.tasks")}</a></p>
        <h2>{titleOf(m)}</h2>
        <p><LevelSign level={m.level} /> <Tag tone="state">{stateText(m.kind, m.state)}</Tag>{ahead && ahead.state !== m.state && <> → <Tag tone="warn">{stateText(m.kind, ahead.state)}</Tag></>} <span class="dim num">{m.id}</span></p>
        {m.place?.text && <p><Icon name="site" size={16} /> {m.place.text}</p>}
        {!fresh && old && <p class="asof asof-old">{t("asof.old", { at: instant(old.at_ms), age: ago(old.at_ms) })}</p>}
        <Clocks matter={m} />
        {Object.keys(m.fields).length > 0 && <dl class="facts">{Object.entries(m.fields).map(([k, v]) => <div key={k}><dt>{fieldName(m.kind, k)}</dt><dd>{fieldValue(m, k, v)}</dd></div>)}</dl>}
        {m.alarm && m.open && may("GET /alarms/{id}") && <Vehicle key={m.alarm} alarm={m.alarm} />}
        <details><summary>{t("card.journal", { kind: kindText(m.kind) })}</summary><Journal matter={m} /></details>
      </div>
      <div class="phone-actions">
        {said && <p class="note" role="status">{said}</p>}
        {error && <p class="bad" role="alert">{error}</p>}
        {waiting.length > 0 && <p class="warn-text" role="status">{waiting.map((w) => w.label).join("；")} {t("phone.waits")}</p>}
        {open ? <PhoneForm key={open.name} m={m} move={open} busy={busy} make={(f) => make(open, f)} cancel={() => setOpen(null)} /> : (
          <div class="phone-buttons">
            {moves.map((x) => (
              <button key={x.name} data-move={x.name} class={`big tone-${x.tone ?? "plain"}`} aria-disabled={!x.allowed || busy}
                onClick={() => { setSaid(""); if (!x.allowed) setError(tx(x.reason)); else if (x.fields.length) setOpen(x); else void make(x, {}); }}>{cap(tx(x))}</button>
            ))}
            {!moves.length && <p class="dim">{m.open ? t("move.none") : t("move.closed", { state: stateText(m.kind, m.state) })}</p>}
            {may("POST /looks") && m.open && <a class="button big" href={`#/check?matter=${encodeURIComponent(m.id)}`}>{t("phone.check")}</a>}
          </div>
        )}
      </div>
    </div>
  );
}

/** What to look for: the picture and the record of the alarm's vehicle. Opening it is a look, so it is asked for. */
function Vehicle({ alarm }: { alarm: string }) {
  const [a, setA] = useState<AlarmFull | null>(null);
  const [error, setError] = useState("");
  const box = useRef<HTMLDetailsElement>(null);
  useEffect(() => { if (a) box.current?.scrollIntoView({ block: "start" }); }, [a]);
  const asked = useRef(false); // once: every answer is a look on record
  const load = () => {
    if (asked.current) return;
    asked.current = true;
    get<AlarmFull>(`/alarms/${encodeURIComponent(alarm)}`).then((x) => { setA(x); setError(""); }, (e: unknown) => { asked.current = false; setError(sentence(e)); });
  };
  const seen = a && (decidingOf(a)?.sighting ?? null);
  return (
    <details ref={box} class="phone-vehicle" onToggle={(e) => { if (e.currentTarget.open) load(); }}>
      <summary>{t("phone.vehicle")}</summary>
      {error ? <Failed what={error} again={load} /> : !a ? <Loading /> : <>
        <Pictures shots={seen ? [{ src: pictureUrl(seen.picture, `alarm=${encodeURIComponent(a.id)}`), title: seen.site_name, sub: instant(seen.time_ms), alt: t("picture.alt", { site: seen.site_name, at: instant(seen.time_ms) }) }] : []} />
        <Compare seen={seen} registry={a.registry} bad={contraOf(a)} /></>}
    </details>
  );
}

/** Where queued moves will lead, and the moves the loop has from there for this role. Fields are those of the
 * definition; the daemon has the last word when they are sent. */
function projected(m: MatterFull, queued: string[]): { state: string; moves: Move[] } {
  const l = loop(m.kind);
  let state = m.state;
  for (const name of queued) {
    const mv = l?.moves.find((x) => x.name === name && x.from.includes(state));
    if (mv?.to) state = mv.to;
  }
  if (state === m.state) return { state, moves: m.moves };
  const role = session.value?.user.role ?? "";
  const moves = (l?.moves ?? []).filter((x) => x.from.includes(state) && x.roles.includes(role)).map((x): Move => ({
    name: x.name, zh: x.zh, en: x.en, key: x.key, ...(x.tone ? { tone: x.tone } : {}), to: x.to ?? state, allowed: true, reason: null, phone: x.phone ?? false,
    fields: x.fields.map((f) => l!.fields.find((y) => y.name === f)).filter((f) => f !== undefined),
  }));
  return { state, moves };
}

function PhoneForm({ m, move, busy, make, cancel }: { m: MatterFull; move: Move; busy: boolean; make: (f: Record<string, unknown>) => Promise<boolean>; cancel: () => void }) {
  const [v, set, clear] = useDraft<Record<string, unknown>>(`phone.${m.id}.${move.name}`, {});
  const [lack, setLack] = useState<{ field: string; text: string } | null>(null);
  return (
    <form class="form" noValidate onSubmit={(e) => {
      e.preventDefault();
      const f = missing(move.fields, v);
      if (f) { setLack(lackOf(f)); return toLack(e.currentTarget); }
      void make(filled(move.fields, v)).then((ok) => { if (ok) clear(); });
    }}>
      <h3>{cap(tx(move))}</h3>
      <Fields fields={move.fields} values={v} set={(x) => { setLack(null); set(x); }} wrong={lack} ground={`matter=${encodeURIComponent(m.id)}`} prefix="p" />
      <div class="line"><button type="submit" class="big primary grow" disabled={busy}>{cap(t("move.confirm", { name: tx(move) }))}</button><button type="button" class="big" onClick={cancel}>{t("move.cancel")}</button></div>
    </form>
  );
}

function Check() {
  const [v, set] = useDraft("phone.check", { plate: "", color: "", matter: "" });
  const [r, setR] = useState<LookResult | null>(null);
  const [error, setError] = useState<ApiError | string>("");
  const [busy, setBusy] = useState(false);
  const tasks = mine.rows.value;
  const given = route.value.query["matter"];
  useEffect(() => { if (given) set({ matter: given }); }, [given]);
  const task = tasks.find((m) => m.id === v.matter) ?? tasks[0];
  const purposes = (meta.value?.purposes ?? []).filter((p) => !task || !p.kinds || p.kinds.includes(task.kind));
  const run = async (matter: string) => {
    setBusy(true);
    setError("");
    try {
      setR(await post<LookResult>("/looks", { kind: "plate_check", plate: v.plate.trim().toUpperCase().replace(/[·\s]/g, ""), ...(v.color ? { plate_color: Number(v.color) } : {}), ...(matter ? { matter } : {}), purpose: purposes[0]?.code, once: once() }));
    } catch (e) {
      setR(null);
      setError(e instanceof ApiError ? e : String(e));
    } finally {
      setBusy(false);
    }
  };
  const inquiry = async () => {
    const kind = (meta.value?.loops ?? []).find((l) => l.by_hand)?.kind;
    try {
      const m = await post<MatterFull>("/matters", { kind, title: t("phone.inquiry", { who: session.value?.user.callsign ?? session.value?.user.display ?? "", at: instant(serverNow()) }), once: once() });
      mine.put(m);
      set({ matter: m.id });
      await run(m.id);
    } catch (e) {
      setError(e instanceof ApiError ? e : String(e));
    }
  };
  return (
    <div class="phone-task">
      <div class="phone-body" tabIndex={0} role="region" aria-label={t("phone.check")}>
        {error && <div class="refusal" role="alert" data-code={error instanceof ApiError ? error.code : ""}><p><Icon name="lock" size={18} /> {error instanceof ApiError ? error.say() : error}</p>
          {error instanceof ApiError && (error.code.startsWith("look_")) && may("POST /matters") && <button class="big" onClick={() => void inquiry()}>{t("phone.open_inquiry")}</button>}</div>}
        {r ? (
          <>
            <p><b class="num">{t("look.number", { n: r.n })}</b> <When ms={r.at_ms} /></p>
            <Compare seen={null} registry={r.registry} bad={new Map()} />
            {r.watches.map((w) => <p key={w.id} class="note-bad"><Icon name="warn" size={18} /> {t("look.watched", { list: codeText("watch_list", w.list), why: w.why, to: instant(w.to_ms) })}</p>)}
            {!r.watches.length && <p class="note">{t("look.not_watched")}</p>}
          </>
        ) : !error && <Empty title={t("phone.check_empty")} hint={t("phone.check_hint")} />}
      </div>
      <form class="phone-actions form" onSubmit={(e) => { e.preventDefault(); void run(task?.id ?? ""); }}>
        <div class="field"><label for="pc-matter">{t("look.matter")}</label><select id="pc-matter" value={task?.id ?? ""} onChange={(e) => set({ matter: e.currentTarget.value })}>{!tasks.length && <option value="">{t("look.no_matter")}</option>}{tasks.map((m) => <option key={m.id} value={m.id}>{titleOf(m)}</option>)}</select></div>
        <div class="line"><input class="plate-input grow big" aria-label={t("f.plate")} placeholder={t("phone.plate")} value={v.plate} maxLength={10} autocomplete="off" autocapitalize="characters" onInput={(e) => set({ plate: e.currentTarget.value })} />
          <select class="big" aria-label={t("f.plate_color")} value={v.color} onChange={(e) => set({ color: e.currentTarget.value })}><option value="">{t("look.any_color")}</option>{codes("plate_color").filter((c) => c.code !== 0).map((c) => <option key={c.code} value={String(c.code)}>{tx(c)}</option>)}</select></div>
        <button class="big primary" disabled={busy || !v.plate.trim()}>{busy ? t("look.running") : t("phone.check")}</button>
      </form>
    </div>
  );
}

function Me() {
  const s = session.value!;
  const [unit, setUnit] = useState<Unit | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    if (s.user.unit === null) return;
    get<{ items: Unit[] }>("/units?limit=1000").then((l) => setUnit(l.items.find((u) => u.id === s.user.unit) ?? null), (e: unknown) => setError(sentence(e)));
  }, []);
  const set = (state: string) => {
    setError("");
    send<Unit>(`/units/${s.user.unit}/state`, { state }, t("phone.state_label", { x: codeText("unit_state", state) })).then((u) => { if (u) setUnit(u); }, (e: unknown) => setError(sentence(e)));
  };
  const f = fix.value;
  return (
    <div class="phone-task">
      <div class="phone-body" tabIndex={0} role="region" aria-label={t("phone.me")}>
        <h2>{s.user.display}</h2>
        <p class="dim">{s.user.callsign} {s.user.org?.name}</p>
        {unit && (<fieldset class="field radios"><legend>{t("phone.unit_state", { u: unit.callsign })}</legend><div class="phone-buttons">{codes("unit_state").filter((c) => unit.matter === null || c.code === unit.state).slice(0, 6).map((c) => <button key={c.code} class="big" aria-pressed={unit.state === c.code} onClick={() => set(String(c.code))}>{tx(c)}</button>)}</div></fieldset>)}
        {error && <p class="bad" role="alert">{error}</p>}
        <h3>{t("phone.position")}</h3>
        <p>{!tracking.value ? t("phone.gps_off") : f ? <><span class="num">{f.lon.toFixed(5)}, {f.lat.toFixed(5)}</span> ±{Math.round(f.accuracy_m)} m · {ago(f.at_ms)} · {f.sent ? t("phone.sent") : t("phone.not_sent")}</> : fixError.value || t("phone.gps_search")}</p>
        {fixError.value && f && <p class="warn-text">{fixError.value}</p>}
      </div>
      <div class="phone-actions phone-buttons">
        <button class={`big ${tracking.value ? "" : "primary"}`} aria-pressed={tracking.value} onClick={() => track(!tracking.value)}>{tracking.value ? t("phone.gps_stop") : t("phone.gps_start")}</button>
        <button class="big" onClick={() => void signOut()}>{t("user.out")}</button>
      </div>
    </div>
  );
}

function View() {
  useLive(mine);
  const done = useRef(false);
  useEffect(() => {
    if (!done.current && tracking.value) { done.current = true; track(true); }
    const off = [on<Matter>("matter", () => void mine.load()), on("alarm", () => void mine.load())];
    const again = () => { void flush().then((n) => { if (n) void mine.load(); }); };
    const h = setInterval(() => { if (waitingCount.value) again(); else if (!reachable.value) void mine.load(); }, 5000);
    addEventListener("online", again);
    const lost = () => { reachable.value = false; };
    addEventListener("offline", lost);
    return () => { for (const f of off) f(); clearInterval(h); removeEventListener("online", again); removeEventListener("offline", lost); };
  }, []);
  // A task that was not there before calls: by sound, by the band on top, and in the pocket.
  const known = useRef<Set<string> | null>(null);
  useEffect(() => {
    if (mine.status.value !== "ready") return;
    const before = known.current, fresh = before ? mine.rows.value.filter((m) => !before.has(m.id)) : [];
    known.current = new Set(mine.rows.value.map((m) => m.id));
    if (!fresh[0]) return;
    ring(fresh[0].level, { zh: titleOf(fresh[0]), en: titleOf(fresh[0]) });
    navigator.vibrate?.([300, 150, 300]);
  }, [mine.rows.value, mine.status.value]);
  // Tasks are fetched whole while there is a network, so that they open without one.
  useEffect(() => {
    for (const m of mine.rows.value.slice(0, 10)) {
      const k = kept.value[m.id];
      if (!k || k.m.seq < m.seq) get<MatterFull>(`/matters/${encodeURIComponent(m.id)}`).then(keep, () => undefined);
    }
  }, [mine.rows.value]);
  const r = route.value;
  const at = r.name === "task" ? "tasks" : r.name === "check" || r.name === "me" ? r.name : "tasks";
  const overdue = mine.rows.value.filter((m) => m.clock?.state === "running" && m.clock.due_ms !== null && m.clock.due_ms < now.value).length;
  return (
    <div class="phone">
      <header class="phone-top"><h1>{t(at === "tasks" ? "phone.tasks" : at === "check" ? "phone.check" : "phone.me")}</h1><span class="grow" />{tracking.value && <span class="tag tag-good" title={fix.value ? ago(fix.value.at_ms) : ""}>{t("phone.gps_on")}</span>}<Switches /></header>
      <div><Call say="phone.call" /><Bar /></div>
      <main class="phone-main">{r.name === "task" ? <Task key={r.id} id={r.id} /> : at === "check" ? <Check /> : at === "me" ? <Me /> : <div class="phone-body" tabIndex={0} role="region" aria-label={t("phone.tasks")}><Tasks /></div>}</main>
      <nav class="phone-nav" aria-label={t("rail")}>
        <a href="#/" aria-current={at === "tasks" ? "page" : undefined} onClick={() => go("")}><Icon name="tasks" size={24} /><span>{t("phone.tasks")} {mine.rows.value.length > 0 && <b class="num">{mine.rows.value.length}</b>}</span>{overdue > 0 && <span class="off">{t("phone.overdue", { n: overdue })}</span>}</a>
        <a href="#/check" aria-current={at === "check" ? "page" : undefined}><Icon name="look" size={24} /><span>{t("phone.check")}</span></a>
        <a href="#/me" aria-current={at === "me" ? "page" : undefined}><Icon name="users" size={24} /><span>{t("phone.me")}</span></a>
      </nav>
    </div>
  );
}
export const page = { name: "phone", face: "phone" as const, title: "rail.phone", icon: "phone", place: 0, key: "", needs: ["GET /matters"], view: View };
