// SPDX-License-Identifier: Apache-2.0
// sound.ts - a sound by level, always with a visible substitute; mute is visible and expires.
import { computed, signal } from "@preact/signals";
import type { Level, Text } from "./model";
import { now, serverNow } from "./time";

const MUTE_MS = 10 * 60 * 1000;
const muted_until = signal(Number(sessionStorage.getItem("mute") ?? 0));
export const muteLeft = computed(() => Math.max(0, muted_until.value - now.value));

/** The substitute: the level that last called, for a short while. */
export const calling = signal<{ level: Level; text: Text } | null>(null);
let calm: ReturnType<typeof setTimeout> | undefined;
/** False until the browser lets us sound (it wants one key or click first). */
export const audible = signal(false);

let audio: AudioContext | null = null;
function wake(): void {
  try {
    audio ??= new AudioContext();
    if (audio.state === "suspended") void audio.resume().then(() => { audible.value = audio?.state === "running"; });
    else audible.value = audio.state === "running";
  } catch { /* a machine without sound still has the substitute */ }
}
addEventListener("pointerdown", wake, { once: true });
addEventListener("keydown", wake, { once: true });

export function mute(on: boolean): void {
  muted_until.value = on ? serverNow() + MUTE_MS : 0;
  sessionStorage.setItem("mute", String(muted_until.value));
}

// Pitches (Hz) of each level: more and higher is worse. Red repeats.
const tunes: Record<Level, number[]> = {
  blue: [523], yellow: [587, 587], orange: [659, 784, 659], red: [880, 698, 880, 698],
};

let last_ring = 0;
export function ring(level: Level, text: Text): void {
  calling.value = { level, text };
  clearTimeout(calm);
  calm = setTimeout(() => { calling.value = null; }, level === "red" ? 8000 : 4000);
  // A burst sounds once, not a hundred times.
  const at = performance.now();
  if (at - last_ring < 1500 || muteLeft.peek() > 0 || !audio || audio.state !== "running") return;
  last_ring = at;
  let start = audio.currentTime + 0.02;
  for (const hz of tunes[level]) {
    const o = audio.createOscillator();
    const g = audio.createGain();
    o.type = "triangle";
    o.frequency.value = hz;
    g.gain.setValueAtTime(0, start);
    g.gain.linearRampToValueAtTime(0.22, start + 0.02);
    g.gain.exponentialRampToValueAtTime(0.001, start + 0.2);
    o.connect(g).connect(audio.destination);
    o.start(start);
    o.stop(start + 0.22);
    start += 0.24;
  }
}
