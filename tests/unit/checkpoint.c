/* Checkpoints and the safetensors files they are. */
#include "tests/suites.h"

#include "runtime/checkpoint.h"
#include "runtime/host.h"
#include "runtime/tensors.h"
#include "tests/unit/fake.h"
#include "tests/unit/scratch.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static SgrtError error;

static void assert_says(const char *words)
{
    ck_assert_msg(strstr(error.text, words) != NULL, "wanted '%s' in: %s", words, error.text);
}

/* A safetensors file with this header and this many bytes of data, 0, 1, 2, ... */
static void write_tensors(const char *header, size_t data)
{
    unsigned char file[2000] = {0};
    size_t length = strlen(header);
    file[0] = (unsigned char)(length & 0xff);
    file[1] = (unsigned char)(length >> 8);
    memcpy(file + 8, header, length);
    for (size_t i = 0; i < data; i++)
        file[8 + length + i] = (unsigned char)i;
    scratch_write("x", file, 8 + length + data);
}

START_TEST(a_file_by_hand_is_read)
{
    SgrtTensorFile f;
    write_tensors("{\"b\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[8,10]},"
                  "\"a\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},"
                  "\"__metadata__\":{\"k\":\"v\"}}   ",
                  10);
    ck_assert_msg(sgrt_tensors_read(&f, scratch_path("x"), &error), "%s", error.text);
    ck_assert_int_eq(f.tensors, 2);
    const SgrtTensor *b = sgrt_tensors_find(&f, "b");
    ck_assert_int_eq(((const char *)b->values)[1], 9);
    ck_assert_int_eq(sgrt_tensors_find(&f, "a")->rank, 2);
    ck_assert_ptr_null(sgrt_tensors_find(&f, "c"));
    ck_assert_str_eq(sgrt_tensors_text(&f, "k"), "v");
    ck_assert_ptr_null(sgrt_tensors_text(&f, "w"));
    sgrt_tensors_free(&f);
}
END_TEST

#define T(name, type, shape, from, to)                                                             \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"

static const struct {
    const char *header;
    size_t data;
    const char *says;
} bad[] = {
    {"{" T("a", "F32", "[2]", "0", "8") "}", 7, "the file holds 7"},
    {"{" T("a", "F32", "[2]", "0", "8") "}", 9, "goes on after its last value"},
    {"{" T("a", "F32", "[2]", "0", "4") "}", 8, "do not agree with the shape"},
    {"{" T("a", "F32", "[2]", "8", "0") "}", 8, "do not agree with the shape"},
    {"{" T("a", "F32", "[2]", "4", "12") "}", 12, "overlap others or leave a hole"},
    {"{" T("a", "F32", "[1]", "0", "4") "," T("b", "F32", "[1]", "0", "4") "}", 4, "overlap"},
    {"{" T("a", "F32", "[1]", "0", "4") "," T("a", "F32", "[1]", "4", "8") "}", 8, "stands twice"},
    {"{" T("a", "F32", "[-1]", "0", "4") "}", 4, "no whole number"},
    {"{" T("a", "F32", "[1.5]", "0", "6") "}", 6, "no whole number"},
    {"{" T("a", "F32", "[4294967296,4294967296]", "0", "0") "}", 0, "than there can be"},
    {"{" T("a", "F32", "[4611686018427387904]", "0", "0") "}", 0, "no whole number"},
    {"{" T("a", "F31", "[1]", "0", "4") "}", 4, "a type that is not known"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "not two whole numbers"},
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "no shape"},
    {"{\"a\":3}", 0, "not an object"},
    {"{\"__metadata__\":{\"k\":1}}", 0, "a value that is no text"},
    {"[1]", 0, "not a JSON object"},
    {"{\"a\":", 0, "not a JSON object"},
    {"{} {}", 0, "offset 11: the safetensors header is not a JSON object"},
    {"", 0, "not a JSON object"},
};

START_TEST(bad_headers_are_refused)
{
    SgrtTensorFile f;
    write_tensors(bad[_i].header, bad[_i].data);
    ck_assert_msg(!sgrt_tensors_read(&f, scratch_path("x"), &error), "%s", bad[_i].header);
    scratch_assert_placed("x", error.text);
    assert_says(bad[_i].says);
}
END_TEST

START_TEST(a_header_longer_than_the_file_is_refused)
{
    static const unsigned char huge[] = {255, 255, 255, 255, 255, 255, 255, 255, '{', '}'};
    static const unsigned char longer[] = {9, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
    SgrtTensorFile f;
    scratch_write("x", huge, sizeof huge);
    ck_assert(!sgrt_tensors_read(&f, scratch_path("x"), &error));
    assert_says("offset 0: not a safetensors file");
    scratch_write("x", longer, sizeof longer);
    ck_assert(!sgrt_tensors_read(&f, scratch_path("x"), &error));
    assert_says("the header declares 9 bytes of values and the file holds 2");
}
END_TEST

/* A model with its initial values. */
typedef struct Model {
    SgrtPool *pool;
    SgrtContext *context;
    SgrtParams params; /* a view */
} Model;

static void model_open(Model *m, int64_t seed)
{
    m->pool = sgrt_pool_new(1, &error);
    const SgrtHostSettings s = {.pool = m->pool, .seed = seed, .optimizer = "adam"};
    m->context = sgrt_host_open(&fake_model, &s, &error);
    ck_assert_msg(m->context && sgrt_host_view(&m->params, &fake_model, m->context, &error), "%s",
                  error.text);
}

static void model_close(Model *m)
{
    free(m->params.value);
    sgrt_context_free(m->context);
    sgrt_pool_free(m->pool);
}

static void save(Model *m)
{
    ck_assert_msg(sgrt_context_save(m->context, 0, scratch_path("x")) == SGRT_CONTEXT_OK, "%s",
                  sgrt_context_error(m->context));
}

static void assert_refused(Model *m, const char *says)
{
    ck_assert(!sgrt_checkpoint_params(scratch_path("x"), m->context, &error));
    scratch_assert_placed("x", error.text);
    assert_says(says);
}

/* What the reader of data refuses, the reader of checkpoints refuses too. */
START_TEST(bad_headers_are_refused_as_checkpoints)
{
    Model m;
    model_open(&m, 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_tensors(bad[i].header, bad[i].data);
        ck_assert(!sgrt_checkpoint_params(scratch_path("x"), m.context, &error));
        if (!strstr(error.text, "the model has no parameter a"))
            scratch_assert_placed("x", error.text);
    }
    model_close(&m);
}
END_TEST

/* The same of tensors that the model has; 24 bytes of data follow. */
static const struct {
    const char *header, *says;
} hostile[] = {
    {"{" T("w", "F32", "[3]", "0", "8") "}", "offset 61: data_offsets that do not agree"},
    {"{" T("w", "F32", "[3]", "12", "0") "}", "that do not agree"},
    {"{" T("w", "F32", "[3]", "16", "28") "}", "behind the end of the file"},
    {"{" T("w", "F32", "[3]", "0", "12") "}", "offset 75: the file goes on"},
    {"{" T("w", "F32", "[3]", "0", "12") "," T("b", "F32", "[]", "8",
                                               "12") "," T("left", "F32", "[2]", "16", "24") "}",
     "overlap or leave a hole"},
    {"{" T("w", "F32", "[3]", "0", "12") "," T("left", "F32", "[2]", "16", "24") "}",
     "overlap or leave a hole"},
    {"{" T("w", "F32", "[3]", "0", "12") "," T("w", "F32", "[3]", "12", "24") "}",
     "w stands twice in the file"},
    {"{" T("w", "F33", "[3]", "0", "12") "}", "a type that is not known"},
    {"{\"w\":{\"shape\":[6],\"data_offsets\":[0,24]}}", "without a type"},
    {"{" T("w", "F32", "[4294967296,4294967296]", "0", "0") "}", "more values than there can be"},
    {"{" T("w", "F32", "[99999999999999999999]", "0", "0") "}", "a number that is too large"},
    {"{\"w", "a text without an end"},
    {"{\"\\u00", "an escape that is not known"},
    {"{} {}", "more than one object"},
};

START_TEST(hostile_checkpoints_are_refused_at_a_place)
{
    Model m;
    model_open(&m, 1);
    write_tensors(hostile[_i].header, 24);
    assert_refused(&m, hostile[_i].says);
    model_close(&m);
}
END_TEST

START_TEST(files_that_are_no_checkpoints_are_refused_at_a_place)
{
    Model m;
    model_open(&m, 1);
    scratch_write("x", "", 0);
    assert_refused(&m, "offset 0: the file is empty");
    scratch_write("x", "param", 5);
    assert_refused(&m, "offset 5: the file ends here");
    scratch_write("x", "param w = ones()\n", 17);
    assert_refused(&m, "offset 0: no safetensors file");
    ck_assert(!sgrt_checkpoint_params(scratch_path("."), m.context, &error));
    assert_says("not a regular file");
    model_close(&m);
}
END_TEST

/* Every beginning of a checkpoint. */
START_TEST(a_checkpoint_that_is_cut_off_is_refused_at_a_place)
{
    Model m;
    size_t count = 0;
    model_open(&m, 1);
    save(&m);
    char *file = scratch_read("x", &count);
    for (size_t n = 0; n < count; n++) {
        scratch_write("x", file, n);
        assert_refused(&m, "");
    }
    free(file);
    model_close(&m);
}
END_TEST

/* Numbers in the metadata, and where they stand. */
START_TEST(bad_metadata_are_refused_at_a_place)
{
    static const char *const texts[] = {"\"step\":\"-1\"", "\"step\":\"1e3\"", "\"step\":\"\"",
                                        "\"seed\":\"99999999999999999999\"", "\"draw\":\"-2\""};
    char header[200];
    Model m;
    model_open(&m, 1);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        snprintf(header, sizeof header, "{\"__metadata__\":{%s}}", texts[i]);
        write_tensors(header, 0);
        ck_assert_int_ne(sgrt_context_load(m.context, 0, scratch_path("x")), SGRT_CONTEXT_OK);
        scratch_assert_placed("x", sgrt_context_error(m.context));
        ck_assert_ptr_nonnull(
            strstr(sgrt_context_error(m.context), "offset 32: the metadata give '"));
    }
    model_close(&m);
}
END_TEST

/* Every byte of a checkpoint's header changed in every bit: taken or refused, never a crash. */
START_TEST(changed_bytes_do_no_harm)
{
    Model m;
    size_t count = 0;
    model_open(&m, 1);
    save(&m);
    char *file = scratch_read("x", &count);
    for (size_t at = 0; at < count - 24; at++)
        for (int bit = 0; bit < 8; bit++) {
            file[at] = (char)(file[at] ^ 1 << bit);
            sgrt_context_unpack(m.context, 0, file, (int64_t)count);
            file[at] = (char)(file[at] ^ 1 << bit);
        }
    free(file);
    model_close(&m);
}
END_TEST

START_TEST(parameters_come_back)
{
    Model saved, loaded;
    SgrtTensorFile f;
    model_open(&saved, 1);
    model_open(&loaded, 2);
    ck_assert_int_eq(sgrt_context_note(saved.context, "a \"note\"\n"), SGRT_CONTEXT_OK);
    save(&saved);
    ck_assert_msg(sgrt_checkpoint_params(scratch_path("x"), loaded.context, &error), "%s",
                  error.text);
    ck_assert_str_eq(sgrt_context_noted(loaded.context), "a \"note\"\n");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(memcmp(saved.params.value[i], loaded.params.value[i],
                                (size_t)fake_model.param[i].size * sizeof(float)),
                         0);
    /* The file is one that the reader of data, which is stricter, takes. */
    ck_assert_msg(sgrt_tensors_read(&f, scratch_path("x"), &error), "%s", error.text);
    ck_assert_str_eq(sgrt_tensors_text(&f, "hash"), "f00d");
    sgrt_tensors_free(&f);
    model_close(&saved);
    model_close(&loaded);
}
END_TEST

/* All that does not agree is listed, with both sides, and nothing is changed. */
START_TEST(what_does_not_agree_is_listed)
{
    Model m;
    model_open(&m, 1);
    float before = *(float *)m.params.value[0];
    write_tensors("{" T("w", "F32", "[4]", "0", "16") "," T("extra", "F32", "[]", "16", "20") "," T(
                      "b", "I32", "[]", "20", "24") "," T("some/slot", "I8", "[]", "24", "25") "}",
                  25);
    ck_assert(!sgrt_checkpoint_params(scratch_path("x"), m.context, &error));
    assert_says("w is [4] in the file and [3] in the model");
    assert_says("b is neither F32 nor F64");
    assert_says("left [2] is missing");
    assert_says("the model has no parameter extra");
    ck_assert_ptr_null(strstr(error.text, "slot"));
    ck_assert_float_eq(*(float *)m.params.value[0], before);
    model_close(&m);
}
END_TEST

/* 1.5 and -2 as doubles, little-endian, into a model in single precision. */
START_TEST(reals_of_the_other_width_are_converted)
{
    static const double wide[] = {1.5, -2, 0.25, 7, 1, 1};
    SgrtTensor t[] = {{"w", SGRT_STORED_F64, 1, 3, {3}, wide},
                      {"b", SGRT_STORED_F64, 0, 1, {0}, wide + 3},
                      {"left", SGRT_STORED_F64, 1, 2, {2}, wide + 4}};
    Model m;
    model_open(&m, 1);
    scratch_tensors("x", t, 3, NULL, 0);
    ck_assert_msg(sgrt_checkpoint_params(scratch_path("x"), m.context, &error), "%s", error.text);
    ck_assert_float_eq(((float *)m.params.value[0])[1], -2);
    ck_assert_float_eq(((float *)m.params.value[1])[0], 7);
    model_close(&m);
}
END_TEST

START_TEST(names_are_quoted_and_tensors_aligned)
{
    static const unsigned char byte[] = {1};
    static const double wide[] = {2};
    SgrtTensor t[] = {{"small", SGRT_STORED_U8, 1, 1, {1}, byte},
                      {"a \"quoted\"\\\nname", SGRT_STORED_F64, 1, 1, {1}, wide}};
    SgrtText text = {"key", "tab\there"};
    SgrtTensorFile f;
    size_t count = 0;
    scratch_tensors("x", t, 2, &text, 1);
    ck_assert_msg(sgrt_tensors_read(&f, scratch_path("x"), &error), "%s", error.text);
    ck_assert_ptr_nonnull(sgrt_tensors_find(&f, t[1].name));
    ck_assert_str_eq(sgrt_tensors_text(&f, "key"), "tab\there");
    sgrt_tensors_free(&f);
    char *file = scratch_read("x", &count);
    ck_assert_uint_eq((count - 9) % 64, 0); /* the header's end, and so the double, first */
    ck_assert_int_eq(memcmp(file + count - 9, wide, 8), 0);
    free(file);
}
END_TEST

/* A folder where the file should be: an error, and no temporary file left behind. */
START_TEST(a_file_that_cannot_be_written_is_an_error)
{
    Model m;
    model_open(&m, 1);
    char path[400];
    snprintf(path, sizeof path, "%s/none/x", scratch_path("nowhere"));
    ck_assert_int_eq(sgrt_context_save(m.context, 0, path), SGRT_CONTEXT_FILE);
    ck_assert_ptr_nonnull(strstr(sgrt_context_error(m.context), path));
    ck_assert_ptr_nonnull(strstr(sgrt_context_error(m.context), "No such file"));
    model_close(&m);
}
END_TEST

Suite *checkpoint_suite(void)
{
    Suite *s = suite_create("checkpoint");
    TCase *t = tcase_create("checkpoint");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, scratch_make, scratch_remove);
    tcase_add_test(t, a_file_by_hand_is_read);
    tcase_add_loop_test(t, bad_headers_are_refused, 0, sizeof bad / sizeof *bad);
    tcase_add_test(t, a_header_longer_than_the_file_is_refused);
    tcase_add_test(t, bad_headers_are_refused_as_checkpoints);
    tcase_add_loop_test(t, hostile_checkpoints_are_refused_at_a_place, 0,
                        sizeof hostile / sizeof *hostile);
    tcase_add_test(t, files_that_are_no_checkpoints_are_refused_at_a_place);
    tcase_add_test(t, a_checkpoint_that_is_cut_off_is_refused_at_a_place);
    tcase_add_test(t, bad_metadata_are_refused_at_a_place);
    tcase_add_test(t, changed_bytes_do_no_harm);
    tcase_add_test(t, parameters_come_back);
    tcase_add_test(t, what_does_not_agree_is_listed);
    tcase_add_test(t, reals_of_the_other_width_are_converted);
    tcase_add_test(t, names_are_quoted_and_tensors_aligned);
    tcase_add_test(t, a_file_that_cannot_be_written_is_an_error);
    suite_add_tcase(s, t);
    return s;
}
