#!/usr/bin/env bash
# The same as tests/run/kill.sh, 200 times.
KILLS=200 SEED=${SEED:-2} exec bash "$(dirname "$0")/../run/kill.sh"
