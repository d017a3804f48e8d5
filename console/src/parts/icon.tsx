// SPDX-License-Identifier: Apache-2.0
// icon.tsx - our own line icons, 20x20, current colour; decoration only, words stand beside them.
const paths: Record<string, string> = {
  map: "M2 5l5-2 6 2 5-2v12l-5 2-6-2-5 2zM7 3v12M13 5v12",
  bell: "M5 14V9a5 5 0 0 1 10 0v5l1.5 2h-13zM8.5 18h3",
  tasks: "M4 3h12v14H4zM7 7h6M7 10h6M7 13h4",
  look: "M8.5 3a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM12.5 12.5L17 17",
  site: "M10 17v-7M4 6l10-3 1.5 5-10 3zM15.500 5.500l2-.5M7 17h6",
  watch: "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5zM10 7.500a2.500 2.500 0 1 1 0 5 2.500 2.500 0 0 1 0-5z",
  org: "M8 3h4v4H8zM2.500 13h4v4h-4zM13.500 13h4v4h-4zM10 7v3M4.500 13v-3h11v3",
  users: "M7 4a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM2 17c0-3 2-5 5-5s5 2 5 5M13 5a2.500 2.500 0 0 1 0 5M14 12c2.500.3 4 2 4 5",
  device: "M3 6h10v8H3zM13 9l4-2v6l-4-2",
  audit: "M5 2h7l3 3v13H5zM12 2v3h3M7.500 9h5M7.500 12h5M7.500 15h3",
  system: "M2 11h4l2-6 3 10 2-6 1 2h4",
  board: "M3 4h14v9H3zM10 13v4M6 17h8M6 10l3-3 2 2 3-3",
  sound: "M3 8v4h3l4 3V5L6 8zM13 7.500c1.300 1.400 1.300 3.600 0 5M15 5.500c2.500 2.500 2.500 6.500 0 9",
  mute: "M3 8v4h3l4 3V5L6 8zM13 8l4 4M17 8l-4 4",
  sun: "M10 6.500a3.500 3.500 0 1 1 0 7 3.500 3.500 0 0 1 0-7zM10 2v2M10 16v2M2 10h2M16 10h2M4.300 4.300l1.400 1.400M14.300 14.300l1.400 1.400M15.700 4.300l-1.400 1.400M5.700 14.300l-1.400 1.400",
  moon: "M16 12A7 7 0 0 1 8 4a7 7 0 1 0 8 8z",
  out: "M8 3H4v14h4M8 10h9M14 7l3 3-3 3",
  play: "M6 4l10 6-10 6z",
  pause: "M6 4v12M14 4v12",
  left: "M12 4l-6 6 6 6",
  right: "M8 4l6 6-6 6",
  close: "M5 5l10 10M15 5L5 15",
  save: "M10 3v9M6 9l4 4 4-4M4 16h12",
  warn: "M10 3l8 14H2zM10 8v4M10 14v1",
  lock: "M5 9h10v8H5zM7 9V6.500a3 3 0 0 1 6 0V9",
  car: "M3 13v-3l2-4h10l2 4v3zM3 13v2h2v-2M15 13v2h2v-2M6 11h1M13 11h1",
  phone: "M6 2h8v16H6zM9 16h2",
  plus: "M10 4v12M4 10h12",
  check: "M4 10l4 4 8-8",
  calendar: "M3 4h14v13H3zM3 8h14M7 2v4M13 2v4",
  keys: "M2 6h16v8H2zM5 9h1M8 9h1M11 9h1M14 9h1M6 12h8",
};

export function Icon({ name, size = 20 }: { name: string; size?: number }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" style={{ width: `${size / 16}rem`, height: `${size / 16}rem` }} aria-hidden="true" focusable="false">
      <path d={paths[name] ?? paths["warn"]} fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round" stroke-linecap="round" />
    </svg>
  );
}
