/* SPDX-License-Identifier: Apache-2.0 */
#include "store/docs.h"

#include "kit/kit.h"

#include <stdio.h>

static void
by_their_content(void **state)
{
    (void)state;
    char dir[OS_PATH], text[DOC_REF_TEXT], path[OS_PATH + 100];
    struct note note = {0};
    struct doc_ref a, b, parsed;
    struct arena arena;
    struct span got;
    kit_temp_dir(dir);
    arena_init(&arena, 1u << 20);
    assert_false(docs_known(os_fs_real(), dir, SPAN("picture")));
    kit_ok(docs_put(os_fs_real(), dir, SPAN("picture"), &a, &note), &note);
    assert_true(docs_known(os_fs_real(), dir, SPAN("picture")));
    kit_ok(docs_put(os_fs_real(), dir, SPAN("picture"), &b, &note), &note);
    assert_memory_equal(a.hash, b.hash, 32);
    kit_ok(docs_put(os_fs_real(), dir, SPAN(""), &b, &note), &note);
    assert_memory_not_equal(a.hash, b.hash, 32);
    doc_ref_format(text, &a);
    assert_true(doc_ref_parse(span_cstr(text), &parsed));
    assert_memory_equal(parsed.hash, a.hash, 32);
    assert_false(doc_ref_parse(SPAN("abc"), &parsed));
    text[5] = 'x';
    assert_false(doc_ref_parse(span_cstr(text), &parsed));
    kit_ok(docs_get(os_fs_real(), dir, &a, &arena, &got, &note), &note);
    assert_span_equal(got, "picture");
    doc_ref_format(text, &a);
    snprintf(path, sizeof path, "%s/docs/%.2s/%s", dir, text, text);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("pictures", f);
    fclose(f);
    assert_int_equal(docs_get(os_fs_real(), dir, &a, &arena, &got, &note), ERR_CORRUPT);
    kit_ok(docs_drop(os_fs_real(), dir, &a), NULL);
    kit_ok(docs_drop(os_fs_real(), dir, &a), NULL);
    assert_int_equal(
        docs_get(os_fs_real(), dir, &a, &arena, &got, &note), ERR_NOTFOUND);
    arena_release(&arena);
    arena_init(&arena, 4);
    kit_ok(docs_put(os_fs_real(), dir, SPAN("picture"), &a, &note), &note);
    assert_int_equal(docs_get(os_fs_real(), dir, &a, &arena, &got, &note), ERR_TOOBIG);
    arena_release(&arena);
    kit_remove_tree(dir);
}

static void
too_big(void **state)
{
    (void)state;
    struct note note = {0};
    struct doc_ref a;
    struct span big = {"", (size_t)DOCS_MAX + 1}; /* refused before it is read */
    assert_int_equal(docs_put(os_fs_real(), "/", big, &a, &note), ERR_TOOBIG);
    assert_int_not_equal(note.zh[0], 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_their_content),
        cmocka_unit_test(too_big),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
