/* What a mistake makes of a gradient. */
#ifndef SGC_TESTS_MUTANTS_FACTOR_H
#define SGC_TESTS_MUTANTS_FACTOR_H

/* Prints a line for each known one, and returns how many are another. */
int factors_print(void);

#endif
