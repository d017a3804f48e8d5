/* SPDX-License-Identifier: Apache-2.0 */
/* backup.h - a consistent copy of a data directory while the daemon works, and the way
 * back.
 *
 * Shape    OUT/manifest.tq, written last, names every file with size and BLAKE2b-256,
 *          and the position: sighting LSN, ledger journal number, audit number. Order:
 *          ledger first, then sightings and packs, then everything else, audit last, so
 *          that nothing in the ledger points at what the copy does not hold; rules run
 *          again over the sightings that came after the ledger's mark. The copy holds
 *          password hashes and the audit key: keep it as safe as the directory.
 * Owner    nothing is kept.
 * Threads  one backup at a time, on its own thread with its own ledger_reader.
 * Errors   ERR_CONFLICT: the target is not empty; ERR_CORRUPT: a file differs from the
 *          manifest; ERR_FULL.
 * See      docs/why/truth.md; tests in backup_test.c.
 */
#ifndef TQ_STORE_BACKUP_H
#define TQ_STORE_BACKUP_H

#include "store/audit.h"
#include "store/ledger.h"
#include "store/sight.h"

struct backup_job {
    struct os_fs *fs;
    const char *dir;              /* the data directory */
    const char *out;              /* absent or empty */
    struct ledger_reader *ledger; /* of the calling thread */
    struct audit *audit;
    struct sight *sight; /* NULL: none */
    /* Holds back sight_set_applied() while the copy is made (true), then lets it go on:
     * the copied journal must still hold what the copied ledger has not marked. NULL:
     * the caller's daemon does not run. */
    void (*hold)(void *arg, bool on);
    const char *release;
    ts_ms at_ms;
    /* Called now and then with bytes done (of one file or of all); false stops
     * (ERR_STOPPING). NULL: nobody asks. */
    bool (*progress)(void *arg, uint64_t bytes, const char *what);
    void *arg;
};
struct backup_result {
    uint64_t files, bytes;
    uint64_t lsn, journal, audit;
};
enum err backup_run(
    const struct backup_job *job, struct backup_result *out,
    struct note *note) MUST_USE;
/* Reads everything again and compares with the manifest. */
enum err backup_verify(
    struct os_fs *fs, const char *from, struct backup_result *out,
    struct note *note) MUST_USE;
/* Verifies, copies into dir (absent or empty), then verifies the copy. */
enum err backup_restore(
    struct os_fs *fs, const char *from, const char *dir, struct backup_result *out,
    struct note *note) MUST_USE;

#endif
