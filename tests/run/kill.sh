#!/usr/bin/env bash
# kill -9 at random moments of one training run, each time resumed: the end has the bytes of the run
# that was left alone.  KILLS says how many, SEED which moments.
. "$(dirname "$0")/lib.sh"

kills=${KILLS:-5}
RANDOM=${SEED:-1}

# A moving average, moments of Adam and a short last batch are in the state; a checkpoint is taken
# in the middle of epochs.
cat >walk.sg <<'END2'
param w[64] = normal(0.1)
param shift[64] = zeros()
graph g {
  plate n = rows(16) {
    data x[64]
    k ~ bernoulli(logits = sum(w * x)) via score(baseline = moving_average)
    z[64] ~ normal(shift, 0.5)
    cost mean(square(x - z)) + 0.1 * k * mean(x)
  }
}
train g { optimizer = adam(lr = 0.01)  epochs = 30 }
END2
status 0 sgc walk.sg -o walk
status 0 ./walk train x=random:5 --rows 200 --epochs 0 --out probe
train=(./walk train x=random:5 --rows 200 --seed 9 --save-every 7 --log-every 5 --keep 2)

began=$(date +%s%N)
status 0 "${train[@]}" --out whole
took=$((($(date +%s%N) - began) / 1000000 + 1))
cp out whole.out

# Metrics but for the clock.
untimed() {
    sed 's/,"seconds":[^}]*//' "$1"
}

killed=0
rounds=0
while [ $killed -lt "$kills" ]; do
    rounds=$((rounds + 1))
    [ $rounds -le $((kills * 20)) ] || fail "only $killed of $rounds runs were alive to be killed"
    words=("${train[@]}" --out cut)
    [ ! -e cut/config.json ] || words=(./walk train --resume cut)
    "${words[@]}" >cut.out 2>cut.err &
    job=$!
    delay=$((RANDOM % took + 2))
    sleep "$((delay / 1000)).$(printf '%03d' $((delay % 1000)))"
    kill -KILL $job 2>/dev/null || true
    code=0
    { wait $job || code=$?; } 2>/dev/null
    case $code in
    137) killed=$((killed + 1)) ;;
    0) # it came to its end: the bytes of the whole, and again from the start
        same whole/latest cut/latest
        same <(untimed whole/metrics.jsonl) <(untimed cut/metrics.jsonl)
        rm -rf cut
        ;;
    *) cat cut.err >&2; fail "a run ended with $code" ;;
    esac
done
if [ -e cut/config.json ]; then
    status 0 ./walk train --resume cut
else
    status 0 "${train[@]}" --out cut
fi
same whole/latest cut/latest
same <(untimed whole/metrics.jsonl) <(untimed cut/metrics.jsonl)
same out whole.out
left=$(find cut -name '*.tmp')
[ -z "$left" ] || fail "left behind: $left"
echo "$killed kills in $rounds runs of $took ms"
