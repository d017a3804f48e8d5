/* SPDX-License-Identifier: Apache-2.0 */
/* The question again, asked of one row. */
#include "model/look_scope.h"

#define SCOPE_VERSION 1u
#define FLAG_CUT 1u
#define FLAG_LISTED 2u

void
look_scope_answered(
    struct look_scope *sc, const struct sighting *rows, size_t n, bool cut, ts_ms now)
{
    sc->answered = true;
    sc->seen_ms = now;
    /* A camera whose clock runs ahead gives rows that seem to arrive later. */
    for (size_t i = 0; i < n; i++)
        if (rows[i].arrive_ms > sc->seen_ms)
            sc->seen_ms = rows[i].arrive_ms;
    sc->cut = cut && n;
    sc->last = sc->cut ? sighting_id_of(&rows[n - 1]) : (struct sighting_id){0};
    sc->last_plate = sc->cut ? rows[n - 1].plate : PLATE_NONE;
}

void
look_scope_listed(
    struct look_scope *sc, const struct sighting_id *ids, size_t n, ts_ms now)
{
    *sc = (struct look_scope){.answered = true, .seen_ms = now};
    for (size_t i = 0; i < n && sc->ids_n < LOOK_IDS; i++)
        sc->ids[sc->ids_n++] = ids[i];
}

static bool
listed(const struct look_scope *sc, const struct sighting *s)
{
    struct sighting_id id = sighting_id_of(s);
    for (uint16_t i = 0; i < sc->ids_n; i++)
        if (sighting_id_eq(sc->ids[i], id))
            return true;
    return false;
}

static bool
fits(unsigned want, unsigned got)
{
    return !want || want == got;
}

static bool
holds_site(const struct look_scope *sc, struct site_id site)
{
    bool is = sc->sites_n == 0;
    for (uint8_t i = 0; i < sc->sites_n && !is; i++)
        is = sc->sites[i].v == site.v;
    return is;
}

/* At or before the last row shown. Two records of one plate at one site in the same
 * millisecond have an order that only their record ids tell: of those only the last
 * itself. */
static bool
before_cut(const struct look_scope *sc, const struct sighting *s)
{
    if (!sc->cut)
        return true;
    if (s->pass_ms != sc->last.pass_ms)
        return s->pass_ms < sc->last.pass_ms;
    if (s->site.v != sc->last.site)
        return s->site.v < sc->last.site;
    if (!plate_eq(s->plate, sc->last_plate))
        return s->plate.v < sc->last_plate.v;
    return sighting_id_eq(sighting_id_of(s), sc->last);
}

bool
look_scope_holds(const struct look_scope *sc, const struct sighting *s)
{
    bool named = !plate_is_none(sc->plate);
    if (sc->answered && sc->ids_n)
        return listed(sc, s);
    if (!sc->answered || (!named && !sc->pattern.n && !sc->sites_n))
        return false;
    return s->pass_ms >= sc->from_ms && s->pass_ms < sc->to_ms &&
           s->arrive_ms <= sc->seen_ms && holds_site(sc, s->site) &&
           (!named || plate_eq(sc->plate, s->plate)) &&
           (!sc->pattern.n || plate_pattern_match(&sc->pattern, s->plate)) &&
           fits(sc->plate_color, s->plate_color) &&
           fits(sc->vehicle_color, s->vehicle_color) &&
           fits(sc->vehicle_class, s->vehicle_class) && fits(sc->brand, s->brand) &&
           before_cut(sc, s);
}

static void
put_id(struct buf *out, struct sighting_id id)
{
    buf_le(out, (uint64_t)id.pass_ms, 8);
    buf_le(out, id.site, 4);
    buf_le(out, id.tag, 4);
}

static void
read_id(struct cur *c, struct sighting_id *id)
{
    id->pass_ms = (ts_ms)cur_u64_le(c);
    id->site = cur_u32_le(c);
    id->tag = cur_u32_le(c);
}

void
look_scope_encode(struct buf *out, const struct look_scope *sc)
{
    if (!sc->answered)
        return;
    buf_u8(out, SCOPE_VERSION);
    buf_u8(out, (uint8_t)((sc->cut ? FLAG_CUT : 0) | (sc->ids_n ? FLAG_LISTED : 0)));
    buf_le(out, (uint64_t)sc->from_ms, 8);
    buf_le(out, (uint64_t)sc->to_ms, 8);
    buf_le(out, (uint64_t)sc->seen_ms, 8);
    buf_le(out, sc->plate.v, 8);
    buf_u8(out, sc->pattern.n);
    buf_put(out, sc->pattern.code, sc->pattern.n);
    buf_le(out, sc->pattern.lo.v, 8);
    buf_le(out, sc->pattern.hi.v, 8);
    buf_u8(out, sc->plate_color);
    buf_u8(out, sc->vehicle_color);
    buf_le(out, sc->vehicle_class, 2);
    buf_le(out, sc->brand, 2);
    buf_u8(out, sc->sites_n);
    for (uint8_t i = 0; i < sc->sites_n; i++)
        buf_le(out, sc->sites[i].v, 4);
    if (sc->cut) {
        put_id(out, sc->last);
        buf_le(out, sc->last_plate.v, 8);
    }
    if (sc->ids_n)
        buf_le(out, sc->ids_n, 2);
    for (uint16_t i = 0; i < sc->ids_n; i++)
        put_id(out, sc->ids[i]);
}

static void
read_pattern(struct cur *c, struct plate_pattern *out)
{
    out->n = cur_u8(c);
    if (out->n > sizeof out->code)
        c->bad = true;
    const uint8_t *code = cur_take(c, c->bad ? 0 : out->n);
    if (code && out->n)
        memcpy(out->code, code, out->n);
    out->lo.v = cur_u64_le(c);
    out->hi.v = cur_u64_le(c);
    out->exact = out->n && out->lo.v == out->hi.v;
}

static void
read_last(struct cur *c, struct look_scope *sc)
{
    sc->cut = true;
    read_id(c, &sc->last);
    sc->last_plate.v = cur_u64_le(c);
}

static void
read_ids(struct cur *c, struct look_scope *sc)
{
    sc->ids_n = cur_u16_le(c);
    if (sc->ids_n == 0 || sc->ids_n > LOOK_IDS)
        c->bad = true;
    for (uint16_t i = 0; !c->bad && i < sc->ids_n; i++)
        read_id(c, &sc->ids[i]);
}

enum err
look_scope_decode(struct span bytes, struct look_scope *out)
{
    struct look_scope sc = {0};
    struct cur c = cur_of(bytes.p, bytes.n);
    if (!bytes.n) {
        *out = sc;
        return OK;
    }
    if (cur_u8(&c) > SCOPE_VERSION)
        return ERR_NEWER;
    uint8_t flags = cur_u8(&c);
    sc.answered = true;
    sc.from_ms = (ts_ms)cur_u64_le(&c);
    sc.to_ms = (ts_ms)cur_u64_le(&c);
    sc.seen_ms = (ts_ms)cur_u64_le(&c);
    sc.plate.v = cur_u64_le(&c);
    read_pattern(&c, &sc.pattern);
    sc.plate_color = cur_u8(&c);
    sc.vehicle_color = cur_u8(&c);
    sc.vehicle_class = cur_u16_le(&c);
    sc.brand = cur_u16_le(&c);
    sc.sites_n = cur_u8(&c);
    if (sc.sites_n > LOOK_SITES)
        return ERR_CORRUPT;
    for (uint8_t i = 0; i < sc.sites_n; i++)
        sc.sites[i].v = cur_u32_le(&c);
    if (flags & FLAG_CUT)
        read_last(&c, &sc);
    if (flags & FLAG_LISTED)
        read_ids(&c, &sc);
    if (c.bad || cur_left(&c))
        return ERR_CORRUPT;
    *out = sc;
    return OK;
}
