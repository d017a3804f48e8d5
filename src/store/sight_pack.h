/* SPDX-License-Identifier: Apache-2.0 */
/* sight_pack.h - pictures of passes in append-only files, one a civil day (of the
 * pass).
 *
 *   reference  pack:<yyyymmdd>/<offset>/<length>/<BLAKE2b-128 as 32 hex digits>
 *
 * Units    offsets and lengths in bytes.
 * Owner    the store thread appends; a packs object belongs to its engine.
 * Threads  pack_read() from any thread (it opens the file itself).
 * Errors   ERR_INPUT no reference; ERR_NOTFOUND no such pack; ERR_CORRUPT other bytes.
 * See      docs/format-segment.md section 7; tests in sight_pack_test.c.
 */
#ifndef TQ_STORE_SIGHT_PACK_H
#define TQ_STORE_SIGHT_PACK_H

#include "core/cur.h"
#include "core/os_file.h"
#include "model/sighting.h"

#define PACK_REF 128

struct pack_ref {
    uint32_t day; /* yyyymmdd */
    uint64_t offset;
    uint32_t length;
    uint8_t hash[16];
};
bool pack_ref_parse(struct span s, struct pack_ref *out);
char *pack_ref_format(char *dst, const struct pack_ref *ref); /* dst[PACK_REF] */

struct packs;
enum err packs_open(
    struct os_fs *fs, const char *dir, bool read_only, struct packs **out,
    struct note *note) MUST_USE;
void packs_close(struct packs *p);
/* Adds a picture of a pass on that civil day; durable after packs_commit(). */
enum err packs_add(
    struct packs *p, int64_t day, struct span bytes, struct pack_ref *ref,
    struct note *note) MUST_USE;
enum err packs_commit(struct packs *p, struct note *note) MUST_USE;
void packs_abandon(struct packs *p); /* after a failure: the open files are given up */
uint64_t packs_bytes(const struct packs *p);
/* Removes packs of days below `day`. That they are gone on purpose is kept in the file
 * <dir>.dropped, durable before the first goes; names (may be NULL) gets "20260302.tqp
 * ...". */
enum err packs_purge(
    struct packs *p, int64_t day, uint32_t *files, uint64_t *bytes, struct buf *names,
    struct note *note) MUST_USE;
/* Were the packs of this day (yyyymmdd) dropped on purpose? Any thread. */
bool packs_dropped(const struct packs *p, uint32_t day);
/* The oldest day a pack is kept of (yyyymmdd); 0 none. Any thread. */
enum err packs_oldest(const struct packs *p, uint32_t *day) MUST_USE;
uint32_t pack_day(int64_t day); /* yyyymmdd of a civil day number */

/* The bytes, checked against the hash. */
enum err pack_read(
    struct os_fs *fs, const char *dir, const struct pack_ref *ref, struct arena *arena,
    struct span *bytes, struct note *note) MUST_USE;

#endif
