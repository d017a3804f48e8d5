/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu rules: the live rules' parameters, as set in a data directory. */
#include "cli/run_op.h"

#include <stdio.h>

#include "rules/setting.h"

static const struct cmd_opt opts[] = {
    {"data", "DIR", OPT_PATH, false, 0, 0, NULL, "data directory", "数据目录"},
    {"format", "table|json|csv", OPT_CHOICE, false, 0, 0, "table", "how it is printed",
     "输出格式"},
    {"yaml", NULL, OPT_FLAG, false, 0, 0, NULL,
     "print a fresh rules.yaml with this release's defaults as comments instead",
     "改为输出本版本的 rules.yaml，默认值均为注释"},
    {0},
};

static enum err
run(const struct cmd_args *args, struct note *note)
{
    static const char *const names[] = {"format", NULL};
    if (cmd_flag(args, "yaml")) {
        struct buf out = {0};
        rule_settings_template(&out);
        fwrite(out.p, 1, out.n, stdout);
        buf_release(&out);
        return OK;
    }
    if (!cmd_given(args, "data"))
        return note_set(
            note, ERR_USAGE, "data",
            "name the data directory (--data DIR), or ask for --yaml",
            "请用 --data DIR 指定数据目录，或使用 --yaml");
    return run_op(args, "rules", op_args(args, names), NULL, note);
}

const struct cmd cmd_rules = {
    .name = "rules",
    .synopsis = "--data DIR [--format FORMAT] | --yaml",
    .en =
        "Show the parameters of the live rules: value, default, bounds, and what comes "
        "into force.",
    .zh = "显示实时规则的参数：现值、默认值、上下限，以及即将生效的值。",
    .opts = opts,
    .examples = "  tongqu rules --data /var/lib/tongqu\n"
                "  tongqu rules --yaml > definitions/rules.yaml\n",
    .fn = run,
};
