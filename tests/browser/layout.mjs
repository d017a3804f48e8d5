// SPDX-License-Identifier: Apache-2.0
// layout.mjs - the eye of a picky user: what sticks out, is cut off, covered, too small to hit, or was never
// translated. Runs in the page, at the size it has now; returns one line a fault.

export const SIZES = [[1366, 768], [3840, 2160], [390, 844]];

/** Runs inside the browser: no outer names. `least` is the side of the smallest target. */
function look(least) {
  const faults = new Set();
  const name = (e) => `${e.tagName.toLowerCase()}${e.id ? "#" + e.id : ""}${typeof e.className === "string" && e.className ? "." + e.className.trim().replace(/\s+/g, ".") : ""} "${(e.innerText || e.getAttribute("aria-label") || e.value || "").trim().replace(/\s+/g, " ").slice(0, 40)}"`;
  const seen = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !e.closest(".off, .skip") && getComputedStyle(e).clipPath !== "inset(50%)";
  const modal = [...document.querySelectorAll("dialog[open]")].pop();
  const all = [...(modal ?? document.body).querySelectorAll("*")].filter(seen);

  if (document.documentElement.scrollWidth > innerWidth) {
    const wide = all.filter((e) => e.getBoundingClientRect().right > innerWidth + 1).pop();
    faults.add(`the page is ${document.documentElement.scrollWidth - innerWidth} px too wide: ${wide ? name(wide) : ""}`);
  }
  // Where a box ends for the eye: its own edges and those of every box around it that clips.
  const sight = (e) => {
    const r = e.getBoundingClientRect();
    let [l, t, rr, b] = [Math.max(0, r.left), Math.max(0, r.top), Math.min(innerWidth, r.right), Math.min(innerHeight, r.bottom)];
    for (let p = e.parentElement; p && p !== modal; p = p.parentElement) {
      const s = getComputedStyle(p);
      if (s.overflowX === "visible" && s.overflowY === "visible") continue;
      const q = p.getBoundingClientRect();
      [l, t, rr, b] = [Math.max(l, q.left), Math.max(t, q.top), Math.min(rr, q.right), Math.min(b, q.bottom)];
    }
    return { l, t, r: rr, b, w: rr - l, h: b - t };
  };
  const titled = (e) => !!e.closest("[title]") || !!e.querySelector("[title]");
  const scrolls = (e) => { for (let p = e; p; p = p.parentElement) { const s = getComputedStyle(p); if (/auto|scroll/.test(s.overflowX) && p.scrollWidth > p.clientWidth + 1) return true; } return false; };

  for (const e of all) {
    const s = getComputedStyle(e);
    const text = (e.textContent ?? "").trim();
    // Text that is cut off: never in what one presses or reads as a name; elsewhere only with the whole text at hand.
    if (text && e.tagName !== "svg" && s.overflowX !== "visible" && !/auto|scroll/.test(s.overflowX) && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0) {
      const must = e.closest("button, label, th, h1, h2, h3, legend, dt, .tag, [role=columnheader], .measure, .top > *:not(.search)");
      const direct = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || s.textOverflow === "ellipsis";
      // A name in a table says itself in full when pointed at and stands whole on its card; a figure or a sign does not.
      const name_of_row = e.closest(".grid") && !e.closest(".right, [role=columnheader]") && !e.querySelector(".tag, .plate");
      if (must || (direct && !name_of_row && !titled(e))) faults.add(`cut off: ${name(e)} (${e.scrollWidth - e.clientWidth} px)`);
    }
    // Text that runs out of its own box over what stands beside it.
    if (text && e.matches("button, .button, .tag, .plate, td, th, dd, dt, .cell, .stat, h1, h2, h3, figcaption") && s.overflowX === "visible" && e.scrollWidth > e.clientWidth + 2 && e.clientWidth > 0 && !scrolls(e)) faults.add(`runs out of its box: ${name(e)} (${e.scrollWidth - e.clientWidth} px)`);
    if (e.tagName === "SELECT" && e.value) {
      const c = document.createElement("canvas").getContext("2d");
      c.font = s.font;
      const w = c.measureText(e.selectedOptions[0]?.text ?? "").width, room = e.clientWidth - parseFloat(s.paddingLeft) - parseFloat(s.paddingRight) - 18;
      if (w > room + 2 && !e.title) faults.add(`choice cut off: ${name(e)} (${Math.round(w - room)} px)`);
    }
    if (e.tagName === "INPUT" && e.placeholder && !e.value) {
      const c = document.createElement("canvas").getContext("2d");
      c.font = getComputedStyle(e, "::placeholder").font;
      const w = c.measureText(e.placeholder).width, room = e.clientWidth - parseFloat(s.paddingLeft) - parseFloat(s.paddingRight);
      if (w > room + 2) faults.add(`hint cut off: ${name(e)} "${e.placeholder}" (${Math.round(w - room)} px)`);
    }
    if (text && [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) && parseFloat(s.fontSize) > 0 && parseFloat(s.fontSize) < (innerWidth >= 3400 ? 18 : 11)) faults.add(`tiny text: ${name(e)} ${s.fontSize}`);
  }

  // What one presses: big enough, and nothing lies on it or beside it within its own edges.
  const press = all.filter((e) => e.matches("button, a[href], select, input, textarea, summary, [role=option]") && !e.disabled);
  const boxes = [];
  for (const e of press) {
    const r = e.getBoundingClientRect(), v = sight(e);
    if (v.w < r.width * 0.6 || v.h < r.height * 0.6 || v.w < 2) continue;
    // A link within a sentence is as high as its line; a mark inside its label is as big as the label.
    const holder = e.matches("input[type=radio], input[type=checkbox]") ? e.closest("label") ?? e : e;
    const h = holder.getBoundingClientRect();
    const inline = e.tagName === "A" && getComputedStyle(e).display === "inline";
    if (!inline && (h.height < least - 0.5 || h.width < least - 0.5)) faults.add(`small target: ${name(e)} ${Math.round(h.width)}x${Math.round(h.height)}`);
    const x = (v.l + v.r) / 2, y = (v.t + v.b) / 2;
    const top = document.elementFromPoint(x, y);
    if (top && top !== e && !e.contains(top) && !top.contains(e) && !top.closest("label")?.contains(e) && !(inline && r.height > 30) && !top.closest(".search-hits") && !top.closest(".moment")?.contains(e)) faults.add(`covered: ${name(e)} by ${name(top)}`);
    boxes.push([e, v]);
  }
  for (let i = 0; i < boxes.length; i++) for (let k = i + 1; k < boxes.length; k++) {
    const [a, p] = boxes[i], [b, q] = boxes[k];
    if (a.contains(b) || b.contains(a) || (a.closest(".moment") && a.closest(".moment") === b.closest(".moment"))) continue;
    const w = Math.min(p.r, q.r) - Math.max(p.l, q.l), h = Math.min(p.b, q.b) - Math.max(p.t, q.t);
    if (w > 3 && h > 3 && !a.closest(".search-hits") && !b.closest(".search-hits")) faults.add(`overlap: ${name(a)} and ${name(b)}`);
  }

  // Words that are not words.
  const said = [];
  for (const e of all) {
    for (const n of e.childNodes) if (n.nodeType === 3 && n.textContent.trim()) said.push([e, n.textContent.trim()]);
    for (const k of ["title", "aria-label", "placeholder", "alt"]) { const x = e.getAttribute(k); if (x) said.push([e, x]); }
  }
  for (const [e, x] of said) {
    if (x.includes("⟦")) faults.add(`untranslated: ${name(e)} ${x}`);
    if (/\b(undefined|NaN|null|Infinity|Invalid Date)\b|\[object /.test(x)) faults.add(`not a word: ${name(e)} ${x}`);
    if (/(^|[^\d-])1[5-9]\d{11}($|[^\d-])/.test(x) && !e.closest("code, pre")) faults.add(`raw milliseconds: ${name(e)} ${x}`);
    if (/^[a-z]+(_[a-z]+)+$/.test(x) && !e.closest("code, pre")) faults.add(`raw code: ${name(e)} ${x}`);
  }
  return [...faults];
}

/** Names and units that stay Latin in a Chinese sentence. */
const LATIN = new Set(["km", "kWh", "MB", "kB", "GB", "TB", "min", "GeoJSON", "CSV", "ZIP", "PDF", "GPS", "API", "LSN", "CPU", "ETC", "RSU", "OBU", "CPC", "VIID", "HTTP", "HTTPS", "UTC", "SHA", "BLAKE", "ffmpeg", "Enter", "Esc", "Ctrl", "Tab", "English", "Tongqu", "syslog"]);

/** Runs in the page: Latin words of three letters and more in what a person reads in Chinese. Ids, plates, keys, code,
 * and what the person typed are no words of ours. */
function latin(known) {
  const found = new Set(), ours = new Set(known);
  const words = (e, x) => {
    if (e.closest("code, pre, kbd, .plate, .hash, .secret, [lang=en], .skip, option[value='']") || !e.checkVisibility()) return;
    // A plate, an id or an address is one word with its digits and signs; it is none of ours.
    const bare = x.replace(/[\u4e00-\u9fff][A-Z][A-Z0-9·?*]{3,8}/g, " ");
    for (const w of bare.split(/[\s\u2e80-\uffff（）()，。：；、“”·…\u00d7→<>=≤≥]+/)) if (/[A-Za-z]{3,}/.test(w) && !/\d|[@_.:?*/-]/.test(w) && !ours.has(w.replace(/[^A-Za-z]/g, ""))) found.add(`${w} in "${x.trim().slice(0, 60)}" (${e.tagName.toLowerCase()}${typeof e.className === "string" && e.className ? "." + e.className.trim().split(/\s+/)[0] : ""})`);
  };
  for (const e of document.querySelectorAll("body *")) {
    for (const n of e.childNodes) if (n.nodeType === 3 && n.textContent.trim()) words(e, n.textContent);
    for (const k of ["title", "aria-label", "placeholder", "alt"]) { const x = e.getAttribute(k); if (x) words(e, x); }
  }
  return [...found];
}

/** Words that were left in English on a Chinese page; `names`: logins and the like, which are nobody's words. */
export function english(b, names = []) {
  return b.run(latin, [...LATIN, ...names]);
}

/** The faults of the page as it stands; 24 px is WCAG's least target, 44 a thumb's. */
export function eye(b, least = 24) {
  return b.run(look, least);
}
