/* SPDX-License-Identifier: Apache-2.0 */
/* A table is an array by id and an open-addressing index of ids by code (load at most
 * one half). */
#include "model/site.h"

#include "core/hash.h"

#include <math.h>
#include <stdlib.h>

#define EARTH_M 6371008.8
#define RAD (3.14159265358979323846 / 180.0 / 1e7)

static uint32_t
index_room(uint32_t n)
{
    uint32_t room = 16;
    while (room < 2 * n + 2)
        room *= 2;
    return room;
}

static void
index_add(struct site_table *t, uint32_t id)
{
    uint64_t h = hash_span(span_cstr(t->rows[id].code), 0);
    uint32_t mask = t->by_code_room - 1;
    for (uint32_t i = (uint32_t)h & mask;; i = (i + 1) & mask) {
        if (t->by_code[i] == 0) {
            t->by_code[i] = id;
            return;
        }
    }
}

/* Rows [0..room] zeroed and an index that holds them. */
static bool
make_room(struct site_table *t, uint32_t room)
{
    struct site *rows = calloc((size_t)room + 1, sizeof *rows);
    uint32_t index = index_room(room);
    uint32_t *by_code = calloc(index, sizeof *by_code);
    if (!rows || !by_code) {
        free(rows);
        free(by_code);
        return false;
    }
    if (t->rows)
        memcpy(rows, t->rows, ((size_t)t->n + 1) * sizeof *rows);
    free(t->rows);
    free(t->by_code);
    t->rows = rows;
    t->by_code = by_code;
    t->by_code_room = index;
    for (uint32_t id = 1; id <= t->n; id++)
        if (rows[id].code[0])
            index_add(t, id);
    return true;
}

struct site_table *
site_table_new(uint32_t room)
{
    struct site_table *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->refs = 1;
    if (!make_room(t, room)) {
        free(t);
        return NULL;
    }
    return t;
}

struct site_table *
site_table_ref(struct site_table *t)
{
    if (t)
        __atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
    return t;
}

void
site_table_unref(struct site_table *t)
{
    if (!t || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    free(t->rows);
    free(t->by_code);
    free(t);
}

struct site_table *
site_table_copy(const struct site_table *t, uint32_t more)
{
    struct site_table *copy = site_table_new(t->n + more);
    if (!copy)
        return NULL;
    copy->version = t->version;
    copy->n = t->n;
    memcpy(copy->rows, t->rows, ((size_t)t->n + 1) * sizeof *copy->rows);
    for (uint32_t id = 1; id <= copy->n; id++)
        if (copy->rows[id].code[0])
            index_add(copy, id);
    return copy;
}

struct site_id
site_table_put(struct site_table *t, const struct site *s)
{
    struct site_id id = site_find(t, span_cstr(s->code));
    if (id.v == 0)
        id.v = s->id.v ? s->id.v : t->n + 1;
    bool known = id.v <= t->n && t->rows[id.v].code[0] != 0;
    /* The index holds twice n, so rows past its half need a larger one. */
    if (id.v > t->n && 2 * id.v + 2 > t->by_code_room) {
        uint32_t room = id.v + id.v / 2 + 8;
        if (!make_room(t, room))
            return (struct site_id){0};
    } else if (id.v > t->n) {
        struct site *rows = realloc(t->rows, ((size_t)id.v + 1) * sizeof *rows);
        if (!rows)
            return (struct site_id){0};
        memset(rows + t->n + 1, 0, (size_t)(id.v - t->n) * sizeof *rows);
        t->rows = rows;
    }
    if (id.v > t->n)
        t->n = id.v;
    t->rows[id.v] = *s;
    t->rows[id.v].id = id;
    if (!known)
        index_add(t, id.v);
    return id;
}

const struct site *
site_get(const struct site_table *t, struct site_id id)
{
    return id.v > 0 && id.v <= t->n && t->rows[id.v].id.v ? &t->rows[id.v] : NULL;
}

struct site_id
site_find(const struct site_table *t, struct span code)
{
    if (code.n == 0)
        return (struct site_id){0};
    uint32_t mask = t->by_code_room - 1;
    for (uint32_t i = (uint32_t)hash_span(code, 0) & mask; t->by_code[i];
         i = (i + 1) & mask) {
        uint32_t id = t->by_code[i];
        if (span_eq_cstr(code, t->rows[id].code))
            return (struct site_id){id};
    }
    return (struct site_id){0};
}

double
site_dist_m(const struct site *a, const struct site *b)
{
    double la = a->lat * RAD, lb = b->lat * RAD;
    double s = sin((lb - la) / 2);
    double t = sin((b->lon - a->lon) * RAD / 2);
    double h = s * s + cos(la) * cos(lb) * t * t;
    return 2 * EARTH_M * asin(sqrt(h < 1 ? h : 1));
}
