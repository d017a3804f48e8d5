/* SPDX-License-Identifier: Apache-2.0 */
/* Reading goes by pieces of 256 records whose offsets are remembered: those of the last
 * file since it was opened, those of an older one from the first question that reaches
 * it. Copying is for backups. */
#include "store/audit_core.h"

#include <stdio.h>
#include <stdlib.h>

#define READ_MAX (64u << 20)

/* ---- copying ---- */

static enum err
copy_bytes(
    struct audit *a, const char *name, const char *to, uint64_t n, struct note *note)
{
    char from_path[OS_PATH], to_path[OS_PATH];
    struct os_file *in = NULL, *out = NULL;
    uint8_t *block = malloc(AUDIT_BATCH_MAX);
    enum err e = block ? os_join(from_path, sizeof from_path, a->dir, name) : ERR_NOMEM;
    if (!e)
        e = os_join(to_path, sizeof to_path, to, name);
    if (!e)
        e = os_open(a->fs, from_path, OS_READ, &in, note);
    if (!e)
        e = os_open(a->fs, to_path, OS_WRITE | OS_CREATE | OS_EXCL, &out, note);
    for (uint64_t at = 0; !e && at < n;) {
        size_t more = n - at < AUDIT_BATCH_MAX ? (size_t)(n - at) : AUDIT_BATCH_MAX;
        e = os_read_full(in, at, block, more);
        if (!e)
            e = os_write_at(out, at, block, more);
        at += more;
    }
    if (!e)
        e = os_sync(out, "audit.copy");
    os_close(&in);
    os_close(&out);
    free(block);
    return e;
}

/* How much of part i to copy: an old part is whole; the last one up to what is durable,
 * whose number goes to *number. 0: there is no such part. */
static uint64_t
part_size(struct audit *a, size_t i, uint64_t *first, uint64_t *number)
{
    char path[OS_PATH];
    uint64_t size = 0;
    bool is_dir;
    pthread_mutex_lock(&a->lock);
    bool there = i < a->parts_n, last = i + 1 == a->parts_n;
    *first = there ? a->parts[i].first : 0;
    if (there && last) {
        size = a->parts[i].end;
        *number = a->durable;
    }
    pthread_mutex_unlock(&a->lock);
    if (there && !last &&
        (audit_part_path(a, *first, path) || os_stat(a->fs, path, &size, &is_dir)))
        size = 0;
    return size;
}

static enum err
copy_whole(struct audit *a, const char *name, const char *to, struct note *note)
{
    char path[OS_PATH];
    uint64_t size = 0;
    bool is_dir;
    enum err e = os_join(path, sizeof path, a->dir, name);
    if (!e)
        e = os_stat(a->fs, path, &size, &is_dir);
    return e ? e : copy_bytes(a, name, to, size, note);
}

enum err
audit_copy(
    struct audit *a, const char *to, ts_ms at, uint64_t *number, struct note *note)
{
    struct audit_head head;
    uint64_t first, size, last = 0;
    enum err e = audit_sign(a, at, &head);
    /* Heads first: none of them may name a record that the copy does not hold. */
    if (!e)
        e = copy_whole(a, "heads", to, note);
    if (!e)
        e = copy_whole(a, "key.pub", to, note);
    for (size_t i = 0; !e && (size = part_size(a, i, &first, &last)) > 0; i++) {
        char name[32];
        snprintf(name, sizeof name, "%012llu.tqa", (unsigned long long)first);
        e = copy_bytes(a, name, to, size, note);
    }
    if (!e)
        e = os_sync_dir(a->fs, to, "audit.copy.dir");
    if (!e)
        *number = last;
    return e;
}

/* ---- reading ---- */

struct piece { /* a run of records in one part: offsets and the number of the first */
    char path[OS_PATH];
    uint64_t from, to, first;
};

/* Reads an old part once to learn where its records are; under the lock (rare: a start
 * and a question about long ago). */
static enum err
index_part(struct audit *a, struct audit_part *p)
{
    struct audit_scan s = {0};
    enum err e = audit_part_read(a, p, &s, NULL);
    if (!e)
        e = audit_file_head_decode(s.bytes, s.n, &s.head);
    if (!e) {
        p->offsets = 0;
        audit_part_scan(&s, p);
    }
    free(s.bytes);
    return e;
}

/* The piece that holds record `number` (which must be durable). */
static enum err
find_piece(struct audit *a, uint64_t number, struct piece *out)
{
    pthread_mutex_lock(&a->lock);
    size_t i = a->parts_n;
    while (i > 1 && a->parts[i - 1].first > number)
        i--;
    struct audit_part *p = &a->parts[i - 1];
    enum err e = p->indexed ? OK : index_part(a, p);
    if (!e && (number < p->first || number - p->first >= p->records))
        e = ERR_CORRUPT;
    if (!e)
        e = audit_part_path(a, p->first, out->path);
    if (!e) {
        size_t k = (size_t)((number - p->first) / AUDIT_INDEX_EVERY);
        out->from = p->offset[k];
        out->to = k + 1 < p->offsets ? p->offset[k + 1] : p->end;
        out->first = p->first + k * AUDIT_INDEX_EVERY;
    }
    pthread_mutex_unlock(&a->lock);
    return e;
}

static enum err
load_piece(struct audit *a, const struct piece *p, struct buf *b)
{
    struct os_file *f = NULL;
    size_t n = (size_t)(p->to - p->from);
    if (n > READ_MAX)
        return ERR_TOOBIG;
    buf_clear(b);
    enum err e = buf_room(b, n) ? OK : ERR_NOMEM;
    if (!e)
        e = os_open(a->fs, p->path, OS_READ, &f, NULL);
    if (!e)
        e = os_read_full(f, p->from, b->p, n);
    os_close(&f);
    if (!e)
        b->n = n;
    return e;
}

/* Records of a loaded piece; the texts are borrowed from it. */
static enum err
split_piece(const struct buf *b, struct audit_raw *raws, size_t *n)
{
    *n = 0;
    for (size_t at = 0; at < b->n; (*n)++) {
        if (*n == AUDIT_INDEX_EVERY ||
            audit_record_decode(b->p + at, b->n - at, true, &raws[*n]))
            return ERR_CORRUPT;
        at += raws[*n].length;
    }
    return OK;
}

static bool
wanted(const struct audit_record *r, const struct audit_query *q)
{
    return (!q->before || r->number < q->before) && r->at_ms >= q->from_ms &&
           (!q->to_ms || r->at_ms < q->to_ms) && (!q->user || r->user == q->user) &&
           (!q->class || r->class == q->class) && span_starts(r->action, q->action) &&
           (!q->object.n || span_eq(r->object, q->object));
}

static bool
keep_text(struct arena *a, struct span *s)
{
    *s = arena_span(a, *s);
    return s->p != NULL;
}

static bool
keep_row(struct arena *a, const struct audit_raw *raw, struct audit_row *row)
{
    row->record = raw->record;
    memcpy(row->hash, raw->hash, sizeof row->hash);
    struct audit_record *r = &row->record;
    return keep_text(a, &r->login) && keep_text(a, &r->address) &&
           keep_text(a, &r->action) && keep_text(a, &r->object) &&
           keep_text(a, &r->purpose) && keep_text(a, &r->subject) &&
           keep_text(a, &r->detail);
}

enum err
audit_read(
    struct audit *a, const struct audit_query *q, struct arena *arena,
    struct audit_row **out, size_t *n)
{
    struct piece piece;
    struct buf b = {0};
    struct audit_raw *raws = malloc(AUDIT_INDEX_EVERY * sizeof *raws);
    struct audit_row *rows = arena_array(arena, q->cap, sizeof *rows);
    uint64_t number = audit_durable(a);
    size_t got = 0, have = 0;
    enum err e = raws && rows ? OK : ERR_TOOBIG;
    if (q->before && q->before <= number)
        number = q->before - 1;
    while (!e && number && got < q->cap) {
        e = find_piece(a, number, &piece);
        if (!e)
            e = load_piece(a, &piece, &b);
        if (!e)
            e = split_piece(&b, raws, &have);
        for (size_t i = have; !e && i-- && got < q->cap;)
            if (wanted(&raws[i].record, q) && !keep_row(arena, &raws[i], &rows[got++]))
                e = ERR_TOOBIG;
        number = piece.first - 1;
    }
    free(raws);
    buf_release(&b);
    if (!e) {
        *out = rows;
        *n = got;
    }
    return e;
}

enum err
audit_each(
    struct audit *a, uint64_t after,
    bool (*each)(void *arg, const struct audit_row *row), void *arg)
{
    struct piece piece;
    struct buf b = {0};
    struct audit_raw *raws = malloc(AUDIT_INDEX_EVERY * sizeof *raws);
    uint64_t last = audit_durable(a), number = after + 1;
    size_t have = 0;
    bool go = true;
    enum err e = raws ? OK : ERR_NOMEM;
    while (!e && go && number <= last) {
        e = find_piece(a, number, &piece);
        if (!e)
            e = load_piece(a, &piece, &b);
        if (!e)
            e = split_piece(&b, raws, &have);
        for (size_t i = 0; !e && go && i < have; i++) {
            struct audit_row row = {.record = raws[i].record};
            memcpy(row.hash, raws[i].hash, sizeof row.hash);
            if (row.record.number >= number && row.record.number <= last)
                go = each(arg, &row);
        }
        number = piece.first + have;
    }
    free(raws);
    buf_release(&b);
    return e;
}
