/* SPDX-License-Identifier: Apache-2.0 */
/* look.begin holds everything a row of the ledger's table needs, so that the table can
 * be healed from the chain: kind, times and parameters lie in its detail as "kind=1
 * from=.. to=.. emergency=0 plate=.. parameters=.." before the person's reason. */
#include "store/audit_look.h"

#include "model/look_mint.h"
#include "store/ledger_matter.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define DETAIL_MAX 2048
#define REFUSED_USERS 4096u

/* ---- records ---- */

static struct span
begin_detail(const struct look_request *q, char dst[DETAIL_MAX])
{
    char hash[65];
    sodium_bin2hex(hash, sizeof hash, q->parameters, sizeof q->parameters);
    int n = snprintf(
        dst, DETAIL_MAX,
        "kind=%d from=%lld to=%lld emergency=%d plate=%llu parameters=%s %.*s",
        (int)q->kind, (long long)q->from_ms, (long long)q->to_ms, q->emergency,
        (unsigned long long)q->plate.v, hash, SPAN_ARG(q->why));
    return (struct span){dst, n < DETAIL_MAX ? (size_t)n : DETAIL_MAX - 1};
}

static struct audit_record
record_of(const struct look_request *q)
{
    return (struct audit_record){
        .at_ms = q->now_ms,
        .class = AUDIT_LOOK,
        .role = (uint8_t)q->roles,
        .user = q->user.v,
        .matter = q->matter,
        .count = AUDIT_NO_COUNT,
        .login = span_cstr(q->login),
        .address = span_cstr(q->address),
        .object = span_cstr(look_kind_get(q->kind)->name),
        .purpose = q->purpose,
        .subject = q->subject,
    };
}

/* ---- begin ---- */

/* now is of today, also where the look is an older one: a grant may have run out. */
static enum err
learn_matter(
    struct ledger_reader *ledger, const struct org_table *orgs,
    const struct look_request *q, ts_ms now, struct look_matter *out)
{
    struct matter_row row = {0};
    *out = (struct look_matter){0};
    if (q->matter == 0)
        return OK;
    enum err e = ledger_matter_find(ledger, q->matter, &row);
    if (e)
        return e == ERR_NOTFOUND ? OK : e;
    out->found = true;
    out->open = row.open;
    memcpy(out->kind, row.kind, sizeof out->kind);
    /* Its organisation is in the asker's part of the tree, or it was opened by the
     * asker, or is worked by the asker or the unit the asker crews. */
    out->in_scope = org_covers(orgs, q->org, row.org) ||
                    (row.opened_by.v && row.opened_by.v == q->user.v) ||
                    (row.owner_user.v && row.owner_user.v == q->user.v) ||
                    (row.owner_unit.v && row.owner_unit.v == q->unit.v);
    if (q->from_ms == 0 && q->to_ms == 0)
        return OK;
    return ledger_granted(ledger, q->matter, q->user, q->from_ms, now, &out->granted);
}

static enum err
write_refusal(struct audit *a, const struct look_request *q, enum look_refusal refusal)
{
    uint64_t number;
    struct audit_record r = record_of(q);
    r.action = SPAN("look.refused");
    r.outcome = AUDIT_REFUSED;
    r.detail = span_cstr(look_refusal_code(refusal));
    return audit_write(a, &r, &number);
}

enum err
audit_look_begin(
    struct audit *a, struct ledger_reader *ledger, const struct look_rules *rules,
    const struct org_table *orgs, const struct look_request *q,
    struct look_permit **out, enum look_refusal *refusal, struct note *note)
{
    struct look_matter matter;
    char detail[DETAIL_MAX];
    enum err e = learn_matter(ledger, orgs, q, q->now_ms, &matter);
    if (e)
        return e;
    *refusal = look_check(rules, q, &matter, note);
    if (*refusal) {
        e = write_refusal(a, q, *refusal);
        return e ? e : ERR_DENIED;
    }
    struct look_limits limits = {
        .user = q->user,
        .matter = q->matter,
        .kinds = (unsigned)q->kind,
        .from_ms = q->from_ms,
        .to_ms = q->to_ms,
        .plate = q->plate,
        .emergency = q->emergency,
        .begin_ms = q->now_ms,
    };
    struct audit_record r = record_of(q);
    r.action = SPAN("look.begin");
    r.detail = begin_detail(q, detail);
    e = audit_append(a, &r, &limits.number);
    if (e)
        return e;
    *out = look_permit_new(&limits);
    return *out ? OK : ERR_NOMEM;
}

/* ---- without a record of its own ---- */

enum err
audit_look_check(
    struct ledger_reader *ledger, const struct look_rules *rules,
    const struct org_table *orgs, const struct look_request *q,
    enum look_refusal *refusal, struct note *note)
{
    struct look_matter matter;
    enum err e = learn_matter(ledger, orgs, q, q->now_ms, &matter);
    if (!e)
        *refusal = look_check(rules, q, &matter, note);
    return e;
}

static enum look_refusal
unconfirmed(const struct look_row *row, ts_ms now, struct note *note)
{
    bool rejected = row->confirmed_by.v && row->accepted == 0;
    bool late = !row->confirmed_by.v && now > row->confirm_by_ms;
    if (!row->emergency || (!rejected && !late))
        return LOOK_ALLOWED;
    (void)note_set(
        note, ERR_DENIED, "look",
        rejected ? "a supervisor rejected this emergency look"
                 : "nobody confirmed this emergency look in time: look again with a "
                   "matter",
        rejected ? "该紧急查询未获主管认可"
                 : "该紧急查询逾期未补批，请关联事项重新查询");
    (void)note_code(note, ERR_DENIED, look_refusal_code(LOOK_UNCONFIRMED));
    return LOOK_UNCONFIRMED;
}

enum err
audit_look_stands(
    struct ledger_reader *ledger, const struct look_rules *rules,
    const struct org_table *orgs, const struct look_request *who, uint64_t number,
    struct look_row *out, enum look_refusal *refusal, struct note *note)
{
    struct look_row row;
    struct look_matter matter;
    enum err e = number ? ledger_look_find(ledger, number, &row) : ERR_NOTFOUND;
    if (!e &&
        (row.user.v != who->user.v || row.state != LOOK_DONE || !row.scope.answered))
        e = ERR_NOTFOUND;
    if (e)
        return e;
    struct look_request q = *who;
    q.kind = row.kind;
    q.matter = row.matter;
    q.purpose = span_cstr(row.purpose);
    q.plate = row.plate;
    q.from_ms = row.from_ms;
    q.to_ms = row.to_ms;
    q.emergency = row.emergency;
    q.why = span_cstr(row.why);
    q.now_ms = row.at_ms;
    *refusal = unconfirmed(&row, who->now_ms, note);
    if (!*refusal)
        e = learn_matter(ledger, orgs, &q, who->now_ms, &matter);
    if (!e && !*refusal)
        *refusal = look_check(rules, &q, &matter, note);
    if (!e)
        *out = row;
    return e;
}

/* ---- end ---- */

enum err
audit_look_end(
    struct audit *a, struct look_permit **permit, uint64_t count,
    enum audit_outcome outcome, ts_ms now, struct look_row *row)
{
    must(*permit);
    const struct look_limits *l = look_permit_limits(*permit);
    uint64_t number;
    struct audit_record r = {
        .at_ms = now,
        .class = AUDIT_LOOK,
        .outcome = (uint8_t)outcome,
        .user = l->user.v,
        .matter = l->matter,
        .link = l->number,
        .count = count,
        .action = SPAN("look.end"),
    };
    row->number = l->number;
    row->at_ms = l->begin_ms;
    row->user = l->user;
    row->matter = l->matter;
    row->kind = (uint8_t)l->kinds;
    row->state = outcome == AUDIT_OK ? LOOK_DONE : LOOK_FAILED;
    row->emergency = l->emergency;
    row->plate = l->plate;
    row->from_ms = l->from_ms;
    row->to_ms = l->to_ms;
    row->count = count;
    look_permit_free(*permit);
    *permit = NULL;
    return audit_write(a, &r, &number);
}

void
audit_look_row(
    const struct look_rules *rules, const struct look_request *q, struct look_row *row)
{
    *row = (struct look_row){.accepted = -1};
    (void)span_copy(row->purpose, sizeof row->purpose, q->purpose);
    memcpy(row->parameters, q->parameters, sizeof row->parameters);
    if (!q->emergency)
        return;
    span_copy_fit(row->why, sizeof row->why, q->why);
    row->confirm_by_ms = q->now_ms + rules->emergency_confirm_h * HOUR_MS;
}

/* ---- refusals ---- */

struct refusals {
    struct arena *arena;
    struct misuse_finding *rows;
    size_t n;
    ts_ms from, to;
    bool full;
};

static struct misuse_finding *
refused_user(struct refusals *w, uint32_t user)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->rows[i].user.v == user)
            return &w->rows[i];
    if (w->n == REFUSED_USERS)
        return NULL;
    w->rows[w->n] = (struct misuse_finding){.kind = MISUSE_REFUSED, .user = {user}};
    return &w->rows[w->n++];
}

static bool
count_refusal(void *arg, const struct audit_row *row)
{
    struct refusals *w = arg;
    const struct audit_record *r = &row->record;
    if (r->class != AUDIT_LOOK || r->outcome != AUDIT_REFUSED || !r->user ||
        r->at_ms < w->from || r->at_ms >= w->to)
        return true;
    struct misuse_finding *x = refused_user(w, r->user);
    if (!x) {
        w->full = true;
        return false;
    }
    x->n++;
    x->at_ms = r->at_ms;
    x->looks[(x->n - 1) % MISUSE_LOOKS] = r->number;
    x->looks_n = x->n < MISUSE_LOOKS ? x->n : MISUSE_LOOKS;
    return true;
}

enum err
audit_refusals(
    struct audit *a, const struct misuse_limits *limits, ts_ms from, ts_ms to,
    struct arena *arena, struct misuse_finding **out, size_t *n)
{
    struct refusals w = {.from = from, .to = to};
    size_t kept = 0;
    w.rows = arena_array(arena, REFUSED_USERS, sizeof *w.rows);
    enum err e = w.rows ? audit_each(a, 0, count_refusal, &w) : ERR_TOOBIG;
    if (!e && w.full)
        e = ERR_TOOBIG;
    for (size_t i = 0; !e && i < w.n; i++) {
        struct misuse_finding *x = &w.rows[i];
        if (x->n < limits->refused_n)
            continue;
        snprintf(x->zh, sizeof x->zh, "查询或图片被拒 %u 次", x->n);
        snprintf(x->en, sizeof x->en, "was refused looks or pictures %u times", x->n);
        w.rows[kept++] = *x;
    }
    if (!e) {
        *out = w.rows;
        *n = kept;
    }
    return e;
}

/* ---- healing ---- */

struct heal {
    struct ledger *l;
    const struct look_rules *rules;
    uint64_t healed;
    enum err e;
};

/* The number behind "key=" in s. */
static int64_t
number_of(struct span s, const char *key)
{
    struct span rest = s;
    size_t n = strlen(key);
    while (rest.n) {
        struct span word = span_cut(&rest, ' ');
        int64_t v = 0;
        uint64_t u = 0;
        if (word.n > n && memcmp(word.p, key, n) == 0 && word.p[n] == '=') {
            struct span text = span_skip(word, n + 1);
            if (span_i64(text, &v))
                return v;
            return span_u64(text, &u) ? (int64_t)u : 0;
        }
    }
    return 0;
}

static void
heal_begin(struct heal *h, const struct audit_record *r)
{
    struct look_row row = {
        .number = r->number,
        .at_ms = r->at_ms,
        .user = {r->user},
        .matter = r->matter,
        .kind = (uint8_t)number_of(r->detail, "kind"),
        .state = LOOK_RUNNING,
        .emergency = number_of(r->detail, "emergency") != 0,
        .plate = {(uint64_t)number_of(r->detail, "plate")},
        .from_ms = number_of(r->detail, "from"),
        .to_ms = number_of(r->detail, "to"),
        .accepted = -1,
    };
    (void)span_copy(row.purpose, sizeof row.purpose, r->purpose);
    static const char key[] = "parameters=";
    const char *at = memmem(r->detail.p, r->detail.n, key, sizeof key - 1);
    if (at) {
        struct span rest = {at, r->detail.n - (size_t)(at - r->detail.p)};
        struct span hex = span_skip(span_cut(&rest, ' '), sizeof key - 1);
        (void)sodium_hex2bin(
            row.parameters, sizeof row.parameters, hex.p, hex.n, NULL, NULL, NULL);
        span_copy_fit(row.why, sizeof row.why, rest);
    }
    if (row.emergency)
        row.confirm_by_ms = r->at_ms + h->rules->emergency_confirm_h * HOUR_MS;
    h->e = ledger_look_put(h->l, &row);
    h->healed++;
}

static void
heal_end(struct heal *h, const struct audit_record *r)
{
    struct look_row row;
    h->e = ledger_look_find(ledger_as_reader(h->l), r->link, &row);
    if (h->e == ERR_NOTFOUND) {
        h->e = OK;
        return;
    }
    if (h->e || row.state != LOOK_RUNNING)
        return;
    row.state = r->outcome == AUDIT_OK ? LOOK_DONE : LOOK_FAILED;
    row.count = r->count;
    h->e = ledger_look_put(h->l, &row);
}

static bool
heal_record(void *arg, const struct audit_row *row)
{
    struct heal *h = arg;
    struct look_row known;
    const struct audit_record *r = &row->record;
    if (span_eq_cstr(r->action, "look.begin")) {
        h->e = ledger_look_find(ledger_as_reader(h->l), r->number, &known);
        if (h->e == ERR_NOTFOUND)
            heal_begin(h, r);
    } else if (span_eq_cstr(r->action, "look.end")) {
        heal_end(h, r);
    }
    return h->e == OK;
}

/* Where the last healing ended, so that a start reads only what came since. */
#define HEALED_KEY "looks_healed"

enum err
audit_look_heal(
    struct audit *a, struct ledger *l, const struct look_rules *rules, uint64_t *healed)
{
    struct heal h = {.l = l, .rules = rules};
    struct arena arena;
    struct span text;
    uint64_t from = 0, last = audit_durable(a);
    arena_init(&arena, 4096);
    enum err e = ledger_meta_find(ledger_as_reader(l), HEALED_KEY, &arena, &text);
    if (!e && !span_u64(text, &from))
        from = 0;
    arena_release(&arena);
    if (e == OK || e == ERR_NOTFOUND)
        e = audit_each(a, from, heal_record, &h);
    if (!e)
        e = h.e;
    if (!e) {
        char number[24];
        int n = snprintf(number, sizeof number, "%llu", (unsigned long long)last);
        e = ledger_meta_put(l, HEALED_KEY, (struct span){number, (size_t)n});
    }
    if (!e)
        *healed = h.healed;
    return e;
}
