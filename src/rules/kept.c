/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/kept.h"

#include <stdlib.h>

#include "core/hash.h"

#define BUCKETS (1u << 14)
#define FIRST_ROWS 8u
#define FIRST_TEXTS 160u

enum err
kept_init(struct kept_table *t, size_t cap)
{
    *t = (struct kept_table){.mask = BUCKETS - 1, .cap = cap};
    t->heads = calloc(BUCKETS, sizeof *t->heads);
    return t->heads ? OK : ERR_NOMEM;
}

void
kept_release(struct kept_table *t)
{
    for (uint32_t i = 0; i < t->n; i++) {
        free(t->at[i].rows);
        free(t->at[i].texts);
    }
    free(t->at);
    free(t->heads);
    *t = (struct kept_table){0};
}

/* ---- the order of use ---- */

static void
take_out(struct kept_table *t, struct kept *k)
{
    *(k->newer ? &t->at[k->newer - 1].older : &t->newest) = k->older;
    *(k->older ? &t->at[k->older - 1].newer : &t->oldest) = k->newer;
}

static void
put_first(struct kept_table *t, struct kept *k)
{
    uint32_t own = (uint32_t)(k - t->at) + 1;
    k->newer = 0;
    k->older = t->newest;
    *(t->newest ? &t->at[t->newest - 1].newer : &t->oldest) = own;
    t->newest = own;
}

/* ---- entries ---- */

static uint32_t *
head_of(struct kept_table *t, struct plate p)
{
    return &t->heads[hash_u64(p.v) & t->mask];
}

static struct kept *
find(struct kept_table *t, struct plate p)
{
    uint32_t i = *head_of(t, p);
    while (i && !plate_eq(t->at[i - 1].plate, p))
        i = t->at[i - 1].chain;
    return i ? &t->at[i - 1] : NULL;
}

static size_t
bytes_of(const struct kept *k)
{
    return sizeof *k + k->room * sizeof *k->rows + k->texts_room;
}

static void
drop(struct kept_table *t, struct kept *k)
{
    uint32_t own = (uint32_t)(k - t->at) + 1, *link = head_of(t, k->plate);
    while (*link != own)
        link = &t->at[*link - 1].chain;
    *link = k->chain;
    take_out(t, k);
    t->bytes -= bytes_of(k);
    free(k->rows);
    free(k->texts);
    *k = (struct kept){.chain = t->spare};
    t->spare = own;
}

/* Lets the oldest go until the bytes are within the cap; never the newest. */
static void
make_room(struct kept_table *t)
{
    while (t->bytes > t->cap && t->oldest != t->newest)
        drop(t, &t->at[t->oldest - 1]);
}

static struct kept *
fresh(struct kept_table *t)
{
    if (t->spare) {
        struct kept *k = &t->at[t->spare - 1];
        t->spare = k->chain;
        return k;
    }
    if (t->n == t->room) {
        uint32_t room = t->room ? t->room * 2 : 256;
        struct kept *p = realloc(t->at, room * sizeof *p);
        if (!p)
            return NULL;
        t->at = p;
        t->room = room;
    }
    return &t->at[t->n++];
}

/* ---- rows ---- */

/* Only what is before `from` has no part in any later judgement. */
static void
forget_before(struct kept *k, ts_ms from)
{
    uint32_t n = 0, texts = 0;
    for (uint32_t i = 0; i < k->n; i++) {
        struct kept_row *r = &k->rows[i];
        uint32_t len = (uint32_t)r->record_n + r->image_n;
        if (r->pass_ms < from)
            continue;
        if (len)
            memmove(k->texts + texts, k->texts + r->text, len);
        r->text = texts;
        texts += len;
        k->rows[n++] = *r;
    }
    k->n = n;
    k->texts_n = texts;
    k->from_ms = from;
}

const struct kept *
kept_find(struct kept_table *t, struct plate p, ts_ms from)
{
    struct kept *k = find(t, p);
    if (!k || k->from_ms > from)
        return NULL;
    if (k->from_ms < from)
        forget_before(k, from);
    take_out(t, k);
    put_first(t, k);
    return k;
}

bool
kept_begin(struct kept_table *t, struct plate p, ts_ms from)
{
    kept_drop(t, p);
    struct kept *k = fresh(t);
    if (!k)
        return false;
    uint32_t *head = head_of(t, p);
    *k = (struct kept){.plate = p, .from_ms = from, .chain = *head};
    *head = (uint32_t)(k - t->at) + 1;
    t->bytes += bytes_of(k);
    put_first(t, k);
    make_room(t);
    return true;
}

/* Room for one row with `len` bytes of text. */
static bool
reserve(struct kept_table *t, struct kept *k, uint32_t len)
{
    size_t before = bytes_of(k);
    uint32_t room = k->room, texts = k->texts_room;
    if (k->n == room) {
        room = room ? room * 2 : FIRST_ROWS;
        struct kept_row *p = realloc(k->rows, room * sizeof *p);
        if (!p)
            return false;
        k->rows = p;
        k->room = room;
    }
    while (texts - k->texts_n < len)
        texts = texts ? texts * 2 : FIRST_TEXTS;
    if (texts != k->texts_room) {
        char *p = realloc(k->texts, texts);
        if (p) {
            k->texts = p;
            k->texts_room = texts;
        }
    }
    t->bytes += bytes_of(k) - before;
    return texts == k->texts_room;
}

static struct span
record_of(const struct kept *k, const struct kept_row *r)
{
    return span_of(r->record_n ? k->texts + r->text : "", r->record_n);
}

static bool
is_there(const struct kept *k, const struct sighting *s)
{
    for (uint32_t i = k->n; i-- > 0;) {
        const struct kept_row *r = &k->rows[i];
        if (r->pass_ms == s->pass_ms && r->site == s->site.v &&
            r->device == s->device.v && span_eq(record_of(k, r), s->record_id))
            return true;
    }
    return false;
}

bool
kept_add(struct kept_table *t, const struct sighting *s)
{
    struct kept *k = find(t, s->plate);
    /* of what a camera saw nobody asks for the picture here */
    struct span image = s->flags & SIGHTING_TAG ? s->image : span_of("", 0);
    if (!k)
        return false;
    if (s->pass_ms < k->from_ms || is_there(k, s))
        return true;
    if (s->record_id.n > UINT16_MAX || image.n > UINT16_MAX ||
        !reserve(t, k, (uint32_t)(s->record_id.n + image.n))) {
        drop(t, k);
        return false;
    }
    k->rows[k->n++] = (struct kept_row){
        .pass_ms = s->pass_ms,
        .arrive_ms = s->arrive_ms,
        .site = s->site.v,
        .device = s->device.v,
        .text = k->texts_n,
        .record_n = (uint16_t)s->record_id.n,
        .image_n = (uint16_t)image.n,
        .speed_dkmh = s->speed_dkmh,
        .vehicle_class = s->vehicle_class,
        .brand = s->brand,
        .plate_color = s->plate_color,
        .vehicle_color = s->vehicle_color,
        .lane = s->lane,
        .direction = s->direction,
        .confidence = s->confidence,
        .flags = s->flags};
    if (s->record_id.n)
        memcpy(k->texts + k->texts_n, s->record_id.p, s->record_id.n);
    if (image.n)
        memcpy(k->texts + k->texts_n + s->record_id.n, image.p, image.n);
    k->texts_n += (uint32_t)(s->record_id.n + image.n);
    make_room(t);
    return plate_eq(k->plate, s->plate); /* it may have been the oldest */
}

void
kept_drop(struct kept_table *t, struct plate p)
{
    struct kept *k = find(t, p);
    if (k)
        drop(t, k);
}

struct sighting
kept_sighting(const struct kept *k, const struct kept_row *r)
{
    struct sighting s = {
        .pass_ms = r->pass_ms,
        .arrive_ms = r->arrive_ms,
        .plate = k->plate,
        .site = {r->site},
        .device = {r->device},
        .speed_dkmh = r->speed_dkmh,
        .vehicle_class = r->vehicle_class,
        .brand = r->brand,
        .plate_color = r->plate_color,
        .vehicle_color = r->vehicle_color,
        .lane = r->lane,
        .direction = r->direction,
        .confidence = r->confidence,
        .flags = r->flags,
        .record_id = record_of(k, r)};
    if (r->image_n)
        s.image = span_of(k->texts + r->text + r->record_n, r->image_n);
    return s;
}
