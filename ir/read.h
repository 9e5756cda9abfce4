/* The cursor over a text, and the words it reads; for ir/parse.c. */
#ifndef SGC_IR_READ_H
#define SGC_IR_READ_H

#include "ir/text.h"

typedef struct Reader {
    Arena *arena;
    Diags *d;
    const char *at, *line_start;
    uint32_t line;
    IrModel *m;
    IrGraph *g;     /* the graph that is open, or NULL */
    IrPlaces place; /* of g */
    bool broken;    /* g has a line with a mistake: it is not verified */
} Reader;

Span ir_read_place(const Reader *r); /* of the cursor */
/* Reports at the cursor; returns false. */
bool ir_read_fail(Reader *r, const char *fmt, ...) SGC_PRINTF(2, 3);

void ir_skip_blanks(Reader *r);
bool ir_line_ends(Reader *r);
size_t ir_name_length(Reader *r); /* of the bare word at the cursor; 0: there is none */

bool ir_accept(Reader *r, char c);
bool ir_expect(Reader *r, char c);
bool ir_accept_word(Reader *r, const char *word);
bool ir_expect_word(Reader *r, const char *word);
bool ir_accept_key(Reader *r, const char *key); /* `key=` */
bool ir_expect_key(Reader *r, const char *key);

/* One of the words of a table; `what` names the table. */
bool ir_read_choice(Reader *r, const char *what, const char *const *table, size_t count,
                    unsigned *out);
bool ir_read_int(Reader *r, int64_t *out);
bool ir_read_bounded(Reader *r, int64_t low, int64_t high, int64_t *out);
bool ir_read_u32(Reader *r, uint32_t *out);
bool ir_read_i32(Reader *r, int32_t *out);
bool ir_read_number(Reader *r, double *out);
bool ir_read_ref(Reader *r, IrRef *out);          /* %12 */
bool ir_read_string(Reader *r, const char **out); /* "..." */
bool ir_read_name(Reader *r, const char **out);   /* a bare word or a string */
bool ir_read_span(Reader *r, Span *out);          /* @line:col+len, or nothing */

/* The name of thing i of a kind that `what` says, or NULL after the last. */
typedef const char *IrNameOf(const Reader *r, unsigned what, uint32_t i);
/* `name`, `name#2` or `#2`: the number decides where there is one, else the first of that name. */
bool ir_read_position(Reader *r, const char *noun, IrNameOf *name_of, unsigned what, uint32_t *out);
bool ir_read_plate(Reader *r, uint32_t *out);
bool ir_read_plates(Reader *r, IrPlates *out);
/* real[n, k; 784, 500]; plates are known inside a graph only. */
bool ir_read_type(Reader *r, IrType *t);

/* The line of a node of the open graph. */
bool ir_parse_node(Reader *r);

#endif
