/* SPDX-License-Identifier: Apache-2.0 */
/* Vehicle runs. Predictions that make the columns small: time from the row before of
 * the same plate; look from the plate; device and text templates from the site and
 * direction. */
#include "store/sight_run.h"

#include "core/hash.h"

#include <stdatomic.h>
#include <stdlib.h>

static const struct seg_shape shapes[RUN_TABLES] = {
    [RUN_PLATES] = {PLATE_COLS, 3, RUN_PLATE_BLOCK},
    [RUN_ROWS] = {ROW_COLS, 0, COL_ROWS},
    [RUN_DAYS] = {DAY_COLS, 0, COL_ROWS},
};

/* ---- writing ---- */

struct run_writer {
    struct seg_writer *seg;
    struct zone zone;
    struct text_dict dict;
    struct usual_map usual;
    struct follow_map follow;
    ts_ms min_ms, max_ms;
    int64_t base_day;
    uint32_t last_site;
    /* of the open plate */
    uint64_t plate, prev_plate;
    struct looks look;
    uint64_t rows, days;
    uint32_t hours;
    int64_t first_day;
    ts_ms last;
    /* of its open day */
    int64_t day;
    ts_ms day_end;
    uint32_t day_hours, day_rows;
    uint64_t all_rows, all_days;
    bool nomem;
};

enum err
run_writer_open(
    struct os_fs *fs, const char *path, const struct zone *zone, ts_ms min_ms,
    struct text_dict *dict, struct usual_map *usual, struct follow_map *follow,
    struct run_writer **out, struct note *note)
{
    struct run_writer *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->zone = *zone;
    w->dict = *dict;
    w->usual = *usual;
    *dict = (struct text_dict){0};
    *usual = (struct usual_map){0};
    w->follow = *follow;
    *follow = (struct follow_map){0};
    w->min_ms = min_ms;
    w->max_ms = INT64_MIN;
    w->base_day = civil_day(min_ms, zone);
    enum err e = seg_writer_open(fs, path, shapes, RUN_TABLES, &w->seg, note);
    if (e != OK) {
        run_writer_drop(w);
        return e;
    }
    *out = w;
    return OK;
}

void
run_writer_drop(struct run_writer *w)
{
    if (!w)
        return;
    seg_writer_drop(w->seg);
    text_dict_release(&w->dict);
    usual_release(&w->usual);
    follow_release(&w->follow);
    free(w);
}

void
run_writer_begin(struct run_writer *w, uint64_t plate, struct looks usual)
{
    must(!w->all_rows || plate > w->plate);
    w->prev_plate = w->plate;
    w->plate = plate;
    w->look = usual;
    w->rows = w->days = 0;
    w->hours = 0;
    w->day_rows = 0;
    w->day_end = INT64_MIN;
}

static void
day_close(struct run_writer *w)
{
    if (!w->day_rows)
        return;
    uint64_t v[DAY_COLS] = {
        [DAY_DAY] = (uint64_t)(w->day - w->base_day),
        [DAY_HOURS] = w->day_hours,
        [DAY_ROWS] = w->day_rows};
    seg_writer_row(w->seg, RUN_DAYS, v);
    w->hours |= w->day_hours;
    w->days++;
    w->all_days++;
    w->day_rows = 0;
    w->day_hours = 0;
}

static void
day_count(struct run_writer *w, ts_ms t)
{
    if (t >= w->day_end) {
        day_close(w);
        w->day = civil_day(t, &w->zone);
        w->day_end = civil_day_start(w->day + 1, &w->zone);
        if (!w->days && !w->rows)
            w->first_day = w->day;
    }
    int64_t into = DAY_MS - (w->day_end - t);
    w->day_hours |= 1u << (into / HOUR_MS);
    w->day_rows++;
}

static uint64_t
tpl_code(struct run_writer *w, const struct text_val *v, uint32_t usual)
{
    if (v->tpl == usual && v->tpl != TEXT_LITERAL)
        return TPL_USUAL;
    if (v->tpl == TEXT_NONE)
        return TPL_NONE;
    if (v->tpl == TEXT_LITERAL)
        return TPL_LITERAL;
    must(v->tpl - TEXT_FIRST < w->dict.n);
    return v->tpl - TEXT_FIRST + TPL_FIRST;
}

static uint64_t
text_num(struct run_writer *w, const struct text_val *v, struct span literal)
{
    return v->tpl == TEXT_LITERAL ? seg_writer_text(w->seg, RUN_ROWS, literal) : v->num;
}

void
run_writer_row(struct run_writer *w, const struct vrow *r)
{
    day_count(w, r->t);
    bool whole = !w->rows || seg_writer_first(w->seg, RUN_ROWS);
    must(r->t >= w->min_ms && (!w->rows || r->t >= w->last));
    const struct usual *u = usual_find(&w->usual, r->site, r->direction);
    uint64_t v[ROW_COLS];
    v[ROW_TIME] = (uint64_t)(r->t - (whole ? w->min_ms : w->last));
    v[ROW_SITE] = follow_code(&w->follow, whole, w->last_site, r->site);
    v[ROW_LANE] = r->lane;
    v[ROW_DIRECTION] = r->direction;
    v[ROW_SPEED] = r->speed_dkmh;
    v[ROW_CONFIDENCE] = r->confidence;
    v[ROW_FLAGS] = r->flags;
    v[ROW_COLOR] =
        r->look.plate_color == w->look.plate_color ? 0 : r->look.plate_color + 1u;
    v[ROW_CLASS] = r->look.class == w->look.class ? 0 : r->look.class + 1u;
    v[ROW_PAINT] = r->look.paint == w->look.paint ? 0 : r->look.paint + 1u;
    v[ROW_BRAND] = r->look.brand == w->look.brand ? 0 : r->look.brand + 1u;
    v[ROW_DEVICE] = r->device == u->device ? 0 : r->device + UINT64_C(1);
    v[ROW_REC_TPL] = tpl_code(w, &r->rec, u->rec);
    v[ROW_REC_DT] = zigzag_encode(r->rec.dt);
    v[ROW_REC_NUM] = text_num(w, &r->rec, r->rec_text);
    v[ROW_IMG_TPL] = tpl_code(w, &r->img, u->img);
    v[ROW_IMG_DT] = zigzag_encode(r->img.dt);
    v[ROW_IMG_NUM] = text_num(w, &r->img, r->img_text);
    v[ROW_TEXT] =
        r->plate_text.n ? 1u + seg_writer_text(w->seg, RUN_ROWS, r->plate_text) : 0;
    v[ROW_LAG] = zigzag_encode(r->lag_s);
    seg_writer_row(w->seg, RUN_ROWS, v);
    w->last = r->t;
    w->last_site = r->site;
    w->max_ms = r->t > w->max_ms ? r->t : w->max_ms;
    w->rows++;
    w->all_rows++;
}

void
run_writer_end(struct run_writer *w)
{
    must(w->rows);
    day_close(w);
    bool first = seg_writer_first(w->seg, RUN_PLATES);
    if (first) {
        seg_writer_key(w->seg, RUN_PLATES, KEY_PLATE, w->plate);
        seg_writer_key(w->seg, RUN_PLATES, KEY_ROW, w->all_rows - w->rows);
        seg_writer_key(w->seg, RUN_PLATES, KEY_DAY, w->all_days - w->days);
    }
    uint64_t v[PLATE_COLS] = {
        [PLATE_DELTA] = first ? 0 : w->plate - w->prev_plate,
        [PLATE_ROWS] = w->rows,
        [PLATE_DAYS] = w->days,
        [PLATE_COLOR] = w->look.plate_color,
        [PLATE_CLASS] = w->look.class,
        [PLATE_PAINT] = w->look.paint,
        [PLATE_BRAND] = w->look.brand,
        [PLATE_HOURS] = w->hours,
        [PLATE_FIRST] = (uint64_t)(w->first_day - w->base_day)};
    seg_writer_row(w->seg, RUN_PLATES, v);
}

enum err
run_writer_finish(struct run_writer *w, struct seg_meta *meta, struct note *note)
{
    struct buf b = {0};
    text_dict_encode(&w->dict, &b);
    seg_writer_blob(w->seg, RUN_TEMPLATES, b.p, b.n);
    buf_clear(&b);
    usual_encode(&w->usual, &b);
    seg_writer_blob(w->seg, RUN_USUAL, b.p, b.n);
    buf_clear(&b);
    buf_le(&b, (uint64_t)w->base_day, 8);
    buf_le(&b, (uint64_t)(int64_t)w->zone.offset_min, 8);
    seg_writer_blob(w->seg, RUN_HEAD, b.p, b.n);
    buf_clear(&b);
    follow_encode(&w->follow, &b);
    seg_writer_blob(w->seg, RUN_FOLLOW, b.p, b.n);
    meta->kind = SEG_VEHICLE;
    meta->min_ms = w->min_ms;
    meta->max_ms = w->max_ms;
    meta->rows = w->all_rows;
    struct seg_writer *seg = w->seg;
    w->seg = NULL;
    enum err e;
    if (b.bad) {
        seg_writer_drop(seg);
        e = ERR_NOMEM;
    } else {
        e = seg_writer_finish(seg, meta, note);
    }
    buf_release(&b);
    run_writer_drop(w);
    return e;
}

/* ---- reading ---- */

struct run_extra {
    struct text_dict dict;
    struct usual_map usual;
    struct follow_map follow;
    int64_t base_day;
};

static void
extra_free(void *p)
{
    struct run_extra *x = p;
    text_dict_release(&x->dict);
    usual_release(&x->usual);
    follow_release(&x->follow);
    free(x);
}

enum err
run_prepare(struct seg *s, struct note *note)
{
    struct run_extra *x = calloc(1, sizeof *x);
    if (!x)
        return ERR_NOMEM;
    s->extra = x;
    s->extra_free = extra_free;
    bool good = s->meta.kind == SEG_VEHICLE;
    for (unsigned i = 0; good && i < RUN_TABLES; i++)
        good = s->table[i].cols == shapes[i].cols &&
               s->table[i].keys == shapes[i].keys &&
               s->table[i].block_rows == shapes[i].block_rows;
    good = good && text_dict_decode(&x->dict, s->blob[RUN_TEMPLATES]) &&
           usual_decode(&x->usual, s->blob[RUN_USUAL]) &&
           follow_decode(&x->follow, s->blob[RUN_FOLLOW]);
    struct cur head = cur_of(s->blob[RUN_HEAD].p, s->blob[RUN_HEAD].n);
    x->base_day = (int64_t)cur_u64_le(&head);
    if (good && !head.bad)
        return OK;
    return note_fmt(
        note, ERR_CORRUPT, "segment", "%s: damaged dictionaries", "数据段损坏：%s",
        s->path);
}

const struct text_dict *
run_dict(const struct seg *s)
{
    return &((const struct run_extra *)s->extra)->dict;
}

const struct usual_map *
run_usual(const struct seg *s)
{
    return &((const struct run_extra *)s->extra)->usual;
}

const struct follow_map *
run_follow(const struct seg *s)
{
    return &((const struct run_extra *)s->extra)->follow;
}

int64_t
run_base_day(const struct seg *s)
{
    return ((const struct run_extra *)s->extra)->base_day;
}

/* The block that would hold the plate; SIZE_MAX when it is before the first. */
static size_t
plate_block(const struct seg_table *t, uint64_t plate)
{
    size_t lo = 0, hi = t->blocks;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (seg_key(t, mid, KEY_PLATE) <= plate)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo - 1;
}

static void
fill_plate(const struct run_plates *p, struct run_plate *out)
{
    const struct run_extra *x = p->seg->extra;
    unsigned i = p->i;
    *out = (struct run_plate){
        .plate = p->plate,
        .row = p->row,
        .rows = p->col[PLATE_ROWS][i],
        .day = p->day,
    };
    if (p->cols == PLATES_SLIM)
        return;
    out->days = p->col[PLATE_DAYS][i];
    if (p->cols == PLATES_DAYS)
        return;
    if (p->cols == PLATES_ALL)
        out->look = (struct looks){
            (uint8_t)p->col[PLATE_COLOR][i], (uint8_t)p->col[PLATE_PAINT][i],
            (code3)p->col[PLATE_CLASS][i], (code3)p->col[PLATE_BRAND][i]};
    out->hours = (uint32_t)p->col[PLATE_HOURS][i];
    out->first_day = x->base_day + (int64_t)p->col[PLATE_FIRST][i];
}

static bool
plates_load(struct run_plates *p)
{
    struct blk b;
    const struct seg_table *t = &p->seg->table[RUN_PLATES];
    if (!seg_block(p->seg, RUN_PLATES, p->block, &b))
        return false;
    for (unsigned c = 0; c < PLATE_COLS; c++)
        if (p->cols >> c & 1 && !blk_values(p->seg, &b, c, p->col[c]))
            return false;
    p->n = b.n;
    p->i = 0;
    p->plate = seg_key(t, p->block, KEY_PLATE);
    p->row = seg_key(t, p->block, KEY_ROW);
    p->day = seg_key(t, p->block, KEY_DAY);
    return true;
}

bool
run_plates_next(struct run_plates *p, struct run_plate *out)
{
    if (p->i >= p->n) {
        if (p->block >= p->seg->table[RUN_PLATES].blocks || !plates_load(p))
            return false;
        p->block++;
    }
    p->plate += p->col[PLATE_DELTA][p->i];
    fill_plate(p, out);
    if (out->row > p->seg->table[RUN_ROWS].rows ||
        out->rows > p->seg->table[RUN_ROWS].rows - out->row) {
        atomic_store(&p->seg->bad, true);
        return false;
    }
    p->row += out->rows;
    p->day += out->days;
    p->i++;
    return true;
}

/* Passes over the plates of the open block that lie before lo. */
static void
plates_skip(struct run_plates *p, uint64_t lo)
{
    const uint64_t *delta = p->col[PLATE_DELTA], *rows = p->col[PLATE_ROWS];
    bool days = p->cols >> PLATE_DAYS & 1;
    while (p->i < p->n && p->plate + delta[p->i] < lo) {
        p->plate += delta[p->i];
        p->row += rows[p->i];
        p->day += days ? p->col[PLATE_DAYS][p->i] : 0;
        p->i++;
    }
}

bool
run_plates_seek(struct run_plates *p, uint64_t lo, struct run_plate *out)
{
    const struct seg_table *t = &p->seg->table[RUN_PLATES];
    if (p->block < t->blocks && seg_key(t, p->block, KEY_PLATE) <= lo) {
        p->block = plate_block(t, lo);
        p->i = p->n = 0;
    }
    if (p->i >= p->n) {
        if (p->block >= t->blocks || !plates_load(p))
            return false;
        p->block++;
    }
    plates_skip(p, lo);
    return run_plates_next(p, out);
}

void
run_plates_init(struct run_plates *p, struct seg *s, uint64_t lo, uint32_t cols)
{
    p->seg = s;
    p->cols = cols;
    p->i = p->n = 0;
    size_t b = plate_block(&s->table[RUN_PLATES], lo);
    p->block = b == SIZE_MAX ? 0 : b;
    if (p->block >= s->table[RUN_PLATES].blocks || !plates_load(p))
        return;
    p->block++;
    plates_skip(p, lo);
}

bool
run_find(struct seg *s, uint64_t plate, struct run_plate *out)
{
    const struct seg_table *t = &s->table[RUN_PLATES];
    size_t at = plate_block(t, plate);
    struct blk b;
    uint64_t delta[COL_ROWS], rows[COL_ROWS];
    if (at == SIZE_MAX || !seg_block(s, RUN_PLATES, at, &b) ||
        !blk_values(s, &b, PLATE_DELTA, delta))
        return false;
    uint64_t p = seg_key(t, at, KEY_PLATE);
    unsigned i = 0;
    while (p < plate && ++i < b.n)
        p += delta[i];
    struct col col;
    if (p != plate || i >= b.n || !blk_col(s, &b, PLATE_ROWS, &col))
        return false;
    col_first(&col, i + 1, rows);
    *out = (struct run_plate){.plate = plate, .row = seg_key(t, at, KEY_ROW)};
    for (unsigned k = 0; k < i; k++)
        out->row += rows[k];
    out->rows = rows[i];
    uint64_t v[PLATE_COLS];
    for (unsigned c = PLATE_COLOR; c <= PLATE_BRAND; c++) {
        if (!blk_col(s, &b, c, &col))
            return false;
        v[c] = col_get(&col, i);
    }
    out->look = (struct looks){
        (uint8_t)v[PLATE_COLOR], (uint8_t)v[PLATE_PAINT], (code3)v[PLATE_CLASS],
        (code3)v[PLATE_BRAND]};
    uint64_t all = s->table[RUN_ROWS].rows;
    if (out->row > all || out->rows > all - out->row) {
        atomic_store(&s->bad, true);
        return false;
    }
    return true;
}

void
run_want(struct seg *s, uint64_t plate)
{
    seg_want(s, RUN_PLATES, plate_block(&s->table[RUN_PLATES], plate));
}

#define WANT_BLOCKS 4 /* of a plate's rows in one run: four thousand */

void
run_want_rows(struct seg *s, const struct run_plate *p)
{
    uint64_t first = p->row / COL_ROWS, last = (p->row + p->rows - 1) / COL_ROWS;
    for (uint64_t b = first; b <= last && b < first + WANT_BLOCKS; b++)
        seg_want(s, RUN_ROWS, (size_t)b);
}
