// SPDX-License-Identifier: Apache-2.0
// flight.ts - the funnel's answer, and the verdicts of its contact sheet: entries of the matter's journal, of which the
// last one of a vehicle counts.
import { ApiError, get, once, post } from "./api";
import type { LookResult, MatterFull, Sighting, Text } from "./model";

export interface Named { name: string; label: Text }
export interface Candidate {
  plate: string; probability: number; at_ms: number; took_ms: number; usual_ms: number; others: number; slower: number;
  look_off: boolean; plate_off: boolean; changes: Named[]; reasons: (Named & { ratio: number })[]; up: Sighting | null; down: Sighting | null;
}
export interface Funnel {
  n: number; at_ms: number; count: number; matter: string | null; purpose: string; from_ms: number; to_ms: number; lon: number; lat: number; damage: string;
  steps: (Named & { vehicles: number })[]; unseen: number; considered: number; unread: number; candidates: Candidate[];
  sites: { site_id: number; site: string; name: string; dist_m: number; passes: number; unread: number; lon: number; lat: number }[];
  coverage: LookResult["coverage"];
}

export type Verdict = "fits" | "perhaps" | "excluded";
export const MOVE = "judge_candidate";

/** What stands now: of several entries on one vehicle the last counts, "undone" takes it away. */
export function verdictsOf(m: MatterFull | null): Map<string, Verdict> {
  const out = new Map<string, Verdict>();
  for (const j of m?.journal ?? []) {
    if (j.move !== MOVE) continue;
    const plate = String(j.fields["candidate"] ?? ""), v = String(j.fields["verdict"] ?? "");
    if (v === "undone") out.delete(plate);
    else out.set(plate, v as Verdict);
  }
  return out;
}
/** Can verdicts be kept in this matter now? */
export function keeps(m: MatterFull | null): boolean {
  return !!m?.moves.some((x) => x.name === MOVE && x.allowed);
}

/** One verdict after the other, each on the newest state; who was overtaken by somebody else reads again and goes on. */
export async function judge(m: MatterFull, c: Candidate, verdict: Verdict | "undone"): Promise<MatterFull> {
  const fields: Record<string, unknown> = { candidate: c.plate, verdict };
  if (c.up) fields["upstream_pass"] = c.up.id;
  if (c.down) fields["downstream_pass"] = c.down.id;
  const path = `/matters/${encodeURIComponent(m.id)}`, mark = once();
  let seq = m.seq;
  for (let tries = 0; ; tries++) {
    try {
      return await post<MatterFull>(`${path}/moves`, { move: MOVE, seq, fields, once: `${mark}${tries}` });
    } catch (e) {
      if (!(e instanceof ApiError) || e.code !== "conflict" || tries >= 3) throw e;
      seq = (await get<MatterFull>(path)).seq;
    }
  }
}
