/* SPDX-License-Identifier: Apache-2.0 */
/* From vehicles to candidates: whether each can have been at the place inside the span,
 * and how much more what is known fits it than any other.
 *
 *   hits of one plate ... a ... b ...
 *       a, b one after the other, less than 25 minutes apart   up = a, down = b
 *       a, then nothing                                        up = a: gone
 *       nothing, then b                                        down = b: appeared
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/flight_own.h"

#define DETOUR_M 120.0    /* a detour this long makes the place e times less likely */
#define DETOUR_SHARE 0.08 /* ... plus this of the way: roads bend */
#define AHEAD_PLACE 0.3   /* a way this likely past the place counts as past it */
#define THERE_LEAST 0.02  /* place and time together */
#define SURE_MS 10000.0   /* clocks and ends of spans */
#define CLOCK_MAX_MS 20000.0
#define STOPPED 0.65    /* of those who hit somebody and drive on */
#define STOP_MS 75000.0 /* median of their delay, and its spread */
#define STOP_SPREAD 0.8
#define ELSE_STOPS 0.04 /* of the others stop for reasons of their own */
#define ELSE_STOP_MS 300000.0
#define GONE_GUILTY 0.15
#define APPEARED_GUILTY 0.06
#define MISSED 0.04 /* share of vehicles that no camera gives a whole plate of */
#define CHANGED 6.0
#define PLATE_GUILTY 0.93
#define CHARACTER (1.0 / 24)
#define PSEUDO 20.0
#define STRIKING 3.0

struct shares { /* how common what is known is among the vehicles around */
    double class_same, class_near, color_same, color_near, brand_same, plate;
};

/* ---- the span ---- */

/* How much an instant counts: the middle of the span most; a little beyond its ends,
 * where clocks may be to blame. */
static double
span_weight(const struct flight_ask *q, double at, double slack)
{
    double half = (double)(q->to - q->from) / 2, middle = (double)q->from + half;
    double off = fabs(at - middle), outside = off - half;
    double w = exp(-0.5 * pow(fmin(off, half) / (0.7 * half), 2));
    return outside <= 0 ? w : w * exp(-0.5 * pow(outside / slack, 2));
}

/* The mean over [lo, hi]; *best: the instant that counts most. */
static double
interval_weight(
    const struct flight_ask *q, double lo, double hi, double slack, ts_ms *best)
{
    double sum = 0, most = -1;
    for (int i = 0; i < 9; i++) {
        double at = lo + (hi - lo) * i / 8, w = span_weight(q, at, slack);
        sum += w;
        if (w > most) {
            most = w;
            *best = (ts_ms)at;
        }
    }
    return sum / 9;
}

static double
slack_ms(const struct flight_work *w, unsigned a, unsigned b)
{
    double clock = hypot(w->place[a].sd_ms, w->place[b].sd_ms);
    return SURE_MS + fmin(clock, CLOCK_MAX_MS);
}

/* ---- the place ---- */

/* Does the way from a to b lead past the place? */
static double
place_weight(const struct flight_work *w, unsigned a, unsigned b)
{
    double straight = flight_dist_m(w, a, b);
    double detour = w->place[a].dist_m + w->place[b].dist_m - straight;
    return exp(-fmax(detour, 0) / (DETOUR_M + DETOUR_SHARE * straight));
}

static double
part_before(const struct flight_work *w, unsigned a, unsigned b)
{
    double da = w->place[a].dist_m, db = w->place[b].dist_m;
    return da + db > 0 ? da / (da + db) : 0.5;
}

static double
least_ms(const struct flight_work *w, unsigned a, unsigned b)
{
    double learned = w->needs->least_ms(w->needs->ctx, w->place[a].id, w->place[b].id);
    return learned > 0 ? learned : flight_dist_m(w, a, b) * w->links.ms_per_m * 0.45;
}

/* What is usual from a by the place to b. */
static double
usual_ms(const struct flight_work *w, unsigned a, unsigned b)
{
    const struct flight_link *k = flight_link_find(&w->links, a, b);
    return k ? k->usual_ms
             : (w->place[a].dist_m + w->place[b].dist_m) * w->links.ms_per_m;
}

/* ---- lateness ---- */

static double
normal(double z)
{
    return exp(-0.5 * z * z) / 2.5066;
}

/* Densities per millisecond of the logarithmic gap: who drove on, who stopped. */
static double
drove_on(double gap, double usual, double spread)
{
    double z = log(fmax(gap, 1) / usual) / spread;
    double stop = gap > usual ? exp(-(gap - usual) / ELSE_STOP_MS) / ELSE_STOP_MS : 0;
    return (1 - ELSE_STOPS) * normal(z) / (spread * fmax(gap, 1)) + ELSE_STOPS * stop;
}

static double
stopped(double gap, double usual, double spread)
{
    /* The stop on top of a drive that itself varies: seven points of the drive. */
    double sum = 0, weight = 0;
    for (int i = -3; i <= 3; i++) {
        double z = i * 0.75, rest = gap - usual * exp(z * spread), w = normal(z);
        weight += w;
        if (rest > 1000)
            sum += w * normal(log(rest / STOP_MS) / STOP_SPREAD) / (STOP_SPREAD * rest);
    }
    return sum / weight;
}

static double
late_ratio(double gap, double usual, double spread)
{
    double on = drove_on(gap, usual, spread);
    return ((1 - STOPPED) * on + STOPPED * stopped(gap, usual, spread)) /
           fmax(on, 1e-12);
}

/* ---- one step of one vehicle ---- */

static void
weigh_step(
    const struct flight_work *w, const struct flight_hit *a, const struct flight_hit *b,
    struct flight_candidate *c)
{
    double gap = (double)(b->at - a->at), part = part_before(w, a->site, b->site);
    double least = fmin(least_ms(w, a->site, b->site), gap);
    const struct flight_link *k = flight_link_find(&w->links, a->site, b->site);
    double usual = usual_ms(w, a->site, b->site);
    c->up = a->s;
    c->down = b->s;
    c->took_ms = (uint32_t)gap;
    c->ratio[FLIGHT_PLACE] = (float)place_weight(w, a->site, b->site);
    c->ratio[FLIGHT_TIME] = (float)interval_weight(
        w->ask, (double)a->at + part * least, (double)b->at - (1 - part) * least,
        slack_ms(w, a->site, b->site), &c->at_ms);
    c->slower = 1;
    if (k) {
        c->usual_ms = (uint32_t)k->usual_ms;
        c->others = k->n - 1;
        c->slower = flight_link_slower(&w->links, k, gap);
    }
    c->ratio[FLIGHT_LATE] =
        (float)late_ratio(gap, fmax(usual, 1000), k ? k->spread : 0.6);
}

/* Only one of the two: the other side is what is usual. */
static void
weigh_half(
    const struct flight_work *w, const struct flight_hit *h, bool up,
    struct flight_candidate *c)
{
    const struct flight_place *p = &w->place[h->site];
    double way = p->dist_m * w->links.ms_per_m;
    double near = up ? 0.5 : -0.5, far = up ? 2.5 : -2.5;
    double lo = (double)h->at + way * near, hi = (double)h->at + way * far;
    c->ratio[FLIGHT_PLACE] = (float)(up ? p->ahead : p->behind);
    c->ratio[FLIGHT_TIME] = (float)interval_weight(
        w->ask, fmin(lo, hi), fmax(lo, hi), slack_ms(w, h->site, h->site), &c->at_ms);
    if (up) {
        double gone = 1 - (p->followed + 1.0) / (p->passes + 2.0);
        c->up = h->s;
        c->ratio[FLIGHT_GONE] = (float)(GONE_GUILTY / fmax(gone, 0.02));
    } else {
        double fresh = 1 - (p->followed_by + 1.0) / (p->passes + 2.0);
        c->down = h->s;
        c->ratio[FLIGHT_GONE] = (float)(APPEARED_GUILTY / fmax(fresh, 0.02));
    }
}

static double
there(const struct flight_candidate *c)
{
    return c->ratio[FLIGHT_PLACE] * c->ratio[FLIGHT_TIME];
}

static struct flight_candidate
nobody(struct plate plate)
{
    struct flight_candidate c = {.plate = plate};
    for (int i = 0; i < FLIGHT_REASONS; i++)
        c.ratio[i] = 1;
    return c;
}

/* The step of a vehicle at which it can best have been there. */
static struct flight_candidate
best_of(const struct flight_work *w, const struct flight_hit *h, size_t n)
{
    struct flight_candidate best = nobody(h->s->plate);
    double most = -1;
    for (size_t i = 0; i <= n; i++) {
        struct flight_candidate c = nobody(h->s->plate);
        bool before = i > 0, after = i < n;
        bool step = before && after && h[i].at - h[i - 1].at < FLIGHT_STEP_MS;
        if (step)
            weigh_step(w, &h[i - 1], &h[i], &c);
        else if (before)
            weigh_half(w, &h[i - 1], true, &c);
        else
            weigh_half(w, &h[i], false, &c);
        double score = there(&c) * c.ratio[FLIGHT_LATE] * c.ratio[FLIGHT_GONE];
        if (before && after && !step) { /* it came back later: both sides count */
            struct flight_candidate d = nobody(h->s->plate);
            weigh_half(w, &h[i], false, &d);
            if (there(&d) * d.ratio[FLIGHT_GONE] > score) {
                c = d;
                score = there(&d) * d.ratio[FLIGHT_GONE];
            }
        }
        if (score > most) {
            most = score;
            best = c;
        }
    }
    return best;
}

/* ---- where those who pass a site go on to ---- */

static void
learn_flow(struct flight_work *w)
{
    double ahead[FLIGHT_SITES] = {0}, behind[FLIGHT_SITES] = {0};
    uint32_t n[FLIGHT_SITES] = {0};
    for (size_t i = 0; i < w->hits_n; i++) {
        const struct flight_hit *a = &w->hit[i], *b = a + 1;
        n[a->site]++;
        bool step = i + 1 < w->hits_n && b->plate == a->plate &&
                    b->at - a->at < FLIGHT_STEP_MS && a->site != b->site;
        if (!step)
            continue;
        double past = place_weight(w, a->site, b->site);
        w->place[a->site].followed++;
        w->place[b->site].followed_by++;
        ahead[a->site] += past > AHEAD_PLACE ? past : 0;
        behind[b->site] += past > AHEAD_PLACE ? past : 0;
    }
    for (size_t i = 0; i < w->places_n; i++) {
        struct flight_place *p = &w->place[i];
        p->passes = n[i];
        p->ahead = ahead[i] / (p->followed + 1.0);
        p->behind = behind[i] / (p->followed_by + 1.0);
    }
}

/* ---- the look ---- */

enum fit { UNREAD, OFF, NEAR, SAME };

static enum fit
better(enum fit a, enum fit b)
{
    return a > b ? a : b;
}

static enum fit
class_fit(code3 asked, const struct sighting *s)
{
    if (!s || !s->vehicle_class)
        return UNREAD;
    return s->vehicle_class == asked               ? SAME
           : class_agrees(asked, s->vehicle_class) ? NEAR
                                                   : OFF;
}

static enum fit
color_fit(uint8_t asked, const struct sighting *s)
{
    if (!s || !s->vehicle_color)
        return UNREAD;
    return s->vehicle_color == asked               ? SAME
           : color_agrees(asked, s->vehicle_color) ? NEAR
                                                   : OFF;
}

static enum fit
brand_fit(code3 asked, const struct sighting *s)
{
    return !s || !s->brand ? UNREAD : s->brand == asked ? SAME : OFF;
}

static void
learn_shares(
    const struct flight_work *w, const struct flight_candidate *c, size_t n,
    struct shares *out)
{
    double class_n = 2, color_n = 2, brand_n = 2, plate_n = 0;
    double class_same = 0.4, class_near = 0.4, color_same = 0.3, color_near = 0.3,
           brand_same = 0.1;
    for (size_t i = 0; i < n; i++) {
        enum fit k = better(
            class_fit(w->ask->vehicle_class, c[i].up),
            class_fit(w->ask->vehicle_class, c[i].down));
        enum fit l = better(
            color_fit(w->ask->vehicle_color, c[i].up),
            color_fit(w->ask->vehicle_color, c[i].down));
        enum fit m = better(
            brand_fit(w->ask->brand, c[i].up), brand_fit(w->ask->brand, c[i].down));
        class_n += k != UNREAD;
        class_same += k == SAME;
        class_near += k == NEAR;
        color_n += l != UNREAD;
        color_same += l == SAME;
        color_near += l == NEAR;
        brand_n += m != UNREAD;
        brand_same += m == SAME;
        plate_n += w->ask->pattern && plate_pattern_match(w->ask->pattern, c[i].plate);
    }
    double chance = 1;
    for (unsigned i = 0; w->ask->pattern && i < w->ask->pattern->n; i++)
        if (w->ask->pattern->code[i] != PLATE_CODE_UNREAD &&
            w->ask->pattern->code[i] != 127)
            chance *= CHARACTER;
    /* One of those that fit is looked for: the others show how common it is. */
    *out = (struct shares){
        .class_same = class_same / class_n,
        .class_near = class_near / class_n,
        .color_same = color_same / color_n,
        .color_near = color_near / color_n,
        .brand_same = brand_same / brand_n,
        .plate =
            (fmax(plate_n - 1, 0) + PSEUDO * fmax(chance, 1e-5)) / ((double)n + PSEUDO),
    };
}

static float
ratio_of(enum fit fit, double same, double near, double guilty_same, double guilty_near)
{
    double off = fmax(1 - same - near, 0.02);
    switch (fit) {
    case SAME:
        return (float)(guilty_same / fmax(same, 0.005));
    case NEAR:
        return (float)(guilty_near / fmax(near, 0.02));
    case OFF:
        return (float)((1 - guilty_same - guilty_near) / off);
    case UNREAD:
        break;
    }
    return 1;
}

static void
weigh_look(
    const struct flight_work *w, const struct shares *s, struct flight_candidate *c)
{
    const struct flight_ask *q = w->ask;
    enum fit class = better(
        class_fit(q->vehicle_class, c->up), class_fit(q->vehicle_class, c->down));
    enum fit color = better(
        color_fit(q->vehicle_color, c->up), color_fit(q->vehicle_color, c->down));
    enum fit brand = better(brand_fit(q->brand, c->up), brand_fit(q->brand, c->down));
    if (q->vehicle_class)
        c->ratio[FLIGHT_CLASS] =
            ratio_of(class, s->class_same, s->class_near, 0.82, 0.13);
    if (q->vehicle_color)
        c->ratio[FLIGHT_COLOR] =
            ratio_of(color, s->color_same, s->color_near, 0.82, 0.13);
    if (q->brand)
        c->ratio[FLIGHT_BRAND] = ratio_of(brand, s->brand_same, 0, 0.92, 0);
    c->look_off = (q->vehicle_class && class == OFF) ||
                  (q->vehicle_color && color == OFF) || (q->brand && brand == OFF);
    if (q->pattern) {
        bool fits = plate_pattern_match(q->pattern, c->plate);
        c->plate_off = !fits;
        c->ratio[FLIGHT_PLATE] =
            (float)(fits ? PLATE_GUILTY / s->plate : (1 - PLATE_GUILTY) / fmax(1 - s->plate, 0.05));
    }
}

/* ---- change of state ---- */

static uint8_t
changes_of(const struct sighting *up, const struct sighting *down)
{
    if (!up || !down)
        return 0;
    unsigned c = 0;
    const unsigned hidden = SIGHTING_ALTERED | SIGHTING_COVERED | SIGHTING_NO_PLATE;
    if ((down->flags & hidden & ~(unsigned)up->flags) || !plate_is_exact(down->plate))
        c |= FLIGHT_PLATE_GONE;
    if (up->vehicle_class && down->vehicle_class &&
        !class_agrees(up->vehicle_class, down->vehicle_class))
        c |= FLIGHT_CLASS_OTHER;
    if (up->vehicle_color && down->vehicle_color &&
        !color_agrees(up->vehicle_color, down->vehicle_color))
        c |= FLIGHT_COLOR_OTHER;
    if (up->brand && down->brand && up->brand != down->brand)
        c |= FLIGHT_BRAND_OTHER;
    if ((up->vehicle_class && !down->vehicle_class) || (up->brand && !down->brand) ||
        (up->vehicle_color && !down->vehicle_color))
        c |= FLIGHT_FIELD_LOST;
    return (uint8_t)c;
}

static bool
same_look(const struct sighting *a, const struct sighting *b)
{
    return a->vehicle_class && a->vehicle_class == b->vehicle_class &&
           a->vehicle_color && a->vehicle_color == b->vehicle_color &&
           (!a->brand || !b->brand || a->brand == b->brand);
}

/* A vehicle that went missing behind the place, and a pass without a whole plate of the
 * same look where and when it should have come: perhaps the same. The nearest in time
 * to what is usual. */
static void
find_unread(
    const struct flight_work *w, struct flight_candidate *c, const uint16_t *site_index)
{
    if (!c->up || c->down)
        return;
    unsigned a = site_index[c->up->site.v];
    double at = (double)c->up->pass_ms - w->place[a].offset_ms, best = 1e18;
    size_t lo = 0, hi = w->blanks_n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if ((double)w->blank[mid].at <= at)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (size_t i = lo; i < w->blanks_n; i++) {
        const struct flight_hit *b = &w->blank[i];
        double gap = (double)b->at - at;
        if (gap > (double)FLIGHT_STEP_MS)
            break;
        if (b->site == a || !same_look(c->up, b->s) ||
            place_weight(w, a, b->site) < AHEAD_PLACE ||
            gap < least_ms(w, a, b->site) * 0.8)
            continue;
        double off = fabs(log(gap / fmax(usual_ms(w, a, b->site), 1000)));
        if (off < best && off < 1.6) {
            best = off;
            c->down = b->s;
            c->took_ms = (uint32_t)gap;
        }
    }
}

static void
weigh_change(struct flight_candidate *c)
{
    c->changes = changes_of(c->up, c->down);
    if (c->changes & FLIGHT_PLATE_GONE)
        c->ratio[FLIGHT_CHANGE] = (float)CHANGED;
}

/* ---- all of them ---- */

static double
product_of(const struct flight_candidate *c)
{
    double p = 1;
    for (int i = 0; i < FLIGHT_REASONS; i++)
        p *= c->ratio[i];
    return p;
}

static int
by_probability(const void *a, const void *b)
{
    const struct flight_candidate *x = a, *y = b;
    if (x->probability != y->probability)
        return x->probability > y->probability ? -1 : 1;
    return x->plate.v < y->plate.v ? -1 : x->plate.v > y->plate.v;
}

static bool
striking(const struct flight_candidate *c)
{
    return c->ratio[FLIGHT_LATE] >= STRIKING || c->changes & FLIGHT_PLATE_GONE ||
           (c->up && !c->down);
}

static void
count_steps(const struct flight_candidate *c, struct flight *out)
{
    out->steps[FLIGHT_THERE]++;
    out->steps[FLIGHT_FITS] += !c->look_off;
    out->steps[FLIGHT_NUMBER] += !c->look_off && !c->plate_off;
    out->steps[FLIGHT_STRIKING] += !c->look_off && !c->plate_off && striking(c);
}

static void
settle(struct flight_work *w, struct flight_candidate *c, size_t n, struct flight *out)
{
    struct shares shares;
    double sum = 0, base = 0;
    uint16_t *index = arena_array(w->arena, w->needs->sites->n + 1, sizeof *index);
    learn_shares(w, c, n, &shares);
    for (size_t i = 0; index && i < w->places_n; i++)
        index[w->place[i].id.v] = (uint16_t)i;
    for (size_t i = 0; i < n; i++) {
        weigh_look(w, &shares, &c[i]);
        if (index)
            find_unread(w, &c[i], index);
        weigh_change(&c[i]);
        count_steps(&c[i], out);
        base += there(&c[i]);
        c[i].probability = product_of(&c[i]);
        sum += c[i].probability;
    }
    double unseen = fmax(MISSED * base, 1e-9);
    for (size_t i = 0; i < n; i++)
        c[i].probability /= sum + unseen;
    out->unseen = unseen / (sum + unseen);
    if (n > 1)
        qsort(c, n, sizeof *c, by_probability);
    size_t limit = w->ask->limit ? w->ask->limit : FLIGHT_LIMIT;
    out->candidates = c;
    out->considered = (uint32_t)n;
    out->n = n < limit ? n : limit;
}

enum err
flight_rank(struct flight_work *w, struct flight *out)
{
    size_t vehicles = 0, n = 0;
    for (size_t i = 0; i < w->hits_n; i++)
        vehicles += i == 0 || w->hit[i].plate != w->hit[i - 1].plate;
    struct flight_candidate *c = arena_array(w->arena, vehicles + 1, sizeof *c);
    if (!c)
        return ERR_TOOBIG;
    learn_flow(w);
    for (size_t i = 0, j; i < w->hits_n; i = j) {
        for (j = i; j < w->hits_n && w->hit[j].plate == w->hit[i].plate; j++)
            ;
        struct flight_candidate best = best_of(w, &w->hit[i], j - i);
        if (there(&best) >= THERE_LEAST)
            c[n++] = best;
    }
    out->steps[FLIGHT_AROUND] = (uint32_t)vehicles;
    settle(w, c, n, out);
    return OK;
}
