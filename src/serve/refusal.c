/* SPDX-License-Identifier: Apache-2.0 */
/* The refusals as a table. */
#include "serve/refusal.h"

#include <string.h>

#define R(name, status, err, code, en, zh)                                             \
    [REFUSE_##name] = {status, err, code, en, zh},
static const struct refusal_row rows[REFUSE_COUNT] = {
#include "serve/refusal.def"
};
#undef R

const struct refusal_row *
refusal_row(enum refusal r)
{
    must(r > REFUSE_NOTHING && r < REFUSE_COUNT);
    return &rows[r];
}

enum refusal
refusal_find(const char *code)
{
    for (int i = REFUSE_NOTHING + 1; i < REFUSE_COUNT; i++)
        if (strcmp(rows[i].code, code) == 0)
            return (enum refusal)i;
    return REFUSE_NOTHING;
}

enum refusal
refusal_of(enum err e)
{
    static const enum refusal of[ERR_COUNT] = {
        [ERR_INPUT] = REFUSE_BAD_REQUEST,    [ERR_USAGE] = REFUSE_BAD_REQUEST,
        [ERR_AUTH] = REFUSE_UNAUTHENTICATED, [ERR_DENIED] = REFUSE_FORBIDDEN,
        [ERR_NOTFOUND] = REFUSE_NOT_FOUND,   [ERR_METHOD] = REFUSE_METHOD,
        [ERR_CONFLICT] = REFUSE_CONFLICT,    [ERR_GATE] = REFUSE_GATE,
        [ERR_TOOBIG] = REFUSE_TOO_BIG,       [ERR_BUSY] = REFUSE_BUSY,
        [ERR_LIMIT] = REFUSE_THROTTLED,      [ERR_TIMEOUT] = REFUSE_BUSY,
        [ERR_FULL] = REFUSE_LOW_DISK,        [ERR_NOMEM] = REFUSE_BUSY,
        [ERR_STOPPING] = REFUSE_BUSY,
    };
    must((unsigned)e < ERR_COUNT && e != OK);
    return of[e] ? of[e] : REFUSE_INTERNAL;
}
