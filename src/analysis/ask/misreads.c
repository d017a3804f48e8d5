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
 * Cost        two scans by vehicle over the window: the first finds strays and the
 *             city's plates, the second asks the plates that a stray may have been.
 */
#include "analysis/plate_set.h"
#include "analysis/question.h"

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
    bool explained;
    ts_ms at;
};
#define CODES (PLATE_CODE_RUN + 1u)
struct likely { /* characters that may have been there instead */
    uint8_t n, real[CODES];
};
struct suspect { /* what a stray may have been */
    struct plate real;
    uint32_t stray;
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
    struct plate_set known; /* plates read often */
    struct likely *likely;  /* by the character that was read */
    struct suspect *suspect;
    size_t suspects, suspects_room, at; /* at: the next one in plate order */
};

#define OFTEN 3 /* reads that make a plate a vehicle of this city */

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
        return plate_set_add(&s->known, s->c->arena, plate) ? OK : ERR_TOOBIG;
    if (n > 1)
        return OK;
    void *p = s->stray;
    if (!question_grow(s->c->arena, &p, &s->room, s->n, sizeof *s->stray))
        return ERR_TOOBIG;
    s->stray = p;
    s->stray[s->n++] = (struct stray){plate, site[0], false, at[0]};
    return s->n == UINT32_MAX ? ERR_TOOBIG : OK;
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

/* ---- what a stray may have been ---- */

static void
learn_likely(struct scan *s)
{
    for (unsigned got = 0; got < CODES; got++)
        for (unsigned real = PLATE_CODE_UNREAD + 1; real < PLATE_CODE_RUN; real++)
            if (plate_confusion(real, got) > 0)
                s->likely[got].real[s->likely[got].n++] = (uint8_t)real;
}

static enum err
suspect(struct scan *s, uint32_t i)
{
    struct plate stray = s->stray[i].plate;
    unsigned length = plate_length(stray);
    for (unsigned k = 0; k < length; k++) {
        const struct likely *l = &s->likely[plate_at(stray, k) % CODES];
        for (unsigned r = 0; r < l->n; r++)
            plate_set_ahead(&s->known, plate_with(stray, k, l->real[r]));
        for (unsigned r = 0; r < l->n; r++) {
            struct plate other = plate_with(stray, k, l->real[r]);
            if (!plate_set_has(&s->known, other))
                continue;
            void *p = s->suspect;
            if (!question_grow(
                    s->c->arena, &p, &s->suspects_room, s->suspects,
                    sizeof *s->suspect))
                return ERR_TOOBIG;
            s->suspect = p;
            s->suspect[s->suspects++] = (struct suspect){other, i};
        }
    }
    return OK;
}

static int
by_real(const void *x, const void *y)
{
    const struct suspect *a = x, *b = y;
    if (a->real.v != b->real.v)
        return a->real.v < b->real.v ? -1 : 1;
    return (a->stray > b->stray) - (a->stray < b->stray);
}

static enum err
find_suspects(struct scan *s)
{
    s->likely = arena_array(s->c->arena, CODES, sizeof *s->likely);
    enum err e = s->likely ? OK : ERR_TOOBIG;
    if (e == OK)
        learn_likely(s);
    for (uint32_t i = 0; e == OK && i < s->n; i++)
        e = suspect(s, i);
    if (e == OK && s->suspects)
        qsort(s->suspect, s->suspects, sizeof *s->suspect, by_real);
    return e;
}

/* Was a vehicle with these reads on its way past the stray's site just then? */
static bool
passed_by(
    const struct scan *s, const struct stray *x, const ts_ms *at, const uint32_t *site,
    size_t n)
{
    const struct analysis_needs *needs = s->c->needs;
    struct site_id here = {x->site};
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (at[mid] < x->at - s->within)
            lo = mid + 1;
        else
            hi = mid;
    }
    size_t before = n, behind = n;
    for (size_t i = lo; i < n && at[i] <= x->at + s->within; i++) {
        if (site[i] == x->site)
            return false; /* read here itself */
        if (at[i] <= x->at)
            before = i;
        else if (behind == n)
            behind = i;
    }
    return before < n && behind < n &&
           could_drive(
               needs, (struct site_id){site[before]}, at[before], here, x->at) &&
           could_drive(needs, here, x->at, (struct site_id){site[behind]}, at[behind]);
}

static enum err
hear(void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    struct scan *s = arg;
    while (s->at < s->suspects && s->suspect[s->at].real.v < plate.v)
        s->at++;
    for (; s->at < s->suspects && plate_eq(s->suspect[s->at].real, plate); s->at++) {
        struct stray *x = &s->stray[s->suspect[s->at].stray];
        if (x->explained || !passed_by(s, x, at, site, n))
            continue;
        x->explained = true;
        s->site[x->site <= s->sites ? x->site : 0].found++;
    }
    return OK;
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
    struct scan s = {.c = c, .sites = c->needs->sites->n};
    uint64_t found = 0, could = 0;
    s.within = (ts_ms)(c->v[MINUTES].number * (double)MINUTE_MS);
    s.site = arena_array(c->arena, s.sites + 1, sizeof *s.site);
    if (!s.site)
        return ERR_TOOBIG;
    enum err e = c->needs->reads(c->needs->ctx, c->from, c->to, one, &s);
    if (e == OK)
        e = find_suspects(&s);
    if (e == OK && s.suspects)
        e = c->needs->reads(c->needs->ctx, c->from, c->to, hear, &s);
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
