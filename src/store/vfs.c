/* SPDX-License-Identifier: Apache-2.0 */
/* Files go to core/os_file; what SQLite shares between connections (file locks, the
 * index of the write-ahead log) lives in this process's memory, one struct node a
 * database.
 *
 * Durable steps: a log file that was made new gets its directory synced before its
 * first content sync returns, so that a commit never lies in a file whose name is lost.
 */
#include "store/vfs.h"

#include "core/os_clock.h"

#include <pthread.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define SHM_LOCKS 8
#define SHM_REGIONS 256 /* of 32 KiB: an index for 1 M pages of log */

struct node { /* one database file that is open */
    struct node *next;
    char path[OS_PATH];
    unsigned refs;
    unsigned shared;                  /* connections with at least a shared lock */
    const void *reserved, *exclusive; /* which one, or NULL */
    bool pending;
    unsigned shm_refs;
    void *region[SHM_REGIONS];
    unsigned shm_shared[SHM_LOCKS];
    bool shm_exclusive[SHM_LOCKS];
};

struct vfs {
    sqlite3_vfs base;
    struct os_fs *fs;
    char name[40];
    pthread_mutex_t lock; /* over all nodes */
    struct node *nodes;
};

struct file {
    sqlite3_file base;
    struct vfs *vfs;
    struct os_file *f;
    struct node *node; /* of a main database; NULL for logs */
    char path[OS_PATH];
    const char *site; /* name of its durable step */
    bool made;        /* its name in the directory may not be durable yet */
    bool drop;        /* unlinked at close */
    int level;        /* SQLITE_LOCK_ */
    bool shm;
    uint8_t shm_shared, shm_exclusive; /* bits by lock */
};

static struct vfs *
vfs_of(sqlite3_vfs *v)
{
    return (struct vfs *)v;
}

static struct file *
file_of(sqlite3_file *f)
{
    return (struct file *)f;
}

static int
code_of(enum err e, int otherwise)
{
    switch (e) {
    case OK:
        return SQLITE_OK;
    case ERR_FULL:
        return SQLITE_FULL;
    case ERR_NOMEM:
        return SQLITE_IOERR_NOMEM;
    default:
        return otherwise;
    }
}

/* ---- nodes ---- */

static struct node *
node_get(struct vfs *v, const char *path)
{
    pthread_mutex_lock(&v->lock);
    struct node *n = v->nodes;
    while (n && strcmp(n->path, path) != 0)
        n = n->next;
    if (!n && (n = calloc(1, sizeof *n))) {
        snprintf(n->path, sizeof n->path, "%s", path);
        n->next = v->nodes;
        v->nodes = n;
    }
    if (n)
        n->refs++;
    pthread_mutex_unlock(&v->lock);
    return n;
}

static void
node_put(struct vfs *v, struct node *n)
{
    pthread_mutex_lock(&v->lock);
    if (--n->refs == 0) {
        struct node **at = &v->nodes;
        while (*at != n)
            at = &(*at)->next;
        *at = n->next;
        for (unsigned i = 0; i < SHM_REGIONS; i++)
            free(n->region[i]);
        free(n);
    }
    pthread_mutex_unlock(&v->lock);
}

/* ---- files ---- */

static int
file_close(sqlite3_file *file)
{
    struct file *f = file_of(file);
    os_close(&f->f);
    if (f->node)
        node_put(f->vfs, f->node);
    f->node = NULL;
    if (f->drop && os_unlink(f->vfs->fs, f->path))
        return SQLITE_IOERR_DELETE;
    return SQLITE_OK;
}

static int
file_read(sqlite3_file *file, void *p, int n, sqlite3_int64 off)
{
    size_t got = 0;
    enum err e = os_read_at(file_of(file)->f, (uint64_t)off, p, (size_t)n, &got);
    if (e)
        return code_of(e, SQLITE_IOERR_READ);
    if (got < (size_t)n) {
        memset((char *)p + got, 0, (size_t)n - got);
        return SQLITE_IOERR_SHORT_READ;
    }
    return SQLITE_OK;
}

static int
file_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 off)
{
    return code_of(
        os_write_at(file_of(file)->f, (uint64_t)off, p, (size_t)n), SQLITE_IOERR_WRITE);
}

static int
file_truncate(sqlite3_file *file, sqlite3_int64 n)
{
    return code_of(os_truncate(file_of(file)->f, (uint64_t)n), SQLITE_IOERR_TRUNCATE);
}

static enum err
sync_parent(struct vfs *v, const char *path)
{
    char dir[OS_PATH];
    snprintf(dir, sizeof dir, "%s", path);
    char *slash = strrchr(dir, '/');
    if (!slash)
        return OK;
    *slash = 0;
    return os_sync_dir(v->fs, slash == dir ? "/" : dir, "ledger.dir");
}

static int
file_sync(sqlite3_file *file, int flags)
{
    (void)flags;
    struct file *f = file_of(file);
    enum err e = os_sync(f->f, f->site);
    if (!e && f->made) {
        e = sync_parent(f->vfs, f->path);
        f->made = e != OK;
    }
    return code_of(e, SQLITE_IOERR_FSYNC);
}

static int
file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    uint64_t n = 0;
    enum err e = os_size(file_of(file)->f, &n);
    *size = (sqlite3_int64)n;
    return code_of(e, SQLITE_IOERR_FSTAT);
}

/* ---- locks of the database file ---- */

static int
lock_shared(struct file *f)
{
    struct node *n = f->node;
    if (n->pending || n->exclusive)
        return SQLITE_BUSY;
    n->shared++;
    f->level = SQLITE_LOCK_SHARED;
    return SQLITE_OK;
}

static int
lock_reserved(struct file *f)
{
    if (f->node->reserved && f->node->reserved != f)
        return SQLITE_BUSY;
    f->node->reserved = f;
    f->level = SQLITE_LOCK_RESERVED;
    return SQLITE_OK;
}

static int
lock_exclusive(struct file *f)
{
    struct node *n = f->node;
    if (f->level < SQLITE_LOCK_PENDING) {
        if (n->pending)
            return SQLITE_BUSY;
        n->pending = true;
        f->level = SQLITE_LOCK_PENDING;
    }
    if (n->shared > 1)
        return SQLITE_BUSY;
    n->exclusive = f;
    f->level = SQLITE_LOCK_EXCLUSIVE;
    return SQLITE_OK;
}

static int
file_lock(sqlite3_file *file, int level)
{
    struct file *f = file_of(file);
    if (!f->node || f->level >= level)
        return SQLITE_OK;
    pthread_mutex_lock(&f->vfs->lock);
    int rc = SQLITE_OK;
    if (f->level == SQLITE_LOCK_NONE)
        rc = lock_shared(f);
    if (!rc && level == SQLITE_LOCK_RESERVED)
        rc = lock_reserved(f);
    if (!rc && level >= SQLITE_LOCK_PENDING)
        rc = lock_exclusive(f);
    pthread_mutex_unlock(&f->vfs->lock);
    return rc;
}

static int
file_unlock(sqlite3_file *file, int level)
{
    struct file *f = file_of(file);
    if (!f->node || f->level <= level)
        return SQLITE_OK;
    pthread_mutex_lock(&f->vfs->lock);
    struct node *n = f->node;
    if (f->level >= SQLITE_LOCK_PENDING)
        n->pending = false;
    if (n->exclusive == f)
        n->exclusive = NULL;
    if (n->reserved == f)
        n->reserved = NULL;
    if (level == SQLITE_LOCK_NONE)
        n->shared--;
    f->level = level;
    pthread_mutex_unlock(&f->vfs->lock);
    return SQLITE_OK;
}

static int
file_reserved(sqlite3_file *file, int *out)
{
    struct file *f = file_of(file);
    *out = 0;
    if (f->node) {
        pthread_mutex_lock(&f->vfs->lock);
        *out = f->node->reserved != NULL || f->node->exclusive != NULL;
        pthread_mutex_unlock(&f->vfs->lock);
    }
    return SQLITE_OK;
}

static int
file_control(sqlite3_file *file, int op, void *arg)
{
    (void)file;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int
file_sector(sqlite3_file *file)
{
    (void)file;
    return 4096;
}

static int
file_traits(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE | SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN;
}

/* ---- shared index of the log ---- */

static int
shm_map(sqlite3_file *file, int i, int size, int extend, void volatile **out)
{
    struct file *f = file_of(file);
    *out = NULL;
    if (i >= SHM_REGIONS)
        return SQLITE_IOERR_SHMSIZE;
    pthread_mutex_lock(&f->vfs->lock);
    if (!f->shm) {
        f->shm = true;
        f->node->shm_refs++;
    }
    if (!f->node->region[i] && extend)
        f->node->region[i] = calloc(1, (size_t)size);
    *out = f->node->region[i];
    bool failed = extend && !*out;
    pthread_mutex_unlock(&f->vfs->lock);
    return failed ? SQLITE_IOERR_NOMEM : SQLITE_OK;
}

static void
shm_free(struct file *f, int from, int n)
{
    for (int i = from; i < from + n; i++) {
        uint8_t bit = (uint8_t)(1u << i);
        if (f->shm_exclusive & bit)
            f->node->shm_exclusive[i] = false;
        if (f->shm_shared & bit)
            f->node->shm_shared[i]--;
        f->shm_exclusive = (uint8_t)(f->shm_exclusive & ~bit);
        f->shm_shared = (uint8_t)(f->shm_shared & ~bit);
    }
}

static int
shm_take(struct file *f, int from, int n, bool exclusive)
{
    struct node *node = f->node;
    for (int i = from; i < from + n; i++) {
        unsigned mine = f->shm_shared >> i & 1u;
        if (node->shm_exclusive[i] && !(f->shm_exclusive >> i & 1u))
            return SQLITE_BUSY;
        if (exclusive && node->shm_shared[i] > mine)
            return SQLITE_BUSY;
    }
    for (int i = from; i < from + n; i++) {
        uint8_t bit = (uint8_t)(1u << i);
        if (exclusive) {
            node->shm_exclusive[i] = true;
            f->shm_exclusive |= bit;
        } else if (!(f->shm_shared & bit)) {
            node->shm_shared[i]++;
            f->shm_shared |= bit;
        }
    }
    return SQLITE_OK;
}

static int
shm_lock(sqlite3_file *file, int from, int n, int flags)
{
    struct file *f = file_of(file);
    int rc = SQLITE_OK;
    pthread_mutex_lock(&f->vfs->lock);
    if (flags & SQLITE_SHM_UNLOCK)
        shm_free(f, from, n);
    else
        rc = shm_take(f, from, n, flags & SQLITE_SHM_EXCLUSIVE);
    pthread_mutex_unlock(&f->vfs->lock);
    return rc;
}

static void
shm_barrier(sqlite3_file *file)
{
    struct file *f = file_of(file);
    pthread_mutex_lock(&f->vfs->lock); /* taking and giving back orders all memory */
    pthread_mutex_unlock(&f->vfs->lock);
}

static int
shm_unmap(sqlite3_file *file, int drop)
{
    (void)drop;
    struct file *f = file_of(file);
    if (!f->shm)
        return SQLITE_OK;
    pthread_mutex_lock(&f->vfs->lock);
    shm_free(f, 0, SHM_LOCKS);
    f->shm = false;
    if (--f->node->shm_refs == 0) {
        for (unsigned i = 0; i < SHM_REGIONS; i++) {
            free(f->node->region[i]);
            f->node->region[i] = NULL;
        }
    }
    pthread_mutex_unlock(&f->vfs->lock);
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

/* ---- the VFS ---- */

static enum err
open_file(struct vfs *v, struct file *f, int flags)
{
    unsigned os = OS_READ;
    if (flags & SQLITE_OPEN_READWRITE)
        os |= OS_WRITE;
    enum err e = os_open(v->fs, f->path, os, &f->f, NULL);
    if (e == ERR_NOTFOUND && (flags & SQLITE_OPEN_CREATE)) {
        e = os_open(v->fs, f->path, os | OS_CREATE, &f->f, NULL);
        f->made = !e;
    }
    return e;
}

static int
vfs_open(sqlite3_vfs *base, const char *name, sqlite3_file *file, int flags, int *got)
{
    struct vfs *v = vfs_of(base);
    struct file *f = file_of(file);
    memset(f, 0, sizeof *f);
    if (!name) /* temporary files: temp_store keeps them in memory */
        return SQLITE_CANTOPEN;
    f->vfs = v;
    f->drop = flags & SQLITE_OPEN_DELETEONCLOSE;
    f->site = flags & SQLITE_OPEN_MAIN_DB ? "ledger.db"
              : flags & SQLITE_OPEN_WAL   ? "ledger.wal"
                                          : "ledger.journal";
    if (snprintf(f->path, sizeof f->path, "%s", name) >= (int)sizeof f->path)
        return SQLITE_CANTOPEN;
    if (flags & SQLITE_OPEN_MAIN_DB && !(f->node = node_get(v, name)))
        return SQLITE_NOMEM;
    enum err e = open_file(v, f, flags);
    if (e) {
        if (f->node)
            node_put(v, f->node);
        return code_of(e, SQLITE_CANTOPEN);
    }
    f->base.pMethods = &methods;
    if (got)
        *got = flags;
    return SQLITE_OK;
}

static int
vfs_delete(sqlite3_vfs *base, const char *name, int sync)
{
    struct vfs *v = vfs_of(base);
    enum err e = os_unlink(v->fs, name);
    if (e == ERR_NOTFOUND)
        return SQLITE_IOERR_DELETE_NOENT;
    if (!e && sync)
        e = sync_parent(v, name);
    return code_of(e, SQLITE_IOERR_DELETE);
}

static int
vfs_access(sqlite3_vfs *base, const char *name, int flags, int *out)
{
    (void)flags;
    uint64_t size = 0;
    bool is_dir = false;
    enum err e = os_stat(vfs_of(base)->fs, name, &size, &is_dir);
    *out = !e && (flags != SQLITE_ACCESS_EXISTS || size > 0);
    return e && e != ERR_NOTFOUND ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

static int
vfs_full_path(sqlite3_vfs *base, const char *name, int n, char *out)
{
    (void)base;
    return snprintf(out, (size_t)n, "%s", name) < n ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int
vfs_random(sqlite3_vfs *base, int n, char *out)
{
    (void)base;
    randombytes_buf(out, (size_t)n);
    return n;
}

static int
vfs_sleep(sqlite3_vfs *base, int us)
{
    (void)base;
    sqlite3_vfs *real = sqlite3_vfs_find("unix");
    return real ? real->xSleep(real, us) : 0;
}

static int
vfs_time_64(sqlite3_vfs *base, sqlite3_int64 *out)
{
    (void)base;
    *out = INT64_C(210866760000000) + os_now_ms(); /* Julian day 0 to 1970, in ms */
    return SQLITE_OK;
}

static int
vfs_time(sqlite3_vfs *base, double *out)
{
    sqlite3_int64 ms = 0;
    int rc = vfs_time_64(base, &ms);
    *out = (double)ms / 86400000.0;
    return rc;
}

static int
vfs_error(sqlite3_vfs *base, int n, char *out)
{
    (void)base;
    if (n > 0)
        out[0] = 0;
    return 0;
}

static void *
no_dl_open(sqlite3_vfs *base, const char *name)
{
    (void)base;
    (void)name;
    return NULL;
}

static void
no_dl_error(sqlite3_vfs *base, int n, char *out)
{
    (void)base;
    snprintf(out, (size_t)n, "extensions are not loaded");
}

enum err
vfs_register(struct os_fs *fs, struct vfs **out)
{
    static unsigned counter;
    struct vfs *v = sodium_init() < 0 ? NULL : calloc(1, sizeof *v);
    if (!v)
        return ERR_NOMEM;
    v->fs = fs;
    pthread_mutex_init(&v->lock, NULL);
    unsigned n = __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED);
    snprintf(v->name, sizeof v->name, "tongqu-%u", n);
    v->base = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = sizeof(struct file),
        .mxPathname = OS_PATH - 16,
        .zName = v->name,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xDlOpen = no_dl_open,
        .xDlError = no_dl_error,
        .xRandomness = vfs_random,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_error,
        .xCurrentTimeInt64 = vfs_time_64,
    };
    if (sqlite3_vfs_register(&v->base, 0) != SQLITE_OK) {
        pthread_mutex_destroy(&v->lock);
        free(v);
        return ERR_NOMEM;
    }
    *out = v;
    return OK;
}

void
vfs_unregister(struct vfs **v)
{
    if (!*v)
        return;
    must((*v)->nodes == NULL);
    sqlite3_vfs_unregister(&(*v)->base);
    pthread_mutex_destroy(&(*v)->lock);
    free(*v);
    *v = NULL;
}

const char *
vfs_name(const struct vfs *v)
{
    return v->name;
}
