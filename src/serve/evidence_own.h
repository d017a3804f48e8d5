/* SPDX-License-Identifier: Apache-2.0 */
/* evidence_own.h - the inside of an archive of evidence, shared by its parts:
 * evidence.c (passes, alarm, seal) and evidence_clips.c (outside video).
 *
 * Owner    the one archive being made.
 * Threads  the one that makes it.
 */
#ifndef TQ_SERVE_EVIDENCE_OWN_H
#define TQ_SERVE_EVIDENCE_OWN_H

#include "core/zip.h"
#include "serve/clip_book.h"
#include "serve/house.h"

struct evidence_bag {
    struct zip zip;
    struct buf manifest, html;
};
/* One file and its line in the manifest. */
void evidence_add(struct evidence_bag *bag, const char *name, struct span bytes);
/* Text into the page, escaped. */
void evidence_text(struct buf *b, struct span s);

/* The clips of the matter the archive is made under. */
struct evidence_clips {
    const struct house *house;
    const struct site_table *sites;
    struct span holder; /* number of the matter: what it holds of purged passes */
    const struct clip_entry *clips;
    size_t n;
};
/* Files, lists and the section of the page. A clip whose bytes are too many for the
 * archive, or gone, is named by its hash in outside.txt; its marked frames are always
 * there. */
enum err evidence_add_clips(
    struct evidence_bag *bag, const struct evidence_clips *c, struct arena *arena,
    struct note *note) MUST_USE;

#endif
