/* SPDX-License-Identifier: Apache-2.0 */
/* site_flow.h - what one site counted, five minutes by five minutes, against what is
 * usual there: by class, lane and direction while the window is short enough to read
 * every pass, and the silences in it.
 *
 * Units    instants ts_ms; speeds km/h.
 * Owner    everything lies in the asker's arena.
 * Threads  any.
 * Errors   those of the store.
 * See      docs/api.md "GET /sites/{id}/flow"; store/sight.h; analysis/coverage.h.
 */
#ifndef TQ_SERVE_SITE_FLOW_H
#define TQ_SERVE_SITE_FLOW_H

#include "serve/house.h"

#define SITE_FLOW_MAX_MS (8 * DAY_MS)
/* Longer windows have no classes, lanes, directions. */
#define SITE_FLOW_DETAIL_MS (DAY_MS + SIGHT_FLOW_MS)

struct site_flow_ask {
    struct site_id site;
    ts_ms from, to, now;
    const struct model *model; /* may be NULL */
    const struct live *live;
    bool (*stop)(void *arg);
    void *stop_arg;
};

/* Writes the Flow of docs/api.md. */
enum err site_flow_json(
    const struct house *house, const struct site_flow_ask *ask, struct arena *arena,
    struct buf *out) MUST_USE;

#endif
