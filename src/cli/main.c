/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu: find the command's row, parse by its table, run it, say what went wrong. */
#include "cli/cmd.h"
#include "core/log.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
dump_flight_recorder(void)
{
    log_dump(STDERR_FILENO);
}

static int
report(enum err e, const struct note *note)
{
    bool zh = cmd_speaks_chinese();
    const char *text = zh ? note->zh : note->en;
    if (!*text)
        text = zh ? err_row(e)->zh : err_row(e)->en;
    fprintf(stderr, "tongqu: %s\n", text);
    return err_row(e)->exit_status;
}

static bool
asks_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

int
main(int argc, char **argv)
{
    must_hook(dump_flight_recorder);
    signal(SIGPIPE, SIG_IGN);
    struct note note = {0};
    if (argc < 2) {
        cmd_help_all();
        return 2;
    }
    bool help = strcmp(argv[1], "help") == 0;
    if ((help && argc == 2) || asks_help(1, argv + 1)) {
        cmd_help_all();
        return 0;
    }
    argv += help; /* help COMMAND is COMMAND --help */
    argc -= help;
    const struct cmd *cmd = cmd_find(span_cstr(argv[1]));
    if (!cmd) {
        enum err e = note_fmt(
            &note, ERR_USAGE, "command", "there is no command \"%s\": see tongqu help",
            "没有命令“%s”：请看 tongqu help", argv[1]);
        return report(e, &note);
    }
    if (help || asks_help(argc - 2, argv + 2)) {
        cmd_help(cmd);
        return 0;
    }
    struct cmd_args args;
    enum err e = cmd_parse(cmd, argc - 2, argv + 2, &args, &note);
    if (e == OK)
        e = cmd->fn(&args, &note);
    if (fflush(stdout) != 0 && e == OK)
        e = note_set(&note, ERR_IO, NULL, "writing the output failed", "输出写入失败");
    return e == OK ? 0 : report(e, &note);
}
