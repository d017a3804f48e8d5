/* SPDX-License-Identifier: Apache-2.0 */
/* os_zone.h - civil time zones by the names of the machine's tz database.
 *
 * Threads  any.
 * Errors   ERR_INPUT: no such zone, one whose clocks change in the year (nights, bans and
 * days of a data directory are those of one offset), one of odd seconds.
 * See      RFC 9636 (TZif); tests in os_zone_test.c.
 */
#ifndef TQ_CORE_OS_ZONE_H
#define TQ_CORE_OS_ZONE_H

#include "core/civil.h"

#define OS_ZONES "/usr/share/zoneinfo"

/* What zone_parse() reads, and every zone of the database in `dir` that keeps one offset
 * the year round. */
enum err os_zone(
    const char *dir, struct span name, struct zone *out, struct note *note) MUST_USE;

/* The zone that a TZif file is in from its last transition on, by the rule at its end.
 * ERR_INPUT: there is none such; *changes says that it has a summer time. */
enum err os_zone_rule(struct span file, int *offset_min, bool *changes) MUST_USE;

#endif
