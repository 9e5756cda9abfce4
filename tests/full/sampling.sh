#!/usr/bin/env bash
# The suite `sampling` with 100 times the draws: it sees biases a tenth as large, 1 % of the deviation of one sample.
. "$(dirname "$0")/../run/lib.sh"
SGC_SAMPLES=${SGC_SAMPLES:-100} sgc_tests --suite sampling
