/* SPDX-License-Identifier: Apache-2.0 */
/* Day numbers by Howard Hinnant's "days from civil" (chrono-compatible low-level date
 * algorithms). */
#include "core/civil.h"

#include <stdio.h>

static int64_t
floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t
days_from_civil(int y, int m, int d)
{
    y -= m <= 2;
    int64_t era = floor_div(y, 400);
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

static void
civil_from_days(int64_t z, int *y, int *m, int *d)
{
    z += 719468;
    int64_t era = floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *d = (int)(doy - (153 * mp + 2) / 5 + 1);
    *m = (int)(mp < 10 ? mp + 3 : mp - 9);
    *y = (int)(yoe + era * 400 + (*m <= 2));
}

enum err
zone_parse(struct span s, struct zone *out, struct note *note)
{
    static const struct {
        const char *name;
        int offset_min;
    } names[] = {
        {"Asia/Shanghai", 480}, {"Asia/Urumqi", 480}, {"Asia/Hong_Kong", 480},
        {"Asia/Macau", 480},    {"UTC", 0},           {"Z", 0},
    };
    struct zone z = {0};
    if (!span_copy(z.name, sizeof z.name, s))
        return note_set(
            note, ERR_INPUT, "zone", "the zone name is too long", "时区名过长");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (span_eq_cstr(s, names[i].name)) {
            z.offset_min = names[i].offset_min;
            *out = z;
            return OK;
        }
    }
    uint64_t hh, mm = 0;
    bool shape = s.n == 6 && (s.p[0] == '+' || s.p[0] == '-') && s.p[3] == ':';
    if (shape && span_u64(span_of(s.p + 1, 2), &hh) &&
        span_u64(span_of(s.p + 4, 2), &mm) && hh <= 14 && mm < 60) {
        int minutes = (int)(hh * 60 + mm);
        z.offset_min = s.p[0] == '-' ? -minutes : minutes;
        *out = z;
        return OK;
    }
    return note_set(
        note, ERR_INPUT, "zone", "write a zone as Asia/Shanghai, UTC or +08:00",
        "时区请写作 Asia/Shanghai、UTC 或 +08:00");
}

static ts_ms
local(ts_ms t, const struct zone *z)
{
    return t + z->offset_min * MINUTE_MS;
}

int64_t
civil_day(ts_ms t, const struct zone *z)
{
    return floor_div(local(t, z), DAY_MS);
}

ts_ms
civil_day_start(int64_t day, const struct zone *z)
{
    return day * DAY_MS - z->offset_min * MINUTE_MS;
}

int
civil_ms_of_day(ts_ms t, const struct zone *z)
{
    ts_ms l = local(t, z);
    return (int)(l - floor_div(l, DAY_MS) * DAY_MS);
}

struct civil
civil_of(ts_ms t, const struct zone *z)
{
    int64_t day = civil_day(t, z);
    int ms = civil_ms_of_day(t, z);
    struct civil c = {0};
    civil_from_days(day, &c.year, &c.month, &c.day);
    c.hour = ms / 3600000;
    c.minute = ms / 60000 % 60;
    c.second = ms / 1000 % 60;
    c.milli = ms % 1000;
    c.weekday =
        (int)(day + 3 - floor_div(day + 3, 7) * 7) + 1; /* 1970-01-01: a Thursday */
    return c;
}

enum err
civil_ts(const struct civil *c, const struct zone *z, ts_ms *out)
{
    static const int last[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = c->year % 4 == 0 && (c->year % 100 != 0 || c->year % 400 == 0);
    if (c->year < 1 || c->year > 9999 || c->month < 1 || c->month > 12 || c->day < 1 ||
        c->day > last[c->month - 1] || (c->month == 2 && c->day == 29 && !leap))
        return ERR_INPUT;
    if (c->hour < 0 || c->hour > 23 || c->minute < 0 || c->minute > 59 ||
        c->second < 0 || c->second > 59 || c->milli < 0 || c->milli > 999)
        return ERR_INPUT;
    ts_ms t = days_from_civil(c->year, c->month, c->day) * DAY_MS;
    t += c->hour * HOUR_MS + c->minute * MINUTE_MS + c->second * SECOND_MS + c->milli;
    *out = t - z->offset_min * MINUTE_MS;
    return OK;
}

/* n digits off the head of *s; -1 when they are not there. */
static int
digits(struct span *s, size_t n)
{
    uint64_t v;
    if (s->n < n || !span_u64(span_of(s->p, n), &v))
        return -1;
    *s = span_skip(*s, n);
    return (int)v;
}

static bool
literal(struct span *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = span_skip(*s, 1);
    return true;
}

static enum err
parse_iso(struct span s, const struct zone *z, ts_ms *out)
{
    struct civil c = {0};
    c.year = digits(&s, 4);
    bool ok = literal(&s, '-');
    c.month = digits(&s, 2);
    ok = ok && literal(&s, '-');
    c.day = digits(&s, 2);
    if (!ok || c.year < 0 || c.month < 0 || c.day < 0)
        return ERR_INPUT;
    if (s.n == 0)
        return civil_ts(&c, z, out);
    if (!literal(&s, 'T') && !literal(&s, ' '))
        return ERR_INPUT;
    c.hour = digits(&s, 2);
    ok = literal(&s, ':');
    c.minute = digits(&s, 2);
    if (literal(&s, ':'))
        c.second = digits(&s, 2);
    if (literal(&s, '.')) {
        int scale = 100, any = 0;
        for (; s.n && s.p[0] >= '0' && s.p[0] <= '9'; s = span_skip(s, 1), any = 1) {
            c.milli += (s.p[0] - '0') * scale;
            scale /= 10;
        }
        ok = ok && any;
    }
    struct zone named = {0};
    if (!ok || c.hour < 0 || c.minute < 0 || c.second < 0 ||
        zone_parse(s, &named, NULL))
        return ERR_INPUT; /* an instant without its zone is ambiguous: refuse */
    return civil_ts(&c, &named, out);
}

/* What a calendar of four digits can say in every zone. */
#define YEAR_1_MS INT64_C(-62135510400000)    /* 0001-01-02 */
#define YEAR_9999_MS INT64_C(253402214399999) /* 9999-12-30 */

enum err
ts_parse(struct span s, const struct zone *z, ts_ms *out, struct note *note)
{
    int64_t v;
    /* Short numbers may be dates: of them only the beginning of the epoch. */
    bool number = (s.n >= 9 || span_eq_cstr(s, "0")) && span_i64(s, &v);
    if (number && v >= YEAR_1_MS && v <= YEAR_9999_MS) {
        *out = v;
        return OK;
    }
    if (!number && parse_iso(s, z, out) == OK)
        return OK;
    return note_fmt(
        note, ERR_INPUT, "time",
        "\"%.*s\" is not a time: write epoch milliseconds or 2026-03-02T08:00:00+08:00",
        "“%.*s”不是时间：请写毫秒时间戳或 2026-03-02T08:00:00+08:00",
        (int)(s.n < 60 ? s.n : 60), s.p);
}

enum err
ts_parse_viid(struct span s, const struct zone *z, ts_ms *out)
{
    if (s.n != 14 && s.n != 17)
        return s.n > 17 ? parse_iso(s, z, out) : ERR_INPUT;
    struct civil c = {0};
    c.year = digits(&s, 4);
    c.month = digits(&s, 2);
    c.day = digits(&s, 2);
    c.hour = digits(&s, 2);
    c.minute = digits(&s, 2);
    c.second = digits(&s, 2);
    c.milli = s.n ? digits(&s, 3) : 0;
    return civil_ts(&c, z, out);
}

char *
ts_format(char *dst, ts_ms t, const struct zone *z)
{
    struct civil c = civil_of(t, z);
    int off = z->offset_min < 0 ? -z->offset_min : z->offset_min;
    snprintf(
        dst, TS_TEXT, "%04u-%02u-%02uT%02u:%02u:%02u.%03u%c%02u:%02u",
        (unsigned)c.year % 10000u, (unsigned)c.month % 100u, (unsigned)c.day % 100u,
        (unsigned)c.hour % 100u, (unsigned)c.minute % 100u, (unsigned)c.second % 100u,
        (unsigned)c.milli % 1000u, z->offset_min < 0 ? '-' : '+',
        (unsigned)off / 60 % 100u, (unsigned)off % 60);
    return dst;
}

char *
ts_format_viid(char *dst, ts_ms t, const struct zone *z, bool with_ms)
{
    struct civil c = civil_of(t, z);
    int n = snprintf(
        dst, TS_TEXT, "%04u%02u%02u%02u%02u%02u", (unsigned)c.year % 10000u,
        (unsigned)c.month % 100u, (unsigned)c.day % 100u, (unsigned)c.hour % 100u,
        (unsigned)c.minute % 100u, (unsigned)c.second % 100u);
    if (with_ms)
        snprintf(dst + n, TS_TEXT - (size_t)n, "%03u", (unsigned)c.milli % 1000u);
    return dst;
}

char *
day_format(char *dst, int64_t day)
{
    int y, m, d;
    civil_from_days(day, &y, &m, &d);
    snprintf(
        dst, TS_TEXT, "%04u%02u%02u", (unsigned)y % 10000u, (unsigned)m % 100u,
        (unsigned)d % 100u);
    return dst;
}
