/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu demo-sim: the demo city's cameras and units, as a process of their own. */
#include "city/sim.h"
#include "cli/cmd.h"
#include "cli/demo.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

static atomic_bool stop;

static void *
wait_for_signal(void *arg)
{
    int got;
    sigwait(arg, &got);
    stop = true;
    return NULL;
}

/* "http://127.0.0.1:8080" */
static bool
read_url(struct span url, char host[128], int *port)
{
    struct span rest = url;
    uint64_t p;
    if (!span_starts(rest, SPAN("http://")))
        return false;
    rest = span_skip(rest, 7);
    size_t colon = rest.n;
    while (colon && rest.p[colon - 1] != ':')
        colon--;
    if (colon == 0 || !span_u64(span_skip(rest, colon), &p) || p > 65535)
        return false;
    struct span name = span_of(rest.p, colon - 1);
    if (name.n > 2 && name.p[0] == '[')
        name = span_of(name.p + 1, name.n - 2);
    *port = (int)p;
    return span_copy(host, 128, name);
}

static enum err
run(const struct cmd_args *args, struct note *note)
{
    struct demo d = {0};
    char file[OS_PATH], host[128];
    int port;
    static sigset_t set;
    pthread_t waiter;
    if (!span_copy(file, sizeof file, args->word[0]) ||
        !read_url(args->word[1], host, &port))
        return note_set(
            note, ERR_USAGE, "url", "demo-sim FILE http://HOST:PORT",
            "demo-sim FILE http://HOST:PORT");
    enum err e = demo_read(file, &d, note);
    if (e != OK)
        return e;
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* a city without its service is nothing */
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (pthread_create(&waiter, NULL, wait_for_signal, &set) != 0)
        return ERR_NOMEM;
    struct sim_device device = {DEMO_CAMERAS, DEMO_CAMERAS, d.camera_secret};
    struct sim_opts o = {
        .city = d.city,
        .host = host,
        .port = port,
        .devices = &device,
        .devices_n = 1,
        .fixes_port = port,
        .fixes_key = d.unit_secret,
        .picture_every = 10,
        .stop = &stop,
    };
    e = sim_run(&o, NULL, note);
    pthread_kill(waiter, SIGTERM);
    pthread_join(waiter, NULL);
    return e;
}

const struct cmd cmd_sim = {
    .name = "demo-sim",
    .synopsis = "FILE URL",
    .en = "The demo city's cameras and units (started by tongqu demo).",
    .zh = "演示城市的相机与警力（由 tongqu demo 启动）。",
    .words_min = 2,
    .words_max = 2,
    .hidden = true,
    .fn = run,
};
