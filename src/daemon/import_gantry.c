/* SPDX-License-Identifier: Apache-2.0 */
/* Records of ETC gantries from a file: what the feed takes over HTTP, so the same
 * decoder reads it. A file of lines is read piece by piece; a list is one document and
 * has to fit. */
#include "core/os_clock.h"
#include "daemon/import.h"
#include "feeds/feed.h"

#include <stdlib.h>

#define PIECE (8u << 20)
#define DOCUMENT_MOST (256u << 20)
#define ARENA_MOST ((size_t)1 << 30)

struct reading {
    struct import *im;
    struct import_places places;
    const struct feed *row;
    struct feeds *feeds;
    struct sight_bulk *bulk;
    struct buf text; /* the piece, with DOM_PAD behind it */
    bool ended;
    uint64_t line; /* lines before the piece */
};

/* ---- the file ---- */

/* Reads on until the buffer holds `most` bytes or the file ends. */
static enum err
fill(struct reading *r, size_t most)
{
    while (!r->ended && r->text.n < most) {
        uint8_t *room = buf_room(&r->text, PIECE + DOM_PAD);
        if (!room)
            return ERR_NOMEM;
        size_t got = fread(room, 1, PIECE, r->im->file);
        r->text.n += got;
        r->ended = got < PIECE;
        if (ferror(r->im->file))
            return note_set(
                r->im->note, ERR_IO, "file", "the file cannot be read", "无法读取文件");
    }
    return OK;
}

/* Records one a line: the first line is an object by itself. */
static bool
is_lines(const struct buf *b)
{
    struct span rest = span_of(b->p, b->n);
    struct span line = span_trim(span_cut(&rest, '\n'));
    return rest.n && line.n > 1 && line.p[0] == '{' && line.p[line.n - 1] == '}';
}

/* Bytes of the next message: whole lines, or everything. */
static enum err
next_piece(struct reading *r, size_t *n)
{
    enum err e = fill(r, PIECE);
    if (e)
        return e;
    if (!is_lines(&r->text)) {
        e = fill(r, DOCUMENT_MOST);
        if (!e && !r->ended)
            return note_set(
                r->im->note, ERR_TOOBIG, "file",
                "a list of more than 256 MB: write one record a line",
                "列表超过 256 MB，请改为每行一条记录");
        *n = r->text.n;
        return e;
    }
    size_t end = r->text.n;
    while (!r->ended && end > 0 && r->text.p[end - 1] != '\n')
        end--;
    if (end == 0)
        return note_set(
            r->im->note, ERR_TOOBIG, "file", "a line of more than 8 MB",
            "单行超过 8 MB");
    *n = end;
    return OK;
}

static void
drop(struct reading *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        r->line += r->text.p[i] == '\n';
    memmove(r->text.p, r->text.p + n, r->text.n - n);
    r->text.n -= n;
}

/* ---- storing ---- */

struct sending {
    struct sighting_batch *batch;
};

static enum err
append(struct base *b, void *arg, struct note *note)
{
    struct sending *s = arg;
    return sight_append(b->sight, &s->batch, 1, os_now_ms(), note);
}

static enum err
store_online(struct import *im, struct sighting_batch *b, const uint64_t *lines)
{
    struct sending s = {b};
    enum err e = door_store(im->call->door, append, &s, im->note);
    for (size_t i = 0; e == OK && i < b->n; i++) {
        im->taken += b->fate[i] == FATE_STORED;
        im->known += b->fate[i] == FATE_DUPLICATE;
        if (b->fate[i] > FATE_DUPLICATE)
            import_refuse_row(im, &b->rows[i], lines[i], b->fate[i]);
    }
    return e;
}

static enum err
store(struct reading *r, struct sighting_batch *b, const uint64_t *lines)
{
    struct import *im = r->im;
    enum err e = import_place_all(&r->places, b);
    if (e || b->n == 0)
        return e;
    if (im->call->door->daemon) /* its rules see them */
        return store_online(im, b, lines);
    import_window(im, b->rows, lines, b->n);
    if (b->pictures_n) /* bulk runs carry none */
        return store_online(im, b, lines);
    return import_bulk(im, &r->bulk, b->rows, lines, b->n);
}

/* ---- one message ---- */

static void
reject_all(struct reading *r, const struct feed_out *out)
{
    for (size_t i = 0; i < out->objects_n; i++) {
        const struct feed_object *o = &out->objects[i];
        if (!o->fault)
            continue;
        const struct feed_fault_row *row =
            feed_fault_row((enum feed_fault)(o->fault - 1));
        import_reject(r->im, r->line + o->line, "", span_of("", 0), row->en, row->zh);
    }
}

static enum err
take_piece(struct reading *r, size_t n)
{
    struct arena arena;
    struct feed_out out;
    uint8_t *pad = buf_room(&r->text, DOM_PAD);
    if (!pad)
        return ERR_NOMEM;
    memset(pad, 0, DOM_PAD);
    struct feed_in in = {
        .method = FEED_POST,
        .path = SPAN("/api/v1/gantry"),
        .body = span_of(r->text.p, n),
        .now_ms = 0, /* unknown: when the gantry's platform had it */
        .zone = &r->im->call->door->base->zone,
    };
    arena_init(&arena, ARENA_MOST);
    feed_out_init(&out, &arena);
    enum err e = feed_decode(r->feeds, r->row, &in, &out);
    if (!e && out.what == FEED_BROKEN)
        e = note_set(
            r->im->note, ERR_INPUT, "file",
            "no records of ETC gantries: a JSON list, or one record a line",
            "文件中没有 ETC 门架流水：应为 JSON 列表，或每行一条记录");
    if (!e) {
        reject_all(r, &out);
        uint64_t *lines = arena_array(&arena, out.batch->n + 1, sizeof *lines);
        for (size_t i = 0; lines && i < out.objects_n; i++)
            if (out.objects[i].rows)
                lines[out.objects[i].row] = r->line + out.objects[i].line;
        e = lines ? store(r, out.batch, lines) : ERR_NOMEM;
    }
    feed_out_release(&out);
    arena_release(&arena);
    return e;
}

static enum err
read_all(struct reading *r)
{
    enum err e;
    size_t n = 0;
    do {
        e = next_piece(r, &n);
        if (!e && n)
            e = take_piece(r, n);
        if (!e)
            drop(r, n);
    } while (!e && (!r->ended || r->text.n));
    return e ? e : import_bulk_end(r->im, &r->bulk);
}

enum err
import_gantry(struct import *im)
{
    struct reading r = {
        .im = im,
        .places = {im, base_sites(im->call->door->base)},
        .row = feed_find(SPAN("/api/v1/gantry"))};
    struct feed_needs needs = {
        .ctx = &r.places, .site = import_find_site, .version = import_places_version};
    must(r.row);
    r.feeds = feeds_new(&needs);
    enum err e = r.feeds ? read_all(&r) : ERR_NOMEM;
    if (r.bulk)
        sight_bulk_drop(r.bulk);
    feeds_free(r.feeds);
    site_table_unref(r.places.sites);
    buf_release(&r.text);
    return e;
}
