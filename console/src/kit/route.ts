// SPDX-License-Identifier: Apache-2.0
// route.ts - where we are: the face by path (/, /wall, /m), the page by hash (#/alarms/ID?a=b).
import { signal } from "@preact/signals";

export type Face = "desk" | "wall" | "phone";
export interface Route { name: string; id: string; query: Record<string, string> }

export const face: Face = location.pathname.startsWith("/wall") ? "wall" : location.pathname === "/m" || location.pathname.startsWith("/m/") ? "phone" : "desk";

function read(): Route {
  const [path = "", q = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name = "", ...rest] = path.split("/");
  return { name: decodeURIComponent(name), id: decodeURIComponent(rest.join("/")), query: Object.fromEntries(new URLSearchParams(q)) };
}

export const route = signal<Route>(read());
addEventListener("hashchange", () => { route.value = read(); });

export function href(name: string, id = "", query: Record<string, string> = {}): string {
  const q = new URLSearchParams(query).toString();
  return `#/${name}${id ? "/" + encodeURIComponent(id) : ""}${q ? "?" + q : ""}`;
}
export function go(name: string, id = "", query: Record<string, string> = {}, replace = false): void {
  const h = href(name, id, query);
  if (replace) {
    history.replaceState(null, "", h);
    route.value = read();
  } else if (location.hash !== h) {
    location.hash = h;
  }
}
