/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 by the table of RFC 3629 section 4; GB18030 by the C library's iconv. */
#include "core/text.h"

#include <errno.h>
#include <iconv.h>

static bool
in(uint8_t c, uint8_t lo, uint8_t hi)
{
    return c >= lo && c <= hi;
}

size_t
utf8_decode(struct span s, uint32_t *point)
{
    if (s.n == 0)
        return 0;
    const uint8_t *p = (const uint8_t *)s.p;
    uint8_t c = p[0];
    if (c < 0x80) {
        *point = c;
        return 1;
    }
    if (in(c, 0xC2, 0xDF) && s.n >= 2 && in(p[1], 0x80, 0xBF)) {
        *point = (c & 0x1Fu) << 6 | (p[1] & 0x3Fu);
        return 2;
    }
    uint8_t lo = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    uint8_t hi = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    if (in(c, 0xE0, 0xEF) && s.n >= 3 && in(p[1], lo, hi) && in(p[2], 0x80, 0xBF)) {
        *point = (c & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
        return 3;
    }
    if (in(c, 0xF0, 0xF4) && s.n >= 4 && in(p[1], lo, hi) && in(p[2], 0x80, 0xBF) &&
        in(p[3], 0x80, 0xBF)) {
        *point = (c & 0x07u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 |
                 (p[3] & 0x3Fu);
        return 4;
    }
    return 0;
}

size_t
utf8_step(struct span s)
{
    uint32_t point;
    return utf8_decode(s, &point);
}

bool
utf8_valid(struct span s)
{
    while (s.n) {
        size_t step = utf8_step(s);
        if (step == 0)
            return false;
        s = span_skip(s, step);
    }
    return true;
}

size_t
utf8_count(struct span s)
{
    size_t count = 0;
    while (s.n) {
        size_t step = utf8_step(s);
        s = span_skip(s, step ? step : 1);
        count++;
    }
    return count;
}

/* Halves of a letter: five letters are ten, so are two characters of Chinese. */
static unsigned
weight(uint32_t p)
{
    static const struct {
        uint32_t lo, hi;
        unsigned weight;
    } blocks[] = {
        {'0', '9', 2},         {'A', 'Z', 2},       {'a', 'z', 2},
        {0xC0, 0x1FFF, 2},   /* other alphabets */
        {0x3041, 0x30FF, 5}, /* kana */
        {0x3400, 0x9FFF, 5},   {0xA000, 0xD7FF, 2}, {0xF900, 0xFAFF, 5},
        {0xFF10, 0xFF19, 2},   {0xFF21, 0xFF3A, 2}, {0xFF41, 0xFF5A, 2},
        {0x20000, 0x3FFFF, 5},
    };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if (p >= blocks[i].lo && p <= blocks[i].hi)
            return blocks[i].weight;
    return 0;
}

bool
utf8_is_reason(struct span s)
{
    unsigned sum = 0;
    while (s.n && sum < 10) {
        uint32_t p = 0;
        size_t step = utf8_decode(s, &p);
        sum += step ? weight(p) : 0;
        s = span_skip(s, step ? step : 1);
    }
    return sum >= 10;
}

void
utf8_put(struct buf *b, uint32_t point)
{
    uint8_t out[4];
    size_t n;
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        n = 1;
    } else if (point < 0x800) {
        out[0] = (uint8_t)(0xC0 | point >> 6);
        out[1] = (uint8_t)(0x80 | (point & 0x3F));
        n = 2;
    } else if (point < 0x10000) {
        out[0] = (uint8_t)(0xE0 | point >> 12);
        out[1] = (uint8_t)(0x80 | (point >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (point & 0x3F));
        n = 3;
    } else {
        out[0] = (uint8_t)(0xF0 | point >> 18);
        out[1] = (uint8_t)(0x80 | (point >> 12 & 0x3F));
        out[2] = (uint8_t)(0x80 | (point >> 6 & 0x3F));
        out[3] = (uint8_t)(0x80 | (point & 0x3F));
        n = 4;
    }
    buf_put(b, out, n);
}

struct span
text_skip_bom(struct span s)
{
    return span_starts(s, SPAN("\xEF\xBB\xBF")) ? span_skip(s, 3) : s;
}

enum err
gb18030_decode(struct span s, struct buf *out, struct note *note)
{
    iconv_t cd = iconv_open("UTF-8", "GB18030");
    if (cd == (iconv_t)-1)
        return note_set(
            note, ERR_IO, NULL, "this system's C library has no GB18030 converter",
            "本系统 C 库缺少 GB18030 转换");
    char *in_p = (char *)(uintptr_t)s.p; /* iconv does not write its input */
    size_t in_left = s.n;
    enum err e = OK;
    while (in_left && e == OK) {
        size_t room = in_left * 2 + 16;
        char *dst = (char *)buf_room(out, room);
        if (!dst) {
            e = ERR_NOMEM;
            break;
        }
        char *out_p = dst;
        size_t out_left = room;
        size_t r = iconv(cd, &in_p, &in_left, &out_p, &out_left);
        out->n += (size_t)(out_p - dst);
        if (r == (size_t)-1 && errno != E2BIG)
            e = note_fmt(
                note, ERR_INPUT, NULL, "byte %zu is not GB18030",
                "第 %zu 字节不是 GB18030 编码", s.n - in_left);
    }
    iconv_close(cd);
    return e;
}
