// SPDX-License-Identifier: Apache-2.0
// ground.tsx - what every look stands on: the open matter and the purpose, or the emergency with its reason.
import { board, matters, titleOf } from "../kit/city";
import { t, tx } from "../kit/i18n";
import type { Code } from "../kit/model";
import { kindText, meta } from "../kit/session";
import { serverNow } from "../kit/time";

export interface GroundValue { matter: string; purpose: string; emergency: boolean; why: string }

function chosen(v: GroundValue) {
  return matters.rows.value.find((m) => m.id === v.matter);
}
function purposes(v: GroundValue): Code[] {
  const m = chosen(v);
  return (meta.value?.purposes ?? []).filter((p) => !m || !p.kinds || p.kinds.includes(m.kind));
}
/** The purpose chosen, or the first that fits the matter. */
export function purposeOf(v: GroundValue): string {
  const fit = purposes(v);
  return fit.some((p) => p.code === v.purpose) ? v.purpose : String(fit[0]?.code ?? "");
}
export function groundBody(v: GroundValue): Record<string, unknown> {
  const purpose = v.purpose || purposeOf(v);
  return { ...(v.emergency ? { emergency: true, why: v.why.trim() } : v.matter ? { matter: v.matter } : {}), ...(purpose ? { purpose } : {}) };
}

/** The age tier that a look back to `from` falls into: counted from the newest pass, as the daemon does. */
export function tierText(from_ms: number): string {
  const today = Math.min(serverNow(), board.value?.newest_pass_ms ?? Infinity);
  const days = (today - from_ms) / 86400000;
  const tier = meta.value?.age_tiers.find((x) => x.to_days === null || days <= x.to_days + 0.01);
  return tier ? t("look.tier", { x: tx(tier) }) : "";
}

export function Ground({ v, set, prefix, bad }: {
  v: GroundValue; set: (change: Partial<GroundValue>) => void; prefix: string; bad: (field: string) => object;
}) {
  const open = matters.rows.value, known = chosen(v), waiting = v.matter && matters.status.value !== "ready";
  return (
    <>
      {!v.emergency && (
        <div class="field"><label for={`${prefix}-matter`}>{t("look.matter")}</label>
          <select id={`${prefix}-matter`} title={known ? titleOf(known) : undefined} value={known || waiting ? v.matter : ""} onChange={(e) => set({ matter: e.currentTarget.value })} {...bad("matter")}>
            <option value="">{t("look.no_matter")}</option>
            {!known && waiting && <option value={v.matter}>{v.matter}</option>}
            {open.map((m) => <option key={m.id} value={m.id}>{m.id} {kindText(m.kind)} {titleOf(m)}</option>)}
          </select></div>
      )}
      <div class="field"><label for={`${prefix}-purpose`}>{t("look.purpose")}</label>
        <select id={`${prefix}-purpose`} value={purposeOf(v)} onChange={(e) => set({ purpose: e.currentTarget.value })} {...bad("purpose")}>{purposes(v).map((p) => <option key={p.code} value={String(p.code)}>{tx(p)}</option>)}</select></div>
    </>
  );
}

export function Emergency({ v, set, prefix, bad }: {
  v: GroundValue; set: (change: Partial<GroundValue>) => void; prefix: string; bad: (field: string) => object;
}) {
  return (
    <>
      <label class="check"><input type="checkbox" checked={v.emergency} onChange={(e) => set({ emergency: e.currentTarget.checked })} /> {t("look.emergency")}</label>
      {v.emergency && (
        <div class="field"><label for={`${prefix}-why`}>{t("look.why")} <span class="must" aria-hidden="true">*</span></label>
          <textarea id={`${prefix}-why`} rows={2} maxLength={400} value={v.why} onInput={(e) => set({ why: e.currentTarget.value })} {...bad("why")} /><p class="why">{t("look.why_hint")}</p></div>
      )}
    </>
  );
}
