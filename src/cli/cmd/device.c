/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu device: cameras and other senders from the keyboard of the machine. */
#include "cli/run_op.h"
#include "core/text.h"

static const struct cmd_opt opts[] = {
    {"data", "DIR", OPT_PATH, true, 0, 0, NULL, "data directory", "数据目录"},
    {"name", "TEXT", OPT_TEXT, false, 0, 0, NULL, "its name", "名称"},
    {"site", "CODE", OPT_TEXT, false, 0, 0, NULL,
     "the site it stands at; left out: its records say so",
     "所在点位编码，缺省以记录为准"},
    {"protocol", "viid|ndjson|fixes", OPT_CHOICE, false, 0, 0, "viid",
     "what it speaks: GA/T 1400, NDJSON, or positions of units",
     "接入协议：GA/T 1400、NDJSON 或警力定位"},
    {"password-file", "FILE", OPT_PATH, false, 0, 0, NULL,
     "first line is its password and key; one is made and printed when left out",
     "首行为口令（亦作密钥），缺省自动生成并打印一次"},
    {"format", "table|json|csv", OPT_CHOICE, false, 0, 0, "table",
     "list: how it is printed", "列表输出格式"},
    {0},
};

static enum err
run(const struct cmd_args *args, struct note *note)
{
    static const char *const names[] = {"name", "site", "protocol", NULL};
    char code[64];
    static const char *const listing[] = {"format", NULL};
    if (span_eq_cstr(args->word[0], "list") && args->words == 1)
        return run_op(args, "device_list", op_args(args, listing), NULL, note);
    if (!span_eq_cstr(args->word[0], "add") || args->words != 2)
        return note_set(
            note, ERR_USAGE, "word",
            "tongqu device add CODE --data DIR, or device list",
            "用法：tongqu device add 编码 --data DIR，或 device list");
    if (!utf8_valid(args->word[1]) || !span_copy(code, sizeof code, args->word[1]))
        return note_set(
            note, ERR_USAGE, "code", "the code is too long or no UTF-8 text",
            "编码过长或不是 UTF-8 文字");
    json_t *a = op_args(args, names);
    if (!a || json_object_set_new(a, "code", json_string(code)) != 0)
        return ERR_NOMEM;
    enum err e = op_password(args, a, note);
    if (e != OK) {
        json_decref(a);
        return e;
    }
    return run_op(args, "device_add", a, NULL, note);
}

const struct cmd cmd_device = {
    .name = "device",
    .synopsis = "add CODE --data DIR [options] | list --data DIR [--format FORMAT]",
    .en = "Add a camera or other sender (prints its password once), or list them.",
    .zh = "新增前端设备（口令只打印一次），或列出设备。",
    .words_min = 1,
    .words_max = 2,
    .opts = opts,
    .examples = "  tongqu device add 14010000001190000001 --name 迎泽大街东口 --data "
                "/var/lib/tongqu\n"
                "  then in the camera: GA/T 1400, server HOST:8081, user and password "
                "as printed\n",
    .fn = run,
};
