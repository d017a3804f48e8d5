/* SPDX-License-Identifier: Apache-2.0 */
/* span.h - borrowed text or bytes: a pointer and a length, never NUL-terminated by
 * promise.
 *
 * Owner    whoever owns the memory behind it; a span owns nothing.
 * Threads  a value: copy it freely.
 */
#ifndef TQ_CORE_SPAN_H
#define TQ_CORE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *p;
    size_t n;
};

/* SPAN("literal") at compile time. */
#define SPAN(lit) ((struct span){"" lit, sizeof(lit) - 1})
/* For printf: "%.*s", SPAN_ARG(s). */
#define SPAN_ARG(s) (int)(s).n, (s).p

static inline struct span
span_of(const void *p, size_t n)
{
    return (struct span){(const char *)p, n};
}

static inline struct span
span_cstr(const char *s)
{
    return (struct span){s, s ? strlen(s) : 0};
}

static inline bool
span_eq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
span_eq_cstr(struct span a, const char *s)
{
    return span_eq(a, span_cstr(s));
}

static inline bool
span_starts(struct span s, struct span prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* The span without its first n bytes (n may exceed the length). */
static inline struct span
span_skip(struct span s, size_t n)
{
    n = n < s.n ? n : s.n;
    return (struct span){n ? s.p + n : s.p, s.n - n};
}

/* The span without spaces, tabs, CR and LF at both ends. */
struct span span_trim(struct span s);

/* Cuts the part before the first `sep` off *rest and returns it; without a `sep` all of
 * *rest. */
struct span span_cut(struct span *rest, char sep);

/* Copies into dst of size cap with a NUL; false when it does not fit (dst then ""). */
bool span_copy(char *dst, size_t cap, struct span s);

/* The longest beginning of s, which is UTF-8, of at most `most` bytes that ends with a
 * character. */
struct span span_fit(struct span s, size_t most);
/* Copies as much of s as fits into dst of size cap with a NUL, in whole characters. */
void span_copy_fit(char *dst, size_t cap, struct span s);

/* Decimal integer, whole span, optional sign; false on anything else or overflow. */
bool span_i64(struct span s, int64_t *out);
bool span_u64(struct span s, uint64_t *out);
/* Decimal number, whole span; false on anything else, infinity or NaN. Locale-free. */
bool span_f64(struct span s, double *out);

#endif
