/* SPDX-License-Identifier: Apache-2.0 */
/* The exact plates lie sorted, with an open-addressing table in front of them and a bit
 * filter in front of that: of a hundred thousand passes nearly all end at one bit in
 * the second-level cache. Patterns are bucketed by their first two characters when
 * those are literal. */
#include "model/watch.h"

#include <stdlib.h>

#include "core/hash.h"

#define BUCKETS (1u << 14) /* two characters of 7 bits */

struct slot {
    uint64_t plate;    /* 0 = empty */
    uint32_t first, n; /* in `exact` */
};

struct watch_set {
    uint32_t refs; /* atomic */
    uint64_t version;
    size_t n;
    struct watch *rows;
    const struct watch **exact; /* by plate, then id */
    size_t exact_n;
    struct slot *slots;
    uint64_t slot_mask;
    uint64_t *filter;
    uint64_t filter_mask; /* of bit numbers */
    const struct watch *
        *wild; /* by bucket; the last bucket holds those without two literals */
    size_t wild_n;
    uint32_t *bucket; /* BUCKETS + 2 starts in `wild` */
};

static unsigned
bucket_of(uint64_t v)
{
    return (unsigned)(v >> 49) & (BUCKETS - 1);
}

static unsigned
bucket_of_pattern(const struct plate_pattern *p)
{
    bool two = bucket_of(p->lo.v) == bucket_of(p->hi.v) && plate_at(p->lo, 1) != 0;
    return two ? bucket_of(p->lo.v) : BUCKETS;
}

static int
by_plate(const void *a, const void *b)
{
    const struct watch *x = *(const struct watch *const *)a;
    const struct watch *y = *(const struct watch *const *)b;
    if (x->pattern.lo.v != y->pattern.lo.v)
        return x->pattern.lo.v < y->pattern.lo.v ? -1 : 1;
    return x->id.v < y->id.v ? -1 : x->id.v > y->id.v;
}

static int
by_bucket(const void *a, const void *b)
{
    const struct watch *x = *(const struct watch *const *)a;
    const struct watch *y = *(const struct watch *const *)b;
    unsigned p = bucket_of_pattern(&x->pattern), q = bucket_of_pattern(&y->pattern);
    if (p != q)
        return p < q ? -1 : 1;
    return x->id.v < y->id.v ? -1 : x->id.v > y->id.v;
}

static size_t
pow2_above(size_t n)
{
    size_t p = 64;
    while (p < n)
        p *= 2;
    return p;
}

static void
index_exact(struct watch_set *s)
{
    for (size_t i = 0; i < s->exact_n;) {
        uint64_t v = s->exact[i]->pattern.lo.v, h = hash_u64(v);
        size_t end = i;
        while (end < s->exact_n && s->exact[end]->pattern.lo.v == v)
            end++;
        uint64_t at = h & s->slot_mask;
        while (s->slots[at].plate)
            at = (at + 1) & s->slot_mask;
        s->slots[at] = (struct slot){v, (uint32_t)i, (uint32_t)(end - i)};
        uint64_t bit = (h >> 32) & s->filter_mask;
        s->filter[bit / 64] |= UINT64_C(1) << bit % 64;
        i = end;
    }
}

static void
index_wild(struct watch_set *s)
{
    for (size_t i = 0; i < s->wild_n; i++)
        s->bucket[bucket_of_pattern(&s->wild[i]->pattern) + 1]++;
    for (unsigned b = 0; b <= BUCKETS; b++)
        s->bucket[b + 1] += s->bucket[b];
}

/* Splits the approved rows into exact and wild. A plate of zero (no plate) is never
 * watched. */
static void
sort_rows(struct watch_set *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct watch *w = &s->rows[i];
        if (w->state != WATCH_APPROVED)
            continue;
        if (!w->pattern.exact)
            s->wild[s->wild_n++] = w;
        else if (w->pattern.lo.v)
            s->exact[s->exact_n++] = w;
    }
    qsort(s->exact, s->exact_n, sizeof *s->exact, by_plate);
    qsort(s->wild, s->wild_n, sizeof *s->wild, by_bucket);
}

struct watch_set *
watch_set_new(const struct watch *rows, size_t n, uint64_t version)
{
    if (n > UINT32_MAX / 4)
        return NULL;
    struct watch_set *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    size_t slots = pow2_above(2 * n), bits = pow2_above(16 * n);
    s->refs = 1;
    s->version = version;
    s->n = n;
    s->rows = malloc((n ? n : 1) * sizeof *s->rows);
    s->exact = malloc((n ? n : 1) * sizeof *s->exact);
    s->wild = malloc((n ? n : 1) * sizeof *s->wild);
    s->slots = calloc(slots, sizeof *s->slots);
    s->filter = calloc(bits / 64, sizeof *s->filter);
    s->bucket = calloc(BUCKETS + 2, sizeof *s->bucket);
    if (!s->rows || !s->exact || !s->wild || !s->slots || !s->filter || !s->bucket) {
        watch_set_unref(s);
        return NULL;
    }
    if (n)
        memcpy(s->rows, rows, n * sizeof *rows);
    s->slot_mask = slots - 1;
    s->filter_mask = bits - 1;
    sort_rows(s);
    index_exact(s);
    index_wild(s);
    return s;
}

struct watch_set *
watch_set_ref(struct watch_set *s)
{
    if (s)
        __atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
    return s;
}

void
watch_set_unref(struct watch_set *s)
{
    if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    free(s->rows);
    free(s->exact);
    free(s->wild);
    free(s->slots);
    free(s->filter);
    free(s->bucket);
    free(s);
}

uint64_t
watch_set_version(const struct watch_set *s)
{
    return s->version;
}

size_t
watch_set_count(const struct watch_set *s)
{
    return s->n;
}

const struct watch *
watch_set_at(const struct watch_set *s, size_t i)
{
    return i < s->n ? &s->rows[i] : NULL;
}

size_t
watch_set_exact(
    const struct watch_set *s, struct plate p, const struct watch **out, size_t cap)
{
    uint64_t h = hash_u64(p.v), bit = (h >> 32) & s->filter_mask;
    if (p.v == 0 || !(s->filter[bit / 64] >> bit % 64 & 1))
        return 0;
    for (uint64_t at = h & s->slot_mask; s->slots[at].plate;
         at = (at + 1) & s->slot_mask) {
        if (s->slots[at].plate != p.v)
            continue;
        for (size_t i = 0; i < s->slots[at].n && i < cap; i++)
            out[i] = s->exact[s->slots[at].first + i];
        return s->slots[at].n;
    }
    return 0;
}

static size_t
match_bucket(
    const struct watch_set *s, unsigned b, struct plate p, const struct watch **out,
    size_t found, size_t cap)
{
    for (uint32_t i = s->bucket[b]; i < s->bucket[b + 1]; i++) {
        const struct plate_pattern *pat = &s->wild[i]->pattern;
        if (p.v < pat->lo.v || p.v > pat->hi.v || !plate_pattern_match(pat, p))
            continue;
        if (found < cap)
            out[found] = s->wild[i];
        found++;
    }
    return found;
}

size_t
watch_set_wild(
    const struct watch_set *s, struct plate p, const struct watch **out, size_t cap)
{
    if (s->wild_n == 0 || p.v == 0 || plate_is_hashed(p))
        return 0;
    size_t found = match_bucket(s, bucket_of(p.v), p, out, 0, cap);
    return match_bucket(s, BUCKETS, p, out, found, cap);
}

/* Position of the only character that differs; 0 when there is none or more than one.
 */
static unsigned
only_miss(const struct plate_pattern *pat, struct plate p, unsigned length)
{
    unsigned miss = 0;
    if (pat->n != length)
        return 0;
    for (unsigned i = 0; i < length; i++) {
        if (pat->code[i] == PLATE_CODE_UNREAD || pat->code[i] == plate_at(p, i))
            continue;
        if (miss || i < 2 || pat->code[i] == 127)
            return 0;
        miss = i;
    }
    return miss;
}

size_t
watch_set_near(
    const struct watch_set *s, struct plate p, struct watch_near *out, size_t cap)
{
    if (s->wild_n == 0 || p.v == 0 || plate_is_hashed(p))
        return 0;
    unsigned b = bucket_of(p.v), length = plate_length(p);
    size_t found = 0;
    for (uint32_t i = s->bucket[b]; i < s->bucket[b + 1]; i++) {
        unsigned at = only_miss(&s->wild[i]->pattern, p, length);
        if (!at)
            continue;
        if (found < cap)
            out[found] = (struct watch_near){s->wild[i], (uint8_t)at};
        found++;
    }
    return found;
}
