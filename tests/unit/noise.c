/* The generator against its published vectors, and the variates against their laws. */
#include <math.h>
#include <string.h>

#include "runtime/kernels.h"
#include "runtime/philox.h"
#include "tests/suites.h"

enum { SAMPLE = 1 << 18 };

static SgrtFrame frame(void)
{
    return (SgrtFrame){.seed = 0x123456789abcdef, .step = 7, .purpose = SGRT_STEP};
}

/* Known answers of Random123 1.09 (kat_vectors), after the paper. */
static const struct {
    uint32_t counter[4], key[2], want[4];
} known[] = {
    {{0}, {0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

START_TEST(philox_matches_published_vectors)
{
    const uint32_t *c = known[_i].counter, *key = known[_i].key;
    Philox got = philox((Philox){{c[0], c[1], c[2], c[3]}}, key[0], key[1]);
    for (int k = 0; k < 4; k++)
        ck_assert_uint_eq((uint32_t)got.word[k], known[_i].want[k]);
}
END_TEST

/* Word `word` of the block, by the stated counter: block, step, purpose and site. */
static uint32_t stated_word(const SgrtFrame *f, int32_t site, uint64_t block, int word)
{
    Philox counter = {{(uint32_t)block, block >> 32, (uint32_t)f->step,
                       (uint32_t)f->purpose << 24 | (uint32_t)site}};
    uint64_t seed = (uint64_t)f->seed;
    return (uint32_t)philox(counter, (uint32_t)seed, (uint32_t)(seed >> 32)).word[word];
}

START_TEST(uniforms_are_the_stated_words)
{
    SgrtFrame f = frame();
    uint64_t first = ((uint64_t)1 << 35) - 5; /* crosses into the block's upper word */
    float single[32];
    double twice[32];
    sgrt_noise_uniform_f32(single, (int64_t)first, 32, &f, 9);
    sgrt_noise_uniform_f64(twice, (int64_t)first, 32, &f, 9);
    for (uint64_t e = first; e < first + 32; e++) {
        uint32_t word = stated_word(&f, 9, e / 4, (int)(e % 4));
        ck_assert_double_eq(single[e - first], ((word >> 9) + 0.5) / 0x1p23);
        uint64_t high = stated_word(&f, 9, e / 2, (int)(e % 2) * 2);
        uint64_t low = stated_word(&f, 9, e / 2, (int)(e % 2) * 2 + 1);
        ck_assert_double_eq(twice[e - first], ((double)(high << 20 | low >> 12) + 0.5) / 0x1p52);
    }
}
END_TEST

/* Box and Muller in long double, from the stated words. */
START_TEST(normals_are_the_stated_pairs)
{
    const long double turn = 6.28318530717958647692528676656L;
    SgrtFrame f = frame();
    static float single[4096];
    static double twice[4096];
    sgrt_noise_normal_f32(single, 0, 4096, &f, 3);
    sgrt_noise_normal_f64(twice, 0, 4096, &f, 3);
    for (int e = 0; e < 4096; e += 2) {
        uint32_t first = stated_word(&f, 3, (uint64_t)e / 4, e % 4);
        uint32_t second = stated_word(&f, 3, (uint64_t)e / 4, e % 4 + 1);
        long double radius = sqrtl(-2 * logl(((long double)(first >> 1) + 0.5L) * 0x1p-31L));
        /* The quarter of a turn is centred on its axis, one eighth of a turn back. */
        long double angle =
            (second >> 30) * turn / 4 + (int32_t)(second << 2) * 0x1p-32L * turn / 4;
        ck_assert_double_eq_tol(single[e], (double)(radius * cosl(angle)), 2e-6);
        ck_assert_double_eq_tol(single[e + 1], (double)(radius * sinl(angle)), 2e-6);

        uint64_t word[4];
        for (int k = 0; k < 4; k++)
            word[k] = stated_word(&f, 3, (uint64_t)e / 2, k);
        uint64_t turned = word[2] << 32 | word[3];
        radius = sqrtl(-2 * logl(((long double)(word[0] << 20 | word[1] >> 12) + 0.5L) / 0x1p52L));
        angle = ((long double)(turned >> 62) - 0.5L + (turned << 2 >> 12) * 0x1p-52L) * turn / 4;
        ck_assert_double_eq_tol(twice[e], (double)(radius * cosl(angle)), 5e-15);
        ck_assert_double_eq_tol(twice[e + 1], (double)(radius * sinl(angle)), 5e-15);
    }
}
END_TEST

typedef void Noise(void *out, int64_t first, int64_t count, void *f, int32_t site);
static const struct {
    Noise *fill;
    size_t bytes;
    bool normal;
} kind[] = {
    {sgrt_noise_uniform_f32, sizeof(float), false},
    {sgrt_noise_uniform_f64, sizeof(double), false},
    {sgrt_noise_normal_f32, sizeof(float), true},
    {sgrt_noise_normal_f64, sizeof(double), true},
};
enum { KINDS = sizeof kind / sizeof *kind };

/* The same bits however a draw is cut: by rows of 7, of 1, or at odd places. */
START_TEST(bits_do_not_depend_on_the_cut)
{
    enum { COUNT = 701, BASE = 12345 };
    static char whole[COUNT * sizeof(double)], cut[COUNT * sizeof(double)];
    static const int piece[] = {1, 2, 7, 31, 32, 33, 64, 100};
    SgrtFrame f = frame();
    size_t bytes = kind[_i].bytes;
    kind[_i].fill(whole, BASE, COUNT, &f, 1);
    for (size_t p = 0; p < sizeof piece / sizeof *piece; p++) {
        memset(cut, 0, sizeof cut);
        for (int at = 0; at < COUNT; at += piece[p]) {
            int count = piece[p] < COUNT - at ? piece[p] : COUNT - at;
            kind[_i].fill(cut + (size_t)at * bytes, BASE + at, count, &f, 1);
        }
        ck_assert_mem_eq(whole, cut, COUNT * bytes);
    }
}
END_TEST

/* Recorded once with gcc 12 for plain x86-64; the same from clang 19 and with AVX2.  A difference
 * means that a run no longer repeats those of other machines or of earlier versions. */
START_TEST(bits_are_those_of_every_machine)
{
    static const uint64_t recorded[KINDS] = {0x336b6a0682df0622, 0x088c329bbf9e806a,
                                             0xdd884d473bd53ae2, 0x21f311d9cccce7f6};
    static unsigned char out[4096 * sizeof(double)];
    SgrtFrame f = frame();
    kind[_i].fill(out, 0, 4096, &f, 0);
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
    for (size_t i = 0; i < 4096 * kind[_i].bytes; i++)
        hash = (hash ^ out[i]) * 0x100000001b3;
    ck_assert_uint_eq(hash, recorded[_i]);
}
END_TEST

START_TEST(nothing_is_written_past_the_count)
{
    char out[40 * sizeof(double)];
    SgrtFrame f = frame();
    memset(out, 0x5a, sizeof out);
    kind[_i].fill(out, 3, 33, &f, 0);
    for (size_t i = 33 * kind[_i].bytes; i < sizeof out; i++)
        ck_assert_int_eq(out[i], 0x5a);
}
END_TEST

static double sample[SAMPLE], other[SAMPLE];

static void draw(int k, SgrtFrame f, int64_t first, int32_t site, double *out)
{
    static double raw[SAMPLE];
    kind[k].fill(raw, first, SAMPLE, &f, site);
    for (int i = 0; i < SAMPLE; i++)
        out[i] = kind[k].bytes == sizeof(float) ? (double)((float *)raw)[i] : raw[i];
}

static double mean_product(const double *a, const double *b, int count, double shift)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += (a[i] - shift) * (b[i] - shift);
    return sum / count;
}

/* The first four moments, each within 5 of its own standard deviations. */
START_TEST(moments_are_those_of_the_law)
{
    bool normal = kind[_i].normal;
    double power[4] = {0};
    /* E z^k and Var z^k, of a standard normal and of a uniform moved to (-1/2, 1/2) */
    const double mean[2][4] = {{0, 1.0 / 12, 0, 1.0 / 80}, {0, 1, 0, 3}};
    const double variance[2][4] = {{1.0 / 12, 1.0 / 180, 1.0 / 448, 1.0 / 3600}, {1, 2, 15, 96}};
    draw(_i, frame(), 0, 0, sample);
    for (int i = 0; i < SAMPLE; i++) {
        double z = normal ? sample[i] : sample[i] - 0.5;
        ck_assert(normal ? fabs(z) < 9 : fabs(z) < 0.5);
        for (int k = 0; k < 4; k++)
            power[k] += pow(z, k + 1);
    }
    for (int k = 0; k < 4; k++)
        ck_assert_double_eq_tol(power[k] / SAMPLE, mean[normal][k],
                                5 * sqrt(variance[normal][k] / SAMPLE));
}
END_TEST

/* Chi-square over 256 equally likely cells: 255 expected, standard deviation sqrt(510). */
START_TEST(cells_are_equally_likely)
{
    static int cell[256];
    double chi = 0, expected = SAMPLE / 256.0;
    memset(cell, 0, sizeof cell);
    draw(_i, frame(), 0, 5, sample);
    for (int i = 0; i < SAMPLE; i++) {
        double u = kind[_i].normal ? 0.5 * erfc(-sample[i] / sqrt(2)) : sample[i];
        cell[(int)(u * 256)]++;
    }
    for (int k = 0; k < 256; k++)
        chi += (cell[k] - expected) * (cell[k] - expected) / expected;
    ck_assert_double_eq_tol(chi, 255, 5 * sqrt(510));
}
END_TEST

/* Streams that differ in one thing are uncorrelated, as are neighbours and the two of a pair, also
 * in their squares. */
START_TEST(streams_are_independent)
{
    bool normal = kind[_i].normal;
    double shift = normal ? 0 : 0.5, variance = normal ? 1 : 1.0 / 12;
    double bound = 5 * variance / sqrt(SAMPLE - 4);
    SgrtFrame f = frame(), changed[] = {f, f, f, f};
    changed[0].seed++;
    changed[1].step++;
    changed[2].step += (int64_t)1 << 32;
    changed[3].purpose = SGRT_EVAL;
    draw(_i, f, 0, 2, sample);
    for (int c = 0; c < 4; c++) {
        draw(_i, changed[c], 0, 2, other);
        ck_assert_double_eq_tol(mean_product(sample, other, SAMPLE, shift), 0, bound);
    }
    draw(_i, f, 0, 3, other);
    ck_assert_double_eq_tol(mean_product(sample, other, SAMPLE, shift), 0, bound);
    for (int lag = 1; lag <= 4; lag++)
        ck_assert_double_eq_tol(mean_product(sample, sample + lag, SAMPLE - 4, shift), 0, bound);
    for (int i = 0; i < SAMPLE; i++)
        other[i] = ((sample[i] - shift) * (sample[i] - shift) - variance);
    double squares = normal ? 2 : 1.0 / 180;
    for (int lag = 1; lag <= 4; lag++)
        ck_assert_double_eq_tol(mean_product(other, other + lag, SAMPLE - 4, 0), 0,
                                5 * squares / sqrt(SAMPLE - 4));
}
END_TEST

Suite *noise_suite(void)
{
    Suite *s = suite_create("noise");
    TCase *t = tcase_create("noise");
    tcase_add_loop_test(t, philox_matches_published_vectors, 0, sizeof known / sizeof *known);
    tcase_add_test(t, uniforms_are_the_stated_words);
    tcase_add_test(t, normals_are_the_stated_pairs);
    tcase_add_loop_test(t, bits_do_not_depend_on_the_cut, 0, KINDS);
    tcase_add_loop_test(t, bits_are_those_of_every_machine, 0, KINDS);
    tcase_add_loop_test(t, nothing_is_written_past_the_count, 0, KINDS);
    tcase_add_loop_test(t, moments_are_those_of_the_law, 0, KINDS);
    tcase_add_loop_test(t, cells_are_equally_likely, 0, KINDS);
    tcase_add_loop_test(t, streams_are_independent, 0, KINDS);
    suite_add_tcase(s, t);
    return s;
}
