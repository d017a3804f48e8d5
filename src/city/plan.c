/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - gives out the parts of the planted truth. */
#include "city/plan.h"

#include <stdlib.h>
#include <string.h>

#include "city/rnd.h"

enum { WHAT_ACTIVE = 300, WHAT_PICK, WHAT_CLONE, WHAT_FAKE, WHAT_CONVOY, WHAT_SCENE };

#define REFERENCE 1500000 /* vehicles for which the rates are given */

/* `rate` per 1.5 million vehicles for this fleet, rounded up, at least `few`. */
static uint32_t
scaled(uint32_t rate, uint32_t n, uint32_t few)
{
    uint32_t v = (uint32_t)(((uint64_t)rate * n + REFERENCE - 1) / REFERENCE);
    return v < few ? few : v;
}

uint32_t
plan_fakes(uint32_t n)
{
    return scaled(
        165, n, 4); /* a tenth more than the rate: not each is out every day */
}

bool
plan_active(const struct plan *p, uint32_t car)
{
    return car >= p->fleet->n || p->part[car] != PART_NONE ||
           rnd_hash_chance(rnd_hash(p->seed, WHAT_ACTIVE, car), p->active_ppm);
}

/* A free active vehicle of lo..hi-1, the k-th try of a part; FLEET_NONE when there is
 * none left. */
static uint32_t
pick(struct plan *p, enum part part, uint32_t lo, uint32_t hi, uint32_t *tries)
{
    for (uint32_t limit = 0; limit < 100000; limit++) {
        uint64_t h = rnd_hash(p->seed, WHAT_PICK + 1000 * (uint64_t)part, (*tries)++);
        uint32_t v = lo + rnd_scale(h, hi - lo);
        if (p->part[v] != PART_NONE)
            continue;
        /* Where most vehicles stand parked, a part wakes one up. */
        if (limit < 1000 && !plan_active(p, v))
            continue;
        return v;
    }
    return FLEET_NONE;
}

static void
give(
    struct plan *p, enum part part, enum fleet_kind from, enum fleet_kind to,
    uint32_t n)
{
    uint32_t lo = p->fleet->base[from], hi = p->fleet->base[to + 1], tries = 0;
    if (n > (hi - lo) / 3) /* leave some of each kind to their own business */
        n = (hi - lo) / 3;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t v = pick(p, part, lo, hi, &tries);
        if (v == FLEET_NONE)
            return;
        p->part[v] = (uint8_t)part;
        p->count[part]++;
    }
}

/* Convoys: a leader and the one to four vehicles with the next numbers. */
static void
give_convoys(struct plan *p)
{
    uint32_t lo = p->fleet->base[FLEET_RESIDENT],
             hi = p->fleet->base[FLEET_RESIDENT + 1];
    uint32_t want = (hi - lo) / 400, tries = 0;
    uint32_t cap = (uint32_t)((uint64_t)(hi - lo) * p->active_ppm / 1000000 / 20);
    want = want < cap ? want : cap;
    want = want < 3 ? 3 : want;
    for (uint32_t followers = 0; followers < want;) {
        uint32_t v = pick(p, PART_LEADER, lo, hi - 4, &tries);
        if (v == FLEET_NONE)
            return;
        uint32_t size =
            1 + rnd_scale(rnd_hash(p->seed, WHAT_CONVOY, v), 20) / 10; /* 1 or 2 */
        if (rnd_hash(p->seed, WHAT_CONVOY, v) % 10 == 0)
            size = 3 + v % 2;
        bool free_run = true;
        for (uint32_t i = 0; i <= size; i++)
            free_run &= p->part[v + i] == PART_NONE;
        if (!free_run)
            continue;
        p->part[v] = PART_LEADER;
        for (uint32_t i = 1; i <= size; i++)
            p->part[v + i] = PART_FOLLOWER;
        p->count[PART_LEADER]++;
        p->count[PART_FOLLOWER] += size;
        followers += size;
    }
}

static void
give_clones(struct plan *p)
{
    uint32_t tries = 0, want = scaled(550, p->fleet->n, 5);
    for (uint32_t k = 0; k < want; k++) {
        uint64_t h = rnd_hash(p->seed, WHAT_CLONE, k);
        enum fleet_kind kind = k % 4 == 0 ? FLEET_TAXI : FLEET_RESIDENT;
        uint32_t v = pick(
            p, PART_CLONED, p->fleet->base[kind], p->fleet->base[kind + 1], &tries);
        if (v == FLEET_NONE)
            break;
        p->part[v] = PART_CLONED;
        p->clones[p->clones_n++] = (struct plan_clone){v, (h & 1) != 0};
        p->count[PART_CLONED]++;
    }
}

/* Plates that nobody registered and that no camera error makes of a registered one. */
static void
add_fakes(struct plan *p, struct fleet *f)
{
    uint32_t want = plan_fakes(f->n);
    char plate[FLEET_PLATE];
    for (uint64_t k = 0; p->fakes_n < want; k++) {
        fleet_some_plate(rnd_hash(p->seed, WHAT_FAKE, k), k % 2 == 0, plate);
        if (fleet_find(f, span_cstr(plate)) != FLEET_NONE || fleet_has_twin(f, plate))
            continue;
        fleet_add(f, plate);
        p->fakes_n++;
    }
}

static void
give_scenes(struct plan *p)
{
    uint32_t tries = 0;
    for (uint32_t i = 0; i < p->scenes_n; i++) {
        uint32_t v = pick(
            p, PART_HITRUN, p->fleet->base[FLEET_RESIDENT],
            p->fleet->base[FLEET_RESIDENT + 1], &tries);
        must(v != FLEET_NONE);
        p->part[v] = PART_HITRUN;
        p->count[PART_HITRUN]++;
        p->scenes[i].car = v;
        p->scenes[i].day = (int)(i * (uint32_t)p->days / p->scenes_n);
        p->scenes[i].damage = (uint8_t)(rnd_hash(p->seed, WHAT_SCENE, i) % 3);
    }
}

enum err
plan_init(
    struct plan *p, uint64_t seed, struct fleet *fleet, int days, uint32_t active_ppm,
    struct note *note)
{
    uint32_t n = fleet->n;
    *p = (struct plan){
        .seed = seed, .fleet = fleet, .days = days, .active_ppm = active_ppm};
    p->scenes_n = (uint32_t)(6 * days + 6) / 7;
    if (p->scenes_n < 3)
        p->scenes_n = 3;
    p->part = calloc(n, 1);
    p->clones = calloc(scaled(550, n, 5), sizeof *p->clones);
    p->scenes = calloc(p->scenes_n, sizeof *p->scenes);
    if (!p->part || !p->clones || !p->scenes) {
        plan_release(p);
        return note_set(
            note, ERR_NOMEM, "vehicles", "not enough memory for the planted truth",
            "内存不足，无法生成真值");
    }
    give_convoys(p);
    give_clones(p);
    give_scenes(p);
    /* A little more than the rates: not each is seen every day. */
    give(p, PART_BAN, FLEET_LORRY, FLEET_LORRY, scaled(440, n, 4));
    give(p, PART_BAN, FLEET_VAN, FLEET_VAN, scaled(60, n, 3));
    give(p, PART_PERMIT, FLEET_LORRY, FLEET_LORRY, scaled(330, n, 4));
    give(p, PART_CURFEW, FLEET_COACH, FLEET_COACH, scaled(22, n, 3));
    give(p, PART_SPEEDER, FLEET_RESIDENT, FLEET_RESIDENT, scaled(920, n, 6));
    give(p, PART_OBSCURED, FLEET_RESIDENT, FLEET_RESIDENT, scaled(30, n, 3));
    give(p, PART_STOLEN, FLEET_RESIDENT, FLEET_RESIDENT, scaled(3, n, 3));
    give(p, PART_SCRAPPED, FLEET_TAXI, FLEET_BUS, scaled(30, n, 1));
    give(p, PART_SCRAPPED, FLEET_RESIDENT, FLEET_RESIDENT, scaled(300, n, 4));
    give(p, PART_OVERDUE, FLEET_TAXI, FLEET_BUS, scaled(300, n, 2));
    give(p, PART_OVERDUE, FLEET_RESIDENT, FLEET_RESIDENT, scaled(4700, n, 12));
    add_fakes(p, fleet);
    return OK;
}

void
plan_release(struct plan *p)
{
    free(p->part);
    free(p->clones);
    free(p->scenes);
    memset(p, 0, sizeof *p);
}

uint32_t
plan_cars(const struct plan *p)
{
    return p->fleet->n + p->clones_n + p->fakes_n;
}

bool
plan_is_double(const struct plan *p, uint32_t car)
{
    return car >= p->fleet->n && car < p->fleet->n + p->clones_n;
}

bool
plan_is_fake(const struct plan *p, uint32_t car)
{
    return car >= p->fleet->n + p->clones_n;
}

uint32_t
plan_worn(const struct plan *p, uint32_t car)
{
    if (car < p->fleet->n)
        return car;
    if (plan_is_double(p, car))
        return p->clones[car - p->fleet->n].a;
    return car - p->clones_n; /* fleet ids of fakes follow the registered ones */
}

struct fleet_vehicle
plan_look(const struct plan *p, uint32_t car)
{
    struct fleet_vehicle v = fleet_get(p->fleet, plan_worn(p, car));
    if (plan_is_double(p, car) && !p->clones[car - p->fleet->n].same_look) {
        /* Another body under the same plate: at least the colour differs. */
        uint64_t h = rnd_hash(p->seed, WHAT_CLONE, car);
        static const uint8_t other[5] = {4, 9, 8, 1, 2};
        uint8_t c = other[h % 5];
        v.vehicle_color = c == v.vehicle_color ? 10 : c;
        v.brand = (uint8_t)(v.brand == 13 ? 19 : 13);
        if (h & 32)
            memcpy(v.vehicle_class, v.vehicle_class[2] == '2' ? "K33" : "K32", 4);
    }
    return v;
}

uint32_t
plan_leader(const struct plan *p, uint32_t follower)
{
    while (p->part[follower] == PART_FOLLOWER)
        follower--;
    must(p->part[follower] == PART_LEADER);
    return follower;
}

bool
plan_together(const struct plan *p, uint32_t leader, int day)
{
    /* The first three days always, so that a short city has its companions. */
    return day < 3 ||
           rnd_hash(p->seed, WHAT_CONVOY + 7000, leader * 64ull + (uint64_t)day) % 10 <
               7;
}

struct plan_scene *
plan_scene_of(const struct plan *p, uint32_t car, int day)
{
    for (uint32_t i = 0; i < p->scenes_n; i++)
        if (p->scenes[i].car == car && p->scenes[i].day == day)
            return &p->scenes[i];
    return NULL;
}

int
plan_damage(const struct plan *p, uint32_t car, int64_t t_ms)
{
    for (uint32_t i = 0; i < p->scenes_n; i++) {
        const struct plan_scene *s = &p->scenes[i];
        if (s->car == car && (s->done ? t_ms > s->t_ms : t_ms / 86400000 > s->day))
            return s->damage + 1;
    }
    return 0;
}

bool
plan_zone_bans(const struct shape_zone *z, const char *vehicle_class)
{
    for (const char *c = z->classes; *c;) {
        size_t n = strcspn(c, ";");
        if (strncmp(vehicle_class, c, n) == 0)
            return true;
        c += n + (c[n] == ';');
    }
    return false;
}

bool
plan_zone_open(const struct shape_zone *z, int64_t ms_of_day, int slack_min)
{
    int64_t slack = slack_min * INT64_C(60000);
    for (int i = 0; i < z->windows_n; i++)
        if (ms_of_day >= z->window[i].from_min * INT64_C(60000) - slack &&
            ms_of_day < z->window[i].to_min * INT64_C(60000) + slack)
            return true;
    return false;
}

bool
plan_zone_holds(const struct shape_zone *z, int32_t x_m, int32_t y_m)
{
    return x_m >= z->x0 && x_m <= z->x1 && y_m >= z->y0 && y_m <= z->y1;
}
