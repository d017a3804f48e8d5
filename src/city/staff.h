/* SPDX-License-Identifier: Apache-2.0 */
/* staff.h - the demo city's police units: callsigns, kinds, where they begin.
 *
 * Threads  pure functions.
 */
#ifndef TQ_CITY_STAFF_H
#define TQ_CITY_STAFF_H

#include "city/shape.h"

#define STAFF_SQUADS 3 /* in each brigade; a brigade is a district of the shape */
#define STAFF_UNITS (SHAPE_DISTRICTS * STAFF_SQUADS * 6)

struct staff_unit {
    char callsign[24];
    const char *kind;    /* "car", "motorcycle", "foot", "tow" */
    int district, squad; /* squad 1.. */
    int32_t x_m, y_m;
    int node; /* junction near which it begins */
};

struct staff_unit staff_unit(const struct shape *s, int i); /* i of 0..STAFF_UNITS-1 */
/* Two characters that stand for a district in names and callsigns. */
void staff_short_name(int district, char dst[8]);

#endif
