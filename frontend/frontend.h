/* Text to checked source graphs. */
#ifndef SGC_FRONTEND_FRONTEND_H
#define SGC_FRONTEND_FRONTEND_H

#include "ir/ir.h"

/* `sgc --dim name=value` */
typedef struct FeDim {
    const char *name;
    int64_t value;
} FeDim;

/* Parses and checks one .sg file.  m is filled with source graphs (stage IR_SOURCE).  False: errors
 * were reported in d; m must not be used. text must stay valid as long as m. */
bool fe_compile(IrModel *m, const char *file, const char *text, const FeDim *dim, size_t dims,
                Diags *d);

/* The program as `sgc fmt` writes it.  False: it cannot be parsed, which was reported in d. */
bool fe_format(const char *text, Diags *d, FILE *out);

/* Lists that end in NULL. */
typedef enum FeWords { FE_STATEMENTS, FE_KEYWORDS, FE_FUNCTIONS, FE_INITIAL } FeWords;
const char *const *fe_words(FeWords kind);

/* The closest of the names offered one by one: within two edits, or sharing a beginning. */
typedef struct Suggestion {
    const char *wanted, *best;
    unsigned distance;
} Suggestion;
void fe_suggest(Suggestion *s, const char *candidate);

#endif
