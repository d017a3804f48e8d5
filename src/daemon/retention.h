/* SPDX-License-Identifier: Apache-2.0 */
/* retention.h - what is past its days goes: passes and pictures, each by whole civil
 * days, each after days of its own; first what a matter holds as evidence is copied
 * into the matter's own file; a receipt in the audit chain names what went.
 *
 *   gather -> hold (some matters at a time) -> drop -> receipts
 *
 * Units    days are civil day numbers: everything below them goes.
 * Owner    retention_new() gives a plan to retention_free().
 * Threads  one step after the other, on any thread; drop on the store thread only.
 *          retention_start() walks the owners by itself.
 * Errors   a copy that fails stops the plan before anything is dropped.
 * See      docs/why/truth.md "Retention".
 */
#ifndef TQ_DAEMON_RETENTION_H
#define TQ_DAEMON_RETENTION_H

#include "core/civil.h"
#include "store/audit.h"
#include "store/ledger.h"
#include "store/sight.h"

struct daemon;

struct retention;
struct retention *retention_new(int64_t passes_day, int64_t pictures_day);
void retention_free(struct retention *r); /* NULL is fine */

/* Over how many civil days what is to go reaches; a city that runs drops one a day. */
int64_t
retention_days(const struct retention *r, struct sight *s, const struct zone *z);
/* Which evidence lies in the days that are to go. */
enum err retention_gather(
    struct retention *r, struct sight *s, struct ledger_reader *l, const struct zone *z,
    struct note *note) MUST_USE;
/* Copies the evidence of up to `matters` matters; *more says whether there are others.
 * What is already gone is left out. */
enum err retention_hold(
    struct retention *r, struct sight *s, unsigned matters, bool *more,
    struct note *note) MUST_USE;
enum err
retention_drop(struct retention *r, struct sight *s, struct note *note) MUST_USE;
/* One record a class that lost something: days, counts, files by name, evidence held,
 * and the copies made earlier (backups) that may still have it. */
enum err retention_receipts(struct retention *r, struct audit *a, ts_ms now) MUST_USE;

/* Once a day, and again an hour after a failure; more than a week at once only when the
 * wall clock has been steady for a day. Tend's thread. */
void retention_look(struct daemon *d, int64_t today, dur_us mono);

#endif
