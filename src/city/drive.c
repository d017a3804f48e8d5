/* SPDX-License-Identifier: Apache-2.0 */
/* drive.c - habits, ways and passes.
 *
 * A trip goes from place to place: local street, trunk roads (and perhaps the ring),
 * local street. A place is a cell with a spot in it, or a ring junction. Speeds change
 * with the hour; a lorry that would break a ban stays where it is and tries an hour
 * later, so only planted ones break it.
 */
#include "city/drive.h"

#include <stdlib.h>
#include <string.h>

enum { WHAT_HABIT = 400, WHAT_DAY, WHAT_SEEN, WHAT_HOME, WHAT_WORK, WHAT_TASTE };

#define MINUTE 60000
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define WAY_MAX 96
/* Lorries keep this far from a ban window: camera clocks are wrong by minutes. */
#define SLACK_MIN 16

struct place {
    int at; /* cell 0..63, or 100 + ring junction */
    uint64_t spot;
};
#define RINGS 100

struct way {
    uint8_t node[WAY_MAX];
    int n;
};

void
drive_init(
    struct drive *d, const struct shape *shape, const struct plan *plan, uint64_t seed,
    int weekday0)
{
    memset(d, 0, sizeof *d);
    d->shape = shape;
    d->plan = plan;
    d->seed = seed;
    d->weekday0 = weekday0;
}

void
drive_release(struct drive *d)
{
    free(d->out);
    d->out = NULL;
    d->n = d->room = 0;
}

/* ---- passes ---- */

static void
push(struct drive *d, struct drive_pass p)
{
    if (d->n == d->room) {
        size_t room = d->room ? d->room * 2 : 1 << 16;
        struct drive_pass *out = realloc(d->out, room * sizeof *out);
        must(out != NULL);
        d->out = out;
        d->room = room;
    }
    d->out[d->n++] = p;
}

static void
note_ban(struct drive *d, const struct shape_site *s, int64_t t)
{
    int64_t ms = (t % DAY + DAY) % DAY;
    for (int z = 0; z < SHAPE_ZONES; z++) {
        const struct shape_zone *q = &d->shape->zone[z];
        if (plan_zone_bans(q, d->vehicle_class) && plan_zone_holds(q, s->x_m, s->y_m) &&
            plan_zone_open(q, ms, SLACK_MIN))
            d->broke = true;
    }
}

/* The car goes by a site at t (of the day) with speed v: does the site watch this
 * direction, and does the camera take it? */
static void
pass_site(struct drive *d, int site, int dir, int64_t t, int kmh)
{
    const struct shape_site *s = &d->shape->site[site];
    t += d->shift_ms;
    if (d->lorry && !d->licensed)
        note_ban(d, s, t);
    if (!(s->dirs >> dir & 1))
        return;
    int64_t at = (int64_t)d->day * DAY + t;
    uint64_t h = rnd_hash(
        d->seed, WHAT_SEEN + (uint64_t)site * 8, (uint64_t)at ^ d->car * 977ull);
    if (!d->keep && (h & 255) < 17)
        return; /* a twentieth and more pass untaken */
    at += (int64_t)(h >> 8) % 997 - 498;
    unsigned lane = 1 + (unsigned)((h >> 20) % s->lanes);
    if (d->lorry || d->vehicle_class[1] == '1')
        lane = s->lanes > 1 && (h >> 28) % 3 == 0 ? s->lanes - 1u : s->lanes;
    int v = kmh * (int)(85 + (h >> 32) % 36) / 100;
    v = v < 3 ? 3 : v > 180 ? 180 : v;
    push(
        d, (struct drive_pass){
               at, d->car, (uint16_t)site, (uint8_t)dir, (uint8_t)lane, (uint8_t)v,
               d->keep});
}

/* ---- ways over the trunk roads ---- */

static void
way_add(struct way *w, int node)
{
    must(w->n < WAY_MAX);
    if (w->n == 0 || w->node[w->n - 1] != node)
        w->node[w->n++] = (uint8_t)node;
}

static void
way_along_row(struct way *w, int r, int from, int to)
{
    for (int c = from; c != to; c += to > from ? 1 : -1)
        way_add(w, r * 9 + c);
    way_add(w, r * 9 + to);
}

static void
way_along_column(struct way *w, int c, int from, int to)
{
    for (int r = from; r != to; r += to > from ? 1 : -1)
        way_add(w, r * 9 + c);
    way_add(w, to * 9 + c);
}

/* Four tastes: along then across, across then along, and both with the turn half way.
 */
static void
way_grid(struct way *w, int a, int b, unsigned taste)
{
    int r1 = a / 9, c1 = a % 9, r2 = b / 9, c2 = b % 9;
    switch (taste & 3) {
    case 0:
        way_along_row(w, r1, c1, c2);
        way_along_column(w, c2, r1, r2);
        return;
    case 1:
        way_along_column(w, c1, r1, r2);
        way_along_row(w, r2, c1, c2);
        return;
    case 2:
        way_along_row(w, r1, c1, (c1 + c2) / 2);
        way_along_column(w, (c1 + c2) / 2, r1, r2);
        way_along_row(w, r2, (c1 + c2) / 2, c2);
        return;
    default:
        way_along_column(w, c1, r1, (r1 + r2) / 2);
        way_along_row(w, (r1 + r2) / 2, c1, c2);
        way_along_column(w, c2, (r1 + r2) / 2, r2);
    }
}

static void
way_ring(struct way *w, int i, int j)
{
    int step = (j - i + SHAPE_RING) % SHAPE_RING <= SHAPE_RING / 2 ? 1 : SHAPE_RING - 1;
    for (; i != j; i = (i + step) % SHAPE_RING)
        way_add(w, SHAPE_GRID + i);
    way_add(w, SHAPE_GRID + j);
}

#define TASTE_RING 4u /* prefers the ring */

static void
way_between(const struct drive *d, struct way *w, int a, int b, unsigned taste)
{
    bool ring_a = a >= SHAPE_GRID, ring_b = b >= SHAPE_GRID;
    if (ring_a && ring_b) {
        way_ring(w, a - SHAPE_GRID, b - SHAPE_GRID);
        return;
    }
    if (ring_a) {
        int i = a - SHAPE_GRID;
        if (taste & TASTE_RING) {
            int j = shape_ring_near(d->shape, b);
            way_ring(w, i, j);
            i = j;
        } else {
            way_add(w, a);
        }
        way_grid(w, shape_ring_inner(i), b, taste);
        return;
    }
    if (ring_b) {
        int j = b - SHAPE_GRID,
            i = (taste & TASTE_RING) ? shape_ring_near(d->shape, a) : j;
        way_grid(w, a, shape_ring_inner(i), taste);
        way_ring(w, i, j);
        return;
    }
    way_grid(w, a, b, taste);
}

/* ---- driving ---- */

/* Speed at this hour in parts per thousand of that on the empty road. */
static int
flow_permille(int64_t t)
{
    int64_t m = (t % DAY + DAY) % DAY / MINUTE;
    if (m < 360 || m >= 1350)
        return 1000;
    if ((m >= 432 && m < 552) || (m >= 1020 && m < 1152))
        return 550;
    return 780;
}

/* Drives edge i of a way from t; the time at its end. */
static int64_t
drive_edge(struct drive *d, const struct way *w, int i, int64_t t)
{
    int a = w->node[i], b = w->node[i + 1];
    const struct shape_edge *g = shape_edge_between(d->shape, a, b);
    bool forward = g->a == a, fast = i >= d->fast_from && i < d->fast_to;
    int dir = forward ? g->dir_ab : g->dir_ba;
    int milli_kmh =
        fast ? d->fast_kmh * 1000
             : g->free_kmh * flow_permille(t) * (int)rnd_range(&d->r, 75, 110) / 100;
    int64_t whole = (int64_t)g->len_m * 3600 * 1000 / milli_kmh;
    bool here = d->scene && i == d->scene_edge;
    int pause = here ? (int)rnd_range(&d->r, 60, 150) * 1000 : 0;
    uint8_t keep = d->keep;
    if (fast)
        d->keep = DRIVE_KEEP;
    for (int k = 0; k < g->n; k++) {
        int q = forward ? k : g->n - 1 - k;
        int permille = forward ? g->at[q].permille : 1000 - g->at[q].permille;
        pass_site(
            d, g->at[q].site, dir,
            t + whole * permille / 1000 + (permille > 500 ? pause : 0),
            milli_kmh / 1000);
    }
    if (here) {
        d->scene->t_ms = (int64_t)d->day * DAY + t + whole / 2;
        d->scene->x_m = (d->shape->node[a].x + d->shape->node[b].x) / 2;
        d->scene->y_m = (d->shape->node[a].y + d->shape->node[b].y) / 2;
        d->scene->done = true;
    }
    t += whole + pause;
    if (b < SHAPE_GRID) {
        if (!fast && rnd_below(&d->r, 10) < 4)
            t += rnd_range(&d->r, 1, 50) * 1000;
        pass_site(d, d->shape->node_site[b], dir, t, milli_kmh * 4 / 5000);
        if (!fast)
            t += 3000;
    }
    d->keep = keep;
    return t;
}

static int64_t
drive_way(struct drive *d, const struct way *w, int64_t t)
{
    if (d->scene)
        d->scene_edge = (uint8_t)((w->n - 1) / 2);
    for (int i = 0; i + 1 < w->n; i++)
        t = drive_edge(d, w, i, t);
    return t;
}

/* ---- places ---- */

static int
spot_site(const struct drive *d, struct place p)
{
    unsigned n = d->shape->cell_n[p.at];
    return n ? d->shape->cell_site[p.at][p.spot % n] : 0;
}

static void
spot_xy(const struct drive *d, struct place p, int32_t *x, int32_t *y)
{
    int site = spot_site(d, p), r = p.at / 8, c = p.at % 8;
    *x = site ? d->shape->site[site].x_m : (d->shape->gx[c] + d->shape->gx[c + 1]) / 2;
    *y = site ? d->shape->site[site].y_m : (d->shape->gy[r] + d->shape->gy[r + 1]) / 2;
}

/* The corner of the cell by which a place is left or entered. */
static int
corner(struct place p)
{
    return (p.at / 8 + (int)(p.spot >> 7 & 1)) * 9 + p.at % 8 + (int)(p.spot >> 8 & 1);
}

/* From the spot to the corner or back: time taken, and the local camera at the spot. */
static int64_t
drive_local(struct drive *d, struct place p, int64_t t, bool arriving)
{
    int32_t x, y;
    spot_xy(d, p, &x, &y);
    int node = corner(p), site = spot_site(d, p);
    int32_t m = shape_dist(x, y, d->shape->node[node].x, d->shape->node[node].y);
    int64_t takes = (int64_t)m * 3600 / rnd_range(&d->r, 18, 30) + 5000;
    int64_t at = arriving ? t + takes : t;
    if (site && rnd_below(&d->r, 100) < 62) {
        int way = (int)(p.spot >> 9 & 1) ^ (arriving ? 1 : 0);
        pass_site(d, site, (d->shape->site[site].dirs & 2 ? 1 : 3) + way, at, 28);
    }
    return t + takes;
}

/* A trip; its end time, or -1 when a lorry would break a ban (then nothing was driven).
 */
static int64_t
trip(struct drive *d, struct place a, struct place b, unsigned taste, int64_t t)
{
    size_t start = d->n;
    d->broke = false;
    if (a.at == b.at && a.at < RINGS) {
        t = drive_local(d, a, t, false);
        t = drive_local(d, b, t + 2 * MINUTE, true);
    } else {
        struct way w = {.n = 0};
        int na = a.at >= RINGS ? SHAPE_GRID + a.at - RINGS : corner(a);
        int nb = b.at >= RINGS ? SHAPE_GRID + b.at - RINGS : corner(b);
        if (a.at < RINGS)
            t = drive_local(d, a, t, false);
        way_between(d, &w, na, nb, taste);
        t = drive_way(d, &w, t);
        if (b.at < RINGS)
            t = drive_local(d, b, t, true);
    }
    if (d->broke) {
        d->n = start;
        return -1;
    }
    return t;
}

/* A cell, the centre more often. */
static int
some_cell(uint64_t h)
{
    int r = (int)((h & 7) + (h >> 3 & 7)) / 2,
        c = (int)((h >> 6 & 7) + (h >> 9 & 7)) / 2;
    if ((h >> 12) % 10 < 4) {
        r = (int)(h >> 16 & 7);
        c = (int)(h >> 20 & 7);
    }
    return r * 8 + c;
}

static struct place
place_of(uint64_t h)
{
    return (struct place){some_cell(h), rnd_mix(h + 1) >> 3};
}

static struct place
anywhere(struct drive *d)
{
    return place_of(rnd_next(&d->r));
}

static struct place
ring_place(uint64_t h)
{
    return (struct place){RINGS + (int)(h % SHAPE_RING), 0};
}

/* An hour of the day as the city lives, ms. */
static int64_t
some_hour(struct drive *d)
{
    static const uint8_t weight[24] = {7,  4,  3,  3,  5,  12, 30, 58, 62, 56, 52, 50,
                                       46, 46, 50, 52, 56, 64, 60, 50, 42, 34, 24, 14};
    int sum = 0, h = 0;
    for (int i = 0; i < 24; i++)
        sum += weight[i];
    for (int k = (int)rnd_below(&d->r, (uint32_t)sum); k >= weight[h]; h++)
        k -= weight[h];
    return (int64_t)h * HOUR + rnd_range(&d->r, 0, HOUR - 1);
}

static int64_t
minutes(struct drive *d, int lo, int hi)
{
    return rnd_range(&d->r, lo * MINUTE, hi * MINUTE);
}

static uint64_t
habit(const struct drive *d, uint64_t who, uint64_t what)
{
    return rnd_hash(d->seed, WHAT_HABIT + 16 * what, who);
}

/* ---- habits ---- */

static void
day_taxi(struct drive *d)
{
    if (rnd_below(&d->r, 100) < 6)
        return;
    bool two_shifts = habit(d, d->car, 1) % 10 < 6;
    int64_t t = minutes(d, 310, 410);
    int64_t end = two_shifts ? minutes(d, 1450, 1530) : minutes(d, 1080, 1320);
    struct place a = place_of(habit(d, d->car, WHAT_HOME));
    while (t < end) {
        struct place b = anywhere(d);
        if (b.at == a.at)
            b.at = (b.at + 1 + (int)rnd_below(&d->r, 63)) % 64;
        bool quiet = t % DAY < 6 * HOUR || t % DAY > 22 * HOUR;
        t += minutes(d, 2, quiet ? 40 : 18);
        t = trip(d, a, b, rnd_below(&d->r, 4), t);
        a = b;
    }
}

static void
day_hail(struct drive *d)
{
    if (rnd_below(&d->r, 100) < 15)
        return;
    int n = 3 + (int)rnd_below(&d->r, 9);
    struct place a = place_of(habit(d, d->car, WHAT_HOME));
    int64_t t = minutes(d, 340, 900);
    for (int i = 0; i < n && t < 26 * HOUR; i++) {
        struct place b = anywhere(d);
        t += minutes(d, 5, 45);
        t = trip(d, a, b, rnd_below(&d->r, 4), t);
        a = b;
    }
}

/* Goods: from the hub on the ring (or a yard) to places and back, never into a ban. */
static void
day_goods(struct drive *d, bool heavy)
{
    if (rnd_below(&d->r, 100) < 20)
        return;
    struct place hub = heavy ? ring_place(habit(d, d->car, WHAT_HOME))
                             : place_of(habit(d, d->car, WHAT_HOME));
    struct place a = hub;
    int64_t t = minutes(d, 270, 700);
    int legs = 2 + (int)rnd_below(&d->r, 3);
    for (int i = 0, refused = 0; i < legs && refused < 3 && t < 23 * HOUR;) {
        struct place b = hub;
        if (!(i & 1))
            b = heavy && rnd_below(&d->r, 10) < 6 ? ring_place(rnd_next(&d->r))
                                                  : anywhere(d);
        if (b.at == a.at)
            b = ring_place(rnd_next(&d->r));
        int64_t start = t + minutes(d, 20, 60);
        int64_t end =
            trip(d, a, b, rnd_below(&d->r, 4) | (heavy ? TASTE_RING : 0), start);
        if (end < 0) {
            t += HOUR;
            refused++;
            continue;
        }
        t = end;
        a = b;
        i++;
    }
}

static void
day_tipper(struct drive *d)
{
    if (rnd_below(&d->r, 100) < 25)
        return;
    struct place pit = ring_place(habit(d, d->car, WHAT_HOME));
    struct place site = place_of(habit(d, d->car, WHAT_WORK));
    unsigned taste = (unsigned)(habit(d, d->car, WHAT_TASTE) & 3) | TASTE_RING;
    int64_t t = minutes(d, 80, 120);
    for (int i = 0; i < 2 && t >= 0 && t < 4 * HOUR; i++) {
        t = trip(d, pit, site, taste, t + minutes(d, 2, 8));
        if (t >= 0)
            t = trip(d, site, pit, taste, t + minutes(d, 10, 15));
    }
    if (rnd_below(&d->r, 2)) {
        t = trip(d, pit, site, taste, 22 * HOUR + minutes(d, 17, 25));
        if (t >= 0)
            trip(d, site, pit, taste, t + minutes(d, 8, 12));
    }
}

static void
day_bus(struct drive *d)
{
    struct place a = place_of(habit(d, d->car, WHAT_HOME));
    struct place b = place_of(habit(d, d->car, WHAT_WORK));
    if (a.at == b.at)
        b.at = (a.at + 27) % 64;
    unsigned taste = (unsigned)(habit(d, d->car, WHAT_TASTE) & 3);
    int64_t t = minutes(d, 345, 395);
    while (t < 21 * HOUR) {
        t = trip(d, a, b, taste, t + minutes(d, 8, 18));
        t = trip(d, b, a, taste, t + minutes(d, 30, 60));
    }
}

/* Long-distance and tourist coaches: out by a ring junction in the morning, back by the
 * evening. */
static void
day_coach(struct drive *d, bool by_night)
{
    struct place home = place_of(habit(d, d->car, WHAT_HOME));
    struct place gate = ring_place(habit(d, d->car, WHAT_WORK));
    unsigned taste = (unsigned)(habit(d, d->car, WHAT_TASTE) & 3);
    int64_t t = minutes(d, 330, 480);
    if (by_night) {
        d->keep = DRIVE_KEEP;
        t = trip(d, gate, home, taste, minutes(d, 135, 230));
        d->keep = 0;
        t += minutes(d, 180, 240);
    }
    t = trip(d, home, gate, taste, t);
    t += minutes(d, 240, 480);
    trip(d, gate, home, taste, t);
}

/* A visitor comes on one day of seven, in by one ring junction and out by another; one
 * in ten stays the night. */
static void
day_visitor(struct drive *d)
{
    uint64_t h = habit(d, d->car, 1);
    unsigned first = (unsigned)(h % 7), today = (unsigned)((d->day + 7) % 7);
    bool stays = (h >> 20) % 10 == 0, second = today == (first + 1) % 7;
    if (today != first && !(stays && second))
        return;
    bool coach = d->vehicle_class[1] == '1' && !d->lorry;
    struct place in = ring_place(h >> 24), out = ring_place(h >> 32);
    if (in.at == out.at)
        out = ring_place((h >> 24) + 7);
    int64_t t = some_hour(d);
    if ((coach || second) && t < 6 * HOUR)
        t += 6 * HOUR;
    if (d->lorry || (!stays && (h >> 40) % 10 < 3)) { /* passes through by the ring */
        if (today == first)
            trip(d, in, out, TASTE_RING, t);
        return;
    }
    struct place p = place_of(rnd_mix(h));
    unsigned taste = (unsigned)(h >> 44) & 3;
    if (today == first)
        t = trip(d, in, p, taste, t);
    if (coach && t > 22 * HOUR)
        return;
    if (rnd_below(&d->r, 10) < 6) {
        struct place q = anywhere(d);
        t = trip(d, p, q, taste, t + minutes(d, 40, 120));
        if (stays && today == first)
            t = trip(d, q, p, taste, t + minutes(d, 40, 60));
        else
            p = q;
    }
    if (stays && today == first)
        return;
    t += minutes(d, 30, 200);
    if ((h >> 50) % 10 < 8 && t < (coach ? 24 * HOUR : 27 * HOUR))
        trip(d, p, out, taste, t);
}

/* Who drives like whom: a convoy follower drives its leader's day. */
static void
resident_work(struct drive *d, uint64_t who)
{
    struct place home = place_of(habit(d, who, WHAT_HOME));
    struct place work = place_of(habit(d, who, WHAT_WORK));
    unsigned taste = (unsigned)(habit(d, who, WHAT_TASTE) & 3);
    int64_t leave = (int64_t)(7 * 60 + 42) * MINUTE +
                    rnd_scale(habit(d, who, 2), 108 * MINUTE) - 54 * MINUTE +
                    rnd_bell(&d->r, 12 * MINUTE);
    unsigned way = rnd_below(&d->r, 100) < 88 ? taste : rnd_below(&d->r, 4);
    int64_t t = trip(d, home, work, way, leave);
    struct place at = work;
    if (rnd_below(&d->r, 100) < 14) {
        struct place b = anywhere(d);
        int64_t go = minutes(d, 680, 830);
        t = trip(
            d, at, b, rnd_below(&d->r, 4), go < t + 10 * MINUTE ? t + 10 * MINUTE : go);
        t += minutes(d, 30, 60);
        t = trip(d, b, at, rnd_below(&d->r, 4), t);
    }
    int64_t back = (int64_t)(17 * 60 + 42) * MINUTE +
                   rnd_scale(habit(d, who, 3), 96 * MINUTE) - 48 * MINUTE +
                   rnd_bell(&d->r, 27 * MINUTE);
    t = back < t + 10 * MINUTE ? t + 10 * MINUTE : back;
    if (rnd_below(&d->r, 100) < 22) {
        struct place b = anywhere(d);
        t = trip(d, at, b, rnd_below(&d->r, 4), t);
        t += minutes(d, 40, 120);
        at = b;
    }
    way = rnd_below(&d->r, 100) < 88 ? taste ^ 1 : rnd_below(&d->r, 4);
    t = trip(d, at, home, way, t);
    if (rnd_below(&d->r, 100) < 8) {
        struct place b = anywhere(d);
        int64_t go = minutes(d, 1200, 1290);
        t = trip(
            d, home, b, rnd_below(&d->r, 4),
            go < t + 15 * MINUTE ? t + 15 * MINUTE : go);
        t += minutes(d, 30, 90);
        trip(d, b, home, rnd_below(&d->r, 4), t);
    }
}

static void
resident_errands(struct drive *d, uint64_t who)
{
    struct place home = place_of(habit(d, who, WHAT_HOME));
    int n = 1 + (int)rnd_below(&d->r, 2);
    int64_t end = 0;
    for (int i = 0; i < n; i++) {
        struct place b = rnd_below(&d->r, 2) ? place_of(habit(d, who, 40 + (uint64_t)i))
                                             : anywhere(d);
        int64_t t = some_hour(d);
        if (t < 5 * HOUR)
            t += 6 * HOUR;
        t = t < end + 15 * MINUTE ? end + 15 * MINUTE : t;
        if (t > 23 * HOUR)
            return;
        t = trip(d, home, b, rnd_below(&d->r, 4), t);
        t += minutes(d, 30, 150);
        end = trip(d, b, home, rnd_below(&d->r, 4), t);
    }
}

static void
day_resident(struct drive *d, uint64_t who, bool surely)
{
    uint32_t p = 120 + rnd_scale(habit(d, who, 4), 480); /* per thousand days */
    if (rnd_below(&d->r, 1000) >= (surely ? 990 : p))
        return;
    bool workday = (d->weekday0 + d->day + 70) % 7 < 5;
    if (workday && habit(d, who, 5) % 10 < 8)
        resident_work(d, who);
    else
        resident_errands(d, who);
}

/* ---- planted days ---- */

/* From home to an average-speed section, along it too fast, and home again. */
static void
day_speeder(struct drive *d)
{
    int k = (int)(habit(d, d->car, 6) % SHAPE_SECTIONS);
    const struct shape_section *q = &d->shape->section[k];
    struct place home = place_of(habit(d, d->car, WHAT_HOME));
    int64_t t = minutes(d, 570, 980);
    struct way w = {.n = 0};
    t = drive_local(d, home, t, false);
    way_between(d, &w, corner(home), q->nodes[0], 0);
    d->fast_from = (uint8_t)(w.n - 1);
    for (int i = 1; i < q->nodes_n; i++)
        way_add(&w, q->nodes[i]);
    d->fast_to = (uint8_t)(w.n - 1);
    d->fast_kmh = (uint8_t)(q->limit_kmh * rnd_range(&d->r, 118, 135) / 100);
    way_between(d, &w, q->nodes[q->nodes_n - 1], corner(home), 1);
    t = drive_way(d, &w, t);
    drive_local(d, home, t, true);
    d->fast_from = d->fast_to = 0;
}

/* A heavy lorry through the ban zone by day, in from the ring to a place in the middle
 * and out; a light one into the peak-hour zone in the morning. */
static void
day_in_ban(struct drive *d, bool heavy)
{
    struct place hub = ring_place(habit(d, d->car, WHAT_HOME));
    uint64_t h = habit(d, d->car, WHAT_WORK);
    struct place in = {(3 + (int)(h % 3)) * 8 + 3 + (int)(h >> 4) % 3, h >> 20};
    int64_t start = minutes(d, 9 * 60, 13 * 60), stay = minutes(d, 30, 70);
    if (!heavy) {
        hub = place_of(habit(d, d->car, WHAT_HOME));
        in = (struct place){8 + 4, h >> 20};
        start = minutes(d, 7 * 60 + 5, 7 * 60 + 45);
        stay = minutes(d, 90, 150);
    }
    d->licensed = true;
    d->keep = DRIVE_KEEP;
    int64_t t = trip(d, hub, in, (unsigned)(h >> 10) & 3, start);
    trip(d, in, hub, (unsigned)(h >> 12) & 3, t + stay);
    d->keep = 0;
    d->licensed = false;
}

static void
day_scene(struct drive *d, struct plan_scene *scene)
{
    struct place home = place_of(habit(d, d->car, WHAT_HOME));
    struct place to = place_of(habit(d, d->car, WHAT_WORK));
    if (abs(home.at % 8 - to.at % 8) + abs(home.at / 8 - to.at / 8) < 3)
        to.at = (home.at / 8 + 4) % 8 * 8 + (home.at % 8 + 4) % 8;
    d->keep = DRIVE_KEEP | DRIVE_EXACT;
    d->scene = scene;
    int64_t t = trip(d, home, to, 2, minutes(d, 280, 1260));
    d->scene = NULL;
    trip(d, to, home, 3, t + minutes(d, 60, 150));
    d->keep = 0;
}

static void
day_natural(struct drive *d, enum fleet_kind kind, uint64_t who, bool surely)
{
    switch (kind) {
    case FLEET_TAXI:
        day_taxi(d);
        return;
    case FLEET_HAIL:
        day_hail(d);
        return;
    case FLEET_LORRY:
        day_goods(d, true);
        return;
    case FLEET_VAN:
        day_goods(d, false);
        return;
    case FLEET_TIPPER:
        day_tipper(d);
        return;
    case FLEET_BUS:
        day_bus(d);
        return;
    case FLEET_COACH:
        day_coach(d, false);
        return;
    case FLEET_VISITOR:
        day_visitor(d);
        return;
    case FLEET_RESIDENT:
    case FLEET_KINDS:
        day_resident(d, who, surely);
    }
}

static void
day_with_part(struct drive *d, enum part part, enum fleet_kind kind)
{
    struct plan_scene *scene;
    switch (part) {
    case PART_SPEEDER:
        day_speeder(d);
        return;
    case PART_BAN:
    case PART_PERMIT:
        day_in_ban(d, kind == FLEET_LORRY);
        return;
    case PART_CURFEW:
        day_coach(d, true);
        return;
    case PART_HITRUN:
        scene = plan_scene_of(d->plan, d->car, d->day);
        if (scene)
            day_scene(d, scene);
        else
            day_natural(d, kind, d->car, false);
        return;
    case PART_LEADER:
    case PART_FOLLOWER:
    case PART_CLONED:
    case PART_STOLEN:
    case PART_OVERDUE:
    case PART_SCRAPPED:
    case PART_OBSCURED:
        day_natural(d, kind, d->car, true);
        return;
    default:
        day_natural(d, kind, d->car, false);
    }
}

void
drive_day(struct drive *d, uint32_t car, int day)
{
    const struct plan *p = d->plan;
    if (!plan_active(p, car))
        return;
    struct fleet_vehicle v = plan_look(p, car);
    uint32_t who = car;
    enum fleet_kind kind = (enum fleet_kind)v.kind;
    enum part part = car < p->fleet->n ? (enum part)p->part[car] : PART_NONE;
    d->car = car;
    d->day = day;
    d->shift_ms = 0;
    d->keep = 0;
    d->licensed = false;
    memcpy(d->vehicle_class, v.vehicle_class, sizeof d->vehicle_class);
    d->lorry = v.vehicle_class[0] == 'H' || v.vehicle_class[0] == 'Q';
    if (plan_is_double(p, car)) {
        kind = FLEET_HAIL; /* who drives with a stolen number drives a lot */
    } else if (part == PART_FOLLOWER) {
        uint32_t leader = plan_leader(p, car);
        if (plan_together(p, leader, day)) {
            who = leader;
            d->shift_ms =
                (int32_t)(4000 + (car - leader) * 7000 + rnd_hash(d->seed, WHAT_TASTE, car) % 3000);
        }
    }
    d->r.s = rnd_hash(d->seed, WHAT_DAY + 64 * (uint64_t)(day + 1), who);
    if (part == PART_FOLLOWER)
        day_resident(d, who, true);
    else if (part != PART_NONE)
        day_with_part(d, part, kind);
    else
        day_natural(d, kind, who, plan_is_fake(p, car));
}
