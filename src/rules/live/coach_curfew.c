/* SPDX-License-Identifier: Apache-2.0 */
/* Coaches on the road between two and five in the night (客车凌晨禁行). One alarm a
 * coach and night: the first pass decides, later ones are added. */
#include "rules/scene.h"

enum { FROM_MIN, TO_MIN, LEAST_PERCENT };
static const struct rule_param params[] = {
    {"from_min", "min of day", 0, 1439, 120, "禁行开始", "curfew begins"},
    {"to_min", "min of day", 1, 1440, 300, "禁行结束", "curfew ends"},
    {"least_percent", "%", 1, 99, 50, "预警的最低概率",
     "least probability of an alarm"},
};
static const struct rule_number numbers[] = {
    {"civil_min", "min of day", "通行时刻", "time of day of the pass", "", NULL},
    {"passes", "", "过车次数（至多计8次）", "passages (counted to 8)", "", NULL},
};
static const struct rule_text roles[] = {
    {"首次通行", "first pass"}, {"再次通行", "later pass"}};

static int
minute_of(const struct zone *z, ts_ms t)
{
    return (int)(civil_ms_of_day(t, z) / MINUTE_MS);
}

static bool
in_curfew(const double *param, const struct zone *z, ts_ms t)
{
    int minute = minute_of(z, t);
    return minute >= param[FROM_MIN] && minute < param[TO_MIN];
}

static bool
glance(const struct glance *g)
{
    code3 class = g->registered ? g->seen->vehicle_class : g->s->vehicle_class;
    return class_is_coach(class) && in_curfew(g->param, g->zone, g->s->pass_ms);
}

/* Road and tourist passenger service; a city bus may run at night. */
static bool
is_coach(const struct scene *s)
{
    return s->vehicle && class_is_coach(s->vehicle->vehicle_class) &&
           (s->vehicle->use_nature == 'B' || s->vehicle->use_nature == 'E');
}

static void
step(struct scene *s)
{
    struct alarm *a = NULL;
    double missed = 1, passes = 0;
    if (!is_coach(s))
        return;
    for (unsigned i = 0; i < s->n && passes < ALARM_EVIDENCE; i++) {
        struct passage *p = &s->passages[i];
        if (!p->in_day || !in_curfew(s->param, s->zone, p->pass_ms))
            continue;
        double right = passage_right(s, p);
        if (!a && right * 100 < s->param[LEAST_PERCENT])
            continue;
        if (!a && !(a = scene_alarm(s, s->plate.v, (uint64_t)s->day, p)))
            return;
        if (passes == 0)
            alarm_number(a, "civil_min", minute_of(s->zone, p->pass_ms));
        alarm_add(a, p, passes > 0);
        missed *= 1 - right;
        passes++;
    }
    if (!a)
        return;
    a->probability = 1 - missed;
    alarm_number(a, "passes", passes);
}

const struct rule rule_coach_curfew = {
    .name = "coach_curfew",
    .title = {"客车凌晨禁行", "coach in the night curfew"},
    .legal =
        {"《国务院关于加强道路交通安全工作的意见》（国发〔2012〕30号）：长途客车凌晨2时"
         "至5时停止运行",
         "State Council opinion on road safety (Guofa [2012] 30): long-distance "
         "coaches stop from 02:00 "
         "to 05:00"},
    .what =
        {"登记为公路客运或旅游客运的大中型客车在禁行时段通过点位",
         "a coach registered for road or tourist service passes a site within the "
         "curfew"},
    .inputs = RULE_SIGHTINGS | RULE_REGISTRY,
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
