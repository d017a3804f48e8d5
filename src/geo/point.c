/* SPDX-License-Identifier: Apache-2.0 */
/* Distances need a cosine; everything that decides inside or outside is whole numbers,
 * so that two machines and two compilers answer alike. */
#include "geo/point.h"

#include <math.h>

#define EARTH_RADIUS_M 6371008.8
#define RADIAN_PER_E7 (M_PI / 180e7)

double
geo_dist_m(struct geo_point a, struct geo_point b)
{
    double lat_a = a.lat * RADIAN_PER_E7, lat_b = b.lat * RADIAN_PER_E7;
    double half_lat = sin((lat_b - lat_a) / 2);
    double half_lon = sin(((double)b.lon - (double)a.lon) * RADIAN_PER_E7 / 2);
    double h = half_lat * half_lat + cos(lat_a) * cos(lat_b) * half_lon * half_lon;
    return 2 * EARTH_RADIUS_M * asin(sqrt(h < 1 ? h : 1));
}

struct geo_box
geo_box_of(const struct geo_point *points, size_t n)
{
    struct geo_box box = GEO_BOX_EMPTY;
    for (size_t i = 0; i < n; i++) {
        struct geo_point p = points[i];
        box.lon0 = p.lon < box.lon0 ? p.lon : box.lon0;
        box.lon1 = p.lon > box.lon1 ? p.lon : box.lon1;
        box.lat0 = p.lat < box.lat0 ? p.lat : box.lat0;
        box.lat1 = p.lat > box.lat1 ? p.lat : box.lat1;
    }
    return box;
}

bool
geo_box_holds(struct geo_box box, struct geo_point p)
{
    return p.lon >= box.lon0 && p.lon <= box.lon1 && p.lat >= box.lat0 &&
           p.lat <= box.lat1;
}

/* Twice the signed area of a, b, p: differences fit 33 bits, so the products need more
 * than 64. */
static int
side(struct geo_point a, struct geo_point b, struct geo_point p)
{
    __extension__ typedef __int128 wide;
    wide cross = (wide)((int64_t)b.lon - a.lon) * ((int64_t)p.lat - a.lat) -
                 (wide)((int64_t)b.lat - a.lat) * ((int64_t)p.lon - a.lon);
    return (cross > 0) - (cross < 0);
}

bool
geo_ring_holds(struct geo_ring ring, struct geo_point p)
{
    if (ring.n < 3)
        return false;
    bool inside = false;
    for (size_t i = 0, j = ring.n - 1; i < ring.n; j = i++) {
        struct geo_point a = ring.points[j], b = ring.points[i];
        int s = side(a, b, p);
        struct geo_point ends[2] = {a, b};
        if (s == 0 && geo_box_holds(geo_box_of(ends, 2), p))
            return true; /* on the border */
        if ((a.lat > p.lat) != (b.lat > p.lat) && (b.lat > a.lat ? s > 0 : s < 0))
            inside = !inside;
    }
    return inside;
}
