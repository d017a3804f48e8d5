/* SPDX-License-Identifier: Apache-2.0 */
/* cmd.h - one command of the program: its row, its options, and how it reports.
 *
 * Shape    src/cli/cmd/NAME.c holds `const struct cmd cmd_NAME`; the build finds it.
 * The option table makes --help, the man page and the parser, so they cannot disagree.
 * Owner    texts of options are borrowed from argv.
 * Errors   a command returns enum err with a note; main() prints it and exits with the
 * error's status (0 done, 1 failed, 2 wrong usage, 3 data damaged or too new).
 */
#ifndef TQ_CLI_CMD_H
#define TQ_CLI_CMD_H

#include "core/civil.h"
#include "core/err.h"
#include "core/span.h"

enum opt_type {
    OPT_FLAG,
    OPT_TEXT,
    OPT_NUMBER,
    OPT_TIME,
    OPT_PATH,
    OPT_LISTEN, /* HOST:PORT, several with blanks between */
    OPT_CHOICE, /* one of the words of `arg`: "table|json|csv" */
};

struct cmd_opt {
    const char *name; /* "data": written --data; ended by a NULL name */
    const char *arg;  /* "DIR" in the synopsis; NULL for a flag; words of a choice */
    enum opt_type type;
    bool required;
    double min, max;    /* OPT_NUMBER; both 0: any */
    const char *preset; /* value when absent; NULL none */
    const char *en, *zh;
};

#define CMD_WORDS 16
#define CMD_OPTS 24

/* What was typed, checked against the row. */
struct cmd_args {
    const struct cmd *cmd;
    struct span word[CMD_WORDS]; /* positional words behind the command's name */
    size_t words;
    struct span
        value[CMD_OPTS]; /* by option index; .p NULL when absent and without preset */
    double number[CMD_OPTS];
    ts_ms time[CMD_OPTS];
    bool given[CMD_OPTS];
};

struct cmd {
    const char *name;
    const char *synopsis; /* behind the name: "sites|registry FILE --data DIR" */
    const char *en, *zh;  /* one sentence */
    size_t words_min, words_max;
    const struct cmd_opt *opts;
    const char *examples; /* lines for --help and the man page */
    bool hidden;          /* helper processes of ours */
    enum err (*fn)(const struct cmd_args *args, struct note *note);
};

extern const struct cmd *const cmd_rows[]; /* ended by NULL; made by the build */

const struct cmd *cmd_find(struct span name);
/* Parses argv behind the command's name. ERR_USAGE with a note naming the option. */
enum err cmd_parse(
    const struct cmd *cmd, int argc, char **argv, struct cmd_args *out,
    struct note *note) MUST_USE;
/* Value of an option by name; the name must be one of the row's. */
struct span cmd_text(const struct cmd_args *args, const char *name);
const char *
cmd_cstr(const struct cmd_args *args, const char *name); /* NULL when absent */
bool cmd_flag(const struct cmd_args *args, const char *name);
double cmd_number(const struct cmd_args *args, const char *name);
ts_ms cmd_time(const struct cmd_args *args, const char *name);
bool cmd_given(const struct cmd_args *args, const char *name);

/* The language of messages on a terminal: Chinese when the environment (LC_ALL,
 * LC_MESSAGES, LANG) asks for it. */
bool cmd_speaks_chinese(void);

/* --help of a command, of all commands. cmd/man.c makes tongqu(1) of the same rows. */
void cmd_help(const struct cmd *cmd);
void cmd_help_all(void);

/* A progress line on a terminal past one second: "sightings 1,200,000 (812,345/s)". */
struct progress {
    const char *what;
    uint64_t total; /* 0 unknown */
    dur_us began_us, shown_us;
    bool shown;
};
void progress_begin(struct progress *p, const char *what, uint64_t total);
void progress_at(struct progress *p, uint64_t done);
void progress_end(struct progress *p, uint64_t done);

#endif
