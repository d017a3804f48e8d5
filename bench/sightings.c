/* SPDX-License-Identifier: Apache-2.0 */
/* bench-sightings - the sighting engine on a week of passes: bulk load, durable stream,
 * bytes a row, and nine questions, each with 100 parameter draws, results materialised,
 * no cache.
 *
 *   bench-sightings [--rows N] [--csv FILE [--sites FILE]] [--dir DIR] [--keep] [--json
 * FILE]
 *
 * Without --csv a plain city of commuters is made up in memory (seeded, the same every
 * time). A CSV has no header and the columns plate, plate colour, class, colour, brand,
 * site, lane, direction, time in ms, speed, confidence, record id, picture; sites FILE
 * has number, code, x, y in metres.
 */
#include "core/hash.h"
#include "core/os_clock.h"
#include "model/plate.h"
#include "store/sight.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define T0 INT64_C(1772380800000) /* 2026-03-02 00:00 +08:00, a Monday */
#define DAYS 7
#define SITES 800
#define DRAWS 100
#define BATCH 1000
#define PIECE 65536

static const struct zone ZONE = {"Asia/Shanghai", 480};

struct result {
    const char *name, *unit, *better;
    double value, bar;
};

struct bench {
    struct result results[48];
    size_t n;
    double x[SITES + 2], y[SITES + 2];
    const char *csv;
    size_t csv_n;
    size_t rows;
    char dir[400];
    struct sight *s;
    uint64_t rng;
    struct arena arena;
    struct plate *plates; /* of draws */
    size_t plates_n;
};

static void
die(const char *what, const struct note *note)
{
    fprintf(stderr, "bench-sightings: %s: %s\n", what, note ? note->en : "");
    exit(1);
}

static void
put(struct bench *b, const char *name, double value, const char *unit, double bar,
    const char *better)
{
    b->results[b->n++] = (struct result){name, unit, better, value, bar};
    printf("%-14s %14.3f %-10s (bar %g)\n", name, value, unit, bar);
    fflush(stdout);
}

static uint64_t
rnd(struct bench *b)
{
    b->rng += UINT64_C(0x9e3779b97f4a7c15);
    return hash_u64(b->rng);
}

/* ---- rows ---- */

struct row_text {
    char id[40], image[96], plate[16];
};

/* Vehicle v's k-th pass of a day: habits give the hour and the chain of sites. */
static void
make_row(uint64_t i, uint64_t rows, struct sighting *s, struct row_text *t)
{
    static const char from[] = "ABCDEFGHJKLMNPQRSTUVWXYZ";
    uint64_t per_day = rows / DAYS + 1, day = i / per_day, at = i % per_day;
    uint64_t h = hash_pair(i, 11), v = hash_pair(h % (rows / 26 + 1), 7);
    *s = (struct sighting){.arrive_ms = 0};
    s->pass_ms = T0 + (ts_ms)day * DAY_MS + (ts_ms)(at * (uint64_t)DAY_MS / per_day) +
                 (ts_ms)(h % 997);
    s->site.v = 1 + (uint32_t)((v % SITES + h / 97 % 12 * 37) % SITES);
    s->direction = (uint8_t)(1 + h / 7 % 4);
    s->lane = (uint8_t)(1 + h / 31 % 4);
    s->speed_dkmh = (uint16_t)(200 + h / 101 % 60 * 10);
    s->confidence = (uint8_t)(99 - h / 211 % 12 * (h / 5 % 3) / 2);
    s->vehicle_class = (code3)(v / 3 % 9 + 1);
    s->brand = (code3)(v / 17 % 120);
    s->plate_color = (uint8_t)(v % 13 ? 5 : 6);
    s->vehicle_color = (uint8_t)(v / 23 % 10 + 1);
    int n = snprintf(
        t->plate, sizeof t->plate, "晋%c%05u", from[v % 7 ? 0 : v / 7 % 24],
        (unsigned)(v / 1009 % 100000));
    bool differs;
    if (h % 45)
        (void)plate_parse(span_of(t->plate, (size_t)n), &s->plate, &differs);
    n = snprintf(
        t->id, sizeof t->id, "1401%02u%04u%02u%lld%03u", s->site.v % 23 + 1, s->site.v,
        s->direction, (long long)s->pass_ms + 40 + (long long)(h % 361),
        (unsigned)(i / 3200 % 1000));
    s->record_id = span_of(t->id, (size_t)n);
    n = snprintf(
        t->image, sizeof t->image, "http://10.14.%u.%u:8088/kk/%s.jpg", s->site.v / 250,
        s->site.v % 250 + 2, t->id);
    s->image = span_of(t->image, (size_t)n);
    s->plate_text = (struct span){"", 0};
}

static uint64_t
field_u64(struct span *line)
{
    struct span f = span_cut(line, ',');
    uint64_t v = 0;
    for (size_t i = 0; i < f.n; i++)
        v = v * 10 + (uint64_t)(f.p[i] - '0');
    return v;
}

/* One CSV line; texts point into the file. */
static void
parse_row(struct span line, struct sighting *s)
{
    *s = (struct sighting){.arrive_ms = 0};
    struct span plate = span_cut(&line, ',');
    bool differs;
    enum plate_kind kind = plate_parse(plate, &s->plate, &differs);
    s->plate_text = differs && kind != PLATE_UNREAD ? plate : (struct span){"", 0};
    s->plate_color = (uint8_t)field_u64(&line);
    s->vehicle_class = (code3)field_u64(&line);
    s->vehicle_color = (uint8_t)field_u64(&line);
    s->brand = (code3)field_u64(&line);
    s->site.v = (uint32_t)field_u64(&line) + 1;
    s->lane = (uint8_t)field_u64(&line);
    s->direction = (uint8_t)(field_u64(&line) + 1);
    s->pass_ms = (ts_ms)field_u64(&line);
    s->speed_dkmh = (uint16_t)(field_u64(&line) * 10);
    s->confidence = (uint8_t)field_u64(&line);
    s->record_id = span_cut(&line, ',');
    s->image = line;
}

struct feed {
    struct bench *b;
    struct span rest;
    uint64_t made;
    struct row_text *texts; /* PIECE of them */
};

/* The next up to n rows; 0 at the end. */
static size_t
feed_next(struct feed *f, struct sighting *rows, size_t n)
{
    size_t got = 0;
    while (got < n && f->made < f->b->rows) {
        if (f->b->csv) {
            if (!f->rest.n)
                break;
            parse_row(span_cut(&f->rest, '\n'), &rows[got]);
        } else {
            make_row(f->made, f->b->rows, &rows[got], &f->texts[got]);
        }
        got++;
        f->made++;
    }
    return got;
}

static struct feed
feed_open(struct bench *b)
{
    struct feed f = {.b = b, .rest = {b->csv, b->csv_n}};
    f.texts = calloc(PIECE, sizeof *f.texts);
    return f;
}

/* ---- loading ---- */

static void
open_engine(struct bench *b, const char *name)
{
    char dir[480];
    struct note note = {0};
    snprintf(dir, sizeof dir, "%s/%s", b->dir, name);
    struct sight_opts o = {.dir = dir, .zone = ZONE, .keep_days = 365, .thread = true};
    if (sight_open(&o, T0 + (DAYS + 1) * DAY_MS, &b->s, &note) != OK)
        die("open", &note);
}

static void
load_bulk(struct bench *b)
{
    struct note note = {0};
    struct sight_bulk *bulk;
    struct sight_bulk_sum sum;
    struct feed f = feed_open(b);
    struct sighting *rows = calloc(PIECE, sizeof *rows);
    open_engine(b, "bulk");
    dur_us began = os_mono_us(), cpu = os_process_cpu_us();
    if (sight_bulk_begin(b->s, &bulk) != OK)
        die("bulk", NULL);
    for (size_t n; (n = feed_next(&f, rows, PIECE));)
        if (sight_bulk_add(bulk, rows, n, T0 + (DAYS + 1) * DAY_MS, &note) != OK)
            die("bulk", &note);
    if (sight_bulk_commit(bulk, &sum, &note) != OK)
        die("bulk", &note);
    double took = (double)(os_mono_us() - began) / 1e6;
    put(b, "bulk", (double)sum.stored / took, "rows/s", 800000, "higher");
    put(b, "bulk.cpu", (double)(os_process_cpu_us() - cpu) / (double)sum.stored,
        "us/row", 2, "lower");
    if (sum.duplicates)
        printf("  (%llu duplicates)\n", (unsigned long long)sum.duplicates);
    bool more;
    began = os_mono_us();
    if (sight_maintain(b->s, T0 + (DAYS + 1) * DAY_MS, true, &more, &note) != OK)
        die("merge", &note);
    put(b, "merge", (double)(os_mono_us() - began) / 1e6, "s", 0, "lower");
    struct sight_health h;
    sight_health(b->s, &h);
    put(b, "bytes", h.bytes_per_row, "bytes/row", 14, "lower");
    printf(
        "  %llu rows, %u place segments, %u vehicle runs\n", (unsigned long long)h.rows,
        h.places, h.runs);
    free(rows);
    free(f.texts);
}

static void
load_stream(struct bench *b)
{
    struct note note = {0};
    struct feed f = feed_open(b);
    struct sighting *rows = calloc(BATCH, sizeof *rows);
    struct sighting_batch *batch = sighting_batch_new(BATCH, 1u << 20);
    uint64_t stored = 0, limit = b->rows < 3000000 ? b->rows : 3000000;
    open_engine(b, "stream");
    dur_us began = os_mono_us(), slowest = 0;
    for (size_t n; stored < limit && (n = feed_next(&f, rows, BATCH)); stored += n) {
        sighting_batch_clear(batch);
        for (size_t i = 0; i < n; i++)
            *sighting_batch_add(batch) = rows[i];
        dur_us t = os_mono_us();
        if (sight_append(b->s, &batch, 1, T0 + (DAYS + 1) * DAY_MS, &note) != OK)
            die("append", &note);
        t = os_mono_us() - t;
        slowest = t > slowest ? t : slowest;
    }
    double took = (double)(os_mono_us() - began) / 1e6;
    put(b, "stream", (double)stored / took, "rows/s", 600000, "higher");
    put(b, "stream.max", (double)slowest / 1000, "ms", 50, "lower");
    sight_close(b->s);
    b->s = NULL;
    began = os_mono_us();
    open_engine(b, "stream");
    put(b, "open", (double)(os_mono_us() - began) / 1000, "ms", 2000, "lower");
    sight_close(b->s);
    b->s = NULL;
    sighting_batch_free(batch);
    free(rows);
    free(f.texts);
}

/* ---- questions ---- */

typedef size_t (*question)(struct bench *b, struct sight_snap *snap);

static int
by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

struct ask_names {
    const char *median, *p99, *cpu;
};
#define NAMES(q)                                                                       \
    (struct ask_names)                                                                 \
    {                                                                                  \
        q, q ".p99", q ".cpu99"                                                        \
    }

static void
ask(struct bench *b, struct ask_names name, question q, unsigned draws, double bar,
    double bar99)
{
    double ms[DRAWS], cpu[DRAWS];
    size_t rows = 0;
    uint64_t seed = b->rng;
    for (unsigned i = 0; i < 2 * draws; i++) {
        struct sight_snap *snap = sight_snapshot(b->s);
        if (i == draws) { /* the first round warms the page cache */
            b->rng = seed;
            rows = 0;
        }
        arena_reset(&b->arena);
        dur_us began = os_mono_us(), worked = os_thread_cpu_us();
        rows += q(b, snap);
        ms[i % draws] = (double)(os_mono_us() - began) / 1000;
        cpu[i % draws] = (double)(os_thread_cpu_us() - worked) / 1000;
        sight_snap_free(snap);
    }
    qsort(ms, draws, sizeof *ms, by_value);
    qsort(cpu, draws, sizeof *cpu, by_value);
    put(b, name.median, ms[draws / 2], "ms", bar, "lower");
    put(b, name.p99, ms[draws * 99 / 100], "ms", bar99, "lower");
    put(b, name.cpu, cpu[draws * 99 / 100], "ms", bar99, "lower");
    printf("  %.1f rows an answer\n", (double)rows / draws);
}

static void
must_ok(enum err e)
{
    if (e != OK) {
        fprintf(stderr, "bench-sightings: a question failed: %s\n", err_row(e)->en);
        exit(1);
    }
}

static struct sight_ask
whole(struct bench *b)
{
    return (struct sight_ask){.arena = &b->arena};
}

static struct plate
draw_plate(struct bench *b)
{
    return b->plates[rnd(b) % b->plates_n];
}

static size_t
q1(struct bench *b, struct sight_snap *snap)
{
    struct sight_ask a = whole(b);
    struct sight_rows rows;
    must_ok(sight_trajectory(snap, draw_plate(b), &a, &rows));
    return rows.n;
}

static size_t
q2(struct bench *b, struct sight_snap *snap)
{
    struct site_id sites[5];
    struct sight_filter f = {
        .brand = (code3)(1 + rnd(b) % 20), .vehicle_color = (uint8_t)(1 + rnd(b) % 6)};
    struct sight_ask a = whole(b);
    struct sight_rows rows;
    for (unsigned i = 0; i < 5; i++)
        sites[i].v = 1 + (uint32_t)(rnd(b) % SITES);
    a.from =
        T0 + (ts_ms)(rnd(b) % DAYS) * DAY_MS + (7 + (ts_ms)(rnd(b) % 12)) * HOUR_MS;
    a.to = a.from + 20 * MINUTE_MS;
    must_ok(sight_window(snap, sites, 5, &f, &a, &rows));
    return rows.n;
}

static int
pass_by_plate(const void *x, const void *y)
{
    const struct sight_pass *a = x, *b = y;
    if (a->plate.v != b->plate.v)
        return a->plate.v < b->plate.v ? -1 : 1;
    return (a->pass_ms > b->pass_ms) - (a->pass_ms < b->pass_ms);
}

/* At A in [t1, t2], then at B before t2 + 15 min: plates with first A before last B. */
static size_t
q3(struct bench *b, struct sight_snap *snap)
{
    struct site_id s[2] = {
        {1 + (uint32_t)(rnd(b) % SITES)}, {1 + (uint32_t)(rnd(b) % SITES)}};
    struct sight_ask a = whole(b);
    struct sight_pass *p;
    size_t n, hits = 0;
    a.from =
        T0 + (ts_ms)(rnd(b) % DAYS) * DAY_MS + (7 + (ts_ms)(rnd(b) % 12)) * HOUR_MS;
    ts_ms t2 = a.from + 30 * MINUTE_MS;
    a.to = t2 + 15 * MINUTE_MS;
    must_ok(sight_passes(snap, s, 2, &a, &p, &n));
    qsort(p, n, sizeof *p, pass_by_plate);
    for (size_t i = 0, end; i < n; i = end) {
        ts_ms at_a = 0, at_b = 0;
        for (end = i; end < n && plate_eq(p[end].plate, p[i].plate); end++) {
            if (p[end].site.v == s[0].v && p[end].pass_ms <= t2 && !at_a)
                at_a = p[end].pass_ms;
            if (p[end].site.v == s[1].v)
                at_b = p[end].pass_ms;
        }
        hits += plate_is_exact(p[i].plate) && at_a && at_b && at_a < at_b;
    }
    return hits;
}

static size_t
q4(struct bench *b, struct sight_snap *snap)
{
    char text[40];
    struct plate_pattern p;
    struct sight_ask a = whole(b);
    struct sight_count *c;
    size_t n;
    snprintf(
        text, sizeof text, "晋A?%u*%u", (unsigned)(rnd(b) % 10),
        (unsigned)(rnd(b) % 10));
    if (!plate_pattern_parse(span_cstr(text), &p))
        die("pattern", NULL);
    must_ok(sight_plates(snap, &p, &a, &c, &n));
    return n;
}

/* Plates seen within 60 s of the target at >= 5 distinct sites. */
static size_t
q5(struct bench *b, struct sight_snap *snap)
{
    struct sight_ask a = whole(b);
    struct sight_rows rows;
    struct plate plate = draw_plate(b);
    struct sight_pass *all, *p;
    size_t n = 0, got, hits = 0, room = 1u << 16;
    must_ok(sight_trajectory(snap, plate, &a, &rows));
    all = malloc(room * sizeof *all);
    for (size_t i = 0; i < rows.n; i++) {
        a.from = rows.rows[i].pass_ms - MINUTE_MS;
        a.to = rows.rows[i].pass_ms + MINUTE_MS + 1;
        must_ok(sight_passes(snap, &rows.rows[i].site, 1, &a, &p, &got));
        while (n + got > room)
            all = realloc(all, (room *= 2) * sizeof *all);
        for (size_t k = 0; k < got; k++) {
            p[k].pass_ms = p[k].site.v; /* only plate and site matter from here */
            all[n++] = p[k];
        }
    }
    qsort(all, n, sizeof *all, pass_by_plate);
    for (size_t i = 0, end; i < n; i = end) {
        size_t sites = 0;
        for (end = i; end < n && plate_eq(all[end].plate, all[i].plate); end++)
            sites += end == i || all[end].site.v != all[end - 1].site.v;
        hits += sites >= 5 && !plate_eq(all[i].plate, plate) &&
                plate_is_exact(all[i].plate);
    }
    free(all);
    return hits;
}

struct clones {
    struct bench *b;
    size_t n;
};

static enum err
clone_reads(
    void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    struct clones *c = arg;
    if (!plate_is_exact(plate))
        return OK;
    for (size_t i = 1; i < n; i++) {
        if (site[i] == site[i - 1] || site[i] > SITES || site[i - 1] > SITES)
            continue;
        double dx = c->b->x[site[i]] - c->b->x[site[i - 1]];
        double dy = c->b->y[site[i]] - c->b->y[site[i - 1]];
        double dt = (double)(at[i] - at[i - 1]);
        if ((dx * dx + dy * dy) * 12960000.0 > 32400.0 * dt * dt) {
            c->n++;
            return OK;
        }
    }
    return OK;
}

static size_t
q6(struct bench *b, struct sight_snap *snap)
{
    struct sight_ask a = whole(b);
    struct clones c = {b, 0};
    a.from = T0 + 3 * DAY_MS;
    a.to = a.from + DAY_MS;
    must_ok(sight_reads(snap, &a, clone_reads, &c));
    return c.n;
}

static size_t
q7(struct bench *b, struct sight_snap *snap)
{
    struct sight_ask a = whole(b);
    struct sight_cell *cells;
    size_t n;
    a.from = T0 + 3 * DAY_MS;
    a.to = a.from + DAY_MS;
    must_ok(sight_flow(
        snap, (struct site_id){0}, (struct site_id){UINT32_MAX}, &a, &cells, &n));
    return n;
}

static bool
first_seen(void *arg, const struct sight_summary *s)
{
    size_t *hits = arg;
    *hits += s->first_day >= civil_day(T0, &ZONE) + 6 && plate_is_exact(s->plate);
    return false;
}

static size_t
q8(struct bench *b, struct sight_snap *snap)
{
    struct sight_ask a = whole(b);
    size_t hits = 0;
    must_ok(sight_days_where(snap, &a, first_seen, NULL, &hits));
    return hits;
}

static bool
never_by_day(void *arg, const struct sight_summary *s)
{
    (void)arg;
    return !(s->hours & 0x3FF00); /* 8 .. 17 */
}

static enum err
nights(void *arg, struct plate plate, const struct sight_day *days, size_t n)
{
    size_t *hits = arg, found = 0;
    for (size_t i = 0; i < n; i++)
        found += (days[i].hours & 0x1F) != 0;
    *hits += found >= 3 && plate_is_exact(plate);
    return OK;
}

static size_t
q9(struct bench *b, struct sight_snap *snap)
{
    struct sight_ask a = whole(b);
    size_t hits = 0;
    must_ok(sight_days_where(snap, &a, never_by_day, nights, &hits));
    return hits;
}

/* Plates for the draws: of random passes, so that busy vehicles come as often as they
 * drive. */
static void
draw_plates(struct bench *b)
{
    struct feed f = feed_open(b);
    struct sighting row;
    b->plates = calloc(4096, sizeof *b->plates);
    size_t every = b->rows / 4096 + 1;
    while (feed_next(&f, &row, 1) && b->plates_n < 4096)
        if (f.made % every == 0 && plate_is_exact(row.plate))
            b->plates[b->plates_n++] = row.plate;
    free(f.texts);
    if (!b->plates_n)
        die("no plates", NULL);
}

static void
questions(struct bench *b)
{
    arena_init(&b->arena, (size_t)1 << 30);
    draw_plates(b);
    ask(b, NAMES("Q1"), q1, DRAWS, 0.02, 2);
    ask(b, NAMES("Q2"), q2, DRAWS, 0.4, 0);
    ask(b, NAMES("Q3"), q3, DRAWS, 0.4, 0);
    ask(b, NAMES("Q4"), q4, DRAWS, 12, 0);
    ask(b, NAMES("Q5"), q5, DRAWS, 0.6, 0);
    ask(b, NAMES("Q6"), q6, 7, 150, 0);
    ask(b, NAMES("Q7"), q7, 20, 8, 0);
    ask(b, NAMES("Q8"), q8, 10, 5, 0);
    ask(b, NAMES("Q9"), q9, 10, 20, 0);
    arena_release(&b->arena);
}

/* ---- files and options ---- */

static void
map_csv(struct bench *b, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) != 0)
        die(path, NULL);
    b->csv_n = (size_t)st.st_size;
    b->csv = mmap(NULL, b->csv_n, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (b->csv == MAP_FAILED)
        die(path, NULL);
}

static void
read_sites(struct bench *b, const char *path)
{
    char line[256];
    FILE *f = path ? fopen(path, "r") : NULL;
    for (unsigned i = 1; i <= SITES; i++) {
        b->x[i] = (i % 28) * 600.0;
        b->y[i] = (i / 28) * 600.0;
    }
    while (f && fgets(line, sizeof line, f)) {
        unsigned i;
        double x, y;
        if (sscanf(line, "%u,%*[^,],%lf,%lf", &i, &x, &y) == 3 && i < SITES) {
            b->x[i + 1] = x;
            b->y[i + 1] = y;
        }
    }
    if (f)
        fclose(f);
}

static void
write_json(const struct bench *b, const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f)
        die(path, NULL);
    fputs("[\n", f);
    for (size_t i = 0; i < b->n; i++) {
        const struct result *r = &b->results[i];
        fprintf(
            f,
            "  {\"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", \"bar\": %g, "
            "\"better\": \"%s\"}%s\n",
            r->name, r->value, r->unit, r->bar, r->better, i + 1 < b->n ? "," : "");
    }
    fputs("]\n", f);
    fclose(f);
}

static void
remove_dir(const char *dir)
{
    char cmd[480];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    if (system(cmd) != 0)
        fprintf(stderr, "bench-sightings: %s stays\n", dir);
}

int
main(int argc, char **argv)
{
    static struct bench b;
    const char *json = NULL, *sites = NULL, *dir = NULL;
    bool keep = false;
    b.rows = 5000000;
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";
        if (!strcmp(argv[i], "--keep"))
            keep = true;
        else if (!strcmp(argv[i], "--rows"))
            b.rows = strtoull(next, NULL, 10), i++;
        else if (!strcmp(argv[i], "--csv"))
            map_csv(&b, next), i++;
        else if (!strcmp(argv[i], "--sites"))
            sites = next, i++;
        else if (!strcmp(argv[i], "--dir"))
            dir = next, i++;
        else if (!strcmp(argv[i], "--json"))
            json = next, i++;
        else {
            fprintf(stderr, "usage: see the head of bench/sightings.c\n");
            return 2;
        }
    }
    snprintf(b.dir, sizeof b.dir, "%s/bench-sightings.XXXXXX", dir ? dir : "/tmp");
    if (!mkdtemp(b.dir))
        die(b.dir, NULL);
    read_sites(&b, sites);
    load_stream(&b);
    load_bulk(&b);
    questions(&b);
    sight_close(b.s);
    if (json)
        write_json(&b, json);
    if (!keep)
        remove_dir(b.dir);
    return 0;
}
