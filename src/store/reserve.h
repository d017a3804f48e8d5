/* SPDX-License-Identifier: Apache-2.0 */
/* reserve.h - a full disk in good order: a preallocated file that is given up in need,
 * and the state that tells ingest to refuse while ledger, audit and purge go on.
 *
 *      free > refuse + step            free <= refuse              free <= spend
 *   +-------+   <-------------   +---------+   <-----------   +---------+
 *   | PLENTY |                   | REFUSE  |                  | SPENT    |
 *   +-------+   ------------->   +---------+   ----------->   +---------+
 *                                ingest answers 503          the file is given up for
 *                                                            ledger, audit and purge
 *
 * Units    bytes.
 * Owner    reserve_open() gives the object to reserve_close() (the file stays).
 * Threads  reserve_look() by one thread; reserve_state() by any.
 * See      docs/why/truth.md "Full disk".
 */
#ifndef TQ_STORE_RESERVE_H
#define TQ_STORE_RESERVE_H

#include "core/os_file.h"

enum reserve_state { RESERVE_PLENTY, RESERVE_REFUSE, RESERVE_SPENT };

struct reserve_limits {
    uint64_t file;   /* size of DIR/reserve; 64 MiB */
    uint64_t refuse; /* free space at which ingest stops; 256 MiB */
    uint64_t step;   /* free space over `refuse` before ingest starts again; 128 MiB */
    uint64_t spend;  /* free space at which the file is given up; 32 MiB */
};
struct reserve_limits reserve_limits_default(void);

struct reserve;
enum err reserve_open(
    struct os_fs *fs, const char *dir, const struct reserve_limits *limits,
    struct reserve **out, struct note *note) MUST_USE;
void reserve_close(struct reserve **r);
/* Before anything of DIR is opened that has to write: on a disk as full as that the
 * file is given up, so that ledger and audit can be opened at all. Never makes it. */
void
reserve_relieve(struct os_fs *fs, const char *dir, const struct reserve_limits *limits);
/* Asks the disk and moves the state: call it every second and after any ERR_FULL (full
 * = true). */
enum err reserve_look(struct reserve *r, bool full, enum reserve_state *out) MUST_USE;
enum reserve_state reserve_state(const struct reserve *r);
struct reserve_space {
    uint64_t free_bytes, total_bytes, reserve_bytes;
};
void reserve_space(const struct reserve *r, struct reserve_space *out);

#endif
