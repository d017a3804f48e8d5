/* SPDX-License-Identifier: Apache-2.0 */
/* Borrowed text. Numbers are parsed by hand so that no locale and no NUL is needed. */
#include "core/span.h"

#include <math.h>
#include <stdlib.h>

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span
span_trim(struct span s)
{
    while (s.n && is_blank(s.p[0]))
        s = span_skip(s, 1);
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct span
span_cut(struct span *rest, char sep)
{
    struct span s = *rest;
    const char *at = s.n ? memchr(s.p, sep, s.n) : NULL;
    if (!at) {
        *rest = span_skip(s, s.n);
        return s;
    }
    struct span head = {s.p, (size_t)(at - s.p)};
    *rest = span_skip(s, head.n + 1);
    return head;
}

bool
span_copy(char *dst, size_t cap, struct span s)
{
    if (cap == 0)
        return false;
    bool fits = s.n < cap;
    size_t n = fits ? s.n : 0;
    if (n)
        memcpy(dst, s.p, n);
    dst[n] = 0;
    return fits;
}

struct span
span_fit(struct span s, size_t most)
{
    if (s.n <= most)
        return s;
    while (most && ((unsigned char)s.p[most] & 0xC0) == 0x80)
        most--;
    return span_of(s.p, most);
}

void
span_copy_fit(char *dst, size_t cap, struct span s)
{
    struct span fits = span_fit(s, cap - 1);
    if (fits.n)
        memmove(dst, fits.p, fits.n); /* a note may be set from its own field */
    dst[fits.n] = 0;
}

bool
span_u64(struct span s, uint64_t *out)
{
    if (s.n == 0)
        return false;
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned char)s.p[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, digit, &v))
            return false;
    }
    *out = v;
    return true;
}

bool
span_i64(struct span s, int64_t *out)
{
    bool negative = s.n && s.p[0] == '-';
    uint64_t v;
    if (!span_u64(negative || (s.n && s.p[0] == '+') ? span_skip(s, 1) : s, &v))
        return false;
    if (v > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

bool
span_f64(struct span s, double *out)
{
    char text[64];
    if (s.n == 0 || s.n >= sizeof text)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!strchr("0123456789+-.eE", s.p[i]) || s.p[i] == 0)
            return false;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    char *end;
    double v = strtod(text, &end); /* the program never leaves the "C" numeric locale */
    if (end != text + s.n || !isfinite(v))
        return false;
    *out = v;
    return true;
}
