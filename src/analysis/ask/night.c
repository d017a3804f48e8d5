/* SPDX-License-Identifier: Apache-2.0 */
/* Who moves by night and rests by day (昼伏夜出).
 *
 * Definition  passes on at least `nights` different nights (between the two night
 *             hours; a night is counted from noon to noon) and at most `day_share`
 *             of all passes between the two day hours.
 * Pitfalls    night shifts, taxis and freight move by night for a living: the use
 *             nature of the register stands beside each row, and can be left out; a
 *             single misread by day is one pass, not a habit.
 * Source      the national query needs (昼伏夜出); codes of use nature GA 24.3.
 * Cost        one scan of the hours of days, then a look-up each; one scan by vehicle
 *             where they are many.
 */
#include "analysis/question.h"

static const struct question_word uses[] = {
    {"all", "全部", "all"},
    {"private", "仅非营运或未登记", "only private or unregistered"},
    {0},
};

enum { NIGHTS, SHARE, NIGHT_FROM, NIGHT_TO, DAY_FROM, DAY_TO, USE };
static const struct question_param params[] = {
    [NIGHTS] =
        {"nights", ASK_NUMBER, false, 1, 31, "3", "", NULL, "至少夜数",
         "at least so many nights"},
    [SHARE] =
        {"day_share", ASK_NUMBER, false, 0, 1, "0.2", "", NULL, "日间过车占比上限",
         "at most this share of passes by day"},
    [NIGHT_FROM] =
        {"night_from", ASK_NUMBER, false, 12, 24, "22", "h", NULL, "夜间起",
         "the night begins"},
    [NIGHT_TO] =
        {"night_to", ASK_NUMBER, false, 0, 12, "5", "h", NULL, "夜间止",
         "the night ends"},
    [DAY_FROM] =
        {"day_from", ASK_NUMBER, false, 0, 12, "6", "h", NULL, "日间起",
         "the day begins"},
    [DAY_TO] =
        {"day_to", ASK_NUMBER, false, 12, 24, "20", "h", NULL, "日间止",
         "the day ends"},
    [USE] =
        {"use", ASK_WORD, false, 0, 0, "all", "", uses, "使用性质",
         "use of the vehicle"},
    {0},
};

enum { PLATE, COUNT, PASSES, DAY, FIRST, LAST, LAST_SITE, NATURE };
static const struct question_column columns[] = {
    [PLATE] = {"plate", COL_PLATE, "", "号牌", "plate"},
    [COUNT] = {"nights", COL_COUNT, "", "夜数", "nights"},
    [PASSES] = {"passes", COL_COUNT, "", "过车", "passes"},
    [DAY] = {"day_share", COL_SHARE, "", "日间占比", "share by day"},
    [FIRST] = {"first_ms", COL_TIME, "", "首次时间", "first pass"},
    [LAST] = {"last_ms", COL_TIME, "", "最近时间", "last pass"},
    [LAST_SITE] = {"last_site", COL_SITE, "", "最近点位", "last site"},
    [NATURE] = {"use_nature", COL_WORD, "", "使用性质代码", "use nature code"},
    {0},
};

static double
hours(const struct question_value *v)
{
    return v->number * (double)HOUR_MS;
}

static enum err
one(void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    struct question_call *c = arg;
    const struct question_value *v = c->v;
    enum err e = OK;
    int64_t last = INT64_MIN, nights = 0;
    size_t by_day = 0;
    if ((double)n < v[NIGHTS].number || !plate_is_exact(plate))
        return OK;
    for (size_t i = 0; i < n; i++) {
        double ms = civil_ms_of_day(at[i], c->zone);
        by_day += ms >= hours(&v[DAY_FROM]) && ms < hours(&v[DAY_TO]);
        if (ms >= hours(&v[NIGHT_TO]) && ms < hours(&v[NIGHT_FROM]))
            continue;
        int64_t night = civil_day(at[i] - 12 * HOUR_MS, c->zone);
        nights += night != last;
        last = night;
    }
    double share = (double)by_day / (double)n;
    if ((double)nights < v[NIGHTS].number || share > v[SHARE].number)
        return OK;
    char nature = question_use_nature(c, plate);
    if (span_eq_cstr(v[USE].text, "private") && nature && nature != 'A')
        return OK;
    union question_cell *row = question_row(c, &e);
    if (!row)
        return e;
    row[PLATE].plate = plate;
    row[COUNT].n = nights;
    row[PASSES].n = (int64_t)n;
    row[DAY].x = share;
    row[FIRST].at = at[0];
    row[LAST].at = at[n - 1];
    row[LAST_SITE].site.v = site[n - 1];
    row[NATURE].word = nature ? arena_span(c->arena, span_of(&nature, 1)) : SPAN("");
    return OK;
}

/* The hours the night reaches into. */
static uint32_t
night_hours(const struct question_call *c)
{
    uint32_t mask = 0;
    for (int h = 0; h < 24; h++)
        if (h < c->v[NIGHT_TO].number || h + 1 > c->v[NIGHT_FROM].number)
            mask |= UINT32_C(1) << h;
    return mask;
}

/* At least so many nights by their hours, which round outward. */
static bool
often(void *arg, const struct analysis_day *days, size_t n)
{
    const struct question_call *c = arg;
    uint32_t night = night_hours(c), morning = (UINT32_C(1) << 12) - 1;
    int64_t last = INT64_MIN, nights = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t hours = days[i].hours & night;
        if ((hours & morning) && days[i].day - 1 != last)
            nights++;
        nights += (hours & ~morning) != 0;
        last = hours & ~morning ? days[i].day : hours ? days[i].day - 1 : last;
    }
    return (double)nights >= c->v[NIGHTS].number;
}

static enum err
answer(struct question_call *c)
{
    double nights = c->v[NIGHTS].number; /* two of them may share a day */
    struct analysis_fit fit = {
        .hours_any = night_hours(c),
        .n_min = (uint64_t)nights,
        .days_min = (uint32_t)((nights + 1) / 2)};
    return question_reads_where(c, c->from, &fit, often, one, c);
}

const struct question question_night = {
    .name = "night",
    .title = {"昼伏夜出", "active by night"},
    .what =
        {"多个夜间过车、日间很少过车的车辆",
         "vehicles that pass on several nights and hardly by day"},
    .pitfall =
        {"夜班、出租与货运车辆本就夜间行驶，请看使用性质",
         "night shifts, taxis and freight move by night for a living: look at "
         "the use nature"},
    .params = params,
    .columns = columns,
    .days_max = 62,
    .seconds = 120,
    .answer = answer,
};
