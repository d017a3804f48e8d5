/* SPDX-License-Identifier: Apache-2.0 */
/* import.h - the inside of tongqu import: one struct that walks a file, shared by the
 * small tables (import_town.c, import_zone.c, import_lists.c) and the passes
 * (import_passes.c, import_gantry.c); op_import.c drives.
 *
 * Owner    the running operation.
 * Threads  the ledger's or the door's, one at a time.
 */
#ifndef TQ_DAEMON_IMPORT_H
#define TQ_DAEMON_IMPORT_H

#include "daemon/import_mark.h"
#include "daemon/op.h"
#include "feeds/csv.h"
#include "rules/places.h"
#include "store/ledger_watch.h"
#include "store/registry.h"

#define IMPORT_ROWS 8192
#define IMPORT_OWNER 64
#define IMPORT_COLUMNS 24

struct import;

enum import_way { IMPORT_IN_LEDGER, IMPORT_REGISTRY, IMPORT_PASSES, IMPORT_GANTRY };

struct import_kind {
    const char *name;
    const char *const *names;            /* our columns, ended by NULL */
    const char *const *required;         /* of them */
    enum err (*take)(struct import *im); /* one record; refuses with OK */
    enum err (*flush)(struct import *im);
    enum import_way way;
};

struct import_mark { /* of a file of passes; no path: none is kept */
    char path[OS_PATH];
    struct import_spot at;     /* on the disk */
    struct import_spots spots; /* read, but not all of them is settled */
    bool ruled;                /* the rules have walked what was read */
};

struct import {
    struct op_call *call;
    struct note *note;
    const struct import_kind *kind;
    ts_ms now;
    FILE *file;
    struct csv *csv;
    int column[IMPORT_COLUMNS];
    const struct csv_record *record;
    uint64_t taken, known, rejected;
    uint64_t cut, leap; /* taken, but not as they stand: in the file of rejects, too */
    uint64_t line;      /* of the last pass that was read */
    FILE *rejects;
    char rejects_path[OS_PATH];
    const char *author, *approver;
    char last_zone[32];
    uint32_t last_zone_id;
    struct registry_row *vehicles;
    char (*owners)[IMPORT_OWNER];
    size_t vehicles_n;
    struct watch_row *watches;
    size_t watches_n;
    ts_ms first_ms, last_ms; /* of the passes no rule has walked yet; 0 none */
    struct import_mark mark;
};

extern const struct import_kind import_org, import_units, import_sites;
extern const struct import_kind import_zones, import_permits, import_sections;
extern const struct import_kind import_registry, import_watches;

/* The kinds, for people to read: NULL past the last. */
const struct import_kind *import_kind_at(size_t i);

enum err import_open(struct import *im, int in) MUST_USE;
enum err import_passes(struct import *im) MUST_USE;
enum err import_gantry(struct import *im) MUST_USE;

/* ---- marks (import_mark.c) ---- */
/* The file's mark, if it has one and is not to be read again. */
void import_mark_open(struct import *im);
/* So many of the rows handed on are settled: the mark follows. */
enum err import_mark_settled(struct import *im, uint64_t rows) MUST_USE;
/* Everything is, and that is where the file ends. */
enum err import_mark_end(struct import *im, struct import_spot read) MUST_USE;
enum err import_ruled(struct import *im) MUST_USE; /* the rules have walked them */

/* ---- for both kinds of passes ---- */
struct import_places { /* ctx of struct feed_needs */
    struct import *im;
    struct site_table *sites;
};
bool import_find_site(void *ctx, struct span code, struct feed_site *out);
uint64_t import_places_version(void *ctx);
/* Sites that nobody has registered are made as "unplaced": no record is lost for its
 * place. */
enum err import_place_all(struct import_places *p, struct sighting_batch *b) MUST_USE;
/* The passes of a batch that the rules have to walk; what the store will not take for
 * its time is refused here, where its line is known. */
void import_window(
    struct import *im, const struct sighting *rows, const uint64_t *lines, size_t n);
/* Rows straight into segments, begun when it has to be: what contradicts a known record
 * is refused with its line. */
enum err import_bulk(
    struct import *im, struct sight_bulk **bulk, const struct sighting *rows,
    const uint64_t *lines, size_t n) MUST_USE;
enum err import_bulk_end(struct import *im, struct sight_bulk **bulk) MUST_USE;
/* A row that the store refused. */
void import_refuse_row(
    struct import *im, const struct sighting *row, uint64_t line, uint8_t fate);

/* ---- fields of the record at hand ---- */
bool import_has(const struct import *im, int column); /* the file has the column */
struct span import_text(const struct import *im, int column);
bool import_copy(const struct import *im, int column, char *dst, size_t cap);
/* An empty field gives `absent`; false: no number, or outside. */
bool import_number(
    const struct import *im, int column, double min, double max, double absent,
    double *out);
bool
import_position(const struct import *im, int lon_col, int lat_col, e7 *lon, e7 *lat);
bool import_instant(const struct import *im, int column, ts_ms absent, ts_ms *out);
/* The record is refused for that column, and the import goes on: always OK. */
enum err
import_refuse(struct import *im, int column, const char *en, const char *zh) MUST_USE;
/* The record is taken: the change into the ledger's journal. */
enum err
import_told(struct import *im, enum ledger_topic topic, uint64_t object) MUST_USE;

/* ---- the file of rejects ---- */
void import_reject(
    struct import *im, uint64_t line, const char *column, struct span value,
    const char *en, const char *zh);
/* A record that was taken, but not with this text as it stands. */
void import_cut(
    struct import *im, uint64_t line, const char *column, struct span value,
    enum feed_fault why);
/* A record that was none: a line that is no JSON, a NUL in the text. */
void import_reject_record(struct import *im, const struct csv_record *r);

#endif
