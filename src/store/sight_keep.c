/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept longer, what is dropped, what is copied out: purge by whole days, held
 * rows in their matter's file, online backup, verification. */
#include "core/hash.h"
#include "store/sight_core.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define PIECE (1u << 20)
#define TRIES 8u

/* ---- purge ---- */

/* Rows of purged days that are still in memory go through the segments first. */
static enum err
heads_flush(struct sight *s, ts_ms before, struct note *note)
{
    bool old = false, did = true;
    struct view *v = sight_view(s);
    for (size_t i = 0; i < v->heads_n; i++)
        old = old || (atomic_load(&v->heads[i]->n) && v->heads[i]->min_ms < before);
    view_unref(v);
    enum err e = old && atomic_load(&s->head->n) ? sight_rotate(s, 0, note) : OK;
    while (e == OK && old && !s->threaded && s->view->heads_n > 1)
        e = sight_step(s, &did, note);
    if (e != OK || !old || !s->threaded)
        return e;
    pthread_mutex_lock(&s->lock);
    while (s->view->heads_n > 1 && (s->busy || s->woken))
        pthread_cond_wait(&s->idle, &s->lock);
    e = s->view->heads_n > 1 ? (s->stuck != OK ? s->stuck : ERR_BUSY) : OK;
    pthread_mutex_unlock(&s->lock);
    return e;
}

/* Takes a run that reaches over the limit apart: its later days are written anew. */
static enum err
rewrite_run(
    struct sight *s, struct seg *run, ts_ms from, struct change *c,
    struct sight_receipt *r, struct note *note)
{
    struct build_env env = sight_env(s);
    struct merge_job job = {
        .env = &env,
        .in = &run,
        .n = 1,
        .day_lo = run->meta.day_lo,
        .day_hi = run->meta.day_hi,
        .level = run->meta.level,
        .keep_from = from};
    struct seg *made = NULL;
    uint64_t dropped = 0;
    enum err e = merge_runs(&job, &made, &dropped, note);
    if (e != OK)
        return e;
    r->rows += dropped;
    if (!made)
        return OK;
    r->rewritten += made->meta.rows;
    return seg_list_add(&c->add, made) ? OK : ERR_NOMEM;
}

static void
name_segments(struct buf *out, const struct change *c)
{
    for (size_t i = 0; out && i < c->remove_n; i++) {
        const char *slash = strrchr(c->remove[i]->path, '/');
        buf_fmt(out, "%s%s", out->n ? " " : "", slash ? slash + 1 : c->remove[i]->path);
    }
}

static enum err
purge_once(
    struct sight *s, int64_t day, struct sight_receipt *r, struct buf *names,
    struct note *note)
{
    struct view *v = sight_view(s);
    struct change c = {0};
    ts_ms from = civil_day_start(day, &s->zone);
    uint64_t before = 0, after = 0;
    enum err e = OK;
    c.remove = calloc(v->places_n + v->runs_n + 1, sizeof(struct seg *));
    if (!c.remove)
        e = ERR_NOMEM;
    for (size_t i = 0; i < v->places_n && e == OK; i++)
        if (v->places[i]->meta.day_hi <= day)
            c.remove[c.remove_n++] = v->places[i];
    for (size_t i = 0; i < v->runs_n && e == OK; i++) {
        struct seg *run = v->runs[i];
        if (run->meta.day_lo >= day || run->meta.min_ms >= from)
            continue;
        c.remove[c.remove_n++] = run;
        if (run->meta.day_hi <= day)
            r->rows += run->meta.rows;
        else
            e = rewrite_run(s, run, from, &c, r, note);
    }
    for (size_t i = 0; e == OK && i < c.remove_n; i++)
        before += c.remove[i]->bytes;
    for (size_t i = 0; e == OK && i < c.add.n; i++)
        after += c.add.p[i]->bytes;
    r->segments = (uint32_t)c.remove_n;
    r->bytes = before > after ? before - after : 0;
    if (e == OK && c.remove_n)
        e = sight_commit(s, &c, note);
    else
        seg_list_release(&c.add);
    if (e == OK && c.remove_n)
        e = os_sync_dir(s->fs, s->seg_dir, "purge.dir");
    if (e == OK)
        name_segments(names, &c);
    free(c.remove);
    view_unref(v);
    return e;
}

enum err
sight_purge_named(
    struct sight *s, int64_t day, struct sight_receipt *receipt, struct buf *names,
    struct note *note)
{
    struct sight_receipt r = {0};
    must(!s->read_only);
    enum err e = heads_flush(s, civil_day_start(day, &s->zone), note);
    /* a merge may take the segments away from under us: look again */
    for (unsigned i = 0; e == OK && i < TRIES; i++) {
        r = (struct sight_receipt){.before_day = day};
        e = purge_once(s, day, &r, names, note);
        if (e != ERR_CONFLICT)
            break;
        e = i + 1 < TRIES ? OK : ERR_BUSY;
    }
    if (e == OK)
        e = packs_purge(s->packs, day, &r.packs, &r.picture_bytes, names, note);
    if (e == OK)
        *receipt = r;
    return e;
}

enum err
sight_purge(
    struct sight *s, int64_t day, struct sight_receipt *receipt, struct note *note)
{
    return sight_purge_named(s, day, receipt, NULL, note);
}

enum err
sight_purge_pictures(
    struct sight *s, int64_t day, struct sight_receipt *receipt, struct buf *names,
    struct note *note)
{
    struct sight_receipt r = {.before_day = day};
    must(!s->read_only);
    enum err e = packs_purge(s->packs, day, &r.packs, &r.picture_bytes, names, note);
    if (e == OK)
        *receipt = r;
    return e;
}

/* ---- held rows ---- */

/* A held file: magic, then frames (crc 4, kind 1, length varint, bytes): rows as in the
 * journal and pictures as (reference, bytes). */
#define HELD_MAGIC "TQHELD1\n"
#define HELD_CAP (1u << 30)
enum held_kind { HELD_ROW = 1, HELD_PICTURE = 2 };

static enum err
held_path(struct sight *s, struct span matter, char *dst, struct note *note)
{
    char name[140];
    bool good = matter.n > 0 && matter.n < 120 && matter.p[0] != '.';
    for (size_t i = 0; good && i < matter.n; i++) {
        char c = matter.p[i];
        good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
               (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '.';
    }
    if (!good)
        return note_set(
            note, ERR_INPUT, "matter", "a matter id has letters, digits, - _ . only",
            "事项编号只能含字母、数字和 - _ .");
    snprintf(name, sizeof name, "%.*s.tqh", SPAN_ARG(matter));
    return os_join(dst, OS_PATH, s->hold_dir, name);
}

static void
frame_put(struct buf *out, uint8_t kind, const struct buf *body)
{
    size_t at = out->n;
    buf_le(out, 0, 4);
    buf_u8(out, kind);
    buf_varint(out, body->n);
    buf_put(out, body->p, body->n);
    if (body->bad)
        out->bad = true;
    if (out->bad)
        return;
    uint32_t crc = crc32c(0, out->p + at + 4, out->n - at - 4);
    for (unsigned i = 0; i < 4; i++)
        out->p[at + i] = (uint8_t)(crc >> (8 * i));
}

/* The next frame; false at the end or (c->bad) at damage. */
static bool
frame_next(struct cur *c, uint8_t *kind, struct span *body)
{
    if (c->bad || !cur_left(c))
        return false;
    uint32_t crc = cur_u32_le(c);
    const uint8_t *from = c->p;
    *kind = cur_u8(c);
    *body = cur_span(c);
    if (!c->bad && crc32c(0, from, (size_t)(c->p - from)) != crc)
        c->bad = true;
    return !c->bad;
}

static enum err
held_load(
    struct sight *s, struct span matter, char *path, char **bytes, size_t *n,
    struct note *note)
{
    enum err e = held_path(s, matter, path, note);
    if (e == OK)
        e = os_read_file(s->fs, path, HELD_CAP, bytes, n, note);
    if (e == OK && (*n < 8 || memcmp(*bytes, HELD_MAGIC, 8) != 0)) {
        free(*bytes);
        *bytes = NULL;
        e = note_set(
            note, ERR_CORRUPT, "matter", "the held rows of this matter are damaged",
            "该事项保全的过车记录已损坏");
    }
    return e;
}

static bool
held_has(const struct buf *file, struct sighting_id id)
{
    struct cur c = cur_of(file->p + 8, file->n - 8);
    uint8_t kind;
    struct span body;
    while (frame_next(&c, &kind, &body)) {
        struct sighting s;
        struct cur row = cur_of(body.p, body.n);
        if (kind == HELD_ROW && journal_row_decode(&row, &s) &&
            sighting_id_eq(sighting_id_of(&s), id))
            return true;
    }
    return false;
}

static enum err
hold_row(
    struct sight *s, struct buf *file, const struct sighting *row, struct arena *arena,
    struct note *note)
{
    struct buf body = {0};
    struct span refs = row->image;
    enum err e = OK;
    journal_row_encode(&body, row);
    frame_put(file, HELD_ROW, &body);
    while (refs.n && e == OK && span_starts(refs, SPAN("pack:"))) {
        struct span ref = span_cut(&refs, ' '), bytes = {0};
        e = sight_picture(s, ref, arena, &bytes, note);
        if (e == ERR_NOTFOUND || e == ERR_CORRUPT) { /* the row is evidence as well */
            e = OK;
            continue;
        }
        buf_clear(&body);
        buf_span(&body, ref);
        buf_span(&body, bytes);
        if (e == OK)
            frame_put(file, HELD_PICTURE, &body);
    }
    buf_release(&body);
    return e == OK && file->bad ? ERR_NOMEM : e;
}

enum err
sight_hold(
    struct sight *s, struct span matter, const struct sighting_id *ids, size_t n,
    struct note *note)
{
    char path[OS_PATH], *old = NULL;
    size_t old_n = 0, missing = 0;
    struct buf file = {0};
    struct arena arena;
    must(!s->read_only);
    arena_init(&arena, 1u << 30);
    struct sight_snap *snap = sight_snapshot(s);
    enum err e = snap ? held_load(s, matter, path, &old, &old_n, note) : ERR_NOMEM;
    if (e == OK)
        buf_put(&file, old, old_n);
    else if (e == ERR_NOTFOUND)
        buf_put(&file, HELD_MAGIC, 8);
    e = e == ERR_NOTFOUND ? OK : e;
    for (size_t i = 0; i < n && e == OK; i++) {
        struct sighting row;
        arena_reset(&arena);
        if (held_has(&file, ids[i]))
            continue;
        e = sight_fetch(snap, ids[i], &arena, &row);
        if (e == OK)
            e = hold_row(s, &file, &row, &arena, note);
        if (e == ERR_NOTFOUND) {
            missing++;
            e = OK;
        }
    }
    if (e == OK)
        e = os_write_file(s->fs, path, span_of(file.p, file.n), "hold", note);
    free(old);
    buf_release(&file);
    arena_release(&arena);
    sight_snap_free(snap);
    if (e == OK && missing)
        return note_fmt(
            note, ERR_NOTFOUND, "id", "%zu of the records are not stored",
            "有 %zu 条记录不存在", missing);
    return e;
}

enum err
sight_held(
    struct sight *s, struct span matter, struct arena *arena, struct sighting **rows,
    size_t *n, struct note *note)
{
    char path[OS_PATH], *bytes = NULL;
    size_t len = 0, got = 0;
    enum err e = held_load(s, matter, path, &bytes, &len, note);
    if (e != OK)
        return e;
    struct span copy = arena_span(arena, span_of(bytes, len));
    struct sighting *out = arena_array(arena, len / 16 + 1, sizeof *out);
    free(bytes);
    if (!copy.p || !out)
        return ERR_TOOBIG;
    struct cur c = cur_of(copy.p + 8, copy.n - 8);
    uint8_t kind;
    struct span body;
    while (frame_next(&c, &kind, &body)) {
        struct cur row = cur_of(body.p, body.n);
        if (kind == HELD_ROW && journal_row_decode(&row, &out[got]))
            got++;
    }
    if (c.bad)
        return note_set(
            note, ERR_CORRUPT, "matter", "the held rows of this matter are damaged",
            "该事项保全的过车记录已损坏");
    *rows = out;
    *n = got;
    return OK;
}

enum err
sight_held_picture(
    struct sight *s, struct span matter, struct span image, struct arena *arena,
    struct span *picture, struct note *note)
{
    char path[OS_PATH], *bytes = NULL;
    size_t len = 0;
    struct span want = span_cut(&image, ' ');
    enum err e = held_load(s, matter, path, &bytes, &len, note);
    if (e != OK)
        return e;
    struct cur c = cur_of(bytes + 8, len - 8);
    uint8_t kind;
    struct span body;
    e = ERR_NOTFOUND;
    while (e == ERR_NOTFOUND && frame_next(&c, &kind, &body)) {
        struct cur in = cur_of(body.p, body.n);
        struct span ref = kind == HELD_PICTURE ? cur_span(&in) : (struct span){0};
        struct span data = cur_span(&in);
        if (kind != HELD_PICTURE || in.bad || !span_eq(ref, want))
            continue;
        *picture = arena_span(arena, data);
        e = picture->p ? OK : ERR_TOOBIG;
    }
    free(bytes);
    return e;
}

/* ---- backup ---- */

struct copy {
    struct sight *s;
    const struct sight_sink *sink;
    const char *dir, *prefix;
    struct note *note;
    enum err err;
};

static enum err
copy_bytes(struct copy *c, const char *name, const uint8_t *p, uint64_t n)
{
    enum err e = n ? OK : c->sink->put(c->sink->arg, name, 0, "", 0, c->note);
    for (uint64_t off = 0; off < n && e == OK; off += PIECE) {
        size_t piece = n - off < PIECE ? (size_t)(n - off) : PIECE;
        e = c->sink->put(c->sink->arg, name, off, p + off, piece, c->note);
    }
    return e;
}

/* A file of a directory that may grow (packs) or be replaced (held): as it is now. */
static void
copy_file(void *arg, const char *name)
{
    struct copy *c = arg;
    char path[OS_PATH], out[OS_PATH];
    struct os_file *f = NULL;
    uint64_t size = 0;
    if (c->err != OK || strstr(name, ".tmp"))
        return;
    c->err = os_join(path, sizeof path, c->dir, name);
    if (c->err == OK)
        c->err = os_join(out, sizeof out, c->prefix, name);
    if (c->err != OK)
        return;
    enum err e = os_open(c->s->fs, path, OS_READ, &f, c->note);
    if (e == ERR_NOTFOUND)
        return; /* purged meanwhile */
    if (e == OK)
        e = os_size(f, &size);
    uint8_t *piece = malloc(PIECE);
    if (!piece)
        e = ERR_NOMEM;
    for (uint64_t off = 0; off < size && e == OK;) {
        size_t got = 0, want = size - off < PIECE ? (size_t)(size - off) : PIECE;
        e = os_read_at(f, off, piece, want, &got);
        if (e == OK && !got)
            break;
        if (e == OK)
            e = c->sink->put(c->sink->arg, out, off, piece, got, c->note);
        off += got;
    }
    free(piece);
    os_close(&f);
    c->err = e;
}

static enum err
copy_segments(struct copy *c, const struct view *v)
{
    enum err e = OK;
    for (size_t i = 0; i < v->places_n + v->runs_n && e == OK; i++) {
        const struct seg *s = i < v->places_n ? v->places[i] : v->runs[i - v->places_n];
        char full[OS_PATH];
        build_path(full, "segments", s->meta.kind, s->meta.seq);
        e = copy_bytes(c, full, s->map, s->bytes);
    }
    return e;
}

static enum err
copy_manifest(struct copy *c, const struct view *v, uint64_t flushed)
{
    struct manifest m = {
        .flushed = flushed, .seq = atomic_load(&c->s->seq), .missing = v->missing};
    struct buf b = {0};
    bool good = true;
    for (size_t i = 0; i < v->places_n; i++)
        good = good && manifest_add(&m, SEG_PLACE, v->places[i]->meta.seq);
    for (size_t i = 0; i < v->runs_n; i++)
        good = good && manifest_add(&m, SEG_VEHICLE, v->runs[i]->meta.seq);
    manifest_encode(&m, &b);
    enum err e = good && !b.bad ? copy_bytes(c, "manifest", b.p, b.n) : ERR_NOMEM;
    buf_release(&b);
    manifest_release(&m);
    return e;
}

/* After the packs: what a purge took away meanwhile was marked before. */
static enum err
copy_dropped(struct copy *c)
{
    char path[OS_PATH], *text = NULL;
    size_t n = 0;
    enum err e = os_join(path, sizeof path, c->s->dir, "packs.dropped");
    if (e == OK)
        e = os_read_file(c->s->fs, path, 64, &text, &n, c->note);
    if (e == OK)
        e = copy_bytes(c, "packs.dropped", (const uint8_t *)text, n);
    free(text);
    return e == ERR_NOTFOUND ? OK : e;
}

static enum err
copy_dir(struct copy *c, const char *dir, const char *prefix)
{
    c->dir = dir;
    c->prefix = prefix;
    enum err e = os_list(c->s->fs, dir, copy_file, c);
    if (e == ERR_NOTFOUND)
        e = OK;
    return e == OK ? c->err : e;
}

/* The journal is pinned before the view is taken: what the view lacks, the journal has.
 */
enum err
sight_backup(
    struct sight *s, const struct sight_sink *sink, uint64_t *lsn, struct note *note)
{
    struct copy c = {.s = s, .sink = sink, .note = note};
    struct journal_pin *pin = journal_pin(s->journal);
    if (!pin)
        return ERR_NOMEM;
    pthread_mutex_lock(&s->lock);
    struct view *v = view_ref(s->view);
    uint64_t flushed = atomic_load(&s->flushed);
    pthread_mutex_unlock(&s->lock);
    enum err e = copy_manifest(&c, v, flushed);
    if (e == OK)
        e = copy_segments(&c, v);
    if (e == OK)
        e = journal_copy(s->journal, pin, sink->put, sink->arg, note);
    if (e == OK)
        e = copy_dir(&c, s->pack_dir, "packs");
    if (e == OK)
        e = copy_dropped(&c);
    if (e == OK)
        e = copy_dir(&c, s->hold_dir, "held");
    if (e == OK)
        *lsn = journal_pin_lsn(pin) > flushed ? journal_pin_lsn(pin) : flushed;
    journal_unpin(s->journal, pin);
    view_unref(v);
    return e;
}

/* ---- verification ---- */

static enum err
verify_pictures(
    struct sight *s, struct span image, struct arena *arena, struct note *note)
{
    struct span bytes;
    enum err e = OK;
    for (struct span refs = image; e == OK && span_starts(refs, SPAN("pack:"));) {
        struct span one = span_cut(&refs, ' ');
        struct pack_ref ref;
        e = sight_picture(s, one, arena, &bytes, note);
        if (e == ERR_NOTFOUND && pack_ref_parse(one, &ref) &&
            packs_dropped(s->packs, ref.day))
            e = OK; /* past its retention */
    }
    return e == ERR_NOTFOUND ? note_set(
                                   note, ERR_CORRUPT, "image",
                                   "a picture pack is missing", "图片包缺失")
                             : e;
}

/* Rows that are in no segment yet: their pictures. */
static enum err
verify_head(struct sight *s, const struct head *h, struct note *note)
{
    struct arena arena;
    enum err e = OK;
    size_t n = atomic_load(&h->n);
    arena_init(&arena, 256u << 20);
    for (size_t i = 0; i < n && e == OK; i++) {
        arena_reset(&arena);
        e = verify_pictures(s, h->rows[i].image, &arena, note);
    }
    arena_release(&arena);
    return e;
}

static enum err
verify_row(
    struct sight *s, struct run_rows *r, const struct run_plate *p, uint64_t row,
    ts_ms t, struct arena *arena, struct note *note)
{
    struct vrow v;
    struct sighting full;
    arena_reset(arena);
    if (!run_rows_get(r, row, t, p->look, &v) ||
        !run_sighting(run_dict(r->seg), r->zone, p->plate, &v, arena, &full))
        return note_fmt(
            note, ERR_CORRUPT, "segment", "%s does not read", "%s 无法读取",
            r->seg->path);
    return verify_pictures(s, full.image, arena, note);
}

/* Every row of a run: it joins, and its pictures are there. */
static enum err
verify_run(struct sight *s, struct seg *seg, struct note *note)
{
    struct run_plates *w = malloc(sizeof *w);
    struct run_rows r = {0};
    struct run_plate p;
    struct arena arena;
    arena_init(&arena, 256u << 20);
    enum err e = w && run_rows_init(&r, seg, &s->zone, true) ? OK : ERR_NOMEM;
    if (e == OK)
        run_plates_init(w, seg, 0, PLATES_ALL);
    while (e == OK && run_plates_next(w, &p))
        for (uint64_t row = p.row; row < p.row + p.rows && e == OK; row++) {
            ts_ms t;
            if (!run_rows_time(&r, row, row == p.row, &t))
                e = ERR_CORRUPT;
            else
                e = verify_row(s, &r, &p, row, t, &arena, note);
        }
    run_rows_release(&r);
    free(w);
    arena_release(&arena);
    return e;
}

enum err
sight_verify(struct sight *s, bool pictures, struct note *note)
{
    struct view *v = sight_view(s);
    struct journal_pin *pin = journal_pin(s->journal);
    enum err e = pin ? journal_check(s->journal, pin, note) : ERR_NOMEM;
    for (size_t i = 0; i < v->places_n + v->runs_n && e == OK; i++) {
        struct seg *seg = i < v->places_n ? v->places[i] : v->runs[i - v->places_n];
        if (!seg_check(seg))
            e = note_fmt(
                note, ERR_CORRUPT, "segment", "%s is damaged", "%s 已损坏", seg->path);
        else if (pictures && seg->meta.kind == SEG_VEHICLE)
            e = verify_run(s, seg, note);
    }
    for (size_t i = 0; pictures && i < v->heads_n && e == OK; i++)
        e = verify_head(s, v->heads[i], note);
    if (e == OK && v->missing)
        e = note_fmt(
            note, ERR_CORRUPT, "segment", "%u segments are in quarantine",
            "有 %u 个数据段已隔离", v->missing);
    journal_unpin(s->journal, pin);
    view_unref(v);
    return e;
}
