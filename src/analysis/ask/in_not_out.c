/* SPDX-License-Identifier: Apache-2.0 */
/* Who came in and was not seen to leave (未出城).
 *
 * Definition  a vehicle whose last pass at an entry of the city (Lane.CityPass 1)
 *             inside the window has no pass at an exit (2) behind it. `missed` is
 *             the probability that it left unseen.
 * Model       m, the share of exits that cameras miss, is learned from the same
 *             window: an entry that follows an entry without an exit between had one
 *             that was missed. F(a), how many stays end before age a, from the
 *             entries with an exit. With u the last pass inside and a the end of the
 *             window, both since the entry: missed = m (F(a) - F(u)) / (m (F(a) -
 *             F(u)) + 1 - F(a)).
 * Pitfalls    exits without a camera make everybody stay: `missed` can only tell of
 *             exits that have one; the stays of the window are cut at its end, so a
 *             short window knows no long stays; a misread entry never leaves.
 * Source      the national query needs (未出城); GA/T 1400.3 Lane.CityPass.
 * Cost        one scan by vehicle over the window.
 */
#include "analysis/question.h"

#include <math.h>

enum { HOURS, MOST };
static const struct question_param params[] = {
    [HOURS] =
        {"hours", ASK_NUMBER, false, 0, 2400, "0", "h", NULL, "入城至少已过",
         "since the entry at least"},
    [MOST] =
        {"missed_max", ASK_NUMBER, false, 0, 1, "1", "", NULL, "漏拍出城概率上限",
         "at most this probability of having left unseen"},
    {0},
};

enum { PLATE, SITE, AT, LAST_SITE, LAST, PASSES, AGE, MISSED };
static const struct question_column columns[] = {
    [PLATE] = {"plate", COL_PLATE, "", "号牌", "plate"},
    [SITE] = {"site", COL_SITE, "", "入城点位", "entry"},
    [AT] = {"entry_ms", COL_TIME, "", "入城时间", "entered"},
    [LAST_SITE] = {"last_site", COL_SITE, "", "最近点位", "last site"},
    [LAST] = {"last_ms", COL_TIME, "", "最近时间", "last pass"},
    [PASSES] = {"passes", COL_COUNT, "", "入城后过车", "passes since"},
    [AGE] = {"since_ms", COL_SPAN, "", "入城已过", "since the entry"},
    [MISSED] = {"missed", COL_SHARE, "", "漏拍出城概率", "left unseen, probability"},
    {0},
};

/* Ages in classes a twelfth of an octave wide, from a minute up. */
#define CLASSES 256
struct inside {
    struct plate plate;
    uint32_t site, last_site;
    ts_ms entry, last;
    uint32_t passes;
};
struct scan {
    struct question_call *c;
    uint64_t stays[CLASSES];
    uint64_t exits, missed, vehicles;
    struct inside *in;
    size_t n, room;
};

static unsigned
class_of(ts_ms age)
{
    double x = age > MINUTE_MS ? 12 * log2((double)age / (double)MINUTE_MS) : 0;
    return x < CLASSES - 1 ? (unsigned)x : CLASSES - 1;
}

static enum err
one(void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    struct scan *s = arg;
    void *p;
    size_t entry = SIZE_MAX;
    if (!plate_is_exact(plate))
        return OK;
    for (size_t i = 0; i < n; i++) {
        const struct site *x = site_get(s->c->needs->sites, (struct site_id){site[i]});
        unsigned pass = x ? x->city_pass : 0;
        if (pass == 1) {
            /* Twice within an hour is one entry seen by two cameras. */
            s->missed += entry != SIZE_MAX && at[i] - at[entry] > HOUR_MS;
            s->vehicles += entry == SIZE_MAX;
            entry = i;
        } else if (pass == 2 && entry != SIZE_MAX) {
            s->stays[class_of(at[i] - at[entry])]++;
            s->exits++;
            entry = SIZE_MAX;
        }
    }
    if (entry == SIZE_MAX)
        return OK;
    p = s->in;
    if (!question_grow(s->c->arena, &p, &s->room, s->n, sizeof *s->in))
        return ERR_TOOBIG;
    s->in = p;
    s->in[s->n++] = (struct inside){plate,     site[entry], site[n - 1],
                                    at[entry], at[n - 1],   (uint32_t)(n - entry)};
    return OK;
}

/* Share of stays that ended before `age`. */
static double
ended(const struct scan *s, ts_ms age)
{
    uint64_t before = 0;
    for (unsigned k = 0; k < class_of(age); k++)
        before += s->stays[k];
    return s->exits ? (double)before / (double)s->exits : NAN;
}

static double
left_unseen(const struct scan *s, double m, const struct inside *x)
{
    double f = ended(s, s->c->to - x->entry), u = ended(s, x->last - x->entry);
    double gone = m * (f - u), there = 1 - f;
    return gone + there > 0 ? gone / (gone + there) : NAN;
}

static enum err
answer(struct question_call *c)
{
    struct scan *s = ARENA_NEW(c->arena, struct scan);
    if (!s)
        return ERR_TOOBIG;
    s->c = c;
    enum err e = c->needs->reads(c->needs->ctx, c->from, c->to, one, s);
    uint64_t all = s->exits + s->missed;
    double m = all ? (double)s->missed / (double)all : NAN;
    question_fact(
        c, "missed_exits", "%", m, "出城漏拍率", "share of exits that were missed");
    question_fact(
        c, "stays", "", (double)s->exits, "有出有入的停留", "stays with both ends");
    for (size_t i = 0; e == OK && i < s->n; i++) {
        const struct inside *x = &s->in[i];
        double p = left_unseen(s, m, x);
        if ((double)(c->to - x->entry) < c->v[HOURS].number * (double)HOUR_MS ||
            p > c->v[MOST].number)
            continue;
        union question_cell *row = question_row(c, &e);
        if (!row)
            break;
        row[PLATE].plate = x->plate;
        row[SITE].site.v = x->site;
        row[AT].at = x->entry;
        row[LAST_SITE].site.v = x->last_site;
        row[LAST].at = x->last;
        row[PASSES].n = x->passes;
        row[AGE].n = c->to - x->entry;
        row[MISSED].x = p;
    }
    return e;
}

const struct question question_in_not_out = {
    .name = "in_not_out",
    .title = {"未出城", "in but not out"},
    .what =
        {"最后一次入城之后没有出城记录的车辆，并给出漏拍出城的概率",
         "vehicles without an exit behind their last entry, with the probability "
         "that they left unseen"},
    .pitfall =
        {"没有卡口的出口使人人都未出城；时段过短则不知道长时间的停留",
         "exits without a camera make everybody stay; a short window knows no "
         "long stays"},
    .params = params,
    .columns = columns,
    .days_max = 62,
    .seconds = 120,
    .answer = answer,
};
