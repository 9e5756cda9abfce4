/* The scalar functions that compiled loops inline, under the names of rt.def.
 *
 * This file is compiled twice: into the runtime, and by clang to bitcode that the compiler links
 * into a model and inlines.  The MATH rows that are not here are calls, defined in special.c. */
#include "runtime/kernels.h"

#define REAL_BITS 32
#include "runtime/vmath.h"
#define REAL_BITS 64
#include "runtime/vmath.h"

#ifdef __clang__
#define ALWAYS_INLINE __attribute__((always_inline))
#else
#define ALWAYS_INLINE
#endif

#define KERNEL(name)                                                                               \
    ALWAYS_INLINE float sgrt_##name##_f32(float x)                                                 \
    {                                                                                              \
        return name##_f32(x);                                                                      \
    }                                                                                              \
    ALWAYS_INLINE double sgrt_##name##_f64(double x)                                               \
    {                                                                                              \
        return name##_f64(x);                                                                      \
    }

KERNEL(exp)
KERNEL(expm1)
KERNEL(log)
KERNEL(log1p)
KERNEL(tanh)
KERNEL(sigmoid)
KERNEL(softplus)
KERNEL(sin)
KERNEL(cos)
KERNEL(erf)
