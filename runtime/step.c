/* One training step: run, check, update. */
#include "runtime/step.h"

#include "runtime/init.h"
#include "runtime/memory.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Elements of one task of the passes over the gradient.  Fixed, so that the sums do not depend on
 * the number of threads. */
enum { TASK_ELEMENTS = 1 << 15 };

/* Elements whose update is tried at once. */
enum { TRIED = 512 };

/* The trained parameters end to end, cut into tasks that may span several of them. */
typedef struct SgrtSpans {
    int64_t *param; /* [count] */
    int64_t *begin; /* [count + 1]: where each starts in the whole */
    int64_t count, tasks;
    double *found; /* [tasks]: what each found */
} SgrtSpans;

static void spans_free(SgrtSpans *s)
{
    if (!s)
        return;
    free(s->param);
    free(s->begin);
    free(s->found);
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
    s->found = sgrt_alloc(s->tasks, sizeof *s->found, e);
    return s->found != NULL;
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
    const SgrtStep *t = context;
    int64_t at = task * TASK_ELEMENTS;
    double sum = 0;
    for (Piece p; next_piece(t->spans, task, &at, &p);)
        sum += is_double(t) ? sgrt_square_sum_f64(t->grad.value[p.param], p.first, p.last)
                            : sgrt_square_sum_f32(t->grad.value[p.param], p.first, p.last);
    t->spans->found[task] = sum;
}

static void move(const SgrtOptimStep *o, bool is_double, void *w, const void *g, void *const *slot,
                 int64_t first, int64_t last)
{
    if (is_double)
        sgrt_optim_step_f64(o, w, g, (double *[]){slot[0], slot[1]}, first, last);
    else
        sgrt_optim_step_f32(o, w, g, (float *[]){slot[0], slot[1]}, first, last);
}

static void update_task(void *context, int64_t task)
{
    SgrtStep *t = context;
    const SgrtOptimStep *o = &t->optimizer;
    int64_t at = task * TASK_ELEMENTS;
    for (Piece p; next_piece(t->spans, task, &at, &p);) {
        void *slot[SGRT_SLOTS] = {0};
        for (int64_t i = 0; i < o->optimizer->slots; i++)
            slot[i] = t->slot[i].value[p.param];
        move(o, is_double(t), t->params->value[p.param], t->grad.value[p.param], slot, p.first,
             p.last);
    }
}

static int64_t numbers_of(const SgrtGraph *g)
{
    int64_t numbers = 0;
    for (int64_t i = 0; i < g->states; i++)
        numbers += g->state[i].size;
    return numbers;
}

static bool make_numbers(SgrtStep *t, SgrtError *e)
{
    const SgrtGraph *g = t->data->graph;
    int64_t numbers = numbers_of(g);
    t->state = sgrt_alloc(numbers, sizeof *t->state, e);
    t->next_state = t->state ? sgrt_alloc(numbers, sizeof *t->next_state, e) : NULL;
    if (!t->next_state)
        return false;
    double *at = t->state;
    for (int64_t i = 0; i < g->states; at += g->state[i++].size) {
        const SgrtState *s = &g->state[i];
        if (s->spread > 0)
            sgrt_fill_uniform(at, s->size, 0, s->name, -s->spread, s->spread);
    }
    return true;
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

static double element(const SgrtStep *t, const void *values, int64_t i)
{
    return is_double(t) ? ((const double *)values)[i] : (double)((const float *)values)[i];
}

/* Names the element that made the sum of squares infinite or NaN. */
static bool blame_gradient(const SgrtStep *t, SgrtError *e)
{
    for (int64_t k = 0; k < t->spans->count; k++) {
        const SgrtParam *p = &t->data->model->param[t->spans->param[k]];
        const void *g = t->grad.value[t->spans->param[k]];
        for (int64_t i = 0; i < p->size; i++)
            if (!isfinite(element(t, g, i)))
                return sgrt_fail_nonfinite(e, "element %lld of the gradient of %s is %g",
                                           (long long)i, p->name, sgrt_shown(element(t, g, i)));
    }
    return sgrt_fail_nonfinite(e, "the norm of the gradient is too large for a 64-bit real");
}

static bool measure_gradient(SgrtStep *t, SgrtError *e)
{
    sgrt_pool_run(t->pool, square_task, t, t->spans->tasks);
    double sum = 0;
    for (int64_t i = 0; i < t->spans->tasks; i++)
        sum += t->spans->found[i];
    if (!isfinite(sum))
        return blame_gradient(t, e);
    t->norm = sqrt(sum);
    return true;
}

static bool check_state(const SgrtStep *t, SgrtError *e)
{
    const SgrtGraph *g = t->data->graph;
    const double *at = t->next_state;
    for (int64_t i = 0; i < g->states; at += g->state[i++].size)
        for (int64_t k = 0; k < g->state[i].size; k++)
            if (!isfinite(at[k]))
                return sgrt_fail_nonfinite(e, "the moving average %s is %g",
                                           g->state[i].name, sgrt_shown(at[k]));
    return true;
}

/* ---- updates that are not finite ------------------------------------------------------------ */

/* The larger one; NaN if one is. */
static double larger(double a, double b)
{
    return a > b || isnan(a) ? a : b;
}

static void weight_task(void *context, int64_t task)
{
    const SgrtStep *t = context;
    int64_t at = task * TASK_ELEMENTS;
    double largest = 0;
    for (Piece p; next_piece(t->spans, task, &at, &p);) {
        const void *w = t->params->value[p.param];
        largest = larger(largest, is_double(t) ? sgrt_largest_f64(w, p.first, p.last)
                                               : sgrt_largest_f32(w, p.first, p.last));
    }
    t->spans->found[task] = largest;
}

/* Measured at every update: a program may write to parameters. */
static double largest_weight(SgrtStep *t)
{
    sgrt_pool_run(t->pool, weight_task, t, t->spans->tasks);
    double largest = 0;
    for (int64_t i = 0; i < t->spans->tasks; i++)
        largest = larger(largest, t->spans->found[i]);
    return largest;
}

/* No number that an update computes is larger, whatever the row of optim.def: a slot keeps a part
 * of itself and takes in at most the gradient and its square, and a weight moves by at most such a
 * slot, times the rate and over eps.  *slots: what bounds the new slots. */
static double largest_number(const SgrtStep *t, double weights, double *slots)
{
    const SgrtOptimStep *o = &t->optimizer;
    double keeps = fmax(fabs(o->momentum), fmax(o->beta1, o->beta2));
    double gradient = o->scale * t->norm + fabs(o->weight_decay) * weights;
    double rate = fmax(1, fmax(fabs(o->lr), fabs(o->lr / o->c1)));
    bool divides = o->optimizer->eps > 0;
    *slots = keeps * t->slots + gradient + gradient * gradient;
    if (!(o->c1 > 0 && o->c2 > 0 && o->beta1 >= 0 && o->beta2 >= 0) ||
        (divides && !(o->eps >= (double)FLT_MIN)))
        return INFINITY;
    return (1 + fabs(o->lr * o->weight_decay)) * weights +
           rate * *slots / (divides ? fmin(o->eps, 1) : 1);
}

typedef union Tried {
    float f32[TRIED];
    double f64[TRIED];
} Tried;

/* Updates a copy of at most TRIED elements.  Returns the first that is not finite, or -1; *slots
 * becomes the largest number in a slot, if it is larger. */
static int64_t try_block(const SgrtStep *t, int64_t param, int64_t first, int64_t last,
                         double *slots)
{
    Tried value[1 + SGRT_SLOTS];
    const int64_t real = is_double(t) ? sizeof(double) : sizeof(float), count = last - first;
    const int64_t arrays = 1 + t->optimizer.optimizer->slots, skip = first * real;
    for (int64_t k = 0; k < arrays; k++) {
        const SgrtParams *from = k ? &t->slot[k - 1] : t->params;
        memcpy(&value[k], (const char *)from->value[param] + skip, (size_t)(count * real));
    }
    move(&t->optimizer, is_double(t), &value[0], (const char *)t->grad.value[param] + skip,
         (void *[]){&value[1], &value[2]}, 0, count);
    for (int64_t i = 0; i < count; i++)
        for (int64_t k = 0; k < arrays; k++) {
            double x = fabs(element(t, &value[k], i));
            if (!isfinite(x))
                return first + i;
            *slots = k && x > *slots ? x : *slots;
        }
    return -1;
}

/* The same of a piece. */
static int64_t try_piece(const SgrtStep *t, const Piece *p, double *slots)
{
    int64_t bad = -1;
    for (int64_t i = p->first; i < p->last && bad < 0; i += TRIED)
        bad = try_block(t, p->param, i, i + TRIED < p->last ? i + TRIED : p->last, slots);
    return bad;
}

static void try_task(void *context, int64_t task)
{
    const SgrtStep *t = context;
    int64_t at = task * TASK_ELEMENTS;
    double slots = 0;
    for (Piece p; next_piece(t->spans, task, &at, &p);)
        if (try_piece(t, &p, &slots) >= 0)
            slots = INFINITY;
    t->spans->found[task] = slots;
}

/* Names the first element of a task that fails. */
static bool blame_update(const SgrtStep *t, int64_t task, SgrtError *e)
{
    int64_t at = task * TASK_ELEMENTS, bad = -1;
    double slots = 0;
    Piece p = {0};
    while (bad < 0 && next_piece(t->spans, task, &at, &p))
        bad = try_piece(t, &p, &slots);
    return sgrt_fail_nonfinite(e, "the update of element %lld of the parameter %s is not finite",
                               (long long)bad, t->data->model->param[p.param].name);
}

static bool try_update(SgrtStep *t, double *slots, SgrtError *e)
{
    sgrt_pool_run(t->pool, try_task, t, t->spans->tasks);
    *slots = 0;
    for (int64_t i = 0; i < t->spans->tasks; i++) {
        if (!isfinite(t->spans->found[i]))
            return blame_update(t, i, e);
        *slots = fmax(*slots, t->spans->found[i]);
    }
    return true;
}

/* An update cannot be taken back.  Where a bound, with room for rounding, does not show that it is
 * finite, it is tried first. */
static bool check_update(SgrtStep *t, SgrtError *e)
{
    double limit = (is_double(t) ? DBL_MAX : FLT_MAX) / 16, slots;
    if (!(largest_number(t, largest_weight(t), &slots) < limit) && !try_update(t, &slots, e))
        return false;
    t->slots = slots;
    return true;
}

bool sgrt_step_update(SgrtStep *t, SgrtError *e)
{
    SgrtOptimStep *o = &t->optimizer;
    o->scale = t->clip > 0 && t->norm > t->clip ? t->clip / t->norm : 1;
    sgrt_optim_prepare(o, t->updates + 1);
    if (!check_update(t, e))
        return false;
    sgrt_pool_run(t->pool, update_task, t, t->spans->tasks);
    memcpy(t->state, t->next_state, (size_t)numbers_of(t->data->graph) * sizeof(double));
    t->updates++;
    return true;
}

static bool is_finite(void *step, SgrtError *e)
{
    SgrtStep *t = step;
    return sgrt_call_check(&t->call, e) && measure_gradient(t, e) && check_state(t, e);
}

bool sgrt_step_gradient(SgrtStep *t, SgrtError *e)
{
    sgrt_call_run(&t->call, t->pool);
    return is_finite(t, e) || sgrt_call_explain(&t->call, t->pool, is_finite, t, e);
}
