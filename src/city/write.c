/* SPDX-License-Identifier: Apache-2.0 */
/* write.c - city_write(): the files of a city directory. See docs/city.md for their
 * columns. */
#include "city/city.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "city/out.h"
#include "city/radio.h"
#include "city/rnd.h"
#include "city/staff.h"
#include "city/truth.h"
#include "city/watchlist.h"

enum { WHAT_OWNER = 900, WHAT_DATE, WHAT_NAME, WHAT_PERMIT };

static enum err
make_dir(const char *path, struct note *note)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return OK;
    return note_fmt(
        note, ERR_IO, "out", "cannot make %s: %s", "无法创建目录 %s：%s", path,
        strerror(errno));
}

/* ---- sites, roads, zones, sections, segments ---- */

static void
put_org(struct out *o, int district, int squad)
{
    buf_fmt(&o->b, "%s%04d00", shape_district_code(district), squad);
}

static void
put_site(struct out *o, const struct city *c, int i)
{
    static const char *const places[6] = {"junction", "block", "entry",
                                          "exit",     "ring",  "local"};
    const struct shape_site *t = &c->shape.site[i];
    char name[96];
    shape_site_name(&c->shape, i, name, sizeof name);
    bool gantry =
        t->kind == SHAPE_ENTRY || t->kind == SHAPE_EXIT || t->kind == SHAPE_RINGWAY;
    buf_fmt(&o->b, "%s,%s,", t->code, name);
    out_e7(o, t->lon);
    buf_u8(&o->b, ',');
    out_e7(o, t->lat);
    buf_fmt(&o->b, ",%s,", gantry ? "gantry" : "camera");
    for (int d = 1, n = 0; d <= 9; d++)
        if (t->dirs >> d & 1)
            buf_fmt(&o->b, "%s%d", n++ ? ";" : "", d);
    buf_fmt(&o->b, ",%d,%d,%d,", t->lanes, t->limit_kmh, t->city_pass);
    put_org(o, t->district, 0);
    buf_fmt(
        &o->b, ",%s,%s,%s\n", shape_road(t->road).zh, camera_color_map(&c->camera, i),
        places[t->kind]);
    out_row(o);
}

static enum err
write_sites(const struct city *c, const char *dir, struct note *note)
{
    struct out o;
    enum err e = out_open(&o, dir, "sites.csv", note);
    if (e)
        return e;
    buf_text(
        &o.b,
        "site,name,lon,lat,kind,directions,lanes,limit_kmh,city_pass,brigade,road,"
        "color_map,place\n");
    for (int i = 1; i <= SHAPE_SITES; i++)
        put_site(&o, c, i);
    return out_close(&o, note);
}

static void
put_point(struct out *o, int32_t x, int32_t y)
{
    buf_u8(&o->b, '[');
    out_e7(o, shape_lon(x));
    buf_u8(&o->b, ',');
    out_e7(o, shape_lat(y));
    buf_u8(&o->b, ']');
}

static void
begin_line(struct out *o, bool first, int road, const char *class)
{
    struct shape_name n = shape_road(road);
    buf_fmt(
        &o->b,
        "%s{\"type\":\"Feature\",\"properties\":{\"class\":\"%s\",\"name\":\"%s\","
        "\"name_en\":\"%s\"},\"geometry\":{\"type\":\"LineString\",\"coordinates\":[",
        first ? "" : ",\n", class, n.zh, n.en);
}

static void
put_trunk(struct out *o, const struct shape *s, int k, bool row)
{
    /* From ring to ring: the ring junctions whose inner end is the first and last node.
     */
    int road = row ? k : SHAPE_LINES + k, points = 0;
    begin_line(o, k == 0 && row, road, "trunk");
    int ends[2] = {row ? k * 9 : k, row ? k * 9 + 8 : 72 + k};
    for (int i = -1; i <= SHAPE_LINES; i++) {
        int node = row ? k * 9 + i : i * 9 + k;
        if (i < 0 || i == SHAPE_LINES) {
            node = -1;
            for (int r = 0; r < SHAPE_RING; r++)
                if (shape_ring_inner(r) == ends[i > 0] && s->edge[144 + r].road == road)
                    node = SHAPE_GRID + r;
            if (node < 0)
                continue;
        }
        if (points++)
            buf_u8(&o->b, ',');
        put_point(o, s->node[node].x, s->node[node].y);
    }
    buf_text(&o->b, "]}}");
    out_row(o);
}

static enum err
write_roads(const struct city *c, const char *dir, struct note *note)
{
    struct out o;
    const struct shape *s = &c->shape;
    enum err e = out_open(&o, dir, "roads.geojson", note);
    if (e)
        return e;
    buf_text(&o.b, "{\"type\":\"FeatureCollection\",\"features\":[\n");
    for (int k = 0; k < SHAPE_LINES; k++)
        put_trunk(&o, s, k, true);
    for (int k = 0; k < SHAPE_LINES; k++)
        put_trunk(&o, s, k, false);
    begin_line(&o, false, s->edge[176].road, "ring");
    for (int i = 0; i <= SHAPE_RING; i++) {
        int node = SHAPE_GRID + i % SHAPE_RING;
        if (i)
            buf_u8(&o.b, ',');
        put_point(&o, s->node[node].x, s->node[node].y);
    }
    buf_text(&o.b, "]}}");
    for (int i = 1; i <= SHAPE_SITES; i++) {
        const struct shape_site *t = &s->site[i];
        if (t->kind != SHAPE_LOCAL)
            continue;
        int32_t dx = (t->dirs & 2) ? 450 : 0, dy = dx ? 0 : 450;
        begin_line(&o, false, t->road, "minor");
        put_point(&o, t->x_m - dx, t->y_m - dy);
        buf_u8(&o.b, ',');
        put_point(&o, t->x_m + dx, t->y_m + dy);
        buf_text(&o.b, "]}}");
        out_row(&o);
    }
    buf_text(&o.b, "\n]}\n");
    return out_close(&o, note);
}

static enum err
write_zones(const struct city *c, const char *dir, struct note *note)
{
    struct out o;
    enum err e = out_open(&o, dir, "zones.csv", note);
    if (e)
        return e;
    buf_text(&o.b, "zone,name,name_en,classes,windows,polygon\n");
    for (int z = 0; z < SHAPE_ZONES; z++) {
        const struct shape_zone *q = &c->shape.zone[z];
        const int32_t xs[5] = {q->x0, q->x1, q->x1, q->x0, q->x0};
        const int32_t ys[5] = {q->y0, q->y0, q->y1, q->y1, q->y0};
        buf_fmt(
            &o.b, "%s,%s,%s,%s,%s,", q->code, q->name.zh, q->name.en, q->classes,
            q->windows);
        for (int i = 0; i < 5; i++) {
            if (i)
                buf_u8(&o.b, ';');
            out_e7(&o, shape_lon(xs[i]));
            buf_u8(&o.b, ' ');
            out_e7(&o, shape_lat(ys[i]));
        }
        buf_u8(&o.b, '\n');
    }
    return out_close(&o, note);
}

/* Permits of the planted lorries; one in five of those without has one that ran out a
 * month ago. */
static enum err
write_permits(const struct city *c, const char *dir, struct note *note)
{
    struct out o;
    enum err e = out_open(&o, dir, "permits.csv", note);
    if (e)
        return e;
    ts_ms start = c->opts.from_ms;
    buf_text(&o.b, "zone,plate,from_ms,to_ms\n");
    for (uint32_t v = 0; v < c->fleet.n; v++) {
        int part = c->plan.part[v];
        bool old = part == PART_BAN && rnd_hash(c->opts.seed, WHAT_PERMIT, v) % 5 == 0;
        if (part != PART_PERMIT && !old)
            continue;
        for (int z = 0; z < SHAPE_ZONES; z++)
            buf_fmt(
                &o.b, "%s,%s,%lld,%lld\n", c->shape.zone[z].code, c->fleet.plate[v],
                (long long)(start - (old ? 395 : 30) * DAY_MS),
                (long long)(start + (old ? -30 : 335) * DAY_MS));
        out_row(&o);
    }
    return out_close(&o, note);
}

static enum err
write_sections(const struct city *c, const char *dir, struct note *note)
{
    struct out o;
    enum err e = out_open(&o, dir, "sections.csv", note);
    if (e)
        return e;
    buf_text(&o.b, "section,name,from_site,to_site,length_m,limit_kmh\n");
    for (int k = 0; k < SHAPE_SECTIONS; k++) {
        const struct shape_section *q = &c->shape.section[k];
        buf_fmt(
            &o.b, "S%02d,%s区间%d,%s,%s,%d,%d\n", k + 1, shape_road(q->road).zh, k + 1,
            c->shape.site[q->from_site].code, c->shape.site[q->to_site].code, q->len_m,
            q->limit_kmh);
    }
    return out_close(&o, note);
}

static enum err
write_segments(const struct city *c, const char *dir, struct note *note)
{
    struct out o;
    const struct shape *s = &c->shape;
    enum err e = out_open(&o, dir, "segments.csv", note);
    if (e)
        return e;
    buf_text(
        &o.b, "segment,name,road,from_lon,from_lat,to_lon,to_lat,length_m,brigade\n");
    for (int k = 0; k < SHAPE_SEGMENTS; k++) {
        const struct shape_edge *g = &s->edge[s->segment_edge[k]];
        bool row = g->road < SHAPE_LINES;
        const char *a = shape_road(row ? SHAPE_LINES + g->a % 9 : g->a / 9).zh;
        const char *b = shape_road(row ? SHAPE_LINES + g->b % 9 : g->b / 9).zh;
        const char *road = shape_road(g->road).zh;
        buf_fmt(&o.b, "P%03d,%s（%s至%s）,%s,", k + 1, road, a, b, road);
        out_e7(&o, shape_lon(s->node[g->a].x));
        buf_u8(&o.b, ',');
        out_e7(&o, shape_lat(s->node[g->a].y));
        buf_u8(&o.b, ',');
        out_e7(&o, shape_lon(s->node[g->b].x));
        buf_u8(&o.b, ',');
        out_e7(&o, shape_lat(s->node[g->b].y));
        buf_fmt(&o.b, ",%d,", g->len_m);
        put_org(&o, s->site[s->node_site[g->a]].district, 0);
        buf_u8(&o.b, '\n');
        out_row(&o);
    }
    return out_close(&o, note);
}

/* ---- the organisation ---- */

static const char *const squad_names[STAFF_SQUADS] = {"一中队", "二中队", "三中队"};

static void
person_name(uint64_t seed, uint64_t k, char *dst, size_t cap)
{
    static const char *const family[16] = {"郝", "薛", "武", "郭", "冯", "阎",
                                           "任", "梁", "乔", "侯", "温", "段",
                                           "曹", "范", "贾", "尹"};
    static const char *const given[24] = {
        "志远", "海涛", "晓东", "建平", "文静", "立新", "春梅", "国梁",
        "雪峰", "永刚", "丽娟", "俊杰", "瑞华", "子明", "秀兰", "长河",
        "思齐", "明轩", "景行", "安然", "云飞", "慧敏", "成林", "一鸣"};
    uint64_t h = rnd_hash(seed, WHAT_NAME, k);
    snprintf(dst, cap, "%s%s", family[h % 16], given[(h >> 8) % 24]);
}

static enum err
write_org(const struct city *c, const char *dir, struct note *note)
{
    struct out o;
    char name[8];
    (void)c; /* the same in every city */
    enum err e = out_open(&o, dir, "org.csv", note);
    if (e)
        return e;
    buf_text(&o.b, "org,parent,kind,name,name_en,sub_centre\n");
    buf_text(
        &o.b, "140100000000,,city,演示市公安局交通警察支队,"
              "Demo City Traffic Police Detachment,1\n");
    for (int d = 0; d < SHAPE_DISTRICTS; d++) {
        staff_short_name(d, name);
        put_org(&o, d, 0);
        buf_fmt(
            &o.b, ",140100000000,brigade,%s大队,%s Brigade,1\n", name,
            shape_district(d).en);
        for (int q = 1; q <= STAFF_SQUADS; q++) {
            put_org(&o, d, q);
            buf_u8(&o.b, ',');
            put_org(&o, d, 0);
            buf_fmt(
                &o.b, ",squad,%s大队%s,%s Brigade Squad %d,0\n", name,
                squad_names[q - 1], shape_district(d).en, q);
        }
    }
    return out_close(&o, note);
}

static enum err
write_units(const struct city *c, const char *dir, struct note *note)
{
    struct out o;
    enum err e = out_open(&o, dir, "units.csv", note);
    if (e)
        return e;
    buf_text(&o.b, "callsign,kind,org,lon,lat\n");
    for (int i = 0; i < STAFF_UNITS; i++) {
        struct staff_unit u = staff_unit(&c->shape, i);
        buf_fmt(&o.b, "%s,%s,", u.callsign, u.kind);
        put_org(&o, u.district, u.squad);
        buf_u8(&o.b, ',');
        out_e7(&o, shape_lon(u.x_m));
        buf_u8(&o.b, ',');
        out_e7(&o, shape_lat(u.y_m));
        buf_u8(&o.b, '\n');
    }
    return out_close(&o, note);
}

static enum err
write_officers(const struct city *c, const char *dir, struct note *note)
{
    struct out o;
    char name[8], person[32];
    enum err e = out_open(&o, dir, "officers.csv", note);
    if (e)
        return e;
    buf_text(&o.b, "officer,name,kind,org,callsign\n");
    for (uint64_t d = 0, k = 1; d < SHAPE_DISTRICTS; d++)
        for (int q = 1; q <= STAFF_SQUADS; q++)
            for (int i = 1; i <= 20; i++, k++) {
                person_name(c->opts.seed, k, person, sizeof person);
                staff_short_name((int)d, name);
                buf_fmt(
                    &o.b, "%s%05u,%s,%s,", i <= 8 ? "J" : "F", (unsigned)k, person,
                    i <= 8 ? "officer" : "auxiliary");
                put_org(&o, (int)d, q);
                buf_fmt(&o.b, ",%s%d%02d\n", name, q, 1 + (i - 1) % 6);
            }
    return out_close(&o, note);
}

/* ---- registry, watches ---- */

static void
put_day(struct out *o, int64_t day)
{
    struct zone utc = {"UTC", 0};
    struct civil d = civil_of(day * DAY_MS, &utc);
    buf_fmt(&o->b, "%04d-%02d-%02d", d.year, d.month, d.day);
}

static void
put_owner(struct out *o, uint64_t h, char use_nature)
{
    static const char *const firms[8] = {
        "晋*运输**公司", "并*物流**公司", "汾*货运**公司", "龙*商贸**公司",
        "长*客运**公司", "远*工程**公司", "安*出租**公司", "通*公交**公司"};
    static const char *const family[12] = {"张", "王", "李", "赵", "刘", "郭",
                                           "郝", "武", "薛", "任", "梁", "侯"};
    switch (use_nature) {
    case 'A':
    case 'T':
        buf_fmt(&o->b, "%s**", family[h % 12]);
        return;
    case 'B':
    case 'E':
        buf_text(&o->b, firms[4]);
        return;
    case 'C':
        buf_text(&o->b, firms[7]);
        return;
    case 'D':
        buf_text(&o->b, firms[6]);
        return;
    default:
        buf_text(&o->b, firms[h % 4]);
    }
}

static void
put_vehicle(struct out *o, const struct city *c, uint32_t v, int64_t today)
{
    struct fleet_vehicle f = fleet_get(&c->fleet, v);
    uint64_t h = rnd_hash(c->opts.seed, WHAT_DATE, v);
    int part = c->plan.part[v];
    bool late = part == PART_OVERDUE || part == PART_SCRAPPED;
    buf_text(&o->b, c->fleet.plate[v]);
    buf_fmt(
        &o->b, ",%d,%02d,%s,%d,%d,%s,%c,", f.plate_color, f.plate_class,
        f.vehicle_class, f.vehicle_color, f.brand, truth_status(c, v), f.use_nature);
    put_day(
        o, late ? today - 40 - rnd_scale(h, 700)
                : today + c->opts.days + 200 + rnd_scale(h, 500));
    buf_u8(&o->b, ',');
    if (part == PART_SCRAPPED)
        put_day(o, today - 10 - rnd_scale(rnd_mix(h), 900));
    else if (f.use_nature != 'A')
        put_day(o, today + 500 + rnd_scale(rnd_mix(h), 2500));
    buf_u8(&o->b, ',');
    put_owner(o, rnd_hash(c->opts.seed, WHAT_OWNER, v), f.use_nature);
    buf_u8(&o->b, '\n');
    out_row(o);
}

static enum err
write_registry(const struct city *c, const char *dir, struct note *note)
{
    struct out o;
    enum err e = out_open(&o, dir, "registry.csv", note);
    if (e)
        return e;
    int64_t today = (c->opts.from_ms + CITY_OFFSET_MS) / DAY_MS;
    buf_text(
        &o.b, "plate,plate_color,plate_class,vehicle_class,vehicle_color,brand,status,"
              "use_nature,inspection_until,scrap_on,owner_unit\n");
    for (uint32_t v = 0; v < c->fleet.n; v++)
        put_vehicle(&o, c, v, today);
    return out_close(&o, note);
}

static enum err
write_watches(const struct watchlist *w, const char *dir, struct note *note)
{
    struct out o;
    char code[16];
    enum err e = out_open(&o, dir, "watches.csv", note);
    if (e)
        return e;
    buf_text(&o.b, "watch,plate,reason,level,from_ms,to_ms\n");
    for (uint32_t i = 0; i < w->n; i++) {
        const struct watchlist_row *r = &w->rows[i];
        buf_fmt(
            &o.b, "%s,%s,%s,%d,%lld,%lld\n", watchlist_code(i, code), r->pattern,
            watchlist_reason(r->reason), r->level, (long long)r->from_ms,
            (long long)r->to_ms);
        out_row(&o);
    }
    return out_close(&o, note);
}

/* ---- the stream ---- */

struct watchers { /* of the days' records: the truth, and the gantries' radios */
    struct city_observer truth;
    struct radio *radio;
};

static void
tell_all(void *ctx, int day, struct city_rec *recs, size_t n)
{
    struct watchers *w = ctx;
    w->truth.day(w->truth.ctx, day, recs, n);
    radio_day(w->radio, recs, n);
}

static enum err
write_sightings(
    struct city *c, const struct watchlist *w, const char *dir, struct note *note)
{
    struct out o = {0};
    struct city_stream *s = NULL;
    uint64_t rows = 0;
    int day = -1;
    struct truth *t = truth_new(c, w, dir);
    if (!t)
        return note_set(note, ERR_NOMEM, "vehicles", "not enough memory", "内存不足");
    struct watchers all = {.truth = truth_observer(t)};
    struct city_observer observer = {tell_all, &all};
    enum err e = radio_new(c, dir, &all.radio, note);
    if (!e)
        e = out_open(&o, dir, "sightings.csv", note);
    if (e)
        goto out;
    buf_text(&o.b, city_row_header);
    s = city_stream_new(c, 0, &observer);
    if (!s) {
        e = note_set(note, ERR_NOMEM, "", "not enough memory", "内存不足");
        goto out;
    }
    for (const struct city_rec *r; (r = city_stream_next(s)) != NULL; rows++) {
        if (c->opts.until_ms && r->arrive_ms >= c->opts.until_ms)
            break; /* in order of arrival */
        char *p = (char *)buf_room(&o.b, CITY_ROW + 1);
        if (p) {
            size_t n = city_row(c, r, p);
            p[n] = '\n';
            o.b.n += n + 1;
        }
        out_row(&o);
        if (city_stream_day(s) != day) {
            if (day >= 0 && c->opts.progress)
                c->opts.progress(c->opts.progress_ctx, day + 1, c->opts.days, rows);
            day = city_stream_day(s);
        }
    }
    if (c->opts.progress)
        c->opts.progress(c->opts.progress_ctx, c->opts.days, c->opts.days, rows);
    e = out_close(&o, note);
    if (!e)
        e = truth_finish(t, note);
    if (!e)
        e = radio_finish(all.radio, dir, note);
out:
    radio_free(all.radio);
    out_drop(&o);
    city_stream_free(s);
    truth_free(t);
    return e;
}

enum err
city_write(const struct city_opts *o, struct note *note)
{
    static enum err (*const files[])(
        const struct city *, const char *, struct note *) = {
        write_sites,    write_roads, write_zones, write_permits,  write_sections,
        write_segments, write_org,   write_units, write_officers, write_registry,
    };
    struct city *c = NULL;
    struct watchlist w = {0};
    char truth[512];
    enum err e = city_new(o, &c, note);
    if (e)
        return e;
    snprintf(truth, sizeof truth, "%s/truth", o->out);
    e = make_dir(o->out, note);
    if (!e)
        e = make_dir(truth, note);
    for (size_t i = 0; !e && i < sizeof files / sizeof *files; i++)
        e = files[i](c, o->out, note);
    if (!e)
        e = watchlist_init(&w, c, c->opts.watches, note);
    if (!e)
        e = write_watches(&w, o->out, note);
    if (!e)
        e = write_sightings(c, &w, o->out, note);
    watchlist_release(&w);
    city_free(c);
    return e;
}
