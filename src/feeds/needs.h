/* SPDX-License-Identifier: Apache-2.0 */
/* needs.h - what decoders ask of other rooms: where a record belongs. Filled by serve
 * (live) and by the importer.
 *
 * Owner    the caller; must outlive the decoding.
 * Threads  called on the thread that decodes; must not block.
 * Errors   an unknown place is no error: the record waits for its site
 * (sighting_batch.unplaced).
 */
#ifndef TQ_FEEDS_NEEDS_H
#define TQ_FEEDS_NEEDS_H

#include "model/sighting.h"

struct feed_site {
    struct site_id id;              /* 0: not known (yet) */
    const struct color_map *colors; /* the vendor's plate colours; NULL = GA/T 1400 */
};

struct feed_needs {
    void *ctx;
    /* The site of a tollgate or camera code. False: nobody knows it yet; the caller of
     * decode() makes it as "unplaced" and fills the rows named in the batch before they
     * are stored. */
    bool (*site)(void *ctx, struct span code, struct feed_site *out);
    /* Grows when an answer of site() may have changed; NULL = never. */
    uint64_t (*version)(void *ctx);
};

#endif
