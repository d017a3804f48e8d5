/* SPDX-License-Identifier: Apache-2.0 */
#include "model/toll.h"

#include <stdio.h>

#include "core/err.h"

/* ---- codes ---- */

bool
rsu_code(struct span code, struct span *gantry)
{
    const size_t n = sizeof RSU_SUFFIX - 1;
    if (code.n <= n || memcmp(code.p + code.n - n, RSU_SUFFIX, n) != 0)
        return false;
    *gantry = span_of(code.p, code.n - n);
    return true;
}

bool
gantry_code(struct span code)
{
    if (code.n < 16 || code.n > 21 || (code.p[0] != 'G' && code.p[0] != 'S'))
        return false;
    for (size_t i = 1; i < code.n; i++)
        if (code.p[i] < '0' || code.p[i] > '9')
            return false;
    return true;
}

/* ---- classes ---- */

code3
toll_class(unsigned number)
{
    char text[4] = {'E', (char)('0' + number / 10 % 10), (char)('0' + number % 10), 0};
    code3 c = 0;
    if (number > 26 || number % 10 < 1 || number % 10 > 6)
        return 0;
    bool fine = code3_parse(span_cstr(text), &c);
    must(fine);
    return c;
}

unsigned
toll_number(code3 c)
{
    char text[CODE3_TEXT];
    code3_format(text, c);
    if (text[0] != 'E' || strlen(text) != 3)
        return 0;
    unsigned n = (unsigned)(text[1] - '0') * 10 + (unsigned)(text[2] - '0');
    return toll_class(n) == c ? n : 0;
}

/* Built alike: people, goods, or either; small, medium, large. */
struct build {
    char kind; /* 'K', 'H', 'Z' either; 0 unknown */
    int size;
};

static struct build
build_of_toll(unsigned number)
{
    static const char kinds[] = {'K', 'H', 'Z'};
    unsigned step = number % 10;
    return (struct build){kinds[number / 10], step > 3 ? 3 : (int)step};
}

static struct build
build_of(code3 c)
{
    char text[CODE3_TEXT];
    unsigned toll = toll_number(c);
    if (toll)
        return build_of_toll(toll);
    code3_format(text, c);
    char kind = text[0] == 'Q' ? 'H' : text[0];
    if ((kind != 'K' && kind != 'H' && kind != 'Z') || text[1] < '1' || text[1] > '4')
        return (struct build){0, 0};
    int size = '4' - text[1]; /* 1 heavy or large .. 4 mini */
    return (struct build){kind, size < 1 ? 1 : size};
}

enum toll_fit
toll_fit(code3 a, code3 b)
{
    struct build x = build_of(a), y = build_of(b);
    int apart = x.size > y.size ? x.size - y.size : y.size - x.size;
    bool kinds = x.kind == y.kind || x.kind == 'Z' || y.kind == 'Z';
    if (!x.kind || !y.kind)
        return TOLL_UNKNOWN;
    if (apart > 1 || (!kinds && (x.size > 1 || y.size > 1)))
        return TOLL_FAR;
    return apart || !kinds ? TOLL_NEAR : TOLL_AGREES;
}

/* ---- tag notes ---- */

static const char *const mediums[] = {"", "obu", "cpc"};
static const char *const results[] = {"", "ok", "failed"};

struct span
tag_note_format(char *dst, const struct tag_note *n)
{
    int used = snprintf(
        dst, TAG_NOTE_TEXT, "etc:%s;%s;own=%s;last=%s", mediums[n->medium],
        results[n->result], n->own, n->last);
    if (n->last_ms)
        used += snprintf(
            dst + used, TAG_NOTE_TEXT - (size_t)used, "@%lld", (long long)n->last_ms);
    if (n->picture.n && n->picture.n + 6 + (size_t)used < TAG_NOTE_TEXT)
        used += snprintf(
            dst + used, TAG_NOTE_TEXT - (size_t)used, ";pic=%.*s",
            SPAN_ARG(n->picture));
    return span_of(dst, (size_t)used);
}

static bool
word_of(struct span s, const char *const words[3], unsigned *out)
{
    for (unsigned i = 0; i < 3; i++)
        if (span_eq_cstr(s, words[i])) {
            *out = i;
            return true;
        }
    return false;
}

/* "last=2C0100@1772415000000" */
static bool
parse_last(struct span s, struct tag_note *n)
{
    struct span hex = span_cut(&s, '@');
    int64_t at = 0;
    if ((s.n && !span_i64(s, &at)) || !span_copy(n->last, sizeof n->last, hex))
        return false;
    n->last_ms = at;
    return true;
}

bool
tag_note_parse(struct span s, struct tag_note *out)
{
    struct tag_note n = {0};
    unsigned medium, result;
    if (!span_starts(s, SPAN("etc:")))
        return false;
    s = span_skip(s, 4);
    if (!word_of(span_cut(&s, ';'), mediums, &medium) ||
        !word_of(span_cut(&s, ';'), results, &result))
        return false;
    n.medium = (enum tag_medium)medium;
    n.result = (enum tag_result)result;
    while (s.n) {
        struct span value = span_cut(&s, ';'), key = span_cut(&value, '=');
        bool fine = true;
        if (span_eq_cstr(key, "own"))
            fine = span_copy(n.own, sizeof n.own, value);
        else if (span_eq_cstr(key, "last"))
            fine = parse_last(value, &n);
        else if (span_eq_cstr(key, "pic"))
            n.picture = value;
        if (!fine)
            return false;
    }
    *out = n;
    return true;
}
