/* SPDX-License-Identifier: Apache-2.0 */
/* The machine, on a toy loop. Tests of "semantics that must hold" carry the name of the
 * thread in which another engine failed. */
#include "loops/matter.h"

#include "kit/kit.h"

#include "loops/town_test.h"

#define TOY "tests/town"
#define MIN INT64_C(60000)

static struct town town;

static int
set_up(void **state)
{
    *state = &town;
    town_begin(&town, TOY);
    return 0;
}

static int
tear_down(void **state)
{
    town_end(*state);
    return 0;
}

static void
opens(struct town *t)
{
    kit_ok(
        town_open(t, "paper", TOWN_CITY_DUTY, "{\"topic\":\"雨天\",\"pages\":3}"),
        &t->note);
}

static void
submits(struct town *t)
{
    kit_ok(town_move(t, TOWN_CITY_DUTY, "submit", "{\"colour\":\"red\"}"), &t->note);
}

/* ---- life ---- */

static void
a_paper_from_opening_to_filing(void **state)
{
    struct town *t = *state;
    opens(t);
    town_in(t, "drafting");
    assert_int_equal(t->m.owner.v, TOWN_CITY_DUTY);
    assert_int_equal(t->m.opener.v, TOWN_CITY_DUTY);
    assert_int_equal(t->m.opened_ms, TOWN_NOON);
    assert_int_equal(t->m.level, 1);
    submits(t);
    town_in(t, "checking");
    kit_ok(
        town_move(t, TOWN_CITY_ANALYST, "approve", "{\"colour\":\"grey\"}"), &t->note);
    town_in(t, "filed");
    assert_int_equal(t->m.verdict, LOOP_VERDICT_FALSE);
    assert_int_equal(t->m.outcome, 1);
    assert_int_equal(t->m.closed_ms, t->env.now);
    assert_int_equal(matter_due(&t->m), INT64_MAX);
    assert_int_equal(matter_pressing(&t->m), -1);
    town_replays(t);
}

static void
a_rule_opens_one_with_inputs_only(void **state)
{
    struct town *t = *state;
    kit_ok(
        town_open(
            t, "paper", 0,
            "{\"urgent\":true,\"weight\":2.5,\"plate\":\"x\",\"nosuch\":1}"),
        &t->note);
    assert_int_equal(t->m.owner.v, 0);
    assert_int_equal(t->m.alarm, 77);
    struct buf b = {0};
    matter_fields_json(&b, &t->m);
    assert_span_equal(span_of(b.p, b.n), "{\"urgent\":true,\"weight\":2.5}");
    buf_release(&b);
    town_replays(t);
}

static void
only_a_maker_opens_by_hand(void **state)
{
    struct town *t = *state;
    const struct loop_def *d = loop_def_find(t->defs, SPAN("paper"));
    struct matter_actor duty = town_actor(TOWN_CITY_DUTY),
                        admin = town_actor(TOWN_ADMIN);
    assert_int_equal(matter_may_open(d, &duty, &t->note), OK);
    assert_int_equal(matter_may_open(d, &admin, &t->note), ERR_DENIED);
    assert_true(t->note.zh[0] && t->note.en[0]);
}

static void
an_opening_is_checked(void **state)
{
    struct town *t = *state;
    const struct loop_def *d = loop_def_find(t->defs, SPAN("paper"));
    char long_title[1000];
    memset(long_title, 'x', sizeof long_title);
    struct matter_opening o = {.id = {1}, .code = SPAN("T"), .org = {TOWN_CITY}};
    struct buf b = {0};
    assert_int_equal(matter_open(d, &o, NULL, &t->env, &b, &t->note), ERR_INPUT);
    assert_string_equal(t->note.field, "title");
    o.title = span_of(long_title, 201);
    assert_int_equal(matter_open(d, &o, NULL, &t->env, &b, &t->note), ERR_INPUT);
    o.title = SPAN("\xff\xfe");
    assert_int_equal(matter_open(d, &o, NULL, &t->env, &b, &t->note), ERR_INPUT);
    o.title = SPAN("ok");
    o.level = 9;
    assert_int_equal(matter_open(d, &o, NULL, &t->env, &b, &t->note), ERR_INPUT);
    assert_string_equal(t->note.field, "level");
    assert_int_equal(b.n, 0);
    assert_int_equal(
        town_open(t, "paper", TOWN_CITY_DUTY, "{\"topic\":\"ok\",\"urgent\":true}"),
        ERR_INPUT);
    assert_string_equal(t->note.field, "urgent");
    assert_int_equal(town_open(t, "paper", TOWN_CITY_DUTY, NULL), ERR_GATE);
    assert_string_equal(t->note.field, "topic");
    buf_release(&b);
}

/* ---- refusals ---- */

static void
a_move_is_refused_for_its_reason(void **state)
{
    struct town *t = *state;
    opens(t);
    assert_int_equal(town_move(t, TOWN_CITY_DUTY, "nosuch", NULL), ERR_NOTFOUND);
    assert_int_equal(town_move(t, TOWN_CITY_DUTY, "lapse", NULL), ERR_NOTFOUND);
    assert_int_equal(
        town_move(t, TOWN_ADMIN, "submit", "{\"colour\":\"red\"}"), ERR_DENIED);
    assert_non_null(strstr(t->note.zh, "起草人"));
    assert_int_equal(
        town_move(t, TOWN_CITY_BOSS, "approve", "{\"colour\":\"red\"}"), ERR_GATE);
    assert_non_null(strstr(t->note.zh, "起草"));
    assert_int_equal(town_move(t, TOWN_CITY_DUTY, "submit", "{}"), ERR_GATE);
    assert_string_equal(t->note.field, "colour");
    assert_int_equal(
        town_move(t, TOWN_CITY_DUTY, "submit", "{\"colour\":\"none_of_these\"}"),
        ERR_GATE);
    assert_string_equal(t->note.field, "long_enough");
    assert_string_equal(t->note.en, "too few pages or no colour");
    assert_int_equal(
        town_move(t, TOWN_CITY_DUTY, "submit", "{\"colour\":\"red\",\"topic\":\"x\"}"),
        ERR_INPUT);
    assert_string_equal(t->note.field, "topic");
    assert_int_equal(t->m.seq, 1);
}

/* ushahidi/platform#535: two persons open one case; the later one must not overwrite.
 */
static void
platform_535_two_persons_in_conflict(void **state)
{
    struct town *t = *state;
    opens(t);
    uint32_t seen = t->m.seq;
    kit_ok(
        town_try(t, TOWN_CITY_DUTY, "submit", seen, "{\"colour\":\"red\"}"), &t->note);
    assert_int_equal(
        town_try(t, TOWN_CITY_ANALYST, "describe", seen, "{\"pages\":9}"),
        ERR_CONFLICT);
    assert_string_equal(t->note.field, "seq");
    kit_ok(
        town_try(t, TOWN_CITY_ANALYST, "describe", seen + 1, "{\"pages\":9}"),
        &t->note);
}

/* A reason written for an earlier move is no reason for this one. */
static void
a_required_field_is_given_with_this_move(void **state)
{
    struct town *t = *state;
    opens(t);
    kit_ok(
        town_move(t, TOWN_CITY_DUTY, "describe", "{\"remark\":\"before\"}"), &t->note);
    submits(t);
    assert_int_equal(town_move(t, TOWN_CITY_BOSS, "refuse", NULL), ERR_GATE);
    assert_string_equal(t->note.field, "remark");
    assert_int_equal(
        town_move(t, TOWN_CITY_BOSS, "refuse", "{\"remark\":\"  \"}"), ERR_GATE);
    kit_ok(town_move(t, TOWN_CITY_BOSS, "refuse", "{\"remark\":\"thin\"}"), &t->note);
    struct buf b = {0};
    matter_fields_json(&b, &t->m);
    buf_u8(&b, 0);
    assert_non_null(strstr((char *)b.p, "\"double_pages\":6"));
    buf_release(&b);
}

static void
every_type_of_field_is_checked(void **state)
{
    static const struct {
        const char *json, *field; /* field NULL: taken */
    } rows[] = {
        {"{\"pages\":0}", "pages"},
        {"{\"pages\":501}", "pages"},
        {"{\"pages\":\"7\"}", "pages"},
        {"{\"pages\":7}", NULL},
        {"{\"pages\":null}", NULL},
        {"{\"wanted_by\":0}", "wanted_by"},
        {"{\"wanted_by\":1.5}", "wanted_by"},
        {"{\"wanted_by\":1780000000000}", NULL},
        {"{\"plate\":5}", "plate"},
        {"{\"plate\":\"<b>\"}", "plate"},
        {"{\"plate\":\"\"}", NULL},
        {"{\"spot\":{\"lon\":200,\"lat\":1}}", "spot"},
        {"{\"spot\":[1,2]}", "spot"},
        {"{\"spot\":{\"lon\":112.5,\"lat\":37.8}}", NULL},
        {"{\"papers\":\"a\"}", "papers"},
        {"{\"papers\":[\"a b\"]}", "papers"},
        {"{\"papers\":[1]}", "papers"},
        {"{\"papers\":[\"a\",\"b\",\"c\",\"d\"]}", "papers"},
        {"{\"papers\":[\"a\",\"b2:c/3.jpg\"]}", NULL},
        {"{\"papers\":[]}", NULL},
        {"{\"remark\":\"two\\nlines\"}", NULL},
        {"{\"remark\":\"bell\\u0007\"}", "remark"},
        {"{\"remark\":{}}", "remark"},
        {"[1]", "fields"},
    };
    struct town *t = *state;
    opens(t);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum err e = town_move(t, TOWN_CITY_DUTY, "describe", rows[i].json);
        if (!rows[i].field) {
            kit_ok(e, &t->note);
            continue;
        }
        if (e != ERR_INPUT)
            fail_msg("%s was not refused", rows[i].json);
        assert_string_equal(t->note.field, rows[i].field);
        assert_true(t->note.zh[0] && t->note.en[0]);
    }
    assert_int_equal(
        town_move(t, TOWN_CITY_DUTY, "pass_on", "{\"next_holder\":999}"), ERR_INPUT);
    assert_int_equal(
        town_move(t, TOWN_CITY_DUTY, "pass_on", "{\"next_holder\":-1}"), ERR_INPUT);
    town_replays(t);
}

static void
values_come_and_go(void **state)
{
    struct town *t = *state;
    struct buf b = {0};
    opens(t);
    kit_ok(
        town_move(
            t, TOWN_CITY_DUTY, "describe",
            "{\"spot\":{\"lon\":112.5,\"lat\":-37.8},\"papers\":[\"a\",\"b\"],"
            "\"remark\":\"  a \\\"word\\\" \",\"wanted_by\":5}"),
        &t->note);
    matter_fields_json(&b, &t->m);
    assert_span_equal(
        span_of(b.p, b.n),
        "{\"topic\":\"雨天\",\"pages\":3,\"remark\":\"a \\\"word\\\"\",\"wanted_by\":5,"
        "\"spot\":{\"lon\":112.5000000,\"lat\":-37.8000000},\"papers\":[\"a\",\"b\"]}");
    kit_ok(
        town_move(
            t, TOWN_CITY_DUTY, "describe",
            "{\"spot\":null,\"papers\":[],\"remark\":\"\",\"wanted_by\":null}"),
        &t->note);
    buf_clear(&b);
    matter_fields_json(&b, &t->m);
    assert_span_equal(span_of(b.p, b.n), "{\"topic\":\"雨天\",\"pages\":3}");
    buf_release(&b);
    town_replays(t);
}

/* ---- who ---- */

/* frappe/frappe#33833: "only the creator" and "only the previous handler" as selectors.
 */
static void
frappe_33833_creator_and_previous(void **state)
{
    struct town *t = *state;
    opens(t);
    kit_ok(town_move(t, TOWN_CITY_ANALYST, "submit", "{\"colour\":\"red\"}"), &t->note);
    assert_int_equal(/* four eyes: who submitted does not check */
                     town_move(t, TOWN_CITY_ANALYST, "approve", "{\"colour\":\"red\"}"),
                     ERR_DENIED);
    kit_ok(town_move(t, TOWN_CITY_BOSS, "ask", NULL), &t->note);
    assert_int_equal(
        town_move(t, TOWN_CITY_ANALYST, "answer", "{\"remark\":\"ok\"}"), ERR_DENIED);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "answer", "{\"remark\":\"ok\"}"), &t->note);
    kit_ok(
        town_move(t, TOWN_CITY_ANALYST, "approve", "{\"colour\":\"red\"}"), &t->note);
}

/* frappe/erpnext#19004, frappe/frappe#20718: several roles may make one move. */
static void
frappe_20718_several_roles_one_state(void **state)
{
    struct town *t = *state;
    opens(t);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "pass_on", "{\"next_holder\":10}"), &t->note);
    assert_int_equal(t->m.owner.v, TOWN_CREW_1);
    kit_ok(town_move(t, TOWN_CREW_1, "pass_on", "{\"next_holder\":3}"), &t->note);
    assert_int_equal(t->m.owner.v, TOWN_CITY_ANALYST);
    assert_int_equal(
        town_move(t, TOWN_CREW_1, "pass_on", "{\"next_holder\":3}"), ERR_DENIED);
}

static void
the_tree_decides_who_is_above(void **state)
{
    struct town *t = *state;
    opens(t);
    assert_int_equal(town_move(t, TOWN_NORTH_BOSS, "shelve", NULL), ERR_DENIED);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "lower", "{\"below\":2}"), &t->note);
    assert_int_equal(t->m.org.v, TOWN_NORTH);
    assert_int_equal(t->m.owner.v, 0);
    assert_int_equal(town_move(t, TOWN_SOUTH_BOSS, "shelve", NULL), ERR_DENIED);
    kit_ok(town_move(t, TOWN_NORTH_BOSS, "shelve", NULL), &t->note);
    kit_ok(town_move(t, TOWN_CITY_BOSS, "unshelve", NULL), &t->note);
}

static void
handing_down_goes_level_by_level(void **state)
{
    struct town *t = *state;
    opens(t);
    assert_int_equal(town_move(t, TOWN_CITY_DUTY, "lower", "{\"below\":4}"), ERR_INPUT);
    assert_string_equal(t->note.field, "below");
    assert_int_equal(town_move(t, TOWN_CITY_DUTY, "lower", "{\"below\":1}"), ERR_INPUT);
    assert_int_equal(
        town_move(t, TOWN_CITY_DUTY, "lower", "{\"below\":99}"), ERR_INPUT);
    assert_int_equal(town_move(t, TOWN_CITY_DUTY, "lift", NULL), ERR_GATE);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "lower", "{\"below\":2}"), &t->note);
    kit_ok(town_move(t, TOWN_NORTH_DUTY, "lower", "{\"below\":4}"), &t->note);
    assert_int_equal(t->m.org.v, TOWN_NORTH_FIRST);
    assert_int_equal(t->m.path_n, 2);
    assert_int_equal(t->m.path[0].v, TOWN_CITY);
    assert_int_equal(t->m.path[1].v, TOWN_NORTH);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "lift", NULL), &t->note);
    assert_int_equal(t->m.org.v, TOWN_NORTH);
    assert_int_equal(t->m.path_n, 1);
    town_replays(t);
}

/* ---- units ---- */

/* Resgrid/Core#273: closing a call frees its units. */
static void
resgrid_273_closing_frees_the_unit(void **state)
{
    struct town *t = *state;
    opens(t);
    submits(t);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "carry", "{\"porter\":1}"), &t->note);
    assert_int_equal(t->m.unit.v, 1);
    assert_int_equal(t->m.unit_dist_m, 400);
    assert_int_equal(t->units[1].status, UNIT_ASSIGNED);
    kit_ok(town_move(t, TOWN_CITY_BOSS, "tear_up", "{\"colour\":\"grey\"}"), &t->note);
    assert_int_equal(t->m.unit.v, 0);
    assert_int_equal(t->units[1].status, UNIT_READY);
    town_replays(t);
}

static void
a_unit_is_sent_only_when_it_can_go(void **state)
{
    struct town *t = *state;
    opens(t);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "lower", "{\"below\":2}"), &t->note);
    submits(t);
    assert_int_equal(
        town_move(t, TOWN_CITY_DUTY, "carry", "{\"porter\":9}"), ERR_INPUT);
    assert_int_equal(
        town_move(t, TOWN_CITY_DUTY, "carry", "{\"porter\":3}"), ERR_INPUT);
    assert_non_null(strstr(t->note.en, "another unit"));
    t->units[2].status = UNIT_BUSY;
    assert_int_equal(town_move(t, TOWN_CITY_DUTY, "carry", "{\"porter\":2}"), ERR_GATE);
    assert_non_null(strstr(t->note.zh, "长风02"));
    kit_ok(town_move(t, TOWN_CITY_DUTY, "carry", "{\"porter\":1}"), &t->note);
    t->units[2].status = UNIT_READY; /* another one instead: the first is free again */
    kit_ok(town_move(t, TOWN_CITY_DUTY, "carry", "{\"porter\":2}"), &t->note);
    assert_int_equal(t->units[1].status, UNIT_READY);
    assert_int_equal(t->units[2].status, UNIT_ASSIGNED);
    kit_ok(
        town_move(t, TOWN_CITY_DUTY, "carry", "{\"porter\":2}"),
        &t->note); /* the same */
    assert_int_equal(t->units[2].status, UNIT_ASSIGNED);
    town_replays(t);
}

static void
the_crew_is_who_was_sent(void **state)
{
    struct town *t = *state;
    struct matter_actor crew = town_actor(TOWN_CREW_1);
    opens(t);
    submits(t);
    assert_false(matter_mine(&t->m, &crew, t->orgs));
    kit_ok(town_move(t, TOWN_CITY_DUTY, "carry", "{\"porter\":1}"), &t->note);
    assert_true(matter_mine(&t->m, &crew, t->orgs));
    assert_int_equal(town_move(t, TOWN_CREW_3, "carried", NULL), ERR_DENIED);
    kit_ok(town_move(t, TOWN_CREW_1, "carried", NULL), &t->note);
    town_in(t, "checking");
    assert_int_equal(t->m.unit.v, 0);
}

/* ---- clocks ---- */

static void
a_clock_runs_pauses_and_stops(void **state)
{
    struct town *t = *state;
    opens(t);
    const struct matter_clock *whole = town_clock(t, "whole_time");
    assert_int_equal(whole->state, CLOCK_RUNNING);
    assert_int_equal(whole->due_ms, TOWN_NOON + 600 * MIN);
    town_wait(t, 20 * MIN);
    submits(t);
    assert_int_equal(town_clock(t, "drafting_time")->state, CLOCK_STOPPED);
    assert_int_equal(town_clock(t, "drafting_time")->consumed_ms, 20 * MIN);
    kit_ok(town_move(t, TOWN_CITY_BOSS, "ask", NULL), &t->note);
    assert_int_equal(whole->state, CLOCK_PAUSED);
    town_wait(t, 1000 * MIN);
    assert_int_equal(matter_consumed(whole, t->env.now), 20 * MIN);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "answer", "{\"remark\":\"ok\"}"), &t->note);
    assert_int_equal(whole->state, CLOCK_RUNNING);
    assert_int_equal(whole->due_ms, t->env.now + 580 * MIN);
    town_replays(t);
}

/* abhinavxd/libredesk#70: leaving a state cancels its clock and rungs. */
static void
libredesk_70_leaving_cancels_the_clock(void **state)
{
    struct town *t = *state;
    opens(t);
    town_wait(t, 29 * MIN);
    submits(t);
    assert_int_equal(
        town_wait(t, 120 * MIN), 0); /* neither 50 % nor 100 % of drafting */
    kit_ok(town_move(t, TOWN_CITY_BOSS, "approve", "{\"colour\":\"red\"}"), &t->note);
    assert_int_equal(town_wait(t, 100000 * MIN), 0);
}

/* zammad/zammad#5177: a clock is right after coming back to its state. */
static void
zammad_5177_coming_back_starts_anew_or_goes_on(void **state)
{
    struct town *t = *state;
    opens(t);
    town_wait(t, 31 * MIN);
    assert_int_equal(town_clock(t, "drafting_time")->fired, 1);
    submits(t);
    town_wait(t, 9 * MIN);
    kit_ok(town_move(t, TOWN_CITY_BOSS, "refuse", "{\"remark\":\"no\"}"), &t->note);
    const struct matter_clock *c = town_clock(t, "drafting_time");
    assert_int_equal(c->state, CLOCK_RUNNING);
    assert_int_equal(c->consumed_ms, 0);
    assert_int_equal(c->fired, 0);
    assert_int_equal(c->due_ms, t->env.now + 60 * MIN);
    c = town_clock(t, "whole_time"); /* again: keep */
    assert_int_equal(c->due_ms, TOWN_NOON + 600 * MIN);
    town_replays(t);
}

/* glpi-project/glpi#6902: pausing, then changing the rule, keeps the paused time. */
static void
glpi_6902_extending_while_paused(void **state)
{
    struct town *t = *state;
    opens(t);
    town_wait(t, 10 * MIN);
    submits(t);
    kit_ok(town_move(t, TOWN_CITY_BOSS, "ask", NULL), &t->note);
    town_wait(t, 60 * MIN);
    kit_ok(town_move(t, TOWN_CITY_BOSS, "extend", "{\"more\":30}"), &t->note);
    const struct matter_clock *c = town_clock(t, "whole_time");
    assert_int_equal(c->state, CLOCK_PAUSED);
    assert_int_equal(c->consumed_ms, 10 * MIN);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "answer", "{\"remark\":\"ok\"}"), &t->note);
    assert_int_equal(c->due_ms, t->env.now + 620 * MIN);
}

/* camunda/camunda#18815: a running due date is changed by an authorised move. */
static void
camunda_18815_due_date_is_changed(void **state)
{
    struct town *t = *state;
    opens(t);
    submits(t);
    town_wait(t, 601 * MIN); /* 570: nearly over; 600: over */
    const struct matter_clock *c = town_clock(t, "whole_time");
    assert_int_equal(c->fired, 3);
    assert_true(c->climbed != 0);
    assert_int_equal(
        town_move(t, TOWN_CITY_DUTY, "extend", "{\"more\":60}"), ERR_DENIED);
    assert_int_equal(town_move(t, TOWN_CITY_BOSS, "extend", "{\"more\":0}"), ERR_INPUT);
    kit_ok(town_move(t, TOWN_CITY_BOSS, "extend", "{\"more\":60}"), &t->note);
    assert_int_equal(c->due_ms, TOWN_NOON + 660 * MIN);
    assert_int_equal(c->fired, 0); /* 630 and 660 lie ahead again */
    assert_int_equal(c->climbed, 0);
    assert_int_equal(town_until(t, TOWN_NOON + 660 * MIN), 2);
    kit_ok(
        town_move(t, TOWN_CITY_ANALYST, "approve", "{\"colour\":\"red\"}"), &t->note);
    assert_int_equal(town_move(t, TOWN_CITY_BOSS, "extend", "{\"more\":60}"), ERR_GATE);
    town_replays(t);
}

static void
a_held_clock_stays_held_until_told(void **state)
{
    struct town *t = *state;
    opens(t);
    kit_ok(town_move(t, TOWN_CITY_BOSS, "hold_clock", NULL), &t->note);
    const struct matter_clock *c = town_clock(t, "whole_time");
    assert_int_equal(c->state, CLOCK_HELD);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "submit", "{\"colour\":\"red\"}"), &t->note);
    kit_ok(town_move(t, TOWN_CITY_BOSS, "ask", NULL), &t->note);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "answer", "{\"remark\":\"ok\"}"), &t->note);
    assert_int_equal(c->state, CLOCK_HELD);
    kit_ok(town_move(t, TOWN_CITY_BOSS, "let_clock_run", NULL), &t->note);
    assert_int_equal(c->state, CLOCK_RUNNING);
    town_replays(t);
}

/* The wall clock steps back: nothing is given back, nothing runs backwards. */
static void
a_step_back_of_the_clock_costs_nothing(void **state)
{
    struct town *t = *state;
    opens(t);
    town_wait(t, 10 * MIN);
    submits(t);
    t->env.now -= 5 * MIN;
    kit_ok(town_move(t, TOWN_CITY_BOSS, "ask", NULL), &t->note);
    assert_int_equal(town_clock(t, "whole_time")->consumed_ms, 5 * MIN);
    t->env.now -= 60 * MIN;
    kit_ok(town_move(t, TOWN_CITY_DUTY, "answer", "{\"remark\":\"ok\"}"), &t->note);
    t->env.now -= 60 * MIN;
    kit_ok(town_move(t, TOWN_CITY_BOSS, "ask", NULL), &t->note);
    assert_int_equal(town_clock(t, "whole_time")->consumed_ms, 5 * MIN);
}

/* ---- ladders ---- */

static void
rungs_fire_once_each_in_order(void **state)
{
    struct town *t = *state;
    opens(t);
    struct matter_actor boss = town_actor(TOWN_CITY_BOSS);
    assert_int_equal(matter_due(&t->m), TOWN_NOON + 30 * MIN);
    assert_int_equal(town_wait(t, 30 * MIN - 1), 0);
    assert_int_equal(town_wait(t, 1), 1);
    assert_false(matter_mine(&t->m, &boss, t->orgs));
    assert_int_equal(town_wait(t, 30 * MIN), 1);
    assert_int_equal(t->m.level, 2);
    assert_true(matter_mine(&t->m, &boss, t->orgs));
    assert_int_equal(town_wait(t, 30 * MIN), 1);
    assert_int_equal(t->m.level, 3);
    assert_int_equal(town_wait(t, 300 * MIN), 0);
    assert_int_equal(town_clock(t, "drafting_time")->fired_ms[1], TOWN_NOON + 60 * MIN);
    town_replays(t);
}

/* Two clocks due at one instant: the order of the file decides. */
static void
a_tie_goes_by_the_order_of_the_file(void **state)
{
    static const char twins[] =
        "loop: twins\nversion: 1\nzh: 甲\nen: twins\nprefix: TW\n"
        "roles: {r: {zh: 甲, en: r, any_of: [{post: [duty]}]}}\n"
        "by_hand: {roles: [r]}\n"
        "states: {s: {zh: 甲, en: s, kind: start}, e: {zh: 乙, en: e, kind: "
        "terminal}}\n"
        "clocks:\n"
        "  one: {zh: 甲, en: one, budget: 1h, start_on: [s]}\n"
        "  two: {zh: 乙, en: two, budget: 30min, start_on: [s]}\n"
        "moves: {m: {zh: 甲, en: m, from: [s], to: e, roles: [r]}}\n"
        "ladders:\n"
        "  two: [{at: 100%, zh: 乙, en: second, do: [{notify: r}]}]\n"
        "  one: [{at: 50%, zh: 甲, en: first, do: [{notify: r}]}]\n";
    struct town *t = *state;
    static struct matter_event e;
    kit_ok(loop_defs_add(t->defs, span_cstr(twins), "twins", &t->note), &t->note);
    kit_ok(town_open(t, "twins", TOWN_CITY_DUTY, NULL), &t->note);
    assert_int_equal(town_wait(t, 30 * MIN), 2);
    static const char *const order[] = {"first", "second"};
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(matter_event_decode(t->m.def, town_event(t, i + 1), &e), OK);
        assert_string_equal(t->m.def->clocks[e.clock].rungs[e.rung].label.en, order[i]);
    }
}

/* steedos/workflow#1965: what the machine did for want of a person is marked so. */
static void
workflow_1965_a_timer_move_is_marked(void **state)
{
    struct town *t = *state;
    static struct matter_event e;
    opens(t);
    submits(t);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "carry", "{\"porter\":1}"), &t->note);
    assert_int_equal(town_wait(t, 10 * MIN), 1);
    town_in(t, "checking");
    assert_int_equal(t->units[1].status, UNIT_READY);
    assert_int_equal(
        matter_event_decode(t->m.def, town_event(t, t->events - 1), &e), OK);
    assert_int_equal(e.kind, MATTER_RUNG);
    assert_int_equal(e.by.v, 0);
    assert_string_equal(t->m.def->moves[e.move].name, "lapse");
    assert_int_equal(t->m.previous.v, TOWN_CITY_DUTY);
    town_replays(t);
}

/* statelyai/xstate#5331: timers survive a restart; late ones fire once, in due order.
 */
static void
xstate_5331_late_rungs_after_a_restart(void **state)
{
    struct town *t = *state;
    static struct matter_event e;
    opens(t);
    struct matter again = {0};
    for (unsigned i = 0; i < t->events; i++)
        assert_int_equal(matter_apply(&again, t->m.def, town_event(t, i)), OK);
    assert_int_equal(matter_due(&again), matter_due(&t->m));
    t->env.now += 2000 * MIN; /* the service was down */
    static const char *const order[] = {
        "remind", "late", "very late", "nearly over", "over"};
    for (unsigned i = 0; i < 5; i++) {
        struct buf b = {0};
        assert_int_equal(matter_fire(&again, &t->env, &b), OK);
        assert_int_equal(matter_event_decode(again.def, span_of(b.p, b.n), &e), OK);
        assert_string_equal(
            again.def->clocks[e.clock].rungs[e.rung].label.en, order[i]);
        assert_int_equal(e.at_ms, t->env.now);
        assert_int_equal(matter_apply(&again, NULL, span_of(b.p, b.n)), OK);
        buf_release(&b);
    }
    struct buf none = {0};
    assert_int_equal(matter_fire(&again, &t->env, &none), OK);
    assert_int_equal(none.n, 0);
    assert_int_equal(matter_due(&again), INT64_MAX);
    matter_release(&again);
}

/* ---- messages ---- */

static void
messages_are_heard_where_a_move_listens(void **state)
{
    struct town *t = *state;
    opens(t);
    unsigned before = t->events;
    kit_ok(town_tell(t, "nobody_listens", NULL, 0), &t->note);
    assert_int_equal(t->events, before);
    kit_ok(town_tell(t, "weighed", "{\"weight\":7,\"other\":1}", 3), &t->note);
    assert_int_equal(t->events, before + 1);
    assert_int_equal(t->m.level, 3);
    assert_int_equal(t->m.previous.v, TOWN_CITY_DUTY);
    town_in(t, "drafting");
    kit_ok(town_tell(t, "gone", NULL, 0), &t->note);
    town_in(t, "torn_up");
    kit_ok(town_tell(t, "gone", NULL, 0), &t->note);
    town_replays(t);
}

/* ---- faces ---- */

static json_t *
moves_for(struct town *t, unsigned person)
{
    struct buf b = {0};
    struct matter_actor by = town_actor(person);
    matter_moves_json(&b, &t->m, &by, &t->env);
    json_error_t e;
    json_t *j = json_loadb((char *)b.p, b.n, 0, &e);
    if (!j)
        fail_msg("%.*s: %s", (int)b.n, (char *)b.p, e.text);
    buf_release(&b);
    return j;
}

static const json_t *
named(const json_t *list, const char *name)
{
    size_t i;
    const json_t *row;
    json_array_foreach(list, i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0)
            return row;
    }
    return NULL;
}

static void
moves_show_what_may_be_done_and_why_not(void **state)
{
    struct town *t = *state;
    opens(t);
    json_t *duty = moves_for(t, TOWN_CITY_DUTY), *admin = moves_for(t, TOWN_ADMIN);
    assert_int_equal(json_array_size(admin), 0);
    const json_t *submit = named(duty, "submit");
    assert_non_null(submit);
    assert_true(json_is_false(json_object_get(submit, "allowed")));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(submit, "reason"), "zh")),
        "页数不足或未选颜色");
    const json_t *field = json_array_get(json_object_get(submit, "fields"), 0);
    assert_string_equal(json_string_value(json_object_get(field, "name")), "colour");
    assert_true(json_is_true(json_object_get(field, "required")));
    assert_int_equal(json_array_size(json_object_get(field, "options")), 3);
    assert_null(named(duty, "shelve"));
    assert_null(named(duty, "approve"));
    assert_true(json_is_false(json_object_get(named(duty, "lift"), "allowed")));
    assert_true(json_is_true(json_object_get(named(duty, "lower"), "allowed")));
    const json_t *same = named(duty, "describe");
    assert_string_equal(json_string_value(json_object_get(same, "to")), "drafting");
    json_decref(duty);
    json_decref(admin);
}

static void
clocks_and_journal_read_back(void **state)
{
    struct town *t = *state;
    static struct matter_event e;
    struct buf b = {0};
    opens(t);
    town_wait(t, 35 * MIN);
    matter_clocks_json(&b, &t->m, t->env.now);
    json_t *clocks = json_loadb((char *)b.p, b.n, 0, NULL);
    assert_non_null(clocks);
    const json_t *c = json_array_get(clocks, 0);
    assert_string_equal(json_string_value(json_object_get(c, "state")), "running");
    assert_int_equal(json_integer_value(json_object_get(c, "consumed_ms")), 35 * MIN);
    assert_int_equal(json_array_size(json_object_get(c, "fired")), 1);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(c, "next_rung"), "at_ms")),
        TOWN_NOON + 60 * MIN);
    json_decref(clocks);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "lower", "{\"below\":2}"), &t->note);
    buf_clear(&b);
    buf_u8(&b, '[');
    for (unsigned i = 0; i < t->events; i++) {
        assert_int_equal(matter_event_decode(t->m.def, town_event(t, i), &e), OK);
        if (i)
            buf_u8(&b, ',');
        matter_event_json(&b, t->m.def, &e, &t->env);
    }
    buf_text(&b, ",");
    matter_brief_json(&b, &t->m, &t->env);
    buf_u8(&b, ']');
    json_t *rows = json_loadb((char *)b.p, b.n, 0, NULL);
    assert_non_null(rows);
    const json_t *opened = json_array_get(rows, 0), *rung = json_array_get(rows, 1);
    const json_t *lower = json_array_get(rows, 2), *brief = json_array_get(rows, 3);
    assert_true(json_is_null(json_object_get(opened, "from")));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(opened, "by"), "role")),
        "duty");
    assert_true(json_is_null(json_object_get(rung, "by")));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(lower, "text"), "zh")),
        "下发 一大队");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(lower, "fields"), "below")),
        2);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(brief, "owner"), "text")),
        "一大队");
    json_decref(rows);
    buf_release(&b);
}

/* ---- the fold ---- */

/* basiltt/xstate-statemachine#102: no torn state. A refused event leaves the matter as
 * it was. */
static void
xstate_102_a_bad_event_changes_nothing(void **state)
{
    struct town *t = *state;
    struct buf before = {0}, after = {0};
    opens(t);
    submits(t);
    town_dump(&t->m, &before);
    struct span last = town_event(t, t->events - 1);
    for (size_t n = 0; n < last.n; n++)
        assert_int_equal(matter_apply(&t->m, NULL, span_of(last.p, n)), ERR_CORRUPT);
    assert_int_equal(matter_apply(&t->m, NULL, last), ERR_CORRUPT); /* seq is spent */
    assert_int_equal(matter_apply(&t->m, NULL, town_event(t, 0)), ERR_CORRUPT);
    town_dump(&t->m, &after);
    assert_int_equal(before.n, after.n);
    assert_memory_equal(before.p, after.p, before.n);
    buf_release(&before);
    buf_release(&after);
}

static void
a_copy_is_the_same_and_its_own(void **state)
{
    struct town *t = *state;
    struct matter copy = {0};
    struct buf a = {0}, b = {0};
    opens(t);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "describe", "{\"remark\":\"abc\"}"), &t->note);
    assert_int_equal(matter_copy(&copy, &t->m), OK);
    town_dump(&t->m, &a);
    submits(t);
    town_dump(&copy, &b);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.p, b.p, a.n);
    matter_release(&copy);
    matter_release(&copy);
    struct matter none = {0};
    assert_int_equal(matter_copy(&copy, &none), OK);
    buf_release(&a);
    buf_release(&b);
}

/* One random act; what it is depends on r only. */
static void
random_act(struct town *t, struct kit_rand *r)
{
    const struct loop_move *mv = &t->m.def->moves[kit_rand_below(r, t->m.def->moves_n)];
    char form[400] = "{";
    static const char *const values[] = {
        [LOOP_TEXT] = "\"abc\"",
        [LOOP_NOTE] = "\"a note\"",
        [LOOP_CHOICE] = "\"red\"",
        [LOOP_FLAG] = "true",
        [LOOP_NUMBER] = "5",
        [LOOP_TIME] = "1780000000000",
        [LOOP_UNIT] = "1",
        [LOOP_USER] = "3",
        [LOOP_ORG] = "2",
        [LOOP_PLATE] = "\"\"",
        [LOOP_POINT] = "{\"lon\":1,\"lat\":2}",
        [LOOP_FILES] = "[\"f1\"]"};
    for (unsigned i = 0; i < mv->asks_n; i++) {
        const struct loop_field *f = &t->m.def->fields[mv->asks[i].field];
        if (!mv->asks[i].required && kit_rand_below(r, 2))
            continue;
        size_t at = strlen(form);
        snprintf(
            form + at, sizeof form - at, "%s\"%s\":%s", at > 1 ? "," : "", f->name,
            values[f->type]);
    }
    strncat(form, "}", sizeof form - strlen(form) - 1);
    uint32_t what = kit_rand_below(r, 10);
    unsigned person = 1 + kit_rand_below(r, TOWN_PEOPLE - 1);
    if (what == 0)
        town_wait(t, (int64_t)kit_rand_below(r, 90) * MIN);
    else if (what == 1)
        town_tell(t, kit_rand_below(r, 8) ? "weighed" : "gone", "{\"weight\":1}", 2);
    else
        town_move(t, person, mv->name, form);
}

/* Same acts, same bytes; and the fold of the bytes is the matter. */
static void
random_lives_replay_to_the_byte(void **state)
{
    (void)state;
    static struct town a, b;
    for (uint64_t seed = 1; seed <= kit_rounds(60, 3000); seed++) {
        struct kit_rand ra = {seed}, rb = {seed};
        town_begin(&a, TOY);
        town_begin(&b, TOY);
        opens(&a);
        opens(&b);
        for (int i = 0; i < 150; i++) {
            random_act(&a, &ra);
            random_act(&b, &rb);
        }
        assert_int_equal(a.journal.n, b.journal.n);
        assert_memory_equal(a.journal.p, b.journal.p, a.journal.n);
        town_replays(&a);
        town_end(&a);
        town_end(&b);
    }
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_paper_from_opening_to_filing),
        T(a_rule_opens_one_with_inputs_only),
        T(only_a_maker_opens_by_hand),
        T(an_opening_is_checked),
        T(a_move_is_refused_for_its_reason),
        T(platform_535_two_persons_in_conflict),
        T(a_required_field_is_given_with_this_move),
        T(every_type_of_field_is_checked),
        T(values_come_and_go),
        T(frappe_33833_creator_and_previous),
        T(frappe_20718_several_roles_one_state),
        T(the_tree_decides_who_is_above),
        T(handing_down_goes_level_by_level),
        T(resgrid_273_closing_frees_the_unit),
        T(a_unit_is_sent_only_when_it_can_go),
        T(the_crew_is_who_was_sent),
        T(a_clock_runs_pauses_and_stops),
        T(libredesk_70_leaving_cancels_the_clock),
        T(zammad_5177_coming_back_starts_anew_or_goes_on),
        T(glpi_6902_extending_while_paused),
        T(camunda_18815_due_date_is_changed),
        T(a_held_clock_stays_held_until_told),
        T(a_step_back_of_the_clock_costs_nothing),
        T(rungs_fire_once_each_in_order),
        T(a_tie_goes_by_the_order_of_the_file),
        T(workflow_1965_a_timer_move_is_marked),
        T(xstate_5331_late_rungs_after_a_restart),
        T(messages_are_heard_where_a_move_listens),
        T(moves_show_what_may_be_done_and_why_not),
        T(clocks_and_journal_read_back),
        T(xstate_102_a_bad_event_changes_nothing),
        T(a_copy_is_the_same_and_its_own),
        cmocka_unit_test(random_lives_replay_to_the_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
