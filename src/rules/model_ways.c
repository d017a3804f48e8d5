/* SPDX-License-Identifier: Apache-2.0 */
/* Least travel times between sites that vehicles were seen to drive, and the sites that
 * those times show to stand elsewhere. */
#include "rules/model_build_own.h"

#include <math.h>
#include <stdlib.h>

#define LOW_SHARE 0.02 /* quantile that counts as the least time */
#define MOVED_KMH 150.0

static const struct model_edge *
edge_find(const struct model *m, uint32_t from, uint32_t to)
{
    size_t lo = 0, hi = m ? m->edges_n : 0;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        const struct model_edge *e = &m->edges[mid];
        if (e->from < from || (e->from == from && e->to < to))
            lo = mid + 1;
        else
            hi = mid;
    }
    bool hit =
        m && lo < m->edges_n && m->edges[lo].from == from && m->edges[lo].to == to;
    return hit ? &m->edges[lo] : NULL;
}

static int
by_ends(const void *a, const void *b)
{
    const struct model_edge *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

/* The i-th smallest travel time of a direction. */
static double
travel_ms(const struct model_build *b, struct group g, bool up, size_t i)
{
    return up ? b->links[g.first + i].gap_ms : -b->links[g.first + g.n - 1 - i].gap_ms;
}

static struct model_edge
edge_of(const struct model_build *b, struct group g, bool up)
{
    uint64_t pair = b->links[g.first].pair;
    uint32_t lower = (uint32_t)(pair >> 32), higher = (uint32_t)pair;
    struct model_edge e = {
        .from = up ? lower : higher, .to = up ? higher : lower, .n = (uint32_t)g.n};
    size_t at = (size_t)((double)g.n * LOW_SHARE);
    double least =
        travel_ms(b, g, up, at ? at : 1); /* the very first may be a misread */
    e.least_ds = (uint32_t)fmax(1, least / 100);
    const struct model_edge *old = edge_find(b->before, e.from, e.to);
    if (old) {
        double half = old->n / 2.0, now = e.n;
        e.least_ds =
            (uint32_t)((old->least_ds * half + e.least_ds * now) / (half + now));
        e.n += old->n / 2;
    }
    return e;
}

static size_t
add_edges(const struct model_build *b, struct group g, struct model_edge *out)
{
    struct group down = {g.first, 0};
    size_t n = 0;
    while (down.n < g.n && b->links[g.first + down.n].gap_ms < 0)
        down.n++;
    struct group up = {g.first + down.n, g.n - down.n};
    if (down.n >= EDGE_READS)
        out[n++] = edge_of(b, down, false);
    if (up.n >= EDGE_READS)
        out[n++] = edge_of(b, up, true);
    return n;
}

bool
model_learn_ways(struct model_build *b, struct model *m)
{
    size_t old_n = b->before ? b->before->edges_n : 0, n = 0;
    m->edges = malloc((b->links_n / EDGE_READS + old_n + 2) * sizeof *m->edges);
    if (!m->edges)
        return false;
    for (size_t i = 0; i < b->links_n;) {
        struct group g = group_at(b, i);
        i += g.n;
        n += add_edges(b, g, &m->edges[n]);
    }
    size_t fresh = n;
    for (size_t i = 0; i < old_n; i++) {
        struct model_edge e = b->before->edges[i];
        struct model_edge key = {.from = e.from, .to = e.to};
        e.n /= 2;
        if (e.n >= EDGE_READS / 2 && e.from <= b->sites_n && e.to <= b->sites_n &&
            !bsearch(&key, m->edges, fresh, sizeof e, by_ends))
            m->edges[n++] = e;
    }
    if (n)
        qsort(m->edges, n, sizeof *m->edges, by_ends);
    m->edges_n = n;
    return true;
}

/* A site whose listed position makes the least times of many of its ways absurd stands
 * elsewhere. */
bool
model_find_moved(const struct model_build *b, struct model *m)
{
    uint32_t *ways = calloc((size_t)b->sites_n + 1, sizeof *ways);
    uint32_t *absurd = calloc((size_t)b->sites_n + 1, sizeof *absurd);
    bool ok = ways && absurd;
    for (size_t i = 0; ok && b->sites && i < m->edges_n; i++) {
        const struct model_edge *e = &m->edges[i];
        const struct site *x = site_get(b->sites, (struct site_id){e->from});
        const struct site *y = site_get(b->sites, (struct site_id){e->to});
        if (!x || !y || !site_is_placed(x) || !site_is_placed(y) ||
            e->n < 2 * EDGE_READS)
            continue;
        double kmh = site_dist_m(x, y) * 36 / e->least_ds;
        ways[e->from]++;
        ways[e->to]++;
        absurd[e->from] += kmh > MOVED_KMH;
        absurd[e->to] += kmh > MOVED_KMH;
    }
    for (uint32_t i = 1; ok && i <= b->sites_n; i++)
        m->sites[i].moved = absurd[i] >= 2 && absurd[i] * 3 >= ways[i];
    free(ways);
    free(absurd);
    return ok;
}
