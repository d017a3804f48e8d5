/* SPDX-License-Identifier: Apache-2.0 */
/* The record of the look covers what is read: half an hour to both sides of the span.
 */
#include "serve/funnel.h"

#include "serve/rows.h"

static const struct flight_reason_row changes_rows[] = {
    {"plate_gone", "号牌未识别或遮挡", "plate unread or covered"},
    {"class_other", "车型不一致", "another class"},
    {"color_other", "颜色不一致", "another colour"},
    {"brand_other", "品牌不一致", "another brand"},
    {"field_lost", "数据项缺失", "a field is missing"},
};

static void
subject_of(struct buf *b, const struct funnel_ask *q, const struct zone *zone)
{
    char from[TS_TEXT], to[TS_TEXT], code[CODE3_TEXT];
    buf_fmt(
        b, "hit-and-run at %.5f,%.5f %s to %s", q->flight.lon / 1e7,
        q->flight.lat / 1e7, ts_format(from, q->flight.from, zone),
        ts_format(to, q->flight.to, zone));
    if (q->flight.vehicle_class)
        buf_fmt(b, " class %s", code3_format(code, q->flight.vehicle_class));
    if (q->flight.vehicle_color)
        buf_fmt(b, " colour %u", q->flight.vehicle_color);
    if (q->flight.brand)
        buf_fmt(b, " brand %s", code3_format(code, q->flight.brand));
    if (q->plate.n)
        buf_fmt(b, " plate %.*s", SPAN_ARG(q->plate));
    if (q->damage.n)
        buf_fmt(b, " damage %.*s", SPAN_ARG(q->damage));
}

struct run {
    const struct flight_ask *ask;
    struct flight *out;
};

static enum err
answer(
    void *arg, const struct look_permit *permit, const struct analysis_needs *needs,
    struct arena *arena, uint64_t *count, struct note *note)
{
    const struct run *r = arg;
    enum err e = flight_of(permit, needs, r->ask, arena, r->out, note);
    *count = e == OK ? r->out->n : 0;
    return e;
}

/* The pictures of exactly the passes that the answer shows may be opened. */
static void
listed(const struct flight *f, ts_ms now, struct look_row *row)
{
    struct sighting_id ids[LOOK_IDS];
    size_t n = 0;
    for (size_t i = 0; i < f->n && n + 2 <= LOOK_IDS; i++) {
        if (f->candidates[i].up)
            ids[n++] = sighting_id_of(f->candidates[i].up);
        if (f->candidates[i].down)
            ids[n++] = sighting_id_of(f->candidates[i].down);
    }
    look_scope_listed(&row->scope, ids, n, now);
}

static enum err
place_of(
    const struct house *house, const struct funnel_ask *ask, struct flight_ask *f,
    struct note *note)
{
    if (!ask->site.v)
        return OK;
    struct site_table *sites = house->sites(house->ctx);
    const struct site *s = site_get(sites, ask->site);
    enum err e = OK;
    if (!s || !site_is_placed(s))
        e = note_set(
            note, ERR_INPUT, "site", "this site has no place yet: give lon and lat",
            "该点位尚未定位：请给出经纬度");
    else {
        f->lon = s->lon;
        f->lat = s->lat;
    }
    site_table_unref(sites);
    return e;
}

enum err
funnel_run(
    const struct house *house, struct ledger_reader *reader,
    const struct funnel_ask *ask, struct arena *arena, struct flight *out,
    struct look_row *row, struct note *note)
{
    struct funnel_ask q = *ask;
    struct plate_pattern pattern;
    struct buf subject = {0};
    q.flight.from = ask->who.from_ms;
    q.flight.to = ask->who.to_ms;
    q.flight.pattern = NULL;
    enum err e = place_of(house, ask, &q.flight, note);
    if (e != OK)
        return e;
    if (q.plate.n && !plate_pattern_parse(q.plate, &pattern))
        return note_fmt(
            note, ERR_INPUT, "plate",
            "\"%.*s\" is no part of a plate: ? for one character, * for any number",
            "“%.*s”不是号牌片段：用 ? 代替一个字符、用 * 代替若干字符",
            SPAN_ARG(q.plate));
    if (q.plate.n)
        q.flight.pattern = &pattern;
    subject_of(&subject, &q, &house->zone);
    q.who.kind = LOOK_ANALYSIS;
    q.who.subject = span_of(subject.p, subject.n);
    q.who.plate = PLATE_NONE;
    q.who.from_ms -= FLIGHT_REACH_MS;
    q.who.to_ms += FLIGHT_REACH_MS;
    struct run run = {&q.flight, out};
    e = subject.bad
            ? ERR_NOMEM
            : looks_through(house, reader, &q.who, 0, answer, &run, arena, row, note);
    buf_release(&subject);
    if (e == OK)
        listed(out, q.who.now_ms, row);
    return e;
}

/* ---- JSON ---- */

static void
named(struct buf *out, const struct flight_reason_row *r)
{
    buf_fmt(
        out, "{\"name\":\"%s\",\"label\":{\"zh\":\"%s\",\"en\":\"%s\"}", r->name, r->zh,
        r->en);
}

void
funnel_changes_json(struct buf *out, unsigned changes)
{
    const char *comma = "";
    buf_text(out, "[");
    for (unsigned i = 0; i < sizeof changes_rows / sizeof *changes_rows; i++)
        if (changes & 1u << i) {
            buf_text(out, comma);
            named(out, &changes_rows[i]);
            buf_text(out, "}");
            comma = ",";
        }
    buf_text(out, "]");
}

static void
pass_json(
    struct buf *out, const char *name, const struct sighting *s,
    const struct site_table *sites)
{
    buf_fmt(out, ",\"%s\":", name);
    if (s)
        rows_sighting(out, s, sites);
    else
        buf_text(out, "null");
}

static void
candidate_json(
    struct buf *out, const struct flight_candidate *c, const struct site_table *sites)
{
    char plate[PLATE_TEXT];
    buf_text(out, "{\"plate\":");
    buf_json(out, span_cstr(plate_format(plate, c->plate)));
    buf_fmt(
        out,
        ",\"probability\":%.5f,\"at_ms\":%lld,\"took_ms\":%u,\"usual_ms\":%u,"
        "\"others\":%u,\"slower\":%.4f,\"look_off\":%s,\"plate_off\":%s,\"changes\":",
        c->probability, (long long)c->at_ms, c->took_ms, c->usual_ms, c->others,
        c->slower, c->look_off ? "true" : "false", c->plate_off ? "true" : "false");
    funnel_changes_json(out, c->changes);
    buf_text(out, ",\"reasons\":[");
    const char *comma = "";
    for (int i = 0; i < FLIGHT_REASONS; i++) {
        if (c->ratio[i] > 0.999F && c->ratio[i] < 1.001F)
            continue; /* says nothing */
        buf_text(out, comma);
        named(out, &flight_reasons[i]);
        buf_fmt(out, ",\"ratio\":%.4g}", (double)c->ratio[i]);
        comma = ",";
    }
    buf_text(out, "]");
    pass_json(out, "up", c->up, sites);
    pass_json(out, "down", c->down, sites);
    buf_text(out, "}");
}

static void
site_json(struct buf *out, const struct flight_site *s, const struct site_table *sites)
{
    const struct site *site = site_get(sites, s->site);
    buf_fmt(out, "{\"site_id\":%u,\"site\":", s->site.v);
    buf_json(out, span_cstr(site ? site->code : ""));
    buf_text(out, ",\"name\":");
    buf_json(out, span_cstr(site ? site->name : ""));
    buf_fmt(
        out, ",\"dist_m\":%u,\"passes\":%u,\"unread\":%.4f,\"lon\":%.7f,\"lat\":%.7f}",
        s->dist_m, s->passes, (double)s->unread, (site ? site->lon : 0) / 1e7,
        (site ? site->lat : 0) / 1e7);
}

void
funnel_json(
    struct buf *out, const struct flight *f, const struct site_table *sites,
    const struct live *live, const struct org_table *orgs, struct org_id reader)
{
    buf_text(out, "\"steps\":[");
    for (int i = 0; i < FLIGHT_STEPS; i++) {
        if (i)
            buf_text(out, ",");
        named(out, &flight_steps[i]);
        buf_fmt(out, ",\"vehicles\":%u}", f->steps[i]);
    }
    buf_fmt(
        out, "],\"unseen\":%.5f,\"considered\":%u,\"unread\":%u,\"candidates\":[",
        f->unseen, f->considered, f->unread);
    for (size_t i = 0; i < f->n; i++) {
        if (i)
            buf_text(out, ",\n");
        candidate_json(out, &f->candidates[i], sites);
    }
    buf_text(out, "],\n\"sites\":[");
    for (size_t i = 0; i < f->sites_n; i++) {
        if (i)
            buf_text(out, ",");
        site_json(out, &f->sites[i], sites);
    }
    buf_text(out, "]");
    looks_coverage_json(out, &f->coverage, sites, live, orgs, reader);
}
