// SPDX-License-Identifier: Apache-2.0
// frame.tsx - the desk: rail of places, top line with the one search box, page, key sheet.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { get, reachable, sentence } from "../kit/api";
import { alarms, findings, queue } from "../kit/city";
import { cap, t, tx } from "../kit/i18n";
import { idleLeft } from "../kit/idle";
import { helpOpen, keysNow, useKeys } from "../kit/keys";
import { useLive } from "../kit/live";
import type { Hit, List } from "../kit/model";
import type { Page } from "../kit/page";
import { go, href } from "../kit/route";
import { may, roleText, session, signOut } from "../kit/session";
import { audible, calling, mute, muteLeft } from "../kit/sound";
import { streamState } from "../kit/stream";
import { clockTime, day, duration, now } from "../kit/time";
import { LevelSign } from "./bits";
import { Switches } from "./door";
import { Icon } from "./icon";

function Rail({ pages, page }: { pages: Page[]; page: Page }) {
  const box = useRef<HTMLElement>(null);
  useEffect(() => box.current?.querySelector(".on")?.scrollIntoView({ block: "nearest", inline: "center" }), [page]);
  return (
    <nav ref={box} class="rail" aria-label={t("rail")}>
      <a class="rail-logo" href={href(pages[0]?.name ?? "")} aria-label={t("app")}><svg viewBox="0 0 64 64" width="36" height="36" aria-hidden="true"><rect width="64" height="64" rx="12" class="logo-back" /><path d="M32 9v46M9 32h46" class="logo-road" /><circle cx="32" cy="32" r="7" class="logo-dot" /></svg></a>
      {pages.filter((p) => p.place > 0).map((p) => (
        <a key={p.name} href={href(p.name)} class={p === page ? "on" : ""} aria-current={p === page ? "page" : undefined} title={`g ${p.key}`}>
          <Icon name={p.icon} size={22} /><span>{t(p.title)}</span>
          {p.name === "alarms" && <Waiting />}
        </a>
      ))}
    </nav>
  );
}
function Waiting() {
  const n = queue.value.length;
  if (!n && alarms.status.value === "error") return <span class="rail-count muted" role="img" aria-label={t("wall.no_rows")} title={t("wall.no_rows")}>?</span>;
  return n ? <span class={`rail-count level-${queue.value[0]!.level}`} aria-label={t("rail.open", { n })}>{n > 999 ? "1k+" : n}</span> : null;
}
/** Keeps the queue live on every page: its count and its sounds belong to the frame. */
function Ears() {
  useLive(alarms);
  return null;
}

function Search() {
  const box = useRef<HTMLInputElement>(null);
  const [q, setQ] = useState("");
  const [hits, setHits] = useState<Hit[] | null>(null);
  const [error, setError] = useState("");
  const [at, setAt] = useState(0);
  useKeys([{ key: "/", label: t("key.search"), run: () => box.current?.focus() }]);
  useEffect(() => {
    if (!q.trim()) { setHits(null); setError(""); return; }
    const stop = new AbortController();
    const h = setTimeout(() => {
      get<List<Hit>>(`/search?q=${encodeURIComponent(q.trim().slice(0, 64))}`, stop.signal).then((l) => { setHits(l.items); setAt(0); setError(""); },
        (e: unknown) => { if (!stop.signal.aborted) { setHits([]); setError(sentence(e)); } });
    }, 120);
    return () => { clearTimeout(h); stop.abort(); };
  }, [q]);
  const open = (h: Hit | undefined) => {
    if (!h) return;
    setQ("");
    setHits(null);
    box.current?.blur();
    if (h.type === "plate") go("look", "", { plate: h.text });
    else if (h.type === "matter") go("matters", h.id);
    else if (h.type === "alarm") go("alarms", h.id);
    else if (h.type === "site") go("sites", h.id);
    else if (h.type === "unit") go("live", "", { unit: h.id });
    else if (h.type === "watch") go("watches", h.id);
    else if (h.type === "user") go("users", h.id);
  };
  return (
    <div class="search" role="search">
      <Icon name="look" size={16} />
      <input ref={box} value={q} placeholder={t("search.hint")} aria-label={t("search")} role="combobox" aria-expanded={!!hits} aria-controls="search-hits" aria-autocomplete="list"
        aria-activedescendant={hits?.length ? `hit-${at}` : undefined} maxLength={64} autocomplete="off" spellcheck={false}
        onInput={(e) => setQ(e.currentTarget.value)} onBlur={() => setTimeout(() => setHits(null), 150)} onFocus={() => { if (q) setQ(q + ""); }}
        onKeyDown={(e) => {
          if (e.key === "Escape") { setQ(""); box.current?.blur(); }
          if (!hits) return;
          if (e.key === "ArrowDown") { e.preventDefault(); setAt(Math.min(at + 1, hits.length - 1)); }
          if (e.key === "ArrowUp") { e.preventDefault(); setAt(Math.max(at - 1, 0)); }
          if (e.key === "Enter") open(hits[at]);
        }} />
      <kbd aria-hidden="true">/</kbd>
      {hits && (
        <div class="search-hits" id="search-hits" role="listbox" aria-label={t("search.hits")}>
          {hits.map((h, i) => (
            <div key={h.type + h.id} id={`hit-${i}`} role="option" aria-selected={i === at} class={i === at ? "on" : ""} onPointerDown={(e) => { e.preventDefault(); open(h); }}>
              <span class="tag">{t(`search.${h.type}`)}</span> <b>{h.text}</b> {tx(h.sub).toLowerCase() !== t(`search.${h.type}`).toLowerCase() && <span class="dim">{cap(tx(h.sub))}</span>}
            </div>
          ))}
          {!hits.length && <div role="option" aria-selected={false} aria-disabled="true" class="dim">{error || t("search.none")}</div>}
        </div>
      )}
    </div>
  );
}

export function Sound() {
  const left = muteLeft.value;
  return (
    <button class={left ? "quiet muted" : "quiet"} aria-pressed={left > 0} title={left ? t("sound.unmute") : audible.value ? t("sound.mute") : t("sound.asleep")}
      onClick={() => mute(!left)}>
      <Icon name={left || !audible.value ? "mute" : "sound"} size={18} /> {left ? t("sound.muted", { x: duration(left) }) : audible.value ? t("sound.on") : t("sound.press")}
    </button>
  );
}

/** The visible substitute of the sound. */
export function Call({ say = "call" }: { say?: string }) {
  const c = calling.value;
  return c ? <div class={`call call-${c.level}`} role="status"><LevelSign level={c.level} /> {t(say, { what: cap(tx(c.text)) })}</div> : null;
}

export function Link() {
  const s = streamState.value, ok = reachable.value;
  const kind = !ok ? "down" : s === "open" ? "ok" : "waiting";
  return <span class={`link link-${kind}`} role="status"><span class="link-dot" aria-hidden="true" /> {t(`link.${kind}`)}</span>;
}

function Who() {
  const s = session.value;
  return s ? (
    <div class="who">
      <span><b>{s.user.display}</b> <span class="dim">{roleText(s.user.role)}{s.user.org ? ` · ${s.user.org.name}` : ""}</span></span>
      <button class="quiet" title={t("user.out")} aria-label={t("user.out")} onClick={() => void signOut()}><Icon name="out" size={18} /></button>
    </div>
  ) : null;
}

function Help() {
  const box = useRef<HTMLDialogElement>(null);
  const close = () => { helpOpen.value = false; };
  useKeys([{ key: "escape", label: t("key.close"), run: close }, { key: "?", label: t("key.close"), run: close, hidden: true }], false);
  const [rows] = useState(() => keysNow());
  useEffect(() => {
    box.current?.showModal();
    return () => box.current?.close();
  }, []);
  return (
    <dialog ref={box} class="help" aria-labelledby="help-title" onClose={close}>
      <h2 id="help-title">{t("help.title")}</h2>
      <dl>{rows.map((k) => <div key={k.key}><dt>{k.key.split(" ").map((x) => <kbd key={x}>{x === "escape" ? "Esc" : x === "enter" ? "⏎" : x === "ctrl+enter" ? "Ctrl ⏎" : x === "space" ? t("key.space") : x}</kbd>)}</dt><dd>{k.label}{k.why && <span class="dim"> — {k.why}</span>}</dd></div>)}</dl>
      <p class="dim">{t("help.note")}</p>
      <button class="primary" onClick={close}>{t("key.close")} <kbd>Esc</kbd></button>
    </dialog>
  );
}

export function Frame({ pages, page, children }: { pages: Page[]; page: Page; children: ComponentChildren }) {
  useKeys([
    ...pages.filter((p) => p.place > 0).map((p) => ({ key: `g ${p.key}`, label: t("key.go", { where: t(p.title) }), run: () => go(p.name) })),
    { key: "?", label: t("key.help"), run: () => { helpOpen.value = true; } },
    ...(may("GET /alarms") ? [{ key: "m", label: t("key.mute"), run: () => mute(muteLeft.value === 0) }] : []),
  ]);
  const f = findings.value[0];
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById("main")?.focus(); }}>{t("skip")}</a>
      <Rail pages={pages} page={page} />
      {may("GET /alarms") && <Ears />}
      <header class="top">
        <h1>{t(page.title)}</h1>
        {may("GET /search") && <Search />}
        <span class="grow" />
        {may("GET /alarms") && <Sound />}
        <Link />
        <time class="num top-time"><b>{clockTime(now.value)}</b> <span class="dim">{day(now.value)}</span></time>
        <Switches />
        <button class="quiet" aria-label={t("key.help")} title={t("key.help")} onClick={() => { helpOpen.value = true; }}><kbd>?</kbd></button>
        <Who />
      </header>
      <div class="bands">
        {idleLeft.value > 0 && <p class="band" role="alert"><Icon name="lock" size={16} /> {t("idle.soon", { s: idleLeft.value })}</p>}
        {!reachable.value && <p class="band band-bad" role="alert"><Icon name="warn" size={16} /> {t("error.band")}</p>}
        {f && <p class={`band band-${f.level}`}><LevelSign level={f.level} /> {tx(f.text)} {may("GET /system") && <a href={href("system")}>{t("rail.system")}</a>}</p>}
        {may("GET /alarms") && <Call />}
      </div>
      <main id="main" class="main" tabIndex={-1}>{children}</main>
      {helpOpen.value && <Help />}
    </div>
  );
}
