/* SPDX-License-Identifier: Apache-2.0 */
/* A row is read once more each time the document is asked for: it is short, and the
 * document is asked for rarely. */
#include "serve/shape.h"

#include "core/err.h"

#include <string.h>

static const struct shape {
    const char *name, *fields;
} shapes[] = {
#define S(NAME, FIELDS) {#NAME, FIELDS},
#include "serve/shape.def"
#undef S
};
#define SHAPES (sizeof shapes / sizeof *shapes)

static const struct shape *
shape_find(struct span name)
{
    for (size_t i = 0; i < SHAPES; i++)
        if (span_eq_cstr(name, shapes[i].name))
            return &shapes[i];
    return NULL;
}

bool
shape_known(struct span name)
{
    return shape_find(name) != NULL;
}

/* ---- types ---- */

static void
write_words(struct buf *out, struct span words)
{
    buf_text(out, "{\"enum\":[");
    for (bool first = true; words.n; first = false) {
        if (!first)
            buf_u8(out, ',');
        buf_json(out, span_cut(&words, '|'));
    }
    buf_text(out, "]}");
}

static void
write_simple(struct buf *out, struct span t)
{
    static const char *const types[][2] = {
        {"text", "string"},
        {"int", "integer"},
        {"number", "number"},
        {"flag", "boolean"}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (span_eq_cstr(t, types[i][0])) {
            buf_fmt(out, "{\"type\":\"%s\"}", types[i][1]);
            return;
        }
    if (span_eq_cstr(t, "any")) {
        buf_text(out, "{}");
        return;
    }
    must(shape_known(t));
    buf_fmt(out, "{\"$ref\":\"#/components/schemas/%.*s\"}", SPAN_ARG(t));
}

/* Rows are ours: their depth is what stands in shape.def. */
static void
write_type(struct buf *out, struct span t)
{
    must(t.n > 0);
    bool null = t.p[t.n - 1] == '?';
    if (null) {
        t.n--;
        buf_text(out, "{\"anyOf\":[");
    }
    bool list = t.p[0] == '[', map = t.p[0] == '{';
    struct span inner = span_of(t.p + 1, t.n > 2 ? t.n - 2 : 0);
    if (list)
        buf_text(out, "{\"type\":\"array\",\"items\":");
    if (map)
        buf_text(out, "{\"type\":\"object\",\"additionalProperties\":");
    if (list || map) {
        write_type(out, inner);
        buf_u8(out, '}');
    } else if (memchr(t.p, '|', t.n)) {
        write_words(out, t);
    } else {
        write_simple(out, t);
    }
    if (null)
        buf_text(out, ",{\"type\":\"null\"}]}");
}

/* ---- objects ---- */

struct field {
    struct span name, type;
    bool may_lack;
};

/* The next field of a row; a field that stands again further on is taken from there. */
static bool
next_field(struct span *rest, struct field *out)
{
    struct span word = {NULL, 0};
    while (rest->n && word.n == 0)
        word = span_cut(rest, ' ');
    if (word.n == 0)
        return false;
    if (word.p[0] == '+') {
        *out = (struct field){.name = word};
        return true;
    }
    out->name = span_cut(&word, ':');
    out->type = word;
    must(out->name.n > 0 && out->type.n > 0);
    out->may_lack = out->name.p[out->name.n - 1] == '~';
    out->name.n -= out->may_lack;
    return true;
}

static bool
stands_in(struct span fields, struct span name)
{
    struct field f;
    while (next_field(&fields, &f))
        if (f.name.n == name.n && memcmp(f.name.p, name.p, name.n) == 0)
            return true;
    return false;
}

static void
write_fields(
    struct buf *out, struct span fields, struct span over, bool names, bool *first)
{
    struct field f;
    for (struct span rest = fields; next_field(&rest, &f);) {
        if (f.name.p[0] == '+') {
            const struct shape *base = shape_find(span_skip(f.name, 1));
            must(base != NULL);
            write_fields(out, span_cstr(base->fields), fields, names, first);
            continue;
        }
        if (stands_in(over, f.name) || (names && f.may_lack))
            continue;
        if (!*first)
            buf_u8(out, ',');
        *first = false;
        buf_json(out, f.name);
        if (names)
            continue;
        buf_u8(out, ':');
        write_type(out, f.type);
    }
}

void
shape_all(struct buf *out)
{
    for (size_t i = 0; i < SHAPES; i++) {
        struct span fields = span_cstr(shapes[i].fields), none = {NULL, 0};
        bool first = true;
        buf_fmt(
            out, "%s\"%s\":{\"type\":\"object\",\"properties\":{", i ? "," : "",
            shapes[i].name);
        write_fields(out, fields, none, false, &first);
        buf_text(out, "},\"required\":[");
        first = true;
        write_fields(out, fields, none, true, &first);
        buf_text(out, "]}");
    }
}

bool
shape_of_reply(struct buf *out, const char *reply)
{
    struct span name = span_cstr(reply);
    bool list = span_starts(name, SPAN("list of "));
    if (list)
        name = span_skip(name, 8);
    if (!shape_known(name))
        return false;
    if (list)
        buf_text(
            out, "{\"type\":\"object\",\"required\":[\"items\",\"next\",\"as_of_ms\"],"
                 "\"properties\":{\"next\":{\"type\":[\"string\",\"null\"]},"
                 "\"as_of_ms\":{\"type\":\"integer\"},\"items\":{\"type\":\"array\","
                 "\"items\":");
    write_simple(out, name);
    if (list)
        buf_text(out, "}}}");
    return true;
}
