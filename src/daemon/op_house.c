/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots come from the base; the model is the newest frozen one of the ledger. */
#include "daemon/op_house.h"

#include "core/cur.h"
#include "core/os_clock.h"
#include "store/ledger_alarm.h"
#include "store/ledger_matter.h"

static struct site_table *
sites(void *ctx)
{
    const struct op_house *h = ctx;
    return base_sites(h->base);
}

static struct org_table *
org(void *ctx)
{
    const struct op_house *h = ctx;
    return base_org(h->base);
}

static struct watch_set *
watches(void *ctx)
{
    const struct op_house *h = ctx;
    return base_watches(h->base);
}

static struct model *
model(void *ctx)
{
    const struct op_house *h = ctx;
    return h->model ? model_ref(h->model) : NULL;
}

enum err
op_house_open(const struct op_call *c, struct op_house *h)
{
    struct base *b = c->door->base;
    struct arena a;
    struct model_row row;
    *h = (struct op_house){
        .base = b,
        .house =
            {
                .ctx = h,
                .fs = os_fs_real(),
                .dir = b->dir,
                .zone = b->zone,
                .loops = b->loops,
                .looks = &b->looks,
                .audit = b->audit,
                .sight = b->sight,
                .registry = b->registry,
                .sites = sites,
                .org = org,
                .watches = watches,
                .model = model,
            },
    };
    arena_init(&a, 256 << 20);
    enum err e = ledger_model_newest(c->door->reader, &a, &row);
    if (e == OK)
        e = model_decode(row.bytes, &h->model);
    arena_release(&a);
    return e == ERR_NOTFOUND ? OK : e;
}

void
op_house_close(struct op_house *h)
{
    model_unref(h->model);
    h->model = NULL;
}

static enum err
find_matter(const struct op_call *c, uint64_t *id, struct note *note)
{
    const char *text = op_text(c, "matter");
    struct matter_row row;
    uint64_t number;
    *id = 0;
    if (!text)
        return OK;
    enum err e = ledger_matter_by_number(c->door->reader, span_cstr(text), &row);
    if (e == ERR_NOTFOUND && span_u64(span_cstr(text), &number))
        e = ledger_matter_find(c->door->reader, number, &row);
    if (e == ERR_NOTFOUND)
        return note_fmt(
            note, e, "matter", "there is no matter \"%s\"", "没有事项“%s”", text);
    if (e == OK)
        *id = row.id;
    return e;
}

/* A purpose that is none is told with those there are. */
static enum err
check_purpose(const struct op_call *c, struct note *note)
{
    const char *text = op_text(c, "purpose");
    const struct look_rules *r = &c->door->base->looks;
    struct buf have = {0};
    if (!text || look_purpose_find(r, span_cstr(text)))
        return OK;
    for (unsigned i = 0; i < r->purposes_n; i++)
        buf_fmt(&have, "%s%s", i ? ", " : "", r->purposes[i].code);
    enum err e = note_fmt(
        note, ERR_USAGE, "purpose", "\"%s\" is no purpose: %.*s",
        "“%s”不是事由代码，可用：%.*s", text, (int)have.n,
        have.n ? (const char *)have.p : "");
    buf_release(&have);
    return e;
}

enum err
op_house_who(
    struct op_call *c, enum look_kind kind, struct look_request *out, struct note *note)
{
    struct org_table *orgs = base_org(c->door->base);
    struct look_request q = {
        .kind = kind,
        .roles = ROLE_ANALYST,
        .login = c->login,
        .address = "local",
        .org = {orgs->n ? orgs->rows[1].id.v : 1},
        .purpose = span_cstr(op_text(c, "purpose")),
        .from_ms = op_number(c, "from", 0),
        .to_ms = op_number(c, "to", 0),
        .now_ms = os_now_ms(),
    };
    org_table_unref(orgs);
    enum err e = check_purpose(c, note);
    if (e == OK)
        e = find_matter(c, &q.matter, note);
    if (e == OK)
        *out = q;
    return e;
}

static enum err
put_look(struct base *b, void *arg, struct note *note)
{
    (void)note;
    return ledger_look_put(b->ledger, arg);
}

enum err
op_house_looked(const struct op_call *c, struct look_row *row, struct note *note)
{
    return door_ledger(c->door, put_look, row, note);
}
