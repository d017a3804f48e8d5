/* SPDX-License-Identifier: Apache-2.0 */
/* vehicle.h - one row of the vehicle registry (机动车登记) and the snapshot that rules
 * ask.
 *
 * Shape    dates are civil day numbers (0 = none). Status letters of GA 24.17 as a bit
 *          set: bit 0 = 'A'. A row is 32 bytes; the base keeps rows in the order of a
 *          hash of their plate at a load of 85 %, so a look-up touches one or two cache
 *          lines and a base is one flat image that can be mapped from a file. Texts of
 *          owner units are interned.
 * Owner    a vehicle_index is an immutable refcounted snapshot: a shared base plus a
 *          small delta.
 * Threads  read from any thread that holds a reference.
 * See      facts of GA 24.4, 24.7, 24.17; store/registry.h makes and publishes
 *          snapshots.
 */
#ifndef TQ_MODEL_VEHICLE_H
#define TQ_MODEL_VEHICLE_H

#include "core/cur.h"
#include "core/err.h"
#include "model/sighting.h"

#define STATUS_BIT(letter) (1u << ((letter) - 'A'))
#define STATUS_STOLEN STATUS_BIT('C') /* 被盗抢 */
/* 注销、强制注销、报废。 */
#define STATUS_SCRAPPED (STATUS_BIT('E') | STATUS_BIT('M') | STATUS_BIT('P'))
#define STATUS_OVERDUE STATUS_BIT('Q') /* 逾期未检验 */

struct vehicle {
    struct plate plate;
    uint32_t status;        /* STATUS_BIT set */
    int32_t inspection_day; /* valid until, civil day number; 0 none */
    int32_t scrap_day;
    uint32_t owner; /* interned text: vehicle_owner(); 0 none */
    code3 vehicle_class, brand;
    uint8_t plate_class; /* GA 24.7 number: 1 large, 2 small, 51, 52 ... */
    uint8_t plate_color, vehicle_color; /* ColorType */
    char use_nature;                    /* 'A' non-commercial ... ; 0 unknown */
};
_Static_assert(sizeof(struct vehicle) == 32, "two rows fill a cache line");

/* Look-up handed to rooms that may not see the store. Plate + plate colour decide (the
 * same text exists in blue and yellow); color 0 = any. Returns NULL when there is none;
 * valid while the snapshot is held. */
struct vehicle_index;
const struct vehicle *
vehicle_find(const struct vehicle_index *x, struct plate plate, uint8_t plate_color);
uint64_t vehicle_version(const struct vehicle_index *x);
uint64_t vehicle_count(const struct vehicle_index *x);
/* Text of an interned owner unit (masked, "张**"); empty for 0. Borrowed from the
 * snapshot. */
struct span vehicle_owner(const struct vehicle_index *x, uint32_t owner);
/* Every row once, in no useful order; stops when each() answers false. */
void vehicle_each(
    const struct vehicle_index *x, bool (*each)(void *arg, const struct vehicle *v),
    void *arg);

struct vehicle_index *vehicle_index_ref(struct vehicle_index *x);
void vehicle_index_unref(struct vehicle_index *x);
/* A snapshot of n rows (a later row replaces an earlier one of the same plate and
 * colour). owners[i] is the text of owner number i + 1. NULL without memory. */
struct vehicle_index *vehicle_index_new(
    const struct vehicle *rows, size_t n, const struct span *owners, size_t owners_n,
    uint64_t version);
/* x with rows replaced or added; base shared, so it costs the size of the delta.
 * `owners` gives the text of each row's owner (row.owner is not read); gone rows are
 * removed when `remove` is set. NULL without memory. */
struct vehicle_index *vehicle_index_with(
    const struct vehicle_index *x, const struct vehicle *rows,
    const struct span *owners, size_t n, bool remove, uint64_t version);
/* Rows in the delta: when it grows past VEHICLE_DELTA the owner makes a new base. */
size_t vehicle_delta(const struct vehicle_index *x);
#define VEHICLE_DELTA 8192u

/* The base as one image for a file (all rows and owners, delta folded in), with
 * checksum. */
void vehicle_image(const struct vehicle_index *x, struct buf *out);
/* A snapshot over an image that `release(arg)` gives back when the last reference goes
 * (called on failure too). ERR_CORRUPT: bad checksum or bounds; ERR_NEWER: another
 * layout. */
enum err vehicle_index_open(
    const void *image, size_t n, void (*release)(void *arg), void *arg,
    struct vehicle_index **out) MUST_USE;

#endif
