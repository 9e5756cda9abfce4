/* Runs the suites: all of them, or `--suite NAME`. */
#include "tests/suites.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct SuiteRow {
    const char *name;
    Suite *(*make)(void);
} SuiteRow;

static const SuiteRow suite_row[] = {
#define SUITE(name) {#name, name##_suite},
#include "tests/suites.def"
    {NULL, NULL}};

static int usage(void)
{
    fputs("usage: sgc_tests [--suite NAME]\nsuites:", stderr);
    for (const SuiteRow *s = suite_row; s->name; s++)
        fprintf(stderr, " %s", s->name);
    fputc('\n', stderr);
    return 2;
}

static int run(const char *only)
{
    SRunner *runner = srunner_create(NULL);
    bool found = false;
    for (const SuiteRow *s = suite_row; s->name; s++) {
        if (only && strcmp(s->name, only) != 0)
            continue;
        srunner_add_suite(runner, s->make());
        found = true;
    }
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (!found)
        return usage();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc == 1)
        return run(NULL);
    if (argc == 3 && strcmp(argv[1], "--suite") == 0)
        return run(argv[2]);
    return usage();
}
