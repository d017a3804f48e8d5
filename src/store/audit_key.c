/* SPDX-License-Identifier: Apache-2.0 */
/* The key pair of a record and the heads signed with it. The key is made once; a record
 * whose files or heads name another key does not open. */
#include "store/audit_core.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define HEADS_MAX (64u << 20)

/* ---- keys ---- */

static enum err
write_secret(struct audit *a, const char *path)
{
    char temporary[OS_PATH + 8], text[130];
    struct os_file *f = NULL;
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    sodium_bin2hex(text, sizeof text, a->secret, sizeof a->secret);
    text[128] = '\n';
    enum err e = os_open(a->fs, temporary, OS_WRITE | OS_CREATE | OS_TRUNC, &f, NULL);
    if (!e && os_fd(f) >= 0 && fchmod(os_fd(f), 0600) != 0)
        e = ERR_IO;
    if (!e)
        e = os_write_at(f, 0, text, 129);
    if (!e)
        e = os_sync(f, "audit.key");
    os_close(&f);
    if (!e)
        e = os_rename(a->fs, temporary, path, NULL);
    sodium_memzero(text, sizeof text);
    return e;
}

static enum err
read_secret(struct audit *a, const char *path, struct note *note)
{
    char *text = NULL;
    size_t n = 0, got = 0;
    enum err e = os_read_file(a->fs, path, 4096, &text, &n, note);
    if (e)
        return e;
    if (n < 128 ||
        sodium_hex2bin(a->secret, sizeof a->secret, text, 128, NULL, &got, NULL) ||
        got != sizeof a->secret)
        e = note_fmt(
            note, ERR_CORRUPT, "", "the audit key %s is damaged", "审计密钥 %s 已损坏",
            path);
    sodium_memzero(text, n);
    free(text);
    if (!e)
        crypto_sign_ed25519_sk_to_pk(a->key, a->secret);
    return e;
}

enum err
audit_key_load(struct audit *a, bool make, struct note *note)
{
    char path[OS_PATH], public_path[OS_PATH], text[66];
    uint64_t size;
    bool is_dir;
    enum err e = os_join(path, sizeof path, a->base, "audit.key");
    if (!e)
        e = os_join(public_path, sizeof public_path, a->dir, "key.pub");
    if (e)
        return e;
    e = os_stat(a->fs, path, &size, &is_dir);
    bool there = e == OK;
    if (there)
        e = read_secret(a, path, note);
    else if (e != ERR_NOTFOUND || !make)
        return note_fmt(
            note, e, "",
            "the audit key %s is missing: put it back, or restore a backup",
            "缺少审计密钥 %s：请放回原处，或从备份恢复", path);
    else if (crypto_sign_keypair(a->key, a->secret) == 0)
        e = write_secret(a, path);
    /* The public half may be missing after a stop between the two. */
    if (e || (there && os_stat(a->fs, public_path, &size, &is_dir) == OK))
        return e;
    sodium_bin2hex(text, sizeof text, a->key, sizeof a->key);
    text[64] = '\n';
    return os_write_file(
        a->fs, public_path, (struct span){text, 65}, "audit.key.pub", note);
}

/* ---- heads ---- */

enum err
audit_key_other(struct note *note)
{
    return note_set(
        note, ERR_CORRUPT, "",
        "the audit key is not the one this record was signed with: put it back",
        "审计密钥与既有审计记录不符，请恢复原密钥");
}

/* The last whole line of audit/heads whose signature is ours. */
enum err
audit_heads_load(struct audit *a, struct note *note)
{
    char path[OS_PATH], *text = NULL;
    size_t n = 0;
    enum err e = os_join(path, sizeof path, a->dir, "heads");
    if (!e)
        e = os_read_file(a->fs, path, HEADS_MAX, &text, &n, note);
    if (e)
        return e == ERR_NOTFOUND ? OK : e;
    struct span rest = {text, n};
    while (rest.n) {
        struct span line = span_cut(&rest, '\n');
        struct audit_head h;
        if (audit_head_parse(line, &h)) {
            e = note_set(
                note, ERR_CORRUPT, "", "a line of audit/heads is damaged",
                "审计文件 audit/heads 已损坏");
            break;
        }
        if (sodium_memcmp(h.key, a->key, sizeof a->key) != 0) {
            e = audit_key_other(note);
            break;
        }
        a->sign = h;
    }
    free(text);
    return e;
}

/* The whole file anew, in one step: a line that is no valid head is then always damage,
 * never a write that was cut off. Some megabytes a year. */
static enum err
append_head(struct audit *a, const struct audit_head *h, struct note *note)
{
    char path[OS_PATH], *text = NULL;
    size_t n = 0;
    struct buf all = {0};
    enum err e = os_join(path, sizeof path, a->dir, "heads");
    if (!e)
        e = os_read_file(a->fs, path, HEADS_MAX, &text, &n, note);
    if (e && e != ERR_NOTFOUND)
        return e;
    buf_put(&all, text, n);
    buf_text(&all, h->line);
    buf_u8(&all, '\n');
    e = all.bad
            ? ERR_NOMEM
            : os_write_file(a->fs, path, span_of(all.p, all.n), "audit.heads", note);
    free(text);
    buf_release(&all);
    return e;
}

enum err
audit_sign(struct audit *a, ts_ms at, struct audit_head *out)
{
    struct audit_head h = {.at_ms = at};
    pthread_mutex_lock(&a->signing);
    pthread_mutex_lock(&a->lock);
    h.number = a->durable;
    memcpy(h.hash, a->durable_hash, sizeof h.hash);
    pthread_mutex_unlock(&a->lock);
    memcpy(h.key, a->key, sizeof h.key);
    enum err e = h.number ? audit_head_sign(&h, a->secret) : ERR_NOTFOUND;
    if (!e)
        e = append_head(a, &h, NULL);
    if (!e) {
        pthread_mutex_lock(&a->lock);
        a->sign = h;
        pthread_mutex_unlock(&a->lock);
        *out = h;
    }
    pthread_mutex_unlock(&a->signing);
    return e;
}

enum err
audit_seal(
    struct audit *a, uint64_t number, ts_ms at, const uint8_t hash[32],
    char line[AUDIT_HEAD_TEXT])
{
    char digest[65], key[65], text[129];
    uint8_t signature[64];
    sodium_bin2hex(digest, sizeof digest, hash, 32);
    sodium_bin2hex(key, sizeof key, a->key, sizeof a->key);
    int n = snprintf(
        line, AUDIT_HEAD_TEXT, "tongqu-evidence 1 %llu %lld %s %s",
        (unsigned long long)number, (long long)at, digest, key);
    if (crypto_sign_detached(
            signature, NULL, (const unsigned char *)line, (size_t)n, a->secret) != 0)
        return ERR_IO;
    sodium_bin2hex(text, sizeof text, signature, sizeof signature);
    snprintf(line + n, AUDIT_HEAD_TEXT - (size_t)n, " %s", text);
    return OK;
}

void
audit_heads(struct audit *a, struct audit_head *newest, struct audit_head *sign)
{
    *newest = (struct audit_head){0};
    pthread_mutex_lock(&a->lock);
    newest->number = a->durable;
    newest->at_ms = a->durable_ms;
    memcpy(newest->hash, a->durable_hash, sizeof newest->hash);
    memcpy(newest->key, a->key, sizeof newest->key);
    *sign = a->sign;
    pthread_mutex_unlock(&a->lock);
}
