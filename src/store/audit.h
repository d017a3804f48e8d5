/* SPDX-License-Identifier: Apache-2.0 */
/* audit.h - who looked at or changed what (审计): an append-only file of records
 * chained by BLAKE2b-256, with heads signed by ed25519.
 *
 * Shape    DIR/audit/<first number, 12 digits>.tqa files, DIR/audit/heads (signed
 *          heads, text), DIR/audit/key.pub, DIR/audit.key (secret, 0600). Layout in
 *          docs/audit.md; tongqu-verify reads it without this code.
 * Group    audit_append() copies the record into the running batch; a writer (own
 *          thread when asked for, else the first waiter) writes and syncs what has
 *          gathered; audit_wait() returns when the record is durable.
 * Owner    audit_open() gives the object to audit_close(), which signs a last head.
 * Threads  append, wait, head and read from any thread.
 * Errors   ERR_FULL: the record waits in memory and is tried again with the next one,
 *          its waiter is told; ERR_IO: after a failed sync nothing more is accepted
 *          until reopened; ERR_CORRUPT at open when a record that was durable is
 *          damaged.
 * See      docs/audit.md; tests in audit_test.c; src/verify.
 */
#ifndef TQ_STORE_AUDIT_H
#define TQ_STORE_AUDIT_H

#include "core/arena.h"
#include "core/civil.h"
#include "core/os_file.h"

struct audit;

enum audit_class { AUDIT_LOOK = 1, AUDIT_CHANGE, AUDIT_SECURITY, AUDIT_SYSTEM };
enum audit_outcome { AUDIT_OK, AUDIT_REFUSED, AUDIT_FAILED };
#define AUDIT_NO_COUNT UINT64_MAX
#define AUDIT_TEXT_MAX 4096u /* bytes of one text; longer ones are cut and marked */

struct audit_record {
    uint64_t number; /* set by audit_append() */
    ts_ms at_ms;
    uint8_t class;   /* enum audit_class */
    uint8_t outcome; /* enum audit_outcome */
    uint8_t role;    /* enum role bits the actor used */
    uint32_t user;   /* 0: the machine or nobody */
    uint64_t matter; /* 0 none */
    uint64_t link;  /* number of the record this one ends (look.end -> look.begin); 0 */
    uint64_t count; /* results; AUDIT_NO_COUNT */
    struct span login; /* as known at the time */
    struct span address;
    struct span action; /* "look.begin", "watch.approve", "session.open" ... */
    struct span object; /* "watch:12", "user:7" ... */
    struct span purpose;
    struct span subject; /* whose movements, what was asked */
    struct span detail;  /* reason, refusal code, old and new value */
};

struct audit_options {
    bool thread;   /* an own writer thread */
    bool make_key; /* make the key pair when there is none (init) */
    bool begun;    /* there must be a record already: none is damage, not a new one */
};
/* Opens or makes DIR/audit. A torn tail that was never acknowledged is set aside in
 * audit/torn-<n> and recorded. `at` stamps the records that opening itself writes. */
enum err audit_open(
    struct os_fs *fs, const char *dir, const struct audit_options *opt, ts_ms at,
    struct audit **out, struct note *note) MUST_USE;
void audit_close(struct audit **a, ts_ms at);

/* *number gets the record's number; durable only after audit_wait(). */
enum err
audit_append(struct audit *a, const struct audit_record *r, uint64_t *number) MUST_USE;
/* Returns when record `number` is durable. */
enum err audit_wait(struct audit *a, uint64_t number) MUST_USE;
/* Both. */
enum err
audit_write(struct audit *a, const struct audit_record *r, uint64_t *number) MUST_USE;
/* Tries once more what waits for room on the disk: OK when nothing waits. */
enum err audit_flush(struct audit *a) MUST_USE;
/* Number of the newest durable record. */
uint64_t audit_durable(struct audit *a);

/* ---- heads ---- */
#define AUDIT_HEAD_TEXT 320
struct audit_head {
    uint64_t number;
    ts_ms at_ms;
    uint8_t hash[32];
    uint8_t key[32];            /* ed25519 public key */
    uint8_t signature[64];      /* over the text line up to the signature */
    char line[AUDIT_HEAD_TEXT]; /* "tongqu-head 1 <number> <at_ms> <hash> <key>
                                   <signature>" */
};
/* Signs the newest durable record, appends the line to audit/heads, durable. For
 * sending outside hourly. */
enum err audit_sign(struct audit *a, ts_ms at, struct audit_head *out) MUST_USE;
/* Newest durable record unsigned, and the last signed head (number 0: none). */
void audit_heads(struct audit *a, struct audit_head *newest, struct audit_head *sign);

/* What a head kept outside says of this record. */
enum audit_fit {
    AUDIT_FITS,   /* the record holds what the head names */
    AUDIT_BEHIND, /* it ends before it: cut, or the directory is an older copy */
    AUDIT_OTHER,  /* another record stands at its number, or another key signed it */
};
enum err audit_fit(
    struct audit *a, const struct audit_head *outside, enum audit_fit *fit) MUST_USE;
/* A line of a file of heads, without its end; ERR_CORRUPT when it is none or its
 * signature is wrong. */
enum err audit_head_read(struct span line, struct audit_head *out) MUST_USE;

/* Signs what leaves the system with the record's key: the line "tongqu-evidence 1
 * <number> <at_ms> <hash> <key> <signature>" for the look `number`, over a hash. The
 * word keeps it apart from heads; tongqu-verify checks it. */
enum err audit_seal(
    struct audit *a, uint64_t number, ts_ms at, const uint8_t hash[32],
    char line[AUDIT_HEAD_TEXT]) MUST_USE;

/* Signs a head and copies heads, public key and the durable chain into `to` (an
 * existing empty directory), durable. *number is that of the last record copied. */
enum err audit_copy(
    struct audit *a, const char *to, ts_ms at, uint64_t *number,
    struct note *note) MUST_USE;

/* ---- reading ---- */
struct audit_query {
    ts_ms from_ms, to_ms; /* to 0 = open */
    uint32_t user;        /* 0 all */
    uint8_t class;        /* 0 all */
    struct span action;   /* prefix; empty all */
    struct span object;   /* exact; empty all */
    uint64_t before;      /* numbers below; 0 from the newest */
    size_t cap;
};
struct audit_row {
    struct audit_record record; /* spans in the arena */
    uint8_t hash[32];
};
/* Newest first. Only durable records. */
enum err audit_read(
    struct audit *a, const struct audit_query *q, struct arena *arena,
    struct audit_row **out, size_t *n) MUST_USE;
/* Durable records with number > after, oldest first; stops when each() answers false.
 */
enum err audit_each(
    struct audit *a, uint64_t after,
    bool (*each)(void *arg, const struct audit_row *row), void *arg) MUST_USE;

#endif
