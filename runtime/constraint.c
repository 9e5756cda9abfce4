/* Constraints: tests of membership and the smooth maps onto them. */
#include "runtime/constraint.h"

#include <math.h>
#include <stdio.h>

/* Rounding of a row that was normalised in single precision. */
static const double simplex_slack = 1e-5;

char *sgrt_constraint_text(char *out, size_t room, const SgrtConstraint *in)
{
    static const char *const names[] = {"",        "positive", "unit_interval",
                                        "simplex", "ordered",  "cholesky"};
    if (in->kind == SGRT_RANGE)
        snprintf(out, room, "[%.9g, %.9g]", in->lo, in->hi);
    else
        snprintf(out, room, "%s", names[in->kind]);
    return out;
}

static int64_t last_axis(const int64_t *dim, int64_t rank)
{
    return rank > 0 ? dim[rank - 1] : 1;
}

static bool element_inside(const SgrtConstraint *in, double v)
{
    switch (in->kind) {
    case SGRT_POSITIVE:
        return v > 0;
    case SGRT_UNIT_INTERVAL:
        return v >= 0 && v <= 1;
    case SGRT_RANGE:
        return v >= in->lo && v <= in->hi;
    default:
        return true;
    }
}

static int64_t simplex_outside(const double *v, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!(v[i] >= 0))
            return i;
        sum += v[i];
    }
    return fabs(sum - 1) <= simplex_slack ? -1 : 0;
}

static int64_t ordered_outside(const double *v, int64_t n)
{
    for (int64_t i = 1; i < n; i++)
        if (!(v[i] > v[i - 1]))
            return i;
    return -1;
}

static int64_t cholesky_outside(const double *v, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (!(v[i * n + i] > 0))
            return i * n + i;
        for (int64_t j = i + 1; j < n; j++)
            if (v[i * n + j] != 0)
                return i * n + j;
    }
    return -1;
}

/* The elements that a constraint binds together. */
static int64_t group_size(const SgrtConstraint *in, const int64_t *dim, int64_t rank)
{
    int64_t n = last_axis(dim, rank);
    switch (in->kind) {
    case SGRT_SIMPLEX:
    case SGRT_ORDERED:
        return n;
    case SGRT_CHOLESKY:
        return n * n;
    default:
        return 1;
    }
}

static int64_t group_outside(const SgrtConstraint *in, const double *v, int64_t n)
{
    switch (in->kind) {
    case SGRT_SIMPLEX:
        return simplex_outside(v, n);
    case SGRT_ORDERED:
        return ordered_outside(v, n);
    case SGRT_CHOLESKY:
        return cholesky_outside(v, n);
    default:
        return element_inside(in, *v) ? -1 : 0;
    }
}

int64_t sgrt_constraint_outside(const SgrtConstraint *in, const double *value, const int64_t *dim,
                                int64_t rank, int64_t size)
{
    int64_t group = group_size(in, dim, rank), n = last_axis(dim, rank);
    if (in->kind == SGRT_FREE || group == 0)
        return -1;
    for (int64_t first = 0; first < size; first += group) {
        int64_t at = group_outside(in, value + first, n);
        if (at >= 0)
            return first + at;
    }
    return -1;
}

static void simplex_forward(double *v, int64_t n)
{
    double most = v[0], sum = 0;
    for (int64_t i = 1; i < n; i++)
        most = fmax(most, v[i]);
    for (int64_t i = 0; i < n; i++)
        sum += v[i] = exp(v[i] - most);
    for (int64_t i = 0; i < n; i++)
        v[i] /= sum;
}

static void cholesky_forward(double *v, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        v[i * n + i] = exp(v[i * n + i]);
        for (int64_t j = i + 1; j < n; j++)
            v[i * n + j] = 0;
    }
}

static void group_forward(const SgrtConstraint *in, double *v, int64_t n)
{
    switch (in->kind) {
    case SGRT_POSITIVE:
        *v = exp(*v);
        break;
    case SGRT_UNIT_INTERVAL:
        *v = 1 / (1 + exp(-*v));
        break;
    case SGRT_SIMPLEX:
        simplex_forward(v, n);
        break;
    case SGRT_ORDERED:
        for (int64_t i = 1; i < n; i++)
            v[i] = v[i - 1] + exp(v[i]);
        break;
    case SGRT_CHOLESKY:
        cholesky_forward(v, n);
        break;
    default:
        break;
    }
}

/* A simplex keeps its first stored element at 0: the softmax does not see a common shift. */
static void group_backward(const SgrtConstraint *in, double *v, int64_t n)
{
    switch (in->kind) {
    case SGRT_POSITIVE:
        *v = log(*v);
        break;
    case SGRT_UNIT_INTERVAL:
        *v = log(*v) - log1p(-*v);
        break;
    case SGRT_SIMPLEX:
        for (int64_t i = n - 1; i >= 0; i--)
            v[i] = log(v[i] / v[0]);
        break;
    case SGRT_ORDERED:
        for (int64_t i = n - 1; i > 0; i--)
            v[i] = log(v[i] - v[i - 1]);
        break;
    case SGRT_CHOLESKY:
        for (int64_t i = 0; i < n; i++)
            v[i * n + i] = log(v[i * n + i]);
        break;
    default:
        break;
    }
}

void sgrt_constrain(const SgrtConstraint *in, double *v, const int64_t *dim, int64_t rank,
                    int64_t size)
{
    int64_t group = group_size(in, dim, rank);
    for (int64_t first = 0; group > 0 && first < size; first += group)
        group_forward(in, v + first, last_axis(dim, rank));
}

void sgrt_unconstrain(const SgrtConstraint *in, double *v, const int64_t *dim, int64_t rank,
                      int64_t size)
{
    int64_t group = group_size(in, dim, rank);
    for (int64_t first = 0; group > 0 && first < size; first += group)
        group_backward(in, v + first, last_axis(dim, rank));
}
