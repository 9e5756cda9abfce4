/* The functions of runtime/kernels.c as LLVM bitcode, embedded when the compiler is built. */
#ifndef SGC_CODEGEN_KERNELS_H
#define SGC_CODEGEN_KERNELS_H

#include <stddef.h>

extern const unsigned char cg_kernels_bc[];
extern const size_t cg_kernels_bc_size;

#endif
