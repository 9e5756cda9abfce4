/* Values and nodes: constants become nodes when an operation needs them, ints become reals where a
 * real is wanted, and every disagreement is reported before a node is built. */
#include "frontend/fe.h"

#include <stdarg.h>
#include <string.h>

Value fe_error(Fe *fe, Span at, DiagCode code, const char *fmt, ...)
{
    char text[768];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    diag_error(fe->diags, at, code, "%s", text);
    return (Value){.kind = VALUE_ERROR};
}

void fe_offer(Fe *fe, Span at, const Suggestion *s)
{
    if (!s->best)
        return;
    diag_label(fe->diags, "did you mean `%s`?", s->best);
    diag_fix(fe->diags, at, s->best);
}

Value fe_integer(int64_t v)
{
    return (Value){.kind = VALUE_INTEGER, .integer = v};
}

Value fe_number(double v)
{
    return (Value){.kind = VALUE_NUMBER, .number = v};
}

Value fe_value(IrRef r)
{
    return (Value){.kind = r == IR_NONE ? VALUE_ERROR : VALUE_NODE, .ref = r};
}

bool fe_known(Value v, double *out)
{
    if (v.kind == VALUE_INTEGER)
        *out = (double)v.integer;
    if (v.kind == VALUE_NUMBER)
        *out = v.number;
    return v.kind == VALUE_INTEGER || v.kind == VALUE_NUMBER;
}

/* Integers stay exact in the doubles of constants. */
static const int64_t largest_integer = (int64_t)1 << 53;

bool fe_add(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_add_overflow(a, b, out) && *out <= largest_integer &&
           *out >= -largest_integer;
}

bool fe_multiply(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_mul_overflow(a, b, out) && *out <= largest_integer &&
           *out >= -largest_integer;
}

IrType fe_type(const Fe *fe, IrRef r)
{
    return ir_at(fe->g, r)->type;
}

const char *fe_shape_text(const Fe *fe, const IrType *t)
{
    return t->rank ? ir_shape_text(fe->arena, t) : "a scalar";
}

/* ---- nodes --------------------------------------------------------------------------------- */

/* The nodes of a value are built where it is used, and shown there. */
IrRef fe_node(Fe *fe, Span at, Value v)
{
    if (v.kind == VALUE_ERROR)
        return IR_NONE;
    if (!fe->g) {
        fe_error(fe, at, SG0205, "expected a number that is known when the model is compiled");
        return IR_NONE;
    }
    fe->g->here = at;
    switch (v.kind) {
    case VALUE_INTEGER: return ir_int(fe->g, v.integer);
    case VALUE_NUMBER: return ir_const(fe->g, v.number);
    case VALUE_STEP: return ir_index(fe->g, v.plate, v.integer);
    case VALUE_NODE: return v.ref;
    case VALUE_SEQUENCE: return fe_sequence_stack(fe, at, v.sequence);
    default: break;
    }
    fe_error(fe, at, SG0204,
             "expected a value, but this is a law: a draw from it is written `z ~ %s(…)`",
             ir_dist_info[v.law->dist].name);
    return IR_NONE;
}

static IrRef to_real(Fe *fe, Span at, IrRef r)
{
    if (r == IR_NONE || fe_type(fe, r).elem == IR_REAL)
        return r;
    if (fe_type(fe, r).elem == IR_BOOL) {
        fe_error(fe, at, SG0202,
                 "expected a number, but this is a bool: write `if … then 1 else 0`");
        return IR_NONE;
    }
    fe->g->here = at;
    return ir_real(fe->g, r);
}

IrRef fe_real(Fe *fe, Span at, Value v)
{
    if (v.kind == VALUE_INTEGER)
        v = fe_number((double)v.integer);
    return to_real(fe, at, fe_node(fe, at, v));
}

/* ---- sizes --------------------------------------------------------------------------------- */

/* More elements than any machine holds: what is counted below fits an int64_t. */
static const int64_t most_elements = (int64_t)1 << 40;

bool fe_fits(Fe *fe, Span at, const IrType *t)
{
    int64_t n = 1;
    bool ok = true;
    for (uint32_t i = 0; i < t->rank; i++)
        ok = ok && fe_multiply(n, t->dim[i], &n) && n <= most_elements;
    for (uint32_t p = 0; p < fe->g->plates; p++)
        if (t->plates >> p & 1)
            ok = ok && fe_multiply(n, fe->g->plate[p].size, &n) && n <= most_elements;
    if (!ok)
        fe_error(fe, at, SG0206, "a value of type %s has more than 2^40 elements",
                 ir_type_text(fe->g, t));
    return ok;
}

Value fe_build(Fe *fe, Span at, IrOp op, IrAttr attr, uint32_t n, const IrRef *in)
{
    for (uint32_t i = 0; i < n; i++)
        if (in[i] == IR_NONE)
            return (Value){.kind = VALUE_ERROR};
    char why[256];
    IrType t;
    fe->g->here = at;
    if (!ir_infer(fe->g, op, attr, n, in, &t, why, sizeof why))
        return fe_error(fe, at, SG0217, "%s", why);
    if (!fe_fits(fe, at, &t))
        return (Value){.kind = VALUE_ERROR};
    return fe_value(ir_node(fe->g, op, attr, n, in));
}

Value fe_reshape(Fe *fe, Span at, IrRef a, uint32_t rank, const int64_t *dim)
{
    if (a == IR_NONE)
        return (Value){.kind = VALUE_ERROR};
    IrType t = ir_scalar_type(fe_type(fe, a).elem, fe_type(fe, a).plates);
    t.rank = rank;
    for (uint32_t i = 0; i < rank; i++)
        t.dim[i] = dim[i];
    IrType from = fe_type(fe, a);
    if (ir_same_shape(&t, &from))
        return fe_value(a);
    fe->g->here = at;
    return fe_value(ir_typed(fe->g, IR_RESHAPE, (IrAttr){0}, t, 1, &a));
}

IrRef fe_spread(Fe *fe, IrRef a, const IrType *t)
{
    if (a != IR_NONE && fe_type(fe, a).rank == 0)
        for (uint32_t i = t->rank; i-- > 0;)
            a = ir_expand(fe->g, a, 0, t->dim[i]);
    return a;
}

/* ---- element-wise -------------------------------------------------------------------------- */

/* b is what a becomes when leading axes are added. */
static bool is_suffix(const IrType *a, const IrType *b)
{
    if (a->rank >= b->rank)
        return false;
    uint32_t lead = b->rank - a->rank;
    return memcmp(a->dim, b->dim + lead, a->rank * sizeof *a->dim) == 0;
}

static void help_broadcast(Fe *fe, Span at, const IrType *a, const IrType *b)
{
    const IrType *larger = is_suffix(a, b) ? b : is_suffix(b, a) ? a : NULL;
    if (larger)
        diag_help(fe->diags, at, "`broadcast(e, %s)` adds leading axes",
                  ir_shape_text(fe->arena, larger));
}

void fe_note_origin(Fe *fe, IrRef r)
{
    const IrNode *n = &fe->g->node[r];
    const IrModel *m = fe->model;
    IrType t = fe_type(fe, r);
    if (n->op != IR_PARAM && n->op != IR_DATA)
        return;
    Span at = n->op == IR_PARAM ? m->param[n->attr.item].at : m->data[n->attr.item].at;
    diag_note(fe->diags, at, "%s %s is declared here",
              n->op == IR_PARAM ? m->param[n->attr.item].name : m->data[n->attr.item].name,
              fe_shape_text(fe, &t));
}

bool fe_broadcast(Fe *fe, Span at, const char *what, IrType *joined, const IrType *t)
{
    joined->plates |= t->plates;
    if (t->rank == 0 || ir_same_shape(t, joined))
        return true;
    if (joined->rank != 0) {
        fe_error(fe, at, SG0201, "%s have shapes %s and %s", what, ir_shape_text(fe->arena, joined),
                 ir_shape_text(fe->arena, t));
        help_broadcast(fe, at, joined, t);
        return false;
    }
    joined->rank = t->rank;
    memcpy(joined->dim, t->dim, sizeof joined->dim);
    return true;
}

/* What the operands of an op must be. */
typedef enum Wants { WANTS_NUMBERS, WANTS_REALS, WANTS_EQUALS, WANTS_BOOLS, WANTS_BRANCHES } Wants;

static Wants wants(IrOp op)
{
    switch (op) {
    case IR_ADD:
    case IR_SUB:
    case IR_MUL:
    case IR_MIN:
    case IR_MAX:
    case IR_NEG:
    case IR_ABS:
    case IR_SIGN:
    case IR_SQUARE:
    case IR_RELU:
    case IR_LT:
    case IR_LE: return WANTS_NUMBERS;
    case IR_EQ:
    case IR_NE: return WANTS_EQUALS;
    case IR_AND:
    case IR_OR:
    case IR_NOT: return WANTS_BOOLS;
    case IR_SELECT: return WANTS_BRANCHES;
    default: return WANTS_REALS;
    }
}

static bool any_is(const Fe *fe, uint32_t n, const IrRef *in, IrElem e)
{
    for (uint32_t i = 0; i < n; i++)
        if (fe_type(fe, in[i]).elem == e)
            return true;
    return false;
}

static bool all_are(const Fe *fe, uint32_t n, const IrRef *in, IrElem e)
{
    for (uint32_t i = 0; i < n; i++)
        if (fe_type(fe, in[i]).elem != e)
            return false;
    return true;
}

/* Numbers meet as ints if all are, else as reals; bools meet bools only. */
static bool unify(Fe *fe, Span at, const char *what, uint32_t n, IrRef *in, bool real)
{
    if (!real && all_are(fe, n, in, fe_type(fe, in[0]).elem))
        return true;
    if (any_is(fe, n, in, IR_BOOL)) {
        fe_error(fe, at, SG0202, "%s takes numbers, not bool: write `if … then 1 else 0`", what);
        return false;
    }
    for (uint32_t i = 0; i < n; i++)
        in[i] = to_real(fe, at, in[i]);
    return true;
}

static bool convert(Fe *fe, Span at, const char *what, Wants w, uint32_t n, IrRef *in)
{
    switch (w) {
    case WANTS_BOOLS:
        if (!all_are(fe, n, in, IR_BOOL)) {
            fe_error(fe, at, SG0202, "%s takes bools, such as `h == 1`", what);
            return false;
        }
        return true;
    case WANTS_BRANCHES: return unify(fe, at, what, 2, in + 1, false);
    case WANTS_NUMBERS:
        if (any_is(fe, n, in, IR_BOOL)) {
            fe_error(fe, at, SG0202, "%s takes numbers, not bool: write `if … then 1 else 0`",
                     what);
            return false;
        }
        return unify(fe, at, what, n, in, false);
    default: return unify(fe, at, what, n, in, w == WANTS_REALS);
    }
}

/* Integer constants last, when it is known whether they stand among reals. */
static bool operand_nodes(Fe *fe, Span at, bool real, uint32_t n, const Value *operand, IrRef *in)
{
    bool ok = true;
    for (uint32_t i = 0; i < n; i++) {
        in[i] = operand[i].kind == VALUE_INTEGER ? IR_NONE : fe_node(fe, at, operand[i]);
        real = real || (in[i] != IR_NONE && fe_type(fe, in[i]).elem == IR_REAL);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (operand[i].kind == VALUE_INTEGER)
            in[i] = real ? fe_real(fe, at, operand[i]) : fe_node(fe, at, operand[i]);
        ok = ok && in[i] != IR_NONE;
    }
    return ok;
}

Value fe_elementwise(Fe *fe, Span at, const char *what, IrOp op, uint32_t n, const Value *operand)
{
    IrRef in[3];
    IrType joined = {0};
    Wants w = wants(op);
    if (!operand_nodes(fe, at, w == WANTS_REALS, n, operand, in) ||
        !convert(fe, at, what, w, n, in))
        return (Value){.kind = VALUE_ERROR};
    const char *operands = arena_printf(fe->arena, "the operands of %s", what);
    for (uint32_t i = 0; i < n; i++) {
        IrType t = fe_type(fe, in[i]);
        if (!fe_broadcast(fe, at, operands, &joined, &t)) {
            for (uint32_t k = 0; k < n; k++)
                fe_note_origin(fe, in[k]);
            return (Value){.kind = VALUE_ERROR};
        }
    }
    return fe_build(fe, at, op, (IrAttr){0}, n, in);
}
