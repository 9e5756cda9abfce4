/* Random programs of the language, to hold the estimators against what nobody thought of. */
#ifndef SGC_TESTS_LAWS_PROGRAM_H
#define SGC_TESTS_LAWS_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROGRAM_TEXT = 8192, PROGRAM_DRAWS = 16 };

/* What estimators a draw may be asked for: those of finite values and of any counts; those of a
 * transport, which is differentiated or not, or moves the support. */
typedef enum DrawKind {
    DRAW_FINITE,
    DRAW_COUNT,
    DRAW_PATHWISE,
    DRAW_IMPLICIT,
    DRAW_MOVING
} DrawKind;

/* A graph, named after its seed, with a few draws in plates, sequences, rows and each other's
 * arguments.  Its text has "@0", "@1", ... where the estimator of each draw is to stand, and
 * "#means#draws#" where a cost may be written in two ways. */
typedef struct RandomProgram {
    uint64_t seed;
    char text[PROGRAM_TEXT];
    size_t draws;
    DrawKind kind[PROGRAM_DRAWS];
    bool bound[PROGRAM_DRAWS]; /* a sample of a bound */
} RandomProgram;

/* SplitMix64 (Steele, Lea & Flood, 2014). */
uint64_t random_next(uint64_t *state);
int random_below(uint64_t *state, int n);

/* What stands before the graphs of a file. */
#define RANDOM_PARAMS "param a = ones()\nparam b = ones()\nparam w[3] = ones()\n"

void random_program(RandomProgram *p, uint64_t seed);
/* The graph with via[i], or nothing where it is NULL, in the place of "@i"; with `means`,
 * divergences and entropies are written as such, else by log-densities of draws. */
void random_program_text(const RandomProgram *p, const char *const *via, bool means, char *out,
                         size_t size);

#endif
