/* SPDX-License-Identifier: Apache-2.0 */
/* Files first, then what is known of them: after a cut the next start finds a file as
 * this release ships it and only writes that down. */
#include "daemon/shipped.h"

#include "core/log.h"
#include "daemon/builtin.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MOST (1u << 20)
#define HASH 16
#define HASH_TEXT (2 * HASH + 1)

static void
hash_of(struct span text, char dst[HASH_TEXT])
{
    unsigned char h[HASH];
    must(sodium_init() >= 0);
    must(
        crypto_generichash(
            h, sizeof h, (const unsigned char *)text.p, text.n, NULL, 0) == 0);
    sodium_bin2hex(dst, HASH_TEXT, h, sizeof h);
}

/* What 0.1.0 and the builds before 0.2.0 wrote without noting it. */
static const struct {
    const char *path, *hash;
} unnoted[] = {
    {"loops/alarm.yaml", "327bd75df369b7745e2b235e2b880746"},
    {"loops/alarm.yaml", "4a1c1af3e0d8f0380ffd08812aa20998"},
    {"loops/alarm.yaml", "a94e2303a97ab154aec4aac6a37e0245"},
    {"loops/alarm.yaml", "b6c4106dcff4097832bec57ba2e348cc"},
    {"loops/flight.yaml", "7ad493f8dc89c736a2caa8025a523c57"},
    {"loops/flight.yaml", "c0541a406c8b20a4ddf9c3c4da7de6c3"},
    {"loops/inquiry.yaml", "45206d13fe74d407977f0e6ab72d0c34"},
    {"purposes.yaml", "1e1d5b279375ae11e450d82fc934183a"},
    {"purposes.yaml", "38d24266d8245d651cd56f7f395d6fcd"},
    {"purposes.yaml", "530a8acdf597f2571e8575989f867386"},
    {"rules.yaml", "204231b5ce0362443a21b5b8a2709d06"},
    {"rules.yaml", "3f8cb70ee86d3284edb1a76a7c79406c"},
    {"rules.yaml", "7821c87b5c26bda94643e724f74464b2"},
    {"rules.yaml", "9c8ae63e24002451f0083a8ad3499c99"},
};

static bool
was_unnoted(const char *path, const char *hash)
{
    for (size_t i = 0; i < sizeof unnoted / sizeof *unnoted; i++)
        if (strcmp(unnoted[i].path, path) == 0 && strcmp(unnoted[i].hash, hash) == 0)
            return true;
    return false;
}

/* Every directory of 0.1.0 began with these. */
static bool
in_first_release(const char *path)
{
    return strcmp(path, "loops/alarm.yaml") == 0 ||
           strcmp(path, "loops/inquiry.yaml") == 0 ||
           strcmp(path, "purposes.yaml") == 0;
}

/* ---- files ---- */

static bool
path_of(char dst[OS_PATH], const char *dir, const char *path, const char *tail)
{
    int n = snprintf(dst, OS_PATH, "%s/definitions/%s%s", dir, path, tail);
    return n > 0 && n < OS_PATH;
}

static enum err
write_one(
    const char *dir, const struct builtin_file *f, const char *tail, struct note *note)
{
    struct os_fs *fs = os_fs_real();
    char path[OS_PATH];
    if (!path_of(path, dir, f->path, tail))
        return ERR_TOOBIG;
    char *slash = strrchr(path, '/');
    *slash = 0; /* its folder first */
    enum err e = os_mkdir(fs, path, note);
    *slash = '/';
    return e == OK ? os_write_file(fs, path, f->text, "definitions", note) : e;
}

/* ---- what was shipped last ---- */

static enum err
keep(struct ledger *l, const char *path, const char *hash)
{
    char key[OS_PATH];
    int n = snprintf(key, sizeof key, "shipped:%s", path);
    must(n > 0 && n < (int)sizeof key);
    return ledger_meta_put(l, key, span_cstr(hash));
}

/* "" when nothing was noted. */
static enum err
kept(struct ledger *l, const char *path, char dst[HASH_TEXT])
{
    char key[OS_PATH];
    struct arena a;
    struct span text;
    int n = snprintf(key, sizeof key, "shipped:%s", path);
    must(n > 0 && n < (int)sizeof key);
    arena_init(&a, 4096);
    enum err e = ledger_meta_find(ledger_as_reader(l), key, &a, &text);
    dst[0] = 0;
    if (e == OK && !span_copy(dst, HASH_TEXT, text))
        dst[0] = 0;
    arena_release(&a);
    return e == ERR_NOTFOUND ? OK : e;
}

enum err
shipped_write(const char *dir, struct ledger *l, struct note *note)
{
    char path[OS_PATH], hash[HASH_TEXT];
    enum err e = os_join(path, sizeof path, dir, "definitions");
    if (e == OK)
        e = os_mkdir(os_fs_real(), path, note);
    for (const struct builtin_file *f = builtin_definitions(); f->path && e == OK;
         f++) {
        e = write_one(dir, f, "", note);
        hash_of(f->text, hash);
        if (e == OK)
            e = keep(l, f->path, hash);
    }
    return e;
}

/* ---- an upgrade ---- */

enum move { LEAVE, ADD, RENEW, LAY_BESIDE };

/* mine: hash of the city's file, "" when there is none. */
static enum move
move_of(const char *path, const char *mine, const char *last, const char *ours)
{
    if (!mine[0])
        return last[0] || in_first_release(path) ? LEAVE : ADD;
    if (strcmp(mine, ours) == 0)
        return LEAVE;
    bool untouched = last[0] ? strcmp(mine, last) == 0 : was_unnoted(path, mine);
    if (untouched)
        return RENEW;
    return strcmp(last, ours) == 0 ? LEAVE : LAY_BESIDE;
}

static enum err
read_hash(const char *dir, const char *path, char dst[HASH_TEXT], struct note *note)
{
    char full[OS_PATH], *text;
    size_t n;
    dst[0] = 0;
    if (!path_of(full, dir, path, ""))
        return ERR_TOOBIG;
    enum err e = os_read_file(os_fs_real(), full, FILE_MOST, &text, &n, note);
    if (e == ERR_NOTFOUND) {
        if (note)
            *note = (struct note){0};
        return OK;
    }
    if (e != OK)
        return e;
    hash_of(span_of(text, n), dst);
    free(text);
    return OK;
}

/* The file is this release's: there is nothing to compare. */
static enum err
settled(
    const char *dir, const struct builtin_file *f, struct ledger *l, const char *last,
    const char *ours)
{
    char beside[OS_PATH];
    enum err e = ERR_NOTFOUND; /* as a rule there is none */
    if (path_of(beside, dir, f->path, ".new"))
        e = os_unlink(os_fs_real(), beside);
    if (e != OK && e != ERR_NOTFOUND)
        return e;
    return strcmp(last, ours) == 0 ? OK : keep(l, f->path, ours);
}

static enum err
bring_one(
    const char *dir, const struct builtin_file *f, struct ledger *l, struct note *note)
{
    char mine[HASH_TEXT], last[HASH_TEXT], ours[HASH_TEXT];
    hash_of(f->text, ours);
    enum err e = read_hash(dir, f->path, mine, note);
    if (e == OK)
        e = kept(l, f->path, last);
    if (e != OK)
        return e;
    enum move move = move_of(f->path, mine, last, ours);
    if (move == LEAVE)
        return strcmp(mine, ours) == 0 ? settled(dir, f, l, last, ours) : OK;
    e = write_one(dir, f, move == LAY_BESIDE ? ".new" : "", note);
    if (e != OK) {
        log_note(EV_definition_failed, e, note);
        return OK;
    }
    log_event(
        move == LAY_BESIDE ? EV_definition_waits : EV_definition_renewed,
        log_w("file", f->path));
    return keep(l, f->path, ours);
}

enum err
shipped_bring(const char *dir, struct ledger *l, struct note *note)
{
    enum err e = ledger_begin(l);
    if (e != OK)
        return e;
    for (const struct builtin_file *f = builtin_definitions(); f->path && e == OK; f++)
        e = bring_one(dir, f, l, note);
    if (e == OK)
        return ledger_commit(l, note);
    ledger_rollback(l);
    return e;
}

const char *
shipped_waits(const char *dir, size_t i)
{
    char path[OS_PATH];
    for (const struct builtin_file *f = builtin_definitions(); f->path; f++) {
        bool is_dir;
        uint64_t size;
        if (path_of(path, dir, f->path, ".new") &&
            os_stat(os_fs_real(), path, &size, &is_dir) == OK && i-- == 0)
            return f->path;
    }
    return NULL;
}
