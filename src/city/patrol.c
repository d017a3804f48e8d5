/* SPDX-License-Identifier: Apache-2.0 */
/* patrol.c - units wander from junction to junction and do not turn back where they can
 * go on. */
#include "city/patrol.h"

#include <stdlib.h>
#include <string.h>

#include "core/err.h"

static int
neighbours(int node, int out[4])
{
    int n = 0;
    if (node >= SHAPE_GRID) {
        int i = node - SHAPE_GRID;
        out[n++] = SHAPE_GRID + (i + 1) % SHAPE_RING;
        out[n++] = SHAPE_GRID + (i + SHAPE_RING - 1) % SHAPE_RING;
        return n;
    }
    if (node % 9 > 0)
        out[n++] = node - 1;
    if (node % 9 < 8)
        out[n++] = node + 1;
    if (node / 9 > 0)
        out[n++] = node - 9;
    if (node / 9 < 8)
        out[n++] = node + 9;
    return n;
}

static void
turn(struct patrol *p, struct patrol_unit *u)
{
    int out[4], n = neighbours(u->to, out);
    int next = out[rnd_below(&p->r, (uint32_t)n)];
    if (next == u->from && n > 1) /* not back */
        next = out[0] == u->from ? out[1] : out[0];
    u->from = u->to;
    u->to = (uint8_t)next;
    u->done_m = 0;
}

void
patrol_init(struct patrol *p, const struct shape *shape, uint64_t seed)
{
    memset(p, 0, sizeof *p);
    p->shape = shape;
    p->r.s = rnd_hash(seed, 1100, 0);
    for (int i = 0; i < STAFF_UNITS; i++) {
        struct staff_unit s = staff_unit(shape, i);
        struct patrol_unit *u = &p->unit[i];
        bool walks = strcmp(s.kind, "foot") == 0;
        u->from = u->to = (uint8_t)s.node;
        turn(p, u);
        u->kmh = walks ? 4 : (uint8_t)rnd_range(&p->r, 22, 38);
        u->done_m = (int32_t)rnd_below(&p->r, 600);
    }
}

void
patrol_move(struct patrol *p, int64_t dt_ms)
{
    for (int i = 0; i < STAFF_UNITS; i++) {
        struct patrol_unit *u = &p->unit[i];
        u->done_m += (int32_t)(u->kmh * dt_ms / 3600);
        for (int k = 0; k < 64; k++) {
            int32_t len = shape_edge_between(p->shape, u->from, u->to)->len_m;
            if (u->done_m < len)
                break;
            int32_t over = u->done_m - len;
            turn(p, u);
            u->done_m = over;
        }
    }
}

void
patrol_at(
    const struct patrol *p, int i, int32_t *lon, int32_t *lat, int *heading_deg,
    int *kmh)
{
    static const int headings[10] = {0, 90, 270, 180, 0, 45, 225, 135, 315, 0};
    must(i >= 0 && i < STAFF_UNITS);
    const struct patrol_unit *u = &p->unit[i];
    const struct shape *s = p->shape;
    int32_t len = shape_edge_between(s, u->from, u->to)->len_m;
    int32_t dx = s->node[u->to].x - s->node[u->from].x,
            dy = s->node[u->to].y - s->node[u->from].y;
    int32_t done = u->done_m < len ? u->done_m : len;
    *lon = shape_lon(s->node[u->from].x + (int32_t)((int64_t)dx * done / len));
    *lat = shape_lat(s->node[u->from].y + (int32_t)((int64_t)dy * done / len));
    *heading_deg = headings[shape_direction(dx, dy)];
    *kmh = u->kmh;
}

void
patrol_json(const struct patrol *p, ts_ms now, struct buf *out)
{
    buf_text(out, "{\"fixes\":[");
    for (int i = 0; i < STAFF_UNITS; i++) {
        struct staff_unit s = staff_unit(p->shape, i);
        int32_t lon, lat;
        int heading, kmh;
        patrol_at(p, i, &lon, &lat, &heading, &kmh);
        buf_fmt(
            out,
            "%s{\"time_ms\":%lld,\"lon\":%d.%07d,\"lat\":%d.%07d,\"speed_kmh\":%d,"
            "\"heading_deg\":%d,\"unit\":\"%s\"}",
            i ? "," : "", (long long)now, lon / 10000000, lon % 10000000,
            lat / 10000000, lat % 10000000, kmh, heading, s.callsign);
    }
    buf_text(out, "]}");
}
