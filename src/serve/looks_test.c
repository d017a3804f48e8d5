/* SPDX-License-Identifier: Apache-2.0 */
/* The statement of coverage: whose names stand in it. */
#include "serve/looks.h"
#include "kit/kit.h"

#include <jansson.h>

static struct site_id
put_site(struct site_table *t, const char *code, const char *name, struct org_id org)
{
    struct site s = {.org = org};
    must(span_copy(s.code, sizeof s.code, span_cstr(code)));
    must(span_copy(s.name, sizeof s.name, span_cstr(name)));
    return site_table_put(t, &s);
}

static json_t *
statement(
    const struct coverage *c, const struct site_table *sites,
    const struct org_table *orgs, struct org_id reader)
{
    struct buf out = {0};
    json_error_t fault;
    buf_text(&out, "{\"n\":1");
    looks_coverage_json(&out, c, sites, NULL, orgs, reader);
    buf_text(&out, "}");
    json_t *all =
        json_loadb((const char *)out.p, out.n, JSON_REJECT_DUPLICATES, &fault);
    assert_non_null(all);
    buf_release(&out);
    return all;
}

static const char *
name_of(const json_t *all, size_t gap)
{
    const json_t *list = json_object_get(json_object_get(all, "coverage"), "offline");
    return json_string_value(json_object_get(json_array_get(list, gap), "name"));
}

/* Names that the reader has anyway are not sent again with every answer. */
static void
names_of_other_parts_only(void **state)
{
    (void)state;
    struct org_table *orgs = org_table_new(4);
    struct site_table *sites = site_table_new(4);
    struct org city = {.kind = ORG_CITY, .code = "1"};
    struct org_id top = org_table_put(orgs, &city);
    struct org brigade = {.kind = ORG_BRIGADE, .parent = top, .code = "2"};
    struct org_id part = org_table_put(orgs, &brigade);
    struct coverage_gap gaps[] = {
        {put_site(sites, "a", "own", part), 1000, 2000},
        {put_site(sites, "b", "other", top), 1000, 2000},
        {put_site(sites, "c", "nobody's", (struct org_id){0}), 1000, 2000},
    };
    struct coverage c = {.sites = 3, .gaps = gaps, .gaps_n = 3};
    json_t *all = statement(&c, sites, orgs, part);
    assert_null(name_of(all, 0));
    assert_string_equal(name_of(all, 1), "other");
    assert_null(name_of(all, 2));
    json_decref(all);
    all = statement(&c, sites, orgs, top);
    for (size_t i = 0; i < 3; i++)
        assert_null(name_of(all, i));
    json_decref(all);
    all = statement(&c, sites, NULL, top); /* no reader who has them: all */
    assert_string_equal(name_of(all, 0), "own");
    assert_string_equal(name_of(all, 2), "nobody's");
    json_decref(all);
    site_table_unref(sites);
    org_table_unref(orgs);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_other_parts_only),
    };
    return cmocka_run_group_tests_name("serve/looks", tests, NULL, NULL);
}
