/* SPDX-License-Identifier: Apache-2.0 */
/* sight_run.h - a vehicle run: full rows in (plate, time) order, a plate directory with
 * the usual look and the hours of every plate, and a summary of every plate and day.
 *
 * Units    times ts_ms; days civil day numbers of the run's zone.
 * Owner    a run_writer is freed by finish or drop; readers borrow their segment.
 * Threads  writer: one thread; readers: one thread each over a shared segment.
 * Errors   a damaged block reads as an end (false) and marks the segment bad.
 * See      docs/format-segment.md section 4; tests in sight_test.c.
 */
#ifndef TQ_STORE_SIGHT_RUN_H
#define TQ_STORE_SIGHT_RUN_H

#include "model/sighting.h"
#include "store/sight_habit.h"
#include "store/sight_seg.h"
#include "store/sight_text.h"

enum run_table { RUN_PLATES = 0, RUN_ROWS = 1, RUN_DAYS = 2, RUN_TABLES = 3 };
enum run_blob { RUN_TEMPLATES = 0, RUN_USUAL = 1, RUN_HEAD = 2, RUN_FOLLOW = 3 };
enum run_plate_col {
    PLATE_DELTA,
    PLATE_ROWS,
    PLATE_DAYS,
    PLATE_COLOR,
    PLATE_CLASS,
    PLATE_PAINT,
    PLATE_BRAND,
    PLATE_HOURS,
    PLATE_FIRST,
    PLATE_COLS
};
enum run_plate_key { KEY_PLATE, KEY_ROW, KEY_DAY };
enum run_row_col {
    ROW_TIME,
    ROW_SITE,
    ROW_LANE,
    ROW_DIRECTION,
    ROW_SPEED,
    ROW_CONFIDENCE,
    ROW_FLAGS,
    ROW_COLOR,
    ROW_CLASS,
    ROW_PAINT,
    ROW_BRAND,
    ROW_DEVICE,
    ROW_REC_TPL,
    ROW_REC_DT,
    ROW_REC_NUM,
    ROW_IMG_TPL,
    ROW_IMG_DT,
    ROW_IMG_NUM,
    ROW_TEXT,
    ROW_LAG,
    ROW_COLS
};
enum { TPL_USUAL, TPL_NONE, TPL_LITERAL, TPL_FIRST }; /* of the form columns */
enum run_day_col { DAY_DAY, DAY_HOURS, DAY_ROWS, DAY_COLS };
#define RUN_PLATE_BLOCK 256u

/* What a vehicle usually looks like: rows that agree cost nothing. */
struct looks {
    uint8_t plate_color, paint;
    code3 class, brand;
};
static inline bool
looks_eq(struct looks a, struct looks b)
{
    return a.plate_color == b.plate_color && a.paint == b.paint && a.class == b.class &&
           a.brand == b.brand;
}

/* In which members a row's look differs from the usual one. ODD_ANY: in some; what
 * segments of the first release say. */
enum {
    ODD_ANY = 1,
    ODD_COLOR = 2,
    ODD_PAINT = 4,
    ODD_CLASS = 8,
    ODD_BRAND = 16,
};
static inline uint8_t
looks_odd(struct looks a, struct looks b)
{
    uint8_t odd = a.plate_color != b.plate_color ? ODD_COLOR : 0;
    odd |= a.paint != b.paint ? ODD_PAINT : 0;
    odd |= a.class != b.class ? ODD_CLASS : 0;
    return odd | (a.brand != b.brand ? ODD_BRAND : 0);
}

/* A row between the forms: texts as templates of some dictionary, literals as spans. */
struct vrow {
    ts_ms t;
    uint32_t site, device;
    int32_t lag_s;
    uint16_t speed_dkmh;
    struct looks look;
    uint8_t lane, direction, confidence, flags;
    struct text_val rec, img;
    struct span rec_text, img_text; /* of TEXT_LITERAL */
    struct span plate_text;
};

/* ---- writing ---- */
struct run_writer;
/* Takes dict, usual and follow (emptied at the caller) and frees them at its end. */
enum err run_writer_open(
    struct os_fs *fs, const char *path, const struct zone *zone, ts_ms min_ms,
    struct text_dict *dict, struct usual_map *usual, struct follow_map *follow,
    struct run_writer **out, struct note *note) MUST_USE;
/* Plates ascending; rows of a plate by (time, site, tag). */
void run_writer_begin(struct run_writer *w, uint64_t plate, struct looks usual);
void run_writer_row(struct run_writer *w, const struct vrow *row);
void run_writer_end(struct run_writer *w);
enum err run_writer_finish(
    struct run_writer *w, struct seg_meta *meta, struct note *note) MUST_USE;
void run_writer_drop(struct run_writer *w);

/* ---- reading ---- */

/* After seg_open(): reads dictionary and usual map. */
enum err run_prepare(struct seg *s, struct note *note) MUST_USE;
const struct text_dict *run_dict(const struct seg *s);
const struct usual_map *run_usual(const struct seg *s);
const struct follow_map *run_follow(const struct seg *s);
int64_t run_base_day(const struct seg *s); /* DAY_DAY counts from it */

struct run_plate {
    uint64_t plate;
    uint64_t row, rows; /* [row, row + rows) of RUN_ROWS */
    uint64_t day, days; /* of RUN_DAYS */
    struct looks look;
    uint32_t hours;
    int64_t first_day;
};
/* Its rows and usual look. False when the run does not have the plate. */
bool run_find(struct seg *s, uint64_t plate, struct run_plate *out);
/* What run_find() will read, and the first rows behind it: the disk may begin. */
void run_want(struct seg *s, uint64_t plate);
void run_want_rows(struct seg *s, const struct run_plate *p);

/* Walks the plate directory in order. */
struct run_plates {
    struct seg *seg;
    size_t block;
    unsigned i, n;
    uint64_t row, day, plate;
    uint64_t col[PLATE_COLS][RUN_PLATE_BLOCK];
    uint32_t cols; /* which are decoded */
};
/* From the first plate >= lo; what is not decoded reads as 0. */
#define PLATES_SLIM (1u << PLATE_DELTA | 1u << PLATE_ROWS)
#define PLATES_TIMES                                                                   \
    (PLATES_SLIM | 1u << PLATE_DAYS | 1u << PLATE_HOURS | 1u << PLATE_FIRST)
#define PLATES_DAYS (PLATES_SLIM | 1u << PLATE_DAYS)
#define PLATES_ALL ((1u << PLATE_COLS) - 1)
void run_plates_init(struct run_plates *p, struct seg *s, uint64_t lo, uint32_t cols);
bool run_plates_next(struct run_plates *p, struct run_plate *out);
/* The next plate >= lo, skipping blocks that lie before it. */
bool run_plates_seek(struct run_plates *p, uint64_t lo, struct run_plate *out);

/* Reads rows, block by block. Columns are decoded whole when `whole`, else a few rows
 * ahead, as far as `stop` says that they will be asked for. */
#define RUN_PART 48u
#define RUN_STRIDE                                                                     \
    (COL_ROWS + 8) /* no power of two: a row would lie in one set of the cache */
struct run_rows {
    struct seg *seg;
    const struct zone *zone;
    size_t block; /* open one; SIZE_MAX = none */
    struct blk blk;
    uint32_t have;    /* columns opened */
    uint32_t decoded; /* columns in val, or of the part */
    uint32_t fixed;   /* of one value, in every part of the block */
    struct col col[ROW_COLS];
    uint64_t (*val)[RUN_STRIDE]; /* ROW_COLS of them, heap, only when whole */
    struct buf texts;
    bool have_texts, whole;
    ts_ms last;    /* time of the row before */
    uint32_t site; /* of the row before; after run_rows_time() of its row */
    uint64_t stop; /* rows below it will be asked for in order; 0: only this one */
    unsigned part_from, part_n; /* rows of the block in the part */
    uint64_t part[ROW_COLS][RUN_PART];
};
bool
run_rows_init(struct run_rows *r, struct seg *s, const struct zone *zone, bool whole);
void run_rows_release(struct run_rows *r);
/* Time of `row`; first: it is the first row of its plate. Call in row order, or begin
 * at a plate's first row or at a block's first row. */
bool run_rows_time(struct run_rows *r, uint64_t row, bool first, ts_ms *t);
/* Times and sites of rows [row, row + n) at once, of a reader of whole columns; first:
 * as above, of the first of them. */
bool run_rows_many(
    struct run_rows *r, uint64_t row, uint64_t n, bool first, ts_ms *t, uint32_t *site);
bool run_rows_value(struct run_rows *r, uint64_t row, unsigned col, uint64_t *v);
/* The whole row (t and site from run_rows_time); spans live until the block changes. */
bool run_rows_get(
    struct run_rows *r, uint64_t row, ts_ms t, struct looks usual, struct vrow *out);
/* Of a reader of parts: times and sites of `row` and those behind it that lie in one
 * part; how many, 0: damaged. Then whole rows of it, n of them from `row`; usual: the
 * look of their plate. */
unsigned run_rows_times(
    struct run_rows *r, uint64_t row, bool first, ts_ms t[RUN_PART],
    uint32_t site[RUN_PART]);
bool run_rows_some(
    struct run_rows *r, uint64_t row, unsigned n, const ts_ms *t, const uint32_t *site,
    struct looks usual, struct vrow *out);
/* Makes a sighting of it, texts in the arena. false: arena full or damaged template. */
bool run_sighting(
    const struct text_dict *d, const struct zone *zone, uint64_t plate,
    const struct vrow *row, struct arena *arena, struct sighting *out);
/* First row of [p->row, p->row + p->rows) with time >= t, by the blocks' first times;
 * start of a block or of the plate, so that run_rows_time may begin there. */
bool run_seek(struct run_rows *r, const struct run_plate *p, ts_ms t, uint64_t *row);
/* Passes over the plate's rows before t, from the row that run_seek() gave: so that
 * run_rows_time() may be asked of *row. By times alone, which is much cheaper. */
bool run_skip(struct run_rows *r, const struct run_plate *p, ts_ms t, uint64_t *row);
/* Does the look of the row, of a plate usually looking like `usual`, agree with the
 * members of `want` that are not 0? */
bool run_rows_fit(
    struct run_rows *r, uint64_t row, struct looks usual, const struct looks *want,
    bool *fits);

#endif
