/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk: rows are copied into a run in memory, each key once; a full run is queued for
 * the builders, who drop what is already stored and write it as segments with one
 * commit. Several runs are built at once and committed as they come; what a file holds
 * and is called is settled when its run is queued, so that it does not matter how many
 * builders there are. A crash loses at most the runs not yet committed, and the same
 * input sent again finds its duplicates.
 *
 *   feeder (store thread)          builders
 *   idle -> filled -> queue -----> rows that are stored, or in a run queued before this
 *    ^                             one, are left out; built, committed
 *    +-------------------------------+
 *
 * Without builders (an engine without threads) the feeder builds itself. */
#include "store/sight_known.h"

#include <stdatomic.h>
#include <stdlib.h>

#define FUTURE_MS (2 * MINUTE_MS)
#define KEYS_AHEAD 16u /* rows whose key is hashed ahead */
#define BUILDERS_MAX 16u
#define TEXT_CHUNK (4u << 20)

/* Keys of a run: open addressing over row numbers; the upper half of a slot is of the
 * hash, so that rows are looked at only to confirm. */
struct key_set {
    uint64_t *slots; /* hash >> 32 << 32 | row + 1 */
    size_t mask;
};

enum gone { GONE_NOT, GONE_SAME, GONE_DIFFERS };

struct chunk {
    struct chunk *next;
    size_t room;
    char p[];
};

/* One run. Its rows and keys do not change from being queued until it is idle. */
struct run {
    struct run *next; /* in the queue */
    struct sighting *rows;
    uint64_t *numbers; /* of the rows; NULL: they have none */
    size_t n, gone_n;
    uint8_t *gone; /* by row, enum gone: already stored; NULL: none is */
    struct key_set keys;
    ts_ms min_ms, max_ms;
    struct chunk *first, *at; /* texts */
    size_t used;              /* of `at` */
    uint64_t seq;             /* last number given to one of its files */
    uint64_t from;            /* rows given before its first one */
    uint64_t order;           /* of the queue */
    bool idle;                /* under the bulk's lock */
    unsigned readers;         /* the same: builders of later runs */
};

struct sight_bulk {
    struct sight *s;
    /* owned by the feeder */
    struct run *filling; /* NULL before the first row */
    pthread_t thread[BUILDERS_MAX];
    size_t threads, most;
    uint64_t given;          /* rows so far, taken or not */
    struct build_room *room; /* of a feeder that builds itself */
    sight_bulk_conflict conflict;
    void *conflict_arg;
    /* under the lock */
    struct run *run[BUILDERS_MAX + 1]; /* all there are */
    size_t run_n;
    uint64_t queued; /* runs so far */
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    struct run *queue; /* oldest first */
    size_t busy;       /* queued or being built */
    bool ending;
    uint64_t lost; /* `from` of the first run that was not built; UINT64_MAX none */
    struct sight_bulk_sum sum;
    struct buf told; /* conflicts not told yet: number, length, record id */
    enum err err;    /* the first one: nothing is built any more */
};

enum err
sight_bulk_begin(struct sight *s, struct sight_bulk **out)
{
    struct sight_bulk *b = calloc(1, sizeof *b);
    if (!b)
        return ERR_NOMEM;
    must(!s->read_only);
    b->s = s;
    b->lost = UINT64_MAX;
    b->most = s->threads < BUILDERS_MAX ? s->threads : BUILDERS_MAX;
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->wake, NULL);
    pthread_cond_init(&b->done, NULL);
    *out = b;
    return OK;
}

/* ---- rows that contradict what is known ---- */

void
sight_bulk_tell(struct sight_bulk *b, sight_bulk_conflict fn, void *arg)
{
    must(!b->filling);
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
    if (!b->conflict)
        return OK;
    pthread_mutex_lock(&b->lock);
    struct buf told = b->told;
    b->told = (struct buf){0};
    pthread_mutex_unlock(&b->lock);
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

/* ---- runs ---- */

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

static const struct sighting *
key_set_find(
    const struct key_set *k, const struct sighting *rows, const struct sighting *row,
    uint64_t hash, size_t *slot)
{
    const uint64_t tag = hash >> 32 << 32;
    uint64_t h = hash & k->mask;
    for (uint64_t v; (v = k->slots[h]); h = (h + 1) & k->mask)
        if (v >> 32 << 32 == tag && head_same_key(&rows[(uint32_t)v - 1], row))
            return &rows[(uint32_t)v - 1];
    *slot = h;
    return NULL;
}

static void
run_free(struct run *r)
{
    if (!r)
        return;
    while (r->first) {
        struct chunk *c = r->first;
        r->first = c->next;
        free(c);
    }
    free(r->gone);
    free(r->numbers);
    free(r->keys.slots);
    free(r->rows);
    free(r);
}

static struct run *
run_new(size_t rows)
{
    struct run *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->order = UINT64_MAX;
    r->rows = malloc(rows * sizeof *r->rows);
    if (!r->rows || !key_set_init(&r->keys, rows)) {
        run_free(r);
        return NULL;
    }
    return r;
}

/* As new, but for the memory that it has. */
static void
run_clear(struct run *r)
{
    memset(r->keys.slots, 0, (r->keys.mask + 1) * sizeof *r->keys.slots);
    free(r->gone);
    r->gone = NULL;
    r->n = r->gone_n = r->used = 0;
    r->at = r->first;
}

static bool
chunk_next(struct run *r, size_t n)
{
    struct chunk *next = r->at ? r->at->next : r->first;
    if (!next || next->room < n) {
        size_t room = n > TEXT_CHUNK ? n : TEXT_CHUNK;
        struct chunk *made = malloc(sizeof *made + room);
        if (!made)
            return false;
        *made = (struct chunk){.next = next, .room = room};
        if (r->at)
            r->at->next = made;
        else
            r->first = made;
        next = made;
    }
    r->at = next;
    r->used = 0;
    return true;
}

static bool
text_keep(struct run *r, struct span *s)
{
    if (!s->n) {
        *s = (struct span){"", 0};
        return true;
    }
    if ((!r->at || r->at->room - r->used < s->n) && !chunk_next(r, s->n))
        return false;
    char *p = r->at->p + r->used;
    memcpy(p, s->p, s->n);
    r->used += s->n;
    s->p = p;
    return true;
}

/* ---- building ---- */

static bool
may_be_stored(const struct view *v, const struct run *r)
{
    for (size_t i = 0; i < v->heads_n; i++)
        if (atomic_load(&v->heads[i]->n) &&
            atomic_load(&v->heads[i]->min_ms) <= r->max_ms)
            return true;
    for (size_t i = 0; i < v->places_n; i++)
        if (v->places[i]->meta.min_ms <= r->max_ms &&
            v->places[i]->meta.max_ms >= r->min_ms)
            return true;
    return false;
}

/* What one call or one run found. */
struct found {
    struct sight_bulk_sum sum;
    struct buf told;
};

static void
found_same(
    struct found *f, const struct sighting *first, const struct sighting *row,
    const uint64_t *number)
{
    bool differs = head_differs(first, row);
    f->sum.conflicts += differs;
    f->sum.duplicates += !differs;
    if (differs && number)
        conflict_put(&f->told, *number, row->record_id);
}

/* Runs queued before this one that are not done: what they hold may be in no segment
 * yet. */
struct earlier {
    struct run *run[BUILDERS_MAX];
    size_t n;
};

static void
earlier_take(struct sight_bulk *b, const struct run *mine, struct earlier *e)
{
    e->n = 0;
    pthread_mutex_lock(&b->lock);
    for (size_t i = 0; i < b->run_n; i++) {
        struct run *r = b->run[i];
        if (r->idle || r->order >= mine->order)
            continue;
        if (r->min_ms > mine->max_ms || r->max_ms < mine->min_ms)
            continue;
        r->readers++;
        e->run[e->n++] = r;
    }
    pthread_mutex_unlock(&b->lock);
}

static void
earlier_give_back(struct sight_bulk *b, struct earlier *e)
{
    if (!e->n)
        return;
    pthread_mutex_lock(&b->lock);
    for (size_t i = 0; i < e->n; i++)
        e->run[i]->readers--;
    pthread_cond_broadcast(&b->done);
    pthread_mutex_unlock(&b->lock);
}

static const struct sighting *
find_earlier(const struct earlier *e, const struct sighting *row, uint64_t hash)
{
    const struct sighting *same = NULL;
    size_t slot;
    for (size_t i = 0; i < e->n && !same; i++) {
        const struct run *r = e->run[i];
        if (r->min_ms <= row->pass_ms && row->pass_ms <= r->max_ms)
            same = key_set_find(&r->keys, r->rows, row, hash, &slot);
    }
    return same;
}

static const struct sighting *
find_head(const struct view *v, const struct sighting *row)
{
    const struct sighting *same = NULL;
    for (size_t k = 0; k < v->heads_n && !same; k++)
        if (atomic_load(&v->heads[k]->min_ms) <= row->pass_ms)
            same = head_find_key(v->heads[k], row, atomic_load(&v->heads[k]->n));
    return same;
}

static enum err
row_gone(struct run *r, size_t i, const struct sighting *first)
{
    if (!r->gone)
        r->gone = calloc(r->n, 1);
    if (!r->gone)
        return ERR_NOMEM;
    r->gone[i] = head_differs(first, &r->rows[i]) ? GONE_DIFFERS : GONE_SAME;
    r->gone_n++;
    return OK;
}

/* Runs queued before and heads are asked row by row: both are in memory. */
static enum err
gone_in_memory(struct run *r, const struct earlier *earlier, const struct view *v)
{
    enum err e = OK;
    for (size_t i = 0; i < r->n && e == OK; i++) {
        const struct sighting *row = &r->rows[i], *same = NULL;
        if (earlier->n)
            same = find_earlier(earlier, row, head_key(row));
        if (!same)
            same = find_head(v, row);
        if (same)
            e = row_gone(r, i, same);
    }
    return e;
}

/* Is the stored row one of ours? A record is looked for at its own site
 * (docs/why/sightings.md, "What is not done"). */
static enum err
gone_as(struct run *r, const struct sighting *stored, uint64_t hash)
{
    size_t slot;
    const struct sighting *mine = key_set_find(&r->keys, r->rows, stored, hash, &slot);
    if (!mine || mine->site.v != stored->site.v)
        return OK;
    size_t i = (size_t)(mine - r->rows);
    return r->gone && r->gone[i] ? OK : row_gone(r, i, stored);
}

/* Slot, row and text of each are asked for ahead, so that the waits overlap. */
static enum err
gone_in_segment(void *arg, const struct sighting *stored, size_t n)
{
    struct run *r = arg;
    uint64_t hash[KNOWN_ROWS];
    const struct sighting *mine[KNOWN_ROWS] = {NULL};
    enum err e = OK;
    for (size_t i = 0; i < n; i++) {
        hash[i] = head_key(&stored[i]);
        __builtin_prefetch(&r->keys.slots[hash[i] & r->keys.mask]);
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t row = (uint32_t)r->keys.slots[hash[i] & r->keys.mask];
        if (!row)
            continue;
        mine[i] = &r->rows[row - 1];
        __builtin_prefetch(mine[i]);
        __builtin_prefetch(&mine[i]->record_id);
    }
    for (size_t i = 0; i < n; i++)
        if (mine[i])
            __builtin_prefetch(mine[i]->record_id.p);
    for (size_t i = 0; i < n && e == OK; i++)
        e = gone_as(r, &stored[i], hash[i]);
    return e;
}

/* Counts and tells what is gone, in the order of the rows. */
static void
gone_tell(const struct run *r, struct found *f)
{
    for (size_t i = 0; i < r->n && r->gone; i++) {
        f->sum.duplicates += r->gone[i] == GONE_SAME;
        f->sum.conflicts += r->gone[i] == GONE_DIFFERS;
        if (r->gone[i] == GONE_DIFFERS && r->numbers)
            conflict_put(&f->told, r->numbers[i], r->rows[i].record_id);
    }
}

/* Marks the rows that are already stored or will be. Earlier runs first, then the view:
 * a run that is done in between is in both. */
static enum err
find_gone(struct sight_bulk *b, struct run *r, struct found *f, struct note *note)
{
    struct earlier earlier;
    earlier_take(b, r, &earlier);
    struct view *v = sight_view(b->s);
    enum err e = OK;
    bool stored = may_be_stored(v, r);
    if (earlier.n || stored)
        e = gone_in_memory(r, &earlier, v);
    if (e == OK && stored && r->gone_n < r->n)
        e = known_rows(b->s, v, r->rows, r->gone, r->n, gone_in_segment, r);
    gone_tell(r, f);
    view_unref(v);
    earlier_give_back(b, &earlier);
    if (e != OK)
        note_set(note, e, "bulk", "duplicates could not be looked up", "无法查重");
    return e;
}

static uint64_t
run_seq(void *run)
{
    return ++((struct run *)run)->seq;
}

static enum err
run_build(
    struct sight_bulk *b, struct run *r, struct build_room *room, struct found *f,
    struct note *note)
{
    struct build_env env = sight_env(b->s);
    struct change c = {0};
    env.next_seq = run_seq;
    env.arg = r;
    enum err e = find_gone(b, r, f, note);
    if (e == OK && r->gone_n < r->n)
        e = build_rows(&env, room, r->rows, r->gone, r->n, &c.add, note);
    if (e == OK && r->gone_n < r->n)
        e = sight_commit(b->s, &c, note);
    else
        seg_list_release(&c.add);
    if (e == OK)
        f->sum.stored += r->n - r->gone_n;
    return e;
}

/* Goes to the bulk and to the engine's health. */
static void
found_end(struct sight_bulk *b, struct found *f, ts_ms newest)
{
    struct sight *s = b->s;
    const struct sight_bulk_sum *sum = &f->sum;
    pthread_mutex_lock(&b->lock);
    b->sum.stored += sum->stored;
    b->sum.future += sum->future;
    b->sum.expired += sum->expired;
    b->sum.duplicates += sum->duplicates;
    b->sum.conflicts += sum->conflicts;
    buf_put(&b->told, f->told.p, f->told.n);
    b->told.bad |= f->told.bad;
    pthread_mutex_unlock(&b->lock);
    buf_release(&f->told);
    pthread_mutex_lock(&s->lock);
    s->health.stored += sum->stored;
    s->health.future += sum->future;
    s->health.expired += sum->expired;
    s->health.duplicates += sum->duplicates;
    s->health.conflicts += sum->conflicts;
    if (sum->stored && newest > s->health.newest_ms)
        s->health.newest_ms = newest;
    pthread_mutex_unlock(&s->lock);
}

/* Builds a run unless one failed before; is it built? */
static bool
run_work(struct sight_bulk *b, struct run *r, struct build_room *room)
{
    struct found f = {.told = {0}};
    struct note note = {0};
    pthread_mutex_lock(&b->lock);
    enum err before = b->err;
    pthread_mutex_unlock(&b->lock);
    if (before != OK)
        return false;
    enum err e = room ? run_build(b, r, room, &f, &note) : ERR_NOMEM;
    found_end(b, &f, r->max_ms);
    if (e == OK)
        return true;
    sight_tell(b->s, e, &note);
    pthread_mutex_lock(&b->lock);
    b->err = b->err == OK ? e : b->err;
    pthread_mutex_unlock(&b->lock);
    return false;
}

/* Under the lock. The last one lets the engine merge again. */
static void
run_done(struct sight_bulk *b, struct run *r, bool built)
{
    struct sight *s = b->s;
    r->idle = true;
    if (!built && r->from < b->lost)
        b->lost = r->from;
    b->busy--;
    pthread_cond_broadcast(&b->done);
    if (atomic_fetch_sub(&s->building, 1) != 1)
        return;
    pthread_mutex_lock(&s->lock);
    s->woken = true;
    pthread_cond_broadcast(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

static void *
builder_main(void *arg)
{
    struct sight_bulk *b = arg;
    struct build_room *room = build_room_new();
    pthread_mutex_lock(&b->lock);
    for (;;) {
        while (!b->queue && !b->ending)
            pthread_cond_wait(&b->wake, &b->lock);
        struct run *r = b->queue;
        if (!r)
            break;
        b->queue = r->next;
        pthread_mutex_unlock(&b->lock);
        bool built = run_work(b, r, room);
        pthread_mutex_lock(&b->lock);
        run_done(b, r, built);
    }
    pthread_mutex_unlock(&b->lock);
    build_room_free(room);
    return NULL;
}

/* ---- queueing ---- */

/* Numbers for the files of the run: two for each of its days. */
static void
run_number(struct sight *s, struct run *r)
{
    int64_t days = civil_day(r->max_ms, &s->zone) - civil_day(r->min_ms, &s->zone) + 1;
    r->seq = atomic_fetch_add(&s->seq, 2 * (uint64_t)days);
}

static void
thread_add(struct sight_bulk *b)
{
    if (b->threads < b->most &&
        pthread_create(&b->thread[b->threads], NULL, builder_main, b) == 0)
        b->threads++;
}

static void
run_queue(struct sight_bulk *b, struct run *r)
{
    pthread_mutex_lock(&b->lock);
    struct run **end = &b->queue;
    while (*end)
        end = &(*end)->next;
    *end = r;
    r->next = NULL;
    r->order = ++b->queued;
    size_t busy = ++b->busy;
    pthread_cond_signal(&b->wake);
    pthread_mutex_unlock(&b->lock);
    if (busy > b->threads)
        thread_add(b);
}

static enum err
bulk_error(struct sight_bulk *b, struct note *note)
{
    pthread_mutex_lock(&b->lock);
    enum err e = b->err;
    pthread_mutex_unlock(&b->lock);
    if (e != OK)
        return note_set(
            note, e, "bulk", "a bulk run could not be written", "批量数据写入失败");
    return OK;
}

/* Hands the filled run over. */
static enum err
run_send(struct sight_bulk *b, struct note *note)
{
    struct run *r = b->filling;
    b->filling = NULL;
    run_number(b->s, r);
    atomic_fetch_add(&b->s->building, 1);
    run_queue(b, r);
    if (b->threads)
        return bulk_error(b, note);
    /* no builder, or none could be made */
    if (!b->room)
        b->room = build_room_new();
    bool built = run_work(b, r, b->room);
    pthread_mutex_lock(&b->lock);
    b->queue = NULL;
    run_done(b, r, built);
    pthread_mutex_unlock(&b->lock);
    return bulk_error(b, note);
}

static struct run *
run_add(struct sight_bulk *b)
{
    struct run *r = run_new(b->s->bulk_rows);
    if (!r)
        return NULL;
    pthread_mutex_lock(&b->lock);
    b->run[b->run_n++] = r;
    pthread_mutex_unlock(&b->lock);
    return r;
}

/* An empty run: an idle one, a new one, or the first that is done. */
static struct run *
run_take(struct sight_bulk *b)
{
    struct run *r = NULL;
    pthread_mutex_lock(&b->lock);
    while (!r) {
        for (size_t i = 0; i < b->run_n && !r; i++)
            r = b->run[i]->idle && !b->run[i]->readers ? b->run[i] : NULL;
        if (r || b->run_n <= b->most)
            break;
        pthread_cond_wait(&b->done, &b->lock);
    }
    if (r) {
        r->idle = false;
        r->order = UINT64_MAX; /* of no interest to other runs while it is filled */
    }
    pthread_mutex_unlock(&b->lock);
    if (r)
        run_clear(r);
    else
        r = run_add(b);
    b->filling = r;
    if (r)
        r->from = b->given;
    return r;
}

/* ---- filling a run ---- */

/* The row as it would be kept, its texts still the caller's. */
static void
row_settle(struct sighting *to, const struct sighting *row)
{
    *to = *row;
    int64_t lag = to->arrive_ms ? (to->arrive_ms - to->pass_ms) / 1000 : 0;
    lag = lag > INT32_MAX ? INT32_MAX : lag < INT32_MIN ? INT32_MIN : lag;
    to->arrive_ms = to->pass_ms + lag * 1000;
}

static bool
run_numbers(struct sight_bulk *b, struct run *r)
{
    if (!r->numbers)
        r->numbers = calloc(b->s->bulk_rows, sizeof *r->numbers);
    return r->numbers;
}

/* Copies the row unless its key is in the run already. */
static bool
row_keep(
    struct run *j, const struct sighting *row, const uint64_t *number, uint64_t hash,
    struct found *f)
{
    struct sighting *r = &j->rows[j->n];
    size_t slot = 0;
    row_settle(r, row);
    const struct sighting *same = key_set_find(&j->keys, j->rows, r, hash, &slot);
    if (same) {
        found_same(f, same, r, number);
        return true;
    }
    if (!text_keep(j, &r->record_id) || !text_keep(j, &r->image) ||
        !text_keep(j, &r->plate_text))
        return false;
    if (number)
        j->numbers[j->n] = *number;
    if (!j->n || r->pass_ms < j->min_ms)
        j->min_ms = r->pass_ms;
    if (!j->n || r->pass_ms > j->max_ms)
        j->max_ms = r->pass_ms;
    j->n++;
    j->keys.slots[slot] = hash >> 32 << 32 | j->n;
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
    struct found found;
};

static enum err
row_add(
    struct adding *a, const struct sighting *row, const uint64_t *number, uint64_t hash,
    struct note *note)
{
    struct sight_bulk *b = a->b;
    if (row->pass_ms > a->newest) {
        a->found.sum.future++;
        return OK;
    }
    if (row->pass_ms < a->oldest) {
        a->found.sum.expired++;
        return OK;
    }
    if (!b->filling && !run_take(b))
        return ERR_NOMEM;
    if ((number && !run_numbers(b, b->filling)) ||
        !row_keep(b->filling, row, number, hash, &a->found))
        return ERR_NOMEM;
    return b->filling->n == b->s->bulk_rows ? run_send(b, note) : OK;
}

enum err
sight_bulk_add_numbered(
    struct sight_bulk *b, const struct sighting *rows, const uint64_t *numbers,
    size_t n, ts_ms now, struct note *note)
{
    struct sight *s = b->s;
    struct adding a = {.b = b};
    enum err e = atomic_load(&s->low) ? ERR_FULL : bulk_error(b, note);
    sight_bulk_times(s, now, &a.oldest, &a.newest);
    uint64_t hash[KEYS_AHEAD] = {0};
    atomic_store(&s->now, now);
    for (size_t i = 0; i < n + KEYS_AHEAD && e == OK; i++) {
        uint64_t ready = hash[i % KEYS_AHEAD];
        if (i < n) {
            uint64_t h = hash[i % KEYS_AHEAD] = head_key(&rows[i]);
            if (b->filling)
                __builtin_prefetch(
                    &b->filling->keys.slots[h & b->filling->keys.mask], 1);
        }
        if (i < KEYS_AHEAD)
            continue;
        e = row_add(
            &a, &rows[i - KEYS_AHEAD], numbers ? &numbers[i - KEYS_AHEAD] : NULL, ready,
            note);
        b->given += e == OK;
    }
    found_end(b, &a.found, INT64_MIN);
    enum err told = conflicts_tell(b);
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
sight_bulk_settled(struct sight_bulk *b, uint64_t *rows)
{
    pthread_mutex_lock(&b->lock);
    uint64_t n = b->given < b->lost ? b->given : b->lost;
    for (size_t i = 0; i < b->run_n; i++)
        if (!b->run[i]->idle && b->run[i]->from < n)
            n = b->run[i]->from;
    pthread_mutex_unlock(&b->lock);
    enum err e = conflicts_tell(b); /* a run's are found before it is idle */
    if (e == OK)
        *rows = n;
    return e;
}

/* ---- the end ---- */

/* What is queued is built before. */
static enum err
bulk_end(struct sight_bulk *b, struct sight_bulk_sum *sum, struct note *note)
{
    pthread_mutex_lock(&b->lock);
    b->ending = true;
    pthread_cond_broadcast(&b->wake);
    pthread_mutex_unlock(&b->lock);
    for (size_t i = 0; i < b->threads; i++)
        pthread_join(b->thread[i], NULL);
    enum err e = bulk_error(b, note), told = sum ? conflicts_tell(b) : OK;
    e = e == OK ? told : e;
    if (sum)
        *sum = b->sum;
    for (size_t i = 0; i < b->run_n; i++)
        run_free(b->run[i]);
    build_room_free(b->room);
    buf_release(&b->told);
    pthread_mutex_destroy(&b->lock);
    pthread_cond_destroy(&b->wake);
    pthread_cond_destroy(&b->done);
    free(b);
    return e;
}

enum err
sight_bulk_commit(struct sight_bulk *b, struct sight_bulk_sum *sum, struct note *note)
{
    enum err e = b->filling && b->filling->n ? run_send(b, note) : OK;
    enum err end = bulk_end(b, sum, note);
    return e == OK ? end : e;
}

void
sight_bulk_drop(struct sight_bulk *b)
{
    if (b && bulk_end(b, NULL, NULL) != OK)
        return; /* nobody asks any more */
}
