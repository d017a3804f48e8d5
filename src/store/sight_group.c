/* SPDX-License-Identifier: Apache-2.0 */
/* Keys are rank << (time + site bits) | time << site bits | site index. Rows come site
 * by site in time order and the scatter keeps that order, so a plate's few keys are
 * almost sorted: short ones are sorted by insertion, long ones by radix. */
#include "store/sight_group.h"

#include <stdatomic.h>
#include <stdlib.h>

#define PART_ROWS 4096u /* keys of one part, about: half of a first-level cache */
#define INSERT_ROWS 24u /* up to here insertion is the fastest */
#define DIGIT_BITS 9u
#define ASK_EVERY 65536u

struct group_of {
    struct seg *seg;
    uint64_t *key; /* by part, then sorted part by part */
    uint64_t *spare;
    size_t n, *start; /* start[parts + 1] */
    unsigned parts, shift, site_bits, time_bits;
    size_t part, i, end; /* the open part */
    uint32_t *site;      /* by site index */
    ts_ms *at;           /* of the group handed out */
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
    free(g->key);
    free(g->spare);
    free(g->start);
    free(g->site);
    free(g->at);
    free(g->where);
    free(g);
}

/* ---- rows to keys ---- */

struct gather {
    struct group_of *g;
    ts_ms from, to;
    bool (*go_on)(void *arg);
    void *arg;
    uint64_t time[COL_ROWS], rank[COL_ROWS];
};

/* Adds the rows [row, end) of one block and one site; *t runs along. */
static bool
gather_rows(
    struct gather *w, unsigned from, unsigned n, bool first, uint64_t site, ts_ms *t)
{
    struct group_of *g = w->g;
    uint64_t ranks = g->seg->table[PLACE_PLATES].rows;
    ts_ms min = g->seg->meta.min_ms, max = g->seg->meta.max_ms;
    for (unsigned i = from; i < from + n; i++) {
        bool whole = i == 0 || (first && i == from);
        *t = (ts_ms)((uint64_t)(whole ? min : *t) + w->time[i]);
        if (w->rank[i] >= ranks || *t < min || *t > max)
            return false;
        if (*t < w->from || *t >= w->to)
            continue;
        uint64_t at = (uint64_t)(*t - min) << g->site_bits | site;
        g->key[g->n++] = w->rank[i] << (g->time_bits + g->site_bits) | at;
    }
    return true;
}

static bool
gather_block(struct gather *w, size_t block)
{
    struct blk b;
    return seg_block(w->g->seg, PLACE_ROWS, block, &b) &&
           blk_values(w->g->seg, &b, PROW_TIME, w->time) &&
           blk_values(w->g->seg, &b, PROW_RANK, w->rank);
}

static enum err
gather_all(struct gather *w)
{
    size_t sites, block = SIZE_MAX;
    const struct place_site *site = place_sites(w->g->seg, &sites);
    for (size_t k = 0; k < sites; k++) {
        uint64_t row = site[k].row, end = row + site[k].rows;
        ts_ms t = 0;
        while (row < end) {
            if (row / COL_ROWS != block) {
                block = (size_t)(row / COL_ROWS);
                if (block * COL_ROWS % ASK_EVERY == 0 && !w->go_on(w->arg))
                    return ERR_TIMEOUT;
                if (!gather_block(w, block))
                    return ERR_CORRUPT;
            }
            unsigned from = (unsigned)(row % COL_ROWS);
            uint64_t n = end - row < COL_ROWS - from ? end - row : COL_ROWS - from;
            if (!gather_rows(w, from, (unsigned)n, row == site[k].row, k, &t)) {
                atomic_store(&w->g->seg->bad, true);
                return ERR_CORRUPT;
            }
            row += n;
        }
        w->g->site[k] = site[k].site;
    }
    return OK;
}

/* ---- parts ---- */

static bool
scatter(struct group_of *g)
{
    unsigned low = g->time_bits + g->site_bits;
    uint64_t ranks = g->seg->table[PLACE_PLATES].rows;
    g->shift = low;
    while ((ranks >> (g->shift - low)) * PART_ROWS > g->n + PART_ROWS)
        g->shift++;
    g->parts = (unsigned)(ranks >> (g->shift - low)) + 1;
    g->start = calloc((size_t)g->parts + 2, sizeof *g->start);
    g->spare = malloc((g->n ? g->n : 1) * sizeof *g->spare);
    if (!g->start || !g->spare)
        return false;
    size_t *at = g->start + 2; /* counts, then starts, then ends: one array */
    for (size_t i = 0; i < g->n; i++)
        at[g->key[i] >> g->shift]++;
    for (unsigned p = 1; p < g->parts; p++)
        at[p] += at[p - 1];
    at--;
    for (size_t i = 0; i < g->n; i++)
        g->spare[at[g->key[i] >> g->shift]++] = g->key[i];
    uint64_t *t = g->key;
    g->key = g->spare;
    g->spare = t;
    return true;
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

/* k[0..n) by bits [lo, hi), stable; spare has room for n. The result lies in k. */
static void
radix_sort(uint64_t *k, uint64_t *spare, size_t n, unsigned lo, unsigned hi)
{
    uint64_t *from = k, *to = spare;
    for (unsigned shift = lo; shift < hi; shift += DIGIT_BITS) {
        digit_pass(from, to, n, shift);
        uint64_t *t = from;
        from = to;
        to = t;
    }
    if (from != k)
        memcpy(k, from, n * sizeof *k);
}

/* A part by rank first, then each plate's keys by time: ties keep the order of sites.
 */
static void
sort_part(struct group_of *g, size_t from, size_t to)
{
    unsigned low = g->time_bits + g->site_bits;
    uint64_t *k = g->key;
    if (to - from > 1)
        radix_sort(k + from, g->spare, to - from, low, g->shift);
    for (size_t i = from, end; i < to; i = end) {
        for (end = i + 1; end < to && k[end] >> low == k[i] >> low;)
            end++;
        if (end - i <= INSERT_ROWS)
            insertion(k + i, end - i);
        else
            radix_sort(k + i, g->spare, end - i, g->site_bits, low);
    }
}

enum err
group_new(
    struct seg *s, ts_ms from, ts_ms to, bool (*go_on)(void *arg), void *arg,
    struct group_of **out)
{
    unsigned rank;
    size_t sites;
    struct group_of *g = calloc(1, sizeof *g);
    struct gather *w = malloc(sizeof *w);
    enum err e = g && w ? OK : ERR_NOMEM;
    if (e == OK) {
        g->seg = s;
        key_bits(s, &rank, &g->time_bits, &g->site_bits);
        (void)place_sites(s, &sites);
        g->site = malloc((sites ? sites : 1) * sizeof *g->site);
        g->key = malloc((size_t)(s->meta.rows ? s->meta.rows : 1) * sizeof *g->key);
        e = g->site && g->key ? OK : ERR_NOMEM;
    }
    if (e == OK) {
        *w =
            (struct gather){.g = g, .from = from, .to = to, .go_on = go_on, .arg = arg};
        e = gather_all(w);
    }
    if (e == OK && !scatter(g))
        e = ERR_NOMEM;
    free(w);
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

bool
group_next(struct group_of *g, struct group *out)
{
    unsigned low = g->time_bits + g->site_bits;
    for (;;) {
        while (g->i == g->end && g->part < g->parts) {
            g->i = g->start[g->part];
            g->end = g->start[++g->part];
            sort_part(g, g->i, g->end);
        }
        if (g->i == g->end)
            return false;
        const uint64_t *k = g->key + g->i;
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
            g->at[i] = g->seg->meta.min_ms + (ts_ms)(k[i] >> g->site_bits & time);
            g->where[i] = g->site[k[i] & site];
        }
        out->at = g->at;
        out->site = g->where;
        out->n = n;
        return true;
    }
}

enum err
group_error(const struct group_of *g)
{
    return g->err;
}
