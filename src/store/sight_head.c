/* SPDX-License-Identifier: Apache-2.0 */
/* The head. Chains are linked newest first and only ever grow at their front, so a
 * reader that loaded an older front, or skips rows at or past its n, walks a consistent
 * past. */
#include "store/sight_head.h"

#include "core/hash.h"

#include <stdatomic.h>
#include <stdlib.h>

static size_t
power_of_two(size_t n)
{
    size_t p = 1024;
    while (p < n)
        p *= 2;
    return p;
}

struct head *
head_new(size_t cap)
{
    struct head *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    size_t slots = power_of_two(cap), sites = 4096;
    atomic_init(&h->refs, 1);
    h->cap = cap;
    h->mask = slots - 1;
    h->site_mask = sites - 1;
    h->rows = malloc(cap * sizeof *h->rows);
    h->next_plate = malloc(cap * sizeof *h->next_plate);
    h->next_site = malloc(cap * sizeof *h->next_site);
    h->next_key = malloc(cap * sizeof *h->next_key);
    h->plate_slot = malloc(slots * sizeof *h->plate_slot);
    h->site_slot = malloc(sites * sizeof *h->site_slot);
    h->key_slot = malloc(slots * sizeof *h->key_slot);
    h->min_ms = INT64_MAX;
    arena_init(&h->texts, SIZE_MAX / 4);
    if (!h->rows || !h->next_plate || !h->next_site || !h->next_key || !h->plate_slot ||
        !h->site_slot || !h->key_slot) {
        head_unref(h);
        return NULL;
    }
    for (size_t i = 0; i < slots; i++)
        atomic_init(&h->plate_slot[i], HEAD_END);
    for (size_t i = 0; i < sites; i++)
        atomic_init(&h->site_slot[i], HEAD_END);
    for (size_t i = 0; i < slots; i++)
        atomic_init(&h->key_slot[i], HEAD_END);
    return h;
}

struct head *
head_ref(struct head *h)
{
    atomic_fetch_add(&h->refs, 1);
    return h;
}

void
head_unref(struct head *h)
{
    if (!h || atomic_fetch_sub(&h->refs, 1) != 1)
        return;
    free(h->rows);
    free(h->next_plate);
    free(h->next_site);
    free(h->next_key);
    free((void *)h->plate_slot);
    free((void *)h->site_slot);
    free((void *)h->key_slot);
    arena_release(&h->texts);
    free(h);
}

static uint64_t
key_owner(const struct sighting *s)
{
    return s->device.v ? s->device.v : UINT64_C(1) << 32 | s->site.v;
}

uint64_t
head_key(const struct sighting *s)
{
    return hash_pair(hash_span(s->record_id, key_owner(s)), (uint64_t)s->pass_ms);
}

bool
head_same_key(const struct sighting *a, const struct sighting *b)
{
    return a->pass_ms == b->pass_ms && key_owner(a) == key_owner(b) &&
           span_eq(a->record_id, b->record_id);
}

const struct sighting *
head_find_key(const struct head *h, const struct sighting *s, size_t n)
{
    size_t k = head_key(s) & h->mask;
    uint32_t i = atomic_load_explicit(&h->key_slot[k], memory_order_acquire);
    for (; i != HEAD_END; i = h->next_key[i])
        if (i < n && head_same_key(&h->rows[i], s))
            return &h->rows[i];
    return NULL;
}

const char *
head_differs(const struct sighting *a, const struct sighting *b)
{
    const uint8_t kept = (uint8_t)~SIGHTING_LATE;
    if (a->plate.v != b->plate.v || !span_eq(a->plate_text, b->plate_text))
        return "plate";
    if (a->site.v != b->site.v)
        return "site";
    if (a->plate_color != b->plate_color)
        return "plate_color";
    if (a->vehicle_class != b->vehicle_class)
        return "vehicle_class";
    if (a->vehicle_color != b->vehicle_color)
        return "vehicle_color";
    if (a->brand != b->brand)
        return "brand";
    if (a->lane != b->lane)
        return "lane";
    if (a->direction != b->direction)
        return "direction";
    if (a->speed_dkmh != b->speed_dkmh)
        return "speed_kmh";
    if (a->confidence != b->confidence)
        return "confidence";
    if ((a->flags & kept) != (b->flags & kept))
        return "flags";
    if (!span_starts(a->image, SPAN("pack:")) && !span_eq(a->image, b->image))
        return "image";
    return NULL;
}

static bool
copy_text(struct head *h, struct span *s)
{
    if (!s->n) {
        *s = (struct span){"", 0};
        return true;
    }
    *s = arena_span(&h->texts, *s);
    return s->p;
}

bool
head_put(struct head *h, const struct sighting *s, size_t at)
{
    if (at >= h->cap)
        return false;
    struct sighting *r = &h->rows[at];
    *r = *s;
    if (!copy_text(h, &r->record_id) || !copy_text(h, &r->image) ||
        !copy_text(h, &r->plate_text))
        return false;
    uint32_t i = (uint32_t)at;
    size_t p = hash_u64(s->plate.v) & h->mask, q = s->site.v & h->site_mask;
    size_t k = head_key(s) & h->mask;
    h->next_plate[at] = atomic_load_explicit(&h->plate_slot[p], memory_order_relaxed);
    h->next_site[at] = atomic_load_explicit(&h->site_slot[q], memory_order_relaxed);
    h->next_key[at] = atomic_load_explicit(&h->key_slot[k], memory_order_relaxed);
    atomic_store_explicit(&h->plate_slot[p], i, memory_order_release);
    atomic_store_explicit(&h->site_slot[q], i, memory_order_release);
    atomic_store_explicit(&h->key_slot[k], i, memory_order_release);
    if (s->pass_ms < atomic_load_explicit(&h->min_ms, memory_order_relaxed))
        atomic_store_explicit(&h->min_ms, s->pass_ms, memory_order_relaxed);
    return true;
}

void
head_publish(struct head *h, size_t n)
{
    atomic_store_explicit(&h->n, n, memory_order_release);
}

static uint32_t
below(const uint32_t *next, uint32_t i, size_t n)
{
    while (i != HEAD_END && i >= n)
        i = next[i];
    return i;
}

uint32_t
head_first_plate(const struct head *h, uint64_t plate, size_t n)
{
    size_t p = hash_u64(plate) & h->mask;
    return below(
        h->next_plate, atomic_load_explicit(&h->plate_slot[p], memory_order_acquire),
        n);
}

uint32_t
head_first_site(const struct head *h, uint32_t site, size_t n)
{
    size_t q = site & h->site_mask;
    return below(
        h->next_site, atomic_load_explicit(&h->site_slot[q], memory_order_acquire), n);
}
