/* SPDX-License-Identifier: Apache-2.0 */
/* Unread or covered plates that belong together (无牌遮挡串并): passes of one look
 * without a plate at several sites, each reachable from the one before in the time
 * between. Chance links them too: its share is reckoned from how often the look goes
 * unread, how well the time between fits one who drives on, and whether he is back where
 * he was; the camera's own words (covered, altered, no plate) weigh in. */
#include <math.h>

#include "rules/scene.h"

enum { LEAST_SITES, LINK_MIN, PRIOR_PERCENT, LEAST_PERCENT };
static const struct rule_param params[] = {
    {"least_sites", "", 3, 20, 4, "至少经过的点位数",
     "least number of different sites"},
    {"link_min", "min", 2, 10, 6, "相邻两次过车的最长间隔",
     "longest time between two passes"},
    {"prior_percent", "%", 0.001, 20, 0.08, "未识读过车为故意遮挡行程起点的先验概率",
     "prior probability that an unread pass begins the trip of a covered plate"},
    {"least_percent", "%", 1, 99, 50, "预警的最低概率",
     "least probability of an alarm"},
};
static const struct rule_number numbers[] = {
    {"passes", "", "未识读过车次数", "unread passes", "", NULL},
    {"sites", "", "点位数", "different sites", "", NULL},
    {"chance", "", "每一环节偶然相接的期望数", "links expected by chance, each", "",
     NULL},
    {"gap_s", "s", "首末过车间隔", "from the first pass to the last", "", NULL},
};
static const struct rule_text roles[] = {
    {"最近通行", "latest pass"}, {"此前通行", "earlier pass"}};

#define MARGIN 0.7
#define MAX_KMH 130.0
#define SITES_ON_THE_WAY 5.0 /* a vehicle passes so many sites within the link time */
#define SITES_IN_REACH 40.0  /* sites of a city within the reach of one */
/* So long before and after, how common the look is here. */
#define ABOUT_MS HOUR_MS
/* Who drives on from site to site of a city: as the crow flies, and its spread. */
#define USUAL_KMH 26.0
#define USUAL_SPREAD 0.35 /* of the logarithm */
#define STOPS 0.10        /* share that stops, waits or goes round */
#define BACK 0.2     /* how much rarer than chance one vehicle is back within minutes */
#define SAID_SO 20.0 /* how much likelier the camera's flag is on a covered plate */
#define CHAIN_MAX 64

static bool
glance(const struct glance *g)
{
    (void)g;
    return false; /* unread passes are judged by look, not by plate */
}

struct chain {
    unsigned at[CHAIN_MAX];
    unsigned n, sites, flagged;
};

static bool
linked(const struct scene *s, const struct passage *a, const struct passage *b)
{
    double gap = (double)(b->at_ms - a->at_ms);
    return unread_near(s->view, a->s->site.v, b->s->site.v) &&
           gap <= s->param[LINK_MIN] * MINUTE_MS &&
           gap >= view_least_ms(s->view, a->s->site.v, b->s->site.v, MARGIN, MAX_KMH);
}

/* None of the first n passes was there. */
static bool
new_site(const struct scene *s, const struct chain *c, unsigned n, uint32_t site)
{
    for (unsigned i = 0; i < n; i++)
        if (s->passages[c->at[i]].s->site.v == site)
            return false;
    return true;
}

static void
extend(const struct scene *s, struct chain *c, unsigned i)
{
    const struct sighting *read = s->passages[i].s;
    c->sites += new_site(s, c, c->n, read->site.v);
    c->flagged +=
        (read->flags & (SIGHTING_COVERED | SIGHTING_ALTERED | SIGHTING_NO_PLATE)) != 0;
    c->at[c->n++] = i;
}

/* Unread passes of the look that chance puts within reach of one. */
static double
chance_of(const struct scene *s)
{
    double span_ms = (double)(s->day_to_ms - s->day_from_ms) + LOOKBACK_MS;
    double reach = s->view->n > SITES_IN_REACH ? SITES_IN_REACH / s->view->n : 1;
    double n =
        16; /* in steps, so that not every pass of the day revises what was said */
    while (n < s->n)
        n *= 2;
    return n * s->param[LINK_MIN] * MINUTE_MS / span_ms * reach;
}

/* Others of the look about there and then, as links expected within the link time. */
static double
chance_here(const struct scene *s, const struct chain *c, unsigned i)
{
    const struct passage *p = &s->passages[i];
    unsigned n = 0, own = 0;
    for (unsigned k = 0; k < s->n; k++) {
        const struct passage *q = &s->passages[k];
        if (q->at_ms >= p->at_ms - ABOUT_MS && q->at_ms <= p->at_ms + ABOUT_MS)
            n += q->s->site.v == p->s->site.v ||
                 unread_near(s->view, p->s->site.v, q->s->site.v);
    }
    for (unsigned k = 0; k < c->n; k++) {
        const struct passage *q = &s->passages[c->at[k]];
        own += q->s->site.v == p->s->site.v ||
               unread_near(s->view, p->s->site.v, q->s->site.v);
    }
    return (n > own ? n - own : 0) * s->param[LINK_MIN] * MINUTE_MS / (2.0 * ABOUT_MS);
}

/* How much likelier the time between is of one vehicle that drives on than of chance,
 * which has no time of its own within the link time. */
static double
fits(const struct scene *s, const struct passage *a, const struct passage *b)
{
    double usual_ms =
        view_dist_m(s->view, a->s->site.v, b->s->site.v) / (USUAL_KMH / 3600);
    double gap_ms = fmax((double)(b->at_ms - a->at_ms), SECOND_MS);
    double z = log(gap_ms / fmax(usual_ms, SECOND_MS)) / USUAL_SPREAD;
    double density = exp(-z * z / 2) / (gap_ms * USUAL_SPREAD * sqrt(2 * M_PI));
    return STOPS + (1 - STOPS) * density * s->param[LINK_MIN] * MINUTE_MS;
}

/* Chance: each link by another vehicle of the look, or by the same readable one going
 * unread once more at that site or another on its way. */
static double
probability_of(const struct scene *s, const struct chain *c)
{
    double log_luck = 0, prior = s->param[PRIOR_PERCENT] / 100;
    double usual = model_site(s->view->model, (struct site_id){0})->unread;
    for (unsigned i = 1; i < c->n; i++) {
        const struct site_model *m =
            model_site(s->view->model, s->passages[c->at[i]].s->site);
        double again = (double)m->unread + usual * (SITES_ON_THE_WAY - 1);
        double others = fmin(1, (chance_of(s) + chance_here(s, c, c->at[i - 1])) / 2);
        double fit = fits(s, &s->passages[c->at[i - 1]], &s->passages[c->at[i]]);
        if (!new_site(s, c, i, s->passages[c->at[i]].s->site.v))
            fit *= BACK;
        log_luck += log(others / fit + again);
    }
    double odds =
        prior / (1 - prior) * pow(SAID_SO, c->flagged) * exp(-fmax(log_luck, -60));
    return odds / (1 + odds);
}

static void
raise(struct scene *s, const struct chain *c)
{
    struct passage *first = &s->passages[c->at[0]],
                   *last = &s->passages[c->at[c->n - 1]];
    double probability = probability_of(s, c);
    if (!last->in_day || c->sites < s->param[LEAST_SITES] ||
        probability * 100 < s->param[LEAST_PERCENT])
        return;
    struct alarm *a = scene_alarm(s, first->key, first->key, last);
    if (!a)
        return;
    a->probability = probability;
    a->contradiction = 0;
    alarm_add(a, last, 0);
    for (unsigned i = c->n - 1; i-- > 0 && a->evidence_n < ALARM_EVIDENCE;)
        alarm_add(a, &s->passages[c->at[i]], 1);
    alarm_number(a, "passes", c->n);
    alarm_number(a, "sites", c->sites);
    alarm_number(a, "chance", chance_of(s));
    alarm_number(a, "gap_s", (double)(last->at_ms - first->at_ms) / 1000);
}

/* Chains are grown greedily in order of time; a pass belongs to at most one. */
static void
step(struct scene *s)
{
    bool used[UNREAD_MOST] = {false};
    unsigned n = s->n, reads = 0;
    for (unsigned i = 0; i < n; i++)
        reads += s->passages[i].reads;
    if (reads > UNREAD_MOST)
        return;
    for (unsigned i = 0; i < n; i++) {
        struct chain c = {.n = 0};
        if (used[i])
            continue;
        extend(s, &c, i);
        for (unsigned k = i + 1; k < n && c.n < CHAIN_MAX; k++) {
            const struct passage *tail = &s->passages[c.at[c.n - 1]];
            if ((double)(s->passages[k].at_ms - tail->at_ms) >
                s->param[LINK_MIN] * MINUTE_MS)
                break;
            if (!used[k] && linked(s, tail, &s->passages[k])) {
                extend(s, &c, k);
                used[k] = true;
            }
        }
        raise(s, &c);
    }
}

const struct rule rule_unread_cluster = {
    .name = "unread_cluster",
    .title = {"无牌遮挡串并", "unread plates that belong together"},
    .legal =
        {"《道路交通安全法》第十一条（不得故意遮挡、污损号牌）、第九十五条",
         "Road Traffic Safety Law articles 11 (plates not to be covered or soiled) and "
         "95"},
    .what =
        {"同一外观的未识读过车在多个点位按行程时间前后相接",
         "passes of one look without a readable plate follow one another over several "
         "sites"},
    .inputs = RULE_SIGHTINGS | RULE_MODEL,
    .key = RULE_BY_LOOK,
    .params = params,
    .params_n = sizeof params / sizeof params[0],
    .numbers = numbers,
    .numbers_n = sizeof numbers / sizeof numbers[0],
    .roles = roles,
    .roles_n = sizeof roles / sizeof roles[0],
    .glance = glance,
    .step = step,
};
