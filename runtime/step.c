/* One training step: run, check, update. */
#include "runtime/step.h"

#include "runtime/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Elements of one task of the passes over the gradient.  Fixed, so that the sums do not depend on
 * the number of threads. */
enum { TASK_ELEMENTS = 1 << 15 };

/* The trained parameters end to end, cut into tasks that may span several of them. */
typedef struct SgrtSpans {
    int64_t *param; /* [count] */
    int64_t *begin; /* [count + 1]: where each starts in the whole */
    int64_t count, tasks;
    double *square; /* [tasks]: sums of squares */
} SgrtSpans;

static void spans_free(SgrtSpans *s)
{
    if (!s)
        return;
    free(s->param);
    free(s->begin);
    free(s->square);
    free(s);
}

static bool spans_fill(SgrtSpans *s, const SgrtModel *model, const unsigned char *trained,
                       SgrtError *e)
{
    s->param = sgrt_alloc(model->params, sizeof *s->param, e);
    s->begin = sgrt_alloc(model->params + 1, sizeof *s->begin, e);
    if (!s->param || !s->begin)
        return false;
    for (int64_t i = 0; i < model->params; i++) {
        if (!trained[i])
            continue;
        s->param[s->count] = i;
        s->begin[s->count + 1] = s->begin[s->count] + model->param[i].size;
        s->count++;
    }
    s->tasks = (s->begin[s->count] + TASK_ELEMENTS - 1) / TASK_ELEMENTS;
    s->square = sgrt_alloc(s->tasks, sizeof *s->square, e);
    return s->square != NULL;
}

static SgrtSpans *spans_new(const SgrtModel *model, const unsigned char *trained, SgrtError *e)
{
    SgrtSpans *s = sgrt_alloc(1, sizeof *s, e);
    if (s && !spans_fill(s, model, trained, e)) {
        spans_free(s);
        s = NULL;
    }
    return s;
}

/* The piece of one parameter that a task works on. */
typedef struct Piece {
    int64_t param, first, last;
} Piece;

/* The first span that ends after `element`. */
static int64_t span_at(const SgrtSpans *s, int64_t element)
{
    int64_t low = 0, high = s->count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (s->begin[middle + 1] > element)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Advances through a task's pieces: *at starts as its first element. */
static bool next_piece(const SgrtSpans *s, int64_t task, int64_t *at, Piece *piece)
{
    int64_t end = (task + 1) * TASK_ELEMENTS, span = span_at(s, *at);
    if (*at >= end || span == s->count)
        return false;
    int64_t last = s->begin[span + 1] < end ? s->begin[span + 1] : end;
    *piece = (Piece){s->param[span], *at - s->begin[span], last - s->begin[span]};
    *at = last;
    return true;
}

static bool is_double(const SgrtStep *t)
{
    return t->data->model->real == SGRT_F64;
}

static void square_task(void *context, int64_t task)
{
    SgrtStep *t = context;
    int64_t at = task * TASK_ELEMENTS;
    double sum = 0;
    for (Piece p; next_piece(t->spans, task, &at, &p);)
        sum += is_double(t) ? sgrt_square_sum_f64(t->grad.value[p.param], p.first, p.last)
                            : sgrt_square_sum_f32(t->grad.value[p.param], p.first, p.last);
    t->spans->square[task] = sum;
}

static void update_task(void *context, int64_t task)
{
    SgrtStep *t = context;
    const SgrtOptimStep *o = &t->optimizer;
    int64_t at = task * TASK_ELEMENTS;
    for (Piece p; next_piece(t->spans, task, &at, &p);) {
        void *w = t->params->value[p.param], *g = t->grad.value[p.param];
        void *slot[SGRT_SLOTS] = {0};
        for (int64_t i = 0; i < o->optimizer->slots; i++)
            slot[i] = t->slot[i].value[p.param];
        if (is_double(t))
            sgrt_optim_step_f64(o, w, g, (double *[]){slot[0], slot[1]}, p.first, p.last);
        else
            sgrt_optim_step_f32(o, w, g, (float *[]){slot[0], slot[1]}, p.first, p.last);
    }
}

static bool make_numbers(SgrtStep *t, SgrtError *e)
{
    const SgrtGraph *g = t->data->graph;
    t->state = sgrt_alloc(g->states, sizeof *t->state, e);
    t->next_state = t->state ? sgrt_alloc(g->states, sizeof *t->next_state, e) : NULL;
    return t->next_state != NULL;
}

static bool make(SgrtStep *t, SgrtError *e)
{
    const SgrtModel *model = t->data->model;
    const SgrtGraph *g = t->data->graph;
    const SgrtOptimizer *o = t->optimizer.optimizer;
    for (int64_t i = 0; o && i < o->slots; i++)
        if (!sgrt_params_init(&t->slot[i], model, g->trained, e))
            return false;
    t->spans = spans_new(model, g->trained, e);
    return t->spans && sgrt_params_init(&t->grad, model, g->trained, e) && make_numbers(t, e) &&
           sgrt_call_init(&t->call, t->data, g->step, t->data->rows, t->params, &t->grad, e);
}

bool sgrt_step_init(SgrtStep *t, const SgrtOptimStep *optimizer, double clip, const SgrtData *data,
                    SgrtParams *params, SgrtPool *pool, SgrtError *e)
{
    *t = (SgrtStep){.optimizer = *optimizer, .clip = clip, .data = data, .params = params};
    t->pool = pool;
    t->norm = NAN;
    if (!make(t, e)) {
        sgrt_step_free(t);
        return false;
    }
    t->call.frame.state = t->state;
    t->call.frame.next_state = t->next_state;
    t->call.frame.purpose = SGRT_STEP;
    return true;
}

void sgrt_step_free(SgrtStep *t)
{
    for (int i = 0; i < SGRT_SLOTS; i++)
        sgrt_params_free(&t->slot[i]);
    sgrt_params_free(&t->grad);
    if (t->data)
        sgrt_call_free(&t->call);
    free(t->state);
    free(t->next_state);
    spans_free(t->spans);
    *t = (SgrtStep){0};
}

static double element(const SgrtStep *t, int64_t param, int64_t i)
{
    const void *g = t->grad.value[param];
    return is_double(t) ? ((const double *)g)[i] : (double)((const float *)g)[i];
}

/* Names the element that made the sum of squares infinite or NaN. */
static bool blame_gradient(const SgrtStep *t, SgrtError *e)
{
    for (int64_t k = 0; k < t->spans->count; k++) {
        const SgrtParam *p = &t->data->model->param[t->spans->param[k]];
        for (int64_t i = 0; i < p->size; i++)
            if (!isfinite(element(t, t->spans->param[k], i)))
                return sgrt_fail_nonfinite(e, "element %lld of the gradient of %s is %g",
                                           (long long)i, p->name,
                                           element(t, t->spans->param[k], i));
    }
    return sgrt_fail_nonfinite(e, "the norm of the gradient is too large for a 64-bit real");
}

static bool measure_gradient(SgrtStep *t, SgrtError *e)
{
    sgrt_pool_run(t->pool, square_task, t, t->spans->tasks);
    double sum = 0;
    for (int64_t i = 0; i < t->spans->tasks; i++)
        sum += t->spans->square[i];
    if (!isfinite(sum))
        return blame_gradient(t, e);
    t->norm = sqrt(sum);
    return true;
}

static bool check_state(const SgrtStep *t, SgrtError *e)
{
    for (int64_t i = 0; i < t->data->graph->states; i++)
        if (!isfinite(t->next_state[i]))
            return sgrt_fail_nonfinite(e, "the moving average %s is %g", t->data->graph->state[i],
                                       t->next_state[i]);
    return true;
}

void sgrt_step_update(SgrtStep *t)
{
    SgrtOptimStep *o = &t->optimizer;
    o->scale = t->clip > 0 && t->norm > t->clip ? t->clip / t->norm : 1;
    sgrt_optim_prepare(o, t->updates + 1);
    sgrt_pool_run(t->pool, update_task, t, t->spans->tasks);
    memcpy(t->state, t->next_state, (size_t)t->data->graph->states * sizeof(double));
    t->updates++;
}

bool sgrt_step_gradient(SgrtStep *t, SgrtError *e)
{
    sgrt_call_run(&t->call, t->pool);
    if (!sgrt_call_check(&t->call, e))
        return false;
    return (measure_gradient(t, e) && check_state(t, e)) || sgrt_call_explain(&t->call, e);
}
