/* How random programs are written: what may be read where, expressions, laws, statements. */
#ifndef SGC_TESTS_LAWS_PROGRAM_WRITER_H
#define SGC_TESTS_LAWS_PROGRAM_WRITER_H

#include "tests/laws/program.h"

enum { NAMES = 64, NAME = 48, SHORT = 16, LAW = 160 };

/* A value that the place being written may read, or which copy of a plate it is; or what was
 * drawn, which may be asked for its density.  REAL_DRAW is on the real line, HEAVY has no moments;
 * PLANE, SIMPLEX, ONE_HOT and COUNTS are events. */
typedef enum Kind {
    REAL,
    COPY,
    NORMAL,
    REAL_DRAW,
    HEAVY,
    ANGLE,
    POSITIVE,
    FRACTION,
    PLANE,
    SIMPLEX,
    BIT,
    CATEGORY,
    COUNT,
    ONE_HOT,
    COUNTS
} Kind;

typedef struct Name {
    char text[NAME];
    Kind kind;
    int elements;  /* of a vector; 0: a number */
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
void begin_line(Writer *w);
Name *know(Writer *w, Kind kind, const char *fmt, ...);
bool is_discrete(Kind kind);

const Name *some_name(Writer *w);
/* A way of reading: the name for "%", the number of its elements for "$", an expression for "?". */
void put_way(Writer *w, const char *way, const Name *n);
void put_expression(Writer *w, int depth);
/* The text of a form, with an expression for each "%". */
void put_form(Writer *w, const char *form, int depth);

/* The text of a law, which the budget pays for. */
typedef struct Drawn {
    Kind kind;
    DrawKind estimators;
    int elements; /* of an event; 0: it is a number */
} Drawn;
typedef Drawn Law(Writer *w);
Law put_bit, put_category, put_normal, put_law;
/* Is there room for so many draws here, of bits, categories or normals? */
bool may_draw(const Writer *w, int many, Law *law);
/* Keeps so many for later; a negative number gives them back. */
void reserve(Writer *w, int many, Law *law);
/* Another law on the space of this kind; false: there is none. */
bool put_rival(Writer *w, Kind kind);

/* Statements, each on a line of its own or more. */
Name put_draw(Writer *w, const char *name, const char *index, Law *law);
void put_vector(Writer *w, const char *name, const char *index, Law *law);
void put_value(Writer *w, const char *name, const char *index);
void put_vector_value(Writer *w, const char *name, const char *index);
void put_cost(Writer *w);
void put_plate(Writer *w, int depth);
void put_bound(Writer *w);
void put_loop(Writer *w, int depth);
void put_rows(Writer *w);
void put_block(Writer *w, int statements, int depth);

#endif
