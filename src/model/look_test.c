/* SPDX-License-Identifier: Apache-2.0 */
/* Every way round the rule, one by one. */
#include "model/look.h"

#include "kit/kit.h"
#include "model/look_mint.h"

#include <stdio.h>

#define NOW INT64_C(1763690000000)

static struct look_rules rules;
static struct look_request q;
static struct look_matter m;

static int
setup(void **state)
{
    (void)state;
    memset(&rules, 0, sizeof rules);
    rules.purposes_n = 2;
    (void)span_copy(
        rules.purposes[0].code, sizeof rules.purposes[0].code, SPAN("inquiry"));
    rules.purposes[0].kinds_n = 2;
    (void)span_copy(
        rules.purposes[0].kinds[0], sizeof rules.purposes[0].kinds[0], SPAN("inquiry"));
    (void)span_copy(
        rules.purposes[0].kinds[1], sizeof rules.purposes[0].kinds[1], SPAN("alarm"));
    (void)span_copy(
        rules.purposes[1].code, sizeof rules.purposes[1].code, SPAN("crash"));
    rules.purposes[1].kinds_n = 1;
    (void)span_copy(
        rules.purposes[1].kinds[0], sizeof rules.purposes[1].kinds[0], SPAN("inquiry"));
    rules.tiers_n = 3;
    rules.tiers[0].to_days = 7;
    rules.tiers[1].to_days = 90;
    rules.tiers[1].kinds_n = 1;
    (void)span_copy(
        rules.tiers[1].kinds[0], sizeof rules.tiers[1].kinds[0], SPAN("inquiry"));
    rules.tiers[2] = rules.tiers[1];
    rules.tiers[2].to_days = 0;
    rules.tiers[2].approver = true;
    rules.emergency_confirm_h = 24;
    rules.emergency_days = 7;
    q = (struct look_request){
        .kind = LOOK_TRAJECTORY,
        .user = {7},
        .roles = ROLE_DUTY,
        .matter = 3,
        .purpose = SPAN("inquiry"),
        .from_ms = NOW - 2 * DAY_MS,
        .to_ms = NOW,
        .now_ms = NOW,
    };
    m = (struct look_matter){.found = true, .open = true, .in_scope = true};
    (void)span_copy(m.kind, sizeof m.kind, SPAN("alarm"));
    return 0;
}

static enum look_refusal
ask(void)
{
    struct note note = {0};
    enum look_refusal r = look_check(&rules, &q, &m, &note);
    if (r) { /* a refusal says what to do, in both languages, under its own code */
        assert_int_not_equal(note.zh[0], 0);
        assert_int_not_equal(note.en[0], 0);
        assert_string_equal(note.code, look_refusal_code(r));
    }
    return r;
}

static void
a_matter_and_a_purpose(void **state)
{
    (void)state;
    assert_int_equal(ask(), LOOK_ALLOWED);
    q.matter = 0;
    assert_int_equal(ask(), LOOK_NO_MATTER);
    q.matter = 3;
    m.found = false;
    assert_int_equal(ask(), LOOK_NO_MATTER);
    m.found = true;
    m.open = false;
    assert_int_equal(ask(), LOOK_MATTER_CLOSED);
    m.open = true;
    m.in_scope = false;
    assert_int_equal(ask(), LOOK_SCOPE);
    m.in_scope = true;
    q.purpose = SPAN("curiosity");
    assert_int_equal(ask(), LOOK_PURPOSE);
    q.purpose = SPAN("");
    assert_int_equal(ask(), LOOK_PURPOSE);
    q.purpose = SPAN("crash"); /* known, but not with an alarm */
    assert_int_equal(ask(), LOOK_PURPOSE);
    (void)span_copy(m.kind, sizeof m.kind, SPAN("inquiry"));
    assert_int_equal(ask(), LOOK_ALLOWED);
    (void)span_copy(m.kind, sizeof m.kind, SPAN("inquiry_of_another_sort"));
    assert_int_equal(ask(), LOOK_PURPOSE);
}

static void
roles(void **state)
{
    (void)state;
    const struct role_row *row = role_rows();
    for (; row->role; row++) {
        q.roles = row->role;
        bool may =
            row->role & (ROLE_DUTY | ROLE_ANALYST | ROLE_SQUAD | ROLE_SUPERVISOR);
        q.kind = LOOK_TRAJECTORY;
        assert_int_equal(ask(), may ? LOOK_ALLOWED : LOOK_ROLE);
        q.emergency = true; /* no way round by urgency */
        q.why = SPAN("urgent, life in danger");
        assert_int_equal(ask(), may ? LOOK_ALLOWED : LOOK_ROLE);
        q.emergency = false;
        q.kind = LOOK_AUDIT;
        may = row->role & (ROLE_AUDITOR | ROLE_SECURITY);
        assert_int_equal(ask(), may ? LOOK_ALLOWED : LOOK_ROLE);
    }
    q.kind = LOOK_TRAJECTORY;
    q.roles = 0;
    assert_int_equal(ask(), LOOK_ROLE);
}

static void
age(void **state)
{
    (void)state;
    q.from_ms = NOW - 7 * DAY_MS;
    assert_int_equal(ask(), LOOK_ALLOWED);
    q.from_ms--;
    assert_int_equal(ask(), LOOK_AGE_TIER); /* an alarm reaches 7 days */
    (void)span_copy(m.kind, sizeof m.kind, SPAN("inquiry"));
    assert_int_equal(ask(), LOOK_ALLOWED);
    q.from_ms = NOW - 90 * DAY_MS;
    assert_int_equal(ask(), LOOK_ALLOWED);
    q.from_ms--;
    assert_int_equal(ask(), LOOK_AGE_TIER); /* a second person must grant it */
    m.granted = true;
    assert_int_equal(ask(), LOOK_ALLOWED);
    q.from_ms = 1;
    assert_int_equal(ask(), LOOK_ALLOWED);
    q.from_ms = 0; /* from the beginning of time is old as well */
    m.granted = false;
    assert_int_equal(ask(), LOOK_AGE_TIER);
    q.to_ms = 0;
    assert_int_equal(ask(), LOOK_AGE_TIER); /* no window is all time */
    q.kind = LOOK_SIGHTINGS;
    assert_int_equal(ask(), LOOK_AGE_TIER);
    q.emergency = true;
    q.why = SPAN("儿童被困车内");
    assert_int_equal(ask(), LOOK_AGE_TIER);
    q.emergency = false;
    q.kind = LOOK_PLATE_CHECK; /* no movements at all */
    assert_int_equal(ask(), LOOK_ALLOWED);
    q.kind = LOOK_TRAJECTORY;
    q.to_ms = NOW - 199 * DAY_MS; /* an archive: its newest pass is its today */
    q.from_ms = NOW - 207 * DAY_MS;
    q.newest_ms = NOW - 200 * DAY_MS;
    (void)span_copy(m.kind, sizeof m.kind, SPAN("alarm"));
    assert_int_equal(ask(), LOOK_ALLOWED);
    q.from_ms--;
    assert_int_equal(ask(), LOOK_AGE_TIER);
    q.newest_ms = NOW + DAY_MS; /* a clock ahead makes nothing older */
    q.from_ms = NOW - 7 * DAY_MS;
    q.to_ms = NOW;
    assert_int_equal(ask(), LOOK_ALLOWED);
    q.newest_ms = 0;
    (void)span_copy(m.kind, sizeof m.kind, SPAN("inquiry"));
    rules.tiers_n = 2; /* a city whose rules end at 90 days */
    q.to_ms = NOW;
    q.from_ms = NOW - 100 * DAY_MS;
    m.granted = true;
    assert_int_equal(ask(), LOOK_AGE_TIER);
}

static void
emergency(void **state)
{
    (void)state;
    q.emergency = true;
    q.matter = 0;
    assert_int_equal(ask(), LOOK_WHY);
    q.why = SPAN("  x  ");
    assert_int_equal(ask(), LOOK_WHY);
    q.why = SPAN("child in the car");
    assert_int_equal(ask(), LOOK_ALLOWED);
    q.purpose = SPAN("nothing");
    assert_int_equal(ask(), LOOK_PURPOSE);
    q.purpose = SPAN("inquiry");
    q.from_ms = NOW - 8 * DAY_MS;
    assert_int_equal(ask(), LOOK_AGE_TIER);
    q.from_ms = 0;
    assert_int_equal(ask(), LOOK_AGE_TIER);
}

static void
a_permit_holds_what_it_says(void **state)
{
    (void)state;
    struct note note = {0};
    struct look_limits l = {
        .number = 12, .kinds = LOOK_TRAJECTORY, .from_ms = 100, .to_ms = 200};
    struct look_permit *p = look_permit_new(&l);
    assert_non_null(p);
    assert_int_equal(look_permit_limits(p)->number, 12);
    assert_int_equal(look_permit_covers(p, LOOK_TRAJECTORY, 100, 200, &note), OK);
    assert_int_equal(
        look_permit_covers(p, LOOK_TRAJECTORY, 99, 200, &note), ERR_DENIED);
    assert_int_equal(
        look_permit_covers(p, LOOK_TRAJECTORY, 100, 201, &note), ERR_DENIED);
    assert_int_equal(
        look_permit_covers(p, LOOK_SIGHTINGS, 100, 200, &note), ERR_DENIED);
    assert_int_equal(
        look_permit_covers(NULL, LOOK_TRAJECTORY, 100, 200, &note), ERR_DENIED);
    look_permit_free(p);
}

static void
names(void **state)
{
    (void)state;
    for (const struct look_kind_row *r = look_kind_rows(); r->kind; r++) {
        assert_ptr_equal(look_kind_find(span_cstr(r->name)), r);
        assert_ptr_equal(look_kind_get(r->kind), r);
        assert_int_not_equal(r->zh[0], 0);
    }
    assert_null(look_kind_find(SPAN("nothing")));
}

/* Only the audit writer, this room and tests may make permits. */
static void
nobody_else_makes_permits(void **state)
{
    (void)state;
    FILE *f =
        popen("grep -rl '^#include \"model/look_mint.h\"' src 2>/dev/null | sort", "r");
    char line[256];
    unsigned seen = 0;
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        size_t n = strlen(line);
        bool test = n > 7 && strcmp(line + n - 7, "_test.c") == 0;
        if (!test && strcmp(line, "src/model/look.c") != 0 &&
            strcmp(line, "src/store/audit_look.c") != 0)
            fail_msg("%s makes look permits: only store/audit_look.c may", line);
        seen++;
    }
    pclose(f);
    assert_true(
        seen >= 2); /* else this is not the root of the tree, and nothing was checked */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_matter_and_a_purpose, setup),
        cmocka_unit_test_setup(roles, setup),
        cmocka_unit_test_setup(age, setup),
        cmocka_unit_test_setup(emergency, setup),
        cmocka_unit_test(a_permit_holds_what_it_says),
        cmocka_unit_test(names),
        cmocka_unit_test(nobody_else_makes_permits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
