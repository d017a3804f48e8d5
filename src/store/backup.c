/* SPDX-License-Identifier: Apache-2.0 */
/* A backup is a directory like the one it came from, and a manifest. What a data
 * directory holds beside ledger, sightings and audit (definitions, documents, keys,
 * settings) is copied as it stands; what can be made anew (registry image, reserve,
 * lock, sockets) is left out.
 *
 * manifest.tq is text:
 *   tongqu-backup 1 <release> <at_ms>
 *   at lsn <n> journal <n> audit <n>
 *   file <size> <BLAKE2b-256> <path>        one a file, sorted as walked
 *   end <files> <bytes> <BLAKE2b-256 of the lines above> */
#include "store/backup.h"

#include "core/cur.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define BLOCK (1u << 20)
#define DEPTH 8
#define MANIFEST "manifest.tq"
#define MANIFEST_MAX (256u << 20)

struct names {
    char **p; /* heap, and so is each */
    size_t n, room;
    bool bad;
};

struct copying {                  /* one run of backup or restore */
    const struct backup_job *job; /* NULL in a restore */
    struct os_fs *fs;
    struct buf manifest;
    uint64_t files, bytes;
    uint8_t *block;
    struct note *note;
};

/* ---- directories ---- */

static void
keep_name(void *arg, const char *name)
{
    struct names *l = arg;
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        char **p = realloc(l->p, room * sizeof *p);
        if (!p) {
            l->bad = true;
            return;
        }
        l->p = p;
        l->room = room;
    }
    if ((l->p[l->n] = strdup(name)))
        l->n++;
    else
        l->bad = true;
}

static void
names_release(struct names *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->p[i]);
    free(l->p);
}

static enum err
list(struct os_fs *fs, const char *dir, struct names *out)
{
    *out = (struct names){0};
    enum err e = os_list(fs, dir, keep_name, out);
    return e ? e : out->bad ? ERR_NOMEM : OK;
}

/* dir/name into dst[OS_PATH], or what to do about it. */
static enum err
join(struct copying *c, char *dst, const char *dir, const char *name)
{
    enum err e = os_join(dst, OS_PATH, dir, name);
    if (e == ERR_TOOBIG)
        e = note_fmt(
            c->note, e, "",
            "a path is longer than %d bytes; shorter names are wanted at %s",
            "路径超过 %d 字节，请缩短文件名或目录名：%s", OS_PATH - 1, name);
    return e;
}

/* Makes dir when absent; ERR_CONFLICT when something is in it. */
static enum err
make_empty(struct os_fs *fs, const char *dir, struct note *note)
{
    struct names names = {0};
    enum err e = os_mkdir(fs, dir, note);
    if (!e)
        e = list(fs, dir, &names);
    if (!e && names.n)
        e = note_fmt(
            note, ERR_CONFLICT, "",
            "%s is not empty: choose another directory, or empty it if restoring it "
            "was "
            "cut off",
            "%s 不是空目录：请另选目录；若上次恢复中断，请先清空", dir);
    names_release(&names);
    return e;
}

/* ---- bytes ---- */

static bool
go_on(struct copying *c, const char *what)
{
    const struct backup_job *job = c->job;
    return !job || !job->progress || job->progress(job->arg, c->bytes, what);
}

static void
manifest_file(
    struct copying *c, uint64_t size, const uint8_t hash[32], const char *path)
{
    char hex[65];
    sodium_bin2hex(hex, sizeof hex, hash, 32);
    buf_fmt(&c->manifest, "file %llu %s %s\n", (unsigned long long)size, hex, path);
    c->files++;
}

/* Reads a whole file through the hash; writes it to `to` when that is not NULL. */
static enum err
pass_bytes(
    struct copying *c, struct os_file *in, struct os_file *to, uint64_t size,
    const char *what, uint8_t hash[32])
{
    crypto_generichash_state h;
    crypto_generichash_init(&h, NULL, 0, 32);
    enum err e = OK;
    for (uint64_t at = 0; !e && at < size;) {
        size_t n = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
        e = os_read_full(in, at, c->block, n);
        if (!e)
            crypto_generichash_update(&h, c->block, n);
        if (!e && to)
            e = os_write_at(to, at, c->block, n);
        at += n;
        c->bytes += n;
        if (!e && !go_on(c, what))
            e = note_set(c->note, ERR_STOPPING, "", "stopped", "已停止");
    }
    crypto_generichash_final(&h, hash, 32);
    return e;
}

/* A secret stays one: the copy gets the mode that os_file would not give it. */
static enum err
keep_mode(struct os_file *in, struct os_file *out)
{
    struct stat st;
    if (os_fd(in) < 0 || os_fd(out) < 0)
        return OK;
    return fstat(os_fd(in), &st) || fchmod(os_fd(out), st.st_mode & 0777) ? ERR_IO : OK;
}

static enum err
copy_file(
    struct copying *c, const char *from, const char *to, uint8_t hash[32],
    uint64_t *size)
{
    struct os_file *in = NULL, *out = NULL;
    enum err e = os_open(c->fs, from, OS_READ, &in, c->note);
    if (!e)
        e = os_size(in, size);
    if (!e)
        e = os_open(c->fs, to, OS_WRITE | OS_CREATE | OS_EXCL, &out, c->note);
    if (!e)
        e = keep_mode(in, out);
    if (!e)
        e = pass_bytes(c, in, out, *size, to, hash);
    if (!e)
        e = os_sync(out, "backup.file");
    os_close(&in);
    os_close(&out);
    return e;
}

static enum err
hash_file(struct copying *c, const char *path, uint8_t hash[32], uint64_t *size)
{
    struct os_file *in = NULL;
    enum err e = os_open(c->fs, path, OS_READ, &in, NULL);
    if (!e)
        e = os_size(in, size);
    if (!e)
        e = pass_bytes(c, in, NULL, *size, path, hash);
    os_close(&in);
    return e;
}

/* Every file below out/below that is there already goes into the manifest. */
static enum err
add_tree(struct copying *c, const char *below, unsigned depth)
{
    struct names names = {0};
    char dir[OS_PATH];
    enum err e = depth > DEPTH ? ERR_TOOBIG : join(c, dir, c->job->out, below);
    if (e)
        return e;
    e = list(c->fs, dir, &names);
    for (size_t i = 0; !e && i < names.n; i++) {
        char inner[OS_PATH], path[OS_PATH];
        uint8_t hash[32];
        uint64_t size = 0;
        bool is_dir = false;
        e = join(c, inner, below, names.p[i]);
        if (!e)
            e = join(c, path, dir, names.p[i]);
        if (!e)
            e = os_stat(c->fs, path, &size, &is_dir);
        if (!e && is_dir)
            e = add_tree(c, inner, depth + 1);
        else if (!e && !(e = hash_file(c, path, hash, &size)))
            manifest_file(c, size, hash, inner);
    }
    names_release(&names);
    return e;
}

/* ---- parts of a backup ---- */

static enum err
copy_ledger(struct copying *c, struct backup_result *r)
{
    char path[OS_PATH];
    uint8_t hash[32];
    uint64_t size = 0;
    enum err e = os_join(path, sizeof path, c->job->out, "ledger.db");
    /* Number and copy come from one state. */
    if (!e)
        e = ledger_reader_begin(c->job->ledger);
    if (e)
        return e;
    e = ledger_journal_last(c->job->ledger, &r->journal);
    if (!e)
        e = ledger_copy(c->job->ledger, path, c->note);
    ledger_reader_end(c->job->ledger);
    if (!e)
        e = hash_file(c, path, hash, &size);
    if (!e)
        manifest_file(c, size, hash, "ledger.db");
    return e;
}

struct sight_out {
    struct copying *c;
    struct os_file *f;
    char name[OS_PATH], dir[OS_PATH];
};

static enum err
close_out(struct sight_out *s)
{
    enum err e = s->f ? os_sync(s->f, "backup.sight") : OK;
    os_close(&s->f);
    s->name[0] = 0;
    return e;
}

/* Makes every directory on the way to dir/name. */
static enum err
make_way(struct os_fs *fs, const char *dir, const char *name, struct note *note)
{
    char path[OS_PATH];
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        int n = snprintf(path, sizeof path, "%s/%.*s", dir, (int)(slash - name), name);
        enum err e = n < (int)sizeof path ? os_mkdir(fs, path, note) : ERR_TOOBIG;
        if (e)
            return e;
    }
    return OK;
}

static enum err
put_sight(
    void *arg, const char *name, uint64_t off, const void *p, size_t n,
    struct note *note)
{
    struct sight_out *s = arg;
    enum err e = OK;
    if (strcmp(name, s->name) != 0) {
        char path[OS_PATH];
        e = close_out(s);
        if (!e)
            e = make_way(s->c->fs, s->dir, name, note);
        if (!e)
            e = os_join(path, sizeof path, s->dir, name);
        if (!e)
            e = os_open(s->c->fs, path, OS_READ | OS_WRITE | OS_CREATE, &s->f, note);
        if (!e && !span_copy(s->name, sizeof s->name, span_cstr(name)))
            e = ERR_TOOBIG;
    }
    if (!e && n)
        e = os_write_at(s->f, off, p, n);
    if (!e && !go_on(s->c, name))
        e = note_set(note, ERR_STOPPING, "", "stopped", "已停止");
    return e;
}

static enum err
copy_sight(struct copying *c, struct backup_result *r)
{
    struct sight_out s = {.c = c};
    const struct sight_sink sink = {put_sight, &s};
    if (!c->job->sight)
        return OK;
    enum err e = os_join(s.dir, sizeof s.dir, c->job->out, "sight");
    if (!e)
        e = os_mkdir(c->fs, s.dir, c->note);
    if (!e)
        e = sight_backup(c->job->sight, &sink, &r->lsn, c->note);
    enum err last = close_out(&s);
    if (!e)
        e = last;
    return e ? e : add_tree(c, "sight", 0);
}

static bool
left_out(const char *name)
{
    static const char *const exact[] = {
        "sight", "audit",    "registry.img", "reserve",
        "lock",  "ctl.sock", MANIFEST,       "format",
    };
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof exact / sizeof exact[0]; i++)
        if (strcmp(name, exact[i]) == 0)
            return true;
    return strncmp(name, "ledger", 6) == 0 ||
           (n > 4 && strcmp(name + n - 4, ".tmp") == 0);
}

/* dir/below as it stands, with all below it. */
static enum err
copy_tree(struct copying *c, const char *below, unsigned depth)
{
    char from[OS_PATH], to[OS_PATH];
    uint8_t hash[32];
    uint64_t size = 0;
    bool is_dir = false;
    struct names names = {0};
    enum err e = depth > DEPTH ? ERR_TOOBIG : join(c, from, c->job->dir, below);
    if (!e)
        e = join(c, to, c->job->out, below);
    if (!e)
        e = os_stat(c->fs, from, &size, &is_dir);
    if (e)
        return e;
    if (!is_dir) {
        e = copy_file(c, from, to, hash, &size);
        if (!e)
            manifest_file(c, size, hash, below);
        return e;
    }
    e = os_mkdir(c->fs, to, c->note);
    if (!e)
        e = list(c->fs, from, &names);
    for (size_t i = 0; !e && i < names.n; i++) {
        char inner[OS_PATH];
        size_t n = strlen(names.p[i]);
        if (n > 4 && strcmp(names.p[i] + n - 4, ".tmp") == 0)
            continue;
        e = join(c, inner, below, names.p[i]);
        if (!e)
            e = copy_tree(c, inner, depth + 1);
    }
    names_release(&names);
    return e ? e : os_sync_dir(c->fs, to, "backup.dir");
}

static enum err
copy_others(struct copying *c)
{
    struct names names = {0};
    enum err e = list(c->fs, c->job->dir, &names);
    for (size_t i = 0; !e && i < names.n; i++)
        if (!left_out(names.p[i]))
            e = copy_tree(c, names.p[i], 0);
    names_release(&names);
    return e;
}

static enum err
copy_audit(struct copying *c, struct backup_result *r)
{
    char to[OS_PATH];
    if (!c->job->audit)
        return OK;
    enum err e = os_join(to, sizeof to, c->job->out, "audit");
    if (!e)
        e = os_mkdir(c->fs, to, c->note);
    if (!e)
        e = audit_copy(c->job->audit, to, c->job->at_ms, &r->audit, c->note);
    if (e == ERR_NOTFOUND) /* nothing was ever recorded */
        return OK;
    return e ? e : add_tree(c, "audit", 0);
}

static enum err
write_manifest(struct copying *c, const struct backup_result *r)
{
    char path[OS_PATH], hex[65];
    uint8_t hash[32];
    struct buf all = {0};
    buf_fmt(
        &all, "tongqu-backup 1 %s %lld\nat lsn %llu journal %llu audit %llu\n",
        c->job->release, (long long)c->job->at_ms, (unsigned long long)r->lsn,
        (unsigned long long)r->journal, (unsigned long long)r->audit);
    buf_put(&all, c->manifest.p, c->manifest.n);
    crypto_generichash(hash, sizeof hash, all.p, all.n, NULL, 0);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    buf_fmt(
        &all, "end %llu %llu %s\n", (unsigned long long)r->files,
        (unsigned long long)r->bytes, hex);
    enum err e = all.bad || c->manifest.bad ? ERR_NOMEM : OK;
    if (!e)
        e = os_join(path, sizeof path, c->job->out, MANIFEST);
    if (!e)
        e = os_write_file(
            c->fs, path, span_of(all.p, all.n), "backup.manifest", c->note);
    buf_release(&all);
    return e;
}

enum err
backup_run(const struct backup_job *job, struct backup_result *out, struct note *note)
{
    struct copying c = {.job = job, .fs = job->fs, .note = note};
    struct backup_result r = {0};
    c.block = sodium_init() < 0 ? NULL : malloc(BLOCK);
    if (!c.block)
        return ERR_NOMEM;
    enum err e = make_empty(c.fs, job->out, note);
    if (!e && job->hold)
        job->hold(job->arg, true);
    bool held = !e && job->hold;
    if (!e)
        e = copy_ledger(&c, &r);
    if (!e)
        e = copy_sight(&c, &r);
    if (held)
        job->hold(job->arg, false);
    if (!e)
        e = copy_others(&c);
    if (!e)
        e = copy_audit(&c, &r);
    if (!e) /* last, as init does: a directory without it is none, half a restore
               neither */
        e = copy_tree(&c, "format", 0);
    r.files = c.files;
    r.bytes = c.bytes;
    if (!e)
        e = os_sync_dir(c.fs, job->out, "backup.top");
    if (!e)
        e = write_manifest(&c, &r);
    buf_release(&c.manifest);
    free(c.block);
    if (!e)
        *out = r;
    else if (e == ERR_FULL)
        (void)note_fmt(
            note, e, "", "%s has no room for the backup: it is not finished, remove it",
            "%s 空间不足，备份未完成，请删除", job->out);
    else if (e == ERR_IO)
        (void)note_fmt(
            note, e, "", "the backup could not be written to %s", "备份写入 %s 失败",
            job->out);
    return e;
}

/* ---- the way back ---- */

struct line { /* one file of a manifest */
    uint64_t size;
    uint8_t hash[32];
    char path[OS_PATH];
};

/* Calls each() for every file; checks form and the end line first. */
struct manifest {
    char *text;
    size_t n; /* of the lines above the end line */
    struct backup_result r;
};

static enum err
bad_manifest(struct note *note)
{
    return note_set(
        note, ERR_CORRUPT, "", "the manifest of the backup is damaged or unfinished",
        "备份清单已损坏或不完整");
}

static bool
read_position(struct span line, struct backup_result *r)
{
    return span_eq_cstr(span_cut(&line, ' '), "at") &&
           span_eq_cstr(span_cut(&line, ' '), "lsn") &&
           span_u64(span_cut(&line, ' '), &r->lsn) &&
           span_eq_cstr(span_cut(&line, ' '), "journal") &&
           span_u64(span_cut(&line, ' '), &r->journal) &&
           span_eq_cstr(span_cut(&line, ' '), "audit") && span_u64(line, &r->audit);
}

static bool
read_end(const struct manifest *m, struct span line, struct backup_result *r)
{
    uint8_t is[32], want[32];
    size_t got = 0;
    if (!span_eq_cstr(span_cut(&line, ' '), "end") ||
        !span_u64(span_cut(&line, ' '), &r->files) ||
        !span_u64(span_cut(&line, ' '), &r->bytes) || line.n != 64 ||
        sodium_hex2bin(want, sizeof want, line.p, 64, NULL, &got, NULL))
        return false;
    crypto_generichash(is, sizeof is, (const uint8_t *)m->text, m->n, NULL, 0);
    return memcmp(is, want, sizeof is) == 0;
}

static enum err
open_manifest(struct os_fs *fs, const char *from, struct manifest *m, struct note *note)
{
    char path[OS_PATH];
    size_t n = 0;
    *m = (struct manifest){0};
    enum err e = os_join(path, sizeof path, from, MANIFEST);
    if (!e)
        e = os_read_file(fs, path, MANIFEST_MAX, &m->text, &n, NULL);
    if (e == ERR_NOTFOUND)
        return note_fmt(
            note, e, "", "%s is no finished backup: it has no manifest",
            "%s 不是完整的备份：缺少清单", from);
    if (e)
        return e;
    if (n < 2 || m->text[n - 1] != '\n')
        return bad_manifest(note);
    size_t last = n - 1;
    while (last > 0 && m->text[last - 1] != '\n')
        last--;
    m->n = last;
    struct span rest = {m->text, last}, first = span_cut(&rest, '\n');
    if (!span_starts(first, SPAN("tongqu-backup ")))
        return bad_manifest(note);
    if (!span_starts(first, SPAN("tongqu-backup 1 ")))
        return note_set(
            note, ERR_NEWER, "", "the backup was made by a newer release",
            "备份由更新版本生成");
    if (!read_position(span_cut(&rest, '\n'), &m->r) ||
        !read_end(m, (struct span){m->text + last, n - 1 - last}, &m->r))
        return bad_manifest(note);
    return OK;
}

/* A path of a manifest stays below the directory it is put into. */
static bool
path_is_tame(const char *path)
{
    if (path[0] == '/' || path[0] == 0)
        return false;
    for (const char *p = path; p; p = strchr(p, '/')) {
        p += *p == '/';
        size_t n = strcspn(p, "/");
        if (n == 0 || (n <= 2 && strspn(p, ".") >= n))
            return false;
    }
    return true;
}

static bool
read_line(struct span line, struct line *out)
{
    size_t got = 0;
    if (!span_eq_cstr(span_cut(&line, ' '), "file") ||
        !span_u64(span_cut(&line, ' '), &out->size))
        return false;
    struct span hex = span_cut(&line, ' ');
    return hex.n == 64 &&
           !sodium_hex2bin(
               out->hash, sizeof out->hash, hex.p, hex.n, NULL, &got, NULL) &&
           span_copy(out->path, sizeof out->path, line) && path_is_tame(out->path);
}

static enum err
each_line(
    const struct manifest *m, enum err (*each)(void *arg, const struct line *line),
    void *arg, struct note *note)
{
    struct span rest = {m->text, m->n};
    struct line line;
    (void)span_cut(&rest, '\n');
    (void)span_cut(&rest, '\n');
    while (rest.n) {
        if (!read_line(span_cut(&rest, '\n'), &line))
            return bad_manifest(note);
        enum err e = each(arg, &line);
        if (e)
            return e;
    }
    return OK;
}

struct checking {
    struct copying c;
    const char *from, *to; /* to: NULL when only checking */
};

static enum err
differs(const struct line *line, struct note *note)
{
    return note_fmt(
        note, ERR_CORRUPT, "", "%s differs from the manifest", "%s 与清单不符",
        line->path);
}

static enum err
check_line(void *arg, const struct line *line)
{
    struct checking *k = arg;
    char path[OS_PATH];
    uint8_t hash[32];
    uint64_t size = 0;
    enum err e = join(&k->c, path, k->from, line->path);
    if (!e)
        e = hash_file(&k->c, path, hash, &size);
    if (e == ERR_NOTFOUND)
        return note_fmt(
            k->c.note, ERR_CORRUPT, "", "%s is missing", "缺少文件 %s", line->path);
    if (!e && (size != line->size || memcmp(hash, line->hash, sizeof hash) != 0))
        return differs(line, k->c.note);
    k->c.files++;
    return e;
}

static enum err
restore_line(void *arg, const struct line *line)
{
    struct checking *k = arg;
    char from[OS_PATH], to[OS_PATH];
    uint8_t hash[32];
    uint64_t size = 0;
    enum err e = join(&k->c, from, k->from, line->path);
    if (!e)
        e = join(&k->c, to, k->to, line->path);
    if (!e)
        e = make_way(k->c.fs, k->to, line->path, k->c.note);
    if (!e)
        e = copy_file(&k->c, from, to, hash, &size);
    if (!e && (size != line->size || memcmp(hash, line->hash, sizeof hash) != 0))
        return differs(line, k->c.note);
    return e;
}

/* Names made on the way to a file are durable. */
static enum err
settle_line(void *arg, const struct line *line)
{
    struct checking *k = arg;
    char dir[OS_PATH];
    enum err e = os_join(dir, sizeof dir, k->to, line->path);
    for (char *slash;
         !e && (slash = strrchr(dir, '/')) && slash > dir + strlen(k->to);) {
        *slash = 0;
        e = os_sync_dir(k->c.fs, dir, "restore.dir");
    }
    return e;
}

static enum err
check_all(
    struct os_fs *fs, const char *from, const struct manifest *m, struct note *note)
{
    struct checking k = {.c = {.fs = fs, .note = note}, .from = from};
    k.c.block = malloc(BLOCK);
    enum err e = k.c.block ? each_line(m, check_line, &k, note) : ERR_NOMEM;
    if (!e && k.c.files != m->r.files)
        e = bad_manifest(note);
    free(k.c.block);
    return e;
}

enum err
backup_verify(
    struct os_fs *fs, const char *from, struct backup_result *out, struct note *note)
{
    struct manifest m;
    if (sodium_init() < 0)
        return ERR_NOMEM;
    enum err e = open_manifest(fs, from, &m, note);
    if (!e)
        e = check_all(fs, from, &m, note);
    if (!e)
        *out = m.r;
    free(m.text);
    return e;
}

enum err
backup_restore(
    struct os_fs *fs, const char *from, const char *dir, struct backup_result *out,
    struct note *note)
{
    struct manifest m;
    struct checking k = {.c = {.fs = fs, .note = note}, .from = from, .to = dir};
    if (sodium_init() < 0)
        return ERR_NOMEM;
    enum err e = open_manifest(fs, from, &m, note);
    if (!e)
        e = check_all(fs, from, &m, note);
    if (!e)
        e = make_empty(fs, dir, note);
    if (!e)
        e = (k.c.block = malloc(BLOCK)) ? OK : ERR_NOMEM;
    if (!e)
        e = each_line(&m, restore_line, &k, note);
    if (!e)
        e = each_line(&m, settle_line, &k, note);
    if (!e)
        e = os_sync_dir(fs, dir, "restore.top");
    if (!e)
        e = check_all(fs, dir, &m, note);
    free(k.c.block);
    if (!e)
        *out = m.r;
    free(m.text);
    return e;
}
