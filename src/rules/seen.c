/* SPDX-License-Identifier: Apache-2.0 */
/* Linear probing at a load of at most 3/4. Vehicles are only forgotten by a sweep that
 * rebuilds the table, so there are no tombstones. */
#include "rules/seen.h"

#include <stdlib.h>

#include "core/hash.h"

#define FIRST_SLOTS (1u << 16)

enum err
seen_init(struct seen_table *t, size_t max)
{
    *t = (struct seen_table){
        .mask = FIRST_SLOTS - 1, .max = max, .dropped_ms = INT64_MIN};
    t->slots = calloc(FIRST_SLOTS, sizeof *t->slots);
    return t->slots ? OK : ERR_NOMEM;
}

void
seen_release(struct seen_table *t)
{
    free(t->slots);
    *t = (struct seen_table){0};
}

void
seen_prefetch(const struct seen_table *t, struct plate p)
{
    __builtin_prefetch(&t->slots[hash_u64(p.v) & t->mask], 1);
}

static struct seen *
probe(const struct seen_table *t, uint64_t plate)
{
    size_t at = hash_u64(plate) & t->mask;
    while (t->slots[at].plate && t->slots[at].plate != plate)
        at = (at + 1) & t->mask;
    return &t->slots[at];
}

/* Moves all entries with last_ms >= since into a table of `slots` slots. */
static bool
rebuild(struct seen_table *t, size_t slots, ts_ms since)
{
    struct seen *old = t->slots, *fresh = calloc(slots, sizeof *fresh);
    size_t old_slots = t->mask + 1;
    if (!fresh)
        return false;
    t->slots = fresh;
    t->mask = slots - 1;
    t->n = 0;
    for (size_t i = 0; i < old_slots; i++) {
        if (!old[i].plate)
            continue;
        if (old[i].last_ms < since) {
            t->dropped++;
            if (old[i].last_ms > t->dropped_ms)
                t->dropped_ms = old[i].last_ms;
            continue;
        }
        *probe(t, old[i].plate) = old[i];
        t->n++;
    }
    free(old);
    return true;
}

static bool
make_room(struct seen_table *t, ts_ms now, ts_ms keep)
{
    size_t slots = t->mask + 1;
    if (t->n < t->max && rebuild(t, slots * 2, INT64_MIN))
        return true;
    for (; keep > MINUTE_MS; keep /= 2)
        if (rebuild(t, slots, now - keep) && t->n < slots / 2)
            return true;
    return t->n < slots - 1;
}

struct seen *
seen_at(struct seen_table *t, struct plate p, ts_ms now, ts_ms keep)
{
    struct seen *e = probe(t, p.v);
    if (e->plate)
        return e;
    if ((t->n + 1) * 4 > (t->mask + 1) * 3) {
        if (!make_room(t, now, keep))
            return NULL;
        e = probe(t, p.v);
    }
    *e = (struct seen){.plate = p.v, .last_ms = INT64_MIN};
    t->n++;
    return e;
}

struct seen *
seen_change(struct seen_table *t, struct plate p)
{
    struct seen *e = probe(t, p.v);
    return e->plate ? e : NULL;
}

const struct seen *
seen_find(const struct seen_table *t, struct plate p)
{
    const struct seen *e = probe(t, p.v);
    return e->plate ? e : NULL;
}

void
seen_encode(struct buf *out, const struct seen_table *t, ts_ms since)
{
    uint64_t n = 0;
    for (size_t i = 0; i <= t->mask; i++)
        n += t->slots[i].plate && t->slots[i].last_ms >= since;
    buf_varint(out, n);
    buf_varint(out, zigzag_encode(since));
    /* What is left out here is forgotten as if by a sweep. */
    ts_ms dropped = t->dropped_ms;
    for (size_t i = 0; i <= t->mask; i++) {
        const struct seen *e = &t->slots[i];
        if (!e->plate)
            continue;
        if (e->last_ms < since) {
            dropped = e->last_ms > dropped ? e->last_ms : dropped;
            continue;
        }
        buf_le(out, e->plate, 8);
        buf_varint(out, (uint64_t)(e->last_ms - since));
        buf_varint(out, e->last_site);
        buf_le(out, e->flags & SEEN_HOT ? e->judged_day : 0, 2);
    }
    buf_varint(out, zigzag_encode(dropped));
}

enum err
seen_decode(struct cur *c, struct seen_table *t)
{
    uint64_t n = cur_varint(c);
    ts_ms since = zigzag_decode(cur_varint(c));
    for (uint64_t i = 0; i < n && !c->bad; i++) {
        struct plate p = {cur_u64_le(c)};
        ts_ms last = since + (ts_ms)(cur_varint(c) & INT64_MAX >> 8);
        uint32_t site = (uint32_t)cur_varint(c);
        uint16_t hot = cur_u16_le(c);
        if (c->bad || plate_is_none(p))
            return ERR_CORRUPT;
        struct seen *e = seen_at(t, p, last, DAY_MS);
        if (!e)
            return ERR_NOMEM;
        e->last_ms = last;
        e->last_site = site;
        e->judged_day = hot;
        e->flags = hot ? SEEN_HOT : 0;
    }
    t->dropped_ms = zigzag_decode(cur_varint(c));
    return c->bad ? ERR_CORRUPT : OK;
}
