/* The command line of a model's executable: a verb, options, and words NAME=VALUE. */
#ifndef SGC_RUNTIME_OPTIONS_H
#define SGC_RUNTIME_OPTIONS_H

#include "runtime/error.h"

#include <stdint.h>
#include <stdio.h>

typedef enum SgrtVerb {
#define VERB(id, name, usage, help) SGRT_VERB_##id,
#include "runtime/verbs.def"
    SGRT_VERB_COUNT
} SgrtVerb;

typedef struct SgrtBinding {
    const char *name, *value;
} SgrtBinding;

typedef struct SgrtList {
    const char **text; /* owned */
    int64_t count, room;
} SgrtList;

typedef struct SgrtOptions {
    const char *program; /* the last part of argv[0] */
    char **argv;         /* borrowed: [argc] */
    int argc;
    SgrtVerb verb;
    const char *graph; /* NULL if not given */
    SgrtBinding *binding;
    int64_t bindings, binding_room;
    char *words; /* owned: the names in binding */
#define FIELD_INTEGER int64_t
#define FIELD_REAL double
#define FIELD_TEXT const char *
#define FIELD_FLAG bool
#define FIELD_LIST SgrtList
#define OPTION(field, kind, low, verbs, argument, help) FIELD_##kind field;
#include "runtime/options.def"
#undef FIELD_INTEGER
#undef FIELD_REAL
#undef FIELD_TEXT
#undef FIELD_FLAG
#undef FIELD_LIST
} SgrtOptions;

/* The verb named, or SGRT_VERB_COUNT. */
SgrtVerb sgrt_verb_find(const char *name);
const char *sgrt_verb_name(SgrtVerb verb);

/* Parses argv[2] and on for a verb.  The options point into argv. */
bool sgrt_options_parse(SgrtOptions *o, SgrtVerb verb, int argc, char **argv, SgrtError *e);
void sgrt_options_free(SgrtOptions *o);

/* Whether the verb has an option with this field's name. */
bool sgrt_options_has(const SgrtOptions *o, const char *field);

/* Sets an option by its field's name, or binds a name, unless the command line did so: how the
 * configuration of an earlier run comes in.  A list takes one text more.  The texts must outlive
 * the options. */
bool sgrt_options_fill(SgrtOptions *o, const char *field, const char *value, SgrtError *e);
bool sgrt_options_bind(SgrtOptions *o, const char *name, const char *value, SgrtError *e);

void sgrt_options_help(FILE *out, SgrtVerb verb);

bool sgrt_parse_integer(const char *text, int64_t *value);
bool sgrt_parse_real(const char *text, double *value);

#endif
