/* SPDX-License-Identifier: Apache-2.0 */
/* sight_head.h - the rows that are in the journal but not yet in segments: an
 * append-only array in memory with chains by plate and by site and a table of keys.
 *
 * Owner    refcounted; the store thread appends to the newest one, others only read.
 * Threads  one writer; readers see rows [0, n) for an n they loaded; head_find_key() is
 * the writer's.
 * Errors   head_put() answers false without memory: the caller seals and starts a new
 * head.
 * See      sight_test.c.
 */
#ifndef TQ_STORE_SIGHT_HEAD_H
#define TQ_STORE_SIGHT_HEAD_H

#include "model/sighting.h"

#define HEAD_END UINT32_MAX

struct head {
    _Atomic uint32_t refs;
    _Atomic size_t n; /* visible rows */
    size_t cap;
    struct sighting *rows;
    uint32_t *next_plate, *next_site, *next_key; /* older row of the same slot */
    _Atomic uint32_t *plate_slot, *site_slot;
    _Atomic uint32_t *key_slot;
    size_t mask, site_mask;
    struct arena texts;
    uint64_t first_lsn, last_lsn; /* journal records of its rows: (first, last] */
    _Atomic ts_ms min_ms;         /* smallest pass time put */
};

struct head *head_new(size_t cap);
struct head *head_ref(struct head *h);
void head_unref(struct head *h);

/* The key under which a record is a duplicate: (device, record id, pass time); the site
 * stands in for a device that is not known. */
uint64_t head_key(const struct sighting *s);
bool head_same_key(const struct sighting *a, const struct sighting *b);
/* The row of the same key below n, or NULL. */
const struct sighting *
head_find_key(const struct head *h, const struct sighting *s, size_t n);
/* The first field in which a record differs from the stored one of its key, or NULL. A
 * picture that went into a pack no longer compares with what was sent. */
const char *head_differs(const struct sighting *stored, const struct sighting *sent);

/* Copies the row; becomes visible with head_publish(). */
bool head_put(struct head *h, const struct sighting *s, size_t at);
void head_publish(struct head *h, size_t n);

/* Newest row below n of the plate's (site's) chain, HEAD_END at its end; the chain may
 * hold others that share the slot. */
uint32_t head_first_plate(const struct head *h, uint64_t plate, size_t n);
uint32_t head_first_site(const struct head *h, uint32_t site, size_t n);

#endif
