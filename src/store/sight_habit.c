/* SPDX-License-Identifier: Apache-2.0 */
/* Habits of places. Both maps are open-addressing tables; what goes into a file is
 * sorted. */
#include "store/sight_habit.h"

#include "core/err.h"
#include "core/hash.h"

#include <stdlib.h>

/* ---- the usual map ---- */

void
usual_release(struct usual_map *m)
{
    free(m->slots);
    free(m->first);
    *m = (struct usual_map){0};
}

static struct usual *
usual_slot(const struct usual_map *m, uint64_t key)
{
    uint64_t h = hash_u64(key);
    while (m->slots[h & (m->room - 1)].key && m->slots[h & (m->room - 1)].key != key)
        h++;
    return &m->slots[h & (m->room - 1)];
}

static bool
usual_grow(struct usual_map *m)
{
    struct usual_map bigger = {.n = m->n, .room = m->room ? m->room * 2 : 1024};
    bigger.slots = calloc(bigger.room, sizeof *bigger.slots);
    if (!bigger.slots)
        return false;
    for (uint32_t i = 0; i < m->room; i++)
        if (m->slots[i].key)
            *usual_slot(&bigger, m->slots[i].key) = m->slots[i];
    free(m->slots);
    *m = bigger;
    return true;
}

static uint64_t
usual_key(uint32_t site, uint8_t direction)
{
    return ((uint64_t)site << 8 | direction) + 1;
}

struct usual *
usual_at(struct usual_map *m, uint32_t site, uint8_t direction)
{
    must(!m->first);
    if ((m->n + 1) * 2 > m->room && !usual_grow(m))
        return NULL;
    struct usual *u = usual_slot(m, usual_key(site, direction));
    if (!u->key) {
        u->key = usual_key(site, direction);
        m->n++;
    }
    return u;
}

const struct usual *
usual_find(const struct usual_map *m, uint32_t site, uint8_t direction)
{
    static const struct usual none = {0};
    if (!m->room)
        return &none;
    if (!m->first)
        return usual_slot(m, usual_key(site, direction));
    uint32_t end = site < m->sites ? m->first[site + 1] : 0;
    for (uint32_t i = end ? m->first[site] : 0; i < end; i++)
        if (m->slots[i].key == usual_key(site, direction))
            return &m->slots[i];
    return &none;
}

void
usual_ahead(const struct usual_map *m, uint32_t site, uint8_t direction)
{
    if (m->first) {
        const struct usual *u = &m->slots[m->first[site < m->sites ? site : 0]];
        __builtin_prefetch(u);
        __builtin_prefetch((const char *)u + 64); /* four directions */
    } else if (m->room)
        __builtin_prefetch(
            &m->slots[hash_u64(usual_key(site, direction)) & (m->room - 1)]);
}

static int
by_key(const void *a, const void *b)
{
    uint64_t x = ((const struct usual *)a)->key, y = ((const struct usual *)b)->key;
    return (x > y) - (x < y);
}

/* In key order, so that equal maps are equal bytes. */
void
usual_encode(const struct usual_map *m, struct buf *out)
{
    struct usual *sorted = calloc(m->n ? m->n : 1, sizeof *sorted);
    uint32_t n = 0;
    for (uint32_t i = 0; sorted && i < m->room; i++)
        if (m->slots[i].key)
            sorted[n++] = m->slots[i];
    if (!sorted) {
        out->bad = true;
        return;
    }
    qsort(sorted, n, sizeof *sorted, by_key);
    buf_varint(out, n);
    uint64_t last = 0;
    for (uint32_t i = 0; i < n; i++) {
        buf_varint(out, sorted[i].key - last);
        buf_varint(out, sorted[i].device);
        buf_varint(out, sorted[i].rec);
        buf_varint(out, sorted[i].img);
        last = sorted[i].key;
    }
    free(sorted);
}

#define SITES_DENSE 16384u /* up to which there are tables by site */

/* Puts the slots in key order with an index by site, unless a site is too large a
 * number for it; false: no memory. */
static bool
usual_settle(struct usual_map *m)
{
    struct usual *sorted = malloc((m->n + 1) * sizeof *sorted);
    uint32_t n = 0, at = 0;
    for (uint32_t i = 0; sorted && i < m->room; i++)
        if (m->slots[i].key)
            sorted[n++] = m->slots[i];
    if (!sorted)
        return false;
    qsort(sorted, n, sizeof *sorted, by_key);
    uint64_t sites = n ? ((sorted[n - 1].key - 1) >> 8) + 1 : 0;
    uint32_t *first = sites && sites <= SITES_DENSE
                          ? malloc((size_t)(sites + 1) * sizeof *first)
                          : NULL;
    if (!first) {
        free(sorted);
        return !sites || sites > SITES_DENSE;
    }
    for (uint32_t s = 0; s <= sites; s++) {
        while (at < n && (sorted[at].key - 1) >> 8 < s)
            at++;
        first[s] = at;
    }
    free(m->slots);
    *m = (struct usual_map){sorted, n, n, first, (uint32_t)sites};
    return true;
}

bool
usual_decode(struct usual_map *m, struct span bytes)
{
    struct cur c = cur_of(bytes.p, bytes.n);
    uint64_t n = cur_varint(&c), key = 0;
    for (uint64_t i = 0; i < n && !c.bad; i++) {
        key += cur_varint(&c);
        uint32_t device = (uint32_t)cur_varint(&c);
        uint32_t rec = (uint32_t)cur_varint(&c), img = (uint32_t)cur_varint(&c);
        if (c.bad || !key)
            return false;
        struct usual *u = usual_at(m, (uint32_t)((key - 1) >> 8), (uint8_t)(key - 1));
        if (!u)
            return false;
        u->device = device;
        u->rec = rec;
        u->img = img;
    }
    return !c.bad && cur_left(&c) == 0 && usual_settle(m);
}

/* ---- which site comes next ---- */

void
follow_release(struct follow_map *m)
{
    free(m->slots);
    free(m->row);
    *m = (struct follow_map){0};
}

static struct follow *
follow_slot(const struct follow_map *m, uint32_t site)
{
    uint64_t h = hash_u64(site);
    while (m->slots[h & (m->room - 1)].site &&
           m->slots[h & (m->room - 1)].site != site + 1)
        h++;
    return &m->slots[h & (m->room - 1)];
}

const struct follow *
follow_find(const struct follow_map *m, uint32_t site)
{
    const struct follow *f = m->room ? follow_slot(m, site) : NULL;
    return f && f->site ? f : NULL;
}

struct follow *
follow_at(struct follow_map *m, uint32_t site)
{
    if ((m->n + 1) * 2 > m->room) {
        struct follow_map bigger = {.n = m->n, .room = m->room ? m->room * 2 : 256};
        bigger.slots = calloc(bigger.room, sizeof *bigger.slots);
        if (!bigger.slots)
            return NULL;
        for (uint32_t i = 0; i < m->room; i++)
            if (m->slots[i].site)
                *follow_slot(&bigger, m->slots[i].site - 1) = m->slots[i];
        free(m->slots);
        *m = bigger;
    }
    struct follow *f = follow_slot(m, site);
    if (!f->site) {
        f->site = site + 1;
        m->n++;
    }
    return f;
}

bool
follow_next(const struct follow_map *m, uint32_t from, uint64_t code, uint32_t *to)
{
    if (m->row) {
        if (from >= m->row_n || code >= m->row[from].n)
            return false;
        *to = m->row[from].next[code];
        return true;
    }
    const struct follow *f = follow_find(m, from);
    if (!f || code >= f->n)
        return false;
    *to = f->next[code];
    return true;
}

bool
follow_count_step(struct follow_count *c, uint32_t from, uint32_t to)
{
    uint64_t key = ((uint64_t)from << 32 | to) + 1;
    if ((c->n + 1) * 2 > c->room) {
        struct follow_count bigger = {.room = c->room ? c->room * 2 : 4096};
        bigger.slots = calloc(bigger.room, sizeof *bigger.slots);
        if (!bigger.slots)
            return false;
        for (uint32_t i = 0; i < c->room; i++) {
            uint64_t h = hash_u64(c->slots[i].key);
            if (!c->slots[i].key)
                continue;
            while (bigger.slots[h & (bigger.room - 1)].key)
                h++;
            bigger.slots[h & (bigger.room - 1)] = c->slots[i];
        }
        bigger.n = c->n;
        free(c->slots);
        *c = bigger;
    }
    uint64_t h = hash_u64(key);
    while (c->slots[h & (c->room - 1)].key && c->slots[h & (c->room - 1)].key != key)
        h++;
    c->n += !c->slots[h & (c->room - 1)].key;
    c->slots[h & (c->room - 1)].key = key;
    c->slots[h & (c->room - 1)].n++;
    return true;
}

struct step {
    uint32_t from, to;
    uint64_t n;
};

static int
by_frequency(const void *x, const void *y)
{
    const struct step *a = x, *b = y;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    if (a->n != b->n)
        return a->n > b->n ? -1 : 1;
    return (a->to > b->to) - (a->to < b->to);
}

bool
follow_learn(struct follow_count *c, struct follow_map *out)
{
    struct step *steps = malloc((c->n + 1) * sizeof *steps);
    size_t n = 0;
    for (uint32_t i = 0; steps && i < c->room; i++)
        if (c->slots[i].key && c->slots[i].n > 1)
            steps[n++] = (struct step){
                (uint32_t)((c->slots[i].key - 1) >> 32),
                (uint32_t)(c->slots[i].key - 1), c->slots[i].n};
    bool good = steps;
    if (good)
        qsort(steps, n, sizeof *steps, by_frequency);
    for (size_t i = 0; good && i < n; i++) {
        struct follow *f = follow_at(out, steps[i].from);
        good = f;
        if (f && f->n < FOLLOW_FAN)
            f->next[f->n++] = steps[i].to;
    }
    free(steps);
    free(c->slots);
    *c = (struct follow_count){0};
    return good;
}

static int
by_site(const void *x, const void *y)
{
    const struct follow *a = x, *b = y;
    return (a->site > b->site) - (a->site < b->site);
}

void
follow_encode(const struct follow_map *m, struct buf *out)
{
    struct follow *sorted = malloc((m->n + 1) * sizeof *sorted);
    uint32_t n = 0, last = 0;
    for (uint32_t i = 0; sorted && i < m->room; i++)
        if (m->slots[i].site)
            sorted[n++] = m->slots[i];
    if (!sorted) {
        out->bad = true;
        return;
    }
    qsort(sorted, n, sizeof *sorted, by_site);
    buf_varint(out, n);
    for (uint32_t i = 0; i < n; i++) {
        buf_varint(out, sorted[i].site - 1 - last);
        buf_varint(out, sorted[i].n);
        for (uint32_t k = 0; k < sorted[i].n; k++)
            buf_varint(out, sorted[i].next[k]);
        last = sorted[i].site - 1;
    }
    free(sorted);
}

/* Makes the table by site unless a number is too large for it; false: no memory. */
static bool
follow_rows(struct follow_map *m)
{
    uint32_t most = 0, least_room = 0;
    for (uint32_t i = 0; i < m->room; i++) {
        const struct follow *f = &m->slots[i];
        least_room = f->site > least_room ? f->site : least_room;
        for (uint32_t k = 0; f->site && k < f->n; k++)
            most = f->next[k] > most ? f->next[k] : most;
    }
    if (!m->n || least_room > SITES_DENSE || most > UINT16_MAX)
        return true;
    m->row = aligned_alloc(sizeof *m->row, least_room * sizeof *m->row);
    if (!m->row)
        return false;
    memset(m->row, 0, least_room * sizeof *m->row);
    m->row_n = least_room;
    for (uint32_t i = 0; i < m->room; i++) {
        const struct follow *f = &m->slots[i];
        if (!f->site)
            continue;
        struct follow_row *r = &m->row[f->site - 1];
        r->n = (uint16_t)f->n;
        for (uint32_t k = 0; k < f->n; k++)
            r->next[k] = (uint16_t)f->next[k];
    }
    return true;
}

bool
follow_decode(struct follow_map *m, struct span bytes)
{
    struct cur c = cur_of(bytes.p, bytes.n);
    uint64_t n = cur_varint(&c);
    uint32_t site = 0;
    for (uint64_t i = 0; i < n && !c.bad; i++) {
        site += (uint32_t)cur_varint(&c);
        uint64_t fan = cur_varint(&c);
        struct follow *f = fan <= FOLLOW_FAN ? follow_at(m, site) : NULL;
        if (!f)
            return false;
        f->n = (uint32_t)fan;
        for (uint32_t k = 0; k < fan; k++)
            f->next[k] = (uint32_t)cur_varint(&c);
    }
    return !c.bad && cur_left(&c) == 0 && follow_rows(m);
}

uint64_t
follow_code(const struct follow_map *m, bool whole, uint32_t from, uint32_t to)
{
    const struct follow *f = whole ? NULL : follow_find(m, from);
    for (uint32_t k = 0; f && k < f->n; k++)
        if (f->next[k] == to)
            return k;
    return (uint64_t)to + FOLLOW_FAN;
}
