/* SPDX-License-Identifier: Apache-2.0 */
/* Cells become text in one place; each format puts its own marks around them. */
#include "serve/answers.h"

#include <math.h>
#include <stdio.h>

/* ---- the question ---- */

static void
named_text(struct buf *out, const char *key, const char *zh, const char *en)
{
    buf_fmt(out, "\"%s\":{\"zh\":", key);
    buf_json(out, span_cstr(zh));
    buf_text(out, ",\"en\":");
    buf_json(out, span_cstr(en));
    buf_text(out, "}");
}

static void
words(struct buf *out, const char *zh, const char *en)
{
    buf_text(out, "\"zh\":");
    buf_json(out, span_cstr(zh));
    buf_text(out, ",\"en\":");
    buf_json(out, span_cstr(en));
}

static void
param_json(struct buf *out, const struct question_param *p)
{
    buf_fmt(
        out,
        "{\"name\":\"%s\",\"type\":\"%s\",\"required\":%s,\"min\":%.10g,"
        "\"max\":%.10g,\"default\":",
        p->name, question_type_name(p->type), p->required ? "true" : "false", p->min,
        p->max);
    buf_json(out, span_cstr(p->initial ? p->initial : ""));
    buf_fmt(out, ",\"unit\":\"%s\",\"words\":[", p->unit ? p->unit : "");
    for (const struct question_word *w = p->words; w && w->name; w++) {
        buf_fmt(out, "%s{\"name\":\"%s\",", w == p->words ? "" : ",", w->name);
        words(out, w->zh, w->en);
        buf_text(out, "}");
    }
    buf_text(out, "],");
    words(out, p->zh, p->en);
    buf_text(out, "}");
}

static void
columns_json(struct buf *out, const struct question *q)
{
    buf_text(out, "\"columns\":[");
    for (const struct question_column *c = q->columns; c->name; c++) {
        buf_fmt(
            out, "%s{\"name\":\"%s\",\"shape\":\"%s\",\"unit\":\"%s\",",
            c == q->columns ? "" : ",", c->name, question_shape_name(c->shape),
            c->unit);
        words(out, c->zh, c->en);
        buf_text(out, "}");
    }
    buf_text(out, "]");
}

void
answers_question(struct buf *out, const struct question *q)
{
    buf_fmt(out, "{\"name\":\"%s\",", q->name);
    words(out, q->title.zh, q->title.en);
    buf_text(out, ",");
    named_text(out, "what", q->what.zh, q->what.en);
    buf_text(out, ",");
    named_text(out, "pitfall", q->pitfall.zh, q->pitfall.en);
    buf_fmt(
        out, ",\"days_max\":%d,\"seconds\":%d,\"params\":[", q->days_max, q->seconds);
    for (const struct question_param *p = q->params; p->name; p++) {
        buf_text(out, p == q->params ? "" : ",");
        param_json(out, p);
    }
    buf_text(out, "],");
    columns_json(out, q);
    buf_text(out, "}");
}

static void
param_markdown(struct buf *out, const struct question_param *p)
{
    buf_fmt(out, "| `%s` | %s", p->name, question_type_name(p->type));
    if (p->type == ASK_WORD)
        for (const struct question_word *w = p->words; w->name; w++)
            buf_fmt(
                out, "%s `%s` %s (%s)", w == p->words ? ":" : ";", w->name, w->en,
                w->zh);
    else if (p->type != ASK_PATTERN)
        buf_fmt(out, " %.10g to %.10g %s", p->min, p->max, p->unit);
    buf_fmt(
        out, " | %s | %s; %s |\n",
        p->required  ? "required"
        : p->initial ? p->initial
                     : "none",
        p->en, p->zh);
}

void
answers_markdown(struct buf *out, const struct question *q)
{
    buf_fmt(
        out,
        "### %s: %s (%s)\n\n%s.\n%s。\n\nPitfall: %s.\n提示：%s。\n\n"
        "Window at most %d days; stopped after %d s.\n",
        q->name, q->title.en, q->title.zh, q->what.en, q->what.zh, q->pitfall.en,
        q->pitfall.zh, q->days_max, q->seconds);
    if (q->params[0].name)
        buf_text(out, "\n| parameter | takes | default | means |\n|---|---|---|---|\n");
    for (const struct question_param *p = q->params; p->name; p++)
        param_markdown(out, p);
    buf_text(out, "\n| column | is | means |\n|---|---|---|\n");
    for (const struct question_column *c = q->columns; c->name; c++)
        buf_fmt(
            out, "| `%s` | %s%s%s | %s; %s |\n", c->name, question_shape_name(c->shape),
            c->unit[0] ? ", " : "", c->unit, c->en, c->zh);
    buf_text(out, "\n");
}

/* ---- cells ---- */

#define CELL_TEXT 64

/* The text of a cell; "" where it is empty. Numbers and times are JSON numbers. */
static struct span
cell_text(
    enum question_shape shape, const union question_cell *c,
    const struct site_table *sites, char dst[CELL_TEXT])
{
    const struct site *site;
    dst[0] = 0;
    switch (shape) {
    case COL_PLATE:
        plate_format(dst, c->plate);
        break;
    case COL_SITE:
        site = site_get(sites, c->site);
        return span_cstr(site ? site->code : "");
    case COL_TIME:
        if (c->at)
            snprintf(dst, CELL_TEXT, "%lld", (long long)c->at);
        break;
    case COL_SPAN:
        if (c->n >= 0)
            snprintf(dst, CELL_TEXT, "%lld", (long long)c->n);
        break;
    case COL_COUNT:
        snprintf(dst, CELL_TEXT, "%lld", (long long)c->n);
        break;
    case COL_NUMBER:
    case COL_SHARE:
        if (isfinite(c->x))
            snprintf(dst, CELL_TEXT, "%.6g", c->x);
        break;
    case COL_WORD:
        return c->word;
    case COL_SIGHTING:
        if (c->id.site)
            sighting_id_format(dst, c->id);
        break;
    }
    return span_cstr(dst);
}

static bool
is_number(enum question_shape s)
{
    return s == COL_TIME || s == COL_SPAN || s == COL_COUNT || s == COL_NUMBER ||
           s == COL_SHARE;
}

static void
cell_json(
    struct buf *out, enum question_shape shape, const union question_cell *c,
    const struct site_table *sites)
{
    char text[CELL_TEXT];
    struct span s = cell_text(shape, c, sites, text);
    if (s.n == 0)
        buf_text(out, "null");
    else if (is_number(shape))
        buf_fmt(out, "%.*s", SPAN_ARG(s));
    else
        buf_json(out, s);
}

/* ---- JSON ---- */

/* Each site of the answer once. */
static void
sites_json(
    struct buf *out, const struct question *q, const struct question_answer *a,
    const struct site_table *sites)
{
    size_t columns = question_columns(q);
    struct buf told = {0};
    const char *comma = "";
    for (uint32_t i = 0; i <= sites->n; i++)
        buf_u8(&told, 0);
    buf_text(out, "\"sites\":{");
    for (size_t i = 0; i < a->n * columns && !told.bad; i++) {
        if (q->columns[i % columns].shape != COL_SITE)
            continue;
        const struct site *s = site_get(sites, a->cells[i].site);
        if (!s || told.p[s->id.v])
            continue;
        told.p[s->id.v] = 1;
        buf_text(out, comma);
        buf_json(out, span_cstr(s->code));
        buf_fmt(out, ":{\"id\":%u,\"name\":", s->id.v);
        buf_json(out, span_cstr(s->name));
        if (site_is_placed(s))
            buf_fmt(out, ",\"lon\":%.7f,\"lat\":%.7f}", s->lon / 1e7, s->lat / 1e7);
        else
            buf_text(out, ",\"lon\":null,\"lat\":null}");
        comma = ",";
    }
    out->bad |= told.bad;
    buf_release(&told);
    buf_text(out, "}");
}

void
answers_json(
    struct buf *out, const struct question *q, const struct question_answer *a,
    const struct site_table *sites)
{
    size_t columns = question_columns(q);
    columns_json(out, q);
    buf_text(out, ",\"rows\":[");
    for (size_t i = 0; i < a->n; i++) {
        buf_text(out, i ? ",\n[" : "\n[");
        for (size_t k = 0; k < columns; k++) {
            buf_text(out, k ? "," : "");
            cell_json(out, q->columns[k].shape, &a->cells[i * columns + k], sites);
        }
        buf_text(out, "]");
    }
    buf_text(out, "],");
    sites_json(out, q, a, sites);
    buf_text(out, ",\"facts\":[");
    for (size_t i = 0; i < a->facts_n; i++) {
        const struct question_fact *f = &a->facts[i];
        buf_fmt(
            out, "%s{\"name\":\"%s\",\"unit\":\"%s\",\"value\":", i ? "," : "", f->name,
            f->unit);
        buf_fmt(out, isfinite(f->value) ? "%.6g," : "null,", f->value);
        words(out, f->zh, f->en);
        buf_text(out, "}");
    }
    buf_text(out, "]");
}

/* ---- CSV ---- */

static void
csv_text(struct buf *out, struct span s, bool number)
{
    bool formula = s.n && !number && strchr("=+-@\t\r", s.p[0]);
    bool quote = formula;
    for (size_t i = 0; i < s.n; i++)
        quote |= s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r';
    if (!quote) {
        buf_put(out, s.p, s.n);
        return;
    }
    buf_text(out, formula ? "\"'" : "\"");
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            buf_u8(out, '"');
        buf_u8(out, (uint8_t)s.p[i]);
    }
    buf_u8(out, '"');
}

void
answers_csv(
    struct buf *out, const struct question *q, const struct question_answer *a,
    const struct site_table *sites)
{
    char text[CELL_TEXT];
    size_t columns = question_columns(q);
    buf_text(out, "\xEF\xBB\xBF");
    for (size_t k = 0; k < columns; k++)
        buf_fmt(out, "%s%s", k ? "," : "", q->columns[k].name);
    buf_text(out, "\n");
    for (size_t i = 0; i < a->n * columns; i++) {
        const struct question_column *c = &q->columns[i % columns];
        csv_text(
            out, cell_text(c->shape, &a->cells[i], sites, text), is_number(c->shape));
        buf_text(out, i % columns + 1 == columns ? "\n" : ",");
    }
}

/* ---- GeoJSON ---- */

static void
geometry(
    struct buf *out, const struct question *q, const union question_cell *row,
    const struct site_table *sites)
{
    const struct site *at[QUESTION_COLUMNS];
    size_t n = 0;
    for (size_t k = 0; q->columns[k].name; k++) {
        const struct site *s =
            q->columns[k].shape == COL_SITE ? site_get(sites, row[k].site) : NULL;
        if (s && site_is_placed(s))
            at[n++] = s;
    }
    if (n == 0) {
        buf_text(out, "null");
        return;
    }
    buf_text(
        out, n == 1 ? "{\"type\":\"Point\",\"coordinates\":"
                    : "{\"type\":\"LineString\",\"coordinates\":[");
    for (size_t i = 0; i < n; i++)
        buf_fmt(out, "%s[%.7f,%.7f]", i ? "," : "", at[i]->lon / 1e7, at[i]->lat / 1e7);
    buf_text(out, n == 1 ? "}" : "]}");
}

void
answers_geojson(
    struct buf *out, const struct question *q, const struct question_answer *a,
    const struct site_table *sites)
{
    size_t columns = question_columns(q);
    buf_text(out, "{\"type\":\"FeatureCollection\",\"features\":[");
    for (size_t i = 0; i < a->n; i++) {
        const union question_cell *row = &a->cells[i * columns];
        buf_text(out, i ? ",\n" : "\n");
        buf_text(out, "{\"type\":\"Feature\",\"geometry\":");
        geometry(out, q, row, sites);
        buf_text(out, ",\"properties\":{");
        for (size_t k = 0; k < columns; k++) {
            buf_fmt(out, "%s\"%s\":", k ? "," : "", q->columns[k].name);
            cell_json(out, q->columns[k].shape, &row[k], sites);
        }
        buf_text(out, "}}");
    }
    buf_text(out, "\n]}\n");
}

/* ---- a table for people ---- */

static void
cell_plain(
    struct buf *out, enum question_shape shape, const union question_cell *c,
    const struct site_table *sites, const struct zone *zone)
{
    char text[CELL_TEXT], at[TS_TEXT];
    struct span s = cell_text(shape, c, sites, text);
    if (s.n == 0) {
        buf_text(out, "-");
    } else if (shape == COL_TIME) {
        buf_text(out, ts_format(at, c->at, zone));
    } else if (shape == COL_SPAN) {
        buf_fmt(out, "%.1f min", (double)c->n / (double)MINUTE_MS);
    } else {
        buf_put(out, s.p, s.n);
    }
}

void
answers_table(
    struct buf *out, const struct question *q, const struct question_answer *a,
    const struct site_table *sites, const struct zone *zone)
{
    size_t columns = question_columns(q);
    for (size_t k = 0; k < columns; k++)
        buf_fmt(out, "%s%s", k ? "\t" : "", q->columns[k].name);
    buf_text(out, "\n");
    for (size_t i = 0; i < a->n * columns; i++) {
        cell_plain(out, q->columns[i % columns].shape, &a->cells[i], sites, zone);
        buf_text(out, i % columns + 1 == columns ? "\n" : "\t");
    }
    for (size_t i = 0; i < a->facts_n; i++)
        buf_fmt(
            out, "%s: %.6g %s\n", a->facts[i].en, a->facts[i].value, a->facts[i].unit);
}
