#!/usr/bin/env bash
# The command line of a model: what it refuses, and in which words; what an interrupt keeps.
. "$(dirname "$0")/lib.sh"

status 0 sgc "$examples/mlp.sg" -o mlp
status 0 digits 300 1 images labels

# refuses STATUS WORDS ARGUMENT...
refuses() {
    local want=$1 words=$2
    shift 2
    status "$want" ./mlp "$@"
    says "$words"
}

refuses 2 'did you mean train?' trian
refuses 2 'no graph nope; its graphs are loss, classify' train nope x=images y=labels
refuses 2 'data x[784] is not given; try x=FILE' train y=labels
refuses 2 'has no z; the names it takes are: x, y' train x=images y=labels z=3
refuses 2 'did you mean --epochs?' train x=images y=labels --epoch 3
refuses 2 'at most 128 rows' train x=images y=labels --batch 1000
refuses 1 'none: No such file' train x=none y=labels
refuses 1 'none: No such file' eval x=images y=labels --from none
refuses 1 'labels: a row is a single value, and data x is [784]' train x=labels y=images
refuses 1 'x has 10 rows and data y has 300' train 'x=images[0:10]' y=labels

head -c 20000 images >half
refuses 1 'half: offset' train x=half y=labels
echo 'not data' >text
refuses 1 'text:' train x=text y=labels

# An interrupt ends a run after its step, and the run goes on from there to the same end.
train=(./mlp train x=images y=labels --seed 5 --quiet)
"${train[@]}" --epochs 100000 --out cut.run 2>err &
job=$!
until [ -s cut.run/metrics.jsonl ]; do
    sleep 0.05
done
kill -TERM $job
code=0
wait $job || code=$?
[ $code -eq 143 ] || fail "a terminated run ended with $code"
step=$(tail -n 1 cut.run/metrics.jsonl | grep -o '"step":[0-9]*' | cut -d: -f2)
last=$((step + 4))
status 0 "${train[@]}" --epochs 100000 --steps $last --resume cut.run
status 0 "${train[@]}" --epochs 100000 --steps $last --out whole.run
same cut.run/latest whole.run/latest
