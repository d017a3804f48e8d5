// SPDX-License-Identifier: Apache-2.0
// live.ts - rows that are fetched once and kept true by events.
//
// A failed fetch keeps the last good rows and says so; `stale` is true from then on until one succeeds.
import { batch, computed, signal, type ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get, sentence } from "./api";
import type { List } from "./model";
import { on, streamBeat, streamState } from "./stream";
import { now, num } from "./time";

export interface Source<T> {
  readonly rows: ReadonlySignal<T[]>;
  readonly status: ReadonlySignal<"idle" | "loading" | "ready" | "error">;
  readonly error: ReadonlySignal<string>;
  readonly as_of: ReadonlySignal<number>;
  load(): Promise<void>;
}

/** How many rows there are, for a person: while none has ever come, nobody knows, and 0 would be a lie. */
export function counted(of: Source<unknown>, n = of.rows.value.length): string {
  return n || of.status.value === "ready" ? num(n) : "—";
}

const lists: { forget(): void }[] = [];
/** Another person sits down: nothing of what the last one saw is left. */
export function forgetRows(): void {
  for (const l of lists) l.forget();
}

export class Live<T> implements Source<T> {
  private readonly map = signal(new Map<string, T>());
  private waiting = new Map<string, T | null>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private users = 0;
  private off: (() => void)[] = [];
  private turn = 0;
  readonly rows = computed(() => [...this.map.value.values()]);
  readonly status = signal<"idle" | "loading" | "ready" | "error">("idle");
  readonly error = signal("");
  private readonly fetched = signal(0);
  /** Rows kept by the stream are as fresh as the stream; otherwise as the last answer. */
  readonly as_of = computed(() => this.fetched.value === 0 ? 0
    : this.events.length && streamState.value === "open" ? Math.max(this.fetched.value, now.value - 1000) : Math.max(this.fetched.value, this.events.length ? streamBeat.value : 0));

  constructor(private readonly path: () => string, private readonly key: (row: T) => string,
    private readonly events: string[], private readonly keep: (row: T) => boolean = () => true,
    private readonly heard?: (row: T, known: boolean) => void, private readonly max = 20000) {
    lists.push(this);
  }

  forget(): void {
    this.turn++;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waiting.clear();
    batch(() => {
      this.map.value = new Map();
      this.fetched.value = 0;
      this.status.value = "idle";
      this.error.value = "";
    });
  }

  async load(): Promise<void> {
    const turn = ++this.turn;
    if (this.status.value !== "ready") this.status.value = "loading";
    try {
      const map = new Map<string, T>();
      let cursor: string | null = null;
      let as_of = 0, pages = 0;
      do {
        const path: string = this.path();
        const page: List<T> = await get<List<T>>(path + (cursor ? `${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}` : ""));
        if (turn !== this.turn) return;
        for (const row of page.items) if (this.keep(row)) map.set(this.key(row), row);
        cursor = page.next;
        as_of = page.as_of_ms;
        // The first page of many is shown while the others come.
        if (cursor && pages === 0 && this.fetched.value === 0) this.map.value = new Map(map);
      } while (cursor && map.size < this.max && ++pages < 40);
      batch(() => {
        this.map.value = map;
        this.fetched.value = as_of;
        this.status.value = "ready";
        this.error.value = "";
      });
    } catch (e) {
      if (turn !== this.turn) return;
      batch(() => {
        this.status.value = "error";
        this.error.value = sentence(e);
      });
    }
  }

  find(key: string): T | undefined {
    return this.map.value.get(key);
  }

  /** Takes a row that came with an answer or an event; shown within a tenth of a second. */
  put(row: T): void {
    const k = this.key(row);
    this.heard?.(row, this.map.value.has(k) || this.waiting.has(k));
    this.waiting.set(k, this.keep(row) ? row : null);
    this.timer ??= setTimeout(() => this.flush(), 80);
  }
  /** Changes known rows in place of a whole row. */
  patch(key: string, change: Partial<T>): void {
    const row = this.waiting.get(key) ?? this.map.value.get(key);
    if (!row) return;
    this.waiting.set(key, { ...row, ...change });
    this.timer ??= setTimeout(() => this.flush(), 80);
  }
  private flush(): void {
    this.timer = undefined;
    const map = new Map<string, T>();
    // New rows first: lists are newest first.
    for (const [k, v] of [...this.waiting].reverse()) if (v && !this.map.value.has(k)) map.set(k, v);
    for (const [k, v] of this.map.value) {
      const w = this.waiting.get(k);
      if (w === undefined) map.set(k, v);
      else if (w) map.set(k, w);
    }
    this.waiting.clear();
    this.map.value = map;
  }

  /** Keeps the rows live while somebody uses them. */
  attach(): () => void {
    if (this.users++ === 0) {
      void this.load();
      for (const e of this.events) this.off.push(on<T>(e, (row) => { if (row) this.put(row); }));
      this.off.push(on("reset", () => void this.load()), on("again", () => void this.load()));
    }
    return () => {
      if (--this.users === 0) {
        for (const f of this.off.splice(0)) f();
      }
    };
  }
}

export function useLive(...all: { attach(): () => void }[]): void {
  useEffect(() => {
    const off = all.map((x) => x.attach());
    return () => { for (const f of off) f(); };
  }, []);
}
