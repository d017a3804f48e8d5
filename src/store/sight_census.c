/* SPDX-License-Identifier: Apache-2.0 */
/* A census is folded from one run after another, largest first, so that the long arrays
 * are copied few times. */
#include "store/sight_census.h"

#include "model/plate.h"

#include <stdatomic.h>
#include <stdlib.h>

static struct census *
census_new(size_t n)
{
    struct census *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    atomic_init(&r->refs, 1);
    size_t room = n + CENSUS_STEP;
    r->plate = malloc(room * sizeof *r->plate);
    r->rows = calloc(room, sizeof *r->rows);
    r->hours = calloc(room, sizeof *r->hours);
    r->first = calloc(room, sizeof *r->first);
    r->days = calloc(room, 1);
    if (r->plate && r->rows && r->hours && r->first && r->days)
        return r;
    census_unref(r);
    return NULL;
}

struct census *
census_ref(struct census *r)
{
    if (r)
        atomic_fetch_add(&r->refs, 1);
    return r;
}

void
census_unref(struct census *r)
{
    if (!r || atomic_fetch_sub(&r->refs, 1) != 1)
        return;
    free(r->plate);
    free(r->rows);
    free(r->hours);
    free(r->first);
    free(r->days);
    free(r);
}

static void
copy_range(struct census *to, const struct census *from, size_t i, size_t n)
{
    memcpy(to->plate + to->n, from->plate + i, n * sizeof *to->plate);
    memcpy(to->rows + to->n, from->rows + i, n * sizeof *to->rows);
    memcpy(to->hours + to->n, from->hours + i, n * sizeof *to->hours);
    memcpy(to->first + to->n, from->first + i, n * sizeof *to->first);
    memcpy(to->days + to->n, from->days + i, n);
    to->n += n;
}

static void
put_plate(struct census *r, const struct run_plate *p)
{
    size_t i = r->n++;
    r->plate[i] = p->plate;
    r->rows[i] = p->rows > UINT32_MAX ? UINT32_MAX : (uint32_t)p->rows;
    r->hours[i] = (p->hours & CENSUS_HOURS) |
                  (plate_is_exact((struct plate){p->plate}) ? CENSUS_EXACT : 0);
    r->first[i] = (int32_t)p->first_day;
    r->days[i] = p->days > UINT8_MAX ? UINT8_MAX : (uint8_t)p->days;
}

static void
fold_plate(struct census *r, const struct run_plate *p)
{
    size_t i = r->n - 1;
    uint64_t rows = r->rows[i] + p->rows;
    r->rows[i] = rows > UINT32_MAX ? UINT32_MAX : (uint32_t)rows;
    r->hours[i] |= p->hours & CENSUS_HOURS;
    uint64_t days = r->days[i] + p->days;
    r->days[i] = days > UINT8_MAX ? UINT8_MAX : (uint8_t)days;
    if (p->first_day < r->first[i])
        r->first[i] = (int32_t)p->first_day;
}

enum err
census_add(const struct census *old, struct seg *run, size_t cap, struct census **out)
{
    size_t old_n = old ? old->n : 0, at = 0;
    size_t n = old_n + (size_t)run->table[RUN_PLATES].rows;
    struct run_plates *walk = malloc(sizeof *walk);
    struct census *r = census_new(n);
    struct run_plate p;
    if (!walk || !r) {
        free(walk);
        census_unref(r);
        return ERR_NOMEM;
    }
    run_plates_init(walk, run, 1, PLATES_TIMES);
    while (run_plates_next(walk, &p)) {
        size_t same = at;
        while (at < old_n && old->plate[at] <= p.plate)
            at++;
        if (at > same)
            copy_range(r, old, same, at - same);
        if (at > same && old->plate[at - 1] == p.plate)
            fold_plate(r, &p);
        else
            put_plate(r, &p);
    }
    if (at < old_n)
        copy_range(r, old, at, old_n - at);
    free(walk);
    enum err e = atomic_load(&run->bad) ? ERR_CORRUPT : r->n > cap ? ERR_TOOBIG : OK;
    if (e != OK) {
        census_unref(r);
        return e;
    }
    *out = r;
    return OK;
}

static int
most_plates(const void *a, const void *b)
{
    uint64_t x = (*(struct seg *const *)a)->table[RUN_PLATES].rows;
    uint64_t y = (*(struct seg *const *)b)->table[RUN_PLATES].rows;
    return (x < y) - (x > y);
}

enum err
census_of(
    struct seg *const *runs, size_t n, size_t cap, bool (*stop)(void *arg), void *arg,
    struct census **out)
{
    struct seg **sorted = malloc((n ? n : 1) * sizeof *sorted);
    struct census *r = census_new(0);
    enum err e = sorted && r ? OK : ERR_NOMEM;
    for (size_t i = 0; e == OK && i < n; i++)
        sorted[i] = runs[i];
    if (e == OK)
        qsort(sorted, n, sizeof *sorted, most_plates);
    for (size_t i = 0; e == OK && i < n; i++) {
        struct census *next = NULL;
        e = stop && stop(arg) ? ERR_STOPPING : census_add(r, sorted[i], cap, &next);
        if (e != OK)
            break;
        census_unref(r);
        r = next;
    }
    free(sorted);
    if (e != OK) {
        census_unref(r);
        return e;
    }
    *out = r;
    return OK;
}

size_t
census_find(const struct census *r, uint64_t v)
{
    size_t lo = 0, hi = r->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (r->plate[mid] < v)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}
