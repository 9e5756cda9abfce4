#!/usr/bin/env bash
# tune: the estimators that the compiler accepts are measured, and the best is written down.
. "$(dirname "$0")/lib.sh"
export SGC=sgc

cat >m.sg <<'END'
# z ~ normal(0, 1) via score, in a comment
param m = constant(0.3)
param l[3] = zeros()
graph other {
  z ~ normal(m, 1) via score
  cost sin(z)
}
graph g {
  z ~ normal(m, 1.7) via score     # a jump
  plate k = 3 { b ~ bernoulli(logits = l[k]) via score; cost sin(2 * b + m) }
  cost floor(z)
}
train g { optimizer = sgd(lr = 0.01) steps = 10 }
END
status 0 sgc m.sg --real f64 -o m
cp m.sg before.sg
status 0 ./m tune --samples 400
says 'measure_valued' out
grep -q ' pathwise' out && fail "pathwise through a jump was measured"
says 'b ~ via ' out
cmp -s m.sg before.sg || fail "the source changed unasked"

# Without noise nothing beats the sum over both values; the jump leaves two estimators.
status 0 ./m tune --samples 400 --write
diff before.sg m.sg >changes && fail "nothing was written"
[ "$(grep -c '^[<>]' changes)" -eq 4 ] || { cat changes; fail "not two lines changed"; }
grep -q '  z ~ normal(m, 1.7) via .*     # a jump' m.sg || fail "the comment is gone"
grep -q 'via score; cost' m.sg && fail "b is still drawn by score"
status 0 sgc m.sg --real f64 -o m
status 0 ./m variance --samples 100

# What the compiler chooses is measured where it is more than one estimator.
cat >two.sg <<'END'
param m = constant(0.3)
param b = ones()
graph g {
  z ~ exponential(exp(m)) via score
  k ~ bernoulli(logits = b)
  cost 30 * softplus(z)
  cost sin(b + k)
  cost if z > 4 then b else 0.0
}
train g { optimizer = sgd(lr = 0.01) steps = 10 }
END
status 0 sgc two.sg --real f64 -o two
status 0 ./two tune --samples 2000 --write
says 'an estimator for each group of costs' out
[ "$(grep -c 'an estimator for each' out)" -eq 1 ] || fail "k has one estimator"
says 'z ~ without via' out
grep -q '^  z ~ exponential(exp(m))$' two.sg || fail "z has a via"
status 0 sgc two.sg --real f64 -o two

# The model knows its source by name; where it stands is said.
mkdir elsewhere
mv m.sg elsewhere
status 1 ./m tune --samples 10
says 'm.sg is not in this folder: --source FILE says where'
status 0 ./m tune --samples 10 --source=elsewhere/m.sg
status 0 ./m tune --samples 10 --source elsewhere/m.sg
mv elsewhere/m.sg .

# Variants are made where temporary files belong, and are gone.
TMPDIR=$PWD/nowhere status 1 ./m tune --samples 10
says "no folder can be made in $PWD/nowhere"
mkdir here
TMPDIR=$PWD/here status 0 ./m tune --samples 10
[ -z "$(ls here)" ] || fail 'variants are left'
SGC=/nowhere/sgc status 1 ./m tune --samples 10
says 'it needs sgc in PATH'
