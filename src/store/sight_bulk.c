/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk: rows are copied into a run in memory; a full run goes to the background, which
 * drops what is already stored and writes it as segments with one commit. A crash loses
 * at most the runs not yet committed, and the same input sent again finds its
 * duplicates. */
#include "store/sight_core.h"

#include <stdatomic.h>
#include <stdlib.h>

#define FUTURE_MS (2 * MINUTE_MS)

struct sight_bulk {
    struct sight *s;
    struct sight_bulk_job *job; /* being filled; NULL before the first row */
    struct sight_bulk_sum sum;  /* under the engine's lock */
    enum err err;               /* under the engine's lock */
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

static struct sight_bulk_job *
job_new(struct sight_bulk *b)
{
    struct sight_bulk_job *j = calloc(1, sizeof *j);
    if (!j)
        return NULL;
    j->rows = malloc(b->s->bulk_rows * sizeof *j->rows);
    if (!j->rows) {
        free(j);
        return NULL;
    }
    arena_init(&j->texts, SIZE_MAX / 4);
    j->sum = &b->sum;
    j->err = &b->err;
    return j;
}

static void
job_free(struct sight_bulk_job *j)
{
    if (!j)
        return;
    arena_release(&j->texts);
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

static bool
row_keep(struct sight_bulk_job *j, const struct sighting *row)
{
    struct sighting *r = &j->rows[j->n];
    *r = *row;
    int64_t lag = r->arrive_ms ? (r->arrive_ms - r->pass_ms) / 1000 : 0;
    lag = lag > INT32_MAX ? INT32_MAX : lag < INT32_MIN ? INT32_MIN : lag;
    r->arrive_ms = r->pass_ms + lag * 1000;
    if (!text_keep(&j->texts, &r->record_id) || !text_keep(&j->texts, &r->image) ||
        !text_keep(&j->texts, &r->plate_text))
        return false;
    j->n++;
    return true;
}

void
sight_bulk_times(const struct sight *s, ts_ms now, ts_ms *oldest, ts_ms *newest)
{
    *oldest = civil_day_start(civil_day(now, &s->zone) - s->keep_days, &s->zone);
    *newest = now + FUTURE_MS;
}

enum err
sight_bulk_add(
    struct sight_bulk *b, const struct sighting *rows, size_t n, ts_ms now,
    struct note *note)
{
    struct sight *s = b->s;
    struct sight_bulk_sum sum = {0};
    enum err e = atomic_load(&s->low) ? ERR_FULL : OK;
    ts_ms oldest, newest;
    sight_bulk_times(s, now, &oldest, &newest);
    atomic_store(&s->now, now);
    for (size_t i = 0; i < n && e == OK; i++) {
        if (rows[i].pass_ms > newest) {
            sum.future++;
            continue;
        }
        if (rows[i].pass_ms < oldest) {
            sum.expired++;
            continue;
        }
        if (!b->job)
            b->job = job_new(b);
        if (!b->job || !row_keep(b->job, &rows[i]))
            e = ERR_NOMEM;
        else if (b->job->n == s->bulk_rows)
            e = job_send(b, note);
    }
    pthread_mutex_lock(&s->lock);
    b->sum.future += sum.future;
    b->sum.expired += sum.expired;
    s->health.future += sum.future;
    s->health.expired += sum.expired;
    pthread_mutex_unlock(&s->lock);
    return e;
}

enum err
sight_bulk_commit(struct sight_bulk *b, struct sight_bulk_sum *sum, struct note *note)
{
    enum err e = b->job ? job_send(b, note) : OK;
    enum err end = jobs_wait(b, note);
    e = e == OK ? end : e;
    if (sum)
        *sum = b->sum;
    job_free(b->job);
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
    free(b);
}
