/* SPDX-License-Identifier: Apache-2.0 */
#include "model/user.h"

#include "kit/kit.h"

static void
three_officers_stand_alone(void **state)
{
    (void)state;
    const unsigned alone[] = {ROLE_ADMIN, ROLE_SECURITY, ROLE_AUDITOR, ROLE_DEVICE};
    for (unsigned set = 0; set <= ROLES_ALL; set++) {
        bool mixed = false;
        for (unsigned i = 0; i < 4; i++)
            mixed |= (set & alone[i]) && set != alone[i];
        assert_int_equal(roles_compatible(set), !mixed);
    }
    assert_false(roles_compatible(256));
}

static void
names(void **state)
{
    (void)state;
    unsigned all = 0;
    for (const struct role_row *r = role_rows(); r->role; r++) {
        assert_ptr_equal(role_find(span_cstr(r->name)), r);
        assert_int_not_equal(r->zh[0], 0);
        assert_int_not_equal(r->en[0], 0);
        all |= (unsigned)r->role;
    }
    assert_int_equal(all, ROLES_ALL);
    assert_null(role_find(SPAN("king")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_officers_stand_alone),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
