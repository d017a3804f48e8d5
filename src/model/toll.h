/* SPDX-License-Identifier: Apache-2.0 */
/* toll.h - what an ETC gantry (门架) knows of a vehicle: the toll class (收费车型), and
 * what its radio read from the tag (OBU 标签 or CPC 卡).
 *
 * Shape    a gantry is two sites: its cameras under the gantry's own code, its radio
 * (RSU, 路侧单元) under that code with RSU_SUFFIX. A tag read is a sighting of the
 * second with SIGHTING_TAG; its `image` is no picture but a tag note:
 * "etc:obu;ok;own=2C0101; last=2C0100@1772415000000;pic=...". A toll class is kept as
 * code3 "E01".."E26".
 * Units    ts_ms.
 * Owner    values; spans are borrowed.
 * Threads  pure.
 * See      JT/T 489-2019 (toll classes); docs/feeds.md; toll_test.c.
 */
#ifndef TQ_MODEL_TOLL_H
#define TQ_MODEL_TOLL_H

#include "core/civil.h"
#include "model/codes.h"

#define RSU_SUFFIX "-RSU"
/* Is this the code of a gantry's radio; then *gantry is the gantry's own. */
bool rsu_code(struct span code, struct span *gantry);
/* Has the code the form of a national gantry number (a road letter, then 15 to 20
 * digits)? */
bool gantry_code(struct span code);

/* ---- classes ---- */

/* 1..6 passenger, 11..16 goods, 21..26 special; other numbers give 0. */
code3 toll_class(unsigned number);
unsigned toll_number(code3 c); /* 0: no toll class */

enum toll_fit { TOLL_UNKNOWN, TOLL_AGREES, TOLL_NEAR, TOLL_FAR };
/* How well two classes, each a toll class or one of GA 24.4, can be the same vehicle's.
 * FAR: a small car against a heavy lorry or coach; NEAR: what cameras mix up. */
enum toll_fit toll_fit(code3 a, code3 b);

/* ---- tag notes ---- */

enum tag_medium { TAG_UNSAID, TAG_OBU, TAG_CPC };
enum tag_result { TAG_RESULT_UNSAID, TAG_DONE, TAG_FAILED };
#define TAG_HEX 12
struct tag_note {
    enum tag_medium medium;
    enum tag_result result;
    char own[TAG_HEX];   /* hex number of this gantry; "" not said */
    char last[TAG_HEX];  /* of the gantry that the tag says it passed before */
    ts_ms last_ms;       /* when, as the tag says; 0 not said */
    struct span picture; /* picId that the gantry itself matched; may be empty */
};
#define TAG_NOTE_TEXT 192
/* dst[TAG_NOTE_TEXT]; a picture id that does not fit is left out. */
struct span tag_note_format(char *dst, const struct tag_note *n);
bool tag_note_parse(struct span s, struct tag_note *out); /* false: no tag note */

#endif
