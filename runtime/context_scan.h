/* Reads the header of a safetensors file in memory, entry by entry, without a tree of it: what is
 * read needs no memory, and nothing that another thread could see. */
#ifndef SGC_RUNTIME_CONTEXT_SCAN_H
#define SGC_RUNTIME_CONTEXT_SCAN_H

#include "runtime/data.h"

/* Longer names and texts are cut, and so are none that is looked for. */
enum { SGRT_MOST_SCANNED = 8192 };

typedef struct SgrtScanned {
    char name[SGRT_MOST_SCANNED];
    SgrtStored stored; /* SGRT_STORED_COUNT: a type that has no values here */
    int64_t rank, dim[SGRT_MOST_AXES];
    int64_t begin, end; /* in the data */
} SgrtScanned;

/* What takes the entries; false stops, with the reason in `e`. */
typedef struct SgrtScanner {
    bool (*tensor)(void *context, const SgrtScanned *t, SgrtError *e);
    bool (*text)(void *context, const char *key, const char *value, SgrtError *e);
    void *context;
} SgrtScanner;

/* `header` is the JSON text alone. */
bool sgrt_scan_header(const char *header, int64_t length, const SgrtScanner *scanner, SgrtError *e);

#endif
