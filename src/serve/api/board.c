/* SPDX-License-Identifier: Apache-2.0 */
/* The wall's figures (看板): what waits, how long signing takes, which cameras deliver,
 * what changed. */
#include "serve/api_kit.h"
#include "serve/looks.h"

#include <math.h>
#include <stdlib.h>

#define RECENT_MS (10 * MINUTE_MS)
#define RECENT_CAP 1000 /* matters looked through for ... */
#define CHANGES 20      /* ... those shown */
#define STEP_MS SIGHT_FLOW_MS
#define STEPS HOUSE_STEPS
#define SIGN_OVER_MS HOUR_MS /* a point of its trend is the median of so long */

/* An alarm: when it was opened and first worked on. */
struct worked {
    const struct worked_row *row;
    ts_ms opened, signed_ms; /* 0: it still waits */
};

struct board {
    struct kit *k;
    struct arena *a;
    struct model *model;
    ts_ms from, to; /* of the trends: full five minutes */
    ts_ms today;
    const struct req *r; /* whose board: his part of the city */
    struct worked *worked;
    size_t worked_n;
    struct house_state state;
};

struct measure {
    const char *name, *zh, *en, *unit, *good;
    double value, usual;                /* NAN: none */
    double trend[STEPS], before[STEPS]; /* before: usual */
    bool has_before;
};

/* ---- what the figures are made of ---- */

/* As the queue shows alarms: by where the camera stands, besides whose matter it is. */
static bool
sees(const struct board *b, struct org_id org, struct site_id at)
{
    const struct site *s = site_get(b->k->sites, at);
    return api_sees(b->r, b->k->orgs, org) || (s && api_sees(b->r, b->k->orgs, s->org));
}

/* The alarms that wait, however old, and those of two days that somebody has worked on,
 * each with the moment of it. */
static enum err
read_worked(struct board *b)
{
    struct kit *k = b->k;
    struct worked_row *rows;
    size_t n;
    enum err e = ledger_worked(k->desk.reader, b->today - DAY_MS, b->a, &rows, &n);
    b->worked = e == OK ? arena_array(b->a, n + 1, sizeof *b->worked) : NULL;
    if (e == OK && !b->worked)
        e = ERR_TOOBIG;
    for (size_t i = 0; e == OK && i < n; i++) {
        const struct loop_def *def =
            loop_def_find(k->desk.defs, span_cstr(rows[i].kind));
        if (!def || !sees(b, rows[i].org, rows[i].site))
            continue;
        bool waits =
            rows[i].open && strcmp(rows[i].state, def->states[def->start].name) == 0;
        struct worked w = {
            .row = &rows[i],
            .opened = rows[i].opened_ms,
            .signed_ms = waits ? 0 : rows[i].worked_ms,
        };
        if (waits || w.signed_ms)
            b->worked[b->worked_n++] = w;
    }
    return e;
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static uint32_t
waiting_at(const struct board *b, ts_ms at)
{
    uint32_t n = 0;
    for (size_t i = 0; i < b->worked_n; i++)
        n += b->worked[i].opened <= at &&
             (!b->worked[i].signed_ms || b->worked[i].signed_ms > at);
    return n;
}

/* Median seconds to sign of what was signed in [from, to); NAN when nothing was. `s` has
 * room for all. */
static double
sign_s(const struct board *b, ts_ms from, ts_ms to, double *s)
{
    size_t n = 0;
    for (size_t i = 0; i < b->worked_n; i++) {
        const struct worked *w = &b->worked[i];
        if (w->signed_ms >= from && w->signed_ms < to && w->signed_ms)
            s[n++] = (double)(w->signed_ms - w->opened) / 1000;
    }
    if (n == 0)
        return NAN;
    qsort(s, n, sizeof *s, by_value);
    return s[n / 2];
}

/* ---- the measures ---- */

static void
waiting(const struct board *b, struct measure *m)
{
    m->value = waiting_at(b, b->k->desk.now);
    for (int i = 0; i < STEPS; i++)
        m->trend[i] = waiting_at(b, b->from + (i + 1) * STEP_MS);
}

static enum err
signing(const struct board *b, struct measure *m)
{
    double *s = arena_array(b->a, b->worked_n + 1, sizeof *s);
    if (!s)
        return ERR_TOOBIG;
    m->value = sign_s(b, b->today, INT64_MAX, s);
    for (int i = 0; i < STEPS; i++) {
        ts_ms to = b->from + (i + 1) * STEP_MS;
        m->trend[i] = sign_s(b, to - SIGN_OVER_MS, to, s);
    }
    return OK;
}

static void
cameras(const struct board *b, struct measure *m)
{
    double now = (double)b->state.delivering[STEPS - 1];
    m->value = now < 0 ? NAN : now;
    for (int i = 0; i < STEPS; i++) {
        double v = (double)b->state.delivering[i];
        m->trend[i] = b->state.step_ms && v >= 0 ? v : NAN;
    }
}

static enum err
passes(const struct board *b, struct measure *m)
{
    struct sight_cell *cells;
    size_t n;
    struct sight_ask ask = {.from = b->from, .to = b->to, .arena = b->a};
    struct sight_snap *snap = sight_snapshot(b->k->house->sight);
    enum err e = snap ? sight_flow(
                            snap, (struct site_id){1}, (struct site_id){UINT32_MAX},
                            &ask, &cells, &n)
                      : ERR_NOMEM;
    sight_snap_free(snap);
    for (size_t i = 0; e == OK && i < n; i++) {
        int64_t at = (cells[i].at - b->from) / STEP_MS;
        if (at >= 0 && at < STEPS)
            m->trend[at] += cells[i].n / 5.0;
    }
    const struct site_habit *city = model_habit(b->model, (struct site_id){0});
    for (int i = 0; i < STEPS; i++) {
        ts_ms at = b->from + i * STEP_MS;
        double usual = habit_expected(city, &b->k->house->zone, at, at + STEP_MS) / 5;
        m->before[i] = usual >= 0 ? usual : NAN;
        m->has_before |= usual >= 0;
    }
    m->value = m->trend[STEPS - 1];
    m->usual = m->before[STEPS - 1];
    return e;
}

static void
number_json(struct buf *out, double v)
{
    if (isfinite(v))
        buf_fmt(out, "%.1f", v);
    else
        buf_text(out, "null");
}

static void
series_json(struct buf *out, const char *key, const double *v)
{
    buf_fmt(out, ",\"%s\":[", key);
    for (int i = 0; i < STEPS; i++) {
        if (i)
            buf_text(out, ",");
        number_json(out, v[i]);
    }
    buf_text(out, "]");
}

static void
measure_json(struct buf *out, const char *comma, const struct measure *m)
{
    buf_fmt(
        out,
        "%s{\"name\":\"%s\",\"zh\":\"%s\",\"en\":\"%s\",\"unit\":\"%s\",\"value\":",
        comma, m->name, m->zh, m->en, m->unit);
    number_json(out, m->value);
    buf_text(out, ",\"usual\":");
    number_json(out, m->usual);
    if (m->good)
        buf_fmt(out, ",\"good\":\"%s\"", m->good);
    else
        buf_text(out, ",\"good\":null");
    series_json(out, "trend", m->trend);
    if (m->has_before)
        series_json(out, "trend_usual", m->before);
    else
        buf_text(out, ",\"trend_usual\":[]");
    buf_fmt(out, ",\"trend_step_ms\":%lld}", (long long)STEP_MS);
}

static enum err
measures(struct board *b, struct buf *out)
{
    struct measure m[] = {
        {"waiting",
         "待签收预警",
         "alarms to be signed",
         "",
         "low",
         NAN,
         NAN,
         {0},
         {0},
         false},
        {"sign",
         "今日签收用时中位数",
         "median time to sign today",
         "s",
         "low",
         NAN,
         NAN,
         {0},
         {0},
         false},
        {"cameras",
         "点位在传率",
         "cameras delivering",
         "%",
         "high",
         NAN,
         NAN,
         {0},
         {0},
         false},
        {"passes",
         "每分钟过车",
         "passes a minute",
         "/min",
         NULL,
         NAN,
         NAN,
         {0},
         {0},
         false},
    };
    enum err e = read_worked(b);
    if (e == OK)
        e = passes(b, &m[3]);
    if (e == OK)
        e = signing(b, &m[1]);
    if (e != OK)
        return e;
    waiting(b, &m[0]);
    cameras(b, &m[2]);
    buf_fmt(
        out, "{\"as_of_ms\":%lld,\"trend_from_ms\":%lld,\"newest_pass_ms\":",
        (long long)b->k->live->as_of_ms, (long long)b->from);
    ts_ms newest = looks_newest(b->k->house);
    if (newest)
        buf_fmt(out, "%lld", (long long)newest);
    else
        buf_text(out, "null");
    buf_text(out, ",\"measures\":[");
    for (size_t i = 0; i < sizeof m / sizeof *m; i++)
        measure_json(out, i ? "," : "", &m[i]);
    buf_text(out, "]");
    return OK;
}

/* ---- row by row ---- */

static void
row_json(
    struct req *r, const char *what, uint64_t id, const char *number, const char *name,
    double value, const char *state)
{
    struct buf *out = req_out(r);
    api_list_row(r);
    buf_fmt(out, "{\"%s\":", what);
    if (number)
        buf_json(out, span_cstr(number));
    else
        buf_fmt(out, "%llu", (unsigned long long)id);
    buf_text(out, ",\"name\":");
    buf_json(out, span_cstr(name));
    buf_text(out, ",\"value\":");
    number_json(out, value);
    buf_fmt(out, ",\"state\":\"%s\"}", state);
}

static enum err
worked_rows(struct req *r, struct board *b, bool waits)
{
    enum err e = read_worked(b);
    for (size_t i = 0; e == OK && i < b->worked_n; i++) {
        const struct worked *w = &b->worked[i];
        if (waits != (w->signed_ms == 0) || (!waits && w->signed_ms < b->today))
            continue;
        ts_ms until = waits ? b->k->desk.now : w->signed_ms;
        row_json(
            r, "matter", 0, w->row->number, w->row->place,
            (double)(until - w->opened) / 1000, w->row->state);
    }
    return e;
}

/* Of passes: what each site adds or lacks against its habit; of cameras: those that do
 * not deliver. */
static void
site_rows(struct req *r, struct board *b, bool ailing)
{
    for (uint32_t i = 1; i <= b->k->sites->n; i++) {
        const struct site *s = &b->k->sites->rows[i];
        const struct live_site *l = live_site(b->k->live, s->id);
        if (s->org.v && !api_sees(r, b->k->orgs, s->org))
            continue;
        const char *state = rows_site_state(b->k->live, s, b->k->desk.now);
        if (ailing && site_is_placed(s) &&
            rows_site_ails(b->k->live, s, b->k->desk.now))
            row_json(r, "site", i, NULL, s->name, NAN, state);
        else if (!ailing && (l->flow || l->usual > 0))
            row_json(
                r, "site", i, NULL, s->name,
                (l->flow - fmax((double)l->usual, 0)) / 5.0, state);
    }
}

/* The board of whoever asks, at this moment. */
static void
board_init(struct board *b, struct req *r, struct kit *k, struct arena *a)
{
    ts_ms to = k->desk.now / STEP_MS * STEP_MS;
    *b = (struct board){
        .k = k,
        .a = a,
        .r = r,
        .from = to - STEPS * STEP_MS,
        .to = to,
        .today =
            civil_day_start(civil_day(k->desk.now, &k->house->zone), &k->house->zone),
    };
}

static enum err
explain(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena a;
    struct board b;
    struct span what = api_text(r, "measure");
    kit_open(&k, env, r);
    arena_init(&a, 64 << 20);
    enum err e = OK;
    board_init(&b, r, &k, &a);
    api_list_open(r);
    if (span_eq_cstr(what, "waiting") || span_eq_cstr(what, "sign"))
        e = worked_rows(r, &b, span_eq_cstr(what, "waiting"));
    else
        site_rows(r, &b, span_eq_cstr(what, "cameras"));
    api_list_close(r, SPAN(""), k.live->as_of_ms);
    arena_release(&a);
    kit_close(&k);
    return e;
}

static bool
sees_matter(const struct board *b, const struct matter_row *m)
{
    struct alarm_row *alarm = NULL;
    if (api_sees(b->r, b->k->orgs, m->org))
        return true;
    if (m->alarm.v)
        alarm = ARENA_NEW(b->a, struct alarm_row);
    return alarm && ledger_alarm_find(b->k->desk.reader, m->alarm, alarm) == OK &&
           sees(b, m->org, alarm->alarm.site);
}

static void
change_text(
    struct buf *out, const char *key, const struct matter_row *m, const char *state)
{
    struct buf line = {0};
    buf_fmt(&line, "%s %s %s", m->number, m->place, state);
    buf_fmt(out, "\"%s\":", key);
    buf_json(out, span_of(line.p, line.n));
    buf_release(&line);
}

/* Alarms and matters of the last ten minutes in the caller's part of the city, newest
 * first, without plates. */
static enum err
changes(struct buf *out, struct board *b)
{
    struct matter_row *rows;
    size_t n, shown = 0;
    struct kit *k = b->k;
    struct matter_query q = {
        .list = MATTERS_ALL,
        .since_ms = k->desk.now - RECENT_MS,
        .cap = RECENT_CAP,
    };
    enum err e = ledger_matters(k->desk.reader, &q, b->a, &rows, &n);
    buf_text(out, ",\"changes\":[");
    for (size_t i = 0; e == OK && i < n && shown < CHANGES; i++) {
        const struct loop_def *def =
            loop_def_find(k->desk.defs, span_cstr(rows[i].kind));
        int state = def ? loop_state_find(def, span_cstr(rows[i].state)) : -1;
        if (!sees_matter(b, &rows[i]))
            continue;
        buf_fmt(
            out, "%s{\"at_ms\":%lld,\"level\":\"%s\",\"text\":{", shown++ ? "," : "",
            (long long)rows[i].state_since_ms, rows_level(rows[i].level));
        change_text(out, "zh", &rows[i], state >= 0 ? def->states[state].label.zh : "");
        buf_text(out, ",");
        change_text(out, "en", &rows[i], state >= 0 ? def->states[state].label.en : "");
        buf_fmt(out, "},\"matter\":\"%s\"}", rows[i].number);
    }
    buf_text(out, "]}");
    return e;
}

static enum err
show(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena a;
    struct board b;
    kit_open(&k, env, r);
    arena_init(&a, 64 << 20);
    board_init(&b, r, &k, &a);
    b.model = k.house->model(k.house->ctx);
    k.house->state(k.house->ctx, &b.state);
    enum err e = measures(&b, req_out(r));
    if (e == OK)
        e = changes(req_out(r), &b);
    model_unref(b.model);
    arena_release(&a);
    kit_close(&k);
    return e;
}

static const struct api_value measure_params[] = {
    {"measure", API_WORD, 0, 0, true, false, "waiting|sign|cameras|passes", NULL,
     "指标", "measure"},
    {0},
};
static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/board",
     .roles = KIT_LOOKERS,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .cost = 5,
     .reply = "Board",
     .zh = "看板",
     .en = "measures and changes for wall and live page",
     .fn = show},
    {.method = METHOD_GET,
     .path = "/board/{measure}",
     .roles = KIT_LOOKERS,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .params = measure_params,
     .cost = 5,
     .reply = "list of BoardRow",
     .zh = "指标逐条说明",
     .en = "what a measure is made of, row by row",
     .fn = explain},
    {0},
};
const struct api api_board = {"看板", "board", routes};
