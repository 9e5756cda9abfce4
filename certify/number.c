#include "certify/number.h"

#include <gmp.h>
#include <stdlib.h>
#include <string.h>

/* The limbs of a stored fraction are in the arena, as GMP reads them. */
typedef struct Stored {
    mpz_t num, den; /* read only */
    Fraction next;  /* of the same bucket; UINT32_MAX: none */
} Stored;

struct Fractions {
    Arena *arena;
    Stored *stored;
    uint32_t count;
    Fraction *head; /* by hash; UINT32_MAX: none */
    uint32_t buckets;
    mpq_t x, y, z; /* work space */
};

/* ---- the table ------------------------------------------------------------------------------ */

static uint64_t hash_limbs(uint64_t h, const mpz_t v)
{
    h = (h ^ (uint64_t)(mpz_sgn(v) + 1)) * 0x100000001b3u;
    for (size_t i = 0; i < mpz_size(v); i++)
        h = (h ^ mpz_getlimbn(v, (mp_size_t)i)) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

static uint32_t bucket_of(const Fractions *f, const mpz_t num, const mpz_t den)
{
    return (uint32_t)(hash_limbs(hash_limbs(0xcbf29ce484222325u, num), den) & (f->buckets - 1));
}

static void link_to_bucket(Fractions *f, Fraction a)
{
    uint32_t b = bucket_of(f, f->stored[a].num, f->stored[a].den);
    f->stored[a].next = f->head[b];
    f->head[b] = a;
}

static void resize(Fractions *f, uint32_t buckets)
{
    f->buckets = buckets;
    f->head = arena_array(f->arena, Fraction, buckets);
    memset(f->head, 0xff, buckets * sizeof *f->head);
    for (Fraction a = 0; a < f->count; a++)
        link_to_bucket(f, a);
}

static void store_limbs(Fractions *f, mpz_t to, const mpz_t from)
{
    size_t size = mpz_size(from);
    mp_limb_t *limb = arena_array(f->arena, mp_limb_t, size + 1);
    for (size_t i = 0; i < size; i++)
        limb[i] = mpz_getlimbn(from, (mp_size_t)i);
    mpz_roinit_n(to, limb, mpz_sgn(from) < 0 ? -(mp_size_t)size : (mp_size_t)size);
}

/* The number of the fraction x, which is in lowest terms. */
static Fraction store(Fractions *f, const mpq_t x)
{
    for (Fraction a = f->head[bucket_of(f, mpq_numref(x), mpq_denref(x))]; a != UINT32_MAX;
         a = f->stored[a].next)
        if (mpz_cmp(f->stored[a].num, mpq_numref(x)) == 0 &&
            mpz_cmp(f->stored[a].den, mpq_denref(x)) == 0)
            return a;
    Stored *s = arena_push(f->arena, f->stored, f->count, Stored);
    store_limbs(f, s->num, mpq_numref(x));
    store_limbs(f, s->den, mpq_denref(x));
    link_to_bucket(f, f->count - 1);
    if (f->count > f->buckets)
        resize(f, f->buckets * 2);
    return f->count - 1;
}

Fractions *fractions_new(Arena *a)
{
    Fractions *f = arena_make(a, Fractions);
    f->arena = a;
    mpq_inits(f->x, f->y, f->z, NULL);
    resize(f, 64);
    fraction_of(f, 0, 1);
    fraction_of(f, 1, 1);
    fraction_of(f, -1, 1);
    return f;
}

void fractions_free(Fractions *f)
{
    mpq_clears(f->x, f->y, f->z, NULL);
}

/* ---- making --------------------------------------------------------------------------------- */

Fraction fraction_of(Fractions *f, int64_t numerator, int64_t denominator)
{
    mpq_set_si(f->x, numerator, (unsigned long)denominator);
    mpq_canonicalize(f->x);
    return store(f, f->x);
}

Fraction fraction_of_double(Fractions *f, double v)
{
    mpq_set_d(f->x, v);
    return store(f, f->x);
}

static bool is_fraction(const char *text)
{
    const char *digits = "0123456789";
    text += *text == '-';
    size_t len = strspn(text, digits);
    if (len == 0 || !text[len])
        return len > 0;
    const char *below = text + len + 1;
    return text[len] == '/' && *below && !below[strspn(below, digits)] && below[strspn(below, "0")];
}

bool fraction_read(Fractions *f, const char *text, size_t len, Fraction *out)
{
    const char *word = arena_copy(f->arena, text, len);
    if (!is_fraction(word) || mpq_set_str(f->x, word, 10) != 0)
        return false;
    mpq_canonicalize(f->x);
    *out = store(f, f->x);
    return true;
}

/* ---- arithmetic ----------------------------------------------------------------------------- */

static void load(Fractions *f, mpq_t to, Fraction a)
{
    mpz_set(mpq_numref(to), f->stored[a].num);
    mpz_set(mpq_denref(to), f->stored[a].den);
}

Fraction fraction_add(Fractions *f, Fraction a, Fraction b)
{
    if (a == FRACTION_0 || b == FRACTION_0)
        return a == FRACTION_0 ? b : a;
    load(f, f->x, a);
    load(f, f->y, b);
    mpq_add(f->z, f->x, f->y);
    return store(f, f->z);
}

Fraction fraction_mul(Fractions *f, Fraction a, Fraction b)
{
    if (a == FRACTION_1 || b == FRACTION_1)
        return a == FRACTION_1 ? b : a;
    load(f, f->x, a);
    load(f, f->y, b);
    mpq_mul(f->z, f->x, f->y);
    return store(f, f->z);
}

Fraction fraction_inverse(Fractions *f, Fraction a)
{
    if (a <= FRACTION_MINUS_1)
        return a;
    load(f, f->x, a);
    mpq_inv(f->z, f->x);
    return store(f, f->z);
}

int fraction_sign(const Fractions *f, Fraction a)
{
    return mpz_sgn(f->stored[a].num);
}

/* ---- digits --------------------------------------------------------------------------------- */

static const char *digits_of(Fractions *f, const mpz_t v)
{
    char *text = arena_array(f->arena, char, mpz_sizeinbase(v, 10) + 2);
    return mpz_get_str(text, 10, v);
}

const char *fraction_numerator(Fractions *f, Fraction a)
{
    return digits_of(f, f->stored[a].num);
}

const char *fraction_denominator(Fractions *f, Fraction a)
{
    return digits_of(f, f->stored[a].den);
}

/* v in units of 1 / d */
static const char *over(Fractions *f, Fraction v, const mpz_t d)
{
    mpz_ptr n = mpq_numref(f->y);
    mpz_divexact(n, d, f->stored[v].den);
    mpz_mul(n, n, f->stored[v].num);
    return digits_of(f, n);
}

void fraction_common(Fractions *f, Fraction a, Fraction b, const char **x, const char **y,
                     const char **denominator)
{
    mpz_ptr d = mpq_numref(f->x);
    mpz_lcm(d, f->stored[a].den, f->stored[b].den);
    *x = over(f, a, d);
    *y = over(f, b, d);
    *denominator = digits_of(f, d);
}
