/* SPDX-License-Identifier: Apache-2.0 */
/* Keys are rank << (time + site bits) | time << site bits | site index. Rows come site
 * by site in time order and the scatter keeps that order, so a plate's few keys are
 * almost sorted: short ones are sorted by insertion, long ones by radix. */
#include "store/sight_group.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#define PART_ROWS 4096u /* keys of one part, about: half of a first-level cache */
#define INSERT_ROWS 24u /* up to here insertion is the fastest */
#define DIGIT_BITS 9u
#define ASK_EVERY 65536u

/* Keys made by one thread: of sites [lo, hi). */
struct half {
    struct group_of *g;
    size_t lo, hi;
    size_t from, n; /* its keys: key[from, from + n) */
    size_t *at;     /* by part: how many, then where the next one goes */
    bool asks;      /* on the asker's thread */
    enum err err;
    uint64_t time[COL_ROWS], rank[COL_ROWS];
};

struct group_of {
    struct seg *seg;
    struct pair *pair;
    ts_ms min;
    uint64_t from, span; /* of the window, since min: [from, from + span) */
    bool (*go_on)(void *arg);
    void *arg;
    struct half *half[2];
    _Atomic bool stop;
    uint64_t *key;   /* as made */
    uint64_t *spare; /* by part */
    uint64_t *final; /* one of these two: parts sorted */
    size_t *start;   /* start[parts + 1] */
    unsigned parts, shift, site_bits, time_bits;
    /* sorting: whoever claims a part sorts it */
    _Atomic unsigned claimed;
    _Atomic uint8_t *sorted; /* by part */
    bool beside;             /* the second thread sorts too */
    unsigned part;           /* the open one is before it */
    size_t i, end;
    uint32_t *site; /* by site index */
    ts_ms *at;      /* of the group handed out */
    uint32_t *where;
    size_t room;
    struct place_rows rows; /* for the plates of ranks */
    enum err err;
};

static unsigned
bits_for(uint64_t largest)
{
    return largest ? 64u - (unsigned)__builtin_clzll(largest) : 0;
}

static void
key_bits(const struct seg *s, unsigned *rank, unsigned *time, unsigned *site)
{
    size_t sites;
    (void)place_sites(s, &sites);
    *rank = bits_for(s->table[PLACE_PLATES].rows);
    *time = bits_for((uint64_t)(s->meta.max_ms - s->meta.min_ms));
    *site = bits_for(sites);
}

bool
group_possible(const struct seg *s)
{
    unsigned rank, time, site;
    key_bits(s, &rank, &time, &site);
    return rank + time + site <= 64 && s->meta.rows < UINT32_MAX;
}

void
group_free(struct group_of *g)
{
    if (!g)
        return;
    atomic_store(&g->claimed, g->parts);
    if (g->beside)
        pair_end(g->pair);
    for (unsigned k = 0; k < 2; k++) {
        if (g->half[k])
            free(g->half[k]->at);
        free(g->half[k]);
    }
    free(g->key);
    free(g->spare);
    free(g->start);
    free((void *)g->sorted);
    free(g->site);
    free(g->at);
    free(g->where);
    free(g);
}

/* ---- rows to keys ---- */

/* Adds rows [from, from + n) of one block and one site; *since, the time of the row
 * before since the segment's least, runs along. */
static bool
gather_rows(struct half *h, unsigned from, unsigned n, uint64_t site, uint64_t *since)
{
    struct group_of *g = h->g;
    uint64_t ranks = g->seg->table[PLACE_PLATES].rows, worst = 0, t = *since;
    uint64_t most = (uint64_t)(g->seg->meta.max_ms - g->min);
    uint64_t *key = g->key + h->from + h->n;
    size_t k = 0;
    for (unsigned i = from; i < from + n; i++) {
        t += h->time[i];
        worst |= (uint64_t)(h->rank[i] >= ranks) | (uint64_t)(t > most);
        key[k] = h->rank[i] << (g->time_bits + g->site_bits) | t << g->site_bits | site;
        k += t - g->from < g->span;
    }
    if (worst)
        return false;
    for (size_t i = 0; i < k; i++)
        h->at[key[i] >> g->shift]++;
    h->n += k;
    *since = t;
    return true;
}

static bool
gather_block(struct half *h, size_t block)
{
    struct blk b;
    return seg_block(h->g->seg, PLACE_ROWS, block, &b) &&
           blk_values(h->g->seg, &b, PROW_TIME, h->time) &&
           blk_values(h->g->seg, &b, PROW_RANK, h->rank);
}

/* Is there time left? What one thread learns stops the other. */
static bool
half_goes_on(struct half *h)
{
    if (h->asks && !h->g->go_on(h->g->arg))
        atomic_store(&h->g->stop, true);
    return !atomic_load(&h->g->stop);
}

static enum err
gather_site(struct half *h, const struct place_site *site, size_t index, size_t *block)
{
    uint64_t row = site->row, end = row + site->rows, since = 0;
    while (row < end) {
        if (row / COL_ROWS != *block) {
            *block = (size_t)(row / COL_ROWS);
            if (*block * COL_ROWS % ASK_EVERY == 0 && !half_goes_on(h))
                return ERR_TIMEOUT;
            if (!gather_block(h, *block))
                return ERR_CORRUPT;
        }
        unsigned from = (unsigned)(row % COL_ROWS);
        uint64_t n = end - row < COL_ROWS - from ? end - row : COL_ROWS - from;
        since = from ? since : 0; /* a block begins anew */
        if (!gather_rows(h, from, (unsigned)n, index, &since)) {
            atomic_store(&h->g->seg->bad, true);
            return ERR_CORRUPT;
        }
        row += n;
    }
    h->g->site[index] = site->site;
    return OK;
}

static void
gather(void *arg)
{
    struct half *h = arg;
    size_t sites, block = SIZE_MAX;
    const struct place_site *site = place_sites(h->g->seg, &sites);
    for (size_t k = h->lo; k < h->hi && h->err == OK; k++)
        h->err = gather_site(h, &site[k], k, &block);
}

/* ---- parts ---- */

static void
scatter(void *arg)
{
    const struct half *h = arg;
    const struct group_of *g = h->g;
    const uint64_t *key = g->key + h->from;
    for (size_t i = 0; i < h->n; i++)
        g->spare[h->at[key[i] >> g->shift]++] = key[i];
}

/* Counts of both halves become the places where their keys go: the first half's before
 * the second's, which keeps the order of sites. */
static void
place_parts(struct group_of *g)
{
    size_t at = 0;
    for (unsigned p = 0; p < g->parts; p++) {
        g->start[p] = at;
        for (unsigned k = 0; k < 2; k++) {
            size_t n = g->half[k]->at[p];
            g->half[k]->at[p] = at;
            at += n;
        }
    }
    g->start[g->parts] = at;
}

static void
insertion(uint64_t *k, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint64_t v = k[i];
        size_t j = i;
        for (; j > 0 && k[j - 1] > v; j--)
            k[j] = k[j - 1];
        k[j] = v;
    }
}

/* One stable pass by the digit at `shift`. */
static void
digit_pass(const uint64_t *from, uint64_t *to, size_t n, unsigned shift)
{
    uint32_t count[(1u << DIGIT_BITS) + 1] = {0};
    const uint64_t mask = (1u << DIGIT_BITS) - 1;
    for (size_t i = 0; i < n; i++)
        count[(from[i] >> shift & mask) + 1]++;
    for (unsigned d = 1; d <= mask; d++)
        count[d] += count[d - 1];
    for (size_t i = 0; i < n; i++)
        to[count[from[i] >> shift & mask]++] = from[i];
}

/* from[0..n) by bits [lo, hi), stable; answers where the result lies: from or to. */
static uint64_t *
radix_sort(uint64_t *from, uint64_t *to, size_t n, unsigned lo, unsigned hi)
{
    for (unsigned shift = lo; shift < hi; shift += DIGIT_BITS) {
        digit_pass(from, to, n, shift);
        uint64_t *t = from;
        from = to;
        to = t;
    }
    return from;
}

/* A part by rank first, then each plate's keys by time: ties keep the order of sites.
 */
static void
sort_part(struct group_of *g, unsigned part)
{
    unsigned low = g->time_bits + g->site_bits;
    size_t from = g->start[part], n = g->start[part + 1] - from;
    uint64_t *k = radix_sort(g->spare + from, g->key + from, n, low, g->shift), *other;
    must(k == g->final + from);
    other = (g->final == g->key ? g->spare : g->key) + from;
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && k[end] >> low == k[i] >> low;)
            end++;
        if (end - i <= INSERT_ROWS)
            insertion(k + i, end - i);
        else if (radix_sort(k + i, other + i, end - i, g->site_bits, low) != k + i)
            memcpy(k + i, other + i, (end - i) * sizeof *k);
    }
    atomic_store_explicit(&g->sorted[part], 1, memory_order_release);
}

static bool
sort_next(struct group_of *g)
{
    unsigned part = atomic_fetch_add(&g->claimed, 1);
    if (part >= g->parts) {
        atomic_store(&g->claimed, g->parts);
        return false;
    }
    sort_part(g, part);
    return true;
}

static void
sort_ahead(void *arg)
{
    while (sort_next(arg))
        ;
}

/* ---- making it ---- */

/* Sites in two halves of about as many rows. */
static bool
halves(struct group_of *g)
{
    size_t sites, k = 0, rows = (size_t)g->seg->meta.rows;
    const struct place_site *site = place_sites(g->seg, &sites);
    while (k < sites && site[k].row < rows / 2)
        k++;
    for (unsigned i = 0; i < 2; i++) {
        struct half *h = malloc(sizeof *h);
        if (!h)
            return false;
        g->half[i] = h;
        h->g = g;
        h->lo = i ? k : 0;
        h->hi = i ? sites : k;
        h->from = i && k < sites ? (size_t)site[k].row : 0;
        h->n = 0;
        h->asks = !i;
        h->err = OK;
        h->at = calloc((size_t)g->parts + 1, sizeof *h->at);
        if (!h->at)
            return false;
    }
    g->site = malloc((sites ? sites : 1) * sizeof *g->site);
    return g->site;
}

static bool
group_memory(struct group_of *g)
{
    unsigned rank, low;
    uint64_t rows = g->seg->meta.rows, ranks = g->seg->table[PLACE_PLATES].rows;
    key_bits(g->seg, &rank, &g->time_bits, &g->site_bits);
    g->shift = low = g->time_bits + g->site_bits;
    while ((ranks >> (g->shift - low)) * PART_ROWS > rows + PART_ROWS)
        g->shift++;
    g->parts = (unsigned)(ranks >> (g->shift - low)) + 1;
    size_t room = (size_t)(rows ? rows : 1);
    g->key = malloc(room * sizeof *g->key);
    g->spare = malloc(room * sizeof *g->spare);
    g->start = malloc(((size_t)g->parts + 1) * sizeof *g->start);
    g->sorted = calloc(g->parts, sizeof *g->sorted);
    unsigned passes = (g->shift - low + DIGIT_BITS - 1) / DIGIT_BITS;
    g->final = passes % 2 ? g->key : g->spare;
    return g->key && g->spare && g->start && g->sorted && halves(g);
}

static enum err
group_make(struct group_of *g)
{
    struct half *own = g->half[0], *other = g->half[1];
    bool beside = pair_begin(g->pair, gather, other);
    gather(own);
    if (own->err != OK)
        atomic_store(&g->stop, true);
    if (beside) {
        pair_end(g->pair);
    } else if (own->err == OK) {
        other->asks = true;
        gather(other);
    }
    if (own->err != OK || other->err != OK)
        return own->err != OK ? own->err : other->err;
    place_parts(g);
    pair_both(g->pair, scatter, own, other);
    g->beside = pair_begin(g->pair, sort_ahead, g);
    return OK;
}

enum err
group_new(
    struct seg *s, struct pair *pair, ts_ms from, ts_ms to, bool (*go_on)(void *arg),
    void *arg, struct group_of **out)
{
    struct group_of *g = calloc(1, sizeof *g);
    if (!g)
        return ERR_NOMEM;
    g->seg = s;
    g->pair = s->meta.rows > ASK_EVERY ? pair : NULL;
    g->min = s->meta.min_ms;
    from = from > g->min ? from : g->min;
    to = to <= s->meta.max_ms ? to : s->meta.max_ms + 1;
    g->from = (uint64_t)(from - g->min);
    g->span = to > from ? (uint64_t)(to - from) : 0;
    g->go_on = go_on;
    g->arg = arg;
    enum err e = group_memory(g) ? group_make(g) : ERR_NOMEM;
    if (e != OK) {
        group_free(g);
        return e;
    }
    place_rows_init(&g->rows, s);
    *out = g;
    return OK;
}

/* ---- handing out ---- */

static bool
group_room(struct group_of *g, size_t n)
{
    if (n <= g->room)
        return true;
    size_t room = g->room ? g->room * 2 : 256;
    while (room < n)
        room *= 2;
    ts_ms *at = realloc(g->at, room * sizeof *at);
    if (at)
        g->at = at;
    uint32_t *where = realloc(g->where, room * sizeof *where);
    if (where)
        g->where = where;
    if (!at || !where) {
        g->err = ERR_NOMEM;
        return false;
    }
    g->room = room;
    return true;
}

/* Opens the next part that is not empty; sorts on while another thread has it. */
static bool
part_open(struct group_of *g)
{
    while (g->i == g->end && g->part < g->parts) {
        while (!atomic_load_explicit(&g->sorted[g->part], memory_order_acquire))
            if (!sort_next(g))
                sched_yield();
        g->i = g->start[g->part];
        g->end = g->start[++g->part];
    }
    return g->i < g->end;
}

bool
group_next(struct group_of *g, struct group *out)
{
    unsigned low = g->time_bits + g->site_bits;
    while (part_open(g)) {
        const uint64_t *k = g->final + g->i;
        size_t n = 1;
        while (g->i + n < g->end && k[n] >> low == k[0] >> low)
            n++;
        g->i += n;
        if (!group_room(g, n))
            return false;
        if (!place_plate(&g->rows, k[0] >> low, &out->plate)) {
            g->err = ERR_CORRUPT;
            return false;
        }
        if (!out->plate)
            continue;
        uint64_t time = (UINT64_C(1) << g->time_bits) - 1;
        uint64_t site = (UINT64_C(1) << g->site_bits) - 1;
        for (size_t i = 0; i < n; i++) {
            g->at[i] = g->min + (ts_ms)(k[i] >> g->site_bits & time);
            g->where[i] = g->site[k[i] & site];
        }
        out->at = g->at;
        out->site = g->where;
        out->n = n;
        return true;
    }
    return false;
}

enum err
group_error(const struct group_of *g)
{
    return g->err;
}
