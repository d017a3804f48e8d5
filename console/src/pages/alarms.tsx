// SPDX-License-Identifier: Apache-2.0
// alarms.tsx - the queue and the card. The queue cannot be lost: it is the page, not a pop-up.
import { signal } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import { get, query, sentence } from "../kit/api";
import { alarms, queue } from "../kit/city";
import { t } from "../kit/i18n";
import { useKeys } from "../kit/keys";
import { counted, useLive } from "../kit/live";
import type { Alarm, List } from "../kit/model";
import { go, route } from "../kit/route";
import { meta, ruleText, stateText } from "../kit/session";
import { ago, num } from "../kit/time";
import { Empty, Failed, LevelSign, Loading, PlateSign, Worn, likelyWord } from "../parts/bits";
import { AlarmCard } from "../parts/card";
import { ClockBar } from "../parts/clockbar";
import { Grid } from "../parts/grid";

const chosen = signal("");
const kind = signal("");
const tab = signal<"open" | "closed">("open");

export function QueueRow({ a }: { a: Alarm }) {
  return (
    <div class="qrow">
      <div class="qrow-line"><LevelSign level={a.level} /> <b>{ruleText(a.kind)}</b> <span class="grow" /> <PlateSign plate={a.plate} color={a.plate_color} /></div>
      <div class="qrow-line dim"><span class="cut">{a.site?.name ?? "—"}</span><span class="grow" /><span>{likelyWord(a.probability)} <b class="num">{num(a.probability, 2)}</b></span> <span class="num">{ago(a.time_ms)}</span></div>
      {a.matter?.clock ? <ClockBar clock={a.matter.clock} /> : <div class="qrow-line dim">{a.matter ? stateText(a.matter.kind, a.matter.state) : t("alarm.no_matter")}</div>}
    </div>
  );
}

function Closed({ onRows }: { onRows: (rows: Alarm[]) => void }) {
  const [error, setError] = useState("");
  const load = () => {
    get<List<Alarm>>("/alarms" + query({ state: "closed", limit: 500 })).then((l) => { onRows(l.items); setError(""); }, (e: unknown) => setError(sentence(e)));
  };
  useEffect(load, []);
  return error ? <Failed what={error} again={load} /> : null;
}

function View() {
  useLive(alarms);
  const [closed, setClosed] = useState<Alarm[] | null>(null);
  const all = tab.value === "open" ? queue.value : closed ?? [];
  const rows = useMemo(() => (kind.value ? all.filter((a) => a.kind === kind.value) : all), [all, kind.value]);
  const open = route.value.id;
  useEffect(() => { if (open) chosen.value = open; }, [open]);
  useEffect(() => {
    // The one we stood on has gone (closed): stand on what took its place.
    if (!rows.length) return;
    if (!rows.some((a) => a.id === chosen.value) && !open) chosen.value = rows[0]!.id;
  }, [rows, open]);

  const step = (d: number) => {
    if (!rows.length) return;
    const i = rows.findIndex((a) => a.id === chosen.value);
    chosen.value = rows[i < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, i + d))]!.id;
  };
  useKeys([
    { key: "j", label: t("key.next"), run: () => step(1) },
    { key: "k", label: t("key.prev"), run: () => step(-1) },
    { key: "enter", label: t("key.open"), run: () => { if (chosen.value) go("alarms", chosen.value); } },
    { key: "escape", label: t("key.back"), run: () => go("alarms") },
  ]);
  const kinds = meta.value?.rules ?? [];
  const count = (k: string) => all.reduce((n, a) => n + (a.kind === k ? 1 : 0), 0);
  const status = alarms.status.value;

  return (
    <div class="split split-queue">
      <section class="pane" aria-label={t("alarm.queue")}>
        <div class="pane-head">
          <div class="tabs" role="group" aria-label={t("alarm.which")}>
            <button aria-pressed={tab.value === "open"} onClick={() => { tab.value = "open"; }}>{t("alarm.open")} <span class="num">{counted(alarms, queue.value.length)}</span></button>
            <button aria-pressed={tab.value === "closed"} onClick={() => { tab.value = "closed"; setClosed(null); }}>{t("alarm.closed")}</button>
          </div>
          <select aria-label={t("alarm.kind")} value={kind.value} onChange={(e) => { kind.value = e.currentTarget.value; }}>
            <option value="">{t("alarm.every_kind")}</option>
            {kinds.map((r) => <option key={r.name} value={r.name}>{ruleText(r.name)} ({count(r.name)})</option>)}
          </select>
        </div>
        {tab.value === "closed" && <Closed key={closed ? 1 : 0} onRows={(r) => { if (!closed) setClosed(r); }} />}
        {tab.value === "open" && status === "error" && rows.length > 0 && <Worn error={alarms.error.value} again={() => void alarms.load()} />}
        {tab.value === "open" && status === "error" && !rows.length ? <Failed what={alarms.error.value} again={() => void alarms.load()} />
          : (tab.value === "open" ? status === "loading" || status === "idle" : closed === null) && !rows.length ? <Loading />
          : rows.length === 0 ? <Empty title={t(tab.value === "open" ? "alarm.empty" : "alarm.empty_closed")} hint={t("alarm.empty_hint")} />
          : (
            <Grid label={t("alarm.queue")} rows={rows} id={(a) => a.id} selected={chosen.value} height={84}
              onSelect={(a) => { chosen.value = a.id; go("alarms", a.id); }} rowClass={(a) => `edge-${a.level}${a.id === open ? " open" : ""}`}
              columns={[{ key: "row", head: t("alarm.order"), width: "1fr", cell: (a) => <QueueRow a={a} /> }]}
              as_of={alarms.as_of.value} />
          )}
      </section>
      <section class="pane pane-card" aria-label={t("alarm.card")}>
        {open ? <AlarmCard key={open} id={open} /> : <Empty title={t("alarm.choose")} hint={t("alarm.choose_hint")} />}
      </section>
    </div>
  );
}

export const page = { name: "alarms", face: "desk" as const, title: "rail.alarms", icon: "bell", place: 2, key: "a", needs: ["GET /alarms"], view: View };
