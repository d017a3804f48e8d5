/* SPDX-License-Identifier: Apache-2.0 */
/* flight_own.h - the inside of the funnel, shared by flight.c (who was there),
 * flight_link.c (how long a stretch takes) and flight_rank.c (how likely).
 *
 * Units    hit times are true time: the pass minus the learned offset of its clock.
 * Owner    everything lies in the asker's arena.
 * Threads  the asker's.
 */
#ifndef TQ_ANALYSIS_FLIGHT_OWN_H
#define TQ_ANALYSIS_FLIGHT_OWN_H

#include "analysis/flight.h"

struct flight_hit { /* one pass */
    uint64_t plate;
    ts_ms at;
    const struct sighting *s;
    uint16_t site; /* index into sites */
};

struct flight_link {   /* how vehicles went from one site to the next */
    uint32_t pair;     /* from << 16 | to */
    uint32_t first, n; /* gaps, ascending */
    double usual_ms;   /* median */
    double spread;     /* of the logarithm, one deviation */
};

struct flight_links {
    struct flight_link *link;
    size_t n;
    uint32_t *gap_ms;
    double ms_per_m; /* usual, against the straight line */
};

struct flight_place { /* a site as the funnel sees it */
    struct site_id id;
    double dist_m;
    double offset_ms, sd_ms;
    const struct site *site;
    uint32_t passes, followed, followed_by, first, last; /* see flight_rank.c */
    double ahead, behind; /* share of those that go on (come) past the place */
};

struct flight_work {
    const struct analysis_needs *needs;
    const struct flight_ask *ask;
    struct arena *arena;
    struct flight_place place[FLIGHT_SITES];
    size_t places_n;
    struct flight_hit *hit; /* whole plates, by plate and time */
    size_t hits_n;
    struct flight_hit *blank; /* others, by time */
    size_t blanks_n;
    struct flight_links links;
    ts_ms read_from, read_to;
};

/* Gaps of hit pairs that lie within this are travel, longer ones are stops. */
#define FLIGHT_STEP_MS (25 * MINUTE_MS)

enum err flight_links_make(struct flight_work *w) MUST_USE;
/* NULL when too few took it. */
const struct flight_link *
flight_link_find(const struct flight_links *l, unsigned from, unsigned to);
/* Share of those that took the link and needed at least gap_ms. */
double flight_link_slower(
    const struct flight_links *l, const struct flight_link *k, double gap_ms);

double flight_dist_m(const struct flight_work *w, unsigned a, unsigned b);
enum err flight_rank(struct flight_work *w, struct flight *out) MUST_USE;

#endif
