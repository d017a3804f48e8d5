/* SPDX-License-Identifier: Apache-2.0 */
/* The machine. A record is looked at once by every rule's glance(). When none of them
 * cares, and the plate is in order and not under observation, that was all: one cache
 * miss and some arithmetic. Else the plate is judged: all its records of the civil day
 * are fetched from the store, folded into passages, given to every rule, and what they
 * find is compared with what they found before. So the standing alarms are a function
 * of the stored set, in whatever order it came. */
#include "rules/rules_own.h"

#include <stdlib.h>

#include "rules/beside.h"

#define PLATES_MAX_DEFAULT 3000000u
#define SCRATCH_CAP ((size_t)64 << 20)
#define PREFETCH 8
#define KEPT_BYTES ((size_t)24 << 20)

/* ---- making ---- */

static enum err
init_tables(struct rules *r)
{
    enum err e = ground_init(&r->ground);
    if (!e)
        e = census_init(&r->census);
    if (!e)
        e = seen_init(&r->seen, r->plates_max);
    if (!e)
        e = held_init(&r->held);
    if (!e)
        e = kept_init(&r->kept, KEPT_BYTES);
    if (!e)
        e = marks_init(&r->marks);
    if (!e)
        e = unread_init(&r->unread);
    if (!e)
        e = suspects_init(&r->suspects);
    if (!e)
        e = traffic_init(&r->traffic);
    r->no_watches = watch_set_new(NULL, 0, 0);
    r->made = calloc(ALARMS_A_JUDGEMENT, sizeof *r->made);
    return e ? e : r->no_watches && r->made ? OK : ERR_NOMEM;
}

enum err
rules_new(
    const struct rules_opts *opts, const struct rules_needs *needs, struct rules **out)
{
    must(needs->history && needs->alarm);
    struct rules *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    r->needs = *needs;
    r->rules_n = rule_count();
    must(r->rules_n <= RULE_MAX && r->rules_n <= 16); /* bits of struct seen.settled */
    r->newest_ms = INT64_MIN;
    r->newest_day = INT32_MIN;
    r->day_from_ms = INT64_MAX;
    arena_init(&r->scratch, SCRATCH_CAP);
    twin_table_init(&r->twins);
    r->zone = opts->zone;
    r->plates_max = opts->plates_max ? opts->plates_max : PLATES_MAX_DEFAULT;
    if (opts->book)
        r->book = *opts->book;
    else
        rule_book_init(&r->book);
    enum err e = init_tables(r);
    if (e) {
        rules_free(r);
        return e;
    }
    r->watches = watch_set_ref(r->no_watches);
    *out = r;
    return OK;
}

void
rules_free(struct rules *r)
{
    if (!r)
        return;
    ground_release(&r->ground);
    census_release(&r->census);
    seen_release(&r->seen);
    held_release(&r->held);
    kept_release(&r->kept);
    marks_release(&r->marks);
    unread_release(&r->unread);
    suspects_release(&r->suspects);
    traffic_release(&r->traffic);
    vehicle_index_unref(r->registry);
    watch_set_unref(r->watches);
    watch_set_unref(r->no_watches);
    arena_release(&r->scratch);
    buf_release(&r->bytes);
    free(r->rows);
    free(r->passages);
    free(r->made);
    free(r);
}

/* ---- snapshots ---- */

enum err
rules_set_sites(struct rules *r, struct site_table *sites)
{
    r->day_from_ms = INT64_MAX;
    return ground_set_sites(&r->ground, sites);
}

enum err
rules_set_model(struct rules *r, struct model *model)
{
    r->day_from_ms = INT64_MAX;
    r->epoch++; /* nothing is settled by another model */
    return ground_set_model(&r->ground, model);
}

enum err
rules_set_places(
    struct rules *r, const struct ban_zone *zones, size_t zones_n,
    const struct ban_permit *permits, size_t permits_n,
    const struct speed_section *sections, size_t sections_n)
{
    r->day_from_ms = INT64_MAX;
    return ground_set_places(
        &r->ground, zones, zones_n, permits, permits_n, sections, sections_n);
}

void
rules_set_registry(struct rules *r, struct vehicle_index *registry)
{
    struct vehicle_index *old = r->registry;
    r->registry = registry ? vehicle_index_ref(registry) : NULL;
    vehicle_index_unref(old);
    r->day_from_ms = INT64_MAX; /* no glance weighs by the old one */
    r->epoch++;
    r->company.known = false;
    census_take(&r->census, r->registry);
}

void
rules_set_watches(struct rules *r, struct watch_set *watches)
{
    struct watch_set *old = r->watches;
    r->watches = watch_set_ref(watches ? watches : r->no_watches);
    watch_set_unref(old);
}

/* ---- the hot path ---- */

static void
enter_day(struct rules *r, ts_ms pass_ms)
{
    if (pass_ms >= r->day_from_ms && pass_ms < r->day_to_ms)
        return;
    r->day = (int32_t)civil_day(pass_ms, &r->zone);
    r->day_from_ms = civil_day_start(r->day, &r->zone);
    r->day_to_ms = r->day_from_ms + DAY_MS;
    r->view = ground_view(&r->ground, r->day);
    r->settings = rule_book_on(&r->book, r->day);
    r->at_hand = rules_weigher(r, r->view);
}

static void
look_up(struct rules *r, struct seen *e, struct plate p)
{
    e->flags = (uint8_t)(SEEN_KNOWN | (e->flags & (SEEN_KEPT | SEEN_HOT)));
    e->settled = 0;
    e->epoch = r->epoch;
    const struct vehicle *v = r->census.count ? vehicle_find(r->registry, p, 0) : NULL;
    if (!v)
        return;
    e->flags |= SEEN_REGISTERED;
    if (v->status & (STATUS_STOLEN | STATUS_SCRAPPED | STATUS_OVERDUE))
        e->flags |= SEEN_STATUS;
    e->vehicle_class = v->vehicle_class;
    e->brand = v->brand;
    e->vehicle_color = v->vehicle_color;
    e->plate_color = v->plate_color;
}

static unsigned
seen_off(const struct seen *e, const struct sighting *s)
{
    struct vehicle v = {
        .vehicle_class = e->vehicle_class,
        .brand = e->brand,
        .vehicle_color = e->vehicle_color};
    return e->flags & SEEN_REGISTERED ? look_off(&v, s) : 0;
}

static bool
any_glance(struct rules *r, struct glance *g, unsigned settled)
{
    for (size_t i = 0; i < r->rules_n; i++) {
        g->param = r->settings->value[i];
        g->settled = settled >> i & 1;
        if (!r->settings->off[i] && rule_rows[i]->key == RULE_BY_PLATE &&
            rule_rows[i]->glance(g))
            return true;
    }
    return false;
}

/* Was the plate read after this record, or may it have been, or on another side of
 * midnight? Then what lies between two passages changes, and everything is judged. */
static bool
out_of_order(
    const struct rules *r, const struct seen *e, ts_ms at_ms, ts_ms prev_ms,
    ts_ms pass_ms)
{
    if (!e->last_site)
        return pass_ms - LOOKBACK_MS <= r->seen.dropped_ms;
    if (at_ms <= prev_ms)
        return true;
    return e->last_ms < r->day_from_ms && at_ms - prev_ms < LOOKBACK_MS;
}

/* How a day is written in an entry of the seen; 0 is none. */
static uint16_t
mark_of(int32_t day)
{
    return (uint16_t)((day & 0x7fff) | 0x8000);
}

/* What the rules said of the plate on the newest day it was judged. */
static void
note_judged(struct rules *r, struct seen *e, int32_t day, bool hot)
{
    uint16_t mark = mark_of(day);
    if (mark < e->judged_day)
        return;
    if (mark > e->judged_day)
        e->flags &= (uint8_t)~SEEN_HOT;
    if (hot)
        e->flags |= SEEN_HOT;
    e->judged_day = mark;
    e->settled = r->settled;
}

static void
judge_plate(struct rules *r, const struct sighting *s, struct seen *e)
{
    int32_t day = r->day;
    ts_ms day_to = r->day_to_ms, last = e->last_ms;
    bool hot = rules_judge_day(r, s->plate, day, s);
    note_judged(r, e, day, hot);
    if (s->pass_ms + LOOKBACK_MS >= day_to && last >= day_to)
        rules_judge_day(r, s->plate, day + 1, s);
}

/* A row of a plate whose rows are kept joins them. */
static void
join_kept(struct rules *r, struct seen *e, const struct sighting *s)
{
    if (e && e->flags & SEEN_KEPT && !kept_add(&r->kept, s))
        e->flags &= (uint8_t)~SEEN_KEPT;
}

static void
count_traffic(struct rules *r, const struct sighting *s)
{
    struct leap_at at = leap_place(s->site.v, s->pass_ms);
    traffic_add(&r->traffic, at.site, at.hour);
    if (suspects_any(&r->suspects, at.site))
        rules_clock_passed(r, at);
}

static void
feed_exact(struct rules *r, const struct sighting *s)
{
    struct seen *e = seen_at(&r->seen, s->plate, r->newest_ms, LOOKBACK_MS);
    if (!e)
        return;
    join_kept(r, e, s);
    count_traffic(r, s);
    if (!(e->flags & SEEN_KNOWN) || e->epoch != r->epoch)
        look_up(r, e, s->plate);
    struct glance g = {
        .s = s,
        .seen = e,
        .prev_ms = INT64_MIN,
        .site = view_site(r->view, s->site.v),
        .registry = r->census.count > 0,
        .registered = (e->flags & SEEN_REGISTERED) != 0,
        .off = seen_off(e, s),
        .view = r->view,
        .ground = &r->ground,
        .watches = r->watches,
        .weigher = &r->at_hand,
        .marks = &r->marks,
        .zone = &r->zone};
    g.at_ms = s->pass_ms - g.site->offset_ms;
    if (e->last_site)
        g.prev_ms = e->last_ms - view_site(r->view, e->last_site)->offset_ms;
    bool late = out_of_order(r, e, g.at_ms, g.prev_ms, s->pass_ms);
    bool judged = e->judged_day == mark_of(r->day);
    bool hot = judged && e->flags & SEEN_HOT;
    /* a read that may join the passage before it changes what was settled */
    bool apart = e->last_site && g.at_ms - g.prev_ms > FOLD_MS;
    /* always asked: some keep marks */
    bool wanted = any_glance(r, &g, judged && apart ? e->settled : 0);
    if (late || hot || wanted)
        judge_plate(r, s, e);
    if (!e->last_site || g.at_ms > g.prev_ms) {
        e->last_ms = s->pass_ms;
        e->last_site = s->site.v;
    }
}

/* Is another unread pass of the look so near that the two may be linked? */
static bool
has_link(const struct rules *r, const struct sighting *s, uint64_t look)
{
    const ts_ms slack = 2 * MINUTE_MS; /* clocks are corrected only when judged */
    ts_ms from = s->pass_ms - UNREAD_LINK_MS - slack;
    ts_ms to = s->pass_ms + UNREAD_LINK_MS + slack;
    for (int64_t hour = from / HOUR_MS; hour <= to / HOUR_MS; hour++)
        for (const struct unread_row *u = unread_first(&r->unread, look, hour); u;
             u = unread_next(&r->unread, u))
            if (u->id.pass_ms >= from && u->id.pass_ms <= to &&
                unread_near(r->view, s->site.v, u->id.site))
                return true;
    return false;
}

/* Worth it when the pass can be linked, or something was said of the look that day. A
 * look that goes unread too often is too common to follow: it is judged once more when
 * it becomes so, which withdraws what was said. */
static void
judge_look(struct rules *r, const struct sighting *s, int32_t day)
{
    uint64_t look = unread_look(s);
    ts_ms from = civil_day_start(day, &r->zone);
    if (!held_first(&r->held, look, day) && !has_link(r, s, look))
        return;
    uint32_t n = unread_count(
        &r->unread, look, from - LOOKBACK_MS, from + DAY_MS, UNREAD_MOST + 2);
    if (n <= UNREAD_MOST + 1)
        rules_judge_look(r, s, day);
}

static void
feed_unread(struct rules *r, const struct sighting *s)
{
    if (!unread_has_look(s) || !unread_add(&r->unread, s))
        return;
    judge_look(r, s, r->day);
    if (s->pass_ms + LOOKBACK_MS >= r->day_to_ms && r->newest_ms >= r->day_to_ms)
        judge_look(r, s, r->day + 1);
}

/* ---- gantries ---- */

/* A tag's findings of the day of its read, and of the next where that looks back to it.
 */
static void
judge_tag(
    struct rules *r, struct plate p, ts_ms pass_ms, const struct sighting *trigger)
{
    int32_t day = (int32_t)civil_day(pass_ms, &r->zone);
    ts_ms day_to = civil_day_start(day, &r->zone) + DAY_MS;
    rules_judge(r, p, day, trigger, RULE_BY_TAG);
    if (pass_ms + LOOKBACK_MS >= day_to && r->newest_ms >= day_to)
        rules_judge(r, p, day + 1, trigger, RULE_BY_TAG);
}

/* One half of a passage at a gantry: judges its own tag, and the tags beside it that
 * have no picture of their own. */
static void
feed_gantry(struct rules *r, const struct sighting *s, uint32_t peer)
{
    enum { MOST = 64 };
    struct beside_tag touched[MOST];
    struct beside b;
    bool tag = (s->flags & SIGHTING_TAG) != 0;
    ts_ms at_ms = s->pass_ms - view_site(r->view, s->site.v)->offset_ms;
    arena_reset(&r->scratch);
    if (!beside_read(r, &r->ground, r->view, tag ? peer : s->site.v, at_ms, &b))
        return;
    unsigned n = beside_touched(&b, s, touched, MOST);
    bool own = plate_is_exact(s->plate) &&
               (tag || beside_find(
                           b.tags, b.tags_n, s->plate, at_ms, PAIR_MOST_S * SECOND_MS));
    for (unsigned i = 0; i < n; i++)
        judge_tag(r, touched[i].plate, touched[i].pass_ms, s);
    if (own)
        judge_tag(r, s->plate, s->pass_ms, s);
}

static void
feed_row(struct rules *r, const struct sighting *s)
{
    enter_day(r, s->pass_ms);
    r->counts.rows++;
    ts_ms late = s->arrive_ms - s->pass_ms;
    r->counts.late += late > MINUTE_MS;
    r->counts.very_late += late > RULES_HORIZON_MS;
    if (s->pass_ms > r->newest_ms)
        r->newest_ms = s->pass_ms;
    if (s->site.v == 0)
        return;
    uint32_t peer = ground_peer(&r->ground, s->site.v);
    if (s->flags & SIGHTING_TAG) /* what a radio read is nothing that a camera saw */
        join_kept(r, seen_change(&r->seen, s->plate), s);
    else if (plate_is_exact(s->plate))
        feed_exact(r, s);
    else if (plate_is_none(s->plate))
        feed_unread(r, s);
    if (peer)
        feed_gantry(r, s, peer);
    int32_t day = (int32_t)civil_day(
        s->arrive_ms > s->pass_ms ? s->arrive_ms : s->pass_ms, &r->zone);
    if (day > r->newest_day) {
        r->newest_day = day;
        held_forget(&r->held, day - 2);
        unread_forget(&r->unread, civil_day_start(day - 2, &r->zone));
        suspects_forget(&r->suspects, day - 2);
    }
}

void
rules_feed(
    struct rules *r, const struct sighting *rows, size_t n, const uint8_t *fate,
    uint64_t lsn)
{
    r->lsn = lsn > r->lsn ? lsn : r->lsn;
    for (size_t i = 0; i < n; i++) {
        if (i + PREFETCH < n)
            seen_prefetch(&r->seen, rows[i + PREFETCH].plate);
        if (!fate || fate[i] == FATE_STORED)
            feed_row(r, &rows[i]);
    }
}

void
rules_tick(struct rules *r, ts_ms now)
{
    int32_t day = (int32_t)civil_day(now, &r->zone);
    if (day <= r->newest_day)
        return;
    r->newest_day = day;
    held_forget(&r->held, day - 2);
    unread_forget(&r->unread, civil_day_start(day - 2, &r->zone));
    suspects_forget(&r->suspects, day - 2);
}

uint64_t
rules_lsn(const struct rules *r)
{
    return r->lsn;
}

struct rules_counts
rules_counts(const struct rules *r)
{
    struct rules_counts c = r->counts;
    c.plates = r->seen.n;
    c.plates_evicted = r->seen.dropped;
    c.alarms_held = r->held.n;
    return c;
}
