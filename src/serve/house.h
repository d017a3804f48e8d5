/* SPDX-License-Identifier: Apache-2.0 */
/* house.h - what the handlers of serve/api may use besides their request: the stores,
 * the definitions in force, the live picture. The daemon makes one; api_env.daemon
 * points to it.
 *
 * Owner    the daemon; set once before threads start.
 * Threads  each member says from which thread; snapshots are referenced, the taker
 * unrefs.
 */
#ifndef TQ_SERVE_HOUSE_H
#define TQ_SERVE_HOUSE_H

#include "loops/loop_def.h"
#include "model/look.h"
#include "model/watch.h"
#include "rules/models.h"
#include "rules/setting.h"
#include "serve/live.h"
#include "store/audit.h"
#include "store/registry.h"
#include "store/reserve.h"
#include "store/sight.h"

struct house_thread {
    const char *name;
    const char *zh, *en;
    uint32_t queue, queue_cap;
    double busy; /* share of the last minute */
};
#define HOUSE_THREADS 12

struct house_finding { /* something that is not well now */
    uint8_t level;     /* enum level */
    char zh[160], en[200];
    ts_ms since_ms;
};
#define HOUSE_FINDINGS 16
#define HOUSE_STEPS 24 /* five minutes each: two hours */

struct house_state {
    ts_ms started_ms;
    struct house_thread threads[HOUSE_THREADS];
    unsigned threads_n;
    struct house_finding findings[HOUSE_FINDINGS];
    unsigned findings_n;
    struct reserve_space disk;
    uint64_t rules_lsn;
    int64_t lag_ms; /* of the rules behind the journal */
    uint32_t streams, sessions;
    /* Share of placed sites that deliver, per cent, oldest first; below 0: not known.
     * The last one is of the five minutes that begin at step_ms. */
    float delivering[HOUSE_STEPS];
    ts_ms step_ms;
};

struct house {
    void *ctx;
    struct zone zone;
    const char *city_zh, *city_en;
    /* immutable */
    const struct loop_defs *loops;
    const struct look_rules *looks;
    const struct rule_book *rules; /* settings of the live rules */
    /* any thread, by their own contracts */
    struct os_fs *fs;
    const char *dir; /* the data directory: documents of matters (store/docs.h) */
    struct audit *audit;
    struct sight *sight;       /* snapshots, pictures, health: any thread */
    struct registry *registry; /* registry_snapshot(): any thread */
    struct site_table *(*sites)(void *ctx);
    struct org_table *(*org)(void *ctx);
    struct watch_set *(*watches)(void *ctx);
    struct live *(*live)(void *ctx);
    struct model *(*model)(
        void *ctx); /* the newest frozen one; NULL before the first */
    void (*state)(void *ctx, struct house_state *out);
    /* GeoJSON of the roads, immutable; empty when there are none. */
    struct span roads;
};

#endif
