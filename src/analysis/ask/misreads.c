/* SPDX-License-Identifier: Apache-2.0 */
/* How often each camera misreads, without anybody telling it the truth (误识率估计).
 *
 * Definition  a plate read once in the window is a stray. It counts as a misread
 *             when a plate one likely confusion away was on a trip around the
 *             stray's site just then: read within `minutes` before and behind, near
 *             enough to pass here in the meantime, and not read here itself.
 * Rate        strays so explained over the site's whole reads, divided by the share
 *             of its ordinary reads that lie inside a trip: only those could be
 *             explained. The bounds are those of a Poisson count (95 %).
 * Pitfalls    two characters wrong at once are not seen; a misread that makes a
 *             plate of this city's traffic is not a stray (one in thirty or so); a
 *             stray may be explained by accident, which sets a floor of a few per
 *             ten thousand.
 * Source      repeat-pass consistency: the rate that authorities could not state.
 * Cost        one scan by vehicle over the window, some look-ups a stray.
 */
#include "analysis/question.h"

#include "core/hash.h"

#include <math.h>
#include <stdlib.h>

enum { MINUTES, LEAST };
static const struct question_param params[] = {
    [MINUTES] =
        {"minutes", ASK_NUMBER, false, 2, 60, "20", "min", NULL, "前后多久内有过车",
         "read before and behind within"},
    [LEAST] =
        {"reads", ASK_NUMBER, false, 1, 1000000, "200", "", NULL, "点位至少读数",
         "sites with at least so many reads"},
    {0},
};

enum { SITE, READS, STRAYS, RATE, LOW, HIGH, LEARNED };
static const struct question_column columns[] = {
    [SITE] = {"site", COL_SITE, "", "点位", "site"},
    [READS] = {"reads", COL_COUNT, "", "完整读数", "whole reads"},
    [STRAYS] = {"misreads", COL_COUNT, "", "查出的误读", "misreads found"},
    [RATE] = {"rate", COL_SHARE, "", "误识率估计", "misread rate"},
    [LOW] = {"low", COL_SHARE, "", "下限", "lower bound"},
    [HIGH] = {"high", COL_SHARE, "", "上限", "upper bound"},
    [LEARNED] = {"learned", COL_SHARE, "", "模型所学", "as the rules have learned it"},
    {0},
};

struct stray {
    struct plate plate;
    uint32_t site;
    ts_ms at;
};
struct tally {
    uint64_t reads, inside, found;
};
struct scan {
    struct question_call *c;
    ts_ms within;
    struct tally *site;
    uint32_t sites;
    struct stray *stray;
    size_t n, room;
    uint64_t *known; /* plates read often, open addressing */
    size_t known_n, mask;
};

#define OFTEN 3 /* reads that make a plate a vehicle of this city */

static enum err
know(struct scan *s, uint64_t v)
{
    if (s->known_n * 2 > s->mask) {
        size_t mask = s->mask * 2 + 1;
        uint64_t *bigger = arena_array(s->c->arena, mask + 1, sizeof *bigger);
        if (!bigger)
            return ERR_TOOBIG;
        for (size_t i = 0; i <= s->mask; i++) {
            size_t k = hash_u64(s->known[i]) & mask;
            while (s->known[i] && bigger[k])
                k = (k + 1) & mask;
            if (s->known[i])
                bigger[k] = s->known[i];
        }
        s->known = bigger;
        s->mask = mask;
    }
    size_t k = hash_u64(v) & s->mask;
    while (s->known[k])
        k = (k + 1) & s->mask;
    s->known[k] = v;
    s->known_n++;
    return OK;
}

static bool
is_known(const struct scan *s, uint64_t v)
{
    size_t k = hash_u64(v) & s->mask;
    while (s->known[k] && s->known[k] != v)
        k = (k + 1) & s->mask;
    return s->known[k] == v;
}

static enum err
one(void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    struct scan *s = arg;
    if (!plate_is_exact(plate))
        return OK;
    for (size_t i = 0; i < n; i++) {
        struct tally *t = &s->site[site[i] <= s->sites ? site[i] : 0];
        t->reads++;
        t->inside += i > 0 && i + 1 < n && at[i] - at[i - 1] <= s->within &&
                     at[i + 1] - at[i] <= s->within;
    }
    if (n >= OFTEN)
        return know(s, plate.v);
    if (n > 1)
        return OK;
    void *p = s->stray;
    if (!question_grow(s->c->arena, &p, &s->room, s->n, sizeof *s->stray))
        return ERR_TOOBIG;
    s->stray = p;
    s->stray[s->n++] = (struct stray){plate, site[0], at[0]};
    return OK;
}

/* By true time, as far as the clocks are known: twice their uncertainty is let pass. */
static bool
could_drive(
    const struct analysis_needs *needs, struct site_id a, ts_ms from, struct site_id b,
    ts_ms to)
{
    struct analysis_learned x, y;
    needs->learned(needs->ctx, a, &x);
    needs->learned(needs->ctx, b, &y);
    ts_ms took = (to - y.offset_ms) - (from - x.offset_ms);
    ts_ms doubt = 2 * ((ts_ms)x.offset_sd_ms + y.offset_sd_ms);
    return took + doubt >= (ts_ms)needs->least_ms(needs->ctx, a, b);
}

/* Was this vehicle on its way past the stray's site just then? */
static enum err
passed_by(
    struct scan *s, const struct stray *x, struct plate real, struct arena *arena,
    bool *yes)
{
    const struct analysis_needs *needs = s->c->needs;
    struct analysis_rows rows;
    const struct sighting *before = NULL, *behind = NULL;
    struct site_id here = {x->site};
    *yes = false;
    enum err e = needs->by_plate(
        needs->ctx, real, x->at - s->within, x->at + s->within + 1, 256, arena, &rows);
    for (size_t i = 0; e == OK && i < rows.n; i++) {
        const struct sighting *r = &rows.rows[i];
        if (r->site.v == x->site)
            return OK; /* read here itself */
        if (r->pass_ms <= x->at)
            before = r;
        else if (!behind)
            behind = r;
    }
    if (e != OK || !before || !behind)
        return e;
    *yes = could_drive(needs, before->site, before->pass_ms, here, x->at) &&
           could_drive(needs, here, x->at, behind->site, behind->pass_ms);
    return OK;
}

static enum err
explain(struct scan *s, const struct stray *x, struct arena *arena)
{
    enum err e = OK;
    bool yes = false;
    unsigned length = plate_length(x->plate);
    for (unsigned i = 0; e == OK && !yes && i < length; i++)
        for (unsigned real = PLATE_CODE_UNREAD + 1;
             e == OK && !yes && real < PLATE_CODE_RUN; real++) {
            struct plate other = plate_with(x->plate, i, real);
            if (!is_known(s, other.v) ||
                plate_confusion(real, plate_at(x->plate, i)) <= 0)
                continue;
            arena_reset(arena);
            e = passed_by(s, x, other, arena, &yes);
        }
    s->site[x->site <= s->sites ? x->site : 0].found += yes;
    return e;
}

/* Bounds of a Poisson mean of which k were seen (Byar's approximation). */
static double
bound(double k, double z)
{
    if (k <= 0)
        return z > 0 ? 3.69 : 0;
    double n = z > 0 ? k + 1 : k;
    double r = 1 - 1 / (9 * n) + z / (3 * sqrt(n));
    return n * r * r * r;
}

static enum err
say(struct question_call *c, uint32_t site, const struct tally *t)
{
    enum err e = OK;
    struct analysis_learned l;
    union question_cell *row = question_row(c, &e);
    if (!row)
        return e;
    double could = (double)t->inside;
    row[SITE].site.v = site;
    row[READS].n = (int64_t)t->reads;
    row[STRAYS].n = (int64_t)t->found;
    row[RATE].x = could > 0 ? (double)t->found / could : NAN;
    row[LOW].x = could > 0 ? bound((double)t->found, -1.96) / could : NAN;
    row[HIGH].x = could > 0 ? fmin(1, bound((double)t->found, 1.96) / could) : NAN;
    c->needs->learned(c->needs->ctx, (struct site_id){site}, &l);
    row[LEARNED].x = l.misread;
    return OK;
}

static enum err
answer(struct question_call *c)
{
    struct scan s = {.c = c, .sites = c->needs->sites->n, .mask = 1023};
    struct arena arena;
    uint64_t found = 0, could = 0;
    s.within = (ts_ms)(c->v[MINUTES].number * (double)MINUTE_MS);
    s.site = arena_array(c->arena, s.sites + 1, sizeof *s.site);
    s.known = arena_array(c->arena, s.mask + 1, sizeof *s.known);
    if (!s.site || !s.known)
        return ERR_TOOBIG;
    enum err e = c->needs->reads(c->needs->ctx, c->from, c->to, one, &s);
    arena_init(&arena, c->arena->cap);
    for (size_t i = 0; e == OK && i < s.n; i++)
        e = explain(&s, &s.stray[i], &arena);
    arena_release(&arena);
    for (uint32_t i = 1; e == OK && i <= s.sites && !c->out->more; i++) {
        found += s.site[i].found;
        could += s.site[i].inside;
        if ((double)s.site[i].reads >= c->v[LEAST].number)
            e = say(c, i, &s.site[i]);
    }
    question_fact(
        c, "rate", "%", could ? (double)found / (double)could : NAN, "全市误识率",
        "rate of all sites");
    question_fact(c, "strays", "", (double)s.n, "只出现一次的号牌", "plates read once");
    return e;
}

const struct question question_misreads = {
    .name = "misreads",
    .title = {"误识率估计", "misread rate of each camera"},
    .what =
        {"不依赖真值、由重复过车的一致性估计的各点位误识率及其区间",
         "the misread rate of each site and its bounds, from the consistency of "
         "repeated passes, without ground truth"},
    .pitfall =
        {"同时错两个字符的误读查不出；偶然巧合使估计有万分之几的下限",
         "two characters wrong at once are not seen; accidents set a floor of a "
         "few per ten thousand"},
    .params = params,
    .columns = columns,
    .days_max = 7,
    .seconds = 240,
    .answer = answer,
};
