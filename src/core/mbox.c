/* SPDX-License-Identifier: Apache-2.0 */
/* A linked list under a mutex. Takers empty it whole, so the lock is held for a few
 * instructions per batch; measured, that is cheaper here than lock-free queues whose
 * owners then wait on a futex anyway. */
#include "core/mbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct mbox {
    char name[24];
    size_t cap;
    void (*wake)(void *arg);
    void *wake_arg;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    /* under lock */
    struct msg *head, **tail;
    size_t count;
    bool closed;
};

struct mbox *
mbox_new(const char *name, size_t cap, void (*wake)(void *arg), void *wake_arg)
{
    struct mbox *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    must(span_copy(m->name, sizeof m->name, span_cstr(name)));
    m->cap = cap;
    m->wake = wake;
    m->wake_arg = wake_arg;
    m->tail = &m->head;
    pthread_condattr_t attr;
    must(pthread_condattr_init(&attr) == 0);
    must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    must(pthread_mutex_init(&m->lock, NULL) == 0);
    must(pthread_cond_init(&m->filled, &attr) == 0);
    pthread_condattr_destroy(&attr);
    return m;
}

void
mbox_free(struct mbox *m, void (*drop)(struct msg *))
{
    if (!m)
        return;
    while (m->head) {
        struct msg *msg = m->head;
        m->head = msg->next;
        if (drop)
            drop(msg);
    }
    pthread_cond_destroy(&m->filled);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static enum err
put(struct mbox *m, struct msg *msg, size_t cap)
{
    must(pthread_mutex_lock(&m->lock) == 0);
    enum err e = m->closed ? ERR_STOPPING : m->count >= cap ? ERR_BUSY : OK;
    bool was_empty = m->count == 0;
    if (e == OK) {
        msg->next = NULL;
        *m->tail = msg;
        m->tail = &msg->next;
        m->count++;
        if (was_empty)
            pthread_cond_signal(&m->filled);
    }
    pthread_mutex_unlock(&m->lock);
    if (e == OK && was_empty && m->wake)
        m->wake(m->wake_arg);
    return e;
}

enum err
mbox_send(struct mbox *m, struct msg *msg)
{
    return put(m, msg, m->cap);
}

enum err
mbox_reply(struct mbox *m, struct msg *msg)
{
    return put(m, msg, SIZE_MAX);
}

static void
wait_filled(struct mbox *m, dur_us wait_us)
{
    if (wait_us < 0) {
        while (m->count == 0 && !m->closed)
            pthread_cond_wait(&m->filled, &m->lock);
        return;
    }
    struct timespec until;
    must(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    int64_t ns = until.tv_nsec + wait_us % 1000000 * 1000;
    until.tv_sec += wait_us / 1000000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    while (m->count == 0 && !m->closed)
        if (pthread_cond_timedwait(&m->filled, &m->lock, &until) == ETIMEDOUT)
            break;
}

struct msg *
mbox_take_all(struct mbox *m, dur_us wait_us)
{
    must(pthread_mutex_lock(&m->lock) == 0);
    if (wait_us != 0)
        wait_filled(m, wait_us);
    struct msg *all = m->head;
    m->head = NULL;
    m->tail = &m->head;
    m->count = 0;
    pthread_mutex_unlock(&m->lock);
    return all;
}

struct msg *
mbox_take(struct mbox *m, dur_us wait_us)
{
    must(pthread_mutex_lock(&m->lock) == 0);
    if (wait_us != 0)
        wait_filled(m, wait_us);
    struct msg *msg = m->head;
    if (msg) {
        m->head = msg->next;
        if (!m->head)
            m->tail = &m->head;
        m->count--;
        msg->next = NULL;
    }
    pthread_mutex_unlock(&m->lock);
    return msg;
}

void
mbox_close(struct mbox *m)
{
    must(pthread_mutex_lock(&m->lock) == 0);
    m->closed = true;
    pthread_cond_broadcast(&m->filled);
    pthread_mutex_unlock(&m->lock);
    if (m->wake)
        m->wake(m->wake_arg);
}

bool
mbox_closed(struct mbox *m)
{
    must(pthread_mutex_lock(&m->lock) == 0);
    bool closed = m->closed;
    pthread_mutex_unlock(&m->lock);
    return closed;
}

size_t
mbox_count(struct mbox *m)
{
    must(pthread_mutex_lock(&m->lock) == 0);
    size_t n = m->count;
    pthread_mutex_unlock(&m->lock);
    return n;
}

const char *
mbox_name(const struct mbox *m)
{
    return m->name;
}
