/* SPDX-License-Identifier: Apache-2.0 */
#include "model/org.h"

#include "kit/kit.h"

#include <stdio.h>

static struct org_id
put(struct org_table *t, const char *code, uint32_t parent, uint8_t kind)
{
    struct org o = {.parent = {parent}, .kind = kind};
    snprintf(o.code, sizeof o.code, "%s", code);
    return org_table_put(t, &o);
}

static void
scope_follows_the_tree(void **state)
{
    (void)state;
    struct org_table *t = org_table_new(0);
    struct org_id city = put(t, "1401", 0, ORG_CITY);
    struct org_id a = put(t, "140101", city.v, ORG_BRIGADE);
    struct org_id b = put(t, "140102", city.v, ORG_BRIGADE);
    struct org_id squad = put(t, "14010101", a.v, ORG_SQUAD);
    assert_true(org_covers(t, city, squad));
    assert_true(org_covers(t, a, squad));
    assert_true(org_covers(t, squad, squad));
    assert_false(org_covers(t, b, squad));
    assert_false(org_covers(t, squad, a));
    assert_false(org_covers(t, (struct org_id){0}, squad));
    assert_false(org_covers(t, city, (struct org_id){0}));
    assert_false(org_covers(t, city, (struct org_id){99}));
    assert_true(org_covers(t, (struct org_id){99}, (struct org_id){99}));
    assert_int_equal(org_find(t, SPAN("140102")).v, b.v);
    assert_int_equal(org_find(t, SPAN("")).v, 0);
    assert_int_equal(put(t, "140102", a.v, ORG_BRIGADE).v, b.v); /* moved below a */
    assert_true(org_covers(t, a, b));
    org_table_unref(org_table_ref(t));
    org_table_unref(t);
    org_table_unref(NULL);
}

static void
a_ring_of_parents_ends(void **state)
{
    (void)state;
    struct org_table *t = org_table_new(4);
    struct org_id a = put(t, "a", 2, ORG_BRIGADE);
    struct org_id b = put(t, "b", a.v, ORG_BRIGADE);
    struct org_id c = put(t, "c", 0, ORG_CITY);
    assert_false(org_covers(t, c, b));
    org_table_unref(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scope_follows_the_tree),
        cmocka_unit_test(a_ring_of_parents_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
