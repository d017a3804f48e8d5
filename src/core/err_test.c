/* SPDX-License-Identifier: Apache-2.0 */
#include "core/counter.h"
#include "core/err.h"
#include "core/log.h"

#include "kit/kit.h"

static void
every_row_speaks_both_languages(void **state)
{
    (void)state;
    for (int i = 0; i < ERR_COUNT; i++) {
        const struct err_row *row = err_row((enum err)i);
        assert_true(row->en[0] && row->zh[0] && row->code[0]);
        assert_true(row->http_status >= 200 && row->http_status < 600);
        assert_true(row->exit_status >= 0 && row->exit_status <= 3);
    }
    for (int i = 0; i < COUNTERS; i++) {
        const struct counter_row *row = counter_row((enum counter)i);
        assert_true(row->en[0] && row->zh[0] && row->unit[0]);
    }
}

static void
notes_cut_whole_characters(void **state)
{
    (void)state;
    struct note note;
    char lng[600];
    memset(lng, 0, sizeof lng);
    for (int i = 0; i < 199; i++)
        memcpy(lng + i * 3, "晋", 3);
    assert_int_equal(note_set(&note, ERR_INPUT, "f", lng, lng), ERR_INPUT);
    assert_int_equal(strlen(note.zh) % 3, 0);
    assert_true(strlen(note.zh) > 200);
    assert_int_equal(note_code(&note, ERR_DENIED, "look_no_matter"), ERR_DENIED);
    assert_string_equal(note.code, "look_no_matter");
    assert_int_equal(note_fmt(&note, ERR_GATE, NULL, "%d", "%d", 5), ERR_GATE);
    assert_string_equal(note.en, "5");
    assert_string_equal(note.code, "");
    assert_int_equal(note_set(NULL, ERR_IO, NULL, "x", "x"), ERR_IO);
}

static void
counters_count(void **state)
{
    (void)state;
    uint64_t before = counter_get(CTR_moves);
    counter_add(CTR_moves, 3);
    assert_true(counter_get(CTR_moves) == before + 3);
    counter_set(CTR_disk_free, 9);
    assert_true(counter_get(CTR_disk_free) == 9);
}

static void
log_holds_back_floods(void **state)
{
    (void)state;
    uint64_t before = counter_get(CTR_log_suppressed);
    for (int i = 0; i < 50; i++)
        log_event(EV_disk_low, log_n("free", i), log_w("dir", "a b\"c"));
    assert_true(counter_get(CTR_log_suppressed) >= before + 38);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_speaks_both_languages),
        cmocka_unit_test(notes_cut_whole_characters),
        cmocka_unit_test(counters_count),
        cmocka_unit_test(log_holds_back_floods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
