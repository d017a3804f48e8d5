/* SPDX-License-Identifier: Apache-2.0 */
/* Making a roll costs about as much as finding the plates of one row in sixty-four of
 * its ranks in the file: that many rows asked, and it is made. */
#include "store/sight_roll.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define ROLLS 512u     /* at most, whatever their size */
#define WORTH_RANKS 64 /* one row asked per so many ranks */

struct rolls {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool threaded, started, stop;
    struct seg *wanted; /* made next; NULL: none */
    uint64_t making;    /* of this segment; 0: none */
    size_t cap, bytes;
    uint64_t clock;
    size_t n;
    struct roll *roll[ROLLS];
};

struct rolls *
rolls_new(size_t bytes, bool threaded)
{
    struct rolls *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->wake, NULL);
    r->cap = bytes;
    r->threaded = threaded;
    return r;
}

void
roll_drop(struct roll *roll)
{
    if (!roll || atomic_fetch_sub(&roll->refs, 1) != 1)
        return;
    free(roll->plate);
    free(roll->look);
    free(roll);
}

void
rolls_free(struct rolls *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
    if (r->started)
        pthread_join(r->thread, NULL);
    if (r->wanted)
        seg_unref(r->wanted);
    for (size_t i = 0; i < r->n; i++)
        roll_drop(r->roll[i]);
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

uint64_t
rolls_bytes(struct rolls *r)
{
    pthread_mutex_lock(&r->lock);
    uint64_t n = r->bytes;
    pthread_mutex_unlock(&r->lock);
    return n;
}

/* Under the lock: the segment's roll with a reference for the asker. */
static struct roll *
find(struct rolls *r, uint64_t seq)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->roll[i]->seq == seq) {
            r->roll[i]->used = ++r->clock;
            atomic_fetch_add(&r->roll[i]->refs, 1);
            return r->roll[i];
        }
    return NULL;
}

static void
drop_oldest(struct rolls *r)
{
    size_t oldest = 0;
    for (size_t i = 1; i < r->n; i++)
        if (r->roll[i]->used < r->roll[oldest]->used)
            oldest = i;
    r->bytes -= r->roll[oldest]->n * ROLL_PLATE_BYTES;
    roll_drop(r->roll[oldest]);
    r->roll[oldest] = r->roll[--r->n];
}

static struct roll *
make(struct seg *s)
{
    struct roll *roll = calloc(1, sizeof *roll);
    if (!roll)
        return NULL;
    atomic_init(&roll->refs, 1);
    roll->seq = s->meta.seq;
    roll->n = (size_t)s->table[PLACE_PLATES].rows;
    roll->plate = place_plates_all(s, &roll->look);
    if (roll->plate)
        return roll;
    roll_drop(roll);
    return NULL;
}

/* Puts it among the others, unless another asker was faster. */
static struct roll *
keep(struct rolls *r, struct roll *made)
{
    size_t bytes = made->n * ROLL_PLATE_BYTES;
    pthread_mutex_lock(&r->lock);
    struct roll *there = find(r, made->seq);
    if (!there) {
        while (r->n && (r->n == ROLLS || r->bytes + bytes > r->cap))
            drop_oldest(r);
        made->used = ++r->clock;
        atomic_fetch_add(&made->refs, 1);
        r->roll[r->n++] = made;
        r->bytes += bytes;
    }
    pthread_mutex_unlock(&r->lock);
    if (!there)
        return made;
    roll_drop(made);
    return there;
}

static void *
rolls_main(void *arg)
{
    struct rolls *r = arg;
    pthread_mutex_lock(&r->lock);
    while (!r->stop) {
        struct seg *s = r->wanted;
        if (!s) {
            pthread_cond_wait(&r->wake, &r->lock);
            continue;
        }
        r->wanted = NULL;
        r->making = s->meta.seq;
        pthread_mutex_unlock(&r->lock);
        struct roll *roll = make(s);
        if (roll)
            roll_drop(keep(r, roll));
        seg_unref(s);
        pthread_mutex_lock(&r->lock);
        r->making = 0;
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* Asks the thread for the roll of a segment; one that is busy is asked again by the next
 * question. False: there is no thread. */
static bool
want(struct rolls *r, struct seg *s)
{
    if (!r->threaded)
        return false;
    pthread_mutex_lock(&r->lock);
    if (!r->started)
        r->started = pthread_create(&r->thread, NULL, rolls_main, r) == 0;
    bool started = r->started;
    struct roll *made = find(r, s->meta.seq); /* meanwhile */
    if (started && !made && !r->wanted && r->making != s->meta.seq) {
        r->wanted = seg_ref(s);
        pthread_cond_signal(&r->wake);
    }
    pthread_mutex_unlock(&r->lock);
    roll_drop(made);
    return started;
}

struct roll *
rolls_take(struct rolls *r, struct seg *s)
{
    uint64_t ranks = s->table[PLACE_PLATES].rows;
    pthread_mutex_lock(&r->lock);
    struct roll *roll = find(r, s->meta.seq);
    pthread_mutex_unlock(&r->lock);
    if (roll || ranks > r->cap / ROLL_PLATE_BYTES ||
        atomic_load_explicit(&s->asked, memory_order_relaxed) < ranks / WORTH_RANKS)
        return roll;
    if (want(r, s))
        return NULL;
    roll = make(s);
    return roll ? keep(r, roll) : NULL;
}

bool
roll_plates(
    const struct roll *roll, struct seg *s, const uint32_t *rank, unsigned n,
    uint64_t *plate)
{
    if (!roll) {
        atomic_fetch_add_explicit(&s->asked, n, memory_order_relaxed);
        return place_plates_of(s, rank, n, plate);
    }
    for (unsigned i = 0; i < n; i++)
        plate[i] = roll->plate[rank[i]];
    return true;
}

static bool
code_fits(unsigned want, unsigned usual, bool odd)
{
    return !want || odd || want == usual;
}

bool
roll_looks(
    const struct roll *roll, struct seg *s, const uint32_t *rank, const uint8_t *odd,
    unsigned n, const struct looks *want, bool *fits)
{
    if (!roll) {
        atomic_fetch_add_explicit(&s->asked, n, memory_order_relaxed);
        return place_looks_of(s, rank, odd, n, want, fits);
    }
    for (unsigned i = 0; i < n; i++) {
        struct looks l = roll->look[rank[i]];
        bool any = odd[i] & ODD_ANY;
        fits[i] =
            fits[i] && code_fits(want->brand, l.brand, any || odd[i] & ODD_BRAND) &&
            code_fits(want->paint, l.paint, any || odd[i] & ODD_PAINT) &&
            code_fits(want->class, l.class, any || odd[i] & ODD_CLASS) &&
            code_fits(want->plate_color, l.plate_color, any || odd[i] & ODD_COLOR);
    }
    return true;
}
