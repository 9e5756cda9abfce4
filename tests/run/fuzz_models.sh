#!/usr/bin/env bash
# Damaged programs, dumps and certificates: each ends within 10 seconds in success or in messages, with a status
# from 0 to 2, and no sanitizer has anything to say.  MUTANTS says how many, SEED which.
. "$(dirname "$0")/lib.sh"

mutants=${MUTANTS:-250}
first=${SEED:-1}
export ASAN_OPTIONS=exitcode=99:allocator_may_return_null=1:detect_leaks=1
export UBSAN_OPTIONS=print_stacktrace=1

# Whole files: programs, dumps of every stage, and certificates.
mkdir whole whole/rules whole/source whole/certificates
cp "$examples"/*.sg whole
cp "$SGC_SOURCE_DIR"/tests/accept/*.sg whole/rules
cp "$SGC_SOURCE_DIR"/tests/source/*.sg whole/source
for model in bandit gmm hmm sbn vae; do
    for stage in frontend stable estimate dce fuse plan; do
        status 0 sgc whole/$model.sg --stop-after=$stage --emit=ir -o whole/$model.$stage.sgir
    done
done
cp "$SGC_SOURCE_DIR"/tests/certificates/*.sgcert whole/certificates
mapfile -t files < <(find whole -type f | LC_ALL=C sort)

# What is done with a mutant, in turn: read, checked, compiled.
ways=('check' 'check --remarks=json --diagnostics=json' 'build --emit=ir -o /dev/null' 'build --emit=dot,json,sg -o made'
    'build -O0 --emit=obj -o /dev/null')

for ((i = 0; i < mutants; i++)); do
    seed=$((first * 1000000 + i))
    file=${files[seed * 7 % ${#files[@]}]}
    way=${ways[i % ${#ways[@]}]}
    [ "${file##*.}" != sgcert ] || way=verify
    mutate $seed "$file" "mutant.${file##*.}"
    code=0
    # shellcheck disable=SC2086 # words are wanted
    timeout 10 sgc $way "mutant.${file##*.}" >out 2>err || code=$?
    if [ $code -gt 2 ] || grep -qE 'Sanitizer|runtime error' err || { [ $code -ne 0 ] && [ ! -s err ]; }; then
        tail -40 err >&2
        fail "status $code: mutate $seed $file; sgc $way"
    fi
done
echo "$mutants mutants of programs, dumps and certificates"
