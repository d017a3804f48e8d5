/* SPDX-License-Identifier: Apache-2.0 */
/* Inodes hold the bytes as they are now and as they are durable, with a mark per sector
 * in which they may differ; names live in two lists with a log of unsynced changes
 * between. */
#include "kit/crash_disk.h"

#include "core/hash.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define SECTOR 512u
#define SITES 64u

struct inode {
    struct inode *next; /* of the disk's list */
    uint8_t *now, *durable;
    size_t now_n, durable_n, room; /* both buffers have `room` bytes */
    uint8_t *dirty;                /* per sector */
    bool changed;                  /* anything dirty, or another size */
};

struct name {
    char path[OS_PATH];
    struct inode *inode; /* NULL: a directory */
};
struct names {
    struct name *p;
    size_t n, room;
};

enum change_kind { CHANGE_MAKE, CHANGE_REMOVE, CHANGE_RENAME };
struct name_change {
    enum change_kind kind;
    char path[OS_PATH], to[OS_PATH];
    struct inode *inode;
};

struct crash_disk {
    struct os_fs fs;
    pthread_mutex_t lock;
    uint64_t rng, ops, stop_at, fail_at;
    enum err fail_with;
    bool stopped;
    unsigned life;
    struct inode *inodes;
    struct names now, durable;
    struct name_change *log;
    size_t log_n, log_room;
    char site[SITES][48];
    size_t sites_n;
    char ignore[48];
};

struct crash_file {
    struct os_file head;
    struct inode *inode;
    unsigned life;
};

/* ---- memory that must be there: this is a test helper ---- */

static void *
grow(void *p, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return p;
    *room = *room ? *room * 2 : 16;
    p = realloc(p, *room * size);
    must(p);
    return p;
}

static uint64_t
rnd(struct crash_disk *d)
{
    d->rng += UINT64_C(0x9e3779b97f4a7c15);
    return hash_u64(d->rng);
}

static struct crash_disk *
disk_of(struct os_fs *fs)
{
    return fs->ctx;
}

/* ---- names ---- */

static struct name *
name_find(const struct names *l, const char *path)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->p[i].path, path) == 0)
            return &l->p[i];
    return NULL;
}

static void
name_put(struct names *l, const char *path, struct inode *inode)
{
    struct name *n = name_find(l, path);
    if (!n) {
        l->p = grow(l->p, l->n, &l->room, sizeof *l->p);
        n = &l->p[l->n++];
        must(span_copy(n->path, sizeof n->path, span_cstr(path)));
    }
    n->inode = inode;
}

static void
name_drop(struct names *l, const char *path)
{
    struct name *n = name_find(l, path);
    if (n)
        *n = l->p[--l->n];
}

static void
apply(struct names *l, const struct name_change *c)
{
    if (c->kind == CHANGE_MAKE) {
        name_put(l, c->path, c->inode);
    } else if (c->kind == CHANGE_REMOVE) {
        name_drop(l, c->path);
    } else {
        name_drop(l, c->path);
        name_put(l, c->to, c->inode);
    }
}

static void
change(
    struct crash_disk *d, enum change_kind kind, const char *path, const char *to,
    struct inode *inode)
{
    d->log = grow(d->log, d->log_n, &d->log_room, sizeof *d->log);
    struct name_change *c = &d->log[d->log_n++];
    *c = (struct name_change){.kind = kind, .inode = inode};
    must(span_copy(c->path, sizeof c->path, span_cstr(path)));
    must(span_copy(c->to, sizeof c->to, span_cstr(to)));
    apply(&d->now, c);
}

static bool
lies_in(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    return strncmp(path, dir, n) == 0 && path[n] == '/' && !strchr(path + n + 1, '/');
}

/* Makes the first `keep` logged changes of a directory durable and forgets the others
 * of it when `rest` is set. */
static void
settle(struct crash_disk *d, const char *dir, size_t keep, bool forget)
{
    size_t out = 0;
    for (size_t i = 0; i < d->log_n; i++) {
        struct name_change *c = &d->log[i];
        bool here = lies_in(c->path, dir);
        if (here && keep) {
            apply(&d->durable, c);
            keep--;
        } else if (!here || !forget) {
            d->log[out++] = *c;
        }
    }
    d->log_n = out;
}

/* ---- inodes ---- */

static struct inode *
inode_new(struct crash_disk *d)
{
    struct inode *i = calloc(1, sizeof *i);
    must(i);
    i->next = d->inodes;
    d->inodes = i;
    return i;
}

static void
inode_room(struct inode *i, size_t n)
{
    if (n <= i->room)
        return;
    size_t room = i->room ? i->room : 4096;
    while (room < n)
        room *= 2;
    i->now = realloc(i->now, room);
    i->durable = realloc(i->durable, room);
    i->dirty = realloc(i->dirty, room / SECTOR + 1);
    must(i->now && i->durable && i->dirty);
    memset(i->now + i->room, 0, room - i->room);
    memset(i->durable + i->room, 0, room - i->room);
    memset(i->dirty + i->room / SECTOR, 0, room / SECTOR + 1 - i->room / SECTOR);
    i->room = room;
}

static void
mark(struct inode *i, size_t from, size_t to)
{
    for (size_t s = from / SECTOR; s * SECTOR < to; s++)
        i->dirty[s] = 1;
    i->changed = true;
}

static void
inode_write(struct inode *i, size_t off, const void *p, size_t n)
{
    if (!n)
        return;
    inode_room(i, off + n);
    memcpy(i->now + off, p, n);
    mark(i, off, off + n);
    if (off + n > i->now_n)
        i->now_n = off + n;
}

static void
inode_size(struct inode *i, size_t n)
{
    inode_room(i, n);
    if (n < i->now_n) {
        memset(i->now + n, 0, i->now_n - n);
        mark(i, n, i->now_n);
    }
    i->now_n = n;
    i->changed = true;
}

static void
inode_sync(struct inode *i)
{
    if (!i->changed)
        return;
    if (i->room) {
        memcpy(i->durable, i->now, i->room);
        memset(i->dirty, 0, i->room / SECTOR + 1);
    }
    i->durable_n = i->now_n;
    i->changed = false;
}

/* What of the unsynced part a power failure leaves. */
static void
inode_crash(struct crash_disk *d, struct inode *i, enum crash_mode mode)
{
    if (!i->changed)
        return;
    uint64_t dice = rnd(d) % 3;
    if (mode == CRASH_KEEP || (mode == CRASH_RANDOM && dice == 0)) {
        inode_sync(i);
        return;
    }
    if (mode == CRASH_LOSE || dice == 1) {
        if (i->room)
            memcpy(i->now, i->durable, i->room);
        i->now_n = i->durable_n;
    } else {
        if (rnd(d) % 2)
            i->now_n = i->durable_n;
        for (size_t s = 0; s * SECTOR < i->room; s++)
            if (i->dirty[s] && rnd(d) % 2)
                memcpy(i->now + s * SECTOR, i->durable + s * SECTOR, SECTOR);
        if (i->room)
            memset(i->now + i->now_n, 0, i->room - i->now_n);
    }
    inode_sync(i);
}

/* ---- operations ---- */

/* Counts an operation under the lock; ERR_IO when the disk has stopped (*torn: just
 * now). */
static enum err
begin(struct crash_disk *d, bool *torn)
{
    pthread_mutex_lock(&d->lock);
    if (torn)
        *torn = false;
    if (d->stopped)
        return ERR_IO;
    d->ops++;
    if (d->stop_at && d->ops >= d->stop_at) {
        d->stopped = true;
        if (torn)
            *torn = true;
        return ERR_IO;
    }
    if (d->fail_at && d->ops >= d->fail_at) {
        d->fail_at = 0;
        return d->fail_with;
    }
    return OK;
}

static enum err
done(struct crash_disk *d, enum err e)
{
    pthread_mutex_unlock(&d->lock);
    return e;
}

/* The same for operations that change nothing: they are not counted. */
static enum err
look(struct crash_disk *d)
{
    pthread_mutex_lock(&d->lock);
    return d->stopped ? ERR_IO : OK;
}

static struct crash_file *
file_of(struct os_file *f)
{
    return (struct crash_file *)(void *)f;
}

static enum err
live(const struct crash_disk *d, const struct crash_file *f)
{
    return f->life == d->life ? OK : ERR_IO;
}

static enum err
disk_open(struct os_fs *fs, const char *path, unsigned flags, struct os_file **out)
{
    struct crash_disk *d = disk_of(fs);
    struct name *n;
    enum err e = look(d);
    if (e == OK && (n = name_find(&d->now, path))) {
        e = !n->inode ? ERR_IO : flags & OS_EXCL ? ERR_CONFLICT : OK;
    } else if (e == OK && !(flags & OS_CREATE)) {
        e = ERR_NOTFOUND;
    } else if (e == OK) {
        pthread_mutex_unlock(&d->lock);
        e = begin(d, NULL);
        if (e == OK)
            change(d, CHANGE_MAKE, path, "", inode_new(d));
    }
    if (e == OK) {
        struct crash_file *f = calloc(1, sizeof *f);
        must(f);
        f->head.fs = fs;
        f->inode = name_find(&d->now, path)->inode;
        f->life = d->life;
        if (flags & OS_TRUNC)
            inode_size(f->inode, 0);
        *out = &f->head;
    }
    return done(d, e);
}

static void
disk_close(struct os_file *f)
{
    free(file_of(f));
}

static enum err
disk_read(struct os_file *of, uint64_t off, void *p, size_t n, size_t *got)
{
    struct crash_disk *d = disk_of(of->fs);
    struct crash_file *f = file_of(of);
    enum err e = look(d);
    if (e == OK)
        e = live(d, f);
    if (e == OK) {
        size_t left = off < f->inode->now_n ? f->inode->now_n - (size_t)off : 0;
        *got = n < left ? n : left;
        if (*got)
            memcpy(p, f->inode->now + off, *got);
    }
    return done(d, e);
}

static enum err
disk_write(struct os_file *of, uint64_t off, const void *p, size_t n)
{
    struct crash_disk *d = disk_of(of->fs);
    struct crash_file *f = file_of(of);
    bool torn;
    enum err e = begin(d, &torn);
    if (live(d, f) != OK)
        return done(d, ERR_IO);
    if (e == OK)
        inode_write(f->inode, (size_t)off, p, n);
    else if (torn)
        inode_write(f->inode, (size_t)off, p, n ? (size_t)(rnd(d) % (n + 1)) : 0);
    return done(d, e);
}

/* Notes the call site; true when its syncs are to be ignored. */
static bool
site_ignored(struct crash_disk *d, const char *site, const char *kind)
{
    char name[48];
    snprintf(name, sizeof name, "%s/%s", site, kind);
    size_t i = 0;
    while (i < d->sites_n && strcmp(d->site[i], name) != 0)
        i++;
    if (i == d->sites_n) {
        must(d->sites_n < SITES);
        memcpy(d->site[d->sites_n++], name, sizeof name);
    }
    return strcmp(d->ignore, name) == 0;
}

static enum err
disk_sync(struct os_file *of, const char *site)
{
    struct crash_disk *d = disk_of(of->fs);
    struct crash_file *f = file_of(of);
    enum err e = begin(d, NULL);
    if (e == OK)
        e = live(d, f);
    if (e == OK && !site_ignored(d, site, "file"))
        inode_sync(f->inode);
    return done(d, e);
}

static enum err
disk_size(struct os_file *of, uint64_t *n)
{
    struct crash_disk *d = disk_of(of->fs);
    struct crash_file *f = file_of(of);
    enum err e = look(d);
    if (e == OK)
        e = live(d, f);
    if (e == OK)
        *n = f->inode->now_n;
    return done(d, e);
}

static enum err
disk_resize(struct os_file *of, uint64_t n, bool grow_only)
{
    struct crash_disk *d = disk_of(of->fs);
    struct crash_file *f = file_of(of);
    enum err e = begin(d, NULL);
    if (e == OK)
        e = live(d, f);
    if (e == OK && (!grow_only || n > f->inode->now_n))
        inode_size(f->inode, (size_t)n);
    return done(d, e);
}

static enum err
disk_truncate(struct os_file *f, uint64_t n)
{
    return disk_resize(f, n, false);
}

static enum err
disk_preallocate(struct os_file *f, uint64_t n)
{
    return disk_resize(f, n, true);
}

/* A copy: what is mapped here never changes. */
static enum err
disk_map(struct os_file *of, uint64_t off, size_t n, const void **p)
{
    struct crash_disk *d = disk_of(of->fs);
    struct crash_file *f = file_of(of);
    enum err e = look(d);
    if (e == OK)
        e = live(d, f);
    if (e == OK && (off > f->inode->now_n || n > f->inode->now_n - off))
        e = ERR_CORRUPT;
    if (e == OK) {
        void *copy = malloc(n ? n : 1);
        must(copy);
        memcpy(copy, f->inode->now + off, n);
        *p = copy;
    }
    return done(d, e);
}

static void
disk_unmap(struct os_file *f, const void *p, size_t n)
{
    (void)f;
    (void)n;
    free((void *)(uintptr_t)p);
}

static enum err
disk_lock(struct os_file *f)
{
    (void)f;
    return OK;
}

static enum err
disk_rename(struct os_fs *fs, const char *from, const char *to)
{
    struct crash_disk *d = disk_of(fs);
    enum err e = begin(d, NULL);
    struct name *n = name_find(&d->now, from);
    if (e == OK && !n)
        e = ERR_NOTFOUND;
    if (e == OK)
        change(d, CHANGE_RENAME, from, to, n->inode);
    return done(d, e);
}

static enum err
disk_unlink(struct os_fs *fs, const char *path)
{
    struct crash_disk *d = disk_of(fs);
    enum err e = begin(d, NULL);
    if (e == OK && !name_find(&d->now, path))
        e = ERR_NOTFOUND;
    if (e == OK)
        change(d, CHANGE_REMOVE, path, "", NULL);
    return done(d, e);
}

static enum err
disk_mkdir(struct os_fs *fs, const char *path)
{
    struct crash_disk *d = disk_of(fs);
    enum err e = look(d);
    bool there = name_find(&d->now, path);
    (void)done(d, OK);
    if (e != OK || there)
        return e;
    e = begin(d, NULL);
    if (e == OK)
        change(d, CHANGE_MAKE, path, "", NULL);
    return done(d, e);
}

static enum err
disk_sync_dir(struct os_fs *fs, const char *path, const char *site)
{
    struct crash_disk *d = disk_of(fs);
    enum err e = begin(d, NULL);
    if (e == OK && !site_ignored(d, site, "dir"))
        settle(d, path, SIZE_MAX, false);
    return done(d, e);
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static enum err
disk_list(
    struct os_fs *fs, const char *dir, void (*each)(void *arg, const char *name),
    void *arg)
{
    struct crash_disk *d = disk_of(fs);
    enum err e = look(d);
    if (e == OK && !name_find(&d->now, dir))
        e = ERR_NOTFOUND;
    char(*found)[OS_PATH] = calloc(d->now.n + 1, sizeof *found);
    size_t n = 0;
    must(found);
    for (size_t i = 0; e == OK && i < d->now.n; i++)
        if (lies_in(d->now.p[i].path, dir))
            memcpy(found[n++], d->now.p[i].path, OS_PATH);
    (void)done(d, OK); /* each() may use the disk */
    qsort(found, n, sizeof *found, by_text);
    for (size_t i = 0; i < n; i++)
        each(arg, found[i] + strlen(dir) + 1);
    free(found);
    return e;
}

static enum err
disk_stat(struct os_fs *fs, const char *path, uint64_t *size, bool *is_dir)
{
    struct crash_disk *d = disk_of(fs);
    enum err e = look(d);
    struct name *n = name_find(&d->now, path);
    if (e == OK && !n)
        e = ERR_NOTFOUND;
    if (e == OK) {
        *is_dir = !n->inode;
        *size = n->inode ? n->inode->now_n : 0;
    }
    return done(d, e);
}

static enum err
disk_space(struct os_fs *fs, const char *path, uint64_t *free_bytes, uint64_t *total)
{
    (void)fs;
    (void)path;
    *free_bytes = *total = UINT64_C(1) << 40;
    return OK;
}

static const struct os_fs_ops disk_ops = {
    .open = disk_open,
    .close = disk_close,
    .read_at = disk_read,
    .write_at = disk_write,
    .sync = disk_sync,
    .size = disk_size,
    .truncate = disk_truncate,
    .preallocate = disk_preallocate,
    .map = disk_map,
    .unmap = disk_unmap,
    .lock = disk_lock,
    .rename = disk_rename,
    .unlink = disk_unlink,
    .mkdir = disk_mkdir,
    .rmdir = disk_unlink,
    .sync_dir = disk_sync_dir,
    .list = disk_list,
    .stat = disk_stat,
    .space = disk_space,
};

/* ---- the disk ---- */

struct crash_disk *
crash_disk_new(uint64_t seed)
{
    struct crash_disk *d = calloc(1, sizeof *d);
    must(d);
    d->fs = (struct os_fs){&disk_ops, d};
    d->rng = seed;
    pthread_mutex_init(&d->lock, NULL);
    return d;
}

static void
inode_free(struct inode *i)
{
    free(i->now);
    free(i->durable);
    free(i->dirty);
    free(i);
}

void
crash_disk_free(struct crash_disk *d)
{
    if (!d)
        return;
    for (struct inode *i = d->inodes, *next; i; i = next) {
        next = i->next;
        inode_free(i);
    }
    free(d->now.p);
    free(d->durable.p);
    free(d->log);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

struct os_fs *
crash_disk_fs(struct crash_disk *d)
{
    return &d->fs;
}

void
crash_disk_root(struct crash_disk *d, const char *path)
{
    name_put(&d->now, path, NULL);
    name_put(&d->durable, path, NULL);
}

uint64_t
crash_disk_ops(const struct crash_disk *d)
{
    return d->ops;
}

void
crash_disk_stop_after(struct crash_disk *d, uint64_t n)
{
    pthread_mutex_lock(&d->lock);
    d->stop_at = n ? d->ops + n : 0;
    d->stopped = false;
    pthread_mutex_unlock(&d->lock);
}

bool
crash_disk_stopped(const struct crash_disk *d)
{
    return d->stopped;
}

void
crash_disk_fail_once(struct crash_disk *d, uint64_t n, enum err e)
{
    pthread_mutex_lock(&d->lock);
    d->fail_at = n ? d->ops + n : 0;
    d->fail_with = e;
    pthread_mutex_unlock(&d->lock);
}

static bool
has_parent(const struct names *l, const char *path)
{
    char dir[OS_PATH];
    must(span_copy(dir, sizeof dir, span_cstr(path)));
    char *slash = strrchr(dir, '/');
    must(slash);
    *slash = 0;
    return !dir[0] || name_find(l, dir);
}

/* With a directory goes everything in it. */
static void
orphans_drop(struct names *l)
{
    for (size_t i = 0; i < l->n;) {
        if (has_parent(l, l->p[i].path)) {
            i++;
            continue;
        }
        l->p[i] = l->p[--l->n];
        i = 0;
    }
}

/* Unsynced names: none, all or a prefix of each directory's changes. */
static void
names_crash(struct crash_disk *d, enum crash_mode mode)
{
    while (d->log_n) {
        char dir[OS_PATH];
        memcpy(dir, d->log[0].path, sizeof dir);
        char *slash = strrchr(dir, '/');
        must(slash);
        *slash = 0;
        size_t n = 0;
        for (size_t i = 0; i < d->log_n; i++)
            n += lies_in(d->log[i].path, dir);
        uint64_t dice = rnd(d) % 3;
        size_t keep = mode == CRASH_KEEP || (mode == CRASH_RANDOM && dice == 0) ? n
                      : mode == CRASH_LOSE || dice == 1                         ? 0
                                                        : (size_t)(rnd(d) % (n + 1));
        settle(d, dir, keep, true);
    }
    orphans_drop(&d->durable);
    d->now.n = 0;
    for (size_t i = 0; i < d->durable.n; i++)
        name_put(&d->now, d->durable.p[i].path, d->durable.p[i].inode);
}

/* Inodes without a name are gone. */
static void
inodes_sweep(struct crash_disk *d)
{
    for (struct inode **at = &d->inodes; *at;) {
        struct inode *i = *at;
        bool named = false;
        for (size_t k = 0; k < d->now.n; k++)
            named = named || d->now.p[k].inode == i;
        if (named) {
            at = &i->next;
        } else {
            *at = i->next;
            inode_free(i);
        }
    }
}

void
crash_disk_crash(struct crash_disk *d, enum crash_mode mode)
{
    pthread_mutex_lock(&d->lock);
    if (mode != CRASH_KEEP) {
        names_crash(d, mode);
        for (struct inode *i = d->inodes; i; i = i->next)
            inode_crash(d, i, mode);
        inodes_sweep(d);
    }
    /* CRASH_KEEP: the machine runs on; what is unsynced stays unsynced */
    d->life++;
    d->stopped = false;
    d->stop_at = d->fail_at = 0;
    pthread_mutex_unlock(&d->lock);
}

void
crash_disk_ignore(struct crash_disk *d, const char *site)
{
    must(span_copy(d->ignore, sizeof d->ignore, span_cstr(site ? site : "")));
}

const char *
crash_disk_site(const struct crash_disk *d, size_t i)
{
    return i < d->sites_n ? d->site[i] : NULL;
}
