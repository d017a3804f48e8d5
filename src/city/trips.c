/* SPDX-License-Identifier: Apache-2.0 */
/* Three passes over three files: nodes, edges by name, then every trip along its edges.
 */
#include "city/trips.h"

#include "city/out.h"
#include "core/hash.h"

#include <math.h>
#include <stdlib.h>
#include <zlib.h>

#define LINE_MAX_BYTES (1u << 20)
#define TRIP_HOURS 4

struct node {
    char id[24];
    double lon, lat;
    uint16_t directions;
};
struct edge {
    char id[32];
    uint32_t from, to;
    double speed_mps, length_m;
    uint8_t direction;
};
struct trip_pass {
    ts_ms at;
    uint32_t trip, node, seq;
    uint8_t direction;
    uint16_t speed_dkmh;
};

struct trips {
    struct node *nodes;
    struct edge *edges;
    struct trip_pass *passes;
    size_t nodes_n, edges_n, passes_n, nodes_room, edges_room, passes_room;
    uint32_t *by_id; /* open addressing over edges */
    size_t by_id_room;
    ts_ms start;
    struct trips_sum sum;
    struct out roads;
};

static bool
room(void **rows, size_t *have, size_t n, size_t size)
{
    if (n < *have)
        return true;
    size_t want = *have ? *have * 2 : 1024;
    void *p = realloc(*rows, want * size);
    if (!p)
        return false;
    *rows = p;
    *have = want;
    return true;
}

/* ---- reading ---- */

typedef enum err line_fn(struct trips *t, struct span line);

static gzFile
open_either(const char *dir, const char *name)
{
    char path[512];
    static const char *const endings[] = {".gz", ""};
    for (int i = 0; i < 2; i++) {
        int n = snprintf(path, sizeof path, "%s/%s%s", dir, name, endings[i]);
        gzFile f = n > 0 && (size_t)n < sizeof path ? gzopen(path, "rb") : NULL;
        if (f)
            return f; /* gzread() reads plain files as they are */
    }
    return NULL;
}

static enum err
each_line(
    struct trips *t, const char *dir, const char *name, line_fn *fn, struct note *note)
{
    char *line = malloc(LINE_MAX_BYTES);
    gzFile f = open_either(dir, name);
    enum err e = !line ? ERR_NOMEM : f ? OK : ERR_NOTFOUND;
    bool head = true;
    if (e == ERR_NOTFOUND)
        note_fmt(
            note, e, "trips", "%s/%s (or .gz) is not there", "没有 %s/%s（或 .gz）",
            dir, name);
    while (e == OK && gzgets(f, line, LINE_MAX_BYTES)) {
        struct span s = span_trim(span_cstr(line));
        if (s.n && !head)
            e = fn(t, s);
        head = false;
    }
    if (f)
        gzclose(f);
    free(line);
    return e;
}

static uint32_t
find_node(const struct trips *t, struct span id)
{
    for (size_t i = 0; i < t->nodes_n; i++)
        if (span_eq_cstr(id, t->nodes[i].id))
            return (uint32_t)i;
    return UINT32_MAX;
}

static enum err
take_node(struct trips *t, struct span line)
{
    struct node n = {.directions = 0};
    struct span id = span_cut(&line, ','), lon = span_cut(&line, ',');
    bool ok = span_copy(n.id, sizeof n.id, id) && n.id[0] && span_f64(lon, &n.lon) &&
              span_f64(span_cut(&line, ','), &n.lat) && fabs(n.lon) <= 180 &&
              fabs(n.lat) <= 90;
    if (!ok) {
        t->sum.skipped++;
        return OK;
    }
    if (!room((void **)&t->nodes, &t->nodes_room, t->nodes_n, sizeof n))
        return ERR_NOMEM;
    t->nodes[t->nodes_n++] = n;
    return OK;
}

/* GA/T 1400 direction of driving from a to b: eight winds. */
static uint8_t
direction(const struct node *a, const struct node *b)
{
    static const uint8_t winds[] = {1, 5, 4, 8,
                                    2, 6, 3, 7}; /* east, north-east, north ... */
    double x = (b->lon - a->lon) * cos(a->lat * M_PI / 180), y = b->lat - a->lat;
    int octant = (int)lround(atan2(y, x) / (M_PI / 4));
    return winds[(octant + 8) % 8];
}

static void
put_road(struct trips *t, struct span polyline, unsigned lanes)
{
    struct buf *b = &t->roads.b;
    buf_fmt(
        b,
        "%s{\"type\":\"Feature\",\"properties\":{\"class\":\"%s\",\"name\":\"\",\"name_"
        "en\":\"\"},"
        "\"geometry\":{\"type\":\"LineString\",\"coordinates\":[",
        t->edges_n ? ",\n" : "",
        lanes >= 4   ? "trunk"
        : lanes >= 2 ? "primary"
                     : "minor");
    const char *comma = "";
    while (polyline.n) {
        struct span at = span_trim(span_cut(&polyline, ';'));
        struct span lon = span_cut(&at, ' ');
        double x, y;
        if (!span_f64(lon, &x) || !span_f64(span_trim(at), &y))
            continue;
        buf_fmt(b, "%s[%.6f,%.6f]", comma, x, y);
        comma = ",";
    }
    buf_text(b, "]}}");
    out_row(&t->roads);
}

static enum err
take_edge(struct trips *t, struct span line)
{
    struct edge e = {.from = 0};
    uint64_t lanes = 0;
    struct span id = span_cut(&line, ',');
    e.from = find_node(t, span_cut(&line, ','));
    e.to = find_node(t, span_cut(&line, ','));
    bool ok = span_copy(e.id, sizeof e.id, id) && e.from != UINT32_MAX &&
              e.to != UINT32_MAX && span_u64(span_cut(&line, ','), &lanes) &&
              span_f64(span_cut(&line, ','), &e.speed_mps) &&
              span_f64(span_cut(&line, ','), &e.length_m) && e.speed_mps > 0.5 &&
              e.length_m >= 0 && e.length_m < 1e6;
    if (!ok) {
        t->sum.skipped++;
        return OK;
    }
    if (!room((void **)&t->edges, &t->edges_room, t->edges_n, sizeof e))
        return ERR_NOMEM;
    e.direction = direction(&t->nodes[e.from], &t->nodes[e.to]);
    t->nodes[e.to].directions =
        (uint16_t)(t->nodes[e.to].directions | 1u << e.direction);
    put_road(t, line, (unsigned)lanes);
    t->edges[t->edges_n++] = e;
    return OK;
}

/* ---- edges by name ---- */

static enum err
index_edges(struct trips *t)
{
    t->by_id_room = 64;
    while (t->by_id_room < t->edges_n * 2)
        t->by_id_room *= 2;
    t->by_id = calloc(t->by_id_room, sizeof *t->by_id);
    if (!t->by_id)
        return ERR_NOMEM;
    for (size_t i = 0; i < t->edges_n; i++) {
        size_t at = hash_span(span_cstr(t->edges[i].id), 3) & (t->by_id_room - 1);
        while (t->by_id[at])
            at = (at + 1) & (t->by_id_room - 1);
        t->by_id[at] = (uint32_t)i + 1;
    }
    return OK;
}

static const struct edge *
find_edge(const struct trips *t, struct span id)
{
    size_t at = hash_span(id, 3) & (t->by_id_room - 1);
    for (; t->by_id[at]; at = (at + 1) & (t->by_id_room - 1))
        if (span_eq_cstr(id, t->edges[t->by_id[at] - 1].id))
            return &t->edges[t->by_id[at] - 1];
    return NULL;
}

/* ---- trips ---- */

static enum err
take_trip(struct trips *t, struct span line)
{
    double depart;
    (void)span_cut(&line, ',');
    if (!span_f64(span_cut(&line, ','), &depart) || depart < 0 || depart > 86400) {
        t->sum.skipped++;
        return OK;
    }
    uint32_t trip = (uint32_t)t->sum.trips++, seq = 0;
    /* Drivers differ: 0.7 to 1.0 of the free speed, the same one every time the file is
     * read. */
    double factor = 0.7 + 0.3 * (double)(hash_u64(trip + 1) % 1000) / 1000;
    double clock_ms = depart * 1000;
    line = span_trim(line);
    while (line.n) {
        const struct edge *e = find_edge(t, span_cut(&line, ' '));
        if (!e) {
            t->sum.skipped++;
            continue;
        }
        clock_ms += e->length_m / (e->speed_mps * factor) * 1000;
        if (!room((void **)&t->passes, &t->passes_room, t->passes_n, sizeof *t->passes))
            return ERR_NOMEM;
        t->passes[t->passes_n++] = (struct trip_pass){
            .at = t->start + (ts_ms)clock_ms,
            .trip = trip,
            .node = e->to,
            .seq = seq++,
            .direction = e->direction,
            .speed_dkmh = (uint16_t)lround(e->speed_mps * factor * 36),
        };
    }
    return OK;
}

static int
by_time(const void *a, const void *b)
{
    const struct trip_pass *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    if (x->trip != y->trip)
        return x->trip < y->trip ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

/* ---- writing ---- */

static enum err
write_sites(const struct trips *t, const char *dir, struct note *note)
{
    struct out o;
    enum err e = out_open(&o, dir, "sites.csv", note);
    if (e != OK)
        return e;
    buf_text(
        &o.b,
        "site,name,lon,lat,kind,directions,lanes,limit_kmh,city_pass,brigade,road,"
        "color_map,place\n");
    for (size_t i = 0; i < t->nodes_n; i++) {
        const struct node *n = &t->nodes[i];
        buf_fmt(&o.b, "%s,路口 %s,%.6f,%.6f,camera,", n->id, n->id, n->lon, n->lat);
        const char *comma = "";
        for (unsigned d = 1; d < 10; d++)
            if (n->directions >> d & 1) {
                buf_fmt(&o.b, "%s%u", comma, d);
                comma = ";";
            }
        buf_text(&o.b, ",,,,,,,\n");
        out_row(&o);
    }
    return out_close(&o, note);
}

static enum err
write_passes(const struct trips *t, const char *dir, struct note *note)
{
    struct out o;
    enum err e = out_open(&o, dir, "sightings.csv", note);
    if (e != OK)
        return e;
    buf_text(
        &o.b, "plate,plate_color,vehicle_class,vehicle_color,brand,site,lane,direction,"
              "time_ms,speed_kmh,confidence,record_id,image\n");
    for (size_t i = 0; i < t->passes_n; i++) {
        const struct trip_pass *p = &t->passes[i];
        buf_fmt(
            &o.b, "皖P%05u,5,K33,%u,0,%s,1,%u,%lld,%u.%u,95,T%06u-%03u,\n", p->trip,
            1 + (unsigned)(hash_u64(p->trip) % 6), t->nodes[p->node].id, p->direction,
            (long long)p->at, p->speed_dkmh / 10u, p->speed_dkmh % 10u, p->trip,
            p->seq);
        out_row(&o);
    }
    return out_close(&o, note);
}

enum err
trips_write(
    const char *from, const char *out, ts_ms start, struct trips_sum *sum,
    struct note *note)
{
    struct trips t = {.start = start};
    enum err e = each_line(&t, from, "nodes.csv", take_node, note);
    if (e == OK)
        e = out_open(&t.roads, out, "roads.geojson", note);
    if (e != OK)
        goto out;
    buf_text(&t.roads.b, "{\"type\":\"FeatureCollection\",\"features\":[\n");
    e = each_line(&t, from, "edges.csv", take_edge, note);
    buf_text(&t.roads.b, "\n]}\n");
    if (e != OK) {
        out_drop(&t.roads);
        goto out;
    }
    e = out_close(&t.roads, note);
    if (e == OK)
        e = index_edges(&t);
    if (e == OK)
        e = each_line(&t, from, "trips-hour-a.csv", take_trip, note);
    if (e == OK && t.passes_n == 0)
        e = note_set(
            note, ERR_INPUT, "trips",
            "no trip could be read: see docs/city.md for the columns",
            "没有可读取的行程：列格式见 docs/city.md");
    if (e != OK)
        goto out;
    qsort(t.passes, t.passes_n, sizeof *t.passes, by_time);
    e = write_sites(&t, out, note);
    if (e == OK)
        e = write_passes(&t, out, note);
    t.sum.sites = t.nodes_n;
    t.sum.edges = t.edges_n;
    t.sum.passes = t.passes_n;
    t.sum.first_ms = t.passes[0].at;
    t.sum.last_ms = t.passes[t.passes_n - 1].at;
out:
    if (e == OK)
        *sum = t.sum;
    free(t.nodes);
    free(t.edges);
    free(t.passes);
    free(t.by_id);
    return e;
}

ts_ms
trips_start(ts_ms now, const struct zone *z)
{
    int64_t day = civil_day(now, z);
    for (;; day--) {
        ts_ms start = civil_day_start(day, z) + 17 * HOUR_MS;
        bool workday = civil_of(start, z).weekday <= 5;
        if (workday && start + TRIP_HOURS * HOUR_MS <= now)
            return start;
    }
}
