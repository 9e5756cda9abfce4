/* Messages to the user: collected while compiling, rendered once at the end.
 *
 * Messages are lower case, without a full stop; they name the thing and both sides of a
 * disagreement.  A note or help belongs to the message before it. */
#ifndef SGC_IR_DIAG_H
#define SGC_IR_DIAG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#if defined(__GNUC__)
#define SGC_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define SGC_PRINTF(f, a)
#endif

/* A range on one line of a file; line and col are 1-based, in bytes.  line 0: no place. */
typedef struct Span {
    uint32_t line, col, len;
} Span;

typedef enum Severity { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE, DIAG_HELP, DIAG_REMARK } Severity;

typedef struct Diags Diags;

enum { DIAG_LIMIT = 20 }; /* errors reported in one run */

/* file and text are borrowed until diags_free; text may be NULL (no source lines are shown). */
Diags *diags_new(const char *file, const char *text);
void diags_free(Diags *d);

void diag_error(Diags *d, Span at, const char *fmt, ...) SGC_PRINTF(3, 4);
void diag_warning(Diags *d, Span at, const char *fmt, ...) SGC_PRINTF(3, 4);
void diag_note(Diags *d, Span at, const char *fmt, ...) SGC_PRINTF(3, 4);
void diag_help(Diags *d, Span at, const char *fmt, ...) SGC_PRINTF(3, 4);
void diag_remark(Diags *d, Span at, const char *fmt, ...) SGC_PRINTF(3, 4);

uint32_t diags_errors(const Diags *d);
bool diags_full(const Diags *d); /* the limit is reached: stop looking for more */
/* Sorted by place; at most DIAG_LIMIT errors, then how many more there are. */
void diags_render(const Diags *d, FILE *out);

#endif
