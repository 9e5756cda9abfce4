/* Base noise: uniform and normal variates, each a function of its place alone.
 *
 * Variate e of a draw site is made from block e / 4 (f32) or e / 2 (f64) of the Philox stream that
 * the seed, the purpose, the site and the step select.  Variates are always made in groups that
 * start at a multiple of the group's size, and a range that ends inside a group drops the rest. The
 * bits depend neither on how a draw is cut into ranges nor on the machine: there is no call of libm
 * here, and no fused multiply-add. */
#include <math.h>
#include <string.h>

#include "runtime/clones.h"
#include "runtime/kernels.h"
#include "runtime/philox.h"

#define REAL_BITS 32
#include "runtime/vmath.h"
#define REAL_BITS 64
#include "runtime/vmath.h"

#define INLINE static inline __attribute__((always_inline))

/* Blocks in a group: enough to fill vectors, few enough that a draw of one variate is cheap. */
enum { GROUP = 8 };

typedef struct Stream {
    uint32_t key[2];
    uint32_t step[2]; /* low word; high word, which shares a counter word with the block's */
    uint32_t site;
} Stream;

static Stream stream(const SgrtFrame *f, int32_t site)
{
    return (Stream){.key = {(uint32_t)f->seed, (uint32_t)((uint64_t)f->seed >> 32)},
                    .step = {(uint32_t)f->step, (uint32_t)((uint64_t)f->step >> 32)},
                    .site = (uint32_t)f->purpose << 24 | (uint32_t)site};
}

/* Counters differ as long as there are fewer than 2^48 blocks, 2^48 steps and 2^24 sites. */
typedef struct Words {
    uint32_t word[4][GROUP]; /* by word, then by block: the loops below run along blocks */
} Words;

INLINE void group_words(const Stream *s, uint64_t group, Words *w)
{
    for (int i = 0; i < GROUP; i++) {
        uint64_t index = group * GROUP + (uint64_t)i;
        const Philox counter = {{index, index >> 32 ^ s->step[1] << 16, s->step[0], s->site}};
        Philox out = philox(counter, s->key[0], s->key[1]);
        w->word[0][i] = (uint32_t)out.word[0];
        w->word[1][i] = (uint32_t)out.word[1];
        w->word[2][i] = (uint32_t)out.word[2];
        w->word[3][i] = (uint32_t)out.word[3];
    }
}

/* (k + 1/2) / 2^23 for the upper 23 bits k: exact, symmetric about 1/2, and never 0 or 1. */
INLINE float uniform_f32(uint32_t word)
{
    return real_f32(word >> 9 | 0x3f800000) - 0x1.fffffep-1f;
}

/* (k + 1/2) / 2^52 for the upper 52 bits k of two words. */
INLINE double uniform_f64(uint32_t high, uint32_t low)
{
    uint64_t k = (uint64_t)high << 20 | low >> 12;
    return real_f64(k | (uint64_t)1023 << 52) - 0x1.fffffffffffffp-1;
}

/* Box and Muller: a point of the plane whose squared radius is exponential and whose angle, in
 * quarters of a turn and a rest in [-pi/4, pi/4), is uniform.  An odd quarter swaps sine and
 * cosine; the upper bit of the two negates the sine, and their difference the cosine. */
INLINE void pair_f32(uint32_t first, uint32_t second, float *out)
{
    /* 31 bits rather than uniform_f32's 23: a small u is a large variate, up to 6.66. */
    float u = (float)(int32_t)(first >> 1) * 0x1p-31f + 0x1p-32f;
    float radius = sqrtf(-2 * log_normal_f32(u));
    float rest = (float)(int32_t)(second << 2) * 0x1.921fb6p-32f;
    uint32_t c = bits_f32(cos_reduced_f32(rest)), s = bits_f32(sin_reduced_f32(rest));
    uint32_t swapped = (c ^ s) & (0 - (second >> 30 & 1)), sign = (uint32_t)1 << 31;
    out[0] = radius * real_f32(c ^ swapped ^ ((second ^ second << 1) & sign));
    out[1] = radius * real_f32(s ^ swapped ^ (second & sign));
}

INLINE void pair_f64(const Words *w, int i, double *out)
{
    double radius = sqrt(-2 * log_normal_f64(uniform_f64(w->word[0][i], w->word[1][i])));
    uint64_t angle = (uint64_t)w->word[2][i] << 32 | w->word[3][i];
    double rest = (real_f64(angle << 2 >> 12 | (uint64_t)1023 << 52) - 1.5) * 0x1.921fb54442d18p+0;
    uint64_t c = bits_f64(cos_reduced_f64(rest)), s = bits_f64(sin_reduced_f64(rest));
    uint64_t swapped = (c ^ s) & (0 - (angle >> 62 & 1)), sign = (uint64_t)1 << 63;
    out[0] = radius * real_f64(c ^ swapped ^ ((angle ^ angle << 1) & sign));
    out[1] = radius * real_f64(s ^ swapped ^ (angle & sign));
}

typedef void Fill(const Stream *s, uint64_t group, int64_t groups, void *restrict out);

SGRT_CLONES static void fill_uniform_f32(const Stream *s, uint64_t group, int64_t groups,
                                         void *restrict out)
{
    for (int64_t g = 0; g < groups; g++) {
        float *to = (float *)out + g * GROUP * 4;
        Words w;
        group_words(s, group + (uint64_t)g, &w);
        for (int i = 0; i < GROUP; i++) {
            to[4 * i] = uniform_f32(w.word[0][i]);
            to[4 * i + 1] = uniform_f32(w.word[1][i]);
            to[4 * i + 2] = uniform_f32(w.word[2][i]);
            to[4 * i + 3] = uniform_f32(w.word[3][i]);
        }
    }
}

SGRT_CLONES static void fill_uniform_f64(const Stream *s, uint64_t group, int64_t groups,
                                         void *restrict out)
{
    for (int64_t g = 0; g < groups; g++) {
        double *to = (double *)out + g * GROUP * 2;
        Words w;
        group_words(s, group + (uint64_t)g, &w);
        for (int i = 0; i < GROUP; i++) {
            to[2 * i] = uniform_f64(w.word[0][i], w.word[1][i]);
            to[2 * i + 1] = uniform_f64(w.word[2][i], w.word[3][i]);
        }
    }
}

SGRT_CLONES static void fill_normal_f32(const Stream *s, uint64_t group, int64_t groups,
                                        void *restrict out)
{
    for (int64_t g = 0; g < groups; g++) {
        float *to = (float *)out + g * GROUP * 4;
        Words w;
        group_words(s, group + (uint64_t)g, &w);
        for (int i = 0; i < GROUP; i++) {
            pair_f32(w.word[0][i], w.word[1][i], &to[4 * i]);
            pair_f32(w.word[2][i], w.word[3][i], &to[4 * i + 2]);
        }
    }
}

SGRT_CLONES static void fill_normal_f64(const Stream *s, uint64_t group, int64_t groups,
                                        void *restrict out)
{
    for (int64_t g = 0; g < groups; g++) {
        double *to = (double *)out + g * GROUP * 2;
        Words w;
        group_words(s, group + (uint64_t)g, &w);
        for (int i = 0; i < GROUP; i++) {
            pair_f64(&w, i, &to[2 * i]);
        }
    }
}

/* Variates [first, first + count) by whole groups of `size`, the first and last cut if need be. */
static void fill_range(Fill *fill, const Stream *s, uint64_t first, int64_t count, int64_t size,
                       size_t bytes, char *out)
{
    double part[4 * GROUP];
    while (count > 0) {
        uint64_t group = first / (uint64_t)size;
        int64_t skip = (int64_t)(first % (uint64_t)size), taken = size - skip;
        if (skip == 0 && count >= size) {
            taken = count / size * size;
            fill(s, group, count / size, out);
        } else {
            taken = taken < count ? taken : count;
            fill(s, group, 1, part);
            memcpy(out, (char *)part + (size_t)skip * bytes, (size_t)taken * bytes);
        }
        out += (size_t)taken * bytes;
        first += (uint64_t)taken;
        count -= taken;
    }
}

void sgrt_noise_uniform_f32(void *out, int64_t first, int64_t count, void *frame, int32_t site)
{
    Stream s = stream(frame, site);
    fill_range(fill_uniform_f32, &s, (uint64_t)first, count, 4 * GROUP, sizeof(float), out);
}

void sgrt_noise_uniform_f64(void *out, int64_t first, int64_t count, void *frame, int32_t site)
{
    Stream s = stream(frame, site);
    fill_range(fill_uniform_f64, &s, (uint64_t)first, count, 2 * GROUP, sizeof(double), out);
}

void sgrt_noise_normal_f32(void *out, int64_t first, int64_t count, void *frame, int32_t site)
{
    Stream s = stream(frame, site);
    fill_range(fill_normal_f32, &s, (uint64_t)first, count, 4 * GROUP, sizeof(float), out);
}

void sgrt_noise_normal_f64(void *out, int64_t first, int64_t count, void *frame, int32_t site)
{
    Stream s = stream(frame, site);
    fill_range(fill_normal_f64, &s, (uint64_t)first, count, 2 * GROUP, sizeof(double), out);
}
