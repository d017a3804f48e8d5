/* SPDX-License-Identifier: Apache-2.0 */
/* The lock is taken first and the format read under it, so that two programs never
 * migrate at once. */
#include "store/format.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

struct data {
    struct os_fs *fs;
    char dir[OS_PATH];
    struct os_file *lock;
};

struct step { /* brings a directory from format i + 1 to i + 2 */
    enum err (*run)(struct os_fs *fs, const char *dir, struct note *note);
};
/* Format 1 is the first: there is no step yet. */
static const struct step *const steps = NULL;

static enum err
write_format(
    struct os_fs *fs, const char *dir, uint32_t format, const char *release,
    struct note *note)
{
    char path[OS_PATH], text[96];
    int n = snprintf(text, sizeof text, "tongqu-data %u %s\n", format, release);
    if (n >= (int)sizeof text)
        return ERR_TOOBIG;
    enum err e = os_join(path, sizeof path, dir, "format");
    if (e)
        return e;
    return os_write_file(
        fs, path, (struct span){text, (size_t)n}, "format.write", note);
}

static void
count_name(void *arg, const char *name)
{
    (void)name;
    ++*(unsigned *)arg;
}

enum err
data_init(struct os_fs *fs, const char *dir, struct note *note)
{
    char path[OS_PATH], text[34];
    unsigned char id[16];
    unsigned names = 0;
    if (sodium_init() < 0)
        return ERR_NOMEM;
    enum err e = os_mkdir(fs, dir, note);
    if (!e)
        e = os_list(fs, dir, count_name, &names);
    if (!e && names)
        return note_fmt(
            note, ERR_CONFLICT, "",
            "%s is not empty: choose another directory, or empty it if making or "
            "restoring it was cut off",
            "%s 不是空目录：请另选目录；若上次创建或恢复中断，请先清空", dir);
    randombytes_buf(id, sizeof id);
    sodium_bin2hex(text, sizeof text, id, sizeof id);
    text[32] = '\n';
    if (!e)
        e = os_join(path, sizeof path, dir, "id");
    return e ? e : os_write_file(fs, path, (struct span){text, 33}, "format.id", note);
}

enum err
data_finish(struct os_fs *fs, const char *dir, const char *release, struct note *note)
{
    return write_format(fs, dir, DATA_FORMAT, release, note);
}

/* Begun, and cut off before DIR/format? */
static bool
unfinished(struct os_fs *fs, const char *dir)
{
    char path[OS_PATH];
    uint64_t size;
    bool is_dir;
    return os_join(path, sizeof path, dir, "id") == OK &&
           os_stat(fs, path, &size, &is_dir) == OK;
}

enum err
data_format(struct os_fs *fs, const char *dir, uint32_t *format, struct note *note)
{
    char path[OS_PATH], *text = NULL;
    size_t n = 0;
    enum err e = os_join(path, sizeof path, dir, "format");
    if (!e)
        e = os_read_file(fs, path, 4096, &text, &n, NULL);
    if (e == ERR_NOTFOUND && unfinished(fs, dir))
        return note_fmt(
            note, e, "",
            "%s was not made to its end: empty it and run tongqu init again",
            "%s 尚未创建完成：请清空该目录后重新执行 tongqu init", dir);
    if (e == ERR_NOTFOUND)
        return note_fmt(
            note, e, "", "%s is no data directory: make one with tongqu init",
            "%s 不是数据目录，请先用 tongqu init 创建", dir);
    if (e)
        return e;
    struct span rest = {text, n};
    uint64_t v = 0;
    bool good = span_eq_cstr(span_cut(&rest, ' '), "tongqu-data") &&
                span_u64(span_cut(&rest, ' '), &v) && v > 0 && v < UINT32_MAX;
    free(text);
    if (!good)
        return note_fmt(
            note, ERR_CORRUPT, "", "%s/format is damaged", "%s/format 已损坏", dir);
    *format = (uint32_t)v;
    return OK;
}

static enum err
take_lock(struct data *d, struct note *note)
{
    char path[OS_PATH];
    enum err e = os_join(path, sizeof path, d->dir, "lock");
    if (!e)
        e = os_open(d->fs, path, OS_READ | OS_WRITE | OS_CREATE, &d->lock, note);
    if (!e)
        e = os_lock(d->lock);
    if (e == ERR_CONFLICT)
        (void)note_fmt(
            note, e, "", "%s is in use by another process", "%s 正被其他进程使用",
            d->dir);
    return e;
}

static enum err
bring_forward(
    struct data *d, const char *release,
    enum err (*before)(void *arg, uint32_t from, struct note *note), void *arg,
    struct note *note)
{
    uint32_t format = 0;
    enum err e = data_format(d->fs, d->dir, &format, note);
    if (e)
        return e;
    if (format > DATA_FORMAT)
        return note_fmt(
            note, ERR_NEWER, "",
            "%s has format %u, this release knows %u: use the newer release",
            "%s 的数据格式为 %u，本程序只支持到 %u，请使用更新的版本", d->dir, format,
            DATA_FORMAT);
    if (format < DATA_FORMAT && before && (e = before(arg, format, note)))
        return e;
    for (; format < DATA_FORMAT; format++) {
        e = steps[format - 1].run(d->fs, d->dir, note);
        if (!e)
            e = write_format(d->fs, d->dir, format + 1, release, note);
        if (e)
            return e;
    }
    return OK;
}

enum err
data_open_new(struct os_fs *fs, const char *dir, struct data **out, struct note *note)
{
    struct data *d = calloc(1, sizeof *d);
    if (!d)
        return ERR_NOMEM;
    d->fs = fs;
    enum err e = span_copy(d->dir, sizeof d->dir, span_cstr(dir)) ? OK : ERR_TOOBIG;
    if (!e)
        e = take_lock(d, note);
    if (e)
        data_close(&d);
    else
        *out = d;
    return e;
}

enum err
data_open(
    struct os_fs *fs, const char *dir, const char *release,
    enum err (*before_migration)(void *arg, uint32_t from, struct note *note),
    void *arg, struct data **out, struct note *note)
{
    uint32_t format;
    struct data *d = NULL;
    enum err e = data_format(fs, dir, &format, note); /* before a lock file is made */
    if (!e)
        e = data_open_new(fs, dir, &d, note);
    if (!e)
        e = bring_forward(d, release, before_migration, arg, note);
    if (e)
        data_close(&d);
    else
        *out = d;
    return e;
}

void
data_close(struct data **d)
{
    if (!*d)
        return;
    os_close(&(*d)->lock);
    free(*d);
    *d = NULL;
}

const char *
data_dir(const struct data *d)
{
    return d->dir;
}

struct os_fs *
data_fs(const struct data *d)
{
    return d->fs;
}
