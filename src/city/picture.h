/* SPDX-License-Identifier: Apache-2.0 */
/* picture.h - pictures of passing vehicles, drawn by us: a front view in the vehicle's
 * colour and class, its plate, the road by day or night, and a strip with time and
 * place.
 *
 * Shape    the same look gives the same JPEG bytes.
 * Owner    bytes are appended to the caller's buffer.
 * Threads  pure functions.
 * Errors   ERR_NOMEM.
 * See      ISO/IEC 10918-1 (through libjpeg); docs/city.md, "Pictures".
 */
#ifndef TQ_CITY_PICTURE_H
#define TQ_CITY_PICTURE_H

#include "core/civil.h"
#include "core/cur.h"
#include "core/err.h"

#define PICTURE_WIDTH 640
#define PICTURE_HEIGHT 360

enum picture_damage {
    PICTURE_WHOLE,
    PICTURE_NO_MIRROR, /* the vehicle's right mirror is gone */
    PICTURE_NO_LAMP,   /* its left headlamp is dark */
    PICTURE_DENT,      /* the bumper is bent */
};

struct picture_look {
    const char *plate; /* UTF-8; "" = none to be seen */
    const char *vehicle_class;
    uint8_t plate_color, vehicle_color; /* ColorType */
    uint8_t brand;
    uint8_t damage; /* enum picture_damage */
    ts_ms time_ms;  /* civil time UTC+8 */
    const char *site;
    unsigned lane, speed_kmh;
};

/* 640 x 360, some 10 to 30 kB. */
enum err picture_draw(const struct picture_look *look, struct buf *jpeg) MUST_USE;
/* The same grainy and in high quality, filled up to exactly `bytes` (at least 65,536):
 * for benches. */
enum err picture_draw_sized(
    const struct picture_look *look, size_t bytes, struct buf *jpeg) MUST_USE;

#endif
