#include "tests/laws/program_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

int random_below(uint64_t *state, int n)
{
    return (int)(random_next(state) % (uint64_t)n);
}

/* One in four may have two continuous draws, and one bit; one in four has many bits. */
void random_program(RandomProgram *p, uint64_t seed)
{
    *p = (RandomProgram){.seed = seed};
    Writer w = {.out = p,
                .random = seed,
                .indent = 1,
                .copies = 1,
                .bits = seed % 4 == 0   ? 1
                        : seed % 4 == 1 ? 7
                                        : 4,
                .reals = 1 + (seed % 4 == 0)};
    put(&w, "graph g%" PRIu64 " {\n", seed);
    know(&w, REAL, "a");
    know(&w, REAL, "b");
    if (below(&w, 4) == 0) {
        put(&w, "  data y\n");
        know(&w, REAL, "y");
    }
    put_draw(&w, "v", "", put_law);
    put_block(&w, 4 + below(&w, 3), 2);
    put_cost(&w);
    put(&w, "}\n");
}

/* Of "#means#draws#" one side. */
static const char *take_side(const char *c, bool draws, char *out, size_t size, size_t *at)
{
    const char *middle = strchr(c + 1, '#'), *end = strchr(middle + 1, '#');
    const char *from = draws ? middle + 1 : c + 1, *to = draws ? end : middle;
    *at += (size_t)snprintf(out + *at, size - *at, "%.*s", (int)(to - from), from);
    return end;
}

void random_program_text(const RandomProgram *p, const char *const *via, bool means, char *out,
                         size_t size)
{
    size_t at = 0;
    for (const char *c = p->text; *c && at + 1 < size; c++) {
        if (*c == '#') {
            c = take_side(c, !means, out, size, &at);
            continue;
        }
        if (*c != '@' || c[1] < '0' || c[1] > '9') { /* a product of matrices */
            out[at++] = *c;
            continue;
        }
        char *end;
        const char *e = via[strtoul(c + 1, &end, 10)];
        at += (size_t)snprintf(out + at, size - at, "%s%s", e ? "via " : "", e ? e : "");
        c = end - 1;
    }
    out[at] = 0;
}
