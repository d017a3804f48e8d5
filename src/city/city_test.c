/* SPDX-License-Identifier: Apache-2.0 */
/* The demo city: the same bytes from the same seed, faults at their rates, truth that
 * holds. */
#include "city/city.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "city/truth.h"
#include "city/watchlist.h"
#include "core/hash.h"
#include "model/codes.h"
#include "model/plate.h"

#define DAY INT64_C(86400000)
#define KNOWN_HASH UINT64_C(0x620360d83acf4a82)

static char *
temp_dir(char *dst)
{
    memcpy(dst, "/tmp/tongqu-city-XXXXXX", sizeof "/tmp/tongqu-city-XXXXXX");
    assert_non_null(mkdtemp(dst));
    return dst;
}

static void
remove_dir(const char *dir)
{
    char path[600];
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (unlink(path) != 0)
            remove_dir(path);
    }
    closedir(d);
    rmdir(dir);
}

static char *
slurp(const char *dir, const char *name, size_t *n)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    char *text = malloc((size_t)size + 1);
    assert_int_equal(fread(text, 1, (size_t)size, f), size);
    fclose(f);
    text[size] = 0;
    *n = (size_t)size;
    return text;
}

static const char *const files[] = {
    "sites.csv",
    "registry.csv",
    "watches.csv",
    "sightings.csv",
    "org.csv",
    "units.csv",
    "officers.csv",
    "zones.csv",
    "permits.csv",
    "sections.csv",
    "segments.csv",
    "roads.geojson",
    "gantry.json",
    "truth/gantry.csv",
    "truth/watch_hits.csv",
    "truth/clones.csv",
    "truth/fakes.csv",
    "truth/status.csv",
    "truth/bans.csv",
    "truth/curfew.csv",
    "truth/speed.csv",
    "truth/hitrun.csv",
    "truth/convoys.csv",
    "truth/presence.csv",
    "truth/sites_health.csv",
    "truth/site_faults.csv",
    "truth/misreads.csv",
    "truth/obscured.csv",
    "truth/README",
};
#define FILES (sizeof files / sizeof *files)

static void
write_city(const char *dir, uint64_t seed, int days, uint32_t per_day)
{
    struct city_opts o = {
        .seed = seed, .days = days, .per_day = per_day, .watches = 3000, .out = dir};
    struct note note;
    assert_int_equal(city_write(&o, &note), OK);
}

static void
same_seed_same_bytes(void **state)
{
    char a[64], b[64], c[64];
    size_t other = 0;
    (void)state;
    write_city(temp_dir(a), 11, 2, 8000);
    write_city(temp_dir(b), 11, 2, 8000);
    write_city(temp_dir(c), 12, 2, 8000);
    for (size_t i = 0; i < FILES; i++) {
        size_t na, nb, nc;
        char *ta = slurp(a, files[i], &na), *tb = slurp(b, files[i], &nb),
             *tc = slurp(c, files[i], &nc);
        assert_int_equal(na, nb);
        assert_memory_equal(ta, tb, na);
        other += na != nc || memcmp(ta, tc, na) != 0;
        free(ta);
        free(tb);
        free(tc);
    }
    assert_true(other >= FILES - 4); /* the organisation and such do not depend on it */
    remove_dir(a);
    remove_dir(b);
    remove_dir(c);
}

/* A city is a fixture for others: a change of its bytes is meant, and told in the
 * commit. */
static void
known_bytes(void **state)
{
    char dir[64];
    size_t n;
    (void)state;
    write_city(temp_dir(dir), 1, 1, 3000);
    char *text = slurp(dir, "sightings.csv", &n);
    uint64_t hash = hash64(text, n, 0);
    if (hash != KNOWN_HASH)
        fail_msg("sightings.csv of seed 1 hashes to %llx", (unsigned long long)hash);
    free(text);
    remove_dir(dir);
}

/* A plate under which two tags were heard was heard twice at least; the file of
 * transactions knows it. */
static void
paths_were_heard(void **state)
{
    char dir[64];
    size_t n, m, paths = 0;
    (void)state;
    write_city(temp_dir(dir), 4, 1, 200000);
    char *heard = slurp(dir, "gantry.json", &n);
    char *truth = slurp(dir, "truth/gantry.csv", &m);
    struct span rest = span_of(truth, m);
    while (rest.n) {
        struct span line = span_cut(&rest, '\n'), kind = span_cut(&line, ',');
        char plate[64];
        if (!span_eq_cstr(kind, "path"))
            continue;
        struct span p = span_cut(&line, ',');
        snprintf(plate, sizeof plate, "\"%.*s_", SPAN_ARG(p));
        const char *first = strstr(heard, plate);
        assert_non_null(first);
        assert_non_null(strstr(first + 1, plate));
        paths++;
    }
    assert_true(paths > 0);
    free(heard);
    free(truth);
    remove_dir(dir);
}

/* ---- a set of record ids ---- */

struct ids {
    uint64_t *key;
    size_t mask, n;
};

static void
ids_put(struct ids *s, struct span id)
{
    uint64_t k = hash_span(id, 5) | 1;
    size_t i = k & s->mask;
    while (s->key[i] && s->key[i] != k)
        i = (i + 1) & s->mask;
    s->n += s->key[i] == 0;
    s->key[i] = k;
}

static bool
ids_has(const struct ids *s, struct span id)
{
    uint64_t k = hash_span(id, 5) | 1;
    for (size_t i = k & s->mask; s->key[i]; i = (i + 1) & s->mask)
        if (s->key[i] == k)
            return true;
    return false;
}

static struct ids
ids_of_sightings(const char *dir, size_t *rows)
{
    size_t n;
    char *text = slurp(dir, "sightings.csv", &n);
    struct span rest = span_of(text, n), line = span_cut(&rest, '\n');
    struct ids s = {.mask = (1u << 20) - 1};
    s.key = calloc(s.mask + 1, sizeof *s.key);
    assert_true(span_eq_cstr(
        line, "plate,plate_color,vehicle_class,vehicle_color,brand,site,lane,direction,"
              "time_ms,speed_kmh,confidence,record_id,image"));
    for (*rows = 0; rest.n; (*rows)++) {
        struct span cell[13] = {{NULL, 0}};
        line = span_cut(&rest, '\n');
        int k = 0;
        while (k < 13 && line.n)
            cell[k++] = span_cut(&line, ',');
        assert_int_equal(k, 13);
        assert_int_equal(line.n, 0);
        ids_put(&s, cell[11]);
    }
    free(text);
    return s;
}

/* Every record id that a truth file names is there. How many ids. */
static size_t
check_ids(const char *dir, const char *name, const struct ids *known)
{
    size_t n, ids = 0;
    char *text = slurp(dir, name, &n);
    struct span rest = span_of(text, n), line = span_cut(&rest, '\n');
    bool is_id[16] = {false};
    for (int k = 0; line.n && k < 16; k++) {
        struct span head = span_cut(&line, ',');
        is_id[k] = span_starts(head, SPAN("record_id")) ||
                   span_eq_cstr(head, "upstream") || span_eq_cstr(head, "downstream");
    }
    while (rest.n) {
        line = span_cut(&rest, '\n');
        for (int k = 0; line.n && k < 16; k++) {
            struct span cell = span_cut(&line, ',');
            while (is_id[k] && cell.n) {
                struct span id = span_cut(&cell, ' ');
                if (!ids_has(known, id))
                    fail_msg("%s names %.*s", name, SPAN_ARG(id));
                ids++;
            }
        }
    }
    free(text);
    return ids;
}

static void
truth_names_records_that_are_there(void **state)
{
    static const char *const with_ids[] = {
        "truth/watch_hits.csv", "truth/clones.csv",   "truth/fakes.csv",
        "truth/status.csv",     "truth/bans.csv",     "truth/curfew.csv",
        "truth/hitrun.csv",     "truth/misreads.csv", "truth/obscured.csv"};
    char dir[64];
    size_t rows;
    (void)state;
    write_city(temp_dir(dir), 3, 3, 40000);
    struct ids s = ids_of_sightings(dir, &rows);
    assert_int_equal(s.n, 3 * 40000);    /* as many as asked */
    assert_true(rows > s.n + s.n / 250); /* and retries */
    assert_true(rows < s.n + s.n / 100);
    for (size_t i = 0; i < sizeof with_ids / sizeof *with_ids; i++)
        assert_true(check_ids(dir, with_ids[i], &s) >= 3);
    free(s.key);
    remove_dir(dir);
}

/* ---- what the stream holds ---- */

struct watch_over {
    struct city *city;
    uint64_t n, read[4], wrong_look, hours_late, minutes_late, outage;
    struct {
        int64_t t;
        uint16_t site;
    } * last;
    uint64_t impossible, zone_breaks, night_coaches;
};

static void
look_at_day(void *ctx, int day, struct city_rec *recs, size_t n)
{
    struct watch_over *w = ctx;
    const struct city *c = w->city;
    assert_int_equal(n, c->opts.per_day);
    for (size_t i = 0; i < n; i++) {
        const struct city_rec *r = &recs[i];
        const struct shape_site *s = &c->shape.site[r->site];
        struct fleet_vehicle v = plan_look(&c->plan, r->car);
        int part = r->car < c->fleet.n ? c->plan.part[r->car] : -1;
        assert_int_equal(r->true_ms / DAY, day);
        w->n++;
        w->read[r->read] += part != PART_OBSCURED;
        w->wrong_look += r->vehicle_color != v.vehicle_color;
        int64_t late = r->arrive_ms - c->opts.from_ms - r->true_ms;
        w->hours_late += late >= 3600000;
        w->minutes_late += late >= 60000 && late < 3600000;
        if (w->last[r->car].site) {
            const struct shape_site *q = &c->shape.site[w->last[r->car].site];
            int64_t m = shape_dist(q->x_m, q->y_m, s->x_m, s->y_m);
            int64_t gap = r->true_ms - w->last[r->car].t;
            w->impossible += m > 300 && m * 3600 > gap * 145;
        }
        w->last[r->car].t = r->true_ms;
        w->last[r->car].site = r->site;
        for (int z = 0; z < SHAPE_ZONES; z++)
            w->zone_breaks += part != PART_BAN && part != PART_PERMIT &&
                              plan_zone_bans(&c->shape.zone[z], v.vehicle_class) &&
                              plan_zone_holds(&c->shape.zone[z], s->x_m, s->y_m) &&
                              plan_zone_open(&c->shape.zone[z], r->true_ms % DAY, 10);
        w->night_coaches += part != PART_CURFEW && v.vehicle_class[0] == 'K' &&
                            v.vehicle_class[1] <= '2' &&
                            r->true_ms % DAY >= 110 * 60000 &&
                            r->true_ms % DAY < 310 * 60000;
    }
}

static void
about(double share, double want, double within)
{
    if (share < want - within || share > want + within)
        fail_msg("%.5f is not about %.5f", share, want);
}

static void
rates_and_laws_hold(void **state)
{
    struct city_opts o = {.seed = 5, .days = 3, .per_day = 150000};
    struct watch_over w = {0};
    (void)state;
    assert_int_equal(city_new(&o, &w.city, NULL), OK);
    w.last = calloc(plan_cars(&w.city->plan), sizeof *w.last);
    struct city_observer ob = {look_at_day, &w};
    struct city_stream *s = city_stream_new(w.city, 0, &ob);
    ts_ms last = 0;
    uint64_t rows = 0;
    for (const struct city_rec *r; (r = city_stream_next(s)) != NULL; rows++) {
        assert_true(r->arrive_ms >= last);
        last = r->arrive_ms;
    }
    double n = (double)w.n;
    /* 2.2 % unread plus half of what degraded sites see. */
    about((double)w.read[CITY_UNREAD] / n, 0.033, 0.008);
    about((double)w.read[CITY_PARTIAL] / n, 0.008, 0.001);
    about((double)w.read[CITY_MISREAD] / n, 0.004, 0.0006);
    assert_true((double)w.wrong_look / n > 0.01);
    assert_true((double)w.minutes_late / n > 0.0028);
    assert_true((double)w.hours_late / n > 0.0005); /* and one site a day late */
    assert_int_equal(w.impossible, 0);
    assert_int_equal(w.zone_breaks, 0);
    assert_int_equal(w.night_coaches, 0);
    about((double)rows / n, 1.0055, 0.004);
    city_stream_free(s);
    free(w.last);
    city_free(w.city);
}

static void
plates_are_of_the_grammar(void **state)
{
    struct city_opts o = {.seed = 9, .days = 1, .per_day = 200000};
    struct city *c;
    size_t kinds[PLATE_JUNK + 1] = {0};
    (void)state;
    assert_int_equal(city_new(&o, &c, NULL), OK);
    for (uint32_t v = 0; v < c->fleet.total; v++) {
        struct plate p;
        char text[PLATE_TEXT];
        bool differs;
        enum plate_kind k = plate_parse(span_cstr(c->fleet.plate[v]), &p, &differs);
        if (k == PLATE_JUNK || k == PLATE_UNREAD || k == PLATE_PARTIAL || differs ||
            !plate_is_exact(p))
            fail_msg("%s is kind %d", c->fleet.plate[v], k);
        kinds[k]++;
        assert_string_equal(plate_format(text, p), c->fleet.plate[v]);
        assert_int_equal(fleet_find(&c->fleet, span_cstr(c->fleet.plate[v])), v);
    }
    assert_true(
        kinds[PLATE_ORDINARY] && kinds[PLATE_NEV_SMALL] && kinds[PLATE_NEV_LARGE]);
    assert_true(kinds[PLATE_POLICE] && kinds[PLATE_COACH]);
    for (uint32_t k = 0; k < c->plan.fakes_n; k++)
        assert_false(fleet_has_twin(&c->fleet, c->fleet.plate[c->fleet.n + k]));
    city_free(c);
}

static void
vendor_codes_map_back(void **state)
{
    struct city_opts o = {.seed = 4, .days = 1, .per_day = 60000};
    struct city *c;
    uint64_t other = 0, differ = 0, n = 0;
    (void)state;
    assert_int_equal(city_new(&o, &c, NULL), OK);
    struct city_stream *s = city_stream_new(c, 0, NULL);
    for (const struct city_rec *r; (r = city_stream_next(s)) != NULL; n++) {
        const char *name = camera_color_map(&c->camera, r->site);
        const struct color_map *map = color_map_find(span_cstr(name));
        assert_non_null(map);
        if (r->plate_color == CITY_NO_COLOR)
            continue;
        assert_true(r->plate_color < 16);
        other += strcmp(name, "gat1400") != 0;
        differ += map->to[r->plate_color] != plan_look(&c->plan, r->car).plate_color;
    }
    about((double)other / (double)n, 0.1, 0.04);
    assert_true(differ * 100 < n); /* only misread colours */
    city_stream_free(s);
    city_free(c);
}

static void
patterns_match_by_character(void **state)
{
    (void)state;
    assert_true(watchlist_match("晋A12345", "晋A12345"));
    assert_true(watchlist_match("晋A1?3?5", "晋A12345"));
    assert_true(watchlist_match("?A12345", "晋A12345"));
    assert_false(watchlist_match("晋A1?3?6", "晋A12345"));
    assert_false(watchlist_match("晋A1234", "晋A12345"));
    assert_false(watchlist_match("晋A123456", "晋A12345"));
}

static void
options_out_of_bounds(void **state)
{
    struct city *c;
    struct note note;
    (void)state;
    struct city_opts o = {.days = 0, .per_day = 10000};
    assert_int_equal(city_new(&o, &c, &note), ERR_INPUT);
    assert_string_equal(note.field, "days");
    o = (struct city_opts){.days = 1, .per_day = 10};
    assert_int_equal(city_new(&o, &c, &note), ERR_INPUT);
    o = (struct city_opts){.days = 1, .per_day = 10000, .vehicles = 9000000};
    assert_int_equal(city_new(&o, &c, &note), ERR_INPUT);
    o = (struct city_opts){.days = 1, .per_day = 10000, .out = "/proc/no-such-place"};
    assert_int_equal(city_write(&o, &note), ERR_IO);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_bytes),
        cmocka_unit_test(known_bytes),
        cmocka_unit_test(paths_were_heard),
        cmocka_unit_test(truth_names_records_that_are_there),
        cmocka_unit_test(rates_and_laws_hold),
        cmocka_unit_test(plates_are_of_the_grammar),
        cmocka_unit_test(vendor_codes_map_back),
        cmocka_unit_test(patterns_match_by_character),
        cmocka_unit_test(options_out_of_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
