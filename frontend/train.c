/* train g { … }: what an executable does when its command line says nothing else. */
#include "frontend/fe.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static const char *const optimizer[] = {
#define OPTIMIZER(name) #name,
#include "frontend/train.def"
};
enum { OPTIMIZERS = sizeof optimizer / sizeof *optimizer };

static const struct {
    const char *name;
    size_t offset;
    double least, most;
} setting[] = {
#define SETTING(name, least, most) {#name, offsetof(IrTrain, name), least, most},
#include "frontend/train.def"
};
enum { SETTINGS = sizeof setting / sizeof *setting };

static const char *names(Fe *fe, bool optimizers)
{
    const char *text = "";
    for (size_t i = 0; i < (size_t)(optimizers ? OPTIMIZERS : SETTINGS); i++)
        text = arena_printf(fe->arena, "%s%s%s", text, *text ? ", " : "",
                            optimizers ? optimizer[i] : setting[i].name);
    return text;
}

static void set_number(Fe *fe, const Arg *a, IrTrain *t)
{
    for (size_t i = 0; a->name && i < SETTINGS; i++) {
        double v;
        if (strcmp(setting[i].name, a->name) != 0)
            continue;
        if (!fe_constant(fe, a->value, "a setting", &v))
            return;
        if (v >= setting[i].least && v < setting[i].most)
            *(double *)((char *)t + setting[i].offset) = v;
        else
            fe_error(fe, a->value->at, SG0407, "`%s` must be at least %g and below %g, not %g",
                     a->name, setting[i].least, setting[i].most, v);
        return;
    }
    fe_error(fe, a->name ? a->at : a->value->at, SG0407, "an optimizer takes %s, each by name",
             names(fe, false));
}

/* adam, or adam(lr = 1e-3) */
static void set_optimizer(Fe *fe, const Expr *e, IrTrain *t)
{
    bool named = e->kind == EXPR_NAME || e->kind == EXPR_CALL;
    for (size_t i = 0; named && i < OPTIMIZERS; i++)
        if (strcmp(optimizer[i], e->name) == 0) {
            t->optimizer = optimizer[i];
            for (uint32_t k = 0; k < e->args.count; k++)
                if (!fe_given_twice(fe, &e->args, k))
                    set_number(fe, &e->args.arg[k], t);
            return;
        }
    fe_error(fe, e->at, SG0407, "expected an optimizer: one of %s", names(fe, true));
    Suggestion close = {.wanted = named ? e->name : ""};
    for (size_t i = 0; i < OPTIMIZERS; i++)
        fe_suggest(&close, optimizer[i]);
    fe_offer(fe, e->name_at, &close);
}

static void set_clip(Fe *fe, const Expr *e, IrTrain *t)
{
    if (fe_constant(fe, e, "clip", &t->clip) && t->clip <= 0)
        fe_error(fe, e->at, SG0407, "`clip` must be above 0, not %g", t->clip);
}

/* What set() knows. */
static const char *const word[] = {"optimizer", "epochs", "steps", "clip"};

static void say_unknown(Fe *fe, const Arg *a)
{
    fe_error(fe, a->at, SG0407,
             "unknown setting `%s`: a train block sets optimizer, epochs, steps and clip", a->name);
    Suggestion close = {.wanted = a->name};
    for (size_t i = 0; i < sizeof word / sizeof *word; i++)
        fe_suggest(&close, word[i]);
    fe_offer(fe, a->at, &close);
}

static void set(Fe *fe, const Arg *a, bool rows, IrTrain *t)
{
    if (strcmp(a->name, "optimizer") == 0)
        set_optimizer(fe, a->value, t);
    else if (strcmp(a->name, "epochs") == 0 && !rows)
        fe_error(fe, a->at, SG0409,
                 "an epoch is a pass over the rows, but this graph has none: set `steps`");
    else if (strcmp(a->name, "epochs") == 0)
        fe_size(fe, a->value, "epochs", &t->epochs);
    else if (strcmp(a->name, "steps") == 0)
        fe_size(fe, a->value, "steps", &t->steps);
    else if (strcmp(a->name, "clip") == 0)
        set_clip(fe, a->value, t);
    else
        say_unknown(fe, a);
}

static const Entry *find_graph(Fe *fe, const Stmt *s)
{
    const Entry *e = fe_find(fe->scope, s->name);
    if (e && (e->kind == ENTRY_GRAPH || e->kind == ENTRY_BROKEN))
        return e->kind == ENTRY_GRAPH ? e : NULL;
    Suggestion close = {.wanted = s->name};
    for (uint32_t i = 0; i < fe->model->graphs; i++)
        fe_suggest(&close, fe->model->graph[i].name);
    fe_error(fe, s->name_at, SG0408, "no graph `%s` stands above", s->name);
    fe_offer(fe, s->name_at, &close);
    return NULL;
}

/* A graph that can be trained and has no block yet; false: reported. */
static bool trainable(Fe *fe, const Stmt *s, const Entry *graph)
{
    for (uint32_t i = 0; i < fe->model->trains; i++)
        if (fe->model->train[i].graph == graph->item) {
            fe_error(fe, s->name_at, SG0408, "graph `%s` already has a train block", s->name);
            diag_note(fe->diags, fe->model->train[i].at, "it stands here");
            return false;
        }
    if (fe_has_costs(&graph->stmt->body))
        return true;
    fe_error(fe, s->name_at, SG0408, "graph `%s` has no cost to train", s->name);
    return false;
}

static bool has_rows(const IrGraph *g)
{
    for (uint32_t i = 0; i < g->plates; i++)
        if (g->plate[i].kind == IR_PLATE_ROWS)
            return true;
    return false;
}

void fe_train(Fe *fe, Stmt *s)
{
    const Entry *e = find_graph(fe, s);
    if (!e || !trainable(fe, s, e))
        return;
    IrTrain t = {.graph = e->item, .epochs = -1, .steps = -1, .at = s->name_at};
    t.lr = t.momentum = t.beta1 = t.beta2 = t.eps = t.weight_decay = t.clip = NAN;
    for (uint32_t i = 0; i < s->setting.count; i++)
        if (!fe_given_twice(fe, &s->setting, i))
            set(fe, &s->setting.arg[i], has_rows(&fe->model->graph[e->item]), &t);
    *arena_push(fe->arena, fe->model->train, fe->model->trains, IrTrain) = t;
}
