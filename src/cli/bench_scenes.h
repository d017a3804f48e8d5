/* SPDX-License-Identifier: Apache-2.0 */
/* bench_scenes.h - asks the hit-and-run funnel about every scene that a truth directory
 * plants (truth/hitrun.csv), through the program's own doors.
 *
 * Owner    adds rows and the candidates' tenths to the caller's sum.
 * Threads  the command's own.
 * Errors   ERR_INPUT (a file without its columns); what a question says.
 */
#ifndef TQ_CLI_BENCH_SCENES_H
#define TQ_CLI_BENCH_SCENES_H

#include "city/score.h"

/* data: the filled data directory. A directory without hitrun.csv adds nothing. log:
 * where each scene is told, NULL quiet. */
enum err bench_scenes(
    const char *data, const char *truth, FILE *log, struct score_sum *sum,
    struct note *note) MUST_USE;

#endif
