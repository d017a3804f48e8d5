/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu man: the tables of the program as troff, one at a time. The pages in man/ name
 * them (a line "@table counters@") and tools/make-man joins both, so a page cannot say
 * other than the program does. */
#include "cli/cmd.h"
#include "core/counter.h"
#include "daemon/import.h"
#include "feeds/fault.h"
#include "model/codes.h"
#include "model/look.h"
#include "model/user.h"
#include "rules/rule.h"
#include "serve/api.h"
#include "serve/refusal.h"

#include <stdio.h>

/* Text of a page: backslashes and leading dots must not be read as requests. */
static void
text(const char *s)
{
    for (bool line_start = true; *s; line_start = *s++ == '\n') {
        if (line_start && (*s == '.' || *s == '\''))
            fputs("\\&", stdout);
        fputs(*s == '\\' ? "\\e" : *s == '-' ? "\\-" : (char[]){*s, 0}, stdout);
    }
}

/* A row's words as the beginning of a sentence. */
static void
sentence(const char *s)
{
    bool letter = *s >= 'a' && *s <= 'z';
    if (letter)
        putchar(*s - 'a' + 'A');
    text(letter ? s + 1 : s);
}

static void
tag(const char *name)
{
    printf(".TP\n.B ");
    text(name);
    printf("\n");
}

static void
line(const char *s)
{
    text(s);
    printf("\n");
}

/* ---- commands ---- */

static void
options(const struct cmd *cmd)
{
    for (const struct cmd_opt *o = cmd->opts; o && o->name; o++) {
        printf(".TP\n.B \\-\\-");
        text(o->name);
        if (o->arg) {
            printf(" ");
            text(o->arg);
        }
        printf("\n");
        sentence(o->en);
        if (o->preset) {
            printf(" (default ");
            text(o->preset);
            printf(")");
        }
        printf(".\n");
    }
}

static void
commands(void)
{
    for (const struct cmd *const *c = cmd_rows; *c; c++) {
        if ((*c)->hidden)
            continue;
        printf(".SS tongqu ");
        text((*c)->name);
        printf(" ");
        line((*c)->synopsis);
        line((*c)->en);
        options(*c);
        if ((*c)->examples) {
            printf(".PP\n.EX\n");
            text((*c)->examples);
            printf(".EE\n");
        }
    }
}

static void
serve_options(void)
{
    options(cmd_find(SPAN("serve")));
}

/* ---- what happens ---- */

static void
counters(void)
{
    for (enum counter c = 0; c < COUNTERS; c++) {
        const struct counter_row *r = counter_row(c);
        bool count = r->kind == COUNTER_COUNT;
        printf(".TP\n.B tongqu_%s%s\n", r->name, count ? "_total" : "");
        sentence(r->en);
        printf(" (%s, %s).\n", count ? "counter" : "gauge", r->unit);
    }
}

#define L(name, level, per_minute, en) {#name, #level, per_minute, en},
static const struct {
    const char *name, *level;
    unsigned per_minute;
    const char *en;
} log_lines[] = {
#include "core/log.def"
};
#undef L

static void
log_events(void)
{
    for (size_t i = 0; i < sizeof log_lines / sizeof *log_lines; i++) {
        tag(log_lines[i].name);
        sentence(log_lines[i].en);
        printf(
            " (%s, at most %u lines a minute).\n",
            strcmp(log_lines[i].level, "ERROR") == 0  ? "error"
            : strcmp(log_lines[i].level, "WARN") == 0 ? "warning"
                                                      : "information",
            log_lines[i].per_minute);
    }
}

static void
errors(void)
{
    for (enum err e = OK + 1; e < ERR_COUNT; e++) {
        const struct err_row *r = err_row(e);
        tag(r->code);
        sentence(r->en);
        printf(" (exit status %d, HTTP %d).\n", r->exit_status, r->http_status);
    }
}

static void
refusals(void)
{
    for (enum refusal i = REFUSE_NOTHING + 1; i < REFUSE_COUNT; i++) {
        const struct refusal_row *r = refusal_row(i);
        printf(".TP\n.B %d ", r->status);
        line(r->code);
        sentence(r->en);
        printf(".\n");
    }
}

/* ---- rules ---- */

static void
rule_params(const struct rule *r)
{
    for (size_t i = 0; i < r->params_n; i++) {
        const struct rule_param *p = &r->params[i];
        printf(".IP \\fB%s\\fP 4\n", p->name);
        sentence(p->en);
        printf(
            ": %.10g%s%s, from %.10g to %.10g.\n", p->initial, *p->unit ? " " : "",
            p->unit, p->min, p->max);
    }
}

static void
rules(void)
{
    for (const struct rule *const *r = rule_rows; *r; r++) {
        printf(".SS %s (%s)\n", (*r)->name, (*r)->title.zh);
        sentence((*r)->what.en);
        printf(".\n");
        printf(".br\nGround: ");
        text((*r)->legal.en);
        printf(".\n");
        rule_params(*r);
    }
}

static void
rule_numbers(void)
{
    for (const struct rule *const *r = rule_rows; *r; r++) {
        tag((*r)->name);
        for (size_t i = 0; i < (*r)->numbers_n; i++) {
            const struct rule_number *n = &(*r)->numbers[i];
            printf("%s\\fI%s\\fP (", i ? ", " : "", n->name);
            text(n->en);
            printf("%s%s)", *n->unit ? ", " : "", n->unit);
        }
        printf(".\nEvidence roles:");
        for (size_t i = 0; i < (*r)->roles_n; i++) {
            printf("%s %zu ", i ? "," : "", i);
            text((*r)->roles[i].en);
        }
        printf(".\n");
    }
}

/* ---- files and codes ---- */

static bool
is_required(const struct import_kind *k, const char *name)
{
    const char *const *r = k->required;
    while (r && *r && strcmp(*r, name) != 0)
        r++;
    return r && *r;
}

static void
import_kinds(void)
{
    const struct import_kind *k;
    for (size_t i = 0; (k = import_kind_at(i)); i++) {
        if (!k->names) /* no table */
            continue;
        tag(k->name);
        for (const char *const *n = k->names; *n; n++) {
            printf("%s", n == k->names ? "" : ", ");
            printf(is_required(k, *n) ? "\\fB%s\\fP" : "%s", *n);
        }
        printf("\n");
    }
}

static void
color_maps(void)
{
    const struct color_map *m;
    for (size_t i = 0; (m = color_map_at(i)); i++) {
        tag(m->name);
        sentence(m->en);
        printf(":");
        for (unsigned c = 0; c < sizeof m->to / sizeof *m->to; c++)
            if (m->to[c])
                printf(" %u is %u,", c, m->to[c]);
        printf(" anything else is 0.\n");
    }
}

static void
codes(void)
{
    for (const struct code_table *t = code_tables(); t->name; t++) {
        tag(t->name);
        for (size_t i = 0; i < t->n; i++) {
            printf("%s%s ", i ? ", " : "", t->rows[i].code);
            text(t->rows[i].en);
        }
        printf(".\n");
    }
}

static void
faults(void)
{
    for (enum feed_fault f = 0; f < FAULT_COUNT; f++) {
        const struct feed_fault_row *r = feed_fault_row(f);
        tag(r->name);
        sentence(r->en);
        printf("%s.\n", r->masked ? " (sample kept as a shape)" : "");
    }
}

/* ---- people and routes ---- */

static void
roles(void)
{
    for (const struct role_row *r = role_rows(); r->role; r++) {
        tag(r->name);
        sentence(r->en);
        printf(" (%s).\n", r->zh);
    }
}

static void
looks(void)
{
    for (const struct look_kind_row *r = look_kind_rows(); r->kind; r++) {
        tag(r->name);
        sentence(r->en);
        printf(".\n");
    }
}

static void
values(const char *what, const struct api_value *v)
{
    if (!v || !v->name)
        return;
    printf("%s: ", what);
    for (const struct api_value *at = v; at->name; at++) {
        printf(
            at->required ? "%s\\fB%s\\fP (" : "%s%s (", at == v ? "" : ", ", at->name);
        text(at->words ? at->words : at->en);
        printf(")");
    }
    printf(".\n");
}

static void
route_roles(unsigned bits)
{
    if (bits & ROLES_OPEN) {
        printf("anyone");
        return;
    }
    const char *comma = "";
    for (const struct role_row *r = role_rows(); r->role; r++)
        if (bits & r->role) {
            printf("%s%s", comma, r->name);
            comma = ", ";
        }
}

static void
routes(void)
{
    for (const struct api *const *a = api_rows; *a; a++)
        for (const struct api_route *t = (*a)->routes; t->path; t++) {
            printf(".TP\n.B %s /api/v1", method_name(t->method));
            line(t->path);
            sentence(t->en);
            printf(".\nFor ");
            route_roles(t->roles);
            printf(".\n");
            values("Parameters", t->params);
            values("Body", t->body);
            if (t->reply) {
                printf("Answer: ");
                text(t->reply);
                printf(".\n");
            }
        }
}

static const struct {
    const char *name;
    void (*print)(void);
} tables[] = {
    {"commands", commands},   {"serve-options", serve_options},
    {"counters", counters},   {"log", log_events},
    {"errors", errors},       {"refusals", refusals},
    {"rules", rules},         {"rule-numbers", rule_numbers},
    {"import", import_kinds}, {"color-maps", color_maps},
    {"codes", codes},         {"faults", faults},
    {"roles", roles},         {"looks", looks},
    {"routes", routes},
};

static enum err
run(const struct cmd_args *args, struct note *note)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (span_eq_cstr(args->word[0], tables[i].name)) {
            tables[i].print();
            return OK;
        }
    return note_fmt(
        note, ERR_USAGE, "TABLE", "there is no table \"%.*s\": see src/cli/cmd/man.c",
        "没有表“%.*s”：见 src/cli/cmd/man.c", SPAN_ARG(args->word[0]));
}

const struct cmd cmd_man = {
    .name = "man",
    .synopsis = "TABLE",
    .en = "Print one table of the program as troff, for tools/make-man.",
    .zh = "以 troff 输出一张内置表，供 tools/make-man 使用。",
    .words_min = 1,
    .words_max = 1,
    .hidden = true,
    .fn = run,
};
