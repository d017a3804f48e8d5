/* SPDX-License-Identifier: Apache-2.0 */
/* point.h - points of the earth, distances, boxes and polygons.
 *
 * Units    positions 1e-7 degree WGS-84 (whole numbers); distances metres.
 * Owner    polygons borrow their points.
 * Threads  pure functions.
 * See      great circle by the haversine form on a sphere of 6,371,008.8 m (mean earth
 * radius, IUGG); point in polygon by crossing number in exact integer arithmetic.
 */
#ifndef TQ_GEO_POINT_H
#define TQ_GEO_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct geo_point {
    int32_t lon, lat; /* 1e-7 degree */
};

struct geo_box { /* closed on all sides; empty when lon0 > lon1 */
    int32_t lon0, lat0, lon1, lat1;
};
#define GEO_BOX_EMPTY ((struct geo_box){INT32_MAX, INT32_MAX, INT32_MIN, INT32_MIN})

/* A ring without the repeated first point (a repeated one does no harm); fewer than
 * three points hold nothing. */
struct geo_ring {
    const struct geo_point *points;
    size_t n;
};

/* Great-circle distance in metres. */
double geo_dist_m(struct geo_point a, struct geo_point b);

struct geo_box geo_box_of(const struct geo_point *points, size_t n);
bool geo_box_holds(struct geo_box box, struct geo_point p);

/* Is p inside the ring or on its border? Exact: no rounding decides. */
bool geo_ring_holds(struct geo_ring ring, struct geo_point p);

#endif
