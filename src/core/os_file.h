/* SPDX-License-Identifier: Apache-2.0 */
/* os_file.h - files through a table of operations, so that tests can swap the disk for
 * one that drops unsynced writes, tears at 512 bytes and loses unsynced renames.
 *
 * Units    bytes.
 * Owner    os_open() gives the caller a file to os_close(). A mapping dies with
 * os_unmap().
 * Threads  reads and writes at offsets may run in parallel on one file; opening,
 * renaming and closing are the owner's.
 * Errors   ERR_NOTFOUND no such file; ERR_FULL no space; ERR_CONFLICT exists or locked;
 * ERR_IO the rest. The note names the path and the system's word for it.
 * See      docs/why/crash.md. Every durable step names its call site (`site`): the
 * crash test turns each one off in turn and must notice.
 */
#ifndef TQ_CORE_OS_FILE_H
#define TQ_CORE_OS_FILE_H

#include "core/err.h"
#include "core/span.h"

struct os_file;
struct os_fs;

enum os_open_flag {
    OS_READ = 1,
    OS_WRITE = 2,
    OS_CREATE = 4, /* with OS_WRITE: made when absent, mode 0640 */
    OS_EXCL = 8,   /* with OS_CREATE: ERR_CONFLICT when it exists */
    OS_TRUNC = 16,
};

/* What a disk can do. `ctx` is the disk's own; files carry theirs behind struct
 * os_file. */
struct os_fs_ops {
    enum err (*open)(
        struct os_fs *, const char *path, unsigned flags, struct os_file **out);
    void (*close)(struct os_file *);
    enum err (*read_at)(struct os_file *, uint64_t off, void *p, size_t n, size_t *got);
    enum err (*write_at)(struct os_file *, uint64_t off, const void *p, size_t n);
    enum err (*sync)(struct os_file *, const char *site);
    enum err (*size)(struct os_file *, uint64_t *n);
    enum err (*truncate)(struct os_file *, uint64_t n);
    enum err (*preallocate)(struct os_file *, uint64_t n);
    enum err (*map)(struct os_file *, uint64_t off, size_t n, const void **p);
    void (*unmap)(struct os_file *, const void *p, size_t n);
    void (*need)(struct os_file *, const void *p, size_t n); /* or NULL */
    void (*only_map)(struct os_file *);                      /* or NULL */
    enum err (*lock)(struct os_file *);
    enum err (*rename)(struct os_fs *, const char *from, const char *to);
    enum err (*unlink)(struct os_fs *, const char *path);
    enum err (*mkdir)(struct os_fs *, const char *path);
    enum err (*rmdir)(struct os_fs *, const char *path);
    enum err (*sync_dir)(struct os_fs *, const char *path, const char *site);
    enum err (*list)(
        struct os_fs *, const char *dir, void (*each)(void *arg, const char *name),
        void *arg);
    enum err (*stat)(struct os_fs *, const char *path, uint64_t *size, bool *is_dir);
    enum err (*space)(
        struct os_fs *, const char *path, uint64_t *free, uint64_t *total);
};

struct os_fs {
    const struct os_fs_ops *ops;
    void *ctx;
};

/* The head of every disk's file object. */
struct os_file {
    struct os_fs *fs;
};

/* The machine's own disk. */
struct os_fs *os_fs_real(void);

enum err os_open(
    struct os_fs *fs, const char *path, unsigned flags, struct os_file **out,
    struct note *note) MUST_USE;
void os_close(struct os_file **f); /* NULL and *f == NULL are fine */
/* Up to n bytes at off; *got < n only at the end of the file. */
enum err
os_read_at(struct os_file *f, uint64_t off, void *p, size_t n, size_t *got) MUST_USE;
/* Exactly n bytes, or ERR_CORRUPT when the file ends before. */
enum err os_read_full(struct os_file *f, uint64_t off, void *p, size_t n) MUST_USE;
enum err os_write_at(struct os_file *f, uint64_t off, const void *p, size_t n) MUST_USE;
/* Data (and size) durable when it returns OK. After a failure the file's unsynced pages
 * are unknown: the caller must stop using it (fsync does not report twice). */
enum err os_sync(struct os_file *f, const char *site) MUST_USE;
enum err os_size(struct os_file *f, uint64_t *n) MUST_USE;
enum err os_truncate(struct os_file *f, uint64_t n) MUST_USE;
/* Reserves blocks up to n bytes and sets the size, reading as zeros. */
enum err os_preallocate(struct os_file *f, uint64_t n) MUST_USE;
/* Read-only mapping; off is a multiple of 64 KiB. */
enum err os_map(struct os_file *f, uint64_t off, size_t n, const void **p) MUST_USE;
void os_unmap(struct os_file *f, const void *p, size_t n);
/* These bytes of a mapping are read soon, and not all that lies about them. A wish. */
void os_need(struct os_file *f, const void *p, size_t n);
/* From now on only what is mapped is used: the descriptor goes back to the system. */
void os_only_map(struct os_file *f);
/* Exclusive lock of the process; ERR_CONFLICT when another holds it. Freed by
 * os_close(). */
enum err os_lock(struct os_file *f) MUST_USE;

enum err os_rename(
    struct os_fs *fs, const char *from, const char *to, struct note *note) MUST_USE;
enum err
os_unlink(struct os_fs *fs, const char *path) MUST_USE; /* ERR_NOTFOUND when absent */
enum err os_mkdir(
    struct os_fs *fs, const char *path, struct note *note) MUST_USE; /* exists: OK */
enum err os_rmdir(struct os_fs *fs, const char *path) MUST_USE;
/* Names made, renamed or removed in the directory are durable when it returns OK. */
enum err os_sync_dir(struct os_fs *fs, const char *path, const char *site) MUST_USE;
/* Calls each(arg, name) for every entry but . and .., in sorted order. */
enum err os_list(
    struct os_fs *fs, const char *dir, void (*each)(void *arg, const char *name),
    void *arg) MUST_USE;
enum err
os_stat(struct os_fs *fs, const char *path, uint64_t *size, bool *is_dir) MUST_USE;
enum err os_space(
    struct os_fs *fs, const char *path, uint64_t *free_bytes,
    uint64_t *total_bytes) MUST_USE;

/* Whole small file, NUL-terminated behind its length, into malloc memory (cap bytes at
 * most: ERR_TOOBIG). */
enum err os_read_file(
    struct os_fs *fs, const char *path, size_t cap, char **out, size_t *n,
    struct note *note) MUST_USE;
/* Replaces path in one step: writes path.tmp, syncs it, renames, syncs the directory.
 */
enum err os_write_file(
    struct os_fs *fs, const char *path, struct span bytes, const char *site,
    struct note *note) MUST_USE;

/* dir + "/" + name into dst[cap]; ERR_TOOBIG when it does not fit. */
#define OS_PATH 512
enum err os_join(char *dst, size_t cap, const char *dir, const char *name) MUST_USE;

/* Descriptor of a file of the real disk, -1 for others (for sendfile and SQLite's
 * shared memory). */
int os_fd(struct os_file *f);

#endif
