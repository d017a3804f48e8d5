// SPDX-License-Identifier: Apache-2.0
// stream_worker.ts - the shared worker: one event stream for all tabs of the browser.
//
// A tab says {open} after sign-in, {close} on sign-out, {bye} when it goes, {beat} every 10 s.
// It hears {state}, {event, data, at}. Without tabs for 30 s the stream is closed.
// A line ends for good with the session; when the daemon goes (an upgrade), it is asked for until it is back.
// A line on which nothing comes is dead, whatever the browser thinks: the machine slept, or the network went
// without a word. Another is opened behind the last number.
import { goesOn } from "./bye";

const scope = self as unknown as { onconnect: (e: MessageEvent) => void };
const NAMES = ["hello", "beat", "alarm", "matter", "unit", "site", "system", "map", "fix", "reset", "bye"];
const ports = new Map<MessagePort, number>();
let source: EventSource | null = null;
let last = "";
let state = "closed";
let wait_ms = 1000;
let timer: ReturnType<typeof setTimeout> | undefined;
let hello: string | null = null;
let hello_at = 0;
/** When anything came last, or the line was asked for. */
let heard = 0;
const DEAD_MS = 35000;

function tell(m: unknown): void {
  for (const p of ports.keys()) p.postMessage(m);
}
function say(s: string): void {
  state = s;
  tell({ state });
}
function open(): void {
  clearTimeout(timer);
  if (source) return;
  const s = new EventSource("/api/v1/events" + (last ? `?since=${encodeURIComponent(last)}` : ""));
  source = s;
  heard = Date.now();
  say("waiting");
  s.onopen = () => { heard = Date.now(); wait_ms = 1000; say("open"); };
  s.onerror = () => {
    if (source !== s) return;
    // The browser tries again by itself unless the answer was an error; then we do, ever more slowly.
    say("waiting");
    if (s.readyState === EventSource.CLOSED) later();
  };
  for (const name of NAMES) {
    s.addEventListener(name, (e) => {
      const m = e as MessageEvent<string>;
      if (source !== s) return; // of a line that was given up
      heard = Date.now();
      if (m.lastEventId) last = m.lastEventId;
      if (name === "hello") { hello = m.data; hello_at = heard; }
      tell({ event: name, data: m.data, at: heard });
      if (name === "bye") { if (goesOn(m.data)) later(); else close(); }
    });
  }
}
function later(): void {
  source?.close();
  source = null;
  clearTimeout(timer);
  timer = setTimeout(open, wait_ms);
  wait_ms = Math.min(wait_ms * 2, 15000);
  say("waiting");
  tell({ event: "lost" });
}
function close(): void {
  clearTimeout(timer);
  source?.close();
  source = null;
  hello = null;
  say("closed");
}

scope.onconnect = (e: MessageEvent) => {
  const port = e.ports[0]!;
  ports.set(port, Date.now());
  port.onmessage = (m: MessageEvent<string>) => {
    const lost = !ports.has(port); // it was silent for long: the machine slept, or its tab
    ports.set(port, Date.now());
    if (m.data === "open" || (m.data === "beat" && lost)) {
      if (lost) port.postMessage({ state: "waiting" }); // what came meanwhile it has not heard
      open();
      port.postMessage({ state });
      if (hello) port.postMessage({ event: "hello", data: hello, at: hello_at });
    } else if (m.data === "close") {
      last = "";
      // The session ended in that tab: the others hear it as they would from the daemon.
      for (const p of ports.keys()) if (p !== port) p.postMessage({ event: "bye", data: '{"reason":"signed_out"}' });
      close();
    } else if (m.data === "bye") {
      ports.delete(port);
    }
  };
  port.start();
  port.postMessage({ state });
};

setInterval(() => {
  for (const [p, at] of ports) if (Date.now() - at > 90000) ports.delete(p);
  if (!ports.size && source) close();
}, 30000);

setInterval(() => {
  if (!source || Date.now() - heard < DEAD_MS) return;
  source.close();
  source = null;
  open();
}, 2500);
