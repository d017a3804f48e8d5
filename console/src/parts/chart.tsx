// SPDX-License-Identifier: Apache-2.0
// chart.tsx - a chart as a pane: loaded lazily, drawn in the colours of the theme, described in words.
import { useEffect, useRef, useState } from "preact/hooks";
import { lang, t } from "../kit/i18n";
import { scale, theme } from "../kit/theme";
import type { ChartHandle, FlowChart } from "./chartdraw";

export function Chart({ data, label }: { data: FlowChart; label: string }) {
  const el = useRef<HTMLDivElement>(null);
  const chart = useRef<ChartHandle | null>(null);
  const [bad, setBad] = useState(false);
  const now = useRef(data);
  now.current = data;
  useEffect(() => {
    let gone = false;
    import("./chartdraw").then((m) => {
      if (gone || !el.current) return;
      chart.current = m.draw(el.current, lang.value, now.current);
    }, () => setBad(true));
    const o = new ResizeObserver(() => chart.current?.resize());
    o.observe(el.current!);
    return () => {
      gone = true;
      o.disconnect();
      chart.current?.drop();
      chart.current = null;
    };
  }, [theme.value, lang.value, scale.value]);
  useEffect(() => { chart.current?.set(data); }, [data]);
  return bad ? <p class="dim">{t("chart.bad")}</p> : <div ref={el} class="chart" role="img" aria-label={label} />;
}

/** A trend of a few values, drawn with SVG: zero at the foot, the last value marked, what is usual dashed. */
export function Spark({ values, usual = [], label }: { values: (number | null)[]; usual?: (number | null)[]; label: string }) {
  const got = [...values, ...usual].filter((v): v is number => v !== null);
  const top = Math.max(1e-9, ...got);
  const x = (i: number) => values.length < 2 ? 50 : 2 + (i / (values.length - 1)) * 94;
  const y = (v: number) => 26 - (v / top) * 23;
  const draw = (row: (number | null)[]) => {
    let path = "", pen = false;
    row.forEach((v, i) => {
      if (v === null) { pen = false; return; }
      path += `${pen ? "L" : "M"}${x(i).toFixed(1)} ${y(v).toFixed(1)}`;
      pen = true;
    });
    return path;
  };
  const last = values.length - 1;
  const end = values[last];
  return (
    <svg class="spark" viewBox="0 0 100 28" preserveAspectRatio="none" role="img" aria-label={label}>
      <path d="M0 27H100" class="spark-zero" vector-effect="non-scaling-stroke" />
      {usual.length > 1 && <path d={draw(usual)} class="spark-usual" vector-effect="non-scaling-stroke" fill="none" />}
      <path d={draw(values)} class="spark-line" vector-effect="non-scaling-stroke" fill="none" />
      {end != null && <path d={`M${x(last)} ${y(end)}l0 0.01`} class="spark-end" vector-effect="non-scaling-stroke" />}
    </svg>
  );
}
