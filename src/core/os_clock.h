/* SPDX-License-Identifier: Apache-2.0 */
/* os_clock.h - the only place, beside daemon/, that reads clocks and randomness.
 * Everyone else is told the time as an argument, so that a replay gives the same bytes.
 *
 * Threads  any.
 */
#ifndef TQ_CORE_OS_CLOCK_H
#define TQ_CORE_OS_CLOCK_H

#include "core/civil.h"

ts_ms os_now_ms(void);          /* wall clock, UTC */
dur_us os_mono_us(void);        /* monotonic */
dur_us os_thread_cpu_us(void);  /* processor time of this thread */
dur_us os_process_cpu_us(void); /* user + system of this process */

#endif
