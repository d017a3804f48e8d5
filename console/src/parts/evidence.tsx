// SPDX-License-Identifier: Apache-2.0
// evidence.tsx - one button: passes and their pictures as a signed archive. Its making is a look of its own.
import { useState } from "preact/hooks";
import { sentence, takeFile } from "../kit/api";
import { matters } from "../kit/city";
import { t } from "../kit/i18n";
import { loop, may } from "../kit/session";
import { Icon } from "./icon";

interface Props { matter: string | null; purpose: string; title: string; alarm?: string; passes?: string[]; remark?: string }

/** As many passes as one archive holds. */
const MOST = 512;

/** A matter that may keep outside video: its archive can do without. */
function mayHaveClips(matter: string | null): boolean {
  const m = matter ? matters.find(matter) : undefined;
  return !!m && !!loop(m.kind)?.moves.some((x) => x.name === "add_clip");
}

export function EvidenceButton({ matter, purpose, title, alarm, passes, remark }: Props) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const [bare, setBare] = useState(false);
  if (!may("POST /evidence")) return null;
  const clips = mayHaveClips(matter), more = !alarm && (passes?.length ?? 0) > MOST;
  const none = !alarm && !passes?.length;
  const run = () => {
    setBusy(true);
    setError("");
    takeFile("/evidence", { ...(matter ? { matter } : {}), purpose, title: title.slice(0, 120), ...(alarm ? { alarm } : { passes: passes?.slice(0, MOST) }), ...(clips && bare ? { no_clips: true } : {}), ...(remark ? { remark: remark.slice(0, 2000) } : {}) })
      .then(() => setBusy(false), (e: unknown) => { setBusy(false); setError(sentence(e)); });
  };
  return (
    <span class="evidence">
      <button type="button" class="small" disabled={busy || none} title={none ? t("evidence.none") : t("evidence.why")} onClick={run}><Icon name="save" size={16} /> {busy ? t("look.running") : t("evidence.button")}</button>
      {error && <span class="bad" role="alert"> {error}</span>}
      {more && <span class="dim"> {t("evidence.most", { n: MOST })}</span>}
      {clips && <label class="check inline" title={t("evidence.bare_why")}><input type="checkbox" checked={bare} onChange={(e) => setBare(e.currentTarget.checked)} /> {t("evidence.bare")}</label>}
    </span>
  );
}
