/* The kinds of initial values.  Random ones fill the stored tensor; constant ones name the value
 * and are mapped back through the constraint. */
#include "runtime/init.h"

#include "runtime/constraint.h"
#include "runtime/memory.h"
#include "runtime/philox.h"

#include <math.h>
#include <stdlib.h>

static const double two_pi = 6.283185307179586;

/* FNV-1a over the parameter's path. */
static uint64_t hash_of(const char *path)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (; *path; path++)
        hash = (hash ^ (unsigned char)*path) * 0x100000001b3;
    return hash;
}

/* (k + 1/2) / 2^52: inside (0, 1). */
static double unit(uint32_t high, uint32_t low)
{
    return ((double)((uint64_t)high << 20 | low >> 12) + 0.5) * 0x1p-52;
}

/* The two uniforms of block `index` of a path's stream. */
static void uniform_pair(int64_t seed, uint64_t hash, int64_t index, double *pair)
{
    Philox counter = {
        {(uint32_t)index, (uint32_t)(hash >> 32), (uint32_t)hash, (uint32_t)SGRT_INIT << 24}};
    Philox r = philox(counter, (uint32_t)seed, (uint32_t)((uint64_t)seed >> 32));
    pair[0] = unit((uint32_t)r.word[0], (uint32_t)r.word[1]);
    pair[1] = unit((uint32_t)r.word[2], (uint32_t)r.word[3]);
}

void sgrt_fill_uniform(double *out, int64_t size, int64_t seed, const char *path, double low,
                       double high)
{
    double pair[2];
    uint64_t hash = hash_of(path);
    for (int64_t i = 0; i < size; i++) {
        if (i % 2 == 0)
            uniform_pair(seed, hash, i / 2, pair);
        out[i] = low + (high - low) * pair[i % 2];
    }
}

/* Box and Muller. */
void sgrt_fill_normal(double *out, int64_t size, int64_t seed, const char *path, double sd)
{
    double pair[2];
    uint64_t hash = hash_of(path);
    for (int64_t i = 0; i < size; i += 2) {
        uniform_pair(seed, hash, i / 2, pair);
        double radius = sd * sqrt(-2 * log(pair[0]));
        out[i] = radius * cos(two_pi * pair[1]);
        if (i + 1 < size)
            out[i + 1] = radius * sin(two_pi * pair[1]);
    }
}

static double dot(const double *a, const double *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Gram and Schmidt, each vector twice: once loses orthogonality, twice is enough. */
static void orthonormalise(double *v, int64_t vectors, int64_t n)
{
    for (int64_t i = 0; i < vectors; i++) {
        double *x = v + i * n;
        for (int64_t pass = 0; pass < 2; pass++)
            for (int64_t j = 0; j < i; j++) {
                double along = dot(x, v + j * n, n);
                for (int64_t k = 0; k < n; k++)
                    x[k] -= along * v[j * n + k];
            }
        double norm = sqrt(dot(x, x, n));
        for (int64_t k = 0; k < n; k++)
            x[k] /= norm;
    }
}

static int64_t last_axis(const SgrtParam *p)
{
    return p->rank > 0 ? p->dim[p->rank - 1] : 1;
}

static int64_t first_axis(const SgrtParam *p)
{
    return p->rank > 0 ? p->dim[0] : 1;
}

/* Orthonormal rows of the matrix [size / last axis, last axis], or columns if it is tall. */
static bool fill_orthogonal(const SgrtParam *p, int64_t seed, double *out, SgrtError *e)
{
    int64_t columns = last_axis(p), rows = p->size / columns;
    sgrt_fill_normal(out, p->size, seed, p->name, 1);
    if (rows <= columns) {
        orthonormalise(out, rows, columns);
        return true;
    }
    double *across = sgrt_alloc(p->size, sizeof *across, e);
    if (!across)
        return false;
    for (int64_t i = 0; i < p->size; i++)
        across[i % columns * rows + i / columns] = out[i];
    orthonormalise(across, columns, rows);
    for (int64_t i = 0; i < p->size; i++)
        out[i] = across[i % columns * rows + i / columns];
    free(across);
    return true;
}

/* A positive constant on a simplex names the uniform point. */
static double constant_of(const SgrtParam *p)
{
    return p->in.kind == SGRT_SIMPLEX && p->a > 0 ? 1 / (double)last_axis(p) : p->a;
}

static bool fill_value(const SgrtParam *p, double *out, SgrtError *e)
{
    int64_t columns = last_axis(p), rows = p->rank > 1 ? p->dim[p->rank - 2] : 1;
    if (p->init == SGRT_INIT_IDENTITY && p->rank < 2)
        return sgrt_fail(e, "param %s: identity() is for a matrix", p->name);
    for (int64_t i = 0; i < p->size; i++)
        out[i] = p->init == SGRT_INIT_IDENTITY ? i / columns % rows == i % columns : constant_of(p);
    return true;
}

/* A value on the border of a constraint has no stored tensor either. */
static bool unconstrain(const SgrtParam *p, double *v, SgrtError *e)
{
    char in[80];
    int64_t outside = sgrt_constraint_outside(&p->in, v, p->dim, p->rank, p->size);
    double value = outside >= 0 ? v[outside] : v[0];
    if (outside < 0)
        sgrt_unconstrain(&p->in, v, p->dim, p->rank, p->size);
    for (int64_t i = 0; outside < 0 && i < p->size; i++)
        if (!isfinite(v[i]))
            outside = i;
    if (outside < 0)
        return true;
    return sgrt_fail(e, "param %s: element %lld of the initial value, %g, does not lie inside %s",
                     p->name, (long long)outside, value,
                     sgrt_constraint_text(in, sizeof in, &p->in));
}

bool sgrt_init_tensor(const SgrtParam *p, int64_t seed, double *out, SgrtError *e)
{
    double first = (double)first_axis(p), last = (double)last_axis(p);
    double glorot = sqrt(6 / (first + last));
    switch (p->init) {
    case SGRT_INIT_NORMAL:
        sgrt_fill_normal(out, p->size, seed, p->name, p->a);
        return true;
    case SGRT_INIT_UNIFORM:
        sgrt_fill_uniform(out, p->size, seed, p->name, p->a, p->b);
        return true;
    case SGRT_INIT_GLOROT:
        sgrt_fill_uniform(out, p->size, seed, p->name, -glorot, glorot);
        return true;
    case SGRT_INIT_HE:
        sgrt_fill_normal(out, p->size, seed, p->name, sqrt(2 / first));
        return true;
    case SGRT_INIT_ORTHOGONAL:
        return fill_orthogonal(p, seed, out, e);
    default:
        return fill_value(p, out, e) && unconstrain(p, out, e);
    }
}

static bool init_param(SgrtParams *params, int64_t i, int64_t seed, SgrtError *e)
{
    const SgrtParam *p = &params->model->param[i];
    if (params->model->real == SGRT_F64)
        return sgrt_init_tensor(p, seed, params->value[i], e);
    double *wide = sgrt_alloc(p->size, sizeof *wide, e);
    bool filled = wide && sgrt_init_tensor(p, seed, wide, e);
    for (int64_t k = 0; filled && k < p->size; k++)
        ((float *)params->value[i])[k] = (float)wide[k];
    free(wide);
    return filled;
}

bool sgrt_init_params(SgrtParams *params, int64_t seed, SgrtError *e)
{
    for (int64_t i = 0; i < params->model->params; i++)
        if (!init_param(params, i, seed, e))
            return false;
    return true;
}
