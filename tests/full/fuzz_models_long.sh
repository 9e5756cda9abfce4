#!/usr/bin/env bash
# 10,000 damaged programs and dumps; tests/full/fuzz_data_long.sh has as many data files and checkpoints.
MUTANTS=${MUTANTS:-10000} SEED=${SEED:-1000} exec bash "$(dirname "$0")/../run/fuzz_models.sh"
