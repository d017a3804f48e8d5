/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu matter: opens one from the command line and prints its number. */
#include "cli/run_op.h"

static const struct cmd_opt opts[] = {
    {"data", "DIR", OPT_PATH, true, 0, 0, NULL, "data directory", "数据目录"},
    {"kind", "KIND", OPT_TEXT, true, 0, 0, NULL, "kind of matter, as inquiry",
     "事项种类，如 inquiry"},
    {"title", "TEXT", OPT_TEXT, true, 0, 0, NULL, "what it is about", "事由说明"},
    {0},
};

static enum err
run(const struct cmd_args *args, struct note *note)
{
    static const char *const names[] = {"kind", "title", NULL};
    if (!span_eq_cstr(args->word[0], "open"))
        return note_fmt(
            note, ERR_USAGE, "word", "matters are opened, not \"%.*s\"",
            "只能 open，而不是“%.*s”", SPAN_ARG(args->word[0]));
    return run_op(args, "matter_open", op_args(args, names), NULL, note);
}

const struct cmd cmd_matter = {
    .name = "matter",
    .synopsis = "open --data DIR --kind K --title T",
    .en = "Open a matter and print its number.",
    .zh = "建立事项并输出编号。",
    .words_min = 1,
    .words_max = 1,
    .opts = opts,
    .examples =
        "  tongqu matter open --data DIR --kind inquiry --title \"肇事逃逸核查\"\n",
    .fn = run,
};
