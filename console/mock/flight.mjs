// SPDX-License-Identifier: Apache-2.0
// flight.mjs - the hit-and-run funnel of the mock server: 120 vehicles, one of them late and changed.
const T = (zh, en) => ({ zh, en });

export function flight({ sites, sighting, random, plate, no, kept }) {
  return (x) => {
    const b = x.body, m = kept(b, x.user), r = random(11);
    if (!(b.to_ms > b.from_ms)) no(400, "bad_request", "时段的结束早于开始。", "The span ends before it begins.", "to_ms");
    if (b.to_ms - b.from_ms > 7200000) no(400, "bad_request", "时段至多两小时：请尽量准确给出案发时间。", "At most two hours.", "to_ms");
    const placed = sites.filter((s) => s.lon !== null).slice(0, 12), at = (b.from_ms + b.to_ms) / 2;
    const candidates = placed.length < 2 ? [] : Array.from({ length: 120 }, (_, i) => {
      const p = plate(r), gone = i % 17 === 16, usual = 62000, took = i === 0 ? 171000 : usual + Math.floor((r() - 0.4) * 40000), look = { vehicle_color: i % 5 === 4 ? 3 : 2 };
      const up = sighting(placed[i % 5], p, Math.floor(at - 40000 - r() * 60000), look), down = gone ? null : sighting(placed[5 + (i % 5)], i === 3 ? "" : p, Math.floor(at + took - 50000), i === 3 ? { ...look, plate_color: 0 } : look);
      return { plate: p, probability: i === 0 ? 0.61 : 0.3 / (i + 1) ** 1.4, at_ms: Math.floor(at), took_ms: gone ? 0 : took, usual_ms: gone ? 0 : usual, others: 48, slower: i === 0 ? 0.02 : 0.5, look_off: i % 5 === 4, plate_off: false,
        changes: i === 3 ? [{ name: "plate_gone", label: T("号牌未识别或遮挡", "plate unread or covered") }] : [], reasons: [{ name: "time", label: T("时间", "time"), ratio: 0.92 }, ...(gone ? [{ name: "gone", label: T("下游未见", "not seen on"), ratio: 3.4 }] : [{ name: "late", label: T("行程偏长", "late"), ratio: i === 0 ? 21.4 : 0.6 }]), { name: "color", label: T("颜色", "colour"), ratio: i % 5 === 4 ? 0.3 : 2.4 }], up, down };
    });
    const n = m.look(candidates.length);
    return { n, at_ms: Date.now(), count: candidates.length, matter: b.matter ?? null, purpose: b.purpose, from_ms: b.from_ms, to_ms: b.to_ms, lon: b.lon ?? placed[0]?.lon ?? 0, lat: b.lat ?? placed[0]?.lat ?? 0, damage: b.damage ?? "",
      steps: [["around", "周边过车", "read around the place", 549], ["there", "时空可达", "can have been there", candidates.length], ["fits", "外观不矛盾", "look not contradicted", 96], ["number", "号牌不矛盾", "plate not contradicted", 96], ["striking", "行程或状态异常", "late, gone or changed", 9]].map(([name, zh, en, vehicles]) => ({ name, label: T(zh, en), vehicles: placed.length ? vehicles : 0 })),
      unseen: 0.07, considered: candidates.length, unread: 17, candidates, sites: placed.map((s, i) => ({ site_id: s.id, site: s.code, name: s.name, dist_m: 200 + i * 350, passes: 300, unread: 0.03, lon: s.lon, lat: s.lat })),
      coverage: { complete: true, sites: placed.length, text: T(`时段内 ${placed.length} 个点位均有数据；未见不等于未经过`, `all ${placed.length} sites delivered in this window; not seen does not prove it was not there`), offline: [], late: [] } };
  };
}
