/* SPDX-License-Identifier: Apache-2.0 */
/* Digest by hand: three hashes and a strict reader of the header's fields. */
#include "serve/challenge.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "core/hash.h"

#define NONCE_MS (5 * MINUTE_MS)
#define NONCE_TEXT 49 /* 8 bytes of time, 16 of keyed hash, in hex */
#define USED 4096u

struct used {
    uint64_t nonce; /* hash of it */
    uint64_t count; /* highest nc taken */
};

struct challenge {
    char realm[64];
    unsigned char key[crypto_generichash_KEYBYTES];
    struct used used[USED];
};

struct challenge *
challenge_new(const char *realm)
{
    struct challenge *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    (void)span_copy(c->realm, sizeof c->realm, span_cstr(realm));
    randombytes_buf(c->key, sizeof c->key);
    return c;
}

void
challenge_free(struct challenge *c)
{
    if (c)
        sodium_memzero(c->key, sizeof c->key);
    free(c);
}

static void
make_nonce(const struct challenge *c, ts_ms at, uint64_t salt, char dst[NONCE_TEXT])
{
    unsigned char mac[16];
    uint64_t time = (uint64_t)at ^ salt << 44;
    crypto_generichash(
        mac, sizeof mac, (const unsigned char *)&time, sizeof time, c->key,
        sizeof c->key);
    snprintf(dst, NONCE_TEXT, "%016llx", (unsigned long long)time);
    sodium_bin2hex(dst + 16, NONCE_TEXT - 16, mac, sizeof mac);
}

void
challenge_text(struct challenge *c, ts_ms now, bool stale, char *dst, size_t cap)
{
    char nonce[NONCE_TEXT];
    make_nonce(c, now, randombytes_random() & 0xfffff, nonce);
    snprintf(
        dst, cap, "Digest realm=\"%s\", qop=\"auth\", nonce=\"%s\", algorithm=MD5%s",
        c->realm, nonce, stale ? ", stale=true" : "");
}

static void
md5_hex(char dst[33], const struct span *parts, size_t n)
{
    unsigned char md[16];
    unsigned len = 0;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    must(ctx && EVP_DigestInit_ex(ctx, EVP_md5(), NULL) == 1);
    for (size_t i = 0; i < n; i++) {
        must(!i || EVP_DigestUpdate(ctx, ":", 1) == 1);
        must(EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1);
    }
    must(EVP_DigestFinal_ex(ctx, md, &len) == 1);
    EVP_MD_CTX_free(ctx);
    sodium_bin2hex(dst, 33, md, sizeof md);
}

void
challenge_ha1(char dst[33], struct span user, struct span realm, struct span password)
{
    md5_hex(dst, (struct span[]){user, realm, password}, 3);
}

struct fields {
    struct span username, realm, nonce, uri, response, qop, nc, cnonce, algorithm;
};

static struct span *
field_of(struct fields *f, struct span name)
{
    const struct {
        const char *name;
        struct span *at;
    } rows[] = {
        {"username", &f->username},
        {"realm", &f->realm},
        {"nonce", &f->nonce},
        {"uri", &f->uri},
        {"response", &f->response},
        {"qop", &f->qop},
        {"nc", &f->nc},
        {"cnonce", &f->cnonce},
        {"algorithm", &f->algorithm},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (name.n == strlen(rows[i].name) &&
            strncasecmp(name.p, rows[i].name, name.n) == 0)
            return rows[i].at;
    return NULL;
}

/* name=value or name="value", separated by commas; no field twice. */
static bool
read_fields(struct span s, struct fields *f)
{
    while (s.n) {
        const char *eq = memchr(s.p, '=', s.n);
        if (!eq)
            return false;
        struct span name = span_trim(span_of(s.p, (size_t)(eq - s.p)));
        s = span_trim(span_skip(s, (size_t)(eq - s.p) + 1));
        struct span value;
        if (s.n && s.p[0] == '"') {
            const char *end = memchr(s.p + 1, '"', s.n - 1);
            if (!end)
                return false;
            value = span_of(s.p + 1, (size_t)(end - s.p - 1));
            s = span_trim(span_skip(s, value.n + 2));
            if (s.n && s.p[0] != ',')
                return false;
            s = span_trim(span_skip(s, 1));
        } else {
            value = span_trim(span_cut(&s, ','));
            s = span_trim(s);
        }
        struct span *at = field_of(f, name);
        if (at && at->p)
            return false;
        if (at)
            *at = value;
    }
    return f->username.n && f->nonce.n && f->uri.n && f->response.n == 32;
}

/* Ours, and young? */
static bool
nonce_ours(const struct challenge *c, struct span nonce, ts_ms now, bool *old)
{
    char text[NONCE_TEXT], again[NONCE_TEXT];
    unsigned long long time;
    if (nonce.n != NONCE_TEXT - 1 || !span_copy(text, sizeof text, nonce))
        return false;
    if (sscanf(text, "%16llx", &time) != 1)
        return false;
    ts_ms at = (ts_ms)(time & ((UINT64_C(1) << 44) - 1));
    make_nonce(c, at, (time >> 44), again);
    if (sodium_memcmp(text, again, NONCE_TEXT - 1) != 0)
        return false;
    ts_ms age = (now & ((INT64_C(1) << 44) - 1)) - at;
    *old = age < 0 || age > NONCE_MS;
    return true;
}

/* A nonce counts up; without a count it serves once. */
static bool
nonce_fresh(struct challenge *c, struct span nonce, struct span nc)
{
    uint64_t h = hash_span(nonce, 0) | 1, count = 1;
    if (nc.n) {
        char text[17], *end;
        if (!span_copy(text, sizeof text, nc))
            return false;
        count = strtoull(text, &end, 16);
        if (*end || count == 0)
            return false;
    }
    struct used *u = &c->used[h % USED];
    if (u->nonce == h && count <= u->count)
        return false;
    *u = (struct used){h, nc.n ? count : UINT64_MAX};
    return true;
}

enum digest_fit
challenge_check(
    struct challenge *c, struct span authorization, const char *method, struct span uri,
    const char *ha1, ts_ms now)
{
    struct fields f = {0};
    bool old = false;
    if (authorization.n < 7 || strncasecmp(authorization.p, "Digest ", 7) != 0 ||
        !read_fields(span_skip(authorization, 7), &f))
        return DIGEST_BAD;
    bool plain = f.qop.n == 0;
    bool fits = (plain || span_eq_cstr(f.qop, "auth")) &&
                span_eq_cstr(f.realm, c->realm) && span_eq(f.uri, uri) &&
                (plain || (f.nc.n && f.cnonce.n));
    if (f.algorithm.n &&
        !(f.algorithm.n == 3 && strncasecmp(f.algorithm.p, "MD5", 3) == 0))
        fits = false;
    if (!fits || !nonce_ours(c, f.nonce, now, &old))
        return DIGEST_BAD;
    if (old)
        return DIGEST_STALE;
    char ha2[33], want[33], got[33];
    md5_hex(ha2, (struct span[]){span_cstr(method), f.uri}, 2);
    struct span with[] = {span_cstr(ha1), f.nonce, f.nc,
                          f.cnonce,       f.qop,   span_cstr(ha2)};
    struct span without[] = {span_cstr(ha1), f.nonce, span_cstr(ha2)};
    md5_hex(want, plain ? without : with, plain ? 3 : 6);
    (void)span_copy(got, sizeof got, f.response);
    for (char *p = got; *p; p++)
        *p = *p >= 'A' && *p <= 'F' ? (char)(*p + 32) : *p;
    if (strlen(ha1) != 32 || sodium_memcmp(want, got, 32) != 0)
        return DIGEST_BAD;
    return nonce_fresh(c, f.nonce, f.nc) ? DIGEST_GOOD : DIGEST_STALE;
}
