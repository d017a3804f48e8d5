/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/marks.h"

#include <stdlib.h>

#include "core/hash.h"
#include "rules/scene.h"

#define FIRST_SLOTS 4096u

enum err
marks_init(struct marks *m)
{
    *m = (struct marks){.mask = FIRST_SLOTS - 1, .newest_ms = INT64_MIN};
    m->slots = calloc(FIRST_SLOTS, sizeof *m->slots);
    return m->slots ? OK : ERR_NOMEM;
}

void
marks_release(struct marks *m)
{
    free(m->slots);
    *m = (struct marks){0};
}

static uint64_t
key_of(struct plate p, unsigned section)
{
    uint64_t key = hash_pair(p.v, section);
    return key ? key : 1;
}

static struct mark *
probe(const struct marks *m, uint64_t key)
{
    size_t at = key & m->mask;
    while (m->slots[at].key && m->slots[at].key != key)
        at = (at + 1) & m->mask;
    return &m->slots[at];
}

/* Drops what is too old to matter, and doubles when that was not half. */
static bool
make_room(struct marks *m)
{
    struct mark *old = m->slots;
    size_t old_slots = m->mask + 1, keep = 0;
    for (size_t i = 0; i < old_slots; i++)
        keep += old[i].key && old[i].at_ms >= m->newest_ms - LOOKBACK_MS;
    size_t slots = keep * 4 > old_slots ? old_slots * 2 : old_slots;
    struct mark *fresh = calloc(slots, sizeof *fresh);
    if (!fresh)
        return false;
    m->slots = fresh;
    m->mask = slots - 1;
    m->n = keep;
    for (size_t i = 0; i < old_slots; i++)
        if (old[i].key && old[i].at_ms >= m->newest_ms - LOOKBACK_MS)
            *probe(m, old[i].key) = old[i];
    free(old);
    return true;
}

static void
put(struct marks *m, uint64_t key, ts_ms at_ms)
{
    struct mark *e = probe(m, key);
    if (!e->key) {
        if ((m->n + 1) * 4 > (m->mask + 1) * 3) {
            if (!make_room(m) && m->n >= m->mask)
                return;
            e = probe(m, key);
        }
        *e = (struct mark){key, at_ms};
        m->n++;
    }
    e->at_ms = at_ms > e->at_ms ? at_ms : e->at_ms;
    m->newest_ms = at_ms > m->newest_ms ? at_ms : m->newest_ms;
}

void
mark_put(struct marks *m, struct plate p, unsigned section, ts_ms at_ms)
{
    put(m, key_of(p, section), at_ms);
}

ts_ms
mark_find(const struct marks *m, struct plate p, unsigned section)
{
    const struct mark *e = probe(m, key_of(p, section));
    return e->key ? e->at_ms : INT64_MIN;
}

void
marks_encode(struct buf *out, const struct marks *m)
{
    buf_varint(out, m->n);
    for (size_t i = 0; i <= m->mask; i++)
        if (m->slots[i].key) {
            buf_le(out, m->slots[i].key, 8);
            buf_le(out, (uint64_t)m->slots[i].at_ms, 8);
        }
}

enum err
marks_decode(struct cur *c, struct marks *m)
{
    uint64_t n = cur_varint(c);
    for (uint64_t i = 0; i < n && !c->bad; i++) {
        uint64_t key = cur_u64_le(c);
        ts_ms at = (ts_ms)cur_u64_le(c);
        if (!c->bad && key)
            put(m, key, at);
    }
    return c->bad ? ERR_CORRUPT : OK;
}
