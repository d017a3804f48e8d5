/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu version: which release this is. */
#include "cli/cmd.h"
#include "core/version.h"

#include <stdio.h>

static enum err
run(const struct cmd_args *args, struct note *note)
{
    (void)args, (void)note;
    printf("tongqu %s\n", TQ_VERSION);
    return OK;
}

const struct cmd cmd_version = {
    .name = "version",
    .synopsis = "",
    .en = "Print the release.",
    .zh = "显示版本。",
    .examples = "  tongqu version\n",
    .fn = run,
};
