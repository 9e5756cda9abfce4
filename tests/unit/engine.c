/* Training, evaluation and outputs end to end, on a model written by hand (fake.c). */
#include "tests/suites.h"

#include "runtime/checkpoint.h"
#include "runtime/eval.h"
#include "runtime/host.h"
#include "runtime/tape.h"
#include "runtime/tensors.h"
#include "runtime/train.h"
#include "tests/unit/fake.h"
#include "tests/unit/scratch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A training of the graph `fit` on its twenty rows. */
typedef struct Fit {
    SgrtPool *pool;
    SgrtData data;
    SgrtContext *context;
    SgrtParams params; /* a view */
    SgrtTrainer trainer;
} Fit;

static SgrtError error;

static SgrtArray copy_of(const void *values, int64_t rank, const int64_t *dim)
{
    SgrtArray a = {.stored = SGRT_STORED_F32, .rank = rank};
    memcpy(a.dim, dim, (size_t)rank * sizeof *dim);
    ck_assert(sgrt_size_of(dim, rank, &a.size));
    a.values = malloc((size_t)a.size * sizeof(float));
    memcpy(a.values, values, (size_t)a.size * sizeof(float));
    return a;
}

static void bind_fit(SgrtData *data, const SgrtGraph *graph)
{
    fake_fill();
    SgrtArray x = copy_of(fake_x, 2, (int64_t[]){FAKE_ROWS, 3});
    SgrtArray y = copy_of(fake_y, 1, (int64_t[]){FAKE_ROWS});
    ck_assert(sgrt_data_init(data, &fake_model, graph, &error));
    ck_assert_msg(sgrt_data_bind_array(data, 0, &x, "x", &error), "%s", error.text);
    if (graph->columns > 1)
        ck_assert_msg(sgrt_data_bind_array(data, 1, &y, "y", &error), "%s", error.text);
    else
        sgrt_array_free(&y);
    ck_assert(sgrt_data_complete(data, -1, &error));
}

static SgrtContext *open_context(SgrtPool *pool, const char *optimizer, SgrtParams *view)
{
    SgrtHostSettings s = {.pool = pool, .seed = 7, .optimizer = optimizer};
    SgrtContext *context = sgrt_host_open(&fake_model, &s, &error);
    ck_assert_msg(context && sgrt_host_view(view, &fake_model, context, &error), "%s", error.text);
    return context;
}

/* `rows` of the twenty. */
static void fit_open_rows(Fit *f, const char *optimizer, double lr, double clip, int64_t rows,
                          int64_t threads)
{
    *f = (Fit){.pool = sgrt_pool_new(threads, &error)};
    ck_assert(f->pool);
    bind_fit(&f->data, &fake_model.graph[0]);
    f->data.rows = rows;
    f->context = open_context(f->pool, optimizer, &f->params);
    SgrtTrainSettings s = {.optimizer = sgrt_optim_settings(sgrt_optimizer(optimizer)),
                           .clip = clip,
                           .batch = FAKE_BATCH,
                           .seed = 7};
    s.optimizer.lr = lr;
    ck_assert(sgrt_trainer_init(&f->trainer, &s, &f->data, f->context, f->pool, &error));
}

static void fit_open(Fit *f, const char *optimizer, double lr, int64_t threads)
{
    fit_open_rows(f, optimizer, lr, 0, FAKE_ROWS, threads);
}

static void fit_close(Fit *f)
{
    sgrt_trainer_free(&f->trainer);
    free(f->params.value);
    sgrt_context_free(f->context);
    sgrt_data_free(&f->data);
    sgrt_pool_free(f->pool);
}

static void steps(Fit *f, int n)
{
    for (int i = 0; i < n; i++)
        ck_assert_msg(sgrt_trainer_step(&f->trainer, &error), "%s", error.text);
}

static float *param(const Fit *f, int i)
{
    return f->params.value[i];
}

/* One step of plain descent over all rows, against the gradient worked out here in double. */
START_TEST(one_step_of_sgd_is_the_formula)
{
    Fit f;
    fit_open_rows(&f, "sgd", 0.1, 0, FAKE_BATCH - 1, 2); /* the batch is cut to the rows */
    double w[4], g[4] = {0};
    for (int k = 0; k < 3; k++)
        w[k] = param(&f, 0)[k];
    w[3] = param(&f, 1)[0];
    for (int i = 0; i < FAKE_BATCH - 1; i++) {
        double e = w[3] - fake_y[i];
        for (int k = 0; k < 3; k++)
            e += w[k] * fake_x[i][k];
        for (int k = 0; k < 3; k++)
            g[k] += e * fake_x[i][k] / (FAKE_BATCH - 1);
        g[3] += e / (FAKE_BATCH - 1);
    }
    steps(&f, 1);
    for (int k = 0; k < 3; k++)
        ck_assert_double_eq_tol(param(&f, 0)[k], w[k] - 0.1 * g[k], 1e-6);
    ck_assert_double_eq_tol(param(&f, 1)[0], w[3] - 0.1 * g[3], 1e-6);
    fit_close(&f);
}
END_TEST

/* The rows lie on a plane, so the least squares are zero at its coefficients (fake.h). */
START_TEST(training_finds_the_plane)
{
    Fit f;
    fit_open(&f, "adam", 0.05, 2);
    steps(&f, 3000);
    const double truth[] = {1, -2, 0.5};
    for (int k = 0; k < 3; k++)
        ck_assert_double_eq_tol(param(&f, 0)[k], truth[k], 1e-3);
    ck_assert_double_eq_tol(param(&f, 1)[0], 3, 1e-3);
    ck_assert_float_eq(param(&f, 2)[0], 1);
    ck_assert_float_eq(param(&f, 2)[1], 1);
    fit_close(&f);
}
END_TEST

/* A gradient longer than the bound is cut to it: plain descent moves by lr * clip. */
START_TEST(clipping_bounds_the_step)
{
    Fit f;
    fit_open_rows(&f, "sgd", 1, 0.25, FAKE_BATCH, 1);
    double before[4], moved = 0;
    for (int k = 0; k < 3; k++)
        before[k] = param(&f, 0)[k];
    before[3] = param(&f, 1)[0];
    steps(&f, 1);
    ck_assert_double_gt(f.trainer.norm, 0.25);
    for (int k = 0; k < 3; k++)
        moved += pow(param(&f, 0)[k] - before[k], 2);
    moved += pow(param(&f, 1)[0] - before[3], 2);
    ck_assert_double_eq_tol(sqrt(moved), 0.25, 1e-6);
    fit_close(&f);
}
END_TEST

static void assert_same_files(const char *a, const char *b)
{
    size_t n = 0, m = 0;
    char *x = scratch_read(a, &n), *y = scratch_read(b, &m);
    ck_assert_uint_eq(n, m);
    ck_assert_msg(memcmp(x, y, n) == 0, "%s and %s differ", a, b);
    free(x);
    free(y);
}

static void save(Fit *f, const char *name)
{
    ck_assert_msg(sgrt_checkpoint_save(scratch_path(name), &f->trainer, &error), "%s", error.text);
}

START_TEST(threads_do_not_change_a_bit)
{
    Fit one, three;
    fit_open(&one, "adam", 0.05, 1);
    fit_open(&three, "adam", 0.05, 3);
    steps(&one, 25);
    steps(&three, 25);
    save(&one, "a");
    save(&three, "b");
    assert_same_files("a", "b");
    fit_close(&one);
    fit_close(&three);
}
END_TEST

/* Stopped inside an epoch (three steps each), and gone on with in a new trainer. */
START_TEST(a_resumed_training_is_the_uninterrupted_one)
{
    Fit whole, first, second;
    fit_open(&whole, "adam", 0.05, 1);
    fit_open(&first, "adam", 0.05, 1);
    fit_open(&second, "adam", 0.05, 2);
    steps(&whole, 11);
    steps(&first, 4);
    save(&first, "a");
    ck_assert_msg(sgrt_checkpoint_resume(scratch_path("a"), &second.trainer, &error), "%s",
                  error.text);
    ck_assert_int_eq(second.trainer.step, 4);
    steps(&second, 7);
    save(&whole, "a");
    save(&second, "b");
    assert_same_files("a", "b");
    fit_close(&whole);
    fit_close(&first);
    fit_close(&second);
}
END_TEST

/* A NaN in a gradient, and an index out of range: nothing changes, and the text says where. */
START_TEST(a_step_that_fails_is_not_applied)
{
    static const struct {
        int hyper;
        const char *says[3];
    } cases[] = {
        {1,
         {"step 5 (epoch 2, rows 8 to 15 of its order)", "element 1 of the gradient of w", "nan"}},
        {2, {"step 5", "fake.sg:12:5: payoff[a]", "index 7 out of range [0, 5)"}},
    };
    Fit f;
    fit_open(&f, "adam", 0.05, 2);
    ck_assert_int_eq(sgrt_context_hyper(f.context, cases[_i].hyper, 4), 0);
    steps(&f, 4);
    save(&f, "a");
    ck_assert(!sgrt_trainer_step(&f.trainer, &error));
    for (int i = 0; i < 3; i++)
        ck_assert_msg(strstr(error.text, cases[_i].says[i]) != NULL, "wanted '%s' in: %s",
                      cases[_i].says[i], error.text);
    save(&f, "b");
    assert_same_files("a", "b");
    fit_close(&f);
}
END_TEST

START_TEST(a_cost_that_is_not_finite_is_named)
{
    Fit f;
    fit_open(&f, "sgd", 0.05, 1);
    ck_assert_int_eq(sgrt_context_hyper(f.context, 0, INFINITY), 0);
    ck_assert(!sgrt_trainer_step(&f.trainer, &error));
    ck_assert_msg(strstr(error.text, "the cost of fake.sg:9:3 is inf") != NULL, "%s", error.text);
    fit_close(&f);
}
END_TEST

/* The mean over epochs of the per-row cost weighs a short last batch by its rows. */
START_TEST(reports_and_evaluation_weigh_batches_by_rows)
{
    Fit f;
    fit_open(&f, "sgd", 0, 2); /* lr 0: the parameters stay, so both are the same mean */
    double mean = 0, se = 0, reported[2], evaluated[2];
    for (int i = 0; i < FAKE_ROWS; i++) {
        double e = param(&f, 1)[0] - fake_y[i];
        for (int k = 0; k < 3; k++)
            e += param(&f, 0)[k] * fake_x[i][k];
        mean += e * e / 2 / FAKE_ROWS;
    }
    ck_assert_int_eq(f.trainer.epoch_steps, 3);
    steps(&f, 3);
    sgrt_trainer_report(&f.trainer, reported);
    SgrtEvalSettings s = {.batch = 8, .pool = f.pool};
    ck_assert(sgrt_eval(&f.data, f.context, &s, evaluated, &se, &error));
    ck_assert(sgrt_sums_error(&f.trainer.sum) > 0 && se > 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_double_eq_tol(reported[i], mean, 1e-6 * mean);
        ck_assert_double_eq_tol(evaluated[i], mean, 1e-6 * mean);
    }
    fit_close(&f);
}
END_TEST

/* 0.9 * old + 0.1 * cost, from 0: with a cost that stays, 1 - 0.9^n of it. */
START_TEST(moving_averages_follow_applied_steps)
{
    Fit f;
    SgrtTensorFile saved;
    fit_open_rows(&f, "sgd", 0, 0, FAKE_BATCH, 1);
    double cost[2], average;
    steps(&f, 3);
    sgrt_trainer_report(&f.trainer, cost);
    save(&f, "a");
    ck_assert_msg(sgrt_tensors_read(&saved, scratch_path("a"), &error), "%s", error.text);
    ck_assert(
        sgrt_tensor_copy(sgrt_tensors_find(&saved, "average/mean"), SGRT_STORED_F64, &average));
    ck_assert_double_eq_tol(average, (1 - pow(0.9, 3)) * cost[0], 1e-6 * cost[0]);
    sgrt_tensors_free(&saved);
    fit_close(&f);
}
END_TEST

START_TEST(outputs_are_joined_over_batches)
{
    SgrtData data;
    SgrtParams params;
    SgrtArray output[2];
    SgrtPool *pool = sgrt_pool_new(2, &error);
    bind_fit(&data, &fake_model.graph[2]);
    SgrtContext *context = open_context(pool, "none", &params);
    memcpy(params.value[0], (float[]){1, -2, 0.5f}, 3 * sizeof(float));
    memcpy(params.value[1], (float[]){3}, sizeof(float));
    SgrtEvalSettings s = {.batch = 8, .pool = pool};
    ck_assert(sgrt_run(&data, context, &s, output, &error));
    ck_assert_int_eq(output[0].rank, 1);
    ck_assert_int_eq(output[0].dim[0], FAKE_ROWS);
    ck_assert_int_eq(output[1].rank, 3);
    for (int i = 0; i < FAKE_ROWS; i++) {
        ck_assert_float_eq_tol(((float *)output[0].values)[i], fake_y[i], 1e-5f);
        ck_assert_float_eq(((float *)output[1].values)[4 * i + 3], ((float *)output[0].values)[i]);
    }
    sgrt_outputs_free(output, 2);
    free(params.value);
    sgrt_context_free(context);
    sgrt_data_free(&data);
    sgrt_pool_free(pool);
}
END_TEST

/* A tape of two draws: two normals a row, and three uniforms in all. */
START_TEST(a_tape_is_read_by_draw)
{
    static const SgrtSite sites[] = {{"z", 1, 2, 1}, {"u", 0, 3, 0}};
    static const SgrtEntry entry = {.site = sites, .sites = 2};
    static const double z[] = {1, -2, 3, 0.5}, u[] = {0.25, 0.5, 0.75}, edge[] = {0.25, 1, 0.5};
    SgrtTensor t[] = {{"u", SGRT_STORED_F64, 1, 3, {3}, u},
                      {"z", SGRT_STORED_F64, 2, 4, {2, 2}, z}};
    scratch_tensors("tape", t, 2, NULL, 0);
    void **tape = sgrt_tape_read(scratch_path("tape"), &fake_model, &entry, 2, &error);
    ck_assert_msg(tape != NULL, "%s", error.text);
    ck_assert_float_eq(((float *)tape[0])[1], -2);
    ck_assert_float_eq(((float *)tape[1])[2], 0.75f);
    sgrt_tape_free(tape, &entry);
    ck_assert_ptr_null(sgrt_tape_read(scratch_path("tape"), &fake_model, &entry, 3, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "4 variates for the draw z, which takes 6"));
    t[0].values = edge;
    scratch_tensors("tape", t, 2, NULL, 0);
    ck_assert_ptr_null(sgrt_tape_read(scratch_path("tape"), &fake_model, &entry, 2, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "the noise of u must be inside (0, 1)"));
    scratch_tensors("tape", t + 1, 1, NULL, 0);
    ck_assert_ptr_null(sgrt_tape_read(scratch_path("tape"), &fake_model, &entry, 2, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "no noise for the draw u"));
}
END_TEST

/* Every task of every phase runs exactly once, whatever the threads do in between. */
static void count_task(void *context, int64_t task)
{
    __atomic_fetch_add((int *)context + task, 1, __ATOMIC_RELAXED);
}

START_TEST(a_pool_runs_every_task_once)
{
    enum { PHASES = 3000, TASKS = 7 };
    int seen[TASKS] = {0};
    SgrtPool *pool = sgrt_pool_new(4, &error);
    for (int i = 0; i < PHASES; i++) {
        sgrt_pool_run(pool, count_task, seen, 1 + i % TASKS);
        if (i % 1000 == 0)
            usleep(20000); /* long enough for the threads to sleep */
    }
    for (int t = 0; t < TASKS; t++) {
        int expected = 0;
        for (int i = 0; i < PHASES; i++)
            expected += 1 + i % TASKS > t;
        ck_assert_int_eq(seen[t], expected);
    }
    sgrt_pool_free(pool);
}
END_TEST

Suite *engine_suite(void)
{
    Suite *s = suite_create("engine");
    TCase *t = tcase_create("engine");
    tcase_add_checked_fixture(t, scratch_make, scratch_remove);
    tcase_add_test(t, one_step_of_sgd_is_the_formula);
    tcase_add_test(t, training_finds_the_plane);
    tcase_add_test(t, clipping_bounds_the_step);
    tcase_add_test(t, threads_do_not_change_a_bit);
    tcase_add_test(t, a_resumed_training_is_the_uninterrupted_one);
    tcase_add_loop_test(t, a_step_that_fails_is_not_applied, 0, 2);
    tcase_add_test(t, a_cost_that_is_not_finite_is_named);
    tcase_add_test(t, reports_and_evaluation_weigh_batches_by_rows);
    tcase_add_test(t, moving_averages_follow_applied_steps);
    tcase_add_test(t, outputs_are_joined_over_batches);
    tcase_add_test(t, a_tape_is_read_by_draw);
    tcase_add_test(t, a_pool_runs_every_task_once);
    suite_add_tcase(s, t);
    return s;
}
