/* SPDX-License-Identifier: Apache-2.0 */
#include "loops/matter_event.h"

#include <stdlib.h>

#include "loops/matter.h"
#include "kit/kit.h"

#include "loops/town_test.h"

static struct town town;

static int
set_up(void **state)
{
    *state = &town;
    town_begin(&town, "tests/town");
    struct note *n = &town.note;
    kit_ok(
        town_open(&town, "paper", TOWN_CITY_DUTY, "{\"topic\":\"雨天\",\"pages\":3}"),
        n);
    kit_ok(
        town_move(
            &town, TOWN_CITY_DUTY, "describe",
            "{\"remark\":\"abc\",\"spot\":{\"lon\":-1.5,\"lat\":2},\"papers\":[\"a\","
            "\"b\"],"
            "\"wanted_by\":1780000000000}"),
        n);
    kit_ok(town_move(&town, TOWN_CITY_DUTY, "lower", "{\"below\":2}"), n);
    kit_ok(town_move(&town, TOWN_NORTH_DUTY, "submit", "{\"colour\":\"red\"}"), n);
    kit_ok(town_move(&town, TOWN_NORTH_DUTY, "carry", "{\"porter\":1}"), n);
    kit_ok(town_tell(&town, "weighed", "{\"weight\":2.25}", 3), n);
    town_wait(&town, 600 * 60000);
    kit_ok(town_move(&town, TOWN_CITY_BOSS, "tear_up", "{\"colour\":\"grey\"}"), n);
    return 0;
}

static int
tear_down(void **state)
{
    town_end(*state);
    return 0;
}

static void
decoding_and_encoding_give_the_same_bytes(void **state)
{
    struct town *t = *state;
    static struct matter_event e;
    for (unsigned i = 0; i < t->events; i++) {
        struct buf again = {0};
        assert_int_equal(matter_event_decode(t->m.def, town_event(t, i), &e), OK);
        assert_int_equal(e.seq, i + 1);
        matter_event_encode(&again, t->m.def, &e);
        assert_int_equal(again.n, town_event(t, i).n);
        assert_memory_equal(again.p, town_event(t, i).p, again.n);
        buf_release(&again);
    }
    assert_true(t->events >= 8);
}

static void
an_opening_names_its_definition(void **state)
{
    struct town *t = *state;
    uint8_t hash[LOOP_HASH];
    assert_true(matter_event_pin(town_event(t, 0), hash));
    assert_memory_equal(hash, t->m.def->hash, LOOP_HASH);
    assert_false(matter_event_pin(town_event(t, 1), hash));
    assert_false(matter_event_pin(span_of(town_event(t, 0).p, 20), hash));
    assert_false(matter_event_pin((struct span){0}, hash));
    struct loop_def other =
        *t->m.def; /* another definition than the one it was made under */
    static struct matter_event e;
    other.hash[0] ^= 1;
    assert_int_equal(matter_event_decode(&other, town_event(t, 0), &e), ERR_CORRUPT);
}

static void
events_are_compact(void **state)
{
    struct town *t = *state;
    assert_true(town_event(t, 0).n < 160); /* opening, with hash, title, two fields */
    assert_true(town_event(t, 3).n < 64);  /* a move that stops a clock */
}

/* Cut anywhere, or any bit turned: refused or another legal event, never a crash; and
 * an opening folds or does not. */
static void
damage_is_refused_or_harmless(void **state)
{
    struct town *t = *state;
    static struct matter_event e;
    for (unsigned i = 0; i < t->events; i++) {
        struct span ev = town_event(t, i);
        char *copy = malloc(ev.n + 1);
        assert_non_null(copy);
        for (size_t n = 0; n < ev.n; n++) {
            char *cut = malloc(n ? n : 1); /* exactly as long: a read past it is seen */
            assert_non_null(cut);
            memcpy(cut, ev.p, n);
            assert_int_equal(
                matter_event_decode(t->m.def, span_of(cut, n), &e), ERR_CORRUPT);
            free(cut);
        }
        for (size_t bit = 0; bit < ev.n * 8; bit++) {
            memcpy(copy, ev.p, ev.n);
            copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
            if (matter_event_decode(t->m.def, span_of(copy, ev.n), &e) == OK &&
                i == 0) {
                struct matter m = {0};
                if (matter_apply(&m, t->m.def, span_of(copy, ev.n)) == OK) {
                    struct buf b = {0};
                    matter_clocks_json(&b, &m, TOWN_NOON);
                    matter_due(&m);
                    buf_release(&b);
                }
                matter_release(&m);
            }
        }
        memcpy(copy, ev.p, ev.n);
        copy[ev.n] = 0; /* one byte too many */
        assert_int_equal(
            matter_event_decode(t->m.def, span_of(copy, ev.n + 1), &e), ERR_CORRUPT);
        free(copy);
    }
}

static void
an_event_says_who_and_by_what_right(void **state)
{
    struct town *t = *state;
    static struct matter_event e;
    assert_int_equal(matter_event_decode(t->m.def, town_event(t, 4), &e), OK);
    assert_int_equal(e.kind, MATTER_MOVED);
    assert_int_equal(e.by.v, TOWN_NORTH_DUTY);
    assert_int_equal(e.posts, ROLE_DUTY);
    assert_string_equal(t->m.def->roles[e.role].name, "maker");
    assert_string_equal(t->m.def->moves[e.move].name, "carry");
    assert_int_equal(e.at_ms, TOWN_NOON);
    assert_int_equal(e.has, MATTER_HAS_UNIT);
    assert_int_equal(e.unit.v, 1);
    assert_int_equal(e.unit_dist_m, 400);
    assert_int_equal(matter_event_decode(t->m.def, town_event(t, 5), &e), OK);
    assert_int_equal(e.kind, MATTER_TOLD);
    assert_int_equal(e.by.v, 0);
    assert_int_equal(e.notices_n, 1);
    assert_string_equal(e.notices[0].text.en, "it grew heavier");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(decoding_and_encoding_give_the_same_bytes),
        T(an_opening_names_its_definition),
        T(events_are_compact),
        T(damage_is_refused_or_harmless),
        T(an_event_says_who_and_by_what_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
