/* SPDX-License-Identifier: Apache-2.0 */
/* base64.h - decoding of inline pictures.
 *
 * Shape    standard and URL alphabets, blanks and line breaks skipped, padding
 * optional, a "data:...;base64," head skipped.
 * Owner    the caller's buffer.
 * Threads  pure; AVX2 when the processor has it.
 * See      RFC 4648 sections 4 and 5; method of Mula and Lemire, "Faster Base64
 * Encoding and Decoding using AVX2 Instructions", 2018.
 */
#ifndef TQ_FEEDS_BASE64_H
#define TQ_FEEDS_BASE64_H

#include "core/span.h"

/* Room that base64_decode() needs for a text of n bytes. */
static inline size_t
base64_room(size_t n)
{
    return n / 4 * 3 + 3 + 32;
}
/* False when the text is not base64. dst has base64_room(text.n) bytes. */
bool base64_decode(struct span text, uint8_t *dst, size_t *n);

#endif
