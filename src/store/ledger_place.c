/* SPDX-License-Identifier: Apache-2.0 */
/* Rings and windows are kept as little-endian bytes: 8 a point, 5 a window. */
#include "store/ledger_place.h"

#include "core/cur.h"
#include "model/toll.h"
#include "store/ledger_sql.h"

/* ---- sites ---- */

#define SITE_COLUMNS                                                                   \
    "id, code, name, lon, lat, kind, lanes, limit_kmh, city_pass, directions,"         \
    " color_map, road, org, stopped"

static enum err
site_id_of(struct ledger_reader *r, struct span code, uint32_t *id)
{
    struct sql q;
    bool row = false;
    enum err e = sql_use(r, "SELECT id FROM site WHERE code = ?", &q);
    if (e)
        return e;
    put_span(&q, code);
    e = sql_next(&q, &row);
    *id = row ? get_u32(&q) : 0;
    if (row)
        sql_done(&q);
    return e;
}

enum err
ledger_site_put(struct ledger *l, struct site *s)
{
    struct sql q;
    uint32_t id = s->id.v;
    if (!s->code[0] || id > l->last[ID_SITE])
        return s->code[0] ? ERR_NOTFOUND : ERR_INPUT;
    enum err e = id ? OK : site_id_of(&l->r, span_cstr(s->code), &id);
    if (!e && id == 0)
        id = (uint32_t)ledger_id(l, ID_SITE);
    if (!e)
        e = sql_use(
            &l->r,
            "INSERT INTO site (" SITE_COLUMNS ")"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET code = excluded.code,"
            " name = excluded.name, lon = excluded.lon, lat = excluded.lat,"
            " kind = excluded.kind, lanes = excluded.lanes,"
            " limit_kmh = excluded.limit_kmh, city_pass = excluded.city_pass,"
            " directions = excluded.directions, color_map = excluded.color_map,"
            " road = excluded.road, org = excluded.org, stopped = excluded.stopped",
            &q);
    if (e)
        return e;
    put_i64(&q, id);
    put_text(&q, s->code);
    put_text(&q, s->name);
    put_i64(&q, s->lon);
    put_i64(&q, s->lat);
    put_i64(&q, s->kind);
    put_i64(&q, s->lanes);
    put_i64(&q, s->limit_kmh);
    put_i64(&q, s->city_pass);
    put_i64(&q, s->directions);
    put_text(&q, s->color_map);
    put_text(&q, s->road);
    put_i64(&q, s->org.v);
    put_i64(&q, s->stopped);
    e = sql_run(&q);
    if (!e)
        s->id.v = id;
    return e;
}

enum err
ledger_site_ensure(struct ledger *l, struct span code, struct site_id *out, bool *made)
{
    struct site s = {0};
    uint32_t id = 0;
    if (code.n == 0 || !span_copy(s.code, sizeof s.code, code))
        return ERR_INPUT;
    enum err e = site_id_of(&l->r, code, &id);
    if (e)
        return e;
    *made = id == 0;
    if (id == 0) {
        struct span gantry;
        s.kind = rsu_code(code, &gantry) ? SITE_RSU
                 : gantry_code(code)     ? SITE_GANTRY
                                         : SITE_CAMERA;
        (void)span_copy(s.name, sizeof s.name, code);
        e = ledger_site_put(l, &s);
        id = s.id.v;
    }
    if (!e)
        out->v = id;
    return e;
}

/* A gantry's radio stands where the gantry stands, unless it was placed itself. */
static void
place_radios(struct site_table *t)
{
    for (uint32_t i = 1; i <= t->n; i++) {
        struct site *s = &t->rows[i];
        struct span gantry;
        if (site_is_placed(s) || !rsu_code(span_cstr(s->code), &gantry))
            continue;
        const struct site *of = site_get(t, site_find(t, gantry));
        if (!of)
            continue;
        s->lon = of->lon;
        s->lat = of->lat;
        s->org = s->org.v ? s->org : of->org;
        if (!s->road[0])
            memcpy(s->road, of->road, sizeof s->road);
    }
}

enum err
ledger_site_table(struct ledger_reader *r, uint64_t version, struct site_table **out)
{
    struct sql q;
    bool row;
    struct site_table *t = site_table_new(256);
    if (!t)
        return ERR_NOMEM;
    t->version = version;
    enum err e = sql_use(r, "SELECT " SITE_COLUMNS " FROM site ORDER BY id", &q);
    while (!e && !(e = sql_next(&q, &row)) && row) {
        struct site s = {0};
        s.id.v = get_u32(&q);
        GET_TEXT(&q, s.code);
        GET_TEXT(&q, s.name);
        s.lon = (e7)get_i64(&q);
        s.lat = (e7)get_i64(&q);
        s.kind = get_u8(&q);
        s.lanes = get_u8(&q);
        s.limit_kmh = get_u8(&q);
        s.city_pass = get_u8(&q);
        s.directions = get_u16(&q);
        GET_TEXT(&q, s.color_map);
        GET_TEXT(&q, s.road);
        s.org.v = get_u32(&q);
        s.stopped = get_bool(&q);
        if (site_table_put(t, &s).v == 0) {
            sql_done(&q);
            e = ERR_NOMEM;
        }
    }
    if (e) {
        site_table_unref(t);
        return e;
    }
    place_radios(t);
    *out = t;
    return OK;
}

/* ---- zones ---- */

#define ZONE_COLUMNS "id, code, name, kind, classes, points, windows, from_ms, to_ms"

/* The id of a row by its code (0: none), for tables whose imports are repeated. */
static enum err
id_by(struct ledger_reader *r, const char *select, const char *code, uint64_t *id)
{
    struct sql q;
    bool row = false;
    enum err e = sql_use(r, select, &q);
    if (e)
        return e;
    put_text(&q, code);
    e = sql_next(&q, &row);
    *id = row ? get_u64(&q) : 0;
    if (row)
        sql_done(&q);
    return e;
}

/* What a put writes to: the id given, the id of the code, or a new one. */
static enum err
target(
    struct ledger *l, enum ledger_id which, const char *select, const char *code,
    uint64_t *id)
{
    if (*id > l->last[which])
        return ERR_NOTFOUND;
    enum err e = *id || !code[0] ? OK : id_by(&l->r, select, code, id);
    if (!e && *id == 0)
        *id = ledger_id(l, which);
    return e;
}

static void
encode_zone(const struct zone_row *z, struct buf *points, struct buf *windows)
{
    for (uint32_t i = 0; i < z->points_n; i++) {
        buf_le(points, (uint32_t)z->points[i].lon, 4);
        buf_le(points, (uint32_t)z->points[i].lat, 4);
    }
    for (uint32_t i = 0; i < z->windows_n; i++) {
        buf_u8(windows, z->windows[i].days);
        buf_le(windows, z->windows[i].from_min, 2);
        buf_le(windows, z->windows[i].to_min, 2);
    }
}

enum err
ledger_zone_put(struct ledger *l, struct zone_row *z)
{
    struct sql q;
    struct buf points = {0}, windows = {0};
    uint64_t id = z->id;
    if (!z->code[0] || z->points_n < 3)
        return ERR_INPUT;
    encode_zone(z, &points, &windows);
    enum err e = points.bad || windows.bad ? ERR_NOMEM : OK;
    if (!e)
        e = target(l, ID_ZONE, "SELECT id FROM zone WHERE code = ?", z->code, &id);
    if (!e)
        e = sql_use(
            &l->r,
            "INSERT INTO zone (" ZONE_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET code = excluded.code,"
            " name = excluded.name, kind = excluded.kind, classes = excluded.classes,"
            " points = excluded.points, windows = excluded.windows,"
            " from_ms = excluded.from_ms, to_ms = excluded.to_ms",
            &q);
    if (!e) {
        put_u64(&q, id);
        put_text(&q, z->code);
        put_text(&q, z->name);
        put_text(&q, z->kind);
        put_text(&q, z->classes);
        put_blob(&q, points.p, points.n);
        put_blob(&q, windows.p, windows.n);
        put_i64(&q, z->from_ms);
        put_i64(&q, z->to_ms);
        e = sql_run(&q);
    }
    if (!e)
        z->id = (uint32_t)id;
    buf_release(&points);
    buf_release(&windows);
    return e;
}

static enum err
decode_zone(
    struct zone_row *z, struct span points, struct span windows, struct arena *a)
{
    z->points_n = (uint32_t)(points.n / 8);
    z->windows_n = (uint32_t)(windows.n / 5);
    z->points = arena_array(a, z->points_n, sizeof *z->points);
    z->windows = arena_array(a, z->windows_n, sizeof *z->windows);
    if (!z->points || !z->windows)
        return ERR_TOOBIG;
    struct cur c = cur_of(points.p, points.n);
    for (uint32_t i = 0; i < z->points_n; i++) {
        z->points[i].lon = (e7)cur_u32_le(&c);
        z->points[i].lat = (e7)cur_u32_le(&c);
    }
    c = cur_of(windows.p, windows.n);
    for (uint32_t i = 0; i < z->windows_n; i++) {
        z->windows[i].days = cur_u8(&c);
        z->windows[i].from_min = cur_u16_le(&c);
        z->windows[i].to_min = cur_u16_le(&c);
    }
    return OK;
}

enum err
ledger_zones(struct ledger_reader *r, struct arena *a, struct zone_row **out, size_t *n)
{
    struct sql q;
    bool row;
    struct rows rows = {.a = a, .size = sizeof **out};
    enum err e = sql_use(r, "SELECT " ZONE_COLUMNS " FROM zone ORDER BY id", &q);
    while (!e && !(e = sql_next(&q, &row)) && row) {
        struct zone_row *z = rows_add(&rows);
        if (z) {
            z->id = get_u32(&q);
            GET_TEXT(&q, z->code);
            GET_TEXT(&q, z->name);
            GET_TEXT(&q, z->kind);
            GET_TEXT(&q, z->classes);
            struct span points = get_borrowed(&q);
            struct span windows = get_borrowed(&q);
            e = decode_zone(z, points, windows, a);
            z->from_ms = get_i64(&q);
            z->to_ms = get_i64(&q);
        }
        if (!z || e) {
            sql_done(&q);
            return ERR_TOOBIG;
        }
    }
    *out = (struct zone_row *)(void *)rows.p;
    *n = rows.n;
    return e;
}

#define PERMIT_COLUMNS "id, number, zone, plate, plate_color, from_ms, to_ms"

enum err
ledger_permit_put(struct ledger *l, struct permit_row *p)
{
    struct sql q;
    uint64_t id = p->id;
    enum err e =
        target(l, ID_PERMIT, "SELECT id FROM permit WHERE number = ?", p->number, &id);
    if (!e)
        e = sql_use(
            &l->r,
            "INSERT INTO permit (" PERMIT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET number = excluded.number,"
            " zone = excluded.zone, plate = excluded.plate,"
            " plate_color = excluded.plate_color, from_ms = excluded.from_ms,"
            " to_ms = excluded.to_ms",
            &q);
    if (e)
        return e;
    put_u64(&q, id);
    put_text(&q, p->number);
    put_i64(&q, p->zone);
    put_u64(&q, p->plate.v);
    put_i64(&q, p->plate_color);
    put_i64(&q, p->from_ms);
    put_i64(&q, p->to_ms);
    e = sql_run(&q);
    if (!e)
        p->id = id;
    return e;
}

enum err
ledger_permits(
    struct ledger_reader *r, struct arena *a, struct permit_row **out, size_t *n)
{
    struct sql q;
    bool row;
    struct rows rows = {.a = a, .size = sizeof **out};
    enum err e = sql_use(r, "SELECT " PERMIT_COLUMNS " FROM permit ORDER BY id", &q);
    while (!e && !(e = sql_next(&q, &row)) && row) {
        struct permit_row *p = rows_add(&rows);
        if (!p) {
            sql_done(&q);
            return ERR_TOOBIG;
        }
        p->id = get_u64(&q);
        GET_TEXT(&q, p->number);
        p->zone = get_u32(&q);
        p->plate.v = get_u64(&q);
        p->plate_color = get_u8(&q);
        p->from_ms = get_i64(&q);
        p->to_ms = get_i64(&q);
    }
    *out = (struct permit_row *)(void *)rows.p;
    *n = rows.n;
    return e;
}

/* ---- sections ---- */

#define SECTION_COLUMNS                                                                \
    "id, code, name, from_site, to_site, direction, dist_m, limit_kmh, "               \
    "limit_truck_kmh"

enum err
ledger_section_put(struct ledger *l, struct section_row *s)
{
    struct sql q;
    uint64_t id = s->id;
    if (!s->code[0] || s->dist_m == 0)
        return ERR_INPUT;
    enum err e =
        target(l, ID_SECTION, "SELECT id FROM section WHERE code = ?", s->code, &id);
    if (!e)
        e = sql_use(
            &l->r,
            "INSERT INTO section (" SECTION_COLUMNS ")"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET code = excluded.code,"
            " name = excluded.name, from_site = excluded.from_site,"
            " to_site = excluded.to_site, direction = excluded.direction,"
            " dist_m = excluded.dist_m, limit_kmh = excluded.limit_kmh,"
            " limit_truck_kmh = excluded.limit_truck_kmh",
            &q);
    if (e)
        return e;
    put_u64(&q, id);
    put_text(&q, s->code);
    put_text(&q, s->name);
    put_i64(&q, s->from.v);
    put_i64(&q, s->to.v);
    put_i64(&q, s->direction);
    put_i64(&q, s->dist_m);
    put_i64(&q, s->limit_kmh);
    put_i64(&q, s->limit_truck_kmh);
    e = sql_run(&q);
    if (!e)
        s->id = (uint32_t)id;
    return e;
}

enum err
ledger_sections(
    struct ledger_reader *r, struct arena *a, struct section_row **out, size_t *n)
{
    struct sql q;
    bool row;
    struct rows rows = {.a = a, .size = sizeof **out};
    enum err e = sql_use(r, "SELECT " SECTION_COLUMNS " FROM section ORDER BY id", &q);
    while (!e && !(e = sql_next(&q, &row)) && row) {
        struct section_row *s = rows_add(&rows);
        if (!s) {
            sql_done(&q);
            return ERR_TOOBIG;
        }
        s->id = get_u32(&q);
        GET_TEXT(&q, s->code);
        GET_TEXT(&q, s->name);
        s->from.v = get_u32(&q);
        s->to.v = get_u32(&q);
        s->direction = get_u8(&q);
        s->dist_m = get_u32(&q);
        s->limit_kmh = get_u8(&q);
        s->limit_truck_kmh = get_u8(&q);
    }
    *out = (struct section_row *)(void *)rows.p;
    *n = rows.n;
    return e;
}
