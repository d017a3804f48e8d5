/* SPDX-License-Identifier: Apache-2.0 */
/* model_build_own.h - a day of records on its way to a model, for model_build.c (what is
 * counted), model_clocks.c and model_ways.c (what is learned of the ways of a sample).
 *
 * Units    milliseconds; [0] of what is by site is the sum of all, or of unknown ones.
 * Owner    models.h; before, sites, registry and zone are borrowed for its life.
 * Threads  one at a time.
 */
#ifndef TQ_RULES_MODEL_BUILD_OWN_H
#define TQ_RULES_MODEL_BUILD_OWN_H

#include "rules/identity.h"
#include "rules/models_own.h"

#define BUILD_DAYS 32  /* civil days told apart in one build */
#define PAIR_READS 12u /* passages that make a pair of sites usable for clocks */
#define EDGE_READS 8u  /* passages that make a least time */

struct tally {
    uint32_t reads, exact, registered, one_off, many_off, misread;
    uint32_t colored, color_right;
};

struct step { /* one sampled pass */
    uint64_t plate;
    ts_ms at_ms;
    uint32_t site;
};

struct link {      /* two passes of one plate one after the other */
    uint64_t pair; /* from << 32 | to */
    int32_t gap_ms;
};

struct lag { /* what one pair says of two clocks: clock(to) - clock(from) */
    uint32_t from, to;
    double lag_ms, sd_ms;
};

/* How travel times go with straight-line distances, learned where both directions were
 * seen. */
struct pace {
    double ms_per_m, spread; /* relative, one standard deviation */
};

struct model_build {
    const struct model *before;
    const struct site_table *sites;
    const struct vehicle_index *registry;
    const struct zone *zone;
    uint32_t sites_n;
    struct census census;
    struct twin_table twins;
    struct tally *tally;      /* sites_n + 1 */
    struct habit_day *habit;  /* sites_n + 1; [0] is the sum of all */
    int64_t days[BUILD_DAYS]; /* civil days met, and passes of each */
    uint64_t days_n[BUILD_DAYS];
    struct model_prefix *prefixes;
    struct step *steps;
    size_t steps_n, steps_room;
    uint64_t sample; /* plates whose hash has these low bits clear are sampled */
    uint64_t *bloom;
    uint64_t bloom_bits;
    double *offset; /* milliseconds, sites_n + 1 */
    double *offset_sd;
    struct link *links;
    size_t links_n;
    struct lag *lags;
    size_t lags_n;
    struct pace pace;
};

struct group { /* links in a row */
    size_t first, n;
};

/* All links of the pair that begins at `first`. */
static inline struct group
group_at(const struct model_build *b, size_t first)
{
    struct group g = {first, 0};
    while (first + g.n < b->links_n &&
           b->links[first + g.n].pair == b->links[first].pair)
        g.n++;
    return g;
}

/* ---- model_clocks.c ---- */

/* Fills offset, offset_sd and, by corrected times, the links. Needs links and lags
 * allocated. False without memory. */
bool model_learn_clocks(struct model_build *b) MUST_USE;
/* Writes what was learned of each clock, where something was. */
void model_set_clocks(const struct model_build *b, struct model *m);

/* ---- model_ways.c ---- */

/* Least travel times from the links and from the model before. False without memory. */
bool model_learn_ways(struct model_build *b, struct model *m) MUST_USE;
/* Marks sites whose listed position those times contradict. False without memory. */
bool model_find_moved(const struct model_build *b, struct model *m) MUST_USE;

#endif
