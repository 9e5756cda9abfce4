/* Files that hold several arrays with names: NPZ, safetensors, JSON, CSV. */
#include "tests/suites.h"

#include "runtime/bind.h"
#include "runtime/tensors.h"
#include "tests/unit/scratch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static SgrtError error;

static void assert_says(const char *words)
{
    ck_assert_msg(strstr(error.text, words) != NULL, "wanted '%s' in: %s", words, error.text);
}

static bool read_named(SgrtArray *a, const char *file, const char *name)
{
    return sgrt_array_read(a, scratch_path(file), SGRT_NAMED, name, &error);
}

static void write_text(const char *name, const char *text)
{
    scratch_write(name, text, strlen(text));
}

/* ---- NPZ: an archive made by the ZIP specification ------------------------------------------- */

typedef struct Archive {
    unsigned char bytes[4000];
    size_t count, directory_bytes;
    unsigned char directory[1000];
    int members;
} Archive;

static void put(unsigned char **at, unsigned long value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *(*at)++ = (unsigned char)(value >> 8 * i);
}

/* What a local header and a directory entry share: version, flags, method, time, sizes, lengths. */
static void put_common(unsigned char **at, int method, const unsigned char *data, size_t size,
                       size_t packed, size_t name)
{
    put(at, 20, 2);
    put(at, 0, 2);
    put(at, (unsigned long)method, 2);
    put(at, 0, 4);
    put(at, crc32(0, data, (uInt)size), 4);
    put(at, packed, 4);
    put(at, size, 4);
    put(at, name, 2);
    put(at, 0, 2);
}

static size_t deflate_raw(const unsigned char *in, size_t size, unsigned char *out, size_t room)
{
    z_stream s = {.next_in = (unsigned char *)in,
                  .avail_in = (uInt)size,
                  .next_out = out,
                  .avail_out = (uInt)room};
    ck_assert_int_eq(deflateInit2(&s, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    ck_assert_int_eq(deflate(&s, Z_FINISH), Z_STREAM_END);
    deflateEnd(&s);
    return room - s.avail_out;
}

static void add_member(Archive *z, const char *name, int method, const unsigned char *data,
                       size_t size)
{
    unsigned char packed[2000], *at = z->bytes + z->count,
                                *entry = z->directory + z->directory_bytes;
    size_t length = strlen(name), bytes = size, local = z->count;
    memcpy(packed, data, size);
    if (method == 8)
        bytes = deflate_raw(data, size, packed, sizeof packed);
    put(&at, 0x04034b50, 4);
    put_common(&at, method, data, size, bytes, length);
    memcpy(at, name, length);
    memcpy(at + length, packed, bytes);
    z->count = (size_t)(at - z->bytes) + length + bytes;
    put(&entry, 0x02014b50, 4);
    put(&entry, 20, 2);
    put_common(&entry, method, data, size, bytes, length);
    put(&entry, 0, 6);
    put(&entry, 0, 4);
    put(&entry, local, 4);
    memcpy(entry, name, length);
    z->directory_bytes = (size_t)(entry - z->directory) + length;
    z->members++;
}

static void finish(Archive *z, const char *file)
{
    unsigned char *at = z->bytes + z->count;
    memcpy(at, z->directory, z->directory_bytes);
    at += z->directory_bytes;
    put(&at, 0x06054b50, 4);
    put(&at, 0, 4);
    put(&at, (unsigned long)z->members, 2);
    put(&at, (unsigned long)z->members, 2);
    put(&at, z->directory_bytes, 4);
    put(&at, z->count, 4);
    put(&at, 0, 2);
    z->count = (size_t)(at - z->bytes);
    scratch_write(file, z->bytes, z->count);
}

/* An NPY file of float64 [n]; returns its size. */
static size_t npy(unsigned char *out, const double *value, int n)
{
    char dict[100];
    int length = snprintf(dict, sizeof dict,
                          "{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }\n", n);
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (unsigned char)length;
    out[9] = 0;
    memcpy(out + 10, dict, (size_t)length);
    memcpy(out + 10 + length, value, (size_t)n * sizeof *value);
    return 10 + (size_t)length + (size_t)n * sizeof *value;
}

static void make_archive(Archive *z)
{
    static const double x[] = {1, 2, 3}, y[] = {5, 7, 9, 11};
    unsigned char file[400];
    *z = (Archive){.count = 0};
    add_member(z, "x.npy", 0, file, npy(file, x, 3));
    add_member(z, "y.npy", 8, file, npy(file, y, 4));
    finish(z, "z");
}

START_TEST(npz_members_are_read_stored_and_deflated)
{
    Archive z;
    SgrtArray a;
    make_archive(&z);
    ck_assert_msg(read_named(&a, "z", "x"), "%s", error.text);
    ck_assert_int_eq(a.size, 3);
    ck_assert_double_eq(((double *)a.values)[2], 3);
    sgrt_array_free(&a);
    ck_assert_msg(read_named(&a, "z", "y"), "%s", error.text);
    ck_assert_int_eq(a.size, 4);
    ck_assert_double_eq(((double *)a.values)[3], 11);
    sgrt_array_free(&a);
    ck_assert(!read_named(&a, "z", "w"));
    assert_says("no 'w'; it holds x, y");
}
END_TEST

/* Gzipped as a whole, which nobody needs; cut off, it is refused at a place. */
START_TEST(a_gzipped_npz_is_read)
{
    Archive z;
    SgrtArray a;
    make_archive(&z);
    gzFile f = gzopen(scratch_path("z"), "wb");
    ck_assert_int_eq(gzwrite(f, z.bytes, (unsigned)z.count), (int)z.count);
    gzclose(f);
    ck_assert_msg(read_named(&a, "z", "y"), "%s", error.text);
    ck_assert_double_eq(((double *)a.values)[3], 11);
    sgrt_array_free(&a);
    f = gzopen(scratch_path("z"), "wb");
    ck_assert_int_eq(gzwrite(f, z.bytes, (unsigned)z.count - 30), (int)z.count - 30);
    gzclose(f);
    ck_assert(!read_named(&a, "z", "y"));
    scratch_assert_placed("z", error.text);
}
END_TEST

/* The archive's last byte of data is that of y; its checksum stands in the directory. */
START_TEST(npz_checksums_are_checked)
{
    static const double x[] = {1, 2, 3};
    unsigned char file[400];
    Archive z = {.count = 0};
    SgrtArray a;
    size_t size = npy(file, x, 3);
    add_member(&z, "x.npy", 0, file, size);
    z.bytes[z.count - 1] ^= 1;
    finish(&z, "z");
    ck_assert(!read_named(&a, "z", "x"));
    scratch_assert_placed("z", error.text);
    assert_says("checksum");
}
END_TEST

/* Every bit of the archive changed, and every beginning of it: an array or an error. */
START_TEST(a_damaged_npz_does_no_harm)
{
    Archive z;
    SgrtArray a;
    make_archive(&z);
    for (size_t at = 0; at < z.count; at++) {
        for (int bit = 0; bit < 8; bit++) {
            z.bytes[at] = (unsigned char)(z.bytes[at] ^ 1 << bit);
            scratch_write("z", z.bytes, z.count);
            if (read_named(&a, "z", "y"))
                ck_assert_int_le(a.size, 1000);
            else if (!strstr(error.text, "no 'y'"))
                scratch_assert_placed("z", error.text);
            sgrt_array_free(&a);
            z.bytes[at] = (unsigned char)(z.bytes[at] ^ 1 << bit);
        }
        scratch_write("z", z.bytes, at);
        ck_assert(!read_named(&a, "z", "y"));
        if (at > 2) /* PK is a table that names a column */
            scratch_assert_placed("z", error.text);
    }
}
END_TEST

/* Numbers of a directory that lie: FROM the end of the archive where `from` is negative, else from
 * the first entry of the directory. */
static const struct {
    int from, bytes;
    unsigned long number;
    const char *says;
} lies[] = {
    {-6, 4, 0xfffffff0, "directory is damaged"},
    {-6, 4, 0, "directory is damaged"},
    {-12, 2, 1, "does not end where it says"},
    {-12, 2, 3, "directory is damaged"},
    {8, 2, 1, "encrypted"},
    {10, 2, 12, "neither stored nor deflated"},
    {20, 4, 0xfffffff0, "not all there"},
    {20, 4, 1, "two sizes"},
    {24, 4, 0, "two sizes"},
    {28, 2, 0xffff, "directory is damaged"},
    {42, 4, 0xfffffff0, "not all there"},
    {42, 4, 1, "not all there"},
    {46, 1, 'y', "a second ZIP member of this name"},
};

START_TEST(a_lying_npz_is_refused_at_a_place)
{
    Archive z;
    SgrtArray a;
    make_archive(&z);
    size_t directory = z.count - 22 - z.directory_bytes;
    unsigned char *at = z.bytes + lies[_i].from + (lies[_i].from < 0 ? z.count : directory);
    put(&at, lies[_i].number, lies[_i].bytes);
    scratch_write("z", z.bytes, z.count);
    ck_assert(!read_named(&a, "z", lies[_i].number == 'y' ? "y" : "x"));
    scratch_assert_placed("z", error.text);
    assert_says(lies[_i].says);
}
END_TEST

/* A deflated member that declares a gigabyte, or less than it has. */
START_TEST(a_deflated_member_has_the_size_it_declares)
{
    static const unsigned long sizes[] = {1ul << 30, 3, 0};
    Archive z;
    SgrtArray a;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        make_archive(&z);
        unsigned char *at = z.bytes + z.count - 22 - z.directory_bytes / 2 + 24;
        put(&at, sizes[i], 4);
        scratch_write("z", z.bytes, z.count);
        ck_assert(!read_named(&a, "z", "y"));
        scratch_assert_placed("z", error.text);
    }
}
END_TEST

/* ---- text --------------------------------------------------------------------------------------
 */

START_TEST(csv_columns_have_the_names_of_the_first_line)
{
    SgrtArray a;
    write_text("c", "id, \"x\" ,y\r\n1,2.5,-3\r\n\r\n2,1e3,4\r\n");
    ck_assert_msg(read_named(&a, "c", "x"), "%s", error.text);
    ck_assert_int_eq(a.rank, 1);
    ck_assert_int_eq(a.dim[0], 2);
    ck_assert_double_eq(((double *)a.values)[1], 1000);
    sgrt_array_free(&a);
    ck_assert(sgrt_array_read(&a, scratch_path("c"), SGRT_WHOLE_OR_NAMED, "y", &error));
    ck_assert_double_eq(((double *)a.values)[0], -3);
    sgrt_array_free(&a);
}
END_TEST

START_TEST(csv_without_names_is_one_table)
{
    SgrtArray a;
    write_text("c", "1,2,3\n4,5,6");
    ck_assert(sgrt_array_read(&a, scratch_path("c"), SGRT_WHOLE_OR_NAMED, "x", &error));
    ck_assert_int_eq(a.rank, 2);
    ck_assert_int_eq(a.dim[0], 2);
    ck_assert_int_eq(a.dim[1], 3);
    ck_assert_double_eq(((double *)a.values)[4], 5);
    sgrt_array_free(&a);
    ck_assert(!read_named(&a, "c", "x"));
    assert_says("one array without a name, so it has no 'x'");
}
END_TEST

START_TEST(json_values_are_scalars_and_nested_lists)
{
    SgrtArray a;
    write_text("j", " {\"N\": 3, \"flag\": [true, false], \"m\": [[1, 2, 3], [4, 5, 6.5]]}\n");
    ck_assert_msg(read_named(&a, "j", "m"), "%s", error.text);
    ck_assert_int_eq(a.rank, 2);
    ck_assert_int_eq(a.dim[1], 3);
    ck_assert_double_eq(((double *)a.values)[5], 6.5);
    sgrt_array_free(&a);
    ck_assert(read_named(&a, "j", "N"));
    ck_assert_int_eq(a.rank, 0);
    ck_assert_double_eq(*(double *)a.values, 3);
    sgrt_array_free(&a);
    ck_assert(read_named(&a, "j", "flag"));
    ck_assert_double_eq(*(double *)a.values, 1);
    sgrt_array_free(&a);
}
END_TEST

static const struct {
    const char *text, *name, *says;
} bad[] = {
    {"x,y\n1,2\n3\n", "x", ":3:1: fewer fields"},
    {"x,y\n1,2\n3,4,5\n", "x", ":3:5: field 3: more fields"},
    {"x,y\n1,2\n,4\n", "x", ":3:1: field 1: a blank"},
    {"x,y\n1, two\n", "y", ":2:4: field 2: 'two' is no number"},
    {"\r\n1,2\r\n3,4e\r\n", "x", ":3:3: field 2: '4e' is no number"},
    {"x,y\n", "x", ":1:3: no numbers"},
    {"x,y,x\n1,2,3\n", "x", ":1:5: a second column 'x'"},
    {"x,y\n1,2\n", "z", "no 'z'; it holds x, y"},
    {"{\"x\": [[1, 2], [3]]}", "x", ":1:2: x[1]: not a list of as many values as the first"},
    {"{\"y\": 0,\n \"x\": [1, [2]]}", "x", ":2:2: x[1]: neither a number nor true or false"},
    {"{\"x\": [[[1], [2]], [[3], 4]]}", "x", ":1:2: x[1][1]: not a list"},
    {"{\"x\": \"one\"}", "x", ":1:2: x: neither a number"},
    {"{\"x\": 1, \"x\": 2}", "x", ":1:2: x: the name stands twice"},
    {"{\"x\": [1, 2}", "x", ":1:12: not JSON"},
    {"{\"x\": 1}\n extra", "x", ":2:2: not JSON"},
    {"[[1, 2], [3, 4]]", "x", ":1:1: JSON without names: {\"x\": ...} is expected"},
    {"[[1, 2], [3, 4", "x", ":1:15: not JSON"},
    {"{\"x\": 1, \"y\": 2}", "z", "no 'z'; it holds x, y"},
};

START_TEST(bad_text_is_refused_at_a_place)
{
    SgrtArray a;
    write_text("t", bad[_i].text);
    ck_assert(!read_named(&a, "t", bad[_i].name));
    if (!strstr(error.text, "no 'z'"))
        scratch_assert_placed("t", error.text);
    assert_says(bad[_i].says);
}
END_TEST

/* What spreadsheets put before UTF-8 is no part of the first name. */
START_TEST(a_mark_before_text_is_passed_over)
{
    SgrtArray a;
    write_text("c", "\xef\xbb\xbfx,y\n1,2\n");
    ck_assert_msg(read_named(&a, "c", "x"), "%s", error.text);
    sgrt_array_free(&a);
    write_text("j", "\xef\xbb\xbf{\"x\": 3}");
    ck_assert_msg(read_named(&a, "j", "x"), "%s", error.text);
    sgrt_array_free(&a);
}
END_TEST

/* ---- names -------------------------------------------------------------------------------------
 */

static const int64_t two[] = {2};
static const SgrtColumn columns[] = {
    {.name = "x", .dim = two, .rank = 1, .size = 2, .elem = SGRT_F32, .by_rows = 1},
    {.name = "y", .size = 1, .elem = SGRT_I32, .by_rows = 1},
    {.name = "z", .size = 1, .elem = SGRT_F32, .by_rows = 1},
};
static const SgrtGraph graph = {.name = "g", .batch = 8, .column = columns, .columns = 3};
static const SgrtModel model = {.real = SGRT_F32, .graph = &graph, .graphs = 1};

/* --data FILE: every name that the file has and that has no data yet. */
START_TEST(a_file_binds_every_name_it_has)
{
    static const float x[] = {1, 2, 3, 4, 5, 6};
    static const int64_t y[] = {7, 8, 9};
    SgrtTensor t[] = {{"x", SGRT_STORED_F32, 2, 6, {3, 2}, x},
                      {"y", SGRT_STORED_I64, 1, 3, {3}, y},
                      {"other", SGRT_STORED_I64, 1, 3, {3}, y}};
    SgrtData data;
    SgrtSource source = {0};
    int64_t count = 0;
    char text[400];
    int32_t row[2];
    scratch_tensors("s", t, 3, NULL, 0);
    ck_assert(sgrt_data_init(&data, &model, &graph, &error));
    snprintf(text, sizeof text, "%s[1:3]", scratch_path("s"));
    ck_assert(sgrt_source_parse(&source, text, &error));
    ck_assert_msg(sgrt_data_bind_names(&data, &source, &count, &error), "%s", error.text);
    sgrt_source_free(&source);
    ck_assert_int_eq(count, 2);
    ck_assert_int_eq(data.rows, 2);
    sgrt_gather(&data.bound[1], &columns[1], NULL, 0, 2, row);
    ck_assert_int_eq(row[1], 9);
    ck_assert_ptr_null(data.bound[2].values);
    char wanted[400];
    snprintf(wanted, sizeof wanted, "%s:y[1:3]", scratch_path("s"));
    ck_assert_str_eq(sgrt_source_text(&data.bound[1].source, text, sizeof text), wanted);
    sgrt_data_free(&data);
}
END_TEST

Suite *members_suite(void)
{
    Suite *s = suite_create("members");
    TCase *t = tcase_create("members");
    tcase_add_checked_fixture(t, scratch_make, scratch_remove);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, npz_members_are_read_stored_and_deflated);
    tcase_add_test(t, a_gzipped_npz_is_read);
    tcase_add_test(t, npz_checksums_are_checked);
    tcase_add_test(t, a_damaged_npz_does_no_harm);
    tcase_add_loop_test(t, a_lying_npz_is_refused_at_a_place, 0, sizeof lies / sizeof *lies);
    tcase_add_test(t, a_deflated_member_has_the_size_it_declares);
    tcase_add_test(t, csv_columns_have_the_names_of_the_first_line);
    tcase_add_test(t, csv_without_names_is_one_table);
    tcase_add_test(t, json_values_are_scalars_and_nested_lists);
    tcase_add_test(t, a_mark_before_text_is_passed_over);
    tcase_add_loop_test(t, bad_text_is_refused_at_a_place, 0, sizeof bad / sizeof *bad);
    tcase_add_test(t, a_file_binds_every_name_it_has);
    suite_add_tcase(s, t);
    return s;
}
