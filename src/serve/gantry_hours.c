/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/gantry_hours.h"

#include <stdlib.h>

#include "model/toll.h"

struct read { /* of a whole plate */
    uint64_t plate;
    ts_ms at_ms;
    ts_ms pass_ms;
    bool tag;
};

static int
by_plate_time(const void *x, const void *y)
{
    const struct read *a = x, *b = y;
    if (a->plate != b->plate)
        return a->plate < b->plate ? -1 : 1;
    if (a->at_ms != b->at_ms)
        return a->at_ms < b->at_ms ? -1 : 1;
    return (a->tag > b->tag) - (a->tag < b->tag);
}

struct window {
    ts_ms from, to;
    struct gantry_hour *hours;
};

static struct gantry_hour *
hour_at(const struct window *w, ts_ms at)
{
    return at >= w->from && at < w->to ? &w->hours[(at - w->from) / HOUR_MS] : NULL;
}

static void
count_row(struct gantry_hour *h, const struct sighting *s)
{
    struct tag_note note;
    if (!(s->flags & SIGHTING_TAG)) {
        h->passes++;
        h->read += plate_is_exact(s->plate);
        return;
    }
    h->tags++;
    h->known += plate_is_exact(s->plate);
    if (!tag_note_parse(s->image, &note))
        return;
    h->done += note.result == TAG_DONE;
    h->failed += note.result == TAG_FAILED;
    h->obu += note.medium == TAG_OBU;
    h->cpc += note.medium == TAG_CPC;
}

/* ---- pairs ---- */

static bool
has_picture(const struct read *rows, size_t n, size_t at)
{
    for (size_t k = at; k-- > 0 && rows[at].at_ms - rows[k].at_ms <= GANTRY_PAIR_MS;)
        if (!rows[k].tag)
            return true;
    for (size_t k = at + 1; k < n && rows[k].at_ms - rows[at].at_ms <= GANTRY_PAIR_MS;
         k++)
        if (!rows[k].tag)
            return true;
    return false;
}

/* All reads of one plate by time; a passage whose tag was read twice counts once. */
static void
pair_plate(const struct window *w, const struct read *rows, size_t n)
{
    ts_ms last_tag = INT64_MIN / 2;
    for (size_t i = 0; i < n; i++) {
        struct gantry_hour *h = hour_at(w, rows[i].pass_ms);
        if (!rows[i].tag)
            continue;
        bool again = rows[i].at_ms - last_tag <= GANTRY_PAIR_MS;
        last_tag = rows[i].at_ms;
        if (!h)
            continue;
        if (again)
            h->known--;
        else
            h->paired += has_picture(rows, n, i);
    }
}

static void
pair_all(const struct window *w, struct read *reads, size_t n)
{
    if (n)
        qsort(reads, n, sizeof *reads, by_plate_time);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && reads[end].plate == reads[i].plate;)
            end++;
        pair_plate(w, reads + i, end - i);
    }
}

/* ---- silences ---- */

static int
by_time(const void *x, const void *y)
{
    ts_ms a = *(const ts_ms *)x, b = *(const ts_ms *)y;
    return (a > b) - (a < b);
}

/* The part of a silence that lies in an hour counts for that hour. */
static void
quiet(const struct window *w, ts_ms from, ts_ms to, bool tag)
{
    for (ts_ms at = w->from; at < w->to; at += HOUR_MS) {
        ts_ms begin = from > at ? from : at,
              end = to < at + HOUR_MS ? to : at + HOUR_MS;
        struct gantry_hour *h = hour_at(w, at);
        uint32_t *most = tag ? &h->tag_quiet_s : &h->quiet_s;
        uint32_t s = end > begin ? (uint32_t)((end - begin) / SECOND_MS) : 0;
        *most = s > *most ? s : *most;
    }
}

static void
silences(
    const struct window *w, ts_ms *at, const struct sighting *rows, size_t n, ts_ms now,
    bool tag)
{
    size_t m = 0;
    ts_ms last = w->from, end = now < w->to ? now : w->to;
    for (size_t i = 0; i < n; i++)
        if (((rows[i].flags & SIGHTING_TAG) != 0) == tag && hour_at(w, rows[i].pass_ms))
            at[m++] = rows[i].pass_ms;
    if (m)
        qsort(at, m, sizeof *at, by_time);
    for (size_t i = 0; i < m; last = at[i++])
        quiet(w, last, at[i], tag);
    if (end > last)
        quiet(w, last, end, tag);
}

enum err
gantry_hours(
    struct arena *a, const struct sighting *rows, size_t n, ts_ms from, ts_ms to,
    ts_ms now, int32_t camera_offset_ms, struct gantry_hour *hours)
{
    struct window w = {from, to, hours};
    struct read *reads = arena_array(a, n + 1, sizeof *reads);
    ts_ms *at = arena_array(a, n + 1, sizeof *at);
    size_t m = 0;
    if (!reads || !at)
        return ERR_TOOBIG;
    for (size_t i = 0; i < n; i++) {
        const struct sighting *s = &rows[i];
        struct gantry_hour *h = hour_at(&w, s->pass_ms);
        bool tag = (s->flags & SIGHTING_TAG) != 0;
        if (h)
            count_row(h, s);
        if (plate_is_exact(s->plate))
            reads[m++] = (struct read){
                s->plate.v, s->pass_ms - (tag ? 0 : camera_offset_ms), s->pass_ms, tag};
    }
    pair_all(&w, reads, m);
    silences(&w, at, rows, n, now, false);
    silences(&w, at, rows, n, now, true);
    return OK;
}
