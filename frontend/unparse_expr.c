/* Expressions of an estimator graph, with the parentheses that the grammar asks for. */
#include "frontend/unparse_graph.h"

#include "frontend/frontend.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ---------------------------------------------------------------------------------- */

UpText up_atom(const char *s)
{
    return (UpText){s, UP_ATOM};
}

const char *up_tight(Unparse *u, UpText t, int level)
{
    return t.level >= level ? t.s : arena_printf(u->p->arena, "(%s)", t.s);
}

const char *up_operand(Unparse *u, IrRef r, uint32_t i, UpPos pos, int level)
{
    return up_tight(u, up_text(u, u->g.node[r].in[i], pos), level);
}

/* The shortest decimal that reads back as the same number; `real`: not an integer of the grammar.
 */
const char *up_number(Arena *a, double v, bool real)
{
    char text[40];
    if (isnan(v))
        return "(0.0 / 0.0)";
    if (isinf(v))
        return v > 0 ? "(1.0 / 0.0)" : "(-1.0 / 0.0)";
    for (int digits = v == floor(v) && fabs(v) < 1e15 ? 15 : 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    bool whole = !strpbrk(text, ".e");
    char *dot = strpbrk(text, ".e");
    if (dot && *dot == 'e') /* 1e+20 */
        return arena_printf(a, "%.*s.0%s", (int)(dot - text), text, dot);
    return arena_printf(a, "%s%s", text, whole && real ? ".0" : "");
}

const char *up_shape(Unparse *u, uint32_t rank, const int64_t *dim)
{
    const char *s = "[";
    for (uint32_t i = 0; i < rank; i++)
        s = arena_printf(u->p->arena, "%s%s%" PRId64, s, i ? ", " : "", dim[i]);
    return arena_printf(u->p->arena, "%s]", s);
}

/* A constant of the shape of t. */
static const char *constant(Unparse *u, double v, const IrType *t)
{
    const char *s = t->elem == IR_BOOL ? v != 0 ? "true" : "false"
                                       : up_number(u->p->arena, v, t->elem == IR_REAL);
    return t->rank ? arena_printf(u->p->arena, "broadcast(%s, %s)", s, up_shape(u, t->rank, t->dim))
                   : s;
}

const char *up_zeros(Unparse *u, const IrType *t)
{
    return constant(u, 0, t);
}

/* ---- copies and steps ---------------------------------------------------------------------- */

/* The loop variable plus or minus, as the number of a step: "t", "t + 1", "49 - t". */
typedef struct Step {
    int sign;
    int64_t offset;
} Step;

/* The copy of the step plate that a loop is at. */
static Step copy_of(const Unparse *u, const UpLoop *loop)
{
    int64_t last = u->g.plate[loop->plate].size - 1;
    return loop->reverse ? (Step){-1, last + loop->base} : (Step){1, -loop->base};
}

static const char *step_text(Unparse *u, int32_t plate, Step s)
{
    const char *t = u->plate[plate].name;
    if (s.sign < 0)
        return arena_printf(u->p->arena, "%" PRId64 " - %s", s.offset, t);
    if (s.offset == 0)
        return t;
    return arena_printf(u->p->arena, "%s %c %" PRId64, t, s.offset < 0 ? '-' : '+',
                        s.offset < 0 ? -s.offset : s.offset);
}

/* The index of the copy of a plate, plus an offset. */
const char *up_index(Unparse *u, uint32_t plate, int64_t offset, UpPos pos)
{
    Step s = {1, 0};
    if (u->steps >> plate & 1)
        s = copy_of(u, &u->loop[pos.loop]);
    s.offset += offset;
    return step_text(u, (int32_t)plate, s);
}

/* What a sequence of the loop has at copy c of its plate. */
static Step element_of(const Unparse *u, const UpLoop *loop, Step c)
{
    int64_t last = u->g.plate[loop->plate].size - 1;
    return loop->reverse ? (Step){-c.sign, last + loop->base - c.offset}
                         : (Step){c.sign, c.offset + loop->base};
}

static const char *sequence_step(Unparse *u, IrRef x, UpPos pos, int64_t lag)
{
    const UpLoop *mine = &u->loop[u->n[x].loop], *here = &u->loop[pos.loop];
    Step s = element_of(u, mine, copy_of(u, here));
    s.offset -= lag;
    return arena_printf(u->p->arena, "%s[%s]", u->n[x].name, step_text(u, mine->plate, s));
}

/* All steps, on a new first axis; of a loop that runs backwards, the last copy first. */
static const char *sequence_stack(Unparse *u, IrRef x, int64_t lag)
{
    const UpLoop *loop = &u->loop[u->n[x].loop];
    int64_t size = u->g.plate[loop->plate].size;
    if (u->n[x].first == IR_NONE)
        return u->n[x].name;
    return arena_printf(u->p->arena, "%s[%" PRId64 ":%" PRId64 "]", u->n[x].name, 1 - lag,
                        size + 1 - lag);
}

static const char *sequence(Unparse *u, IrRef x, UpPos pos, int64_t lag)
{
    bool inside = pos.loop && u->loop[pos.loop].plate == u->loop[u->n[x].loop].plate;
    return inside ? sequence_step(u, x, pos, lag) : sequence_stack(u, x, lag);
}

/* ---- reductions over plates ---------------------------------------------------------------- */

/* Blocks that are closed around `inner` are opened by the reductions over them; those that are not
 * reduced hold the same value in every copy, which is their mean. */
const char *up_over(Unparse *u, const char *function, IrRef x, IrPlates over, UpPos pos,
                    const char *inner)
{
    IrPlates path = u->n[x].path;
    for (uint32_t p = 0; p < u->g.plates; p++)
        if (over >> p & 1)
            path |= u->plate[p].path;
    const char *same = u->g.node[x].type.elem == IR_REAL ? "mean" : "max";
    for (uint32_t depth = IR_MAX_PLATES; depth-- > 0;)
        for (uint32_t p = 0; p < u->g.plates; p++) {
            bool here = u->plate[p].depth == depth && !(u->steps >> p & 1);
            if (here && (over >> p & 1 || (path & ~pos.open) >> p & 1))
                inner = arena_printf(u->p->arena, "%s(%s, over = %s)",
                                     over >> p & 1 ? function : same, inner, u->plate[p].name);
        }
    return inner;
}

UpText up_inside(Unparse *u, IrRef x, IrPlates over, UpPos pos)
{
    pos.open |= u->n[x].path;
    for (uint32_t p = 0; p < u->g.plates; p++)
        if (over >> p & 1)
            pos.open |= u->plate[p].path;
    return up_text(u, x, pos);
}

/* ---- reading a name ------------------------------------------------------------------------ */

static const char *draw(Unparse *u, IrRef r, UpPos pos)
{
    const char *index = "";
    for (uint32_t p = 0; p < u->g.plates; p++)
        if (u->n[r].axes >> p & 1)
            index = arena_printf(u->p->arena, "%s%s%s", index, *index ? ", " : "",
                                 up_index(u, p, 0, pos));
    return *index ? arena_printf(u->p->arena, "%s[%s]", u->n[r].name, index) : u->n[r].name;
}

static UpText named(Unparse *u, IrRef r, UpPos pos)
{
    const IrNode *n = &u->g.node[r];
    const char *s = u->n[r].name;
    if (u->n[r].scalar && u->n[r].path & ~pos.open)
        return up_value(u, r, pos);
    if (n->op == IR_CARRY)
        s = sequence(u, u->n[r].from, pos, 1);
    else if (n->op == IR_DRAW)
        s = draw(u, r, pos);
    else if (u->n[r].sequence)
        s = sequence(u, r, pos, 0);
    return up_atom(up_over(u, "", r, 0, pos, s));
}

const char *up_step(Unparse *u, IrRef x, int64_t copy, UpPos pos)
{
    bool carry = u->g.node[x].op == IR_CARRY;
    IrRef from = carry ? u->n[x].from : x;
    Step s = element_of(u, &u->loop[u->n[from].loop], (Step){0, copy});
    const char *text =
        arena_printf(u->p->arena, "%s[%" PRId64 "]", u->n[from].name, s.offset - carry);
    return up_over(u, "", x, 0, pos, text);
}

UpText up_text(Unparse *u, IrRef r, UpPos pos)
{
    return u->n[r].named || u->g.node[r].op == IR_CARRY ? named(u, r, pos) : up_value(u, r, pos);
}

/* ---- leaves -------------------------------------------------------------------------------- */

static UpText konst(Unparse *u, IrRef r, UpPos pos)
{
    const IrNode *n = &u->g.node[r];
    (void)pos;
    bool negative = n->type.rank == 0 && n->attr.num < 0;
    return (UpText){constant(u, n->attr.num, &n->type), negative ? UP_NEG : UP_ATOM};
}

static UpText param(Unparse *u, IrRef r, UpPos pos)
{
    (void)pos;
    u->p->uses_param[u->g.node[r].attr.item] = true;
    return up_atom(u->p->param[u->g.node[r].attr.item]);
}

static UpText hyper(Unparse *u, IrRef r, UpPos pos)
{
    (void)pos;
    u->p->uses_hyper[u->g.node[r].attr.item] = true;
    return up_atom(u->p->hyper[u->g.node[r].attr.item]);
}

static UpText state(Unparse *u, IrRef r, UpPos pos)
{
    (void)pos;
    return up_atom(u->state[u->g.node[r].attr.item]);
}

static UpText total(Unparse *u, IrRef r, UpPos pos)
{
    (void)r, (void)pos;
    return up_atom(u->p->total);
}

/* B: the sum of ones. */
static UpText rows(Unparse *u, IrRef r, UpPos pos)
{
    if (u->rows < 0)
        up_refuse(u, r, "the number of rows of a graph without rows");
    else if (!(pos.open >> u->rows & 1))
        return up_atom(arena_printf(u->p->arena, "sum(1, over = %s)", u->plate[u->rows].name));
    if (!u->count)
        u->count = up_name(u->p, "B");
    return up_atom(u->count);
}

static UpText index_of(Unparse *u, IrRef r, UpPos pos)
{
    const IrNode *n = &u->g.node[r];
    const char *s = up_index(u, (uint32_t)n->attr.plate, n->attr.k[0], pos);
    return (UpText){s, strchr(s, ' ') ? UP_ADD : UP_ATOM};
}

/* ---- operators ----------------------------------------------------------------------------- */

static const IrNode *operand(const Unparse *u, IrRef r, uint32_t i)
{
    return &u->g.node[u->g.node[r].in[i]];
}

static bool is_const(const IrNode *n)
{
    return n->op == IR_CONST;
}

/* Operand i of an element-wise op: a constant needs no shape beside a value that has one, and no
 * point beside a value that is real. */
static UpText beside(Unparse *u, IrRef r, uint32_t i, UpPos pos)
{
    const IrNode *n = &u->g.node[r], *x = operand(u, r, i);
    bool shaped = false, real = n->op == IR_DIV || n->op == IR_POW;
    for (uint32_t k = n->op == IR_SELECT; k < n->n_in; k++)
        if (k != i && !is_const(operand(u, r, k))) {
            shaped |= operand(u, r, k)->type.rank == x->type.rank;
            real |= operand(u, r, k)->type.elem == IR_REAL && operand(u, r, k)->op != IR_TO_REAL;
        }
    shaped |= n->op == IR_SELECT && operand(u, r, 0)->type.rank == x->type.rank;
    if (x->op == IR_TO_REAL && real && operand(u, r, i)->type.elem == IR_REAL &&
        u->g.node[x->in[0]].type.elem == IR_INT && !u->n[n->in[i]].named)
        return up_text(u, x->in[0], pos);
    if (!is_const(x) || x->type.elem == IR_BOOL || (x->type.rank && !shaped))
        return up_text(u, n->in[i], pos);
    bool point = x->type.elem == IR_REAL && !real;
    return (UpText){up_number(u->p->arena, x->attr.num, point), x->attr.num < 0 ? UP_NEG : UP_ATOM};
}

static UpText infix(Unparse *u, IrRef r, UpPos pos, const char *sign, int level, int right)
{
    const char *a = up_tight(u, beside(u, r, 0, pos), level);
    const char *b = up_tight(u, beside(u, r, 1, pos), right);
    return (UpText){arena_printf(u->p->arena, "%s %s %s", a, sign, b), level};
}

/* Operand i of a sum, if the other one is a zero that only gives it its shape. */
static UpText beside_zero(Unparse *u, IrRef r, uint32_t i, UpPos pos)
{
    const IrNode *n = &u->g.node[r], *x = operand(u, r, i);
    UpText t = up_text(u, n->in[i], pos);
    if (x->type.rank == n->type.rank)
        return t;
    return up_atom(arena_printf(u->p->arena, "broadcast(%s, %s)", t.s,
                                up_shape(u, n->type.rank, n->type.dim)));
}

/* a + -b is a - b, and a - -b is a + b, to the last bit. */
static UpText sum(Unparse *u, IrRef r, UpPos pos)
{
    bool minus = u->g.node[r].op == IR_SUB;
    if (!up_reads(u, r, 1))
        return up_atom(
            arena_printf(u->p->arena, "log_softmax(%s)", up_operand(u, r, 0, pos, UP_IF)));
    for (uint32_t i = 0; i < 2 && !minus; i++)
        if (is_const(operand(u, r, i)) && operand(u, r, i)->attr.num == 0)
            return beside_zero(u, r, 1 - i, pos);
    UpText left = beside(u, r, 0, pos), right = beside(u, r, 1, pos);
    if (!minus && *left.s == '-' && *right.s != '-' && left.level >= UP_MUL) {
        UpText t = left;
        left = right;
        right = t;
    }
    if (*right.s == '-' && right.level >= UP_MUL) {
        minus = !minus;
        right.s++;
    }
    return (UpText){arena_printf(u->p->arena, "%s %c %s", up_tight(u, left, UP_ADD),
                                 minus ? '-' : '+', up_tight(u, right, UP_MUL)),
                    UP_ADD};
}

/* The sum over one plate that operand i is, to be written here, or NULL. */
static const IrNode *plate_sum(const Unparse *u, IrRef r, uint32_t i)
{
    const IrNode *a = operand(u, r, i);
    bool one = a->attr.over && !(a->attr.over & (a->attr.over - 1));
    bool here = a->op == IR_SUM && a->attr.axes == 0 && !(a->attr.over & u->steps) && one;
    return here && !u->n[u->g.node[r].in[i]].named ? a : NULL;
}

static UpText mean(Unparse *u, const IrNode *sum, UpPos pos)
{
    IrRef x = sum->in[0];
    const char *inner = up_inside(u, x, sum->attr.over, pos).s;
    return up_atom(up_over(u, "mean", x, sum->attr.over, pos, inner));
}

/* A sum over k copies times 1 / k is their mean. */
static UpText product(Unparse *u, IrRef r, UpPos pos)
{
    for (uint32_t i = 0; i < 2; i++) {
        const IrNode *a = plate_sum(u, r, i), *scale = operand(u, r, 1 - i);
        if (!a || !is_const(scale))
            continue;
        const IrPlate *p = &u->g.plate[__builtin_ctz(a->attr.over)];
        if (p->kind != IR_PLATE_ROWS && scale->attr.num == 1.0 / (double)p->size)
            return mean(u, a, pos);
    }
    return infix(u, r, pos, "*", UP_MUL, UP_NEG);
}

/* A sum over rows by their number is their mean. */
static UpText quotient(Unparse *u, IrRef r, UpPos pos)
{
    const IrNode *a = plate_sum(u, r, 0);
    if (a && u->rows >= 0 && a->attr.over == 1u << u->rows && operand(u, r, 1)->op == IR_ROWS)
        return mean(u, a, pos);
    return infix(u, r, pos, "/", UP_MUL, UP_NEG);
}

static UpText power(Unparse *u, IrRef r, UpPos pos)
{
    const char *a = up_tight(u, beside(u, r, 0, pos), UP_ATOM);
    const char *b = up_tight(u, beside(u, r, 1, pos), UP_NEG);
    return (UpText){arena_printf(u->p->arena, "%s^%s", a, b), UP_POW};
}

static UpText squared(Unparse *u, IrRef r, UpPos pos)
{
    bool real = u->g.node[r].type.elem == IR_REAL;
    const char *a = up_operand(u, r, 0, pos, real ? UP_ATOM : UP_IF);
    return real ? (UpText){arena_printf(u->p->arena, "%s^2", a), UP_POW}
                : up_atom(arena_printf(u->p->arena, "square(%s)", a));
}

static UpText negative(Unparse *u, IrRef r, UpPos pos)
{
    return (UpText){arena_printf(u->p->arena, "-%s", up_operand(u, r, 0, pos, UP_NEG)), UP_NEG};
}

static UpText comparison(Unparse *u, IrRef r, UpPos pos)
{
    static const char *const sign[IR_OP_COUNT] = {
        [IR_LT] = "<", [IR_LE] = "<=", [IR_EQ] = "==", [IR_NE] = "!="};
    return infix(u, r, pos, sign[u->g.node[r].op], UP_COMPARE, UP_ADD);
}

static UpText logical(Unparse *u, IrRef r, UpPos pos)
{
    bool or = u->g.node[r].op == IR_OR;
    return infix(u, r, pos, or ? "or" : "and", or ? UP_OR : UP_AND, or ? UP_AND : UP_NOT);
}

static UpText negation(Unparse *u, IrRef r, UpPos pos)
{
    return (UpText){arena_printf(u->p->arena, "not %s", up_operand(u, r, 0, pos, UP_NOT)), UP_NOT};
}

static UpText choice(Unparse *u, IrRef r, UpPos pos)
{
    const char *c = up_operand(u, r, 0, pos, UP_OR);
    pos.branch = true;
    const char *a = up_tight(u, beside(u, r, 1, pos), UP_OR);
    return (UpText){
        arena_printf(u->p->arena, "if %s then %s else %s", c, a, beside(u, r, 2, pos).s), UP_IF};
}

/* ---- functions ----------------------------------------------------------------------------- */

const char *up_function(IrOp op)
{
    static const struct {
        const char *name, *rule;
        IrOp op;
    } builtin[] = {
/* clang-format off */
#define BUILTIN(name, arguments, least, most, named, rule, op) {name, #rule, op},
#include "frontend/builtin.def"
        /* clang-format on */
    };
    for (size_t i = 0; i < sizeof builtin / sizeof *builtin; i++) {
        const char *rule = builtin[i].rule;
        bool direct = strcmp(rule, "unary") == 0 || strcmp(rule, "matrix") == 0 ||
                      strcmp(rule, "reduce") == 0 || strcmp(rule, "elementwise") == 0;
        if (direct && builtin[i].op == op)
            return builtin[i].name;
    }
    return op == IR_REDUCE_MAX ? "max" : op == IR_REDUCE_MIN ? "min" : NULL;
}

static UpText function(Unparse *u, IrRef r, UpPos pos)
{
    IrRef x = u->g.node[r].in[0];
    if (u->g.node[r].op == IR_EXP && !u->n[x].named && !up_reads(u, x, 1))
        return up_atom(arena_printf(u->p->arena, "softmax(%s)", up_operand(u, x, 0, pos, UP_IF)));
    return up_atom(arena_printf(u->p->arena, "%s(%s)", up_function(u->g.node[r].op),
                                up_operand(u, r, 0, pos, UP_IF)));
}

static UpText function_of_several(Unparse *u, IrRef r, UpPos pos)
{
    const IrNode *n = &u->g.node[r];
    const char *text = "";
    for (uint32_t i = 0; i < n->n_in; i++)
        text = arena_printf(u->p->arena, "%s%s%s", text, i ? ", " : "", beside(u, r, i, pos).s);
    return up_atom(arena_printf(u->p->arena, "%s(%s)", up_function(n->op), text));
}

static UpText function_of_two(Unparse *u, IrRef r, UpPos pos)
{
    IrOp op = u->g.node[r].op;
    const char *name = op == IR_MIN ? "min" : op == IR_MAX ? "max" : "mulz";
    u->p->uses_mulz |= op == IR_MULZ;
    return up_atom(arena_printf(u->p->arena, "%s(%s, %s)", name, beside(u, r, 0, pos).s,
                                beside(u, r, 1, pos).s));
}

static UpText in_domain(Unparse *u, IrRef r, UpPos pos)
{
    u->p->uses_domain = true;
    return up_atom(arena_printf(u->p->arena, "%s(%s, %s)", ir_op_info[u->g.node[r].op].name,
                                beside(u, r, 0, pos).s, beside(u, r, 1, pos).s));
}

/* An int meets reals as one; where there are none, a real has to be there. */
static UpText to_real(Unparse *u, IrRef r, UpPos pos)
{
    const IrNode *x = operand(u, r, 0);
    if (x->type.elem == IR_REAL)
        return up_text(u, u->g.node[r].in[0], pos);
    if (x->type.elem == IR_BOOL)
        return (UpText){
            arena_printf(u->p->arena, "if %s then 1.0 else 0.0", up_operand(u, r, 0, pos, UP_OR)),
            UP_IF};
    return (UpText){arena_printf(u->p->arena, "1.0 * %s", up_operand(u, r, 0, pos, UP_NEG)),
                    UP_MUL};
}

/* `sampled` and `stop_gradient` say how to differentiate, which was done. */
static UpText copy(Unparse *u, IrRef r, UpPos pos)
{
    return up_text(u, u->g.node[r].in[0], pos);
}

/* ---- the dispatcher ------------------------------------------------------------------------ */

static UpRule *const rule[IR_OP_COUNT] = {
    [IR_CONST] = konst,
    [IR_PARAM] = param,
    [IR_HYPER] = hyper,
    [IR_STATE] = state,
    [IR_TOTAL] = total,
    [IR_ROWS] = rows,
    [IR_INDEX] = index_of,
    [IR_SAMPLED] = copy,
    [IR_STOP] = copy,
    [IR_OBJECTIVE] = copy,
    [IR_GRAD] = copy,
    [IR_NEXT] = copy,
    [IR_COST] = copy,
    [IR_TO_REAL] = to_real,
    [IR_NOT] = negation,
    [IR_NEG] = negative,
    [IR_EXP] = function,
    [IR_LOG] = function,
    [IR_LOG1P] = function,
    [IR_EXPM1] = function,
    [IR_SQRT] = function,
    [IR_SQUARE] = squared,
    [IR_ABS] = function,
    [IR_SIGN] = function,
    [IR_FLOOR] = function,
    [IR_TANH] = function,
    [IR_SIGMOID] = function,
    [IR_SOFTPLUS] = function,
    [IR_RELU] = function,
    [IR_SIN] = function,
    [IR_COS] = function,
    [IR_ERF] = function,
    [IR_LGAMMA] = function,
    [IR_DIGAMMA] = function,
    [IR_TRIGAMMA] = function,
    [IR_LOG_I0E] = function,
    [IR_I1_GAP] = function,
    [IR_I1_GAP_SLOPE] = function,
    [IR_POISSON_ENTROPY] = function,
    [IR_POISSON_ENTROPY_SLOPE] = function,
    [IR_POISSON_ENTROPY_BEND] = function,
    [IR_TO_INT] = function,
    [IR_LOG_GAMMA_QUANTILE] = function_of_several,
    [IR_LOG_GAMMA_SLOPE] = function_of_several,
    [IR_POISSON_QUANTILE] = function_of_several,
    [IR_BINOMIAL_QUANTILE] = function_of_several,
    [IR_VON_MISES_QUANTILE] = function_of_several,
    [IR_VON_MISES_FAR_QUANTILE] = function_of_several,
    [IR_VON_MISES_SLOPE] = function_of_several,
    [IR_ADD] = sum,
    [IR_SUB] = sum,
    [IR_MUL] = product,
    [IR_DIV] = quotient,
    [IR_POW] = power,
    [IR_MULZ] = function_of_two,
    [IR_MIN] = function_of_two,
    [IR_MAX] = function_of_two,
    [IR_ABOVE] = in_domain,
    [IR_AT_LEAST] = in_domain,
    [IR_AT_MOST] = in_domain,
    [IR_LT] = comparison,
    [IR_LE] = comparison,
    [IR_EQ] = comparison,
    [IR_NE] = comparison,
    [IR_AND] = logical,
    [IR_OR] = logical,
    [IR_SELECT] = choice,
    [IR_SUM] = up_reduce,
    [IR_PROD] = up_reduce,
    [IR_REDUCE_MAX] = up_reduce,
    [IR_REDUCE_MIN] = up_reduce,
    [IR_LOGSUMEXP] = up_reduce,
    [IR_PROD_REST] = up_rest,
    [IR_ARGMAX] = up_argmax,
    [IR_CUMSUM] = up_cumsum,
    [IR_CONTRACT] = up_contract,
    [IR_RESHAPE] = up_reshape,
    [IR_TRANSPOSE] = up_transpose,
    [IR_EXPAND] = up_expand,
    [IR_SLICE] = up_slice,
    [IR_PAD] = up_pad,
    [IR_CONCAT] = up_concat,
    [IR_GATHER] = up_gather,
    [IR_SCATTER] = up_scatter,
    [IR_ONE_HOT] = up_one_hot,
    [IR_DIAG] = up_diag,
    [IR_DIAG_PART] = up_diag,
    [IR_TRIL] = function,
    [IR_CHOLESKY] = function,
    [IR_SOLVE_TRI] = up_solve,
    [IR_SOLVE] = up_solve,
    [IR_TO_PLATE] = up_to_plate,
    [IR_TO_AXIS] = up_to_axis,
};

UpText up_value(Unparse *u, IrRef r, UpPos pos)
{
    if (rule[u->g.node[r].op])
        return rule[u->g.node[r].op](u, r, pos);
    up_refuse(u, r, "the language has no function for it");
    return up_atom("0.0");
}
