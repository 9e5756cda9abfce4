#include "certify/noise.h"

static bool is_number(const Cert *c, Fraction f, int64_t a, int64_t d)
{
    return f == fraction_of(c->fractions, a, d);
}

static NoiseForm form_of_affine(const Cert *c, const CertOp *op, NoiseForm x)
{
    if (x == NOISE_RAW && op->a == FRACTION_1 && is_number(c, op->b, -1, 2))
        return NOISE_CENTRED;
    if (x == NOISE_DISTANCE && is_number(c, op->a, -2, 1) && op->b == FRACTION_0)
        return NOISE_SUNK;
    return NOISE_OTHER;
}

NoiseForm noise_form(const Cert *c, Arena *a, const CertOp *op, const NoiseForm *in)
{
    switch (op->form) {
    case CERT_CONST:
        return is_number(c, op->a, -1, 2)   ? NOISE_MINUS_HALF
               : is_number(c, op->a, -2, 1) ? NOISE_MINUS_TWO
                                            : NOISE_OTHER;
    case CERT_EIN:
        return (in[0] == NOISE_MINUS_HALF || in[0] == NOISE_MINUS_TWO) &&
                       cert_same(op->o, cert_range(a, op->axes.count))
                   ? in[0]
                   : NOISE_OTHER;
    case CERT_SAMPLE:
        return NOISE_RAW;
    case CERT_MAP1:
        if (op->fn == CERT_AFFINE)
            return form_of_affine(c, op, in[0]);
        return op->fn == CERT_ABS && in[0] == NOISE_CENTRED ? NOISE_DISTANCE : NOISE_OTHER;
    case CERT_MAP2:
        if (op->fn == CERT_ADD && in[0] == NOISE_RAW && in[1] == NOISE_MINUS_HALF)
            return NOISE_CENTRED;
        return op->fn == CERT_MUL && in[0] == NOISE_MINUS_TWO && in[1] == NOISE_DISTANCE
                   ? NOISE_SUNK
                   : NOISE_OTHER;
    default:
        return NOISE_OTHER;
    }
}

NoiseCurve noise_curve(const CertOp *op, const NoiseForm *in)
{
    if (op->form != CERT_MAP1)
        return NOISE_NONE;
    if (op->fn == CERT_LOG && in[0] == NOISE_RAW)
        return NOISE_LOGARITHM;
    if (op->fn == CERT_SIGN && in[0] == NOISE_CENTRED)
        return NOISE_SIDE;
    if (op->fn == CERT_ABS && in[0] == NOISE_CENTRED)
        return NOISE_LENGTH;
    return op->fn == CERT_LOG1P && in[0] == NOISE_SUNK ? NOISE_TAIL : NOISE_NONE;
}
