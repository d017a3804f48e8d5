/* SPDX-License-Identifier: Apache-2.0 */
/* The wall's figures (看板): what waits, how long signing takes, which cameras deliver,
 * what changed. */
#include "core/counter.h"
#include "serve/api_kit.h"

#include <stdlib.h>

#define RECENT_MS (10 * MINUTE_MS)
#define ROWS 500

struct figures {
    uint32_t waiting;  /* alarms whose matter is still where it began */
    double sign_s;     /* median of today; -1 none */
    double delivering; /* per cent of placed sites; -1 none */
    double passes_min;
};

static int
by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* How long each matter of today stayed in its first state, from its own journal. */
static enum err
signing(struct kit *k, struct arena *a, struct figures *f)
{
    struct matter_row *rows;
    size_t n, took = 0;
    struct matter_query q = {
        .list = MATTERS_ALL,
        .since_ms =
            civil_day_start(civil_day(k->desk.now, &k->house->zone), &k->house->zone),
        .cap = ROWS,
    };
    enum err e = ledger_matters(k->desk.reader, &q, a, &rows, &n);
    int64_t *ms = e == OK ? arena_array(a, n + 1, sizeof *ms) : NULL;
    if (e == OK && !ms)
        e = ERR_NOMEM;
    for (size_t i = 0; e == OK && i < n; i++) {
        const struct loop_def *def =
            loop_def_find(k->desk.defs, span_cstr(rows[i].kind));
        if (!def || !rows[i].alarm.v)
            continue;
        if (rows[i].open && strcmp(rows[i].state, def->states[def->start].name) == 0) {
            f->waiting++;
            continue;
        }
        struct ledger_entry *ev;
        size_t m;
        if (ledger_matter_events(k->desk.reader, rows[i].id, 1, a, &ev, &m) != OK)
            continue;
        for (size_t j = 0; j < m; j++)
            if (ev[j].actor) {
                ms[took++] = ev[j].at_ms - rows[i].opened_ms;
                break;
            }
    }
    f->sign_s = -1;
    if (e == OK && took) {
        qsort(ms, took, sizeof *ms, by_value);
        f->sign_s = (double)ms[took / 2] / 1000;
    }
    return e;
}

static void
cameras(struct kit *k, struct figures *f)
{
    uint32_t placed = 0, good = 0;
    uint64_t flow = 0;
    for (uint32_t i = 1; i <= k->sites->n; i++) {
        const struct site *s = &k->sites->rows[i];
        const char *state = rows_site_state(k->live, s, k->desk.now);
        flow += live_site(k->live, s->id)->flow;
        if (!site_is_placed(s))
            continue;
        placed++;
        good += strcmp(state, "ok") == 0 || strcmp(state, "late") == 0;
    }
    f->delivering = placed ? 100.0 * good / placed : -1;
    f->passes_min = (double)flow / 5;
}

static void
measure(
    struct buf *out, const char *comma, const char *name, const char *zh,
    const char *en, const char *unit, double value, const char *good)
{
    buf_fmt(
        out,
        "%s{\"name\":\"%s\",\"zh\":\"%s\",\"en\":\"%s\",\"unit\":\"%s\",\"value\":",
        comma, name, zh, en, unit);
    if (value < 0)
        buf_text(out, "null");
    else
        buf_fmt(out, "%.1f", value);
    if (good)
        buf_fmt(out, ",\"good\":\"%s\"", good);
    else
        buf_text(out, ",\"good\":null");
    buf_text(out, ",\"trend\":[],\"trend_step_ms\":300000}");
}

/* Alarms and matters of the last ten minutes, newest first, without plates. */
static enum err
changes(struct buf *out, struct kit *k, struct arena *a)
{
    struct matter_row *rows;
    size_t n;
    const char *comma = "";
    struct matter_query q = {
        .list = MATTERS_ALL, .since_ms = k->desk.now - RECENT_MS, .cap = 20};
    enum err e = ledger_matters(k->desk.reader, &q, a, &rows, &n);
    buf_text(out, ",\"changes\":[");
    for (size_t i = 0; e == OK && i < n; i++) {
        const struct loop_def *def =
            loop_def_find(k->desk.defs, span_cstr(rows[i].kind));
        int state = def ? loop_state_find(def, span_cstr(rows[i].state)) : -1;
        buf_fmt(
            out, "%s{\"at_ms\":%lld,\"level\":\"%s\",\"text\":{\"zh\":", comma,
            (long long)rows[i].state_since_ms, rows_level(rows[i].level));
        struct buf line = {0};
        buf_fmt(
            &line, "%s %s %s", rows[i].number, rows[i].place,
            state >= 0 ? def->states[state].label.zh : "");
        buf_json(out, span_of(line.p, line.n));
        buf_clear(&line);
        buf_fmt(
            &line, "%s %s %s", rows[i].number, rows[i].place,
            state >= 0 ? def->states[state].label.en : "");
        buf_text(out, ",\"en\":");
        buf_json(out, span_of(line.p, line.n));
        buf_release(&line);
        buf_fmt(out, "},\"matter\":\"%s\"}", rows[i].number);
        comma = ",";
    }
    buf_text(out, "]}");
    return e;
}

static enum err
show(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena a;
    struct figures f = {0};
    struct buf *out = req_out(r);
    kit_open(&k, env, r);
    arena_init(&a, 64 << 20);
    enum err e = signing(&k, &a, &f);
    cameras(&k, &f);
    if (e == OK) {
        buf_fmt(out, "{\"as_of_ms\":%lld,\"measures\":[", (long long)k.live->as_of_ms);
        measure(
            out, "", "waiting", "待签收预警", "alarms to be signed", "", f.waiting,
            "low");
        measure(
            out, ",", "sign", "今日签收用时中位数", "median time to sign today", "s",
            f.sign_s, "low");
        measure(
            out, ",", "cameras", "点位在传率", "cameras delivering", "%", f.delivering,
            "high");
        measure(
            out, ",", "passes", "每分钟过车", "passes a minute", "/min", f.passes_min,
            NULL);
        buf_text(out, "]");
        e = changes(out, &k, &a);
    }
    arena_release(&a);
    kit_close(&k);
    return e;
}

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
    {0},
};
const struct api api_board = {"看板", "board", routes};
