// SPDX-License-Identifier: Apache-2.0
// bye.ts - what a farewell of the event stream means.

/** The daemon goes and will be back (an upgrade); every other farewell ends the session. */
export function goesOn(bye: string): boolean {
  try {
    return (JSON.parse(bye) as { reason?: string }).reason === "shutdown";
  } catch {
    return false;
  }
}
