/* SPDX-License-Identifier: Apache-2.0 */
/* Watch match (布控比对): the plate itself, a pattern, or a plate one misread character
 * away. A misread is only thought of where the plate as read is not registered or looks
 * otherwise; then every vehicle it may have been is weighed against the watched one. */
#include <stdio.h>

#include "rules/scene.h"

enum { LEAST_PERCENT, LEAST_MISREAD_PERCENT };
static const struct rule_param params[] = {
    {"least_percent", "%", 1, 99, 20, "准确识读时预警的最低概率",
     "least probability of an alarm on an exact read"},
    {"least_misread_percent", "%", 1, 99, 50, "疑似误读时预警的最低概率",
     "least probability of an alarm on a misread"},
};
static const struct rule_number numbers[] = {
    {"confidence", "%", "相机识读置信度", "the camera's confidence", "", NULL},
    {"candidates", "", "可能的登记车辆数", "registered vehicles it may be", "", NULL},
    {"confusion_percent", "%", "该字符误读概率", "share of misreads that read so", "",
     NULL},
    {"misread_percent", "%", "该点位误读率", "misread rate of the site", "", NULL},
};
static const struct rule_text roles[] = {{"命中过车", "the pass that matched"}};

#define HITS 16
#define SUSPICIONS 256u

static bool
twin_is_watched(const struct glance *g)
{
    struct twin twins[TWINS_MAX];
    const struct watch *hit[1];
    if (!g->registry || (g->registered && !g->off))
        return false;
    struct watch_near near[1];
    if (watch_set_near(g->watches, g->s->plate, near, 1))
        return true;
    size_t n = twins_of(g->weigher->twins, g->s->plate, twins);
    for (size_t i = 0; i < n; i++)
        if (watch_set_exact(g->watches, twins[i].plate, hit, 1))
            return true;
    return false;
}

static bool
glance(const struct glance *g)
{
    const struct watch *hit[1];
    return watch_set_exact(g->watches, g->s->plate, hit, 1) ||
           watch_set_wild(g->watches, g->s->plate, hit, 1) || twin_is_watched(g);
}

static bool
in_force(const struct watch *w, const struct passage *p)
{
    if (p->pass_ms < w->from_ms || p->pass_ms >= w->to_ms)
        return false;
    bool color = p->site->color_trusted && p->s->plate_color && w->plate_color;
    return !color || p->s->plate_color == w->plate_color;
}

static struct alarm *
raise(struct scene *s, const struct watch *w, struct passage *p, double probability)
{
    static const uint8_t levels[] = {
        LEVEL_ORANGE, LEVEL_RED, LEVEL_ORANGE, LEVEL_YELLOW};
    struct alarm *a = scene_alarm(s, w->id.v, p->key, p);
    if (!a)
        return NULL;
    a->watch = w->id.v;
    bool fits = span_copy(a->watch_code, sizeof a->watch_code, span_cstr(w->code));
    must(fits);
    alarm_subject(a, w->reason);
    a->level = levels[w->level < 4 ? w->level : 0];
    a->stop = w->level != 3;
    a->probability = probability;
    alarm_add(a, p, 0);
    if (p->s->confidence != CONFIDENCE_UNKNOWN)
        alarm_number(a, "confidence", p->s->confidence);
    alarm_number(a, "misread_percent", (double)p->site->misread * 100);
    return a;
}

static void
step_exact(struct scene *s, struct passage *p, const struct watch **hit, size_t n)
{
    double right = n ? passage_right(s, p) : 0;
    for (size_t i = 0; i < n && i < HITS; i++)
        if (in_force(hit[i], p) && right * 100 >= s->param[LEAST_PERCENT])
            raise(s, hit[i], p, right);
}

/* A pattern is met also by a misread of another plate of the pattern. */
static double
pattern_right(
    struct scene *s, struct passage *p, const struct watch *w, const struct twin *twins,
    size_t twins_n)
{
    double right = passage_right(s, p), also = 0;
    if (right > 0.99 || !p->weighed)
        return right;
    const struct identity *who = passage_who(s, p);
    for (size_t i = 0; i < twins_n; i++) {
        if (!plate_pattern_match(&w->pattern, twins[i].plate))
            continue;
        const struct vehicle *v = vehicle_find(s->weigher->registry, twins[i].plate, 0);
        also += v ? weigh_twin(s->weigher, &twins[i], v, p->s, p->site) : 0;
    }
    double others = who->misread + who->unknown;
    return others > 0 ? right + (1 - right) * also / others : right;
}

/* The passage may be near twin `t`, which watch `w` means. */
static void
step_twin(
    struct scene *s, struct passage *p, const struct twin *t, const struct watch *w)
{
    const struct identity *who = passage_who(s, p);
    const struct vehicle *v = vehicle_find(s->weigher->registry, t->plate, 0);
    double probability = passage_twin(s, p, t, v);
    if (!in_force(w, p) || probability * 100 < s->param[LEAST_MISREAD_PERCENT] ||
        passage_shadowed(s, p))
        return;
    struct alarm *a = raise(s, w, p, probability);
    if (!a)
        return;
    a->plate = t->plate;
    a->contradiction = v ? (uint8_t)look_contradiction(v, p->s, p->site) : 0;
    alarm_number(a, "confusion_percent", (double)t->share * 100);
    alarm_number(a, "candidates", who->twins);
}

/* What the plate may have been, once for all its passages. */
struct suspicions {
    struct twin twins[TWINS_MAX];
    size_t twins_n;
    struct suspicion { /* a twin that is watched */
        const struct twin *twin;
        const struct watch *watch;
    } meant[SUSPICIONS];
    unsigned meant_n;
};

static void
suspect(struct suspicions *x, const struct twin *t, const struct watch *w)
{
    if (x->meant_n < SUSPICIONS)
        x->meant[x->meant_n++] = (struct suspicion){t, w};
}

static void
find_suspicions(const struct scene *s, struct suspicions *x)
{
    const struct watch *hit[HITS];
    struct watch_near near[HITS];
    x->twins_n = twins_of(s->weigher->twins, s->plate, x->twins);
    for (size_t k = 0; k < x->twins_n; k++) {
        size_t n = watch_set_exact(s->watches, x->twins[k].plate, hit, HITS);
        for (size_t i = 0; i < n && i < HITS; i++)
            suspect(x, &x->twins[k], hit[i]);
    }
    size_t near_n = watch_set_near(s->watches, s->plate, near, HITS);
    for (size_t i = 0; i < near_n && i < HITS; i++) {
        const struct watch *w = near[i].watch;
        struct plate meant =
            plate_with(s->plate, near[i].at, w->pattern.code[near[i].at]);
        for (size_t k = 0; k < x->twins_n; k++)
            if (plate_eq(x->twins[k].plate, meant))
                suspect(x, &x->twins[k], w);
    }
}

/* A registered vehicle that looks as registered is nobody else's misread. */
static bool
any_doubt(const struct scene *s)
{
    bool any = !s->vehicle;
    for (unsigned i = 0; i < s->n && !any; i++)
        any = s->passages[i].in_day && s->passages[i].off;
    return any;
}

static void
step(struct scene *s)
{
    const struct watch *exact[HITS], *wild[HITS];
    struct suspicions x;
    size_t exact_n = watch_set_exact(s->watches, s->plate, exact, HITS);
    size_t wild_n = watch_set_wild(s->watches, s->plate, wild, HITS);
    x.twins_n = x.meant_n = 0;
    if (s->weigher->registry && (wild_n || any_doubt(s)))
        find_suspicions(s, &x);
    for (unsigned i = 0; i < s->n; i++) {
        struct passage *p = &s->passages[i];
        if (!p->in_day)
            continue;
        step_exact(s, p, exact, exact_n);
        for (size_t k = 0; k < wild_n && k < HITS; k++) {
            double right = pattern_right(s, p, wild[k], x.twins, x.twins_n);
            if (in_force(wild[k], p) && right * 100 >= s->param[LEAST_PERCENT])
                raise(s, wild[k], p, right);
        }
        for (unsigned k = 0; k < x.meant_n && (!s->vehicle || p->off); k++)
            step_twin(s, p, x.meant[k].twin, x.meant[k].watch);
    }
}

const struct rule rule_watch = {
    .name = "watch",
    .subject_codes = "watch_list",
    .title = {"布控命中", "watch match"},
    .legal =
        {"经审批的布控指令；《人民警察法》第九条（盘问、检查）",
         "the approved watch order; People's Police Law article 9 (questioning and "
         "inspection)"},
    .what =
        {"布控车牌、通配车牌，或与布控车牌仅差一个易误读字符且车辆特征相符的车辆通过点"
         "位",
         "a watched plate, a plate of a watched pattern, or a vehicle that fits a "
         "watched plate but for "
         "one misread character passes a site"},
    .inputs = RULE_SIGHTINGS | RULE_WATCHES | RULE_REGISTRY | RULE_MODEL,
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
