/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu restore: from a backup into an empty data directory. */
#include "cli/cmd.h"
#include "store/backup.h"

#include <stdio.h>

static const struct cmd_opt opts[] = {
    {"data", "DIR", OPT_PATH, true, 0, 0, NULL, "data directory, absent or empty",
     "数据目录，须不存在或为空"},
    {0},
};

static enum err
run(const struct cmd_args *args, struct note *note)
{
    char from[512];
    struct backup_result r;
    if (!span_copy(from, sizeof from, args->word[0]))
        return ERR_USAGE;
    enum err e = backup_restore(os_fs_real(), from, cmd_cstr(args, "data"), &r, note);
    if (e == OK)
        printf(
            "%llu files, %llu bytes restored and compared with the manifest\n",
            (unsigned long long)r.files, (unsigned long long)r.bytes);
    return e;
}

const struct cmd cmd_restore = {
    .name = "restore",
    .synopsis = "FROM --data DIR",
    .en = "Restore a backup into an empty data directory; every file is compared with "
          "the manifest.",
    .zh = "将备份恢复到空数据目录，逐文件与清单核对。",
    .words_min = 1,
    .words_max = 1,
    .opts = opts,
    .examples = "  tongqu restore /mnt/backup/2026-03-02 --data /var/lib/tongqu\n",
    .fn = run,
};
