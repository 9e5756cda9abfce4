/* Elementary functions that vectorise: include once with REAL_BITS 32 and once with 64.
 *
 * Each function is straight-line code: no call, table, loop or errno, and a choice is a select.  A
 * compiler that inlines one into a loop can therefore run as many lanes as the machine has.  Where
 * there is fused multiply-add the compiler may contract; no step relies on it, and none is spoilt
 * by it.  The polynomials are relative minimax fits by Remez' exchange in 50-digit arithmetic.
 *
 * The bounds on the error, in ulp, stand beside each function and hold for both reals; for f32 they
 * were checked on every float with fused multiply-add, and on one in a thousand without.  Subnormal
 * arguments and results are honoured. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#if REAL_BITS == 32
#define REAL float
#define UINT uint32_t
#define V(name) name##_f32
#define PICK(single, dual) single
#elif REAL_BITS == 64
#define REAL double
#define UINT uint64_t
#define V(name) name##_f64
#define PICK(single, dual) dual
#else
#error "define REAL_BITS as 32 or 64"
#endif

#define INLINE static inline __attribute__((always_inline))

#define MANTISSA PICK(23, 52) /* explicit bits */
#define BIAS PICK(127u, (uint64_t)1023)
#define SIGN ((UINT)1 << (REAL_BITS - 1))
#define SMALLEST PICK(0x1p-126f, 0x1p-1022) /* normal */
#define ROUNDER PICK(0x1.8p23f, 0x1.8p52)   /* adding it rounds to an integer, in the low bits */
#define LN2_HI PICK(0x1.62e4p-1f, 0x1.62e42fefa4p-1) /* times any exponent: exact */
#define LN2_LO PICK(0x1.7f7d1cp-20f, -0x1.8432a1b0e2634p-43)
#define SQRT_HALF PICK(0x1.6a09e6p-1f, 0x1.6a09e667f3bcdp-1)

INLINE UINT V(bits)(REAL x)
{
    UINT u;
    __builtin_memcpy(&u, &x, sizeof u);
    return u;
}

INLINE REAL V(real)(UINT u)
{
    REAL x;
    __builtin_memcpy(&x, &u, sizeof x);
    return x;
}

INLINE REAL V(magnitude)(REAL x)
{
    return V(real)(V(bits)(x) & ~SIGN);
}

/* x >= 0, or x whose sign is already that of y: gives zero the sign of y. */
INLINE REAL V(signed_as)(REAL x, REAL y)
{
    return V(real)(V(bits)(x) | (V(bits)(y) & SIGN));
}

/* Limits that a NaN passes. */
INLINE REAL V(at_most)(REAL x, REAL limit)
{
    return x > limit ? limit : x;
}

INLINE REAL V(at_least)(REAL x, REAL limit)
{
    return x < limit ? limit : x;
}

/* 2^n for a normal result; of n, only the bits that fit beside a mantissa count. */
INLINE REAL V(power_of_two)(UINT n)
{
    return V(real)((n + BIAS) << MANTISSA);
}

/* x = n ln 2 + r with |r| <= ln(2)/2, for |n| < 2^11.  The upper bits of n are those of the
 * rounder, all of which a shift by MANTISSA drops. */
INLINE REAL V(reduce_ln2)(REAL x, UINT *n)
{
    REAL shifted = x * PICK(0x1.715476p+0f, 0x1.71547652b82fep+0) + ROUNDER;
    REAL k = shifted - ROUNDER;
    *n = V(bits)(shifted);
    return (x - k * LN2_HI) - k * LN2_LO;
}

/* e^r - 1 for |r| <= ln(2)/2. */
INLINE REAL V(expm1_reduced)(REAL r)
{
#if REAL_BITS == 32
    REAL p = 0x1.6d9720p-10f;
    p = p * r + 0x1.122804p-7f;
    p = p * r + 0x1.55548ap-5f;
    p = p * r + 0x1.5554b0p-3f;
    p = p * r + 0x1.000000p-1f;
#else
    REAL p = 0x1.1f957e9efa373p-29;
    p = p * r + 0x1.af5ecc2278bfep-26;
    p = p * r + 0x1.27e4c58c8a89ep-22;
    p = p * r + 0x1.71ddf84cb4508p-19;
    p = p * r + 0x1.a01a01b0c25b5p-16;
    p = p * r + 0x1.a01a01afe7a2dp-13;
    p = p * r + 0x1.6c16c16c14423p-10;
    p = p * r + 0x1.111111110f6a9p-7;
    p = p * r + 0x1.555555555555ap-5;
    p = p * r + 0x1.5555555555559p-3;
    p = p * r + 0x1.0000000000000p-1;
#endif
    return (r * r) * p + r;
}

#define EXP_HIGH PICK(89, 710)   /* exp overflows below this, */
#define EXP_LOW PICK(-104, -746) /* and is less than half the smallest number above this */

/* e^x within these limits.  The scale 2^n is applied as two factors, so that it can overflow and
 * underflow gradually. */
INLINE REAL V(exp_limited)(REAL x)
{
    UINT n;
    REAL r = V(reduce_ln2)(x, &n);
    UINT both = n + 2 * BIAS, first = both >> 1, second = both - first;
    REAL scaled = (1 + V(expm1_reduced)(r)) * V(real)(first << MANTISSA);
    return scaled * V(real)(second << MANTISSA);
}

/* 1.1 ulp. */
INLINE REAL V(exp)(REAL x)
{
    return V(exp_limited)(V(at_least)(V(at_most)(x, EXP_HIGH), EXP_LOW));
}

/* e^-|x| */
INLINE REAL V(exp_decay)(REAL x)
{
    return V(exp_limited)(V(at_least)(-V(magnitude)(x), EXP_LOW));
}

/* 2 ulp.  Half of it is formed first: 2^n itself may be too large. */
INLINE REAL V(expm1)(REAL x)
{
    UINT n;
    REAL limited = V(at_least)(V(at_most)(x, EXP_HIGH), PICK(-20, -40));
    REAL p = V(expm1_reduced)(V(reduce_ln2)(limited, &n));
    REAL half = V(power_of_two)(n - 1);
    return V(signed_as)(2 * (half * p + (half - PICK(0.5f, 0.5))), x);
}

/* log(1 + f) - f for sqrt(1/2) <= 1 + f <= sqrt(2). */
INLINE REAL V(log_tail)(REAL f)
{
    REAL half_square = PICK(0.5f, 0.5) * f * f;
#if REAL_BITS == 32
    /* Even and odd powers apart: half as long a chain of dependent steps. */
    REAL z = f * f, even = 0x1.1b48dap-4f, odd = -0x1.e2edf8p-4f;
    even = even * z + 0x1.e64fdcp-4f;
    odd = odd * z - 0x1.fb425cp-4f;
    even = even * z + 0x1.2332c6p-3f;
    odd = odd * z - 0x1.5562eap-3f;
    even = even * z + 0x1.99a546p-3f;
    odd = odd * z - 0x1.ffffeep-3f;
    even = even * z + 0x1.555546p-2f;
    return (f * z) * (odd * f + even) - half_square;
#else
    /* 2 atanh(s), whose series has the faster convergence that double needs. */
    REAL s = f / (2 + f), z = s * s;
    REAL p = 0x1.2f0d8f3f87c0bp-3;
    p = p * z + 0x1.39a0f51985883p-3;
    p = p * z + 0x1.74664629f553ep-3;
    p = p * z + 0x1.c71c51e80d016p-3;
    p = p * z + 0x1.24924942177a6p-2;
    p = p * z + 0x1.999999997fb35p-2;
    p = p * z + 0x1.5555555555593p-1;
    return s * (half_square + z * p) - half_square;
#endif
}

/* x = 2^k m with sqrt(1/2) <= m < sqrt(2), for a normal x > 0. */
INLINE REAL V(split)(REAL x, REAL *k)
{
    const REAL integers = PICK(0x1p23f, 0x1p52); /* from here on a bit is worth 1 */
    UINT u = V(bits)(x) - V(bits)(SQRT_HALF) + (BIAS << MANTISSA);
    *k = V(real)((u >> MANTISSA) | V(bits)(integers)) - (integers + (REAL)BIAS);
    return V(real)((u & (((UINT)1 << MANTISSA) - 1)) + V(bits)(SQRT_HALF));
}

/* k ln 2 + log(1 + f) */
INLINE REAL V(log_sum)(REAL k, REAL f)
{
    return k * LN2_HI + (f + (V(log_tail)(f) + k * LN2_LO));
}

/* log of a normal x > 0. */
INLINE REAL V(log_normal)(REAL x)
{
    REAL k, m = V(split)(x, &k);
    return V(log_sum)(k, m - 1);
}

/* 1 ulp. */
INLINE REAL V(log)(REAL x)
{
    REAL k, scale = x < SMALLEST ? PICK(0x1p23f, 0x1p52) : 1;
    REAL shift = x < SMALLEST ? MANTISSA : 0;
    REAL m = V(split)(x * scale, &k);
    REAL y = V(log_sum)(k - shift, m - 1);
    y = x < (REAL)INFINITY ? y : x;
    return x > 0 ? y : (x == 0 ? -(REAL)INFINITY : (REAL)NAN);
}

/* 1.5 ulp.  With u = 1 + x rounded and c what the rounding lost, 1 + x = 2^k (m + c 2^-k). */
INLINE REAL V(log1p)(REAL x)
{
    REAL u = 1 + x, less = u - 1, c = (1 - (u - less)) + (x - less);
    REAL k, m = V(split)(u, &k);
    REAL twice = V(real)(((BIAS + 1) << MANTISSA) + V(bits)(m) - V(bits)(u)); /* 2^(1 - k) */
    REAL f = (m - 1) + (PICK(0.5f, 0.5) * c) * twice;
    REAL y = V(signed_as)(V(log_sum)(k, f), x);
    y = x < (REAL)INFINITY ? y : x;
    return x > -1 ? y : (x == -1 ? -(REAL)INFINITY : (REAL)NAN);
}

/* 2.5 ulp. */
INLINE REAL V(sigmoid)(REAL x)
{
    REAL e = V(exp_decay)(x);
    return (x >= 0 ? 1 : e) / (1 + e);
}

/* log(1 + t) for 0 <= t <= 1, by 2 atanh(s). */
INLINE REAL V(log1p_unit)(REAL t)
{
    REAL s = t / (2 + t), z = s * s;
#if REAL_BITS == 32
    REAL p = 0x1.1ef75cp-2f;
    p = p * z + 0x1.1eb668p-2f;
    p = p * z + 0x1.99d274p-2f;
    p = p * z + 0x1.555500p-1f;
#else
    REAL p = 0x1.5141f1436a76ap-3;
    p = p * z + 0x1.1e7be003b941dp-4;
    p = p * z + 0x1.c16fbacbaed5ep-4;
    p = p * z + 0x1.dfe2a4bf3c1f8p-4;
    p = p * z + 0x1.112345c995acfp-3;
    p = p * z + 0x1.3b12d5d8f506fp-3;
    p = p * z + 0x1.745d1e030f65cp-3;
    p = p * z + 0x1.c71c71a5de18ap-3;
    p = p * z + 0x1.24924924c1d92p-2;
    p = p * z + 0x1.999999999955dp-2;
    p = p * z + 0x1.5555555555556p-1;
#endif
    return t - s * (t - z * p); /* 2 s = t - s t, without the rounding of s */
}

/* 2 ulp.  max(x, 0) + log(1 + e^-|x|) */
INLINE REAL V(softplus)(REAL x)
{
    return (x > 0 ? x : 0) + V(log1p_unit)(V(exp_decay)(x));
}

/* 3 ulp.  (e^2a - 1) / (e^2a + 1) at a = |x|, without cancellation for small a. */
INLINE REAL V(tanh)(REAL x)
{
    UINT n;
    REAL a = V(at_most)(V(magnitude)(x), PICK(10, 20));
    REAL p = V(expm1_reduced)(V(reduce_ln2)(2 * a, &n));
    REAL scale = V(power_of_two)(n), y = scale * p;
    return V(signed_as)((y + (scale - 1)) / (y + (scale + 1)), x);
}

/* sin(r) for |r| <= pi/4. */
INLINE REAL V(sin_reduced)(REAL r)
{
    REAL z = r * r;
#if REAL_BITS == 32
    REAL p = -0x1.994da4p-13f;
    p = p * z + 0x1.11075ep-7f;
    p = p * z - 0x1.555546p-3f;
#else
    REAL p = 0x1.5d92a335d8748p-33;
    p = p * z - 0x1.ae5e65022f6a8p-26;
    p = p * z + 0x1.71de35763702fp-19;
    p = p * z - 0x1.a01a019c0ff2bp-13;
    p = p * z + 0x1.111111110f86ep-7;
    p = p * z - 0x1.5555555555549p-3;
#endif
    return V(signed_as)((r * z) * p + r, r);
}

/* cos(r) for |r| <= pi/4. */
INLINE REAL V(cos_reduced)(REAL r)
{
    REAL z = r * r;
#if REAL_BITS == 32
    REAL p = 0x1.9a017ap-16f;
    p = p * z - 0x1.6c0c88p-10f;
    p = p * z + 0x1.55554ap-5f;
#else
    REAL p = -0x1.8fae46c91f942p-37;
    p = p * z + 0x1.1ee9eb4e5374ep-29;
    p = p * z - 0x1.27e4f8091e981p-22;
    p = p * z + 0x1.a01a019cb0b83p-16;
    p = p * z - 0x1.6c16c16c15175p-10;
    p = p * z + 0x1.555555555554cp-5;
#endif
    REAL half = PICK(0.5f, 0.5) * z, w = 1 - half;
    return w + ((z * z) * p + ((1 - w) - half));
}

/* sin(x + quarters pi/2), 1.6 ulp.  The argument is reduced in double for both reals, against 131
 * bits of pi/2 in parts whose products with n are exact.  A float or double beyond 2^26 is spaced
 * too coarsely for its sine to mean much, and gets NaN rather than a wrong number. */
INLINE REAL V(sine)(REAL x, UINT quarters)
{
    const double rounder = 0x1.8p52;
    double limited = x >= -0x1p26f && x <= 0x1p26f ? (double)x : (double)NAN;
    double shifted = limited * 0x1.45f306dc9c883p-1 + rounder, n = shifted - rounder;
    double r = limited - n * 0x1.921fb5p+0;
    r = r - n * 0x1.110b46p-26;
    r = r - n * 0x1.1a6263p-54;
    r = r - n * 0x1.8a2e03707344ap-81;
    uint64_t low;
    __builtin_memcpy(&low, &shifted, sizeof low);
    UINT turn = (UINT)low + quarters;
    REAL y = turn & 1 ? V(cos_reduced)((REAL)r) : V(sin_reduced)((REAL)r);
    return V(real)(V(bits)(y) ^ (turn & 2) << (REAL_BITS - 2));
}

INLINE REAL V(sin)(REAL x)
{
    return V(sine)(x, 0);
}

INLINE REAL V(cos)(REAL x)
{
    return V(sine)(x, 1);
}

/* erf(x) / x - 1 at z = x^2, for |x| <= 0.92. */
INLINE REAL V(erf_ratio)(REAL z)
{
#if REAL_BITS == 32
    REAL p = 0x1.60bcd8p-14f;
    p = p * z - 0x1.ab6ec2p-11f;
    p = p * z + 0x1.54ea6cp-8f;
    p = p * z - 0x1.b8122ap-6f;
    p = p * z + 0x1.ce2e34p-4f;
    p = p * z - 0x1.812744p-2f;
    p = p * z + 0x1.06eba8p-3f;
#else
    REAL p = 0x1.1913102686dedp-34;
    p = p * z - 0x1.3ef074d58dd7ep-30;
    p = p * z + 0x1.f98abc1de5a0ap-27;
    p = p * z - 0x1.5f45fdb0d04a8p-23;
    p = p * z + 0x1.b9e347c3dd745p-20;
    p = p * z - 0x1.f4d22d3f10e22p-17;
    p = p * z + 0x1.f9a32549ebb1cp-14;
    p = p * z - 0x1.c02db3f5daebap-11;
    p = p * z + 0x1.565bcd0e41279p-8;
    p = p * z - 0x1.b82ce31287f2ep-6;
    p = p * z + 0x1.ce2f21a042bc4p-4;
    p = p * z - 0x1.812746b0379e7p-2;
    p = p * z + 0x1.06eba8214db69p-3;
#endif
    return p;
}

/* erfc(a) for 0.9 <= a, to an absolute error below half an ulp of 1. */
INLINE REAL V(erfc_tail)(REAL a)
{
#if REAL_BITS == 32
    /* -log(erfc(a)) is nearly a quadratic; from a = 4 on, erfc is below 2^-25. */
    REAL x = V(at_most)(a, 4), p = -0x1.9d82a4p-13f;
    p = p * x + 0x1.907fc4p-9f;
    p = p * x - 0x1.6cfc3ap-6f;
    p = p * x + 0x1.aa22c6p-4f;
    p = p * x + 0x1.462cbcp-1f;
    p = p * x + 0x1.20b430p+0f;
    p = p * x + 0x1.744e62p-13f;
    return V(exp)(-p);
#else
    /* e^(a^2) erfc(a) (a + 3) is smooth in (a - 3) / (a + 3); from a = 6 on, erfc is below 2^-54.
     */
    REAL x = V(at_most)(a, 6), inverse = 1 / (x + 3), t = (x - 3) * inverse;
    REAL p = 0x1.135846a5ebd39p-17;
    p = p * t + 0x1.3729619842594p-14;
    p = p * t + 0x1.3ab0de6db20e4p-13;
    p = p * t - 0x1.063d233e86bfcp-12;
    p = p * t - 0x1.19849d1e18fb0p-11;
    p = p * t + 0x1.8e1d20058e13bp-9;
    p = p * t - 0x1.3da8b3f550a29p-10;
    p = p * t - 0x1.b7893febbc6bdp-6;
    p = p * t + 0x1.e995f25c43951p-4;
    p = p * t - 0x1.3deb214265855p-2;
    p = p * t + 0x1.2e326945a54a6p-1;
    p = p * t - 0x1.c44c471bacd82p-1;
    p = p * t + 0x1.12f21ddd9f5afp+0;
    return V(exp)(-(x * x)) * (p * inverse);
#endif
}

/* 1.5 ulp. */
INLINE REAL V(erf)(REAL x)
{
    REAL a = V(magnitude)(x);
    REAL near = a + a * V(erf_ratio)(a * a), far = 1 - V(erfc_tail)(a);
    return V(signed_as)(a < PICK(0.92f, 0.92) ? near : far, x);
}

#undef REAL
#undef UINT
#undef V
#undef PICK
#undef INLINE
#undef MANTISSA
#undef BIAS
#undef SIGN
#undef SMALLEST
#undef ROUNDER
#undef LN2_HI
#undef LN2_LO
#undef SQRT_HALF
#undef EXP_HIGH
#undef EXP_LOW
#undef REAL_BITS
