/* SPDX-License-Identifier: Apache-2.0 */
/* Average speed over a section between two sites (区间测速), clocks corrected. What the
 * clocks may be wrong by is reckoned in: an alarm means that with this probability
 * limit and tolerance were passed all the same. Most clocks are right to half a second,
 * and the model says how surely each one is; the rest may be off by its deviation. Where
 * a clock was not measured nothing is said. */
#include <math.h>

#include "rules/scene.h"

enum { TOLERANCE_PERCENT, MAX_KMH, PRIOR_PERCENT, LEAST_PERCENT };
static const struct rule_param params[] = {
    {"tolerance_percent", "%", 0, 50, 10, "超速容差", "tolerance above the limit"},
    {"max_kmh", "km/h", 100, 300, 200, "可信的最高平均车速",
     "highest average believed: past it a clock or a plate is wrong"},
    {"prior_percent", "%", 0.1, 50, 5, "超过限速与容差的车辆占比（先验）",
     "share of vehicles that pass limit and tolerance, before anything is measured"},
    {"least_percent", "%", 1, 99.9, 95, "预警的最低概率",
     "least probability of an alarm"},
};
static const struct rule_number numbers[] = {
    {"average_kmh", "km/h", "平均车速", "average speed", ">", "limit_kmh"},
    {"limit_kmh", "km/h", "限速", "limit", "", NULL},
    {"over_percent", "%", "超速比例", "above the limit by", "", NULL},
    {"gap_s", "s", "行驶时间", "time between the two passes", "", NULL},
    {"dist_m", "m", "区间长度", "length of the section", "", NULL},
    {"clock_sd_s", "s", "时钟不确定度", "uncertainty of the clocks, were they wrong",
     "", NULL},
};
static const struct rule_text roles[] = {
    {"区间终点", "end of the section"}, {"区间起点", "start of the section"}};

#define RIGHT_MS 500.0 /* error of a clock that is right */
#define UNSEEN 0.1     /* share of wrong clocks that VOUCH_FEW reads do not betray */

static double
limit_of(const struct speed_section *section, code3 vehicle_class)
{
    bool truck = section->limit_truck_kmh && class_is_truck(vehicle_class);
    return truck ? section->limit_truck_kmh : section->limit_kmh;
}

/* The time that a vehicle at limit plus tolerance takes. */
static double
legal_ms(const struct speed_section *section, code3 vehicle_class, const double *param)
{
    double kmh =
        limit_of(section, vehicle_class) * (1 + param[TOLERANCE_PERCENT] / 100);
    return kmh > 0 ? section->dist_m / (kmh / 3600) : 0;
}

static bool
glance(const struct glance *g)
{
    bool wanted = false;
    if (!g->site->section_from && !g->site->section_to)
        return false;
    for (size_t i = 0; i < g->ground->sections_n; i++) {
        const struct speed_section *section = &g->ground->sections[i];
        if (section->from.v == g->s->site.v)
            mark_put(g->marks, g->s->plate, (unsigned)i, g->at_ms);
        if (section->to.v != g->s->site.v)
            continue;
        ts_ms from = mark_find(g->marks, g->s->plate, (unsigned)i);
        code3 class = g->registered ? g->seen->vehicle_class : g->s->vehicle_class;
        wanted |= from != INT64_MIN && g->at_ms >= from &&
                  (double)(g->at_ms - from) < legal_ms(section, class, g->param);
    }
    return wanted;
}

static double
normal_below(double z)
{
    return 0.5 * erfc(-z / sqrt(2));
}

/* Probability that a clock is right when VOUCH_FEW reads about then did not leap. */
static double
vouched(const struct site_row *site)
{
    return site->right / (site->right + (1 - site->right) * UNSEEN);
}

/* Probability that the way took less than legal_ms, whatever the clocks are. A clock
 * that is wrong makes speeders of the many who are none: how few drive so is weighed
 * in. */
static double
probability_below(
    double gap_ms, double legal, double prior, const struct site_row *from,
    const struct site_row *to)
{
    double yes = 0, no = 0;
    for (unsigned state = 0; state < 4; state++) { /* which of the two are wrong */
        bool a = state & 1, b = state & 2;
        double weight = (a ? 1 - vouched(from) : vouched(from)) *
                        (b ? 1 - vouched(to) : vouched(to));
        double z = (legal - gap_ms) /
                   hypot(a ? from->sd_ms : RIGHT_MS, b ? to->sd_ms : RIGHT_MS);
        yes += weight * prior * normal_below(z);
        no += weight * (1 - prior) * normal_below(-z);
    }
    return yes > 0 ? yes / (yes + no) : 0;
}

/* Of a clock that nobody measured nothing can be proven: it may be lost altogether. */
static bool
is_measured(const struct site_row *site)
{
    return site->sd_ms < CLOCK_UNKNOWN_SD_MS;
}

static void
step_pair(
    struct scene *s, const struct speed_section *section, struct passage *from,
    struct passage *to)
{
    code3 class = s->vehicle ? s->vehicle->vehicle_class : to->s->vehicle_class;
    double gap = (double)(to->at_ms - from->at_ms),
           legal = legal_ms(section, class, s->param);
    double sd = hypot(from->site->sd_ms, to->site->sd_ms);
    if (gap <= 0 || gap >= legal || !is_measured(from->site) || !is_measured(to->site))
        return;
    double limit = limit_of(section, class), kmh = section->dist_m * 3600 / gap;
    double probability =
        probability_below(
            gap, legal, s->param[PRIOR_PERCENT] / 100, from->site, to->site) *
        passage_right(s, from) * passage_right(s, to);
    if (kmh > s->param[MAX_KMH] || probability * 100 < s->param[LEAST_PERCENT])
        return; /* nobody drives so: a clock or a plate is wrong, and other rules ask
                   which */
    scene_rests(s, from, to);
    if (scene_clock_doubt(s, from, to) || !scene_clock_vouched(s, from, VOUCH_FEW) ||
        !scene_clock_vouched(s, to, VOUCH_FEW))
        return;
    struct alarm *a =
        scene_alarm(s, s->plate.v ^ (uint64_t)section->id << 48, to->key, to);
    if (!a)
        return;
    a->probability = probability;
    a->level = kmh > limit * 1.5 ? LEVEL_ORANGE : LEVEL_YELLOW;
    alarm_subject(a, section->code);
    alarm_add(a, to, 0);
    alarm_add(a, from, 1);
    alarm_number(a, "average_kmh", kmh);
    alarm_number(a, "limit_kmh", limit);
    alarm_number(a, "over_percent", (kmh / limit - 1) * 100);
    alarm_number(a, "gap_s", gap / 1000);
    alarm_number(a, "dist_m", section->dist_m);
    alarm_number(a, "clock_sd_s", sd / 1000);
}

static void
step(struct scene *s)
{
    for (size_t i = 0; i < s->ground->sections_n; i++) {
        const struct speed_section *section = &s->ground->sections[i];
        struct passage *from = NULL;
        for (unsigned k = 0; k < s->n; k++) {
            struct passage *p = &s->passages[k];
            if (p->s->site.v == section->from.v)
                from = p;
            if (p->s->site.v != section->to.v || !from)
                continue;
            if (p->in_day)
                step_pair(s, section, from, p);
            from = p->s->site.v == section->from.v ? p : NULL;
        }
    }
}

const struct rule rule_average_speed = {
    .name = "average_speed",
    .title = {"区间超速", "average speed over a section"},
    .legal =
        {"《道路交通安全法》第四十二条（限速）、第九十九条、第一百一十四条（技术监控记"
         "录）",
         "Road Traffic Safety Law articles 42 (speed limits), 99 and 114 (records of "
         "technical "
         "monitoring)"},
    .what =
        {"两点位间平均车速在扣除时钟不确定度后仍超过限速与容差",
         "the average speed between two sites passes limit and tolerance even after "
         "the clocks' "
         "uncertainty is given away"},
    .inputs = RULE_SIGHTINGS | RULE_SECTIONS | RULE_MODEL,
    .key = RULE_BY_PLATE,
    .params = params,
    .params_n = sizeof params / sizeof params[0],
    .numbers = numbers,
    .numbers_n = sizeof numbers / sizeof numbers[0],
    .roles = roles,
    .roles_n = sizeof roles / sizeof roles[0],
    .glance = glance,
    .step = step,
};
