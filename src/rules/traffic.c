/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/traffic.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SITES 64u
#define SITES_MAX (1u << 22)

enum err
traffic_init(struct traffic *t)
{
    *t = (struct traffic){.sites = FIRST_SITES};
    t->cells = calloc((size_t)FIRST_SITES * TRAFFIC_HOURS, sizeof *t->cells);
    return t->cells ? OK : ERR_NOMEM;
}

void
traffic_release(struct traffic *t)
{
    free(t->cells);
    *t = (struct traffic){0};
}

static bool
grow(struct traffic *t, uint32_t site)
{
    uint32_t room = t->sites;
    while (room <= site && room < SITES_MAX)
        room *= 2;
    if (site >= room)
        return false;
    struct traffic_cell *p =
        realloc(t->cells, (size_t)room * TRAFFIC_HOURS * sizeof *p);
    if (!p)
        return false;
    memset(
        p + (size_t)t->sites * TRAFFIC_HOURS, 0,
        (size_t)(room - t->sites) * TRAFFIC_HOURS * sizeof *p);
    t->cells = p;
    t->sites = room;
    return true;
}

static struct traffic_cell *
cell_at(const struct traffic *t, uint32_t site, int32_t hour)
{
    return &t->cells
                [(size_t)site * TRAFFIC_HOURS + ((uint32_t)hour & (TRAFFIC_HOURS - 1))];
}

void
traffic_add(struct traffic *t, uint32_t site, int32_t hour)
{
    if (site >= t->sites && !grow(t, site))
        return;
    struct traffic_cell *c = cell_at(t, site, hour);
    int16_t newer = (int16_t)((uint16_t)hour - c->hour);
    if (newer < 0 && c->n)
        return; /* its hour was forgotten */
    if (newer > 0 || !c->n)
        *c = (struct traffic_cell){.hour = (uint16_t)hour};
    c->n += c->n < UINT16_MAX;
}

unsigned
traffic_near(const struct traffic *t, uint32_t site, int32_t hour)
{
    unsigned sum = 0;
    for (int32_t h = hour - 1; site < t->sites && h <= hour + 1; h++) {
        const struct traffic_cell *c = cell_at(t, site, h);
        sum += c->hour == (uint16_t)h ? c->n : 0;
    }
    return sum;
}

void
traffic_encode(struct buf *out, const struct traffic *t)
{
    size_t n = (size_t)t->sites * TRAFFIC_HOURS, from = 0;
    buf_varint(out, t->sites);
    for (size_t i = 0; i < n; i++) { /* only what is not empty, by its distance */
        if (!t->cells[i].n)
            continue;
        buf_varint(out, i - from + 1);
        buf_varint(out, t->cells[i].hour);
        buf_varint(out, t->cells[i].n);
        from = i;
    }
    buf_varint(out, 0);
}

enum err
traffic_decode(struct cur *c, struct traffic *t)
{
    uint64_t sites = cur_varint(c), at = 0;
    if (c->bad || sites > SITES_MAX || sites < FIRST_SITES)
        return ERR_CORRUPT;
    if (sites > t->sites && !grow(t, (uint32_t)sites - 1))
        return ERR_NOMEM;
    for (uint64_t step = cur_varint(c); step && !c->bad; step = cur_varint(c)) {
        at += step - 1;
        if (step > sites * TRAFFIC_HOURS || at >= sites * TRAFFIC_HOURS)
            return ERR_CORRUPT;
        t->cells[at].hour = (uint16_t)cur_varint(c);
        t->cells[at].n = (uint16_t)cur_varint(c);
    }
    return c->bad ? ERR_CORRUPT : OK;
}
