/* SPDX-License-Identifier: Apache-2.0 */
/* Cloned plate (套牌): two vehicles under one plate. Two passages that no vehicle can
 * have made both split the day's passages in two sides; a look that is not the
 * registered one marks a side too. Then three stories are weighed: the odd side was
 * misread from other plates; a clone of the same look; a clone of another look.
 * docs/why/probability.md section 4 has the sums. One alarm a day and plate. */
#include <math.h>

#include "rules/scene.h"

enum { MARGIN_PERCENT, MAX_KMH, PRIOR_PER_MILLION, LEAST_PERCENT };
static const struct rule_param params[] = {
    {"margin_percent", "%", 10, 100, 70, "最短行程时间的折扣",
     "share of the learned least travel time still thought possible"},
    {"max_kmh", "km/h", 60, 300, 130, "未学得行程时间时的直线最高车速",
     "straight-line speed thought possible where no travel time is learned"},
    {"prior_per_million", "1e-6", 1, 10000, 300, "号牌被套用的先验概率",
     "prior probability that a registered plate is cloned and driven that day"},
    {"least_percent", "%", 1, 99, 50, "预警的最低概率",
     "least probability of an alarm"},
};
static const struct rule_number numbers[] = {
    {"gap_s", "s", "两次过车间隔", "time between the two passes", "<", "least_s"},
    {"least_s", "s", "可能的最短时间", "least time thought possible", "", NULL},
    {"dist_m", "m", "直线距离", "straight-line distance", "", NULL},
    {"speed_kmh", "km/h", "所需直线车速", "straight-line speed needed", "", NULL},
    {"clock_sd_s", "s", "时钟不确定度", "uncertainty of the clocks", "", NULL},
    {"odd_passes", "", "异常过车次数", "passages of the other vehicle", "", NULL},
    {"look_differences", "", "与登记不符的特征数",
     "attributes that differ from the registry", "", NULL},
};
static const struct rule_text roles[] = {
    {"异常过车", "the odd pass"},
    {"另一地点", "the other place"},
    {"其他异常过车", "other odd passes"}};

#define NODES 512u /* passages looked at */
#define REACH 6u   /* passages compared with each */
/* Weight of looks without a leap: one car is misjudged alike again. */
#define LOOK_ALONE 0.2
#define CLOCK_JUMP_MS (15.0 * MINUTE_MS) /* a clock is set wrong by so much at most */
#define UNVOUCHED 3  /* side of a conflict that a clock may explain */
#define ODD_MOST 32u /* odd looks compared with each other */
#define ODD_LOOK 2   /* attributes that must differ before a look alone counts */

static bool
impossible(
    const double *param, const struct view *v, ts_ms from_ms, uint32_t from,
    ts_ms to_ms, uint32_t to, struct leap *out)
{
    return leap_is_impossible(
        v, from_ms, from, to_ms, to, param[MARGIN_PERCENT] / 100, param[MAX_KMH], out);
}

static bool
glance(const struct glance *g)
{
    if (!g->registered)
        return false;
    if (__builtin_popcount(g->off) >= ODD_LOOK)
        return true;
    struct leap leap;
    if (g->prev_ms == INT64_MIN)
        return false;
    impossible(
        g->param, g->view, g->prev_ms, g->seen->last_site, g->at_ms, g->s->site.v,
        &leap);
    return leap_is_odd(&leap);
}

struct split {
    struct scene *s;
    unsigned n;
    uint8_t side[NODES]; /* 0 in no conflict, 1 and 2 the two sides of a component */
    bool odd[NODES];
    const struct sighting *other; /* the first odd look */
    double log_misread, log_same, log_other;
    unsigned odds, odd_in_day;
    bool any_side; /* some passages are in conflict */
    bool any_leap; /* also those that a wrong clock explains */
};

static bool
leaps(const struct split *x, unsigned i, unsigned k, struct leap *leap)
{
    const struct passage *a = &x->s->passages[i], *b = &x->s->passages[k];
    return impossible(
        x->s->param, x->s->view, a->at_ms, a->s->site.v, b->at_ms, b->s->site.v, leap);
}

static bool
in_conflict(const struct split *x, unsigned i, unsigned k)
{
    return leaps(x, i, k, NULL) &&
           !scene_clock_doubt(x->s, &x->s->passages[i], &x->s->passages[k]);
}

/* Leaps between neighbouring passages; all are reported, also those that only look odd
 * where a clock is not well known. Those of doubtful clocks do not count. */
static bool
any_leap(struct split *x)
{
    bool any = false;
    for (unsigned i = 0; i + 1 < x->n; i++) {
        struct leap leap;
        bool far = leaps(x, i, i + 1, &leap);
        if (leap_is_odd(&leap))
            scene_leap(x->s, &x->s->passages[i], &x->s->passages[i + 1]);
        x->any_leap |= far;
        any |= far && in_conflict(x, i, i + 1);
    }
    return any;
}

/* Two-colours the conflict component of `seed`; its members go to `out`. */
static unsigned
colour(struct split *x, unsigned seed, unsigned out[NODES])
{
    unsigned n = 1;
    out[0] = seed;
    x->side[seed] = 1;
    for (unsigned head = 0; head < n; head++) {
        unsigned i = out[head], from = i > REACH ? i - REACH : 0;
        for (unsigned k = from; k <= i + REACH && k < x->n; k++)
            if (k != i && !x->side[k] && in_conflict(x, i < k ? i : k, i < k ? k : i)) {
                x->side[k] = (uint8_t)(3 - x->side[i]);
                out[n++] = k;
            }
    }
    if (n == 1)
        x->side[seed] = 0;
    return n;
}

/* Do all conflicts of a component touch passages of this site? Then its clock alone may
 * have made them all. */
static bool
explains(struct split *x, const unsigned *at, unsigned n, uint32_t site)
{
    for (unsigned h = 0; h < n; h++)
        for (unsigned k = at[h] + 1; k <= at[h] + REACH && k < x->n; k++) {
            const struct passage *a = &x->s->passages[at[h]], *b = &x->s->passages[k];
            if (a->s->site.v != site && b->s->site.v != site && x->side[k] &&
                in_conflict(x, at[h], k))
                return false;
        }
    return true;
}

static double
least_ms(const struct split *x, const struct passage *a, const struct passage *b)
{
    return view_least_ms(
        x->s->view, a->s->site.v, b->s->site.v, x->s->param[MARGIN_PERCENT] / 100,
        x->s->param[MAX_KMH]);
}

/* Could the vehicle have been there at another moment of the next or last minutes, by
 * all its passages at other sites? That is what a clock that went wrong makes of an
 * honest trip. Before the first and after the last of them nothing is known. */
static bool
fits_elsewhere(const struct split *x, unsigned i)
{
    const struct passage *p = &x->s->passages[i], *before = NULL;
    double from = -CLOCK_JUMP_MS, to = CLOCK_JUMP_MS; /* from p->at_ms */
    for (unsigned k = 0; k <= x->n; k++) {
        const struct passage *q = k < x->n ? &x->s->passages[k] : NULL;
        double lo = from, hi = to;
        if (q && q->s->site.v == p->s->site.v)
            continue;
        if (before)
            lo = fmax(lo, (double)(before->at_ms - p->at_ms) + least_ms(x, before, p));
        if (q)
            hi = fmin(hi, (double)(q->at_ms - p->at_ms) - least_ms(x, p, q));
        if (lo <= hi)
            return true;
        before = q;
    }
    return false;
}

/* A component that one camera's clock explains counts only when other vehicles vouch
 * for that clock about then, or no clock brings the vehicle there. */
static bool
is_vouched(struct split *x, const unsigned *at, unsigned n)
{
    bool good = true;
    for (unsigned i = 0; i < n; i++) {
        const struct passage *p = &x->s->passages[at[i]];
        if (explains(x, at, n, p->s->site.v) && fits_elsewhere(x, at[i])) {
            scene_rests(x->s, p, p);
            good &= scene_clock_vouched(x->s, p, VOUCH_MANY);
        }
    }
    return good;
}

static unsigned
conflict_of(struct split *x, unsigned seed, unsigned out[NODES])
{
    unsigned n = colour(x, seed, out);
    if (n < 2 || is_vouched(x, out, n))
        return n;
    for (unsigned i = 0; i < n; i++)
        x->side[out[i]] = UNVOUCHED;
    return 1;
}

static double
log_right(const struct split *x, unsigned i)
{
    const struct passage *p = &x->s->passages[i];
    return log(look_given(x->s->weigher->census, x->s->vehicle, p->s, p->site));
}

static double
log_misread(struct split *x, unsigned i)
{
    const struct identity *who = passage_who(x->s, &x->s->passages[i]);
    return log(who->misread + who->unknown);
}

/* Read p of the other vehicle, whose first odd look `other` was. */
static double
log_look(const struct split *x, const struct sighting *other, const struct passage *p)
{
    const struct census *c = x->s->weigher->census;
    if (!other || other == p->s)
        return log(look_any(c, p->s));
    return log(look_again(c, other, p->s, p->site));
}

static double
log_other(const struct split *x, unsigned i)
{
    return log_look(x, x->other, &x->s->passages[i]);
}

static bool
looks_odd(const struct split *x, unsigned i)
{
    return __builtin_popcount(x->s->passages[i].off) >= ODD_LOOK;
}

static double
log_sum(double a, double b)
{
    double hi = fmax(a, b), lo = fmin(a, b);
    return hi + log1p(exp(lo - hi));
}

/* Weighs one component with either side being the odd one, and marks the likelier odd
 * side. */
static void
weigh_component(struct split *x, const unsigned *at, unsigned n)
{
    double misread[3] = {0}, other[3] = {0}, right = 0;
    unsigned size[3] = {0}, looks[3] = {0};
    for (unsigned i = 0; i < n; i++) {
        unsigned odd = x->side[at[i]], even = 3 - odd;
        double r = log_right(x, at[i]);
        misread[odd] += log_misread(x, at[i]);
        misread[even] += r;
        other[odd] += log_other(x, at[i]);
        other[even] += r;
        right += r;
        size[odd]++;
        looks[odd] += looks_odd(x, at[i]);
    }
    unsigned odd = looks[1] != looks[2] ? (looks[1] > looks[2] ? 1 : 2)
                   : size[1] != size[2] ? (size[1] < size[2] ? 1 : 2)
                                        : x->side[at[n - 1]];
    for (unsigned i = 0; i < n; i++)
        x->odd[at[i]] = x->side[at[i]] == odd;
    x->log_misread += log_sum(misread[1], misread[2]);
    x->log_other += log_sum(other[1], other[2]);
    x->log_same += right + log(2);
}

/* A look that fits the registered vehicle as little as the other one is a camera's error,
 * and no second sight of the other. */
static void
weigh_loner(struct split *x, unsigned i)
{
    double right = log_right(x, i);
    x->odd[i] = log_other(x, i) > right;
    x->log_misread += log_sum(log_misread(x, i), right);
    x->log_other += log_sum(log_other(x, i), right);
    x->log_same += log_sum(log_misread(x, i), right);
}

/* Of the odd looks the one that explains the others best: a camera that errs shows a new
 * look each time, a second vehicle always its own. */
static void
find_other(struct split *x)
{
    unsigned odd[ODD_MOST], n = 0;
    double best = -INFINITY;
    for (unsigned i = 0; i < x->n && n < ODD_MOST; i++)
        if (looks_odd(x, i))
            odd[n++] = i;
    for (unsigned k = 0; k < n; k++) {
        const struct sighting *other = x->s->passages[odd[k]].s;
        double sum = 0;
        for (unsigned h = 0; h < n; h++)
            sum +=
                fmax(log_look(x, other, &x->s->passages[odd[h]]), log_right(x, odd[h]));
        if (sum > best) {
            best = sum;
            x->other = other;
        }
    }
}

static void
split_day(struct split *x)
{
    unsigned members[NODES];
    bool leaps = any_leap(x);
    find_other(x);
    for (unsigned i = 0; i < x->n; i++) {
        if (x->side[i] == 1 || x->side[i] == 2)
            continue;
        unsigned n = leaps && !x->side[i] ? conflict_of(x, i, members) : 1;
        x->any_side |= n > 1;
        if (n > 1)
            weigh_component(x, members, n);
        else if (looks_odd(x, i))
            weigh_loner(x, i);
    }
    for (unsigned i = 0; i < x->n; i++) {
        x->odds += x->odd[i];
        x->odd_in_day += x->odd[i] && x->s->passages[i].in_day;
    }
}

static double
probability_of(const struct split *x)
{
    double prior = x->s->param[PRIOR_PER_MILLION] * 1e-6;
    double clone = log(prior / 2) + log_sum(x->log_same, x->log_other);
    if (!x->any_side)
        clone += log(LOOK_ALONE);
    return 1 / (1 + exp(fmin(x->log_misread - clone, 500)));
}

struct pair {
    unsigned odd, even;
    struct leap leap;
    double ratio;
};

/* The most impossible pair, its odd passage in the day if there is such a one. */
static struct pair
worst_pair(const struct split *x)
{
    struct pair worst = {.ratio = -1};
    for (unsigned i = 0; i < x->n; i++)
        for (unsigned k = i + 1; k <= i + REACH && k < x->n; k++) {
            const struct passage *a = &x->s->passages[i], *b = &x->s->passages[k];
            unsigned odd = x->odd[k] ? k : i, even = odd == k ? i : k;
            struct leap leap;
            if (x->odd[i] == x->odd[k] || !x->s->passages[odd].in_day || !x->side[i] ||
                x->side[i] == UNVOUCHED ||
                !impossible(
                    x->s->param, x->s->view, a->at_ms, a->s->site.v, b->at_ms,
                    b->s->site.v, &leap))
                continue;
            double ratio = leap.least_ms / (leap.gap_ms + 1000);
            if (ratio > worst.ratio)
                worst = (struct pair){odd, even, leap, ratio};
        }
    return worst;
}

static unsigned
last_odd(const struct split *x)
{
    unsigned last = 0;
    for (unsigned i = 0; i < x->n; i++)
        if (x->odd[i] && x->s->passages[i].in_day)
            last = i;
    return last;
}

static void
add_pair(struct alarm *a, const struct split *x, const struct pair *pair)
{
    const struct scene *s = x->s;
    double dist = view_dist_m(
        s->view, s->passages[pair->odd].s->site.v, s->passages[pair->even].s->site.v);
    alarm_add(a, &s->passages[pair->even], 1);
    alarm_number(a, "gap_s", pair->leap.gap_ms / 1000);
    alarm_number(a, "least_s", pair->leap.least_ms / 1000);
    alarm_number(a, "dist_m", floor(dist));
    if (pair->leap.gap_ms > 0)
        alarm_number(a, "speed_kmh", dist * 3600 / pair->leap.gap_ms);
    alarm_number(a, "clock_sd_s", pair->leap.sd_ms / 1000);
}

static unsigned
odd_sites(const struct split *x)
{
    unsigned sites = 0, i, k;
    for (i = 0; i < x->n; i++) {
        for (k = 0; k < i; k++)
            if (x->odd[k] && x->s->passages[k].s->site.v == x->s->passages[i].s->site.v)
                break;
        sites += x->odd[i] && k == i;
    }
    return sites;
}

static void
raise(struct split *x, double probability)
{
    struct scene *s = x->s;
    struct pair pair = worst_pair(x);
    unsigned deciding = pair.ratio >= 0 ? pair.odd : last_odd(x);
    struct passage *p = &s->passages[deciding];
    if ((pair.ratio < 0 && odd_sites(x) < 2) || passage_shadowed(s, p))
        return;
    struct alarm *a = scene_alarm(s, s->plate.v, (uint64_t)s->day, p);
    if (!a)
        return;
    a->probability = probability;
    a->level = LEVEL_ORANGE;
    alarm_add(a, p, 0);
    if (pair.ratio >= 0)
        add_pair(a, x, &pair);
    for (unsigned i = x->n; i-- > 0 && a->evidence_n < ALARM_EVIDENCE;)
        if (x->odd[i] && i != deciding)
            alarm_add(a, &s->passages[i], 2);
    alarm_number(a, "odd_passes", x->odds);
    alarm_number(a, "look_differences", __builtin_popcount(p->off));
}

static void
step(struct scene *s)
{
    struct split x = {.s = s, .n = s->n < NODES ? s->n : NODES};
    if (!s->vehicle)
        return;
    split_day(&x);
    s->hot = x.any_leap;
    if (!x.odds)
        return;
    double probability = probability_of(&x);
    if (x.odd_in_day && probability * 100 >= s->param[LEAST_PERCENT])
        raise(&x, probability);
}

const struct rule rule_cloned_plate = {
    .name = "cloned_plate",
    .title = {"套牌嫌疑", "cloned plate"},
    .legal =
        {"《道路交通安全法》第十六条（不得使用其他机动车的号牌）、第九十六条",
         "Road Traffic Safety Law articles 16 (no plates of another vehicle) and 96"},
    .what =
        {"同一号牌在两处出现的间隔短于可能的最短行程时间，或多次与登记特征不符",
         "one plate is at two places in less time than any vehicle needs, or "
         "repeatedly under a look "
         "that is not the registered one"},
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
