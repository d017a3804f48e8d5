/* SPDX-License-Identifier: Apache-2.0 */
/* watchlist.c - one in 500 vehicles is watched by its whole plate; one watch in 500 has
 * unread characters; the other watches are for vehicles that never come here. */
#include "city/watchlist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "city/rnd.h"

enum { WHAT_WATCH = 700, WHAT_PATTERN, WHAT_ABSENT, WHAT_SPAN };

static const char *const reasons[6] = {"被盗抢车辆",     "肇事逃逸嫌疑", "涉嫌套牌",
                                       "多次违法未处理", "协查车辆",     "重点管控"};

const char *
watchlist_reason(int reason)
{
    return reasons[reason];
}

char *
watchlist_code(uint32_t row, char *dst)
{
    snprintf(dst, 16, "BK%07u", row + 1);
    return dst;
}

bool
watchlist_match(const char *pattern, const char *plate)
{
    while (*pattern && *plate) {
        if (*pattern == '?') {
            pattern++;
            plate++; /* one character: first byte, then what continues it */
            while ((*plate & 0xc0) == 0x80)
                plate++;
        } else if (*pattern++ != *plate++) {
            return false;
        }
    }
    return !*pattern && !*plate;
}

static void
link_plate(struct watchlist *w, uint32_t worn, uint32_t row)
{
    if (w->links_n == w->links_room) {
        uint32_t room = w->links_room ? w->links_room * 2 : 1024;
        struct watchlist_link *links = realloc(w->links, room * sizeof *links);
        must(links != NULL);
        w->links = links;
        w->links_room = room;
    }
    w->links[w->links_n++] = (struct watchlist_link){worn, row};
}

/* Links every plate that a pattern with unread characters at two places (or the same
 * twice) fits. */
static void
link_pattern(
    struct watchlist *w, const struct fleet *f, uint32_t row, size_t at1, size_t at2)
{
    static const char all[] = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    char plate[FLEET_PLATE];
    memcpy(plate, w->rows[row].pattern, sizeof plate);
    size_t n = strlen(plate);
    for (const char *a = all; *a; a++)
        for (const char *b = at1 == at2 ? all + sizeof all - 2 : all; *b; b++) {
            plate[at2] = *b;
            plate[at1] = *a;
            uint32_t id = fleet_find(f, span_of(plate, n));
            if (id != FLEET_NONE)
                link_plate(w, id, row);
        }
}

/* An active registered vehicle, the k-th. */
static uint32_t
some_active(const struct city *c, uint64_t what, uint64_t k)
{
    for (uint64_t tries = 0;; tries++) {
        uint64_t h = rnd_hash(c->opts.seed, what, k * 4096 + tries);
        uint32_t v = rnd_scale(h, c->fleet.n);
        if (plan_active(&c->plan, v) || tries > 200)
            return v;
    }
}

static void
set_span(struct watchlist_row *r, const struct city *c, uint64_t h)
{
    ts_ms start = c->opts.from_ms;
    int64_t run = (int64_t)c->opts.days * DAY_MS;
    int64_t inside = (int64_t)rnd_scale(rnd_mix(h), (uint32_t)(run / 1000)) * 1000;
    r->from_ms = start - 20 * DAY_MS;
    r->to_ms = start + 60 * DAY_MS;
    switch (rnd_scale(h, 10)) {
    case 0:
        r->from_ms = start + inside; /* begins while the city runs */
        break;
    case 1:
        r->to_ms = start + inside; /* ends while it runs */
        break;
    default:
        break;
    }
    r->reason = (uint8_t)(h % 6);
    r->level = r->reason == 5 ? 3 : (uint8_t)(1 + (h >> 8) % 2);
}

static int
by_plate(const void *a, const void *b)
{
    const struct watchlist_link *x = a, *y = b;
    if (x->worn != y->worn)
        return x->worn < y->worn ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

enum err
watchlist_init(struct watchlist *w, const struct city *c, uint32_t n, struct note *note)
{
    *w = (struct watchlist){.n = n, .seed = c->opts.seed};
    w->rows = calloc(n + 1, sizeof *w->rows);
    if (!w->rows)
        return note_set(note, ERR_NOMEM, "watches", "not enough memory", "内存不足");
    uint32_t whole = c->fleet.n / 500 + 10, wild = c->fleet.n / 5000 + 3;
    wild = wild < n / 500 ? wild : n / 500;
    whole = whole < n / 3 ? whole : n / 3;
    for (uint32_t i = 0; i < n; i++) {
        struct watchlist_row *r = &w->rows[i];
        /* Spread the three sorts over the list: the number says nothing. */
        uint32_t sort = (uint32_t)((uint64_t)i * 7919 % n);
        set_span(r, c, rnd_hash(w->seed, WHAT_SPAN, i));
        if (sort < whole) {
            uint32_t v = some_active(c, WHAT_WATCH, sort);
            memcpy(r->pattern, c->fleet.plate[v], FLEET_PLATE);
            link_plate(w, v, i);
        } else if (sort < whole + wild) {
            uint32_t v = some_active(c, WHAT_PATTERN, sort);
            uint64_t h = rnd_hash(w->seed, WHAT_PATTERN, sort);
            memcpy(r->pattern, c->fleet.plate[v], FLEET_PLATE);
            size_t len = strlen(r->pattern), head = (r->pattern[0] & 0x80) ? 4 : 2;
            if (r->pattern[len - 1] & 0x80) /* 警, 学 ... stay */
                len -= 3;
            size_t at1 = head + rnd_scale(h, (uint32_t)(len - head)), at2 = at1;
            if (rnd_mix(h) % 5 == 0)
                at2 = head + (at1 - head + 1) % (len - head);
            r->pattern[at1] = r->pattern[at2] = '?';
            link_pattern(w, &c->fleet, i, at1, at2);
        } else {
            uint64_t tries = 0;
            do {
                fleet_some_plate(
                    rnd_hash(w->seed, WHAT_ABSENT, (uint64_t)i * 64 + tries++), false,
                    r->pattern);
            } while (fleet_find(&c->fleet, span_cstr(r->pattern)) != FLEET_NONE);
        }
    }
    if (w->links_n)
        qsort(w->links, w->links_n, sizeof *w->links, by_plate);
    return OK;
}

void
watchlist_release(struct watchlist *w)
{
    free(w->rows);
    free(w->links);
    memset(w, 0, sizeof *w);
}

uint32_t
watchlist_of(
    const struct watchlist *w, uint32_t worn, const struct watchlist_link **out)
{
    uint32_t lo = 0, hi = w->links_n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (w->links[mid].worn < worn)
            lo = mid + 1;
        else
            hi = mid;
    }
    uint32_t n = 0;
    *out = w->links + lo;
    while (lo + n < w->links_n && w->links[lo + n].worn == worn)
        n++;
    return n;
}
