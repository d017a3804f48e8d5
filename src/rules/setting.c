/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/setting.h"

#include <stdio.h>
#include <string.h>

void
rule_settings_init(struct rule_settings *s)
{
    *s = (struct rule_settings){.day = INT32_MIN};
    for (size_t i = 0; rule_rows[i]; i++)
        for (size_t p = 0; p < rule_rows[i]->params_n; p++)
            s->value[i][p] = rule_rows[i]->params[p].initial;
}

/* Index of a parameter; params_n when the rule has none of that name. */
static size_t
param_index(const struct rule *rule, struct span name)
{
    size_t p = 0;
    while (p < rule->params_n && !span_eq_cstr(name, rule->params[p].name))
        p++;
    return p;
}

static void
names_of(const struct rule *rule, char dst[256])
{
    size_t at = 0;
    dst[0] = 0;
    for (size_t p = 0; p < rule->params_n && at < 200; p++)
        at += (size_t)snprintf(
            dst + at, 256 - at, "%s%s", p ? ", " : "", rule->params[p].name);
}

enum err
rule_settings_put(
    struct rule_settings *s, const struct rule *rule, struct span param, double value,
    struct note *note)
{
    size_t p = param_index(rule, param), i = rule_index(span_cstr(rule->name));
    if (p == rule->params_n) {
        char names[256];
        names_of(rule, names);
        return note_fmt(
            note, ERR_INPUT, "param", "rule %s has no parameter %.*s; it has on, %s",
            "规则 %s 没有参数 %.*s，可设：on、%s", rule->name, SPAN_ARG(param), names);
    }
    const struct rule_param *row = &rule->params[p];
    if (!(value >= row->min && value <= row->max))
        return note_fmt(
            note, ERR_INPUT, row->name,
            "%s must be between %.10g and %.10g %s, not %.10g",
            "%s 须在 %.10g 至 %.10g %s 之间，而不是 %.10g", row->name, row->min,
            row->max, row->unit, value);
    s->value[i][p] = value;
    return OK;
}

char *
rule_settings_since(char *dst, const struct rule_settings *s)
{
    char day[16];
    dst[0] = 0;
    if (s->day != INT32_MIN) {
        day_format(day, s->day);
        snprintf(dst, 11, "%.4s-%.2s-%.2s", day, day + 4, day + 6);
    }
    return dst;
}

bool
rule_settings_same(const struct rule_settings *a, const struct rule_settings *b)
{
    bool same = true;
    for (size_t i = 0; rule_rows[i]; i++) {
        same &= a->off[i] == b->off[i];
        for (size_t p = 0; p < rule_rows[i]->params_n; p++)
            same &=
                a->value[i][p] >= b->value[i][p] && a->value[i][p] <= b->value[i][p];
    }
    return same;
}

/* ---- versions ---- */

void
rule_book_init(struct rule_book *b)
{
    *b = (struct rule_book){.n = 1};
    rule_settings_init(&b->at[0]);
}

const struct rule_settings *
rule_book_on(const struct rule_book *b, int32_t day)
{
    unsigned i = 0;
    must(b->n > 0);
    while (i + 1 < b->n && b->at[i].day > day)
        i++;
    return &b->at[i];
}

bool
rule_book_take(
    struct rule_book *b, const struct rule_settings *s, bool judged, int32_t today)
{
    if (b->n && b->at[0].number && rule_settings_same(&b->at[0], s))
        return false;
    struct rule_settings fresh = *s;
    unsigned gone = 0;
    fresh.number = b->n ? b->at[0].number + 1 : 1;
    fresh.day = judged && b->n && b->at[0].number ? today + 1 : INT32_MIN;
    while (gone < b->n && (b->at[gone].day >= fresh.day || !b->at[gone].number))
        gone++;
    unsigned kept = b->n - gone < RULE_BOOK - 1 ? b->n - gone : RULE_BOOK - 1;
    memmove(&b->at[1], &b->at[gone], kept * sizeof b->at[0]);
    b->at[0] = fresh;
    b->n = kept + 1;
    return true;
}

/* ---- text ---- */

void
rule_book_encode(struct buf *out, const struct rule_book *b)
{
    for (unsigned v = 0; v < b->n; v++) {
        const struct rule_settings *s = &b->at[v];
        buf_fmt(out, "version %u %d\n", s->number, s->day);
        for (size_t i = 0; rule_rows[i]; i++) {
            const struct rule *r = rule_rows[i];
            buf_fmt(out, "%s on %d\n", r->name, !s->off[i]);
            for (size_t p = 0; p < r->params_n; p++)
                buf_fmt(
                    out, "%s %s %.17g\n", r->name, r->params[p].name, s->value[i][p]);
        }
    }
}

static bool
decode_version(struct span line, struct rule_book *b)
{
    int64_t number, day;
    if (b->n == RULE_BOOK || !span_i64(span_cut(&line, ' '), &number) ||
        !span_i64(line, &day) || number < 1 || number > UINT32_MAX || day < INT32_MIN ||
        day > INT32_MAX)
        return false;
    struct rule_settings *s = &b->at[b->n++];
    rule_settings_init(s);
    s->number = (uint32_t)number;
    s->day = (int32_t)day;
    return true;
}

static bool
decode_value(struct span rule, struct span line, struct rule_settings *s)
{
    struct span name = span_cut(&line, ' ');
    const struct rule *r = rule_find(rule);
    double value;
    if (!span_f64(line, &value))
        return false;
    if (!r)
        return true;
    if (span_eq_cstr(name, "on"))
        s->off[rule_index(rule)] = value < 0.5;
    else if (param_index(r, name) < r->params_n)
        s->value[rule_index(rule)][param_index(r, name)] = value;
    return true;
}

enum err
rule_book_decode(struct span text, struct rule_book *out)
{
    struct rule_book b = {.n = 0};
    while (text.n) {
        struct span line = span_cut(&text, '\n'), word = span_cut(&line, ' ');
        bool ok = span_eq_cstr(word, "version")
                      ? decode_version(line, &b)
                      : b.n && decode_value(word, line, &b.at[b.n - 1]);
        if (!ok)
            return ERR_CORRUPT;
    }
    if (!b.n)
        return ERR_CORRUPT;
    *out = b;
    return OK;
}

static void
template_rule(struct buf *out, const struct rule *r)
{
    buf_fmt(out, "\n  # %s %s\n", r->title.zh, r->title.en);
    buf_fmt(out, "  # %s:\n  #   on: true\n", r->name);
    for (size_t p = 0; p < r->params_n; p++) {
        const struct rule_param *q = &r->params[p];
        buf_fmt(
            out, "  #   %s: %.10g  # %.10g..%.10g%s%s; %s; %s\n", q->name, q->initial,
            q->min, q->max, *q->unit ? " " : "", q->unit, q->zh, q->en);
    }
}

void
rule_settings_template(struct buf *out)
{
    buf_text(
        out,
        "# What a city sets of the live rules (实时规则参数). Everything is a comment: "
        "the "
        "values of the\n"
        "# release are in force. To change one, take the \"# \" away from the line of "
        "its "
        "rule and from\n"
        "# its own, and write another value inside the bounds. `on: false` stops a "
        "rule.\n"
        "# `tongqu lint` checks the file, `tongqu rules --data DIR` shows what is in "
        "force.\n"
        "# The service reads it at start. What is changed becomes a new numbered "
        "version "
        "that judges\n"
        "# passes from the next midnight on, and every alarm says by which version it "
        "was "
        "judged.\n"
        "rules:\n");
    for (size_t i = 0; rule_rows[i]; i++)
        template_rule(out, rule_rows[i]);
}
