/* Graphs as pictures, for Graphviz.
 *
 *   ellipse        a draw                  double outline  a root: cost, output, gradient
 *   rounded box    a parameter             grey box        data, hypers, states
 *   solid edge     a gradient may pass     dotted edge     nothing there moves with a parameter
 *   cluster        the copies of a plate; in scheduled graphs a fused loop or a sequence
 *
 * Names are those of the text form, so that a picture can be searched. */
#include "ir/text.h"

#include <inttypes.h>
#include <string.h>

typedef struct Dot {
    const IrGraph *g;
    uint32_t number; /* of the graph in the file: node names begin with it */
    const bool *moves;
    IrPlates *mask; /* of the nodes' plates, each once, 0 first */
    uint32_t masks;
    FILE *out;
} Dot;

static void put_escaped(const char *s, FILE *out)
{
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            fputc('\\', out);
        fputc(*s, out);
    }
}

/* Depends on a parameter; carries look forward. */
static const bool *find_moves(const IrGraph *g)
{
    bool *moves = arena_array(g->model->arena, bool, g->count + 1);
    for (bool news = true; news;) {
        news = false;
        for (IrRef r = 0; r < g->count; r++) {
            const IrNode *n = &g->node[r];
            bool now = n->op == IR_PARAM;
            for (uint32_t k = 0; k < n->n_in && n->op != IR_STOP; k++)
                now |= moves[n->in[k]];
            news |= now && !moves[r];
            moves[r] |= now;
        }
    }
    return moves;
}

/* ---- nodes and edges ----------------------------------------------------------------------- */

static const char *style_of(const IrNode *n)
{
    unsigned flags = ir_op_info[n->op].flags;
    if (flags & IR_DRAWS)
        return "shape=ellipse";
    if (flags & IR_EFFECT)
        return "shape=box, peripheries=2";
    if (n->op == IR_PARAM)
        return "shape=box, style=rounded";
    if (n->op == IR_CONST)
        return "shape=plaintext";
    return flags & IR_LEAF ? "shape=box, style=filled, fillcolor=gray92" : "shape=box";
}

/* Line breaks of the label are written \n, which the name cannot hold. */
static void put_label(const Dot *d, IrRef r)
{
    const IrNode *n = &d->g->node[r];
    const char *item = ir_item_name(d->g, n->op, n->attr.item);
    const char *name = n->name ? n->name : item;
    fprintf(d->out, "%%%u", r);
    if (name) {
        fputc(' ', d->out);
        put_escaped(name, d->out);
    }
    if (n->op == IR_CONST)
        fprintf(d->out, " = %g", n->attr.num);
    else
        fprintf(d->out, "\\n%s",
                n->op == IR_SAMPLE ? ir_dist_info[n->attr.dist].name : ir_op_info[n->op].name);
    if ((n->op == IR_COST || n->op == IR_OUTPUT) && n->attr.text) {
        fputc(' ', d->out);
        put_escaped(n->attr.text, d->out);
    }
    fputs("\\n", d->out);
    put_escaped(ir_type_text(d->g, &n->type), d->out);
}

static void put_node(const Dot *d, IrRef r)
{
    const IrNode *n = &d->g->node[r];
    fprintf(d->out, "      n%u_%u [%s, label=\"", d->number, r, style_of(n));
    put_label(d, r);
    fputs("\"", d->out);
    if (n->why) {
        fputs(", tooltip=\"", d->out);
        for (const IrDecision *why = n->why; why; why = why->also) {
            put_escaped(ir_decision_text(why, d->g->model->arena), d->out);
            fputs(why->also ? "\\n" : "", d->out);
        }
        fputs("\"", d->out);
    }
    fputs("];\n", d->out);
}

static void put_edges(const Dot *d)
{
    for (IrRef r = 0; r < d->g->count; r++)
        for (uint32_t k = 0; k < d->g->node[r].n_in; k++) {
            IrRef from = d->g->node[r].in[k];
            bool passes = d->moves[from] && d->g->node[r].op != IR_STOP;
            bool back = d->g->node[r].op == IR_CARRY && k == 1; /* the step before */
            fprintf(d->out, "    n%u_%u -> n%u_%u [style=%s%s];\n", d->number, from, d->number, r,
                    passes ? "solid" : "dotted", back ? ", constraint=false" : "");
        }
}

/* ---- clusters of plates -------------------------------------------------------------------- */

static void find_masks(Dot *d)
{
    d->mask = arena_array(d->g->model->arena, IrPlates, d->g->count + 1);
    d->masks = 1;
    for (IrRef r = 0; r < d->g->count; r++) {
        uint32_t i = 0;
        while (i < d->masks && d->mask[i] != d->g->node[r].type.plates)
            i++;
        if (i == d->masks)
            d->mask[d->masks++] = d->g->node[r].type.plates;
    }
}

static uint32_t size_of(IrPlates p)
{
    uint32_t n = 0;
    for (; p; p &= p - 1)
        n++;
    return n;
}

/* Sets of plates are no tree, clusters are: each lies in the largest that it contains. */
static uint32_t parent_of(const Dot *d, uint32_t m)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < d->masks; i++)
        if (i != m && (d->mask[i] & d->mask[m]) == d->mask[i] &&
            size_of(d->mask[i]) > size_of(d->mask[best]))
            best = i;
    return best;
}

static void put_plates(const Dot *d, IrPlates p)
{
    const char *joint = "";
    for (uint32_t i = 0; i < d->g->plates; i++)
        if (p >> i & 1) {
            const IrPlate *plate = &d->g->plate[i];
            fprintf(d->out, "%s", joint);
            put_escaped(plate->name, d->out);
            fprintf(d->out, plate->kind == IR_PLATE_ROWS ? ": rows(%" PRId64 ")" : ": %" PRId64,
                    plate->size);
            joint = ", ";
        }
}

static void put_mask(const Dot *d, uint32_t m)
{
    if (m > 0) {
        fprintf(d->out, "    subgraph cluster_%u_plates%u { label=\"plate ", d->number, m);
        put_plates(d, d->mask[m] & ~d->mask[parent_of(d, m)]);
        fputs("\";\n", d->out);
    }
    for (IrRef r = 0; r < d->g->count; r++)
        if (d->g->node[r].type.plates == d->mask[m])
            put_node(d, r);
    for (uint32_t i = 1; i < d->masks; i++)
        if (i != m && parent_of(d, i) == m)
            put_mask(d, i);
    if (m > 0)
        fputs("    }\n", d->out);
}

/* ---- clusters of kernels ------------------------------------------------------------------- */

static void put_kernels(const Dot *d)
{
    const IrGraph *g = d->g;
    for (uint32_t k = 0; k < g->kernels; k++) {
        const IrKernel *kernel = &g->kernel[k];
        bool fused = kernel->nodes > 1;
        if (fused)
            fprintf(d->out,
                    "    subgraph cluster_%u_kernel%u { style=dashed; label=\"fused: kernel %u, "
                    "%s, phase %d\";\n",
                    d->number, k, k, ir_kernel_kind_name[kernel->kind], kernel->phase);
        for (uint32_t i = 0; i < kernel->nodes; i++)
            put_node(d, kernel->node[i]);
        if (fused)
            fputs("    }\n", d->out);
    }
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].place.kernel < 0)
            put_node(d, r);
}

/* ---- graphs -------------------------------------------------------------------------------- */

static void put_graph(const IrGraph *g, uint32_t number, FILE *out)
{
    Dot d = {.g = g, .number = number, .moves = find_moves(g), .out = out};
    fprintf(out, "  subgraph cluster_%u { label=\"graph ", number);
    put_escaped(g->name, out);
    fprintf(out, ": %s %s\";\n", ir_stage_name[g->stage], ir_entry_name[g->entry]);
    if (g->stage == IR_SCHEDULED) {
        put_kernels(&d);
    } else {
        find_masks(&d);
        put_mask(&d, 0);
    }
    put_edges(&d);
    fputs("  }\n", out);
}

void ir_print_dot(const IrModel *m, FILE *out)
{
    fputs("digraph \"", out);
    put_escaped(m->name, out);
    fputs("\" {\n  node [fontname=\"Helvetica\", fontsize=10];\n  rankdir=TB;\n", out);
    for (uint32_t i = 0; i < m->graphs; i++)
        put_graph(&m->graph[i], i, out);
    fputs("}\n", out);
}
