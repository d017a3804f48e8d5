/* SPDX-License-Identifier: Apache-2.0 */
/* loose.h - JSON values as senders type them: numbers as text, texts as numbers, truth
 * as 0, 1, "1".
 *
 * Shape    each reads one member; false when it is absent, null, empty or unreadable.
 * What was wrong is counted under the field's name.
 * Owner    texts are borrowed from the document, or lie in the caller's scratch.
 * Threads  pure.
 */
#ifndef TQ_FEEDS_LOOSE_H
#define TQ_FEEDS_LOOSE_H

#include "core/civil.h"
#include "feeds/fault.h"
#include "feeds/json_dom.h"

#define LOOSE_TEXT 32

/* NUL bytes behind a text (a fixed field sent whole) are cut off and counted; false when
 * one lies inside: what the sender meant cannot be told. */
bool loose_whole(const char *field, struct feed_faults *f, struct span *text);
/* A text; numbers and truths are written out into scratch[LOOSE_TEXT]. */
bool loose_text(
    const struct dom_value *v, const char *field, struct feed_faults *f, char *scratch,
    struct span *out);
/* A whole number in [min, max]. */
bool loose_int(
    const struct dom_value *v, const char *field, struct feed_faults *f, int64_t min,
    int64_t max, int64_t *out);
bool loose_number(
    const struct dom_value *v, const char *field, struct feed_faults *f, double min,
    double max, double *out);
bool loose_bool(
    const struct dom_value *v, const char *field, struct feed_faults *f, bool *out);
bool loose_time(
    const struct dom_value *v, const char *field, struct feed_faults *f,
    const struct zone *zone, ts_ms *out);

#endif
