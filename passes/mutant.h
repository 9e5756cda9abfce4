/* Mistakes on purpose, for tests of the tests: mutant.def.  The compiler itself has none. */
#ifndef SGC_PASSES_MUTANT_H
#define SGC_PASSES_MUTANT_H

#ifdef SGC_MUTANTS
#include "ir/ir.h"

#define MUTANT(id, what) MUTANT_##id,
typedef enum Mutant { NO_MUTANT,
#include "passes/mutant.def"
                      MUTANTS } Mutant;
extern Mutant es_mutant; /* the one that is made now */
#define MUTATED(id) (es_mutant == MUTANT_##id)
/* v, or what the mistake makes of it. */
#define MISTAKEN(id, g, v) (MUTATED(id) ? mistaken_##id(g, v) : (v))
IrRef mistaken_LEFT_OUT(IrGraph *g, IrRef v);
IrRef mistaken_SHORT_SUM(IrGraph *g, IrRef v);
#else
#define MUTATED(id) false
#define MISTAKEN(id, g, v) (v)
#endif

#endif
