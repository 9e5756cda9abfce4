#!/usr/bin/env bash
# One training run is ended at random moments, by kill -9, ^C and SIGTERM in turn, and each time
# resumed: the end has the bytes of the run that was left alone.  KILLS says how often, SEED at which
# moments, SIGNALS by what.
. "$(dirname "$0")/lib.sh"

kills=${KILLS:-9}
RANDOM=${SEED:-1}
read -ra signals <<<"${SIGNALS:-KILL INT TERM}"
steps_of_epoch=13

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
amid=0
while [ $killed -lt "$kills" ]; do
    rounds=$((rounds + 1))
    [ $rounds -le $((kills * 20)) ] || fail "only $killed of $rounds runs were alive to be killed"
    words=("${train[@]}" --out cut)
    [ ! -e cut/config.json ] || words=(./walk train --resume cut)
    signal=${signals[killed % ${#signals[@]}]}
    delay=$((RANDOM % took + 2))
    code=0
    timeout --foreground --preserve-status -s "$signal" \
        "$((delay / 1000)).$(printf '%03d' $((delay % 1000)))" "${words[@]}" >cut.out 2>cut.err || code=$?
    case $code,$signal in
    0,*) # it came to its end: the bytes of the whole, and again from the start
        same whole/latest cut/latest
        same <(untimed whole/metrics.jsonl) <(untimed cut/metrics.jsonl)
        rm -rf cut
        ;;
    137,KILL) killed=$((killed + 1)) ;;
    130,INT | 143,TERM)
        killed=$((killed + 1))
        step=$(sed -n 's/^walk: note: stopped after step \([0-9]*\); --resume cut goes on$/\1/p' cut.err)
        [ "$step" ] || continue # before it listened: nothing was changed
        [ "$(readlink cut/latest)" = "step-$(printf %08d "$step").safetensors" ] || fail "step $step was not kept"
        [ $((step % steps_of_epoch)) -eq 0 ] || amid=$((amid + 1))
        ;;
    *) cat cut.err >&2; fail "a run that was sent SIG$signal ended with $code" ;;
    esac
done
[ "${SIGNALS:-}" = KILL ] || [ $amid -gt 0 ] || fail 'no run was stopped in the middle of an epoch'
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
echo "$killed times ended in $rounds runs of $took ms, $amid in the middle of an epoch"
