/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's context for listeners, and the certificate a fresh installation begins
 * with. */
#include "serve/tls.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cur.h"
#include "serve/conn.h"

#define ALT_NAMES 1024
#define HOST_LETTERS                                                                   \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_*"

struct tls {
    SSL_CTX *ctx;
};

struct ssl_ctx_st *
tls_ctx(struct tls *t)
{
    return t->ctx;
}

static enum err
ssl_fault(struct note *note, const char *what, const char *file)
{
    unsigned long first = ERR_peek_error();
    const char *why = ERR_SYSTEM_ERROR(first)
                          ? strerror((int)ERR_GET_REASON(first)) /* no such file, ... */
                          : ERR_reason_error_string(ERR_peek_last_error());
    why = why ? why : "unknown";
    enum err e =
        note_fmt(note, ERR_INPUT, "tls", "%s %s: %s", "TLS %s %s：%s", what, file, why);
    ERR_clear_error();
    return e;
}

/* We speak HTTP/1.1. A client that names its protocols and not this one (h2 only, mail)
 * is turned away in the handshake, so no other protocol's bytes are ever taken for
 * HTTP; one that names none is served. */
static int
select_alpn(
    SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
    unsigned in_n, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl, (void)arg;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_n, ours, sizeof ours - 1, in, in_n) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

enum err
tls_open(
    const char *cert_file, const char *key_file, struct tls **out, struct note *note)
{
    struct tls *t = calloc(1, sizeof *t);
    if (t)
        t->ctx = SSL_CTX_new(TLS_server_method());
    if (!t || !t->ctx) {
        free(t);
        return note_set(note, ERR_NOMEM, "tls", "out of memory", "内存不足");
    }
    enum err e = OK;
    SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(
        t->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_cipher_list(t->ctx, "ECDHE+AESGCM:ECDHE+CHACHA20");
    SSL_CTX_set_mode(
        t->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                    SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(t->ctx, select_alpn, NULL);
    SSL_CTX_set_session_id_context(t->ctx, (const unsigned char *)"tongqu", 6);
    if (SSL_CTX_use_certificate_chain_file(t->ctx, cert_file) != 1)
        e = ssl_fault(note, "certificate", cert_file);
    else if (SSL_CTX_use_PrivateKey_file(t->ctx, key_file, SSL_FILETYPE_PEM) != 1)
        e = ssl_fault(note, "private key", key_file);
    else if (SSL_CTX_check_private_key(t->ctx) != 1)
        e = ssl_fault(note, "private key does not belong to", cert_file);
    if (e)
        tls_free(t);
    else
        *out = t;
    return e;
}

void
tls_free(struct tls *t)
{
    if (!t)
        return;
    SSL_CTX_free(t->ctx);
    free(t);
}

void
tls_fingerprint(const struct tls *t, char *dst)
{
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    dst[0] = 0;
    X509 *cert = SSL_CTX_get0_certificate(t->ctx);
    if (!cert || !X509_digest(cert, EVP_sha256(), md, &n))
        return;
    for (unsigned i = 0; i < n && i * 3 + 3 <= TLS_FINGERPRINT; i++)
        snprintf(dst + 3 * i, 4, i + 1 < n ? "%02X:" : "%02X", md[i]);
}

/* "localhost 127.0.0.1" to "DNS:localhost,IP:127.0.0.1". */
static bool
alt_names(struct span names, char *dst, size_t cap)
{
    size_t used = 0;
    while (names.n) {
        struct span one = span_cut(&names, ' ');
        char text[256];
        unsigned char bytes[16];
        if (one.n == 0)
            continue;
        if (!span_copy(text, sizeof text, one))
            return false;
        bool ip = inet_pton(AF_INET, text, bytes) == 1 ||
                  inet_pton(AF_INET6, text, bytes) == 1;
        if (!ip && strspn(text, HOST_LETTERS) != one.n)
            return false;
        int n = snprintf(
            dst + used, cap - used, "%s%s:%s", used ? "," : "", ip ? "IP" : "DNS",
            text);
        if (n < 0 || (size_t)n >= cap - used)
            return false;
        used += (size_t)n;
    }
    return used > 0;
}

enum err
tls_names_check(struct span names, struct note *note)
{
    char alt[ALT_NAMES];
    return alt_names(names, alt, sizeof alt)
               ? OK
               : note_set(
                     note, ERR_USAGE, "names",
                     "no names for the certificate: write them with blanks between, as "
                     "\"localhost 127.0.0.1\"",
                     "缺少证书的主机名：以空格分隔，如“localhost 127.0.0.1”");
}

static bool
add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool fine = x && X509_add_ext(cert, x, -1) == 1;
    X509_EXTENSION_free(x);
    return fine;
}

static bool
set_serial(X509 *cert)
{
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] &= 0x7f;
    BIGNUM *n = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool fine = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
    BN_free(n);
    return fine;
}

static X509 *
make_cert(EVP_PKEY *key, const char *alt, int days, ts_ms now_ms)
{
    X509 *cert = X509_new();
    if (!cert)
        return NULL;
    time_t now = (time_t)(now_ms / 1000);
    X509_NAME *name = X509_get_subject_name(cert);
    bool fine =
        X509_set_version(cert, 2) && set_serial(cert) &&
        X509_time_adj_ex(X509_getm_notBefore(cert), 0, -3600, &now) &&
        X509_time_adj_ex(X509_getm_notAfter(cert), days, 0, &now) &&
        X509_NAME_add_entry_by_txt(
            name, "CN", MBSTRING_ASC, (const unsigned char *)"tongqu", -1, -1, 0) &&
        X509_set_issuer_name(cert, name) && X509_set_pubkey(cert, key) &&
        add_extension(cert, NID_subject_alt_name, alt) &&
        add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(cert, NID_ext_key_usage, "serverAuth") &&
        X509_sign(cert, key, EVP_sha256());
    if (fine)
        return cert;
    X509_free(cert);
    return NULL;
}

static FILE *
create_file(const char *path, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f && fd >= 0)
        close(fd);
    if (f)
        fchmod(fd, mode);
    return f;
}

enum err
tls_self_signed(
    const char *cert_file, const char *key_file, struct span names, int days,
    ts_ms now_ms, struct note *note)
{
    char alt[ALT_NAMES];
    enum err e = tls_names_check(names, note);
    if (e)
        return e;
    must(alt_names(names, alt, sizeof alt));
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = key ? make_cert(key, alt, days, now_ms) : NULL;
    e = cert ? OK : ssl_fault(note, "making a certificate", cert_file);
    FILE *k = e ? NULL : create_file(key_file, 0600);
    FILE *c = e ? NULL : create_file(cert_file, 0644);
    if (!e && (!k || !c || !PEM_write_PrivateKey(k, key, NULL, NULL, 0, NULL, NULL) ||
               !PEM_write_X509(c, cert)))
        e = note_fmt(
            note, ERR_IO, "tls", "cannot write %s or %s", "无法写入 %s 或 %s",
            cert_file, key_file);
    if (k && (fflush(k) != 0 || fsync(fileno(k)) != 0 || fclose(k) != 0))
        e = e ? e : ERR_IO;
    if (c && (fflush(c) != 0 || fsync(fileno(c)) != 0 || fclose(c) != 0))
        e = e ? e : ERR_IO;
    X509_free(cert);
    EVP_PKEY_free(key);
    return e;
}
