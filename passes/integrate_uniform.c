/* Means of polynomials of a uniform draw. */
#include "passes/integrate.h"

#include <math.h>

enum { DEGREE = 8 };

/* Coefficients of w^k, where z = m + h w and w is uniform on [-1, 1]: about the middle nothing
 * cancels, however far it lies from 0. */
typedef struct Polynomial {
    IrRef c[DEGREE + 1];
    int degree;
} Polynomial;

static bool multiplied(IrGraph *g, const Polynomial *a, const Polynomial *b, Polynomial *p)
{
    *p = (Polynomial){.degree = a->degree + b->degree};
    if (p->degree > DEGREE)
        return false;
    for (int k = 0; k <= p->degree; k++)
        p->c[k] = ir_const(g, 0);
    for (int i = 0; i <= a->degree; i++)
        for (int k = 0; k <= b->degree; k++)
            p->c[i + k] = ig_plus(g, p->c[i + k], ig_product(g, a->c[i], b->c[k]));
    return true;
}

static bool polynomial(Integral *t, IrRef e, Polynomial *p);

static bool polynomial_power(Integral *t, IrRef e, double power, Polynomial *p)
{
    Polynomial base, so_far;
    if (!(power >= 1 && power <= DEGREE && power == floor(power)) || !polynomial(t, e, &base))
        return false;
    *p = base;
    for (int k = 1; k < (int)power; k++) {
        so_far = *p;
        if (!multiplied(t->g, &so_far, &base, p))
            return false;
    }
    return true;
}

static bool polynomial_sum(Integral *t, const IrNode *n, Polynomial *p)
{
    IrGraph *g = t->g;
    Polynomial b;
    if (!polynomial(t, n->in[0], p) || !polynomial(t, n->in[1], &b))
        return false;
    for (; p->degree < b.degree; p->degree++)
        p->c[p->degree + 1] = ir_const(g, 0);
    for (int k = 0; k <= b.degree; k++)
        p->c[k] = n->op == IR_ADD ? ig_plus(g, p->c[k], b.c[k]) : ig_less(g, p->c[k], b.c[k]);
    return true;
}

static bool polynomial(Integral *t, IrRef e, Polynomial *p)
{
    IrGraph *g = t->g;
    IrNode n = g->node[e];
    Polynomial a, b;
    if (!ig_depends(t, e)) {
        *p = (Polynomial){.c = {e}};
        return true;
    }
    if (e == t->z) {
        IrRef half = ir_const(g, 0.5), low = t->draw.in[0], high = t->draw.in[1];
        *p = (Polynomial){
            .c = {ig_mean_of(t, ATOM_VALUE), ig_product(g, half, ig_less(g, high, low))},
            .degree = 1};
        return true;
    }
    switch (n.op) {
    case IR_ADD:
    case IR_SUB:
        return polynomial_sum(t, &n, p);
    case IR_MUL:
        return polynomial(t, n.in[0], &a) && polynomial(t, n.in[1], &b) && multiplied(g, &a, &b, p);
    case IR_SQUARE:
        return polynomial_power(t, n.in[0], 2, p);
    case IR_POW:
        return g->node[n.in[1]].op == IR_CONST &&
               polynomial_power(t, n.in[0], g->node[n.in[1]].attr.num, p);
    case IR_NEG:
    case IR_DIV:
        if ((n.op == IR_DIV && ig_depends(t, n.in[1])) || !polynomial(t, n.in[0], p))
            return false;
        for (int k = 0; k <= p->degree; k++)
            p->c[k] = n.op == IR_NEG ? ig_negated(g, p->c[k]) : ig_quotient(g, p->c[k], n.in[1]);
        return true;
    default:
        return false;
    }
}

/* E w^k is 1 / (k + 1) for even k and 0 for odd ones. */
IrRef ig_expected_polynomial(Integral *t, IrRef e)
{
    IrGraph *g = t->g;
    Polynomial p;
    if (t->draw.attr.dist != IR_DIST_uniform || !polynomial(t, e, &p))
        return IR_NONE;
    IrRef sum = p.c[0];
    for (int k = 2; k <= p.degree; k += 2)
        sum = ig_plus(g, sum, ig_product(g, ir_const(g, 1.0 / (k + 1)), p.c[k]));
    return sum;
}
