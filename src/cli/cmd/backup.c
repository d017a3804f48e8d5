/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu backup: a consistent copy while the service works. */
#include "cli/run_op.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

static const struct cmd_opt opts[] = {
    {"data", "DIR", OPT_PATH, true, 0, 0, NULL, "data directory", "数据目录"},
    {0},
};

static enum err
run(const struct cmd_args *args, struct note *note)
{
    char to[PATH_MAX] = "", word[PATH_MAX];
    if (!span_copy(word, sizeof word, args->word[0]))
        return ERR_USAGE;
    /* The daemon's own directory is another one: the path must say it whole. */
    if (word[0] != '/' && !getcwd(to, sizeof to))
        return note_set(
            note, ERR_IO, "to", "the working directory is gone", "当前目录不存在");
    size_t n = strlen(to);
    if (n + strlen(word) + 2 > sizeof to)
        return note_set(note, ERR_USAGE, "to", "the path is too long", "路径过长");
    if (n)
        to[n++] = '/';
    memcpy(to + n, word, strlen(word) + 1);
    return run_op(args, "backup", json_pack("{s:s}", "to", to), NULL, note);
}

const struct cmd cmd_backup = {
    .name = "backup",
    .synopsis = "TO --data DIR",
    .en = "Copy a data directory consistently into TO (absent or empty) while the "
          "service works.",
    .zh = "在服务运行中将数据目录一致地备份到 TO（不存在或为空）。",
    .words_min = 1,
    .words_max = 1,
    .opts = opts,
    .examples = "  tongqu backup /mnt/backup/2026-03-02 --data /var/lib/tongqu\n",
    .fn = run,
};
