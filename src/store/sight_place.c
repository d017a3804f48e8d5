/* SPDX-License-Identifier: Apache-2.0 */
/* Place segments. Times of a site are deltas; each block and each site begins with a
 * time relative to the segment's first, so a block can be read alone and searched by
 * its keys. */
#include "store/sight_place.h"

#include <stdatomic.h>
#include <stdlib.h>

static const struct seg_shape shapes[PLACE_TABLES] = {
    [PLACE_ROWS] = {PROW_COLS, 2, COL_ROWS},
    [PLACE_PLATES] = {PP_COLS, 1, RUN_PLATE_BLOCK},
    [PLACE_FLOW] = {FLOW_COLS, 0, COL_ROWS},
};

struct place_writer {
    struct seg_writer *seg;
    ts_ms min_ms, max_ms;
    int64_t min_bin;
    uint64_t plate, plates;
    uint32_t site, cell_site;
    ts_ms last;
    int64_t bin;
    uint64_t rows;
    struct place_site *sites; /* rows counted here; cells in cells */
    size_t sites_n, sites_room, cells_at;
    enum err err;
};

static int64_t
floor_bin(ts_ms t)
{
    return t / PLACE_BIN_MS - (t % PLACE_BIN_MS < 0);
}

enum err
place_writer_open(
    struct os_fs *fs, const char *path, const struct zone *zone, ts_ms min_ms,
    struct place_writer **out, struct note *note)
{
    (void)zone;
    struct place_writer *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->min_ms = min_ms;
    w->max_ms = INT64_MIN;
    w->min_bin = floor_bin(min_ms);
    enum err e = seg_writer_open(fs, path, shapes, PLACE_TABLES, &w->seg, note);
    if (e != OK) {
        place_writer_drop(w);
        return e;
    }
    *out = w;
    return OK;
}

void
place_writer_drop(struct place_writer *w)
{
    if (!w)
        return;
    seg_writer_drop(w->seg);
    free(w->sites);
    free(w);
}

void
place_writer_plate(struct place_writer *w, uint64_t plate, struct looks usual)
{
    must(!w->plates || plate > w->plate);
    bool first = seg_writer_first(w->seg, PLACE_PLATES);
    if (first)
        seg_writer_key(w->seg, PLACE_PLATES, 0, plate);
    uint64_t v[PP_COLS] = {
        [PP_DELTA] = first ? 0 : plate - w->plate,
        [PP_COLOR] = usual.plate_color,
        [PP_CLASS] = usual.class,
        [PP_PAINT] = usual.paint,
        [PP_BRAND] = usual.brand};
    seg_writer_row(w->seg, PLACE_PLATES, v);
    w->plate = plate;
    w->plates++;
}

static struct place_site *
site_open(struct place_writer *w, uint32_t site)
{
    if (w->sites_n == w->sites_room) {
        size_t room = w->sites_room ? w->sites_room * 2 : 256;
        struct place_site *p = realloc(w->sites, room * sizeof *p);
        if (!p) {
            w->err = ERR_NOMEM;
            return NULL;
        }
        w->sites = p;
        w->sites_room = room;
    }
    struct place_site *s = &w->sites[w->sites_n++];
    *s = (struct place_site){.site = site, .row = w->rows};
    return s;
}

void
place_writer_row(
    struct place_writer *w, uint32_t site, ts_ms t, uint32_t rank, uint8_t odd)
{
    bool first = !w->sites_n || w->site != site;
    must(!w->rows || site >= w->site);
    must(t >= w->min_ms && (first || t >= w->last) && rank < w->plates);
    if (first && !site_open(w, site))
        return;
    bool block = seg_writer_first(w->seg, PLACE_ROWS);
    if (block) {
        seg_writer_key(w->seg, PLACE_ROWS, PKEY_SITE, site);
        seg_writer_key(w->seg, PLACE_ROWS, PKEY_TIME, (uint64_t)t);
    }
    uint64_t v[PROW_COLS] = {
        [PROW_TIME] = (uint64_t)(t - (first || block ? w->min_ms : w->last)),
        [PROW_RANK] = rank,
        [PROW_ODD] = odd};
    seg_writer_row(w->seg, PLACE_ROWS, v);
    w->sites[w->sites_n - 1].rows++;
    w->site = site;
    w->last = t;
    w->max_ms = t > w->max_ms ? t : w->max_ms;
    w->rows++;
}

void
place_writer_cell(
    struct place_writer *w, uint32_t site, int64_t bin, uint32_t rows, uint32_t mute,
    uint64_t speed_sum_dkmh)
{
    while (w->cells_at < w->sites_n && w->sites[w->cells_at].site < site)
        w->cells_at++;
    must(w->cells_at < w->sites_n && w->sites[w->cells_at].site == site);
    struct place_site *s = &w->sites[w->cells_at];
    bool whole = !s->cells || seg_writer_first(w->seg, PLACE_FLOW);
    uint64_t v[FLOW_COLS] = {
        [FLOW_BIN] = (uint64_t)(bin - (whole ? w->min_bin : w->bin)),
        [FLOW_ROWS] = rows,
        [FLOW_MUTE] = mute,
        [FLOW_SPEED] = speed_sum_dkmh};
    seg_writer_row(w->seg, PLACE_FLOW, v);
    s->cells++;
    w->bin = bin;
}

enum err
place_writer_finish(struct place_writer *w, struct seg_meta *meta, struct note *note)
{
    struct buf b = {0};
    buf_varint(&b, w->sites_n);
    uint32_t last = 0;
    for (size_t i = 0; i < w->sites_n; i++) {
        buf_varint(&b, w->sites[i].site - last);
        buf_varint(&b, w->sites[i].rows);
        buf_varint(&b, w->sites[i].cells);
        last = w->sites[i].site;
    }
    enum err e = b.bad ? ERR_NOMEM : w->err;
    struct seg_writer *seg = w->seg;
    w->seg = NULL;
    meta->kind = SEG_PLACE;
    meta->min_ms = w->min_ms;
    meta->max_ms = w->max_ms;
    meta->rows = w->rows;
    if (e == OK) {
        seg_writer_blob(seg, PLACE_SITES, b.p, b.n);
        e = seg_writer_finish(seg, meta, note);
    } else {
        seg_writer_drop(seg);
    }
    buf_release(&b);
    place_writer_drop(w);
    return e;
}

/* ---- reading ---- */

struct place_extra {
    size_t n;
    struct place_site sites[];
};

static bool
sites_decode(struct seg *s)
{
    struct cur c = cur_of(s->blob[PLACE_SITES].p, s->blob[PLACE_SITES].n);
    uint64_t n = cur_varint(&c), row = 0, cell = 0;
    if (c.bad || n > cur_left(&c))
        return false;
    struct place_extra *x = calloc(1, sizeof *x + (size_t)n * sizeof x->sites[0]);
    if (!x)
        return false;
    s->extra = x;
    s->extra_free = free;
    x->n = (size_t)n;
    uint32_t site = 0;
    for (size_t i = 0; i < n; i++) {
        site += (uint32_t)cur_varint(&c);
        uint64_t rows = cur_varint(&c), cells = cur_varint(&c);
        if (rows > s->table[PLACE_ROWS].rows - row ||
            cells > s->table[PLACE_FLOW].rows - cell)
            return false;
        x->sites[i] = (struct place_site){site, row, rows, cell, cells};
        row += rows;
        cell += cells;
    }
    return !c.bad && row == s->table[PLACE_ROWS].rows;
}

enum err
place_prepare(struct seg *s, struct note *note)
{
    bool good = s->meta.kind == SEG_PLACE;
    for (unsigned i = 0; good && i < PLACE_TABLES; i++)
        good = s->table[i].cols == shapes[i].cols &&
               s->table[i].keys == shapes[i].keys &&
               s->table[i].block_rows == shapes[i].block_rows;
    if (good && sites_decode(s))
        return OK;
    return note_fmt(
        note, ERR_CORRUPT, "segment", "%s: damaged site list", "数据段损坏：%s",
        s->path);
}

const struct place_site *
place_sites(const struct seg *s, size_t *n)
{
    const struct place_extra *x = s->extra;
    *n = x->n;
    return x->sites;
}

const struct place_site *
place_site_find(const struct seg *s, uint32_t site)
{
    const struct place_extra *x = s->extra;
    size_t lo = 0, hi = x->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (x->sites[mid].site < site)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < x->n && x->sites[lo].site == site ? &x->sites[lo] : NULL;
}

void
place_rows_init(struct place_rows *r, struct seg *s)
{
    r->seg = s;
    r->block = r->plate_block = SIZE_MAX;
    r->n = r->rank_n = 0;
    r->last = 0;
}

static bool
prow_open(struct place_rows *r, uint64_t row)
{
    size_t block = (size_t)(row / COL_ROWS);
    if (block != r->block) {
        r->block = SIZE_MAX;
        if (!seg_block(r->seg, PLACE_ROWS, block, &r->blk) ||
            !blk_col(r->seg, &r->blk, PROW_TIME, &r->time) ||
            !blk_col(r->seg, &r->blk, PROW_RANK, &r->rank) ||
            !blk_col(r->seg, &r->blk, PROW_ODD, &r->odd))
            return false;
        r->block = block;
        r->n = r->rank_n = 0;
    }
    return row % COL_ROWS < r->blk.n;
}

/* The times of row i of the open block and of some behind it. */
static void
piece_open(struct place_rows *r, unsigned i)
{
    if (i - r->from < r->n)
        return;
    r->from = i;
    r->n = r->blk.n - i < PLACE_PIECE ? r->blk.n - i : PLACE_PIECE;
    col_range(&r->time, i, r->n, r->piece);
}

bool
place_time(struct place_rows *r, uint64_t row, bool first, ts_ms *t)
{
    if (!prow_open(r, row))
        return false;
    unsigned i = (unsigned)(row % COL_ROWS);
    piece_open(r, i);
    uint64_t base = (uint64_t)(first || i == 0 ? r->seg->meta.min_ms : r->last);
    r->last = (ts_ms)(base + r->piece[i - r->from]);
    *t = r->last;
    return true;
}

/* Rows from `row` on, below `end`, of one piece: passes over those before t, adding up
 * r->last. Answers the first that is not before t, or where the piece ends. */
static uint64_t
piece_pass(struct place_rows *r, uint64_t row, uint64_t end, ts_ms t, bool *found)
{
    unsigned i = (unsigned)(row % COL_ROWS) - r->from;
    uint64_t n = r->n - i < end - row ? r->n - i : end - row;
    const uint64_t *step = r->piece + i;
    uint64_t at = (uint64_t)r->last, k = 0;
    while (k < n && (ts_ms)(at + step[k]) < t)
        at += step[k++];
    r->last = (ts_ms)at;
    *found = k < n;
    return row + k;
}

bool
place_seek(struct place_rows *r, const struct place_site *site, ts_ms t, uint64_t *row)
{
    const struct seg_table *tab = &r->seg->table[PLACE_ROWS];
    uint64_t end = site->row + site->rows;
    /* the last block that begins inside the site with a time < t */
    uint64_t lo = site->row / COL_ROWS + 1, hi = (end + COL_ROWS - 1) / COL_ROWS;
    while (lo < hi) {
        uint64_t mid = (lo + hi) / 2;
        if ((ts_ms)seg_key(tab, (size_t)mid, PKEY_TIME) < t)
            lo = mid + 1;
        else
            hi = mid;
    }
    uint64_t at = (lo - 1) * COL_ROWS;
    at = at > site->row ? at : site->row;
    /* place_time() adds to the time before: r->last stays that of the row before */
    for (bool found = false; at < end && !found;) {
        if (!prow_open(r, at))
            return false;
        piece_open(r, (unsigned)(at % COL_ROWS));
        if (at == site->row || at % COL_ROWS == 0)
            r->last = r->seg->meta.min_ms;
        at = piece_pass(r, at, end, t, &found);
    }
    *row = at;
    return true;
}

bool
place_rank(struct place_rows *r, uint64_t row, uint64_t *rank, uint8_t *odd)
{
    unsigned i = (unsigned)(row % COL_ROWS);
    if (!prow_open(r, row))
        return false;
    if (i - r->rank_from >= r->rank_n) {
        r->rank_from = i;
        r->rank_n = r->blk.n - i < PLACE_PIECE ? r->blk.n - i : PLACE_PIECE;
        col_range(&r->rank, i, r->rank_n, r->rank_piece);
        col_range(&r->odd, i, r->rank_n, r->odd_piece);
    }
    *rank = r->rank_piece[i - r->rank_from];
    *odd = (uint8_t)r->odd_piece[i - r->rank_from];
    return *rank < r->seg->table[PLACE_PLATES].rows;
}

bool
place_plate(struct place_rows *r, uint64_t rank, uint64_t *plate)
{
    size_t block = (size_t)(rank / RUN_PLATE_BLOCK);
    if (block != r->plate_block) {
        struct blk b;
        if (!seg_block(r->seg, PLACE_PLATES, block, &b) ||
            !blk_values(r->seg, &b, PP_DELTA, r->plate))
            return false;
        uint64_t p = seg_key(&r->seg->table[PLACE_PLATES], block, 0);
        for (unsigned i = 0; i < b.n; i++)
            r->plate[i] = p += r->plate[i];
        r->plate_n = b.n;
        r->plate_block = block;
    }
    unsigned i = (unsigned)(rank % RUN_PLATE_BLOCK);
    if (i >= r->plate_n)
        return false;
    *plate = r->plate[i];
    return true;
}

/* ---- many rows at once ---- */

/* Ranks and odds of rows [from, from + out->n) of the open block. */
static bool
read_ranks(const struct place_rows *r, unsigned from, struct place_batch *out)
{
    uint64_t v[COL_ROWS], ranks = r->seg->table[PLACE_PLATES].rows, most = 0;
    if (!out->n)
        return true;
    col_range(&r->rank, from, out->n, v);
    for (unsigned i = 0; i < out->n; i++) {
        out->rank[i] = (uint32_t)v[i];
        most = v[i] > most ? v[i] : most;
    }
    col_range(&r->odd, from, out->n, v);
    for (unsigned i = 0; i < out->n; i++)
        out->odd[i] = (uint8_t)v[i];
    return most < ranks;
}

bool
place_read(
    struct place_rows *r, const struct place_site *site, ts_ms to, uint64_t *row,
    struct place_batch *out)
{
    uint64_t end = site->row + site->rows;
    uint64_t block_end = (*row / COL_ROWS + 1) * COL_ROWS;
    unsigned from = (unsigned)(*row % COL_ROWS);
    end = end < block_end ? end : block_end;
    out->n = 0;
    for (; *row < end; ++*row) {
        ts_ms t;
        if (!place_time(r, *row, *row == site->row, &t))
            return false;
        if (t >= to)
            break;
        out->at[out->n++] = t;
    }
    return read_ranks(r, from, out);
}

static const uint8_t *
plate_dir(const struct seg *s, uint32_t rank)
{
    const struct seg_table *t = &s->table[PLACE_PLATES];
    return t->dir + (size_t)(rank / RUN_PLATE_BLOCK) * (1u + t->keys) * 8;
}

/* Asks for the heads of the blocks of all ranks. Offsets are not yet checked: only
 * those inside the file are asked for. */
static void
blocks_ahead(const struct seg *s, const uint32_t *rank, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        __builtin_prefetch(plate_dir(s, rank[i]));
    for (unsigned i = 0; i < n; i++) {
        uint64_t off = seg_word(plate_dir(s, rank[i]));
        if (off < s->bytes)
            __builtin_prefetch(s->map + off);
        if (off + 64 < s->bytes)
            __builtin_prefetch(s->map + off + 64);
    }
}

bool
place_plates_of(struct seg *s, const uint32_t *rank, unsigned n, uint64_t *plate)
{
    uint64_t delta[RUN_PLATE_BLOCK];
    blocks_ahead(s, rank, n);
    for (unsigned i = 0; i < n; i++) {
        size_t block = rank[i] / RUN_PLATE_BLOCK;
        unsigned at = rank[i] % RUN_PLATE_BLOCK;
        struct blk b;
        struct col c;
        if (!seg_block(s, PLACE_PLATES, block, &b) || at >= b.n ||
            !blk_col(s, &b, PP_DELTA, &c))
            return false;
        col_first(&c, at + 1, delta);
        uint64_t p = seg_key(&s->table[PLACE_PLATES], block, 0);
        for (unsigned k = 0; k <= at; k++)
            p += delta[k];
        plate[i] = p;
    }
    return true;
}

static bool
code_fits(
    struct seg *s, const struct blk *b, unsigned col, unsigned i, unsigned want,
    bool odd, bool *fits)
{
    struct col c;
    if (!want || odd || !*fits)
        return true;
    if (!blk_col(s, b, col, &c))
        return false;
    *fits = col_get(&c, i) == want;
    return true;
}

bool
place_looks_of(
    struct seg *s, const uint32_t *rank, const uint8_t *odd, unsigned n,
    const struct looks *want, bool *fits)
{
    blocks_ahead(s, rank, n);
    for (unsigned i = 0; i < n; i++) {
        unsigned at = rank[i] % RUN_PLATE_BLOCK, o = odd[i];
        struct blk b;
        if (!fits[i] || o & ODD_ANY)
            continue;
        if (!seg_block(s, PLACE_PLATES, rank[i] / RUN_PLATE_BLOCK, &b) || at >= b.n ||
            !code_fits(s, &b, PP_BRAND, at, want->brand, o & ODD_BRAND, &fits[i]) ||
            !code_fits(s, &b, PP_CLASS, at, want->class, o & ODD_CLASS, &fits[i]) ||
            !code_fits(s, &b, PP_PAINT, at, want->paint, o & ODD_PAINT, &fits[i]) ||
            !code_fits(s, &b, PP_COLOR, at, want->plate_color, o & ODD_COLOR, &fits[i]))
            return false;
    }
    return true;
}

static bool
plates_block(
    struct seg *s, size_t block, uint64_t *plates, struct looks *looks, uint64_t *at)
{
    struct blk b;
    uint64_t v[PP_COLS][COL_ROWS];
    if (!seg_block(s, PLACE_PLATES, block, &b))
        return false;
    for (unsigned c = 0; c < (looks ? PP_COLS : 1u); c++)
        if (!blk_values(s, &b, c, v[c]))
            return false;
    uint64_t p = seg_key(&s->table[PLACE_PLATES], block, 0);
    for (unsigned i = 0; i < b.n; i++, ++*at) {
        plates[*at] = p += v[PP_DELTA][i];
        if (looks)
            looks[*at] = (struct looks){
                (uint8_t)v[PP_COLOR][i], (uint8_t)v[PP_PAINT][i], (code3)v[PP_CLASS][i],
                (code3)v[PP_BRAND][i]};
    }
    return true;
}

uint64_t *
place_plates_all(struct seg *s, struct looks **looks)
{
    const struct seg_table *t = &s->table[PLACE_PLATES];
    uint64_t at = 0, *plates = malloc((t->rows ? t->rows : 1) * sizeof *plates);
    struct looks *l = NULL;
    if (looks)
        l = malloc((t->rows ? t->rows : 1) * sizeof *l);
    bool good = plates && (!looks || l);
    for (size_t i = 0; good && i < t->blocks; i++)
        good = plates_block(s, i, plates, l, &at);
    if (!good) {
        free(plates);
        free(l);
        return NULL;
    }
    if (looks)
        *looks = l;
    return plates;
}

void
place_cells_init(struct place_cells *c, struct seg *s)
{
    c->seg = s;
    c->block = SIZE_MAX;
}

void
place_cells_site(struct place_cells *c, const struct place_site *site)
{
    c->site = site;
    c->at = site->cell;
}

bool
place_cells_next(struct place_cells *c, struct place_cell *out)
{
    if (c->at >= c->site->cell + c->site->cells)
        return false;
    size_t block = (size_t)(c->at / COL_ROWS);
    if (block != c->block) {
        struct blk b;
        c->block = SIZE_MAX;
        if (!seg_block(c->seg, PLACE_FLOW, block, &b))
            return false;
        for (unsigned k = 0; k < FLOW_COLS; k++)
            if (!blk_values(c->seg, &b, k, c->val[k]))
                return false;
        c->block = block;
    }
    unsigned i = (unsigned)(c->at % COL_ROWS);
    bool whole = c->at == c->site->cell || i == 0;
    c->bin = (whole ? floor_bin(c->seg->meta.min_ms) : c->bin) +
             (int64_t)c->val[FLOW_BIN][i];
    *out = (struct place_cell){
        c->site->site, (uint32_t)c->val[FLOW_ROWS][i], (uint32_t)c->val[FLOW_MUTE][i],
        c->bin, c->val[FLOW_SPEED][i]};
    c->at++;
    return true;
}
