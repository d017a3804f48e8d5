/* SPDX-License-Identifier: Apache-2.0 */
/* sight.h - the sighting engine: a durable journal, a head in memory, immutable column
 * segments with two ways in (by place and by vehicle), picture packs, and snapshots
 * that answer the set-level questions of which analyses are composed.
 *
 *   append -> journal (one sync a group, LSN) -> head (visible at once)
 *                                                 | seal, in the background
 *                                                 v
 *             place segments (site, time; one civil day)   vehicle runs (plate, time;
 *                                                          day -> week -> month)
 *
 * Units    times ts_ms; windows are [from, to); speeds 0.1 km/h; days civil day
 * numbers.
 * Owner    sight_open() gives a sight to sight_close(); sight_snapshot() a snap to
 * sight_snap_free(). Rows handed out lie in the asker's arena.
 * Threads  open, append, bulk, applied, low, purge, close: the store thread only.
 *          sight_snapshot() and everything on a snap: any thread. Sealing and merging
 * run on the engine's own thread, or inside sight_maintain() when it has none.
 * Errors   ERR_NEWER (written by a newer release), ERR_CORRUPT (a damaged segment is
 * renamed *.bad, counted, reported, and everything else goes on), ERR_FULL, ERR_IO;
 * questions: ERR_TIMEOUT past their budget, ERR_TOOBIG past the arena. See
 * docs/why/sightings.md, docs/format-segment.md, sight_test.c.
 */
#ifndef TQ_STORE_SIGHT_H
#define TQ_STORE_SIGHT_H

#include "core/os_file.h"
#include "model/sighting.h"

struct sight;
struct sight_snap;

struct sight_opts {
    struct os_fs *fs; /* NULL: the machine's disk */
    const char *dir;  /* made when absent; copied */
    struct zone zone;
    int keep_days;        /* retention of passes; 0 = 365 */
    size_t head_rows;     /* rows held in memory before a seal; 0 = 262,144 */
    size_t bulk_rows;     /* rows of one bulk run; 0 = 1,048,576 */
    size_t census_plates; /* plates held in memory for questions about all plates (21
                             bytes each); 0 = 33,554,432; more: they read the files */
    size_t roll_bytes;   /* memory for plate lists of places that are often asked about;
                            0 = 128 MiB */
    size_t journal_file; /* bytes of a preallocated journal file; 0 = 64 MiB */
    bool thread;         /* seal and merge on an own thread */
    bool one_thread;     /* scans do not use a second thread */
    size_t threads;      /* with it: that build a bulk load; 0 = one a core */
    bool read_only;      /* nothing is written, repaired or removed (verify, query) */
    /* Told what went wrong in the background: any thread, must not call back. */
    void (*report)(void *arg, enum err e, const struct note *what);
    void *report_arg;
};

enum err sight_open(
    const struct sight_opts *opts, ts_ms now, struct sight **out,
    struct note *note) MUST_USE;
/* Waits for the background; what is in the head stays in the journal. NULL is fine. */
void sight_close(struct sight *s);

/* ---- writing ---- */

/* Makes the batches durable with one sync: fills fate[] of every row, lsn of every
 * batch (0 = nothing stored), and `image` of rows that came with pictures. arrive_ms is
 * kept in whole seconds after pass_ms (0 = unknown, becomes pass_ms). On an error
 * nothing of the group is acknowledged (all fates FATE_REFUSED) and the same batches
 * may be sent again. */
enum err sight_append(
    struct sight *s, struct sighting_batch **b, size_t n, ts_ms now,
    struct note *note) MUST_USE;

/* The end of what is durable: every batch of sight_append() so far has lsn <= this. */
uint64_t sight_lsn(const struct sight *s);
/* Calls fn with every stored batch of lsn > from, in journal order, duplicates and
 * refusals already taken out; rows keep their order. Stops when fn says other than OK.
 * ERR_NOTFOUND when the journal was already trimmed past `from`. */
enum err sight_replay(
    struct sight *s, uint64_t from, enum err (*fn)(void *arg, struct sighting_batch *b),
    void *arg, struct note *note) MUST_USE;
/* Rules have worked off everything up to lsn: the journal may be trimmed below it (once
 * it is in segments). Before the first call nothing is trimmed; UINT64_MAX = no rules
 * here. */
void sight_set_applied(struct sight *s, uint64_t lsn);
/* The clock is in doubt: passes up to ahead_ms further ahead are taken, and with `hold`
 * those still further are FATE_REFUSED (their senders come again), not FATE_FUTURE. The
 * store thread's, before its sight_append(). */
void sight_set_doubt(struct sight *s, int64_t ahead_ms, bool hold);
/* true: take nothing in (FATE_REFUSED, ERR_FULL). */
void sight_set_low(struct sight *s, bool low);

/* One step of sealing, merging, trimming for an engine without its own thread; *more
 * says whether there is another. force seals a head that is not full. With an own
 * thread it only wakes it (and with force waits until all is sealed and merged). */
enum err sight_maintain(
    struct sight *s, ts_ms now, bool force, bool *more, struct note *note) MUST_USE;

/* Bulk: rows straight into segments, without the journal (rules do not see them; a
 * batch job does). Every full run becomes visible and durable at once; after a crash
 * the same input is sent again and its duplicates are dropped. Order of rows is free.
 */
struct sight_bulk;
struct sight_bulk_sum {
    uint64_t stored, duplicates, conflicts, future, expired;
};
enum err sight_bulk_begin(struct sight *s, struct sight_bulk **out) MUST_USE;
/* Which pass times are taken at `now`: not before *oldest, not after *newest. */
void sight_bulk_times(const struct sight *s, ts_ms now, ts_ms *oldest, ts_ms *newest);
/* Copies the rows; may block while an earlier run is being written. */
enum err sight_bulk_add(
    struct sight_bulk *b, const struct sighting *rows, size_t n, ts_ms now,
    struct note *note) MUST_USE;
/* The same for rows that have numbers (lines of a file), one a row. */
enum err sight_bulk_add_numbered(
    struct sight_bulk *b, const struct sighting *rows, const uint64_t *numbers,
    size_t n, ts_ms now, struct note *note) MUST_USE;
/* How far the input may be forgotten: the first *rows of all rows given so far are
 * durable, known before or of a time that is not taken, and what contradicts among them
 * was told. Waits for nobody; grows by whole runs, and never past one that failed. */
enum err sight_bulk_settled(struct sight_bulk *b, uint64_t *rows) MUST_USE;
/* Tells each numbered row whose key is known with other content: on the caller's
 * thread, within sight_bulk_add_numbered(), sight_bulk_settled() and
 * sight_bulk_commit(). Set before the first row. */
typedef void (*sight_bulk_conflict)(void *arg, uint64_t number, struct span record_id);
void sight_bulk_tell(struct sight_bulk *b, sight_bulk_conflict fn, void *arg);
/* Writes the rest, waits, frees b; sum may be NULL. */
enum err sight_bulk_commit(
    struct sight_bulk *b, struct sight_bulk_sum *sum, struct note *note) MUST_USE;
void sight_bulk_drop(struct sight_bulk *b); /* gives up the unwritten rest, frees b */

/* ---- keeping and dropping ---- */

struct sight_receipt {
    int64_t before_day; /* passes (or pictures) of civil days below this are gone */
    uint32_t segments, packs;
    uint64_t rows, bytes, picture_bytes;
    uint64_t rewritten; /* rows of later days that shared a run and were written anew */
};
/* Drops everything before civil day `day`; held rows live on in their matter's file. */
enum err sight_purge(
    struct sight *s, int64_t day, struct sight_receipt *receipt,
    struct note *note) MUST_USE;
/* The same; names gets the files that went, blank between. */
enum err sight_purge_named(
    struct sight *s, int64_t day, struct sight_receipt *receipt, struct buf *names,
    struct note *note) MUST_USE;

/* Drops the picture packs of civil days before `day` whole; the passes stay, and a
 * picture of theirs is ERR_NOTFOUND from then on. */
enum err sight_purge_pictures(
    struct sight *s, int64_t day, struct sight_receipt *receipt, struct buf *names,
    struct note *note) MUST_USE;
/* Civil day starts of the oldest pass and the oldest picture kept; INT64_MAX none. What
 * is to outlive a purge lies between them and the limit. Any thread. */
enum err
sight_oldest(struct sight *s, ts_ms *pass, ts_ms *picture, struct note *note) MUST_USE;

/* Copies rows (and their packed pictures) into the matter's own file; those already
 * there are not copied again, a picture that is gone or damaged is left out.
 * ERR_NOTFOUND when a row is not stored (the others are held). Any thread, one at a
 * time. */
enum err sight_hold(
    struct sight *s, struct span matter, const struct sighting_id *ids, size_t n,
    struct note *note) MUST_USE;
/* Any thread; ERR_NOTFOUND when nothing is held. */
enum err sight_held(
    struct sight *s, struct span matter, struct arena *arena, struct sighting **rows,
    size_t *n, struct note *note) MUST_USE;

/* A picture of a held row, copied when it was held. */
enum err sight_held_picture(
    struct sight *s, struct span matter, struct span image, struct arena *arena,
    struct span *picture, struct note *note) MUST_USE;

/* Online and consistent (any thread): everything up to one LSN. put() gets the files
 * piece by piece (offset grows from 0; name is relative to the engine's directory). */
struct sight_sink {
    enum err (*put)(
        void *arg, const char *name, uint64_t off, const void *p, size_t n,
        struct note *note);
    void *arg;
};
enum err sight_backup(
    struct sight *s, const struct sight_sink *sink, uint64_t *lsn,
    struct note *note) MUST_USE;

/* Any thread. Reads every byte against its checksum (segments, journal, packs when
 * `pictures`). */
enum err sight_verify(struct sight *s, bool pictures, struct note *note) MUST_USE;

/* ---- pictures ---- */

/* The bytes behind an `image` of the form "pack:...", into the arena, hash checked. A
 * row with several pictures has several references, blank between: this reads the
 * first. ERR_INPUT: no pack reference; ERR_NOTFOUND: purged; ERR_CORRUPT. Any thread.
 */
enum err sight_picture(
    struct sight *s, struct span image, struct arena *arena, struct span *bytes,
    struct note *note) MUST_USE;

/* ---- health ---- */

struct sight_health {
    uint64_t rows;      /* visible now */
    uint64_t head_rows; /* of them in memory */
    uint64_t stored, duplicates, conflicts, future, expired, refused; /* since open */
    uint64_t ahead,
        held; /* of a clock in doubt: taken all the same; told to come again */
    uint64_t journal_bytes, segment_bytes, pack_bytes;
    uint64_t lsn, flushed_lsn, applied_lsn;
    uint32_t segments, places, runs, quarantined, quarantined_journal;
    uint32_t seals, merges;
    uint64_t census_plates; /* distinct plates in memory; 0 = no census (yet) */
    uint64_t roll_bytes;    /* memory of plate lists of places */
    double bytes_per_row;   /* segments only */
    ts_ms newest_ms;        /* largest pass time seen */
    ts_ms oldest_ms; /* no pass kept is older (to the day); 0 when there is none */
    bool low;
    /* The last conflicting record: same device, record id and pass time, other content.
     */
    struct sighting_id conflict;
    char conflict_field[16];
};
void sight_health(struct sight *s, struct sight_health *out); /* any thread */

/* ---- questions ---- */

/* A consistent state: segments, head and all; cheap (no copy). NULL without memory. */
struct sight_snap *sight_snapshot(struct sight *s);
void sight_snap_free(struct sight_snap *snap);
uint64_t sight_snap_rows(const struct sight_snap *snap);
ts_ms sight_snap_newest(const struct sight_snap *snap); /* largest pass time */
/* Segments in quarantine: when not 0, answers may lack rows and must say so. */
uint32_t sight_snap_missing(const struct sight_snap *snap);

/* What a question may cost and where its rows go. Zeroed means: all time (to = 0 is
 * read as no end), no limit, no deadline. */
struct sight_ask {
    ts_ms from, to;
    size_t limit;            /* rows; 0 = what the arena holds. Past it: `more` */
    struct arena *arena;     /* holds the answer; its cap bounds the memory */
    bool (*stop)(void *arg); /* asked every few thousand rows: true gives ERR_TIMEOUT */
    void *stop_arg;
};
struct sight_rows {
    struct sighting *rows;
    size_t n;
    bool more; /* the limit cut the answer */
};

/* Every pass of one plate, by time. PLATE_NONE: the unread ones. */
enum err sight_trajectory(
    struct sight_snap *snap, struct plate plate, const struct sight_ask *ask,
    struct sight_rows *out) MUST_USE;
/* The newest n passes of one plate, newest first. */
enum err sight_last(
    struct sight_snap *snap, struct plate plate, size_t n, const struct sight_ask *ask,
    struct sight_rows *out) MUST_USE;

/* Zero or NULL members match everything. */
struct sight_filter {
    uint8_t plate_color, vehicle_color, lane, direction;
    code3 vehicle_class, brand;
    uint16_t speed_min_dkmh;
    uint8_t flags_all; /* every one of these bits */
    const struct plate_pattern *pattern;
};
/* Passes of some sites (n = 0: all), by time then site. */
enum err sight_window(
    struct sight_snap *snap, const struct site_id *sites, size_t n,
    const struct sight_filter *filter, const struct sight_ask *ask,
    struct sight_rows *out) MUST_USE;
/* The same, thin: only who, where, when. What flow, companion and funnel questions
 * need. */
struct sight_pass {
    ts_ms pass_ms;
    struct plate plate;
    struct site_id site;
};
enum err sight_passes(
    struct sight_snap *snap, const struct site_id *sites, size_t n,
    const struct sight_ask *ask, struct sight_pass **out, size_t *out_n) MUST_USE;

/* Plates that passed the sites of some given passes within `within_ms` of them, at
 * sites_min of these sites or more; in plate order, the given ones among them. What
 * companion questions begin with. */
struct sight_near {
    struct plate plate;
    uint32_t sites; /* different ones */
    uint32_t n;     /* meetings */
};
enum err sight_near(
    struct sight_snap *snap, const struct sight_pass *at, size_t n, int64_t within_ms,
    uint32_t sites_min, const struct sight_ask *ask, struct sight_near **out,
    size_t *out_n) MUST_USE;

/* One pass by its id; ERR_NOTFOUND. */
enum err sight_fetch(
    struct sight_snap *snap, struct sighting_id id, struct arena *arena,
    struct sighting *out) MUST_USE;

struct sight_count {
    struct plate plate;
    uint32_t n; /* passes */
};
/* Plates that match a pattern, in plate order, with their passes in the window. */
enum err sight_plates(
    struct sight_snap *snap, const struct plate_pattern *pattern,
    const struct sight_ask *ask, struct sight_count **out, size_t *out_n) MUST_USE;

/* Scans by vehicle: fn is called once a plate, in plate order, with everything of it in
 * the window; it may stop the scan with an error that the scan then returns. Arrays
 * live only during the call. Unread plates are left out. */
struct sight_day {
    int64_t day;
    uint32_t hours; /* bit h: seen in civil hour h */
    uint32_t n;     /* passes */
};
typedef enum err (*sight_days_fn)(
    void *arg, struct plate plate, const struct sight_day *days, size_t n);
/* Whole civil days: from and to are rounded outward. */
enum err sight_days(
    struct sight_snap *snap, const struct sight_ask *ask, sight_days_fn fn,
    void *arg) MUST_USE;
/* The same for chosen plates only: `want` sees a plate's hours of all days together and
 * its first day, which is far cheaper than its days; NULL wants all. fn NULL: only want
 * is called. */
struct sight_summary {
    struct plate plate;
    int64_t first_day;
    uint32_t hours;
    uint64_t n; /* passes */
};
typedef bool (*sight_want_fn)(void *arg, const struct sight_summary *s);
enum err sight_days_where(
    struct sight_snap *snap, const struct sight_ask *ask, sight_want_fn want,
    sight_days_fn fn, void *arg) MUST_USE;
/* The same where the summary fits: a scan of arrays in memory, for questions like
 * "first seen on this day" and "never by day". Zeroed members match everything. */
struct sight_fit {
    uint32_t hours_any;         /* seen in one of these hours */
    uint32_t hours_none;        /* and in none of these */
    int64_t first_lo, first_hi; /* first day in [lo, hi); hi 0 = no bounds */
    uint64_t n_min;             /* passes */
    uint32_t days_min;          /* what was seen on fewer days may be left out */
    bool exact;                 /* whole plates only: no '?', not hashed */
};
enum err sight_days_fit(
    struct sight_snap *snap, const struct sight_fit *fit, const struct sight_ask *ask,
    sight_want_fn want, sight_days_fn fn, void *arg) MUST_USE;
typedef enum err (*sight_reads_fn)(
    void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n);
enum err sight_reads(
    struct sight_snap *snap, const struct sight_ask *ask, sight_reads_fn fn,
    void *arg) MUST_USE;

/* Every pass of the window whole, in no order, by one scan and in no memory: for those
 * who learn from a day. The row and its texts live only during the call; an error of fn
 * ends the scan and is returned. */
typedef enum err (*sight_each_fn)(void *arg, const struct sighting *s);
enum err sight_each(
    struct sight_snap *snap, const struct sight_ask *ask, sight_each_fn fn,
    void *arg) MUST_USE;

#define SIGHT_FLOW_MS (5 * MINUTE_MS)
struct sight_cell {
    ts_ms at; /* start of the five minutes */
    struct site_id site;
    uint32_t n;       /* passes */
    uint32_t speed_n; /* passes with a speed */
    uint64_t speed_sum_dkmh;
};
/* Flow of sites lo..hi by site then time; cells without a pass are left out. from and
 * to are rounded outward to five minutes. */
enum err sight_flow(
    struct sight_snap *snap, struct site_id lo, struct site_id hi,
    const struct sight_ask *ask, struct sight_cell **out, size_t *out_n) MUST_USE;

#endif
