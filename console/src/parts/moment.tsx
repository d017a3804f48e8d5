// SPDX-License-Identifier: Apache-2.0
// moment.tsx - an instant as people write it: 2026-11-22 00:49, civil time, in every browser's language. The
// calendar is one press away; a phone has its own wheel.
import { useRef, useState } from "preact/hooks";
import { t } from "../kit/i18n";
import { face } from "../kit/route";
import { fromInput, toInput } from "../kit/time";
import { Icon } from "./icon";

interface Props {
  ms: number | null; set: (ms: number | null) => void; id?: string; required?: boolean;
  "aria-invalid"?: boolean | undefined; "aria-describedby"?: string | undefined;
}

export function Moment({ ms, set, ...rest }: Props) {
  const [typed, type] = useState<string | null>(null);
  const wheel = useRef<HTMLInputElement>(null);
  const civil = ms === null ? "" : toInput(ms);
  if (face === "phone") return <input {...rest} type="datetime-local" value={civil} onInput={(e) => set(fromInput(e.currentTarget.value))} />;
  const wrong = typed !== null && typed.trim() !== "" && fromInput(typed) === null;
  return (
    <span class="moment">
      <input {...rest} {...(wrong ? { "aria-invalid": true as const } : {})} class="num" data-kind="moment" autocomplete="off" spellcheck={false} maxLength={20} placeholder={t("moment.hint")} title={t("moment.hint")}
        value={typed ?? civil.replace("T", " ")} onBlur={() => { if (!wrong) type(null); }}
        onInput={(e) => {
          type(e.currentTarget.value);
          const at = fromInput(e.currentTarget.value);
          if (at !== null || (!rest.required && !e.currentTarget.value.trim())) set(at);
        }} />
      <button type="button" class="quiet" tabIndex={-1} aria-label={t("moment.pick")} title={t("moment.pick")} onClick={() => wheel.current?.showPicker()}><Icon name="calendar" size={16} /></button>
      <input ref={wheel} class="off" type="datetime-local" tabIndex={-1} aria-hidden="true" value={civil} onInput={(e) => { const at = fromInput(e.currentTarget.value); if (at !== null) { type(null); set(at); } }} />
    </span>
  );
}
