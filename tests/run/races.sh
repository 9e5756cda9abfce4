#!/usr/bin/env bash
# Eight contexts of two models on eight threads, some with threads of their own, under
# ThreadSanitizer, which also sees the code of the models: tests/embed/threads.c.
. "$(dirname "$0")/lib.sh"

if [ "${SGC_SANITIZED:-OFF}" = ON ]; then
    echo 'sanitizers exclude each other'
    exit 77
fi

# The runtime, as far as a context uses it.
compile=(clang-19 -std=c17 -D_GNU_SOURCE -fPIC -O1 -g -fsanitize=thread "-I$SGC_SOURCE_DIR")
openblas=$(sed -n 's/^OPENBLAS_SERIAL_INCLUDE_DIR:PATH=//p' "$SGC_BINARY_DIR/CMakeCache.txt")
mkdir runtime
printf '%s\n' "$SGC_SOURCE_DIR"/runtime/*.c | grep -Ev '/(verb_[a-z]*|config|start|main|kernels)\.c$' |
    xargs -P 2 -I{} sh -c 'out=runtime/$(basename "$1" .c).o; shift; "$@" -o "$out"' \
        compile {} "${compile[@]}" -isystem "$openblas" -c {}
ar rcs libruntime.a runtime/*.o

calls=$(sed -nE 's/^CONTEXT_CALL\(([a-z]+),.*/\1/p' "$SGC_SOURCE_DIR/runtime/context.def")

# model NAME SGC-ARGUMENTS: NAME.o, in which only the model's functions are seen, and NAME.h.  Vectors
# are short, since the sanitizer does not look at longer ones.
model() {
    local name=$1 call
    local -a wanted=() kept=()
    shift
    status 0 sgc "$@" --parts 2 --cpu x86-64 --emit=header,llvm
    sed -E 's/^(attributes #[0-9]+ = \{)/\1 sanitize_thread/' "$name.ll" >instrumented.ll
    status 0 clang-19 -w -O1 -g -fPIC -fsanitize=thread -c instrumented.ll -o code.o
    for call in $calls; do
        wanted+=("--undefined=sgrt_context_$call")
        kept+=("--redefine-sym=sgrt_context_$call=${name}_$call" "--keep-global-symbol=${name}_$call")
    done
    status 0 ld -r --force-group-allocation -o "$name.o" "${wanted[@]}" code.o libruntime.a \
        "$SGC_BINARY_DIR/lib/libsgrt_openblas.a"
    status 0 objcopy "${kept[@]}" "$name.o"
}

model line "$SGC_SOURCE_DIR/tests/embed/line.sg"
model vae "$examples/vae.sg" --dim hidden=24 --dim latent=4 --dim batch=16
status 0 clang-19 -g -O1 -fsanitize=thread -I. "-I$SGC_SOURCE_DIR/tests/embed" \
    "$SGC_SOURCE_DIR/tests/embed/threads.c" line.o vae.o -lm -pthread -o threads
export TSAN_OPTIONS='halt_on_error=1 exitcode=66'
status 0 ./threads
silent err

status 66 ./threads share
says 'data race'
