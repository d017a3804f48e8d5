/* SPDX-License-Identifier: Apache-2.0 */
/* A line is built in a fixed buffer, kept in a ring for the flight recorder, and
 * written at once. */
#include "core/log.h"

#include "core/counter.h"
#include "core/os_clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define LINE 512
#define RING 128

#define L(name, level, per_minute, en) {#name, LOG_##level, per_minute, en},
static const struct {
    const char *name;
    enum log_level level;
    unsigned per_minute;
    const char *en;
} rows[LOG_EVENTS] = {
#include "core/log.def"
};
#undef L

static const char *const level_names[] = {"error", "warn", "info"};
static _Atomic enum log_level limit = LOG_INFO;

static struct {
    pthread_mutex_t lock;
    /* under lock */
    char ring[RING][LINE];
    unsigned next;
    int64_t minute[LOG_EVENTS];
    unsigned in_minute[LOG_EVENTS];
} st = {.lock = PTHREAD_MUTEX_INITIALIZER};

void
log_level_set(enum log_level level)
{
    limit = level;
}

struct line {
    char text[LINE];
    size_t n;
};

static void
add(struct line *l, struct span s)
{
    size_t room = LINE - 2 - l->n; /* newline and NUL always fit */
    size_t n = s.n < room ? s.n : room;
    if (n)
        memcpy(l->text + l->n, s.p, n);
    l->n += n;
}

static void
add_word(struct line *l, struct span s)
{
    bool quote = s.n == 0;
    for (size_t i = 0; i < s.n; i++)
        quote |= s.p[i] == ' ' || s.p[i] == '"' || s.p[i] == '=' ||
                 (unsigned char)s.p[i] < 32;
    if (!quote) {
        add(l, s);
        return;
    }
    add(l, SPAN("\""));
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '"' || c == '\\')
            add(l, SPAN("\\"));
        add(l, (unsigned char)c < 32 ? SPAN(" ") : span_of(&s.p[i], 1));
    }
    add(l, SPAN("\""));
}

static void
add_field(struct line *l, const struct log_field *f)
{
    add(l, SPAN(" "));
    add(l, span_cstr(f->key));
    add(l, SPAN("="));
    if (f->kind == LOG_WORD) {
        add_word(l, f->word);
        return;
    }
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)f->number);
    add(l, span_cstr(number));
}

/* False when this event has had its lines of this minute. */
static bool
within_rate(enum log_event ev, int64_t minute)
{
    if (st.minute[ev] != minute) {
        st.minute[ev] = minute;
        st.in_minute[ev] = 0;
    }
    return st.in_minute[ev]++ < rows[ev].per_minute;
}

void
log_write(enum log_event ev, const struct log_field *fields)
{
    must((unsigned)ev < LOG_EVENTS);
    if (rows[ev].level > limit)
        return;
    ts_ms now = os_now_ms();
    static const struct zone utc = {"UTC", 0};
    char at[TS_TEXT];
    struct line l = {.n = 0};
    add(&l, SPAN("at="));
    add(&l, span_cstr(ts_format(at, now, &utc)));
    add_field(
        &l, &(struct log_field){
                "level", LOG_WORD, 0, span_cstr(level_names[rows[ev].level])});
    add_field(&l, &(struct log_field){"event", LOG_WORD, 0, span_cstr(rows[ev].name)});
    for (const struct log_field *f = fields; f->kind != LOG_END; f++)
        add_field(&l, f);
    add_field(&l, &(struct log_field){"say", LOG_WORD, 0, span_cstr(rows[ev].en)});
    l.text[l.n++] = '\n';
    l.text[l.n] = 0;
    must(pthread_mutex_lock(&st.lock) == 0);
    bool shown = within_rate(ev, now / MINUTE_MS);
    if (shown) {
        memcpy(st.ring[st.next % RING], l.text, l.n + 1);
        st.next++;
    }
    pthread_mutex_unlock(&st.lock);
    if (!shown)
        counter_add(CTR_log_suppressed, 1);
    else if (write(STDERR_FILENO, l.text, l.n) < 0)
        return; /* nobody reads stderr: nothing better to do */
}

void
log_note(enum log_event ev, enum err e, const struct note *note)
{
    log_event(
        ev, log_w("error", err_row(e)->code), log_w("detail", note ? note->en : ""));
}

void
log_dump(int fd)
{
    for (unsigned i = 0; i < RING; i++) {
        const char *line = st.ring[(st.next + i) % RING];
        size_t n = strnlen(line, LINE);
        if (n && write(fd, line, n) < 0)
            return;
    }
}
