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

struct met { /* beside one way of the batch: log[from], n of them */
    uint32_t from, n, site;
};
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
    uint32_t *own;     /* by vehicle: where its ways begin, were they by vehicle */
    uint32_t *site_of; /* by number of two sites: the first one */
    struct arena arena;
    /* a batch: vehicles [lo, hi) that are in the slice */
    uint8_t *in; /* by vehicle: in the slice */
    uint32_t lo, hi;
    struct met *met; /* by way of these, in the order of own[] */
    uint32_t *next;  /* by vehicle: its next one there */
    uint32_t *log, log_room;
    uint32_t batch; /* ways */
    /* those met by one vehicle */
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
    return other && number_sites(w);
}

/* ---- who is beside whom ---- */

#define BATCH_WAYS ((uint32_t)400 << 10)
#define LOG_MEAN 10u /* room for so many beside each way of a batch */

/* Those beside one way with plates behind its vehicle's, behind log[at]; false when
 * they do not fit. */
static bool
log_beside(const struct work *w, const struct way *x, uint32_t *at)
{
    uint64_t gap = (uint32_t)w->ask->gap_ms;
    uint32_t n = *at, least = x->end - (uint32_t)gap, span = 2 * (uint32_t)gap;
    for (int step = -1; step <= 1; step += 2)
        for (const struct way *y = x + step;
             (step < 0 ? x->key - y->key : y->key - x->key) <= gap; y += step) {
            if (n == w->log_room)
                return false;
            w->log[n] = y->who;
            n += (y->who > x->who) & (y->end - least <= span);
        }
    *at = n;
    return true;
}

/* Goes through all ways where they lie and logs those beside the ones of the batch: the
 * ways of one vehicle lie far apart. */
static bool
log_batch(struct work *w)
{
    uint32_t at = 0, span = w->hi - w->lo, begin = 0;
    for (uint32_t v = w->lo; v < w->hi; v++) {
        w->next[v] = begin;
        begin += w->in[v] ? w->own[v + 1] - w->own[v] : 0;
    }
    for (uint32_t i = 0; i < w->ways; i++) {
        const struct way *x = &w->way[i];
        if (x->who - w->lo >= span || !w->in[x->who])
            continue;
        struct met *m = &w->met[w->next[x->who]++];
        *m = (struct met){at, 0, w->site_of[x->key >> WHERE]};
        if (!log_beside(w, x, &at))
            return false;
        m->n = at - m->from;
    }
    return true;
}

/* The next batch from `lo` on, whose log fits. */
static bool
next_batch(struct work *w, uint32_t lo)
{
    for (uint32_t most = w->batch;; most /= 2) {
        uint32_t ways = 0;
        w->lo = w->hi = lo;
        while (w->hi < w->plates) {
            uint32_t more = w->in[w->hi] ? w->own[w->hi + 1] - w->own[w->hi] : 0;
            if (ways && ways + more > most)
                break;
            ways += more;
            w->hi++;
        }
        if (ways > w->batch || !most)
            return false; /* one vehicle alone */
        if (log_batch(w))
            return true;
    }
}

#define SEEN_COUNT 6u
#define SEEN_MOST ((1u << SEEN_COUNT) - 1)
#define STAMPS (UINT32_C(1) << (32 - SEEN_COUNT))

/* A vehicle meets n others at the site of this stamp. */
static void
meet(struct work *w, const uint32_t *beside, uint32_t n)
{
    uint32_t stamp = w->stamp, first = w->first, sites = w->ask->sites;
    uint32_t kept = w->kept_n;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t who = beside[k], seen = w->seen[who];
        uint32_t count = seen >> SEEN_COUNT >= first ? seen & SEEN_MOST : 0;
        uint32_t fresh = seen >> SEEN_COUNT != stamp;
        count += fresh & (count < SEEN_MOST);
        w->seen[who] = stamp << SEEN_COUNT | count;
        w->kept[kept] = who;
        kept += fresh & (count == sites);
    }
    w->kept_n = kept;
}

#define AHEAD 12u /* lists fetched before they are looked at */

/* Everybody that x met at enough sites, in w->kept by plate. */
static void
find_pairs(struct work *w, uint32_t x)
{
    uint32_t n = w->own[x + 1] - w->own[x], site = UINT32_MAX;
    const struct met *m = w->met + w->next[x] - n;
    if (n >= STAMPS - 1 - w->stamp) {
        memset(w->seen, 0, w->plates * sizeof *w->seen);
        w->stamp = 0;
    }
    w->first = w->stamp + 1;
    w->kept_n = 0;
    for (uint32_t i = 0; i < n; i++) {
        __builtin_prefetch(&w->log[m[i + AHEAD].from]);
        w->stamp += m[i].site != site;
        site = m[i].site;
        meet(w, w->log + m[i].from, m[i].n);
    }
    order_sort(&w->order, w->kept, w->kept_n, x);
}

static enum err
put_slice(
    struct work *w, uint32_t slice, uint32_t slices, struct arena *arena,
    struct pair_list *out)
{
    for (uint32_t x = 0; x < w->plates; x++)
        w->in[x] = slices < 2 || hash_u64(w->plate[x].v) % slices == slice;
    for (uint32_t lo = 0; lo < w->plates; lo = w->hi) {
        if (!next_batch(w, lo))
            return ERR_TOOBIG;
        for (uint32_t x = w->lo; x < w->hi; x++) {
            if (!w->in[x])
                continue;
            find_pairs(w, x);
            if (w->kept_n && !pair_list_put(out, arena, x, w->kept, w->kept_n))
                return ERR_TOOBIG;
        }
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
    w->in = arena_array(&w->arena, n, sizeof *w->in);
    w->next = arena_array(&w->arena, n, sizeof *w->next);
    w->batch = w->ask->batch ? w->ask->batch : BATCH_WAYS;
    w->log_room = w->batch * LOG_MEAN;
    w->met = arena_array(&w->arena, (size_t)w->batch + AHEAD, sizeof *w->met);
    w->log = arena_raw(&w->arena, ((size_t)w->log_room + 1) * sizeof *w->log);
    bool good = w->seen && w->kept && w->in && w->next && w->met && w->log;
    good = good && order_init(&w->order, &w->arena, w->plates);
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
