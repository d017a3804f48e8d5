/* SPDX-License-Identifier: Apache-2.0 */
/* Fake plate (假牌): a text nobody registered, and no registered vehicle one misread
 * character away that fits the look. One read proves little; the same look under the
 * same text at several sites does: misreads of one vehicle do not repeat. One alarm a
 * day and plate. */
#include <math.h>

#include "rules/scene.h"

enum { PRIOR_PER_MILLION, LEAST_COVERED_PERCENT, LEAST_PERCENT };
static const struct rule_param params[] = {
    {"prior_per_million", "1e-6", 0.1, 1000, 15, "任一未登记号牌被伪造使用的先验概率",
     "prior probability that a given unregistered plate is being worn"},
    {"least_covered_percent", "%", 0, 100, 90, "该发牌机关号牌在库比例的下限",
     "least share of this prefix's plates that are in the registry"},
    {"least_percent", "%", 1, 99, 50, "预警的最低概率",
     "least probability of an alarm"},
};
static const struct rule_number numbers[] = {
    {"passes", "", "过车次数", "passages", "", NULL},
    {"sites", "", "点位数", "different sites", "", NULL},
    {"twins", "", "相差一字的登记号牌数", "registered plates one character away", "",
     NULL},
    {"twin_percent", "%", "最相似登记车辆的可能性",
     "chance that it is the likeliest of them", "", NULL},
    {"covered_percent", "%", "该字头号牌在库比例",
     "share of this prefix in the registry", "", NULL},
};
static const struct rule_text roles[] = {
    {"最近通行", "latest pass"}, {"此前通行", "earlier pass"}};

static bool
glance(const struct glance *g)
{
    return g->registry && !g->registered &&
           covered(g->weigher, g->s->plate) * 100 >= g->param[LEAST_COVERED_PERCENT];
}

/* A car that is out passes many cameras: of a hundred registered ones and their days so
 * many are read only once (docs/why/probability.md says where that was counted).
 * Misread texts mostly are. */
#define ONCE 0.05

struct sum {
    double log_fake, log_misread, twin_percent;
    unsigned passes, sites;
    struct passage *last;
};

static bool
site_seen(const struct scene *s, unsigned until)
{
    for (unsigned i = 0; i < until; i++)
        if (s->passages[i].in_day &&
            s->passages[i].s->site.v == s->passages[until].s->site.v)
            return true;
    return false;
}

/* All passages of the day, weighed as one vehicle wearing the plate against as many
 * misreads. */
static struct sum
sum_day(struct scene *s)
{
    struct sum sum = {0};
    struct passage *first = NULL;
    const struct census *c = s->weigher->census;
    for (unsigned i = 0; i < s->n; i++) {
        struct passage *p = &s->passages[i];
        if (!p->in_day)
            continue;
        const struct identity *who = passage_who(s, p);
        double misread = who->misread + who->unknown;
        if (first)
            misread +=
                misread_again(&first->who) * look_again(c, first->s, p->s, p->site);
        sum.log_fake +=
            log(first ? look_again(c, first->s, p->s, p->site) : look_any(c, p->s));
        sum.log_misread += log(misread);
        sum.twin_percent = fmax(
            sum.twin_percent, 100 * who->twin_weight / (who->misread + who->unknown));
        sum.sites += !site_seen(s, i);
        sum.passes++;
        first = first ? first : p;
        sum.last = p;
    }
    return sum;
}

static void
step(struct scene *s)
{
    double cover = covered(s->weigher, s->plate);
    if (s->vehicle || !s->weigher->registry ||
        cover * 100 < s->param[LEAST_COVERED_PERCENT])
        return;
    struct sum sum = sum_day(s);
    if (!sum.passes)
        return;
    double odds = s->param[PRIOR_PER_MILLION] * 1e-6 *
                  exp(fmin(sum.log_fake - sum.log_misread, 100)) *
                  (sum.passes == 1 ? ONCE : 1);
    double probability = cover * odds / (1 + odds);
    if (probability * 100 < s->param[LEAST_PERCENT] || passage_shadowed(s, sum.last))
        return;
    struct alarm *a = scene_alarm(s, s->plate.v, (uint64_t)s->day, sum.last);
    if (!a)
        return;
    a->probability = probability;
    a->level = LEVEL_ORANGE;
    alarm_add(a, sum.last, 0);
    for (unsigned i = s->n; i-- > 0;)
        if (s->passages[i].in_day && &s->passages[i] != sum.last &&
            a->evidence_n < ALARM_EVIDENCE)
            alarm_add(a, &s->passages[i], 1);
    alarm_number(a, "passes", sum.passes);
    alarm_number(a, "sites", sum.sites);
    alarm_number(a, "twins", sum.last->who.twins);
    alarm_number(a, "twin_percent", sum.twin_percent);
    alarm_number(a, "covered_percent", cover * 100);
}

const struct rule rule_fake_plate = {
    .name = "fake_plate",
    .title = {"假牌嫌疑", "fake plate"},
    .legal =
        {"《道路交通安全法》第十六条（不得使用伪造、变造号牌）、第九十六条",
         "Road Traffic Safety Law articles 16 (no forged or altered plates) and 96"},
    .what =
        {"登记库应有而查无此号，且没有仅差一个易误读字符、特征相符的登记车辆",
         "a plate that ought to be registered is not, and no registered vehicle one "
         "misread character "
         "away fits the look"},
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
