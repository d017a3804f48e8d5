/* SPDX-License-Identifier: Apache-2.0 */
/* Who breaks the rules again and again (多次违法车辆).
 *
 * Definition  vehicles with at least `findings` standing findings of the window, of
 *             the live rules about traffic law (truck ban, coach curfew, average
 *             speed, vehicle status), each at least `probability` likely; a ban, a
 *             curfew or a status again on the same day is the same offence that goes
 *             on, a section driven too fast counts each time; with the number of
 *             different days and the number of true findings to be expected (the sum
 *             of the probabilities). The most findings first.
 * Pitfalls    a finding is a probability and no verdict: what became of its matter is
 *             not asked here. The findings of a cloned plate fall on its lawful owner.
 *             A vehicle that is at fault on every day, as one overdue for inspection,
 *             stands before one that sped twice: see the kinds and the days.
 * Source      the analytics catalogue (多次违法); violation records take the place of
 *             findings where a city has them.
 * Cost        the alarms of the window.
 */
#include "analysis/question.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct question_word kinds[] = {
    {"all", "全部", "all of them"},
    {"truck_ban", "闯禁行", "truck ban"},
    {"coach_curfew", "客运车辆夜间禁行", "coach curfew"},
    {"average_speed", "区间超速", "average speed"},
    {"status", "车辆状态异常", "vehicle status"},
    {0},
};
#define RULES (sizeof kinds / sizeof *kinds - 2)
#define SPEED 2u /* which of the rules */

enum { KIND, FINDINGS, LIKELY };
static const struct question_param params[] = {
    [KIND] = {"kind", ASK_WORD, false, 0, 0, "all", "", kinds, "类别", "kind"},
    [FINDINGS] =
        {"findings", ASK_NUMBER, false, 1, 1000, "3", "", NULL, "至少次数",
         "at least so many findings"},
    [LIKELY] =
        {"probability", ASK_NUMBER, false, 0, 1, "0.5", "", NULL, "每次的概率下限",
         "each at least this likely"},
    {0},
};

enum { PLATE, COUNT, DAYS, KINDS, EXPECTED, SITE, FIRST, LAST };
static const struct question_column columns[] = {
    [PLATE] = {"plate", COL_PLATE, "", "号牌", "plate"},
    [COUNT] = {"findings", COL_COUNT, "", "次数", "findings"},
    [DAYS] = {"days", COL_COUNT, "", "不同日数", "different days"},
    [KINDS] = {"kinds", COL_WORD, "", "类别", "kinds"},
    [EXPECTED] =
        {"expected", COL_NUMBER, "", "预计属实次数", "true ones to be expected"},
    [SITE] = {"site", COL_SITE, "", "最近点位", "site of the last"},
    [FIRST] = {"first_ms", COL_TIME, "", "最早一次", "the first"},
    [LAST] = {"last_ms", COL_TIME, "", "最近一次", "the last"},
    {0},
};

struct finding {
    struct plate plate;
    ts_ms at, last;      /* of an offence that went on: the latest */
    struct site_id site; /* there */
    double probability;
    unsigned rule;
};
struct findings {
    struct question_call *c;
    struct finding *p;
    size_t n, room;
    unsigned rule; /* being read */
};
struct vehicle_sum {
    const struct finding *of; /* its findings, the oldest first */
    size_t n;
};

static enum err
one(void *arg, const struct alarm *a)
{
    struct findings *f = arg;
    if (a->state == ALARM_WITHDRAWN || !plate_is_exact(a->plate) ||
        a->probability < f->c->v[LIKELY].number)
        return OK;
    void *p = f->p;
    if (!question_grow(f->c->arena, &p, &f->room, f->n, sizeof *f->p))
        return ERR_TOOBIG;
    f->p = p;
    f->p[f->n++] = (struct finding){a->plate, a->pass_ms,     a->pass_ms,
                                    a->site,  a->probability, f->rule};
    return OK;
}

static int
by_plate(const void *x, const void *y)
{
    const struct finding *a = x, *b = y;
    if (a->plate.v != b->plate.v)
        return a->plate.v < b->plate.v ? -1 : 1;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return a->rule < b->rule ? -1 : a->rule > b->rule;
}

static int
by_number(const void *x, const void *y)
{
    const struct vehicle_sum *a = x, *b = y;
    if (a->n != b->n)
        return a->n > b->n ? -1 : 1;
    return a->of->plate.v < b->of->plate.v ? -1 : a->of->plate.v > b->of->plate.v;
}

static enum err
put(struct question_call *c, const struct vehicle_sum *v)
{
    enum err e = OK;
    const struct finding *last = v->of;
    unsigned seen = 0;
    int64_t day = INT64_MIN;
    char words[RULES * 24] = "";
    union question_cell *row = question_row(c, &e);
    if (!row)
        return e;
    row[PLATE].plate = v->of->plate;
    row[COUNT].n = (int64_t)v->n;
    for (size_t i = 0; i < v->n; i++) {
        int64_t today = civil_day(v->of[i].at, c->zone);
        row[DAYS].n += today != day;
        day = today;
        seen |= 1u << v->of[i].rule;
        row[EXPECTED].x += v->of[i].probability;
        last = v->of[i].last >= last->last ? &v->of[i] : last;
    }
    for (unsigned r = 0, used = 0; r < RULES; r++)
        if (seen >> r & 1)
            used += (unsigned)snprintf(
                words + used, sizeof words - used, "%s%s", used ? "," : "",
                kinds[r + 1].name);
    row[KINDS].word = arena_span(c->arena, span_cstr(words));
    row[SITE].site = last->site;
    row[FIRST].at = v->of->at;
    row[LAST].at = last->last;
    return row[KINDS].word.p ? OK : ERR_TOOBIG;
}

/* The finding of its vehicle's p[from] to p[i - 1] that p[i] is the same offence as, gone
 * on; NULL: none. */
static struct finding *
went_on(const struct findings *f, size_t from, size_t i)
{
    const struct finding *x = &f->p[i];
    for (size_t k = from; k < i && x->rule != SPEED; k++)
        if (f->p[k].rule == x->rule &&
            civil_day(f->p[k].at, f->c->zone) == civil_day(x->at, f->c->zone))
            return &f->p[k];
    return NULL;
}

/* One of each offence, in order of plate and time: as sure as its surest finding, and
 * last where that was. */
static void
join_offences(struct findings *f)
{
    size_t n = 0, from = 0;
    if (f->n)
        qsort(f->p, f->n, sizeof *f->p, by_plate);
    for (size_t i = 0; i < f->n; i++) {
        struct finding *x = &f->p[n], *same;
        *x = f->p[i];
        if (!plate_eq(x->plate, f->p[from].plate))
            from = n;
        same = went_on(f, from, n);
        if (!same) {
            n++;
            continue;
        }
        same->last = x->last;
        same->site = x->site;
        same->probability = fmax(same->probability, x->probability);
    }
    f->n = n;
}

static enum err
fold(struct findings *f)
{
    struct question_call *c = f->c;
    struct vehicle_sum *all = arena_array(c->arena, f->n + 1, sizeof *all);
    size_t n = 0, from = 0;
    enum err e = OK;
    if (!all)
        return ERR_TOOBIG;
    join_offences(f);
    for (size_t i = 1; i <= f->n; i++) {
        if (i < f->n && plate_eq(f->p[i].plate, f->p[from].plate))
            continue;
        if ((double)(i - from) >= c->v[FINDINGS].number)
            all[n++] = (struct vehicle_sum){&f->p[from], i - from};
        from = i;
    }
    if (n)
        qsort(all, n, sizeof *all, by_number);
    for (size_t i = 0; e == OK && i < n && !c->out->more; i++)
        e = put(c, &all[i]);
    return e;
}

static enum err
answer(struct question_call *c)
{
    struct findings f = {.c = c};
    enum err e = OK;
    struct span kind = c->v[KIND].text;
    for (; e == OK && f.rule < RULES; f.rule++)
        if (span_eq_cstr(kind, "all") || span_eq_cstr(kind, kinds[f.rule + 1].name))
            e = c->needs->alarms(
                c->needs->ctx, span_cstr(kinds[f.rule + 1].name), c->from, c->to, one,
                &f);
    return e == OK ? fold(&f) : e;
}

const struct question question_violators = {
    .name = "violators",
    .title = {"多次违法车辆", "frequent violators"},
    .what =
        {"时段内闯禁行、夜间禁行、区间超速、状态异常等预警成立达到给定次数的车辆，按次"
         "数排列；同类情形同日只计一次（区间超速逐次计）",
         "vehicles with so many standing findings of truck ban, coach curfew, average "
         "speed or vehicle status in the window, the most first; one kind counts once "
         "a day, average speed each time"},
    .pitfall =
        {"预警是概率而非定论；被套牌车辆会背上他人的违法；请同时看类别与日数",
         "a finding is a probability and no verdict; those of a clone fall on the "
         "lawful owner; look at the kinds and days, too"},
    .params = params,
    .columns = columns,
    .days_max = 92,
    .seconds = 30,
    .answer = answer,
};
