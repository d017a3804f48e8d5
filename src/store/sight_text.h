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

/* A template as it is joined: its pieces one after the other, a line of the cache where
 * they fit (nearly all do), so that a text of a look-up costs one miss. */
#define FORM_NEAR 56u
struct text_form {
    uint16_t fixed;   /* bytes of the text but for record ids */
    uint16_t records; /* how many of these */
    uint8_t time;     /* its first time part; 0: none */
    bool sound, is_far;
    union {
        uint8_t near[FORM_NEAR];
        uint8_t *far; /* heap */
    };
};
_Static_assert(sizeof(struct text_form) == 64, "a line of the cache");

struct text_dict {
    struct span *tpl; /* [0 .. n): template n is TEXT_FIRST + n */
    uint32_t *uses;
    uint32_t n, room;
    uint32_t *slots, slots_room; /* hash table, only while writing */
    struct text_form *forms;     /* n of them, when read from a segment */
};

void text_dict_release(struct text_dict *d);
/* The number of a template, added when new; TEXT_LITERAL without memory. Not of a
 * dictionary that was read: it is frozen. */
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
/* A template of a dictionary that was read; NULL when it does not exist or is malformed.
 * Its text has text_size() bytes, which text_put() writes. */
static inline const struct text_form *
text_form(const struct text_dict *d, uint32_t tpl)
{
    uint32_t i = tpl - TEXT_FIRST;
    return tpl >= TEXT_FIRST && i < d->n && d->forms[i].sound ? &d->forms[i] : NULL;
}
static inline size_t
text_size(const struct text_form *f, size_t record_n)
{
    return f->fixed + f->records * record_n;
}
void text_put(
    char *dst, const struct text_form *f, const struct text_val *v,
    const struct text_at *at);
/* It is wanted soon. */
static inline void
text_ahead(const struct text_dict *d, uint32_t tpl)
{
    if (tpl >= TEXT_FIRST && tpl - TEXT_FIRST < d->n)
        __builtin_prefetch(&d->forms[tpl - TEXT_FIRST]);
}
/* The time a record id itself states, else the pass time: what its picture's D8/H2
 * mean. */
ts_ms text_time(const struct text_dict *d, const struct text_val *v, ts_ms pass);

#endif
