// SPDX-License-Identifier: Apache-2.0
// chartdraw.ts - the drawing of charts (ECharts, only what we use); loaded only when one is shown.
import { BarChart, LineChart } from "echarts/charts";
import { DataZoomInsideComponent, GridComponent, LegendComponent, MarkAreaComponent, TooltipComponent } from "echarts/components";
import { init, registerLocale, use, type EChartsCoreOption } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import langEN from "echarts/lib/i18n/langEN.js";
import langZH from "echarts/lib/i18n/langZH.js";
import { clockTime, day, shortTime } from "../kit/time";
import { colour, scale } from "../kit/theme";

use([BarChart, LineChart, GridComponent, TooltipComponent, LegendComponent, MarkAreaComponent, DataZoomInsideComponent, CanvasRenderer]);
registerLocale("zh", langZH as never);
registerLocale("en", langEN as never);

/** Bars over time, with up to one line on a second axis; grey areas mark missing data. */
export interface FlowChart {
  times: number[];
  bars: { name: string; colour: string; values: (number | null)[] }[];
  line?: { name: string; values: (number | null)[]; unit: string };
  /** What is usual, on the axis of the bars. */
  usual?: { name: string; values: (number | null)[] };
  unit: string; time_axis: string; missing: [number, number][]; missing_label: string;
}
export interface ChartHandle { set(data: FlowChart): void; resize(): void; drop(): void }

function option(d: FlowChart): EChartsCoreOption {
  const text = colour("text"), dim = colour("dim"), rule = colour("rule"), panel = colour("panel");
  const k = scale.value, fontSize = 12 * k;
  const axis = { axisLine: { lineStyle: { color: dim } }, axisLabel: { color: dim, fontSize }, splitLine: { lineStyle: { color: rule } }, nameTextStyle: { color: dim, fontSize } };
  return {
    animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, fontSize },
    // The legend stands above the names of the two axes.
    grid: { left: 52 * k, right: (d.line ? 52 : 20) * k, top: 56 * k, bottom: 44 * k },
    legend: { top: 0, type: "plain", itemGap: 10 * k, textStyle: { color: text, fontSize }, itemWidth: 14 * k, itemHeight: 10 * k, icon: "rect" },
    // richText: the tooltip is drawn on the canvas, so the page needs no inline style.
    tooltip: { trigger: "axis", renderMode: "richText", backgroundColor: panel, borderColor: rule, textStyle: { color: text, fontSize },
      formatter: (rows: { value: [number, number | null]; seriesName: string }[]) => {
        const at = rows[0]?.value[0];
        return at === undefined ? "" : [`${day(at)} ${clockTime(at)}`, ...rows.map((r) => `${r.seriesName}  ${r.value[1] ?? "—"}`)].join("\n");
      } },
    dataZoom: [{ type: "inside", filterMode: "none" }],
    xAxis: { type: "time", name: d.time_axis, nameLocation: "middle", nameGap: 26 * k, ...axis, splitLine: { show: false },
      axisLabel: { color: dim, fontSize, hideOverlap: true, formatter: (v: number) => shortTime(v) === "00:00" ? day(v) : shortTime(v) } },
    yAxis: [
      { type: "value", min: 0, name: d.unit, ...axis },
      ...(d.line ? [{ type: "value", min: 0, name: d.line.unit, ...axis, splitLine: { show: false } }] : []),
    ],
    series: [
      ...d.bars.map((b, i) => ({
        type: "bar", stack: "n", name: b.name, large: true, barCategoryGap: "10%", itemStyle: { color: colour(b.colour) },
        data: b.values.map((v, j) => [d.times[j], v]),
        ...(i === 0 ? { markArea: { silent: true, itemStyle: { color: dim, opacity: 0.22 }, label: { color: text, fontSize, position: "insideTop" },
          data: d.missing.map(([a, z]) => [{ xAxis: a, name: d.missing_label }, { xAxis: z }]) } } : {}),
      })),
      ...(d.usual ? [{ type: "line", step: "middle", name: d.usual.name, showSymbol: false, connectNulls: false, z: 3,
        lineStyle: { width: 1.6, type: "dashed", color: text }, itemStyle: { color: text }, data: d.usual.values.map((v, j) => [d.times[j], v]) }] : []),
      ...(d.line ? [{ type: "line", yAxisIndex: 1, name: d.line.name, symbolSize: 4,
        // Lonely values would draw no line at all.
        showSymbol: d.line.values.filter((v) => v !== null).length < 100, connectNulls: false, lineStyle: { width: 1.6, color: colour("select") },
        itemStyle: { color: colour("select") }, data: d.line.values.map((v, j) => [d.times[j], v]) }] : []),
    ],
  };
}

export function draw(el: HTMLElement, lang: string, data: FlowChart): ChartHandle {
  const c = init(el, null, { locale: lang, renderer: "canvas" });
  c.setOption(option(data));
  return {
    set: (d) => c.setOption(option(d), true),
    resize: () => c.resize(),
    drop: () => c.dispose(),
  };
}
