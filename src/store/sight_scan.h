/* SPDX-License-Identifier: Apache-2.0 */
/* sight_scan.h - all sources of a snapshot (vehicle runs, place segments regrouped by
 * plate, the heads sorted on the spot) walked plate by plate in step, so that each
 * plate is handed out once with everything that is known of it.
 *
 * Owner    scan_release() after scan_open(), also when that failed.
 * Threads  one question, one thread.
 */
#ifndef TQ_STORE_SIGHT_SCAN_H
#define TQ_STORE_SIGHT_SCAN_H

#include "store/sight_ask.h"
#include "store/sight_group.h"

struct head_row {
    uint64_t plate;
    ts_ms t;
    uint32_t site;
};

#define SOURCE_DAYS 64u
struct source {
    struct seg *seg;         /* a run; NULL: a group or the heads */
    struct group_of *groups; /* a place segment */
    struct group group;      /* its plate */
    struct run_plates *walk;
    struct run_rows rows;
    struct run_plate at;
    uint64_t plate; /* the next one */
    bool live, opened;
    /* days of a run: [day_from, day_from + day_n) decoded */
    uint64_t day_from, day_n;
    uint64_t day[DAY_COLS][SOURCE_DAYS];
    /* the heads' rows, sorted */
    struct head_row *row;
    size_t row_n, row_at;
};

struct scan {
    struct asked *a;
    struct source **src; /* heap, n of them; the last one is the heads */
    size_t n;
};

/* cols: of the plate directories; 0 leaves the runs out. */
bool scan_open(struct scan *sc, struct asked *a, uint32_t cols);
/* The same over the place segments of the window instead of the runs. */
bool scan_open_places(struct scan *sc, struct asked *a);
void scan_release(struct scan *sc);
/* The least plate that any source stands at; false at the end or past the budget. */
bool scan_plate(struct scan *sc, uint64_t *plate);
/* Every source that stands at the plate goes on. */
void scan_step(struct scan *sc, uint64_t plate);
void source_next(struct scan *sc, struct source *s);

#endif
