/* The command line of a model's executable, and its exit statuses. */
#include "tests/suites.h"

#include "runtime/options.h"
#include "runtime/plan.h"
#include "runtime/suggest.h"
#include "runtime/tensors.h"
#include "tests/unit/fake.h"
#include "tests/unit/scratch.h"

#include "runtime/npy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static SgrtError error;

enum { MOST_WORDS = 24 };

/* Splits a command line at spaces; words point into `line`. */
static int split(char *line, char **word)
{
    int words = 0;
    for (char *w = strtok(line, " "); w; w = strtok(NULL, " "))
        word[words++] = w;
    return words;
}

/* The line stays valid until the next call. */
static bool parse(SgrtOptions *o, SgrtVerb verb, const char *text)
{
    static char line[400];
    char *word[MOST_WORDS];
    snprintf(line, sizeof line, "bin/m verb %s", text);
    int words = split(line, word);
    return sgrt_options_parse(o, verb, words, word, &error);
}

START_TEST(options_and_bindings_are_taken_in_any_order)
{
    SgrtOptions o;
    ck_assert_msg(
        parse(&o, SGRT_VERB_train,
              "x=a.npy --epochs 3 elbo --lr=0.5 beta=4 --overfit --weight-decay 1e-2 --out r"),
        "%s", error.text);
    ck_assert_str_eq(o.program, "m");
    ck_assert_str_eq(o.graph, "elbo");
    ck_assert_int_eq(o.epochs, 3);
    ck_assert_int_eq(o.steps, -1);
    ck_assert_double_eq(o.lr, 0.5);
    ck_assert_double_eq(o.weight_decay, 0.01);
    ck_assert(isnan(o.clip));
    ck_assert(o.overfit && !o.overwrite);
    ck_assert_str_eq(o.out, "r");
    ck_assert_ptr_null(o.from);
    ck_assert_int_eq(o.bindings, 2);
    ck_assert_str_eq(o.binding[1].name, "beta");
    ck_assert_str_eq(o.binding[1].value, "4");
    sgrt_options_free(&o);
}
END_TEST

static const struct {
    SgrtVerb verb;
    const char *line, *says;
} bad[] = {
    {SGRT_VERB_train, "--epoch 3", "did you mean --epochs?"},
    {SGRT_VERB_eval, "--epochs 3", "eval has no option --epochs"},
    {SGRT_VERB_train, "--zzz", "no option --zzz; try help train"},
    {SGRT_VERB_train, "--epochs", "--epochs needs a value: --epochs N"},
    {SGRT_VERB_train, "--epochs many", "a whole number is expected"},
    {SGRT_VERB_train, "--epochs 1.5", "a whole number is expected"},
    {SGRT_VERB_train, "--epochs 99999999999999999999", "a whole number is expected"},
    {SGRT_VERB_train, "--batch 0", "at least 1 is expected"},
    {SGRT_VERB_train, "--lr fast", "a number is expected"},
    {SGRT_VERB_train, "--lr nan", "a number is expected"},
    {SGRT_VERB_train, "--lr -1", "at least 0 is expected"},
    {SGRT_VERB_train, "--overwrite=yes", "takes no value"},
    {SGRT_VERB_train, "-x", "options have two dashes"},
    {SGRT_VERB_train, "g h", "a graph is already given, g"},
    {SGRT_VERB_train, "x=a x=b", "x is given twice"},
    {SGRT_VERB_train, "=a", "NAME=VALUE is expected"},
    {SGRT_VERB_train, "x=", "NAME=VALUE is expected"},
};

START_TEST(mistakes_are_named)
{
    SgrtOptions o;
    ck_assert(!parse(&o, bad[_i].verb, bad[_i].line));
    ck_assert_msg(strstr(error.text, bad[_i].says) != NULL, "wanted '%s' in: %s", bad[_i].says,
                  error.text);
    sgrt_options_free(&o);
}
END_TEST

START_TEST(suggestions_are_near)
{
    static const struct {
        const char *word, *nearest;
    } cases[] = {{"trian", "train"}, {"ev", NULL},   {"eva", "eval"}, {"inform", "info"},
                 {"x", NULL},        {"run", "run"}, {"zzzz", NULL}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SgrtSuggestion s = {.word = cases[i].word};
        static const char *const verbs[] = {"train", "eval", "run", "info"};
        for (int k = 0; k < 4; k++)
            sgrt_suggest(&s, verbs[k]);
        ck_assert_pstr_eq(s.nearest, cases[i].nearest);
    }
}
END_TEST

/* The block of the fake model is adam(lr = 0.05), 4 epochs. */
START_TEST(the_command_line_overrides_the_block)
{
    SgrtOptions o;
    SgrtPlan p;
    int64_t last = 0;
    ck_assert(parse(&o, SGRT_VERB_train, ""));
    ck_assert(sgrt_plan_make(&p, &fake_model, &fake_model.graph[0], &o, &error));
    ck_assert_double_eq(p.optimizer.lr, 0.05);
    ck_assert_double_eq(p.optimizer.beta2, 0.999);
    ck_assert(sgrt_plan_last_step(&p, 3, &last, &error));
    ck_assert_int_eq(last, 12);
    sgrt_options_free(&o);
    ck_assert(parse(&o, SGRT_VERB_train, "--lr 0.5 --steps 5 --epochs 2"));
    ck_assert(sgrt_plan_make(&p, &fake_model, &fake_model.graph[0], &o, &error));
    ck_assert_double_eq(p.optimizer.lr, 0.5);
    ck_assert(sgrt_plan_last_step(&p, 3, &last, &error));
    ck_assert_int_eq(last, 5);
    sgrt_options_free(&o);
    /* Another optimiser does not take over the learning rate of adam. */
    ck_assert(parse(&o, SGRT_VERB_train, "--optimizer sgd"));
    ck_assert(sgrt_plan_make(&p, &fake_model, &fake_model.graph[0], &o, &error));
    ck_assert_double_eq(p.optimizer.lr, sgrt_optimizer("sgd")->lr);
    sgrt_options_free(&o);
}
END_TEST

/* Both streams into the file `log`; the descriptors to put back are in kept. */
static void divert(int kept[2])
{
    fflush(stdout);
    kept[0] = dup(STDOUT_FILENO);
    kept[1] = dup(STDERR_FILENO);
    FILE *log = fopen(scratch_path("log"), "w");
    ck_assert_ptr_nonnull(log);
    dup2(fileno(log), STDOUT_FILENO);
    dup2(fileno(log), STDERR_FILENO);
    fclose(log);
}

static void restore(const int kept[2])
{
    fflush(stdout);
    dup2(kept[0], STDOUT_FILENO);
    dup2(kept[1], STDERR_FILENO);
    close(kept[0]);
    close(kept[1]);
}

/* The executable itself; what it prints goes into `log`. */
static int run(const char *text)
{
    char line[400];
    char *word[MOST_WORDS];
    int kept[2];
    snprintf(line, sizeof line, "fake %s", text);
    int words = split(line, word);
    divert(kept);
    int status = sgrt_main(words, word, &fake_model);
    restore(kept);
    return status;
}

/* A checked fixture: a folder with data files. */
static void enter(void)
{
    static const int64_t shape[] = {FAKE_ROWS, 3};
    static const float target[] = {1, 2, 3};
    scratch_make();
    fake_fill();
    ck_assert(sgrt_npy_write(scratch_path("x.npy"), SGRT_STORED_F32, shape, 2, fake_x, &error));
    ck_assert(sgrt_npy_write(scratch_path("y.npy"), SGRT_STORED_F32, shape, 1, fake_y, &error));
    ck_assert(sgrt_npy_write(scratch_path("t.npy"), SGRT_STORED_F32, shape + 1, 1, target, &error));
    SgrtTensor both[] = {{"x", SGRT_STORED_F32, 2, FAKE_ROWS * 3, {FAKE_ROWS, 3}, fake_x},
                         {"y", SGRT_STORED_F32, 1, FAKE_ROWS, {FAKE_ROWS}, fake_y}};
    scratch_tensors("xy", both, 2, NULL, 0);
    ck_assert_int_eq(chdir(scratch_path("")), 0);
}

static void leave(void)
{
    ck_assert_int_eq(chdir("/"), 0);
    scratch_remove();
}

/* Whether the last run printed this. */
static bool log_says(const char *words)
{
    size_t count = 0;
    char *log = scratch_read("log", &count);
    bool says = strstr(log, words) != NULL;
    free(log);
    return says;
}

static bool same_files(const char *a, const char *b)
{
    size_t n = 0, m = 0;
    char *x = scratch_read(a, &n), *y = scratch_read(b, &m);
    bool same = n == m && memcmp(x, y, n) == 0;
    free(x);
    free(y);
    return same;
}

#define QUIET " --quiet x=x.npy y=y.npy "

START_TEST(statuses_are_0_1_and_2)
{
    static const struct {
        const char *line;
        int status;
    } cases[] = {
        {"--version", 0},
        {"help", 0},
        {"help train", 0},
        {"help trian", 2},
        {"info", 0},
        {"info x=3", 2},
        {"trian", 2},
        {"train --quiet x=x.npy", 2},
        {"train" QUIET "--out r", 0},
        {"train" QUIET "--out r", 2},
        {"train" QUIET "--out r --overwrite", 0},
        {"train" QUIET "--resume none", 2},
        {"train" QUIET "--resume r --out r", 2},
        {"train" QUIET "--resume", 2},
        {"train" QUIET "scale=big", 2},
        {"train" QUIET "scale=inf", 3},
        {"train" QUIET "--batch 9", 2},
        {"train --quiet x=x.npy y=none.npy", 1},
        {"train --quiet x=y.npy y=y.npy", 1},
        {"train --quiet x=x.npy y=y.npy[0:5]", 1},
        {"train predict --quiet x=x.npy", 2},
        {"train valley --quiet target=t.npy", 2},
        {"train valley --quiet target=t.npy --optimizer sgd", 2},
        {"train valley --quiet target=t.npy --optimizer sdg --steps 1", 2},
        {"train valley --quiet target=t.npy --optimizer sgd --epochs 1", 2},
        {"train valley --quiet target=t.npy --optimizer sgd --steps 3", 0},
        {"eval" QUIET "--from r", 0},
        {"eval" QUIET "--from r/latest", 0},
        {"eval" QUIET "--from x.npy", 1},
        {"eval predict --quiet x=x.npy", 2},
        {"run predict --quiet x=x.npy --from r yhat=o.npy image=o.png", 0},
        {"run predict --quiet x=x.npy --from r yhat=o.png", 2},
        {"run predict --quiet x=x.npy --from r yhat=o.txt", 2},
        {"run nowhere --quiet", 2},
        {"train --quiet --data xy --steps 1", 0},
        {"train --quiet --data xy:x --steps 1", 1},
        {"train --quiet --data x.npy --steps 1", 1},
        {"train" QUIET "--data xy --steps 1", 1},
        {"info --from r", 0},
        {"info --from none", 1},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = run(cases[i].line);
        ck_assert_msg(status == cases[i].status, "status %d, not %d: %s", status, cases[i].status,
                      cases[i].line);
    }
}
END_TEST

START_TEST(a_run_that_is_resumed_is_the_whole_run)
{
    ck_assert_int_eq(run("train" QUIET "--out whole --epochs 5 --threads 1"), 0);
    ck_assert_int_eq(run("train" QUIET "--out part --steps 7 --threads 2"), 0);
    ck_assert_int_eq(run("train --quiet --resume part --epochs 5"), 0);
    ck_assert(same_files("whole/latest", "part/latest"));
}
END_TEST

/* However the data are named, and from the file that the configuration remembers. */
START_TEST(data_of_one_file_are_the_data_of_two)
{
    ck_assert_int_eq(run("train" QUIET "--out two --epochs 3"), 0);
    ck_assert_int_eq(run("train --quiet --data xy --out one --steps 4"), 0);
    ck_assert_int_eq(run("train --quiet --resume one --epochs 3"), 0);
    ck_assert(same_files("two/latest", "one/latest"));
}
END_TEST

/* What a resumed run may not change is named. */
START_TEST(a_run_is_not_resumed_as_another)
{
    ck_assert_int_eq(run("train" QUIET "--out r --steps 4"), 0);
    ck_assert_int_eq(run("train --quiet --resume r --seed 1"), 1);
    ck_assert_int_eq(run("train --quiet --resume r --batch 4"), 1);
    ck_assert_int_eq(run("train --quiet --resume r --optimizer sgd"), 1);
    ck_assert_int_eq(run("train --quiet --resume r x=x.npy[0:8] y=y.npy[0:8]"), 1);
    ck_assert_int_eq(run("train --quiet --resume r --steps 5"), 0);
}
END_TEST

/* A step that fails leaves the state before it; gone on with mended, the run is the whole run. */
START_TEST(a_run_survives_a_step_that_fails)
{
    ck_assert_int_eq(run("train" QUIET "--out bad poison=7"), 3);
    ck_assert_int_eq(run("train --quiet --resume bad poison=-1"), 0);
    ck_assert_int_eq(run("train" QUIET "--out good"), 0);
    ck_assert(same_files("bad/latest", "good/latest"));
}
END_TEST

/* SIGTERM in the middle of an epoch: the step is finished, the state kept, the status 128 + 15. */
START_TEST(a_signal_ends_a_run_that_can_be_resumed)
{
    ck_assert_int_eq(run("train" QUIET "--out part stop=4"), 143);
    ck_assert_int_eq(run("info --from part"), 0);
    ck_assert(log_says("step 5, seed 0"));
    ck_assert_int_eq(run("train --quiet --resume part stop=-1"), 0);
    ck_assert_int_eq(run("train" QUIET "--out whole"), 0);
    ck_assert(same_files("part/latest", "whole/latest"));
}
END_TEST

/* What the verbs print, line by line where the words matter to programs. */
START_TEST(reports_say_what_happened)
{
    ck_assert_int_eq(run("train x=x.npy y=y.npy --out r --epochs 2 --threads 1"), 0);
    ck_assert(
        log_says("fit: 20 rows in batches of 8, 4 parameters, adam lr 0.05, seed 0, 1 thread"));
    ck_assert(log_says("warning: no cost of fit reaches left: left as it is"));
    ck_assert(log_says("step=6 epoch=2 cost="));
    ck_assert(log_says("kept in r\n"));
    ck_assert_int_eq(run("train x=x.npy y=y.npy --out bad poison=3"), 3);
    ck_assert(log_says("fake: step 4 (epoch 2, rows 0 to 7 of its order): element 1 of the "
                       "gradient of w is nan"));
    ck_assert_int_eq(run("run predict x=x.npy[0:2] --from r"), 0);
    ck_assert(log_says("image float32 [2, 2, 2]"));
    ck_assert_int_eq(run("run predict x=x.npy[0:2] --from r yhat=o.npy"), 0);
    ck_assert(!log_says("image"));
    ck_assert_int_eq(run("eval x=x.npy y=y.npy z=3"), 2);
    ck_assert(log_says("graph fit has no z; the names it takes are: x, y, scale"));
    ck_assert_int_eq(run("eval x=x.npy"), 2);
    ck_assert(log_says("data y is not given; try y=FILE"));
}
END_TEST

/* Lines of the log after the checkpoint, and half a line, are cut off before the run goes on. */
START_TEST(the_log_continues_from_the_checkpoint)
{
    size_t count = 0;
    ck_assert_int_eq(run("train" QUIET "--out r --epochs 2"), 0);
    char *log = scratch_read("r/metrics.jsonl", &count), spoilt[1000];
    snprintf(spoilt, sizeof spoilt, "%s{\"step\":9,\"cost\":1}\n{\"step\":", log);
    free(log);
    scratch_write("r/metrics.jsonl", spoilt, strlen(spoilt));
    ck_assert_int_eq(run("train --quiet --resume r --epochs 3"), 0);
    log = scratch_read("r/metrics.jsonl", &count);
    int lines = 0;
    for (char *at = log; (at = strstr(at, "\n")); at++)
        lines++;
    ck_assert_int_eq(lines, 3);
    ck_assert_ptr_nonnull(strstr(log, "{\"step\":9,\"epoch\":3,\"split\":\"train\",\"cost\":"));
    free(log);
}
END_TEST

Suite *options_suite(void)
{
    Suite *s = suite_create("options");
    TCase *words = tcase_create("words"), *verbs = tcase_create("verbs");
    tcase_add_test(words, options_and_bindings_are_taken_in_any_order);
    tcase_add_loop_test(words, mistakes_are_named, 0, sizeof bad / sizeof *bad);
    tcase_add_test(words, suggestions_are_near);
    tcase_add_test(words, the_command_line_overrides_the_block);
    tcase_add_checked_fixture(verbs, enter, leave);
    tcase_set_timeout(verbs, 60);
    tcase_add_test(verbs, statuses_are_0_1_and_2);
    tcase_add_test(verbs, a_run_that_is_resumed_is_the_whole_run);
    tcase_add_test(verbs, data_of_one_file_are_the_data_of_two);
    tcase_add_test(verbs, a_run_is_not_resumed_as_another);
    tcase_add_test(verbs, a_run_survives_a_step_that_fails);
    tcase_add_test(verbs, a_signal_ends_a_run_that_can_be_resumed);
    tcase_add_test(verbs, reports_say_what_happened);
    tcase_add_test(verbs, the_log_continues_from_the_checkpoint);
    suite_add_tcase(s, words);
    suite_add_tcase(s, verbs);
    return s;
}
