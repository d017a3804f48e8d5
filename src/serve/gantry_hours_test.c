/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "model/toll.h"
#include "serve/gantry_hours.h"

#define FROM (INT64_C(495000) * HOUR_MS)

static struct sighting rows[64];
static char notes[64][TAG_NOTE_TEXT];
static size_t n;

static struct plate
plate_of(const char *text)
{
    struct plate p = PLATE_NONE;
    bool differs;
    if (text[0])
        plate_parse(span_cstr(text), &p, &differs);
    return p;
}

static void
saw(const char *plate, ts_ms at)
{
    rows[n++] = (struct sighting){.plate = plate_of(plate), .pass_ms = FROM + at};
}

static void
heard(const char *plate, ts_ms at, enum tag_medium medium, enum tag_result result)
{
    struct tag_note note = {.medium = medium, .result = result};
    rows[n] = (struct sighting){
        .plate = plate_of(plate), .pass_ms = FROM + at, .flags = SIGHTING_TAG};
    rows[n].image = tag_note_format(notes[n], &note);
    n++;
}

static struct gantry_hour *
count(ts_ms now, int32_t offset)
{
    static struct gantry_hour hours[3];
    struct arena a;
    memset(hours, 0, sizeof hours);
    arena_init(&a, 1 << 20);
    kit_ok(
        gantry_hours(&a, rows, n, FROM, FROM + 3 * HOUR_MS, FROM + now, offset, hours),
        NULL);
    arena_release(&a);
    return hours;
}

static void
test_counts(void **state)
{
    (void)state;
    n = 0;
    heard("晋A12345", 60000, TAG_OBU, TAG_DONE);
    saw("晋A12345", 61000);
    heard("晋A12345", 64000, TAG_OBU, TAG_DONE); /* read again: one passage */
    saw("晋A12345", 66000);                      /* from behind */
    heard("晋A77777", 70000, TAG_CPC, TAG_FAILED);
    saw("晋A7?777", 71000); /* half read */
    saw("", 90000);
    heard("", 95000, TAG_CPC, TAG_RESULT_UNSAID);
    heard("晋A88888", 100000, TAG_OBU, TAG_DONE);
    saw("晋A88888", 100000 + GANTRY_PAIR_MS + 1); /* too late */
    saw("晋A99999", HOUR_MS - 1000);              /* pairs across the hour */
    heard("晋A99999", HOUR_MS + 1000, TAG_OBU, TAG_DONE);
    saw("晋A66666", -5000); /* before the window: only a partner */
    heard("晋A66666", 1000, TAG_OBU, TAG_DONE);
    const struct gantry_hour *h = count(3 * HOUR_MS, 0);
    assert_int_equal(h[0].passes, 6);
    assert_int_equal(h[0].read, 4);
    assert_int_equal(h[0].tags, 6);
    assert_int_equal(h[0].known, 4);
    assert_int_equal(h[0].paired, 2);
    assert_int_equal(h[0].done, 4);
    assert_int_equal(h[0].failed, 1);
    assert_int_equal(h[0].obu, 4);
    assert_int_equal(h[0].cpc, 2);
    assert_int_equal(h[1].tags, 1);
    assert_int_equal(h[1].paired, 1);
    assert_int_equal(h[2].tags, 0);
}

static void
test_clock(void **state)
{
    (void)state;
    n = 0;
    heard("晋A12345", 60000, TAG_OBU, TAG_DONE);
    saw("晋A12345", 90000);
    assert_int_equal(count(HOUR_MS, 0)[0].paired, 0);
    assert_int_equal(count(HOUR_MS, 29000)[0].paired, 1);
}

static void
test_silences(void **state)
{
    (void)state;
    n = 0;
    saw("晋A12345", 10 * MINUTE_MS);
    saw("晋A12345", 40 * MINUTE_MS);
    heard("晋A12345", 75 * MINUTE_MS, TAG_OBU, TAG_DONE);
    const struct gantry_hour *h = count(100 * MINUTE_MS, 0);
    assert_int_equal(h[0].quiet_s, 30 * 60);
    assert_int_equal(h[1].quiet_s, 40 * 60); /* up to now */
    assert_int_equal(h[2].quiet_s, 0);       /* not yet */
    assert_int_equal(h[0].tag_quiet_s, 60 * 60);
    assert_int_equal(h[1].tag_quiet_s, 25 * 60);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_silences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
