/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu user: accounts from the keyboard of the machine. */
#include "cli/run_op.h"
#include "core/text.h"

static const struct cmd_opt opts[] = {
    {"data", "DIR", OPT_PATH, true, 0, 0, NULL, "data directory", "数据目录"},
    {"role", "ROLE,...", OPT_TEXT, false, 0, 0, NULL,
     "duty, analyst, squad, supervisor, auditor, security or admin", "角色"},
    {"name", "TEXT", OPT_TEXT, false, 0, 0, NULL, "the person's name", "姓名"},
    {"org", "CODE", OPT_TEXT, false, 0, 0, NULL,
     "unit of the organisation; the root when left out", "所属单位代码，缺省为根单位"},
    {"unit", "CALLSIGN", OPT_TEXT, false, 0, 0, NULL,
     "the unit whose crew the person is: orders sent to it come to this phone",
     "所在警力单元的呼号，派给该单元的指令到此人手机"},
    {"password-file", "FILE", OPT_PATH, false, 0, 0, NULL,
     "first line is the password; one is made and printed when left out",
     "首行为口令，缺省自动生成并打印一次"},
    {"keep-password", NULL, OPT_FLAG, false, 0, 0, NULL,
     "the password need not be changed at the first sign-in", "首次登录不强制改口令"},
    {"format", "table|json|csv", OPT_CHOICE, false, 0, 0, "table",
     "list: how it is printed", "列表输出格式"},
    {0},
};

static enum err
run(const struct cmd_args *args, struct note *note)
{
    static const char *const names[] = {"role", "name",          "org",
                                        "unit", "keep-password", NULL};
    char login[64];
    static const char *const listing[] = {"format", NULL};
    if (span_eq_cstr(args->word[0], "list") && args->words == 1)
        return run_op(args, "user_list", op_args(args, listing), NULL, note);
    if (!span_eq_cstr(args->word[0], "add") || args->words != 2 ||
        !cmd_given(args, "role"))
        return note_set(
            note, ERR_USAGE, "word",
            "tongqu user add LOGIN --role ROLE --data DIR, or user list",
            "用法：tongqu user add 用户名 --role 角色 --data DIR，或 user list");
    if (!utf8_valid(args->word[1]) || !span_copy(login, sizeof login, args->word[1]))
        return note_set(
            note, ERR_USAGE, "login", "the login is too long or no UTF-8 text",
            "用户名过长或不是 UTF-8 文字");
    json_t *a = op_args(args, names);
    if (!a || json_object_set_new(a, "login", json_string(login)) != 0)
        return ERR_NOMEM;
    enum err e = op_password(args, a, note);
    if (e != OK) {
        json_decref(a);
        return e;
    }
    return run_op(args, "user_add", a, NULL, note);
}

const struct cmd cmd_user = {
    .name = "user",
    .synopsis = "add LOGIN --role ROLE --data DIR [options] | list --data DIR "
                "[--format FORMAT]",
    .en = "Add an account (prints its first password once), or list accounts.",
    .zh = "新增账号（首个口令只打印一次），或列出账号。",
    .words_min = 1,
    .words_max = 2,
    .opts = opts,
    .examples =
        "  tongqu user add zhou --role duty --name 周敏 --data /var/lib/tongqu\n"
        "  tongqu user add guo --role squad --org 140105000100 --unit 小店101 --data "
        "/var/lib/tongqu\n",
    .fn = run,
};
