// SPDX-License-Identifier: Apache-2.0
// idle.ts - nobody at the desk for as long as the session allows: warn, then sign out. Wall and phone are left to the
// daemon: the one is watched, not touched; the other must go on without a network.
// Activity in any tab counts for all.
import { computed } from "@preact/signals";
import { face } from "./route";
import { door, session, signOut } from "./session";
import { now } from "./time";

const KEY = "active";
const WARN_MS = 60000;
let last = Date.now();
function active(): void {
  const t = Date.now();
  if (t - last < 3000) return;
  last = t;
  localStorage.setItem(KEY, String(t));
}
for (const e of ["keydown", "pointerdown", "wheel"]) addEventListener(e, active, { passive: true });

function since(): number {
  return Date.now() - Math.max(last, Number(localStorage.getItem(KEY) ?? 0));
}

/** Seconds until sign-out once it is near, else 0. */
export const idleLeft = computed(() => {
  void now.value;
  const s = session.value;
  if (face !== "desk" || !s || door.value !== "in") return 0;
  const left = s.idle_ms - since();
  return left < WARN_MS ? Math.max(1, Math.ceil(left / 1000)) : 0;
});

let asked: unknown = null;
setInterval(() => {
  const s = session.value;
  if (face !== "desk" || !s || door.value !== "in" || asked === s || since() < s.idle_ms) return;
  asked = s;
  void signOut();
}, 1000);
export function arrived(): void {
  last = Date.now();
  localStorage.setItem(KEY, String(last));
}
