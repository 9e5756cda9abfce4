#!/usr/bin/env bash
# The same as tests/run/fuzz_data.sh, many times.
MUTANTS=${MUTANTS:-10000} SEED=2 exec bash "$(dirname "$0")/../run/fuzz_data.sh"
