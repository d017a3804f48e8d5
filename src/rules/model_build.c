/* SPDX-License-Identifier: Apache-2.0 */
/* Learning from a day of records. Every exact read is compared with the registry, which
 * gives the error rates; the ways of a sample of plates give, for each pair of sites,
 * how long vehicles took in each direction, from which come the clocks (half the
 * difference of the two directions) and the least travel times. */
#include <math.h>
#include <stdlib.h>

#include "core/hash.h"
#include "rules/identity.h"
#include "rules/models_own.h"

#define STEPS_MAX ((size_t)1 << 21) /* sampled passes kept */
#define LINK_MS (8 * MINUTE_MS)     /* longer gaps are stops, not travel */
#define ROUNDS 6
#define PAIR_READS 12u /* passages that make a pair of sites usable for clocks */
#define EDGE_READS 8u  /* ... for a least time */
#define LOW_SHARE 0.02 /* quantile that counts as the least time */
/* Quantile of travel that is compared between the directions. */
#define CLOCK_SHARE 0.25
#define SD_FLOOR_MS 700.0
#define CLOCK_PRIOR_MS 30000.0 /* a vote for being right */
/* Added to the deviation of each vote, so that no single neighbour, itself wrong,
 * decides. */
#define SHARED_MS 6000.0
#define RIGHT_SDS 2.5       /* clocks that may be right are taken as right: most are */
#define CLOCK_SYNC_MS 500.0 /* error of a clock that is right */
#define CLOCK_WRONG_MS 60000.0 /* ... of one that is wrong */
#define CLOCK_RIGHT 0.9        /* share of right clocks thought usual, ... */
#define CLOCK_TRUST 20.0       /* ... worth so many measured ones */
#define SITE_PRIOR 3000.0      /* reads' worth of trust in the city's mean rates */
#define MOVED_KMH 150.0
#define BUILD_DAYS 32
#define DAY_SHARE 0.2 /* of the fullest day: less is a piece of a day */

struct tally {
    uint32_t reads, exact, registered, one_off, many_off, misread;
    uint32_t colored, color_right;
};

struct step { /* one sampled pass */
    uint64_t plate;
    ts_ms at_ms;
    uint32_t site;
};

struct link {      /* two passes of one plate one after the other */
    uint64_t pair; /* from << 32 | to */
    int32_t gap_ms;
};

struct lag { /* what one pair says of two clocks: clock(to) - clock(from) */
    uint32_t from, to;
    double lag_ms, sd_ms;
};

/* How travel times go with straight-line distances, learned where both directions were
 * seen. */
struct pace {
    double ms_per_m, spread; /* relative, one standard deviation */
};

struct model_build {
    const struct model *before;
    const struct site_table *sites;
    const struct vehicle_index *registry;
    const struct zone *zone;
    uint32_t sites_n;
    struct census census;
    struct twin_table twins;
    struct tally *tally;      /* sites_n + 1 */
    struct habit_day *habit;  /* sites_n + 1; [0] is the sum of all */
    int64_t days[BUILD_DAYS]; /* civil days met, and passes of each */
    uint64_t days_n[BUILD_DAYS];
    struct model_prefix *prefixes;
    struct step *steps;
    size_t steps_n, steps_room;
    uint64_t sample; /* plates whose hash has these low bits clear are sampled */
    uint64_t *bloom;
    uint64_t bloom_bits;
    double *offset; /* milliseconds, sites_n + 1 */
    double *offset_sd;
    struct link *links;
    size_t links_n;
    struct lag *lags;
    size_t lags_n;
    struct pace pace;
};

enum err
model_build_new(
    const struct model *before, const struct site_table *sites,
    const struct vehicle_index *registry, const struct zone *zone,
    struct model_build **out)
{
    struct model_build *b = calloc(1, sizeof *b);
    if (!b)
        return ERR_NOMEM;
    b->before = before;
    b->sites = sites;
    b->zone = zone;
    b->registry = registry && vehicle_count(registry) ? registry : NULL;
    b->sites_n = sites ? sites->n : 0;
    uint64_t plates = b->registry ? vehicle_count(b->registry) : 100000;
    for (b->bloom_bits = 1 << 16; b->bloom_bits < plates * 10; b->bloom_bits *= 2)
        ;
    b->tally = calloc((size_t)b->sites_n + 1, sizeof *b->tally);
    b->habit = calloc((size_t)b->sites_n + 1, sizeof *b->habit);
    b->prefixes = calloc(MODEL_PREFIXES, sizeof *b->prefixes);
    b->bloom = calloc(b->bloom_bits / 64, 8);
    b->offset = calloc((size_t)b->sites_n + 1, sizeof *b->offset);
    b->offset_sd = calloc((size_t)b->sites_n + 1, sizeof *b->offset_sd);
    twin_table_init(&b->twins);
    if (!b->tally || !b->habit || !b->prefixes || !b->bloom || !b->offset ||
        !b->offset_sd || census_init(&b->census) != OK) {
        model_build_free(b);
        return ERR_NOMEM;
    }
    census_take(&b->census, b->registry);
    *out = b;
    return OK;
}

void
model_build_free(struct model_build *b)
{
    if (!b)
        return;
    census_release(&b->census);
    free(b->tally);
    free(b->habit);
    free(b->prefixes);
    free(b->steps);
    free(b->bloom);
    free(b->offset);
    free(b->offset_sd);
    free(b->links);
    free(b->lags);
    free(b);
}

/* ---- counting ---- */

/* Is a registered vehicle one character away that fits the look (all attributes, or all
 * but one)? */
static bool
fits_twin(const struct model_build *b, const struct sighting *s, int off_max)
{
    struct twin twins[TWINS_MAX];
    size_t n = twins_of(&b->twins, s->plate, twins);
    for (size_t i = 0; i < n; i++) {
        const struct vehicle *v = vehicle_find(b->registry, twins[i].plate, 0);
        if (v && __builtin_popcount(look_off(v, s)) <= off_max)
            return true;
    }
    return false;
}

static void
count_registered(
    struct model_build *b, struct tally *t, const struct vehicle *v,
    const struct sighting *s)
{
    int off = __builtin_popcount(look_off(v, s));
    if (off >= 2 && fits_twin(b, s, 0)) {
        t->misread++;
        return;
    }
    t->registered++;
    t->one_off += off == 1;
    t->many_off += off >= 2;
    if (s->plate_color && v->plate_color) {
        t->colored++;
        t->color_right += s->plate_color == v->plate_color;
    }
}

static void
count_row(struct model_build *b, const struct sighting *s)
{
    struct tally *t = &b->tally[s->site.v <= b->sites_n ? s->site.v : 0];
    t->reads++;
    if (!plate_is_exact(s->plate))
        return;
    t->exact++;
    if (!b->registry)
        return;
    const struct vehicle *v = vehicle_find(b->registry, s->plate, 0);
    struct model_prefix *prefix = &b->prefixes[model_prefix_of(s->plate)];
    if (v) {
        count_registered(b, t, v, s);
        prefix->registered++;
        model_bloom_put(b->bloom, b->bloom_bits, s->plate);
    } else if (fits_twin(b, s, 1)) {
        t->misread++;
    } else {
        prefix->foreign++;
    }
}

static void
count_day(struct model_build *b, ts_ms at)
{
    int64_t day = civil_day(at, b->zone);
    for (unsigned i = 0; i < BUILD_DAYS; i++) {
        if (b->days_n[i] && b->days[i] != day)
            continue;
        b->days[i] = day;
        b->days_n[i]++;
        return;
    }
}

static void
count_habit(struct model_build *b, const struct sighting *s)
{
    habit_count(&b->habit[0], b->zone, s);
    if (s->site.v && s->site.v <= b->sites_n)
        habit_count(&b->habit[s->site.v], b->zone, s);
    count_day(b, s->pass_ms);
}

/* Halves the sample when it has grown too large. */
static void
thin_steps(struct model_build *b)
{
    size_t kept = 0;
    b->sample = b->sample << 1 | 1;
    for (size_t i = 0; i < b->steps_n; i++)
        if (!(hash_u64(b->steps[i].plate) >> 20 & b->sample))
            b->steps[kept++] = b->steps[i];
    b->steps_n = kept;
}

static enum err
keep_step(struct model_build *b, const struct sighting *s)
{
    if (!plate_is_exact(s->plate) || s->site.v == 0 || s->site.v > b->sites_n ||
        (hash_u64(s->plate.v) >> 20 & b->sample))
        return OK;
    if (b->steps_n == STEPS_MAX)
        thin_steps(b);
    if (b->steps_n == b->steps_room) {
        size_t room = b->steps_room ? b->steps_room * 2 : 65536;
        struct step *steps = realloc(b->steps, room * sizeof *steps);
        if (!steps)
            return ERR_NOMEM;
        b->steps = steps;
        b->steps_room = room;
    }
    b->steps[b->steps_n++] = (struct step){s->plate.v, s->pass_ms, s->site.v};
    return OK;
}

enum err
model_build_rows(struct model_build *b, const struct sighting *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].flags & SIGHTING_TAG) {
            /* A radio misreads no character and sees no look; its flow is its own. */
            if (rows[i].site.v && rows[i].site.v <= b->sites_n)
                habit_count(&b->habit[rows[i].site.v], b->zone, &rows[i]);
            continue;
        }
        count_row(b, &rows[i]);
        count_habit(b, &rows[i]);
        enum err e = keep_step(b, &rows[i]);
        if (e)
            return e;
    }
    return OK;
}

/* ---- clocks ---- */

static int
by_plate_time(const void *a, const void *b)
{
    const struct step *x = a, *y = b;
    if (x->plate != y->plate)
        return x->plate < y->plate ? -1 : 1;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return x->site < y->site ? -1 : x->site > y->site;
}

static int
by_pair_gap(const void *a, const void *b)
{
    const struct link *x = a, *y = b;
    if (x->pair != y->pair)
        return x->pair < y->pair ? -1 : 1;
    return x->gap_ms < y->gap_ms ? -1 : x->gap_ms > y->gap_ms;
}

/* Steps in order of plate and corrected time, then all gaps, grouped by pair and
 * sorted. `change` is what the offsets moved since the last call. */
static void
make_links(struct model_build *b, const double *change)
{
    for (size_t i = 0; i < b->steps_n; i++)
        b->steps[i].at_ms -= llround(change[b->steps[i].site]);
    if (b->steps_n)
        qsort(b->steps, b->steps_n, sizeof *b->steps, by_plate_time);
    b->links_n = 0;
    for (size_t i = 1; i < b->steps_n; i++) {
        const struct step *x = &b->steps[i - 1], *y = &b->steps[i];
        ts_ms gap = y->at_ms - x->at_ms;
        if (x->plate != y->plate || x->site == y->site || gap > LINK_MS)
            continue;
        bool up = x->site < y->site;
        uint64_t pair =
            up ? (uint64_t)x->site << 32 | y->site : (uint64_t)y->site << 32 | x->site;
        b->links[b->links_n++] = (struct link){pair, (int32_t)(up ? gap : -gap)};
    }
    if (b->links_n)
        qsort(b->links, b->links_n, sizeof *b->links, by_pair_gap);
}

struct group { /* links in a row */
    size_t first, n;
};

static struct group
group_at(const struct model_build *b, size_t first)
{
    struct group g = {first, 0};
    while (first + g.n < b->links_n &&
           b->links[first + g.n].pair == b->links[first].pair)
        g.n++;
    return g;
}

static double
quantile(const struct model_build *b, struct group g, double share)
{
    return b->links[g.first + (size_t)(share * (double)(g.n - 1))].gap_ms;
}

/* Where a pair's gaps fall apart into the two directions: the cut with the least spread
 * inside both parts (Otsu 1979). Not simply at zero: a clock that is wrong by more than
 * the travel time turns the order of passes round. */
static size_t
cut_of(const struct model_build *b, struct group g)
{
    double sum = 0, left = 0, best = -1;
    size_t cut = 0;
    for (size_t i = 0; i < g.n; i++)
        sum += b->links[g.first + i].gap_ms;
    for (size_t i = 0; i + 1 < g.n; i++) {
        left += b->links[g.first + i].gap_ms;
        double n = (double)(i + 1), m = (double)(g.n - i - 1);
        double apart = left / n - (sum - left) / m, between = n * m * apart * apart;
        if (between > best) {
            best = between;
            cut = i + 1;
        }
    }
    return cut;
}

static double
pair_dist_m(const struct model_build *b, uint64_t pair)
{
    const struct site *x = site_get(b->sites, (struct site_id){(uint32_t)(pair >> 32)});
    const struct site *y = site_get(b->sites, (struct site_id){(uint32_t)pair});
    return x && y && site_is_placed(x) && site_is_placed(y) ? site_dist_m(x, y) : 0;
}

/* Is it a travel time that fits the distance: at the city's pace, or, before that is
 * known, at any speed between 15 and 130 km/h? */
static bool
is_usual(const struct model_build *b, uint64_t pair, double travel_ms)
{
    double dist = pair_dist_m(b, pair);
    if (dist < 100)
        return true;
    if (b->pace.ms_per_m <= 0)
        return travel_ms > dist * 27 && travel_ms < dist * 240;
    double usual = dist * b->pace.ms_per_m;
    return travel_ms > 0.5 * usual && travel_ms < 2 * usual + 20000;
}

/* Both directions of a pair: half the sum of their signed times is the difference of
 * the clocks, if there are two directions at all: the gap between them must be as wide
 * as travel makes it. *travel_ms is the time between the sites. */
static bool
lag_of_both(
    const struct model_build *b, struct group g, struct lag *out, double *travel_ms)
{
    size_t cut = cut_of(b, g);
    struct group back = {g.first, cut}, there = {g.first + cut, g.n - cut};
    if (back.n < PAIR_READS || there.n < PAIR_READS)
        return false;
    double hi = quantile(b, there, CLOCK_SHARE),
           lo = quantile(b, back, 1 - CLOCK_SHARE);
    double edge = quantile(b, there, 0.1) - quantile(b, back, 0.9);
    double n = 1 / (1.0 / (double)there.n + 1.0 / (double)back.n),
           travel = (hi - lo) / 2;
    uint64_t pair = b->links[g.first].pair;
    if (edge < 0.6 * (hi - lo) || !is_usual(b, pair, travel))
        return false;
    *out = (struct lag){
        (uint32_t)(pair >> 32), (uint32_t)pair, (hi + lo) / 2,
        1000 + travel * (0.02 + 0.4 / sqrt(n))};
    *travel_ms = travel;
    return true;
}

/* One direction alone: what the travel time lacks against the city's usual pace. */
static bool
lag_of_one(const struct model_build *b, struct group g, struct lag *out)
{
    uint64_t pair = b->links[g.first].pair;
    double dist = pair_dist_m(b, pair), middle = quantile(b, g, 0.5);
    if (dist < 100 || dist > 3000 || b->pace.ms_per_m <= 0)
        return false;
    double travel = dist * b->pace.ms_per_m;
    if (quantile(b, g, 0.75) - quantile(b, g, 0.25) > 0.6 * travel + 10000)
        return false; /* people stop between the two: no travel time */
    double seen = quantile(b, g, middle > 0 ? CLOCK_SHARE : 1 - CLOCK_SHARE);
    *out = (struct lag){
        (uint32_t)(pair >> 32), (uint32_t)pair, seen - (middle > 0 ? travel : -travel),
        5000 + travel * fmax(b->pace.spread, 0.2)};
    return true;
}

struct vote {
    double at, weight;
};

static int
by_vote(const void *a, const void *b)
{
    const struct vote *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

static double
weighted_median(struct vote *v, size_t n)
{
    double sum = 0, half = 0;
    qsort(v, n, sizeof *v, by_vote);
    for (size_t i = 0; i < n; i++)
        sum += v[i].weight;
    for (size_t i = 0; i < n; i++) {
        half += v[i].weight;
        if (half >= sum / 2)
            return v[i].at;
    }
    return 0;
}

static void
learn_pace(struct model_build *b, struct vote *paces, size_t n)
{
    if (n < 5)
        return;
    double middle = weighted_median(paces, n);
    for (size_t i = 0; i < n; i++)
        paces[i].at = fabs(paces[i].at / middle - 1);
    b->pace = (struct pace){middle, weighted_median(paces, n) * 1.4826};
}

/* Pairs seen both ways first: they also tell the pace by which the others are judged.
 */
static bool
make_lags(struct model_build *b)
{
    struct vote *paces = malloc((b->links_n / (2 * PAIR_READS) + 1) * sizeof *paces);
    size_t n = 0;
    b->lags_n = 0;
    b->pace = (struct pace){0};
    if (!paces)
        return false;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < b->links_n;) {
            struct group g = group_at(b, i);
            struct lag *lag = &b->lags[b->lags_n];
            double travel, dist = pair_dist_m(b, b->links[i].pair);
            i += g.n;
            bool both = g.n >= 2 * PAIR_READS && lag_of_both(b, g, lag, &travel);
            if (pass == 0 && both && dist > 100 && fabs(lag->lag_ms) < travel / 4)
                paces[n++] = (struct vote){travel / dist, 1};
            b->lags_n += pass && (both || (g.n >= PAIR_READS && lag_of_one(b, g, lag)));
        }
        if (pass == 0)
            learn_pace(b, paces, n);
    }
    free(paces);
    return true;
}

/* Index of lags by site: both ends. */
struct touch {
    uint32_t *first, *lag; /* lag << 1 | (site is `to`) */
};

static bool
make_touch(const struct model_build *b, struct touch *t)
{
    size_t n = b->sites_n;
    t->first = calloc(n + 3, sizeof *t->first);
    t->lag = calloc(2 * b->lags_n + 1, sizeof *t->lag);
    if (!t->first || !t->lag)
        return false;
    for (size_t i = 0; i < b->lags_n; i++) {
        t->first[b->lags[i].from + 2]++;
        t->first[b->lags[i].to + 2]++;
    }
    for (size_t i = 0; i <= n; i++)
        t->first[i + 2] += t->first[i + 1];
    for (size_t i = 0; i < b->lags_n; i++) {
        t->lag[t->first[b->lags[i].from + 1]++] = (uint32_t)(i << 1);
        t->lag[t->first[b->lags[i].to + 1]++] = (uint32_t)(i << 1 | 1);
    }
    return true;
}

/* What each neighbour says a site's clock error is, given the neighbours' own. */
static size_t
votes_of(
    const struct model_build *b, const struct touch *t, const double *error,
    uint32_t site, struct vote *out)
{
    size_t n = 0;
    out[n++] = (struct vote){-b->offset[site], 1 / CLOCK_PRIOR_MS};
    for (uint32_t k = t->first[site]; k < t->first[site + 1]; k++) {
        const struct lag *lag = &b->lags[t->lag[k] >> 1];
        bool is_to = t->lag[k] & 1;
        uint32_t other = is_to ? lag->from : lag->to;
        out[n++] = (struct vote){
            error[other] + (is_to ? lag->lag_ms : -lag->lag_ms),
            1 / (lag->sd_ms + SHARED_MS)};
    }
    return n;
}

/* Uncertainty of the middle of the votes: as their weights say, more where they
 * contradict; 0 (nothing learned) unless at least half of them agree on it. The first
 * vote is the prior. */
static double
spread_of(struct vote *v, size_t n, double middle)
{
    double sum = 0, agree = 0, sure = 0;
    size_t agreed = 0;
    for (size_t i = 0; i < n; i++) {
        v[i].at = fabs(v[i].at - middle) * v[i].weight; /* in its own deviations */
        bool near = i > 0 && v[i].at < 2;
        sum += i > 0 ? v[i].weight : 0;
        agree += near ? v[i].weight : 0;
        sure += near ? v[i].weight * v[i].weight : 0;
        agreed += near;
    }
    if (agree < sum / 2 || (agreed < 2 && fabs(middle) > SD_FLOOR_MS))
        return 0;
    double apart = n >= 3 ? weighted_median(v, n) * 1.4826 : 1.5;
    return fmax(SD_FLOOR_MS, fmax(1, apart) / sqrt(sure));
}

/* Solves the clocks from the lags: each site takes the weighted median of its
 * neighbours' votes; most clocks are right, so everything starts at zero and stays near
 * it. */
static bool
solve_clocks(struct model_build *b, double *error)
{
    struct touch t = {0};
    struct vote *votes = malloc((2 * b->lags_n + 2) * sizeof *votes);
    bool ok = votes && make_touch(b, &t);
    for (uint32_t i = 0; ok && i <= b->sites_n; i++)
        error[i] = 0;
    for (unsigned round = 0; ok && round < 40; round++)
        for (uint32_t site = 1; site <= b->sites_n; site++) {
            size_t n = votes_of(b, &t, error, site, votes);
            if (n > 1)
                error[site] = weighted_median(votes, n);
        }
    for (uint32_t site = 1; ok && site <= b->sites_n; site++) {
        size_t n = votes_of(b, &t, error, site, votes);
        b->offset_sd[site] = n > 1 ? spread_of(votes, n, error[site]) : 0;
    }
    free(votes);
    free(t.first);
    free(t.lag);
    return ok;
}

/* Gaps between clocks leave one constant open: most clocks are right, so the middle one
 * is. */
static void
centre_clocks(struct model_build *b)
{
    struct vote *v = malloc(((size_t)b->sites_n + 1) * sizeof *v);
    size_t n = 0;
    for (uint32_t i = 1; v && i <= b->sites_n; i++)
        if (b->offset_sd[i] > 0)
            v[n++] = (struct vote){b->offset[i], 1};
    double middle = n ? weighted_median(v, n) : 0;
    for (uint32_t i = 1; i <= b->sites_n; i++)
        b->offset[i] -= middle;
    free(v);
}

/* A clock that is off by more than the travel time turns the order of passes round; so
 * correct, sort again and look again, until nothing moves. */
static bool
learn_clocks(struct model_build *b)
{
    double *error = calloc((size_t)b->sites_n + 1, sizeof *error);
    bool ok = error != NULL;
    for (uint32_t i = 1; ok && b->before && i <= b->sites_n; i++)
        b->offset[i] = error[i] = model_site(b->before, (struct site_id){i})->offset_ms;
    for (unsigned round = 0; ok && round < ROUNDS; round++) {
        make_links(b, error);
        ok = make_lags(b) && solve_clocks(b, error);
        double most = 0;
        for (uint32_t i = 1; ok && i <= b->sites_n; i++) {
            b->offset[i] += error[i];
            most = fmax(most, fabs(error[i]));
        }
        if (most < 200)
            break;
    }
    for (uint32_t i = 1; ok && i <= b->sites_n; i++)
        if (fabs(error[i]) > RIGHT_SDS * b->offset_sd[i])
            b->offset_sd[i] = 0; /* still moving: nothing is known */
    if (ok)
        make_links(b, error);
    centre_clocks(b);
    free(error);
    return ok;
}

/* ---- least times ---- */

static const struct model_edge *
edge_find(const struct model *m, uint32_t from, uint32_t to)
{
    size_t lo = 0, hi = m ? m->edges_n : 0;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        const struct model_edge *e = &m->edges[mid];
        if (e->from < from || (e->from == from && e->to < to))
            lo = mid + 1;
        else
            hi = mid;
    }
    bool hit =
        m && lo < m->edges_n && m->edges[lo].from == from && m->edges[lo].to == to;
    return hit ? &m->edges[lo] : NULL;
}

static int
by_ends(const void *a, const void *b)
{
    const struct model_edge *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

/* The i-th smallest travel time of a direction. */
static double
travel_ms(const struct model_build *b, struct group g, bool up, size_t i)
{
    return up ? b->links[g.first + i].gap_ms : -b->links[g.first + g.n - 1 - i].gap_ms;
}

static struct model_edge
edge_of(const struct model_build *b, struct group g, bool up)
{
    uint64_t pair = b->links[g.first].pair;
    uint32_t lower = (uint32_t)(pair >> 32), higher = (uint32_t)pair;
    struct model_edge e = {
        .from = up ? lower : higher, .to = up ? higher : lower, .n = (uint32_t)g.n};
    size_t at = (size_t)((double)g.n * LOW_SHARE);
    double least =
        travel_ms(b, g, up, at ? at : 1); /* the very first may be a misread */
    e.least_ds = (uint32_t)fmax(1, least / 100);
    const struct model_edge *old = edge_find(b->before, e.from, e.to);
    if (old) {
        double half = old->n / 2.0, now = e.n;
        e.least_ds =
            (uint32_t)((old->least_ds * half + e.least_ds * now) / (half + now));
        e.n += old->n / 2;
    }
    return e;
}

static size_t
add_edges(const struct model_build *b, struct group g, struct model_edge *out)
{
    struct group down = {g.first, 0};
    size_t n = 0;
    while (down.n < g.n && b->links[g.first + down.n].gap_ms < 0)
        down.n++;
    struct group up = {g.first + down.n, g.n - down.n};
    if (down.n >= EDGE_READS)
        out[n++] = edge_of(b, down, false);
    if (up.n >= EDGE_READS)
        out[n++] = edge_of(b, up, true);
    return n;
}

static bool
learn_edges(struct model_build *b, struct model *m)
{
    size_t old_n = b->before ? b->before->edges_n : 0, n = 0;
    m->edges = malloc((b->links_n / EDGE_READS + old_n + 2) * sizeof *m->edges);
    if (!m->edges)
        return false;
    for (size_t i = 0; i < b->links_n;) {
        struct group g = group_at(b, i);
        i += g.n;
        n += add_edges(b, g, &m->edges[n]);
    }
    size_t fresh = n;
    for (size_t i = 0; i < old_n; i++) {
        struct model_edge e = b->before->edges[i];
        struct model_edge key = {.from = e.from, .to = e.to};
        e.n /= 2;
        if (e.n >= EDGE_READS / 2 && e.from <= b->sites_n && e.to <= b->sites_n &&
            !bsearch(&key, m->edges, fresh, sizeof e, by_ends))
            m->edges[n++] = e;
    }
    if (n)
        qsort(m->edges, n, sizeof *m->edges, by_ends);
    m->edges_n = n;
    return true;
}

/* A site whose listed position makes the least times of many of its ways absurd stands
 * elsewhere. */
static void
find_moved(const struct model_build *b, struct model *m)
{
    uint32_t *ways = calloc((size_t)b->sites_n + 1, sizeof *ways);
    uint32_t *absurd = calloc((size_t)b->sites_n + 1, sizeof *absurd);
    for (size_t i = 0; ways && absurd && i < m->edges_n; i++) {
        const struct model_edge *e = &m->edges[i];
        const struct site *x = site_get(b->sites, (struct site_id){e->from});
        const struct site *y = site_get(b->sites, (struct site_id){e->to});
        if (!x || !y || !site_is_placed(x) || !site_is_placed(y) ||
            e->n < 2 * EDGE_READS)
            continue;
        double kmh = site_dist_m(x, y) * 36 / e->least_ds;
        ways[e->from]++;
        ways[e->to]++;
        absurd[e->from] += kmh > MOVED_KMH;
        absurd[e->to] += kmh > MOVED_KMH;
    }
    for (uint32_t i = 1; ways && absurd && i <= b->sites_n; i++)
        m->sites[i].moved = absurd[i] >= 2 && absurd[i] * 3 >= ways[i];
    free(ways);
    free(absurd);
}

/* ---- rates ---- */

static float
blend(double count, double of, double mean)
{
    return (float)((count + SITE_PRIOR * mean) / (of + SITE_PRIOR));
}

static struct tally
total_of(const struct model_build *b)
{
    struct tally sum = {0};
    for (uint32_t i = 0; i <= b->sites_n; i++) {
        const struct tally *t = &b->tally[i];
        sum.reads += t->reads;
        sum.exact += t->exact;
        sum.registered += t->registered;
        sum.one_off += t->one_off;
        sum.many_off += t->many_off;
        sum.misread += t->misread;
    }
    return sum;
}

static double
share_of(uint32_t part, uint32_t whole, double without)
{
    return whole ? (double)part / whole : without;
}

static void
learn_rates(const struct model_build *b, struct model *m)
{
    const struct site_model *was = model_site(b->before, (struct site_id){0});
    struct tally sum = total_of(b);
    bool known = b->registry && sum.exact >= 10000;
    double misread = known ? share_of(sum.misread, sum.exact, 0) : was->misread;
    double one = known ? share_of(sum.one_off, sum.registered, 0) : was->one_off;
    double many = known ? share_of(sum.many_off, sum.registered, 0) : was->many_off;
    double unread = 1 - share_of(sum.exact, sum.reads, 1 - was->unread);
    for (uint32_t i = 0; i <= b->sites_n; i++) {
        const struct tally *t = &b->tally[i];
        struct site_model *s = i ? &m->sites[i] : &m->rest;
        uint32_t exact = i ? t->exact : 0, right = i ? t->registered : 0;
        s->misread = fmaxf(
            blend(known && i ? t->misread : 0, known ? exact : 0, misread), 1e-4F);
        s->one_off =
            fmaxf(blend(known && i ? t->one_off : 0, known ? right : 0, one), 1e-3F);
        s->many_off =
            fmaxf(blend(known && i ? t->many_off : 0, known ? right : 0, many), 2e-5F);
        s->unread = blend(i ? t->reads - t->exact : 0, i ? t->reads : 0, unread);
        s->reads = exact;
        s->color_trusted =
            i && t->colored >= 50 && t->color_right * 20 >= t->colored * 19;
    }
}

/* Density of a normal error, up to a constant. */
static double
density(double at, double sd)
{
    return exp(-0.5 * at * at / (sd * sd)) / sd;
}

/* Probability that a clock is right (synchronised, as most are) and not wrong by tens
 * of seconds, when it was measured at `at` with deviation sd. */
static double
right_given(double share, double at, double sd)
{
    double right = share * density(at, hypot(sd, CLOCK_SYNC_MS));
    double wrong = (1 - share) * density(at, hypot(sd, CLOCK_WRONG_MS));
    return right / (right + wrong);
}

/* Share of clocks that are right, which the measurements themselves tell
 * (expectation-maximisation; some reads' worth of trust in the usual share). */
static double
share_right(const struct model_build *b)
{
    double share = CLOCK_RIGHT;
    for (unsigned round = 0; round < 20; round++) {
        double sum = CLOCK_RIGHT * CLOCK_TRUST, n = CLOCK_TRUST;
        for (uint32_t i = 1; i <= b->sites_n; i++)
            if (b->offset_sd[i] > 0) {
                sum += right_given(share, b->offset[i], b->offset_sd[i]);
                n++;
            }
        share = sum / n;
    }
    return share;
}

static void
set_clock(const struct model_build *b, uint32_t i, double share, struct site_model *s)
{
    double sd = b->offset_sd[i];
    if (sd <= 0)
        return; /* no neighbour to compare with */
    s->right = (float)right_given(share, b->offset[i], sd);
    if (fabs(b->offset[i]) > RIGHT_SDS * sd) {
        s->offset_ms = (int32_t)lround(b->offset[i]);
        s->right = 0;
    } else {
        sd = hypot(sd, b->offset[i] / 2);
    }
    if (b->before) { /* a clock that jumped lately may jump again */
        const struct site_model *was = model_site(b->before, (struct site_id){i});
        if (was->reads)
            sd = fmax(sd, abs(s->offset_ms - was->offset_ms) * 0.3);
    }
    s->offset_sd_ms = (uint32_t)lround(sd);
}

static void
set_clocks(const struct model_build *b, struct model *m)
{
    double share = share_right(b);
    for (uint32_t i = 1; i <= b->sites_n; i++)
        set_clock(b, i, share, &m->sites[i]);
}

/* Whole days of each kind among the rows, and the last of them. */
static int64_t
count_kinds(const struct model_build *b, unsigned kinds[HABIT_KINDS])
{
    uint64_t most = 0;
    int64_t last = INT64_MIN;
    for (unsigned i = 0; i < BUILD_DAYS; i++)
        most = b->days_n[i] > most ? b->days_n[i] : most;
    for (unsigned i = 0; i < BUILD_DAYS && b->days_n[i]; i++) {
        if ((double)b->days_n[i] < DAY_SHARE * (double)most)
            continue;
        kinds[habit_kind(b->days[i])]++;
        last = b->days[i] > last ? b->days[i] : last;
    }
    return last;
}

/* After the clocks and rates: they belong to the day's memory. */
static void
learn_habits(const struct model_build *b, struct model *m)
{
    unsigned kinds[HABIT_KINDS] = {0};
    int64_t last = count_kinds(b, kinds);
    for (uint32_t i = 0; i <= b->sites_n; i++) {
        struct site_habit *h = &m->habits[i];
        if (b->before && i <= b->before->sites_n)
            *h = b->before->habits[i];
        habit_learn(h, &b->habit[i], kinds);
        const struct tally *t = &b->tally[i];
        if (i == 0 || t->reads == 0)
            continue;
        struct habit_past day = {
            .day = (int32_t)last,
            .reads = t->reads,
            .unread = (float)(t->reads - t->exact) / (float)t->reads,
            .offset_ms = m->sites[i].offset_ms,
            .offset_sd_ms = b->offset_sd[i] > 0 ? m->sites[i].offset_sd_ms : 0,
        };
        habit_remember(h, &day);
    }
}

static bool
hand_over(struct model_build *b, struct model *m)
{
    for (unsigned i = 0; i < MODEL_PREFIXES; i++) {
        struct model_prefix was = {0};
        if (b->before)
            was = b->before->prefixes[i];
        m->prefixes[i].registered = b->prefixes[i].registered + was.registered / 2;
        m->prefixes[i].foreign = b->prefixes[i].foreign + was.foreign / 2;
    }
    m->bloom_bits = b->bloom_bits;
    m->bloom[0] = b->bloom;
    b->bloom = NULL;
    m->bloom[1] = calloc(m->bloom_bits / 64, 8);
    if (!m->bloom[1])
        return false;
    if (b->before && b->before->bloom_bits == m->bloom_bits)
        memcpy(m->bloom[1], b->before->bloom[0], m->bloom_bits / 8);
    return true;
}

enum err
model_build_finish(
    struct model_build *b, uint32_t number, int32_t day, struct model **out)
{
    struct model *m = model_new(b->sites_n);
    b->links = malloc((b->steps_n + 1) * sizeof *b->links);
    b->lags = malloc((b->steps_n / PAIR_READS + 2) * sizeof *b->lags);
    bool ok = m && b->links && b->lags && learn_clocks(b) && learn_edges(b, m) &&
              hand_over(b, m);
    if (!ok) {
        model_unref(m);
        return ERR_NOMEM;
    }
    m->number = number;
    m->day = day;
    learn_rates(b, m);
    set_clocks(b, m);
    learn_habits(b, m);
    if (b->sites)
        find_moved(b, m);
    if (!model_close(m)) {
        model_unref(m);
        return ERR_NOMEM;
    }
    *out = m;
    return OK;
}
