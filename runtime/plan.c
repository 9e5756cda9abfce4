/* Settings of a training run. */
#include "runtime/plan.h"

#include "runtime/suggest.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const SgrtTrain *block_of(const SgrtModel *model, const SgrtGraph *graph)
{
    for (int64_t i = 0; i < model->trains; i++)
        if (&model->graph[model->train[i].graph] == graph)
            return &model->train[i];
    return NULL;
}

static bool unknown_optimizer(const char *name, SgrtError *e)
{
    SgrtSuggestion near = {.word = name};
    char list[200] = "";
    for (int64_t i = 0; i < sgrt_optimizer_count; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "",
                 sgrt_optimizers[i].name);
        sgrt_suggest(&near, sgrt_optimizers[i].name);
    }
    if (near.nearest)
        return sgrt_fail(e, "no optimizer is called %s; did you mean %s?", name, near.nearest);
    return sgrt_fail(e, "no optimizer is called %s; there are %s", name, list);
}

static void override(double *setting, double written)
{
    if (!isnan(written))
        *setting = written;
}

static void override_from_block(SgrtPlan *p, const SgrtTrain *block)
{
    override(&p->optimizer.lr, block->lr);
    override(&p->optimizer.momentum, block->momentum);
    override(&p->optimizer.beta1, block->beta1);
    override(&p->optimizer.beta2, block->beta2);
    override(&p->optimizer.eps, block->eps);
    override(&p->optimizer.weight_decay, block->weight_decay);
}

static void override_from_options(SgrtPlan *p, const SgrtOptions *o)
{
    override(&p->optimizer.lr, o->lr);
    override(&p->optimizer.momentum, o->momentum);
    override(&p->optimizer.beta1, o->beta1);
    override(&p->optimizer.beta2, o->beta2);
    override(&p->optimizer.eps, o->eps);
    override(&p->optimizer.weight_decay, o->weight_decay);
    override(&p->clip, o->clip);
}

static void choose_length(SgrtPlan *p, const SgrtTrain *block, const SgrtOptions *o)
{
    bool said = o->epochs >= 0 || o->steps >= 0;
    p->epochs = said || !block ? o->epochs : block->epochs;
    p->steps = said || !block ? o->steps : block->steps;
}

char *sgrt_plan_text(char *out, size_t room, const SgrtModel *model, const SgrtTrain *block)
{
    const struct {
        const char *name;
        double value;
    } setting[] = {{"lr", block->lr},           {"momentum", block->momentum},
                   {"beta1", block->beta1},     {"beta2", block->beta2},
                   {"eps", block->eps},         {"weight_decay", block->weight_decay},
                   {"clip", block->clip}};
    size_t used = (size_t)snprintf(out, room, "%s", model->graph[block->graph].name);
    if (block->optimizer && used < room)
        used += (size_t)snprintf(out + used, room - used, " by %s", block->optimizer);
    for (size_t i = 0; i < sizeof setting / sizeof *setting && used < room; i++)
        if (!isnan(setting[i].value))
            used += (size_t)snprintf(out + used, room - used, ", %s %g", setting[i].name,
                                     setting[i].value);
    if (block->epochs >= 0 && used < room)
        used += (size_t)snprintf(out + used, room - used, ", %lld epoch%s",
                                 (long long)block->epochs, block->epochs == 1 ? "" : "s");
    if (block->steps >= 0 && used < room)
        snprintf(out + used, room - used, ", %lld step%s", (long long)block->steps,
                 block->steps == 1 ? "" : "s");
    return out;
}

/* A block's settings belong to its optimiser: another one starts from its own defaults. */
bool sgrt_plan_make(SgrtPlan *p, const SgrtModel *model, const SgrtGraph *graph,
                    const SgrtOptions *o, SgrtError *e)
{
    const SgrtTrain *block = block_of(model, graph);
    const char *written = block ? block->optimizer : NULL;
    const char *name = o->optimizer ? o->optimizer : written;
    if (!name)
        return sgrt_fail(e, "graph %s names no optimizer in a train block: say --optimizer",
                         graph->name);
    const SgrtOptimizer *optimizer = sgrt_optimizer(name);
    if (!optimizer)
        return unknown_optimizer(name, e);
    *p = (SgrtPlan){.optimizer = sgrt_optim_settings(optimizer)};
    if (written && strcmp(written, name) == 0)
        override_from_block(p, block);
    if (block)
        override(&p->clip, block->clip);
    override_from_options(p, o);
    choose_length(p, block, o);
    return true;
}

bool sgrt_plan_last_step(const SgrtPlan *p, int64_t epoch_steps, int64_t *last, SgrtError *e)
{
    int64_t by_epochs = INT64_MAX;
    if (p->epochs >= 0 && epoch_steps == 0)
        return sgrt_fail(e, "epochs are passes over rows, and the graph has none: say --steps");
    if (p->epochs >= 0 && __builtin_mul_overflow(p->epochs, epoch_steps, &by_epochs))
        return sgrt_fail(e, "%lld epochs are too many", (long long)p->epochs);
    if (p->epochs < 0 && p->steps < 0)
        return sgrt_fail(e, "say how long to train: %s--steps N",
                         epoch_steps ? "--epochs N or " : "");
    *last = p->steps >= 0 && p->steps < by_epochs ? p->steps : by_epochs;
    return true;
}
