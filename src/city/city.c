/* SPDX-License-Identifier: Apache-2.0 */
/* city.c - from options to a stream of records.
 *
 *   every car's day (drive) -> passes in order of time -> records (camera) -> thinned
 * to the asked number -> observer (truth) -> retries added -> order of arrival ->
 * next()
 *
 * How many vehicles must drive for the asked number of records is found by driving a
 * sample of the fleet through a working day first; the surplus of a few per cent is
 * thinned away as passes that no camera took, never planted ones.
 */
#include "city/city.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHAT_THIN = 600 };

#define DAY INT64_C(86400000)

/* ---- a new city ---- */

static enum err
check_opts(struct city_opts *o, struct note *note)
{
    if (o->days < 1 || o->days > 400)
        return note_set(
            note, ERR_INPUT, "days", "--days must be 1 to 400", "--days 须为 1 到 400");
    if (o->per_day < 1000 || o->per_day > 12000000)
        return note_set(
            note, ERR_INPUT, "per-day", "--per-day must be 1,000 to 12,000,000",
            "--per-day 须为 1000 到 12000000");
    if (!o->vehicles) {
        o->vehicles = (uint32_t)((uint64_t)o->per_day * 21 / 100);
        o->vehicles = o->vehicles < 5000 ? 5000 : o->vehicles;
    }
    if (o->vehicles < 2000 || o->vehicles > 5000000)
        return note_set(
            note, ERR_INPUT, "vehicles", "--vehicles must be 2,000 to 5,000,000",
            "--vehicles 须为 2000 到 5000000");
    if (o->watches > 2000000)
        return note_set(
            note, ERR_INPUT, "watches", "--watches must be at most 2,000,000",
            "--watches 最多 2000000");
    if (!o->from_ms)
        o->from_ms = CITY_FROM_MS;
    o->from_ms -= ((o->from_ms + CITY_OFFSET_MS) % DAY + DAY) % DAY;
    return OK;
}

/* 0 Monday .. 6 Sunday of the first day; 1970-01-01 was a Thursday. */
static int
weekday_of(ts_ms midnight)
{
    return (int)(((midnight + CITY_OFFSET_MS) / DAY + 3) % 7);
}

/* The share of vehicles (per million) that must drive for `per_day` records on the
 * emptier of a working day and a day of rest. */
static uint32_t
find_active(struct city *c)
{
    struct plan all = {
        .seed = c->opts.seed,
        .fleet = &c->fleet,
        .part = calloc(c->fleet.n, 1),
        .active_ppm = 1000000,
    };
    must(all.part != NULL);
    struct drive d;
    drive_init(&d, &c->shape, &all, c->opts.seed, weekday_of(c->opts.from_ms));
    uint32_t step = c->fleet.n / 30000 + 1;
    uint64_t least = UINT64_MAX;
    for (int day = 0; day < 7; day++) {
        for (uint32_t car = 0; car < c->fleet.n; car += step)
            drive_day(&d, car, day);
        least = d.n < least ? d.n : least;
        d.n = 0;
    }
    drive_release(&d);
    free(all.part);
    /* 4 % more than asked: what stands in outages, and chance. */
    uint64_t want = (uint64_t)c->opts.per_day * 104 / 100;
    uint64_t ppm = want * 1000000 / (least * step + 1);
    return ppm > 1000000 ? 1000000 : (uint32_t)ppm;
}

enum err
city_new(const struct city_opts *o, struct city **out, struct note *note)
{
    struct city *c = calloc(1, sizeof *c);
    if (!c)
        return note_set(note, ERR_NOMEM, "", "not enough memory", "内存不足");
    c->opts = *o;
    enum err e = check_opts(&c->opts, note);
    if (e)
        goto out;
    uint64_t seed = c->opts.seed;
    shape_init(&c->shape, seed);
    e = fleet_init(
        &c->fleet, seed, c->opts.vehicles, plan_fakes(c->opts.vehicles), note);
    if (e)
        goto out;
    e = plan_init(&c->plan, seed, &c->fleet, c->opts.days, find_active(c), note);
    if (e)
        goto out;
    camera_init(&c->camera, &c->shape, &c->plan, seed, c->opts.from_ms, c->opts.days);
    *out = c;
    return OK;
out:
    city_free(c);
    return e;
}

void
city_free(struct city *c)
{
    if (!c)
        return;
    plan_release(&c->plan);
    fleet_release(&c->fleet);
    free(c);
}

/* ---- the stream ---- */

struct city_stream {
    struct city *city;
    struct city_observer observer;
    struct drive drive;
    int next_day;          /* to be made */
    int end_day;           /* INT_MAX: runs on */
    struct city_rec *recs; /* of the running day and later, in order of arrival */
    size_t n, room, at;
    size_t due; /* recs[0..due) arrive before the next day is made */
    uint32_t *order, *spare;
    size_t order_room;
};

struct city_stream *
city_stream_new(struct city *c, int first_day, const struct city_observer *observer)
{
    struct city_stream *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->city = c;
    if (observer)
        s->observer = *observer;
    s->next_day = first_day;
    s->end_day = c->opts.days;
    drive_init(
        &s->drive, &c->shape, &c->plan, c->opts.seed, weekday_of(c->opts.from_ms));
    return s;
}

void
city_stream_run_on(struct city_stream *s)
{
    s->end_day = INT_MAX;
}

void
city_stream_free(struct city_stream *s)
{
    if (!s)
        return;
    drive_release(&s->drive);
    free(s->recs);
    free(s->order);
    free(s->spare);
    free(s);
}

int
city_stream_day(const struct city_stream *s)
{
    return s->next_day - 1;
}

static void
room_for_order(struct city_stream *s, size_t n)
{
    if (n <= s->order_room)
        return;
    s->order = realloc(s->order, n * sizeof *s->order);
    s->spare = realloc(s->spare, n * sizeof *s->spare);
    must(s->order && s->spare);
    s->order_room = n;
}

/* Stable order of n keys below 2^44 by three passes of a radix sort; s->order holds the
 * result. */
static void
sort_keys(struct city_stream *s, const uint64_t *key, size_t n)
{
    static const int bits = 15;
    uint32_t *count = malloc(sizeof *count << bits);
    must(count != NULL && n < UINT32_MAX);
    room_for_order(s, n);
    for (size_t i = 0; i < n; i++)
        s->order[i] = (uint32_t)i;
    for (int shift = 0; shift < 45; shift += bits) {
        memset(count, 0, sizeof *count << bits);
        for (size_t i = 0; i < n; i++)
            count[key[i] >> shift & ((1u << bits) - 1)]++;
        if (n && count[key[0] >> shift & ((1u << bits) - 1)] == n)
            continue; /* all the same */
        uint32_t sum = 0;
        for (uint32_t b = 0; b < 1u << bits; b++) {
            uint32_t k = count[b];
            count[b] = sum;
            sum += k;
        }
        for (size_t i = 0; i < n; i++) {
            uint32_t id = s->order[i];
            s->spare[count[key[id] >> shift & ((1u << bits) - 1)]++] = id;
        }
        uint32_t *t = s->order;
        s->order = s->spare;
        s->spare = t;
    }
    free(count);
}

static void
add_rec(struct city_stream *s, const struct city_rec *r)
{
    if (s->n == s->room) {
        size_t room = s->room ? s->room * 3 / 2 : 1 << 16;
        struct city_rec *recs = realloc(s->recs, room * sizeof *recs);
        must(recs != NULL);
        s->recs = recs;
        s->room = room;
    }
    s->recs[s->n++] = *r;
}

/* All cars' passes of the day in order of time; what runs past midnight is left at the
 * head of the drive's vector for the next day. Makes records behind s->recs[from]. */
static void
make_records(struct city_stream *s, int day)
{
    struct drive *d = &s->drive;
    uint32_t cars = plan_cars(&s->city->plan);
    for (uint32_t car = 0; car < cars; car++)
        drive_day(d, car, day);
    int64_t start = (int64_t)day * DAY, end = start + DAY;
    uint64_t *key = malloc(sizeof *key * (d->n + 1));
    must(key != NULL);
    for (size_t i = 0; i < d->n; i++)
        key[i] = (uint64_t)(d->out[i].t_ms < start ? 0 : d->out[i].t_ms - start);
    sort_keys(s, key, d->n);
    free(key);
    size_t i = 0;
    for (; i < d->n && d->out[s->order[i]].t_ms < end; i++) {
        const struct drive_pass *p = &d->out[s->order[i]];
        struct city_rec r;
        if (!camera_read(&s->city->camera, p, &r))
            continue;
        r.seq |= (p->flags & DRIVE_KEEP) ? 0x8000 : 0; /* until thinned */
        add_rec(s, &r);
    }
    size_t left = d->n - i;
    struct drive_pass *over = malloc(sizeof *over * (left + 1));
    must(over != NULL);
    for (size_t k = 0; k < left; k++)
        over[k] = d->out[s->order[i + k]];
    memcpy(d->out, over, left * sizeof *over);
    d->n = left;
    free(over);
}

/* Takes the surplus over per_day out of recs[from..], never planted ones. */
static void
thin(struct city_stream *s, size_t from, int day)
{
    size_t want = s->city->opts.per_day, have = s->n - from, loose = 0;
    for (size_t i = from; i < s->n; i++)
        loose += !(s->recs[i].seq & 0x8000);
    size_t drop = have > want ? have - want : 0, to = from;
    drop = drop < loose ? drop : loose;
    struct rnd r = {rnd_hash(s->city->opts.seed, WHAT_THIN, (uint64_t)day)};
    for (size_t i = from; i < s->n; i++) {
        if (!(s->recs[i].seq & 0x8000)) {
            bool out = drop && rnd_next(&r) % loose < drop;
            loose--;
            if (out) {
                drop--;
                continue;
            }
        }
        s->recs[to] = s->recs[i];
        s->recs[to++].seq &= 0x7fff;
    }
    s->n = to;
}

static void
add_retries(struct city_stream *s, size_t from)
{
    size_t n = s->n;
    for (size_t i = from; i < n; i++) {
        struct city_rec again;
        if (camera_retry(&s->city->camera, &s->recs[i], &again))
            add_rec(s, &again);
    }
}

static void
order_by_arrival(struct city_stream *s, ts_ms base)
{
    uint64_t *key = malloc(sizeof *key * (s->n + 1));
    struct city_rec *sorted = malloc(sizeof *sorted * (s->n + 1));
    must(key && sorted);
    for (size_t i = 0; i < s->n; i++)
        key[i] =
            (uint64_t)(s->recs[i].arrive_ms < base ? 0 : s->recs[i].arrive_ms - base);
    sort_keys(s, key, s->n);
    for (size_t i = 0; i < s->n; i++)
        sorted[i] = s->recs[s->order[i]];
    free(s->recs);
    s->recs = sorted;
    s->room = s->n + 1;
    free(key);
}

static void
make_day(struct city_stream *s)
{
    int day = s->next_day++;
    if (s->at)
        memmove(s->recs, s->recs + s->at, (s->n - s->at) * sizeof *s->recs);
    s->n -= s->at;
    s->at = 0;
    size_t from = s->n;
    make_records(s, day);
    thin(s, from, day);
    if (s->observer.day)
        s->observer.day(s->observer.ctx, day, s->recs + from, s->n - from);
    add_retries(s, from);
    ts_ms start = s->city->opts.from_ms + (int64_t)day * DAY;
    order_by_arrival(s, start);
    s->due = s->n;
    if (s->next_day < s->end_day)
        for (s->due = 0; s->due < s->n && s->recs[s->due].arrive_ms < start + DAY;)
            s->due++;
}

const struct city_rec *
city_stream_next(struct city_stream *s)
{
    while (s->at == s->due) {
        if (s->next_day >= s->end_day)
            return NULL;
        make_day(s);
    }
    return &s->recs[s->at++];
}

/* ---- the row of sightings.csv ---- */

const char city_row_header[] =
    "plate,plate_color,vehicle_class,vehicle_color,brand,site,lane,direction,time_ms,"
    "speed_kmh,confidence,record_id,image\n";

static char *
put_text(char *p, const char *s)
{
    size_t n = strlen(s);
    memcpy(p, s, n);
    return p + n;
}

static char *
put_number(char *p, uint64_t v)
{
    char t[20];
    int n = 0;
    do {
        t[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    while (n)
        *p++ = t[--n];
    return p;
}

static char *
put_padded(char *p, unsigned v, int width)
{
    for (int i = width - 1; i >= 0; i--, v /= 10)
        p[i] = (char)('0' + v % 10);
    return p + width;
}

/* "kk/20260302/08/<record id>.jpg", of the camera's clock in civil time. */
static char *
put_image(char *p, const struct city_rec *r, const char *id)
{
    ts_ms t = r->time_ms + CITY_OFFSET_MS;
    int64_t z = t / DAY + 719468, era = z / 146097; /* days to civil date, Gregorian */
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    unsigned month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    p = put_text(p, "kk/");
    p = put_padded(p, (unsigned)(yoe + era * 400 + (month <= 2)), 4);
    p = put_padded(p, month, 2);
    p = put_padded(p, (unsigned)(doy - (153 * mp + 2) / 5 + 1), 2);
    *p++ = '/';
    p = put_padded(p, (unsigned)(t % DAY / 3600000), 2);
    *p++ = '/';
    p = put_text(p, id);
    return put_text(p, ".jpg");
}

size_t
city_row(const struct city *c, const struct city_rec *r, char *dst)
{
    char id[CITY_RECORD_ID];
    char *p = put_text(dst, r->plate);
    city_record_id(r, id);
    *p++ = ',';
    if (r->plate_color != CITY_NO_COLOR)
        p = put_number(p, r->plate_color);
    *p++ = ',';
    p = put_text(p, r->vehicle_class);
    *p++ = ',';
    p = put_number(p, r->vehicle_color);
    *p++ = ',';
    if (r->brand)
        p = put_number(p, r->brand);
    *p++ = ',';
    p = put_text(p, c->shape.site[r->site].code);
    *p++ = ',';
    p = put_number(p, r->lane);
    *p++ = ',';
    p = put_number(p, r->direction);
    *p++ = ',';
    p = put_number(p, (uint64_t)r->time_ms);
    *p++ = ',';
    p = put_number(p, r->speed_kmh);
    *p++ = ',';
    p = put_number(p, r->confidence);
    *p++ = ',';
    p = put_text(p, id);
    *p++ = ',';
    p = put_image(p, r, id);
    return (size_t)(p - dst);
}
