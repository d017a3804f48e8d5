/* SPDX-License-Identifier: Apache-2.0 */
/* digest.h - HTTP Digest access authentication for GA/T 1400 registration.
 *
 * Shape    a nonce is a time stamp, a number and an HMAC over both: nothing is kept for
 * those who never answer. Of nonces in use a bounded table remembers which counts (nc)
 * were seen, so that no answer counts twice.
 * Units    ts_ms; nonces live DIGEST_NONCE_MS.
 * Owner    digest_new() gives; digest_free().
 * Threads  one.
 * Errors   a verdict, never an error: whatever is malformed is wrong.
 * See      RFC 2617 (MD5), RFC 7616 (SHA-256), RFC 2069 (no qop: accepted once a
 * nonce); digest_test.c.
 */
#ifndef TQ_FEEDS_DIGEST_H
#define TQ_FEEDS_DIGEST_H

#include "core/civil.h"

struct digest;

enum digest_algorithm { DIGEST_MD5, DIGEST_SHA256 };

#define DIGEST_NONCE_MS (5 * MINUTE_MS)
#define DIGEST_SECRET 32
#define DIGEST_REALM                                                                   \
    "tongqu"                 /* of this service; HA1s in the ledger are made with it   \
                              */
#define DIGEST_CHALLENGE 320 /* longest header value and a NUL */
#define DIGEST_HEX 65        /* longest hash in hex and a NUL */

/* realm: up to 64 characters without quotes. secret: random, kept by the caller. NULL
 * without memory. */
struct digest *digest_new(struct span realm, const uint8_t secret[DIGEST_SECRET]);
void digest_free(struct digest *d);

/* The value of WWW-Authenticate into dst[DIGEST_CHALLENGE]; stale after DIGEST_STALE.
 */
char *digest_challenge(
    struct digest *d, enum digest_algorithm algorithm, bool stale, ts_ms now_ms,
    char *dst);

/* What an Authorization header says; spans are borrowed from it, without their quotes.
 */
struct digest_auth {
    struct span username, realm, nonce, uri, response, qop, nc, cnonce, opaque;
    enum digest_algorithm algorithm;
};
/* False: no Digest header, or one without username or nonce. What else is missing is
 * found wrong by digest_check(). */
bool digest_parse(struct span header, struct digest_auth *out);

enum digest_verdict {
    DIGEST_RIGHT,
    DIGEST_STALE, /* the nonce is old or was used up: challenge again, password not
                     judged */
    DIGEST_WRONG,
};
/* ha1: hex of H(user:realm:password) for auth->algorithm, from digest_ha1(); NULL =
 * nobody of that name (takes as long as a wrong password). target: as it stood in the
 * request line. */
enum digest_verdict digest_check(
    struct digest *d, const struct digest_auth *auth, struct span method,
    struct span target, const char *ha1, ts_ms now_ms);

/* H(user:realm:password) in hex into dst[DIGEST_HEX]. */
char *digest_ha1(
    enum digest_algorithm algorithm, struct span user, struct span realm,
    struct span password, char *dst);

/* The response that a client would send: for tests, and for registering at a platform
 * above. */
char *digest_response(
    const struct digest_auth *auth, struct span method, const char *ha1, char *dst);

#endif
