/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding and decoding, nothing else. */
#include "store/audit_format.h"

#include <sodium.h>
#include <stdio.h>

static void
blake(uint8_t out[32], const void *p, size_t n)
{
    crypto_generichash(out, 32, p, n, NULL, 0);
}

void
audit_file_head_encode(uint8_t dst[AUDIT_FILE_HEAD], const struct audit_file_head *h)
{
    memset(dst, 0, AUDIT_FILE_HEAD);
    memcpy(dst, AUDIT_MAGIC, 8);
    dst[8] = AUDIT_VERSION;
    for (unsigned i = 0; i < 8; i++)
        dst[16 + i] = (uint8_t)(h->first >> (8 * i));
    memcpy(dst + 24, h->prev, 32);
    memcpy(dst + 56, h->key, 32);
    blake(dst + 88, dst, 88);
}

enum err
audit_file_head_decode(const uint8_t *p, size_t n, struct audit_file_head *out)
{
    uint8_t hash[32];
    if (n < AUDIT_FILE_HEAD || memcmp(p, AUDIT_MAGIC, 8) != 0)
        return ERR_CORRUPT;
    struct cur c = cur_of(p + 8, AUDIT_FILE_HEAD - 8);
    if (cur_u32_le(&c) > AUDIT_VERSION)
        return ERR_NEWER;
    blake(hash, p, 88);
    if (memcmp(hash, p + 88, 32) != 0)
        return ERR_CORRUPT;
    (void)cur_u32_le(&c);
    out->first = cur_u64_le(&c);
    memcpy(out->prev, p + 24, 32);
    memcpy(out->key, p + 56, 32);
    return OK;
}

/* A longer text is cut at a character's end and marked. */
static void
put_text(struct buf *b, struct span s)
{
    static const char mark[] = "…";
    bool cut = s.n > AUDIT_TEXT_MAX;
    if (cut)
        s = span_fit(s, AUDIT_TEXT_MAX - (sizeof mark - 1));
    buf_le(b, s.n + (cut ? sizeof mark - 1 : 0), 2);
    buf_put(b, s.p, s.n);
    if (cut)
        buf_put(b, mark, sizeof mark - 1);
}

void
audit_record_encode(
    struct buf *b, const struct audit_record *r, unsigned flags, const uint8_t prev[32],
    uint8_t hash[32])
{
    size_t start = b->n;
    buf_le(b, 0, 4);
    buf_le(b, r->number, 8);
    buf_le(b, (uint64_t)r->at_ms, 8);
    buf_u8(b, r->class);
    buf_u8(b, r->outcome);
    buf_u8(b, r->role);
    buf_u8(b, (uint8_t)flags);
    buf_le(b, r->user, 4);
    buf_le(b, r->matter, 8);
    buf_le(b, r->link, 8);
    buf_le(b, r->count, 8);
    buf_put(b, prev, 32);
    put_text(b, r->login);
    put_text(b, r->address);
    put_text(b, r->action);
    put_text(b, r->object);
    put_text(b, r->purpose);
    put_text(b, r->subject);
    put_text(b, r->detail);
    if (b->bad)
        return;
    size_t length = b->n - start + 32;
    for (unsigned i = 0; i < 4; i++)
        b->p[start + i] = (uint8_t)(length >> (8 * i));
    blake(hash, b->p + start, b->n - start);
    buf_put(b, hash, 32);
}

static struct span
take_text(struct cur *c)
{
    size_t n = cur_u16_le(c);
    if (n > AUDIT_TEXT_MAX)
        c->bad = true;
    return span_of(cur_take(c, n), c->bad ? 0 : n);
}

enum err
audit_record_decode(const uint8_t *p, size_t n, bool check_hash, struct audit_raw *out)
{
    uint8_t hash[32];
    struct cur c = cur_of(p, n);
    size_t length = cur_u32_le(&c);
    if (c.bad || length < AUDIT_RECORD_MIN || length > AUDIT_RECORD_MAX || length > n)
        return ERR_CORRUPT;
    c = cur_of(p + 4, length - 4 - 32);
    struct audit_record r = {0};
    r.number = cur_u64_le(&c);
    r.at_ms = (ts_ms)cur_u64_le(&c);
    r.class = cur_u8(&c);
    r.outcome = cur_u8(&c);
    r.role = cur_u8(&c);
    out->flags = cur_u8(&c);
    r.user = cur_u32_le(&c);
    r.matter = cur_u64_le(&c);
    r.link = cur_u64_le(&c);
    r.count = cur_u64_le(&c);
    const uint8_t *prev = cur_take(&c, 32);
    r.login = take_text(&c);
    r.address = take_text(&c);
    r.action = take_text(&c);
    r.object = take_text(&c);
    r.purpose = take_text(&c);
    r.subject = take_text(&c);
    r.detail = take_text(&c);
    if (c.bad || cur_left(&c))
        return ERR_CORRUPT;
    if (check_hash) {
        blake(hash, p, length - 32);
        if (memcmp(hash, p + length - 32, 32) != 0)
            return ERR_CORRUPT;
    }
    out->record = r;
    memcpy(out->prev, prev, 32);
    memcpy(out->hash, p + length - 32, 32);
    out->length = length;
    return OK;
}

/* ---- heads ---- */

/* The part that is signed, into h->line; returns its length. */
static size_t
head_text(struct audit_head *h)
{
    char hash[65], key[65];
    sodium_bin2hex(hash, sizeof hash, h->hash, sizeof h->hash);
    sodium_bin2hex(key, sizeof key, h->key, sizeof h->key);
    return (size_t)snprintf(
        h->line, sizeof h->line, "tongqu-head 1 %llu %lld %s %s",
        (unsigned long long)h->number, (long long)h->at_ms, hash, key);
}

enum err
audit_head_sign(struct audit_head *h, const uint8_t secret[64])
{
    char signature[129];
    size_t n = head_text(h);
    if (crypto_sign_detached(
            h->signature, NULL, (const unsigned char *)h->line, n, secret))
        return ERR_IO;
    sodium_bin2hex(signature, sizeof signature, h->signature, sizeof h->signature);
    snprintf(h->line + n, sizeof h->line - n, " %s", signature);
    return OK;
}

static bool
parse_hex(struct span s, uint8_t *dst, size_t n)
{
    size_t got = 0;
    return s.n == 2 * n && sodium_hex2bin(dst, n, s.p, s.n, NULL, &got, NULL) == 0 &&
           got == n;
}

enum err
audit_head_parse(struct span line, struct audit_head *out)
{
    struct audit_head h = {0};
    struct span rest = line;
    int64_t at = 0;
    if (!span_eq_cstr(span_cut(&rest, ' '), "tongqu-head"))
        return ERR_CORRUPT;
    if (!span_eq_cstr(span_cut(&rest, ' '), "1"))
        return ERR_NEWER;
    bool good = span_u64(span_cut(&rest, ' '), &h.number);
    good = good && span_i64(span_cut(&rest, ' '), &at);
    good = good && parse_hex(span_cut(&rest, ' '), h.hash, sizeof h.hash);
    good = good && parse_hex(span_cut(&rest, ' '), h.key, sizeof h.key);
    good = good && parse_hex(rest, h.signature, sizeof h.signature);
    h.at_ms = at;
    if (!good)
        return ERR_CORRUPT;
    size_t n = head_text(&h);
    if (line.n <= n || memcmp(h.line, line.p, n) != 0 ||
        crypto_sign_verify_detached(
            h.signature, (const unsigned char *)h.line, n, h.key) ||
        !span_copy(h.line, sizeof h.line, line))
        return ERR_CORRUPT;
    *out = h;
    return OK;
}
