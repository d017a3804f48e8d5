/* SPDX-License-Identifier: Apache-2.0 */
/* sight_core.h - the inside of the engine, shared by the sight_*.c files that make it
 * up.
 *
 *   store thread        journal, packs, the active head, dedup           (sight.c,
 * sight_keep.c) background          seals frozen heads and bulk runs, merges
 * (sight_maint.c) any thread          a view: segments + heads, refcounted, immutable
 * (sight_view.c, sight_snap.c)
 *
 * Threads  `lock` guards the published view, the job queue and the counters; `commit`
 * is held over every change of the segment set (manifest written, view swapped).
 */
#ifndef TQ_STORE_SIGHT_CORE_H
#define TQ_STORE_SIGHT_CORE_H

#include "store/sight.h"
#include "store/sight_build.h"
#include "store/sight_head.h"
#include "store/sight_journal.h"
#include "store/sight_merge.h"
#include "store/sight_pack.h"
#include "store/sight_census.h"
#include "store/sight_pair.h"
#include "store/sight_roll.h"

#include <pthread.h>

struct view {
    _Atomic uint32_t refs;
    struct seg **places, **runs; /* by (day_lo, seq); runs: wide ones first */
    size_t places_n, runs_n;
    struct head **heads; /* oldest first; the last one is the active one */
    size_t heads_n;
    uint32_t missing;      /* segments in quarantine: answers may lack their rows */
    struct census *census; /* of all runs; NULL: not made (yet) */
};
struct view *view_new(size_t segments, size_t heads);
struct view *view_ref(struct view *v);
void view_unref(struct view *v);
void view_sort(struct view *v);

struct sight {
    /* set once */
    struct os_fs *fs;
    char dir[OS_PATH], seg_dir[OS_PATH], pack_dir[OS_PATH], hold_dir[OS_PATH],
        journal_dir[OS_PATH], manifest[OS_PATH];
    struct zone zone;
    int keep_days;
    size_t head_rows, bulk_rows, census_plates, threads;
    bool read_only, threaded;
    void (*report)(void *arg, enum err e, const struct note *what);
    void *report_arg;
    /* owned by the store thread */
    struct journal *journal;
    struct packs *packs;
    struct rolls *rolls; /* any thread */
    struct pair *pair;   /* any thread; NULL: questions have one thread */
    struct head *head;   /* active: also the last of the view */
    uint64_t trimmed;
    ts_ms poked; /* when the background was last asked to look */
    _Atomic uint64_t applied;
    /* under lock */
    pthread_mutex_t lock;
    pthread_cond_t wake, idle;
    struct view *view;
    bool stopping, busy, woken;
    bool census_off;    /* more plates than the cap: not tried again in this life */
    _Atomic bool eager; /* merge all that can be merged; written under lock */
    enum err stuck;     /* what the last background step said */
    struct sight_health health;
    _Atomic uint64_t seq;     /* last number given to a file */
    _Atomic uint64_t flushed; /* LSN up to which everything is in segments */
    _Atomic int64_t now;      /* as last told */
    int64_t doubt_ms;         /* of the store thread: sight_set_doubt() */
    bool hold;
    _Atomic bool low;
    _Atomic uint32_t building; /* bulk runs queued or being built: merging waits */
    pthread_mutex_t commit;
    pthread_t thread;
    bool thread_runs;
};

void sight_tell(struct sight *s, enum err e, const struct note *note);
struct build_env sight_env(struct sight *s);
struct view *sight_view(struct sight *s); /* a reference to the published view */

/* ---- manifest (sight_manifest.c) ---- */
struct manifest {
    uint64_t flushed, seq;
    struct {
        uint8_t kind;
        uint64_t seq;
    } * segs; /* heap */
    size_t n, room;
    uint32_t missing;
};
void manifest_release(struct manifest *m);
bool manifest_add(struct manifest *m, uint8_t kind, uint64_t seq);
void manifest_encode(const struct manifest *m, struct buf *out);
enum err
manifest_decode(struct manifest *m, struct span bytes, struct note *note) MUST_USE;

/* ---- changing the segment set (sight_maint.c) ---- */
struct change {
    struct seg_list add;
    struct seg **remove;
    size_t remove_n;
    struct head *sealed;   /* this head's rows are in `add` */
    bool quarantine;       /* removed ones are damaged: rename to *.bad */
    bool same_rows;        /* a merge: `add` holds the rows of `remove` */
    struct census *census; /* of the view after the change, or NULL */
};
/* Writes the manifest, swaps the view, removes files. Takes `add` (released on
 * failure). ERR_CONFLICT when something to remove is no longer there. */
enum err sight_commit(struct sight *s, struct change *c, struct note *note) MUST_USE;
/* One job if there is one; *did tells. */
enum err sight_step(struct sight *s, bool *did, struct note *note) MUST_USE;
enum err sight_thread_start(struct sight *s) MUST_USE;
void sight_thread_stop(struct sight *s);
/* Freezes the active head and begins another with room for `room` rows. */
enum err sight_rotate(struct sight *s, size_t room, struct note *note) MUST_USE;

/* ---- reading a view (sight_view.c) ---- */
/* Calls fn with every stored row of (plate, time, site) in the runs whose look agrees;
 * fn false stops. */
typedef bool (*view_row_fn)(void *arg, const struct sighting *row);
struct view_at {
    uint64_t plate;
    ts_ms t;
    uint32_t site;
    const struct looks *look; /* NULL: any; members that are 0: any */
};
enum err view_rows_at(
    const struct view *v, const struct zone *zone, const struct view_at *want,
    struct arena *arena, view_row_fn fn, void *arg) MUST_USE;
/* Is a record of the same key in the segments? Fills *found from the arena. */
enum err view_find_key(
    const struct view *v, const struct zone *zone, const struct sighting *s,
    struct arena *arena, struct sighting *found, bool *is) MUST_USE;

#endif
