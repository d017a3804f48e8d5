/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked is what an analyst would ask, in one matter; what comes back is held
 * against the truth as sets of keys: hashes of a plate and of what the answer says. */
#include "cli/bench_questions.h"

#include "core/hash.h"
#include "core/os_file.h"
#include "daemon/door.h"
#include "feeds/csv.h"

#include <jansson.h>
#include <stdlib.h>

#define ASKED_AT_ONCE 60 /* plates of one companion question */
#define ASKED_MOST 600   /* convoy members, and as many others */
#define DAYS_MOST 31

/* ---- sets of keys ---- */

struct keys {
    uint64_t *v;
    size_t n, room;
};

static void
keys_add(struct keys *k, uint64_t v)
{
    if (k->n == k->room) {
        k->room = k->room ? k->room * 2 : 1024;
        k->v = realloc(k->v, k->room * sizeof *k->v);
        must(k->v != NULL);
    }
    k->v[k->n++] = v;
}

static int
by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void
keys_sort(struct keys *k)
{
    size_t n = 0;
    if (k->n)
        qsort(k->v, k->n, sizeof *k->v, by_value);
    for (size_t i = 0; i < k->n; i++)
        if (n == 0 || k->v[i] != k->v[n - 1])
            k->v[n++] = k->v[i];
    k->n = n;
}

static bool
keys_have(const struct keys *k, uint64_t v)
{
    return k->n && bsearch(&v, k->v, k->n, sizeof *k->v, by_value);
}

static void
keys_free(struct keys *k)
{
    free(k->v);
    *k = (struct keys){0};
}

static uint64_t
key_of(struct span a, struct span b)
{
    return hash_pair(hash_span(a, 1), hash_span(b, 2));
}

/* ---- what is known ---- */

struct violation { /* `what` tells two of one plate apart */
    uint64_t plate, what;
};
struct status_read { /* a record of a vehicle that should not be on the road */
    uint64_t record, plate;
};

struct bench {
    const char *data, *truth;
    char *matter;
    struct violation *done;
    size_t done_n, done_room;
    struct status_read *status; /* by record */
    size_t status_n, status_room;
    struct keys bad;     /* record ids of misreads */
    struct keys touched; /* plates that are not only their own */
    struct keys pairs;   /* of convoys: both orders */
    struct keys members;
    char (*ask)[PLATE_TEXT]; /* plates to ask companions of */
    size_t asks, members_n, asks_room;
    ts_ms first, last;
};

static void
ask_about(struct bench *b, struct span plate)
{
    if (b->asks == b->asks_room) {
        b->asks_room = b->asks_room ? b->asks_room * 2 : 256;
        b->ask = realloc(b->ask, b->asks_room * sizeof *b->ask);
        must(b->ask != NULL);
    }
    if (span_copy(b->ask[b->asks], sizeof *b->ask, plate))
        b->asks++;
}

/* A row of a table; cell[i] is the i-th of the names. */
typedef void (*row_fn)(void *arg, const struct span *cell);
#define CELLS 8

static enum err
each_row(FILE *f, const char *const *names, row_fn fn, void *arg, struct note *note)
{
    struct csv *csv = NULL;
    struct csv_record rec;
    struct csv_conf conf = {.source = csv_from_file, .ctx = f};
    int column[CELLS + 1];
    enum err e = csv_new(&conf, &csv, note);
    if (e == OK)
        e = csv_columns(csv, names, names, column, note);
    while (e == OK && (e = csv_next(csv, &rec, note)) == OK) {
        struct span cell[CELLS];
        for (int i = 0; names[i]; i++)
            cell[i] = csv_field(&rec, column[i]);
        fn(arg, cell);
    }
    if (csv)
        csv_free(csv);
    return e == ERR_NOTFOUND ? OK : e;
}

/* A table of the truth; one that is not there has no rows. */
static enum err
each_truth(
    const struct bench *b, const char *name, const char *const *names, row_fn fn,
    void *arg, struct note *note)
{
    char file[OS_PATH];
    snprintf(file, sizeof file, "%s/truth/%s", b->truth, name);
    FILE *f = fopen(file, "r");
    if (!f) {
        snprintf(file, sizeof file, "%s/%s", b->truth, name);
        f = fopen(file, "r");
    }
    if (!f)
        return OK;
    enum err e = each_row(f, names, fn, arg, note);
    fclose(f);
    if (e ==
        ERR_INPUT) { /* its columns are another maker's: what needs it is not scored */
        fprintf(stderr, "%s: %s\n", file, note->en);
        e = OK;
    }
    return e;
}

static void
see_misread(void *arg, const struct span *cell)
{
    struct bench *b = arg;
    if (span_eq_cstr(cell[1], "misread"))
        keys_add(&b->bad, hash_span(cell[0], 0));
}

static void
see_worn(void *arg, const struct span *cell)
{
    struct bench *b = arg;
    keys_add(&b->touched, hash_span(cell[0], 1));
}

static void
see_convoy(void *arg, const struct span *cell)
{
    struct bench *b = arg;
    struct span plates = cell[0];
    while (plates.n) {
        struct span one = span_cut(&plates, ' '), rest = cell[0];
        if (one.n == 0)
            continue;
        keys_add(&b->members, hash_span(one, 1));
        if (b->asks < ASKED_MOST)
            ask_about(b, one);
        while (rest.n) {
            struct span other = span_cut(&rest, ' ');
            if (other.n && !span_eq(one, other))
                keys_add(&b->pairs, key_of(one, other));
        }
    }
}

/* ---- who broke the law, and how often ---- */

static void
violation(struct bench *b, uint64_t plate, uint64_t what)
{
    if (b->done_n == b->done_room) {
        b->done_room = b->done_room ? b->done_room * 2 : 1024;
        b->done = realloc(b->done, b->done_room * sizeof *b->done);
        must(b->done != NULL);
    }
    b->done[b->done_n++] = (struct violation){plate, what};
}

/* Cells: plate, zone, from, permit. */
static void
see_ban(void *arg, const struct span *cell)
{
    struct bench *b = arg;
    if (span_eq_cstr(cell[3], "0"))
        violation(b, hash_span(cell[0], 1), key_of(cell[1], cell[2]));
}

/* Cells: plate and what tells two of them apart. */
static void
see_curfew(void *arg, const struct span *cell)
{
    struct bench *b = arg;
    violation(b, hash_span(cell[0], 1), hash_span(cell[1], 3));
}

static void
see_speed(void *arg, const struct span *cell)
{
    struct bench *b = arg;
    violation(b, hash_span(cell[0], 1), key_of(cell[1], cell[2]));
}

/* Cells: plate, record ids. Which days they are of is seen with the passes. */
static void
see_status(void *arg, const struct span *cell)
{
    struct bench *b = arg;
    struct span ids = cell[1];
    while (ids.n) {
        struct span id = span_cut(&ids, ' ');
        if (id.n == 0)
            continue;
        if (b->status_n == b->status_room) {
            b->status_room = b->status_room ? b->status_room * 2 : 1024;
            b->status = realloc(b->status, b->status_room * sizeof *b->status);
            must(b->status != NULL);
        }
        b->status[b->status_n++] =
            (struct status_read){hash_span(id, 0), hash_span(cell[0], 1)};
    }
}

static int
by_record(const void *p, const void *q)
{
    const struct status_read *x = p, *y = q;
    return (x->record > y->record) - (x->record < y->record);
}

/* A vehicle's days of bad status: one violation each. */
static void
see_status_pass(struct bench *b, uint64_t record, ts_ms at)
{
    struct status_read key = {.record = record}, *r = NULL;
    if (b->status_n)
        r = bsearch(&key, b->status, b->status_n, sizeof key, by_record);
    if (r && at)
        violation(b, r->plate, hash_u64((uint64_t)((at + 8 * HOUR_MS) / DAY_MS)));
}

static enum err
learn_violations(struct bench *b, struct note *note)
{
    static const char *const ban[] = {"plate", "zone", "from", "permit", NULL};
    static const char *const curfew[] = {"plate", "from", NULL};
    static const char *const speed[] = {"plate", "section", "kmh", NULL};
    static const char *const status[] = {"plate", "record_ids", NULL};
    enum err e = each_truth(b, "bans.csv", ban, see_ban, b, note);
    if (e == OK)
        e = each_truth(b, "curfew.csv", curfew, see_curfew, b, note);
    if (e == OK)
        e = each_truth(b, "speed.csv", speed, see_speed, b, note);
    if (e == OK)
        e = each_truth(b, "status.csv", status, see_status, b, note);
    if (b->status_n)
        qsort(b->status, b->status_n, sizeof *b->status, by_record);
    return e;
}

static bool
is_whole(struct span text)
{
    struct plate p;
    bool differs;
    (void)plate_parse(text, &p, &differs);
    return plate_is_exact(p);
}

/* Times, plates that misreads touch, and others to ask about: one in so many. */
#define ONE_IN 61

static void
see_pass(void *arg, const struct span *cell)
{
    struct bench *b = arg;
    int64_t at = 0;
    uint64_t plate = hash_span(cell[0], 1);
    if (span_i64(cell[2], &at)) {
        b->first = !b->first || at < b->first ? at : b->first;
        b->last = at > b->last ? at : b->last;
    }
    if (keys_have(&b->bad, hash_span(cell[1], 0)))
        keys_add(&b->touched, plate);
    see_status_pass(b, hash_span(cell[1], 0), b->status_n ? at : 0);
    if (plate % ONE_IN == 0 && is_whole(cell[0]) && b->asks < 2 * b->members_n &&
        !keys_have(&b->members, plate)) {
        for (size_t i = b->members_n; i < b->asks; i++)
            if (span_eq_cstr(cell[0], b->ask[i]))
                return;
        ask_about(b, cell[0]);
    }
}

static enum err
learn(struct bench *b, struct note *note)
{
    static const char *const misread[] = {"record_id", "read", NULL};
    static const char *const worn[] = {"plate", NULL};
    static const char *const convoy[] = {"plates", NULL};
    static const char *const pass[] = {"plate", "record_id", "time_ms", NULL};
    char file[OS_PATH];
    enum err e = each_truth(b, "misreads.csv", misread, see_misread, b, note);
    if (e == OK)
        e = each_truth(b, "clones.csv", worn, see_worn, b, note);
    if (e == OK)
        e = each_truth(b, "fakes.csv", worn, see_worn, b, note);
    if (e == OK)
        e = each_truth(b, "convoys.csv", convoy, see_convoy, b, note);
    if (e == OK)
        e = learn_violations(b, note);
    keys_sort(&b->bad);
    keys_sort(&b->pairs);
    keys_sort(&b->members);
    b->members_n = b->asks;
    snprintf(file, sizeof file, "%s/sightings.csv", b->truth);
    FILE *f = e == OK ? fopen(file, "r") : NULL;
    if (f) {
        e = each_row(f, pass, see_pass, b, note);
        fclose(f);
    }
    keys_sort(&b->touched);
    return e;
}

/* ---- asking ---- */

static enum err
run(const struct bench *b, const char *op, json_t *args, char **text, struct note *note)
{
    size_t n = 0;
    *text = NULL;
    FILE *out = open_memstream(text, &n);
    enum err e = out && args ? door_run(b->data, op, args, -1, out, note) : ERR_NOMEM;
    if (out)
        fclose(out);
    json_decref(args);
    return e;
}

/* The answer's rows; takes the reference of params. */
static enum err
ask(const struct bench *b, const char *question, json_t *params, ts_ms from, ts_ms to,
    const char *const *names, row_fn fn, void *arg, struct note *note)
{
    char *text;
    json_t *args = json_pack(
        "{s:s, s:o, s:I, s:I, s:s, s:s, s:s, s:i, s:b}", "what", question, "params",
        params, "from", (json_int_t)from, "to", (json_int_t)to, "matter", b->matter,
        "purpose", "inquiry", "format", "csv", "limit", 10000000, "quiet", 1);
    enum err e = run(b, "query", args, &text, note);
    FILE *f = e == OK ? fmemopen(text, strlen(text), "r") : NULL;
    if (e == OK && !f)
        e = ERR_NOMEM;
    if (e == OK)
        e = each_row(f, names, fn, arg, note);
    if (f)
        fclose(f);
    free(text);
    return e;
}

/* ---- sets against sets ---- */

struct side { /* truth, or the answer: keys of all plates and of untouched ones */
    const struct bench *b;
    struct span kind;  /* of presence.csv; empty: an answer */
    int first, second; /* cells that make the key beside the plate; -1 none */
    struct keys all, exact;
};

static void
see_side(void *arg, const struct span *cell)
{
    struct side *s = arg;
    if (s->kind.n && !span_eq(cell[4], s->kind))
        return;
    uint64_t key = hash_span(cell[0], 1);
    if (s->first >= 0)
        key = hash_pair(key, hash_span(cell[s->first], 2));
    if (s->second >= 0)
        key = hash_pair(key, hash_span(cell[s->second], 3));
    keys_add(&s->all, key);
    if (!keys_have(&s->b->touched, hash_span(cell[0], 1)))
        keys_add(&s->exact, key);
}

static void
add_row(
    struct score_sum *sum, const char *kind, const char *reads,
    const struct keys *truth, const struct keys *said, double recall, double precision)
{
    must(sum->rows_n < sizeof sum->rows / sizeof *sum->rows);
    struct score_row *r = &sum->rows[sum->rows_n++];
    uint64_t found = 0;
    for (size_t i = 0; i < said->n; i++)
        found += keys_have(truth, said->v[i]);
    *r = (struct score_row){
        .kind = kind,
        .reads = reads,
        .truth = truth->n,
        .found = found,
        .alarms = said->n,
        .right = found,
        .recall = truth->n ? (double)found / (double)truth->n : 1,
        .precision = said->n ? (double)found / (double)said->n : 1,
        .recall_bar = recall,
        .precision_bar = precision,
    };
}

struct presence {
    const char *kind, *question, *param, *value;
    const char *answer[3]; /* columns that make the key beside the plate */
    int truth[2];          /* the same of presence.csv: cells, -1 none */
    int skip_days;
};
/* Cells of presence.csv: plate, site, time, count, kind. */
static const struct presence presences[] = {
    {"first_seen", "first_seen", "quiet_days", "31", {"site", "first_ms"}, {1, 2}, 1},
    {"night_active", "night", "nights", "3", {"nights"}, {3, -1}, 0},
    {"foothold", "foothold", "plate", "*", {"site", "stays"}, {1, 3}, 0},
    {"in_not_out", "in_not_out", "hours", "0", {"site", "entry_ms"}, {1, 2}, 0},
};

static enum err
score_presence(
    const struct bench *b, const struct presence *p, ts_ms from, ts_ms to,
    struct score_sum *sum, struct note *note)
{
    static const char *const truth_names[] = {"plate", "site", "time",
                                              "count", "kind", NULL};
    const char *names[] = {"plate", p->answer[0], p->answer[1], NULL};
    struct side truth = {
        .b = b,
        .kind = span_cstr(p->kind),
        .first = p->truth[0],
        .second = p->truth[1]};
    struct side said = {.b = b, .first = 1, .second = p->answer[1] ? 2 : -1};
    json_t *params = json_pack("{s:s}", p->param, p->value);
    enum err e = each_truth(b, "presence.csv", truth_names, see_side, &truth, note);
    if (e == OK && truth.all.n)
        e =
            ask(b, p->question, json_incref(params), from + p->skip_days * DAY_MS, to,
                names, see_side, &said, note);
    json_decref(params);
    keys_sort(&truth.all);
    keys_sort(&truth.exact);
    keys_sort(&said.all);
    keys_sort(&said.exact);
    if (e == OK && truth.all.n) {
        add_row(sum, p->kind, "exact", &truth.exact, &said.exact, 1, 1);
        add_row(sum, p->kind, "all", &truth.all, &said.all, 0, 0);
    }
    keys_free(&truth.all);
    keys_free(&truth.exact);
    keys_free(&said.all);
    keys_free(&said.exact);
    return e;
}

/* ---- companions ---- */

static void
see_companion(void *arg, const struct span *cell)
{
    keys_add(arg, key_of(cell[0], cell[1]));
}

static enum err
companions(
    const struct bench *b, ts_ms from, ts_ms to, struct keys *said, struct note *note)
{
    static const char *const names[] = {"plate", "companion", NULL};
    enum err e = OK;
    for (size_t i = 0; e == OK && i < b->asks; i += ASKED_AT_ONCE) {
        struct buf text = {0};
        for (size_t k = i; k < b->asks && k < i + ASKED_AT_ONCE; k++)
            buf_fmt(&text, "%s ", b->ask[k]);
        json_t *params = json_pack("{s:s%}", "plates", (char *)text.p, (size_t)text.n);
        e = text.bad ? ERR_NOMEM
                     : ask(b, "companions", params, from, to, names, see_companion,
                           said, note);
        buf_release(&text);
    }
    return e;
}

struct convoys {
    const struct bench *b;
    struct keys said;
    char (*plate)[PLATE_TEXT]; /* of the convoy being read */
    size_t n, room;
    char number[24];
};

static void
see_member(void *arg, const struct span *cell)
{
    struct convoys *c = arg;
    if (!span_eq_cstr(cell[0], c->number)) {
        c->n = 0;
        (void)span_copy(c->number, sizeof c->number, cell[0]);
    }
    for (size_t i = 0; i < c->n; i++) {
        keys_add(&c->said, key_of(cell[1], span_cstr(c->plate[i])));
        keys_add(&c->said, key_of(span_cstr(c->plate[i]), cell[1]));
    }
    if (c->n == c->room) {
        c->room = c->room ? c->room * 2 : 16;
        c->plate = realloc(c->plate, c->room * sizeof *c->plate);
        must(c->plate != NULL);
    }
    if (span_copy(c->plate[c->n], sizeof *c->plate, cell[1]))
        c->n++;
}

/* The pairs of those that were asked about. */
static void
asked_pairs(const struct bench *b, struct keys *out)
{
    for (size_t i = 0; i < b->members_n; i++)
        for (size_t k = 0; k < b->members_n; k++) {
            uint64_t key = key_of(span_cstr(b->ask[i]), span_cstr(b->ask[k]));
            if (keys_have(&b->pairs, key))
                keys_add(out, key);
        }
    keys_sort(out);
}

static enum err
score_convoys(
    const struct bench *b, ts_ms from, ts_ms to, struct score_sum *sum,
    struct note *note)
{
    static const char *const names[] = {"convoy", "plate", NULL};
    struct convoys c = {.b = b};
    struct keys said = {0}, asked = {0};
    asked_pairs(b, &asked);
    enum err e = companions(b, from, to, &said, note);
    if (e == OK && to - from <= 14 * DAY_MS)
        e = ask(b, "convoys", json_object(), from, to, names, see_member, &c, note);
    keys_sort(&said);
    keys_sort(&c.said);
    if (e == OK) {
        add_row(sum, "companions", "all", &asked, &said, 0.95, 0.9);
        if (to - from <= 14 * DAY_MS)
            add_row(sum, "convoys", "all", &b->pairs, &c.said, 0, 0);
    }
    keys_free(&said);
    keys_free(&asked);
    keys_free(&c.said);
    free(c.plate);
    return e;
}

/* ---- frequent violators ---- */

#define OFTEN 3 /* violations, as the question's own default */
#define OFTEN_TEXT "3"

static int
by_plate(const void *p, const void *q)
{
    const struct violation *x = p, *y = q;
    if (x->plate != y->plate)
        return x->plate < y->plate ? -1 : 1;
    return (x->what > y->what) - (x->what < y->what);
}

/* Plates with so many different violations. */
static void
often(const struct bench *b, struct keys *out)
{
    if (b->done_n)
        qsort(b->done, b->done_n, sizeof *b->done, by_plate);
    for (size_t lo = 0, hi; lo < b->done_n; lo = hi) {
        size_t n = 0;
        for (hi = lo; hi < b->done_n && b->done[hi].plate == b->done[lo].plate; hi++)
            n += hi == lo || b->done[hi].what != b->done[hi - 1].what;
        if (n >= OFTEN)
            keys_add(out, b->done[lo].plate);
    }
    keys_sort(out);
}

static void
see_violator(void *arg, const struct span *cell)
{
    keys_add(arg, hash_span(cell[0], 1));
}

static enum err
score_violators(
    const struct bench *b, ts_ms from, ts_ms to, struct score_sum *sum,
    struct note *note)
{
    static const char *const names[] = {"plate", NULL};
    struct keys truth = {0}, said = {0};
    often(b, &truth);
    json_t *params = json_pack("{s:s}", "findings", OFTEN_TEXT);
    enum err e =
        ask(b, "violators", params, from, to, names, see_violator, &said, note);
    keys_sort(&said);
    if (e == OK)
        add_row(sum, "violators", "all", &truth, &said, 0.95, 0.95);
    keys_free(&truth);
    keys_free(&said);
    return e;
}

static enum err
score_all(struct bench *b, struct score_sum *sum, struct note *note)
{
    /* Clocks are wrong by minutes: the first day begins at the midnight nearest. */
    ts_ms zone = 8 * HOUR_MS, slack = 30 * MINUTE_MS;
    ts_ms day = (b->first + zone + slack) / DAY_MS * DAY_MS - zone;
    ts_ms to = b->last + 1, from = b->first < day ? b->first : day;
    if (to - from > DAYS_MOST * DAY_MS)
        from = to - DAYS_MOST * DAY_MS;
    enum err e = OK;
    for (size_t i = 0; e == OK && i < sizeof presences / sizeof *presences; i++)
        e = score_presence(
            b, &presences[i], presences[i].skip_days ? day : from, to, sum, note);
    if (e == OK && b->done_n)
        e = score_violators(b, from, to, sum, note);
    if (e == OK && b->pairs.n)
        e = score_convoys(b, from, to, sum, note);
    return e;
}

enum err
bench_questions(
    const char *data, const char *truth, struct score_sum *sum, struct note *note)
{
    struct bench b = {.data = data, .truth = truth};
    enum err e = learn(&b, note);
    if (e == OK)
        e =
            run(&b, "matter_open",
                json_pack(
                    "{s:s, s:s}", "kind", "inquiry", "title", "questions of the bench"),
                &b.matter, note);
    if (e == OK) {
        b.matter[strcspn(b.matter, "\n")] = 0;
        e = score_all(&b, sum, note);
    }
    keys_free(&b.bad);
    keys_free(&b.touched);
    keys_free(&b.pairs);
    keys_free(&b.members);
    free(b.done);
    free(b.status);
    free(b.ask);
    free(b.matter);
    return e;
}
