/* SPDX-License-Identifier: Apache-2.0 */
/* when.h - times as senders write them.
 *
 * Units    results are ts_ms.
 * Threads  pure.
 * See      GA/T 1400.3 dateTime (yyyyMMddHHmmss, 17 digits with milliseconds); ISO
 * 8601.
 */
#ifndef TQ_FEEDS_WHEN_H
#define TQ_FEEDS_WHEN_H

#include "core/civil.h"

enum when_form {
    WHEN_STANDARD,
    WHEN_OTHER, /* a form that the standard has not */
    WHEN_LEAP,  /* second 60 of the last minute of a day (UTC, or the sender's own):
                   epoch time has no such second, so it is read as the last millisecond
                   before it and stays in its day */
};

/* Reads 14 or 17 digits in zone z (WHEN_STANDARD); otherwise epoch seconds (10
 * digits), milliseconds (13), microseconds (16), ISO 8601 with zone, or a date and time
 * without one
 * ("2026-03-02 08:00:00", "2026/3/2 8:00", also with T) in zone z. False: none of
 * these, or before 1990 or past 2100 (a clock that was never set). */
bool when_parse(struct span s, const struct zone *z, ts_ms *out, enum when_form *form);

#endif
