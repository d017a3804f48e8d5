// SPDX-License-Identifier: Apache-2.0
// clips.tsx - outside video of a hit-and-run: import a clip, set its clock by a known pass, mark a frame as a pass.
import { useEffect, useState } from "preact/hooks";
import { get, post, sendFile, sentence } from "../kit/api";
import { lasting } from "../kit/amount";
import { sites } from "../kit/city";
import { t, tx } from "../kit/i18n";
import type { MatterFull, Sighting } from "../kit/model";
import { codes } from "../kit/session";
import { bytes, clockTime, instant } from "../kit/time";
import { Failed, Tag } from "./bits";

/** What the daemon takes in one request (docs/api.md). */
const MOST_BYTES = 64 << 20;

interface Clip { clip: string; name: string; ms: number; zero: number | null; marks: { pass: string; at: number }[] }

/** A place in a clip as players write it: 1:02.4. */
function position(ms: number): string {
  const s = Math.floor(ms / 1000);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}.${Math.floor((ms % 1000) / 100)}`;
}

/** What the matter's journal says of its clips. */
function clipsOf(m: MatterFull | null): Clip[] {
  const all = new Map<string, Clip>();
  for (const j of m?.journal ?? []) {
    const key = String(j.fields["clip"] ?? ""), c = all.get(key);
    if (j.move === "add_clip") all.set(key, { clip: key, name: String(j.fields["clip_name"] ?? ""), ms: Number(j.fields["clip_ms"] ?? 0), zero: c?.zero ?? null, marks: c?.marks ?? [] });
    else if (j.move === "set_clip_clock" && c) c.zero = Number(j.fields["clip_zero"]);
    else if (j.move === "mark_frame" && c) c.marks.push({ pass: String(j.fields["marked_pass"]), at: Number(j.fields["marked_at"]) });
  }
  return [...all.values()];
}

/** `known`: passes on the sheet by which a clock can be set; `narrow`: asks the funnel again around an instant. */
export function Clips({ matter, known, narrow }: { matter: string; known: Sighting[]; narrow: (at_ms: number) => void }) {
  const [m, setM] = useState<MatterFull | null>(null);
  const [failed, setFailed] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const [which, setWhich] = useState("");
  const [at, setAt] = useState(0);
  const [shown, setShown] = useState(0);
  const [pass, setPass] = useState("");
  const [v, set] = useState({ site: "", plate: "", color: "", note: "" });
  const path = `/matters/${encodeURIComponent(matter)}`;
  const load = () => get<MatterFull>(path).then((x) => { setM(x); setFailed(""); }, (e: unknown) => setFailed(sentence(e)));
  useEffect(() => { void load(); }, [matter]);
  useEffect(() => { const w = setTimeout(() => setShown(at), 250); return () => clearTimeout(w); }, [at, which]);
  if (failed) return <Failed what={failed} again={() => void load()} />;
  if (!m?.moves.some((x) => x.name === "add_clip" && x.allowed)) return null;
  const clips = clipsOf(m), clip = clips.find((c) => c.clip === which) ?? clips[clips.length - 1];
  const base = clip ? `${path}/clips/${clip.clip}` : "";
  const act = (what: () => Promise<unknown>) => {
    setBusy(true);
    setError("");
    what().then(load).catch((e: unknown) => setError(sentence(e))).finally(() => setBusy(false));
  };
  const upload = (f: File | undefined) => {
    if (!f) return;
    if (f.size > MOST_BYTES) { setError(t("clip.too_big", { name: f.name, size: bytes(f.size) })); return; }
    act(async () => { const c = await sendFile<{ clip: string }>(`${path}/clips?name=${encodeURIComponent(f.name.slice(0, 120))}`, f); setWhich(c.clip); setAt(0); });
  };
  const site = sites.rows.value.find((s) => s.name === v.site || s.code === v.site);
  const mark = () => act(() => post(`${base}/marks`, { position_ms: at, site: site?.id, ...(v.plate.trim() ? { plate: v.plate.trim().toUpperCase() } : {}), ...(v.color ? { vehicle_color: Number(v.color) } : {}), ...(v.note.trim().length > 1 ? { note: v.note.trim() } : {}) }));
  return (
    <details class="clips"><summary>{t("clip.title")} {clips.length > 0 && <Tag>{clips.length}</Tag>}</summary>
      <div class="form">
        <div class="field"><label for="clip-file">{t("clip.import")}</label>
          <input id="clip-file" type="file" accept="video/*" disabled={busy} onChange={(e) => { const f = e.currentTarget.files?.[0]; e.currentTarget.value = ""; upload(f); }} /><p class="why">{t("clip.import_why")}</p></div>
        {clips.length > 1 && <div class="field"><label for="clip-which">{t("clip.which")}</label><select id="clip-which" value={clip?.clip} onChange={(e) => { setWhich(e.currentTarget.value); setAt(0); }}>{clips.map((c) => <option key={c.clip} value={c.clip}>{c.name}</option>)}</select></div>}
        {clip && (
          <>
            <p><b>{clip.name}</b> <span class="num dim">{lasting(clip.ms)}</span> {clip.zero === null ? <Tag tone="warn">{t("clip.no_clock")}</Tag> : <span class="num">{instant(clip.zero + at)}</span>}</p>
            <img class="clip-frame" src={`/api/v1${base}/frame?position_ms=${shown}`} alt={t("clip.frame_alt", { name: clip.name, s: position(shown) })} />
            <div class="line"><button type="button" class="small" aria-label={t("clip.back")} onClick={() => setAt(Math.max(0, at - 200))}>−0.2</button>
              <input class="grow" type="range" min={0} max={clip.ms} step={100} value={at} aria-label={t("clip.position")} onInput={(e) => setAt(Number(e.currentTarget.value))} />
              <button type="button" class="small" aria-label={t("clip.on")} onClick={() => setAt(Math.min(clip.ms, at + 200))}>+0.2</button><span class="num">{position(at)}</span></div>
            <div class="field"><label for="clip-pass">{t("clip.clock")}</label>
              <div class="line"><select id="clip-pass" class="grow" value={pass} onChange={(e) => setPass(e.currentTarget.value)}><option value="">{t("clip.known")}</option>{known.map((s) => <option key={s.id} value={s.id}>{s.plate || t("plate.none")} {s.site_name} {clockTime(s.time_ms)}</option>)}</select>
                <button type="button" class="small" disabled={busy || !pass} onClick={() => act(() => post(`${base}/clock`, { position_ms: at, pass }))}>{t("clip.set")}</button></div><p class="why">{t("clip.clock_why")}</p></div>
            {clip.zero !== null && (
              <>
                <div class="field"><label for="clip-site">{t("clip.site")} <span class="must" aria-hidden="true">*</span></label><input id="clip-site" list="fl-sites" value={v.site} autocomplete="off" onInput={(e) => set({ ...v, site: e.currentTarget.value })} /></div>
                <div class="field"><label for="clip-plate">{t("flight.plate")}</label><input id="clip-plate" class="plate-input" maxLength={12} value={v.plate} autocomplete="off" onInput={(e) => set({ ...v, plate: e.currentTarget.value })} /></div>
                <div class="field"><label for="clip-color">{t("f.vehicle_color")}</label><select id="clip-color" value={v.color} onChange={(e) => set({ ...v, color: e.currentTarget.value })}><option value="">{t("flight.unknown")}</option>{codes("vehicle_color").filter((c) => c.code !== 0).map((c) => <option key={c.code} value={String(c.code)}>{tx(c)}</option>)}</select></div>
                <div class="field"><label for="clip-note">{t("f.note")}</label><input id="clip-note" maxLength={400} value={v.note} onInput={(e) => set({ ...v, note: e.currentTarget.value })} /></div>
                <div class="line"><button type="button" disabled={busy || !site} title={site ? undefined : t("clip.site_why")} onClick={mark}>{t("clip.mark")}</button>
                  <button type="button" class="small" onClick={() => narrow(clip.zero! + at)}>{t("clip.narrow")}</button></div>
              </>
            )}
            {clip.marks.length > 0 && <ul class="plain">{clip.marks.map((x, i) => <li key={i}><span class="num">{instant(x.at)}</span> <Tag tone="warn">{t("sighting.by_hand")}</Tag></li>)}</ul>}
          </>
        )}
        {error && <p class="bad" role="alert">{error}</p>}
      </div>
    </details>
  );
}
