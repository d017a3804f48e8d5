// SPDX-License-Identifier: Apache-2.0
// grid.tsx - a table of any length: only the rows in sight exist. Sortable, exportable. Where it is too narrow for
// its columns each row is a card: its name, then the other columns with their heads.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { saveCsv } from "../kit/csv";
import { t } from "../kit/i18n";
import { scale } from "../kit/theme";
import { now, num } from "../kit/time";
import { AsOf } from "./bits";
import { Icon } from "./icon";

export interface Column<T> {
  key: string; head: string; width: string; align?: "right";
  cell: (row: T) => ComponentChildren;
  /** Sorting value; a column without it is not sortable. */
  sort?: (row: T) => string | number | null;
  /** Text in the exported file; a column without it is not exported. */
  text?: (row: T) => string;
  /** What the filter looks into when it is not the exported text: a time as it is shown. */
  find?: (row: T) => string;
  /** In the exported file only. */
  file?: boolean;
  /** The name of a card; else the first column that grows. */
  lead?: boolean;
}

/** Rows kept ready above and below those in sight. */
const OVER = 4;

interface Props<T> {
  label: string; rows: T[]; columns: Column<T>[]; id: (row: T) => string; selected?: string | null;
  onSelect?: (row: T) => void; onOpen?: (row: T) => void; height?: number; exportName?: string; exportMark?: string; start?: { key: string; down: boolean };
  rowClass?: (row: T) => string; foot?: ComponentChildren;
  /** When the rows were true; they look old once they are older than a minute (or stale_ms). */
  as_of?: number; stale_ms?: number;
  /** Is given the rows as they stand, so that a page's j and k follow the eye. */
  order?: { current: T[] };
  /** Offers a box that keeps the rows holding every word typed; the count, the keys and the file follow it. */
  filter?: boolean;
}

/** The columns of a card: the one that names it, then the others, half a line or, the wide ones, a whole one each. */
function cardOf<T>(columns: Column<T>[]): { lead: Column<T>; rest: [Column<T>, boolean][]; lines: number } {
  const lead = columns.find((c) => c.lead) ?? columns.find((c) => /fr/.test(c.width)) ?? columns[0]!;
  const rest = columns.filter((c) => c !== lead).map((c): [Column<T>, boolean] => [c, /fr/.test(c.width) || parseFloat(c.width) > 130]);
  let lines = 1, half = false;
  for (const [, whole] of rest) {
    if (whole || !half) lines++;
    half = !whole && !half;
  }
  return { lead, rest, lines };
}

export function Grid<T>(p: Props<T>) {
  const k = scale.value;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [[wide, tall], setSize] = useState([9999, 600]);
  const [order, setOrder] = useState(p.start ?? null);
  const [wanted, want] = useState("");
  const name = useId();
  const seen = p.columns.filter((c) => !c.file);
  const template = seen.map((c) => c.width.replace(/([\d.]+)px/g, (_, n: string) => `${Number(n) / 16}rem`)).join(" ");
  // Narrower than this the table scrolls sideways, and much narrower it is cards: a name of six characters is the least.
  const least_px = k * seen.reduce((n, c) => n + (/fr/.test(c.width) ? Math.max(96, Number(/^minmax\((\d+)px/.exec(c.width)?.[1] ?? 0)) : parseFloat(c.width) || 0), 0);
  const least = `${least_px}px`;
  const card = seen.length > 1 && wide < 560 * k && wide < least_px + 48 * k ? cardOf(seen) : null;
  const row_px = k * (card ? 12 + 25 * card.lines : p.height ?? 34);

  const sorted = useMemo(() => {
    const col = order && p.columns.find((c) => c.key === order.key);
    if (!col?.sort) return p.rows;
    const by = col.sort, sign = order!.down ? -1 : 1;
    return p.rows.map((r, i) => [by(r), i, r] as const).sort((a, b) => {
      if (a[0] === b[0]) return a[1] - b[1];
      if (a[0] === null) return 1;
      if (b[0] === null) return -1;
      return (a[0] < b[0] ? -1 : 1) * sign;
    }).map((x) => x[2]);
  }, [p.rows, order, p.columns.length]);

  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  // What each row says is put together once, when somebody first filters.
  const said = useMemo(() => (words.length ? new Map(p.rows.map((r) => [r, p.columns.map((c) => (c.find ?? c.text)?.(r) ?? "").join("\n").toLowerCase()])) : null), [p.rows, p.columns, words.length > 0]);
  const rows = useMemo(() => (said ? sorted.filter((r) => words.every((w) => said.get(r)!.includes(w))) : sorted), [sorted, said, wanted]);

  if (p.order) p.order.current = rows;

  useLayoutEffect(() => {
    const el = box.current!;
    const see = () => setSize((old) => (old[0] === el.clientWidth && old[1] === el.clientHeight ? old : [el.clientWidth, el.clientHeight]));
    see();
    const o = new ResizeObserver(see);
    o.observe(el);
    return () => o.disconnect();
  }, []);

  useEffect(() => {
    if (!p.selected || !box.current) return;
    const i = rows.findIndex((r) => p.id(r) === p.selected);
    if (i < 0) return;
    const el = box.current, y = i * row_px, head = el.querySelector<HTMLElement>(".grid-head")?.offsetHeight ?? 0;
    if (y < el.scrollTop) el.scrollTop = y;
    else if (y + row_px > el.scrollTop + el.clientHeight - head) el.scrollTop = y + row_px - el.clientHeight + head;
  }, [p.selected, rows, row_px]);

  const first = Math.max(0, Math.floor(top / row_px) - OVER);
  const last = Math.min(rows.length, Math.ceil((top + tall) / row_px) + OVER);
  // Rows that leave at one end come in again at the other: the same elements with other words.
  const pool = Math.max(1, Math.ceil(tall / row_px) + 2 * OVER + 2);
  const shown: ComponentChildren[] = [];
  for (let i = first; i < last; i++) {
    const r = rows[i]!;
    const id = p.id(r);
    shown.push(
      <div key={i % pool} id={`${name}-${i}`} role="row" aria-rowindex={i + 2} aria-selected={p.onSelect ? id === p.selected : undefined}
        class={`grid-row${id === p.selected ? " on" : ""}${p.onSelect ? " can" : ""}${card ? " grid-card" : ""} ${p.rowClass?.(r) ?? ""}`}
        style={{ ...(card ? {} : { gridTemplateColumns: template }), height: `${row_px}px`, transform: `translateY(${i * row_px}px)` }}
        onClick={() => p.onSelect?.(r)} onDblClick={() => p.onOpen?.(r)}>
        {card ? <>
          <div key={card.lead.key} role="gridcell" class="cell cell-lead">{card.lead.cell(r)}</div>
          {card.rest.map(([c, whole]) => <div key={c.key} role="gridcell" class={whole ? "cell cell-whole" : "cell"}><span class="cell-head">{c.head}</span><span class={c.align === "right" ? "cut num" : "cut"}>{c.cell(r)}</span></div>)}
        </> : seen.map((c) => <div key={c.key} role="gridcell" class={c.align === "right" ? "cell num right" : "cell"}>{c.cell(r)}</div>)}
      </div>,
    );
  }
  const on = useMemo(() => (p.selected ? rows.findIndex((r) => p.id(r) === p.selected) : -1), [p.selected, rows]);
  const stand = (i: number) => { if (p.onSelect && rows.length) p.onSelect(rows[Math.max(0, Math.min(rows.length - 1, i))]!); };
  const step = (d: number) => stand(on < 0 ? 0 : on + d);
  const page = Math.max(1, Math.floor((tall - 34 * k) / row_px) - 1);
  const moves: Record<string, () => void> = { ArrowDown: () => step(1), ArrowUp: () => step(-1), PageDown: () => step(page), PageUp: () => step(-page), Home: () => stand(0), End: () => stand(rows.length - 1) };
  const sorts = seen.filter((c) => c.sort);
  const sortBy = (c: Column<T>) => setOrder(order?.key === c.key ? { key: c.key, down: !order.down } : { key: c.key, down: c.align === "right" });

  return (
    <div class={p.as_of && now.value - p.as_of > (p.stale_ms ?? 60000) ? "grid-wrap stale" : "grid-wrap"}>
      <div ref={box} class="grid" role="grid" aria-label={p.label} aria-rowcount={rows.length + 1} tabIndex={0} aria-activedescendant={on >= first && on < last ? `${name}-${on}` : undefined}
        onScroll={(e) => setTop(e.currentTarget.scrollTop)}
        onMouseOver={(e) => {
          // What is cut off is said in full.
          const c = (e.target as HTMLElement).closest<HTMLElement>(".cell, .cell .cut");
          if (c?.dataset["cut"] && c.dataset["cut"] !== c.innerText) { c.title = ""; delete c.dataset["cut"]; }
          if (c && !c.title && !c.querySelector("[title]") && [c, ...c.children].some((x) => x.scrollWidth > x.clientWidth)) c.dataset["cut"] = c.title = c.innerText;
        }}
        onKeyDown={(e) => {
          const go = p.onSelect && !(e.target as HTMLElement).closest("select, input") ? moves[e.key] : undefined;
          if (go && !e.ctrlKey && !e.altKey) { e.preventDefault(); go(); }
          if (e.key === "Enter" && e.target === e.currentTarget) {
            const r = rows.find((x) => p.id(x) === p.selected);
            if (r && p.onOpen) { e.preventDefault(); p.onOpen(r); }
          }
        }}>
        {card ? (
          <div class="grid-head grid-sort" role="row" aria-rowindex={1}><div role="columnheader" class="cell line">
            {sorts.length > 0 && <>
              <select aria-label={t("grid.sort")} value={order?.key ?? ""} onChange={(e) => { const c = sorts.find((x) => x.key === e.currentTarget.value); if (c) sortBy(c); }}>
                {!order && <option value="">{t("grid.as_come")}</option>}{sorts.map((c) => <option key={c.key} value={c.key}>{t("grid.by", { what: c.head })}</option>)}</select>
              {order && <button class="small" aria-label={t(order.down ? "grid.down" : "grid.up")} title={t(order.down ? "grid.down" : "grid.up")} onClick={() => setOrder({ ...order, down: !order.down })}>{order.down ? "▾" : "▴"}</button>}
            </>}
          </div></div>
        ) : <div class="grid-head" role="row" aria-rowindex={1} style={{ gridTemplateColumns: template, minWidth: least }}>
          {seen.map((c) => (
            <div key={c.key} role="columnheader" class={c.align === "right" ? "cell right" : "cell"}
              aria-sort={order?.key === c.key ? (order.down ? "descending" : "ascending") : undefined}>
              {c.sort
                ? <button class="head-button" onClick={() => sortBy(c)}>
                    {c.head}<span aria-hidden="true">{order?.key === c.key ? (order.down ? " ▾" : " ▴") : ""}</span>
                  </button>
                : c.head}
            </div>
          ))}
        </div>}
        {!rows.length && words.length > 0 && <p class="blank dim">{t("grid.none", { what: wanted })}</p>}
        <div role="rowgroup" class="grid-body" style={{ height: `${rows.length * row_px}px`, ...(card ? {} : { minWidth: least }) }}>{shown}</div>
      </div>
      <div class="grid-foot">
        <span class="num" role="status">{words.length ? t("grid.some", { n: num(rows.length), all: num(p.rows.length) }) : t("grid.rows", { n: num(rows.length) })}</span>
        {p.filter && <input class="grid-filter" type="search" value={wanted} placeholder={t("grid.filter")} aria-label={t("grid.filter")} maxLength={60} onInput={(e) => { want(e.currentTarget.value); if (box.current) box.current.scrollTop = 0; }} />}{p.as_of ? <AsOf ms={p.as_of} limit_ms={p.stale_ms ?? 60000} /> : null}{p.foot}
        {p.exportName && (
          <button class="small" disabled={!rows.length} onClick={() => {
            const cols = p.columns.filter((c) => c.text);
            saveCsv(p.exportName!, cols.map((c) => c.head), rows.map((r) => cols.map((c) => c.text!(r))), p.exportMark);
          }}><Icon name="save" size={16} /> {t("export")}</button>
        )}
      </div>
    </div>
  );
}
