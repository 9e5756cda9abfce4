#!/usr/bin/env bash
# Every scalar kernel, inlined into a loop, becomes vector code as wide as the machine's registers,
# and calls nothing.
. "$(dirname "$0")/lib.sh"

kernels=$(sed -nE 's/^KERNEL\(([a-z0-9]+)\)$/\1/p' "$SGC_SOURCE_DIR/runtime/kernels.c")
[ "$(wc -w <<<"$kernels")" -ge 10 ] || fail 'the kernels were not found'

# loop REAL SUFFIX: a loop over an array for each kernel, in a file of its own.
loop() {
    for kernel in $kernels; do
        cat >"$kernel.$2.c" <<END
void loop($1 *restrict y, const $1 *restrict x, long n)
{
    for (long i = 0; i < n; i++)
        y[i] = sgrt_${kernel}_$2(x[i]);
}
END
    done
}
loop float f32
loop double f64

# check LEVEL BITS: the widest registers that the level has.
check() {
    for kernel in $kernels; do
        for suffix in f32 f64; do
            status 0 clang-19 -std=c17 -I"$SGC_SOURCE_DIR" -O3 -march="$1" \
                -mprefer-vector-width="$2" -ffp-contract=fast -fno-math-errno \
                -include "$SGC_SOURCE_DIR/runtime/kernels.c" -Rpass=loop-vectorize \
                -c "$kernel.$suffix.c" -o "$kernel.o"
            says "vectorized loop (vectorization width: $(($2 / ${suffix#f})),"
            nm -u "$kernel.o" >undefined
            silent undefined
        done
    done
}
check x86-64-v2 128
check x86-64-v3 256
check x86-64-v4 512
