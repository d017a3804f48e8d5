/* SPDX-License-Identifier: Apache-2.0 */
/* out.c - buffered text files. */
#include "city/out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OUT_FULL (1u << 20)

static enum err
said(struct note *note, const char *path, int why)
{
    return note_fmt(
        note, ERR_IO, "out", "cannot write %s: %s", "无法写入 %s：%s", path,
        strerror(why));
}

enum err
out_open(struct out *o, const char *dir, const char *name, struct note *note)
{
    memset(o, 0, sizeof *o);
    int n = snprintf(o->path, sizeof o->path, "%s/%s", dir, name);
    if (n < 0 || (size_t)n >= sizeof o->path)
        return note_set(note, ERR_INPUT, "out", "the path is too long", "输出路径过长");
    o->f = fopen(o->path, "wb");
    if (!o->f)
        return said(note, o->path, errno);
    setvbuf(o->f, NULL, _IONBF, 0);
    return OK;
}

static void
flush(struct out *o)
{
    if (o->b.bad || (o->b.n && fwrite(o->b.p, 1, o->b.n, o->f) != o->b.n))
        o->failed = true;
    buf_clear(&o->b);
}

void
out_row(struct out *o)
{
    if (o->b.n >= OUT_FULL || o->b.bad)
        flush(o);
}

enum err
out_close(struct out *o, struct note *note)
{
    if (!o->f)
        return OK;
    errno = 0;
    flush(o);
    if (fclose(o->f) != 0)
        o->failed = true;
    o->f = NULL;
    buf_release(&o->b);
    return o->failed ? said(note, o->path, errno ? errno : EIO) : OK;
}

void
out_drop(struct out *o)
{
    if (o->f)
        fclose(o->f);
    o->f = NULL;
    buf_release(&o->b);
}

void
out_e7(struct out *o, int32_t v)
{
    buf_fmt(&o->b, "%s%d.%07d", v < 0 ? "-" : "", abs(v / 10000000), abs(v % 10000000));
}
