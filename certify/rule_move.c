/* One rule a term of proofs/ops.def: what moves elements about, and sequences.
 *
 * A sequence that is gathered from its steps is kept element by element, so that reading one of its
 * elements is that element.  It becomes one slot, a sum of pads, only where it is read whole. */
#include "certify/rule.h"

#define RULE(name) LowValue rule_##name(Lower *l, const IrNode *n)

/* ---- axes ----------------------------------------------------------------------------------- */

static CertList all_of(Lower *l, CertList sizes)
{
    return cert_range(l->arena, sizes.count);
}

/* 0 ... n - 1 with `axis` moved to the front. */
static CertList to_front(Lower *l, uint32_t n, uint32_t axis)
{
    uint32_t *at = arena_array(l->arena, uint32_t, n + 1);
    at[0] = axis;
    for (uint32_t i = 0, k = 1; i < n; i++)
        if (i != axis)
            at[k++] = i;
    return (CertList){n, at};
}

/* 0 ... n - 1 without `axis`. */
static CertList without(Lower *l, uint32_t n, uint32_t axis)
{
    CertList front = to_front(l, n, axis);
    return (CertList){n - 1, front.at + 1};
}

static CertSlot add_slots(Lower *l, CertSlot x, CertSlot y)
{
    return x == CERT_NONE ? y : build_map2(&l->b, CERT_ADD, x, y);
}

/* Cuts or pads one axis: the operations work on axis 0. */
static CertSlot cut(Lower *l, CertForm form, uint32_t axis, uint32_t first, CertList from,
                    uint32_t to, CertSlot x)
{
    CertList front = to_front(l, from.count, axis), rest = without(l, from.count, axis);
    if (axis > 0)
        x = build_ein(&l->b, from, all_of(l, from), front, x);
    const CertOp op = {.form = form,
                       .k = first,
                       .from = from.at[axis],
                       .to = to,
                       .axes = cert_pick(l->arena, from, rest)};
    x = build(&l->b, op, x, 0);
    if (axis == 0)
        return x;
    uint32_t *sizes = arena_array(l->arena, uint32_t, from.count);
    for (uint32_t i = 0; i < from.count; i++)
        sizes[i] = i == axis ? to : from.at[i];
    const CertList made = {from.count, sizes};
    return build_ein(&l->b, made, front, all_of(l, made), x);
}

/* ---- elements of sequences ------------------------------------------------------------------ */

static uint32_t symbol_at(const Layout *y, uint32_t axis)
{
    return y->sizes.at[low_axis_at(y, axis)];
}

/* The layout with a single element along axis 0. */
static CertList with_one(Lower *l, const Layout *y)
{
    uint32_t *at = arena_array(l->arena, uint32_t, y->sizes.count);
    for (uint32_t i = 0; i < y->sizes.count; i++)
        at[i] = i == low_axis_at(y, 0) ? size_one(l->sizes, l->cert) : y->sizes.at[i];
    return (CertList){y->sizes.count, at};
}

/* Element k of axis 0 of x, which has the layout y. */
static CertSlot element(Lower *l, const Layout *y, uint32_t k, CertSlot x)
{
    uint32_t axis = low_axis_at(y, 0), one = size_one(l->sizes, l->cert);
    CertList single = with_one(l, y);
    if (symbol_at(y, 0) != one)
        x = cut(l, CERT_SLICE, axis, k, y->sizes, one, x);
    return build_ein(&l->b, single, all_of(l, single), without(l, single.count, axis), x);
}

CertSlot low_join(Lower *l, const Layout *y, const LowValue *v)
{
    uint32_t axis = low_axis_at(y, 0);
    CertList single = with_one(l, y);
    CertSlot total = CERT_NONE;
    for (uint32_t k = 0; k < v->parts; k++) {
        if (v->part[k] == CERT_NONE)
            continue;
        CertSlot x =
            build_ein(&l->b, single, without(l, single.count, axis), all_of(l, single), v->part[k]);
        if (symbol_at(y, 0) != single.at[axis])
            x = cut(l, CERT_PAD, axis, k, single, symbol_at(y, 0), x);
        total = add_slots(l, total, x);
    }
    return total == CERT_NONE ? low_number(l, 0, y->sizes) : total;
}

static LowValue sequence(Lower *l, int64_t parts)
{
    LowValue v = {CERT_NONE, arena_array(l->arena, CertSlot, (size_t)parts + 1), (uint32_t)parts};
    for (uint32_t k = 0; k < v.parts; k++)
        v.part[k] = CERT_NONE;
    return v;
}

static LowValue part_of(Lower *l, const LowValue *v, uint32_t k, CertList sizes)
{
    CertSlot s = v->part[k];
    return low_slot(s == CERT_NONE ? low_number(l, 0, sizes) : s);
}

/* ---- shapes --------------------------------------------------------------------------------- */

/* Are the axes the same but for some of size 1? */
static bool moves_ones(const IrType *a, const IrType *b)
{
    uint32_t i = 0, k = 0;
    for (;; i++, k++) {
        while (i < a->rank && a->dim[i] == 1)
            i++;
        while (k < b->rank && b->dim[k] == 1)
            k++;
        if (i == a->rank || k == b->rank)
            return i == a->rank && k == b->rank;
        if (a->dim[i] != b->dim[k])
            return false;
    }
}

/* Drops the axes of size 1, then adds those of the result. */
static CertSlot move_ones(Lower *l, const Layout *x, const IrType *from, const Layout *y,
                          const IrType *to, CertSlot v)
{
    uint32_t kept[IR_MAX_PLATES + IR_MAX_RANK], put[IR_MAX_PLATES + IR_MAX_RANK];
    uint32_t plates = low_axis_at(x, 0), k = plates, p = plates;
    for (uint32_t i = 0; i < plates; i++)
        kept[i] = put[i] = i;
    for (uint32_t i = 0; i < x->rank; i++)
        if (from->dim[i] != 1)
            kept[k++] = plates + i;
    for (uint32_t i = 0; i < y->rank; i++)
        if (to->dim[i] != 1)
            put[p++] = plates + i;
    if (k < x->sizes.count)
        v = build_ein(&l->b, x->sizes, all_of(l, x->sizes), low_list(l, k, kept), v);
    return p < y->sizes.count
               ? build_ein(&l->b, y->sizes, low_list(l, p, put), all_of(l, y->sizes), v)
               : v;
}

/* The operand as the only element of a leading axis. */
static LowValue only_part(Lower *l)
{
    LowValue v = sequence(l, 1);
    v.part[0] = low_operand(l, 0);
    return v;
}

RULE(reshape)
{
    const IrType *from = &l->g->node[n->in[0]].type, *to = &n->type;
    Layout x = low_layout(l, n->in[0]), y = low_result(l);
    LowValue v = low_value(l, n->in[0]);
    if (v.slot == CERT_NONE && v.parts == 1 && to->rank + 1 == from->rank && moves_ones(from, to))
        return part_of(l, &v, 0, y.sizes);
    if (moves_ones(from, to) && to->rank == from->rank + 1 && to->dim[0] == 1)
        return only_part(l);
    CertSlot whole = low_operand(l, 0);
    if (moves_ones(from, to))
        return low_slot(move_ones(l, &x, from, &y, to, whole));
    return low_slot(
        build(&l->b, (CertOp){.form = CERT_RESHAPE, .axes = x.sizes, .i = y.sizes}, whole, 0));
}

RULE(transpose)
{
    Layout x = low_layout(l, n->in[0]);
    uint32_t at[IR_MAX_PLATES + IR_MAX_RANK], plates = low_axis_at(&x, 0);
    for (uint32_t i = 0; i < x.sizes.count; i++)
        at[i] = i < plates ? i : plates + (uint32_t)n->attr.k[i - plates];
    return low_slot(build_ein(&l->b, x.sizes, all_of(l, x.sizes), low_list(l, x.sizes.count, at),
                              low_operand(l, 0)));
}

RULE(expand)
{
    Layout y = low_result(l);
    if (n->attr.k[0] == 0 && n->attr.k[1] == 1)
        return only_part(l);
    CertList read = without(l, y.sizes.count, low_axis_at(&y, (uint32_t)n->attr.k[0]));
    return low_slot(build_ein(&l->b, y.sizes, read, all_of(l, y.sizes), low_operand(l, 0)));
}

RULE(slice)
{
    Layout x = low_layout(l, n->in[0]), y = low_result(l);
    LowValue v = low_value(l, n->in[0]);
    uint32_t axis = (uint32_t)n->attr.k[0], first = (uint32_t)n->attr.k[1];
    if (v.slot == CERT_NONE && axis == 0)
        return (LowValue){CERT_NONE, v.part + first, (uint32_t)n->attr.k[2] - first};
    if (symbol_at(&x, axis) == symbol_at(&y, axis))
        return low_slot(low_operand(l, 0));
    return low_slot(cut(l, CERT_SLICE, low_axis_at(&x, axis), first, x.sizes, symbol_at(&y, axis),
                        low_operand(l, 0)));
}

RULE(pad)
{
    Layout x = low_layout(l, n->in[0]), y = low_result(l);
    LowValue v = low_value(l, n->in[0]);
    uint32_t axis = (uint32_t)n->attr.k[0], first = (uint32_t)n->attr.k[1];
    if (v.slot == CERT_NONE && axis == 0) {
        LowValue wide = sequence(l, n->attr.k[2]);
        for (uint32_t k = 0; k < v.parts; k++)
            wide.part[first + k] = v.part[k];
        return wide;
    }
    if (symbol_at(&x, axis) == symbol_at(&y, axis))
        return low_slot(low_operand(l, 0));
    return low_slot(cut(l, CERT_PAD, low_axis_at(&x, axis), first, x.sizes, symbol_at(&y, axis),
                        low_operand(l, 0)));
}

/* The sums of the elements up to each of them, or from each of them on: every one is the one before
 * and an element more. */
LowValue low_partial_sums(Lower *l, const LowValue *v, bool from_end)
{
    LowValue sums = sequence(l, v->parts);
    CertSlot total = CERT_NONE;
    for (uint32_t i = 0; i < v->parts; i++) {
        uint32_t k = from_end ? v->parts - 1 - i : i;
        if (v->part[k] != CERT_NONE)
            total = add_slots(l, total, v->part[k]);
        sums.part[k] = total;
    }
    return sums;
}

/* A sum of pads. */
RULE(concat)
{
    Layout y = low_result(l);
    uint32_t axis = (uint32_t)n->attr.k[0], first = 0;
    CertSlot total = CERT_NONE;
    for (uint32_t k = 0; k < n->n_in; k++) {
        const IrType *t = &l->g->node[n->in[k]].type;
        Layout x = low_layout(l, n->in[k]), wide = x;
        CertSlot v = low_operand(l, k);
        wide.plates = y.plates;
        uint32_t *sizes = arena_array(l->arena, uint32_t, y.sizes.count + 1);
        for (uint32_t i = 0; i < y.sizes.count; i++)
            sizes[i] = i == low_axis_at(&y, axis) ? symbol_at(&x, axis) : y.sizes.at[i];
        wide.sizes = (CertList){y.sizes.count, sizes};
        v = low_spread(l, &x, &wide, v);
        if (symbol_at(&x, axis) != symbol_at(&y, axis))
            v = cut(l, CERT_PAD, low_axis_at(&y, axis), first, wide.sizes, symbol_at(&y, axis), v);
        total = add_slots(l, total, v);
        first += (uint32_t)t->dim[axis];
    }
    return low_slot(total);
}

/* Plates and n as axes; read or written at plates, n, n. */
static CertList twice(Lower *l, uint32_t n)
{
    uint32_t *at = arena_array(l->arena, uint32_t, n + 1);
    for (uint32_t i = 0; i <= n; i++)
        at[i] = i < n ? i : n - 1;
    return (CertList){n + 1, at};
}

RULE(diag)
{
    CertList axes = low_layout(l, n->in[0]).sizes;
    return low_slot(
        build_ein(&l->b, axes, all_of(l, axes), twice(l, axes.count), low_operand(l, 0)));
}

RULE(diag_part)
{
    (void)n;
    CertList axes = low_result(l).sizes;
    return low_slot(
        build_ein(&l->b, axes, twice(l, axes.count), all_of(l, axes), low_operand(l, 0)));
}

/* ---- plates --------------------------------------------------------------------------------- */

/* Where the axes of `with`, which has axis 0 beside what `y` has, stand in y, where that axis is a
 * plate. */
static CertList plate_places(Lower *l, const Layout *with, const Layout *y, uint32_t plate)
{
    uint32_t *at = arena_array(l->arena, uint32_t, with->sizes.count + 1), count = 0;
    for (uint32_t p = 0; p < l->g->plates; p++)
        if (with->plates >> p & 1)
            at[count++] = low_plate_at(y, p);
    at[count++] = low_plate_at(y, plate);
    for (uint32_t i = 1; i < with->rank; i++)
        at[count++] = low_axis_at(y, i - 1);
    return (CertList){count, at};
}

/* The operand's element of this step. */
static LowValue step_element(Lower *l, const IrNode *n)
{
    uint32_t k = (uint32_t)(l->step[n->attr.plate] + n->attr.k[0]);
    Layout x = low_layout(l, n->in[0]), y = low_result(l);
    LowValue v = low_value(l, n->in[0]);
    if (v.slot == CERT_NONE)
        return part_of(l, &v, k, y.sizes);
    return low_slot(element(l, &x, k, v.slot));
}

RULE(to_plate)
{
    uint32_t plate = (uint32_t)n->attr.plate;
    if (l->g->plate[plate].kind == IR_PLATE_STEP)
        return step_element(l, n);
    Layout x = low_layout(l, n->in[0]), y = low_result(l);
    uint32_t copies = size_of_plate(l->sizes, l->cert, plate);
    CertSlot v = low_operand(l, 0);
    if (symbol_at(&x, 0) != copies) {
        v = cut(l, CERT_SLICE, low_axis_at(&x, 0), (uint32_t)n->attr.k[0], x.sizes, copies, v);
    }
    return low_slot(
        build_ein(&l->b, y.sizes, plate_places(l, &x, &y, plate), all_of(l, y.sizes), v));
}

/* All steps of the operand, as a sequence. */
static LowValue gather_steps(Lower *l, const IrNode *n)
{
    int32_t plate = n->attr.plate;
    LowValue v = sequence(l, n->attr.k[1]);
    for (l->step[plate] = 0; l->step[plate] < l->g->plate[plate].size; l->step[plate]++)
        v.part[l->step[plate] + n->attr.k[0]] = low_operand(l, 0);
    l->step[plate] = 0;
    return v;
}

RULE(to_axis)
{
    uint32_t plate = (uint32_t)n->attr.plate;
    if (l->g->plate[plate].kind == IR_PLATE_STEP)
        return gather_steps(l, n);
    Layout x = low_layout(l, n->in[0]), y = low_result(l);
    CertList places = plate_places(l, &y, &x, plate);
    CertSlot v = build_ein(&l->b, x.sizes, all_of(l, x.sizes), places, low_operand(l, 0));
    CertList made = cert_pick(l->arena, x.sizes, places);
    uint32_t axis = low_axis_at(&y, 0);
    if (symbol_at(&y, 0) != made.at[axis])
        v = cut(l, CERT_PAD, axis, (uint32_t)n->attr.k[0], made, symbol_at(&y, 0), v);
    return low_slot(v);
}

/* The first operand at the first step, the second of the step before at the others. */
RULE(carry)
{
    const IrRegion *region = &l->g->region[n->region - 1];
    int64_t *step = &l->step[region->plate], here = *step;
    int64_t first = region->reverse ? l->g->plate[region->plate].size - 1 : 0;
    uint32_t k = here == first ? 0 : 1;
    Layout from = low_layout(l, n->in[k]), to = low_result(l);
    *step += here == first ? 0 : region->reverse ? 1 : -1;
    CertSlot x = low_operand(l, k);
    *step = here;
    return low_slot(low_spread(l, &from, &to, x));
}
