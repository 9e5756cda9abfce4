#!/usr/bin/env bash
# A build with -g names the operation that was first to give a value that is not finite, whatever
# kind it is and whoever reads it; the command that is printed makes that step again.
. "$(dirname "$0")/lib.sh"

# blames WORDS [OPTION...] <GRAPH: the first step ends in status 3 and names the operation, and so
# does its replay.
blames() {
    local words=$1 command
    shift
    { cat && echo 'train g { optimizer = sgd(lr = 0.1)  steps = 1 }'; } >m.sg
    status 0 sgc -g m.sg -o m
    status 3 ./m train --out "the run's" --overwrite "$@"
    says "; m.sg:$words"
    command=$(sed -n 's/^m: note: replay it: //p' err)
    status 3 bash -c "$command"
    says "; m.sg:$words"
}

# Products of matrices, as calls and as loops; and the row.
{ echo x; for row in {0..19}; do echo $((row == 7)); done; } >x.csv
blames '5:9: h: contract is inf (row 7)' x=x.csv <<'END2'
param p[40, 40] = constant(1e37)
graph g {
  plate n = rows(64) {
    data x
    h = broadcast(x * 1e4, [40]) @ p
    cost cos(h)
  }
}
END2
blames '4:12: contract is inf' <<'END2'
param p[2] = constant(1e30)
graph g {
  a = 1e5 * p
  cost cos(a @ p)
}
END2

# Reductions and running sums of what is finite.
blames '5:9: h: sum is inf (row 7)' x=x.csv <<'END2'
param p[40] = constant(5e36)
graph g {
  plate n = rows(64) {
    data x
    h = sum(tanh(1 / p) + p * (1 + x))
    cost cos(h)
  }
}
END2
blames '3:12: prod is inf' <<'END2'
param p[2] = constant(1e30)
graph g {
  cost cos(prod(p))
}
END2
blames '3:12: cumsum is inf' <<'END2'
param p[3] = constant(2e38)
graph g {
  cost cos(cumsum(p))
}
END2

# Factorisations of what has none.
blames '3:12: cholesky is nan' <<'END2'
param p[3, 3] = identity()
graph g {
  cost cos(cholesky(p - 2 * p))
}
END2
for solve in solve solve_tri; do
    blames "4:12: $solve is " <<END2
param p[3, 3] = zeros()
param b[3] = ones()
graph g {
  cost cos($solve(p, b))
}
END2
done

# Draws: of a law that has no such argument, and noise that a program gives.
blames '3:13: above of -1 and 0 is nan' <<'END2'
param p = constant(-1)
graph g {
  z ~ gamma(p, 1)
  cost tanh(z)
}
END2
cat >wave.sg <<'END2'
param p = zeros()
graph g {
  z ~ normal(p, 1)
  cost cos(z)
}
END2
cat >noise.c <<'END2'
#include "wave.h"
#include <math.h>
#include <stdio.h>

int main(void)
{
    wave *m;
    double cost[1 + WAVE_COSTS_g];
    float infinite = INFINITY;
    const void *noise[] = {&infinite};
    wave_call call = wave_call_of(0, NULL, NULL, cost);
    call.noise = noise;
    call.trusted = 1;
    int status = wave_new(&m, NULL);
    status = status == WAVE_OK ? wave_grad(m, WAVE_GRAPH_g, &call) : status;
    puts(wave_error(m));
    wave_free(m);
    return status != WAVE_E_NONFINITE;
}
END2
flags=(-I.)
if [ "${SGC_SANITIZED:-OFF}" = ON ]; then
    flags+=(-fsanitize=address,undefined)
fi
status 0 sgc -g wave.sg --emit=lib,header
status 0 cc "${flags[@]}" noise.c libwave.a -lm -pthread -o noise
status 0 ./noise
says '; wave.sg:3:3: draw is inf' out

# Element by element, in a row that is a vector.
blames '5:14: div of 1 and 0 is inf (row 7)' x=x.csv <<'END2'
param p[3] = ones()
graph g {
  plate n = rows(64) {
    data x
    cost cos(p / (p - x))
  }
}
END2

# Values that do not matter are not to blame: of a branch that is not taken, in another row.
blames '6:29: exp of 1000 is inf (row 7)' x=x.csv <<'END2'
param p = ones()
graph g {
  plate n = rows(64) {
    data x
    m = if p < 0 then log(-p) else p
    cost m + (if x > 0 then exp(1000 * x * p) else p)
  }
}
END2
{ echo x; for row in {0..19}; do echo $((row == 7 || row == 9 ? row : -1)); done; } >signs.csv
blames '5:9: h: log of -7 is nan (row 7)' x=signs.csv <<'END2'
param p = ones()
graph g {
  plate n = rows(64) {
    data x
    h = log(p * (if x > 0 then -x else x))
    cost if x > 0 then h else p
  }
}
END2

# In a sequence the first step counts, not the first line.
blames '6:12: a: mul of 1e+30 and 1e+30 is inf' <<'END2'
param p = constant(1e30)
graph g {
  a[0] = p / p
  for t in 1..9 {
    c = tanh(a[t-1]) + a[t-1] * p
    a[t] = 1e30 * c
  }
  cost cos(a[8])
}
END2

# In the gradient.
blames '4:17: scatter is inf' <<'END2'
param p[2] = zeros()
graph g {
  i = [0, 0, 0, 1]
  cost 2e38 * p[i]
}
END2
blames '3:22: mul of 2e+30 and 1e+30 is inf' <<'END2'
param p = constant(1e-30)
graph g {
  cost 1e30 * square(1e30 * p)
}
END2

# An update that would make a parameter so.
printf '%s\n' 'param p = ones()' 'graph g { cost 1e30 * p }' 'train g { optimizer = sgd(lr = 1e30)  steps = 2 }' >m.sg
status 0 sgc m.sg -o m
status 3 ./m train
says 'm: step 1: the update of element 0 of the parameter p is not finite'
says 'note: replay it: ./m train'
lacks 'sgc -g'

# A build without -g says that one with it helps, and one with it does not.
printf '%s\n' 'param p = zeros()' 'graph g { cost log(p) }' 'train g { optimizer = sgd(lr = 1)  steps = 2 }' >m.sg
status 0 sgc m.sg -o m
status 3 ./m train
says 'note: compiled with sgc -g, the same command names the operation'
status 0 sgc -g m.sg -o m
status 3 ./m train
lacks 'sgc -g'
