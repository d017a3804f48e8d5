/* SPDX-License-Identifier: Apache-2.0 */
/* Learning from a day of records. Every exact read is compared with the registry, which
 * gives the error rates; the ways of a sample of plates give, for each pair of sites,
 * how long vehicles took in each direction, from which come the clocks (half the
 * difference of the two directions) and the least travel times. */
#include "rules/model_build_own.h"

#include <math.h>
#include <stdlib.h>

#include "core/hash.h"

#define STEPS_MAX ((size_t)1 << 21) /* sampled passes kept */
#define SITE_PRIOR 3000.0           /* reads' worth of trust in the city's mean rates */
#define DAY_SHARE 0.2               /* of the fullest day: less is a piece of a day */

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
    bool ok = m && b->links && b->lags && model_learn_clocks(b) &&
              model_learn_ways(b, m) && hand_over(b, m);
    if (!ok) {
        model_unref(m);
        return ERR_NOMEM;
    }
    m->number = number;
    m->day = day;
    learn_rates(b, m);
    model_set_clocks(b, m);
    learn_habits(b, m);
    if (!model_find_moved(b, m) || !model_close(m)) {
        model_unref(m);
        return ERR_NOMEM;
    }
    *out = m;
    return OK;
}
