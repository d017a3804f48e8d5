/* SPDX-License-Identifier: Apache-2.0 */
#include "city/radio.h"

#include <stdlib.h>
#include <string.h>

#include "city/out.h"
#include "city/rnd.h"
#include "model/codes.h"

enum { WHAT_TAG = 950, WHAT_HEARD, WHAT_DONOR, WHAT_CARD, WHAT_BEAM, WHAT_COPY };

#define EACH 4           /* of the ring's sites */
#define MISSED_PPM 15000 /* passages the radio does not hear */
#define FAILED_PPM 8000  /* heard, and not charged */
#define CARD_PPM 150000  /* vehicles with a CPC card for a tag */
#define MOVED_PPM 2000   /* tags in other vehicles */
#define COPIED_PPM 40000 /* heavy lorries with a copy of another one's tag */
#define WRONG_PPM 20000  /* heavy lorries with the tag of a car */
#define DAY_SLOTS 4
/* A way that two tags under one plate betray: faster than this as the crow flies over
 * so much ground between cameras with right clocks, or so many gantries on one day that
 * the tag did not know. */
#define LEAP_KMH 150
#define LEAP_LEAST_M 3000
#define FORGOTTEN 3
#define WRITE_SLACK_MS (2 * MINUTE_MS)

struct tagged { /* what a car's tag is, and what was read of it */
    uint16_t last_site;
    uint8_t agreeing; /* passages of a day at which tag and whole plate were read */
    int32_t day;
    bool enough; /* two on one day */
    int64_t last_ms;
};

struct carried {         /* the last read under a plate, whichever car's tag it was */
    uint32_t car, other; /* car + 1; a second car that was heard under it */
    uint16_t site;
    bool done, whole, card;
    uint8_t forgotten; /* on that day */
    bool enough;
    int32_t day;
    int64_t ms;
};

struct radio {
    const struct city *c;
    struct out o;
    struct tagged *cars;
    struct carried *plates; /* by plate id */
    uint32_t cars_n, count;
};

static bool
has_radio(const struct city *c, int site)
{
    return c->shape.site[site].kind == SHAPE_RINGWAY && site % EACH == 0;
}

enum err
radio_new(const struct city *c, const char *dir, struct radio **out, struct note *note)
{
    struct radio *r = calloc(1, sizeof *r);
    if (!r)
        return note_set(note, ERR_NOMEM, "vehicles", "not enough memory", "内存不足");
    r->c = c;
    r->cars_n = plan_cars(&c->plan);
    r->cars = calloc(r->cars_n + 1, sizeof *r->cars);
    r->plates = calloc(r->cars_n + 1, sizeof *r->plates);
    enum err e =
        r->cars && r->plates ? out_open(&r->o, dir, "gantry.json", note) : ERR_NOMEM;
    if (e) {
        radio_free(r);
        return e;
    }
    *out = r;
    return OK;
}

void
radio_free(struct radio *r)
{
    if (!r)
        return;
    out_drop(&r->o);
    free(r->cars);
    free(r->plates);
    free(r);
}

/* ---- who carries what ---- */

static bool
is_registered(const struct radio *r, uint32_t car)
{
    return car < r->c->fleet.n;
}

static bool
is_lorry(const struct radio *r, uint32_t car)
{
    return is_registered(r, car) && fleet_kind_of(&r->c->fleet, car) == FLEET_LORRY;
}

/* Such lorries drive the ring by day, as their victims do. */
static bool
is_copied(const struct radio *r, uint32_t car)
{
    return is_lorry(r, car) &&
           rnd_hash_chance(rnd_hash(r->c->opts.seed, WHAT_COPY, car), COPIED_PPM);
}

static bool
is_moved(const struct radio *r, uint32_t car)
{
    return is_copied(r, car) ||
           (is_registered(r, car) &&
            rnd_hash_chance(rnd_hash(r->c->opts.seed, WHAT_TAG, car), MOVED_PPM));
}

/* A lorry that is out on the roads, so that two tags are heard under its plate. */
static uint32_t
lorry_for(const struct radio *r, uint32_t car)
{
    const uint32_t *base = r->c->fleet.base;
    uint32_t lo = base[FLEET_LORRY], n = base[FLEET_LORRY + 1] - lo;
    uint32_t donor = lo + rnd_scale(rnd_hash(r->c->opts.seed, WHAT_DONOR, car), n);
    for (uint32_t i = 0; i < n; i++, donor = donor + 1 < lo + n ? donor + 1 : lo)
        if (donor != car && plan_active(&r->c->plan, donor) && !is_moved(r, donor))
            return donor;
    return car;
}

/* The vehicle whose plate is in the tag of a car. */
static uint32_t
tag_of(const struct radio *r, uint32_t car)
{
    uint32_t worn = plan_worn(&r->c->plan, car);
    if (!is_moved(r, car))
        return worn;
    if (is_copied(r, car))
        return lorry_for(r, car);
    uint64_t h = rnd_hash(r->c->opts.seed, WHAT_DONOR, car);
    uint32_t donor = rnd_scale(h, r->c->fleet.n);
    return donor == worn ? (donor + 1) % r->c->fleet.n : donor;
}

static int
toll_of(const char class[4])
{
    if (class[0] == 'H' || class[0] == 'Q')
        return class[1] == '1' ? 13 : class[1] == '2' ? 12 : 11;
    if (class[0] == 'Z')
        return 21;
    return class[0] == 'K' && class[1] == '1'   ? 3
           : class[0] == 'K' && class[1] == '2' ? 2
                                                : 1;
}

static bool
is_wrong_class(const struct radio *r, uint32_t car)
{
    if (!is_registered(r, car) || is_moved(r, car))
        return false;
    struct fleet_vehicle v = fleet_get(&r->c->fleet, car);
    return toll_of(v.vehicle_class) == 13 &&
           rnd_hash_chance(rnd_hash(r->c->opts.seed, WHAT_CARD, car), WRONG_PPM);
}

/* Plate colours as the toll interface numbers them. */
static int
toll_color(uint8_t color)
{
    switch (color) {
    case COLOR_BLUE:
        return 0;
    case COLOR_YELLOW:
        return 1;
    case COLOR_BLACK:
        return 2;
    case COLOR_WHITE:
        return 3;
    case COLOR_GREEN:
        return 4;
    default:
        return 9;
    }
}

/* ---- records ---- */

/* "2026-03-02T08:00:01" of the city's civil time. */
static void
put_time(struct buf *b, ts_ms t)
{
    static const struct zone zone = {"Asia/Shanghai", 480};
    struct civil c = civil_of(t, &zone);
    buf_fmt(
        b, "%04d-%02d-%02dT%02d:%02d:%02d", c.year, c.month, c.day, c.hour, c.minute,
        c.second);
}

static bool
is_card(const struct radio *r, uint32_t car)
{
    return rnd_hash_chance(rnd_hash(r->c->opts.seed, WHAT_BEAM, car), CARD_PPM);
}

static void
put_transaction(struct radio *r, const struct city_rec *rec, bool done)
{
    const struct city *c = r->c;
    struct tagged *t = &r->cars[rec->car];
    uint32_t tag = tag_of(r, rec->car);
    struct fleet_vehicle v =
        fleet_get(&c->fleet, tag < c->fleet.n ? tag : rec->car % c->fleet.n);
    bool card = is_card(r, rec->car);
    int toll = is_wrong_class(r, rec->car) ? 1 : toll_of(v.vehicle_class);
    ts_ms at = c->opts.from_ms + rec->true_ms;
    struct buf *b = &r->o.b;
    buf_fmt(
        b, "{\"tradeId\":\"%sT%09u\",\"gantryId\":\"%s\",\"gantryHex\":\"%06X\",",
        c->shape.site[rec->site].code, r->count++, c->shape.site[rec->site].code,
        rec->site);
    buf_text(b, "\"transTime\":\"");
    put_time(b, at);
    buf_fmt(
        b,
        "\",\"mediaType\":%d,\"vehiclePlate\":\"%s_%d\",\"vehicleType\":%d,"
        "\"antennaId\":%d,\"tradeResult\":%d",
        card ? 2 : 1, c->fleet.plate[tag], toll_color(v.plate_color), toll, rec->lane,
        done ? 1 : 2);
    if (t->last_site) {
        buf_fmt(b, ",\"lastGantryHex\":\"%06X\",\"lastGantryTime\":\"", t->last_site);
        put_time(b, t->last_ms);
        buf_u8(b, '"');
    }
    buf_text(b, "}\n");
    out_row(&r->o);
    if (done) {
        t->last_site = rec->site;
        t->last_ms = at;
    }
}

/* ---- what two tags under one plate betray ---- */

static bool
is_clean(const struct radio *r, uint16_t site)
{
    const struct camera_site *s = &r->c->camera.site[site];
    return !s->skew_ms && !s->drift_ms_day && s->step_at_ms == INT64_MAX &&
           !s->next_day && site != r->c->camera.moved_site;
}

static bool
leaps(const struct radio *r, const struct carried *was, const struct city_rec *rec)
{
    const struct shape_site *a = &r->c->shape.site[was->site],
                            *b = &r->c->shape.site[rec->site];
    int64_t m = shape_dist(a->x_m, a->y_m, b->x_m, b->y_m);
    return m >= LEAP_LEAST_M && m * 3600 > (rec->true_ms - was->ms) * LEAP_KMH &&
           is_clean(r, was->site) && is_clean(r, rec->site);
}

/* Call before the transaction is written: it changes what the tag knows. */
static void
follow(struct radio *r, const struct city_rec *rec, bool done)
{
    struct carried *p = &r->plates[tag_of(r, rec->car)];
    const struct tagged *t = &r->cars[rec->car];
    bool card = is_card(r, rec->car), whole = rec->read == CITY_EXACT && rec->lane;
    int32_t day = (int32_t)(rec->true_ms / DAY_MS) + 1;
    p->forgotten = p->day == day ? p->forgotten : 0;
    if (p->car && p->car != rec->car + 1) {
        bool own = plan_worn(&r->c->plan, rec->car) == tag_of(r, rec->car);
        p->other = own ? p->car : rec->car + 1;
        p->enough |= p->whole && whole && leaps(r, p, rec);
        p->forgotten += p->done && !p->card && !card && t->last_site &&
                        t->last_site != p->site && p->forgotten < FORGOTTEN &&
                        r->c->opts.from_ms + p->ms - t->last_ms > WRITE_SLACK_MS;
        p->enough |= p->forgotten >= FORGOTTEN;
    }
    p->car = rec->car + 1;
    p->site = rec->site;
    p->ms = rec->true_ms;
    p->done = done;
    p->whole = whole;
    p->card = card;
    p->day = day;
}

static void
count_whole(struct tagged *t, const struct city_rec *rec)
{
    int32_t day = (int32_t)(rec->true_ms / DAY_MS) + 1;
    if (rec->read != CITY_EXACT || !rec->lane)
        return;
    if (t->day != day) {
        t->day = day;
        t->agreeing = 0;
    }
    t->agreeing += t->agreeing < DAY_SLOTS;
    t->enough |= t->agreeing >= 2;
}

void
radio_day(struct radio *r, const struct city_rec *recs, size_t n)
{
    const struct city_opts *o = &r->c->opts;
    for (size_t i = 0; i < n; i++) {
        const struct city_rec *rec = &recs[i];
        if (!has_radio(r->c, rec->site) ||
            (o->until_ms && o->from_ms + rec->true_ms >= o->until_ms))
            continue;
        uint64_t pass = (uint64_t)rec->true_ms * 4096 + rec->car % 4096;
        uint32_t chance = rnd_scale(rnd_hash(o->seed, WHAT_HEARD, pass), 1000000);
        if (chance < MISSED_PPM)
            continue;
        bool done = chance >= MISSED_PPM + FAILED_PPM;
        follow(r, rec, done);
        put_transaction(r, rec, done);
        count_whole(&r->cars[rec->car], rec);
    }
}

/* ---- truth ---- */

enum err
radio_finish(struct radio *r, const char *dir, struct note *note)
{
    struct out o;
    enum err e = out_close(&r->o, note);
    if (!e)
        e = out_open(&o, dir, "truth/gantry.csv", note);
    if (e)
        return e;
    buf_text(&o.b, "kind,plate,vehicle,detectable\n");
    for (uint32_t car = 0; car < r->cars_n; car++) {
        const struct tagged *t = &r->cars[car];
        bool moved = is_moved(r, car);
        if (!t->day || (!moved && !is_wrong_class(r, car)))
            continue;
        buf_fmt(
            &o.b, "%s,%s,%s,%d\n", moved ? "plate" : "class",
            r->c->fleet.plate[tag_of(r, car)],
            r->c->fleet.plate[plan_worn(&r->c->plan, car)], t->enough);
        out_row(&o);
    }
    for (uint32_t id = 0; id < r->cars_n; id++) {
        const struct carried *p = &r->plates[id];
        if (!p->other)
            continue;
        buf_fmt(
            &o.b, "path,%s,%s,%d\n", r->c->fleet.plate[id],
            r->c->fleet.plate[plan_worn(&r->c->plan, p->other - 1)], p->enough);
        out_row(&o);
    }
    return out_close(&o, note);
}
