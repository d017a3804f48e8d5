/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures are JPEG files that decode, are of the promised size, and show what they
 * should. */
#include "city/picture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>

static const struct picture_look day = {
    .plate = "晋A8K3D2",
    .vehicle_class = "K33",
    .plate_color = 5,
    .vehicle_color = 4,
    .brand = 26,
    .time_ms = 1772414172443, /* 09:16 */
    .site = "14010600011210000036",
    .lane = 1,
    .speed_kmh = 52,
};

/* Decodes to RGB; the caller frees. */
static uint8_t *
decode(const struct buf *b, unsigned *w, unsigned *h)
{
    struct jpeg_decompress_struct j;
    struct jpeg_error_mgr e;
    j.err = jpeg_std_error(&e);
    jpeg_create_decompress(&j);
    jpeg_mem_src(&j, b->p, (unsigned long)b->n);
    assert_int_equal(jpeg_read_header(&j, TRUE), JPEG_HEADER_OK);
    jpeg_start_decompress(&j);
    *w = j.output_width;
    *h = j.output_height;
    uint8_t *p = malloc((size_t)*w * *h * 3);
    while (j.output_scanline < j.output_height) {
        JSAMPROW row = p + (size_t)j.output_scanline * *w * 3;
        jpeg_read_scanlines(&j, &row, 1);
    }
    jpeg_finish_decompress(&j);
    assert_int_equal(e.num_warnings, 0);
    jpeg_destroy_decompress(&j);
    return p;
}

static void
is_a_jpeg_of_the_right_size(void **state)
{
    struct buf b = {0};
    unsigned w, h;
    (void)state;
    assert_int_equal(picture_draw(&day, &b), OK);
    assert_true(b.n > 10000 && b.n < 40000);
    assert_memory_equal(b.p, "\xff\xd8\xff", 3);
    assert_memory_equal(b.p + b.n - 2, "\xff\xd9", 2);
    uint8_t *p = decode(&b, &w, &h);
    assert_int_equal(w, PICTURE_WIDTH);
    assert_int_equal(h, PICTURE_HEIGHT);
    /* The bonnet beside the grille is red. */
    const uint8_t *q = p + (268 * (size_t)w + w / 2 - 90) * 3;
    assert_true(q[0] > 110 && q[1] < 80 && q[2] < 80);
    free(p);
    buf_release(&b);
}

static void
same_look_same_bytes(void **state)
{
    struct buf a = {0}, b = {0}, c = {0};
    struct picture_look other = day;
    (void)state;
    other.plate = "晋A8K3D3";
    assert_int_equal(picture_draw(&day, &a), OK);
    assert_int_equal(picture_draw(&day, &b), OK);
    assert_int_equal(picture_draw(&other, &c), OK);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.p, b.p, a.n);
    assert_true(a.n != c.n || memcmp(a.p, c.p, a.n) != 0);
    buf_release(&a);
    buf_release(&b);
    buf_release(&c);
}

static void
night_is_dark(void **state)
{
    struct picture_look night = day;
    struct buf a = {0}, b = {0};
    unsigned w, h;
    uint64_t sum[2] = {0, 0};
    (void)state;
    night.time_ms += 13 * HOUR_MS;
    assert_int_equal(picture_draw(&day, &a), OK);
    assert_int_equal(picture_draw(&night, &b), OK);
    uint8_t *p = decode(&a, &w, &h), *q = decode(&b, &w, &h);
    for (size_t i = 0; i < (size_t)w * h * 3; i++) {
        sum[0] += p[i];
        sum[1] += q[i];
    }
    assert_true(sum[1] * 2 < sum[0]);
    free(p);
    free(q);
    buf_release(&a);
    buf_release(&b);
}

static void
every_class_colour_and_damage_draws(void **state)
{
    static const char *const classes[] = {"K33", "K32", "K39", "K11", "K21", "H11",
                                          "H17", "H31", "Q11", "X99", ""};
    struct buf b = {0};
    (void)state;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        struct picture_look l = day;
        l.vehicle_class = classes[i];
        l.vehicle_color = (uint8_t)(i * 9);
        l.plate_color = (uint8_t)i;
        l.damage = (uint8_t)(i % 4);
        l.plate = i % 3 ? "粤Z1234港" : "";
        buf_clear(&b);
        assert_int_equal(picture_draw(&l, &b), OK);
        assert_true(b.n > 8000);
    }
    buf_release(&b);
}

static void
sized_pictures_have_that_size(void **state)
{
    struct buf b = {0};
    unsigned w, h;
    (void)state;
    assert_int_equal(picture_draw_sized(&day, 102400, &b), OK);
    assert_int_equal(b.n, 102400);
    free(decode(&b, &w, &h));
    assert_int_equal(picture_draw_sized(&day, 300000, &b), OK);
    assert_int_equal(b.n, 402400);
    buf_release(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_a_jpeg_of_the_right_size),
        cmocka_unit_test(same_look_same_bytes),
        cmocka_unit_test(night_is_dark),
        cmocka_unit_test(every_class_colour_and_damage_draws),
        cmocka_unit_test(sized_pictures_have_that_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
