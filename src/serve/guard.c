/* SPDX-License-Identifier: Apache-2.0 */
/* Two passes over a head: guard_head_end() finds the blank line as bytes come in and
 * stops at bytes that no head may hold; guard_head() then reads the lines. Every rule
 * refuses; none repairs. */
#include "serve/guard.h"

#include <strings.h>

#include "core/text.h"

#define CHUNK_DIGITS 7u /* 256 MB: more than any body cap */
#define CHUNK_EXT_MAX 256u
#define TRAILER_MAX 4096u

/* RFC 9110 section 5.6.2 token characters. */
static bool
is_token(unsigned char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return true;
    return c && strchr("!#$%&'*+-.^_`|~", c);
}

static bool
is_field_byte(unsigned char c)
{
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

size_t
guard_head_end(
    const char *p, size_t n, size_t *seen, enum refusal *why, const char **fault)
{
    for (size_t i = *seen; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c == '\n') {
            if (i == 0 || p[i - 1] != '\r') {
                *fault = "bare_lf";
                break;
            }
            if (i >= 3 && p[i - 2] == '\n')
                return i + 1;
            if (i == 1) {
                *fault = "empty_request_line";
                break;
            }
        } else if (i > 0 && p[i - 1] == '\r') {
            *fault = "bare_cr";
            break;
        } else if (c != '\r' && !is_field_byte(c)) {
            *fault = c ? "control_byte" : "nul_byte";
            break;
        }
        *seen = i + 1;
    }
    if (*fault)
        *why = REFUSE_BAD_REQUEST;
    return 0;
}

static const struct {
    const char *name;
    enum method method;
} methods[] = {
    {"GET", METHOD_GET},         {"POST", METHOD_POST},     {"HEAD", METHOD_HEAD},
    {"OPTIONS", METHOD_OPTIONS}, {"DELETE", METHOD_DELETE}, {"PUT", METHOD_PUT},
};

const char *
method_name(enum method m)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (methods[i].method == m)
            return methods[i].name;
    return "?";
}

static bool
is_token_span(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_token((unsigned char)s.p[i]))
            return false;
    return s.n > 0;
}

/* uri-host [":" port]: letters, digits, and what names, addresses and ports are written
 * with. */
static bool
is_host(struct span s)
{
    if (s.n == 0 || s.n > 255)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                    (c >= 'A' && c <= 'Z') || strchr(".-_:[]", c);
        if (!c || !fine)
            return false;
    }
    return true;
}

static bool
is_nocase(struct span s, const char *word)
{
    return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

/* "http://host/path" (RFC 9112 section 3.2.2): the authority must equal Host. */
static bool
cut_absolute(struct span *target, struct span *authority)
{
    size_t scheme = 0;
    if (target->n > 7 && strncasecmp(target->p, "http://", 7) == 0)
        scheme = 7;
    else if (target->n > 8 && strncasecmp(target->p, "https://", 8) == 0)
        scheme = 8;
    if (!scheme)
        return false;
    struct span rest = span_skip(*target, scheme);
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '/')
        n++;
    *authority = span_of(rest.p, n);
    *target = span_skip(rest, n);
    return target->n > 0;
}

static enum refusal
read_target(struct guard_head *out, struct span *authority, const char **fault)
{
    struct span *t = &out->target;
    for (size_t i = 0; i < t->n; i++) {
        unsigned char c = (unsigned char)t->p[i];
        if (c <= ' ' || c >= 0x7f || c == '#' || c == '"' || c == '<' || c == '>' ||
            c == '\\') {
            *fault = "target_byte";
            return REFUSE_BAD_REQUEST;
        }
    }
    if (t->n > GUARD_TARGET_MAX) {
        *fault = "target_long";
        return REFUSE_URI_TOO_LONG;
    }
    if (t->n && t->p[0] == '/')
        return REFUSE_NOTHING;
    if (span_eq_cstr(*t, "*") && out->method == METHOD_OPTIONS)
        return REFUSE_NOTHING;
    if (cut_absolute(t, authority))
        return REFUSE_NOTHING;
    *fault = "target_form";
    return REFUSE_BAD_REQUEST;
}

static enum refusal
read_request_line(
    struct span line, struct guard_head *out, struct span *authority,
    const char **fault)
{
    struct span method = span_cut(&line, ' ');
    out->target = span_cut(&line, ' ');
    if (!is_token_span(method) || out->target.n == 0) {
        *fault = "request_line";
        return REFUSE_BAD_REQUEST;
    }
    if (span_eq_cstr(line, "HTTP/1.0")) {
        out->http10 = true;
    } else if (!span_eq_cstr(line, "HTTP/1.1")) {
        bool other =
            line.n == 8 && span_starts(line, SPAN("HTTP/")) && line.p[6] == '.';
        *fault = "version";
        return other ? REFUSE_VERSION : REFUSE_BAD_REQUEST;
    }
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (span_eq_cstr(method, methods[i].name))
            out->method = methods[i].method;
    if (!out->method) {
        *fault = "method";
        return REFUSE_NOT_BUILT;
    }
    return read_target(out, authority, fault);
}

static enum refusal
read_header(struct span line, struct guard_head *out, const char **fault)
{
    if (line.p[0] == ' ' || line.p[0] == '\t') {
        *fault = "obs_fold";
        return REFUSE_BAD_REQUEST;
    }
    const char *colon = memchr(line.p, ':', line.n);
    struct span name = span_of(line.p, colon ? (size_t)(colon - line.p) : 0);
    if (!is_token_span(name)) {
        *fault = "header_name";
        return REFUSE_BAD_REQUEST;
    }
    if (out->headers_n == GUARD_HEADERS) {
        *fault = "headers_many";
        return REFUSE_HEAD_TOO_BIG;
    }
    struct span value = span_trim(span_skip(line, name.n + 1));
    out->headers[out->headers_n++] = (struct guard_header){name, value};
    return REFUSE_NOTHING;
}

static bool
read_length(struct span v, struct guard_head *out)
{
    if (out->length >= 0 || v.n == 0 || v.n > 15)
        return false;
    int64_t n = 0;
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] < '0' || v.p[i] > '9')
            return false;
        n = n * 10 + (v.p[i] - '0');
    }
    out->length = n;
    return true;
}

static void
read_connection(struct span v, struct guard_head *out)
{
    while (v.n) {
        struct span word = span_trim(span_cut(&v, ','));
        if (is_nocase(word, "close"))
            out->keep_alive = false;
        else if (is_nocase(word, "keep-alive") && out->http10)
            out->keep_alive = true;
    }
}

/* The headers that decide where the message ends and whom it is for. */
static const char *
read_framing(struct guard_head *out)
{
    bool coded = false;
    for (unsigned i = 0; i < out->headers_n; i++) {
        struct span name = out->headers[i].name, value = out->headers[i].value;
        if (is_nocase(name, "content-length")) {
            if (!read_length(value, out))
                return "content_length";
        } else if (is_nocase(name, "transfer-encoding")) {
            if (coded || !is_nocase(value, "chunked") || out->http10)
                return "transfer_encoding";
            coded = out->chunked = true;
        } else if (is_nocase(name, "host")) {
            if (out->host.p || !is_host(value))
                return "host";
            out->host = value;
        } else if (is_nocase(name, "connection")) {
            read_connection(value, out);
        } else if (is_nocase(name, "expect")) {
            if (!is_nocase(value, "100-continue"))
                return "expect";
            out->expect_continue = !out->http10;
        }
    }
    if (out->chunked && out->length >= 0)
        return "length_and_coding";
    if (!out->host.p && !out->http10)
        return "no_host";
    return NULL;
}

static struct span
cut_line(struct span *rest)
{
    const char *lf = memchr(rest->p, '\n', rest->n);
    size_t n = (size_t)(lf - rest->p);
    struct span line = span_of(rest->p, n - 1); /* guard_head_end() saw the CR */
    *rest = span_skip(*rest, n + 1);
    return line;
}

enum refusal
guard_head(struct span head, struct guard_head *out, const char **fault)
{
    memset(out, 0, offsetof(struct guard_head, headers));
    out->headers_n = 0;
    out->length = -1;
    out->chunked = out->expect_continue = false;
    struct span authority = {NULL, 0};
    struct span line = cut_line(&head);
    enum refusal why = read_request_line(line, out, &authority, fault);
    out->keep_alive = !out->http10;
    while (!why) {
        line = cut_line(&head);
        if (line.n == 0)
            break;
        why = read_header(line, out, fault);
    }
    if (why)
        return why;
    *fault = read_framing(out);
    if (!*fault && authority.p && !(out->host.p && span_eq(authority, out->host)))
        *fault = "authority";
    return *fault ? REFUSE_BAD_REQUEST : REFUSE_NOTHING;
}

static int
hex(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of the framing between data; returns the fault or NULL. */
static const char *
chunk_byte(struct guard_chunks *g, unsigned char c)
{
    switch (g->state) {
    case CHUNK_SIZE:
        if (hex(c) >= 0) {
            g->left = g->left * 16 + (unsigned)hex(c);
            return ++g->digits > CHUNK_DIGITS ? "chunk_size" : NULL;
        }
        if (g->digits == 0 || (c != ';' && c != '\r'))
            return "chunk_size";
        g->state = c == ';' ? CHUNK_EXT : CHUNK_SIZE_LF;
        return NULL;
    case CHUNK_EXT:
        if (c == '\r')
            g->state = CHUNK_SIZE_LF;
        else if (!is_field_byte(c) || ++g->ext > CHUNK_EXT_MAX)
            return "chunk_extension";
        return NULL;
    case CHUNK_SIZE_LF:
        if (c != '\n')
            return "chunk_line_end";
        g->last = g->left == 0;
        g->state = g->last ? CHUNK_TRAILER : CHUNK_DATA;
        g->digits = 0;
        g->column = 0;
        g->colon = false;
        return NULL;
    case CHUNK_DATA_CR:
        g->state = CHUNK_DATA_LF;
        return c == '\r' ? NULL : "chunk_end";
    case CHUNK_DATA_LF:
        g->state = CHUNK_SIZE;
        return c == '\n' ? NULL : "chunk_end";
    case CHUNK_TRAILER:
        if (++g->trailer > TRAILER_MAX)
            return "trailer_long";
        if (c == '\r') {
            if (g->column && !g->colon)
                return "trailer";
            g->state = g->column ? CHUNK_TRAILER_LF : CHUNK_END_LF;
            return NULL;
        }
        if (c == ':' && g->column)
            g->colon = true;
        else if (g->colon ? !is_field_byte(c) : !is_token(c))
            return "trailer";
        g->column++;
        return NULL;
    case CHUNK_TRAILER_LF:
        g->state = CHUNK_TRAILER;
        g->column = 0;
        g->colon = false;
        return c == '\n' ? NULL : "trailer";
    case CHUNK_END_LF:
        g->state = CHUNK_DONE;
        return c == '\n' ? NULL : "chunk_end";
    case CHUNK_DATA:
    case CHUNK_DONE:
        break;
    }
    must(false); /* data and end are not framing */
    return NULL;
}

size_t
guard_chunk(
    struct guard_chunks *g, struct span in, struct span *data, const char **fault)
{
    *data = span_of(in.p, 0);
    size_t i = 0;
    while (i < in.n && g->state != CHUNK_DONE) {
        if (g->state == CHUNK_DATA) {
            size_t n = in.n - i < g->left ? in.n - i : (size_t)g->left;
            *data = span_of(in.p + i, n);
            g->left -= n;
            if (g->left == 0)
                g->state = CHUNK_DATA_CR;
            return i + n;
        }
        *fault = chunk_byte(g, (unsigned char)in.p[i++]);
        if (*fault)
            break;
    }
    return i;
}

/* Decodes into dst; false on a bad escape or a forbidden byte. */
static bool
unescape(struct span s, char *dst, size_t cap, bool query, struct span *out)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '%') {
            if (s.n - i < 3)
                return false;
            int high = hex((unsigned char)s.p[i + 1]);
            int low = hex((unsigned char)s.p[i + 2]);
            if (high < 0 || low < 0)
                return false;
            c = (unsigned char)(high * 16 + low);
            i += 2;
            if (!query && c == '/')
                return false;
        } else if (query && c == '+') {
            c = ' ';
        }
        bool control = c < ' ' || c == 0x7f;
        if ((control && !(query && (c == '\n' || c == '\t'))) || n >= cap)
            return false;
        dst[n++] = (char)c;
    }
    *out = span_of(dst, n);
    return utf8_valid(*out);
}

bool
guard_path(struct span target, char *dst, size_t cap, struct span *out)
{
    const char *mark = memchr(target.p, '?', target.n);
    struct span path = mark ? span_of(target.p, (size_t)(mark - target.p)) : target;
    if (span_eq_cstr(path, "*")) {
        *out = SPAN("*");
        return true;
    }
    if (!unescape(path, dst, cap, false, out) || out->n == 0 || dst[0] != '/')
        return false;
    if (memchr(out->p, '\\', out->n))
        return false;
    struct span rest = span_skip(*out, 1);
    while (rest.n) {
        bool more = memchr(rest.p, '/', rest.n) != NULL;
        struct span part = span_cut(&rest, '/');
        if (span_eq_cstr(part, ".") || span_eq_cstr(part, "..") ||
            (part.n == 0 && more))
            return false;
    }
    return true;
}

bool
guard_query(struct span s, char *dst, size_t cap, struct span *out)
{
    return unescape(s, dst, cap, true, out);
}
