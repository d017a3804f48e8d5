// SPDX-License-Identifier: Apache-2.0
// theme.ts - night in the centre, day in the office and on phones; kept per face.
import { effect, signal } from "@preact/signals";
import { lang } from "./i18n";
import { face } from "./route";

export type Theme = "night" | "day";
const key = `theme.${face}`;
const kept = localStorage.getItem(key);
export const theme = signal<Theme>(kept === "night" || kept === "day" ? kept : face === "phone" ? "day" : "night");

export function setTheme(x: Theme): void {
  theme.value = x;
  localStorage.setItem(key, x);
}

effect(() => {
  const d = document.documentElement;
  d.dataset["theme"] = theme.value;
  d.dataset["face"] = face;
  d.lang = lang.value === "zh" ? "zh-CN" : "en";
});

/** How much bigger than 16 px the page's type is: lengths that are numbers (rows, columns, canvases) grow with it. */
export const scale = signal(1);
function measure(): void {
  scale.value = (parseFloat(getComputedStyle(document.documentElement).fontSize) || 16) / 16;
}
measure();
addEventListener("resize", measure);

/** A colour of the theme for canvas drawing. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}
