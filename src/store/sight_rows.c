/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a vehicle run. A look-up decodes a part of some columns, a scan whole ones;
 * either way a row is put together from arrays. What rows refer to (how their device
 * writes, the templates of their texts) lies about the run's dictionaries: of a part it
 * is asked for before the first row is made, so that the waits overlap. */
#include "store/sight_run.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#define ROW_ALL ((1u << ROW_COLS) - 1)

bool
run_rows_init(struct run_rows *r, struct seg *s, const struct zone *zone, bool whole)
{
    memset(r, 0, offsetof(struct run_rows, part)); /* parts are set with the block */
    r->seg = s;
    r->zone = zone;
    r->block = SIZE_MAX;
    r->whole = whole;
    if (whole)
        r->val = malloc(ROW_COLS * sizeof *r->val);
    return !whole || r->val;
}

void
run_rows_release(struct run_rows *r)
{
    free(r->val);
    r->val = NULL;
    buf_release(&r->texts);
}

static bool
rows_open(struct run_rows *r, uint64_t row)
{
    size_t block = (size_t)(row / COL_ROWS);
    if (block == r->block)
        return true;
    if (!seg_block(r->seg, RUN_ROWS, block, &r->blk))
        return false;
    r->block = block;
    r->have = r->decoded = r->fixed = 0;
    r->part_n = 0;
    r->have_texts = false;
    return true;
}

static bool
rows_col(struct run_rows *r, unsigned c)
{
    if (r->have >> c & 1)
        return true;
    if (!blk_col(r->seg, &r->blk, c, &r->col[c]))
        return false;
    r->have |= 1u << c;
    return true;
}

/* The column of the open part, or of the whole block. */
static bool
rows_decode(struct run_rows *r, unsigned c)
{
    if (!rows_col(r, c))
        return false;
    struct col *col = &r->col[c];
    if (r->whole) {
        col_all(col, r->val[c]);
    } else if (col->kind == COL_CONST && r->part_n == RUN_PART) {
        for (unsigned i = 0; i < RUN_PART; i++)
            r->part[c][i] = col->base;
        r->fixed |= 1u << c; /* of every part of the block */
    } else {
        col_range(col, r->part_from, r->part_n, r->part[c]);
    }
    r->decoded |= 1u << c;
    return true;
}

/* Opens the block, and the part that begins with the row unless it is in the open one. */
static bool
rows_at(struct run_rows *r, uint64_t row)
{
    if (!rows_open(r, row))
        return false;
    unsigned i = (unsigned)(row % COL_ROWS);
    if (i >= r->blk.n)
        return false;
    if (r->whole || i - r->part_from < r->part_n)
        return true;
    uint64_t ahead = r->stop > row ? r->stop - row : 1;
    unsigned n = r->blk.n - i < RUN_PART ? r->blk.n - i : RUN_PART;
    r->part_from = i;
    r->part_n = ahead < n ? (unsigned)ahead : n;
    r->decoded = r->fixed;
    return true;
}

/* Value of a row of the open part in a column that is decoded. */
static inline uint64_t
value_of(const struct run_rows *r, uint64_t row, unsigned c)
{
    unsigned i = (unsigned)(row % COL_ROWS);
    return r->whole ? r->val[c][i] : r->part[c][i - r->part_from];
}

bool
run_rows_value(struct run_rows *r, uint64_t row, unsigned c, uint64_t *v)
{
    if (!rows_at(r, row) || (!(r->decoded >> c & 1) && !rows_decode(r, c)))
        return false;
    *v = value_of(r, row, c);
    return true;
}

/* The site that a code means behind r->site. */
static bool
site_step(struct run_rows *r, bool whole, uint64_t code)
{
    if (code >= FOLLOW_FAN) {
        r->site = (uint32_t)(code - FOLLOW_FAN);
        return true;
    }
    if (!whole && follow_next(run_follow(r->seg), r->site, code, &r->site))
        return true;
    atomic_store(&r->seg->bad, true);
    return false;
}

bool
run_rows_time(struct run_rows *r, uint64_t row, bool first, ts_ms *t)
{
    uint64_t v, site;
    if (!run_rows_value(r, row, ROW_TIME, &v) ||
        !run_rows_value(r, row, ROW_SITE, &site))
        return false;
    bool whole = first || row % COL_ROWS == 0;
    uint64_t at = (uint64_t)(whole ? r->seg->meta.min_ms : r->last) + v;
    r->last = (ts_ms)at;
    *t = r->last;
    return site_step(r, whole, site);
}

bool
run_rows_many(
    struct run_rows *r, uint64_t row, uint64_t n, bool first, ts_ms *t, uint32_t *site)
{
    must(r->whole);
    for (uint64_t end = row + n; row < end; first = false) {
        uint64_t v; /* of the first row of each block: decodes both columns */
        if (!run_rows_value(r, row, ROW_TIME, &v) ||
            !run_rows_value(r, row, ROW_SITE, &v))
            return false;
        const uint64_t *step = r->val[ROW_TIME], *code = r->val[ROW_SITE];
        unsigned from = (unsigned)(row % COL_ROWS);
        uint64_t to = end - row < r->blk.n - from ? from + (end - row) : r->blk.n;
        for (unsigned i = from; i < to; i++) {
            bool whole = i == 0 || (first && i == from);
            r->last =
                (ts_ms)((uint64_t)(whole ? r->seg->meta.min_ms : r->last) + step[i]);
            if (!site_step(r, whole, code[i]))
                return false;
            *t++ = r->last;
            *site++ = r->site;
        }
        row += to - from;
    }
    return true;
}

bool
run_seek(struct run_rows *r, const struct run_plate *p, ts_ms t, uint64_t *row)
{
    uint64_t from = p->row, end = p->row + p->rows;
    /* the last block boundary inside the plate whose first row is before t */
    uint64_t lo = from / COL_ROWS + 1, hi = (end + COL_ROWS - 1) / COL_ROWS;
    while (lo < hi) {
        uint64_t mid = (lo + hi) / 2;
        uint64_t v;
        if (!run_rows_value(r, mid * COL_ROWS, ROW_TIME, &v))
            return false;
        if ((ts_ms)((uint64_t)r->seg->meta.min_ms + v) < t)
            lo = mid + 1;
        else
            hi = mid;
    }
    uint64_t at = (lo - 1) * COL_ROWS;
    *row = at > from ? at : from;
    return true;
}

#define SKIP_ROWS 64u

/* r->site of row i of the open block: a row says it outright or relative to the row
 * before, so it is followed from the last one that does; row `lo` does. */
static bool
site_of(struct run_rows *r, unsigned lo, unsigned i)
{
    uint64_t code[SKIP_ROWS];
    unsigned from = i + 1, k = 0, n = 0;
    if (!rows_col(r, ROW_SITE))
        return false;
    for (bool found = false; !found && from > lo;) {
        n = from - lo < SKIP_ROWS ? from - lo : SKIP_ROWS;
        from -= n;
        col_range(&r->col[ROW_SITE], from, n, code);
        for (k = n; k > 0 && !found;)
            found = code[--k] >= FOLLOW_FAN;
    }
    /* `code` holds rows [from, from + n); the last that says it outright is k */
    for (unsigned row = from + k; row <= i; row++, k++) {
        if (k == n) {
            n = i + 1 - row < SKIP_ROWS ? i + 1 - row : SKIP_ROWS;
            col_range(&r->col[ROW_SITE], row, n, code);
            k = 0;
        }
        if (!site_step(r, false, code[k]))
            return false;
    }
    return true;
}

bool
run_skip(struct run_rows *r, const struct run_plate *p, ts_ms t, uint64_t *row)
{
    uint64_t step[SKIP_ROWS], at = *row, end = p->row + p->rows, last = 0;
    for (bool found = false; at < end && !found;) {
        if (!rows_open(r, at) || !rows_col(r, ROW_TIME))
            return false;
        unsigned i = (unsigned)(at % COL_ROWS), n = SKIP_ROWS, k = 0;
        if (i >= r->blk.n)
            return false;
        n = r->blk.n - i < n ? r->blk.n - i : n;
        n = end - at < n ? (unsigned)(end - at) : n;
        col_range(&r->col[ROW_TIME], i, n, step);
        last = at == p->row || i == 0 ? (uint64_t)r->seg->meta.min_ms : last;
        while (k < n && (ts_ms)(last + step[k]) < t)
            last += step[k++];
        found = k < n;
        at += k;
    }
    *row = at;
    r->last = (ts_ms)last;
    if (at == end || at == p->row || at % COL_ROWS == 0)
        return true;
    uint64_t block = at / COL_ROWS * COL_ROWS;
    unsigned lo = (unsigned)(p->row > block ? p->row - block : 0);
    return site_of(r, lo, (unsigned)(at - block) - 1);
}

/* Is what the row says (0: as usual) what is wanted (0: anything)? */
static bool
code_agrees(struct run_rows *r, uint64_t row, unsigned c, unsigned usual, unsigned want)
{
    uint64_t v = 0;
    if (!want)
        return true;
    return run_rows_value(r, row, c, &v) && (v ? v - 1 : usual) == want;
}

bool
run_rows_fit(
    struct run_rows *r, uint64_t row, struct looks usual, const struct looks *want,
    bool *fits)
{
    *fits = code_agrees(r, row, ROW_BRAND, usual.brand, want->brand) &&
            code_agrees(r, row, ROW_PAINT, usual.paint, want->paint) &&
            code_agrees(r, row, ROW_CLASS, usual.class, want->class) &&
            code_agrees(r, row, ROW_COLOR, usual.plate_color, want->plate_color);
    return !atomic_load(&r->seg->bad);
}

static bool
row_literal(struct run_rows *r, uint64_t at, struct span *out)
{
    if (!r->have_texts) {
        if (!blk_texts(r->seg, &r->blk, &r->texts))
            return false;
        r->have_texts = true;
    }
    if (at > r->texts.n)
        return false;
    struct cur c = cur_of(r->texts.p + at, r->texts.n - at);
    *out = cur_span(&c);
    return !c.bad;
}

static bool
row_text(
    struct run_rows *r, const uint64_t *v, uint32_t usual, struct text_val *val,
    struct span *literal)
{
    uint64_t code = v[0];
    *val = (struct text_val){0, zigzag_decode(v[1]), v[2]};
    *literal = (struct span){0};
    if (code == TPL_USUAL)
        val->tpl = usual;
    else if (code == TPL_NONE)
        val->tpl = TEXT_NONE;
    else if (code == TPL_LITERAL)
        val->tpl = TEXT_LITERAL;
    else
        val->tpl = (uint32_t)(code - TPL_FIRST + TEXT_FIRST);
    return val->tpl != TEXT_LITERAL || row_literal(r, v[2], literal);
}

/* Makes every column of the row's part readable. */
static bool
rows_ready(struct run_rows *r, uint64_t row)
{
    if (!rows_at(r, row))
        return false;
    for (uint32_t left = ROW_ALL & ~r->decoded; left; left &= left - 1)
        if (!rows_decode(r, (unsigned)__builtin_ctz(left)))
            return false;
    return true;
}

/* A row whose columns are decoded; u: what is usual at its site and direction. */
static bool
row_make(
    struct run_rows *r, uint64_t row, ts_ms t, uint32_t site, struct looks usual,
    const struct usual *u, struct vrow *out)
{
    uint64_t v[ROW_COLS];
    unsigned i = (unsigned)(row % COL_ROWS) - (r->whole ? 0 : r->part_from);
    const uint64_t *at = r->whole ? &r->val[0][i] : &r->part[0][i];
    size_t stride = r->whole ? RUN_STRIDE : RUN_PART;
    for (unsigned c = ROW_LANE; c < ROW_COLS; c++)
        v[c] = at[c * stride];
    out->t = t;
    out->site = site;
    out->direction = (uint8_t)v[ROW_DIRECTION];
    out->device = v[ROW_DEVICE] ? (uint32_t)(v[ROW_DEVICE] - 1) : u->device;
    out->lag_s = (int32_t)zigzag_decode(v[ROW_LAG]);
    out->speed_dkmh = (uint16_t)v[ROW_SPEED];
    out->lane = (uint8_t)v[ROW_LANE];
    out->confidence = (uint8_t)v[ROW_CONFIDENCE];
    out->flags = (uint8_t)v[ROW_FLAGS];
    out->look = usual;
    if (v[ROW_COLOR])
        out->look.plate_color = (uint8_t)(v[ROW_COLOR] - 1);
    if (v[ROW_CLASS])
        out->look.class = (code3)(v[ROW_CLASS] - 1);
    if (v[ROW_PAINT])
        out->look.paint = (uint8_t)(v[ROW_PAINT] - 1);
    if (v[ROW_BRAND])
        out->look.brand = (code3)(v[ROW_BRAND] - 1);
    out->plate_text = (struct span){0};
    bool good = row_text(r, v + ROW_REC_TPL, u->rec, &out->rec, &out->rec_text) &&
                row_text(r, v + ROW_IMG_TPL, u->img, &out->img, &out->img_text) &&
                (!v[ROW_TEXT] || row_literal(r, v[ROW_TEXT] - 1, &out->plate_text));
    if (!good)
        atomic_store(&r->seg->bad, true);
    return good;
}

bool
run_rows_get(
    struct run_rows *r, uint64_t row, ts_ms t, struct looks usual, struct vrow *out)
{
    if (!rows_ready(r, row))
        return false;
    uint8_t direction = (uint8_t)value_of(r, row, ROW_DIRECTION);
    const struct usual *u = usual_find(run_usual(r->seg), r->site, direction);
    return row_make(r, row, t, r->site, usual, u, out);
}

unsigned
run_rows_times(
    struct run_rows *r, uint64_t row, bool first, ts_ms t[RUN_PART],
    uint32_t site[RUN_PART])
{
    uint64_t v;
    must(!r->whole);
    if (!run_rows_value(r, row, ROW_TIME, &v) || !run_rows_value(r, row, ROW_SITE, &v))
        return 0;
    unsigned from = (unsigned)(row % COL_ROWS) - r->part_from;
    const uint64_t *step = r->part[ROW_TIME] + from, *code = r->part[ROW_SITE] + from;
    for (unsigned i = 0; i < r->part_n - from; i++) {
        bool whole = i == 0 ? first || row % COL_ROWS == 0 : false;
        r->last = (ts_ms)((uint64_t)(whole ? r->seg->meta.min_ms : r->last) + step[i]);
        if (!site_step(r, whole, code[i]))
            return 0;
        t[i] = r->last;
        site[i] = r->site;
    }
    return r->part_n - from;
}

/* The template that a code of a form column means. */
static inline uint32_t
tpl_of(uint64_t code, uint32_t usual)
{
    return code == TPL_USUAL ? usual : (uint32_t)(code - TPL_FIRST + TEXT_FIRST);
}

bool
run_rows_some(
    struct run_rows *r, uint64_t row, unsigned n, const ts_ms *t, const uint32_t *site,
    struct looks usual, struct vrow *out)
{
    const struct usual *u[RUN_PART];
    const struct usual_map *map = run_usual(r->seg);
    const struct text_dict *dict = run_dict(r->seg);
    must(!r->whole && n <= RUN_PART);
    if (!rows_ready(r, row))
        return false;
    unsigned from = (unsigned)(row % COL_ROWS) - r->part_from;
    must(n <= r->part_n - from);
    const uint64_t *way = r->part[ROW_DIRECTION] + from;
    for (unsigned i = 0; i < n; i++)
        usual_ahead(map, site[i], (uint8_t)way[i]);
    for (unsigned i = 0; i < n; i++) {
        u[i] = usual_find(map, site[i], (uint8_t)way[i]);
        text_ahead(dict, tpl_of(r->part[ROW_REC_TPL][from + i], u[i]->rec));
        text_ahead(dict, tpl_of(r->part[ROW_IMG_TPL][from + i], u[i]->img));
    }
    for (unsigned i = 0; i < n; i++)
        if (!row_make(r, row + i, t[i], site[i], usual, u[i], &out[i]))
            return false;
    return true;
}

static bool
join_into(
    const struct text_dict *d, const struct text_val *v, struct span literal,
    const struct text_at *at, struct arena *arena, struct span *out)
{
    if (v->tpl == TEXT_LITERAL) {
        *out = arena_span(arena, literal);
        return out->p;
    }
    if (v->tpl == TEXT_NONE) {
        *out = (struct span){"", 0};
        return true;
    }
    const struct text_form *f = text_form(d, v->tpl);
    size_t n = f ? text_size(f, at->record.n) : 0;
    char *p = f ? arena_raw(arena, n + 1) : NULL;
    if (!p)
        return false;
    text_put(p, f, v, at);
    p[n] = 0;
    *out = span_of(p, n);
    return true;
}

bool
run_sighting(
    const struct text_dict *d, const struct zone *zone, uint64_t plate,
    const struct vrow *row, struct arena *arena, struct sighting *out)
{
    *out = (struct sighting){
        .pass_ms = row->t,
        .arrive_ms = row->t + (ts_ms)row->lag_s * 1000,
        .plate = {plate},
        .site = {row->site},
        .device = {row->device},
        .speed_dkmh = row->speed_dkmh,
        .vehicle_class = row->look.class,
        .brand = row->look.brand,
        .plate_color = row->look.plate_color,
        .vehicle_color = row->look.paint,
        .lane = row->lane,
        .direction = row->direction,
        .confidence = row->confidence,
        .flags = row->flags,
        .plate_text = {"", 0},
    };
    struct text_at at = {row->t, row->t, {0}, zone};
    if (!join_into(d, &row->rec, row->rec_text, &at, arena, &out->record_id))
        return false;
    at.ref = text_time(d, &row->rec, row->t);
    at.record = out->record_id;
    if (!join_into(d, &row->img, row->img_text, &at, arena, &out->image))
        return false;
    if (row->plate_text.n)
        out->plate_text = arena_span(arena, row->plate_text);
    return out->plate_text.p;
}
