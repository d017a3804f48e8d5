/* SPDX-License-Identifier: Apache-2.0 */
/* begin (decided and recorded) - the analysis while the record is being synced - end
 * (durable). */
#include "serve/looks.h"

#include "core/counter.h"
#include "serve/primitives.h"

#include <sodium.h>
#include <stdio.h>

#define ROWS_DEFAULT 5000
#define TRAJECTORY_MS (400 * DAY_MS)
#define SECONDS 20 /* of an analysis that says nothing else */

/* ---- what is asked, in words that the record keeps ---- */

static void
subject_of(
    struct buf *out, const struct looks_ask *ask, const struct site_table *sites,
    const struct zone *zone)
{
    char from[TS_TEXT], to[TS_TEXT], code[CODE3_TEXT];
    if (ask->plate.n)
        buf_fmt(out, "plate %.*s ", SPAN_ARG(ask->plate));
    for (size_t i = 0; i < ask->sites_n; i++) {
        const struct site *s = site_get(sites, ask->sites[i]);
        buf_fmt(out, "%s%s", i ? "," : "sites ", s ? s->code : "?");
    }
    if (ask->sites_n)
        buf_text(out, " ");
    if (ask->vehicle_class)
        buf_fmt(out, "class %s ", code3_format(code, ask->vehicle_class));
    if (ask->brand)
        buf_fmt(out, "brand %s ", code3_format(code, ask->brand));
    if (ask->vehicle_color)
        buf_fmt(out, "colour %u ", ask->vehicle_color);
    if (ask->who.to_ms)
        buf_fmt(
            out, "%s to %s", ts_format(from, ask->who.from_ms, zone),
            ts_format(to, ask->who.to_ms, zone));
}

/* One whole plate, or a pattern. */
struct asked {
    struct plate plate;           /* PLATE_NONE: not one whole plate */
    struct plate_pattern pattern; /* n 0: none; also of a whole plate */
};

static enum err
read_plate(const struct looks_ask *ask, struct asked *out, struct note *note)
{
    struct asked a = {.plate = PLATE_NONE};
    if (ask->plate.n) {
        bool differs;
        (void)plate_parse(ask->plate, &a.plate, &differs);
        bool whole = plate_is_exact(a.plate), odd = whole && !plate_is_askable(a.plate);
        if (!whole)
            a.plate = PLATE_NONE;
        /* Never without a pattern: a window over sites would show all that passed. */
        if (odd || !plate_pattern_parse(ask->plate, &a.pattern))
            return note_fmt(
                note, ERR_INPUT, "plate",
                "\"%.*s\" is not a plate: write it whole, or with ? for one "
                "character "
                "and * for any number",
                "“%.*s”不是号牌：请写完整号牌，或用 ? 代替一个字符、用 * "
                "代替若干字符",
                SPAN_ARG(ask->plate));
    }
    bool whole = !plate_is_none(a.plate);
    if (ask->who.kind != LOOK_SIGHTINGS && !whole)
        return note_set(
            note, ERR_INPUT, "plate", "this question needs one whole plate",
            "该查询需要完整号牌");
    *out = a;
    return OK;
}

/* ---- the analyses ---- */

struct plain { /* a trajectory, or passes */
    const struct looks_ask *ask;
    const struct asked *what;
    struct looks_answer *out;
};

static enum err
analyse(
    void *arg, const struct look_permit *permit, const struct analysis_needs *needs,
    struct arena *arena, uint64_t *count, struct note *note)
{
    const struct plain *p = arg;
    const struct looks_ask *ask = p->ask;
    const struct asked *what = p->what;
    struct looks_answer *out = p->out;
    size_t limit = ask->limit ? ask->limit : ROWS_DEFAULT;
    enum err e = OK;
    if (ask->who.kind == LOOK_TRAJECTORY) {
        struct trajectory t;
        e = trajectory_of(
            permit, needs, what->plate, ask->who.from_ms, ask->who.to_ms, limit, arena,
            &t, note);
        if (e == OK) {
            out->rows = t.rows;
            out->coverage = t.coverage;
            out->covered = true;
            out->gaps = t.gaps;
            out->gaps_n = t.gaps_n;
            out->unseen = t.unseen;
            out->missed = t.missed;
        }
    } else if (ask->who.kind == LOOK_SIGHTINGS) {
        struct passes_ask pa = {
            .sites = ask->sites,
            .sites_n = ask->sites_n,
            .filter =
                {
                    .pattern = what->pattern.n ? &what->pattern : NULL,
                    .vehicle_class = ask->vehicle_class,
                    .brand = ask->brand,
                    .vehicle_color = ask->vehicle_color,
                    .plate_color = ask->plate_color,
                },
            .from = ask->who.from_ms,
            .to = ask->who.to_ms,
            .limit = limit,
        };
        struct passes passes;
        e = passes_of(permit, needs, &pa, arena, &passes, note);
        if (e == OK) {
            out->rows = passes.rows;
            out->coverage = passes.coverage;
            out->covered = true;
        }
    }
    *count = out->rows.n;
    return e;
}

/* What the rows of this question can be, for whoever asks for a picture of one later.
 */
static struct look_scope
scope_of(
    const struct looks_ask *ask, const struct asked *what, const struct looks_answer *a)
{
    struct look_scope sc = {
        .from_ms = ask->who.from_ms, .to_ms = ask->who.to_ms, .plate = what->plate};
    if (ask->who.kind == LOOK_SIGHTINGS) {
        sc.pattern = what->pattern;
        sc.plate_color = ask->plate_color;
        sc.vehicle_color = ask->vehicle_color;
        sc.vehicle_class = ask->vehicle_class;
        sc.brand = ask->brand;
        for (size_t i = 0; i < ask->sites_n; i++)
            sc.sites[sc.sites_n++] = ask->sites[i];
    }
    look_scope_answered(&sc, a->rows.rows, a->rows.n, a->rows.more, ask->who.now_ms);
    return sc;
}

static void
about_plate(
    const struct house *house, const struct looks_ask *ask, struct plate plate,
    struct looks_answer *out)
{
    if (plate_is_none(plate))
        return;
    out->registry = registry_snapshot(house->registry);
    out->vehicle = vehicle_find(out->registry, plate, ask->plate_color);
    out->watches = house->watches(house->ctx);
    const struct watch *all[8];
    size_t n = watch_set_exact(out->watches, plate, all, 8);
    for (size_t i = 0; i < n && i < 8; i++) {
        bool live =
            all[i]->from_ms <= ask->who.now_ms && ask->who.now_ms < all[i]->to_ms;
        if (live)
            out->watch[out->watch_n++] = all[i];
    }
}

ts_ms
looks_newest(const struct house *house)
{
    struct sight_snap *snap = house->sight ? sight_snapshot(house->sight) : NULL;
    ts_ms at = snap ? sight_snap_newest(snap) : 0;
    sight_snap_free(snap);
    return at > 0 ? at : 0; /* nothing stored yet: ages count from now */
}

/* The analysis itself, on a snapshot of the engine and the newest model. */
static enum err
answer(
    const struct house *house, struct ledger_reader *reader, struct site_table *sites,
    const struct look_permit *permit, int seconds, looks_fn fn, void *arg,
    struct arena *arena, uint64_t *count, struct note *note)
{
    struct primitives p;
    enum err e = primitives_open(&p, house, reader, sites, seconds ? seconds : SECONDS);
    if (e == OK)
        e = fn(arg, permit, &p.needs, arena, count, note);
    primitives_close(&p);
    if (e == ERR_TIMEOUT && note && !note->en[0])
        e = note_set(
            note, e, NULL,
            "this question takes too long: narrow the window or the place",
            "查询耗时过长：请缩小时段或范围");
    if (e == ERR_TOOBIG && note && !note->en[0])
        e = note_set(
            note, e, NULL,
            "this question needs more memory than it may have: narrow the window",
            "查询所需内存超限：请缩小时段或范围");
    return e;
}

enum err
looks_through(
    const struct house *house, struct ledger_reader *reader,
    const struct look_request *asked, int seconds, looks_fn fn, void *arg,
    struct arena *arena, struct look_row *row, struct note *note)
{
    struct look_request q = *asked;
    struct look_permit *permit = NULL;
    struct look_row mine = {0};
    enum look_refusal refusal = LOOK_ALLOWED;
    uint64_t count = 0;
    struct site_table *sites = house->sites(house->ctx);
    struct org_table *orgs = house->org(house->ctx);
    crypto_generichash(
        q.parameters, sizeof q.parameters, (const uint8_t *)q.subject.p, q.subject.n,
        (const uint8_t *)"look", 4);
    q.newest_ms = looks_newest(house);
    audit_look_row(house->looks, &q, &mine); /* purpose, reason, confirm by */
    enum err e = audit_look_begin(
        house->audit, reader, house->looks, orgs, &q, &permit, &refusal, note);
    if (e != OK) {
        counter_add(CTR_looks_refused, 1);
        if (refusal != LOOK_ALLOWED)
            e = note_code(note, e, look_refusal_code(refusal));
        goto out;
    }
    enum err said =
        answer(house, reader, sites, permit, seconds, fn, arg, arena, &count, note);
    e = audit_look_end(
        house->audit, &permit, count, said == OK ? AUDIT_OK : AUDIT_FAILED, q.now_ms,
        &mine);
    counter_add(CTR_looks, 1);
    if (said != OK)
        e = said;
    if (e == OK)
        *row = mine;
out:
    site_table_unref(sites);
    org_table_unref(orgs);
    return e;
}

enum err
looks_run(
    const struct house *house, struct ledger_reader *reader,
    const struct looks_ask *ask, struct arena *arena, struct looks_answer *out,
    struct note *note)
{
    struct asked what;
    struct looks_answer mine = {0};
    struct look_request q = ask->who;
    struct buf subject = {0};
    enum err e = read_plate(ask, &what, note);
    if (e == OK && ask->who.kind == LOOK_TRAJECTORY &&
        ask->who.to_ms - ask->who.from_ms > TRAJECTORY_MS)
        e = note_set(
            note, ERR_INPUT, "to_ms", "a trajectory covers at most 400 days at once",
            "轨迹查询一次最多 400 天");
    if (e == OK && ask->sites_n > LOOK_SITES)
        e = note_fmt(
            note, ERR_INPUT, "sites", "at most %d sites at once", "一次最多 %d 个点位",
            LOOK_SITES);
    if (e != OK)
        return e;
    struct site_table *sites = house->sites(house->ctx);
    subject_of(&subject, ask, sites, &house->zone);
    site_table_unref(sites);
    q.subject = span_of(subject.p, subject.n);
    q.plate = what.plate;
    struct plain plain = {ask, &what, &mine};
    e = subject.bad
            ? ERR_NOMEM
            : looks_through(
                  house, reader, &q, 0, analyse, &plain, arena, &mine.row, note);
    buf_release(&subject);
    if (e == OK) {
        about_plate(house, ask, what.plate, &mine);
        if (mine.covered)
            mine.row.scope = scope_of(ask, &what, &mine);
        *out = mine;
    }
    return e;
}

enum look_refusal
looks_refusal(const char *code)
{
    for (int i = LOOK_NO_MATTER; i <= LOOK_UNCONFIRMED; i++)
        if (strcmp(code, look_refusal_code((enum look_refusal)i)) == 0)
            return (enum look_refusal)i;
    return LOOK_ROLE;
}

void
looks_release(struct looks_answer *a)
{
    if (a->registry)
        vehicle_index_unref(a->registry);
    if (a->watches)
        watch_set_unref(a->watches);
    a->registry = NULL;
    a->watches = NULL;
    a->vehicle = NULL;
    a->watch_n = 0;
}

void
looks_coverage_note(struct note *out, const struct coverage *c)
{
    if (c->gaps_n == 0)
        (void)note_fmt(
            out, OK, NULL,
            "all %u sites delivered in this window; not seen does not prove it was not "
            "there",
            "时段内 %u 个点位均有数据；未见不等于未经过", c->sites);
    else
        (void)note_fmt(
            out, OK, NULL,
            "%2$zu gap(s) at the %1$u sites of this window: the vehicle may have "
            "passed "
            "unseen",
            "时段内 %1$u 个点位中有 %2$zu 处数据中断，车辆可能经过而未被记录", c->sites,
            c->gaps_n);
}

void
looks_coverage_text(struct buf *out, const struct coverage *c)
{
    struct note said = {0};
    looks_coverage_note(&said, c);
    buf_fmt(out, "{\"zh\":\"%s\",\"en\":\"%s\"}", said.zh, said.en);
}

void
looks_coverage_lines(
    struct buf *out, const struct coverage *c, const struct site_table *sites,
    const struct zone *zone, bool zh)
{
    struct note said = {0};
    looks_coverage_note(&said, c);
    buf_fmt(out, "%s\n", zh ? said.zh : said.en);
    for (size_t i = 0; i < c->gaps_n; i++) {
        char from[TS_TEXT], to[TS_TEXT];
        const struct site *s = site_get(sites, c->gaps[i].site);
        buf_fmt(
            out, zh ? "  无数据  %s 至 %s  %s  %s\n" : "  no data  %s to %s  %s  %s\n",
            ts_format(from, c->gaps[i].from_ms, zone),
            ts_format(to, c->gaps[i].to_ms, zone), s ? s->code : "", s ? s->name : "");
    }
}

/* The reader has the names of his own sites already (GET /sites): a hundred kilobytes of
 * them stood beside an answer of one row. */
static void
other_name(
    struct buf *out, const struct site *s, const struct org_table *orgs,
    struct org_id reader)
{
    if (!s || (orgs && (!s->org.v || org_covers(orgs, reader, s->org))))
        return;
    buf_text(out, ",\"name\":");
    buf_json(out, span_cstr(s->name));
}

static void
late_json(
    struct buf *out, const struct site_table *sites, const struct live *live,
    const struct org_table *orgs, struct org_id reader)
{
    const char *comma = "";
    for (uint32_t i = 1; live && i <= sites->n; i++) {
        const struct live_site *l = live_site(live, (struct site_id){i});
        if (l->late_ms < MINUTE_MS)
            continue;
        buf_fmt(out, "%s{\"site\":%u,\"by_ms\":%lld", comma, i, (long long)l->late_ms);
        other_name(out, &sites->rows[i], orgs, reader);
        buf_text(out, "}");
        comma = ",";
    }
}

void
looks_coverage_json(
    struct buf *out, const struct coverage *c, const struct site_table *sites,
    const struct live *live, const struct org_table *orgs, struct org_id reader)
{
    if (!c) {
        buf_text(
            out, ",\"coverage\":{\"complete\":true,\"sites\":0,\"text\":{\"zh\":\"\","
                 "\"en\":\"\"},\"offline\":[],\"late\":[]}");
        return;
    }
    buf_fmt(
        out, ",\"coverage\":{\"complete\":%s,\"sites\":%u,\"text\":",
        c->gaps_n ? "false" : "true", c->sites);
    looks_coverage_text(out, c);
    buf_text(out, ",\"offline\":[");
    for (size_t i = 0; i < c->gaps_n; i++) {
        buf_fmt(
            out, "%s{\"site\":%u,\"from_ms\":%lld,\"to_ms\":%lld", i ? "," : "",
            c->gaps[i].site.v, (long long)c->gaps[i].from_ms,
            (long long)c->gaps[i].to_ms);
        other_name(out, site_get(sites, c->gaps[i].site), orgs, reader);
        buf_text(out, "}");
    }
    buf_text(out, "],\"late\":[");
    late_json(out, sites, live, orgs, reader);
    buf_text(out, "]}");
}

void
looks_gaps_json(
    struct buf *out, const struct looks_answer *a, const struct site_table *sites)
{
    char id[SIGHTING_ID_TEXT];
    buf_text(out, ",\"gaps\":[");
    for (size_t i = 0; i < a->gaps_n; i++) {
        const struct trajectory_gap *g = &a->gaps[i];
        buf_fmt(
            out,
            "%s{\"after\":\"%s\",\"took_ms\":%lld,\"least_ms\":%u,\"free_ms\":%lld,"
            "\"unseen\":%.4f,\"blind\":%s,\"between\":[",
            i ? "," : "",
            sighting_id_format(id, sighting_id_of(&a->rows.rows[g->after])),
            (long long)g->took_ms, g->least_ms, (long long)g->free_ms, g->unseen,
            g->blind ? "true" : "false");
        for (unsigned k = 0; k < g->between_n; k++) {
            const struct site *s = site_get(sites, g->between[k]);
            buf_fmt(out, "%s{\"site\":%u,\"name\":", k ? "," : "", g->between[k].v);
            buf_json(out, span_cstr(s ? s->name : ""));
            buf_text(out, "}");
        }
        buf_text(out, "]}");
    }
    buf_fmt(out, "],\"unseen\":%.4f,\"missed\":%.4f", a->unseen, a->missed);
}
