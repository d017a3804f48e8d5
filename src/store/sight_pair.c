/* SPDX-License-Identifier: Apache-2.0 */
/* One slot under one lock: empty, given, or done and not yet fetched. */
#include "store/sight_pair.h"

#include "core/err.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct pair {
    pthread_mutex_t lock;
    pthread_cond_t given, done;
    pthread_t thread;
    bool started, none; /* none: this machine gives no second thread */
    bool taken, stopping;
    pair_fn fn; /* NULL: nothing to do */
    void *arg;
};

struct pair *
pair_new(void)
{
    struct pair *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->given, NULL);
    pthread_cond_init(&p->done, NULL);
    p->none = sysconf(_SC_NPROCESSORS_ONLN) < 2;
    return p;
}

void
pair_free(struct pair *p)
{
    if (!p)
        return;
    must(!p->taken);
    if (p->started) {
        pthread_mutex_lock(&p->lock);
        p->stopping = true;
        pthread_cond_signal(&p->given);
        pthread_mutex_unlock(&p->lock);
        pthread_join(p->thread, NULL);
    }
    pthread_cond_destroy(&p->given);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static void *
pair_main(void *arg)
{
    struct pair *p = arg;
    pthread_mutex_lock(&p->lock);
    while (!p->stopping) {
        if (!p->fn) {
            pthread_cond_wait(&p->given, &p->lock);
            continue;
        }
        pthread_mutex_unlock(&p->lock);
        p->fn(p->arg);
        pthread_mutex_lock(&p->lock);
        p->fn = NULL;
        pthread_cond_signal(&p->done);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Under the lock. */
static bool
runs(struct pair *p)
{
    if (!p->started && !p->none) {
        p->started = pthread_create(&p->thread, NULL, pair_main, p) == 0;
        p->none = !p->started;
    }
    return p->started;
}

bool
pair_begin(struct pair *p, pair_fn fn, void *arg)
{
    if (!p || pthread_mutex_trylock(&p->lock) != 0)
        return false;
    bool mine = !p->taken && runs(p);
    if (mine) {
        p->taken = true;
        p->fn = fn;
        p->arg = arg;
        pthread_cond_signal(&p->given);
    }
    pthread_mutex_unlock(&p->lock);
    return mine;
}

void
pair_end(struct pair *p)
{
    pthread_mutex_lock(&p->lock);
    must(p->taken);
    while (p->fn)
        pthread_cond_wait(&p->done, &p->lock);
    p->taken = false;
    pthread_mutex_unlock(&p->lock);
}

void
pair_both(struct pair *p, pair_fn fn, void *own, void *other)
{
    bool beside = pair_begin(p, fn, other);
    fn(own);
    if (beside)
        pair_end(p);
    else
        fn(other);
}
