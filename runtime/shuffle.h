/* The order of the rows of an epoch. */
#ifndef SGC_RUNTIME_SHUFFLE_H
#define SGC_RUNTIME_SHUFFLE_H

#include <stdint.h>

/* Fills order[0, rows) with a uniformly random permutation that depends on the seed, the epoch and
 * the number of rows alone. */
void sgrt_shuffle(uint32_t *order, int64_t rows, int64_t seed, int64_t epoch);

#endif
