/* The serial OpenBLAS, called by many threads. */
#ifndef SGC_RUNTIME_BLAS_H
#define SGC_RUNTIME_BLAS_H

/* Called before threads start; what calls BLAS from one thread needs it not. */
void sgrt_blas_share(void);

#endif
