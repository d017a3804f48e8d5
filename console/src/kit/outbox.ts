// SPDX-License-Identifier: Apache-2.0
// outbox.ts - what the phone could not send yet. Kept across reloads, sent in order, each with its
// `once`, so that a repeat acts once. An item the daemon refuses stays visible until it is put away.
import { computed, signal } from "@preact/signals";
import { ApiError, once, post, sentence } from "./api";
import { session } from "./session";

export interface Waiting { id: string; user: number; path: string; body: Record<string, unknown>; label: string; at_ms: number; error?: string }

const KEY = "outbox";
function read(): Waiting[] {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "[]") as Waiting[];
  } catch {
    return [];
  }
}
const all = signal<Waiting[]>(read());
function write(rows: Waiting[]): void {
  all.value = rows;
  localStorage.setItem(KEY, JSON.stringify(rows));
}

export const outbox = computed(() => all.value.filter((w) => w.user === session.value?.user.id));
export const waitingCount = computed(() => outbox.value.filter((w) => !w.error).length);
export const sending = signal(false);

/** Sends now, or keeps it for later. Resolves to the answer, or null when it waits. */
export async function send<T>(path: string, body: Record<string, unknown>, label: string): Promise<T | null> {
  const item: Waiting = { id: once(), user: session.value!.user.id, path, body, label, at_ms: Date.now() };
  if (waitingCount.value === 0) {
    try {
      return await post<T>(path, { ...body, once: item.id });
    } catch (e) {
      if (!(e instanceof ApiError) || e.status !== 0) throw e;
    }
  }
  write([...all.value, item]);
  return null;
}

export async function flush(): Promise<number> {
  if (sending.value || !session.value?.csrf) return 0;
  sending.value = true;
  let n = 0;
  try {
    for (const item of outbox.value) {
      if (item.error) continue;
      try {
        await post(item.path, { ...item.body, once: item.id });
        write(all.value.filter((w) => w.id !== item.id));
        n++;
      } catch (e) {
        if (e instanceof ApiError && (e.status === 0 || e.status === 401 || e.status === 503 || e.status === 429)) break;
        write(all.value.map((w) => (w.id === item.id ? { ...w, error: sentence(e) } : w)));
      }
    }
  } finally {
    sending.value = false;
  }
  return n;
}
export function putAway(id: string): void {
  write(all.value.filter((w) => w.id !== id));
}
