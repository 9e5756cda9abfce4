#!/usr/bin/env bash
# check-gradients: right estimators pass, a wrong one is caught whichever way it is looked at, and
# what is zero is told from what could not be seen.
. "$(dirname "$0")/lib.sh"

# checks STATUS METHOD-WORDS MODEL OPTION...
checks() {
    local want=$1 words=$2 model=$3
    shift 3
    status "$want" "./$model" check-gradients --quiet "$@"
    says "$words" out
}

# verdict PARAM WORDS: in the table of the last check.
verdict() {
    grep "^$1 " out | grep -qF "$2" || { cat out >&2; fail "$1 is not $2"; }
}

# broken MODEL PARAM: compiles MODEL with the last addition of the gradient of PARAM made a
# subtraction, or the other way round.
broken() {
    status 0 sgc "$1.sg" --real f64 --stop-after estimate --emit=ir -o "$1.sgir"
    awk -v param="$2" '
        { line[NR] = $0 }
        /^graph .* step / { step = 1 }
        /^}/ { step = 0 }
        step && match($0, "= grad\\(%[0-9]+\\) " param " ") {
            split(substr($0, RSTART), part, /[%)]/); want = part[2]
        }
        step && match($0, /^  %[0-9]+/) { at[substr($0, RSTART + 3, RLENGTH - 3)] = NR }
        END {
            while (want in at && line[at[want]] !~ /= (add|sub)\(/) {
                split(line[at[want]], part, /\(%|[,)]/); want = part[2]
            }
            if (!(want in at)) exit 1
            if (!sub(/= add\(/, "= sub(", line[at[want]])) sub(/= sub\(/, "= add(", line[at[want]])
            for (i = 1; i <= NR; i++) print line[i]
        }' "$1.sgir" >"$1.wrong.sgir" || fail "no addition in the gradient of $2"
    ! cmp -s "$1.sgir" "$1.wrong.sgir" || fail 'nothing was broken'
    status 0 sgc "$1.wrong.sgir" --real f64 -o "$1.wrong"
}

# Few outcomes: all of them, those apart that some gradient or cost tells apart (not the categories where the bit is set).
cat >coins.sg <<'END2'
param p = normal(0.5)
param l[3] = normal(0.5)
graph g {
  b ~ bernoulli(logits = p) via score(baseline = none)
  k ~ categorical(logits = l) via score(baseline = none)
  cost 2 * b + 1.5 * k * (1 - b) + 0.3 * square(p)
}
train g { optimizer = sgd(lr = 0.1)  steps = 10 }
END2
status 0 sgc coins.sg --real f64 -o coins
checks 0 'exact: all 4 outcomes of the draws' coins
verdict p ok
verdict l ok
status 0 sgc coins.sg -o coins32
checks 0 'exact: all 4 outcomes of the draws' coins32
broken coins l
checks 1 'exact: all 4 outcomes of the draws' coins.wrong
verdict p ok
verdict l WRONG
says 'coins.sg:2:7' out
status 1 ./coins.wrong check-gradients --json
says '"verdict":	"wrong"' out
says '"method":	"exact"' out

# As many as there may be.
cat >bits.sg <<'END2'
param l = normal(0.5)
graph g {
  plate i = 16 {
    b ~ bernoulli(logits = l * (i - 7)) via score(baseline = none)
  }
  cost square(sum(b, over = i) - 5) + 0.1 * square(l) + 0.1 * square(l)
}
train g { optimizer = sgd(lr = 0.1)  steps = 10 }
END2
status 0 sgc bits.sg --real f64 -o bits
checks 0 'exact: all 65 536 outcomes of the draws' bits
verdict l ok
broken bits l
checks 1 'exact: all 65 536 outcomes of the draws' bits.wrong
verdict l WRONG

# An early state that seldom shows in the cost.
cat >chain.sg <<'END2'
param p[3, 3] in simplex = normal(0.5)
param q[3] in simplex = normal(0.5)
graph g {
  h[0] ~ categorical(q) via score
  for t in 1..5 {
    h[t] ~ categorical(p[h[t-1]]) via score
  }
  cost square(h[4] - 1.3) + 0.7 * h[3] * h[4]
}
train g { optimizer = sgd(lr = 0.1)  steps = 10 }
END2
status 0 sgc chain.sg --real f64 -o chain
checks 0 'exact: all 243 outcomes of the draws' chain
verdict p ok
verdict q ok

# Few variates: quadrature, of normal noise and of uniform.
cat >waves.sg <<'END2'
param m = normal(0.5)
param s = normal(0.5)
graph g {
  plate n = rows(4) {
    data x
    z ~ normal(m * x, exp(s))
    u ~ laplace(s, 0.5)
    cost log1p(exp(z)) + square(u - z) + 0.1 * square(m + s)
  }
}
train g { optimizer = sgd(lr = 0.1)  steps = 10 }
END2
status 0 sgc waves.sg --real f64 -o waves
checks 0 'points of a quadrature over' waves
verdict m ok
verdict s ok
grep -qE 'over 2 variates, to [0-9]e-[01][0-9], 2 rows' out || { cat out >&2; fail 'no accuracy'; }
broken waves m
checks 1 'points of a quadrature over' waves.wrong
verdict m WRONG

# A jump in the noise, which moves with a parameter: between the nodes differences do not see it.
cat >jump.sg <<'END2'
param m = zeros()
param edge = normal(0.3)
graph g {
  z ~ normal(m, 0.6) via pathwise
  cost square((if z > edge then 1.0 else 0.0) + z - 0.3) + sin(z)
}
train g { optimizer = sgd(lr = 0.1)  steps = 10 }
END2
status 0 sgc jump.sg --real f64 -o jump
checks 0 'sampling: ' jump
verdict m ok
! grep WRONG out || fail 'a jump that nodes do not see is no error'
broken jump m
checks 1 'sampling: ' jump.wrong
verdict m WRONG

# No draws: differences, and the order of the remainder.
cat >plain.sg <<'END2'
param w[12] = normal(0.5)
param b = normal(0.5)
param still = zeros()
graph g {
  plate n = rows(4) {
    data x[12]
    cost softplus(sum(w * x) + b) + 0.1 * square(b) + square(still)
  }
}
train g { optimizer = sgd(lr = 0.1)  steps = 10 }
END2
status 0 sgc plain.sg --real f64 -o plain
checks 0 'the order of the Taylor remainder' plain
verdict w 'order 2.0'
verdict still 'ok: zero'
broken plain b
checks 1 'the order of the Taylor remainder' plain.wrong
verdict b WRONG
verdict w ok

# Many draws: sampling.  The sums of the costs hide the gradient from a few draws.
cat >many.sg <<'END2'
hyper height = 0.0
param l[18] = normal(0.5)
param shift = normal(0.5)
graph g {
  plate i = 18 {
    b ~ bernoulli(logits = l[i]) via score(baseline = none)
  }
  z[20] ~ normal(shift, 1)
  cost min(height - 10 + exp(log(1 + sum(b, over = i))), 1e6) + mean(square(z)) + 0.2 * square(shift) + 0.1 * sum(square(l))
}
train g { optimizer = sgd(lr = 0.1)  steps = 10 }
END2
status 0 sgc many.sg --real f64 -o many
checks 0 'sampling: ' many --bias 0.2
verdict shift ok
verdict l ok
status 0 ./many check-gradients --samples 64 --json
[ "$(tr -d '\t\n' <out | grep -oE '"directions":[0-9]+' | tr '\n' ' ')" = '"directions":9 "directions":1 ' ] ||
    { cat out >&2; fail 'not along the gradient and 8 random directions'; }
checks 0 'sampling: 64 draws' many --samples 64 height=300
verdict l 'undecided (snr'
says 'the check could not see a bias of 5%'
checks 1 'sampling: 64 draws' many --samples 64 height=300 -Werror
broken many shift
checks 1 'sampling: ' many.wrong --bias 0.2
verdict shift WRONG

# An exact gradient of a cost that jumps now and then: differences of few draws say nothing, and not that it is zero.
cat >guard.sg <<'END2'
param a = constant(0.5)
graph g {
  z ~ normal(0.3, 1.7)
  cost if a * z > 1 then 1 else 0
}
train g { optimizer = sgd(lr = 0.1)  steps = 10 }
END2
status 0 sgc guard.sg --real f64 -o guard
checks 0 'sampling: 64 draws' guard --samples 64
verdict a 'undecided (the cost jumps'
checks 0 'sampling: ' guard --bias 0.2
verdict a ok

# An estimator that was accepted as biased is biased.
cat >crooked.sg <<'END2'
param w = constant(0.7)
graph g { cost w * stop_gradient(exp(w)) biased }
train g { optimizer = sgd(lr = 0.1)  steps = 10 }
END2
status 0 sgc crooked.sg --real f64 -o crooked
status 1 ./crooked check-gradients
verdict w WRONG
says 'accepted as biased'

# What cannot be checked says why.
status 2 ./coins check-gradients nope
says 'no graph nope'
status 2 ./coins check-gradients --samples 1
says 'at least 2'
