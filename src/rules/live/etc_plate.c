/* SPDX-License-Identifier: Apache-2.0 */
/* The tag of one vehicle in another (标签与车辆不符): at gantries the radio reads plate
 * T while the camera beside it reads plate C, again and again. Three stories are
 * weighed: T was misread as C; two vehicles stood alone side by side, each with one
 * half missing; the tag of T is in C. docs/why/probability.md section 7. One alarm a
 * plate and day. */
#include <math.h>

#include "core/hash.h"
#include "rules/scene.h"

enum {
    PAIR_S,
    LANE_S,
    LEAST_PASSES,
    PRIOR_PER_MILLION,
    CHANCE_PER_MILLION,
    LEAST_PERCENT
};
static const struct rule_param params[] = {
    {"pair_s", "s", PAIR_LEAST_S, PAIR_MOST_S, 10, "同牌标签与牌识配对的最大间隔",
     "tag and picture of one plate are one passage within this"},
    {"lane_s", "s", 1, LANE_MOST_S, 3, "同车道标签与异牌牌识配对的最大间隔",
     "tag and picture of different plates in one lane are one passage within this"},
    {"least_passes", "", 1, 8, 2, "同一不符车牌的最少次数",
     "least passages with the same other plate"},
    {"prior_per_million", "1e-6", 1, 10000, 300, "标签装在他车的先验概率",
     "prior probability that a tag is in another vehicle that day"},
    {"chance_per_million", "1e-6", 1, 100000, 600, "两车各缺一半记录而并行的概率",
     "probability that two vehicles pass side by side, each with one half missing"},
    {"least_percent", "%", 1, 99, 50, "预警的最低概率",
     "least probability of an alarm"},
};
static const struct rule_number numbers[] = {
    {"passes", "", "不符过车次数", "passages that do not agree", "", NULL},
    {"paired", "", "当日相符过车次数", "passages of the day that agree", "", NULL},
    {"differ_chars", "", "两号牌相异字符数", "characters that differ", "", NULL},
    {"gap_s", "s", "标签与牌识间隔", "between tag and picture", "", NULL},
    {"misread_percent", "%", "误读的概率", "probability of a misread", "", NULL},
};
static const struct rule_text roles[] = {{"牌识", "picture"}, {"标签", "tag"}};

#define FAR_TEXT 1e-4  /* that text among all that are misread in several characters */
#define AGAIN_NEAR 0.3 /* misread alike again: dirt and bad light stay */
#define AGAIN_FAR 0.02
#define TOGETHER 0.05 /* the same two side by side at the next gantry */
#define UNREGISTERED 1e-3
#define VEHICLES 1e6 /* where there is no registry to count */
#define FOUND_MOST 64u

struct found { /* one passage that does not agree */
    struct passage camera;
    const struct passage *tag;
};

static bool
glance(const struct glance *g)
{
    (void)g;
    return false; /* gantry rows are judged by their tags */
}

static double
log_look(const struct weigher *w, const struct vehicle *v, const struct passage *p)
{
    return log(v ? look_given(w->census, v, p->s, p->site) : look_any(w->census, p->s));
}

/* Share of misreads of one character that turn `worn` into `read`; 0: not one apart. */
static double
twin_share(const struct weigher *w, struct plate worn, struct plate read)
{
    struct twin twins[TWINS_MAX];
    size_t n = twins_of(w->twins, read, twins);
    for (size_t i = 0; i < n; i++)
        if (plate_eq(twins[i].plate, worn))
            return twins[i].share;
    return 0;
}

struct stories {
    double misread, chance, other; /* logarithms */
};

static struct stories
weigh_stories(const struct scene *s, const struct found *f, unsigned n)
{
    const struct weigher *w = s->weigher;
    struct plate read = f[0].camera.s->plate;
    const struct vehicle *v = w->registry ? vehicle_find(w->registry, read, 0) : NULL;
    double share = twin_share(w, s->plate, read);
    double cars = w->registry && w->census->count ? (double)w->census->count : VEHICLES;
    double is_read = log(1 / cars * (v || !w->registry ? 1 : UNREGISTERED));
    double wrong = f[0].camera.site->misread;
    struct stories x = {
        .misread = log(share > 0 ? wrong * share : wrong * FAR_TEXT),
        .chance = is_read + log(s->param[CHANCE_PER_MILLION] * 1e-6),
        .other = is_read + log(s->param[PRIOR_PER_MILLION] * 1e-6)};
    for (unsigned i = 0; i < n; i++) {
        double right =
            log(1 - f[i].camera.site->misread) + log_look(w, v, &f[i].camera);
        x.misread += log_look(w, s->vehicle, &f[i].camera);
        x.chance += right;
        x.other += right;
        if (i == 0)
            continue;
        x.misread += log(share > 0 ? AGAIN_NEAR : AGAIN_FAR);
        x.chance += log(TOGETHER * s->param[CHANCE_PER_MILLION] * 1e-6);
    }
    return x;
}

static unsigned
differ(struct plate a, struct plate b)
{
    unsigned n = plate_length(a), m = plate_length(b), differ = n > m ? n - m : m - n;
    for (unsigned i = 0; i < n && i < m; i++)
        differ += plate_at(a, i) != plate_at(b, i);
    return differ;
}

static void
raise(struct scene *s, struct found *f, unsigned n, unsigned paired)
{
    struct stories x = weigh_stories(s, f, n);
    double misread = exp(fmin(x.misread - x.other, 300)),
           chance = exp(fmin(x.chance - x.other, 300)), all = 1 + misread + chance;
    if (100 / all < s->param[LEAST_PERCENT])
        return;
    char text[PLATE_TEXT];
    struct plate read = f[0].camera.s->plate;
    struct alarm *a =
        scene_alarm(s, s->plate.v, hash_pair(read.v, (uint64_t)s->day), &f[0].camera);
    if (!a)
        return;
    a->read = read;
    a->probability = 1 / all;
    a->level = LEVEL_ORANGE;
    alarm_subject(a, plate_format(text, read));
    for (unsigned i = 0; i < n && a->evidence_n + 1 < ALARM_EVIDENCE; i++) {
        alarm_add(a, &f[i].camera, 0);
        alarm_add(a, f[i].tag, 1);
    }
    alarm_number(a, "passes", n);
    alarm_number(a, "paired", paired);
    alarm_number(a, "differ_chars", differ(s->plate, read));
    alarm_number(a, "gap_s", (double)(f[0].camera.at_ms - f[0].tag->at_ms) / 1000);
    alarm_number(a, "misread_percent", 100 * misread / all);
}

/* Collects the passages whose pictures show other plates; how many agree goes to
 * *paired. */
static unsigned
find(struct scene *s, struct found out[FOUND_MOST], unsigned *paired)
{
    ts_ms pair_ms = (ts_ms)(s->param[PAIR_S] * SECOND_MS);
    ts_ms lane_ms = (ts_ms)(s->param[LANE_S] * SECOND_MS);
    unsigned n = 0;
    *paired = 0;
    for (unsigned i = 0; i < s->tags_n && n < FOUND_MOST; i++) {
        const struct passage *tag = &s->tags[i];
        if (!tag->in_day)
            continue;
        if (scene_picture(s, tag, pair_ms))
            ++*paired;
        else if (scene_other(s, tag, pair_ms, lane_ms, &out[n].camera))
            out[n++].tag = tag;
    }
    return n;
}

static void
step(struct scene *s)
{
    struct found all[FOUND_MOST], same[FOUND_MOST];
    unsigned paired, n = find(s, all, &paired);
    for (unsigned i = 0; i < n; i++) {
        struct plate read = all[i].camera.s->plate;
        unsigned k = 0;
        bool first = true;
        for (unsigned j = 0; j < n; j++)
            if (plate_eq(all[j].camera.s->plate, read)) {
                first &= j >= i;
                same[k++] = all[j];
            }
        if (first && k >= s->param[LEAST_PASSES])
            raise(s, same, k, paired);
    }
}

const struct rule rule_etc_plate = {
    .name = "etc_plate",
    .title = {"ETC 标签与车牌不符", "ETC tag in another vehicle"},
    .legal =
        {"《道路交通安全法》第十六条（不得使用其他机动车的号牌）、第九十六条；《收费公"
         "路管理条"
         "例》第三十三条",
         "Road Traffic Safety Law articles 16 (no plates of another vehicle) and 96; "
         "Toll Road "
         "Regulation article 33"},
    .what =
        {"门架多次读到某车标签，而同一车道同时识别到的是另一号牌，且非误读所能解释",
         "gantries read one vehicle's tag while the camera in the same lane reads "
         "another plate, more often than misreads explain"},
    .inputs = RULE_SIGHTINGS | RULE_REGISTRY | RULE_MODEL | RULE_TAGS,
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
