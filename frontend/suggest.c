/* The spelling that was probably meant: at most two edits away, or one that begins alike. */
#include "frontend/syntax.h"

#include <string.h>

enum { LONGEST = 40, MOST_EDITS = 2, SHARED = 3 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, replacements and exchanges of two neighbours (optimal string alignment).
 */
static unsigned edits(const char *a, const char *b)
{
    unsigned d[LONGEST + 1][LONGEST + 1];
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST)
        return LONGEST;
    for (unsigned i = 0; i <= n; i++)
        for (unsigned j = 0; j <= m; j++) {
            d[i][j] = i ? i : j;
            if (i == 0 || j == 0)
                continue;
            unsigned replaced = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1, replaced);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[n][m];
}

void fe_suggest(Suggestion *s, const char *candidate)
{
    unsigned d = edits(s->wanted, candidate);
    size_t len = strlen(s->wanted);
    bool near = d <= MOST_EDITS && d < len && (len > 5 || d < 2);
    bool alike = len >= SHARED && strncmp(s->wanted, candidate, SHARED) == 0 && d < LONGEST / 4;
    if (!near && !alike)
        return;
    if (!s->best || d < s->distance) {
        s->best = candidate;
        s->distance = d;
    }
}
