/* SPDX-License-Identifier: Apache-2.0 */
/* audit_core.h - inside the audit file: what its writer (audit.c), its key and heads
 * (audit_key.c) and its reader (audit_read.c) share.
 *
 * Owner    as audit.h.
 * Threads  fields under `lock` unless said otherwise; file and end belong to the one
 *          who writes.
 */
#ifndef TQ_STORE_AUDIT_CORE_H
#define TQ_STORE_AUDIT_CORE_H

#include "core/cur.h"
#include "store/audit.h"
#include "store/audit_format.h"

#include <pthread.h>

#define AUDIT_BATCH_MAX (1u << 20) /* bytes of one write, at least one record */
#define AUDIT_FILE_MAX (64u << 20) /* then a new file is begun */
#define AUDIT_INDEX_EVERY 256u     /* records between remembered offsets */

struct audit_part {   /* one file of the chain */
    uint64_t first;   /* number of its first record */
    uint64_t *offset; /* of records first, first + AUDIT_INDEX_EVERY, ... */
    size_t offsets, room;
    bool indexed;
    uint64_t records; /* indexed only */
    uint64_t end;     /* bytes that are whole and durable; indexed only */
};

struct audit {
    struct os_fs *fs;
    char dir[OS_PATH], base[OS_PATH]; /* DIR/audit, DIR */
    uint8_t key[32], secret[64];
    pthread_mutex_t lock;
    pthread_mutex_t signing; /* one head at a time; taken before lock */
    pthread_cond_t moved;    /* durable, failed or room in the batch */
    pthread_cond_t work;     /* for the own thread */
    pthread_t thread;
    bool has_thread, stop, writing;
    enum err failed;
    uint64_t full; /* records up to this found the disk full and wait for the next try
                    */
    struct buf batch;
    struct buf flight;    /* the write under way, or held back: it goes again alone */
    bool held;            /* ... by a full disk */
    uint64_t flight_last; /* number of its last record, its time and hash */
    ts_ms flight_ms;
    uint8_t flight_hash[32];
    bool batch_open;  /* a record was put since the last write began */
    uint64_t last;    /* number given last */
    uint8_t hash[32]; /* of that record */
    ts_ms at_ms;
    uint64_t durable;
    uint8_t durable_hash[32];
    ts_ms durable_ms;
    struct os_file *file; /* the last part */
    uint64_t end;
    struct audit_part *parts;
    size_t parts_n, parts_room;
    struct audit_head sign; /* last signed head */
};

struct audit_scan { /* reading one part to its first bad byte */
    uint8_t *bytes;
    size_t n, good; /* bytes in the file; of whole records */
    struct audit_file_head head;
    uint64_t next; /* number expected at `good` */
    uint8_t hash[32];
    ts_ms at_ms;
};

/* ---- audit.c ---- */
enum err
audit_part_path(const struct audit *a, uint64_t first, char dst[OS_PATH]) MUST_USE;
/* The whole part into s->bytes (malloc). */
enum err audit_part_read(
    struct audit *a, const struct audit_part *p, struct audit_scan *s,
    struct note *note) MUST_USE;
/* Walks the records of a part that was read (its head decoded) to the first bad byte,
 * and notes where they are. */
void audit_part_scan(struct audit_scan *s, struct audit_part *p);

/* ---- audit_key.c ---- */
/* The key pair of the record, made when there is none and `make` is set. */
enum err audit_key_load(struct audit *a, bool make, struct note *note) MUST_USE;
/* ERR_CORRUPT: the record was signed with another key. */
enum err audit_key_other(struct note *note);
/* The last signed head into a->sign; every line is checked. */
enum err audit_heads_load(struct audit *a, struct note *note) MUST_USE;

#endif
