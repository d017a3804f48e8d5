/* SPDX-License-Identifier: Apache-2.0 */
/* The store thread: takes whatever batches wait, makes them durable with one sync,
 * answers all of them, and hands the stored rows on to the rules. When the rules cannot
 * keep up it stops handing on and lets them catch up from the journal: nothing waits,
 * nothing is lost. */
#include "daemon/parts.h"

#include "core/counter.h"
#include "core/log.h"
#include "core/os_clock.h"

#include <stdlib.h>

#define GROUP 256         /* batches in one sync */
#define ROW_ROOM 640      /* bytes of a row with its texts, as room for a copy */
#define RULES_FULL 65536  /* rows that may wait at the rules: some 50 MB */
#define RULES_RESUME 8192 /* rows that may wait at the rules when replay goes on */

struct append {
    struct job job;
    struct sighting_batch *batch;
    struct http *home;
    struct job *done;
};

static void
run_append(struct job *job, struct api_env *env)
{
    (void)job, (void)env;
    must(!"appends are gathered, never run alone");
}

enum err
store_append(
    struct daemon *d, struct sighting_batch *b, struct http *home, struct job *done)
{
    struct append *a = malloc(sizeof *a);
    if (!a)
        return ERR_NOMEM;
    *a = (struct append){{.run = run_append}, b, home, done};
    enum err e = mbox_send(daemon_owner(d, OWNER_STORE)->box, &a->job.msg);
    if (e != OK) {
        free(a);
        counter_add(CTR_ingest_refused, 1);
    }
    return e;
}

void
store_begin(struct daemon *d, uint64_t from_lsn)
{
    d->forwarded_lsn = from_lsn;
    d->behind = sight_lsn(d->base->sight) > from_lsn;
}

/* The stored rows of a batch with their texts, as a batch of their own; NULL without
 * memory. */
static struct sighting_batch *
copy_stored(const struct sighting_batch *b)
{
    struct sighting_batch *copy =
        sighting_batch_new(b->n, 65536 + b->n * ROW_ROOM + b->arena.held);
    if (!copy)
        return NULL;
    for (size_t i = 0; i < b->n; i++) {
        if (b->fate && b->fate[i] != FATE_STORED)
            continue;
        struct sighting *s = sighting_batch_add(copy);
        if (!s)
            goto fail;
        *s = b->rows[i];
        s->plate_text = arena_span(&copy->arena, s->plate_text);
        s->record_id = arena_span(&copy->arena, s->record_id);
        s->image = arena_span(&copy->arena, s->image);
        if (!s->plate_text.p || !s->record_id.p || !s->image.p)
            goto fail;
    }
    copy->lsn = b->lsn;
    return copy;
fail:
    sighting_batch_free(copy);
    return NULL;
}

static bool
forward(struct daemon *d, struct sighting_batch *copy)
{
    uint64_t lsn = copy->lsn;
    size_t n = copy->n;
    if (!rules_take(d, copy)) {
        sighting_batch_free(copy);
        return false;
    }
    d->forwarded_lsn = lsn;
    d->forwarded_rows += n;
    return true;
}

static uint64_t
rows_waiting(const struct daemon *d)
{
    return d->forwarded_rows - d->rules_rows;
}

static void
hand_on(struct daemon *d, const struct sighting_batch *b)
{
    if (b->lsn == 0 || d->behind)
        return;
    struct sighting_batch *copy = rows_waiting(d) < RULES_FULL ? copy_stored(b) : NULL;
    if (copy && forward(d, copy))
        return;
    d->behind = true;
    log_event(EV_rules_behind, log_n("lsn", (int64_t)b->lsn));
}

static enum err
replay_one(void *arg, struct sighting_batch *b)
{
    struct daemon *d = arg;
    struct sighting_batch *copy = copy_stored(b);
    if (!copy)
        return ERR_NOMEM;
    if (!forward(d, copy))
        return ERR_BUSY;
    return rows_waiting(d) < RULES_FULL ? OK : ERR_BUSY;
}

static void
catch_up(struct daemon *d)
{
    if (rows_waiting(d) > RULES_RESUME)
        return;
    struct note note = {0};
    enum err e = sight_replay(d->base->sight, d->forwarded_lsn, replay_one, d, &note);
    if (e == OK)
        d->behind = d->forwarded_lsn < sight_lsn(d->base->sight);
    else if (e != ERR_BUSY)
        log_note(EV_store_failed, e, &note);
    if (e == ERR_NOTFOUND)
        d->forwarded_lsn =
            sight_lsn(d->base->sight); /* trimmed: a batch job's matter */
}

static void
count_fates(const struct sighting_batch *b)
{
    static const int counter_of[] = {
        [FATE_STORED] = CTR_sightings_stored,
        [FATE_DUPLICATE] = CTR_sightings_duplicate,
        [FATE_CONFLICT] = CTR_sightings_conflict,
        [FATE_FUTURE] = CTR_sightings_future,
        [FATE_EXPIRED] = CTR_sightings_expired,
        [FATE_REFUSED] = -1,
    };
    uint64_t n[FATE_REFUSED + 1] = {0}, late = 0;
    for (size_t i = 0; i < b->n; i++) {
        n[b->fate[i]]++;
        late += b->fate[i] == FATE_STORED &&
                b->rows[i].arrive_ms - b->rows[i].pass_ms > MINUTE_MS;
    }
    for (int f = 0; f < FATE_REFUSED; f++)
        if (n[f])
            counter_add((enum counter)counter_of[f], n[f]);
    counter_add(CTR_sightings_received, b->n);
    counter_add(CTR_sightings_late, late);
    if (b->pictures_n)
        counter_add(CTR_pictures_stored, b->pictures_n);
}

/* What a job has stored itself (an import beside us) goes to the rules from the
 * journal. */
static void
look_behind(struct daemon *d)
{
    d->behind |= sight_lsn(d->base->sight) > d->forwarded_lsn;
}

/* A clock that was set back, or began behind, refuses nobody for being right. */
static void
look_at_course(struct daemon *d, ts_ms now)
{
    struct sight_health sh = {.newest_ms = INT64_MIN};
    if (!d->course.looked)
        sight_health(d->base->sight, &sh);
    wall_course_look(&d->course, now, os_mono_us(), sh.newest_ms);
    sight_set_doubt(
        d->base->sight, wall_course_lost(&d->course), wall_course_held(&d->course));
}

/* One sync for all of them; every sender is answered, whatever came of it. */
static void
commit(struct daemon *d, struct append **group, size_t n)
{
    struct sighting_batch *batches[GROUP];
    struct note note = {0};
    for (size_t i = 0; i < n; i++)
        batches[i] = group[i]->batch;
    ts_ms now = os_now_ms();
    look_at_course(d, now);
    enum err e = sight_append(d->base->sight, batches, n, now, &note);
    d->store_failed = e != OK && e != ERR_FULL;
    if (e != OK)
        log_note(EV_store_failed, e, &note);
    for (size_t i = 0; i < n; i++) {
        if (e == OK) {
            count_fates(batches[i]);
            hand_on(d, batches[i]);
        } else {
            counter_add(CTR_ingest_refused, 1);
        }
        group[i]->done->failed = e;
        http_post(group[i]->home, group[i]->done); /* the batch goes home with it */
        free(group[i]);
    }
    counter_set(CTR_journal_lsn, sight_lsn(d->base->sight));
}

void *
owner_store(void *arg)
{
    struct owner *o = arg;
    struct daemon *d = o->d;
    struct append *group[GROUP];
    for (;;) {
        struct msg *chain = mbox_take_all(o->box, d->behind ? 5000 : -1);
        if (!chain && mbox_closed(o->box))
            return NULL;
        dur_us began = os_mono_us();
        size_t n = 0;
        while (chain) {
            struct job *job = (struct job *)chain;
            chain = chain->next;
            if (job->run == run_append) {
                group[n++] = (struct append *)job;
                if (n < GROUP)
                    continue;
            }
            if (n) {
                commit(d, group, n);
                n = 0;
            }
            if (job->run != run_append) {
                job->run(job, &o->env);
                look_behind(d);
            }
        }
        if (n)
            commit(d, group, n);
        if (d->behind && !mbox_closed(o->box))
            catch_up(d);
        o->busy_us += (uint64_t)(os_mono_us() - began);
    }
}
