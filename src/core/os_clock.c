/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks of the machine. */
#include "core/os_clock.h"

#include <time.h>

static dur_us
read_us(clockid_t id)
{
    struct timespec t;
    must(clock_gettime(id, &t) == 0);
    return (dur_us)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

ts_ms
os_now_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

dur_us
os_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

dur_us
os_thread_cpu_us(void)
{
    return read_us(CLOCK_THREAD_CPUTIME_ID);
}

dur_us
os_process_cpu_us(void)
{
    return read_us(CLOCK_PROCESS_CPUTIME_ID);
}
