/* SPDX-License-Identifier: Apache-2.0 */
/* detectors.c - the live rules against planted truth: precision, recall, calibration,
 * and how many rows a second and core they take.
 *
 *   ./dev bench detectors [--truth DIR ... | --seed N --days D --per-day R]
 *                         [--json FILE] [--explain KIND] [--alarms FILE]
 *                         [--shuffle SEED] [--rows N]
 *                         [--cold 1] [--sites-only 1] [--least PERCENT]
 *
 * DIR is any directory in the format of docs/city.md (sites.csv registry.csv
 * watches.csv sightings.csv truth/, and zones, permits and sections where there are
 * some). Without --truth a city is made first. The rows are fed in the order of the
 * file; at each midnight a site model is frozen from the day that ended, as the daemon
 * does; the first day's is learned from that day itself, as a bulk import can (--cold
 * 1: from nothing, as on the first day live). --shuffle delays a quarter of the records
 * by up to six hours: only what models learn from what had arrived by midnight may
 * differ. Several --truth are scored together. --least sets the least probability of
 * every rule, to see whether improbable findings are as improbable as stated.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "city/city.h"
#include "city/score_sites.h"
#include "core/hash.h"
#include "core/text.h"
#include "rules/vital.h"
#include "rules/rules.h"

#define COLUMNS 20
#define BATCH 1000
#define PLACE_BITS 12 /* places are indexed by site and 4.096 s */

/* ---- CSV with a header, fields without line breaks ---- */

struct csv {
    FILE *file;
    char *line;
    size_t room;
    char names[1024];
    struct span head[COLUMNS], cell[COLUMNS];
    size_t columns;
};

static size_t
split(struct span line, struct span *out)
{
    size_t n = 0;
    while (n < COLUMNS) {
        struct span cell;
        if (line.n && line.p[0] == '"') {
            const char *end = memchr(line.p + 1, '"', line.n - 1);
            size_t len = end ? (size_t)(end - line.p - 1) : line.n - 1;
            cell = span_of(line.p + 1, len);
            line = span_skip(line, len + 2);
            if (line.n)
                line = span_skip(line, 1);
        } else {
            const char *comma = memchr(line.p, ',', line.n);
            cell = span_of(line.p, comma ? (size_t)(comma - line.p) : line.n);
            line = span_skip(line, cell.n + 1);
            if (!comma) {
                out[n++] = cell;
                break;
            }
        }
        out[n++] = cell;
    }
    return n;
}

static bool
csv_next(struct csv *c)
{
    ssize_t n = getline(&c->line, &c->room, c->file);
    if (n < 0)
        return false;
    struct span line = span_trim(span_of(c->line, (size_t)n));
    memset(c->cell, 0, sizeof c->cell);
    split(line, c->cell);
    return true;
}

static bool
csv_open(struct csv *c, const char *dir, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    *c = (struct csv){.file = fopen(path, "r")};
    if (!c->file)
        return false;
    ssize_t n = getline(&c->line, &c->room, c->file);
    struct span head =
        text_skip_bom(span_trim(span_of(c->line, n > 0 ? (size_t)n : 0)));
    span_copy(c->names, sizeof c->names, head);
    c->columns = split(span_cstr(c->names), c->head);
    return true;
}

static void
csv_close(struct csv *c)
{
    if (c->file)
        fclose(c->file);
    free(c->line);
    *c = (struct csv){0};
}

/* Index of a column; COLUMNS - 1, which stays empty, when there is none. */
static size_t
column(const struct csv *c, const char *name)
{
    for (size_t i = 0; i < c->columns; i++)
        if (span_eq_cstr(c->head[i], name))
            return i;
    return COLUMNS - 1;
}

static int64_t
number(struct span s)
{
    int64_t v = 0;
    double f;
    if (span_i64(s, &v))
        return v;
    return span_f64(s, &f) ? (int64_t)f : 0;
}

static int32_t
degrees(struct span s)
{
    double f = 0;
    return span_f64(s, &f) ? (int32_t)(f * 1e7 + (f < 0 ? -0.5 : 0.5)) : 0;
}

static struct plate
plate_of(struct span s)
{
    struct plate p;
    bool differs;
    plate_parse(s, &p, &differs);
    return p;
}

static void
die(const char *what, const char *detail)
{
    fprintf(stderr, "bench detectors: %s %s\n", what, detail);
    exit(1);
}

static void *
need(void *p)
{
    if (!p)
        die("out of", "memory");
    return p;
}

/* ---- the world: rows in memory, by plate and by place ---- */

struct world {
    struct site_table *sites;
    struct vehicle_index *registry;
    struct watch_set *watches;
    struct ban_zone *zones;
    size_t zones_n;
    struct ban_permit *permits;
    size_t permits_n;
    struct speed_section *sections;
    size_t sections_n;
    struct sighting *rows; /* in order of arrival */
    size_t n, room;
    struct arena texts;
    struct score *score;
    struct score_sites *health;
    FILE *alarms;        /* every alarm as JSON; may be NULL */
    uint64_t cold;       /* no model for the first day, as in a live start */
    uint64_t sites_only; /* the rules are left out: health of the sites alone */
    /* what has arrived so far: chains through the rows, index + 1 */
    uint32_t *by_plate, *by_place, *next_plate, *next_place;
    uint64_t mask;
    struct zone zone;
    uint64_t duplicates;
    double least; /* percent; 0: the rules' own */
};

static uint64_t
place_key(uint32_t site, ts_ms at)
{
    return hash_pair(site, (uint64_t)(at >> PLACE_BITS));
}

static void
arrive(struct world *w, size_t i)
{
    uint32_t *plate = &w->by_plate[hash_u64(w->rows[i].plate.v) & w->mask];
    uint32_t *place =
        &w->by_place[place_key(w->rows[i].site.v, w->rows[i].pass_ms) & w->mask];
    w->next_plate[i] = *plate;
    w->next_place[i] = *place;
    *plate = *place = (uint32_t)i + 1;
}

static enum err
history(void *ctx, struct plate p, ts_ms from, ts_ms to, rules_row_fn *row, void *arg)
{
    struct world *w = ctx;
    for (uint32_t at = w->by_plate[hash_u64(p.v) & w->mask]; at;
         at = w->next_plate[at - 1]) {
        const struct sighting *s = &w->rows[at - 1];
        if (s->plate.v == p.v && s->pass_ms >= from && s->pass_ms < to && !row(arg, s))
            break;
    }
    return OK;
}

static enum err
place(
    void *ctx, struct site_id site, ts_ms from, ts_ms to, rules_row_fn *row, void *arg)
{
    struct world *w = ctx;
    for (ts_ms t = from >> PLACE_BITS; t <= to >> PLACE_BITS; t++) {
        uint32_t at = w->by_place[place_key(site.v, t << PLACE_BITS) & w->mask];
        for (; at; at = w->next_place[at - 1]) {
            const struct sighting *s = &w->rows[at - 1];
            if (s->site.v == site.v && s->pass_ms >> PLACE_BITS == t &&
                s->pass_ms >= from && s->pass_ms < to && !row(arg, s))
                return OK;
        }
    }
    return OK;
}

static void
take_alarm(void *ctx, const struct alarm *a)
{
    struct world *w = ctx;
    if (w->score)
        score_alarm(w->score, a);
    if (!w->alarms)
        return;
    struct buf line = {0};
    alarm_json(&line, a, w->sites);
    fprintf(w->alarms, "%.*s\n", (int)line.n, (const char *)line.p);
    buf_release(&line);
}

/* ---- loading ---- */

static void
load_sites(struct world *w, const char *dir)
{
    struct csv c;
    if (!csv_open(&c, dir, "sites.csv"))
        die("no sites.csv in", dir);
    size_t site = column(&c, "site"), lon = column(&c, "lon"), lat = column(&c, "lat");
    size_t map = column(&c, "color_map"), limit = column(&c, "limit_kmh");
    w->sites = need(site_table_new(64));
    for (uint32_t id = 1; csv_next(&c); id++) {
        struct site s = {
            .id = {id}, .lon = degrees(c.cell[lon]), .lat = degrees(c.cell[lat])};
        s.limit_kmh = (uint8_t)number(c.cell[limit]);
        if (!span_copy(s.code, sizeof s.code, c.cell[site]) ||
            !span_copy(s.color_map, sizeof s.color_map, c.cell[map]))
            die("bad row in sites.csv:", c.line);
        site_table_put(w->sites, &s);
    }
    csv_close(&c);
}

static uint32_t
status_bits(struct span s)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= 'A' && s.p[i] <= 'Z')
            bits |= STATUS_BIT(s.p[i]);
    return bits;
}

static int32_t
day_of(struct span s)
{
    struct zone utc = {"UTC", 0};
    ts_ms t;
    return s.n && ts_parse(s, &utc, &t, NULL) == OK ? (int32_t)(t / DAY_MS) : 0;
}

static void
load_registry(struct world *w, const char *dir)
{
    struct csv c;
    if (!csv_open(&c, dir, "registry.csv"))
        return;
    size_t plate = column(&c, "plate"), plate_color = column(&c, "plate_color");
    size_t class = column(&c, "vehicle_class"), color = column(&c, "vehicle_color");
    size_t brand = column(&c, "brand"), status = column(&c, "status");
    size_t nature = column(&c, "use_nature"), until = column(&c, "inspection_until");
    size_t n = 0, room = 1 << 16;
    struct vehicle *rows = need(malloc(room * sizeof *rows));
    while (csv_next(&c)) {
        if (n == room)
            rows = need(realloc(rows, (room *= 2) * sizeof *rows));
        struct vehicle v = {.plate = plate_of(c.cell[plate])};
        v.plate_color = (uint8_t)number(c.cell[plate_color]);
        v.vehicle_color = (uint8_t)number(c.cell[color]);
        code3_parse(c.cell[class], &v.vehicle_class);
        code3_parse(c.cell[brand], &v.brand);
        v.status = status_bits(c.cell[status]);
        v.use_nature = c.cell[nature].n ? c.cell[nature].p[0] : 0;
        v.inspection_day = day_of(c.cell[until]);
        rows[n++] = v;
    }
    w->registry = need(vehicle_index_new(rows, n, NULL, 0, 1));
    free(rows);
    csv_close(&c);
}

static void
load_watches(struct world *w, const char *dir)
{
    struct csv c;
    size_t n = 0, room = 1024;
    struct watch *rows = need(malloc(room * sizeof *rows));
    if (csv_open(&c, dir, "watches.csv")) {
        size_t code = column(&c, "watch"), plate = column(&c, "plate");
        size_t color = column(&c, "plate_color"), level = column(&c, "level");
        size_t from = column(&c, "from_ms"), to = column(&c, "to_ms");
        while (csv_next(&c)) {
            if (n == room)
                rows = need(realloc(rows, (room *= 2) * sizeof *rows));
            struct watch x = {.id = {n + 1}, .state = WATCH_APPROVED};
            x.level = (uint8_t)(c.cell[level].n ? number(c.cell[level]) : 1);
            x.plate_color = (uint8_t)number(c.cell[color]);
            x.from_ms = c.cell[from].n ? number(c.cell[from]) : INT64_MIN;
            x.to_ms = c.cell[to].n ? number(c.cell[to]) : INT64_MAX;
            if (span_copy(x.code, sizeof x.code, c.cell[code]) &&
                plate_pattern_parse(c.cell[plate], &x.pattern))
                rows[n++] = x;
        }
        csv_close(&c);
    }
    w->watches = need(watch_set_new(rows, n, 1));
    free(rows);
}

static struct geo_ring
ring_of(struct span s)
{
    struct geo_point *points = need(malloc((s.n / 4 + 1) * sizeof *points));
    size_t n = 0;
    while (s.n) {
        struct span one = span_trim(span_cut(&s, ';'));
        struct span lon = span_cut(&one, ' ');
        if (lon.n)
            points[n++] = (struct geo_point){degrees(lon), degrees(span_trim(one))};
    }
    return (struct geo_ring){points, n};
}

static void
load_zones(struct world *w, const char *dir)
{
    struct csv c;
    if (!csv_open(&c, dir, "zones.csv"))
        return;
    size_t code = column(&c, "zone"), classes = column(&c, "classes");
    size_t windows = column(&c, "windows"), polygon = column(&c, "polygon");
    w->zones = need(calloc(ZONES_MAX, sizeof *w->zones));
    while (csv_next(&c) && w->zones_n < ZONES_MAX) {
        struct ban_zone *z = &w->zones[w->zones_n];
        z->id = (uint32_t)++w->zones_n;
        if (!span_copy(z->code, sizeof z->code, c.cell[code]) ||
            !zone_classes_parse(c.cell[classes], z) ||
            !zone_windows_parse(c.cell[windows], z))
            die("bad row in zones.csv:", c.line);
        z->ring = ring_of(c.cell[polygon]);
    }
    csv_close(&c);
}

static uint32_t
zone_named(const struct world *w, struct span code)
{
    for (size_t i = 0; i < w->zones_n; i++)
        if (span_eq_cstr(code, w->zones[i].code))
            return w->zones[i].id;
    return UINT32_MAX;
}

static void
load_permits(struct world *w, const char *dir)
{
    struct csv c;
    if (!csv_open(&c, dir, "permits.csv"))
        return;
    size_t zone = column(&c, "zone"), plate = column(&c, "plate");
    size_t from = column(&c, "from_ms"), to = column(&c, "to_ms");
    while (csv_next(&c)) {
        w->permits = need(realloc(w->permits, (w->permits_n + 1) * sizeof *w->permits));
        w->permits[w->permits_n++] = (struct ban_permit){
            .plate = plate_of(c.cell[plate]),
            .zone = c.cell[zone].n ? zone_named(w, c.cell[zone]) : 0,
            .from_ms = number(c.cell[from]),
            .to_ms = number(c.cell[to])};
    }
    csv_close(&c);
}

static void
load_sections(struct world *w, const char *dir)
{
    struct csv c;
    if (!csv_open(&c, dir, "sections.csv"))
        return;
    size_t code = column(&c, "section"), from = column(&c, "from_site");
    size_t to = column(&c, "to_site"), dist = column(&c, "length_m");
    size_t limit = column(&c, "limit_kmh");
    while (csv_next(&c)) {
        w->sections =
            need(realloc(w->sections, (w->sections_n + 1) * sizeof *w->sections));
        struct speed_section s = {.id = (uint32_t)w->sections_n + 1};
        s.from = site_find(w->sites, c.cell[from]);
        s.to = site_find(w->sites, c.cell[to]);
        s.dist_m = (uint32_t)number(c.cell[dist]);
        s.limit_kmh = (uint8_t)number(c.cell[limit]);
        if (span_copy(s.code, sizeof s.code, c.cell[code]) && s.from.v && s.to.v)
            w->sections[w->sections_n++] = s;
    }
    csv_close(&c);
}

static struct site_id
site_of(struct world *w, struct span code)
{
    struct site_id id = site_find(w->sites, code);
    if (id.v)
        return id;
    struct site s = {.id = {w->sites->n + 1}}; /* unplaced: never lost */
    if (!span_copy(s.code, sizeof s.code, code))
        die("a site code is too long:", "sightings.csv");
    return site_table_put(w->sites, &s);
}

static uint8_t
plate_color_of(const struct world *w, struct site_id site, struct span cell)
{
    const struct site *s = site_get(w->sites, site);
    const struct color_map *map = color_map_find(span_cstr(s->color_map));
    int64_t code = number(cell);
    if (!cell.n)
        return COLOR_UNREAD;
    if (map && s->color_map[0])
        return code >= 0 && code < 16 ? map->to[code] : COLOR_UNREAD;
    return (uint8_t)code;
}

static void
load_sightings(struct world *w, const char *dir, size_t max)
{
    struct csv c;
    struct score_clock clock = {.now = INT64_MIN};
    if (!csv_open(&c, dir, "sightings.csv"))
        die("no sightings.csv in", dir);
    size_t plate = column(&c, "plate"), plate_color = column(&c, "plate_color");
    size_t class = column(&c, "vehicle_class"), color = column(&c, "vehicle_color");
    size_t brand = column(&c, "brand"), site = column(&c, "site"),
           lane = column(&c, "lane");
    size_t direction = column(&c, "direction"), time_ms = column(&c, "time_ms");
    size_t speed = column(&c, "speed_kmh"), confidence = column(&c, "confidence");
    size_t record = column(&c, "record_id");
    while (w->n < max && csv_next(&c)) {
        if (w->n == w->room) {
            w->room = w->room ? w->room * 2 : 1 << 20;
            w->rows = need(realloc(w->rows, w->room * sizeof *w->rows));
        }
        struct sighting s = {
            .plate = plate_of(c.cell[plate]), .pass_ms = number(c.cell[time_ms])};
        s.site = site_of(w, c.cell[site]);
        score_clock_saw(&clock, s.pass_ms);
        s.arrive_ms = s.pass_ms > clock.now ? s.pass_ms : clock.now;
        s.plate_color = plate_color_of(w, s.site, c.cell[plate_color]);
        s.vehicle_color = (uint8_t)number(c.cell[color]);
        code3_parse(c.cell[class], &s.vehicle_class);
        code3_parse(c.cell[brand], &s.brand);
        if (span_eq_cstr(c.cell[brand], "0"))
            s.brand = 0;
        s.lane = (uint8_t)number(c.cell[lane]);
        s.direction = (uint8_t)number(c.cell[direction]);
        s.speed_dkmh =
            c.cell[speed].n ? (uint16_t)(number(c.cell[speed]) * 10) : SPEED_UNKNOWN;
        s.confidence = c.cell[confidence].n ? (uint8_t)number(c.cell[confidence])
                                            : CONFIDENCE_UNKNOWN;
        s.record_id = arena_span(&w->texts, c.cell[record]);
        need((void *)(uintptr_t)s.record_id.p);
        w->rows[w->n++] = s;
    }
    csv_close(&c);
}

/* ---- duplicates, shuffling ---- */

/* Drops records that came before: same site, record id and pass time. */
static void
drop_duplicates(struct world *w)
{
    uint64_t mask = 1, kept = 0;
    while (mask < w->n * 2)
        mask *= 2;
    uint32_t *slots = need(calloc(mask, sizeof *slots));
    mask--;
    for (size_t i = 0; i < w->n; i++) {
        struct sighting_id id = sighting_id_of(&w->rows[i]);
        uint64_t at =
            hash_pair((uint64_t)id.pass_ms, (uint64_t)id.site << 32 | id.tag) & mask;
        while (slots[at] &&
               !sighting_id_eq(sighting_id_of(&w->rows[slots[at] - 1]), id))
            at = (at + 1) & mask;
        if (slots[at])
            continue;
        w->rows[kept] = w->rows[i];
        slots[at] = (uint32_t)++kept;
    }
    w->duplicates = w->n - kept;
    w->n = kept;
    free(slots);
}

struct order {
    ts_ms at;
    size_t row;
};

static int
by_order(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static void
shuffle(struct world *w, uint64_t seed)
{
    struct order *order = need(malloc((w->n + 1) * sizeof *order));
    struct sighting *rows = need(malloc((w->n + 1) * sizeof *rows));
    for (size_t i = 0; i < w->n; i++) {
        uint64_t h = hash_pair(seed, i);
        ts_ms delay = h % 4 ? 0 : (ts_ms)(h >> 8) % (6 * HOUR_MS);
        order[i] =
            (struct order){w->rows[i].arrive_ms + (delay < 0 ? -delay : delay), i};
    }
    qsort(order, w->n, sizeof *order, by_order);
    for (size_t i = 0; i < w->n; i++)
        rows[i] = w->rows[order[i].row];
    free(w->rows);
    free(order);
    w->rows = rows;
}

/* ---- running ---- */

static double
cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct run {
    struct world *w;
    struct rules *rules;
    struct vital *health;
    struct score_clock clock; /* of health */
    struct model *model;      /* newest */
    int64_t day;              /* civil day of arrival */
    uint32_t models;
    double rules_s, model_s, health_s;
};

/* Freezes a model for `day` from the first `arrived` rows of civil day `from`. */
static void
freeze(struct run *r, int64_t day, int64_t from, size_t arrived)
{
    struct model_build *b;
    struct model *m;
    double start = cpu_s();
    if (model_build_new(r->model, r->w->sites, r->w->registry, &r->w->zone, &b) != OK)
        die("out of", "memory");
    for (size_t i = 0; i < arrived; i++) {
        const struct sighting *s = &r->w->rows[i];
        if (civil_day(s->pass_ms, &r->w->zone) == from &&
            model_build_rows(b, s, 1) != OK)
            die("out of", "memory");
    }
    if (model_build_finish(b, ++r->models, (int32_t)day, &m) != OK)
        die("out of", "memory");
    model_build_free(b);
    model_unref(r->model);
    r->model = m;
    if (rules_set_model(r->rules, m) != OK)
        die("out of", "memory");
    vital_set_model(r->health, m);
    r->model_s += cpu_s() - start;
}

/* ---- health of the sites ---- */

static void
site_changed(
    void *arg, struct site_id id, const struct vital_site *was,
    const struct vital_site *now)
{
    struct world *w = arg;
    static const enum site_trouble as[] = {
        [VITAL_CLOCK] = TROUBLE_CLOCK,
        [VITAL_DEGRADED] = TROUBLE_DEGRADED,
        [VITAL_SILENT] = TROUBLE_SILENT};
    const struct site *s = site_get(w->sites, id);
    (void)was;
    /* Without times of arrival only the learned clocks can be scored. */
    if (s && now->state != VITAL_OK && (now->state != VITAL_CLOCK || now->clock_sd_ms))
        score_sites_said(w->health, span_cstr(s->code), as[now->state], now->said_ms);
}

static double
site_usual(void *arg, struct span code, ts_ms from, ts_ms to)
{
    const struct run *r = arg;
    struct site_id id = site_find(r->w->sites, code);
    return habit_expected(model_habit(r->model, id), &r->w->zone, from, to);
}

/* By the guessed clock alone, which never goes back: a camera ahead of time is
 * seen as one. */
static void
feed_health(struct run *r, const struct sighting *rows, size_t n)
{
    double start = cpu_s();
    for (size_t i = 0; i < n; i++) {
        struct sighting s = rows[i];
        score_clock_saw(&r->clock, s.pass_ms);
        if (r->clock.now == INT64_MIN)
            continue;
        s.arrive_ms = r->clock.now;
        vital_tick(r->health, s.arrive_ms, site_changed, r->w);
        vital_row(r->health, &s);
    }
    r->health_s += cpu_s() - start;
}

static void
feed(struct run *r)
{
    struct world *w = r->w;
    if (w->n &&
        !w->cold) { /* a bulk import has the whole first day before it judges it */
        int64_t first = civil_day(w->rows[w->n / 1000].pass_ms, &w->zone);
        freeze(r, first, first, w->n);
    }
    for (size_t i = 0; i < w->n;) {
        size_t n = 0;
        int64_t day = civil_day(w->rows[i].arrive_ms, &w->zone);
        if (day > r->day && i)
            freeze(r, day, day - 1, i);
        r->day = day > r->day ? day : r->day;
        while (n < BATCH && i + n < w->n &&
               civil_day(w->rows[i + n].arrive_ms, &w->zone) <= r->day)
            arrive(w, i + n++);
        double start = cpu_s();
        if (!w->sites_only)
            rules_feed(r->rules, &w->rows[i], n, NULL, i + n);
        r->rules_s += cpu_s() - start;
        feed_health(r, &w->rows[i], n);
        i += n;
    }
}

static void
index_rows(struct world *w)
{
    for (w->mask = 1; w->mask < w->n; w->mask *= 2)
        ;
    w->by_plate = need(calloc(w->mask, sizeof *w->by_plate));
    w->by_place = need(calloc(w->mask, sizeof *w->by_place));
    w->next_plate = need(calloc(w->n + 1, sizeof *w->next_plate));
    w->next_place = need(calloc(w->n + 1, sizeof *w->next_place));
    w->mask--;
}

static void
tell_seen(struct world *w)
{
    for (size_t i = 0; i < w->n; i++) {
        const struct site *s = site_get(w->sites, w->rows[i].site);
        score_seen(
            w->score, w->rows[i].record_id, span_cstr(s->code), w->rows[i].pass_ms);
    }
}

static bool
is_least(struct span name)
{
    return span_starts(name, SPAN("least_")) &&
           span_eq_cstr(span_skip(name, name.n - 7), "percent") &&
           !span_eq_cstr(name, "least_covered_percent");
}

static void
set_least(struct rule_book *book, double least)
{
    struct note note;
    rule_book_init(book);
    for (size_t i = 0; rule_rows[i] && least > 0; i++)
        for (size_t p = 0; p < rule_rows[i]->params_n; p++) {
            struct span name = span_cstr(rule_rows[i]->params[p].name);
            if (is_least(name) &&
                rule_settings_put(&book->at[0], rule_rows[i], name, least, &note) != OK)
                die("--least:", note.en);
        }
}

/* The first day does not count (score_sites_from). */
static void
weigh_sites(struct world *w, struct run *r)
{
    uint32_t sites = 0;
    ts_ms first = w->n ? w->rows[w->n / 1000].pass_ms : 0;
    for (uint32_t i = 1; i <= w->sites->n; i++)
        sites += habit_rate(
                     model_habit(r->model, (struct site_id){i}), &w->zone, first) >= 0;
    int64_t from = civil_day_start(civil_day(first, &w->zone) + 1, &w->zone);
    double weeks =
        r->clock.now > from ? (double)(r->clock.now - from) / (double)(7 * DAY_MS) : 0;
    score_sites_weigh(w->health, site_usual, r);
    score_sites_span(w->health, sites * weeks);
}

static void
run_rules(struct world *w)
{
    struct run r = {.w = w, .day = INT64_MIN, .clock.now = INT64_MIN};
    struct rule_book book;
    struct rules_opts opts = {.zone = w->zone, .book = &book};
    set_least(&book, w->least);
    struct rules_needs needs = {w, history, place, take_alarm};
    struct note note = {0};
    r.health = need(vital_new(&w->zone));
    if (w->n) { /* the first day's model knows that day's own outages, or there is none
                 */
        int64_t first = civil_day(w->rows[w->n / 1000].pass_ms, &w->zone);
        score_sites_from(w->health, civil_day_start(first + 1, &w->zone));
    }
    if (rules_new(&opts, &needs, &r.rules) != OK ||
        rules_set_sites(r.rules, w->sites) != OK ||
        rules_set_places(
            r.rules, w->zones, w->zones_n, w->permits, w->permits_n, w->sections,
            w->sections_n) != OK)
        die("cannot start the rules:", note.en);
    rules_set_registry(r.rules, w->registry);
    rules_set_watches(r.rules, w->watches);
    feed(&r);
    struct rules_counts c = rules_counts(r.rules);
    printf(
        "%llu rows in %.1f s (%.2f us each), models %.1f s; judged %.2f %%, store "
        "asked "
        "%.2f %% for %.1f rows, late %.2f %%\n",
        (unsigned long long)c.rows, r.rules_s,
        r.rules_s * 1e6 / (double)(c.rows ? c.rows : 1), r.model_s,
        100.0 * (double)c.judged / (double)c.rows,
        100.0 * (double)c.history_calls / (double)c.rows,
        (double)c.history_rows / (double)(c.history_calls ? c.history_calls : 1),
        100.0 * (double)c.late / (double)c.rows);
    printf(
        "raised %llu, revised %llu, withdrawn %llu; %llu plates, %llu evicted\n",
        (unsigned long long)c.raised, (unsigned long long)c.revised,
        (unsigned long long)c.withdrawn, (unsigned long long)c.plates,
        (unsigned long long)c.plates_evicted);
    printf(
        "health of sites: %.2f us a row, ticks included\n",
        r.health_s * 1e6 / (double)(w->n ? w->n : 1));
    weigh_sites(w, &r);
    vital_free(r.health);
    rules_free(r.rules);
    model_unref(r.model);
}

static void
make_city(const char *dir, uint64_t seed, int days, uint32_t per_day)
{
    struct city_opts o = {
        .seed = seed, .days = days, .per_day = per_day, .watches = 100000, .out = dir};
    struct note note = {0};
    printf(
        "making a city in %s: seed %llu, %d days of %u\n", dir,
        (unsigned long long)seed, days, per_day);
    if (city_write(&o, &note) != OK)
        die("cannot make a city:", note.en);
}

static void
write_json(const struct score_sum *sum, const char *path)
{
    struct buf out = {0};
    FILE *f = fopen(path, "w");
    score_json(sum, &out);
    if (!f || fwrite(out.p, 1, out.n, f) != out.n || fclose(f) != 0)
        die("cannot write", path);
    buf_release(&out);
}

struct want {
    const char *truth[32];
    size_t truths;
    const char *json, *explain;
    uint64_t seed, days, per_day, mix, rows;
};

static void
world_release(struct world *w)
{
    site_table_unref(w->sites);
    vehicle_index_unref(w->registry);
    watch_set_unref(w->watches);
    for (size_t i = 0; i < w->zones_n; i++)
        free((void *)(uintptr_t)w->zones[i].ring.points);
    free(w->zones);
    free(w->permits);
    free(w->sections);
    free(w->rows);
    free(w->by_plate);
    free(w->by_place);
    free(w->next_plate);
    free(w->next_place);
    arena_release(&w->texts);
    score_free(w->score);
    score_sites_free(w->health);
}

/* Only passes are fed here: what tags tell is scored by tongqu bench. */
static void
without_tags(struct score_sum *sum)
{
    size_t n = 0;
    for (size_t i = 0; i < sum->rows_n; i++)
        if (strncmp(sum->rows[i].kind, "etc_", 4) != 0)
            sum->rows[n++] = sum->rows[i];
    sum->rows_n = n;
}

/* One city from its files to its score; `like` holds what was asked for. */
static void
run_city(
    const struct want *want, const struct world *like, const char *dir,
    struct score_sum *sum)
{
    struct world w = *like;
    struct note note = {0};
    arena_init(&w.texts, (size_t)8 << 30);
    load_sites(&w, dir);
    load_registry(&w, dir);
    load_watches(&w, dir);
    load_zones(&w, dir);
    load_permits(&w, dir);
    load_sections(&w, dir);
    load_sightings(&w, dir, want->rows);
    drop_duplicates(&w);
    if (want->mix)
        shuffle(&w, want->mix);
    index_rows(&w);
    if (score_new(dir, &w.score, &note) != OK)
        die("no truth:", note.en);
    if (score_sites_new(dir, &w.health, &note) != OK)
        die("no truth of sites:", note.en);
    tell_seen(&w);
    run_rules(&w);
    score_sum(w.score, sum);
    without_tags(sum);
    score_sites_sum(w.health, sum);
    if (want->explain) {
        score_explain(w.score, want->explain, 3000, stdout);
        score_sites_explain(w.health, want->explain, 3000, stdout);
    }
    world_release(&w);
}

static void
read_options(int argc, char **argv, struct want *want, struct world *w)
{
    if (argc % 2 == 0)
        die("see the head of bench/detectors.c; not understood:", argv[argc - 1]);
    for (int i = 1; i + 1 < argc; i += 2) {
        struct span value = span_cstr(argv[i + 1]);
        if (!strcmp(argv[i], "--truth") && want->truths < 32)
            want->truth[want->truths++] = argv[i + 1];
        else if (!strcmp(argv[i], "--json"))
            want->json = argv[i + 1];
        else if (!strcmp(argv[i], "--explain"))
            want->explain = argv[i + 1];
        else if (!strcmp(argv[i], "--alarms"))
            w->alarms = need(fopen(argv[i + 1], "w"));
        else if (!(!strcmp(argv[i], "--seed")         ? span_u64(value, &want->seed)
                   : !strcmp(argv[i], "--days")       ? span_u64(value, &want->days)
                   : !strcmp(argv[i], "--per-day")    ? span_u64(value, &want->per_day)
                   : !strcmp(argv[i], "--shuffle")    ? span_u64(value, &want->mix)
                   : !strcmp(argv[i], "--cold")       ? span_u64(value, &w->cold)
                   : !strcmp(argv[i], "--rows")       ? span_u64(value, &want->rows)
                   : !strcmp(argv[i], "--sites-only") ? span_u64(value, &w->sites_only)
                   : !strcmp(argv[i], "--least")      ? span_f64(value, &w->least)
                                                      : false))
            die("see the head of bench/detectors.c; not understood:", argv[i]);
    }
}

int
main(int argc, char **argv)
{
    struct world like = {.zone = {"Asia/Shanghai", 480}};
    struct want want = {
        .seed = 1, .days = 3, .per_day = 300000, .rows = UINT32_MAX - 1};
    struct score_sum all = {0};
    char dir[64];
    read_options(argc, argv, &want, &like);
    if (!want.truths) {
        snprintf(dir, sizeof dir, "/tmp/tongqu-detectors-%d", (int)getpid());
        make_city(dir, want.seed, (int)want.days, (uint32_t)want.per_day);
        want.truth[want.truths++] = dir;
    }
    for (size_t i = 0; i < want.truths; i++) {
        struct score_sum sum;
        run_city(&want, &like, want.truth[i], &sum);
        score_add(&all, &sum);
    }
    score_print(&all, stdout);
    if (want.json)
        write_json(&all, want.json);
    return 0;
}
