/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu report quality: what each device sends, and how well (数据治理). Counts and
 * shapes of slips only: no look. */
#include "daemon/op_house.h"
#include "daemon/parts.h"
#include "serve/quality_rows.h"

#include "core/os_clock.h"
#include "core/text.h"

/* Order of the CSV; keys as in the JSON. */
static const char *const columns[] = {
    "code",       "name",      "vendor",       "protocol",       "objects",    "stored",
    "duplicates", "conflicts", "future",       "expired",        "refused",    "late",
    "unread",     "faults",    "misread_rate", "clock_error_ms", "clock_sd_ms"};
#define COLUMNS (sizeof columns / sizeof *columns)

/* A cell; a spreadsheet must never take it for a formula. */
static void
csv_cell(FILE *out, const json_t *v)
{
    if (json_is_integer(v)) {
        fprintf(out, "%lld", (long long)json_integer_value(v));
        return;
    }
    if (json_is_real(v)) {
        fprintf(out, "%.5f", json_real_value(v));
        return;
    }
    const char *s = json_string_value(v);
    if (!s)
        return;
    fputc('"', out);
    if (s[0] && strchr("=+-@\t\r", s[0]))
        fputc('\'', out);
    for (; *s; s++) {
        if (*s == '"')
            fputc('"', out);
        fputc(*s, out);
    }
    fputc('"', out);
}

static void
csv_row(FILE *out, const json_t *row)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        if (i)
            fputc(',', out);
        csv_cell(out, json_object_get(row, columns[i]));
    }
    fputc('\n', out);
}

static void
table_row(FILE *out, const json_t *row)
{
    const char *code = json_string_value(json_object_get(row, "code"));
    const char *vendor = json_string_value(json_object_get(row, "vendor"));
    static const char *const counts[] = {"objects", "stored", "duplicates", "refused",
                                         "late",    "unread", "faults"};
    fprintf(out, "%-24s %-12s", code ? code : "", vendor && vendor[0] ? vendor : "-");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        fprintf(
            out, " %10lld",
            (long long)json_integer_value(json_object_get(row, counts[i])));
    fputc('\n', out);
}

static void
head(FILE *out, const char *format)
{
    if (strcmp(format, "csv") == 0) {
        fputs("\xEF\xBB\xBF", out); /* spreadsheets */
        for (size_t i = 0; i < COLUMNS; i++)
            fprintf(out, "%s%s", i ? "," : "", columns[i]);
        fputc('\n', out);
    } else if (strcmp(format, "table") == 0) {
        fprintf(
            out, "%-24s %-12s %10s %10s %10s %10s %10s %10s %10s\n", "device", "vendor",
            "objects", "stored", "doubled", "refused", "late", "unread", "slips");
    }
}

static enum err
print(struct op_call *c, const char *format, struct buf *line, bool first)
{
    json_error_t fault;
    if (strcmp(format, "json") == 0) {
        fprintf(c->out, "%s%.*s", first ? "[" : ",\n ", (int)line->n, line->p);
        return OK;
    }
    json_t *row = json_loadb((const char *)line->p, line->n, 0, &fault);
    if (!row)
        return ERR_NOMEM;
    if (strcmp(format, "csv") == 0)
        csv_row(c->out, row);
    else
        table_row(c->out, row);
    json_decref(row);
    return OK;
}

static enum err
run(struct op_call *c, struct note *note)
{
    struct op_house h;
    struct arena a;
    struct device *rows;
    size_t n;
    const char *format = op_text(c, "format");
    format = format ? format : "table";
    if (strcmp(format, "json") != 0 && strcmp(format, "csv") != 0 &&
        strcmp(format, "table") != 0)
        return note_fmt(
            note, ERR_USAGE, "format", "--format is table, json or csv, not \"%s\"",
            "--format 须为 table、json 或 csv，而不是“%s”", format);
    enum err e = op_house_open(c, &h);
    if (e != OK)
        return e;
    struct site_table *sites = base_sites(h.base);
    struct quality_ask ask = {
        .reader = c->door->reader,
        .sites = sites,
        .model = h.model,
        .today = civil_day(os_now_ms(), &h.base->zone),
        .days = (int)op_number(c, "days", 1),
        .full = strcmp(format, "json") == 0,
    };
    arena_init(&a, 256 << 20);
    e = ledger_devices(ask.reader, &a, &rows, &n);
    head(c->out, format);
    for (size_t i = 0; i < n && e == OK; i++) {
        struct buf line = {0};
        e = quality_json(&line, &ask, &rows[i]);
        if (e == OK && line.bad)
            e = ERR_NOMEM;
        if (e == OK)
            e = print(c, format, &line, i == 0);
        buf_release(&line);
    }
    if (e == OK && ask.full)
        fputs(n ? "]\n" : "[]\n", c->out);
    arena_release(&a);
    site_table_unref(sites);
    op_house_close(&h);
    return e;
}

const struct op op_quality = {.name = "quality", .fn = run};
