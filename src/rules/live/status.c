/* SPDX-License-Identifier: Apache-2.0 */
/* A vehicle that should not be on the road: inspection overdue (Q), cancelled or
 * scrapped (E, M, P), stolen (C). One alarm a day and vehicle. Of stolen and scrapped
 * ones a single misread character is seen through. */
#include "rules/scene.h"

enum { LEAST_PERCENT, LEAST_MISREAD_PERCENT };
static const struct rule_param params[] = {
    {"least_percent", "%", 1, 99, 50, "准确识读时预警的最低概率",
     "least probability of an alarm on an exact read"},
    {"least_misread_percent", "%", 1, 99, 50, "疑似误读时预警的最低概率",
     "least probability of an alarm on a misread"},
};
static const struct rule_number numbers[] = {
    {"passes", "", "过车次数（至多计8次）", "passages (counted to 8)", "", NULL},
    {"overdue_days", "d", "检验逾期天数", "days since the inspection ran out", "",
     NULL},
    {"confusion_percent", "%", "该字符误读概率", "share of misreads that read so", "",
     NULL},
    {"candidates", "", "可能的登记车辆数", "registered vehicles it may be", "", NULL},
};
static const struct rule_text roles[] = {
    {"首次通行", "first pass"}, {"再次通行", "later pass"}};

#define GRAVE (STATUS_STOLEN | STATUS_SCRAPPED)

static bool
may_be_misread(const struct glance *g)
{
    struct twin twins[TWINS_MAX];
    if (!g->registry || (g->registered && !g->off))
        return false;
    size_t n = twins_of(g->weigher->twins, g->s->plate, twins);
    for (size_t i = 0; i < n; i++) {
        if (!census_may_be_grave(g->weigher->census, twins[i].plate))
            continue;
        const struct vehicle *v = vehicle_find(g->weigher->registry, twins[i].plate, 0);
        if (v && (v->status & GRAVE))
            return true;
    }
    return false;
}

static bool
glance(const struct glance *g)
{
    return (g->seen->flags & SEEN_STATUS && !g->settled) || may_be_misread(g);
}

static uint32_t
status_of(const struct vehicle *v, int32_t day)
{
    uint32_t status = v->status & (GRAVE | STATUS_OVERDUE);
    if (v->inspection_day && day <= v->inspection_day)
        status &= ~STATUS_OVERDUE; /* the letter came before its day */
    return status;
}

static void
name_status(struct alarm *a, const struct vehicle *v, int32_t day)
{
    char letters[27] = {0};
    uint32_t status = status_of(v, day);
    unsigned n = 0;
    for (unsigned i = 0; i < 26; i++)
        if (status >> i & 1)
            letters[n++] = (char)('A' + i);
    alarm_subject(a, letters);
    a->level = status & STATUS_STOLEN     ? LEVEL_RED
               : status & STATUS_SCRAPPED ? LEVEL_ORANGE
                                          : LEVEL_YELLOW;
    if ((status & STATUS_OVERDUE) && v->inspection_day)
        alarm_number(a, "overdue_days", day - v->inspection_day);
}

static void
step_exact(struct scene *s)
{
    struct alarm *a = NULL;
    double missed = 1, passes = 0;
    s->settled = true; /* unless a later passage belongs to the alarm */
    if (!s->vehicle || !status_of(s->vehicle, s->day))
        return;
    for (unsigned i = 0; i < s->n && passes < ALARM_EVIDENCE; i++) {
        struct passage *p = &s->passages[i];
        if (!p->in_day)
            continue;
        double right = passage_right(s, p);
        if (!a && right * 100 < s->param[LEAST_PERCENT])
            continue;
        if (!a && !(a = scene_alarm(s, s->plate.v, (uint64_t)s->day, p)))
            return;
        if (passes == 0)
            name_status(a, s->vehicle, s->day);
        alarm_add(a, p, passes > 0);
        missed *= 1 - right;
        passes++;
    }
    s->settled = passes == ALARM_EVIDENCE;
    if (!a)
        return;
    a->probability = 1 - missed;
    alarm_number(a, "passes", passes);
}

/* The passage may be the near twin `t`, which is stolen or scrapped. */
static void
step_twin(struct scene *s, struct passage *p, const struct twin *t)
{
    const struct vehicle *v = vehicle_find(s->weigher->registry, t->plate, 0);
    if (!v || !(status_of(v, s->day) & GRAVE))
        return;
    const struct identity *who = passage_who(s, p);
    double probability = passage_twin(s, p, t, v);
    if (probability * 100 < s->param[LEAST_MISREAD_PERCENT] || passage_shadowed(s, p))
        return;
    struct alarm *a = scene_alarm(s, t->plate.v, p->key, p);
    if (!a)
        return;
    a->plate = t->plate;
    a->probability = probability;
    a->contradiction = (uint8_t)look_contradiction(v, p->s, p->site);
    name_status(a, v, s->day);
    alarm_number(a, "confusion_percent", t->share * 100.0);
    alarm_number(a, "candidates", who->twins);
    alarm_add(a, p, 0);
}

/* Twins whose vehicles may be stolen or scrapped. */
static size_t
grave_twins(const struct scene *s, struct twin out[TWINS_MAX])
{
    size_t n = twins_of(s->weigher->twins, s->plate, out), grave = 0;
    for (size_t k = 0; k < n; k++)
        if (census_may_be_grave(s->weigher->census, out[k].plate))
            out[grave++] = out[k];
    return grave;
}

static void
step_misread(struct scene *s)
{
    struct twin twins[TWINS_MAX];
    size_t grave = 0;
    bool asked = false;
    for (unsigned i = 0; i < s->n && s->weigher->registry; i++) {
        struct passage *p = &s->passages[i];
        if (!p->in_day || (s->vehicle && !p->off))
            continue;
        if (!asked)
            grave = grave_twins(s, twins);
        asked = true;
        for (size_t k = 0; k < grave; k++)
            step_twin(s, p, &twins[k]);
    }
}

static void
step(struct scene *s)
{
    step_exact(s);
    step_misread(s);
}

const struct rule rule_status = {
    .name = "status",
    .subject_codes = "status",
    .title = {"机动车状态异常", "vehicle status"},
    .legal =
        {"《道路交通安全法》第十三条（定期检验）、第十四条（强制报废）、第一百条；被盗"
         "抢骗车辆："
         "《人民警察法》第九条",
         "Road Traffic Safety Law articles 13 (inspection), 14 (compulsory scrapping), "
         "100; stolen "
         "vehicles: People's Police Law article 9"},
    .what =
        {"登记状态为逾期未检验、注销报废或被盗抢的机动车通过点位",
         "a vehicle whose registry status is overdue, cancelled, scrapped or stolen "
         "passes a site"},
    .inputs = RULE_SIGHTINGS | RULE_REGISTRY | RULE_MODEL,
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
