/* SPDX-License-Identifier: Apache-2.0 */
/* Who was there, and there, but not there (多卡口碰撞): sets of plates in several
 * windows of sites and time, intersected, united, excepted.
 *
 * Definition  a vehicle that passed every window marked +, at least one of those
 *             marked | where there are any, and none of those marked -.
 * Pitfalls    a misread puts one vehicle under two plates: an intersection loses it,
 *             an exception keeps it; "none" means not seen there, never not there.
 * Source      the national query needs (several tollgates with different windows).
 * Cost        one scan by place a window.
 */
#include "analysis/question.h"

#include <stdlib.h>

#define WINDOWS 8

enum { WINDOW };
static const struct question_param params[] = {
    [WINDOW] =
        {"windows", ASK_WINDOWS, true, 1, WINDOWS, NULL, "", NULL, "时空窗口",
         "windows of sites and time"},
    {0},
};

enum { PLATE, HITS, PASSES, FIRST_SITE, FIRST, LAST_SITE, LAST };
static const struct question_column columns[] = {
    [PLATE] = {"plate", COL_PLATE, "", "号牌", "plate"},
    [HITS] = {"windows", COL_COUNT, "", "经过窗口数", "windows passed"},
    [PASSES] = {"passes", COL_COUNT, "", "窗口内过车", "passes in them"},
    [FIRST_SITE] = {"first_site", COL_SITE, "", "首次点位", "first site"},
    [FIRST] = {"first_ms", COL_TIME, "", "首次时间", "first pass"},
    [LAST_SITE] = {"last_site", COL_SITE, "", "最后点位", "last site"},
    [LAST] = {"last_ms", COL_TIME, "", "最后时间", "last pass"},
    {0},
};

struct hit {
    struct plate plate;
    ts_ms at;
    uint32_t site;
    uint32_t window;
};

static int
by_plate(const void *x, const void *y)
{
    const struct hit *a = x, *b = y;
    if (a->plate.v != b->plate.v)
        return a->plate.v < b->plate.v ? -1 : 1;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return (a->site > b->site) - (a->site < b->site);
}

static enum err
check(struct question_call *c)
{
    const struct question_value *v = &c->v[WINDOW];
    bool asks = false;
    for (size_t i = 0; i < v->n; i++) {
        asks |= v->windows[i].join != JOIN_NONE;
        if (v->windows[i].from < c->from || v->windows[i].to > c->to)
            return note_fmt(
                c->note, ERR_INPUT, "windows",
                "window %zu reaches out of the time of the question: widen from and to",
                "第 %zu 个窗口超出查询时段：请放宽起止时间", i + 1);
    }
    if (asks)
        return OK;
    return note_set(
        c->note, ERR_INPUT, "windows",
        "at least one window must be passed (+ or |), not only excepted",
        "至少有一个窗口须为“经过”，不能全部为排除");
}

static enum err
gather(struct question_call *c, struct hit **out, size_t *n)
{
    size_t room = 0;
    void *p = NULL;
    *n = 0;
    for (size_t w = 0; w < c->v[WINDOW].n; w++) {
        const struct question_window *q = &c->v[WINDOW].windows[w];
        struct analysis_pass *pass;
        size_t passes;
        enum err e = c->needs->passes(
            c->needs->ctx, q->sites, q->sites_n, q->from, q->to, c->arena, &pass,
            &passes);
        for (size_t i = 0; e == OK && i < passes; i++) {
            if (!plate_is_exact(pass[i].plate))
                continue;
            if (!question_grow(c->arena, &p, &room, *n, sizeof **out))
                e = ERR_TOOBIG;
            else
                ((struct hit *)p)[(*n)++] = (struct hit){
                    pass[i].plate, pass[i].pass_ms, pass[i].site.v, (uint32_t)w};
        }
        if (e != OK)
            return e;
    }
    *out = p;
    return OK;
}

static bool
fits(const struct question_value *v, unsigned mask)
{
    bool any = true, hit = false;
    for (size_t w = 0; w < v->n; w++) {
        bool in = mask & 1u << w;
        enum question_join join = v->windows[w].join;
        if ((join == JOIN_ALL && !in) || (join == JOIN_NONE && in))
            return false;
        if (join == JOIN_ANY) {
            hit |= in;
            any = hit;
        }
    }
    return any;
}

static enum err
answer(struct question_call *c)
{
    struct hit *h = NULL;
    size_t n;
    enum err e = check(c);
    if (e == OK)
        e = gather(c, &h, &n);
    if (e != OK)
        return e;
    if (n)
        qsort(h, n, sizeof *h, by_plate);
    for (size_t lo = 0, hi; e == OK && lo < n; lo = hi) {
        unsigned mask = 0;
        for (hi = lo; hi < n && plate_eq(h[hi].plate, h[lo].plate); hi++)
            mask |= 1u << h[hi].window;
        if (!fits(&c->v[WINDOW], mask))
            continue;
        union question_cell *row = question_row(c, &e);
        if (!row)
            break;
        row[PLATE].plate = h[lo].plate;
        row[HITS].n = __builtin_popcount(mask);
        row[PASSES].n = (int64_t)(hi - lo);
        row[FIRST_SITE].site.v = h[lo].site;
        row[FIRST].at = h[lo].at;
        row[LAST_SITE].site.v = h[hi - 1].site;
        row[LAST].at = h[hi - 1].at;
    }
    return e;
}

const struct question question_collide = {
    .name = "collide",
    .title = {"多卡口碰撞", "several sites and windows"},
    .what =
        {"经过所有“交集”窗口、任一“并集”窗口且未经过“排除”窗口的车辆",
         "vehicles that passed every + window, any of the | windows and none of the "
         "- windows"},
    .pitfall =
        {"误读使一辆车落在两个号牌上：交集会漏，排除会留；未见不等于未经过",
         "a misread puts one vehicle under two plates: an intersection loses it, "
         "an exception keeps it; not seen is not the same as not there"},
    .params = params,
    .columns = columns,
    .days_max = 31,
    .seconds = 60,
    .answer = answer,
};
