/* SPDX-License-Identifier: Apache-2.0 */
/* bench-sightings - the sighting engine on a week of passes beside every engine that is
 * installed, on the same rows in the same run: bulk load, durable stream, bytes a row,
 * and nine questions with up to 100 draws each, results materialised, no result cache,
 * equal answers checked (a wrong one fails the run; being slow never does).
 *
 *   ./dev bench sightings [--rows N] [--csv FILE [--sites FILE]] [--dir DIR] [--keep]
 *                         [--peers none] [--json FILE] [--store DIR [--columns]]
 *                         [--only 25] [--bulk] [--run N] [--quiet]
 *   ./dev bench billion   [--rows N] ...      a year instead of a week, no peers
 *
 * --store asks the rows that an earlier run with --keep left in DIR: questions only
 * (--only 25: Q2 and Q5; --columns: what each column costs; billion: the year's). Without
 * --csv a plain city is made up (bench/sightings/rows.c). A peer gets at most 30 s a
 * question; its ratio is taken over the draws that it did answer. --bulk loads, measures
 * the bytes and ends. --run N: rows of a bulk run, to try the year's thousand runs with
 * fewer rows. --quiet: no line of progress every ten seconds.
 */
#include "sightings/ask.h"
#include "sightings/columns.h"
#include "sightings/ruling.h"

#include "core/os_clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define BATCH 1000
#define STREAM_ROWS 3000000
#define PEER_STREAM_ROWS 100000
#define PEER_SECONDS 30.0
#define YEAR 365

static const struct zone ZONE = {"Asia/Shanghai", 480};

struct result {
    char name[40];
    const char *unit, *better, *peer;
    double value, bar, ratio;
};

struct bench {
    struct result results[160];
    size_t n;
    struct city city;
    char dir[400];
    struct sight *s;
    ts_ms now;
    size_t run_rows;
    bool quiet;
    struct asker asker;
    /* of the questions, by draw: ours in ms, and what it answered */
    double ms[QUESTIONS][DRAWS];
    struct answer answer[QUESTIONS][DRAWS];
    unsigned wrong;
    const char *only; /* digits of the questions; NULL: all */
    bool columns;
};

static void
die(const char *what, const struct note *note)
{
    fprintf(stderr, "bench-sightings: %s: %s\n", what, note ? note->en : "");
    exit(1);
}

static struct result *
put(struct bench *b, const char *name, double value, const char *unit, double bar,
    const char *better)
{
    struct result *r = &b->results[b->n++];
    *r = (struct result){.unit = unit, .better = better, .value = value, .bar = bar};
    snprintf(r->name, sizeof r->name, "%s", name);
    if (bar > 0)
        printf("%-18s %14.3f %-10s bar %g\n", name, value, unit, bar);
    else
        printf("%-18s %14.3f %-10s\n", name, value, unit);
    fflush(stdout);
    return r;
}

static struct result *
find(struct bench *b, const char *name)
{
    for (size_t i = 0; i < b->n; i++)
        if (!strcmp(b->results[i].name, name))
            return &b->results[i];
    return NULL;
}

/* The peer's figure beside ours: the ratio says how many times better ours is, and the
 * best peer's stays. */
static void
put_peer(
    struct bench *b, const char *name, const char *peer, double theirs, double ours)
{
    char full[40];
    struct result *r = find(b, name);
    snprintf(full, sizeof full, "%s/%s", name, peer);
    if (!r)
        return;
    double ratio = r->better[0] == 'l' ? theirs / ours : ours / theirs;
    put(b, full, theirs, r->unit, 0, r->better);
    printf("  ours %.3f: %.1f times as good\n", ours, ratio);
    if (!r->peer || ratio < r->ratio) {
        r->peer = peer;
        r->ratio = ratio;
    }
}

static int
by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double
percentile(const double *v, unsigned n, unsigned percent)
{
    double sorted[DRAWS];
    memcpy(sorted, v, n * sizeof *v);
    qsort(sorted, n, sizeof *sorted, by_value);
    return sorted[n * percent / 100 < n ? n * percent / 100 : n - 1];
}

/* ---- loading ---- */

static void
open_with(struct bench *b, const char *name, size_t census_plates)
{
    char dir[480];
    struct note note = {0};
    snprintf(dir, sizeof dir, "%s/%s", b->dir, name);
    struct sight_opts o = {
        .dir = dir,
        .zone = ZONE,
        .keep_days = 400,
        .thread = true,
        .bulk_rows = b->run_rows,
        .census_plates = census_plates};
    if (sight_open(&o, b->now, &b->s, &note) != OK)
        die("open", &note);
}

static void
open_engine(struct bench *b, const char *name)
{
    open_with(b, name, 0);
}

static void
close_engine(struct bench *b)
{
    sight_close(b->s);
    b->s = NULL;
}

static double
seconds_since(dur_us began)
{
    return (double)(os_mono_us() - began) / 1e6;
}

static void
maintain(struct bench *b)
{
    bool more;
    struct note note = {0};
    if (sight_maintain(b->s, b->now, true, &more, &note) != OK)
        die("merge", &note);
}

static double
resident_gb(void)
{
    char line[200];
    double kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "RssAnon: %lf", &kb) == 1)
            break;
    if (f)
        fclose(f);
    return kb / 1e6;
}

/* A line every ten seconds while the year is loaded and merged. */
struct progress {
    struct sight *s;
    pthread_t thread;
    _Atomic bool stop;
};

static void *
progress_main(void *arg)
{
    struct progress *p = arg;
    dur_us began = os_mono_us();
    uint64_t before = 0;
    for (unsigned tick = 1; !atomic_load(&p->stop); tick++) {
        usleep(100000);
        if (tick % 100)
            continue;
        struct sight_health h;
        sight_health(p->s, &h);
        fprintf(
            stderr,
            "  %5.0f s  %llu rows  %.0f rows/s  %u segments  %u merges  %.2f GB on "
            "disk  "
            "%.2f GB in memory\n",
            seconds_since(began), (unsigned long long)h.stored,
            (double)(h.stored - before) / 10, h.segments, h.merges,
            (double)h.segment_bytes / 1e9, resident_gb());
        before = h.stored;
    }
    return NULL;
}

static void
progress_start(struct progress *p, struct sight *s)
{
    p->s = s;
    if (pthread_create(&p->thread, NULL, progress_main, p) != 0)
        die("thread", NULL);
}

static void
progress_stop(struct progress *p)
{
    atomic_store(&p->stop, true);
    pthread_join(p->thread, NULL);
}

/* Rows are made (or parsed) outside of the clock of ours. */
static void
load_bulk(struct bench *b)
{
    struct note note = {0};
    struct sight_bulk *bulk;
    struct sight_bulk_sum sum;
    struct feed *f = rows_open(&b->city);
    const struct sighting *rows;
    size_t n;
    struct progress progress = {NULL};
    open_engine(b, "bulk");
    if (!b->quiet)
        progress_start(&progress, b->s);
    dur_us began = os_mono_us(), cpu = os_process_cpu_us(), made = 0, t = began;
    if (sight_bulk_begin(b->s, &bulk) != OK)
        die("bulk", NULL);
    while ((rows = rows_next(f, &n))) {
        made += os_mono_us() - t;
        if (sight_bulk_add(bulk, rows, n, b->now, &note) != OK)
            die("bulk", &note);
        t = os_mono_us();
    }
    if (sight_bulk_commit(bulk, &sum, &note) != OK)
        die("bulk", &note);
    double took = seconds_since(began);
    put(b, "bulk", (double)sum.stored / took, "rows/s", 2000000, "higher");
    /* Rows are made or parsed meanwhile, on the same cores: this is what it took. */
    put(b, "bulk.feed", (double)made / (double)sum.stored, "us/row", 0, "lower");
    put(b, "bulk.cpu", (double)(os_process_cpu_us() - cpu) / (double)sum.stored,
        "us/row", 0, "lower");
    if (sum.duplicates || sum.conflicts)
        printf(
            "  %llu duplicates, %llu conflicts\n", (unsigned long long)sum.duplicates,
            (unsigned long long)sum.conflicts);
    rows_close(f);
    began = os_mono_us();
    maintain(b);
    put(b, "bulk.merge", seconds_since(began), "s", 0, "lower");
    if (!b->quiet)
        progress_stop(&progress);
}

static void
sizes(struct bench *b, double bar)
{
    struct sight_health h;
    sight_health(b->s, &h);
    put(b, "bytes", h.bytes_per_row, "bytes/row", bar, "lower");
    printf(
        "  %llu rows, %llu plates, %u place segments, %u vehicle runs, %.2f GB\n",
        (unsigned long long)h.rows, (unsigned long long)h.census_plates, h.places,
        h.runs, (double)h.segment_bytes / 1e9);
}

/* A reader beside the stream: how long does a question wait at worst while heads are
 * sealed and runs merged? */
struct watcher {
    struct bench *b;
    _Atomic bool stop;
    double worst_ms;
    uint64_t asked;
};

static void *
watch_main(void *arg)
{
    struct watcher *w = arg;
    struct arena arena;
    arena_init(&arena, 64u << 20);
    for (; !atomic_load(&w->stop); w->asked++) {
        struct plate plate;
        bool differs;
        struct sight_ask a = {.arena = &arena};
        struct sight_rows rows;
        unsigned i = (unsigned)(w->asked % DRAWS);
        (void)plate_parse(span_cstr(w->b->asker.draw[0][i].plate), &plate, &differs);
        dur_us began = os_mono_us();
        struct sight_snap *snap = sight_snapshot(w->b->s);
        if (!snap || sight_trajectory(snap, plate, &a, &rows) != OK)
            die("question beside the stream", NULL);
        sight_snap_free(snap);
        double ms = seconds_since(began) * 1e3;
        w->worst_ms = ms > w->worst_ms ? ms : w->worst_ms;
        arena_reset(&arena);
        usleep(500);
    }
    arena_release(&arena);
    return NULL;
}

struct stream {
    uint64_t stored;
    double seconds, worst_ms;
};

/* Rows are made outside of the clock; rules (or NULL) work after each batch, on this
 * thread, inside it. */
static struct stream
stream_rows(struct bench *b, uint64_t limit, struct ruling *rules)
{
    struct note note = {0};
    struct feed *f = rows_open(&b->city);
    struct sighting_batch *batch = sighting_batch_new(BATCH, 1u << 20);
    struct stream s = {0};
    const struct sighting *rows;
    size_t n;
    while (s.stored < limit && (rows = rows_next(f, &n)))
        for (size_t i = 0; i < n && s.stored < limit; i += batch->n) {
            sighting_batch_clear(batch);
            while (batch->n < BATCH && i + batch->n < n) {
                struct sighting row = rows[i + batch->n];
                *sighting_batch_add(batch) = row;
            }
            dur_us t = os_mono_us();
            if (sight_append(b->s, &batch, 1, b->now, &note) != OK)
                die("append", &note);
            double took = seconds_since(t);
            if (rules)
                ruling_feed(rules, batch->rows, batch->n, batch->lsn);
            s.seconds += seconds_since(t);
            s.worst_ms = took * 1e3 > s.worst_ms ? took * 1e3 : s.worst_ms;
            s.stored += batch->n;
        }
    sighting_batch_free(batch);
    rows_close(f);
    return s;
}

static void
load_stream(struct bench *b)
{
    uint64_t limit = b->city.rows < STREAM_ROWS ? b->city.rows : STREAM_ROWS;
    open_engine(b, "stream");
    dur_us cpu = os_process_cpu_us();
    struct stream s = stream_rows(b, limit, NULL);
    cpu = os_process_cpu_us() - cpu;
    put(b, "stream", (double)s.stored / s.seconds, "rows/s", 600000, "higher");
    put(b, "stream.cpu", (double)cpu / (double)s.stored, "us/row", 0, "lower");
    put(b, "stream.p100", s.worst_ms, "ms", 50, "lower");
    close_engine(b);
    dur_us began = os_mono_us();
    open_engine(b, "stream");
    put(b, "open", seconds_since(began) * 1e3, "ms", 2000, "lower");
    close_engine(b);
    /* again, with a reader beside it */
    open_engine(b, "beside");
    struct watcher w = {.b = b};
    pthread_t thread;
    if (pthread_create(&thread, NULL, watch_main, &w) != 0)
        die("thread", NULL);
    s = stream_rows(b, limit, NULL);
    atomic_store(&w.stop, true);
    pthread_join(thread, NULL);
    close_engine(b);
    put(b, "beside.append.p100", s.worst_ms, "ms", 50, "lower");
    put(b, "beside.read.p100", w.worst_ms, "ms", 50, "lower");
    printf("  %llu questions beside the stream\n", (unsigned long long)w.asked);
}

static void
load_ruled(struct bench *b)
{
    struct plate plates[DRAWS];
    bool differs;
    for (unsigned i = 0; i < DRAWS; i++)
        (void)plate_parse(span_cstr(b->asker.draw[0][i].plate), &plates[i], &differs);
    uint64_t limit = b->city.rows < STREAM_ROWS ? b->city.rows : STREAM_ROWS;
    open_engine(b, "ruled");
    struct ruling *r = ruling_new(&b->city, b->s, plates, DRAWS);
    dur_us cpu = os_process_cpu_us();
    struct stream s = stream_rows(b, limit, r);
    cpu = os_process_cpu_us() - cpu;
    put(b, "stream+rules", (double)s.stored / s.seconds, "rows/s", 500000, "higher");
    put(b, "stream+rules.cpu", (double)cpu / (double)s.stored, "us/row", 0, "lower");
    printf(
        "  %u watches, %llu alarms\n", RULING_WATCHES,
        (unsigned long long)ruling_free(r));
    close_engine(b);
}

/* ---- questions ---- */

static const double bars[QUESTIONS] = {0.02, 0.4, 0.4, 12, 0.6, 150, 8, 5, 20};

static void
ask_all(struct bench *b)
{
    char name[40];
    for (unsigned q = 0; q < QUESTIONS; q++) {
        if (b->only && !strchr(b->only, (int)('1' + q)))
            continue;
        unsigned draws = b->asker.draws[q];
        double cpu[DRAWS];
        uint64_t rows = 0;
        for (unsigned i = 0; i < 2 * draws; i++) { /* the first round warms */
            unsigned k = i % draws;
            dur_us began = os_mono_us(), worked = os_process_cpu_us();
            struct answer got = ask_ours(&b->asker, b->s, q, k, false);
            b->ms[q][k] = seconds_since(began) * 1e3;
            cpu[k] = (double)(os_process_cpu_us() - worked) / 1e3;
            rows += i < draws ? got.rows : 0;
        }
        for (unsigned i = 0; i < draws; i++)
            b->answer[q][i] = ask_ours(&b->asker, b->s, q, i, true);
        snprintf(name, sizeof name, "Q%u", q + 1);
        put(b, name, percentile(b->ms[q], draws, 50), "ms", bars[q], "lower");
        snprintf(name, sizeof name, "Q%u.p99", q + 1);
        put(b, name, percentile(b->ms[q], draws, 99), "ms", 0, "lower");
        snprintf(name, sizeof name, "Q%u.cpu", q + 1);
        put(b, name, percentile(cpu, draws, 50), "ms", 0, "lower");
        printf("  %.1f rows an answer\n", (double)rows / draws);
    }
}

/* ---- peers ---- */

static void
write_csv(struct bench *b, char path[480])
{
    char line[512];
    snprintf(path, 480, "%s/rows.csv", b->dir);
    FILE *f = fopen(path, "w");
    struct feed *feed = rows_open(&b->city);
    const struct sighting *rows;
    size_t n;
    if (!f)
        die(path, NULL);
    while ((rows = rows_next(feed, &n)))
        for (size_t i = 0; i < n; i++)
            fwrite(line, 1, row_line(&rows[i], line), f);
    rows_close(feed);
    if (fclose(f) != 0)
        die(path, NULL);
}

static void
peer_question(struct bench *b, const struct peer *p, unsigned q)
{
    char name[40], sql[4096];
    double ms[DRAWS], ours[DRAWS];
    unsigned done = 0, draws = b->asker.draws[q];
    dur_us began = os_mono_us();
    for (unsigned i = 0; i < draws && seconds_since(began) < PEER_SECONDS; i++) {
        struct answer got;
        peer_sql(p, q, &b->asker.draw[q][i], sql, sizeof sql);
        for (unsigned round = 0; round < (i && draws < 100 ? 1u : 2u); round++) {
            dur_us t = os_mono_us();
            if (p->ask_draw ? !p->ask_draw(q, &b->asker.draw[q][i], &got)
                            : !p->ask(sql, &got))
                die(p->name, NULL);
            ms[done] = seconds_since(t) * 1e3;
            if (ms[done] > PEER_SECONDS * 500)
                break; /* no second round, it is long enough */
        }
        ours[done++] = b->ms[q][i];
        const struct answer *want = &b->answer[q][i];
        if (got.rows == want->rows && got.mark == want->mark)
            continue;
        b->wrong++;
        printf(
            "DIFFERENT ANSWERS: Q%u draw %u: ours %llu rows, %s %llu rows: %s\n", q + 1,
            i, (unsigned long long)want->rows, p->name, (unsigned long long)got.rows,
            sql);
    }
    snprintf(name, sizeof name, "Q%u", q + 1);
    put_peer(b, name, p->name, percentile(ms, done, 50), percentile(ours, done, 50));
    printf("  %u of %u draws, answers compared\n", done, draws);
}

static void
peer_stream(struct bench *b, const struct peer *p)
{
    struct feed *f = rows_open(&b->city);
    const struct sighting *rows;
    size_t n, done = 0;
    double took = 0;
    while (done < PEER_STREAM_ROWS && (rows = rows_next(f, &n)))
        for (size_t i = 0; i + BATCH <= n && done < PEER_STREAM_ROWS; i += BATCH) {
            dur_us t = os_mono_us();
            if (!p->append(rows + i, BATCH))
                die(p->name, NULL);
            took += seconds_since(t);
            done += BATCH;
        }
    rows_close(f);
    if (done)
        put_peer(b, "stream", p->name, (double)done / took, find(b, "stream")->value);
}

static void
beside(struct bench *b, const struct peer *p, const char *csv)
{
    char why[200] = "";
    if (!p->open(b->dir, why)) {
        printf("%s: skipped: %s\n", p->name, why);
        return;
    }
    dur_us began = os_mono_us();
    if (!p->load(csv, &b->city))
        die(p->name, NULL);
    double rows = (double)b->city.rows;
    put_peer(b, "bulk", p->name, rows / seconds_since(began), find(b, "bulk")->value);
    put_peer(b, "bytes", p->name, (double)p->bytes() / rows, find(b, "bytes")->value);
    for (unsigned q = 0; q < QUESTIONS; q++)
        peer_question(b, p, q);
    peer_stream(b, p);
    p->close();
}

static void
all_peers(struct bench *b)
{
    static const struct peer *const peers[] = {
        &peer_sqlite, &peer_duckdb, &peer_postgres, &peer_clickhouse};
    char csv[480];
    write_csv(b, csv);
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++)
        beside(b, peers[i], csv);
}

/* ---- options and the two runs ---- */

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
            "  {\"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", \"better\": "
            "\"%s\"",
            r->name, r->value, r->unit, r->better);
        if (r->bar > 0)
            fprintf(f, ", \"bar\": %g", r->bar);
        if (r->peer)
            fprintf(f, ", \"peer\": \"%s\", \"ratio\": %.4g", r->peer, r->ratio);
        fprintf(f, "}%s\n", i + 1 < b->n ? "," : "");
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

static void
only_bulk(struct bench *b)
{
    load_bulk(b);
    sizes(b, 14);
    close_engine(b);
}

static void
week(struct bench *b, bool peers)
{
    asker_init(&b->asker, &b->city);
    load_stream(b);
    load_ruled(b);
    load_bulk(b);
    sizes(b, 14);
    ask_all(b);
    if (peers)
        all_peers(b);
    close_engine(b);
    asker_release(&b->asker);
}

/* Free space for the segments, twice while the last merge runs, and for the rest. */
static void
check_disk(const struct bench *b)
{
    struct statvfs v;
    if (statvfs(b->dir, &v) != 0)
        die(b->dir, NULL);
    double have = (double)v.f_bavail * (double)v.f_frsize / 1e9;
    double want = (double)b->city.rows * 20 / 1e9 + 1;
    if (have >= want)
        return;
    fprintf(
        stderr,
        "bench-sightings: %.0f rows need about %.0f GB under %s, %.0f GB are free: "
        "give "
        "--dir on a larger disk, or --rows %.0f\n",
        (double)b->city.rows, want, b->dir, have, (have - 1) * 1e9 / 20);
    exit(1);
}

/* Takes the engine's files out of the page cache, which the kernel does for what is
 * written back and mapped by nobody. */
static void
forget_files(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *at;
    if (!d)
        die(dir, NULL);
    while ((at = readdir(d))) {
        int fd = openat(dirfd(d), at->d_name, O_RDONLY);
        if (fd < 0)
            continue;
        if (fdatasync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
            printf("  %s stays in memory\n", at->d_name);
        close(fd);
    }
    closedir(d);
}

static long
disk_faults(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_majflt;
}

/* The first question of a plate that nobody has asked about, its pages not in memory:
 * the segment files are taken out of the page cache between close and open, and there
 * is no census to read them beside the questions. How often a question waited for the
 * disk is counted. */
static void
ask_cold(struct bench *b)
{
    double ms[DRAWS];
    char dir[480];
    close_engine(b);
    snprintf(dir, sizeof dir, "%s/bulk/segments", b->dir);
    forget_files(dir);
    dur_us began = os_mono_us();
    open_with(b, "bulk", 1);
    put(b, "open", seconds_since(began), "s", 5, "lower");
    long faults = disk_faults();
    for (unsigned i = 0; i < DRAWS; i++) {
        began = os_mono_us();
        (void)ask_ours(&b->asker, b->s, 0, i, false);
        ms[i] = seconds_since(began) * 1e3;
    }
    put(b, "Q1.cold.p50", percentile(ms, DRAWS, 50), "ms", 0, "lower");
    put(b, "Q1.cold.p99", percentile(ms, DRAWS, 99), "ms", 5, "lower");
    printf(
        "  %.1f waits for the disk a question\n",
        (double)(disk_faults() - faults) / DRAWS);
    close_engine(b);
    open_engine(b, "bulk");
    maintain(b);
}

static void
ask_year(struct bench *b, unsigned q, double bar)
{
    char name[40];
    double ms[DRAWS], cpu[DRAWS];
    uint64_t rows = 0;
    for (unsigned i = 0; i < 2 * DRAWS; i++) {
        struct draw *d = &b->asker.draw[q][i % DRAWS];
        if (i < DRAWS) { /* anywhere in the year */
            ts_ms move = (ts_ms)(i * 7919 % (YEAR - DAYS)) * DAY_MS;
            d->from += move;
            d->to += move;
            d->end += move;
        }
        dur_us began = os_mono_us(), worked = os_thread_cpu_us();
        struct answer got = ask_ours(&b->asker, b->s, q, i % DRAWS, false);
        cpu[i % DRAWS] = (double)(os_thread_cpu_us() - worked) / 1e3;
        ms[i % DRAWS] = seconds_since(began) * 1e3;
        rows += i < DRAWS ? got.rows : 0;
    }
    snprintf(name, sizeof name, "Q%u.p50", q + 1);
    put(b, name, percentile(ms, DRAWS, 50), "ms", 0, "lower");
    snprintf(name, sizeof name, "Q%u.p99", q + 1);
    put(b, name, percentile(ms, DRAWS, 99), "ms", bar, "lower");
    snprintf(name, sizeof name, "Q%u.cpu.p99", q + 1);
    put(b, name, percentile(cpu, DRAWS, 99), "ms", 0, "lower");
    printf("  %.1f rows an answer\n", (double)rows / DRAWS);
}

static void
ask_the_year(struct bench *b)
{
    put(b, "disk", find(b, "bytes")->value * (double)b->city.rows / 1e9, "GB",
        15.0 * (double)b->city.rows / 1e9, "lower");
    ask_cold(b);
    ask_year(b, 0, 1);
    ask_year(b, 1, 5);
    ask_year(b, 2, 5);
    put(b, "memory", resident_gb(), "GB", 2, "lower");
}

static void
year(struct bench *b)
{
    check_disk(b);
    asker_init(&b->asker, &b->city);
    load_bulk(b);
    sizes(b, 15);
    ask_the_year(b);
    close_engine(b);
    asker_release(&b->asker);
}

/* Questions only, of rows that are there. */
static void
again(struct bench *b, bool billion)
{
    char bulk[480];
    snprintf(bulk, sizeof bulk, "%s/bulk", b->dir);
    asker_init(&b->asker, &b->city);
    open_engine(b, "bulk");
    maintain(b);
    sizes(b, billion ? 15 : 14);
    if (b->columns)
        columns_print(bulk);
    if (billion)
        ask_the_year(b);
    else
        ask_all(b);
    close_engine(b);
    asker_release(&b->asker);
}

int
main(int argc, char **argv)
{
    static struct bench b;
    const char *json = NULL, *sites = NULL, *dir = NULL, *store = NULL;
    bool keep = false, peers = true, billion = false, bulk = false;
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";
        if (!strcmp(argv[i], "--keep"))
            keep = true;
        else if (!strcmp(argv[i], "--columns"))
            b.columns = true;
        else if (!strcmp(argv[i], "--billion"))
            billion = true;
        else if (!strcmp(argv[i], "--bulk"))
            bulk = true;
        else if (!strcmp(argv[i], "--quiet"))
            b.quiet = true;
        else if (!strcmp(argv[i], "--run"))
            b.run_rows = strtoull(next, NULL, 10), i++;
        else if (!strcmp(argv[i], "--rows"))
            b.city.rows = strtoull(next, NULL, 10), i++;
        else if (!strcmp(argv[i], "--csv"))
            b.city.csv = next, i++;
        else if (!strcmp(argv[i], "--sites"))
            sites = next, i++;
        else if (!strcmp(argv[i], "--dir"))
            dir = next, i++;
        else if (!strcmp(argv[i], "--store"))
            store = next, i++;
        else if (!strcmp(argv[i], "--only"))
            b.only = next, i++;
        else if (!strcmp(argv[i], "--peers"))
            peers = strcmp(next, "none") != 0, i++;
        else if (!strcmp(argv[i], "--json"))
            json = next, i++;
        else {
            fprintf(stderr, "usage: see the head of bench/sightings.c\n");
            return 2;
        }
    }
    if (!b.city.rows)
        b.city.rows = billion ? 1000000000 : 5000000;
    b.city.days = billion ? YEAR : DAYS;
    b.now = T0 + (ts_ms)(b.city.days + 1) * DAY_MS;
    city_init(&b.city, sites);
    if (store)
        snprintf(b.dir, sizeof b.dir, "%s", store);
    else
        snprintf(b.dir, sizeof b.dir, "%s/bench-sightings.XXXXXX", dir ? dir : "/tmp");
    if (!store && !mkdtemp(b.dir))
        die(b.dir, NULL);
    if (store)
        again(&b, billion);
    else if (billion)
        year(&b);
    else if (bulk)
        only_bulk(&b);
    else
        week(&b, peers);
    if (json)
        write_json(&b, json);
    if (!keep && !store)
        remove_dir(b.dir);
    if (b.wrong)
        fprintf(stderr, "bench-sightings: %u answers differ\n", b.wrong);
    return b.wrong ? 1 : 0;
}
