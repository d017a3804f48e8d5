/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - who plays which part in the planted truth, and which cars exist besides the
 * registered vehicles: the doubles of clones and the fakes.
 *
 * Shape    a car is what drives, a plate id is what it wears. Cars 0..n-1 are the
 * registered vehicles in their own plates; then the doubles (each wears the plate of
 * its original), then the fakes (each wears a plate that nobody registered). A
 * registered vehicle has one part only.
 * Owner    plan_init() fills the caller's struct with heap tables; plan_release() frees
 * them.
 * Threads  immutable after init.
 * See      docs/city.md; the rates are those of the truth format.
 */
#ifndef TQ_CITY_PLAN_H
#define TQ_CITY_PLAN_H

#include "city/fleet.h"
#include "city/shape.h"

enum part {
    PART_NONE,
    PART_OVERDUE,  /* inspection overdue: status Q */
    PART_SCRAPPED, /* status E, M or P */
    PART_STOLEN,   /* status C */
    PART_CLONED,   /* somebody else wears its plate too */
    PART_SPEEDER,  /* drives an average-speed section too fast, every day */
    PART_BAN,      /* lorry in the ban zone by day, no permit */
    PART_PERMIT,   /* the same with a permit */
    PART_CURFEW,   /* coach between 02:00 and 05:00 */
    PART_HITRUN,   /* causes one scene */
    PART_LEADER,   /* of a convoy; the followers are the next numbers */
    PART_FOLLOWER,
    PART_OBSCURED, /* covers its plate: never readable */
    PARTS,
};

struct plan_clone {
    uint32_t a; /* the original; the double is car n + index */
    bool same_look;
};

struct plan_scene {
    uint32_t car;
    int day;
    uint8_t damage; /* 0 right mirror gone, 1 left headlamp dark, 2 front bumper bent */
    /* filled when the day is driven: */
    bool done;
    int64_t t_ms; /* since the city's first midnight */
    int32_t x_m, y_m;
};

struct plan {
    uint64_t seed;
    const struct fleet *fleet;
    int days;
    uint8_t *part;       /* by registered vehicle */
    uint32_t active_ppm; /* share of the registered vehicles without a part that drive
                            at all */
    struct plan_clone *clones;
    uint32_t clones_n;
    uint32_t fakes_n; /* plate ids fleet->n + k */
    struct plan_scene *scenes;
    uint32_t scenes_n;
    uint32_t count[PARTS];
};

/* How many of each: rates for 1.5 million vehicles scaled to n, never fewer than a few.
 */
uint32_t plan_fakes(uint32_t n);

/* Gives out the parts among the active vehicles and adds the fakes' plates to the
 * fleet. */
enum err plan_init(
    struct plan *p, uint64_t seed, struct fleet *fleet, int days, uint32_t active_ppm,
    struct note *note) MUST_USE;
void plan_release(struct plan *p);

uint32_t plan_cars(const struct plan *p);
/* The plate id a car wears. */
uint32_t plan_worn(const struct plan *p, uint32_t car);
/* What a car looks like (a double may differ from its original). */
struct fleet_vehicle plan_look(const struct plan *p, uint32_t car);
bool plan_is_double(const struct plan *p, uint32_t car);
bool plan_is_fake(const struct plan *p, uint32_t car);
bool plan_active(const struct plan *p, uint32_t car);
/* First vehicle of the convoy that `follower` belongs to. */
uint32_t plan_leader(const struct plan *p, uint32_t follower);
/* Do convoy member and leader drive together on this day? */
bool plan_together(const struct plan *p, uint32_t leader, int day);
/* The scene a car causes on a day; NULL when none. */
struct plan_scene *plan_scene_of(const struct plan *p, uint32_t car, int day);
/* What is broken on a car at an instant: damage + 1, or 0. */
int plan_damage(const struct plan *p, uint32_t car, int64_t t_ms);
/* Does zone z ban this class of vehicle, and is minute-of-day t in one of its windows
 * (widened on both sides by `slack_min`)? */
bool plan_zone_bans(const struct shape_zone *z, const char *vehicle_class);
bool plan_zone_open(const struct shape_zone *z, int64_t ms_of_day, int slack_min);
bool plan_zone_holds(const struct shape_zone *z, int32_t x_m, int32_t y_m);

#endif
