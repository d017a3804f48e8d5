/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - UTF-8 steps and the import of GB18030.
 *
 * Owner    results go to the caller's buffer.
 * Errors   ERR_INPUT with the byte offset in the note.
 * See      RFC 3629; GB 18030-2022 (through iconv).
 */
#ifndef TQ_CORE_TEXT_H
#define TQ_CORE_TEXT_H

#include "core/cur.h"
#include "core/err.h"

/* Length in bytes of the valid UTF-8 character at the head of s: 1 to 4, or 0 when it
 * is invalid (overlong, surrogate, past U+10FFFF, cut off) or s is empty. */
size_t utf8_step(struct span s);
/* The same, and the code point. */
size_t utf8_decode(struct span s, uint32_t *point);
bool utf8_valid(struct span s);
/* Number of characters; invalid bytes count one each. */
size_t utf8_count(struct span s);
/* Enough to be a reason (理由): two Chinese characters, or five letters or digits, or a
 * mix that weighs as much; blanks and punctuation say nothing. */
bool utf8_is_reason(struct span s);
/* Appends the UTF-8 form of a code point (a valid one). */
void utf8_put(struct buf *b, uint32_t point);

/* The text without a leading UTF-8 byte order mark. */
struct span text_skip_bom(struct span s);

/* Appends s, which is GB18030, as UTF-8. */
enum err gb18030_decode(struct span s, struct buf *out, struct note *note) MUST_USE;

#endif
