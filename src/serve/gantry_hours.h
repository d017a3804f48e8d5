/* SPDX-License-Identifier: Apache-2.0 */
/* gantry_hours.h - how well a gantry works, hour by hour: what its cameras recognised,
 * what its radio read and charged, how many of both belong together, and how long each
 * was quiet (门架健康).
 *
 * Units    whole hours from `from`; instants ts_ms.
 * Owner    counts lie in the asker's arena.
 * Threads  any.
 * Errors   ERR_TOOBIG past the arena.
 * See      docs/api.md "GET /sites/{id}/gantry"; gantry_hours_test.c.
 */
#ifndef TQ_SERVE_GANTRY_HOURS_H
#define TQ_SERVE_GANTRY_HOURS_H

#include "model/sighting.h"

/* Tag and picture of one plate within it are one passage, as in the rules' default. */
#define GANTRY_PAIR_MS (10 * SECOND_MS)

struct gantry_hour {
    uint32_t passes, read; /* pictures; of them with a whole plate */
    uint32_t tags, known; /* tag reads; of them with a whole plate, each passage once */
    uint32_t done, failed; /* transactions by their result */
    uint32_t obu, cpc;
    uint32_t paired;               /* known tags with their picture */
    uint32_t quiet_s, tag_quiet_s; /* longest without a picture, without a tag */
};

/* Counts rows of both sites (any order) into `hours` of [from, to), which is zeroed.
 * Repeated reads of one plate within GANTRY_PAIR_MS count once for pairing.
 * camera_offset_ms is what the cameras' clock is ahead. Past `now` nothing is quiet. */
enum err gantry_hours(
    struct arena *a, const struct sighting *rows, size_t n, ts_ms from, ts_ms to,
    ts_ms now, int32_t camera_offset_ms, struct gantry_hour *hours) MUST_USE;

#endif
