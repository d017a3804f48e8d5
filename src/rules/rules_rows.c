/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of one plate: from what was kept of it, else from the store; then they are
 * kept, and every later row joins them. */
#include "rules/rules_own.h"

#include <stdlib.h>

static struct plate_row *
next_row(struct rules *r)
{
    if (r->rows_n == r->rows_room) {
        size_t room = r->rows_room ? r->rows_room * 2 : 256;
        struct plate_row *rows = realloc(r->rows, room * sizeof *rows);
        if (!rows)
            return NULL;
        r->rows = rows;
        r->rows_room = room;
    }
    struct plate_row *row = &r->rows[r->rows_n++];
    row->has_id = false;
    return row;
}

static bool
keep_row(struct rules *r, const struct sighting *s)
{
    struct plate_row *row = next_row(r);
    if (!row)
        return false;
    row->s = *s;
    row->s.record_id = arena_span(&r->scratch, s->record_id);
    row->s.plate_text = row->s.image = (struct span){0};
    if (s->flags & SIGHTING_TAG) /* it is the note of the tag */
        row->s.image = arena_span(&r->scratch, s->image);
    r->rows_n -= !row->s.record_id.p;
    return row->s.record_id.p;
}

static bool
history_row(void *arg, const struct sighting *s)
{
    struct rules *r = arg;
    r->counts.history_rows++;
    r->partial = !keep_row(r, s);
    return !r->partial;
}

bool
rules_rows_same(const struct sighting *a, const struct sighting *b)
{
    return a->pass_ms == b->pass_ms && a->site.v == b->site.v &&
           a->device.v == b->device.v && span_eq(a->record_id, b->record_id);
}

/* The rows of a plate that was judged before: false when the store is to be asked. */
static bool
recall_rows(struct rules *r, struct plate p, ts_ms from, ts_ms to)
{
    const struct seen *e = seen_find(&r->seen, p);
    const struct kept *k =
        e && e->flags & SEEN_KEPT ? kept_find(&r->kept, p, from) : NULL;
    for (uint32_t i = 0; k && i < k->n; i++) {
        if (k->rows[i].pass_ms >= to)
            continue;
        struct plate_row *row = next_row(r);
        if (!row)
            return false;
        row->s = kept_sighting(k, &k->rows[i]);
    }
    return k;
}

/* Keeps what was fetched, if it is all that there is from `from` on, and every later
 * row of the plate will come by its entry of the seen. */
static void
remember_rows(struct rules *r, struct plate p, ts_ms from, ts_ms to)
{
    struct seen *e = seen_change(&r->seen, p);
    if (!e || r->newest_ms >= to || !kept_begin(&r->kept, p, from))
        return;
    e->flags |= SEEN_KEPT;
    for (size_t i = 0; i < r->rows_n; i++)
        if (!kept_add(&r->kept, &r->rows[i].s))
            return;
}

static void
ask_rows(struct rules *r, struct plate p, ts_ms from, ts_ms to)
{
    r->rows_n = 0;
    r->counts.history_calls++;
    enum err e = r->needs.history(r->needs.ctx, p, from, to, history_row, r);
    r->partial |= e != OK;
    if (r->partial)
        r->counts.history_failed++;
    else
        remember_rows(r, p, from, to);
}

void
rules_rows_fetch(
    struct rules *r, struct plate p, ts_ms from, ts_ms to,
    const struct sighting *trigger)
{
    arena_reset(&r->scratch);
    r->rows_n = 0;
    r->partial = false;
    bool recalled = recall_rows(r, p, from, to);
    if (!recalled)
        ask_rows(r, p, from, to);
    if (!trigger || trigger->pass_ms < from || trigger->pass_ms >= to)
        return;
    for (size_t i = 0; i < r->rows_n; i++)
        if (rules_rows_same(&r->rows[i].s, trigger))
            return;
    if (!keep_row(r, trigger))
        r->partial = true;
    else if (!recalled) /* else it has joined; texts stay put */
        kept_add(&r->kept, trigger);
}

void
rules_rows_unread(struct rules *r, uint64_t look, ts_ms from, ts_ms to)
{
    arena_reset(&r->scratch);
    r->rows_n = 0;
    r->partial = false;
    for (int64_t hour = from / HOUR_MS; hour <= to / HOUR_MS; hour++)
        for (const struct unread_row *u = unread_first(&r->unread, look, hour); u;
             u = unread_next(&r->unread, u)) {
            struct sighting row = unread_sighting(u);
            if (row.pass_ms < from || row.pass_ms >= to)
                continue;
            r->partial = !keep_row(r, &row);
            if (r->partial)
                return;
            r->rows[r->rows_n - 1].id = u->id; /* its record id may have been cut */
            r->rows[r->rows_n - 1].has_id = true;
        }
}
