/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu status: counts and sizes of a data directory as one line of JSON. */
#include "cli/run_op.h"

static const struct cmd_opt opts[] = {
    {"data", "DIR", OPT_PATH, true, 0, 0, NULL, "data directory", "数据目录"},
    {0},
};

static enum err
run(const struct cmd_args *args, struct note *note)
{
    return run_op(args, "status", json_object(), NULL, note);
}

const struct cmd cmd_status = {
    .name = "status",
    .synopsis = "--data DIR",
    .en = "Print rows, sizes and journal positions as JSON.",
    .zh = "以 JSON 输出行数、大小与日志位置。",
    .opts = opts,
    .examples = "  tongqu status --data /var/lib/tongqu\n",
    .fn = run,
};
