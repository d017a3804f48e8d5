/* SPDX-License-Identifier: Apache-2.0 */
/* clip.h - outside video as evidence (外部视频): a shop's or a car's recording, kept by
 * its content among the documents of a matter. Frames are taken by ffmpeg, a program of
 * the machine that is not ours and need not be there.
 *
 * Units    positions are milliseconds from the beginning of the clip.
 * Owner    bytes are appended to the caller's buffer.
 * Threads  a working thread: ffmpeg may take seconds.
 * Errors   ERR_NOTFOUND with a sentence when ffmpeg is absent; ERR_INPUT: no video,
 * longer than two hours, no frame at that position; ERR_TIMEOUT.
 * See      core/os_run.h (the fence), docs/evidence.md.
 */
#ifndef TQ_SERVE_CLIP_H
#define TQ_SERVE_CLIP_H

#include "core/cur.h"
#include "store/docs.h"

#define CLIP_BYTES DOCS_MAX
#define CLIP_MS (2 * HOUR_MS)

/* How long it is. */
enum err clip_length(
    const char *dir, const struct doc_ref *ref, int64_t *ms,
    struct note *note) MUST_USE;
/* Puts a clip among the documents when ffmpeg can read it; what is no evidence is not
 * kept. */
enum err clip_keep(
    struct os_fs *fs, const char *dir, struct span bytes, struct doc_ref *ref,
    int64_t *ms, struct note *note) MUST_USE;
/* The frame at a position as JPEG. */
enum err clip_frame(
    const char *dir, const struct doc_ref *ref, int64_t at_ms, struct buf *jpeg,
    struct note *note) MUST_USE;

#endif
