/* SPDX-License-Identifier: Apache-2.0 */
/* civil.h - instants, durations and the civil calendar of one zone.
 *
 * Units    ts_ms: UTC epoch milliseconds, the finest any standard we speak records;
 * dur_us: measured durations in microseconds; day numbers count civil days since
 * 1970-01-01.
 * Threads  pure functions over a struct zone that is set once.
 * See      RFC 3339; GA/T 1400 dateTime (yyyyMMddHHmmss, 17 digits with milliseconds).
 * China has had no daylight saving since 1992, so a zone here is a fixed offset.
 */
#ifndef TQ_CORE_CIVIL_H
#define TQ_CORE_CIVIL_H

#include "core/err.h"
#include "core/span.h"

typedef int64_t ts_ms;
typedef int64_t dur_us;

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

struct zone {
    char name[40];      /* "Asia/Shanghai" */
    int32_t offset_min; /* east positive */
};

/* "Asia/Shanghai", "UTC", "+08:00", "-03:30" ...; ERR_INPUT for others. */
enum err zone_parse(struct span s, struct zone *out, struct note *note) MUST_USE;

struct civil {
    int year, month, day; /* month 1-12, day 1-31 */
    int hour, minute, second, milli;
    int weekday; /* 1 Monday .. 7 Sunday */
};

int64_t civil_day(ts_ms t, const struct zone *z);         /* day number of an instant */
ts_ms civil_day_start(int64_t day, const struct zone *z); /* first instant of a day */
int civil_ms_of_day(ts_ms t, const struct zone *z);       /* 0 .. 86,399,999 */
struct civil civil_of(ts_ms t, const struct zone *z);
/* The instant of a civil time (its weekday is not read); ERR_INPUT when there is no
 * such date. */
enum err civil_ts(const struct civil *c, const struct zone *z, ts_ms *out) MUST_USE;

/* Accepts epoch milliseconds (digits only, years 1 to 9999), ISO 8601 with zone
 * ("2026-03-02T08:00:00.5+08:00",
 * "...Z"), and a bare date as the start of that civil day. ERR_INPUT says which forms
 * are read. */
enum err
ts_parse(struct span s, const struct zone *z, ts_ms *out, struct note *note) MUST_USE;
/* GA/T 1400 dateTime in zone z: 14 or 17 digits; ISO 8601 is accepted too. */
enum err ts_parse_viid(struct span s, const struct zone *z, ts_ms *out) MUST_USE;

#define TS_TEXT 32
/* "2026-03-02T08:00:00.123+08:00" into dst[TS_TEXT]; returns dst. */
char *ts_format(char *dst, ts_ms t, const struct zone *z);
/* "20260302080000" or with milliseconds 17 digits; returns dst[TS_TEXT]. */
char *ts_format_viid(char *dst, ts_ms t, const struct zone *z, bool with_ms);
/* "20260302" of a day number, into dst[TS_TEXT]. */
char *day_format(char *dst, int64_t day);

#endif
