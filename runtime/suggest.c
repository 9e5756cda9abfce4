/* Levenshtein's distance, one row at a time. */
#include "runtime/suggest.h"

#include <string.h>

enum { LONGEST = 63, NEAR = 2, COMMON = 3 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t edits(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    int64_t row[LONGEST + 1];
    if (n > LONGEST || m > LONGEST)
        return INT64_MAX;
    for (size_t j = 0; j <= m; j++)
        row[j] = (int64_t)j;
    for (size_t i = 1; i <= n; i++) {
        int64_t diagonal = row[0];
        row[0] = (int64_t)i;
        for (size_t j = 1; j <= m; j++) {
            int64_t above = row[j];
            row[j] = least(least(above, row[j - 1]) + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[m];
}

void sgrt_suggest(SgrtSuggestion *s, const char *candidate)
{
    int64_t distance = edits(s->word, candidate);
    int64_t letters = (int64_t)strlen(s->word), most = least(NEAR, letters - 1);
    if (distance > most && (letters < COMMON || strncmp(s->word, candidate, COMMON) != 0))
        return;
    if (s->nearest && distance >= s->distance)
        return;
    s->nearest = candidate;
    s->distance = distance;
}
