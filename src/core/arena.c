/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks double from 4 KiB; the newest serves, the older ones only wait for the reset.
 */
#include "core/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_BLOCK 4096u
#define ALIGN 16u

struct arena_block {
    struct arena_block *older;
    size_t size; /* usable bytes behind the head */
};

static unsigned char *
block_bytes(struct arena_block *b)
{
    return (unsigned char *)(b + 1);
}

void
arena_init(struct arena *a, size_t cap)
{
    *a = (struct arena){.cap = cap};
}

static void
free_chain(struct arena_block *b)
{
    while (b) {
        struct arena_block *older = b->older;
        free(b);
        b = older;
    }
}

void
arena_release(struct arena *a)
{
    free_chain(a->head);
    arena_init(a, a->cap);
}

void
arena_reset(struct arena *a)
{
    if (!a->head)
        return;
    free_chain(a->head->older);
    a->head->older = NULL;
    a->used = 0;
    a->held = a->head->size;
}

static bool
grow(struct arena *a, size_t need)
{
    size_t size = a->head ? a->head->size * 2 : FIRST_BLOCK;
    while (size < need)
        size *= 2;
    if (size > a->cap - a->held)
        size = need; /* near the cap: exactly what is asked */
    if (a->held > a->cap || size > a->cap - a->held)
        return false;
    struct arena_block *b = malloc(sizeof *b + size);
    if (!b)
        return false;
    *b = (struct arena_block){a->head, size};
    a->head = b;
    a->used = 0;
    a->room = size;
    a->held += size;
    return true;
}

void *
arena_raw(struct arena *a, size_t n)
{
    if (n > SIZE_MAX / 4)
        return NULL;
    size_t rounded = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (rounded == 0)
        rounded = ALIGN;
    if ((!a->head || a->room - a->used < rounded) && !grow(a, rounded))
        return NULL;
    void *p = block_bytes(a->head) + a->used;
    a->used += rounded;
    return p;
}

void *
arena_take(struct arena *a, size_t n)
{
    void *p = arena_raw(a, n);
    return p ? memset(p, 0, n) : NULL;
}

void *
arena_array(struct arena *a, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return arena_take(a, bytes);
}

struct span
arena_span(struct arena *a, struct span s)
{
    char *p = arena_raw(a, s.n + 1);
    if (!p)
        return (struct span){NULL, 0};
    p[s.n] = 0;
    if (s.n)
        memcpy(p, s.p, s.n);
    return (struct span){p, s.n};
}

struct span
arena_fmt(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = n < 0 ? NULL : arena_take(a, (size_t)n + 1);
    if (p)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return (struct span){p, p ? (size_t)n : 0};
}
