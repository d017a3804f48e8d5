/* SPDX-License-Identifier: Apache-2.0 */
/* field.h - single fields of a pass as text, for every protocol that carries them.
 *
 * Owner    borrows.
 * Threads  pure.
 * Errors   false: the text is not such a field; the caller counts the fault.
 */
#ifndef TQ_FEEDS_FIELD_H
#define TQ_FEEDS_FIELD_H

#include "feeds/needs.h"

/* 1 to 3 digits. */
bool field_small(struct span s, unsigned *out);
/* ColorType from a number (through the vendor's map, NULL = GA/T 1400), a word ("蓝",
 * "blue") or the registry's letter. *odd is set when it was not a number of the table.
 */
bool field_color(struct span s, const struct color_map *map, uint8_t *out, bool *odd);
/* "61.5" to tenths; false for negative, more than 500 km/h, or no number. */
bool field_speed(struct span s, uint16_t *dkmh);

/* An id for a record without one, from its content: a retry gives the same.
 * dst[FIELD_ID]. */
#define FIELD_ID 32
struct span field_made_id(
    char *dst, ts_ms time, struct span place, struct span plate, uint64_t more);

/* Puts record_id, image and plate_text behind one another into the batch; false past
 * the cap. */
bool field_keep_texts(struct sighting_batch *b, struct sighting *s);

#endif
