/* SPDX-License-Identifier: Apache-2.0 */
/* A file under its own hash: reading it proves it. */
#include "store/docs.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

char *
doc_ref_format(char *dst, const struct doc_ref *ref)
{
    return sodium_bin2hex(dst, DOC_REF_TEXT, ref->hash, sizeof ref->hash);
}

bool
doc_ref_parse(struct span s, struct doc_ref *out)
{
    struct doc_ref ref;
    size_t n = 0;
    if (s.n != DOC_REF_TEXT - 1 ||
        sodium_hex2bin(ref.hash, sizeof ref.hash, s.p, s.n, NULL, &n, NULL) ||
        n != sizeof ref.hash)
        return false;
    *out = ref;
    return true;
}

static struct doc_ref
ref_of(struct span bytes)
{
    struct doc_ref ref;
    crypto_generichash(
        ref.hash, sizeof ref.hash, (const unsigned char *)bytes.p, bytes.n, NULL, 0);
    return ref;
}

/* DIR/docs, DIR/docs/ab and the file in it. */
static enum err
paths(
    const char *dir, const struct doc_ref *ref, char docs[OS_PATH], char shelf[OS_PATH],
    char path[OS_PATH])
{
    char text[DOC_REF_TEXT], two[3];
    doc_ref_format(text, ref);
    snprintf(two, sizeof two, "%.2s", text);
    enum err e = os_join(docs, OS_PATH, dir, "docs");
    if (!e)
        e = os_join(shelf, OS_PATH, docs, two);
    return e ? e : os_join(path, OS_PATH, shelf, text);
}

enum err
docs_path(const char *dir, const struct doc_ref *ref, char dst[OS_PATH])
{
    char docs[OS_PATH], shelf[OS_PATH];
    return paths(dir, ref, docs, shelf, dst);
}

static enum err
make_shelf(
    struct os_fs *fs, const char *dir, const char *docs, const char *shelf,
    struct note *note)
{
    enum err e = os_mkdir(fs, docs, note);
    if (!e)
        e = os_sync_dir(fs, dir, "docs.dir");
    if (!e)
        e = os_mkdir(fs, shelf, note);
    return e ? e : os_sync_dir(fs, docs, "docs.shelf");
}

bool
docs_known(struct os_fs *fs, const char *dir, struct span bytes)
{
    char path[OS_PATH];
    uint64_t size;
    bool is_dir;
    struct doc_ref ref = ref_of(bytes);
    return docs_path(dir, &ref, path) == OK && os_stat(fs, path, &size, &is_dir) == OK;
}

enum err
docs_put(
    struct os_fs *fs, const char *dir, struct span bytes, struct doc_ref *out,
    struct note *note)
{
    char docs[OS_PATH], shelf[OS_PATH], path[OS_PATH];
    uint64_t size;
    bool is_dir;
    if (bytes.n > DOCS_MAX)
        return note_fmt(
            note, ERR_TOOBIG, "", "a document has at most %u MB",
            "单个文件不得超过 %u MB", DOCS_MAX >> 20);
    struct doc_ref ref = ref_of(bytes);
    enum err e = paths(dir, &ref, docs, shelf, path);
    if (!e)
        e = os_stat(fs, path, &size, &is_dir);
    if (e == ERR_NOTFOUND) {
        e = make_shelf(fs, dir, docs, shelf, note);
        if (!e)
            e = os_write_file(fs, path, bytes, "docs.write", note);
    }
    if (!e)
        *out = ref;
    return e;
}

enum err
docs_get(
    struct os_fs *fs, const char *dir, const struct doc_ref *ref, struct arena *a,
    struct span *out, struct note *note)
{
    char docs[OS_PATH], shelf[OS_PATH], path[OS_PATH], *text = NULL;
    size_t n = 0;
    enum err e = paths(dir, ref, docs, shelf, path);
    if (!e)
        e = os_read_file(fs, path, DOCS_MAX, &text, &n, note);
    if (e)
        return e;
    struct doc_ref is = ref_of((struct span){text, n});
    if (sodium_memcmp(is.hash, ref->hash, sizeof is.hash) != 0) {
        e = note_set(
            note, ERR_CORRUPT, "", "the document is damaged: restore it from a backup",
            "文件已损坏，请从备份恢复");
    } else {
        struct span copy = arena_span(a, (struct span){text, n});
        if (copy.p)
            *out = copy;
        else
            e = ERR_TOOBIG;
    }
    free(text);
    return e;
}

enum err
docs_drop(struct os_fs *fs, const char *dir, const struct doc_ref *ref)
{
    char docs[OS_PATH], shelf[OS_PATH], path[OS_PATH];
    enum err e = paths(dir, ref, docs, shelf, path);
    if (!e)
        e = os_unlink(fs, path);
    if (e)
        return e == ERR_NOTFOUND ? OK : e;
    return os_sync_dir(fs, shelf, "docs.drop");
}
