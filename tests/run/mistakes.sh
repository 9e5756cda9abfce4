#!/usr/bin/env bash
# Mistakes of a newcomer, twenty and more, and what sgc or the model says.  docs/mistakes.md is what this script
# writes; as a test it checks that the page is what is said today.
#
#   PRINT=1 bash tests/run/mistakes.sh >docs/mistakes.md     writes the page anew
. "$(dirname "$0")/lib.sh"
export TERM=dumb

cat >model.sg <<'END'
param w[3] = zeros()
param b = zeros()
graph loss {
  plate n = rows(10) {
    data x[3]
    data y
    observe y ~ normal(x @ w + b, 1)
  }
}
graph predict {
  plate n = rows(10) {
    data x[3]
    output p = x @ w + b
  }
}
train loss { optimizer = adam(lr = 0.1)  epochs = 2 }
END
sgc model.sg -o model
printf '1,2,3\n4,5,6\n7,8,9\n' >x.csv
printf '1\n2\n3\n' >y.csv
printf '1,2\n3,4\n' >narrow.csv
printf '1,2,3\n4,five,6\n' >words.csv
printf '1\n2\n' >short.csv

number=0

# mistake TITLE COMMAND: what it says, and its status; a program on the standard input is mistake.sg.
mistake() {
    local code=0
    number=$((number + 1))
    printf '\n## %d. %s\n' $number "$1"
    if [ ! -t 0 ]; then
        cat >mistake.sg
        if [ -s mistake.sg ]; then
            printf '\n```text\n%s\n```\n' "$(cat mistake.sg)"
        fi
    fi
    shift
    bash -c "$*" >said 2>&1 </dev/null || code=$?
    [ $code -ne 0 ] || { cat mistake.sg said >&2; fail "no mistake: $*"; }
    # every wrong end is one of the documented ones
    [ $code -le 3 ] || { cat said >&2; fail "status $code: $*"; }
    printf '\n```text\n$ %s\n%s\n```\n' "$*" "$(cat said)"
}

page() {
    cat <<'END'
# Mistakes of a newcomer, and what is said

Each program or command below is wrong in the way that its heading says. `model` is the executable of a
linear regression with data `x[3]` and `y`. The page is written by `tests/run/mistakes.sh`, which is also the
test that it is true.
END
    mistake 'A name with two letters exchanged' sgc mistake.sg <<'END'
param weight = ones()
graph g { cost wieght ^ 2 }
END
    mistake 'A function from PyTorch' sgc mistake.sg <<'END'
param w = ones()
graph g { cost torch.nn.functional.softplus(w) }
END
    mistake 'A density from Stan' sgc mistake.sg <<'END'
param mu = zeros()
graph g {
  data y
  cost -normal_lpdf(y, mu, 1)
}
END
    mistake 'A power from Python' sgc mistake.sg <<'END'
param w = ones()
graph g { cost w ** 2 }
END
    mistake 'A condition from C' sgc mistake.sg <<'END'
param w = ones()
graph g { cost if w > 0 && w < 1 then w else 1 }
END
    mistake 'A word that begins no statement' sgc mistake.sg <<'END'
param w = ones()
graph g {
  let y = 2 * w
  cost y ^ 2
}
END
    mistake 'A matrix and a vector that do not fit' sgc mistake.sg <<'END'
param W[500, 20] = glorot()
graph g {
  data x[784]
  h = x @ W
  cost sum(h) ^ 2
}
END
    mistake 'Operands of different shapes' sgc mistake.sg <<'END'
param W[4, 3] = glorot()
param b[4] = zeros()
graph g {
  data x[4]
  cost sum(square(x @ W + b))
}
END
    mistake 'A law with an argument missing' sgc mistake.sg <<'END'
param m = zeros()
graph g {
  z ~ normal(m)
  cost z ^ 2
}
END
    mistake 'Arguments exchanged' sgc mistake.sg <<'END'
param m = zeros()
graph g {
  data y
  cost -log_prob(y, normal(m, 1))
}
END
    mistake 'A brace that is not closed' sgc mistake.sg <<'END'
param w = ones()
graph g {
  plate k = 3 {
    cost (w - k) ^ 2
}
END
    mistake 'A gradient through a discrete draw' sgc mistake.sg <<'END'
param p in unit_interval = constant(0.5)
graph g {
  z ~ bernoulli(p) via reparam
  cost (z - 0.2) ^ 2
}
END
    mistake 'A jump that a pathwise gradient would not see' sgc mistake.sg <<'END'
param m = zeros()
graph g {
  z ~ normal(m, 1) via pathwise
  cost z * floor(z)
}
END
    mistake 'A flag with a letter missing' sgc --remark model.sg </dev/null
    mistake 'A model that is not there' sgc modle.sg </dev/null
    mistake 'Data that are not given' ./model train x=x.csv </dev/null
    mistake 'Data under a wrong name' ./model train X=x.csv y=y.csv </dev/null
    mistake 'A data file that is not there' ./model train x=x.cvs y=y.csv </dev/null
    mistake 'Data of another shape' ./model train x=narrow.csv y=y.csv </dev/null
    mistake 'Data with different numbers of rows' ./model train x=x.csv y=short.csv </dev/null
    mistake 'A word among the numbers' ./model train x=words.csv y=y.csv </dev/null
    mistake 'A verb and a flag that there are not' './model trian x=x.csv y=y.csv; ./model train --epoch 3 x=x.csv y=y.csv' </dev/null
}

page >page.md
number=$(grep -c '^## ' page.md)
[ "$number" -ge 20 ] || fail "only $number mistakes"
if [ -t 1 ] || [ "${PRINT:-}" ]; then
    cat page.md
else
    diff -u "$SGC_SOURCE_DIR/docs/mistakes.md" page.md || fail 'docs/mistakes.md: PRINT=1 bash tests/run/mistakes.sh writes it'
fi
