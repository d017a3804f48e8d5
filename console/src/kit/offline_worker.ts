// SPDX-License-Identifier: Apache-2.0
// offline_worker.ts - service worker of the phone page: the shell opens without a network.
//
// Only files of the console are kept; nothing of /api ever is. A new build has a new TAG.
declare const SHELL: string[];
declare const TAG: string;

interface Waiting extends Event { waitUntil(p: Promise<unknown>): void }
interface Fetching extends Event { request: Request; respondWith(p: Promise<Response>): void }
const sw = self as unknown as {
  addEventListener(name: string, f: (e: never) => void): void;
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
};
const NAME = `tongqu-${TAG}`;

sw.addEventListener("install", (e: Waiting) => {
  e.waitUntil(caches.open(NAME).then((c) => c.addAll(SHELL)).then(() => sw.skipWaiting()));
});
sw.addEventListener("activate", (e: Waiting) => {
  e.waitUntil(caches.keys()
    .then((names) => Promise.all(names.filter((n) => n !== NAME).map((n) => caches.delete(n))))
    .then(() => sw.clients.claim()));
});
sw.addEventListener("fetch", (e: Fetching) => {
  const url = new URL(e.request.url);
  if (e.request.method !== "GET" || url.origin !== location.origin || url.pathname.startsWith("/api/")) return;
  if (url.pathname.startsWith("/a/")) {
    e.respondWith(caches.match(e.request).then((hit) => hit ?? fetch(e.request)));
  } else if (url.pathname === "/m") {
    // Newest from the network, the kept one without it.
    e.respondWith(fetch(e.request).then((r) => {
      if (r.ok) {
        const copy = r.clone();
        void caches.open(NAME).then((c) => c.put("/m", copy));
      }
      return r;
    }).catch(() => caches.match("/m").then((hit) => hit ?? Response.error())));
  }
});
