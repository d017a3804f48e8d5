/* SPDX-License-Identifier: Apache-2.0 */
/* purposes.h - reads definitions/purposes.yaml: for which purposes, from which kinds of
 * matter, and how far back a person may look.
 *
 * Errors   ERR_INPUT with FILE:LINE:COLUMN and what was expected.
 * See      model/look.h; docs/why/looks.md.
 */
#ifndef TQ_DAEMON_PURPOSES_H
#define TQ_DAEMON_PURPOSES_H

#include "core/err.h"
#include "model/look.h"

enum err
purposes_read(const char *path, struct look_rules *out, struct note *note) MUST_USE;

#endif
