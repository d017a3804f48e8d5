/* SPDX-License-Identifier: Apache-2.0 */
/* sight_journal.h - the durable, ordered input of the engine: preallocated files of
 * checksummed records, one record a batch, one sync a group.
 *
 * Units    an LSN is the byte position behind a record in the endless journal; it only
 * grows.
 * Owner    the store thread; journal_trim() too.
 * Threads  one thread, but for reading complete files (journal_read of a closed range).
 * Errors   ERR_NEWER; a damaged record in the middle ends that file's reading: it is
 * copied to
 *          *.bad, counted, reported, and what follows goes on. A torn end is no damage.
 * See      docs/format-segment.md section 2; tests in sight_journal_test.c.
 */
#ifndef TQ_STORE_SIGHT_JOURNAL_H
#define TQ_STORE_SIGHT_JOURNAL_H

#include "core/cur.h"
#include "core/os_file.h"
#include "model/sighting.h"

struct journal;

struct journal_opts {
    struct os_fs *fs;
    const char *dir;
    size_t file_bytes;
    bool read_only;
    void (*report)(void *arg, enum err e, const struct note *what);
    void *report_arg;
};

/* Reads what is there, finds the end, and begins a new file behind it. least: never
 * hand out positions below this (the manifest's flushed LSN). */
enum err journal_open(
    const struct journal_opts *opts, uint64_t least, struct journal **out,
    struct note *note) MUST_USE;
void journal_close(struct journal *j);

/* Adds the rows of a batch whose fate is FATE_STORED to the group; 0 rows add nothing.
 */
enum err
journal_add(struct journal *j, const struct sighting_batch *b, uint64_t *lsn) MUST_USE;
/* Writes and syncs the group. On an error the group is gone and the journal goes on in
 * a new file, so that a torn part of it can never come back. */
enum err journal_commit(struct journal *j, struct note *note) MUST_USE;
void journal_abandon(struct journal *j); /* forgets the group */

uint64_t journal_lsn(const struct journal *j);   /* end of what is durable */
uint64_t journal_first(const struct journal *j); /* where the oldest file begins */
/* Any thread: end, bytes on disk, damaged files. */
void journal_stat(struct journal *j, uint64_t *lsn, uint64_t *bytes, uint32_t *damaged);

/* Every record behind `from`, in order. */
enum err journal_read(
    struct journal *j, uint64_t from,
    enum err (*fn)(void *arg, struct sighting_batch *b), void *arg,
    struct note *note) MUST_USE;
/* Removes files that end at or below lsn. */
enum err journal_trim(struct journal *j, uint64_t lsn, struct note *note) MUST_USE;
/* A fixed past of the journal, for any thread: nothing is trimmed while a pin is held.
 */
struct journal_pin;
struct journal_pin *journal_pin(struct journal *j); /* NULL without memory */
void journal_unpin(struct journal *j, struct journal_pin *pin);
uint64_t journal_pin_lsn(const struct journal_pin *pin);
/* Gives the files up to the pin piece by piece. */
typedef enum err (*journal_put)(
    void *arg, const char *name, uint64_t off, const void *p, size_t n,
    struct note *note);
enum err journal_copy(
    struct journal *j, const struct journal_pin *pin, journal_put put, void *arg,
    struct note *note) MUST_USE;
enum err journal_check(
    struct journal *j, const struct journal_pin *pin, struct note *note) MUST_USE;

/* One row as bytes, and back (spans point into the cursor's bytes): also used by the
 * files of held rows. */
void journal_row_encode(struct buf *out, const struct sighting *s);
bool journal_row_decode(struct cur *c, struct sighting *s);

#endif
