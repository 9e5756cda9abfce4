/* Expressions on shapes: reductions, contractions, and what moves elements.  What the language has
 * no function for is composed of what it has. */
#include "frontend/unparse_graph.h"

#include <inttypes.h>
#include <string.h>

static const IrNode *operand(const Unparse *u, IrRef r, uint32_t i)
{
    return &u->g.node[u->g.node[r].in[i]];
}

/* ---- axes ---------------------------------------------------------------------------------- */

static const char *broadcast(Unparse *u, const char *s, uint32_t rank, const int64_t *dim)
{
    return arena_printf(u->p->arena, "broadcast(%s, %s)", s, up_shape(u, rank, dim));
}

/* Axis i of the result is axis k[i] of s. */
static const char *permuted(Unparse *u, const char *s, uint32_t rank, const int64_t *k)
{
    bool same = true, reversed = true;
    for (uint32_t i = 0; i < rank; i++) {
        same &= k[i] == i;
        reversed &= k[i] == rank - 1 - i;
    }
    if (same)
        return s;
    if (reversed)
        return arena_printf(u->p->arena, "transpose(%s)", s);
    return arena_printf(u->p->arena, "transpose(%s, %s)", s, up_shape(u, rank, k));
}

static const char *reshaped(Unparse *u, const char *s, uint32_t rank, const int64_t *dim)
{
    return arena_printf(u->p->arena, "reshape(%s, %s)", s, up_shape(u, rank, dim));
}

UpText up_transpose(Unparse *u, IrRef r, UpPos pos)
{
    const IrNode *n = &u->g.node[r];
    return up_atom(permuted(u, up_operand(u, r, 0, pos, UP_IF), n->type.rank, n->attr.k));
}

/* `broadcast` adds the axis in front. */
UpText up_expand(Unparse *u, IrRef r, UpPos pos)
{
    const IrNode *n = &u->g.node[r], *x = operand(u, r, 0);
    int64_t dim[IR_MAX_RANK] = {n->attr.k[1]}, order[IR_MAX_RANK] = {0};
    for (uint32_t i = 0; i < x->type.rank; i++)
        dim[i + 1] = x->type.dim[i];
    for (uint32_t i = 0; i < n->type.rank; i++)
        order[i] = i == n->attr.k[0] ? 0 : i < n->attr.k[0] ? i + 1 : i;
    const char *s = broadcast(u, up_operand(u, r, 0, pos, UP_IF), n->type.rank, dim);
    return up_atom(permuted(u, s, n->type.rank, order));
}

/* The indices of a slice; `one`: of a single element, whose axis goes. */
static const char *sliced(Unparse *u, const IrNode *slice, const IrType *of, const char *s,
                          bool one)
{
    const int64_t *k = slice->attr.k;
    const char *index = "";
    for (uint32_t i = 0; i < k[0]; i++)
        index = arena_printf(u->p->arena, "%s0:%" PRId64 ", ", index, of->dim[i]);
    return one ? arena_printf(u->p->arena, "%s[%s%" PRId64 "]", s, index, k[1])
               : arena_printf(u->p->arena, "%s[%s%" PRId64 ":%" PRId64 "]", s, index, k[1], k[2]);
}

UpText up_slice(Unparse *u, IrRef r, UpPos pos)
{
    return up_atom(sliced(u, &u->g.node[r], &operand(u, r, 0)->type,
                          up_operand(u, r, 0, pos, UP_ATOM), false));
}

/* True: t is of without one axis. */
static bool drops_axis(const IrType *of, const IrType *t, int64_t axis)
{
    bool drops = t->rank + 1 == of->rank;
    for (uint32_t i = 0; drops && i < t->rank; i++)
        drops = t->dim[i] == of->dim[i < axis ? i : i + 1];
    return drops;
}

UpText up_reshape(Unparse *u, IrRef r, UpPos pos)
{
    const IrNode *n = &u->g.node[r], *x = operand(u, r, 0);
    if (x->type.plates != n->type.plates) /* one step of a sequence: unparse_prepare.c */
        return up_atom(up_step(u, n->in[0], n->attr.k[0], pos));
    if (x->op == IR_SLICE && !u->n[n->in[0]].named && x->attr.k[2] == x->attr.k[1] + 1 &&
        drops_axis(&x->type, &n->type, x->attr.k[0]))
        return up_atom(sliced(u, x, &u->g.node[x->in[0]].type,
                              up_operand(u, n->in[0], 0, pos, UP_ATOM), true));
    return up_atom(reshaped(u, up_operand(u, r, 0, pos, UP_IF), n->type.rank, n->type.dim));
}

static const char *zeros_along(Unparse *u, IrType t, int64_t axis, int64_t size)
{
    t.dim[axis] = size;
    return up_zeros(u, &t);
}

/* Zeros before and after. */
UpText up_pad(Unparse *u, IrRef r, UpPos pos)
{
    const IrNode *n = &u->g.node[r], *x = operand(u, r, 0);
    int64_t axis = n->attr.k[0], before = n->attr.k[1];
    int64_t after = n->attr.k[2] - before - x->type.dim[axis];
    const char *s = up_operand(u, r, 0, pos, UP_IF);
    if (before)
        s = arena_printf(u->p->arena, "%s, %s", zeros_along(u, x->type, axis, before), s);
    if (after)
        s = arena_printf(u->p->arena, "%s, %s", s, zeros_along(u, x->type, axis, after));
    return up_atom(axis ? arena_printf(u->p->arena, "concat(%s, axis = %" PRId64 ")", s, axis)
                        : arena_printf(u->p->arena, "concat(%s)", s));
}

/* A list, if every operand is one element of it. */
static const char *list(Unparse *u, IrRef r, UpPos pos)
{
    const IrNode *n = &u->g.node[r];
    const char *s = "";
    for (uint32_t i = 0; i < n->n_in; i++) {
        const IrNode *x = operand(u, r, i);
        if (u->n[n->in[i]].named || x->op != IR_EXPAND || x->attr.k[0] != 0 || n->attr.k[0] != 0)
            return NULL;
        s = arena_printf(u->p->arena, "%s%s%s", s, i ? ", " : "",
                         up_operand(u, n->in[i], 0, pos, UP_IF));
    }
    return arena_printf(u->p->arena, "[%s]", s);
}

/* The sequence whose step 0 and other steps are joined again, or NULL. */
static const char *whole_sequence(const Unparse *u, const IrNode *n)
{
    const IrNode *first = &u->g.node[n->in[0]], *rest = &u->g.node[n->in[n->n_in - 1]];
    if (n->n_in != 2 || n->attr.k[0] || first->op != IR_EXPAND || first->attr.k[0] ||
        rest->op != IR_TO_AXIS || !(u->steps >> rest->attr.plate & 1))
        return NULL;
    const UpNode *x = &u->n[rest->in[0]];
    bool all = u->g.plate[rest->attr.plate].size == rest->attr.k[1];
    bool here = x->path == 0 || x->path == u->plate[rest->attr.plate].path;
    return all && here && x->first == first->in[0] && !u->loop[x->loop].reverse ? x->name : NULL;
}

UpText up_concat(Unparse *u, IrRef r, UpPos pos)
{
    enum { MOST = 64 }; /* arguments of `concat` */
    const IrNode *n = &u->g.node[r];
    const char *s = whole_sequence(u, n);
    s = s ? s : list(u, r, pos);
    if (s)
        return up_atom(s);
    for (uint32_t i = 0; i < n->n_in; i++) {
        const char *x = up_operand(u, r, i, pos, UP_IF);
        s = i ? arena_printf(u->p->arena, "%s, %s", s, x) : x;
        if (i % (MOST - 1) == MOST - 2 && i + 1 < n->n_in)
            s = arena_printf(u->p->arena, "concat(%s, axis = %" PRId64 ")", s, n->attr.k[0]);
    }
    return up_atom(arena_printf(u->p->arena, "concat(%s, axis = %" PRId64 ")", s, n->attr.k[0]));
}

/* ---- reductions ---------------------------------------------------------------------------- */

/* All axes, or one after the other, the last first. */
static const char *along_axes(Unparse *u, const char *function, const char *s, uint32_t axes,
                              uint32_t rank)
{
    if (axes && axes + 1 == 1u << rank)
        return arena_printf(u->p->arena, "%s(%s)", function, s);
    for (uint32_t i = IR_MAX_RANK + 1; i-- > 0;)
        if (axes >> i & 1)
            s = arena_printf(u->p->arena, "%s(%s, axis = %u)", function, s, i);
    return s;
}

/* Over steps: the sequence is an array, whose first axis goes as well. */
UpText up_reduce(Unparse *u, IrRef r, UpPos pos)
{
    const IrNode *n = &u->g.node[r], *x = operand(u, r, 0);
    const char *function = up_function(n->op);
    IrPlates over = n->attr.over & ~u->steps;
    bool steps = n->attr.over & u->steps;
    if (steps && x->type.rank == IR_MAX_RANK)
        up_refuse(u, r, "all steps of a value with %d axes", IR_MAX_RANK);
    const char *s = up_inside(u, n->in[0], over, pos).s;
    s = along_axes(u, function, s, n->attr.axes << steps | steps, x->type.rank + steps);
    return up_atom(up_over(u, function, n->in[0], over, pos, s));
}

UpText up_argmax(Unparse *u, IrRef r, UpPos pos)
{
    return up_atom(arena_printf(u->p->arena, "argmax(%s, axis = %d)",
                                up_operand(u, r, 0, pos, UP_IF),
                                __builtin_ctz(u->g.node[r].attr.axes)));
}

/* From the end: the product with a lower triangle of ones. */
UpText up_cumsum(Unparse *u, IrRef r, UpPos pos)
{
    const IrNode *n = &u->g.node[r];
    const int64_t axis = n->attr.k[0], size = n->type.dim[axis], last = n->type.rank - 1;
    const char *s = up_operand(u, r, 0, pos, n->attr.k[1] ? UP_MUL : UP_IF);
    if (!n->attr.k[1])
        return up_atom(arena_printf(u->p->arena, "cumsum(%s, axis = %" PRId64 ")", s, axis));
    int64_t order[IR_MAX_RANK] = {0, 1, 2, 3};
    order[axis] = last;
    order[last] = axis;
    s = arena_printf(u->p->arena, "%s @ tril(%s)", permuted(u, s, n->type.rank, order),
                     broadcast(u, "1.0", 2, (int64_t[]){size, size}));
    const char *back = permuted(u, s, n->type.rank, order);
    return (UpText){back, axis == last ? UP_MUL : UP_ATOM};
}

/* For each element the product of the others, of those that are reduced: rest(s, m, n) does it for
 * the rows of a matrix. */
static const char *rest_of(Unparse *u, const char *s, const IrType *t, uint32_t axes)
{
    int64_t order[IR_MAX_RANK] = {0}, back[IR_MAX_RANK] = {0}, dim[IR_MAX_RANK] = {0}, m = 1, n = 1;
    uint32_t at = 0;
    for (uint32_t reduced = 0; reduced < 2; reduced++)
        for (uint32_t i = 0; i < t->rank; i++)
            if ((axes >> i & 1) == reduced) {
                *(reduced ? &n : &m) *= t->dim[i];
                dim[at] = t->dim[i];
                back[i] = at;
                order[at++] = i;
            }
    u->p->uses_rest = true;
    s = reshaped(u, permuted(u, s, t->rank, order), 2, (int64_t[]){m, n});
    s = arena_printf(u->p->arena, "product_of_others(%s, %" PRId64 ", %" PRId64 ")", s, m, n);
    return permuted(u, reshaped(u, s, t->rank, dim), t->rank, back);
}

/* Copies of a plate on a new first axis of size `size`. */
static const char *stacked(Unparse *u, IrRef x, uint32_t plate, int64_t offset, int64_t size,
                           UpPos pos)
{
    const IrNode *n = &u->g.node[x];
    const char *index = up_index(u, plate, offset, pos);
    bool scalar = n->type.rank == 0;
    UpText t = up_inside(u, x, 1u << plate, pos);
    const char *s = arena_printf(u->p->arena,
                                 scalar ? "one_hot(%s, %" PRId64 ") * %s"
                                        : "outer(one_hot(%s, %" PRId64 "), %s)",
                                 index, size, scalar ? up_tight(u, t, UP_NEG) : t.s);
    return up_over(u, "sum", x, 1u << plate, pos, s);
}

UpText up_rest(Unparse *u, IrRef r, UpPos pos)
{
    const IrNode *n = &u->g.node[r];
    IrPlates over = n->attr.over;
    if (!over)
        return up_atom(rest_of(u, up_operand(u, r, 0, pos, UP_IF), &n->type, n->attr.axes));
    IrType t = n->type;
    uint32_t plate = (uint32_t)__builtin_ctz(over);
    if ((over & (over - 1)) || (over & u->steps) || (int32_t)plate == u->rows ||
        t.rank == IR_MAX_RANK) {
        up_refuse(u, r, "a product over copies");
        return up_atom("0.0");
    }
    memmove(t.dim + 1, t.dim, sizeof *t.dim * t.rank++);
    t.dim[0] = u->g.plate[plate].size;
    const char *s = stacked(u, n->in[0], plate, 0, t.dim[0], pos);
    return up_atom(arena_printf(u->p->arena, "%s[%s]", rest_of(u, s, &t, n->attr.axes << 1 | 1),
                                up_index(u, plate, 0, pos)));
}

/* ---- plates -------------------------------------------------------------------------------- */

UpText up_to_plate(Unparse *u, IrRef r, UpPos pos)
{
    const IrAttr *attr = &u->g.node[r].attr;
    return up_atom(arena_printf(u->p->arena, "%s[%s]", up_operand(u, r, 0, pos, UP_ATOM),
                                up_index(u, (uint32_t)attr->plate, attr->k[0], pos)));
}

/* A sequence is an axis; copies of a plate are placed on one. */
UpText up_to_axis(Unparse *u, IrRef r, UpPos pos)
{
    const IrNode *n = &u->g.node[r], *x = operand(u, r, 0);
    uint32_t plate = (uint32_t)n->attr.plate;
    if (!(u->steps >> plate & 1)) {
        if (x->type.elem != IR_REAL || (int32_t)plate == u->rows)
            up_refuse(u, r, "copies that are no reals as an axis");
        return up_atom(stacked(u, n->in[0], plate, n->attr.k[0], n->attr.k[1], pos));
    }
    int64_t before = n->attr.k[0], after = n->attr.k[1] - before - u->g.plate[plate].size;
    const char *s = up_text(u, n->in[0], pos).s;
    if (!before && !after)
        return up_atom(s);
    if (before)
        s = arena_printf(u->p->arena, "%s, %s", zeros_along(u, n->type, 0, before), s);
    if (after)
        s = arena_printf(u->p->arena, "%s, %s", s, zeros_along(u, n->type, 0, after));
    return up_atom(arena_printf(u->p->arena, "concat(%s)", s));
}

/* ---- indices ------------------------------------------------------------------------------- */

/* What is read unchecked is NaN outside of its axis. */
UpText up_gather(Unparse *u, IrRef r, UpPos pos)
{
    const IrNode *n = &u->g.node[r], *x = operand(u, r, 0), *at = operand(u, r, 1);
    const char *a = up_operand(u, r, 0, pos, UP_ATOM), *i = up_operand(u, r, 1, pos, UP_IF);
    const char *s = arena_printf(u->p->arena, "%s[%s]", a, i);
    if (!n->attr.k[0] || pos.branch)
        return up_atom(s);
    if (at->type.rank && x->type.rank > 1)
        up_refuse(u, r, "rows read by indices that may lie outside");
    i = up_operand(u, r, 1, pos, UP_ADD);
    s = arena_printf(u->p->arena, "if 0 <= %s and %s < %" PRId64 " then %s else 0.0 / 0.0", i, i,
                     x->type.dim[0], s);
    return (UpText){s, UP_IF};
}

static const char *one_hot(Unparse *u, const char *index, int64_t size)
{
    return arena_printf(u->p->arena, "one_hot(%s, %" PRId64 ")", index, size);
}

UpText up_one_hot(Unparse *u, IrRef r, UpPos pos)
{
    return up_atom(one_hot(u, up_operand(u, r, 0, pos, UP_IF), u->g.node[r].attr.k[0]));
}

/* The product of the elements with the one-hot rows of their indices. */
UpText up_scatter(Unparse *u, IrRef r, UpPos pos)
{
    const IrNode *n = &u->g.node[r], *x = operand(u, r, 0), *at = operand(u, r, 1);
    const char *place = one_hot(u, up_operand(u, r, 1, pos, UP_IF), n->attr.k[0]);
    const char *s = up_operand(u, r, 0, pos, UP_IF);
    if (at->type.rank == 0 && x->type.rank == 0)
        return (UpText){
            arena_printf(u->p->arena, "%s * %s", place, up_operand(u, r, 0, pos, UP_NEG)), UP_MUL};
    if (at->type.rank == 0)
        return up_atom(arena_printf(u->p->arena, "outer(%s, %s)", place, s));
    if (at->type.rank > 1) {
        int64_t dim[IR_MAX_RANK] = {ir_elements(&at->type), n->attr.k[0]};
        place = reshaped(u, place, 2, dim);
        for (uint32_t i = at->type.rank; i < x->type.rank; i++)
            dim[1 + i - at->type.rank] = x->type.dim[i];
        s = reshaped(u, s, 1 + x->type.rank - at->type.rank, dim);
    } else {
        s = up_operand(u, r, 0, pos, UP_NEG);
    }
    return (UpText){arena_printf(u->p->arena, "transpose(%s) @ %s", place, s), UP_MUL};
}

/* ---- matrices ------------------------------------------------------------------------------ */

UpText up_diag(Unparse *u, IrRef r, UpPos pos)
{
    return up_atom(arena_printf(u->p->arena, "diag(%s)", up_operand(u, r, 0, pos, UP_IF)));
}

/* A transposed triangle is solved as any matrix. */
UpText up_solve(Unparse *u, IrRef r, UpPos pos)
{
    const IrNode *n = &u->g.node[r];
    bool lower = n->op == IR_SOLVE_TRI && !n->attr.k[0];
    const char *a = up_operand(u, r, 0, pos, UP_IF), *b = up_operand(u, r, 1, pos, UP_IF);
    if (n->attr.k[0] && n->op == IR_SOLVE_TRI)
        a = arena_printf(u->p->arena, "tril(%s)", a);
    return up_atom(arena_printf(u->p->arena, n->attr.k[0] ? "%s(transpose(%s), %s)" : "%s(%s, %s)",
                                lower ? "solve_tri" : "solve", a, b));
}
