/* SPDX-License-Identifier: Apache-2.0 */
/* Captures with goldens: tests/replay/FEED/NAME.http is one request as it stood on the
 * wire, after lines of provenance that begin with '#'; NAME.gold is what we understood
 * and answered, byte for byte. TONGQU_GOLD=write makes the goldens anew: look at the
 * difference before you commit it. */
#include "kit/kit.h"

#include "feeds/feed.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define NOW INT64_C(1772416800000) /* 2026-03-02T10:00:00+08:00 */

static const struct zone shanghai = {"Asia/Shanghai", 480};

/* Sites K1 to K9 are known, K9 with cameras of another colour table. */
static bool
site_of(void *ctx, struct span code, struct feed_site *out)
{
    (void)ctx;
    if (code.n != 2 || code.p[0] != 'K')
        return false;
    uint32_t n = (uint32_t)(code.p[1] - '0');
    *out = (struct feed_site){{n}, n == 9 ? color_map_find(SPAN("sdk0")) : NULL};
    return true;
}

/* ---- captures ---- */

struct capture {
    char *text; /* heap */
    size_t n;
    struct feed_in in;
    char *body; /* heap, padded */
};

static void
read_file(const char *path, char **text, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s cannot be opened", path);
    *text = calloc(1, 1 << 20);
    *n = fread(*text, 1, (1 << 20) - 1, f);
    fclose(f);
}

static enum feed_method
method_of(struct span s)
{
    static const char *const names[] = {"GET", "POST", "PUT", "DELETE"};
    for (int i = 0; i < 4; i++)
        if (span_eq_cstr(s, names[i]))
            return (enum feed_method)i;
    fail_msg("method %.*s", SPAN_ARG(s));
    return FEED_GET;
}

/* Cuts provenance, request line, headers and body. */
static void
open_capture(const char *path, struct capture *c)
{
    read_file(path, &c->text, &c->n);
    struct span rest = span_of(c->text, c->n);
    bool provenance = false;
    while (span_starts(rest, SPAN("#"))) {
        provenance = true;
        (void)span_cut(&rest, '\n');
    }
    if (!provenance)
        fail_msg("%s does not say where it comes from", path);
    struct span line = span_trim(span_cut(&rest, '\n'));
    c->in = (struct feed_in){
        .method = method_of(span_cut(&line, ' ')),
        .path = span_cut(&line, ' '),
        .device = {7},
        .now_ms = NOW,
        .zone = &shanghai,
    };
    while ((line = span_trim(span_cut(&rest, '\n'))).n) {
        struct span name = span_cut(&line, ':');
        if (span_eq_cstr(name, "User-Identify"))
            c->in.device_code = span_trim(line);
    }
    if (rest.n && rest.p[rest.n - 1] == '\n') /* the file's own last line feed */
        rest.n--;
    c->body = malloc(rest.n + DOM_PAD);
    assert_non_null(c->body);
    if (rest.n)
        memcpy(c->body, rest.p, rest.n);
    memset(c->body + rest.n, 0, DOM_PAD);
    c->in.body = span_of(c->body, rest.n);
}

/* ---- what was understood, as text ---- */

static const char *const whats[] = {
    [FEED_BROKEN] = "broken",       [FEED_REFUSED] = "refused",
    [FEED_REGISTER] = "register",   [FEED_UNREGISTER] = "unregister",
    [FEED_KEEPALIVE] = "keepalive", [FEED_TIME] = "time",
    [FEED_PASSES] = "passes",       [FEED_PLACES] = "places",
    [FEED_PICTURES] = "pictures",   [FEED_ASKS] = "asks",
    [FEED_UNKEPT] = "unkept",
};

static void
put_span(struct buf *b, const char *name, struct span s)
{
    if (s.n == 0)
        return;
    buf_fmt(b, " %s=", name);
    buf_json(b, s);
}

static void
put_rows(struct buf *b, const struct sighting_batch *batch)
{
    for (size_t i = 0; i < batch->n; i++) {
        const struct sighting *s = &batch->rows[i];
        char code[32];
        snprintf(code, sizeof code, "site-%u", s->site.v);
        for (size_t k = 0; k < batch->unplaced_n; k++)
            if (batch->unplaced[k].row == i)
                assert_true(span_copy(code, sizeof code, batch->unplaced[k].code));
        buf_text(b, "row ");
        sighting_json(b, s, span_cstr(code));
        buf_fmt(b, " flags=%u", s->flags);
        put_span(b, "sent", s->plate_text);
        buf_u8(b, '\n');
    }
    for (size_t i = 0; i < batch->pictures_n; i++)
        buf_fmt(
            b, "picture row=%u type=%u bytes=%zu\n", batch->pictures[i].row,
            batch->pictures[i].type, batch->pictures[i].bytes.n);
}

static void
put_places(struct buf *b, const struct feed_out *out)
{
    for (size_t i = 0; i < out->places_n; i++) {
        const struct feed_place *p = &out->places[i];
        buf_fmt(b, "place kind=%d", (int)p->kind);
        put_span(b, "code", p->code);
        put_span(b, "tollgate", p->tollgate);
        put_span(b, "name", p->name);
        put_span(b, "place", p->place);
        put_span(b, "org", p->org);
        put_span(b, "model", p->model);
        put_span(b, "address", p->address);
        put_span(b, "functions", p->functions);
        if (p->has_position)
            buf_fmt(b, " lon=%d lat=%d", p->lon, p->lat);
        buf_fmt(
            b, " lanes=%u lane=%u direction=%u limit=%u city_pass=%u online=%u\n",
            p->lanes, p->lane_no, p->direction, p->limit_kmh, p->city_pass, p->online);
    }
}

static void
put_asks(struct buf *b, const struct feed_out *out)
{
    for (size_t i = 0; i < out->asks_n; i++) {
        const struct feed_ask *a = &out->asks[i];
        buf_fmt(b, "ask kind=%d", (int)a->kind);
        put_span(b, "id", a->id);
        put_span(b, "subscribe", a->subscribe_id);
        put_span(b, "title", a->title);
        put_span(b, "detail", a->detail);
        put_span(b, "resource", a->resource);
        put_span(b, "address", a->address);
        buf_fmt(
            b, " operate=%lld from=%lld to=%lld\n", (long long)a->operate,
            (long long)a->begin_ms, (long long)a->end_ms);
    }
}

static void
put_faults(struct buf *b, const struct feed_faults *f)
{
    for (unsigned k = 0; k < FAULT_COUNT; k++)
        if (f->seen >> k & 1)
            buf_fmt(
                b, "fault %s %u \"%s\"\n", feed_fault_row((enum feed_fault)k)->name,
                f->count[k], f->sample[k]);
}

static void
describe(struct capture *c, struct feeds *feeds, struct buf *b)
{
    struct arena arena;
    struct feed_out out;
    struct feed_reply head;
    struct feed_about about = {NOW, &shanghai, SPAN("14010000002000000001"), false};
    const struct feed *row = feed_find(c->in.path);
    assert_non_null(row);
    arena_init(&arena, 64u << 20);
    feed_out_init(&out, &arena);
    kit_ok(feed_decode(feeds, row, &c->in, &out), NULL);
    buf_fmt(b, "%s %s", row->name, whats[out.what]);
    put_span(b, "device", out.device_code);
    buf_u8(b, '\n');
    if (out.batch)
        put_rows(b, out.batch);
    put_places(b, &out);
    put_asks(b, &out);
    for (size_t i = 0; i < out.pictures_n; i++)
        buf_fmt(b, "lone picture bytes=%zu\n", out.pictures[i].bytes.n);
    put_faults(b, &out.faults);
    struct buf reply = {0};
    row->reply(&c->in, &out, &about, &reply, &head);
    buf_fmt(b, "answer %d %s\n", head.status, head.type);
    buf_put(b, reply.p, reply.n);
    buf_u8(b, '\n');
    buf_release(&reply);
    feed_out_release(&out);
    arena_release(&arena);
}

static void
write_gold(const char *path, const struct buf *b)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b->p, 1, b->n, f), b->n);
    fclose(f);
}

static void
check_capture(const char *dir, const char *name, struct feeds *feeds)
{
    char path[512], gold[512], *want;
    size_t n;
    struct capture c;
    struct buf got = {0};
    snprintf(path, sizeof path, "%s/%s", dir, name);
    snprintf(gold, sizeof gold, "%s/%.*s.gold", dir, (int)strlen(name) - 5, name);
    open_capture(path, &c);
    describe(&c, feeds, &got);
    if (getenv("TONGQU_GOLD"))
        write_gold(gold, &got);
    read_file(gold, &want, &n);
    if (n != got.n || memcmp(want, got.p, n) != 0)
        fail_msg(
            "%s:\n%.*s\nbut the golden says:\n%s", name, (int)got.n, (char *)got.p,
            want);
    free(want);
    free(c.text);
    free(c.body);
    buf_release(&got);
}

static void
check_dir(const char *dir, unsigned least)
{
    struct feed_needs needs = {NULL, site_of, NULL};
    struct feeds *feeds = feeds_new(&needs);
    DIR *d = opendir(dir);
    struct dirent *e;
    unsigned n = 0;
    assert_non_null(feeds);
    if (!d)
        fail_msg("%s is not there: run from the root of the tree", dir);
    while ((e = readdir(d))) {
        size_t len = strlen(e->d_name);
        if (len < 6 || strcmp(e->d_name + len - 5, ".http") != 0)
            continue;
        check_capture(dir, e->d_name, feeds);
        n++;
    }
    closedir(d);
    feeds_free(feeds);
    assert_true(n >= least);
}

static void
test_viid(void **state)
{
    (void)state;
    check_dir("tests/replay/viid", 12);
}

static void
test_ndjson(void **state)
{
    (void)state;
    check_dir("tests/replay/ndjson", 2);
}

static void
test_etc_gantry(void **state)
{
    (void)state;
    check_dir("tests/replay/etc_gantry", 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_viid),
        cmocka_unit_test(test_ndjson),
        cmocka_unit_test(test_etc_gantry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
