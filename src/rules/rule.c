/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule.h"

#include <string.h>

size_t
rule_count(void)
{
    size_t n = 0;
    while (rule_rows[n])
        n++;
    return n;
}

size_t
rule_index(struct span name)
{
    size_t i = 0;
    while (rule_rows[i] && !span_eq_cstr(name, rule_rows[i]->name))
        i++;
    return i;
}

const struct rule *
rule_find(struct span name)
{
    return rule_rows[rule_index(name)];
}

const struct rule_number *
rule_number_find(const struct rule *r, const char *name)
{
    for (size_t i = 0; i < r->numbers_n; i++)
        if (strcmp(r->numbers[i].name, name) == 0)
            return &r->numbers[i];
    return NULL;
}

const struct rule_text *
rule_role(const struct rule *r, unsigned role)
{
    return role < r->roles_n ? &r->roles[role] : NULL;
}
