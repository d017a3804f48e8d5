/* SPDX-License-Identifier: Apache-2.0 */
/* The command machine: one table row makes the parser, the help and the man page. */
#include "cli/cmd.h"

#include "core/os_clock.h"
#include "core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct zone default_zone = {"Asia/Shanghai", 480};

const struct cmd *
cmd_find(struct span name)
{
    for (const struct cmd *const *c = cmd_rows; *c; c++)
        if (span_eq_cstr(name, (*c)->name))
            return *c;
    return NULL;
}

static size_t
opt_index(const struct cmd *cmd, struct span name)
{
    size_t i = 0;
    while (cmd->opts && cmd->opts[i].name && !span_eq_cstr(name, cmd->opts[i].name))
        i++;
    return i;
}

static size_t
opt_count(const struct cmd *cmd)
{
    return opt_index(
        cmd, SPAN("\n")); /* no option has this name: the end of the table */
}

/* "table|json|csv" as "table, json or csv". */
static void
list_choices(const char *words, const char *last, char *dst, size_t cap)
{
    struct span rest = span_cstr(words);
    size_t n = 0;
    dst[0] = 0;
    while (rest.n && n < cap) {
        struct span word = span_cut(&rest, '|');
        const char *before = n == 0 ? "" : rest.n ? ", " : last;
        n += (size_t)snprintf(dst + n, cap - n, "%s%.*s", before, SPAN_ARG(word));
    }
}

static enum err
take_choice(const struct cmd_opt *o, struct span v, struct note *note)
{
    char en[128], zh[128];
    struct span rest = span_cstr(o->arg);
    while (rest.n)
        if (span_eq(v, span_cut(&rest, '|')))
            return OK;
    list_choices(o->arg, " or ", en, sizeof en);
    list_choices(o->arg, " 或 ", zh, sizeof zh);
    snprintf(note->field, sizeof note->field, "%s", o->name);
    snprintf(
        note->en, sizeof note->en, "--%s takes %s, not \"%.*s\"", o->name, en,
        (int)(v.n < 60 ? v.n : 60), v.p);
    snprintf(
        note->zh, sizeof note->zh, "--%s 须为 %s，而不是“%.*s”", o->name, zh,
        (int)(v.n < 60 ? v.n : 60), v.p);
    return ERR_USAGE;
}

/* "HOST:PORT", "[::1]:8080", ":8080"; whether the host is one is seen when it is
 * listened at. */
static enum err
take_listen(const struct cmd_opt *o, struct span v, struct note *note)
{
    struct span rest = v;
    size_t n = 0;
    while (rest.n) {
        struct span at = span_trim(span_cut(&rest, ' '));
        const char *colon = at.n ? memrchr(at.p, ':', at.n) : NULL;
        uint64_t port;
        if (at.n == 0)
            continue;
        n++;
        if (!colon || !span_u64(span_skip(at, (size_t)(colon - at.p) + 1), &port) ||
            port > 65535)
            return note_fmt(
                note, ERR_USAGE, o->name,
                "--%s takes HOST:PORT, as 127.0.0.1:8080 or [::1]:8080, not \"%.*s\"",
                "--%s 须为 主机:端口，如 127.0.0.1:8080 或 [::1]:8080，而不是“%.*s”",
                o->name, SPAN_ARG(at));
    }
    return n ? OK
             : note_fmt(
                   note, ERR_USAGE, o->name, "--%s takes HOST:PORT",
                   "--%s 须为 主机:端口", o->name);
}

static enum err
take_value(struct cmd_args *a, size_t i, struct span v, struct note *note)
{
    const struct cmd_opt *o = &a->cmd->opts[i];
    a->value[i] = v;
    if (o->type != OPT_PATH && !utf8_valid(v))
        return note_fmt(
            note, ERR_USAGE, o->name, "--%s is not UTF-8 text", "--%s 不是 UTF-8 文字",
            o->name);
    if (o->type == OPT_NUMBER) {
        bool ok = span_f64(v, &a->number[i]);
        bool bounded = o->min != 0 || o->max != 0;
        if (!ok || (bounded && (a->number[i] < o->min || a->number[i] > o->max))) {
            if (bounded)
                return note_fmt(
                    note, ERR_USAGE, o->name, "--%s takes a number from %.10g to %.10g",
                    "--%s 须为 %.10g 到 %.10g 之间的数", o->name, o->min, o->max);
            return note_fmt(
                note, ERR_USAGE, o->name, "--%s takes a number", "--%s 须为数字",
                o->name);
        }
    }
    if (o->type == OPT_LISTEN)
        return take_listen(o, v, note);
    if (o->type == OPT_CHOICE)
        return take_choice(o, v, note);
    if (o->type == OPT_TIME)
        return ts_parse(v, &default_zone, &a->time[i], note) == OK ? OK : ERR_USAGE;
    return OK;
}

static enum err
presets(struct cmd_args *a, struct note *note)
{
    for (size_t i = 0; a->cmd->opts && a->cmd->opts[i].name; i++) {
        const struct cmd_opt *o = &a->cmd->opts[i];
        if (a->given[i])
            continue;
        if (o->required)
            return note_fmt(
                note, ERR_USAGE, o->name, "--%s %s is missing", "缺少 --%s %s", o->name,
                o->arg ? o->arg : "");
        if (o->preset) {
            enum err e = take_value(a, i, span_cstr(o->preset), note);
            must(e == OK);
        }
    }
    return OK;
}

static enum err
take_option(struct cmd_args *a, int *at, int argc, char **argv, struct note *note)
{
    struct span rest = span_cstr(argv[*at] + 2);
    const char *equals = rest.n ? memchr(rest.p, '=', rest.n) : NULL;
    struct span name = equals ? span_of(rest.p, (size_t)(equals - rest.p)) : rest;
    size_t i = opt_index(a->cmd, name);
    if (i == opt_count(a->cmd))
        return note_fmt(
            note, ERR_USAGE, "option", "%s has no option --%.*s: see tongqu %s --help",
            "%s 没有选项 --%.*s：请看 tongqu %s --help", a->cmd->name, SPAN_ARG(name),
            a->cmd->name);
    if (a->given[i])
        return note_fmt(
            note, ERR_USAGE, "option", "--%.*s stands twice: give it once",
            "--%.*s 重复出现：只写一次", SPAN_ARG(name));
    a->given[i] = true;
    if (a->cmd->opts[i].type == OPT_FLAG) {
        if (equals)
            return note_fmt(
                note, ERR_USAGE, "option", "--%.*s takes no value", "--%.*s 不带取值",
                SPAN_ARG(name));
        a->value[i] = SPAN("1");
        return OK;
    }
    struct span v;
    if (equals)
        v = span_skip(rest, name.n + 1);
    else if (*at + 1 < argc)
        v = span_cstr(argv[++*at]);
    else
        return note_fmt(
            note, ERR_USAGE, "option", "--%.*s needs %s", "--%.*s 需要 %s",
            SPAN_ARG(name), a->cmd->opts[i].arg);
    return take_value(a, i, v, note);
}

enum err
cmd_parse(
    const struct cmd *cmd, int argc, char **argv, struct cmd_args *out,
    struct note *note)
{
    struct cmd_args a = {.cmd = cmd};
    must(opt_count(cmd) <= CMD_OPTS);
    for (int i = 0; i < argc; i++) {
        bool option = argv[i][0] == '-' && argv[i][1] == '-' && argv[i][2];
        if (option) {
            enum err e = take_option(&a, &i, argc, argv, note);
            if (e != OK)
                return e;
            continue;
        }
        if (a.words == cmd->words_max || a.words == CMD_WORDS)
            return note_fmt(
                note, ERR_USAGE, "word", "\"%s\" is one word too many: tongqu %s %s",
                "多了一个参数“%s”：tongqu %s %s", argv[i], cmd->name, cmd->synopsis);
        a.word[a.words++] = span_cstr(argv[i]);
    }
    if (a.words < cmd->words_min)
        return note_fmt(
            note, ERR_USAGE, "word", "a word is missing: tongqu %s %s",
            "缺少参数：tongqu %s %s", cmd->name, cmd->synopsis);
    enum err e = presets(&a, note);
    if (e == OK)
        *out = a;
    return e;
}

static size_t
known(const struct cmd_args *a, const char *name)
{
    size_t i = opt_index(a->cmd, span_cstr(name));
    must(i < opt_count(a->cmd));
    return i;
}

struct span
cmd_text(const struct cmd_args *a, const char *name)
{
    return a->value[known(a, name)];
}

const char *
cmd_cstr(const struct cmd_args *a, const char *name)
{
    return a->value[known(a, name)].p; /* argv and presets are NUL-terminated */
}

bool
cmd_flag(const struct cmd_args *a, const char *name)
{
    return a->given[known(a, name)];
}

double
cmd_number(const struct cmd_args *a, const char *name)
{
    return a->number[known(a, name)];
}

ts_ms
cmd_time(const struct cmd_args *a, const char *name)
{
    return a->time[known(a, name)];
}

bool
cmd_speaks_chinese(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *v = getenv(names[i]);
        if (v && *v)
            return strncmp(v, "zh", 2) == 0;
    }
    return false;
}

bool
cmd_given(const struct cmd_args *a, const char *name)
{
    return a->given[known(a, name)];
}

void
cmd_help(const struct cmd *cmd)
{
    printf("tongqu %s %s\n\n%s\n%s\n", cmd->name, cmd->synopsis, cmd->en, cmd->zh);
    if (cmd->opts && cmd->opts[0].name)
        printf("\nOptions:\n");
    for (const struct cmd_opt *o = cmd->opts; o && o->name; o++) {
        char head[80];
        snprintf(
            head, sizeof head, "--%s%s%s", o->name, o->arg ? " " : "",
            o->arg ? o->arg : "");
        printf("  %-26s %s", head, o->en);
        if (o->preset)
            printf(" (default %s)", o->preset);
        printf("\n  %-26s %s\n", "", o->zh);
    }
    if (cmd->examples)
        printf("\nExamples:\n%s", cmd->examples);
}

void
cmd_help_all(void)
{
    printf(
        "tongqu COMMAND ...: an open command platform for a city's traffic police\n\n");
    for (const struct cmd *const *c = cmd_rows; *c; c++)
        if (!(*c)->hidden)
            printf("  %-10s %s\n", (*c)->name, (*c)->en);
    printf("\ntongqu COMMAND --help says more. Exit status: 0 done, 1 failed, 2 wrong "
           "usage, "
           "3 data damaged or too new.\n");
}

void
progress_begin(struct progress *p, const char *what, uint64_t total)
{
    *p = (struct progress){what, total, os_mono_us(), 0, false};
}

static void
progress_print(struct progress *p, uint64_t done, dur_us now)
{
    double seconds = (double)(now - p->began_us) / 1e6;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    if (p->total)
        fprintf(
            stderr, "\r%s %llu of %llu (%.0f %%, %.0f/s) ", p->what,
            (unsigned long long)done, (unsigned long long)p->total,
            100.0 * (double)done / (double)p->total, rate);
    else
        fprintf(stderr, "\r%s %llu (%.0f/s) ", p->what, (unsigned long long)done, rate);
    p->shown_us = now;
    p->shown = true;
}

void
progress_at(struct progress *p, uint64_t done)
{
    dur_us now = os_mono_us();
    if (!isatty(STDERR_FILENO) || now - p->began_us < 1000000 ||
        now - p->shown_us < 200000)
        return;
    progress_print(p, done, now);
}

void
progress_end(struct progress *p, uint64_t done)
{
    if (!p->shown)
        return;
    progress_print(p, done, os_mono_us());
    fputc('\n', stderr);
}
