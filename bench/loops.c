/* SPDX-License-Identifier: Apache-2.0 */
/* bench loops: the loop machine in memory, without a ledger: folding, deciding,
 * scheduling, firing.
 *
 *   ./dev bench loops [--rows N] [--json FILE]
 *
 * Run from the root of the repository: it reads definitions/loops. N matters (100,000)
 * live from opening to an end; a million clocks go through the timers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/os_clock.h"
#include "loops/matter.h"
#include "loops/timers.h"

#define ROWS_MAX 16
#define CLOCKS 1000000

struct result {
    const char *name, *unit;
    double value, bar; /* bar 0: none */
    bool lower;        /* is better */
};

struct bench {
    struct loop_defs *defs;
    struct org_table *orgs;
    struct loops_needs needs;
    struct loops_env env;
    size_t matters;
    struct result rows[ROWS_MAX];
    size_t n;
};

static bool
any_unit(void *ctx, struct unit_id id, int32_t lon, int32_t lat, struct loops_unit *out)
{
    (void)ctx, (void)id, (void)lon, (void)lat;
    *out = (struct loops_unit){
        .org = {1}, .status = UNIT_READY, .dist_m = 900, .eta_s = -1};
    return true;
}

static bool
any_user(void *ctx, struct user_id id, struct loops_user *out)
{
    (void)ctx, (void)id;
    *out = (struct loops_user){.org = {1}, .roles = ROLE_DUTY};
    return true;
}

static void
row(struct bench *b, const char *name, double value, const char *unit, double bar,
    bool lower)
{
    must(b->n < ROWS_MAX);
    b->rows[b->n++] = (struct result){name, unit, value, bar, lower};
}

static double
per_second(double count, dur_us began)
{
    return count * 1e6 / (double)(os_mono_us() - began + 1);
}

/* ---- lives ---- */

/* A person who may do everything the loop allows to the working posts. */
static const struct matter_actor somebody = {
    {7}, ROLE_DUTY | ROLE_ANALYST | ROLE_SQUAD | ROLE_SUPERVISOR, {1}, {3}};

/* A value that passes for a field. */
static json_t *
value_for(const struct loop_field *f)
{
    switch (f->type) {
    case LOOP_CHOICE:
        return json_string(f->options[0].value);
    case LOOP_FLAG:
        return json_true();
    case LOOP_NUMBER:
        return json_real(f->min > 1 ? f->min : 1);
    case LOOP_UNIT:
        return json_integer(3);
    default:
        return json_string("some words");
    }
}

/* The required fields of each move, made once. */
static json_t *
form_for(const struct loop_def *d, const struct loop_move *mv)
{
    json_t *form = json_object();
    for (unsigned i = 0; i < mv->asks_n; i++)
        if (mv->asks[i].required)
            json_object_set_new(
                form, d->fields[mv->asks[i].field].name,
                value_for(&d->fields[mv->asks[i].field]));
    return form;
}

/* The first move of the file that leads to another open state; at an end of those, any
 * that ends it. So a life walks through the loop whatever its states are called. */
static int
next_move(const struct matter *m, uint64_t been)
{
    int last = -1;
    for (int i = 0; i < m->def->moves_n; i++) {
        const struct loop_move *mv = &m->def->moves[i];
        bool hands = false;
        for (unsigned k = 0; k < mv->effects_n; k++)
            hands = hands || mv->effects[k].kind == LOOP_HAND_DOWN ||
                    mv->effects[k].kind == LOOP_HAND_BACK;
        if (mv->on != LOOP_ON_ACTION || mv->stays || hands ||
            !(mv->from >> m->state & 1))
            continue;
        bool ends = m->def->states[mv->to].kind == LOOP_TERMINAL;
        if (!ends && !(been >> mv->to & 1))
            return i;
        if (ends && mv->gates_n == 0)
            last = i;
    }
    return last;
}

/* One life into the journal; returns its events. */
static unsigned
live(
    struct bench *b, const struct loop_def *d, json_t *const *forms,
    struct buf *journal, size_t *ends, uint64_t id)
{
    struct matter m = {0};
    struct matter_opening o = {
        .id = {id},
        .code = SPAN("YJ-1"),
        .title = SPAN("套牌"),
        .place = SPAN("路口"),
        .org = {1},
        .lon = 1125500000,
        .lat = 378700000,
        .inputs = true,
        .fields = forms[d->moves_n]};
    unsigned n = 0;
    uint64_t been = UINT64_C(1) << d->start;
    must(matter_open(d, &o, NULL, &b->env, journal, NULL) == OK);
    must(matter_apply(&m, d, span_of(journal->p, journal->n)) == OK);
    ends[n++] = journal->n;
    for (int i; (i = next_move(&m, been)) >= 0 && n < 32;) {
        size_t at = journal->n;
        b->env.now += 1000;
        enum err e = matter_move(
            &m, span_cstr(d->moves[i].name), m.seq, forms[i], &somebody, &b->env,
            journal, NULL);
        must(e == OK);
        must(matter_apply(&m, NULL, span_of(journal->p + at, journal->n - at)) == OK);
        ends[n++] = journal->n;
        been |= UINT64_C(1) << m.state;
        if (m.closed_ms)
            break;
    }
    must(m.closed_ms);
    matter_release(&m);
    return n;
}

static void
bench_lives(struct bench *b, const struct loop_def *d)
{
    json_t *forms[LOOP_MAX_MOVES + 1];
    struct buf journal = {0};
    size_t ends[32], events = 0;
    unsigned n = 0;
    for (unsigned i = 0; i < d->moves_n; i++)
        forms[i] = form_for(d, &d->moves[i]);
    forms[d->moves_n] =
        json_pack("{s:i, s:b, s:f}", "contradiction", 0, "stop", 1, "probability", 0.9);
    dur_us began = os_mono_us();
    for (size_t i = 0; i < b->matters; i++) {
        buf_clear(&journal);
        n = live(b, d, forms, &journal, ends, i + 1);
        events += n;
    }
    row(b, "decide_and_fold", per_second((double)events, began), "events/s", 0, false);
    row(b, "bytes_per_event", (double)journal.n / n, "bytes", 0, true);
    began = os_mono_us();
    events = 0;
    while (events < 1000000) {
        struct matter m = {0};
        for (unsigned i = 0; i < n; i++, events++) {
            size_t from = i ? ends[i - 1] : 0;
            must(matter_apply(&m, d, span_of(journal.p + from, ends[i] - from)) == OK);
        }
        matter_release(&m);
    }
    row(b, "replay_1M_events", 1e6 / per_second((double)events, began), "s", 5, true);
    for (unsigned i = 0; i <= d->moves_n; i++)
        json_decref(forms[i]);
    buf_release(&journal);
}

/* ---- clocks ---- */

/* Every rung of one matter, opened once, fired again and again from the same state. */
static void
bench_fire(struct bench *b, const struct loop_def *d)
{
    struct matter_opening o = {
        .id = {1},
        .code = SPAN("YJ-1"),
        .title = SPAN("套牌"),
        .org = {1},
        .inputs = true};
    struct buf event = {0};
    struct matter m = {0};
    must(matter_open(d, &o, NULL, &b->env, &event, NULL) == OK);
    must(matter_apply(&m, d, span_of(event.p, event.n)) == OK);
    struct loops_env late = b->env;
    late.now = matter_due(&m);
    must(late.now != INT64_MAX);
    dur_us began = os_mono_us();
    for (int i = 0; i < 1000000; i++) {
        buf_clear(&event);
        must(matter_fire(&m, &late, &event) == OK && event.n);
    }
    row(b, "rungs_fired", per_second(1e6, began), "1/s", 10000, false);
    matter_release(&m);
    buf_release(&event);
}

static void
bench_timers(struct bench *b)
{
    struct timers t = {0};
    struct timer x;
    dur_us began = os_mono_us();
    for (uint64_t id = 1; id <= CLOCKS; id++)
        must(timers_set(&t, id, (ts_ms)(id * 2654435761u % 86400000)) == OK);
    row(b, "clocks_scheduled", per_second(CLOCKS, began), "1/s", 200000, false);
    began = os_mono_us();
    for (size_t i = 0; i < CLOCKS; i++) {
        must(timers_next(&t, &x));
        timers_drop(&t, x.id);
    }
    row(b, "clocks_taken_in_order", per_second(CLOCKS, began), "1/s", 0, false);
    timers_release(&t);
}

/* ---- output ---- */

static int
write_json(const struct bench *b, const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f) {
        perror(path);
        return 1;
    }
    fputs("[", f);
    for (size_t i = 0; i < b->n; i++) {
        const struct result *r = &b->rows[i];
        fprintf(
            f, "%s\n{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"bar\":",
            i ? "," : "", r->name, r->value, r->unit);
        if (r->bar > 0)
            fprintf(f, "%.6g", r->bar);
        else
            fputs("null", f);
        fprintf(f, ",\"better\":\"%s\"}", r->lower ? "lower" : "higher");
    }
    fputs("\n]\n", f);
    return fclose(f) != 0;
}

static void
print(const struct bench *b)
{
    for (size_t i = 0; i < b->n; i++) {
        const struct result *r = &b->rows[i];
        printf("%-24s %14.6g %-9s", r->name, r->value, r->unit);
        if (r->bar > 0)
            printf("bar %s %g", r->lower ? "<=" : ">=", r->bar);
        putchar('\n');
    }
}

int
main(int argc, char **argv)
{
    struct bench b = {.matters = 100000, .env = {.now = INT64_C(1780286400000)}};
    const char *json = NULL;
    struct note note = {0};
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t v = 0;
        if (strcmp(argv[i], "--json") == 0)
            json = argv[i + 1];
        else if (
            strcmp(argv[i], "--rows") == 0 && span_u64(span_cstr(argv[i + 1]), &v) && v)
            b.matters = (size_t)v;
        else
            return fprintf(stderr, "usage: loops [--rows N] [--json FILE]\n"), 2;
    }
    b.defs = loop_defs_new();
    b.orgs = org_table_new(2);
    must(b.defs && b.orgs);
    struct org city = {.kind = ORG_CITY, .code = "city", .name = "city"};
    org_table_put(b.orgs, &city);
    b.needs = (struct loops_needs){.unit = any_unit, .user = any_user};
    b.env.needs = &b.needs;
    b.env.orgs = b.orgs;
    if (loop_defs_load(b.defs, "definitions/loops", &note) != OK)
        return fprintf(stderr, "%s\n", note.en), 1;
    const struct loop_def *d = loop_def_opened_by(b.defs, SPAN("alarm"));
    must(d);
    bench_lives(&b, d);
    bench_fire(&b, d);
    bench_timers(&b);
    print(&b);
    int status = json ? write_json(&b, json) : 0;
    org_table_unref(b.orgs);
    loop_defs_free(b.defs);
    return status;
}
