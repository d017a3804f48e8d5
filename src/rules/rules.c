/* SPDX-License-Identifier: Apache-2.0 */
/* The machine. A record is looked at once by every rule's glance(). When none of them
 * cares, and the plate is in order and not under observation, that was all: one cache
 * miss and some arithmetic. Else the plate is judged: all its records of the civil day
 * are fetched from the store, folded into passages, given to every rule, and what they
 * find is compared with what they found before. So the standing alarms are a function
 * of the stored set, in whatever order it came. */
#include "rules/rules.h"

#include <stdlib.h>

#include "core/hash.h"
#include "rules/held.h"
#include "rules/kept.h"
#include "rules/machine.h"
#include "rules/marks.h"
#include "rules/scene.h"
#include "rules/suspects.h"
#include "rules/traffic.h"
#include "rules/unread.h"

#define CHECKPOINT_FORM 2
#define PLATES_MAX_DEFAULT 3000000u
#define ALARMS_A_JUDGEMENT 512u
#define SCRATCH_CAP ((size_t)64 << 20)
#define FOLD_MS                                                                        \
    (10 * SECOND_MS) /* reads of one text at one site within it are one passage */
#define SHADOW_MS (2 * SECOND_MS)
#define PREFETCH 8
#define KEPT_BYTES ((size_t)24 << 20)
#define LEAPS_A_JUDGEMENT 128u
/* Plates that leap at a site within three hours before its clock is doubted: a few, and
 * more where there is more traffic (misreads and clones: one read in a thousand). */
#define DOUBT_LEAST 3.0
#define DOUBT_SHARE 1e-3
#define DOUBT_TIMES 3.0
/* More leaping plates at a place are not told apart: nobody vouches for its clock. */
#define VOUCH_LEAPS 60u

struct row { /* one stored record of the plate under judgement */
    struct sighting s;
    struct sighting_id id; /* if has_id: else it follows from s when it is needed */
    ts_ms at_ms;
    bool has_id;
};

struct rules {
    struct rules_needs needs;
    struct zone zone;
    size_t plates_max;
    struct rule_book book;
    size_t rules_n;
    /* snapshots */
    struct ground ground;
    struct vehicle_index *registry;
    struct watch_set *watches, *no_watches;
    uint8_t epoch; /* of the registry, for struct seen */
    struct census census;
    struct twin_table twins;
    /* live tables */
    struct seen_table seen;
    struct held_table held;
    struct kept_table kept;
    struct marks marks;
    struct unread unread;
    struct suspects suspects;
    struct traffic traffic;
    ts_ms newest_ms;    /* pass time */
    int32_t newest_day; /* of arrival */
    uint64_t lsn;
    struct rules_counts counts;
    /* the day of the record at hand */
    int32_t day;
    ts_ms day_from_ms, day_to_ms;
    const struct view *view;
    const struct rule_settings *settings;
    /* the judgement under way */
    struct arena scratch;
    struct row *rows;
    size_t rows_n, rows_room;
    bool cut; /* no memory for all of them */
    struct passage *passages;
    size_t passages_n, passages_room;
    struct alarm *made;
    size_t made_n;
    const struct sighting *trigger;
    struct weigher weigher;
    struct company company;
    struct buf bytes;
    struct leap_at leaps[LEAPS_A_JUDGEMENT];
    unsigned leaps_n;
    uint16_t settled;          /* bit i: rule_rows[i] has said all of the day */
    const struct view *judged; /* the view of the day under judgement */
};

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

/* ---- the machine side of a scene ---- */

struct alarm *
machine_alarm(void *machine)
{
    struct rules *r = machine;
    if (r->made_n == ALARMS_A_JUDGEMENT)
        return NULL;
    struct alarm *a = &r->made[r->made_n++];
    *a = (struct alarm){0};
    return a;
}

struct shadow {
    const struct sighting *s;
    bool found;
};

static bool
one_apart(struct plate a, struct plate b)
{
    unsigned n = plate_length(a), differ = 0;
    if (n != plate_length(b))
        return false;
    for (unsigned i = 0; i < n; i++)
        differ += plate_at(a, i) != plate_at(b, i);
    return differ == 1;
}

static bool
shadow_row(void *arg, const struct sighting *s)
{
    struct shadow *w = arg;
    bool lane = !w->s->lane || !s->lane || w->s->lane == s->lane;
    bool surer = s->confidence != CONFIDENCE_UNKNOWN &&
                 w->s->confidence != CONFIDENCE_UNKNOWN &&
                 s->confidence > w->s->confidence;
    w->found =
        plate_is_exact(s->plate) && lane && surer && one_apart(s->plate, w->s->plate);
    return !w->found;
}

struct arena *
machine_arena(void *machine)
{
    return &((struct rules *)machine)->scratch;
}

bool
machine_place(
    void *machine, uint32_t site, ts_ms from, ts_ms to, rules_row_fn *row, void *arg)
{
    struct rules *r = machine;
    if (!r->needs.place)
        return false;
    enum err e =
        r->needs.place(r->needs.ctx, (struct site_id){site}, from, to, row, arg);
    if (e)
        r->counts.history_failed++;
    return e == OK;
}

bool
machine_shadowed(void *machine, const struct sighting *s)
{
    struct shadow w = {.s = s};
    (void)machine_place(
        machine, s->site.v, s->pass_ms - SHADOW_MS, s->pass_ms + SHADOW_MS + 1,
        shadow_row, &w);
    return w.found;
}

/* ---- clocks in doubt ---- */

static struct leap_at
leap_place(uint32_t site, ts_ms at_ms)
{
    return (struct leap_at){.site = site, .hour = (int32_t)(at_ms / HOUR_MS)};
}

void
machine_leap(void *machine, uint32_t site, ts_ms at_ms, bool rests)
{
    struct rules *r = machine;
    struct leap_at at = leap_place(site, at_ms);
    at.rests = rests;
    for (unsigned i = 0; i < r->leaps_n; i++)
        if (r->leaps[i].site == at.site && r->leaps[i].hour == at.hour) {
            r->leaps[i].rests &= rests;
            return;
        }
    if (r->leaps_n < LEAPS_A_JUDGEMENT)
        r->leaps[r->leaps_n++] = at;
}

static unsigned
doubt_at(const struct view *v, uint32_t site)
{
    const struct site_model *m = model_site(v->model, (struct site_id){site});
    return (unsigned)(DOUBT_LEAST + DOUBT_TIMES * DOUBT_SHARE * m->reads * 3 / 24);
}

bool
machine_doubts_clock(void *machine, uint32_t site, ts_ms at_ms)
{
    struct rules *r = machine;
    unsigned enough = doubt_at(r->judged, site);
    return suspects_count(
               &r->suspects, leap_place(site, at_ms),
               r->rows_n ? r->rows[0].s.plate : PLATE_NONE, enough) >= enough;
}

/* How many plates may leap at a place before its clock is no longer vouched for. */
static unsigned
leaps_borne(const struct rules *r, struct leap_at at, unsigned reads)
{
    unsigned n = traffic_near(&r->traffic, at.site, at.hour) / reads;
    return n < VOUCH_LEAPS ? n : VOUCH_LEAPS;
}

bool
machine_vouches_clock(void *machine, uint32_t site, ts_ms at_ms, unsigned reads)
{
    struct rules *r = machine;
    struct leap_at at = leap_place(site, at_ms);
    struct plate p = r->rows_n ? r->rows[0].s.plate : PLATE_NONE;
    unsigned leaps = leaps_borne(r, at, reads);
    return leaps && suspects_count(&r->suspects, at, p, leaps) < leaps;
}

/* ---- fetching the rows of a plate ---- */

static struct row *
next_row(struct rules *r)
{
    if (r->rows_n == r->rows_room) {
        size_t room = r->rows_room ? r->rows_room * 2 : 256;
        struct row *rows = realloc(r->rows, room * sizeof *rows);
        if (!rows)
            return NULL;
        r->rows = rows;
        r->rows_room = room;
    }
    struct row *row = &r->rows[r->rows_n++];
    row->has_id = false;
    return row;
}

static bool
keep_row(struct rules *r, const struct sighting *s)
{
    struct row *row = next_row(r);
    if (!row)
        return false;
    row->s = *s;
    row->s.record_id = arena_span(&r->scratch, s->record_id);
    row->s.plate_text = row->s.image = (struct span){0};
    if (s->flags & SIGHTING_TAG) /* it is the note of the tag */
        row->s.image = arena_span(&r->scratch, s->image);
    r->rows_n -= !row->s.record_id.p;
    return row->s.record_id.p;
}

static bool
history_row(void *arg, const struct sighting *s)
{
    struct rules *r = arg;
    r->counts.history_rows++;
    r->cut |= !keep_row(r, s);
    return !r->cut;
}

static bool
same_record(const struct sighting *a, const struct sighting *b)
{
    return a->pass_ms == b->pass_ms && a->site.v == b->site.v &&
           a->device.v == b->device.v && span_eq(a->record_id, b->record_id);
}

/* The rows of a plate that was judged before: false when the store is to be asked. */
static bool
recall_rows(struct rules *r, struct plate p, ts_ms from, ts_ms to)
{
    const struct seen *e = seen_find(&r->seen, p);
    const struct kept *k =
        e && e->flags & SEEN_KEPT ? kept_find(&r->kept, p, from) : NULL;
    for (uint32_t i = 0; k && i < k->n; i++) {
        if (k->rows[i].pass_ms >= to)
            continue;
        struct row *row = next_row(r);
        if (!row)
            return false;
        row->s = kept_sighting(k, &k->rows[i]);
    }
    return k;
}

/* Keeps what was fetched, if it is all that there is from `from` on, and every later
 * row of the plate will come by its entry of the seen. */
static void
remember_rows(struct rules *r, struct plate p, ts_ms from, ts_ms to)
{
    struct seen *e = seen_change(&r->seen, p);
    if (!e || r->newest_ms >= to || !kept_begin(&r->kept, p, from))
        return;
    e->flags |= SEEN_KEPT;
    for (size_t i = 0; i < r->rows_n; i++)
        if (!kept_add(&r->kept, &r->rows[i].s))
            return;
}

static void
ask_rows(struct rules *r, struct plate p, ts_ms from, ts_ms to)
{
    r->rows_n = 0;
    r->cut = false;
    r->counts.history_calls++;
    enum err e = r->needs.history(r->needs.ctx, p, from, to, history_row, r);
    if (e)
        r->counts.history_failed++;
    else if (!r->cut)
        remember_rows(r, p, from, to);
}

static void
fetch_rows(
    struct rules *r, struct plate p, ts_ms from, ts_ms to,
    const struct sighting *trigger)
{
    arena_reset(&r->scratch);
    r->rows_n = 0;
    bool recalled = recall_rows(r, p, from, to);
    if (!recalled)
        ask_rows(r, p, from, to);
    if (!trigger || trigger->pass_ms < from || trigger->pass_ms >= to)
        return;
    for (size_t i = 0; i < r->rows_n; i++)
        if (same_record(&r->rows[i].s, trigger))
            return;
    if (keep_row(r, trigger) && !recalled) /* else it has joined; texts stay put */
        kept_add(&r->kept, trigger);
}

static int
by_time(const void *a, const void *b)
{
    const struct row *x = *(const struct row *const *)a;
    const struct row *y = *(const struct row *const *)b;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    if (x->s.site.v != y->s.site.v)
        return x->s.site.v < y->s.site.v ? -1 : 1;
    if (x->s.device.v != y->s.device.v)
        return x->s.device.v < y->s.device.v ? -1 : 1;
    size_t n =
        x->s.record_id.n < y->s.record_id.n ? x->s.record_id.n : y->s.record_id.n;
    int c = n ? memcmp(x->s.record_id.p, y->s.record_id.p, n) : 0;
    return c ? c : (x->s.record_id.n > n) - (y->s.record_id.n > n);
}

/* ---- folding into passages ---- */

static bool
surer(const struct sighting *a, const struct sighting *b)
{
    uint8_t x = a->confidence == CONFIDENCE_UNKNOWN ? 0 : a->confidence;
    uint8_t y = b->confidence == CONFIDENCE_UNKNOWN ? 0 : b->confidence;
    return x > y;
}

static struct passage *
open_passage(struct rules *r, const struct row *row, size_t from)
{
    for (size_t i = r->passages_n; i-- > from;) {
        struct passage *p = &r->passages[i];
        if (row->at_ms - p->at_ms > FOLD_MS)
            break;
        if (p->s->site.v == row->s.site.v)
            return p;
    }
    return NULL;
}

static bool
add_passage(struct rules *r, const struct row *row, const struct scene *s)
{
    if (r->passages_n == r->passages_room) {
        size_t room = r->passages_room ? r->passages_room * 2 : 256;
        struct passage *p = realloc(r->passages, room * sizeof *p);
        if (!p)
            return false;
        r->passages = p;
        r->passages_room = room;
    }
    r->passages[r->passages_n++] = (struct passage){
        .s = &row->s,
        .id = row->id,
        .has_id = row->has_id,
        .at_ms = row->at_ms,
        .pass_ms = row->s.pass_ms,
        .key = hash_pair(row->s.site.v, (uint64_t)row->s.pass_ms),
        .site = view_site(s->view, row->s.site.v),
        .reads = 1,
        .in_day = row->s.pass_ms >= s->day_from_ms && row->s.pass_ms < s->day_to_ms,
        .off = s->vehicle ? look_off(s->vehicle, &row->s) : 0,
    };
    return true;
}

/* The rows in order of corrected time; NULL without memory. */
static struct row **
order_rows(struct rules *r, const struct view *view)
{
    struct row **order = arena_array(&r->scratch, r->rows_n + 1, sizeof *order);
    bool sorted = true;
    for (size_t i = 0; order && i < r->rows_n; i++) {
        struct row *row = &r->rows[i];
        row->at_ms = row->s.pass_ms - view_site(view, row->s.site.v)->offset_ms;
        order[i] = row;
        sorted = sorted && (i == 0 || row->at_ms > order[i - 1]->at_ms);
    }
    if (order && !sorted)
        qsort(order, r->rows_n, sizeof *order, by_time);
    return order;
}

static void
join_passage(struct passage *p, const struct row *row, const struct scene *s)
{
    p->reads++;
    if (!surer(&row->s, p->s))
        return;
    p->s = &row->s;
    p->id = row->id;
    p->has_id = row->has_id;
    p->off = s->vehicle ? look_off(s->vehicle, &row->s) : 0;
}

/* Folds what cameras saw, or what radios read, behind the passages that are there. */
static void
fold_reads(struct rules *r, const struct scene *s, struct row **order, bool tags)
{
    size_t from = r->passages_n;
    for (size_t i = 0; order && i < r->rows_n; i++) {
        const struct row *row = order[i];
        if (((row->s.flags & SIGHTING_TAG) != 0) != tags)
            continue;
        if (i && same_record(&order[i - 1]->s, &row->s))
            continue; /* the store may answer one record from two places */
        struct passage *p = open_passage(r, row, from);
        if (p)
            join_passage(p, row, s);
        else if (!add_passage(r, row, s))
            break;
    }
}

static void
fold_rows(struct rules *r, struct scene *s, enum rule_key how)
{
    r->passages_n = r->made_n = 0;
    struct row **order = order_rows(r, s->view);
    fold_reads(r, s, order, false);
    s->n = (unsigned)r->passages_n;
    if (how == RULE_BY_TAG)
        fold_reads(r, s, order, true);
    s->tags_n = (unsigned)r->passages_n - s->n;
    s->passages = r->passages;
    s->tags = s->tags_n ? r->passages + s->n : NULL;
}

/* ---- comparing with what stands ---- */

static void
send(struct rules *r, struct alarm *a, enum alarm_state state)
{
    a->state = (uint8_t)state;
    a->lsn = r->lsn;
    if (state == ALARM_RAISED) {
        r->counts.raised++;
        r->counts.by_rule[rule_index(span_cstr(a->rule))]++;
    } else if (state == ALARM_REVISED) {
        r->counts.revised++;
    } else {
        r->counts.withdrawn++;
    }
    r->needs.alarm(r->needs.ctx, a);
}

/* Hash of what a person sees of an alarm: a change of it is a revision. */
static uint64_t
content_of(struct rules *r, const struct alarm *a)
{
    struct alarm bare = *a;
    bare.state = 0;
    bare.lsn = bare.registry_version = bare.watch_version = 0;
    buf_clear(&r->bytes);
    alarm_encode(&r->bytes, &bare);
    return hash64(r->bytes.p, r->bytes.n, 1);
}

static void
withdraw(struct rules *r, struct held *h)
{
    struct alarm a = {
        .id = {h->id},
        .level = LEVEL_BLUE,
        .plate = h->plate,
        .read = h->plate,
        .site = {h->site},
        .pass_ms = h->pass_ms};
    bool fits = span_copy(a.rule, sizeof a.rule, span_cstr(rule_rows[h->rule]->name));
    must(fits);
    h->state = ALARM_WITHDRAWN;
    if (r->trigger) {
        struct passage p = {.s = r->trigger};
        alarm_add(&a, &p, 0);
    }
    send(r, &a, ALARM_WITHDRAWN);
}

static struct held *
find_held(struct rules *r, uint64_t key, int32_t day, uint64_t id)
{
    struct held *h = held_first(&r->held, key, day);
    while (h && h->id != id)
        h = held_next(&r->held, h);
    return h;
}

static void
settle_one(struct rules *r, struct alarm *a, uint64_t key, int32_t day)
{
    uint64_t content = content_of(r, a);
    struct held *h = find_held(r, key, day, a->id.v);
    if (!h) {
        struct held row = {
            .id = a->id.v,
            .key = key,
            .content = content,
            .plate = a->plate,
            .pass_ms = a->pass_ms,
            .day = day,
            .site = a->site.v,
            .rule = (uint8_t)rule_index(span_cstr(a->rule)),
            .touched = true};
        if (held_add(&r->held, &row) == OK)
            send(r, a, ALARM_RAISED);
        return;
    }
    if (h->touched)
        return; /* the same finding twice in one judgement */
    h->touched = true;
    if (h->content == content && h->state != ALARM_WITHDRAWN)
        return;
    h->content = content;
    h->state = ALARM_REVISED;
    h->site = a->site.v;
    h->pass_ms = a->pass_ms;
    send(r, a, ALARM_REVISED);
}

static bool
rests_on(const struct alarm *a, const struct sighting *s)
{
    struct sighting_id id = sighting_id_of(s);
    for (unsigned i = 0; i < a->evidence_n; i++)
        if (sighting_id_eq(a->evidence[i].id, id))
            return true;
    return false;
}

/* Past the horizon nothing is known of what was said before: only what the late record
 * itself brings is told; its id makes a repetition harmless. */
static void
settle_late(struct rules *r)
{
    for (size_t i = 0; i < r->made_n; i++)
        if (r->trigger && rests_on(&r->made[i], r->trigger))
            send(r, &r->made[i], ALARM_RAISED);
}

static void
settle(struct rules *r, uint64_t key, int32_t day)
{
    if (day < r->held.oldest_day) {
        settle_late(r);
        return;
    }
    for (struct held *h = held_first(&r->held, key, day); h; h = held_next(&r->held, h))
        h->touched = false;
    for (size_t i = 0; i < r->made_n; i++)
        settle_one(r, &r->made[i], key, day);
    for (struct held *h = held_first(&r->held, key, day); h; h = held_next(&r->held, h))
        if (!h->touched && h->state != ALARM_WITHDRAWN)
            withdraw(r, h);
}

/* ---- judging ---- */

static void
fill_weigher(struct rules *r, const struct view *view)
{
    r->weigher = (struct weigher){
        .registry = r->census.count ? r->registry : NULL,
        .company = &r->company,
        .census = &r->census,
        .twins = &r->twins,
        .model = view->model};
}

static void
run_rules(struct rules *r, struct scene *s, enum rule_key key)
{
    r->settled = 0;
    for (size_t i = 0; i < r->rules_n; i++) {
        if (s->settings->off[i] || rule_rows[i]->key != key)
            continue;
        s->rule = rule_rows[i];
        s->param = s->settings->value[i];
        s->settled = false;
        s->rule->step(s);
        r->settled |= (uint16_t)(s->settled << i);
    }
}

/* Findings of tags are held under a key of their own: cameras are judged apart. */
static uint64_t
held_key(struct plate p, enum rule_key how)
{
    return how == RULE_BY_TAG ? hash_pair(p.v, RULE_BY_TAG) : p.v;
}

static bool
judge_alone(
    struct rules *r, struct plate p, int32_t day, const struct sighting *trigger,
    enum rule_key how)
{
    struct scene s = {
        .plate = p,
        .day = day,
        .day_from_ms = civil_day_start(day, &r->zone),
        .view = ground_view(&r->ground, day),
        .settings = rule_book_on(&r->book, day),
        .ground = &r->ground,
        .watches = r->watches,
        .weigher = &r->weigher,
        .zone = &r->zone,
        .machine = r};
    s.day_to_ms = s.day_from_ms + DAY_MS;
    fill_weigher(r, s.view);
    s.vehicle = r->weigher.registry ? vehicle_find(r->weigher.registry, p, 0) : NULL;
    bool own = trigger && plate_eq(trigger->plate, p);
    fetch_rows(r, p, s.day_from_ms - LOOKBACK_MS, s.day_to_ms, own ? trigger : NULL);
    fold_rows(r, &s, how);
    r->trigger = trigger;
    r->judged = s.view;
    r->leaps_n = 0;
    r->counts.judged++;
    run_rules(r, &s, how);
    settle(r, held_key(p, how), day);
    return s.hot;
}

static bool
is_about(unsigned others, unsigned limit)
{
    return limit && others + 1 >= limit && others <= limit + 1;
}

/* Can one leap more or less at a place change what is thought of its clock? */
static bool
near_a_turn(const struct rules *r, struct leap_at at, struct plate p, unsigned enough)
{
    unsigned few = leaps_borne(r, at, VOUCH_MANY), many = leaps_borne(r, at, VOUCH_FEW);
    unsigned cap = (enough > many ? enough : many) + 2;
    unsigned others = suspects_count(&r->suspects, at, p, cap);
    return is_about(others, enough) || is_about(others, few) || is_about(others, many);
}

/* Judges again all plates that leapt at a place, or of which something rests on its
 * clock. */
static void
judge_place(struct rules *r, struct leap_at at, int32_t within, struct plate but)
{
    enum { MOST = 256 };
    struct suspect near[MOST];
    unsigned n = 0;
    uint32_t from = 0;
    for (const struct suspect *s;
         n < MOST && (s = suspects_near(&r->suspects, at, &from));)
        if (!plate_eq(s->plate, but) && abs(s->at.hour - at.hour) <= within)
            near[n++] = *s;
    for (unsigned i = 0; i < n; i++)
        judge_alone(r, near[i].plate, near[i].day, NULL, RULE_BY_PLATE);
}

/* Another plate's leap made or ended a doubt of a clock: what rests on that clock is
 * judged again. */
static void
judge_neighbours(struct rules *r, struct leap_at at, struct plate p, int32_t day)
{
    unsigned enough = doubt_at(ground_view(&r->ground, day), at.site);
    bool close = false;
    for (int32_t h = -1; h <= 1; h++) {
        struct leap_at centre = {.site = at.site, .hour = at.hour + h};
        close |= near_a_turn(r, centre, p, enough);
    }
    if (close)
        judge_place(r, at, 2, p);
}

/* Is the last leap there just borne? Each plate counts all but its own. */
static bool
is_borne_now(const struct rules *r, struct leap_at at, unsigned reads)
{
    unsigned leaps = leaps_borne(r, at, reads);
    unsigned all = suspects_count(&r->suspects, at, PLATE_NONE, leaps + 1);
    return all + 1 == leaps || all == leaps;
}

/* Enough more vehicles have passed for the clock to be vouched for in spite of one leap
 * more. */
static void
count_traffic(struct rules *r, const struct sighting *s)
{
    struct leap_at at = leap_place(s->site.v, s->pass_ms);
    traffic_add(&r->traffic, at.site, at.hour);
    if (!suspects_any(&r->suspects, at.site))
        return;
    for (int32_t h = -1; h <= 1; h++) {
        struct leap_at centre = {.site = at.site, .hour = at.hour + h};
        unsigned n = traffic_near(&r->traffic, centre.site, centre.hour);
        if ((n % VOUCH_FEW == 0 && is_borne_now(r, centre, VOUCH_FEW)) ||
            (n % VOUCH_MANY == 0 && is_borne_now(r, centre, VOUCH_MANY)))
            judge_place(r, centre, 0, PLATE_NONE);
    }
    fill_weigher(r, r->view);
}

/* Judges one plate on one civil day; true when it stays under observation. */
static bool
judge_day(struct rules *r, struct plate p, int32_t day, const struct sighting *trigger)
{
    bool hot = judge_alone(r, p, day, trigger, RULE_BY_PLATE);
    uint16_t settled = r->settled;
    struct leap_at leaps[LEAPS_A_JUDGEMENT];
    unsigned n = r->leaps_n;
    memcpy(leaps, r->leaps, n * sizeof *leaps);
    if (suspects_set(&r->suspects, p, day, leaps, n))
        for (unsigned i = 0; i < n; i++)
            if (!leaps[i].rests)
                judge_neighbours(r, leaps[i], p, day);
    r->settled = settled; /* the neighbours' own is not of this plate */
    return hot;
}

static void
fetch_unread(struct rules *r, uint64_t look, ts_ms from, ts_ms to)
{
    for (int64_t hour = from / HOUR_MS; hour <= to / HOUR_MS; hour++)
        for (const struct unread_row *u = unread_first(&r->unread, look, hour); u;
             u = unread_next(&r->unread, u)) {
            struct sighting row = unread_sighting(u);
            if (row.pass_ms < from || row.pass_ms >= to)
                continue;
            if (!keep_row(r, &row))
                return;
            r->rows[r->rows_n - 1].id = u->id; /* its record id may have been cut */
            r->rows[r->rows_n - 1].has_id = true;
        }
}

static void
judge_unread(struct rules *r, const struct sighting *trigger, int32_t day)
{
    uint64_t look = unread_look(trigger);
    struct scene s = {
        .plate = PLATE_NONE,
        .day = day,
        .day_from_ms = civil_day_start(day, &r->zone),
        .view = ground_view(&r->ground, day),
        .settings = rule_book_on(&r->book, day),
        .ground = &r->ground,
        .watches = r->watches,
        .weigher = &r->weigher,
        .zone = &r->zone,
        .machine = r};
    s.day_to_ms = s.day_from_ms + DAY_MS;
    fill_weigher(r, s.view);
    arena_reset(&r->scratch);
    r->rows_n = 0;
    fetch_unread(r, look, s.day_from_ms - LOOKBACK_MS, s.day_to_ms);
    fold_rows(r, &s, RULE_BY_LOOK);
    r->trigger = trigger;
    r->counts.judged++;
    run_rules(r, &s, RULE_BY_LOOK);
    settle(r, look, day);
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
    fill_weigher(r, r->view);
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
    bool hot = judge_day(r, s->plate, day, s);
    note_judged(r, e, day, hot);
    if (s->pass_ms + LOOKBACK_MS >= day_to && last >= day_to)
        judge_day(r, s->plate, day + 1, s);
    fill_weigher(r, r->view);
}

/* A row of a plate whose rows are kept joins them. */
static void
join_kept(struct rules *r, struct seen *e, const struct sighting *s)
{
    if (e && e->flags & SEEN_KEPT && !kept_add(&r->kept, s))
        e->flags &= (uint8_t)~SEEN_KEPT;
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
        .weigher = &r->weigher,
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
        judge_unread(r, s, day);
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
    judge_alone(r, p, day, trigger, RULE_BY_TAG);
    if (pass_ms + LOOKBACK_MS >= day_to && r->newest_ms >= day_to)
        judge_alone(r, p, day + 1, trigger, RULE_BY_TAG);
    fill_weigher(r, r->view);
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

/* ---- checkpoints ---- */

static uint64_t
rows_print(void)
{
    uint64_t h = 0;
    for (size_t i = 0; rule_rows[i]; i++)
        h = hash_pair(h, hash_span(span_cstr(rule_rows[i]->name), 0));
    return h;
}

void
rules_checkpoint(const struct rules *r, struct buf *out)
{
    buf_u8(out, CHECKPOINT_FORM);
    buf_le(out, rows_print(), 8);
    buf_varint(out, r->lsn);
    buf_varint(out, zigzag_encode(r->newest_ms));
    buf_varint(out, zigzag_encode(r->newest_day));
    ts_ms since = r->newest_ms == INT64_MIN ? 0 : r->newest_ms - DAY_MS;
    seen_encode(out, &r->seen, since);
    held_encode(out, &r->held);
    marks_encode(out, &r->marks);
    unread_encode(out, &r->unread);
    suspects_encode(out, &r->suspects);
    traffic_encode(out, &r->traffic);
}

enum err
rules_restore(struct rules *r, struct span bytes)
{
    struct cur c = cur_of(bytes.p, bytes.n);
    if (cur_u8(&c) != CHECKPOINT_FORM)
        return ERR_NEWER;
    if (cur_u64_le(&c) != rows_print())
        return ERR_NEWER; /* other rules: the caller feeds the horizon again */
    uint64_t lsn = cur_varint(&c);
    ts_ms newest_ms = zigzag_decode(cur_varint(&c));
    int32_t newest_day = (int32_t)zigzag_decode(cur_varint(&c));
    enum err e = seen_decode(&c, &r->seen);
    if (!e)
        e = held_decode(&c, &r->held);
    if (!e)
        e = marks_decode(&c, &r->marks);
    if (!e)
        e = unread_decode(&c, &r->unread);
    if (!e)
        e = suspects_decode(&c, &r->suspects);
    if (!e)
        e = traffic_decode(&c, &r->traffic);
    if (!e && (c.bad || cur_left(&c)))
        e = ERR_CORRUPT;
    if (e)
        return e;
    r->lsn = lsn;
    r->newest_ms = newest_ms;
    r->newest_day = newest_day;
    return OK;
}
