/* The evaluator: factorisations and solutions, by the textbook.  Golub & Van Loan, "Matrix
 * Computations", chapters 3 and 4. */
#include "ir/eval.h"

#include <math.h>
#include <string.h>

/* A square matrix, row by row, or its transpose. */
typedef struct Matrix {
    const double *x;
    int64_t size;
    bool transposed;
} Matrix;

static double entry(const Matrix *m, int64_t i, int64_t j)
{
    return m->transposed ? m->x[j * m->size + i] : m->x[i * m->size + j];
}

static void fill_nan(double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = NAN;
}

/* l l' = a, reading the lower triangle of a only; NaN if a is not positive definite. */
static void cholesky(double *l, const double *a, int64_t n)
{
    memset(l, 0, (size_t)(n * n) * sizeof *l);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            double s = a[i * n + j];
            for (int64_t k = 0; k < j; k++)
                s -= l[i * n + k] * l[j * n + k];
            if (i == j && !(s > 0)) {
                fill_nan(l, n * n);
                return;
            }
            l[i * n + j] = i == j ? sqrt(s) : s / l[j * n + j];
        }
}

/* In place, one right side: x[i] is x[i * stride]. */
static void solve_triangular(const Matrix *m, double *x, int64_t stride)
{
    for (int64_t step = 0; step < m->size; step++) {
        int64_t i = m->transposed ? m->size - 1 - step : step;
        double s = x[i * stride];
        for (int64_t k = 0; k < step; k++) {
            int64_t j = m->transposed ? m->size - 1 - k : k;
            s -= entry(m, i, j) * x[j * stride];
        }
        x[i * stride] = s / entry(m, i, i);
    }
}

static void swap_rows(double *lu, double *x, int64_t n, int64_t stride, int64_t i, int64_t j)
{
    for (int64_t k = 0; k < n; k++) {
        double t = lu[i * n + k];
        lu[i * n + k] = lu[j * n + k];
        lu[j * n + k] = t;
    }
    double t = x[i * stride];
    x[i * stride] = x[j * stride];
    x[j * stride] = t;
}

static int64_t pivot_row(const double *lu, int64_t n, int64_t column)
{
    int64_t best = column;
    for (int64_t i = column + 1; i < n; i++)
        if (fabs(lu[i * n + column]) > fabs(lu[best * n + column]))
            best = i;
    return best;
}

/* Subtracts multiples of row c from the rows below it. */
static void eliminate(double *lu, double *x, int64_t n, int64_t stride, int64_t c)
{
    for (int64_t i = c + 1; i < n; i++) {
        double factor = lu[i * n + c] / lu[c * n + c];
        for (int64_t k = c; k < n; k++)
            lu[i * n + k] -= factor * lu[c * n + k];
        x[i * stride] -= factor * x[c * stride];
    }
}

/* Gaussian elimination with partial pivoting, one right side, in place; NaN if m is singular. */
static void solve_general(const Matrix *m, double *lu, double *x, int64_t stride)
{
    int64_t n = m->size;
    bool singular = false;
    for (int64_t i = 0; i < n * n; i++)
        lu[i] = entry(m, i / n, i % n);
    for (int64_t c = 0; c < n && !singular; c++) {
        swap_rows(lu, x, n, stride, c, pivot_row(lu, n, c));
        singular = lu[c * n + c] == 0;
        eliminate(lu, x, n, stride, c);
    }
    for (int64_t i = n; i-- > 0;) {
        for (int64_t k = i + 1; k < n; k++)
            x[i * stride] -= lu[i * n + k] * x[k * stride];
        x[i * stride] = singular ? NAN : x[i * stride] / lu[i * n + i];
    }
}

static void factorise(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    const IrType *t[] = {&n->type, ir_operand_type(e, n, 0)};
    Nest nest;
    ir_nest_start(&nest);
    ir_nest_plates(e, &nest, n->type.plates, t, 2);
    do
        cholesky(e->value[r] + nest.at[0], ir_operand_value(e, n, 0) + nest.at[1], n->type.dim[0]);
    while (ir_nest_next(&nest));
}

/* b is a vector, or a matrix whose columns are the right sides. */
static void solve(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    const IrType *t[] = {&n->type, ir_operand_type(e, n, 0), ir_operand_type(e, n, 1)};
    int64_t size = t[1]->dim[0], columns = ir_elements(t[2]) / size;
    double *lu = arena_array(e->arena, double, (size_t)(size * size));
    Nest nest;
    ir_nest_start(&nest);
    ir_nest_plates(e, &nest, n->type.plates, t, 3);
    do {
        double *x = e->value[r] + nest.at[0];
        Matrix m = {ir_operand_value(e, n, 0) + nest.at[1], size, n->attr.k[0] != 0};
        memcpy(x, ir_operand_value(e, n, 1) + nest.at[2], (size_t)(size * columns) * sizeof *x);
        for (int64_t c = 0; c < columns; c++)
            if (n->op == IR_SOLVE_TRI)
                solve_triangular(&m, x + c, columns);
            else
                solve_general(&m, lu, x + c, columns);
    } while (ir_nest_next(&nest));
}

void ir_eval_linalg(Eval *e, IrRef r)
{
    if (e->g->node[r].op == IR_CHOLESKY)
        factorise(e, r);
    else
        solve(e, r);
}
