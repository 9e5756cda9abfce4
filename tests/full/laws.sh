#!/usr/bin/env bash
# docs/laws.md against the compiler, those of its cells too that take long to measure.
. "$(dirname "$0")/../run/lib.sh"
SGC_SLOW=1 sgc_tests --suite pairs_real
SGC_SLOW=1 sgc_tests --suite pairs_int
