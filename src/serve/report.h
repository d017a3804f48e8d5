/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - what one message of a device was worth: for the counters of its data
 * quality.
 *
 * Owner    values; `faults` is borrowed for the call.
 * Threads  any.
 */
#ifndef TQ_SERVE_REPORT_H
#define TQ_SERVE_REPORT_H

#include <stdint.h>

#define REPORT_LATE_MS 60000 /* a pass that arrives so much later is late */

struct feed_faults;
struct device_report {
    uint64_t objects; /* of the message, whatever became of them */
    uint64_t stored, duplicates, conflicts, future, expired, refused; /* of its rows */
    uint64_t late, unread; /* of the stored ones */
    const struct feed_faults *faults;
};

#endif
