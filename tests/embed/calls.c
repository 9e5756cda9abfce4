/* Every function of a model's header: what it computes, against closed forms, and what it says when
 * it is used wrongly. */
#include "check.h"
#include "line.h"

#include <float.h>
#include <math.h>

enum { ROWS = 6, IN = 3, OUT = 2 };

static const float x[ROWS * IN] = {1, 0, 2, -1, 3, 0.5f, 0, 0, 1, 2, 2, -2, 1, -1, 1, 0.5f, 0, 0};
static const float y[ROWS * OUT] = {1, -1, 0, 2, 3, 0.5f, -2, 1, 0, 0, 1, 1};

static int near(double a, double b)
{
    return fabs(a - b) <= 1e-5 * (1 + fabs(b));
}

/* The cost per row of graph `square`, and the gradient of fit.W and fit.b. */
static double expected(const float *W, const float *b, double beta, double *gW, double *gb)
{
    double cost = 0;
    memset(gW, 0, IN * OUT * sizeof *gW);
    memset(gb, 0, OUT * sizeof *gb);
    for (int r = 0; r < ROWS; r++)
        for (int o = 0; o < OUT; o++) {
            double d = (double)b[o] - (double)y[r * OUT + o];
            for (int i = 0; i < IN; i++)
                d += (double)x[r * IN + i] * (double)W[i * OUT + o];
            cost += beta * d * d / ROWS;
            gb[o] += 2 * beta * d / ROWS;
            for (int i = 0; i < IN; i++)
                gW[i * OUT + o] += 2 * beta * d * (double)x[r * IN + i] / ROWS;
        }
    return cost;
}

static line *make(const line_config *c)
{
    line *m;
    int status = line_new(&m, c);
    CHECK(m);
    if (status != LINE_OK) {
        fprintf(stderr, "%s\n", line_error(m));
        exit(1);
    }
    return m;
}

static void gradient_is_the_closed_form(void)
{
    line_config c = LINE_CONFIG;
    double cost, gW[IN * OUT], gb[OUT];
    c.beta = 1.5;
    line *m = make(&c);
    double want = expected(line_p(m, LINE_PARAM_fit__W), line_p(m, LINE_PARAM_fit__b), 1.5, gW, gb);
    CHECK(line_square_grad(m, ROWS, x, y, &cost) == LINE_OK);
    CHECK(near(cost, want + 0.5 * 0.25)); /* scale is 2 */
    for (int i = 0; i < IN * OUT; i++)
        CHECK(near((double)line_g(m, LINE_GRAPH_square, LINE_PARAM_fit__W)[i], gW[i]));
    for (int i = 0; i < OUT; i++)
        CHECK(near((double)line_g(m, LINE_GRAPH_square, LINE_PARAM_fit__b)[i], gb[i]));
    double square = 0;
    for (int p = 0; p <= LINE_PARAM_scale; p++)
        for (int64_t i = 0; i < line_size(p); i++) {
            double g = (double)line_g(m, LINE_GRAPH_square, p)[i];
            square += g * g;
        }
    CHECK(near(line_norm(m, LINE_GRAPH_square), sqrt(square)));
    CHECK(isnan(line_norm(m, LINE_GRAPH_noisy)) && isnan(line_norm(m, 99)));
    /* The stored tensor is the logarithm: d/ds 0.5 (e^s - 1.5)^2 = (2 - 1.5) 2. */
    CHECK(near((double)*line_g(m, LINE_GRAPH_square, LINE_PARAM_scale), 1));
    CHECK(!line_g(m, LINE_GRAPH_square, LINE_PARAM_w));
    line_free(m);
}

static void costs_are_given_one_by_one(void)
{
    line *m = make(NULL);
    double cost[1 + LINE_COSTS_square], sum;
    const void *data[] = {x, y};
    line_call call = line_call_of(ROWS, data, NULL, cost);
    CHECK(line_eval(m, LINE_GRAPH_square, &call) == LINE_OK);
    CHECK(near(cost[0], cost[1] + cost[2]) && near(cost[2], 0.125));
    CHECK(line_square_eval(m, ROWS, x, y, &sum) == LINE_OK && sum == cost[0]);
    /* Of a data set of 12 rows these are half: what does not belong to rows counts once. */
    call.total_rows = 2 * ROWS;
    CHECK(line_eval(m, LINE_GRAPH_square, &call) == LINE_OK && near(cost[0], sum));
    line_free(m);
}

static void a_step_is_the_optimizers(void)
{
    line_config c = LINE_CONFIG;
    double gW[IN * OUT], gb[OUT], cost;
    float before[IN * OUT];
    c.optimizer = "sgd";
    c.lr = 0.125;
    line *m = make(&c);
    memcpy(before, line_p(m, LINE_PARAM_fit__W), sizeof before);
    expected(before, line_p(m, LINE_PARAM_fit__b), 0.5, gW, gb);
    CHECK(line_square_train(m, ROWS, x, y, &cost) == LINE_OK);
    for (int i = 0; i < IN * OUT; i++)
        CHECK(near((double)line_p(m, LINE_PARAM_fit__W)[i], (double)before[i] - 0.125 * gW[i]));
    CHECK(line_updates(m, LINE_GRAPH_square) == 1);
    CHECK(line_update(m, LINE_GRAPH_square) == LINE_E_ARGUMENT);
    CHECK_SAYS(line_error(m), "no gradient");
    line_free(m);

    c.optimizer = "none";
    m = make(&c);
    CHECK(line_square_train(m, ROWS, x, y, &cost) == LINE_E_ARGUMENT);
    CHECK_SAYS(line_error(m), "no optimizer");
    line_free(m);
}

static void parameters_have_two_forms(void)
{
    line *m = make(NULL);
    float value, values[4];
    CHECK(line_param("fit.W") == LINE_PARAM_fit__W && line_param("fit.Q") == -1);
    CHECK(line_size(LINE_PARAM_fit__W) == 6 && line_size(99) == -1);
    CHECK((size_t)line_p(m, LINE_PARAM_fit__W) % 64 == 0);
    CHECK(line_get(m, LINE_PARAM_scale, &value) == LINE_OK && near((double)value, 2));
    CHECK(near((double)*line_p(m, LINE_PARAM_scale), log(2)));
    value = 5;
    CHECK(line_set(m, LINE_PARAM_scale, &value) == LINE_OK);
    CHECK(near((double)*line_p(m, LINE_PARAM_scale), log(5)));
    value = -1;
    CHECK(line_set(m, LINE_PARAM_scale, &value) == LINE_E_ARGUMENT);
    CHECK_SAYS(line_error(m), "positive");
    CHECK(line_get(m, LINE_PARAM_W, values) == LINE_OK && values[0] == 0.75f);
    CHECK(line_get(m, LINE_PARAM_w, values) == LINE_OK && values[0] == 0.25f);
    CHECK(!line_p(m, LINE_PARAMS));
    CHECK_SAYS(line_error(m), "no parameter 5");
    line_free(m);
}

static void outputs_are_the_callers(void)
{
    line *m = make(NULL);
    float out[ROWS * OUT + 1], picked;
    int32_t k = 2;
    out[ROWS * OUT] = 77;
    CHECK(line_predict_run(m, ROWS, x, out) == LINE_OK);
    const float *W = line_p(m, LINE_PARAM_fit__W), *b = line_p(m, LINE_PARAM_fit__b);
    for (int r = 0; r < ROWS; r++)
        for (int o = 0; o < OUT; o++) {
            double want = (double)b[o];
            for (int i = 0; i < IN; i++)
                want += (double)x[r * IN + i] * (double)W[i * OUT + o];
            CHECK(near((double)out[r * OUT + o], want));
        }
    CHECK(out[ROWS * OUT] == 77);
    CHECK(line_pick_run(m, &k, &picked) == LINE_OK && picked == 0.75f);
    k = 4;
    CHECK(line_pick_run(m, &k, &picked) == LINE_E_INDEX);
    CHECK_SAYS(line_error(m), "index 4 out of range [0, 4)");
    line_free(m);
}

static void noise_is_a_number_or_an_array(void)
{
    line *m = make(NULL);
    double first, second, again, cost[1 + LINE_COSTS_noisy], want = 0;
    const float z[4] = {-1, 0, 0.5f, 2};
    const void *noise[] = {z};
    CHECK(line_noisy_eval(m, &first) == LINE_OK && line_noisy_eval(m, &second) == LINE_OK);
    CHECK(first != second);
    CHECK(line_noise(m, 0, 0) == LINE_OK && line_noisy_eval(m, &again) == LINE_OK);
    CHECK(again == first);
    CHECK(line_noise(m, 1, 0) == LINE_OK && line_noisy_eval(m, &again) == LINE_OK);
    CHECK(again != first);
    line_call call = line_call_of(1, NULL, NULL, cost);
    call.noise = noise;
    CHECK(line_grad(m, LINE_GRAPH_noisy, &call) == LINE_OK);
    for (int i = 0; i < 4; i++) {
        double at = 0.25 + (double)z[i];
        want += 0.75 * log1p(exp(at));
        CHECK(near((double)line_g(m, LINE_GRAPH_noisy, LINE_PARAM_w)[i], 0.75 / (1 + exp(-at))));
    }
    CHECK(near(cost[0], want));
    CHECK(line_noise(m, 0, -1) == LINE_E_ARGUMENT);
    line_free(m);
}

static void hypers_and_settings_change(void)
{
    line *m = make(NULL);
    double half, whole;
    CHECK(line_square_eval(m, ROWS, x, y, &half) == LINE_OK);
    CHECK(line_hyper(m, LINE_HYPER_beta, 1) == LINE_OK);
    CHECK(line_square_eval(m, ROWS, x, y, &whole) == LINE_OK);
    CHECK(near(whole - 0.125, 2 * (half - 0.125)));
    CHECK(line_hyper(m, 1, 0) == LINE_E_ARGUMENT);
    CHECK(line_optimizer(m, "lr", 0) == LINE_OK);
    float before = *line_p(m, LINE_PARAM_scale);
    CHECK(line_square_train(m, ROWS, x, y, NULL) == LINE_OK);
    CHECK(*line_p(m, LINE_PARAM_scale) == before);
    CHECK(line_optimizer(m, "pace", 1) == LINE_E_ARGUMENT);
    CHECK_SAYS(line_error(m), "pace");
    CHECK(line_optimizer(m, "lr", HUGE_VAL) == LINE_E_ARGUMENT);
    line_free(m);
}

/* A run that stops, and goes on in another context, has the bits of one that does not. */
static void checkpoints_carry_a_training(void)
{
    line *whole = make(NULL), *first = make(NULL), *second = make(NULL);
    static char bytes[1 << 16];
    for (int i = 0; i < 4; i++)
        CHECK(line_square_train(whole, ROWS, x, y, NULL) == LINE_OK);
    for (int i = 0; i < 2; i++)
        CHECK(line_square_train(first, ROWS, x, y, NULL) == LINE_OK);
    CHECK(line_note(first, "\"half\"\n") == LINE_OK && !*line_noted(second));
    int64_t count = line_pack(first, LINE_GRAPH_square, NULL, 0);
    CHECK(count > 0 && count < (int64_t)sizeof bytes);
    bytes[count - 1] = 99;
    CHECK(line_pack(first, LINE_GRAPH_square, bytes, count - 1) == count && bytes[count - 1] == 99);
    CHECK(line_pack(first, LINE_GRAPH_square, bytes, sizeof bytes) == count);
    CHECK(line_unpack(second, LINE_GRAPH_square, bytes, count) == LINE_OK);
    CHECK(strcmp(line_noted(second), "\"half\"\n") == 0);
    for (int i = 0; i < 2; i++)
        CHECK(line_square_train(second, ROWS, x, y, NULL) == LINE_OK);
    CHECK(line_updates(second, LINE_GRAPH_square) == 4);
    for (int p = 0; p < LINE_PARAMS; p++)
        CHECK(memcmp(line_p(whole, p), line_p(second, p), (size_t)line_size(p) * 4) == 0);

    /* The file has the same bytes. */
    CHECK(line_save(first, LINE_GRAPH_square, "line.safetensors") == LINE_OK);
    FILE *in = fopen("line.safetensors", "rb");
    CHECK(in);
    for (int64_t i = 0; i < count; i++)
        CHECK((char)getc(in) == bytes[i]);
    CHECK(getc(in) == EOF);
    fclose(in);
    CHECK(line_load(whole, LINE_GRAPH_square, "line.safetensors") == LINE_OK);
    CHECK(line_updates(whole, LINE_GRAPH_square) == 2);
    CHECK(line_load(whole, -1, "line.safetensors") == LINE_OK);
    for (int p = 0; p < LINE_PARAMS; p++)
        CHECK(memcmp(line_p(whole, p), line_p(first, p), (size_t)line_size(p) * 4) == 0);

    CHECK(line_save(first, -1, "no/such/folder") == LINE_E_FILE);
    CHECK_SAYS(line_error(first), "no/such/folder: No such file");
    CHECK(line_load(first, -1, "nothing") == LINE_E_FILE);
    CHECK_SAYS(line_error(first), "nothing: No such file");
    CHECK(line_save(first, LINE_GRAPH_predict, "line.safetensors") == LINE_E_ARGUMENT);
    CHECK_SAYS(line_error(first), "not trained");

    static char long_note[1 << 14];
    memset(long_note, 'x', sizeof long_note - 1);
    CHECK(line_note(first, long_note) == LINE_E_ARGUMENT);
    long_note[8191] = 0;
    CHECK(line_note(first, long_note) == LINE_OK && line_save(first, -1, "noted") == LINE_OK);
    CHECK(line_load(whole, -1, "noted") == LINE_OK && !strcmp(line_noted(whole), long_note));

    /* Cut anywhere, it is refused and nothing changes. */
    float before = *line_p(second, LINE_PARAM_scale);
    for (int64_t cut = 0; cut < count; cut += 1 + cut / 16)
        CHECK(line_unpack(second, LINE_GRAPH_square, bytes, cut) == LINE_E_FORMAT);
    CHECK(*line_p(second, LINE_PARAM_scale) == before);
    CHECK(line_unpack(second, LINE_GRAPH_noisy, bytes, count) == LINE_E_FORMAT);
    line_free(whole);
    line_free(first);
    line_free(second);
}

static void wrong_arguments_are_errors(void)
{
    line *m = make(NULL);
    double cost;
    const void *none[] = {x, NULL};
    line_call call = line_call_of(ROWS, none, NULL, &cost);
    CHECK(line_square_eval(m, 0, x, y, &cost) == LINE_E_ARGUMENT);
    CHECK_SAYS(line_error(m), "0 rows: a call of graph square takes from 1 to 8");
    CHECK(line_square_eval(m, LINE_ROWS_square + 1, x, y, &cost) == LINE_E_ARGUMENT);
    CHECK(line_eval(m, LINE_GRAPH_square, &call) == LINE_E_ARGUMENT);
    CHECK_SAYS(line_error(m), "no data y");
    CHECK(line_eval(m, 4, &call) == LINE_E_ARGUMENT);
    CHECK_SAYS(line_error(m), "no graph 4");
    CHECK(line_grad(m, LINE_GRAPH_predict, &call) == LINE_E_ARGUMENT);
    CHECK_SAYS(line_error(m), "graph predict has no grad: it has no cost");
    CHECK(line_run(m, LINE_GRAPH_predict, &call) == LINE_E_ARGUMENT);
    CHECK_SAYS(line_error(m), "no array for the output double");
    CHECK(line_eval(m, LINE_GRAPH_square, NULL) == LINE_E_ARGUMENT);
    CHECK_SAYS(line_error(m), "the pointer is NULL");
    CHECK(line_get(m, LINE_PARAM_w, NULL) == LINE_E_ARGUMENT);
    CHECK(line_save(m, -1, NULL) == LINE_E_ARGUMENT && line_load(m, -1, NULL) == LINE_E_ARGUMENT);
    line_free(m);
}

/* Where memory was out, and no one looked. */
static void a_context_that_is_not_there_is_an_error(void)
{
    double cost;
    float value = 0, out[ROWS * OUT];
    char byte = 0;
    CHECK(line_square_train(NULL, ROWS, x, y, &cost) == LINE_E_ARGUMENT);
    CHECK(line_square_eval(NULL, ROWS, x, y, &cost) == LINE_E_ARGUMENT);
    CHECK(line_predict_run(NULL, ROWS, x, out) == LINE_E_ARGUMENT);
    CHECK(line_update(NULL, LINE_GRAPH_square) == LINE_E_ARGUMENT);
    CHECK(line_noise(NULL, 1, 1) == LINE_E_ARGUMENT && line_hyper(NULL, 0, 1) == LINE_E_ARGUMENT);
    CHECK(line_optimizer(NULL, "lr", 1) == LINE_E_ARGUMENT && line_updates(NULL, 0) == -1);
    CHECK(line_get(NULL, 0, &value) == LINE_E_ARGUMENT &&
          line_set(NULL, 0, &value) == LINE_E_ARGUMENT);
    CHECK(!line_p(NULL, 0) && !line_g(NULL, 0, 0) && isnan(line_norm(NULL, 0)));
    CHECK(line_note(NULL, "") == LINE_E_ARGUMENT && !*line_noted(NULL));
    CHECK(line_save(NULL, -1, "x") == LINE_E_ARGUMENT &&
          line_load(NULL, -1, "x") == LINE_E_ARGUMENT);
    CHECK(line_pack(NULL, -1, NULL, 0) == -1 && line_unpack(NULL, -1, &byte, 1) == LINE_E_ARGUMENT);
}

static void what_is_not_finite_is_not_applied(void)
{
    line *m = make(NULL);
    float bad[ROWS * OUT];
    memcpy(bad, y, sizeof bad);
    bad[3] = INFINITY;
    float before = *line_p(m, LINE_PARAM_scale);
    CHECK(line_square_train(m, ROWS, x, bad, NULL) == LINE_E_NONFINITE);
    CHECK_SAYS(line_error(m), "line.sg:19:5");
    CHECK(line_updates(m, LINE_GRAPH_square) == 0 && *line_p(m, LINE_PARAM_scale) == before);
    line_free(m);
}

/* The state before it is whole, and the training goes on from there as if there had been none. */
static void an_update_that_is_not_finite_is_not_applied(void)
{
    line *m = make(NULL), *other = make(NULL);
    static char before[20000], after[20000];
    const int64_t room = sizeof before;
    CHECK(line_square_train(m, ROWS, x, y, NULL) == LINE_OK);
    CHECK(line_square_train(other, ROWS, x, y, NULL) == LINE_OK);
    const int64_t bytes = line_pack(m, LINE_GRAPH_square, before, room);
    CHECK(bytes > 0 && bytes <= room);
    CHECK(line_optimizer(m, "lr", 1e300) == LINE_OK);
    CHECK(line_square_grad(m, ROWS, x, y, NULL) == LINE_OK);
    CHECK(line_update(m, LINE_GRAPH_square) == LINE_E_NONFINITE);
    CHECK_SAYS(line_error(m), "the update of element 0 of the parameter ");
    CHECK(line_updates(m, LINE_GRAPH_square) == 1);
    CHECK(line_update(m, LINE_GRAPH_square) == LINE_E_ARGUMENT); /* the gradient is gone */
    for (int p = 0; p <= LINE_PARAM_scale; p++)
        for (int64_t i = 0; i < line_size(p); i++)
            CHECK(line_p(m, p)[i] == line_p(other, p)[i]);

    CHECK(line_optimizer(m, "lr", 0.05) == LINE_OK && line_noise(m, 0, 1) == LINE_OK);
    CHECK(line_noise(other, 0, 1) == LINE_OK);
    CHECK(line_square_train(m, ROWS, x, y, NULL) == LINE_OK);
    CHECK(line_square_train(other, ROWS, x, y, NULL) == LINE_OK);
    CHECK(line_pack(m, LINE_GRAPH_square, before, room) == bytes);
    CHECK(line_pack(other, LINE_GRAPH_square, after, room) == bytes);
    CHECK(memcmp(before, after, (size_t)bytes) == 0);
    /* Near the largest real, and finite: it is made. */
    CHECK(line_optimizer(m, "lr", 1e37) == LINE_OK);
    CHECK(line_square_train(m, ROWS, x, y, NULL) == LINE_OK);
    CHECK(line_updates(m, LINE_GRAPH_square) == 3);
    for (int p = 0; p <= LINE_PARAM_scale; p++)
        for (int64_t i = 0; i < line_size(p); i++)
            CHECK(isfinite(line_p(m, p)[i]));
    line_free(m);
    line_free(other);
}

/* 0 / (0 + eps): what has no gradient moves by NaN where eps is nothing, and is refused. */
static void an_eps_of_nothing_divides_nothing(void)
{
    line_config c = LINE_CONFIG;
    c.beta = 0;
    line *m = make(&c);
    CHECK(line_square_train(m, ROWS, x, y, NULL) == LINE_OK);
    CHECK(line_optimizer(m, "eps", 1e-60) == LINE_OK);
    CHECK(line_square_train(m, ROWS, x, y, NULL) == LINE_E_NONFINITE);
    CHECK_SAYS(line_error(m), "the update of element 0 of the parameter fit.W is not finite");
    CHECK(line_updates(m, LINE_GRAPH_square) == 1);
    line_free(m);
}

/* A number that the program itself put there is named. */
static void a_parameter_that_is_not_finite_is_named(void)
{
    line *m = make(NULL);
    line_p(m, LINE_PARAM_fit__b)[1] = INFINITY;
    CHECK(line_square_train(m, ROWS, x, y, NULL) == LINE_E_NONFINITE);
    CHECK_SAYS(line_error(m), "element 1 of the parameter fit.b was inf before it");
    line_free(m);
}

static void refuses(line_config c, int code, const char *words)
{
    line *m;
    CHECK(line_new(&m, &c) == code && m);
    CHECK_SAYS(line_error(m), words);
    line_free(m);
}

static void new_refuses(void)
{
    line_config c = LINE_CONFIG;
    c.abi ^= 1;
    refuses(c, LINE_E_STALE, "the header is of another build than the library of line");
    c.abi ^= 1;
    c.threads = 0;
    refuses(c, LINE_E_ARGUMENT, "0 threads");
    c.threads = 1;
    c.optimizer = "adan";
    refuses(c, LINE_E_ARGUMENT, "did you mean adam");
    c.optimizer = NULL;
    c.lr = NAN;
    refuses(c, LINE_E_ARGUMENT, "lr is");
    c.lr = -1;
    c.total_rows = -1;
    refuses(c, LINE_E_ARGUMENT, "total_rows is -1");
    /* A context that was refused answers every call. */
    line *m;
    c.total_rows = 0;
    c.abi = 0;
    CHECK(line_new(&m, &c) == LINE_E_STALE);
    CHECK(line_square_train(m, ROWS, x, y, NULL) == LINE_E_ARGUMENT);
    CHECK(!line_p(m, 0) && !line_g(m, 0, 0) && line_updates(m, 0) == -1);
    CHECK(line_pack(m, -1, NULL, 0) == -1 && line_save(m, -1, "x") == LINE_E_ARGUMENT);
    line_free(m);
    line_free(NULL);
    CHECK_SAYS(line_error(NULL), "out of memory");
    CHECK_SAYS(line_reason(LINE_E_INDEX), "index");
    CHECK_SAYS(line_manifest(), "\"model\":\"line\"");
}

/* ---- tasks on threads of the host ----------------------------------------------------------- */

static int64_t tasks_run;

static void backwards(void *user, line_task *task, void *work, int64_t tasks)
{
    *(int *)user += 1;
    for (int64_t i = tasks; i-- > 0; tasks_run++)
        task(work, i);
}

static void the_host_may_run_the_tasks(void)
{
    line_config c = LINE_CONFIG;
    double ours, theirs;
    int used = 0;
    line *m = make(NULL);
    CHECK(line_square_grad(m, ROWS, x, y, &ours) == LINE_OK);
    c.parallel = backwards;
    c.user = &used;
    line *lent = make(&c);
    CHECK(line_square_grad(lent, ROWS, x, y, &theirs) == LINE_OK && ours == theirs);
    CHECK(used > 0 && tasks_run > used);
    for (int p = 0; p < 3; p++)
        CHECK(memcmp(line_g(m, LINE_GRAPH_square, p), line_g(lent, LINE_GRAPH_square, p),
                     (size_t)line_size(p) * 4) == 0);
    line_free(m);
    line_free(lent);
}

/* ---- profiles ------------------------------------------------------------------------------- */

typedef struct Phases {
    int begun, ended;
    char last[200];
} Phases;

static void note(void *observing, const char *kernels)
{
    Phases *p = observing;
    *(kernels ? &p->begun : &p->ended) += 1;
    if (kernels)
        snprintf(p->last, sizeof p->last, "%s", kernels);
}

static void phases_are_told(void)
{
    line_config c = LINE_CONFIG;
    Phases p = {0};
    c.observe = note;
    c.observing = &p;
    line *m = make(&c);
    CHECK(line_square_eval(m, ROWS, x, y, NULL) == LINE_OK);
    CHECK(p.begun > 0 && p.ended == 1);
    CHECK_SAYS(p.last, "cost ");
    int of_eval = p.begun;
    CHECK(line_square_train(m, ROWS, x, y, NULL) == LINE_OK);
    CHECK(p.begun >= 2 * of_eval && p.ended == 2);
    line_free(m);
}

int main(void)
{
    gradient_is_the_closed_form();
    costs_are_given_one_by_one();
    a_step_is_the_optimizers();
    parameters_have_two_forms();
    outputs_are_the_callers();
    noise_is_a_number_or_an_array();
    hypers_and_settings_change();
    checkpoints_carry_a_training();
    wrong_arguments_are_errors();
    a_context_that_is_not_there_is_an_error();
    what_is_not_finite_is_not_applied();
    an_update_that_is_not_finite_is_not_applied();
    an_eps_of_nothing_divides_nothing();
    a_parameter_that_is_not_finite_is_named();
    new_refuses();
    the_host_may_run_the_tasks();
    phases_are_told();
    return 0;
}
