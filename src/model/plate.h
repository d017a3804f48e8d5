/* SPDX-License-Identifier: Apache-2.0 */
/* plate.h - licence plates (号牌): the GA 36 grammar, canonical text, and a 64-bit
 * value.
 *
 * Shape    a plate value is 0 (PLATE_NONE: unread or no plate), a packed text (bit 63
 * clear) or the hash of a text outside our alphabet (bit 63 set: the text itself must
 * be kept beside it). Packing is 9 characters of 7 bits, first character highest, so
 * values sort as texts do and a prefix is a range. '?' is one unread character.
 * Owner    values; formatting goes to the caller's PLATE_TEXT bytes.
 * Threads  pure functions.
 * Errors   parsing never fails: what is not a plate comes back with kind PLATE_JUNK.
 * See      GA 36-2018; facts in docs/plates.md; tests in plate_test.c.
 */
#ifndef TQ_MODEL_PLATE_H
#define TQ_MODEL_PLATE_H

#include "core/span.h"

struct plate {
    uint64_t v;
};

#define PLATE_NONE ((struct plate){0})
#define PLATE_TEXT 40 /* longest canonical text in UTF-8 and a NUL */
#define PLATE_CHARS 9

enum plate_kind {
    PLATE_UNREAD, /* empty, "无牌", "无车牌", "未识别", "-" ...: the value is PLATE_NONE
                   */
    PLATE_ORDINARY,  /* 普通: province, letter, five */
    PLATE_NEV_SMALL, /* 小型新能源 */
    PLATE_NEV_LARGE, /* 大型新能源 */
    PLATE_COACH,     /* 教练车 ...学 */
    PLATE_TRAILER,   /* 挂车 ...挂 */
    PLATE_POLICE,    /* 警车 ...警 */
    PLATE_HK_MACAU,  /* 粤Z....港 / 澳 */
    PLATE_EMBASSY,   /* 使 */
    PLATE_CONSULATE, /* 领 */
    PLATE_WJ,        /* 武警 */
    PLATE_MILITARY,  /* 军车 */
    PLATE_EMERGENCY, /* 应急 */
    PLATE_AVIATION,  /* 民航 */
    PLATE_TEMPORARY, /* 临, 试, 超, 农 ... and tractors: grammar not strict */
    PLATE_PARTIAL,   /* at least one '?', otherwise fits a form */
    PLATE_JUNK,      /* fits no form */
};

/* Reads any spelling (full-width, spaces, '·', '-', lower case, O and I in the
 * sequence) and writes the value, its kind and whether the canonical text differs from
 * s (then s must be kept). Unread characters may be '?', '-', '*' or '_' (GA/T 1400
 * writes '-'). A single '-' behind the office letter of an otherwise whole plate
 * separates (晋A-12345); elsewhere it is an unread character where a form allows that.
 * A plate colour in front (蓝晋A12345) is skipped. All characters unread: PLATE_NONE.
 */
enum plate_kind plate_parse(struct span s, struct plate *out, bool *differs);

/* The canonical text into dst[PLATE_TEXT]; "" for PLATE_NONE and for hashed values. */
char *plate_format(char *dst, struct plate p);
enum plate_kind plate_kind(struct plate p);

static inline bool
plate_eq(struct plate a, struct plate b)
{
    return a.v == b.v;
}
static inline bool
plate_is_none(struct plate p)
{
    return p.v == 0;
}
static inline bool
plate_is_hashed(struct plate p)
{
    return p.v >> 63;
}
/* Whole and in the alphabet: no '?', not unread, not hashed. */
bool plate_is_exact(struct plate p);
/* Exact, and a plate somebody may ask for: it fits a form or, from abroad, has at least
 * five characters. Cameras store other texts, too; nobody looks for a vehicle by one. */
bool plate_is_askable(struct plate p);
/* Number of '?' characters. */
unsigned plate_unread(struct plate p);

/* Characters as codes 1..127 (0 = end): position i of a packed plate, and back. */
static inline unsigned
plate_at(struct plate p, unsigned i)
{
    return (unsigned)(p.v >> (56 - 7 * i)) & 127;
}
struct plate plate_with(struct plate p, unsigned i, unsigned code);
unsigned plate_length(struct plate p);
/* Code of one character of the alphabet, 0 when it has none; and its UTF-8 text. */
unsigned plate_code(uint32_t code_point);
const char *plate_code_text(unsigned code);
#define PLATE_CODE_UNREAD 1u /* '?' */
#define PLATE_CODE_RUN 127u  /* '*' of a pattern */

/* A search pattern (晋A?8*3): '?' or '-' one character, '*' any run (also empty). */
struct plate_pattern {
    uint8_t code[24]; /* plate codes, PLATE_CODE_UNREAD = any one, PLATE_CODE_RUN */
    uint8_t n;
    bool exact;          /* no wildcard at all: then lo is the plate */
    struct plate lo, hi; /* every match lies in [lo, hi] (from the literal prefix) */
};
/* False when a character is outside the alphabet or the text is too long. */
bool plate_pattern_parse(struct span s, struct plate_pattern *out);
bool plate_pattern_match(const struct plate_pattern *pattern, struct plate p);

/* Probability that a camera reads `got` where the plate shows `real` given that it errs
 * at this character (confusion table; sums to 1 over got for each real). Codes as
 * above. */
double plate_confusion(unsigned real, unsigned got);

#endif
