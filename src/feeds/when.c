/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/when.h"

#define YEAR_1990 INT64_C(631152000000)
#define YEAR_2100 INT64_C(4102444800000)

/* n digits of s from `at`; -1 when one is none. */
static int
digits(struct span s, size_t at, size_t n)
{
    int v = 0;
    for (size_t i = at; i < at + n; i++) {
        unsigned d = (unsigned char)s.p[i] - (unsigned)'0';
        if (d > 9)
            return -1;
        v = v * 10 + (int)d;
    }
    return v;
}

/* The instant of a civil time. Fields that hold -1 are refused by civil_ts(). */
static bool
instant(struct civil *c, const struct zone *z, ts_ms *out, bool *leap)
{
    static const struct zone utc = {"UTC", 0};
    *leap = c->second == 60;
    if (*leap) {
        c->second = 59;
        c->milli = 999;
    }
    if (civil_ts(c, z, out) != OK)
        return false;
    return !*leap || civil_ms_of_day(*out, &utc) == DAY_MS - 1 ||
           civil_ms_of_day(*out, z) == DAY_MS - 1;
}

static bool
parse_standard(struct span s, const struct zone *z, ts_ms *out, bool *leap)
{
    if (s.n != 14 && s.n != 17)
        return false;
    struct civil c = {
        .year = digits(s, 0, 4),
        .month = digits(s, 4, 2),
        .day = digits(s, 6, 2),
        .hour = digits(s, 8, 2),
        .minute = digits(s, 10, 2),
        .second = digits(s, 12, 2),
        .milli = s.n == 17 ? digits(s, 14, 3) : 0,
    };
    return instant(&c, z, out, leap);
}

static bool
parse_epoch(struct span s, ts_ms *out)
{
    uint64_t v;
    if (!span_u64(s, &v))
        return false;
    switch (s.n) {
    case 10:
        *out = (ts_ms)v * 1000;
        return true;
    case 13:
        *out = (ts_ms)v;
        return true;
    case 16:
        *out = (ts_ms)(v / 1000);
        return true;
    default:
        return false;
    }
}

/* Cuts 1 to `most` digits off the head; -1 when there is none. */
static int
take_number(struct span *s, size_t most)
{
    size_t n = 0;
    while (n < most && n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
        n++;
    int v = n ? digits(*s, 0, n) : -1;
    *s = span_skip(*s, n);
    return v;
}

static bool
take_char(struct span *s, const char *any)
{
    if (s->n == 0 || !strchr(any, s->p[0]) || s->p[0] == 0)
        return false;
    *s = span_skip(*s, 1);
    return true;
}

static int
take_millis(struct span *s)
{
    int v = 0, scale = 100;
    for (; s->n && s->p[0] >= '0' && s->p[0] <= '9'; *s = span_skip(*s, 1), scale /= 10)
        v += (s->p[0] - '0') * scale;
    return v;
}

/* A date and time of day, with its zone or without. */
static bool
parse_civil(struct span s, const struct zone *z, ts_ms *out, bool *leap)
{
    struct civil c = {0};
    struct zone named;
    c.year = take_number(&s, 4);
    if (c.year < 1000 || !take_char(&s, "-/."))
        return false;
    c.month = take_number(&s, 2);
    if (!take_char(&s, "-/."))
        return false;
    c.day = take_number(&s, 2);
    if (!take_char(&s, "T "))
        return false;
    while (take_char(&s, " "))
        continue;
    c.hour = take_number(&s, 2);
    if (!take_char(&s, ":"))
        return false;
    c.minute = take_number(&s, 2);
    if (take_char(&s, ":"))
        c.second = take_number(&s, 2);
    if (take_char(&s, ".:,"))
        c.milli = take_millis(&s);
    if (s.n && zone_parse(s, &named, NULL) == OK)
        return instant(&c, &named, out, leap);
    return s.n == 0 && instant(&c, z, out, leap);
}

bool
when_parse(struct span s, const struct zone *z, ts_ms *out, enum when_form *form)
{
    ts_ms t;
    bool leap = false;
    s = span_trim(s);
    bool standard = parse_standard(s, z, &t, &leap);
    if (!standard && !parse_epoch(s, &t) && !parse_civil(s, z, &t, &leap))
        return false;
    if (t < YEAR_1990 || t >= YEAR_2100)
        return false;
    *form = leap ? WHEN_LEAP : standard ? WHEN_STANDARD : WHEN_OTHER;
    *out = t;
    return true;
}
