/* SPDX-License-Identifier: Apache-2.0 */
#include "core/os_run.h"

#include "kit/kit.h"

#include <stdlib.h>
#include <unistd.h>

static enum err
run(const char *script, size_t cap, struct buf *out)
{
    char sh[OS_PATH];
    assert_true(os_which("sh", sh));
    const char *const argv[] = {sh, "-c", script, NULL};
    struct os_run r = {argv, 500000, cap};
    return os_run(&r, out);
}

static void
what_it_prints_comes_back(void **state)
{
    (void)state;
    struct buf b = {0};
    kit_ok(run("echo word; echo hidden >&2; cat", 100, &b), NULL);
    assert_int_equal(b.n, 5);
    assert_memory_equal(b.p, "word\n", 5);
    buf_clear(&b);
    setenv("TONGQU_SECRET", "1", 1);
    kit_ok(run("echo \"[$TONGQU_SECRET]\"", 100, &b), NULL);
    assert_memory_equal(b.p, "[]\n", 3);
    buf_release(&b);
}

static void
every_way_it_can_fail(void **state)
{
    (void)state;
    struct buf b = {0};
    char path[OS_PATH];
    assert_false(os_which("no-such-program-here", path));
    assert_int_equal(run("exit 3", 100, &b), ERR_INPUT);
    assert_int_equal(run("while :; do :; done", 100, &b), ERR_TIMEOUT);
    assert_int_equal(
        run("while :; do echo aaaaaaaaaaaaaaa; done", 100, &b), ERR_TOOBIG);
    assert_int_equal(run("echo x > /tmp/tongqu-os-run-test", 100, &b), ERR_INPUT);
    unlink("/tmp/tongqu-os-run-test");
    buf_release(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_prints_comes_back),
        cmocka_unit_test(every_way_it_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
