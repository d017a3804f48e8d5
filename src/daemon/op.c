/* SPDX-License-Identifier: Apache-2.0 */
/* The operations, and what they all use. */
#include "daemon/op.h"

#include "core/cur.h"
#include "core/os_clock.h"

extern const struct op op_matter_open, op_query, op_user_add, op_user_list,
    op_device_add, op_device_list, op_verify, op_backup, op_import, op_rules_history,
    op_status, op_flight, op_evidence, op_rules, op_quality, op_video;

const struct op *const op_rows[] = {
    &op_matter_open, &op_query,  &op_user_add, &op_user_list, &op_device_add,
    &op_device_list, &op_verify, &op_backup,   &op_import,    &op_rules_history,
    &op_status,      &op_flight, &op_evidence, &op_rules,     &op_quality,
    &op_video,       NULL,
};

const struct op *
op_find(const char *name)
{
    for (const struct op *const *o = op_rows; *o; o++)
        if (strcmp((*o)->name, name) == 0)
            return *o;
    return NULL;
}

const char *
op_text(const struct op_call *c, const char *key)
{
    return json_string_value(json_object_get(c->args, key));
}

int64_t
op_number(const struct op_call *c, const char *key, int64_t absent)
{
    json_t *v = json_object_get(c->args, key);
    return json_is_integer(v) ? json_integer_value(v) : absent;
}

bool
op_flag(const struct op_call *c, const char *key)
{
    return json_is_true(json_object_get(c->args, key));
}

enum err
op_audit(
    const struct op_call *c, const char *action, const char *object, const char *detail,
    uint64_t count)
{
    struct audit_record rec = {
        .at_ms = os_now_ms(),
        .class = AUDIT_CHANGE,
        .outcome = AUDIT_OK,
        .count = count,
        .login = span_cstr(c->login),
        .address = SPAN("local"),
        .action = span_cstr(action),
        .object = span_cstr(object),
        .detail = span_cstr(detail),
    };
    uint64_t number;
    return audit_write(c->door->base->audit, &rec, &number);
}

void
op_write(FILE *out, const struct buf *b)
{
    if (b->n)
        fwrite(b->p, 1, b->n, out);
}
