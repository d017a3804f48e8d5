// SPDX-License-Identifier: Apache-2.0
// model.ts - the shapes of docs/api.md, word for word.

export interface Text { zh: string; en: string }
export type Level = "blue" | "yellow" | "orange" | "red";
export interface Ref { id: number; name: string }
export interface List<T> { items: T[]; next: string | null; as_of_ms: number }
export interface Code extends Text { code: string | number; kinds?: string[] | null }

export interface Session {
  user: { id: number; name: string; display: string; role: string; org: Ref | null; callsign: string | null; unit: number | null };
  csrf: string; must_change_password: boolean; idle_ms: number; expires_ms: number; now_ms: number; may: string[];
}

export interface Option extends Text { value: string | number | boolean }
export type FieldType = "text" | "note" | "choice" | "flag" | "number" | "time" | "unit" | "user" | "org" | "plate" | "point" | "files";
export interface Field extends Text {
  name: string; type: FieldType; required?: boolean; why?: Text | null; options?: Option[]; value?: unknown; max?: number;
  /** Of a number that is a duration: ms, s, min, h, d. */
  unit?: string;
}
export interface LoopMove extends Text {
  name: string; from: string[]; to: string | null; roles: string[]; key: string | null; tone?: string; fields: string[]; phone?: boolean;
}
export interface LoopState extends Text { name: string; kind: string; public: string }
export interface Loop extends Text {
  kind: string; version: number; by_hand: boolean; form?: string[]; states: LoopState[]; moves: LoopMove[]; fields: Field[];
  clocks: (Text & { name: string; budget_ms: number })[];
}
export interface Rule extends Text {
  name: string; level: Level; on: boolean; next_on: boolean; legal: Text;
  parameters: (Text & { name: string; unit: string; min: number; max: number; value: number; default: number; next: number })[];
}
export interface RuleVersion { number: number; since: string | null }
export interface Meta {
  version: string; city: Text; zone: string; now_ms: number; map: { bounds: [number, number, number, number] };
  codes: Record<string, Code[]>; roles: Code[]; purposes: Code[];
  age_tiers: (Text & { to_days: number | null; kinds: string[] | null; approver: boolean })[];
  rule_settings: RuleVersion; rule_settings_next: RuleVersion; rules: Rule[]; look_kinds: Code[]; loops: Loop[];
}

export interface Clock extends Text {
  name: string; state: "running" | "paused" | "stopped"; budget_ms: number; consumed_ms: number; due_ms: number | null; as_of_ms: number;
  next_rung?: { at_ms: number; percent: number; text: Text } | null; fired?: { at_ms: number; percent: number; text: Text }[];
}
export interface Owner { text: string; user: number | null; unit: number | null; org: number | null }
export interface MatterBrief { id: string; kind: string; state: string; seq: number; owner: Owner | null; open: boolean; clock: Clock | null }
export interface Matter {
  id: string; kind: string; title: string; title_text: Text; state: string; state_since_ms: number; level: Level; opened_ms: number; closed_ms: number | null;
  seq: number; open: boolean; owner: Owner | null; org: Ref | null; alarm: string | null; mode: string; clock: Clock | null;
  place: { text: string; lon: number | null; lat: number | null } | null;
}
export interface Move extends Text {
  name: string; key: string | null; tone?: string; to: string; allowed: boolean; reason: Text | null; fields: Field[]; phone?: boolean; undo?: boolean;
}
export interface JournalRow {
  seq: number; at_ms: number; move: string | null; label: Text; from: string | null; to: string;
  by: { id: number; name: string; role: string } | null; fields: Record<string, unknown>; text: Text | null;
}
export interface MatterFull extends Matter {
  fields: Record<string, unknown>; clocks: Clock[]; moves: Move[]; journal: JournalRow[];
  units: { id: number; callsign: string; state: string }[];
  looks: { n: number; at_ms: number; by: string; kind: string; count: number }[];
  children: Matter[]; parent: string | null;
}

export interface Sighting {
  id: string; plate: string; plate_color: number; vehicle_class: string; vehicle_color: number; brand: string; site: string; lane: number | null;
  direction: number | null; time_ms: number; speed_kmh: number | null; confidence: number | null; record_id: string; image: string;
  site_id: number; site_name: string; lon: number | null; lat: number | null; received_ms: number; picture: string | null; plate_original?: string; by_hand?: boolean;
}
export interface Registry {
  plate: string; plate_color: number; plate_class: string; vehicle_class: string; brand: string; vehicle_color: number; status: string[];
  use_nature: string; inspection_ms: number | null; scrap_ms: number | null; owner: string; picture: string | null;
}
export interface Alarm {
  id: string; kind: string; level: Level; state: "raised" | "revised" | "withdrawn"; title: Text; time_ms: number; raised_ms: number; late_ms: number;
  site: { id: number; name: string; lon: number | null; lat: number | null } | null; plate: string; plate_color: number; vehicle_class: string;
  vehicle_color: number; probability: number; passes: number; picture: string | null; stop_blocked: boolean; matter: MatterBrief | null;
}
export interface AlarmFull extends Omit<Alarm, "matter"> {
  words: Text; reasons: (Text & { weight?: number })[];
  numbers: (Text & { name: string; value: number; unit: string; limit: number | null; op: string | null })[];
  evidence: { role: Text; sighting: Sighting; late_ms: number }[]; registry: Registry | null;
  contradictions: { field: string; label: Text; seen: Text; registered: Text }[];
  watch: { id: number; list: string; why: string; author: string; approver: string; to_ms: number; source_ms: number | null } | null;
  camera: { site: number; precision: number | null; closed: number; misread_rate: number | null; clock_error_ms: number | null; muted: boolean } | null;
  legal: Text; history: { at_ms: number; what: string; text: Text; sightings: string[] }[]; purpose: string; matter: MatterFull | null;
}

export type SiteState = "ok" | "late" | "clock" | "degraded" | "silent" | "offline" | "unplaced";
export interface SiteDay { day_ms: number; passes: number; read_rate: number; clock_error_ms: number | null; clock_sd_ms: number | null }
export interface Site {
  id: number; code: string; name: string; kind: string; lon: number | null; lat: number | null; heading_deg: number | null; directions: number[];
  lanes: number; limit_kmh: number | null; org: Ref | null; state: SiteState; reason: Text | null; since_ms: number | null; last_pass_ms: number | null;
  flow: number; flow_usual: number | null; read_rate: number | null; misread_rate: number | null; clock_error_ms: number | null; clock_sd_ms: number | null; devices: number; devices_online: number;
}
export interface SiteFull extends Site {
  late_ms_p95: number | null; precision: { value: number | null; closed: number }; muted: boolean; model: number;
  health: { at_ms: number; state: SiteState; text: Text; level: Level }[]; days: SiteDay[]; device_list: Device[];
}
export interface Flow {
  as_of_ms: number; step_ms: number; from_ms: number; n: number[]; speed_kmh: (number | null)[]; by: Record<string, number[]>;
  lanes: Record<string, number[]>; directions: Record<string, number[]>; usual: (number | null)[]; detail: boolean; unread: number[]; offline: [number, number][];
}
/** A gantry, hour by hour: pictures and tag reads, what agreed, how long each was quiet. */
export interface GantryHours {
  as_of_ms: number; from_ms: number; step_ms: number; gantry: Ref | null; radio: Ref; passes: number[]; read: number[]; tags: number[]; known: number[];
  done: number[]; failed: number[]; obu: number[]; cpc: number[]; paired: number[]; quiet_s: number[]; tag_quiet_s: number[];
}
export interface Unit {
  id: number; callsign: string; kind: string; org: Ref | null; officers: Ref[]; state: string; lon: number | null; lat: number | null;
  fix_ms: number | null; speed_kmh: number | null; heading_deg: number | null; matter: string | null;
}
export interface Suggestion extends Unit { dist_m: number; eta_s: number | null; note: Text | null }
export interface Watch {
  id: number; pattern: string; plate_color: number | null; list: string; level: Level; why: string; matter: string | null; one_misread: boolean;
  state: string; from_ms: number; to_ms: number; author: Ref; approver: Ref | null; decided_ms: number | null; note: string | null;
  expected_false_per_day: number | null; alarms: number; confirmed: number; seq: number;
}
export interface Estimate { false_per_day: number; false_total: number; passes_per_day: number; plates: number; text: Text }
export interface Look {
  n: number; at_ms: number; by: Ref; kind: string; matter: string | null; purpose: string; emergency: boolean; why: string | null;
  confirm_by_ms: number | null; confirmed_by: Ref | null; confirmed_ms: number | null; count: number;
}
export interface LookGrant {
  id: number; matter: string | null; user: Ref; by: Ref | null; from_ms: number; at_ms: number; until_ms: number | null;
  state: "asked" | "given" | "refused" | "ended"; note: string;
}
export interface Ask {
  kind: "subscribe" | "disposition" | "notice" | "other"; cancel: boolean; state: "waiting" | "taken" | "refused"; id: string; title: string; detail: string;
  resource: string; address: string; applicant: string; reason: string; at_ms: number | null; begin_ms: number | null; end_ms: number | null;
  decided_ms: number | null; by: string; note: string;
}
export interface LookResult {
  n: number; at_ms: number; kind: string; matter: string | null; purpose: string; emergency: boolean; confirm_by_ms: number | null; count: number;
  truncated: boolean; rows: Sighting[]; registry: Registry | null; watches: { id: number; list: string; why: string; to_ms: number }[];
  coverage: { complete: boolean; sites: number; text: Text; offline: { site: number; name?: string; from_ms: number; to_ms: number }[];
    late: { site: number; name?: string; by_ms: number }[] };
  gaps?: { after: string; took_ms: number; least_ms: number; free_ms: number; unseen: number; blind: boolean; between: { site: number; name: string }[] }[];
  unseen?: number; missed?: number;
}
export interface Org { id: number; parent: number | null; kind: string; name: string; lon: number | null; lat: number | null; users: number; units: number }
export interface User {
  id: number; name: string; display: string; role: string | null; role_asked: string | null; org: Ref | null; callsign: string | null;
  state: "active" | "waiting" | "locked" | "disabled"; last_ms: number | null; created_ms: number;
}
export interface Device {
  id: number; code: string; name: string; kind: string; site: Ref | null; state: "online" | "offline" | "never" | "disabled"; last_ms: number | null;
  faults: number; objects: number; protocol: string;
}
export interface QualityCounts {
  objects: number; stored: number; duplicates: number; conflicts: number; future: number; expired: number; refused: number; late: number; unread: number; faults: number;
}
export interface Quality extends QualityCounts {
  id: number; code: string; name: string; protocol: string; vendor: string; site: Ref | null; misread_rate: number | null; clock_error_ms: number | null; clock_sd_ms: number | null;
}
export interface QualityFull extends Quality {
  kinds: (Text & { kind: string; n: number; at_ms: number; sample: string })[]; days: (QualityCounts & { day: string })[];
}
export interface AuditRow {
  n: number; at_ms: number; user: string | null; role: string | null; from: string | null; class: string; what: string; label: Text;
  object: string | null; subject: string | null; detail: string | null; matter: string | null; purpose: string | null; outcome: string; count: number | null; hash: string;
}
export interface AuditHead { n: number; hash: string; at_ms: number; signed_ms: number | null; sent: { where: string; at_ms: number; ok: boolean }[] }
export interface AuditFlag { user: string; kind: string; text: Text; at_ms: number; looks: number[] }
export interface System {
  as_of_ms: number; version: string; started_ms: number; state: string; findings: { level: Level; text: Text; since_ms: number }[];
  store: { rows: number; lsn: number; rules_lsn: number; lag_ms: number; bytes: number; oldest_ms: number };
  threads: (Text & { name: string; queue: number; queue_cap: number; busy: number })[];
  disks: { name: string; free_bytes: number; total_bytes: number; reserve_bytes: number }[];
  cameras: { total: number; online: number; late: number }; clients: { streams: number; sessions: number };
  counters: (Text & { name: string; unit: string; value: number; rate: number | null })[];
}
export interface Measure extends Text {
  name: string; unit: string; value: number | null; usual: number | null; good: "low" | "high" | null; trend: (number | null)[]; trend_usual: (number | null)[]; trend_step_ms: number;
}
export interface BoardRow { matter?: string; site?: number; name: string; value: number | null; state: string }
export interface Board { as_of_ms: number; trend_from_ms: number; newest_pass_ms: number | null; measures: Measure[]; changes: { at_ms: number; level: Level; text: Text; matter: string | null }[] }
export interface Hit { type: string; id: string; text: string; sub: Text }

export interface QuestionParam extends Text {
  name: string; type: "number" | "word" | "plates" | "pattern" | "sites" | "windows"; required: boolean; min: number; max: number;
  default: string; unit: string; words: (Text & { name: string })[];
}
export interface QuestionColumn extends Text {
  name: string; shape: "plate" | "site" | "time" | "span" | "count" | "number" | "share" | "word" | "sighting"; unit: string;
}
export interface Question extends Text {
  name: string; what: Text; pitfall: Text; days_max: number; seconds: number; params: QuestionParam[]; columns: QuestionColumn[];
}
export type Cell = string | number | null;
export interface Answer {
  n: number; at_ms: number; question: string; matter: string | null; purpose: string; emergency: boolean; confirm_by_ms: number | null;
  count: number; truncated: boolean; columns: QuestionColumn[]; rows: Cell[][]; pictures: string[][];
  sites: Record<string, { id: number; name: string; lon: number | null; lat: number | null }>;
  facts: (Text & { name: string; unit: string; value: number | null })[]; coverage: LookResult["coverage"];
}
