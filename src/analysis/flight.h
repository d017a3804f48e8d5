/* SPDX-License-Identifier: Apache-2.0 */
/* flight.h - the hit-and-run funnel (肇事逃逸筛选): from a place and a span of time,
 * and what little is known of the look, to the few vehicles that can have been there.
 *
 * Definition  Sites within 5 km of the place (the nearest 64) are read from half an
 * hour before to half an hour behind the span. A vehicle is two passes one after the
 * other, upstream and downstream, or only one of them. Each vehicle is as likely as any
 * other to begin with; what counts then, as likelihood ratios that are multiplied and
 * given back one by one: place   does the place lie on the way between the two sites
 * (detour against their distance); time    can it have been there inside the span
 * (learned least times; the middle of the span counts more than its ends, as people
 * round to "about ten"); late    did it need longer than others on the same stretch in
 * the same hour: who hits somebody slows down, stops, turns round; gone    seen
 * upstream and not downstream, although others are; look    class, colour, brand
 * against how common they are there and then, with room for wrong witnesses and wrong
 * cameras; plate   the part that is known; change  plate covered or unread behind the
 * place, by a vehicle of the same look. The probability of a candidate is its product
 * over the sum of all and of those nobody read.
 *
 * Units    positions 1e-7 degree; times ts_ms by the corrected clocks where `at_ms`
 * says so, passes as the cameras said.
 * Owner    the answer lies in the arena.
 * Errors   ERR_DENIED without a permit for LOOK_ANALYSIS over the span and half an hour
 * to both sides; ERR_INPUT: the span is longer than two hours, or no site is near.
 * Pitfall a place off the roads that cameras watch has poor candidates: `unseen` then
 * is large. A parked car that starts at the place is never upstream: it counts as
 * "appeared". Lateness says nothing where fewer than five others took the stretch.
 */
#ifndef TQ_ANALYSIS_FLIGHT_H
#define TQ_ANALYSIS_FLIGHT_H

#include "analysis/coverage.h"

#define FLIGHT_SITES 64
#define FLIGHT_NEAR_M 5000
#define FLIGHT_REACH_MS (30 * MINUTE_MS)
#define FLIGHT_SPAN_MS (2 * HOUR_MS)
#define FLIGHT_LIMIT 200 /* candidates given back unless asked */

struct flight_ask {
    int32_t lon, lat;
    ts_ms from, to; /* it happened inside */
    code3 vehicle_class, brand;
    uint8_t vehicle_color;
    const struct plate_pattern *pattern; /* NULL: nothing is known */
    size_t limit;                        /* 0: FLIGHT_LIMIT */
};

enum flight_reason {
    FLIGHT_PLACE,
    FLIGHT_TIME,
    FLIGHT_LATE,
    FLIGHT_GONE,
    FLIGHT_CLASS,
    FLIGHT_COLOR,
    FLIGHT_BRAND,
    FLIGHT_PLATE,
    FLIGHT_CHANGE,
    FLIGHT_REASONS,
};
struct flight_reason_row {
    const char *name; /* "place" ... */
    const char *zh, *en;
};
extern const struct flight_reason_row flight_reasons[FLIGHT_REASONS];

/* What differs between the two passes. */
enum flight_change {
    FLIGHT_PLATE_GONE = 1, /* the plate is unread, covered or partial downstream */
    FLIGHT_CLASS_OTHER = 2,
    FLIGHT_COLOR_OTHER = 4,
    FLIGHT_BRAND_OTHER = 8,
    FLIGHT_FIELD_LOST = 16, /* an attribute read upstream is missing downstream */
};

struct flight_candidate {
    struct plate plate;
    const struct sighting *up, *down; /* NULL: not seen there */
    ts_ms at_ms;                /* when it can have been at the place, true time */
    uint32_t took_ms, usual_ms; /* between the two; usual_ms 0: not known */
    uint32_t others;            /* that took the stretch in this time */
    double slower;              /* share of the others that took at least as long */
    uint8_t changes;
    bool look_off, plate_off; /* contradicts what is known */
    float ratio[FLIGHT_REASONS];
    double probability;
};

enum flight_step {
    FLIGHT_AROUND,   /* vehicles read around the place in the time */
    FLIGHT_THERE,    /* can have been at the place inside the span */
    FLIGHT_FITS,     /* and do not contradict the look */
    FLIGHT_NUMBER,   /* nor the part of the plate */
    FLIGHT_STRIKING, /* and were late, went missing or changed */
    FLIGHT_STEPS,
};
extern const struct flight_reason_row flight_steps[FLIGHT_STEPS];

struct flight_site {
    struct site_id site;
    uint32_t dist_m;
    uint32_t passes;
    float unread; /* learned share of reads without a whole plate */
};
struct flight {
    uint32_t steps[FLIGHT_STEPS];
    struct flight_candidate *candidates; /* likeliest first */
    size_t n;
    uint32_t considered;       /* candidates before the limit */
    double unseen;             /* probability that none of them is it */
    struct flight_site *sites; /* nearest first */
    size_t sites_n;
    uint32_t unread; /* passes around without a whole plate */
    struct coverage coverage;
};

enum err flight_of(
    const struct look_permit *permit, const struct analysis_needs *needs,
    const struct flight_ask *ask, struct arena *arena, struct flight *out,
    struct note *note) MUST_USE;

#endif
