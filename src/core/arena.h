/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - memory of one batch, request or tick: many small takes, one reset.
 *
 * Units    bytes. The cap bounds what one arena may hold.
 * Owner    the caller; arena_release() returns all blocks, safe on a zeroed arena and
 * twice.
 * Threads  one arena, one thread.
 * Errors   arena_take() answers NULL past the cap or without memory; the caller says
 * ERR_TOOBIG.
 */
#ifndef TQ_CORE_ARENA_H
#define TQ_CORE_ARENA_H

#include "core/span.h"

struct arena_block;

struct arena {
    struct arena_block *head; /* current block; older ones behind it */
    size_t used, room;        /* of the current block */
    size_t held, cap;         /* bytes in all blocks; the limit */
};

void arena_init(struct arena *a, size_t cap);
void arena_release(struct arena *a);
/* Forgets everything taken and keeps the largest block for the next round. */
void arena_reset(struct arena *a);

/* n zeroed bytes aligned for any type; NULL past the cap. */
void *arena_take(struct arena *a, size_t n);
/* The same, not zeroed: the caller writes all of them. */
void *arena_raw(struct arena *a, size_t n);
/* count zeroed elements; NULL past the cap or when count * size overflows. */
void *arena_array(struct arena *a, size_t count, size_t size);
/* A copy of s, NUL-terminated behind its length; .p is NULL past the cap. */
struct span arena_span(struct arena *a, struct span s);
/* printf into the arena; .p is NULL past the cap. */
struct span arena_fmt(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define ARENA_NEW(a, type) ((type *)arena_take((a), sizeof(type)))

#endif
