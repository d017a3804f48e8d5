/* SPDX-License-Identifier: Apache-2.0 */
/* Alarms that the ledger cannot take now: held in their order, with every later one and
 * every checkpoint behind them, and written when it can. The functions are the
 * thread's own, so its file is part of this one. */
#include "kit/kit.h"

#include "daemon/owner_rules.c"
#include "store/ledger_sql.h"

struct rig {
    char dir[OS_PATH], data[OS_PATH];
    struct daemon d;
};

static int
setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    struct zone zone;
    struct note note = {0};
    kit_temp_dir(r->dir);
    kit_ok(os_join(r->data, sizeof r->data, r->dir, "data"), NULL);
    kit_ok(zone_parse(SPAN("Asia/Shanghai"), &zone, &note), &note);
    kit_ok(base_init(r->data, &zone, os_now_ms(), &note), &note);
    kit_ok(base_finish(r->data, &note), &note);
    struct base_opts opts = {.dir = r->data, .now = os_now_ms()};
    kit_ok(base_open(&opts, &r->d.base, &note), &note);
    *state = r;
    return 0;
}

static int
teardown(void **state)
{
    struct rig *r = *state;
    rules_end(&r->d);
    base_close(&r->d.base, os_now_ms());
    kit_remove_tree(r->dir);
    free(r);
    return 0;
}

static struct findings *
finding(struct rig *r, uint64_t id, enum alarm_state state, uint64_t lsn)
{
    struct findings *f = calloc(1, sizeof *f);
    task_init(&f->task, &r->d, findings_apply, findings_settled);
    f->alarms = calloc(1, sizeof *f->alarms);
    f->pictures = calloc(1, sizeof *f->pictures);
    f->n = 1;
    f->lsn = lsn;
    f->alarms[0] = (struct alarm){
        .id = {id},
        .state = state,
        .rule = "watch",
        .subject = "w1",
        .level = 3,
        .probability = 0.9,
        .pass_ms = os_now_ms() - 3 * DAY_MS, /* too old to send anybody */
    };
    return f;
}

/* What the ledger thread does with one task; without a group every write fails. */
static enum err
do_task(struct rig *r, struct task *t, bool group)
{
    struct note note = {0};
    r->d.base->ledger->broken = !group;
    enum err begun = ledger_begin(r->d.base->ledger);
    assert_int_equal(begun, group ? OK : ERR_IO);
    if (group) {
        kit_ok(ledger_job_begin(r->d.base->ledger), NULL);
    }
    enum err e = t->apply(t, &r->d);
    if (group) {
        kit_ok(ledger_job_end(r->d.base->ledger, e == OK), NULL);
        kit_ok(ledger_commit(r->d.base->ledger, &note), &note);
    }
    r->d.base->ledger->broken = false;
    t->settled(t, &r->d, e);
    return e;
}

static enum err
retry_now(struct rig *r, bool group)
{
    struct retry *again = calloc(1, sizeof *again);
    task_init(&again->task, &r->d, retry_apply, retry_settled);
    return do_task(r, &again->task, group);
}

static enum err
checkpoint_now(struct rig *r)
{
    struct checkpoint *c = calloc(1, sizeof *c);
    task_init(&c->task, &r->d, checkpoint_apply, checkpoint_settled);
    kit_ok(ledger_begin(r->d.base->ledger), NULL);
    enum err e = checkpoint_apply(&c->task, &r->d);
    ledger_rollback(r->d.base->ledger);
    free(c);
    return e;
}

static uint64_t
applied(struct rig *r)
{
    uint64_t lsn = 0;
    kit_ok(ledger_rules_applied(ledger_as_reader(r->d.base->ledger), 0, &lsn), NULL);
    return lsn;
}

static void
findings_are_held_in_order_until_the_ledger_takes_them(void **state)
{
    struct rig *r = *state;
    struct alarm_row row;
    struct ledger_reader *reader = ledger_as_reader(r->d.base->ledger);
    assert_true(do_task(r, &finding(r, 7, ALARM_RAISED, 1)->task, false) != OK);
    assert_int_equal(checkpoint_now(r), ERR_BUSY);
    /* the ledger lives again, but what is newer waits behind what is older */
    assert_int_equal(
        do_task(r, &finding(r, 7, ALARM_WITHDRAWN, 2)->task, true), ERR_BUSY);
    assert_int_equal(
        ledger_alarm_find(reader, (struct alarm_id){7}, &row), ERR_NOTFOUND);
    assert_true(retry_now(r, false) != OK);
    assert_int_equal(do_task(r, &finding(r, 8, ALARM_RAISED, 3)->task, true), ERR_BUSY);
    kit_ok(retry_now(r, true), NULL);
    assert_false(r->d.findings_held);
    kit_ok(ledger_alarm_find(reader, (struct alarm_id){7}, &row), NULL);
    assert_int_equal(row.alarm.state, ALARM_WITHDRAWN);
    kit_ok(ledger_alarm_find(reader, (struct alarm_id){8}, &row), NULL);
    assert_int_equal(applied(r), 3);
    kit_ok(checkpoint_now(r), NULL);
    kit_ok(do_task(r, &finding(r, 9, ALARM_RAISED, 4)->task, true), NULL);
    assert_int_equal(applied(r), 4);
}

/* Two tries in one group: the second finds nothing to do and loses nothing. */
static void
a_second_try_in_the_same_group_loses_nothing(void **state)
{
    struct rig *r = *state;
    assert_true(do_task(r, &finding(r, 7, ALARM_RAISED, 1)->task, false) != OK);
    struct retry *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
    task_init(&a->task, &r->d, retry_apply, retry_settled);
    task_init(&b->task, &r->d, retry_apply, retry_settled);
    assert_true(retry_apply(&a->task, &r->d) != OK);
    assert_int_equal(retry_apply(&b->task, &r->d), OK);
    retry_settled(&a->task, &r->d, ERR_IO);
    retry_settled(&b->task, &r->d, OK);
    assert_true(r->d.findings_held);
    assert_non_null(r->d.held);
    assert_null(r->d.held->next);
    kit_ok(retry_now(r, true), NULL);
    assert_int_equal(applied(r), 1);
}

/* After an upgrade that changed a rule the service starts, behind what was applied. */
static void
state_of_other_rules(void **state)
{
    struct rig *r = *state;
    struct note note = {0};
    struct span other = SPAN("\377 of another release");
    kit_ok(ledger_begin(r->d.base->ledger), NULL);
    kit_ok(ledger_job_begin(r->d.base->ledger), NULL);
    kit_ok(
        ledger_rules_checkpoint_put(r->d.base->ledger, 0, 0, os_now_ms(), other), NULL);
    kit_ok(ledger_job_end(r->d.base->ledger, true), NULL);
    kit_ok(ledger_commit(r->d.base->ledger, &note), &note);
    kit_ok(rules_begin(&r->d), &note);
    assert_int_equal(r->d.rules_at_lsn, 0);
}

int
main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        ROW(state_of_other_rules),
        ROW(findings_are_held_in_order_until_the_ledger_takes_them),
        ROW(a_second_try_in_the_same_group_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
