#!/usr/bin/env bash
# python/sgc.py, where there is a Python with numpy.
. "$(dirname "$0")/lib.sh"

python=
for candidate in python3 /usr/bin/python3; do
    if [ -z "$python" ] && "$candidate" -c 'import numpy' 2>/dev/null; then
        python=$candidate
    fi
done
if [ -z "$python" ] || [ "${SGC_SANITIZED:-OFF}" = ON ]; then
    echo 'no Python with numpy, or one without the sanitizers'
    exit 77
fi

status 0 sgc "$SGC_SOURCE_DIR/tests/embed/line.sg" --emit=shared,json
status 0 sgc "$examples/vae.sg" --dim hidden=24 --dim latent=4 --dim batch=16 --emit=shared
mkdir every
for model in "$examples"/*.sg; do
    status 0 sgc "$model" --emit=shared --out-dir every
done
export PYTHONPATH=$SGC_SOURCE_DIR/python PYTHONDONTWRITEBYTECODE=1
status 0 "$python" "$SGC_SOURCE_DIR/tests/embed/model.py"
cat out
silent err
