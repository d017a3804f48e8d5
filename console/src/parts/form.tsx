// SPDX-License-Identifier: Apache-2.0
// form.tsx - draws the fields a loop asks for, in its order, with the reason for each required one.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, sentence } from "../kit/api";
import { cap, t, tx } from "../kit/i18n";
import type { Field, List, Option, Org, Suggestion, User } from "../kit/model";
import { codeText, may } from "../kit/session";
import { metres, serverNow } from "../kit/time";
import { Moment } from "./moment";

type Values = Record<string, unknown>;
interface Props { field: Field; id: string; value: unknown; set: (v: unknown) => void; bad: string; ground: string }

/** Documents of a matter cannot be uploaded yet: an optional field for them is not asked. */
function shown_field(f: Field): boolean {
  return f.type !== "files" || !!f.required;
}

/** Values to send: empty ones are left out. */
export function filled(fields: Field[], values: Values): Values {
  const out: Values = {};
  for (const f of fields) {
    const v = values[f.name] ?? f.value;
    if (v !== undefined && v !== null && v !== "") out[f.name] = f.type === "number" ? Number(v) : v;
  }
  return out;
}
/** The first required field that is empty. */
export function missing(fields: Field[], values: Values): Field | null {
  return fields.find((f) => {
    const v = values[f.name] ?? f.value;
    return f.required && (v === undefined || v === null || v === "" || (f.type === "flag" && v !== true));
  }) ?? null;
}

/** What is said of a field that is missing: what to do. Why it is asked for stands beside it already. */
export function lackOf(f: Field): { field: string; text: string } {
  return { field: f.name, text: t(f.options?.length || f.type === "unit" || f.type === "org" || f.type === "user" ? "form.required_choice" : "form.required", { name: cap(tx(f)) }) };
}
/** Brings the field that is wrong into sight, and the focus into it, once it is marked. */
export function toLack(form: HTMLElement | null): void {
  requestAnimationFrame(() => {
    const field = form?.querySelector(".field:has([role=alert])");
    field?.querySelector<HTMLElement>("input, select, textarea")?.focus({ preventScroll: true });
    field?.scrollIntoView({ block: "nearest" });
  });
}

/** `ground` is "alarm=ID" or "matter=ID": what unit suggestions are asked for. */
export function Fields({ fields, values, set, wrong, ground, prefix, quiet = false }: {
  fields: Field[]; values: Values; set: (change: Values) => void; wrong: { field: string; text: string } | null; ground: string; prefix: string;
  /** Does not take the focus. */
  quiet?: boolean;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [shown] = useState(() => performance.now());
  useEffect(() => {
    if (quiet) return;
    // Lists that come later take the focus themselves; here the first control that already exists.
    box.current?.querySelector<HTMLElement>("input:checked, input, select, textarea")?.focus();
  }, [shown]);
  return (
    <div ref={box} class="fields">
      {fields.filter(shown_field).map((f) => (
        <One key={f.name} field={f} id={`${prefix}-${f.name}`} value={values[f.name] ?? f.value} ground={ground}
          set={(v) => set({ [f.name]: v })} bad={wrong?.field === f.name ? wrong.text : ""} />
      ))}
    </div>
  );
}

function One(p: Props) {
  const { field: f, id, value, set, bad } = p;
  const label = (
    <>{cap(tx(f))}{f.required ? <span class="must" aria-hidden="true"> *</span> : <span class="dim"> {t("form.optional")}</span>}</>
  );
  const why = f.required && f.why ? <p class="why" id={`${id}-why`}>{tx(f.why)}</p> : null;
  const note = bad ? <p class="bad" id={`${id}-bad`} role="alert">{bad}</p> : null;
  const common = { id, required: !!f.required, "aria-invalid": bad ? true : undefined,
    "aria-describedby": [why && `${id}-why`, bad && `${id}-bad`].filter(Boolean).join(" ") || undefined };
  const text = value === undefined || value === null ? "" : String(value);

  if (f.type === "flag") {
    return (
      <div class="field">
        <label class="check"><input type="checkbox" {...common} checked={value === true} onChange={(e) => set(e.currentTarget.checked)} /> {label}</label>
        {why}{note}
      </div>
    );
  }
  if (f.type === "unit") return <Units {...p} label={cap(tx(f))} why={why} note={note} />;
  if (f.options && f.options.length) {
    if (f.options.length <= 9) return <Radios {...p} options={f.options} why={why} note={note} />;
    return (
      <div class="field"><label for={id}>{label}</label>
        <select {...common} value={text} onChange={(e) => set(e.currentTarget.value)}>
          <option value="">{t("form.choose")}</option>
          {f.options.map((o) => <option key={String(o.value)} value={String(o.value)}>{tx(o)}</option>)}
        </select>{why}{note}</div>
    );
  }
  if (f.type === "org" || f.type === "user") return <Chosen {...p} common={common} label={label} why={why} note={note} />;
  let input;
  if (f.type === "note") {
    input = <textarea {...common} rows={3} maxLength={f.max ?? 2000} value={text} onInput={(e) => set(e.currentTarget.value)} />;
  } else if (f.type === "number") {
    input = <input {...common} type="number" value={text} onInput={(e) => set(e.currentTarget.value)} />;
  } else if (f.type === "time") {
    input = <Moment {...common} ms={typeof value === "number" ? value : null} set={set} />;
  } else if (f.type === "point") {
    const at = value as { lon: number; lat: number } | null | undefined;
    input = (
      <div class="line">
        <input {...common} readOnly value={at ? `${at.lon.toFixed(5)}, ${at.lat.toFixed(5)}` : ""} />
        <button type="button" onClick={() => navigator.geolocation?.getCurrentPosition((g) => set({ lon: g.coords.longitude, lat: g.coords.latitude }))}>{t("form.here")}</button>
      </div>
    );
  } else {
    input = <input {...common} type="text" class={f.type === "plate" ? "plate-input" : ""} maxLength={f.max ?? 400} value={text}
      autocomplete="off" onInput={(e) => set(e.currentTarget.value)} />;
  }
  return <div class="field"><label for={id}>{label}</label>{input}{why}{note}</div>;
}

function digits(e: KeyboardEvent, n: number, pick: (i: number) => void): void {
  if (/^[1-9]$/.test(e.key) && Number(e.key) <= n && !e.ctrlKey && !e.altKey) {
    e.preventDefault();
    e.stopPropagation();
    pick(Number(e.key) - 1);
  }
}

function Radios({ field: f, id, value, set, options, why, note }: Props & { options: Option[]; why: preact.ComponentChildren; note: preact.ComponentChildren }) {
  const box = useRef<HTMLFieldSetElement>(null);
  return (
    <fieldset ref={box} class="field radios" onKeyDown={(e) => digits(e, options.length, (i) => {
      set(options[i]!.value);
      box.current?.querySelectorAll<HTMLElement>("input")[i]?.focus();
    })}>
      <legend>{cap(tx(f))}{f.required ? <span class="must" aria-hidden="true"> *</span> : <span class="dim"> {t("form.optional")}</span>}</legend>
      {options.map((o, i) => (
        <label key={String(o.value)} class="choice">
          <input type="radio" name={id} checked={String(value) === String(o.value)} onChange={() => set(o.value)} />
          <kbd aria-hidden="true">{i + 1}</kbd> {tx(o)}
        </label>
      ))}
      {why}{note}
    </fieldset>
  );
}

function Units({ id, value, set, ground, label, why, note }: Props & { label: string; why: preact.ComponentChildren; note: preact.ComponentChildren }) {
  const [rows, setRows] = useState<Suggestion[] | null>(null);
  const [error, setError] = useState("");
  const box = useRef<HTMLFieldSetElement>(null);
  const load = () => {
    setError("");
    get<List<Suggestion>>(`/units/suggest?${ground}`).then((l) => {
      setRows(l.items.slice(0, 6));
      const best = l.items.find((u) => !u.note);
      if ((value === undefined || value === null || value === "") && best) set(best.id);
      setTimeout(() => box.current?.querySelector<HTMLElement>("input:checked, input")?.focus());
    }, (e: unknown) => setError(sentence(e)));
  };
  useEffect(load, [ground]);
  return (
    <fieldset ref={box} class="field radios" onKeyDown={(e) => rows && digits(e, rows.length, (i) => {
      set(rows[i]!.id);
      box.current?.querySelectorAll<HTMLElement>("input")[i]?.focus();
    })}>
      <legend>{label}<span class="must" aria-hidden="true"> *</span> <span class="dim">{t("form.nearest")}</span></legend>
      {rows === null && !error && <p class="dim">{t("state.loading")}</p>}
      {error && <p class="bad" role="alert">{error} <button type="button" class="small" onClick={load}>{t("state.again")}</button></p>}
      {rows?.length === 0 && <p class="dim">{t("form.no_units")}</p>}
      {rows?.map((u, i) => (
        <label key={u.id} class="choice unit-choice">
          <input type="radio" name={id} checked={Number(value) === u.id} onChange={() => set(u.id)} />
          <kbd aria-hidden="true">{i + 1}</kbd> <b>{u.callsign}</b> <span>{codeText("unit_kind", u.kind)}</span>
          <span class="num">{metres(u.dist_m)}</span>
          {u.eta_s !== null && <span class="num dim">{t("form.eta", { m: Math.max(1, Math.round(u.eta_s / 60)) })}</span>}
          <span class="dim">{codeText("unit_state", u.state)}</span>
          {u.note && <span class="warn-text">{tx(u.note)}</span>}
        </label>
      ))}
      {why}{note}
    </fieldset>
  );
}

function Chosen({ field: f, id, value, set, common, label, why, note }: Props & { common: object; label: preact.ComponentChildren; why: preact.ComponentChildren; note: preact.ComponentChildren }) {
  const [rows, setRows] = useState<{ id: number; name: string }[] | null>(null);
  useEffect(() => {
    const path = f.type === "org" ? "/org" : "/users?state=active";
    if (f.type === "user" && !may("GET /users")) return setRows([]);
    get<List<Org & User>>(path).then((l) => setRows(l.items.map((x) => ({ id: x.id, name: f.type === "org" ? x.name : x.display }))), () => setRows([]));
  }, [f.type]);
  return (
    <div class="field"><label for={id}>{label}</label>
      {rows && rows.length
        ? <select {...common} value={String(value ?? "")} onChange={(e) => set(Number(e.currentTarget.value))}>
            <option value="">{t("form.choose")}</option>
            {rows.map((r) => <option key={r.id} value={r.id}>{r.name}</option>)}
          </select>
        : <input {...common} type="number" value={String(value ?? "")} onInput={(e) => set(Number(e.currentTarget.value))} />}
      {why}{note}</div>
  );
}

/** From - to in civil time, with the usual spans one press away. */
export function Span({ from, to, set, spans }: { from: number; to: number; set: (from: number, to: number) => void; spans: [string, number][] }) {
  return (
    <fieldset class="field span">
      <legend>{t("span.legend")}</legend>
      <div class="line">
        <label class="inline"><span class="dim">{t("span.from")}</span> <Moment ms={from} set={(v) => { if (v !== null) set(v, to); }} /></label>
        <label class="inline"><span class="dim">{t("span.to")}</span> <Moment ms={to} set={(v) => { if (v !== null) set(from, v); }} /></label>
      </div>
      <div class="line chips">
        {spans.map(([name, ms]) => <button type="button" key={name} class="chip" onClick={() => { const n = serverNow(); set(n - ms, n); }}>{name}</button>)}
      </div>
    </fieldset>
  );
}
