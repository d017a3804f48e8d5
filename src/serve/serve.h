/* SPDX-License-Identifier: Apache-2.0 */
/* serve.h - the faces of the daemon on HTTP: the console loop (API, event stream,
 * console, metrics) and the ingest loop (GA/T 1400, NDJSON, positions). The daemon
 * makes one, gives each loop a thread.
 *
 * Owner    the daemon; serve_free() after both loops have returned.
 * Threads  as said at each function.
 * Errors   start-up faults come back with a note; what clients do wrong is theirs.
 */
#ifndef TQ_SERVE_SERVE_H
#define TQ_SERVE_SERVE_H

#include "serve/needs.h"

struct serve;

enum net { NET_CONSOLE, NET_INGEST, NETS };

struct serve_conf {
    const char *web_root;  /* console files from a directory instead of the embedded
                              ones; NULL */
    const char *proxies;   /* trusted proxies; NULL = none */
    const char *realm;     /* of GA/T 1400 Digest; NULL = "tongqu" */
    const char *server_id; /* our 20-digit GA/T 1400 id; NULL = 14010000002000000001 */
    struct zone zone;
    bool strict_devices; /* GA/T 1400 senders on this machine must register too */
    ts_ms started_ms;
    dur_us idle_us, session_us; /* 0 = 30 minutes, 12 hours */
    uint64_t journal;           /* number of the newest event in the ledger at start */
    void *daemon;               /* api_env.daemon of the loops */
    const char *origins; /* further own origins "https://a https://b"; NULL = the Host
                            header only */
};

enum err serve_new(
    const struct serve_conf *conf, const struct serve_needs *needs, struct serve **out,
    struct note *note) MUST_USE;
void serve_free(struct serve *s);
/* TLS for NET_CONSOLE; NULL tls = plain (loopback only). Before serve_run(). NET_INGEST
 * without a listener: GA/T 1400 and device routes answer on the console's port. */
enum err serve_listen(
    struct serve *s, enum net net, struct span at, struct tls *tls,
    struct note *note) MUST_USE;
bool
serve_url(const struct serve *s, enum net net, size_t i, char *dst); /* dst[HTTP_URL] */
bool
serve_has(const struct serve *s, enum net net); /* does the loop have a listener? */
void serve_run(struct serve *s, enum net net);  /* on its thread, until serve_stop() */
/* Any other thread, once the console's loop runs: returns when it knows the sessions of
 * before the start. Until then who is signed in is told 503. */
void serve_await(struct serve *s);
void serve_stop(struct serve *s); /* any thread, also a signal handler's */
/* Any thread: a job for the loop (daemon's ON_NET is NET_CONSOLE). */
void serve_post(struct serve *s, enum net net, struct job *job);
/* Any thread: consoles that follow the stream, sessions in the table. */
uint32_t serve_streams(const struct serve *s);
uint32_t serve_sessions(const struct serve *s);
struct http *serve_http(struct serve *s, enum net net);

/* Any thread, in journal order (the ledger thread after its commit; lossy ones from
 * anywhere). Copies. Never blocks; when too much waits, numbered events turn into a
 * `reset`. */
void serve_publish(struct serve *s, const struct event_out *e);
/* Any thread: the account changed (role, state, password, org): sessions of an older
 * epoch and their streams end. reason: "role_changed", "signed_out", "expired". */
void
serve_account_changed(struct serve *s, const struct account *a, const char *reason);

#endif
