/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - logfmt lines to stderr; event names come from a table; plates, phones and
 * identity numbers have no field kind, so they cannot be printed.
 *
 * Threads  any; one line is one write.
 * See      core/log.def is the list of events with level and rate limit.
 */
#ifndef TQ_CORE_LOG_H
#define TQ_CORE_LOG_H

#include "core/err.h"
#include "core/span.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO };

#define L(name, level, per_minute, en) EV_##name,
enum log_event {
#include "core/log.def"
    LOG_EVENTS
};
#undef L

/* One field of a line. Make them with the functions below; there is none for plates or
 * people. */
struct log_field {
    const char *key;
    enum { LOG_NUMBER, LOG_WORD, LOG_END } kind;
    int64_t number;
    struct span word;
};

static inline struct log_field
log_n(const char *key, int64_t number)
{
    return (struct log_field){key, LOG_NUMBER, number, {NULL, 0}};
}
/* A machine's word: a file name, a code of ours, an address. Quoted when it needs to
 * be. */
static inline struct log_field
log_w(const char *key, const char *word)
{
    return (struct log_field){key, LOG_WORD, 0, span_cstr(word)};
}
static inline struct log_field
log_s(const char *key, struct span word)
{
    return (struct log_field){key, LOG_WORD, 0, word};
}

void log_write(enum log_event ev, const struct log_field *fields);
/* log_event(EV_started, log_w("url", url), log_n("ms", 12)); */
#define log_event(ev, ...)                                                             \
    log_write(                                                                         \
        ev, (const struct log_field[]){                                                \
                __VA_ARGS__ __VA_OPT__(, ){NULL, LOG_END, 0, {NULL, 0}}})
/* The same with the sentence of a note. */
void log_note(enum log_event ev, enum err e, const struct note *note);

/* Lines less urgent than this are dropped. */
void log_level_set(enum log_level level);
/* The last lines, newest last, for the flight recorder: async-signal-safe. */
void log_dump(int fd);

#endif
