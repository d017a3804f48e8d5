// SPDX-License-Identifier: Apache-2.0
// draft.ts - what was typed is kept until it is sent or thrown away: across errors, reloads, sign-out.
import { useState } from "preact/hooks";
import { session } from "./session";

function at(name: string): string {
  return `draft.${session.value?.user.id ?? 0}.${name}`;
}
export function dropDraft(name: string): void {
  localStorage.removeItem(at(name));
}
export function readDraft<T extends object>(name: string): Partial<T> {
  try {
    return JSON.parse(localStorage.getItem(at(name)) ?? "{}") as Partial<T>;
  } catch {
    return {};
  }
}

/** State of a form that survives: [values, set(one), clear]. */
export function useDraft<T extends object>(name: string, start: T): [T, (change: Partial<T>) => void, () => void] {
  const [v, set] = useState<T>(() => ({ ...start, ...readDraft<T>(name) }));
  return [
    v,
    (change) => set((old) => {
      const next = { ...old, ...change };
      localStorage.setItem(at(name), JSON.stringify(next));
      return next;
    }),
    () => {
      dropDraft(name);
      set(start);
    },
  ];
}
