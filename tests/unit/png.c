/* Contact sheets, read back by a decoder of this one kind of PNG. */
#include "tests/suites.h"

#include "runtime/png.h"
#include "tests/unit/scratch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static SgrtError error;

typedef struct Picture {
    int width, height, channels;
    unsigned char pixel[4096];
} Picture;

static unsigned long u32(const unsigned char *b)
{
    return (unsigned long)b[0] << 24 | (unsigned long)b[1] << 16 | (unsigned long)b[2] << 8 | b[3];
}

/* Takes the chunk at *at: its kind, its bytes and its checksum. */
static const unsigned char *take(const unsigned char **at, const char *kind, unsigned long *count)
{
    const unsigned char *bytes = *at + 8;
    *count = u32(*at);
    ck_assert_int_eq(memcmp(*at + 4, kind, 4), 0);
    ck_assert_uint_eq(u32(bytes + *count), crc32(0, *at + 4, (uInt)*count + 4));
    *at = bytes + *count + 4;
    return bytes;
}

static void unfilter(Picture *p, const unsigned char *raw)
{
    int line = p->width * p->channels;
    for (int y = 0; y < p->height; y++) {
        ck_assert_int_eq(raw[y * (line + 1)], 0);
        memcpy(p->pixel + y * line, raw + y * (line + 1) + 1, (size_t)line);
    }
}

static Picture decode(const char *name)
{
    Picture p = {0};
    unsigned char raw[8192];
    uLongf raw_bytes = sizeof raw;
    unsigned long count = 0;
    size_t size = 0;
    char *file = scratch_read(name, &size);
    ck_assert_int_eq(memcmp(file, "\x89PNG\r\n\x1a\n", 8), 0);
    const unsigned char *at = (const unsigned char *)file + 8;
    const unsigned char *header = take(&at, "IHDR", &count);
    ck_assert_uint_eq(count, 13);
    p.width = (int)u32(header);
    p.height = (int)u32(header + 4);
    ck_assert_int_eq(header[8], 8);
    p.channels = header[9] == 2 ? 3 : 1;
    const unsigned char *packed = take(&at, "IDAT", &count);
    ck_assert_int_eq(uncompress(raw, &raw_bytes, packed, count), Z_OK);
    ck_assert_int_eq((int)raw_bytes, p.height * (p.width * p.channels + 1));
    take(&at, "IEND", &count);
    ck_assert_ptr_eq(at, file + size);
    unfilter(&p, raw);
    free(file);
    return p;
}

START_TEST(grey_levels_are_clamped_and_rounded)
{
    float v[] = {0, 1, 0.5f, -1, 2, NAN};
    SgrtArray a = {SGRT_STORED_F32, 2, 6, {2, 3}, v};
    int64_t nans = 0;
    ck_assert_msg(sgrt_png_write(scratch_path("x"), &a, &nans, &error), "%s", error.text);
    Picture p = decode("x");
    static const unsigned char expected[] = {0, 255, 128, 0, 255, 0};
    ck_assert_int_eq(p.width, 3);
    ck_assert_int_eq(p.height, 2);
    ck_assert_int_eq(p.channels, 1);
    ck_assert_int_eq(memcmp(p.pixel, expected, sizeof expected), 0);
    ck_assert_int_eq(nans, 1);
}
END_TEST

/* Five images twice as wide as high: two across and three down are nearest to a square. */
START_TEST(images_fill_a_grid_row_by_row)
{
    double v[] = {0, 1, 0.2, 0.4, 0.6, 0.8, 1, 0, 1, 1};
    SgrtArray a = {SGRT_STORED_F64, 3, 10, {5, 1, 2}, v};
    ck_assert(sgrt_png_write(scratch_path("x"), &a, NULL, &error));
    Picture p = decode("x");
    ck_assert_int_eq(p.width, 2 * 2 + 1);
    ck_assert_int_eq(p.height, 3 * 1 + 2);
    static const unsigned char expected[] = {
        0,   255, 128, 51,  102, /* images 0 and 1 */
        128, 128, 128, 128, 128, /* a line between */
        153, 204, 128, 255, 0,   /* images 2 and 3 */
        128, 128, 128, 128, 128, /* */
        255, 255, 128, 128, 128, /* image 4, and no other */
    };
    ck_assert_int_eq(memcmp(p.pixel, expected, sizeof expected), 0);
}
END_TEST

START_TEST(three_channels_are_colours)
{
    float v[] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1};
    SgrtArray a = {SGRT_STORED_F32, 3, 12, {2, 2, 3}, v};
    ck_assert(sgrt_png_write(scratch_path("x"), &a, NULL, &error));
    Picture p = decode("x");
    ck_assert_int_eq(p.channels, 3);
    ck_assert_int_eq(p.width, 2);
    ck_assert_int_eq(p.pixel[0], 255);
    ck_assert_int_eq(p.pixel[4], 255);
    ck_assert_int_eq(p.pixel[5], 0);
}
END_TEST

START_TEST(integers_and_bools_have_their_own_white)
{
    int32_t v[] = {0, 255, 300, -5};
    unsigned char b[] = {0, 1, 1, 0};
    static const unsigned char levels[] = {0, 255, 255, 0};
    SgrtArray ints = {SGRT_STORED_I32, 2, 4, {2, 2}, v},
              bools = {SGRT_STORED_BOOL, 2, 4, {2, 2}, b};
    ck_assert(sgrt_png_write(scratch_path("i"), &ints, NULL, &error));
    ck_assert(sgrt_png_write(scratch_path("b"), &bools, NULL, &error));
    ck_assert_int_eq(memcmp(decode("i").pixel, levels, 4), 0);
    ck_assert_int_eq(memcmp(decode("b").pixel, levels, 4), 0);
}
END_TEST

START_TEST(what_is_no_image_is_refused)
{
    float v[] = {0, 1};
    SgrtArray a = {SGRT_STORED_F32, 1, 2, {2}, v};
    ck_assert(!sgrt_png_write(scratch_path("x"), &a, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "[2] is not the shape of images"));
}
END_TEST

Suite *png_suite(void)
{
    Suite *s = suite_create("png");
    TCase *t = tcase_create("png");
    tcase_add_checked_fixture(t, scratch_make, scratch_remove);
    tcase_add_test(t, grey_levels_are_clamped_and_rounded);
    tcase_add_test(t, images_fill_a_grid_row_by_row);
    tcase_add_test(t, three_channels_are_colours);
    tcase_add_test(t, integers_and_bools_have_their_own_white);
    tcase_add_test(t, what_is_no_image_is_refused);
    suite_add_tcase(s, t);
    return s;
}
