/* SPDX-License-Identifier: Apache-2.0 */
/* bench_questions.h - asks the questions about sets of vehicles that a truth directory
 * knows the answers of (truth/presence.csv, truth/convoys.csv), through the program's
 * own doors.
 *
 * Shape    "all" counts every plate; "exact" only plates that no misread of another one
 *          touched and no clone or fake wears: those must come out exactly.
 * Owner    adds rows to the caller's sum.
 * Threads  one.
 * Errors   ERR_INPUT (a file without its columns); what a question says.
 */
#ifndef TQ_CLI_BENCH_QUESTIONS_H
#define TQ_CLI_BENCH_QUESTIONS_H

#include "city/score.h"

/* data: the filled data directory. A directory without presence.csv and convoys.csv
 * adds nothing. */
enum err bench_questions(
    const char *data, const char *truth, struct score_sum *sum,
    struct note *note) MUST_USE;

#endif
