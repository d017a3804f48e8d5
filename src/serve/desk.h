/* SPDX-License-Identifier: Apache-2.0 */
/* desk.h - where matters are worked: a matter is folded from its journal, the loop
 * machine decides, and the event, the row, the due clocks and what follows for units
 * and alarms are written as one.
 *
 * Owner    a desk is made per job on the ledger thread and dies with it; a matter
 * folded by desk_load() is released by the caller with matter_release().
 * Threads  desk_load() with any reader; everything that changes on the ledger thread,
 * inside a job.
 * Errors   the loop machine's (ERR_DENIED, ERR_GATE, ERR_INPUT, ERR_CONFLICT) and the
 * ledger's.
 * See      loops/matter.h, store/ledger_matter.h; docs/why/truth.md.
 */
#ifndef TQ_SERVE_DESK_H
#define TQ_SERVE_DESK_H

#include "loops/matter.h"
#include "model/site.h"
#include "store/ledger_alarm.h"
#include "store/ledger_matter.h"

/* Where a unit is now, from whoever follows positions; false when it is not known. */
typedef bool desk_where_fn(void *ctx, struct unit_id id, int32_t *lon, int32_t *lat);

struct desk {
    const struct loop_defs *defs;
    const struct org_table *orgs;
    const struct site_table *sites;
    const struct zone *zone;
    struct ledger *ledger;        /* NULL: reading only */
    struct ledger_reader *reader; /* of this thread */
    ts_ms now;
    desk_where_fn *where; /* NULL: positions as the ledger has them */
    void *where_ctx;
};

/* The environment that the loop machine asks; valid as long as the desk. */
struct desk_env {
    struct loops_needs needs;
    struct loops_env env;
};
const struct loops_env *desk_env(struct desk *d, struct desk_env *e);

/* Folds the whole journal of a matter. ERR_NOTFOUND; ERR_CORRUPT. */
enum err
desk_load(struct desk *d, uint64_t id, struct matter *out, struct note *note) MUST_USE;

/* Opens a matter of a kind by hand. */
enum err desk_open(
    struct desk *d, struct span kind, struct span title, const json_t *fields,
    const struct matter_actor *by, uint64_t *id, struct note *note) MUST_USE;
/* One move by a person. */
enum err desk_move(
    struct desk *d, uint64_t id, struct span move, uint32_t seq, const json_t *fields,
    const struct matter_actor *by, struct note *note) MUST_USE;
/* Fires what is due in one matter, rung by rung; *fired counts. */
enum err
desk_fire(struct desk *d, uint64_t id, unsigned *fired, struct note *note) MUST_USE;

/* Writes one alarm and what it means for its matter: a new one opens its matter (when
 * `work`), a revised or withdrawn one tells its open matter. Writing the same alarm
 * again changes nothing. */
enum err desk_alarm(
    struct desk *d, const struct alarm *a, struct span picture, bool work,
    enum alarm_write *what, struct note *note) MUST_USE;

/* The title of an alarm's matter and list row: "套牌 晋A·..." in one language. */
void desk_alarm_title(struct buf *out, const struct alarm *a, bool zh);

#endif
