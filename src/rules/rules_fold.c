/* SPDX-License-Identifier: Apache-2.0 */
/* Reads of one text at one site within seconds are one passage, and the surest of them
 * stands for it. Order is by corrected time, with ties broken by what the record is, so
 * that it does not depend on how the rows came. */
#include "rules/rules_own.h"

#include <stdlib.h>

#include "core/hash.h"

static int
by_time(const void *a, const void *b)
{
    const struct plate_row *x = *(const struct plate_row *const *)a;
    const struct plate_row *y = *(const struct plate_row *const *)b;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    if (x->s.site.v != y->s.site.v)
        return x->s.site.v < y->s.site.v ? -1 : 1;
    if (x->s.device.v != y->s.device.v)
        return x->s.device.v < y->s.device.v ? -1 : 1;
    size_t n =
        x->s.record_id.n < y->s.record_id.n ? x->s.record_id.n : y->s.record_id.n;
    int c = n ? memcmp(x->s.record_id.p, y->s.record_id.p, n) : 0;
    return c ? c : (x->s.record_id.n > n) - (y->s.record_id.n > n);
}

static bool
surer(const struct sighting *a, const struct sighting *b)
{
    uint8_t x = a->confidence == CONFIDENCE_UNKNOWN ? 0 : a->confidence;
    uint8_t y = b->confidence == CONFIDENCE_UNKNOWN ? 0 : b->confidence;
    return x > y;
}

static struct passage *
open_passage(struct rules *r, const struct plate_row *row, size_t from)
{
    for (size_t i = r->passages_n; i-- > from;) {
        struct passage *p = &r->passages[i];
        if (row->at_ms - p->at_ms > FOLD_MS)
            break;
        if (p->s->site.v == row->s.site.v)
            return p;
    }
    return NULL;
}

static bool
add_passage(struct rules *r, const struct plate_row *row, const struct scene *s)
{
    if (r->passages_n == r->passages_room) {
        size_t room = r->passages_room ? r->passages_room * 2 : 256;
        struct passage *p = realloc(r->passages, room * sizeof *p);
        if (!p)
            return false;
        r->passages = p;
        r->passages_room = room;
    }
    r->passages[r->passages_n++] = (struct passage){
        .s = &row->s,
        .id = row->id,
        .has_id = row->has_id,
        .at_ms = row->at_ms,
        .pass_ms = row->s.pass_ms,
        .key = hash_pair(row->s.site.v, (uint64_t)row->s.pass_ms),
        .site = view_site(s->view, row->s.site.v),
        .reads = 1,
        .in_day = row->s.pass_ms >= s->day_from_ms && row->s.pass_ms < s->day_to_ms,
        .off = s->vehicle ? look_off(s->vehicle, &row->s) : 0,
    };
    return true;
}

/* The rows in order of corrected time; NULL without memory. */
static struct plate_row **
order_rows(struct rules *r, const struct view *view)
{
    struct plate_row **order = arena_array(&r->scratch, r->rows_n + 1, sizeof *order);
    bool sorted = true;
    for (size_t i = 0; order && i < r->rows_n; i++) {
        struct plate_row *row = &r->rows[i];
        row->at_ms = row->s.pass_ms - view_site(view, row->s.site.v)->offset_ms;
        order[i] = row;
        sorted = sorted && (i == 0 || row->at_ms > order[i - 1]->at_ms);
    }
    if (order && !sorted)
        qsort(order, r->rows_n, sizeof *order, by_time);
    return order;
}

static void
join_passage(struct passage *p, const struct plate_row *row, const struct scene *s)
{
    p->reads++;
    if (!surer(&row->s, p->s))
        return;
    p->s = &row->s;
    p->id = row->id;
    p->has_id = row->has_id;
    p->off = s->vehicle ? look_off(s->vehicle, &row->s) : 0;
}

/* Folds what cameras saw, or what radios read, behind the passages that are there. */
static void
fold_reads(struct rules *r, const struct scene *s, struct plate_row **order, bool tags)
{
    size_t from = r->passages_n;
    for (size_t i = 0; order && i < r->rows_n; i++) {
        const struct plate_row *row = order[i];
        if (((row->s.flags & SIGHTING_TAG) != 0) != tags)
            continue;
        if (i && rules_rows_same(&order[i - 1]->s, &row->s))
            continue; /* the store may answer one record from two places */
        struct passage *p = open_passage(r, row, from);
        if (p)
            join_passage(p, row, s);
        else if (!add_passage(r, row, s)) {
            r->partial = true;
            break;
        }
    }
}

void
rules_fold(struct rules *r, struct scene *s, enum rule_key how)
{
    r->passages_n = r->made_n = 0;
    struct plate_row **order = order_rows(r, s->view);
    r->partial |= !order;
    fold_reads(r, s, order, false);
    s->n = (unsigned)r->passages_n;
    if (how == RULE_BY_TAG)
        fold_reads(r, s, order, true);
    s->tags_n = (unsigned)r->passages_n - s->n;
    s->passages = r->passages;
    s->tags = s->tags_n ? r->passages + s->n : NULL;
}
