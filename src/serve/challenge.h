/* SPDX-License-Identifier: Apache-2.0 */
/* challenge.h - HTTP Digest (RFC 2617, RFC 7616) as GA/T 1400 senders speak it: MD5,
 * qop=auth or none.
 *
 * Shape    a nonce carries its time and a keyed hash, so nothing is kept for those who
 * only ask; of used nonces the highest count is remembered, and a repeated one is
 * refused. Owner    one object per loop. Threads  its loop's. Errors   an answer that
 * does not fit is DIGEST_BAD; one with an old nonce DIGEST_STALE. See      RFC 7616
 * section 3.4; tests in challenge_test.c.
 */
#ifndef TQ_SERVE_CHALLENGE_H
#define TQ_SERVE_CHALLENGE_H

#include "core/civil.h"
#include "core/err.h"
#include "core/span.h"

struct challenge;
enum digest_fit { DIGEST_BAD, DIGEST_STALE, DIGEST_GOOD };

struct challenge *challenge_new(const char *realm); /* NULL without memory */
void challenge_free(struct challenge *c);
/* Value of WWW-Authenticate into dst. */
void challenge_text(struct challenge *c, ts_ms now, bool stale, char *dst, size_t cap);
/* The value of Authorization against HA1 = hex MD5(user:realm:password); ha1 "" never
 * fits. */
enum digest_fit challenge_check(
    struct challenge *c, struct span authorization, const char *method, struct span uri,
    const char *ha1, ts_ms now);
/* HA1 of a device, for those who add one. */
void
challenge_ha1(char dst[33], struct span user, struct span realm, struct span password);

#endif
