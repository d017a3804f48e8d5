/* SPDX-License-Identifier: Apache-2.0 */
/* err.h - the one error idiom: a function that can fail returns enum err; results leave
 * through the last parameters and are written only on success; the place that knows
 * writes the sentence for the person into a struct note.
 *
 * Owner    a note lives in the caller's context (request, batch, command).
 * Threads  values.
 * See      core/err.def is the list; man 5 tongqu-json shows the HTTP shape.
 */
#ifndef TQ_CORE_ERR_H
#define TQ_CORE_ERR_H

#include <stdarg.h>
#include <stddef.h>

#define E(name, http, exit, code, en, zh) name,
enum err {
#include "core/err.def"
    ERR_COUNT
};
#undef E

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

struct err_row {
    const char *name; /* "ERR_INPUT" */
    int http_status;
    int exit_status;
    const char *code; /* the JSON "code" */
    const char *en, *zh;
};

/* The row of an error: never NULL. */
const struct err_row *err_row(enum err e);

/* What went wrong, for a person: which field, which value, what to do. */
struct note {
    char code[32];  /* JSON code where it is finer than the error's own; or empty */
    char field[48]; /* input field or empty */
    char en[256];
    char zh[256];
};

/* Fills a note (NULL is allowed: nobody listens) and returns e, so that a failing place
 * reads `return note_set(note, ERR_INPUT, "lane", "...", "...")`. Texts are kept as
 * they are. */
enum err note_set(
    struct note *note, enum err e, const char *field, const char *en, const char *zh);

/* Gives the note a JSON code finer than the error's ("look_no_matter"); returns e. */
enum err note_code(struct note *note, enum err e, const char *code);

/* The same as note_set() with printf formats for both languages over the same arguments
 * (use %1$s positions when the order differs). */
enum err note_fmt(
    struct note *note, enum err e, const char *field, const char *en, const char *zh,
    ...);

/* Must(cond): our own invariant, on in release too. On failure prints, dumps the flight
 * recorder through the hook, aborts; the journal replays. */
#define must(cond) ((cond) ? (void)0 : must_failed(#cond, __FILE__, __LINE__, __func__))
_Noreturn void
must_failed(const char *cond, const char *file, int line, const char *func);
/* Called once before abort (NULL to clear). The hook may only use async-signal-safe
 * calls. */
void must_hook(void (*hook)(void));

#endif
