/* Messages to the user: collected while compiling, rendered once at the end.
 *
 * Messages are lower case, without a full stop; they name the thing and both sides of a
 * disagreement.  A message has a code, whose row of diag.def explains it at length; a label, note,
 * help or fix belongs to the message before it. */
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
extern const char *const diag_severity_name[];

typedef enum DiagCode {
#define DIAG(code, ...) code,
#include "ir/diag.def"
    DIAG_CODES
} DiagCode;

/* A row of diag.def; `code` is "SG0203". */
typedef struct DiagInfo {
    const char *code;
    Severity severity;
    const char *title, *why, *wrong, *right;
} DiagInfo;
extern const DiagInfo diag_info[DIAG_CODES];

typedef struct Diags Diags;

/* Errors that are shown to people; and found at most in one run. */
enum { DIAG_LIMIT = 20, DIAG_MOST = 1000 };

typedef enum DiagForm { DIAG_TEXT, DIAG_JSON } DiagForm;

typedef struct DiagStyle {
    DiagForm form; /* JSON: an LSP Diagnostic a line */
    bool color;
    bool no_warnings, warnings_are_errors;
} DiagStyle;

/* file and text are borrowed until diags_free; text may be NULL (no source lines are shown), and so
 * may file: of sgc itself. */
Diags *diags_new(const char *file, const char *text);
void diags_free(Diags *d);
void diags_style(Diags *d, DiagStyle style); /* before the first message */

void diag_error(Diags *d, Span at, DiagCode code, const char *fmt, ...) SGC_PRINTF(4, 5);
void diag_warning(Diags *d, Span at, DiagCode code, const char *fmt, ...) SGC_PRINTF(4, 5);
void diag_remark(Diags *d, Span at, DiagCode code, const char *fmt, ...) SGC_PRINTF(4, 5);
void diag_note(Diags *d, Span at, const char *fmt, ...) SGC_PRINTF(3, 4);
void diag_help(Diags *d, Span at, const char *fmt, ...) SGC_PRINTF(3, 4);
/* What stands after the carets of the latest message. */
void diag_label(Diags *d, const char *fmt, ...) SGC_PRINTF(2, 3);
/* What in the place of `at` repairs the latest message; "" deletes it. */
void diag_fix(Diags *d, Span at, const char *text);

/* A fact about the latest message, for programs: a member of its `data`. */
void diag_fact(Diags *d, const char *key, const char *value);

uint32_t diags_errors(const Diags *d);
bool diags_full(const Diags *d); /* of the most: stop looking for more */
bool diags_has(const Diags *d, DiagCode code);
/* Sorted by place; for people at most DIAG_LIMIT errors, then how many more there are. */
void diags_render(const Diags *d, FILE *out);
char *diags_text(const Diags *d); /* the same in memory, which the caller frees */

#endif
