/* SPDX-License-Identifier: Apache-2.0 */
/* csv_decode.c - rows of a sightings CSV into batches, one core, no store.
 *
 *   ./dev bench csv_decode [--file F] [--header NAMES] [--rows N] [--json FILE]
 *
 * Without --file a table is made in memory. --header as in `tongqu import`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/cur.h"
#include "feeds/csv.h"

#define BATCH 10000

static double
cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool
any_site(void *ctx, struct span code, struct feed_site *out)
{
    (void)ctx, (void)code;
    *out = (struct feed_site){{1}, NULL};
    return true;
}

static enum err
from_span(void *ctx, char *dst, size_t cap, size_t *n, struct note *note)
{
    struct span *s = ctx;
    (void)note;
    *n = s->n < cap ? s->n : cap;
    memcpy(dst, s->p, *n);
    *s = span_skip(*s, *n);
    return OK;
}

static void
make_table(struct buf *b, unsigned long rows)
{
    for (unsigned long i = 0; i < rows; i++)
        buf_fmt(
            b,
            "晋A%05lu,5,K33,%lu,%lu,%lu,%lu,%lu,%llu,%lu,%lu,140116%010lu%013lu,"
            "http://10.14.1.%lu:8088/kk/20260302/00/140116%010lu%013lu.jpg\n",
            i % 100000, 1 + i % 11, i % 200, i * 7 % 800, 1 + i % 4, 1 + i % 4,
            1772380856875ull + i, 40 + i % 60, 80 + i % 20, i, i * 31, i % 250, i,
            i * 31);
}

int
main(int argc, char **argv)
{
    const char *file = NULL, *json = NULL,
               *header =
                   "plate,plate_color,vehicle_class,vehicle_color,brand,site,lane,"
                   "direction,time_ms,speed_kmh,confidence,record_id,image";
    unsigned long rows = 1000000;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--file") == 0)
            file = argv[i + 1];
        else if (strcmp(argv[i], "--header") == 0)
            header = argv[i + 1];
        else if (strcmp(argv[i], "--rows") == 0)
            rows = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--json") == 0)
            json = argv[i + 1];
    }
    static const struct zone shanghai = {"Asia/Shanghai", 480};
    struct feed_needs needs = {.site = any_site};
    struct buf table = {0};
    struct span text;
    struct note note;
    FILE *f = NULL;
    struct csv_conf conf = {.source = from_span, .ctx = &text, .header = header};
    if (file) {
        f = fopen(file, "r");
        if (!f) {
            perror(file);
            return 1;
        }
        conf.source = csv_from_file;
        conf.ctx = f;
    } else {
        make_table(&table, rows);
        text = span_of(table.p, table.n);
    }
    struct csv_passes p = {
        .reader = pass_reader_new(), .from = {.needs = &needs, .zone = &shanghai}};
    struct sighting_batch *b = sighting_batch_new(BATCH, 64u << 20);
    double from = cpu_s();
    if (csv_new(&conf, &p.csv, &note) != OK ||
        csv_columns(p.csv, pass_names, NULL, p.column, &note) != OK) {
        fprintf(stderr, "%s\n", note.en);
        return 1;
    }
    enum err e;
    while ((e = csv_passes_fill(&p, b, &note)) == OK)
        sighting_batch_clear(b);
    double s = cpu_s() - from;
    double rate = (double)(p.rows + p.rejected) / s;
    printf(
        "csv into batches: %.0f rows/s on one core (%llu rows, %llu rejected, %.0f "
        "MB/s; bar "
        "3,000,000)\n",
        rate, (unsigned long long)p.rows, (unsigned long long)p.rejected,
        (double)csv_bytes(p.csv) / s / 1e6);
    if (json && (f = fopen(json, "w"))) {
        fprintf(
            f,
            "[{\"name\":\"csv "
            "decode\",\"value\":%.0f,\"unit\":\"rows/s\",\"bar\":3000000,"
            "\"better\":\"higher\"}]\n",
            rate);
        fclose(f);
    }
    csv_free(p.csv);
    pass_reader_free(p.reader);
    sighting_batch_free(b);
    buf_release(&table);
    return e == ERR_NOTFOUND ? 0 : 1;
}
