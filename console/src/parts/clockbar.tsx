// SPDX-License-Identifier: Apache-2.0
// clockbar.tsx - a clock is a bar that empties, with the due time in words; paused looks paused;
// overdue says by how much and who is next on the ladder.
import { cap, listed, t, tx } from "../kit/i18n";
import type { Clock } from "../kit/model";
import { duration, instant, now } from "../kit/time";

export function clockLeft(c: Clock, at: number): number {
  if (c.state === "running" && c.due_ms !== null) return c.due_ms - at;
  return c.budget_ms - c.consumed_ms;
}

export function clockWords(c: Clock, at: number): string {
  const left = clockLeft(c, at);
  if (c.state === "stopped") return left >= 0 ? t("clock.met") : t("clock.missed", { x: duration(left) });
  if (c.state === "paused") return t("clock.paused", { x: duration(left) });
  return left >= 0 ? t("clock.left", { x: duration(left) }) : t("clock.over", { x: duration(left) });
}

export function ClockBar({ clock, full = false }: { clock: Clock; full?: boolean }) {
  const at = now.value;
  const left = clockLeft(clock, at);
  const part = Math.max(0, Math.min(1, clock.budget_ms > 0 ? left / clock.budget_ms : 0));
  const over = clock.state === "running" && left < 0;
  const kind = clock.state === "stopped" ? (left >= 0 ? "met" : "missed") : clock.state === "paused" ? "paused" : over ? "over" : part < 0.25 ? "short" : "run";
  const rung = clock.next_rung;
  return (
    <div class={`clock clock-${kind}`}>
      <div class="clock-line">
        <span class="clock-name">{cap(tx(clock))}</span>
        <span class="clock-words num">{clockWords(clock, at)}</span>
        {full && clock.due_ms !== null && clock.state === "running" && <span class="dim num">{t("clock.due", { at: instant(clock.due_ms) })}</span>}
      </div>
      <svg class="clock-bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <rect class="clock-back" x="0" y="0" width="100" height="4" />
        <rect class="clock-fill" x="0" y="0" width={over ? 100 : part * 100} height="4" />
      </svg>
      {full && rung && clock.state !== "stopped" && (
        <div class="clock-rung dim">
          {over ? t("clock.next_over", { who: tx(rung.text), at: instant(rung.at_ms) }) : t("clock.next", { who: tx(rung.text), at: instant(rung.at_ms) })}
        </div>
      )}
      {full && clock.fired && clock.fired.length > 0 && (
        <div class="clock-rung">{t("clock.fired", { who: listed(clock.fired.map((f) => tx(f.text))) })}</div>
      )}
    </div>
  );
}
