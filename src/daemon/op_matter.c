/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu matter open: opens a matter of a kind that may be opened by hand, and prints
 * its number. */
#include "core/os_clock.h"
#include "core/cur.h"
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

/* A kind that is none, or none to open by hand, is told with those that are. */
static enum err
check_kind(struct base *b, const char *kind, struct note *note)
{
    struct buf have = {0};
    const struct loop_def *d = loop_def_find(b->loops, span_cstr(kind));
    if (d && d->by_hand)
        return OK;
    for (size_t i = 0; (d = loop_defs_at(b->loops, i)); i++)
        if (d->by_hand)
            buf_fmt(&have, "%s%s", have.n ? ", " : "", d->kind);
    enum err e = note_fmt(
        note, ERR_USAGE, "kind",
        "\"%s\" is no kind of matter that is opened by hand: %.*s",
        "“%s”不是可手工建立的事项种类，可用：%.*s", kind, (int)have.n,
        have.n ? (const char *)have.p : "");
    buf_release(&have);
    return e;
}

static enum err
run(struct op_call *c, struct note *note)
{
    struct opening o = {
        op_text(c, "kind"), op_text(c, "title"), json_object_get(c->args, "fields"),
        ""};
    enum err e = check_kind(c->door->base, o.kind, note);
    if (e == OK && !o.title[0])
        e = note_set(
            note, ERR_USAGE, "title", "say what it is about: --title TEXT",
            "请用 --title 说明事由");
    if (e == OK)
        e = door_ledger(c->door, open_it, &o, note);
    if (e == OK)
        e = op_audit(c, "matter.open", o.number, o.title, 1);
    if (e == OK)
        fprintf(c->out, "%s\n", o.number);
    return e;
}

const struct op op_matter_open = {.name = "matter_open", .fn = run};
