/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/pair_list.h"

#define PIECE 65000u
#define NUMBER 5u /* bytes of the largest */

struct pair_piece {
    struct pair_piece *next;
    uint32_t n;
    uint8_t byte[PIECE];
};

static bool
put_number(struct pair_list *l, struct arena *arena, uint32_t v)
{
    struct pair_piece *p = l->last;
    if (!p || p->n + NUMBER > PIECE) {
        p = arena_raw(arena, sizeof *p);
        if (!p)
            return false;
        p->next = NULL;
        p->n = 0;
        *(l->last ? &l->last->next : &l->first) = p;
        l->last = p;
    }
    uint32_t begin = p->n;
    for (; v >= 128; v >>= 7)
        p->byte[p->n++] = (uint8_t)(v | 128);
    p->byte[p->n++] = (uint8_t)v;
    l->bytes += p->n - begin;
    return true;
}

bool
pair_list_put(
    struct pair_list *l, struct arena *arena, uint32_t x, const uint32_t *y, uint32_t n)
{
    must(n > 0 && x >= l->x);
    if (!put_number(l, arena, x - l->x) || !put_number(l, arena, n))
        return false;
    l->x = x;
    for (uint32_t i = 0; i < n; i++)
        if (!put_number(l, arena, y[i] - (i ? y[i - 1] : x)))
            return false;
    l->pairs += n;
    return true;
}

static uint32_t
get_number(struct pair_reader *r)
{
    if (r->at == r->piece->n) {
        r->piece = r->piece->next;
        r->at = 0;
    }
    const uint8_t *p = r->piece->byte + r->at;
    uint32_t v = *p & 127u;
    for (unsigned shift = 7; *p++ >= 128; shift += 7)
        v |= (*p & 127u) << shift;
    r->at = (uint32_t)(p - r->piece->byte);
    return v;
}

void
pair_reader_init(struct pair_reader *r, const struct pair_list *l)
{
    *r = (struct pair_reader){.piece = l->first, .left = l->pairs};
}

bool
pair_reader_next(struct pair_reader *r)
{
    if (r->left == 0)
        return false;
    r->x += get_number(r);
    r->n = get_number(r);
    must(r->n <= r->left);
    r->left -= r->n;
    return true;
}

void
pair_reader_take(struct pair_reader *r, uint32_t *y)
{
    uint32_t last = r->x;
    for (uint32_t i = 0; i < r->n; i++)
        y[i] = last += get_number(r);
}
