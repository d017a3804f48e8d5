// SPDX-License-Identifier: Apache-2.0
// cluster.ts - which points of a map lie so close that they are drawn as one bubble. Pure: same points, same answer.
//
// Points are counted into square cells; from the fullest cell on, the points within `reach` of the mean of what is
// left in a cell make a group when they are `least` or more. Cells are of the ground, not of the window, so that
// panning changes no group.

export interface Group { x: number; y: number; at: number[]; box: [number, number, number, number] }

export function clusters(xs: Float64Array, ys: Float64Array, reach: number, least: number): { groups: Group[]; single: number[] } {
  const cells = new Map<number, number[]>();
  const key = (x: number, y: number) => Math.floor(x / reach) * 0x200000 + Math.floor(y / reach);
  for (let i = 0; i < xs.length; i++) {
    const k = key(xs[i]!, ys[i]!), c = cells.get(k);
    if (c) c.push(i);
    else cells.set(k, [i]);
  }
  const taken = new Uint8Array(xs.length), groups: Group[] = [], single: number[] = [];
  for (const [, cell] of [...cells].sort((a, b) => b[1].length - a[1].length || a[0] - b[0])) {
    const left = cell.filter((i) => !taken[i]);
    if (!left.length) continue;
    const cx = left.reduce((s, i) => s + xs[i]!, 0) / left.length, cy = left.reduce((s, i) => s + ys[i]!, 0) / left.length;
    const near: number[] = [];
    for (let dx = -1; dx <= 1; dx++) for (let dy = -1; dy <= 1; dy++) {
      for (const i of cells.get(key(cx + dx * reach, cy + dy * reach)) ?? []) if (!taken[i] && Math.hypot(xs[i]! - cx, ys[i]! - cy) <= reach) near.push(i);
    }
    if (near.length < least) continue;
    const g: Group = { x: 0, y: 0, at: near, box: [Infinity, Infinity, -Infinity, -Infinity] };
    for (const i of near) {
      taken[i] = 1;
      g.x += xs[i]! / near.length;
      g.y += ys[i]! / near.length;
      g.box = [Math.min(g.box[0], xs[i]!), Math.min(g.box[1], ys[i]!), Math.max(g.box[2], xs[i]!), Math.max(g.box[3], ys[i]!)];
    }
    groups.push(g);
  }
  for (let i = 0; i < xs.length; i++) if (!taken[i]) single.push(i);
  return { groups, single };
}
