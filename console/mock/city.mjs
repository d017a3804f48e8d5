// SPDX-License-Identifier: Apache-2.0
// city.mjs - fabricated rows for the mock server: a grid of roads, sites, units, alarms. Plates carry
// letters no registry issues (晋A·T????), so none is anybody's.

export function random(seed) {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let x = Math.imul(s ^ (s >>> 15), 1 | s);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

const NS = ["滨河西路", "滨河东路", "新建路", "解放路", "五一路", "建设路", "并州路", "体育路", "太行路"];
const EW = ["北中环街", "胜利街", "府西街", "迎泽大街", "南内环街", "长风街", "学府街", "亲贤街", "南中环街"];
const X = [112.448, 112.486, 112.512, 112.53, 112.548, 112.562, 112.576, 112.592, 112.618];
const Y = [37.912, 37.896, 37.878, 37.866, 37.848, 37.832, 37.818, 37.804, 37.786];
const SEQ = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789";

export function plate(rnd) {
  let s = "晋A";
  // An I in the sequence is never issued: the plate is nobody's.
  const at = 1 + Math.floor(rnd() * 3);
  for (let i = 0; i < 5; i++) s += i === 0 ? "T" : i === at ? "I" : SEQ[Math.floor(rnd() * SEQ.length)];
  return s;
}

export function roads() {
  const f = [];
  const line = (cls, name, pts) => f.push({ type: "Feature", properties: { class: cls, name }, geometry: { type: "LineString", coordinates: pts } });
  const bend = (i, j) => [X[i] + Math.sin(j * 1.7 + i) * 0.0013, Y[j] + Math.cos(i * 1.3 + j) * 0.0011];
  NS.forEach((n, i) => line(i === 0 || i === 8 ? "ring" : i % 3 === 1 ? "trunk" : "primary", n, Y.map((_, j) => bend(i, j))));
  EW.forEach((n, j) => line(j === 0 || j === 8 ? "ring" : j === 3 ? "trunk" : "primary", n, X.map((_, i) => bend(i, j))));
  for (let i = 0; i < 8; i++) for (let k = 0; k < 3; k++) line("secondary", "", Y.map((_, j) => { const a = bend(i, j), b = bend(i + 1, j), t = (k + 1) / 4; return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t]; }));
  return { type: "FeatureCollection", features: f };
}

export function makeSites(n, now) {
  const rnd = random(7), spread = random(11);
  const rows = [];
  // Beyond ten cameras a crossing the others stand along the side streets, up to half a block away.
  const off = Array.from({ length: n }, (_, k) => (k < 810 ? [0, 0] : [(spread() - 0.5) * 0.018, (spread() - 0.5) * 0.016]));
  const away = (k, axis) => off[k][axis];
  for (let k = 0; k < n; k++) {
    const i = k % 9, j = Math.floor(k / 9) % 9;
    const along = Math.floor(k / 81);
    const r = rnd();
    const state = r < 0.955 ? "ok" : r < 0.97 ? "late" : r < 0.976 ? "clock" : r < 0.981 ? "degraded" : r < 0.987 ? "silent" : r < 0.995 ? "offline" : "unplaced";
    const flow = state === "offline" || state === "silent" ? 0 : Math.floor(rnd() ** 2 * 150);
    const dir = ["东向西", "西向东", "南向北", "北向南"][along % 4];
    rows.push({
      id: k + 1, code: "1401000000" + String(10000 + k).padStart(10, "0"), name: `${NS[i]}${EW[j]}${along ? `${along}号` : ""}${dir}`, kind: k % 7 ? "camera" : "gantry",
      lon: state === "unplaced" ? null : +(X[i] + Math.sin(j * 1.7 + i) * 0.0013 + away(k, 0) + (along % 2 ? 0 : (along % 5 - 2) * 0.004)).toFixed(6),
      lat: state === "unplaced" ? null : +(Y[j] + Math.cos(i * 1.3 + j) * 0.0011 + away(k, 1) + (along % 2 ? (along % 5 - 2) * 0.0035 : 0)).toFixed(6),
      heading_deg: [270, 90, 0, 180][along % 4], directions: [[2, 1, 4, 3][along % 4]], lanes: 2 + (k % 4), limit_kmh: [50, 60, 70, 80][k % 4], org: { id: 2 + (k % 4), name: ["迎泽大队", "杏花岭大队", "小店大队", "万柏林大队"][k % 4] },
      state, last_pass_ms: state === "offline" || state === "silent" ? now - 2460000 : now - Math.floor(rnd() * 60000), flow, flow_usual: state === "offline" || state === "silent" ? 40 + (k % 30) : Math.max(0, flow + Math.floor((rnd() - 0.5) * 20)),
      read_rate: state === "degraded" ? 0.48 : +(0.88 + rnd() * 0.11).toFixed(3), misread_rate: 0.004, clock_error_ms: state === "clock" ? -43000 : Math.floor((rnd() - 0.5) * 3000), clock_sd_ms: 900, reason: null, since_ms: state === "ok" || state === "late" ? null : now - 2460000, devices: 1, devices_online: state === "offline" ? 0 : 1,
    });
  }
  return rows;
}

export function picture(color, text, night, seed) {
  const rnd = random(seed);
  const sky = night ? "#0c1118" : "#7f8b93", road = night ? "#1b2026" : "#565c61";
  const w = 150 + rnd() * 30;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 480"><rect width="640" height="480" fill="${sky}"/><path d="M150 480L290 110h60l140 370z" fill="${road}"/>
<path d="M316 130l-4 60M308 240l-6 80M298 370l-8 90" stroke="#c9cdbd" stroke-width="5"/><g transform="translate(${320 - w / 2} 200)"><rect x="6" y="60" width="${w}" height="92" rx="16" fill="${color}"/><path d="M26 62l18-44h${w - 76}l18 44z" fill="${color}"/><path d="M40 60l12-34h${w - 92}l12 34z" fill="#1d2b36"/>
<rect x="14" y="92" width="30" height="16" rx="5" fill="#fff4cc"/><rect x="${w - 34}" y="92" width="30" height="16" rx="5" fill="#fff4cc"/><rect x="${w / 2 - 40}" y="112" width="92" height="24" rx="3" fill="#1d4fa3"/><text x="${w / 2 + 6}" y="130" font-family="sans-serif" font-size="17" font-weight="700" fill="#fff" text-anchor="middle">${text}</text><rect x="16" y="150" width="26" height="16" fill="#111"/><rect x="${w - 30}" y="150" width="26" height="16" fill="#111"/></g>
<text x="12" y="26" font-family="monospace" font-size="16" fill="#f4f6e8">MOCK ${Math.floor(seed)}</text></svg>`;
}
