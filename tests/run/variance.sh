#!/usr/bin/env bash
# variance: the variance of the gradient by parameter and by draw, against exact ones.
. "$(dirname "$0")/lib.sh"

program() {
    cat >m.sg <<END
param m = constant(0.3)
param s = constant(1.7)
param l = constant(0.4)
graph g {
  z ~ normal(m, s) via $1
  b ~ bernoulli(logits = l) via measure_valued
  cost abs(z) * abs(z)
  cost 3 * abs(b - 0.45)
}
train g { optimizer = sgd(lr = 0.01) steps = 10 }
END
    status 0 sgc m.sg --real f64 -o m
}

# near WHAT GOT WANT RELATIVE
near() {
    awk -v got="$2" -v want="$3" -v by="$4" \
        'BEGIN { d = got - want; exit !(d <= by * want && -d <= by * want) }' ||
        fail "$1 is $2, not $3"
}

# of NAME WORD: a number of the parameter or draw of that name.
of() {
    tr -d ' \t\n' <out | grep -oE "\"name\":\"$1\",[^}]*" | grep -oE "\"$2\":[-0-9.e+]+" | cut -d: -f2
}

# For z^2 under normal(0.3, 1.7) the gradient in m has mean 0.6 and variance 11.56 pathwise, 44.613 by
# score and 0.0984 measure-valued; the bit has one gradient whatever is drawn.
for case in pathwise:11.56 score:44.613 measure_valued:0.0984; do
    program "${case%:*}"
    status 0 ./m variance --samples 100000 --json
    near "the variance of m ${case%:*}" "$(of m variance)" "${case#*:}" 0.1
    near "the gradient of m ${case%:*}" "$(of m gradient)" 0.6 0.1
    near "the share of z" "$(of z variance)" "$(awk -v a="$(of m variance)" -v b="$(of s variance)" \
        'BEGIN { print a + b }')" 0.1
    awk -v v="$(of b variance)" 'BEGIN { exit !(v < 1e-12) }' || fail "the bit varies"
done

status 0 ./m variance --samples 64
says 'standard error' out
says 'share' out
status 0 ./m variance --samples 64
cp out first
status 0 ./m variance --samples 64 --threads 2
diff <(grep -v ' s a step' first) <(grep -v ' s a step' out) || fail "threads change the numbers"

# A moving average of a run is there; without one it is 0.
averaged() {
    cat >m.sg <<END
param m = constant(0.3)
graph g {
  z ~ normal(m, 1) via score(baseline = $1)
  cost 100 + abs(z) * abs(z)
}
train g { optimizer = sgd(lr = 0) steps = 200 }
END
    status 0 sgc m.sg --real f64 -o m
    status 0 ./m train --out "$1" --quiet
}
averaged none
averaged moving_average
status 0 ./m variance --samples 4000 --json
start=$(of m variance)
status 0 ./m variance --samples 4000 --json --from none
near 'the variance from a run without averages' "$(of m variance)" "$start" 1e-9
status 0 ./m variance --samples 4000 --json --from moving_average
awk -v at="$(of m variance)" -v start="$start" 'BEGIN { exit !(at < 0.01 * start) }' ||
    fail "the variance is $(of m variance) with what the run has learned, $start without"

# The log of a training run says the same, by parameter and by draw, and the run is not changed by it.
# logged NAME WORD: a number of the last line, of the parameter or draw of that name.
logged() {
    tail -n 1 run/metrics.jsonl | grep -oE "\"$1\":\{[^}]*\}" | grep -oE "\"$2\":[-0-9.e+]+" | cut -d: -f2
}
square() { awk -v x="$1" 'BEGIN { print x * x }'; }
program pathwise
status 0 ./m train --lr 0 --steps 2 --log-every 2 --variance 100000 --quiet --out run
near 'the logged variance of m' "$(square "$(logged m sd)")" 11.56 0.1
near 'the logged gradient of m' "$(logged m gradient)" 0.6 0.1
near 'the logged ratio of m' "$(logged m snr)" 0.1765 0.1
near "the logged variance due to z" "$(square "$(logged z sd)")" "$(awk -v a="$(logged m sd)" -v b="$(logged s sd)" \
    'BEGIN { print a * a + b * b }')" 0.1
near 'the share of z' "$(logged z share)" 1 0.1
status 0 ./m train --out plain --variance 0 --quiet
status 0 ./m train --out measured --variance 3 --log-every 1 --quiet
cmp plain/latest measured/latest || fail 'measuring changes the run'
grep -q '"variance"' plain/metrics.jsonl && fail '--variance 0 measures'
[ "$(grep -c '"variance"' measured/metrics.jsonl)" -eq 10 ] || fail 'not every report is measured'
status 0 ./m train --out again --steps 3000 --log-every 100 --variance 4 --quiet
status 0 ./m train --out rare --steps 3000 --log-every 100 --quiet
[ "$(grep -c '"variance"' rare/metrics.jsonl)" -eq 4 ] || fail 'one step in twenty is not what measuring takes'
diff <(tail -n 1 rare/metrics.jsonl | grep -oE '"costs".*"lr"') <(tail -n 1 again/metrics.jsonl | grep -oE '"costs".*"lr"') ||
    fail 'measuring changes the run'
status 2 ./m train --variance 1
says '2 at least'
