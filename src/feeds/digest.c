/* SPDX-License-Identifier: Apache-2.0 */
/* nonce = <ms as 12 hex> <number as 8 hex> <HMAC-SHA256 over both, first 24 hex>. The
 * table of counts is direct-mapped by the number: a nonce that pushed another out makes
 * that one stale, no more. */
#include "feeds/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define SLOTS 4096
#define NONCE_HEX 44
#define STAMP_HEX 20
#define REALM_MOST 64

struct slot {
    uint64_t stamp; /* of the nonce: its time and number mixed; 0 = empty */
    uint64_t seen;  /* bit i: count `top - i` was used */
    uint32_t top;   /* highest count used */
};

struct digest {
    char realm[REALM_MOST + 1];
    uint8_t secret[DIGEST_SECRET];
    uint32_t next;
    struct slot slots[SLOTS];
};

/* ---- hashing ---- */

struct hash {
    EVP_MD_CTX *ctx;
    bool bad;
};

static void
hash_begin(struct hash *h, enum digest_algorithm a)
{
    h->ctx = EVP_MD_CTX_new();
    h->bad = !h->ctx || !EVP_DigestInit_ex(
                            h->ctx, a == DIGEST_MD5 ? EVP_md5() : EVP_sha256(), NULL);
}

static void
hash_put(struct hash *h, struct span s)
{
    if (!h->bad && s.n)
        h->bad = !EVP_DigestUpdate(h->ctx, s.p, s.n);
}

static void
put_hex(char *dst, const uint8_t *p, size_t n)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        dst[2 * i] = hex[p[i] >> 4];
        dst[2 * i + 1] = hex[p[i] & 15];
    }
    dst[2 * n] = 0;
}

/* Hex into dst[DIGEST_HEX]; empty when the library refused (no MD5 in its mode). */
static char *
hash_end(struct hash *h, char *dst)
{
    uint8_t md[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    dst[0] = 0;
    if (!h->bad && EVP_DigestFinal_ex(h->ctx, md, &n) && n <= 32)
        put_hex(dst, md, n);
    EVP_MD_CTX_free(h->ctx);
    return dst;
}

/* H(a:b:c...) of the texts up to one with p == NULL. */
static char *
hash_texts(enum digest_algorithm a, const struct span *texts, size_t n, char *dst)
{
    struct hash h;
    hash_begin(&h, a);
    for (size_t i = 0; i < n; i++) {
        if (i)
            hash_put(&h, SPAN(":"));
        hash_put(&h, texts[i]);
    }
    return hash_end(&h, dst);
}

char *
digest_ha1(
    enum digest_algorithm algorithm, struct span user, struct span realm,
    struct span password, char *dst)
{
    return hash_texts(algorithm, (struct span[]){user, realm, password}, 3, dst);
}

char *
digest_response(
    const struct digest_auth *auth, struct span method, const char *ha1, char *dst)
{
    char ha2[DIGEST_HEX];
    hash_texts(auth->algorithm, (struct span[]){method, auth->uri}, 2, ha2);
    if (auth->qop.n == 0)
        return hash_texts(
            auth->algorithm,
            (struct span[]){span_cstr(ha1), auth->nonce, span_cstr(ha2)}, 3, dst);
    return hash_texts(
        auth->algorithm,
        (struct span[]){
            span_cstr(ha1), auth->nonce, auth->nc, auth->cnonce, auth->qop,
            span_cstr(ha2)},
        6, dst);
}

/* ---- nonces ---- */

struct digest *
digest_new(struct span realm, const uint8_t secret[DIGEST_SECRET])
{
    struct digest *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    if (!span_copy(d->realm, sizeof d->realm, realm))
        (void)span_copy(d->realm, sizeof d->realm, span_of(realm.p, REALM_MOST));
    memcpy(d->secret, secret, DIGEST_SECRET);
    return d;
}

void
digest_free(struct digest *d)
{
    if (!d)
        return;
    OPENSSL_cleanse(d->secret, sizeof d->secret);
    free(d);
}

/* The 24 hex digits that only we can write behind a stamp. */
static void
seal(const struct digest *d, const char *stamp, char *dst)
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    memset(mac, 0, sizeof mac);
    (void)HMAC(
        EVP_sha256(), d->secret, DIGEST_SECRET, (const unsigned char *)stamp, STAMP_HEX,
        mac, &n);
    put_hex(dst, mac, (NONCE_HEX - STAMP_HEX) / 2);
}

char *
digest_challenge(
    struct digest *d, enum digest_algorithm algorithm, bool stale, ts_ms now_ms,
    char *dst)
{
    char nonce[NONCE_HEX + 1];
    snprintf(
        nonce, sizeof nonce, "%012llx%08x",
        (unsigned long long)now_ms & 0xFFFFFFFFFFFFull, d->next++);
    seal(d, nonce, nonce + STAMP_HEX);
    snprintf(
        dst, DIGEST_CHALLENGE,
        "Digest realm=\"%s\", qop=\"auth\", nonce=\"%s\", opaque=\"\", algorithm=%s%s",
        d->realm, nonce, algorithm == DIGEST_MD5 ? "MD5" : "SHA-256",
        stale ? ", stale=true" : "");
    return dst;
}

static bool
hex_value(struct span s, uint64_t *out)
{
    uint64_t v = 0;
    if (s.n == 0 || s.n > 16)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned c = (unsigned char)s.p[i], digit;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (c | 0x20) - 'a' + 10;
        else
            return false;
        v = v << 4 | digit;
    }
    *out = v;
    return true;
}

/* Did we write this nonce, and is it still young? */
static bool
nonce_lives(const struct digest *d, struct span nonce, ts_ms now_ms, uint64_t *stamp)
{
    char own[NONCE_HEX - STAMP_HEX + 1];
    uint64_t ms, number;
    if (nonce.n != NONCE_HEX)
        return false;
    seal(d, nonce.p, own);
    if (CRYPTO_memcmp(own, nonce.p + STAMP_HEX, NONCE_HEX - STAMP_HEX) != 0)
        return false;
    if (!hex_value(span_of(nonce.p, 12), &ms) ||
        !hex_value(span_of(nonce.p + 12, 8), &number))
        return false;
    *stamp = ms << 20 | (number >> 12 & 0xFFFFF); /* the slot says the low 12 bits */
    ts_ms age = now_ms - (ts_ms)ms;
    return age >= -MINUTE_MS && age <= DIGEST_NONCE_MS;
}

/* Takes count nc of a nonce; false when it was taken before or is too old to know. */
static bool
take_count(struct digest *d, uint64_t stamp, uint64_t number, uint32_t nc)
{
    struct slot *s = &d->slots[number % SLOTS];
    if (s->stamp != stamp) {
        /* a pushed-out nonce must not come back with its counts forgotten: only a first
         * count or one younger than who is here may take the slot */
        if (s->stamp > stamp)
            return false;
        *s = (struct slot){stamp, 1, nc};
        return true;
    }
    if (nc > s->top) {
        uint32_t by = nc - s->top;
        s->seen = by < 64 ? s->seen << by | 1 : 1;
        s->top = nc;
        return true;
    }
    uint32_t back = s->top - nc;
    if (back >= 64 || s->seen >> back & 1)
        return false;
    s->seen |= UINT64_C(1) << back;
    return true;
}

/* ---- the header ---- */

static struct span
token(struct span *rest)
{
    size_t n = 0;
    while (n < rest->n && !strchr("= ,\t", rest->p[n]) && rest->p[n])
        n++;
    struct span t = {rest->p, n};
    *rest = span_skip(*rest, n);
    return t;
}

/* A token or a quoted text (without unescaping: none of our values has escapes). */
static bool
value(struct span *rest, struct span *out)
{
    if (rest->n == 0 || rest->p[0] != '"') {
        *out = token(rest);
        return true;
    }
    const char *close = memchr(rest->p + 1, '"', rest->n - 1);
    if (!close)
        return false;
    *out = span_of(rest->p + 1, (size_t)(close - rest->p) - 1);
    *rest = span_skip(*rest, out->n + 2);
    return true;
}

static bool
named(struct span s, const char *name)
{
    return s.n == strlen(name) && strncasecmp(s.p, name, s.n) == 0;
}

static bool
set_field(struct digest_auth *a, struct span key, struct span v)
{
    const struct {
        const char *name;
        struct span *to;
    } rows[] = {
        {"username", &a->username},
        {"realm", &a->realm},
        {"nonce", &a->nonce},
        {"uri", &a->uri},
        {"response", &a->response},
        {"qop", &a->qop},
        {"nc", &a->nc},
        {"cnonce", &a->cnonce},
        {"opaque", &a->opaque},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (named(key, rows[i].name))
            *rows[i].to = v;
    if (!named(key, "algorithm"))
        return true;
    a->algorithm = named(v, "SHA-256") ? DIGEST_SHA256 : DIGEST_MD5;
    return named(v, "SHA-256") || named(v, "MD5");
}

bool
digest_parse(struct span header, struct digest_auth *out)
{
    struct digest_auth a = {0};
    struct span rest = span_trim(header), v;
    if (rest.n < 7 || strncasecmp(rest.p, "Digest ", 7) != 0)
        return false;
    rest = span_skip(rest, 7);
    while (rest.n) {
        while (rest.n && strchr(" ,\t", rest.p[0]) && rest.p[0])
            rest = span_skip(rest, 1);
        struct span key = token(&rest);
        if (rest.n == 0)
            break;
        while (rest.n && rest.p[0] == ' ')
            rest = span_skip(rest, 1);
        if (key.n == 0 || rest.n == 0 || rest.p[0] != '=')
            return false;
        rest = span_skip(rest, 1);
        while (rest.n && rest.p[0] == ' ')
            rest = span_skip(rest, 1);
        if (!value(&rest, &v) || !set_field(&a, key, v))
            return false;
    }
    if (!a.username.p || !a.nonce.p)
        return false;
    *out = a;
    return true;
}

/* Some senders write the whole address where the path belongs. */
static bool
same_target(struct span uri, struct span target)
{
    if (span_eq(uri, target))
        return true;
    size_t scheme = span_starts(uri, SPAN("http://"))    ? 7
                    : span_starts(uri, SPAN("https://")) ? 8
                                                         : 0;
    struct span rest = span_skip(uri, scheme);
    const char *slash = scheme && rest.n ? memchr(rest.p, '/', rest.n) : NULL;
    return slash && span_eq(span_skip(rest, (size_t)(slash - rest.p)), target);
}

enum digest_verdict
digest_check(
    struct digest *d, const struct digest_auth *auth, struct span method,
    struct span target, const char *ha1, ts_ms now_ms)
{
    char want[DIGEST_HEX];
    uint64_t stamp, number, nc = 1;
    bool known = ha1 && *ha1;
    digest_response(auth, method, known ? ha1 : "0", want);
    size_t n = strlen(want);
    bool right = n > 0 && auth->response.n == n;
    if (right) {
        char got[DIGEST_HEX];
        for (size_t i = 0; i < n; i++) {
            char c = auth->response.p[i];
            got[i] = c >= 'A' && c <= 'F' ? (char)(c | 0x20) : c;
        }
        right = CRYPTO_memcmp(got, want, n) == 0;
    }
    if (!right || !known || !same_target(auth->uri, target) ||
        (auth->realm.n && !span_eq_cstr(auth->realm, d->realm)))
        return DIGEST_WRONG;
    if (auth->qop.n && (!named(auth->qop, "auth") || auth->nc.n != 8 ||
                        !hex_value(auth->nc, &nc) || nc == 0 || auth->cnonce.n == 0))
        return DIGEST_WRONG;
    if (!nonce_lives(d, auth->nonce, now_ms, &stamp) ||
        !hex_value(span_of(auth->nonce.p + 12, 8), &number) ||
        !take_count(d, stamp, number, (uint32_t)nc))
        return DIGEST_STALE;
    return DIGEST_RIGHT;
}
