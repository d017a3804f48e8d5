/* SPDX-License-Identifier: Apache-2.0 */
/* clip_book.h - outside video in the journal of its matter: what is said there of each
 * clip, and the entries that say more. The API, the command line and the archive of
 * evidence read and write it the same way.
 *
 * Units    positions are milliseconds from the beginning of the clip; instants ts_ms.
 * Owner    clips lie in the caller's arena; fields given out are the caller's to
 *          json_decref().
 * Threads  reading: any, with its own desk; clip_book_move(): the ledger thread, inside
 *          a job.
 * Errors   those of desk.h; ERR_NOTFOUND: no such clip, or a matter that takes none.
 * See      serve/clip.h takes the frames; docs/evidence.md.
 */
#ifndef TQ_SERVE_CLIP_BOOK_H
#define TQ_SERVE_CLIP_BOOK_H

#include "rules/models.h"
#include "serve/clip.h"
#include "serve/desk.h"

struct clip_frame {
    int64_t position_ms;
    ts_ms at_ms; /* true time */
    struct sighting_id pass;
    struct span note; /* what it shows; may be empty */
};

struct clip_entry {
    struct doc_ref ref;
    char hash[DOC_REF_TEXT];
    struct span name;
    int64_t length_ms;
    ts_ms added_ms;
    struct user_id by; /* 0: from the machine's keyboard */
    bool clocked;
    ts_ms zero_ms;     /* true time of its beginning */
    struct span known; /* the pass it was set by, as text */
    struct clip_frame *frames;
    size_t frames_n;
};

#define CLIPS_MOST 64
/* The clips of a matter in the order they came; none for kinds that take none. */
enum err clip_book_read(
    struct desk *d, uint64_t matter, struct arena *a, struct clip_entry **out,
    size_t *n, struct note *note) MUST_USE;
/* The clip whose hash begins so (at least 4 digits; empty: the only one). */
enum err clip_book_find(
    const struct clip_entry *clips, size_t n, struct span hash,
    const struct clip_entry **out, struct note *note) MUST_USE;

/* Writes one entry on the newest state of the matter; takes the reference of fields. */
enum err clip_book_move(
    struct desk *d, uint64_t matter, const char *move, json_t *fields,
    const struct matter_actor *by, struct note *note) MUST_USE;

/* The fields of the three entries; NULL without memory. */
json_t *clip_book_added(const struct doc_ref *ref, struct span name, int64_t length_ms);
/* The pass shows at this position; its site's learned clock error is taken off. */
json_t *clip_book_clock(
    const char *hash, struct sighting_id pass, int64_t position_ms, int32_t offset_ms,
    ts_ms *zero_ms);
json_t *
clip_book_marked(const char *hash, const struct clip_frame *frame, struct span note);

/* A marked frame as a pass entered by hand. */
struct clip_pass {
    const char *hash;
    int64_t position_ms;
    ts_ms true_ms, now_ms;
    struct site_id site;
    int32_t offset_ms; /* of the site's own camera: dated as it would have been */
    struct span plate; /* empty: not readable */
    uint8_t plate_color, vehicle_color;
    code3 vehicle_class, brand;
};
/* Adds it with its picture to an empty batch. ERR_INPUT: the plate. */
enum err clip_book_pass(
    const struct clip_pass *p, struct span jpeg, struct sighting_batch *b,
    struct sighting_id *id, struct note *note) MUST_USE;

#endif
