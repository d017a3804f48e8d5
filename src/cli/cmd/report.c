/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu report: figures about the system itself, never about a vehicle. */
#include "cli/run_op.h"

#include <string.h>

static const struct cmd_opt opts[] = {
    {"data", "DIR", OPT_PATH, true, 0, 0, NULL, "data directory", "数据目录"},
    {"days", "N", OPT_NUMBER, false, 1, 14, "1", "civil days up to today",
     "至今天为止的天数"},
    {"format", "table|json|csv", OPT_CHOICE, false, 0, 0, "table", "how it is printed",
     "输出格式"},
    {0},
};

static enum err
run(const struct cmd_args *args, struct note *note)
{
    static const char *const names[] = {"days", "format", NULL};
    if (!span_eq_cstr(args->word[0], "quality"))
        return note_fmt(
            note, ERR_USAGE, "word", "there is no report \"%.*s\": quality is one",
            "没有报告“%.*s”，现有 quality", SPAN_ARG(args->word[0]));
    return run_op(args, "quality", op_args(args, names), NULL, note);
}

const struct cmd cmd_report = {
    .name = "report",
    .synopsis = "quality --data DIR [--days N] [--format FORMAT]",
    .en =
        "Print what each device sends and how well: records stored, doubled, refused, "
        "late, unread, slips by kind (with a masked sample in JSON), misread rate and "
        "clock error of its site.",
    .zh = "按设备输出数据质量：入库、重复、拒收、迟到、未识别、各类差错（JSON "
          "含脱敏样例），以及点位误识率与时钟误差。",
    .words_min = 1,
    .words_max = 1,
    .opts = opts,
    .examples =
        "  tongqu report quality --data /var/lib/tongqu --days 7\n"
        "  tongqu report quality --data /var/lib/tongqu --format csv > quality.csv\n",
    .fn = run,
};
