/* SPDX-License-Identifier: Apache-2.0 */
/* vfs.h - SQLite's way to the disk: a VFS shim over core/os_file, so that tests swap
 * the disk under the ledger as they do under every other file.
 *
 * Owner    a registered shim lives until vfs_unregister(); no connection may be open
 *          then.
 * Threads  any; file locks and the shared WAL index are kept in memory of this process
 *          (DIR/lock keeps other processes out), so there is no -shm file.
 * Errors   ERR_NOMEM.
 * See      sqlite.org/vfs.html, sqlite.org/walformat.html; tests in vfs_test.c.
 */
#ifndef TQ_STORE_VFS_H
#define TQ_STORE_VFS_H

#include "core/os_file.h"

struct vfs;

/* A shim over fs under a name of its own; fs must outlive it. */
enum err vfs_register(struct os_fs *fs, struct vfs **out) MUST_USE;
void vfs_unregister(struct vfs **v);
const char *vfs_name(const struct vfs *v);

#endif
