/* SPDX-License-Identifier: Apache-2.0 */
/* The thresholds leave a step between stop and start, so that a disk at the edge does
 * not flap. The file is made again only when there is plenty beyond it. */
#include "store/reserve.h"

#include <stdlib.h>

struct reserve {
    struct os_fs *fs;
    struct reserve_limits limits;
    char dir[OS_PATH], path[OS_PATH];
    int state; /* enum reserve_state, atomic */
    bool there;
    uint64_t free_bytes, total_bytes; /* atomic */
};

struct reserve_limits
reserve_limits_default(void)
{
    const uint64_t mib = 1u << 20;
    return (struct reserve_limits){
        .file = 64 * mib, .refuse = 256 * mib, .step = 128 * mib, .spend = 32 * mib};
}

static enum err
make_file(struct reserve *r)
{
    struct os_file *f = NULL;
    uint64_t size = 0;
    enum err e = os_open(r->fs, r->path, OS_READ | OS_WRITE | OS_CREATE, &f, NULL);
    if (!e)
        e = os_size(f, &size);
    if (!e && size < r->limits.file)
        e = os_preallocate(f, r->limits.file);
    if (!e)
        e = os_sync(f, "reserve.make");
    os_close(&f);
    if (!e)
        e = os_sync_dir(r->fs, r->dir, "reserve.dir");
    r->there = !e;
    if (e)
        (void)!os_unlink(r->fs, r->path);
    return e;
}

static enum err
give_up(struct reserve *r)
{
    enum err e = r->there ? os_unlink(r->fs, r->path) : OK;
    if (e == OK || e == ERR_NOTFOUND)
        r->there = false;
    return e == ERR_NOTFOUND ? OK : e;
}

static enum reserve_state
next_state(const struct reserve *r, enum reserve_state now, uint64_t left, bool full)
{
    const struct reserve_limits *l = &r->limits;
    if (full || left <= l->spend)
        return RESERVE_SPENT;
    if (left <= l->refuse)
        return now == RESERVE_SPENT ? RESERVE_SPENT : RESERVE_REFUSE;
    /* On the way back the file must fit again besides. */
    if (now == RESERVE_SPENT)
        return left > l->refuse + l->step + l->file ? RESERVE_PLENTY : RESERVE_SPENT;
    if (now == RESERVE_REFUSE)
        return left > l->refuse + l->step ? RESERVE_PLENTY : RESERVE_REFUSE;
    return RESERVE_PLENTY;
}

enum err
reserve_look(struct reserve *r, bool full, enum reserve_state *out)
{
    uint64_t left = 0, total = 0;
    enum err e = os_space(r->fs, r->dir, &left, &total);
    if (e)
        return e;
    enum reserve_state now = reserve_state(r), next = next_state(r, now, left, full);
    if (next == RESERVE_SPENT)
        e = give_up(r);
    else if (next == RESERVE_PLENTY && !r->there && make_file(r) != OK)
        next = RESERVE_REFUSE; /* no room for it after all */
    __atomic_store_n(&r->free_bytes, left, __ATOMIC_RELAXED);
    __atomic_store_n(&r->total_bytes, total, __ATOMIC_RELAXED);
    __atomic_store_n(&r->state, (int)next, __ATOMIC_RELEASE);
    *out = next;
    return e;
}

enum err
reserve_open(
    struct os_fs *fs, const char *dir, const struct reserve_limits *limits,
    struct reserve **out, struct note *note)
{
    enum reserve_state state;
    struct reserve *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    r->fs = fs;
    r->limits = *limits;
    enum err e = span_copy(r->dir, sizeof r->dir, span_cstr(dir)) ? OK : ERR_TOOBIG;
    if (!e)
        e = os_join(r->path, sizeof r->path, dir, "reserve");
    if (!e) {
        uint64_t size;
        bool is_dir;
        r->there = os_stat(fs, r->path, &size, &is_dir) == OK && size >= limits->file;
        e = reserve_look(r, false, &state);
    }
    if (e) {
        (void)note_fmt(
            note, e, "", "the free space of %s is not known", "无法获取 %s 的剩余空间",
            dir);
        reserve_close(&r);
        return e;
    }
    *out = r;
    return OK;
}

void
reserve_relieve(struct os_fs *fs, const char *dir, const struct reserve_limits *limits)
{
    char path[OS_PATH];
    uint64_t left = 0, total = 0;
    if (os_space(fs, dir, &left, &total) == OK && left <= limits->spend &&
        os_join(path, sizeof path, dir, "reserve") == OK)
        (void)!os_unlink(fs, path); /* absent or not: what opens next says more */
}

void
reserve_close(struct reserve **r)
{
    free(*r);
    *r = NULL;
}

enum reserve_state
reserve_state(const struct reserve *r)
{
    return (enum reserve_state)__atomic_load_n(&r->state, __ATOMIC_ACQUIRE);
}

void
reserve_space(const struct reserve *r, struct reserve_space *out)
{
    out->free_bytes = __atomic_load_n(&r->free_bytes, __ATOMIC_RELAXED);
    out->total_bytes = __atomic_load_n(&r->total_bytes, __ATOMIC_RELAXED);
    out->reserve_bytes = r->there ? r->limits.file : 0;
}
