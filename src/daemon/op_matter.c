/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu matter open: opens a matter of a kind that may be opened by hand, and prints
 * its number. */
#include "core/os_clock.h"
#include "daemon/op.h"
#include "serve/desk.h"

struct opening {
    const char *kind, *title;
    json_t *fields;
    char number[32];
};

static enum err
open_it(struct base *b, void *arg, struct note *note)
{
    struct opening *o = arg;
    struct org_table *orgs = base_org(b);
    struct site_table *sites = base_sites(b);
    struct desk desk = {
        .defs = b->loops,
        .orgs = orgs,
        .sites = sites,
        .zone = &b->zone,
        .ledger = b->ledger,
        .reader = ledger_as_reader(b->ledger),
        .now = os_now_ms(),
    };
    /* The machine's own keyboard stands for the command centre: every working role, at
     * the root. */
    struct matter_actor by = {
        .roles = ROLE_DUTY | ROLE_ANALYST | ROLE_SUPERVISOR,
        .org = {orgs->n ? orgs->rows[1].id.v : 1},
    };
    uint64_t id;
    struct matter_row row;
    enum err e = desk_open(
        &desk, span_cstr(o->kind), span_cstr(o->title), o->fields, &by, &id, note);
    if (e == OK)
        e = ledger_matter_find(desk.reader, id, &row);
    if (e == OK)
        snprintf(o->number, sizeof o->number, "%s", row.number);
    org_table_unref(orgs);
    site_table_unref(sites);
    return e;
}

static enum err
run(struct op_call *c, struct note *note)
{
    struct opening o = {
        op_text(c, "kind"), op_text(c, "title"), json_object_get(c->args, "fields"),
        ""};
    enum err e = door_ledger(c->door, open_it, &o, note);
    if (e == OK)
        e = op_audit(c, "matter.open", o.number, o.title, 1);
    if (e == OK)
        fprintf(c->out, "%s\n", o.number);
    return e;
}

const struct op op_matter_open = {.name = "matter_open", .fn = run};
