/* SPDX-License-Identifier: Apache-2.0 */
/* machine.h - what scene.c asks of the machine behind it.
 *
 * Owner    the machine is struct rules, handed round as void *.
 */
#ifndef TQ_RULES_MACHINE_H
#define TQ_RULES_MACHINE_H

#include "model/alarm.h"
#include "rules/needs.h"

/* A zeroed alarm that belongs to the judgement under way; NULL past its cap. */
struct alarm *machine_alarm(void *machine);
/* Is there a better read of the same passage under a text one character away? */
bool machine_shadowed(void *machine, const struct sighting *s);

/* Memory of the judgement under way. */
struct arena *machine_arena(void *machine);
/* Stored rows of one site, as rules_needs.place. False: nobody can say, or it failed.
 */
bool machine_place(
    void *machine, uint32_t site, ts_ms from, ts_ms to, rules_row_fn *row, void *arg);

/* Tells that the plate under judgement made an impossible leap from or to a site; or
 * (rests) that something said of it rests on the clock there. */
void machine_leap(void *machine, uint32_t site, ts_ms at_ms, bool rests);
/* Did more other plates leap at that site and time than its traffic explains? Then its
 * clock, not the vehicle, is to be doubted. */
bool machine_doubts_clock(void *machine, uint32_t site, ts_ms at_ms);
/* Were there, within three hours, so many exact reads and as many more for each plate
 * that leapt? */
bool machine_vouches_clock(void *machine, uint32_t site, ts_ms at_ms, unsigned reads);

#endif
