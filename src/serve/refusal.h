/* SPDX-License-Identifier: Apache-2.0 */
/* refusal.h - why a request was refused: the codes of docs/api.md section 1 as one
 * table.
 *
 * Threads  a constant table.
 * See      serve/refusal.def is the list; core/err.def holds the errors below it.
 */
#ifndef TQ_SERVE_REFUSAL_H
#define TQ_SERVE_REFUSAL_H

#include "core/err.h"

#define R(name, status, err, code, en, zh) REFUSE_##name,
enum refusal {
    REFUSE_NOTHING,
#include "serve/refusal.def"
    REFUSE_COUNT
};
#undef R

struct refusal_row {
    int status;
    enum err err;
    const char *code; /* the JSON "code" */
    const char *en, *zh;
};
const struct refusal_row *refusal_row(enum refusal r);
/* The refusal that an error of the rooms below becomes. Never REFUSE_NOTHING. */
enum refusal refusal_of(enum err e);
/* The refusal whose JSON code this is; REFUSE_NOTHING when there is none. */
enum refusal refusal_find(const char *code);

#endif
