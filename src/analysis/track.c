/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/track.h"

#define PIECE ((size_t)256 << 10)
#define PASS 10u /* bytes of the longest */

static uint8_t *
put_number(uint8_t *p, uint32_t v)
{
    for (; v >= 128; v >>= 7)
        *p++ = (uint8_t)(v | 128);
    *p++ = (uint8_t)v;
    return p;
}

bool
tracks_put(
    struct tracks *t, const ts_ms *at, const uint32_t *site, size_t n,
    struct track *out)
{
    if ((size_t)(t->end - t->at) < n * PASS) {
        size_t room = n * PASS > PIECE ? n * PASS : PIECE;
        t->at = arena_raw(t->arena, room);
        t->end = t->at ? t->at + room : NULL;
        if (!t->at)
            return false;
    }
    uint8_t *p = t->at;
    ts_ms last = t->base;
    must(n <= UINT32_MAX);
    for (size_t i = 0; i < n; i++) {
        must(at[i] >= last && at[i] - last <= UINT32_MAX);
        p = put_number(p, (uint32_t)(at[i] - last));
        p = put_number(p, site[i]);
        last = at[i];
    }
    *out = (struct track){t->at, (uint32_t)n};
    t->bytes += (size_t)(p - t->at);
    t->at = p;
    return true;
}

static const uint8_t *
get_number(const uint8_t *p, uint32_t *v)
{
    *v = *p & 127u;
    for (unsigned shift = 7; *p++ >= 128; shift += 7)
        *v |= (*p & 127u) << shift;
    return p;
}

void
track_get(struct track track, uint32_t *at, uint32_t *site)
{
    const uint8_t *p = track.p;
    uint32_t t = 0;
    for (uint32_t i = 0; i < track.n; i++) {
        uint32_t step;
        p = get_number(p, &step);
        p = get_number(p, &site[i]);
        at[i] = t += step;
    }
}
