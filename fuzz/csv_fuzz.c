/* SPDX-License-Identifier: Apache-2.0 */
/* Tables in pieces of any size: the pieces must not change what is read. The first byte
 * is the size of the pieces. */
#include <stdlib.h>

#include "core/cur.h"
#include "core/hash.h"
#include "feeds/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct pieces {
    struct span rest;
    size_t step;
};

static enum err
source(void *ctx, char *dst, size_t cap, size_t *n, struct note *note)
{
    struct pieces *p = ctx;
    (void)note;
    size_t k = p->rest.n < p->step ? p->rest.n : p->step;
    k = k < cap ? k : cap;
    if (k)
        memcpy(dst, p->rest.p, k);
    p->rest = span_skip(p->rest, k);
    *n = k;
    return OK;
}

/* A hash over all records; 0 when the table has no head. */
static uint64_t
read_all(struct span text, size_t step, enum csv_code code)
{
    struct pieces p = {text, step};
    struct csv_conf conf = {.source = source, .ctx = &p, .code = code, .window = 4096};
    struct csv *c;
    struct csv_record r;
    struct note note;
    uint64_t h = 1, line = 0;
    if (csv_new(&conf, &c, &note) != OK)
        return 0;
    while (csv_next(c, &r, &note) == OK) {
        must(r.line > line && r.n <= CSV_FIELDS);
        line = r.line;
        for (size_t i = 0; i < r.n; i++)
            h = hash_span(r.fields[i], h + i);
        h = hash_pair(h, r.line);
    }
    must(csv_bytes(c) == text.n);
    csv_free(c);
    return h;
}

static void
read_passes(struct span text)
{
    static const struct zone shanghai = {"Asia/Shanghai", 480};
    struct pieces p = {text, 4096};
    struct note note;
    struct csv_conf conf = {
        .source = source,
        .ctx = &p,
        .window = 4096,
        .header = "plate,plate_color,site,time_ms,speed_kmh,lane"};
    struct csv_passes t = {.reader = pass_reader_new(), .from = {.zone = &shanghai}};
    struct sighting_batch *b = sighting_batch_new(16, 1 << 20);
    must(t.reader && b);
    if (csv_new(&conf, &t.csv, &note) == OK &&
        csv_columns(t.csv, pass_names, NULL, t.column, &note) == OK)
        while (csv_passes_fill(&t, b, &note) == OK)
            sighting_batch_clear(b);
    csv_free(t.csv);
    sighting_batch_free(b);
    pass_reader_free(t.reader);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span text = span_of(data + 1, size - 1);
    text.n = text.n < 4096 ? text.n : 4096;
    enum csv_code code = data[0] & 0x80 ? CSV_GB18030 : CSV_UTF8;
    size_t step = 24 + (size_t)data[0] % 64;
    must(read_all(text, step, code) == read_all(text, SIZE_MAX, code));
    (void)read_all(text, step, CSV_AUTO);
    read_passes(text);
    return 0;
}
