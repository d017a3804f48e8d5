/* SPDX-License-Identifier: Apache-2.0 */
/* Who passes these sites again and again (高频过车).
 *
 * Definition  vehicles with at least `passages` passages of the given sites in the
 *             window, on at least `days` days; reads of one plate at one site within
 *             `fold_s` are one passage.
 * Pitfalls    two cameras over one carriageway count twice unless both reads fold; who
 *             lives beside the site passes it daily; taxis and buses lead every list,
 *             so their use nature stands beside them.
 * Source      the analytics catalogue (高频过车: n in T at tollgates).
 * Cost        one scan by place.
 */
#include "analysis/question.h"

#include <stdlib.h>

static const struct question_word uses[] = {
    {"all", "全部", "all"},
    {"private", "仅非营运或未登记", "only private or unregistered"},
    {0},
};

enum { SITES, PASSAGES, DAYS, FOLD, USE };
static const struct question_param params[] = {
    [SITES] = {"sites", ASK_SITES, true, 1, 64, NULL, "", NULL, "点位", "sites"},
    [PASSAGES] =
        {"passages", ASK_NUMBER, false, 1, 100000, "5", "", NULL, "至少次数",
         "at least so many passages"},
    [DAYS] =
        {"days", ASK_NUMBER, false, 1, 31, "1", "d", NULL, "至少天数",
         "on so many days at least"},
    [FOLD] =
        {"fold_s", ASK_NUMBER, false, 0, 3600, "60", "s", NULL, "同点位合并间隔",
         "reads at a site this close are one"},
    [USE] =
        {"use", ASK_WORD, false, 0, 0, "all", "", uses, "使用性质",
         "use of the vehicle"},
    {0},
};

enum { PLATE, COUNT, ON, AT, FIRST, LAST, LAST_SITE, NATURE };
static const struct question_column columns[] = {
    [PLATE] = {"plate", COL_PLATE, "", "号牌", "plate"},
    [COUNT] = {"passages", COL_COUNT, "", "次数", "passages"},
    [ON] = {"days", COL_COUNT, "d", "天数", "days"},
    [AT] = {"sites", COL_COUNT, "", "经过点位数", "different sites"},
    [FIRST] = {"first_ms", COL_TIME, "", "首次时间", "first"},
    [LAST] = {"last_ms", COL_TIME, "", "最近时间", "last"},
    [LAST_SITE] = {"last_site", COL_SITE, "", "最近点位", "last site"},
    [NATURE] = {"use_nature", COL_WORD, "", "使用性质代码", "use nature code"},
    {0},
};

struct group { /* one plate, its passes by site and time */
    size_t lo, hi;
    int64_t passages, days, sites;
    size_t first, last;
};

static int
by_plate(const void *x, const void *y)
{
    const struct analysis_pass *a = x, *b = y;
    if (a->plate.v != b->plate.v)
        return a->plate.v < b->plate.v ? -1 : 1;
    if (a->site.v != b->site.v)
        return a->site.v < b->site.v ? -1 : 1;
    return (a->pass_ms > b->pass_ms) - (a->pass_ms < b->pass_ms);
}

static int
by_count(const void *x, const void *y)
{
    const struct group *a = x, *b = y;
    if (a->passages != b->passages)
        return a->passages > b->passages ? -1 : 1;
    return (a->lo > b->lo) - (a->lo < b->lo);
}

#define DAYS_MOST 64 /* of a window */

static void
count(const struct question_call *c, const struct analysis_pass *p, struct group *g)
{
    uint64_t seen = 0;
    int64_t day0 = civil_day(c->from, c->zone);
    ts_ms fold = (ts_ms)(c->v[FOLD].number * (double)SECOND_MS);
    g->first = g->last = g->lo;
    for (size_t i = g->lo; i < g->hi; i++) {
        bool same = i > g->lo && p[i].site.v == p[i - 1].site.v;
        g->sites += !same;
        g->passages += !same || p[i].pass_ms - p[i - 1].pass_ms > fold;
        int64_t day = civil_day(p[i].pass_ms, c->zone) - day0;
        must(day >= 0 && day < DAYS_MOST);
        seen |= UINT64_C(1) << day;
        if (p[i].pass_ms < p[g->first].pass_ms)
            g->first = i;
        if (p[i].pass_ms > p[g->last].pass_ms)
            g->last = i;
    }
    g->days = __builtin_popcountll(seen);
}

static enum err
say(struct question_call *c, const struct analysis_pass *p, const struct group *g)
{
    enum err e = OK;
    char nature = question_use_nature(c, p[g->lo].plate);
    if (span_eq_cstr(c->v[USE].text, "private") && nature && nature != 'A')
        return OK;
    union question_cell *row = question_row(c, &e);
    if (!row)
        return e;
    row[PLATE].plate = p[g->lo].plate;
    row[COUNT].n = g->passages;
    row[ON].n = g->days;
    row[AT].n = g->sites;
    row[FIRST].at = p[g->first].pass_ms;
    row[LAST].at = p[g->last].pass_ms;
    row[LAST_SITE].site = p[g->last].site;
    row[NATURE].word = nature ? arena_span(c->arena, span_of(&nature, 1)) : SPAN("");
    return OK;
}

static enum err
answer(struct question_call *c)
{
    struct analysis_pass *p;
    size_t n, groups = 0, room = 0;
    void *all = NULL;
    enum err e = c->needs->passes(
        c->needs->ctx, c->v[SITES].sites, c->v[SITES].n, c->from, c->to, c->arena, &p,
        &n);
    if (e == OK && n)
        qsort(p, n, sizeof *p, by_plate);
    for (size_t lo = 0, hi; e == OK && lo < n; lo = hi) {
        struct group g = {.lo = lo};
        for (hi = lo; hi < n && plate_eq(p[hi].plate, p[lo].plate);)
            hi++;
        g.hi = hi;
        if (!plate_is_exact(p[lo].plate))
            continue;
        count(c, p, &g);
        if ((double)g.passages < c->v[PASSAGES].number ||
            (double)g.days < c->v[DAYS].number)
            continue;
        if (!question_grow(c->arena, &all, &room, groups, sizeof g))
            e = ERR_TOOBIG;
        else
            ((struct group *)all)[groups++] = g;
    }
    if (e == OK && groups)
        qsort(all, groups, sizeof(struct group), by_count);
    for (size_t i = 0; e == OK && i < groups && !c->out->more; i++)
        e = say(c, p, (struct group *)all + i);
    return e;
}

const struct question question_frequent = {
    .name = "frequent",
    .title = {"高频过车", "frequent passers"},
    .what =
        {"时段内多次经过所给点位的车辆，按次数排列",
         "vehicles that pass the given sites many times in the window, the most "
         "frequent first"},
    .pitfall =
        {"住在点位旁的人天天经过；出租与公交总在前列，请看使用性质",
         "who lives beside the site passes it daily; taxis and buses lead every "
         "list: look at the use nature"},
    .params = params,
    .columns = columns,
    .days_max = 31,
    .seconds = 60,
    .answer = answer,
};
