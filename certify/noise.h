/* Logarithms of uniform noise: a port of proofs/Noise.v. */
#ifndef SGC_CERTIFY_NOISE_H
#define SGC_CERTIFY_NOISE_H

#include "certify/cert.h"

/* What a slot is of the noise: u is a number of a draw. */
typedef enum NoiseForm {
    NOISE_OTHER,
    NOISE_MINUS_HALF, /* -1/2 everywhere */
    NOISE_MINUS_TWO,  /* -2 everywhere */
    NOISE_RAW,        /* u */
    NOISE_CENTRED,    /* u - 1/2 */
    NOISE_DISTANCE,   /* |u - 1/2| */
    NOISE_SUNK,       /* -2 |u - 1/2| */
} NoiseForm;

/* What no parameter reaches, and is not seen to grow otherwise. */
typedef enum NoiseCurve {
    NOISE_NONE,
    NOISE_LOGARITHM, /* log u */
    NOISE_SIDE,      /* sign(u - 1/2) */
    NOISE_LENGTH,    /* |u - 1/2| */
    NOISE_TAIL,      /* log(1 - 2|u - 1/2|) */
} NoiseCurve;

NoiseForm noise_form(const Cert *c, Arena *a, const CertOp *op, const NoiseForm *in);
NoiseCurve noise_curve(const CertOp *op, const NoiseForm *in);

#endif
