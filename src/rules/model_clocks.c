/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks, from the ways of a sample of plates. For each pair of sites, how long
 * vehicles took in each direction: half the difference is what the two clocks differ by.
 * A city of such differences is solved by votes, and what is left of a clock after its
 * uncertainty says whether it is right. */
#include "rules/model_build_own.h"

#include <math.h>
#include <stdlib.h>

#define LINK_MS (8 * MINUTE_MS) /* longer gaps are stops, not travel */
#define ROUNDS 6
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

/* ---- links: from pass to pass of one plate ---- */

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

/* ---- lags: what one pair says of two clocks ---- */

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

/* ---- votes: what all pairs say of one ---- */

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
static bool
centre_clocks(struct model_build *b)
{
    struct vote *v = malloc(((size_t)b->sites_n + 1) * sizeof *v);
    size_t n = 0;
    if (!v)
        return false;
    for (uint32_t i = 1; i <= b->sites_n; i++)
        if (b->offset_sd[i] > 0)
            v[n++] = (struct vote){b->offset[i], 1};
    double middle = n ? weighted_median(v, n) : 0;
    for (uint32_t i = 1; i <= b->sites_n; i++)
        b->offset[i] -= middle;
    free(v);
    return true;
}

/* A clock that is off by more than the travel time turns the order of passes round; so
 * correct, sort again and look again, until nothing moves. */
bool
model_learn_clocks(struct model_build *b)
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
    free(error);
    return ok && centre_clocks(b);
}

/* ---- right or wrong ---- */

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

void
model_set_clocks(const struct model_build *b, struct model *m)
{
    double share = share_right(b);
    for (uint32_t i = 1; i <= b->sites_n; i++)
        set_clock(b, i, share, &m->sites[i]);
}
