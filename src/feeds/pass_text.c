/* SPDX-License-Identifier: Apache-2.0 */
/* Sites are asked for once and remembered in a small direct-mapped table: a file names
 * the same few hundred codes millions of times. */
#include "feeds/pass_text.h"

#include "core/hash.h"
#include "feeds/field.h"
#include "feeds/when.h"

#include <stdio.h>
#include <stdlib.h>

#define KNOWN_SITES 2048
#define CODE_ROOM 32
#define RECORD_ID_MOST 256
#define IMAGE_MOST 1024
#define PLATE_MOST 64

const char *const pass_names[PASS_KEYS + 1] = {
    "plate", "plate_color", "vehicle_class", "vehicle_color", "brand",      "site",
    "lane",  "direction",   "time_ms",       "speed_kmh",     "confidence", "record_id",
    "image", NULL,
};

struct known {
    uint8_t n; /* length of code; 0 = empty */
    char code[CODE_ROOM - 1];
    struct feed_site site;
};

struct pass_reader {
    uint64_t version; /* of the sites that are remembered */
    struct known known[KNOWN_SITES];
};

struct pass_reader *
pass_reader_new(void)
{
    return calloc(1, sizeof(struct pass_reader));
}

void
pass_reader_free(struct pass_reader *r)
{
    free(r);
}

static void
forget_old(struct pass_reader *r, const struct feed_needs *needs)
{
    uint64_t now = needs && needs->version ? needs->version(needs->ctx) : 0;
    if (now == r->version)
        return;
    memset(r->known, 0, sizeof r->known);
    r->version = now;
}

/* Only sites that are there are remembered: the others may be made any moment. */
static struct feed_site
site_of(struct pass_reader *r, const struct feed_needs *needs, struct span code)
{
    forget_old(r, needs);
    struct known *k = &r->known[hash_span(code, 0) % KNOWN_SITES];
    if (k->n == code.n && memcmp(k->code, code.p, code.n) == 0)
        return k->site;
    struct feed_site site = {0};
    if (needs && needs->site && needs->site(needs->ctx, code, &site) && site.id.v) {
        k->n = (uint8_t)code.n;
        memcpy(k->code, code.p, code.n);
        if (site.colors && span_eq_cstr(span_cstr(site.colors->name), "gat1400"))
            site.colors = NULL;
        k->site = site;
    }
    return site;
}

/* 13 digits, the form of nearly every record. */
static bool
epoch_ms(struct span s, ts_ms *out)
{
    if (s.n != 13 || s.p[0] != '1')
        return false;
    uint64_t v = 0; /* wraps where a byte is no digit: then it is not used */
    unsigned bad = 0;
    for (size_t i = 0; i < 13; i++) {
        unsigned d = (unsigned char)s.p[i] - (unsigned)'0';
        bad |= d > 9;
        v = v * 10 + d;
    }
    *out = (ts_ms)v;
    return !bad;
}

static bool
refuse(
    struct pass_refusal *why, struct feed_faults *faults, enum feed_fault fault,
    enum pass_key key, struct span sample)
{
    feed_fault(faults, fault, pass_names[key], sample);
    *why = (struct pass_refusal){fault, key, false};
    return false;
}

/* A text longer than is kept: the record is taken with `most` bytes of it. What stands
 * in it may be a plate, so the sample is its length. */
static struct span
shorten(
    struct span s, size_t most, struct feed_faults *faults, enum pass_key key,
    struct pass_refusal *why)
{
    char length[32];
    snprintf(length, sizeof length, "%zu bytes", s.n);
    feed_fault(faults, FAULT_TOO_BIG, pass_names[key], span_cstr(length));
    *why = (struct pass_refusal){FAULT_TOO_BIG, key, true};
    s.n = most;
    return s;
}

static bool
read_time(
    const struct zone *zone, struct span s, struct feed_faults *faults,
    struct pass_refusal *why, ts_ms *out)
{
    enum when_form form;
    if (epoch_ms(s, out))
        return true;
    s = span_trim(s);
    if (s.n == 0)
        return refuse(why, faults, FAULT_NO_TIME, PASS_TIME, s);
    if (!when_parse(s, zone, out, &form))
        return refuse(why, faults, FAULT_BAD_TIME, PASS_TIME, s);
    if (form == WHEN_LEAP) {
        feed_fault(faults, FAULT_LEAP_SECOND, pass_names[PASS_TIME], s);
        *why = (struct pass_refusal){FAULT_LEAP_SECOND, PASS_TIME, true};
    }
    return true;
}

static uint8_t
read_color(
    struct span s, const struct color_map *map, struct feed_faults *faults,
    enum pass_key key)
{
    uint8_t color = COLOR_UNREAD;
    bool odd;
    if (s.n == 1 && !map && (unsigned char)(s.p[0] - '0') <= 9)
        return (uint8_t)(s.p[0] - '0');
    if (s.n && !field_color(s, map, &color, &odd))
        feed_fault(faults, FAULT_BAD_CODE, pass_names[key], s);
    return color;
}

static code3
read_code(struct span s, struct feed_faults *faults, enum pass_key key)
{
    code3 code = 0;
    if (s.n && !code3_parse(s, &code))
        feed_fault(faults, FAULT_BAD_CODE, pass_names[key], s);
    return code;
}

static uint8_t
read_small(
    struct span s, uint8_t absent, unsigned most, struct feed_faults *faults,
    enum pass_key key)
{
    unsigned v;
    if (s.n == 0)
        return absent;
    if (field_small(s, &v) && v <= most)
        return (uint8_t)v;
    feed_fault(faults, FAULT_BAD_NUMBER, pass_names[key], s);
    return absent;
}

static void
read_plate(
    struct span s, struct feed_faults *faults, struct pass_refusal *why,
    struct sighting *row)
{
    bool differs;
    if (s.n > PLATE_MOST)
        s = shorten(s, PLATE_MOST, faults, PASS_PLATE, why);
    if (plate_parse(s, &row->plate, &differs) == PLATE_JUNK)
        feed_fault(faults, FAULT_ODD_PLATE, "plate", s);
    if (differs)
        row->plate_text = s;
}

/* The place of a record: its own, else the sender's. */
static bool
read_site(
    struct pass_reader *r, struct span code, const struct pass_from *from,
    struct feed_faults *faults, struct pass_refusal *why, struct feed_site *out,
    struct span *used)
{
    code = span_trim(code);
    *out = (struct feed_site){from->site, NULL};
    *used = code.n ? code : from->device_code;
    if (used->n >= CODE_ROOM)
        return refuse(why, faults, FAULT_ID_LENGTH, PASS_SITE, *used);
    if (code.n == 0 && from->site.v)
        return true;
    if (used->n == 0)
        return refuse(why, faults, FAULT_NO_PLACE, PASS_SITE, code);
    *out = site_of(r, from->needs, *used);
    return true;
}

static void
read_rest(
    const struct span *f, const struct color_map *colors, struct feed_faults *faults,
    struct pass_refusal *why, struct sighting *s)
{
    read_plate(f[PASS_PLATE], faults, why, s);
    s->image = f[PASS_IMAGE];
    if (s->image.n > IMAGE_MOST) /* part of an address is none */
        s->image = shorten(s->image, 0, faults, PASS_IMAGE, why);
    s->plate_color = read_color(f[PASS_PLATE_COLOR], colors, faults, PASS_PLATE_COLOR);
    s->vehicle_color =
        read_color(f[PASS_VEHICLE_COLOR], NULL, faults, PASS_VEHICLE_COLOR);
    s->vehicle_class = read_code(f[PASS_VEHICLE_CLASS], faults, PASS_VEHICLE_CLASS);
    s->brand = read_code(f[PASS_BRAND], faults, PASS_BRAND);
    s->lane = read_small(f[PASS_LANE], 0, UINT8_MAX, faults, PASS_LANE);
    s->direction = read_small(f[PASS_DIRECTION], 0, UINT8_MAX, faults, PASS_DIRECTION);
    s->confidence = read_small(
        f[PASS_CONFIDENCE], CONFIDENCE_UNKNOWN, 100, faults, PASS_CONFIDENCE);
    struct span speed = f[PASS_SPEED];
    if (speed.n && !field_speed(speed, &s->speed_dkmh))
        feed_fault(faults, FAULT_BAD_NUMBER, "speed_kmh", speed);
}

static bool
read_record_id(
    const struct span *f, ts_ms time, struct span place, char *made,
    struct feed_faults *faults, struct pass_refusal *why, struct span *out)
{
    *out = f[PASS_RECORD_ID];
    if (out->n > RECORD_ID_MOST)
        return refuse(
            why, faults, FAULT_TOO_BIG, PASS_RECORD_ID, (struct span){NULL, 0});
    if (out->n == 0) {
        uint64_t more = hash_span(f[PASS_LANE], 0);
        feed_fault(faults, FAULT_NO_ID, "record_id", (struct span){NULL, 0});
        *out = field_made_id(made, time, place, f[PASS_PLATE], more);
    }
    return true;
}

enum err
pass_read(
    struct pass_reader *r, const struct span *fields, const struct pass_from *from,
    struct sighting_batch *b, struct feed_faults *faults, struct pass_refusal *why)
{
    ts_ms time;
    struct feed_site site;
    struct span code, record_id;
    char made[FIELD_ID];
    why->cut = false;
    if (!read_time(from->zone, fields[PASS_TIME], faults, why, &time) ||
        !read_site(r, fields[PASS_SITE], from, faults, why, &site, &code) ||
        !read_record_id(fields, time, code, made, faults, why, &record_id))
        return ERR_INPUT;
    struct sighting *s = sighting_batch_add(b);
    if (!s)
        return ERR_TOOBIG;
    s->pass_ms = time;
    s->arrive_ms = from->arrive_ms;
    s->site = site.id;
    s->device = from->device;
    s->record_id = record_id;
    read_rest(fields, site.colors, faults, why, s);
    bool kept = field_keep_texts(b, s);
    if (kept && s->site.v == 0) {
        struct span copy = arena_span(&b->arena, code);
        kept = copy.p && sighting_batch_unplaced(b, (uint32_t)(b->n - 1), copy);
    }
    if (!kept)
        b->n--;
    return kept ? OK : ERR_TOOBIG;
}
