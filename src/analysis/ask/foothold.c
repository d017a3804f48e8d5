/* SPDX-License-Identifier: Apache-2.0 */
/* Where a vehicle comes to rest (落脚点).
 *
 * Definition  a stay is a gap of at least `gap_h` hours between two passes that
 *             follow one another; it belongs to the site passed last before it. A
 *             foothold is a site with at least `stays` of them; of several the one
 *             with the most, on a tie the one that was registered first.
 * Pitfalls    a hole in the coverage looks like a stay; the resting place lies
 *             somewhere behind the site, not at it; one who leaves the city by an
 *             unwatched road seems to rest at the last camera; misreads cut a stay
 *             in two.
 * Source      the national query needs (落脚点).
 * Cost        one look-up a whole plate; a scan by vehicle for a part of one.
 */
#include "analysis/question.h"

#include <stdlib.h>

static const struct question_word whiches[] = {
    {"best", "停留最多的点位", "the one with the most stays"},
    {"every", "所有达到次数的点位", "every one with so many stays"},
    {0},
};

enum { PATTERN, GAP, STAYS, WHICH };
static const struct question_param params[] = {
    [PATTERN] =
        {"plate", ASK_PATTERN, true, 0, 0, NULL, "", NULL, "号牌（可用 ? *）",
         "plate, or part of one with ? and *"},
    [GAP] =
        {"gap_h", ASK_NUMBER, false, 1, 240, "5", "h", NULL, "停留时长至少",
         "a stay lasts at least"},
    [STAYS] =
        {"stays", ASK_NUMBER, false, 1, 1000, "3", "", NULL, "停留次数至少",
         "at least so many stays"},
    [WHICH] =
        {"which", ASK_WORD, false, 0, 0, "best", "", whiches, "哪些点位",
         "which sites"},
    {0},
};

enum { PLATE, SITE, COUNT, SHARE, MEAN, LAST, NEXT };
static const struct question_column columns[] = {
    [PLATE] = {"plate", COL_PLATE, "", "号牌", "plate"},
    [SITE] = {"site", COL_SITE, "", "停留前最后点位", "last site before the stays"},
    [COUNT] = {"stays", COL_COUNT, "", "停留次数", "stays"},
    [SHARE] = {"share", COL_SHARE, "", "占全部停留", "share of all stays"},
    [MEAN] = {"mean_ms", COL_SPAN, "", "平均停留", "mean length of a stay"},
    [LAST] = {"last_ms", COL_TIME, "", "最近一次停留起", "the last one began"},
    [NEXT] = {"next_site", COL_SITE, "", "最近一次停留后点位", "first site after it"},
    {0},
};

struct stay {
    uint32_t site;
    uint32_t next;
    ts_ms from, length_ms;
};
#define STAYS_MAX 4096 /* of one vehicle: past it older ones count */

struct scan {
    struct question_call *c;
    struct stay *stay; /* STAYS_MAX */
};

static int
by_site(const void *x, const void *y)
{
    const struct stay *a = x, *b = y;
    if (a->site != b->site)
        return a->site < b->site ? -1 : 1;
    return (a->from > b->from) - (a->from < b->from);
}

static enum err
say(struct scan *s, struct plate plate, size_t lo, size_t hi, size_t all)
{
    enum err e = OK;
    const struct stay *t = s->stay;
    ts_ms sum = 0;
    union question_cell *row = question_row(s->c, &e);
    if (!row)
        return e;
    for (size_t i = lo; i < hi; i++)
        sum += t[i].length_ms;
    row[PLATE].plate = plate;
    row[SITE].site.v = t[lo].site;
    row[COUNT].n = (int64_t)(hi - lo);
    row[SHARE].x = (double)(hi - lo) / (double)all;
    row[MEAN].n = sum / (ts_ms)(hi - lo);
    row[LAST].at = t[hi - 1].from;
    row[NEXT].site.v = t[hi - 1].next;
    return OK;
}

static enum err
one(void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    struct scan *s = arg;
    const struct question_value *v = s->c->v;
    enum err e = OK;
    size_t k = 0, best = 0, best_n = 0;
    if (!plate_is_exact(plate) || !plate_pattern_match(&v[PATTERN].pattern, plate))
        return OK;
    for (size_t i = 1; i < n && k < STAYS_MAX; i++)
        if ((double)(at[i] - at[i - 1]) >= v[GAP].number * (double)HOUR_MS)
            s->stay[k++] =
                (struct stay){site[i - 1], site[i], at[i - 1], at[i] - at[i - 1]};
    if ((double)k < v[STAYS].number)
        return OK;
    qsort(s->stay, k, sizeof *s->stay, by_site);
    bool every = span_eq_cstr(v[WHICH].text, "every");
    for (size_t lo = 0, hi; e == OK && lo < k; lo = hi) {
        for (hi = lo + 1; hi < k && s->stay[hi].site == s->stay[lo].site; hi++)
            continue;
        if (hi - lo > best_n) {
            best = lo;
            best_n = hi - lo;
        }
        if (every && (double)(hi - lo) >= v[STAYS].number)
            e = say(s, plate, lo, hi, k);
    }
    if (!every && (double)best_n >= v[STAYS].number)
        e = say(s, plate, best, best + best_n, k);
    return e;
}

static enum err
answer(struct question_call *c)
{
    struct scan s = {c, arena_array(c->arena, STAYS_MAX, sizeof *s.stay)};
    if (!s.stay)
        return ERR_TOOBIG;
    const struct plate_pattern *p = &c->v[PATTERN].pattern;
    if (p->exact)
        return question_reads_of(c, p->lo, one, &s);
    return c->needs->reads(c->needs->ctx, c->from, c->to, one, &s);
}

const struct question question_foothold = {
    .name = "foothold",
    .title = {"落脚点", "foothold"},
    .what =
        {"车辆反复长时间停留之前最后经过的点位",
         "the site a vehicle passes last before it rests, again and again"},
    .pitfall =
        {"覆盖空白也像停留；落脚处在点位之后某处，而非点位本身",
         "a hole in the coverage looks like a stay; the resting place lies "
         "behind the site, not at it"},
    .params = params,
    .columns = columns,
    .days_max = 62,
    .seconds = 120,
    .answer = answer,
};
