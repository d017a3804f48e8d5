/* SPDX-License-Identifier: Apache-2.0 */
/* models.h - what is learned of sites from earlier days, frozen once a day and
 * numbered: clock offsets, misread rates, attribute error rates, read rates, least
 * travel times, recent presence, usual flow.
 *
 * Units    offsets and times in milliseconds; rates are shares 0..1.
 * Owner    a model is an immutable refcounted snapshot; a builder belongs to its maker.
 * Threads  a model: any thread with a reference. A builder: one thread (a nightly one).
 * Errors   ERR_NOMEM; ERR_CORRUPT, ERR_NEWER on decoding.
 * See      docs/why/probability.md section "Site models"; tests in models_test.c.
 */
#ifndef TQ_RULES_MODELS_H
#define TQ_RULES_MODELS_H

#include "core/cur.h"
#include "core/err.h"
#include "model/site.h"
#include "model/vehicle.h"
#include "rules/habit.h"

/* Uncertainty of a clock that nobody measured: off by up to two minutes, most by nothing.
 */
#define CLOCK_UNKNOWN_SD_MS 40000u

struct site_model {
    int32_t offset_ms;     /* the site's clock minus true time */
    uint32_t offset_sd_ms; /* its uncertainty, one standard deviation */
    float right;   /* probability that the clock was measured and is right (offset 0) */
    float misread; /* share of exact reads with one character wrong */
    float unread;  /* share of reads without a whole plate */
    float one_off; /* share of right reads with one attribute wrong */
    float many_off;     /* ... with two or more wrong */
    uint32_t reads;     /* exact reads it was learned from */
    bool color_trusted; /* plate colours agree with the registry */
    bool moved;         /* listed position contradicts travel times */
};

struct model;

struct model *model_ref(struct model *m);
void model_unref(struct model *m);
uint32_t model_number(const struct model *m);
/* Only by who made it, before another thread knows it. */
void model_set_number(struct model *m, uint32_t number);
int32_t model_day(const struct model *m); /* first civil day that uses it */
uint32_t model_sites(const struct model *m);
/* Never NULL: cautious defaults for a site (or a model: NULL) that nothing is known of.
 */
const struct site_model *model_site(const struct model *m, struct site_id id);
/* What it usually counts (id 0: the whole city); NULL when the model (NULL: none) does
 * not know the site. */
const struct site_habit *model_habit(const struct model *m, struct site_id id);
/* Least time a vehicle was learned to need from a to b, milliseconds; 0 when not
 * learned. */
uint32_t model_least_ms(const struct model *m, struct site_id a, struct site_id b);
/* Was the plate seen on one of the earlier days? (A filter: one in a hundred times
 * wrongly yes.) Without a model: true. */
bool model_seen(const struct model *m, struct plate p);
/* Share of exact reads with this plate's province and letter that are registered, in
 * the earlier days; -1 when too few were seen. */
double model_covered(const struct model *m, struct plate p);

/* ---- making one ---- */
struct model_build;
/* Starts from yesterday's model (NULL at first): its ways and prefixes count on at half
 * weight, its clocks are where the search begins, its habits are joined; rates are the
 * day's own. The snapshots and the zone are borrowed until the build is freed. */
enum err model_build_new(
    const struct model *before, const struct site_table *sites,
    const struct vehicle_index *registry, const struct zone *zone,
    struct model_build **out) MUST_USE;
void model_build_free(struct model_build *b);
/* Rows of one civil day (or several), in any order. ERR_NOMEM. */
enum err
model_build_rows(struct model_build *b, const struct sighting *rows, size_t n) MUST_USE;
/* Freezes it as `number` for civil days from `day` on. The builder is then spent. */
enum err model_build_finish(
    struct model_build *b, uint32_t number, int32_t day, struct model **out) MUST_USE;

void model_encode(struct buf *out, const struct model *m);
enum err model_decode(struct span bytes, struct model **out) MUST_USE;

#endif
