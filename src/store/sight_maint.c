/* SPDX-License-Identifier: Apache-2.0 */
/* The background: seals frozen heads in order, merges, takes damaged segments out.
 * Every change of the segment set is one commit: files synced, manifest replaced, view
 * swapped; readers keep the old view as long as they like.
 *
 * Merging is size-tiered inside a unit (day; closed week; closed 28 days): the smallest
 * segments are merged while the next one is not more than TIER times what they sum to,
 * so a row is rewritten a logarithmic number of times. */
#include "store/sight_core.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define TIER 4u
#define TIER_FLOOR 65536u
#define OPEN_FAN 8u      /* segments of an open unit before they are merged */
#define CLOSED_FAN 4u    /* of a closed one */
#define HEADS_WAITING 2u /* frozen heads for which a merge is not yet given up */
#define MERGES_MAX 8u    /* beside one another */
#define MONTH_KEEP 120   /* days of retention from which months are worth while */

/* ---- one change ---- */

static bool
listed(struct seg *const *p, size_t n, const struct seg *s)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] == s)
            return true;
    return false;
}

static bool
all_there(const struct view *v, const struct change *c)
{
    for (size_t i = 0; i < c->remove_n; i++)
        if (!listed(v->places, v->places_n, c->remove[i]) &&
            !listed(v->runs, v->runs_n, c->remove[i]))
            return false;
    return true;
}

static void
copy_kept(
    struct seg *const *from, size_t n, const struct change *c, struct seg **to,
    size_t *to_n)
{
    for (size_t i = 0; i < n; i++)
        if (!listed(c->remove, c->remove_n, from[i]))
            to[(*to_n)++] = seg_ref(from[i]);
}

/* The view after the change; heads as they are now. */
static struct view *
view_after(const struct view *v, const struct change *c)
{
    struct view *n = view_new(v->places_n + v->runs_n + c->add.n, v->heads_n);
    if (!n)
        return NULL;
    copy_kept(v->places, v->places_n, c, n->places, &n->places_n);
    copy_kept(v->runs, v->runs_n, c, n->runs, &n->runs_n);
    for (size_t i = 0; i < c->add.n; i++) {
        struct seg *s = c->add.p[i];
        if (s->meta.kind == SEG_PLACE)
            n->places[n->places_n++] = seg_ref(s);
        else
            n->runs[n->runs_n++] = seg_ref(s);
    }
    for (size_t i = 0; i < v->heads_n; i++)
        if (v->heads[i] != c->sealed)
            n->heads[n->heads_n++] = head_ref(v->heads[i]);
    n->missing = v->missing + (c->quarantine ? (uint32_t)c->remove_n : 0);
    n->census = census_ref(c->census);
    view_sort(n);
    return n;
}

static enum err
manifest_write(
    struct sight *s, const struct view *v, uint64_t flushed, struct note *note)
{
    struct manifest m = {
        .flushed = flushed, .seq = atomic_load(&s->seq), .missing = v->missing};
    struct buf b = {0};
    bool good = true;
    for (size_t i = 0; i < v->places_n; i++)
        good = good && manifest_add(&m, SEG_PLACE, v->places[i]->meta.seq);
    for (size_t i = 0; i < v->runs_n; i++)
        good = good && manifest_add(&m, SEG_VEHICLE, v->runs[i]->meta.seq);
    manifest_encode(&m, &b);
    enum err e = good && !b.bad ? OK : ERR_NOMEM;
    if (e == OK)
        e = os_write_file(s->fs, s->manifest, span_of(b.p, b.n), "manifest", note);
    buf_release(&b);
    manifest_release(&m);
    return e;
}

static void
remove_files(struct sight *s, const struct change *c)
{
    for (size_t i = 0; i < c->remove_n; i++) {
        char bad[OS_PATH];
        const char *path = c->remove[i]->path;
        int n = snprintf(bad, sizeof bad, "%s.bad", path);
        enum err e = c->quarantine && n > 0 && n < (int)sizeof bad
                         ? os_rename(s->fs, path, bad, NULL)
                         : os_unlink(s->fs, path);
        struct note note = {0};
        if (e == OK || e == ERR_NOTFOUND)
            continue;
        note_set(
            &note, e, "segment", "an old segment file could not be removed",
            "旧数据段文件无法删除");
        sight_tell(s, e, &note);
    }
}

/* Under the lock; the old view is the caller's to unref behind it: the last reference
 * frees heads of tens of megabytes, and snapshots wait for the lock. */
static struct view *
view_swap(struct sight *s, struct view *n)
{
    struct view *old = s->view;
    s->view = n;
    return old;
}

/* The census behind the change: carried over a merge, one run added for a seal; without
 * one when rows are taken out (the background makes it anew). */
static struct census *
census_after(const struct sight *s, const struct view *v, const struct change *c)
{
    struct census *r = census_ref(v->census);
    if (c->same_rows)
        return r;
    if (c->remove_n) {
        census_unref(r);
        return NULL;
    }
    for (size_t i = 0; r && i < c->add.n; i++) {
        struct census *next = NULL;
        if (c->add.p[i]->meta.kind != SEG_VEHICLE)
            continue;
        if (census_add(r, c->add.p[i], s->census_plates, &next) != OK)
            next = NULL; /* too many by now, no memory: questions read the runs */
        census_unref(r);
        r = next;
    }
    return r;
}

/* Under `commit`. The heads may change meanwhile (rotation), so the view is made twice.
 */
static enum err
commit_locked(struct sight *s, struct change *c, struct note *note)
{
    struct view *now = sight_view(s);
    enum err e = all_there(now, c) ? OK : ERR_CONFLICT;
    if (e == OK)
        c->census = census_after(s, now, c);
    struct view *next = e == OK ? view_after(now, c) : NULL;
    if (e == OK && !next)
        e = ERR_NOMEM;
    uint64_t flushed = c->sealed ? c->sealed->last_lsn : atomic_load(&s->flushed);
    if (e == OK && c->add.n)
        e = os_sync_dir(s->fs, s->seg_dir, "segment.dir");
    if (e == OK)
        e = manifest_write(s, next, flushed, note);
    view_unref(next);
    view_unref(now);
    if (e != OK)
        return e;
    struct view *old = NULL;
    pthread_mutex_lock(&s->lock);
    next = view_after(s->view, c);
    if (next)
        old = view_swap(s, next);
    pthread_mutex_unlock(&s->lock);
    view_unref(old);
    must(next); /* the manifest already says so: without the view rows would be missing
                 */
    if (c->sealed)
        atomic_store(&s->flushed, flushed);
    return OK;
}

enum err
sight_commit(struct sight *s, struct change *c, struct note *note)
{
    pthread_mutex_lock(&s->commit);
    enum err e = commit_locked(s, c, note);
    pthread_mutex_unlock(&s->commit);
    if (e == OK) {
        remove_files(s, c);
    } else {
        for (size_t i = 0; i < c->add.n; i++)
            build_discard(s->fs, c->add.p[i]->path);
    }
    seg_list_release(&c->add);
    census_unref(c->census);
    c->census = NULL;
    return e;
}

/* ---- sealing ---- */

static enum err
seal_head(struct sight *s, struct head *h, struct note *note)
{
    struct build_env env = sight_env(s);
    struct change c = {.sealed = h};
    struct build_room *room = build_room_new();
    enum err e =
        room ? build_rows(&env, room, h->rows, NULL, atomic_load(&h->n), &c.add, note)
             : ERR_NOMEM;
    build_room_free(room);
    if (e != OK) {
        seg_list_release(&c.add);
        return e;
    }
    e = sight_commit(s, &c, note);
    pthread_mutex_lock(&s->lock);
    s->health.seals += e == OK;
    pthread_mutex_unlock(&s->lock);
    return e;
}

/* The oldest frozen head, referenced; NULL when only the active one is left. */
static struct head *
frozen_head(struct sight *s)
{
    pthread_mutex_lock(&s->lock);
    struct head *h = s->view->heads_n > 1 ? head_ref(s->view->heads[0]) : NULL;
    pthread_mutex_unlock(&s->lock);
    return h;
}

enum err
sight_rotate(struct sight *s, size_t room, struct note *note)
{
    struct head *h = head_new(room > s->head_rows ? room : s->head_rows);
    if (!h)
        return note_set(note, ERR_NOMEM, "head", "out of memory", "内存不足");
    h->first_lsn = h->last_lsn = s->head ? s->head->last_lsn : atomic_load(&s->flushed);
    struct view *old = NULL;
    pthread_mutex_lock(&s->lock);
    struct view *v = s->view;
    struct view *n = view_new(v->places_n + v->runs_n, v->heads_n + 1);
    struct change none = {0};
    if (n) {
        copy_kept(v->places, v->places_n, &none, n->places, &n->places_n);
        copy_kept(v->runs, v->runs_n, &none, n->runs, &n->runs_n);
        for (size_t i = 0; i < v->heads_n; i++)
            if (v->heads[i] != s->head || atomic_load(&s->head->n))
                n->heads[n->heads_n++] = head_ref(v->heads[i]);
        n->heads[n->heads_n++] = h; /* the creator's reference */
        n->missing = v->missing;
        n->census = census_ref(v->census);
        old = view_swap(s, n);
        s->head = h;
        s->woken = true;
        pthread_cond_broadcast(&s->wake);
    }
    pthread_mutex_unlock(&s->lock);
    view_unref(old);
    if (!n)
        head_unref(h);
    return n ? OK : ERR_NOMEM;
}

/* ---- merging ---- */

static int64_t
floor_to(int64_t day, int64_t span)
{
    return (day - (((day % span) + span) % span));
}

static int
by_rows(const void *a, const void *b)
{
    const struct seg *x = *(struct seg *const *)a, *y = *(struct seg *const *)b;
    if (x->meta.rows != y->meta.rows)
        return x->meta.rows < y->meta.rows ? -1 : 1;
    return (x->meta.seq > y->meta.seq) - (x->meta.seq < y->meta.seq);
}

struct pick {
    struct sight *s;
    struct seg **in; /* borrowed, heap list */
    size_t n;
    int64_t lo, hi;
    bool places;
    uint64_t seq; /* of the file to be made */
    enum err err;
    struct note note;
};

/* How many of the n segments (smallest first) are worth merging; 0 = none. */
static size_t
tier(struct seg **in, size_t n, bool closed, bool eager)
{
    if (n < 2)
        return 0;
    if (eager)
        return n;
    uint64_t sum = in[0]->meta.rows;
    size_t k = 1;
    while (k < n && in[k]->meta.rows <= TIER * sum + TIER_FLOOR)
        sum += in[k++]->meta.rows;
    return k >= (closed ? CLOSED_FAN : OPEN_FAN) ? k : 0;
}

/* Units of `span` days with something to merge among segs (sorted by day), up to `most`
 * of them; how many. */
static size_t
pick_span(
    struct seg *const *segs, size_t n, int64_t span, int64_t today, bool eager,
    struct pick *out, size_t most)
{
    size_t picked = 0;
    for (size_t i = 0; i < n && picked < most;) {
        int64_t lo = floor_to(segs[i]->meta.day_lo, span), hi = lo + span;
        size_t end = i, k = 0;
        struct pick *p = &out[picked];
        p->in = malloc(n * sizeof(struct seg *));
        if (!p->in)
            break;
        for (; end < n && segs[end]->meta.day_lo < hi; end++)
            if (segs[end]->meta.day_lo >= lo && segs[end]->meta.day_hi <= hi &&
                !atomic_load(&segs[end]->bad))
                p->in[k++] = segs[end];
        bool closed = eager || today >= hi;
        qsort(p->in, k, sizeof(struct seg *), by_rows);
        p->n = span > 1 && !closed ? 0 : tier(p->in, k, closed, eager);
        p->lo = lo;
        p->hi = hi;
        picked += p->n > 0;
        if (!p->n)
            free(p->in);
        i = end > i ? end : i + 1;
    }
    return picked;
}

static bool
merge_stop(void *arg)
{
    struct sight *s = arg;
    pthread_mutex_lock(&s->lock);
    bool stop = s->stopping || (s->threaded && (s->view->heads_n > HEADS_WAITING + 1 ||
                                                atomic_load(&s->building)));
    pthread_mutex_unlock(&s->lock);
    return stop;
}

static uint64_t
pick_seq(void *pick)
{
    return ((struct pick *)pick)->seq;
}

static enum err
merge_picked(struct pick *p)
{
    struct sight *s = p->s;
    struct build_env env = sight_env(s);
    env.next_seq = pick_seq;
    env.arg = p;
    struct merge_job job = {
        .env = &env, .in = p->in, .n = p->n, .day_lo = p->lo, .day_hi = p->hi,
        .level = (uint8_t)(p->hi - p->lo > 7 ? 3 : p->hi - p->lo > 1 ? 2 : 1),
        .keep_from = INT64_MIN, .stop = merge_stop, .stop_arg = s};
    struct change c = {.remove = p->in, .remove_n = p->n, .same_rows = true};
    struct seg *made = NULL;
    uint64_t dropped = 0;
    enum err e = p->places ? merge_places(&job, &made, &p->note)
                           : merge_runs(&job, &made, &dropped, &p->note);
    if (e != OK)
        return e;
    if (made && !seg_list_add(&c.add, made))
        return ERR_NOMEM;
    e = sight_commit(s, &c, &p->note);
    pthread_mutex_lock(&s->lock);
    s->health.merges += e == OK;
    pthread_mutex_unlock(&s->lock);
    return e;
}

static void *
merge_main(void *arg)
{
    struct pick *p = arg;
    p->err = merge_picked(p);
    return NULL;
}

/* Units that do not touch one another, all of one kind. */
static size_t
pick_some(struct sight *s, const struct view *v, struct pick *p, size_t most)
{
    int64_t today = civil_day(atomic_load(&s->now) - HOUR_MS, &s->zone);
    bool eager = s->eager, places = true;
    size_t n = pick_span(v->places, v->places_n, 1, today, eager, p, most);
    static const int64_t spans[] = {1, 7, 28};
    const int least_keep[] = {0, 14, MONTH_KEEP};
    for (size_t i = 0; i < 3 && !n; i++) {
        size_t k = eager ? 2 - i : i; /* all at once: no row is written twice */
        places = false;
        if (s->keep_days >= least_keep[k])
            n = pick_span(
                v->runs, v->runs_n, spans[k], today - (k > 0), eager, p, most);
    }
    for (size_t i = 0; i < n; i++) {
        p[i].s = s;
        p[i].places = places;
        p[i].seq = atomic_fetch_add(&s->seq, 1) + 1;
    }
    return n;
}

/* The first on this thread, the others beside it. */
static void
merge_all(struct pick *p, size_t n)
{
    pthread_t thread[MERGES_MAX];
    bool runs[MERGES_MAX] = {false};
    for (size_t i = 1; i < n; i++)
        runs[i] = pthread_create(&thread[i], NULL, merge_main, &p[i]) == 0;
    merge_main(&p[0]);
    for (size_t i = 1; i < n; i++) {
        if (runs[i])
            pthread_join(thread[i], NULL);
        else
            merge_main(&p[i]);
    }
}

/* One merge; all cores merge only when somebody waits for it: beside the service they
 * would be in the way. */
static enum err
merge_step(struct sight *s, bool *did, struct note *note)
{
    struct view *v = sight_view(s);
    struct pick p[MERGES_MAX] = {{0}};
    size_t most = s->eager && s->threads > 1 ? s->threads : 1;
    size_t n = pick_some(s, v, p, most < MERGES_MAX ? most : MERGES_MAX);
    enum err e = OK;
    *did = n;
    if (n)
        merge_all(p, n);
    for (size_t i = 0; i < n; i++) {
        enum err one = p[i].err;
        /* interrupted, overtaken by a purge, or a bad input: the next step sees it */
        if (one == ERR_STOPPING || one == ERR_CONFLICT || one == ERR_CORRUPT)
            one = OK;
        if (e == OK && one != OK) {
            e = one;
            if (note)
                *note = p[i].note;
        }
        free(p[i].in);
    }
    view_unref(v);
    return e;
}

/* ---- quarantine ---- */

static enum err
quarantine_step(struct sight *s, bool *did, struct note *note)
{
    struct view *v = sight_view(s);
    struct seg *bad = NULL;
    for (size_t i = 0; i < v->places_n && !bad; i++)
        bad = atomic_load(&v->places[i]->bad) ? v->places[i] : NULL;
    for (size_t i = 0; i < v->runs_n && !bad; i++)
        bad = atomic_load(&v->runs[i]->bad) ? v->runs[i] : NULL;
    enum err e = OK;
    *did = bad;
    if (bad) {
        struct change c = {.remove = &bad, .remove_n = 1, .quarantine = true};
        struct note what = {0};
        note_fmt(
            &what, ERR_CORRUPT, "segment",
            "%s is damaged: taken out of service, kept as *.bad",
            "%s 已损坏，停用并改名为 *.bad", bad->path);
        e = sight_commit(s, &c, note);
        sight_tell(s, ERR_CORRUPT, &what);
    }
    view_unref(v);
    return e;
}

/* ---- census ---- */

static bool
same_runs(const struct view *a, const struct view *b)
{
    bool same = a->runs_n == b->runs_n;
    for (size_t i = 0; same && i < a->runs_n; i++)
        same = a->runs[i] == b->runs[i];
    return same;
}

static bool
census_stop(void *arg)
{
    struct sight *s = arg;
    pthread_mutex_lock(&s->lock);
    bool stop = s->stopping || s->view->heads_n > HEADS_WAITING + 1 ||
                atomic_load(&s->building);
    pthread_mutex_unlock(&s->lock);
    return stop;
}

/* Hangs the census into the view, unless its runs are others by now. */
static enum err
census_publish(struct sight *s, const struct view *v, struct census *r)
{
    enum err e = OK;
    struct change c = {.census = r};
    struct view *old = NULL;
    pthread_mutex_lock(&s->commit);
    pthread_mutex_lock(&s->lock);
    if (same_runs(s->view, v)) {
        struct view *next = view_after(s->view, &c);
        if (next)
            old = view_swap(s, next);
        else
            e = ERR_NOMEM;
    }
    pthread_mutex_unlock(&s->lock);
    pthread_mutex_unlock(&s->commit);
    view_unref(old);
    return e;
}

/* The last thing the background does: when nothing is left to seal or merge, a view
 * without a census gets one. */
static enum err
census_step(struct sight *s, bool *did)
{
    struct view *v = sight_view(s);
    struct census *r = NULL;
    enum err e = OK;
    *did = !v->census && v->runs_n && !s->census_off;
    if (*did)
        e = census_of(v->runs, v->runs_n, s->census_plates, census_stop, s, &r);
    if (e == OK && *did)
        e = census_publish(s, v, r);
    if (e == ERR_TOOBIG)
        s->census_off = true;
    if (e == ERR_TOOBIG || e == ERR_STOPPING || e == ERR_CORRUPT)
        e = OK; /* a damaged run is found bad by the next step */
    census_unref(r);
    view_unref(v);
    return e;
}

/* ---- the step and its thread ---- */

enum err
sight_step(struct sight *s, bool *did, struct note *note)
{
    struct head *h = frozen_head(s);
    if (h) {
        enum err e = seal_head(s, h, note);
        head_unref(h);
        *did = true;
        return e;
    }
    enum err e = quarantine_step(s, did, note);
    if (e != OK || *did || atomic_load(&s->building))
        return e; /* the builders wake this thread when they are done */
    e = merge_step(s, did, note);
    return e != OK || *did ? e : census_step(s, did);
}

/* Sleeps until the store thread rotates or asks (sight_maintain) or a bulk load ends;
 * reads no clock. After an error it waits for the next such call before it tries again.
 */
static void *
thread_main(void *arg)
{
    struct sight *s = arg;
    pthread_mutex_lock(&s->lock);
    while (!s->stopping) {
        bool did = false;
        struct note note = {0};
        s->busy = true;
        s->woken = false;
        pthread_mutex_unlock(&s->lock);
        enum err e = sight_step(s, &did, &note);
        if (e != OK)
            sight_tell(s, e, &note);
        pthread_mutex_lock(&s->lock);
        s->stuck = e;
        s->busy = did && e == OK;
        if (s->busy) {
            pthread_cond_broadcast(&s->idle);
            continue;
        }
        s->eager = false;
        pthread_cond_broadcast(&s->idle);
        while (!s->woken && !s->stopping)
            pthread_cond_wait(&s->wake, &s->lock);
    }
    s->busy = false;
    pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

enum err
sight_thread_start(struct sight *s)
{
    if (pthread_create(&s->thread, NULL, thread_main, s) != 0)
        return ERR_NOMEM;
    s->thread_runs = true;
    return OK;
}

void
sight_thread_stop(struct sight *s)
{
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_broadcast(&s->wake);
    pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->lock);
    if (s->thread_runs)
        pthread_join(s->thread, NULL);
    s->thread_runs = false;
}
