/* SPDX-License-Identifier: Apache-2.0 */
/* rules.h - the live rules as one object: records in, alarms out.
 *
 * Units    instants ts_ms; lsn = journal position of the batch.
 * Owner    rules_new() gives the caller a struct rules to rules_free(). It holds
 * references to its snapshots: sites, registry, watches, models.
 * Threads  one owner thread; several shards (by plate) are several objects.
 * Errors   ERR_NOMEM, ERR_CORRUPT and ERR_NEWER (a checkpoint).
 * See      docs/why/truth.md; docs/rules.md, docs/why/probability.md; tests in
 * rules_test.c.
 */
#ifndef TQ_RULES_RULES_H
#define TQ_RULES_RULES_H

#include "core/cur.h"
#include "model/site.h"
#include "model/vehicle.h"
#include "model/watch.h"
#include "rules/models.h"
#include "rules/needs.h"
#include "rules/places.h"
#include "rules/rule.h"
#include "rules/setting.h"

/* Late records inside it raise, revise and withdraw. */
#define RULES_HORIZON_MS DAY_MS

struct rules_opts {
    struct zone zone;
    size_t plates_max; /* vehicles remembered at once, 32 bytes each; 0 = 3,000,000 */
    const struct rule_book *book; /* copied; NULL: the defaults */
};

struct rules_counts {
    uint64_t rows, judged, late, very_late; /* very late: past the horizon */
    uint64_t history_calls, history_rows, history_failed;
    uint64_t raised, revised, withdrawn;
    uint64_t plates, plates_evicted, alarms_held;
    uint64_t by_rule[RULE_MAX]; /* raised, by index of rule_rows */
};

struct rules;

enum err rules_new(
    const struct rules_opts *opts, const struct rules_needs *needs,
    struct rules **out) MUST_USE;
void rules_free(struct rules *r);

/* Snapshots may be set between feeds. A reference is taken. NULL = none. */
enum err rules_set_sites(struct rules *r, struct site_table *sites) MUST_USE;
void rules_set_registry(struct rules *r, struct vehicle_index *registry);
void rules_set_watches(struct rules *r, struct watch_set *watches);
/* The model of its first civil day; the newest one whose day is not after the pass day
 * is used. The last few are kept for late records. */
enum err rules_set_model(struct rules *r, struct model *model) MUST_USE;
/* Replaces all zones, permits and sections (copied). Needs the sites that sections
 * name. */
enum err rules_set_places(
    struct rules *r, const struct ban_zone *zones, size_t zones_n,
    const struct ban_permit *permits, size_t permits_n,
    const struct speed_section *sections, size_t sections_n) MUST_USE;

/* Rows in journal order after they are durable. `fate` may be NULL (all stored); rows
 * that are not FATE_STORED are passed over. Feeding a row again changes nothing. */
void rules_feed(
    struct rules *r, const struct sighting *rows, size_t n, const uint8_t *fate,
    uint64_t lsn);
/* Forgets what is past the horizon. Emits nothing. */
void rules_tick(struct rules *r, ts_ms now);

/* Position of the newest batch fed. */
uint64_t rules_lsn(const struct rules *r);
struct rules_counts rules_counts(const struct rules *r);

/* All state that later alarms depend on (a few tens of bytes per vehicle of the last
 * hours). */
void rules_checkpoint(const struct rules *r, struct buf *out);
/* Into a fresh object, after its snapshots are set. */
enum err rules_restore(struct rules *r, struct span bytes) MUST_USE;

#endif
