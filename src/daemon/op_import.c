/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu import: tables of a city, and passes by the million. Every kind is a row
 * below: its columns, and what one record becomes. A record that cannot be taken goes
 * to the rejects file with its line and the reason; the others go on. Importing the
 * same file again changes nothing. */
#include "core/os_clock.h"
#include "daemon/history.h"
#include "daemon/import.h"
#include "daemon/op.h"
#include "feeds/csv.h"
#include "store/ledger_people.h"
#include "store/ledger_place.h"
#include "store/ledger_watch.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* ---- rejects ---- */

static void
open_rejects(struct import *im)
{
    char dir[OS_PATH];
    struct note note;
    if (os_join(dir, sizeof dir, im->call->door->base->dir, "rejects") != OK ||
        os_mkdir(os_fs_real(), dir, &note) != OK) {
        fprintf(im->call->log, "the folder for rejects cannot be made: %s\n", dir);
        return;
    }
    char name[64];
    snprintf(name, sizeof name, "%s-%lld.csv", im->kind->name, (long long)os_now_ms());
    if (os_join(im->rejects_path, sizeof im->rejects_path, dir, name) != OK)
        return;
    im->rejects = fopen(im->rejects_path, "w");
    if (!im->rejects)
        fprintf(im->call->log, "rejects cannot be written: %s\n", im->rejects_path);
    else
        fprintf(im->rejects, "\xEF\xBB\xBFline,column,value,reason,reason_zh\n");
}

static void
quoted(FILE *out, struct span s)
{
    fputc('"', out);
    if (s.n && strchr("=+-@\t\r", s.p[0])) /* no formula for a spreadsheet */
        fputc('\'', out);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            fputc('"', out);
        fputc(s.p[i], out);
    }
    fputc('"', out);
}

static void
write_reject(
    struct import *im, uint64_t line, const char *column, struct span value,
    const char *en, const char *zh)
{
    if (!im->rejects && im->rejected + im->cut == 0)
        open_rejects(im);
    if (!im->rejects)
        return;
    fprintf(im->rejects, "%llu,%s,", (unsigned long long)line, column);
    quoted(im->rejects, value);
    fprintf(im->rejects, ",\"%s\",\"%s\"\n", en, zh);
}

void
import_reject(
    struct import *im, uint64_t line, const char *column, struct span value,
    const char *en, const char *zh)
{
    write_reject(im, line, column, value, en, zh);
    im->rejected++;
}

void
import_cut(struct import *im, uint64_t line, const char *column, struct span value)
{
    write_reject(
        im, line, column, value, "longer than is kept: the record is taken without it",
        "超过可保存长度：记录已收下，但不含该内容");
    im->cut++;
}

/* ---- fields ---- */

static bool
has(const struct import *im, int column)
{
    return im->column[column] >= 0;
}

struct span
import_text(const struct import *im, int column)
{
    return span_trim(csv_field(im->record, im->column[column]));
}

static bool
copy_text(const struct import *im, int column, char *dst, size_t cap)
{
    return span_copy(dst, cap, import_text(im, column));
}

/* Numbers of optional columns: absent text gives `absent`. */
static bool
number(
    const struct import *im, int column, double min, double max, double absent,
    double *out)
{
    struct span s = import_text(im, column);
    double v = absent;
    if (s.n && (!span_f64(s, &v) || v < min || v > max))
        return false;
    *out = v;
    return true;
}

static bool
position(const struct import *im, int lon_col, int lat_col, e7 *lon, e7 *lat)
{
    double x, y;
    if (!number(im, lon_col, -180, 180, 0, &x) || !number(im, lat_col, -90, 90, 0, &y))
        return false;
    *lon = (e7)lround(x * 1e7);
    *lat = (e7)lround(y * 1e7);
    return true;
}

static bool
instant(const struct import *im, int column, ts_ms absent, ts_ms *out)
{
    struct span s = import_text(im, column);
    *out = absent;
    return s.n == 0 || ts_parse(s, &im->call->door->base->zone, out, NULL) == OK;
}

/* The record's reason and OK: the import goes on. */
static enum err
refuse(struct import *im, int column, const char *en, const char *zh)
{
    import_reject(
        im, im->record->line, im->kind->names[column], import_text(im, column), en, zh);
    return OK;
}

static enum err
told(struct import *im, enum ledger_topic topic, uint64_t object)
{
    struct ledger_entry entry = {
        .topic = (uint8_t)topic, .object = object, .at_ms = im->now};
    uint64_t n;
    im->taken++;
    return ledger_note(im->call->door->base->ledger, &entry, &n);
}

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
        return refuse(
            im, ORG_KIND, "province, city, brigade or squad",
            "应为 province、city、brigade 或 squad");
    if (!copy_text(im, ORG_CODE, o.code, sizeof o.code) || !o.code[0])
        return refuse(im, ORG_CODE, "1 to 19 characters", "1 至 19 个字符");
    if (!copy_text(im, ORG_NAME, o.name, sizeof o.name) ||
        !copy_text(im, ORG_NAME_EN, o.name_en, sizeof o.name_en))
        return refuse(im, ORG_NAME, "too long", "过长");
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
        return refuse(
            im, ORG_PARENT, "the parent must stand before its children",
            "上级单位须先于下级出现");
    if (ring)
        return refuse(
            im, ORG_PARENT, "the parent lies below this one", "上级单位是其自身的下级");
    e = ledger_org_put(b->ledger, &o);
    return e == OK ? told(im, TOPIC_ORG, o.id.v) : e;
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
        return refuse(
            im, UNIT_KIND, "car, motorcycle, foot, tow or drone",
            "应为 car、motorcycle、foot、tow 或 drone");
    if (!copy_text(im, UNIT_CALLSIGN, u.unit.callsign, sizeof u.unit.callsign) ||
        !u.unit.callsign[0])
        return refuse(im, UNIT_CALLSIGN, "1 to 23 bytes", "1 至 23 字节");
    e = find_org(im, UNIT_ORG, &u.unit.org);
    if (e != OK)
        return e;
    if (u.unit.org.v == 0)
        return refuse(im, UNIT_ORG, "no such unit of the organisation", "没有该单位");
    bool placed = has(im, UNIT_LON) && has(im, UNIT_LAT);
    if (placed && !position(im, UNIT_LON, UNIT_LAT, &u.unit.lon, &u.unit.lat))
        return refuse(im, UNIT_LON, "decimal degrees", "应为十进制度");
    if (!known) {
        u.unit.status = UNIT_READY;
        u.unit.fix_ms = u.unit.lon || u.unit.lat ? im->now : 0;
    }
    e = ledger_unit_put(im->call->door->base->ledger, &u);
    return e == OK ? told(im, TOPIC_UNIT, u.unit.id.v) : e;
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
    bool ok =
        (!has(im, SITE_NAME) || copy_text(im, SITE_NAME, s->name, sizeof s->name)) &&
        (!has(im, SITE_ROAD) || copy_text(im, SITE_ROAD, s->road, sizeof s->road)) &&
        (!has(im, SITE_COLORS) ||
         copy_text(im, SITE_COLORS, s->color_map, sizeof s->color_map));
    if (!s->name[0])
        memcpy(s->name, s->code, sizeof s->code);
    return ok;
}

static bool
site_numbers(const struct import *im, struct site *s)
{
    double lanes, limit, pass;
    if (!number(im, SITE_LANES, 0, 255, 0, &lanes) ||
        !number(im, SITE_LIMIT, 0, 255, 0, &limit) ||
        !number(im, SITE_PASS, 0, 4, 0, &pass))
        return false;
    if (has(im, SITE_LANES))
        s->lanes = (uint8_t)lanes;
    if (has(im, SITE_LIMIT))
        s->limit_kmh = (uint8_t)limit;
    if (has(im, SITE_PASS))
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
    if (!copy_text(im, SITE_CODE, s.code, sizeof s.code) || !s.code[0])
        return refuse(im, SITE_CODE, "1 to 31 characters", "1 至 31 个字符");
    known_site(im, &s);
    if (!site_texts(im, &s))
        return refuse(im, SITE_NAME, "a text is too long", "文字过长");
    if (s.color_map[0] && !color_map_find(span_cstr(s.color_map)))
        return refuse(
            im, SITE_COLORS, "no such vendor colour map: see tongqu-config(5)",
            "没有该厂商颜色代码表，见 tongqu-config(5)");
    if (has(im, SITE_LON) && has(im, SITE_LAT) &&
        !position(im, SITE_LON, SITE_LAT, &s.lon, &s.lat))
        return refuse(im, SITE_LON, "decimal degrees", "应为十进制度");
    if (has(im, SITE_DIRS) && !directions(import_text(im, SITE_DIRS), &s.directions))
        return refuse(im, SITE_DIRS, "direction codes 1 to 9", "方向代码 1 至 9");
    if (!site_numbers(im, &s))
        return refuse(
            im, SITE_LANES, "lanes, limit_kmh or city_pass is out of range",
            "数值超出范围");
    if (!site_kind(im, &s))
        return refuse(
            im, SITE_KIND, "camera, gantry, detector, mobile or rsu",
            "应为 camera、gantry、detector、mobile 或 rsu");
    enum err e = has(im, SITE_ORG) ? find_org(im, SITE_ORG, &s.org) : OK;
    if (e == OK)
        e = ledger_site_put(im->call->door->base->ledger, &s);
    return e == OK ? told(im, TOPIC_SITE, s.id.v) : e;
}

/* ---- zones, permits, sections ---- */

enum {
    ZONE_CODE,
    ZONE_NAME,
    ZONE_NAME_EN,
    ZONE_CLASSES_COL,
    ZONE_WINDOWS_COL,
    ZONE_POLYGON
};
static const char *const zone_names[] = {"zone",    "name",    "name_en", "classes",
                                         "windows", "polygon", NULL};
static const char *const zone_required[] = {"zone", "polygon", NULL};

#define ZONE_POINTS 512

static bool
read_polygon(struct span text, struct zone_point *points, uint32_t *n)
{
    *n = 0;
    while (text.n) {
        struct span at = span_trim(span_cut(&text, ';'));
        struct span lon = span_cut(&at, ' ');
        double x, y;
        if (lon.n == 0)
            continue;
        if (*n == ZONE_POINTS || !span_f64(lon, &x) || !span_f64(span_trim(at), &y))
            return false;
        points[(*n)++] = (struct zone_point){(e7)lround(x * 1e7), (e7)lround(y * 1e7)};
    }
    return *n >= 3;
}

static bool
read_windows(struct span text, struct zone_window *windows, uint32_t *n)
{
    struct ban_zone parsed = {0};
    *n = 0;
    if (text.n == 0)
        return true;
    if (!zone_windows_parse(text, &parsed))
        return false;
    for (uint8_t i = 0; i < parsed.windows_n; i++)
        windows[(*n)++] = (struct zone_window){
            parsed.windows[i].days, parsed.windows[i].from_min,
            parsed.windows[i].to_min};
    return true;
}

static enum err
take_zone(struct import *im)
{
    struct zone_point points[ZONE_POINTS];
    struct zone_window windows[ZONE_WINDOWS];
    struct zone_row z = {.kind = "truck_ban", .points = points, .windows = windows};
    if (!copy_text(im, ZONE_CODE, z.code, sizeof z.code) || !z.code[0] ||
        !copy_text(im, ZONE_NAME, z.name, sizeof z.name))
        return refuse(
            im, ZONE_CODE, "code or name is missing or too long",
            "代码或名称缺失或过长");
    struct ban_zone classes = {0};
    if (import_text(im, ZONE_CLASSES_COL).n &&
        !zone_classes_parse(import_text(im, ZONE_CLASSES_COL), &classes))
        return refuse(
            im, ZONE_CLASSES_COL, "class prefixes as H;Q", "车型前缀，如 H;Q");
    for (uint8_t i = 0; i < classes.classes_n; i++) {
        size_t at = strlen(z.classes);
        snprintf(
            z.classes + at, sizeof z.classes - at, "%s%s", i ? "," : "",
            classes.classes[i]);
    }
    if (!read_windows(import_text(im, ZONE_WINDOWS_COL), windows, &z.windows_n))
        return refuse(
            im, ZONE_WINDOWS_COL, "hours as 07:00-20:00;22:00-06:00",
            "时段如 07:00-20:00;22:00-06:00");
    if (!read_polygon(import_text(im, ZONE_POLYGON), points, &z.points_n))
        return refuse(
            im, ZONE_POLYGON, "at least three points as lon lat;lon lat;...",
            "至少三个点，写作 经度 纬度;经度 纬度;...");
    enum err e = ledger_zone_put(im->call->door->base->ledger, &z);
    im->taken += e == OK;
    return e;
}

enum { PERMIT_ZONE, PERMIT_PLATE, PERMIT_FROM, PERMIT_TO, PERMIT_NUMBER };
static const char *const permit_names[] = {"zone",  "plate",  "from_ms",
                                           "to_ms", "number", NULL};
static const char *const permit_required[] = {"plate", "from_ms", "to_ms", NULL};

static enum err
find_zone(struct import *im, struct span code, uint32_t *out)
{
    struct arena a;
    struct zone_row *rows;
    size_t n;
    arena_init(&a, 64 << 20);
    enum err e =
        ledger_zones(ledger_as_reader(im->call->door->base->ledger), &a, &rows, &n);
    *out = 0;
    for (size_t i = 0; e == OK && i < n; i++)
        if (span_eq_cstr(code, rows[i].code))
            *out = rows[i].id;
    arena_release(&a);
    return e;
}

static enum err
take_permit(struct import *im)
{
    struct permit_row p = {0};
    bool differs;
    struct span zone = import_text(im, PERMIT_ZONE);
    (void)plate_parse(import_text(im, PERMIT_PLATE), &p.plate, &differs);
    if (!plate_is_exact(p.plate))
        return refuse(im, PERMIT_PLATE, "a whole plate", "应为完整号牌");
    if (!instant(im, PERMIT_FROM, 0, &p.from_ms) ||
        !instant(im, PERMIT_TO, 0, &p.to_ms) || p.to_ms <= p.from_ms)
        return refuse(im, PERMIT_FROM, "a beginning before an end", "起始须早于截止");
    (void)copy_text(im, PERMIT_NUMBER, p.number, sizeof p.number);
    enum err e = OK;
    if (zone.n) { /* the zones change rarely and stand together in the file */
        if (!span_eq_cstr(zone, im->last_zone)) {
            e = find_zone(im, zone, &im->last_zone_id);
            (void)span_copy(im->last_zone, sizeof im->last_zone, zone);
        }
        p.zone = im->last_zone_id;
        if (e == OK && p.zone == 0)
            return refuse(
                im, PERMIT_ZONE, "no such zone: import zones first",
                "没有该区域，请先导入 zones");
    }
    if (e == OK)
        e = ledger_permit_put(im->call->door->base->ledger, &p);
    im->taken += e == OK;
    return e;
}

enum {
    SECTION_CODE,
    SECTION_NAME,
    SECTION_FROM,
    SECTION_TO,
    SECTION_LENGTH,
    SECTION_LIMIT,
    SECTION_TRUCK
};
static const char *const section_names[] = {"section",         "name",     "from_site",
                                            "to_site",         "length_m", "limit_kmh",
                                            "limit_truck_kmh", NULL};
static const char *const section_required[] = {"section",  "from_site", "to_site",
                                               "length_m", "limit_kmh", NULL};

static enum err
take_section(struct import *im)
{
    struct section_row s = {0};
    double length, limit, truck;
    struct site_table *sites = base_sites(im->call->door->base);
    s.from = site_find(sites, import_text(im, SECTION_FROM));
    s.to = site_find(sites, import_text(im, SECTION_TO));
    site_table_unref(sites);
    if (s.from.v == 0 || s.to.v == 0)
        return refuse(
            im, SECTION_FROM, "no such site: import sites first",
            "没有该点位，请先导入 sites");
    if (!copy_text(im, SECTION_CODE, s.code, sizeof s.code) ||
        !copy_text(im, SECTION_NAME, s.name, sizeof s.name))
        return refuse(im, SECTION_CODE, "too long", "过长");
    if (!number(im, SECTION_LENGTH, 1, 1e6, 0, &length) || length == 0 ||
        !number(im, SECTION_LIMIT, 5, 200, 0, &limit) || limit == 0 ||
        !number(im, SECTION_TRUCK, 5, 200, 0, &truck))
        return refuse(im, SECTION_LENGTH, "metres and km/h", "应为米与公里每小时");
    s.dist_m = (uint32_t)length;
    s.limit_kmh = (uint8_t)limit;
    s.limit_truck_kmh = (uint8_t)truck;
    enum err e = ledger_section_put(im->call->door->base->ledger, &s);
    im->taken += e == OK;
    return e;
}

/* ---- registry ---- */

enum {
    REG_PLATE,
    REG_COLOR,
    REG_CLASS,
    REG_VCLASS,
    REG_VCOLOR,
    REG_BRAND,
    REG_STATUS,
    REG_USE,
    REG_INSPECTION,
    REG_SCRAP,
    REG_OWNER
};
static const char *const registry_names[] = {
    "plate",      "plate_color", "plate_class", "vehicle_class",    "vehicle_color",
    "brand",      "status",      "use_nature",  "inspection_until", "scrap_on",
    "owner_unit", NULL};
static const char *const registry_required[] = {"plate", NULL};

/* A civil day: a date, or an instant. */
static bool
day_of(const struct import *im, int column, int32_t *out)
{
    struct span s = import_text(im, column);
    ts_ms t;
    *out = 0;
    if (s.n == 0)
        return true;
    if (ts_parse(s, &im->call->door->base->zone, &t, NULL) != OK)
        return false;
    *out = (int32_t)civil_day(t, &im->call->door->base->zone);
    return true;
}

static enum err
take_vehicle(struct import *im)
{
    struct registry_row *r = &im->vehicles[im->vehicles_n];
    struct vehicle *v = &r->vehicle;
    double plate_color, plate_class, color;
    bool differs;
    *r = (struct registry_row){0};
    (void)plate_parse(import_text(im, REG_PLATE), &v->plate, &differs);
    if (!plate_is_exact(v->plate))
        return refuse(im, REG_PLATE, "a whole plate", "应为完整号牌");
    if (!number(im, REG_COLOR, 0, 99, 0, &plate_color) ||
        !number(im, REG_CLASS, 0, 99, 0, &plate_class))
        return refuse(
            im, REG_COLOR, "a code of GA/T 1400 or GA 24.7",
            "应为 GA/T 1400 或 GA 24.7 代码");
    struct span body = import_text(im, REG_VCOLOR);
    if (body.n == 1 && body.p[0] >= 'A' && body.p[0] <= 'Z')
        color = color_of_ga24(body.p[0]);
    else if (!number(im, REG_VCOLOR, 0, 99, 0, &color))
        return refuse(
            im, REG_VCOLOR, "a code of GA/T 1400 or a letter of GA 24.8",
            "应为 GA/T 1400 代码或 GA 24.8 字母");
    if (!code3_parse(import_text(im, REG_VCLASS), &v->vehicle_class) ||
        !code3_parse(import_text(im, REG_BRAND), &v->brand))
        return refuse(
            im, REG_VCLASS, "a code of up to three characters", "至多三位代码");
    struct span status = import_text(im, REG_STATUS), use = import_text(im, REG_USE);
    for (size_t i = 0; i < status.n; i++) {
        if (status.p[i] < 'A' || status.p[i] > 'Z')
            return refuse(im, REG_STATUS, "letters of GA 24.17", "应为 GA 24.17 字母");
        v->status |= STATUS_BIT(status.p[i]);
    }
    if (!day_of(im, REG_INSPECTION, &v->inspection_day) ||
        !day_of(im, REG_SCRAP, &v->scrap_day))
        return refuse(
            im, REG_INSPECTION, "a date as 2026-03-02", "日期写作 2026-03-02");
    v->plate_color = (uint8_t)plate_color;
    v->plate_class = (uint8_t)plate_class;
    v->vehicle_color = (uint8_t)color;
    if (use.n > 1 || (use.n && (use.p[0] < 'A' || use.p[0] > 'Z')))
        return refuse(im, REG_USE, "one letter of GA 24.3", "应为 GA 24.3 的一个字母");
    v->use_nature = use.n ? use.p[0] : 0;
    struct span owner = import_text(im, REG_OWNER);
    char *keep = im->owners[im->vehicles_n];
    size_t n = owner.n < IMPORT_OWNER ? owner.n : IMPORT_OWNER;
    while (n < owner.n && n && ((unsigned char)owner.p[n] & 0xC0) == 0x80)
        n--; /* no half characters */
    memcpy(keep, owner.p ? owner.p : "", n);
    r->owner = span_of(keep, n);
    im->taken++;
    return ++im->vehicles_n == IMPORT_ROWS ? import_flush_vehicles(im) : OK;
}

enum err
import_flush_vehicles(struct import *im)
{
    size_t n = im->vehicles_n;
    im->vehicles_n = 0;
    return n ? registry_import_rows(
                   im->call->door->base->registry, im->vehicles, n, im->note)
             : OK;
}

/* ---- watches ---- */

enum {
    WATCH_CODE,
    WATCH_PLATE,
    WATCH_REASON,
    WATCH_LEVEL,
    WATCH_FROM,
    WATCH_TO,
    WATCH_LIST,
    WATCH_COLOR
};
static const char *const watch_names[] = {"watch", "plate",       "reason",
                                          "level", "from_ms",     "to_ms",
                                          "list",  "plate_color", NULL};
static const char *const watch_required[] = {"plate", "to_ms", NULL};

static enum err
take_watch(struct import *im)
{
    struct watch_row *w = &im->watches[im->watches_n];
    double level, color;
    *w = (struct watch_row){.one_misread = true, .expected_false_day = -1};
    struct watch *x = &w->watch;
    if (!copy_text(im, WATCH_CODE, x->code, sizeof x->code))
        return refuse(im, WATCH_CODE, "too long", "过长");
    if (!copy_text(im, WATCH_PLATE, x->plate_text, sizeof x->plate_text) ||
        !plate_pattern_parse(import_text(im, WATCH_PLATE), &x->pattern))
        return refuse(
            im, WATCH_PLATE, "a plate, or part of one with ? and *",
            "号牌，或含 ? 与 * 的部分号牌");
    struct span reason = import_text(im, WATCH_REASON),
                list = import_text(im, WATCH_LIST);
    if (!span_copy(x->reason, sizeof x->reason, reason) ||
        !span_copy(
            w->list, sizeof w->list,
            list.n                      ? list
            : reason.n < sizeof w->list ? reason
                                        : SPAN("import")))
        return refuse(im, WATCH_REASON, "too long", "过长");
    if (!number(im, WATCH_LEVEL, 1, 3, 2, &level) ||
        !number(im, WATCH_COLOR, 0, 99, 0, &color))
        return refuse(im, WATCH_LEVEL, "level 1, 2 or 3", "级别为 1、2 或 3");
    if (!instant(im, WATCH_FROM, im->now, &x->from_ms) ||
        !instant(im, WATCH_TO, 0, &x->to_ms) || x->to_ms <= x->from_ms)
        return refuse(im, WATCH_TO, "an end after the beginning", "截止须晚于起始");
    x->level = (uint8_t)level;
    x->plate_color = (uint8_t)color;
    x->state = WATCH_APPROVED;
    x->list_ms = im->now;
    snprintf(x->author, sizeof x->author, "%s", im->author);
    snprintf(x->approver, sizeof x->approver, "%s", im->approver);
    w->created_ms = w->decided_ms = im->now;
    return ++im->watches_n == IMPORT_ROWS ? import_flush_watches(im) : OK;
}

enum err
import_flush_watches(struct import *im)
{
    size_t n = im->watches_n;
    struct watch_import sum = {0};
    im->watches_n = 0;
    if (n == 0)
        return OK;
    enum err e = ledger_watch_import(
        im->call->door->base->ledger, im->watches, n, &sum, im->note);
    im->taken += sum.added + sum.replaced;
    im->rejected += sum.refused;
    if (e != OK)
        return e;
    struct ledger_entry entry = {.topic = TOPIC_WATCH, .at_ms = im->now};
    uint64_t number;
    return ledger_note(im->call->door->base->ledger, &entry, &number);
}

/* ---- the table ---- */

static const char *const pass_required[] = {"plate", "site", "time_ms", NULL};

static const struct import_kind kinds[] = {
    {"org", org_names, org_required, take_org, NULL, IMPORT_IN_LEDGER},
    {"units", unit_names, unit_required, take_unit, NULL, IMPORT_IN_LEDGER},
    {"sites", site_names, site_required, take_site, NULL, IMPORT_IN_LEDGER},
    {"zones", zone_names, zone_required, take_zone, NULL, IMPORT_IN_LEDGER},
    {"permits", permit_names, permit_required, take_permit, NULL, IMPORT_IN_LEDGER},
    {"sections", section_names, section_required, take_section, NULL, IMPORT_IN_LEDGER},
    {"watches", watch_names, watch_required, take_watch, import_flush_watches,
     IMPORT_IN_LEDGER},
    {"registry", registry_names, registry_required, take_vehicle, import_flush_vehicles,
     IMPORT_REGISTRY},
    {"sightings", pass_names, pass_required, NULL, NULL, IMPORT_PASSES},
    {"gantry", NULL, NULL, NULL, NULL, IMPORT_GANTRY},
};

const struct import_kind *
import_kind_at(size_t i)
{
    return i < sizeof kinds / sizeof *kinds ? &kinds[i] : NULL;
}

static const struct import_kind *
kind_find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

static enum err
read_all(struct import *im)
{
    struct csv_record record;
    enum err e;
    while ((e = csv_next(im->csv, &record, im->note)) == OK) {
        im->record = &record;
        e = im->kind->take(im);
        if (e != OK)
            return e;
    }
    if (e == ERR_NOTFOUND)
        e = im->kind->flush ? im->kind->flush(im) : OK;
    return e;
}

static enum err
in_ledger(struct base *b, void *arg, struct note *note)
{
    (void)b, (void)note;
    return read_all(arg);
}

static enum err
in_registry(struct base *b, void *arg, struct note *note)
{
    enum err e = registry_import_begin(b->registry);
    if (e != OK)
        return e;
    e = read_all(arg);
    enum err end = registry_import_end(b->registry, e == OK, note);
    return e != OK ? e : end;
}

/* The file, looked at twice a second: a sender that says nothing does not keep the
 * daemon from stopping. */
static enum err
from_input(void *ctx, char *dst, size_t cap, size_t *n, struct note *note)
{
    struct import *im = ctx;
    struct pollfd p = {.fd = fileno(im->file), .events = POLLIN};
    for (;;) {
        if (door_stopping(im->call->door))
            return note_set(
                note, ERR_STOPPING, NULL, "the daemon stops: import the file again",
                "守护进程正在停止，请稍后重新导入");
        int ready = poll(&p, 1, 500);
        if (ready < 0 && errno != EINTR)
            return note_set(
                note, ERR_IO, "file", "the file cannot be read", "无法读取文件");
        if (ready > 0)
            break;
    }
    ssize_t got = read(p.fd, dst, cap);
    while (got < 0 && errno == EINTR)
        got = read(p.fd, dst, cap);
    if (got < 0)
        return note_set(
            note, ERR_IO, "file", "the file cannot be read", "无法读取文件");
    *n = (size_t)got;
    return OK;
}

/* theirs=ours,... with both names in every pair. */
static bool
map_reads(const char *map)
{
    struct span rest = span_cstr(map);
    while (rest.n) {
        struct span ours = span_cut(&rest, ',');
        struct span theirs = span_trim(span_cut(&ours, '='));
        if (theirs.n == 0 || span_trim(ours).n == 0)
            return false;
    }
    return true;
}

enum err
import_open(struct import *im, int in)
{
    struct op_call *c = im->call;
    int fd = dup(in);
    im->file = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (!im->file)
        return note_set(
            im->note, ERR_IO, "file", "the file cannot be read", "无法读取文件");
    if (im->kind->way == IMPORT_GANTRY)
        return OK; /* no table */
    const char *coding = op_text(c, "encoding");
    if (coding && strcmp(coding, "gb18030") != 0 && strcmp(coding, "utf-8") != 0)
        return note_fmt(
            im->note, ERR_USAGE, "encoding",
            "--encoding is utf-8 or gb18030, not \"%s\"",
            "--encoding 须为 utf-8 或 gb18030，而不是“%s”", coding);
    if (!map_reads(op_text(c, "map")))
        return note_set(
            im->note, ERR_USAGE, "map", "write --map as theirs=ours,theirs=ours",
            "--map 写作 对方列名=本系统列名,...");
    struct csv_conf conf = {
        .source = from_input,
        .ctx = im,
        .code = !coding                          ? CSV_AUTO
                : strcmp(coding, "gb18030") == 0 ? CSV_GB18030
                : strcmp(coding, "utf-8") == 0   ? CSV_UTF8
                                                 : CSV_AUTO,
        .header = op_text(c, "header"),
        .map = op_text(c, "map"),
    };
    enum err e = csv_new(&conf, &im->csv, im->note);
    if (e == OK && im->kind->names)
        e = csv_columns(
            im->csv, im->kind->names, im->kind->required, im->column, im->note);
    return e;
}

static void
close_import(struct import *im)
{
    if (im->csv)
        csv_free(im->csv);
    if (im->file)
        fclose(im->file);
    if (im->rejects)
        fclose(im->rejects);
    free(im->vehicles);
    free(im->owners);
    free(im->watches);
}

static enum err
run_kind(struct import *im)
{
    const struct door *door = im->call->door;
    enum err e = OK;
    switch (im->kind->way) {
    case IMPORT_IN_LEDGER:
        im->watches = calloc(IMPORT_ROWS, sizeof *im->watches);
        e = im->watches ? door_ledger(door, in_ledger, im, im->note) : ERR_NOMEM;
        if (e == OK)
            e = door_refresh(door);
        door_places_changed(door);
        break;
    case IMPORT_REGISTRY:
        im->vehicles = calloc(IMPORT_ROWS, sizeof *im->vehicles);
        im->owners = calloc(IMPORT_ROWS, sizeof *im->owners);
        e = im->vehicles && im->owners
                ? door_ledger_alone(door, in_registry, im, im->note)
                : ERR_NOMEM;
        door_registry_changed(door);
        break;
    case IMPORT_PASSES:
        e = import_passes(im);
        break;
    case IMPORT_GANTRY:
        e = import_gantry(im);
        break;
    }
    return e;
}

/* A name in a watch is somebody who can be asked about it. */
static enum err
account(const struct import *im, const char *field, const char *login)
{
    struct user_row row;
    enum err e = ledger_user_by_login(im->call->door->reader, span_cstr(login), &row);
    if (e == ERR_NOTFOUND)
        return note_fmt(
            im->note, ERR_INPUT, field,
            "there is no account \"%s\": tongqu user list shows those there are",
            "没有账号“%s”：用 tongqu user list 查看现有账号", login);
    if (e == OK && row.user.disabled)
        return note_fmt(
            im->note, ERR_INPUT, field, "the account \"%s\" is disabled",
            "账号“%s”已停用", login);
    return e;
}

static enum err
two_persons(const struct import *im)
{
    if (!im->author || !im->approver || strcmp(im->author, im->approver) == 0)
        return note_set(
            im->note, ERR_USAGE, "approver",
            "watches need two different persons: --author U --approver U",
            "布控须两人办理：--author 与 --approver 为不同人员");
    enum err e = account(im, "author", im->author);
    return e == OK ? account(im, "approver", im->approver) : e;
}

static enum err
run(struct op_call *c, struct note *note)
{
    const char *what = op_text(c, "what");
    struct import *im = calloc(1, sizeof *im);
    if (!im)
        return ERR_NOMEM;
    *im = (struct import){
        .call = c,
        .note = note,
        .kind = kind_find(what),
        .now = os_now_ms(),
        .author = op_text(c, "author"),
        .approver = op_text(c, "approver"),
    };
    enum err e = OK;
    if (!im->kind)
        e = note_fmt(
            note, ERR_USAGE, "what",
            "\"%s\" cannot be imported: org, units, sites, registry, watches, zones, "
            "permits, sections, sightings or gantry",
            "无法导入“%s”：可导入 "
            "org、units、sites、registry、watches、zones、permits、sections、"
            "sightings、gantry",
            what);
    if (im->kind && im->kind->take == take_watch)
        e = two_persons(im);
    if (e == OK)
        e = import_open(im, c->in);
    dur_us began = os_mono_us();
    if (e == OK)
        e = run_kind(im);
    double seconds = (double)(os_mono_us() - began) / 1e6;
    if (e == OK) {
        fprintf(
            c->out,
            "%s: %llu rows taken, %llu known already, %llu rejected, %.2f s, %.0f "
            "rows/s\n",
            what, (unsigned long long)im->taken, (unsigned long long)im->known,
            (unsigned long long)im->rejected, seconds,
            (double)(im->taken + im->known) / (seconds > 0 ? seconds : 1));
        if (im->cut)
            fprintf(
                c->out, "%llu taken without a text that was too long\n",
                (unsigned long long)im->cut);
        if (im->rejects)
            fprintf(c->out, "rejects: %s\n", im->rejects_path);
        e = op_audit(c, "import", what, im->rejects_path, im->taken);
    }
    bool passes =
        im->kind && (im->kind->way == IMPORT_PASSES || im->kind->way == IMPORT_GANTRY);
    bool walk = passes && !op_flag(c, "no_rules");
    if (e == OK && walk && im->first_ms) {
        e = history_run(c, im->first_ms, im->last_ms, note);
        if (e == OK)
            e = import_ruled(im);
    }
    close_import(im);
    free(im);
    return e;
}

const struct op op_import = {.name = "import", .fn = run, .heavy = true};

/* Runs the rules again over stored passes: what imports do by themselves. */
static enum err
run_history(struct op_call *c, struct note *note)
{
    return history_run(c, op_number(c, "from", 0), op_number(c, "to", 0), note);
}

const struct op op_rules_history = {
    .name = "rules_history", .fn = run_history, .heavy = true};
