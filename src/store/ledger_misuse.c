/* SPDX-License-Identifier: Apache-2.0 */
/* Searchers are watched too. One pass over the looks of a window, ordered by (user,
 * time); per user a few counters. Findings are questions to ask, never verdicts. */
#include "core/hash.h"
#include "store/ledger_look.h"
#include "store/ledger_sql.h"

#include <stdio.h>
#include <stdlib.h>

struct seen { /* one look */
    uint64_t number;
    ts_ms at_ms;
    uint32_t user;
    uint64_t matter;
    uint64_t plate; /* or the hash of a pattern, with its top bit set; 0 none */
    struct plate_pattern *pattern; /* of a look at part of a plate */
};

/* A pattern that knows this many characters means one vehicle, or a handful. */
#define PATTERN_KNOWN 5

struct owner { /* a registered own vehicle of an account */
    uint64_t plate;
    uint32_t user;
};

struct work {
    struct seen *looks;
    size_t looks_n;
    struct owner *owners;
    size_t owners_n;
    const struct misuse_limits *limits;
    struct rows found;
    bool full;
};

const char *
misuse_name(enum misuse_kind k)
{
    static const char *const names[MISUSE_KINDS] = {
        [MISUSE_REPEAT] = "repeat",       [MISUSE_OWN] = "own",
        [MISUSE_COLLEAGUE] = "colleague", [MISUSE_OFF_SHIFT] = "off_shift",
        [MISUSE_FAN_OUT] = "fan_out",     [MISUSE_REFUSED] = "refused",
    };
    return names[k];
}

struct misuse_limits
misuse_limits_default(void)
{
    return (struct misuse_limits){
        .repeat_n = 5,
        .repeat_ms = 7 * DAY_MS,
        .fan_out_n = 30,
        .fan_out_ms = HOUR_MS,
        .off_shift_n = 3,
        .refused_n = 5,
    };
}

/* ---- reading ---- */

/* A look at part of a plate counts as one at a plate: repeated, or fitting a vehicle of
 * the searcher's own, it is as odd. */
static bool
read_pattern(struct sql *q, struct arena *a, struct seen *s)
{
    struct look_scope *scope = malloc(sizeof *scope);
    if (!scope)
        return false;
    bool fine = true;
    if (look_scope_decode(get_borrowed(q), scope) == OK && !s->plate &&
        scope->pattern.n) {
        s->pattern = ARENA_NEW(a, struct plate_pattern);
        fine = s->pattern != NULL;
        if (fine)
            *s->pattern = scope->pattern;
        s->plate = hash64(scope->pattern.code, scope->pattern.n, 0) | UINT64_C(1) << 63;
    }
    free(scope);
    return fine;
}

static bool
fits(const struct seen *s, uint64_t plate)
{
    unsigned known = 0;
    if (!s->pattern)
        return s->plate == plate;
    for (uint8_t i = 0; i < s->pattern->n; i++)
        known += s->pattern->code[i] != PLATE_CODE_UNREAD &&
                 s->pattern->code[i] != PLATE_CODE_RUN;
    return known >= PATTERN_KNOWN &&
           plate_pattern_match(s->pattern, (struct plate){plate});
}

static enum err
read_looks(
    struct ledger_reader *r, ts_ms from, ts_ms to, struct arena *a, struct work *w)
{
    struct sql q;
    bool row;
    struct rows rows = {.a = a, .size = sizeof *w->looks};
    enum err e = sql_use(
        r,
        "SELECT number, at_ms, account, matter, plate, scope FROM look"
        " WHERE at_ms >= ? AND at_ms < ? ORDER BY account, at_ms, number",
        &q);
    if (e)
        return e;
    put_i64(&q, from);
    put_i64(&q, to);
    while (!(e = sql_next(&q, &row)) && row) {
        struct seen *s = rows_add(&rows);
        if (!s) {
            sql_done(&q);
            return ERR_TOOBIG;
        }
        s->number = get_u64(&q);
        s->at_ms = get_i64(&q);
        s->user = get_u32(&q);
        s->matter = get_u64(&q);
        s->plate = get_u64(&q);
        if (!read_pattern(&q, a, s)) {
            sql_done(&q);
            return ERR_TOOBIG;
        }
    }
    w->looks = (struct seen *)(void *)rows.p;
    w->looks_n = rows.n;
    return e;
}

static enum err
read_owners(struct ledger_reader *r, struct arena *a, struct work *w)
{
    struct sql q;
    bool row;
    struct rows rows = {.a = a, .size = sizeof *w->owners};
    enum err e = sql_use(r, "SELECT id, plate FROM account WHERE plate <> ''", &q);
    while (!e && !(e = sql_next(&q, &row)) && row) {
        uint32_t user = get_u32(&q);
        struct plate p;
        bool differs;
        (void)plate_parse(get_borrowed(&q), &p, &differs);
        struct owner *o = plate_is_none(p) ? NULL : rows_add(&rows);
        if (o)
            *o = (struct owner){p.v, user};
    }
    w->owners = (struct owner *)(void *)rows.p;
    w->owners_n = rows.n;
    return e;
}

/* ---- findings ---- */

static struct misuse_finding *
finding(struct work *w, enum misuse_kind kind, const struct seen *last)
{
    struct misuse_finding *x = rows_add(&w->found);
    if (!x) {
        w->full = true;
        return NULL;
    }
    x->kind = kind;
    x->user.v = last->user;
    x->at_ms = last->at_ms;
    return x;
}

/* Keeps the newest numbers: called from the oldest to the newest. */
static void
remember(struct misuse_finding *x, const struct seen *s)
{
    x->n++;
    x->at_ms = s->at_ms;
    if (x->looks_n == MISUSE_LOOKS) {
        memmove(x->looks, x->looks + 1, (MISUSE_LOOKS - 1) * sizeof x->looks[0]);
        x->looks_n--;
    }
    x->looks[x->looks_n++] = s->number;
}

static int
by_plate(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    if (x->plate != y->plate)
        return x->plate < y->plate ? -1 : 1;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Longest run of looks at one plate inside the window; s is one plate, by time. */
static void
repeats(struct work *w, const struct seen *s, size_t n)
{
    size_t from = 0, best = 0, best_end = 0;
    for (size_t i = 0; i < n; i++) {
        while (s[i].at_ms - s[from].at_ms > w->limits->repeat_ms)
            from++;
        if (i + 1 - from > best) {
            best = i + 1 - from;
            best_end = i + 1;
        }
    }
    if (best < w->limits->repeat_n)
        return;
    struct misuse_finding *x = finding(w, MISUSE_REPEAT, &s[best_end - 1]);
    if (!x)
        return;
    size_t matters = 0;
    for (size_t i = best_end - best; i < best_end; i++) {
        remember(x, &s[i]);
        matters += i == best_end - best || s[i].matter != s[i - 1].matter;
    }
    snprintf(
        x->zh, sizeof x->zh, "对同一号牌查询 %zu 次，涉及事项变换 %zu 次", best,
        matters);
    snprintf(
        x->en, sizeof x->en, "looked %zu times at one plate, under %zu runs of matters",
        best, matters);
}

/* The own vehicle, and those of colleagues. */
static void
owned(struct work *w, const struct seen *s, size_t n)
{
    for (size_t i = 0; i < w->owners_n; i++) {
        if (!fits(s, w->owners[i].plate))
            continue;
        bool own = w->owners[i].user == s->user;
        struct misuse_finding *x = finding(w, own ? MISUSE_OWN : MISUSE_COLLEAGUE, s);
        if (!x)
            return;
        x->about.v = own ? 0 : w->owners[i].user;
        for (size_t k = 0; k < n; k++)
            remember(x, &s[k]);
        snprintf(
            x->zh, sizeof x->zh,
            own ? "查询本人名下车辆 %zu 次" : "查询同事名下车辆 %zu 次", n);
        snprintf(
            x->en, sizeof x->en,
            own ? "looked %zu times at the own vehicle"
                : "looked %zu times at a colleague's vehicle",
            n);
    }
}

static void
per_plate(struct work *w, struct seen *s, size_t n)
{
    qsort(s, n, sizeof *s, by_plate);
    for (size_t i = 0; i < n;) {
        size_t k = i + 1;
        while (k < n && s[k].plate == s[i].plate)
            k++;
        if (s[i].plate) {
            repeats(w, s + i, k - i);
            owned(w, s + i, k - i);
        }
        i = k;
    }
}

/* Distinct plates among s[from..to]. Windows are an hour: a plain search is enough. */
static size_t
distinct(const struct seen *s, size_t from, size_t to)
{
    size_t n = 0;
    for (size_t i = from; i <= to; i++) {
        bool fresh = s[i].plate != 0;
        for (size_t k = from; fresh && k < i; k++)
            fresh = s[k].plate != s[i].plate;
        n += fresh;
    }
    return n;
}

/* s is one user by time. */
static void
fan_out(struct work *w, const struct seen *s, size_t n)
{
    size_t from = 0, best = 0, best_from = 0, best_to = 0;
    for (size_t i = 0; i < n; i++) {
        while (s[i].at_ms - s[from].at_ms > w->limits->fan_out_ms)
            from++;
        if (i + 1 - from < w->limits->fan_out_n || i + 1 - from <= best)
            continue;
        size_t plates = distinct(s, from, i);
        if (plates > best) {
            best = plates;
            best_from = from;
            best_to = i;
        }
    }
    if (best < w->limits->fan_out_n || best == 0)
        return;
    struct misuse_finding *x = finding(w, MISUSE_FAN_OUT, &s[best_to]);
    if (!x)
        return;
    for (size_t i = best_from; i <= best_to; i++)
        remember(x, &s[i]);
    int64_t minutes = w->limits->fan_out_ms / MINUTE_MS;
    x->n = (uint32_t)best;
    snprintf(
        x->zh, sizeof x->zh, "%lld 分钟内查询 %zu 个不同号牌", (long long)minutes,
        best);
    snprintf(
        x->en, sizeof x->en, "looked at %zu different plates within %lld minutes", best,
        (long long)minutes);
}

static void
off_shift(struct work *w, const struct seen *s, size_t n)
{
    const struct misuse_limits *l = w->limits;
    struct misuse_finding x = {.kind = MISUSE_OFF_SHIFT};
    for (size_t i = 0; l->on_shift && i < n; i++) {
        struct user_id user = {s[i].user};
        if (!l->on_shift(l->arg, user, s[i].at_ms))
            remember(&x, &s[i]);
    }
    if (x.n == 0 || x.n < l->off_shift_n)
        return;
    struct misuse_finding *kept = finding(w, MISUSE_OFF_SHIFT, &s[n - 1]);
    if (!kept)
        return;
    x.user.v = s[0].user;
    snprintf(x.zh, sizeof x.zh, "非值班时间查询 %u 次", x.n);
    snprintf(x.en, sizeof x.en, "looked %u times while not on duty", x.n);
    *kept = x;
}

static int
newest_first(const void *a, const void *b)
{
    const struct misuse_finding *x = a, *y = b;
    if (x->at_ms != y->at_ms)
        return x->at_ms > y->at_ms ? -1 : 1;
    if (x->user.v != y->user.v)
        return x->user.v < y->user.v ? -1 : 1;
    return (int)x->kind - (int)y->kind;
}

enum err
ledger_misuse(
    struct ledger_reader *r, const struct misuse_limits *limits, ts_ms from, ts_ms to,
    struct arena *a, struct misuse_finding **out, size_t *n)
{
    struct work w = {
        .limits = limits, .found = {.a = a, .size = sizeof(struct misuse_finding)}};
    enum err e = read_looks(r, from, to, a, &w);
    if (!e)
        e = read_owners(r, a, &w);
    if (e)
        return e;
    for (size_t i = 0; i < w.looks_n;) {
        size_t k = i + 1;
        while (k < w.looks_n && w.looks[k].user == w.looks[i].user)
            k++;
        off_shift(&w, w.looks + i, k - i);
        fan_out(&w, w.looks + i, k - i);
        per_plate(&w, w.looks + i, k - i); /* last: it sorts by plate */
        i = k;
    }
    if (w.full)
        return ERR_TOOBIG;
    *out = (struct misuse_finding *)(void *)w.found.p;
    *n = w.found.n;
    if (*n)
        qsort(*out, *n, sizeof **out, newest_first);
    return OK;
}
