// SPDX-License-Identifier: Apache-2.0
// geojson.ts - an answer's rows as a file for maps: a point at a row's only site, a line where it has several.
import type { Answer } from "./model";
import { save } from "./csv";
import { instant, serverNow } from "./time";

export function answerGeoJson(a: Answer, mark: string): string {
  const places = a.columns.map((c, k) => (c.shape === "site" ? k : -1)).filter((k) => k >= 0);
  const features = a.rows.map((row) => {
    const at = places.map((k) => a.sites[String(row[k])]).filter((s) => s && s.lon !== null).map((s) => [s!.lon, s!.lat]);
    const geometry = at.length === 0 ? null : at.length === 1 ? { type: "Point", coordinates: at[0] } : { type: "LineString", coordinates: at };
    return { type: "Feature", geometry, properties: Object.fromEntries(a.columns.map((c, k) => [c.name, row[k] ?? null])) };
  });
  return JSON.stringify({ type: "FeatureCollection", mark, coverage: a.coverage.text, features });
}

export function saveGeoJson(name: string, a: Answer, mark: string): void {
  save(`${name}-${instant(serverNow()).replace(/\D+/g, "")}.geojson`, answerGeoJson(a, mark), "application/geo+json");
}
