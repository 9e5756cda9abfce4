#!/usr/bin/env bash
# The same as tests/run/kill.sh, 200 times by kill -9 and 100 times by ^C and SIGTERM.
run=$(dirname "$0")/../run/kill.sh
SIGNALS=KILL KILLS=200 SEED=${SEED:-2} bash "$run" && SIGNALS='INT TERM' KILLS=100 SEED=${SEED:-2} bash "$run"
