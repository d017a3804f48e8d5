/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk: rows are copied into a run in memory, each key once; a full run goes to the
 * background, which drops what is already stored and writes it as segments with one
 * commit. A crash loses
 * at most the runs not yet committed, and the same input sent again finds its
 * duplicates. */
#include "store/sight_core.h"

#include <stdatomic.h>
#include <stdlib.h>

#define FUTURE_MS (2 * MINUTE_MS)
#define KEYS_AHEAD 16u /* rows whose key is hashed ahead */

struct sight_bulk {
    struct sight *s;
    struct sight_bulk_job *job; /* being filled; NULL before the first row */
    struct sight_bulk_sum sum;  /* under the engine's lock */
    enum err err;               /* under the engine's lock */
    struct buf told; /* conflicts not told yet: number, length, record id; under the
                        engine's lock */
    sight_bulk_conflict conflict;
    void *conflict_arg;
};

enum err
sight_bulk_begin(struct sight *s, struct sight_bulk **out)
{
    struct sight_bulk *b = calloc(1, sizeof *b);
    if (!b)
        return ERR_NOMEM;
    must(!s->read_only);
    b->s = s;
    *out = b;
    return OK;
}

/* ---- rows that contradict what is known ---- */

void
sight_bulk_tell(struct sight_bulk *b, sight_bulk_conflict fn, void *arg)
{
    must(!b->job);
    b->conflict = fn;
    b->conflict_arg = arg;
}

static void
conflict_put(struct buf *told, uint64_t number, struct span record_id)
{
    buf_le(told, number, 8);
    buf_le(told, record_id.n, 4);
    buf_put(told, record_id.p, record_id.n);
}

/* Tells what was found since, without the lock. */
static enum err
conflicts_tell(struct sight_bulk *b)
{
    pthread_mutex_lock(&b->s->lock);
    struct buf told = b->told;
    b->told = (struct buf){0};
    pthread_mutex_unlock(&b->s->lock);
    struct cur c = cur_of(told.p, told.n);
    while (!told.bad && cur_left(&c)) {
        uint64_t number = cur_u64_le(&c);
        size_t n = cur_u32_le(&c);
        const uint8_t *id = cur_take(&c, n);
        must(!c.bad);
        b->conflict(b->conflict_arg, number, span_of((const char *)id, n));
    }
    enum err e = told.bad ? ERR_NOMEM : OK;
    buf_release(&told);
    return e;
}

/* ---- filling a run ---- */

static bool
key_set_init(struct key_set *k, size_t rows)
{
    size_t n = 1024;
    while (n < rows * 2)
        n *= 2;
    k->mask = n - 1;
    k->slots = calloc(n, sizeof *k->slots);
    return k->slots;
}

/* The row of the same key, else NULL and `at` is entered. */
static const struct sighting *
key_set_put(struct key_set *k, const struct sighting *rows, size_t at, uint64_t hash)
{
    const uint64_t tag = hash >> 32 << 32;
    uint64_t h = hash;
    for (uint64_t slot; (slot = k->slots[h & k->mask]); h++)
        if (slot >> 32 << 32 == tag &&
            head_same_key(&rows[(uint32_t)slot - 1], &rows[at]))
            return &rows[(uint32_t)slot - 1];
    k->slots[h & k->mask] = tag | ((uint32_t)at + 1);
    return NULL;
}

static struct sight_bulk_job *
job_new(struct sight_bulk *b)
{
    struct sight_bulk_job *j = calloc(1, sizeof *j);
    if (!j)
        return NULL;
    j->rows = malloc(b->s->bulk_rows * sizeof *j->rows);
    if (!j->rows || !key_set_init(&j->keys, b->s->bulk_rows)) {
        free(j->rows);
        free(j);
        return NULL;
    }
    arena_init(&j->texts, SIZE_MAX / 4);
    j->sum = &b->sum;
    j->err = &b->err;
    j->told = &b->told;
    return j;
}

static bool
job_numbers(struct sight_bulk *b)
{
    if (!b->job->numbers)
        b->job->numbers = calloc(b->s->bulk_rows, sizeof *b->job->numbers);
    return b->job->numbers;
}

static void
job_free(struct sight_bulk_job *j)
{
    if (!j)
        return;
    arena_release(&j->texts);
    free(j->keys.slots);
    free(j->numbers);
    free(j->rows);
    free(j);
}

/* Takes the queued run back: the background cannot get to it (a full disk, say). */
static void
jobs_give_up(struct sight_bulk *b, enum err e)
{
    struct sight_bulk_job *j = b->s->jobs;
    b->s->jobs = NULL;
    b->err = b->err != OK ? b->err : e;
    job_free(j);
}

/* Waits until the background has done the queued runs; does them itself when there is
 * none. */
static enum err
jobs_wait(struct sight_bulk *b, struct note *note)
{
    struct sight *s = b->s;
    bool did = true;
    enum err e = OK;
    while (!s->threaded && s->jobs && e == OK)
        e = sight_step(s, &did, note);
    pthread_mutex_lock(&s->lock);
    if (e != OK && s->jobs)
        jobs_give_up(b, e);
    while (s->threaded && s->jobs) {
        s->woken = true;
        pthread_cond_broadcast(&s->wake);
        pthread_cond_wait(&s->idle, &s->lock);
        if (s->jobs && !s->busy && !s->woken && s->stuck != OK)
            jobs_give_up(b, s->stuck);
    }
    e = e == OK ? b->err : e;
    pthread_mutex_unlock(&s->lock);
    if (e != OK)
        return note_set(
            note, e, "bulk", "a bulk run could not be written", "批量数据写入失败");
    return OK;
}

/* Hands the filled run over. One run waits at most, so memory holds two. */
static enum err
job_send(struct sight_bulk *b, struct note *note)
{
    struct sight *s = b->s;
    enum err e = jobs_wait(b, note);
    if (e != OK)
        return e;
    pthread_mutex_lock(&s->lock);
    s->jobs = b->job;
    b->job = NULL;
    s->woken = true;
    pthread_cond_broadcast(&s->wake);
    pthread_mutex_unlock(&s->lock);
    return s->threaded ? OK : jobs_wait(b, note);
}

static bool
text_keep(struct arena *a, struct span *s)
{
    if (s->n)
        *s = arena_span(a, *s);
    else
        *s = (struct span){"", 0};
    return s->p;
}

/* The row as it would be kept, its texts still the caller's. */
static void
row_settle(struct sighting *to, const struct sighting *row)
{
    *to = *row;
    int64_t lag = to->arrive_ms ? (to->arrive_ms - to->pass_ms) / 1000 : 0;
    lag = lag > INT32_MAX ? INT32_MAX : lag < INT32_MIN ? INT32_MIN : lag;
    to->arrive_ms = to->pass_ms + lag * 1000;
}

/* Copies the row unless its key is in the run already. */
static bool
row_keep(
    struct sight_bulk_job *j, const struct sighting *row, const uint64_t *number,
    uint64_t hash, struct sight_bulk_sum *sum, struct buf *told)
{
    struct sighting *r = &j->rows[j->n];
    row_settle(r, row);
    const struct sighting *same = key_set_put(&j->keys, j->rows, j->n, hash);
    if (same) {
        bool differs = head_differs(same, r);
        sum->conflicts += differs;
        sum->duplicates += !differs;
        if (differs && number)
            conflict_put(told, *number, row->record_id);
        return true;
    }
    if (!text_keep(&j->texts, &r->record_id) || !text_keep(&j->texts, &r->image) ||
        !text_keep(&j->texts, &r->plate_text))
        return false;
    if (number)
        j->numbers[j->n] = *number;
    if (!j->n || r->pass_ms < j->min_ms)
        j->min_ms = r->pass_ms;
    if (!j->n || r->pass_ms > j->max_ms)
        j->max_ms = r->pass_ms;
    j->n++;
    return true;
}

void
sight_bulk_times(const struct sight *s, ts_ms now, ts_ms *oldest, ts_ms *newest)
{
    *oldest = civil_day_start(civil_day(now, &s->zone) - s->keep_days, &s->zone);
    *newest = now + FUTURE_MS;
}

struct adding { /* one call of sight_bulk_add() */
    struct sight_bulk *b;
    ts_ms oldest, newest;
    struct sight_bulk_sum sum;
    struct buf told;
};

static enum err
row_add(
    struct adding *a, const struct sighting *row, const uint64_t *number, uint64_t hash,
    struct note *note)
{
    struct sight_bulk *b = a->b;
    if (row->pass_ms > a->newest) {
        a->sum.future++;
        return OK;
    }
    if (row->pass_ms < a->oldest) {
        a->sum.expired++;
        return OK;
    }
    if (!b->job)
        b->job = job_new(b);
    if (!b->job || (number && !job_numbers(b)) ||
        !row_keep(b->job, row, number, hash, &a->sum, &a->told))
        return ERR_NOMEM;
    return b->job->n == b->s->bulk_rows ? job_send(b, note) : OK;
}

/* What one call found goes to the sums of the bulk and of the engine. */
static void
adding_end(struct adding *a)
{
    struct sight_bulk *b = a->b;
    struct sight_health *h = &b->s->health;
    pthread_mutex_lock(&b->s->lock);
    b->sum.future += a->sum.future;
    b->sum.expired += a->sum.expired;
    b->sum.duplicates += a->sum.duplicates;
    b->sum.conflicts += a->sum.conflicts;
    h->future += a->sum.future;
    h->expired += a->sum.expired;
    h->duplicates += a->sum.duplicates;
    h->conflicts += a->sum.conflicts;
    buf_put(&b->told, a->told.p, a->told.n);
    b->told.bad |= a->told.bad;
    pthread_mutex_unlock(&b->s->lock);
    buf_release(&a->told);
}

enum err
sight_bulk_add_numbered(
    struct sight_bulk *b, const struct sighting *rows, const uint64_t *numbers,
    size_t n, ts_ms now, struct note *note)
{
    struct sight *s = b->s;
    struct adding a = {.b = b};
    enum err e = atomic_load(&s->low) ? ERR_FULL : OK;
    sight_bulk_times(s, now, &a.oldest, &a.newest);
    uint64_t hash[KEYS_AHEAD] = {0};
    atomic_store(&s->now, now);
    for (size_t i = 0; i < n + KEYS_AHEAD && e == OK; i++) {
        uint64_t ready = hash[i % KEYS_AHEAD];
        if (i < n) {
            hash[i % KEYS_AHEAD] = head_key(&rows[i]);
            if (b->job)
                __builtin_prefetch(
                    &b->job->keys.slots[hash[i % KEYS_AHEAD] & b->job->keys.mask], 1);
        }
        if (i >= KEYS_AHEAD)
            e = row_add(
                &a, &rows[i - KEYS_AHEAD], numbers ? &numbers[i - KEYS_AHEAD] : NULL,
                ready, note);
    }
    adding_end(&a);
    enum err told = b->conflict ? conflicts_tell(b) : OK;
    return e == OK ? told : e;
}

enum err
sight_bulk_add(
    struct sight_bulk *b, const struct sighting *rows, size_t n, ts_ms now,
    struct note *note)
{
    return sight_bulk_add_numbered(b, rows, NULL, n, now, note);
}

enum err
sight_bulk_commit(struct sight_bulk *b, struct sight_bulk_sum *sum, struct note *note)
{
    enum err e = b->job ? job_send(b, note) : OK;
    enum err end = jobs_wait(b, note);
    e = e == OK ? end : e;
    end = b->conflict ? conflicts_tell(b) : OK;
    e = e == OK ? end : e;
    if (sum)
        *sum = b->sum;
    job_free(b->job);
    buf_release(&b->told);
    free(b);
    return e;
}

void
sight_bulk_drop(struct sight_bulk *b)
{
    if (!b)
        return;
    if (jobs_wait(b, NULL) != OK)
        b->sum.stored = 0; /* nobody asks any more */
    job_free(b->job);
    buf_release(&b->told);
    free(b);
}

/* ---- in the background ---- */

static bool
may_be_stored(const struct view *v, const struct sight_bulk_job *job)
{
    for (size_t i = 0; i < v->heads_n; i++)
        if (atomic_load(&v->heads[i]->n))
            return true;
    for (size_t i = 0; i < v->places_n; i++)
        if (v->places[i]->meta.min_ms <= job->max_ms &&
            v->places[i]->meta.max_ms >= job->min_ms)
            return true;
    return false;
}

/* Drops from the job what is already stored. */
static enum err
bulk_dedup(struct sight *s, struct sight_bulk_job *job, struct note *note)
{
    struct view *v = sight_view(s);
    struct arena scratch;
    arena_init(&scratch, 64u << 20);
    struct sight_bulk_sum sum = {0};
    struct buf told = {0};
    size_t kept = may_be_stored(v, job) ? 0 : job->n;
    enum err e = OK;
    for (size_t i = kept; i < job->n && e == OK; i++) {
        if (kept != i) {
            job->rows[kept] = job->rows[i];
            if (job->numbers)
                job->numbers[kept] = job->numbers[i];
        }
        const struct sighting *row = &job->rows[kept], *same = NULL;
        struct sighting found;
        bool is = false;
        for (size_t k = 0; k < v->heads_n && !same; k++)
            same = head_find_key(v->heads[k], row, atomic_load(&v->heads[k]->n));
        if (!same) {
            e = view_find_key(v, &s->zone, row, &scratch, &found, &is);
            same = is ? &found : NULL;
        }
        if (!same)
            kept++;
        else if (!head_differs(same, row))
            sum.duplicates++;
        else {
            sum.conflicts++;
            if (job->numbers)
                conflict_put(&told, job->numbers[i], row->record_id);
        }
        arena_reset(&scratch);
    }
    job->n = kept;
    arena_release(&scratch);
    view_unref(v);
    pthread_mutex_lock(&s->lock);
    job->sum->duplicates += sum.duplicates;
    job->sum->conflicts += sum.conflicts;
    s->health.duplicates += sum.duplicates;
    s->health.conflicts += sum.conflicts;
    buf_put(job->told, told.p, told.n);
    job->told->bad |= told.bad;
    pthread_mutex_unlock(&s->lock);
    buf_release(&told);
    if (e != OK)
        note_set(note, e, "bulk", "duplicates could not be looked up", "无法查重");
    return e;
}

enum err
sight_bulk_build(struct sight *s, struct sight_bulk_job *job, struct note *note)
{
    struct build_env env = sight_env(s);
    struct change c = {0};
    enum err e = bulk_dedup(s, job, note);
    if (e == OK && job->n)
        e = build_rows(&env, job->rows, job->n, &c.add, note);
    if (e == OK && job->n)
        e = sight_commit(s, &c, note);
    else
        seg_list_release(&c.add);
    pthread_mutex_lock(&s->lock);
    if (e == OK) {
        job->sum->stored += job->n;
        s->health.stored += job->n;
    } else if (*job->err == OK) {
        *job->err = e;
    }
    for (size_t i = 0; e == OK && i < job->n; i++)
        if (job->rows[i].pass_ms > s->health.newest_ms)
            s->health.newest_ms = job->rows[i].pass_ms;
    s->jobs = job->next;
    pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->lock);
    arena_release(&job->texts);
    free(job->keys.slots);
    free(job->numbers);
    free(job->rows);
    free(job);
    return e;
}
