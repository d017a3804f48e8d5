/* SPDX-License-Identifier: Apache-2.0 */
/* Passes by the million. Alone: straight into segments, with a mark that follows what is
 * durable, so that an import that was cut off goes on where it was. Beside a daemon:
 * what passed within the horizon of the rules goes through its store like any sender's;
 * what is older is history as it is alone, so that no alarm of now waits behind it. */
#include "core/os_clock.h"
#include "daemon/import.h"
#include "rules/rules.h"
#include "store/ledger_place.h"

#include <stdlib.h>

#define BATCH_ROWS 65536
#define BATCH_BYTES (64u << 20)
#define ONLINE_ROWS 4096
/* Segments before the builders stop for a merge. A run in order of time makes a few, one
 * in order of plate two a day of the year; each is a mapping, of which a process has
 * 65,530. */
#define SEGMENTS_MOST 20000u

/* ---- places ---- */

uint64_t
import_places_version(void *ctx)
{
    return ((struct import_places *)ctx)->sites->version;
}

bool
import_find_site(void *ctx, struct span code, struct feed_site *out)
{
    struct import_places *p = ctx;
    struct site_id id = site_find(p->sites, code);
    if (id.v == 0)
        return false;
    const struct site *s = site_get(p->sites, id);
    *out = (struct feed_site){
        id, s->color_map[0] ? color_map_find(span_cstr(s->color_map)) : NULL};
    return true;
}

static enum err
make_sites(struct base *b, void *arg, struct note *note)
{
    struct sighting_batch *batch = arg;
    (void)note;
    enum err e = OK;
    for (size_t i = 0; i < batch->unplaced_n && e == OK; i++) {
        struct site_id id;
        bool made;
        e = ledger_site_ensure(b->ledger, batch->unplaced[i].code, &id, &made);
        if (e != OK)
            break;
        batch->rows[batch->unplaced[i].row].site = id;
        if (made) {
            struct ledger_entry entry = {
                .topic = TOPIC_SITE, .object = id.v, .at_ms = os_now_ms()};
            uint64_t n;
            e = ledger_note(b->ledger, &entry, &n);
        }
    }
    return e;
}

enum err
import_place_all(struct import_places *p, struct sighting_batch *b)
{
    if (b->unplaced_n == 0)
        return OK;
    const struct door *door = p->im->call->door;
    enum err e = door_ledger(door, make_sites, b, p->im->note);
    if (e == OK)
        e = door_refresh(door);
    site_table_unref(p->sites);
    p->sites = base_sites(door->base);
    return e;
}

static void
reject(void *ctx, const struct csv_reject *r)
{
    const struct feed_fault_row *row = feed_fault_row(r->fault);
    struct import *im = ctx;
    im->line = r->line > im->line ? r->line : im->line;
    if (r->taken) {
        import_cut(ctx, r->line, r->column, r->text, r->fault);
        return;
    }
    import_reject(ctx, r->line, r->column ? r->column : "", r->text, row->en, row->zh);
}

/* A row that the store does not take, with the line it came from. */
void
import_refuse_row(
    struct import *im, const struct sighting *row, uint64_t line, uint8_t fate)
{
    static const struct {
        const char *column, *en, *zh;
    } why[] = {
        [FATE_CONFLICT] =
            {"record_id",
             "the same device, record_id and time with other content: the "
             "first is kept",
             "设备、记录编号、时间相同而内容不同：保留先到的记录"},
        [FATE_FUTURE] =
            {"time_ms", "the time is more than 2 minutes ahead", "时间超前两分钟以上"},
        [FATE_EXPIRED] =
            {"time_ms", "the time is past the retention", "时间早于保存期限"},
        [FATE_REFUSED] =
            {"line", "the disk is full: import the file again",
             "磁盘空间不足，请稍后重新导入"},
    };
    char at[32];
    must(fate > FATE_DUPLICATE && fate < sizeof why / sizeof *why);
    snprintf(at, sizeof at, "%lld", (long long)row->pass_ms);
    struct span value = fate == FATE_CONFLICT  ? row->record_id
                        : fate == FATE_REFUSED ? (struct span){NULL, 0}
                                               : span_cstr(at);
    import_reject(im, line, why[fate].column, value, why[fate].en, why[fate].zh);
}

/* ---- alone: bulk ---- */

void
import_window(
    struct import *im, const struct sighting *rows, const uint64_t *lines, size_t n)
{
    ts_ms oldest, newest;
    sight_bulk_times(im->call->door->base->sight, im->now, &oldest, &newest);
    for (size_t i = 0; i < n; i++) {
        ts_ms t = rows[i].pass_ms;
        if (t < oldest || t > newest) {
            import_refuse_row(
                im, &rows[i], lines[i], t < oldest ? FATE_EXPIRED : FATE_FUTURE);
            continue;
        }
        if (im->first_ms == 0 || t < im->first_ms)
            im->first_ms = t;
        if (t > im->last_ms)
            im->last_ms = t;
    }
}

static void
conflict(void *arg, uint64_t line, struct span record_id)
{
    const struct sighting row = {.record_id = record_id};
    import_refuse_row(arg, &row, line, FATE_CONFLICT);
}

enum err
import_bulk(
    struct import *im, struct sight_bulk **bulk, const struct sighting *rows,
    const uint64_t *lines, size_t n)
{
    enum err e = OK;
    if (!*bulk) {
        e = sight_bulk_begin(im->call->door->base->sight, bulk);
        if (e != OK)
            return e;
        sight_bulk_tell(*bulk, conflict, im);
    }
    return sight_bulk_add_numbered(*bulk, rows, lines, n, im->now, im->note);
}

enum err
import_bulk_end(struct import *im, struct sight_bulk **bulk)
{
    struct sight_bulk_sum sum = {0};
    if (!*bulk)
        return OK;
    enum err e = sight_bulk_commit(*bulk, &sum, im->note);
    *bulk = NULL;
    im->taken += sum.stored;
    im->known += sum.duplicates;
    return e;
}

/* Straight into segments; the rules walk them when all are there. */
static enum err
into_bulk(
    struct import *im, struct sight_bulk **bulk, const struct sighting *rows,
    const uint64_t *lines, size_t n)
{
    if (n == 0)
        return OK;
    import_window(im, rows, lines, n);
    return import_bulk(im, bulk, rows, lines, n);
}

/* Where the file is read to: behind so many rows handed on. */
static struct import_spot
spot_of(const struct import *im, const struct csv_passes *p, uint64_t rows)
{
    return (struct import_spot){rows, p->offset, im->line + 1};
}

/* All that was handed on is durable: the mark, and nothing waits before it. */
static enum err
bulk_stop(
    struct import *im, struct sight_bulk **bulk, const struct csv_passes *p,
    uint64_t *rows)
{
    enum err e = import_bulk_end(im, bulk);
    if (e == OK)
        e = import_mark_end(im, spot_of(im, p, *rows));
    im->mark.spots.n = 0;
    *rows = 0;
    return e;
}

static enum err
merge_when_many(
    struct import *im, struct sight_bulk **bulk, const struct csv_passes *p,
    uint64_t *rows)
{
    struct sight *s = im->call->door->base->sight;
    struct sight_health h;
    bool more = false;
    sight_health(s, &h);
    if (h.segments < SEGMENTS_MOST)
        return OK;
    enum err e = bulk_stop(im, bulk, p, rows);
    return e == OK ? sight_maintain(s, im->now, true, &more, im->note) : e;
}

/* One batch, and the mark behind what the builders have done meanwhile. */
static enum err
bulk_batch(
    struct import *im, struct sight_bulk **bulk, struct csv_passes *p,
    const struct sighting_batch *b, uint64_t *rows)
{
    uint64_t settled = 0;
    if (b->n && p->lines[b->n - 1] > im->line)
        im->line = p->lines[b->n - 1];
    enum err e = into_bulk(im, bulk, b->rows, p->lines, b->n);
    if (e != OK)
        return e;
    *rows += b->n;
    import_spots_put(&im->mark.spots, spot_of(im, p, *rows));
    if (*bulk)
        e = sight_bulk_settled(*bulk, &settled);
    if (e == OK && settled) {
        e = import_mark_settled(im, settled);
        if (e == OK)
            e = merge_when_many(im, bulk, p, rows);
    }
    return e;
}

static enum err
bulk_all(struct import *im, struct csv_passes *p, struct import_places *places)
{
    struct sighting_batch *b = sighting_batch_new(BATCH_ROWS, BATCH_BYTES);
    struct sight_bulk *bulk = NULL;
    uint64_t rows = 0;
    enum err e = b ? OK : ERR_NOMEM;
    while (e == OK) {
        sighting_batch_clear(b);
        e = csv_passes_fill(p, b, im->note);
        if (e == OK)
            e = import_place_all(places, b);
        if (e == OK)
            e = bulk_batch(im, &bulk, p, b, &rows);
    }
    if (e == ERR_NOTFOUND) {
        e = bulk ? bulk_stop(im, &bulk, p, &rows) : OK;
    }
    if (bulk)
        sight_bulk_drop(bulk);
    if (b)
        sighting_batch_free(b);
    return e;
}

/* ---- beside a daemon: as a sender ---- */

struct sending {
    struct import *im;
    struct sighting_batch *batch;
};

static enum err
send(struct base *b, void *arg, struct note *note)
{
    struct sending *s = arg;
    return sight_append(b->sight, &s->batch, 1, os_now_ms(), note);
}

struct history {
    struct sighting rows[ONLINE_ROWS];
    uint64_t lines[ONLINE_ROWS];
};

/* Takes what is older than `horizon` out of the batch, both in their order; how many.
 */
static size_t
take_history(
    struct sighting_batch *b, uint64_t *lines, ts_ms horizon, struct history *old)
{
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (b->rows[i].pass_ms < horizon) {
            old->rows[n] = b->rows[i];
            old->lines[n++] = lines[i];
        } else {
            b->rows[kept] = b->rows[i];
            lines[kept++] = lines[i];
        }
    }
    b->n = kept;
    return n;
}

static enum err
send_fresh(struct import *im, struct sighting_batch *b, const uint64_t *lines)
{
    struct sending s = {im, b};
    if (b->n == 0)
        return OK;
    enum err e = door_store(im->call->door, send, &s, im->note);
    for (size_t i = 0; e == OK && i < b->n; i++) {
        im->taken += b->fate[i] == FATE_STORED;
        im->known += b->fate[i] == FATE_DUPLICATE;
        if (b->fate[i] > FATE_DUPLICATE)
            import_refuse_row(im, &b->rows[i], lines[i], b->fate[i]);
    }
    return e;
}

static enum err
send_all(struct import *im, struct csv_passes *p, struct import_places *places)
{
    struct sighting_batch *b = sighting_batch_new(ONLINE_ROWS, BATCH_BYTES);
    struct history *old = malloc(sizeof *old);
    struct sight_bulk *bulk = NULL;
    ts_ms horizon = im->now - RULES_HORIZON_MS;
    enum err e = b && old ? OK : ERR_NOMEM;
    while (e == OK) {
        sighting_batch_clear(b);
        e = csv_passes_fill(p, b, im->note);
        if (e == OK)
            e = import_place_all(places, b);
        if (e != OK)
            break;
        size_t past = take_history(b, p->lines, horizon, old);
        e = into_bulk(im, &bulk, old->rows, old->lines, past);
        if (e == OK)
            e = send_fresh(im, b, p->lines);
    }
    if (e == ERR_NOTFOUND)
        e = import_bulk_end(im, &bulk);
    if (bulk)
        sight_bulk_drop(bulk);
    free(old);
    if (b)
        sighting_batch_free(b);
    return e;
}

/* What was read although it was odd, a line a kind with its sample. */
static void
tell_slips(const struct import *im, const struct feed_faults *f)
{
    for (int i = 0; i < FAULT_COUNT; i++) {
        uint32_t n = feed_fault_count(f, (enum feed_fault)i);
        const struct feed_fault_row *row = feed_fault_row((enum feed_fault)i);
        if (n && op_flag(im->call, "zh"))
            fprintf(im->call->log, "%u 处：%s（%s）\n", n, row->zh, f->sample[i]);
        else if (n)
            fprintf(im->call->log, "%u times: %s (%s)\n", n, row->en, f->sample[i]);
    }
}

enum err
import_passes(struct import *im)
{
    struct import_places places = {im, base_sites(im->call->door->base)};
    struct feed_needs needs = {
        .ctx = &places, .site = import_find_site, .version = import_places_version};
    struct csv_passes p = {
        .csv = im->csv,
        .reader = pass_reader_new(),
        .from = {.needs = &needs, .zone = &im->call->door->base->zone},
        .reject = reject,
        .reject_ctx = im,
        .lines = calloc(BATCH_ROWS, sizeof *p.lines), /* the larger of both batches */
    };
    memcpy(p.column, im->column, sizeof p.column);
    enum err e = p.reader && p.lines ? OK : ERR_NOMEM;
    if (!im->call->door->daemon) /* beside one nothing is marked */
        import_mark_open(im);
    if (e == OK && im->mark.at.offset) {
        e = csv_skip_to(im->csv, im->mark.at.offset, im->mark.at.line, im->note);
        if (e == OK)
            fprintf(
                im->call->log,
                "going on at byte %llu (--again reads from the beginning)\n",
                (unsigned long long)im->mark.at.offset);
    }
    if (e == OK)
        e = im->call->door->daemon ? send_all(im, &p, &places)
                                   : bulk_all(im, &p, &places);
    if (e == OK)
        tell_slips(im, &p.faults);
    free(p.lines);
    pass_reader_free(p.reader);
    site_table_unref(places.sites);
    return e;
}
