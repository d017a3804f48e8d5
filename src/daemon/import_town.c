/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu import org, units, sites: who there is, and where cameras stand. */
#include "daemon/import.h"

#include "store/ledger_people.h"
#include "store/ledger_place.h"

/* ---- organisation, units, officers ---- */

enum { ORG_CODE, ORG_PARENT, ORG_KIND, ORG_NAME, ORG_NAME_EN, ORG_SUB };
static const char *const org_names[] = {"org",     "parent",     "kind", "name",
                                        "name_en", "sub_centre", NULL};
static const char *const org_required[] = {"org", "kind", "name", NULL};

static enum err
take_org(struct import *im)
{
    static const char *const kinds[] = {"province", "city", "brigade", "squad"};
    struct org o = {0};
    struct base *b = im->call->door->base;
    struct span kind = import_text(im, ORG_KIND), parent = import_text(im, ORG_PARENT);
    while (o.kind < 4 && !span_eq_cstr(kind, kinds[o.kind]))
        o.kind++;
    if (o.kind == 4)
        return import_refuse(
            im, ORG_KIND, "province, city, brigade or squad",
            "应为 province、city、brigade 或 squad");
    if (!import_copy(im, ORG_CODE, o.code, sizeof o.code) || !o.code[0])
        return import_refuse(im, ORG_CODE, "1 to 19 characters", "1 至 19 个字符");
    if (!import_copy(im, ORG_NAME, o.name, sizeof o.name) ||
        !import_copy(im, ORG_NAME_EN, o.name_en, sizeof o.name_en))
        return import_refuse(im, ORG_NAME, "too long", "过长");
    o.sub_centre = span_eq_cstr(import_text(im, ORG_SUB), "1");
    struct org_table *orgs = NULL;
    enum err e = ledger_org_table(ledger_as_reader(b->ledger), 0, &orgs);
    if (e != OK)
        return e;
    o.id = org_find(orgs, span_cstr(o.code));
    o.parent = parent.n ? org_find(orgs, parent) : (struct org_id){0};
    bool orphan = parent.n && o.parent.v == 0;
    bool ring = o.id.v && parent.n && org_covers(orgs, o.id, o.parent);
    org_table_unref(orgs);
    if (orphan)
        return import_refuse(
            im, ORG_PARENT, "the parent must stand before its children",
            "上级单位须先于下级出现");
    if (ring)
        return import_refuse(
            im, ORG_PARENT, "the parent lies below this one", "上级单位是其自身的下级");
    e = ledger_org_put(b->ledger, &o);
    return e == OK ? import_told(im, TOPIC_ORG, o.id.v) : e;
}

enum { UNIT_CALLSIGN, UNIT_KIND, UNIT_ORG, UNIT_LON, UNIT_LAT };
static const char *const unit_names[] = {"callsign", "kind", "org", "lon", "lat", NULL};
static const char *const unit_required[] = {"callsign", "org", NULL};

static enum err
find_org(struct import *im, int column, struct org_id *out)
{
    struct org_table *orgs = NULL;
    enum err e =
        ledger_org_table(ledger_as_reader(im->call->door->base->ledger), 0, &orgs);
    if (e == OK)
        *out = org_find(orgs, import_text(im, column));
    org_table_unref(orgs);
    return e;
}

static enum err
find_unit(struct import *im, struct span callsign, struct unit_row *out, bool *found)
{
    struct arena a;
    struct unit_row *rows;
    size_t n;
    arena_init(&a, 64 << 20);
    enum err e =
        ledger_units(ledger_as_reader(im->call->door->base->ledger), &a, &rows, &n);
    *found = false;
    for (size_t i = 0; e == OK && i < n && !*found; i++)
        if (span_eq_cstr(callsign, rows[i].unit.callsign)) {
            *out = rows[i];
            *found = true;
        }
    arena_release(&a);
    return e;
}

static enum err
take_unit(struct import *im)
{
    static const char *const kinds[] = {"car", "motorcycle", "foot", "tow", "drone"};
    struct unit_row u = {0};
    bool known;
    enum err e = find_unit(im, import_text(im, UNIT_CALLSIGN), &u, &known);
    if (e != OK)
        return e;
    struct span kind = import_text(im, UNIT_KIND);
    u.unit.kind = 0;
    while (kind.n && u.unit.kind < 5 && !span_eq_cstr(kind, kinds[u.unit.kind]))
        u.unit.kind++;
    if (u.unit.kind == 5)
        return import_refuse(
            im, UNIT_KIND, "car, motorcycle, foot, tow or drone",
            "应为 car、motorcycle、foot、tow 或 drone");
    if (!import_copy(im, UNIT_CALLSIGN, u.unit.callsign, sizeof u.unit.callsign) ||
        !u.unit.callsign[0])
        return import_refuse(im, UNIT_CALLSIGN, "1 to 23 bytes", "1 至 23 字节");
    e = find_org(im, UNIT_ORG, &u.unit.org);
    if (e != OK)
        return e;
    if (u.unit.org.v == 0)
        return import_refuse(
            im, UNIT_ORG, "no such unit of the organisation", "没有该单位");
    bool placed = import_has(im, UNIT_LON) && import_has(im, UNIT_LAT);
    if (placed && !import_position(im, UNIT_LON, UNIT_LAT, &u.unit.lon, &u.unit.lat))
        return import_refuse(im, UNIT_LON, "decimal degrees", "应为十进制度");
    if (!known) {
        u.unit.status = UNIT_READY;
        u.unit.fix_ms = u.unit.lon || u.unit.lat ? im->now : 0;
    }
    e = ledger_unit_put(im->call->door->base->ledger, &u);
    return e == OK ? import_told(im, TOPIC_UNIT, u.unit.id.v) : e;
}

/* ---- sites ---- */

enum {
    SITE_CODE,
    SITE_NAME,
    SITE_LON,
    SITE_LAT,
    SITE_KIND,
    SITE_DIRS,
    SITE_LANES,
    SITE_LIMIT,
    SITE_PASS,
    SITE_ORG,
    SITE_ROAD,
    SITE_COLORS
};
static const char *const site_names[] = {
    "site",      "name",      "lon",     "lat",  "kind",      "directions", "lanes",
    "limit_kmh", "city_pass", "brigade", "road", "color_map", NULL};
static const char *const site_required[] = {"site", NULL};

static bool
directions(struct span s, uint16_t *out)
{
    *out = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c >= '1' && c <= '9')
            *out = (uint16_t)(*out | 1u << (c - '0'));
        else if (!strchr(" ;,|/", c))
            return false;
    }
    return true;
}

/* The row that is to be changed: what the file has no column for stays as it is, so
 * that a table of other columns never takes names and places away. */
static void
known_site(const struct import *im, struct site *s)
{
    struct site_table *sites = base_sites(im->call->door->base);
    const struct site *old = site_get(sites, site_find(sites, span_cstr(s->code)));
    if (old)
        *s = *old;
    site_table_unref(sites);
}

static bool
site_texts(const struct import *im, struct site *s)
{
    bool ok = (!import_has(im, SITE_NAME) ||
               import_copy(im, SITE_NAME, s->name, sizeof s->name)) &&
              (!import_has(im, SITE_ROAD) ||
               import_copy(im, SITE_ROAD, s->road, sizeof s->road)) &&
              (!import_has(im, SITE_COLORS) ||
               import_copy(im, SITE_COLORS, s->color_map, sizeof s->color_map));
    if (!s->name[0])
        memcpy(s->name, s->code, sizeof s->code);
    return ok;
}

static bool
site_numbers(const struct import *im, struct site *s)
{
    double lanes, limit, pass;
    if (!import_number(im, SITE_LANES, 0, 255, 0, &lanes) ||
        !import_number(im, SITE_LIMIT, 0, 255, 0, &limit) ||
        !import_number(im, SITE_PASS, 0, 4, 0, &pass))
        return false;
    if (import_has(im, SITE_LANES))
        s->lanes = (uint8_t)lanes;
    if (import_has(im, SITE_LIMIT))
        s->limit_kmh = (uint8_t)limit;
    if (import_has(im, SITE_PASS))
        s->city_pass = (uint8_t)pass;
    return true;
}

static bool
site_kind(const struct import *im, struct site *s)
{
    static const char *const kinds[] = {
        "camera", "gantry", "detector", "mobile", "rsu"};
    struct span kind = import_text(im, SITE_KIND);
    if (kind.n == 0)
        return true;
    for (uint8_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (span_eq_cstr(kind, kinds[k])) {
            s->kind = k;
            return true;
        }
    return false;
}

static enum err
take_site(struct import *im)
{
    struct site s = {0};
    if (!import_copy(im, SITE_CODE, s.code, sizeof s.code) || !s.code[0])
        return import_refuse(im, SITE_CODE, "1 to 31 characters", "1 至 31 个字符");
    known_site(im, &s);
    if (!site_texts(im, &s))
        return import_refuse(im, SITE_NAME, "a text is too long", "文字过长");
    if (s.color_map[0] && !color_map_find(span_cstr(s.color_map)))
        return import_refuse(
            im, SITE_COLORS, "no such vendor colour map: see tongqu-config(5)",
            "没有该厂商颜色代码表，见 tongqu-config(5)");
    if (import_has(im, SITE_LON) && import_has(im, SITE_LAT) &&
        !import_position(im, SITE_LON, SITE_LAT, &s.lon, &s.lat))
        return import_refuse(im, SITE_LON, "decimal degrees", "应为十进制度");
    if (import_has(im, SITE_DIRS) &&
        !directions(import_text(im, SITE_DIRS), &s.directions))
        return import_refuse(
            im, SITE_DIRS, "direction codes 1 to 9", "方向代码 1 至 9");
    if (!site_numbers(im, &s))
        return import_refuse(
            im, SITE_LANES, "lanes, limit_kmh or city_pass is out of range",
            "数值超出范围");
    if (!site_kind(im, &s))
        return import_refuse(
            im, SITE_KIND, "camera, gantry, detector, mobile or rsu",
            "应为 camera、gantry、detector、mobile 或 rsu");
    enum err e = import_has(im, SITE_ORG) ? find_org(im, SITE_ORG, &s.org) : OK;
    if (e == OK)
        e = ledger_site_put(im->call->door->base->ledger, &s);
    return e == OK ? import_told(im, TOPIC_SITE, s.id.v) : e;
}

const struct import_kind import_org = {"org",    org_names, org_required,
                                       take_org, NULL,      IMPORT_IN_LEDGER};
const struct import_kind import_units = {"units",   unit_names, unit_required,
                                         take_unit, NULL,       IMPORT_IN_LEDGER};
const struct import_kind import_sites = {"sites",   site_names, site_required,
                                         take_site, NULL,       IMPORT_IN_LEDGER};
