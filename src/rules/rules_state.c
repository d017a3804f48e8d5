/* SPDX-License-Identifier: Apache-2.0 */
/* All that later alarms depend on, as bytes: each table writes and reads its own. */
#include "rules/rules_own.h"

#include "core/hash.h"

#define CHECKPOINT_FORM 2

static uint64_t
rows_print(void)
{
    uint64_t h = 0;
    for (size_t i = 0; rule_rows[i]; i++)
        h = hash_pair(h, hash_span(span_cstr(rule_rows[i]->name), 0));
    return h;
}

void
rules_checkpoint(const struct rules *r, struct buf *out)
{
    buf_u8(out, CHECKPOINT_FORM);
    buf_le(out, rows_print(), 8);
    buf_varint(out, r->lsn);
    buf_varint(out, zigzag_encode(r->newest_ms));
    buf_varint(out, zigzag_encode(r->newest_day));
    ts_ms since = r->newest_ms == INT64_MIN ? 0 : r->newest_ms - DAY_MS;
    seen_encode(out, &r->seen, since);
    held_encode(out, &r->held);
    marks_encode(out, &r->marks);
    unread_encode(out, &r->unread);
    suspects_encode(out, &r->suspects);
    traffic_encode(out, &r->traffic);
}

enum err
rules_restore(struct rules *r, struct span bytes)
{
    struct cur c = cur_of(bytes.p, bytes.n);
    if (cur_u8(&c) != CHECKPOINT_FORM)
        return ERR_NEWER;
    if (cur_u64_le(&c) != rows_print())
        return ERR_NEWER; /* other rules: the caller feeds the horizon again */
    uint64_t lsn = cur_varint(&c);
    ts_ms newest_ms = zigzag_decode(cur_varint(&c));
    int32_t newest_day = (int32_t)zigzag_decode(cur_varint(&c));
    enum err e = seen_decode(&c, &r->seen);
    if (!e)
        e = held_decode(&c, &r->held);
    if (!e)
        e = marks_decode(&c, &r->marks);
    if (!e)
        e = unread_decode(&c, &r->unread);
    if (!e)
        e = suspects_decode(&c, &r->suspects);
    if (!e)
        e = traffic_decode(&c, &r->traffic);
    if (!e && (c.bad || cur_left(&c)))
        e = ERR_CORRUPT;
    if (e)
        return e;
    r->lsn = lsn;
    r->newest_ms = newest_ms;
    r->newest_day = newest_day;
    return OK;
}
