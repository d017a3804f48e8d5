/* SPDX-License-Identifier: Apache-2.0 */
/* The strict reader: what RFC 9112 leaves to tolerance is refused, what it asks for is
 * read. */
#include "kit/kit.h"

#include <string.h>

#include "serve/guard.h"

/* Reads a head given whole; returns the refusal and names the fault. */
static enum refusal
read_head(const char *text, size_t n, struct guard_head *h, const char **fault)
{
    size_t seen = 0;
    enum refusal why = REFUSE_NOTHING;
    *fault = NULL;
    size_t size = guard_head_end(text, n, &seen, &why, fault);
    if (why || !size)
        return why;
    assert_int_equal(size, n);
    return guard_head(span_of(text, n), h, fault);
}

static void
refuses(const char *text, size_t n, enum refusal want, const char *fault_want)
{
    struct guard_head h;
    const char *fault;
    enum refusal why = read_head(text, n, &h, &fault);
    if (why != want || !fault || strcmp(fault, fault_want) != 0)
        print_message("head: %s\n", text);
    assert_int_equal(why, want);
    assert_string_equal(fault, fault_want);
}
#define BAD(text, fault) refuses(text, sizeof text - 1, REFUSE_BAD_REQUEST, fault)
#define GET11 "GET / HTTP/1.1\r\nHost: a\r\n"

static void
smuggling_forms_are_refused(void **state)
{
    (void)state;
    BAD(GET11 "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", "content_length");
    BAD(GET11 "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", "content_length");
    BAD(GET11 "Content-Length: 3, 3\r\n\r\n", "content_length");
    BAD(GET11 "Content-Length: +3\r\n\r\n", "content_length");
    BAD(GET11 "Content-Length: -3\r\n\r\n", "content_length");
    BAD(GET11 "Content-Length: 0x3\r\n\r\n", "content_length");
    BAD(GET11 "Content-Length:\r\n\r\n", "content_length");
    BAD(GET11 "Content-Length: 3 3\r\n\r\n", "content_length");
    BAD(GET11 "Content-Length: 9999999999999999\r\n\r\n", "content_length");
    BAD(GET11 "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "length_and_coding");
    BAD(GET11 "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        "length_and_coding");
    BAD(GET11 "Transfer-Encoding: xchunked\r\n\r\n", "transfer_encoding");
    BAD(GET11 "Transfer-Encoding: chunked, identity\r\n\r\n", "transfer_encoding");
    BAD(GET11 "Transfer-Encoding: gzip, chunked\r\n\r\n", "transfer_encoding");
    BAD(GET11 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "transfer_encoding");
    BAD(GET11 "Transfer-Encoding: \"chunked\"\r\n\r\n", "transfer_encoding");
    BAD("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer_encoding");
    BAD(GET11 "Content-Length : 3\r\n\r\n", "header_name");
    BAD(GET11 "Content Length: 3\r\n\r\n", "header_name");
    BAD(GET11 "Content-Length\t: 3\r\n\r\n", "header_name");
    BAD(GET11 ": 3\r\n\r\n", "header_name");
    BAD(GET11 "novalue\r\n\r\n", "header_name");
    BAD(GET11 " X: folded first\r\n\r\n", "obs_fold");
    BAD(GET11 "X: a\r\n b\r\n\r\n", "obs_fold");
    BAD(GET11 "X: a\r\n\tb\r\n\r\n", "obs_fold");
    BAD(GET11 "X: a\0b\r\n\r\n", "nul_byte");
    BAD(GET11 "X: a\001b\r\n\r\n", "control_byte");
    BAD(GET11 "X: a\177b\r\n\r\n", "control_byte");
    BAD("GET / HTTP/1.1\nHost: a\r\n\r\n", "bare_lf");
    BAD("GET / HTTP/1.1\r\nHost: a\n\r\n", "bare_lf");
    BAD("GET / HTTP/1.1\r\nHost: a\r\n\n", "bare_lf");
    BAD("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", "bare_cr");
    BAD("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", "bare_cr");
    BAD("\r\n\r\n", "empty_request_line");
    BAD("GET / HTTP/1.1\r\n\r\n", "no_host");
    BAD("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "host");
    BAD("GET / HTTP/1.1\r\nHost:\r\n\r\n", "host");
    BAD("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "host");
    BAD("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "host");
    BAD("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "host");
    BAD("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "authority");
    BAD(GET11 "Expect: 200-ok\r\n\r\n", "expect");
}

static void
request_lines(void **state)
{
    (void)state;
    BAD("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "request_line");
    BAD("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "version");
    BAD("GET / http/1.1\r\nHost: a\r\n\r\n", "version");
    BAD("GET /\r\nHost: a\r\n\r\n", "version");
    BAD(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "request_line");
    BAD("GET x HTTP/1.1\r\nHost: a\r\n\r\n", "target_form");
    BAD("GET * HTTP/1.1\r\nHost: a\r\n\r\n", "target_form");
    BAD("GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", "target_byte");
    BAD("GET /\xe6\x99\x8b HTTP/1.1\r\nHost: a\r\n\r\n", "target_byte");
    BAD("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", "target_byte");
    static const char two[] = "GET / HTTP/2.0\r\nHost: a\r\n\r\n";
    refuses(two, sizeof two - 1, REFUSE_VERSION, "version");
    static const char brew[] = "BREW / HTTP/1.1\r\nHost: a\r\n\r\n";
    refuses(brew, sizeof brew - 1, REFUSE_NOT_BUILT, "method");
}

static void
good_heads_are_read(void **state)
{
    (void)state;
    struct guard_head h;
    const char *fault;
    static const char post[] = "POST /VIID/MotorVehicles?a=1 HTTP/1.1\r\nhOsT: "
                               "[::1]:8080\r\ncontent-length:  17 "
                               "\r\nConnection: keep-alive, X\r\nExpect: "
                               "100-continue\r\nX-Y: caf\xc3\xa9\r\n\r\n";
    assert_int_equal(read_head(post, sizeof post - 1, &h, &fault), REFUSE_NOTHING);
    assert_null(fault);
    assert_int_equal(h.method, METHOD_POST);
    assert_span_equal(h.target, "/VIID/MotorVehicles?a=1");
    assert_span_equal(h.host, "[::1]:8080");
    assert_int_equal(h.length, 17);
    assert_true(h.keep_alive && h.expect_continue && !h.chunked);
    assert_int_equal(h.headers_n, 5);
    static const char old[] = "GET / HTTP/1.0\r\n\r\n";
    assert_int_equal(read_head(old, sizeof old - 1, &h, &fault), REFUSE_NOTHING);
    assert_true(h.http10 && !h.keep_alive && h.length == -1);
    static const char whole[] = "GET http://a:1/b HTTP/1.1\r\nHost: a:1\r\nConnection: "
                                "close\r\n\r\n";
    assert_int_equal(read_head(whole, sizeof whole - 1, &h, &fault), REFUSE_NOTHING);
    assert_span_equal(h.target, "/b");
    assert_false(h.keep_alive);
    static const char coded[] = GET11 "Transfer-Encoding: Chunked\r\n\r\n";
    assert_int_equal(read_head(coded, sizeof coded - 1, &h, &fault), REFUSE_NOTHING);
    assert_true(h.chunked);
}

/* Any cut of the bytes finds the same end. */
static void
heads_come_in_pieces(void **state)
{
    (void)state;
    static const char text[] = GET11 "X: y\r\n\r\nrest";
    size_t want = sizeof text - 1 - 4;
    for (size_t step = 1; step < sizeof text; step++) {
        size_t seen = 0, end = 0;
        enum refusal why = REFUSE_NOTHING;
        const char *fault = NULL;
        for (size_t n = step; !end; n += step)
            end = guard_head_end(
                text, n < sizeof text - 1 ? n : sizeof text - 1, &seen, &why, &fault);
        assert_int_equal(end, want);
        assert_int_equal(why, REFUSE_NOTHING);
    }
}

static void
too_many_headers(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_text(&text, GET11);
    for (int i = 0; i < GUARD_HEADERS; i++)
        buf_text(&text, "X: y\r\n");
    buf_text(&text, "\r\n");
    buf_u8(&text, 0);
    refuses((char *)text.p, text.n - 1, REFUSE_HEAD_TOO_BIG, "headers_many");
    buf_release(&text);
}

/* Decodes text in pieces of `step`; NULL or the fault. */
static const char *
decode(const char *text, size_t n, size_t step, char *out, size_t *out_n, bool *done)
{
    struct guard_chunks g = {0};
    const char *fault = NULL;
    size_t at = 0;
    *out_n = 0;
    while (at < n && g.state != CHUNK_DONE) {
        struct span data;
        size_t piece = n - at < step ? n - at : step;
        at += guard_chunk(&g, span_of(text + at, piece), &data, &fault);
        memcpy(out + *out_n, data.p, data.n);
        *out_n += data.n;
        if (fault)
            return fault;
    }
    *done = g.state == CHUNK_DONE;
    return NULL;
}

static void
chunks(void **state)
{
    (void)state;
    static const char text[] =
        "5\r\nhello\r\n0006;x=\"y\"\r\n world\r\n0\r\nA: b\r\nC: \r\n\r\n";
    char out[64];
    size_t n;
    bool done;
    for (size_t step = 1; step < sizeof text; step++) {
        assert_null(decode(text, sizeof text - 1, step, out, &n, &done));
        assert_true(done);
        assert_span_equal(span_of(out, n), "hello world");
    }
    static const struct {
        const char *text, *fault;
    } bad[] = {
        {"0x3\r\nabc\r\n0\r\n\r\n", "chunk_size"},
        {"\r\n", "chunk_size"},
        {" 3\r\nabc", "chunk_size"},
        {"3 \r\nabc", "chunk_size"},
        {"-1\r\n", "chunk_size"},
        {"+3\r\nabc", "chunk_size"},
        {"00000003\r\nabc", "chunk_size"},
        {"ffffffff\r\n", "chunk_size"},
        {"3\nabc", "chunk_size"},
        {"3\r\r", "chunk_line_end"},
        {"3\r\nabcd", "chunk_end"},
        {"3\r\nabc\n", "chunk_end"},
        {"3\r\nabc\rX", "chunk_end"},
        {"3;a\nb\r\nabc", "chunk_extension"},
        {"3;\001\r\nabc", "chunk_extension"},
        {"0\r\nnocolon\r\n\r\n", "trailer"},
        {"0\r\n folded: x\r\n\r\n", "trailer"},
        {"0\r\nA b: x\r\n\r\n", "trailer"},
        {"0\r\n\rX", "chunk_end"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *fault =
            decode(bad[i].text, strlen(bad[i].text), 64, out, &n, &done);
        if (!fault || strcmp(fault, bad[i].fault) != 0)
            print_message("chunks: %s\n", bad[i].text);
        assert_non_null(fault);
        assert_string_equal(fault, bad[i].fault);
    }
}

static bool
path_of(const char *target, char *dst)
{
    char text[256];
    struct span out;
    if (!guard_path(span_cstr(target), text, sizeof text, &out))
        return false;
    return span_copy(dst, 256, out);
}

static void
paths(void **state)
{
    (void)state;
    char p[256];
    assert_true(path_of("/a/b%20c/%E6%99%8B?x=/../", p));
    assert_string_equal(p, "/a/b c/晋");
    assert_true(path_of("/a/", p));
    assert_true(path_of("/..a/b..", p));
    static const char *const bad[] = {
        "/../x",    "/a/..",  "/a/./b", "/%2e%2e/x", "/a//b", "//",
        "/a%2fb",   "/a%2Fb", "/a%00",  "/a%",       "/a%4",  "/a%zz",
        "/a%0d%0a", "/a%5cb", "/%ff",   "/%c0%ae",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (path_of(bad[i], p))
            print_message("path: %s\n", bad[i]);
        assert_false(path_of(bad[i], p));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smuggling_forms_are_refused),
        cmocka_unit_test(request_lines),
        cmocka_unit_test(good_heads_are_read),
        cmocka_unit_test(heads_come_in_pieces),
        cmocka_unit_test(too_many_headers),
        cmocka_unit_test(chunks),
        cmocka_unit_test(paths),
    };
    return cmocka_run_group_tests_name("serve/guard", tests, NULL, NULL);
}
