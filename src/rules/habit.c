/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/habit.h"

#include <math.h>

#define HABIT_DAYS 5.0F /* as many days are remembered as if they weighed alike */
/* A half hour with less than this share of what was to be expected was an outage or a
 * closed road, and no habit. */
#define OUTAGE_SHARE 0.3
#define OUTAGE_EXPECTED 12.0 /* passes: below it an empty half hour says nothing */
#define SLOT_MS (DAY_MS / HABIT_SLOTS)
#define STEP_MS (5 * MINUTE_MS)
#define SPAN_MAX (14 * DAY_MS)

unsigned
habit_kind(int64_t day)
{
    int64_t weekday = (day + 3) % 7; /* 1970-01-01 was a Thursday; 0 is Monday */
    return (weekday < 0 ? weekday + 7 : weekday) >= 5;
}

static unsigned
kind_of(const struct site_habit *h, const struct zone *z, ts_ms at)
{
    unsigned kind = habit_kind(civil_day(at, z));
    return h->days[kind] > 0 ? kind : 1 - kind;
}

double
habit_days(const struct site_habit *h, const struct zone *z, ts_ms at)
{
    return h ? h->days[kind_of(h, z, at)] : 0;
}

bool
habit_knows(const struct site_habit *h, const struct zone *z, ts_ms at)
{
    return h && h->days[habit_kind(civil_day(at, z))] > 0;
}

double
habit_rate(const struct site_habit *h, const struct zone *z, ts_ms at)
{
    if (!h || (h->days[0] <= 0 && h->days[1] <= 0))
        return -1;
    const float *own = h->pass[kind_of(h, z, at)];
    double slot = (double)civil_ms_of_day(at, z) / (double)SLOT_MS - 0.5;
    double from = floor(slot), part = slot - from;
    unsigned i = (unsigned)(from + HABIT_SLOTS) % HABIT_SLOTS;
    double pass = own[i] * (1 - part) + own[(i + 1) % HABIT_SLOTS] * part;
    return pass * (double)HOUR_MS / (double)SLOT_MS;
}

double
habit_expected(const struct site_habit *h, const struct zone *z, ts_ms from, ts_ms to)
{
    double sum = 0;
    if (habit_rate(h, z, from) < 0)
        return -1;
    if (to - from > SPAN_MAX)
        from = to - SPAN_MAX;
    while (from < to) {
        ts_ms next = from + STEP_MS < to ? from + STEP_MS : to;
        sum += habit_rate(h, z, from + (next - from) / 2) * (double)(next - from) /
               (double)HOUR_MS;
        from = next;
    }
    return sum;
}

/* ---- learning ---- */

void
habit_count(struct habit_day *d, const struct zone *z, const struct sighting *s)
{
    unsigned slot = (unsigned)(civil_ms_of_day(s->pass_ms, z) / SLOT_MS);
    d->pass[habit_kind(civil_day(s->pass_ms, z))][slot]++;
    d->all++;
    d->prompt += s->arrive_ms - s->pass_ms < HABIT_PROMPT_MS;
}

static double
sum_of(const uint32_t pass[HABIT_SLOTS])
{
    double sum = 0;
    for (unsigned i = 0; i < HABIT_SLOTS; i++)
        sum += pass[i];
    return sum;
}

static void
learn_kind(
    struct site_habit *h, const struct habit_day *own, unsigned kind, double days)
{
    float known = fminf(h->days[kind], HABIT_DAYS - 1);
    for (unsigned i = 0; i < HABIT_SLOTS; i++) {
        double now = own->pass[kind][i] / days;
        double was = known > 0 ? h->pass[kind][i] : 0;
        if (was > OUTAGE_EXPECTED && now < was * OUTAGE_SHARE)
            now = was / 2; /* so that a road that stays closed is learned in time */
        h->pass[kind][i] =
            (float)((h->pass[kind][i] * known + now * days) / (known + days));
    }
    h->days[kind] = fminf((float)(known + days), HABIT_DAYS);
}

void
habit_learn(
    struct site_habit *h, const struct habit_day *own,
    const unsigned kinds[HABIT_KINDS])
{
    bool known = h->days[0] > 0 || h->days[1] > 0;
    for (unsigned k = 0; k < HABIT_KINDS; k++)
        if (kinds[k] && (sum_of(own->pass[k]) > 0 || h->days[k] > 0))
            learn_kind(h, own, k, kinds[k]);
    if (own->all) {
        float share = (float)own->prompt / (float)own->all;
        h->prompt = known ? (h->prompt + share) / 2 : share;
    }
}

void
habit_remember(struct site_habit *h, const struct habit_past *day)
{
    if (h->past_n && h->past[h->past_n - 1].day >= day->day)
        return; /* learned anew: a day is remembered once */
    if (h->past_n == HABIT_PAST) {
        for (unsigned i = 1; i < HABIT_PAST; i++)
            h->past[i - 1] = h->past[i];
        h->past_n--;
    }
    h->past[h->past_n++] = *day;
}
