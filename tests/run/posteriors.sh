#!/usr/bin/env bash
# Posteriors of data sets of posteriordb.  What is expected was found elsewhere:
#   kidiq               in closed form
#   eight_schools       the best independent normals: their bound, with 200 Gauss-Hermite nodes for the one
#                       term without a closed form, at its maximum (L-BFGS); the posterior on a
#                       grid of 1801 by 1801 places
#   low_dim_gauss_mix   the posterior, by importance sampling with 65,536 points about its mode
# No optimum of stochastic steps is met to the last digit, so each bound is stated with its test.
. "$(dirname "$0")/lib.sh"

data=${SGC_DATA:-}/posteriordb
if [ ! -r "$data/kidiq.json" ]; then
    echo 'no data: SGC_DATA names no folder that has posteriordb/kidiq.json'
    exit 77
fi
for name in kidiq eight_schools low_dim_gauss_mix; do
    ln -s "$data/$name.json" .
done
ln -s kidiq.json field.json

# near SLACK WHAT WANT... -- GOT...: number by number.
near() {
    local slack=$1 what=$2 want=()
    shift 2
    while [ "$1" != -- ]; do
        want+=("$1")
        shift
    done
    shift
    [ $# -eq ${#want[@]} ] || fail "$what: $# numbers, not ${#want[@]}"
    for w in "${want[@]}"; do
        awk -v w="$w" -v g="$1" -v s="$slack" 'BEGIN { d = g - w; exit !(d * d <= s * s) }' ||
            fail "$what is $1, not within $slack of $w"
        shift
    done
}

# parts MODEL: fills `mean` and `sd` from the trained model's posterior.
parts() {
    status 0 "./$1" run posterior --from "$1.run"
    read -ra mean < <(sed -n '/^mean/{n;p;}' out)
    read -ra sd < <(sed -n '/^sd/{n;p;}' out)
}

# fit MODEL OPTIONS...: trains on from where the model's run ended.
fit() {
    local model=$1 from=()
    shift
    [ ! -d "$model.run" ] || from=(--from "$model.run")
    status 0 "./$model" train --data "$model.json" --out next.run --quiet "${from[@]}" "$@"
    rm -rf "$model.run"
    mv next.run "$model.run"
}

# total MODEL: the cost of all data, with all its digits, where nothing is drawn.
total() {
    rm -rf still.run
    status 0 "./$1" train --data "$1.json" --from "$1.run" --out still.run --quiet --steps 1 --lr 1e-300
    grep -o '"total":[^,}]*' still.run/metrics.jsonl | cut -d: -f2
}

# ---- kidiq: with a full covariance the bound is the evidence ----------------------------------------

cat >kidiq.sg <<'EOF'
param m[3] = zeros()
param C[3, 3] in cholesky = identity()

graph elbo {
  q = mvn(m, cholesky = C)
  b ~ q
  cost log_prob(q, b) - log_prob(normal(0, 50), b[0]) - log_prob(normal(0, 50), b[1])
  cost -log_prob(normal(0, 50), b[2])
  plate n = rows(434) {
    data kid_score
    data mom_hs
    data mom_iq
    observe kid_score ~ normal(sum([1.0, mom_hs, (mom_iq - 100) / 15] * b), 18)
  }
}
graph posterior {
  output mean = m
  output sd = sqrt(sum(square(C), axis = 1))
}
train elbo { optimizer = sgd(lr = 100.0)  steps = 20000 }
EOF
sed -e 's/^param C.*/param s[3] in positive = ones()/' -e 's/cholesky = C/cholesky = diag(s)/' \
    -e 's/output sd = .*/output sd = s/' kidiq.sg >field.sg
for model in kidiq field; do
    status 0 sgc $model.sg -o $model --real=f64 --remarks
    says 'closed form: integrated over b ~ mvn'
    ! grep -q 'pathwise\|score' err || fail "$model draws"
done
# The bound and its slopes at independent standard normals: one step of rate 1 down the mean of 434 rows.
at_start() {
    status 0 "./$1" train --data kidiq.json --out start.run --overwrite --quiet --steps 1 --lr 1
    near 1e-9 "$1 at its start" 6989.474248934294 -- "$(grep -o '"total":[^,}]*' start.run/metrics.jsonl | cut -d: -f2)"
    status 0 "./$1" run posterior --from start.run
    read -ra mean < <(sed -n '/^mean/{n;p;}' out | awk '{ print 434 * $1, 434 * $2, 434 * $3 }' OFMT=%.12g CONVFMT=%.12g)
    read -ra sd < <(sed -n '/^sd/{n;p;}' out | awk '{ print 434 * log($1), 434 * log($2), 434 * log($3) }' OFMT=%.12g)
    near 1e-6 'the slopes in the means' 116.2654321 94.00617284 12.227731 -- "${mean[@]}"
}
at_start kidiq
at_start field
near 1e-7 'the slopes in the logarithms of the deviations' -0.33990617 -0.05286914 -0.33681975 -- "${sd[@]}"

for model in kidiq field; do
    fit $model --save-every 20000 --log-every 20000
    parts $model
    near 1e-7 "the means of $model" 82.00776156 6.06452574 8.44277668 -- "${mean[@]}"
done
near 1e-7 'the deviations of independent normals' 0.86389867 0.97456947 0.86489537 -- "${sd[@]}"
parts kidiq
near 1e-6 'the deviations' 1.9262242 2.19182306 0.90155513 -- "${sd[@]}"
near 1e-8 'the evidence' 1884.6128191781531 -- "$(total kidiq)"
near 1e-8 'the bound of independent normals' 1885.423312296255 -- "$(total field)"

# ---- eight_schools, not centred: independent normals ------------------------------------------------

cat >eight_schools.sg <<'EOF'
dim k = 32
param m[10] = zeros()
param s[10] in positive = ones()

graph elbo {
  data y[8]
  data sigma[8]
  q = normal(m, s)
  u ~ q via pathwise(samples = k, noise = antithetic)
  tau = exp(u[1])
  eta = u[2:10]
  cost log_prob(q, u)
  cost -log_prob(normal(0, 5), u[0]) - log_prob(half_cauchy(5), tau) - u[1] - sum(log_prob(normal(0, 1), eta))
  cost -log_prob(normal(u[0] + tau * eta, sigma), y)
}
graph posterior {
  output mean = m
  output sd = s
}
train elbo { optimizer = adam(lr = 0.02)  steps = 4000 }
EOF
status 0 sgc eight_schools.sg -o eight_schools --real=f64
status 0 sgc eight_schools.sg --dim k=65536 -o many --real=f64
for lr in 0.02 0.005 0.001 0.0003; do
    fit eight_schools --lr $lr --save-every 4000 --log-every 4000
done
parts eight_schools
near 0.03 'the means of eight_schools' 4.5271 0.8096 0.2871 0.0888 -0.0815 0.0534 -0.1694 -0.0762 0.3445 0.0647 -- "${mean[@]}"
near 0.03 'the deviations of eight_schools' 3.1574 0.7290 0.9690 0.9341 0.9726 0.9446 0.9204 0.9446 0.9341 0.9781 -- "${sd[@]}"
status 0 ./many eval --data eight_schools.json --from eight_schools.run --quiet
near 0.05 'the bound of eight_schools' 31.5973 -- "$(sed -n 's/^cost \([0-9.]*\).*/\1/p' out)"
# The posterior, whose evidence is 31.3113: independent normals have its means, but deviations that are
# too small, of log tau by a third, and so the schools' own means to a sixth of theirs (4.7 to 5.6).
near 0.2 'the mean of mu' 4.3968 -- "${mean[0]}"
near 0.2 'the deviation of mu' 3.3177 -- "${sd[0]}"
near 0.03 'the mean of log tau' 0.8022 -- "${mean[1]}"
theta=$(awk -v m="${mean[*]}" -v s="${sd[1]}" 'BEGIN {
    split(m, x, " "); for (i = 3; i <= 10; i++) printf "%.4f ", x[1] + exp(x[2] + s * s / 2) * x[i] }')
# shellcheck disable=SC2086
near 0.9 'the means of the schools' 6.212 4.940 3.927 4.757 3.615 4.043 6.297 4.854 -- $theta

# ---- low_dim_gauss_mix: a full covariance, of what has no constraint ---------------------------------

cat >low_dim_gauss_mix.sg <<'EOF'
param m[5] = zeros()
param C[5, 5] in cholesky = identity()

graph elbo {
  q = mvn(m, cholesky = C)
  u ~ q via pathwise(samples = 8, noise = antithetic)
  first = u[0]
  second = u[0] + exp(u[1])
  theta = sigmoid(u[4])
  cost log_prob(q, u) - log_prob(normal(0, 2), first) - log_prob(normal(0, 2), second) - u[1]
  cost -log_prob(half_normal(2), exp(u[2])) - u[2] - log_prob(half_normal(2), exp(u[3])) - u[3]
  cost -log_prob(beta(5, 5), theta) - log(theta) - log(1 - theta)
  plate n = rows(1000) {
    data y
    a = log(theta) + log_prob(normal(first, exp(u[2])), y)
    b = log(1 - theta) + log_prob(normal(second, exp(u[3])), y)
    cost -logsumexp(stack(a, b), axis = 0)
  }
}
graph posterior {
  output mean = m
  output sd = sqrt(sum(square(C), axis = 1))
}
train elbo { optimizer = adam(lr = 0.02)  steps = 2000 }
EOF
status 0 sgc low_dim_gauss_mix.sg -o low_dim_gauss_mix --real=f64
for lr in 0.02 0.005 0.001 0.0003; do
    fit low_dim_gauss_mix --lr $lr --save-every 2000 --log-every 2000
done
parts low_dim_gauss_mix
# A thousand rows leave a posterior that is nearly normal: its means to a tenth of a deviation, its
# deviations to a tenth, its evidence to a tenth of a nat.
set -- -2.73313 0.04210 1.72322 0.01198 0.02787 0.03045 0.02237 0.03943 0.49598 0.06533
for ((i = 0; i < 5; i++)); do
    near 0.1 'a mean of low_dim_gauss_mix, in deviations' 0 -- "$(awk -v g="${mean[i]}" -v w="$1" -v s="$2" 'BEGIN { print (g - w) / s }')"
    near 0.1 'a deviation of low_dim_gauss_mix, in those expected' 1 -- "$(awk -v g="${sd[i]}" -v s="$2" 'BEGIN { print g / s }')"
    shift 2
done
near 0.1 'the bound of low_dim_gauss_mix' 2115.6831 -- "$(grep -o '"total":[^,}]*' low_dim_gauss_mix.run/metrics.jsonl | tail -n 1 | cut -d: -f2)"
