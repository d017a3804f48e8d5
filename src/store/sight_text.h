/* SPDX-License-Identifier: Apache-2.0 */
/* sight_text.h - record ids and picture references as learned patterns: a text is cut
 * into a template (which repeats per device) and at most two small numbers, and given
 * back to the byte.
 *
 *   14010100012026030208000012300042   ->   "1401010001" T17 N5   shot - pass, 42
 *   http://10.1.2.3/kk/20260302/08/<record id>.jpg -> "http://10.1.2.3/kk/" D8 "/" H2
 * "/" R ".jpg"
 *
 * Units    dt: milliseconds (T13, T17) or seconds (T14) from the pass time.
 * Owner    a dictionary owns its templates; joined texts go to the caller's buffer.
 * Threads  a dictionary is its writer's until it is frozen in a segment; then any
 * thread.
 * See      docs/format-segment.md section 5; tests in sight_text_test.c.
 */
#ifndef TQ_STORE_SIGHT_TEXT_H
#define TQ_STORE_SIGHT_TEXT_H

#include "core/civil.h"
#include "core/cur.h"

#define TEXT_NONE 0u    /* empty */
#define TEXT_LITERAL 1u /* kept verbatim beside the row */
#define TEXT_FIRST 2u   /* first template */
#define TEXT_TEMPLATE_MAX 512u

struct text_val {
    uint32_t tpl;
    int64_t dt;
    uint64_t num;
};

/* What a text may refer to. */
struct text_at {
    ts_ms pass;
    ts_ms ref; /* time that D8 and H2 mean when the text has no own: set by join/split
                  of the record id for its picture */
    struct span record; /* R */
    const struct zone *zone;
};

struct text_dict {
    struct span *tpl; /* [0 .. n): template n is TEXT_FIRST + n */
    uint32_t *uses;
    uint32_t n, room;
    uint32_t *slots, slots_room; /* hash table, only while writing */
};

void text_dict_release(struct text_dict *d);
/* The number of a template, added when new; TEXT_LITERAL without memory. */
uint32_t text_dict_add(struct text_dict *d, struct span tpl);
/* All templates as bytes, and back. false: malformed. */
void text_dict_encode(const struct text_dict *d, struct buf *out);
bool text_dict_decode(struct text_dict *d, struct span bytes);

/* Cuts s. hint: a template to try first (0 = none). The result joins to s again,
 * always. */
struct text_val
text_split(struct text_dict *d, uint32_t hint, struct span s, const struct text_at *at);
/* The text of a value into out (appended); false when the template does not exist. */
bool text_join(
    const struct text_dict *d, const struct text_val *v, const struct text_at *at,
    struct buf *out);
/* The time a record id itself states, else the pass time: what its picture's D8/H2
 * mean. */
ts_ms text_time(const struct text_dict *d, const struct text_val *v, ts_ms pass);

#endif
