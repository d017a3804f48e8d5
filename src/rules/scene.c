/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/scene.h"

#include <math.h>

#include "core/hash.h"
#include "rules/machine.h"

/* A cloned or repainted vehicle among all that wear a registered plate: only to keep a
 * contradicted look from counting as proof of a misread. */
#define OTHER_LOOK 2e-4
/* Weight of a plate that nobody registered being worn: rare where nearly all are
 * registered. */
#define UNREGISTERED 0.1
#define UNREGISTERED_COVERED 1e-4
#define COVERED 0.97
#define CLOCK_SDS 3.0
#define CLOCK_FLOOR_MS 2000.0
#define ODD_SLACK_MS 10000.0

const struct identity *
passage_who(struct scene *s, struct passage *p)
{
    if (!p->weighed) {
        p->who = weigh(s->weigher, p->s, p->site);
        p->weighed = true;
    }
    return &p->who;
}

bool
passage_shadowed(struct scene *s, const struct passage *p)
{
    return machine_shadowed(s->machine, p->s);
}

/* ---- one text read again and again ---- */

/* Does the registry not account for this read? */
static bool
is_strange(const struct scene *s, const struct passage *p)
{
    return p->in_day && (!s->vehicle || p->off);
}

/* Evidence of one more strange read for a stranger wearing the text, against none.
 * `first` is the strange read before, NULL for the first. */
static double
log_worn(struct scene *s, struct passage *p, const struct passage *first)
{
    const struct census *c = s->weigher->census;
    const struct identity *who = passage_who(s, p);
    double look = first ? look_again(c, first->s, p->s, p->site) : look_any(c, p->s);
    double again = first ? misread_again(&first->who) * look : 0;
    return log(look) - log(who->right + who->misread + who->unknown + again);
}

static struct wearer
find_wearer(struct scene *s, const struct passage *skip)
{
    double prior = s->vehicle                                 ? OTHER_LOOK
                   : covered(s->weigher, s->plate) >= COVERED ? UNREGISTERED_COVERED
                                                              : UNREGISTERED;
    struct wearer w = {.known = true, .prior = prior, .log_odds = log(prior)};
    for (unsigned i = 0; i < s->n; i++) {
        struct passage *p = &s->passages[i];
        if (p == skip || !is_strange(s, p))
            continue;
        w.log_odds += log_worn(s, p, w.first);
        w.first = w.first ? w.first : p;
    }
    return w;
}

/* What the day's other strange reads of the text say about this one. */
struct repeat {
    double worn;  /* weight of a stranger who wears the text */
    double again; /* weight of the vehicle misread before being misread so again */
};

static struct repeat
repeat_of(struct scene *s, struct passage *p)
{
    if (!s->wearer.known)
        s->wearer = find_wearer(s, NULL);
    struct wearer w = s->wearer;
    if (p == w.first)
        w = find_wearer(s, p);
    else if (is_strange(s, p))
        w.log_odds -= log_worn(s, p, w.first);
    double alone = w.prior * look_any(s->weigher->census, p->s);
    if (!w.first || !is_strange(s, p))
        return (struct repeat){alone, 0};
    double odds = exp(fmin(w.log_odds, 50)), is_worn = odds / (1 + odds);
    double look = look_again(s->weigher->census, w.first->s, p->s, p->site);
    double again = (1 - is_worn) * misread_again(&w.first->who) * look;
    return (struct repeat){fmax(alone, is_worn * look), again};
}

double
passage_right(struct scene *s, struct passage *p)
{
    double other = look_any(s->weigher->census, p->s);
    if (s->vehicle && !p->off &&
        !p->weighed) /* nearly all: a misread by chance of the same look */
        return 1 / (1 + p->site->misread * other);
    const struct identity *who = passage_who(s, p);
    struct repeat day = repeat_of(s, p);
    double worn = who->right + day.worn;
    return worn / (worn + who->misread + who->unknown + day.again);
}

double
passage_twin(
    struct scene *s, struct passage *p, const struct twin *t, const struct vehicle *v)
{
    const struct identity *who = passage_who(s, p);
    struct repeat day = repeat_of(s, p);
    double weight = weigh_twin(s->weigher, t, v, p->s, p->site);
    double misread = who->misread + who->unknown + (v ? 0 : weight);
    double all = who->right + misread + day.worn + day.again;
    return weight * (1 + day.again / misread) / all;
}

uint8_t
passage_contradiction(const struct scene *s, const struct passage *p)
{
    if (s->vehicle)
        return (uint8_t)look_contradiction(s->vehicle, p->s, p->site);
    return s->weigher->registry ? CONTRA_UNREGISTERED : 0;
}

struct alarm *
scene_alarm(struct scene *s, uint64_t key, uint64_t passage, struct passage *deciding)
{
    struct alarm *a = machine_alarm(s->machine);
    if (!a)
        return NULL;
    const struct sighting *d = deciding->s;
    uint64_t name = hash_span(span_cstr(s->rule->name), 0);
    a->id.v = hash_pair(hash_pair(name, key), passage);
    bool fits = span_copy(a->rule, sizeof a->rule, span_cstr(s->rule->name));
    must(fits);
    a->level = LEVEL_YELLOW;
    a->stop = true;
    a->plate = a->read = s->plate;
    a->plate_color = d->plate_color;
    a->site = d->site;
    a->pass_ms = d->pass_ms;
    a->contradiction = passage_contradiction(s, deciding);
    a->passage = passage;
    a->model = s->view->model ? model_number(s->view->model) : 0;
    a->settings = s->settings->number;
    a->registry_version =
        s->weigher->registry ? vehicle_version(s->weigher->registry) : 0;
    a->watch_version = watch_set_version(s->watches);
    return a;
}

void
alarm_add(struct alarm *a, const struct passage *p, uint8_t role)
{
    unsigned at = a->evidence_n < ALARM_EVIDENCE ? a->evidence_n++ : ALARM_EVIDENCE - 1;
    a->evidence[at].id = p->has_id ? p->id : sighting_id_of(p->s);
    a->evidence[at].read = p->s->plate;
    a->evidence[at].role = role;
    ts_ms late = p->s->arrive_ms - p->s->pass_ms;
    if (late > MINUTE_MS && late * 1000 > a->late_us)
        a->late_us = late * 1000;
    struct span id = p->s->record_id;
    if (id.n >= ALARM_RECORD_ID)
        id.n = ALARM_RECORD_ID - 1;
    bool fits = span_copy(a->evidence[at].record_id, ALARM_RECORD_ID, id);
    must(fits);
}

void
alarm_number(struct alarm *a, const char *name, double value)
{
    must(a->numbers_n < ALARM_NUMBERS);
    a->numbers[a->numbers_n].name = name;
    a->numbers[a->numbers_n++].value = value;
}

void
alarm_subject(struct alarm *a, const char *text)
{
    span_copy_fit(a->subject, sizeof a->subject, span_cstr(text));
}

void
scene_leap(struct scene *s, const struct passage *a, const struct passage *b)
{
    machine_leap(s->machine, a->s->site.v, a->pass_ms, false);
    machine_leap(s->machine, b->s->site.v, b->pass_ms, false);
}

void
scene_rests(struct scene *s, const struct passage *a, const struct passage *b)
{
    machine_leap(s->machine, a->s->site.v, a->pass_ms, true);
    machine_leap(s->machine, b->s->site.v, b->pass_ms, true);
}

bool
scene_clock_vouched(const struct scene *s, const struct passage *p, unsigned reads)
{
    return machine_vouches_clock(s->machine, p->s->site.v, p->pass_ms, reads);
}

bool
scene_clock_doubt(
    const struct scene *s, const struct passage *a, const struct passage *b)
{
    return machine_doubts_clock(s->machine, a->s->site.v, a->pass_ms) ||
           machine_doubts_clock(s->machine, b->s->site.v, b->pass_ms);
}

/* ---- gantries ---- */

uint32_t
scene_gantry(const struct scene *s, const struct passage *tag)
{
    return ground_peer(s->ground, tag->s->site.v);
}

struct passage *
scene_picture(struct scene *s, const struct passage *tag, ts_ms pair_ms)
{
    uint32_t gantry = scene_gantry(s, tag);
    for (unsigned i = 0; gantry && i < s->n; i++) {
        struct passage *p = &s->passages[i];
        ts_ms apart = p->at_ms - tag->at_ms;
        if (p->s->site.v == gantry && apart <= pair_ms && apart >= -pair_ms)
            return p;
    }
    return NULL;
}

bool
scene_other(
    struct scene *s, const struct passage *tag, ts_ms pair_ms, ts_ms lane_ms,
    struct passage *out)
{
    uint32_t gantry = scene_gantry(s, tag);
    struct beside b;
    if (!gantry || !beside_read(s->machine, s->ground, s->view, gantry, tag->at_ms, &b))
        return false;
    const struct beside_row *c = beside_other(&b, tag->s, tag->at_ms, pair_ms, lane_ms);
    if (!c)
        return false;
    *out = (struct passage){
        .s = &c->s,
        .at_ms = c->at_ms,
        .pass_ms = c->s.pass_ms,
        .key = hash_pair(gantry, (uint64_t)c->s.pass_ms),
        .site = view_site(s->view, gantry),
        .reads = 1,
        .in_day = tag->in_day,
        .off = s->vehicle ? look_off(s->vehicle, &c->s) : 0,
    };
    return true;
}

bool
leap_is_impossible(
    const struct view *v, ts_ms from_ms, uint32_t from, ts_ms to_ms, uint32_t to,
    double margin, double max_kmh, struct leap *out)
{
    double gap = fabs((double)(to_ms - from_ms));
    if (out)
        *out = (struct leap){.gap_ms = gap};
    if (from == to || gap > LOOKBACK_MS)
        return false;
    double a = view_site(v, from)->sd_ms, b = view_site(v, to)->sd_ms;
    struct leap leap = {
        .gap_ms = gap,
        .least_ms = view_least_ms(v, from, to, margin, max_kmh),
        .sd_ms = sqrt(a * a + b * b)};
    if (out)
        *out = leap;
    return gap + CLOCK_SDS * leap.sd_ms + CLOCK_FLOOR_MS < leap.least_ms;
}

bool
leap_is_odd(const struct leap *leap)
{
    double slack = fmin(CLOCK_SDS * leap->sd_ms, ODD_SLACK_MS) + CLOCK_FLOOR_MS;
    return leap->gap_ms + slack < leap->least_ms;
}

bool
unread_near(const struct view *v, uint32_t a, uint32_t b)
{
    const struct site_row *x = view_site(v, a), *y = view_site(v, b);
    return a != b && x->placed && y->placed && view_dist_m(v, a, b) <= UNREAD_REACH_M;
}
