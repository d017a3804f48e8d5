/* SPDX-License-Identifier: Apache-2.0 */
/* Whole segment files with some bytes changed. A vehicle run and a place segment are
 * built once from made-up rows; the first byte of an input says which of them, and
 * whether the checksums are put right behind the change; then come four bytes a change:
 * place (24 bits) and what is flipped.
 *
 * With right checksums the decoders behind them are reached: nothing may crash or read
 * outside of the file. With the old ones nothing may be told that is not so: every row
 * that reads is the row that was written, and where one is missing the segment says
 * that it is bad. */
#include "core/hash.h"
#include "store/sight_build.h"

#include <stdatomic.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROWS 1400u
#define BUDGET 6000u /* rows looked at: counts in a damaged file may be large */
#define TAIL 32u
#define CHANGES 64u

static const struct zone zone = {"", 480};

/* ---- a disk of two files ---- */

struct mem_file {
    struct os_file file;
    uint8_t *p;
    size_t n;
};
static struct mem_file disk[2], shown; /* as built; as changed */
static bool reading;

static enum err
mem_open(struct os_fs *fs, const char *path, unsigned flags, struct os_file **out)
{
    (void)flags;
    const char *name = strrchr(path, '/');
    struct mem_file *f = reading ? &shown : &disk[name && name[1] == 'p'];
    f->file.fs = fs;
    *out = &f->file;
    return OK;
}

static void
mem_close(struct os_file *f)
{
    (void)f;
}

static enum err
mem_write(struct os_file *file, uint64_t off, const void *p, size_t n)
{
    struct mem_file *f = (struct mem_file *)file;
    if (off + n > f->n) {
        f->p = realloc(f->p, off + n);
        must(f->p);
        f->n = off + n;
    }
    memcpy(f->p + off, p, n);
    return OK;
}

static enum err
mem_sync(struct os_file *f, const char *site)
{
    (void)f;
    (void)site;
    return OK;
}

static enum err
mem_size(struct os_file *f, uint64_t *n)
{
    *n = ((struct mem_file *)f)->n;
    return OK;
}

static enum err
mem_map(struct os_file *f, uint64_t off, size_t n, const void **p)
{
    must(off + n <= ((struct mem_file *)f)->n);
    *p = ((struct mem_file *)f)->p + off;
    return OK;
}

static void
mem_unmap(struct os_file *f, const void *p, size_t n)
{
    (void)f;
    (void)p;
    (void)n;
}

static const struct os_fs_ops ops = {
    .open = mem_open,
    .close = mem_close,
    .write_at = mem_write,
    .sync = mem_sync,
    .size = mem_size,
    .map = mem_map,
    .unmap = mem_unmap,
};
static struct os_fs mem = {&ops, NULL};

/* ---- what is built ---- */

static void
make_row(struct sighting *s, struct arena *texts, unsigned i)
{
    uint64_t h = hash_u64(i + 1), v = h % 90;
    *s =
        (struct sighting){.pass_ms = INT64_C(1772380800000) + (ts_ms)(h >> 8) % DAY_MS};
    s->arrive_ms = s->pass_ms + (ts_ms)(h % 3 ? 0 : h % 90) * 1000;
    s->plate.v = v < 3 ? 0 : UINT64_C(0x2000000000) + v * v * 977;
    s->site.v = 1 + (uint32_t)(h >> 20) % 25;
    s->direction = (uint8_t)(1 + h % 4);
    s->device.v = h % 5 ? s->site.v * 4 + s->direction : 0;
    s->lane = (uint8_t)(h >> 5 & 3);
    s->speed_dkmh = h % 17 ? (uint16_t)(h >> 30) % 900 : SPEED_UNKNOWN;
    s->confidence = (uint8_t)(90 + (h >> 12) % 10);
    s->vehicle_class = (code3)(v % 5);
    s->brand = (code3)(v % 23 + (h % 40 == 0));
    s->plate_color = (uint8_t)(v % 4);
    s->vehicle_color = (uint8_t)(h % 9 ? v % 8 : h % 8);
    s->plate_text = h % 50 ? (struct span){"", 0} : arena_fmt(texts, "odd %u", i);
    s->record_id =
        h % 11 ? arena_fmt(
                     texts, "1401%04u%u%lld%03u", s->site.v, s->direction,
                     (long long)s->pass_ms + 50 + (long long)(h % 300), i % 1000)
               : arena_fmt(texts, "%llx.%u", (unsigned long long)h, i);
    s->image = h % 7 ? arena_fmt(
                           texts, "http://10.1.%u.2/kk/%.*s.jpg", s->site.v,
                           SPAN_ARG(s->record_id))
                     : (struct span){"", 0};
}

static uint64_t
next_seq(void *arg)
{
    return ++*(uint64_t *)arg;
}

/* ---- reading all of a file ---- */

struct seen {
    uint64_t hash[4 * ROWS];
    size_t n;
};
static struct seen known[2];

static void
see(struct seen *s, const void *p, size_t n)
{
    if (s->n < sizeof s->hash / sizeof *s->hash)
        s->hash[s->n] = hash64(p, n, 1);
    s->n++;
}

static void
see_row(struct seen *out, const struct sighting *s)
{
    struct buf b = {0};
    uint64_t v[] = {
        (uint64_t)s->pass_ms,
        (uint64_t)s->arrive_ms,
        s->plate.v,
        s->site.v,
        s->device.v,
        s->speed_dkmh,
        s->vehicle_class,
        s->brand,
        s->plate_color,
        s->vehicle_color,
        s->lane,
        s->direction,
        s->confidence,
        s->flags};
    buf_put(&b, v, sizeof v);
    buf_span(&b, s->record_id);
    buf_span(&b, s->image);
    buf_span(&b, s->plate_text);
    see(out, b.p, b.n);
    buf_release(&b);
}

static bool
walk_row(
    struct run_rows *r, const struct run_plate *p, const struct vrow *v,
    struct arena *arena, struct seen *out)
{
    struct sighting s;
    bool good = run_sighting(run_dict(r->seg), &zone, p->plate, v, arena, &s);
    if (good)
        see_row(out, &s);
    arena_reset(arena);
    return good;
}

/* Row by row. */
static bool
walk_plate(
    struct run_rows *r, const struct run_plate *p, struct arena *arena,
    struct seen *out)
{
    bool good = true;
    for (uint64_t i = 0; i < p->rows && good && out->n < BUDGET; i++) {
        ts_ms t;
        struct vrow v;
        good = run_rows_time(r, p->row + i, i == 0, &t) &&
               run_rows_get(r, p->row + i, t, p->look, &v) &&
               walk_row(r, p, &v, arena, out);
    }
    return good;
}

/* The same, part by part. */
static bool
walk_parts(
    struct run_rows *r, const struct run_plate *p, struct arena *arena,
    struct seen *out)
{
    ts_ms t[RUN_PART];
    uint32_t site[RUN_PART];
    struct vrow v[RUN_PART];
    bool good = true;
    r->stop = p->row + p->rows;
    for (uint64_t row = p->row; row < r->stop && good && out->n < BUDGET;) {
        unsigned n = run_rows_times(r, row, row == p->row, t, site);
        good = n && run_rows_some(r, row, n, t, site, p->look, v);
        for (unsigned i = 0; i < n && good && out->n < BUDGET; i++)
            good = walk_row(r, p, &v[i], arena, out);
        row += n;
    }
    return good;
}

/* True when everything was read. */
static bool
walk_run(struct seg *s, bool whole, struct seen *out)
{
    static struct run_plates plates;
    struct run_plate p, again;
    struct run_rows r;
    struct arena arena;
    uint64_t row;
    bool good = true;
    arena_init(&arena, 16u << 20);
    must(run_rows_init(&r, s, &zone, whole));
    run_plates_init(&plates, s, 0, PLATES_ALL);
    while (good && out->n < BUDGET && run_plates_next(&plates, &p)) {
        good =
            whole ? walk_plate(&r, &p, &arena, out) : walk_parts(&r, &p, &arena, out);
        if (run_find(s, p.plate, &again))
            (void)run_seek(&r, &again, s->meta.min_ms + HOUR_MS, &row);
    }
    for (size_t i = 0; i < s->table[RUN_DAYS].blocks && i < BUDGET; i++) {
        struct blk b;
        uint64_t v[COL_ROWS];
        for (unsigned c = 0; c < DAY_COLS; c++)
            if (seg_block(s, RUN_DAYS, i, &b) && blk_values(s, &b, c, v))
                see(out, v, b.n * sizeof *v);
    }
    run_rows_release(&r);
    arena_release(&arena);
    return good && !atomic_load(&s->bad);
}

static bool
walk_site(struct place_rows *r, const struct place_site *site, struct seen *out)
{
    uint64_t row;
    for (uint64_t i = 0; i < site->rows && out->n < BUDGET; i++) {
        ts_ms t;
        uint64_t rank, plate, all[3];
        uint8_t odd;
        if (!place_time(r, site->row + i, i == 0, &t) ||
            !place_rank(r, site->row + i, &rank, &odd) || !place_plate(r, rank, &plate))
            return false;
        all[0] = (uint64_t)t;
        all[1] = plate;
        all[2] = odd;
        see(out, all, sizeof all);
    }
    return place_seek(r, site, r->seg->meta.min_ms + HOUR_MS, &row);
}

static bool
walk_places(struct seg *s, struct seen *out)
{
    static struct place_rows r;
    static struct place_cells cells;
    struct place_cell c;
    size_t n;
    const struct place_site *site = place_sites(s, &n);
    bool good = true;
    place_rows_init(&r, s);
    place_cells_init(&cells, s);
    for (size_t i = 0; i < n && good && out->n < BUDGET; i++) {
        good = walk_site(&r, &site[i], out);
        place_cells_site(&cells, &site[i]);
        while (out->n < BUDGET && place_cells_next(&cells, &c)) {
            uint64_t v[] = {c.site, c.rows, c.mute, (uint64_t)c.bin, c.speed_sum_dkmh};
            see(out, v, sizeof v);
        }
    }
    return good && !atomic_load(&s->bad);
}

static bool
walk(unsigned kind, bool whole, struct seen *out)
{
    struct seg *s = NULL;
    out->n = 0;
    if (seg_open(&mem, "x", &s, NULL) != OK)
        return false;
    enum err e = kind ? place_prepare(s, NULL) : run_prepare(s, NULL);
    bool good = e == OK && (kind ? walk_places(s, out) : walk_run(s, whole, out));
    (void)!seg_check(s);
    seg_unref(s);
    return good;
}

static void
build_once(void)
{
    static struct sighting rows[ROWS];
    uint64_t seq = 0;
    struct arena texts;
    struct seg_list made = {0};
    struct build_env env = {&mem, "m", &zone, next_seq, &seq};
    struct build_room *room = build_room_new();
    arena_init(&texts, 1u << 24);
    for (unsigned i = 0; i < ROWS; i++)
        make_row(&rows[i], &texts, i);
    must(room && build_rows(&env, room, rows, NULL, ROWS, &made, NULL) == OK);
    seg_list_release(&made);
    build_room_free(room);
    arena_release(&texts);
    reading = true;
    for (unsigned kind = 0; kind < 2; kind++) {
        shown = disk[kind];
        must(walk(kind, true, &known[kind]) && known[kind].n > ROWS);
        must(known[kind].n < sizeof known[kind].hash / sizeof *known[kind].hash);
    }
}

/* ---- checksums ---- */

static uint64_t
get(size_t at, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)shown.p[at + i] << 8 * i;
    return v;
}

/* Of the n bytes at `of`, when they lie in the file. */
static void
put_crc(size_t at, uint64_t of, uint64_t n)
{
    if (of > shown.n || n > shown.n - of)
        return;
    uint32_t crc = crc32c(0, shown.p + of, n);
    for (unsigned i = 0; i < 4; i++)
        shown.p[at + i] = (uint8_t)(crc >> 8 * i);
}

static void
mend_table(size_t at)
{
    uint64_t words = 1 + get(at + 1, 1), blocks = get(at + 4, 4), off = get(at + 16, 8);
    if (off > shown.n || blocks * words * 8 > shown.n - off)
        return;
    for (uint64_t i = 0; i < blocks; i++) {
        uint64_t block = get(off + i * words * 8, 8);
        if (block < shown.n - TAIL && get(block + 4, 4) >= 4)
            put_crc(block, block + 4, get(block + 4, 4) - 4);
    }
    put_crc(at + 24, off, blocks * words * 8);
}

/* From the inside out; where the file says that they are. */
static void
mend(uint64_t footer, uint64_t len)
{
    size_t at = footer + 51;
    uint64_t tables = get(footer + 50, 1);
    for (uint64_t i = 0; i < tables && at + 28 < footer + len; i++, at += 28)
        mend_table(at);
    at++;
    for (; at + 20 <= footer + len; at += 20)
        put_crc(at + 16, get(at, 8), get(at + 8, 4));
    put_crc(shown.n - TAIL + 12, footer, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct seen seen;
    if (!reading)
        build_once();
    if (size < 1)
        return 0;
    unsigned kind = data[0] & 1;
    bool right = data[0] & 2, whole = data[0] & 4;
    shown = disk[kind];
    uint64_t footer, len;
    shown.p = malloc(shown.n); /* exactly: what is read behind it is found */
    must(shown.p);
    memcpy(shown.p, disk[kind].p, shown.n);
    footer = get(shown.n - TAIL, 8);
    len = get(shown.n - TAIL + 8, 4);
    for (size_t i = 1; i + 4 <= size && i < 4 * CHANGES; i += 4) {
        size_t at = (data[i] | (size_t)data[i + 1] << 8 | (size_t)data[i + 2] << 16);
        shown.p[at % shown.n] ^= data[i + 3];
    }
    if (right)
        mend(footer, len);
    bool all = walk(kind, whole, &seen);
    if (!right) {
        for (size_t i = 0; i < seen.n && all; i++)
            must(seen.hash[i] == known[kind].hash[i]);
        must(!all || seen.n == known[kind].n);
    }
    free(shown.p);
    return 0;
}
