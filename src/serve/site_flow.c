/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/site_flow.h"

#include "analysis/coverage.h"

#include <math.h>

#define STEP SIGHT_FLOW_MS
#define LANES 16
#define WAYS 10
#define CLASSES 3 /* cars and buses, trucks, others */

static const char *const class_names[CLASSES] = {"K", "H", "other"};

struct counts {
    size_t slots;
    uint32_t *all, *unread, *by_class[CLASSES], *by_lane[LANES], *by_way[WAYS];
    double *speed;
    bool detail;
};

struct asked {
    const struct site_flow_ask *ask;
    struct sight_snap *snap;
};

static uint32_t *
row_of(struct arena *a, size_t slots)
{
    return arena_array(a, slots + 1, sizeof(uint32_t));
}

/* ---- counting ---- */

static enum err
count_cells(const struct asked *q, struct arena *arena, struct counts *c)
{
    struct sight_cell *cells;
    size_t n;
    const struct site_flow_ask *k = q->ask;
    struct sight_ask ask = {
        .from = k->from,
        .to = k->to,
        .arena = arena,
        .stop = k->stop,
        .stop_arg = k->stop_arg};
    enum err e = sight_flow(q->snap, k->site, k->site, &ask, &cells, &n);
    for (size_t i = 0; e == OK && i < n; i++) {
        size_t at = (size_t)((cells[i].at - k->from) / STEP);
        if (cells[i].at < k->from || at >= c->slots)
            continue;
        c->all[at] = cells[i].n;
        c->speed[at] = cells[i].speed_n ? (double)cells[i].speed_sum_dkmh / 10.0 /
                                              (double)cells[i].speed_n
                                        : NAN;
    }
    return e;
}

static unsigned
class_of(code3 vehicle_class)
{
    char text[CODE3_TEXT];
    code3_format(text, vehicle_class);
    return text[0] == 'K' ? 0 : text[0] == 'H' ? 1 : 2;
}

static bool
count_pass(struct counts *c, size_t at, const struct sighting *s, struct arena *arena)
{
    unsigned lane = s->lane < LANES ? s->lane : 0;
    unsigned way = s->direction < WAYS ? s->direction : 0;
    uint32_t **rows[] = {
        &c->by_class[class_of(s->vehicle_class)], &c->by_lane[lane], &c->by_way[way]};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!*rows[i])
            *rows[i] = row_of(arena, c->slots);
        if (!*rows[i])
            return false;
        (*rows[i])[at]++;
    }
    c->unread[at] += !plate_is_exact(s->plate);
    return true;
}

static enum err
count_passes(const struct asked *q, struct arena *arena, struct counts *c)
{
    struct arena rows_arena;
    enum err e = OK;
    const struct site_flow_ask *k = q->ask;
    arena_init(&rows_arena, 64 << 20);
    /* An hour at a time: the passes of a day are not held together. */
    for (ts_ms at = k->from; e == OK && at < k->to; at += HOUR_MS) {
        struct sight_rows rows;
        arena_reset(&rows_arena);
        struct sight_ask ask = {
            .from = at,
            .to = at + HOUR_MS < k->to ? at + HOUR_MS : k->to,
            .arena = &rows_arena,
            .stop = k->stop,
            .stop_arg = k->stop_arg};
        e = sight_window(q->snap, &k->site, 1, NULL, &ask, &rows);
        for (size_t i = 0; e == OK && i < rows.n; i++) {
            size_t slot = (size_t)((rows.rows[i].pass_ms - k->from) / STEP);
            if (slot < c->slots && !count_pass(c, slot, &rows.rows[i], arena))
                e = ERR_TOOBIG;
        }
    }
    arena_release(&rows_arena);
    return e;
}

/* ---- silences ---- */

static enum err
own_cells(
    void *ctx, ts_ms from, ts_ms to, struct arena *arena, struct analysis_cell **out,
    size_t *n)
{
    const struct asked *q = ctx;
    struct sight_ask ask = {.from = from, .to = to, .arena = arena};
    struct sight_cell *cells;
    size_t count;
    enum err e = sight_flow(q->snap, q->ask->site, q->ask->site, &ask, &cells, &count);
    if (e != OK)
        return e;
    struct analysis_cell *mine = arena_array(arena, count + 1, sizeof *mine);
    if (!mine)
        return ERR_TOOBIG;
    for (size_t i = 0; i < count; i++)
        mine[i] = (struct analysis_cell){cells[i].site, cells[i].at, cells[i].n};
    *out = mine;
    *n = count;
    return OK;
}

/* Where the habit is known, a quiet hour is no silence: so many passes are missing at
 * least. */
#define MISSED 8.0

static bool
was_quiet(const struct asked *q, const struct house *h, const struct coverage_gap *gap)
{
    double usual = habit_expected(
        model_habit(q->ask->model, q->ask->site), &h->zone, gap->from_ms, gap->to_ms);
    return usual >= 0 && usual < MISSED;
}

/* Silences that ended, by the flow around them; and the one that goes on, as it was
 * judged live. */
static enum err
silences_json(
    struct asked *q, const struct house *h, struct arena *arena, struct buf *out)
{
    struct coverage c;
    struct analysis_needs needs = {.ctx = q, .flow = own_cells};
    const struct live_site *l = live_site(q->ask->live, q->ask->site);
    ts_ms to = q->ask->to < q->ask->now ? q->ask->to : q->ask->now;
    enum err e = coverage_of(&needs, q->ask->from, to, arena, &c);
    const char *comma = "";
    buf_text(out, ",\"offline\":[");
    for (size_t i = 0; e == OK && i < c.gaps_n; i++) {
        if (was_quiet(q, h, &c.gaps[i]))
            continue;
        buf_fmt(
            out, "%s[%lld,%lld]", comma, (long long)c.gaps[i].from_ms,
            (long long)c.gaps[i].to_ms);
        comma = ",";
    }
    if (l->vital.state == VITAL_SILENT && l->vital.since_ms < to)
        buf_fmt(
            out, "%s[%lld,%lld]", comma,
            (long long)(l->vital.since_ms > q->ask->from ? l->vital.since_ms : q->ask->from),
            (long long)to);
    buf_text(out, "]");
    return e;
}

/* ---- JSON ---- */

static void
counts_json(struct buf *out, const uint32_t *n, size_t slots)
{
    buf_text(out, "[");
    for (size_t i = 0; i < slots; i++)
        buf_fmt(out, "%s%u", i ? "," : "", n ? n[i] : 0);
    buf_text(out, "]");
}

/* Numbered series: {"1":[...],"2":[...]}; 0 is what was not said. */
static void
series_json(
    struct buf *out, const char *key, uint32_t *const *rows, size_t n, size_t slots)
{
    const char *comma = "";
    buf_fmt(out, ",\"%s\":{", key);
    for (size_t k = 0; k < n; k++) {
        if (!rows[k])
            continue;
        buf_fmt(out, "%s\"%zu\":", comma, k);
        counts_json(out, rows[k], slots);
        comma = ",";
    }
    buf_text(out, "}");
}

static void
usual_json(
    struct buf *out, const struct house *h, const struct site_flow_ask *k, size_t slots)
{
    const struct site_habit *habit = model_habit(k->model, k->site);
    buf_text(out, ",\"usual\":[");
    for (size_t i = 0; i < slots; i++) {
        ts_ms at = k->from + (ts_ms)i * STEP;
        double usual = habit_expected(habit, &h->zone, at, at + STEP);
        if (usual >= 0)
            buf_fmt(out, "%s%.1f", i ? "," : "", usual);
        else
            buf_text(out, i ? ",null" : "null");
    }
    buf_text(out, "]");
}

static void
write_counts(struct buf *out, const struct counts *c)
{
    const char *comma = "";
    buf_text(out, ",\"n\":");
    counts_json(out, c->all, c->slots);
    buf_text(out, ",\"speed_kmh\":[");
    for (size_t i = 0; i < c->slots; i++)
        if (c->all[i] && isfinite(c->speed[i]))
            buf_fmt(out, "%s%.1f", i ? "," : "", c->speed[i]);
        else
            buf_text(out, i ? ",null" : "null");
    buf_text(out, "],\"by\":{");
    for (size_t k = 0; k < CLASSES; k++) {
        if (!c->by_class[k])
            continue;
        buf_fmt(out, "%s\"%s\":", comma, class_names[k]);
        counts_json(out, c->by_class[k], c->slots);
        comma = ",";
    }
    buf_text(out, "}");
    series_json(out, "lanes", c->by_lane, LANES, c->slots);
    series_json(out, "directions", c->by_way, WAYS, c->slots);
    buf_text(out, ",\"unread\":");
    counts_json(out, c->unread, c->detail ? c->slots : 0);
}

enum err
site_flow_json(
    const struct house *house, const struct site_flow_ask *ask, struct arena *arena,
    struct buf *out)
{
    struct counts c = {
        .slots = (size_t)((ask->to - ask->from + STEP - 1) / STEP),
        .detail = ask->to - ask->from <= SITE_FLOW_DETAIL_MS,
    };
    c.all = row_of(arena, c.slots);
    c.unread = row_of(arena, c.slots);
    c.speed = arena_array(arena, c.slots + 1, sizeof *c.speed);
    struct asked q = {ask, sight_snapshot(house->sight)};
    enum err e = c.all && c.unread && c.speed && q.snap ? OK : ERR_NOMEM;
    if (e == OK)
        e = count_cells(&q, arena, &c);
    if (e == OK && c.detail)
        e = count_passes(&q, arena, &c);
    if (e == OK) {
        buf_fmt(
            out, "{\"as_of_ms\":%lld,\"step_ms\":%lld,\"from_ms\":%lld,\"detail\":%s",
            (long long)ask->now, (long long)STEP, (long long)ask->from,
            c.detail ? "true" : "false");
        write_counts(out, &c);
        usual_json(out, house, ask, c.slots);
        e = silences_json(&q, house, arena, out);
        buf_text(out, "}");
    }
    sight_snap_free(q.snap);
    return e;
}
