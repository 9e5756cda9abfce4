/* for t in a..b { … }
 *
 * The outermost `for` becomes a plate of steps and a region of the graph.  A carry has the type of
 * what it starts from until the step turns out to hold more plates or reals; then the body is
 * elaborated again, so that the types of the carries are the least that hold.  A `for` inside it is
 * unrolled. */
#include "frontend/sequence.h"

/* ---- which names are sequences ------------------------------------------------------------- */

static bool steps_of(const Stmt *target, const Stmt *loop)
{
    bool defines = target->kind == STMT_BIND || target->kind == STMT_DRAW;
    return defines && target->brackets > 0 &&
           fe_mentions(target->bracket[0].arg[0].value, loop->name);
}

void fe_declare_sequences(Fe *fe, const Block *block)
{
    for (uint32_t i = 0; i < block->count; i++) {
        const Stmt *loop = block->stmt[i];
        for (uint32_t k = 0; loop->kind == STMT_FOR && k < loop->body.count; k++) {
            const Stmt *s = loop->body.stmt[k];
            const Entry *known = steps_of(s, loop) ? fe_find(fe->scope, s->name) : NULL;
            if (!steps_of(s, loop) || (known && known->value.kind == VALUE_SEQUENCE))
                continue;
            Entry *e = fe_define(fe, s->name, s->name_at, ENTRY_VALUE);
            if (e)
                e->value = (Value){.kind = VALUE_SEQUENCE,
                                   .sequence = fe_sequence(fe, s->name, s->name_at)};
        }
    }
}

/* The innermost loop whose variable the bracket mentions. */
static const Scope *mentioned_loop(const Fe *fe, const Expr *e)
{
    for (const Scope *s = fe->scope; s && s->kind != SCOPE_BODY; s = s->parent)
        if (s->kind == SCOPE_FOR && fe_mentions(e, s->name))
            return s;
    return NULL;
}

/* The loop variable plus a constant where the steps are copies of a plate, else an integer. */
static Value step_of(Fe *fe, const Args *bracket, bool copies)
{
    bool before = fe->sizes;
    if (bracket->count != 1)
        return fe_error(fe, bracket->at, SG0502,
                        "the first bracket of a sequence is its step alone: a shape "
                        "follows in a second");
    fe->sizes = true;
    Value i = fe_expr(fe, bracket->arg[0].value);
    fe->sizes = before;
    bool ok = copies ? i.kind == VALUE_STEP && i.plate == fe->loop->plate : i.kind == VALUE_INTEGER;
    if (ok || i.kind == VALUE_ERROR)
        return i;
    return fe_error(fe, bracket->at, SG0502,
                    "a step is the loop variable plus or minus a constant");
}

bool fe_is_step(Fe *fe, const Stmt *target, Sequence **s, Value *index)
{
    *s = NULL;
    if (target->brackets == 0)
        return false;
    const Scope *loop = mentioned_loop(fe, target->bracket[0].arg[0].value);
    const Entry *e = fe_find(loop ? loop->parent : fe->scope, target->name);
    bool sequence = e && e->kind == ENTRY_VALUE && e->value.kind == VALUE_SEQUENCE;
    if (loop && loop != fe->scope) {
        fe_error(fe, target->name_at, SG0502,
                 "the steps of `%s` are defined directly in the body of `for %s`", target->name,
                 loop->name);
        return true;
    }
    if (!loop && !sequence)
        return false;
    *index = step_of(fe, &target->bracket[0], loop && fe->loop && loop == fe->loop->scope);
    if (sequence)
        *s = e->value.sequence;
    if (*s && index->kind == VALUE_ERROR)
        fe_sequence_spoil(*s);
    if (index->kind == VALUE_ERROR)
        *s = NULL;
    return true;
}

/* ---- loops --------------------------------------------------------------------------------- */

/* What an attempt at a body adds, to be taken back before the next. */
typedef struct Mark {
    uint32_t nodes, plates, regions, stops, costs;
} Mark;

static Mark mark(const Fe *fe)
{
    return (Mark){fe->g->count, fe->g->plates, fe->g->regions, fe->stops, fe->costs};
}

static void forget_leaves(IrRef *leaf, uint32_t n, IrRef from)
{
    for (uint32_t i = 0; i < n; i++)
        if (leaf[i] != IR_NONE && leaf[i] >= from)
            leaf[i] = IR_NONE;
}

static void take_back(Fe *fe, Mark m)
{
    fe->g->count = m.nodes;
    fe->g->plates = m.plates;
    fe->g->regions = m.regions;
    fe->stops = m.stops;
    fe->costs = m.costs;
    forget_leaves(fe->param, fe->model->params, m.nodes);
    forget_leaves(fe->hyper, fe->model->hypers, m.nodes);
}

/* The sequences that a loop defines. */
typedef struct Defined {
    Sequence **sequence;
    uint32_t count;
} Defined;

static Defined sequences_of(const Fe *fe, const Stmt *loop)
{
    Defined d = {arena_array(fe->arena, Sequence *, loop->body.count + 1), 0};
    for (uint32_t i = 0; i < loop->body.count; i++) {
        const Stmt *s = loop->body.stmt[i];
        const Entry *e = steps_of(s, loop) ? fe_find(fe->scope, s->name) : NULL;
        if (e && e->kind == ENTRY_VALUE && e->value.kind == VALUE_SEQUENCE)
            d.sequence[d.count++] = e->value.sequence;
    }
    return d;
}

static void open_sequence(Sequence *s, Loop *l)
{
    s->loop = l;
    s->now = IR_NONE;
    s->carries = 0;
}

/* A carry goes on with the carry one step later, up to the value of the step. */
static void complete(Fe *fe, Sequence *s)
{
    for (uint32_t i = 0; i < s->carries && !s->spoiled && s->now != IR_NONE; i++)
        if (s->carry[i].first + 1 < s->now_first)
            s->spoiled = fe_carry(fe, s->at, s, s->carry[i].first + 1) == IR_NONE;
}

/* True: the carries need a larger type than this attempt gave them. */
static bool outgrown(Fe *fe, Sequence *s)
{
    complete(fe, s);
    if (s->spoiled || s->now == IR_NONE || !s->carries)
        return false;
    IrType now = fe_type(fe, s->now);
    fe_carry_widen(s, &now);
    bool larger = false;
    for (uint32_t i = 0; i < s->carries; i++) {
        IrType t = fe_type(fe, s->carry[i].ref);
        larger = larger || t.plates != s->plates || t.elem != s->elem;
    }
    return larger;
}

static void connect(Fe *fe, Sequence *s)
{
    if (s->carries && (fe_type(fe, s->now).elem == IR_BOOL) != (s->elem == IR_BOOL)) {
        fe_error(fe, s->at, SG0505, "some steps of `%s` are bools, others numbers", s->name);
        s->spoiled = true;
        return;
    }
    if (s->carries && s->elem == IR_REAL)
        s->now = fe_real(fe, s->at, fe_value(s->now));
    for (uint32_t i = 0; i < s->carries; i++) {
        int64_t next = s->carry[i].first + 1;
        IrRef after = next == s->now_first ? s->now : fe_carry(fe, s->at, s, next);
        ir_at(fe->g, s->carry[i].ref)->in[1] = after;
    }
}

static void close_sequence(Fe *fe, Sequence *s, int64_t count)
{
    Loop *l = s->loop;
    if (!s->spoiled && s->now == IR_NONE)
        s->spoiled = true;
    if (!s->spoiled)
        connect(fe, s);
    s->loop = NULL;
    if (!s->spoiled)
        *arena_push(fe->arena, s->piece, s->pieces, Piece) =
            (Piece){s->now_first, count, s->now, true, l->plate};
    s->now = IR_NONE;
}

static void enter_region(Fe *fe, const Stmt *s, int64_t count, Loop *l)
{
    fe->g->here = s->name_at;
    l->plate = ir_plate_add(fe->g, s->name, IR_PLATE_STEP, count, fe->plates);
    l->scope = fe_open(fe, SCOPE_FOR, s->name);
    fe->loop = l;
    fe->plates |= 1u << l->plate;
    fe->g->in_region = ir_region_add(fe->g, (int32_t)l->plate, false);
}

static void leave_region(Fe *fe)
{
    fe->plates &= ~(1u << fe->loop->plate);
    fe->loop = NULL;
    fe->g->in_region = 0;
}

/* Elaborates the body; true: its carries need larger types. */
static bool attempt(Fe *fe, const Stmt *s, int64_t first, Defined d)
{
    bool again = false;
    for (uint32_t i = 0; i < d.count; i++)
        open_sequence(d.sequence[i], fe->loop);
    Entry *e = fe_define(fe, s->name, s->name_at, ENTRY_VALUE);
    if (!e)
        return false;
    e->value = (Value){.kind = VALUE_STEP, .plate = fe->loop->plate, .integer = first};
    fe_block(fe, &s->body);
    for (uint32_t i = 0; i < d.count; i++)
        again = outgrown(fe, d.sequence[i]) || again;
    return again;
}

static void as_region(Fe *fe, const Stmt *s, int64_t first, int64_t count)
{
    Defined d = sequences_of(fe, s);
    uint32_t errors = diags_errors(fe->diags);
    Mark before = mark(fe);
    Loop l;
    for (uint32_t i = 0; i < d.count; i++)
        fe_carry_forget(d.sequence[i]);
    enter_region(fe, s, count, &l);
    while (attempt(fe, s, first, d) && diags_errors(fe->diags) == errors) {
        leave_region(fe);
        fe->scope = fe->scope->parent;
        take_back(fe, before);
        enter_region(fe, s, count, &l);
    }
    for (uint32_t i = 0; i < d.count; i++)
        close_sequence(fe, d.sequence[i], count);
    leave_region(fe);
    fe_close(fe);
}

static void spoil_sequences(Fe *fe, const Stmt *loop)
{
    Defined d = sequences_of(fe, loop);
    for (uint32_t i = 0; i < d.count; i++)
        fe_sequence_spoil(d.sequence[i]);
}

/* One step of an unrolled loop; the scope of the last one is kept, for messages. */
static void unroll_step(Fe *fe, const Stmt *s, int64_t i, bool last)
{
    fe_open(fe, SCOPE_FOR, s->name);
    Entry *e = fe_define(fe, s->name, s->name_at, ENTRY_VALUE);
    if (e) {
        e->value = fe_integer(i);
        fe_block(fe, &s->body);
    }
    if (last)
        fe_close(fe);
    else
        fe->scope = fe->scope->parent;
}

static void unroll(Fe *fe, const Stmt *s, int64_t first, int64_t count)
{
    const char *around = fe->unrolled;
    uint32_t errors = diags_errors(fe->diags);
    for (int64_t i = first; i < first + count && diags_errors(fe->diags) == errors; i++) {
        fe->unrolled = arena_printf(fe->arena, "%s %s=%lld", around, s->name, (long long)i);
        unroll_step(fe, s, i, i + 1 == first + count);
    }
    if (diags_errors(fe->diags) != errors)
        spoil_sequences(fe, s);
    fe->unrolled = around;
}

static bool loop_bounds(Fe *fe, const Stmt *s, int64_t *first, int64_t *end)
{
    enum { MOST_UNROLLED = 10000 };
    if (!fe_static(fe, s->value, "a bound of a `for`", first) ||
        !fe_static(fe, s->law, "a bound of a `for`", end))
        return false;
    Span at = fe_span_join(s->value->at, s->law->at);
    if (*end <= *first || *end - *first > INT32_MAX)
        fe_error(fe, at, SG0501, "`for %s` from %lld up to %lld has %s steps", s->name,
                 (long long)*first, (long long)*end, *end <= *first ? "no" : "too many");
    else if (fe->loop && *end - *first > MOST_UNROLLED)
        fe_error(fe, at, SG0501, "a `for` inside a `for` is unrolled, and %lld steps are too many",
                 (long long)(*end - *first));
    else if (!fe->loop && fe->g->plates == IR_MAX_PLATES)
        fe_error(fe, s->name_at, SG0506, "a graph has at most %d plates and loops", IR_MAX_PLATES);
    else
        return true;
    return false;
}

void fe_for(Fe *fe, Stmt *s)
{
    int64_t first, end;
    if (!loop_bounds(fe, s, &first, &end))
        spoil_sequences(fe, s);
    else if (fe->loop)
        unroll(fe, s, first, end - first);
    else
        as_region(fe, s, first, end - first);
}
