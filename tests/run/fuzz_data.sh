#!/usr/bin/env bash
# Damaged data files, checkpoints and run folders: each ends within 10 seconds in success or in a
# message, with a status from 0 to 3, and no sanitizer has anything to say.  MUTANTS says how many,
# SEED which.
. "$(dirname "$0")/lib.sh"

mutants=${MUTANTS:-250}
first=${SEED:-1}
# A finding has a status of its own; memory that is not there is an error of the reader's.
export ASAN_OPTIONS=exitcode=99:allocator_may_return_null=1:max_allocation_size_mb=1024:detect_leaks=1
export UBSAN_OPTIONS=print_stacktrace=1

cat >m.sg <<'END2'
param w[4] = normal(0.5)
param b = zeros()
graph g {
  plate n = rows(4) {
    data x[4] in [0, 1]
    data y int
    k ~ bernoulli(logits = sum(w * x) + b) via score(baseline = moving_average)
    cost square(k - y) + 0.1 * sum(square(w))
  }
}
graph p {
  plate n = rows(4) {
    data x[4] in [0, 1]
    data y int
    output o = x
    output q = y
  }
}
train g { optimizer = adam(lr = 0.01)  epochs = 2 }
END2
status 0 sgc m.sg -o m
mkdir whole
status 0 ./m run p x=random:1 y=random:2 --rows 6 o=whole/x.npy q=whole/y.npy
status 0 ./m run p x=random:1 y=random:2 --rows 6 o=whole/x.csv q=whole/y.csv
status 0 ./m run p x=random:1 y=random:2 --rows 6 o=whole/x.safetensors q=whole/y.safetensors
mv whole/x.safetensors whole/o.safetensors # its tensor is `o`
base64 -d >whole/xy.npz <<'END2'
UEsDBC0AAAAIAAAAIQBnJSQG//////////8FABQAeC5ucHkBABAA4AAAAAAAAACSAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GmY6CiaaOgq1CmQDLgYgWL1Ky3b1qlW2QKYdkG0XGhpqx8DQAKSnAvmrgOwDQPZVIPsVkM1gv3oVl31oqKg9A4MCkK0FZJsC2Q5AtheQHQpkJwDZWUB2qT0AUEsDBC0AAAAIAAAAIQBwrjY6//////////8FABQAeS5ucHkBABAAsAAAAAAAAABUAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TaaGuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GmY6mjoKtQoUAC4GKGCE0kxQmhlKs0BpVigNAFBLAQItAy0AAAAIAAAAIQBnJSQGkgAAAOAAAAAFAAAAAAAAAAAAAACAAQAAAAB4Lm5weVBLAQItAy0AAAAIAAAAIQBwrjY6VAAAALAAAAAFAAAAAAAAAAAAAACAAckAAAB5Lm5weVBLBQYAAAAAAgACAGYAAABUAQAAAAA=
END2
echo '{"x": [[0, 0.5, 1, 0.25], [1, 1, 0, 0.125]], "y": [0, 1]}' >whole/xy.json
status 0 digits 3 1 whole/images
gzip -c whole/images >whole/images.gz
gzip -c whole/x.npy >whole/x.npy.gz
gzip -c whole/xy.json >whole/xy.json.gz
status 0 ./m train x=whole/x.npy y=whole/y.npy --quiet --save-every 1 --steps 3 --out whole/run
status 0 ./m eval x=whole/x.npy y=whole/y.npy --from whole/run

# What must run on whole files, and end well on damaged ones: FILE COMMAND, where @ is the file.
cases=(
    'x.npy        ./m eval x=@ y=whole/y.npy --from whole/run'
    'y.npy        ./m eval x=whole/x.npy y=@ --from whole/run'
    'x.npy.gz     ./m eval x=@ y=whole/y.npy --from whole/run'
    'x.csv        ./m eval x=@ y=whole/y.csv --from whole/run'
    'xy.npz       ./m eval --data @ --from whole/run'
    'xy.npz       ./m run p x=@:x y=@:y o=out.npy'
    'xy.json      ./m eval x=@ y=@ --from whole/run'
    'xy.json.gz   ./m eval --data @ --from whole/run'
    'o.safetensors ./m eval x=@:o y=whole/y.csv --from whole/run'
    'run/latest   ./m eval x=whole/x.npy y=whole/y.npy --from @'
    'run/latest   ./m info --from @'
)
for case in "${cases[@]}"; do
    read -r file command <<<"$case"
    status 0 ${command//@/whole/$file}
done
cases+=(
    'images       ./m eval x=@ y=whole/y.npy'
    'images.gz    ./m eval x=@ y=whole/y.npy'
    'run/latest   resume latest'
    'run/config.json   resume config.json'
    'run/metrics.jsonl resume metrics.jsonl'
    'run/config.json   ./m eval --config @'
)

# resume NAME: goes on with a run of which one file is damaged.
resume() {
    rm -rf damaged
    cp -r whole/run damaged
    rm "damaged/$1"
    cp mutant "damaged/$1"
    timeout 10 ./m train --quiet --resume damaged --steps 4
}

for ((i = 0; i < mutants; i++)); do
    seed=$((first * 1000000 + i))
    read -r file command <<<"${cases[i % ${#cases[@]}]}"
    mutate $seed "whole/$file" mutant
    code=0
    case $command in
    resume*) $command ;;
    *) timeout 10 ${command//@/mutant} --quiet ;;
    esac >out 2>err || code=$?
    if [ $code -gt 3 ] || grep -qE 'Sanitizer|runtime error' err || { [ $code -ne 0 ] && [ ! -s err ]; }; then
        cat err >&2
        fail "status $code: mutate $seed $file; $command"
    fi
done
echo "$mutants mutants of data files, checkpoints and runs"
