/* SPDX-License-Identifier: Apache-2.0 */
/* audit_format.h - bytes of the audit file: heads of files, records, signed head lines.
 * The layout in words is docs/audit.md; src/verify reads it with code of its own.
 *
 * Shape    little-endian. A record is: u32 length of all of it, u64 number, i64 at_ms,
 *          u8 class, u8 outcome, u8 role, u8 flags, u32 user, u64 matter, u64 link, u64
 *          count, 32 bytes hash of the record before, seven texts (u16 length, bytes),
 *          32 bytes BLAKE2b-256 of all before it.
 * Owner    decoded texts are borrowed from the bytes.
 * Threads  pure functions.
 * Errors   ERR_CORRUPT.
 */
#ifndef TQ_STORE_AUDIT_FORMAT_H
#define TQ_STORE_AUDIT_FORMAT_H

#include "core/cur.h"
#include "store/audit.h"

#define AUDIT_MAGIC "TQAUDIT\n"
#define AUDIT_VERSION 1u
#define AUDIT_FILE_HEAD 120u
#define AUDIT_FIXED 84u /* bytes of a record before its texts */
#define AUDIT_TEXTS 7u
#define AUDIT_RECORD_MIN (AUDIT_FIXED + 2 * AUDIT_TEXTS + 32u)
#define AUDIT_RECORD_MAX (AUDIT_RECORD_MIN + AUDIT_TEXTS * AUDIT_TEXT_MAX)
#define AUDIT_FIRST_OF_WRITE 1u /* flag: what came before was durable */

struct audit_file_head {
    uint64_t first;   /* number of its first record */
    uint8_t prev[32]; /* hash of the record before that; zeros for number 1 */
    uint8_t key[32];
};
void
audit_file_head_encode(uint8_t dst[AUDIT_FILE_HEAD], const struct audit_file_head *h);
enum err audit_file_head_decode(
    const uint8_t *p, size_t n, struct audit_file_head *out) MUST_USE;

/* Appends the record (r->number set) to b; hash gets its hash. */
void audit_record_encode(
    struct buf *b, const struct audit_record *r, unsigned flags, const uint8_t prev[32],
    uint8_t hash[32]);

struct audit_raw {
    struct audit_record record;
    unsigned flags;
    uint8_t prev[32], hash[32];
    size_t length;
};
/* The record at the head of p[0..n). ERR_CORRUPT: cut off, or its hash does not fit. */
enum err audit_record_decode(
    const uint8_t *p, size_t n, bool check_hash, struct audit_raw *out) MUST_USE;

/* "tongqu-head 1 <number> <at_ms> <hash> <key> <signature>" */
enum err audit_head_sign(struct audit_head *h, const uint8_t secret[64]) MUST_USE;
/* Parses a line (without its end) and checks the signature with the key in it. */
enum err audit_head_parse(struct span line, struct audit_head *out) MUST_USE;

#endif
