#!/usr/bin/env bash
# The published model on the published data.  The expected costs are those of the same models in
# PyTorch 1.13 (single precision, the same initialisation, optimiser and batches); seeds move them
# by a few tenths of a nat.
. "$(dirname "$0")/../run/lib.sh"

data=${SGC_DATA:-}/mnist
if [ ! -r "$data/train-images-idx3-ubyte.gz" ]; then
    echo 'no MNIST: SGC_DATA names no folder that has mnist/train-images-idx3-ubyte.gz'
    exit 77
fi
train=$data/train-images-idx3-ubyte.gz
test=$data/t10k-images-idx3-ubyte.gz

# near WANT SLACK NUMBER WHAT
near() {
    echo "$4: $3, expected $1"
    awk -v want="$1" -v slack="$2" -v got="$3" 'BEGIN { d = got - want; exit !(d * d <= slack * slack) }' ||
        fail "$4 is $3, not within $2 of $1"
}

# The cost of the last report of a run's training.
last_cost() {
    grep -o '"cost":[^,}]*' "$1/metrics.jsonl" | tail -n 1 | cut -d: -f2
}

test_cost() {
    status 0 "./$1" eval "x=$test" --from "$1.run" --quiet
    awk '{ for (i = 1; i < NF; i++) if ($i == "cost") { print $(i + 1); exit } }' out
}

status 0 sgc "$examples/vae.sg" -o vae
status 0 ./vae train "x=$train" --epochs 1 --out vae.run
near 157.9 1 "$(last_cost vae.run)" 'vae, epoch 1, training'
near 128.3 1 "$(test_cost vae)" 'vae, epoch 1, test'
status 0 ./vae train "x=$train" --epochs 10 --resume vae.run
near 106.8 1 "$(last_cost vae.run)" 'vae, epoch 10, training'
near 106.1 1 "$(test_cost vae)" 'vae, epoch 10, test'

# The reference has the divergence on the sample.  Here a hyper that is zero hides from the compiler
# that it can be integrated; where it is, the noise of the gradient falls and so does the cost.
sed -e 's/^graph loss/hyper zero = 0.0\n&/' \
    -e 's/^    z ~ .*/&\n    s = z + zero * tanh(z)/' \
    -e 's/sigma), z) - log_prob(normal(0, 1), z)/sigma), s) - log_prob(normal(0, 1), s)/' \
    "$examples/certigrad_aevb.sg" >sampled.sg
status 0 sgc sampled.sg -o sampled --remarks
! grep -q 'closed form' err || fail 'the divergence was integrated'
status 0 sgc "$examples/certigrad_aevb.sg" -o integrated --remarks
says 'closed form'
for model in sampled integrated; do
    status 0 ./$model train "x=${train}[0:55000]" --epochs 10 --out $model.run
done
near 109.8 0.5 "$(last_cost sampled.run)" 'certigrad on the sample, epoch 10, training'
near 108.7 0.5 "$(test_cost sampled)" 'certigrad on the sample, epoch 10, test'
integrated=$(test_cost integrated)
echo "certigrad integrated, epoch 10, test: $integrated"
awk -v got="$integrated" 'BEGIN { exit !(got < 108.7) }' || fail 'integrating did not help'
