/* Sequences of enumerated draws: what is carried on is how probable their values are.
 *
 * The values of a step and of the steps before that something remembers are plates.  The table m
 * over those before, B, follows from that of the step before,
 *
 *   m'(A, B less the oldest) = sum over the oldest of m(B) P(A | B),
 *
 * where P is the product of the laws of a step: T S^2 work for one draw that remembers one step, in
 * place of S^T.  A step that is read after the loop is its marginal there.  Steps that are read
 * together have a table that is carried on with the earlier ones in it. */
#include "passes/estimator.h"

typedef struct Chain {
    EsProgram *p;
    const EsRecursion *c; /* NULL: nothing is remembered */
    uint32_t region;
    int32_t steps;
    IrPlates loop; /* of values within the loop */
    IrRef table;   /* over the values before; IR_NONE: none */
} Chain;

static int32_t plate_of(const EsProgram *p, uint32_t variable)
{
    return p->values->var[variable].plate;
}

/* The plate of the same draw's values so many steps before; -1: nothing reads them. */
static int32_t plate_before(const EsProgram *p, uint32_t draw, uint32_t lag)
{
    for (uint32_t i = 0; i < p->values->vars; i++) {
        const EsVariable *v = &p->values->var[i];
        if (v->draw == draw && v->lag == lag && v->step < 0)
            return v->plate;
    }
    return -1;
}

/* Copies of one plate as copies of another. */
IrRef es_move_plate(IrGraph *g, IrRef v, int32_t from, int32_t to)
{
    if (!(g->node[v].type.plates >> from & 1))
        return v;
    v = ir_node(g, IR_TO_AXIS, (IrAttr){.plate = from, .k = {0, g->plate[from].size}}, 1, &v);
    return ir_node(g, IR_TO_PLATE, (IrAttr){.plate = to}, 1, &v);
}

/* Step k of a value that every step has. */
static IrRef copy_of(IrGraph *g, IrRef v, int32_t plate, int64_t k)
{
    IrType one = g->node[v].type;
    v = ir_node(g, IR_TO_AXIS, (IrAttr){.plate = plate, .k = {0, g->plate[plate].size}}, 1, &v);
    v = ir_node(g, IR_SLICE, (IrAttr){.k = {0, k, k + 1}}, 1, &v);
    one.plates &= ~(1u << plate);
    return ir_typed(g, IR_RESHAPE, (IrAttr){0}, one, 1, &v);
}

IrRef es_first_copy(IrGraph *g, IrRef v, int32_t plate)
{
    return g->node[v].type.plates >> plate & 1 ? copy_of(g, v, plate, 0) : v;
}

IrRef es_move_back(EsProgram *p, IrRef v, uint32_t region)
{
    for (uint32_t lag = ES_LAGS + 1; lag-- > 0;)
        for (uint32_t i = 0; i < p->draws; i++) {
            int32_t from = plate_before(p, i, lag), to = plate_before(p, i, lag + 1);
            if (from >= 0 && p->source->node[p->draw[i].node].region == region)
                v = to < 0 ? es_first_copy(p->g, v, from) : es_move_plate(p->g, v, from, to);
        }
    return v;
}

static IrRef one_where(IrGraph *g, IrRef a, IrRef b)
{
    return ir_select(g, ir_binary(g, IR_EQ, a, b), ir_const(g, 1), ir_const(g, 0));
}

/* ---- one step ------------------------------------------------------------------------------- */

/* The plates of the loop that decide how probable the values are. */
static IrPlates closure(const Chain *h, IrPlates set)
{
    const IrGraph *g = h->p->g;
    for (IrPlates before = 0; before != set;) {
        before = set;
        ES_EACH (i, before)
            if (g->plate[i].weight != IR_NONE)
                set |= g->node[g->plate[i].weight].type.plates & h->loop;
    }
    return set;
}

/* How probable the values of these plates are in a step: all others of the loop, those of `with`
 * among them, are summed out. */
static IrRef probability(const Chain *h, IrPlates kept, IrPlates with)
{
    IrGraph *g = h->p->g;
    EsTable t[IR_MAX_PLATES + 1];
    IrPlates all = closure(h, kept | with);
    IrRef product = IR_NONE;
    uint32_t tables = es_tables(h->p, NULL, all, t), known = 0;
    for (uint32_t i = 0; i < tables; i++)
        if (!(MUTATED(FORGOTTEN_STEP) && t[i].node == h->table))
            t[known++] = t[i];
    es_sum_out(h->p, t, &known, all & ~kept);
    for (uint32_t i = 0; i < known; i++)
        product = es_times(g, product, t[i].node);
    return product;
}

/* ---- the recursion -------------------------------------------------------------------------- */

/* The value before the first step: another draw's, a number, or one that nothing reads. */
static IrRef first_value(const Chain *h, const EsVariable *v, const IrRef *now)
{
    IrGraph *g = h->p->g;
    IrRef is = v->start >= 0        ? ir_index(g, (uint32_t)plate_of(h->p, (uint32_t)v->start), 0)
               : v->from != IR_NONE ? now[v->from]
                                    : ir_int(g, 0);
    return one_where(g, ir_index(g, (uint32_t)v->plate, 0), is);
}

static IrRef start_of(const Chain *h, const IrRef *now)
{
    IrGraph *g = h->p->g;
    IrRef table = IR_NONE;
    ES_EACH (i, h->c->summed)
        table = es_times(g, table, g->plate[plate_of(h->p, i)].weight);
    ES_EACH (i, h->c->past) {
        const EsVariable *v = &h->p->values->var[i];
        if (v->start >= 0 && h->c->summed >> v->start & 1)
            table = es_move_plate(g, table, plate_of(h->p, (uint32_t)v->start), v->plate);
        else
            table = es_times(g, table, first_value(h, v, now));
    }
    return table;
}

static void set_table(Chain *h, IrRef table)
{
    h->table = table;
    ES_EACH (i, h->c->past)
        h->p->g->plate[plate_of(h->p, i)].weight = table;
}

/* The values of the step and before that the next step remembers. */
static IrPlates remembered(const Chain *h)
{
    IrPlates set = 0;
    ES_EACH (i, h->c->past) {
        const EsVariable *v = &h->p->values->var[i];
        set |= 1u << plate_before(h->p, v->draw, v->lag - 1);
    }
    return set;
}

/* A table that is carried on from `start`; it has what the laws of a step have besides. */
static IrRef carried_table(const Chain *h, IrRef start, IrPlates laws)
{
    IrGraph *g = h->p->g;
    IrType type = g->node[start].type;
    ES_EACH (i, closure(h, laws))
        if (g->plate[i].weight != IR_NONE)
            type.plates |= g->node[g->plate[i].weight].type.plates & ~h->loop;
    ES_EACH (i, h->c->past)
        type.plates |= 1u << plate_of(h->p, i);
    type.plates |= 1u << h->steps;
    return ir_typed(g, IR_CARRY, (IrAttr){0}, type, 2, (IrRef[]){start, start});
}

static void link(Chain *h, const IrRef *now)
{
    IrGraph *g = h->p->g;
    g->in_region = 0;
    IrRef start = start_of(h, now);
    g->in_region = h->region;
    set_table(h, carried_table(h, start, remembered(h)));
    IrRef next = es_move_back(h->p, probability(h, remembered(h), 0), h->region);
    g->node[h->table].in[1] = next;
}

/* ---- steps after the loop ------------------------------------------------------------------- */

static int64_t step_of(const Chain *h, uint32_t after)
{
    return h->p->values->var[after].step;
}

/* The plate that its values are in at that step. */
static int32_t present(const Chain *h, uint32_t after, int64_t step)
{
    uint32_t lag = (uint32_t)(step - step_of(h, after));
    return plate_before(h->p, h->p->values->var[after].draw, lag);
}

/* Where step k is reached, the values of the plate are known: they are the step's. */
static IrRef note_step(const Chain *h, IrRef table, uint32_t after)
{
    IrGraph *g = h->p->g;
    int32_t plate = plate_of(h->p, after);
    IrRef same = one_where(g, ir_index(g, (uint32_t)plate, 0),
                           ir_index(g, (uint32_t)present(h, after, step_of(h, after)), 0));
    IrRef noted = ir_binary(g, IR_MUL, ir_reduce(g, IR_SUM, table, 0, 1u << plate), same);
    IrRef step = ir_int(g, step_of(h, after));
    IrRef here = ir_binary(g, IR_EQ, ir_index(g, (uint32_t)h->steps, 0), step);
    return ir_select(g, here, noted, table);
}

/* How probable the values of the steps together are, at the last of them. */
static IrRef joint_table(Chain *h, uint32_t steps, uint32_t earlier, int64_t end)
{
    IrGraph *g = h->p->g;
    IrPlates now = 0, last = 0;
    ES_EACH (i, steps & ~earlier)
        last |= 1u << present(h, i, end);
    if (!earlier)
        return probability(h, last, 0);
    ES_EACH (i, earlier)
        now |= 1u << present(h, i, step_of(h, i));
    now |= last;
    const IrRef kept = h->table;
    IrRef start = g->node[kept].in[0];
    g->in_region = 0;
    ES_EACH (i, earlier)
        start = es_times(g, start,
                         one_where(g, ir_index(g, (uint32_t)plate_of(h->p, i), 0), ir_int(g, 0)));
    g->in_region = h->region;
    set_table(h, carried_table(h, start, remembered(h) | now));
    IrPlates past = g->node[h->table].type.plates & h->loop;
    IrRef table = h->table, next = probability(h, remembered(h) | now, past);
    ES_EACH (i, earlier)
        next = note_step(h, next, i);
    IrPlates only = now & ~remembered(h);
    g->node[table].in[1] = es_move_back(h->p, ir_reduce(g, IR_SUM, next, 0, only), h->region);
    set_table(h, kept);
    return ir_reduce(g, IR_SUM, next, 0, g->node[next].type.plates & h->loop & ~last);
}

/* Steps that are read after the loop, and those with them. */
static void read_steps(Chain *h, uint32_t steps)
{
    IrGraph *g = h->p->g;
    uint32_t earlier = es_earlier(h->p->values, steps), last = steps & ~earlier;
    int64_t end = 0;
    ES_EACH (i, last)
        end = step_of(h, i) > end ? step_of(h, i) : end;
    g->in_region = h->region;
    IrRef table = joint_table(h, steps, earlier, end);
    g->in_region = 0;
    if (g->node[table].type.plates >> h->steps & 1)
        table = copy_of(g, table, h->steps, end);
    ES_EACH (i, last)
        table = es_move_plate(g, table, present(h, i, end), plate_of(h->p, i));
    ES_EACH (i, steps)
        g->plate[plate_of(h->p, i)].weight = table;
}

/* ---- all of them ---------------------------------------------------------------------------- */

static Chain chain_of(EsProgram *p, uint32_t region, const EsRecursion *c)
{
    Chain h = {.p = p, .c = c, .region = region, .table = IR_NONE};
    h.steps = p->source->region[region - 1].plate;
    for (uint32_t i = 0; i < p->values->vars; i++) {
        const EsVariable *v = &p->values->var[i];
        if (v->step < 0 && p->source->node[p->draw[v->draw].node].region == region)
            h.loop |= 1u << v->plate;
    }
    return h;
}

void es_link_sequences(EsProgram *p, const IrRef *now)
{
    const EsValues *v = p->values;
    IrRef table[IR_MAX_PLATES];
    for (uint32_t k = 0; k < v->recursions; k++) {
        Chain h = chain_of(p, v->recursion[k].region, &v->recursion[k]);
        link(&h, now);
        table[k] = h.table;
    }
    for (uint32_t i = 0; i < v->vars; i++) {
        const EsVariable *x = &v->var[i];
        if (x->step < 0 || v->part[i] & ((1u << i) - 1))
            continue; /* with the first of its part */
        Chain h = chain_of(p, p->source->node[p->draw[x->draw].node].region,
                           x->recursion < 0 ? NULL : &v->recursion[x->recursion]);
        h.table = x->recursion < 0 ? IR_NONE : table[x->recursion];
        read_steps(&h, v->part[i]);
    }
    p->g->in_region = 0;
}
