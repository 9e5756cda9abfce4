/* The test suites, by the rows of suites.def. */
#ifndef SGC_TESTS_SUITES_H
#define SGC_TESTS_SUITES_H

#include <check.h>

#define SUITE(name) Suite *name##_suite(void);
#include "tests/suites.def"

#endif
