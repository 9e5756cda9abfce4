/* Parameters, hypers and the settings of optimisers, by their numbers and names. */
#include "runtime/context_state.h"

#include "runtime/constraint.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* ---- values --------------------------------------------------------------------------------- */

static double element(const SgrtModel *model, const void *values, int64_t i)
{
    return model->real == SGRT_F64 ? ((const double *)values)[i]
                                   : (double)((const float *)values)[i];
}

static void to_scratch(SgrtContext *m, const void *values, int64_t size)
{
    for (int64_t i = 0; i < size; i++)
        m->scratch[i] = element(m->model, values, i);
}

static void from_scratch(const SgrtContext *m, void *values, int64_t size)
{
    for (int64_t i = 0; i < size; i++)
        if (m->model->real == SGRT_F64)
            ((double *)values)[i] = m->scratch[i];
        else
            ((float *)values)[i] = (float)m->scratch[i];
}

static bool has_value(SgrtContext *m, int param, const void *value)
{
    return sgrt_context_has_param(m, param) &&
           (value || sgrt_fail(&m->error, "no value of param %s: the pointer is NULL",
                               m->model->param[param].name));
}

int sgrt_context_get(SgrtContext *m, int param, void *value)
{
    if (!has_value(m, param, value))
        return SGRT_CONTEXT_ARGUMENT;
    const SgrtParam *p = &m->model->param[param];
    const void *stored = m->params.value[param];
    if (p->in.kind == SGRT_FREE) {
        memcpy(value, stored, (size_t)(p->size * sgrt_real_bytes(m->model)));
        return SGRT_CONTEXT_OK;
    }
    to_scratch(m, stored, p->size);
    sgrt_constrain(&p->in, m->scratch, p->dim, p->rank, p->size);
    from_scratch(m, value, p->size);
    return SGRT_CONTEXT_OK;
}

/* A constraint's border has no stored counterpart: the logarithm of 0. */
static int64_t first_outside(const SgrtContext *m, const SgrtParam *p)
{
    int64_t at = sgrt_constraint_outside(&p->in, m->scratch, p->dim, p->rank, p->size);
    if (at >= 0)
        return at;
    sgrt_unconstrain(&p->in, m->scratch, p->dim, p->rank, p->size);
    for (int64_t i = 0; i < p->size; i++)
        if (!isfinite(m->scratch[i]))
            return i;
    return -1;
}

static int set_constrained(SgrtContext *m, int param, const void *value)
{
    const SgrtParam *p = &m->model->param[param];
    char in[40];
    to_scratch(m, value, p->size);
    int64_t at = first_outside(m, p);
    if (at < 0) {
        from_scratch(m, m->params.value[param], p->size);
        return SGRT_CONTEXT_OK;
    }
    sgrt_fail(&m->error, "param %s: element %lld, %g, does not lie inside %s", p->name,
              (long long)at, element(m->model, value, at),
              sgrt_constraint_text(in, sizeof in, &p->in));
    return SGRT_CONTEXT_ARGUMENT;
}

int sgrt_context_set(SgrtContext *m, int param, const void *value)
{
    if (!has_value(m, param, value))
        return SGRT_CONTEXT_ARGUMENT;
    const SgrtParam *p = &m->model->param[param];
    if (p->in.kind != SGRT_FREE)
        return set_constrained(m, param, value);
    memcpy(m->params.value[param], value, (size_t)(p->size * sgrt_real_bytes(m->model)));
    return SGRT_CONTEXT_OK;
}

void *sgrt_context_p(SgrtContext *m, int param)
{
    return sgrt_context_has_param(m, param) ? m->params.value[param] : NULL;
}

static bool trains(const SgrtContext *m, int graph)
{
    return m && m->graph && graph >= 0 && graph < m->model->graphs && m->model->graph[graph].step;
}

const void *sgrt_context_g(const SgrtContext *m, int graph, int param)
{
    bool exists = trains(m, graph) && param >= 0 && param < m->model->params;
    return exists ? m->graph[graph].step.grad.value[param] : NULL;
}

double sgrt_context_norm(const SgrtContext *m, int graph)
{
    return trains(m, graph) ? m->graph[graph].step.norm : NAN;
}

/* ---- settings ------------------------------------------------------------------------------- */

int sgrt_context_hyper(SgrtContext *m, int hyper, double value)
{
    if (!m)
        return SGRT_CONTEXT_ARGUMENT;
    if (!m->hyper || hyper < 0 || hyper >= m->model->hypers) {
        sgrt_fail(&m->error, "%s has no hyper %d", m->model->name, hyper);
        return SGRT_CONTEXT_ARGUMENT;
    }
    m->hyper[hyper] = value;
    return SGRT_CONTEXT_OK;
}

/* Where a step keeps each setting. */
static const struct {
    const char *name;
    size_t offset;
} setting_row[] = {
#define SETTING(field)                                                                             \
    {                                                                                              \
#field, offsetof(SgrtStep, optimizer.field)                                                \
    }
    SETTING(lr),
    SETTING(momentum),
    SETTING(beta1),
    SETTING(beta2),
    SETTING(eps),
    SETTING(weight_decay),
    {"clip", offsetof(SgrtStep, clip)},
};

enum { SETTINGS = sizeof setting_row / sizeof *setting_row };

int sgrt_context_optimizer(SgrtContext *m, const char *setting, double value)
{
    int row = 0;
    if (!m || !setting)
        return SGRT_CONTEXT_ARGUMENT;
    while (row < SETTINGS && strcmp(setting_row[row].name, setting) != 0)
        row++;
    if (row == SETTINGS) {
        sgrt_fail(&m->error, "no optimizer has a setting %s", setting);
        return SGRT_CONTEXT_ARGUMENT;
    }
    if (!isfinite(value)) {
        sgrt_fail(&m->error, "%s = %g: a finite number is expected", setting, value);
        return SGRT_CONTEXT_ARGUMENT;
    }
    for (int64_t i = 0; m->graph && i < m->model->graphs; i++)
        memcpy((char *)&m->graph[i].step + setting_row[row].offset, &value, sizeof value);
    return SGRT_CONTEXT_OK;
}

int64_t sgrt_context_updates(const SgrtContext *m, int graph)
{
    return trains(m, graph) ? m->graph[graph].step.updates : -1;
}
