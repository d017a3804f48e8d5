// SPDX-License-Identifier: Apache-2.0
// question.tsx - the fields a question asks for, in its order, drawn from its row.
import { useId, useState } from "preact/hooks";
import { sites } from "../kit/city";
import { amount, isTime, unitText } from "../kit/amount";
import { cap, t, tx } from "../kit/i18n";
import type { QuestionParam } from "../kit/model";
import { serverNow } from "../kit/time";
import { Moment } from "./moment";

interface Props { p: QuestionParam; id: string; value: string; set: (v: string) => void; bad: object }

const pieces = (text: string) => text.split(/[,，\s]+/).filter(Boolean);
const byCode = (code: string) => sites.rows.value.find((s) => s.code === code);

/** Codes of sites; one is added by its code or its name. */
function SitesField({ id, value, set, bad, max }: { id: string; value: string; set: (v: string) => void; bad: object; max: number }) {
  const list = useId();
  const [typed, type] = useState("");
  const chosen = pieces(value);
  const add = (text: string) => {
    const hit = sites.rows.value.find((s) => s.code === text.trim() || s.name === text.trim());
    if (!hit) return type(text);
    if (!chosen.includes(hit.code)) set([...chosen, hit.code].slice(-max).join(","));
    type("");
  };
  return (
    <>
      <input id={id} list={list} value={typed} placeholder={t("ask.add_site")} autocomplete="off" {...bad} onInput={(e) => add(e.currentTarget.value)} />
      <datalist id={list}>{typed.length >= 2 && sites.rows.value.filter((s) => s.name.includes(typed) || s.code.includes(typed)).slice(0, 40).map((s) => <option key={s.id} value={s.name}>{s.code}</option>)}</datalist>
      {chosen.length > 0 && (
        <ul class="line chips plain">{chosen.map((c) => (
          <li key={c}><button type="button" class="chip" aria-label={t("ask.drop_site", { x: byCode(c)?.name ?? c })} onClick={() => set(chosen.filter((x) => x !== c).join(","))}>{byCode(c)?.name ?? c} ×</button></li>
        ))}</ul>
      )}
    </>
  );
}

interface Window { join: string; sites: string; from: number; to: number }
function readWindows(text: string): Window[] {
  return text.split(";").filter((x) => x.includes("@")).map((x) => {
    const join = /^[+|-]/.test(x) ? x[0]! : "+";
    const [codes = "", span = ""] = x.replace(/^[+|-]/, "").split("@");
    const [from = "0", to = "0"] = span.split("/");
    return { join, sites: codes, from: Number(from), to: Number(to) };
  });
}
const writeWindows = (w: Window[]) => w.map((x) => `${x.join}${x.sites}@${x.from}/${x.to}`).join(";");

function WindowsField({ id, value, set, bad, p }: Props) {
  const rows = readWindows(value);
  const change = (i: number, c: Partial<Window>) => set(writeWindows(rows.map((r, k) => (k === i ? { ...r, ...c } : r))));
  const last = rows[rows.length - 1], now = serverNow();
  return (
    <div id={id} class="windows" {...bad}>
      {rows.map((r, i) => (
        <fieldset key={i} class="field span window"><legend>{t("ask.window", { n: i + 1 })}</legend>
          <div class="line">
            <select aria-label={t("ask.join")} value={r.join} onChange={(e) => change(i, { join: e.currentTarget.value })}>
              <option value="+">{t("ask.join_all")}</option><option value="|">{t("ask.join_any")}</option><option value="-">{t("ask.join_none")}</option>
            </select>
            <button type="button" class="small" onClick={() => set(writeWindows(rows.filter((_, k) => k !== i)))}>{t("ask.drop")}</button>
          </div>
          <SitesField id={`${id}-${i}`} value={r.sites} set={(v) => change(i, { sites: v })} bad={{ "aria-label": t("ask.add_site") }} max={64} />
          <div class="line">
            <label class="inline"><span class="dim">{t("span.from")}</span> <Moment ms={r.from} set={(v) => { if (v !== null) change(i, { from: v }); }} /></label>
            <label class="inline"><span class="dim">{t("span.to")}</span> <Moment ms={r.to} set={(v) => { if (v !== null) change(i, { to: v }); }} /></label>
          </div>
        </fieldset>
      ))}
      {rows.length < p.max && <button type="button" class="small" onClick={() => set(writeWindows([...rows, { join: "+", sites: "", from: last?.from ?? now - 3600000, to: last?.to ?? now }]))}>{t("ask.add_window")}</button>}
    </div>
  );
}

export function QuestionField(props: Props) {
  const { p, id, value, set, bad } = props;
  const many = p.type === "sites" || p.type === "plates";
  const label = (
    <label for={id}>{cap(tx(p))}{p.unit ? ` (${unitText(p.unit)})` : ""}{p.required ? <span class="must" aria-hidden="true"> *</span> : p.default ? null : <span class="dim"> {t("form.optional")}</span>}
      {many && p.max > 1 && <span class="dim"> {t("ask.up_to", { n: p.max })}</span>}</label>
  );
  let input;
  if (p.type === "word")
    input = <select id={id} value={value || p.default} onChange={(e) => set(e.currentTarget.value)} {...bad}>{p.words.map((w) => <option key={w.name} value={w.name}>{tx(w)}</option>)}</select>;
  else if (p.type === "sites") input = <SitesField id={id} value={value} set={set} bad={bad} max={p.max} />;
  else if (p.type === "windows") input = <WindowsField {...props} />;
  else if (p.type === "number")
    input = <input id={id} type="number" step="any" min={p.min} max={p.max} value={value} placeholder={p.default} onInput={(e) => set(e.currentTarget.value)} {...bad} />;
  else
    input = <input id={id} class="plate-input" value={value} autocomplete="off" spellcheck={false} maxLength={p.type === "plates" ? 800 : 16} placeholder={p.type === "pattern" ? t("look.plate_hint") : ""} onInput={(e) => set(e.currentTarget.value.toUpperCase().replace(/·/g, ""))} {...bad} />;
  // What is typed keeps its unit; beside it stands what that is in words.
  const given = Number(value || p.default), words = p.type === "number" && isTime(p.unit) && (value || p.default) && Number.isFinite(given) ? amount(given, p.unit) : "";
  return <div class="field">{label}{input}{words && words !== `${given} ${unitText(p.unit)}` && <p class="why">{t("ask.that_is", { x: words })}</p>}</div>;
}
