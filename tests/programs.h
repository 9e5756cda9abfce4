/* The example programs, with sizes so small that the evaluator is quick. */
#ifndef SGC_TESTS_PROGRAMS_H
#define SGC_TESTS_PROGRAMS_H

#include "frontend/frontend.h"
#include "passes/pass.h"

enum { PROGRAMS = 10, PROGRAM_DIMS = 4 };

typedef struct SmallProgram {
    const char *file; /* examples/<file>.sg */
    int64_t rows;     /* of a batch to evaluate it on; the parts of a batch differ in size */
    FeDim dim[PROGRAM_DIMS];
} SmallProgram;

extern const SmallProgram small_program[PROGRAMS];

/* A program brought to IR_SCHEDULED; entry[i] are those of model.graph[i]. */
typedef struct Compiled {
    Arena *arena;
    Diags *diags;
    char *text;
    IrModel model;
    IrGraph (*entry)[IR_ENTRIES];
} Compiled;

/* Fails the test if there are errors.  The hook may be NULL. */
void program_compile(Compiled *c, const SmallProgram *p, const PassOptions *options,
                     PassHook *hook, void *context);
void program_free(Compiled *c);

#endif
