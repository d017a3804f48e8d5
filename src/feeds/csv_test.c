/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "core/cur.h"
#include "feeds/csv.h"

#include <stdio.h>
#include <stdlib.h>

/* A source that hands out a text in pieces of `step` bytes. */
struct text_source {
    struct span rest;
    size_t step;
};

static enum err
from_text(void *ctx, char *dst, size_t cap, size_t *n, struct note *note)
{
    struct text_source *s = ctx;
    (void)note;
    size_t k = s->rest.n < cap ? s->rest.n : cap;
    k = k < s->step ? k : s->step;
    if (k)
        memcpy(dst, s->rest.p, k);
    s->rest = span_skip(s->rest, k);
    *n = k;
    return OK;
}

/* All records as "a|b|c@line;" in a buffer. */
static void
read_all(struct span text, size_t step, const char *header, struct buf *out)
{
    struct text_source source = {text, step};
    struct csv_conf conf = {.source = from_text, .ctx = &source, .header = header};
    struct csv *c = NULL;
    struct csv_record r;
    struct note note = {0};
    enum err e;
    kit_ok(csv_new(&conf, &c, &note), &note);
    buf_clear(out);
    while ((e = csv_next(c, &r, &note)) == OK) {
        for (size_t i = 0; i < r.n; i++) {
            if (i)
                buf_u8(out, '|');
            buf_put(out, r.fields[i].p, r.fields[i].n);
        }
        buf_fmt(out, "@%u;", (unsigned)r.line);
    }
    assert_int_equal(e, ERR_NOTFOUND);
    assert_int_equal(csv_bytes(c), text.n);
    buf_u8(out, 0);
    out->n--;
    csv_free(c);
}

static void
test_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text, *records;
    } rows[] = {
        {"a,b\n1,2\n3,4\n", "1|2@2;3|4@3;"},
        {"a,b\r\n1,2\r\n3,4", "1|2@2;3|4@3;"},
        {"\xEF\xBB\xBF"
         "a,b\n1,\n",
         "1|@2;"},
        {"a,b\n\"1\",\"x,y\"\n", "1|x,y@2;"},
        {"a,b\n\"he said \"\"no\"\"\",2\n", "he said \"no\"|2@2;"},
        {"a,b\n\"two\nlines\",2\n5,6\n", "two\nlines|2@2;5|6@4;"},
        {"a,b\n\n1,2\n   \n3,4\n\n", "1|2@3;3|4@5;"},
        {"a,b\n1\n1,2,3\n", "1@2;1|2|3@3;"},
        {"a;b\n1;2,5\n", "1|2,5@2;"},
        {"a\tb\n1\t2\n", "1|2@2;"},
        {"a,b\n5\" pipe,2\n3,4\n", "5\" pipe|2@2;3|4@3;"},
        {"a,b\n\"open,2\n3,4\n", "\"open|2@2;3|4@3;"}, /* a quote that never ends */
        {"a,b\n\"x\" ,2\n", "x |2@2;"},
        {"a,b\n\"\",\"\"\n", "|@2;"},
        {"a,b", ""},
        {"\n\r\na;b\n1;2\n", "1|2@4;"}, /* the head is the first line with something */
        {"\xEF\xBB\xBF\n\na,b\n1,2\n", "1|2@4;"},
        {"\tB\t\na,b\tc\nd\n", "a,b|c@2;d@3;"}, /* a tab at the end of the head */
        {"\n{\"a\":1}\n{\"a\":2}\n", "@2;@3;"}, /* JSON: no column is asked for */
    };
    struct buf out = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t step = 1; step < 40; step += 3) {
            read_all(span_cstr(rows[i].text), step, NULL, &out);
            if (strcmp((char *)out.p, rows[i].records) != 0)
                fail_msg("table %zu in steps of %zu: %s", i, step, (char *)out.p);
        }
    }
    read_all(SPAN("1,2\n3,4\n"), 5, "a,b", &out);
    assert_string_equal((char *)out.p, "1|2@1;3|4@2;");
    buf_release(&out);
}

static void
test_gb18030(void **state)
{
    (void)state;
    /* 晋 is BD FA; 号 is BA C5 */
    static const char text[] = "\xBA\xC5,b\n\xBD\xFA"
                               "A12345,x\n\xBD\xFA"
                               "A12346,\"y\nz\"\n";
    struct buf out = {0};
    for (size_t step = 1; step < 40; step++) {
        read_all(span_of(text, sizeof text - 1), step, NULL, &out);
        assert_string_equal((char *)out.p, "晋A12345|x@2;晋A12346|y\nz@3;");
    }
    read_all(SPAN("号,b\n晋A12345,x\n"), 1000, NULL, &out); /* UTF-8 is seen as such */
    assert_string_equal((char *)out.p, "晋A12345|x@2;");
    buf_release(&out);
}

/* One bad line of GB18030 harms no other. */
static void
test_stray_bytes_of_gb18030(void **state)
{
    (void)state;
    static const char text[] = "a,b\n\xBD\xFA"
                               "1,x\n\xBD\xFF\xFF"
                               "2,y\n\xBD\xFA"
                               "3,z\n";
    struct text_source source = {span_of(text, sizeof text - 1), 1000};
    struct csv_conf conf = {
        .source = from_text,
        .ctx = &source,
        .code = CSV_GB18030,
        .comma = ',',
        .window = 64};
    struct csv *c;
    struct csv_record r;
    struct note note;
    kit_ok(csv_new(&conf, &c, &note), &note);
    kit_ok(csv_next(c, &r, &note), &note);
    assert_span_equal(r.fields[0], "晋1");
    kit_ok(csv_next(c, &r, &note), &note);
    assert_span_equal(r.fields[1], "y");
    kit_ok(csv_next(c, &r, &note), &note);
    assert_span_equal(r.fields[0], "晋3");
    assert_int_equal(csv_coding(c), CSV_GB18030);
    csv_free(c);
}

static enum err
broken(void *ctx, char *dst, size_t cap, size_t *n, struct note *note)
{
    (void)ctx, (void)dst, (void)cap, (void)n;
    return note_set(note, ERR_IO, "file", "broken", "损坏");
}

static void
test_sources(void **state)
{
    (void)state;
    struct csv_conf conf = {.source = broken};
    struct csv *c = NULL;
    struct csv_record r;
    struct note note;
    assert_int_equal(csv_new(&conf, &c, &note), ERR_IO);
    conf.code = CSV_GB18030;
    assert_int_equal(csv_new(&conf, &c, &note), ERR_IO);
    FILE *f = tmpfile();
    assert_non_null(f);
    fputs("a,b\n1,2\n", f);
    rewind(f);
    conf = (struct csv_conf){.source = csv_from_file, .ctx = f};
    kit_ok(csv_new(&conf, &c, &note), &note);
    kit_ok(csv_next(c, &r, &note), &note);
    assert_span_equal(r.fields[1], "2");
    assert_int_equal(csv_next(c, &r, &note), ERR_NOTFOUND);
    csv_free(c);
    fclose(f);
    csv_free(NULL);
}

/* A file that begins with a megabyte of ASCII and says later that it is GB18030. */
static void
test_gb18030_shows_late(void **state)
{
    (void)state;
    struct buf text = {0}, out = {0};
    buf_text(&text, "a,b\n");
    for (int i = 0; i < 300000; i++)
        buf_text(&text, "x,12\n");
    buf_text(
        &text, "\xBD\xFA"
               "A12345,x\n");
    read_all(span_of(text.p, text.n), 1 << 20, NULL, &out);
    const char *tail = (char *)out.p + out.n - strlen("晋A12345|x@300002;");
    assert_string_equal(tail, "晋A12345|x@300002;");
    buf_release(&text);
    buf_release(&out);
}

/* What is written with quotes everywhere reads as what is written without. */
static void
test_quoting_changes_nothing(void **state)
{
    (void)state;
    static const char *const cells[] = {"",    "a", "晋A12345", "1772380856875",
                                        "x y", "ä", "0.5"};
    struct kit_rand r = {17};
    unsigned rounds = kit_rounds(300, 30000);
    for (unsigned k = 0; k < rounds; k++) {
        struct buf plain = {0}, quoted = {0}, a = {0}, b = {0};
        uint32_t rows = 1 + kit_rand_below(&r, 200);
        for (uint32_t i = 0; i < rows; i++) {
            uint32_t columns = 2 + kit_rand_below(&r, 4);
            for (uint32_t j = 0; j < columns; j++) {
                const char *cell =
                    cells[kit_rand_below(&r, sizeof cells / sizeof *cells)];
                bool q = kit_rand_below(&r, 3) == 0;
                buf_fmt(&plain, "%s%s", j ? "," : "", cell);
                buf_fmt(&quoted, q ? "%s\"%s\"" : "%s%s", j ? "," : "", cell);
            }
            buf_u8(&plain, '\n');
            buf_u8(&quoted, '\n');
        }
        read_all(span_of(plain.p, plain.n), 1 + kit_rand_below(&r, 300), "a,b,c", &a);
        read_all(span_of(quoted.p, quoted.n), 1 + kit_rand_below(&r, 300), "a,b,c", &b);
        assert_string_equal((char *)a.p, (char *)b.p);
        buf_release(&plain);
        buf_release(&quoted);
        buf_release(&a);
        buf_release(&b);
    }
}

static void
test_a_line_that_is_too_long(void **state)
{
    (void)state;
    struct buf text = {0}, out = {0};
    buf_text(&text, "a,b\n1,2\n");
    for (int i = 0; i < 300000; i++)
        buf_text(&text, "xxxxxxxx");
    buf_text(&text, "\n3,4\n");
    read_all(span_of(text.p, text.n), 100000, NULL, &out);
    assert_int_equal(out.n, 6 + CSV_RECORD + 3 + 6);
    assert_string_equal((char *)out.p + out.n - 6, "3|4@4;");
    buf_release(&text);
    buf_release(&out);
}

static void
test_columns(void **state)
{
    (void)state;
    static const char *const names[] = {"plate", "site", "speed_kmh", NULL};
    static const char *const required[] = {"plate", "site", NULL};
    struct text_source source = {SPAN("HPHM, Site ,x\n晋A12345,K1,7\n"), 1000};
    struct csv_conf conf = {
        .source = from_text, .ctx = &source, .map = "hphm=plate,x=speed_kmh"};
    struct csv *c;
    struct note note;
    int column[3];
    kit_ok(csv_new(&conf, &c, &note), &note);
    kit_ok(csv_columns(c, names, required, column, &note), &note);
    assert_int_equal(column[0], 0);
    assert_int_equal(column[1], 1);
    assert_int_equal(column[2], 2);
    assert_int_equal(csv_width(c), 3);
    assert_span_equal(csv_name(c, 2), "speed_kmh");
    assert_null(csv_name(c, 3).p);
    csv_free(c);
    source = (struct text_source){SPAN("HPHM,Site\n"), 1000};
    conf.map = NULL;
    kit_ok(csv_new(&conf, &c, &note), &note);
    assert_int_equal(csv_columns(c, names, required, column, &note), ERR_INPUT);
    assert_string_equal(note.field, "plate");
    assert_non_null(strstr(note.en, "HPHM, Site"));
    assert_non_null(strstr(note.zh, "--map"));
    csv_free(c);
    source = (struct text_source){SPAN(""), 1000};
    assert_int_equal(csv_new(&conf, &c, &note), ERR_INPUT);
}

static void
test_going_on_where_it_stopped(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_text(&text, "plate,n\n");
    for (int i = 0; i < 50000; i++)
        buf_fmt(&text, i % 7 ? "晋A12345,%d\n" : "\"晋A\"\"x\",%d\n", i);
    struct kit_rand r = {4};
    for (int round = 0; round < 10; round++) {
        struct text_source source = {span_of(text.p, text.n), 70000};
        struct csv_conf conf = {.source = from_text, .ctx = &source};
        struct csv *c;
        struct csv_record rec;
        struct note note;
        int stop = (int)kit_rand_below(&r, 49999);
        kit_ok(csv_new(&conf, &c, &note), &note);
        for (int i = 0; i <= stop; i++)
            kit_ok(csv_next(c, &rec, &note), &note);
        uint64_t offset = rec.offset, line = rec.line + 1;
        csv_free(c);
        source = (struct text_source){span_of(text.p, text.n), 1000};
        kit_ok(csv_new(&conf, &c, &note), &note);
        kit_ok(csv_skip_to(c, offset, line, &note), &note);
        kit_ok(csv_next(c, &rec, &note), &note);
        char want[16];
        snprintf(want, sizeof want, "%d", stop + 1);
        assert_span_equal(rec.fields[1], want);
        assert_int_equal(rec.line, stop + 3);
        assert_int_equal(csv_skip_to(c, text.n + 1, 1, &note), ERR_INPUT);
        csv_free(c);
    }
    buf_release(&text);
}

static void
keep_reject(void *ctx, const struct csv_reject *r)
{
    struct buf *b = ctx;
    buf_fmt(
        b, "%u %s %s=%.*s;", (unsigned)r->line, feed_fault_row(r->fault)->name,
        r->column, SPAN_ARG(r->text));
}

static void
keep_cut(void *ctx, const struct csv_reject *r)
{
    assert_true(r->taken);
    buf_fmt(
        ctx, "%u %s %s %zu;", (unsigned)r->line, feed_fault_row(r->fault)->name,
        r->column, r->text.n);
}

static bool
known_site(void *ctx, struct span code, struct feed_site *out)
{
    ++*(unsigned *)ctx;
    if (!span_eq_cstr(code, "385"))
        return false;
    *out = (struct feed_site){{9}, NULL};
    return true;
}

static void
test_sightings(void **state)
{
    (void)state;
    static const char text[] =
        "晋A12345,5,K33,2,13,385,4,1,1772380856875,80,93,R1,http://127.0.0.1/1.jpg\n"
        "\"晋A·12345\",6,H11,1,9,385,1,2,1772380856876,80.5,,R2,\n"
        ",,,,,nowhere,,,1772380856877,,,R3,\n"
        "晋A12345,5,K33,2,13,385,4,1,yesterday,80,93,R4,\n"
        "晋A12345,5,K33,2,13,,4,1,1772380856875,80,93,R5,\n"
        "晋A12345,77,K-3,2,13,385,4,x,20260302080000,900,93,,\n";
    static const struct zone shanghai = {"Asia/Shanghai", 480};
    unsigned asked = 0;
    struct feed_needs needs = {&asked, known_site, NULL};
    struct text_source source = {span_of(text, sizeof text - 1), 100};
    struct csv_conf conf = {
        .source = from_text,
        .ctx = &source,
        .header =
            "plate,plate_color,vehicle_class,vehicle_color,brand,site,lane,direction,"
            "time_ms,speed_kmh,confidence,record_id,image"};
    struct buf rejects = {0};
    struct note note;
    struct csv_passes p = {
        .reader = pass_reader_new(),
        .from = {.needs = &needs, .zone = &shanghai, .arrive_ms = 5},
        .reject = keep_reject,
        .reject_ctx = &rejects,
    };
    kit_ok(csv_new(&conf, &p.csv, &note), &note);
    kit_ok(csv_columns(p.csv, pass_names, pass_names, p.column, &note), &note);
    struct sighting_batch *b = sighting_batch_new(2, 1 << 20);
    kit_ok(csv_passes_fill(&p, b, &note), &note);
    assert_int_equal(b->n, 2);
    const struct sighting *s = b->rows;
    char plate[PLATE_TEXT];
    assert_string_equal(plate_format(plate, s[0].plate), "晋A12345");
    assert_int_equal(s[0].site.v, 9);
    assert_int_equal(s[0].plate_color, 5);
    assert_int_equal(s[0].lane, 4);
    assert_int_equal(s[0].direction, 1);
    assert_true(s[0].pass_ms == 1772380856875 && s[0].arrive_ms == 5);
    assert_int_equal(s[0].speed_dkmh, 800);
    assert_int_equal(s[0].confidence, 93);
    assert_span_equal(s[0].record_id, "R1");
    assert_span_equal(s[0].image, "http://127.0.0.1/1.jpg");
    assert_null(s[0].plate_text.p);
    assert_span_equal(s[1].plate_text, "晋A·12345");
    assert_int_equal(s[1].speed_dkmh, 805);
    assert_int_equal(s[1].confidence, CONFIDENCE_UNKNOWN);
    assert_int_equal(asked, 1); /* a site is asked for once */
    sighting_batch_clear(b);
    kit_ok(csv_passes_fill(&p, b, &note), &note);
    assert_int_equal(b->n, 2);
    assert_true(plate_is_none(b->rows[0].plate));
    assert_int_equal(b->unplaced_n, 1);
    assert_span_equal(b->unplaced[0].code, "nowhere");
    assert_int_equal(b->rows[1].direction, 0);
    assert_int_equal(b->rows[1].speed_dkmh, SPEED_UNKNOWN);
    assert_true(b->rows[1].pass_ms == 1772409600000);
    assert_true(span_starts(b->rows[1].record_id, SPAN("auto-")));
    sighting_batch_clear(b);
    assert_int_equal(csv_passes_fill(&p, b, &note), ERR_NOTFOUND);
    buf_u8(&rejects, 0);
    assert_string_equal(
        (char *)rejects.p, "4 bad_time time_ms=yesterday;5 no_place site=;");
    assert_int_equal(p.rows, 4);
    assert_int_equal(p.rejected, 2);
    assert_int_equal(p.offset, sizeof text - 1);
    assert_int_equal(feed_fault_count(&p.faults, FAULT_BAD_CODE), 2);
    assert_int_equal(feed_fault_count(&p.faults, FAULT_BAD_NUMBER), 2);
    assert_int_equal(feed_fault_count(&p.faults, FAULT_NO_ID), 1);
    sighting_batch_free(b);
    pass_reader_free(p.reader);
    csv_free(p.csv);
    buf_release(&rejects);
}

/* Reads all passes of the text, which comes in pieces of `step` bytes. The caller frees
 * the batch, the reader and the table. */
static struct sighting_batch *
read_passes(struct csv_passes *p, struct span text, size_t step)
{
    static const struct zone shanghai = {"Asia/Shanghai", 480};
    unsigned asked = 0;
    struct feed_needs needs = {&asked, known_site, NULL};
    struct text_source source = {text, step};
    struct csv_conf conf = {.source = from_text, .ctx = &source};
    struct note note;
    p->reader = pass_reader_new();
    p->from.needs = &needs;
    p->from.zone = &shanghai;
    kit_ok(csv_new(&conf, &p->csv, &note), &note);
    kit_ok(
        csv_columns(p->csv, pass_names, pass_names + PASS_KEYS, p->column, &note),
        &note);
    struct sighting_batch *b = sighting_batch_new(8, 1 << 20);
    kit_ok(csv_passes_fill(p, b, &note), &note);
    p->from.needs = NULL;
    return b;
}

/* A text longer than is kept leaves the record there, and is told with its line. */
static void
test_long_texts_are_told(void **state)
{
    (void)state;
    static char text[4096];
    int n = snprintf(
        text, sizeof text,
        "plate,site,time_ms,record_id,image\n晋A12345,385,1772380856875,R1,%01100d\n"
        "%080d,385,1772380856876,R2,/2.jpg\n",
        1, 1);
    struct buf rejects = {0};
    struct csv_passes p = {.reject = keep_cut, .reject_ctx = &rejects};
    struct sighting_batch *b = read_passes(&p, span_of(text, (size_t)n), 100);
    assert_int_equal(b->n, 2);
    assert_int_equal(b->rows[0].image.n, 0);
    assert_int_equal(b->rows[1].plate_text.n, 64);
    assert_int_equal(p.rows, 2);
    assert_int_equal(p.rejected, 0);
    buf_u8(&rejects, 0);
    assert_string_equal((char *)rejects.p, "2 too_big image 1100;3 too_big plate 80;");
    assert_int_equal(feed_fault_count(&p.faults, FAULT_TOO_BIG), 2);
    assert_string_equal(p.faults.sample[FAULT_TOO_BIG], "image=1100 bytes");
    sighting_batch_free(b);
    pass_reader_free(p.reader);
    csv_free(p.csv);
    buf_release(&rejects);
}

/* A NUL in a record refuses that record with its line, quoted or not, however the bytes
 * come; its neighbours are read. In a head it refuses the file. */
static void
test_nul_is_refused(void **state)
{
    (void)state;
    static const char table[] = "site,name\nA,one\nB,t\0wo\nC,\"th\0r,\nee\"\nD,four\n"
                                "E,\0";
    static const char lines[] = "{\"site\":\"A\",\"name\":\"one\"}\n"
                                "{\"site\":\"B\",\"name\":\"t\\u0000wo\"}\n"
                                "{\"site\":\"D\",\"name\":\"four\"}";
    static const struct span texts[] = {
        {table, sizeof table - 1}, {lines, sizeof lines - 1}};
    static const char *const names[] = {"site", "name", NULL};
    static const char *const want[] = {"A=one 3! 4! D=four 7! ", "A=one 2! D=four "};
    for (size_t k = 0; k < 2; k++)
        for (size_t step = 1; step < 100; step += 7) {
            struct text_source source = {texts[k], step};
            struct csv_conf conf = {.source = from_text, .ctx = &source, .window = 64};
            struct csv *c;
            struct csv_record r;
            struct note note;
            struct buf got = {0};
            int column[2];
            kit_ok(csv_new(&conf, &c, &note), &note);
            kit_ok(csv_columns(c, names, names, column, &note), &note);
            while (csv_next(c, &r, &note) == OK) {
                struct span site = csv_field(&r, column[0]),
                            name = csv_field(&r, column[1]);
                if (r.fault) {
                    assert_int_equal(r.fault, FAULT_NUL_BYTE + 1);
                    assert_int_equal(r.n, 0);
                    buf_fmt(&got, "%u! ", (unsigned)r.line);
                } else
                    buf_fmt(&got, "%.*s=%.*s ", SPAN_ARG(site), SPAN_ARG(name));
            }
            buf_u8(&got, 0);
            assert_string_equal((char *)got.p, want[k]);
            buf_release(&got);
            csv_free(c);
        }
    struct text_source source = {SPAN("s\0i\0t\0e\0\n\0A\0"), 99};
    struct csv_conf conf = {.source = from_text, .ctx = &source};
    struct csv *c;
    struct note note;
    assert_int_equal(csv_new(&conf, &c, &note), ERR_INPUT);
    assert_non_null(strstr(note.en, "UTF-16"));
}

/* Second 60 is taken a millisecond before the next day, and told with what stood there.
 */
static void
test_leap_second_is_told(void **state)
{
    (void)state;
    static const char text[] = "plate,site,time_ms,record_id\n"
                               "晋A12345,385,20170101075960,R1\n"
                               "晋A12345,385,20170101080000,R2\n";
    struct buf rejects = {0};
    struct csv_passes p = {.reject = keep_cut, .reject_ctx = &rejects};
    struct sighting_batch *b = read_passes(&p, span_of(text, sizeof text - 1), 999);
    assert_int_equal(b->n, 2);
    assert_true(b->rows[0].pass_ms == 1483228799999);
    assert_true(b->rows[1].pass_ms == 1483228800000);
    assert_int_equal(p.rejected, 0);
    buf_u8(&rejects, 0);
    assert_string_equal((char *)rejects.p, "2 leap_second time_ms 14;");
    assert_string_equal(p.faults.sample[FAULT_LEAP_SECOND], "time_ms=20170101075960");
    sighting_batch_free(b);
    pass_reader_free(p.reader);
    csv_free(p.csv);
    buf_release(&rejects);
}

/* A file of JSON lines is a table whose columns are what is asked for. */
static void
test_lines_of_json(void **state)
{
    (void)state;
    static const char text[] =
        "\xEF\xBB\xBF{\"hphm\":\"晋A12345\",\"site\":\"385\",\"time_ms\":1772380856875,"
        "\"speed_kmh\":52.5,\"record_id\":\"R1\"}\r\n"
        "\n"
        "{\"plate\":\"晋AD12345\",\"site\":385,\"time_ms\":\"1772380856876\",\"record_"
        "id\":\"R2\","
        "\"lane\":null,\"image\":[],\"other\":{\"x\":1}}\n"
        "{\"plate\":\n"
        "[1]\n"
        "{\"plate\":\"晋A12345\",\"time_ms\":1772380856875}\n"
        "{\"plate\":\"晋A12346\",\"site\":\"385\",\"time_ms\":1772380856877,\"record_"
        "id\":\"R3\"}";
    static const struct zone shanghai = {"Asia/Shanghai", 480};
    unsigned asked = 0;
    struct feed_needs needs = {&asked, known_site, NULL};
    for (size_t step = 1; step < 1200; step = step * 3 + 1) {
        struct text_source source = {span_of(text, sizeof text - 1), step};
        struct csv_conf conf = {
            .source = from_text, .ctx = &source, .map = "hphm=plate"};
        struct buf rejects = {0};
        struct note note;
        struct csv_passes p = {
            .reader = pass_reader_new(),
            .from = {.needs = &needs, .zone = &shanghai},
            .reject = keep_reject,
            .reject_ctx = &rejects,
        };
        kit_ok(csv_new(&conf, &p.csv, &note), &note);
        kit_ok(csv_columns(p.csv, pass_names, pass_names, p.column, &note), &note);
        struct sighting_batch *b = sighting_batch_new(10, 1 << 20);
        kit_ok(csv_passes_fill(&p, b, &note), &note);
        assert_int_equal(b->n, 3);
        char plate[PLATE_TEXT];
        assert_string_equal(plate_format(plate, b->rows[0].plate), "晋A12345");
        assert_int_equal(b->rows[0].speed_dkmh, 525);
        assert_string_equal(plate_format(plate, b->rows[1].plate), "晋AD12345");
        assert_int_equal(b->rows[1].site.v, 9);
        assert_span_equal(b->rows[2].record_id, "R3");
        buf_u8(&rejects, 0);
        assert_string_equal(
            (char *)rejects.p, "4 not_json line=;5 not_object line=;6 no_place site=;");
        assert_int_equal(p.offset, sizeof text - 1);
        assert_int_equal(csv_passes_fill(&p, b, &note), ERR_NOTFOUND);
        sighting_batch_free(b);
        pass_reader_free(p.reader);
        csv_free(p.csv);
        buf_release(&rejects);
    }
}

/* A batch whose arena is small: no row is lost between batches. */
static void
test_rows_that_do_not_fit_wait(void **state)
{
    (void)state;
    struct buf text = {0};
    for (int i = 0; i < 500; i++)
        buf_fmt(&text, "晋A12345,K,17723808%05d,R%d\n", i, i);
    struct text_source source = {span_of(text.p, text.n), 999};
    struct csv_conf conf = {
        .source = from_text, .ctx = &source, .header = "plate,site,time_ms,record_id"};
    struct note note;
    struct csv_passes p = {.reader = pass_reader_new()};
    kit_ok(csv_new(&conf, &p.csv, &note), &note);
    kit_ok(csv_columns(p.csv, pass_names, NULL, p.column, &note), &note);
    struct sighting_batch *b = sighting_batch_new(100, 16000);
    int next = 0;
    while (csv_passes_fill(&p, b, &note) == OK) {
        for (size_t i = 0; i < b->n; i++, next++) {
            char want[16];
            snprintf(want, sizeof want, "R%d", next);
            assert_span_equal(b->rows[i].record_id, want);
        }
        sighting_batch_clear(b);
    }
    assert_int_equal(next, 500);
    assert_int_equal(p.rejected, 0);
    sighting_batch_free(b);
    pass_reader_free(p.reader);
    csv_free(p.csv);
    buf_release(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_gb18030),
        cmocka_unit_test(test_gb18030_shows_late),
        cmocka_unit_test(test_stray_bytes_of_gb18030),
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_quoting_changes_nothing),
        cmocka_unit_test(test_a_line_that_is_too_long),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_going_on_where_it_stopped),
        cmocka_unit_test(test_sightings),
        cmocka_unit_test(test_long_texts_are_told),
        cmocka_unit_test(test_nul_is_refused),
        cmocka_unit_test(test_leap_second_is_told),
        cmocka_unit_test(test_lines_of_json),
        cmocka_unit_test(test_rows_that_do_not_fit_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
