/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "core/os_clock.h"
#include "feeds/base64.h"

#include <stdio.h>
#include <stdlib.h>

static size_t
encode(const uint8_t *p, size_t n, char *dst)
{
    static const char a[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t k = 0;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16;
        v |= i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0;
        v |= i + 2 < n ? p[i + 2] : 0;
        dst[k++] = a[v >> 18];
        dst[k++] = a[v >> 12 & 63];
        dst[k++] = i + 1 < n ? a[v >> 6 & 63] : '=';
        dst[k++] = i + 2 < n ? a[v & 63] : '=';
    }
    return k;
}

static void
test_round_trip(void **state)
{
    (void)state;
    struct kit_rand r = {1};
    uint8_t bytes[600], back[1400];
    char text[1600];
    for (size_t n = 0; n < 600; n++) {
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)kit_rand_u64(&r);
        size_t len = encode(bytes, n, text), got;
        assert_true(base64_decode(span_of(text, len), back, &got));
        assert_int_equal(got, n);
        assert_memory_equal(back, bytes, n);
        while (len && text[len - 1] == '=') /* padding may be missing */
            len--;
        assert_true(base64_decode(span_of(text, len), back, &got));
        assert_int_equal(got, n);
        char lines[1700]; /* lines of 76 and URL alphabet */
        size_t k = 0;
        for (size_t i = 0; i < len; i++) {
            if (i && i % 76 == 0) {
                lines[k++] = '\r';
                lines[k++] = '\n';
            }
            lines[k++] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
        }
        assert_true(base64_decode(span_of(lines, k), back, &got));
        assert_int_equal(got, n);
        assert_memory_equal(back, bytes, n);
    }
}

/* Every byte that is not of the alphabet, at every place of a long text, is found. */
static void
test_bad_bytes_are_found(void **state)
{
    (void)state;
    uint8_t back[200];
    char text[100];
    size_t n;
    for (int c = 0; c < 256; c++) {
        bool fine = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
                    strchr("+/-_ \n\r\t", c) != NULL;
        if (c == '=')
            continue; /* padding at the end is right */
        if (c == 0)
            fine = false;
        for (size_t at = 0; at < 96; at++) {
            memset(text, 'Q', sizeof text);
            text[at] = (char)c;
            bool got = base64_decode(span_of(text, 96), back, &n);
            if (fine &&
                strchr(" \n\r\t", c)) /* 95 characters: 3 of a quantum are left */
                assert_true(got);
            else if (got != fine)
                fail_msg("byte %d at %zu", c, at);
        }
    }
}

static void
test_odd_texts(void **state)
{
    (void)state;
    uint8_t back[64];
    size_t n;
    assert_true(base64_decode(SPAN(""), back, &n) && n == 0);
    assert_true(base64_decode(SPAN("data:image/jpeg;base64,/9j/"), back, &n) && n == 3);
    assert_false(base64_decode(SPAN("A"), back, &n));
    assert_false(base64_decode(SPAN("AAAAA"), back, &n));
    assert_false(base64_decode(SPAN("AA=A"), back, &n));
    assert_false(base64_decode(SPAN("data:nothing"), back, &n));
    assert_false(base64_decode(SPAN("图片数据"), back, &n));
}

static void
test_speed(void **state)
{
    (void)state;
    enum { N = 1 << 20 };
    uint8_t *bytes = malloc(N), *back = malloc(base64_room(N * 4 / 3 + 8));
    char *text = malloc(N * 2);
    for (size_t i = 0; i < N; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    size_t len = encode(bytes, N, text), n;
    dur_us from = os_thread_cpu_us();
    for (int i = 0; i < 50; i++)
        assert_true(base64_decode(span_of(text, len), back, &n));
    double s = (double)(os_thread_cpu_us() - from) / 1e6;
    print_message("base64: %.0f MB/s\n", 50.0 * (double)len / s / 1e6);
    assert_memory_equal(back, bytes, N);
    free(bytes);
    free(back);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_bad_bytes_are_found),
        cmocka_unit_test(test_odd_texts),
        cmocka_unit_test(test_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
