/* SPDX-License-Identifier: Apache-2.0 */
/* The fixed values are the examples of RFC 2617 section 3.5 and RFC 7616 section 3.9.1.
 */
#include "kit/kit.h"

#include "feeds/digest.h"

#include <stdio.h>
#include <stdlib.h>

static const uint8_t secret[DIGEST_SECRET] = {1, 2, 3};

static void
test_rfc_examples(void **state)
{
    (void)state;
    static const struct {
        const char *header, *password, *response;
    } rows[] = {
        {"Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
         "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", "
         "qop=auth, "
         "nc=00000001, cnonce=\"0a4f113b\", "
         "response=\"6629fae49393a05397450978507c4ef1\", "
         "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
         "Circle Of Life", "6629fae49393a05397450978507c4ef1"},
        {"Digest username=\"Mufasa\", realm=\"http-auth@example.org\", "
         "uri=\"/dir/index.html\", "
         "algorithm=SHA-256, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
         "nc=00000001, cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", "
         "qop=auth, "
         "response="
         "\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\", "
         "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
         "Circle of Life",
         "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
    };
    for (size_t i = 0; i < 2; i++) {
        struct digest_auth a;
        char ha1[DIGEST_HEX], response[DIGEST_HEX];
        assert_true(digest_parse(span_cstr(rows[i].header), &a));
        assert_int_equal(a.algorithm, i == 0 ? DIGEST_MD5 : DIGEST_SHA256);
        digest_ha1(a.algorithm, a.username, a.realm, span_cstr(rows[i].password), ha1);
        assert_string_equal(
            digest_response(&a, SPAN("GET"), ha1, response), rows[i].response);
        assert_span_equal(a.response, rows[i].response);
    }
}

struct exchange {
    struct digest *d;
    char challenge[DIGEST_CHALLENGE], header[1024], ha1[DIGEST_HEX];
    struct digest_auth auth;
};

/* A client's answer to a challenge made at `at`. */
static void
answer(
    struct exchange *x, enum digest_algorithm algorithm, ts_ms at, unsigned nc,
    const char *uri, const char *password)
{
    struct digest_auth c;
    char ha1[DIGEST_HEX], response[DIGEST_HEX];
    if (nc <= 1) {
        digest_challenge(x->d, algorithm, false, at, x->challenge);
        assert_null(strstr(x->challenge, "stale"));
    }
    char *nonce = strstr(x->challenge, "nonce=\"") + 7;
    snprintf(
        x->header, sizeof x->header,
        "Digest username=\"cam1\",realm=\"tongqu\",nonce=\"%.44s\",uri=\"%s\",%s"
        "algorithm=%s,response=\"%064d\"",
        nonce, uri, nc ? "qop=auth,nc=00000000,cnonce=\"c1\"," : "",
        algorithm == DIGEST_MD5 ? "MD5" : "SHA-256", 0);
    char *count = strstr(x->header, "nc=");
    if (count) {
        char text[12];
        snprintf(text, sizeof text, "%08x", nc);
        memcpy(count + 3, text, 8);
    }
    assert_true(digest_parse(span_cstr(x->header), &c));
    digest_ha1(algorithm, SPAN("cam1"), SPAN("tongqu"), span_cstr(password), ha1);
    digest_response(&c, SPAN("POST"), ha1, response);
    char *at_response = strstr(x->header, "response=\"") + 10;
    snprintf(at_response, 80, "%s\"", response);
    assert_true(digest_parse(span_cstr(x->header), &x->auth));
    digest_ha1(algorithm, SPAN("cam1"), SPAN("tongqu"), SPAN("pass word"), x->ha1);
}

static enum digest_verdict
check(struct exchange *x, const char *target, ts_ms now)
{
    return digest_check(x->d, &x->auth, SPAN("POST"), span_cstr(target), x->ha1, now);
}

#define NOW INT64_C(1772380800000)
#define URI "/VIID/System/Register"

static void
test_right_and_wrong(void **state)
{
    (void)state;
    struct exchange x = {.d = digest_new(SPAN("tongqu"), secret)};
    for (int a = DIGEST_MD5; a <= DIGEST_SHA256; a++) {
        enum digest_algorithm algorithm = (enum digest_algorithm)a;
        answer(&x, algorithm, NOW, 1, URI, "pass word");
        assert_int_equal(check(&x, URI, NOW), DIGEST_RIGHT);
        answer(&x, algorithm, NOW, 1, URI, "pass wore");
        assert_int_equal(check(&x, URI, NOW), DIGEST_WRONG);
        answer(&x, algorithm, NOW, 1, URI, "pass word");
        assert_int_equal(check(&x, "/VIID/System/Keepalive", NOW), DIGEST_WRONG);
        answer(&x, algorithm, NOW, 1, "http://127.0.0.1:80" URI, "pass word");
        assert_int_equal(check(&x, URI, NOW), DIGEST_RIGHT);
        answer(&x, algorithm, NOW, 1, "http://127.0.0.1/x" URI, "pass word");
        assert_int_equal(check(&x, URI, NOW), DIGEST_WRONG);
        answer(&x, algorithm, NOW, 1, "http:/" URI, "pass word");
        assert_int_equal(check(&x, "/" URI, NOW), DIGEST_WRONG);
        answer(&x, algorithm, NOW, 1, URI, "pass word");
        assert_int_equal(
            digest_check(x.d, &x.auth, SPAN("POST"), SPAN(URI), NULL, NOW),
            DIGEST_WRONG);
        answer(&x, algorithm, NOW, 1, URI, "pass word");
        assert_int_equal(
            digest_check(x.d, &x.auth, SPAN("GET"), SPAN(URI), x.ha1, NOW),
            DIGEST_WRONG);
    }
    digest_free(x.d);
}

static void
test_nonces_age(void **state)
{
    (void)state;
    struct exchange x = {.d = digest_new(SPAN("tongqu"), secret)};
    answer(&x, DIGEST_MD5, NOW, 1, URI, "pass word");
    assert_int_equal(check(&x, URI, NOW + DIGEST_NONCE_MS + 1), DIGEST_STALE);
    assert_int_equal(check(&x, URI, NOW + DIGEST_NONCE_MS), DIGEST_RIGHT);
    digest_challenge(x.d, DIGEST_MD5, true, NOW, x.challenge);
    assert_non_null(strstr(x.challenge, "stale=true"));
    /* a nonce of somebody else's making */
    static const uint8_t other[DIGEST_SECRET] = {9};
    struct exchange y = {.d = digest_new(SPAN("tongqu"), other)};
    answer(&y, DIGEST_MD5, NOW, 1, URI, "pass word");
    assert_int_equal(
        digest_check(x.d, &y.auth, SPAN("POST"), SPAN(URI), y.ha1, NOW), DIGEST_STALE);
    digest_free(x.d);
    digest_free(y.d);
}

static void
test_counts_are_used_once(void **state)
{
    (void)state;
    struct exchange x = {.d = digest_new(SPAN("tongqu"), secret)};
    answer(&x, DIGEST_MD5, NOW, 1, URI, "pass word");
    assert_int_equal(check(&x, URI, NOW), DIGEST_RIGHT);
    assert_int_equal(check(&x, URI, NOW), DIGEST_STALE); /* replayed */
    static const unsigned order[] = {5, 3, 4, 2, 100, 99, 90};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        answer(&x, DIGEST_MD5, NOW, order[i], URI, "pass word");
        assert_int_equal(check(&x, URI, NOW), DIGEST_RIGHT);
        assert_int_equal(check(&x, URI, NOW), DIGEST_STALE);
    }
    answer(&x, DIGEST_MD5, NOW, 10, URI, "pass word"); /* too far back to know */
    assert_int_equal(check(&x, URI, NOW), DIGEST_STALE);
    /* without qop a nonce counts once */
    answer(&x, DIGEST_MD5, NOW, 0, URI, "pass word");
    assert_int_equal(x.auth.qop.n, 0);
    assert_int_equal(check(&x, URI, NOW), DIGEST_RIGHT);
    assert_int_equal(check(&x, URI, NOW), DIGEST_STALE);
    digest_free(x.d);
}

/* A nonce that others pushed out of the table does not come back fresh. */
static void
test_a_full_table_forgets_nothing_wrongly(void **state)
{
    (void)state;
    struct exchange x = {.d = digest_new(SPAN("tongqu"), secret)}, first;
    answer(&x, DIGEST_MD5, NOW, 1, URI, "pass word");
    assert_int_equal(check(&x, URI, NOW), DIGEST_RIGHT);
    first = x;
    assert_true(digest_parse(span_cstr(first.header), &first.auth));
    for (int i = 0; i < 5000; i++) {
        answer(&x, DIGEST_MD5, NOW + 1, 1, URI, "pass word");
        assert_int_equal(check(&x, URI, NOW + 1), DIGEST_RIGHT);
    }
    assert_int_equal(check(&first, URI, NOW + 1), DIGEST_STALE);
    digest_free(x.d);
}

static void
test_headers_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "Digest",
        "Digest ",
        "Basic abc",
        "Digest username=\"a",
        "Digest username=\"a\"",
        "Digest =1",
        "Digest username \"a\"",
        "Digest nonce=\"abc123\", response=\"0\"",
        "Digest username=a,nonce=b,uri=c,response=d,algorithm=MD5-sess"};
    struct digest_auth a;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (digest_parse(span_cstr(bad[i]), &a))
            fail_msg("taken: %s", bad[i]);
    /* half a header is one, and wrong */
    struct digest *d = digest_new(SPAN("tongqu"), secret);
    assert_true(digest_parse(SPAN("Digest username=\"test\", nonce=\"abc123\""), &a));
    assert_int_equal(
        digest_check(d, &a, SPAN("POST"), SPAN("/x"), "00", NOW), DIGEST_WRONG);
    assert_true(digest_parse(
        SPAN(" digest USERNAME = \"a\" ,, nonce=b, uri=\"/x?y=1,2\", response=d, "
             "qop=\"auth\" "),
        &a));
    assert_span_equal(a.username, "a");
    assert_span_equal(a.uri, "/x?y=1,2");
    assert_span_equal(a.qop, "auth");
    assert_int_equal(
        digest_check(d, &a, SPAN("POST"), SPAN("/x"), "00", NOW), DIGEST_WRONG);
    digest_free(d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_examples),
        cmocka_unit_test(test_right_and_wrong),
        cmocka_unit_test(test_nonces_age),
        cmocka_unit_test(test_counts_are_used_once),
        cmocka_unit_test(test_a_full_table_forgets_nothing_wrongly),
        cmocka_unit_test(test_headers_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
