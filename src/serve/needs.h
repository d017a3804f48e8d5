/* SPDX-License-Identifier: Apache-2.0 */
/* needs.h - what the HTTP machine asks of other rooms and threads, filled by
 * daemon/plug_serve.c and by the fake daemon of the tests.
 *
 * Owner    the daemon; set once before threads start.
 * Threads  each member says on which thread it is called.
 * Errors   enum err with a note; a full mailbox is ERR_BUSY (the client gets 503).
 */
#ifndef TQ_SERVE_NEEDS_H
#define TQ_SERVE_NEEDS_H

#include "model/org.h"
#include "model/sighting.h"
#include "model/site.h"
#include "model/user.h"
#include "serve/http.h"
#include "serve/report.h"

struct ledger;
struct buf;
struct feed_out;

/* Where a function of a route runs. */
enum where {
    ON_NET,         /* the console loop itself: memory only, microseconds */
    ON_LEDGER,      /* the one writer of the ledger */
    ON_QUERY_FAST,  /* snapshots and reads with a deadline of 50 ms */
    ON_QUERY_BATCH, /* long scans, yielding */
    ON_WORK,        /* argon2id, hashing, export */
    WHERE_COUNT
};

/* What the audit chain is told; spans are copied before the call returns. */
enum api_audit { API_UNSET, API_NONE, API_LOOK, API_CHANGE, API_SECURITY };
enum api_outcome { OUTCOME_OK, OUTCOME_REFUSED, OUTCOME_FAILED };
struct audit_fact {
    enum api_audit class;
    enum api_outcome outcome;
    ts_ms at_ms;
    struct span
        what; /* "POST /users", or what the handler named with req_audit_object() */
    struct user_id user; /* 0 = nobody signed in */
    struct span login, role, from;
    struct span object, matter, purpose; /* empty = none */
    int64_t count;                       /* -1 = none */
};

/* A person's account as the ledger keeps it. */
struct account {
    struct user user;
    char verifier[128]; /* argon2id string; "" = no password */
    uint32_t failures;  /* wrong passwords since the last right one */
    ts_ms locked_ms;    /* locked until; 0 = not */
    uint64_t epoch;     /* grows with every change of role, state or password */
};
struct kept_session {
    uint8_t hash[32]; /* BLAKE2b-256 of the cookie's token: the token itself is kept
                         nowhere */
    uint8_t csrf[16];
    struct user_id user;
    ts_ms made_ms, seen_ms;
    uint64_t epoch; /* of the account when the session was made */
};

/* A device that may send: camera (GA/T 1400), NDJSON sender, phone gateway. */
struct sender {
    struct device_id id;
    char code[32];        /* GA/T 1400 DeviceID, or a name */
    uint8_t key_hash[32]; /* BLAKE2b-256 of its bearer key; zero = none */
    char digest_ha1[33];  /* MD5(user:realm:password) in hex for Digest; "" = none */
    struct site_id site;  /* 0 = says it itself */
    bool disabled;
};

struct event_out {
    uint64_t journal;    /* its number; 0 = lossy, without an id */
    const char *topic;   /* alarm, matter, unit, site, system, map */
    const char *name;    /* SSE event name; usually the topic */
    unsigned roles;      /* who may see it; never 0 */
    struct org_id org;   /* whose it is; 0 = everybody's */
    struct user_id user; /* only this one; 0 = all */
    struct unit_id unit; /* its crew sees it wherever it works; 0 = none */
    struct span data;    /* one line of JSON */
};

/* /health and the head of GET /system. */
struct health {
    bool ok; /* 200, else 503 */
    uint64_t disk_free, disk_total, disk_reserve;
    bool disk_low;
    int64_t clock_step_ms;   /* last jump seen of the wall clock; 0 = none */
    int64_t clock_behind_ms; /* the wall clock stands so far before the newest pass */
    int64_t store_lag_ms;    /* oldest batch that waits to be durable */
    uint64_t rules_lag;      /* records stored that no rule has seen */
    bool store_failed, ledger_failed, audit_failed;
    uint32_t devices_online, devices_offline;
    uint32_t definitions_new; /* shipped ones that wait beside the city's own */
};

struct serve_needs {
    void *ctx;

    /* any thread. Ships a job to the thread; ERR_BUSY when its mailbox is full,
     * ERR_STOPPING. The job runs there with that thread's env. ON_NET is the console
     * loop and never busy. */
    enum err (*post)(void *ctx, enum where where, struct job *job);

    /* any thread: wall clock, and referenced snapshots (unref is the caller's). */
    ts_ms (*now)(void *ctx);
    struct site_table *(*sites)(void *ctx);
    struct org_table *(*org)(void *ctx);
    /* any thread: callsign of a unit; false = none. May be NULL. */
    bool (*callsign)(void *ctx, struct unit_id unit, char dst[24]);

    /* net loops. Hands a batch over; when it is durable or refused (b->fate, b->lsn
     * set) the daemon calls http_post(home, done). ERR_BUSY or ERR_FULL: the batch
     * stays the caller's. */
    enum err (*append)(
        void *ctx, struct sighting_batch *b, struct http *home, struct job *done);
    /* net loops. Makes true what a message without passes means: places and asks (the
     * arrays of out, which stay until `done` is posted; done->failed says that nothing
     * was kept). NULL: such messages are answered "busy". */
    enum err (*keep)(
        void *ctx, struct feed_out *out, const struct sender *who, struct http *home,
        struct job *done);
    /* net loops: the site of a device code or tollgate code, made as "unplaced" when
     * new. May answer 0 when it is being made: then the store resolves it by the text
     * left in the batch. */
    struct site_id (*site_for)(void *ctx, struct span tollgate, struct span device);

    /* net loops. Devices: false = unknown. `out` is a copy. */
    bool (*device_by_code)(void *ctx, struct span code, struct sender *out);
    bool (*device_by_key)(void *ctx, const uint8_t key_hash[32], struct sender *out);
    /* net loops: a device came (true) or has missed three keepalives (false). */
    void (*device_state)(void *ctx, struct device_id id, bool online, ts_ms at_ms);
    /* net loops: what a device sent and what became of it, for its counters. */
    void (*device_sent)(
        void *ctx, struct device_id id, const struct device_report *report,
        ts_ms at_ms);
    /* net loops: one position. code = callsign (device) or empty (then `user` reports
     * the own unit). */
    enum err (*fix)(
        void *ctx, struct span code, struct user_id user, ts_ms at_ms, e7 lon, e7 lat,
        int speed_kmh, int heading_deg, struct note *note);

    /* ON_LEDGER, env->ledger in hand. */
    enum err (*account_find)(struct ledger *l, struct span login, struct account *out);
    enum err (*account_get)(struct ledger *l, struct user_id id, struct account *out);
    enum err (*account_tried)(
        struct ledger *l, struct user_id id, uint32_t failures, ts_ms locked_ms,
        ts_ms at_ms);
    enum err (*password_set)(
        struct ledger *l, struct user_id id, const char *verifier, bool must_change,
        ts_ms at_ms, struct account *out);
    enum err (*session_put)(struct ledger *l, const struct kept_session *s);
    enum err (*session_drop)(struct ledger *l, const uint8_t hash[32]);
    /* Calls each() for every kept session (at start). */
    enum err (*session_all)(
        struct ledger *l,
        void (*each)(void *arg, const struct kept_session *s, const struct account *a),
        void *arg);
    /* Events with a journal number in (after, +inf), oldest first, at most max; each()
     * copies. *more says that there were still more. */
    enum err (*events_since)(
        void *ctx, struct ledger *l, uint64_t after, size_t max,
        void (*each)(void *arg, const struct event_out *e), void *arg, bool *more);

    /* any thread. Writes one record into the chain and, when it is durable, ships
     * `then` back to the console loop by http_post(home, then). */
    void (*audit)(
        void *ctx, const struct audit_fact *f, struct http *home, struct job *then);

    /* net loops: a picture of the moment; must not block. */
    void (*health)(void *ctx, struct health *out);
};

#endif
