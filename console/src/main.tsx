// SPDX-License-Identifier: Apache-2.0
// main.tsx - one program, three faces: desk (/), wall (/wall), phone (/m).
import { effect } from "@preact/signals";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { pages } from "pages:registry";
import { loadBoard } from "./kit/city";
import { lang, t } from "./kit/i18n";
import { arrived } from "./kit/idle";
import { face, route } from "./kit/route";
import { door, leave, may, meta, resume } from "./kit/session";
import { closeStream, on, openStream } from "./kit/stream";
import "./kit/theme";
import type { Page } from "./kit/page";
import { Failed } from "./parts/bits";
import { Frame } from "./parts/frame";
import { Door } from "./parts/door";

export function allowed(p: Page): boolean {
  return p.needs.length === 0 || p.needs.some(may);
}

function Down() {
  useEffect(() => {
    const h = setInterval(() => void resume(), 3000);
    return () => clearInterval(h);
  }, []);
  return <main class="center"><Failed what={t("error.down")} again={() => void resume()} /></main>;
}

function App() {
  const d = door.value;
  void lang.value;
  if (d === "asking") return <main class="center" aria-busy="true"><h1 class="off">{t("app")}</h1></main>;
  if (d === "down") return <Down />;
  if (d !== "in") return <Door change={d === "change"} />;
  const here = pages.filter((p) => p.face === face && allowed(p)).sort((a, b) => (a.place || 99) - (b.place || 99));
  const page = here.find((p) => p.name === route.value.name) ?? here[0];
  if (!page) return <main class="center"><Failed what={t("error.no_page")} /></main>;
  const View = page.view;
  return face === "desk" ? <Frame pages={here} page={page}><View key={page.name} /></Frame> : <View key={page.name} />;
}

effect(() => {
  if (door.value === "in") {
    arrived();
    openStream();
  }
  else if (door.value === "out") closeStream();
});
effect(() => {
  const p = pages.find((x) => x.face === face && x.name === route.value.name);
  document.title = `${p ? t(p.title) + " · " : ""}${t("app")}`;
});
on<{ reason: string } | null>("bye", (b) => {
  if (b?.reason === "signed_out" || b?.reason === "expired" || b?.reason === "role_changed") {
    leave();
    void resume();
  }
});
setInterval(() => { if (door.value === "in" && may("GET /board") && document.visibilityState === "visible") void loadBoard(); }, 10000);
effect(() => { if (door.value === "in" && meta.value && may("GET /board")) void loadBoard(); });

if (face === "phone" && "serviceWorker" in navigator) void navigator.serviceWorker.register("/sw.js").catch(() => undefined);
render(<App />, document.getElementById("app")!);
void resume();
