/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu init: an empty data directory with the first three accounts. */
#include "cli/run_op.h"
#include "cli/setup.h"
#include "core/os_zone.h"

#include <stdio.h>

static const struct cmd_opt opts[] = {
    {"data", "DIR", OPT_PATH, true, 0, 0, NULL, "data directory, absent or empty",
     "数据目录，须不存在或为空"},
    {"zone", "ZONE", OPT_TEXT, false, 0, 0, "Asia/Shanghai",
     "civil time zone: a name of the machine's tz database without summer time, or an "
     "offset as +08:00",
     "民用时区：本机时区数据库中无夏令时的名称，或 +08:00 形式的偏移量"},
    {"password-file", "FILE", OPT_PATH, false, 0, 0, NULL,
     "first line is the administrator's password; one is made and printed when left "
     "out",
     "首行为管理员口令，缺省自动生成并打印一次"},
    {"tls", "NAMES", OPT_TEXT, false, 0, 0, NULL,
     "make a self-signed certificate for these names and addresses, print its "
     "fingerprint",
     "为这些名称与地址生成自签证书并打印指纹"},
    {0},
};

static enum err
run(const struct cmd_args *args, struct note *note)
{
    struct setup s = {
        .dir = cmd_cstr(args, "data"),
        .tls_names = cmd_cstr(args, "tls"),
        .out = stdout,
    };
    char password[257] = "";
    enum err e = os_zone(OS_ZONES, cmd_text(args, "zone"), &s.zone, note);
    e = e == ERR_INPUT ? ERR_USAGE : e;
    const char *file = cmd_cstr(args, "password-file");
    if (e == OK && file)
        e = read_secret(file, password, sizeof password, note);
    s.password = file ? password : NULL;
    if (e == OK)
        e = setup_data(&s, note);
    explicit_bzero(password, sizeof password);
    return e;
}

const struct cmd cmd_init = {
    .name = "init",
    .synopsis = "--data DIR [options]",
    .en = "Make a data directory with an administrator, a security officer and an "
          "auditor (three "
          "different users); first passwords are printed once.",
    .zh = "创建数据目录与系统管理员、安全员、审计员三个账号（三员分立）；初始口令只打印"
          "一次。",
    .opts = opts,
    .examples = "  tongqu init --data /var/lib/tongqu\n",
    .fn = run,
};
