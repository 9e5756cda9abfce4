/* Problems with known answers: closed forms worked out with 40 digits, most of them of
 * estimators.md 5.1, by whose names they go. */
#ifndef SGC_TESTS_LAWS_PROBLEM_H
#define SGC_TESTS_LAWS_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>

enum { PROBLEM_ELEMENTS = 6, PROBLEM_ESTIMATES = 9 };

/* `text` has %s where the estimator stands, once or twice; `param` are the stored elements, in
 * order.  What is biased has the stated mean. */
typedef struct Problem {
    const char *id, *text;
    double param[PROBLEM_ELEMENTS], value, gradient[PROBLEM_ELEMENTS];
    const char *via[PROBLEM_ESTIMATES];
    double variance[PROBLEM_ESTIMATES]; /* of the first element; 0: not stated; -1: none */
    bool of_all;                        /* variances are those of all elements together */
    bool heavy;                         /* uniform noise matters far below 2^-53 */
    double frequency; /* of the costs in a standard cauchy variate; 0: none is read */
} Problem;

extern const Problem problem_list[];
extern const size_t problem_count;

#endif
