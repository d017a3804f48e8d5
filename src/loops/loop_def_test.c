/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and checking definitions: every broken one is refused at the right place. */
#include "loops/loop_def.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/os_file.h"
#include "kit/kit.h"

/* A whole small loop; the line numbers are what the cases below count on. */
static const char base[] =
    "loop: errand\n"                                                         /* 1 */
    "version: 2\n"                                                           /* 2 */
    "zh: 跑腿\n"                                                             /* 3 */
    "en: errand\n"                                                           /* 4 */
    "prefix: PT\n"                                                           /* 5 */
    "roles:\n"                                                               /* 6 */
    "  doer: {zh: 办事人, en: doer, any_of: [{post: [duty], org: owner}]}\n" /* 7 */
    "  head: {zh: 领导, en: head, any_of: [{post: [supervisor], org: above, org_kind: "
    "[city]}]}\n"                                                               /* 8 */
    "fields:\n"                                                                 /* 9 */
    "  what: {zh: 事, en: what, type: text, max: 50}\n"                         /* 10 */
    "  size: {zh: 大小, en: size, type: number, min: 1, max: 9, input: true}\n" /* 11 */
    "  done: {zh: 结果, en: result, type: choice, options: {yes: {zh: 是, en: yes, "
    "verdict: true}, no: {zh: 否, en: no}}}\n"                         /* 12 */
    "  unit: {zh: 警力, en: unit, type: unit}\n"                       /* 13 */
    "states:\n"                                                        /* 14 */
    "  waiting_for_it: {zh: 待办, en: waiting, kind: start}\n"         /* 15 */
    "  doing: {zh: 在办, en: doing}\n"                                 /* 16 */
    "  over: {zh: 办结, en: over, kind: terminal}\n"                   /* 17 */
    "gates:\n"                                                         /* 18 */
    "  small: {when: size < 5 and has(what), zh: 太大, en: too big}\n" /* 19 */
    "clocks:\n"                                                        /* 20 */
    "  todo: {zh: 待办时限, en: to do, budget: 5min, start_on: [waiting_for_it]}\n" /* 21
                                                                                     */
    "  whole: {zh: 总时限, en: whole, budget: 1h, start_on: [doing], stop_on: [over], "
    "again: keep}\n" /* 22 */
    "moves:\n"       /* 23 */
    "  start: {zh: 开始, en: start, key: s, from: [waiting_for_it], to: doing, roles: "
    "[doer], form: [what, unit?], do: [{assign: actor}]}\n" /* 24 */
    "  finish: {zh: 办结, en: finish, key: f, from: [doing], to: over, roles: [doer, "
    "head], gates: [small], form: [done], do: [{count: done}]}\n" /* 25 */
    "  late: {zh: 逾期, en: late, on: timer, from: [waiting_for_it], to: doing}\n" /* 26
                                                                                    */
    "ladders:\n"                                                    /* 27 */
    "  todo:\n"                                                     /* 28 */
    "    - {at: 50%, zh: 提醒, en: remind, do: [{notify: doer}]}\n" /* 29 */
    "    - {at: 100% + 1min, zh: 逾期, en: late, do: [raise, {climb: head}, {move: "
    "late}]}\n"                                                         /* 30 */
    "  whole: [{at: 100%, zh: 到期, en: due, do: [{notify: head}]}]\n"; /* 31 */

/* base with `from` replaced by `to`, once. */
static char *
changed(const char *from, const char *to)
{
    const char *at = strstr(base, from);
    if (!at)
        fail_msg("the base does not hold: %s", from);
    size_t before = (size_t)(at - base), n = sizeof base + strlen(to);
    char *text = calloc(1, n);
    assert_non_null(text);
    snprintf(text, n, "%.*s%s%s", (int)before, base, to, at + strlen(from));
    return text;
}

static void
refused(const char *from, const char *to, const char *where, const char *part)
{
    char *text = changed(from, to);
    struct loop_def *d = NULL;
    struct note note = {0};
    char head[120];
    enum err e = loop_def_parse(span_cstr(text), "e.yaml", &d, &note);
    if (e == OK)
        fail_msg("\"%s\" -> \"%s\" was read", from, to);
    snprintf(head, sizeof head, "e.yaml:%s", where);
    if (strncmp(note.en, head, strlen(head)) != 0 || !strstr(note.en, part))
        fail_msg("\"%s\": %s: wanted %s, %s", to, note.en, head, part);
    size_t place = strcspn(head + 7, " ") + 7; /* e.yaml:LINE:COLUMN */
    assert_int_equal(
        strncmp(note.zh, head, head[place - 1] == ':' ? place - 1 : place), 0);
    free(text);
}

static void
the_base_is_read(void **state)
{
    (void)state;
    struct loop_def *d = NULL;
    struct note note = {0};
    kit_ok(loop_def_parse(span_cstr(base), "e.yaml", &d, &note), &note);
    assert_string_equal(d->kind, "errand");
    assert_int_equal(d->version, 2);
    assert_int_equal(d->states_n, 3);
    assert_int_equal(d->clocks[0].stop_on & 7, 6); /* no stop_on: everywhere else */
    assert_int_equal(d->clocks[1].stop_on, 4);
    assert_true(d->clocks[1].keep);
    assert_int_equal(d->clocks[0].rungs_n, 2);
    assert_int_equal(d->clocks[0].rungs[1].offset_ms, 60000);
    assert_int_equal(d->moves[0].asks_n, 2);
    assert_true(d->moves[0].asks[0].required);
    assert_false(d->moves[0].asks[1].required);
    assert_string_equal(d->moves[0].tone, "plain");
    assert_int_equal(d->states[0].pos.line, 15);
    assert_int_equal(loop_state_find(d, SPAN("doing")), 1);
    assert_int_equal(loop_state_find(d, SPAN("nosuch")), -1);
    assert_span_equal(d->text, base);
    loop_def_free(d);
    loop_def_free(NULL);
}

static void
broken_definitions_are_refused_in_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *where, *part;
    } rows[] = {
        {"loop: errand", "lop: errand", "1:1 lop:", "unknown key"},
        {"loop: errand\n", "", "1:1:", "\"loop\" is missing"},
        {"loop: errand", "loop: Errand", "1:7 loop:", "a name"},
        {"version: 2", "version: two", "2:10 version:", "whole number"},
        {"version: 2", "version: 0", "2:10 version:", "whole number from 1"},
        {"zh: 跑腿\n", "", "1:1:", "\"zh\" is missing"},
        {"zh: 跑腿", "zh: [跑]", "3:5 zh:", "expected a text"},
        {"prefix: PT", "prefix: pt", "5:9 prefix:", "letters A-Z"},
        {"post: [duty]", "post: [duties]",
         "7:46 roles.doer.any_of[0].post[0]:", "user role (duty"},
        {"post: [duty]", "post: []", "7:45 roles.doer.any_of[0].post:", "at least one"},
        {"org: owner", "org: mine",
         "7:58 roles.doer.any_of[0].org:", "any, owner, above"},
        {"org_kind: [city]", "org_kind: [town]",
         "8:81 roles.head.any_of[0].org_kind[0]:", "province, city, brigade, squad"},
        {"any_of: [{post: [duty], org: owner}]", "any_of: []",
         "7:37 roles.doer.any_of:", "1 to 8"},
        {"  what:", "  What:", "10:3 fields.What:", "a name"},
        {"type: text", "type: string",
         "10:33 fields.what.type:", "expected one of text"},
        {"type: text, max: 50", "type: flag, max: 50",
         "10:39 fields.what.max:", "belong to number"},
        {"max: 50", "max: 5000", "10:44 fields.what.max:", "0 to 400"},
        {"options: {yes:", "option: {yes:", "12:44 fields.done.option:", "unknown key"},
        {"type: choice, options: {yes: {zh: 是, en: yes, verdict: true}, no: {zh: 否, "
         "en: "
         "no}}",
         "type: choice", "12:9 fields.done:", "a choice needs them"},
        {"verdict: true", "verdict: maybe",
         "12:85 fields.done.options.yes.verdict:", "none, true, false"},
        {"en: yes,", "", "12:59 fields.done.options.yes:", "\"en\" is missing"},
        {"kind: start", "kind: begin",
         "15:47 states.waiting_for_it.kind:", "start, active"},
        {", kind: start", "", "15:3 states:", "kind: start"},
        {"en: doing}", "en: doing, kind: start}", "16:3 states.doing:", "already"},
        {"  doing: {zh: 在办", "  open: {zh: 在办", "16:3 states.open:", "of its own"},
        {"size < 5", "sise < 5", "19:17 gates.small.when:", "no field of this name"},
        {"size < 5 and", "size < 'a' and",
         "19:22 gates.small.when:", "different kinds"},
        {"size < 5 and has(what)", "size", "19:17 gates.small.when:", "another kind"},
        {"when: size", "wen: size", "19:11 gates.small.wen:", "unknown key"},
        {"budget: 5min", "budget: 5", "21:39 clocks.todo.budget:", "a duration"},
        {"budget: 5min, ", "", "21:9 clocks.todo:", "\"budget\" is missing"},
        {"start_on: [waiting_for_it]", "start_on: [wating]",
         "21:56 clocks.todo.start_on[0]:", "no state \"wating\""},
        {"again: keep", "again: yes", "22:86 clocks.whole.again:", "restart, keep"},
        {"key: s,", "key: S,", "24:35 moves.start.key:", "one letter"},
        {"from: [waiting_for_it], to: doing, roles", "from: [], to: doing, roles",
         "24:44 moves.start.from:", "at least one state"},
        {"to: doing, roles", "to: done, roles",
         "24:66 moves.start.to:", "no state \"done\""},
        {"roles: [doer], form", "form", "24:10 moves.start:", "\"roles\" is missing"},
        {"roles: [doer], form", "roles: [dooer], form",
         "24:81 moves.start.roles[0]:", "no role \"dooer\""},
        {"form: [what, unit?]", "form: [what, what?]",
         "24:101 moves.start.form[1]:", "twice"},
        {"form: [what, unit?]", "form: [size]",
         "24:95 moves.start.form[0]:", "when the matter opens"},
        {"form: [what, unit?]", "form: [wat]",
         "24:95 moves.start.form[0]:", "no field \"wat\""},
        {"do: [{assign: actor}]", "do: [{asign: actor}]",
         "24:115 moves.start.do[0].asign:", "expected an effect"},
        {"do: [{assign: actor}]", "do: [assign]",
         "24:114 moves.start.do[0]:", "needs what it works on"},
        {"do: [{assign: actor}]", "do: [{raise: x}]",
         "24:114 moves.start.do[0]:", "alone"},
        {"do: [{assign: actor}]", "do: [{climb: head}]",
         "24:115 moves.start.do[0].climb:", "to rungs only"},
        {"do: [{assign: actor}]", "do: [{start: nosuch}]",
         "24:122 moves.start.do[0].start:", "no clock"},
        {"do: [{assign: actor}]", "do: [{dispatch: what}]",
         "24:125 moves.start.do[0].dispatch:", "type unit is needed"},
        {"do: [{assign: actor}]", "do: [{set: what, to: size}]",
         "24:130 moves.start.do[0].to:", "another kind"},
        {"do: [{assign: actor}]", "do: [{set: what}]",
         "24:114 moves.start.do[0]:", "\"to\" is missing"},
        {"do: [{assign: actor}]", "do: [{set: unit, to: 1}]",
         "24:120 moves.start.do[0].set:", "cannot be set"},
        {"do: [{assign: actor}]", "do: [{assign: actor, zh: x}]",
         "24:130 moves.start.do[0].zh:", "unknown key"},
        {"gates: [small]", "gates: [smal]",
         "25:94 moves.finish.gates[0]:", "no gate \"smal\""},
        {"{count: done}", "{count: what}",
         "25:129 moves.finish.do[0].count:", "type choice is needed"},
        {"verdict: true", "verdict: none",
         "25:129 moves.finish.do[0].count:", "no option of this field has a verdict"},
        {"on: timer,", "on: timer, roles: [doer],", "26:9 moves.late:", "no roles"},
        {"on: timer,", "on: {mesage: x},",
         "26:33 moves.late.on.mesage:", "unknown key"},
        {"on: timer,", "on: clock,", "26:32 moves.late.on:", "action, timer"},
        {"  todo:\n", "  tod:\n", "28:3 ladders.tod:", "no clock \"tod\""},
        {"at: 50%", "at: 50", "29:12 ladders.todo[0].at:", "share of the clock"},
        {"at: 50%", "at: 150%", "30:7 ladders.todo[1]:", "in the order"},
        {"at: 50%", "at: 50% * 2", "29:12 ladders.todo[0].at:", "share of the clock"},
        {"at: 50%, zh: 提醒, en: remind, ", "at: 50%, zh: 提醒, ",
         "29:7 ladders.todo[0]:", "\"en\" is missing"},
        {"{move: late}", "{move: start}",
         "30:77 ladders.todo[1].do[2].move:", "on: timer only"},
        {"{move: late}", "{hand_back: x}",
         "30:71 ladders.todo[1].do[2].hand_back:", "to moves only"},
        {"ladders:", "ladders: &a", "27:10:", "anchors"},
    };
    size_t n = sizeof rows / sizeof *rows;
    for (size_t i = 0; i < n; i++)
        refused(rows[i].from, rows[i].to, rows[i].where, rows[i].part);
    print_message("%zu broken definitions refused in their place\n", n);
}

/* ---- lint ---- */

struct told {
    const char *part;
    uint32_t line;
    bool error, found;
};

static void
hear(void *ctx, const struct loop_finding *f)
{
    struct told *t = ctx;
    assert_true(f->zh[0]);
    if (f->pos.line == t->line && f->error == t->error && strstr(f->en, t->part))
        t->found = true;
    else
        print_message("also: %u:%u %s\n", f->pos.line, f->pos.column, f->en);
}

static void
linted(const char *from, const char *to, bool error, uint32_t line, const char *part)
{
    char *text = changed(from, to);
    struct loop_def *d = NULL;
    struct note note = {0};
    struct told t = {.part = part, .line = line, .error = error};
    kit_ok(loop_def_parse(span_cstr(text), "e.yaml", &d, &note), &note);
    size_t errors = loop_lint(d, hear, &t);
    if (!t.found || (errors > 0) != error)
        fail_msg(
            "\"%s\": not said in line %u: %s (%zu errors)", to, line, part, errors);
    loop_def_free(d);
    free(text);
}

static void
nobody_hears(void *ctx, const struct loop_finding *f)
{
    (void)ctx;
    fail_msg("%u:%u %s", f->pos.line, f->pos.column, f->en);
}

static void
the_lint_says_what_cannot_be_meant(void **state)
{
    (void)state;
    struct loop_def *d = NULL;
    struct note note = {0};
    kit_ok(loop_def_parse(span_cstr(base), "e.yaml", &d, &note), &note);
    assert_int_equal(loop_lint(d, nobody_hears, NULL), 0);
    loop_def_free(d);
    /* states */
    linted(
        "  over: {zh: 办结", "  lost: {zh: 丢, en: lost}\n  over: {zh: 办结", true, 17,
        "no way leads to state lost");
    linted(
        "from: [doing], to: over", "from: [doing], to: doing", true, 16,
        "no way out to an end");
    linted(
        "en: over, kind: terminal", "en: over, kind: terminal, public: open", true, 17,
        "open to the public");
    /* clocks and rungs */
    linted("start_on: [doing], stop_on", "stop_on", true, 22, "whole is never started");
    linted(
        "stop_on: [over]", "stop_on: [doing, over]", true, 22,
        "starts and stops in the same state");
    linted(
        "  whole: [{at: 100%, zh: 到期, en: due, do: [{notify: head}]}]\n", "", false,
        22, "nobody is told");
    linted("at: 50%", "at: 20% - 2min", true, 29, "before the clock starts");
    linted("do: [{notify: doer}]}\n", "do: []}\n", true, 29, "does nothing");
    linted(
        "on: timer, from: [waiting_for_it]", "on: timer, from: [doing]", true, 30,
        "cannot happen");
    linted(", {move: late}", "", true, 26, "no rung makes timer move late");
    linted(
        "start_on: [doing], stop_on: [over], again: keep",
        "start_on: [waiting_for_it], stop_on: [doing]", false, 16, "can be forgotten");
    /* roles */
    linted(
        "post: [duty], org", "post: [admin], org", true, 7,
        "nobody can hold role doer");
    linted("org: owner", "org: handed_by", true, 7, "nobody can hold role doer");
    linted("org: owner", "who: crew", true, 7, "nobody can hold role doer");
}

static void
the_lint_says_what_cannot_be_meant_of_fields_and_moves(void **state)
{
    (void)state;
    linted(
        "  head: {zh",
        "  idle: {zh: 闲, en: idle, any_of: [{post: [duty]}]}\n  head: {zh", false, 8,
        "role idle is not used");
    linted(
        "form: [what, unit?]", "form: [what]", false, 13,
        "nothing ever fills field unit");
    linted("form: [what, unit?]", "form: [unit]", true, 19, "asks for field what");
    linted("gates: [small], ", "", false, 19, "gate small is not used");
    linted("do: [{assign: actor}]", "do: [{dispatch: unit}]", true, 24, "ask for it");
    linted(
        "key: f, from: [doing]", "key: s, from: [doing, waiting_for_it]", true, 25,
        "key s belongs to move start");
    linted(
        "form: [done], do: [{count: done}]}\n",
        "form: [done], do: [{count: done}]}\n  drop: {zh: 弃, en: drop, from: [doing], "
        "to: "
        "over, roles: [head]}\n",
        true, 26, "without an outcome");
}

/* ---- sets, hashes, faces ---- */

static void
layout_and_comments_do_not_count(void **state)
{
    (void)state;
    struct loop_def *a = NULL, *b = NULL, *c = NULL;
    struct note note = {0};
    char *spaced = changed("version: 2\n", "\n# a remark\nversion:    2 # two\n\n");
    char *other = changed("budget: 5min", "budget: 6min");
    kit_ok(loop_def_parse(span_cstr(base), "a", &a, &note), &note);
    kit_ok(loop_def_parse(span_cstr(spaced), "b", &b, &note), &note);
    kit_ok(loop_def_parse(span_cstr(other), "c", &c, &note), &note);
    assert_memory_equal(a->hash, b->hash, LOOP_HASH);
    assert_memory_not_equal(a->hash, c->hash, LOOP_HASH);
    loop_def_free(a);
    loop_def_free(b);
    loop_def_free(c);
    free(spaced);
    free(other);
}

static void
a_published_version_is_not_edited(void **state)
{
    (void)state;
    struct loop_defs *s = loop_defs_new();
    struct note note = {0};
    char *edited = changed("budget: 5min", "budget: 6min");
    char *raised = changed("version: 2", "version: 10");
    char *opened = changed("prefix: PT", "prefix: PT\nopened_by: parcel");
    kit_ok(loop_defs_add(s, span_cstr(base), "one", &note), &note);
    kit_ok(loop_defs_add(s, span_cstr(base), "again", &note), &note);
    assert_null(loop_defs_at(s, 1));
    assert_int_equal(
        loop_defs_add(s, span_cstr(edited), "edited", &note), ERR_CONFLICT);
    assert_non_null(strstr(note.zh, "提高版本号"));
    const struct loop_def *old = loop_def_find(s, SPAN("errand"));
    uint8_t hash[LOOP_HASH];
    memcpy(hash, old->hash, LOOP_HASH);
    kit_ok(loop_defs_add(s, span_cstr(raised), "raised", &note), &note);
    const struct loop_def *now = loop_def_find(s, SPAN("errand"));
    assert_int_equal(now->version, 10);
    assert_true(loop_defs_current(s, now));
    assert_false(loop_defs_current(s, old));
    assert_ptr_equal(loop_def_pinned(s, hash), old);
    hash[0] ^= 1;
    assert_null(loop_def_pinned(s, hash));
    assert_null(loop_def_find(s, SPAN("nosuch")));
    assert_null(loop_def_opened_by(s, SPAN("parcel")));
    assert_int_equal(loop_defs_add(s, span_cstr(opened), "x", &note), ERR_CONFLICT);
    loop_defs_free(s);
    loop_defs_free(NULL);
    free(edited);
    free(raised);
    free(opened);
}

static void
write_file(const char *dir, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void
a_directory_is_loaded_by_name(void **state)
{
    (void)state;
    char dir[OS_PATH];
    struct note note = {0};
    struct loop_defs *s = loop_defs_new();
    kit_temp_dir(dir);
    write_file(dir, "b.yaml", base);
    write_file(dir, "README.md", "no loop");
    write_file(dir, ".hidden.yaml", "no loop");
    kit_ok(loop_defs_load(s, dir, &note), &note);
    assert_non_null(loop_def_find(s, SPAN("errand")));
    write_file(dir, "c.yml", "loop: [\n");
    assert_int_equal(loop_defs_load(s, dir, &note), ERR_INPUT);
    assert_non_null(strstr(note.en, "c.yml:2:1"));
    assert_int_equal(loop_defs_load(s, "/nonexistent", &note), ERR_IO);
    struct told t = {.part = "c.yml:2:1", .error = true};
    size_t errors = 0;
    kit_ok(loop_lint_dir(dir, hear, &t, &errors, &note), &note);
    assert_int_equal(errors, 1); /* the good file beside the bad one is read on */
    assert_true(t.found);
    assert_int_equal(loop_lint_dir("/nonexistent", hear, &t, &errors, &note), ERR_IO);
    loop_defs_free(s);
    kit_remove_tree(dir);
}

/* The same loop written as JSON is the same loop. */
static void
json_definitions_are_the_same(void **state)
{
    (void)state;
    static const char as_yaml[] =
        "loop: j\nversion: 1\nzh: 甲\nen: a\nprefix: J\n"
        "roles: {r: {zh: 甲, en: a, any_of: [{post: [duty]}]}}\n"
        "states: {s: {zh: 甲, en: a, kind: start}, t: {zh: 乙, en: b, kind: "
        "terminal}}\n"
        "moves: {m: {zh: 丙, en: c, from: [s], to: t, roles: [r]}}\n";
    static const char as_json[] =
        "{\"loop\":\"j\",\"version\":1,\"zh\":\"甲\",\"en\":\"a\",\"prefix\":\"J\",\n"
        "\"roles\":{\"r\":{\"zh\":\"甲\",\"en\":\"a\",\"any_of\":[{\"post\":[\"duty\"]}"
        "]}},\n"
        "\"states\":{\"s\":{\"zh\":\"甲\",\"en\":\"a\",\"kind\":\"start\"},"
        "\"t\":{\"zh\":\"乙\",\"en\":\"b\",\"kind\":\"terminal\"}},\n"
        "\"moves\":{\"m\":{\"zh\":\"丙\",\"en\":\"c\",\"from\":[\"s\"],\"to\":\"t\","
        "\"roles\":[\"r\"]}}}";
    struct loop_def *a = NULL, *b = NULL;
    struct note note = {0};
    kit_ok(loop_def_parse(span_cstr(as_yaml), "a.yaml", &a, &note), &note);
    kit_ok(loop_def_parse(span_cstr(as_json), "b.json", &b, &note), &note);
    assert_memory_equal(a->hash, b->hash, LOOP_HASH);
    loop_def_free(a);
    loop_def_free(b);
}

static void
the_faces_of_a_definition(void **state)
{
    (void)state;
    struct loop_def *d = NULL;
    struct note note = {0};
    struct buf b = {0};
    kit_ok(loop_def_parse(span_cstr(base), "e.yaml", &d, &note), &note);
    loop_def_json(&b, d);
    json_t *j = json_loadb((char *)b.p, b.n, 0, NULL);
    assert_non_null(j);
    assert_string_equal(json_string_value(json_object_get(j, "kind")), "errand");
    assert_int_equal(
        json_array_size(json_object_get(j, "moves")), 2); /* no timer move */
    const json_t *finish = json_array_get(json_object_get(j, "moves"), 1);
    assert_string_equal(json_string_value(json_object_get(finish, "key")), "f");
    const json_t *roles = json_object_get(finish, "roles");
    assert_int_equal(json_array_size(roles), 2);
    assert_string_equal(json_string_value(json_array_get(roles, 0)), "duty");
    assert_string_equal(json_string_value(json_array_get(roles, 1)), "supervisor");
    json_decref(j);
    buf_clear(&b);
    loop_def_diagram(&b, d, false);
    buf_u8(&b, 0);
    static const char want[] = "stateDiagram-v2\n"
                               "    waiting_for_it: waiting (to do 5 min)\n"
                               "    doing: doing (whole 1 h)\n"
                               "    over: over\n"
                               "    [*] --> waiting_for_it\n"
                               "    waiting_for_it --> doing: start\n"
                               "    doing --> over: finish\n"
                               "    waiting_for_it --> doing: late *\n"
                               "    over --> [*]\n";
    assert_string_equal((char *)b.p, want);
    buf_release(&b);
    loop_def_free(d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_base_is_read),
        cmocka_unit_test(broken_definitions_are_refused_in_their_place),
        cmocka_unit_test(the_lint_says_what_cannot_be_meant),
        cmocka_unit_test(the_lint_says_what_cannot_be_meant_of_fields_and_moves),
        cmocka_unit_test(layout_and_comments_do_not_count),
        cmocka_unit_test(a_published_version_is_not_edited),
        cmocka_unit_test(a_directory_is_loaded_by_name),
        cmocka_unit_test(json_definitions_are_the_same),
        cmocka_unit_test(the_faces_of_a_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
