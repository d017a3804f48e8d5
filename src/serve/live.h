/* SPDX-License-Identifier: Apache-2.0 */
/* live.h - what moves while we look: sites' flow, devices' health, units' positions, as
 * immutable snapshots that the daemon publishes about once a second.
 *
 * Units    instants ts_ms; positions 1e-7 degree; flow in passes per full five minutes.
 * Owner    refcounted: live_unref() by whoever took a reference.
 * Threads  immutable once published: any thread.
 */
#ifndef TQ_SERVE_LIVE_H
#define TQ_SERVE_LIVE_H

#include "model/org.h"
#include "model/site.h"
#include "rules/vital.h"

struct live_site {                      /* by site id; row 0 is empty */
    ts_ms last_pass_ms, last_arrive_ms; /* 0 never since start */
    uint32_t flow;                      /* passes in the last full five minutes */
    uint32_t flow_now;                  /* in the running ones */
    uint32_t today;                     /* passes of the civil day, seen since start */
    uint32_t unread;                    /* of them without a whole plate */
    uint16_t devices, devices_online;   /* that send for it */
    float usual; /* usual passes in the full five minutes of `flow`; -1 not known */
    struct vital_site vital;
    int64_t late_ms; /* how late records come: running mean of arrival minus pass */
};
struct live_device { /* by device id; row 0 is empty */
    ts_ms last_ms;
    uint64_t objects, faults; /* since the ledger was told last */
    bool online, known;       /* known: heard of since start */
};
struct live_unit { /* by unit id; row 0 is empty */
    int32_t lon, lat;
    ts_ms fix_ms;
    int16_t speed_kmh, heading_deg; /* -1 unknown */
};

struct live {
    uint32_t refs; /* atomic */
    ts_ms as_of_ms;
    uint32_t sites_n, devices_n, units_n; /* highest id + 1 */
    struct live_site *sites;
    struct live_device *devices;
    struct live_unit *units;
};

struct live *
live_new(uint32_t sites_n, uint32_t devices_n, uint32_t units_n); /* refs = 1 */
struct live *live_ref(struct live *l);
void live_unref(struct live *l); /* NULL is fine */

/* Never NULL: an empty row when the id is past the end. */
const struct live_site *live_site(const struct live *l, struct site_id id);
const struct live_device *live_device(const struct live *l, struct device_id id);
const struct live_unit *live_unit(const struct live *l, struct unit_id id);

#endif
