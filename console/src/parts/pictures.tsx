// SPDX-License-Identifier: Apache-2.0
// pictures.tsx - pictures side by side, big enough to compare; zoom and drag move all of them together.
import { useRef, useState } from "preact/hooks";
import { t } from "../kit/i18n";
import { Icon } from "./icon";

export interface Shot { src: string | null; title: string; sub: string; alt: string }

export function Pictures({ shots }: { shots: Shot[] }) {
  const [view, setView] = useState({ k: 1, x: 0, y: 0 });
  const drag = useRef<{ x: number; y: number } | null>(null);
  const zoom = (f: number) => setView((v) => {
    const k = Math.max(1, Math.min(8, v.k * f));
    return k === 1 ? { k: 1, x: 0, y: 0 } : { ...v, k };
  });
  return (
    <div class="shots">
      {shots.map((s, i) => (
        <figure key={i} class="shot">
          <div class="shot-frame" onWheel={(e) => { if (e.ctrlKey || view.k > 1) { e.preventDefault(); zoom(e.deltaY < 0 ? 1.25 : 0.8); } }}
            onDblClick={() => zoom(view.k > 1 ? 0 : 2.5)}
            onPointerDown={(e) => { if (view.k > 1) { drag.current = { x: e.clientX, y: e.clientY }; e.currentTarget.setPointerCapture(e.pointerId); } }}
            onPointerMove={(e) => {
              const d = drag.current;
              if (!d) return;
              const dx = (e.clientX - d.x) / e.currentTarget.clientWidth, dy = (e.clientY - d.y) / e.currentTarget.clientHeight;
              drag.current = { x: e.clientX, y: e.clientY };
              setView((v) => ({ ...v, x: v.x + dx * 100, y: v.y + dy * 100 }));
            }}
            onPointerUp={() => { drag.current = null; }}>
            {s.src ? <Shown src={s.src} alt={s.alt} view={view} /> : <p class="shot-none">{t("picture.none")}</p>}
          </div>
          <figcaption><b>{s.title}</b> <span class="dim">{s.sub}</span></figcaption>
        </figure>
      ))}
      {shots.some((s) => s.src) && (
        <div class="shot-tools">
          <button class="small" aria-label={t("picture.in")} title={t("picture.in")} onClick={() => zoom(1.6)}>+</button>
          <button class="small" aria-label={t("picture.out")} title={t("picture.out")} disabled={view.k === 1} onClick={() => zoom(0.6)}>−</button>
        </div>
      )}
    </div>
  );
}

function Shown({ src, alt, view }: { src: string; alt: string; view: { k: number; x: number; y: number } }) {
  const [bad, setBad] = useState("");
  if (bad === src) return <p class="shot-none"><Icon name="warn" /> {t("picture.bad")}</p>;
  return (
    <img src={src} alt={alt} draggable={false} decoding="async" onError={() => setBad(src)}
      style={{ transform: `translate(${view.x}%, ${view.y}%) scale(${view.k})` }} />
  );
}
