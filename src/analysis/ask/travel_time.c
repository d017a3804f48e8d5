/* SPDX-License-Identifier: Apache-2.0 */
/* How long it takes from one site to another (行程时间与拥堵指数).
 *
 * Definition  vehicles read at the first site and then at the second, by the time
 *             they passed the first one, in steps; per step the median of their
 *             times and the congestion index: free flow over observed, 1 is free.
 *             Free flow is the 15th percentile of all times of the window.
 * Outliers    times more than `cut` median deviations (x 1.4826) above the median of
 *             their step are stops on the way and are left out, once.
 * Pitfalls    both cameras' clocks must agree: what was learned of them is taken
 *             off; late records lift the newest step; a step with few vehicles says
 *             little, so its number stands beside it; a window without a quiet hour
 *             has no free flow and shows too good an index.
 * Source      the analytics catalogue (行程时间, 拥堵); HCM 6th ed. ch. 4 (travel time,
 *             15th and 85th percentile).
 * Cost        two scans by place over the window.
 */
#include "analysis/question.h"

#include <math.h>
#include <stdlib.h>

enum { SITES_ASKED, STEP, CUT, MOST };
static const struct question_param params[] = {
    [SITES_ASKED] =
        {"sites", ASK_SITES, true, 2, 2, NULL, "", NULL, "起点与终点点位（按序）",
         "from and to, in this order"},
    [STEP] =
        {"step_min", ASK_NUMBER, false, 5, 1440, "15", "min", NULL, "时间步长", "step"},
    [CUT] =
        {"cut", ASK_NUMBER, false, 1, 20, "3", "", NULL, "剔除阈值（离差倍数）",
         "cut at so many deviations"},
    [MOST] =
        {"minutes", ASK_NUMBER, false, 1, 240, "60", "min", NULL, "行程上限",
         "longest way taken for one"},
    {0},
};

enum { AT, FROM, TO, COUNT, MEDIAN, P15, P85, SPEED, INDEX, STOPPED };
static const struct question_column columns[] = {
    [AT] = {"at_ms", COL_TIME, "", "时段起", "step from"},
    [FROM] = {"from_site", COL_SITE, "", "起点", "from"},
    [TO] = {"to_site", COL_SITE, "", "终点", "to"},
    [COUNT] = {"vehicles", COL_COUNT, "", "车辆数", "vehicles"},
    [MEDIAN] = {"median_ms", COL_SPAN, "", "行程中位数", "median time"},
    [P15] = {"p15_ms", COL_SPAN, "", "15 分位", "15th percentile"},
    [P85] = {"p85_ms", COL_SPAN, "", "85 分位", "85th percentile"},
    [SPEED] = {"speed_kmh", COL_NUMBER, "km/h", "直线速度", "straight-line speed"},
    [INDEX] =
        {"index", COL_NUMBER, "", "拥堵指数（自由流/实际）",
         "congestion index (free / observed)"},
    [STOPPED] = {"stopped", COL_COUNT, "", "剔除（途中停留）", "cut as stops"},
    {0},
};

struct way {
    ts_ms from;
    int64_t took;
};
struct ways {
    struct way *p;
    size_t n, room;
};

static int
by_plate(const void *x, const void *y)
{
    const struct analysis_pass *a = x, *b = y;
    if (a->plate.v != b->plate.v)
        return a->plate.v < b->plate.v ? -1 : 1;
    if (a->pass_ms != b->pass_ms)
        return a->pass_ms < b->pass_ms ? -1 : 1;
    return (a->site.v > b->site.v) - (a->site.v < b->site.v);
}

static int
by_start(const void *x, const void *y)
{
    const struct way *a = x, *b = y;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return (a->took > b->took) - (a->took < b->took);
}

static int
by_length(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

static int64_t
offset_of(const struct question_call *c, struct site_id site)
{
    struct analysis_learned l;
    c->needs->learned(c->needs->ctx, site, &l);
    return l.offset_ms;
}

/* The last pass at the first site before each pass at the second. */
static enum err
match(struct question_call *c, struct ways *w)
{
    const struct site_id *s = c->v[SITES_ASKED].sites;
    int64_t clocks = offset_of(c, s[1]) - offset_of(c, s[0]);
    ts_ms most = (ts_ms)(c->v[MOST].number * (double)MINUTE_MS);
    struct analysis_pass *pass;
    size_t n;
    enum err e =
        c->needs->passes(c->needs->ctx, s, 2, c->from, c->to, c->arena, &pass, &n);
    if (e == OK && n)
        qsort(pass, n, sizeof *pass, by_plate);
    for (size_t i = 1; e == OK && i < n; i++) {
        const struct analysis_pass *a = &pass[i - 1], *b = &pass[i];
        int64_t took = b->pass_ms - a->pass_ms - clocks;
        if (!plate_eq(a->plate, b->plate) || !plate_is_exact(a->plate) ||
            a->site.v != s[0].v || b->site.v != s[1].v || took <= 0 || took > most)
            continue;
        void *p = w->p;
        if (!question_grow(c->arena, &p, &w->room, w->n, sizeof *w->p))
            return ERR_TOOBIG;
        w->p = p;
        w->p[w->n++] = (struct way){a->pass_ms, took};
    }
    return e;
}

static int64_t
quantile(const int64_t *sorted, size_t n, double q)
{
    return sorted[(size_t)(q * (double)(n - 1) + 0.5)];
}

/* Leaves out what lies far above the median; t is sorted and stays so. */
static size_t
without_stops(int64_t *t, size_t n, double cut, int64_t *scratch)
{
    int64_t median = quantile(t, n, 0.5);
    for (size_t i = 0; i < n; i++)
        scratch[i] = llabs(t[i] - median);
    qsort(scratch, n, sizeof *scratch, by_length);
    double deviation = 1.4826 * (double)quantile(scratch, n, 0.5);
    /* Not less than a twentieth: three alike cars would cut everybody else. */
    double least = (double)median / 20;
    double limit = (double)median + cut * (deviation > least ? deviation : least);
    while (n > 1 && (double)t[n - 1] > limit)
        n--;
    return n;
}

struct work {
    struct question_call *c;
    int64_t *t, *scratch;
    double free_ms, dist_m;
};

static enum err
step(struct work *w, ts_ms at, size_t n)
{
    enum err e = OK;
    struct question_call *c = w->c;
    qsort(w->t, n, sizeof *w->t, by_length);
    size_t kept = without_stops(w->t, n, c->v[CUT].number, w->scratch);
    double median = (double)quantile(w->t, kept, 0.5);
    union question_cell *row = question_row(c, &e);
    if (!row)
        return e;
    row[AT].at = at;
    row[FROM].site = c->v[SITES_ASKED].sites[0];
    row[TO].site = c->v[SITES_ASKED].sites[1];
    row[COUNT].n = (int64_t)kept;
    row[MEDIAN].n = (int64_t)median;
    row[P15].n = quantile(w->t, kept, 0.15);
    row[P85].n = quantile(w->t, kept, 0.85);
    row[SPEED].x = w->dist_m / median * 3600;
    row[INDEX].x = w->free_ms / median < 1 ? w->free_ms / median : 1;
    row[STOPPED].n = (int64_t)(n - kept);
    return OK;
}

static double
distance(const struct question_call *c)
{
    const struct site_id *s = c->v[SITES_ASKED].sites;
    const struct site *a = site_get(c->needs->sites, s[0]);
    const struct site *b = site_get(c->needs->sites, s[1]);
    return a && b && site_is_placed(a) && site_is_placed(b) ? site_dist_m(a, b) : NAN;
}

static enum err
answer(struct question_call *c)
{
    struct ways ways = {0};
    struct work w = {.c = c, .dist_m = distance(c)};
    ts_ms width = (ts_ms)(c->v[STEP].number * (double)MINUTE_MS);
    enum err e = match(c, &ways);
    if (e != OK || ways.n == 0)
        return e;
    w.t = arena_array(c->arena, ways.n, sizeof *w.t);
    w.scratch = arena_array(c->arena, ways.n, sizeof *w.scratch);
    if (!w.t || !w.scratch)
        return ERR_TOOBIG;
    for (size_t i = 0; i < ways.n; i++)
        w.t[i] = ways.p[i].took;
    qsort(w.t, ways.n, sizeof *w.t, by_length);
    w.free_ms = (double)quantile(w.t, ways.n, 0.15);
    question_fact(
        c, "free_flow", "s", w.free_ms / 1000, "自由流行程", "free-flow time");
    qsort(ways.p, ways.n, sizeof *ways.p, by_start);
    for (size_t lo = 0, hi; e == OK && lo < ways.n && !c->out->more; lo = hi) {
        ts_ms at = c->from + (ways.p[lo].from - c->from) / width * width;
        for (hi = lo; hi < ways.n && ways.p[hi].from < at + width; hi++)
            w.t[hi - lo] = ways.p[hi].took;
        e = step(&w, at, hi - lo);
    }
    return e;
}

const struct question question_travel_time = {
    .name = "travel_time",
    .title = {"行程时间与拥堵指数", "travel time and congestion"},
    .what =
        {"在两点位先后被读到的车辆的行程时间中位数，及自由流与实际之比",
         "the median time of vehicles read at one site and then at the other, and "
         "free flow over observed"},
    .pitfall =
        {"车少的时段说明不了什么；时段内没有通畅时刻则指数偏好；最近一步受迟到记录影响",
         "a step with few vehicles says little; a window without a quiet hour "
         "shows too good an index; late records lift the newest step"},
    .params = params,
    .columns = columns,
    .days_max = 31,
    .seconds = 60,
    .answer = answer,
};
