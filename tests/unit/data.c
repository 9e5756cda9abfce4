/* Data files and their binding to columns: what is read, what is converted, what is refused. */
#include "tests/suites.h"

#include "runtime/bind.h"
#include "runtime/npy.h"
#include "tests/unit/scratch.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static SgrtError error;

static void assert_says(const char *words)
{
    ck_assert_msg(strstr(error.text, words) != NULL, "wanted '%s' in: %s", words, error.text);
}

/* Three images of 2 x 2 bytes. */
static const unsigned char idx[] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0,   2, 0,  0,
                                    0, 2, 0, 1, 2, 3, 4, 5, 6, 7, 255, 9, 10, 51};

START_TEST(idx_is_read)
{
    SgrtArray a;
    scratch_write("x", idx, sizeof idx);
    ck_assert_msg(sgrt_array_read(&a, scratch_path("x"), SGRT_WHOLE_OR_NAMED, "a", &error), "%s",
                  error.text);
    ck_assert_int_eq(a.stored, SGRT_STORED_U8);
    ck_assert_int_eq(a.rank, 3);
    ck_assert_int_eq(a.dim[0], 3);
    ck_assert_int_eq(a.dim[2], 2);
    ck_assert_int_eq(((uint8_t *)a.values)[11], 51);
    sgrt_array_free(&a);
}
END_TEST

/* 0x3fc00000 is 1.5 and 0xfffffffe is -2: IDX is big-endian. */
START_TEST(idx_numbers_are_big_endian)
{
    static const unsigned char f[] = {0, 0, 13, 1, 0, 0, 0, 1, 0x3f, 0xc0, 0, 0};
    static const unsigned char i[] = {0, 0, 12, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe};
    SgrtArray a;
    scratch_write("f", f, sizeof f);
    scratch_write("i", i, sizeof i);
    ck_assert(sgrt_array_read(&a, scratch_path("f"), SGRT_WHOLE_OR_NAMED, "a", &error));
    ck_assert_float_eq(*(float *)a.values, 1.5f);
    sgrt_array_free(&a);
    ck_assert(sgrt_array_read(&a, scratch_path("i"), SGRT_WHOLE_OR_NAMED, "a", &error));
    ck_assert_int_eq(*(int32_t *)a.values, -2);
    sgrt_array_free(&a);
}
END_TEST

static void write_gzipped(const char *name, const void *bytes, unsigned count)
{
    gzFile f = gzopen(scratch_path(name), "wb");
    ck_assert_int_eq(gzwrite(f, bytes, count), (int)count);
    gzclose(f);
}

START_TEST(gzip_is_told_by_content)
{
    SgrtArray a;
    write_gzipped("x.idx", idx, sizeof idx);
    ck_assert_msg(sgrt_array_read(&a, scratch_path("x.idx"), SGRT_WHOLE_OR_NAMED, "a", &error),
                  "%s", error.text);
    ck_assert_int_eq(((uint8_t *)a.values)[11], 51);
    sgrt_array_free(&a);
}
END_TEST

/* Every proper beginning of a file is refused with the file's name, plain and gzipped. */
START_TEST(truncated_files_are_refused)
{
    SgrtArray a;
    for (size_t n = 0; n < sizeof idx; n++) {
        scratch_write("x", idx, n);
        ck_assert(!sgrt_array_read(&a, scratch_path("x"), SGRT_WHOLE_OR_NAMED, "a", &error));
        scratch_assert_placed("x", error.text);
        write_gzipped("y", idx, (unsigned)n);
        ck_assert(!sgrt_array_read(&a, scratch_path("y"), SGRT_WHOLE_OR_NAMED, "a", &error));
        scratch_assert_placed("y", error.text);
    }
    size_t packed = 0;
    write_gzipped("z", idx, sizeof idx);
    char *whole = scratch_read("z", &packed);
    for (size_t n = 10; n < packed; n++) {
        scratch_write("z", whole, n);
        ck_assert(!sgrt_array_read(&a, scratch_path("z"), SGRT_WHOLE_OR_NAMED, "a", &error));
        scratch_assert_placed("z", error.text);
    }
    free(whole);
}
END_TEST

/* NPY version 1 around a dict and values. */
static void write_npy(const char *name, const char *dict, const void *values, size_t count)
{
    unsigned char file[600] = "\x93NUMPY\x01";
    size_t length = strlen(dict);
    file[8] = (unsigned char)(length & 0xff);
    file[9] = (unsigned char)(length >> 8);
    memcpy(file + 10, dict, length);
    memcpy(file + 10 + length, values, count);
    scratch_write(name, file, 10 + length + count);
}

START_TEST(npy_is_read_in_either_order_of_bytes_and_axes)
{
    static const double little[] = {1, 2, 3, 4, 5, 6};
    static const unsigned char big[] = {0x3f, 0xc0, 0, 0};
    SgrtArray a;
    write_npy("c", "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n", little,
              sizeof little);
    ck_assert_msg(sgrt_array_read(&a, scratch_path("c"), SGRT_WHOLE_OR_NAMED, "a", &error), "%s",
                  error.text);
    ck_assert_double_eq(((double *)a.values)[4], 5);
    sgrt_array_free(&a);
    /* Column by column: [[1, 3, 5], [2, 4, 6]]. */
    write_npy("f", "{\"shape\": (2,3), \"fortran_order\": True, \"descr\": \"<f8\"}", little,
              sizeof little);
    ck_assert_msg(sgrt_array_read(&a, scratch_path("f"), SGRT_WHOLE_OR_NAMED, "a", &error), "%s",
                  error.text);
    ck_assert_double_eq(((double *)a.values)[1], 3);
    ck_assert_double_eq(((double *)a.values)[3], 2);
    sgrt_array_free(&a);
    write_npy("b", "{'descr': '>f4', 'fortran_order': False, 'shape': (), }", big, sizeof big);
    ck_assert_msg(sgrt_array_read(&a, scratch_path("b"), SGRT_WHOLE_OR_NAMED, "a", &error), "%s",
                  error.text);
    ck_assert_int_eq(a.rank, 0);
    ck_assert_float_eq(*(float *)a.values, 1.5f);
    sgrt_array_free(&a);
}
END_TEST

START_TEST(npy_that_was_written_is_read_back)
{
    static const float values[] = {1, -2, 3.5f, 0, 1e30f, 6};
    SgrtArray a;
    for (int64_t rank = 0; rank <= 3; rank++) {
        static const int64_t dims[4][3] = {{0}, {6}, {2, 3}, {1, 6, 1}};
        ck_assert(
            sgrt_npy_write(scratch_path("x"), SGRT_STORED_F32, dims[rank], rank, values, &error));
        ck_assert_msg(sgrt_array_read(&a, scratch_path("x"), SGRT_WHOLE_OR_NAMED, "a", &error),
                      "%s", error.text);
        ck_assert_int_eq(a.rank, rank);
        ck_assert_int_eq(memcmp(a.dim, dims[rank], (size_t)rank * sizeof *a.dim), 0);
        ck_assert_int_eq(memcmp(a.values, values, (size_t)a.size * sizeof *values), 0);
        sgrt_array_free(&a);
    }
}
END_TEST

/* Headers that are wrong, or that ask for more than there is. */
static const struct {
    const char *dict, *says;
} bad_npy[] = {
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }", "the file holds 16"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (3037000500, 3037000500), }",
     "more values than there can be"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,), }",
     "an extent that is too large"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", "goes on after its last value"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (-2,), }", "an extent is expected"},
    {"{'descr': '<c16', 'fortran_order': False, 'shape': (1,), }", "no other type at \" '<c16'"},
    {"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2,), }", "quoted text"},
    {"{'descr': '<f8', 'shape': (2,), }", "is missing"},
    {"{'descr': '<f8', 'fortran_order': 1, 'shape': (2,), }", "True or False"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (2 }", "a comma is expected"},
    {"{'descr': '<f8', 'fortran_order': False, 'size': (2,) }", "no other at \"'size'"},
    {"{'descr': '<f8', 'fortran_order': False, 'descr': '<f4', 'shape': (2,) }", "each once"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (2,), } or {}", "more than a dict"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, "
     "1, 1, 2)}",
     "more axes than can be read"},
    {"('descr', '<f8')", "a dict is expected"},
    {"", "a dict is expected"},
};

START_TEST(bad_npy_headers_are_refused)
{
    static const double two[] = {1, 2};
    SgrtArray a;
    write_npy("x", bad_npy[_i].dict, two, sizeof two);
    ck_assert(!sgrt_array_read(&a, scratch_path("x"), SGRT_WHOLE_OR_NAMED, "a", &error));
    scratch_assert_placed("x", error.text);
    assert_says(bad_npy[_i].says);
}
END_TEST

START_TEST(bad_idx_headers_are_refused)
{
    static const struct {
        unsigned char bytes[16];
        const char *says;
    } bad[] = {
        {{0, 0, 7, 1, 0, 0, 0, 1}, "offset 2: IDX type 0x07"},
        {{0, 0, 8, 0, 0, 0, 0, 1}, "offset 3"},
        {{0, 0, 8, 200, 0, 0, 0, 1}, "offset 3"},
        {{0, 0, 8, 1, 255, 255, 255, 255}, "declares 4294967295 bytes"},
        {{0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255}, "more than there can be"},
        {{0, 0, 8, 1, 0, 0, 0, 1}, "offset 9: the file goes on"},
        {{'h', 'e', 'l', 'l', 'o'}, "offset 0: none of IDX"},
    };
    SgrtArray a;
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        scratch_write("x", bad[i].bytes, sizeof bad[i].bytes);
        ck_assert(!sgrt_array_read(&a, scratch_path("x"), SGRT_WHOLE_OR_NAMED, "a", &error));
        scratch_assert_placed("x", error.text);
        assert_says(bad[i].says);
    }
    ck_assert(!sgrt_array_read(&a, scratch_path("none"), SGRT_WHOLE_OR_NAMED, "a", &error));
    assert_says("No such file");
}
END_TEST

/* One byte of a file changed in every way: an array or an error, never a crash. */
START_TEST(changed_bytes_do_no_harm)
{
    static const double six[] = {1, 2, 3, 4, 5, 6};
    SgrtArray a;
    size_t count = 0;
    write_npy("x", "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }\n", six, sizeof six);
    char *file = scratch_read("x", &count);
    for (size_t at = 0; at < count - sizeof six; at++)
        for (int bit = 0; bit < 8; bit++) {
            file[at] = (char)(file[at] ^ 1 << bit);
            scratch_write("x", file, count);
            if (sgrt_array_read(&a, scratch_path("x"), SGRT_WHOLE_OR_NAMED, "a", &error))
                ck_assert_int_le(a.size, (int64_t)count);
            sgrt_array_free(&a);
            file[at] = (char)(file[at] ^ 1 << bit);
        }
    free(file);
}
END_TEST

/* A graph with one column of every kind that the tests below bind. */
static const int64_t four[] = {4}, two_two[] = {2, 2}, three[] = {3};
enum { GREY, REAL, INT, FLAG, MATRIX, SIMPLEX, WHOLE, POSITIVE, DOUBLE };
static const SgrtColumn columns[] = {
    [GREY] = {"grey", four, 1, 4, SGRT_F32, 1, {SGRT_RANGE, 0, 0, 1}},
    [REAL] = {"real", four, 1, 4, SGRT_F32, 1, {0}},
    [INT] = {"int", NULL, 0, 1, SGRT_I32, 1, {0}},
    [FLAG] = {"flag", NULL, 0, 1, SGRT_BOOL, 1, {0}},
    [MATRIX] = {"matrix", two_two, 2, 4, SGRT_F32, 1, {0}},
    [SIMPLEX] = {"simplex", three, 1, 3, SGRT_F32, 1, {SGRT_SIMPLEX, 0, 0, 0}},
    [WHOLE] = {"whole", four, 1, 4, SGRT_F32, 0, {0}},
    [POSITIVE] = {"positive", NULL, 0, 1, SGRT_F32, 1, {SGRT_POSITIVE, 0, 0, 0}},
    [DOUBLE] = {"double", four, 1, 4, SGRT_F64, 1, {SGRT_RANGE, 0, 0, 1}},
};
static const SgrtGraph graph = {.name = "g", .batch = 8, .column = columns, .columns = 9};
static const SgrtModel model = {.real = SGRT_F32, .graph = &graph, .graphs = 1};

static bool bind_file(SgrtData *data, int column, const char *word)
{
    SgrtSource source;
    ck_assert(sgrt_data_init(data, &model, &graph, &error));
    ck_assert_msg(sgrt_source_parse(&source, word, &error), "%s", error.text);
    return sgrt_data_bind(data, column, &source, &error);
}

START_TEST(bytes_in_the_unit_interval_are_divided_by_255)
{
    SgrtData data;
    float row[4];
    double wide[4];
    char note[200];
    scratch_write("x", idx, sizeof idx);
    ck_assert_msg(bind_file(&data, GREY, scratch_path("x")), "%s", error.text);
    ck_assert_int_eq(data.rows, 3);
    sgrt_gather(&data.bound[GREY], &columns[GREY], (uint32_t[]){2}, 0, 1, row);
    ck_assert_float_eq(row[0], 1);
    ck_assert_float_eq(row[3], 51.0f / 255.0f);
    ck_assert(sgrt_bound_note(&data.bound[GREY], &columns[GREY], note, sizeof note));
    ck_assert_str_eq(note, "grey: [2, 2] taken as [4], uint8 divided by 255");
    sgrt_data_free(&data);
    ck_assert(bind_file(&data, DOUBLE, scratch_path("x")));
    sgrt_gather(&data.bound[DOUBLE], &columns[DOUBLE], NULL, 2, 1, wide);
    ck_assert_double_eq(wide[3], 51.0 / 255.0);
    sgrt_data_free(&data);
}
END_TEST

/* Nothing else is scaled, and a shape that is the declared one is no remark. */
START_TEST(other_bytes_keep_their_values)
{
    SgrtData data;
    float row[8];
    char note[200];
    scratch_write("x", idx, sizeof idx);
    ck_assert(bind_file(&data, MATRIX, scratch_path("x")));
    sgrt_gather(&data.bound[MATRIX], &columns[MATRIX], NULL, 1, 2, row);
    ck_assert_float_eq(row[0], 4);
    ck_assert_float_eq(row[4], 255);
    ck_assert(!sgrt_bound_note(&data.bound[MATRIX], &columns[MATRIX], note, sizeof note));
    sgrt_data_free(&data);
}
END_TEST

START_TEST(a_range_takes_rows_of_the_file)
{
    SgrtData data;
    float row[4];
    char word[400];
    scratch_write("x", idx, sizeof idx);
    snprintf(word, sizeof word, "%s[1:3]", scratch_path("x"));
    ck_assert(bind_file(&data, REAL, word));
    ck_assert_int_eq(data.rows, 2);
    sgrt_gather(&data.bound[REAL], &columns[REAL], NULL, 0, 1, row);
    ck_assert_float_eq(row[3], 7);
    sgrt_data_free(&data);
    snprintf(word, sizeof word, "%s[1:4]", scratch_path("x"));
    ck_assert(!bind_file(&data, REAL, word));
    assert_says("rows [1:4) of a file with 3 rows");
    sgrt_data_free(&data);
    snprintf(word, sizeof word, "%s[2:2]", scratch_path("x"));
    ck_assert(!bind_file(&data, REAL, word));
    assert_says("rows [2:2)");
    sgrt_data_free(&data);
}
END_TEST

START_TEST(sources_are_parsed_from_the_end)
{
    static const struct {
        const char *word, *path, *member;
        int64_t first, last;
    } cases[] = {
        {"a.npy", "a.npy", NULL, 0, -1},
        {"a.npz:x", "a.npz", "x", 0, -1},
        {"a.npy[2:5]", "a.npy", NULL, 2, 5},
        {"a.npz:x[:5]", "a.npz", "x", 0, 5},
        {"d:e/a.npy[3:]", "d:e/a.npy", NULL, 3, -1},
        {"a[1].npy", "a[1].npy", NULL, 0, -1},
    };
    SgrtSource s;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert(sgrt_source_parse(&s, cases[i].word, &error));
        ck_assert_str_eq(s.path, cases[i].path);
        ck_assert_pstr_eq(s.member, cases[i].member);
        ck_assert_int_eq(s.first, cases[i].first);
        ck_assert_int_eq(s.last, cases[i].last);
        sgrt_source_free(&s);
    }
    ck_assert(!sgrt_source_parse(&s, "a.npy[x:5]", &error));
    assert_says("no range of rows");
    ck_assert(!sgrt_source_parse(&s, "[1:5]", &error));
    assert_says("names no file");
}
END_TEST

/* Two rows of a column, and what is said about the second. */
static const struct {
    int column;
    const char *shape;
    double values[8];
    const char *says;
} bad_values[] = {
    {INT, "(2,)", {1, 2.5}, "row 1: int = 2.5 is not an integer"},
    {INT, "(2,)", {1, NAN}, "row 1: int = nan is not a number"},
    {INT, "(2,)", {1, 3e9}, "row 1: int = 3e+09 does not fit a 32-bit integer"},
    {FLAG, "(2,)", {0, 2}, "row 1: flag = 2 is neither 0 nor 1"},
    {REAL, "(2, 4)", {1, 2, 3, 4, 5, 6, NAN, 8}, "row 1: real[2] = nan is not a number"},
    {REAL, "(2, 4)", {1, 2, 3, 4, 5, 1e300, 7, 8}, "row 1: real[1] = 1e+300 does not fit"},
    {MATRIX, "(2, 2, 2)", {1, 2, 3, 4, 5, 6, NAN, 8}, "row 1: matrix[1][0] = nan"},
    {GREY, "(2, 4)", {0, 0, 0, 1, 0, 1.5, 0, 0}, "row 1: grey[1] = 1.5 is not in [0, 1]"},
    {POSITIVE, "(2,)", {1, 0}, "row 1: positive = 0 is not in positive"},
    {SIMPLEX, "(2, 3)", {0.5, 0.25, 0.25, 0.5, 0.5, 0.25}, "row 1: simplex[0]"},
    {SIMPLEX, "(2, 3)", {0.5, 0.25, 0.25, 1.5, -0.5, 0}, "row 1: simplex[1] = -0.5"},
    {REAL, "(2, 3)", {0}, "a row is [3], and data real is [4]"},
    {MATRIX, "(2, 4)", {0}, "a row is [4], and data matrix is [2, 2]"},
    {WHOLE, "(2, 4)", {0}, "the array is [2, 4], and data whole is [4]"},
    {INT, "(2, 3)", {0}, "a row is [3], and data int is a single value"},
    {REAL, "()", {0}, "a single value"},
    {REAL, "(0, 4)", {0}, "no rows"},
};

START_TEST(values_that_do_not_fit_are_refused)
{
    char dict[200];
    SgrtData data;
    int64_t count = 1;
    for (const char *s = bad_values[_i].shape; *s; s++)
        count *= *s >= '0' && *s <= '9' ? *s - '0' : 1;
    snprintf(dict, sizeof dict, "{'descr': '<f8', 'fortran_order': False, 'shape': %s}",
             bad_values[_i].shape);
    write_npy("x", dict, bad_values[_i].values, (size_t)count * sizeof(double));
    ck_assert(!bind_file(&data, bad_values[_i].column, scratch_path("x")));
    assert_says(scratch_path("x"));
    assert_says(bad_values[_i].says);
    sgrt_data_free(&data);
}
END_TEST

START_TEST(rows_are_counted_in_the_file_when_a_range_is_taken)
{
    static const double values[] = {1, 2, 2.5, 4};
    char word[400];
    SgrtData data;
    write_npy("x", "{'descr': '<f8', 'fortran_order': False, 'shape': (4,)}", values,
              sizeof values);
    snprintf(word, sizeof word, "%s[1:4]", scratch_path("x"));
    ck_assert(!bind_file(&data, INT, word));
    assert_says("row 2: int = 2.5");
    sgrt_data_free(&data);
}
END_TEST

START_TEST(columns_have_the_same_rows)
{
    static const double values[] = {1, 2, 3, 4};
    SgrtSource source;
    SgrtData data;
    write_npy("x", "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 4)}", values,
              sizeof values);
    write_npy("y", "{'descr': '<f8', 'fortran_order': False, 'shape': (4,)}", values,
              sizeof values);
    ck_assert(bind_file(&data, REAL, scratch_path("x")));
    ck_assert(sgrt_source_parse(&source, scratch_path("y"), &error));
    ck_assert(!sgrt_data_bind(&data, INT, &source, &error));
    assert_says("data real has 1 rows and data int has 4");
    ck_assert(!sgrt_data_complete(&data, -1, &error));
    assert_says("data grey[4] is not given");
    sgrt_data_free(&data);
}
END_TEST

Suite *data_suite(void)
{
    Suite *s = suite_create("data");
    TCase *t = tcase_create("data");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, scratch_make, scratch_remove);
    tcase_add_test(t, idx_is_read);
    tcase_add_test(t, idx_numbers_are_big_endian);
    tcase_add_test(t, gzip_is_told_by_content);
    tcase_add_test(t, truncated_files_are_refused);
    tcase_add_test(t, npy_is_read_in_either_order_of_bytes_and_axes);
    tcase_add_test(t, npy_that_was_written_is_read_back);
    tcase_add_loop_test(t, bad_npy_headers_are_refused, 0, sizeof bad_npy / sizeof *bad_npy);
    tcase_add_test(t, bad_idx_headers_are_refused);
    tcase_add_test(t, changed_bytes_do_no_harm);
    tcase_add_test(t, bytes_in_the_unit_interval_are_divided_by_255);
    tcase_add_test(t, other_bytes_keep_their_values);
    tcase_add_test(t, a_range_takes_rows_of_the_file);
    tcase_add_test(t, sources_are_parsed_from_the_end);
    tcase_add_loop_test(t, values_that_do_not_fit_are_refused, 0,
                        sizeof bad_values / sizeof *bad_values);
    tcase_add_test(t, rows_are_counted_in_the_file_when_a_range_is_taken);
    tcase_add_test(t, columns_have_the_same_rows);
    suite_add_tcase(s, t);
    return s;
}
