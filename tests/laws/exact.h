/* What tests of exact expectations share. */
#ifndef SGC_TESTS_LAWS_EXACT_H
#define SGC_TESTS_LAWS_EXACT_H

#include "tests/laws/tape.h"

/* The model; a program that does not compile fails the test. */
TapeModel *compiled(const char *text);
/* Where GRAD `param` starts among the results of the tape; -1: it has none. */
long first_result_of(const IrGraph *g, uint32_t param);
/* Equal to 1e-11; else the test fails. */
void check_near(double got, double want, const char *what, const char *text);

#endif
