// SPDX-License-Identifier: Apache-2.0
// keys.ts - one key each. Components add maps; the newest map that knows a key wins.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

export interface Key { key: string; label: string; run: () => void; hidden?: boolean; why?: string | null }

interface Layer { keys: () => Key[]; modal: boolean }
const layers: Layer[] = [];
export const helpOpen = signal(false);
let prefix = "";
let prefix_at = 0;

/** Keys for as long as the component lives. `modal`: nothing below is heard. */
export function useKeys(keys: Key[], modal = false): void {
  const ref = useRef(keys);
  ref.current = keys;
  useEffect(() => {
    const layer = { keys: () => ref.current, modal };
    layers.push(layer);
    return () => { layers.splice(layers.indexOf(layer), 1); };
  }, [modal]);
}

/** What the page's keys are now, for the help sheet: innermost first, shadowed ones left out. */
export function keysNow(): Key[] {
  const seen = new Set<string>();
  const rows: Key[] = [];
  for (let i = layers.length - 1; i >= 0; i--) {
    for (const k of layers[i]!.keys()) {
      if (!seen.has(k.key) && !k.hidden) rows.push(k);
      seen.add(k.key);
    }
  }
  return rows;
}

function typing(e: KeyboardEvent): boolean {
  const x = e.target as HTMLElement | null;
  if (!x) return false;
  return x.isContentEditable || x.tagName === "TEXTAREA" || x.tagName === "SELECT" ||
    (x.tagName === "INPUT" && !["checkbox", "radio", "button", "range"].includes((x as HTMLInputElement).type));
}

addEventListener("keydown", (e) => {
  if (e.altKey || e.metaKey || e.isComposing) return;
  if (e.ctrlKey && e.key !== "Enter") return;
  const bare = e.key === " " ? "space" : e.key.length === 1 ? e.key : e.key.toLowerCase();
  const name = (e.ctrlKey ? "ctrl+" : "") + bare;
  const in_text = typing(e);
  if (in_text && name !== "escape" && name !== "ctrl+enter") return;
  // Enter and space belong to the focused control.
  const on = e.target as HTMLElement | null;
  const control = !!on?.closest?.("button, a[href], summary, input, [role=button], [role=option]");
  if (control && (name === "enter" || name === "space")) return;

  let pressed = name;
  if (prefix && performance.now() - prefix_at < 1500) pressed = `${prefix} ${name}`;
  prefix = "";
  for (let i = layers.length - 1; i >= 0; i--) {
    const rows = layers[i]!.keys();
    const hit = rows.find((k) => k.key === pressed);
    if (hit) {
      e.preventDefault();
      e.stopPropagation();
      hit.run();
      return;
    }
    if (rows.some((k) => k.key.startsWith(pressed + " "))) {
      prefix = pressed;
      prefix_at = performance.now();
      e.preventDefault();
      return;
    }
    if (layers[i]!.modal) return;
  }
});
