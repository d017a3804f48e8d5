/* SPDX-License-Identifier: Apache-2.0 */
/* sight_place.h - a place segment: who passed which site when, of one civil day, in
 * (site, time) order. It is thin: a row is a time and a plate number; the rest is
 * fetched from the vehicle runs. Some bits say in what the row's look differs from the
 * plate's usual one, so that filters on the look stay exact. Flow per site and five
 * minutes lies beside.
 *
 * Units    times ts_ms; speeds 0.1 km/h.
 * Owner    a place_writer is freed by finish or drop; readers borrow their segment.
 * Threads  writer: one thread; readers: one thread each over a shared segment.
 * Errors   a damaged block reads as an end (false) and marks the segment bad.
 * See      docs/format-segment.md section 6; tests in sight_test.c.
 */
#ifndef TQ_STORE_SIGHT_PLACE_H
#define TQ_STORE_SIGHT_PLACE_H

#include "store/sight_run.h"

enum place_table { PLACE_ROWS = 0, PLACE_PLATES = 1, PLACE_FLOW = 2, PLACE_TABLES = 3 };
enum place_blob { PLACE_SITES = 0 };
enum place_row_col { PROW_TIME, PROW_RANK, PROW_ODD, PROW_COLS };
enum place_row_key { PKEY_SITE, PKEY_TIME };
enum place_plate_col { PP_DELTA, PP_COLOR, PP_CLASS, PP_PAINT, PP_BRAND, PP_COLS };
enum place_flow_col { FLOW_BIN, FLOW_ROWS, FLOW_MUTE, FLOW_SPEED, FLOW_COLS };
#define PLACE_BIN_MS (5 * MINUTE_MS)

struct place_writer;
enum err place_writer_open(
    struct os_fs *fs, const char *path, const struct zone *zone, ts_ms min_ms,
    struct place_writer **out, struct note *note) MUST_USE;
/* All plates first, ascending: their order is their rank. */
void place_writer_plate(struct place_writer *w, uint64_t plate, struct looks usual);
/* Rows by (site, time, plate); odd: ODD_* of the row. */
void place_writer_row(
    struct place_writer *w, uint32_t site, ts_ms t, uint32_t rank, uint8_t odd);
/* Cells by (site, time); bin = start / PLACE_BIN_MS. mute: passes without a speed. */
void place_writer_cell(
    struct place_writer *w, uint32_t site, int64_t bin, uint32_t rows, uint32_t mute,
    uint64_t speed_sum_dkmh);
enum err place_writer_finish(
    struct place_writer *w, struct seg_meta *meta, struct note *note) MUST_USE;
void place_writer_drop(struct place_writer *w);

enum err place_prepare(struct seg *s, struct note *note) MUST_USE;

struct place_site {
    uint32_t site;
    uint64_t row, rows;   /* [row, row + rows) of PLACE_ROWS */
    uint64_t cell, cells; /* of PLACE_FLOW */
};
/* Sites of the segment, ascending. */
const struct place_site *place_sites(const struct seg *s, size_t *n);
const struct place_site *place_site_find(const struct seg *s, uint32_t site);

/* Reads rows of one site at a time. Times are decoded piece by piece, as far as they
 * are looked at. */
#define PLACE_PIECE 128u
struct place_rows {
    struct seg *seg;
    size_t block;
    struct blk blk;
    struct col time, rank, odd;
    unsigned from, n; /* rows of the block in piece */
    uint64_t piece[PLACE_PIECE];
    unsigned rank_from, rank_n; /* and in these */
    uint64_t rank_piece[PLACE_PIECE], odd_piece[PLACE_PIECE];
    size_t plate_block; /* the open one; SIZE_MAX = none */
    unsigned plate_n;
    uint64_t plate[RUN_PLATE_BLOCK];
    ts_ms last;
};
void place_rows_init(struct place_rows *r, struct seg *s);
/* First row of the site with time >= t (== end of the site when there is none). */
bool
place_seek(struct place_rows *r, const struct place_site *site, ts_ms t, uint64_t *row);
/* Time of a row. first: it is the site's first row. Call in row order; after
 * place_seek() the first call may be for the row it gave (resumed by it). */
bool place_time(struct place_rows *r, uint64_t row, bool first, ts_ms *t);
bool place_rank(struct place_rows *r, uint64_t row, uint64_t *rank, uint8_t *odd);
bool place_plate(struct place_rows *r, uint64_t rank, uint64_t *plate);
/* Many rows at once: the memory they need is asked for ahead, so that the
 * waits overlap. */
struct place_batch {
    unsigned n;
    ts_ms at[COL_ROWS];
    uint32_t rank[COL_ROWS];
    uint8_t odd[COL_ROWS];
};
/* Rows of the site from *row on with time < to, of one block at most; n = 0 at the end.
 * *row moves along. After place_seek(). False when damaged. */
bool place_read(
    struct place_rows *r, const struct place_site *site, ts_ms to, uint64_t *row,
    struct place_batch *out);
bool place_plates_of(struct seg *s, const uint32_t *rank, unsigned n, uint64_t *plate);
/* See roll_looks(), which these serve when there is no roll. */
bool place_looks_of(
    struct seg *s, const uint32_t *rank, const uint8_t *odd, unsigned n,
    const struct looks *want, bool *fits);
/* All plates of the segment in order (rank), heap; NULL when damaged or without memory.
 */
uint64_t *place_plates_all(struct seg *s, struct looks **looks);

struct place_cell {
    uint32_t site, rows, mute;
    int64_t bin;
    uint64_t speed_sum_dkmh;
};
/* Walks the cells of one site after another. */
struct place_cells {
    struct seg *seg;
    const struct place_site *site;
    uint64_t at;
    size_t block;
    uint64_t val[FLOW_COLS][COL_ROWS];
    int64_t bin;
};
void place_cells_init(struct place_cells *c, struct seg *s);
void place_cells_site(struct place_cells *c, const struct place_site *site);
bool place_cells_next(struct place_cells *c, struct place_cell *out);

#endif
