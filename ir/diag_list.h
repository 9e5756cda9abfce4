/* The collected messages, as diag.c keeps them and diag_text.c and diag_json.c show them. */
#ifndef SGC_IR_DIAG_LIST_H
#define SGC_IR_DIAG_LIST_H

#include "ir/arena.h"
#include "ir/diag.h"

typedef struct Message {
    Severity severity;
    DiagCode code; /* DIAG_CODES: none, of notes and helps */
    Span at;
    const char *text;
    const char *label; /* NULL: none */
    const char *fix;   /* NULL: none */
    Span fix_at;
    const char *(*fact)[2]; /* key, value */
    uint32_t facts;
    uint32_t group; /* the place in the order of reporting of the message it belongs to */
} Message;

struct Diags {
    Arena *arena;
    const char *file, *text;
    Message *message;
    uint32_t count, errors, groups;
    DiagStyle style;
};

/* The line of the text, which ends at \n, \r or 0; NULL if there is none. */
const char *diag_line(const Diags *d, uint32_t line);

/* One message and what belongs to it, m[1] to m[count - 1]. */
void diag_show_text(const Diags *d, const Message *m, uint32_t count, FILE *out);
void diag_show_json(const Diags *d, const Message *m, uint32_t count, FILE *out);

#endif
