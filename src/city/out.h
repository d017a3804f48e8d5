/* SPDX-License-Identifier: Apache-2.0 */
/* out.h - a text file being written: CSV and GeoJSON of a city.
 *
 * Owner    out_open() opens; out_close() flushes, closes and says whether everything
 * was written.
 * Errors   the first failure sticks and is told by out_close().
 */
#ifndef TQ_CITY_OUT_H
#define TQ_CITY_OUT_H

#include <stdio.h>

#include "core/cur.h"
#include "core/err.h"

struct out {
    FILE *f;
    struct buf b;
    char path[512];
    bool failed;
};

/* dir/name; ERR_IO with the path in the note. */
enum err
out_open(struct out *o, const char *dir, const char *name, struct note *note) MUST_USE;
/* Called after each row: hands full buffers on. */
void out_row(struct out *o);
/* Safe on zeroed. */
enum err out_close(struct out *o, struct note *note) MUST_USE;
/* The same where somebody else has already failed. */
void out_drop(struct out *o);
/* A 1e-7 degree number: "112.5500000". */
void out_e7(struct out *o, int32_t v);

#endif
