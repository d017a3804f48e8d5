// SPDX-License-Identifier: Apache-2.0
// Modules the build makes.
declare module "pages:registry" {
  import type { Page } from "./kit/page";
  export const pages: Page[];
}
declare module "*.css";
declare module "echarts/lib/i18n/langEN.js";
declare module "echarts/lib/i18n/langZH.js";
