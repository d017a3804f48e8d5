/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/sign_in.h"

#include "kit/kit.h"

#include "serve/fake_test.h"

#define NOW ((ts_ms)1795193100000)

static struct sign_ins *table;

static int
setup(void **state)
{
    (void)state;
    table = sign_ins_new();
    return table ? 0 : -1;
}

static int
teardown(void **state)
{
    (void)state;
    sign_ins_free(table);
    return 0;
}

static struct span
text(char dst[48], const char *format, unsigned i)
{
    snprintf(dst, 48, format, i >> 8, i & 255);
    return span_cstr(dst);
}

static enum sign_in_place
enter(struct span name, struct span from, const char *who)
{
    void *out;
    return sign_in_enter(table, name, from, NOW, (void *)(uintptr_t)who, &out);
}

static void
an_address_is_throttled_over_many_names(void **state)
{
    (void)state;
    char name[48];
    for (unsigned i = 0; i < SIGN_IN_ADDRESS_TRIES; i++) {
        struct span s = text(name, "name%u-%u", i);
        assert_int_equal(sign_in_may(table, s, SPAN("192.0.2.1"), NOW), 0);
        sign_in_wrong(table, s, SPAN("192.0.2.1"), NOW);
    }
    assert_int_equal(
        sign_in_may(table, SPAN("other"), SPAN("192.0.2.1"), NOW), REFUSE_THROTTLED);
    assert_int_equal(sign_in_may(table, SPAN("other"), SPAN("192.0.2.2"), NOW), 0);
    assert_int_equal(
        sign_in_may(table, SPAN("other"), SPAN("192.0.2.1"), NOW + 11 * MINUTE_MS), 0);
    for (unsigned i = 0; i < SIGN_IN_TRIES; i++)
        sign_in_wrong(table, SPAN("duty"), text(name, "192.0.%u.%u", 999 + i), NOW);
    assert_int_equal(
        sign_in_may(table, SPAN("duty"), SPAN("192.0.2.9"), NOW), REFUSE_LOCKED);
}

/* One name or one address alone does not fill the room. */
static void
one_name_or_address_has_few_places(void **state)
{
    (void)state;
    char name[48];
    unsigned in = 0;
    for (unsigned i = 0; i < 20; i++)
        in += enter(SPAN("duty"), SPAN("192.0.2.1"), "x") != SIGN_IN_FULL;
    assert_int_equal(in, SIGN_IN_SAME_NAME);
    for (unsigned i = 0; i < 40; i++)
        in += enter(text(name, "n%u-%u", i), SPAN("192.0.2.1"), "x") != SIGN_IN_FULL;
    assert_int_equal(in, SIGN_IN_SAME_ADDRESS);
}

/* As many addresses as they like, each with a wrong password behind it: the room is full,
 * and the people of the house come in and are next. */
static void
a_spray_waits_behind_the_people(void **state)
{
    (void)state;
    char name[48], from[48];
    static char sprayer[2 * SIGN_IN_ROOM];
    unsigned full = 0;
    sign_in_right(table, SPAN("duty"), SPAN("10.1.1.1"), NOW - DAY_MS);
    for (unsigned i = 0; i < 2 * SIGN_IN_ROOM; i++) {
        struct span f = text(from, "192.%u.2.%u", i);
        sign_in_wrong(table, text(name, "w%u-%u", i), f, NOW);
        full += enter(text(name, "n%u-%u", i), f, &sprayer[i]) == SIGN_IN_FULL;
    }
    assert_int_equal(full, SIGN_IN_ROOM);
    void *out = NULL;
    char stranger, officer, guess;
    assert_int_equal(
        sign_in_enter(table, SPAN("chief"), SPAN("10.1.1.2"), NOW, &stranger, &out),
        SIGN_IN_WAITS);
    assert_ptr_equal(out, &sprayer[SIGN_IN_ROOM - 1]); /* who came last of the last */
    assert_int_equal(
        sign_in_enter(table, SPAN("duty"), SPAN("10.1.1.1"), NOW, &officer, &out),
        SIGN_IN_WAITS);
    assert_ptr_equal(out, &sprayer[SIGN_IN_ROOM - 2]);
    assert_int_equal(
        sign_in_enter(table, SPAN("guess"), SPAN("192.0.2.0"), NOW, &guess, &out),
        SIGN_IN_FULL); /* no better than those who wait */
    assert_null(out);
    assert_null(sign_in_next(table)); /* enough are on their way */
    sign_in_leave(table, &sprayer[0]);
    sign_in_leave(table, &sprayer[0]); /* twice is fine */
    assert_ptr_equal(sign_in_next(table), &officer);
    sign_in_leave(table, &sprayer[1]);
    assert_ptr_equal(sign_in_next(table), &stranger);
    sign_in_leave(table, &officer);
    assert_ptr_equal(sign_in_next(table), &sprayer[SIGN_IN_COMPUTED]);
    for (unsigned i = 0; i < 2 * SIGN_IN_ROOM; i++)
        sign_in_leave(table, &sprayer[i]);
    sign_in_leave(table, &stranger);
    assert_null(sign_in_next(table));
    assert_int_equal(enter(SPAN("duty"), SPAN("10.1.1.1"), "x"), SIGN_IN_NOW);
}

/* A crowd at one name gives a place to who has signed in from there before. */
/* An office is one address: its mistakes of ten minutes are more than a few, and a spray
 * of addresses that nobody has seen stands behind it all the same. */
static void
an_office_that_errs_stands_before_strangers(void **state)
{
    (void)state;
    char name[48], from[48], officer;
    static char sprayer[SIGN_IN_ROOM];
    void *out = NULL;
    sign_in_right(table, SPAN("duty"), SPAN("10.1.1.1"), NOW - HOUR_MS);
    for (unsigned i = 0; i < SIGN_IN_TRIES + 1; i++)
        sign_in_wrong(table, text(name, "o%u-%u", i), SPAN("10.1.1.1"), NOW);
    for (unsigned i = 0; i < SIGN_IN_ROOM; i++)
        (void)enter(text(name, "n%u-%u", i), text(from, "192.%u.2.%u", i), &sprayer[i]);
    assert_int_equal(
        sign_in_enter(table, SPAN("duty"), SPAN("10.1.1.1"), NOW, &officer, &out),
        SIGN_IN_WAITS);
    assert_ptr_equal(out, &sprayer[SIGN_IN_ROOM - 1]);
    sign_in_leave(table, &sprayer[0]);
    assert_ptr_equal(sign_in_next(table), &officer);
}

static void
a_name_is_not_taken_from_its_owner(void **state)
{
    (void)state;
    char from[48];
    static char crowd[2 * SIGN_IN_SAME_NAME], owner;
    void *out;
    sign_in_right(table, SPAN("duty"), SPAN("10.1.1.1"), NOW);
    for (unsigned i = 0; i < SIGN_IN_COMPUTED; i++)
        enter(text(from, "filler%u-%u", i), text(from, "10.9.%u.%u", i), "filler");
    for (unsigned i = 0; i < SIGN_IN_SAME_NAME; i++)
        assert_int_equal(
            enter(SPAN("duty"), text(from, "192.%u.2.%u", i), &crowd[i]),
            SIGN_IN_WAITS);
    assert_int_equal(
        enter(SPAN("duty"), text(from, "192.%u.2.%u", 77), &crowd[5]), SIGN_IN_FULL);
    assert_int_equal(
        sign_in_enter(table, SPAN("duty"), SPAN("10.1.1.1"), NOW, &owner, &out),
        SIGN_IN_WAITS);
    assert_ptr_equal(out, &crowd[SIGN_IN_SAME_NAME - 1]);
}

/* One network of IPv6 has more addresses than anybody can count: wrong ones of some tell
 * of the others. It is put last, not shut out. */
static void
a_network_counts_as_one(void **state)
{
    (void)state;
    void *out;
    static char net, other;
    for (unsigned i = 0; i < SIGN_IN_COMPUTED; i++)
        enter(SPAN("filler"), SPAN("10.9.9.9"), "filler");
    sign_in_wrong(table, SPAN("a"), SPAN("2001:db8::1"), NOW);
    assert_int_equal(
        sign_in_enter(table, SPAN("b"), SPAN("2001:db8::2"), NOW, &net, &out),
        SIGN_IN_WAITS);
    assert_int_equal(
        sign_in_enter(table, SPAN("c"), SPAN("2001:db8:0:1::2"), NOW, &other, &out),
        SIGN_IN_WAITS);
    sign_in_leave(table, "filler");
    assert_ptr_equal(sign_in_next(table), &other);
    assert_int_equal(sign_in_may(table, SPAN("b"), SPAN("2001:db8::2"), NOW), 0);
}

/* ---- over HTTP ---- */

struct shift {
    struct fake *f;
    char name[32];
    int status;
};

static void *
one_of_the_shift(void *arg)
{
    struct shift *s = arg;
    struct talk t = {.f = s->f};
    s->status = talk_sign_in(&t, s->name, "no such phrase 1");
    return NULL;
}

/* More than are computed at once wait and are answered, each one. */
static void
all_that_wait_are_answered(void **state)
{
    (void)state;
    static struct fake fake;
    struct shift shift[12];
    pthread_t threads[12];
    fake_start(&fake, NULL, false);
    for (int i = 0; i < 12; i++) {
        shift[i] = (struct shift){.f = &fake};
        snprintf(shift[i].name, sizeof shift[i].name, "nobody%d", i);
        pthread_create(&threads[i], NULL, one_of_the_shift, &shift[i]);
    }
    for (int i = 0; i < 12; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(shift[i].status, 401);
    }
    struct talk t = {.f = &fake};
    assert_int_equal(talk_sign_in(&t, "duty", PASSWORD), 200);
    fake_stop(&fake);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            an_address_is_throttled_over_many_names, setup, teardown),
        cmocka_unit_test_setup_teardown(
            one_name_or_address_has_few_places, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_spray_waits_behind_the_people, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_office_that_errs_stands_before_strangers, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_name_is_not_taken_from_its_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(a_network_counts_as_one, setup, teardown),
        cmocka_unit_test(all_that_wait_are_answered),
    };
    return cmocka_run_group_tests_name("serve/sign_in", tests, NULL, NULL);
}
