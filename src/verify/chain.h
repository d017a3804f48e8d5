/* SPDX-License-Identifier: Apache-2.0 */
/* chain.h - reads an audit record (DIR/audit) and says what is wrong with it, with
 * nothing of the program that wrote it: only this folder and libsodium.
 *
 * Finds    changed (its own hash does not fit), removed, inserted, reordered (numbers
 *          or links do not follow), a head signed by another key, a signed head that
 *          names another record, and with a head kept outside a tail that was cut off.
 * Owner    chain_check() keeps nothing.
 * Threads  one.
 * See      docs/audit.md is the layout; man 1 tongqu-verify.
 */
#ifndef TQ_VERIFY_CHAIN_H
#define TQ_VERIFY_CHAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum chain_result {
    CHAIN_WHOLE = 0,
    CHAIN_UNREADABLE = 1, /* no such directory, no memory */
    CHAIN_DAMAGED = 3,
};

struct chain_options {
    const char
        *dir; /* data directory (with audit/ below) or the audit directory itself */
    const char *head; /* file with signed heads kept outside; NULL */
    const char *key;  /* 64 hex digits of the public key, as printed at init; NULL */
    const char *clips[16]; /* of an archive: files that lie beside it */
    size_t clips_n;
    FILE *out, *err;
};
enum chain_result chain_check(const struct chain_options *options);

#endif
