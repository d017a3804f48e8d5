/* SPDX-License-Identifier: Apache-2.0 */
/* A way no tag can have gone (标签路径异常): one plate's tag at two gantries in less
 * time than any vehicle needs, or a tag that does not know the gantry it was written at
 * before. Both mean two tags under one plate. A leap counts only where radio and
 * cameras of both gantries agree on the time of other vehicles, so that a wrong clock
 * is no alarm. One alarm a plate and day. */
#include <math.h>

#include "model/toll.h"
#include "rules/scene.h"

enum {
    MARGIN_PERCENT,
    MAX_KMH,
    PAIR_S,
    PRIOR_PER_MILLION,
    FORGET_PER_MILLE,
    LEAST_PERCENT
};
static const struct rule_param params[] = {
    {"margin_percent", "%", 10, 100, 70, "最短行程时间的折扣",
     "share of the learned least travel time still thought possible"},
    {"max_kmh", "km/h", 60, 300, 160, "未学得行程时间时的直线最高车速",
     "straight-line speed thought possible where no travel time is learned"},
    {"pair_s", "s", PAIR_LEAST_S, PAIR_MOST_S, 10, "同牌标签与牌识配对的最大间隔",
     "tag and picture of one plate are one passage within this"},
    {"prior_per_million", "1e-6", 1, 10000, 300, "同一号牌有两个标签的先验概率",
     "prior probability that two tags carry one plate that day"},
    {"forget_per_mille", "‰", 0.1, 100, 2, "写入失败而记为成功的概率",
     "probability that a gantry did not write though it says so"},
    {"least_percent", "%", 1, 99, 50, "预警的最低概率",
     "least probability of an alarm"},
};
static const struct rule_number numbers[] = {
    {"passes", "", "不可能的门架间行程数", "impossible ways between gantries", "",
     NULL},
    {"forgotten", "", "标签不知道的上一门架次数", "gantries the tag did not know", "",
     NULL},
    {"gap_s", "s", "两次通行间隔", "time between the two reads", "<", "least_s"},
    {"least_s", "s", "可能的最短时间", "least time thought possible", "", NULL},
    {"dist_m", "m", "直线距离", "straight-line distance", "", NULL},
    {"speed_kmh", "km/h", "所需直线车速", "straight-line speed needed", "", NULL},
};
static const struct rule_text roles[] = {
    {"后一门架", "later gantry"}, {"前一门架", "earlier gantry"}};

/* Both clocks agree with their cameras and still one is wrong. */
#define CLOCK_SPOILT 1e-5
#define LANE_MS (3 * SECOND_MS)
#define FORGET_AGAIN 0.1
#define WRITE_SLACK_MS (2 * MINUTE_MS)

static bool
glance(const struct glance *g)
{
    (void)g;
    return false;
}

struct ways {
    const struct passage *from, *to; /* the worst, or the first forgotten */
    struct leap leap;
    double ratio;
    unsigned leaps, forgotten;
};

static bool
leaps(
    const struct scene *s, const struct passage *a, const struct passage *b,
    struct leap *out)
{
    return leap_is_impossible(
        s->view, a->at_ms, scene_gantry(s, a), b->at_ms, scene_gantry(s, b),
        s->param[MARGIN_PERCENT] / 100, s->param[MAX_KMH], out);
}

/* Did a camera of the gantry see whatever carried the tag? */
static bool
was_seen(struct scene *s, const struct passage *tag)
{
    ts_ms pair_ms = (ts_ms)(s->param[PAIR_S] * SECOND_MS);
    struct passage other;
    return scene_picture(s, tag, pair_ms) ||
           scene_other(s, tag, pair_ms, LANE_MS, &other);
}

/* The tag at b says that it passed another gantry last, and before a wrote to it. */
static bool
forgot(const struct passage *a, const struct passage *b)
{
    struct tag_note x, y;
    return tag_note_parse(a->s->image, &x) && tag_note_parse(b->s->image, &y) &&
           x.result == TAG_DONE && x.medium == TAG_OBU && y.medium == TAG_OBU &&
           x.own[0] && y.last[0] && y.last_ms && strcmp(x.own, y.last) != 0 &&
           y.last_ms < a->pass_ms - WRITE_SLACK_MS;
}

static void
look_at(
    struct scene *s, const struct passage *a, const struct passage *b, struct ways *w)
{
    struct leap leap;
    if (a->s->site.v != b->s->site.v && leaps(s, a, b, &leap) && was_seen(s, a) &&
        was_seen(s, b)) {
        double ratio = leap.least_ms / (leap.gap_ms + 1000);
        w->leaps++;
        if (ratio > w->ratio)
            *w = (struct ways){a, b, leap, ratio, w->leaps, w->forgotten};
    }
    if (!forgot(a, b))
        return;
    w->forgotten++;
    if (!w->to) {
        w->from = a;
        w->to = b;
    }
}

static double
probability_of(const struct scene *s, const struct ways *w)
{
    double is_not = w->leaps * log(CLOCK_SPOILT);
    if (w->forgotten)
        is_not += log(s->param[FORGET_PER_MILLE] * 1e-3) +
                  (w->forgotten - 1) * log(FORGET_AGAIN);
    double is = log(s->param[PRIOR_PER_MILLION] * 1e-6);
    return 1 / (1 + exp(fmin(is_not - is, 300)));
}

static void
step(struct scene *s)
{
    struct ways w = {.ratio = -1};
    for (unsigned i = 1; i < s->tags_n; i++)
        if (s->tags[i].in_day)
            look_at(s, &s->tags[i - 1], &s->tags[i], &w);
    if (!w.to)
        return;
    double probability = probability_of(s, &w);
    if (probability * 100 < s->param[LEAST_PERCENT])
        return;
    struct passage deciding = *w.to;
    struct alarm *a = scene_alarm(s, s->plate.v, (uint64_t)s->day, &deciding);
    if (!a)
        return;
    a->probability = probability;
    a->level = LEVEL_ORANGE;
    alarm_add(a, w.to, 0);
    alarm_add(a, w.from, 1);
    alarm_number(a, "passes", w.leaps);
    alarm_number(a, "forgotten", w.forgotten);
    alarm_number(a, "gap_s", (double)(w.to->at_ms - w.from->at_ms) / 1000);
    double dist = view_dist_m(s->view, scene_gantry(s, w.from), scene_gantry(s, w.to));
    alarm_number(a, "dist_m", floor(dist));
    if (w.ratio >= 0) {
        alarm_number(a, "least_s", w.leap.least_ms / 1000);
        if (w.leap.gap_ms > 0)
            alarm_number(a, "speed_kmh", dist * 3600 / w.leap.gap_ms);
    }
}

const struct rule rule_etc_path = {
    .name = "etc_path",
    .title = {"ETC 标签路径异常", "ETC tag on an impossible way"},
    .legal =
        {"《道路交通安全法》第十六条、第九十六条；《收费公路管理条例》第三十三条",
         "Road Traffic Safety Law articles 16 and 96; Toll Road Regulation article 33"},
    .what =
        {"同一号牌的标签在两门架间的间隔短于可能的最短行程时间，或标签多次不知道刚写入"
         "过的上一"
         "门架",
         "tags of one plate are at two gantries in less time than any vehicle needs, "
         "or "
         "repeatedly do not know the gantry they were written at before"},
    .inputs = RULE_SIGHTINGS | RULE_MODEL | RULE_TAGS,
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
