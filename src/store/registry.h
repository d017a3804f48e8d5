/* SPDX-License-Identifier: Apache-2.0 */
/* registry.h - the vehicle registry: rows in the ledger, an image file for a quick
 * start, and the snapshot that rules and looks read.
 *
 * Shape    truth = ledger table `vehicle` and its version number; DIR/registry.img is a
 *          checksummed copy in look-up order, rebuilt when it is stale, damaged or
 *          absent.
 * Owner    a struct registry belongs to the ledger thread; registry_snapshot() may be
 *          called by any.
 * Threads  snapshots are immutable; publication is one pointer under a short lock.
 * Errors   ERR_INPUT a row without a plate (nothing of that call is taken); ERR_IO,
 *          ERR_FULL.
 * See      model/vehicle.h; tests in registry_test.c.
 */
#ifndef TQ_STORE_REGISTRY_H
#define TQ_STORE_REGISTRY_H

#include "model/vehicle.h"
#include "store/ledger.h"

struct registry;

/* Loads the image when it fits the ledger, else reads all rows and writes a new one. */
enum err registry_open(
    struct os_fs *fs, const char *dir, struct ledger *l, struct registry **out,
    struct note *note) MUST_USE;
void registry_close(struct registry **r);
/* A reference for vehicle_index_unref(); never NULL. */
struct vehicle_index *registry_snapshot(struct registry *r);

struct registry_row {
    struct vehicle vehicle; /* owner is not read */
    struct span owner;      /* masked text, up to 64 bytes */
};
/* Bulk: rows are added or replaced by (plate, colour) inside one ledger group of its
 * own; call as often as the file has chunks, then registry_import_end() publishes once.
 * At least 200,000 rows/s. */
enum err registry_import_begin(struct registry *r) MUST_USE;
enum err registry_import_rows(
    struct registry *r, const struct registry_row *rows, size_t n,
    struct note *note) MUST_USE;
/* keep = false undoes everything since begin. */
enum err registry_import_end(struct registry *r, bool keep, struct note *note) MUST_USE;

/* Single rows inside the running group (in a job or not); readers see them after
 * registry_publish(), which is called once the group is committed, or
 * registry_forget() when it failed. What an undone job had changed is not published. */
enum err registry_put(struct registry *r, const struct registry_row *row) MUST_USE;
enum err
registry_drop(struct registry *r, struct plate plate, uint8_t plate_color) MUST_USE;
void registry_publish(struct registry *r);
void registry_forget(struct registry *r);
/* Writes the image file when the published snapshot is not in it (idle times, before
 * close). */
enum err registry_save(struct registry *r, struct note *note) MUST_USE;

#endif
