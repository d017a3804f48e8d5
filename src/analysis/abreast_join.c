/* SPDX-License-Identifier: Apache-2.0 */
/* Days are walked in step by their lesser plate; how many days a greater one has is
 * counted under its number among the plates of all days. */
#include "analysis/abreast.h"

#include "analysis/order.h"

struct join {
    const struct abreast_day *day;
    size_t n;
    struct arena arena;
    struct plate *plate; /* of all days */
    uint32_t plates;
    uint32_t **of; /* by day: its numbers as those of all days */
    struct pair_reader *reader;
    bool *live;
    uint32_t *y;     /* of one x on one day */
    uint8_t *days;   /* by number: days beside x */
    uint32_t *found; /* those whose days are not 0 */
    struct order order;
};

/* The numbers of all days, in plate order. */
static void
join_plates(struct join *j, uint32_t *at)
{
    for (;;) {
        uint64_t least = UINT64_MAX;
        for (size_t d = 0; d < j->n; d++)
            if (at[d] < j->day[d].plates && j->day[d].plate[at[d]].v < least)
                least = j->day[d].plate[at[d]].v;
        if (least == UINT64_MAX)
            return;
        for (size_t d = 0; d < j->n; d++)
            if (at[d] < j->day[d].plates && j->day[d].plate[at[d]].v == least)
                j->of[d][at[d]++] = j->plates;
        j->plate[j->plates++] = (struct plate){least};
    }
}

static bool
join_open(struct join *j, struct arena *arena)
{
    size_t most = 0, sum = 0;
    uint32_t *at = arena_array(&j->arena, j->n + 1, sizeof *at);
    j->of = arena_array(&j->arena, j->n + 1, sizeof *j->of);
    j->reader = arena_array(&j->arena, j->n + 1, sizeof *j->reader);
    j->live = arena_array(&j->arena, j->n + 1, sizeof *j->live);
    if (!at || !j->of || !j->reader || !j->live)
        return false;
    for (size_t d = 0; d < j->n; d++) {
        size_t n = j->day[d].plates;
        most = n > most ? n : most;
        sum += n;
        j->of[d] = arena_array(&j->arena, n + 1, sizeof **j->of);
        if (!j->of[d])
            return false;
        pair_reader_init(&j->reader[d], &j->day[d].pairs);
        j->live[d] = pair_reader_next(&j->reader[d]);
    }
    if (sum >= UINT32_MAX)
        return false;
    j->plate = arena_array(arena, sum + 1, sizeof *j->plate);
    j->y = arena_array(&j->arena, most + 1, sizeof *j->y);
    if (!j->plate || !j->y)
        return false;
    join_plates(j, at);
    j->days = arena_array(&j->arena, (size_t)j->plates + 1, sizeof *j->days);
    j->found = arena_array(&j->arena, (size_t)j->plates + 1, sizeof *j->found);
    return j->days && j->found && order_init(&j->order, &j->arena, j->plates);
}

/* The least x at which a day stands; false at the end. */
static bool
join_least(const struct join *j, uint32_t *x)
{
    *x = UINT32_MAX;
    for (size_t d = 0; d < j->n; d++)
        if (j->live[d] && j->of[d][j->reader[d].x] < *x)
            *x = j->of[d][j->reader[d].x];
    return *x != UINT32_MAX;
}

/* Counts the days of all y of x into j->days; answers how many there are, in j->found
 * in no order. Days behind x go on. */
static uint32_t
join_count(struct join *j, uint32_t x)
{
    uint32_t found = 0;
    for (size_t d = 0; d < j->n; d++) {
        struct pair_reader *r = &j->reader[d];
        if (!j->live[d] || j->of[d][r->x] != x)
            continue;
        pair_reader_take(r, j->y);
        for (uint32_t i = 0; i < r->n; i++) {
            uint32_t y = j->of[d][j->y[i]];
            j->found[found] = y;
            found += j->days[y]++ == 0;
        }
        j->live[d] = pair_reader_next(r);
    }
    return found;
}

enum err
abreast_join(
    const struct abreast_day *days, size_t n, uint32_t least, struct arena *arena,
    struct abreast_day *out, uint64_t *all)
{
    struct join j = {.day = days, .n = n};
    must(n <= ABREAST_DAYS);
    *out = (struct abreast_day){0};
    *all = 0;
    arena_init(&j.arena, arena->cap);
    enum err e = join_open(&j, arena) ? OK : ERR_TOOBIG;
    uint32_t x;
    while (e == OK && join_least(&j, &x)) {
        uint32_t found = join_count(&j, x), kept = 0;
        for (uint32_t i = 0; i < found; i++) {
            uint32_t y = j.found[i];
            j.found[kept] = y;
            kept += j.days[y] >= least;
            j.days[y] = 0;
        }
        *all += found;
        order_sort(&j.order, j.found, kept, x);
        if (kept && !pair_list_put(&out->pairs, arena, x, j.found, kept))
            e = ERR_TOOBIG;
    }
    out->plate = j.plate;
    out->plates = j.plates;
    arena_release(&j.arena);
    return e;
}
