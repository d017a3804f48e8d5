/* SPDX-License-Identifier: Apache-2.0 */
#include "city/score_sites.h"

#include <stdlib.h>
#include <string.h>

#define IN_TIME_MS (15 * MINUTE_MS)
#define LAG_MS (10 * MINUTE_MS) /* said so long after the end is still about it */
/* What can be told at all in that quarter of an hour, fixed before anything was
 * measured. At most one false alarm a site in 20 weeks is 3e-4 an hour.
 * Silence: each pass begins a gap, so P(no pass) = exp(-u) has to be below
 * 3e-4 / (4 u): u = 12 usual passes. Reading: with n reads, k unread ones are called
 * when P(Binomial(n, 0.03) >= k) is below the same; a half-blind camera is then called
 * in 95 % where n comes from a Poisson of 25 or more. */
static const double telling_passes[] = {[TROUBLE_SILENT] = 12, [TROUBLE_DEGRADED] = 25};
#define ASKED 1.0           /* `usual` of a clock that is to be found */
#define CLOCK_ASKED_MS 5000 /* smaller errors of a clock harm nobody */
#define CODE 32

struct trouble { /* planted */
    char site[CODE];
    enum site_trouble kind;
    ts_ms from_ms, to_ms, said_ms; /* said_ms 0: never */
    double usual;                  /* in the first quarter of an hour; -1 not known */
};
struct finding {
    char site[CODE];
    enum site_trouble kind;
    ts_ms at_ms;
};
struct score_sites {
    struct trouble *troubles;
    size_t troubles_n;
    struct finding *findings;
    size_t findings_n;
    ts_ms from_ms;
    double site_weeks;
    bool clocks; /* there is a file of them */
};

static const char *const names[TROUBLES] = {
    "silent_site", "degraded_site", "clock_wrong"};

/* ---- reading ---- */

struct table {
    FILE *f;
    char *line;
    size_t room;
    struct span cell[4];
};

/* Opens dir/truth/name or dir/name; false when there is none. */
static bool
table_open(struct table *t, const char *dir, const char *name)
{
    char path[512];
    *t = (struct table){0};
    snprintf(path, sizeof path, "%s/truth/%s", dir, name);
    t->f = fopen(path, "rb");
    if (!t->f) {
        snprintf(path, sizeof path, "%s/%s", dir, name);
        t->f = fopen(path, "rb");
    }
    return t->f != NULL;
}

static bool
table_next(struct table *t)
{
    ssize_t n = getline(&t->line, &t->room, t->f);
    if (n < 0)
        return false;
    struct span line = span_trim(span_of(t->line, (size_t)n));
    if (line.n >= 3 && memcmp(line.p, "\xEF\xBB\xBF", 3) == 0)
        line = span_skip(line, 3);
    for (size_t i = 0; i < 4; i++)
        t->cell[i] = span_trim(span_cut(&line, ','));
    return true;
}

static void
table_close(struct table *t)
{
    if (t->f)
        fclose(t->f);
    free(t->line);
}

/* Where four columns stand; false when one is missing. */
static bool
columns(struct table *t, const char *const want[4], int col[4])
{
    if (!table_next(t))
        return false;
    for (int k = 0; k < 4; k++) {
        col[k] = -1;
        for (int i = 0; i < 4; i++)
            if (span_eq_cstr(t->cell[i], want[k]))
                col[k] = i;
        if (col[k] < 0)
            return false;
    }
    return true;
}

static bool
add_trouble(struct score_sites *s, const struct trouble *t)
{
    if ((s->troubles_n & (s->troubles_n + 1)) == 0) {
        size_t room = (s->troubles_n + 1) * 2;
        struct trouble *p = realloc(s->troubles, room * sizeof *p);
        if (!p)
            return false;
        s->troubles = p;
    }
    s->troubles[s->troubles_n++] = *t;
    return true;
}

static enum err
load_health(struct score_sites *s, const char *dir, struct note *note)
{
    static const char *const want[4] = {"site", "from", "to", "kind"};
    struct table t;
    int col[4];
    enum err e = OK;
    if (!table_open(&t, dir, "sites_health.csv"))
        return OK;
    if (!columns(&t, want, col))
        e = note_set(
            note, ERR_INPUT, "truth", "sites_health.csv has not site,from,to,kind",
            "sites_health.csv 缺少 site,from,to,kind 列");
    while (e == OK && table_next(&t)) {
        struct trouble x = {.usual = -1};
        bool silent = span_eq_cstr(t.cell[col[3]], "silent");
        x.kind = silent ? TROUBLE_SILENT : TROUBLE_DEGRADED;
        if (!span_copy(x.site, sizeof x.site, t.cell[col[0]]) ||
            !span_i64(t.cell[col[1]], &x.from_ms) ||
            !span_i64(t.cell[col[2]], &x.to_ms) ||
            (!silent && !span_eq_cstr(t.cell[col[3]], "degraded")))
            continue; /* a kind that is not asked here */
        if (!add_trouble(s, &x))
            e = ERR_NOMEM;
    }
    table_close(&t);
    return e;
}

static enum err
load_clocks(struct score_sites *s, const char *dir, struct note *note)
{
    static const char *const want[4] = {"site", "from", "kind", "value"};
    struct table t;
    int col[4];
    enum err e = OK;
    if (!table_open(&t, dir, "site_faults.csv"))
        return OK;
    s->clocks = true;
    if (!columns(&t, want, col))
        e = note_set(
            note, ERR_INPUT, "truth", "site_faults.csv has not site,from,kind,value",
            "site_faults.csv 缺少 site,from,kind,value 列");
    while (e == OK && table_next(&t)) {
        struct trouble x = {.kind = TROUBLE_CLOCK, .to_ms = INT64_MAX, .usual = -1};
        int64_t value;
        struct span kind = t.cell[col[2]];
        if (!span_starts(kind, SPAN("clock_")) ||
            !span_copy(x.site, sizeof x.site, t.cell[col[0]]) ||
            !span_i64(t.cell[col[1]], &x.from_ms) || !span_i64(t.cell[col[3]], &value))
            continue;
        bool asked =
            span_eq_cstr(kind, "clock_skew_ms") && llabs(value) >= CLOCK_ASKED_MS;
        x.usual = asked ? ASKED : 0; /* others may be said, and need not be */
        if (!add_trouble(s, &x))
            e = ERR_NOMEM;
    }
    table_close(&t);
    return e;
}

enum err
score_sites_new(const char *dir, struct score_sites **out, struct note *note)
{
    struct score_sites *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->from_ms = INT64_MIN;
    enum err e = load_health(s, dir, note);
    if (e == OK)
        e = load_clocks(s, dir, note);
    if (e == OK)
        *out = s;
    else
        score_sites_free(s);
    return e;
}

void
score_sites_free(struct score_sites *s)
{
    if (!s)
        return;
    free(s->troubles);
    free(s->findings);
    free(s);
}

bool
score_sites_asks(const struct score_sites *s)
{
    return s->troubles_n > 0 || s->clocks;
}

/* ---- what is said ---- */

static bool
is_about(const struct trouble *t, const struct finding *f)
{
    return t->kind == f->kind && strcmp(t->site, f->site) == 0 &&
           f->at_ms >= t->from_ms && f->at_ms - LAG_MS <= t->to_ms;
}

void
score_sites_said(
    struct score_sites *s, struct span site, enum site_trouble what, ts_ms at_ms)
{
    struct finding f = {.kind = what, .at_ms = at_ms};
    if (!span_copy(f.site, sizeof f.site, site))
        return;
    if ((s->findings_n & (s->findings_n + 1)) == 0) {
        size_t room = (s->findings_n + 1) * 2;
        struct finding *p = realloc(s->findings, room * sizeof *p);
        must(p != NULL);
        s->findings = p;
    }
    s->findings[s->findings_n++] = f;
    for (size_t i = 0; i < s->troubles_n; i++)
        if (!s->troubles[i].said_ms && is_about(&s->troubles[i], &f))
            s->troubles[i].said_ms = at_ms;
}

/* The end of its first quarter of an hour, or its own. */
static ts_ms
first_end(const struct trouble *t)
{
    return t->to_ms < t->from_ms + IN_TIME_MS ? t->to_ms : t->from_ms + IN_TIME_MS;
}

void
score_sites_weigh(struct score_sites *s, score_sites_usual *usual, void *arg)
{
    for (size_t i = 0; i < s->troubles_n; i++) {
        struct trouble *t = &s->troubles[i];
        if (t->kind != TROUBLE_CLOCK)
            t->usual = usual(arg, span_cstr(t->site), t->from_ms, first_end(t));
    }
}

void
score_sites_from(struct score_sites *s, ts_ms from_ms)
{
    s->from_ms = from_ms;
}

void
score_sites_span(struct score_sites *s, double site_weeks)
{
    s->site_weeks = site_weeks;
}

/* ---- the sum ---- */

static bool
counts(const struct score_sites *s, const struct trouble *t, bool telling)
{
    if (t->kind == TROUBLE_CLOCK)
        return t->usual >= ASKED;
    return t->from_ms >= s->from_ms &&
           (!telling || t->usual >= telling_passes[t->kind]);
}

static bool
in_time(const struct trouble *t)
{
    return t->said_ms &&
           (t->kind == TROUBLE_CLOCK || t->said_ms - t->from_ms <= IN_TIME_MS);
}

static bool
is_right(const struct score_sites *s, const struct finding *f)
{
    for (size_t i = 0; i < s->troubles_n; i++)
        if (is_about(&s->troubles[i], f))
            return true;
    return false;
}

static void
add_row(
    const struct score_sites *s, struct score_sum *out, enum site_trouble kind,
    const char *reads, bool telling, bool late)
{
    must(out->rows_n < sizeof out->rows / sizeof *out->rows);
    struct score_row *r = &out->rows[out->rows_n++];
    *r = (struct score_row){.kind = names[kind], .reads = reads};
    r->recall_bar = telling ? 0.95 : 0;
    for (size_t i = 0; i < s->troubles_n; i++) {
        const struct trouble *t = &s->troubles[i];
        if (t->kind != kind || !counts(s, t, telling))
            continue;
        r->truth++;
        r->found += late ? t->said_ms != 0 : in_time(t);
    }
    r->site_weeks = kind == TROUBLE_CLOCK ? 0 : s->site_weeks;
    for (size_t i = 0; i < s->findings_n; i++) {
        const struct finding *f = &s->findings[i];
        if (f->kind != kind || f->at_ms < s->from_ms)
            continue;
        r->alarms++;
        r->right += is_right(s, f);
    }
    r->recall = r->truth ? (double)r->found / (double)r->truth : 1;
    r->precision = r->alarms ? (double)r->right / (double)r->alarms : 1;
}

void
score_sites_sum(const struct score_sites *s, struct score_sum *out)
{
    bool health = false;
    for (size_t i = 0; i < s->troubles_n; i++)
        health |= s->troubles[i].kind != TROUBLE_CLOCK;
    for (int k = TROUBLE_SILENT; health && k <= TROUBLE_DEGRADED; k++) {
        add_row(s, out, (enum site_trouble)k, "telling", true, false);
        add_row(s, out, (enum site_trouble)k, "15 min", false, false);
        add_row(s, out, (enum site_trouble)k, "ever", false, true);
    }
    if (s->clocks)
        add_row(s, out, TROUBLE_CLOCK, "all", false, true);
}

void
score_sites_explain(const struct score_sites *s, const char *kind, size_t max, FILE *to)
{
    size_t n = 0;
    for (size_t i = 0; i < s->findings_n && n < max; i++) {
        const struct finding *f = &s->findings[i];
        if (strcmp(names[f->kind], kind) == 0 && f->at_ms >= s->from_ms &&
            !is_right(s, f)) {
            fprintf(to, "%s wrong: %s %lld\n", kind, f->site, (long long)f->at_ms);
            n++;
        }
    }
    n = 0;
    for (size_t i = 0; i < s->troubles_n && n < max; i++) {
        const struct trouble *t = &s->troubles[i];
        if (strcmp(names[t->kind], kind) != 0 || !counts(s, t, false) || in_time(t))
            continue;
        fprintf(
            to,
            "%s not in time: %s %lld for %lld min, usual %.1f, said %lld min after\n",
            kind, t->site, (long long)t->from_ms,
            (long long)((t->to_ms - t->from_ms) / MINUTE_MS), t->usual,
            t->said_ms ? (long long)((t->said_ms - t->from_ms) / MINUTE_MS) : -1);
        n++;
    }
}

/* ---- time ---- */

#define CLOCK_RANK 55 /* of 63 */

static int
by_ts(const void *a, const void *b)
{
    ts_ms x = *(const ts_ms *)a, y = *(const ts_ms *)b;
    return x < y ? -1 : x > y;
}

void
score_clock_saw(struct score_clock *c, ts_ms pass_ms)
{
    ts_ms sorted[63];
    c->last[c->n++ % 63] = pass_ms;
    if (c->n % 16 != 0 || c->n < 63)
        return;
    memcpy(sorted, c->last, sizeof sorted);
    qsort(sorted, 63, sizeof *sorted, by_ts);
    c->now = sorted[CLOCK_RANK] > c->now ? sorted[CLOCK_RANK] : c->now;
}
