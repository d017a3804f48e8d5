// SPDX-License-Identifier: Apache-2.0
// i18n.ts - two dictionaries and one t(). Chinese is the first language; a missing key shows itself.
import { signal } from "@preact/signals";
import zh from "../../i18n/zh.json";
import en from "../../i18n/en.json";
import type { Text } from "./model";

export type Lang = "zh" | "en";
const dictionaries: Record<Lang, Record<string, string>> = { zh, en };

function first(): Lang {
  return localStorage.getItem("lang") === "en" ? "en" : "zh";
}

export const lang = signal<Lang>(first());

export function setLang(l: Lang): void {
  lang.value = l;
  localStorage.setItem("lang", l);
}

/** The sentence of a key, with {names} filled in. */
export function t(key: string, fill?: Record<string, string | number>): string {
  const s = dictionaries[lang.value][key] ?? `⟦${key}⟧`;
  return fill ? s.replace(/\{(\w+)\}/g, (_, k: string) => String(fill[k] ?? "")) : s;
}

/** Whether the dictionaries have a word, of a set that others name (units). */
export function has(key: string): boolean {
  return key in dictionaries[lang.value];
}

/** With a capital, as names, heads and buttons have in English; the daemon's words have none. */
export function cap(s: string): string {
  return lang.value === "en" ? s.charAt(0).toUpperCase() + s.slice(1) : s;
}
/** A list as the language writes it. */
export function listed(all: string[]): string {
  return all.join(t("list.comma"));
}

/** A text of the daemon in the language of the page. */
export function tx(x: Text | null | undefined): string {
  return x ? x[lang.value] || x.zh || x.en || "" : "";
}
