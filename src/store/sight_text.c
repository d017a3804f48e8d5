/* SPDX-License-Identifier: Apache-2.0 */
/* Templates. Control bytes below TEXT_CONTROLS stand for the variable parts; a text
 * that holds such bytes itself is kept verbatim. Cutting is deterministic (nothing is
 * guessed from other rows), so equal texts cut equally in every segment and templates
 * merge by equality. */
#include "store/sight_text.h"

#include "core/err.h"
#include "core/hash.h"

#include <endian.h>
#include <stdlib.h>

enum part {
    PART_RECORD = 1, /* the record id */
    PART_T13 = 2,    /* epoch milliseconds */
    PART_T14 = 3,    /* yyyyMMddHHmmss, civil */
    PART_T17 = 4,    /* yyyyMMddHHmmssSSS, civil */
    PART_D8 = 5,     /* yyyyMMdd of the time above */
    PART_H2 = 6,     /* HH of the time above */
    PART_NUM = 7, /* a decimal number; the next byte is 16 + its width, zero-padded */
};
#define TEXT_CONTROLS 16u
#define NUM_MAX 18u
#define TEXT_MAX 400u

/* Pieces of a form: a part and, of PART_NUM, its width; or PIECE_TEXT, a length and so
 * many bytes. */
#define PIECE_END 0u
#define PIECE_TEXT 8u
#define PIECE_MOST 255u

/* ---- dictionary ---- */

void
text_dict_release(struct text_dict *d)
{
    for (uint32_t i = 0; i < d->n; i++)
        free((void *)(uintptr_t)d->tpl[i].p);
    for (uint32_t i = 0; d->forms && i < d->n; i++)
        if (d->forms[i].is_far)
            free(d->forms[i].far);
    free(d->forms);
    free(d->tpl);
    free(d->uses);
    free(d->slots);
    *d = (struct text_dict){0};
}

static bool
dict_grow(struct text_dict *d)
{
    uint32_t room = d->room ? d->room * 2 : 256;
    struct span *tpl = realloc(d->tpl, room * sizeof *tpl);
    if (tpl)
        d->tpl = tpl;
    uint32_t *uses = realloc(d->uses, room * sizeof *uses);
    if (uses)
        d->uses = uses;
    uint32_t *slots = calloc((size_t)room * 2, sizeof *slots);
    if (!tpl || !uses || !slots) {
        free(slots);
        return false;
    }
    free(d->slots);
    d->slots = slots;
    d->slots_room = room * 2;
    d->room = room;
    for (uint32_t i = 0; i < d->n; i++) {
        uint64_t h = hash_span(d->tpl[i], 0);
        while (d->slots[h & (d->slots_room - 1)])
            h++;
        d->slots[h & (d->slots_room - 1)] = i + 1;
    }
    return true;
}

uint32_t
text_dict_add(struct text_dict *d, struct span tpl)
{
    must(!d->forms);
    if ((d->n == d->room || !d->slots) && !dict_grow(d))
        return TEXT_LITERAL;
    uint64_t h = hash_span(tpl, 0);
    for (uint32_t slot; (slot = d->slots[h & (d->slots_room - 1)]); h++)
        if (span_eq(d->tpl[slot - 1], tpl))
            return slot - 1 + TEXT_FIRST;
    char *copy = malloc(tpl.n ? tpl.n : 1);
    if (!copy)
        return TEXT_LITERAL;
    memcpy(copy, tpl.p, tpl.n);
    d->slots[h & (d->slots_room - 1)] = d->n + 1;
    d->tpl[d->n] = span_of(copy, tpl.n);
    d->uses[d->n] = 0;
    return d->n++ + TEXT_FIRST;
}

void
text_dict_encode(const struct text_dict *d, struct buf *out)
{
    buf_varint(out, d->n);
    for (uint32_t i = 0; i < d->n; i++)
        buf_span(out, d->tpl[i]);
}

/* ---- digits and civil times ---- */

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
digits_at(struct span s, size_t at, unsigned n, uint64_t *out)
{
    if (s.n < at || s.n - at < n)
        return false;
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++) {
        if (!is_digit(s.p[at + i]))
            return false;
        v = v * 10 + (uint64_t)(s.p[at + i] - '0');
    }
    *out = v;
    return true;
}

/* Eight digits of v < 10^8: halves, pairs, digits, each step for all at once. */
static void
digits_eight(char *p, uint64_t v)
{
    uint64_t x = v / 10000 | v % 10000 << 32;
    uint64_t tens = (x * 10486 >> 20) & UINT64_C(0x0000007f0000007f);
    x = tens | (x - tens * 100) << 16;
    tens = (x * 103 >> 10) & UINT64_C(0x000f000f000f000f);
    x = htole64((tens | (x - tens * 10) << 8) + UINT64_C(0x3030303030303030));
    memcpy(p, &x, 8);
}

static void
digits_put(char *p, uint64_t v, unsigned n)
{
    char tail[8];
    for (; n >= 8; n -= 8, v /= 100000000)
        digits_eight(p + n - 8, v % 100000000);
    digits_eight(tail, v % 100000000);
    for (unsigned i = 0; i < n; i++)
        p[i] = tail[8 - n + i];
}

static int64_t
floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Proleptic Gregorian date of a day number as yyyymmdd, and back (false: no such date).
 */
static uint64_t
date_number(int64_t day)
{
    int64_t z = day + 719468, era = floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int64_t d = doy - (153 * mp + 2) / 5 + 1, m = mp < 10 ? mp + 3 : mp - 9;
    return (uint64_t)((yoe + era * 400 + (m <= 2)) * 10000 + m * 100 + d);
}

static bool
date_day(uint64_t number, int64_t *day)
{
    int64_t y = (int64_t)(number / 10000), m = (int64_t)(number / 100 % 100);
    int64_t d = (int64_t)(number % 100);
    if (m < 1 || m > 12 || d < 1 || d > 31 || y < 1970)
        return false;
    int64_t yy = y - (m <= 2), era = floor_div(yy, 400), yoe = yy - era * 400;
    int64_t doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    *day = era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
    return date_number(*day) == number;
}

static int64_t
local_ms(ts_ms t, const struct zone *z)
{
    return t + (int64_t)z->offset_min * MINUTE_MS;
}

/* The instant of 14 digits (17 with milliseconds) at s[at..]; false when they are no
 * time. */
static bool
civil_digits(struct span s, size_t at, bool with_ms, const struct zone *z, ts_ms *out)
{
    uint64_t date, clock, ms = 0;
    int64_t day;
    if (!digits_at(s, at, 8, &date) || !digits_at(s, at + 8, 6, &clock) ||
        (with_ms && !digits_at(s, at + 14, 3, &ms)) || !date_day(date, &day))
        return false;
    uint64_t h = clock / 10000, m = clock / 100 % 100, sec = clock % 100;
    if (h > 23 || m > 59 || sec > 59)
        return false;
    int64_t local =
        day * DAY_MS + (int64_t)((h * 60 + m) * 60 + sec) * 1000 + (int64_t)ms;
    *out = local - (int64_t)z->offset_min * MINUTE_MS;
    return true;
}

static void
civil_put(char *p, ts_ms t, const struct zone *z, bool with_ms)
{
    int64_t local = local_ms(t, z), day = floor_div(local, DAY_MS);
    uint64_t ms = (uint64_t)(local - day * DAY_MS), sec = ms / 1000;
    digits_put(p, date_number(day), 8);
    digits_put(p + 8, sec / 3600 * 10000 + sec / 60 % 60 * 100 + sec % 60, 6);
    if (with_ms)
        digits_put(p + 14, ms % 1000, 3);
}

static uint64_t
hour_of(ts_ms t, const struct zone *z)
{
    int64_t local = local_ms(t, z);
    return (uint64_t)((local - floor_div(local, DAY_MS) * DAY_MS) / HOUR_MS);
}

static uint64_t
date_of(ts_ms t, const struct zone *z)
{
    return date_number(floor_div(local_ms(t, z), DAY_MS));
}

/* ---- a template against a text ---- */

static ts_ms
time_of(unsigned part, int64_t dt, ts_ms pass)
{
    return part == PART_T14 ? (floor_div(pass, 1000) + dt) * 1000 : pass + dt;
}

static unsigned
width_of(unsigned part)
{
    static const uint8_t width[] = {0, 0, 13, 14, 17, 8, 2, 0};
    return width[part];
}

static bool
read_time(
    unsigned part, struct span s, size_t at, const struct text_at *ctx, int64_t *dt)
{
    ts_ms t;
    uint64_t v;
    if (part == PART_T13) {
        if (!digits_at(s, at, 13, &v))
            return false;
        *dt = (int64_t)v - ctx->pass;
        return true;
    }
    if (!civil_digits(s, at, part == PART_T17, ctx->zone, &t))
        return false;
    *dt = part == PART_T14 ? floor_div(t, 1000) - floor_div(ctx->pass, 1000)
                           : t - ctx->pass;
    return true;
}

/* Does s read as the template? Then its numbers are in *v. */
static bool
match(struct span tpl, struct span s, const struct text_at *at, struct text_val *v)
{
    ts_ms ref = at->ref;
    size_t k = 0;
    v->dt = 0;
    v->num = 0;
    for (size_t i = 0; i < tpl.n; i++) {
        unsigned part = (uint8_t)tpl.p[i];
        uint64_t got;
        if (part >= TEXT_CONTROLS) {
            size_t run = i;
            while (run < tpl.n && (uint8_t)tpl.p[run] >= TEXT_CONTROLS)
                run++;
            if (s.n - k < run - i || memcmp(s.p + k, tpl.p + i, run - i) != 0)
                return false;
            k += run - i;
            i = run - 1;
        } else if (part == PART_RECORD) {
            if (!at->record.n || !span_starts(span_skip(s, k), at->record))
                return false;
            k += at->record.n;
        } else if (part == PART_NUM) {
            unsigned width = (uint8_t)tpl.p[++i] - TEXT_CONTROLS;
            if (!digits_at(s, k, width, &v->num))
                return false;
            k += width;
        } else if (part <= PART_T17) {
            if (!read_time(part, s, k, at, &v->dt))
                return false;
            ref = time_of(part, v->dt, at->pass);
            k += width_of(part);
        } else {
            uint64_t want =
                part == PART_D8 ? date_of(ref, at->zone) : hour_of(ref, at->zone);
            if (!digits_at(s, k, width_of(part), &got) || got != want)
                return false;
            k += width_of(part);
        }
    }
    return k == s.n;
}

/* ---- cutting a text that no hint fits ---- */

struct cut {
    uint8_t tpl[TEXT_TEMPLATE_MAX];
    size_t n;
    ts_ms ref;
    bool time, record, date;
};

static void
cut_put(struct cut *c, const void *p, size_t n)
{
    memcpy(c->tpl + c->n, p, n);
    c->n += n;
}

/* A time near the pass somewhere in the digits s[from..to): its place and kind. */
static unsigned
find_time(
    struct span s, size_t from, size_t to, const struct text_at *at, size_t *where,
    ts_ms *t)
{
    /* GA/T 1400 ids (41 and 48 digits) state seconds and go on with a sequence number,
     * which would read as milliseconds. */
    static const uint8_t by_length[2][3] = {
        {PART_T17, PART_T14, PART_T13}, {PART_T14, PART_T17, PART_T13}};
    const uint8_t *kinds = by_length[to - from >= 41];
    for (unsigned k = 0; k < 3; k++)
        for (size_t i = from; i + width_of(kinds[k]) <= to; i++) {
            int64_t dt;
            if (!read_time(kinds[k], s, i, at, &dt))
                continue;
            *t = time_of(kinds[k], dt, at->pass);
            if (*t - at->pass > DAY_MS || at->pass - *t > DAY_MS)
                continue;
            *where = i;
            return kinds[k];
        }
    return 0;
}

/* One run of digits s[from..to): a time, a date, an hour, else as it is. */
static void
cut_digits(
    struct cut *c, struct span s, size_t from, size_t to, const struct text_at *at)
{
    size_t where;
    ts_ms t;
    uint64_t v;
    unsigned kind =
        c->time || to - from < 13 ? 0 : find_time(s, from, to, at, &where, &t);
    if (kind) {
        cut_put(c, s.p + from, where - from);
        c->tpl[c->n++] = (uint8_t)kind;
        from = where + width_of(kind);
        c->time = true;
        c->ref = t;
    } else if (
        to - from == 8 && digits_at(s, from, 8, &v) && v == date_of(c->ref, at->zone)) {
        c->tpl[c->n++] = PART_D8;
        c->date = true;
        return;
    } else if (
        to - from == 2 && c->date && digits_at(s, from, 2, &v) &&
        v == hour_of(c->ref, at->zone)) {
        c->tpl[c->n++] = PART_H2;
        return;
    }
    cut_put(c, s.p + from, to - from);
}

/* Turns the last run of literal digits behind the time (or record) into a number. */
static void
cut_number(struct cut *c)
{
    size_t first = 0;
    for (size_t i = 0; i < c->n; i++)
        if (c->tpl[i] < TEXT_CONTROLS && c->tpl[i] <= PART_T17)
            first = i + 1;
    size_t end = c->n;
    while (end > first && !is_digit((char)c->tpl[end - 1]))
        end--;
    size_t from = end;
    while (from > first && end - from < NUM_MAX && is_digit((char)c->tpl[from - 1]))
        from--;
    if (from == end)
        return;
    uint8_t num[2] = {PART_NUM, (uint8_t)(TEXT_CONTROLS + (end - from))};
    memmove(c->tpl + from + 2, c->tpl + end, c->n - end);
    memcpy(c->tpl + from, num, 2);
    c->n = from + 2 + (c->n - end);
}

static void
cut_text(struct cut *c, struct span s, const struct text_at *at)
{
    c->n = 0;
    c->ref = at->ref;
    c->time = c->record = c->date = false;
    for (size_t i = 0; i < s.n;) {
        if (!c->record && at->record.n >= 4 &&
            span_starts(span_skip(s, i), at->record)) {
            c->tpl[c->n++] = PART_RECORD;
            c->record = c->time = true;
            i += at->record.n;
        } else if (is_digit(s.p[i])) {
            size_t end = i;
            while (end < s.n && is_digit(s.p[end]))
                end++;
            /* the record id may begin inside this run: cut in front of it */
            for (size_t k = i + 1; k < end && !c->record && at->record.n >= 4; k++)
                if (span_starts(span_skip(s, k), at->record))
                    end = k;
            cut_digits(c, s, i, end, at);
            i = end;
        } else {
            c->tpl[c->n++] = (uint8_t)s.p[i++];
        }
    }
    cut_number(c);
}

static bool
has_controls(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((uint8_t)s.p[i] < TEXT_CONTROLS)
            return true;
    return false;
}

struct text_val
text_split(struct text_dict *d, uint32_t hint, struct span s, const struct text_at *at)
{
    struct text_val v = {TEXT_NONE, 0, 0};
    if (!s.n)
        return v;
    if (hint >= TEXT_FIRST && hint - TEXT_FIRST < d->n &&
        match(d->tpl[hint - TEXT_FIRST], s, at, &v)) {
        v.tpl = hint;
        return v;
    }
    struct cut c;
    v = (struct text_val){TEXT_LITERAL, 0, 0};
    if (s.n > TEXT_MAX || has_controls(s))
        return v;
    cut_text(&c, s, at);
    struct span tpl = span_of(c.tpl, c.n);
    struct text_val got;
    if (!match(tpl, s, at, &got))
        return v;
    got.tpl = text_dict_add(d, tpl);
    return got.tpl == TEXT_LITERAL ? v : got;
}

/* ---- forms ---- */

static uint8_t *
pieces_of(struct text_form *f, size_t n)
{
    if (n <= FORM_NEAR)
        return f->near;
    f->far = malloc(n);
    f->is_far = f->far;
    return f->far;
}

/* Writes the pieces of a template to `to` (NULL: only counts them) and sums them up in
 * *f; bytes, 0 when it is malformed. */
static size_t
form_pieces(struct text_form *f, struct span tpl, uint8_t *to)
{
    size_t n = 0, fixed = 0;
    for (size_t i = 0, len; i < tpl.n; i += len) {
        uint8_t part = (uint8_t)tpl.p[i], head[2] = {part, 0};
        size_t head_n = 1, body = 0;
        len = 1;
        if (part >= TEXT_CONTROLS) {
            while (i + len < tpl.n && len < PIECE_MOST &&
                   (uint8_t)tpl.p[i + len] >= TEXT_CONTROLS)
                len++;
            head[0] = PIECE_TEXT;
            head[1] = (uint8_t)len;
            head_n = 2;
            body = len;
            fixed += len;
        } else if (part == PART_NUM) {
            unsigned width = i + 1 < tpl.n ? (uint8_t)tpl.p[i + 1] - TEXT_CONTROLS : 99;
            if (width > NUM_MAX)
                return 0;
            head[1] = (uint8_t)width;
            head_n = len = 2;
            fixed += width;
        } else if (part == PART_RECORD) {
            f->records++;
        } else if (part && part < PART_NUM) {
            if (part <= PART_T17 && !f->time)
                f->time = part;
            fixed += width_of(part);
        } else {
            return 0;
        }
        if (to) {
            memcpy(to + n, head, head_n);
            memcpy(to + n + head_n, tpl.p + i, body);
        }
        n += head_n + body;
    }
    if (to)
        to[n] = PIECE_END;
    f->fixed = (uint16_t)fixed; /* TEXT_TEMPLATE_MAX * 18 at most */
    return n + 1;
}

/* False without memory; a malformed template is none of text_form()'s. */
static bool
form_make(struct text_form *f, struct span tpl)
{
    struct text_form sums = {0};
    size_t n = form_pieces(&sums, tpl, NULL);
    *f = (struct text_form){0};
    if (!n)
        return true;
    uint8_t *to = pieces_of(f, n);
    if (!to)
        return false;
    (void)form_pieces(f, tpl, to);
    return f->sound = true;
}

bool
text_dict_decode(struct text_dict *d, struct span bytes)
{
    struct cur c = cur_of(bytes.p, bytes.n);
    uint64_t n = cur_varint(&c);
    for (uint64_t i = 0; i < n && !c.bad; i++) {
        struct span tpl = cur_span(&c);
        if (c.bad || tpl.n > TEXT_TEMPLATE_MAX)
            return false;
        if (text_dict_add(d, tpl) != i + TEXT_FIRST)
            return false;
    }
    if (c.bad || cur_left(&c))
        return false;
    struct text_form *forms = aligned_alloc(64, (d->n + 1) * sizeof *forms);
    if (!forms)
        return false;
    memset(forms, 0, (d->n + 1) * sizeof *forms);
    d->forms = forms;
    free(d->slots); /* only for adding */
    d->slots = NULL;
    d->slots_room = 0;
    for (uint32_t i = 0; i < d->n; i++)
        if (!form_make(&forms[i], d->tpl[i]))
            return false;
    return true;
}

/* ---- back ---- */

ts_ms
text_time(const struct text_dict *d, const struct text_val *v, ts_ms pass)
{
    if (v->tpl < TEXT_FIRST || v->tpl - TEXT_FIRST >= d->n)
        return pass;
    if (d->forms) {
        const struct text_form *f = &d->forms[v->tpl - TEXT_FIRST];
        return f->time ? time_of(f->time, v->dt, pass) : pass;
    }
    struct span tpl = d->tpl[v->tpl - TEXT_FIRST];
    for (size_t i = 0; i < tpl.n; i++) {
        unsigned part = (uint8_t)tpl.p[i];
        if (part == PART_NUM)
            i++;
        else if (part >= PART_T13 && part <= PART_T17)
            return time_of(part, v->dt, pass);
    }
    return pass;
}

/* Short texts, whose lengths nobody knows before. */
static inline void
put_bytes(char *dst, const void *from, size_t n)
{
    const char *p = from;
    for (; n >= 16; n -= 16, dst += 16, p += 16)
        memcpy(dst, p, 16);
    if (n & 8) {
        memcpy(dst, p, 8);
        dst += 8;
        p += 8;
    }
    for (size_t i = 0; i < (n & 7); i++)
        dst[i] = p[i];
}

static void
put_part(char *dst, unsigned part, int64_t dt, const struct text_at *at, ts_ms *ref)
{
    if (part == PART_D8) {
        digits_put(dst, date_of(*ref, at->zone), 8);
    } else if (part == PART_H2) {
        digits_put(dst, hour_of(*ref, at->zone), 2);
    } else {
        *ref = time_of(part, dt, at->pass);
        if (part == PART_T13)
            digits_put(dst, (uint64_t)*ref, 13);
        else
            civil_put(dst, *ref, at->zone, part == PART_T17);
    }
}

void
text_put(
    char *dst, const struct text_form *f, const struct text_val *v,
    const struct text_at *at)
{
    const uint8_t *p = f->is_far ? f->far : f->near;
    ts_ms ref = at->ref;
    for (unsigned part; (part = *p++) != PIECE_END;) {
        size_t n;
        if (part == PIECE_TEXT) {
            n = *p++;
            put_bytes(dst, p, n);
            p += n;
        } else if (part == PART_RECORD) {
            n = at->record.n;
            put_bytes(dst, at->record.p, n);
        } else if (part == PART_NUM) {
            n = *p++;
            digits_put(dst, v->num, (unsigned)n);
        } else {
            n = width_of(part);
            put_part(dst, part, v->dt, at, &ref);
        }
        dst += n;
    }
}

bool
text_join(
    const struct text_dict *d, const struct text_val *v, const struct text_at *at,
    struct buf *out)
{
    if (v->tpl == TEXT_NONE)
        return true;
    if (v->tpl < TEXT_FIRST || v->tpl - TEXT_FIRST >= d->n)
        return false;
    struct text_form made, *f = d->forms ? &d->forms[v->tpl - TEXT_FIRST] : &made;
    if (f == &made && !form_make(&made, d->tpl[v->tpl - TEXT_FIRST]))
        return false;
    uint8_t *to = f->sound ? buf_room(out, text_size(f, at->record.n)) : NULL;
    if (to) {
        text_put((char *)to, f, v, at);
        out->n += text_size(f, at->record.n);
    }
    if (f == &made && made.is_far)
        free(made.far);
    return to;
}
