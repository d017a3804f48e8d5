/* SPDX-License-Identifier: Apache-2.0 */
/* head_out.h - the signed head of the audit record that is kept outside (--head-to
 * FILE).
 *
 * Why      the head outside is what shows that the record was cut or that the whole
 *          directory is an older copy. So before the first head of a start is written
 *          over it, it is held against the record; one that the record does not reach
 *          stays, as FILE.ahead-<number>, and is told.
 * Owner    tend; head_out_open() runs before the threads.
 * Errors   ERR_USAGE: FILE holds something else; ERR_IO: it cannot be read now (tried
 *          again with each head, nothing is written over it before).
 * See      docs/audit.md section 3; tests/scenario/rollback.test.mjs.
 */
#ifndef TQ_DAEMON_HEAD_OUT_H
#define TQ_DAEMON_HEAD_OUT_H

#include "store/audit.h"

struct head_out {
    const char *path; /* NULL: no head goes out */
    bool compared;
    struct audit_head ahead; /* a head that the record does not hold; number 0 none */
};

/* Compares. Only ERR_USAGE ends a start. */
enum err head_out_open(
    struct head_out *o, struct audit *a, const char *path, ts_ms now,
    struct note *note) MUST_USE;
/* Writes the line, after comparing if that was not possible before. */
enum err head_out_put(
    struct head_out *o, struct audit *a, const struct audit_head *head, ts_ms now,
    struct note *note) MUST_USE;

#endif
