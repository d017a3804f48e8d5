/* SPDX-License-Identifier: Apache-2.0 */
/* Every option of every command, as its row says, typed wrongly: the parser refuses it
 * as wrong usage and names it. */
#include "cli/cmd.h"

#include "kit/kit.h"

#include <stdio.h>

static char *words[] = {"w", "w", "w", "w", "w", "w", "w", "w", "w",
                        "w", "w", "w", "w", "w", "w", "w", "w"};

/* The command with its least words, what it requires (but for `but`), then the given. */
static enum err
typed(
    const struct cmd *c, const struct cmd_opt *but, const char *a, const char *b,
    struct note *note)
{
    static const char *const sample[] = {
        [OPT_TEXT] = "x",  [OPT_NUMBER] = NULL, [OPT_TIME] = "2026-03-02",
        [OPT_PATH] = "/x", [OPT_CHOICE] = NULL, [OPT_LISTEN] = "[::1]:0",
    };
    char *argv[64], name[CMD_OPTS][64], value[CMD_OPTS][64];
    int n = 0, k = 0;
    struct cmd_args args;
    for (size_t i = 0; i < c->words_min; i++)
        argv[n++] = words[i];
    for (const struct cmd_opt *o = c->opts; o && o->name; o++) {
        if (!o->required || o == but)
            continue;
        snprintf(name[k], sizeof name[k], "--%s", o->name);
        if (o->type == OPT_NUMBER)
            snprintf(value[k], sizeof value[k], "%g", o->min);
        else if (o->type == OPT_CHOICE)
            snprintf(
                value[k], sizeof value[k], "%.*s", (int)strcspn(o->arg, "|"), o->arg);
        else if (o->type != OPT_FLAG)
            snprintf(value[k], sizeof value[k], "%s", sample[o->type]);
        argv[n++] = name[k];
        if (o->type != OPT_FLAG)
            argv[n++] = value[k];
        k++;
    }
    char first[128], second[128];
    snprintf(first, sizeof first, "%s", a ? a : "");
    snprintf(second, sizeof second, "%s", b ? b : "");
    if (a)
        argv[n++] = first;
    if (b)
        argv[n++] = second;
    *note = (struct note){0};
    return cmd_parse(c, n, argv, &args, note);
}

static void
refused(const struct cmd *c, const struct cmd_opt *o, const char *value)
{
    char option[80];
    struct note note;
    snprintf(option, sizeof option, "--%s", o->name);
    enum err e = typed(c, o, option, value, &note);
    if (e != ERR_USAGE || !note.en[0] || !note.zh[0])
        fail_msg("tongqu %s %s %s: %d %s", c->name, option, value, e, note.en);
}

static void
taken(const struct cmd *c, const struct cmd_opt *o, const char *value)
{
    char option[80];
    struct note note;
    snprintf(option, sizeof option, "--%s", o->name);
    enum err e = typed(c, o, option, value, &note);
    if (e != OK)
        fail_msg("tongqu %s %s %s: %d %s", c->name, option, value, e, note.en);
}

static void
choices(const struct cmd *c, const struct cmd_opt *o)
{
    char word[64], option[80];
    struct note note;
    struct span rest = span_cstr(o->arg);
    snprintf(option, sizeof option, "--%s", o->name);
    refused(c, o, "nonsense");
    refused(c, o, "");
    refused(c, o, o->arg);
    (void)!typed(c, o, option, "nonsense", &note);
    assert_string_equal(note.field, o->name);
    while (rest.n) { /* each is told, and taken */
        assert_true(span_copy(word, sizeof word, span_cut(&rest, '|')));
        assert_non_null(strstr(note.en, word));
        assert_non_null(strstr(note.zh, word));
        taken(c, o, word);
    }
}

static void
numbers(const struct cmd *c, const struct cmd_opt *o)
{
    char text[64];
    refused(c, o, "nonsense");
    refused(c, o, "");
    refused(c, o, "1x");
    refused(c, o, "nan");
    if (o->min == 0 && o->max == 0)
        return;
    snprintf(text, sizeof text, "%.17g", o->max + 1);
    refused(c, o, text);
    snprintf(text, sizeof text, "%.17g", o->min - 1);
    refused(c, o, text);
    snprintf(text, sizeof text, "%.17g", o->max);
    taken(c, o, text);
}

static void
values(const struct cmd *c, const struct cmd_opt *o)
{
    struct note note;
    char option[80], twice[80];
    snprintf(option, sizeof option, "--%s", o->name);
    snprintf(twice, sizeof twice, "--%s=1", o->name);
    if (o->type == OPT_FLAG) {
        assert_int_equal(typed(c, o, twice, NULL, &note), ERR_USAGE);
        assert_int_equal(typed(c, o, option, option, &note), ERR_USAGE);
        return;
    }
    assert_int_equal(typed(c, o, option, NULL, &note), ERR_USAGE);
    if (o->type == OPT_CHOICE)
        choices(c, o);
    if (o->type == OPT_NUMBER)
        numbers(c, o);
    if (o->type == OPT_TIME) {
        refused(c, o, "yesterday");
        refused(c, o, "");
        taken(c, o, "2026-03-02T08:00:00+08:00");
    }
    if (o->type == OPT_LISTEN) {
        static const char *const bad[] = {"", " ", "nonsense", "a:b", "a:65536", "a:"};
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
            refused(c, o, bad[i]);
        taken(c, o, "127.0.0.1:0 [::1]:8080 :9");
    }
    if (o->type != OPT_PATH)
        refused(c, o, "\xFF\xFE");
}

static void
every_option_typed_wrongly(void **state)
{
    (void)state;
    unsigned options = 0;
    for (const struct cmd *const *row = cmd_rows; *row; row++) {
        const struct cmd *c = *row;
        struct note note;
        assert_int_equal(typed(c, NULL, NULL, NULL, &note), OK);
        assert_int_equal(typed(c, NULL, "--no-such-option", NULL, &note), ERR_USAGE);
        assert_non_null(strstr(note.en, "no-such-option"));
        for (const struct cmd_opt *o = c->opts; o && o->name; o++, options++) {
            if (o->required)
                assert_int_equal(typed(c, o, NULL, NULL, &note), ERR_USAGE);
            if (o->required)
                assert_string_equal(note.field, o->name);
            values(c, o);
            assert_true((o->type == OPT_FLAG) == (o->arg == NULL));
        }
    }
    assert_true(options > 60);
}

static void
too_many_words_and_too_few(void **state)
{
    (void)state;
    for (const struct cmd *const *row = cmd_rows; *row; row++) {
        struct cmd_args args;
        struct note note = {0};
        int most = (int)(*row)->words_max;
        assert_true(most < (int)(sizeof words / sizeof *words));
        assert_int_equal(cmd_parse(*row, most + 1, words, &args, &note), ERR_USAGE);
        if ((*row)->words_min)
            assert_int_equal(cmd_parse(*row, 0, words, &args, &note), ERR_USAGE);
        assert_true(note.en[0] && note.zh[0]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_typed_wrongly),
        cmocka_unit_test(too_many_words_and_too_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
