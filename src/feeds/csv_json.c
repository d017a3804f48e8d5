/* SPDX-License-Identifier: Apache-2.0 */
/* A file of one JSON object a line is read as a table whose columns are the keys that
 * the caller asks for: so every import takes both. Values become texts; what is a list
 * or an object stays empty. */
#include "feeds/_csv.h"

#include "feeds/json_dom.h"
#include "feeds/loose.h"

#include <stdlib.h>

struct csv_json {
    struct dom *dom;
    struct dom_keys keys;
    const char *key[DOM_KEYS]; /* as lines spell them */
    uint8_t column[DOM_KEYS];  /* where a key's value goes */
    size_t n, width;
    struct buf names; /* keys behind one another, NUL-terminated */
    struct feed_faults quiet;
    char scratch[DOM_KEYS][LOOSE_TEXT];
};

struct csv_json *
csv_json_new(void)
{
    struct csv_json *j = calloc(1, sizeof *j);
    if (!j)
        return NULL;
    j->dom = dom_new();
    if (j->dom)
        return j;
    free(j);
    return NULL;
}

void
csv_json_free(struct csv_json *j)
{
    if (!j)
        return;
    dom_free(j->dom);
    buf_release(&j->names);
    free(j);
}

static bool
add_key(struct csv_json *j, struct span key, size_t column)
{
    if (j->n == DOM_KEYS || key.n == 0 || key.n > 200)
        return false;
    j->column[j->n++] = (uint8_t)column;
    buf_put(&j->names, key.p, key.n);
    buf_u8(&j->names, 0);
    return !j->names.bad;
}

/* Their keys for one of our names. */
static bool
add_mapped(struct csv_json *j, const char *map, const char *ours, size_t column)
{
    struct span rest = span_cstr(map ? map : "");
    while (rest.n) {
        struct span pair = span_cut(&rest, ',');
        struct span theirs = span_trim(span_cut(&pair, '='));
        if (span_eq_cstr(span_trim(pair), ours) && !add_key(j, theirs, column))
            return false;
    }
    return add_key(j, span_cstr(ours), column);
}

enum err
csv_json_columns(struct csv *c, const char *const *names, struct note *note)
{
    struct csv_json *j = c->json;
    j->n = j->width = 0;
    buf_clear(&j->names);
    bool fits = true;
    for (; names[j->width] && fits; j->width++)
        fits = add_mapped(j, c->conf.map, names[j->width], j->width);
    if (!fits)
        return note_set(
            note, ERR_TOOBIG, "map", "more names than a line of JSON is read for",
            "字段名过多");
    const char *at = (const char *)j->names.p;
    for (size_t i = 0; i < j->n; i++) {
        j->key[i] = at;
        at = at + strlen(at) + 1;
    }
    dom_keys_init(&j->keys, j->key, j->n);
    return OK;
}

static uint8_t
read_line(struct csv *c, struct span line)
{
    struct csv_json *j = c->json;
    struct dom_node root;
    enum dom_fault fault;
    struct dom_value v[DOM_KEYS];
    bool other_case;
    if (dom_parse(j->dom, line, &root, &fault) != OK)
        return (fault == DOM_BAD_UTF8 ? FAULT_NOT_UTF8 : FAULT_NOT_JSON) + 1;
    if (dom_type_of(root) != DOM_OBJECT)
        return FAULT_NOT_OBJECT + 1;
    dom_fields(root, &j->keys, v, &other_case);
    feed_faults_clear(&j->quiet);
    for (size_t i = 0; i < j->width; i++)
        c->fields[i] = (struct span){NULL, 0};
    for (size_t i = 0; i < j->n; i++) {
        struct span *to = &c->fields[j->column[i]];
        struct span text;
        if (to->n == 0 && loose_text(&v[i], j->key[i], &j->quiet, j->scratch[i], &text))
            *to = text;
    }
    return feed_fault_count(&j->quiet, FAULT_NUL_BYTE) ? FAULT_NUL_BYTE + 1 : 0;
}

/* Is the line at c->at whole? Reads more when it is not; ERR_NOTFOUND at the end. */
static enum err
whole_line(struct csv *c, size_t *end, bool *too_long, struct note *note)
{
    *too_long = false;
    for (;;) {
        if (c->skipping && !csv_skip_line(c) && !c->at_end) {
            enum err e = csv_fill(c, note);
            if (e != OK)
                return e;
            continue;
        }
        *end = csv_line_end(c);
        bool closed = *end > c->at && c->text[*end - 1] == '\n';
        if (closed || (c->at_end && c->at < c->end))
            return OK;
        if (c->at_end)
            return ERR_NOTFOUND;
        if (c->end - c->at >= CSV_RECORD) {
            *too_long = true;
            return OK;
        }
        enum err e = csv_fill(c, note);
        if (e != OK)
            return e;
    }
}

enum err
csv_json_next(struct csv *c, struct csv_record *out, struct note *note)
{
    for (;;) {
        size_t end;
        bool too_long;
        enum err e = whole_line(c, &end, &too_long, note);
        if (e != OK)
            return e;
        struct span line = span_trim(span_of(c->text + c->at, end - c->at));
        *out = (struct csv_record){c->fields, c->json->width, c->line++, 0, 0};
        if (too_long)
            out->fault = FAULT_TOO_BIG + 1;
        else if (line.n)
            out->fault = read_line(c, line);
        c->skipping = too_long;
        csv_go_on_at(c, end);
        out->offset = c->window_from + c->at;
        if (out->fault)
            out->n = 0;
        if (line.n)
            return OK;
    }
}
