/* SPDX-License-Identifier: Apache-2.0 */
/* import_mark.h - where an import that is cut off goes on. Rows are read well ahead of
 * what is durable, so spots of the file are kept while they are read, and the mark on
 * the disk is the last of them before which every row is settled (sight_bulk_settled()).
 *
 *   read: spot, spot, spot, ...   settled: the spots up to there go; the last is the mark
 *
 * Owner    part of the import.
 * Threads  the import's.
 * See      import_mark_test.c, tests/scenario/import.test.mjs.
 */
#ifndef TQ_DAEMON_IMPORT_MARK_H
#define TQ_DAEMON_IMPORT_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMPORT_SPOTS 64u

/* A place between two records: so many rows were handed on before it. */
struct import_spot {
    uint64_t rows, offset, line;
};

struct import_spots {
    struct import_spot spot[IMPORT_SPOTS]; /* as they stand in the file */
    size_t n;
};

/* The file is read up to there. When there is no room for another spot the newest one
 * moves on; those before it are settled in time. */
void import_spots_put(struct import_spots *s, struct import_spot read);
/* The last spot with no more than `rows` rows before it, which goes with all before it;
 * false: there is none. */
bool
import_spots_settle(struct import_spots *s, uint64_t rows, struct import_spot *out);

#endif
