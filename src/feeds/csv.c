/* SPDX-License-Identifier: Apache-2.0 */
/* The window is a stretch of UTF-8 text. While it holds no quote, one pass with 16-byte
 * compares writes down where every separator is, and records are cut from that list: no
 * byte is looked at twice. From the first quote on a record goes the slow way,
 * character by character, unquoting in place.
 *
 * GB18030 is converted while the window is filled: its second bytes never are line
 * feed, comma or quote, so cutting before converting is safe at line feeds. */
#include "feeds/_csv.h"

#include "core/text.h"
#include "feeds/json_dom.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define WINDOW (1u << 20) /* bytes asked of the source at a time */
#define SCAN_PAD                                                                       \
    DOM_PAD /* readable bytes behind the window: also for lines of JSON                \
             */

/* ---- filling the window ---- */

static enum err
read_some(struct csv *c, char *dst, size_t cap, size_t *n, struct note *note)
{
    enum err e = c->conf.source(c->conf.ctx, dst, cap, n, note);
    if (e == OK && *n == 0)
        c->at_end = true;
    if (e == OK)
        c->bytes += *n;
    return e;
}

/* First byte beyond ASCII, or n. */
static size_t
ascii_run(const char *p, size_t n)
{
    size_t i = 0;
#if defined(__SSE2__)
    for (; i + 16 <= n; i += 16)
        if (_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p + i))))
            break;
#endif
    while (i < n && !((unsigned char)p[i] & 0x80))
        i++;
    return i;
}

/* Decides the coding once a stretch with bytes beyond ASCII has come. A character cut
 * off at the end of the stretch is no evidence against UTF-8. */
static void
decide(struct csv *c, struct span text)
{
    size_t from = ascii_run(text.p, text.n);
    if (from == text.n)
        return;
    struct span rest = span_skip(text, from);
    bool any = false;
    while (rest.n) {
        size_t step = utf8_step(rest);
        if (step == 0)
            break;
        any |= step > 1;
        rest = span_skip(rest, step);
    }
    bool cut_off = rest.n > 0 && rest.n < 4 && !c->at_end;
    if (cut_off && !any)
        return;
    c->code = rest.n == 0 || cut_off ? CSV_UTF8 : CSV_GB18030;
}

/* Moves what is left to the head of the window. */
static void
compact(struct csv *c)
{
    size_t left = c->end - c->at;
    if (c->at)
        memmove(c->text, c->text + c->at, left);
    c->window_from += c->at;
    c->at = 0;
    c->end = left;
    c->cuts_n = c->cut = 0;
    c->scanned = 0;
    c->odd_ahead = false;
}

static bool
make_room(struct csv *c, size_t more)
{
    if (c->room - c->end >= more + SCAN_PAD)
        return true;
    size_t room = c->end + more + SCAN_PAD;
    char *text = realloc(c->text, room);
    uint32_t *cuts = text ? realloc(c->cuts, room * sizeof *cuts) : NULL;
    if (text)
        c->text = text;
    if (cuts)
        c->cuts = cuts;
    if (!text || !cuts)
        return false;
    c->room = room;
    return true;
}

/* A line with stray bytes: kept, with its bytes beyond ASCII marked. */
static void
mark_line(struct buf *out, struct span line)
{
    for (size_t i = 0; i < line.n; i++)
        buf_u8(out, (unsigned char)line.p[i] & 0x80 ? '?' : (uint8_t)line.p[i]);
}

/* Whole lines at once; when that fails, each by itself, so that a bad line harms no
 * other. */
static void
decode_lines(struct csv *c, struct span raw)
{
    struct note note;
    buf_clear(&c->decoded);
    if (gb18030_decode(raw, &c->decoded, &note) == OK)
        return;
    buf_clear(&c->decoded);
    while (raw.n) {
        const char *feed = memchr(raw.p, '\n', raw.n);
        struct span line = {raw.p, feed ? (size_t)(feed - raw.p) + 1 : raw.n};
        size_t before = c->decoded.n;
        if (gb18030_decode(line, &c->decoded, &note) != OK) {
            c->decoded.n = before;
            mark_line(&c->decoded, line);
        }
        raw = span_skip(raw, line.n);
    }
}

/* GB18030 bytes up to the last line feed become text. */
static enum err
decode_raw(struct csv *c)
{
    size_t n = c->raw_n;
    if (!c->at_end) {
        const char *last = memrchr(c->raw, '\n', c->raw_n);
        n = last ? (size_t)(last - c->raw) + 1 : 0;
    }
    if (n == 0 && c->raw_n < CSV_RECORD)
        return OK;
    if (n == 0 || c->raw_n - n > CSV_RECORD)
        n = c->raw_n;
    decode_lines(c, span_of(c->raw, n));
    if (c->decoded.bad || !make_room(c, c->decoded.n))
        return ERR_NOMEM;
    memcpy(c->text + c->end, c->decoded.p, c->decoded.n);
    c->end += c->decoded.n;
    memmove(c->raw, c->raw + n, c->raw_n - n);
    c->raw_n -= n;
    return OK;
}

/* The whole window is GB18030 then: what was taken from it before was ASCII. */
static enum err
switch_to_gb(struct csv *c)
{
    c->raw = malloc(CSV_RECORD + 2 * c->window);
    if (!c->raw)
        return ERR_NOMEM;
    c->raw_n = c->end;
    if (c->raw_n)
        memcpy(c->raw, c->text, c->raw_n);
    c->end = 0;
    return decode_raw(c);
}

static enum err
fill_gb(struct csv *c, struct note *note)
{
    size_t n;
    enum err e = read_some(c, c->raw + c->raw_n, c->window, &n, note);
    if (e != OK)
        return e;
    c->raw_n += n;
    return decode_raw(c);
}

/* Reads more text behind the window's end; the window may move. */
enum err
csv_fill(struct csv *c, struct note *note)
{
    compact(c);
    if (c->code == CSV_GB18030)
        return fill_gb(c, note);
    if (!make_room(c, c->window))
        return ERR_NOMEM;
    size_t n;
    enum err e = read_some(c, c->text + c->end, c->window, &n, note);
    if (e != OK)
        return e;
    c->end += n;
    if (c->code == CSV_AUTO)
        decide(c, span_of(c->text, c->end));
    return c->code == CSV_GB18030 ? switch_to_gb(c) : OK;
}

/* ---- separators ---- */

/* Writes down separators from c->scanned on, up to the first quote or NUL. */
static void
scan(struct csv *c)
{
    size_t i = c->scanned, n = c->cuts_n;
    uint32_t *cuts = c->cuts;
    c->odd_ahead = false;
#if defined(__SSE2__)
    const __m128i comma = _mm_set1_epi8(c->comma), feed = _mm_set1_epi8('\n'),
                  quote = _mm_set1_epi8('"'), nul = _mm_setzero_si128();
    for (; i + 16 <= c->end; i += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(c->text + i));
        __m128i odd = _mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, nul));
        if (_mm_movemask_epi8(odd))
            break;
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(x, comma), _mm_cmpeq_epi8(x, feed));
        unsigned bits = (unsigned)_mm_movemask_epi8(hit);
        while (bits) {
            cuts[n++] = (uint32_t)(i + (unsigned)__builtin_ctz(bits));
            bits &= bits - 1;
        }
    }
#endif
    for (; i < c->end && c->text[i] != '"' && c->text[i]; i++)
        if (c->text[i] == c->comma || c->text[i] == '\n')
            cuts[n++] = (uint32_t)i;
    c->odd_ahead = i < c->end;
    c->scanned = i;
    c->cuts_n = n;
}

static struct span
field_of(const char *text, size_t from, size_t to)
{
    return span_of(text + from, to - from);
}

static struct span
without_cr(struct span s)
{
    if (s.n && s.p[s.n - 1] == '\r')
        s.n--;
    return s;
}

/* Cuts a record from the list; false when its end is not in the list. */
static bool
cut_record(struct csv *c, struct csv_record *out)
{
    size_t from = c->at, n = 0, k = c->cut;
    const char *text = c->text;
    for (; k < c->cuts_n; k++) {
        size_t to = c->cuts[k];
        if (n < CSV_FIELDS)
            c->fields[n++] = field_of(text, from, to);
        from = to + 1;
        if (text[to] != '\n')
            continue;
        c->fields[n - 1] = without_cr(c->fields[n - 1]);
        c->cut = k + 1;
        c->at = from;
        *out = (struct csv_record){c->fields, n, c->line++, c->window_from + from, 0};
        return true;
    }
    return false;
}

/* ---- quotes ---- */

/* One field at text[*at]; unquoted in place. *at moves to its separator (or c->end).
 * False: its quote does not end in the window. */
static bool
slow_field(struct csv *c, size_t *at, size_t limit, struct span *out, uint64_t *feeds)
{
    char *t = c->text;
    size_t i = *at, to = i;
    if (i >= limit || t[i] != '"') {
        while (i < limit && t[i] != c->comma && t[i] != '\n')
            i++;
        *out = field_of(t, *at, i);
        *at = i;
        return true;
    }
    for (i++; i < limit; i++) {
        if (t[i] == '"' && i + 1 < limit && t[i + 1] == '"')
            i++;
        else if (t[i] == '"')
            break;
        *feeds += t[i] == '\n';
        t[to++] = t[i];
    }
    if (i >= limit)
        return false;
    for (i++; i < limit && t[i] != c->comma && t[i] != '\n'; i++)
        if (t[i] != '\r') /* text behind a closing quote is kept */
            t[to++] = t[i];
    *out = field_of(t, *at, to);
    *at = i;
    return true;
}

/* Does the record at c->at end inside the window, counting quotes? *end is behind its
 * line feed. */
static bool
quoted_end(const struct csv *c, size_t *end)
{
    bool inside = false, field_start = true;
    size_t limit = c->end - c->at > CSV_RECORD ? c->at + CSV_RECORD : c->end;
    for (size_t i = c->at; i < limit; i++) {
        char x = c->text[i];
        if (inside) {
            if (x == '"' && i + 1 < c->end && c->text[i + 1] == '"')
                i++;
            else if (x == '"')
                inside = false;
            continue;
        }
        if (x == '"' && field_start)
            inside = true;
        else if (x == '\n') {
            *end = i + 1;
            return true;
        }
        field_start = x == c->comma;
    }
    return false;
}

/* A line as it stands, quotes and all: for records whose quote never ends. */
static void
plain_line(struct csv *c, size_t end, struct csv_record *out)
{
    size_t from = c->at, n = 0;
    for (size_t i = c->at; i <= end; i++) {
        if (i < end && c->text[i] != c->comma && c->text[i] != '\n')
            continue;
        if (n < CSV_FIELDS)
            c->fields[n++] = field_of(c->text, from, i);
        from = i + 1;
        if (i < end && c->text[i] == '\n')
            break;
    }
    c->fields[n - 1] = without_cr(c->fields[n - 1]);
    *out = (struct csv_record){c->fields, n, c->line++, 0, 0};
}

void
csv_go_on_at(struct csv *c, size_t at)
{
    c->at = at < c->end ? at : c->end;
    c->scanned = c->at;
    c->cuts_n = c->cut = 0;
    c->odd_ahead = false;
}

/* The record at c->at, which ends at `end` (behind its line feed or at the end of the
 * text). */
static void
slow_record(struct csv *c, size_t end, struct csv_record *out)
{
    size_t at = c->at, n = 0;
    uint64_t feeds = 0;
    struct span field;
    for (;;) {
        if (!slow_field(c, &at, end, &field, &feeds))
            field = field_of(c->text, at, end), at = end;
        bool last = at >= end || c->text[at] == '\n';
        if (n < CSV_FIELDS)
            c->fields[n++] = last ? without_cr(field) : field;
        if (last)
            break;
        at++;
    }
    *out = (struct csv_record){c->fields, n, c->line, 0, 0};
    c->line += feeds + 1;
}

/* The end of the line at c->at, or of the text. */
size_t
csv_line_end(const struct csv *c)
{
    const char *feed =
        c->at < c->end ? memchr(c->text + c->at, '\n', c->end - c->at) : NULL;
    return feed ? (size_t)(feed - c->text) + 1 : c->end;
}

/* A record that the list could not give. ERR_BUSY: more text is needed. */
static enum err
odd_record(struct csv *c, struct csv_record *out)
{
    size_t end, left = c->end - c->at;
    const char *quote =
        memchr(c->text + c->at, '"', left < CSV_RECORD ? left : CSV_RECORD);
    bool whole = quoted_end(c, &end);
    if (!whole && !c->at_end && left < CSV_RECORD)
        return ERR_BUSY;
    if (!whole && c->at_end && (!quote || left < CSV_RECORD)) {
        bool open = false; /* the last line has no line feed: is a quote open in it? */
        for (size_t i = c->at; i < c->end; i++)
            open ^= c->text[i] == '"';
        whole = !open;
        end = c->end;
    }
    bool nul = memchr(c->text + c->at, 0, (whole ? end : csv_line_end(c)) - c->at);
    if (whole) {
        slow_record(c, end, out);
    } else {
        end = csv_line_end(c);
        if (end - c->at > CSV_RECORD) {
            end = c->at + CSV_RECORD;
            c->skipping = true;
        }
        plain_line(c, end, out);
    }
    if (nul) {
        out->fault = FAULT_NUL_BYTE + 1;
        out->n = 0;
    }
    csv_go_on_at(c, end);
    out->offset = c->window_from + c->at;
    return OK;
}

/* Drops what is left of a line that was too long; false: more text is needed. */
bool
csv_skip_line(struct csv *c)
{
    size_t end = csv_line_end(c);
    bool found = end > c->at && c->text[end - 1] == '\n';
    csv_go_on_at(c, end);
    c->skipping = !found;
    return found;
}

static bool
is_blank(const struct csv_record *r)
{
    return r->n == 1 && span_trim(r->fields[0]).n == 0;
}

static enum err
any_record(struct csv *c, struct csv_record *out, struct note *note)
{
    for (;;) {
        if (!c->skipping && cut_record(c, out))
            return OK;
        if (c->skipping && csv_skip_line(c))
            continue;
        if (c->scanned < c->end && !c->odd_ahead) {
            scan(c);
            continue;
        }
        if (c->at == c->end && c->at_end)
            return ERR_NOTFOUND;
        if (c->odd_ahead || c->at_end || c->end - c->at >= CSV_RECORD) {
            enum err e = odd_record(c, out);
            if (e != ERR_BUSY)
                return e;
        }
        enum err e = csv_fill(c, note);
        if (e != OK)
            return e;
    }
}

enum err
csv_next(struct csv *c, struct csv_record *out, struct note *note)
{
    enum err e;
    if (c->json)
        return csv_json_next(c, out, note);
    do
        e = any_record(c, out, note);
    while (e == OK && is_blank(out));
    return e;
}

/* ---- the head ---- */

/* Our name of one of theirs by "theirs=ours,...". */
static struct span
mapped(const char *map, struct span theirs)
{
    struct span rest = span_cstr(map ? map : "");
    while (rest.n) {
        struct span pair = span_cut(&rest, ',');
        struct span name = span_trim(span_cut(&pair, '='));
        if (name.n == theirs.n && strncasecmp(name.p, theirs.p, name.n) == 0)
            return span_trim(pair);
    }
    return theirs;
}

static enum err
take_names(struct csv *c, const struct span *fields, size_t n)
{
    size_t at[CSV_FIELDS];
    c->width = n < CSV_FIELDS ? n : CSV_FIELDS;
    for (size_t i = 0; i < c->width; i++) {
        struct span ours = mapped(c->conf.map, span_trim(fields[i]));
        at[i] = c->names.n;
        c->name[i].n = ours.n;
        buf_put(&c->names, ours.p, ours.n);
    }
    if (c->names.bad)
        return ERR_NOMEM;
    for (size_t i = 0; i < c->width; i++)
        c->name[i].p = (const char *)c->names.p + at[i];
    return OK;
}

/* What was read so far behind the mark and blank lines. */
static struct span
begin_of(struct csv *c)
{
    struct span all = span_of(c->text, c->end);
    size_t mark = span_starts(all, SPAN("\xEF\xBB\xBF")) ? 3 : 0;
    return span_trim(span_skip(all, mark));
}

/* Semicolon and tab are found when the head has them and no comma. */
static void
find_comma(struct csv *c)
{
    struct span rest = begin_of(c), head = {NULL, 0};
    if (rest.n) { /* what ends the line belongs to it: a tab may */
        rest.n = (size_t)(c->text + c->end - rest.p);
        head = span_cut(&rest, '\n');
    }
    if (c->conf.comma) {
        c->comma = c->conf.comma;
        return;
    }
    c->comma = ',';
    if (!head.n || memchr(head.p, ',', head.n))
        return;
    if (memchr(head.p, '\t', head.n))
        c->comma = '\t';
    else if (memchr(head.p, ';', head.n))
        c->comma = ';';
}

static enum err
names_from_option(struct csv *c)
{
    struct span fields[CSV_FIELDS], rest = span_cstr(c->conf.header);
    size_t n = 0;
    while (rest.n && n < CSV_FIELDS)
        fields[n++] = span_cut(&rest, ',');
    return take_names(c, fields, n);
}

/* The first line that holds something, or as much as a line may have. */
static enum err
fill_head(struct csv *c, struct note *note)
{
    for (;;) {
        enum err e = csv_fill(c, note);
        if (e != OK || c->at_end || c->end >= CSV_RECORD)
            return e;
        struct span rest = begin_of(c);
        if (rest.n && memchr(rest.p, '\n', (size_t)(c->text + c->end - rest.p)))
            return OK;
    }
}

static enum err
read_head(struct csv *c, struct note *note)
{
    struct csv_record head;
    enum err e = fill_head(c, note);
    if (e != OK)
        return e;
    if (span_starts(span_of(c->text, c->end), SPAN("\xEF\xBB\xBF"))) {
        c->at = c->scanned = 3;
        c->code = CSV_UTF8;
    }
    if (span_starts(begin_of(c), SPAN("{"))) {
        c->json = csv_json_new();
        return c->json ? OK : ERR_NOMEM;
    }
    find_comma(c);
    if (c->conf.header)
        return names_from_option(c);
    e = csv_next(c, &head, note);
    if (e == ERR_NOTFOUND)
        return note_set(note, ERR_INPUT, "file", "the file is empty", "文件为空");
    if (e == OK && head.fault)
        return note_fmt(
            note, ERR_INPUT, "file",
            "the head (line %llu) holds a NUL byte: is the file damaged, or UTF-16? "
            "Save it as UTF-8",
            "表头（第 %llu 行）含有 NUL 字节：文件可能损坏或为 UTF-16 编码，请另存为 "
            "UTF-8",
            (unsigned long long)head.line);
    return e == OK ? take_names(c, head.fields, head.n) : e;
}

enum err
csv_new(const struct csv_conf *conf, struct csv **out, struct note *note)
{
    struct csv *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    c->conf = *conf;
    c->window = conf->window ? conf->window : WINDOW;
    c->code = conf->code;
    c->line = 1;
    enum err e = make_room(c, c->window) ? OK : ERR_NOMEM;
    if (e == OK && c->code == CSV_GB18030)
        e = switch_to_gb(c);
    if (e == OK)
        e = read_head(c, note);
    if (e == OK)
        *out = c;
    else
        csv_free(c);
    return e;
}

void
csv_free(struct csv *c)
{
    if (!c)
        return;
    free(c->text);
    free(c->raw);
    free(c->cuts);
    csv_json_free(c->json);
    buf_release(&c->decoded);
    buf_release(&c->names);
    free(c);
}

size_t
csv_width(const struct csv *c)
{
    return c->width;
}

struct span
csv_name(const struct csv *c, size_t column)
{
    return column < c->width ? c->name[column] : (struct span){NULL, 0};
}

uint64_t
csv_bytes(const struct csv *c)
{
    return c->bytes;
}

enum csv_code
csv_coding(const struct csv *c)
{
    return c->code;
}

enum err
csv_skip_to(struct csv *c, uint64_t offset, uint64_t line, struct note *note)
{
    while (c->window_from + c->end < offset) {
        if (c->at_end)
            return note_set(
                note, ERR_INPUT, "file",
                "the file is shorter than where the import stopped",
                "文件比上次导入停止的位置短");
        c->at = c->end;
        enum err e = csv_fill(c, note);
        if (e != OK)
            return e;
    }
    if (offset > c->window_from + c->at)
        csv_go_on_at(c, (size_t)(offset - c->window_from));
    c->line = line;
    return OK;
}

enum err
csv_from_file(void *file, char *dst, size_t cap, size_t *n, struct note *note)
{
    *n = fread(dst, 1, cap, file);
    if (*n == 0 && ferror(file))
        return note_set(
            note, ERR_IO, "file", "the file cannot be read", "文件无法读取");
    return OK;
}

static int
column_of(const struct csv *c, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < c->width; i++)
        if (c->name[i].n == n && strncasecmp(c->name[i].p, name, n) == 0)
            return (int)i;
    return -1;
}

/* "a, b, c" of the head, cut to fit. */
static void
list_names(const struct csv *c, char *dst, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < c->width; i++) {
        struct span s = c->name[i];
        if (n + s.n + 3 > cap)
            break;
        if (i)
            n += (size_t)snprintf(dst + n, cap - n, ", ");
        memcpy(dst + n, s.p, s.n);
        n += s.n;
    }
    dst[n] = 0;
}

enum err
csv_columns(
    struct csv *c, const char *const *names, const char *const *required, int *column,
    struct note *note)
{
    if (c->json) { /* what a line lacks is seen when it is read */
        for (int i = 0; names[i]; i++)
            column[i] = i;
        return csv_json_columns(c, names, note);
    }
    for (size_t i = 0; names[i]; i++)
        column[i] = column_of(c, names[i]);
    for (size_t i = 0; required && required[i]; i++) {
        if (column_of(c, required[i]) >= 0)
            continue;
        char have[128];
        list_names(c, have, sizeof have);
        return note_fmt(
            note, ERR_INPUT, required[i],
            "there is no column %1$s (there are: %2$s): name it with --map "
            "THEIRS=%1$s, or "
            "give --header when the file has no head line",
            "没有 %1$s 列（现有：%2$s）：请用 --map 对方列名=%1$s 指定；文件无表头时用 "
            "--header",
            required[i], have);
    }
    return OK;
}

/* ---- sightings ---- */

/* A line of JSON that is none, or with a NUL in it. */
static void
reject_line(struct csv_passes *p)
{
    struct csv_reject x = {
        .line = p->held.line,
        .fault = (enum feed_fault)(p->held.fault - 1),
        .column = "line"};
    feed_fault(&p->faults, x.fault, x.column, x.text);
    p->rejected++;
    if (p->reject)
        p->reject(p->reject_ctx, &x);
}

static void
reject(struct csv_passes *p, const struct csv_record *r, const struct pass_refusal *why)
{
    struct csv_reject x = {
        .line = r->line,
        .fault = why->fault,
        .column = pass_names[why->key],
        .text = csv_field(r, p->column[why->key]),
        .taken = why->cut,
    };
    p->rejected += !x.taken;
    if (p->reject)
        p->reject(p->reject_ctx, &x);
}

enum err
csv_passes_fill(struct csv_passes *p, struct sighting_batch *b, struct note *note)
{
    struct span fields[PASS_KEYS];
    struct pass_refusal why;
    bool any = false;
    while (b->n < b->room) {
        enum err e = OK;
        if (!p->has_held)
            e = csv_next(p->csv, &p->held, note);
        if (e == ERR_NOTFOUND)
            return any ? OK : e;
        if (e != OK)
            return e;
        p->has_held = false;
        any = true;
        if (p->held.fault) {
            p->offset = p->held.offset;
            reject_line(p);
            continue;
        }
        for (size_t k = 0; k < PASS_KEYS; k++)
            fields[k] = csv_field(&p->held, p->column[k]);
        e = pass_read(p->reader, fields, &p->from, b, &p->faults, &why);
        if (e == ERR_TOOBIG && b->n > 0) { /* the next batch takes it */
            p->has_held = true;
            return OK;
        }
        if (e == ERR_TOOBIG)
            why = (struct pass_refusal){FAULT_TOO_BIG, PASS_IMAGE, false};
        p->offset = p->held.offset;
        if (e == OK && p->lines)
            p->lines[b->n - 1] = p->held.line;
        if (e == OK)
            p->rows++;
        if (e != OK || why.cut)
            reject(p, &p->held, &why);
    }
    return OK;
}
