// SPDX-License-Identifier: Apache-2.0
// bits.tsx - the small signs used everywhere: level, plate, age, likelihood, and the four states of a pane.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../kit/i18n";
import type { Level } from "../kit/model";
import { codeText } from "../kit/session";
import { ago, instant, now, num } from "../kit/time";
import { Icon } from "./icon";

/** A level is always a shape with a word, never a colour alone. */
export function LevelSign({ level, word = true }: { level: Level; word?: boolean }) {
  const d = { red: "M1 1h12v12H1z", orange: "M7 0l7 7-7 7-7-7z", yellow: "M7 1l7 12H0z", blue: "M7 1a6 6 0 1 1 0 12A6 6 0 0 1 7 1z" }[level];
  return (
    <span class={`level level-${level}`}>
      <svg viewBox="0 0 14 14" width="12" height="12" role="img" aria-label={t(`level.${level}`)}><path d={d} fill="currentColor" /></svg>
      {word && <span aria-hidden="true">{t(`level.${level}`)}</span>}
    </span>
  );
}

export function PlateSign({ plate, color, big = false }: { plate: string; color?: number | null; big?: boolean }) {
  if (!plate) return <span class="plate plate-none">{t("plate.none")}</span>;
  const parted = plate.length >= 7 && !plate.includes("·");
  return (
    <span class={`plate plate-${color ?? 0}${big ? " plate-big" : ""}`} title={color ? codeText("plate_color", color) : undefined}>{parted ? <>{plate.slice(0, 2)}<span class="plate-dot">·</span>{plate.slice(2)}</> : plate}</span>
  );
}

/** Relative time with the absolute one beside it. */
export function When({ ms, both = true }: { ms: number | null | undefined; both?: boolean }) {
  if (ms == null) return <span class="dim">—</span>;
  return (
    <time dateTime={new Date(ms).toISOString()} title={instant(ms)}>
      {ago(ms)}{both && <span class="dim"> · {instant(ms)}</span>}
    </time>
  );
}

/** "As of": greyed, with its age, once it is old. */
export function AsOf({ ms, limit_ms = 60000 }: { ms: number; limit_ms?: number }) {
  if (!ms) return null;
  const old = now.value - ms > limit_ms;
  return (
    <span class={old ? "asof asof-old" : "asof"}>
      {old ? t("asof.old", { at: instant(ms), age: ago(ms) }) : t("asof", { at: instant(ms) })}
    </span>
  );
}

export function likelyWord(p: number): string {
  return t(p >= 0.95 ? "likely.almost" : p >= 0.8 ? "likely.very" : p >= 0.6 ? "likely.rather" : p >= 0.4 ? "likely.open" : "likely.un");
}
/** A probability as a word and a number. */
export function Likely({ p }: { p: number }) {
  return (
    <span class="likely">
      <meter class="likely-bar" min={0} max={1} value={p} aria-label={t("likely.label")} />
      {likelyWord(p)} <b class="num">{num(p, 2)}</b>
    </span>
  );
}

export function Empty({ title, hint, children }: { title: string; hint?: string; children?: ComponentChildren }) {
  return (
    <div class="blank">
      <p class="blank-title">{title}</p>
      {hint && <p class="dim">{hint}</p>}
      {children}
    </div>
  );
}
export function Loading() {
  return <div class="blank" role="status"><p class="dim">{t("state.loading")}</p></div>;
}
export function Failed({ what, again }: { what: string; again?: () => void }) {
  return (
    <div class="blank blank-bad" role="alert">
      <Icon name="warn" size={28} />
      <p>{what}</p>
      {again && <button onClick={again}>{t("state.again")}</button>}
    </div>
  );
}

/** One line on top of a pane whose rows could not be renewed: the rows stay. */
export function Worn({ error, again }: { error: string; again: () => void }) {
  if (!error) return null;
  return (
    <p class="worn" role="status"><Icon name="warn" size={16} /> {error} <button class="small" onClick={again}>{t("state.again")}</button></p>
  );
}

/** On a small screen an answer stands below its form: it comes into sight when it arrives. */
export function useInSight(answer: unknown): void {
  useEffect(() => {
    if (answer && innerWidth <= 760) document.querySelector(".split-ask > .pane-card")?.scrollIntoView({ block: "start" });
  }, [answer]);
}

export function Tag({ tone = "", children }: { tone?: string; children: ComponentChildren }) {
  return <span class={`tag ${tone ? "tag-" + tone : ""}`}>{children}</span>;
}

export function Copyable({ text, label }: { text: string; label: string }) {
  const [done, set] = useState(false);
  return (
    <p class="secret">
      <span class="dim">{label}</span> <code>{text}</code>
      <button class="small" onClick={() => { void navigator.clipboard?.writeText(text).then(() => set(true)); }}>{done ? t("copy.done") : t("copy")}</button>
    </p>
  );
}

export function Kbd({ k }: { k: string | null | undefined }) {
  return k ? <kbd aria-hidden="true">{k}</kbd> : null;
}

/** Names and values, two columns. */
export function Facts({ rows }: { rows: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {rows.map(([k, v]) => <div key={k}><dt>{k}</dt><dd>{v}</dd></div>)}
    </dl>
  );
}
