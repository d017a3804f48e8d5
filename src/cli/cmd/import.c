/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu import: tables of a city and passes from files. */
#include "cli/run_op.h"

static const struct cmd_opt opts[] = {
    {"data", "DIR", OPT_PATH, true, 0, 0, NULL, "data directory", "数据目录"},
    {"map", "THEIRS=OURS,...", OPT_TEXT, false, 0, 0, NULL,
     "names of columns in the file and ours", "文件列名与系统列名的对应"},
    {"header", "NAME,...", OPT_TEXT, false, 0, 0, NULL,
     "names of the columns of a file without a head line", "无表头文件的列名"},
    {"encoding", "utf-8|gb18030", OPT_CHOICE, false, 0, 0, NULL,
     "how the text is written; found by itself when left out",
     "文件编码，缺省自动识别"},
    {"author", "USER", OPT_TEXT, false, 0, 0, NULL, "watches: who asks for them",
     "布控：申请人"},
    {"approver", "USER", OPT_TEXT, false, 0, 0, NULL,
     "watches: who approved them, another person", "布控：审批人（须为另一人）"},
    {"no-rules", NULL, OPT_FLAG, false, 0, 0, NULL,
     "sightings: store only, do not run the rules over them",
     "过车：仅存储，不运行规则"},
    {"again", NULL, OPT_FLAG, false, 0, 0, NULL,
     "sightings: read the file from its beginning, not from where an import stopped",
     "过车：从头读取，不从上次中断处继续"},
    {0},
};

static enum err
run(const struct cmd_args *args, struct note *note)
{
    static const char *const names[] = {"map",      "header",   "encoding", "author",
                                        "approver", "no-rules", "again",    NULL};
    char what[32], file[512];
    if (!span_copy(what, sizeof what, args->word[0]) ||
        !span_copy(file, sizeof file, args->word[1]))
        return note_set(
            note, ERR_USAGE, "file", "the file name is too long", "文件名过长");
    json_t *a = op_args(args, names);
    if (a && json_object_set_new(a, "what", json_string(what)) != 0)
        return ERR_NOMEM;
    return run_op(args, "import", a, file, note);
}

const struct cmd cmd_import = {
    .name = "import",
    .synopsis =
        "org|units|sites|registry|watches|zones|permits|sections|sightings|gantry FILE "
        "--data DIR [options]",
    .en = "Import a CSV file, or records of ETC gantries as JSON (gantry). What cannot "
          "be "
          "taken goes to a "
          "rejects file with line and reason; importing a file twice changes nothing.",
    .zh = "导入 CSV 文件，或 JSON 格式的 ETC 门架流水（gantry）；无法接收的行写入 "
          "rejects "
          "文件并注明行号与原因；重复导入不产生重复数据。",
    .words_min = 2,
    .words_max = 2,
    .opts = opts,
    .examples = "  tongqu import sites sites.csv --data /var/lib/tongqu\n"
                "  tongqu import watches list.csv --data /var/lib/tongqu --author zhou "
                "--approver li\n"
                "  tongqu import sightings week.csv --data /var/lib/tongqu "
                "--map hphm=plate,gcsj=time_ms,kkbh=site\n"
                "  tongqu import gantry etctu.json --data /var/lib/tongqu\n",
    .fn = run,
};
