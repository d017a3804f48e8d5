/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu verify: reads everything against its checksums. */
#include "cli/run_op.h"

static const struct cmd_opt opts[] = {
    {"data", "DIR", OPT_PATH, true, 0, 0, NULL, "data directory", "数据目录"},
    {"skip-pictures", NULL, OPT_FLAG, false, 0, 0, NULL,
     "do not read the picture packs", "不检查图片包"},
    {0},
};

static enum err
run(const struct cmd_args *args, struct note *note)
{
    static const char *const names[] = {"skip-pictures", NULL};
    return run_op(args, "verify", op_args(args, names), NULL, note);
}

const struct cmd cmd_verify = {
    .name = "verify",
    .synopsis = "--data DIR",
    .en = "Check the ledger, every segment, the journal and the picture packs; exit "
          "status 3 when "
          "something is damaged.",
    .zh = "校验台账、分段、日志与图片包；有损坏时退出码为 3。",
    .opts = opts,
    .examples =
        "  tongqu verify --data /var/lib/tongqu && tongqu-verify /var/lib/tongqu\n",
    .fn = run,
};
