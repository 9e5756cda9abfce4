/* What a checkpoint says: the tensors of a model and of its training, and the texts beside them. */
#ifndef SGC_RUNTIME_LISTING_H
#define SGC_RUNTIME_LISTING_H

#include "runtime/step.h"
#include "runtime/tensors.h"

enum { SGRT_MOST_TEXTS = 12, SGRT_DIGITS = 24 };

/* Tensors by name; their values are borrowed. */
typedef struct SgrtListing {
    SgrtTensor *tensor; /* owned */
    char **made;        /* owned, with the names that were made up */
    int64_t count, names;
} SgrtListing;

/* The parameters and, unless `t` is NULL, the optimiser's slots and the moving averages. */
bool sgrt_listing_make(SgrtListing *l, const SgrtParams *params, const SgrtStep *t, SgrtError *e);
void sgrt_listing_free(SgrtListing *l);

/* Metadata; numbers keep their digits here. */
typedef struct SgrtMetadata {
    SgrtText text[SGRT_MOST_TEXTS];
    char digits[SGRT_MOST_TEXTS][SGRT_DIGITS];
    int64_t count;
} SgrtMetadata;

void sgrt_say(SgrtMetadata *m, const char *key, const char *value);
void sgrt_say_count(SgrtMetadata *m, const char *key, int64_t value);
void sgrt_describe_model(SgrtMetadata *m, const SgrtModel *model);
void sgrt_describe_training(SgrtMetadata *m, const SgrtStep *t);

#endif
