#!/usr/bin/env bash
# Every example: a few steps on data made here lower its cost on all rows; the graphs run.
. "$(dirname "$0")/lib.sh"

status 0 sgc "$SGC_SOURCE_DIR/tests/run/data.sg" -o data
for graph in gmm hmm logistic ppca; do
    status 0 ./data run "$graph" --rows 400 x="$graph.x.npy" y="$graph.y.npy"
done
