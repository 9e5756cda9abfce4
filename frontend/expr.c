/* Expressions, one rule a kind.  What is known at compile time is computed here, so that sizes and
 * constants need no language of their own. */
#include "frontend/fe.h"

#include <math.h>
#include <string.h>

static const Value failed = {.kind = VALUE_ERROR};

/* ---- arithmetic on what is known ----------------------------------------------------------- */

typedef bool Exact(int64_t a, int64_t b, int64_t *out);

static Value whole(Fe *fe, Span at, Exact *op, int64_t a, int64_t b)
{
    int64_t v;
    return op(a, b, &v) ? fe_integer(v)
                        : fe_error(fe, at, SG0003, "the integer is larger than 2^53");
}

static Value divide_exactly(Fe *fe, Span at, int64_t a, int64_t b)
{
    if (b == 0)
        return fe_error(fe, at, SG0207, "%lld / 0 is no size", (long long)a);
    if (a % b != 0)
        return fe_error(fe, at, SG0207, "%lld / %lld leaves a remainder: sizes divide exactly",
                        (long long)a, (long long)b);
    return fe_integer(a / b);
}

/* False: integers do not stay integers here. */
static bool of_integers(Fe *fe, Span at, TokenKind op, int64_t a, int64_t b, Value *out)
{
    switch (op) {
    case TOK_PLUS: *out = whole(fe, at, fe_add, a, b); return true;
    case TOK_MINUS: *out = whole(fe, at, fe_add, a, -b); return true;
    case TOK_TIMES: *out = whole(fe, at, fe_multiply, a, b); return true;
    case TOK_OVER:
        if (fe->sizes)
            *out = divide_exactly(fe, at, a, b);
        return fe->sizes;
    default: return false;
    }
}

static bool of_numbers(TokenKind op, double a, double b, Value *out)
{
    switch (op) {
    case TOK_PLUS: *out = fe_number(a + b); return true;
    case TOK_MINUS: *out = fe_number(a - b); return true;
    case TOK_TIMES: *out = fe_number(a * b); return true;
    case TOK_OVER: *out = fe_number(a / b); return true;
    case TOK_POWER: *out = fe_number(pow(a, b)); return true;
    default: return false;
    }
}

/* t + 1, 1 + t, t - 1: still known to step. */
static bool of_step(TokenKind op, Value a, Value b, Value *out)
{
    bool plus = op == TOK_PLUS, minus = op == TOK_MINUS;
    if (plus && a.kind == VALUE_INTEGER && b.kind == VALUE_STEP)
        return of_step(op, b, a, out);
    if (a.kind != VALUE_STEP || b.kind != VALUE_INTEGER || !(plus || minus))
        return false;
    *out = a;
    return fe_add(a.integer, minus ? -b.integer : b.integer, &out->integer);
}

static bool known_arithmetic(Fe *fe, Span at, TokenKind op, Value a, Value b, Value *out)
{
    double x, y;
    if (a.kind == VALUE_INTEGER && b.kind == VALUE_INTEGER &&
        of_integers(fe, at, op, a.integer, b.integer, out))
        return true;
    if (of_step(op, a, b, out))
        return true;
    return fe_known(a, &x) && fe_known(b, &y) && of_numbers(op, x, y, out);
}

/* ---- operators ----------------------------------------------------------------------------- */

static IrOp op_of(TokenKind k)
{
    switch (k) {
/* clang-format off */
#define BINARY_WORD(id, text, level, op) case TOK_##id: return IR_##op;
#define BINARY(id, text, level, op) case TOK_##id: return IR_##op;
#include "frontend/token.def"
    /* clang-format on */
    default: return IR_POW;
    }
}

static Value do_not_fit(Fe *fe, Span at, IrRef a, IrRef b)
{
    IrType ta = fe_type(fe, a), tb = fe_type(fe, b);
    long long last = (long long)ta.dim[ta.rank - 1], first = (long long)tb.dim[0];
    fe_error(fe, at, SG0203,
             "`@` contracts the last axis of %s with the first of %s, but %lld is not %lld",
             fe_shape_text(fe, &ta), fe_shape_text(fe, &tb), last, first);
    diag_label(fe->diags, "inner sizes %lld and %lld", last, first);
    fe_note_origin(fe, a);
    fe_note_origin(fe, b);
    return failed;
}

static Value matmul(Fe *fe, Span at, Value x, Value y)
{
    IrRef a = fe_real(fe, at, x), b = fe_real(fe, at, y);
    if (a == IR_NONE || b == IR_NONE)
        return failed;
    IrType ta = fe_type(fe, a), tb = fe_type(fe, b);
    if (ta.rank == 0 || tb.rank == 0)
        return fe_error(fe, at, SG0203,
                        "`@` contracts an axis, but one side is a scalar: write `*`");
    if (ta.dim[ta.rank - 1] != tb.dim[0])
        return do_not_fit(fe, at, a, b);
    if (ta.rank + tb.rank - 2 > IR_MAX_RANK)
        return fe_error(fe, at, SG0206, "a value would have more than %d axes", IR_MAX_RANK);
    fe->g->here = at;
    IrRef r = ir_matmul(fe->g, a, b);
    IrType t = fe_type(fe, r);
    return fe_fits(fe, at, &t) ? fe_value(r) : failed;
}

/* Powers are real; the usual ones have their own op. */
static Value power(Fe *fe, Span at, Value a, Value b)
{
    if (b.kind == VALUE_INTEGER && (b.integer == 1 || b.integer == 2)) {
        IrRef r = fe_real(fe, at, a);
        return b.integer == 1 || r == IR_NONE ? fe_value(r)
                                              : fe_build(fe, at, IR_SQUARE, (IrAttr){0}, 1, &r);
    }
    return fe_elementwise(fe, at, "`^`", IR_POW, 2, (Value[]){a, b});
}

Value fe_arithmetic(Fe *fe, Span at, TokenKind op, Value a, Value b)
{
    Value out;
    if (a.kind == VALUE_ERROR || b.kind == VALUE_ERROR)
        return failed;
    if (known_arithmetic(fe, at, op, a, b, &out))
        return out;
    if (op == TOK_AT)
        return matmul(fe, at, a, b);
    if (op == TOK_POWER)
        return power(fe, at, a, b);
    const char *what = arena_printf(fe->arena, "`%s`", fe_token_text[op]);
    bool swapped = op == TOK_GT || op == TOK_GE;
    return fe_elementwise(fe, at, what, op_of(op), 2, swapped ? (Value[]){b, a} : (Value[]){a, b});
}

static Value negate(Fe *fe, Span at, Value v)
{
    if (v.kind == VALUE_INTEGER)
        return fe_integer(-v.integer);
    if (v.kind == VALUE_NUMBER)
        return fe_number(-v.number);
    return fe_elementwise(fe, at, "`-`", IR_NEG, 1, &v);
}

static Value unary(Fe *fe, const Expr *e)
{
    Value v = fe_expr(fe, e->a);
    if (v.kind == VALUE_ERROR)
        return v;
    return e->op == TOK_MINUS ? negate(fe, e->at, v)
                              : fe_elementwise(fe, e->at, "`not`", IR_NOT, 1, &v);
}

static Value binary(Fe *fe, const Expr *e)
{
    Value a = fe_expr(fe, e->a);
    Value b = fe_expr(fe, e->b);
    return fe_arithmetic(fe, e->at, e->op, a, b);
}

/* The branch not taken contributes nothing, so an index out of range in it is no error. */
static Value conditional(Fe *fe, const Expr *e)
{
    Value c = fe_expr(fe, e->a);
    fe->branches++;
    Value yes = fe_expr(fe, e->b), no = fe_expr(fe, e->c);
    fe->branches--;
    IrRef condition = fe_node(fe, e->a->at, c);
    if (condition == IR_NONE || yes.kind == VALUE_ERROR || no.kind == VALUE_ERROR)
        return failed;
    if (fe_type(fe, condition).elem != IR_BOOL)
        return fe_error(fe, e->a->at, SG0202,
                        "`if` wants a bool, but this is %s: write a comparison",
                        ir_elem_name[fe_type(fe, condition).elem]);
    return fe_elementwise(fe, e->at, "`if`", IR_SELECT, 3, (Value[]){fe_value(condition), yes, no});
}

/* ---- leaves -------------------------------------------------------------------------------- */

static Value named(Fe *fe, const Expr *e)
{
    const Entry *entry = fe_lookup(fe, e, false);
    if (!entry)
        return failed;
    if (entry->kind == ENTRY_VALUE)
        return entry->value;
    if (!fe->g)
        return fe_error(fe, e->at, SG0205,
                        "`%s` is a %s: expected a number that is known when the model is compiled",
                        e->name, entry->kind == ENTRY_PARAM ? "param" : "hyper");
    return fe_value(entry->kind == ENTRY_PARAM ? fe_param_value(fe, e->at, entry->item)
                                               : fe_hyper_value(fe, e->at, entry->item));
}

static Value boolean(Fe *fe, const Expr *e)
{
    if (!fe->g)
        return fe_error(fe, e->at, SG0202, "expected a number, not a bool");
    fe->g->here = e->at;
    return fe_value(ir_typed(fe->g, IR_CONST, (IrAttr){.num = (double)e->integer},
                             ir_scalar_type(IR_BOOL, 0), 0, NULL));
}

/* [a, b]: equal shapes, joined on a new first axis. */
static Value list(Fe *fe, const Expr *e)
{
    IrRef *in = arena_array(fe->arena, IrRef, e->args.count + 1);
    if (e->args.count == 0)
        return fe_error(fe, e->at, SG0208, "an empty list has no type");
    if (!fe->g)
        return fe_error(fe, e->at, SG0208, "expected a number, not a list");
    for (uint32_t i = 0; i < e->args.count; i++) {
        const Arg *a = &e->args.arg[i];
        if (a->name || a->end)
            return fe_error(fe, a->value->at, SG0208, "expected a value in a list");
        in[i] = fe_node(fe, a->value->at, fe_expr(fe, a->value));
    }
    return fe_stack(fe, e, 0, e->args.count, in);
}

/* ---- the dispatcher ------------------------------------------------------------------------ */

static Value elaborate(Fe *fe, const Expr *e)
{
    switch (e->kind) {
    case EXPR_INTEGER: return fe_integer(e->integer);
    case EXPR_NUMBER: return fe_number(e->number);
    case EXPR_BOOL: return boolean(fe, e);
    case EXPR_NAME: return named(fe, e);
    case EXPR_CALL: return fe_call(fe, e);
    case EXPR_INDEX: return fe_index(fe, e);
    case EXPR_LIST: return list(fe, e);
    case EXPR_UNARY: return unary(fe, e);
    case EXPR_BINARY: return binary(fe, e);
    case EXPR_IF: return conditional(fe, e);
    }
    return failed;
}

/* Inlining and unrolling end, in time and in depth, whatever the file says. */
bool fe_spend(Fe *fe, Span at)
{
    if (diags_full(fe->diags) || fe->work > FE_WORK)
        return false;
    if (fe->depth >= FE_DEPTH)
        fe_error(fe, at, SG0006, "calls and expressions are nested more than %d deep", FE_DEPTH);
    else if (++fe->work > FE_WORK)
        fe_error(fe, at, SG0006,
                 "after inlining and unrolling the file has more than %d expressions", FE_WORK);
    else
        return true;
    return false;
}

Value fe_expr(Fe *fe, const Expr *e)
{
    if (!fe_spend(fe, e->at))
        return failed;
    fe->depth++;
    Value v = elaborate(fe, e);
    fe->depth--;
    return v;
}

/* ---- what must be known -------------------------------------------------------------------- */

static Value in_sizes(Fe *fe, const Expr *e)
{
    bool before = fe->sizes;
    fe->sizes = true;
    Value v = fe_expr(fe, e);
    fe->sizes = before;
    return v;
}

bool fe_static(Fe *fe, const Expr *e, const char *what, int64_t *out)
{
    Value v = in_sizes(fe, e);
    *out = v.integer;
    if (v.kind != VALUE_INTEGER && v.kind != VALUE_ERROR)
        fe_error(fe, e->at, SG0205,
                 "%s must be an integer that is known when the model is compiled", what);
    return v.kind == VALUE_INTEGER;
}

bool fe_size(Fe *fe, const Expr *e, const char *what, int64_t *out)
{
    enum { LARGEST = INT32_MAX }; /* of one axis: what BLAS takes */
    if (!fe_static(fe, e, what, out))
        return false;
    if (*out >= 1 && *out <= LARGEST)
        return true;
    fe_error(fe, e->at, SG0206, "%s must be between 1 and %d, not %lld", what, LARGEST,
             (long long)*out);
    return false;
}

bool fe_constant(Fe *fe, const Expr *e, const char *what, double *out)
{
    Value v = fe_expr(fe, e);
    if (fe_known(v, out) && isfinite(*out))
        return true;
    if (v.kind != VALUE_ERROR)
        fe_error(fe, e->at, SG0205,
                 "%s must be a finite number that is known when the model is compiled", what);
    return false;
}

bool fe_shape(Fe *fe, const Args *sizes, IrType *out)
{
    if (sizes->count > IR_MAX_RANK) {
        fe_error(fe, sizes->at, SG0206, "a value has at most %d axes", IR_MAX_RANK);
        return false;
    }
    bool ok = true;
    for (uint32_t i = 0; i < sizes->count; i++) {
        const Arg *a = &sizes->arg[i];
        if (a->name || a->end) {
            fe_error(fe, a->value->at, SG0206, "expected a size");
            return false;
        }
        ok = fe_size(fe, a->value, "a size", &out->dim[i]) && ok;
    }
    out->rank = sizes->count;
    int64_t n = 1;
    for (uint32_t i = 0; ok && i < out->rank; i++)
        if (!fe_multiply(n, out->dim[i], &n) || n > (int64_t)1 << 40) {
            fe_error(fe, sizes->at, SG0206, "the shape has more than 2^40 elements");
            return false;
        }
    return ok;
}

bool fe_mentions(const Expr *e, const char *name)
{
    if (!e)
        return false;
    if (e->kind == EXPR_NAME && strcmp(e->name, name) == 0)
        return true;
    for (uint32_t i = 0; i < e->args.count; i++)
        if (fe_mentions(e->args.arg[i].value, name) || fe_mentions(e->args.arg[i].end, name))
            return true;
    return fe_mentions(e->a, name) || fe_mentions(e->b, name) || fe_mentions(e->c, name);
}
