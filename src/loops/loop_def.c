/* SPDX-License-Identifier: Apache-2.0 */
/* The set of definitions, and looking things up in one. */
#include "loops/loop_def.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loops/ydoc.h"

#define DEFS_MAX 1024

struct loop_defs {
    struct loop_def *rows[DEFS_MAX]; /* kinds by name, versions rising */
    size_t n;
};

struct loop_defs *
loop_defs_new(void)
{
    return calloc(1, sizeof(struct loop_defs));
}

void
loop_defs_free(struct loop_defs *s)
{
    for (size_t i = 0; s && i < s->n; i++)
        loop_def_free(s->rows[i]);
    free(s);
}

static int
order(const struct loop_def *a, const struct loop_def *b)
{
    int by_kind = strcmp(a->kind, b->kind);
    if (by_kind)
        return by_kind;
    return a->version < b->version ? -1 : a->version > b->version;
}

enum err
loop_defs_add(
    struct loop_defs *s, struct span text, const char *file, struct note *note)
{
    struct loop_def *d = NULL;
    enum err e = loop_def_parse(text, file, &d, note);
    if (e)
        return e;
    size_t at = 0;
    while (at < s->n && order(s->rows[at], d) < 0)
        at++;
    if (at < s->n && order(s->rows[at], d) == 0) {
        bool same = memcmp(s->rows[at]->hash, d->hash, LOOP_HASH) == 0;
        if (!same)
            e = note_fmt(
                note, ERR_CONFLICT, "version",
                "%1$s: version %2$u of \"%3$s\" is published with other content "
                "(%4$s): "
                "raise the version",
                "%1$s：“%3$s”第 %2$u 版已发布且内容不同（%4$s），请提高版本号", file,
                d->version, d->kind, s->rows[at]->file);
        loop_def_free(d);
        return e;
    }
    if (s->n == DEFS_MAX) {
        loop_def_free(d);
        return note_set(
            note, ERR_TOOBIG, "", "too many definitions (1024)", "定义过多（1024）");
    }
    memmove(&s->rows[at + 1], &s->rows[at], (s->n - at) * sizeof s->rows[0]);
    s->rows[at] = d;
    s->n++;
    return OK;
}

static bool
ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && strcmp(name + n - m, end) == 0;
}

static int
wanted(const struct dirent *d)
{
    return d->d_name[0] != '.' &&
           (ends_with(d->d_name, ".yaml") || ends_with(d->d_name, ".yml") ||
            ends_with(d->d_name, ".json"));
}

static enum err
file_failed(const char *path, struct note *note)
{
    return note_fmt(
        note, ERR_IO, "", "%1$s: cannot be read: %2$s", "%1$s：无法读取：%2$s", path,
        strerror(errno));
}

/* A whole file of at most YDOC_MAX_BYTES + 1 (so that one too large is noticed). */
static enum err
read_file(const char *path, struct buf *out, struct note *note)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return file_failed(path, note);
    enum err e = OK;
    for (;;) {
        uint8_t *room = buf_room(out, 65536);
        if (!room) {
            e = note_set(note, ERR_NOMEM, "", "out of memory", "内存不足");
            break;
        }
        ssize_t got = read(fd, room, 65536);
        if (got < 0)
            e = file_failed(path, note);
        if (got <= 0)
            break;
        out->n += (size_t)got;
        if (out->n > YDOC_MAX_BYTES)
            break;
    }
    close(fd);
    return e;
}

/* Calls each() with the text of every definition file of dir, in the order of their
 * names, until one call fails. */
static enum err
each_file(
    const char *dir,
    enum err (*each)(void *ctx, struct span text, const char *path, struct note *note),
    void *ctx, struct note *note)
{
    struct dirent **names = NULL;
    int n = scandir(dir, &names, wanted, alphasort);
    if (n < 0)
        return file_failed(dir, note);
    enum err e = OK;
    for (int i = 0; i < n; i++) {
        char path[4096];
        struct buf text = {0};
        int len = snprintf(path, sizeof path, "%s/%s", dir, names[i]->d_name);
        if (!e && (len < 0 || (size_t)len >= sizeof path))
            e = note_set(note, ERR_INPUT, "", "the path is too long", "路径过长");
        if (!e)
            e = read_file(path, &text, note);
        if (!e)
            e = each(ctx, span_of(text.n ? (char *)text.p : "", text.n), path, note);
        buf_release(&text);
        free(names[i]);
    }
    free(names);
    return e;
}

static enum err
add_file(void *ctx, struct span text, const char *path, struct note *note)
{
    return loop_defs_add(ctx, text, path, note);
}

enum err
loop_defs_load(struct loop_defs *s, const char *dir, struct note *note)
{
    return each_file(dir, add_file, s, note);
}

struct linting {
    void (*tell)(void *ctx, const struct loop_finding *f);
    void *ctx;
    size_t errors;
};

static enum err
lint_file(void *ctx, struct span text, const char *path, struct note *note)
{
    struct linting *l = ctx;
    struct loop_def *d = NULL;
    struct note why = {0};
    (void)note;
    if (loop_def_parse(text, path, &d, &why) == OK) {
        l->errors += loop_lint(d, l->tell, l->ctx);
    } else {
        struct loop_finding f = {.error = true, .file = path, .path = why.field};
        memcpy(f.en, why.en, sizeof f.en);
        memcpy(f.zh, why.zh, sizeof f.zh);
        l->errors++;
        l->tell(l->ctx, &f);
    }
    loop_def_free(d);
    return OK;
}

enum err
loop_lint_dir(
    const char *dir, void (*tell)(void *ctx, const struct loop_finding *f), void *ctx,
    size_t *errors, struct note *note)
{
    struct linting l = {.tell = tell, .ctx = ctx};
    enum err e = each_file(dir, lint_file, &l, note);
    if (!e)
        *errors = l.errors;
    return e;
}

bool
loop_defs_current(const struct loop_defs *s, const struct loop_def *d)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->rows[i] == d)
            return i + 1 == s->n || strcmp(s->rows[i + 1]->kind, d->kind) != 0;
    return false;
}

const struct loop_def *
loop_def_find(const struct loop_defs *s, struct span kind)
{
    for (size_t i = s->n; i--;)
        if (span_eq_cstr(kind, s->rows[i]->kind))
            return s->rows[i];
    return NULL;
}

const struct loop_def *
loop_def_pinned(const struct loop_defs *s, const uint8_t hash[LOOP_HASH])
{
    for (size_t i = 0; i < s->n; i++)
        if (memcmp(s->rows[i]->hash, hash, LOOP_HASH) == 0)
            return s->rows[i];
    return NULL;
}

const struct loop_def *
loop_def_opened_by(const struct loop_defs *s, struct span finding)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->rows[i]->opened_by && span_eq_cstr(finding, s->rows[i]->opened_by) &&
            loop_defs_current(s, s->rows[i]))
            return s->rows[i];
    return NULL;
}

const struct loop_def *
loop_defs_at(const struct loop_defs *s, size_t i)
{
    return i < s->n ? s->rows[i] : NULL;
}

/* ---- looking up ---- */

int
loop_state_find(const struct loop_def *d, struct span name)
{
    for (int i = 0; i < d->states_n; i++)
        if (span_eq_cstr(name, d->states[i].name))
            return i;
    return -1;
}

int
loop_move_find(const struct loop_def *d, struct span name)
{
    for (int i = 0; i < d->moves_n; i++)
        if (span_eq_cstr(name, d->moves[i].name))
            return i;
    return -1;
}

int
loop_field_find(const struct loop_def *d, struct span name)
{
    for (int i = 0; i < d->fields_n; i++)
        if (span_eq_cstr(name, d->fields[i].name))
            return i;
    return -1;
}

int
loop_clock_find(const struct loop_def *d, struct span name)
{
    for (int i = 0; i < d->clocks_n; i++)
        if (span_eq_cstr(name, d->clocks[i].name))
            return i;
    return -1;
}

int
loop_role_find(const struct loop_def *d, struct span name)
{
    for (int i = 0; i < d->roles_n; i++)
        if (span_eq_cstr(name, d->roles[i].name))
            return i;
    return -1;
}

int
loop_option_find(const struct loop_field *f, struct span value)
{
    for (int i = 0; i < f->options_n; i++)
        if (span_eq_cstr(value, f->options[i].value))
            return i;
    return -1;
}

unsigned
loop_move_posts(const struct loop_def *d, const struct loop_move *m)
{
    unsigned posts = 0;
    for (unsigned r = 0; r < d->roles_n; r++)
        for (unsigned i = 0; (m->roles >> r & 1) && i < d->roles[r].any_of_n; i++)
            posts |= d->roles[r].any_of[i].posts;
    return posts;
}
