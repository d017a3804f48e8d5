/* SPDX-License-Identifier: Apache-2.0 */
/* vehicle.h - one row of the vehicle registry (机动车登记) and the snapshot that rules ask.
 *
 * Shape    dates are civil day numbers (0 = none). Status letters of GA 24.17 as a bit set: bit 0 = 'A'.
 * Owner    a vehicle_base is an immutable refcounted snapshot: a sorted base plus a small delta.
 * Threads  read from any thread that holds a reference.
 * See      facts of GA 24.4, 24.7, 24.17; store/registry.h makes and publishes snapshots.
 */
#ifndef TQ_MODEL_VEHICLE_H
#define TQ_MODEL_VEHICLE_H

#include "model/sighting.h"

#define STATUS_BIT(letter) (1u << ((letter) - 'A'))
#define STATUS_STOLEN STATUS_BIT('C')                                     /* 被盗抢 */
#define STATUS_SCRAPPED (STATUS_BIT('E') | STATUS_BIT('M') | STATUS_BIT('P')) /* 注销 强制注销 报废 */
#define STATUS_OVERDUE STATUS_BIT('Q')                                    /* 逾期未检验 */

struct vehicle {
    struct plate plate;
    uint32_t status;         /* STATUS_BIT set */
    int32_t inspection_day;  /* valid until, civil day number; 0 none */
    int32_t scrap_day;
    code3 vehicle_class, brand;
    uint8_t plate_class;     /* GA 24.7 number: 1 large, 2 small, 51, 52 ... */
    uint8_t plate_color, vehicle_color; /* ColorType */
    char use_nature;         /* 'A' non-commercial ... ; 0 unknown */
    char owner_unit[28];     /* masked */
};

/* Look-up handed to rooms that may not see the store. Plate + plate colour decide (the same text
 * exists in blue and yellow); color 0 = any. Returns NULL when there is none; valid while the
 * snapshot is held. */
struct vehicle_index; /* store/registry.c */
const struct vehicle *
vehicle_find(const struct vehicle_index *x, struct plate plate, uint8_t plate_color);
uint64_t vehicle_version(const struct vehicle_index *x);
uint64_t vehicle_count(const struct vehicle_index *x);

#endif
