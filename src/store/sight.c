/* SPDX-License-Identifier: Apache-2.0 */
/* The store thread's side of the engine: opening and replaying, durable groups, health.
 * The order of a group is what makes it safe: fates and pictures first, packs synced,
 * then one journal write and one sync, and only then are rows visible and acknowledged.
 */
#include "store/sight.h"

#include "core/os_run.h"
#include "store/sight_core.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define FUTURE_MS (2 * MINUTE_MS)
#define LATE_MS MINUTE_MS
#define POKE_MS (5 * SECOND_MS)
#define HEADS_MAX 8u /* frozen heads before a group waits for the background */
#define MANIFEST_CAP (64u << 20)

/* ---- small things ---- */

void
sight_tell(struct sight *s, enum err e, const struct note *note)
{
    if (s->report)
        s->report(s->report_arg, e, note);
}

static uint64_t
next_seq(void *arg)
{
    return atomic_fetch_add(&((struct sight *)arg)->seq, 1) + 1;
}

struct build_env
sight_env(struct sight *s)
{
    return (struct build_env){s->fs, s->seg_dir, &s->zone, next_seq, s};
}

struct view *
sight_view(struct sight *s)
{
    pthread_mutex_lock(&s->lock);
    struct view *v = view_ref(s->view);
    pthread_mutex_unlock(&s->lock);
    return v;
}

/* ---- opening ---- */

static enum err
set_paths(struct sight *s, const struct sight_opts *o)
{
    enum err e = span_copy(s->dir, sizeof s->dir, span_cstr(o->dir)) ? OK : ERR_TOOBIG;
    if (e == OK)
        e = os_join(s->seg_dir, OS_PATH, s->dir, "segments");
    if (e == OK)
        e = os_join(s->pack_dir, OS_PATH, s->dir, "packs");
    if (e == OK)
        e = os_join(s->hold_dir, OS_PATH, s->dir, "held");
    if (e == OK)
        e = os_join(s->journal_dir, OS_PATH, s->dir, "journal");
    if (e == OK)
        e = os_join(s->manifest, OS_PATH, s->dir, "manifest");
    return e;
}

static enum err
make_dirs(struct sight *s, struct note *note)
{
    const char *const dirs[] = {
        s->dir, s->seg_dir, s->pack_dir, s->hold_dir, s->journal_dir};
    enum err e = OK;
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs && e == OK; i++)
        e = os_mkdir(s->fs, dirs[i], note);
    /* names of an earlier life may not be durable yet, though we already see them */
    return e == OK ? os_sync_dir(s->fs, s->dir, "open.dir") : e;
}

static void
set_opts(struct sight *s, const struct sight_opts *o, ts_ms now)
{
    s->fs = o->fs ? o->fs : os_fs_real();
    s->zone = o->zone;
    s->keep_days = o->keep_days > 0 ? o->keep_days : 365;
    s->head_rows = o->head_rows ? o->head_rows : 262144;
    s->bulk_rows = o->bulk_rows ? o->bulk_rows : 1048576;
    s->census_plates = o->census_plates ? o->census_plates : 33554432;
    s->pair = o->one_thread ? NULL : pair_new();
    s->read_only = o->read_only;
    s->threaded = o->thread && !o->read_only;
    s->threads = !s->threaded ? 0 : o->threads ? o->threads : os_cores();
    s->rolls = rolls_new(o->roll_bytes ? o->roll_bytes : 128u << 20, s->threaded);
    s->report = o->report;
    s->report_arg = o->report_arg;
    atomic_init(&s->now, now);
    s->health.newest_ms = INT64_MIN;
}

/* A listed segment that cannot be read is set aside; the rest goes on. */
static enum err
open_one(
    struct sight *s, struct view *v, unsigned kind, uint64_t seq, struct note *note)
{
    struct build_env env = sight_env(s);
    struct seg *seg = NULL;
    struct note what = {0};
    enum err e = build_open(&env, kind, seq, &seg, &what);
    if (e == OK) {
        if (kind == SEG_PLACE)
            v->places[v->places_n++] = seg;
        else
            v->runs[v->runs_n++] = seg;
        return OK;
    }
    if (e != ERR_CORRUPT && e != ERR_NOTFOUND) {
        if (note)
            *note = what;
        return e;
    }
    char path[OS_PATH], bad[OS_PATH];
    build_path(path, s->seg_dir, kind, seq);
    int n = snprintf(bad, sizeof bad, "%s.bad", path);
    if (!s->read_only && e == ERR_CORRUPT && n > 0 && n < (int)sizeof bad &&
        os_rename(s->fs, path, bad, NULL) != OK)
        s->health.quarantined++;
    v->missing++;
    sight_tell(s, ERR_CORRUPT, &what);
    return OK;
}

struct sweep {
    struct sight *s;
    const struct manifest *m;
};

static void
count_one(void *arg, const char *name)
{
    size_t n = strlen(name);
    *(size_t *)arg += n > 4 && strcmp(name + n - 4, ".tqs") == 0;
}

/* No manifest: a new engine gets its first one before anything else, so that segments
 * without one were not left by a crash, and are never swept. */
static enum err
begin_manifest(struct sight *s, struct note *note)
{
    size_t segments = 0;
    struct manifest m = {0};
    struct buf b = {0};
    enum err e = os_list(s->fs, s->seg_dir, count_one, &segments);
    if (e == ERR_NOTFOUND)
        e = OK;
    if (e == OK && segments)
        return note_set(
            note, ERR_CORRUPT, "manifest",
            "the list of segments is missing beside segments: restore a backup",
            "数据段尚在而数据段清单缺失：请从备份恢复");
    if (e != OK || s->read_only)
        return e;
    manifest_encode(&m, &b);
    e = b.bad ? ERR_NOMEM
              : os_write_file(
                    s->fs, s->manifest, span_of(b.p, b.n), "manifest.first", note);
    buf_release(&b);
    return e;
}

/* Files that no manifest names: what a crash left of a seal or merge. */
static void
sweep_one(void *arg, const char *name)
{
    struct sweep *w = arg;
    char kind;
    unsigned long long seq;
    int end = 0;
    if (sscanf(name, "%c-%16llx.tqs%n", &kind, &seq, &end) != 2 || end != 22 ||
        name[end])
        return;
    if (seq > atomic_load(&w->s->seq))
        atomic_store(&w->s->seq, seq);
    for (size_t i = 0; i < w->m->n; i++)
        if (w->m->segs[i].seq == seq)
            return;
    char path[OS_PATH];
    if (!w->s->read_only && os_join(path, sizeof path, w->s->seg_dir, name) == OK)
        build_discard(w->s->fs, path);
}

static enum err
open_segments(struct sight *s, struct manifest *m, struct note *note)
{
    char *bytes = NULL;
    size_t n = 0;
    enum err e = os_read_file(s->fs, s->manifest, MANIFEST_CAP, &bytes, &n, note);
    if (e == OK)
        e = manifest_decode(m, span_of(bytes, n), note);
    else if (e == ERR_NOTFOUND)
        e = begin_manifest(s, note);
    free(bytes);
    if (e != OK)
        return e;
    atomic_store(&s->seq, m->seq);
    atomic_store(&s->flushed, m->flushed);
    s->view = view_new(m->n, 1);
    if (!s->view)
        return ERR_NOMEM;
    s->view->missing = m->missing;
    for (size_t i = 0; i < m->n && e == OK; i++)
        e = open_one(s, s->view, m->segs[i].kind, m->segs[i].seq, note);
    view_sort(s->view);
    struct sweep w = {s, m};
    if (e == OK)
        e = os_list(s->fs, s->seg_dir, sweep_one, &w);
    return e == ERR_NOTFOUND ? OK : e;
}

static void
note_newest(struct sight *s, ts_ms t)
{
    if (t > s->health.newest_ms)
        s->health.newest_ms = t;
}

/* A journal batch that is not yet in segments goes back into the head. */
static enum err
head_refill(void *arg, struct sighting_batch *b)
{
    struct sight *s = arg;
    size_t n = atomic_load(&s->head->n);
    if (n + b->n > s->head->cap) {
        enum err e = sight_rotate(s, b->n, NULL);
        if (e != OK)
            return e;
        n = 0;
    }
    for (size_t i = 0; i < b->n; i++) {
        if (!head_put(s->head, &b->rows[i], n + i))
            return ERR_NOMEM;
        note_newest(s, b->rows[i].pass_ms);
    }
    head_publish(s->head, n + b->n);
    s->head->last_lsn = b->lsn;
    return OK;
}

static enum err
open_all(struct sight *s, const struct sight_opts *o, struct note *note)
{
    struct manifest m = {0};
    enum err e = set_paths(s, o);
    if (e == OK && !s->read_only)
        e = make_dirs(s, note);
    if (e == OK)
        e = open_segments(s, &m, note);
    manifest_release(&m);
    struct journal_opts jo = {
        s->fs,        s->journal_dir, o->journal_file ? o->journal_file : 64u << 20,
        s->read_only, s->report,      s->report_arg};
    uint64_t flushed = atomic_load(&s->flushed);
    if (e == OK)
        e = journal_open(&jo, flushed, &s->journal, note);
    if (e == OK)
        e = packs_open(s->fs, s->pack_dir, s->read_only, &s->packs, note);
    if (e == OK)
        e = sight_rotate(s, 0, note);
    if (e == OK)
        e = journal_read(s->journal, flushed, head_refill, s, note);
    for (size_t i = 0; e == OK && i < s->view->runs_n; i++)
        note_newest(s, s->view->runs[i]->meta.max_ms);
    if (e == OK && s->threaded)
        e = sight_thread_start(s);
    return e;
}

enum err
sight_open(
    const struct sight_opts *opts, ts_ms now, struct sight **out, struct note *note)
{
    struct sight *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->commit, NULL);
    pthread_cond_init(&s->wake, NULL);
    pthread_cond_init(&s->idle, NULL);
    set_opts(s, opts, now);
    enum err e =
        s->rolls && (s->pair || opts->one_thread) ? open_all(s, opts, note) : ERR_NOMEM;
    if (e != OK) {
        sight_close(s);
        return e;
    }
    *out = s;
    return OK;
}

void
sight_close(struct sight *s)
{
    if (!s)
        return;
    sight_thread_stop(s);
    must(!atomic_load(&s->building));
    journal_close(s->journal);
    packs_close(s->packs);
    view_unref(s->view);
    rolls_free(s->rolls);
    pair_free(s->pair);
    pthread_cond_destroy(&s->wake);
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->commit);
    free(s);
}

/* ---- appending ---- */

struct group {
    struct sight *s;
    struct view *view;
    struct arena scratch;
    ts_ms now;
    ts_ms oldest; /* retention */
    size_t n;     /* rows in the head with this group's */
    struct sight_health sum;
    struct note *note;
};

static void
arrive_settle(struct sighting *r)
{
    int64_t lag = r->arrive_ms ? (r->arrive_ms - r->pass_ms) / 1000 : 0;
    lag = lag > INT32_MAX ? INT32_MAX : lag < INT32_MIN ? INT32_MIN : lag;
    r->arrive_ms = r->pass_ms + lag * 1000;
    if (lag * 1000 > LATE_MS)
        r->flags |= SIGHTING_LATE;
}

static enum err
find_same(
    struct group *g, const struct sighting *row, struct sighting *copy,
    const struct sighting **same)
{
    struct view *v = g->view;
    bool is = false;
    *same = head_find_key(g->s->head, row, g->n);
    for (size_t i = v->heads_n; i-- > 0 && !*same;)
        if (v->heads[i] != g->s->head)
            *same = head_find_key(v->heads[i], row, atomic_load(&v->heads[i]->n));
    if (*same)
        return OK;
    arena_reset(&g->scratch);
    enum err e = view_find_key(v, &g->s->zone, row, &g->scratch, copy, &is);
    if (is)
        *same = copy;
    return e;
}

static enum err
fate_of(struct group *g, const struct sighting *row, uint8_t *fate)
{
    struct sighting copy;
    const struct sighting *same = NULL;
    ts_ms limit = g->now + FUTURE_MS;
    if (row->pass_ms > limit + g->s->doubt_ms) {
        *fate = g->s->hold ? FATE_REFUSED : FATE_FUTURE;
        g->sum.future += !g->s->hold;
        g->sum.held += g->s->hold;
        return OK;
    }
    if (row->pass_ms < g->oldest) {
        *fate = FATE_EXPIRED;
        g->sum.expired++;
        return OK;
    }
    enum err e = find_same(g, row, &copy, &same);
    const char *field = same ? head_differs(same, row) : NULL;
    *fate = !same ? FATE_STORED : field ? FATE_CONFLICT : FATE_DUPLICATE;
    g->sum.duplicates += *fate == FATE_DUPLICATE;
    g->sum.ahead += *fate == FATE_STORED && row->pass_ms > limit;
    if (field) {
        g->sum.conflicts++;
        g->sum.conflict = sighting_id_of(row);
        snprintf(g->sum.conflict_field, sizeof g->sum.conflict_field, "%s", field);
    }
    return e;
}

static enum err
store_picture(
    struct group *g, struct sighting_batch *b, struct sighting *r, struct span bytes,
    struct span *refs)
{
    struct pack_ref ref;
    char text[PACK_REF];
    int64_t day = civil_day(r->pass_ms, &g->s->zone);
    if (packs_dropped(g->s->packs, pack_day(day)))
        return OK; /* late beyond the retention of pictures: the pass alone is kept */
    enum err e = packs_add(g->s->packs, day, bytes, &ref, g->note);
    if (e != OK)
        return e;
    pack_ref_format(text, &ref);
    *refs = refs->n ? arena_fmt(&b->arena, "%.*s %s", SPAN_ARG(*refs), text)
                    : arena_span(&b->arena, span_cstr(text));
    return refs->p ? OK : ERR_TOOBIG;
}

/* Puts the pictures of a row into packs; `image` becomes their references, blank
 * between. In the usual case pictures come in row order and *at walks along. */
static enum err
store_pictures(
    struct group *g, struct sighting_batch *b, size_t *at, size_t row, bool sorted)
{
    struct span refs = {0};
    enum err e = OK;
    while (sorted && *at < b->pictures_n && b->pictures[*at].row < row)
        ++*at;
    for (size_t i = sorted ? *at : 0; i < b->pictures_n && e == OK; i++) {
        if (b->pictures[i].row == row)
            e = store_picture(g, b, &b->rows[row], b->pictures[i].bytes, &refs);
        else if (sorted)
            break;
    }
    if (e == OK && refs.n)
        b->rows[row].image = refs;
    return e;
}

static bool
pictures_sorted(const struct sighting_batch *b)
{
    for (size_t i = 1; i < b->pictures_n; i++)
        if (b->pictures[i].row < b->pictures[i - 1].row)
            return false;
    return true;
}

static enum err
take_batch(struct group *g, struct sighting_batch *b)
{
    size_t picture = 0;
    bool sorted = pictures_sorted(b);
    for (size_t i = 0; i < b->n; i++) {
        struct sighting *row = &b->rows[i];
        arrive_settle(row);
        enum err e = fate_of(g, row, &b->fate[i]);
        if (e == OK && b->fate[i] == FATE_STORED) {
            e = store_pictures(g, b, &picture, i, sorted);
            if (e == OK && !head_put(g->s->head, row, g->n++))
                e = ERR_NOMEM;
            g->sum.stored++;
        }
        if (e != OK)
            return e;
        if (b->fate[i] == FATE_STORED && row->pass_ms > g->sum.newest_ms)
            g->sum.newest_ms = row->pass_ms;
    }
    return journal_add(g->s->journal, b, &b->lsn);
}

static size_t
rows_of(struct sighting_batch *const *b, size_t n)
{
    size_t rows = 0;
    for (size_t i = 0; i < n; i++)
        rows += b[i]->n;
    return rows;
}

/* A head with room for the group; waits when the background is far behind. */
static enum err
head_ready(struct sight *s, size_t rows, struct note *note)
{
    size_t n = atomic_load(&s->head->n);
    enum err e = OK;
    if (n && n + rows > s->head->cap)
        e = sight_rotate(s, rows, note);
    else if (!n && rows > s->head->cap)
        e = sight_rotate(s, rows, note);
    bool did = true;
    while (e == OK && !s->threaded && s->view->heads_n > HEADS_MAX + 1 && did)
        e = sight_step(s, &did, note);
    if (!s->threaded)
        return e;
    pthread_mutex_lock(&s->lock);
    while (s->view->heads_n > HEADS_MAX + 1 && (s->busy || s->woken))
        pthread_cond_wait(&s->idle, &s->lock);
    if (s->view->heads_n > HEADS_MAX + 1)
        e = s->stuck != OK ? s->stuck : ERR_BUSY;
    pthread_mutex_unlock(&s->lock);
    return e;
}

static void
refuse_all(struct sight *s, struct sighting_batch **b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (b[i]->n)
            memset(b[i]->fate, FATE_REFUSED, b[i]->n);
        b[i]->lsn = 0;
    }
    pthread_mutex_lock(&s->lock);
    s->health.refused += rows_of(b, n);
    pthread_mutex_unlock(&s->lock);
}

static void
count_group(struct sight *s, const struct sight_health *sum)
{
    struct sight_health *h = &s->health;
    pthread_mutex_lock(&s->lock);
    h->stored += sum->stored;
    h->duplicates += sum->duplicates;
    h->conflicts += sum->conflicts;
    h->future += sum->future;
    h->ahead += sum->ahead;
    h->held += sum->held;
    h->expired += sum->expired;
    if (sum->conflicts) {
        h->conflict = sum->conflict;
        memcpy(h->conflict_field, sum->conflict_field, sizeof h->conflict_field);
    }
    note_newest(s, sum->newest_ms);
    pthread_mutex_unlock(&s->lock);
}

/* Days close and segments are found damaged without any rotation: now and then the
 * background looks, by the clock that it was told. */
static void
poke(struct sight *s, ts_ms now)
{
    if (!s->threaded || (now >= s->poked && now - s->poked < POKE_MS))
        return;
    s->poked = now;
    pthread_mutex_lock(&s->lock);
    s->woken = true;
    pthread_cond_broadcast(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

/* After a failure rows of the group lie behind the head's n: nobody may write over them
 * while readers may stand on them, so this head is closed and another begun. */
static void
group_undo(struct group *g)
{
    journal_abandon(g->s->journal);
    packs_abandon(g->s->packs);
    if (g->n != atomic_load(&g->s->head->n) && sight_rotate(g->s, 0, NULL) != OK)
        g->s->head->cap = 0; /* no memory: nothing more goes into it */
}

static enum err
group_store(struct group *g, struct sighting_batch **b, size_t n)
{
    struct sight *s = g->s;
    enum err e = OK;
    g->n = atomic_load(&s->head->n);
    for (size_t i = 0; i < n && e == OK; i++)
        e = take_batch(g, b[i]);
    if (e == OK)
        e = packs_commit(s->packs, g->note);
    if (e == OK)
        e = journal_commit(s->journal, g->note);
    if (e != OK) {
        group_undo(g);
        return e;
    }
    s->head->last_lsn = journal_lsn(s->journal);
    head_publish(s->head, g->n);
    return OK;
}

static void
trim(struct sight *s)
{
    uint64_t flushed = atomic_load(&s->flushed);
    uint64_t applied = atomic_load(&s->applied);
    uint64_t lsn = applied < flushed ? applied : flushed;
    if (lsn <= s->trimmed)
        return;
    struct note note = {0};
    enum err e = journal_trim(s->journal, lsn, &note);
    if (e != OK)
        sight_tell(s, e, &note);
    s->trimmed = lsn;
}

enum err
sight_append(
    struct sight *s, struct sighting_batch **b, size_t n, ts_ms now, struct note *note)
{
    struct group g = {.s = s, .now = now, .note = note};
    atomic_store(&s->now, now);
    must(!s->read_only);
    enum err e = OK;
    if (atomic_load(&s->low))
        e = note_set(
            note, ERR_FULL, "disk", "the disk is nearly full: nothing new is taken in",
            "磁盘空间不足，暂停接收新数据");
    if (e == OK)
        e = head_ready(s, rows_of(b, n), note);
    if (e != OK) {
        refuse_all(s, b, n);
        return e;
    }
    g.oldest = civil_day_start(civil_day(now, &s->zone) - s->keep_days, &s->zone);
    g.sum.newest_ms = INT64_MIN;
    g.view = sight_view(s);
    arena_init(&g.scratch, 64u << 20);
    e = group_store(&g, b, n);
    arena_release(&g.scratch);
    view_unref(g.view);
    if (e == OK)
        count_group(s, &g.sum);
    else
        refuse_all(s, b, n);
    trim(s);
    poke(s, now);
    return e;
}

uint64_t
sight_lsn(const struct sight *s)
{
    return journal_lsn(s->journal);
}

enum err
sight_replay(
    struct sight *s, uint64_t from, enum err (*fn)(void *arg, struct sighting_batch *b),
    void *arg, struct note *note)
{
    if (from < journal_first(s->journal))
        return note_set(
            note, ERR_NOTFOUND, "lsn", "the journal no longer reaches back that far",
            "日志已清理，无法回放到该位置");
    return journal_read(s->journal, from, fn, arg, note);
}

void
sight_set_applied(struct sight *s, uint64_t lsn)
{
    if (lsn > atomic_load(&s->applied))
        atomic_store(&s->applied, lsn);
    if (!s->read_only)
        trim(s);
}

void
sight_set_doubt(struct sight *s, int64_t ahead_ms, bool hold)
{
    s->doubt_ms = ahead_ms;
    s->hold = hold;
}

void
sight_set_low(struct sight *s, bool low)
{
    atomic_store(&s->low, low);
}

/* ---- maintenance as the store thread asks for it ---- */

static enum err
maintain_thread(struct sight *s, bool force)
{
    pthread_mutex_lock(&s->lock);
    s->woken = true;
    s->eager = s->eager || force;
    pthread_cond_broadcast(&s->wake);
    while (force && (s->woken || s->busy) && !s->stopping)
        pthread_cond_wait(&s->idle, &s->lock);
    enum err e = force ? s->stuck : OK;
    pthread_mutex_unlock(&s->lock);
    return e;
}

enum err
sight_maintain(struct sight *s, ts_ms now, bool force, bool *more, struct note *note)
{
    enum err e = OK;
    *more = false;
    atomic_store(&s->now, now);
    must(!s->read_only);
    if (force && atomic_load(&s->head->n))
        e = sight_rotate(s, 0, note);
    if (e == OK && s->threaded)
        e = maintain_thread(s, force);
    else if (e == OK) {
        s->eager = force;
        e = sight_step(s, more, note);
        s->eager = false;
    }
    trim(s);
    return e;
}

/* ---- health ---- */

/* Smallest pass time of a view; INT64_MAX when it is empty. Under s->lock. */
static ts_ms
view_oldest(const struct view *v)
{
    ts_ms oldest = INT64_MAX;
    for (size_t i = 0; i < v->runs_n; i++)
        if (v->runs[i]->meta.rows && v->runs[i]->meta.min_ms < oldest)
            oldest = v->runs[i]->meta.min_ms;
    for (size_t i = 0; i < v->heads_n; i++)
        if (atomic_load(&v->heads[i]->n) && v->heads[i]->min_ms < oldest)
            oldest = v->heads[i]->min_ms;
    return oldest;
}

enum err
sight_oldest(struct sight *s, ts_ms *pass, ts_ms *picture, struct note *note)
{
    uint32_t day = 0;
    enum err e = packs_oldest(s->packs, &day);
    if (e != OK)
        return note_set(
            note, e, "image", "the picture packs cannot be listed", "无法列出图片包");
    pthread_mutex_lock(&s->lock);
    ts_ms first = view_oldest(s->view);
    pthread_mutex_unlock(&s->lock);
    *pass = first == INT64_MAX ? INT64_MAX
                               : civil_day_start(civil_day(first, &s->zone), &s->zone);
    *picture = INT64_MAX;
    struct civil c = {
        .year = (int)(day / 10000),
        .month = (int)(day / 100 % 100),
        .day = (int)(day % 100)};
    return day ? civil_ts(&c, &s->zone, picture) : OK;
}

void
sight_health(struct sight *s, struct sight_health *out)
{
    pthread_mutex_lock(&s->lock);
    const struct view *v = s->view;
    *out = s->health;
    for (size_t i = 0; i < v->runs_n; i++) {
        out->rows += v->runs[i]->meta.rows;
        out->segment_bytes += v->runs[i]->bytes;
    }
    for (size_t i = 0; i < v->places_n; i++)
        out->segment_bytes += v->places[i]->bytes;
    if (out->rows)
        out->bytes_per_row = (double)out->segment_bytes / (double)out->rows;
    for (size_t i = 0; i < v->heads_n; i++)
        out->head_rows += atomic_load(&v->heads[i]->n);
    out->rows += out->head_rows;
    ts_ms oldest = view_oldest(v);
    out->oldest_ms = oldest == INT64_MAX ? 0 : oldest;
    out->places = (uint32_t)v->places_n;
    out->runs = (uint32_t)v->runs_n;
    out->segments = out->places + out->runs;
    out->quarantined = v->missing;
    out->census_plates = v->census ? v->census->n : 0;
    out->roll_bytes = rolls_bytes(s->rolls);
    pthread_mutex_unlock(&s->lock);
    out->flushed_lsn = atomic_load(&s->flushed);
    out->low = atomic_load(&s->low);
    journal_stat(s->journal, &out->lsn, &out->journal_bytes, &out->quarantined_journal);
    out->pack_bytes = packs_bytes(s->packs);
    out->applied_lsn = atomic_load(&s->applied);
}

/* ---- pictures ---- */

enum err
sight_picture(
    struct sight *s, struct span image, struct arena *arena, struct span *bytes,
    struct note *note)
{
    struct pack_ref ref;
    struct span first = span_cut(&image, ' ');
    if (!pack_ref_parse(first, &ref))
        return note_set(
            note, ERR_INPUT, "image", "this is no picture of ours",
            "不是本系统存储的图片");
    return pack_read(s->fs, s->pack_dir, &ref, arena, bytes, note);
}
