#!/usr/bin/env bash
# Every example, on data made here: some steps lower its cost on all rows, and its graphs run.
. "$(dirname "$0")/lib.sh"

status 0 sgc "$SGC_SOURCE_DIR/tests/run/data.sg" -o data
for graph in gmm hmm logistic ppca bandit; do
    rows=(--rows 400)
    [ $graph != bandit ] || rows=()
    outputs=(x="$graph.npy")
    [ $graph != hmm ] || outputs=(y=hmm.npy)
    [ $graph != logistic ] || outputs=(x=logistic.npy y=labels.npy)
    [ $graph != bandit ] || outputs=(payoff=bandit.npy)
    status 0 ./data run $graph "${rows[@]}" "${outputs[@]}"
done
status 0 digits 500 1 digits.idx digits.labels

# The objective on all rows, of a checkpoint.
cost_of() {
    local model=$1 run=$2
    shift 2
    status 0 "./$model" eval "$@" --from "$run" --quiet
    awk '{ for (i = 1; i < NF; i++) if ($i == "cost") { print $(i + 1); exit } }' out
}

# fits MODEL STEPS LEAST DATA...: training lowers the cost per row by LEAST or more.
fits() {
    local model=$1 steps=$2 least=$3 before after
    shift 3
    status 0 sgc "$examples/$model.sg" -o "$model"
    status 0 "./$model" train "$@" --steps 0 --out "$model.start"
    status 0 "./$model" train "$@" --steps "$steps" --out "$model.run"
    before=$(cost_of "$model" "$model.start" "$@")
    after=$(cost_of "$model" "$model.run" "$@")
    echo "$model: $before -> $after"
    awk -v a="$before" -v b="$after" -v least="$least" 'BEGIN { exit !(a - b >= least) }' ||
        fail "$model: the cost went from $before to $after in $steps steps"
}

fits bandit 300 0.1 payoff=bandit.npy
fits gmm 200 0.3 x=gmm.npy
fits hmm 60 5 y=hmm.npy
fits logistic 300 0.2 x=logistic.npy y=labels.npy
fits ppca 200 1 x=ppca.npy
fits vae 40 200 x=digits.idx
fits certigrad_aevb 6 100 x=digits.idx
fits iwae 20 200 x=digits.idx
fits sbn 20 100 x=digits.idx
fits mlp 30 1 x=digits.idx y=digits.labels

status 0 ./vae run generate --from vae.run image=new.npy
status 0 ./vae run generate --from vae.run image=new.png
[ -s new.png ] || fail 'no contact sheet'
status 0 ./vae run reconstruct --from vae.run 'x=digits.idx[0:64]' image=again.png input=same.npy
status 0 ./mlp run classify --from mlp.run x=digits.idx p=p.npy
