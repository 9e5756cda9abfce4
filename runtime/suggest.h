/* "did you mean": the candidate nearest to a misspelt word. */
#ifndef SGC_RUNTIME_SUGGEST_H
#define SGC_RUNTIME_SUGGEST_H

#include <stdint.h>

typedef struct SgrtSuggestion {
    const char *word;    /* what the user wrote */
    const char *nearest; /* NULL while no candidate is near */
    int64_t distance;
} SgrtSuggestion;

/* Near is within two edits that leave a letter of the word, or a common beginning of three. */
void sgrt_suggest(SgrtSuggestion *s, const char *candidate);

#endif
