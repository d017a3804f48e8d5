/* SPDX-License-Identifier: Apache-2.0 */
/* Marks of files of passes. "offset line first_ms last_ms ruled": how far a file has
 * been read, over what passes, and whether the rules have seen them. A file is the same
 * by its number on the disk, its size and its time of change. */
#include "core/hash.h"
#include "daemon/import.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPOT_ROWS 262144u /* between spots: a quarter of a run */

/* ---- spots ---- */

void
import_spots_put(struct import_spots *s, struct import_spot read)
{
    uint64_t last = s->n ? s->spot[s->n - 1].rows : 0;
    must(read.rows >= last);
    if (s->n && read.rows == last)
        s->n--; /* records without rows: the same spot, further on */
    else if (s->n && s->n < IMPORT_SPOTS && read.rows - last < SPOT_ROWS)
        return;
    if (s->n == IMPORT_SPOTS)
        s->n--;
    s->spot[s->n++] = read;
}

bool
import_spots_settle(struct import_spots *s, uint64_t rows, struct import_spot *out)
{
    size_t n = 0;
    while (n < s->n && s->spot[n].rows <= rows)
        n++;
    if (!n)
        return false;
    *out = s->spot[n - 1];
    s->n -= n;
    memmove(s->spot, s->spot + n, s->n * sizeof *s->spot);
    return true;
}

/* ---- the mark on the disk ---- */

static void
mark_read(struct import *im)
{
    char *text;
    size_t n;
    struct import_mark *m = &im->mark;
    if (os_read_file(os_fs_real(), m->path, 256, &text, &n, NULL) != OK)
        return;
    struct span rest = span_trim(span_of(text, n));
    struct span offset = span_cut(&rest, ' '), line = span_cut(&rest, ' '),
                first = span_cut(&rest, ' '), last = span_cut(&rest, ' ');
    int64_t from = 0, to = 0;
    uint64_t ruled = 0;
    if (span_u64(offset, &m->at.offset) && span_u64(line, &m->at.line) &&
        span_i64(first, &from) && span_i64(last, &to) && span_u64(rest, &ruled)) {
        m->ruled = ruled != 0;
        im->first_ms = m->ruled ? 0 : from;
        im->last_ms = m->ruled ? 0 : to;
    } else {
        m->at = (struct import_spot){0};
    }
    free(text);
}

void
import_mark_open(struct import *im)
{
    struct stat st;
    char name[64];
    struct import_mark *m = &im->mark;
    *m = (struct import_mark){.path = ""};
    if (fstat(fileno(im->file), &st) != 0 || !S_ISREG(st.st_mode))
        return;
    uint64_t key = hash_pair((uint64_t)st.st_ino, (uint64_t)st.st_size);
    key = hash_pair(key, (uint64_t)st.st_mtim.tv_sec);
    snprintf(name, sizeof name, "import-%016llx.mark", (unsigned long long)key);
    if (os_join(m->path, sizeof m->path, im->call->door->base->dir, name) != OK)
        m->path[0] = 0;
    if (m->path[0] && !op_flag(im->call, "again"))
        mark_read(im);
}

/* What was refused before the mark is not read again, so it has to stand in its file. */
static enum err
rejects_keep(struct import *im)
{
    char dir[OS_PATH];
    if (im->rejected + im->cut + im->leap == 0)
        return OK;
    if (im->rejects && fflush(im->rejects) == 0 && !ferror(im->rejects) &&
        fsync(fileno(im->rejects)) == 0 &&
        os_join(dir, sizeof dir, im->call->door->base->dir, "rejects") == OK &&
        os_sync_dir(os_fs_real(), dir, "import.rejects") == OK)
        return OK;
    return note_fmt(
        im->note, ERR_IO, "rejects",
        "what is refused cannot be written to %s: make room or see to its rights, then "
        "run the import again",
        "无法将被拒绝的记录写入 %s：请腾出空间或检查权限后重新导入",
        im->rejects_path[0] ? im->rejects_path : "rejects/");
}

static enum err
mark_write(struct import *im)
{
    char text[128];
    const struct import_mark *m = &im->mark;
    if (!m->path[0])
        return OK;
    enum err e = rejects_keep(im);
    if (e != OK)
        return e;
    snprintf(
        text, sizeof text, "%llu %llu %lld %lld %d\n", (unsigned long long)m->at.offset,
        (unsigned long long)m->at.line, (long long)im->first_ms, (long long)im->last_ms,
        m->ruled);
    return os_write_file(
        os_fs_real(), m->path, span_cstr(text), "import.mark", im->note);
}

enum err
import_mark_settled(struct import *im, uint64_t rows)
{
    if (!import_spots_settle(&im->mark.spots, rows, &im->mark.at))
        return OK;
    im->mark.ruled = false;
    return mark_write(im);
}

enum err
import_mark_end(struct import *im, struct import_spot read)
{
    im->mark.at = read;
    im->mark.ruled = false;
    return mark_write(im);
}

enum err
import_ruled(struct import *im)
{
    im->mark.ruled = true;
    return mark_write(im);
}
