/* Exact fractions of any size, as numbers of a table: equal fractions have one number.
 *
 * Coefficients of normal forms and constants of programs.  A double is a fraction, and products of
 * a few of them outgrow 64 bits, so the arithmetic is GMP's; small fractions never reach it. */
#ifndef SGC_CERTIFY_NUMBER_H
#define SGC_CERTIFY_NUMBER_H

#include "ir/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t Fraction;
enum { FRACTION_0, FRACTION_1, FRACTION_MINUS_1 };

typedef struct Fractions Fractions;

Fractions *fractions_new(Arena *a);
void fractions_free(Fractions *f); /* what GMP holds; the table itself is the arena's */

Fraction fraction_of(Fractions *f, int64_t numerator, int64_t denominator); /* > 0 */
Fraction fraction_of_double(Fractions *f, double v);                        /* finite */
/* "-3/4" or "-3"; len characters.  False: it is not a fraction. */
bool fraction_read(Fractions *f, const char *text, size_t len, Fraction *out);

Fraction fraction_add(Fractions *f, Fraction a, Fraction b);
Fraction fraction_mul(Fractions *f, Fraction a, Fraction b);
Fraction fraction_inverse(Fractions *f, Fraction a); /* of 0: 0 */

int fraction_sign(const Fractions *f, Fraction a); /* -1, 0, 1 */

/* Decimal digits; the denominator is positive, and the two have no common factor. */
const char *fraction_numerator(Fractions *f, Fraction a);
const char *fraction_denominator(Fractions *f, Fraction a);
/* a and b over one denominator: the smallest. */
void fraction_common(Fractions *f, Fraction a, Fraction b, const char **x, const char **y,
                     const char **denominator);

#endif
