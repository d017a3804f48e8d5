/* SPDX-License-Identifier: Apache-2.0 */
/* A tree of a few hundred nodes: arrays by id, plain walks. */
#include "model/org.h"

#include <stdlib.h>

#define DEPTH_MAX 32 /* a damaged parent chain ends somewhere */

struct org_table *
org_table_new(uint32_t room)
{
    struct org_table *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->rows = calloc((size_t)room + 1, sizeof *t->rows);
    if (!t->rows) {
        free(t);
        return NULL;
    }
    t->refs = 1;
    return t;
}

struct org_table *
org_table_ref(struct org_table *t)
{
    if (t)
        __atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
    return t;
}

void
org_table_unref(struct org_table *t)
{
    if (!t || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    free(t->rows);
    free(t);
}

struct org_id
org_table_put(struct org_table *t, const struct org *o)
{
    struct org_id id = o->code[0] ? org_find(t, span_cstr(o->code)) : o->id;
    if (id.v == 0)
        id.v = o->id.v ? o->id.v : t->n + 1;
    if (id.v > t->n) {
        struct org *rows = realloc(t->rows, ((size_t)id.v + 1) * sizeof *rows);
        if (!rows)
            return (struct org_id){0};
        memset(rows + t->n + 1, 0, (size_t)(id.v - t->n) * sizeof *rows);
        t->rows = rows;
        t->n = id.v;
    }
    t->rows[id.v] = *o;
    t->rows[id.v].id = id;
    return id;
}

const struct org *
org_get(const struct org_table *t, struct org_id id)
{
    return id.v > 0 && id.v <= t->n && t->rows[id.v].id.v ? &t->rows[id.v] : NULL;
}

struct org_id
org_find(const struct org_table *t, struct span code)
{
    for (uint32_t id = 1; code.n && id <= t->n; id++)
        if (t->rows[id].id.v && span_eq_cstr(code, t->rows[id].code))
            return (struct org_id){id};
    return (struct org_id){0};
}

bool
org_covers(const struct org_table *t, struct org_id outer, struct org_id inner)
{
    if (outer.v && outer.v == inner.v) /* also where no tree was ever entered */
        return true;
    const struct org *o = org_get(t, inner);
    for (unsigned depth = 0; o && depth < DEPTH_MAX; depth++) {
        if (o->id.v == outer.v)
            return true;
        o = org_get(t, o->parent);
    }
    return false;
}
