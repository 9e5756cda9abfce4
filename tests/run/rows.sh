#!/usr/bin/env bash
# The index of a rows plate is the row of the data set, in whatever order an epoch visits them.
. "$(dirname "$0")/lib.sh"

cat >count.sg <<'END'
graph count { plate n = rows(4) { output x = 1.0 * n } }
END
cat >rows.sg <<'END'
param w = ones()
graph g { plate n = rows(4) { data x; cost square(w * (x - n)) } }
train g { optimizer = sgd(lr = 0.1)  epochs = 2 }
END
status 0 sgc count.sg -o count
status 0 ./count run count --rows 11 x=x.npy
status 0 sgc rows.sg -o rows
status 0 ./rows eval x=x.npy --quiet
says 'cost 0 ±0 per row' out
status 0 ./rows train x=x.npy --out run
says 'step=6 epoch=2 cost=0 '
