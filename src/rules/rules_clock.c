/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks in doubt. One vehicle that leaps is a clone or a misread; many that leap at one
 * camera in one hour are its clock. So what is found of a plate rests on how many others
 * leapt there, and is judged again when one leap, or the traffic that bears it, turns
 * the answer. */
#include "rules/rules_own.h"

#include <stdlib.h>

#include "rules/machine.h"

/* Plates that leap at a site within three hours before its clock is doubted: a few, and
 * more where there is more traffic (misreads and clones: one read in a thousand). */
#define DOUBT_LEAST 3.0
#define DOUBT_SHARE 1e-3
#define DOUBT_TIMES 3.0
/* More leaping plates at a place are not told apart: nobody vouches for its clock. */
#define VOUCH_LEAPS 60u

void
machine_leap(void *machine, uint32_t site, ts_ms at_ms, bool rests)
{
    struct rules *r = machine;
    struct leap_at at = leap_place(site, at_ms);
    at.rests = rests;
    for (unsigned i = 0; i < r->leaps_n; i++)
        if (r->leaps[i].site == at.site && r->leaps[i].hour == at.hour) {
            r->leaps[i].rests &= rests;
            return;
        }
    if (r->leaps_n < LEAPS_A_JUDGEMENT)
        r->leaps[r->leaps_n++] = at;
}

static unsigned
doubt_at(const struct view *v, uint32_t site)
{
    const struct site_model *m = model_site(v->model, (struct site_id){site});
    return (unsigned)(DOUBT_LEAST + DOUBT_TIMES * DOUBT_SHARE * m->reads * 3 / 24);
}

bool
machine_doubts_clock(void *machine, uint32_t site, ts_ms at_ms)
{
    struct rules *r = machine;
    unsigned enough = doubt_at(r->judged, site);
    return suspects_count(
               &r->suspects, leap_place(site, at_ms),
               r->rows_n ? r->rows[0].s.plate : PLATE_NONE, enough) >= enough;
}

/* How many plates may leap at a place before its clock is no longer vouched for. */
static unsigned
leaps_borne(const struct rules *r, struct leap_at at, unsigned reads)
{
    unsigned n = traffic_near(&r->traffic, at.site, at.hour) / reads;
    return n < VOUCH_LEAPS ? n : VOUCH_LEAPS;
}

bool
machine_vouches_clock(void *machine, uint32_t site, ts_ms at_ms, unsigned reads)
{
    struct rules *r = machine;
    struct leap_at at = leap_place(site, at_ms);
    struct plate p = r->rows_n ? r->rows[0].s.plate : PLATE_NONE;
    unsigned leaps = leaps_borne(r, at, reads);
    return leaps && suspects_count(&r->suspects, at, p, leaps) < leaps;
}

static bool
is_about(unsigned others, unsigned limit)
{
    return limit && others + 1 >= limit && others <= limit + 1;
}

/* Can one leap more or less at a place change what is thought of its clock? */
static bool
near_a_turn(const struct rules *r, struct leap_at at, struct plate p, unsigned enough)
{
    unsigned few = leaps_borne(r, at, VOUCH_MANY), many = leaps_borne(r, at, VOUCH_FEW);
    unsigned cap = (enough > many ? enough : many) + 2;
    unsigned others = suspects_count(&r->suspects, at, p, cap);
    return is_about(others, enough) || is_about(others, few) || is_about(others, many);
}

/* Judges again all plates that leapt at a place, or of which something rests on its
 * clock. */
static void
judge_place(struct rules *r, struct leap_at at, int32_t within, struct plate but)
{
    enum { MOST = 256 };
    struct suspect near[MOST];
    unsigned n = 0;
    uint32_t from = 0;
    for (const struct suspect *s;
         n < MOST && (s = suspects_near(&r->suspects, at, &from));)
        if (!plate_eq(s->plate, but) && abs(s->at.hour - at.hour) <= within)
            near[n++] = *s;
    for (unsigned i = 0; i < n; i++)
        rules_judge(r, near[i].plate, near[i].day, NULL, RULE_BY_PLATE);
}

/* Another plate's leap made or ended a doubt of a clock: what rests on that clock is
 * judged again. */
void
rules_clock_turned(struct rules *r, struct leap_at at, struct plate p, int32_t day)
{
    unsigned enough = doubt_at(ground_view(&r->ground, day), at.site);
    bool close = false;
    for (int32_t h = -1; h <= 1; h++) {
        struct leap_at centre = {.site = at.site, .hour = at.hour + h};
        close |= near_a_turn(r, centre, p, enough);
    }
    if (close)
        judge_place(r, at, 2, p);
}

/* Is the last leap there just borne? Each plate counts all but its own. */
static bool
is_borne_now(const struct rules *r, struct leap_at at, unsigned reads)
{
    unsigned leaps = leaps_borne(r, at, reads);
    unsigned all = suspects_count(&r->suspects, at, PLATE_NONE, leaps + 1);
    return all + 1 == leaps || all == leaps;
}

/* Enough more vehicles have passed for the clock to be vouched for in spite of one leap
 * more. */
void
rules_clock_passed(struct rules *r, struct leap_at at)
{
    for (int32_t h = -1; h <= 1; h++) {
        struct leap_at centre = {.site = at.site, .hour = at.hour + h};
        unsigned n = traffic_near(&r->traffic, centre.site, centre.hour);
        if ((n % VOUCH_FEW == 0 && is_borne_now(r, centre, VOUCH_FEW)) ||
            (n % VOUCH_MANY == 0 && is_borne_now(r, centre, VOUCH_MANY)))
            judge_place(r, centre, 0, PLATE_NONE);
    }
}
