#!/usr/bin/env bash
# --emit=sg: the estimator graph as a program.  As a library it computes, for every example, what the
# model's library does with the same noise; as an executable, the gradient that one step of plain
# gradient descent takes.
. "$(dirname "$0")/lib.sh"

flags=(-std=gnu11 -g -Wall -Wextra -Werror "-I$SGC_SOURCE_DIR/tests/embed")
if [ "${SGC_SANITIZED:-OFF}" = ON ]; then
    flags+=(-fsanitize=address,undefined)
fi
status 0 cc "${flags[@]}" "$SGC_SOURCE_DIR/tests/embed/estimator.c" -o estimator -lcjson -ldl -lm

for model in "$examples"/*.sg; do
    name=$(basename "$model" .sg)
    status 0 sgc "$model" --emit=sg
    [ -s "$name.step.sg" ] || fail "no $name.step.sg"
    status 0 sgc "$model" --emit=sg -o again.sg
    same "$name.step.sg" again.sg
    case ${SGC_SANITIZED:-OFF}.$name in # the sanitized compiler takes its time for the large ones
    ON.certigrad_aevb | ON.iwae | ON.mlp | ON.sbn | ON.vae) ;;
    *)
        status 0 sgc "$model" --real f64 --emit=shared
        status 0 sgc "$name.step.sg" --real f64 --emit=shared --name "${name}_step"
        status 0 ./estimator "$name" "${name}_step"
        cat out
        ;;
    esac
    if grep -nE '^ *(cost|reward|observe)' "$name.step.sg"; then
        fail "$name.step.sg has costs"
    fi
done

# A wrong program is seen.
sed 's/(v6 \* 0.5)/(v6 * 0.5001)/' bandit.step.sg >wrong.sg
status 0 sgc wrong.sg --real f64 --emit=shared --name bandit_step
status 1 ./estimator bandit bandit_step
says 'grad_logits: off by'

# The reasons stand at the draws.
says '# z ~ normal: pathwise (chosen)' vae.step.sg
says '# a ~ categorical: score (as asked), samples = 2, leave-one-out baseline' bandit.step.sg
says '# c ~ categorical: enumerated (as asked); 5 values, exact' gmm.step.sg
says '# h2 ~ bernoulli: score (as asked), samples = 1, moving-average baseline' sbn.step.sg
says 'output next_h2 = ' sbn.step.sg

# tape FILE NAME VARIATES [BYTES]: noise of one draw; every variate is 0.375, or these bytes.
tape() {
    local header
    header=$(printf '{"%s":{"dtype":"F64","shape":[%d],"data_offsets":[0,%d]}}' \
        "$2" "$3" $((8 * $3)))
    while [ $((${#header} % 8)) -ne 0 ]; do
        header+=' '
    done
    # shellcheck disable=SC2059 # the length in bytes, as a byte
    printf "\\x$(printf '%x' ${#header})\\0\\0\\0\\0\\0\\0\\0%s" "$header" >"$1"
    for _ in $(seq "$3"); do
        printf '%b' "${4:-\0\0\0\0\0\0\xd8\x3f}"
    done >>"$1"
}

# The largest difference between the step that was taken and the gradient that was computed.
cat >compare.sg <<'END'
dim size = 1
graph compare {
  data before[size]
  data after[size]
  data gradient[size]
  output off = max(abs(before - after - gradient)) / (1e-30 + max(abs(gradient)))
}
END

# agrees MODEL GRAPH PARAM SIZE [--dim ... --] ARGUMENTS...: with noise in MODEL.tape, of MODEL and
# of the printed program each under its name of the draw.
agrees() {
    local model=$1 graph=$2 param=$3 size=$4
    shift 4
    local -a dims=() noise=() printed=()
    while [ "${1-}" = --dim ]; do
        dims+=("$1" "$2")
        shift 2
    done
    if [ -e "$model.tape" ]; then
        noise=(--tape "$model.tape") printed=(--tape "$model.step.tape")
    fi
    rm -rf start.run step.run
    status 0 sgc "$examples/$model.sg" "${dims[@]}" --real f64 -o "$model"
    status 0 sgc "$examples/$model.sg" "${dims[@]}" --emit=sg -o "$model.step.sg"
    status 0 sgc "$model.step.sg" --real f64 -o "$model.step"
    status 0 "./$model" train "$@" --steps 0 --out start.run
    status 0 "./$model" train "$@" "${noise[@]}" --steps 1 --optimizer sgd --lr 1 --out step.run
    grep -q '^hyper N' "$model.step.sg" && set -- "$@" N=400
    status 0 "./$model.step" run "$graph" "$@" "${printed[@]}" --from start.run \
        "grad_$param=gradient.npy"
    status 0 sgc compare.sg --dim "size=$size" --real f64 -o compare
    status 0 ./compare run compare "before=start.run/latest:$param" \
        "after=step.run/latest:$param" gradient=gradient.npy off=off.npy
    # The last 8 bytes of the file are the number.
    local off
    off=$(tail -c 8 off.npy | od -An -tf8)
    echo "$model: $off"
    awk -v off="$off" 'BEGIN { exit !(off < 1e-12) }' || fail "$model: off by $off"
}

status 0 sgc "$SGC_SOURCE_DIR/tests/run/data.sg" --real f64 -o data
status 0 ./data run bandit payoff=bandit.npy
status 0 ./data run hmm --rows 400 y=hmm.npy
status 0 ./data run logistic --rows 400 x=logistic.npy y=labels.npy

tape bandit.tape a 2
tape bandit.step.tape a_noise 2
agrees bandit expected_reward logits 10 payoff=bandit.npy
agrees hmm nll level 4 --dim batch=400 y=hmm.npy
tape logistic.tape w 30
tape logistic.step.tape w_noise 30
agrees logistic elbo s 30 --dim batch=400 x=logistic.npy y=labels.npy

# Noise is checked as it is read: 1e39 is no single, and 1 - 2^-53 rounds to 1.
printf '%s\n' 'graph g { z ~ normal(0, 1); output o = z }' 'graph h { u ~ uniform(0, 1); output o = u }' >any.sg
status 0 sgc any.sg -o any
tape huge.tape z 1 '\x1d\x4a\x9c\xf4\x87\x82\x07\x48'
status 1 ./any run g --tape huge.tape
says 'huge.tape: the noise of z must be finite'
tape one.tape u 1 '\xff\xff\xff\xff\xff\xff\xef\x3f'
status 1 ./any run h --tape one.tape
says 'one.tape: the noise of u must be inside (0, 1)'

# What cannot be printed is said.
cat >none.sg <<'END'
graph none {
  output one = 1.0
}
END
status 1 sgc none.sg --emit=sg
says 'none.sg: error: --emit=sg: no graph has a cost'
