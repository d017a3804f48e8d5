/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/unread.h"

#include <stdlib.h>

#include "core/hash.h"

#define FIRST_ROOM 4096u

enum err
unread_init(struct unread *u)
{
    *u = (struct unread){.room = FIRST_ROOM, .mask = FIRST_ROOM - 1};
    u->rows = malloc(FIRST_ROOM * sizeof *u->rows);
    u->heads = calloc(FIRST_ROOM, sizeof *u->heads);
    if (u->rows && u->heads)
        return OK;
    unread_release(u);
    return ERR_NOMEM;
}

void
unread_release(struct unread *u)
{
    free(u->rows);
    free(u->heads);
    *u = (struct unread){0};
}

bool
unread_has_look(const struct sighting *s)
{
    return s->vehicle_class && s->brand && s->vehicle_color;
}

uint64_t
unread_look(const struct sighting *s)
{
    uint64_t look =
        (uint64_t)s->vehicle_class << 32 | (uint64_t)s->brand << 8 | s->vehicle_color;
    return hash_u64(look) | UINT64_C(1) << 63;
}

static int64_t
hour_of(ts_ms pass_ms)
{
    return pass_ms / HOUR_MS;
}

static uint32_t *
slot_of(const struct unread *u, uint64_t look, int64_t hour)
{
    return &u->heads[hash_pair(look, (uint64_t)hour) & u->mask];
}

static void
relink(struct unread *u)
{
    memset(u->heads, 0, ((size_t)u->mask + 1) * sizeof *u->heads);
    for (uint32_t i = 0; i < u->n; i++) {
        uint32_t *head = slot_of(u, u->rows[i].look, hour_of(u->rows[i].id.pass_ms));
        u->rows[i].next = *head;
        *head = i + 1;
    }
}

static bool
grow(struct unread *u)
{
    uint32_t room = u->room * 2;
    struct unread_row *rows = realloc(u->rows, room * sizeof *rows);
    if (!rows)
        return false;
    u->rows = rows;
    uint32_t *heads = calloc(room, sizeof *heads);
    if (!heads)
        return false;
    free(u->heads);
    u->heads = heads;
    u->room = room;
    u->mask = room - 1;
    relink(u);
    return true;
}

static bool
put(struct unread *u, const struct unread_row *row)
{
    if (u->n == u->room && !grow(u))
        return false;
    uint32_t *head = slot_of(u, row->look, hour_of(row->id.pass_ms));
    u->rows[u->n] = *row;
    u->rows[u->n].next = *head;
    *head = ++u->n;
    return true;
}

bool
unread_add(struct unread *u, const struct sighting *s)
{
    struct unread_row row = {
        .look = unread_look(s),
        .id = sighting_id_of(s),
        .arrive_ms = s->arrive_ms,
        .vehicle_class = s->vehicle_class,
        .brand = s->brand,
        .vehicle_color = s->vehicle_color,
        .plate_color = s->plate_color,
        .lane = s->lane,
        .direction = s->direction,
        .flags = s->flags};
    for (const struct unread_row *r =
             unread_first(u, row.look, hour_of(row.id.pass_ms));
         r; r = unread_next(u, r))
        if (sighting_id_eq(r->id, row.id))
            return false;
    struct span id = s->record_id;
    if (id.n >= sizeof row.record_id)
        id.n = sizeof row.record_id - 1;
    return span_copy(row.record_id, sizeof row.record_id, id) && put(u, &row);
}

static const struct unread_row *
in_chain(const struct unread *u, uint32_t at, uint64_t look, int64_t hour)
{
    while (at && (u->rows[at - 1].look != look ||
                  hour_of(u->rows[at - 1].id.pass_ms) != hour))
        at = u->rows[at - 1].next;
    return at ? &u->rows[at - 1] : NULL;
}

const struct unread_row *
unread_first(const struct unread *u, uint64_t look, int64_t hour)
{
    return in_chain(u, *slot_of(u, look, hour), look, hour);
}

const struct unread_row *
unread_next(const struct unread *u, const struct unread_row *row)
{
    return in_chain(u, row->next, row->look, hour_of(row->id.pass_ms));
}

uint32_t
unread_count(const struct unread *u, uint64_t look, ts_ms from, ts_ms to, uint32_t cap)
{
    uint32_t n = 0;
    for (int64_t hour = hour_of(from); hour <= hour_of(to - 1) && n < cap; hour++)
        for (const struct unread_row *r = unread_first(u, look, hour); r && n < cap;
             r = unread_next(u, r))
            n += r->id.pass_ms >= from && r->id.pass_ms < to;
    return n;
}

struct sighting
unread_sighting(const struct unread_row *row)
{
    return (struct sighting){
        .pass_ms = row->id.pass_ms,
        .arrive_ms = row->arrive_ms,
        .plate = PLATE_NONE,
        .site = {row->id.site},
        .speed_dkmh = SPEED_UNKNOWN,
        .vehicle_class = row->vehicle_class,
        .brand = row->brand,
        .plate_color = row->plate_color,
        .vehicle_color = row->vehicle_color,
        .lane = row->lane,
        .direction = row->direction,
        .confidence = CONFIDENCE_UNKNOWN,
        .flags = row->flags,
        .record_id = span_cstr(row->record_id)};
}

void
unread_forget(struct unread *u, ts_ms before)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < u->n; i++)
        if (u->rows[i].id.pass_ms >= before)
            u->rows[kept++] = u->rows[i];
    u->n = kept;
    relink(u);
}

void
unread_encode(struct buf *out, const struct unread *u)
{
    buf_varint(out, u->n);
    for (uint32_t i = 0; i < u->n; i++) {
        const struct unread_row *r = &u->rows[i];
        buf_le(out, (uint64_t)r->id.pass_ms, 8);
        buf_varint(out, r->id.site);
        buf_le(out, r->id.tag, 4);
        buf_varint(out, zigzag_encode(r->arrive_ms - r->id.pass_ms));
        buf_le(out, r->vehicle_class, 2);
        buf_le(out, r->brand, 2);
        buf_u8(out, r->vehicle_color);
        buf_u8(out, r->plate_color);
        buf_u8(out, r->lane);
        buf_u8(out, r->direction);
        buf_u8(out, r->flags);
        buf_span(out, span_cstr(r->record_id));
    }
}

enum err
unread_decode(struct cur *c, struct unread *u)
{
    uint64_t n = cur_varint(c);
    for (uint64_t i = 0; i < n && !c->bad; i++) {
        struct unread_row r = {.id = {.pass_ms = (ts_ms)cur_u64_le(c)}};
        r.id.site = (uint32_t)cur_varint(c);
        r.id.tag = cur_u32_le(c);
        r.arrive_ms = r.id.pass_ms + zigzag_decode(cur_varint(c));
        r.vehicle_class = cur_u16_le(c);
        r.brand = cur_u16_le(c);
        r.vehicle_color = cur_u8(c);
        r.plate_color = cur_u8(c);
        r.lane = cur_u8(c);
        r.direction = cur_u8(c);
        r.flags = cur_u8(c);
        if (!span_copy(r.record_id, sizeof r.record_id, cur_span(c)))
            c->bad = true;
        struct sighting s = unread_sighting(&r);
        r.look = unread_look(&s);
        if (!c->bad && !put(u, &r))
            return ERR_NOMEM;
    }
    return c->bad ? ERR_CORRUPT : OK;
}
