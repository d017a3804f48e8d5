// SPDX-License-Identifier: Apache-2.0
// csv.ts - a table as a file for spreadsheets: UTF-8 with BOM, formulas escaped, a watermark line.
import { t } from "./i18n";
import { session } from "./session";
import { instant, serverNow } from "./time";

export function csvField(v: string): string {
  const safe = /^[=+\-@\t\r]/.test(v) && !/^-?\d+(\.\d+)?$/.test(v) ? "'" + v : v;
  return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

/** The line that says who took a file out, when, and from which look. */
export function watermark(mark: string): string {
  return t("export.mark", { who: session.value?.user.display ?? "", at: `${new Date(serverNow()).toISOString()}`, mark: mark || "-" });
}

export function save(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

export function saveCsv(name: string, head: string[], rows: string[][], mark = ""): void {
  const text = "\ufeff" + [[watermark(mark)], head, ...rows].map((r) => r.map(csvField).join(",")).join("\r\n") + "\r\n";
  save(`${name}-${instant(serverNow()).replace(/\D+/g, "")}.csv`, text, "text/csv");
}
