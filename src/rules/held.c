/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/held.h"

#include <stdlib.h>

#include "core/hash.h"

#define FIRST_ROOM 1024u

static uint32_t
slot_of(const struct held_table *t, uint64_t key, int32_t day)
{
    return (uint32_t)hash_pair(key, (uint32_t)day) & t->mask;
}

static void
relink(struct held_table *t)
{
    memset(t->heads, 0, ((size_t)t->mask + 1) * sizeof *t->heads);
    for (uint32_t i = 0; i < t->n; i++) {
        uint32_t *head = &t->heads[slot_of(t, t->rows[i].key, t->rows[i].day)];
        t->rows[i].next = *head;
        *head = i + 1;
    }
}

enum err
held_init(struct held_table *t)
{
    *t = (struct held_table){.room = FIRST_ROOM, .mask = FIRST_ROOM - 1};
    t->oldest_day = INT32_MIN;
    t->rows = malloc(FIRST_ROOM * sizeof *t->rows);
    t->heads = calloc(FIRST_ROOM, sizeof *t->heads);
    if (t->rows && t->heads)
        return OK;
    held_release(t);
    return ERR_NOMEM;
}

void
held_release(struct held_table *t)
{
    free(t->rows);
    free(t->heads);
    *t = (struct held_table){0};
}

static struct held *
in_group(struct held_table *t, uint32_t at, uint64_t key, int32_t day)
{
    while (at && (t->rows[at - 1].key != key || t->rows[at - 1].day != day))
        at = t->rows[at - 1].next;
    return at ? &t->rows[at - 1] : NULL;
}

struct held *
held_first(struct held_table *t, uint64_t key, int32_t day)
{
    return in_group(t, t->heads[slot_of(t, key, day)], key, day);
}

struct held *
held_next(struct held_table *t, const struct held *h)
{
    return in_group(t, h->next, h->key, h->day);
}

static bool
grow(struct held_table *t)
{
    uint32_t room = t->room * 2;
    struct held *rows = realloc(t->rows, room * sizeof *rows);
    if (!rows)
        return false;
    t->rows = rows;
    uint32_t *heads = calloc(room, sizeof *heads);
    if (!heads)
        return false;
    free(t->heads);
    t->heads = heads;
    t->room = room;
    t->mask = room - 1;
    relink(t);
    return true;
}

enum err
held_add(struct held_table *t, const struct held *row)
{
    if (t->n == t->room && !grow(t))
        return ERR_NOMEM;
    uint32_t *head = &t->heads[slot_of(t, row->key, row->day)];
    t->rows[t->n] = *row;
    t->rows[t->n].next = *head;
    *head = ++t->n;
    return OK;
}

void
held_forget(struct held_table *t, int32_t day)
{
    if (day <= t->oldest_day)
        return;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->n; i++)
        if (t->rows[i].day >= day)
            t->rows[kept++] = t->rows[i];
    t->n = kept;
    t->oldest_day = day;
    relink(t);
}

void
held_encode(struct buf *out, const struct held_table *t)
{
    buf_varint(out, zigzag_encode(t->oldest_day));
    buf_varint(out, t->n);
    for (uint32_t i = 0; i < t->n; i++) {
        const struct held *h = &t->rows[i];
        buf_le(out, h->id, 8);
        buf_le(out, h->key, 8);
        buf_le(out, h->content, 8);
        buf_le(out, h->plate.v, 8);
        buf_varint(out, zigzag_encode(h->pass_ms));
        buf_varint(out, zigzag_encode(h->day));
        buf_varint(out, h->site);
        buf_u8(out, h->rule);
        buf_u8(out, h->state);
    }
}

enum err
held_decode(struct cur *c, struct held_table *t)
{
    t->oldest_day = (int32_t)zigzag_decode(cur_varint(c));
    uint64_t n = cur_varint(c);
    for (uint64_t i = 0; i < n && !c->bad; i++) {
        struct held h = {.id = cur_u64_le(c)};
        h.key = cur_u64_le(c);
        h.content = cur_u64_le(c);
        h.plate.v = cur_u64_le(c);
        h.pass_ms = zigzag_decode(cur_varint(c));
        h.day = (int32_t)zigzag_decode(cur_varint(c));
        h.site = (uint32_t)cur_varint(c);
        h.rule = cur_u8(c);
        h.state = cur_u8(c);
        if (h.state > ALARM_WITHDRAWN)
            return ERR_CORRUPT;
        enum err e = c->bad ? ERR_CORRUPT : held_add(t, &h);
        if (e)
            return e;
    }
    return c->bad ? ERR_CORRUPT : OK;
}
