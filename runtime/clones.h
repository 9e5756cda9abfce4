/* SGRT_CLONES: a function compiled for several levels of x86-64, the best chosen at program start.
 *
 * The files that use it are compiled with -ffp-contract=off (CMakeLists.txt): without fused
 * multiply-add, every level and every machine gives the same bits.  The choice is made before
 * ThreadSanitizer is ready for it. */
#ifndef SGC_RUNTIME_CLONES_H
#define SGC_RUNTIME_CLONES_H

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1 /* as GCC has it */
#endif
#endif

#if defined(__x86_64__) && defined(__linux__) && !defined(__AVX512F__) &&                          \
    !defined(__SANITIZE_THREAD__)
#define SGRT_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define SGRT_CLONES
#endif

#endif
