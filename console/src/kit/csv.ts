// SPDX-License-Identifier: Apache-2.0
// csv.ts - a table as a file for spreadsheets: UTF-8 with BOM, formulas escaped, a watermark line.
import { t } from "./i18n";
import { session } from "./session";
import { instant, serverNow } from "./time";

export function csvField(v: string): string {
  const safe = /^[=+\-@\t\r]/.test(v) && !/^-?\d+(\.\d+)?$/.test(v) ? "'" + v : v;
  return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

export function saveCsv(name: string, head: string[], rows: string[][], mark = ""): void {
  const water = t("export.mark", { who: session.value?.user.display ?? "", at: `${new Date(serverNow()).toISOString()}`, mark: mark || "-" });
  const text = "\ufeff" + [[water], head, ...rows].map((r) => r.map(csvField).join(",")).join("\r\n") + "\r\n";
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const a = document.createElement("a");
  a.href = url;
  a.download = `${name}-${instant(serverNow()).replace(/\D+/g, "")}.csv`;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
