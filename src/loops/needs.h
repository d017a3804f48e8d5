/* SPDX-License-Identifier: Apache-2.0 */
/* needs.h - what the loop machine asks of other rooms while it decides a move. Every
 * answer is written into the event, so that the fold never asks again.
 *
 * Units    positions e7 (1e-7 degree, WGS-84); distances metres; -1 = not known.
 * Owner    daemon/plug_*.c fills it; tests fill it with a small city of their own.
 * Threads  called on the thread that decides moves (ledger); answers come from
 * snapshots.
 * See      docs/why/loops.md "What is resolved".
 */
#ifndef TQ_LOOPS_NEEDS_H
#define TQ_LOOPS_NEEDS_H

#include "core/civil.h"
#include "model/org.h"
#include "model/user.h"

struct loops_unit { /* a unit as it stands now */
    struct org_id org;
    uint8_t status;  /* enum unit_status */
    uint64_t matter; /* the open matter it works for; 0 none */
    int32_t dist_m;  /* from the place asked about; -1 not known */
    int32_t eta_s;   /* travel time; -1 not known (straight line knows none) */
    char callsign[24];
};

struct loops_user {
    struct org_id org;
    unsigned roles;
    char name[48];
};

struct loops_needs {
    void *ctx;
    /* The unit now, measured from (lon, lat) (both 0: no place). False: there is no
     * such unit. */
    bool (*unit)(
        void *ctx, struct unit_id id, int32_t lon, int32_t lat, struct loops_unit *out);
    /* The account. False: there is no such user, or it is disabled. */
    bool (*user)(void *ctx, struct user_id id, struct loops_user *out);
};

/* What a decision is made in: the instant and the snapshots it may look at. */
struct loops_env {
    ts_ms now;
    const struct org_table *orgs;    /* borrowed */
    const struct loops_needs *needs; /* borrowed; NULL: no unit or user can be named */
};

#endif
