/* SPDX-License-Identifier: Apache-2.0 */
/* The permit first, then two primitives; then what lies between the passes. */
#include "analysis/trajectory.h"

#define WAY 0.7 /* share taken to go the quickest way */
#define ASIDE 1.1
#define NEXT_MS 15000 /* nearer is the same crossing */
#define FREE_MS (30 * MINUTE_MS)

struct work {
    const struct analysis_needs *needs;
    const struct coverage *coverage;
};

static bool
was_blind(const struct coverage *c, struct site_id site, ts_ms from, ts_ms to)
{
    for (size_t i = 0; i < c->gaps_n; i++)
        if (c->gaps[i].site.v == site.v && c->gaps[i].from_ms < to &&
            c->gaps[i].to_ms > from)
            return true;
    return false;
}

static ts_ms
true_ms(const struct analysis_needs *needs, const struct sighting *s)
{
    struct analysis_learned l;
    needs->learned(needs->ctx, s->site, &l);
    return s->pass_ms - l.offset_ms;
}

/* The sites on the quickest way that did not read it. */
static void
find_between(
    const struct work *w, const struct sighting *a, const struct sighting *b,
    struct trajectory_gap *g)
{
    const struct analysis_needs *n = w->needs;
    double missed = 1;
    for (uint32_t i = 1; g->least_ms && i <= n->sites->n; i++) {
        struct site_id m = {i};
        struct analysis_learned l;
        if (i == a->site.v || i == b->site.v)
            continue;
        double to = n->least_ms(n->ctx, a->site, m),
               on = n->least_ms(n->ctx, m, b->site);
        if (to < NEXT_MS || on < NEXT_MS || to + on > g->least_ms * ASIDE)
            continue;
        bool blind = was_blind(w->coverage, m, a->pass_ms, b->pass_ms);
        n->learned(n->ctx, m, &l);
        missed *= blind ? 1 : l.unread + l.misread;
        g->blind |= blind;
        if (g->between_n < TRAJECTORY_BETWEEN)
            g->between[g->between_n++] = m;
    }
    g->unseen = g->between_n ? WAY * missed / (WAY * missed + 1 - WAY) : 0;
}

static enum err
find_gaps(const struct work *w, struct arena *arena, struct trajectory *t)
{
    const struct analysis_needs *n = w->needs;
    double none = 1, missed = 0;
    t->gaps = arena_array(arena, t->rows.n + 1, sizeof *t->gaps);
    if (!t->gaps)
        return ERR_TOOBIG;
    for (size_t i = 0; i < t->rows.n; i++) {
        const struct sighting *a = &t->rows.rows[i], *b = a + 1;
        struct analysis_learned l;
        n->learned(n->ctx, a->site, &l);
        missed += l.unread;
        if (i + 1 == t->rows.n)
            break;
        struct trajectory_gap g = {
            .after = i,
            .took_ms = true_ms(n, b) - true_ms(n, a),
            .least_ms =
                a->site.v == b->site.v ? 0 : n->least_ms(n->ctx, a->site, b->site),
        };
        g.free_ms = g.took_ms > g.least_ms ? g.took_ms - g.least_ms : 0;
        find_between(w, a, b, &g);
        none *= 1 - g.unseen;
        if (g.between_n || g.free_ms >= FREE_MS)
            t->gaps[t->gaps_n++] = g;
    }
    t->unseen = 1 - none;
    t->missed = t->rows.n ? missed / (double)t->rows.n : 0;
    return OK;
}

enum err
trajectory_of(
    const struct look_permit *permit, const struct analysis_needs *needs,
    struct plate plate, ts_ms from, ts_ms to, size_t limit, struct arena *arena,
    struct trajectory *out, struct note *note)
{
    enum err e = look_permit_covers(permit, LOOK_TRAJECTORY, from, to, note);
    if (e != OK)
        return e;
    struct plate bound = look_permit_limits(permit)->plate;
    if (!plate_is_none(bound) && !plate_eq(bound, plate))
        return note_set(
            note, ERR_DENIED, "plate", "the permit is for another plate",
            "许可对应的是另一号牌");
    struct trajectory t = {0};
    struct work w = {needs, &t.coverage};
    e = needs->by_plate(needs->ctx, plate, from, to, limit, arena, &t.rows);
    if (e == OK)
        e = coverage_of(needs, from, to, arena, &t.coverage);
    if (e == OK)
        e = find_gaps(&w, arena, &t);
    if (e == OK)
        *out = t;
    return e;
}
