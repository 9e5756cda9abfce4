/* Files of events, read back by a decoder of their own. */
#include "tests/suites.h"

#include "runtime/events.h"
#include "tests/unit/scratch.h"

#include <stdlib.h>
#include <string.h>

static SgrtError error;

/* CRC-32C by division, bit after bit, of the bits in reverse. */
static uint32_t crc32c(const unsigned char *bytes, size_t count)
{
    uint32_t rest = 0xffffffff;
    for (size_t bit = 0; bit < 8 * count; bit++) {
        uint32_t in = bytes[bit / 8] >> bit % 8 & 1;
        bool carry = (rest >> 31) ^ in;
        rest = rest << 1 ^ (carry ? 0x1edc6f41u : 0);
    }
    uint32_t reversed = 0;
    for (int i = 0; i < 32; i++)
        reversed |= (~rest >> i & 1) << (31 - i);
    return reversed;
}

static uint64_t number(const char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

static void assert_checked(const char *bytes, size_t count)
{
    uint32_t crc = crc32c((const unsigned char *)bytes, count);
    ck_assert_uint_eq(number(bytes + count, 4), (crc >> 15 | crc << 17) + 0xa282ead8u);
}

/* The records of the file, each a line of text: "step 3; train/cost 1.5; ...". */
static char *decoded(void)
{
    size_t count = 0, used = 0, room = 10000;
    char *file = scratch_read("f", &count), *text = calloc(1, room);
    ck_assert(file && text);
    for (const char *at = file; at < file + count;) {
        size_t length = number(at, 8);
        assert_checked(at, 8);
        assert_checked(at + 12, length);
        const char *data = at + 12, *end = data + length;
        ck_assert_int_eq(data[0], 1 << 3 | 1); /* the time */
        data += 9;
        if (*data == (3 << 3 | 2))
            used += (size_t)snprintf(text + used, room - used, "%.*s", data[1], data + 2);
        else {
            ck_assert_int_eq(data[0], 2 << 3); /* a step below 128 */
            used += (size_t)snprintf(text + used, room - used, "step %d", data[1]);
            ck_assert_int_eq(data[2], 5 << 3 | 2);
            data += 3;
            while (*data++ & 0x80) /* the summary's length; it is the last field */
                ;
            for (int tag; data < end; data += 4 + tag + 5) {
                float value;
                ck_assert_int_eq(data[0], 1 << 3 | 2);
                tag = data[3];
                memcpy(&value, data + 5 + tag, sizeof value);
                used += (size_t)snprintf(text + used, room - used, "; %.*s %g", tag, data + 4,
                                         (double)value);
            }
            ck_assert_ptr_eq(data, end);
        }
        used += (size_t)snprintf(text + used, room - used, "\n");
        at += 12 + length + 4;
    }
    free(file);
    return text;
}

static void add(FILE *f, const char *line)
{
    cJSON *json = cJSON_Parse(line);
    ck_assert(json && sgrt_events_add(f, json));
    cJSON_Delete(json);
}

static FILE *open_events(int64_t step)
{
    FILE *f = sgrt_events_open(scratch_path("f"), step, &error);
    ck_assert_msg(f != NULL, "%s", error.text);
    return f;
}

static void assert_holds(const char *want)
{
    char *text = decoded();
    ck_assert_str_eq(text, want);
    free(text);
}

#define VERSION "brain.Event:2\n"
#define ONE "step 3; train/epoch 1; train/cost 1.5; train/costs/m.sg:1:2 -0.25; train/lr 0.5\n"
#define TWO "step 3; eval/cost 2\n"
#define THREE "step 6; train/cost 1\n"

static void write_three(void)
{
    FILE *f = open_events(-1);
    add(f, "{\"step\":3,\"epoch\":1,\"split\":\"train\",\"cost\":1.5,\"se\":null,"
           "\"costs\":{\"m.sg:1:2\":-0.25},\"lr\":0.5,\"rows\":7,\"seconds\":0.1}");
    add(f, "{\"step\":3,\"split\":\"eval\",\"cost\":2}");
    add(f, "{\"step\":6,\"split\":\"train\",\"cost\":1}");
    fclose(f);
}

START_TEST(reports_become_events)
{
    size_t count = 0;
    write_three();
    assert_holds(VERSION ONE TWO THREE);
    /* What every such file begins with: a length of 24, and its check. */
    char *file = scratch_read("f", &count);
    ck_assert_int_eq(memcmp(file, "\x18\0\0\0\0\0\0\0\xa3\x7f\x4b\x22", 12), 0);
    free(file);
}
END_TEST

START_TEST(a_run_that_goes_on_cuts_off_what_came_after_its_step)
{
    static const struct {
        int64_t step;
        const char *holds;
    } cases[] = {{9, VERSION ONE TWO THREE},
                 {6, VERSION ONE TWO THREE},
                 {5, VERSION ONE TWO},
                 {2, VERSION},
                 {-1, VERSION}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_three();
        fclose(open_events(cases[i].step));
        assert_holds(cases[i].holds);
    }
}
END_TEST

/* Half a record of a run that was killed, or a damaged one, and all behind it are cut off. */
START_TEST(what_is_not_whole_is_cut_off)
{
    size_t count = 0;
    write_three();
    char *file = scratch_read("f", &count);
    for (size_t n = 0; n < count; n++) {
        scratch_write("f", file, n);
        fclose(open_events(9));
        free(decoded());
        file[n] ^= 1;
        scratch_write("f", file, count);
        file[n] ^= 1;
        fclose(open_events(9));
        free(decoded());
    }
    free(file);
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_is_an_error)
{
    ck_assert_ptr_null(sgrt_events_open(scratch_path("."), -1, &error));
    ck_assert_ptr_nonnull(strstr(error.text, scratch_path(".")));
}
END_TEST

Suite *events_suite(void)
{
    Suite *s = suite_create("events");
    TCase *t = tcase_create("events");
    tcase_add_checked_fixture(t, scratch_make, scratch_remove);
    tcase_add_test(t, reports_become_events);
    tcase_add_test(t, a_run_that_goes_on_cuts_off_what_came_after_its_step);
    tcase_add_test(t, what_is_not_whole_is_cut_off);
    tcase_add_test(t, a_file_that_cannot_be_opened_is_an_error);
    suite_add_tcase(s, t);
    return s;
}
