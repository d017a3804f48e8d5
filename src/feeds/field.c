/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/field.h"

#include "core/hash.h"

#include <math.h>
#include <stdio.h>

#define SPEED_MOST 500

bool
field_small(struct span s, unsigned *out)
{
    if (s.n == 0 || s.n > 3)
        return false;
    unsigned v = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned d = (unsigned char)s.p[i] - (unsigned)'0';
        if (d > 9)
            return false;
        v = v * 10 + d;
    }
    *out = v;
    return true;
}

static bool
color_word(struct span s, uint8_t *out)
{
    const struct code_table *t = code_tables(); /* the first table is plate_color */
    if (s.n == 1 && color_of_ga24(s.p[0])) {
        *out = color_of_ga24(s.p[0]);
        return true;
    }
    for (size_t i = 1; i < t->n; i++) {
        struct span zh = span_cstr(t->rows[i].zh);
        unsigned code;
        if ((span_starts(s, zh) && s.n <= zh.n + 3) || span_eq_cstr(s, t->rows[i].en)) {
            must(field_small(span_cstr(t->rows[i].code), &code));
            *out = (uint8_t)code;
            return true;
        }
    }
    return false;
}

bool
field_color(struct span s, const struct color_map *map, uint8_t *out, bool *odd)
{
    unsigned code;
    *odd = false;
    if (!field_small(s, &code)) {
        *odd = true;
        return color_word(s, out);
    }
    if (map && code < sizeof map->to && map->to[code])
        *out = map->to[code];
    else if (!map && code <= COLOR_CLEAR)
        *out = (uint8_t)code;
    else if (code == COLOR_OTHER)
        *out = COLOR_OTHER;
    else
        return false;
    return true;
}

bool
field_speed(struct span s, uint16_t *dkmh)
{
    unsigned whole;
    double d;
    if (field_small(s, &whole) && whole <= SPEED_MOST) {
        *dkmh = (uint16_t)(whole * 10);
        return true;
    }
    if (!span_f64(s, &d) || !(d >= 0 && d <= SPEED_MOST))
        return false;
    *dkmh = (uint16_t)lround(d * 10);
    return true;
}

struct span
field_made_id(
    char *dst, ts_ms time, struct span place, struct span plate, uint64_t more)
{
    uint64_t h = hash_span(plate, hash_span(place, hash_u64((uint64_t)time) ^ more));
    int n = snprintf(dst, FIELD_ID, "auto-%016llx", (unsigned long long)h);
    return span_of(dst, (size_t)n);
}

bool
field_keep_texts(struct sighting_batch *b, struct sighting *s)
{
    struct span *texts[] = {&s->record_id, &s->image, &s->plate_text};
    char *p = arena_take(&b->arena, s->record_id.n + s->image.n + s->plate_text.n + 1);
    if (!p)
        return false;
    for (size_t i = 0; i < 3; i++) {
        if (texts[i]->n == 0) {
            texts[i]->p = NULL;
            continue;
        }
        memcpy(p, texts[i]->p, texts[i]->n);
        texts[i]->p = p;
        p += texts[i]->n;
    }
    return true;
}
