/* The graphs of a model and their entries. */
#include "driver/driver.h"

#include <string.h>

static uint32_t graph_named(const IrModel *m, const char *name)
{
    uint32_t g = 0;
    while (g < m->graphs && strcmp(m->graph[g].name, name) != 0)
        g++;
    return g;
}

void program_group(Program *p, const IrModel *parsed, Arena *a)
{
    IrModel *m = arena_make(a, IrModel);
    *m = *parsed;
    m->graph = arena_array(a, IrGraph, parsed->graphs);
    m->graphs = 0;
    p->model = m;
    p->entry = (IrGraph(*)[IR_ENTRIES])arena_array(a, IrGraph, parsed->graphs * IR_ENTRIES);
    for (uint32_t i = 0; i < parsed->graphs; i++) {
        const IrGraph *from = &parsed->graph[i];
        uint32_t g = graph_named(m, from->name);
        if (g == m->graphs)
            m->graph[m->graphs++] = *from;
        if (from->entry != IR_ENTRY_SOURCE)
            p->entry[g][from->entry] = *from;
        m->graph[g].model = p->entry[g][from->entry].model = m;
    }
    m->train = arena_array(a, IrTrain, parsed->trains);
    for (uint32_t i = 0; i < parsed->trains; i++) {
        m->train[i] = parsed->train[i];
        m->train[i].graph = graph_named(m, parsed->graph[parsed->train[i].graph].name);
    }
}

bool program_derive(Program *p, PassCtx *cx, PassHook *hook, void *context)
{
    bool ok = true;
    for (uint32_t g = 0; g < p->model->graphs; g++) {
        if (p->model->graph[g].entry == IR_ENTRY_SOURCE) {
            ok = passes_run(&p->model->graph[g], p->entry[g], cx, hook, context) && ok;
            continue;
        }
        for (unsigned e = 0; e < IR_ENTRIES; e++)
            if (p->entry[g][e].count)
                ok = passes_resume(&p->entry[g][e], cx, hook, context) && ok;
    }
    return ok;
}

IrModel program_alone(const IrModel *model, const IrGraph *g, Arena *a)
{
    IrModel m = *model;
    m.graph = arena_make(a, IrGraph);
    m.graph[0] = *g;
    m.graphs = 1;
    m.train = arena_array(a, IrTrain, m.trains);
    m.trains = 0;
    for (uint32_t t = 0; t < model->trains; t++)
        if (strcmp(model->graph[model->train[t].graph].name, g->name) == 0) {
            m.train[m.trains] = model->train[t];
            m.train[m.trains++].graph = 0;
        }
    return m;
}

static bool has_entries(const Program *p, uint32_t g)
{
    for (IrEntry e = IR_ENTRY_STEP; e < IR_ENTRIES; e++)
        if (p->entry[g][e].count)
            return true;
    return false;
}

IrModel program_flat(const Program *p, Arena *a)
{
    IrModel m = *p->model;
    m.graph = arena_array(a, IrGraph, m.graphs * IR_ENTRIES);
    m.graphs = 0;
    m.train = arena_array(a, IrTrain, m.trains);
    for (uint32_t g = 0; g < p->model->graphs; g++) {
        for (uint32_t t = 0; t < m.trains; t++)
            if (p->model->train[t].graph == g) {
                m.train[t] = p->model->train[t];
                m.train[t].graph = m.graphs;
            }
        if (!has_entries(p, g))
            m.graph[m.graphs++] = p->model->graph[g];
        for (IrEntry e = IR_ENTRY_STEP; e < IR_ENTRIES; e++)
            if (p->entry[g][e].count)
                m.graph[m.graphs++] = p->entry[g][e];
    }
    return m;
}
