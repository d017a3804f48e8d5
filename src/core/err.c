/* SPDX-License-Identifier: Apache-2.0 */
/* The error list as a table, notes, and the end of the road. */
#include "core/err.h"

#include "core/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define E(name, http, exit, code, en, zh) {#name, http, exit, code, en, zh},
static const struct err_row rows[ERR_COUNT] = {
#include "core/err.def"
};
#undef E

static void (*hook_before_abort)(void);

const struct err_row *
err_row(enum err e)
{
    must((unsigned)e < ERR_COUNT);
    return &rows[e];
}

enum err
note_set(
    struct note *note, enum err e, const char *field, const char *en, const char *zh)
{
    if (note) {
        note->code[0] = 0;
        span_copy_fit(note->field, sizeof note->field, span_cstr(field ? field : ""));
        span_copy_fit(note->en, sizeof note->en, span_cstr(en));
        span_copy_fit(note->zh, sizeof note->zh, span_cstr(zh));
    }
    return e;
}

enum err
note_code(struct note *note, enum err e, const char *code)
{
    if (note)
        span_copy_fit(note->code, sizeof note->code, span_cstr(code));
    return e;
}

enum err
note_fmt(
    struct note *note, enum err e, const char *field, const char *en, const char *zh,
    ...)
{
    char en_text[1024], zh_text[1024];
    va_list ap, again;
    va_start(ap, zh);
    va_copy(again, ap);
    vsnprintf(en_text, sizeof en_text, en, ap);
    vsnprintf(zh_text, sizeof zh_text, zh, again);
    va_end(again);
    va_end(ap);
    return note_set(note, e, field, en_text, zh_text);
}

void
must_hook(void (*hook)(void))
{
    hook_before_abort = hook;
}

_Noreturn void
must_failed(const char *cond, const char *file, int line, const char *func)
{
    fprintf(stderr, "invariant broken: %s at %s:%d in %s\n", cond, file, line, func);
    void (*hook)(void) = hook_before_abort;
    hook_before_abort = NULL;
    if (hook)
        hook();
    abort();
}
