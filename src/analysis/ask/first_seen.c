/* SPDX-License-Identifier: Apache-2.0 */
/* Who is new here (初次入城).
 *
 * Definition  a vehicle whose first pass inside the window comes after `quiet_days`
 *             without any pass; with where = entry, that first pass is at a site into
 *             the city (Lane.CityPass 1).
 * Pitfalls    a misread makes a plate that nobody ever saw: a new plate with a single
 *             pass is more often that than a guest, so passes are counted beside it;
 *             a newly registered plate is new everywhere; sightings that begin inside
 *             the quiet days make everybody new.
 * Source      the national query needs (初次入城), GA/T 1400.3 Lane.CityPass.
 * Cost        one scan of first days, then a look-up each; one scan by vehicle where
 *             they are many.
 */
#include "analysis/question.h"

static const struct question_word wheres[] = {
    {"entry", "入城点位", "at an entry of the city"},
    {"anywhere", "任意点位", "anywhere"},
    {0},
};

enum { QUIET, WHERE, LEAST };
static const struct question_param params[] = {
    [QUIET] =
        {"quiet_days", ASK_NUMBER, false, 1, 365, "30", "d", NULL, "此前未出现的天数",
         "days without a pass before"},
    [WHERE] =
        {"where", ASK_WORD, false, 0, 0, "entry", "", wheres, "首次出现的位置",
         "where the first pass is"},
    [LEAST] =
        {"passes", ASK_NUMBER, false, 1, 1000, "1", "", NULL, "时段内至少过车次数",
         "at least so many passes in the window"},
    {0},
};

enum { PLATE, SITE, AT, PASSES, SITES, LAST };
static const struct question_column columns[] = {
    [PLATE] = {"plate", COL_PLATE, "", "号牌", "plate"},
    [SITE] = {"site", COL_SITE, "", "首次点位", "first site"},
    [AT] = {"first_ms", COL_TIME, "", "首次时间", "first pass"},
    [PASSES] = {"passes", COL_COUNT, "", "时段内过车", "passes in the window"},
    [SITES] = {"sites", COL_COUNT, "", "经过点位数", "different sites"},
    [LAST] = {"last_ms", COL_TIME, "", "最近时间", "last pass"},
    {0},
};

static ts_ms
back_ms(const struct question_value *v)
{
    return (ts_ms)v[QUIET].number * DAY_MS;
}

static int64_t
different(const uint32_t *site, size_t n)
{
    int64_t count = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < i && site[k] != site[i])
            k++;
        count += k == i;
    }
    return count;
}

/* A guest's own passes are few; past this many the sites are not counted apart. */
#define COUNTED 256

static enum err
one(void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    struct question_call *c = arg;
    enum err e = OK;
    if (at[0] < c->from || (double)n < c->v[LEAST].number || !plate_is_exact(plate))
        return OK;
    const struct site *s = site_get(c->needs->sites, (struct site_id){site[0]});
    if (span_eq_cstr(c->v[WHERE].text, "entry") && (!s || s->city_pass != 1))
        return OK;
    union question_cell *row = question_row(c, &e);
    if (!row)
        return e;
    row[PLATE].plate = plate;
    row[SITE].site.v = site[0];
    row[AT].at = at[0];
    row[PASSES].n = (int64_t)n;
    row[SITES].n = different(site, n < COUNTED ? n : COUNTED);
    row[LAST].at = at[n - 1];
    return OK;
}

static enum err
answer(struct question_call *c)
{
    struct analysis_fit fit = {
        .first_lo = civil_day(c->from, c->zone),
        .n_min = (uint64_t)c->v[LEAST].number,
    };
    return question_reads_where(
        c, question_reach(c->q, c->v, c->from), &fit, NULL, one, c);
}

const struct question question_first_seen = {
    .name = "first_seen",
    .title = {"初次入城", "first seen in the city"},
    .what =
        {"时段内首次过车、且此前若干天未出现的车辆",
         "vehicles whose first pass in the window follows days without any"},
    .pitfall =
        {"误读会产生从未出现过的号牌，只有一次过车的多为误读；数据起始不足上述天数时"
         "人人都是首次",
         "a misread makes a plate nobody ever saw: a single pass is more often "
         "that than a guest; where data begin inside the quiet days everybody "
         "is new"},
    .params = params,
    .columns = columns,
    .days_max = 31,
    .seconds = 120,
    .back_ms = back_ms,
    .answer = answer,
};
