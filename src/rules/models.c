/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/models.h"

#include <stdlib.h>

#include "core/hash.h"
#include "rules/models_own.h"

#define FORM 3 /* 1 had no habits, 2 did not say how surely a clock is right */
#define PROBES 4
#define PREFIX_READS 300.0 /* fewer reads say little of a prefix */

static const struct site_model unknown_site = {
    .offset_sd_ms = CLOCK_UNKNOWN_SD_MS,
    .misread = 0.005F,
    .unread = 0.03F,
    .one_off = 0.03F,
    .many_off = 0.004F,
};

struct model *
model_new(uint32_t sites_n)
{
    struct model *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->refs = 1;
    m->sites_n = sites_n;
    m->rest = unknown_site;
    m->sites = calloc((size_t)sites_n + 1, sizeof *m->sites);
    m->habits = calloc((size_t)sites_n + 1, sizeof *m->habits);
    m->prefixes = calloc(MODEL_PREFIXES, sizeof *m->prefixes);
    m->covered = calloc(MODEL_PREFIXES, sizeof *m->covered);
    if (!m->sites || !m->habits || !m->prefixes || !m->covered) {
        model_unref(m);
        return NULL;
    }
    for (uint32_t i = 0; i <= sites_n; i++)
        m->sites[i] = unknown_site;
    return m;
}

struct model *
model_ref(struct model *m)
{
    if (m)
        __atomic_add_fetch(&m->refs, 1, __ATOMIC_RELAXED);
    return m;
}

void
model_unref(struct model *m)
{
    if (!m || __atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    free(m->sites);
    free(m->habits);
    free(m->edges);
    free(m->least_ds);
    free(m->prefixes);
    free(m->covered);
    free(m->bloom[0]);
    free(m->bloom[1]);
    free(m);
}

uint32_t
model_number(const struct model *m)
{
    return m->number;
}

void
model_set_number(struct model *m, uint32_t number)
{
    m->number = number;
}

int32_t
model_day(const struct model *m)
{
    return m->day;
}

uint32_t
model_sites(const struct model *m)
{
    return m->sites_n;
}

const struct site_model *
model_site(const struct model *m, struct site_id id)
{
    if (!m)
        return &unknown_site;
    return id.v && id.v <= m->sites_n ? &m->sites[id.v] : &m->rest;
}

const struct site_habit *
model_habit(const struct model *m, struct site_id id)
{
    return m && id.v <= m->sites_n ? &m->habits[id.v] : NULL;
}

uint32_t
model_least_ms(const struct model *m, struct site_id a, struct site_id b)
{
    if (!m || !m->least_ds || !a.v || !b.v || a.v > m->sites_n || b.v > m->sites_n)
        return 0;
    return m->least_ds[(size_t)(a.v - 1) * m->sites_n + (b.v - 1)] * 100u;
}

/* ---- presence ---- */

void
model_bloom_put(uint64_t *bloom, uint64_t bits, struct plate p)
{
    uint64_t h = hash_u64(p.v), step = hash_u64(h) | 1;
    for (unsigned i = 0; i < PROBES; i++, h += step)
        bloom[(h & (bits - 1)) / 64] |= UINT64_C(1) << (h & 63);
}

static bool
bloom_has(const uint64_t *bloom, uint64_t bits, struct plate p)
{
    uint64_t h = hash_u64(p.v), step = hash_u64(h) | 1;
    for (unsigned i = 0; i < PROBES; i++, h += step)
        if (!(bloom[(h & (bits - 1)) / 64] >> (h & 63) & 1))
            return false;
    return true;
}

bool
model_seen(const struct model *m, struct plate p)
{
    if (!m || !m->bloom_bits)
        return true;
    return bloom_has(m->bloom[0], m->bloom_bits, p) ||
           bloom_has(m->bloom[1], m->bloom_bits, p);
}

unsigned
model_prefix_of(struct plate p)
{
    return (unsigned)(p.v >> 49) & (MODEL_PREFIXES - 1);
}

double
model_covered(const struct model *m, struct plate p)
{
    return m ? (double)m->covered[model_prefix_of(p)] : -1;
}

struct share {
    double in, all;
};

static double
helped(struct share own, double parent)
{
    if (own.all < PREFIX_READS && parent < 0)
        return -1;
    double help = parent < 0 ? 0 : PREFIX_READS;
    return (own.in + help * parent) / (own.all + help);
}

/* Few reads of a prefix are helped out by its province, and a province by all that are
 * not the home province: visitors tell of visitors. */
static void
close_covered(struct model *m)
{
    struct share province[128] = {{0}}, away = {0};
    unsigned home = 0;
    for (unsigned i = 0; i < MODEL_PREFIXES; i++) {
        province[i >> 7].in += m->prefixes[i].registered;
        province[i >> 7].all +=
            (double)m->prefixes[i].registered + m->prefixes[i].foreign;
        home = province[i >> 7].all > province[home].all ? i >> 7 : home;
    }
    for (unsigned i = 0; i < 128; i++) {
        away.in += i == home ? 0 : province[i].in;
        away.all += i == home ? 0 : province[i].all;
    }
    for (unsigned i = 0; i < MODEL_PREFIXES; i++) {
        struct share own = {m->prefixes[i].registered, 0};
        own.all = own.in + m->prefixes[i].foreign;
        double parent = helped(province[i >> 7], helped(away, -1));
        m->covered[i] = (float)helped(own, parent);
    }
}

/* ---- shortest ways ---- */

struct heap { /* of (distance << 32 | site) */
    uint64_t *at;
    size_t n;
};

static void
heap_push(struct heap *h, uint64_t v)
{
    size_t i = h->n++;
    for (; i && h->at[(i - 1) / 2] > v; i = (i - 1) / 2)
        h->at[i] = h->at[(i - 1) / 2];
    h->at[i] = v;
}

static uint64_t
heap_pop(struct heap *h)
{
    uint64_t top = h->at[0], v = h->at[--h->n];
    size_t i = 0;
    for (size_t k = 1; k < h->n; i = k, k = 2 * k + 1) {
        k += k + 1 < h->n && h->at[k + 1] < h->at[k];
        if (h->at[k] >= v)
            break;
        h->at[i] = h->at[k];
    }
    h->at[i] = v;
    return top;
}

struct ways { /* edges by their start */
    const struct model *m;
    uint32_t *first; /* sites_n + 2 */
    const struct model_edge **edge;
    uint32_t *dist;
    struct heap heap;
};

static void
ways_from(struct ways *w, uint32_t source)
{
    const struct model *m = w->m;
    for (uint32_t i = 1; i <= m->sites_n; i++)
        w->dist[i] = UINT32_MAX;
    w->dist[source] = 0;
    w->heap.n = 0;
    heap_push(&w->heap, source);
    while (w->heap.n) {
        uint64_t top = heap_pop(&w->heap);
        uint32_t at = (uint32_t)top, dist = (uint32_t)(top >> 32);
        if (dist > w->dist[at])
            continue;
        for (uint32_t k = w->first[at]; k < w->first[at + 1]; k++) {
            uint32_t to = w->edge[k]->to, next = dist + w->edge[k]->least_ds;
            if (next >= w->dist[to])
                continue;
            w->dist[to] = next;
            heap_push(&w->heap, (uint64_t)next << 32 | to);
        }
    }
    uint16_t *row = &m->least_ds[(size_t)(source - 1) * m->sites_n];
    for (uint32_t i = 1; i <= m->sites_n; i++)
        row[i - 1] = w->dist[i] > UINT16_MAX ? 0 : (uint16_t)w->dist[i];
}

static void
index_ways(struct ways *w)
{
    const struct model *m = w->m;
    for (size_t i = 0; i < m->edges_n; i++)
        w->first[m->edges[i].from + 1]++;
    for (uint32_t i = 0; i <= m->sites_n; i++)
        w->first[i + 1] += w->first[i];
    uint32_t *at = w->dist; /* borrowed as a cursor */
    memcpy(at, w->first, ((size_t)m->sites_n + 1) * sizeof *at);
    for (size_t i = 0; i < m->edges_n; i++)
        w->edge[at[m->edges[i].from]++] = &m->edges[i];
}

bool
model_close(struct model *m)
{
    size_t n = m->sites_n;
    close_covered(m);
    if (n == 0 || n > MODEL_MATRIX_SITES || m->edges_n == 0)
        return true;
    struct ways w = {.m = m};
    m->least_ds = calloc(n * n, sizeof *m->least_ds);
    w.first = calloc(n + 2, sizeof *w.first);
    w.edge = calloc(m->edges_n, sizeof *w.edge);
    w.dist = calloc(n + 2, sizeof *w.dist);
    w.heap.at = calloc(m->edges_n + n + 1, sizeof *w.heap.at);
    bool ok = m->least_ds && w.first && w.edge && w.dist && w.heap.at;
    if (ok) {
        index_ways(&w);
        for (uint32_t i = 1; i <= n; i++)
            ways_from(&w, i);
    }
    free(w.first);
    free(w.edge);
    free(w.dist);
    free(w.heap.at);
    return ok;
}

/* ---- bytes ---- */

static void
put_rate(struct buf *out, float rate)
{
    buf_varint(out, (uint64_t)(rate * 1e7F + 0.5F));
}

static float
get_rate(struct cur *c)
{
    return (float)cur_varint(c) / 1e7F;
}

static void
encode_site(struct buf *out, const struct site_model *s)
{
    buf_varint(out, zigzag_encode(s->offset_ms));
    buf_varint(out, s->offset_sd_ms);
    put_rate(out, s->right);
    put_rate(out, s->misread);
    put_rate(out, s->unread);
    put_rate(out, s->one_off);
    put_rate(out, s->many_off);
    buf_varint(out, s->reads);
    buf_u8(out, (uint8_t)(s->color_trusted | s->moved << 1));
}

static void
decode_site(struct cur *c, uint8_t form, struct site_model *s)
{
    s->offset_ms = (int32_t)zigzag_decode(cur_varint(c));
    s->offset_sd_ms = (uint32_t)cur_varint(c);
    s->right = form > 2 ? get_rate(c) : unknown_site.right;
    s->misread = get_rate(c);
    s->unread = get_rate(c);
    s->one_off = get_rate(c);
    s->many_off = get_rate(c);
    s->reads = (uint32_t)cur_varint(c);
    uint8_t bits = cur_u8(c);
    s->color_trusted = bits & 1;
    s->moved = bits >> 1 & 1;
}

static void
encode_habit(struct buf *out, const struct site_habit *h)
{
    for (unsigned k = 0; k < HABIT_KINDS; k++) {
        put_rate(out, h->days[k]);
        for (unsigned i = 0; h->days[k] > 0 && i < HABIT_SLOTS; i++)
            buf_varint(out, (uint64_t)(h->pass[k][i] * 100 + 0.5F));
    }
    put_rate(out, h->prompt);
    buf_varint(out, h->past_n);
    for (unsigned i = 0; i < h->past_n; i++) {
        const struct habit_past *p = &h->past[i];
        buf_varint(out, zigzag_encode(p->day));
        buf_varint(out, p->reads);
        put_rate(out, p->unread);
        buf_varint(out, zigzag_encode(p->offset_ms));
        buf_varint(out, p->offset_sd_ms);
    }
}

static bool
decode_habit(struct cur *c, struct site_habit *h)
{
    for (unsigned k = 0; k < HABIT_KINDS; k++) {
        h->days[k] = get_rate(c);
        for (unsigned i = 0; h->days[k] > 0 && i < HABIT_SLOTS; i++)
            h->pass[k][i] = (float)cur_varint(c) / 100;
    }
    h->prompt = get_rate(c);
    h->past_n = (uint32_t)cur_varint(c);
    if (h->past_n > HABIT_PAST) {
        h->past_n = 0;
        return false;
    }
    for (unsigned i = 0; i < h->past_n; i++) {
        struct habit_past *p = &h->past[i];
        p->day = (int32_t)zigzag_decode(cur_varint(c));
        p->reads = (uint32_t)cur_varint(c);
        p->unread = get_rate(c);
        p->offset_ms = (int32_t)zigzag_decode(cur_varint(c));
        p->offset_sd_ms = (uint32_t)cur_varint(c);
    }
    return !c->bad;
}

void
model_encode(struct buf *out, const struct model *m)
{
    size_t start = out->n;
    buf_u8(out, FORM);
    buf_varint(out, m->number);
    buf_varint(out, zigzag_encode(m->day));
    buf_varint(out, m->sites_n);
    encode_site(out, &m->rest);
    for (uint32_t i = 1; i <= m->sites_n; i++)
        encode_site(out, &m->sites[i]);
    for (uint32_t i = 0; i <= m->sites_n; i++)
        encode_habit(out, &m->habits[i]);
    buf_varint(out, m->edges_n);
    for (size_t i = 0; i < m->edges_n; i++) {
        buf_varint(out, m->edges[i].from);
        buf_varint(out, m->edges[i].to);
        buf_varint(out, m->edges[i].n);
        buf_varint(out, m->edges[i].least_ds);
    }
    for (unsigned i = 0; i < MODEL_PREFIXES; i++)
        if (m->prefixes[i].registered || m->prefixes[i].foreign) {
            buf_varint(out, i + 1);
            buf_varint(out, m->prefixes[i].registered);
            buf_varint(out, m->prefixes[i].foreign);
        }
    buf_varint(out, 0);
    buf_varint(out, m->bloom_bits);
    for (unsigned g = 0; g < 2; g++)
        for (uint64_t i = 0; i < m->bloom_bits / 64; i++)
            buf_le(out, m->bloom[g][i], 8);
    if (!out->bad)
        buf_le(out, crc32c(0, out->p + start, out->n - start), 4);
}

static enum err
decode_edges(struct cur *c, struct model *m)
{
    m->edges_n = cur_varint(c);
    if (c->bad || m->edges_n > cur_left(c)) {
        m->edges_n = 0;
        return ERR_CORRUPT;
    }
    m->edges = calloc(m->edges_n + 1, sizeof *m->edges);
    if (!m->edges)
        return ERR_NOMEM;
    for (size_t i = 0; i < m->edges_n; i++) {
        struct model_edge *e = &m->edges[i];
        e->from = (uint32_t)cur_varint(c);
        e->to = (uint32_t)cur_varint(c);
        e->n = (uint32_t)cur_varint(c);
        e->least_ds = (uint32_t)cur_varint(c) & 0xffffff;
        if (!e->from || !e->to || e->from > m->sites_n || e->to > m->sites_n)
            return ERR_CORRUPT;
    }
    return OK;
}

static enum err
decode_blooms(struct cur *c, struct model *m)
{
    uint64_t bits = cur_varint(c);
    if (c->bad || bits % 64 || (bits & (bits - 1)) || bits / 4 > cur_left(c))
        return ERR_CORRUPT;
    m->bloom_bits = bits;
    for (unsigned g = 0; g < 2 && bits; g++) {
        m->bloom[g] = calloc(bits / 64, 8);
        if (!m->bloom[g])
            return ERR_NOMEM;
        for (uint64_t i = 0; i < bits / 64; i++)
            m->bloom[g][i] = cur_u64_le(c);
    }
    return OK;
}

static enum err
decode_body(struct cur *c, uint8_t form, struct model *m)
{
    decode_site(c, form, &m->rest);
    for (uint32_t i = 1; i <= m->sites_n; i++)
        decode_site(c, form, &m->sites[i]);
    for (uint32_t i = 0; form > 1 && i <= m->sites_n; i++)
        if (!decode_habit(c, &m->habits[i]))
            return ERR_CORRUPT;
    enum err e = decode_edges(c, m);
    if (e)
        return e;
    for (uint64_t i = cur_varint(c); i && !c->bad; i = cur_varint(c)) {
        if (i > MODEL_PREFIXES)
            return ERR_CORRUPT;
        m->prefixes[i - 1].registered = (uint32_t)cur_varint(c);
        m->prefixes[i - 1].foreign = (uint32_t)cur_varint(c);
    }
    e = decode_blooms(c, m);
    if (e)
        return e;
    if (c->bad || cur_left(c))
        return ERR_CORRUPT;
    return model_close(m) ? OK : ERR_NOMEM;
}

enum err
model_decode(struct span bytes, struct model **out)
{
    if (bytes.n < 8)
        return ERR_CORRUPT;
    struct cur tail = cur_of(bytes.p + bytes.n - 4, 4);
    if (crc32c(0, bytes.p, bytes.n - 4) != cur_u32_le(&tail))
        return ERR_CORRUPT;
    struct cur c = cur_of(bytes.p, bytes.n - 4);
    uint8_t form = cur_u8(&c);
    if (form == 0 || form > FORM)
        return ERR_NEWER;
    uint32_t number = (uint32_t)cur_varint(&c);
    int32_t day = (int32_t)zigzag_decode(cur_varint(&c));
    uint64_t sites = cur_varint(&c);
    if (c.bad || sites > cur_left(&c))
        return ERR_CORRUPT;
    struct model *m = model_new((uint32_t)sites);
    if (!m)
        return ERR_NOMEM;
    m->number = number;
    m->day = day;
    enum err e = decode_body(&c, form, m);
    if (e)
        model_unref(m);
    else
        *out = m;
    return e;
}
