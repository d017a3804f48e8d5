/* SPDX-License-Identifier: Apache-2.0 */
/* A tag of one class on a vehicle of another (标签车型不符, 大车小标): the toll class
 * in the tag cannot be the class that the camera recognised under the same plate, or
 * the one registered. What cameras mix up (vans and light lorries, neighbouring sizes)
 * counts for neither side. One alarm a plate and day. */
#include <math.h>
#include <stdio.h>

#include "model/toll.h"
#include "rules/scene.h"

enum { PAIR_S, PRIOR_PER_MILLION, ERROR_PER_MILLE, LEAST_PERCENT };
static const struct rule_param params[] = {
    {"pair_s", "s", PAIR_LEAST_S, PAIR_MOST_S, 10, "同牌标签与牌识配对的最大间隔",
     "tag and picture of one plate are one passage within this"},
    {"prior_per_million", "1e-6", 1, 10000, 300, "标签车型错误的先验概率",
     "prior probability that a tag has a class its vehicle is not of"},
    {"error_per_mille", "‰", 0.1, 100, 5, "车型识别为另一大类的概率",
     "probability that a camera takes a vehicle for one of quite another size"},
    {"least_percent", "%", 1, 99, 50, "预警的最低概率",
     "least probability of an alarm"},
};
static const struct rule_number numbers[] = {
    {"passes", "", "车型不符过车次数", "passages of another class", "", NULL},
    {"agreeing", "", "车型相符过车次数", "passages of the tag's class", "", NULL},
    {"tag_class", "", "标签车型", "toll class in the tag", "", NULL},
    {"gap_s", "s", "标签与牌识间隔", "between tag and picture", "", NULL},
};
static const struct rule_text roles[] = {{"牌识", "picture"}, {"标签", "tag"}};

#define AGAIN 0.1 /* a vehicle taken for something else is so taken again */
#define SEEN_RIGHT 0.9
#define REGISTRY_WRONG 0.01

static bool
glance(const struct glance *g)
{
    (void)g;
    return false;
}

struct tally {
    struct passage *picture; /* the first that does not agree */
    const struct passage *tag;
    unsigned passes, agreeing;
};

static struct tally
count(struct scene *s)
{
    ts_ms pair_ms = (ts_ms)(s->param[PAIR_S] * SECOND_MS);
    struct tally t = {0};
    for (unsigned i = 0; i < s->tags_n; i++) {
        const struct passage *tag = &s->tags[i];
        struct passage *p = tag->in_day ? scene_picture(s, tag, pair_ms) : NULL;
        if (!p)
            continue;
        enum toll_fit fit = toll_fit(tag->s->vehicle_class, p->s->vehicle_class);
        t.agreeing += fit == TOLL_AGREES;
        t.passes += fit == TOLL_FAR;
        if (fit == TOLL_FAR && !t.picture) {
            t.picture = p;
            t.tag = tag;
        }
    }
    return t;
}

static double
probability_of(const struct scene *s, const struct tally *t)
{
    double wrong = s->param[ERROR_PER_MILLE] * 1e-3;
    double is = log(s->param[PRIOR_PER_MILLION] * 1e-6) + t->passes * log(SEEN_RIGHT) +
                t->agreeing * log(wrong);
    double is_not =
        log(wrong) + (t->passes - 1) * log(AGAIN) + t->agreeing * log(SEEN_RIGHT);
    enum toll_fit book =
        s->vehicle ? toll_fit(t->tag->s->vehicle_class, s->vehicle->vehicle_class)
                   : TOLL_UNKNOWN;
    if (book == TOLL_FAR)
        is_not += log(REGISTRY_WRONG);
    else if (book != TOLL_UNKNOWN)
        is += log(REGISTRY_WRONG);
    return 1 / (1 + exp(fmin(is_not - is, 300)));
}

static void
step(struct scene *s)
{
    struct tally t = count(s);
    char seen[CODE3_TEXT], tag[CODE3_TEXT], subject[2 * CODE3_TEXT + 3];
    if (!t.passes)
        return;
    double probability = probability_of(s, &t);
    if (probability * 100 < s->param[LEAST_PERCENT])
        return;
    struct alarm *a = scene_alarm(s, s->plate.v, (uint64_t)s->day, t.picture);
    if (!a)
        return;
    a->probability = probability;
    snprintf(
        subject, sizeof subject, "%s / %s", code3_format(tag, t.tag->s->vehicle_class),
        code3_format(seen, t.picture->s->vehicle_class));
    alarm_subject(a, subject);
    alarm_add(a, t.picture, 0);
    alarm_add(a, t.tag, 1);
    alarm_number(a, "passes", t.passes);
    alarm_number(a, "agreeing", t.agreeing);
    alarm_number(a, "tag_class", toll_number(t.tag->s->vehicle_class));
    alarm_number(a, "gap_s", (double)(t.picture->at_ms - t.tag->at_ms) / 1000);
}

const struct rule rule_etc_class = {
    .name = "etc_class",
    .subject_codes = "vehicle_class",
    .title = {"ETC 标签车型不符", "ETC tag of another class"},
    .legal =
        {"《收费公路管理条例》第三十三条（少交车辆通行费的，有权要求补交）",
         "Toll Road Regulation article 33 (tolls evaded in part are to be paid)"},
    .what =
        {"同一号牌标签内的收费车型与识别或登记的车型相差悬殊，且非识别误差所能解释",
         "the toll class in a tag is far from the class recognised or registered under "
         "the same plate, more than camera errors explain"},
    .inputs = RULE_SIGHTINGS | RULE_REGISTRY | RULE_TAGS,
    .key = RULE_BY_TAG,
    .params = params,
    .params_n = sizeof params / sizeof params[0],
    .numbers = numbers,
    .numbers_n = sizeof numbers / sizeof numbers[0],
    .roles = roles,
    .roles_n = sizeof roles / sizeof roles[0],
    .glance = glance,
    .step = step,
};
