/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu export: what leaves the system, signed. */
#include "cli/run_op.h"
#include "daemon/door.h"

static const struct cmd_opt opts[] = {
    {"data", "DIR", OPT_PATH, true, 0, 0, NULL, "data directory", "数据目录"},
    {"out", "FILE.zip", OPT_PATH, true, 0, 0, NULL, "the archive to write",
     "写出的证据包文件"},
    {"alarm", "ID", OPT_TEXT, false, 0, 0, NULL, "the passes of this alarm",
     "某条预警的过车"},
    {"passes", "ID,...", OPT_TEXT, false, 0, 0, NULL,
     "passes by their ids, as query prints them", "过车编号，可由 query 得到"},
    {"title", "TEXT", OPT_TEXT, false, 0, 0, NULL, "head line of its index",
     "索引标题"},
    {"remark", "TEXT", OPT_TEXT, false, 0, 0, NULL, "a remark in its index",
     "索引说明"},
    {"matter", "ID", OPT_TEXT, false, 0, 0, NULL, "the open matter it belongs to",
     "所属的未办结事项"},
    {"purpose", "CODE", OPT_TEXT, false, 0, 0, NULL,
     "why: a code of definitions/purposes.yaml", "事由代码"},
    {"no-clips", NULL, OPT_FLAG, false, 0, 0, NULL,
     "leave out the video that the matter keeps", "不装入事项的外部视频"},
    {0},
};

static enum err
run(const struct cmd_args *args, struct note *note)
{
    static const char *const names[] = {"alarm",  "passes",  "title",    "remark",
                                        "matter", "purpose", "no-clips", NULL};
    if (!span_eq_cstr(args->word[0], "evidence"))
        return note_fmt(
            note, ERR_USAGE, "word", "evidence is exported, not \"%.*s\"",
            "只能导出 evidence，而不是“%.*s”", SPAN_ARG(args->word[0]));
    if (cmd_given(args, "alarm") == cmd_given(args, "passes"))
        return note_set(
            note, ERR_USAGE, "passes", "name --alarm or --passes, one of the two",
            "请指定 --alarm 或 --passes 之一");
    json_t *a = op_args(args, names);
    FILE *printed = tmpfile();
    enum err e =
        a && printed
            ? door_run(cmd_cstr(args, "data"), "evidence", a, -1, printed, note)
            : ERR_IO;
    if (e == OK)
        e = keep_printed(printed, cmd_cstr(args, "out"), "export", note);
    if (printed)
        fclose(printed);
    json_decref(a);
    return e;
}

const struct cmd cmd_export = {
    .name = "export",
    .synopsis =
        "evidence --data DIR --out FILE.zip --alarm ID|--passes ID,... --matter "
        "ID --purpose CODE [options]",
    .en = "Write passes and their pictures as a signed archive that can be read and "
          "checked without this program (tongqu-verify FILE.zip).",
    .zh = "将过车与图片导出为签名证据包，可脱离本系统阅读与核验（tongqu-verify "
          "FILE.zip）。",
    .words_min = 1,
    .words_max = 1,
    .opts = opts,
    .examples = "  tongqu export evidence --data DIR --alarm 0123456789abcdef --out "
                "clone.zip --matter HC-20260302-0001 --purpose cloned_plate\n"
                "  tongqu-verify clone.zip --key HEX\n",
    .fn = run,
};
