/* What the verbs tell the user on the error stream. */
#ifndef SGC_RUNTIME_SAY_H
#define SGC_RUNTIME_SAY_H

#include "runtime/options.h"

/* Exit statuses; a verb that a signal ended returns 128 and the signal's number. */
enum { SGRT_OK = 0, SGRT_FAILED = 1, SGRT_USAGE = 2, SGRT_NONFINITE = 3 };

/* Prints "PROGRAM: TEXT" and returns `status`, or SGRT_NONFINITE where that is why it failed. */
int sgrt_say_error(const SgrtOptions *o, int status, const SgrtError *e);

/* "PROGRAM: warning: ..."; notes are silenced by --quiet. */
void sgrt_say_warning(const SgrtOptions *o, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void sgrt_say_note(const SgrtOptions *o, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "PROGRAM: note: WHAT: COMMAND", the command as a shell takes it. */
void sgrt_say_command(const SgrtOptions *o, const char *what, const char *const *word,
                      size_t words);

/* "1 314 584": thousands apart, for people.  Returns `out`, which holds 32 bytes. */
char *sgrt_digits(char *out, int64_t n);

#endif
