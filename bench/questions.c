/* SPDX-License-Identifier: Apache-2.0 */
/* questions.c - what each question of analysis/ask/ costs on a real data directory:
 * over its usual window, with what an analyst would give it.
 *
 *   ./dev bench questions --data DIR [--only NAME] [--json FILE]
 *
 * DIR is one that no daemon holds, as tongqu init and tongqu import make it. The window
 * ends with the newest pass. The plate asked about is the one of the median number of
 * passes among those of the busiest site's middle hour, the sites are the busiest ones.
 * CPU is user and system time of all threads, memory the most that lay outside the page
 * cache beyond what the open engine holds. A question that answers within two seconds is
 * asked twice and its second answer counts.
 */
#include "analysis/flight.h"
#include "analysis/question.h"
#include "core/os_clock.h"
#include "daemon/op_house.h"
#include "model/look_mint.h"
#include "serve/primitives.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define ARENA ((size_t)768 << 20) /* what the API gives a question */
#define AGAIN_US 2000000
#define BAR_MS 3000
#define BAR_MB 256

/* What is given, with %P a plate, %S a site, %T another site, %W windows. */
static const struct usual {
    const char *question;
    int days;
    const char *words;
} usual[] = {
    {"collide", 1, "windows=%W"},
    {"companions", 7, "plates=%P"},
    {"convoys", 2, ""},
    {"convoys", 7, ""},
    {"evidence", 7, ""},
    {"first_seen", 1, ""},
    {"foothold", 7, "plate=%P"},
    {"foothold", 7, "plate=*"},
    {"frequent", 7, "sites=%S"},
    {"in_not_out", 7, ""},
    {"misreads", 1, ""},
    {"misreads", 7, ""},
    {"next_sites", 1, "site=%S"},
    {"next_sites", 7, "site=%S"},
    {"night", 7, ""},
    {"plate_like", 7, "plate=%P misread=one"},
    {"plate_like", 7, "plate=晋A?8*3"},
    {"travel_time", 1, "sites=%S,%T"},
    {"travel_time", 7, "sites=%S,%T"},
    {"violators", 7, ""},
};

struct bench {
    struct base *base;
    struct ledger_reader *reader;
    struct op_house h;
    struct site_table *sites;
    struct site_id busy[2]; /* the busiest site, and the one that most go on to */
    ts_ms end;              /* behind the newest pass */
    char plate[PLATE_TEXT];
    FILE *json;
    bool first;
    int worse;
};

static void
die(const char *what, const struct note *note)
{
    fprintf(stderr, "bench-questions: %s: %s\n", what, note ? note->en : "");
    exit(1);
}

/* ---- what it costs ---- */

static _Atomic size_t most_pages;
static _Atomic bool over;

/* Pages that are no file's. */
static size_t
own_pages(void)
{
    unsigned long all, resident = 0, shared = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    must(f && fscanf(f, "%lu %lu %lu", &all, &resident, &shared) == 3);
    fclose(f);
    return resident - shared;
}

static void *
watch_memory(void *arg)
{
    (void)arg;
    while (!over) {
        size_t now = own_pages();
        if (now > most_pages)
            most_pages = now;
        usleep(1000);
    }
    return NULL;
}

struct cost {
    double wall_ms, cpu_ms, mb;
    enum err e;
    size_t rows;
    struct note note;
};

static double
cpu_ms(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

struct asking_one {
    struct bench *b;
    const struct question *q;
    const struct question_given *given;
    size_t n;
    ts_ms from, to;
};

static enum err
ask_question(
    const struct asking_one *one, const struct look_permit *permit,
    const struct analysis_needs *needs, struct arena *arena, struct cost *out)
{
    struct question_value values[QUESTION_PARAMS];
    struct question_answer answer;
    const struct zone *zone = &one->b->base->zone;
    enum err e = question_read(
        one->q, one->given, one->n, one->b->sites, zone, arena, values, &out->note);
    struct question_call call = {
        .q = one->q,
        .permit = permit,
        .needs = needs,
        .zone = zone,
        .from = one->from,
        .to = one->to,
        .limit = 100000,
        .v = values,
        .arena = arena,
        .out = &answer,
        .note = &out->note,
    };
    if (e == OK)
        e = question_ask(&call);
    out->rows = e == OK ? answer.n : 0;
    return e;
}

static void
measure(const struct asking_one *one, struct cost *out)
{
    struct look_limits limits = {
        .kinds = LOOK_ANALYSIS, .from_ms = INT64_MIN, .to_ms = INT64_MAX};
    struct look_permit *permit = look_permit_new(&limits);
    struct primitives p;
    struct arena arena;
    pthread_t watcher;
    *out = (struct cost){0};
    arena_init(&arena, ARENA);
    malloc_trim(0);
    size_t before = own_pages();
    most_pages = before;
    over = false;
    must(permit && pthread_create(&watcher, NULL, watch_memory, NULL) == 0);
    dur_us t = os_mono_us();
    double cpu = cpu_ms();
    out->e = primitives_open(
        &p, &one->b->h.house, one->b->reader, one->b->sites, one->q->seconds * 4);
    if (out->e == OK)
        out->e = ask_question(one, permit, &p.needs, &arena, out);
    out->wall_ms = (double)(os_mono_us() - t) / 1e3;
    out->cpu_ms = cpu_ms() - cpu;
    over = true;
    pthread_join(watcher, NULL);
    out->mb = (double)(most_pages - before) * (double)sysconf(_SC_PAGESIZE) / 1e6;
    primitives_close(&p);
    arena_release(&arena);
    look_permit_free(permit);
}

static void
put(struct bench *b, const char *name, const struct cost *c)
{
    bool bad = c->e != OK || c->cpu_ms > BAR_MS || c->mb > BAR_MB;
    printf(
        "%-28s %10.0f ms %10.0f ms CPU %8.0f MB %8zu rows%s%s\n", name, c->wall_ms,
        c->cpu_ms, c->mb, c->rows, bad ? "  *" : "", c->e == OK ? "" : c->note.en);
    fflush(stdout);
    b->worse += c->e != OK;
    if (!b->json)
        return;
    fprintf(
        b->json,
        "%s{\"name\":\"questions.%s.cpu\",\"value\":%.1f,\"unit\":\"ms\",\"bar\":%d,"
        "\"better\":\"lower\"},\n{\"name\":\"questions.%s.memory\",\"value\":%.1f,"
        "\"unit\":\"MB\",\"bar\":%d,\"better\":\"lower\"}",
        b->first ? "[" : ",\n", name, c->cpu_ms, BAR_MS, name, c->mb, BAR_MB);
    b->first = false;
}

/* ---- what is given ---- */

static const char *
code_of(const struct bench *b, struct site_id id)
{
    const struct site *s = site_get(b->sites, id);
    return s ? s->code : "";
}

static void
put_windows(const struct bench *b, struct buf *out)
{
    ts_ms at = b->end - 16 * HOUR_MS;
    for (int i = 0; i < 2; i++)
        buf_fmt(
            out, "%s+%s@%lld/%lld", i ? ";" : "", code_of(b, b->busy[i]),
            (long long)(at + i * 5 * MINUTE_MS),
            (long long)(at + (30 + i * 15) * MINUTE_MS));
}

static void
fill_in(const struct bench *b, const char *words, struct buf *out)
{
    for (const char *c = words; *c; c++) {
        if (*c != '%') {
            buf_put(out, c, 1);
            continue;
        }
        switch (*++c) {
        case 'P':
            buf_text(out, b->plate);
            break;
        case 'S':
            buf_text(out, code_of(b, b->busy[0]));
            break;
        case 'T':
            buf_text(out, code_of(b, b->busy[1]));
            break;
        default:
            must(*c == 'W');
            put_windows(b, out);
        }
    }
}

static void
ask_usual(struct bench *b, const struct usual *u)
{
    struct question_given given[QUESTION_PARAMS];
    struct buf text = {0};
    struct cost cost;
    char name[64];
    struct asking_one one = {
        .b = b,
        .q = question_find(span_cstr(u->question)),
        .given = given,
        .to = b->end,
    };
    must(one.q != NULL);
    one.from = b->end - u->days * DAY_MS;
    fill_in(b, u->words, &text);
    must(!text.bad);
    struct span rest = span_of(text.p, text.n);
    while (rest.n) {
        struct span value = span_cut(&rest, ' ');
        given[one.n].name = span_cut(&value, '=');
        given[one.n++].text = value;
    }
    snprintf(
        name, sizeof name, "%s.%dd%s", u->question, u->days,
        strchr(u->words, '*') ? ".many" : "");
    measure(&one, &cost);
    if (cost.e == OK && cost.wall_ms * 1e3 < AGAIN_US)
        measure(&one, &cost);
    put(b, name, &cost);
    buf_release(&text);
}

/* ---- whom and where to ask about ---- */

static int
by_plate(const void *x, const void *y)
{
    const struct analysis_pass *a = x, *b = y;
    return (a->plate.v > b->plate.v) - (a->plate.v < b->plate.v);
}

/* The busiest site of the last day and the one that leads most of its vehicles. */
static void
choose(struct bench *b, const struct analysis_needs *n, struct arena *arena)
{
    struct analysis_cell *cell;
    size_t cells, passes;
    struct analysis_pass *pass;
    uint64_t *sum = calloc(b->sites->n + 1, sizeof *sum);
    must(sum != NULL);
    if (n->flow(n->ctx, b->end - DAY_MS, b->end, arena, &cell, &cells) != OK)
        die("flow", NULL);
    for (size_t i = 0; i < cells; i++)
        sum[cell[i].site.v] += cell[i].n;
    for (uint32_t i = 1; i <= b->sites->n; i++)
        if (!b->busy[0].v || sum[i] > sum[b->busy[0].v])
            b->busy[0].v = i;
    ts_ms from = b->end - 16 * HOUR_MS;
    memset(sum, 0, (b->sites->n + 1) * sizeof *sum);
    if (n->passes(
            n->ctx, b->busy, 1, from, from + 10 * MINUTE_MS, arena, &pass, &passes) !=
        OK)
        die("passes", NULL);
    if (passes)
        qsort(pass, passes, sizeof *pass, by_plate);
    size_t exact = 0;
    for (size_t i = 0; i < passes; i++) {
        struct analysis_rows rows;
        if (!plate_is_exact(pass[i].plate) ||
            n->by_plate(
                n->ctx, pass[i].plate, pass[i].pass_ms, pass[i].pass_ms + HOUR_MS, 9,
                arena, &rows) != OK)
            continue;
        for (size_t k = 0; k < rows.n; k++)
            sum[rows.rows[k].site.v] += rows.rows[k].site.v != b->busy[0].v;
        if (n->by_plate(
                n->ctx, pass[i].plate, b->end - 7 * DAY_MS, b->end, 1000, arena,
                &rows) == OK &&
            rows.n > exact && rows.n < 60) {
            exact = rows.n;
            plate_format(b->plate, pass[i].plate);
        }
    }
    for (uint32_t i = 1; i <= b->sites->n; i++)
        if (!b->busy[1].v || sum[i] > sum[b->busy[1].v])
            b->busy[1].v = i;
    free(sum);
    printf(
        "%llu rows, %u sites; busiest %s, then %s; %s has %zu passes a week\n",
        (unsigned long long)sight_snap_rows(((struct primitives *)n->ctx)->snap),
        b->sites->n, code_of(b, b->busy[0]), code_of(b, b->busy[1]), b->plate, exact);
}

static void
prepare(struct bench *b)
{
    struct primitives p;
    struct arena arena;
    arena_init(&arena, ARENA);
    if (primitives_open(&p, &b->h.house, b->reader, b->sites, 0) != OK)
        die("snapshot", NULL);
    ts_ms newest = sight_snap_newest(p.snap);
    b->end = civil_day_start(civil_day(newest, &b->base->zone) + 1, &b->base->zone);
    if (b->end - newest > 12 * HOUR_MS) /* a few passes behind midnight */
        b->end = newest + 1;
    choose(b, &p.needs, &arena);
    primitives_close(&p);
    arena_release(&arena);
}

int
main(int argc, char **argv)
{
    const char *dir = NULL, *only = NULL, *json = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        dir = strcmp(argv[i], "--data") ? dir : argv[i + 1];
        only = strcmp(argv[i], "--only") ? only : argv[i + 1];
        json = strcmp(argv[i], "--json") ? json : argv[i + 1];
    }
    if (!dir) {
        fputs(
            "usage: bench-questions --data DIR [--only NAME] [--json FILE]\n", stderr);
        return 2;
    }
    struct note note = {0};
    struct bench b = {.first = true};
    struct base_opts opts = {.dir = dir, .now = os_now_ms()};
    if (base_open(&opts, &b.base, &note) != OK)
        die(dir, &note);
    b.reader = ledger_as_reader(b.base->ledger);
    struct door door = {.base = b.base, .reader = b.reader};
    struct op_call call = {.door = &door};
    if (op_house_open(&call, &b.h) != OK)
        die("model", NULL);
    b.sites = base_sites(b.base);
    b.json = json ? fopen(json, "w") : NULL;
    if (json && !b.json)
        die(json, NULL);
    prepare(&b);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (!only || !strcmp(only, usual[i].question))
            ask_usual(&b, &usual[i]);
    if (b.json)
        fprintf(b.json, "%s\n", b.first ? "[]" : "]");
    if (b.json)
        fclose(b.json);
    site_table_unref(b.sites);
    op_house_close(&b.h);
    base_close(&b.base, os_now_ms());
    return b.worse != 0;
}
