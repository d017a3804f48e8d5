/* SPDX-License-Identifier: Apache-2.0 */
/* vital.h - which sites have fallen silent, read badly or have a wrong clock, told
 * from their own stream against what is usual there at this hour.
 *
 *   ok -> silent     so long without a fresh pass that chance is the worse explanation,
 *                    given the usual flow of the hour and how the whole city drives now
 *   ok -> degraded   so many reads without a whole plate that chance is ... (CUSUM)
 *   ok -> clock      the frozen model says so, or passes come from the future
 *
 * Shape    rows in order of arrival, a tick now and then; states are read at any time.
 * A function of rows, ticks and models alone: the daemon and the bench run the same.
 * Units    instants ts_ms; shares 0..1.
 * Owner    vital_new() gives it to the caller; models are referenced.
 * Threads  one.
 * Errors   without memory a site is not judged.
 * Pitfall  nothing is said of a site before a model knows its habit. When the whole
 * city goes quiet (storm, our own link), the expectation falls with it and no single
 * site is blamed: vital_city() is then low and says so.
 * See      docs/why/probability.md "Site health"; vital_test.c; ./dev bench detectors.
 */
#ifndef TQ_RULES_VITAL_H
#define TQ_RULES_VITAL_H

#include "rules/models.h"

enum vital_state { VITAL_OK, VITAL_CLOCK, VITAL_DEGRADED, VITAL_SILENT };

/* Why, in the figures that were compared. */
struct vital_site {
    uint8_t state;    /* enum vital_state */
    ts_ms since_ms;   /* when it began, as far as the stream tells; 0 for ok */
    ts_ms said_ms;    /* when we said so */
    ts_ms last_ms;    /* last fresh pass came in */
    float expected;   /* silent: usual passes in the time without one */
    float unread;     /* degraded: share of the last reads without a whole plate */
    float usual;      /* degraded: the usual share; silent: usual passes an hour */
    int32_t clock_ms; /* clock: its clock minus true time */
    uint32_t clock_sd_ms;
};

struct vital;
struct vital *vital_new(const struct zone *zone); /* NULL without memory */
void vital_free(struct vital *h);
/* Takes a reference; NULL: nothing is known. */
void vital_set_model(struct vital *h, struct model *m);
/* One stored row. Rows older than HABIT_PROMPT_MS on arrival say nothing of now. */
void vital_row(struct vital *h, const struct sighting *s);
/* Time goes on: call at least once a minute; a longer pause counts as our own absence
 * and blames nobody. changed() may be NULL: it is called for every site whose state is
 * another now. */
typedef void vital_changed(
    void *arg, struct site_id site, const struct vital_site *was,
    const struct vital_site *now);
void vital_tick(struct vital *h, ts_ms now, vital_changed *changed, void *arg);
/* Never NULL; a site that is not judged is ok. */
const struct vital_site *vital_of(const struct vital *h, struct site_id id);
/* A change as the journal keeps it. */
void vital_encode(struct buf *out, const struct vital_site *s);
enum err vital_decode(struct span bytes, struct vital_site *out) MUST_USE;
/* How the city drives now against its habit (1 as usual); -1 when not known. */
double vital_city(const struct vital *h);

#endif
