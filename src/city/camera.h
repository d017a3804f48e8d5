/* SPDX-License-Identifier: Apache-2.0 */
/* camera.h - what the cameras make of a pass: reading errors, wrong clocks, outages,
 * late uploads, retries, vendors' codes. The faults that detectors must survive.
 *
 * Units    milliseconds since the city's first midnight inside; epoch milliseconds in
 * records.
 * Owner    camera_init() fills the caller's struct; nothing on the heap.
 * Threads  immutable after init, except the record counters (one reader).
 * See      docs/city.md, "Faults".
 */
#ifndef TQ_CITY_CAMERA_H
#define TQ_CITY_CAMERA_H

#include "city/drive.h"
#include "core/civil.h"

enum city_read {
    CITY_EXACT,
    CITY_MISREAD, /* one character taken for another */
    CITY_PARTIAL, /* '?' for one or two characters */
    CITY_UNREAD,
};

/* One record as a camera sent it, and (for truth) what it shows. */
struct city_rec {
    ts_ms arrive_ms, time_ms; /* upload; the camera's own clock */
    uint32_t car, worn;       /* truth: who drove, the plate id it wears */
    uint16_t site;            /* 1..800 */
    uint16_t seq;
    uint8_t direction, lane, speed_kmh, confidence;
    uint8_t
        plate_color; /* as sent: vendor's code at vendor sites; CITY_NO_COLOR = none */
    uint8_t vehicle_color, brand; /* 0 unread */
    uint8_t read;                 /* enum city_read */
    char vehicle_class[4];
    char plate[FLEET_PLATE]; /* as read, UTF-8; "无牌" for none */
    int64_t true_ms;         /* truth: when, since the first midnight */
};
#define CITY_NO_COLOR 255
#define CITY_RECORD_ID 24

/* The record's own id, 21 digits: site, direction, clock, counter. dst[CITY_RECORD_ID].
 */
char *city_record_id(const struct city_rec *r, char *dst);

enum camera_gap_kind { CAMERA_OUTAGE, CAMERA_DEGRADED };
struct camera_gap {
    uint8_t kind;
    int64_t from_ms, to_ms;
};

struct camera_site {
    int32_t skew_ms, drift_ms_day, step_ms;
    int64_t step_at_ms, swap_at_ms; /* INT64_MAX: never */
    uint8_t color_map;              /* camera_color_map() */
    bool hours_late, next_day, retries, bad_looks;
};

struct camera {
    uint64_t seed;
    const struct plan *plan;
    ts_ms from_ms; /* first midnight */
    int days;
    uint16_t moved_site;
    struct camera_site site[SHAPE_SITES + 1];
    uint16_t seq[SHAPE_SITES + 1];
    int gap_day; /* the cached day */
    struct camera_gap gap[SHAPE_SITES + 1][4];
    uint8_t gap_n[SHAPE_SITES + 1];
};

/* Decides the faults and moves the listed position of one site. */
void camera_init(
    struct camera *c, struct shape *shape, const struct plan *plan, uint64_t seed,
    ts_ms from_ms, int days);
/* Name of the plate-colour code table a site uses ("gat1400", "sdk0", "ui1"). */
const char *camera_color_map(const struct camera *c, int site);
/* The gaps of a site that begin on a day: how many (at most 2). */
int camera_gaps(const struct camera *c, int site, int day, struct camera_gap out[2]);
/* Makes the record of a pass; false when the site was down. Call in order of time. */
bool camera_read(struct camera *c, const struct drive_pass *p, struct city_rec *out);
/* A second upload of the same record; false when there is none. */
bool
camera_retry(const struct camera *c, const struct city_rec *r, struct city_rec *again);

#endif
