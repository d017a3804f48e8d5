/* SPDX-License-Identifier: Apache-2.0 */
/* Reading goes in two lanes. The fast one takes what cameras send a hundred thousand
 * times a second: a Chinese character and ASCII capitals and digits, already canonical.
 * Everything else - full-width, separators, lower case, O for 0, a colour in front - is
 * folded to codes first and judged by the same table of forms.
 *
 * Codes: 1 '?', 2-11 digits, 12-37 letters, 38.. the characters of plate_chars.def in
 * code-point order, so that packed values sort as their texts do. */
#include "model/plate.h"

#include "core/hash.h"
#include "core/text.h"

#include <assert.h>

/* What a character may be in a form; '?' may be all of them. */
enum {
    B_PROV = 1 << 0,   /* the 31 province characters */
    B_OFFICE = 1 << 1, /* issuing letter: A-Z without I */
    B_SEQ = 1 << 2,    /* sequence: A-Z without I and O, digits */
    B_DIGIT = 1 << 3,
    B_NEV = 1 << 4,  /* new-energy letter */
    B_MIL1 = 1 << 5, /* military, first and second letter */
    B_MIL2 = 1 << 6,
    B_WJX = 1 << 7, /* last of an armed police plate */
    B_W = 1 << 8,
    B_J = 1 << 9,
    B_Z = 1 << 10,
    B_RESCUE = 1 << 11, /* X, S: fire and forest rescue */
    B_YUE = 1 << 12,
    B_XUE = 1 << 13,
    B_GUA = 1 << 14,
    B_JING = 1 << 15,
    B_GANGAO = 1 << 16,
    B_SHI = 1 << 17,
    B_LING = 1 << 18,
    B_YING = 1 << 19,
    B_JI = 1 << 20,
    B_MIN = 1 << 21,
    B_HANG = 1 << 22,
    B_TEMP = 1 << 23, /* marks a loose form: temporary, trial, oversize, farm */
    B_ALL = (1 << 24) - 1,
};

enum { CODE_DIGIT = 2, CODE_LETTER = 12, CODE_HAN = 38, CODE_RUN = PLATE_CODE_RUN };

#define H(cp, text, classes) HAN_##cp,
enum {
    HAN_BEFORE = CODE_HAN - 1,
#include "model/plate_chars.def"
    CODE_END,
};
#undef H
static_assert((int)CODE_END < (int)CODE_RUN, "a code has seven bits");

#define ASCII_CLASSES(c)                                                               \
    (((c) >= '0' && (c) <= '9' ? B_DIGIT | B_SEQ | B_WJX : 0) |                        \
     ((c) >= 'A' && (c) <= 'Z' && (c) != 'I' ? B_OFFICE : 0) |                         \
     ((c) >= 'A' && (c) <= 'Z' && (c) != 'I' && (c) != 'O' ? B_SEQ : 0) |              \
     (((c) >= 'A' && (c) <= 'H') || (c) == 'J' || (c) == 'K' ? B_NEV : 0) |            \
     ((c) == 'V' || (c) == 'K' || (c) == 'H' || (c) == 'B' || (c) == 'S' ||            \
              (c) == 'L' || (c) == 'J' || (c) == 'N' || (c) == 'G' || (c) == 'C' ||    \
              (c) == 'E'                                                               \
          ? B_MIL1                                                                     \
          : 0) |                                                                       \
     (((c) >= 'A' && (c) <= 'D') || ((c) >= 'J' && (c) <= 'P') ||                      \
              ((c) >= 'R' && (c) <= 'T') || (c) == 'V' || (c) == 'Y'                   \
          ? B_MIL2                                                                     \
          : 0) |                                                                       \
     ((c) == 'T' || (c) == 'D' || (c) == 'S' || (c) == 'H' || (c) == 'X' ||            \
              (c) == 'B' || (c) == 'J'                                                 \
          ? B_WJX                                                                      \
          : 0) |                                                                       \
     ((c) == 'W' ? B_W : 0) | ((c) == 'J' ? B_J : 0) | ((c) == 'Z' ? B_Z : 0) |        \
     ((c) == 'X' || (c) == 'S' ? B_RESCUE : 0))

#define D(c) [CODE_DIGIT + (c) - '0'] = ASCII_CLASSES(c)
#define L(c) [CODE_LETTER + (c) - 'A'] = ASCII_CLASSES(c)
#define H(cp, text, classes) [HAN_##cp] = (classes),
static const uint32_t classes[128] = {
    [PLATE_CODE_UNREAD] = B_ALL,
    D('0'),
    D('1'),
    D('2'),
    D('3'),
    D('4'),
    D('5'),
    D('6'),
    D('7'),
    D('8'),
    D('9'),
    L('A'),
    L('B'),
    L('C'),
    L('D'),
    L('E'),
    L('F'),
    L('G'),
    L('H'),
    L('I'),
    L('J'),
    L('K'),
    L('L'),
    L('M'),
    L('N'),
    L('O'),
    L('P'),
    L('Q'),
    L('R'),
    L('S'),
    L('T'),
    L('U'),
    L('V'),
    L('W'),
    L('X'),
    L('Y'),
    L('Z'),
#include "model/plate_chars.def"
};
#undef H
#undef D
#undef L

/* Code of a character of the block that holds them all; 21 kB of which a city touches a
 * few lines. */
#define HAN_FIRST 0x4E00
#define HAN_LAST 0x9FFF
#define H(cp, text, classes) [cp - HAN_FIRST] = HAN_##cp,
static const uint8_t han_code[HAN_LAST - HAN_FIRST + 1] = {
#include "model/plate_chars.def"
};
#undef H

#define H(cp, text, classes) [HAN_##cp] = text,
static const char code_text[CODE_END][4] = {
    [PLATE_CODE_UNREAD] = "?",
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "A",
    "B",
    "C",
    "D",
    "E",
    "F",
    "G",
    "H",
    "I",
    "J",
    "K",
    "L",
    "M",
    "N",
    "O",
    "P",
    "Q",
    "R",
    "S",
    "T",
    "U",
    "V",
    "W",
    "X",
    "Y",
    "Z",
#include "model/plate_chars.def"
};
#undef H

/* GA 36 as rows, the commonest first. The forms of one length exclude each other for
 * whole plates. */
struct form {
    uint8_t kind; /* enum plate_kind */
    uint8_t n;
    uint32_t at[PLATE_CHARS];
};
#define P B_PROV
#define L B_OFFICE
#define S B_SEQ
#define D B_DIGIT
#define N B_NEV
static const struct form forms[] = {
    {PLATE_ORDINARY, 7, {P, L, S, S, S, S, S}},
    {PLATE_NEV_SMALL, 8, {P, L, N, S, D, D, D, D}},
    {PLATE_NEV_LARGE, 8, {P, L, D, D, D, D, D, N}},
    {PLATE_COACH, 7, {P, L, S, S, S, S, B_XUE}},
    {PLATE_TRAILER, 7, {P, L, S, S, S, S, B_GUA}},
    {PLATE_POLICE, 7, {P, L, S, S, S, S, B_JING}},
    {PLATE_HK_MACAU, 7, {B_YUE, B_Z, S, S, S, S, B_GANGAO}},
    {PLATE_EMBASSY, 7, {D, D, D, D, D, D, B_SHI}},
    {PLATE_EMBASSY, 7, {B_SHI, D, D, D, D, D, D}},
    {PLATE_CONSULATE, 7, {P, L, D, D, D, D, B_LING}},
    {PLATE_CONSULATE, 7, {P, B_LING, S, S, S, S, S}},
    {PLATE_WJ, 7, {B_W, B_J, D, D, D, D, B_WJX}},
    {PLATE_WJ, 8, {B_W, B_J, P, D, D, D, D, B_WJX}},
    {PLATE_MILITARY, 7, {B_MIL1, B_MIL2, D, D, D, D, D}},
    {PLATE_EMERGENCY, 8, {P, B_RESCUE, S, S, S, S, B_YING, B_JI}},
    {PLATE_EMERGENCY, 9, {P, B_RESCUE, S, S, S, S, S, B_YING, B_JI}},
    {PLATE_AVIATION, 7, {B_MIN, B_HANG, S, S, S, S, S}},
    {PLATE_AVIATION, 6, {B_MIN, B_HANG, S, S, S, S}},
    {PLATE_TEMPORARY,
     8,
     {P, D, D, S, S, S, S, S}}, /* tractors: province, two digits, five */
};
#undef P
#undef L
#undef S
#undef D
#undef N

/* What people and cameras write where nothing was read. */
static const char *const unread_words[] = {
    "无牌",   "无车牌",  "未识别",     "无号牌",     "未知",   "无",
    "无牌车", "车牌",    "未悬挂号牌", "无法识别",   "未检测", "NULL",
    "NONE",   "NOPLATE", "UNKNOWN",    "UNLICENSED",
};

/* ---- forms ---- */

static bool
fits(const struct form *f, const uint32_t *m)
{
    for (unsigned i = 0; i < f->n; i++)
        if (!(m[i] & f->at[i]))
            return false;
    return true;
}

/* A loose form: latin characters and provinces around at least one marking character.
 */
static bool
fits_loose(const uint32_t *m, unsigned n)
{
    unsigned marks = 0;
    for (unsigned i = 0; i < n; i++) {
        if (m[i] == B_ALL || !(m[i] & (B_TEMP | B_PROV | B_SEQ | B_OFFICE)))
            return false;
        if (m[i] & B_PROV && i > 1)
            return false;
        marks += m[i] & B_TEMP ? 1 : 0;
    }
    return n >= 5 && marks == 1;
}

/* Kind of n codes, some of which may be '?'. */
static enum plate_kind
judge(const uint8_t *code, unsigned n)
{
    uint32_t m[PLATE_CHARS];
    unsigned unread = 0, zeros = 0;
    for (unsigned i = 0; i < n; i++) {
        m[i] = classes[code[i]];
        unread += code[i] == PLATE_CODE_UNREAD;
        zeros += code[i] == CODE_DIGIT;
    }
    if (unread == n || (zeros == n && n >= 7)) /* some cameras fill with zeros */
        return PLATE_UNREAD;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (forms[i].n == n && fits(&forms[i], m))
            return unread ? PLATE_PARTIAL : (enum plate_kind)forms[i].kind;
    return fits_loose(m, n) ? PLATE_TEMPORARY : PLATE_JUNK;
}

static struct plate
pack(const uint8_t *code, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)code[i] << (56 - 7 * i);
    return (struct plate){v};
}

static unsigned
unpack(struct plate p, uint8_t *code)
{
    unsigned n = 0;
    if (plate_is_hashed(p))
        return 0;
    while (n < PLATE_CHARS && plate_at(p, n)) {
        code[n] = (uint8_t)plate_at(p, n);
        n++;
    }
    return n;
}

/* ---- the fast lane ---- */

/* Codes of bytes that are canonical anywhere: digits, capitals without I and O. */
#define A(c) [c] = CODE_LETTER + (c) - 'A'
static const uint8_t plain_code[256] = {
    ['0'] = 2, ['1'] = 3,  ['2'] = 4,  ['3'] = 5, ['4'] = 6, ['5'] = 7, ['6'] = 8,
    ['7'] = 9, ['8'] = 10, ['9'] = 11, A('A'),    A('B'),    A('C'),    A('D'),
    A('E'),    A('F'),     A('G'),     A('H'),    A('J'),    A('K'),    A('L'),
    A('M'),    A('N'),     A('P'),     A('Q'),    A('R'),    A('S'),    A('T'),
    A('U'),    A('V'),     A('W'),     A('X'),    A('Y'),    A('Z'),
};
#undef A

static unsigned
han3(const unsigned char *b)
{
    unsigned cp = (b[0] & 15u) << 12 | (b[1] & 63u) << 6 | (b[2] & 63u);
    bool ok = (b[0] & 0xF0) == 0xE0 && (b[1] & 0xC0) == 0x80 && (b[2] & 0xC0) == 0x80;
    return ok && cp >= HAN_FIRST && cp <= HAN_LAST ? han_code[cp - HAN_FIRST] : 0;
}

/* Ordinary and new-energy plates in canonical bytes; false sends the text to the slow
 * lane. */
static bool
parse_plain(struct span s, struct plate *out, enum plate_kind *kind)
{
    const unsigned char *b = (const unsigned char *)s.p;
    if (s.n != 9 && s.n != 10)
        return false;
    unsigned first = han3(b);
    if (!(classes[first] & B_PROV))
        return false;
    uint64_t v = (uint64_t)first << 56;
    unsigned n = (unsigned)s.n - 2, shift = 49, zero = 0;
    uint32_t m[8];
    for (unsigned i = 1; i < n; i++, shift -= 7) {
        unsigned code = plain_code[b[i + 2]];
        zero |= code == 0;
        m[i] = classes[code];
        v |= (uint64_t)code << shift;
    }
    if (zero || !(m[1] & B_OFFICE))
        return false;
    *out = (struct plate){v};
    if (n == 7) { /* five sequence characters: every plain code is one */
        *kind = PLATE_ORDINARY;
        return true;
    }
    bool middle = m[4] & m[5] & m[6] & B_DIGIT;
    if (m[2] & B_NEV && middle && m[7] & B_DIGIT)
        *kind = PLATE_NEV_SMALL;
    else if (m[2] & m[3] & B_DIGIT && middle && m[7] & B_NEV)
        *kind = PLATE_NEV_LARGE;
    else
        return false;
    return true;
}

/* ---- the slow lane ---- */

#define FOLDED 24
struct folded {
    uint8_t code[FOLDED];
    unsigned n;
    int hyphen; /* index of the only '-' or -1 */
    unsigned hyphens;
    bool outside;  /* a character beyond our alphabet, or too many */
    bool cut;      /* utf8 holds only the beginning */
    char utf8[96]; /* folded text for unread words and hashes */
    size_t utf8_n;
};

static uint32_t
fold_point(uint32_t cp)
{
    if (cp >= 0xFF01 && cp <= 0xFF5E)
        cp -= 0xFEE0; /* full-width */
    if (cp >= 'a' && cp <= 'z')
        cp -= 'a' - 'A';
    if (cp == 0x2013 || cp == 0x2014 || cp == 0x2212)
        cp = '-';
    return cp;
}

/* Blanks, dots of every shape, marks without width. */
static bool
is_filler(uint32_t cp)
{
    static const uint32_t fillers[] = {' ',    '\t',   '\r',   '\n',   '.',    0xA0,
                                       0xB7,   0x2022, 0x2027, 0x200B, 0x22C5, 0x25CF,
                                       0x3000, 0x3002, 0x30FB, 0xFF65, 0xFEFF};
    for (size_t i = 0; i < sizeof fillers / sizeof *fillers; i++)
        if (cp == fillers[i])
            return true;
    return false;
}

unsigned
plate_code(uint32_t cp)
{
    if (cp == '?')
        return PLATE_CODE_UNREAD;
    if (cp >= '0' && cp <= '9')
        return CODE_DIGIT + cp - '0';
    if (cp >= 'A' && cp <= 'Z')
        return CODE_LETTER + cp - 'A';
    return cp >= HAN_FIRST && cp <= HAN_LAST ? han_code[cp - HAN_FIRST] : 0;
}

static void
fold_put(struct folded *f, uint32_t cp, struct span raw)
{
    const char ascii = (char)cp; /* folded; lives as long as raw points at it */
    if (cp < 0x80)
        raw = (struct span){&ascii, 1};
    if (f->utf8_n + raw.n > sizeof f->utf8) {
        f->cut = true;
    } else {
        memcpy(f->utf8 + f->utf8_n, raw.p, raw.n);
        f->utf8_n += raw.n;
    }
    if (cp == '-') {
        f->hyphens++;
        f->hyphen = (int)f->n;
    }
    unsigned code =
        cp == '-' || cp == '*' || cp == '_' ? PLATE_CODE_UNREAD : plate_code(cp);
    if (code == 0 || f->n == FOLDED)
        f->outside = true;
    else
        f->code[f->n++] = (uint8_t)code;
}

static void
fold(struct span s, struct folded *f)
{
    f->n = f->hyphens = 0;
    f->hyphen = -1;
    f->outside = f->cut = false;
    f->utf8_n = 0;
    while (s.n) {
        uint32_t cp = 0xFFFD;
        size_t step = utf8_decode(s, &cp);
        struct span raw = {s.p, step ? step : 1};
        s = span_skip(s, raw.n);
        cp = step ? fold_point(cp) : 0xFFFD;
        if (!is_filler(cp))
            fold_put(f, cp, raw);
    }
}

/* O and I are not used in the sequence: there they are 0 and 1. */
static void
fix_sequence(uint8_t *code, unsigned n)
{
    unsigned from =
        classes[code[0]] & (B_PROV | B_MIL1) || code[0] == PLATE_CODE_UNREAD ? 2 : 0;
    if (n > 1 && classes[code[0]] & B_W && classes[code[1]] & B_J)
        from = 2;
    for (unsigned i = from; i < n; i++) {
        if (code[i] == CODE_LETTER + 'O' - 'A')
            code[i] = CODE_DIGIT;
        else if (code[i] == CODE_LETTER + 'I' - 'A')
            code[i] = CODE_DIGIT + 1;
    }
}

static enum plate_kind
judge_fixed(const uint8_t *code, unsigned n, uint8_t *fixed)
{
    if (n == 0 || n > PLATE_CHARS)
        return PLATE_JUNK;
    memcpy(fixed, code, n);
    fix_sequence(fixed, n);
    return judge(fixed, n);
}

/* "晋A-12345": one '-' that separates rather than stands for a character. It separates
 * when the rest is a whole plate and it stands behind the office letter, or fits no
 * form as an unread character. */
static bool
hyphen_separates(struct folded *f, enum plate_kind as_unread)
{
    if (f->hyphens != 1 || f->hyphen <= 0 || f->hyphen + 1 >= (int)f->n)
        return false;
    uint8_t rest[FOLDED], fixed[PLATE_CHARS];
    unsigned at = (unsigned)f->hyphen;
    memcpy(rest, f->code, at);
    memcpy(rest + at, f->code + at + 1, f->n - at - 1);
    enum plate_kind kind = judge_fixed(rest, f->n - 1, fixed);
    if (kind == PLATE_JUNK || kind == PLATE_PARTIAL || kind == PLATE_UNREAD)
        return false;
    if (at != 2 && as_unread == PLATE_PARTIAL)
        return false;
    memcpy(f->code, rest, --f->n);
    return true;
}

/* "蓝晋A12345": some cameras write the plate colour in front. */
static bool
colour_in_front(struct span s, struct span *rest)
{
    static const char *const colours[] = {"渐变绿", "黄绿", "蓝", "黄",
                                          "白",     "黑",   "绿"};
    uint32_t cp;
    for (size_t step; (step = utf8_decode(s, &cp)) && is_filler(cp);)
        s = span_skip(s, step);
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++) {
        struct span colour = span_cstr(colours[i]);
        if (span_starts(s, colour)) {
            *rest = span_skip(s, colour.n);
            return true;
        }
    }
    return false;
}

static bool
is_unread_word(const struct folded *f)
{
    struct span text = {f->utf8, f->utf8_n};
    for (size_t i = 0; i < sizeof unread_words / sizeof *unread_words; i++)
        if (span_eq_cstr(text, unread_words[i]))
            return true;
    return f->utf8_n == 0;
}

static enum plate_kind
parse_folded(struct folded *f, struct span s, struct plate *out)
{
    uint8_t fixed[PLATE_CHARS];
    *out = PLATE_NONE;
    if (is_unread_word(f))
        return PLATE_UNREAD;
    enum plate_kind kind = PLATE_JUNK;
    if (!f->outside) {
        kind = judge_fixed(f->code, f->n, fixed);
        if (hyphen_separates(f, kind))
            kind = judge_fixed(f->code, f->n, fixed);
    }
    if (kind == PLATE_UNREAD)
        return kind;
    /* What is no plate stays as it was written: mended, it might read as another. */
    if (!f->outside && f->n <= PLATE_CHARS)
        *out = pack(kind == PLATE_JUNK ? f->code : fixed, f->n);
    else
        out->v = hash_span(f->cut ? s : span_of(f->utf8, f->utf8_n), 0) | UINT64_C(1)
                                                                              << 63;
    return kind;
}

static bool
same_text(struct plate p, struct span s)
{
    char text[PLATE_TEXT];
    return span_eq(span_cstr(plate_format(text, p)), s);
}

enum plate_kind
plate_parse(struct span s, struct plate *out, bool *differs)
{
    enum plate_kind kind;
    if (parse_plain(s, out, &kind)) {
        *differs = false;
        return kind;
    }
    struct folded f;
    struct span rest;
    fold(s, &f);
    kind = parse_folded(&f, s, out);
    if (kind == PLATE_JUNK && colour_in_front(s, &rest)) {
        struct plate inner;
        fold(rest, &f);
        enum plate_kind inner_kind = parse_folded(&f, rest, &inner);
        if (inner_kind != PLATE_JUNK && inner_kind != PLATE_UNREAD) {
            *out = inner;
            kind = inner_kind;
        }
    }
    *differs = !same_text(*out, s);
    return kind;
}

/* ---- values ---- */

char *
plate_format(char *dst, struct plate p)
{
    uint8_t code[PLATE_CHARS];
    unsigned n = unpack(p, code);
    char *at = dst;
    for (unsigned i = 0; i < n && code[i] < CODE_END; i++) {
        memcpy(at, code_text[code[i]], 4); /* with its NUL: PLATE_TEXT leaves room */
        at += code[i] < CODE_HAN ? 1 : 3;
    }
    *at = 0;
    return dst;
}

enum plate_kind
plate_kind(struct plate p)
{
    uint8_t code[PLATE_CHARS];
    if (plate_is_none(p))
        return PLATE_UNREAD;
    unsigned n = unpack(p, code);
    return n ? judge(code, n) : PLATE_JUNK;
}

unsigned
plate_length(struct plate p)
{
    uint8_t code[PLATE_CHARS];
    return unpack(p, code);
}

unsigned
plate_unread(struct plate p)
{
    uint8_t code[PLATE_CHARS];
    unsigned n = unpack(p, code), unread = 0;
    for (unsigned i = 0; i < n; i++)
        unread += code[i] == PLATE_CODE_UNREAD;
    return unread;
}

bool
plate_is_exact(struct plate p)
{
    return p.v != 0 && !plate_is_hashed(p) && plate_unread(p) == 0;
}

#define ASKABLE_CHARS 5u

bool
plate_is_askable(struct plate p)
{
    return plate_is_exact(p) &&
           (plate_kind(p) != PLATE_JUNK || plate_length(p) >= ASKABLE_CHARS);
}

struct plate
plate_with(struct plate p, unsigned i, unsigned code)
{
    unsigned shift = 56 - 7 * i;
    return (struct plate){
        (p.v & ~(UINT64_C(127) << shift)) | (uint64_t)(code & 127) << shift};
}

const char *
plate_code_text(unsigned code)
{
    return code > 0 && code < CODE_END ? code_text[code] : "";
}

/* ---- patterns ---- */

static bool
pattern_put(struct plate_pattern *p, uint32_t cp)
{
    unsigned code = cp == '*' ? CODE_RUN : cp == '-' || cp == '_' ? 1 : plate_code(cp);
    if (code == 0 || p->n == sizeof p->code)
        return false;
    if (code == CODE_RUN && p->n && p->code[p->n - 1] == CODE_RUN)
        return true; /* "**" is "*" */
    bool may_be_office = p->n == 1 && p->code[0] != CODE_RUN;
    if (code == CODE_LETTER + 'O' - 'A' && !may_be_office)
        code = CODE_DIGIT;
    if (code == CODE_LETTER + 'I' - 'A' && !may_be_office)
        code = CODE_DIGIT + 1;
    p->code[p->n++] = (uint8_t)code;
    return true;
}

/* [lo, hi] of all values that begin with the literals before the first wildcard. */
static void
pattern_range(struct plate_pattern *p)
{
    uint64_t v = 0;
    unsigned i = 0;
    for (; i < p->n && i < PLATE_CHARS; i++) {
        if (p->code[i] == PLATE_CODE_UNREAD || p->code[i] == CODE_RUN)
            break;
        v |= (uint64_t)p->code[i] << (56 - 7 * i);
    }
    p->exact = i == p->n;
    p->lo.v = p->hi.v = v;
    if (!p->exact)
        p->hi.v |= i < PLATE_CHARS ? (UINT64_C(1) << (63 - 7 * i)) - 1 : 0;
}

bool
plate_pattern_parse(struct span s, struct plate_pattern *out)
{
    struct plate whole;
    bool differs;
    struct plate_pattern p = {0};
    enum plate_kind kind = plate_parse(s, &whole, &differs);
    if (kind != PLATE_JUNK && kind != PLATE_UNREAD && kind != PLATE_PARTIAL) {
        p.n = (uint8_t)unpack(whole, p.code);
        p.exact = true;
        p.lo = p.hi = whole;
        *out = p;
        return true;
    }
    while (s.n) {
        uint32_t cp;
        size_t step = utf8_decode(s, &cp);
        if (step == 0)
            return false;
        s = span_skip(s, step);
        cp = fold_point(cp);
        if (!is_filler(cp) && !pattern_put(&p, cp))
            return false;
    }
    unsigned fixed = 0;
    for (unsigned i = 0; i < p.n; i++)
        fixed += p.code[i] != CODE_RUN;
    if (p.n == 0 || fixed > PLATE_CHARS)
        return false;
    pattern_range(&p);
    *out = p;
    return true;
}

bool
plate_pattern_match(const struct plate_pattern *pattern, struct plate p)
{
    uint8_t code[PLATE_CHARS];
    if (p.v < pattern->lo.v || p.v > pattern->hi.v)
        return false;
    unsigned n = unpack(p, code);
    if (n == 0)
        return false; /* an unread or foreign plate is no plate to find */
    unsigned i = 0, k = 0, run = UINT8_MAX,
             back = 0; /* the last '*' and where it may grow from */
    while (i < n) {
        if (k < pattern->n && pattern->code[k] == CODE_RUN) {
            run = k++;
            back = i;
        } else if (
            k < pattern->n &&
            (pattern->code[k] == PLATE_CODE_UNREAD || pattern->code[k] == code[i])) {
            i++;
            k++;
        } else if (run != UINT8_MAX) {
            k = run + 1;
            i = ++back;
        } else {
            return false;
        }
    }
    while (k < pattern->n && pattern->code[k] == CODE_RUN)
        k++;
    return k == pattern->n;
}

/* ---- misreads ---- */

/* Which characters readers take for which: strokes closed or opened, a bar gained or
 * lost. Shares in percent of all errors at that character; what is left is spread over
 * the rest of the alphabet. Order of magnitude from the published confusion matrices of
 * plate OCR; a city's own models refine it. */
struct near {
    char got[9];
    uint8_t share[8];
};
#define NEAR(c) [CODE_DIGIT + (c) - '0']
#define NEAR_L(c) [CODE_LETTER + (c) - 'A']
static const struct near nears[CODE_HAN] = {
    NEAR('0') = {"DQOUC86", {42, 18, 8, 6, 5, 7, 3}},
    NEAR('1') = {"7TIJL4", {34, 20, 8, 10, 10, 6}},
    NEAR('2') = {"Z7S3", {60, 18, 5, 5}},
    NEAR('3') = {"8B5S9J", {42, 14, 10, 6, 8, 6}},
    NEAR('4') = {"A1L9", {46, 18, 10, 10}},
    NEAR('5') = {"S6389", {56, 14, 8, 6, 4}},
    NEAR('6') = {"G8B50C", {38, 22, 10, 8, 8, 4}},
    NEAR('7') = {"1TZ2Y", {36, 24, 14, 10, 4}},
    NEAR('8') = {"B36R90", {54, 12, 10, 5, 5, 4}},
    NEAR('9') = {"8P3Q05", {30, 14, 12, 10, 10, 8}},
    NEAR_L('A') = {"4RHN", {46, 16, 14, 8}},
    NEAR_L('B') = {"8RE36D", {60, 12, 6, 5, 4, 4}},
    NEAR_L('C') = {"G0DQ6", {46, 18, 10, 8, 6}},
    NEAR_L('D') = {"0QOUBC", {58, 14, 6, 4, 6, 2}},
    NEAR_L('E') = {"FBLR", {56, 12, 12, 6}},
    NEAR_L('F') = {"EPTR", {48, 24, 10, 6}},
    NEAR_L('G') = {"6CQ0S", {46, 26, 8, 8, 3}},
    NEAR_L('H') = {"NMKWA", {36, 18, 14, 10, 8}},
    NEAR_L('I') = {"1TLJ7", {60, 12, 10, 6, 4}},
    NEAR_L('J') = {"1U3L", {36, 20, 14, 12}},
    NEAR_L('K') = {"XHRY", {44, 18, 16, 6}},
    NEAR_L('L') = {"1ETUJ", {40, 18, 12, 8, 8}},
    NEAR_L('M') = {"NWHV", {44, 22, 20, 4}},
    NEAR_L('N') = {"MHWR", {44, 28, 10, 4}},
    NEAR_L('O') = {"0DQCU", {60, 16, 14, 3, 2}},
    NEAR_L('P') = {"RFD9B", {44, 26, 8, 8, 4}},
    NEAR_L('Q') = {"0OD9GC", {52, 12, 18, 4, 4, 2}},
    NEAR_L('R') = {"PBKA8", {34, 24, 16, 8, 6}},
    NEAR_L('S') = {"583", {62, 14, 6}},
    NEAR_L('T') = {"17YIF", {34, 32, 14, 4, 4}},
    NEAR_L('U') = {"V0JDL", {44, 18, 10, 8, 6}},
    NEAR_L('V') = {"YUWX", {40, 30, 10, 4}},
    NEAR_L('W') = {"MNVH", {44, 20, 14, 8}},
    NEAR_L('X') = {"KYVZ", {48, 26, 8, 4}},
    NEAR_L('Y') = {"VTX7", {44, 22, 16, 4}},
    NEAR_L('Z') = {"27S1", {66, 18, 4, 2}},
};
#undef NEAR
#undef NEAR_L

/* Of the part that no row names, how much stays within the character's own kind. */
#define FLOOR_SAME_KIND 0.9

double
plate_confusion(unsigned real, unsigned got)
{
    if (real == got || real <= PLATE_CODE_UNREAD || got <= PLATE_CODE_UNREAD ||
        real >= CODE_END || got >= CODE_END)
        return 0;
    bool latin = real < CODE_HAN, same_kind = latin == (got < CODE_HAN);
    unsigned latins = CODE_HAN - CODE_DIGIT, hans = CODE_END - CODE_HAN;
    unsigned named = 0, rest = (latin ? latins : hans) - 1,
             others = latin ? hans : latins;
    if (latin) {
        const struct near *row = &nears[real];
        for (unsigned i = 0; i < sizeof row->share && row->share[i]; i++) {
            if (plain_code[(uint8_t)row->got[i]] == got ||
                plate_code((uint8_t)row->got[i]) == got)
                return row->share[i] / 100.0;
            named += row->share[i];
            rest--;
        }
    }
    double left = 1.0 - named / 100.0;
    return same_kind ? left * FLOOR_SAME_KIND / rest
                     : left * (1 - FLOOR_SAME_KIND) / others;
}
