/* SPDX-License-Identifier: Apache-2.0 */
/* Two sequential tests a site. Both weigh what is seen against how rarely sites fail
 * (once in a month or so), so that a busy site, which offers chance more opportunities
 * to deceive, has to be surer. */
#include "rules/vital.h"

#include <math.h>
#include <stdlib.h>

#define PAUSE_MS (2 * MINUTE_MS) /* longer between two ticks: we were away */
#define JUDGE_MS (10 * SECOND_MS)
#define CITY_MS (15 * MINUTE_MS) /* the city's ratio is taken over so long */
#define CITY_PASSES 100.0        /* fewer usual passes say nothing of the city */
/* Below it the whole city is quiet, or our link: no site is blamed. */
#define CITY_LEAST 0.2
/* Silence. What is usual is known from as many passes as were counted, and is off by a
 * fifth from day to day anyhow; what the site itself did in the last hours says more of
 * now than any other day, each pass of it as much as one that was counted before. So
 * the chance of none is a negative binomial's. */
#define SHAPE_LEAST 3.0
#define SHAPE_MOST 25.0 /* of what is known from other days */
#define SHAPE_OTHER 6.0 /* no day of this kind was seen yet */
#define SHAPE_OWN 75.0  /* of the site's own last hours at most: traffic is no dice */
#define OWN_MS (90 * MINUTE_MS)
/* To both sides: a half hour of few passes is noise. */
#define SMOOTH_MS (30 * MINUTE_MS)
#define SILENT_SURE 7.5 /* -ln(false alarms an hour): one a site in 11 weeks */
#define SILENT_LEAST_MS (3 * MINUTE_MS)
#define BEHIND_MS (30 * SECOND_MS)
#define BEHIND_ROWS 8
/* Reading. */
#define BAD_UNREAD 0.3  /* share of unread plates that is called degraded */
#define MOST_UNREAD 1.5 /* times the city's usual share that may still be usual */
#define DEGRADED_SURE 6.5
#define RECOVERY 5.0 /* nats of evidence held against a recovery */
#define WINDOW 64.0F /* reads over which the share is shown */
/* Clocks. */
#define CLOCK_LEAST_MS 5000
/* Neighbours share their errors: what is called wrong has to be. */
#define CLOCK_SDS 5
#define AHEAD_MS 3000 /* passes from the future */
#define AHEAD_ROWS 5

struct watched {
    struct vital_site site;
    double rate;          /* usual fresh passes an hour, by the habit; -1 unknown */
    double missing;       /* usual passes since the last fresh one */
    double lately, owing; /* fresh passes of the last hours and usual ones, fading */
    double sum;           /* CUSUM of reads, nats */
    float reads, unreads; /* of late, halved at WINDOW */
    ts_ms bad_ms;         /* first read of the present rise of the sum */
    uint32_t ahead_n;     /* rows from the future one after the other */
    int32_t ahead_ms;     /* how far */
    double came, owed; /* fresh passes of late and usual ones, fading as the city's */
    /* what a read weighs, nats; renewed at each tick */
    double unread_nats, read_nats, sure;
    ts_ms newest_ms;   /* pass of the newest row */
    uint32_t behind_n; /* rows one after the other that lie before it */
    bool silent, degraded;
};

struct vital {
    struct zone zone;
    struct model *model;
    struct watched *sites;
    uint32_t n;
    ts_ms first, now;  /* ticks */
    double came, owed; /* of the whole city, fading over a quarter of an hour */
};

static const struct vital_site fine;

struct vital *
vital_new(const struct zone *zone)
{
    struct vital *h = calloc(1, sizeof *h);
    if (h)
        h->zone = *zone;
    return h;
}

void
vital_free(struct vital *h)
{
    if (!h)
        return;
    model_unref(h->model);
    free(h->sites);
    free(h);
}

void
vital_set_model(struct vital *h, struct model *m)
{
    struct model *old = h->model;
    h->model = model_ref(m);
    model_unref(old);
}

static struct watched *
watched_of(struct vital *h, struct site_id id)
{
    if (id.v >= h->n) {
        uint32_t n = h->n ? h->n : 1024;
        while (n <= id.v)
            n *= 2;
        struct watched *p = realloc(h->sites, n * sizeof *p);
        if (!p)
            return NULL;
        memset(p + h->n, 0, (n - h->n) * sizeof *p);
        h->sites = p;
        h->n = n;
    }
    return &h->sites[id.v];
}

const struct vital_site *
vital_of(const struct vital *h, struct site_id id)
{
    return id.v && id.v < h->n ? &h->sites[id.v].site : &fine;
}

double
vital_city(const struct vital *h)
{
    return h->owed >= CITY_PASSES ? h->came / h->owed : -1;
}

/* The same without one site, so that its own silence does not excuse it; 1 when not
 * known. */
static double
others(const struct vital *h, const struct watched *w)
{
    double owed = h->owed - w->owed;
    return owed >= CITY_PASSES ? fmax(h->came - w->came, 0) / owed : 1;
}

/* Usual fresh passes an hour of a site now; -1 unknown. */
static double
rate_of(const struct vital *h, struct site_id id, ts_ms at)
{
    const struct site_habit *habit = model_habit(h->model, id);
    double rate = habit_rate(habit, &h->zone, at);
    if (rate < 0)
        return -1;
    double before = habit_rate(habit, &h->zone, at - SMOOTH_MS);
    double after = habit_rate(habit, &h->zone, at + SMOOTH_MS);
    return (before + 2 * rate + after) / 4 * habit->prompt;
}

/* How the site itself drives of late against its habit and the city, and how surely
 * that is known: a gamma's mean and shape. */
struct pace {
    double ratio, shape;
};

static struct pace
pace_of(const struct vital *h, const struct watched *w, struct site_id id)
{
    const struct site_habit *habit = model_habit(h->model, id);
    double days = habit_days(habit, &h->zone, h->now);
    double shape = fmin(fmax(w->missing * days, SHAPE_LEAST), SHAPE_MOST);
    if (!habit_knows(habit, &h->zone, h->now))
        shape = fmin(shape, SHAPE_OTHER);
    double own = fmin(1, SHAPE_OWN / fmax(w->lately, 1));
    return (struct pace){
        (shape + own * w->lately) / (shape + own * w->owing), shape + own * w->lately};
}

/* ---- reading ---- */

static double
usual_unread(const struct vital *h, struct site_id id)
{
    double own = model_site(h->model, id)->unread;
    double city = model_site(h->model, (struct site_id){0})->unread;
    return fmax(0.01, fmin(own, city * MOST_UNREAD));
}

static void
weigh_reads(const struct vital *h, struct watched *w, struct site_id id, double rate)
{
    double usual = usual_unread(h, id), bad = fmax(BAD_UNREAD, usual * 3);
    bad = fmin(bad, 0.9);
    w->unread_nats = log(bad / usual);
    w->read_nats = log((1 - bad) / (1 - usual));
    w->sure = DEGRADED_SURE + log(fmax(rate, 1));
}

static void
judge_read(struct watched *w, const struct sighting *s)
{
    bool unread = !plate_is_exact(s->plate);
    if (w->sum <= 0)
        w->bad_ms = s->pass_ms;
    w->sum += unread ? w->unread_nats : w->read_nats;
    w->sum = fmax(0, fmin(w->sum, w->sure + RECOVERY));
    w->reads++;
    w->unreads += (float)unread;
    if (w->reads >= WINDOW) {
        w->reads /= 2;
        w->unreads /= 2;
    }
    if (!w->degraded && w->sum >= w->sure) {
        w->degraded = true;
    } else if (w->degraded && w->sum <= 0) {
        w->degraded = false;
        w->reads = w->unreads = 0;
    }
    w->site.unread = w->reads > 0 ? w->unreads / w->reads : 0;
}

static void
judge_ahead(struct watched *w, const struct sighting *s)
{
    int64_t ahead = s->pass_ms - s->arrive_ms;
    if (ahead < (w->ahead_n >= AHEAD_ROWS ? AHEAD_MS / 3 : AHEAD_MS)) {
        w->ahead_n = 0;
        w->ahead_ms = 0;
        return;
    }
    w->ahead_n++;
    w->ahead_ms = ahead > w->ahead_ms ? (int32_t)ahead : w->ahead_ms;
}

/* Does the pass go on from the newest one? Latecomers of before do not say that the
 * site lives; a clock that was set back is followed after a few rows. */
static bool
is_fresh(struct watched *w, const struct sighting *s)
{
    if (s->pass_ms < w->newest_ms - BEHIND_MS && ++w->behind_n < BEHIND_ROWS)
        return false;
    if (s->pass_ms > w->newest_ms || w->behind_n >= BEHIND_ROWS)
        w->newest_ms = s->pass_ms;
    w->behind_n = 0;
    return true;
}

void
vital_row(struct vital *h, const struct sighting *s)
{
    struct watched *w = s->site.v ? watched_of(h, s->site) : NULL;
    if (!w || s->arrive_ms - s->pass_ms >= HABIT_PROMPT_MS)
        return;
    h->came++;
    w->came++;
    if (is_fresh(w, s)) {
        if (!w->silent && w->rate > 0) { /* an outage says nothing of the traffic */
            w->lately++;
            w->owing += w->missing;
        }
        w->missing = 0;
        w->silent = false;
        w->site.last_ms = s->arrive_ms;
    }
    judge_ahead(w, s);
    if (w->sure > 0)
        judge_read(w, s);
}

/* ---- time ---- */

/* What came and what was owed fade alike; after a pause of ours both begin anew. */
static void
judge_city(struct vital *h, ts_ms dt)
{
    double fade = dt <= PAUSE_MS ? exp(-(double)dt / (double)CITY_MS) : 0;
    double hours = dt <= PAUSE_MS ? (double)dt / (double)HOUR_MS : 0;
    double own = dt <= PAUSE_MS ? exp(-(double)dt / (double)OWN_MS) : 0;
    h->came = h->owed = 0;
    for (uint32_t i = 1; i < h->n; i++) {
        struct watched *w = &h->sites[i];
        w->rate = rate_of(h, (struct site_id){i}, h->now);
        w->came *= fade;
        w->owed = w->owed * fade + fmax(w->rate, 0) * hours;
        w->lately *= own;
        w->owing *= own;
        h->came += w->rate < 0 ? 0 : w->came;
        h->owed += w->owed;
    }
}

static bool
silent_now(const struct vital *h, const struct watched *w, struct site_id id)
{
    if (w->rate <= 0 || h->now - w->site.last_ms < SILENT_LEAST_MS)
        return false;
    struct pace pace = pace_of(h, w, id);
    double rate = w->rate * fmin(others(h, w), 1) * pace.ratio;
    double nats = pace.shape * log1p(w->missing * pace.ratio / pace.shape);
    return nats >= SILENT_SURE + log(fmax(rate, 1));
}

static void
judge_clock(const struct vital *h, struct watched *w, struct site_id id)
{
    const struct site_model *m = model_site(h->model, id);
    w->site.clock_ms = 0;
    w->site.clock_sd_ms = 0;
    if (w->ahead_n >= AHEAD_ROWS) {
        w->site.clock_ms = w->ahead_ms;
    } else if (
        h->model && m->reads && m->offset_sd_ms &&
        abs(m->offset_ms) >= CLOCK_LEAST_MS &&
        abs(m->offset_ms) >= CLOCK_SDS * (int64_t)m->offset_sd_ms) {
        w->site.clock_ms = m->offset_ms;
        w->site.clock_sd_ms = m->offset_sd_ms;
    }
}

static void
judge_site(
    struct vital *h, struct site_id id, ts_ms now, ts_ms dt, vital_changed *changed,
    void *arg)
{
    struct watched *w = &h->sites[id.v];
    struct vital_site was = w->site;
    double rate = w->rate, city = fmin(others(h, w), 1);
    if (rate > 0 && dt <= PAUSE_MS && city >= CITY_LEAST)
        w->missing += rate * city * (double)dt / (double)HOUR_MS;
    if (!w->silent)
        w->silent = silent_now(h, w, id);
    if (h->model && id.v <= model_sites(h->model))
        weigh_reads(h, w, id, rate);
    judge_clock(h, w, id);
    w->site.state = w->silent          ? VITAL_SILENT
                    : w->degraded      ? VITAL_DEGRADED
                    : w->site.clock_ms ? VITAL_CLOCK
                                       : VITAL_OK;
    w->site.expected = (float)w->missing;
    w->site.usual =
        (float)(w->silent ? fmax(rate, 0) : h->model ? usual_unread(h, id) : 0);
    if (w->site.state == was.state)
        return;
    w->site.said_ms = now;
    w->site.since_ms = w->site.state == VITAL_SILENT
                           ? (w->site.last_ms ? w->site.last_ms : h->first)
                       : w->site.state == VITAL_DEGRADED ? w->bad_ms
                       : w->site.state == VITAL_OK       ? 0
                                                         : now;
    if (changed)
        changed(arg, id, &was, &w->site);
}

void
vital_tick(struct vital *h, ts_ms now, vital_changed *changed, void *arg)
{
    ts_ms dt = h->now ? now - h->now : 0;
    if (dt < 0) { /* our clock was set back */
        h->now = now;
        return;
    }
    if (h->now && dt < JUDGE_MS)
        return;
    h->now = now;
    h->first = h->first ? h->first : now;
    if (h->model && model_sites(h->model))
        (void)watched_of(h, (struct site_id){model_sites(h->model)});
    judge_city(h, dt);
    for (uint32_t i = 1; i < h->n; i++)
        judge_site(h, (struct site_id){i}, now, dt, changed, arg);
}

/* ---- bytes ---- */

#define FORM 1

void
vital_encode(struct buf *out, const struct vital_site *s)
{
    buf_u8(out, FORM);
    buf_u8(out, s->state);
    buf_varint(out, zigzag_encode(s->since_ms));
    buf_varint(out, zigzag_encode(s->said_ms));
    buf_varint(out, zigzag_encode(s->last_ms));
    buf_varint(out, (uint64_t)lround(fmax(s->expected, 0) * 100));
    buf_varint(out, (uint64_t)lround(fmax(s->unread, 0) * 1e6));
    buf_varint(out, (uint64_t)lround(fmax(s->usual, 0) * 1e6));
    buf_varint(out, zigzag_encode(s->clock_ms));
    buf_varint(out, s->clock_sd_ms);
}

enum err
vital_decode(struct span bytes, struct vital_site *out)
{
    struct cur c = cur_of(bytes.p, bytes.n);
    struct vital_site s = {0};
    if (cur_u8(&c) != FORM)
        return ERR_NEWER;
    s.state = cur_u8(&c);
    s.since_ms = zigzag_decode(cur_varint(&c));
    s.said_ms = zigzag_decode(cur_varint(&c));
    s.last_ms = zigzag_decode(cur_varint(&c));
    s.expected = (float)cur_varint(&c) / 100;
    s.unread = (float)cur_varint(&c) / 1e6F;
    s.usual = (float)cur_varint(&c) / 1e6F;
    s.clock_ms = (int32_t)zigzag_decode(cur_varint(&c));
    s.clock_sd_ms = (uint32_t)cur_varint(&c);
    if (c.bad || cur_left(&c) || s.state > VITAL_SILENT)
        return ERR_CORRUPT;
    *out = s;
    return OK;
}
