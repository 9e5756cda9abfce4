#include "tests/laws/values.h"
#include "tests/laws/sum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 400, WIDEST = 2 };

/* The values of one copy: what is put in the place of the node, and the measure of it. */
typedef struct Values {
    int count;
    double at[MOST][WIDEST], weight[MOST];
} Values;

static void add(Values *v, double at, double weight)
{
    if (v->count == MOST)
        abort();
    v->at[v->count][0] = at;
    v->weight[v->count++] = weight;
}

/* ---- laws ----------------------------------------------------------------------------------- */

/* The trapezoidal rule over y, which has no end but where all is 0. */
static int steps(double reach, double step)
{
    return (int)(2 * reach / step) + 1;
}

/* At loc + scale sinh y. */
static void student_t(Values *v, double *const *arg)
{
    const double nu = *arg[0], step = 0.1;
    double norm = exp(lgamma((nu + 1) / 2) - lgamma(nu / 2)) / sqrt(nu * M_PI);
    for (int i = 0; i < steps(6, step); i++) {
        double y = step * i - 6, z = sinh(y);
        double density = norm * pow(1 + z * z / nu, -(nu + 1) / 2);
        add(v, *arg[1] + *arg[2] * z, step * cosh(y) * density);
    }
}

/* As many angles a turn. */
static void von_mises(Values *v, double *const *arg)
{
    enum { ANGLES = 56 };
    double sum = 0;
    for (int i = 0; i < ANGLES; i++) {
        double z = 2 * M_PI * i / ANGLES - M_PI;
        add(v, z, exp(*arg[1] * (cos(z - *arg[0]) - 1)));
        sum += v->weight[i];
    }
    for (int i = 0; i < ANGLES; i++)
        v->weight[i] /= sum;
}

/* At the log-odds 2 sinh y. */
static void log_odds(Values *v, double a, double b)
{
    const double step = 0.075;
    double norm = lgamma(a + b) - lgamma(a) - lgamma(b);
    for (int i = 0; i < steps(4.5, step); i++) {
        double y = step * i - 4.5, odds = 2 * sinh(y);
        double with = -log1p(exp(-odds)), without = -log1p(exp(odds));
        add(v, odds, step * 2 * cosh(y) * exp(norm + a * with + b * without));
    }
}

static void beta(Values *v, double *const *arg)
{
    log_odds(v, *arg[0], *arg[1]);
}

/* Of two elements, by their logarithms. */
static void dirichlet(Values *v, double *const *arg)
{
    log_odds(v, arg[0][0], arg[0][1]);
    for (int i = 0; i < v->count; i++) {
        double odds = v->at[i][0];
        v->at[i][0] = -log1p(exp(-odds));
        v->at[i][1] = -log1p(exp(odds));
    }
}

#define LEAST 1e-18 /* that a count weighs */

static void geometric(Values *v, double *const *arg)
{
    double p = *arg[0], weight = p;
    for (int n = 0; weight > LEAST; n++, weight *= 1 - p)
        add(v, n, weight);
}

static void poisson(Values *v, double *const *arg)
{
    double weight = exp(-*arg[0]);
    for (int n = 0; weight > LEAST || n <= *arg[0]; weight *= *arg[0] / ++n)
        add(v, n, weight);
}

/* log: what log-densities read is the logarithm that the draw is made of, or its log-odds. */
static const struct {
    void (*values)(Values *v, double *const *arg);
    bool log;
} rule[IR_DIST_COUNT] = {
    [IR_DIST_student_t] = {student_t, false},
    [IR_DIST_von_mises] = {von_mises, false},
    [IR_DIST_beta] = {beta, true},
    [IR_DIST_dirichlet] = {dirichlet, true},
    [IR_DIST_geometric] = {geometric, false},
    [IR_DIST_poisson] = {poisson, false},
};

bool values_know(IrDist law)
{
    return rule[law].values != NULL;
}

/* ---- the graph ------------------------------------------------------------------------------ */

static bool is_root(const IrNode *n)
{
    return n->op == IR_OBJECTIVE || n->op == IR_GRAD || n->op == IR_NEXT;
}

/* All that follows from a node but not through another. */
static bool *follows(const IrGraph *g, IrRef from, IrRef without, Arena *a)
{
    bool *in = arena_array(a, bool, g->count + 1);
    in[from] = true;
    for (IrRef r = from + 1; r < g->count; r++)
        for (uint32_t k = 0; k < g->node[r].n_in && r != without; k++)
            in[r] |= in[g->node[r].in[k]];
    return in;
}

static IrRef named(const IrGraph *g, const char *name)
{
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].name && strcmp(g->node[r].name, name) == 0)
            return r;
    abort();
}

/* The node that the value is put in the place of.  Nothing reads the noise around it. */
static IrRef value_node(const IrGraph *g, IrDist law, Arena *a)
{
    IrRef z = named(g, "z");
    IrRef at = rule[law].log ? g->node[z].in[0] : z;
    for (IrRef r = 0; r < g->count; r++) {
        const bool *around = g->node[r].op == IR_DRAW ? follows(g, r, at, a) : NULL;
        for (IrRef k = 0; around && k < g->count; k++)
            if (around[k] && is_root(&g->node[k]))
                abort();
    }
    return at;
}

/* ---- the sum -------------------------------------------------------------------------------- */

TapeResult values_expectation(const TapeModel *t, const IrGraph *g, const TapeInput *in)
{
    Values v = {0};
    Sum s = sum_of(t, g, in);
    rule[s.law].values(&v, s.arg);
    IrRef at = value_node(g, s.law, t->arena);
    const bool *moves = follows(g, at, IR_NONE, t->arena);
    IrRef *after = arena_array(t->arena, IrRef, g->count + 1);
    size_t made = 0, elements = (size_t)ir_elements(&g->node[at].type);
    for (IrRef r = at + 1; r < g->count; r++)
        if (moves[r])
            after[made++] = r;
    for (int i = 0; i < v.count; i++)
        for (int k = 0; k < v.count; k++) {
            memcpy(s.value[at], v.at[i], elements * sizeof(double));
            memcpy(s.value[at] + elements, v.at[k], elements * sizeof(double));
            sum_evaluate(&s, after, made);
            sum_add(&s, v.weight[i] * v.weight[k]);
        }
    return s.result;
}
