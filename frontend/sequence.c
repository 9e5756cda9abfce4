/* Sequences: names whose steps are defined one by one in a `for`, and how they are read.
 *
 * Inside the loop h[t-1] is a carry from the step before; finished steps are pieces, one node for a
 * step or one over the copies of a step plate. */
#include "frontend/sequence.h"

static const Value failed = {.kind = VALUE_ERROR};

Sequence *fe_sequence(Fe *fe, const char *name, Span at)
{
    Sequence *s = arena_make(fe->arena, Sequence);
    *s = (Sequence){.name = name, .at = at, .now = IR_NONE, .elem = IR_BOOL};
    return s;
}

void fe_sequence_spoil(Sequence *s)
{
    s->spoiled = true;
}

static int64_t end_of(const Sequence *s)
{
    return s->pieces ? s->piece[s->pieces - 1].first + s->piece[s->pieces - 1].count : 0;
}

static bool holds(const Sequence *s, int64_t i)
{
    return s->pieces && i >= s->piece[0].first && i < end_of(s);
}

/* ---- finished steps ------------------------------------------------------------------------ */

/* A piece as an array, its steps on axis 0. */
static IrRef piece_axis(Fe *fe, Span at, const Piece *p)
{
    IrAttr attr =
        p->steps ? (IrAttr){.plate = (int32_t)p->plate, .k = {0, p->count}} : (IrAttr){.k = {0, 1}};
    return fe_node(fe, at, fe_build(fe, at, p->steps ? IR_TO_AXIS : IR_EXPAND, attr, 1, &p->ref));
}

static Value element(Fe *fe, Span at, const Sequence *s, int64_t i)
{
    const Piece *p = s->piece;
    while (i >= p->first + p->count)
        p++;
    if (!p->steps)
        return fe_value(p->ref);
    return fe_element(fe, at, piece_axis(fe, at, p), fe_integer(i - p->first));
}

IrRef fe_sequence_stack(Fe *fe, Span at, Sequence *s)
{
    if (s->spoiled)
        return IR_NONE;
    if (s->loop || !s->pieces) {
        fe_error(fe, at, SG0503,
                 "`%s` is a sequence that is not complete here: read single steps of it", s->name);
        return IR_NONE;
    }
    IrRef *in = arena_array(fe->arena, IrRef, s->pieces);
    bool real = false;
    for (uint32_t i = 0; i < s->pieces; i++) {
        in[i] = piece_axis(fe, at, &s->piece[i]);
        if (in[i] == IR_NONE)
            return IR_NONE;
        real = real || fe_type(fe, in[i]).elem == IR_REAL;
    }
    for (uint32_t i = 0; real && i < s->pieces; i++)
        in[i] = fe_real(fe, at, fe_value(in[i]));
    return s->pieces == 1
               ? in[0]
               : fe_node(fe, at, fe_build(fe, at, IR_CONCAT, (IrAttr){0}, s->pieces, in));
}

/* ---- reading ------------------------------------------------------------------------------- */

static Value say_missing(Fe *fe, Span at, const Sequence *s, int64_t i)
{
    if (!s->loop)
        return fe_error(fe, at, SG0503,
                        "`%s[%lld]` is not defined: `%s` has the steps %lld to %lld", s->name,
                        (long long)i, s->name, s->pieces ? (long long)s->piece[0].first : 0,
                        (long long)end_of(s) - 1);
    return fe_error(fe, at, SG0503,
                    "`%s[%lld]` is not defined before the loop, whose first step reads it; inside "
                    "the loop only earlier steps can be read",
                    s->name, (long long)i);
}

void fe_carry_forget(Sequence *s)
{
    s->elem = IR_BOOL;
    s->plates = 0;
}

/* Carries start from finished steps, whose elements may be ints and reals. */
void fe_carry_widen(Sequence *s, const IrType *t)
{
    bool first = s->carries == 0 && s->elem == IR_BOOL;
    if (first || (t->elem == IR_REAL && s->elem == IR_INT))
        s->elem = t->elem;
    s->plates |= t->plates;
}

IrRef fe_carry(Fe *fe, Span at, Sequence *s, int64_t first)
{
    for (uint32_t i = 0; i < s->carries; i++)
        if (s->carry[i].first == first)
            return s->carry[i].ref;
    IrRef start = fe_node(fe, at, element(fe, at, s, first));
    if (start == IR_NONE)
        return IR_NONE;
    IrType t = fe_type(fe, start);
    t.plates |= 1u << s->loop->plate;
    fe_carry_widen(s, &t);
    start = s->elem == IR_REAL ? fe_real(fe, at, fe_value(start)) : start;
    if (start == IR_NONE)
        return IR_NONE;
    t.elem = s->elem;
    t.plates = s->plates;
    fe->g->here = at;
    IrRef r = ir_typed(fe->g, IR_CARRY, (IrAttr){0}, t, 2, (IrRef[]){start, start});
    ir_set_name(fe->g, r, s->name);
    *arena_push(fe->arena, s->carry, s->carries, Carry) = (Carry){first, r};
    return r;
}

/* h[t - c] in the loop that defines h. */
static Value read_step(Fe *fe, Span at, Sequence *s, int64_t first)
{
    if (s->now != IR_NONE && first == s->now_first)
        return fe_value(s->now);
    if (!holds(s, first))
        return say_missing(fe, at, s, first);
    return fe_value(fe_carry(fe, at, s, first));
}

Value fe_sequence_read(Fe *fe, Span at, Sequence *s, Value i)
{
    if (s->spoiled || i.kind == VALUE_ERROR)
        return failed;
    if (s->loop && i.kind == VALUE_STEP && i.plate == s->loop->plate)
        return read_step(fe, at, s, i.integer);
    if (i.kind == VALUE_INTEGER)
        return holds(s, i.integer) ? element(fe, at, s, i.integer)
                                   : say_missing(fe, at, s, i.integer);
    if (s->loop)
        return fe_error(fe, at, SG0503,
                        "inside its loop, `%s` is read at constant offsets back, as `%s[%s-1]`",
                        s->name, s->name, s->loop->scope->name);
    IrRef stack = fe_sequence_stack(fe, at, s);
    if (stack == IR_NONE)
        return failed;
    Value from = fe_arithmetic(fe, at, TOK_MINUS, i, fe_integer(s->piece[0].first));
    return fe_element(fe, at, stack, from);
}

/* ---- defining ------------------------------------------------------------------------------ */

/* What differs in every step must be a value of every step. */
static IrRef every_step(Fe *fe, Span at, const Loop *l, IrRef r)
{
    if (fe_type(fe, r).plates >> l->plate & 1)
        return r;
    int64_t count = fe->g->plate[l->plate].size;
    Value axis = fe_build(fe, at, IR_EXPAND, (IrAttr){.k = {0, count}}, 1, &r);
    return fe_node(
        fe, at,
        fe_element(fe, at, fe_node(fe, at, axis), (Value){.kind = VALUE_STEP, .plate = l->plate}));
}

static bool same_shape(Fe *fe, Span at, const Sequence *s, IrRef value)
{
    if (!s->pieces)
        return true;
    IrType t = fe_type(fe, value), first = fe_type(fe, s->piece[0].ref);
    if (ir_same_shape(&t, &first))
        return true;
    fe_error(fe, at, SG0505, "the steps of `%s` must have one shape, but are %s and %s", s->name,
             fe_shape_text(fe, &first), fe_shape_text(fe, &t));
    return false;
}

static bool follows(Fe *fe, Span at, const Sequence *s, int64_t i)
{
    if (i >= 0 && (!s->pieces || i == end_of(s)))
        return true;
    if (i < 0)
        fe_error(fe, at, SG0504, "`%s[%lld]`: steps start at 0", s->name, (long long)i);
    else if (i < end_of(s))
        fe_error(fe, at, SG0504, "`%s[%lld]` is already defined", s->name, (long long)i);
    else
        fe_error(fe, at, SG0504, "`%s[%lld]` leaves a gap: the step after `%s[%lld]` comes next",
                 s->name, (long long)i, s->name, (long long)end_of(s) - 1);
    return false;
}

static bool write(Fe *fe, Span at, Sequence *s, Value i, IrRef value)
{
    if (s->now != IR_NONE) {
        fe_error(fe, at, SG0504, "the step of `%s` is already defined", s->name);
        return false;
    }
    if (!follows(fe, at, s, i.integer) || !same_shape(fe, at, s, value))
        return false;
    if (i.kind == VALUE_INTEGER) {
        *arena_push(fe->arena, s->piece, s->pieces, Piece) =
            (Piece){.first = i.integer, .count = 1, .ref = value};
        return true;
    }
    s->now_first = i.integer;
    s->now = every_step(fe, at, s->loop, value);
    return s->now != IR_NONE;
}

bool fe_sequence_write(Fe *fe, Span at, Sequence *s, Value i, IrRef value)
{
    bool ok = value != IR_NONE && !s->spoiled && write(fe, at, s, i, value);
    s->spoiled = s->spoiled || !ok;
    return ok;
}
