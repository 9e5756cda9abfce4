/* The spelling that was probably meant: at most two edits away, or one that begins alike. */
#include "frontend/syntax.h"

#include <string.h>

enum { LONGEST = 40, MOST_EDITS = 2, SHARED = 3 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance, one row at a time. */
static unsigned edits(const char *a, const char *b)
{
    unsigned row[LONGEST + 1];
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST)
        return LONGEST;
    for (unsigned j = 0; j <= m; j++)
        row[j] = j;
    for (unsigned i = 1; i <= n; i++) {
        unsigned corner = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= m; j++) {
            unsigned above = row[j];
            row[j] = least(least(above, row[j - 1]) + 1, corner + (a[i - 1] != b[j - 1]));
            corner = above;
        }
    }
    return row[m];
}

void fe_suggest(Suggestion *s, const char *candidate)
{
    unsigned d = edits(s->wanted, candidate);
    size_t len = strlen(s->wanted);
    bool near = d <= MOST_EDITS && d < len && (len > 3 || d < 2);
    bool alike = len >= SHARED && strncmp(s->wanted, candidate, SHARED) == 0 && d < LONGEST / 4;
    if (!near && !alike)
        return;
    if (!s->best || d < s->distance) {
        s->best = candidate;
        s->distance = d;
    }
}
