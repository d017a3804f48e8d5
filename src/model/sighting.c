/* SPDX-License-Identifier: Apache-2.0 */
/* Batches and the JSON of one sighting, which is written by hand into one reservation:
 * it is the hot output of trajectories and event streams. */
#include "model/sighting.h"

#include "core/cur.h"
#include "core/hash.h"

#include <stdlib.h>

uint32_t
sighting_tag(struct device_id device, struct span record_id)
{
    uint64_t h = hash_span(record_id, device.v);
    return (uint32_t)(h ^ h >> 32);
}

/* ---- text of numbers ---- */

static char *
put_u64(char *dst, uint64_t v)
{
    char text[20];
    size_t n = 0;
    do
        text[n++] = (char)('0' + v % 10);
    while (v /= 10);
    while (n)
        *dst++ = text[--n];
    return dst;
}

static char *
put_i64(char *dst, int64_t v)
{
    if (v < 0)
        *dst++ = '-';
    return put_u64(dst, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

/* Writes past no more than SIGHTING_ID_TEXT bytes; returns the end. */
static char *
put_id(char *dst, struct sighting_id id)
{
    static const char hex[] = "0123456789abcdef";
    dst = put_i64(dst, id.pass_ms);
    *dst++ = '-';
    dst = put_u64(dst, id.site);
    *dst++ = '-';
    for (int shift = 28; shift >= 0; shift -= 4)
        *dst++ = hex[id.tag >> shift & 15];
    return dst;
}

char *
sighting_id_format(char *dst, struct sighting_id id)
{
    *put_id(dst, id) = 0;
    return dst;
}

static bool
parse_tag(struct span s, uint32_t *out)
{
    uint32_t v = 0;
    if (s.n != 8)
        return false;
    for (size_t i = 0; i < 8; i++) {
        unsigned c = (unsigned char)s.p[i];
        unsigned d = 16;
        if (c >= '0' && c <= '9')
            d = c - '0';
        else if (c >= 'a' && c <= 'f')
            d = c - 'a' + 10;
        if (d > 15)
            return false;
        v = v << 4 | d;
    }
    *out = v;
    return true;
}

bool
sighting_id_parse(struct span s, struct sighting_id *out)
{
    struct sighting_id id;
    uint64_t site;
    bool negative = s.n && s.p[0] == '-';
    struct span rest = negative ? span_skip(s, 1) : s;
    struct span ms = span_cut(&rest, '-');
    struct span site_text = span_cut(&rest, '-');
    if (ms.n == 0 || ms.p[0] == '+' || !span_i64(ms, &id.pass_ms))
        return false;
    if (!span_u64(site_text, &site) || site > UINT32_MAX || !parse_tag(rest, &id.tag))
        return false;
    id.pass_ms = negative ? -id.pass_ms : id.pass_ms;
    id.site = (uint32_t)site;
    *out = id;
    return true;
}

/* ---- batches ---- */

static bool
take_rows(struct sighting_batch *b)
{
    b->n = b->pictures_n = b->pictures_room = b->unplaced_n = b->unplaced_room = 0;
    b->pictures = NULL;
    b->unplaced = NULL;
    b->lsn = 0;
    b->rows = arena_array(&b->arena, b->room, sizeof *b->rows);
    b->fate = arena_take(&b->arena, b->room);
    return b->rows && b->fate;
}

struct sighting_batch *
sighting_batch_new(size_t room, size_t cap)
{
    struct sighting_batch *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    arena_init(&b->arena, cap);
    b->room = room;
    if (!take_rows(b)) {
        sighting_batch_free(b);
        return NULL;
    }
    return b;
}

void
sighting_batch_free(struct sighting_batch *b)
{
    if (!b)
        return;
    arena_release(&b->arena);
    free(b);
}

void
sighting_batch_clear(struct sighting_batch *b)
{
    arena_reset(&b->arena);
    if (take_rows(b))
        return;
    arena_release(&b->arena); /* the block that was kept is too small beside the cap */
    if (!take_rows(b))
        b->room = 0; /* no memory: every add says so */
}

struct sighting *
sighting_batch_add(struct sighting_batch *b)
{
    if (b->n == b->room)
        return NULL;
    struct sighting *s = &b->rows[b->n++];
    *s = (struct sighting){
        .speed_dkmh = SPEED_UNKNOWN, .confidence = CONFIDENCE_UNKNOWN};
    return s;
}

/* Doubles an array of the arena when it is full; NULL past the cap. */
static void *
grown(struct sighting_batch *b, void *old, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return old;
    size_t more_room = *room ? *room * 2 : 8;
    void *more = arena_array(&b->arena, more_room, size);
    if (!more)
        return NULL;
    if (n)
        memcpy(more, old, n * size);
    *room = more_room;
    return more;
}

bool
sighting_batch_picture(
    struct sighting_batch *b, uint32_t row, struct span bytes, uint8_t type)
{
    struct batch_picture *p =
        grown(b, b->pictures, b->pictures_n, &b->pictures_room, sizeof *p);
    if (!p)
        return false;
    b->pictures = p;
    b->pictures[b->pictures_n++] = (struct batch_picture){row, bytes, type};
    return true;
}

bool
sighting_batch_unplaced(struct sighting_batch *b, uint32_t row, struct span code)
{
    struct batch_place *p =
        grown(b, b->unplaced, b->unplaced_n, &b->unplaced_room, sizeof *p);
    if (!p)
        return false;
    b->unplaced = p;
    b->unplaced[b->unplaced_n++] = (struct batch_place){row, code};
    return true;
}

/* ---- JSON ---- */

/* Everything but the four texts that come from outside fits in this. */
#define JSON_FIXED 512

static char *
put_text(char *dst, const char *text)
{
    size_t n = strlen(text);
    memcpy(dst, text, n);
    return dst + n;
}

static char *
put_speed(char *dst, uint16_t dkmh)
{
    if (dkmh == SPEED_UNKNOWN)
        return put_text(dst, "null");
    dst = put_u64(dst, dkmh / 10);
    if (dkmh % 10) {
        *dst++ = '.';
        *dst++ = (char)('0' + dkmh % 10);
    }
    return dst;
}

static void
close_at(struct buf *out, const char *end)
{
    out->n = (size_t)((const uint8_t *)end - out->p);
}

static void
put_key_json(struct buf *out, const char *key, struct span value)
{
    buf_text(out, key);
    buf_json(out, value);
}

void
sighting_json(struct buf *out, const struct sighting *s, struct span site_code)
{
    char plate[PLATE_TEXT];
    plate_format(plate, s->plate);
    char *p = (char *)buf_room(out, JSON_FIXED);
    if (!p)
        return;
    p = put_text(p, "{\"id\":\"");
    p = put_id(p, sighting_id_of(s));
    p = put_text(p, "\",\"plate\":");
    close_at(out, p);
    /* a plate beyond the alphabet has no canonical text: show what was sent */
    buf_json(out, plate_is_hashed(s->plate) ? s->plate_text : span_cstr(plate));
    p = (char *)buf_room(out, JSON_FIXED);
    if (!p)
        return;
    p = put_text(p, ",\"plate_color\":");
    p = put_u64(p, s->plate_color);
    p = put_text(p, ",\"vehicle_class\":\"");
    code3_format(p, s->vehicle_class);
    p = put_text(p + strlen(p), "\",\"vehicle_color\":");
    p = put_u64(p, s->vehicle_color);
    p = put_text(p, ",\"brand\":\"");
    code3_format(p, s->brand);
    p = put_text(p + strlen(p), "\",\"site\":");
    close_at(out, p);
    buf_json(out, site_code);
    p = (char *)buf_room(out, JSON_FIXED);
    if (!p)
        return;
    p = put_text(p, ",\"lane\":");
    p = put_u64(p, s->lane);
    p = put_text(p, ",\"direction\":");
    p = put_u64(p, s->direction);
    p = put_text(p, ",\"time_ms\":");
    p = put_i64(p, s->pass_ms);
    p = put_text(p, ",\"speed_kmh\":");
    p = put_speed(p, s->speed_dkmh);
    p = put_text(p, ",\"confidence\":");
    p = s->confidence == CONFIDENCE_UNKNOWN ? put_text(p, "null")
                                            : put_u64(p, s->confidence);
    close_at(out, p);
    put_key_json(out, ",\"record_id\":", s->record_id);
    put_key_json(out, ",\"image\":", s->image);
    buf_u8(out, '}');
}
