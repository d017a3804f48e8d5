/* SPDX-License-Identifier: Apache-2.0 */
/* machine.h - what scene.c asks of the machine behind it.
 *
 * Owner    the machine is struct rules, handed round as void *.
 */
#ifndef TQ_RULES_MACHINE_H
#define TQ_RULES_MACHINE_H

#include "model/alarm.h"

/* A zeroed alarm that belongs to the judgement under way; NULL past its cap. */
struct alarm *machine_alarm(void *machine);
/* Is there a better read of the same passage under a text one character away? */
bool machine_shadowed(void *machine, const struct sighting *s);

#endif
