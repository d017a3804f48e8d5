/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over tokens. A number or word that JSON has not is put in quotes: what it
 * means is then for the reader of the field to judge, not for the mender. */
#include "feeds/json_mend.h"

#include <stdbool.h>

struct mender {
    struct span s;
    struct buf *out;
    bool comma; /* a comma was seen and waits for what follows it */
    bool value; /* a colon was written and its value has not come */
};

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
ends_token(char c)
{
    return is_space(c) || (c && strchr(",:{}[]\"'", c));
}

/* Number as RFC 8259 has it, and short enough for 64 bits. */
static bool
is_number(struct span t)
{
    size_t i = 0, digits = 0;
    if (i < t.n && t.p[i] == '-')
        i++;
    size_t first = i;
    for (; i < t.n && t.p[i] >= '0' && t.p[i] <= '9'; i++)
        digits++;
    if (digits == 0 || digits > 18 || (digits > 1 && t.p[first] == '0'))
        return false;
    if (i < t.n && t.p[i] == '.') {
        size_t point = i++;
        while (i < t.n && t.p[i] >= '0' && t.p[i] <= '9')
            i++;
        if (i == point + 1 || i - point > 18)
            return false;
    }
    if (i < t.n && (t.p[i] | 0x20) == 'e') {
        i++;
        if (i < t.n && (t.p[i] == '+' || t.p[i] == '-'))
            i++;
        size_t power = i;
        while (i < t.n && t.p[i] >= '0' && t.p[i] <= '9')
            i++;
        if (i == power || i - power > 2)
            return false;
    }
    return i == t.n;
}

/* Writes the comma that waits, and a null for a value that never came. */
static void
before(struct mender *m, bool closes)
{
    if (m->value && (closes || m->comma))
        buf_text(m->out, "null");
    if (m->comma && !closes)
        buf_u8(m->out, ',');
    m->comma = false;
    m->value = false;
}

static void
put_inner(struct mender *m, char c)
{
    if ((unsigned char)c < 0x20)
        buf_u8(m->out, ' ');
    else
        buf_u8(m->out, (uint8_t)c);
}

/* A text from its opening quote; m->s moves behind it. Escapes that JSON has not lose
 * their stroke. */
static void
take_text(struct mender *m)
{
    char quote = m->s.p[0];
    size_t i = 1;
    buf_u8(m->out, '"');
    for (; i < m->s.n && m->s.p[i] != quote; i++) {
        char c = m->s.p[i];
        if (c == '\\' && i + 1 < m->s.n) {
            char e = m->s.p[++i];
            if (e && strchr("\"\\/bfnrtu", e))
                buf_u8(m->out, '\\');
            put_inner(m, e);
        } else if (c == '"') {
            buf_put(m->out, "\\\"", 2);
        } else if (c != '\\') {
            put_inner(m, c);
        }
    }
    buf_u8(m->out, '"');
    m->s = span_skip(m->s, i + 1);
}

/* A text in single quotes, as scripts print it. What runs over a double quote or a
 * brace is none: a stray apostrophe must not swallow the records behind it. */
static bool
single_quoted(struct span s)
{
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] == '\'')
            return true;
        if (strchr("\"{}", s.p[i]))
            return false;
    }
    return false;
}

static void
take_word(struct mender *m)
{
    size_t n = 0;
    while (n < m->s.n && !ends_token(m->s.p[n]))
        n++;
    n = n ? n : 1;
    struct span t = {m->s.p, n};
    m->s = span_skip(m->s, n);
    bool known =
        span_eq_cstr(t, "true") || span_eq_cstr(t, "false") || span_eq_cstr(t, "null");
    if (known || is_number(t))
        buf_put(m->out, t.p, t.n);
    else
        buf_json(m->out, t);
}

void
json_mend(struct span text, struct buf *out)
{
    struct mender m = {.s = text, .out = out};
    while (m.s.n) {
        char c = m.s.p[0];
        if (is_space(c)) {
            m.s = span_skip(m.s, 1);
            continue;
        }
        if (c == ',') {
            if (m.value)
                buf_text(out, "null");
            m.value = false;
            m.comma = out->n && !strchr("{[", (char)out->p[out->n - 1]);
            m.s = span_skip(m.s, 1);
        } else if (c == '}' || c == ']') {
            before(&m, true);
            buf_u8(out, (uint8_t)c);
            m.s = span_skip(m.s, 1);
        } else if (c == ':') {
            buf_u8(out, ':');
            m.value = true;
            m.s = span_skip(m.s, 1);
        } else {
            before(&m, false);
            if (c == '"' || (c == '\'' && single_quoted(m.s)))
                take_text(&m);
            else if (c == '{' || c == '[') {
                buf_u8(out, (uint8_t)c);
                m.s = span_skip(m.s, 1);
            } else {
                take_word(&m);
            }
        }
    }
}
