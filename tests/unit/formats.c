/* What must hold for every format of data, plain and gzipped: its beginnings and its damaged forms
 * are an array or an error that names the file and a place in it, never a crash. */
#include "tests/suites.h"

#include "runtime/data.h"
#include "runtime/tensors.h"
#include "tests/unit/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static SgrtError error;

/* A small file of each format with the array `x`, [2, 3] or [6]; what ends too early is refused
 * unless what is left is a file of its own. */
static const struct {
    const char *name;
    unsigned char bytes[200];
    size_t count;
    bool prefixes_are_files;
} whole[] = {
    {"idx", {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6}, 18, false},
    {"npy1",
     "\x93NUMPY\x01\x00\x3c\x00{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }"
     "  \n\x01\x02\x03\x04\x05\x06",
     76, false},
    {"npy2",
     "\x93NUMPY\x02\x00\x3a\x00\x00\x00{'descr': '|u1', 'fortran_order': False, 'shape': (6,), }"
     " \n\x01\x02\x03\x04\x05\x06",
     76, false},
    {"npy3",
     "\x93NUMPY\x03\x00\x3a\x00\x00\x00{'descr': '|i1', 'fortran_order': False, 'shape': (6,), }"
     " \n\x01\x02\x03\x04\x05\x06",
     76, false},
    {"safetensors",
     "\x40\x00\x00\x00\x00\x00\x00\x00{\"x\":{\"dtype\":\"U8\",\"shape\":[2,3],"
     "\"data_offsets\":[0,6]}}                 \x01\x02\x03\x04\x05\x06",
     78, false},
    {"json", "{\"N\": 2, \"x\": [[1, 2, 3], [4, 5, 6]]}", 37, false},
    {"csv", "id,x\n1,1\n2,2\n3,3\n4,4\n5,5\n6,6", 28, true},
};

enum { FORMATS = sizeof whole / sizeof whole[0] };

static void write_packed(const char *name, const void *bytes, size_t count)
{
    gzFile f = gzopen(scratch_path(name), "wb");
    ck_assert_int_eq(gzwrite(f, bytes, (unsigned)count), (int)count);
    gzclose(f);
}

static bool reads(const char *name)
{
    SgrtArray a;
    bool read = sgrt_array_read(&a, scratch_path(name), SGRT_WHOLE_OR_NAMED, "x", &error);
    if (read)
        ck_assert_int_le(a.size, 1000);
    sgrt_array_free(&a);
    return read;
}

/* A file that is read well and has no x has no place where it should be. */
static void assert_places(const char *name)
{
    if (!strstr(error.text, "no 'x'"))
        scratch_assert_placed(name, error.text);
}

START_TEST(whole_files_are_read)
{
    scratch_write("p", whole[_i].bytes, whole[_i].count);
    ck_assert_msg(reads("p"), "%s: %s", whole[_i].name, error.text);
    write_packed("z", whole[_i].bytes, whole[_i].count);
    ck_assert_msg(reads("z"), "%s: %s", whole[_i].name, error.text);
}
END_TEST

START_TEST(what_ends_too_early_is_refused_at_a_place)
{
    for (size_t n = 0; n < whole[_i].count; n++) {
        scratch_write("p", whole[_i].bytes, n);
        write_packed("z", whole[_i].bytes, n);
        bool plain = reads("p");
        if (!plain)
            assert_places("p");
        bool packed = reads("z");
        if (!packed)
            assert_places("z");
        ck_assert_int_eq(plain, packed);
        ck_assert_msg(!plain || whole[_i].prefixes_are_files, "%s: %zu bytes of %zu were read",
                      whole[_i].name, n, whole[_i].count);
    }
}
END_TEST

START_TEST(what_goes_on_too_long_is_refused_at_a_place)
{
    unsigned char longer[204];
    memcpy(longer, whole[_i].bytes, whole[_i].count);
    memcpy(longer + whole[_i].count, "\0\0!", 3);
    scratch_write("p", longer, whole[_i].count + 3);
    if (!reads("p"))
        assert_places("p");
    else
        ck_abort_msg("%s: more bytes were read than it has", whole[_i].name);
}
END_TEST

START_TEST(changed_bits_do_no_harm)
{
    unsigned char changed[200];
    memcpy(changed, whole[_i].bytes, whole[_i].count);
    for (size_t at = 0; at < whole[_i].count; at++)
        for (int bit = 0; bit < 8; bit++) {
            changed[at] ^= (unsigned char)(1 << bit);
            scratch_write("p", changed, whole[_i].count);
            if (!reads("p"))
                assert_places("p");
            changed[at] ^= (unsigned char)(1 << bit);
        }
}
END_TEST

/* Headers of safetensors that contradict themselves or lie; the bytes that follow are six. */
static const struct {
    const char *header, *says;
} hostile[] = {
    {"{\"x\":{\"dtype\":\"U8\",\"shape\":[2,3],\"data_offsets\":[0,7]}}", "offset 9: safetensors"},
    {"{\"x\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,6]}}",
     "more values than there can be"},
    {"{\"x\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,6]}}", "no whole number"},
    {"{\"x\":{\"dtype\":\"U8\",\"shape\":[2.5],\"data_offsets\":[0,6]}}", "no whole number"},
    {"{\"x\":{\"dtype\":\"U8\",\"shape\":[6],\"data_offsets\":[6,0]}}", "do not agree"},
    {"{\"x\":{\"dtype\":\"U8\",\"shape\":[6],\"data_offsets\":[1,7]}}", "leave a hole"},
    {"{\"x\":{\"dtype\":\"U8\",\"shape\":[6],\"data_offsets\":[0,6]},"
     "\"y\":{\"dtype\":\"U8\",\"shape\":[6],\"data_offsets\":[0,6]}}",
     "overlap"},
    {"{\"x\":{\"dtype\":\"U8\",\"shape\":[6],\"data_offsets\":[0,6]},"
     "\"x\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[6,6]}}",
     "stands twice"},
    {"{\"x\":{\"dtype\":\"U8\",\"shape\":[1000000000000],\"data_offsets\":[0,1000000000000]}}",
     "the file holds 6"},
    {"{\"x\":{\"dtype\":\"C9\",\"shape\":[6],\"data_offsets\":[0,6]}}", "a type that is not known"},
    {"{\"x\":[]}", "not an object"},
    {"[1]", "not a JSON object"},
    {"{\"__metadata__\":{\"a\":1},\"x\":{\"dtype\":\"U8\",\"shape\":[6],\"data_offsets\":[0,6]}}",
     "a value that is no text"},
};

START_TEST(hostile_headers_are_refused_at_a_place)
{
    unsigned char file[400] = {0};
    size_t length = strlen(hostile[_i].header);
    file[0] = (unsigned char)length;
    memcpy(file + 8, hostile[_i].header, length);
    scratch_write("s", file, 8 + length + 6);
    SgrtTensorFile f;
    ck_assert(!sgrt_tensors_read(&f, scratch_path("s"), &error));
    ck_assert_msg(strstr(error.text, hostile[_i].says) && strstr(error.text, "offset "),
                  "wanted '%s' and an offset in: %s", hostile[_i].says, error.text);
}
END_TEST

/* Lists inside lists, deeper than any array and than the stack would bear. */
START_TEST(depth_is_bounded)
{
    enum { DEPTH = 200000 };
    char *deep = malloc(2 * DEPTH + 20);
    ck_assert_ptr_nonnull(deep);
    for (int depth = 40; depth <= DEPTH; depth = depth == 40 ? DEPTH : DEPTH + 1) {
        size_t used = (size_t)sprintf(deep, "{\"x\": ");
        memset(deep + used, '[', (size_t)depth);
        memset(deep + used + depth, ']', (size_t)depth);
        memcpy(deep + used + 2 * depth, "}", 1);
        scratch_write("p", deep, used + 2 * (size_t)depth + 1);
        ck_assert(!reads("p"));
        assert_places("p");
    }
    free(deep);
}
END_TEST

Suite *formats_suite(void)
{
    Suite *s = suite_create("formats");
    TCase *t = tcase_create("formats");
    tcase_add_checked_fixture(t, scratch_make, scratch_remove);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, whole_files_are_read, 0, FORMATS);
    tcase_add_loop_test(t, what_ends_too_early_is_refused_at_a_place, 0, FORMATS);
    tcase_add_loop_test(t, what_goes_on_too_long_is_refused_at_a_place, 0, FORMATS);
    tcase_add_loop_test(t, changed_bits_do_no_harm, 0, FORMATS);
    tcase_add_loop_test(t, hostile_headers_are_refused_at_a_place, 0,
                        sizeof hostile / sizeof *hostile);
    tcase_add_test(t, depth_is_bounded);
    suite_add_tcase(s, t);
    return s;
}
