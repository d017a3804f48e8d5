/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/beside.h"

#include "rules/machine.h"

#define ROWS_MOST 512u /* of a minute: four lanes never pass more */

struct collect {
    struct arena *arena;
    struct beside_row *rows;
    unsigned n;
    ts_ms offset_ms;
    bool tags, full;
};

static bool
collect_row(void *arg, const struct sighting *s)
{
    struct collect *c = arg;
    if (((s->flags & SIGHTING_TAG) != 0) != c->tags)
        return true;
    if (c->n == ROWS_MOST) {
        c->full = true;
        return false;
    }
    struct beside_row *row = &c->rows[c->n];
    row->s = *s;
    row->s.record_id = arena_span(c->arena, s->record_id);
    row->s.image = row->s.plate_text = (struct span){NULL, 0};
    row->at_ms = s->pass_ms - c->offset_ms;
    c->full = s->record_id.n && !row->s.record_id.p;
    c->n += !c->full;
    return !c->full;
}

static bool
collect(
    void *machine, const struct view *v, uint32_t site, ts_ms at_ms, bool tags,
    struct beside_row **rows, unsigned *n)
{
    struct collect c = {
        .arena = machine_arena(machine),
        .offset_ms = view_site(v, site)->offset_ms,
        .tags = tags};
    c.rows = arena_array(c.arena, ROWS_MOST, sizeof *c.rows);
    if (!c.rows)
        return false;
    ts_ms from = at_ms + c.offset_ms - BESIDE_REACH_MS;
    bool said = machine_place(
        machine, site, from, from + 2 * BESIDE_REACH_MS + 1, collect_row, &c);
    *rows = c.rows;
    *n = c.n;
    return said && !c.full;
}

bool
beside_read(
    void *machine, const struct ground *g, const struct view *v, uint32_t gantry,
    ts_ms at_ms, struct beside *out)
{
    uint32_t radio = ground_peer(g, gantry);
    return collect(machine, v, gantry, at_ms, false, &out->cameras, &out->cameras_n) &&
           collect(machine, v, radio, at_ms, true, &out->tags, &out->tags_n);
}

static bool
near(ts_ms a, ts_ms b, ts_ms within)
{
    return a - b <= within && b - a <= within;
}

const struct beside_row *
beside_find(
    const struct beside_row *rows, unsigned n, struct plate p, ts_ms at_ms,
    ts_ms within_ms)
{
    for (unsigned i = 0; i < n; i++)
        if (plate_eq(rows[i].s.plate, p) && near(rows[i].at_ms, at_ms, within_ms))
            return &rows[i];
    return NULL;
}

static bool
has_picture(const struct beside *b, const struct beside_row *tag, ts_ms pair_ms)
{
    return beside_find(b->cameras, b->cameras_n, tag->s.plate, tag->at_ms, pair_ms);
}

static bool
has_tag(const struct beside *b, const struct beside_row *camera, ts_ms pair_ms)
{
    return beside_find(b->tags, b->tags_n, camera->s.plate, camera->at_ms, pair_ms);
}

static bool
same_lane(uint8_t a, uint8_t b)
{
    return a == b || a == 0 || b == 0;
}

/* Can another tag that has no picture claim this one? */
static bool
is_claimed(
    const struct beside *b, const struct beside_row *camera, struct plate but,
    ts_ms pair_ms, ts_ms lane_ms)
{
    for (unsigned i = 0; i < b->tags_n; i++) {
        const struct beside_row *t = &b->tags[i];
        if (!plate_eq(t->s.plate, but) && same_lane(t->s.lane, camera->s.lane) &&
            near(t->at_ms, camera->at_ms, lane_ms) && !has_picture(b, t, pair_ms))
            return true;
    }
    return false;
}

/* The first of the reads of one plate: by time, then by record. */
static bool
goes_before(const struct beside_row *a, const struct beside_row *b)
{
    if (a->at_ms != b->at_ms)
        return a->at_ms < b->at_ms;
    return sighting_id_of(&a->s).tag < sighting_id_of(&b->s).tag;
}

const struct beside_row *
beside_other(
    const struct beside *b, const struct sighting *tag, ts_ms at_ms, ts_ms pair_ms,
    ts_ms lane_ms)
{
    const struct beside_row *one = NULL;
    for (unsigned i = 0; tag->lane && i < b->cameras_n; i++) {
        const struct beside_row *c = &b->cameras[i];
        if (!near(c->at_ms, at_ms, lane_ms) || !same_lane(c->s.lane, tag->lane))
            continue;
        if (!plate_is_exact(c->s.plate) || c->s.lane == 0)
            return NULL; /* it may be this one's, half read or in any lane */
        if (has_tag(b, c, pair_ms))
            continue;
        if (one && !plate_eq(one->s.plate, c->s.plate))
            return NULL;
        if (!one || goes_before(c, one))
            one = c;
    }
    return one && !is_claimed(b, one, tag->plate, pair_ms, lane_ms) ? one : NULL;
}

unsigned
beside_touched(
    const struct beside *b, const struct sighting *s, struct beside_tag *out,
    unsigned room)
{
    unsigned n = 0;
    for (unsigned i = 0; i < b->tags_n && n < room; i++) {
        const struct beside_row *t = &b->tags[i];
        bool known = plate_eq(t->s.plate, s->plate) || !plate_is_exact(t->s.plate) ||
                     has_picture(b, t, PAIR_LEAST_S * SECOND_MS);
        for (unsigned k = 0; k < n && !known; k++)
            known = plate_eq(out[k].plate, t->s.plate);
        if (!known)
            out[n++] = (struct beside_tag){t->s.plate, t->s.pass_ms};
    }
    return n;
}
