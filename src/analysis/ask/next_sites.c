/* SPDX-License-Identifier: Apache-2.0 */
/* Where they go from here (去向预测): the sites within reach of one site, and which
 * comes next.
 *
 * Definition  of all passes at the site inside the window: which site reads the
 *             vehicle next, and which sites read it at all within `minutes`; for
 *             each the share, and the least, median and 90th percentile of the time
 *             it took. The least is the first percentile: a leap of clocks must not
 *             shorten the way.
 * Pitfalls    only sites are reached, not roads; a camera that misses one in ten
 *             makes the second site look like the next; the past of everybody says
 *             little of one who flees. With `plates` it is the habit of these
 *             vehicles only.
 * Source      the analytics catalogue (reachability); docs/why/probability.md on
 *             learned times.
 * Cost        one scan by vehicle over the window; with plates one look-up each.
 */
#include "analysis/question.h"

#include <math.h>
#include <stdlib.h>

enum { SITE_ASKED, MINUTES, PLATES, LEAST };
static const struct question_param params[] = {
    [SITE_ASKED] = {"site", ASK_SITES, true, 1, 1, NULL, "", NULL, "点位", "site"},
    [MINUTES] =
        {"minutes", ASK_NUMBER, false, 1, 240, "30", "min", NULL, "时限", "within"},
    [PLATES] =
        {"plates", ASK_PLATES, false, 1, 64, NULL, "", NULL, "仅这些车辆",
         "only of these vehicles"},
    [LEAST] =
        {"passes", ASK_NUMBER, false, 1, 1000, "1", "", NULL, "至少次数",
         "at least so many times"},
    {0},
};

enum { TO, NEXT_SHARE, SHARE, COUNT, LEAST_MS, MEDIAN, P90, DIST };
static const struct question_column columns[] = {
    [TO] = {"site", COL_SITE, "", "到达点位", "site reached"},
    [NEXT_SHARE] = {"next", COL_SHARE, "", "下一点位概率", "share as the next site"},
    [SHARE] = {"reached", COL_SHARE, "", "时限内到达占比", "share that reaches it"},
    [COUNT] = {"passes", COL_COUNT, "", "次数", "times"},
    [LEAST_MS] = {"least_ms", COL_SPAN, "", "最短行程", "least time"},
    [MEDIAN] = {"median_ms", COL_SPAN, "", "行程中位数", "median time"},
    [P90] = {"p90_ms", COL_SPAN, "", "行程九成位", "90th percentile"},
    [DIST] = {"dist_m", COL_NUMBER, "m", "直线距离", "straight-line distance"},
    {0},
};

struct leg {
    uint32_t site;
    uint32_t took_ms;
    bool next;
};
struct scan {
    struct question_call *c;
    uint32_t from;
    ts_ms within;
    uint64_t passes;
    struct leg *leg;
    size_t n, room;
};

static int
by_site(const void *x, const void *y)
{
    const struct leg *a = x, *b = y;
    if (a->site != b->site)
        return a->site < b->site ? -1 : 1;
    return (a->took_ms > b->took_ms) - (a->took_ms < b->took_ms);
}

/* Each site once behind a pass: the first time it is reached. */
static enum err
follow(struct scan *s, const ts_ms *at, const uint32_t *site, size_t i, size_t n)
{
    size_t first = s->n;
    s->passes++;
    for (size_t k = i + 1; k < n && at[k] - at[i] <= s->within; k++) {
        bool known = site[k] == s->from;
        for (size_t j = first; j < s->n && !known; j++)
            known = s->leg[j].site == site[k];
        if (known)
            continue;
        void *p = s->leg;
        if (!question_grow(s->c->arena, &p, &s->room, s->n, sizeof *s->leg))
            return ERR_TOOBIG;
        s->leg = p;
        bool next = s->n == first;
        s->leg[s->n++] = (struct leg){site[k], (uint32_t)(at[k] - at[i]), next};
    }
    return OK;
}

static enum err
one(void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    struct scan *s = arg;
    enum err e = OK;
    if (!plate_is_exact(plate))
        return OK;
    for (size_t i = 0; e == OK && i < n; i++) {
        /* Two reads of one passage are one pass. */
        bool again = i && site[i - 1] == s->from && at[i] - at[i - 1] < MINUTE_MS;
        if (site[i] == s->from && !again)
            e = follow(s, at, site, i, n);
    }
    return e;
}

struct reached {
    size_t lo, n, next;
};

static int
by_likelihood(const void *x, const void *y)
{
    const struct reached *a = x, *b = y;
    if (a->next != b->next)
        return a->next > b->next ? -1 : 1;
    if (a->n != b->n)
        return a->n > b->n ? -1 : 1;
    return (a->lo > b->lo) - (a->lo < b->lo);
}

static int64_t
quantile(const struct scan *s, const struct reached *r, double q)
{
    return s->leg[r->lo + (size_t)(q * (double)(r->n - 1) + 0.5)].took_ms;
}

static enum err
say(struct scan *s, const struct reached *r)
{
    enum err e = OK;
    const struct site_table *sites = s->c->needs->sites;
    const struct site *a = site_get(sites, (struct site_id){s->from});
    const struct site *b = site_get(sites, (struct site_id){s->leg[r->lo].site});
    union question_cell *row = question_row(s->c, &e);
    if (!row)
        return e;
    row[TO].site.v = s->leg[r->lo].site;
    row[NEXT_SHARE].x = (double)r->next / (double)s->passes;
    row[SHARE].x = (double)r->n / (double)s->passes;
    row[COUNT].n = (int64_t)r->n;
    row[LEAST_MS].n = quantile(s, r, 0.01);
    row[MEDIAN].n = quantile(s, r, 0.5);
    row[P90].n = quantile(s, r, 0.9);
    bool placed = a && b && site_is_placed(a) && site_is_placed(b);
    row[DIST].x = placed ? site_dist_m(a, b) : NAN;
    return OK;
}

static enum err
answer(struct question_call *c)
{
    struct scan s = {
        .c = c,
        .from = c->v[SITE_ASKED].sites[0].v,
        .within = (ts_ms)(c->v[MINUTES].number * (double)MINUTE_MS)};
    enum err e = OK;
    if (c->v[PLATES].n == 0)
        e = c->needs->reads(c->needs->ctx, c->from, c->to, one, &s);
    for (size_t i = 0; e == OK && i < c->v[PLATES].n; i++)
        e = question_reads_of(c, c->v[PLATES].plates[i], one, &s);
    if (e != OK)
        return e;
    if (s.n)
        qsort(s.leg, s.n, sizeof *s.leg, by_site);
    struct reached *r = arena_array(c->arena, c->needs->sites->n + 1, sizeof *r);
    size_t n = 0;
    if (!r)
        return ERR_TOOBIG;
    for (size_t lo = 0, hi; lo < s.n; lo = hi) {
        size_t next = 0;
        for (hi = lo; hi < s.n && s.leg[hi].site == s.leg[lo].site; hi++)
            next += s.leg[hi].next;
        if ((double)(hi - lo) >= c->v[LEAST].number)
            r[n++] = (struct reached){lo, hi - lo, next};
    }
    if (n)
        qsort(r, n, sizeof *r, by_likelihood);
    question_fact(
        c, "passes", "", (double)s.passes, "本点位过车", "passes at the site");
    for (size_t i = 0; e == OK && i < n && !c->out->more; i++)
        e = say(&s, &r[i]);
    return e;
}

const struct question question_next_sites = {
    .name = "next_sites",
    .title = {"去向预测", "reachable and next sites"},
    .what =
        {"从某点位出发，时限内可到达的点位、下一点位的概率与所需时间",
         "the sites reached from one site within a time, how likely each comes next, "
         "and how long it takes"},
    .pitfall =
        {"只见点位不见道路；漏读使第二个点位看似下一个；众人的过去不能代表逃逸者",
         "only sites are reached, not roads; a camera that misses makes the "
         "second site look like the next; the past of everybody says little of "
         "one who flees"},
    .params = params,
    .columns = columns,
    .days_max = 31,
    .seconds = 60,
    .answer = answer,
};
