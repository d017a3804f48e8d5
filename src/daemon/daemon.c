/* SPDX-License-Identifier: Apache-2.0 */
/* Opening everything in order, one thread per owner, and a stop in which what was taken
 * in is finished. */
#include "daemon/daemon.h"

#include "core/log.h"
#include "core/os_clock.h"
#include "daemon/ctl.h"
#include "daemon/parts.h"
#include "daemon/quality.h"
#include "daemon/public.h"

#include "serve/tls.h"

#include <stdlib.h>

#define ROADS_MAX (64u << 20)

/* The map's lines, when the data directory has any. */
static enum err
read_roads(struct daemon *d, struct note *note)
{
    char path[OS_PATH];
    enum err e = os_join(path, sizeof path, d->base->dir, "roads.geojson");
    if (e == OK)
        e = os_read_file(d->base->fs, path, ROADS_MAX, &d->roads, &d->roads_n, note);
    if (e != ERR_NOTFOUND)
        return e;
    if (note) /* not what a later failure is about */
        *note = (struct note){0};
    return OK;
}

/* Each address of "A B C" on its own. */
static enum err
listen_all(
    struct daemon *d, enum net net, const char *list, struct tls *tls,
    struct note *note)
{
    struct span rest = span_cstr(list);
    enum err e = OK;
    while (rest.n && e == OK) {
        struct span at = span_trim(span_cut(&rest, ' '));
        if (at.n)
            e = serve_listen(d->serve, net, at, tls, note);
    }
    return e;
}

static enum err
open_serve(struct daemon *d, struct note *note)
{
    struct serve_conf conf = {
        .web_root = d->opts.web_root,
        .proxies = d->opts.proxies,
        .origins = d->opts.origins,
        .zone = d->base->zone,
        .started_ms = d->started_ms,
        .journal = d->published,
        .daemon = &d->house,
    };
    enum err e = serve_new(&conf, &d->needs, &d->serve, note);
    if (e == OK && d->opts.tls_cert)
        e = tls_open(d->opts.tls_cert, d->opts.tls_key, &d->tls, note);
    if (e == OK)
        e = listen_all(d, NET_CONSOLE, d->opts.listen, d->tls, note);
    if (e == OK && d->opts.ingest_listen)
        e = listen_all(d, NET_INGEST, d->opts.ingest_listen, NULL, note);
    if (e != OK)
        return e;
    while (d->urls < sizeof d->url / sizeof *d->url &&
           serve_url(d->serve, NET_CONSOLE, d->urls, d->url[d->urls]))
        d->urls++;
    if (!serve_url(d->serve, NET_INGEST, 0, d->ingest_url))
        memcpy(d->ingest_url, d->url[0], sizeof d->ingest_url);
    return OK;
}

static void *
run_console(void *arg)
{
    serve_run(((struct daemon *)arg)->serve, NET_CONSOLE);
    return NULL;
}

static void *
run_ingest(void *arg)
{
    serve_run(((struct daemon *)arg)->serve, NET_INGEST);
    return NULL;
}

enum err
daemon_open(const struct daemon_opts *opts, struct daemon **out, struct note *note)
{
    struct daemon *d = calloc(1, sizeof *d);
    if (!d)
        return ERR_NOMEM;
    d->quality = quality_new();
    if (!d->quality) {
        free(d);
        return ERR_NOMEM;
    }
    must(pthread_mutex_init(&d->lock, NULL) == 0);
    d->opts = *opts;
    d->started_ms = os_now_ms();
    struct base_opts bo = {
        .dir = opts->dir,
        .definitions = opts->definitions,
        .threads = true,
        .keep_days = opts->keep_days,
        .now = d->started_ms,
    };
    enum err e = base_open(&bo, &d->base, note);
    if (e == OK) {
        struct reserve_limits limits = reserve_limits_default();
        e = reserve_open(d->base->fs, d->base->dir, &limits, &d->reserve, note);
    }
    if (e == OK)
        e = head_out_open(
            &d->head_out, d->base->audit, opts->head_to, d->started_ms, note);
    if (e == OK)
        e = read_roads(d, note);
    d->live = live_new(0, 0, 0);
    if (e == OK && !d->live)
        e = ERR_NOMEM;
    if (e == OK)
        e = daemon_refresh_roster(d);
    if (e == OK)
        e = ledger_begin_owner(d, note);
    if (e == OK)
        e = rules_begin(d);
    if (e == OK) {
        plug_serve(d);
        e = open_serve(d, note);
    }
    if (e == OK)
        e = owners_start(d, note);
    if (e == OK)
        e = ctl_start(d, note);
    if (e == OK)
        e = public_start(d, note);
    if (e == OK) {
        must(pthread_create(&d->net[0], NULL, run_console, d) == 0);
        d->net_started[0] = true;
    }
    if (e == OK && serve_has(d->serve, NET_INGEST)) {
        must(pthread_create(&d->net[1], NULL, run_ingest, d) == 0);
        d->net_started[1] = true;
    }
    if (e == OK)
        serve_await(d->serve);
    if (e != OK)
        daemon_close(&d);
    else
        *out = d;
    return e;
}

const char *
daemon_url(const struct daemon *d, size_t i)
{
    return i < d->urls ? d->url[i] : NULL;
}

const char *
daemon_ingest_url(const struct daemon *d)
{
    return d->ingest_url;
}

void
daemon_stop(struct daemon *d)
{
    if (d->stopping)
        return;
    d->stopping_us = os_mono_us(); /* before who sees the flag asks for it */
    if (!atomic_exchange(&d->stopping, true))
        serve_stop(d->serve);
}

static void
join_net(struct daemon *d)
{
    for (int i = 0; i < 2; i++) {
        if (d->net_started[i])
            pthread_join(d->net[i], NULL);
        d->net_started[i] = false;
    }
}

void
daemon_run(struct daemon *d)
{
    log_event(EV_started, log_w("url", d->url[0]), log_w("dir", d->base->dir));
    d->ran = true;
    join_net(d);
    log_event(EV_stopping, log_w("url", d->url[0]));
}

void
daemon_close(struct daemon **pd)
{
    struct daemon *d = *pd;
    if (!d)
        return;
    if (d->net_started[0] || d->net_started[1]) {
        daemon_stop(d);
        join_net(d);
    }
    bool ran = d->ran;
    public_stop(d);
    ctl_stop(d);
    if (d->owners[0].box)
        owners_stop(d);
    serve_free(d->serve);
    tls_free(d->tls);
    rules_end(d);
    reserve_close(&d->reserve);
    live_unref(d->live);
    roster_unref(d->roster);
    model_unref(d->model);
    free(d->tend_sites);
    free(d->tend_devices);
    quality_free(d->quality);
    free(d->tend_units);
    free(d->roads);
    base_close(&d->base, os_now_ms());
    pthread_mutex_destroy(&d->lock);
    free(d);
    *pd = NULL;
    if (ran) /* what never started has nothing to say but why */
        log_event(EV_stopped);
}
