/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu rules: what is set of the live rules, in force and to come. */
#include "core/os_clock.h"
#include "daemon/op.h"

struct shown { /* one line */
    const struct rule *rule;
    const char *name, *unit, *zh, *en;
    double min, max, preset, value, next;
};

typedef void show_fn(FILE *out, const struct shown *s, bool first);

static void
show_table(FILE *out, const struct shown *s, bool first)
{
    char next[40] = "";
    if (first)
        fprintf(
            out, "%-16s %-22s %10s %10s %-6s %10s .. %-10s %s\n", "rule", "parameter",
            "value", "default", "unit", "least", "most", "from the next midnight");
    if (s->next < s->value || s->next > s->value)
        snprintf(next, sizeof next, "-> %.10g", s->next);
    fprintf(
        out, "%-16s %-22s %10.10g %10.10g %-6s %10.10g .. %-10.10g %s\n", s->rule->name,
        s->name, s->value, s->preset, s->unit, s->min, s->max, next);
}

static void
show_csv(FILE *out, const struct shown *s, bool first)
{
    if (first)
        fprintf(out, "\xEF\xBB\xBFrule,parameter,value,default,unit,min,max,next\n");
    fprintf(
        out, "%s,%s,%.10g,%.10g,%s,%.10g,%.10g,%.10g\n", s->rule->name, s->name,
        s->value, s->preset, s->unit, s->min, s->max, s->next);
}

static void
show_json(FILE *out, const struct shown *s, bool first)
{
    struct buf b = {0};
    buf_fmt(
        &b,
        "%s\n{\"rule\":\"%s\",\"parameter\":\"%s\",\"value\":%.10g,\"default\":%.10g,"
        "\"unit\":\"%s\",\"min\":%.10g,\"max\":%.10g,\"next\":%.10g,\"zh\":",
        first ? "" : ",", s->rule->name, s->name, s->value, s->preset, s->unit, s->min,
        s->max, s->next);
    buf_json(&b, span_cstr(s->zh));
    buf_text(&b, ",\"en\":");
    buf_json(&b, span_cstr(s->en));
    buf_text(&b, "}");
    op_write(out, &b);
    buf_release(&b);
}

static void
show_all(
    FILE *out, show_fn *show, const struct rule_settings *now,
    const struct rule_settings *next)
{
    for (size_t i = 0; rule_rows[i]; i++) {
        const struct rule *r = rule_rows[i];
        struct shown on = {
            .rule = r,
            .name = "on",
            .unit = "",
            .zh = "是否运行",
            .en = "1: the rule runs",
            .max = 1,
            .preset = 1,
            .value = !now->off[i],
            .next = !next->off[i]};
        show(out, &on, i == 0);
        for (size_t p = 0; p < r->params_n; p++) {
            const struct rule_param *q = &r->params[p];
            struct shown s = {r,
                              q->name,
                              q->unit,
                              q->zh,
                              q->en,
                              q->min,
                              q->max,
                              q->initial,
                              now->value[i][p],
                              next->value[i][p]};
            show(out, &s, false);
        }
    }
}

static void
say_versions(
    FILE *out, const struct rule_settings *now, const struct rule_settings *next)
{
    char day[11];
    fprintf(out, "version %u", now->number);
    if (now->day > INT32_MIN)
        fprintf(out, ", in force since %s", rule_settings_since(day, now));
    if (next != now)
        fprintf(
            out, "; version %u comes into force on %s", next->number,
            rule_settings_since(day, next));
    fprintf(out, "\n");
}

static enum err
run(struct op_call *c, struct note *note)
{
    const struct base *b = c->door->base;
    int32_t today = (int32_t)civil_day(os_now_ms(), &b->zone);
    const struct rule_settings *now = rule_book_on(&b->rules, today);
    const char *format = op_text(c, "format");
    if (format && strcmp(format, "csv") == 0) {
        show_all(c->out, show_csv, now, &b->rules.at[0]);
    } else if (format && strcmp(format, "json") == 0) {
        fprintf(c->out, "[");
        show_all(c->out, show_json, now, &b->rules.at[0]);
        fprintf(c->out, "\n]\n");
    } else if (!format || strcmp(format, "table") == 0) {
        say_versions(c->out, now, &b->rules.at[0]);
        show_all(c->out, show_table, now, &b->rules.at[0]);
    } else {
        return note_fmt(
            note, ERR_USAGE, "format", "--format is table, json or csv, not \"%s\"",
            "--format 须为 table、json 或 csv，而不是“%s”", format);
    }
    return OK;
}

const struct op op_rules = {.name = "rules", .fn = run};
