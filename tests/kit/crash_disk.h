/* SPDX-License-Identifier: Apache-2.0 */
/* crash_disk.h - a disk in memory that forgets like a bad one: unsynced sectors of 512
 * bytes and unsynced names are kept or lost one by one when the power fails.
 *
 *   life: writes and names go to a "now" state; sync moves a file's bytes, sync_dir a
 *   directory's names, to the "durable" state; crash() makes the durable state plus a
 * chosen or random part of the rest the new "now".
 *
 * Units    an operation is anything that changes the disk or syncs it.
 * Owner    crash_disk_new() gives a disk to crash_disk_free(); files of an earlier life
 * may still be closed.
 * Threads  any; operations are serialised.
 * Errors   behind the stop point every operation answers ERR_IO.
 * See      core/os_file.h; crash_disk_test is part of all_crash_disk_test.c.
 */
#ifndef TQ_TESTS_KIT_CRASH_DISK_H
#define TQ_TESTS_KIT_CRASH_DISK_H

#include "core/os_file.h"

struct crash_disk;

enum crash_mode {
    CRASH_LOSE,   /* nothing unsynced survives */
    CRASH_KEEP,   /* everything does (the process died, the machine did not) */
    CRASH_RANDOM, /* each file and directory: nothing, all, or sector by sector / a
                     prefix */
};

struct crash_disk *crash_disk_new(uint64_t seed);
void crash_disk_free(struct crash_disk *d);
struct os_fs *crash_disk_fs(struct crash_disk *d);
/* A directory that was always there. */
void crash_disk_root(struct crash_disk *d, const char *path);

uint64_t crash_disk_ops(const struct crash_disk *d);
/* The n-th operation from now fails (a write of it is torn) and all after it; 0 =
 * never. */
void crash_disk_stop_after(struct crash_disk *d, uint64_t n);
bool crash_disk_stopped(const struct crash_disk *d);
/* The n-th operation from now fails once with e, then the disk works again; 0 = never.
 */
void crash_disk_fail_once(struct crash_disk *d, uint64_t n, enum err e);

/* The end of a life: open files go stale, the stop point is taken away. */
void crash_disk_crash(struct crash_disk *d, enum crash_mode mode);

/* Syncs of this call site ("journal/file", "manifest/dir") answer OK and do nothing;
 * NULL ends it. */
void crash_disk_ignore(struct crash_disk *d, const char *site);
/* Call sites seen so far, [0 .. n); NULL past the end. */
const char *crash_disk_site(const struct crash_disk *d, size_t i);

#endif
