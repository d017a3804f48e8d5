/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/coverage.h"
#include "analysis/passes.h"
#include "analysis/trajectory.h"

#include "kit/kit.h"

static struct analysis_cell cells[4000];
static size_t cells_n;

static enum err
flow(
    void *ctx, ts_ms from, ts_ms to, struct arena *arena, struct analysis_cell **out,
    size_t *n)
{
    (void)ctx;
    struct analysis_cell *mine = arena_array(arena, cells_n + 1, sizeof *mine);
    if (!mine)
        return ERR_TOOBIG;
    *n = 0;
    for (size_t i = 0; i < cells_n; i++)
        if (cells[i].at_ms >= from && cells[i].at_ms < to)
            mine[(*n)++] = cells[i];
    *out = mine;
    return OK;
}

static const struct analysis_needs needs = {.flow = flow};

/* 24 hours of `n` passes a cell, silent in [from, to) hours. */
static void
day_of(uint32_t site, uint32_t n, int silent_from, int silent_to)
{
    for (int cell = 0; cell < 288; cell++)
        if (cell < silent_from * 12 || cell >= silent_to * 12)
            cells[cells_n++] =
                (struct analysis_cell){{site}, cell * ANALYSIS_CELL_MS, n};
}

static void
only_improbable_silence_is_blindness(void **state)
{
    (void)state;
    struct arena a;
    struct coverage c;
    arena_init(&a, 1 << 24);
    cells_n = 0;
    day_of(1, 10, 9, 10); /* busy road, silent for an hour: blind */
    day_of(2, 10, 0, 0);  /* whole */
    cells[cells_n++] =
        (struct analysis_cell){{3}, 8 * HOUR_MS, 1}; /* a lane in the fields */
    cells[cells_n++] = (struct analysis_cell){{3}, 11 * HOUR_MS, 1};
    kit_ok(coverage_of(&needs, 6 * HOUR_MS, 12 * HOUR_MS, &a, &c), NULL);
    assert_int_equal(c.sites, 3);
    assert_int_equal(c.gaps_n, 1);
    assert_int_equal(c.gaps[0].site.v, 1);
    assert_true(c.gaps[0].from_ms == 9 * HOUR_MS && c.gaps[0].to_ms == 10 * HOUR_MS);
    /* The same gap does not touch a window beside it. */
    kit_ok(coverage_of(&needs, 11 * HOUR_MS, 12 * HOUR_MS, &a, &c), NULL);
    assert_int_equal(c.gaps_n, 0);
    /* A gap that reaches into the window is cut to it. */
    kit_ok(
        coverage_of(&needs, 9 * HOUR_MS + 30 * MINUTE_MS, 12 * HOUR_MS, &a, &c), NULL);
    assert_int_equal(c.gaps_n, 1);
    assert_true(c.gaps[0].from_ms == 9 * HOUR_MS + 30 * MINUTE_MS);
    arena_release(&a);
}

static void
nothing_without_a_permit(void **state)
{
    (void)state;
    struct arena a;
    struct trajectory t;
    struct passes p;
    struct note note = {0};
    struct passes_ask ask = {.from = 0, .to = HOUR_MS};
    arena_init(&a, 1 << 20);
    assert_int_equal(
        trajectory_of(NULL, &needs, (struct plate){5}, 0, HOUR_MS, 10, &a, &t, &note),
        ERR_DENIED);
    assert_int_equal(passes_of(NULL, &needs, &ask, &a, &p, &note), ERR_DENIED);
    assert_true(note.en[0] != 0);
    arena_release(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_improbable_silence_is_blindness),
        cmocka_unit_test(nothing_without_a_permit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
