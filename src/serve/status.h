/* SPDX-License-Identifier: Apache-2.0 */
/* status.h - what machines ask: /metrics (Prometheus text) and /health (the truth, 200
 * or 503).
 *
 * Threads  any loop.
 */
#ifndef TQ_SERVE_STATUS_H
#define TQ_SERVE_STATUS_H

#include "serve/needs.h"

/* All rows of core/counter.def as "tongqu_name", with help and type. */
void status_metrics(struct buf *out);
/* The facts; sets the status of the reply. */
void status_health(struct req *r, const struct serve_needs *needs);

#endif
