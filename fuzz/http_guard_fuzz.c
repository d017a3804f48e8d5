/* SPDX-License-Identifier: Apache-2.0 */
/* The strict HTTP reader under arbitrary bytes: it never reads past them, any cut of
 * them gives the same verdict and the same body, and what it accepts holds what it
 * promises. */
#include <stdlib.h>

#include "core/text.h"
#include "serve/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The end of the head, seen in steps. */
static size_t
find_end(const char *p, size_t n, size_t step, enum refusal *why)
{
    size_t seen = 0, end = 0;
    const char *fault = NULL;
    *why = REFUSE_NOTHING;
    for (size_t upto = step; !end && !*why; upto += step) {
        end = guard_head_end(p, upto < n ? upto : n, &seen, why, &fault);
        must(!*why == !fault);
        if (upto >= n)
            break;
    }
    return end;
}

static void
check_head(struct span head)
{
    struct guard_head h;
    const char *fault = NULL;
    enum refusal why = guard_head(head, &h, &fault);
    must(!why == !fault);
    if (why)
        return;
    must(!(h.chunked && h.length >= 0));
    must(h.host.n || h.http10);
    must(h.headers_n <= GUARD_HEADERS);
    for (unsigned i = 0; i < h.headers_n; i++) {
        struct span name = h.headers[i].name, value = h.headers[i].value;
        must(name.n && !memchr(name.p, ' ', name.n) && !memchr(name.p, ':', name.n));
        must(!memchr(value.p, '\n', value.n) && !memchr(value.p, 0, value.n));
    }
    char *path = malloc(h.target.n + 1);
    struct span out;
    if (path && guard_path(h.target, path, h.target.n + 1, &out)) {
        must(utf8_valid(out) && !memchr(out.p, 0, out.n));
        must(out.p[0] == '/' || span_eq_cstr(out, "*"));
        must(!memmem(out.p, out.n, "/../", 4));
    }
    free(path);
}

/* Decodes in steps into out; returns the length, or SIZE_MAX when refused. */
static size_t
decode(struct span in, size_t step, char *out, bool *done)
{
    struct guard_chunks g = {0};
    const char *fault = NULL;
    size_t at = 0, n = 0;
    while (at < in.n && g.state != CHUNK_DONE) {
        size_t piece = in.n - at < step ? in.n - at : step;
        struct span data;
        size_t used = guard_chunk(&g, span_of(in.p + at, piece), &data, &fault);
        must(used <= piece && (used || g.state == CHUNK_DONE));
        must(
            data.n == 0 ||
            (data.p >= in.p + at && data.p + data.n <= in.p + at + used));
        at += used;
        if (fault)
            return SIZE_MAX;
        if (data.n)
            memcpy(out + n, data.p, data.n);
        n += data.n;
    }
    *done = g.state == CHUNK_DONE;
    return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t step = 1 + data[0] % 37;
    struct span in = span_of(data + 1, size - 1);
    enum refusal why, why_stepped;
    size_t end = find_end(in.p, in.n, in.n, &why);
    size_t end_stepped = find_end(in.p, in.n, step, &why_stepped);
    must(end == end_stepped && why == why_stepped);
    if (end)
        check_head(span_of(in.p, end));
    struct span body = span_skip(in, end);
    char *whole = malloc(2 * body.n + 1), *stepped = whole + body.n;
    bool done = false, done_stepped = false;
    if (whole) {
        size_t n = decode(body, body.n ? body.n : 1, whole, &done);
        size_t m = decode(body, step, stepped, &done_stepped);
        must(n == m && (n == SIZE_MAX || memcmp(whole, stepped, n) == 0));
        must(done == done_stepped);
    }
    free(whole);
    return 0;
}
