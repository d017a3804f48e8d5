/* SPDX-License-Identifier: Apache-2.0 */
/* One scan by vehicle a day packs the passes; from those the ways are laid down where
 * they begin. The inner loop is over everybody beside one way: it has no branch that
 * depends on who that is. */
#include "analysis/abreast.h"

#include "analysis/order.h"
#include "analysis/question.h"
#include "analysis/together.h"
#include "analysis/track.h"
#include "core/hash.h"

/* ---- the ways of a day ---- */

struct way {
    uint64_t key; /* where it leads (first the site, then a number of its own for each
                     two sites) << 32 | milliseconds behind the day's begin */
    uint32_t end, who;
};
#define WHERE 32u

#define BESIDE 256u
struct work {
    struct abreast_ask *ask;
    uint32_t sites;
    uint32_t *begin; /* by site: its ways, then the end of all */
    struct arena packed;
    struct tracks tracks;
    struct track *track; /* by vehicle */
    size_t track_room;
    uint32_t most;   /* passes of one vehicle */
    struct way *way; /* sorted; one before and one behind that nobody is beside of */
    uint32_t ways;
    struct plate *plate;
    uint32_t plates;
    size_t plate_room;
    uint32_t *own;     /* by vehicle: its positions, then the end of all */
    uint32_t *where;   /* positions in way[] by vehicle, ascending */
    uint32_t *site_of; /* by number of two sites: the first one */
    struct arena arena;
    /* those met by one vehicle */
    uint32_t beside[BESIDE];
    uint32_t *seen; /* by vehicle: when last << SEEN_COUNT | at how many sites */
    uint32_t stamp; /* a new one for each vehicle and site */
    uint32_t first; /* of this vehicle */
    uint32_t *kept; /* at enough sites */
    uint32_t kept_n;
    struct order order;
};

static bool
is_way(const struct work *w, ts_ms gone, uint32_t a, uint32_t b)
{
    return gone <= TOGETHER_TRIP_MS && a != b && a <= w->sites && b <= w->sites;
}

/* Who begins ways at fewer sites has too few in common with anybody. */
static bool
has_enough(const struct work *w, const ts_ms *at, const uint32_t *site, size_t n)
{
    uint32_t different = 0;
    for (size_t i = 1; i < n && different < w->ask->sites; i++) {
        bool fresh = is_way(w, at[i] - at[i - 1], site[i - 1], site[i]);
        for (size_t k = 1; k < i && fresh; k++)
            fresh = site[k - 1] != site[i - 1] ||
                    !is_way(w, at[k] - at[k - 1], site[k - 1], site[k]);
        different += fresh;
    }
    return different >= w->ask->sites;
}

static enum err
see_passes(
    void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    struct work *w = arg;
    if (!plate_is_exact(plate) || !has_enough(w, at, site, n))
        return OK;
    if (w->plates == UINT32_MAX || n >= UINT32_MAX - w->ways)
        return ERR_TOOBIG;
    void *plates = w->plate, *track = w->track;
    if (!question_grow(
            &w->packed, &plates, &w->plate_room, w->plates, sizeof *w->plate) ||
        !question_grow(&w->packed, &track, &w->track_room, w->plates, sizeof *w->track))
        return ERR_TOOBIG;
    w->plate = plates;
    w->track = track;
    if (!tracks_put(&w->tracks, at, site, n, &w->track[w->plates]))
        return ERR_TOOBIG;
    w->most = n > w->most ? (uint32_t)n : w->most;
    w->plate[w->plates++] = plate;
    for (size_t i = 1; i < n; i++)
        if (is_way(w, at[i] - at[i - 1], site[i - 1], site[i])) {
            w->begin[site[i - 1]]++;
            w->ways++;
        }
    return OK;
}

/* Counts become beginnings; answers the end. */
static uint32_t
begin_of(uint32_t *count, uint32_t n)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t here = count[i];
        count[i] = sum;
        sum += here;
    }
    return sum;
}

/* Beginnings that were filled up to the next one become beginnings again. */
static void
begin_again(uint32_t *end, uint32_t n)
{
    for (uint32_t i = n; i > 0; i--)
        end[i] = end[i - 1];
    end[0] = 0;
}

/* The ways of every vehicle to the site where they begin. */
static bool
lay_ways(struct work *w)
{
    uint32_t *at = arena_array(&w->packed, (size_t)w->most + 1, sizeof *at);
    uint32_t *site = arena_array(&w->packed, (size_t)w->most + 1, sizeof *site);
    if (!at || !site)
        return false;
    must(begin_of(w->begin, w->sites + 2) == w->ways);
    for (uint32_t v = 0; v < w->plates; v++) {
        track_get(w->track[v], at, site);
        for (uint32_t i = 1; i < w->track[v].n; i++) {
            if (!is_way(w, (ts_ms)at[i] - at[i - 1], site[i - 1], site[i]))
                continue;
            w->way[w->begin[site[i - 1]]++] =
                (struct way){(uint64_t)site[i] << WHERE | at[i - 1], at[i], v};
            w->own[v]++;
        }
    }
    begin_again(w->begin, w->sites + 1);
    must(begin_of(w->own, w->plates + 1) == w->ways);
    return true;
}

/* The passes of the day, packed; then the ways, which need the memory that packing
 * has used. */
static enum err
read_ways(struct work *w, struct abreast_day *out, struct arena *arena)
{
    const struct abreast_ask *q = w->ask;
    w->sites = q->needs->sites->n;
    w->begin = arena_array(&w->arena, (size_t)w->sites + 2, sizeof *w->begin);
    if (!w->begin)
        return ERR_TOOBIG;
    enum err e = q->needs->reads(q->needs->ctx, q->from, q->to, see_passes, w);
    if (e != OK)
        return e;
    struct way *way = arena_raw(&w->arena, ((size_t)w->ways + 2) * sizeof *way);
    w->own = arena_array(&w->arena, (size_t)w->plates + 1, sizeof *w->own);
    out->plate = arena_array(arena, (size_t)w->plates + 1, sizeof *out->plate);
    if (!way || !w->own || !out->plate)
        return ERR_TOOBIG;
    way[0] = (struct way){0};
    way[w->ways + 1] = (struct way){.key = UINT64_MAX};
    w->way = way + 1;
    if (w->plates)
        memcpy(out->plate, w->plate, w->plates * sizeof *out->plate);
    w->plate = out->plate;
    out->plates = w->plates;
    return lay_ways(w) ? OK : ERR_TOOBIG;
}

#define DIGIT 11u
#define DIGITS (1u << DIGIT)

static void
sort_digit(const struct way *in, struct way *out, uint32_t n, unsigned shift)
{
    uint32_t count[DIGITS] = {0};
    for (uint32_t i = 0; i < n; i++)
        count[in[i].key >> shift & (DIGITS - 1)]++;
    (void)begin_of(count, DIGITS);
    for (uint32_t i = 0; i < n; i++)
        out[count[in[i].key >> shift & (DIGITS - 1)]++] = in[i];
}

/* By key; those of one key stay in plate order. Few ways by insertion, for which the
 * digits would be too much work. */
#define SORT_FEW 48u

static void
sort_site(struct way *way, struct way *other, uint32_t n)
{
    if (n <= SORT_FEW) {
        for (uint32_t i = 1; i < n; i++) {
            struct way x = way[i];
            uint32_t k = i;
            for (; k > 0 && way[k - 1].key > x.key; k--)
                way[k] = way[k - 1];
            way[k] = x;
        }
        return;
    }
    struct way *in = way, *out = other;
    uint64_t differs = 0;
    for (uint32_t i = 1; i < n; i++)
        differs |= way[i].key ^ way[0].key;
    for (unsigned shift = 0; shift < 64; shift += DIGIT) {
        if (!(differs >> shift & (DIGITS - 1)))
            continue;
        sort_digit(in, out, n, shift);
        struct way *swap = in;
        in = out;
        out = swap;
    }
    if (in != way)
        memcpy(way, in, n * sizeof *way);
}

/* Sites to which ways lead become numbers of two sites, ascending all along. */
static bool
number_sites(struct work *w)
{
    uint32_t pairs = 0;
    for (unsigned round = 0; round < 2; round++) {
        uint64_t last = UINT64_MAX;
        uint32_t n = 0;
        for (uint32_t s = 0; s <= w->sites; s++, last = UINT64_MAX)
            for (uint32_t i = w->begin[s]; i < w->begin[s + 1]; i++) {
                n += w->way[i].key >> WHERE != last;
                last = w->way[i].key >> WHERE;
                if (!round)
                    continue;
                w->way[i].key = (uint64_t)n << WHERE | (uint32_t)w->way[i].key;
                w->site_of[n] = s;
            }
        must(!round || n == pairs);
        pairs = n;
        if (!round)
            w->site_of = arena_array(&w->arena, (size_t)pairs + 1, sizeof *w->site_of);
        if (!w->site_of)
            return false;
    }
    return true;
}

static bool
sort_ways(struct work *w)
{
    uint32_t most = 0;
    for (uint32_t s = 0; s <= w->sites; s++)
        most =
            w->begin[s + 1] - w->begin[s] > most ? w->begin[s + 1] - w->begin[s] : most;
    struct arena own;
    arena_init(&own, w->arena.cap);
    struct way *other = arena_raw(&own, ((size_t)most + 1) * sizeof *other);
    for (uint32_t s = 0; other && s <= w->sites; s++)
        sort_site(w->way + w->begin[s], other, w->begin[s + 1] - w->begin[s]);
    arena_release(&own);
    w->where = arena_array(&w->arena, (size_t)w->ways + 1, sizeof *w->where);
    if (!other || !w->where || !number_sites(w))
        return false;
    for (uint32_t i = 0; i < w->ways; i++)
        w->where[w->own[w->way[i].who]++] = i;
    begin_again(w->own, w->plates);
    return true;
}

/* ---- who is beside whom ---- */

#define SEEN_COUNT 6u
#define SEEN_MOST ((1u << SEEN_COUNT) - 1)
#define STAMPS (UINT32_C(1) << (32 - SEEN_COUNT))

/* x meets n vehicles at the site of this stamp. */
static void
meet(struct work *w, uint32_t n)
{
    uint32_t stamp = w->stamp, first = w->first, sites = w->ask->sites;
    uint32_t kept = w->kept_n;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t who = w->beside[k], seen = w->seen[who];
        uint32_t count = seen >> SEEN_COUNT >= first ? seen & SEEN_MOST : 0;
        uint32_t fresh = seen >> SEEN_COUNT != stamp;
        count += fresh & (count < SEEN_MOST);
        w->seen[who] = stamp << SEEN_COUNT | count;
        w->kept[kept] = who;
        kept += fresh & (count == sites);
    }
    w->kept_n = kept;
}

/* Those beside one way with plates behind its vehicle's. */
static void
meet_beside(struct work *w, const struct way *x)
{
    uint64_t gap = (uint32_t)w->ask->gap_ms;
    uint32_t n = 0, least = x->end - (uint32_t)gap, span = 2 * (uint32_t)gap;
    for (int step = -1; step <= 1; step += 2)
        for (const struct way *y = x + step;
             (step < 0 ? x->key - y->key : y->key - x->key) <= gap; y += step) {
            w->beside[n] = y->who;
            n += (y->who > x->who) & (y->end - least <= span);
            if (n == BESIDE) {
                meet(w, n);
                n = 0;
            }
        }
    meet(w, n);
}

#define AHEAD 12u /* ways fetched before they are looked at */
#define LINE 64   /* bytes of a cache line */

/* A way and those about it; most are one or two lines apart. */
static void
fetch(const struct way *x)
{
    for (int k = -2; k <= 2; k++)
        __builtin_prefetch((const void *)((uintptr_t)x + (uintptr_t)(k * LINE)));
}

/* Everybody that x met at enough sites, in w->kept by plate. */
static void
find_pairs(struct work *w, uint32_t x)
{
    uint32_t begin = w->own[x], end = w->own[x + 1], site = UINT32_MAX;
    if (end - begin >= STAMPS - 1 - w->stamp) {
        memset(w->seen, 0, w->plates * sizeof *w->seen);
        w->stamp = 0;
    }
    w->first = w->stamp + 1;
    w->kept_n = 0;
    for (uint32_t i = begin; i < end; i++) {
        const struct way *way = &w->way[w->where[i]];
        if (i + AHEAD < w->ways)
            fetch(&w->way[w->where[i + AHEAD]]);
        uint32_t here = w->site_of[way->key >> WHERE];
        w->stamp += here != site;
        site = here;
        meet_beside(w, way);
    }
    order_sort(&w->order, w->kept, w->kept_n, x);
}

static bool
in_slice(const struct work *w, uint32_t x, uint32_t slice, uint32_t slices)
{
    return slices < 2 || hash_u64(w->plate[x].v) % slices == slice;
}

static enum err
put_slice(
    struct work *w, uint32_t slice, uint32_t slices, struct arena *arena,
    struct pair_list *out)
{
    for (uint32_t x = 0; x < w->plates; x++) {
        if (!in_slice(w, x, slice, slices))
            continue;
        find_pairs(w, x);
        if (w->kept_n && !pair_list_put(out, arena, x, w->kept, w->kept_n))
            return ERR_TOOBIG;
    }
    return OK;
}

#define SAMPLE 32u

/* One vehicle in so many says how many bytes all of them will be. */
static enum err
choose_slices(struct work *w)
{
    struct abreast_ask *q = w->ask;
    struct pair_list some = {0};
    struct arena arena;
    arena_init(&arena, q->cap);
    enum err e = put_slice(w, SAMPLE - 1, SAMPLE, &arena, &some);
    arena_release(&arena);
    if (e != OK)
        return e;
    size_t slices = some.bytes * SAMPLE * q->days / (q->room ? q->room : 1) + 1;
    q->slices = slices > ABREAST_SLICES ? ABREAST_SLICES : (uint32_t)slices;
    return slices > ABREAST_SLICES ? ERR_TOOBIG : OK;
}

static enum err
prepare(struct work *w)
{
    size_t n = (size_t)w->plates + 1;
    w->seen = arena_array(&w->arena, n, sizeof *w->seen);
    w->kept = arena_array(&w->arena, n, sizeof *w->kept);
    bool good = w->seen && w->kept && order_init(&w->order, &w->arena, w->plates);
    return good && sort_ways(w) ? OK : ERR_TOOBIG;
}

enum err
abreast_of_day(struct abreast_ask *ask, struct arena *arena, struct abreast_day *out)
{
    struct work w = {.ask = ask};
    must(ask->sites > 0 && ask->sites <= ABREAST_SITES);
    *out = (struct abreast_day){0};
    arena_init(&w.arena, ask->cap);
    arena_init(&w.packed, ask->cap);
    w.tracks = (struct tracks){.arena = &w.packed, .base = ask->from};
    enum err e = read_ways(&w, out, arena);
    arena_release(&w.packed);
    if (e == OK)
        e = prepare(&w);
    if (e == OK && ask->slices == 0)
        e = choose_slices(&w);
    if (e == OK)
        e = put_slice(&w, ask->slice, ask->slices, arena, &out->pairs);
    arena_release(&w.arena);
    return e;
}
