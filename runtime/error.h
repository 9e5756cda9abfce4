/* Why a call of the runtime failed, in words.
 *
 * Functions that can fail take an SgrtError, return false (or NULL) and fill it with one sentence
 * that names what was wrong and where.  Only the verbs print; everything else passes the text up.
 */
#ifndef SGC_RUNTIME_ERROR_H
#define SGC_RUNTIME_ERROR_H

#include <stdbool.h>

typedef struct SgrtError {
    char text[1000]; /* no final newline; longer texts are cut */
    bool nonfinite;  /* a number of the computation was infinite or NaN */
} SgrtError;

/* Always false, so that a caller can write `return sgrt_fail(...)`. */
bool sgrt_fail(SgrtError *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same where a number that was computed is not finite. */
bool sgrt_fail_nonfinite(SgrtError *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A number as it is shown: the sign of a NaN means nothing. */
double sgrt_shown(double x);

/* Puts "; WHY" behind the text.  Always false. */
bool sgrt_fail_as(SgrtError *e, const char *why);

/* Puts "PLACE: " before the text.  Always false. */
bool sgrt_fail_in(SgrtError *e, const char *place);

#endif
