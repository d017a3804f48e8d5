/* SPDX-License-Identifier: Apache-2.0 */
/* Throttles are two tables of fixed size, the older of two places is overwritten; the
 * room is an array in which the first is looked for: it is small, and a password takes a
 * thousand times as long. */
#include "serve/sign_in.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdlib.h>

#include "core/hash.h"

/* Remembered names and addresses, each. */
#define TRIES 4096u
#define ADDRESS_SPAN_MS (10 * MINUTE_MS)
#define GOOD_MS (30 * DAY_MS) /* so long an address is known for a right password */

struct tries { /* of one name or one address */
    uint64_t key;
    uint32_t wrong;
    ts_ms first_ms, locked_ms;
};

/* Who is computed first. */
enum rank {
    RANK_KNOWN,   /* somebody has signed in from there, and nearly all was right */
    RANK_ERRING,  /* ... and more than a few were wrong: an office has one address */
    RANK_NEW,     /* nothing is known of either */
    RANK_MISSED,  /* wrong passwords for this name, from elsewhere */
    RANK_GUESSING /* wrong passwords from there */
};

struct place {
    void *who;
    uint64_t name, peer, number; /* number: in order of coming */
    enum rank rank;
    bool on_its_way;
};

struct sign_ins {
    struct tries names[TRIES], addresses[TRIES];
    struct tries known[TRIES]; /* addresses; first_ms: of the last right password. A
                                * table of its own: wrong ones push nobody out of it */
    struct place room[SIGN_IN_ROOM];
    unsigned n, on_their_way;
    uint64_t last; /* number */
    uint64_t seed; /* so that nobody can choose colliding names */
};

struct sign_ins *
sign_ins_new(void)
{
    struct sign_ins *t = calloc(1, sizeof *t);
    if (t)
        randombytes_buf(&t->seed, sizeof t->seed);
    return t;
}

void
sign_ins_free(struct sign_ins *t)
{
    free(t);
}

/* ---- throttles ---- */

/* The row of a key: its own, else (for writing) the older of two places. */
static struct tries *
tries_of(struct sign_ins *t, struct tries *table, struct span key, bool make)
{
    uint64_t h = hash_span(key, t->seed) | 1;
    struct tries *a = &table[h % TRIES], *b = &table[(h >> 32) % TRIES];
    if (a->key == h)
        return a;
    if (b->key == h)
        return b;
    if (!make)
        return NULL;
    struct tries *row = !a->key || (b->key && a->first_ms < b->first_ms) ? a : b;
    *row = (struct tries){.key = h};
    return row;
}

/* Of an IPv6 address the half that names its network: who has one address there has all
 * of them. Empty: no IPv6. */
static struct span
network_of(struct span peer, struct in6_addr *room)
{
    char text[64];
    bool six =
        span_copy(text, sizeof text, peer) && inet_pton(AF_INET6, text, room) == 1;
    return span_of((const char *)room, six ? 8 : 0);
}

static bool
is_recent(const struct tries *row, ts_ms now)
{
    return row && row->wrong && now < row->first_ms + ADDRESS_SPAN_MS;
}

enum refusal
sign_in_may(struct sign_ins *t, struct span login, struct span peer, ts_ms now)
{
    const struct tries *name = tries_of(t, t->names, login, false);
    const struct tries *from = tries_of(t, t->addresses, peer, false);
    if (is_recent(from, now) && from->wrong >= SIGN_IN_ADDRESS_TRIES)
        return REFUSE_THROTTLED;
    return name && now < name->locked_ms ? REFUSE_LOCKED : REFUSE_NOTHING;
}

static void
count_wrong(struct sign_ins *t, struct span from, ts_ms now)
{
    struct tries *row = tries_of(t, t->addresses, from, true);
    if (!is_recent(row, now)) {
        row->wrong = 0;
        row->first_ms = now;
    }
    row->wrong++;
}

void
sign_in_wrong(struct sign_ins *t, struct span login, struct span peer, ts_ms now)
{
    struct in6_addr six;
    struct tries *name = tries_of(t, t->names, login, true);
    if (!name->wrong || now > name->first_ms + SIGN_IN_LOCK_MS) {
        name->wrong = 0;
        name->first_ms = now;
    }
    if (++name->wrong >= SIGN_IN_TRIES) {
        name->locked_ms = now + SIGN_IN_LOCK_MS;
        name->wrong = 0;
    }
    count_wrong(t, peer, now);
    struct span network = network_of(peer, &six);
    if (network.n)
        count_wrong(t, network, now);
}

void
sign_in_forgive(struct sign_ins *t, struct span login)
{
    struct tries *name = tries_of(t, t->names, login, false);
    if (name)
        *name = (struct tries){0};
}

void
sign_in_right(struct sign_ins *t, struct span login, struct span peer, ts_ms now)
{
    sign_in_forgive(t, login);
    tries_of(t, t->known, peer, true)->first_ms = now;
}

/* ---- the room ---- */

static enum rank
rank_of(struct sign_ins *t, struct span login, struct span peer, ts_ms now)
{
    struct in6_addr six;
    const struct tries *name = tries_of(t, t->names, login, false);
    const struct tries *from = tries_of(t, t->addresses, peer, false);
    const struct tries *known = tries_of(t, t->known, peer, false);
    struct span network = network_of(peer, &six);
    bool guessed = is_recent(from, now);
    if (known && now < known->first_ms + GOOD_MS)
        return guessed && from->wrong >= SIGN_IN_TRIES ? RANK_ERRING : RANK_KNOWN;
    if (guessed ||
        (network.n && is_recent(tries_of(t, t->addresses, network, false), now)))
        return RANK_GUESSING;
    bool missed = name && name->wrong && now < name->first_ms + SIGN_IN_LOCK_MS;
    return missed ? RANK_MISSED : RANK_NEW;
}

static bool
before(const struct place *a, const struct place *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->number < b->number;
}

/* The first, or the last, of those that wait, of this name or (0) of all; NULL: nobody
 * does. */
static struct place *
waiting(struct sign_ins *t, bool first, uint64_t name)
{
    struct place *best = NULL;
    for (unsigned i = 0; i < t->n; i++) {
        struct place *p = &t->room[i];
        if (p->on_its_way || (name && p->name != name))
            continue;
        if (!best || before(p, best) == first)
            best = p;
    }
    return best;
}

static void
vacate(struct sign_ins *t, struct place *p)
{
    t->on_their_way -= p->on_its_way;
    *p = t->room[--t->n];
}

enum sign_in_place
sign_in_enter(
    struct sign_ins *t, struct span login, struct span peer, ts_ms now, void *who,
    void **out)
{
    struct place p = {
        .who = who,
        .name = hash_span(login, t->seed),
        .peer = hash_span(peer, t->seed),
        .number = ++t->last,
        .rank = rank_of(t, login, peer, now),
    };
    unsigned same_name = 0, same_peer = 0;
    *out = NULL;
    for (unsigned i = 0; i < t->n; i++) {
        same_name += t->room[i].name == p.name;
        same_peer += t->room[i].peer == p.peer;
    }
    if (same_peer >= SIGN_IN_SAME_ADDRESS)
        return SIGN_IN_FULL;
    bool crowd = same_name >= SIGN_IN_SAME_NAME;
    if (crowd || t->n == SIGN_IN_ROOM) {
        struct place *last = waiting(t, false, crowd ? p.name : 0);
        if (!last || !before(&p, last))
            return SIGN_IN_FULL;
        *out = last->who;
        vacate(t, last);
    }
    p.on_its_way = t->on_their_way < SIGN_IN_COMPUTED;
    t->on_their_way += p.on_its_way;
    t->room[t->n++] = p;
    return p.on_its_way ? SIGN_IN_NOW : SIGN_IN_WAITS;
}

void
sign_in_leave(struct sign_ins *t, const void *who)
{
    for (unsigned i = 0; i < t->n; i++)
        if (t->room[i].who == who) {
            vacate(t, &t->room[i]);
            return;
        }
}

void *
sign_in_next(struct sign_ins *t)
{
    struct place *p = t->on_their_way < SIGN_IN_COMPUTED ? waiting(t, true, 0) : NULL;
    if (!p)
        return NULL;
    p->on_its_way = true;
    t->on_their_way++;
    return p->who;
}
