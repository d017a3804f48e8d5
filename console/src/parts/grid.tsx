// SPDX-License-Identifier: Apache-2.0
// grid.tsx - a table of any length: only the rows in sight exist. Sortable, exportable.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { saveCsv } from "../kit/csv";
import { t } from "../kit/i18n";
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
  /** In the exported file only. */
  file?: boolean;
}

interface Props<T> {
  label: string; rows: T[]; columns: Column<T>[]; id: (row: T) => string; selected?: string | null;
  onSelect?: (row: T) => void; onOpen?: (row: T) => void; height?: number; exportName?: string; exportMark?: string; start?: { key: string; down: boolean };
  rowClass?: (row: T) => string; foot?: ComponentChildren;
  /** When the rows were true; they look old once they are older than a minute (or stale_ms). */
  as_of?: number; stale_ms?: number;
  /** Is given the rows as they stand, so that a page's j and k follow the eye. */
  order?: { current: T[] };
}

export function Grid<T>(p: Props<T>) {
  const row_px = p.height ?? 34;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [tall, setTall] = useState(600);
  const [order, setOrder] = useState(p.start ?? null);
  const seen = p.columns.filter((c) => !c.file);
  const template = seen.map((c) => c.width).join(" ");
  // Narrower than this the table scrolls sideways: a name of six characters is the least.
  const least = `${seen.reduce((n, c) => n + (/fr/.test(c.width) ? Math.max(96, Number(/^minmax\((\d+)px/.exec(c.width)?.[1] ?? 0)) : parseFloat(c.width) || 0), 0)}px`;

  const rows = useMemo(() => {
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

  if (p.order) p.order.current = rows;

  useLayoutEffect(() => {
    const el = box.current!;
    const see = () => setTall(el.clientHeight);
    see();
    const o = new ResizeObserver(see);
    o.observe(el);
    return () => o.disconnect();
  }, []);

  useEffect(() => {
    if (!p.selected || !box.current) return;
    const i = rows.findIndex((r) => p.id(r) === p.selected);
    if (i < 0) return;
    const el = box.current, y = i * row_px, head = 34;
    if (y < el.scrollTop) el.scrollTop = y;
    else if (y + row_px > el.scrollTop + el.clientHeight - head) el.scrollTop = y + row_px - el.clientHeight + head;
  }, [p.selected, rows === p.rows]);

  const first = Math.max(0, Math.floor(top / row_px) - 8);
  const last = Math.min(rows.length, Math.ceil((top + tall) / row_px) + 8);
  const shown: ComponentChildren[] = [];
  for (let i = first; i < last; i++) {
    const r = rows[i]!;
    const k = p.id(r);
    shown.push(
      <div key={k} role="row" aria-rowindex={i + 2} aria-selected={p.onSelect ? k === p.selected : undefined}
        class={`grid-row${k === p.selected ? " on" : ""}${p.onSelect ? " can" : ""} ${p.rowClass?.(r) ?? ""}`}
        style={{ gridTemplateColumns: template, height: `${row_px}px`, transform: `translateY(${i * row_px}px)` }}
        onClick={() => p.onSelect?.(r)} onDblClick={() => p.onOpen?.(r)}>
        {seen.map((c) => <div key={c.key} role="gridcell" class={c.align === "right" ? "cell num right" : "cell"}>{c.cell(r)}</div>)}
      </div>,
    );
  }
  const step = (d: number) => {
    if (!p.onSelect || !rows.length) return;
    const i = rows.findIndex((r) => p.id(r) === p.selected);
    p.onSelect(rows[Math.max(0, Math.min(rows.length - 1, i < 0 ? 0 : i + d))]!);
  };

  return (
    <div class={p.as_of && now.value - p.as_of > (p.stale_ms ?? 60000) ? "grid-wrap stale" : "grid-wrap"}>
      <div ref={box} class="grid" role="grid" aria-label={p.label} aria-rowcount={rows.length + 1} tabIndex={0}
        onScroll={(e) => setTop(e.currentTarget.scrollTop)}
        onKeyDown={(e) => {
          if (e.key === "ArrowDown") { e.preventDefault(); step(1); }
          if (e.key === "ArrowUp") { e.preventDefault(); step(-1); }
          if (e.key === "Enter" && e.target === e.currentTarget) {
            const r = rows.find((x) => p.id(x) === p.selected);
            if (r && p.onOpen) { e.preventDefault(); p.onOpen(r); }
          }
        }}>
        <div class="grid-head" role="row" aria-rowindex={1} style={{ gridTemplateColumns: template, minWidth: least }}>
          {seen.map((c) => (
            <div key={c.key} role="columnheader" class={c.align === "right" ? "cell right" : "cell"}
              aria-sort={order?.key === c.key ? (order.down ? "descending" : "ascending") : undefined}>
              {c.sort
                ? <button class="head-button" onClick={() => setOrder(order?.key === c.key ? { key: c.key, down: !order.down } : { key: c.key, down: c.align === "right" })}>
                    {c.head}<span aria-hidden="true">{order?.key === c.key ? (order.down ? " ▾" : " ▴") : ""}</span>
                  </button>
                : c.head}
            </div>
          ))}
        </div>
        <div role="rowgroup" class="grid-body" style={{ height: `${rows.length * row_px}px`, minWidth: least }}>{shown}</div>
      </div>
      <div class="grid-foot">
        <span class="num">{t("grid.rows", { n: num(rows.length) })}</span>{p.as_of ? <AsOf ms={p.as_of} limit_ms={p.stale_ms ?? 60000} /> : null}{p.foot}
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
