// SPDX-License-Identifier: Apache-2.0
// stream.ts - the page's end of the event stream: through the shared worker, else its own.
import { signal } from "@preact/signals";
import { goesOn } from "./bye";
import { heardServerTime, serverNow } from "./time";

export type StreamState = "open" | "waiting" | "closed";
export const streamState = signal<StreamState>("closed");
/** When the last event of any kind came, by the daemon's clock. */
export const streamBeat = signal(0);
/** True when this page shares its stream with other tabs. */
export let shared = false;

type Hear = (data: unknown) => void;
const ears = new Map<string, Set<Hear>>();

export function on<T>(event: string, hear: (data: T) => void): () => void {
  let set = ears.get(event);
  if (!set) ears.set(event, (set = new Set()));
  set.add(hear as Hear);
  return () => { set.delete(hear as Hear); };
}

function arrive(event: string, data: unknown, at = Date.now()): void {
  const ms = event === "hello" || event === "beat" ? (data as { now_ms?: number } | null)?.now_ms : undefined;
  if (ms) heardServerTime(ms, at);
  streamBeat.value = serverNow();
  for (const hear of ears.get(event) ?? []) hear(data);
}

interface Line { open(): void; close(): void }
let line: Line | null = null;

function sharedLine(url: string): Line {
  const w = new SharedWorker(url, { name: "tongqu-stream" });
  let open = false;
  w.port.onmessage = (m: MessageEvent<{ state?: StreamState; event?: string; data?: string; at?: number }>) => {
    if (m.data.state) {
      const was = streamState.value;
      streamState.value = m.data.state;
      if (m.data.state === "open" && was === "waiting") arrive("again", null);
    }
    if (m.data.event) arrive(m.data.event, m.data.data ? JSON.parse(m.data.data) : null, m.data.at);
  };
  w.port.start();
  setInterval(() => { if (open) w.port.postMessage("beat"); }, 10000);
  addEventListener("pagehide", () => w.port.postMessage("bye"));
  addEventListener("pageshow", () => { if (open) w.port.postMessage("open"); });
  shared = true;
  return {
    open() { open = true; w.port.postMessage("open"); },
    close() { open = false; w.port.postMessage("close"); },
  };
}

function ownLine(): Line {
  let s: EventSource | null = null;
  let last = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wait_ms = 1000;
  let heard = 0;
  const names = ["hello", "beat", "alarm", "matter", "unit", "site", "system", "map", "fix", "reset", "bye"];
  function open(): void {
    if (s) return;
    const src = new EventSource("/api/v1/events" + (last ? `?since=${encodeURIComponent(last)}` : ""));
    s = src;
    heard = Date.now();
    streamState.value = "waiting";
    src.onopen = () => { heard = Date.now(); wait_ms = 1000; streamState.value = "open"; arrive("again", null); };
    src.onerror = () => {
      if (s !== src) return;
      streamState.value = "waiting";
      if (src.readyState === EventSource.CLOSED) later();
    };
    for (const name of names) {
      src.addEventListener(name, (e) => {
        const m = e as MessageEvent<string>;
        if (s !== src) return;
        heard = Date.now();
        if (m.lastEventId) last = m.lastEventId;
        arrive(name, m.data ? JSON.parse(m.data) : null);
        if (name === "bye") { if (goesOn(m.data)) later(); else close(); }
      });
    }
  }
  function later(): void {
    s?.close();
    s = null;
    clearTimeout(timer);
    timer = setTimeout(open, wait_ms);
    wait_ms = Math.min(wait_ms * 2, 15000);
    streamState.value = "waiting";
  }
  function close(): void {
    clearTimeout(timer);
    s?.close();
    s = null;
    streamState.value = "closed";
  }
  // As in the worker: nothing for 35 s is a dead line.
  setInterval(() => {
    if (!s || Date.now() - heard < 35000) return;
    s.close();
    s = null;
    open();
  }, 2500);
  return { open, close };
}

export function openStream(): void {
  if (!line) {
    const url = document.querySelector<HTMLMetaElement>('meta[name="stream"]')?.content;
    try {
      line = typeof SharedWorker === "function" && url ? sharedLine(url) : ownLine();
    } catch {
      line = ownLine();
    }
  }
  line.open();
}
export function closeStream(): void {
  line?.close();
}
