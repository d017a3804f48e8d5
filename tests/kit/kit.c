/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers of the unit tests. */
#include "kit/kit.h"

#include "core/os_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void
kit_check_ok(enum err e, const struct note *note, const char *file, int line)
{
    if (e == OK)
        return;
    print_error("%s: %s\n", err_row(e)->name, note ? note->en : "");
    _fail(file, line);
}

void
kit_check_span(struct span s, const char *text, const char *file, int line)
{
    if (span_eq_cstr(s, text))
        return;
    print_error("\"%.*s\" is not \"%s\"\n", SPAN_ARG(s), text);
    _fail(file, line);
}

void
kit_temp_dir(char *dst)
{
    const char *base = getenv("TMPDIR");
    must(
        snprintf(dst, OS_PATH, "%s/tongqu-test-XXXXXX", base ? base : "/tmp") <
        OS_PATH);
    must(mkdtemp(dst) != NULL);
}

static void
remove_entry(void *arg, const char *name)
{
    char path[OS_PATH];
    must(os_join(path, sizeof path, arg, name) == OK);
    uint64_t size;
    bool is_dir = false;
    if (os_stat(os_fs_real(), path, &size, &is_dir) == OK && is_dir)
        kit_remove_tree(path);
    else
        must(os_unlink(os_fs_real(), path) == OK);
}

void
kit_remove_tree(const char *dir)
{
    char path[OS_PATH];
    must(span_copy(path, sizeof path, span_cstr(dir)));
    must(os_list(os_fs_real(), path, remove_entry, path) == OK);
    must(os_rmdir(os_fs_real(), path) == OK);
}

uint64_t
kit_rand_u64(struct kit_rand *r)
{
    r->s += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    uint64_t z = r->s;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint32_t
kit_rand_below(struct kit_rand *r, uint32_t n)
{
    must(n > 0);
    return (uint32_t)((kit_rand_u64(r) >> 32) * n >> 32);
}

const char *
kit_shared(char *dst, const char *relative)
{
    const char *base = getenv("TONGQU_SHARED");
    int n = snprintf(dst, OS_PATH, "%s/%s", base ? base : "../shared", relative);
    if (n > 0 && n < OS_PATH && access(dst, R_OK) == 0)
        return dst;
    print_message("skipped: shared data %s is not here\n", relative);
    return NULL;
}

unsigned
kit_rounds(unsigned quick, unsigned long_count)
{
    const char *v = getenv("TONGQU_LONG");
    return v && *v && *v != '0' ? long_count : quick;
}
