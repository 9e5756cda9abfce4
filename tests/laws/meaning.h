/* A pass keeps the meaning: for watching a compilation. */
#ifndef SGC_TESTS_LAWS_MEANING_H
#define SGC_TESTS_LAWS_MEANING_H

#include "passes/pass.h"

typedef struct Roots {
    double *value;
    size_t count;
} Roots;

/* The context of meaning_watch. */
typedef struct Watcher {
    const char *name;  /* of the program, in failures */
    int64_t rows;      /* that it is evaluated on */
    const char *graph; /* the one that is compiled now */
    Arena *arena;
    Roots before[IR_ENTRIES];
    size_t compared;
} Watcher;

/* Fails the test if a root has another value than after the pass before. */
PassHook meaning_watch;

#endif
