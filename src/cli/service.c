/* SPDX-License-Identifier: Apache-2.0 */
/* Signals wake a small thread that stops the daemon; the main thread waits for its
 * loops to end. */
#include "cli/service.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

struct waiter {
    struct daemon *d;
    sigset_t set;
    double seconds;
    atomic_bool done;
};

static void *
wait_for_signal(void *arg)
{
    struct waiter *w = arg;
    struct timespec t = {
        (time_t)w->seconds, (long)((w->seconds - (double)(time_t)w->seconds) * 1e9)};
    for (;;) {
        int got = w->seconds > 0 ? sigtimedwait(&w->set, NULL, &t)
                                 : sigwaitinfo(&w->set, NULL);
        if (got < 0 && errno == EINTR)
            continue;
        break;
    }
    if (!w->done)
        daemon_stop(w->d);
    return NULL;
}

enum err
service_run(const struct service *s, struct note *note)
{
    struct waiter w = {.seconds = s->seconds};
    pthread_t thread;
    struct daemon *d = NULL;
    /* Before any thread is made, so that all of them leave these signals to the waiter.
     */
    sigemptyset(&w.set);
    sigaddset(&w.set, SIGINT);
    sigaddset(&w.set, SIGTERM);
    sigaddset(&w.set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &w.set, NULL);
    enum err e = daemon_open(&s->daemon, &d, note);
    if (e == OK && s->ready)
        e = s->ready(s->arg, d, note);
    if (e == OK) {
        w.d = d;
        if (pthread_create(&thread, NULL, wait_for_signal, &w) != 0)
            e = ERR_NOMEM;
    }
    if (e == OK) {
        printf("ready %s\n", daemon_url(d, 0));
        fflush(stdout);
        daemon_run(d);
        w.done = true;
        pthread_kill(thread, SIGTERM);
        pthread_join(thread, NULL);
        if (s->stopping)
            s->stopping(s->arg);
    }
    daemon_close(&d);
    return e;
}
