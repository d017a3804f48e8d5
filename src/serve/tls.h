/* SPDX-License-Identifier: Apache-2.0 */
/* tls.h - certificate and key for a listener: TLS 1.2 and 1.3, OpenSSL.
 *
 * Owner    tls_open() gives the caller a tls to tls_free(), after the loops that use it
 * are gone.
 * Threads  immutable once open.
 * Errors   ERR_INPUT with a sentence that names the file and what is wrong with it.
 */
#ifndef TQ_SERVE_TLS_H
#define TQ_SERVE_TLS_H

#include "core/civil.h"
#include "core/err.h"

struct tls;

enum err tls_open(
    const char *cert_file, const char *key_file, struct tls **out,
    struct note *note) MUST_USE;
void tls_free(struct tls *t);
#define TLS_FINGERPRINT 96
/* SHA-256 of the certificate as "AB:CD:..." into dst[TLS_FINGERPRINT]. */
void tls_fingerprint(const struct tls *t, char *dst);
/* Names that a certificate can be made for; else ERR_USAGE. */
enum err tls_names_check(struct span names, struct note *note) MUST_USE;
/* Writes a self-signed P-256 certificate for these names and addresses ("localhost
 * 127.0.0.1 ::1"), valid for days; the key file gets mode 0600. */
enum err tls_self_signed(
    const char *cert_file, const char *key_file, struct span names, int days,
    ts_ms now_ms, struct note *note) MUST_USE;

#endif
