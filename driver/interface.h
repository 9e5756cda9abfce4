/* What a program sees of a model that is a library: names, shapes and types, in the order in which
 * calls take them.  The header and the manifest are printed from it. */
#ifndef SGC_DRIVER_INTERFACE_H
#define SGC_DRIVER_INTERFACE_H

#include "driver/driver.h"

/* A thing with a name; `id` is the name as an identifier of C, different from its neighbours'. */
typedef struct Array {
    const char *name, *id;
    IrElem elem;
    const int64_t *dim; /* with the copies of plates; without rows */
    uint32_t rank;
    bool by_rows;
    IrConstraint in;
    double lo, hi;
} Array;

typedef struct Site {
    const char *name;
    bool normal, by_rows;
    int64_t size;
} Site;

typedef struct EntryInterface {
    bool exists;
    Site *site;
    uint32_t sites;
} EntryInterface;

/* A decision, and the place of what it is about. */
typedef struct Decision {
    const char *place;
    const IrDecision *what;
    Array draw; /* the shape of the draw, if it is about one */
} Decision;

typedef struct GraphInterface {
    const char *name, *id;
    int64_t batch; /* most rows of a call; 0: no rows */
    bool biased;   /* an estimator was accepted as such */
    Array *data, *output;
    uint32_t datas, outputs;
    const char **cost; /* labels */
    uint32_t costs;
    EntryInterface entry[IR_ENTRIES];
    Decision *decision;
    uint32_t decisions;
} GraphInterface;

typedef struct HyperInterface {
    const char *name, *id;
    double value;
} HyperInterface;

typedef struct Interface {
    const char *name, *file; /* name: an identifier */
    const char *hash, *sum, *version; /* sum: the SHA-256 of the text that was read */
    const char *cpu, *llvm; /* what the code is made for, and by */
    const char *blas;       /* that is linked; NULL: none */
    bool is_double;
    Array *param;
    uint32_t params;
    HyperInterface *hyper;
    uint32_t hypers;
    GraphInterface *graph;
    uint32_t graphs;
    const IrTrain *train; /* borrowed */
    uint32_t trains;
    const char *manifest; /* JSON */
    uint64_t number;      /* differs where a header of another build would call wrongly */
} Interface;

/* `text`: that was read; `hash`: of it and of the options. */
Interface *interface_of(const Program *p, const Options *o, const char *text, const char *hash,
                        Arena *a);

/* An identifier of C and of C++ for a name. */
const char *interface_identifier(const char *name, Arena *a);
const char *interface_capitals(const char *id, Arena *a);

/* Without what changes no call: places, decisions, the build, unless it is `whole`. */
const char *interface_manifest(const Interface *i, bool whole, Arena *a);
bool write_header(const Interface *i, const char *path, Arena *a);

/* The dtypes of numpy, and the types of C. */
const char *interface_dtype(const Interface *i, IrElem e);
const char *interface_c_type(const Interface *i, IrElem e);
/* "[0, 1]", "positive"; "" if any value will do. */
const char *interface_range(const Array *x, Arena *a);

#endif
