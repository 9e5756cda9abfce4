/* The phases of the model that is written by hand. */
#include "tests/unit/fake.h"

#include <math.h>
#include <signal.h>

float fake_x[FAKE_ROWS][3], fake_y[FAKE_ROWS];

void fake_fill(void)
{
    for (int i = 0; i < FAKE_ROWS; i++) {
        for (int k = 0; k < 3; k++)
            fake_x[i][k] = (float)((i * (k + 3) * 7 + k * 5) % 11) / 8 - 0.5f;
        fake_y[i] = fake_x[i][0] - 2 * fake_x[i][1] + 0.5f * fake_x[i][2] + 3;
    }
}

enum { PARTS = 4, W = 0, B = 1, SCALE = 0, POISON = 1, STRAY = 2, STOP = 3 };

/* What a part of the rows adds up: gradient of w, of b, and the cost. */
typedef struct Sums {
    float w[3], b;
    double cost;
} Sums;

static float prediction(const SgrtFrame *f, const float *x)
{
    float *const *param = f->param;
    return x[0] * param[W][0] + x[1] * param[W][1] + x[2] * param[W][2] + param[B][0];
}

static void fit_rows(SgrtFrame *f, int64_t task)
{
    const double *hyper = f->hyper;
    void *const *data = f->data;
    const float *x = data[0], *y = data[1];
    Sums s = {{0}, 0, 0};
    for (int64_t i = f->rows * task / PARTS; i < f->rows * (task + 1) / PARTS; i++) {
        float error = prediction(f, x + 3 * i) - y[i];
        for (int k = 0; k < 3; k++)
            s.w[k] += (float)hyper[SCALE] * error * x[3 * i + k];
        s.b += (float)hyper[SCALE] * error;
        s.cost += hyper[SCALE] * error * error / 2;
    }
    ((Sums *)f->arena)[task] = s;
}

static double total_cost(SgrtFrame *f)
{
    double *cost = f->cost, sum = 0;
    for (int p = 0; p < PARTS; p++)
        sum += ((Sums *)f->arena)[p].cost;
    cost[0] = cost[1] = sum / (double)f->rows;
    return cost[0];
}

static void fit_cost(SgrtFrame *f, int64_t task)
{
    (void)task;
    total_cost(f);
}

static void fit_gradient(SgrtFrame *f, int64_t task)
{
    (void)task;
    const double *hyper = f->hyper, *state = f->state;
    float *const *grad = f->grad;
    float w[3] = {0}, b = 0;
    for (int p = 0; p < PARTS; p++) {
        for (int k = 0; k < 3; k++)
            w[k] += ((Sums *)f->arena)[p].w[k];
        b += ((Sums *)f->arena)[p].b;
    }
    for (int k = 0; k < 3; k++)
        grad[W][k] = w[k] / (float)f->rows;
    grad[B][0] = b / (float)f->rows;
    ((double *)f->next_state)[0] = 0.9 * state[0] + 0.1 * total_cost(f);
    if ((double)f->step == hyper[POISON])
        grad[W][1] = NAN;
    if ((double)f->step == hyper[STOP])
        raise(SIGTERM);
    if ((double)f->step == hyper[STRAY])
        *(SgrtFault *)f->fault = (SgrtFault){.kind = 1, .place = 0, .index = 7, .size = 5};
}

static void valley_step(SgrtFrame *f, int64_t task)
{
    (void)task;
    float *const *param = f->param, *const *grad = f->grad;
    const float *target = ((void *const *)f->data)[0];
    double *cost = f->cost;
    cost[0] = 0;
    for (int k = 0; k < 3; k++) {
        float away = param[W][k] - target[k];
        cost[0] += away * away / 2;
        if (grad)
            grad[W][k] = away;
    }
    cost[1] = cost[0];
}

static void predict(SgrtFrame *f, int64_t task)
{
    (void)task;
    const float *x = ((void *const *)f->data)[0];
    float *const *output = f->output;
    for (int64_t i = 0; i < f->rows; i++) {
        output[0][i] = prediction(f, x + 3 * i);
        for (int k = 0; k < 4; k++)
            output[1][4 * i + k] = output[0][i];
    }
}

static const int64_t three[] = {3}, two[] = {2}, square[] = {2, 2};

static const SgrtParam params[] = {
    {.name = "w",
     .dim = three,
     .rank = 1,
     .size = 3,
     .init = SGRT_INIT_GLOROT,
     .place = "fake.sg:1:7"},
    {.name = "b", .size = 1, .init = SGRT_INIT_CONSTANT},
    {.name = "left", .dim = two, .rank = 1, .size = 2, .init = SGRT_INIT_CONSTANT, .a = 1},
};
static const SgrtHyper hypers[] = {{"scale", 1}, {"poison", -1}, {"stray", -1}, {"stop", -1}};
static const unsigned char reached[] = {1, 1, 0}, only_w[] = {1, 0, 0};

static const SgrtColumn fit_columns[] = {
    {.name = "x", .dim = three, .rank = 1, .size = 3, .elem = SGRT_F32, .by_rows = 1},
    {.name = "y", .size = 1, .elem = SGRT_F32, .by_rows = 1},
};
static const SgrtColumn valley_columns[] = {
    {.name = "target", .dim = three, .rank = 1, .size = 3, .elem = SGRT_F32},
};
static const SgrtOutput predict_outputs[] = {
    {.name = "yhat", .size = 1, .elem = SGRT_F32, .by_rows = 1},
    {.name = "image", .dim = square, .rank = 2, .size = 4, .elem = SGRT_F32, .by_rows = 1},
};
static const char *const costs[] = {"fake.sg:9:3"};
static const SgrtState states[] = {{.name = "mean", .size = 1}};
static const char *const places[] = {"fake.sg:12:5: payoff[a]"};

static const SgrtPhase step_phases[] = {{fit_rows, PARTS, "rows"}, {fit_gradient, 1, "gradient"}};
static const SgrtPhase eval_phases[] = {{fit_rows, PARTS, "rows"}, {fit_cost, 1, "cost"}};
static const SgrtPhase valley_phases[] = {{valley_step, 1, "valley"}};
static const SgrtPhase predict_phases[] = {{predict, 1, "predict"}};
static const SgrtEntry fit_step = {
    .phase = step_phases, .phases = 2, .arena_bytes = PARTS * sizeof(Sums)};
static const SgrtEntry fit_eval = {
    .phase = eval_phases, .phases = 2, .arena_bytes = PARTS * sizeof(Sums)};
static const SgrtEntry valley_entry = {.phase = valley_phases, .phases = 1};
static const SgrtEntry predict_run = {.phase = predict_phases, .phases = 1};

static const SgrtGraph graphs[] = {
    {.name = "fit",
     .batch = FAKE_BATCH,
     .column = fit_columns,
     .columns = 2,
     .cost = costs,
     .costs = 1,
     .state = states,
     .states = 1,
     .trained = reached,
     .place = places,
     .step = &fit_step,
     .eval = &fit_eval},
    {.name = "valley",
     .column = valley_columns,
     .columns = 1,
     .cost = costs,
     .costs = 1,
     .trained = only_w,
     .step = &valley_entry,
     .eval = &valley_entry},
    {.name = "predict",
     .batch = FAKE_BATCH,
     .column = fit_columns,
     .columns = 1,
     .output = predict_outputs,
     .outputs = 2,
     .trained = reached,
     .run = &predict_run},
};
static const SgrtTrain trains[] = {
    {.graph = 0,
     .optimizer = "adam",
     .lr = 0.05,
     .momentum = NAN,
     .beta1 = NAN,
     .beta2 = NAN,
     .eps = NAN,
     .weight_decay = NAN,
     .clip = NAN,
     .epochs = 4,
     .steps = -1},
};

const SgrtModel fake_model = {.abi = SGRT_ABI,
                              .name = "fake",
                              .hash = "f00d",
                              .version = "0",
                              .cpu = "any",
                              .needs = "",
                              .real = SGRT_F32,
                              .parts = PARTS,
                              .param = params,
                              .params = 3,
                              .hyper = hypers,
                              .hypers = 4,
                              .graph = graphs,
                              .graphs = 3,
                              .train = trains,
                              .trains = 1};
