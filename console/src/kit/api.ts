// SPDX-License-Identifier: Apache-2.0
// api.ts - one door to /api/v1: cookie session, CSRF token, one error shape.
import { signal } from "@preact/signals";
import { cap, lang, t, tx } from "./i18n";
import type { Text } from "./model";

export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, readonly text: Text | null, message: string,
    readonly field: string | null, readonly retry_s: number | null) {
    super(message);
  }
  /** The sentence in the language of the page. */
  say(): string {
    return cap(tx(this.text) || this.message);
  }
}

let csrf = "";
export function setCsrf(token: string): void { csrf = token; }

/** Told of a 401 or a forced password change, so that the page can ask again. */
export const refused = signal<"" | "unauthenticated" | "password_change_required">("");
/** False while requests fail for want of a network or a daemon. */
export const reachable = signal(true);

export async function call<T>(method: "GET" | "POST" | "DELETE", path: string, body?: unknown, cancel?: AbortSignal, background = false): Promise<T> {
  const headers: Record<string, string> = { "Accept-Language": lang.value, Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  if (background) headers["X-Background"] = "1";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let r: Response;
  try {
    r = await fetch("/api/v1" + path, {
      method, headers, credentials: "same-origin", cache: method === "GET" ? "no-cache" : "no-store",
      body: body === undefined ? null : JSON.stringify(body), signal: cancel ?? null,
    });
  } catch (e) {
    if (cancel?.aborted) throw e;
    reachable.value = false;
    throw new ApiError(0, "offline", null, t("error.offline"), null, null);
  }
  reachable.value = true;
  if (r.status === 204) return undefined as T;
  let data: unknown = null;
  try { data = await r.json(); } catch { /* an answer that is no JSON is handled below */ }
  if (r.ok) return data as T;
  const e = (data as { error?: { code?: string; message?: string; field?: string; text?: Text } } | null)?.error;
  const code = e?.code ?? `http_${r.status}`;
  if (r.status === 401 && code !== "sign_in_failed") refused.value = "unauthenticated";
  if (code === "password_change_required") refused.value = "password_change_required";
  const retry = r.headers.get("Retry-After");
  throw new ApiError(r.status, code, e?.text ?? null, e?.message ?? t("error.http", { status: r.status }),
    e?.field ?? null, retry ? Number(retry) : null);
}

export const get = <T>(path: string, cancel?: AbortSignal) => call<T>("GET", path, undefined, cancel);
/** A POST that answers with a file: it is handed to the person as the server names it. */
export async function takeFile(path: string, body: unknown): Promise<void> {
  let r: Response;
  try {
    r = await fetch("/api/v1" + path, { method: "POST", headers: { "Accept-Language": lang.value, "X-CSRF-Token": csrf, "Content-Type": "application/json" }, credentials: "same-origin", cache: "no-store", body: JSON.stringify(body) });
  } catch {
    reachable.value = false;
    throw new ApiError(0, "offline", null, t("error.offline"), null, null);
  }
  if (!r.ok) {
    const e = ((await r.json().catch(() => null)) as { error?: { code?: string; message?: string; field?: string; text?: Text } } | null)?.error;
    throw new ApiError(r.status, e?.code ?? `http_${r.status}`, e?.text ?? null, e?.message ?? t("error.http", { status: r.status }), e?.field ?? null, null);
  }
  const url = URL.createObjectURL(await r.blob()), a = document.createElement("a");
  a.href = url;
  a.download = /filename="([^"]+)"/.exec(r.headers.get("Content-Disposition") ?? "")?.[1] ?? "evidence.zip";
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
/** A file as the body of a POST; the answer is JSON. */
export async function sendFile<T>(path: string, file: Blob): Promise<T> {
  let r: Response;
  try {
    r = await fetch("/api/v1" + path, { method: "POST", headers: { "Accept-Language": lang.value, "X-CSRF-Token": csrf, "Content-Type": "application/octet-stream" }, credentials: "same-origin", cache: "no-store", body: file });
  } catch {
    reachable.value = false;
    throw new ApiError(0, "offline", null, t("error.offline"), null, null);
  }
  const data = (await r.json().catch(() => null)) as (T & { error?: { code?: string; message?: string; field?: string; text?: Text } }) | null;
  if (r.ok && data) return data;
  const e = data?.error;
  throw new ApiError(r.status, e?.code ?? `http_${r.status}`, e?.text ?? null, e?.message ?? t("error.http", { status: r.status }), e?.field ?? null, null);
}
/** Fetched by a timer, not by a person: does not keep an idle session alive. */
export const poll = <T>(path: string) => call<T>("GET", path, undefined, undefined, true);
export const post = <T>(path: string, body: unknown) => call<T>("POST", path, body);

/** "?a=1&b=2" of what is given; undefined, null and "" are left out. */
export function query(o: Record<string, string | number | boolean | null | undefined>): string {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(o)) if (v !== undefined && v !== null && v !== "") q.set(k, String(v));
  const s = q.toString();
  return s ? "?" + s : "";
}

export function sentence(e: unknown): string {
  return e instanceof ApiError ? e.say() : e instanceof Error ? e.message : String(e);
}

/** A value for `once`: the same body sent twice acts once. */
export function once(): string {
  const b = new Uint8Array(12);
  crypto.getRandomValues(b);
  return Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
}
