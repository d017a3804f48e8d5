/* SPDX-License-Identifier: Apache-2.0 */
/* A base is one flat image: head, slots, offsets of owner texts, texts.
 *
 * Slots are in the order of the hash of the plate: a row sits at its home (hash scaled
 * to the number of homes) or as soon behind it as the rows before it allow, so a search
 * walks forward from home and ends at an empty slot or at a greater hash. At a load of
 * 85 % that is 3.8 rows on average, found or not: two cache lines. The slots behind the
 * last home take what spills over; the last slot is always empty.
 *
 * The delta is a small table of changed rows (or of gone ones) that hides the base's
 * row of the same plate and colour.
 */
#include "model/vehicle.h"

#include "core/hash.h"

#include <stdlib.h>

#define IMAGE_MAGIC "TQVEHIX\n"
#define IMAGE_LAYOUT 1u
#define LOAD_PERCENT 85u

struct image_head { /* little-endian, 80 bytes */
    char magic[8];
    uint32_t layout;
    uint32_t crc; /* CRC-32C of everything behind this field */
    uint64_t size, homes, slots, rows, owners, text_bytes, version, zero;
};
_Static_assert(sizeof(struct image_head) == 80, "the head has no holes");
#define CRC_FROM (offsetof(struct image_head, crc) + 4)

struct base {
    uint32_t refs; /* atomic */
    const struct image_head *head;
    const struct vehicle *slots;
    const uint32_t *owner_at; /* owners + 1 offsets into text */
    const char *text;
    void (*release)(void *arg);
    void *arg;
};

struct delta_row {
    struct vehicle v;
    bool gone, used;
};

struct vehicle_index {
    uint32_t refs; /* atomic */
    struct base *base;
    uint64_t version, count;
    size_t delta_n, delta_mask; /* mask 0: no table */
    struct delta_row *delta;
    uint32_t *owner_at; /* of delta owners, numbered behind the base's */
    size_t owners_n;
    char *text;
};

static inline uint64_t
plate_hash(struct plate p)
{
    return hash_u64(p.v);
}

static inline uint64_t
home_of(uint64_t hash, uint64_t homes)
{
    return (uint64_t)(((unsigned __int128)hash * homes) >> 64);
}

/* ---- base ---- */

static void
base_unref(struct base *b)
{
    if (!b || __atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    b->release(b->arg);
    free(b);
}

/* Points into an image whose bounds were checked. */
static struct base *
base_over(const void *image, void (*release)(void *arg), void *arg)
{
    struct base *b = malloc(sizeof *b);
    if (!b)
        return NULL;
    const struct image_head *h = image;
    const char *p = (const char *)image + sizeof *h;
    b->refs = 1;
    b->head = h;
    b->slots = (const struct vehicle *)p;
    b->owner_at = (const uint32_t *)(p + h->slots * sizeof *b->slots);
    b->text = (const char *)(b->owner_at + h->owners + 1);
    b->release = release;
    b->arg = arg;
    return b;
}

/* First slot of plate p at or behind `from` (SIZE_MAX: start at home); NULL when there
 * is none. */
static const struct vehicle *
base_next(const struct base *b, struct plate p, const struct vehicle *from)
{
    uint64_t hash = plate_hash(p);
    const struct vehicle *v = from ? from : b->slots + home_of(hash, b->head->homes);
    for (; v->plate.v; v++) {
        if (v->plate.v == p.v)
            return v;
        if (plate_hash(v->plate) > hash)
            break;
    }
    return NULL;
}

struct order {
    uint64_t hash;
    uint32_t row;
};

/* Puts x behind the entries of its hash among out[0..kept), or over the one of the same
 * plate and colour; answers how many there are then. */
static size_t
insert_row(const struct vehicle *rows, struct order *out, size_t kept, struct order x)
{
    const struct vehicle *v = &rows[x.row];
    size_t at = kept;
    while (at > 0 && out[at - 1].hash > x.hash)
        at--;
    for (size_t j = at; j > 0 && out[j - 1].hash == x.hash; j--) {
        const struct vehicle *w = &rows[out[j - 1].row];
        if (w->plate.v == v->plate.v && w->plate_color == v->plate_color) {
            out[j - 1] = x;
            return kept;
        }
    }
    memmove(out + at + 1, out + at, (kept - at) * sizeof *out);
    out[at] = x;
    return kept + 1;
}

/* Stable counting sort by home, then by hash inside a home; later duplicates win.
 * Returns how many are left in `out`. */
static size_t
sort_rows(
    const struct vehicle *rows, size_t n, uint64_t homes, uint32_t *count,
    struct order *out)
{
    for (size_t i = 0; i < n; i++)
        count[home_of(plate_hash(rows[i].plate), homes) + 1]++;
    for (uint64_t h = 0; h < homes; h++)
        count[h + 1] += count[h];
    for (size_t i = 0; i < n; i++) {
        uint64_t hash = plate_hash(rows[i].plate);
        out[count[home_of(hash, homes)]++] = (struct order){hash, (uint32_t)i};
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        kept = insert_row(rows, out, kept, out[i]);
    return kept;
}

/* Slots needed for the order, with the empty one at the end. */
static uint64_t
slots_needed(const struct order *order, size_t n, uint64_t homes)
{
    uint64_t next = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t home = home_of(order[i].hash, homes);
        next = (home > next ? home : next) + 1;
    }
    return (next > homes ? next : homes) + 1;
}

static void
fill_slots(
    struct vehicle *slots, const struct vehicle *rows, const struct order *order,
    size_t n, uint64_t homes)
{
    uint64_t next = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t home = home_of(order[i].hash, homes);
        uint64_t at = home > next ? home : next;
        slots[at] = rows[order[i].row];
        next = at + 1;
    }
}

static void
fill_owners(char *p, const struct span *owners, size_t n)
{
    uint32_t at = 0;
    char *text = p + (n + 1) * sizeof at;
    for (size_t i = 0; i < n; i++) {
        memcpy(p + i * sizeof at, &at, sizeof at);
        if (owners[i].n)
            memcpy(text + at, owners[i].p, owners[i].n);
        at += (uint32_t)owners[i].n;
    }
    memcpy(p + n * sizeof at, &at, sizeof at);
}

static struct image_head *
build_image(
    const struct vehicle *rows, size_t n, const struct span *owners, size_t owners_n,
    uint64_t version)
{
    struct image_head *head = NULL;
    uint64_t homes = (uint64_t)n * 100 / LOAD_PERCENT + 1;
    uint32_t *count = calloc(homes + 2, sizeof *count);
    struct order *order = malloc((n + 1) * sizeof *order);
    if (!count || !order)
        goto out;
    size_t kept = sort_rows(rows, n, homes, count, order);
    uint64_t slots = slots_needed(order, kept, homes), text = 0;
    for (size_t i = 0; i < owners_n; i++)
        text += owners[i].n;
    uint64_t size = sizeof *head + slots * sizeof *rows + (owners_n + 1) * 4 + text;
    head = calloc(1, size);
    if (!head)
        goto out;
    *head = (struct image_head){
        .layout = IMAGE_LAYOUT,
        .size = size,
        .homes = homes,
        .slots = slots,
        .rows = kept,
        .owners = owners_n,
        .text_bytes = text,
        .version = version};
    memcpy(head->magic, IMAGE_MAGIC, sizeof head->magic);
    struct vehicle *at = (struct vehicle *)(head + 1);
    fill_slots(at, rows, order, kept, homes);
    fill_owners((char *)(at + slots), owners, owners_n);
    head->crc = crc32c(0, (const char *)head + CRC_FROM, size - CRC_FROM);
out:
    free(count);
    free(order);
    return head;
}

/* ---- snapshots ---- */

static struct vehicle_index *
index_over(struct base *b)
{
    struct vehicle_index *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    x->refs = 1;
    x->base = b;
    x->version = b->head->version;
    x->count = b->head->rows;
    return x;
}

struct vehicle_index *
vehicle_index_new(
    const struct vehicle *rows, size_t n, const struct span *owners, size_t owners_n,
    uint64_t version)
{
    struct image_head *image = build_image(rows, n, owners, owners_n, version);
    if (!image)
        return NULL;
    struct base *b = base_over(image, free, image);
    if (!b) {
        free(image);
        return NULL;
    }
    struct vehicle_index *x = index_over(b);
    if (!x)
        base_unref(b);
    return x;
}

static enum err
check_image(const void *image, size_t n)
{
    const struct image_head *h = image;
    if (n < sizeof *h || memcmp(h->magic, IMAGE_MAGIC, sizeof h->magic) != 0)
        return ERR_CORRUPT;
    if (h->layout != IMAGE_LAYOUT)
        return h->layout > IMAGE_LAYOUT ? ERR_NEWER : ERR_CORRUPT;
    if (h->size != n ||
        crc32c(0, (const char *)image + CRC_FROM, n - CRC_FROM) != h->crc)
        return ERR_CORRUPT;
    /* What the checksum holds was written by us; the bounds still must fit. */
    if (h->slots > n / sizeof(struct vehicle) || h->owners > n / 4 ||
        h->slots <= h->homes || h->homes == 0 ||
        sizeof *h + h->slots * sizeof(struct vehicle) + (h->owners + 1) * 4 +
                h->text_bytes !=
            n)
        return ERR_CORRUPT;
    const struct vehicle *slots = (const struct vehicle *)(h + 1);
    const uint32_t *at = (const uint32_t *)(slots + h->slots);
    if (slots[h->slots - 1].plate.v || at[h->owners] > h->text_bytes)
        return ERR_CORRUPT;
    for (uint64_t i = 0; i < h->owners; i++)
        if (at[i] > at[i + 1])
            return ERR_CORRUPT;
    return OK;
}

enum err
vehicle_index_open(
    const void *image, size_t n, void (*release)(void *arg), void *arg,
    struct vehicle_index **out)
{
    enum err e = check_image(image, n);
    struct base *b = e ? NULL : base_over(image, release, arg);
    if (!b) {
        release(arg);
        return e ? e : ERR_NOMEM;
    }
    *out = index_over(b);
    if (!*out) {
        base_unref(b);
        return ERR_NOMEM;
    }
    return OK;
}

struct vehicle_index *
vehicle_index_ref(struct vehicle_index *x)
{
    if (x)
        __atomic_add_fetch(&x->refs, 1, __ATOMIC_RELAXED);
    return x;
}

void
vehicle_index_unref(struct vehicle_index *x)
{
    if (!x || __atomic_sub_fetch(&x->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    base_unref(x->base);
    free(x->delta);
    free(x->owner_at);
    free(x->text);
    free(x);
}

/* ---- delta ---- */

/* The delta's row of exactly this plate and colour, or NULL. */
static struct delta_row *
delta_exact(const struct vehicle_index *x, struct plate p, uint8_t color)
{
    if (!x->delta)
        return NULL;
    for (size_t i = plate_hash(p) & x->delta_mask; x->delta[i].used;
         i = (i + 1) & x->delta_mask)
        if (x->delta[i].v.plate.v == p.v && x->delta[i].v.plate_color == color)
            return &x->delta[i];
    return NULL;
}

static const struct vehicle *
delta_find(const struct vehicle_index *x, struct plate p, uint8_t color)
{
    if (!x->delta)
        return NULL;
    for (size_t i = plate_hash(p) & x->delta_mask; x->delta[i].used;
         i = (i + 1) & x->delta_mask) {
        const struct delta_row *d = &x->delta[i];
        if (d->v.plate.v == p.v && !d->gone &&
            (color == 0 || d->v.plate_color == 0 || d->v.plate_color == color))
            return &d->v;
    }
    return NULL;
}

static bool
base_has(const struct vehicle_index *x, struct plate p, uint8_t color)
{
    const struct vehicle *v = NULL;
    while ((v = base_next(x->base, p, v ? v + 1 : NULL)))
        if (v->plate_color == color)
            return true;
    return false;
}

static void
delta_put(struct vehicle_index *x, const struct vehicle *v, bool gone)
{
    struct delta_row *d = delta_exact(x, v->plate, v->plate_color);
    bool there = d ? !d->gone : base_has(x, v->plate, v->plate_color);
    if (!d) {
        size_t i = plate_hash(v->plate) & x->delta_mask;
        while (x->delta[i].used)
            i = (i + 1) & x->delta_mask;
        d = &x->delta[i];
        x->delta_n++;
    }
    *d = (struct delta_row){*v, gone, true};
    x->count = x->count + (there ? 0 : 1) - (gone ? 1 : 0);
}

/* A table with room for `more` new rows and the old delta's rows in it. */
static bool
delta_grow(struct vehicle_index *x, const struct vehicle_index *old, size_t more)
{
    size_t room = 64;
    while (room < 2 * (old->delta_n + more))
        room *= 2;
    x->delta = calloc(room, sizeof *x->delta);
    if (!x->delta)
        return false;
    x->delta_mask = room - 1;
    for (size_t i = 0; old->delta && i <= old->delta_mask; i++) {
        const struct delta_row *d = &old->delta[i];
        if (!d->used)
            continue;
        size_t at = plate_hash(d->v.plate) & x->delta_mask;
        while (x->delta[at].used)
            at = (at + 1) & x->delta_mask;
        x->delta[at] = *d;
    }
    x->delta_n = old->delta_n;
    return true;
}

/* Copies the old delta's owners and appends those of the new rows. */
static bool
owners_grow(
    struct vehicle_index *x, const struct vehicle_index *old, const struct span *owners,
    size_t n)
{
    size_t text = old->owners_n ? old->owner_at[old->owners_n] : 0;
    size_t bytes = text;
    for (size_t i = 0; i < n; i++)
        bytes += owners[i].n;
    x->owner_at = malloc((old->owners_n + n + 1) * sizeof *x->owner_at);
    x->text = malloc(bytes + 1);
    if (!x->owner_at || !x->text)
        return false;
    x->owner_at[0] = 0;
    if (old->owners_n) {
        memcpy(x->owner_at, old->owner_at, (old->owners_n + 1) * sizeof *x->owner_at);
        memcpy(x->text, old->text, text);
    }
    for (size_t i = 0; i < n; i++) {
        if (owners[i].n)
            memcpy(x->text + text, owners[i].p, owners[i].n);
        text += owners[i].n;
        x->owner_at[old->owners_n + i + 1] = (uint32_t)text;
    }
    x->owners_n = old->owners_n + n;
    return true;
}

struct vehicle_index *
vehicle_index_with(
    const struct vehicle_index *x, const struct vehicle *rows,
    const struct span *owners, size_t n, bool remove, uint64_t version)
{
    struct vehicle_index *y = calloc(1, sizeof *y);
    if (!y)
        return NULL;
    y->refs = 1;
    y->base = x->base;
    __atomic_add_fetch(&y->base->refs, 1, __ATOMIC_RELAXED);
    y->version = version;
    y->count = x->count;
    if (!delta_grow(y, x, n) || !owners_grow(y, x, owners, owners ? n : 0)) {
        vehicle_index_unref(y);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        struct vehicle v = rows[i];
        v.owner = 0;
        if (owners && owners[i].n)
            v.owner = (uint32_t)(x->base->head->owners + x->owners_n + i + 1);
        delta_put(y, &v, remove);
    }
    return y;
}

/* ---- asking ---- */

const struct vehicle *
vehicle_find(const struct vehicle_index *x, struct plate plate, uint8_t plate_color)
{
    if (!x || plate.v == 0)
        return NULL;
    const struct vehicle *v = delta_find(x, plate, plate_color);
    if (v)
        return v;
    while ((v = base_next(x->base, plate, v ? v + 1 : NULL))) {
        if (plate_color && v->plate_color && v->plate_color != plate_color)
            continue;
        if (!x->delta || !delta_exact(x, v->plate, v->plate_color))
            return v;
    }
    return NULL;
}

uint64_t
vehicle_version(const struct vehicle_index *x)
{
    return x->version;
}

uint64_t
vehicle_count(const struct vehicle_index *x)
{
    return x->count;
}

size_t
vehicle_delta(const struct vehicle_index *x)
{
    return x->delta_n;
}

struct span
vehicle_owner(const struct vehicle_index *x, uint32_t owner)
{
    uint64_t base = x->base->head->owners;
    if (owner == 0 || owner > base + x->owners_n)
        return (struct span){"", 0};
    const uint32_t *at = owner <= base ? x->base->owner_at : x->owner_at;
    const char *text = owner <= base ? x->base->text : x->text;
    uint64_t i = owner <= base ? owner - 1 : owner - base - 1;
    return (struct span){text + at[i], at[i + 1] - at[i]};
}

void
vehicle_each(
    const struct vehicle_index *x, bool (*each)(void *arg, const struct vehicle *v),
    void *arg)
{
    for (uint64_t i = 0; i < x->base->head->slots; i++) {
        const struct vehicle *v = &x->base->slots[i];
        if (!v->plate.v || delta_exact(x, v->plate, v->plate_color))
            continue;
        if (!each(arg, v))
            return;
    }
    for (size_t i = 0; x->delta && i <= x->delta_mask; i++)
        if (x->delta[i].used && !x->delta[i].gone && !each(arg, &x->delta[i].v))
            return;
}

/* ---- image ---- */

struct gather {
    struct vehicle *rows;
    size_t n;
};

static bool
gather_row(void *arg, const struct vehicle *v)
{
    struct gather *g = arg;
    g->rows[g->n++] = *v;
    return true;
}

static struct image_head *
fold_image(const struct vehicle_index *x)
{
    struct image_head *image = NULL;
    size_t owners_n = x->base->head->owners + x->owners_n;
    struct gather g = {malloc((x->count + 1) * sizeof *g.rows), 0};
    struct span *owners = malloc((owners_n + 1) * sizeof *owners);
    if (g.rows && owners) {
        vehicle_each(x, gather_row, &g);
        for (size_t i = 0; i < owners_n; i++)
            owners[i] = vehicle_owner(x, (uint32_t)i + 1);
        image = build_image(g.rows, g.n, owners, owners_n, x->version);
    }
    free(g.rows);
    free(owners);
    return image;
}

void
vehicle_image(const struct vehicle_index *x, struct buf *out)
{
    if (x->delta_n == 0 && x->version == x->base->head->version) {
        buf_put(out, x->base->head, x->base->head->size);
        return;
    }
    struct image_head *image = fold_image(x);
    if (image)
        buf_put(out, image, image->size);
    else
        out->bad = true;
    free(image);
}
