#!/usr/bin/env bash
# Three steps of every example under Valgrind, compiled for a CPU that Valgrind knows.
. "$(dirname "$0")/lib.sh"

if [ "${SGC_SANITIZED:-OFF}" = ON ]; then
    echo 'the sanitizers watch the same code'
    exit 77
fi
command -v valgrind >/dev/null || fail 'no valgrind'

status 0 sgc "$SGC_SOURCE_DIR/tests/run/data.sg" -o data --dim rows=40
for graph in gmm logistic ppca; do
    outputs=(x="$graph.npy")
    [ $graph != logistic ] || outputs+=(y=labels.npy)
    status 0 ./data run $graph --rows 40 "${outputs[@]}"
done
status 0 ./data run hmm --rows 40 y=hmm.npy
status 0 ./data run bandit payoff=bandit.npy
status 0 digits 40 1 digits.idx digits.labels

# watched MODEL DIMS DATA...: DIMS are the sizes that keep three steps short.
watched() {
    local model=$1 sizes=() size
    for size in $2; do
        sizes+=(--dim "$size")
    done
    shift 2
    status 0 sgc "$examples/$model.sg" --cpu x86-64-v3 "${sizes[@]}" -o "$model"
    status 0 valgrind --quiet --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite \
        "./$model" train "$@" --steps 3 --threads 2 --out "$model.run" --quiet
    status 0 valgrind --quiet --error-exitcode=9 "./$model" eval "$@" --from "$model.run" --quiet
}

watched bandit '' payoff=bandit.npy
watched gmm batch=17 x=gmm.npy
watched hmm batch=17 y=hmm.npy
watched logistic batch=17 x=logistic.npy y=labels.npy
watched ppca batch=17 x=ppca.npy
watched mlp 'batch=17 hidden=20' x=digits.idx y=digits.labels
watched vae 'batch=17 hidden=20 latent=3' x=digits.idx
watched certigrad_aevb 'batch=17 encoder=20 decoder=24 latent=3' x=digits.idx
watched iwae 'batch=17 hidden=20 latent=3' x=digits.idx
watched sbn 'batch=17 latent=9' x=digits.idx

# A model inside a program: every call of the header.
status 0 sgc "$SGC_SOURCE_DIR/tests/embed/line.sg" --cpu x86-64-v3 --parts 2 --emit=lib
status 0 cc -std=gnu11 -g -I. "-I$SGC_SOURCE_DIR/tests/embed" "$SGC_SOURCE_DIR/tests/embed/calls.c" \
    libline.a -lm -pthread -o calls
status 0 valgrind --quiet --error-exitcode=9 --leak-check=full ./calls
silent err
