/* SPDX-License-Identifier: Apache-2.0 */
/* events.h - the event stream: who follows, what each may see, resuming where he was.
 *
 * Shape    numbered events lie in a ring; a client that resumes is served from the
 * ring, or, when it was away longer, from the ledger up to the ring. What cannot be
 * served becomes `reset`. Lossy topics (map, fix) have no number and are sent to
 * whoever has room.
 * Owner    the console loop; payloads are shared between clients by count.
 * Threads  the console loop's; events_post() any.
 * Errors   a client whose buffer is full is dropped: it comes back with Last-Event-ID.
 * See      docs/api.md "Events"; tests in events_test.c.
 */
#ifndef TQ_SERVE_EVENTS_H
#define TQ_SERVE_EVENTS_H

#include "serve/needs.h"

struct events;
struct serve;

#define EVENTS_CLIENTS 2000
#define EVENTS_RING 4096
#define EVENTS_RESUME 5000        /* from the ledger at most; more is `reset` */
#define EVENTS_OUT_MAX (1u << 20) /* bytes waiting for one client */

struct events_client {
    uint8_t session[32];
    struct user_id user;
    unsigned roles;
    struct org_id org;
    struct unit_id unit; /* the unit this person crews; 0 = none */
    unsigned topics;     /* bits in the order of events_topics */
    bool resume;
    uint64_t after; /* Last-Event-ID */
};

/* journal = number of the newest event at start. */
struct events *events_new(struct serve *s, uint64_t journal);
void events_free(struct events *e);
/* Turns the request into a stream of the client's. ERR_BUSY past EVENTS_CLIENTS. */
enum err
events_attach(struct events *e, struct req *r, const struct events_client *c) MUST_USE;
/* "alarm,map" to bits; 0 = a name that is none. */
unsigned events_topics(struct span names);
/* Any thread: see serve_publish(). */
void events_post(struct events *e, const struct event_out *ev);
/* Ends the streams of a session with `bye`. */
void events_end_session(struct events *e, const uint8_t hash[32], const char *reason);
void events_end_all(struct events *e, const char *reason);
void events_beat(struct events *e); /* every 10 s */
size_t events_count(const struct events *e);
uint64_t events_journal(const struct events *e);

#endif
