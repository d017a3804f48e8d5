/* SPDX-License-Identifier: Apache-2.0 */
/* Tampers with a chain in every way we can think of and lets the separate program find
 * it. The program is TONGQU_VERIFY, or tongqu-verify in the folder above this test's.
 */
#include "store/audit.h"

#include "kit/kit.h"
#include "store/audit_format.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORDS 40u

static char program[1024];

static bool
find_program(void)
{
    const char *given = getenv("TONGQU_VERIFY");
    char self[800];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (given)
        snprintf(program, sizeof program, "%s", given);
    if (given || n < 0)
        return given && access(program, X_OK) == 0;
    self[n] = 0;
    for (unsigned up = 0; up < 2; up++) {
        char *slash = strrchr(self, '/');
        if (slash)
            *slash = 0;
    }
    snprintf(program, sizeof program, "%s/tongqu-verify", self);
    return access(program, X_OK) == 0;
}

/* A chain of RECORDS records in memory: bytes of the file, where each record begins. */
struct chain {
    char dir[OS_PATH], file[OS_PATH + 32], outside[OS_PATH + 32];
    uint8_t *p;
    size_t n, at[RECORDS + 2];
};

static size_t
length_of(const uint8_t *p)
{
    return p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16;
}

static void
load(struct chain *c)
{
    char *text;
    kit_ok(os_read_file(os_fs_real(), c->file, 1u << 20, &text, &c->n, NULL), NULL);
    c->p = (uint8_t *)text;
    size_t at = AUDIT_FILE_HEAD;
    for (unsigned i = 1; i <= RECORDS + 1; i++) {
        c->at[i] = at;
        if (at < c->n)
            at += length_of(c->p + at);
    }
    assert_int_equal(c->at[RECORDS + 1], c->n);
}

static void
save(const struct chain *c)
{
    FILE *f = fopen(c->file, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(c->p, 1, c->n, f), c->n);
    fclose(f);
}

static void
make(struct chain *c)
{
    struct note note = {0};
    struct audit *a = NULL;
    struct audit_options opt = {.make_key = true};
    struct audit_head head;
    kit_temp_dir(c->dir);
    snprintf(c->file, sizeof c->file, "%s/audit/000000000001.tqa", c->dir);
    snprintf(c->outside, sizeof c->outside, "%s/outside", c->dir);
    kit_ok(audit_open(os_fs_real(), c->dir, &opt, 1, &a, &note), &note);
    for (unsigned i = 1; i <= RECORDS; i++) {
        uint64_t number;
        char subject[32];
        snprintf(subject, sizeof subject, "subject %u", i);
        struct audit_record r = {
            .at_ms = 1763690000000 + i,
            .class = AUDIT_LOOK,
            .action = SPAN("look.end"),
            .subject = span_cstr(subject),
        };
        kit_ok(audit_write(a, &r, &number), NULL);
        if (i == RECORDS / 2)
            kit_ok(audit_sign(a, 1763690000000, &head), NULL);
    }
    kit_ok(audit_sign(a, 1763690001000, &head), NULL);
    FILE *f = fopen(c->outside, "w");
    assert_non_null(f);
    fprintf(f, "%s\n", head.line);
    fclose(f);
    audit_close(&a, 1763690002000);
    load(c);
}

static void
drop(struct chain *c)
{
    free(c->p);
    kit_remove_tree(c->dir);
}

/* Exit status; the output in `said`. */
static int
verify(const struct chain *c, bool outside, char said[8192])
{
    char command[4096];
    snprintf(
        command, sizeof command, "%s %s %s%s 2>&1", program, c->dir,
        outside ? "--head " : "", outside ? c->outside : "");
    FILE *f = popen(command, "r");
    assert_non_null(f);
    size_t n = fread(said, 1, 8191, f);
    said[n] = 0;
    int status = pclose(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
expect(const struct chain *c, bool outside, int status, const char *words)
{
    char said[8192];
    int got = verify(c, outside, said);
    if (got != status || (words && !strstr(said, words)))
        print_message("expected %d and \"%s\", got %d:\n%s", status, words, got, said);
    assert_int_equal(got, status);
    if (words)
        assert_non_null(strstr(said, words));
}

/* Gives record i its hash again, as one who knows the layout would. */
static void
rehash(struct chain *c, unsigned i)
{
    size_t n = length_of(c->p + c->at[i]);
    crypto_generichash(c->p + c->at[i] + n - 32, 32, c->p + c->at[i], n - 32, NULL, 0);
}

/* Rewrites hash and link of every record from i on: only signed heads can tell. */
static void
rechain(struct chain *c, unsigned i, unsigned to)
{
    for (; i <= to; i++) {
        if (i > 1)
            memcpy(c->p + c->at[i] + AUDIT_FIXED - 32, c->p + c->at[i] - 32, 32);
        rehash(c, i);
    }
}

static void
whole(void **state)
{
    (void)state;
    struct chain c;
    make(&c);
    expect(&c, false, 0, "WHOLE");
    expect(&c, true, 0, "signed up to record 40");
    drop(&c);
}

static void
changed(void **state)
{
    (void)state;
    struct chain c;
    char words[64];
    make(&c);
    for (unsigned i = 1; i <= RECORDS;
         i += 13) { /* a text, number, time, length, hash */
        const size_t where[] = {
            AUDIT_FIXED + 8, 4, 12, 0, length_of(c.p + c.at[i]) - 1};
        for (unsigned k = 0; k < 5; k++) {
            c.p[c.at[i] + where[k]] ^= 1;
            save(&c);
            snprintf(words, sizeof words, "record %u was changed", i);
            expect(&c, false, 3, words);
            c.p[c.at[i] + where[k]] ^= 1;
        }
    }
    drop(&c);
}

static void
every_byte_counts(void **state)
{
    (void)state;
    struct chain c;
    char said[8192];
    make(&c);
    struct kit_rand r = {5};
    for (unsigned i = 0; i < kit_rounds(60, 3000); i++) {
        size_t at = kit_rand_below(&r, (uint32_t)c.n);
        uint8_t bit = (uint8_t)(1u << kit_rand_below(&r, 8));
        c.p[at] ^= bit;
        save(&c);
        assert_int_equal(verify(&c, false, said), 3);
        c.p[at] ^= bit;
    }
    drop(&c);
}

static void
changed_and_hashed_again(void **state)
{
    (void)state;
    struct chain c;
    make(&c);
    c.p[c.at[7] + AUDIT_FIXED + 9] ^= 1;
    rehash(&c, 7);
    save(&c);
    expect(&c, false, 3, "record 8 does not follow record 7");
    rechain(&c, 7, RECORDS); /* the whole rest made anew: the signed heads tell */
    save(&c);
    expect(&c, false, 3, "record 20 is not the one signed in audit/heads");
    char heads[OS_PATH + 32];
    snprintf(heads, sizeof heads, "%s/audit/heads", c.dir);
    assert_int_equal(unlink(heads), 0);
    expect(&c, true, 3, "record 40 is not the one signed in the outside head");
    drop(&c);
}

static void
cut_out(struct chain *c, unsigned i, unsigned n)
{
    memmove(c->p + c->at[i], c->p + c->at[i + n], c->n - c->at[i + n]);
    c->n -= c->at[i + n] - c->at[i];
}

static void
removed(void **state)
{
    (void)state;
    const struct {
        unsigned i, n;
        const char *words;
    } cases[] = {
        {1, 1, "record 1 is missing (1 removed or moved before record 2)"},
        {15, 1, "record 15 is missing (1 removed or moved before record 16)"},
        {15, 5, "record 15 is missing (5 removed or moved before record 20)"},
    };
    for (unsigned k = 0; k < 3; k++) {
        struct chain c;
        make(&c);
        cut_out(&c, cases[k].i, cases[k].n);
        save(&c);
        expect(&c, false, 3, cases[k].words);
        drop(&c);
    }
}

static void
inserted(void **state)
{
    (void)state;
    struct chain c;
    make(&c);
    size_t n = length_of(c.p + c.at[11]);
    uint8_t *q = malloc(c.n + n); /* record 11 a second time, behind itself */
    assert_non_null(q);
    memcpy(q, c.p, c.at[12]);
    memcpy(q + c.at[12], c.p + c.at[11], n);
    memcpy(q + c.at[12] + n, c.p + c.at[12], c.n - c.at[12]);
    free(c.p);
    c.p = q;
    c.n += n;
    save(&c);
    expect(&c, false, 3, "record 11 stands where 12 belongs");
    drop(&c);
}

static void
reordered(void **state)
{
    (void)state;
    struct chain c;
    make(&c);
    size_t a = c.at[20] - c.at[19], b = c.at[21] - c.at[20];
    uint8_t *swap = malloc(a + b);
    assert_non_null(swap);
    memcpy(swap, c.p + c.at[20], b);
    memcpy(swap + b, c.p + c.at[19], a);
    memcpy(c.p + c.at[19], swap, a + b);
    free(swap);
    save(&c);
    expect(&c, false, 3, "record 19 is missing (1 removed or moved before record 20)");
    drop(&c);
}

static void
tail_cut(void **state)
{
    (void)state;
    struct chain c;
    char heads[OS_PATH + 32];
    make(&c);
    c.n = c.at[31];
    save(&c);
    expect(&c, false, 3, "the end is cut off: audit/heads signed record 40");
    snprintf(heads, sizeof heads, "%s/audit/heads", c.dir);
    assert_int_equal(
        unlink(heads), 0); /* with the heads gone, only one outside can tell */
    expect(&c, false, 0, "a cut tail is found only with a head kept outside");
    expect(&c, true, 3, "the end is cut off: the outside head signed record 40");
    c.n += 50; /* and in the midst of a record */
    save(&c);
    expect(&c, false, 3, "record 31 was changed or cut");
    drop(&c);
}

static void
other_key(void **state)
{
    (void)state;
    struct chain c, other;
    char command[4096], hex[65] = {0};
    make(&c);
    make(&other);
    /* Another chain with its own key and its own heads in place of ours. */
    snprintf(
        command, sizeof command, "rm -r %s/audit && cp -r %s/audit %s/audit", c.dir,
        other.dir, c.dir);
    assert_int_equal(system(command), 0);
    expect(&c, false, 0, "WHOLE");
    expect(&c, true, 3, "not the key that signed the outside heads");
    memset(hex, 'a', 64);
    snprintf(command, sizeof command, "%s %s --key %s", program, c.dir, hex);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    while (fgetc(f) != EOF)
        ;
    assert_int_equal(WEXITSTATUS(pclose(f)), 3);
    drop(&c);
    drop(&other);
}

static void
heads_damaged(void **state)
{
    (void)state;
    struct chain c;
    char path[OS_PATH + 32];
    make(&c);
    snprintf(path, sizeof path, "%s/audit/heads", c.dir);
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    fseek(f, 30, SEEK_SET);
    int ch = fgetc(f);
    fseek(f, 30, SEEK_SET);
    fputc(ch == '7' ? '8' : '7', f);
    fclose(f);
    expect(&c, false, 3, "audit/heads line 1 is no valid signed head");
    drop(&c);
}

static bool
count_on(void *arg, const struct audit_row *row)
{
    uint64_t *last = arg;
    return row->record.number == *last + 1 && ++*last;
}

/* Records of 28 kB until the chain has three files. */
static void
several_files(void **state)
{
    (void)state;
    static char big[AUDIT_TEXT_MAX + 1];
    struct chain c = {0};
    struct note note = {0};
    struct audit *a = NULL;
    struct audit_options opt = {.make_key = true};
    struct arena arena;
    struct audit_row *rows;
    char second[OS_PATH + 64], said[8192];
    uint64_t number = 0, last = 0, middle = 0, size;
    size_t n;
    bool is_dir;
    memset(big, 'x', AUDIT_TEXT_MAX);
    struct span s = span_cstr(big);
    struct audit_record r = {
        .login = s,
        .address = s,
        .action = s,
        .object = s,
        .purpose = s,
        .subject = s,
        .detail = s};
    kit_temp_dir(c.dir);
    kit_ok(audit_open(os_fs_real(), c.dir, &opt, 1, &a, &note), &note);
    while (number < 5000) {
        for (unsigned i = 0; i < 30; i++)
            kit_ok(audit_append(a, &r, &number), NULL);
        kit_ok(audit_wait(a, number), NULL);
    }
    audit_close(&a, 2);
    kit_ok(audit_open(os_fs_real(), c.dir, &opt, 3, &a, &note), &note);
    assert_int_equal(audit_durable(a), number);
    kit_ok(audit_each(a, 0, count_on, &last), NULL);
    assert_int_equal(last, number);
    arena_init(&arena, 64u << 20);
    struct audit_query q = {
        .cap = 10, .before = 1000}; /* an old file, from its index */
    kit_ok(audit_read(a, &q, &arena, &rows, &n), NULL);
    assert_int_equal(n, 10);
    assert_int_equal(rows[0].record.number, 999);
    arena_release(&arena);
    audit_close(&a, 4);
    expect(&c, false, 0, "in 3 files");
    for (uint64_t i = 2; i < number && !middle; i++) {
        snprintf(
            second, sizeof second, "%s/audit/%012llu.tqa", c.dir,
            (unsigned long long)i);
        if (os_stat(os_fs_real(), second, &size, &is_dir) == OK)
            middle = i;
    }
    assert_true(middle > 1000);
    assert_int_equal(unlink(second), 0);
    snprintf(said, sizeof said, "record %llu is missing", (unsigned long long)middle);
    expect(&c, false, 3, said);
    kit_remove_tree(c.dir);
}

static void
usage_and_absence(void **state)
{
    (void)state;
    char command[2048];
    snprintf(command, sizeof command, "%s >/dev/null 2>&1", program);
    assert_int_equal(WEXITSTATUS(system(command)), 2);
    snprintf(command, sizeof command, "%s --help >/dev/null", program);
    assert_int_equal(WEXITSTATUS(system(command)), 0);
    snprintf(command, sizeof command, "%s /nowhere/at/all 2>/dev/null", program);
    assert_int_equal(WEXITSTATUS(system(command)), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),
        cmocka_unit_test(changed),
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(changed_and_hashed_again),
        cmocka_unit_test(removed),
        cmocka_unit_test(inserted),
        cmocka_unit_test(reordered),
        cmocka_unit_test(tail_cut),
        cmocka_unit_test(other_key),
        cmocka_unit_test(heads_damaged),
        cmocka_unit_test(several_files),
        cmocka_unit_test(usage_and_absence),
    };
    if (!find_program()) {
        print_error("tongqu-verify is not built beside this test\n");
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
