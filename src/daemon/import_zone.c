/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu import zones, permits, sections: what the rules hold of places. */
#include "daemon/import.h"

#include "store/ledger_place.h"

#include <math.h>

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
    if (!import_copy(im, ZONE_CODE, z.code, sizeof z.code) || !z.code[0] ||
        !import_copy(im, ZONE_NAME, z.name, sizeof z.name))
        return import_refuse(
            im, ZONE_CODE, "code or name is missing or too long",
            "代码或名称缺失或过长");
    struct ban_zone classes = {0};
    if (import_text(im, ZONE_CLASSES_COL).n &&
        !zone_classes_parse(import_text(im, ZONE_CLASSES_COL), &classes))
        return import_refuse(
            im, ZONE_CLASSES_COL, "class prefixes as H;Q", "车型前缀，如 H;Q");
    for (uint8_t i = 0; i < classes.classes_n; i++) {
        size_t at = strlen(z.classes);
        snprintf(
            z.classes + at, sizeof z.classes - at, "%s%s", i ? "," : "",
            classes.classes[i]);
    }
    if (!read_windows(import_text(im, ZONE_WINDOWS_COL), windows, &z.windows_n))
        return import_refuse(
            im, ZONE_WINDOWS_COL, "hours as 07:00-20:00;22:00-06:00",
            "时段如 07:00-20:00;22:00-06:00");
    if (!read_polygon(import_text(im, ZONE_POLYGON), points, &z.points_n))
        return import_refuse(
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
        return import_refuse(im, PERMIT_PLATE, "a whole plate", "应为完整号牌");
    if (!import_instant(im, PERMIT_FROM, 0, &p.from_ms) ||
        !import_instant(im, PERMIT_TO, 0, &p.to_ms) || p.to_ms <= p.from_ms)
        return import_refuse(
            im, PERMIT_FROM, "a beginning before an end", "起始须早于截止");
    (void)import_copy(im, PERMIT_NUMBER, p.number, sizeof p.number);
    enum err e = OK;
    if (zone.n) { /* the zones change rarely and stand together in the file */
        if (!span_eq_cstr(zone, im->last_zone)) {
            e = find_zone(im, zone, &im->last_zone_id);
            (void)span_copy(im->last_zone, sizeof im->last_zone, zone);
        }
        p.zone = im->last_zone_id;
        if (e == OK && p.zone == 0)
            return import_refuse(
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
        return import_refuse(
            im, SECTION_FROM, "no such site: import sites first",
            "没有该点位，请先导入 sites");
    if (!import_copy(im, SECTION_CODE, s.code, sizeof s.code) ||
        !import_copy(im, SECTION_NAME, s.name, sizeof s.name))
        return import_refuse(im, SECTION_CODE, "too long", "过长");
    if (!import_number(im, SECTION_LENGTH, 1, 1e6, 0, &length) || length == 0 ||
        !import_number(im, SECTION_LIMIT, 5, 200, 0, &limit) || limit == 0 ||
        !import_number(im, SECTION_TRUCK, 5, 200, 0, &truck))
        return import_refuse(
            im, SECTION_LENGTH, "metres and km/h", "应为米与公里每小时");
    s.dist_m = (uint32_t)length;
    s.limit_kmh = (uint8_t)limit;
    s.limit_truck_kmh = (uint8_t)truck;
    enum err e = ledger_section_put(im->call->door->base->ledger, &s);
    im->taken += e == OK;
    return e;
}

const struct import_kind import_zones = {"zones",   zone_names, zone_required,
                                         take_zone, NULL,       IMPORT_IN_LEDGER};
const struct import_kind import_permits = {"permits",   permit_names, permit_required,
                                           take_permit, NULL,         IMPORT_IN_LEDGER};
const struct import_kind import_sections = {
    "sections", section_names, section_required, take_section, NULL, IMPORT_IN_LEDGER};
