/* SPDX-License-Identifier: Apache-2.0 */
/* Two scans by vehicle a day: one to know how many ways begin where, one to lay them
 * down there. */
#include "analysis/abreast.h"

#include "analysis/question.h"
#include "analysis/together.h"
#include "core/hash.h"

#include <stdlib.h>

/* ---- pairs as bytes ---- */

#define PIECE 65000u

/* x as a difference to the last one, how many y, each as a difference: varints. */
struct abreast_piece {
    struct abreast_piece *next;
    uint32_t n;
    uint8_t byte[PIECE];
};

static bool
put_byte(struct arena *arena, struct abreast_day *d, uint8_t byte)
{
    if (!d->last || d->last->n == PIECE) {
        struct abreast_piece *more = ARENA_NEW(arena, struct abreast_piece);
        if (!more)
            return false;
        if (d->last)
            d->last->next = more;
        else
            d->first = more;
        d->last = more;
    }
    d->last->byte[d->last->n++] = byte;
    d->bytes++;
    return true;
}

static bool
put_number(struct arena *arena, struct abreast_day *d, uint32_t v)
{
    for (; v >= 128; v >>= 7)
        if (!put_byte(arena, d, (uint8_t)(v | 128)))
            return false;
    return put_byte(arena, d, (uint8_t)v);
}

struct cursor {
    const struct abreast_day *day;
    const struct abreast_piece *piece;
    uint32_t at; /* in the piece */
    uint64_t left;
    uint32_t x, n; /* where it stands: n pairs of x follow */
};

static uint32_t
get_number(struct cursor *c)
{
    uint32_t v = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (c->at == c->piece->n) {
            c->piece = c->piece->next;
            c->at = 0;
        }
        uint8_t byte = c->piece->byte[c->at++];
        v |= (uint32_t)(byte & 127) << shift;
        if (byte < 128)
            return v;
    }
}

/* To the next x; false behind the last one. */
static bool
cursor_next(struct cursor *c)
{
    if (c->left == 0)
        return false;
    c->x += get_number(c);
    c->n = get_number(c);
    must(c->n <= c->left);
    c->left -= c->n;
    return true;
}

/* ---- the ways of a day ---- */

struct way {
    uint32_t to, at, end, who; /* milliseconds behind the day's begin */
};
struct met {              /* a vehicle beside the one being worked off */
    uint32_t of, who;     /* of: that one, plus one; of others: an empty slot */
    uint32_t site, sites; /* the last different one, and how many */
};
struct work {
    const struct abreast_ask *ask;
    uint32_t sites;
    uint32_t *begin; /* by site: its ways, then the end of all */
    uint32_t *fill;
    struct way *way; /* by site, then `to`, then time; NULL: only counts */
    uint32_t ways;
    struct plate *plate;
    uint32_t plates;
    uint32_t *own;   /* by vehicle: its positions, then the end of all */
    uint32_t *where; /* positions in way[] by vehicle, ascending */
    struct arena arena;
    uint32_t *beside; /* of one way */
    size_t beside_room;
    struct met *met; /* of one vehicle: open addressing */
    size_t met_n, met_mask;
    uint32_t *kept; /* of one vehicle: those met at enough sites */
    size_t kept_n, kept_room;
};

static bool
is_way(const struct work *w, const ts_ms *at, const uint32_t *site, size_t i)
{
    return at[i] - at[i - 1] <= TOGETHER_TRIP_MS && site[i] != site[i - 1] &&
           site[i - 1] <= w->sites && site[i] <= w->sites;
}

/* Who begins ways at fewer sites has too few in common with anybody. */
static bool
has_enough(const struct work *w, const ts_ms *at, const uint32_t *site, size_t n)
{
    uint32_t different = 0;
    for (size_t i = 1; i < n && different < w->ask->sites; i++) {
        bool fresh = is_way(w, at, site, i);
        for (size_t k = 1; k < i && fresh; k++)
            fresh = site[k - 1] != site[i - 1] || !is_way(w, at, site, k);
        different += fresh;
    }
    return different >= w->ask->sites;
}

static enum err
see_ways(void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    struct work *w = arg;
    if (!plate_is_exact(plate) || !has_enough(w, at, site, n))
        return OK;
    for (size_t i = 1; i < n; i++) {
        if (!is_way(w, at, site, i))
            continue;
        if (w->ways == UINT32_MAX)
            return ERR_TOOBIG;
        w->ways++;
        if (!w->way) {
            w->fill[site[i - 1]]++;
            continue;
        }
        w->way[w->fill[site[i - 1]]++] = (struct way){
            site[i], (uint32_t)(at[i - 1] - w->ask->from),
            (uint32_t)(at[i] - w->ask->from), w->plates};
        w->own[w->plates]++;
    }
    if (w->plate)
        w->plate[w->plates] = plate;
    w->plates++;
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

static enum err
read_ways(struct work *w, struct arena *arena)
{
    const struct abreast_ask *q = w->ask;
    w->sites = q->needs->sites->n;
    w->begin = arena_array(&w->arena, w->sites + 2, sizeof *w->begin);
    w->fill = arena_array(&w->arena, w->sites + 2, sizeof *w->fill);
    if (!w->begin || !w->fill)
        return ERR_TOOBIG;
    enum err e = q->needs->reads(q->needs->ctx, q->from, q->to, see_ways, w);
    if (e != OK)
        return e;
    uint32_t ways = w->ways, plates = w->plates;
    must(begin_of(w->fill, w->sites + 2) == ways);
    memcpy(w->begin, w->fill, (w->sites + 2) * sizeof *w->begin);
    w->way = arena_array(&w->arena, (size_t)ways + 1, sizeof *w->way);
    w->own = arena_array(&w->arena, (size_t)plates + 1, sizeof *w->own);
    w->where = arena_array(&w->arena, (size_t)ways + 1, sizeof *w->where);
    w->plate = arena_array(arena, (size_t)plates + 1, sizeof *w->plate);
    if (!w->way || !w->own || !w->where || !w->plate)
        return ERR_TOOBIG;
    w->ways = w->plates = 0;
    e = q->needs->reads(q->needs->ctx, q->from, q->to, see_ways, w);
    if (e != OK)
        return e;
    must(w->ways == ways && w->plates == plates); /* a snapshot does not change */
    return OK;
}

#define DIGIT 11u
#define DIGITS (1u << DIGIT)

/* One round: ways by one digit of their time or (to true) of where they lead. */
static void
sort_digit(const struct way *in, struct way *out, uint32_t n, bool to, unsigned shift)
{
    uint32_t count[DIGITS + 1] = {0};
    for (uint32_t i = 0; i < n; i++)
        count[(to ? in[i].to : in[i].at) >> shift & (DIGITS - 1)]++;
    (void)begin_of(count, DIGITS + 1);
    for (uint32_t i = 0; i < n; i++)
        out[count[(to ? in[i].to : in[i].at) >> shift & (DIGITS - 1)]++] = in[i];
}

/* By `to`, then by time; those of one instant stay in plate order. Few ways by
 * insertion, for which the digits would be too much work. */
#define SORT_FEW 48u

static void
sort_site(struct way *way, struct way *other, uint32_t n)
{
    if (n <= SORT_FEW) {
        for (uint32_t i = 1; i < n; i++) {
            struct way x = way[i];
            uint32_t k = i;
            for (; k > 0 && (way[k - 1].to > x.to ||
                             (way[k - 1].to == x.to && way[k - 1].at > x.at));
                 k--)
                way[k] = way[k - 1];
            way[k] = x;
        }
        return;
    }
    struct way *in = way, *out = other;
    for (unsigned round = 0; round < 6; round++) { /* even: ends where it began */
        sort_digit(in, out, n, round >= 3, round % 3 * DIGIT);
        struct way *swap = in;
        in = out;
        out = swap;
    }
}

static bool
sort_ways(struct work *w)
{
    uint32_t most = 0;
    for (uint32_t s = 0; s <= w->sites; s++)
        most =
            w->begin[s + 1] - w->begin[s] > most ? w->begin[s + 1] - w->begin[s] : most;
    struct way *other = malloc(((size_t)most + 1) * sizeof *other);
    if (!other)
        return false;
    for (uint32_t s = 0; s <= w->sites; s++)
        sort_site(w->way + w->begin[s], other, w->begin[s + 1] - w->begin[s]);
    free(other);
    must(begin_of(w->own, w->plates + 1) == w->ways);
    for (uint32_t i = 0; i < w->ways; i++)
        w->where[w->own[w->way[i].who]++] = i;
    for (uint32_t i = w->plates; i > 0; i--) /* ends become beginnings again */
        w->own[i] = w->own[i - 1];
    w->own[0] = 0;
    return true;
}

/* ---- who is beside whom ---- */

/* Those beside the way at position i, which begins at `site`, with plates behind its
 * vehicle's; into w->beside. */
static bool
find_beside(struct work *w, uint32_t i, uint32_t site, size_t *n)
{
    const struct way *x = &w->way[i];
    uint32_t gap = (uint32_t)w->ask->gap_ms, lo = i, hi = i + 1;
    while (lo > w->begin[site] && w->way[lo - 1].to == x->to &&
           x->at - w->way[lo - 1].at <= gap)
        lo--;
    while (hi < w->begin[site + 1] && w->way[hi].to == x->to &&
           w->way[hi].at - x->at <= gap)
        hi++;
    void *p = w->beside;
    while (w->beside_room < hi - lo)
        if (!question_grow(
                &w->arena, &p, &w->beside_room, w->beside_room, sizeof *w->beside))
            return false;
    w->beside = p;
    *n = 0;
    for (const struct way *y = w->way + lo; y < w->way + hi; y++) {
        w->beside[*n] = y->who;
        *n += (y->who > x->who) & (y->end - x->end + gap <= 2 * gap);
    }
    return true;
}

/* The slot of a vehicle among those met by x. */
static struct met *
met_slot(struct met *met, size_t mask, uint32_t x, uint32_t who)
{
    size_t k = (who * UINT32_C(2654435761)) >> 8 & mask;
    while (met[k].of == x + 1 && met[k].who != who)
        k = (k + 1) & mask;
    return &met[k];
}

#define MET_FIRST 1023u

static bool
met_grow(struct work *w, uint32_t x)
{
    size_t mask = w->met ? w->met_mask * 2 + 1 : MET_FIRST;
    struct met *bigger = arena_array(&w->arena, mask + 1, sizeof *bigger);
    if (!bigger)
        return false;
    for (size_t k = 0; w->met && k <= w->met_mask; k++)
        if (w->met[k].of == x + 1)
            *met_slot(bigger, mask, x, w->met[k].who) = w->met[k];
    w->met = bigger;
    w->met_mask = mask;
    return true;
}

static bool
keep(struct work *w, uint32_t who)
{
    void *p = w->kept;
    if (!question_grow(&w->arena, &p, &w->kept_room, w->kept_n, sizeof *w->kept))
        return false;
    w->kept = p;
    w->kept[w->kept_n++] = who;
    return true;
}

/* x met `who` on a way that begins at `site`; its ways come by site. */
static bool
meet(struct work *w, uint32_t x, uint32_t who, uint32_t site)
{
    if ((!w->met || w->met_n * 2 > w->met_mask) && !met_grow(w, x))
        return false;
    struct met *m = met_slot(w->met, w->met_mask, x, who);
    if (m->of != x + 1) {
        *m = (struct met){x + 1, who, site, 1};
        w->met_n++;
    } else if (m->site != site) {
        m->site = site;
        m->sites++;
    } else {
        return true;
    }
    return m->sites != w->ask->sites || keep(w, who);
}

static int
by_number(const void *p, const void *q)
{
    const uint32_t *x = p, *y = q;
    return (*x > *y) - (*x < *y);
}

#define AHEAD 12u /* ways fetched before they are looked at */

/* Everybody that x met at enough sites, in w->kept by plate. */
static bool
find_pairs(struct work *w, uint32_t x)
{
    uint32_t site = 0;
    w->met_n = w->kept_n = 0;
    for (uint32_t i = w->own[x]; i < w->own[x + 1]; i++) {
        size_t n;
        if (i + AHEAD < w->ways)
            __builtin_prefetch(&w->way[w->where[i + AHEAD]]);
        while (w->begin[site + 1] <= w->where[i])
            site++;
        if (!find_beside(w, w->where[i], site, &n))
            return false;
        for (size_t k = 0; k < n; k++)
            if (!meet(w, x, w->beside[k], site))
                return false;
    }
    if (w->kept_n > 1)
        qsort(w->kept, w->kept_n, sizeof *w->kept, by_number);
    return true;
}

static bool
put_pairs(struct work *w, struct arena *arena, uint32_t x, struct abreast_day *d)
{
    size_t n = w->kept_n;
    if (n == 0)
        return true;
    if (!put_number(arena, d, x - w->fill[0]) || !put_number(arena, d, (uint32_t)n))
        return false;
    w->fill[0] = x;
    for (size_t i = 0; i < n; i++) {
        uint32_t before = i ? w->kept[i - 1] : x;
        if (!put_number(arena, d, w->kept[i] - before))
            return false;
    }
    d->pairs += n;
    return true;
}

enum err
abreast_of_day(
    const struct abreast_ask *ask, struct arena *arena, struct abreast_day *out)
{
    struct work w = {.ask = ask};
    *out = (struct abreast_day){0};
    arena_init(&w.arena, ask->cap);
    enum err e = read_ways(&w, arena);
    if (e == OK && !sort_ways(&w))
        e = ERR_NOMEM;
    out->plate = w.plate;
    out->plates = w.plates;
    if (e == OK)
        w.fill[0] = 0; /* the last x that was put */
    for (uint32_t x = 0; e == OK && x < w.plates; x++)
        if (ask->slices < 2 || hash_u64(w.plate[x].v) % ask->slices == ask->slice)
            e = find_pairs(&w, x) && put_pairs(&w, arena, x, out) ? OK : ERR_TOOBIG;
    arena_release(&w.arena);
    return e;
}

/* ---- over days ---- */

struct walk {
    struct cursor *cursor;
    size_t n;
    struct arena *scratch;
    uint64_t *y; /* plates, of one x */
    size_t y_n, y_room;
};

static bool
walk_open(struct walk *k, const struct abreast_day *days, size_t n)
{
    k->cursor = arena_array(k->scratch, n + 1, sizeof *k->cursor);
    if (!k->cursor)
        return false;
    for (size_t i = 0; i < n; i++) {
        struct cursor c = {
            .day = &days[i], .piece = days[i].first, .left = days[i].pairs};
        if (cursor_next(&c))
            k->cursor[k->n++] = c;
    }
    return true;
}

static uint64_t
cursor_plate(const struct cursor *c)
{
    return c->day->plate[c->x].v;
}

static int
by_value(const void *p, const void *q)
{
    const uint64_t *x = p, *y = q;
    return (*x > *y) - (*x < *y);
}

/* All y of the least x, of every day; cursors behind it go on. */
static bool
walk_next(struct walk *k, uint64_t *x, uint32_t *days)
{
    size_t kept = 0;
    *x = UINT64_MAX;
    *days = 0;
    k->y_n = 0;
    for (size_t i = 0; i < k->n; i++)
        *x = cursor_plate(&k->cursor[i]) < *x ? cursor_plate(&k->cursor[i]) : *x;
    for (size_t i = 0; i < k->n; i++) {
        struct cursor c = k->cursor[i];
        bool more = true;
        if (cursor_plate(&c) == *x) {
            uint32_t y = c.x;
            ++*days;
            for (uint32_t p = 0; p < c.n; p++) {
                void *list = k->y;
                y += get_number(&c);
                if (!question_grow(k->scratch, &list, &k->y_room, k->y_n, sizeof *k->y))
                    return false;
                k->y = list;
                k->y[k->y_n++] = c.day->plate[y].v;
            }
            more = cursor_next(&c);
        }
        if (more)
            k->cursor[kept++] = c;
    }
    k->n = kept;
    return true;
}

enum err
abreast_walk(
    const struct abreast_day *days, size_t n, uint32_t least, struct arena *scratch,
    abreast_fn fn, void *arg, uint64_t *pairs)
{
    struct walk k = {.scratch = scratch};
    enum err e = walk_open(&k, days, n) ? OK : ERR_TOOBIG;
    uint64_t sum = 0;
    while (e == OK && k.n) {
        uint64_t x;
        uint32_t of;
        if (!walk_next(&k, &x, &of))
            return ERR_TOOBIG;
        if (of > 1)
            qsort(k.y, k.y_n, sizeof *k.y, by_value);
        for (size_t lo = 0, hi; e == OK && lo < k.y_n; lo = hi) {
            for (hi = lo; hi < k.y_n && k.y[hi] == k.y[lo];)
                hi++;
            sum++;
            if (hi - lo >= least)
                e =
                    fn(arg, (struct plate){x}, (struct plate){k.y[lo]},
                       (uint32_t)(hi - lo));
        }
    }
    *pairs = sum;
    return e;
}
