/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.h - the one process that serves a city: threads, their mailboxes, and who
 * answers when.
 *
 *   net-console  net-ingest      sockets, HTTP, event fan-out (serve/)
 *        |            |
 *        |          store        journal, segments, packs; answers when a batch is
 * durable |            | |          rules        by site, then by plate: alarms | |
 *      ledger  <------+          the only SQLite writer; answers when its group is
 * durable query-fast query-batch work  own readers and snapshots tend positions,
 * devices, disk, clock, retention, heads
 *
 * Owner    daemon_open() gives the caller a daemon to daemon_close().
 * Threads  open, run and close on the main thread; daemon_stop() from any, also a
 * signal handler.
 * Errors   those of base_open(); a listener that cannot be had; TLS files.
 * See      ARCHITECTURE.md; man 8 tongqu.
 */
#ifndef TQ_DAEMON_DAEMON_H
#define TQ_DAEMON_DAEMON_H

#include "core/civil.h"
#include "core/err.h"

struct daemon;

struct daemon_opts {
    const char *dir;
    const char *listen;        /* console and API: HOST:PORT, several with spaces */
    const char *ingest_listen; /* cameras; NULL: on the console's port */
    const char *public_listen; /* health checks only; NULL: none */
    const char *tls_cert, *tls_key;
    const char *web_root, *definitions, *proxies, *origins;
    int keep_days, keep_pictures_days; /* 0: defaults */
    const char *head_to; /* file outside that gets the signed audit heads; NULL */
};

enum err daemon_open(
    const struct daemon_opts *opts, struct daemon **out, struct note *note) MUST_USE;
/* "http://127.0.0.1:8080" of the i-th console listener; NULL past the last. */
const char *daemon_url(const struct daemon *d, size_t i);
const char *daemon_ingest_url(const struct daemon *d);
void daemon_run(struct daemon *d); /* until daemon_stop() */
void daemon_stop(struct daemon *d);
void daemon_close(struct daemon **d);

#endif
