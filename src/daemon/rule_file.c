/* SPDX-License-Identifier: Apache-2.0 */
/* definitions/rules.yaml by the same reader as the loops, so that every message says
 * line and column. */
#include "daemon/rule_file.h"

#include "core/os_file.h"
#include "loops/ydoc.h"

#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX (1u << 20)

static enum err
read_param(
    const struct ydoc *y, const struct ydoc_node *node, const struct rule *rule,
    struct rule_settings *s, struct note *note)
{
    struct note why = {0};
    double value = 0;
    bool on = true;
    enum err e = OK;
    if (span_eq_cstr(node->key, "on")) {
        e = ydoc_get_flag(y, node, &on, note);
        s->off[rule_index(span_cstr(rule->name))] = !on;
        return e;
    }
    /* An unknown name is the error, whatever stands behind it. */
    bool number =
        node->kind == YDOC_TEXT && node->plain && span_f64(node->text, &value);
    bool known = false;
    for (size_t p = 0; p < rule->params_n; p++)
        known |= span_eq_cstr(node->key, rule->params[p].name);
    if (known && !number)
        return ydoc_get_number(y, node, &value, note);
    e = rule_settings_put(s, rule, node->key, value, &why);
    if (e == OK)
        return OK;
    return (known ? ydoc_wrong : ydoc_wrong_key)(
        y, node, note, e, "%1$s%2$.0s", "%1$.0s%2$s", why.en, why.zh);
}

static bool
is_empty(const struct ydoc_node *node)
{
    return node->kind == YDOC_TEXT && node->plain && node->text.n == 0;
}

static enum err
read_rule(
    const struct ydoc *y, const struct ydoc_node *node, struct rule_settings *s,
    struct note *note)
{
    const struct rule *rule = rule_find(node->key);
    if (!rule) {
        char names[400] = "";
        size_t at = 0;
        for (size_t i = 0; rule_rows[i] && at < sizeof names - 32; i++)
            at += (size_t)snprintf(
                names + at, sizeof names - at, "%s%s", i ? ", " : "",
                rule_rows[i]->name);
        return ydoc_wrong_key(
            y, node, note, ERR_INPUT, "there is no rule %.*s; there are %s",
            "没有规则 %.*s，可设：%s", (int)node->key.n, node->key.p, names);
    }
    if (is_empty(node))
        return OK;
    enum err e = ydoc_want(y, node, YDOC_MAP, note);
    for (const struct ydoc_node *p = node->first; e == OK && p; p = p->next)
        e = read_param(y, p, rule, s, note);
    return e;
}

static enum err
read_rules(const struct ydoc *y, struct rule_settings *s, struct note *note)
{
    static const char *const keys[] = {"rules"};
    const struct ydoc_node *list;
    enum err e = ydoc_want(y, ydoc_root(y), YDOC_MAP, note);
    if (e == OK)
        e = ydoc_only(y, ydoc_root(y), keys, 1, note);
    if (e == OK)
        e = ydoc_need(y, ydoc_root(y), "rules", &list, note);
    if (e != OK || is_empty(list))
        return e;
    e = ydoc_want(y, list, YDOC_MAP, note);
    for (const struct ydoc_node *n = list->first; e == OK && n; n = n->next)
        e = read_rule(y, n, s, note);
    return e;
}

static bool
is_there(const char *path)
{
    FILE *f = fopen(path, "re");
    if (f)
        fclose(f);
    return f != NULL;
}

enum err
rule_file_read(const char *path, struct rule_settings *out, struct note *note)
{
    struct rule_settings s;
    struct ydoc *y = NULL;
    char *text = NULL;
    size_t n;
    rule_settings_init(&s);
    if (is_there(path)) {
        enum err e = os_read_file(os_fs_real(), path, FILE_MAX, &text, &n, note);
        if (e == OK)
            e = ydoc_parse(span_of(text, n), path, &y, note);
        if (e == OK)
            e = read_rules(y, &s, note);
        if (y)
            ydoc_free(y);
        free(text);
        if (e != OK)
            return e;
    }
    *out = s;
    return OK;
}
