// SPDX-License-Identifier: Apache-2.0
// wall.tsx - 3840x2160, read from eight metres, touched by nobody: nothing scrolls, nothing hides behind a hover.
import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { alarms, board, boardError, queue, sites, units } from "../kit/city";
import { t, tx } from "../kit/i18n";
import { useKeys } from "../kit/keys";
import { counted, useLive } from "../kit/live";
import { reachable } from "../kit/api";
import { may, meta, ruleText, stateText } from "../kit/session";
import { setTheme, theme } from "../kit/theme";
import { lang, setLang } from "../kit/i18n";
import { ago, clockTime, day, duration, now, shortTime } from "../kit/time";
import { streamBeat, streamState } from "../kit/stream";
import { AsOf, LevelSign, PlateSign } from "../parts/bits";
import { ClockBar } from "../parts/clockbar";
import { Icon } from "../parts/icon";
import { Call, Link } from "../parts/frame";
import { MapPane } from "../parts/map";
import { Measures } from "./live";
import type { Level } from "../kit/model";

/** As many whole rows as fit: a row that is cut off would be worse than one that is counted. */
function useFit(rows: number): [RefObject<HTMLElement | null>, number] {
  const box = useRef<HTMLElement>(null);
  const [n, setN] = useState(4);
  useLayoutEffect(() => {
    const el = box.current!;
    const fit = () => {
      const row = el.querySelector<HTMLElement>(".wall-alarm");
      if (!row) return;
      const gap = parseFloat(getComputedStyle(el).rowGap) || 0;
      const left = el.clientHeight - row.offsetTop - gap;
      const all = Math.floor((left + gap) / (row.offsetHeight + gap));
      setN(Math.max(1, all));
    };
    fit();
    const o = new ResizeObserver(fit);
    o.observe(el);
    return () => o.disconnect();
  }, [rows > 0]);
  return [box, n];
}

function View() {
  useLive(sites, ...(may("GET /units") ? [units] : []), ...(may("GET /alarms") ? [alarms] : []));
  useKeys([
    { key: "t", label: "", run: () => setTheme(theme.value === "night" ? "day" : "night") },
    { key: "c", label: "", run: () => setLang(lang.value === "zh" ? "en" : "zh") },
  ]);
  const q = queue.value;
  const [box, shown] = useFit(q.length);
  const levels: Level[] = ["red", "orange", "yellow", "blue"];
  const silent = streamState.value !== "open";
  const changes = board.value?.changes.slice(0, 6) ?? [];
  return (
    <main class="wall">
      <header class="wall-top">
        <h1>{t("app")} <span class="dim">{tx(meta.value?.city)}</span></h1>
        <div class="wall-levels">{levels.map((l) => <span key={l} class={`wall-level level-${l}`}><LevelSign level={l} /> <b class="num">{counted(alarms, q.filter((a) => a.level === l).length)}</b></span>)}</div>
        <Call />
        <span class="grow" />
        <Link />
        <time class="num wall-time"><b>{clockTime(now.value)}</b> <span class="dim">{day(now.value)}</span></time>
      </header>
      {(silent || !reachable.value) && <p class="wall-stale" role="alert"><Icon name="warn" /> {t("wall.stale", { x: streamBeat.value ? duration(now.value - streamBeat.value) : "—" })}</p>}
      <section class="wall-map" aria-label={t("live.map")}>
        <MapPane label={t("live.map")} big={0.88} quiet sites={sites.rows.value} units={units.rows.value} alarms={q} />
        <div class="legend" aria-hidden="true"><span>● {t("live.legend_site")}</span><span>○ {t("live.legend_odd")}</span><span>× {t("live.legend_off")}</span><span>▬ {t("live.legend_unit")}</span></div>
      </section>
      <section ref={box} class="wall-queue" aria-label={t("alarm.queue")}>
        <h2>{t("alarm.open")} <b class="num">{counted(alarms, q.length)}</b><span class="grow" />{q.length > shown && <span class="wall-more">{t("wall.more", { n: q.length - shown })}</span>}</h2>
        {q.slice(0, shown).map((a) => (
          <div key={a.id} class={`wall-alarm edge-${a.level}`}>
            <div class="wall-alarm-line"><LevelSign level={a.level} /> <b>{ruleText(a.kind)}</b> <PlateSign plate={a.plate} color={a.plate_color} /><span class="grow" /><span class="dim num">{ago(a.time_ms)}</span></div>
            <div class="wall-alarm-line dim"><span class="cut">{a.site?.name ?? "—"}</span><span class="grow" />{a.matter && <span>{stateText(a.matter.kind, a.matter.state)}</span>}{a.matter?.owner?.text && <span>{a.matter.owner.text}</span>}</div>
            {a.matter?.clock && <ClockBar clock={a.matter.clock} />}
          </div>
        ))}
        {!q.length && <p class="blank dim">{t(alarms.status.value === "error" ? "wall.no_rows" : "alarm.empty")}</p>}
      </section>
      <section class="wall-measures" aria-label={t("wall.measures")}><Measures big />{board.value && <AsOf ms={board.value.as_of_ms} />}{boardError.value && <p class="worn">{boardError.value}</p>}</section>
      <section class="wall-changes" aria-label={t("wall.changes")}>
        <h2>{t("wall.changes")}</h2>
        {changes.length ? <ul>{changes.map((c, i) => <li key={i}><span class="num dim">{shortTime(c.at_ms)}</span> <LevelSign level={c.level} word={false} /> <span class="cut">{tx(c.text)}</span></li>)}</ul> : <p class="dim">{t("wall.quiet")}</p>}
      </section>
    </main>
  );
}

export const page = { name: "wall", face: "wall" as const, title: "rail.wall", icon: "board", place: 0, key: "", needs: ["GET /alarms"], view: View };
