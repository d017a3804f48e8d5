// SPDX-License-Identifier: Apache-2.0
// session.ts - who is signed in, what the role reaches, and the tables of the daemon.
import { computed, effect, signal } from "@preact/signals";
import { ApiError, call, get, post, refused, setCsrf } from "./api";
import { cap, t, tx } from "./i18n";
import { forgetRows } from "./live";
import type { Code, Loop, LoopState, Meta, Session } from "./model";
import { setServerTime, zone } from "./time";

export const session = signal<Session | null>(null);
export const meta = signal<Meta | null>(null);
/** "asking" until the first answer; "down" when the daemon cannot be reached at all. */
export const door = signal<"asking" | "out" | "change" | "in" | "down">("asking");

const routes = computed(() => new Set(session.value?.may ?? []));
/** Does the role reach this row of the route table ("POST /looks")? */
export function may(row: string): boolean {
  return routes.value.has(row);
}

const KEEP = "offline.session";

let last_user = 0;

async function enter(s: Session): Promise<void> {
  if (last_user && last_user !== s.user.id) forgetRows();
  last_user = s.user.id;
  setCsrf(s.csrf);
  setServerTime(s.now_ms);
  session.value = s;
  refused.value = "";
  if (s.must_change_password) {
    door.value = "change";
    return;
  }
  const m = await get<Meta>("/meta");
  meta.value = m;
  zone.value = m.zone;
  // Enough to open the phone page without a network; no token is kept.
  localStorage.setItem(KEEP, JSON.stringify({ session: { ...s, csrf: "" }, meta: m }));
  door.value = "in";
}

export async function resume(): Promise<void> {
  try {
    await enter(await get<Session>("/session"));
  } catch (e) {
    if (e instanceof ApiError && e.status === 0) {
      const kept = localStorage.getItem(KEEP);
      if (kept && location.pathname === "/m") {
        const k = JSON.parse(kept) as { session: Session; meta: Meta };
        session.value = k.session;
        meta.value = k.meta;
        zone.value = k.meta.zone;
        door.value = "in";
        return;
      }
      door.value = "down";
    } else {
      refused.value = "";
      door.value = "out";
    }
  }
}
export async function signIn(user: string, password: string): Promise<void> {
  await enter(await post<Session>("/session", { user, password }));
}
export async function changePassword(old: string, fresh: string): Promise<void> {
  await enter(await post<Session>("/session/password", { old, new: fresh }));
}
/** The daemon ended the session; the person did not. */
export const cutOff = signal(false);

export async function signOut(): Promise<void> {
  try { await call<void>("DELETE", "/session"); } catch { /* the session ends here in any case */ }
  leave();
}
/** Matters that the phone keeps for opening without a network (pages/phone). */
export const TASKS = "phone.tasks";
/** What the next person at this machine must not find goes; drafts and what waits to be sent stay, each its owner's. */
export function leave(): void {
  localStorage.removeItem(KEEP);
  localStorage.removeItem(TASKS);
  cutOff.value = false;
  session.value = null;
  door.value = "out";
  forgetRows();
}

effect(() => {
  if (refused.value === "unauthenticated" && door.peek() === "in") {
    cutOff.value = true;
    session.value = null;
    door.value = "out";
  } else if (refused.value === "password_change_required" && door.peek() === "in") {
    door.value = "change";
  }
});

/** Text of a code, or the code itself when the table does not know it. */
export function codeText(table: string, code: string | number | null | undefined): string {
  if (code === null || code === undefined || code === "") return t("code.none");
  const row = meta.value?.codes[table]?.find((c) => String(c.code) === String(code));
  return row ? tx(row) : String(code);
}
export function codes(table: string): Code[] {
  return meta.value?.codes[table] ?? [];
}
export function roleText(role: string | null): string {
  if (!role) return t("code.none");
  const row = meta.value?.roles.find((r) => r.code === role);
  return row ? tx(row) : role;
}
export function purposeText(p: string | null): string {
  const row = meta.value?.purposes.find((r) => r.code === p);
  return row ? tx(row) : p ?? "—";
}
export function lookText(k: string): string {
  const row = meta.value?.look_kinds.find((r) => r.code === k);
  return row ? tx(row) : k;
}
/** A rule is always a label. */
export function ruleText(name: string): string {
  const row = meta.value?.rules.find((r) => r.name === name);
  return row ? cap(tx(row)) : name;
}
export function loop(kind: string): Loop | undefined {
  return meta.value?.loops.find((l) => l.kind === kind);
}
export function kindText(kind: string): string {
  const l = loop(kind);
  return l ? tx(l) : kind;
}
export function loopState(kind: string, state: string): LoopState | undefined {
  return loop(kind)?.states.find((s) => s.name === state);
}
export function stateText(kind: string, state: string): string {
  const s = loopState(kind, state);
  return s ? tx(s) : state;
}
