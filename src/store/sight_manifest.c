/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest: one small file that says which segments there are and how much of the
 * journal they hold. It is replaced in one step; whatever it does not name is swept at
 * start. */
#include "core/hash.h"
#include "store/sight_core.h"

#include <stdlib.h>

#define MAGIC "TQMANIF\n"
#define VERSION 1u

void
manifest_release(struct manifest *m)
{
    free(m->segs);
    *m = (struct manifest){0};
}

bool
manifest_add(struct manifest *m, uint8_t kind, uint64_t seq)
{
    if (m->n == m->room) {
        size_t room = m->room ? m->room * 2 : 64;
        void *p = realloc(m->segs, room * sizeof *m->segs);
        if (!p)
            return false;
        m->segs = p;
        m->room = room;
    }
    m->segs[m->n].kind = kind;
    m->segs[m->n++].seq = seq;
    return true;
}

void
manifest_encode(const struct manifest *m, struct buf *out)
{
    buf_put(out, MAGIC, 8);
    buf_le(out, VERSION, 4);
    buf_le(out, m->missing, 4);
    buf_le(out, m->flushed, 8);
    buf_le(out, m->seq, 8);
    buf_le(out, m->n, 8);
    for (size_t i = 0; i < m->n; i++) {
        buf_u8(out, m->segs[i].kind);
        buf_le(out, m->segs[i].seq, 8);
    }
    if (!out->bad)
        buf_le(out, crc32c(0, out->p, out->n), 4);
}

enum err
manifest_decode(struct manifest *m, struct span bytes, struct note *note)
{
    struct cur c = cur_of(bytes.p, bytes.n);
    const uint8_t *magic = cur_take(&c, 8);
    uint32_t version = cur_u32_le(&c);
    bool good = magic && memcmp(magic, MAGIC, 8) == 0;
    if (good && version > VERSION)
        return note_set(
            note, ERR_NEWER, "manifest",
            "the sightings were written by a newer release", "过车数据由更新版本写入");
    m->missing = cur_u32_le(&c);
    m->flushed = cur_u64_le(&c);
    m->seq = cur_u64_le(&c);
    uint64_t n = cur_u64_le(&c);
    good = good && n <= cur_left(&c) / 9;
    for (uint64_t i = 0; good && i < n; i++) {
        uint8_t kind = cur_u8(&c);
        good = (kind == SEG_PLACE || kind == SEG_VEHICLE) &&
               manifest_add(m, kind, cur_u64_le(&c));
    }
    uint32_t crc = cur_u32_le(&c);
    if (good && !c.bad && !cur_left(&c) && crc32c(0, bytes.p, bytes.n - 4) == crc)
        return OK;
    return note_set(
        note, ERR_CORRUPT, "manifest", "the list of segments is damaged",
        "数据段清单已损坏");
}
