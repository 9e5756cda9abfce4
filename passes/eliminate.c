/* Variable elimination: sums of products of tables over the values of enumerated draws.
 *
 * The law of a draw given those that decide it is a table over their values.  What a cost expects
 * is weighed by the product of the tables of all draws behind it; a draw that the cost does not
 * read is summed out of that product first, and only the tables over its values are multiplied for
 * that.  The draw whose sum is over the smallest table comes next, and of several the first, so
 * that a chain is a recursion along it and a tree one from its root.  (Koller & Friedman,
 * "Probabilistic graphical models", 2009, chapter 9.)
 *
 * Costs behind the same draws share the tables: each sum is made once, and so is its adjoint. */
#include "passes/estimator.h"

static IrPlates joined(const EsTable *t, uint32_t tables, uint32_t plate)
{
    IrPlates all = 0;
    for (uint32_t i = 0; i < tables; i++)
        all |= t[i].on >> plate & 1 ? t[i].on : 0;
    return all;
}

int64_t es_table_size(const int64_t *values, IrPlates on)
{
    int64_t size = 1;
    for (uint32_t p = 0; p < IR_MAX_PLATES; p++)
        if (on >> p & 1)
            size = size > INT64_MAX / values[p] ? INT64_MAX : size * values[p];
    return size;
}

/* The plate of `out` that is summed out of the smallest table. */
static uint32_t cheapest(const EsTable *t, uint32_t tables, IrPlates out, const int64_t *values)
{
    uint32_t best = 0;
    int64_t least = -1;
    for (uint32_t p = 0; p < IR_MAX_PLATES; p++) {
        if (!(out >> p & 1))
            continue;
        int64_t size = es_table_size(values, joined(t, tables, p));
        best = least < 0 || size < least ? p : best;
        least = least < 0 || size < least ? size : least;
    }
    return best;
}

/* The sum over the plate of the product of the nodes; one that was made before is taken again. */
static IrRef sum_of_product(IrGraph *g, EsSums *known, const EsTable *t, uint32_t tables,
                            uint32_t plate)
{
    for (uint32_t i = 0; i < known->count; i++) {
        const EsSum *s = &known->sum[i];
        bool same = s->plate == plate && s->tables == tables;
        for (uint32_t k = 0; k < tables && same; k++)
            same = s->of[k] == t[k].node;
        if (same)
            return s->node;
    }
    EsSum *s = arena_push(g->model->arena, known->sum, known->count, EsSum);
    *s = (EsSum){.plate = plate, .tables = tables};
    s->of = arena_array(g->model->arena, IrRef, tables);
    IrRef product = IR_NONE;
    for (uint32_t k = 0; k < tables; k++) {
        s->of[k] = t[k].node;
        product = product == IR_NONE ? t[k].node : ir_binary(g, IR_MUL, product, t[k].node);
    }
    return s->node = ir_reduce(g, IR_SUM, product, 0, 1u << plate);
}

static void sum_out(IrGraph *g, EsSums *known, EsTable *t, uint32_t *tables, uint32_t plate)
{
    EsTable with[IR_MAX_PLATES + 1];
    uint32_t withs = 0, kept = 0;
    IrPlates on = joined(t, *tables, plate);
    for (uint32_t i = 0; i < *tables; i++)
        if (t[i].on >> plate & 1)
            with[withs++] = t[i];
        else
            t[kept++] = t[i];
    if (withs > 0)
        t[kept++] = (EsTable){.node = g ? sum_of_product(g, known, with, withs, plate) : IR_NONE,
                              .on = on & ~(1u << plate)};
    *tables = kept;
}

IrPlates es_eliminate(IrGraph *g, EsSums *known, EsTable *t, uint32_t *tables, IrPlates out,
                      const int64_t *values)
{
    IrPlates largest = 0;
    while (out) {
        uint32_t plate = cheapest(t, *tables, out, values);
        IrPlates on = joined(t, *tables, plate);
        if (es_table_size(values, on) > es_table_size(values, largest))
            largest = on;
        sum_out(g, known, t, tables, plate);
        out &= ~(1u << plate);
    }
    return largest;
}
