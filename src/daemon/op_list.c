/* SPDX-License-Identifier: Apache-2.0 */
/* Chinese takes two columns of a terminal: a cell is padded by what it takes there. */
#include "daemon/op_list.h"

#include "core/text.h"

#include <stdlib.h>

void
op_csv_text(FILE *out, struct span s)
{
    bool formula = s.n && strchr("=+-@\t\r", s.p[0]);
    bool quote = formula;
    for (size_t i = 0; i < s.n; i++)
        quote |= s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r';
    if (!quote) {
        fprintf(out, "%.*s", (int)s.n, s.n ? s.p : "");
        return;
    }
    fputc('"', out);
    if (formula)
        fputc('\'', out);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            fputc('"', out);
        fputc(s.p[i], out);
    }
    fputc('"', out);
}

/* A value as one text; a list with commas, what is absent as nothing. */
static void
text_of(struct buf *b, const json_t *v)
{
    size_t i;
    json_t *one;
    if (json_is_string(v))
        buf_put(b, json_string_value(v), json_string_length(v));
    else if (json_is_integer(v))
        buf_fmt(b, "%lld", (long long)json_integer_value(v));
    else if (json_is_real(v))
        buf_fmt(b, "%.5f", json_real_value(v));
    else if (json_is_boolean(v))
        buf_text(b, json_is_true(v) ? "1" : "0");
    json_array_foreach(v, i, one)
    {
        if (i)
            buf_text(b, ",");
        if (json_is_string(one)) /* lists of other things are for JSON */
            buf_put(b, json_string_value(one), json_string_length(one));
    }
}

static int
columns_of(struct span s)
{
    int n = 0;
    while (s.n) {
        uint32_t point = 0;
        size_t step = utf8_decode(s, &point);
        n += point >= 0x2E80 ? 2 : 1;
        s = span_skip(s, step ? step : 1);
    }
    return n;
}

static void
table_cell(FILE *out, struct span s, int width, bool last)
{
    int room = abs(width) - columns_of(s), pad = room > 0 ? room : 0;
    if (width < 0)
        fprintf(out, "%*s", pad, "");
    fprintf(out, "%.*s", (int)s.n, s.n ? s.p : "");
    if (width > 0 && !last)
        fprintf(out, "%*s", pad, "");
}

/* One line of a table or of CSV: of a row, or (NULL) the head. */
static void
line(const struct op_list *l, const json_t *row)
{
    struct buf b = {0};
    bool first = true;
    for (const struct op_column *c = l->columns; c->key; c++) {
        buf_clear(&b);
        if (row)
            text_of(&b, json_object_get(row, c->key));
        else
            buf_text(&b, c->key);
        struct span s = span_of(b.n ? (const char *)b.p : "", b.n);
        if (l->format == OP_TABLE && c->width == 0)
            continue;
        if (!first)
            fputs(l->format == OP_CSV ? "," : "  ", l->out);
        first = false;
        if (l->format == OP_CSV)
            op_csv_text(l->out, s);
        else
            table_cell(l->out, s.n ? s : SPAN("-"), c->width, !c[1].key);
    }
    fputc('\n', l->out);
    buf_release(&b);
}

enum err
op_list_begin(
    const struct op_call *c, const struct op_column *columns, struct op_list *out,
    struct note *note)
{
    static const char *const names[] = {
        [OP_TABLE] = "table", [OP_JSON] = "json", [OP_CSV] = "csv"};
    const char *name = op_text(c, "format");
    unsigned f = OP_TABLE;
    while (name && f <= OP_CSV && strcmp(name, names[f]) != 0)
        f++;
    if (f > OP_CSV)
        return note_fmt(
            note, ERR_USAGE, "format", "--format is table, json or csv, not \"%s\"",
            "--format 须为 table、json 或 csv，而不是“%s”", name);
    *out = (struct op_list){c->out, (enum op_format)f, columns, 0};
    if (f == OP_JSON) {
        fputc('[', c->out);
        return OK;
    }
    if (f == OP_CSV)
        fputs("\xEF\xBB\xBF", c->out); /* spreadsheets */
    line(out, NULL);
    return OK;
}

void
op_list_row(struct op_list *l, const json_t *row)
{
    if (l->format == OP_JSON) {
        fputs(l->n ? ",\n " : "\n ", l->out);
        json_dumpf(row, l->out, JSON_COMPACT | JSON_REAL_PRECISION(12));
    } else {
        line(l, row);
    }
    l->n++;
}

void
op_list_end(struct op_list *l)
{
    if (l->format == OP_JSON)
        fputs(l->n ? "\n]\n" : "]\n", l->out);
}
