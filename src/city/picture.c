/* SPDX-License-Identifier: Apache-2.0 */
/* picture.c - draws with filled shapes on an RGB canvas, adds grain, and hands it to
 * libjpeg. */
#include "city/picture.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "city/glyph.h"
#include "city/rnd.h"

#define W PICTURE_WIDTH
#define H PICTURE_HEIGHT

struct rgb {
    uint8_t r, g, b;
};

struct canvas {
    uint8_t *p; /* W * H * 3 */
    bool night;
};

/* ---- shapes ---- */

static void
dot(struct canvas *c, int x, int y, struct rgb q)
{
    if (x < 0 || y < 0 || x >= W || y >= H)
        return;
    uint8_t *p = c->p + ((size_t)y * W + (size_t)x) * 3;
    p[0] = q.r;
    p[1] = q.g;
    p[2] = q.b;
}

static void
box(struct canvas *c, int x0, int y0, int x1, int y1, struct rgb q)
{
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            dot(c, x, y, q);
}

/* An upright shape, symmetrical about cx: half width h0 at the top, h1 at the bottom.
 */
static void
slab(struct canvas *c, int cx, int y0, int y1, int h0, int h1, struct rgb q)
{
    for (int y = y0; y < y1; y++) {
        int h = h0 + (h1 - h0) * (y - y0) / (y1 - y0);
        /* lighter above, darker below */
        int light = 112 - 24 * (y - y0) / (y1 - y0);
        struct rgb s = {
            (uint8_t)(q.r * light / 112), (uint8_t)(q.g * light / 112),
            (uint8_t)(q.b * light / 112)};
        for (int x = cx - h; x < cx + h; x++)
            dot(c, x, y, s);
    }
}

static void
disc(struct canvas *c, int cx, int cy, int r, struct rgb q)
{
    for (int y = -r; y <= r; y++)
        for (int x = -r; x <= r; x++)
            if (x * x + y * y <= r * r)
                dot(c, cx + x, cy + y, q);
}

/* Text with `scale` pixels a dot and a height of `tall` dots; its right end. */
static int
text(struct canvas *c, int x, int y, const char *s, int scale, struct rgb q)
{
    while (*s) {
        size_t next;
        struct glyph g = glyph_of(s, &next);
        /* Big glyphs are drawn at the height of small ones: 12 rows over 7 * scale
         * pixels. */
        int tall = 7 * scale, wide = g.width == 5 ? 5 * scale : 7 * scale;
        for (int py = 0; py < tall; py++)
            for (int px = 0; px < wide; px++)
                if (g.row[py * g.height / tall] & 0x8000 >> (px * g.width / wide))
                    dot(c, x + px, y + py, q);
        x += wide + scale;
        s += next;
    }
    return x;
}

static int
text_width(const char *s, int scale)
{
    int w = 0;
    while (*s) {
        size_t next;
        struct glyph g = glyph_of(s, &next);
        w += (g.width == 5 ? 6 : 8) * scale;
        s += next;
    }
    return w;
}

/* ---- colours ---- */

static struct rgb
paint(unsigned color)
{
    static const struct rgb t[14] = {{120, 120, 124}, {34, 35, 38},   {232, 233, 230},
                                     {142, 145, 150}, {176, 32, 36},  {36, 74, 150},
                                     {220, 182, 36},  {224, 122, 34}, {104, 72, 48},
                                     {46, 124, 70},   {104, 56, 128}, {42, 142, 150},
                                     {224, 146, 170}, {190, 200, 206}};
    return t[color < 14 ? color : 0];
}

static struct rgb
dim(struct rgb q, int percent)
{
    return (struct rgb){
        (uint8_t)(q.r * percent / 100), (uint8_t)(q.g * percent / 100),
        (uint8_t)(q.b * percent / 100)};
}

/* ---- the scene ---- */

static void
draw_road(struct canvas *c)
{
    for (int y = 0; y < H; y++) {
        int far = y < 120;
        struct rgb sky =
            c->night ? (struct rgb){12, 14, 26} : (struct rgb){168, 190, 208};
        struct rgb tar =
            c->night ? (struct rgb){32, 33, 37} : (struct rgb){112, 114, 116};
        struct rgb q = far ? dim(sky, 80 + y / 5) : dim(tar, 78 + (y - 120) / 8);
        for (int x = 0; x < W; x++)
            dot(c, x, y, q);
    }
    /* lane lines run together towards the horizon */
    struct rgb line =
        c->night ? (struct rgb){120, 120, 112} : (struct rgb){226, 226, 220};
    for (int k = -2; k <= 2; k++)
        for (int y = 124; y < H; y++) {
            if ((k == -1 || k == 1) && y / 24 % 2)
                continue;
            int x = W / 2 + k * (60 + (y - 120) * 5 / 4);
            for (int t = 0; t <= (y - 100) / 60; t++)
                dot(c, x + t, y, line);
        }
    for (int k = 0; k < 7; k++) { /* what stands beside the road */
        uint64_t h = rnd_mix((uint64_t)k * 77 + 5);
        int x = k < 3 ? (int)(h % 170) : W - 20 - (int)(h % 170);
        struct rgb wall =
            c->night ? (struct rgb){24, 24, 32} : (struct rgb){138, 138, 134};
        box(c, x, 60 + (int)(h >> 20) % 40, x + 26 + (int)(h >> 30) % 30, 122, wall);
    }
}

struct body {
    int top, bottom;    /* of the whole */
    int roof, shoulder; /* half widths */
    int glass_top, glass_bottom;
    bool boxed; /* a load stands above and behind the cab */
};

static struct body
body_of(const char *class)
{
    if (class[0] == 'H' || class[0] == 'Q') {
        if (class[1] == '3' || class[1] == '4') /* light */
            return (struct body){128, 312, 92, 104, 142, 206, true};
        return (struct body){84, 324, 118, 126, 104, 190, true};
    }
    if (class[0] == 'K' && class[1] == '1')
        return (struct body){72, 324, 118, 124, 92, 216, false};
    if (class[0] == 'K' && class[1] == '2')
        return (struct body){110, 318, 104, 112, 126, 206, false};
    if (strcmp(class, "K32") == 0)
        return (struct body){136, 316, 82, 118, 146, 206, false};
    if (strcmp(class, "K39") == 0 || strcmp(class, "K31") == 0)
        return (struct body){124, 314, 88, 106, 136, 208, false};
    return (struct body){158, 314, 70, 112, 166, 214, false};
}

static void
draw_lamps(
    struct canvas *c, const struct body *b, int cx, const struct picture_look *look)
{
    struct rgb lit =
        c->night ? (struct rgb){255, 252, 226} : (struct rgb){226, 230, 232};
    struct rgb dead = {46, 46, 48};
    int y = b->bottom - 74, dx = b->shoulder - 22;
    disc(c, cx - dx, y, 14, lit);
    disc(c, cx + dx, y, 14, look->damage == PICTURE_NO_LAMP ? dead : lit);
    if (c->night) {
        disc(c, cx - dx, y, 6, (struct rgb){255, 255, 255});
        if (look->damage != PICTURE_NO_LAMP)
            disc(c, cx + dx, y, 6, (struct rgb){255, 255, 255});
    }
}

static void
draw_plate(struct canvas *c, int cx, int y, const struct picture_look *look)
{
    if (!*look->plate) {
        box(c, cx - 62, y, cx + 62, y + 30, (struct rgb){28, 28, 30}); /* covered */
        return;
    }
    struct rgb ground = paint(look->plate_color ? look->plate_color : 5);
    bool light =
        look->plate_color == 2 || look->plate_color == 6 || look->plate_color == 9;
    if (look->plate_color == 9)
        ground = (struct rgb){122, 198, 140};
    struct rgb ink = light ? (struct rgb){16, 16, 18} : (struct rgb){246, 246, 246};
    int w = text_width(look->plate, 3) / 2 + 8;
    box(c, cx - w, y, cx + w, y + 31, ink);
    box(c, cx - w + 2, y + 2, cx + w - 2, y + 29, ground);
    text(c, cx - w + 9, y + 5, look->plate, 3, ink);
}

static void
draw_vehicle(struct canvas *c, const struct picture_look *look)
{
    const char *class = *look->vehicle_class ? look->vehicle_class : "K33";
    struct body b = body_of(class);
    int cx = W / 2 + ((int)look->lane % 3 - 1) * 18;
    struct rgb coat = dim(paint(look->vehicle_color), c->night ? 58 : 100);
    struct rgb glass = c->night ? (struct rgb){20, 24, 30} : (struct rgb){62, 78, 90};
    struct rgb tyre = {22, 22, 24};
    slab(
        c, cx, b.bottom + 4, b.bottom + 14, b.shoulder + 10, b.shoulder - 10,
        dim(tyre, 70));
    box(c, cx - b.shoulder + 4, b.bottom - 30, cx - b.shoulder + 34, b.bottom + 12,
        tyre);
    box(c, cx + b.shoulder - 34, b.bottom - 30, cx + b.shoulder - 4, b.bottom + 12,
        tyre);
    if (b.boxed) {
        struct rgb load = dim(paint(class[2] == '7' ? 8 : 3), c->night ? 50 : 92);
        slab(c, cx, b.top - 34, b.bottom - 60, b.roof + 10, b.roof + 12, load);
    }
    int waist = b.glass_bottom + 6;
    slab(c, cx, b.top, waist, b.roof, b.shoulder - 4, coat);
    slab(c, cx, waist, b.bottom, b.shoulder, b.shoulder, coat);
    slab(c, cx, b.glass_top, b.glass_bottom, b.roof - 8, b.shoulder - 16, glass);
    box(c, cx - b.roof / 2, b.glass_top + 8, cx - b.roof / 2 + 6, b.glass_bottom - 6,
        dim(glass, 130)); /* a reflection */
    /* grille, brand mark, bumper */
    box(c, cx - 48, b.bottom - 84, cx + 48, b.bottom - 62, (struct rgb){30, 31, 33});
    char brand[8];
    snprintf(brand, sizeof brand, "%u", look->brand);
    disc(c, cx, b.bottom - 73, 10, (struct rgb){168, 170, 174});
    if (look->brand)
        text(
            c, cx - text_width(brand, 1) / 2 + 1, b.bottom - 76, brand, 1,
            (struct rgb){24, 24, 26});
    int bent = look->damage == PICTURE_DENT ? 10 : 0;
    box(c, cx - b.shoulder, b.bottom - 20, cx, b.bottom - 8, dim(coat, 62));
    box(c, cx, b.bottom - 20 + bent, cx + b.shoulder, b.bottom - 8 + bent,
        dim(coat, 62));
    /* mirrors: the vehicle's right one is on our left */
    int mirror = b.glass_bottom - 16;
    if (look->damage != PICTURE_NO_MIRROR)
        box(c, cx - b.shoulder - 14, mirror, cx - b.shoulder + 4, mirror + 18,
            dim(coat, 76));
    box(c, cx + b.shoulder - 4, mirror, cx + b.shoulder + 14, mirror + 18,
        dim(coat, 76));
    draw_lamps(c, &b, cx, look);
    draw_plate(c, cx, b.bottom - 54, look);
}

static void
draw_strip(struct canvas *c, const struct picture_look *look)
{
    struct zone zone = {"Asia/Shanghai", 480};
    struct civil t = civil_of(look->time_ms, &zone);
    char line[128];
    snprintf(
        line, sizeof line, "%04d-%02d-%02d %02d:%02d:%02d.%03d", t.year, t.month, t.day,
        t.hour, t.minute, t.second, t.milli);
    box(c, 0, 0, W, 26, (struct rgb){8, 8, 10});
    text(c, 8, 6, line, 2, (struct rgb){240, 240, 236});
    snprintf(line, sizeof line, "L%u %uKM/H", look->lane, look->speed_kmh);
    text(c, W - 8 - text_width(line, 2), 6, line, 2, (struct rgb){240, 240, 236});
    snprintf(line, sizeof line, "%.32s", look->site);
    box(c, 0, H - 20, text_width(line, 2) + 16, H, (struct rgb){8, 8, 10});
    text(c, 8, H - 17, line, 2, (struct rgb){240, 240, 236});
}

static void
add_grain(struct canvas *c, uint64_t seed, int grain)
{
    struct rnd r = {seed};
    uint8_t *p = c->p, *end = p + (size_t)W * H * 3;
    while (p < end) {
        uint64_t h = rnd_next(&r);
        for (int k = 0; k < 8 && p < end; k++, h >>= 8, p += 3) {
            int d = (int)((h & 255) * (unsigned)grain >> 7) - grain;
            for (int i = 0; i < 3; i++) {
                int v = p[i] + d;
                p[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
            }
        }
    }
}

/* ---- JPEG ---- */

struct trap {
    struct jpeg_error_mgr mgr;
    jmp_buf back;
};

static void
trapped(j_common_ptr j)
{
    struct trap *t = (struct trap *)j->err;
    longjmp(t->back, 1);
}

static enum err
encode(const struct canvas *c, int quality, unsigned char **bytes, unsigned long *n)
{
    struct jpeg_compress_struct j;
    struct trap trap;
    j.err = jpeg_std_error(&trap.mgr);
    trap.mgr.error_exit = trapped;
    if (setjmp(trap.back)) {
        jpeg_destroy_compress(&j);
        return ERR_NOMEM;
    }
    jpeg_create_compress(&j);
    jpeg_mem_dest(&j, bytes, n);
    j.image_width = W;
    j.image_height = H;
    j.input_components = 3;
    j.in_color_space = JCS_RGB;
    jpeg_set_defaults(&j);
    j.dct_method = JDCT_ISLOW; /* the same bits everywhere */
    jpeg_set_quality(&j, quality, TRUE);
    jpeg_start_compress(&j, TRUE);
    while (j.next_scanline < j.image_height) {
        JSAMPROW row = c->p + (size_t)j.next_scanline * W * 3;
        jpeg_write_scanlines(&j, &row, 1);
    }
    jpeg_finish_compress(&j);
    jpeg_destroy_compress(&j);
    return OK;
}

/* Comment segments of `n` bytes in all (at least 4). */
static void
put_filling(struct buf *out, size_t n)
{
    static const uint8_t zeros[4096];
    while (n >= 4) {
        size_t seg = n > 65000 ? 60000 : n;
        uint8_t head[4] = {0xff, 0xfe, (uint8_t)((seg - 2) >> 8), (uint8_t)(seg - 2)};
        buf_put(out, head, sizeof head);
        for (size_t left = seg - 4; left;) {
            size_t k = left < sizeof zeros ? left : sizeof zeros;
            buf_put(out, zeros, k);
            left -= k;
        }
        n -= seg;
    }
}

static enum err
draw(
    const struct picture_look *look, int grain, int quality, size_t bytes,
    struct buf *out)
{
    struct canvas c = {.p = malloc((size_t)W * H * 3)};
    unsigned char *jpeg = NULL;
    unsigned long n = 0;
    if (!c.p)
        return ERR_NOMEM;
    int64_t minute = (look->time_ms + 8 * HOUR_MS) % DAY_MS / MINUTE_MS;
    c.night = minute < 6 * 60 + 20 || minute >= 19 * 60;
    draw_road(&c);
    draw_vehicle(&c, look);
    draw_strip(&c, look);
    add_grain(
        &c, (uint64_t)look->time_ms * 31 + look->lane, c.night ? grain * 3 / 2 : grain);
    enum err e = encode(&c, quality, &jpeg, &n);
    if (e)
        goto out;
    buf_put(out, jpeg, 2); /* SOI */
    if (bytes > n)
        put_filling(out, bytes - n);
    buf_put(out, jpeg + 2, n - 2);
    e = out->bad ? ERR_NOMEM : OK;
out:
    free(jpeg);
    free(c.p);
    return e;
}

enum err
picture_draw(const struct picture_look *look, struct buf *jpeg)
{
    return draw(look, 5, 72, 0, jpeg);
}

enum err
picture_draw_sized(const struct picture_look *look, size_t bytes, struct buf *jpeg)
{
    must(bytes >= 65536);
    size_t before = jpeg->n;
    for (int quality = 90; quality >= 30; quality -= 15) {
        enum err e = draw(look, 10, quality, bytes, jpeg);
        size_t made = jpeg->n - before;
        if (e || made == bytes)
            return e;
        jpeg->n = before; /* too big: less quality */
    }
    return draw(look, 3, 30, bytes, jpeg);
}
