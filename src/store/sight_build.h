/* SPDX-License-Identifier: Apache-2.0 */
/* sight_build.h - rows in any order become the segments of their civil days: one
 * vehicle run and one place segment a day.
 *
 * Owner    the list of built segments belongs to the caller (seg_unref).
 * Threads  pure but for its files.
 * Errors   ERR_IO, ERR_FULL, ERR_NOMEM: then nothing was kept (files are left for the
 * sweeper).
 * See      tests in sight_test.c.
 */
#ifndef TQ_STORE_SIGHT_BUILD_H
#define TQ_STORE_SIGHT_BUILD_H

#include "store/sight_place.h"

#define SEG_LIST_MAX 1024u

/* Segments in the making or to be taken out. */
struct seg_list {
    struct seg **p;
    size_t n, room;
};
bool seg_list_add(struct seg_list *l, struct seg *s); /* takes the reference */
void seg_list_release(struct seg_list *l);            /* drops the references */

struct build_env {
    struct os_fs *fs;
    const char *dir; /* of the segments */
    const struct zone *zone;
    uint64_t (*next_seq)(void *arg); /* numbers for new files */
    void *arg;
};

/* Path of a segment file into dst[OS_PATH]. */
void build_path(char *dst, const char *dir, unsigned kind, uint64_t seq);
/* Removes a file that no manifest names; the sweeper at the next start is the second
 * try. */
void build_discard(struct os_fs *fs, const char *path);
/* Opens and prepares the segment of that number. */
enum err build_open(
    const struct build_env *env, unsigned kind, uint64_t seq, struct seg **out,
    struct note *note) MUST_USE;

/* Working memory of one builder, 100 bytes a row of the largest call so far. */
struct build_room;
struct build_room *build_room_new(void); /* NULL without memory */
void build_room_free(struct build_room *room);

/* Rows i of the n whose gone[i] is set are left out (gone may be NULL). The bytes
 * depend on the rows and the numbers of the files alone. */
enum err build_rows(
    const struct build_env *env, struct build_room *room, const struct sighting *rows,
    const uint8_t *gone, size_t n, struct seg_list *out, struct note *note) MUST_USE;

#endif
