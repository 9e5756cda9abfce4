/* The parts of a Coq file that several of its definitions share. */
#ifndef SGC_CERTIFY_COQ_H
#define SGC_CERTIFY_COQ_H

#include "certify/certify.h"

#include <stdio.h>

/* A list of numbers, and a number of a fraction, after a space. */
void coq_list(FILE *out, CertList list);
void coq_number(FILE *out, const char *digits);
/* Text inside a comment: what could end it, or open a string in it, is left out. */
void coq_text(FILE *out, const char *text);
void coq_place(FILE *out, const Cert *c, Span at);

/* The operations of the three programs of a certificate. */
typedef struct CoqOps CoqOps;

/* Defines those that occur several times. */
const CoqOps *coq_ops(FILE *out, const Cert *c, Arena *a);
/* Defines `name`, a program of the certificate, in parts: what is nested deeply Coq reads slowly. */
void coq_program(FILE *out, const CoqOps *ops, const CertProgram *p, const char *name);

#endif
