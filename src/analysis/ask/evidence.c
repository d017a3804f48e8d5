/* SPDX-License-Identifier: Apache-2.0 */
/* Cloned and fake plates with the numbers that speak for them (套牌假牌证据).
 *
 * Definition  the findings of the live rules cloned_plate and fake_plate whose
 *             deciding pass lies in the window and that stand, each with its two
 *             passes, the time between them and the least time thought possible, the
 *             uncertainty of the two clocks, the differences from the register, the
 *             chance that a twin was misread, and the stated probability.
 * Pitfalls    one threshold for all roads misjudges; a wrong clock makes a leap; a
 *             misread of a plate one character away makes a second vehicle: each of
 *             these has its number here, and the probability weighs them together.
 * Source      the analytics catalogue (套牌, 假牌); docs/why/probability.md.
 * Cost        the alarms of the window.
 */
#include "analysis/question.h"

#include <math.h>

static const struct question_word kinds[] = {
    {"both", "套牌与假牌", "cloned and fake"},
    {"cloned_plate", "套牌", "cloned"},
    {"fake_plate", "假牌", "fake"},
    {0},
};

enum { KIND, LEAST };
static const struct question_param params[] = {
    [KIND] = {"kind", ASK_WORD, false, 0, 0, "both", "", kinds, "类别", "kind"},
    [LEAST] =
        {"probability", ASK_NUMBER, false, 0, 1, "0", "", NULL, "概率下限",
         "at least this probability"},
    {0},
};

enum {
    PLATE,
    RULE,
    PROBABILITY,
    SITE,
    AT,
    OTHER_SITE,
    OTHER_AT,
    GAP,
    LEAST_MS,
    DIST,
    SPEED,
    CLOCK,
    LOOKS,
    TWINS,
    TWIN,
    PASSES,
    PASS,
    OTHER_PASS,
    ALARM,
};
static const struct question_column columns[] = {
    [PLATE] = {"plate", COL_PLATE, "", "号牌", "plate"},
    [RULE] = {"kind", COL_WORD, "", "类别", "kind"},
    [PROBABILITY] = {"probability", COL_SHARE, "", "概率", "probability"},
    [SITE] = {"site", COL_SITE, "", "异常过车点位", "site of the odd pass"},
    [AT] = {"at_ms", COL_TIME, "", "异常过车时间", "the odd pass"},
    [OTHER_SITE] = {"other_site", COL_SITE, "", "另一点位", "the other site"},
    [OTHER_AT] = {"other_ms", COL_TIME, "", "另一时间", "the other pass"},
    [GAP] = {"gap_ms", COL_SPAN, "", "两次相隔", "between them"},
    [LEAST_MS] =
        {"least_ms", COL_SPAN, "", "可能的最短时间", "least time thought possible"},
    [DIST] = {"dist_m", COL_NUMBER, "m", "直线距离", "straight-line distance"},
    [SPEED] =
        {"speed_kmh", COL_NUMBER, "km/h", "所需直线车速", "straight-line speed needed"},
    [CLOCK] =
        {"clock_sd_s", COL_NUMBER, "s", "时钟不确定度", "uncertainty of the clocks"},
    [LOOKS] =
        {"look_differences", COL_NUMBER, "", "与登记不符的特征数",
         "attributes that differ from the register"},
    [TWINS] =
        {"twins", COL_NUMBER, "", "相差一字的登记号牌数",
         "registered plates one character away"},
    [TWIN] =
        {"twin_percent", COL_NUMBER, "%", "最相似登记车辆的可能性",
         "chance that it is the likeliest twin"},
    [PASSES] =
        {"passes", COL_NUMBER, "", "过车或异常过车次数", "passes, or odd passes"},
    [PASS] = {"pass", COL_SIGHTING, "", "异常过车记录", "id of the odd pass"},
    [OTHER_PASS] =
        {"other_pass", COL_SIGHTING, "", "另一过车记录", "id of the other pass"},
    [ALARM] = {"alarm", COL_WORD, "", "预警编号", "alarm"},
    {0},
};

static double
number(const struct alarm *a, const char *name)
{
    for (unsigned i = 0; i < a->numbers_n; i++)
        if (strcmp(a->numbers[i].name, name) == 0)
            return a->numbers[i].value;
    return NAN;
}

static int64_t
span_ms(double seconds)
{
    return isnan(seconds) ? -1 : (int64_t)(seconds * 1000);
}

static enum err
one(void *arg, const struct alarm *a)
{
    struct question_call *c = arg;
    enum err e = OK;
    if (a->state == ALARM_WITHDRAWN || a->probability < c->v[LEAST].number)
        return OK;
    union question_cell *row = question_row(c, &e);
    if (!row)
        return e;
    row[PLATE].plate = a->plate;
    row[RULE].word = arena_span(c->arena, span_cstr(a->rule));
    row[PROBABILITY].x = a->probability;
    row[SITE].site = a->site;
    row[AT].at = a->pass_ms;
    for (unsigned i = 0; i < a->evidence_n; i++) {
        const struct sighting_id *id = &a->evidence[i].id;
        if (a->evidence[i].role == 0 && row[PASS].id.site == 0)
            row[PASS].id = *id;
        if (a->evidence[i].role == 1 && row[OTHER_PASS].id.site == 0) {
            row[OTHER_PASS].id = *id;
            row[OTHER_SITE].site.v = id->site;
            row[OTHER_AT].at = id->pass_ms;
        }
    }
    double odd = number(a, "odd_passes");
    row[GAP].n = span_ms(number(a, "gap_s"));
    row[LEAST_MS].n = span_ms(number(a, "least_s"));
    row[DIST].x = number(a, "dist_m");
    row[SPEED].x = number(a, "speed_kmh");
    row[CLOCK].x = number(a, "clock_sd_s");
    row[LOOKS].x = number(a, "look_differences");
    row[TWINS].x = number(a, "twins");
    row[TWIN].x = number(a, "twin_percent");
    row[PASSES].x = isnan(odd) ? number(a, "passes") : odd;
    row[ALARM].word = arena_fmt(c->arena, "%016llx", (unsigned long long)a->id.v);
    return row[ALARM].word.p && row[RULE].word.p ? OK : ERR_TOOBIG;
}

static enum err
answer(struct question_call *c)
{
    enum err e = OK;
    for (const struct question_word *k = kinds + 1; e == OK && k->name; k++)
        if (span_eq_cstr(c->v[KIND].text, "both") ||
            span_eq_cstr(c->v[KIND].text, k->name))
            e = c->needs->alarms(
                c->needs->ctx, span_cstr(k->name), c->from, c->to, one, c);
    return e;
}

const struct question question_evidence = {
    .name = "evidence",
    .title = {"套牌假牌证据", "clones and fakes with evidence"},
    .what =
        {"时段内成立的套牌、假牌预警及其两次过车、相隔时间、最短行程、时钟误差等证据数"
         "值",
         "the standing findings of cloned and fake plates of the window with their "
         "passes and the numbers compared"},
    .pitfall =
        {"时钟错误与误读也会造成“分身”，请看时钟不确定度与相似号牌的可能性",
         "wrong clocks and misreads make doubles too: look at the uncertainty of "
         "the clocks and the chance of a twin"},
    .params = params,
    .columns = columns,
    .days_max = 31,
    .seconds = 60,
    .answer = answer,
};
