/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "model/watch.h"

static struct watch
watch_of(uint64_t id, const char *pattern)
{
    struct watch w = {.id = {id}, .state = WATCH_APPROVED};
    assert_true(plate_pattern_parse(span_cstr(pattern), &w.pattern));
    return w;
}

static struct plate
plate_of(const char *text)
{
    struct plate p;
    bool differs;
    plate_parse(span_cstr(text), &p, &differs);
    return p;
}

static void
test_exact(void **state)
{
    (void)state;
    struct watch rows[4] = {
        watch_of(9, "晋A12345"), watch_of(3, "晋A12345"), watch_of(5, "京B88888"),
        watch_of(6, "晋A00001")};
    rows[3].state = WATCH_WITHDRAWN;
    struct watch_set *s = watch_set_new(rows, 4, 42);
    assert_non_null(s);
    assert_int_equal(watch_set_version(s), 42);
    assert_int_equal(watch_set_count(s), 4);
    assert_int_equal(watch_set_at(s, 2)->id.v, 5);
    assert_null(watch_set_at(s, 4));
    const struct watch *hit[4];
    assert_int_equal(watch_set_exact(s, plate_of("晋A12345"), hit, 4), 2);
    assert_int_equal(hit[0]->id.v, 3); /* by id, whatever order they came in */
    assert_int_equal(hit[1]->id.v, 9);
    assert_int_equal(
        watch_set_exact(s, plate_of("晋A12345"), hit, 1), 2); /* says how many */
    assert_int_equal(watch_set_exact(s, plate_of("晋A12346"), hit, 4), 0);
    assert_int_equal(
        watch_set_exact(s, plate_of("晋A00001"), hit, 4), 0); /* withdrawn */
    assert_int_equal(watch_set_exact(s, PLATE_NONE, hit, 4), 0);
    assert_int_equal(watch_set_wild(s, plate_of("晋A12345"), hit, 4), 0);
    watch_set_unref(s);
}

static void
test_wild(void **state)
{
    (void)state;
    struct watch rows[4] = {
        watch_of(1, "晋A1?345"), watch_of(2, "晋A12*"), watch_of(3, "*345"),
        watch_of(4, "晋*8")};
    struct watch_set *s = watch_set_new(rows, 4, 1);
    const struct watch *hit[4];
    assert_int_equal(watch_set_wild(s, plate_of("晋A12345"), hit, 4), 3);
    assert_int_equal(hit[0]->id.v, 1);
    assert_int_equal(hit[1]->id.v, 2);
    assert_int_equal(hit[2]->id.v, 3);
    assert_int_equal(watch_set_wild(s, plate_of("京B11345"), hit, 4), 1);
    assert_int_equal(watch_set_wild(s, plate_of("晋C66668"), hit, 4), 1);
    assert_int_equal(watch_set_wild(s, plate_of("京B11111"), hit, 4), 0);
    assert_int_equal(watch_set_exact(s, plate_of("晋A12345"), hit, 4), 0);
    watch_set_unref(s);
}

static void
test_many(void **state)
{
    (void)state;
    enum { N = 20000 };
    struct watch *rows = calloc(N, sizeof *rows);
    for (unsigned i = 0; i < N; i++) {
        char text[16];
        snprintf(text, sizeof text, "晋B%05u", i * 3);
        rows[i] = watch_of(i + 1, text);
    }
    struct watch_set *s = watch_set_new(rows, N, 1);
    const struct watch *hit[2];
    for (unsigned i = 0; i < 3 * N; i++) {
        char text[16];
        snprintf(text, sizeof text, "晋B%05u", i);
        assert_int_equal(watch_set_exact(s, plate_of(text), hit, 2), i % 3 == 0);
        if (i % 3 == 0)
            assert_int_equal(hit[0]->id.v, i / 3 + 1);
    }
    struct watch_set *other = watch_set_ref(s);
    watch_set_unref(s);
    assert_int_equal(watch_set_count(other), N);
    watch_set_unref(other);
    free(rows);
    watch_set_unref(NULL);
}

static void
test_empty(void **state)
{
    (void)state;
    struct watch_set *s = watch_set_new(NULL, 0, 7);
    const struct watch *hit[1];
    assert_non_null(s);
    assert_int_equal(watch_set_exact(s, plate_of("晋A12345"), hit, 1), 0);
    assert_int_equal(watch_set_wild(s, plate_of("晋A12345"), hit, 1), 0);
    watch_set_unref(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_wild),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
