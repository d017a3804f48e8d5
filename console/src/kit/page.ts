// SPDX-License-Identifier: Apache-2.0
// page.ts - what a page says of itself. src/pages/*.tsx each export one `page`; the build finds them.
import type { ComponentType } from "preact";
import type { Face } from "./route";

export interface Page {
  /** First part of the hash. */
  name: string;
  face: Face;
  /** i18n key of the title; `${title}.hint` may say what the page is for. */
  title: string;
  /** Icon name of parts/icon.tsx. */
  icon: string;
  /** Place in the rail, 1..10; 0 = not in the rail. */
  place: number;
  /** After `g`. */
  key: string;
  /** Route rows ("GET /alarms") of which the role must reach one; empty = everybody. */
  needs: string[];
  view: ComponentType;
}
