/* SPDX-License-Identifier: Apache-2.0 */
/* The disk as POSIX gives it, and the small helpers every disk shares. */
#include "core/os_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct real_file {
    struct os_file head;
    int fd;
};

static enum err
from_errno(int code)
{
    switch (code) {
    case ENOENT:
    case ENOTDIR:
        return ERR_NOTFOUND;
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case EEXIST:
    case EWOULDBLOCK:
    case ENOTEMPTY:
        return ERR_CONFLICT;
    case ENOMEM:
        return ERR_NOMEM;
    default:
        return ERR_IO;
    }
}

static struct real_file *
real(struct os_file *f)
{
    return (struct real_file *)f;
}

static enum err
real_open(struct os_fs *fs, const char *path, unsigned flags, struct os_file **out)
{
    int mode = flags & OS_WRITE ? O_RDWR : O_RDONLY;
    if (flags & OS_CREATE)
        mode |= O_CREAT;
    if (flags & OS_EXCL)
        mode |= O_EXCL;
    if (flags & OS_TRUNC)
        mode |= O_TRUNC;
    int fd = open(path, mode | O_CLOEXEC, 0640);
    if (fd < 0)
        return from_errno(errno);
    struct real_file *f = calloc(1, sizeof *f);
    if (!f) {
        close(fd);
        return ERR_NOMEM;
    }
    f->head.fs = fs;
    f->fd = fd;
    *out = &f->head;
    return OK;
}

static void
real_close(struct os_file *f)
{
    if (real(f)->fd >= 0)
        close(real(f)->fd);
    free(real(f));
}

static void
real_only_map(struct os_file *f)
{
    if (real(f)->fd >= 0)
        close(real(f)->fd);
    real(f)->fd = -1;
}

static enum err
real_read_at(struct os_file *f, uint64_t off, void *p, size_t n, size_t *got)
{
    size_t done = 0;
    while (done < n) {
        ssize_t r = pread(real(f)->fd, (char *)p + done, n - done, (off_t)(off + done));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return from_errno(errno);
        if (r == 0)
            break;
        done += (size_t)r;
    }
    *got = done;
    return OK;
}

static enum err
real_write_at(struct os_file *f, uint64_t off, const void *p, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t r =
            pwrite(real(f)->fd, (const char *)p + done, n - done, (off_t)(off + done));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return from_errno(errno);
        done += (size_t)r;
    }
    return OK;
}

static enum err
real_sync(struct os_file *f, const char *site)
{
    (void)site;
    return fdatasync(real(f)->fd) == 0 ? OK : from_errno(errno);
}

static enum err
real_size(struct os_file *f, uint64_t *n)
{
    struct stat st;
    if (fstat(real(f)->fd, &st) != 0)
        return from_errno(errno);
    *n = (uint64_t)st.st_size;
    return OK;
}

static enum err
real_truncate(struct os_file *f, uint64_t n)
{
    return ftruncate(real(f)->fd, (off_t)n) == 0 ? OK : from_errno(errno);
}

static enum err
real_preallocate(struct os_file *f, uint64_t n)
{
    int code = posix_fallocate(real(f)->fd, 0, (off_t)n);
    return code == 0 ? OK : from_errno(code);
}

static enum err
real_map(struct os_file *f, uint64_t off, size_t n, const void **p)
{
    void *m = mmap(NULL, n, PROT_READ, MAP_SHARED, real(f)->fd, (off_t)off);
    if (m == MAP_FAILED)
        return from_errno(errno);
    *p = m;
    return OK;
}

static void
real_unmap(struct os_file *f, const void *p, size_t n)
{
    (void)f;
    munmap((void *)(uintptr_t)p, n);
}

static void
real_need(struct os_file *f, const void *p, size_t n)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)p;
    (void)f;
    (void)!madvise((void *)(at & ~(page - 1)), n + (at & (page - 1)), MADV_WILLNEED);
}

static enum err
real_lock(struct os_file *f)
{
    return flock(real(f)->fd, LOCK_EX | LOCK_NB) == 0 ? OK : from_errno(errno);
}

static enum err
real_rename(struct os_fs *fs, const char *from, const char *to)
{
    (void)fs;
    return rename(from, to) == 0 ? OK : from_errno(errno);
}

static enum err
real_unlink(struct os_fs *fs, const char *path)
{
    (void)fs;
    return unlink(path) == 0 ? OK : from_errno(errno);
}

static enum err
real_mkdir(struct os_fs *fs, const char *path)
{
    (void)fs;
    return mkdir(path, 0750) == 0 ? OK : from_errno(errno);
}

static enum err
real_rmdir(struct os_fs *fs, const char *path)
{
    (void)fs;
    return rmdir(path) == 0 ? OK : from_errno(errno);
}

static enum err
real_sync_dir(struct os_fs *fs, const char *path, const char *site)
{
    (void)fs, (void)site;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return from_errno(errno);
    enum err e = fsync(fd) == 0 ? OK : from_errno(errno);
    close(fd);
    return e;
}

static int
visible(const struct dirent *d)
{
    return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum err
real_list(
    struct os_fs *fs, const char *dir, void (*each)(void *arg, const char *name),
    void *arg)
{
    (void)fs;
    struct dirent **names;
    int n = scandir(dir, &names, visible, by_bytes);
    if (n < 0)
        return from_errno(errno);
    for (int i = 0; i < n; i++) {
        each(arg, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return OK;
}

static enum err
real_stat(struct os_fs *fs, const char *path, uint64_t *size, bool *is_dir)
{
    (void)fs;
    struct stat st;
    if (stat(path, &st) != 0)
        return from_errno(errno);
    *size = (uint64_t)st.st_size;
    *is_dir = S_ISDIR(st.st_mode);
    return OK;
}

static enum err
real_space(struct os_fs *fs, const char *path, uint64_t *free_bytes, uint64_t *total)
{
    (void)fs;
    struct statvfs v;
    if (statvfs(path, &v) != 0)
        return from_errno(errno);
    *free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
    *total = (uint64_t)v.f_blocks * v.f_frsize;
    return OK;
}

static const struct os_fs_ops real_ops = {
    .open = real_open,
    .close = real_close,
    .read_at = real_read_at,
    .write_at = real_write_at,
    .sync = real_sync,
    .size = real_size,
    .truncate = real_truncate,
    .preallocate = real_preallocate,
    .map = real_map,
    .unmap = real_unmap,
    .need = real_need,
    .only_map = real_only_map,
    .lock = real_lock,
    .rename = real_rename,
    .unlink = real_unlink,
    .mkdir = real_mkdir,
    .rmdir = real_rmdir,
    .sync_dir = real_sync_dir,
    .list = real_list,
    .stat = real_stat,
    .space = real_space,
};

struct os_fs *
os_fs_real(void)
{
    static struct os_fs fs = {&real_ops, NULL};
    return &fs;
}

static enum err
explain(
    enum err e, const char *verb_en, const char *verb_zh, const char *path,
    struct note *note)
{
    if (e == OK)
        return OK;
    const char *en = err_row(e)->en, *zh = err_row(e)->zh;
    if (e == ERR_IO && (errno == EACCES || errno == EPERM)) {
        en = "permission denied";
        zh = "没有权限";
    } else if (e == ERR_IO && errno == EROFS) {
        en = "the file system is read-only";
        zh = "文件系统只读";
    }
    return note_fmt(
        note, e, NULL, "%1$s %3$s: %4$s", "%2$s %3$s：%5$s", verb_en, verb_zh, path, en,
        zh);
}

enum err
os_open(
    struct os_fs *fs, const char *path, unsigned flags, struct os_file **out,
    struct note *note)
{
    return explain(fs->ops->open(fs, path, flags, out), "open", "打开", path, note);
}

void
os_close(struct os_file **f)
{
    if (f && *f) {
        (*f)->fs->ops->close(*f);
        *f = NULL;
    }
}

enum err
os_read_at(struct os_file *f, uint64_t off, void *p, size_t n, size_t *got)
{
    return f->fs->ops->read_at(f, off, p, n, got);
}

enum err
os_read_full(struct os_file *f, uint64_t off, void *p, size_t n)
{
    size_t got;
    enum err e = os_read_at(f, off, p, n, &got);
    if (e != OK)
        return e;
    return got == n ? OK : ERR_CORRUPT;
}

enum err
os_write_at(struct os_file *f, uint64_t off, const void *p, size_t n)
{
    return f->fs->ops->write_at(f, off, p, n);
}

enum err
os_sync(struct os_file *f, const char *site)
{
    return f->fs->ops->sync(f, site);
}

enum err
os_size(struct os_file *f, uint64_t *n)
{
    return f->fs->ops->size(f, n);
}

enum err
os_truncate(struct os_file *f, uint64_t n)
{
    return f->fs->ops->truncate(f, n);
}

enum err
os_preallocate(struct os_file *f, uint64_t n)
{
    return f->fs->ops->preallocate(f, n);
}

enum err
os_map(struct os_file *f, uint64_t off, size_t n, const void **p)
{
    return f->fs->ops->map(f, off, n, p);
}

void
os_unmap(struct os_file *f, const void *p, size_t n)
{
    if (p)
        f->fs->ops->unmap(f, p, n);
}

void
os_need(struct os_file *f, const void *p, size_t n)
{
    if (f->fs->ops->need)
        f->fs->ops->need(f, p, n);
}

void
os_only_map(struct os_file *f)
{
    if (f->fs->ops->only_map)
        f->fs->ops->only_map(f);
}

enum err
os_lock(struct os_file *f)
{
    return f->fs->ops->lock(f);
}

enum err
os_rename(struct os_fs *fs, const char *from, const char *to, struct note *note)
{
    return explain(fs->ops->rename(fs, from, to), "rename to", "改名为", to, note);
}

enum err
os_unlink(struct os_fs *fs, const char *path)
{
    return fs->ops->unlink(fs, path);
}

enum err
os_mkdir(struct os_fs *fs, const char *path, struct note *note)
{
    enum err e = fs->ops->mkdir(fs, path);
    return e == ERR_CONFLICT ? OK
                             : explain(e, "make directory", "创建目录", path, note);
}

enum err
os_rmdir(struct os_fs *fs, const char *path)
{
    return fs->ops->rmdir(fs, path);
}

enum err
os_sync_dir(struct os_fs *fs, const char *path, const char *site)
{
    return fs->ops->sync_dir(fs, path, site);
}

enum err
os_list(
    struct os_fs *fs, const char *dir, void (*each)(void *arg, const char *name),
    void *arg)
{
    return fs->ops->list(fs, dir, each, arg);
}

enum err
os_stat(struct os_fs *fs, const char *path, uint64_t *size, bool *is_dir)
{
    return fs->ops->stat(fs, path, size, is_dir);
}

enum err
os_space(
    struct os_fs *fs, const char *path, uint64_t *free_bytes, uint64_t *total_bytes)
{
    return fs->ops->space(fs, path, free_bytes, total_bytes);
}

enum err
os_read_file(
    struct os_fs *fs, const char *path, size_t cap, char **out, size_t *n,
    struct note *note)
{
    struct os_file *f = NULL;
    char *p = NULL;
    uint64_t size = 0;
    enum err e = os_open(fs, path, OS_READ, &f, note);
    if (e != OK)
        return e;
    e = os_size(f, &size);
    if (e == OK && size > cap)
        e = ERR_TOOBIG;
    if (e == OK && !(p = malloc((size_t)size + 1)))
        e = ERR_NOMEM;
    if (e == OK)
        e = os_read_full(f, 0, p, (size_t)size);
    os_close(&f);
    if (e != OK) {
        free(p);
        return explain(e, "read", "读取", path, note);
    }
    p[size] = 0;
    *out = p;
    *n = (size_t)size;
    return OK;
}

static void
parent_of(char *dst, size_t cap, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct span dir = slash ? span_of(path, (size_t)(slash - path)) : SPAN(".");
    if (dir.n == 0)
        dir = SPAN("/");
    must(span_copy(dst, cap, dir));
}

enum err
os_write_file(
    struct os_fs *fs, const char *path, struct span bytes, const char *site,
    struct note *note)
{
    char tmp[OS_PATH], dir[OS_PATH];
    int n = snprintf(tmp, sizeof tmp, "%s.tmp", path);
    if (n < 0 || (size_t)n >= sizeof tmp)
        return explain(ERR_TOOBIG, "write", "写入", path, note);
    parent_of(dir, sizeof dir, path);
    struct os_file *f = NULL;
    enum err e = os_open(fs, tmp, OS_WRITE | OS_CREATE | OS_TRUNC, &f, note);
    if (e != OK)
        return e;
    e = os_write_at(f, 0, bytes.p, bytes.n);
    if (e == OK)
        e = os_sync(f, site);
    os_close(&f);
    if (e == OK)
        e = os_rename(fs, tmp, path, note);
    if (e == OK)
        e = os_sync_dir(fs, dir, site);
    return explain(e, "write", "写入", path, note);
}

enum err
os_join(char *dst, size_t cap, const char *dir, const char *name)
{
    int n = snprintf(dst, cap, "%s/%s", dir, name);
    return n >= 0 && (size_t)n < cap ? OK : ERR_TOOBIG;
}

int
os_fd(struct os_file *f)
{
    return f->fs == os_fs_real() ? real(f)->fd : -1;
}
