/* SPDX-License-Identifier: Apache-2.0 */
/* rule_file.h - reads definitions/rules.yaml: which rules run, and with which
 * parameters.
 *
 * Owner    what is read is the caller's.
 * Threads  any: nothing is kept.
 * Errors   ERR_INPUT with FILE:LINE:COLUMN and what is allowed there.
 * See      rules/setting.h; man 5 tongqu-config.
 */
#ifndef TQ_DAEMON_RULE_FILE_H
#define TQ_DAEMON_RULE_FILE_H

#include "rules/setting.h"

/* The defaults where the file sets nothing, or is not there at all (a data directory
 * made by an earlier release). */
enum err
rule_file_read(const char *path, struct rule_settings *out, struct note *note) MUST_USE;

#endif
