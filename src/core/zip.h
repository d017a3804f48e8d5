/* SPDX-License-Identifier: Apache-2.0 */
/* zip.h - writes a ZIP archive of stored (uncompressed) entries into memory: names in
 * UTF-8, one time for all entries, nothing that depends on the machine.
 *
 * Units    at_ms is written as civil time of the zone given; DOS time has two seconds.
 * Owner    the buffers are the caller's; zip_release() frees the list of entries.
 * Threads  one a writer.
 * Errors   none of its own: buf.bad tells of memory. Entries and archive below 4 GiB.
 * See      PKWARE APPNOTE 6.3, sections 4.3 and 4.4.
 */
#ifndef TQ_CORE_ZIP_H
#define TQ_CORE_ZIP_H

#include "core/civil.h"
#include "core/cur.h"

struct zip {
    struct buf *out;
    struct buf list; /* the central directory */
    uint16_t n, date, time;
};
void zip_init(struct zip *z, struct buf *out, ts_ms at, const struct zone *zone);
/* Names are unique and relative; the caller's business. */
void zip_add(struct zip *z, const char *name, struct span bytes);
void zip_end(struct zip *z);     /* writes the directory */
void zip_release(struct zip *z); /* safe on zeroed */

#endif
