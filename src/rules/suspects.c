/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/suspects.h"

#include <stdlib.h>

#include "core/hash.h"

#define FIRST_ROOM 1024u

static uint32_t
plate_slot(const struct suspects *t, struct plate p, int32_t day)
{
    return (uint32_t)hash_pair(p.v, (uint32_t)day) & t->mask;
}

static uint32_t
place_slot(const struct suspects *t, uint32_t site)
{
    return (uint32_t)hash_u64(site) & t->mask;
}

static void
link_row(struct suspects *t, uint32_t i)
{
    struct suspect *r = &t->rows[i];
    uint32_t *plate = &t->by_plate[plate_slot(t, r->plate, r->day)];
    uint32_t *place = &t->by_place[place_slot(t, r->at.site)];
    r->next_plate = *plate;
    r->next_place = *place;
    *plate = *place = i + 1;
}

static void
relink(struct suspects *t)
{
    memset(t->by_plate, 0, ((size_t)t->mask + 1) * sizeof *t->by_plate);
    memset(t->by_place, 0, ((size_t)t->mask + 1) * sizeof *t->by_place);
    for (uint32_t i = 0; i < t->n; i++)
        link_row(t, i);
}

enum err
suspects_init(struct suspects *t)
{
    *t = (struct suspects){.room = FIRST_ROOM, .mask = FIRST_ROOM - 1};
    t->rows = malloc(FIRST_ROOM * sizeof *t->rows);
    t->by_plate = calloc(FIRST_ROOM, sizeof *t->by_plate);
    t->by_place = calloc(FIRST_ROOM, sizeof *t->by_place);
    if (t->rows && t->by_plate && t->by_place)
        return OK;
    suspects_release(t);
    return ERR_NOMEM;
}

void
suspects_release(struct suspects *t)
{
    free(t->rows);
    free(t->by_plate);
    free(t->by_place);
    *t = (struct suspects){0};
}

static bool
grow(struct suspects *t)
{
    uint32_t room = t->room * 2;
    struct suspect *rows = realloc(t->rows, room * sizeof *rows);
    if (rows)
        t->rows = rows;
    uint32_t *by_plate = calloc(room, sizeof *by_plate);
    uint32_t *by_place = calloc(room, sizeof *by_place);
    if (!rows || !by_plate || !by_place) {
        free(by_plate);
        free(by_place);
        return false;
    }
    free(t->by_plate);
    free(t->by_place);
    t->by_plate = by_plate;
    t->by_place = by_place;
    t->room = room;
    t->mask = room - 1;
    relink(t);
    return true;
}

static bool
put(struct suspects *t, struct plate p, int32_t day, struct leap_at at)
{
    if (t->n == t->room && !grow(t))
        return false;
    t->rows[t->n] = (struct suspect){.plate = p, .at = at, .day = day};
    link_row(t, t->n++);
    return true;
}

static bool
is_listed(const struct plate *list, unsigned n, struct plate p)
{
    for (unsigned i = 0; i < n; i++)
        if (plate_eq(list[i], p))
            return true;
    return false;
}

unsigned
suspects_count(
    const struct suspects *t, struct leap_at at, struct plate p, unsigned cap)
{
    enum { LIST = 64 };
    struct plate list[LIST];
    unsigned n = 0;
    cap = cap < LIST ? cap : LIST;
    for (uint32_t i = t->by_place[place_slot(t, at.site)]; i && n < cap;
         i = t->rows[i - 1].next_place) {
        const struct suspect *r = &t->rows[i - 1];
        int32_t apart = r->at.hour - at.hour;
        if (r->at.site == at.site && apart >= -1 && apart <= 1 && !r->at.rests &&
            !plate_eq(r->plate, p) && !is_listed(list, n, r->plate))
            list[n++] = r->plate;
    }
    return n;
}

/* Row of this plate, day and place; 0 none, else index + 1. */
static uint32_t
find_row(const struct suspects *t, struct plate p, int32_t day, struct leap_at at)
{
    uint32_t i = t->by_plate[plate_slot(t, p, day)];
    while (i) {
        const struct suspect *r = &t->rows[i - 1];
        if (plate_eq(r->plate, p) && r->day == day && r->at.site == at.site &&
            r->at.hour == at.hour && r->at.rests == at.rests)
            return i;
        i = r->next_plate;
    }
    return 0;
}

static unsigned
rows_of(const struct suspects *t, struct plate p, int32_t day)
{
    unsigned n = 0;
    for (uint32_t i = t->by_plate[plate_slot(t, p, day)]; i;
         i = t->rows[i - 1].next_plate)
        n += plate_eq(t->rows[i - 1].plate, p) && t->rows[i - 1].day == day;
    return n;
}

/* Removing is rare: a late record showed a leap to be none. */
static void
remove_rows(struct suspects *t, struct plate p, int32_t day)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->n; i++)
        if (!plate_eq(t->rows[i].plate, p) || t->rows[i].day != day)
            t->rows[kept++] = t->rows[i];
    t->n = kept;
    relink(t);
}

bool
suspects_set(
    struct suspects *t, struct plate p, int32_t day, const struct leap_at *at,
    unsigned n)
{
    unsigned old = rows_of(t, p, day), kept = 0;
    for (unsigned i = 0; i < n; i++)
        kept += find_row(t, p, day, at[i]) != 0;
    if (kept == n && old == n)
        return false;
    if (kept < old)
        remove_rows(t, p, day);
    for (unsigned i = 0; i < n; i++)
        if (!find_row(t, p, day, at[i]))
            put(t, p, day, at[i]);
    return true;
}

bool
suspects_any(const struct suspects *t, uint32_t site)
{
    return t->by_place[place_slot(t, site)] != 0;
}

const struct suspect *
suspects_near(const struct suspects *t, struct leap_at at, uint32_t *from)
{
    uint32_t i = *from ? *from : t->by_place[place_slot(t, at.site)];
    while (i && i != UINT32_MAX) {
        const struct suspect *r = &t->rows[i - 1];
        int32_t apart = r->at.hour - at.hour;
        *from = r->next_place ? r->next_place : UINT32_MAX;
        if (r->at.site == at.site && apart >= -2 && apart <= 2)
            return r;
        i = r->next_place;
    }
    return NULL;
}

void
suspects_forget(struct suspects *t, int32_t before_day)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->n; i++)
        if (t->rows[i].day >= before_day)
            t->rows[kept++] = t->rows[i];
    t->n = kept;
    relink(t);
}

void
suspects_encode(struct buf *out, const struct suspects *t)
{
    buf_varint(out, t->n);
    for (uint32_t i = 0; i < t->n; i++) {
        buf_le(out, t->rows[i].plate.v, 8);
        buf_varint(out, t->rows[i].at.site);
        buf_varint(out, zigzag_encode(t->rows[i].at.hour));
        buf_u8(out, t->rows[i].at.rests);
        buf_varint(out, zigzag_encode(t->rows[i].day));
    }
}

enum err
suspects_decode(struct cur *c, struct suspects *t)
{
    uint64_t n = cur_varint(c);
    for (uint64_t i = 0; i < n && !c->bad; i++) {
        struct plate p = {cur_u64_le(c)};
        struct leap_at at = {.site = (uint32_t)cur_varint(c)};
        at.hour = (int32_t)zigzag_decode(cur_varint(c));
        at.rests = cur_u8(c) != 0;
        int32_t day = (int32_t)zigzag_decode(cur_varint(c));
        if (!c->bad && !put(t, p, day, at))
            return ERR_NOMEM;
    }
    return c->bad ? ERR_CORRUPT : OK;
}
