/* SPDX-License-Identifier: Apache-2.0 */
/* kit.h - what every unit test begins with: cmocka in the order it needs, and the small
 * helpers.
 *
 * Owner    kit_temp_dir() makes a directory that kit_remove_tree() removes.
 */
#ifndef TQ_KIT_H
#define TQ_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <cmocka.h>

#include "core/err.h"
#include "core/span.h"

/* Asserts that an enum err is OK and prints the note's sentence when it is not. */
#define kit_ok(e, note) kit_check_ok((e), (note), __FILE__, __LINE__)
void kit_check_ok(enum err e, const struct note *note, const char *file, int line);

#define assert_span_equal(s, text) kit_check_span((s), (text), __FILE__, __LINE__)
void kit_check_span(struct span s, const char *text, const char *file, int line);

/* A fresh directory under TMPDIR (or /tmp); dst has OS_PATH bytes. */
void kit_temp_dir(char *dst);
void kit_remove_tree(const char *dir);

/* Deterministic random numbers for property tests: print the seed on failure. */
struct kit_rand {
    uint64_t s;
};
uint64_t kit_rand_u64(struct kit_rand *r);
uint32_t kit_rand_below(struct kit_rand *r, uint32_t n); /* 0 .. n-1 */

/* Path of a file of the shared test data (TONGQU_SHARED, or ../shared), or NULL with a
 * printed message when it is not there: the test then calls skip(). */
const char *kit_shared(char *dst, const char *relative);

/* 1, or `long_count` when TONGQU_LONG is set: how often a costly check runs. */
unsigned kit_rounds(unsigned quick, unsigned long_count);

#endif
