/* SPDX-License-Identifier: Apache-2.0 */
/* camera.c - faults, as hashes of seed, site and moment. */
#include "city/camera.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WHAT_CLOCK = 500,
    WHAT_VENDOR,
    WHAT_MOVED,
    WHAT_STEP,
    WHAT_SWAP,
    WHAT_UPLOAD,
    WHAT_RETRY,
    WHAT_BADLOOKS,
    WHAT_OUTAGE,
    WHAT_DEGRADED,
    WHAT_READ,
    WHAT_AGAIN,
};

#define DAY INT64_C(86400000)
#define HOUR INT64_C(3600000)
#define MINUTE INT64_C(60000)

/* Per million, from the truth format (shared by all cities). */
#define UNREAD_PPM 22000
#define PARTIAL_PPM 8000
#define MISREAD_PPM 4000
#define LOOK_PPM 10000

static const char *const map_names[3] = {"gat1400", "sdk0", "ui1"};

const char *
camera_color_map(const struct camera *c, int site)
{
    return map_names[c->site[site].color_map];
}

/* A vendor's code of a ColorType plate colour. */
static uint8_t
vendor_color(int map, uint8_t color)
{
    /* ColorType:                       -    black white gray red blue yellow .. ..
     * green */
    static const uint8_t sdk0[10] = {CITY_NO_COLOR, 3, 0, 4, 6, 2, 1, 4, 4, 8};
    static const uint8_t ui1[10] = {CITY_NO_COLOR, 4, 3, CITY_NO_COLOR,
                                    CITY_NO_COLOR, 1, 2, CITY_NO_COLOR,
                                    CITY_NO_COLOR, 5};
    if (color == 0)
        return CITY_NO_COLOR;
    return map == 1 ? sdk0[color] : map == 2 ? ui1[color] : color;
}

char *
city_record_id(const struct city_rec *r, char *dst)
{
    uint64_t t = (uint64_t)r->time_ms;
    unsigned site = r->site, seq = r->seq;
    for (int i = 3; i >= 0; i--, site /= 10)
        dst[i] = (char)('0' + site % 10);
    dst[4] = (char)('0' + r->direction);
    for (int i = 17; i >= 5; i--, t /= 10)
        dst[i] = (char)('0' + t % 10);
    for (int i = 20; i >= 18; i--, seq /= 10)
        dst[i] = (char)('0' + seq % 10);
    dst[21] = 0;
    return dst;
}

/* ---- which site has which fault ---- */

/* A junction whose listed place may lie 800 m away without crossing a zone border. */
static void
move_one_site(struct camera *c, struct shape *s)
{
    static const int8_t way[4][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}};
    for (uint64_t k = 0; k < 1000; k++) {
        uint64_t h = rnd_hash(c->seed, WHAT_MOVED, k);
        int site = s->node_site[h % SHAPE_GRID];
        struct shape_site *t = &s->site[site];
        int32_t x = t->x_m + 800 * way[h >> 40 & 3][0],
                y = t->y_m + 800 * way[h >> 40 & 3][1];
        bool same = true;
        for (int z = 0; z < SHAPE_ZONES; z++)
            same &= plan_zone_holds(&s->zone[z], x, y) ==
                    plan_zone_holds(&s->zone[z], t->x_m, t->y_m);
        if (!same)
            continue;
        t->lon = shape_lon(x);
        t->lat = shape_lat(y);
        c->moved_site = (uint16_t)site;
        return;
    }
}

static void
set_clock(struct camera *c, int site)
{
    struct camera_site *t = &c->site[site];
    uint64_t h = rnd_hash(c->seed, WHAT_CLOCK, (uint64_t)site), g = rnd_mix(h);
    uint32_t q = rnd_scale(h, 100);
    int sign = (g & 1) ? 1 : -1;
    if (q < 5) /* never more than 110 s ahead: a receiver refuses what lies 2 minutes
                  ahead */
        t->skew_ms = sign * (5000 + (int32_t)rnd_scale(g, sign > 0 ? 105000 : 115000));
    else if (q < 10)
        t->drift_ms_day = sign * 1000;
}

void
camera_init(
    struct camera *c, struct shape *shape, const struct plan *plan, uint64_t seed,
    ts_ms from_ms, int days)
{
    memset(c, 0, sizeof *c);
    c->seed = seed;
    c->plan = plan;
    c->from_ms = from_ms;
    c->days = days;
    c->gap_day = INT32_MIN;
    for (int i = 1; i <= SHAPE_SITES; i++) {
        struct camera_site *t = &c->site[i];
        uint64_t n = (uint64_t)i;
        t->step_at_ms = t->swap_at_ms = INT64_MAX;
        set_clock(c, i);
        t->hours_late = rnd_scale(rnd_hash(seed, WHAT_UPLOAD, n), 100) < 5;
        t->retries = rnd_scale(rnd_hash(seed, WHAT_RETRY, n), 100) < 10;
        t->bad_looks = rnd_scale(rnd_hash(seed, WHAT_BADLOOKS, n), 100) < 1;
        uint64_t v = rnd_hash(seed, WHAT_VENDOR, n);
        t->color_map = rnd_scale(v, 100) < 10 ? (uint8_t)(1 + (v & 1)) : 0;
    }
    c->site[1 + rnd_hash(seed, WHAT_UPLOAD, 9999) % SHAPE_SITES].next_day = true;
    c->site[1 + rnd_hash(seed, WHAT_BADLOOKS, 9999) % SHAPE_SITES].bad_looks = true;
    for (int week = 0; week * 7 < days; week++) {
        uint64_t h = rnd_hash(seed, WHAT_STEP, (uint64_t)week);
        struct camera_site *t = &c->site[1 + h % SHAPE_SITES];
        int span = days - week * 7 < 7 ? days - week * 7 : 7;
        t->step_at_ms = week * 7 * DAY +
                        (int64_t)rnd_scale(rnd_mix(h), (uint32_t)span * 86400) * 1000;
        t->step_ms = -60000 - (int32_t)rnd_scale(rnd_mix(h + 1), 540000);
    }
    uint64_t h = rnd_hash(seed, WHAT_SWAP, 0);
    c->site[shape->node_site[h % SHAPE_GRID]].swap_at_ms =
        (int64_t)days * DAY / 3 + (int64_t)(h >> 32) % (12 * HOUR);
    move_one_site(c, shape);
}

int
camera_gaps(const struct camera *c, int site, int day, struct camera_gap out[2])
{
    int n = 0;
    uint64_t key = (uint64_t)site * 100000 + (uint64_t)day;
    uint64_t h = rnd_hash(c->seed, WHAT_OUTAGE, key);
    if (rnd_scale(h, 1000) < 32) {
        uint64_t g = rnd_mix(h);
        int64_t from = (int64_t)day * DAY + (int64_t)rnd_scale(g, 1430) * MINUTE;
        uint64_t q = rnd_scale(rnd_mix(g), 1000);
        int64_t to = from + 10 * MINUTE + (int64_t)(q * q) * 350 * MINUTE / 1000000;
        int64_t end = (int64_t)(day + 1) * DAY;
        out[n++] = (struct camera_gap){CAMERA_OUTAGE, from, to < end ? to : end};
    }
    uint64_t d = rnd_hash(c->seed, WHAT_DEGRADED, key);
    if (rnd_scale(d, 1000) < 22) { /* dirt comes at any hour, and stays for a day */
        int64_t from =
            (int64_t)day * DAY + (int64_t)rnd_scale(rnd_mix(d), 1440) * MINUTE;
        out[n++] = (struct camera_gap){CAMERA_DEGRADED, from, from + DAY};
    }
    return n;
}

/* The gaps of a site that touch a day: its own, and what the day before left. */
static uint8_t
gaps_on(const struct camera *c, int site, int day, struct camera_gap out[4])
{
    int n = camera_gaps(c, site, day, out);
    if (day > 0)
        n += camera_gaps(c, site, day - 1, out + n);
    return (uint8_t)n;
}

static bool
in_gap(struct camera *c, int site, int64_t t, enum camera_gap_kind kind)
{
    int day = (int)(t / DAY);
    if (day != c->gap_day) {
        for (int i = 1; i <= SHAPE_SITES; i++)
            c->gap_n[i] = gaps_on(c, i, day, c->gap[i]);
        c->gap_day = day;
    }
    for (int i = 0; i < c->gap_n[site]; i++) {
        const struct camera_gap *g = &c->gap[site][i];
        if (g->kind == kind && t >= g->from_ms && t < g->to_ms)
            return true;
    }
    return false;
}

/* ---- reading ---- */

static void
read_partial(char *plate, struct rnd *r)
{
    size_t n = strlen(plate), head = (plate[0] & 0x80) ? 3 : 1;
    if (rnd_below(r, 10) == 0 && head == 3) { /* the province */
        memmove(plate + 1, plate + 3, n - 2);
        plate[0] = '?';
        return;
    }
    unsigned marks = 1 + (rnd_below(r, 4) == 0);
    for (unsigned i = 0; i < marks; i++) {
        size_t at = head + 1 + rnd_below(r, (uint32_t)(n - head - 1));
        if (!(plate[at] & 0x80)) /* a mark like 警 stays */
            plate[at] = '?';
        else
            plate[head + 1] = '?';
    }
}

static bool
read_wrong(char *plate, struct rnd *r)
{
    size_t n = strlen(plate), head = (plate[0] & 0x80) ? 3 : 1;
    for (int tries = 0; tries < 20; tries++) {
        size_t at = head + 1 + rnd_below(r, (uint32_t)(n - head - 1));
        const char *with = fleet_confused(plate[at]);
        size_t k = strlen(with);
        if (!k)
            continue;
        /* The first of the set is the commonest. */
        plate[at] = with[rnd_below(r, 10) < 6 ? 0 : rnd_below(r, (uint32_t)k)];
        return true;
    }
    return false;
}

static void
read_plate(
    struct camera *c, const struct drive_pass *p, struct city_rec *out, struct rnd *r)
{
    const struct plan *plan = c->plan;
    uint32_t q = rnd_below(r, 1000000);
    bool covered = p->car < plan->fleet->n && plan->part[p->car] == PART_OBSCURED;
    bool weak = in_gap(c, p->site, p->t_ms, CAMERA_DEGRADED) && rnd_below(r, 2);
    memcpy(out->plate, plan->fleet->plate[out->worn], FLEET_PLATE);
    out->read = CITY_EXACT;
    int drop = (int)rnd_below(r, 100);
    out->confidence = (uint8_t)(99 - drop * drop / 600);
    if (covered || (!(p->flags & DRIVE_EXACT) && (weak || q < UNREAD_PPM))) {
        out->read = CITY_UNREAD;
        memcpy(out->plate, "无牌", sizeof "无牌");
        out->confidence = 0;
    } else if (p->flags & DRIVE_EXACT) {
        return;
    } else if (q < UNREAD_PPM + PARTIAL_PPM) {
        out->read = CITY_PARTIAL;
        read_partial(out->plate, r);
        out->confidence = (uint8_t)(30 + rnd_below(r, 40));
    } else if (
        q < UNREAD_PPM + PARTIAL_PPM + MISREAD_PPM && read_wrong(out->plate, r)) {
        out->read = CITY_MISREAD;
        out->confidence = (uint8_t)(55 + rnd_below(r, 40));
    }
}

static void
wrong_class(char *c, struct rnd *r)
{
    static const char *const near_by[12] = {"K33", "K32", "K39", "K31", "K21", "K11",
                                            "H31", "H32", "H21", "H11", "H17", "X99"};
    const char *t = near_by[rnd_below(r, 12)];
    memcpy(c, strcmp(t, c) == 0 ? "K39" : t, 4);
}

static void
read_looks(
    struct camera *c, const struct drive_pass *p, struct city_rec *out, struct rnd *r)
{
    const struct camera_site *t = &c->site[p->site];
    struct fleet_vehicle v = plan_look(c->plan, p->car);
    uint8_t plate_color =
        out->read == CITY_UNREAD && rnd_below(r, 3) ? 0 : v.plate_color;
    out->vehicle_color = v.vehicle_color;
    out->brand = v.brand;
    memcpy(out->vehicle_class, v.vehicle_class, sizeof out->vehicle_class);
    uint32_t ppm = t->bad_looks ? LOOK_PPM * 10 : LOOK_PPM;
    bool together = t->bad_looks && rnd_chance(r, ppm);
    int64_t minute = p->t_ms % DAY / MINUTE;
    bool night = minute < 360 || minute > 1170;
    if (together || rnd_chance(r, night ? ppm * 2 : ppm))
        out->vehicle_color = (uint8_t)(1 + rnd_below(r, 10));
    if (together || rnd_chance(r, ppm))
        wrong_class(out->vehicle_class, r);
    if (rnd_chance(r, 25000))
        out->brand = 0;
    else if (together || rnd_chance(r, ppm))
        out->brand = (uint8_t)(1 + rnd_below(r, 36));
    if (plate_color && rnd_chance(r, 2500))
        plate_color = (uint8_t)(plate_color == 5 ? 9 : 5);
    out->plate_color = vendor_color(t->color_map, plate_color);
}

static int64_t
upload_delay(const struct camera *c, const struct drive_pass *p, struct rnd *r)
{
    const struct camera_site *t = &c->site[p->site];
    int64_t wait = 40 + (int64_t)rnd_below(r, 361);
    if (t->next_day) /* sends its day in the early hours of the next one */
        return DAY - p->t_ms % DAY + HOUR + p->t_ms % DAY / 20 + wait;
    if (t->hours_late && rnd_chance(r, 10000))
        return HOUR + (int64_t)rnd_below(r, 11 * 3600000u) + wait;
    if (rnd_chance(r, 3000))
        return MINUTE + (int64_t)rnd_below(r, 29 * 60000u) + wait;
    return wait;
}

static uint8_t
swapped(uint8_t dir)
{
    static const uint8_t to[10] = {0, 2, 1, 4, 3, 6, 5, 8, 7, 9};
    return to[dir];
}

bool
camera_read(struct camera *c, const struct drive_pass *p, struct city_rec *out)
{
    const struct camera_site *t = &c->site[p->site];
    if (in_gap(c, p->site, p->t_ms, CAMERA_OUTAGE))
        return false;
    struct rnd r = {rnd_hash(
        c->seed, WHAT_READ + (uint64_t)p->site * 16, (uint64_t)p->t_ms * 31 + p->car)};
    int64_t error = t->skew_ms + t->drift_ms_day * p->t_ms / DAY;
    if (p->t_ms >= t->step_at_ms)
        error += t->step_ms;
    out->car = p->car;
    out->worn = plan_worn(c->plan, p->car);
    out->site = p->site;
    out->seq = c->seq[p->site];
    c->seq[p->site] = (uint16_t)((out->seq + 1) % 1000);
    out->direction = p->t_ms >= t->swap_at_ms ? swapped(p->dir) : p->dir;
    out->lane = p->lane;
    out->speed_kmh = p->speed_kmh;
    out->true_ms = p->t_ms;
    out->time_ms = c->from_ms + p->t_ms + error;
    read_plate(c, p, out, &r);
    read_looks(c, p, out, &r);
    out->arrive_ms = c->from_ms + p->t_ms + upload_delay(c, p, &r);
    return true;
}

bool
camera_retry(const struct camera *c, const struct city_rec *r, struct city_rec *again)
{
    uint64_t h = rnd_hash(
        c->seed, WHAT_AGAIN,
        (uint64_t)r->site << 48 ^ (uint64_t)r->time_ms << 10 ^ r->seq);
    struct rnd g = {h};
    int64_t wait = 0;
    if (c->site[r->site].retries && rnd_chance(&g, 50000))
        wait = 5000 + (int64_t)rnd_below(&g, 595000);
    else if (rnd_chance(&g, 500))
        wait = HOUR + (int64_t)rnd_below(&g, 7 * 3600000u);
    if (!wait)
        return false;
    *again = *r;
    again->arrive_ms += wait;
    return true;
}
