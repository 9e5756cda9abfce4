#!/usr/bin/env bash
# The folder of a run: what is in it, what stays, and how a run is repeated, watched and replayed.
. "$(dirname "$0")/lib.sh"

cat >line.sg <<'END2'
hyper scale = 1.0
param w = zeros()
param b = zeros()
graph fit {
  plate n = rows(8) {
    data x
    data y
    z ~ normal(w * x + b, 0.1)
    cost scale * square(z - y)
  }
}
graph made {
  plate n = rows(8) {
    data x
    output y = 2 * x + 1
  }
}
train fit { optimizer = adam(lr = 0.05)  epochs = 4 }
END2
status 0 sgc line.sg -o line
for set in train test; do
    status 0 ./line run made "x=random:$( [ $set = train ] && echo 1 || echo 2)" --rows 20 y=$set.y.npy
done
train=(./line train x=random:1 y=train.y.npy --rows 20 --seed 3)

# Every step's checkpoint, of which the three newest stay; `latest` is the newest.
status 0 "${train[@]}" --save-every 1 --out run
[ "$(ls run)" = "config.json
latest
metrics.jsonl
step-00000010.safetensors
step-00000011.safetensors
step-00000012.safetensors" ] || { ls run >&2; fail 'the folder holds something else'; }
[ "$(readlink run/latest)" = step-00000012.safetensors ] || fail 'latest is not the newest'
says 'step=12 epoch=4 cost='
says 'eta_s=0'
grep -qE '^cost [0-9.]+ ±[0-9.e-]+$' out || fail "the answer is not alone: $(cat out)"
for key in '"sha256"' '"bytes"' '"argv"' '"threads"' '"blas"' '"hash"' '"seed":	"3"' '"scale":	1'; do
    says "$key" run/config.json
done
says '"blas":	"OpenBLAS 0.' run/config.json
[ "$(grep -c '"split":"train"' run/metrics.jsonl)" -eq 4 ] || fail 'not one line an epoch'

# A checkpoint says nothing of the command line, the folder, the threads or the machine.
status 0 ./line train --quiet x=random:1 y=train.y.npy --rows 20 --seed 3 --threads 1 --keep 1 --out other
same run/latest other/latest
[ "$(find other -name 'step-*' | wc -l)" -eq 1 ] || fail '--keep 1 kept more'

# Its own config.json repeats it; what the command line says comes first.
status 0 ./line train --config run/config.json --out again
same run/latest again/latest
status 0 ./line train --config run/config.json --seed 4 --out seed4
! cmp -s run/latest seed4/latest || fail 'the command line did not override the configuration'

# One that is no configuration is refused, at its place: TEXT, and what is said.
while IFS=$'\t' read -r text words; do
    printf '%b' "$text" >wrong.json
    status 1 ./line train --config wrong.json
    says "line: wrong.json$words"
done <<'END2'
	:1:1: not a JSON object
[1]	:1:1: not a JSON object
{"graph": "loss",\n "settings"	:2:12: not a JSON object
{"settings": [1]}	:1:2: 'settings' is not an object
{"data": [{"source": "y"}]}	:1:2: 'data' is not an object
{"graph": "loss",\n "setings": {}}	:2:2: a configuration has no 'setings'
{"settings": {"epochs": {}}}	: setting epochs is neither number nor text
{"settings": {"epochs": -3}}	: --epochs -3: at least 0 is expected
{"hypers": {"beta": []}}	: hyper beta is neither number nor text
END2

status 1 timeout 20 ./line train --config /dev/zero
says '/dev/zero:1:1: not a JSON object'

# What TensorBoard reads goes on with the run, and goes with it.
status 2 ./line train --config run/config.json --tensorboard
says '--tensorboard writes into the folder of a run'
status 0 ./line train --config run/config.json --epochs 2 --tensorboard --out board
before=$(stat -c %s board/events.out.tfevents.sgc)
status 0 ./line train --resume board --epochs 4
[ "$(stat -c %s board/events.out.tfevents.sgc)" -gt "$before" ] || fail 'no events after --resume'
[ "$(grep -ac 'train/cost' board/events.out.tfevents.sgc)" -gt 0 ] || fail 'no cost among the events'
same run/latest board/latest
status 0 ./line train --config run/config.json --out board --overwrite
[ ! -e board/events.out.tfevents.sgc ] || fail 'events of a run that is gone'

# Held-out data are evaluated as often as asked, and change nothing.
status 0 "${train[@]}" --eval-data x=random:2 --eval-data y=test.y.npy --eval-every 6 --out held
same run/latest held/latest
[ "$(grep -c '"split":"eval"' held/metrics.jsonl)" -eq 2 ] || fail 'not two evaluations'
says 'split=eval cost='
says 'held-out cost ' out
status 0 ./line train --resume held --epochs 6
[ "$(grep -c '"split":"eval"' held/metrics.jsonl)" -eq 3 ] || fail 'a resumed run forgot its held-out data'
status 2 "${train[@]}" --eval-data z=test.y.npy --out none
says 'has no data z'
status 2 "${train[@]}" --eval-data y=test.y.npy --out none
says '--eval-data: data x is not given'

# A run is neither overwritten nor mixed with other data unasked.
status 2 "${train[@]}" --out run
says '--overwrite replaces it'
cp run/config.json before.json
cp test.y.npy train.y.npy.new
cp train.y.npy kept.npy
mv train.y.npy.new train.y.npy
status 1 ./line train --resume run --epochs 5
says 'the file of data y is not the one that the run began with'
mv kept.npy train.y.npy
status 0 "${train[@]}" --overwrite --steps 2 --out run
[ "$(readlink run/latest)" = step-00000002.safetensors ] || fail 'latest is not the newest'
[ "$(find run -name 'step-*' | wc -l)" -eq 2 ] || fail 'checkpoints of the old run are left'

# ^C ends a run after its step, with 128 and the signal's number; it goes on from there.
"${train[@]}" --epochs 1000000 --log-every 5 --quiet --out stopped 2>err &
job=$!
until [ -s stopped/metrics.jsonl ]; do
    sleep 0.02
done
kill -INT $job
code=0
wait $job || code=$?
[ $code -eq 130 ] || fail "an interrupted run ended with $code"
step=$(readlink stopped/latest | tr -dc 0-9 | sed 's/^0*//')
status 0 ./line train --resume stopped --steps $((step + 2))
status 0 "${train[@]}" --steps $((step + 2)) --log-every 5 --quiet --out unstopped
same stopped/latest unstopped/latest

# The first batch alone; clipping is a bias, and says so.
status 0 "${train[@]}" --overfit --epochs 3 --out small
says '8 rows in batches of 8'
says '"overfit":	true' small/config.json
status 0 "${train[@]}" --clip 0.001 --out clipped
says 'a step whose gradient is cut is not unbiased'
says '"clipped":3' clipped/metrics.jsonl

# A step that is not finite: status 3, the state before it, and the command that makes it again.
status 3 "${train[@]}" scale=1e38 --lr 1e10 --out burst
says 'the step was not applied'
step=$(sed -n 's/.*: step \([0-9]*\) .*/\1/p' err | head -n 1)
says "replay it: ./line train --resume burst --steps $step"
cp burst/config.json before.json
cp err first
status 3 ./line train --resume burst --steps "$step"
says "$(grep -o 'step [0-9]* (epoch.*' first | head -n 1)"
same burst/config.json before.json

# A build with -g goes on with the same run, and names the operation.
cat >steep.sg <<'END2'
param w = ones()
graph g {
  plate n = rows(4) {
    data x
    cost square(log(w - x) - 1)
  }
}
train g { optimizer = sgd(lr = 0.5)  epochs = 50 }
END2
status 0 sgc steep.sg -o steep
status 0 sgc -g steep.sg -o steep-g
status 3 ./steep train x=random:3 --rows 40 --lr 0 --quiet --out fall
! grep -q 'log of' err || fail 'a build without -g looks at every operation'
step=$(sed -n 's/.*: step \([0-9]*\) .*/\1/p' err | head -n 1)
status 3 ./steep-g train --resume fall --steps "$step"
grep -qE 'steep.sg:5:17: log of -?[0-9.e-]+ is -?nan \(row [0-9]+\)' err || { cat err >&2; fail 'no operation is named'; }

# What cannot be written is said, and it is no success.
mkdir locked
touch locked/file
status 2 "${train[@]}" --out locked/file/run
says 'locked/file'

# Draws of one name, in two scopes or in steps of a sequence, have baselines of their own: a run with
# them goes on as if it had not stopped.
cat >scopes.sg <<'END2'
param t = ones()
graph g {
  plate n = 2 {
    z ~ bernoulli(logits = 2 * t) via score(baseline = learned)
    cost sin(1.0 * z)
  }
  plate m = 2 {
    z ~ bernoulli(logits = 3 * t) via score(baseline = moving_average)
    cost cos(1.0 * z)
  }
  z_1 ~ bernoulli(logits = t) via score(baseline = learned)
  h[0] ~ bernoulli(logits = t) via score(baseline = learned)
  for k in 1..3 {
    h[k] ~ bernoulli(logits = t + h[k-1]) via score(baseline = learned(hidden = 3))
    cost sin(z_1 + 2 * h[k])
  }
}
train g { optimizer = sgd(lr = 0.1)  steps = 9 }
END2
status 0 sgc scopes.sg -o scopes
status 0 ./scopes train --quiet --out whole
status 0 ./scopes train --quiet --steps 4 --out parts
status 0 ./scopes train --quiet --resume parts --steps 9
same whole/latest parts/latest
