/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h - the one HTTP/1.1 reader: a strict one, so that there is nothing two readers
 * could read differently. What RFC 9112 calls optional tolerance (bare LF, obs-fold,
 * spaces before the colon, repeated Content-Length, list-valued or unknown
 * Transfer-Encoding) is refused.
 *
 * Owner    spans point into the caller's bytes.
 * Threads  pure functions.
 * Errors   a refusal (REFUSE_NOTHING = fine) and a word that names the fault for log
 * and tests.
 * See      RFC 9112 sections 2-7, RFC 9110 section 5.6; docs/http.md;
 * fuzz/http_guard_fuzz.c.
 */
#ifndef TQ_SERVE_GUARD_H
#define TQ_SERVE_GUARD_H

#include "serve/http.h"

#define GUARD_HEADERS 64
#define GUARD_TARGET_MAX 8192

struct guard_header {
    struct span name, value;
};

struct guard_head {
    enum method method; /* as sent: HEAD is METHOD_HEAD */
    bool http10;
    struct span target; /* path and query, or "*" */
    struct span host;
    struct guard_header headers[GUARD_HEADERS];
    unsigned headers_n;
    int64_t length; /* Content-Length; -1 = none */
    bool chunked, keep_alive, expect_continue;
};

/* Looks for the end of a head in p[0..n), going on from *seen (0 to begin). Returns its
 * size with the blank line, 0 = not yet. Refuses at once what can never become a head
 * (bare LF or CR, NUL). */
size_t guard_head_end(
    const char *p, size_t n, size_t *seen, enum refusal *why, const char **fault);
/* Reads a whole head (as measured above). REFUSE_NOTHING and *out filled, or why not.
 */
enum refusal guard_head(struct span head, struct guard_head *out, const char **fault);

/* Chunked body, any cut of the bytes. */
enum guard_chunk_state {
    CHUNK_SIZE,
    CHUNK_EXT,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER,
    CHUNK_TRAILER_LF,
    CHUNK_END_LF,
    CHUNK_DONE,
};
struct guard_chunks {
    enum guard_chunk_state state; /* zeroed = at the beginning */
    uint64_t left;                /* of the present chunk */
    unsigned digits, ext, trailer, column;
    bool last, colon;
};
/* Takes bytes of in until its end or a run of data: *data is that run (inside in),
 * possibly empty. Returns how many bytes of in were used. Refused when *fault is set.
 */
size_t guard_chunk(
    struct guard_chunks *g, struct span in, struct span *data, const char **fault);

/* Percent-decodes the path of a target into dst (cap >= target.n + 1) in normal form.
 * False on a bad escape, NUL, control byte, encoded '/', backslash, dot segment, empty
 * segment, or bad UTF-8. */
bool guard_path(struct span target, char *dst, size_t cap, struct span *out);
/* Percent-decodes one query name or value ('+' is a space) into dst (cap >= s.n). */
bool guard_query(struct span s, char *dst, size_t cap, struct span *out);

#endif
