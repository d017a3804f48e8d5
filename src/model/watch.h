/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h - a watch (布控): a reason, an author, an approver and an end date, to be
 * told when a vehicle is seen.
 *
 * Owner    a watch_set is an immutable refcounted snapshot.
 * Threads  read from any thread that holds a reference.
 * See      GA/T 1400.3 Disposition; docs/why/looks.md.
 */
#ifndef TQ_MODEL_WATCH_H
#define TQ_MODEL_WATCH_H

#include "model/sighting.h"

struct watch_id {
    uint64_t v;
};

enum watch_state { WATCH_PROPOSED, WATCH_APPROVED, WATCH_REJECTED, WATCH_WITHDRAWN };

struct watch {
    struct watch_id id;
    char code[32]; /* the list's own number, shown in alarms */
    struct plate_pattern pattern;
    char plate_text[PLATE_TEXT]; /* as entered */
    uint8_t plate_color;         /* 0 any */
    uint8_t level;        /* 1 intercept, 2 may intercept, 3 do not stop (管控) */
    uint8_t state;        /* enum watch_state */
    ts_ms from_ms, to_ms; /* pass times inside match */
    ts_ms list_ms;        /* age of the source list */
    char reason[96];
    char author[32], approver[32];
    uint64_t matter; /* 0 none */
};

/* All approved watches, indexed. Made by the store from the ledger; asked by rules. */
struct watch_set;
struct watch_set *watch_set_new(const struct watch *rows, size_t n, uint64_t version);
struct watch_set *watch_set_ref(struct watch_set *s);
void watch_set_unref(struct watch_set *s);
uint64_t watch_set_version(const struct watch_set *s);
size_t watch_set_count(const struct watch_set *s);
const struct watch *watch_set_at(const struct watch_set *s, size_t i);

/* Watches whose exact plate is `p` (any colour, any interval): at most cap into out;
 * returns how many there are. The hot path: one probe, no allocation. */
size_t watch_set_exact(
    const struct watch_set *s, struct plate p, const struct watch **out, size_t cap);
/* Watches with wildcards that match p, by scan of the (few) patterns bucketed by
 * literal prefix. */
size_t watch_set_wild(
    const struct watch_set *s, struct plate p, const struct watch **out, size_t cap);

/* Watches with wildcards (and no '*') that p misses by exactly one character after the
 * first two; *at is its position, of which the pattern has another literal. */
struct watch_near {
    const struct watch *watch;
    uint8_t at;
};
size_t watch_set_near(
    const struct watch_set *s, struct plate p, struct watch_near *out, size_t cap);

#endif
