/* SPDX-License-Identifier: Apache-2.0 */
/* What the others needed on the same stretch in the same hour: jams and red lights are
 * in it, so that only who was slower than everybody stands out. */
#include <math.h>
#include <stdlib.h>

#include "analysis/flight_own.h"

#define LINK_READS 5u
#define SPREAD_MIN 0.12    /* nobody is sure of a red light */
#define PACE_MS_PER_M 90.0 /* 40 km/h, where nothing is known */
#define PACE_FROM_M 300.0

struct gap {
    uint32_t pair, ms;
};

static int
by_pair(const void *a, const void *b)
{
    const struct gap *x = a, *y = b;
    if (x->pair != y->pair)
        return x->pair < y->pair ? -1 : 1;
    return x->ms < y->ms ? -1 : x->ms > y->ms;
}

static int
by_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double
flight_dist_m(const struct flight_work *w, unsigned a, unsigned b)
{
    return site_dist_m(w->place[a].site, w->place[b].site);
}

/* The spread of a heavy-tailed sample: between its tenth and its middle part, where no
 * stop has a hand in it, and up to the third quarter for the lights. */
static double
spread_of(const uint32_t *ms, size_t n)
{
    double middle = ms[n / 2] + 1.0;
    double low = log(middle / (ms[n / 10] + 1.0)) / 1.28;
    double high = log((ms[n * 3 / 4] + 1.0) / middle) / 0.67;
    return fmax(SPREAD_MIN, fmax(low, high));
}

static size_t
collect(const struct flight_work *w, struct gap *gaps)
{
    size_t n = 0;
    for (size_t i = 0; i + 1 < w->hits_n; i++) {
        const struct flight_hit *a = &w->hit[i], *b = a + 1;
        if (a->plate == b->plate && a->site != b->site && b->at > a->at &&
            b->at - a->at < FLIGHT_STEP_MS)
            gaps[n++] = (struct gap){
                (uint32_t)a->site << 16 | b->site, (uint32_t)(b->at - a->at)};
    }
    return n;
}

static enum err
learn_pace(struct flight_work *w)
{
    struct flight_links *l = &w->links;
    double *pace = arena_array(w->arena, l->n + 1, sizeof *pace);
    size_t n = 0;
    if (!pace)
        return ERR_TOOBIG;
    for (size_t i = 0; i < l->n; i++) {
        double m = flight_dist_m(w, l->link[i].pair >> 16, l->link[i].pair & 0xffff);
        if (m >= PACE_FROM_M)
            pace[n++] = l->link[i].usual_ms / m;
    }
    if (n > 1)
        qsort(pace, n, sizeof *pace, by_double);
    l->ms_per_m = n >= 3 ? fmin(fmax(pace[n / 2], 40), 600) : PACE_MS_PER_M;
    return OK;
}

enum err
flight_links_make(struct flight_work *w)
{
    struct flight_links *l = &w->links;
    struct gap *gaps = arena_array(w->arena, w->hits_n + 1, sizeof *gaps);
    if (!gaps)
        return ERR_TOOBIG;
    size_t n = collect(w, gaps);
    if (n > 1)
        qsort(gaps, n, sizeof *gaps, by_pair);
    l->gap_ms = arena_array(w->arena, n + 1, sizeof *l->gap_ms);
    l->link = arena_array(w->arena, n / LINK_READS + 1, sizeof *l->link);
    if (!l->gap_ms || !l->link)
        return ERR_TOOBIG;
    l->n = 0;
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i; j < n && gaps[j].pair == gaps[i].pair; j++)
            l->gap_ms[j] = gaps[j].ms;
        if (j - i >= LINK_READS)
            l->link[l->n++] = (struct flight_link){
                .pair = gaps[i].pair,
                .first = (uint32_t)i,
                .n = (uint32_t)(j - i),
                .usual_ms = l->gap_ms[i + (j - i) / 2],
                .spread = spread_of(&l->gap_ms[i], j - i),
            };
    }
    return learn_pace(w);
}

const struct flight_link *
flight_link_find(const struct flight_links *l, unsigned from, unsigned to)
{
    uint32_t pair = (uint32_t)from << 16 | to;
    size_t lo = 0, hi = l->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (l->link[mid].pair < pair)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < l->n && l->link[lo].pair == pair ? &l->link[lo] : NULL;
}

double
flight_link_slower(
    const struct flight_links *l, const struct flight_link *k, double gap_ms)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->n; i++)
        n += l->gap_ms[k->first + i] >= gap_ms;
    return (double)n / k->n;
}
