/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/identity.h"

static const struct site_row camera = {
    .misread = 0.004F, .one_off = 0.03F, .many_off = 0.002F};

static struct sighting
look(uint8_t color, code3 class, uint16_t brand)
{
    return (struct sighting){
        .vehicle_color = color, .vehicle_class = class, .brand = brand};
}

static struct census
some_census(void)
{
    struct census c;
    assert_int_equal(census_init(&c), OK);
    c.count = 100;
    for (unsigned i = 1; i < 5; i++)
        c.color[i] = 0.25F;
    c.brand[7] = 0.1F;
    c.vehicle_class[11] = 0.5F;
    return c;
}

/* A first read without a brand says nothing about the brand: a second one costs what
 * the brand costs of anybody. */
static void
test_what_was_not_read(void **state)
{
    (void)state;
    struct census c = some_census();
    struct sighting blank = look(1, 11, 0), full = look(1, 11, 7);
    double after_blank = look_again(&c, &blank, &full, &camera);
    assert_true(after_blank < look_again(&c, &full, &full, &camera));
    assert_true(after_blank < look_again(&c, &blank, &blank, &camera));
    struct sighting nothing = look(0, 0, 0);
    double any = look_any(&c, &full), none = look_again(&c, &nothing, &full, &camera);
    assert_true(none > any * 0.999 && none < any * 1.001);
    census_release(&c);
}

static void
test_misread_again(void **state)
{
    (void)state;
    struct identity twin = {.misread = 1e-4}, worse = {.unknown = 1e-4},
                    own = {.right = 1, .misread = 1e-4}, none = {0};
    assert_true(misread_again(&twin) > 5 * misread_again(&worse));
    assert_true(misread_again(&worse) > 0);
    assert_true(misread_again(&own) < 1e-3); /* it hardly was a misread */
    assert_true(misread_again(&none) == 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_not_read),
        cmocka_unit_test(test_misread_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
