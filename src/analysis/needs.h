/* SPDX-License-Identifier: Apache-2.0 */
/* needs.h - the primitives that analyses are composed of, as the store answers them.
 * Our own engine does today; another store can answer the same ones.
 *
 * Units    windows are [from, to) in ts_ms; flow cells are five minutes.
 * Owner    rows lie in the asker's arena.
 * Threads  the thread that runs the analysis.
 * Errors   ERR_TIMEOUT past the budget, ERR_TOOBIG past the arena.
 * See      store/sight.h; serve/primitives.c plugs it.
 */
#ifndef TQ_ANALYSIS_NEEDS_H
#define TQ_ANALYSIS_NEEDS_H

#include "model/alarm.h"
#include "model/look.h"
#include "model/site.h"
#include "model/vehicle.h"

struct analysis_rows {
    struct sighting *rows; /* oldest first */
    size_t n;
    bool more; /* the limit cut the answer */
};

/* Zero or NULL members match everything. */
struct analysis_filter {
    const struct plate_pattern *pattern;
    code3 vehicle_class, brand;
    uint8_t vehicle_color, plate_color;
};

#define ANALYSIS_CELL_MS (5 * MINUTE_MS)
struct analysis_cell { /* passes of one site in five minutes; empty ones are left out */
    struct site_id site;
    ts_ms at_ms;
    uint32_t n;
};

/* What earlier days have taught of a site (cautious defaults where nothing is known).
 */
struct analysis_learned {
    double unread;     /* share of its reads without a whole plate */
    double misread;    /* share of its whole plates with a character wrong */
    int32_t offset_ms; /* its clock minus true time */
    uint32_t offset_sd_ms;
};

/* Who, where, when: what questions about sets of vehicles need of a pass. */
struct analysis_pass {
    ts_ms pass_ms;
    struct plate plate;
    struct site_id site;
};
struct analysis_count {
    struct plate plate;
    uint32_t n; /* passes */
};
/* All passes of one plate in the window, by time then site; the arrays live only during
 * the call. An error ends the scan, which returns it. */
typedef enum err (*analysis_reads_fn)(
    void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n);

struct analysis_day { /* of one plate */
    int64_t day;      /* civil */
    uint32_t hours;   /* bit h: seen in civil hour h */
    uint32_t n;       /* passes */
};
/* Which plates; zeroed members match everything. */
struct analysis_fit {
    uint32_t hours_any; /* seen in one of these hours */
    int64_t first_lo;   /* first day in the window not before this one */
    uint64_t n_min;     /* passes */
    uint32_t days_min;  /* those seen on fewer days may be left out */
};
typedef enum err (*analysis_days_fn)(
    void *arg, struct plate plate, const struct analysis_day *days, size_t n);

typedef enum err (*analysis_alarm_fn)(void *arg, const struct alarm *alarm);

struct analysis_needs {
    void *ctx;
    enum err (*by_plate)(
        void *ctx, struct plate plate, ts_ms from, ts_ms to, size_t limit,
        struct arena *arena, struct analysis_rows *out);
    enum err (*by_place)(
        void *ctx, const struct site_id *sites, size_t n,
        const struct analysis_filter *filter, ts_ms from, ts_ms to, size_t limit,
        struct arena *arena, struct analysis_rows *out);
    /* By site, then by time. */
    enum err (*flow)(
        void *ctx, ts_ms from, ts_ms to, struct arena *arena,
        struct analysis_cell **out, size_t *n);
    /* Passes of some sites (n = 0: all), by time then site. */
    enum err (*passes)(
        void *ctx, const struct site_id *sites, size_t n, ts_ms from, ts_ms to,
        struct arena *arena, struct analysis_pass **out, size_t *out_n);
    /* Plates that passed the sites of the given passes within within_ms of them, at
     * sites_min of these sites or more; in plate order, the given ones among them. */
    enum err (*near)(
        void *ctx, const struct analysis_pass *at, size_t n, int64_t within_ms,
        uint32_t sites_min, struct arena *arena, struct plate **out, size_t *out_n);
    /* Every plate that was read, once, in plate order. */
    enum err (*reads)(void *ctx, ts_ms from, ts_ms to, analysis_reads_fn fn, void *arg);
    /* The days of every whole plate that fits, in plate order: far cheaper than its
     * reads. The window is rounded outward to civil days. */
    enum err (*days)(
        void *ctx, const struct analysis_fit *fit, ts_ms from, ts_ms to,
        analysis_days_fn fn, void *arg);
    /* Plates that match, in plate order. */
    enum err (*plates)(
        void *ctx, const struct plate_pattern *pattern, ts_ms from, ts_ms to,
        struct arena *arena, struct analysis_count **out, size_t *n);
    /* Findings of one rule whose deciding pass lies in the window, the newest first, as
     * they stand now (withdrawn ones too). */
    enum err (*alarms)(
        void *ctx, struct span rule, ts_ms from, ts_ms to, analysis_alarm_fn fn,
        void *arg);
    const struct vehicle_index *registry; /* NULL: none; held as long as these needs */
    const struct site_table *sites;       /* held as long as these needs */
    /* Least time a vehicle was learned to need from a to b, ms; 0: not learned. */
    uint32_t (*least_ms)(void *ctx, struct site_id a, struct site_id b);
    void (*learned)(void *ctx, struct site_id site, struct analysis_learned *out);
};

#endif
