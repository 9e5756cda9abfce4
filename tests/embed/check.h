/* What the programs of this folder check with. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
    do                                                                                             \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            exit(1);                                                                               \
        }                                                                                          \
    while (0)

/* The message says `words`. */
#define CHECK_SAYS(message, words)                                                                 \
    do                                                                                             \
        if (!strstr(message, words)) {                                                             \
            fprintf(stderr, "%s:%d: '%s' is not in: %s\n", __FILE__, __LINE__, words, message);    \
            exit(1);                                                                               \
        }                                                                                          \
    while (0)

#endif
