/* SPDX-License-Identifier: Apache-2.0 */
/* staff.c - six units a squad: two cars, two motorcycles, one on foot, one tow truck.
 */
#include "city/staff.h"

#include <stdio.h>
#include <string.h>

#include "core/err.h"

/* "迎泽" of "迎泽区", "绕城" of "绕城高速": the first two characters. */
void
staff_short_name(int district, char dst[8])
{
    memcpy(dst, shape_district(district).zh, 6);
    dst[6] = 0;
    if (strncmp(shape_district(district).zh, "杏花岭", 9) == 0)
        memcpy(dst, "杏花", 7);
}

/* The n-th junction of a district (round and round); ring junctions for the motorway
 * brigade. */
static int
junction_of(const struct shape *s, int district, int n)
{
    if (district == SHAPE_DISTRICTS - 1)
        return SHAPE_GRID + n * 5 % SHAPE_RING;
    for (int i = 0;; i++) {
        int node = i % SHAPE_GRID;
        must(i < SHAPE_GRID * 200);
        if (s->site[s->node_site[node]].district == district && n-- == 0)
            return node;
    }
}

struct staff_unit
staff_unit(const struct shape *s, int i)
{
    static const char *const kinds[6] = {"car",        "car",  "motorcycle",
                                         "motorcycle", "foot", "tow"};
    must(i >= 0 && i < STAFF_UNITS);
    struct staff_unit u = {
        .kind = kinds[i % 6],
        .district = i / (STAFF_SQUADS * 6),
        .squad = 1 + i / 6 % STAFF_SQUADS,
    };
    char name[8];
    staff_short_name(u.district, name);
    snprintf(u.callsign, sizeof u.callsign, "%s%d%02d", name, u.squad, 1 + i % 6);
    u.node = junction_of(s, u.district, i % (STAFF_SQUADS * 6));
    u.x_m = s->node[u.node].x;
    u.y_m = s->node[u.node].y;
    return u;
}
