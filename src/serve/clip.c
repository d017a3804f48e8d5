/* SPDX-License-Identifier: Apache-2.0 */
/* The file is read by ffmpeg itself, behind core/os_run's fence and with no protocol
 * but files; its hash was proven when it was put. */
#include "serve/clip.h"

#include "core/os_run.h"

#include <stdio.h>
#include <stdlib.h>

#define LIMIT_US 15000000
#define JPEG_MAX ((size_t)8 << 20)

static enum err
tool(const char *name, char path[OS_PATH], struct note *note)
{
    if (os_which(name, path))
        return OK;
    return note_set(
        note, ERR_NOTFOUND, "clip",
        "this machine has no ffmpeg: install it (apt install ffmpeg) to open video",
        "本机没有 ffmpeg：请先安装（apt install ffmpeg）再打开视频");
}

static enum err
said(enum err e, struct note *note, const char *en, const char *zh)
{
    if (e == ERR_INPUT)
        return note_set(note, e, "clip", en, zh);
    if (e == ERR_TIMEOUT)
        return note_set(
            note, e, "clip", "opening this video takes too long", "打开该视频耗时过长");
    return e;
}

enum err
clip_length(const char *dir, const struct doc_ref *ref, int64_t *ms, struct note *note)
{
    char path[OS_PATH], probe[OS_PATH];
    struct buf out = {0};
    enum err e = tool("ffprobe", probe, note);
    if (e == OK)
        e = docs_path(dir, ref, path);
    if (e != OK)
        return e;
    const char *const argv[] = {
        probe,
        "-v",
        "error",
        "-protocol_whitelist",
        "file",
        "-select_streams",
        "v:0",
        "-show_entries",
        "format=duration:stream=codec_type",
        "-of",
        "default=nw=1:nk=1",
        path,
        NULL};
    struct os_run run = {argv, LIMIT_US, 4096};
    e = os_run(&run, &out);
    buf_u8(&out, 0);
    double seconds = 0;
    if (e == OK && !out.bad) {
        const char *number =
            strncmp((char *)out.p, "video\n", 6) == 0 ? (char *)out.p + 6 : "";
        seconds = strtod(number, NULL);
        if (!(seconds > 0))
            e = ERR_INPUT;
    }
    buf_release(&out);
    if (e != OK)
        return said(
            e, note, "this is no video that ffmpeg can read", "ffmpeg 无法识别该视频");
    if (seconds * 1000 > (double)CLIP_MS)
        return note_set(
            note, ERR_INPUT, "clip", "the clip is longer than two hours: cut it first",
            "视频超过两小时：请先截取");
    *ms = (int64_t)(seconds * 1000);
    return OK;
}

enum err
clip_keep(
    struct os_fs *fs, const char *dir, struct span bytes, struct doc_ref *ref,
    int64_t *ms, struct note *note)
{
    bool known = docs_known(fs, dir, bytes);
    enum err e = docs_put(fs, dir, bytes, ref, note);
    if (e != OK)
        return e;
    e = clip_length(dir, ref, ms, note);
    if (e != OK && !known) { /* the document of another matter stays */
        enum err dropped = docs_drop(fs, dir, ref);
        e = dropped ? dropped : e;
    }
    return e;
}

enum err
clip_frame(
    const char *dir, const struct doc_ref *ref, int64_t at_ms, struct buf *jpeg,
    struct note *note)
{
    char path[OS_PATH], ffmpeg[OS_PATH], at[32];
    enum err e = tool("ffmpeg", ffmpeg, note);
    if (e == OK)
        e = docs_path(dir, ref, path);
    if (e != OK)
        return e;
    snprintf(
        at, sizeof at, "%lld.%03d", (long long)(at_ms / 1000), (int)(at_ms % 1000));
    const char *const argv[] = {
        ffmpeg,
        "-nostdin",
        "-v",
        "error",
        "-protocol_whitelist",
        "file,pipe",
        "-threads",
        "1",
        "-ss",
        at,
        "-i",
        path,
        "-frames:v",
        "1",
        "-vf",
        "scale='min(1920,iw)':-2",
        "-f",
        "image2pipe",
        "-c:v",
        "mjpeg",
        "-q:v",
        "3",
        "pipe:1",
        NULL};
    struct os_run run = {argv, LIMIT_US, JPEG_MAX};
    size_t before = jpeg->n;
    e = os_run(&run, jpeg);
    if (e == OK && jpeg->n == before)
        e = ERR_INPUT;
    return said(
        e, note, "the clip has no frame at this position", "视频在该位置没有画面");
}
