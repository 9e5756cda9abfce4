#include "tests/changed.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool cert_accepted(const Cert *c)
{
    Diags *d = diags_new("certificate", NULL);
    bool ok = certify_check(c, d);
    diags_free(d);
    return ok;
}

typedef struct Mutants {
    const Cert *right;
    CertList *source_shape, *gradient_shape;
    CertWorld world[2];
    bool *adds_up;         /* source nodes that are sums of costs */
    uint32_t points, step; /* every step-th is tried */
    Judged judged;
} Mutants;

static bool same_array(const double *a, const double *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(a[i] - b[i]) <= 1e-8 * (1 + fabs(b[i]))) && !(isnan(a[i]) && isnan(b[i])))
            return false;
    return true;
}

/* Does the mutant, which was accepted, claim what its source graph has by definition? */
static bool is_right(const Mutants *m, const Cert *c)
{
    Arena *a = arena_new();
    Cert derived = *c;
    CertSlot *slot = arena_array(a, CertSlot, c->inputs + 1);
    cert_derive(a, c, &derived.source, slot);
    bool right = true;
    for (int k = 0; k < 2; k++) {
        double **mine = cert_run(a, c, &derived.source, &m->world[k]);
        double **theirs = cert_run(a, c, &c->gradient, &m->world[k]);
        for (uint32_t i = 0; i < c->outputs && mine && theirs; i++) {
            CertOutput o = c->output[i];
            right &= same_array(mine[slot[o.input]], theirs[o.slot],
                                cert_elements(&m->world[k], c->input[o.input].shape));
        }
        right &= mine && theirs;
    }
    arena_free(a);
    return right;
}

static void judge(Mutants *m, const Cert *c, const char *what, uint32_t at)
{
    if (c != m->right && m->points++ % m->step != 0)
        return;
    m->judged.made++;
    bool ok = cert_accepted(c);
    bool rare = strcmp(what, "a dropped cost") == 0; /* all of them are kept */
    certificate_keep(c, c == m->right || rare ? 0 : m->judged.made, ok,
                     c == m->right ? NULL : what);
    if (!ok)
        m->judged.rejected++;
    else
        ck_assert_msg(is_right(m, c), "%s, graph %s: accepted with %s at %u", c->model, c->graph,
                      what, at);
}

/* The certificate with another node in the place of one. */
static void try_node(Mutants *m, bool source, uint32_t i, CertNode n, const char *what)
{
    Cert c = *m->right;
    CertProgram *p = source ? &c.source : &c.gradient;
    CertNode *node = malloc((p->count + 1) * sizeof *node);
    memcpy(node, p->node, p->count * sizeof *node);
    node[i] = n;
    p->node = node;
    judge(m, &c, what, i);
    free(node);
}

/* A slot before `at` of the same shape as slot s, other than it: the nearest; or s. */
static CertSlot other_slot(const CertList *shape, CertSlot s, CertSlot at, bool below)
{
    for (CertSlot k = 1; k < at; k++) {
        CertSlot x = below ? s - k : s + k;
        if ((below && k > s) || (!below && x >= at))
            break;
        if (cert_same(shape[x], shape[s]))
            return x;
    }
    return s;
}

/* A sum for a difference is a sign; every other function is another one. */
static const char *function_changed(CertFn from, CertFn to)
{
    bool sign = (from == CERT_ADD && to == CERT_SUB) || (from == CERT_SUB && to == CERT_ADD);
    return sign ? "a flipped sign" : "another function";
}

static void change_function(Mutants *m, bool source, uint32_t i, CertNode n)
{
    CertFn right = n.op.fn;
    for (unsigned f = 0; f < CERT_FNS; f++)
        if (f != right && f != CERT_AFFINE && cert_fn[f].operands == cert_fn[right].operands) {
            n.op.fn = (CertFn)f;
            try_node(m, source, i, n, function_changed(right, (CertFn)f));
        }
}

static void change_constants(Mutants *m, bool source, uint32_t i, CertNode n)
{
    Fractions *f = m->right->fractions;
    Fraction a = n.op.a, b = n.op.b;
    bool affine = n.op.form == CERT_MAP1 && n.op.fn == CERT_AFFINE;
    if (!affine && n.op.form != CERT_CONST)
        return;
    n.op.a = fraction_mul(f, a, FRACTION_MINUS_1);
    try_node(m, source, i, n, "a flipped sign");
    n.op.a = fraction_add(f, a, FRACTION_1);
    try_node(m, source, i, n, "another constant");
    n.op.a = a;
    n.op.b = fraction_add(f, b, FRACTION_1);
    if (affine)
        try_node(m, source, i, n, "another constant");
}

CertList cert_with(Arena *a, CertList list, uint32_t at, uint32_t v)
{
    uint32_t *copy = arena_array(a, uint32_t, list.count + 1);
    for (uint32_t i = 0; i < list.count; i++)
        copy[i] = i == at ? v : list.at[i];
    return (CertList){list.count, copy};
}

/* Other axes, other sizes. */
static void change_lists(Mutants *m, bool source, uint32_t i, CertNode n)
{
    CertList *list[] = {&n.op.axes, &n.op.i, &n.op.j, &n.op.o};
    for (int k = 0; k < 4; k++)
        for (uint32_t at = 0; at < list[k]->count; at++) {
            CertList right = *list[k];
            uint32_t limit = k == 0 ? m->right->sizes : n.op.axes.count;
            for (uint32_t v = 0; v < limit; v++)
                if (v != right.at[at]) {
                    *list[k] = cert_with(m->right->arena, right, at, v);
                    try_node(m, source, i, n, "another axis");
                }
            *list[k] = right;
        }
}

static void change_operands(Mutants *m, bool source, uint32_t i, CertNode n)
{
    const CertList *shape = source ? m->source_shape : m->gradient_shape;
    CertSlot at = m->right->inputs + i;
    for (uint32_t k = 0; k < cert_operands(&n.op); k++)
        for (int below = 0; below < 2; below++) {
            CertNode wrong = n;
            wrong.in[k] = other_slot(shape, n.in[k], at, below);
            if (wrong.in[k] != n.in[k])
                try_node(m, source, i, wrong, "another operand");
        }
    if (cert_operands(&n.op) == 2 && n.in[0] != n.in[1]) {
        CertNode swapped = n;
        swapped.in[0] = n.in[1];
        swapped.in[1] = n.in[0];
        bool commutes = n.op.form == CERT_MAP2 && (n.op.fn == CERT_ADD || n.op.fn == CERT_MUL ||
                                                   n.op.fn == CERT_MIN || n.op.fn == CERT_MAX);
        try_node(m, source, i, swapped,
                 commutes ? "swapped operands of what commutes" : "swapped operands");
    }
    if (cert_operands(&n.op) == 2 && n.op.form == CERT_MAP2) /* one side dropped */
        for (int k = 0; k < 2; k++)
            try_node(m, source, i,
                     (CertNode){.op = {.form = CERT_MAP1, .fn = CERT_AFFINE, .a = FRACTION_1},
                                .in = {n.in[k]}},
                     source && m->adds_up[i] ? "a dropped cost" : "a dropped operand");
}

/* The sums that end in the cost. */
static void mark_sums(Mutants *m, CertSlot s)
{
    const Cert *c = m->right;
    if (s < c->inputs)
        return;
    const CertNode *n = &c->source.node[s - c->inputs];
    if (n->op.form != CERT_MAP2 || n->op.fn != CERT_ADD)
        return;
    m->adds_up[s - c->inputs] = true;
    mark_sums(m, n->in[0]);
    mark_sums(m, n->in[1]);
}

static void change_program(Mutants *m, bool source)
{
    const CertProgram *p = source ? &m->right->source : &m->right->gradient;
    for (uint32_t i = 0; i < p->count; i++) {
        const CertNode n = p->node[i];
        if (n.op.form == CERT_MAP1 || n.op.form == CERT_MAP2)
            change_function(m, source, i, n);
        change_constants(m, source, i, n);
        change_lists(m, source, i, n);
        change_operands(m, source, i, n);
    }
}

/* Gradients of the wrong slot; weights that are another slot; a cost that is another. */
static void change_outputs(Mutants *m, Arena *a)
{
    const Cert *right = m->right;
    Cert c = *right;
    c.output = arena_array(a, CertOutput, right->outputs + 1);
    for (uint32_t i = 0; i < right->outputs; i++)
        for (CertSlot s = right->inputs; s < right->inputs + right->gradient.count; s++) {
            memcpy(c.output, right->output, right->outputs * sizeof *c.output);
            c.output[i].slot = s;
            if (s != right->output[i].slot &&
                cert_same(m->gradient_shape[s], m->gradient_shape[right->output[i].slot]))
                judge(m, &c, "the gradient of another slot", s);
        }
}

static void change_weights(Mutants *m, Arena *a)
{
    const Cert *right = m->right;
    Cert c = *right;
    c.score = arena_array(a, CertScore, right->scores + 1);
    for (uint32_t i = 0; i < right->scores; i++)
        for (CertSlot s = 0; s < right->inputs + right->source.count; s++) {
            memcpy(c.score, right->score, right->scores * sizeof *c.score);
            c.score[i].weight = s;
            if (s != right->score[i].weight &&
                cert_same(m->source_shape[s], m->source_shape[right->score[i].weight]))
                judge(m, &c, "another weight", s);
        }
}

static void change_cost(Mutants *m)
{
    const Cert *right = m->right;
    for (CertSlot s = 0; s < right->inputs + right->source.count; s++) {
        Cert c = *right;
        c.cost = s;
        if (s != right->cost && m->source_shape[s].count == 0)
            judge(m, &c, "another cost", s);
    }
}

Judged cert_change(const Cert *c, uint32_t step)
{
    Arena *a = arena_new();
    Mutants m = {.right = c, .step = step};
    uint32_t bad;
    m.source_shape = arena_array(a, CertList, c->inputs + c->source.count + 1);
    m.gradient_shape = arena_array(a, CertList, c->inputs + c->gradient.count + 1);
    ck_assert(cert_infer(a, c, &c->source, m.source_shape, &bad));
    ck_assert(cert_infer(a, c, &c->gradient, m.gradient_shape, &bad));
    m.adds_up = arena_array(a, bool, c->source.count + 1);
    mark_sums(&m, c->cost);
    for (int k = 0; k < 2; k++)
        m.world[k] = cert_world(a, c, (uint64_t)k + 11);
    change_program(&m, false);
    change_program(&m, true);
    change_outputs(&m, a);
    change_weights(&m, a);
    change_cost(&m);
    judge(&m, c, "nothing changed", 0);
    arena_free(a);
    return m.judged;
}
