/* SPDX-License-Identifier: Apache-2.0 */
/* The loops we ship: lint, every (state, move, role), whole lives, and that the machine
 * knows none of their names. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loops/loop_def.h"
#include "loops/matter.h"
#include "model/alarm.h"

#include "kit/kit.h"

#include "loops/town_test.h"

#define SHIPPED "definitions/loops"
#define SEC INT64_C(1000)
#define MIN (60 * SEC)
#define HOUR (60 * MIN)

static struct town town;

static int
set_up(void **state)
{
    *state = &town;
    town_begin(&town, SHIPPED);
    return 0;
}

static int
tear_down(void **state)
{
    town_end(*state);
    return 0;
}

/* ---- the definitions themselves ---- */

static void
tell(void *ctx, const struct loop_finding *f)
{
    (void)ctx;
    print_message(
        "%s:%u:%u: %s %s: %s\n", f->file, f->pos.line, f->pos.column,
        f->error ? "error" : "warning", f->path, f->en);
    assert_true(f->zh[0] && f->en[0]);
}

static void
shipped_loops_pass_the_lint(void **state)
{
    struct town *t = *state;
    size_t n = 0;
    for (const struct loop_def *d; (d = loop_defs_at(t->defs, n)); n++) {
        assert_int_equal(loop_lint(d, tell, NULL), 0);
        struct buf b = {0};
        loop_def_json(&b, d);
        json_t *j = json_loadb((char *)b.p, b.n, 0, NULL);
        assert_non_null(j);
        json_decref(j);
        buf_release(&b);
    }
    assert_true(n >= 2);
    assert_non_null(loop_def_opened_by(t->defs, SPAN("alarm")));
    const struct loop_def *inquiry = loop_def_find(t->defs, SPAN("inquiry"));
    assert_non_null(inquiry);
    assert_true(inquiry->by_hand);
}

/* docs/loops.md shows the diagram that the file gives. */
static void
the_docs_show_the_loops_as_they_are(void **state)
{
    struct town *t = *state;
    static char doc[65536];
    int fd = open("docs/loops.md", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = read(fd, doc, sizeof doc - 1);
    close(fd);
    assert_true(n > 0);
    const struct loop_def *d;
    for (size_t i = 0; (d = loop_defs_at(t->defs, i)); i++) {
        struct buf b = {0};
        loop_def_diagram(&b, d, false);
        if (!memmem(doc, (size_t)n, b.p, b.n))
            fail_msg("docs/loops.md lacks:\n%.*s", (int)b.n, (char *)b.p);
        buf_release(&b);
    }
}

/* ---- every (state, move, role) ---- */

/* A value that passes for a field, as JSON. */
static void
a_value(const struct loop_field *f, char *dst, size_t cap)
{
    switch (f->type) {
    case LOOP_CHOICE:
        snprintf(dst, cap, "\"%s\"", f->options[0].value);
        break;
    case LOOP_FLAG:
        snprintf(dst, cap, "true");
        break;
    case LOOP_NUMBER:
        snprintf(dst, cap, "%g", f->min > 1 ? f->min : 1);
        break;
    case LOOP_TIME:
        snprintf(dst, cap, "%lld", (long long)TOWN_NOON);
        break;
    case LOOP_UNIT:
        snprintf(dst, cap, "1");
        break;
    case LOOP_USER:
        snprintf(dst, cap, "%d", TOWN_CITY_ANALYST);
        break;
    case LOOP_ORG:
        snprintf(dst, cap, "%d", TOWN_NORTH);
        break;
    case LOOP_PLATE:
        snprintf(dst, cap, "\"晋A00001\"");
        break;
    case LOOP_POINT:
        snprintf(dst, cap, "{\"lon\":112.5,\"lat\":37.8}");
        break;
    case LOOP_FILES:
        snprintf(dst, cap, "[\"f1\"]");
        break;
    default:
        snprintf(dst, cap, "\"some words\"");
        break;
    }
}

static void
a_form(
    const struct loop_def *d, const struct loop_move *mv, bool all, char *dst,
    size_t cap)
{
    snprintf(dst, cap, "{");
    for (unsigned i = 0; i < mv->asks_n; i++) {
        char value[80];
        const struct loop_field *f = &d->fields[mv->asks[i].field];
        size_t at = strlen(dst);
        if (!all && !mv->asks[i].required)
            continue;
        a_value(f, value, sizeof value);
        snprintf(dst + at, cap - at, "%s\"%s\":%s", at > 1 ? "," : "", f->name, value);
    }
    strncat(dst, "}", cap - strlen(dst) - 1);
}

static unsigned
posts_of(unsigned person)
{
    return town_actor(person).roles;
}

/* Puts a copy of the matter into a state and has everybody try a move: who holds a role
 * of it in a state it starts from gets through to its gates and form, everybody else is
 * refused for the right reason, and nobody changes anything by being refused. */
static unsigned
try_everybody(struct town *t, unsigned state, unsigned move)
{
    unsigned made = 0;
    const struct loop_def *d = t->m.def;
    const struct loop_move *mv = &d->moves[move];
    char form[1200];
    a_form(d, mv, true, form, sizeof form);
    json_t *fields = town_json(form);
    for (unsigned person = 1; person < TOWN_PEOPLE; person++) {
        struct matter_actor by = town_actor(person);
        struct matter copy = {0};
        struct buf event = {0};
        struct note note = {0};
        assert_int_equal(matter_copy(&copy, &t->m), OK);
        copy.state = (uint16_t)state;
        bool holds = false;
        for (unsigned r = 0; r < d->roles_n; r++)
            holds =
                holds || ((mv->roles >> r & 1) && matter_holds(&copy, r, &by, t->orgs));
        enum err e = matter_move(
            &copy, span_cstr(mv->name), copy.seq, fields, &by, &t->env, &event, &note);
        if (mv->on != LOOP_ON_ACTION) {
            assert_int_equal(e, ERR_NOTFOUND);
        } else if (!holds) {
            assert_int_equal(e, ERR_DENIED);
        } else if (!(mv->from >> state & 1)) {
            assert_int_equal(e, ERR_GATE);
        } else if (e == OK) {
            static struct matter_event ev;
            assert_int_equal(
                matter_event_decode(d, span_of(event.p, event.n), &ev), OK);
            assert_int_equal(ev.from, state);
            assert_int_equal(ev.to, mv->stays ? state : mv->to);
            assert_int_equal(ev.by.v, by.user.v);
            made++;
            assert_true(mv->roles >> ev.role & 1);
            assert_int_equal(ev.posts, posts_of(person));
            assert_int_equal(matter_apply(&copy, NULL, span_of(event.p, event.n)), OK);
            if (d->states[copy.state].kind == LOOP_TERMINAL)
                assert_int_equal(matter_due(&copy), INT64_MAX);
        } else { /* a gate, or a unit and a node that do not fit this matter */
            assert_true(e == ERR_GATE || e == ERR_INPUT);
            assert_true(note.zh[0] && note.en[0]);
        }
        if (e)
            assert_int_equal(event.n, 0);
        buf_release(&event);
        matter_release(&copy);
    }
    json_decref(fields);
    return made;
}

/* With each required field left out, the move names it. */
static void
try_without_each_field(struct town *t, unsigned state, unsigned move)
{
    const struct loop_def *d = t->m.def;
    const struct loop_move *mv = &d->moves[move];
    for (unsigned i = 0; i < mv->asks_n; i++) {
        char form[1200];
        const char *left_out = d->fields[mv->asks[i].field].name;
        if (!mv->asks[i].required || !(mv->from >> state & 1) ||
            mv->on != LOOP_ON_ACTION)
            continue;
        a_form(d, mv, false, form, sizeof form);
        json_t *fields = town_json(form);
        json_object_del(fields, left_out);
        for (unsigned person = 1; person < TOWN_PEOPLE; person++) {
            struct matter_actor by = town_actor(person);
            struct matter copy = {0};
            struct buf event = {0};
            struct note note = {0};
            assert_int_equal(matter_copy(&copy, &t->m), OK);
            copy.state = (uint16_t)state;
            enum err e = matter_move(
                &copy, span_cstr(mv->name), copy.seq, fields, &by, &t->env, &event,
                &note);
            assert_true(e == ERR_DENIED || e == ERR_GATE);
            if (e == ERR_GATE) {
                assert_string_equal(note.code, "field_required");
                assert_string_equal(note.field, left_out);
            }
            buf_release(&event);
            matter_release(&copy);
        }
        json_decref(fields);
    }
}

/* As if everything a flag stands for had happened: gates that wait for it are open. */
static void
set_every_flag(struct matter *m)
{
    struct matter_value flags[LOOP_MAX_FIELDS];
    unsigned n = 0;
    for (unsigned f = 0; f < m->def->fields_n; f++) {
        const struct matter_value *v = matter_value(m, f);
        if (m->def->fields[f].type == LOOP_FLAG)
            flags[n++] = (struct matter_value){
                .field = (uint16_t)f, .type = LOOP_FLAG, .flag = true};
        else if (v && v->type != LOOP_TEXT)
            flags[n++] = *v;
    }
    free(m->values);
    m->values = calloc(n + 1, sizeof *m->values);
    assert_non_null(m->values);
    memcpy(m->values, flags, n * sizeof *flags);
    m->values_n = m->values_room = (uint16_t)n;
}

static void
every_state_move_and_role(void **state)
{
    struct town *t = *state;
    unsigned tried = 0;
    const struct loop_def *d;
    for (size_t n = 0; (d = loop_defs_at(t->defs, n)); n++) {
        kit_ok(
            town_open(
                t, d->kind, d->by_hand ? TOWN_CITY_DUTY : 0,
                d->by_hand ? NULL : "{\"contradiction\":0,\"stop\":true}"),
            &t->note);
        unsigned made[LOOP_MAX_MOVES] = {0};
        for (unsigned round = 0; round < 3; round++) {
            if (round == 2) /* the same with every flag set */
                set_every_flag(&t->m);
            if (round == 1) { /* the same with a unit sent and one level down */
                t->m.path[0] = t->m.org;
                t->m.path_n = 1;
                t->m.org.v = TOWN_NORTH;
                t->m.unit.v = 1;
                t->units[1].matter = t->m.id.v;
                t->units[1].status = UNIT_ASSIGNED;
            }
            for (unsigned s = 0; s < d->states_n; s++) {
                for (unsigned i = 0; i < d->moves_n; i++, tried++) {
                    made[i] += try_everybody(t, s, i);
                    try_without_each_field(t, s, i);
                }
            }
        }
        for (unsigned i = 0; i < d->moves_n; i++) /* what nobody passes tests nothing */
            if (d->moves[i].on == LOOP_ON_ACTION && !made[i])
                fail_msg("%s: nobody ever made move %s", d->kind, d->moves[i].name);
    }
    print_message(
        "%u (state, move) pairs, each by %d people\n", tried, TOWN_PEOPLE - 1);
    assert_true(tried > 500);
}

/* ---- lives of an alarm ---- */

static void
alarm_comes(struct town *t, const char *inputs)
{
    kit_ok(town_open(t, "alarm", 0, inputs), &t->note);
    town_in(t, "to_be_signed_for");
}

static void
a_whole_life(void **state)
{
    struct town *t = *state;
    alarm_comes(
        t,
        "{\"rule\":\"watch\",\"probability\":0.97,\"contradiction\":0,\"stop\":true}");
    assert_int_equal(matter_due(&t->m), TOWN_NOON + 60 * SEC);
    assert_int_equal(town_clock(t, "alarm_signing")->due_ms, TOWN_NOON + 2 * MIN);
    town_wait(t, 40 * SEC);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "sign", NULL), &t->note);
    assert_int_equal(t->m.owner.v, TOWN_CITY_DUTY);
    assert_int_equal(town_clock(t, "alarm_signing")->state, CLOCK_STOPPED);
    assert_int_equal(town_clock(t, "alarm_signing")->consumed_ms, 40 * SEC);
    assert_int_equal(town_clock(t, "feeding_back")->due_ms, t->env.now + 24 * HOUR);
    kit_ok(town_move(t, TOWN_CITY_ANALYST, "judge_valid", NULL), &t->note);
    assert_int_equal(
        town_move(t, TOWN_CITY_DUTY, "send", "{\"unit_to_send\":4}"), ERR_GATE);
    kit_ok(
        town_move(
            t, TOWN_CITY_DUTY, "send", "{\"unit_to_send\":1,\"order_note\":\"向北\"}"),
        &t->note);
    town_in(t, "order_out");
    assert_int_equal(t->m.unit_dist_m, 400);
    assert_int_equal(town_clock(t, "order_signing")->due_ms, t->env.now + 10 * MIN);
    town_wait(t, 2 * MIN);
    assert_int_equal(town_move(t, TOWN_CREW_3, "take_order", NULL), ERR_DENIED);
    kit_ok(town_move(t, TOWN_CREW_1, "take_order", NULL), &t->note);
    assert_int_equal(t->m.owner.v, TOWN_CREW_1);
    assert_int_equal(town_clock(t, "order_signing")->state, CLOCK_STOPPED);
    assert_int_equal(t->units[1].status, UNIT_EN_ROUTE);
    kit_ok(town_move(t, TOWN_CREW_1, "arrive", NULL), &t->note);
    assert_int_equal(t->units[1].status, UNIT_ON_SCENE);
    kit_ok(town_move(t, TOWN_CREW_1, "halt", NULL), &t->note);
    assert_int_equal(town_move(t, TOWN_CREW_1, "feed_back", NULL), ERR_GATE);
    assert_string_equal(t->note.field, "outcome");
    kit_ok(
        town_move(
            t, TOWN_CREW_1, "feed_back",
            "{\"outcome\":\"hit\",\"result_note\":\"已查扣\",\"result_files\":[\"f1\"]"
            "}"),
        &t->note);
    town_in(t, "fed_back");
    assert_int_equal(t->m.verdict, LOOP_VERDICT_TRUE);
    assert_int_equal(t->units[1].status, UNIT_READY);
    assert_int_equal(matter_due(&t->m), INT64_MAX);
    assert_int_equal(t->m.level, LEVEL_BLUE);
    town_replays(t);
    /* an outcome that was wrong is corrected by a supervisor, and counts anew */
    assert_int_equal(
        town_move(
            t, TOWN_CREW_1, "correct_outcome",
            "{\"outcome\":\"misread\",\"correction_reason\":\"复核\"}"),
        ERR_DENIED);
    kit_ok(
        town_move(
            t, TOWN_CITY_BOSS, "correct_outcome",
            "{\"outcome\":\"misread\",\"correction_reason\":\"复核\"}"),
        &t->note);
    assert_int_equal(t->m.verdict, LOOP_VERDICT_FALSE);
    assert_int_equal(matter_due(&t->m), INT64_MAX);
    town_replays(t);
}

static void
a_contradiction_blocks_the_stop_until_a_person_compared(void **state)
{
    struct town *t = *state;
    alarm_comes(t, "{\"contradiction\":3,\"stop\":true}");
    assert_true(matter_stop_blocked(&t->m, t->env.now));
    kit_ok(town_move(t, TOWN_CITY_DUTY, "sign", NULL), &t->note);
    assert_int_equal(town_move(t, TOWN_CITY_DUTY, "judge_valid", NULL), ERR_GATE);
    assert_string_equal(t->note.field, "pictures");
    assert_non_null(strstr(t->note.zh, "比对照片"));
    assert_int_equal(/* nobody can tick it: it is not on any form */
                     town_move(
                         t, TOWN_CITY_DUTY, "judge_valid",
                         "{\"pictures_compared\":true}"),
                     ERR_INPUT);
    assert_int_equal(town_move(t, TOWN_CITY_DUTY, "compare", NULL), ERR_GATE);
    kit_ok(
        town_move(t, TOWN_CITY_DUTY, "compare", "{\"comparison\":\"differs\"}"),
        &t->note);
    town_in(t, "to_be_judged");
    assert_false(matter_stop_blocked(&t->m, t->env.now));
    kit_ok(town_move(t, TOWN_CITY_DUTY, "judge_valid", NULL), &t->note);
    /* a late record shows another contradiction: compared is no longer compared */
    kit_ok(
        town_tell(t, "revised", "{\"contradiction\":7,\"probability\":0.5}", 0),
        &t->note);
    assert_true(matter_stop_blocked(&t->m, t->env.now));
    assert_int_equal(
        town_move(t, TOWN_CITY_DUTY, "send", "{\"unit_to_send\":1}"), ERR_GATE);
    kit_ok(
        town_move(t, TOWN_CITY_DUTY, "compare", "{\"comparison\":\"same\"}"), &t->note);
    kit_ok(town_tell(t, "revised", "{\"probability\":0.6}", 0), &t->note);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "send", "{\"unit_to_send\":1}"), &t->note);
    town_replays(t);
    /* nothing known of the contradiction: closed, not open */
    alarm_comes(t, "{\"stop\":true}");
    assert_true(matter_stop_blocked(&t->m, t->env.now));
}

static void
a_watch_to_observe_never_stops_anybody(void **state)
{
    struct town *t = *state;
    alarm_comes(t, "{\"contradiction\":0,\"stop\":false}");
    assert_false(matter_stop_blocked(&t->m, t->env.now)); /* nothing to compare */
    kit_ok(town_move(t, TOWN_CITY_DUTY, "sign", NULL), &t->note);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "judge_valid", NULL), &t->note);
    assert_int_equal(
        town_move(t, TOWN_CITY_DUTY, "send", "{\"unit_to_send\":1}"), ERR_GATE);
    assert_string_equal(t->note.field, "stoppable");
    kit_ok(
        town_move(t, TOWN_CITY_DUTY, "send_nobody", "{\"not_sent_reason\":\"管控\"}"),
        &t->note);
    kit_ok(
        town_move(
            t, TOWN_CITY_DUTY, "feed_back",
            "{\"outcome\":\"hit_not_stopped\",\"result_note\":\"已记录\"}"),
        &t->note);
    assert_int_equal(t->m.verdict, LOOP_VERDICT_TRUE);
    town_replays(t);
}

static void
handed_down_city_brigade_squad_with_signing_at_each(void **state)
{
    struct town *t = *state;
    alarm_comes(t, "{\"contradiction\":0,\"stop\":true}");
    kit_ok(town_move(t, TOWN_CITY_DUTY, "sign", NULL), &t->note);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "judge_valid", NULL), &t->note);
    assert_int_equal(
        town_move(t, TOWN_CITY_DUTY, "hand_on", "{\"to_unit\":4}"), ERR_INPUT);
    kit_ok(
        town_move(
            t, TOWN_CITY_DUTY, "hand_on",
            "{\"to_unit\":2,\"handing_note\":\"请安排拦截\"}"),
        &t->note);
    town_in(t, "handed_on");
    assert_int_equal(t->m.org.v, TOWN_NORTH);
    assert_int_equal(t->m.owner.v, 0);
    assert_int_equal(town_clock(t, "order_signing")->due_ms, t->env.now + 10 * MIN);
    /* neither the city nor another brigade signs for it, nor does the city send over
     * its head */
    assert_int_equal(town_move(t, TOWN_CITY_DUTY, "sign_order", NULL), ERR_DENIED);
    assert_int_equal(town_move(t, TOWN_SOUTH_DUTY, "sign_order", NULL), ERR_DENIED);
    kit_ok(town_move(t, TOWN_NORTH_DUTY, "sign_order", NULL), &t->note);
    town_in(t, "to_be_ordered");
    assert_int_equal(t->m.owner.v, TOWN_NORTH_DUTY);
    assert_int_equal(town_clock(t, "order_signing")->state, CLOCK_STOPPED);
    kit_ok(town_move(t, TOWN_NORTH_DUTY, "hand_on", "{\"to_unit\":4}"), &t->note);
    assert_int_equal(t->m.path_n, 2);
    assert_int_equal(town_move(t, TOWN_NORTH_DUTY, "sign_order", NULL), ERR_DENIED);
    kit_ok(town_move(t, TOWN_FIRST_LEADER, "sign_order", NULL), &t->note);
    assert_int_equal(/* the squad sends its own units only */
                     town_move(t, TOWN_FIRST_LEADER, "send", "{\"unit_to_send\":2}"),
                     ERR_INPUT);
    kit_ok(town_move(t, TOWN_FIRST_LEADER, "send", "{\"unit_to_send\":1}"), &t->note);
    kit_ok(town_move(t, TOWN_CREW_1, "take_order", NULL), &t->note);
    kit_ok(
        town_move(t, TOWN_CREW_1, "miss", "{\"missed_note\":\"驶出辖区\"}"), &t->note);
    assert_int_equal(t->units[1].status, UNIT_READY);
    kit_ok(/* the crew is gone, its officer still owes the feedback */
           town_move(
               t, TOWN_CREW_1, "feed_back",
               "{\"outcome\":\"hit_not_stopped\",\"result_note\":\"未拦到\"}"),
           &t->note);
    town_replays(t);
}

static void
given_back_and_called_back(void **state)
{
    struct town *t = *state;
    alarm_comes(t, "{\"contradiction\":0,\"stop\":true}");
    kit_ok(town_move(t, TOWN_CITY_DUTY, "sign", NULL), &t->note);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "judge_valid", NULL), &t->note);
    assert_int_equal(
        town_move(t, TOWN_CITY_DUTY, "give_back", "{\"back_reason\":\"不在辖区\"}"),
        ERR_GATE);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "hand_on", "{\"to_unit\":2}"), &t->note);
    assert_int_equal(town_move(t, TOWN_NORTH_DUTY, "give_back", NULL), ERR_GATE);
    kit_ok(
        town_move(t, TOWN_NORTH_DUTY, "give_back", "{\"back_reason\":\"不在辖区\"}"),
        &t->note);
    town_in(t, "to_be_ordered");
    assert_int_equal(t->m.org.v, TOWN_CITY);
    assert_int_equal(t->m.path_n, 0);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "hand_on", "{\"to_unit\":3}"), &t->note);
    assert_int_equal(
        town_move(
            t, TOWN_NORTH_DUTY, "call_back", "{\"back_reason\":\"改由支队处置\"}"),
        ERR_DENIED);
    kit_ok(
        town_move(
            t, TOWN_CITY_DUTY_2, "call_back", "{\"back_reason\":\"改由支队处置\"}"),
        &t->note);
    assert_int_equal(t->m.org.v, TOWN_CITY);
    town_replays(t);
}

static void
an_unjudged_alarm_is_handed_down_and_signed_anew(void **state)
{
    struct town *t = *state;
    alarm_comes(t, "{\"contradiction\":0,\"stop\":true}");
    kit_ok(town_move(t, TOWN_CITY_DUTY, "sign", NULL), &t->note);
    ts_ms fed_back_by = town_clock(t, "feeding_back")->due_ms;
    town_wait(t, MIN);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "pass_down", "{\"to_unit\":2}"), &t->note);
    town_in(t, "to_be_signed_for");
    assert_int_equal(town_clock(t, "alarm_signing")->due_ms, t->env.now + 2 * MIN);
    assert_int_equal(town_move(t, TOWN_CITY_DUTY, "sign", NULL), ERR_DENIED);
    kit_ok(town_move(t, TOWN_NORTH_DUTY, "sign", NULL), &t->note);
    assert_int_equal(town_clock(t, "feeding_back")->due_ms, fed_back_by);
    town_replays(t);
}

static void
overdue_climbs_the_ladder(void **state)
{
    struct town *t = *state;
    struct matter_actor north = town_actor(TOWN_NORTH_BOSS),
                        city = town_actor(TOWN_CITY_BOSS);
    struct matter_actor south = town_actor(TOWN_SOUTH_BOSS);
    alarm_comes(t, "{\"contradiction\":0,\"stop\":true}");
    kit_ok(town_move(t, TOWN_CITY_DUTY, "sign", NULL), &t->note);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "judge_valid", NULL), &t->note);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "hand_on", "{\"to_unit\":2}"), &t->note);
    assert_int_equal(town_wait(t, 5 * MIN), 1);
    assert_false(matter_mine(&t->m, &north, t->orgs));
    assert_int_equal(town_wait(t, 5 * MIN), 1);
    assert_int_equal(t->m.level, LEVEL_YELLOW);
    assert_true(matter_mine(&t->m, &north, t->orgs));
    assert_false(matter_mine(&t->m, &south, t->orgs));
    assert_false(matter_mine(&t->m, &city, t->orgs));
    assert_int_equal(town_wait(t, 5 * MIN), 1);
    assert_true(matter_mine(&t->m, &city, t->orgs));
    assert_int_equal(town_wait(t, 5 * MIN), 0);
    kit_ok(town_move(t, TOWN_NORTH_DUTY, "sign_order", NULL), &t->note);
    assert_false(matter_mine(&t->m, &north, t->orgs)); /* signed: off their lists */
    assert_false(matter_mine(&t->m, &city, t->orgs));
    assert_int_equal(town_wait(t, 23 * HOUR), 1); /* 80 % of feeding back */
    assert_int_equal(town_wait(t, 2 * HOUR), 1);
    assert_true(matter_mine(&t->m, &north, t->orgs));
    assert_int_equal(town_wait(t, 1000 * HOUR), 1);
    assert_true(matter_mine(&t->m, &city, t->orgs));
    town_replays(t);
}

static void
the_alarm_at_the_city_climbs_to_the_board(void **state)
{
    struct town *t = *state;
    struct matter_actor city = town_actor(TOWN_CITY_BOSS);
    alarm_comes(t, "{\"contradiction\":0,\"stop\":true}");
    assert_int_equal(town_wait(t, 2 * MIN), 2);
    assert_int_equal(t->m.level, LEVEL_YELLOW);
    assert_false(matter_mine(&t->m, &city, t->orgs));
    assert_int_equal(town_wait(t, 2 * MIN), 1);
    assert_true(matter_mine(&t->m, &city, t->orgs));
}

static void
a_withdrawal_tells_the_open_matter(void **state)
{
    struct town *t = *state;
    alarm_comes(t, "{\"contradiction\":0,\"stop\":true}");
    kit_ok(town_tell(t, "withdrawn", NULL, 0), &t->note);
    town_in(t, "taken_back");
    assert_true(t->m.closed_ms);
    town_replays(t);

    alarm_comes(t, "{\"contradiction\":0,\"stop\":true}");
    kit_ok(town_move(t, TOWN_CITY_DUTY, "sign", NULL), &t->note);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "judge_valid", NULL), &t->note);
    assert_int_equal(town_move(t, TOWN_CITY_DUTY, "stand_down", NULL), ERR_GATE);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "send", "{\"unit_to_send\":1}"), &t->note);
    kit_ok(town_tell(t, "withdrawn", NULL, 0), &t->note);
    town_in(t, "order_out"); /* somebody is on the road: a person ends it */
    kit_ok(town_move(t, TOWN_CITY_DUTY, "stand_down", NULL), &t->note);
    town_in(t, "taken_back");
    assert_int_equal(t->m.verdict, LOOP_VERDICT_NONE);
    assert_true(t->m.outcome >= 0);
    assert_int_equal(t->units[1].status, UNIT_READY);
    town_replays(t);

    alarm_comes(t, "{\"contradiction\":0,\"stop\":true}");
    kit_ok(town_move(t, TOWN_CITY_DUTY, "sign", NULL), &t->note);
    kit_ok(town_tell(t, "withdrawn", NULL, 0), &t->note);
    kit_ok(town_tell(t, "revised", "{\"contradiction\":0}", 0), &t->note);
    assert_int_equal(town_move(t, TOWN_CITY_DUTY, "stand_down", NULL), ERR_GATE);
}

static void
judged_not_valid_counts_against_camera_and_list(void **state)
{
    struct town *t = *state;
    alarm_comes(t, "{\"contradiction\":1,\"stop\":true}");
    kit_ok(town_move(t, TOWN_CITY_DUTY, "sign", NULL), &t->note);
    assert_int_equal(town_move(t, TOWN_CITY_DUTY, "judge_invalid", NULL), ERR_GATE);
    kit_ok(
        town_move(
            t, TOWN_CITY_DUTY, "judge_invalid", "{\"untrue_reason\":\"misread\"}"),
        &t->note);
    town_in(t, "judged_untrue");
    assert_false(matter_stop_blocked(&t->m, t->env.now)); /* over */
    assert_int_equal(t->m.verdict, LOOP_VERDICT_FALSE);
    kit_ok(
        town_move(t, TOWN_CITY_BOSS, "judge_again", "{\"reopen_reason\":\"复核\"}"),
        &t->note);
    assert_int_equal(t->m.closed_ms, 0);
    assert_int_equal(town_clock(t, "feeding_back")->state, CLOCK_RUNNING);
    town_replays(t);
}

static void
a_crew_that_cannot_go_and_another_that_does(void **state)
{
    struct town *t = *state;
    alarm_comes(t, "{\"contradiction\":0,\"stop\":true}");
    kit_ok(town_move(t, TOWN_CITY_DUTY, "sign", NULL), &t->note);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "judge_valid", NULL), &t->note);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "send", "{\"unit_to_send\":1}"), &t->note);
    kit_ok(
        town_move(
            t, TOWN_CREW_1, "refuse_order", "{\"refuse_reason\":\"正在处置事故\"}"),
        &t->note);
    town_in(t, "to_be_ordered");
    assert_int_equal(t->units[1].status, UNIT_READY);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "send", "{\"unit_to_send\":1}"), &t->note);
    kit_ok(
        town_move(t, TOWN_CITY_DUTY, "send_other", "{\"unit_to_send\":3}"), &t->note);
    assert_int_equal(t->units[1].status, UNIT_READY);
    assert_int_equal(town_move(t, TOWN_CREW_1, "take_order", NULL), ERR_DENIED);
    kit_ok(town_move(t, TOWN_CREW_3, "take_order", NULL), &t->note);
    kit_ok(town_move(t, TOWN_CREW_3, "halt", NULL), &t->note);
    kit_ok(
        town_move(t, TOWN_CREW_3, "let_go", "{\"let_go_reason\":\"证件齐全\"}"),
        &t->note);
    kit_ok(
        town_move(
            t, TOWN_CREW_3, "feed_back",
            "{\"outcome\":\"true_vehicle\",\"result_note\":\"真车，已放行\"}"),
        &t->note);
    assert_int_equal(t->m.verdict, LOOP_VERDICT_FALSE);
    town_replays(t);
}

static void
two_officers_sign_at_once(void **state)
{
    struct town *t = *state;
    alarm_comes(t, "{\"contradiction\":0,\"stop\":true}");
    uint32_t seen = t->m.seq;
    kit_ok(town_try(t, TOWN_CITY_DUTY, "sign", seen, NULL), &t->note);
    assert_int_equal(town_try(t, TOWN_CITY_DUTY_2, "sign", seen, NULL), ERR_CONFLICT);
    assert_int_equal(t->m.owner.v, TOWN_CITY_DUTY);
}

/* Verdicts are entries that change no state; of one vehicle the last counts, and all of
 * them are kept. What was no flight is closed with the damage paid. */
static void
a_hit_and_run_that_was_none(void **state)
{
    struct town *t = *state;
    kit_ok(
        town_open(t, "flight", TOWN_CITY_ANALYST, "{\"scene_text\":\"护栏\"}"),
        &t->note);
    for (int i = 0; i < 3; i++) {
        char fields[96];
        snprintf(
            fields, sizeof fields, "{\"candidate\":\"晋A0000%d\",\"verdict\":\"%s\"}",
            i % 2, i == 2 ? "undone" : "fits");
        kit_ok(town_move(t, TOWN_CITY_DUTY, "judge_candidate", fields), &t->note);
    }
    assert_int_equal(t->m.seq, 4);
    assert_int_equal(
        town_move(t, TOWN_CITY_DUTY, "judge_candidate", "{\"candidate\":\"晋A00001\"}"),
        ERR_GATE);
    assert_int_equal(
        town_move(t, TOWN_CITY_ANALYST, "close_solved", "{\"found_note\":\"已侦破\"}"),
        ERR_GATE); /* nobody is named yet */
    kit_ok(
        town_move(
            t, TOWN_CITY_DUTY, "name_suspect",
            "{\"suspect\":\"晋A00001\",\"suspect_note\":\"右后视镜缺失\"}"),
        &t->note);
    assert_int_equal(
        town_move(
            t, TOWN_CITY_ANALYST, "close_not_flight",
            "{\"no_flight_reason\":\"single_vehicle\",\"no_flight_note\":\"已赔\"}"),
        ERR_GATE); /* without the damage */
    kit_ok(
        town_move(
            t, TOWN_CITY_ANALYST, "close_not_flight",
            "{\"no_flight_reason\":\"single_vehicle\",\"damage_yuan\":86000,"
            "\"no_flight_note\":\"已赔\"}"),
        &t->note);
    assert_false(t->m.def->states[t->m.state].open);
    town_replays(t);
}

static void
an_inquiry_from_open_to_closed(void **state)
{
    struct town *t = *state;
    kit_ok(
        town_open(t, "inquiry", TOWN_CITY_ANALYST, "{\"reason\":\"群众反映逆行\"}"),
        &t->note);
    assert_true(t->m.def->states[t->m.state].open);
    assert_int_equal(t->m.owner.v, TOWN_CITY_ANALYST);
    assert_int_equal(
        town_move(t, TOWN_CITY_DUTY, "close", "{\"result\":\"settled\"}"), ERR_DENIED);
    kit_ok(
        town_move(t, TOWN_CITY_ANALYST, "hand_over", "{\"to_officer\":1}"), &t->note);
    assert_int_equal(
        town_move(t, TOWN_CITY_ANALYST, "close", "{\"result\":\"settled\"}"),
        ERR_DENIED);
    kit_ok(
        town_move(t, TOWN_CITY_DUTY, "write_note", "{\"remark\":\"已看录像\"}"),
        &t->note);
    assert_int_equal(town_wait(t, 30 * 24 * HOUR), 2);
    kit_ok(
        town_move(
            t, TOWN_CITY_BOSS, "extend",
            "{\"more_minutes\":1440,\"extend_reason\":\"等待协查\"}"),
        &t->note);
    kit_ok(
        town_move(
            t, TOWN_CITY_DUTY, "close",
            "{\"result\":\"settled\",\"result_note\":\"已查清\"}"),
        &t->note);
    assert_false(t->m.def->states[t->m.state].open);
    town_replays(t);
    /* a command line opens one with nothing but a title */
    kit_ok(town_open(t, "inquiry", TOWN_CITY_DUTY, NULL), &t->note);
}

/* ---- the machine knows none of it ---- */

static bool
word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_';
}

/* Does the text hold the name as a whole word? */
static bool
holds_word(const char *text, size_t n, const char *name)
{
    size_t len = strlen(name);
    for (const char *p = text; (p = memmem(p, n - (size_t)(p - text), name, len));
         p++) {
        bool before = p > text && word_char(p[-1]);
        bool after = p + len < text + n && word_char(p[len]);
        if (!before && !after)
            return true;
    }
    return false;
}

static void
search_file(const char *path, const char *const *names, size_t n, unsigned *found)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    char *text = malloc((size_t)st.st_size + 1);
    assert_non_null(text);
    ssize_t got = read(fd, text, (size_t)st.st_size);
    assert_true(got >= 0);
    for (size_t i = 0; i < n; i++) {
        if (holds_word(text, (size_t)got, names[i])) {
            print_message("%s holds \"%s\"\n", path, names[i]);
            (*found)++;
        }
    }
    free(text);
    close(fd);
}

static unsigned
search_tree(const char *root, const char *const *names, size_t n)
{
    char paths[512][256]; /* directories still to be read */
    size_t todo = 0;
    unsigned found = 0;
    snprintf(paths[todo++], sizeof paths[0], "%s", root);
    while (todo) {
        char dir[256];
        memcpy(dir, paths[--todo], sizeof dir);
        DIR *d = opendir(dir);
        assert_non_null(d);
        for (struct dirent *e; (e = readdir(d));) {
            char path[600];
            struct stat st;
            int len = snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
            if (e->d_name[0] == '.' || len >= (int)sizeof paths[0] ||
                stat(path, &st) != 0)
                continue;
            if (S_ISDIR(st.st_mode) && todo < 512)
                memcpy(paths[todo++], path, (size_t)len + 1);
            else if (S_ISREG(st.st_mode))
                search_file(path, names, n, &found);
        }
        closedir(d);
    }
    return found;
}

/* The check that the check would find one. */
static void
the_name_search_finds_a_name(void **state)
{
    (void)state;
    assert_true(holds_word("a to_be x", 9, "to_be"));
    assert_false(holds_word("a xto_be x", 10, "to_be"));
    assert_false(holds_word("a to_bes", 8, "to_be"));
    static const char *const planted[] = {"long_enough"};
    assert_true(search_tree("tests/town", planted, 1) > 0);
}

static void
no_name_of_the_alarm_loop_stands_in_src(void **state)
{
    struct town *t = *state;
    const struct loop_def *d = loop_def_find(t->defs, SPAN("alarm"));
    const char *names[LOOP_MAX_STATES + LOOP_MAX_ROLES + LOOP_MAX_CLOCKS];
    size_t n = 0;
    for (unsigned i = 0; i < d->states_n; i++)
        names[n++] = d->states[i].name;
    for (unsigned i = 0; i < d->roles_n; i++)
        names[n++] = d->roles[i].name;
    for (unsigned i = 0; i < d->clocks_n; i++)
        names[n++] = d->clocks[i].name;
    assert_int_equal(search_tree("src", names, n), 0);
}

static void
a_second_loop_loads_beside_them(void **state)
{
    struct town *t = *state;
    struct note note = {0};
    kit_ok(loop_defs_load(t->defs, "tests/town", &note), &note);
    assert_non_null(loop_def_find(t->defs, SPAN("paper")));
    assert_non_null(loop_def_opened_by(t->defs, SPAN("parcel")));
    kit_ok(
        town_open(t, "paper", TOWN_CITY_DUTY, "{\"topic\":\"雨天\",\"pages\":3}"),
        &t->note);
    kit_ok(town_move(t, TOWN_CITY_DUTY, "submit", "{\"colour\":\"red\"}"), &t->note);
    kit_ok(town_move(t, TOWN_CITY_BOSS, "approve", "{\"colour\":\"red\"}"), &t->note);
    town_in(t, "filed");
    town_replays(t);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(shipped_loops_pass_the_lint),
        T(the_docs_show_the_loops_as_they_are),
        T(every_state_move_and_role),
        T(a_whole_life),
        T(a_contradiction_blocks_the_stop_until_a_person_compared),
        T(a_watch_to_observe_never_stops_anybody),
        T(handed_down_city_brigade_squad_with_signing_at_each),
        T(given_back_and_called_back),
        T(an_unjudged_alarm_is_handed_down_and_signed_anew),
        T(overdue_climbs_the_ladder),
        T(the_alarm_at_the_city_climbs_to_the_board),
        T(a_withdrawal_tells_the_open_matter),
        T(judged_not_valid_counts_against_camera_and_list),
        T(a_crew_that_cannot_go_and_another_that_does),
        T(two_officers_sign_at_once),
        T(an_inquiry_from_open_to_closed),
        T(a_hit_and_run_that_was_none),
        T(the_name_search_finds_a_name),
        T(no_name_of_the_alarm_loop_stands_in_src),
        T(a_second_loop_loads_beside_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
