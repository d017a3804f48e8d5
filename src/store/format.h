/* SPDX-License-Identifier: Apache-2.0 */
/* format.h - a data directory: its format file, its lock, and the way forward from
 * older formats.
 *
 * Shape    DIR/format is one line "tongqu-data <number> <release>"; DIR/lock is held by
 *          the one process that works on DIR; DIR/id is 16 random bytes in hex, made at
 *          init.
 * Owner    data_open() gives a struct data to data_close(), which frees the lock.
 * Errors   ERR_NOTFOUND no data directory; ERR_CONFLICT another process holds it;
 *          ERR_NEWER written by a newer release (exit 3); ERR_CORRUPT.
 * See      docs/why/truth.md "Upgrades"; tests in format_test.c.
 */
#ifndef TQ_STORE_FORMAT_H
#define TQ_STORE_FORMAT_H

#include "core/civil.h"
#include "core/os_file.h"

#define DATA_FORMAT 1u

struct data;

/* Begins an empty data directory (dir may exist when it is empty; ERR_CONFLICT
 * otherwise). It is none until data_finish(): only data_open_new() opens it. */
enum err data_init(struct os_fs *fs, const char *dir, struct note *note) MUST_USE;
/* Writes DIR/format, last of all: before it everybody is told that DIR was not made to
 * its end. */
enum err data_finish(
    struct os_fs *fs, const char *dir, const char *release, struct note *note) MUST_USE;
/* Is there a data directory, and of which format? Does not lock. */
enum err data_format(
    struct os_fs *fs, const char *dir, uint32_t *format, struct note *note) MUST_USE;
/* Locks it and brings it forward. before_migration (may be NULL) is called once when
 * there is anything to migrate: the place for a backup; its failure stops the
 * migration. */
enum err data_open(
    struct os_fs *fs, const char *dir, const char *release,
    enum err (*before_migration)(void *arg, uint32_t from, struct note *note),
    void *arg, struct data **out, struct note *note) MUST_USE;
/* One that is being made. */
enum err data_open_new(
    struct os_fs *fs, const char *dir, struct data **out, struct note *note) MUST_USE;
void data_close(struct data **d);
const char *data_dir(const struct data *d);
struct os_fs *data_fs(const struct data *d);

#endif
