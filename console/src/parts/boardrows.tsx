// SPDX-License-Identifier: Apache-2.0
// boardrows.tsx - a measure explains itself: the rows it is the sum or the median of.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, sentence } from "../kit/api";
import { cap, t, tx } from "../kit/i18n";
import { useKeys } from "../kit/keys";
import type { BoardRow, List, Measure } from "../kit/model";
import { go } from "../kit/route";
import { stateText } from "../kit/session";
import { duration, num } from "../kit/time";
import { Empty, Failed, Loading } from "./bits";
import { Grid } from "./grid";

function valueText(measure: string, v: number | null): string {
  if (v === null) return "—";
  if (measure === "passes") return (v > 0 ? "+" : "") + num(v, 1);
  return duration(v * 1000);
}

export function BoardRows({ of, close }: { of: Measure; close: () => void }) {
  const box = useRef<HTMLDialogElement>(null);
  const [list, setList] = useState<List<BoardRow> | null>(null);
  const [error, setError] = useState("");
  const [on, setOn] = useState<string | null>(null);
  const load = () => { get<List<BoardRow>>(`/board/${of.name}`).then((l) => { setList(l); setError(""); }, (e: unknown) => setError(sentence(e))); };
  useEffect(load, [of.name]);
  useEffect(() => { box.current?.showModal(); return () => box.current?.close(); }, []);
  const key = (r: BoardRow) => r.matter ?? String(r.site);
  const open = (r: BoardRow) => { close(); if (r.matter) go("matters", r.matter); else go("sites", String(r.site)); };
  const order = useRef<BoardRow[]>([]);
  const step = (d: number) => {
    const rows = order.current;
    const i = rows.findIndex((r) => key(r) === on);
    const r = rows[i < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, i + d))];
    if (!r) return;
    setOn(key(r));
    box.current?.querySelector<HTMLElement>(".grid")?.focus(); // Enter opens the row, not the button
  };
  useKeys([
    { key: "escape", label: t("key.close"), run: close },
    { key: "j", label: t("key.next"), run: () => step(1) },
    { key: "k", label: t("key.prev"), run: () => step(-1) },
    { key: "enter", label: t("key.open"), run: () => { const r = list?.items.find((x) => key(x) === on); if (r) open(r); } },
  ], true);
  const valued = of.name !== "cameras";
  return (
    <dialog ref={box} class="help board-rows" aria-labelledby="board-rows-title" onClose={close}>
      <div class="line"><h2 id="board-rows-title">{t("board.rows", { what: cap(tx(of)) })}</h2><span class="grow" /><button onClick={close}>{t("key.close")} <kbd>Esc</kbd></button></div>
      {error && !list ? <Failed what={error} again={load} /> : !list ? <Loading /> : !list.items.length ? <Empty title={t("board.none")} hint={t("board.none_hint")} /> : (
        <div class="board-grid"><Grid<BoardRow> label={t("board.rows", { what: tx(of) })} rows={list.items} order={order} id={key} selected={on} onSelect={(r) => setOn(key(r))} onOpen={open} as_of={list.as_of_ms} exportName={`board-${of.name}`}
          {...(valued ? { start: { key: "value", down: true } } : {})}
          columns={[
            ...(list.items[0]!.matter ? [{ key: "matter", head: t("look.matter"), width: "190px", cell: (r: BoardRow) => <a class="num" href={`#/matters/${r.matter}`} onClick={close}>{r.matter}</a>, sort: (r: BoardRow) => r.matter ?? "", text: (r: BoardRow) => r.matter ?? "" }] : []),
            { key: "name", head: t("f.place"), width: "minmax(0,1fr)", cell: (r) => <span class="cut" title={r.name}>{r.name || "—"}</span>, sort: (r) => r.name, text: (r) => r.name },
            { key: "state", head: t("f.state"), width: "110px", cell: (r) => (r.matter ? stateText("alarm", r.state) : t(`site.state.${r.state}`)), sort: (r) => r.state, text: (r) => r.state },
            ...(valued ? [{ key: "value", head: t(`board.value.${of.name}`), width: "150px", align: "right" as const, cell: (r: BoardRow) => valueText(of.name, r.value), sort: (r: BoardRow) => r.value, text: (r: BoardRow) => String(r.value ?? "") }] : []),
          ]} /></div>
      )}
    </dialog>
  );
}
