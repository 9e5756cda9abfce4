/* Mistakes on purpose, for tests of the tests: mutant.def.  The compiler itself has none. */
#ifndef SGC_PASSES_MUTANT_H
#define SGC_PASSES_MUTANT_H

#ifdef SGC_MUTANTS
#include <stdbool.h>
#define MUTANT(id, what) MUTANT_##id,
typedef enum Mutant { NO_MUTANT,
#include "passes/mutant.def"
                      MUTANTS } Mutant;
extern Mutant es_mutant; /* the one that is made now */
#define MUTATED(id) (es_mutant == MUTANT_##id)
#else
#define MUTATED(id) false
#endif

#endif
