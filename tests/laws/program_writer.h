/* How random programs are written: what may be read where, expressions, laws. */
#ifndef SGC_TESTS_LAWS_PROGRAM_WRITER_H
#define SGC_TESTS_LAWS_PROGRAM_WRITER_H

#include "tests/laws/program.h"

enum { NAMES = 64, NAME = 48, SHORT = 16, LAW = 160 };

/* A value that the place being written may read, or which copy of a plate it is; or what was
 * drawn, which may be asked for its density.  REAL_DRAW is continuous, but no normal. */
typedef enum Kind { REAL, COPY, NORMAL, REAL_DRAW, BIT, CATEGORY, COUNT } Kind;

typedef struct Name {
    char text[NAME];
    Kind kind;
    char law[LAW]; /* that it was drawn from; "": no draw, or too long to repeat */
} Name;

typedef struct Writer {
    RandomProgram *out;
    uint64_t random;
    Name name[NAMES];
    size_t names;
    int indent, next, copies;
    int bits, reals; /* copies of draws that may still be made */
    bool rows;       /* there is one already */
} Writer;

int below(Writer *w, int n);
void put(Writer *w, const char *fmt, ...);
Name *know(Writer *w, Kind kind, const char *fmt, ...);

void put_expression(Writer *w, int depth);

/* The text of a law, which the budget pays for. */
typedef Kind Law(Writer *w);
Law put_bit, put_law;
/* Another law on the space of this kind; false: there is none. */
bool put_rival(Writer *w, Kind kind);

#endif
