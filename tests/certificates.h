/* Certificates in tests: those of the examples, and what their programs compute. */
#ifndef SGC_TESTS_CERTIFICATES_H
#define SGC_TESTS_CERTIFICATES_H

#include "certify/certify.h"
#include "tests/programs.h"

/* The certificates of a small program, and the graphs that they were made of. */
typedef struct Certified {
    Compiled program;
    Fractions *fractions;
    Cert cert;
    IrGraph step;
    bool made; /* cert */
} Certified;

void certify_program(Certified *c, const SmallProgram *p);
/* The same of the first graph of a text; there may be errors. */
void certify_text(Certified *c, const char *text);
void certified_free(Certified *c);

/* With SGC_MUTANTS=FILE every certificate whose number is one of SGC_MUTANTS_STEP is added to that
 * file with the verdict, for the checker that Coq extracted (scripts/prove).  `mistake` says how it
 * was changed; NULL: it is right. */
void certificate_keep(const Cert *c, uint32_t number, bool accepted, const char *mistake);

/* Values for everything that the programs of a certificate read. */
typedef struct CertWorld {
    const int64_t *size;        /* by symbol */
    const double *const *input; /* by input */
    const double *const *draw;  /* by draw */
} CertWorld;

/* All slots of a program, each as an array.  The meaning of the operations is written here as
 * proofs/Op.v has it, sums over index boxes and all. */
double **cert_run(Arena *a, const Cert *c, const CertProgram *p, const CertWorld *w);
/* How many elements a value of this shape has. */
int64_t cert_elements(const CertWorld *w, CertList shape);
/* Random numbers for everything; the sizes are small and all different: 2 and up, or `least` and
 * up. */
CertWorld cert_world(Arena *a, const Cert *c, uint64_t seed);
CertWorld cert_world_from(Arena *a, const Cert *c, int64_t least, uint64_t seed);

#endif
