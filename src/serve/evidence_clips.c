/* SPDX-License-Identifier: Apache-2.0 */
/* A clip is proven by its hash, inside the archive or beside it; a marked frame is the
 * picture of the pass it became. */
#include "serve/evidence_own.h"

#include "store/sight.h"

#include <stdio.h>

#define INSIDE_MAX ((size_t)64 << 20) /* bytes of clips in one archive */

struct part {
    struct evidence_bag *bag;
    const struct evidence_clips *c;
    struct arena *arena;
    struct sight_snap *snap;
    size_t inside;
    struct buf clips, frames, outside;
};

/* "mp4" of "shop.MP4"; "bin" of what has none. */
static void
ending(char dst[8], struct span name)
{
    size_t n = 0;
    while (n < name.n && name.p[name.n - n - 1] != '.')
        n++;
    snprintf(dst, 8, "bin");
    if (n == 0 || n > 5 || n == name.n)
        return;
    for (size_t i = 0; i < n; i++) {
        char c = name.p[name.n - n + i];
        bool big = c >= 'A' && c <= 'Z';
        if (!big && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            return;
    }
    for (size_t i = 0; i < n; i++) {
        char c = name.p[name.n - n + i];
        dst[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    dst[n] = 0;
}

static void
csv_text(struct buf *b, struct span s)
{
    buf_u8(b, '"');
    if (s.n && strchr("=+-@\t\r", s.p[0])) /* no formula for a spreadsheet */
        buf_u8(b, '\'');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            buf_u8(b, '"');
        buf_u8(b, (uint8_t)s.p[i]);
    }
    buf_u8(b, '"');
}

/* ---- frames ---- */

/* As the pass has it, as its matter holds it, or taken again. */
static enum err
frame_bytes(
    const struct part *p, const struct clip_entry *x, const struct clip_frame *f,
    struct buf *again, struct span *out)
{
    struct sighting s = {0};
    struct note quiet = {0};
    struct sight *sight = p->c->house->sight;
    enum err e = sight_fetch(p->snap, f->pass, p->arena, &s);
    if (e == OK)
        e = sight_picture(sight, s.image, p->arena, out, &quiet);
    if (e == ERR_NOTFOUND && s.image.n && p->c->holder.n)
        e = sight_held_picture(sight, p->c->holder, s.image, p->arena, out, &quiet);
    if (e == OK)
        return OK;
    e = clip_frame(p->c->house->dir, &x->ref, f->position_ms, again, &quiet);
    *out = span_of(again->p, again->n);
    return e;
}

static void
frame_page(struct part *p, size_t number, const struct clip_frame *f, const char *name)
{
    struct buf *b = &p->bag->html;
    char at[TS_TEXT], id[SIGHTING_ID_TEXT];
    const struct site *site = site_get(p->c->sites, (struct site_id){f->pass.site});
    buf_fmt(
        b, "<tr><td>%zu</td><td>%.3f s</td><td>%s</td><td>", number,
        (double)f->position_ms / 1e3, ts_format(at, f->at_ms, &p->c->house->zone));
    evidence_text(b, span_cstr(site ? site->name : ""));
    buf_fmt(b, "<br><small>%s</small></td><td>", sighting_id_format(id, f->pass));
    evidence_text(b, f->note);
    if (name[0])
        buf_fmt(
            b, "</td><td><a href=\"%s\"><img src=\"%s\" alt=\"%zu\"></a></td></tr>\n",
            name, name, number);
    else
        buf_text(b, "</td><td>无图片 / none</td></tr>\n");
}

static void
one_frame(struct part *p, const struct clip_entry *x, size_t clip, size_t i)
{
    const struct clip_frame *f = &x->frames[i];
    struct buf again = {0};
    struct span bytes = {NULL, 0};
    char name[64] = "", id[SIGHTING_ID_TEXT];
    if (frame_bytes(p, x, f, &again, &bytes) == OK) {
        snprintf(name, sizeof name, "clips/%02zu-frame-%03zu.jpg", clip + 1, i + 1);
        evidence_add(p->bag, name, bytes);
    }
    frame_page(p, i + 1, f, name);
    const struct site *site = site_get(p->c->sites, (struct site_id){f->pass.site});
    buf_fmt(
        &p->frames, "%zu,%zu,%s,%lld,%lld,%s,%s,%s,", clip + 1, i + 1, x->hash,
        (long long)f->position_ms, (long long)f->at_ms, sighting_id_format(id, f->pass),
        site ? site->code : "", name);
    csv_text(&p->frames, f->note);
    buf_text(&p->frames, "\r\n");
    buf_release(&again);
}

/* ---- clips ---- */

/* Its bytes in the archive, or its hash in outside.txt. */
static enum err
clip_file(
    struct part *p, const struct clip_entry *x, size_t i, char name[64], uint64_t *size,
    struct note *note)
{
    char end[8], path[OS_PATH];
    struct span bytes;
    bool is_dir, there;
    const struct house *h = p->c->house;
    ending(end, x->name);
    snprintf(name, 64, "clips/%02zu-%.16s.%s", i + 1, x->hash, end);
    enum err e = docs_path(h->dir, &x->ref, path);
    *size = 0;
    there = e == OK && os_stat(h->fs, path, size, &is_dir) == OK;
    if (there && *size <= INSIDE_MAX - p->inside) {
        e = docs_get(h->fs, h->dir, &x->ref, p->arena, &bytes, note);
        if (e != OK)
            return e;
        p->inside += bytes.n;
        evidence_add(p->bag, name, bytes);
        return OK;
    }
    buf_fmt(&p->outside, "%s %llu %s\n", x->hash, (unsigned long long)*size, name + 6);
    name[0] = 0;
    return OK;
}

static void
clip_page(struct part *p, const struct clip_entry *x, const char *name, uint64_t size)
{
    struct buf *b = &p->bag->html;
    const struct zone *z = &p->c->house->zone;
    char at[TS_TEXT];
    buf_text(b, "<h3>");
    evidence_text(b, x->name);
    buf_fmt(
        b,
        "</h3>\n<table>\n<tr><th>BLAKE2b-256<br><small>%llu B</small></th><td><code>%s"
        "</code></td></tr>\n<tr><th>时长<br><small>length</small></th><td>%.1f "
        "s</td></tr>\n<tr><th>导入时间<br><small>kept "
        "since</small></th><td>%s</td></tr>"
        "\n<tr><th>起点真实时间<br><small>true time of its beginning</small></th><td>",
        (unsigned long long)size, x->hash, (double)x->length_ms / 1e3,
        ts_format(at, x->added_ms, z));
    if (x->clocked) {
        buf_fmt(b, "%s<br><small>", ts_format(at, x->zero_ms, z));
        evidence_text(b, x->known);
        buf_text(b, "</small>");
    } else {
        buf_text(b, "未对时 / not set");
    }
    buf_text(b, "</td></tr>\n<tr><th>文件<br><small>file</small></th><td>");
    if (name[0])
        buf_fmt(
            b,
            "<a href=\"%s\">%s</a><br><video controls width=\"480\" src=\"%s\">"
            "</video>",
            name, name, name);
    else
        buf_text(
            b,
            "文件过大，未装入；以上列哈希核验（outside.txt）<br><small>too large to be "
            "here: check it by its hash (outside.txt)</small>");
    buf_text(b, "</td></tr>\n</table>\n");
    if (x->frames_n)
        buf_text(
            b, "<table><tr><th>#</th><th>位置<br><small>position</small></th><th>时间"
               "<br><small>time</small></th><th>点位、过车<br><small>site, "
               "pass</small></th><th>说明<br><small>what it shows</small></th><th>画面"
               "<br><small>frame</small></th></tr>\n");
}

static enum err
one_clip(struct part *p, size_t i, struct note *note)
{
    const struct clip_entry *x = &p->c->clips[i];
    char name[64];
    uint64_t size;
    enum err e = clip_file(p, x, i, name, &size, note);
    if (e != OK)
        return e;
    clip_page(p, x, name, size);
    for (size_t k = 0; k < x->frames_n; k++)
        one_frame(p, x, i, k);
    if (x->frames_n)
        buf_text(&p->bag->html, "</table>\n");
    buf_fmt(&p->clips, "%zu,%s,", i + 1, x->hash);
    csv_text(&p->clips, x->name);
    buf_fmt(
        &p->clips, ",%llu,%lld,%lld,", (unsigned long long)size,
        (long long)x->length_ms, (long long)x->added_ms);
    if (x->clocked)
        buf_fmt(&p->clips, "%lld", (long long)x->zero_ms);
    buf_text(&p->clips, ",");
    csv_text(&p->clips, x->known);
    buf_fmt(&p->clips, ",%zu,%s\r\n", x->frames_n, name);
    return OK;
}

static void
lists(struct part *p)
{
    evidence_add(p->bag, "clips.csv", span_of(p->clips.p, p->clips.n));
    evidence_add(p->bag, "frames.csv", span_of(p->frames.p, p->frames.n));
    if (p->outside.n)
        evidence_add(p->bag, "outside.txt", span_of(p->outside.p, p->outside.n));
}

enum err
evidence_add_clips(
    struct evidence_bag *bag, const struct evidence_clips *c, struct arena *arena,
    struct note *note)
{
    struct part p = {.bag = bag, .c = c, .arena = arena};
    if (c->n == 0)
        return OK;
    p.snap = sight_snapshot(c->house->sight);
    enum err e = p.snap ? OK : ERR_NOMEM;
    buf_text(
        &bag->html, "<h2>外部视频 <small>Video from "
                    "outside</small></h2>\n<p>起点时间由一条已知过车推得"
                    "；标注画面由人录入。<br><small>The time of its beginning follows "
                    "from a pass that "
                    "is known; marked frames were entered by a person.</small></p>\n");
    buf_text(
        &p.clips, "\xEF\xBB\xBFn,blake2b_256,name,bytes,length_ms,added_ms,zero_ms,"
                  "known_pass,frames,file\r\n");
    buf_text(
        &p.frames, "\xEF\xBB\xBF"
                   "clip,n,blake2b_256,position_ms,time_ms,pass,site,file,note\r\n");
    for (size_t i = 0; e == OK && i < c->n; i++)
        e = one_clip(&p, i, note);
    if (e == OK)
        lists(&p);
    if (e == OK && (p.clips.bad || p.frames.bad || p.outside.bad))
        e = ERR_NOMEM;
    sight_snap_free(p.snap);
    buf_release(&p.clips);
    buf_release(&p.frames);
    buf_release(&p.outside);
    return e;
}
