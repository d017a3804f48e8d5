/* SPDX-License-Identifier: Apache-2.0 */
/* truth_own.h - what was gathered of a city's truth, for truth.c (which sees each record
 * once) and truth_write.c (which writes the files at the end).
 *
 * Owner    truth.h.
 * Threads  one.
 */
#ifndef TQ_CITY_TRUTH_OWN_H
#define TQ_CITY_TRUTH_OWN_H

#include "city/out.h"
#include "city/truth.h"

#define DAY INT64_C(86400000)

/* A record, by which it can be named again. */
struct ref {
    uint64_t key; /* subject of its list */
    ts_ms time_ms;
    uint16_t site, seq;
    uint8_t direction;
};

struct refs {
    struct ref *p;
    size_t n, room;
};

struct seen {
    ts_ms first_ms, last_ms, entry_ms, exit_ms;
    struct ref first, entry;
    uint32_t reads, day_reads;
    int32_t last_night;
    uint16_t nights, last_site, gaps;
};

enum list {
    LIST_CLONES,
    LIST_FAKES,
    LIST_STATUS,
    LIST_BANS,
    LIST_CURFEW,
    LIST_OBSCURED,
    LIST_SCENES,
    LISTS,
};

struct truth {
    struct city *city;
    const struct watchlist *watches;
    const char *dir;
    char truth_dir[500];
    struct refs list[LISTS];
    struct seen *seen;  /* by plate id of registered vehicles */
    uint16_t *gap_site; /* gap_room per vehicle */
    int gap_room;
    int64_t *section_in; /* by vehicle with PART_SPEEDER: when it passed the section's
                            first site */
    struct out hits, misreads, speed;
    enum err err;
    struct note note;
};

/* Begins a file of the truth; an error is kept in t->err. */
void truth_begin(struct truth *t, struct out *o, const char *name, const char *header);
const char *truth_plate(const struct truth *t, uint32_t worn);

#endif
