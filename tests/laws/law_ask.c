#include "tests/laws/law.h"

#include "passes/adjoint.h"

#include <math.h>
#include <stdlib.h>

Ask *ask_new(void)
{
    Ask *a = calloc(1, sizeof *a);
    if (!a)
        abort();
    a->arena = arena_new();
    ir_model_init(&a->model, a->arena);
    ir_graph_init(&a->graph, &a->model, "g", IR_ENTRY_EVAL);
    return a;
}

void ask_free(Ask *a)
{
    arena_free(a->arena);
    free(a);
}

IrRef ask_input(Ask *a, IrElem e, uint32_t rank, int64_t d0, int64_t d1, const double *value)
{
    IrType type = {.elem = e, .rank = rank};
    if (rank > 0)
        type.dim[0] = d0;
    if (rank > 1)
        type.dim[1] = d1;
    IrAttr attr = {.item = a->model.datas};
    *arena_push(a->arena, a->model.data, a->model.datas, IrData) =
        (IrData){.name = "x", .type = type};
    *arena_push(a->arena, a->input, a->inputs, const double *) = value;
    return ir_typed(&a->graph, IR_DATA, attr, type, 0, NULL);
}

IrRef ask_param(Ask *a, int64_t n, const double *value)
{
    IrType type = {.elem = IR_REAL, .rank = 1, .dim = {n}};
    IrAttr attr = {.item = a->model.params};
    *arena_push(a->arena, a->model.param, a->model.params, IrParam) =
        (IrParam){.name = arena_printf(a->arena, "p%u", attr.item), .type = type};
    *arena_push(a->arena, a->param, a->params, const double *) = value;
    return ir_typed(&a->graph, IR_PARAM, attr, type, 0, NULL);
}

void ask_slopes(Ask *a, IrRef r, int n, double *slope, int stride)
{
    IrRef *grad = arena_array(a->arena, IrRef, a->params + 1);
    EsSeed seed = {ir_sum_all(&a->graph, r), ir_const(&a->graph, 1)};
    es_adjoint(&a->graph, &seed, 1, NULL, 0, grad);
    for (size_t p = 0; p < a->params; p++) {
        const double *value = grad[p] == IR_NONE ? NULL : ask_value(a, grad[p]);
        for (int i = 0; i < n; i++)
            slope[i * stride + (int)p] = value ? value[i] : 0;
    }
}

const double *ask_value(Ask *a, IrRef r)
{
    IrEnv env = {.data = a->input, .param = a->param, .rows = 1, .total_rows = 1};
    double **value = arena_array(a->arena, double *, a->graph.count + 1);
    IrRef fault;
    if (!ir_eval(&a->graph, &env, a->arena, value, &fault))
        abort();
    return value[r];
}

/* Where the integrand is sampled: the position between 0 and 1, or beyond the finite end. */
static double place(double low, double high, double t, double *slope)
{
    double s = M_PI / 2 * sinh(t), ds = M_PI / 2 * cosh(t);
    if (isfinite(low) && isfinite(high)) {
        double left = 1 / (1 + exp(-2 * s)), right = 1 / (1 + exp(2 * s));
        *slope = (high - low) * 2 * left * right * ds;
        return t < 0 ? low + (high - low) * left : high - (high - low) * right;
    }
    *slope = exp(s) * ds;
    return isfinite(low) ? low + exp(s) : high - exp(s);
}

void quadrature(double low, double high, double *x, double *weight)
{
    const double end = isfinite(low) && isfinite(high) ? 4 : 6.2, h = 2 * end / (QUADRATURE - 1);
    for (int i = 0; i < QUADRATURE; i++) {
        double slope;
        x[i] = place(low, high, -end + i * h, &slope);
        weight[i] = h * slope;
    }
}
